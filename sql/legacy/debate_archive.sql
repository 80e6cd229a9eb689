-- How the older Aragora's archives of debates map onto today's table. It kept two, and each program
-- read one of them. See docs/migration.md ("How a mapping is written").

-- name: debates(first_rowid, last_rowid)
-- Debates with their artifacts. The critique store's table of this name has other columns.
-- from: debates (id, slug, task, agents, artifact_json, created_at)
-- optional: consensus_reached, confidence, view_count, audio_path, audio_generated_at
-- optional: audio_duration_seconds, org_id, is_public
-- into: debate_archive
-- key: id
-- cut: critique_debate_id
-- merge: newest created_at; suffix slug
-- values: agents = agents, []; consensus_reached = consensus_reached, 0; confidence = confidence, 0
-- values: view_count = view_count, 0; org_id = nonblank org_id; is_public = is_public, 0
-- values: critique_debate_id = computed; search_terms = computed
SELECT
    rowid AS source_rowid,
    id,
    slug,
    task,
    coalesce(nullif(agents, ''), '[]') AS agents,
    artifact_json,
    coalesce(consensus_reached, 0) AS consensus_reached,
    coalesce(confidence, 0) AS confidence,
    coalesce(view_count, 0) AS view_count,
    audio_path,
    audio_generated_at,
    audio_duration_seconds,
    nullif(org_id, '') AS org_id,
    coalesce(is_public, 0) AS is_public,
    id AS critique_debate_id,
    created_at,
    coalesce(topic_terms(cast(task || ' ' || slug AS BLOB)), '') AS search_terms
FROM debates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
