-- Sessions that end before their time, and those in which an administrator acts as somebody else.

CREATE TABLE IF NOT EXISTS token_blacklist (
    jti TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    user_id TEXT,
    reason TEXT,
    CONSTRAINT token_blacklist_pkey PRIMARY KEY (jti),
    CONSTRAINT token_blacklist_jti_check CHECK (length(jti) = 32),
    CONSTRAINT token_blacklist_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT token_blacklist_revoked_at_check
    CHECK (revoked_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_token_blacklist_expires ON token_blacklist (expires_at, jti);
CREATE INDEX IF NOT EXISTS idx_token_blacklist_user ON token_blacklist (
    user_id, revoked_at DESC, jti
);

CREATE TABLE IF NOT EXISTS token_revocations (
    user_id TEXT NOT NULL,
    issued_before TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    reason TEXT,
    CONSTRAINT token_revocations_pkey PRIMARY KEY (user_id),
    CONSTRAINT token_revocations_user_id_check CHECK (user_id <> ''),
    CONSTRAINT token_revocations_issued_before_check
    CHECK (issued_before LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT token_revocations_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT token_revocations_revoked_at_check
    CHECK (revoked_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_token_revocations_expires
ON token_revocations (expires_at, user_id);

CREATE TABLE IF NOT EXISTS impersonation_sessions (
    session_id TEXT NOT NULL,
    admin_user_id TEXT NOT NULL,
    admin_email TEXT NOT NULL,
    target_user_id TEXT NOT NULL,
    target_email TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    actions_performed INTEGER NOT NULL DEFAULT 0,
    ended_at TEXT,
    ended_by TEXT,
    CONSTRAINT impersonation_sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT impersonation_sessions_session_id_check CHECK (session_id <> ''),
    CONSTRAINT impersonation_sessions_actions_performed_check CHECK (actions_performed >= 0),
    CONSTRAINT impersonation_sessions_ended_by_check
    CHECK (ended_by IN ('admin', 'timeout', 'system')),
    CONSTRAINT impersonation_sessions_ended_check CHECK (ended_by IS NULL OR ended_at IS NOT NULL),
    CONSTRAINT impersonation_sessions_started_at_check
    CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT impersonation_sessions_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT impersonation_sessions_ended_at_check
    CHECK (ended_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_impersonation_sessions_admin
ON impersonation_sessions (admin_user_id, started_at DESC, session_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_sessions_target
ON impersonation_sessions (target_user_id, started_at DESC, session_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_sessions_open
ON impersonation_sessions (expires_at, session_id)
WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_impersonation_sessions_ended
ON impersonation_sessions (ended_at, session_id)
WHERE ended_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS impersonation_audit (
    audit_id TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    event_type TEXT NOT NULL,
    session_id TEXT,
    admin_user_id TEXT NOT NULL,
    target_user_id TEXT,
    reason TEXT,
    action_details TEXT,
    ip_address TEXT,
    user_agent TEXT,
    success INTEGER NOT NULL,
    error_message TEXT,
    CONSTRAINT impersonation_audit_pkey PRIMARY KEY (audit_id),
    CONSTRAINT impersonation_audit_audit_id_check CHECK (audit_id <> ''),
    CONSTRAINT impersonation_audit_event_type_check
    CHECK (event_type IN ('start', 'action', 'end', 'timeout', 'denied')),
    CONSTRAINT impersonation_audit_action_details_check
    CHECK (
        action_details IS NULL
        OR (json_valid(action_details) AND json_type(action_details) = 'object')
    ),
    CONSTRAINT impersonation_audit_success_check CHECK (success IN (0, 1)),
    CONSTRAINT impersonation_audit_timestamp_check
    CHECK (timestamp LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_impersonation_audit_timestamp
ON impersonation_audit (timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_admin
ON impersonation_audit (admin_user_id, timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_target
ON impersonation_audit (target_user_id, timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_session
ON impersonation_audit (session_id, timestamp DESC, audit_id DESC);

INSERT INTO _schema_versions (module, version) VALUES ('sessions', 1)
ON CONFLICT (module) DO NOTHING;
