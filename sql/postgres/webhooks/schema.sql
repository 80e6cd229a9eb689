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
-- meaning: values of webhook_configs.events [["vote"], ["*"], ["vote", "consensus"], []] because events are names
-- meaning: values of webhook_subscriptions.event_type ["vote", "*", "consensus", "x"] because events are names
-- meaning: values of webhook_deliveries.status ["pending", "in_progress", "delivered", "failed", "retrying", "dead_lettered"] because a query is about one of them
-- meaning: values of webhook_deliveries.job_id ["k1", "k10", "k103", "k103a", "k_12", "k%1", "k32", "k21", "K12", "k_1", "k13", "k2"] because they are ids of jobs
-- meaning: values of webhook_deliveries.attempts [0, 1, 4, 5, 6] because few are made
-- meaning: values of webhook_deliveries.max_attempts [1, 2, 5] because few are made
-- meaning: values of webhook_configs.consecutive_failures [0, 1, 4, 5] because a circuit opens at few
-- meaning: values of webhook_configs.circuit_openings [0, 1, 2, 10] because its time doubles with each

CREATE TABLE IF NOT EXISTS webhook_configs (
    id TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    events JSONB NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_secret_until TIMESTAMPTZ,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    name TEXT,
    description TEXT,
    last_delivery_at TIMESTAMPTZ,
    last_delivery_status INTEGER,
    delivery_count BIGINT NOT NULL DEFAULT 0,
    failure_count BIGINT NOT NULL DEFAULT 0,
    user_id TEXT COLLATE "C",
    workspace_id TEXT COLLATE "C",
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    circuit_openings INTEGER NOT NULL DEFAULT 0,
    circuit_open_until TIMESTAMPTZ,
    probe_until TIMESTAMPTZ,
    CONSTRAINT webhook_configs_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_configs_id_check CHECK (id <> ''),
    CONSTRAINT webhook_configs_url_check CHECK (url <> ''),
    CONSTRAINT webhook_configs_events_check CHECK (jsonb_typeof(events) = 'array'),
    CONSTRAINT webhook_configs_secret_check CHECK (secret <> ''),
    CONSTRAINT webhook_configs_previous_secret_check
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT webhook_configs_delivery_count_check CHECK (delivery_count >= 0),
    CONSTRAINT webhook_configs_failure_count_check CHECK (failure_count >= 0),
    CONSTRAINT webhook_configs_last_delivery_status_check
    CHECK (last_delivery_status BETWEEN 0 AND 999),
    CONSTRAINT webhook_configs_consecutive_failures_check CHECK (consecutive_failures >= 0),
    CONSTRAINT webhook_configs_circuit_openings_check CHECK (circuit_openings >= 0)
);

CREATE INDEX IF NOT EXISTS idx_webhook_configs_created
ON webhook_configs (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_webhook_configs_user
ON webhook_configs (user_id, created_at DESC, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_webhook_configs_workspace
ON webhook_configs (workspace_id, created_at DESC, id DESC) WHERE workspace_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS webhook_subscriptions (
    event_type TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT webhook_subscriptions_pkey PRIMARY KEY (event_type, webhook_id),
    CONSTRAINT webhook_subscriptions_webhook_id_fkey
    FOREIGN KEY (webhook_id) REFERENCES webhook_configs (id) ON DELETE CASCADE,
    CONSTRAINT webhook_subscriptions_event_type_check CHECK (event_type <> '')
);

CREATE INDEX IF NOT EXISTS idx_webhook_subscriptions_webhook
ON webhook_subscriptions (webhook_id);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    delivery_id TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C",
    event_type TEXT COLLATE "C" NOT NULL,
    payload JSONB NOT NULL,
    url TEXT NOT NULL,
    status TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 5,
    next_retry_at TIMESTAMPTZ,
    last_error TEXT,
    last_status_code INTEGER,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    delivered_at TIMESTAMPTZ,
    dead_lettered_at TIMESTAMPTZ,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT webhook_deliveries_webhook_id_fkey
    FOREIGN KEY (webhook_id) REFERENCES webhook_configs (id) ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_delivery_id_check CHECK (delivery_id <> ''),
    CONSTRAINT webhook_deliveries_event_type_check CHECK (event_type <> ''),
    CONSTRAINT webhook_deliveries_url_check CHECK (url <> ''),
    CONSTRAINT webhook_deliveries_payload_check CHECK (jsonb_typeof(payload) = 'object'),
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
    CONSTRAINT webhook_deliveries_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

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
    provider TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    claimed_until TIMESTAMPTZ,
    processed_at TIMESTAMPTZ,
    result TEXT,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, event_id),
    CONSTRAINT webhook_events_provider_check CHECK (provider <> ''),
    CONSTRAINT webhook_events_event_id_check CHECK (event_id <> ''),
    CONSTRAINT webhook_events_claimed_until_check
    CHECK ((claimed_until IS NULL) = (processed_at IS NOT NULL)),
    CONSTRAINT webhook_events_result_check CHECK ((result IS NULL) = (processed_at IS NULL))
);

CREATE INDEX IF NOT EXISTS idx_webhook_events_processed
ON webhook_events (processed_at, provider, event_id) WHERE processed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_webhook_events_claimed
ON webhook_events (claimed_until, provider, event_id) WHERE processed_at IS NULL;

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE webhook_configs ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_events ENABLE ROW LEVEL SECURITY;

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
            || 'webhook_configs, webhook_subscriptions, webhook_deliveries, webhook_events '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE webhook_configs IS 'Who is told of events by HTTP. A user''s go with the user, and their deliveries go with them. [personal]';
