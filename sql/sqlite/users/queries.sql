-- Queries of the store of users and organizations. A user's present organization is the one that was
-- selected last; the role is that in it, except that superadmin counts everywhere.

-- name: insert_user(id, email, email_key, password_hash, password_salt, name, account_role, email_verified, is_service_account, service_account_created_by, service_account_scopes, created_at, updated_at)!
-- Store an account, unless another one has the address.
INSERT INTO users (
    id,
    email,
    email_key,
    password_hash,
    password_salt,
    name,
    account_role,
    email_verified,
    is_service_account,
    service_account_created_by,
    service_account_scopes,
    created_at,
    updated_at
)
VALUES (
    :id,
    :email,
    :email_key,
    :password_hash,
    :password_salt,
    :name,
    :account_role,
    :email_verified,
    :is_service_account,
    :service_account_created_by,
    :service_account_scopes,
    :created_at,
    :updated_at
)
ON CONFLICT (email_key) DO NOTHING;

-- name: get_user(user_id)^
-- Return an account with its present organization.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM users AS u
WHERE u.id = :user_id;

-- name: get_user_by_email(email_key)^
-- Return the account of an address.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM users AS u
WHERE u.email_key = :email_key;

-- name: get_user_by_api_key(api_key_hash, at_time)^
-- Return the account that an API key opens at a time.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM users AS u
WHERE
    u.api_key_hash = :api_key_hash
    AND (u.api_key_expires_at IS NULL OR u.api_key_expires_at > :at_time);

-- name: get_user_by_oauth(provider, provider_user_id)^
-- Return the account that an account at a sign-in provider opens.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM oauth_providers AS l
INNER JOIN users AS u ON l.user_id = u.id
WHERE
    l.provider = :provider
    AND l.provider_user_id = :provider_user_id;

-- name: list_users_by_id(user_ids)
-- List accounts by their identifiers.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM users AS u
WHERE u.id IN (SELECT j.value FROM json_each(:user_ids) AS j)
ORDER BY u.id;

-- name: lock_users(user_ids)
-- Take accounts, so that nobody else changes them meanwhile.
SELECT
    u.id,
    u.email,
    u.email_key,
    u.password_hash,
    u.password_salt,
    u.name,
    u.is_active,
    u.email_verified,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_secret,
    u.mfa_backup_codes,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.last_login_at
FROM users AS u
WHERE u.id IN (SELECT j.value FROM json_each(:user_ids) AS j)
ORDER BY u.id;

-- name: set_users(user_id, email, email_key, password_hash, password_salt, name, is_active, email_verified, api_key_hash, api_key_prefix, api_key_created_at, api_key_expires_at, mfa_enabled, mfa_secret, mfa_backup_codes, mfa_grace_period_started_at, mfa_bypass_reason, mfa_bypass_approved_by, mfa_bypass_approved_at, mfa_bypass_expires_at, is_service_account, service_account_created_by, service_account_scopes, last_login_at, updated_at)*!
-- Replace what applications change of accounts.
UPDATE users
SET
    email = :email,
    email_key = :email_key,
    password_hash = :password_hash,
    password_salt = :password_salt,
    name = :name,
    is_active = :is_active,
    email_verified = :email_verified,
    api_key_hash = :api_key_hash,
    api_key_prefix = :api_key_prefix,
    api_key_created_at = :api_key_created_at,
    api_key_expires_at = :api_key_expires_at,
    mfa_enabled = :mfa_enabled,
    mfa_secret = :mfa_secret,
    mfa_backup_codes = :mfa_backup_codes,
    mfa_grace_period_started_at = :mfa_grace_period_started_at,
    mfa_bypass_reason = :mfa_bypass_reason,
    mfa_bypass_approved_by = :mfa_bypass_approved_by,
    mfa_bypass_approved_at = :mfa_bypass_approved_at,
    mfa_bypass_expires_at = :mfa_bypass_expires_at,
    is_service_account = :is_service_account,
    service_account_created_by = :service_account_created_by,
    service_account_scopes = :service_account_scopes,
    last_login_at = :last_login_at,
    updated_at = :updated_at
