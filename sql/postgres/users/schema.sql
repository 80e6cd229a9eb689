-- Users and organizations: accounts, memberships, invitations, sign-in, usage, password reset.
--
-- Addresses are compared by email_key, which the application makes: without white space around it,
-- in Unicode normal form C, in lower case. So both engines tell the same addresses apart, and an
-- address is found by an index.

CREATE TABLE IF NOT EXISTS users (
    id TEXT COLLATE "C" NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    password_hash TEXT NOT NULL,
    password_salt TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL DEFAULT '',
    account_role TEXT NOT NULL DEFAULT 'member',
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    email_verified BOOLEAN NOT NULL DEFAULT FALSE,
    api_key_hash TEXT COLLATE "C",
    api_key_prefix TEXT,
    api_key_created_at TIMESTAMPTZ,
    api_key_expires_at TIMESTAMPTZ,
    mfa_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    mfa_secret TEXT,
    mfa_backup_codes TEXT,
    mfa_grace_period_started_at TIMESTAMPTZ,
    mfa_bypass_reason TEXT,
    mfa_bypass_approved_by TEXT,
    mfa_bypass_approved_at TIMESTAMPTZ,
    mfa_bypass_expires_at TIMESTAMPTZ,
    is_service_account BOOLEAN NOT NULL DEFAULT FALSE,
    service_account_created_by TEXT,
    service_account_scopes JSONB,
    token_version INTEGER NOT NULL DEFAULT 1,
    failed_login_attempts INTEGER NOT NULL DEFAULT 0,
    lockout_until TIMESTAMPTZ,
    last_failed_login_at TIMESTAMPTZ,
    last_login_at TIMESTAMPTZ,
    preferences JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT users_service_account_scopes_check
    CHECK (jsonb_typeof(service_account_scopes) = 'array'),
    CONSTRAINT users_preferences_check CHECK (jsonb_typeof(preferences) = 'object')
);

-- Lists of accounts are walks along it, the newest first.
CREATE INDEX IF NOT EXISTS idx_users_created ON users (created_at DESC, id DESC);
-- Accounts with secrets, for encrypting them again.
CREATE INDEX IF NOT EXISTS idx_users_secrets
ON users (id)
WHERE mfa_secret IS NOT NULL OR mfa_backup_codes IS NOT NULL;

