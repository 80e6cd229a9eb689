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
    :metadata::jsonb,
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
    AND continuum_memory.tenant_id IS NOT DISTINCT FROM excluded.tenant_id;

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
    :metadata::jsonb,
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
    WHERE continuum_memory.tenant_id IS NOT DISTINCT FROM excluded.tenant_id;

-- name: lock_entries(entry_ids)
-- Take some entries out of the way of others who change them.
-- locks: continuum_memory rows in order of id
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
WHERE m.id = any(:entry_ids::text[])
ORDER BY m.id COLLATE "C"
FOR UPDATE;

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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    m.id = any(:entry_ids::text[])
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.id COLLATE "C";

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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.importance DESC, m.updated_at DESC, m.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: export_entries(tiers, tenant_id, most)
-- Read the entries of some tiers with their vectors, the most important first, at most so many of a
-- tier, each with the number of entries that its tier has.
-- plan: seq_scan allowed because an export reads all entries
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
            ORDER BY e.importance DESC, e.updated_at DESC, e.id COLLATE "C" ASC
        ) AS place
    FROM continuum_memory AS e
    WHERE
        e.tier = any(:tiers::text[])
        AND (:tenant_id::text IS NULL OR e.tenant_id = :tenant_id)
) AS n
INNER JOIN continuum_memory AS m ON n.id = m.id
LEFT JOIN continuum_vectors AS v ON m.id = v.memory_id
WHERE n.place <= :most::bigint
ORDER BY m.tier COLLATE "C", n.place;

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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at
FROM continuum_memory AS m
WHERE m.red_line AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at, m.id COLLATE "C";

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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    m.created_at <= :created_at::timestamptz
    AND (m.created_at < :created_at::timestamptz OR m.id COLLATE "C" < :entry_id::text)
    AND m.tier = any(:tiers::text[])
    AND m.importance >= :min_importance
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at DESC, m.id COLLATE "C" DESC
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    m.created_at >= :created_at::timestamptz
    AND (m.created_at > :created_at::timestamptz OR m.id COLLATE "C" > :entry_id::text)
    AND m.tier = any(:tiers::text[])
    AND m.importance >= :min_importance
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.created_at ASC, m.id COLLATE "C" ASC
LIMIT :row_limit;

-- name: update_entry(entry_id, tenant_id, content, content_terms, importance, surprise_score, consolidation_score, update_count, success_count, failure_count, metadata, expires_at, updated_at)!
-- Change what is given of an entry that is not protected.
UPDATE continuum_memory
SET
    content = coalesce(:content::text, content),
    content_terms = coalesce(:content_terms::text, content_terms),
    importance = coalesce(:importance::double precision, importance),
    surprise_score = coalesce(:surprise_score::double precision, surprise_score),
    consolidation_score = coalesce(:consolidation_score::double precision, consolidation_score),
    update_count = coalesce(:update_count::integer, update_count),
    success_count = coalesce(:success_count::integer, success_count),
    failure_count = coalesce(:failure_count::integer, failure_count),
    metadata = coalesce(:metadata::jsonb, metadata),
    expires_at = coalesce(:expires_at::timestamptz, expires_at),
    updated_at = :updated_at
WHERE
    id = :entry_id
    AND NOT red_line
    AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id);

