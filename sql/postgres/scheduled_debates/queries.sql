-- Queries of the store of scheduled debates.

-- name: save_debate(id, topic_hash, topic_text, platform, category, volume, debate_id, created_at, consensus_reached, confidence, rounds_used, scheduler_run_id, finalized_at)!
-- Store a debate that was scheduled, or change the one of its id, which was scheduled when it was.
-- What is NULL stays as it is, and the outcome as long as it is that of the same debate.
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
    coalesce(:volume::bigint, 0),
    :debate_id,
    :created_at,
    :consensus_reached,
    :confidence,
    coalesce(:rounds_used::integer, 0),
    :scheduler_run_id,
    :finalized_at
)
ON CONFLICT (id) DO UPDATE
    SET
        topic_hash = excluded.topic_hash,
        topic_text = excluded.topic_text,
        platform = excluded.platform,
        category = coalesce(excluded.category, scheduled_debates.category),
        volume = coalesce(:volume::bigint, scheduled_debates.volume),
        debate_id = excluded.debate_id,
        consensus_reached = CASE
            WHEN scheduled_debates.debate_id IS NOT DISTINCT FROM excluded.debate_id
                THEN coalesce(excluded.consensus_reached, scheduled_debates.consensus_reached)
            ELSE excluded.consensus_reached
        END,
        confidence = CASE
            WHEN scheduled_debates.debate_id IS NOT DISTINCT FROM excluded.debate_id
                THEN coalesce(excluded.confidence, scheduled_debates.confidence)
            ELSE excluded.confidence
        END,
        rounds_used = CASE
            WHEN
                scheduled_debates.debate_id IS NOT DISTINCT FROM excluded.debate_id
                AND (
                    :rounds_used::integer IS NULL
                    OR (
                        excluded.consensus_reached IS NULL
                        AND scheduled_debates.consensus_reached IS NOT NULL
                    )
                )
                THEN scheduled_debates.rounds_used
            ELSE excluded.rounds_used
        END,
        scheduler_run_id = coalesce(excluded.scheduler_run_id, scheduled_debates.scheduler_run_id),
        finalized_at = CASE
            WHEN scheduled_debates.debate_id IS NOT DISTINCT FROM excluded.debate_id
                THEN coalesce(scheduled_debates.finalized_at, excluded.finalized_at)
            ELSE excluded.finalized_at
        END;

-- name: hold_topic(topic_hash)$
-- Let one caller look for a topic and store it at a time.
-- locks: pg_advisory_xact_lock(hashtextextended('scheduled debates ' || :topic_hash::text, 0::bigint))
SELECT
    pg_advisory_xact_lock(
        hashtextextended('scheduled debates ' || :topic_hash::text, 0::bigint)
    )::text AS held;

-- name: insert_new_debate(id, topic_hash, topic_text, platform, category, volume, debate_id, consensus_reached, confidence, rounds_used, scheduler_run_id, finalized_at, within_seconds)!
-- Store a debate that is scheduled now, unless its topic was debated within some seconds; in place of an
-- attempt at the topic that failed, where the id is of one. The clock is the database's, as that of a
-- caller may be wrong.
-- meaning: values of within_seconds [0.0, 0.5, 300.0, 86400.0, 1e9] because a topic comes again within hours or days
-- meaning: scheduled_debates.created_at within 0.001 because the clock of SQLite has milliseconds
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
    :id::text,
    :topic_hash::text,
    :topic_text::text,
    :platform::text,
    :category::text,
    coalesce(:volume::bigint, 0),
    :debate_id::text,
    statement_timestamp(),
    :consensus_reached::boolean,
    :confidence::double precision,
    coalesce(:rounds_used::integer, 0),
    :scheduler_run_id::text,
    :finalized_at::timestamptz
WHERE
    NOT EXISTS (
        SELECT 1
        FROM scheduled_debates AS x
        WHERE
            x.topic_hash = :topic_hash
            AND x.debate_id IS NOT NULL
            AND x.created_at
            > statement_timestamp() - make_interval(secs => :within_seconds::double precision)
    )
ON CONFLICT (id) DO UPDATE
    SET
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
        finalized_at = excluded.finalized_at
    WHERE scheduled_debates.debate_id IS NULL AND scheduled_debates.topic_hash = :topic_hash;

-- name: is_duplicate(topic_hash, within_seconds)$
-- Tell whether a topic was debated within some seconds; an attempt that failed does not count.
-- meaning: values of within_seconds [0.0, 0.5, 300.0, 86400.0, 1e9] because a topic comes again within hours or days
-- result: is_there boolean not null
SELECT
    exists(
        SELECT 1
        FROM scheduled_debates AS s
        WHERE
            s.topic_hash = :topic_hash
            AND s.debate_id IS NOT NULL
            AND s.created_at
            > statement_timestamp() - make_interval(secs => :within_seconds::double precision)
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
    AND (s.created_at, s.id) < (:after_timestamp, :after_id::text)
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
    AND (:category::text IS NULL OR s.category = :category)
    AND (s.created_at, s.id) < (:after_timestamp, :after_id::text)
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
    AND (s.created_at, s.id) < (:after_timestamp, :after_id::text)
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
    AND (s.created_at, s.id) < (:after_timestamp, :after_id::text)
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
-- locks: scheduled_debates rows in order of created_at, id, skip locked
WITH chosen AS (
    SELECT x.id
    FROM scheduled_debates AS x
    WHERE x.created_at < :created_before
    ORDER BY x.created_at, x.id
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM scheduled_debates AS t
WHERE t.id = any(array(SELECT c.id FROM chosen AS c));

-- name: get_totals()^
-- Count what was scheduled, and of the debates whose outcome is known those with a consensus, and the
-- means. An attempt that failed has no outcome.
-- plan: seq_scan allowed because statistics of all look at all
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE s.is_known) AS completed,
    count(*) FILTER (WHERE s.is_known AND s.consensus_reached) AS agreed,
    avg(s.confidence) FILTER (WHERE s.is_known) AS avg_confidence,
    avg(s.rounds_used::double precision) FILTER (WHERE s.is_known) AS avg_rounds
FROM (
    SELECT
        d.consensus_reached,
        d.confidence,
        d.rounds_used,
        d.debate_id IS NOT NULL AND d.consensus_reached IS NOT NULL AS is_known
    FROM scheduled_debates AS d
) AS s;

-- name: count_platforms()
-- Count what was scheduled of each platform, and how much of it came to a consensus.
-- plan: seq_scan allowed because statistics of all look at all
SELECT
    s.platform AS name,
    count(*) AS total,
    count(*) FILTER (WHERE s.debate_id IS NOT NULL AND s.consensus_reached) AS agreed
FROM scheduled_debates AS s
GROUP BY s.platform
ORDER BY s.platform;

-- name: count_categories()
-- Count what was scheduled of each category, and how much of it came to a consensus.
-- plan: seq_scan allowed because statistics of all look at all
-- result: name not null
SELECT
    s.category AS name,
    count(*) AS total,
    count(*) FILTER (WHERE s.debate_id IS NOT NULL AND s.consensus_reached) AS agreed
FROM scheduled_debates AS s
WHERE s.category IS NOT NULL
GROUP BY s.category
ORDER BY s.category;

-- name: count_days(since)
-- Count what was scheduled on each day in UTC, from a time on.
-- result: name not null
SELECT
    to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS name,
    count(*) AS total
FROM scheduled_debates AS s
WHERE s.created_at >= :since
GROUP BY to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
ORDER BY to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE "C";

-- name: count_debates()$
-- Count what was scheduled.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM scheduled_debates;