CREATE TABLE IF NOT EXISTS organizations (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    tier TEXT NOT NULL DEFAULT 'free',
    owner_id TEXT COLLATE "C" NOT NULL,
    stripe_customer_id TEXT COLLATE "C",
    stripe_subscription_id TEXT COLLATE "C",
    debates_used_this_month BIGINT NOT NULL DEFAULT 0,
    billing_cycle_start TIMESTAMPTZ NOT NULL DEFAULT now(),
    settings JSONB NOT NULL DEFAULT '{}'::jsonb,
    trial_started_at TIMESTAMPTZ,
    trial_expires_at TIMESTAMPTZ,
    trial_debates_limit INTEGER NOT NULL DEFAULT 10,
    trial_converted BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT organizations_settings_check CHECK (jsonb_typeof(settings) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_organizations_owner ON organizations (owner_id);
-- Lists of organizations are walks along it, the newest first.
CREATE INDEX IF NOT EXISTS idx_organizations_created ON organizations (created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS organization_memberships (
    user_id TEXT COLLATE "C" NOT NULL,
    org_id TEXT COLLATE "C" NOT NULL,
    member_role TEXT NOT NULL DEFAULT 'member',
    joined_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    selected_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT organization_memberships_pkey PRIMARY KEY (user_id, org_id),
    CONSTRAINT organization_memberships_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT organization_memberships_org_id_fkey
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT organization_memberships_member_role_check
    CHECK (member_role IN ('member', 'admin'))
);

-- Lists the members of an organization.
CREATE INDEX IF NOT EXISTS idx_organization_memberships_org
ON organization_memberships (org_id, user_id);
-- Finds the present organization of a user.
CREATE INDEX IF NOT EXISTS idx_organization_memberships_selected
ON organization_memberships (user_id, selected_at DESC, org_id);

CREATE TABLE IF NOT EXISTS organization_invitations (
    id TEXT COLLATE "C" NOT NULL,
    org_id TEXT COLLATE "C" NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    member_role TEXT NOT NULL DEFAULT 'member',
    token_hash TEXT COLLATE "C" NOT NULL,
    invited_by TEXT COLLATE "C",
    status TEXT NOT NULL DEFAULT 'pending',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    accepted_by TEXT COLLATE "C",
    accepted_at TIMESTAMPTZ,
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
    CHECK (status IN ('pending', 'accepted', 'expired', 'revoked'))
);

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
    provider TEXT COLLATE "C" NOT NULL,
    provider_user_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    email TEXT,
    linked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT oauth_providers_pkey PRIMARY KEY (provider, provider_user_id),
    CONSTRAINT oauth_providers_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT oauth_providers_provider_check CHECK (provider <> ''),
    CONSTRAINT oauth_providers_provider_user_id_check CHECK (provider_user_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_oauth_providers_user ON oauth_providers (user_id, provider);

CREATE TABLE IF NOT EXISTS usage_events (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    org_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT usage_events_pkey PRIMARY KEY (id),
    CONSTRAINT usage_events_org_id_fkey
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT usage_events_event_type_check CHECK (event_type <> ''),
    CONSTRAINT usage_events_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_usage_events_org ON usage_events (org_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_usage_events_type
ON usage_events (org_id, event_type, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS password_reset_tokens (
    token_hash TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    CONSTRAINT password_reset_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT password_reset_tokens_token_hash_check CHECK (token_hash <> ''),
    CONSTRAINT password_reset_tokens_email_key_check CHECK (email_key <> '')
);

-- Counts the tokens of an address.
CREATE INDEX IF NOT EXISTS idx_password_reset_tokens_email
ON password_reset_tokens (email_key, created_at);
CREATE INDEX IF NOT EXISTS idx_password_reset_tokens_expires ON password_reset_tokens (expires_at);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization_memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization_invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE oauth_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_reset_tokens ENABLE ROW LEVEL SECURITY;

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
            || 'users, organizations, organization_memberships, organization_invitations, '
            || 'oauth_providers, usage_events, password_reset_tokens FROM %I',
            role_name
        );
        EXECUTE format('REVOKE ALL ON SEQUENCE usage_events_id_seq FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE users IS 'Accounts. Deleting one deletes its memberships, its sign-in providers, its reset tokens and the invitations to its address; invitations that it sent and what others keep of it (audit, usage of the organization) stay, without it. One that owns an organization is not deleted. [personal]';
COMMENT ON COLUMN users.id IS 'Identifier: a UUID, unless the application gives another. [user]';
COMMENT ON COLUMN users.email IS 'E-mail address as it was given, without white space around it. [personal]';
COMMENT ON COLUMN users.email_key IS 'Normal form of the address, by which accounts are told apart and found: no white space around it, Unicode normal form C, lower case. [personal]';
COMMENT ON COLUMN users.password_hash IS 'Hash of the password in whatever form the application makes; the secret is not known here. [personal]';
COMMENT ON COLUMN users.password_salt IS 'Salt of the hash, where the form has one apart. [personal]';
COMMENT ON COLUMN users.name IS 'Name to show. [personal]';
COMMENT ON COLUMN users.account_role IS 'Role without an organization: member, admin, owner; or superadmin, which counts in every organization.';
COMMENT ON COLUMN users.is_active IS 'Whether the account may be used.';
COMMENT ON COLUMN users.email_verified IS 'Whether the address was verified. [personal]';
COMMENT ON COLUMN users.api_key_hash IS 'SHA-256 of the API key, in hexadecimal; the key itself is not stored. [personal]';
COMMENT ON COLUMN users.api_key_prefix IS 'First 12 characters of the API key, to tell it from others. [personal]';
COMMENT ON COLUMN users.api_key_created_at IS 'When the API key was made.';
COMMENT ON COLUMN users.api_key_expires_at IS 'Until when the API key opens the account; NULL for ever.';
COMMENT ON COLUMN users.mfa_enabled IS 'Whether a second factor is asked for.';
COMMENT ON COLUMN users.mfa_secret IS 'Encrypted secret of the second factor (AES-256-GCM in base64, bound to the id). [personal]';
COMMENT ON COLUMN users.mfa_backup_codes IS 'Encrypted JSON list of hashed backup codes, as mfa_secret is. [personal]';
COMMENT ON COLUMN users.mfa_grace_period_started_at IS 'When the time began in which a second factor has to be set up.';
COMMENT ON COLUMN users.mfa_bypass_reason IS 'Why no second factor is needed: service_account or api_integration.';
COMMENT ON COLUMN users.mfa_bypass_approved_by IS 'User who approved that; stays when that user is deleted. [personal]';
COMMENT ON COLUMN users.mfa_bypass_approved_at IS 'When it was approved.';
COMMENT ON COLUMN users.mfa_bypass_expires_at IS 'Until when it is approved.';
COMMENT ON COLUMN users.is_service_account IS 'Whether a program uses the account.';
COMMENT ON COLUMN users.service_account_created_by IS 'User who made the service account; stays when that user is deleted. [personal]';
COMMENT ON COLUMN users.service_account_scopes IS 'List of what the service account may do.';
COMMENT ON COLUMN users.token_version IS 'Grows when all sessions are to end; tokens of another version count no more.';
COMMENT ON COLUMN users.failed_login_attempts IS 'Failed logins since the last successful one.';
COMMENT ON COLUMN users.lockout_until IS 'Until when the account is locked: 15 minutes from the fifth failed login on, an hour from the tenth, a day from the twentieth.';
COMMENT ON COLUMN users.last_failed_login_at IS 'When a login last failed. [personal]';
COMMENT ON COLUMN users.last_login_at IS 'When a login last succeeded. [personal]';
COMMENT ON COLUMN users.preferences IS 'Preferences, as the application keeps them. [personal]';
COMMENT ON COLUMN users.created_at IS 'When the account was made.';
COMMENT ON COLUMN users.updated_at IS 'When it was last changed.';

COMMENT ON TABLE organizations IS 'Organizations. Each has an owner at any time, and that owner is a member; deleting one deletes its memberships, invitations and usage. [kept]';
COMMENT ON COLUMN organizations.id IS 'Identifier: a UUID, unless the application gives another; the tenant key. [tenant]';
COMMENT ON COLUMN organizations.name IS 'Name to show.';
COMMENT ON COLUMN organizations.slug IS 'Name in addresses; no two organizations have the same.';
COMMENT ON COLUMN organizations.tier IS 'What was bought: free, starter, professional, enterprise or enterprise_plus.';
COMMENT ON COLUMN organizations.owner_id IS 'The owner. A user who owns an organization is not deleted before ownership has moved. [user]';
COMMENT ON COLUMN organizations.stripe_customer_id IS 'Customer at Stripe.';
COMMENT ON COLUMN organizations.stripe_subscription_id IS 'Subscription at Stripe.';
COMMENT ON COLUMN organizations.debates_used_this_month IS 'Debates since billing_cycle_start.';
COMMENT ON COLUMN organizations.billing_cycle_start IS 'When the count of debates began.';
COMMENT ON COLUMN organizations.settings IS 'Settings, as the application keeps them.';
COMMENT ON COLUMN organizations.trial_started_at IS 'When a trial began.';
COMMENT ON COLUMN organizations.trial_expires_at IS 'When it ends.';
COMMENT ON COLUMN organizations.trial_debates_limit IS 'Debates that a trial allows.';
COMMENT ON COLUMN organizations.trial_converted IS 'Whether a trial became a subscription.';
COMMENT ON COLUMN organizations.created_at IS 'When the organization was made.';
COMMENT ON COLUMN organizations.updated_at IS 'When it was last changed.';

COMMENT ON TABLE organization_memberships IS 'Who belongs to which organization. The one org_id that older programs know of a user is the organization that was selected last: a view of this table. Goes with the user and with the organization. [personal]';
COMMENT ON COLUMN organization_memberships.user_id IS 'The member; the row goes with the account. [user]';
COMMENT ON COLUMN organization_memberships.org_id IS 'The organization, with which the row goes; the tenant key.';
COMMENT ON COLUMN organization_memberships.member_role IS 'Role in the organization: member or admin. Of the owner it is what stays when ownership moves on.';
COMMENT ON COLUMN organization_memberships.joined_at IS 'When the user became a member.';
COMMENT ON COLUMN organization_memberships.selected_at IS 'When the user last joined or selected the organization; the newest one of a user is the present one.';

COMMENT ON TABLE organization_invitations IS 'Invitations to organizations. Those to an address go with the account of that address, those of an organization with it; the sender and who accepted become NULL when they are deleted. [personal]';
COMMENT ON COLUMN organization_invitations.id IS 'Identifier: a UUID, unless the application gives another.';
COMMENT ON COLUMN organization_invitations.org_id IS 'The organization, with which the row goes; the tenant key.';
COMMENT ON COLUMN organization_invitations.email IS 'Address that was invited, as it was given. [personal]';
COMMENT ON COLUMN organization_invitations.email_key IS 'Normal form of the address, as users.email_key. [address]';
COMMENT ON COLUMN organization_invitations.member_role IS 'Role on acceptance: member or admin.';
COMMENT ON COLUMN organization_invitations.token_hash IS 'SHA-256 of the token in the invitation, in hexadecimal; the token itself is not stored.';
COMMENT ON COLUMN organization_invitations.invited_by IS 'User who sent it; NULL when that account was deleted. [personal]';
COMMENT ON COLUMN organization_invitations.status IS 'pending, accepted, expired or revoked; only a pending one changes.';
COMMENT ON COLUMN organization_invitations.created_at IS 'When it was sent.';
COMMENT ON COLUMN organization_invitations.expires_at IS 'Until when it can be accepted.';
COMMENT ON COLUMN organization_invitations.accepted_by IS 'User who accepted it; NULL when that account was deleted. [user]';
COMMENT ON COLUMN organization_invitations.accepted_at IS 'When it was accepted.';

COMMENT ON TABLE oauth_providers IS 'Accounts at sign-in providers that open an account here. Goes with the user. [personal]';
COMMENT ON COLUMN oauth_providers.provider IS 'The provider in lower case, such as google or github.';
COMMENT ON COLUMN oauth_providers.provider_user_id IS 'Identifier of the account at the provider; it opens one account here. [personal]';
COMMENT ON COLUMN oauth_providers.user_id IS 'The account that it opens, and with which the row goes. [user]';
COMMENT ON COLUMN oauth_providers.email IS 'Address at the provider, as it says it. [personal]';
COMMENT ON COLUMN oauth_providers.linked_at IS 'When it was linked.';

COMMENT ON TABLE usage_events IS 'What organizations used, event by event. Goes with the organization.';
COMMENT ON COLUMN usage_events.id IS 'Number of the event; grows in the order of recording.';
COMMENT ON COLUMN usage_events.org_id IS 'The organization, with which the row goes; the tenant key.';
COMMENT ON COLUMN usage_events.event_type IS 'What was used, such as debate.';
COMMENT ON COLUMN usage_events.count IS 'How many.';
COMMENT ON COLUMN usage_events.metadata IS 'Further facts, as the application keeps them.';
COMMENT ON COLUMN usage_events.created_at IS 'When it was used.';

COMMENT ON TABLE password_reset_tokens IS 'Tokens that let whoever reads an address set a new password once. Used ones stay until they no longer count for the limit of an address; those of an address go with its account. [personal]';
COMMENT ON COLUMN password_reset_tokens.token_hash IS 'SHA-256 of the token, in hexadecimal; the token itself is not stored.';
COMMENT ON COLUMN password_reset_tokens.email_key IS 'Normal form of the address that the token was made for, as users.email_key. [address]';
COMMENT ON COLUMN password_reset_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN password_reset_tokens.expires_at IS 'Until when it can be used.';
COMMENT ON COLUMN password_reset_tokens.used_at IS 'When it was used, or made void.';

INSERT INTO _schema_versions (module, version) VALUES ('users', 1)
ON CONFLICT (module) DO NOTHING;
