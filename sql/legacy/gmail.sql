-- How the older Aragora's mailboxes at Gmail map onto today's tables.
--
-- A missing token was kept as ''. Encrypted tokens stay as they are: they are bound to the user's id,
-- which stays too. The organization was never kept. Deleting tokens left their sync job behind.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: gmail_tokens(first_rowid, last_rowid)
-- Mailboxes. created_at and updated_at are seconds since 1970, the other times are text.
-- from: gmail_tokens (user_id, access_token, refresh_token, created_at, updated_at)
-- optional: email_address, token_expiry, history_id, last_sync, connected_at
-- optional: indexed_count, total_count
-- into: gmail_tokens
-- key: user_id
-- secrets: access_token, refresh_token
-- merge: newest updated_at
-- unix: created_at, updated_at
-- values: access_token = nonblank access_token; refresh_token = nonblank refresh_token
-- values: email_address = nonblank email_address; history_id = nonblank history_id
-- values: token_expiry = nonblank token_expiry; last_sync = nonblank last_sync
-- values: connected_at = nonblank connected_at
SELECT
    rowid AS source_rowid,
    user_id,
    nullif(email_address, '') AS email_address,
    nullif(access_token, '') AS access_token,
    nullif(refresh_token, '') AS refresh_token,
    nullif(token_expiry, '') AS token_expiry,
    nullif(history_id, '') AS history_id,
    nullif(last_sync, '') AS last_sync,
    coalesce(indexed_count, 0) AS indexed_count,
    coalesce(total_count, 0) AS total_count,
    nullif(connected_at, '') AS connected_at,
    created_at,
    updated_at,
    CASE
        WHEN
            is_clear_secret(cast(access_token AS BLOB))
            OR is_clear_secret(cast(refresh_token AS BLOB))
            THEN
                'tokens of a mailbox in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_tokens
FROM gmail_tokens
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: gmail_sync_jobs(first_rowid, last_rowid)
-- Sync jobs. One whose mailbox is not there any more is an orphan.
-- from: gmail_sync_jobs (user_id, status)
-- optional: progress, messages_synced, started_at, completed_at, failed_at, error
-- into: gmail_sync_jobs
-- key: user_id
-- merge: newest started_at
-- merge: keep completed_at or failed_at, status, progress, messages_synced, error by started_at
-- values: started_at = nonblank started_at; completed_at = nonblank completed_at
-- values: failed_at = nonblank failed_at; error = nonblank error
SELECT
    rowid AS source_rowid,
    user_id,
    status,
    coalesce(progress, 0) AS progress,
    coalesce(messages_synced, 0) AS messages_synced,
    nullif(started_at, '') AS started_at,
    nullif(completed_at, '') AS completed_at,
    nullif(failed_at, '') AS failed_at,
    nullif(error, '') AS error
FROM gmail_sync_jobs
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
