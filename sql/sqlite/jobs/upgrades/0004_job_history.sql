-- Finished jobs that are moved out of the queue.

CREATE TABLE job_history (
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
CREATE INDEX idx_job_history_completed ON job_history (completed_at, id);
