-- Queries of the continuum memory. References and vectors belong to an entry and go with it; moves
-- between tiers and archived entries stay.

-- name: add_entries(id, tenant_id, tier, content, content_terms, importance, metadata, expires_at, stored_at)*!
-- Store entries. One that is there already keeps its scores, counters and protection; a protected one
-- and one of another tenant are left as they are.
INSERT INTO continuum_memory (
    id,
    tenant_id,
    tier,
    content,
    content_terms,
    importance,
    metadata,
    expires_at,
    created_at,
    updated_at
)
VALUES (
    :id,
    :tenant_id,
    :tier,
    :content,
    :content_terms,
    :importance,
    :metadata,
    :expires_at,
    :stored_at,
    :stored_at
)
ON CONFLICT (id) DO UPDATE
SET
    tier = excluded.tier,
    content = excluded.content,
    content_terms = excluded.content_terms,
    importance = excluded.importance,
    metadata = excluded.metadata,
    expires_at = excluded.expires_at,
    last_move_at = CASE
        WHEN continuum_memory.tier <> excluded.tier THEN excluded.updated_at
        ELSE continuum_memory.last_move_at
    END,
    updated_at = excluded.updated_at
WHERE
NOT continuum_memory.red_line
AND continuum_memory.tenant_id IS excluded.tenant_id;

-- name: put_entries(id, tenant_id, tier, content, content_terms, importance, surprise_score, consolidation_score, update_count, success_count, failure_count, red_line, red_line_reason, metadata, last_promotion_at, last_move_at, last_prewarmed_at, expires_at, created_at, updated_at)*!
-- Store whole entries. Of one that is there all is replaced but its tenant; one of another tenant is
-- left as it is.
INSERT INTO continuum_memory (
    id,
    tenant_id,
    tier,
    content,
    content_terms,
    importance,
    surprise_score,
    consolidation_score,
    update_count,
    success_count,
    failure_count,
    red_line,
    red_line_reason,
    metadata,
    last_promotion_at,
    last_move_at,
    last_prewarmed_at,
    expires_at,
    created_at,
    updated_at
)
VALUES (
    :id,
    :tenant_id,
    :tier,
    :content,
    :content_terms,
    :importance,
    :surprise_score,
    :consolidation_score,
    :update_count,
    :success_count,
    :failure_count,
    :red_line,
    :red_line_reason,
    :metadata,
    :last_promotion_at,
    :last_move_at,
    :last_prewarmed_at,
    :expires_at,
    :created_at,
    :updated_at
)
ON CONFLICT (id) DO UPDATE
SET
    tier = excluded.tier,
    content = excluded.content,
    content_terms = excluded.content_terms,
    importance = excluded.importance,
    surprise_score = excluded.surprise_score,
    consolidation_score = excluded.consolidation_score,
    update_count = excluded.update_count,
    success_count = excluded.success_count,
    failure_count = excluded.failure_count,
    red_line = excluded.red_line,
    red_line_reason = excluded.red_line_reason,
    metadata = excluded.metadata,
    last_promotion_at = excluded.last_promotion_at,
    last_move_at = excluded.last_move_at,
    last_prewarmed_at = excluded.last_prewarmed_at,
    expires_at = excluded.expires_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
WHERE continuum_memory.tenant_id IS excluded.tenant_id;

-- name: lock_entries(entry_ids)
-- Take some entries out of the way of others who change them.
SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.importance,
    m.surprise_score,
    m.update_count,
    m.red_line,
    m.red_line_reason,
    m.last_promotion_at
FROM continuum_memory AS m
WHERE m.id IN (SELECT value FROM json_each(:entry_ids))
ORDER BY m.id;

-- name: get_entries(entry_ids, tenant_id)
-- Return some entries, of one tenant or of any.
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE
    m.id IN (SELECT value FROM json_each(:entry_ids))
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.id;

-- name: list_tier(tier, min_importance, tenant_id, row_limit)
-- List the most important entries of a tier.
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND m.importance >= :min_importance
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.importance DESC, m.updated_at DESC, m.id ASC
LIMIT :row_limit;

