-- How the older Aragora's scheduled debates map onto today's table. Times are seconds since 1970.
-- See docs/migration.md ("How a mapping is written").

-- name: debates(first_rowid, last_rowid)
-- What was scheduled.
-- from: scheduled_debates (id, topic_hash, topic_text, platform, created_at)
-- without: finalized_at
-- optional: category, volume, debate_id, consensus_reached, confidence, rounds_used, scheduler_run_id
-- into: scheduled_debates
-- key: id
-- merge: newest created_at
-- merge: keep given consensus_reached, confidence, rounds_used by created_at
-- unix: created_at
-- values: category = nonblank category; volume = volume, 0; debate_id = nonblank debate_id
-- values: rounds_used = rounds_used, 0
SELECT
    rowid AS source_rowid,
    id,
    topic_hash,
    topic_text,
    platform,
    nullif(category, '') AS category,
    coalesce(volume, 0) AS volume,
    nullif(debate_id, '') AS debate_id,
    created_at,
    consensus_reached,
    confidence,
    coalesce(rounds_used, 0) AS rounds_used,
    scheduler_run_id
FROM scheduled_debates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
