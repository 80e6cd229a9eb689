-- Job queue: jobs with priorities, leases, retries, schedules, unique keys and limits per type.
--
-- A job is 'pending' (may be claimed now), 'scheduled' or 'retrying' (waits for scheduled_at),
-- 'processing' (claimed, under a lease), or finished: 'completed', 'failed' (dead) or 'cancelled'.
-- Each group has a partial index of its own, so that a claim meets pending jobs only.

CREATE TABLE IF NOT EXISTS job_queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    job_type TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'pending',
    priority INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    claim_count INTEGER NOT NULL DEFAULT 0,
    worker_id TEXT,
    unique_key TEXT,
    user_id TEXT,
    workspace_id TEXT,
    error TEXT,
    result TEXT,
    scheduled_at TEXT,
    lease_expires_at TEXT,
    started_at TEXT,
    completed_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    time_limit_seconds REAL
    CONSTRAINT job_queue_time_limit_seconds_check CHECK (time_limit_seconds > 0),
    unique_while_running INTEGER NOT NULL DEFAULT 0
    CONSTRAINT job_queue_unique_while_running_check CHECK (unique_while_running IN (0, 1)),
    cancel_requested_at TEXT
    CONSTRAINT job_queue_cancel_requested_at_form_check
    CHECK (cancel_requested_at LIKE '____-__-__T__:__:__.______Z'),
    trace_parent TEXT,
    CONSTRAINT job_queue_id_key UNIQUE (id),
    CONSTRAINT job_queue_id_check CHECK (id <> ''),
    CONSTRAINT job_queue_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_queue_payload_check
    CHECK (json_valid(payload) AND json_type(payload) = 'object'),
    CONSTRAINT job_queue_result_check
    CHECK (result IS NULL OR (json_valid(result) AND json_type(result) = 'object')),
    CONSTRAINT job_queue_status_check CHECK (
        status IN (
            'pending', 'scheduled', 'retrying', 'processing', 'completed', 'failed', 'cancelled'
        )
    ),
    CONSTRAINT job_queue_priority_check CHECK (priority BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT job_queue_attempts_check CHECK (attempts >= 0),
    CONSTRAINT job_queue_max_attempts_check CHECK (max_attempts >= 1),
    CONSTRAINT job_queue_claim_count_check CHECK (claim_count >= 0),
    CONSTRAINT job_queue_unique_key_check CHECK (unique_key <> ''),
    -- who waits has a time, who is claimed has a lease and a worker, who is finished has an end
    CONSTRAINT job_queue_scheduled_at_check
    CHECK (status NOT IN ('scheduled', 'retrying') OR scheduled_at IS NOT NULL),
    CONSTRAINT job_queue_lease_check
    CHECK (
        (status = 'processing') = (lease_expires_at IS NOT NULL)
        AND (status <> 'processing' OR worker_id IS NOT NULL)
    ),
    CONSTRAINT job_queue_completed_at_check
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
    CONSTRAINT job_queue_scheduled_at_form_check
    CHECK (scheduled_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_queue_lease_expires_at_form_check
    CHECK (lease_expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_queue_started_at_form_check
    CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_queue_completed_at_form_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_queue_created_at_form_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_queue_updated_at_form_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- What a claim reads, in the order in which jobs are given out.
CREATE INDEX IF NOT EXISTS idx_job_queue_ready
ON job_queue (job_type, priority DESC, number) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_job_queue_waiting
ON job_queue (scheduled_at) WHERE status IN ('scheduled', 'retrying');
-- Without the lease, so that extending it changes no index.
CREATE INDEX IF NOT EXISTS idx_job_queue_running
ON job_queue (job_type) WHERE status = 'processing';
CREATE INDEX IF NOT EXISTS idx_job_queue_finished
ON job_queue (status, completed_at) WHERE completed_at IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_job_queue_active_key
ON job_queue (unique_key)
WHERE
    unique_key IS NOT NULL
    AND (
        status IN ('pending', 'scheduled', 'retrying')
        OR (status = 'processing' AND unique_while_running)
    );

CREATE TABLE IF NOT EXISTS job_queue_limits (
    job_type TEXT NOT NULL,
    max_running INTEGER NOT NULL,
    running INTEGER NOT NULL DEFAULT 0,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    paused INTEGER NOT NULL DEFAULT 0
    CONSTRAINT job_queue_limits_paused_check CHECK (paused IN (0, 1)),
    CONSTRAINT job_queue_limits_pkey PRIMARY KEY (job_type),
    CONSTRAINT job_queue_limits_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_queue_limits_max_running_check CHECK (max_running >= 0),
    CONSTRAINT job_queue_limits_running_check CHECK (running >= 0),
    CONSTRAINT job_queue_limits_updated_at_form_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS job_schedules (
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    enabled INTEGER NOT NULL DEFAULT 1,
    job_type TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    priority INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    time_limit_seconds REAL,
    unique_key TEXT,
    unique_while_running INTEGER NOT NULL DEFAULT 0,
    user_id TEXT,
    workspace_id TEXT,
    next_run_at TEXT NOT NULL,
    last_run_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT job_schedules_pkey PRIMARY KEY (name),
    CONSTRAINT job_schedules_name_check CHECK (name <> ''),
    CONSTRAINT job_schedules_cron_check CHECK (cron <> ''),
    CONSTRAINT job_schedules_time_zone_check CHECK (time_zone <> ''),
    CONSTRAINT job_schedules_enabled_check CHECK (enabled IN (0, 1)),
    CONSTRAINT job_schedules_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_schedules_payload_check
    CHECK (json_valid(payload) AND json_type(payload) = 'object'),
    CONSTRAINT job_schedules_priority_check CHECK (priority BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT job_schedules_max_attempts_check CHECK (max_attempts >= 1),
    CONSTRAINT job_schedules_time_limit_seconds_check CHECK (time_limit_seconds > 0),
    CONSTRAINT job_schedules_unique_key_check CHECK (unique_key <> ''),
    CONSTRAINT job_schedules_unique_while_running_check CHECK (unique_while_running IN (0, 1)),
    CONSTRAINT job_schedules_next_run_at_form_check CHECK (
        next_run_at LIKE '____-__-__T__:__:__.______Z'
    ),
    CONSTRAINT job_schedules_last_run_at_form_check CHECK (
        last_run_at LIKE '____-__-__T__:__:__.______Z'
    ),
    CONSTRAINT job_schedules_created_at_form_check CHECK (
        created_at LIKE '____-__-__T__:__:__.______Z'
    ),
    CONSTRAINT job_schedules_updated_at_form_check CHECK (
        updated_at LIKE '____-__-__T__:__:__.______Z'
    )
) STRICT;

CREATE TABLE IF NOT EXISTS job_history (
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    job_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    claim_count INTEGER NOT NULL,
    worker_id TEXT,
    unique_key TEXT,
    unique_while_running INTEGER NOT NULL,
    user_id TEXT,
    workspace_id TEXT,
    error TEXT,
    result TEXT,
    time_limit_seconds REAL,
    scheduled_at TEXT,
    cancel_requested_at TEXT,
    started_at TEXT,
    completed_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    trace_parent TEXT,
    -- An id may be given again after its job was moved here, so its end is a part of the key.
    CONSTRAINT job_history_pkey PRIMARY KEY (id, completed_at),
    CONSTRAINT job_history_id_check CHECK (id <> ''),
    CONSTRAINT job_history_job_type_check CHECK (job_type <> ''),
    CONSTRAINT job_history_payload_check
    CHECK (json_valid(payload) AND json_type(payload) = 'object'),
    CONSTRAINT job_history_result_check
    CHECK (result IS NULL OR (json_valid(result) AND json_type(result) = 'object')),
    CONSTRAINT job_history_status_check CHECK (
        status IN (
            'pending', 'scheduled', 'retrying', 'processing', 'completed', 'failed', 'cancelled'
        )
    ),
    -- The words are those of job_queue.status; here is what has ended.
    CONSTRAINT job_history_finished_check
    CHECK (status NOT IN ('pending', 'scheduled', 'retrying', 'processing')),
    CONSTRAINT job_history_priority_check CHECK (priority BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT job_history_unique_while_running_check CHECK (unique_while_running IN (0, 1)),
    CONSTRAINT job_history_scheduled_at_form_check
    CHECK (scheduled_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_history_cancel_requested_at_form_check
    CHECK (cancel_requested_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_history_started_at_form_check
    CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_history_completed_at_form_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_history_created_at_form_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT job_history_updated_at_form_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- The newest, a page after the other; and what is older than a time.
CREATE INDEX IF NOT EXISTS idx_job_history_completed ON job_history (completed_at, id);

-- An UPDATE changes one table only, so the counters of the limits follow by triggers.
CREATE TRIGGER IF NOT EXISTS job_queue_claimed
AFTER UPDATE OF status ON job_queue
WHEN old.status <> 'processing' AND new.status = 'processing'
BEGIN
    UPDATE job_queue_limits SET running = running + 1 WHERE job_type = new.job_type;
END;

CREATE TRIGGER IF NOT EXISTS job_queue_let_go
AFTER UPDATE OF status ON job_queue
WHEN old.status = 'processing' AND new.status <> 'processing'
BEGIN
    UPDATE job_queue_limits SET running = max(running - 1, 0) WHERE job_type = new.job_type;
END;

INSERT INTO _schema_versions (module, version) VALUES ('jobs', 5)
ON CONFLICT (module) DO NOTHING;
