-- upgrade: 0002_last_written.sql c41387a142a6dbde
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
ON langgraph_checkpoints (checkpoint_id, thread_id, checkpoint_ns);
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_run
ON langgraph_checkpoints (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_written
ON langgraph_checkpoints (created_at, thread_id);

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

INSERT INTO _schema_versions (module, version) VALUES ('langgraph', 2)
ON CONFLICT (module) DO NOTHING;