-- name: export_entries(tiers, tenant_id, most)
-- Read the entries of some tiers with their vectors, the most important first, at most so many of a
-- tier, each with the number of entries that its tier has.
-- result: cross_references json, vector json, tier_total not null
SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    v.vector,
    n.tier_total
FROM (
    SELECT
        e.id,
        count(*) OVER (PARTITION BY e.tier) AS tier_total,
        row_number() OVER (
            PARTITION BY e.tier
            ORDER BY e.importance DESC, e.updated_at DESC, e.id ASC
        ) AS place
    FROM continuum_memory AS e
    WHERE
        e.tier IN (SELECT value FROM json_each(:tiers))
        AND (:tenant_id IS NULL OR e.tenant_id = :tenant_id)
) AS n
INNER JOIN continuum_memory AS m ON n.id = m.id
LEFT JOIN continuum_vectors AS v ON m.id = v.memory_id
WHERE n.place <= :most
ORDER BY m.tier, n.place;

-- name: list_red_lines(tenant_id)
-- List the protected entries, the oldest first.
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE m.red_line AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at, m.id;

-- name: list_before(created_at, entry_id, tiers, min_importance, tenant_id, row_limit)
-- List the entries that were stored just before one, the newest first.
-- plan: filtered_walk allowed because neighbours in time are wanted, of most tiers and tenants
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE
    m.created_at <= :created_at
    AND (m.created_at < :created_at OR m.id < :entry_id)
    AND m.tier IN (SELECT value FROM json_each(:tiers))
    AND m.importance >= :min_importance
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at DESC, m.id DESC
LIMIT :row_limit;

-- name: list_after(created_at, entry_id, tiers, min_importance, tenant_id, row_limit)
-- List the entries that were stored just after one, the oldest first.
-- plan: filtered_walk allowed because neighbours in time are wanted, of most tiers and tenants
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE
    m.created_at >= :created_at
    AND (m.created_at > :created_at OR m.id > :entry_id)
    AND m.tier IN (SELECT value FROM json_each(:tiers))
    AND m.importance >= :min_importance
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at ASC, m.id ASC
LIMIT :row_limit;

-- name: update_entry(entry_id, tenant_id, content, content_terms, importance, surprise_score, consolidation_score, update_count, success_count, failure_count, metadata, expires_at, updated_at)!
-- Change what is given of an entry that is not protected.
UPDATE continuum_memory
SET
    content = coalesce(:content, content),
    content_terms = coalesce(:content_terms, content_terms),
    importance = coalesce(:importance, importance),
    surprise_score = coalesce(:surprise_score, surprise_score),
    consolidation_score = coalesce(:consolidation_score, consolidation_score),
    update_count = coalesce(:update_count, update_count),
    success_count = coalesce(:success_count, success_count),
    failure_count = coalesce(:failure_count, failure_count),
    metadata = coalesce(:metadata, metadata),
    expires_at = coalesce(:expires_at, expires_at),
    updated_at = :updated_at
WHERE
    id = :entry_id
    AND NOT red_line
    AND (:tenant_id IS NULL OR tenant_id = :tenant_id);

-- name: record_outcome(entry_id, tenant_id, success, prediction_error, success_weight, error_weight, curve, updated_at)^
-- Count an outcome of an entry, and move its surprise and consolidation by it; curve holds the
-- consolidation after n outcomes, until it is 1.
-- result: observations not null
UPDATE continuum_memory
SET
    surprise_score
    = 0.7 * surprise_score
    + 0.3 * (
        :success_weight * abs(
            CASE WHEN :success THEN 1.0 ELSE 0.0 END
            - CASE
                WHEN success_count + failure_count = 0 THEN 0.5
                ELSE
                    cast(success_count AS REAL) / cast((success_count + failure_count) AS REAL)
            END
        )
        + :error_weight * :prediction_error
    ),
    consolidation_score = coalesce(
        json_extract(:curve, '$[' || (success_count + failure_count) || ']'), 1.0
    ),
    success_count = success_count + CASE WHEN :success THEN 1 ELSE 0 END,
    failure_count = failure_count + CASE WHEN :success THEN 0 ELSE 1 END,
    update_count = update_count + 1,
    updated_at = :updated_at
