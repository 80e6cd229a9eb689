-- How the older Aragora's origins of debates map onto today's table: it had three stores of them. See
-- docs/migration.md ("How a mapping is written").

-- name: debate_origins(first_rowid, last_rowid)
-- Origins of debates, each for a day.
-- from: debate_origins (debate_id, platform, channel_id, user_id, created_at, metadata_json)
-- optional: thread_id, message_id, result_sent, result_sent_at
-- into: debate_origins
-- key: origin_type, origin_id
-- expires: expires_at
-- merge: newest created_at
-- merge: keep result_sent, result_sent_at by created_at
-- unix: created_at, expires_at, result_sent_at
-- values: origin_type = 'debate'; origin_id = debate_id; debate_id = computed
-- values: expires_at = computed
-- values: metadata = metadata_json, {}; result_sent = result_sent, 0
-- values: thread_id = nonblank thread_id; message_id = nonblank message_id
SELECT
    rowid AS source_rowid,
    'debate' AS origin_type,
    debate_id AS origin_id,
    debate_id,
    platform,
    channel_id,
    user_id,
    nullif(thread_id, '') AS thread_id,
    nullif(message_id, '') AS message_id,
    coalesce(nullif(metadata_json, ''), '{}') AS metadata,
    coalesce(result_sent, 0) AS result_sent,
    result_sent_at,
    created_at,
    created_at + 86400 AS expires_at
FROM debate_origins
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: routing_origins(first_rowid, last_rowid)
-- Origins of whatever was routed.
-- from: routing_origins (origin_id, origin_type, platform, channel_id, user_id, created_at)
-- optional: expires_at, metadata_json, thread_id, message_id, result_sent, result_sent_at
-- into: debate_origins
-- key: origin_type, origin_id
-- expires: expires_at
-- merge: newest created_at
-- merge: keep result_sent, result_sent_at by created_at
-- unix: created_at, expires_at, result_sent_at
-- values: debate_id = origin_id when origin_type is debate; expires_at = computed
-- values: metadata = metadata_json, {}; result_sent = result_sent, 0
-- values: thread_id = nonblank thread_id; message_id = nonblank message_id
SELECT
    rowid AS source_rowid,
    origin_type,
    origin_id,
    CASE WHEN origin_type = 'debate' THEN origin_id END AS debate_id,
    platform,
    channel_id,
    user_id,
    nullif(thread_id, '') AS thread_id,
    nullif(message_id, '') AS message_id,
    coalesce(nullif(metadata_json, ''), '{}') AS metadata,
    coalesce(result_sent, 0) AS result_sent,
    result_sent_at,
    created_at,
    coalesce(expires_at, created_at + 86400) AS expires_at
FROM routing_origins
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: email_reply_origins(first_rowid, last_rowid)
-- Messages by e-mail to which a reply may come, each for a day.
-- from: email_reply_origins (message_id, debate_id, recipient_email, sent_at)
-- optional: recipient_name, reply_received, reply_received_at, metadata_json
-- into: debate_origins
-- key: origin_type, origin_id
-- expires: expires_at
-- merge: newest created_at
-- merge: keep result_sent, result_sent_at by created_at
-- utc: created_at, expires_at, result_sent_at
-- values: origin_type = 'email_reply'; origin_id = message_id; message_id = computed
-- values: platform = 'email'
-- values: channel_id = recipient_email; user_id = recipient_email; metadata = computed
-- values: result_sent = reply_received, 0; result_sent_at = reply_received_at
-- values: created_at = sent_at; expires_at = computed
SELECT
    rowid AS source_rowid,
    'email_reply' AS origin_type,
    message_id AS origin_id,
    debate_id,
    'email' AS platform,
    recipient_email AS channel_id,
    recipient_email AS user_id,
    message_id,
    CASE
        WHEN
            coalesce(recipient_name, '') = ''
            OR NOT json_valid(coalesce(nullif(metadata_json, ''), '{}'))
            THEN coalesce(nullif(metadata_json, ''), '{}')
        ELSE
            json_set(
                coalesce(nullif(metadata_json, ''), '{}'), '$.recipient_name', recipient_name
            )
    END AS metadata,
    coalesce(reply_received, 0) AS result_sent,
    reply_received_at AS result_sent_at,
    sent_at AS created_at,
    strftime('%Y-%m-%dT%H:%M:%f', sent_at, '+1 day') AS expires_at
FROM email_reply_origins
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