WHERE id = :user_id;

-- name: set_account_role(user_id, account_role, updated_at)!
-- Replace the role that an account has without an organization.
UPDATE users
SET
    account_role = :account_role,
    updated_at = :updated_at
WHERE id = :user_id;

-- name: delete_user(user_id)!
-- Delete an account, and with it memberships and sign-in providers.
DELETE FROM users
WHERE id = :user_id;

-- name: find_owned_organization(user_id)$
-- Return an organization that a user owns.
SELECT min(o.id) AS org_id
FROM organizations AS o
WHERE o.owner_id = :user_id;

-- name: get_preferences(user_id)^
-- Return the preferences of a user.
SELECT u.preferences
FROM users AS u
WHERE u.id = :user_id;

-- name: set_preferences(user_id, preferences, updated_at)!
-- Replace the preferences of a user.
UPDATE users
SET
    preferences = :preferences,
    updated_at = :updated_at
WHERE id = :user_id;

-- name: raise_token_version(user_id, updated_at)<!
-- Make the tokens of a user void, and return the version of those that count from now on.
UPDATE users
SET
    token_version = token_version + 1,
    updated_at = :updated_at
WHERE id = :user_id
RETURNING token_version;

-- name: set_api_key(user_id, api_key_hash, api_key_prefix, api_key_created_at, api_key_expires_at, updated_at)!
-- Replace the API key of a user, or take it away.
UPDATE users
SET
    api_key_hash = :api_key_hash,
    api_key_prefix = :api_key_prefix,
    api_key_created_at = :api_key_created_at,
    api_key_expires_at = :api_key_expires_at,
    updated_at = :updated_at
WHERE id = :user_id;

-- name: get_mfa_secrets(user_id)^
-- Return the encrypted secrets of a user's second factor.
SELECT
    u.id,
    u.mfa_secret,
    u.mfa_backup_codes
FROM users AS u
WHERE u.id = :user_id;

-- name: list_mfa_secrets(after_user, row_limit)
-- List encrypted secrets of second factors, from a user on.
SELECT
    u.id,
    u.mfa_secret,
    u.mfa_backup_codes
FROM users AS u
WHERE
    (u.mfa_secret IS NOT NULL OR u.mfa_backup_codes IS NOT NULL)
    AND u.id > :after_user
ORDER BY u.id
LIMIT :row_limit;

-- name: lock_mfa_secrets(after_user, row_limit)
-- Take a page of secrets of second factors for encrypting them again.
SELECT
    u.id,
    u.mfa_secret,
    u.mfa_backup_codes
FROM users AS u
WHERE
    (u.mfa_secret IS NOT NULL OR u.mfa_backup_codes IS NOT NULL)
    AND u.id > :after_user
ORDER BY u.id
LIMIT :row_limit;

-- name: count_mfa_secrets()$
-- Count the users with secrets of a second factor.
-- plan: seq_scan allowed because a count of few of all users looks at all of them
SELECT count(*) AS total
FROM users AS u
WHERE (u.mfa_secret IS NOT NULL OR u.mfa_backup_codes IS NOT NULL);

-- name: set_mfa_secrets(user_id, mfa_secret, mfa_backup_codes)*!
-- Replace the encrypted secrets of second factors.
UPDATE users
SET
    mfa_secret = :mfa_secret,
    mfa_backup_codes = :mfa_backup_codes
WHERE id = :user_id;

-- name: insert_organization(id, name, slug, tier, owner_id, billing_cycle_start, created_at, updated_at)!
-- Store an organization, unless another one has the slug.
INSERT INTO organizations (
    id,
    name,
    slug,
    tier,
    owner_id,
    billing_cycle_start,
    created_at,
    updated_at
)
VALUES (
    :id,
    :name,
    :slug,
    :tier,
    :owner_id,
    :billing_cycle_start,
    :created_at,
    :updated_at
)
ON CONFLICT (slug) DO NOTHING;

