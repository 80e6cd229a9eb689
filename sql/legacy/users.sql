-- How the older Aragora's users and organizations map onto today's tables.
--
-- Addresses were kept as given and told apart by their letters; here the normal form counts. Of two
-- accounts whose addresses differ in case the one in lower case stays, which the older program found
-- for either spelling, and the other one is rejected. API keys and tokens in the clear become their
-- SHA-256. Encrypted secrets of second factors stay as they are: they are bound to the user's id,
-- which stays too. audit_log of the same file belongs to another store.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: users(first_rowid, last_rowid)
-- Accounts. updated_at has no zone when the insert wrote it (UTC) or the lockout (local time): then
-- it is equal to one of the two other times that the lockout wrote.
-- from: users (id, email, password_hash, created_at, updated_at)
-- optional: password_salt, name, org_id, role, is_active, email_verified
-- optional: api_key, api_key_hash, api_key_prefix, api_key_created_at, api_key_expires_at
-- optional: last_login_at, mfa_secret, mfa_enabled, mfa_backup_codes, token_version
-- optional: failed_login_attempts, lockout_until, last_failed_login_at, preferences
-- into: users
-- key: email_key
-- repeats: addresses that differ in case only
-- secrets: password_hash, password_salt, api_key_hash, api_key_prefix, mfa_secret, mfa_backup_codes
-- merge: newest updated_at; prefer email = email_key; distinct id
-- utc: created_at
-- values: email_key = normal_email(email)
-- values: account_role = computed from role; api_key_hash = nonblank api_key_hash, sha256(api_key)
-- values: api_key_prefix = computed; api_key_expires_at = computed from api_key_expires_at
-- values: updated_at = computed from updated_at
-- values: token_version = computed from token_version; mfa_secret = nonblank mfa_secret
-- values: mfa_backup_codes = nonblank mfa_backup_codes
SELECT
    rowid AS source_rowid,
    id,
    email,
    normal_email(cast(email AS BLOB)) AS email_key,
    password_hash,
    coalesce(password_salt, '') AS password_salt,
    coalesce(name, '') AS name,
    CASE
        WHEN role = 'superadmin' OR coalesce(org_id, '') = '' THEN coalesce(role, 'member')
        ELSE 'member'
    END AS account_role,
    coalesce(is_active, 1) AS is_active,
    coalesce(email_verified, 0) AS email_verified,
    coalesce(nullif(api_key_hash, ''), sha256_text(cast(api_key AS BLOB))) AS api_key_hash,
    CASE
        WHEN coalesce(api_key_hash, '') = '' THEN substr(nullif(api_key, ''), 1, 12)
        ELSE api_key_prefix
    END AS api_key_prefix,
    api_key_created_at,
    -- A key in the clear that was never hashed opened the account for ever.
    CASE
        WHEN api_key_expires_at IS NOT NULL OR coalesce(api_key_hash, '') <> ''
            THEN api_key_expires_at
        WHEN nullif(api_key, '') IS NOT NULL
            THEN
                strftime(
                    '%Y-%m-%dT%H:%M:%S+00:00', coalesce(api_key_created_at, created_at), '+365 days'
                )
    END AS api_key_expires_at,
    coalesce(mfa_enabled, 0) AS mfa_enabled,
    nullif(mfa_secret, '') AS mfa_secret,
    nullif(mfa_backup_codes, '') AS mfa_backup_codes,
    -- The older program took 0 for 1.
    max(coalesce(token_version, 1), 1) AS token_version,
    coalesce(failed_login_attempts, 0) AS failed_login_attempts,
    lockout_until,
    last_failed_login_at,
    last_login_at,
    coalesce(nullif(preferences, ''), '{}') AS preferences,
    created_at,
    CASE
        WHEN updated_at IN (last_failed_login_at, last_login_at) THEN updated_at
        WHEN updated_at GLOB '????-??-??T*' AND substr(updated_at, 11) NOT GLOB '*[+Z-]*'
            THEN updated_at || '+00:00'
        ELSE updated_at
    END AS updated_at,
    CASE
        WHEN coalesce(api_key_hash, '') = '' AND coalesce(api_key, '') <> ''
            THEN 'API key in the clear; its SHA-256 was moved'
    END AS note_api_key,
    CASE
        WHEN
            is_clear_secret(cast(mfa_secret AS BLOB))
            OR is_clear_secret(cast(mfa_backup_codes AS BLOB))
            THEN
                'secrets of a second factor in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_mfa