WHERE id = :entry_id AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
RETURNING
    cast(surprise_score AS REAL) AS surprise_score,
    tier,
    success_count + failure_count AS observations;

-- name: record_moves(moves, moved_at)!
-- Note the moves of entries, each to another tier than the one that it is in.
INSERT INTO tier_transitions (
    memory_id, tenant_id, from_tier, to_tier, reason, surprise_score, created_at
)
SELECT
    m.id,
    m.tenant_id,
    m.tier,
    v.to_tier,
    v.reason,
    m.surprise_score,
    :moved_at
FROM (
    SELECT
        json_extract(j.value, '$.id') AS id,
        json_extract(j.value, '$.to_tier') AS to_tier,
        json_extract(j.value, '$.reason') AS reason,
        json_extract(j.value, '$.promoted') AS promoted
    FROM json_each(:moves) AS j
) AS v
INNER JOIN continuum_memory AS m ON v.id = m.id
WHERE m.tier <> v.to_tier
ORDER BY m.id;

-- name: apply_moves(moves, moved_at)!
-- Move entries, each to another tier than the one that it is in.
UPDATE continuum_memory
SET
    tier = v.to_tier,
    last_promotion_at
    = CASE WHEN v.promoted THEN :moved_at ELSE last_promotion_at END,
    last_move_at = :moved_at,
    updated_at = :moved_at
FROM (
    SELECT
        json_extract(j.value, '$.id') AS id,
        json_extract(j.value, '$.to_tier') AS to_tier,
        json_extract(j.value, '$.reason') AS reason,
        json_extract(j.value, '$.promoted') AS promoted
    FROM json_each(:moves) AS j
) AS v
WHERE continuum_memory.id = v.id AND continuum_memory.tier <> v.to_tier;

-- name: lock_candidates(tier, above, below, moved_before, promoted_before, row_limit)
-- Take the entries of a tier that are to leave it, by their surprise, the most surprising first; those
-- that others hold are theirs to move.
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND m.surprise_score > :above
    AND m.surprise_score < :below
    AND m.update_count >= 10
    AND NOT m.red_line
    AND (m.last_move_at IS NULL OR m.last_move_at <= :moved_before)
    AND (
        :promoted_before IS NULL
        OR m.last_promotion_at IS NULL
        OR m.last_promotion_at <= :promoted_before
    )
ORDER BY m.surprise_score DESC, m.id ASC
LIMIT :row_limit;

-- name: set_red_line(entry_id, reason, updated_at)!
-- Protect an entry; it counts as most important.
UPDATE continuum_memory
SET
    red_line = 1,
    red_line_reason = :reason,
    importance = 1.0,
    updated_at = :updated_at
WHERE id = :entry_id;

-- name: unset_red_line(entry_id, updated_at)!
-- Take the protection from an entry.
UPDATE continuum_memory
SET
    red_line = 0,
    red_line_reason = '',
    updated_at = :updated_at
WHERE id = :entry_id AND red_line;

-- name: archive_entries(entry_ids, archive_reason, archived_at)!
-- Copy entries to the archive, with their references and vectors.
INSERT INTO continuum_memory_archive (
    id,
    tenant_id,
    tier,
    content,
    importance,
    surprise_score,
    consolidation_score,
    update_count,
    success_count,
    failure_count,
    red_line,
    red_line_reason,
    metadata,
    last_promotion_at,
    expires_at,
    created_at,
    updated_at,
    cross_references,
    vector,
    archived_at,
    archive_reason
)
SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    m.metadata,
    m.last_promotion_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    v.vector,
    :archived_at,
    :archive_reason
