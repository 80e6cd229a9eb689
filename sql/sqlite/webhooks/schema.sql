-- Webhooks: who is told of which events, deliveries to them, and events that came in.
--
-- A delivery is a job of the job queue: that is what is claimed, retried and found dead. Its row here
-- keeps what a job has no place for, and its state follows that of the job. When an endpoint goes on
-- failing, the circuit in its row opens: nothing is sent there until circuit_open_until, and then one
-- delivery is, as a probe, until probe_until.
--
-- No foreign key leads to the job: finished jobs are purged, and whoever purges them is not to look
-- for deliveries.
-- needs: jobs because a delivery is a job of the queue

CREATE TABLE IF NOT EXISTS webhook_configs (
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_secret_until TEXT,
    active INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    name TEXT,
    description TEXT,
    last_delivery_at TEXT,
    last_delivery_status INTEGER,
    delivery_count INTEGER NOT NULL DEFAULT 0,
    failure_count INTEGER NOT NULL DEFAULT 0,
    user_id TEXT,
    workspace_id TEXT,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    circuit_openings INTEGER NOT NULL DEFAULT 0,
    circuit_open_until TEXT,
    probe_until TEXT,
    CONSTRAINT webhook_configs_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_configs_id_check CHECK (id <> ''),
    CONSTRAINT webhook_configs_url_check CHECK (url <> ''),
    CONSTRAINT webhook_configs_events_check
    CHECK (json_valid(events) AND json_type(events) = 'array'),
    CONSTRAINT webhook_configs_secret_check CHECK (secret <> ''),
    CONSTRAINT webhook_configs_previous_secret_check
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT webhook_configs_delivery_count_check CHECK (delivery_count >= 0),
    CONSTRAINT webhook_configs_failure_count_check CHECK (failure_count >= 0),
    CONSTRAINT webhook_configs_last_delivery_status_check
    CHECK (last_delivery_status BETWEEN 0 AND 999),
    CONSTRAINT webhook_configs_consecutive_failures_check CHECK (consecutive_failures >= 0),
    CONSTRAINT webhook_configs_circuit_openings_check CHECK (circuit_openings >= 0),
    CONSTRAINT webhook_configs_active_check CHECK (active IN (0, 1)),
    CONSTRAINT webhook_configs_previous_secret_until_form_check
    CHECK (previous_secret_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_configs_created_at_form_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_configs_updated_at_form_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_configs_last_delivery_at_form_check
    CHECK (last_delivery_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_configs_circuit_open_until_form_check
    CHECK (circuit_open_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_configs_probe_until_form_check
    CHECK (probe_until LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_webhook_configs_created
ON webhook_configs (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_webhook_configs_user
ON webhook_configs (user_id, created_at DESC, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_webhook_configs_workspace
ON webhook_configs (workspace_id, created_at DESC, id DESC) WHERE workspace_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS webhook_subscriptions (
    event_type TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    CONSTRAINT webhook_subscriptions_pkey PRIMARY KEY (event_type, webhook_id),
    CONSTRAINT webhook_subscriptions_webhook_id_fkey
    FOREIGN KEY (webhook_id) REFERENCES webhook_configs (id) ON DELETE CASCADE,
    CONSTRAINT webhook_subscriptions_event_type_check CHECK (event_type <> '')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_webhook_subscriptions_webhook
ON webhook_subscriptions (webhook_id);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    delivery_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    job_id TEXT,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    url TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 5,
    next_retry_at TEXT,
    last_error TEXT,
    last_status_code INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    delivered_at TEXT,
    dead_lettered_at TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT webhook_deliveries_webhook_id_fkey
    FOREIGN KEY (webhook_id) REFERENCES webhook_configs (id) ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_delivery_id_check CHECK (delivery_id <> ''),
    CONSTRAINT webhook_deliveries_event_type_check CHECK (event_type <> ''),
    CONSTRAINT webhook_deliveries_url_check CHECK (url <> ''),
    CONSTRAINT webhook_deliveries_payload_check
    CHECK (json_valid(payload) AND json_type(payload) = 'object'),
    CONSTRAINT webhook_deliveries_status_check CHECK (
        status IN ('pending', 'in_progress', 'delivered', 'failed', 'retrying', 'dead_lettered')
    ),
    CONSTRAINT webhook_deliveries_last_status_code_check CHECK (last_status_code BETWEEN 0 AND 999),
    CONSTRAINT webhook_deliveries_attempts_check CHECK (attempts >= 0),
    CONSTRAINT webhook_deliveries_max_attempts_check CHECK (max_attempts >= 1),
    CONSTRAINT webhook_deliveries_delivered_at_check
    CHECK (status <> 'delivered' OR delivered_at IS NOT NULL),
    CONSTRAINT webhook_deliveries_dead_lettered_at_check
    CHECK (status <> 'dead_lettered' OR dead_lettered_at IS NOT NULL),
    CONSTRAINT webhook_deliveries_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT webhook_deliveries_next_retry_at_form_check
    CHECK (next_retry_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_deliveries_created_at_form_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_deliveries_updated_at_form_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_deliveries_delivered_at_form_check
    CHECK (delivered_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_deliveries_dead_lettered_at_form_check
    CHECK (dead_lettered_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_webhook
ON webhook_deliveries (webhook_id, created_at DESC, delivery_id DESC);
CREATE UNIQUE INDEX IF NOT EXISTS idx_webhook_deliveries_job
ON webhook_deliveries (job_id) WHERE job_id IS NOT NULL;
-- Of each state its own, so that the few that are open are found among the many that are not.
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_open
ON webhook_deliveries (coalesce(next_retry_at, created_at), delivery_id)
WHERE status IN ('pending', 'in_progress', 'retrying');
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_jobless
ON webhook_deliveries (delivery_id)
WHERE job_id IS NULL AND status IN ('pending', 'in_progress', 'retrying');
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_dead
ON webhook_deliveries (dead_lettered_at DESC, delivery_id DESC) WHERE status = 'dead_lettered';
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_delivered
ON webhook_deliveries (delivered_at, delivery_id) WHERE status = 'delivered';

CREATE TABLE IF NOT EXISTS webhook_events (
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    claimed_until TEXT,
    processed_at TEXT,
    result TEXT,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, event_id),
    CONSTRAINT webhook_events_provider_check CHECK (provider <> ''),
    CONSTRAINT webhook_events_event_id_check CHECK (event_id <> ''),
    CONSTRAINT webhook_events_claimed_until_check
    CHECK ((claimed_until IS NULL) = (processed_at IS NOT NULL)),
    CONSTRAINT webhook_events_result_check CHECK ((result IS NULL) = (processed_at IS NULL)),
    CONSTRAINT webhook_events_claimed_until_form_check
    CHECK (claimed_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT webhook_events_processed_at_form_check
    CHECK (processed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_webhook_events_processed
ON webhook_events (processed_at, provider, event_id) WHERE processed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_webhook_events_claimed
ON webhook_events (claimed_until, provider, event_id) WHERE processed_at IS NULL;

INSERT INTO _schema_versions (module, version) VALUES ('webhooks', 1)
ON CONFLICT (module) DO NOTHING;
