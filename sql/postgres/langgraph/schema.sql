-- LangGraph's checkpoints: one row for each checkpoint, channel value and pending write.
-- meaning: values of langgraph_checkpoints.thread_id ["t", "t", "t", "T", "u", "v", "w"] because rows of the three tables belong together by them
-- meaning: values of langgraph_checkpoints.checkpoint_ns ["", "n"] because rows of the three tables belong together by them
-- meaning: values of langgraph_checkpoints.checkpoint_id ["1", "2", "3", "4"] because rows of the three tables belong together by them
-- meaning: values of langgraph_checkpoints.parent_checkpoint_id ["1", "2", "3"] because rows of the three tables belong together by them
-- meaning: values of langgraph_values.thread_id ["t", "t", "t", "T", "u", "v", "w"] because rows of the three tables belong together by them
-- meaning: values of langgraph_values.checkpoint_ns ["", "n"] because rows of the three tables belong together by them
-- meaning: values of langgraph_values.channel ["a", "b", "c"] because rows of the three tables belong together by them
-- meaning: values of langgraph_values.version ["1", "2"] because rows of the three tables belong together by them
-- meaning: values of langgraph_writes.thread_id ["t", "t", "t", "T", "u", "v", "w"] because rows of the three tables belong together by them
-- meaning: values of langgraph_writes.checkpoint_ns ["", "n"] because rows of the three tables belong together by them
-- meaning: values of langgraph_writes.checkpoint_id ["1", "2", "3", "4"] because rows of the three tables belong together by them
-- meaning: values of langgraph_writes.channel ["a", "b", "c"] because rows of the three tables belong together by them
-- meaning: values of langgraph_checkpoints.channel_versions [{"a": "1"}, {"a": "2", "b": "1"}, {"b": "1"}, {"c": "2", "a": null}, {}] because it names rows of langgraph_values

CREATE TABLE IF NOT EXISTS langgraph_checkpoints (
    thread_id TEXT COLLATE "C" NOT NULL,
    checkpoint_ns TEXT COLLATE "C" NOT NULL DEFAULT '',
    checkpoint_id TEXT COLLATE "C" NOT NULL,
    parent_checkpoint_id TEXT COLLATE "C",
    run_id TEXT,
    channel_versions JSONB NOT NULL DEFAULT '{}'::jsonb,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    type TEXT NOT NULL,
    content BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT langgraph_checkpoints_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id),
    CONSTRAINT langgraph_checkpoints_thread_id_check CHECK (thread_id <> ''),
    CONSTRAINT langgraph_checkpoints_checkpoint_id_check CHECK (checkpoint_id <> ''),
    CONSTRAINT langgraph_checkpoints_channel_versions_check
    CHECK (jsonb_typeof(channel_versions) = 'object'),
    CONSTRAINT langgraph_checkpoints_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_id
ON langgraph_checkpoints (checkpoint_id);
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_run
ON langgraph_checkpoints (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_written
ON langgraph_checkpoints (created_at);

CREATE TABLE IF NOT EXISTS langgraph_values (
    thread_id TEXT COLLATE "C" NOT NULL,
    checkpoint_ns TEXT COLLATE "C" NOT NULL DEFAULT '',
    channel TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    type TEXT NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT langgraph_values_pkey PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
);

CREATE TABLE IF NOT EXISTS langgraph_writes (
    thread_id TEXT COLLATE "C" NOT NULL,
    checkpoint_ns TEXT COLLATE "C" NOT NULL DEFAULT '',
    checkpoint_id TEXT COLLATE "C" NOT NULL,
    task_id TEXT COLLATE "C" NOT NULL,
    idx INTEGER NOT NULL,
    task_path TEXT COLLATE "C" NOT NULL DEFAULT '',
    channel TEXT COLLATE "C" NOT NULL,
    type TEXT NOT NULL,
    content BYTEA NOT NULL,
    created_at TIMESTAMPTZ,
    CONSTRAINT langgraph_writes_pkey
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE langgraph_checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE langgraph_values ENABLE ROW LEVEL SECURITY;
ALTER TABLE langgraph_writes ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON '
            || 'langgraph_checkpoints, langgraph_values, langgraph_writes FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE langgraph_checkpoints IS 'A checkpoint of a LangGraph thread; the larger values of its channels are in langgraph_values.';
COMMENT ON COLUMN langgraph_checkpoints.thread_id IS 'The thread.';
COMMENT ON COLUMN langgraph_checkpoints.checkpoint_ns IS 'Namespace of a subgraph; empty for the graph itself.';
COMMENT ON COLUMN langgraph_checkpoints.checkpoint_id IS 'LangGraph''s id; later ones sort behind earlier ones.';
COMMENT ON COLUMN langgraph_checkpoints.parent_checkpoint_id IS 'The checkpoint that this one continues; NULL for the first.';
COMMENT ON COLUMN langgraph_checkpoints.run_id IS 'The run that made it, from its metadata.';
COMMENT ON COLUMN langgraph_checkpoints.channel_versions IS 'Version by channel: which rows of langgraph_values belong to it; null where content has the value.';
COMMENT ON COLUMN langgraph_checkpoints.metadata IS 'Source, step, parents and what the application added.';
COMMENT ON COLUMN langgraph_checkpoints.type IS 'How content is serialised; behind zstd: it is compressed.';
COMMENT ON COLUMN langgraph_checkpoints.content IS 'The serialised checkpoint, with its small and its new values.';
COMMENT ON COLUMN langgraph_checkpoints.created_at IS 'When the row was written.';

COMMENT ON TABLE langgraph_values IS 'Value of a channel at a version, shared by all checkpoints that have it.';
COMMENT ON COLUMN langgraph_values.thread_id IS 'The thread.';
COMMENT ON COLUMN langgraph_values.checkpoint_ns IS 'Namespace of a subgraph; empty for the graph itself.';
COMMENT ON COLUMN langgraph_values.channel IS 'The channel.';
COMMENT ON COLUMN langgraph_values.version IS 'The version.';
COMMENT ON COLUMN langgraph_values.type IS 'How content is serialised; behind zstd: it is compressed.';
COMMENT ON COLUMN langgraph_values.content IS 'The serialised value.';

COMMENT ON TABLE langgraph_writes IS 'What a task wrote after a checkpoint, not yet part of the next one.';
COMMENT ON COLUMN langgraph_writes.thread_id IS 'The thread.';
COMMENT ON COLUMN langgraph_writes.checkpoint_ns IS 'Namespace of a subgraph; empty for the graph itself.';
COMMENT ON COLUMN langgraph_writes.checkpoint_id IS 'The checkpoint that the task started from; it may come later than its writes.';
COMMENT ON COLUMN langgraph_writes.task_id IS 'The task.';
COMMENT ON COLUMN langgraph_writes.idx IS 'Place among the task''s writes; negative for errors, interrupts and the like.';
COMMENT ON COLUMN langgraph_writes.task_path IS 'Path of the task in the graph; writes of a step are applied in its order.';
COMMENT ON COLUMN langgraph_writes.channel IS 'The channel.';
COMMENT ON COLUMN langgraph_writes.type IS 'How content is serialised; behind zstd: it is compressed.';
COMMENT ON COLUMN langgraph_writes.content IS 'The serialised value.';
COMMENT ON COLUMN langgraph_writes.created_at IS 'When the row was written; NULL where that is not known.';

INSERT INTO _schema_versions (module, version) VALUES ('langgraph', 4)
ON CONFLICT (module) DO NOTHING;