FROM continuum_memory AS m
LEFT JOIN continuum_vectors AS v ON m.id = v.memory_id
WHERE m.id IN (SELECT value FROM json_each(:entry_ids))
ORDER BY m.id;

-- name: delete_entries(entry_ids)!
-- Delete entries with their references and vectors.
DELETE FROM continuum_memory
WHERE id IN (SELECT value FROM json_each(:entry_ids));

-- name: lock_outdated(tier, cutoff, tenant_id, row_limit)
-- Take the entries of a tier that nobody touched since the cutoff, the oldest first.
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND m.updated_at < :cutoff
    AND NOT m.red_line
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.updated_at, m.id
LIMIT :row_limit;

-- name: lock_expired(tier, expired_at, tenant_id, row_limit)
-- Take the entries of a tier whose own time is over, the oldest first.
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.expires_at <= :expired_at
    AND m.tier = :tier
    AND NOT m.red_line
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.expires_at, m.id
LIMIT :row_limit;

-- name: hold_limit(tier)$
-- Let one clean-up of a tier count and delete at a time.
SELECT '' AS held
WHERE :tier IS NOT NULL;

-- name: count_tier(tier, tenant_id)$
-- Count the entries of a tier.
SELECT count(*) AS total
FROM continuum_memory AS m
WHERE m.tier = :tier AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id);

-- name: lock_excess(tier, tenant_id, row_limit)
-- Take the least important entries of a tier that are not protected, the oldest of them first.
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND NOT m.red_line
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.importance, m.updated_at, m.id
LIMIT :row_limit;

-- name: summarize_tiers(tenant_id)
-- Count the entries of each tier, with the averages of their scores.
-- plan: seq_scan allowed because statistics look at all entries
-- meaning: avg_importance within 1e-9 because the order of a sum is open
-- meaning: avg_surprise within 1e-9 because the order of a sum is open
-- meaning: avg_consolidation within 1e-9 because the order of a sum is open
-- result: avg_importance not null, avg_surprise not null, avg_consolidation not null, red_lines not null
SELECT
    m.tier,
    count(*) AS entries,
    avg(m.importance) AS avg_importance,
    avg(m.surprise_score) AS avg_surprise,
    avg(m.consolidation_score) AS avg_consolidation,
    count(*) FILTER (WHERE m.red_line) AS red_lines
FROM continuum_memory AS m
WHERE :tenant_id IS NULL OR m.tenant_id = :tenant_id
GROUP BY m.tier
ORDER BY m.tier;

-- name: count_moves(tenant_id)
-- Count the moves from each tier to each other.
-- plan: seq_scan allowed because statistics look at all moves
SELECT
    t.from_tier,
    t.to_tier,
    count(*) AS moves
FROM tier_transitions AS t
WHERE :tenant_id IS NULL OR t.tenant_id = :tenant_id
GROUP BY t.from_tier, t.to_tier
ORDER BY t.from_tier, t.to_tier;

-- name: list_moves(entry_id, row_limit)
-- List the moves of an entry, which may be deleted since, the newest first.
SELECT
    -- columns: TierTransition
    t.id,
    t.memory_id,
    t.tenant_id,
    t.from_tier,
    t.to_tier,
    t.reason,
    t.surprise_score,
    t.created_at
FROM tier_transitions AS t
WHERE t.memory_id = :entry_id
ORDER BY t.created_at DESC, t.id DESC
LIMIT :row_limit;

-- name: summarize_archive(tenant_id)
-- Count the archived entries of each tier by the reason, with the first and the last time.
-- plan: seq_scan allowed because statistics look at all archived entries
-- result: oldest not null, newest not null, oldest timestamp, newest timestamp
SELECT
    a.tier,
    a.archive_reason,
    count(*) AS entries,
    min(a.archived_at) AS oldest,
    max(a.archived_at) AS newest
FROM continuum_memory_archive AS a
WHERE :tenant_id IS NULL OR a.tenant_id = :tenant_id
GROUP BY a.tier, a.archive_reason
ORDER BY a.tier, a.archive_reason;

