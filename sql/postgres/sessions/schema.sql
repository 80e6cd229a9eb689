-- Sessions that end before their time, and those in which an administrator acts as somebody else.

-- meaning: values of token_blacklist.jti ["00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"] because calls ask for known tokens
-- meaning: values of token_blacklist.user_id ["u1", "u2", null] because few users have many tokens
-- meaning: values of token_revocations.user_id ["u1", "u2", "u3"] because calls ask for known users
-- meaning: values of impersonation_sessions.admin_user_id ["u1", "u2"] because few administrators have many sessions
-- meaning: values of impersonation_audit.admin_user_id ["u1", "u2"] because few administrators have many entries
-- meaning: values of impersonation_audit.target_user_id ["u3", "u4", null] because few users have many entries
-- meaning: values of impersonation_audit.session_id ["s1", "s2", null] because few sessions have many entries

CREATE TABLE IF NOT EXISTS token_blacklist (
    jti TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    user_id TEXT COLLATE "C",
    reason TEXT,
    CONSTRAINT token_blacklist_pkey PRIMARY KEY (jti),
    CONSTRAINT token_blacklist_jti_check CHECK (length(jti) = 32)
);

CREATE INDEX IF NOT EXISTS idx_token_blacklist_expires ON token_blacklist (expires_at, jti);
CREATE INDEX IF NOT EXISTS idx_token_blacklist_user ON token_blacklist (
    user_id, revoked_at DESC, jti
);