-- name: get_organization(org_id)^
-- Return an organization.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.id = :org_id;

-- name: get_organization_by_slug(slug)^
-- Return the organization of a slug.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.slug = :slug;

-- name: get_organization_by_stripe_customer(stripe_customer_id)^
-- Return the organization of a customer at Stripe.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.stripe_customer_id = :stripe_customer_id;

-- name: get_organization_by_subscription(stripe_subscription_id)^
-- Return the organization of a subscription at Stripe.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.stripe_subscription_id = :stripe_subscription_id;

-- name: list_organizations_by_id(org_ids)
-- List organizations by their identifiers.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.id IN (SELECT j.value FROM json_each(:org_ids) AS j)
ORDER BY o.id;

-- name: lock_organization(org_id)^
-- Take an organization, so that nobody else changes it or its owner meanwhile.
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE o.id = :org_id;

-- name: set_organization(org_id, name, slug, tier, stripe_customer_id, stripe_subscription_id, debates_used_this_month, billing_cycle_start, settings, trial_started_at, trial_expires_at, trial_debates_limit, trial_converted, updated_at)!
-- Replace what applications change of an organization.
UPDATE organizations
SET
    name = :name,
    slug = :slug,
    tier = :tier,
    stripe_customer_id = :stripe_customer_id,
    stripe_subscription_id = :stripe_subscription_id,
    debates_used_this_month = :debates_used_this_month,
    billing_cycle_start = :billing_cycle_start,
    settings = :settings,
    trial_started_at = :trial_started_at,
    trial_expires_at = :trial_expires_at,
    trial_debates_limit = :trial_debates_limit,
    trial_converted = :trial_converted,
    updated_at = :updated_at
WHERE id = :org_id;

-- name: set_owner(org_id, owner_id, updated_at)!
-- Give an organization to another owner.
UPDATE organizations
SET
    owner_id = :owner_id,
    updated_at = :updated_at
WHERE id = :org_id;

-- name: delete_organization(org_id)!
-- Delete an organization, and with it memberships, invitations and usage.
DELETE FROM organizations
WHERE id = :org_id;

-- name: save_membership(user_id, org_id, member_role, at_time)!
-- Make a user a member and the organization the user's present one; a member keeps when it joined.
INSERT INTO organization_memberships (user_id, org_id, member_role, joined_at, selected_at)
VALUES (:user_id, :org_id, :member_role, :at_time, :at_time)
ON CONFLICT (user_id, org_id) DO UPDATE
SET
    member_role = excluded.member_role,
    selected_at = excluded.selected_at;

-- name: set_member_role(user_id, org_id, member_role)!
-- Replace the role of a member.
UPDATE organization_memberships
SET member_role = :member_role
WHERE user_id = :user_id AND org_id = :org_id;

-- name: select_organization(user_id, org_id, at_time)!
-- Make an organization the present one of a member.
UPDATE organization_memberships
SET selected_at = :at_time
WHERE user_id = :user_id AND org_id = :org_id;

-- name: delete_membership(user_id, org_id)!
-- End a membership.
DELETE FROM organization_memberships
WHERE user_id = :user_id AND org_id = :org_id;

-- name: get_member_role(user_id, org_id)$
-- Return the stored role of a member.
SELECT m.member_role
FROM organization_memberships AS m
WHERE m.user_id = :user_id AND m.org_id = :org_id;

-- name: present_organization(user_id)$
-- Return the present organization of a user.
SELECT p.org_id
FROM organization_memberships AS p
WHERE p.user_id = :user_id
ORDER BY p.selected_at DESC, p.org_id ASC
LIMIT 1;

-- name: list_memberships(user_id)
-- List the organizations of a user, the present one first.
-- result: role not null
SELECT
    -- columns: Membership
    m.user_id,
    m.org_id,
    o.name AS org_name,
    CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END AS role,
    m.joined_at,
    m.selected_at
FROM organization_memberships AS m
INNER JOIN organizations AS o ON m.org_id = o.id
WHERE m.user_id = :user_id
ORDER BY m.selected_at DESC, m.org_id ASC;

