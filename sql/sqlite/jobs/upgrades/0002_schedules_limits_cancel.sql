-- Time limits, requests to cancel, keys that cover running jobs, paused types, and cron schedules.

ALTER TABLE job_queue ADD COLUMN time_limit_seconds REAL
CONSTRAINT job_queue_time_limit_seconds_check CHECK (time_limit_seconds > 0);
ALTER TABLE job_queue ADD COLUMN unique_while_running INTEGER NOT NULL DEFAULT 0
CONSTRAINT job_queue_unique_while_running_check CHECK (unique_while_running IN (0, 1));
ALTER TABLE job_queue ADD COLUMN cancel_requested_at TEXT
CONSTRAINT job_queue_cancel_requested_at_form_check
CHECK (cancel_requested_at LIKE '____-__-__T__:__:__.______Z');

CREATE UNIQUE INDEX idx_job_queue_active_key
ON job_queue (unique_key)
WHERE
    unique_key IS NOT NULL
    AND (
        status IN ('pending', 'scheduled', 'retrying')
        OR (status = 'processing' AND unique_while_running)
    );
DROP INDEX idx_job_queue_unique_key;

ALTER TABLE job_queue_limits ADD COLUMN paused INTEGER NOT NULL DEFAULT 0
CONSTRAINT job_queue_limits_paused_check CHECK (paused IN (0, 1));

CREATE TABLE job_schedules (
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
