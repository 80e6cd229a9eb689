-- Mail of several accounts in one inbox: accounts, messages, what agents advise to do with them.

-- meaning: values of unified_inbox_accounts.tenant_id ["t1", "t2"] because few tenants have many accounts
-- meaning: values of unified_inbox_accounts.account_id ["a1", "a2"] because messages are of accounts
-- meaning: values of unified_inbox_messages.tenant_id ["t1", "t2"] because messages are of accounts
-- meaning: values of unified_inbox_messages.account_id ["a1", "a2"] because messages are of accounts
-- meaning: values of unified_inbox_messages.message_id ["m1", "m2", "m3", "m4", "m5", "m6"] because results are of messages
-- meaning: values of unified_inbox_messages.external_id ["x1", "x2", "x3", "x4"] because messages come again
-- meaning: values of unified_inbox_messages.priority_score [0.0, 0.5, 1.0, 2.5] because scores are often equal
-- meaning: values of unified_inbox_messages.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", ""] because the store writes words
-- meaning: values of unified_inbox_triage_results.tenant_id ["t1", "t2"] because results are of messages
-- meaning: values of unified_inbox_triage_results.message_id ["m1", "m2", "m3"] because results are of messages

CREATE TABLE IF NOT EXISTS unified_inbox_accounts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    provider TEXT NOT NULL,
    email_address TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    connected_at TIMESTAMPTZ,
    last_sync TIMESTAMPTZ,
    total_messages INTEGER NOT NULL DEFAULT 0,
    unread_count INTEGER NOT NULL DEFAULT 0,
    sync_errors INTEGER NOT NULL DEFAULT 0,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT unified_inbox_accounts_pkey PRIMARY KEY (tenant_id, account_id),
    CONSTRAINT unified_inbox_accounts_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT unified_inbox_accounts_account_id_check CHECK (account_id <> ''),
    CONSTRAINT unified_inbox_accounts_provider_check CHECK (provider IN ('gmail', 'outlook')),
    CONSTRAINT unified_inbox_accounts_status_check
    CHECK (status IN ('pending', 'connected', 'syncing', 'error', 'disconnected')),
    CONSTRAINT unified_inbox_accounts_total_messages_check CHECK (total_messages >= 0),
    CONSTRAINT unified_inbox_accounts_unread_count_check CHECK (unread_count >= 0),
    CONSTRAINT unified_inbox_accounts_sync_errors_check CHECK (sync_errors >= 0),
    CONSTRAINT unified_inbox_accounts_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE TABLE IF NOT EXISTS unified_inbox_messages (
    tenant_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    provider TEXT NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    subject TEXT,
    sender_email TEXT,
    sender_name TEXT,
    recipients JSONB NOT NULL DEFAULT '[]'::jsonb,
    cc JSONB NOT NULL DEFAULT '[]'::jsonb,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    snippet TEXT,
    body_preview TEXT,
    is_read BOOLEAN NOT NULL DEFAULT FALSE,
    is_starred BOOLEAN NOT NULL DEFAULT FALSE,
    has_attachments BOOLEAN NOT NULL DEFAULT FALSE,
    labels JSONB NOT NULL DEFAULT '[]'::jsonb,
    thread_id TEXT,
    priority_score DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    priority_tier TEXT NOT NULL DEFAULT 'medium',
    priority_reasons JSONB NOT NULL DEFAULT '[]'::jsonb,
    triage_action TEXT,
    triage_rationale TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    search_terms TEXT NOT NULL DEFAULT '',
    -- parity: column unified_inbox_messages.search_vector because SQLite searches in unified_inbox_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT unified_inbox_messages_pkey PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT unified_inbox_messages_external_key UNIQUE (tenant_id, account_id, external_id),
    CONSTRAINT unified_inbox_messages_account_fkey
    FOREIGN KEY (tenant_id, account_id) REFERENCES unified_inbox_accounts (
        tenant_id, account_id
    ) ON DELETE CASCADE,
    CONSTRAINT unified_inbox_messages_message_id_check CHECK (message_id <> ''),
    CONSTRAINT unified_inbox_messages_provider_check CHECK (provider IN ('gmail', 'outlook')),
    CONSTRAINT unified_inbox_messages_external_id_check CHECK (external_id <> ''),
    CONSTRAINT unified_inbox_messages_recipients_check CHECK (jsonb_typeof(recipients) = 'array'),
    CONSTRAINT unified_inbox_messages_cc_check CHECK (jsonb_typeof(cc) = 'array'),
    CONSTRAINT unified_inbox_messages_body_preview_check CHECK (length(body_preview) <= 500),
    CONSTRAINT unified_inbox_messages_labels_check CHECK (jsonb_typeof(labels) = 'array'),
    CONSTRAINT unified_inbox_messages_priority_score_check
    CHECK (priority_score BETWEEN -'1e300'::double precision AND '1e300'::double precision),
    CONSTRAINT unified_inbox_messages_priority_tier_check
    CHECK (priority_tier IN ('critical', 'high', 'medium', 'low')),
    CONSTRAINT unified_inbox_messages_priority_reasons_check
    CHECK (jsonb_typeof(priority_reasons) = 'array'),
    CONSTRAINT unified_inbox_messages_triage_action_check
    CHECK (triage_action IN (
        'respond_urgent', 'respond_normal', 'delegate', 'schedule', 'archive', 'delete', 'flag',
        'defer'
    ))
);

