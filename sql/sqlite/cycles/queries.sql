-- Queries of the store of cycles.

-- name: save_cycle(cycle_id, started_at, completed_at, duration_seconds, success, topics, data, search_terms)!
-- Store a cycle, or replace it.
INSERT INTO cycles (
    cycle_id,
    started_at,
    completed_at,
    duration_seconds,
    success,
    topics,
    data,
    search_terms
)
VALUES (
    :cycle_id,
    :started_at,
    :completed_at,
    :duration_seconds,
    :success,
    :topics,
    :data,
    :search_terms
)
ON CONFLICT (cycle_id) DO UPDATE SET
    started_at = excluded.started_at,
    completed_at = excluded.completed_at,
    duration_seconds = excluded.duration_seconds,
    success = excluded.success,
    topics = excluded.topics,
    data = excluded.data,
    search_terms = excluded.search_terms;

-- name: get_cycle(cycle_id)^
-- Return a cycle.
SELECT
    -- columns: Cycle
    c.cycle_id,
    c.started_at,
    c.completed_at,
    c.duration_seconds,
    c.success,
    c.topics,
    c.data
FROM cycles AS c
WHERE c.cycle_id = :cycle_id;

-- name: list_cycles(after_timestamp, after_id, row_limit)
-- List cycles, newest first, from a place on.
SELECT
    -- columns: Cycle
    c.cycle_id,
    c.started_at,
    c.completed_at,
    c.duration_seconds,
    c.success,
    c.topics,
    c.data
FROM cycles AS c
WHERE (c.started_at, c.cycle_id) < (:after_timestamp, :after_id)
ORDER BY c.started_at DESC, c.cycle_id DESC
LIMIT :row_limit;

-- name: list_successful_cycles(after_timestamp, after_id, row_limit)
-- List cycles that succeeded, newest first, from a place on.
SELECT
    -- columns: Cycle
    c.cycle_id,
    c.started_at,
    c.completed_at,
    c.duration_seconds,
    c.success,
    c.topics,
    c.data
FROM cycles AS c
WHERE
    c.success
    AND (c.started_at, c.cycle_id) < (:after_timestamp, :after_id)
ORDER BY c.started_at DESC, c.cycle_id DESC
LIMIT :row_limit;

-- name: find_cycles(expression, row_limit)
-- List the cycles in whose topics words are, newest first.
-- meaning: values of expression ["alpha", "(beta&gamma)", "(alpha&beta)"] because the store writes it so
SELECT
    -- columns: Cycle
    c.cycle_id,
    c.started_at,
    c.completed_at,
    c.duration_seconds,
    c.success,
    c.topics,
    c.data
FROM cycle_search AS f
CROSS JOIN cycles AS c ON f.rowid = c.row_id
WHERE f.cycle_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
ORDER BY c.started_at DESC, c.cycle_id DESC
LIMIT :row_limit;

-- name: count_cycles()$
-- Count all cycles.
-- plan: seq_scan allowed because all cycles are counted
SELECT count(*) AS total
FROM cycles;

-- name: trim_cycles(keep_count, row_limit)!
-- Delete some of the cycles that are more than so many, the oldest first.
DELETE FROM cycles
WHERE cycle_id IN (
    SELECT c.cycle_id
    FROM cycles AS c
    WHERE
        (c.started_at, c.cycle_id) <= (
            SELECT
                x.started_at,
                x.cycle_id
            FROM cycles AS x
            ORDER BY x.started_at DESC, x.cycle_id DESC
            LIMIT
                1
                OFFSET :keep_count
        )
    ORDER BY c.started_at, c.cycle_id
    LIMIT :row_limit
);