-- name: record_outcome(entry_id, tenant_id, success, prediction_error, success_weight, error_weight, curve, updated_at)^
-- Count an outcome of an entry, and move its surprise and consolidation by it; curve holds the
-- consolidation after n outcomes, until it is 1.
-- meaning: values of curve [[0.15, 0.24, 0.3, 0.35, 0.39], []] because the store gives a list of numbers
-- meaning: values of success_weight [0.3, 0.0, 0.5] because weights are from 0 to 1 and together at most 1
-- meaning: values of error_weight [0.2, 0.0, 0.5] because weights are from 0 to 1 and together at most 1
-- meaning: values of prediction_error [0.0, 0.25, 1.0] because it is from 0 to 1
-- result: observations not null
UPDATE continuum_memory
SET
    surprise_score
    = 0.7::double precision * surprise_score
    + 0.3::double precision * (
        :success_weight::double precision * abs(
            CASE WHEN :success::boolean THEN 1.0::double precision ELSE 0.0::double precision END
            - CASE
                WHEN success_count + failure_count = 0 THEN 0.5::double precision
                ELSE
                    success_count::double precision
                    / (success_count + failure_count)::double precision
            END
        )
        + :error_weight::double precision * :prediction_error::double precision
    ),
    consolidation_score = coalesce(
        (:curve::jsonb -> (success_count + failure_count))::double precision, 1.0::double precision
    ),
    success_count = success_count + CASE WHEN :success::boolean THEN 1 ELSE 0 END,
    failure_count = failure_count + CASE WHEN :success::boolean THEN 0 ELSE 1 END,
    update_count = update_count + 1,
    updated_at = :updated_at
WHERE id = :entry_id AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id)
RETURNING
    surprise_score,
    tier,
    success_count + failure_count AS observations;

-- name: record_moves(moves, moved_at)!
-- Note the moves of entries, each to another tier than the one that it is in.
-- meaning: values of moves [[{"id": "k_1", "to_tier": "fast", "reason": "r", "promoted": true}, {"id": "k_2", "to_tier": "slow", "reason": "r", "promoted": false}], []] because the store writes them so
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
    :moved_at::timestamptz
FROM jsonb_to_recordset(:moves::jsonb) AS v (id TEXT, to_tier TEXT, reason TEXT, promoted BOOLEAN)
INNER JOIN continuum_memory AS m ON v.id = m.id
WHERE m.tier <> v.to_tier
ORDER BY m.id COLLATE "C";

-- name: apply_moves(moves, moved_at)!
-- Move entries, each to another tier than the one that it is in.
-- meaning: values of moves [[{"id": "k_1", "to_tier": "fast", "reason": "r", "promoted": true}, {"id": "k_2", "to_tier": "slow", "reason": "r", "promoted": false}], []] because the store writes them so
UPDATE continuum_memory AS m
SET
    tier = v.to_tier,
    last_promotion_at
    = CASE WHEN v.promoted THEN :moved_at::timestamptz ELSE m.last_promotion_at END,
    last_move_at = :moved_at,
    updated_at = :moved_at
FROM jsonb_to_recordset(:moves::jsonb) AS v (id TEXT, to_tier TEXT, reason TEXT, promoted BOOLEAN)
WHERE m.id = v.id AND m.tier <> v.to_tier;

-- name: lock_candidates(tier, above, below, moved_before, promoted_before, row_limit)
-- Take the entries of a tier that are to leave it, by their surprise, the most surprising first; those
-- that others hold are theirs to move.
-- locks: continuum_memory rows in order of surprise_score DESC, id, skip locked
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
        :promoted_before::timestamptz IS NULL
        OR m.last_promotion_at IS NULL
        OR m.last_promotion_at <= :promoted_before
    )
ORDER BY m.surprise_score DESC, m.id COLLATE "C" ASC
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

-- name: set_red_line(entry_id, reason, updated_at)!
-- Protect an entry; it counts as most important.
UPDATE continuum_memory
SET
    red_line = TRUE,
    red_line_reason = :reason,
    importance = 1.0,
    updated_at = :updated_at
WHERE id = :entry_id;

-- name: unset_red_line(entry_id, updated_at)!
-- Take the protection from an entry.
UPDATE continuum_memory
SET
    red_line = FALSE,
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
    ) AS cross_references,
    v.vector,
    :archived_at::timestamptz,
    :archive_reason::text
FROM continuum_memory AS m
LEFT JOIN continuum_vectors AS v ON m.id = v.memory_id
WHERE m.id = any(:entry_ids::text[])
ORDER BY m.id COLLATE "C";