FROM users
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: organizations(first_rowid, last_rowid)
-- Organizations. One without an owner who is there is rejected: name one in the reject file.
-- from: organizations (id, name, slug, owner_id, created_at, updated_at)
-- optional: tier, stripe_customer_id, stripe_subscription_id, debates_used_this_month
-- optional: billing_cycle_start, settings
-- into: organizations
-- key: id
-- merge: newest updated_at
-- values: stripe_customer_id = nonblank stripe_customer_id
-- values: stripe_subscription_id = nonblank stripe_subscription_id
-- values: billing_cycle_start = billing_cycle_start, created_at; tier = tier, 'free'
SELECT
    rowid AS source_rowid,
    id,
    name,
    slug,
    coalesce(tier, 'free') AS tier,
    owner_id,
    nullif(stripe_customer_id, '') AS stripe_customer_id,
    nullif(stripe_subscription_id, '') AS stripe_subscription_id,
    coalesce(debates_used_this_month, 0) AS debates_used_this_month,
    coalesce(billing_cycle_start, created_at) AS billing_cycle_start,
    coalesce(nullif(settings, ''), '{}') AS settings,
    created_at,
    updated_at
FROM organizations
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: memberships(first_rowid, last_rowid)
-- The one organization of each account. When it joined was not kept; it is there since the account.
-- from: users (id, email, created_at)
-- optional: org_id, role
-- unpacks: org_id when it is there
-- into: organization_memberships
-- key: user_id, org_id
-- merge: first
-- utc: joined_at, selected_at
-- values: user_id = id; member_role = computed; joined_at = created_at; selected_at = created_at
SELECT
    rowid AS source_rowid,
    id AS user_id,
    org_id,
    CASE WHEN coalesce(role, 'member') = 'member' THEN 'member' ELSE 'admin' END AS member_role,
    created_at AS joined_at,
    created_at AS selected_at
FROM users
WHERE
    rowid BETWEEN :first_rowid AND :last_rowid
    AND org_id <> '';

-- name: owners(first_rowid, last_rowid)
-- An owner is a member, also one whose account named another organization.
-- from: organizations (id, owner_id, created_at)
-- unpacks: owner_id when it is there
-- into: organization_memberships
-- key: user_id, org_id
-- merge: first
-- values: user_id = owner_id; org_id = id; member_role = 'admin'
-- values: joined_at = created_at; selected_at = created_at
SELECT
    rowid AS source_rowid,
    owner_id AS user_id,
    id AS org_id,
    'admin' AS member_role,
    created_at AS joined_at,
    created_at AS selected_at
FROM organizations
WHERE
    rowid BETWEEN :first_rowid AND :last_rowid
    AND owner_id <> '';

-- name: invitations(first_rowid, last_rowid)
-- Invitations. Their tokens were kept in the clear.
-- from: org_invitations (id, org_id, email, token, created_at, expires_at)
-- optional: role, invited_by, status, accepted_by, accepted_at
-- into: organization_invitations
-- key: id
-- secrets: token_hash
-- merge: first
-- merge: keep accepted_at or accepted_by, status by created_at
-- utc: created_at
-- values: email_key = normal_email(email); token_hash = sha256(token)
-- values: member_role = computed from role; status = status, 'pending'; invited_by = nonblank invited_by
-- values: accepted_by = nonblank accepted_by
SELECT
    rowid AS source_rowid,
    id,
    org_id,
    email,
    normal_email(cast(email AS BLOB)) AS email_key,
    CASE WHEN coalesce(role, 'member') = 'member' THEN 'member' ELSE 'admin' END AS member_role,
    sha256_text(cast(token AS BLOB)) AS token_hash,
    nullif(invited_by, '') AS invited_by,
    coalesce(status, 'pending') AS status,
    created_at,
    expires_at,
    nullif(accepted_by, '') AS accepted_by,
    accepted_at
FROM org_invitations
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: oauth_providers(first_rowid, last_rowid)
-- Accounts at sign-in providers.
-- from: oauth_providers (user_id, provider, provider_user_id, linked_at)
-- optional: email
-- ignored: id
-- into: oauth_providers
-- key: provider, provider_user_id
-- merge: newest linked_at
SELECT
    rowid AS source_rowid,
    provider,
    provider_user_id,
    user_id,
    email,
    linked_at
FROM oauth_providers
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: usage_events(first_rowid, last_rowid)
-- What organizations used.
-- from: usage_events (id, org_id, event_type, created_at)
-- optional: count, metadata
-- into: usage_events
-- key: id
-- copies: org_id, event_type, created_at
-- merge: renumber
SELECT
    rowid AS source_rowid,
    id,
    org_id,
    event_type,
    coalesce(count, 1) AS count,
    coalesce(nullif(metadata, ''), '{}') AS metadata,
    created_at
FROM usage_events
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: password_reset_tokens(first_rowid, last_rowid)
-- Reset tokens. When one was used was not kept: it counts as used at once.
-- from: password_reset_tokens (token_hash, email, created_at, expires_at)
-- optional: used
-- into: password_reset_tokens
-- key: token_hash
-- secrets: token_hash
-- merge: newest created_at
-- merge: keep used_at by created_at
-- unix: created_at, expires_at, used_at
-- values: email_key = normal_email(email); used_at = computed
SELECT
    rowid AS source_rowid,
    token_hash,
    normal_email(cast(email AS BLOB)) AS email_key,
    created_at,
    expires_at,
    CASE WHEN used > 0 THEN created_at END AS used_at
FROM password_reset_tokens
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