-- name: list_members(org_id, after_user, row_limit)
-- List the members of an organization with their roles in it, from a user on.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    m.org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        WHEN o.owner_id = u.id THEN 'owner'
        ELSE m.member_role
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM organization_memberships AS m
INNER JOIN users AS u ON m.user_id = u.id
INNER JOIN organizations AS o ON m.org_id = o.id
WHERE
    m.org_id = :org_id
    AND m.user_id > :after_user
ORDER BY m.user_id
LIMIT :row_limit;

-- name: list_members_of(org_ids)
-- List the members of organizations with their roles in them.
-- result: role not null
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    m.org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        WHEN o.owner_id = u.id THEN 'owner'
        ELSE m.member_role
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM organization_memberships AS m
INNER JOIN users AS u ON m.user_id = u.id
INNER JOIN organizations AS o ON m.org_id = o.id
WHERE m.org_id IN (SELECT j.value FROM json_each(:org_ids) AS j)
ORDER BY m.org_id, m.user_id;

-- name: add_usage(org_id, debates)<!
-- Count debates of an organization, and return how many they are since its cycle began.
UPDATE organizations
SET debates_used_this_month = debates_used_this_month + :debates
WHERE id = :org_id
RETURNING debates_used_this_month;

-- name: reset_usage(org_id, at_time)!
-- Begin a new cycle of an organization.
UPDATE organizations
SET
    debates_used_this_month = 0,
    billing_cycle_start = :at_time,
    updated_at = :at_time
WHERE id = :org_id;

-- name: reset_all_usage(at_time)!
-- Begin a new cycle of all organizations.
-- plan: seq_scan allowed because all organizations begin a new cycle
UPDATE organizations
SET
    debates_used_this_month = 0,
    billing_cycle_start = :at_time,
    updated_at = :at_time;

-- name: insert_usage_event(org_id, event_type, event_count, metadata, created_at)!
-- Store that something was used.
INSERT INTO usage_events (org_id, event_type, count, metadata, created_at)
VALUES (:org_id, :event_type, :event_count, :metadata, :created_at);

-- name: list_events(org_id, since, before_time, before_id, row_limit)
-- List what an organization used since a time, the newest first, from a place on.
SELECT
    -- columns: UsageEvent
    e.id,
    e.org_id,
    e.event_type,
    e.count,
    e.metadata,
    e.created_at
FROM usage_events AS e
WHERE
    e.org_id = :org_id
    AND e.created_at >= :since
    AND (e.created_at, e.id) < (:before_time, :before_id)
ORDER BY e.created_at DESC, e.id DESC
LIMIT :row_limit;

-- name: list_events_of_type(org_id, event_type, since, before_time, before_id, row_limit)
-- List what an organization used of a type since a time, the newest first, from a place on.
SELECT
    -- columns: UsageEvent
    e.id,
    e.org_id,
    e.event_type,
    e.count,
    e.metadata,
    e.created_at
FROM usage_events AS e
WHERE
    e.org_id = :org_id
    AND e.event_type = :event_type
    AND e.created_at >= :since
    AND (e.created_at, e.id) < (:before_time, :before_id)
ORDER BY e.created_at DESC, e.id DESC
LIMIT :row_limit;

-- name: sum_events(org_id, since)
-- Add up what an organization used since a time, by type.
-- result: total not null
SELECT
    e.event_type,
    sum(e.count) AS total
FROM usage_events AS e
WHERE
    e.org_id = :org_id
    AND e.created_at >= :since
GROUP BY e.event_type
ORDER BY e.event_type;

-- name: expire_invitation(org_id, email_key, at_time)!
-- End the invitation of an address that is over.
UPDATE organization_invitations
SET status = 'expired'
WHERE
    org_id = :org_id
    AND email_key = :email_key
    AND status = 'pending'
    AND expires_at <= :at_time;

