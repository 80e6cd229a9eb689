-- Queries of the store of origins of debates.

-- name: save_origin(origin_type, origin_id, debate_id, platform, channel_id, user_id, thread_id, message_id, session_id, metadata, ttl_seconds)^
-- Store where something came from, or replace it; whether its result was sent stays, unless what is
-- replaced is over. What came from the channel before is older than this, by a microsecond at least.
-- meaning: debate_origins.expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: expires_at within 0.001 because the clock of SQLite has milliseconds
INSERT INTO debate_origins (
    origin_type,
    origin_id,
    debate_id,
    platform,
    channel_id,
    user_id,
    thread_id,
    message_id,
    session_id,
    metadata,
    created_at,
    expires_at
)
VALUES (
    :origin_type,
    :origin_id,
    :debate_id,
    :platform,
    :channel_id,
    :user_id,
    :thread_id,
    :message_id,
    :session_id,
    :metadata,
    max(
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
        coalesce(
            (
                SELECT
                    CASE
                        WHEN l.created_at LIKE '%.999999Z'
                            THEN
                                strftime(
                                    '%Y-%m-%dT%H:%M:%S.000000Z',
                                    substr(l.created_at, 1, 19),
                                    '+1 second'
                                )
                        ELSE
                            substr(l.created_at, 1, 20)
                            || printf('%06d', cast(substr(l.created_at, 21, 6) AS INTEGER) + 1)
                            || 'Z'
                    END
                FROM debate_origins AS l
                WHERE l.platform = :platform AND l.channel_id = :channel_id
                ORDER BY l.created_at DESC
                LIMIT 1
            ),
            ''
        )
    ),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :ttl_seconds))
)
ON CONFLICT (origin_type, origin_id) DO UPDATE SET
    debate_id = excluded.debate_id,
    platform = excluded.platform,
    channel_id = excluded.channel_id,
    user_id = excluded.user_id,
    thread_id = excluded.thread_id,
    message_id = excluded.message_id,
    session_id = excluded.session_id,
    metadata = excluded.metadata,
    result_sent = debate_origins.result_sent
    AND debate_origins.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    result_sent_at = CASE
        WHEN debate_origins.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            THEN debate_origins.result_sent_at
    END,
    created_at = excluded.created_at,
    expires_at = excluded.expires_at
RETURNING
    -- columns: DebateOrigin
    origin_type,
    origin_id,
    debate_id,
    platform,
    channel_id,
    user_id,
    thread_id,
    message_id,
    session_id,
    metadata,
    result_sent,
    result_sent_at,
    created_at,
    expires_at;

-- name: get_origin(origin_type, origin_id)^
-- Return where something came from, unless that is over.
SELECT
    -- columns: DebateOrigin
    o.origin_type,
    o.origin_id,
    o.debate_id,
    o.platform,
    o.channel_id,
    o.user_id,
    o.thread_id,
    o.message_id,
    o.session_id,
    o.metadata,
    o.result_sent,
    o.result_sent_at,
    o.created_at,
    o.expires_at
FROM debate_origins AS o
WHERE
    o.origin_type = :origin_type
    AND o.origin_id = :origin_id
    AND o.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: get_channel_origin(platform, channel_id)^
-- Return what came from a channel last, unless that is over.
SELECT
    -- columns: DebateOrigin
    o.origin_type,
    o.origin_id,
    o.debate_id,
    o.platform,
    o.channel_id,
    o.user_id,
    o.thread_id,
    o.message_id,
    o.session_id,
    o.metadata,
    o.result_sent,
    o.result_sent_at,
    o.created_at,
    o.expires_at
FROM debate_origins AS o
WHERE
    o.platform = :platform
    AND o.channel_id = :channel_id
    AND o.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
ORDER BY o.created_at DESC, o.origin_type DESC, o.origin_id DESC
LIMIT 1;

-- name: get_thread_origin(platform, channel_id, thread_id)^
-- Return what came from a thread of a channel last, unless that is over.
SELECT
    -- columns: DebateOrigin
    o.origin_type,
    o.origin_id,
    o.debate_id,
    o.platform,
    o.channel_id,
    o.user_id,
    o.thread_id,
    o.message_id,
    o.session_id,
    o.metadata,
    o.result_sent,
    o.result_sent_at,
    o.created_at,
    o.expires_at
FROM debate_origins AS o
WHERE
    o.platform = :platform
    AND o.channel_id = :channel_id
    AND o.thread_id = :thread_id
    AND o.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
ORDER BY o.created_at DESC, o.origin_type DESC, o.origin_id DESC
LIMIT 1;

-- name: get_message_origin(platform, message_id)^
-- Return what came with a message last, unless that is over.
SELECT
    -- columns: DebateOrigin
    o.origin_type,
    o.origin_id,
    o.debate_id,
    o.platform,
    o.channel_id,
    o.user_id,
    o.thread_id,
    o.message_id,
    o.session_id,
    o.metadata,
    o.result_sent,
    o.result_sent_at,
    o.created_at,
    o.expires_at
FROM debate_origins AS o
WHERE
    o.message_id = :message_id
    AND o.platform = :platform
    AND o.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
ORDER BY o.created_at DESC, o.origin_type DESC, o.origin_id DESC
LIMIT 1;

-- name: list_pending(origin_type, platform, after_timestamp, after_type, after_id, row_limit)
-- List what waits for its result, newest first, from a place on, of one type and platform or of all.
-- plan: filtered_walk allowed because a result is sent soon, so few wait
SELECT
    -- columns: DebateOrigin
    o.origin_type,
    o.origin_id,
    o.debate_id,
    o.platform,
    o.channel_id,
    o.user_id,
    o.thread_id,
    o.message_id,
    o.session_id,
    o.metadata,
    o.result_sent,
    o.result_sent_at,
    o.created_at,
    o.expires_at
FROM debate_origins AS o
WHERE
    NOT o.result_sent
    AND o.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (o.created_at, o.origin_type, o.origin_id)
    < (:after_timestamp, :after_type, :after_id)
    AND (:origin_type IS NULL OR o.origin_type = :origin_type)
    AND (:platform IS NULL OR o.platform = :platform)
ORDER BY o.created_at DESC, o.origin_type DESC, o.origin_id DESC
LIMIT :row_limit;

-- name: claim_result(origin_type, origin_id)!
-- Take the right to send a result, unless somebody did or it is over.
UPDATE debate_origins
SET
    result_sent = TRUE,
    result_sent_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    origin_type = :origin_type
    AND origin_id = :origin_id
    AND NOT result_sent
    AND expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: set_result_sent(origin_type, origin_id, result_sent)!
-- Say whether a result was sent, unless it is over.
UPDATE debate_origins
SET
    result_sent = :result_sent,
    result_sent_at = CASE
        WHEN :result_sent THEN coalesce(result_sent_at, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
    END
WHERE
    origin_type = :origin_type
    AND origin_id = :origin_id
    AND expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: delete_expired_origins(row_limit)!
-- Delete some of what is over.
DELETE FROM debate_origins
WHERE
    (origin_type, origin_id) IN (
        SELECT
            x.origin_type,
            x.origin_id
        FROM debate_origins AS x
        WHERE x.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        ORDER BY x.expires_at, x.origin_type, x.origin_id
        LIMIT :row_limit
    );
