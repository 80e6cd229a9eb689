-- Queries of the store of scheduled debates.

-- name: save_debate(id, topic_hash, topic_text, platform, category, volume, debate_id, created_at, consensus_reached, confidence, rounds_used, scheduler_run_id, finalized_at)!
-- Store a debate that was scheduled, or replace the one of its id.
INSERT INTO scheduled_debates (
    id,
    topic_hash,
    topic_text,
    platform,
    category,
    volume,
    debate_id,
    created_at,
    consensus_reached,
    confidence,
    rounds_used,
    scheduler_run_id,
    finalized_at
)
VALUES (
    :id,
    :topic_hash,
    :topic_text,
    :platform,
    :category,
    :volume,
    :debate_id,
    :created_at,
    :consensus_reached,
    :confidence,
    :rounds_used,
    :scheduler_run_id,
    :finalized_at
)
ON CONFLICT (id) DO UPDATE SET
    topic_hash = excluded.topic_hash,
    topic_text = excluded.topic_text,
    platform = excluded.platform,
    category = excluded.category,
    volume = excluded.volume,
    debate_id = excluded.debate_id,
    created_at = excluded.created_at,
    consensus_reached = excluded.consensus_reached,
    confidence = excluded.confidence,
    rounds_used = excluded.rounds_used,
    scheduler_run_id = excluded.scheduler_run_id,
    finalized_at = excluded.finalized_at;

-- name: hold_topic(topic_hash)$
-- Let one caller look for a topic and store it at a time.
SELECT '' AS held
WHERE :topic_hash IS NOT NULL;

-- name: insert_new_debate(id, topic_hash, topic_text, platform, category, volume, debate_id, created_at, consensus_reached, confidence, rounds_used, scheduler_run_id, finalized_at, since)!
-- Store a debate that was scheduled, unless its topic was debated at a time or later.
INSERT INTO scheduled_debates (
    id,
    topic_hash,
    topic_text,
    platform,
    category,
    volume,
    debate_id,
    created_at,
    consensus_reached,
    confidence,
    rounds_used,
    scheduler_run_id,
    finalized_at
)
SELECT
    :id,
    :topic_hash,
    :topic_text,
    :platform,
    :category,
    :volume,
    :debate_id,
    :created_at,
    :consensus_reached,
    :confidence,
    :rounds_used,
    :scheduler_run_id,
    :finalized_at
WHERE
    NOT EXISTS (
        SELECT 1
        FROM scheduled_debates AS x
        WHERE
            x.topic_hash = :topic_hash
            AND x.created_at >= :since
            AND x.debate_id IS NOT NULL
    );

-- name: is_duplicate(topic_hash, since)$
-- Tell whether a topic was debated at a time or later; an attempt that failed does not count.
-- result: is_there boolean not null
SELECT
    exists(
        SELECT 1
        FROM scheduled_debates AS s
        WHERE
            s.topic_hash = :topic_hash
            AND s.created_at >= :since
            AND s.debate_id IS NOT NULL
    ) AS is_there;

-- name: list_debates(since, after_timestamp, after_id, row_limit)
-- List what was scheduled at a time or later, newest first, from a place on.
SELECT
    -- columns: ScheduledDebate
    s.id,
    s.topic_hash,
    s.topic_text,
    s.platform,
    s.category,
    s.volume,
    s.debate_id,
    s.created_at,
    s.consensus_reached,
    s.confidence,
    s.rounds_used,
    s.scheduler_run_id,
    s.finalized_at
FROM scheduled_debates AS s
WHERE
    s.created_at >= :since
    AND (s.created_at, s.id) < (:after_timestamp, :after_id)
ORDER BY s.created_at DESC, s.id DESC
LIMIT :row_limit;

-- name: list_platform_debates(platform, category, after_timestamp, after_id, row_limit)
-- List what was scheduled of a platform, of one category or of all, newest first, from a place on.
SELECT
    -- columns: ScheduledDebate
    s.id,
    s.topic_hash,
    s.topic_text,
    s.platform,
    s.category,
    s.volume,
    s.debate_id,
    s.created_at,
    s.consensus_reached,
    s.confidence,
    s.rounds_used,
    s.scheduler_run_id,
    s.finalized_at
