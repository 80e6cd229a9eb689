-- Queries of the store of Gmail: tokens, the lease under which they are refreshed, sync jobs.
-- Leases go by the clock of the database, whose time is the same for all instances.

-- name: get_tokens(user_id)^
-- Return a user's mailbox.
SELECT
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at
FROM gmail_tokens AS t
WHERE t.user_id = :user_id;

-- name: save_tokens(user_id, org_id, email_address, access_token, refresh_token, token_expiry, history_id, last_sync, indexed_count, total_count, connected_at, created_at, updated_at)^
-- Store a mailbox, whatever is there. Of one that is there, creation and organization stay; who refreshes its tokens does so in vain.
INSERT INTO gmail_tokens (
    user_id,
    org_id,
    email_address,
    access_token,
    refresh_token,
    token_expiry,
    history_id,
    last_sync,
    indexed_count,
    total_count,
    connected_at,
    created_at,
    updated_at
)
VALUES (
    :user_id,
    :org_id,
    :email_address,
    :access_token,
    :refresh_token,
    :token_expiry,
    :history_id,
    :last_sync,
    :indexed_count,
    :total_count,
    :connected_at,
    :created_at,
    :updated_at
)
ON CONFLICT (user_id) DO UPDATE
    SET
        org_id = coalesce(excluded.org_id, gmail_tokens.org_id),
        email_address = excluded.email_address,
        access_token = excluded.access_token,
        refresh_token = excluded.refresh_token,
        token_expiry = excluded.token_expiry,
        token_version = gmail_tokens.token_version + 1,
        refresh_holder = NULL,
        refresh_until = NULL,
        history_id = excluded.history_id,
        last_sync = excluded.last_sync,
        indexed_count = excluded.indexed_count,
        total_count = excluded.total_count,
        connected_at = excluded.connected_at,
        updated_at = excluded.updated_at
RETURNING
    org_id,
    token_version,
    created_at;

-- name: change_tokens(user_id, org_id, email_address, access_token, refresh_token, token_expiry, history_id, last_sync, indexed_count, total_count, connected_at, updated_at, expected_version)^
-- Store a mailbox again, if its tokens are of the version that was read and nobody refreshes them.
UPDATE gmail_tokens AS t
SET
    org_id = coalesce(:org_id::text, t.org_id),
    email_address = :email_address,
    access_token = :access_token,
    refresh_token = :refresh_token,
    token_expiry = :token_expiry,
    token_version = t.token_version + 1,
    refresh_holder = NULL,
    refresh_until = NULL,
    history_id = :history_id,
    last_sync = :last_sync,
    indexed_count = :indexed_count,
    total_count = :total_count,
    connected_at = :connected_at,
    updated_at = :updated_at
WHERE
    t.user_id = :user_id
    AND t.token_version = :expected_version
    AND (t.refresh_until IS NULL OR t.refresh_until <= statement_timestamp())
RETURNING
    t.org_id,
    t.token_version,
    t.created_at;

-- name: get_version(user_id)^
-- Return the version of a user's tokens, and whether somebody refreshes them.
-- result: refreshing boolean, refreshing not null
SELECT
    t.token_version,
    coalesce(t.refresh_until > statement_timestamp(), FALSE) AS refreshing
FROM gmail_tokens AS t
WHERE t.user_id = :user_id;

-- name: delete_tokens(user_id)!
-- Delete a user's mailbox, and its sync job with it.
DELETE FROM gmail_tokens
WHERE user_id = :user_id;

-- name: list_tokens(after_user, row_limit)
-- List the mailboxes by user, from a place on.
SELECT
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at
FROM gmail_tokens AS t
WHERE t.user_id > :after_user
ORDER BY t.user_id
LIMIT :row_limit;

-- name: list_tokens_of_org(org_id, after_user, row_limit)
-- List the mailboxes of an organization by user, from a place on.
SELECT
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at
FROM gmail_tokens AS t
WHERE
    t.org_id = :org_id
    AND t.user_id > :after_user
ORDER BY t.user_id
LIMIT :row_limit;

-- name: record_sync(user_id, history_id, added, total_count, last_sync, updated_at)!
-- Store how far a mailbox was read, and add to the number of indexed messages.
UPDATE gmail_tokens
SET
    history_id = coalesce(:history_id::text, history_id),
    indexed_count = indexed_count + :added::integer,
    total_count = coalesce(:total_count::integer, total_count),
    last_sync = :last_sync,
    updated_at = :updated_at
WHERE user_id = :user_id;

-- name: take_refresh(user_id, holder, lease_seconds, known_version)^
-- Take the lease to refresh tokens of a version, unless another one has it.
UPDATE gmail_tokens AS t
SET
    refresh_holder = :holder,
    refresh_until
    = statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