-- name: list_archived(entry_id, tenant_id, row_limit)
-- List what was archived under an id, the newest first.
SELECT
    -- columns: ArchivedEntry
    a.archive_id,
    a.id,
    a.tenant_id,
    a.tier,
    a.content,
    a.importance,
    a.surprise_score,
    a.consolidation_score,
    a.update_count,
    a.success_count,
    a.failure_count,
    a.red_line,
    a.red_line_reason,
    a.metadata,
    a.last_promotion_at,
    a.expires_at,
    a.created_at,
    a.updated_at,
    a.cross_references,
    a.archived_at,
    a.archive_reason
FROM continuum_memory_archive AS a
WHERE
    a.id = :entry_id AND (:tenant_id IS NULL OR a.tenant_id = :tenant_id)
ORDER BY a.archived_at DESC, a.archive_id DESC
LIMIT :row_limit;

-- name: mark_prewarmed(entry_ids, prewarmed_at)!
-- Note that entries were loaded ahead of a query; they don't get younger by it.
UPDATE continuum_memory
SET last_prewarmed_at = :prewarmed_at
WHERE id IN (SELECT value FROM json_each(:entry_ids));

-- name: put_vector(memory_id, dims, vector)*!
-- Store the vectors of entries.
INSERT INTO continuum_vectors (memory_id, dims, vector)
VALUES (:memory_id, :dims, :vector)
ON CONFLICT (memory_id) DO UPDATE
SET
    dims = excluded.dims,
    vector = excluded.vector;

-- name: delete_references(entry_ids)!
-- Delete all references of some entries.
DELETE FROM continuum_references
WHERE memory_id IN (SELECT value FROM json_each(:entry_ids));

-- name: put_references(memory_id, node_id)*!
-- Let entries refer to nodes.
INSERT INTO continuum_references (memory_id, node_id)
VALUES (:memory_id, :node_id)
ON CONFLICT (memory_id, node_id) DO NOTHING;

-- name: invalidate_references(node_id, tenant_id)!
-- Delete all references to a node, of one tenant's entries or of all.
DELETE FROM continuum_references
WHERE
    node_id = :node_id
    AND (
        :tenant_id IS NULL
        OR EXISTS (
            SELECT 1
            FROM continuum_memory AS m
            WHERE m.id = continuum_references.memory_id AND m.tenant_id = :tenant_id
        )
    );

-- name: list_referring(node_id, tenant_id)
-- List the entries that refer to a node.
-- result: cross_references json
SELECT
    -- columns: ContinuumEntry
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_references AS f
INNER JOIN continuum_memory AS m ON f.memory_id = m.id
WHERE
    f.node_id = :node_id
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.id;

-- name: rank_entries(tiers, tenant_id, min_importance, terms, retrieved_at, least_score, reach, row_limit)
-- Rank entries by their retrieval score and the share of the terms that they have, best first.
--
-- Strengths are in bands of a sixteenth. Of each tier and band the :reach newest entries are ranked;
-- those of a band in which nothing reaches :least_score are passed over, and so are those of another
-- one that are too old for it (with a second to spare, as floats are rounded). The score of any other entry
-- is at most the bound: its strength is below the end of its band, and it is not younger than the
-- oldest that was read of it. No bound: nothing is left out. Without an entry there is one row without
-- an id, for the bound.
-- result: cross_references json
WITH RECURSIVE bands AS (
    SELECT 0 AS band
    UNION ALL
    SELECT b.band + 1 AS band
    FROM bands AS b
    WHERE b.band < 32
),

tiers AS MATERIALIZED (
    SELECT
        json_extract(j.value, '$.tier') AS tier,
        json_extract(j.value, '$.decay') AS decay
    FROM json_each(:tiers) AS j
),

