-- Gmail: tokens of users' mailboxes, and where the reading of each stands.

-- meaning: values of gmail_tokens.user_id ["u1", "u2", "u3", "u4"] because calls ask for known users
-- meaning: values of gmail_tokens.org_id ["o1", "o2", null] because few organizations have many users
-- meaning: values of gmail_tokens.token_version [1, 2, 3] because calls are made for versions that are near
-- meaning: values of gmail_tokens.refresh_holder ["h1", "h2", null] because a lease is ended by its holder

CREATE TABLE IF NOT EXISTS gmail_tokens (
    user_id TEXT COLLATE "C" NOT NULL,
    org_id TEXT COLLATE "C",
    email_address TEXT,
    access_token TEXT,
    refresh_token TEXT,
    token_expiry TIMESTAMPTZ,
    token_version INTEGER NOT NULL DEFAULT 1,
    refresh_holder TEXT,
    refresh_until TIMESTAMPTZ,
    history_id TEXT,
    last_sync TIMESTAMPTZ,
    indexed_count INTEGER NOT NULL DEFAULT 0,
    total_count INTEGER NOT NULL DEFAULT 0,
    connected_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT gmail_tokens_pkey PRIMARY KEY (user_id),
    CONSTRAINT gmail_tokens_user_id_check CHECK (user_id <> ''),
    CONSTRAINT gmail_tokens_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gmail_tokens_access_token_check CHECK (access_token <> ''),
    CONSTRAINT gmail_tokens_refresh_token_check CHECK (refresh_token <> ''),
    CONSTRAINT gmail_tokens_token_version_check CHECK (token_version >= 1),
    CONSTRAINT gmail_tokens_lease_check
    CHECK ((refresh_holder IS NULL) = (refresh_until IS NULL)),
    CONSTRAINT gmail_tokens_indexed_count_check CHECK (indexed_count >= 0),
    CONSTRAINT gmail_tokens_total_count_check CHECK (total_count >= 0)
);

CREATE INDEX IF NOT EXISTS idx_gmail_tokens_org
ON gmail_tokens (org_id, user_id) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS gmail_sync_jobs (
    user_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    messages_synced INTEGER NOT NULL DEFAULT 0,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    failed_at TIMESTAMPTZ,
    error TEXT,
    CONSTRAINT gmail_sync_jobs_pkey PRIMARY KEY (user_id),
    CONSTRAINT gmail_sync_jobs_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES gmail_tokens (user_id) ON DELETE CASCADE,
    CONSTRAINT gmail_sync_jobs_status_check
    CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    CONSTRAINT gmail_sync_jobs_progress_check CHECK (progress >= 0),
    CONSTRAINT gmail_sync_jobs_messages_synced_check CHECK (messages_synced >= 0)
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE gmail_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE gmail_sync_jobs ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON gmail_tokens, gmail_sync_jobs FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE gmail_tokens IS 'Users'' mailboxes at Gmail; the tokens are encrypted. Deleting a row deletes its sync job. [personal]';
COMMENT ON COLUMN gmail_tokens.user_id IS 'Whose mailbox it is; the encrypted tokens are bound to it. [user]';
COMMENT ON COLUMN gmail_tokens.org_id IS 'Organization of the user, by which tenants are told apart. A save without one keeps it.';
COMMENT ON COLUMN gmail_tokens.email_address IS 'Address of the mailbox. [personal]';
COMMENT ON COLUMN gmail_tokens.access_token IS 'Encrypted token that opens the mailbox until token_expiry: base64 of an AES-256-GCM envelope.';
COMMENT ON COLUMN gmail_tokens.refresh_token IS 'Encrypted token that gets new access tokens: base64 of an AES-256-GCM envelope. The mailbox is connected while there is one.';
COMMENT ON COLUMN gmail_tokens.token_expiry IS 'When the access token expires; NULL when that is not known.';
COMMENT ON COLUMN gmail_tokens.token_version IS 'Grows by 1 each time that tokens are saved or refreshed.';
COMMENT ON COLUMN gmail_tokens.refresh_holder IS 'Who refreshes the tokens: a name that was made for it; NULL when nobody does.';
COMMENT ON COLUMN gmail_tokens.refresh_until IS 'Until when nobody else refreshes them, by the clock of the database.';
COMMENT ON COLUMN gmail_tokens.history_id IS 'Place in the history of the mailbox up to which it was read. [personal]';
COMMENT ON COLUMN gmail_tokens.last_sync IS 'When the mailbox was last read. [personal]';
COMMENT ON COLUMN gmail_tokens.indexed_count IS 'Number of messages that were indexed.';
COMMENT ON COLUMN gmail_tokens.total_count IS 'Number of messages in the mailbox.';
COMMENT ON COLUMN gmail_tokens.connected_at IS 'When the user connected the mailbox. [personal]';
COMMENT ON COLUMN gmail_tokens.created_at IS 'When it was first saved.';
COMMENT ON COLUMN gmail_tokens.updated_at IS 'When it was last changed.';

COMMENT ON TABLE gmail_sync_jobs IS 'The last reading of each mailbox. It goes with the tokens. [personal]';
COMMENT ON COLUMN gmail_sync_jobs.user_id IS 'Whose mailbox it is. [user]';
COMMENT ON COLUMN gmail_sync_jobs.status IS 'running, completed, failed or cancelled.';
COMMENT ON COLUMN gmail_sync_jobs.progress IS 'How far it is, in percent.';
COMMENT ON COLUMN gmail_sync_jobs.messages_synced IS 'Number of messages that were read.';
COMMENT ON COLUMN gmail_sync_jobs.started_at IS 'When it was started. [personal]';
COMMENT ON COLUMN gmail_sync_jobs.completed_at IS 'When it was completed.';
COMMENT ON COLUMN gmail_sync_jobs.failed_at IS 'When it failed.';
COMMENT ON COLUMN gmail_sync_jobs.error IS 'Why it failed. [personal]';

INSERT INTO _schema_versions (module, version) VALUES ('gmail', 1)
ON CONFLICT (module) DO NOTHING;