-- name: delete_entries(entry_ids)!
-- Delete entries with their references and vectors.
DELETE FROM continuum_memory
WHERE id = any(:entry_ids::text[]);

-- name: lock_outdated(tier, cutoff, tenant_id, row_limit)
-- Take the entries of a tier that nobody touched since the cutoff, the oldest first.
-- locks: continuum_memory rows in order of updated_at, id, skip locked
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND m.updated_at < :cutoff
    AND NOT m.red_line
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.updated_at, m.id COLLATE "C"
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

-- name: lock_expired(tier, expired_at, tenant_id, row_limit)
-- Take the entries of a tier whose own time is over, the oldest first.
-- plan: filtered_walk allowed because expired entries are deleted soon, so there are few
-- locks: continuum_memory rows in order of expires_at, id, skip locked
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.expires_at <= :expired_at
    AND m.tier = :tier
    AND NOT m.red_line
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.expires_at, m.id COLLATE "C"
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

-- name: hold_limit(tier)$
-- Let one clean-up of a tier count and delete at a time.
-- locks: pg_advisory_xact_lock(hashtextextended('continuum limit ' || :tier::text, 0::bigint))
SELECT
    pg_advisory_xact_lock(
        hashtextextended('continuum limit ' || :tier::text, 0::bigint)
    )::text AS held;

-- name: count_tier(tier, tenant_id)$
-- Count the entries of a tier.
SELECT count(*) AS total
FROM continuum_memory AS m
WHERE m.tier = :tier AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id);

-- name: lock_excess(tier, tenant_id, row_limit)
-- Take the least important entries of a tier that are not protected, the oldest of them first.
-- locks: continuum_memory rows in order of importance, updated_at, id, skip locked
SELECT m.id
FROM continuum_memory AS m
WHERE
    m.tier = :tier
    AND NOT m.red_line
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.importance, m.updated_at, m.id COLLATE "C"
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

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
WHERE :tenant_id::text IS NULL OR m.tenant_id = :tenant_id
GROUP BY m.tier
ORDER BY m.tier COLLATE "C";

-- name: count_moves(tenant_id)
-- Count the moves from each tier to each other.
-- plan: seq_scan allowed because statistics look at all moves
SELECT
    t.from_tier,
    t.to_tier,
    count(*) AS moves
FROM tier_transitions AS t
WHERE :tenant_id::text IS NULL OR t.tenant_id = :tenant_id
GROUP BY t.from_tier, t.to_tier
ORDER BY t.from_tier COLLATE "C", t.to_tier COLLATE "C";

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
-- result: oldest not null, newest not null
SELECT
    a.tier,
    a.archive_reason,
    count(*) AS entries,
    min(a.archived_at) AS oldest,
    max(a.archived_at) AS newest
FROM continuum_memory_archive AS a
WHERE :tenant_id::text IS NULL OR a.tenant_id = :tenant_id
GROUP BY a.tier, a.archive_reason
ORDER BY a.tier COLLATE "C", a.archive_reason COLLATE "C";

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
    a.id = :entry_id AND (:tenant_id::text IS NULL OR a.tenant_id = :tenant_id)
ORDER BY a.archived_at DESC, a.archive_id DESC
LIMIT :row_limit;

-- name: mark_prewarmed(entry_ids, prewarmed_at)!
-- Note that entries were loaded ahead of a query; they don't get younger by it.
UPDATE continuum_memory
SET last_prewarmed_at = :prewarmed_at
WHERE id = any(:entry_ids::text[]);

-- name: put_vector(memory_id, dims, vector)*!
-- Store the vectors of entries.
INSERT INTO continuum_vectors (memory_id, dims, vector)
VALUES (:memory_id, :dims, :vector::jsonb)
ON CONFLICT (memory_id) DO UPDATE
    SET
        dims = excluded.dims,
        vector = excluded.vector;

