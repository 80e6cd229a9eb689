-- How the older Aragora's continuum memory maps onto today's tables.
--
-- Its rows stand in continuum.db, in continuum_memory.db (of the server) and in memory.db (of handlers,
-- beside the consensus tables), often in two of them at once. The comment lines with a colon are
-- explained in docs/migration.md ("How a mapping is written"). Times are passed on as they are: the
-- migration reads `YYYY-MM-DD HH:MM:SS` as UTC and `YYYY-MM-DDTHH:MM:SS` in the time zone that the
-- operator gives. The table memory_fts holds nothing of its own, and the column semantic_centroid was never
-- written.

-- name: entries(first_rowid, last_rowid)
-- Entries of all versions of the table; consolidated files have no red lines. The tenant was kept in
-- the metadata. The older program did not limit the importance.
-- from: continuum_memory (id, tier, content, created_at, updated_at)
-- optional: importance, surprise_score, consolidation_score, update_count, success_count
-- optional: failure_count, last_promotion_at, metadata, expires_at, red_line, red_line_reason
-- without: tenant_id, strength
-- into: continuum_memory
-- key: id
-- merge: newest updated_at
-- values: tenant_id = nonblank metadata.tenant_id; tier = tier, 'slow'
-- values: content_terms = topic_terms(content); importance = computed
-- values: surprise_score = surprise_score, 0.0; consolidation_score = consolidation_score, 0.0
-- values: update_count = update_count, 1; success_count = success_count, 0
-- values: failure_count = failure_count, 0; red_line = red_line, 0
-- values: red_line_reason = red_line_reason, ''; metadata = metadata, {}
SELECT
    source_rowid,
    id,
    nullif(document ->> '$.tenant_id', '') AS tenant_id,
    CASE WHEN tier IN ('fast', 'medium', 'slow', 'glacial') THEN tier ELSE 'slow' END AS tier,
    content,
    topic_terms(cast(content AS BLOB)) AS content_terms,
    CASE WHEN importance > 1 THEN 1.0 ELSE coalesce(importance, 0.5) END AS importance,
    coalesce(surprise_score, 0.0) AS surprise_score,
    coalesce(consolidation_score, 0.0) AS consolidation_score,
    coalesce(update_count, 1) AS update_count,
    coalesce(success_count, 0) AS success_count,
    coalesce(failure_count, 0) AS failure_count,
    coalesce(red_line, 0) AS red_line,
    coalesce(red_line_reason, '') AS red_line_reason,
    coalesce(nullif(metadata, ''), '{}') AS metadata,
    last_promotion_at,
    expires_at,
    created_at,
    updated_at,
    CASE
        WHEN tier NOT IN ('fast', 'medium', 'slow', 'glacial')
            THEN 'unknown tier ' || quote(tier) || ' taken as slow'
    END AS note_tier,
    CASE WHEN importance > 1 THEN 'importances above 1 taken as 1' END AS note_importance
FROM (
    SELECT
        rowid AS source_rowid,
        id,
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
        CASE WHEN json_valid(metadata) THEN metadata END AS document
    FROM continuum_memory
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS entries;

-- name: transitions(first_rowid, last_rowid)
-- Moves of entries, which may be deleted since.
-- from: tier_transitions (id, memory_id, from_tier, to_tier, created_at)
-- optional: reason, surprise_score
-- without: tenant_id
-- into: tier_transitions
-- key: all
-- order: created_at
-- values: id = computed; reason = reason, ''; surprise_score = surprise_score, 0.0
SELECT
    rowid AS source_rowid,
    memory_id,
    from_tier,
    to_tier,
    coalesce(reason, '') AS reason,
    coalesce(surprise_score, 0.0) AS surprise_score,
    created_at
FROM tier_transitions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: archived_entries(first_rowid, last_rowid)
-- Entries that were deleted and kept. An id may be here of each file, and live again.
-- from: continuum_memory_archive (id, tier, content, created_at, updated_at, archived_at)
-- optional: importance, surprise_score, consolidation_score, update_count, success_count
-- optional: failure_count, archive_reason, metadata
-- without: archive_id
-- into: continuum_memory_archive
-- key: all
-- order: archived_at
-- values: tenant_id = nonblank metadata.tenant_id; importance = importance, 0.5
-- values: surprise_score = surprise_score, 0.0; consolidation_score = consolidation_score, 0.0
-- values: update_count = update_count, 1; success_count = success_count, 0
-- values: failure_count = failure_count, 0; red_line = 0; red_line_reason = ''
-- values: metadata = metadata, {}; archive_reason = archive_reason, ''
SELECT
    source_rowid,
    id,
    nullif(document ->> '$.tenant_id', '') AS tenant_id,
    tier,
    content,
    coalesce(importance, 0.5) AS importance,
    coalesce(surprise_score, 0.0) AS surprise_score,
    coalesce(consolidation_score, 0.0) AS consolidation_score,
    coalesce(update_count, 1) AS update_count,
    coalesce(success_count, 0) AS success_count,
    coalesce(failure_count, 0) AS failure_count,
    0 AS red_line,
    '' AS red_line_reason,
    coalesce(nullif(metadata, ''), '{}') AS metadata,
    created_at,
    updated_at,
    archived_at,
    coalesce(archive_reason, '') AS archive_reason
FROM (
    SELECT
        rowid AS source_rowid,
        id,
        tier,
        content,
        importance,
        surprise_score,
        consolidation_score,
        update_count,
        success_count,
        failure_count,
        metadata,
        created_at,
        updated_at,
        archived_at,
        archive_reason,
        CASE WHEN json_valid(metadata) THEN metadata END AS document
    FROM continuum_memory_archive
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS entries;

-- name: cross_references(first_rowid, last_rowid)
-- Nodes of a knowledge store that entries refer to.
-- from: continuum_memory (id, tier, metadata)
-- unpacks: metadata.cross_references
-- without: tenant_id, strength
-- into: continuum_references
-- key: memory_id, node_id
-- merge: first
-- values: memory_id = id; node_id = item
SELECT
    m.rowid AS source_rowid,
    m.id AS memory_id,
    e.value AS node_id
FROM continuum_memory AS m
INNER JOIN
    json_each(
        CASE WHEN json_valid(m.metadata) THEN m.metadata ELSE '{}' END, '$.cross_references'
    ) AS e
WHERE
    m.rowid BETWEEN :first_rowid AND :last_rowid
    AND NOT (e.key IS NULL AND e.type = 'null');