-- name: insert_invitation(id, org_id, email, email_key, member_role, token_hash, invited_by, created_at, expires_at)!
-- Store an invitation, unless another one of the organization waits for the address.
INSERT INTO organization_invitations (
    id,
    org_id,
    email,
    email_key,
    member_role,
    token_hash,
    invited_by,
    created_at,
    expires_at
)
VALUES (
    :id,
    :org_id,
    :email,
    :email_key,
    :member_role,
    :token_hash,
    :invited_by,
    :created_at,
    :expires_at
)
ON CONFLICT (org_id, email_key) WHERE status = 'pending' DO NOTHING;

-- name: get_invitation(invitation_id)^
-- Return an invitation.
SELECT
    -- columns: OrganizationInvitation
    i.id,
    i.org_id,
    i.email,
    i.member_role AS role,
    i.invited_by,
    i.status,
    i.created_at,
    i.expires_at,
    i.accepted_by,
    i.accepted_at
FROM organization_invitations AS i
WHERE i.id = :invitation_id;

-- name: get_invitation_by_token(token_hash)^
-- Return the invitation of a token.
SELECT
    -- columns: OrganizationInvitation
    i.id,
    i.org_id,
    i.email,
    i.member_role AS role,
    i.invited_by,
    i.status,
    i.created_at,
    i.expires_at,
    i.accepted_by,
    i.accepted_at
FROM organization_invitations AS i
WHERE i.token_hash = :token_hash;

-- name: find_pending_invitation(org_id, email_key)^
-- Return the invitation of an organization that waits for an address.
SELECT
    -- columns: OrganizationInvitation
    i.id,
    i.org_id,
    i.email,
    i.member_role AS role,
    i.invited_by,
    i.status,
    i.created_at,
    i.expires_at,
    i.accepted_by,
    i.accepted_at
FROM organization_invitations AS i
WHERE
    i.org_id = :org_id
    AND i.email_key = :email_key
    AND i.status = 'pending';

-- name: list_invitations(org_id, before_time, before_id, row_limit)
-- List the invitations of an organization, the newest first, from a place on.
SELECT
    -- columns: OrganizationInvitation
    i.id,
    i.org_id,
    i.email,
    i.member_role AS role,
    i.invited_by,
    i.status,
    i.created_at,
    i.expires_at,
    i.accepted_by,
    i.accepted_at
FROM organization_invitations AS i
WHERE
    i.org_id = :org_id
    AND (i.created_at, i.id) < (:before_time, :before_id)
ORDER BY i.created_at DESC, i.id DESC
LIMIT :row_limit;

-- name: list_pending_invitations(email_key, before_time, before_id, row_limit)
-- List the invitations that wait for an address, the newest first, from a place on.
SELECT
    -- columns: OrganizationInvitation
    i.id,
    i.org_id,
    i.email,
    i.member_role AS role,
    i.invited_by,
    i.status,
    i.created_at,
    i.expires_at,
    i.accepted_by,
    i.accepted_at
FROM organization_invitations AS i
WHERE
    i.email_key = :email_key
    AND i.status = 'pending'
    AND (i.created_at, i.id) < (:before_time, :before_id)
ORDER BY i.created_at DESC, i.id DESC
LIMIT :row_limit;

-- name: set_invitation_status(invitation_id, status, accepted_by, accepted_at)!
-- End an invitation that waits.
UPDATE organization_invitations
SET
    status = :status,
    accepted_by = :accepted_by,
    accepted_at = :accepted_at
WHERE
    id = :invitation_id
    AND status = 'pending';

-- name: accept_invitation(token_hash, user_id, at_time)^
-- Accept the invitation of a token that waits and is not over.
UPDATE organization_invitations
SET
    status = 'accepted',
    accepted_by = :user_id,
    accepted_at = :at_time
WHERE
    token_hash = :token_hash
    AND status = 'pending'
    AND expires_at > :at_time
RETURNING
    -- columns: OrganizationInvitation
    id,
    org_id,
    email,
    member_role AS role,
    invited_by,
    status,
    created_at,
    expires_at,
    accepted_by,
    accepted_at;