-- name: delete_references(entry_ids)!
-- Delete all references of some entries.
DELETE FROM continuum_references
WHERE memory_id = any(:entry_ids::text[]);

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
        :tenant_id::text IS NULL
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
ORDER BY m.id COLLATE "C";

-- name: rank_entries(tiers, tenant_id, min_importance, terms, retrieved_at, least_score, reach, row_limit)
-- Rank entries by their retrieval score and the share of the terms that they have, best first.
--
-- Strengths are in bands of a sixteenth. Of each tier and band the :reach newest entries are ranked;
-- those of a band in which nothing reaches :least_score are passed over, and so are those of another
-- one that are too old for it (with a second to spare, as floats are rounded). The score of any other entry
-- is at most the bound: its strength is below the end of its band, and it is not younger than the
-- oldest that was read of it. No bound: nothing is left out. Without an entry there is one row without
-- an id, for the bound.
-- Entries are handed on by their place in the table, which cannot change within a statement.
-- meaning: values of tiers [[{"tier": "fast", "decay": 24.0}, {"tier": "slow", "decay": 0.14}], [{"tier": "glacial", "decay": 0.03}, {"tier": "medium", "decay": 1.0}], []] because the store writes them so
-- meaning: values of terms [["alpha", "beta"], ["beta"], []] because the store gives a list of terms
-- meaning: values of least_score [0.0, 0.1] because scores are from 0 to 2
-- result: cross_references json
WITH tiers AS MATERIALIZED (
    SELECT
        t.tier,
        t.decay
    FROM jsonb_to_recordset(:tiers::jsonb) AS t (tier TEXT, decay DOUBLE PRECISION)
),

-- What entries with any of the terms match: of most entries no more is asked.
asked AS MATERIALIZED (
    SELECT pg_catalog.array_to_string(:terms::text[], '|')::tsquery AS any_term
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
                WHERE :tenant_id::text IS NULL AND m.tier = t.tier AND m.strength_band = b.band
                ORDER BY m.updated_at DESC
                LIMIT 1
            ),
            (
                SELECT m.updated_at
                FROM continuum_memory AS m
                WHERE
                    m.tenant_id = :tenant_id::text AND m.tier = t.tier AND m.strength_band = b.band
                ORDER BY m.updated_at DESC
                LIMIT 1
            )
        ) AS newest
    FROM tiers AS t
    CROSS JOIN generate_series(0, 32) AS b (band)
),

walks AS MATERIALIZED (
    SELECT
        h.tier,
        h.band,
        h.decay,
        CASE
            WHEN
                :least_score::double precision * h.decay * 1840000.0::double precision
                <= (h.band + 1)::double precision
                THEN '-infinity'::timestamptz
            ELSE
                :retrieved_at::timestamptz
                - make_interval(
                    secs => (
                        (h.band + 1)::double precision
                        / 16.0::double precision
                        / :least_score::double precision
                        - 1.0::double precision
                    )
                    / h.decay
                    * 86400.0::double precision
                    + 1.0::double precision
                )
        END AS since
    FROM heads AS h
    WHERE
        (h.band + 1)::double precision
        / 16.0::double precision
        / (
            1.0::double precision
            + (
                greatest(
                    extract(EPOCH FROM (:retrieved_at::timestamptz - h.newest))::double precision
                    * 1000000.0::double precision,
                    0.0::double precision
                )
            )::bigint::double precision
            / 86400000000.0::double precision
            * h.decay
        ) >= :least_score::double precision
),