FROM scheduled_debates AS s
WHERE
    s.platform = :platform
    AND (:category IS NULL OR s.category = :category)
    AND (s.created_at, s.id) < (:after_timestamp, :after_id)
ORDER BY s.created_at DESC, s.id DESC
LIMIT :row_limit;

-- name: list_category_debates(category, after_timestamp, after_id, row_limit)
-- List what was scheduled of a category, newest first, from a place on.
SELECT
    -- columns: ScheduledDebate
    s.id,
    s.topic_hash,
    s.topic_text,
    s.platform,
    s.category,
    s.volume,
    s.debate_id,
    s.created_at,
    s.consensus_reached,
    s.confidence,
    s.rounds_used,
    s.scheduler_run_id,
    s.finalized_at
FROM scheduled_debates AS s
WHERE
    s.category = :category
    AND (s.created_at, s.id) < (:after_timestamp, :after_id)
ORDER BY s.created_at DESC, s.id DESC
LIMIT :row_limit;

-- name: list_pending(after_timestamp, after_id, row_limit)
-- List the debates whose outcome is not known, newest first, from a place on.
SELECT
    -- columns: ScheduledDebate
    s.id,
    s.topic_hash,
    s.topic_text,
    s.platform,
    s.category,
    s.volume,
    s.debate_id,
    s.created_at,
    s.consensus_reached,
    s.confidence,
    s.rounds_used,
    s.scheduler_run_id,
    s.finalized_at
FROM scheduled_debates AS s
WHERE
    s.debate_id IS NOT NULL
    AND s.consensus_reached IS NULL
    AND (s.created_at, s.id) < (:after_timestamp, :after_id)
ORDER BY s.created_at DESC, s.id DESC
LIMIT :row_limit;

-- name: finalize(debate_id, consensus_reached, confidence, rounds_used, finalized_at)!
-- Keep the outcome of a debate, where it is not known.
UPDATE scheduled_debates
SET
    consensus_reached = :consensus_reached,
    confidence = :confidence,
    rounds_used = :rounds_used,
    finalized_at = :finalized_at
WHERE
    debate_id = :debate_id
    AND consensus_reached IS NULL;

-- name: delete_old(created_before, row_limit)!
-- Delete some of what was scheduled before a time.
DELETE FROM scheduled_debates
WHERE id IN (
    SELECT x.id
    FROM scheduled_debates AS x
    WHERE x.created_at < :created_before
    ORDER BY x.created_at, x.id
    LIMIT :row_limit
);

-- name: get_totals()^
-- Count what was scheduled, and of the debates whose outcome is known those with a consensus, and the
-- means.
-- plan: seq_scan allowed because statistics of all look at all
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE s.consensus_reached IS NOT NULL) AS completed,
    count(*) FILTER (WHERE s.consensus_reached) AS agreed,
    avg(s.confidence) FILTER (WHERE s.consensus_reached IS NOT NULL) AS avg_confidence,
    avg(s.rounds_used) FILTER (WHERE s.consensus_reached IS NOT NULL) AS avg_rounds
FROM scheduled_debates AS s;

-- name: count_platforms()
-- Count what was scheduled of each platform, and how much of it came to a consensus.
-- plan: seq_scan allowed because statistics of all look at all
SELECT
    s.platform AS name,
    count(*) AS total,
    count(*) FILTER (WHERE s.consensus_reached) AS agreed
FROM scheduled_debates AS s
GROUP BY s.platform
ORDER BY s.platform;

-- name: count_categories()
-- Count what was scheduled of each category, and how much of it came to a consensus.
-- result: name not null
SELECT
    s.category AS name,
    count(*) AS total,
    count(*) FILTER (WHERE s.consensus_reached) AS agreed
FROM scheduled_debates AS s
WHERE s.category IS NOT NULL
GROUP BY s.category
ORDER BY s.category;

-- name: count_days(since)
-- Count what was scheduled on each day in UTC, from a time on.
-- result: name not null
SELECT
    substr(s.created_at, 1, 10) AS name,
    count(*) AS total
FROM scheduled_debates AS s
WHERE s.created_at >= :since
GROUP BY substr(s.created_at, 1, 10)
ORDER BY substr(s.created_at, 1, 10);

-- name: count_debates()$
-- Count what was scheduled.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM scheduled_debates;