-- name: delete_invitation(invitation_id)!
-- Delete an invitation.
DELETE FROM organization_invitations
WHERE id = :invitation_id;

-- name: delete_invitations_to(email_key)!
-- Delete the invitations to an address.
DELETE FROM organization_invitations
WHERE email_key = :email_key;

-- name: expire_invitations(at_time)!
-- End all invitations that are over.
UPDATE organization_invitations
SET status = 'expired'
WHERE
    status = 'pending'
    AND expires_at <= :at_time;

-- name: link_oauth(user_id, provider, provider_user_id, email, linked_at)<!
-- Link an account at a provider, and return the user whose it is; none when it is another's.
INSERT INTO oauth_providers (user_id, provider, provider_user_id, email, linked_at)
VALUES (:user_id, :provider, :provider_user_id, :email, :linked_at)
ON CONFLICT (provider, provider_user_id) DO UPDATE
SET email = excluded.email
WHERE oauth_providers.user_id = excluded.user_id
RETURNING user_id;

-- name: unlink_oauth(user_id, provider)!
-- Take away all accounts of a user at a provider.
DELETE FROM oauth_providers
WHERE user_id = :user_id AND provider = :provider;

-- name: list_oauth(user_id)
-- List the accounts of a user at sign-in providers.
SELECT
    -- columns: OAuthLink
    l.provider,
    l.provider_user_id,
    l.email,
    l.linked_at
FROM oauth_providers AS l
WHERE l.user_id = :user_id
ORDER BY l.provider, l.linked_at, l.provider_user_id;

-- name: get_lockout(email_key)^
-- Return the failed logins of an address and until when it is locked.
SELECT
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at
FROM users AS u
WHERE u.email_key = :email_key;

-- name: add_failed_login(email_key, at_time)^
-- Count a failed login. From the fifth on it locks the account for 15 minutes, from the tenth on for an hour, from the twentieth on for a day.
UPDATE users
SET
    failed_login_attempts = failed_login_attempts + 1,
    last_failed_login_at = :at_time,
    lockout_until = CASE
        WHEN failed_login_attempts >= 19
            THEN
                strftime('%Y-%m-%dT%H:%M:%S', substr(:at_time, 1, 19), '+24 hours')
                || substr(:at_time, 20)
        WHEN failed_login_attempts >= 9
            THEN
                strftime('%Y-%m-%dT%H:%M:%S', substr(:at_time, 1, 19), '+1 hours')
                || substr(:at_time, 20)
        WHEN failed_login_attempts >= 4
            THEN
                strftime('%Y-%m-%dT%H:%M:%S', substr(:at_time, 1, 19), '+15 minutes')
                || substr(:at_time, 20)
        ELSE lockout_until
    END,
    updated_at = :at_time
WHERE email_key = :email_key
RETURNING
    failed_login_attempts,
    lockout_until;

-- name: reset_failed_logins(email_key, at_time)!
-- Forget the failed logins of an address after one that succeeded.
UPDATE users
SET
    failed_login_attempts = 0,
    lockout_until = NULL,
    last_login_at = :at_time,
    updated_at = :at_time
WHERE email_key = :email_key;

-- name: hold_reset_tokens(email_key)$
-- Let one caller count and make reset tokens of an address at a time.
SELECT '' AS held
WHERE :email_key IS NOT NULL;

-- name: count_reset_tokens(email_key, created_after)$
-- Count the reset tokens of an address that were made after a time.
SELECT count(*) AS total
FROM password_reset_tokens AS t
WHERE
    t.email_key = :email_key
    AND t.created_at > :created_after;

-- name: insert_reset_token(token_hash, email_key, created_at, expires_at)!
-- Store a reset token.
INSERT INTO password_reset_tokens (token_hash, email_key, created_at, expires_at)
VALUES (:token_hash, :email_key, :created_at, :expires_at);

-- name: get_reset_token(token_hash)^
-- Return a reset token.
SELECT
    t.email_key,
    t.expires_at,
    t.used_at
FROM password_reset_tokens AS t
WHERE t.token_hash = :token_hash;

