-- name: take_key(idempotency_key, attempt, keep_seconds)$
-- Mark the transaction as that of a key; nothing when one of that key was committed. While another
-- transaction of the same key is open, this waits for its end. An expired key is as good as new.
INSERT INTO _transaction_keys AS k (idempotency_key, attempt, taken_at, expires_at)
VALUES (
    :idempotency_key,
    :attempt,
    statement_timestamp(),
    statement_timestamp() + make_interval(secs => :keep_seconds::double precision)
)
ON CONFLICT (idempotency_key) DO UPDATE
    SET
        attempt = excluded.attempt,
        taken_at = excluded.taken_at,
        expires_at = excluded.expires_at
    WHERE k.expires_at <= statement_timestamp()
RETURNING k.attempt;

-- name: get_key(idempotency_key)^
-- Return which attempt has committed the transaction of a key, and when it took the key.
SELECT
    k.attempt,
    k.taken_at
FROM _transaction_keys AS k
WHERE k.idempotency_key = :idempotency_key;

-- name: touch_key(idempotency_key)!
-- Write a row that changes nothing: the commit behind it waits for synchronous standbys, and so for
-- all that was committed before it.
UPDATE _transaction_keys SET taken_at = taken_at WHERE idempotency_key = :idempotency_key;

-- name: delete_expired_keys(row_limit)!
-- Delete some of the keys that have expired by the database's clock.
-- locks: _transaction_keys rows in order of expires_at, idempotency_key, skip locked
WITH stale AS (
    SELECT k.idempotency_key
    FROM _transaction_keys AS k
    WHERE k.expires_at <= statement_timestamp()
    ORDER BY k.expires_at, k.idempotency_key COLLATE "C"
    LIMIT :row_limit
    FOR UPDATE OF k SKIP LOCKED
)

DELETE FROM _transaction_keys
WHERE idempotency_key = any(array(SELECT stale.idempotency_key FROM stale));