WHERE
    t.user_id = :user_id
    AND t.refresh_token IS NOT NULL
    AND (t.refresh_until IS NULL OR t.refresh_until <= statement_timestamp())
    AND t.token_version = :known_version
RETURNING
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at;

-- name: get_refresh(user_id, known_version, margin_seconds)^
-- Return a user's mailbox, whether its tokens are due to be refreshed (those of a known version, or whose access token expires soon), and whether somebody does.
-- result: due boolean, due not null, refreshing boolean, refreshing not null
SELECT
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at,
    coalesce(
        CASE
            WHEN :known_version::integer IS NOT NULL THEN t.token_version = :known_version
            ELSE
                t.access_token IS NULL
                OR t.token_expiry
                <= statement_timestamp() + make_interval(secs => :margin_seconds::double precision)
        END,
        FALSE
    ) AS due,
    coalesce(t.refresh_until > statement_timestamp(), FALSE) AS refreshing
FROM gmail_tokens AS t
WHERE t.user_id = :user_id;

-- name: finish_refresh(user_id, holder, access_token, refresh_token, token_expiry, updated_at)^
-- Store refreshed tokens and end the lease, if it is still the holder's.
UPDATE gmail_tokens AS t
SET
    access_token = :access_token,
    refresh_token = coalesce(:refresh_token::text, t.refresh_token),
    token_expiry = :token_expiry,
    token_version = t.token_version + 1,
    refresh_holder = NULL,
    refresh_until = NULL,
    updated_at = :updated_at
WHERE
    t.user_id = :user_id
    AND t.refresh_holder = :holder
RETURNING
    t.user_id,
    t.org_id,
    t.email_address,
    t.access_token,
    t.refresh_token,
    t.token_expiry,
    t.token_version,
    t.history_id,
    t.last_sync,
    t.indexed_count,
    t.total_count,
    t.connected_at,
    t.created_at,
    t.updated_at;

-- name: end_refresh(user_id, holder)!
-- End the lease of a holder who could not refresh the tokens.
UPDATE gmail_tokens
SET
    refresh_holder = NULL,
    refresh_until = NULL
WHERE
    user_id = :user_id
    AND refresh_holder = :holder;

-- name: get_sync_job(user_id)^
-- Return the sync job of a user.
SELECT
    -- columns: GmailSyncJob
    j.user_id,
    j.status,
    j.progress,
    j.messages_synced,
    j.started_at,
    j.completed_at,
    j.failed_at,
    j.error
FROM gmail_sync_jobs AS j
WHERE j.user_id = :user_id;

-- name: save_sync_job(user_id, status, progress, messages_synced, started_at, completed_at, failed_at, error)!
-- Store the sync job of a user, whatever was there.
INSERT INTO gmail_sync_jobs (
    user_id,
    status,
    progress,
    messages_synced,
    started_at,
    completed_at,
    failed_at,
    error
)
VALUES (
    :user_id,
    :status,
    :progress,
    :messages_synced,
    :started_at,
    :completed_at,
    :failed_at,
    :error
)
ON CONFLICT (user_id) DO UPDATE SET
    status = excluded.status,
    progress = excluded.progress,
    messages_synced = excluded.messages_synced,
    started_at = excluded.started_at,
    completed_at = excluded.completed_at,
    failed_at = excluded.failed_at,
    error = excluded.error;

-- name: delete_sync_job(user_id)!
-- Delete the sync job of a user.
DELETE FROM gmail_sync_jobs
WHERE user_id = :user_id;

-- name: count_tokens()$
-- Count all mailboxes.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM gmail_tokens;

-- name: list_secrets(after_user, row_limit)
-- List encrypted tokens by user, from a place on.
SELECT
    t.user_id,
    t.access_token,
    t.refresh_token
FROM gmail_tokens AS t
WHERE t.user_id > :after_user
ORDER BY t.user_id
LIMIT :row_limit;

-- name: lock_secrets(after_user, row_limit)
-- Take a page of encrypted tokens for encrypting them again.
-- locks: gmail_tokens rows in order of user_id
SELECT
    t.user_id,
    t.access_token,
    t.refresh_token
FROM gmail_tokens AS t
WHERE t.user_id > :after_user
ORDER BY t.user_id
LIMIT :row_limit
FOR UPDATE;

-- name: set_secrets(user_id, access_token, refresh_token)*!
-- Replace encrypted tokens by the same ones, encrypted again.
UPDATE gmail_tokens
SET
    access_token = :access_token,
    refresh_token = :refresh_token
WHERE user_id = :user_id;
