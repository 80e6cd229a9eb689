-- name: take_key(idempotency_key, attempt, keep_seconds)$
-- Mark the transaction as that of a key; nothing when one of that key was committed. Writers take
-- turns, so no other transaction of the same key is open. An expired key is as good as new.
INSERT INTO _transaction_keys (idempotency_key, attempt, taken_at, expires_at)
VALUES (
    :idempotency_key,
    :attempt,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :keep_seconds))
)
ON CONFLICT (idempotency_key) DO UPDATE
SET
    attempt = excluded.attempt,
    taken_at = excluded.taken_at,
    expires_at = excluded.expires_at
WHERE _transaction_keys.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
RETURNING attempt;

-- name: get_key(idempotency_key)^
-- Return which attempt has committed the transaction of a key, and when it took the key.
-- result: taken_at timestamp not null
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
WITH stale AS (
    SELECT k.idempotency_key
    FROM _transaction_keys AS k
    WHERE k.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ORDER BY k.expires_at, k.idempotency_key
    LIMIT :row_limit
)

DELETE FROM _transaction_keys
WHERE idempotency_key IN (SELECT stale.idempotency_key FROM stale);
