-- LangGraph's checkpoints: one row for each checkpoint, channel value and pending write.

CREATE TABLE IF NOT EXISTS langgraph_checkpoints (
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT NOT NULL DEFAULT '',
    checkpoint_id TEXT NOT NULL,
    parent_checkpoint_id TEXT,
    run_id TEXT,
    channel_versions TEXT NOT NULL DEFAULT '{}',
    metadata TEXT NOT NULL DEFAULT '{}',
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT langgraph_checkpoints_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id),
    CONSTRAINT langgraph_checkpoints_thread_id_check CHECK (thread_id <> ''),
    CONSTRAINT langgraph_checkpoints_checkpoint_id_check CHECK (checkpoint_id <> ''),
    CONSTRAINT langgraph_checkpoints_channel_versions_check
    CHECK (json_valid(channel_versions) AND json_type(channel_versions) = 'object'),
    CONSTRAINT langgraph_checkpoints_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT langgraph_checkpoints_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_id
ON langgraph_checkpoints (checkpoint_id);
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_run
ON langgraph_checkpoints (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_written
ON langgraph_checkpoints (created_at);

CREATE TABLE IF NOT EXISTS langgraph_values (
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL,
    version TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    CONSTRAINT langgraph_values_pkey PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
) STRICT;

CREATE TABLE IF NOT EXISTS langgraph_writes (
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT NOT NULL DEFAULT '',
    checkpoint_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    task_path TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    -- with its rule, so that an upgrade can add both without copying the table
    created_at TEXT
    CONSTRAINT langgraph_writes_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT langgraph_writes_pkey
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
) STRICT;

-- A checkpoint together with values that it brings: given has the channel, version and type of each,
-- and where in contents it is; kept has the versions of those that have to be there. So all of it is
-- one statement.
-- parity: table langgraph_puts because PostgreSQL stores both with one statement
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

INSERT INTO _schema_versions (module, version) VALUES ('langgraph', 4)
ON CONFLICT (module) DO NOTHING;