-- name: use_reset_token(token_hash, at_time)<!
-- Use a reset token, and return its address; none when it was used or is over.
UPDATE password_reset_tokens
SET used_at = :at_time
WHERE
    token_hash = :token_hash
    AND used_at IS NULL
    AND expires_at > :at_time
RETURNING email_key;

-- name: void_reset_tokens(email_key, at_time)!
-- Make the unused reset tokens of an address void.
UPDATE password_reset_tokens
SET used_at = :at_time
WHERE
    email_key = :email_key
    AND used_at IS NULL;

-- name: delete_reset_tokens(email_key)!
-- Delete the reset tokens of an address.
DELETE FROM password_reset_tokens
WHERE email_key = :email_key;

-- name: delete_old_reset_tokens(expired_at, created_before)!
-- Delete reset tokens that are over and no longer count for the limit of an address.
DELETE FROM password_reset_tokens
WHERE
    expires_at <= :expired_at
    AND created_at <= :created_before;

-- name: list_users(active_only, role, before_time, before_id, row_limit)
-- List accounts, the newest first, from a place on; of a role, if one is given.
-- result: role not null
-- plan: filtered_walk allowed because administrators look through few pages
-- meaning: values of role ["member", "admin", "owner", "superadmin"] because a role is made of what two tables say
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    (
        SELECT m.org_id
        FROM organization_memberships AS m
        WHERE m.user_id = u.id
        ORDER BY m.selected_at DESC, m.org_id ASC
        LIMIT 1
    ) AS org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        ELSE
            coalesce(
                (
                    SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                    FROM organization_memberships AS m
                    INNER JOIN organizations AS o ON m.org_id = o.id
                    WHERE m.user_id = u.id
                    ORDER BY m.selected_at DESC, m.org_id ASC
                    LIMIT 1
                ),
                u.account_role
            )
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM users AS u
WHERE
    (u.created_at, u.id) < (:before_time, :before_id)
    AND (NOT :active_only OR u.is_active)
    AND (
        :role IS NULL
        OR CASE
            WHEN u.account_role = 'superadmin' THEN u.account_role
            ELSE
                coalesce(
                    (
                        SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                        FROM organization_memberships AS m
                        INNER JOIN organizations AS o ON m.org_id = o.id
                        WHERE m.user_id = u.id
                        ORDER BY m.selected_at DESC, m.org_id ASC
                        LIMIT 1
                    ),
                    u.account_role
                )
        END = :role
    )
ORDER BY u.created_at DESC, u.id DESC
LIMIT :row_limit;

-- name: count_users(active_only, role)$
-- Count accounts; of a role, if one is given.
-- plan: seq_scan allowed because a count of all accounts looks at all of them
-- meaning: values of role ["member", "admin", "owner", "superadmin"] because a role is made of what two tables say
SELECT count(*) AS total
FROM users AS u
WHERE
    (NOT :active_only OR u.is_active)
    AND (
        :role IS NULL
        OR CASE
            WHEN u.account_role = 'superadmin' THEN u.account_role
            ELSE
                coalesce(
                    (
                        SELECT CASE WHEN o.owner_id = m.user_id THEN 'owner' ELSE m.member_role END
                        FROM organization_memberships AS m
                        INNER JOIN organizations AS o ON m.org_id = o.id
                        WHERE m.user_id = u.id
                        ORDER BY m.selected_at DESC, m.org_id ASC
                        LIMIT 1
                    ),
                    u.account_role
                )
        END = :role
    );

