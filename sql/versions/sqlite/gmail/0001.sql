-- Gmail: tokens of users' mailboxes, and where the reading of each stands.

CREATE TABLE IF NOT EXISTS gmail_tokens (
    user_id TEXT NOT NULL,
    org_id TEXT,
    email_address TEXT,
    access_token TEXT,
    refresh_token TEXT,
    token_expiry TEXT,
    token_version INTEGER NOT NULL DEFAULT 1,
    refresh_holder TEXT,
    refresh_until TEXT,
    history_id TEXT,
    last_sync TEXT,
    indexed_count INTEGER NOT NULL DEFAULT 0,
    total_count INTEGER NOT NULL DEFAULT 0,
    connected_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT gmail_tokens_pkey PRIMARY KEY (user_id),
    CONSTRAINT gmail_tokens_user_id_check CHECK (user_id <> ''),
    CONSTRAINT gmail_tokens_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gmail_tokens_access_token_check CHECK (access_token <> ''),
    CONSTRAINT gmail_tokens_refresh_token_check CHECK (refresh_token <> ''),
    CONSTRAINT gmail_tokens_token_version_check CHECK (token_version >= 1),
    CONSTRAINT gmail_tokens_lease_check
    CHECK ((refresh_holder IS NULL) = (refresh_until IS NULL)),
    CONSTRAINT gmail_tokens_indexed_count_check CHECK (indexed_count >= 0),
    CONSTRAINT gmail_tokens_total_count_check CHECK (total_count >= 0),
    CONSTRAINT gmail_tokens_token_expiry_check
    CHECK (token_expiry LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_tokens_refresh_until_check
    CHECK (refresh_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_tokens_last_sync_check
    CHECK (last_sync LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_tokens_connected_at_check
    CHECK (connected_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_tokens_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_tokens_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_gmail_tokens_org
ON gmail_tokens (org_id, user_id) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS gmail_sync_jobs (
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    messages_synced INTEGER NOT NULL DEFAULT 0,
    started_at TEXT,
    completed_at TEXT,
    failed_at TEXT,
    error TEXT,
    CONSTRAINT gmail_sync_jobs_pkey PRIMARY KEY (user_id),
    CONSTRAINT gmail_sync_jobs_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES gmail_tokens (user_id) ON DELETE CASCADE,
    CONSTRAINT gmail_sync_jobs_status_check
    CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    CONSTRAINT gmail_sync_jobs_progress_check CHECK (progress >= 0),
    CONSTRAINT gmail_sync_jobs_messages_synced_check CHECK (messages_synced >= 0),
    CONSTRAINT gmail_sync_jobs_started_at_check
    CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_sync_jobs_completed_at_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gmail_sync_jobs_failed_at_check
    CHECK (failed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('gmail', 1)
ON CONFLICT (module) DO NOTHING;