walked AS MATERIALIZED (
    SELECT
        h.tier,
        h.band,
        h.decay,
        w.place,
        w.id,
        w.strength,
        w.updated_at,
        w.importance,
        w.expires_at,
        w.shared
    FROM walks AS h
    CROSS JOIN
        LATERAL (
            (
                SELECT
                    m.ctid AS place,
                    m.id,
                    m.strength,
                    m.updated_at,
                    m.importance,
                    m.expires_at,
                    CASE
                        WHEN m.content_vector @@ (SELECT a.any_term FROM asked AS a)
                            THEN (
                                SELECT count(*)
                                FROM pg_catalog.unnest(:terms::text[]) AS q (term)
                                WHERE m.content_vector @@ q.term::tsquery
                            )
                        ELSE 0
                    END AS shared
                FROM continuum_memory AS m
                WHERE
                    :tenant_id::text IS NULL
                    AND m.tier = h.tier
                    AND m.strength_band = h.band
                    AND m.updated_at >= h.since
                ORDER BY m.updated_at DESC, m.id COLLATE "C" ASC
                LIMIT :reach::bigint
            )
            UNION ALL
            (
                SELECT
                    m.ctid AS place,
                    m.id,
                    m.strength,
                    m.updated_at,
                    m.importance,
                    m.expires_at,
                    CASE
                        WHEN m.content_vector @@ (SELECT a.any_term FROM asked AS a)
                            THEN (
                                SELECT count(*)
                                FROM pg_catalog.unnest(:terms::text[]) AS q (term)
                                WHERE m.content_vector @@ q.term::tsquery
                            )
                        ELSE 0
                    END AS shared
                FROM continuum_memory AS m
                WHERE
                    m.tenant_id = :tenant_id::text
                    AND m.tier = h.tier
                    AND m.strength_band = h.band
                    AND m.updated_at >= h.since
                ORDER BY m.updated_at DESC, m.id COLLATE "C" ASC
                LIMIT :reach::bigint
            )
        ) AS w
),

oldest_of_band AS (
    SELECT
        e.band,
        max(e.decay) AS decay,
        min(e.updated_at) AS oldest,
        count(*) AS total
    FROM walked AS e
    GROUP BY e.tier, e.band
),

bounds AS (
    SELECT
        (e.band + 1)::double precision
        / 16.0::double precision
        / (
            1.0::double precision
            + (
                greatest(
                    extract(EPOCH FROM (:retrieved_at::timestamptz - e.oldest))::double precision
                    * 1000000.0::double precision,
                    0.0::double precision
                )
            )::bigint::double precision
            / 86400000000.0::double precision
            * e.decay
        ) AS bound
    FROM oldest_of_band AS e
    WHERE
        e.total >= :reach::bigint
        AND (e.band + 1)::double precision / 16.0::double precision
        > :min_importance::double precision
),

candidates AS (
    SELECT
        e.place,
        e.id,
        e.strength,
        e.updated_at,
        e.decay,
        e.shared
    FROM walked AS e
    WHERE
        e.importance >= :min_importance::double precision
        AND (e.expires_at IS NULL OR e.expires_at > :retrieved_at)
),

scored AS (
    SELECT
        k.place,
        k.id,
        k.updated_at,
        k.strength
        / (
            1.0::double precision
            + (
                greatest(
                    extract(
                        EPOCH FROM (:retrieved_at::timestamptz - k.updated_at)
                    )::double precision
                    * 1000000.0::double precision,
                    0.0::double precision
                )
            )::bigint::double precision
            / 86400000000.0::double precision
            * k.decay
        ) AS strength,
        CASE
            WHEN pg_catalog.cardinality(:terms::text[]) = 0 THEN 1.0::double precision
            ELSE
                k.shared::double precision
                / pg_catalog.cardinality(:terms::text[])::double precision
        END AS relevance
    FROM candidates AS k
),

ranked AS (
    SELECT
        c.place,
        c.relevance,
        c.strength * c.relevance AS score
    FROM scored AS c
    WHERE c.relevance > 0.0::double precision
    ORDER BY c.strength * c.relevance DESC, c.updated_at DESC, c.id COLLATE "C" ASC
    LIMIT :row_limit::bigint
),