-- name: list_users_of(org_id, active_only, role, before_time, before_id, row_limit)
-- List the members of an organization with their roles in it, the newest accounts first, from a place on.
-- result: role not null
-- meaning: values of role ["member", "admin", "owner", "superadmin"] because a role is made of what two tables say
SELECT
    -- columns: User
    u.id,
    u.email,
    u.name,
    m.org_id,
    CASE
        WHEN u.account_role = 'superadmin' THEN u.account_role
        WHEN o.owner_id = u.id THEN 'owner'
        ELSE m.member_role
    END AS role,
    u.is_active,
    u.email_verified,
    u.account_role,
    u.password_hash,
    u.password_salt,
    u.api_key_hash,
    u.api_key_prefix,
    u.api_key_created_at,
    u.api_key_expires_at,
    u.mfa_enabled,
    u.mfa_grace_period_started_at,
    u.mfa_bypass_reason,
    u.mfa_bypass_approved_by,
    u.mfa_bypass_approved_at,
    u.mfa_bypass_expires_at,
    u.is_service_account,
    u.service_account_created_by,
    u.service_account_scopes,
    u.token_version,
    u.failed_login_attempts,
    u.lockout_until,
    u.last_failed_login_at,
    u.last_login_at,
    u.created_at,
    u.updated_at
FROM organization_memberships AS m
INNER JOIN users AS u ON m.user_id = u.id
INNER JOIN organizations AS o ON m.org_id = o.id
WHERE
    m.org_id = :org_id
    AND (u.created_at, u.id) < (:before_time, :before_id)
    AND (NOT :active_only OR u.is_active)
    AND (
        :role IS NULL
        OR CASE
            WHEN u.account_role = 'superadmin' THEN u.account_role
            WHEN o.owner_id = u.id THEN 'owner'
            ELSE m.member_role
        END = :role
    )
ORDER BY u.created_at DESC, u.id DESC
LIMIT :row_limit;

-- name: count_users_of(org_id, active_only, role)$
-- Count the members of an organization; of a role, if one is given.
-- meaning: values of role ["member", "admin", "owner", "superadmin"] because a role is made of what two tables say
SELECT count(*) AS total
FROM organization_memberships AS m
INNER JOIN users AS u ON m.user_id = u.id
INNER JOIN organizations AS o ON m.org_id = o.id
WHERE
    m.org_id = :org_id
    AND (NOT :active_only OR u.is_active)
    AND (
        :role IS NULL
        OR CASE
            WHEN u.account_role = 'superadmin' THEN u.account_role
            WHEN o.owner_id = u.id THEN 'owner'
            ELSE m.member_role
        END = :role
    );

-- name: list_organizations(tier, before_time, before_id, row_limit)
-- List organizations, the newest first, from a place on; of a tier, if one is given.
-- plan: filtered_walk allowed because administrators look through few pages
SELECT
    -- columns: Organization
    o.id,
    o.name,
    o.slug,
    o.tier,
    o.owner_id,
    o.stripe_customer_id,
    o.stripe_subscription_id,
    o.debates_used_this_month,
    o.billing_cycle_start,
    o.settings,
    o.trial_started_at,
    o.trial_expires_at,
    o.trial_debates_limit,
    o.trial_converted,
    o.created_at,
    o.updated_at
FROM organizations AS o
WHERE
    (o.created_at, o.id) < (:before_time, :before_id)
    AND (:tier IS NULL OR o.tier = :tier)
ORDER BY o.created_at DESC, o.id DESC
LIMIT :row_limit;

-- name: summarize_tiers()
-- Count the organizations of each tier and their debates.
-- result: debates not null
-- plan: seq_scan allowed because statistics look at all organizations
SELECT
    o.tier,
    count(*) AS organizations,
    sum(o.debates_used_this_month) AS debates
FROM organizations AS o
GROUP BY o.tier
ORDER BY o.tier;

-- name: summarize_users(active_after, created_after)^
-- Count accounts: all, those in use, those that logged in since a time, and new ones; and new organizations.
-- plan: seq_scan allowed because statistics look at all accounts
SELECT
    count(*) AS total_users,
    count(*) FILTER (WHERE u.is_active) AS active_users,
    count(*) FILTER (WHERE u.last_login_at > :active_after) AS recent_users,
    count(*) FILTER (WHERE u.created_at > :created_after) AS new_users,
    (
        SELECT count(*)
        FROM organizations AS o
        WHERE o.created_at > :created_after
    ) AS new_organizations
FROM users AS u;