heads AS MATERIALIZED (
    SELECT
        t.tier,
        t.decay,
        b.band,
        coalesce(
            (
                SELECT m.updated_at
                FROM continuum_memory AS m
                WHERE :tenant_id IS NULL AND m.tier = t.tier AND m.strength_band = b.band
                ORDER BY m.updated_at DESC
                LIMIT 1
            ),
            (
                SELECT m.updated_at
                FROM continuum_memory AS m
                WHERE m.tenant_id = :tenant_id AND m.tier = t.tier AND m.strength_band = b.band
                ORDER BY m.updated_at DESC
                LIMIT 1
            )
        ) AS newest
    FROM tiers AS t
    CROSS JOIN bands AS b
),

wide AS MATERIALIZED (
    SELECT
        h.tier,
        h.band,
        h.decay,
        CASE
            WHEN :least_score * h.decay * 1840000.0 <= cast(h.band + 1 AS REAL) THEN ''
            ELSE
                strftime(
                    '%Y-%m-%dT%H:%M:%S',
                    substr(:retrieved_at, 1, 19),
                    printf(
                        '-%d seconds',
                        cast(
                            (cast(h.band + 1 AS REAL) / 16.0 / :least_score - 1.0)
                            / h.decay
                            * 86400.0
                            AS INTEGER
                        )
                        + 2
                    )
                )
        END AS since
    FROM heads AS h
    WHERE
        cast(h.band + 1 AS REAL)
        / 16.0
        / (
            1.0
            + cast(
                max(
                    (
                        cast(strftime('%s', substr(:retrieved_at, 1, 19)) AS INTEGER)
                        - cast(strftime('%s', substr(h.newest, 1, 19)) AS INTEGER)
                    )
                    * 1000000
                    + cast(substr(:retrieved_at, 21, 6) AS INTEGER)
                    - cast(substr(h.newest, 21, 6) AS INTEGER),
                    0
                ) AS REAL
            )
            / 86400000000.0
            * h.decay
        ) >= :least_score
),

walks AS MATERIALIZED (
    SELECT
        h.band,
        h.decay,
        (
            SELECT json_group_array(w.row_id)
            FROM (
                SELECT m.row_id
                FROM continuum_memory AS m
                WHERE
                    :tenant_id IS NULL
                    AND m.tier = h.tier
                    AND m.strength_band = h.band
                    AND m.updated_at >= h.since
                ORDER BY m.updated_at DESC, m.id ASC
                LIMIT :reach
            ) AS w
        ) AS of_all,
        (
            SELECT json_group_array(w.row_id)
            FROM (
                SELECT m.row_id
                FROM continuum_memory AS m
                WHERE
                    m.tenant_id = :tenant_id
                    AND m.tier = h.tier
                    AND m.strength_band = h.band
                    AND m.updated_at >= h.since
                ORDER BY m.updated_at DESC, m.id ASC
                LIMIT :reach
            ) AS w
        ) AS of_tenant
    FROM wide AS h
),

edges AS (
    SELECT
        w.band,
        w.decay,
        (
            SELECT m.updated_at
            FROM continuum_memory AS m
            WHERE
                m.row_id = coalesce(
                    json_extract(w.of_all, '$[#-1]'), json_extract(w.of_tenant, '$[#-1]')
                )
        ) AS oldest
    FROM walks AS w
    WHERE json_array_length(w.of_all) + json_array_length(w.of_tenant) >= :reach
),

bounds AS (
    SELECT
        cast(e.band + 1 AS REAL)
        / 16.0
        / (
            1.0
            + cast(
                max(
                    (
                        cast(strftime('%s', substr(:retrieved_at, 1, 19)) AS INTEGER)
                        - cast(strftime('%s', substr(e.oldest, 1, 19)) AS INTEGER)
                    )
                    * 1000000
                    + cast(substr(:retrieved_at, 21, 6) AS INTEGER)
                    - cast(substr(e.oldest, 21, 6) AS INTEGER),
                    0
                ) AS REAL
            )
            / 86400000000.0
            * e.decay
        ) AS bound
    FROM edges AS e
    WHERE cast(e.band + 1 AS REAL) / 16.0 > :min_importance
),

