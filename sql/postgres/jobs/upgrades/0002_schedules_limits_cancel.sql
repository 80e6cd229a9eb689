-- Time limits, requests to cancel, keys that cover running jobs, paused types, and cron schedules.
-- check: squawk require-concurrent-index-creation because all of it is one transaction
-- check: squawk require-concurrent-index-deletion because all of it is one transaction
-- check: upgrade-lock of job_queue because all of it is one transaction

ALTER TABLE job_queue
ADD COLUMN time_limit_seconds DOUBLE PRECISION
CONSTRAINT job_queue_time_limit_seconds_check CHECK (time_limit_seconds > 0),
ADD COLUMN unique_while_running BOOLEAN NOT NULL DEFAULT FALSE,
ADD COLUMN cancel_requested_at TIMESTAMPTZ;

-- The new index holds at most the jobs that wait or run. Writers of the table wait until the upgrade
-- has committed.
CREATE UNIQUE INDEX idx_job_queue_active_key
ON job_queue (unique_key)
WHERE
unique_key IS NOT NULL
AND (
    status IN ('pending', 'scheduled', 'retrying')
    OR (status = 'processing' AND unique_while_running)
);
DROP INDEX idx_job_queue_unique_key;

ALTER TABLE job_queue_limits
ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE job_schedules (
    name TEXT COLLATE "C" NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    job_type TEXT COLLATE "C" NOT NULL,
    payload JSONB NOT NULL DEFAULT '{}'::jsonb,
    priority INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    time_limit_seconds DOUBLE PRECISION,
    unique_key TEXT COLLATE "C",
    unique_while_running BOOLEAN NOT NULL DEFAULT FALSE,
    user_id TEXT,
    workspace_id TEXT,
    next_run_at TIMESTAMPTZ NOT NULL,
    last_run_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT job_schedules_pkey PRIMARY KEY (name),
    CONSTRAINT job_schedules_name_check CHECK (name <> ''),
    CONSTRAINT job_schedules_cron_check CHECK (cron <> ''),
    CONSTRAINT job_schedules_time_zone_check CHECK (time_zone <> ''),
    CONSTRAINT job_schedules_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_schedules_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT job_schedules_max_attempts_check CHECK (max_attempts >= 1),
    CONSTRAINT job_schedules_time_limit_seconds_check CHECK (time_limit_seconds > 0),
    CONSTRAINT job_schedules_unique_key_check CHECK (unique_key <> '')
);

ALTER TABLE job_schedules ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON job_schedules FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON COLUMN job_queue.lease_expires_at IS 'The claim holds until then, unless its worker extends the lease.';
COMMENT ON COLUMN job_queue.scheduled_at IS 'Not to be claimed before this timestamp; NULL: at once.';
COMMENT ON COLUMN job_queue.time_limit_seconds IS 'How long one attempt may run, in seconds; NULL: any time.';
COMMENT ON COLUMN job_queue.unique_while_running IS 'Whether its unique key keeps other jobs out while it is processed, too.';
COMMENT ON COLUMN job_queue.cancel_requested_at IS 'When somebody asked for its cancellation; its worker stops it.';
COMMENT ON COLUMN job_queue_limits.paused IS 'Whether no job of the type is claimed until it is resumed.';

COMMENT ON TABLE job_schedules IS 'What is enqueued at the times of a cron expression.';
COMMENT ON COLUMN job_schedules.name IS 'Name of the schedule, given by the application.';
COMMENT ON COLUMN job_schedules.cron IS 'When it runs: minute, hour, day of month, month, day of week.';
COMMENT ON COLUMN job_schedules.time_zone IS 'IANA name of the time zone of the cron expression.';
COMMENT ON COLUMN job_schedules.enabled IS 'Whether it runs.';
COMMENT ON COLUMN job_schedules.job_type IS 'Type of the jobs that it enqueues.';
COMMENT ON COLUMN job_schedules.payload IS 'Payload of these jobs.';
COMMENT ON COLUMN job_schedules.priority IS 'Priority of these jobs.';
COMMENT ON COLUMN job_schedules.max_attempts IS 'After so many failed attempts one of these jobs is dead.';
COMMENT ON COLUMN job_schedules.time_limit_seconds IS 'How long one attempt may run, in seconds; NULL: any time.';
COMMENT ON COLUMN job_schedules.unique_key IS 'Unique key of these jobs: no new one while one of the key waits.';
COMMENT ON COLUMN job_schedules.unique_while_running IS 'Whether the key keeps new ones out while one is processed, too.';
COMMENT ON COLUMN job_schedules.user_id IS 'User that these jobs belong to.';
COMMENT ON COLUMN job_schedules.workspace_id IS 'Workspace that these jobs belong to.';
COMMENT ON COLUMN job_schedules.next_run_at IS 'When it runs next.';
COMMENT ON COLUMN job_schedules.last_run_at IS 'For which time it ran last; NULL: never.';
COMMENT ON COLUMN job_schedules.created_at IS 'When it was stored.';
COMMENT ON COLUMN job_schedules.updated_at IS 'When the row was last changed.';