CREATE INDEX IF NOT EXISTS idx_unified_inbox_messages_priority
ON unified_inbox_messages (
    tenant_id, priority_score DESC, received_at DESC, message_id DESC
);
CREATE INDEX IF NOT EXISTS idx_unified_inbox_messages_account
ON unified_inbox_messages (
    tenant_id, account_id, priority_score DESC, received_at DESC, message_id DESC
);
CREATE INDEX IF NOT EXISTS idx_unified_inbox_messages_unread
ON unified_inbox_messages (
    tenant_id, priority_score DESC, received_at DESC, message_id DESC
) WHERE NOT is_read;
-- parity: index unified_inbox_messages.idx_unified_inbox_messages_search because SQLite searches in unified_inbox_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_unified_inbox_messages_search
ON unified_inbox_messages USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS unified_inbox_triage_results (
    tenant_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    recommended_action TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    rationale TEXT,
    suggested_response TEXT,
    delegate_to TEXT,
    schedule_for TIMESTAMPTZ,
    agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    debate_summary TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT unified_inbox_triage_results_pkey PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT unified_inbox_triage_results_message_fkey
    FOREIGN KEY (tenant_id, message_id) REFERENCES unified_inbox_messages (
        tenant_id, message_id
    ) ON DELETE CASCADE,
    CONSTRAINT unified_inbox_triage_results_recommended_action_check
    CHECK (recommended_action IN (
        'respond_urgent', 'respond_normal', 'delegate', 'schedule', 'archive', 'delete', 'flag',
        'defer'
    )),
    CONSTRAINT unified_inbox_triage_results_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT unified_inbox_triage_results_agents_check CHECK (jsonb_typeof(agents) = 'array')
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE unified_inbox_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE unified_inbox_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE unified_inbox_triage_results ENABLE ROW LEVEL SECURITY;

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
            || 'unified_inbox_accounts, unified_inbox_messages, '
            || 'unified_inbox_triage_results '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE unified_inbox_accounts IS 'Mail accounts. Deleting one deletes its messages, also when its user is erased. [personal]';
COMMENT ON COLUMN unified_inbox_accounts.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN unified_inbox_accounts.account_id IS 'Identifier, given by the application; unique within the tenant.';
COMMENT ON COLUMN unified_inbox_accounts.provider IS 'gmail or outlook.';
COMMENT ON COLUMN unified_inbox_accounts.email_address IS 'Its address. [personal]';
COMMENT ON COLUMN unified_inbox_accounts.email_key IS 'Normal form of the address. [address]';
COMMENT ON COLUMN unified_inbox_accounts.display_name IS 'What people read. [personal]';
COMMENT ON COLUMN unified_inbox_accounts.status IS 'pending, connected, syncing, error or disconnected.';
COMMENT ON COLUMN unified_inbox_accounts.connected_at IS 'When it was connected.';
COMMENT ON COLUMN unified_inbox_accounts.last_sync IS 'When its messages were last read from the provider.';
COMMENT ON COLUMN unified_inbox_accounts.total_messages IS 'How many messages it has; follows them.';
COMMENT ON COLUMN unified_inbox_accounts.unread_count IS 'How many of them are unread; follows them.';
COMMENT ON COLUMN unified_inbox_accounts.sync_errors IS 'How often reading failed.';
COMMENT ON COLUMN unified_inbox_accounts.metadata IS 'Whatever else the application keeps of it; no secrets.';

COMMENT ON TABLE unified_inbox_messages IS 'Messages, each once for each account and provider''s id.';
COMMENT ON COLUMN unified_inbox_messages.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN unified_inbox_messages.message_id IS 'Identifier; unique within the tenant.';
COMMENT ON COLUMN unified_inbox_messages.account_id IS 'The account.';
COMMENT ON COLUMN unified_inbox_messages.provider IS 'gmail or outlook.';
COMMENT ON COLUMN unified_inbox_messages.external_id IS 'The provider''s id of it; unique within the account.';
COMMENT ON COLUMN unified_inbox_messages.subject IS 'Its subject.';
COMMENT ON COLUMN unified_inbox_messages.sender_email IS 'The address that it came from.';
COMMENT ON COLUMN unified_inbox_messages.sender_name IS 'The name that it came from.';
COMMENT ON COLUMN unified_inbox_messages.recipients IS 'Addresses that it went to: a list.';
COMMENT ON COLUMN unified_inbox_messages.cc IS 'Addresses that got a copy: a list.';
COMMENT ON COLUMN unified_inbox_messages.received_at IS 'When it came.';
COMMENT ON COLUMN unified_inbox_messages.snippet IS 'A line of it.';
COMMENT ON COLUMN unified_inbox_messages.body_preview IS 'Its beginning, at most 500 characters.';
COMMENT ON COLUMN unified_inbox_messages.is_read IS 'Whether it was read.';
COMMENT ON COLUMN unified_inbox_messages.is_starred IS 'Whether it was starred.';
COMMENT ON COLUMN unified_inbox_messages.has_attachments IS 'Whether something is attached.';
COMMENT ON COLUMN unified_inbox_messages.labels IS 'The provider''s labels: a list.';
COMMENT ON COLUMN unified_inbox_messages.thread_id IS 'The provider''s conversation.';
COMMENT ON COLUMN unified_inbox_messages.priority_score IS 'How urgent it is; lists begin with the highest.';
COMMENT ON COLUMN unified_inbox_messages.priority_tier IS 'critical, high, medium or low.';
COMMENT ON COLUMN unified_inbox_messages.priority_reasons IS 'Why it is so urgent: a list of texts.';
COMMENT ON COLUMN unified_inbox_messages.triage_action IS 'What is to be done with it.';
COMMENT ON COLUMN unified_inbox_messages.triage_rationale IS 'Why.';
COMMENT ON COLUMN unified_inbox_messages.created_at IS 'When it was first stored; never changes.';
COMMENT ON COLUMN unified_inbox_messages.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN unified_inbox_messages.search_terms IS 'Search terms of subject, sender and snippet, normalised by the store and joined by blanks.';
COMMENT ON COLUMN unified_inbox_messages.search_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE unified_inbox_triage_results IS 'What agents advise to do with messages, one result each.';
COMMENT ON COLUMN unified_inbox_triage_results.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN unified_inbox_triage_results.message_id IS 'The message.';
COMMENT ON COLUMN unified_inbox_triage_results.recommended_action IS 'What is to be done.';
COMMENT ON COLUMN unified_inbox_triage_results.confidence IS 'How sure they are, 0 to 1.';
COMMENT ON COLUMN unified_inbox_triage_results.rationale IS 'Why.';
COMMENT ON COLUMN unified_inbox_triage_results.suggested_response IS 'An answer.';
COMMENT ON COLUMN unified_inbox_triage_results.delegate_to IS 'Who is to deal with it.';
COMMENT ON COLUMN unified_inbox_triage_results.schedule_for IS 'When it is to be dealt with.';
COMMENT ON COLUMN unified_inbox_triage_results.agents IS 'The agents that took part: a list of names.';
COMMENT ON COLUMN unified_inbox_triage_results.debate_summary IS 'What they said, in short.';
COMMENT ON COLUMN unified_inbox_triage_results.created_at IS 'When the result was stored.';

INSERT INTO _schema_versions (module, version) VALUES ('unified_inbox', 1)
ON CONFLICT (module) DO NOTHING;
