-- Larger values are stored compressed. Rows that are there stay as they are, and are read as before. A
-- value that comes alone with its checkpoint is copied less often.

DROP TRIGGER langgraph_puts_insert;
CREATE TRIGGER langgraph_puts_insert INSTEAD OF INSERT ON langgraph_puts
BEGIN
    -- Here and not in a WHERE of the statement, for which SQLite would copy the contents.
    SELECT raise(IGNORE)
    FROM json_each(new.kept) AS k
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM langgraph_values AS v
            WHERE
                v.thread_id = new.thread_id
                AND v.checkpoint_ns = new.checkpoint_ns
                AND v.channel = k.key
                AND v.version = k.value
        );
    -- Of one value the contents are all of it: substr() and a loop would copy them several times.
    INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
    SELECT
        new.thread_id,
        new.checkpoint_ns,
        new.given ->> '$[0].channel',
        new.given ->> '$[0].version',
        new.given ->> '$[0].type',
        new.contents
    WHERE
        json_array_length(new.given) = 1
        AND new.given ->> '$[0].length' >= length(new.contents)
    ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;
    INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
    SELECT
        new.thread_id,
        new.checkpoint_ns,
        g.value ->> 'channel',
        g.value ->> 'version',
        g.value ->> 'type',
        -- of no bytes it would give NULL
        coalesce(substr(new.contents, g.value ->> 'first', g.value ->> 'length'), x'')
    FROM json_each(new.given) AS g
    WHERE
        json_array_length(new.given) > 1
        OR new.given ->> '$[0].length' < length(new.contents)
    ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;
    INSERT INTO langgraph_checkpoints (
        thread_id,
        checkpoint_ns,
        checkpoint_id,
        parent_checkpoint_id,
        run_id,
        channel_versions,
        metadata,
        type,
        content
    )
    VALUES (
        new.thread_id,
        new.checkpoint_ns,
        new.checkpoint_id,
        new.parent_checkpoint_id,
        new.run_id,
        new.channel_versions,
        new.metadata,
        new.type,
        new.content
    )
    ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO UPDATE
    SET
        parent_checkpoint_id = excluded.parent_checkpoint_id,
        run_id = excluded.run_id,
        channel_versions = excluded.channel_versions,
        metadata = excluded.metadata,
        type = excluded.type,
        content = excluded.content,
        created_at = excluded.created_at;
END;
