-- Finished jobs that are moved out of the queue.

CREATE TABLE job_history (
    id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    job_type TEXT COLLATE "C" NOT NULL,
    payload JSONB NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    claim_count BIGINT NOT NULL,
    worker_id TEXT,
    unique_key TEXT COLLATE "C",
    unique_while_running BOOLEAN NOT NULL,
    user_id TEXT,
    workspace_id TEXT,
    error TEXT,
    result JSONB,
    time_limit_seconds DOUBLE PRECISION,
    scheduled_at TIMESTAMPTZ,
    cancel_requested_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    trace_parent TEXT,
    -- An id may be given again after its job was moved here, so its end is a part of the key.
    CONSTRAINT job_history_pkey PRIMARY KEY (id, completed_at),
    CONSTRAINT job_history_id_check CHECK (id <> ''),
    CONSTRAINT job_history_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_history_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT job_history_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT job_history_status_check CHECK (
        status IN (
            'pending', 'scheduled', 'retrying', 'processing', 'completed', 'failed', 'cancelled'
        )
    ),
    -- The words are those of job_queue.status; here is what has ended.
    CONSTRAINT job_history_finished_check
    CHECK (status NOT IN ('pending', 'scheduled', 'retrying', 'processing'))
);

-- The newest, a page after the other; and what is older than a time.
CREATE INDEX idx_job_history_completed ON job_history (completed_at, id);

ALTER TABLE job_history ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON job_history FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE job_history IS 'Finished jobs that were moved out of the queue.';
COMMENT ON COLUMN job_history.id IS 'Identifier of the job; one that was given again after its job was moved here is here twice.';
COMMENT ON COLUMN job_history.number IS 'Order in which jobs were enqueued.';
COMMENT ON COLUMN job_history.job_type IS 'Kind of work.';
COMMENT ON COLUMN job_history.payload IS 'What the job was about. [personal]';
COMMENT ON COLUMN job_history.status IS 'completed, failed (dead) or cancelled.';
COMMENT ON COLUMN job_history.priority IS 'A job of a larger number was claimed sooner.';
COMMENT ON COLUMN job_history.attempts IS 'How often it was started.';
COMMENT ON COLUMN job_history.max_attempts IS 'After so many failed attempts it was dead.';
COMMENT ON COLUMN job_history.claim_count IS 'How often it was claimed.';
COMMENT ON COLUMN job_history.worker_id IS 'Worker that finished it, or held it last.';
COMMENT ON COLUMN job_history.unique_key IS 'Its unique key while it waited; here any number of jobs may have one.';
COMMENT ON COLUMN job_history.unique_while_running IS 'Whether that key kept other jobs out while it was processed, too.';
COMMENT ON COLUMN job_history.user_id IS 'User that the job belonged to. [user]';
COMMENT ON COLUMN job_history.workspace_id IS 'Workspace that the job belonged to.';
COMMENT ON COLUMN job_history.error IS 'Why the last attempt failed; NULL after a success. [personal]';
COMMENT ON COLUMN job_history.result IS 'What the job gave, where it gave something. [personal]';
COMMENT ON COLUMN job_history.time_limit_seconds IS 'How long one attempt was allowed to run, in seconds; NULL: any time.';
COMMENT ON COLUMN job_history.scheduled_at IS 'Not to be claimed before this timestamp; NULL: at once.';
COMMENT ON COLUMN job_history.cancel_requested_at IS 'When somebody asked for its cancellation.';
COMMENT ON COLUMN job_history.started_at IS 'When it was claimed last; NULL: never.';
COMMENT ON COLUMN job_history.completed_at IS 'When it was completed, died or was cancelled.';
COMMENT ON COLUMN job_history.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN job_history.updated_at IS 'When the job was last changed before it was moved here.';
COMMENT ON COLUMN job_history.trace_parent IS 'W3C traceparent of whoever enqueued it; NULL where nothing was traced.';