candidates AS MATERIALIZED (
    SELECT
        j.value AS row_id,
        w.decay
    FROM walks AS w
    CROSS JOIN json_each(w.of_all) AS j
    UNION ALL
    SELECT
        j.value AS row_id,
        w.decay
    FROM walks AS w
    CROSS JOIN json_each(w.of_tenant) AS j
),

scored AS (
    SELECT
        k.row_id,
        m.id,
        m.updated_at,
        m.strength
        / (
            1.0
            + cast(
                max(
                    (
                        cast(strftime('%s', substr(:retrieved_at, 1, 19)) AS INTEGER)
                        - cast(strftime('%s', substr(m.updated_at, 1, 19)) AS INTEGER)
                    )
                    * 1000000
                    + cast(substr(:retrieved_at, 21, 6) AS INTEGER)
                    - cast(substr(m.updated_at, 21, 6) AS INTEGER),
                    0
                ) AS REAL
            )
            / 86400000000.0
            * k.decay
        ) AS strength,
        CASE
            WHEN json_array_length(:terms) = 0 THEN 1.0
            ELSE
                cast(
                    (
                        SELECT count(*)
                        FROM json_each(:terms) AS q
                        WHERE
                            instr(
                                ' ' || coalesce(m.content_terms, lower(m.content)) || ' ',
                                ' ' || q.value || ' '
                            ) > 0
                    ) AS REAL
                )
                / json_array_length(:terms)
        END AS relevance
    FROM candidates AS k
    CROSS JOIN continuum_memory AS m ON k.row_id = m.row_id
    WHERE
        m.importance >= :min_importance
        AND (m.expires_at IS NULL OR m.expires_at > :retrieved_at)
        -- Of few rows: no filter of the whole index is made for them.
        AND likelihood(k.row_id > 0, 0.000001)
),

ranked AS (
    SELECT
        c.row_id,
        c.relevance,
        c.strength * c.relevance AS score
    FROM scored AS c
    WHERE c.relevance > 0.0
    ORDER BY c.strength * c.relevance DESC, c.updated_at DESC, c.id ASC
    LIMIT :row_limit
),

whole AS (
    SELECT
        1 AS ranked,
        max(b.bound) AS bound
    FROM bounds AS b
)

SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    r.score,
    r.relevance,
    i.bound
FROM whole AS i
LEFT JOIN ranked AS r ON i.ranked
LEFT JOIN continuum_memory AS m ON r.row_id = m.row_id
ORDER BY r.score DESC, m.updated_at DESC, m.id ASC;

-- name: count_terms(terms, most)
-- Count how many entries have each of some terms, at most :most.
-- meaning: not compared because PostgreSQL estimates it
-- result: term not null, entries not null
SELECT
    q.value AS term,
    (
        SELECT count(*)
        FROM (
            SELECT f.rowid
            FROM continuum_search AS f
            WHERE f.continuum_search MATCH q.value
            LIMIT :most
        ) AS o
    ) AS entries
FROM json_each(:terms) AS q;

-- name: rank_matches(expression, tiers, tenant_id, min_importance, terms, retrieved_at, most, row_limit)
-- Rank the entries that a search finds by their retrieval score and the share of the terms that they
-- have, best first; where it finds :most or more, some are left out.
-- result: cross_references json, score not null, relevance not null, matched not null
WITH tiers AS MATERIALIZED (
    SELECT
        json_extract(j.value, '$.tier') AS tier,
        json_extract(j.value, '$.decay') AS decay
    FROM json_each(:tiers) AS j
),

faded AS MATERIALIZED (
    SELECT
        m.row_id,
        m.strength
        / (
            1.0
            + cast(
                max(
                    (
                        cast(strftime('%s', substr(:retrieved_at, 1, 19)) AS INTEGER)
                        - cast(strftime('%s', substr(m.updated_at, 1, 19)) AS INTEGER)
                    )
                    * 1000000
                    + cast(substr(:retrieved_at, 21, 6) AS INTEGER)
                    - cast(substr(m.updated_at, 21, 6) AS INTEGER),
                    0
                ) AS REAL
            )
            / 86400000000.0
            * (SELECT t.decay FROM tiers AS t WHERE t.tier = m.tier LIMIT 1)
        ) AS strength
    FROM continuum_search AS f
    CROSS JOIN continuum_memory AS m ON f.rowid = m.row_id
    WHERE
        f.continuum_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
        AND m.importance >= :min_importance
        AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
        AND (m.expires_at IS NULL OR m.expires_at > :retrieved_at)
        AND m.tier IN (SELECT t.tier FROM tiers AS t)
    ORDER BY f.rowid DESC
    LIMIT :most
),

