-- Users and organizations: accounts, memberships, invitations, sign-in, usage, password reset.
--
-- Addresses are compared by email_key, which the application makes: without white space around it,
-- in Unicode normal form C, in lower case. So both engines tell the same addresses apart, and an
-- address is found by an index.

CREATE TABLE IF NOT EXISTS users (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    password_salt TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL DEFAULT '',
    account_role TEXT NOT NULL DEFAULT 'member',
    is_active INTEGER NOT NULL DEFAULT 1,
    email_verified INTEGER NOT NULL DEFAULT 0,
    api_key_hash TEXT,
    api_key_prefix TEXT,
    api_key_created_at TEXT,
    api_key_expires_at TEXT,
    mfa_enabled INTEGER NOT NULL DEFAULT 0,
    mfa_secret TEXT,
    mfa_backup_codes TEXT,
    mfa_grace_period_started_at TEXT,
    mfa_bypass_reason TEXT,
    mfa_bypass_approved_by TEXT,
    mfa_bypass_approved_at TEXT,
    mfa_bypass_expires_at TEXT,
    is_service_account INTEGER NOT NULL DEFAULT 0,
    service_account_created_by TEXT,
    service_account_scopes TEXT,
    token_version INTEGER NOT NULL DEFAULT 1,
    failed_login_attempts INTEGER NOT NULL DEFAULT 0,
    lockout_until TEXT,
    last_failed_login_at TEXT,
    last_login_at TEXT,
    preferences TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key_key UNIQUE (email_key),
    CONSTRAINT users_api_key_hash_key UNIQUE (api_key_hash),
    CONSTRAINT users_id_check CHECK (id <> ''),
    CONSTRAINT users_email_check CHECK (email <> ''),
    CONSTRAINT users_email_key_check CHECK (email_key <> ''),
    CONSTRAINT users_account_role_check
    CHECK (account_role IN ('member', 'admin', 'owner', 'superadmin')),
    CONSTRAINT users_api_key_hash_check CHECK (api_key_hash <> ''),
    CONSTRAINT users_mfa_bypass_reason_check
    CHECK (mfa_bypass_reason IN ('service_account', 'api_integration')),
    CONSTRAINT users_token_version_check CHECK (token_version >= 1),
    CONSTRAINT users_failed_login_attempts_check CHECK (failed_login_attempts >= 0),
    CONSTRAINT users_is_active_check CHECK (is_active IN (0, 1)),
    CONSTRAINT users_email_verified_check CHECK (email_verified IN (0, 1)),
    CONSTRAINT users_api_key_created_at_check
    CHECK (api_key_created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_api_key_expires_at_check
    CHECK (api_key_expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_mfa_enabled_check CHECK (mfa_enabled IN (0, 1)),
    CONSTRAINT users_mfa_grace_period_started_at_check
    CHECK (mfa_grace_period_started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_mfa_bypass_approved_at_check
    CHECK (mfa_bypass_approved_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_mfa_bypass_expires_at_check
    CHECK (mfa_bypass_expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_is_service_account_check CHECK (is_service_account IN (0, 1)),
    CONSTRAINT users_service_account_scopes_check CHECK (
        service_account_scopes IS NULL
        OR (json_valid(service_account_scopes) AND json_type(service_account_scopes) = 'array')
    ),
    CONSTRAINT users_lockout_until_check CHECK (lockout_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_last_failed_login_at_check
    CHECK (last_failed_login_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_last_login_at_check CHECK (last_login_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_preferences_check
    CHECK (json_valid(preferences) AND json_type(preferences) = 'object'),
    CONSTRAINT users_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT users_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- Lists of accounts are walks along it, the newest first.
CREATE INDEX IF NOT EXISTS idx_users_created ON users (created_at DESC, id DESC);
-- Accounts with secrets, for encrypting them again.
CREATE INDEX IF NOT EXISTS idx_users_secrets
ON users (id)
WHERE mfa_secret IS NOT NULL OR mfa_backup_codes IS NOT NULL;

CREATE TABLE IF NOT EXISTS organizations (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    tier TEXT NOT NULL DEFAULT 'free',
    owner_id TEXT NOT NULL,
    stripe_customer_id TEXT,
    stripe_subscription_id TEXT,
    debates_used_this_month INTEGER NOT NULL DEFAULT 0,
    billing_cycle_start TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    settings TEXT NOT NULL DEFAULT '{}',
    trial_started_at TEXT,
    trial_expires_at TEXT,
    trial_debates_limit INTEGER NOT NULL DEFAULT 10,
    trial_converted INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_stripe_customer_id_key UNIQUE (stripe_customer_id),
    CONSTRAINT organizations_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT organizations_owner_id_fkey
    FOREIGN KEY (owner_id) REFERENCES users (id),
    CONSTRAINT organizations_id_check CHECK (id <> ''),
    CONSTRAINT organizations_slug_check CHECK (slug <> ''),
    CONSTRAINT organizations_tier_check CHECK (
        tier IN ('free', 'starter', 'professional', 'enterprise', 'enterprise_plus')
    ),
    CONSTRAINT organizations_stripe_customer_id_check CHECK (stripe_customer_id <> ''),
    CONSTRAINT organizations_stripe_subscription_id_check CHECK (stripe_subscription_id <> ''),
    CONSTRAINT organizations_debates_used_this_month_check CHECK (debates_used_this_month >= 0),
    CONSTRAINT organizations_trial_debates_limit_check CHECK (trial_debates_limit >= 0),
    CONSTRAINT organizations_billing_cycle_start_check
    CHECK (billing_cycle_start LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organizations_settings_check
    CHECK (json_valid(settings) AND json_type(settings) = 'object'),
    CONSTRAINT organizations_trial_started_at_check
    CHECK (trial_started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organizations_trial_expires_at_check
    CHECK (trial_expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organizations_trial_converted_check CHECK (trial_converted IN (0, 1)),
    CONSTRAINT organizations_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organizations_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_organizations_owner ON organizations (owner_id);
-- Lists of organizations are walks along it, the newest first.
CREATE INDEX IF NOT EXISTS idx_organizations_created ON organizations (created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS organization_memberships (
    user_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    member_role TEXT NOT NULL DEFAULT 'member',
    joined_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    selected_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT organization_memberships_pkey PRIMARY KEY (user_id, org_id),
    CONSTRAINT organization_memberships_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT organization_memberships_org_id_fkey
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT organization_memberships_member_role_check
    CHECK (member_role IN ('member', 'admin')),
    CONSTRAINT organization_memberships_joined_at_check
    CHECK (joined_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organization_memberships_selected_at_check
    CHECK (selected_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- Lists the members of an organization.
CREATE INDEX IF NOT EXISTS idx_organization_memberships_org
ON organization_memberships (org_id, user_id);
-- Finds the present organization of a user.
CREATE INDEX IF NOT EXISTS idx_organization_memberships_selected
ON organization_memberships (user_id, selected_at DESC, org_id);

CREATE TABLE IF NOT EXISTS organization_invitations (
    id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    member_role TEXT NOT NULL DEFAULT 'member',
    token_hash TEXT NOT NULL,
    invited_by TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT NOT NULL,
    accepted_by TEXT,
    accepted_at TEXT,
    CONSTRAINT organization_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT organization_invitations_token_hash_key UNIQUE (token_hash),
    CONSTRAINT organization_invitations_org_id_fkey
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT organization_invitations_invited_by_fkey
    FOREIGN KEY (invited_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT organization_invitations_accepted_by_fkey
    FOREIGN KEY (accepted_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT organization_invitations_id_check CHECK (id <> ''),
    CONSTRAINT organization_invitations_email_key_check CHECK (email_key <> ''),
    CONSTRAINT organization_invitations_member_role_check
    CHECK (member_role IN ('member', 'admin')),
    CONSTRAINT organization_invitations_token_hash_check CHECK (token_hash <> ''),
    CONSTRAINT organization_invitations_status_check
    CHECK (status IN ('pending', 'accepted', 'expired', 'revoked')),
    CONSTRAINT organization_invitations_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organization_invitations_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT organization_invitations_accepted_at_check
    CHECK (accepted_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- One invitation of an organization waits for an address at a time.
CREATE UNIQUE INDEX IF NOT EXISTS idx_organization_invitations_pending
ON organization_invitations (org_id, email_key)
WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_organization_invitations_email
ON organization_invitations (email_key, status, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_organization_invitations_org
ON organization_invitations (org_id, created_at DESC, id DESC);
-- Finds those that are over.
CREATE INDEX IF NOT EXISTS idx_organization_invitations_expires
ON organization_invitations (expires_at)
WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_organization_invitations_invited_by
ON organization_invitations (invited_by);
CREATE INDEX IF NOT EXISTS idx_organization_invitations_accepted_by
ON organization_invitations (accepted_by);

CREATE TABLE IF NOT EXISTS oauth_providers (
    provider TEXT NOT NULL,
    provider_user_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT,
    linked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT oauth_providers_pkey PRIMARY KEY (provider, provider_user_id),
    CONSTRAINT oauth_providers_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT oauth_providers_provider_check CHECK (provider <> ''),
    CONSTRAINT oauth_providers_provider_user_id_check CHECK (provider_user_id <> ''),
    CONSTRAINT oauth_providers_linked_at_check
    CHECK (linked_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_oauth_providers_user ON oauth_providers (user_id, provider);

CREATE TABLE IF NOT EXISTS usage_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT usage_events_org_id_fkey
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT usage_events_event_type_check CHECK (event_type <> ''),
    CONSTRAINT usage_events_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT usage_events_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_usage_events_org ON usage_events (org_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_usage_events_type
ON usage_events (org_id, event_type, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS password_reset_tokens (
    token_hash TEXT NOT NULL,
    email_key TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    expires_at TEXT NOT NULL,
    used_at TEXT,
    CONSTRAINT password_reset_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT password_reset_tokens_token_hash_check CHECK (token_hash <> ''),
    CONSTRAINT password_reset_tokens_email_key_check CHECK (email_key <> ''),
    CONSTRAINT password_reset_tokens_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT password_reset_tokens_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT password_reset_tokens_used_at_check
    CHECK (used_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- Counts the tokens of an address.
CREATE INDEX IF NOT EXISTS idx_password_reset_tokens_email
ON password_reset_tokens (email_key, created_at);
CREATE INDEX IF NOT EXISTS idx_password_reset_tokens_expires ON password_reset_tokens (expires_at);

INSERT INTO _schema_versions (module, version) VALUES ('users', 1)
ON CONFLICT (module) DO NOTHING;