CREATE TABLE IF NOT EXISTS token_revocations (
    user_id TEXT COLLATE "C" NOT NULL,
    issued_before TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    reason TEXT,
    CONSTRAINT token_revocations_pkey PRIMARY KEY (user_id),
    CONSTRAINT token_revocations_user_id_check CHECK (user_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_token_revocations_expires
ON token_revocations (expires_at, user_id);

CREATE TABLE IF NOT EXISTS impersonation_sessions (
    session_id TEXT COLLATE "C" NOT NULL,
    admin_user_id TEXT COLLATE "C" NOT NULL,
    admin_email TEXT NOT NULL,
    target_user_id TEXT COLLATE "C" NOT NULL,
    target_email TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    actions_performed INTEGER NOT NULL DEFAULT 0,
    ended_at TIMESTAMPTZ,
    ended_by TEXT,
    CONSTRAINT impersonation_sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT impersonation_sessions_session_id_check CHECK (session_id <> ''),
    CONSTRAINT impersonation_sessions_actions_performed_check CHECK (actions_performed >= 0),
    CONSTRAINT impersonation_sessions_ended_by_check
    CHECK (ended_by IN ('admin', 'timeout', 'system')),
    CONSTRAINT impersonation_sessions_ended_check CHECK (ended_by IS NULL OR ended_at IS NOT NULL)
);

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
    audit_id TEXT COLLATE "C" NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    event_type TEXT NOT NULL,
    session_id TEXT COLLATE "C",
    admin_user_id TEXT COLLATE "C" NOT NULL,
    target_user_id TEXT COLLATE "C",
    reason TEXT,
    action_details JSONB,
    ip_address TEXT,
    user_agent TEXT,
    success BOOLEAN NOT NULL,
    error_message TEXT,
    CONSTRAINT impersonation_audit_pkey PRIMARY KEY (audit_id),
    CONSTRAINT impersonation_audit_audit_id_check CHECK (audit_id <> ''),
    CONSTRAINT impersonation_audit_event_type_check
    CHECK (event_type IN ('start', 'action', 'end', 'timeout', 'denied')),
    CONSTRAINT impersonation_audit_action_details_check
    CHECK (jsonb_typeof(action_details) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_impersonation_audit_timestamp
ON impersonation_audit (timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_admin
ON impersonation_audit (admin_user_id, timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_target
ON impersonation_audit (target_user_id, timestamp DESC, audit_id DESC);
CREATE INDEX IF NOT EXISTS idx_impersonation_audit_session
ON impersonation_audit (session_id, timestamp DESC, audit_id DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE token_blacklist ENABLE ROW LEVEL SECURITY;
ALTER TABLE token_revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE impersonation_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE impersonation_audit ENABLE ROW LEVEL SECURITY;

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
            || 'token_blacklist, token_revocations, impersonation_sessions, impersonation_audit '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE token_blacklist IS 'Tokens that are refused before they expire. A token is known by its hash alone.';
COMMENT ON COLUMN token_blacklist.jti IS 'The first 32 hexadecimal digits of SHA-256 of the whole token, and not its claim jti.';
COMMENT ON COLUMN token_blacklist.expires_at IS 'When the token expires by itself; the row is of no use any more then.';
COMMENT ON COLUMN token_blacklist.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN token_blacklist.user_id IS 'Whose token it is [user]';
COMMENT ON COLUMN token_blacklist.reason IS 'Why it was revoked.';

COMMENT ON TABLE token_revocations IS 'Users all of whose tokens are refused that were issued before a time. [kept]';
COMMENT ON COLUMN token_revocations.user_id IS 'The user [user]';
COMMENT ON COLUMN token_revocations.issued_before IS 'Tokens that were issued before this time are refused.';
COMMENT ON COLUMN token_revocations.expires_at IS 'When the last of these tokens expires by itself; the row is of no use any more then.';
COMMENT ON COLUMN token_revocations.revoked_at IS 'When they were revoked.';
COMMENT ON COLUMN token_revocations.reason IS 'Why they were revoked.';

COMMENT ON TABLE impersonation_sessions IS 'Sessions in which an administrator acts as another user. They outlive both, so no foreign key leads there.';
COMMENT ON COLUMN impersonation_sessions.session_id IS 'Identifier of the session, which the application makes.';
COMMENT ON COLUMN impersonation_sessions.admin_user_id IS 'Who acts [user]';
COMMENT ON COLUMN impersonation_sessions.admin_email IS 'E-mail address of the administrator at the start [personal]';
COMMENT ON COLUMN impersonation_sessions.target_user_id IS 'As whom [user]';
COMMENT ON COLUMN impersonation_sessions.target_email IS 'E-mail address of the other user at the start [personal]';
COMMENT ON COLUMN impersonation_sessions.reason IS 'Why.';
COMMENT ON COLUMN impersonation_sessions.started_at IS 'When the session was started.';
COMMENT ON COLUMN impersonation_sessions.expires_at IS 'When it ends at the latest.';
COMMENT ON COLUMN impersonation_sessions.ip_address IS 'Address that it was started from [personal]';
COMMENT ON COLUMN impersonation_sessions.user_agent IS 'Program that it was started from [personal]';
COMMENT ON COLUMN impersonation_sessions.actions_performed IS 'How much was done in it.';
COMMENT ON COLUMN impersonation_sessions.ended_at IS 'When it was ended; NULL until then.';
COMMENT ON COLUMN impersonation_sessions.ended_by IS 'What ended it: admin, timeout or system. [user]';

COMMENT ON TABLE impersonation_audit IS 'What was done in impersonation sessions, and what was denied. Entries outlive their sessions.';
COMMENT ON COLUMN impersonation_audit.audit_id IS 'Identifier of the entry, which the application makes.';
COMMENT ON COLUMN impersonation_audit.timestamp IS 'When it happened.';
COMMENT ON COLUMN impersonation_audit.event_type IS 'What happened: start, action, end, timeout or denied.';
COMMENT ON COLUMN impersonation_audit.session_id IS 'The session, where there is one.';
COMMENT ON COLUMN impersonation_audit.admin_user_id IS 'Who acted [user]';
COMMENT ON COLUMN impersonation_audit.target_user_id IS 'As whom [user]';
COMMENT ON COLUMN impersonation_audit.reason IS 'Why.';
COMMENT ON COLUMN impersonation_audit.action_details IS 'What exactly was done [personal]';
COMMENT ON COLUMN impersonation_audit.ip_address IS 'Address that it came from [personal]';
COMMENT ON COLUMN impersonation_audit.user_agent IS 'Program that it came from [personal]';
COMMENT ON COLUMN impersonation_audit.success IS 'Whether it succeeded.';
COMMENT ON COLUMN impersonation_audit.error_message IS 'Why it did not [personal]';

INSERT INTO _schema_versions (module, version) VALUES ('sessions', 1)
ON CONFLICT (module) DO NOTHING;