COMMENT ON COLUMN webhook_configs.id IS 'Identifier: a UUID; what its secrets are bound to.';
COMMENT ON COLUMN webhook_configs.url IS 'Where events are sent: http or https. [personal]';
COMMENT ON COLUMN webhook_configs.events IS 'Names of events as they were given; * stands for all known ones. webhook_subscriptions finds by them.';
COMMENT ON COLUMN webhook_configs.secret IS 'Key of signatures, encrypted (AES-256-GCM, base64); of older systems perhaps in the clear.';
COMMENT ON COLUMN webhook_configs.previous_secret IS 'The key before it, encrypted; NULL when there is none.';
COMMENT ON COLUMN webhook_configs.previous_secret_until IS 'Until then signatures are made with the previous key too.';
COMMENT ON COLUMN webhook_configs.active IS 'Whether anything is sent there.';
COMMENT ON COLUMN webhook_configs.created_at IS 'When it was registered.';
COMMENT ON COLUMN webhook_configs.updated_at IS 'When its configuration was last changed.';
COMMENT ON COLUMN webhook_configs.name IS 'What people call it. [personal]';
COMMENT ON COLUMN webhook_configs.description IS 'What it is for. [personal]';
COMMENT ON COLUMN webhook_configs.last_delivery_at IS 'When something was last sent there.';
COMMENT ON COLUMN webhook_configs.last_delivery_status IS 'HTTP status of the last answer; NULL when there was none.';
COMMENT ON COLUMN webhook_configs.delivery_count IS 'How often something was sent there.';
COMMENT ON COLUMN webhook_configs.failure_count IS 'How often that failed.';
COMMENT ON COLUMN webhook_configs.user_id IS 'User that it belongs to. [user]';
COMMENT ON COLUMN webhook_configs.workspace_id IS 'Workspace that it belongs to.';
COMMENT ON COLUMN webhook_configs.consecutive_failures IS 'Failures since the last success.';
COMMENT ON COLUMN webhook_configs.circuit_openings IS 'How often the circuit has opened since the last success; its time doubles with each.';
COMMENT ON COLUMN webhook_configs.circuit_open_until IS 'The circuit is open: nothing is sent there until then, and then one probe; NULL: it is closed.';
COMMENT ON COLUMN webhook_configs.probe_until IS 'A probe is under way, at most until then; NULL: none is.';

COMMENT ON TABLE webhook_subscriptions IS 'The events of webhooks, to find by. Rows go with their webhook.';
COMMENT ON COLUMN webhook_subscriptions.event_type IS 'Name of the event, or *.';
COMMENT ON COLUMN webhook_subscriptions.webhook_id IS 'The webhook.';

COMMENT ON TABLE webhook_deliveries IS 'What is to be sent, was sent, or could not be sent. Rows go with their webhook.';
COMMENT ON COLUMN webhook_deliveries.delivery_id IS 'Identifier: a UUID; receivers are told it.';
COMMENT ON COLUMN webhook_deliveries.webhook_id IS 'The webhook.';
COMMENT ON COLUMN webhook_deliveries.job_id IS 'The job that delivers it; NULL when there is none any more, or not yet.';
COMMENT ON COLUMN webhook_deliveries.event_type IS 'Name of the event.';
COMMENT ON COLUMN webhook_deliveries.payload IS 'What is sent.';
COMMENT ON COLUMN webhook_deliveries.url IS 'Where to, as it was at the last attempt, or when it was enqueued.';
COMMENT ON COLUMN webhook_deliveries.status IS 'pending, in_progress, retrying, delivered, failed (cancelled) or dead_lettered.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'How often it was sent.';
COMMENT ON COLUMN webhook_deliveries.max_attempts IS 'After so many failed attempts it is a dead letter.';
COMMENT ON COLUMN webhook_deliveries.next_retry_at IS 'When it is sent next, where that is not at once.';
COMMENT ON COLUMN webhook_deliveries.last_error IS 'Why the last attempt failed, at most 200 characters.';
COMMENT ON COLUMN webhook_deliveries.last_status_code IS 'HTTP status of the last answer; NULL when there was none.';
COMMENT ON COLUMN webhook_deliveries.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN webhook_deliveries.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN webhook_deliveries.delivered_at IS 'When it was delivered.';
COMMENT ON COLUMN webhook_deliveries.dead_lettered_at IS 'When it became a dead letter.';
COMMENT ON COLUMN webhook_deliveries.metadata IS 'What else the application keeps of it; never a secret.';

COMMENT ON TABLE webhook_events IS 'Events that came in, so that each is handled once.';
COMMENT ON COLUMN webhook_events.provider IS 'Who sent it, such as stripe.';
COMMENT ON COLUMN webhook_events.event_id IS 'Identifier that the sender gave it.';
COMMENT ON COLUMN webhook_events.claimed_until IS 'Somebody handles it, at most until then; NULL when it was handled.';
COMMENT ON COLUMN webhook_events.processed_at IS 'When it was handled; NULL until then.';
COMMENT ON COLUMN webhook_events.result IS 'What came of it, such as success; NULL until it was handled.';

INSERT INTO _schema_versions (module, version) VALUES ('webhooks', 1)
ON CONFLICT (module) DO NOTHING;
