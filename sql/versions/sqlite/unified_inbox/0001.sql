-- Mail of several accounts in one inbox: accounts, messages, what agents advise to do with them.

CREATE TABLE IF NOT EXISTS unified_inbox_accounts (
    tenant_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    email_address TEXT NOT NULL,
    email_key TEXT NOT NULL,
    display_name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    connected_at TEXT,
    last_sync TEXT,
    total_messages INTEGER NOT NULL DEFAULT 0,
    unread_count INTEGER NOT NULL DEFAULT 0,
    sync_errors INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT unified_inbox_accounts_pkey PRIMARY KEY (tenant_id, account_id),
    CONSTRAINT unified_inbox_accounts_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT unified_inbox_accounts_account_id_check CHECK (account_id <> ''),
    CONSTRAINT unified_inbox_accounts_provider_check CHECK (provider IN ('gmail', 'outlook')),
    CONSTRAINT unified_inbox_accounts_status_check
    CHECK (status IN ('pending', 'connected', 'syncing', 'error', 'disconnected')),
    CONSTRAINT unified_inbox_accounts_connected_at_check
    CHECK (connected_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT unified_inbox_accounts_last_sync_check
    CHECK (last_sync LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT unified_inbox_accounts_total_messages_check CHECK (total_messages >= 0),
    CONSTRAINT unified_inbox_accounts_unread_count_check CHECK (unread_count >= 0),
    CONSTRAINT unified_inbox_accounts_sync_errors_check CHECK (sync_errors >= 0),
    CONSTRAINT unified_inbox_accounts_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object')
) STRICT;

CREATE TABLE IF NOT EXISTS unified_inbox_messages (
    -- parity: column unified_inbox_messages.row_id because rows of unified_inbox_search are numbered
    row_id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    subject TEXT,
    sender_email TEXT,
    sender_name TEXT,
    recipients TEXT NOT NULL DEFAULT '[]',
    cc TEXT NOT NULL DEFAULT '[]',
    received_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    snippet TEXT,
    body_preview TEXT,
    is_read INTEGER NOT NULL DEFAULT 0,
    is_starred INTEGER NOT NULL DEFAULT 0,
    has_attachments INTEGER NOT NULL DEFAULT 0,
    labels TEXT NOT NULL DEFAULT '[]',
    thread_id TEXT,
    priority_score REAL NOT NULL DEFAULT 0.0,
    priority_tier TEXT NOT NULL DEFAULT 'medium',
    priority_reasons TEXT NOT NULL DEFAULT '[]',
    triage_action TEXT,
    triage_rationale TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT unified_inbox_messages_pkey UNIQUE (tenant_id, message_id),
    CONSTRAINT unified_inbox_messages_external_key UNIQUE (tenant_id, account_id, external_id),
    CONSTRAINT unified_inbox_messages_account_fkey
    FOREIGN KEY (tenant_id, account_id) REFERENCES unified_inbox_accounts (
        tenant_id, account_id
    ) ON DELETE CASCADE,
    CONSTRAINT unified_inbox_messages_message_id_check CHECK (message_id <> ''),
    CONSTRAINT unified_inbox_messages_provider_check CHECK (provider IN ('gmail', 'outlook')),
    CONSTRAINT unified_inbox_messages_external_id_check CHECK (external_id <> ''),
    CONSTRAINT unified_inbox_messages_recipients_check
    CHECK (json_valid(recipients) AND json_type(recipients) = 'array'),
    CONSTRAINT unified_inbox_messages_cc_check CHECK (json_valid(cc) AND json_type(cc) = 'array'),
    CONSTRAINT unified_inbox_messages_received_at_check
    CHECK (received_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT unified_inbox_messages_body_preview_check CHECK (length(body_preview) <= 500),
    CONSTRAINT unified_inbox_messages_is_read_check CHECK (is_read IN (0, 1)),
    CONSTRAINT unified_inbox_messages_is_starred_check CHECK (is_starred IN (0, 1)),
    CONSTRAINT unified_inbox_messages_has_attachments_check CHECK (has_attachments IN (0, 1)),
    CONSTRAINT unified_inbox_messages_labels_check
    CHECK (json_valid(labels) AND json_type(labels) = 'array'),
    CONSTRAINT unified_inbox_messages_priority_score_check
    CHECK (priority_score BETWEEN -1e300 AND 1e300),
    CONSTRAINT unified_inbox_messages_priority_tier_check
    CHECK (priority_tier IN ('critical', 'high', 'medium', 'low')),
    CONSTRAINT unified_inbox_messages_priority_reasons_check
    CHECK (json_valid(priority_reasons) AND json_type(priority_reasons) = 'array'),
    CONSTRAINT unified_inbox_messages_triage_action_check
    CHECK (triage_action IN (
        'respond_urgent', 'respond_normal', 'delegate', 'schedule', 'archive', 'delete', 'flag',
        'defer'
    )),
    CONSTRAINT unified_inbox_messages_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT unified_inbox_messages_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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

-- External content: the words are stored once, in the table.
-- parity: table unified_inbox_search because PostgreSQL searches in unified_inbox_messages.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS unified_inbox_search USING fts5 (
    search_terms,
    content = 'unified_inbox_messages',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS unified_inbox_search_insert AFTER INSERT ON unified_inbox_messages
BEGIN
    INSERT INTO unified_inbox_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS unified_inbox_search_delete AFTER DELETE ON unified_inbox_messages
BEGIN
    INSERT INTO unified_inbox_search (unified_inbox_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS unified_inbox_search_update
AFTER UPDATE OF row_id, search_terms ON unified_inbox_messages
BEGIN
    INSERT INTO unified_inbox_search (unified_inbox_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO unified_inbox_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TABLE IF NOT EXISTS unified_inbox_triage_results (
    tenant_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    recommended_action TEXT NOT NULL,
    confidence REAL NOT NULL DEFAULT 0.0,
    rationale TEXT,
    suggested_response TEXT,
    delegate_to TEXT,
    schedule_for TEXT,
    agents TEXT NOT NULL DEFAULT '[]',
    debate_summary TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
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
    CONSTRAINT unified_inbox_triage_results_schedule_for_check
    CHECK (schedule_for LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT unified_inbox_triage_results_agents_check
    CHECK (json_valid(agents) AND json_type(agents) = 'array'),
    CONSTRAINT unified_inbox_triage_results_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('unified_inbox', 1)
ON CONFLICT (module) DO NOTHING;