whole AS (
    SELECT max(b.bound) AS bound
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
LEFT JOIN ranked AS r ON TRUE
LEFT JOIN LATERAL (
    SELECT
        l.id,
        l.tenant_id,
        l.tier,
        l.content,
        l.importance,
        l.surprise_score,
        l.consolidation_score,
        l.update_count,
        l.success_count,
        l.failure_count,
        l.red_line,
        l.red_line_reason,
        l.metadata,
        l.last_promotion_at,
        l.last_move_at,
        l.last_prewarmed_at,
        l.expires_at,
        l.created_at,
        l.updated_at
    FROM continuum_memory AS l
    WHERE r.place = l.ctid
    OFFSET 0
) AS m ON TRUE
ORDER BY r.score DESC, m.updated_at DESC, m.id COLLATE "C" ASC;

-- name: count_terms(terms, most)
-- Estimate how many entries have each of some terms, at most :most; 0 where nothing is known of a term.
-- These are the statistics of the last ANALYZE, which know the commonest terms: the index itself would
-- have to go through all entries of a term.
-- meaning: not compared because it is an estimate
-- result: term not null, entries not null
WITH known AS MATERIALIZED (
    SELECT
        s.most_common_elems::text::text[] AS terms,
        s.most_common_elem_freqs AS frequencies,
        c.reltuples::double precision AS total
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
    INNER JOIN pg_catalog.pg_stats AS s ON n.nspname = s.schemaname AND c.relname = s.tablename
    WHERE c.oid = to_regclass('continuum_memory'::text)::oid AND s.attname = 'content_vector'
)

SELECT
    q.term,
    least(
        coalesce(
            (
                SELECT
                    k.total
                    * k.frequencies[
                        pg_catalog.array_position(k.terms, q.term)
                    ]::double precision
                FROM known AS k
            ),
            0.0::double precision
        ),
        :most::double precision
    )::bigint AS entries
FROM pg_catalog.unnest(:terms::text[]) AS q (term);

-- name: rank_matches(expression, tiers, tenant_id, min_importance, terms, retrieved_at, most, row_limit)
-- Rank the entries that a search finds by their retrieval score and the share of the terms that they
-- have, best first; where it finds :most or more, some are left out.
-- meaning: values of expression ["(alpha|beta)", "alpha", "(beta|gamma)"] because the store writes it so
-- meaning: values of tiers [[{"tier": "fast", "decay": 24.0}, {"tier": "slow", "decay": 0.14}], [{"tier": "glacial", "decay": 0.03}, {"tier": "medium", "decay": 1.0}], []] because the store writes them so
-- meaning: values of terms [["alpha", "beta"], ["beta"], ["alpha", "gamma"]] because the store gives a list of terms
-- meaning: values of most [1000000] because where fewer match, each engine leaves out others of them
-- result: cross_references json, score not null, relevance not null, matched not null
WITH matches AS MATERIALIZED (
    SELECT
        m.ctid AS place,
        m.id,
        m.strength,
        m.updated_at,
        m.tier
    FROM continuum_memory AS m
    WHERE
        m.content_vector @@ :expression::tsquery
        AND m.importance >= :min_importance::double precision
        AND (:tenant_id::text IS NULL OR m.tenant_id = :tenant_id)
        AND (m.expires_at IS NULL OR m.expires_at > :retrieved_at)
        AND m.tier IN (
            SELECT t.tier FROM jsonb_to_recordset(:tiers::jsonb) AS t (tier TEXT)
        )
    LIMIT :most::bigint
),

faded AS MATERIALIZED (
    SELECT
        k.place,
        k.id,
        k.updated_at,
        k.strength
        / (
            1.0::double precision
            + (
                greatest(
                    extract(
                        EPOCH FROM (:retrieved_at::timestamptz - k.updated_at)
                    )::double precision
                    * 1000000.0::double precision,
                    0.0::double precision
                )
            )::bigint::double precision
            / 86400000000.0::double precision
            * t.decay
        ) AS strength
    FROM matches AS k
    INNER JOIN
        jsonb_to_recordset(:tiers::jsonb) AS t (tier TEXT, decay DOUBLE PRECISION)
        ON k.tier = t.tier
),

-- Each has one term at least: below this strength none can be among the best with all terms either,
-- and its terms need not be counted.
least AS MATERIALIZED (
    SELECT
        f.strength
        * (1.0::double precision / pg_catalog.cardinality(:terms::text[])::double precision)
            AS strength
    FROM faded AS f
    ORDER BY f.strength DESC
    LIMIT
        1
        OFFSET greatest(:row_limit::bigint - 1, 0)
),

scored AS (
    SELECT
        f.place,
        f.id,
        f.updated_at,
        f.strength,
        (
            SELECT count(*)
            FROM pg_catalog.unnest(:terms::text[]) AS q (term)
            WHERE v.content_vector @@ q.term::tsquery
        )::double precision
        / pg_catalog.cardinality(:terms::text[])::double precision AS relevance
    FROM faded AS f
    CROSS JOIN
        LATERAL (
            SELECT w.content_vector
            FROM continuum_memory AS w
            WHERE f.place = w.ctid
            OFFSET 0
        ) AS v
    WHERE f.strength >= coalesce((SELECT l.strength FROM least AS l), 0.0::double precision)
),

ranked AS (
    SELECT
        c.place,
        c.relevance,
        c.strength * c.relevance AS score
    FROM scored AS c
    WHERE c.relevance > 0.0::double precision
    ORDER BY c.strength * c.relevance DESC, c.updated_at DESC, c.id COLLATE "C" ASC
    LIMIT :row_limit::bigint
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
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
    (SELECT count(*) FROM matches) AS matched
FROM ranked AS r
CROSS JOIN
    LATERAL (
        SELECT
            l.id,
            l.tenant_id,
            l.tier,
            l.content,
            l.importance,
            l.surprise_score,
            l.consolidation_score,
            l.update_count,
            l.success_count,
            l.failure_count,
            l.red_line,
            l.red_line_reason,
            l.metadata,
            l.last_promotion_at,
            l.last_move_at,
            l.last_prewarmed_at,
            l.expires_at,
            l.created_at,
            l.updated_at
        FROM continuum_memory AS l
        WHERE r.place = l.ctid
        OFFSET 0
    ) AS m
ORDER BY r.score DESC, m.updated_at DESC, m.id COLLATE "C" ASC;

-- name: rank_vectors(vector, tiers, tenant_id, min_importance, retrieved_at, row_limit)
-- Rank the entries whose vectors have as many numbers as the given one, of length 1, by the cosine of
-- both, best first.
-- meaning: values of vector [[1.0], [0.6, 0.8], [0.0, 1.0]] because a vector has length 1
-- meaning: values of tiers [["fast", "slow"], ["glacial", "medium", "slow", "fast"]] because tiers are words
-- meaning: similarity within 1e-9 because sums are rounded otherwise
-- result: cross_references json, similarity not null
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
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(d.node_id ORDER BY d.node_id COLLATE "C")
            FROM continuum_references AS d
            WHERE d.memory_id = m.id
        ),
        '[]'::jsonb
    ) AS cross_references,
    m.metadata,
    m.last_promotion_at,
    m.last_move_at,
    m.last_prewarmed_at,
    m.expires_at,
    m.created_at,
    m.updated_at,
    s.similarity
FROM
    continuum_nearest(
        'continuum_vectors'::regclass,
        'continuum_memory'::regclass,
        :vector::double precision[],
        :tiers::text[],
        :tenant_id::text,
        :min_importance::double precision,
        :retrieved_at::timestamptz,
        :row_limit::bigint
    ) AS s
INNER JOIN continuum_memory AS m ON s.memory_id = m.id
WHERE s.similarity IS NOT NULL
-- to nine digits, so that both engines rank alike
ORDER BY
    floor((s.similarity + 2.0::double precision) * 1e9::double precision) DESC,
    m.id COLLATE "C" ASC
LIMIT :row_limit;