-- Each has one term at least: below this strength none can be among the best with all terms either,
-- and its terms need not be counted.
least AS MATERIALIZED (
    SELECT k.strength * (1.0 / json_array_length(:terms)) AS strength
    FROM faded AS k
    ORDER BY k.strength DESC
    LIMIT
        1
        OFFSET max(:row_limit - 1, 0)
),

scored AS (
    SELECT
        k.row_id,
        m.id,
        m.updated_at,
        k.strength,
        cast(
            (
                SELECT count(*)
                FROM json_each(:terms) AS q
                WHERE
                    instr(
                        ' ' || coalesce(m.content_terms, lower(m.content)) || ' ',
                        ' ' || q.value || ' '
                    ) > 0
            ) AS REAL
        )
        / json_array_length(:terms) AS relevance
    FROM faded AS k
    CROSS JOIN continuum_memory AS m ON k.row_id = m.row_id
    WHERE k.strength >= coalesce((SELECT l.strength FROM least AS l), 0.0)
),

ranked AS (
    SELECT
        c.row_id,
        c.relevance,
        c.strength * c.relevance AS score
    FROM scored AS c
    WHERE c.relevance > 0.0
    ORDER BY c.strength * c.relevance DESC, c.updated_at DESC, c.id ASC
    LIMIT :row_limit
)

SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    r.score,
    r.relevance,
    (SELECT count(*) FROM faded) AS matched
FROM ranked AS r
CROSS JOIN continuum_memory AS m ON r.row_id = m.row_id
ORDER BY r.score DESC, m.updated_at DESC, m.id ASC;

-- name: rank_vectors(vector, tiers, tenant_id, min_importance, retrieved_at, row_limit)
-- Rank the entries whose vectors have as many numbers as the given one, of length 1, by the cosine of
-- both, best first.
-- meaning: similarity within 1e-9 because sums are rounded otherwise
-- result: cross_references json, similarity not null
WITH given AS MATERIALIZED (
    SELECT
        q.key AS place,
        q.value AS number
    FROM json_each(:vector) AS q
),

compared AS MATERIALIZED (
    SELECT
        v.memory_id,
        sum(x.value * g.number) AS similarity
    FROM continuum_vectors AS v
    CROSS JOIN json_each(v.vector) AS x
    CROSS JOIN given AS g ON x.key = g.place
    WHERE v.dims = json_array_length(:vector)
    GROUP BY v.memory_id
)

SELECT
    m.id,
    m.tenant_id,
    m.tier,
    m.content,
    m.importance,
    m.surprise_score,
    m.consolidation_score,
    m.update_count,
    m.success_count,
    m.failure_count,
    m.red_line,
    m.red_line_reason,
    (
        SELECT json_group_array(o.node_id)
        FROM (
            SELECT d.node_id
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
            ORDER BY d.node_id
        ) AS o
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    s.similarity
FROM compared AS s
CROSS JOIN continuum_memory AS m ON s.memory_id = m.id
WHERE
    m.tier IN (SELECT value FROM json_each(:tiers))
    AND m.importance >= :min_importance
    AND (:tenant_id IS NULL OR m.tenant_id = :tenant_id)
    AND (m.expires_at IS NULL OR m.expires_at > :retrieved_at)
    AND s.similarity IS NOT NULL
-- to nine digits, so that both engines rank alike
ORDER BY cast((s.similarity + 2.0) * 1e9 AS INTEGER) DESC, m.id ASC
LIMIT :row_limit;
