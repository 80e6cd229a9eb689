-- Smaller indexes; small and new values are in the checkpoint itself. Rows that are there stay as they
-- are, and are read as before.

DROP INDEX idx_langgraph_checkpoints_id;
CREATE INDEX idx_langgraph_checkpoints_id ON langgraph_checkpoints (checkpoint_id);
DROP INDEX idx_langgraph_checkpoints_written;
CREATE INDEX idx_langgraph_checkpoints_written ON langgraph_checkpoints (created_at);

-- A checkpoint together with values that it brings: given has the channel, version and type of each,
-- and where in contents it is; kept has the versions of those that have to be there. So all of it is
-- one statement.
CREATE VIEW IF NOT EXISTS langgraph_puts AS
SELECT
    c.thread_id,
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.run_id,
    c.channel_versions,
    c.metadata,
    c.type,
    c.content,
    '[]' AS given,
    x'' AS contents,
    '{}' AS kept
FROM langgraph_checkpoints AS c;

CREATE TRIGGER IF NOT EXISTS langgraph_puts_insert INSTEAD OF INSERT ON langgraph_puts
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
    WHERE TRUE
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
