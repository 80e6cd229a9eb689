-- Queries of the archive of debates.

-- name: insert_debate(id, slug, task, agents, artifact_json, consensus_reached, confidence, org_id, search_terms)^
-- Store a debate, linked to the one of the critique store where that has it, unless its id or slug is
-- another one's.
INSERT INTO debate_archive (
    id,
    slug,
    task,
    agents,
    artifact_json,
    consensus_reached,
    confidence,
    org_id,
    critique_debate_id,
    created_at,
    search_terms
)
VALUES (
    coalesce(:id, :slug),
    :slug,
    :task,
    :agents,
    :artifact_json,
    :consensus_reached,
    :confidence,
    :org_id,
    (SELECT b.id FROM debates AS b WHERE b.id = coalesce(:id, :slug)),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    :search_terms
)
ON CONFLICT DO NOTHING
RETURNING
    id,
    slug;

-- name: get_next_slug(slug, id)^
-- Return a slug with the next number behind it, or as it is where none is like it; and whether there
-- is a debate of the id (NULL: of that slug). Where the slug is to be the id too, ids count as slugs.
-- result: is_stored boolean not null, slug not null
SELECT
    n.slug,
    exists(
        SELECT 1 FROM debate_archive AS x WHERE x.id = coalesce(:id, n.slug)
    ) AS is_stored
FROM (
    SELECT
        coalesce(
            :slug || '-' || cast(
                max(
                    CASE
                        WHEN a.name = :slug THEN 1
                        WHEN
                            substr(a.name, length(:slug) + 1) GLOB '-[0-9]*'
                            AND substr(a.name, length(:slug) + 2) NOT GLOB '*[^0-9]*'
                            AND length(a.name) < length(:slug) + 11
                            THEN cast(substr(a.name, length(:slug) + 2) AS INTEGER)
                    END
                ) + 1 AS TEXT
            ), :slug
        ) AS slug
    FROM (
        SELECT s.slug AS name
        FROM debate_archive AS s
        WHERE s.slug >= :slug AND s.slug < :slug || '.'
        UNION ALL
        SELECT i.id AS name
        FROM debate_archive AS i
        WHERE :id IS NULL AND i.id >= :slug AND i.id < :slug || '.'
    ) AS a
) AS n;

-- name: view_debate(slug, org_id)^
-- Count that a debate was read by its slug, and return it, of one organization or of any.
UPDATE debate_archive
SET view_count = view_count + 1
WHERE
    slug = :slug
    AND (:org_id IS NULL OR org_id = :org_id)
RETURNING
    -- columns: ArchivedDebate
    id,
    slug,
    task,
    agents,
    artifact_json,
    consensus_reached,
    confidence,
    view_count,
    audio_path,
    audio_generated_at,
    audio_duration_seconds,
    org_id,
    is_public,
    critique_debate_id,
    created_at;

-- name: get_debate(debate_id, org_id)^
-- Return a debate, of one organization or of any.
SELECT
    -- columns: ArchivedDebate
    d.id,
    d.slug,
    d.task,
    d.agents,
    d.artifact_json,
    d.consensus_reached,
    d.confidence,
    d.view_count,
    d.audio_path,
    d.audio_generated_at,
    d.audio_duration_seconds,
    d.org_id,
    d.is_public,
    d.critique_debate_id,
    d.created_at
FROM debate_archive AS d
WHERE
    d.id = :debate_id
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: list_batch(debate_ids, org_id)
-- Return the debates of some ids, of one organization or of any, in no order.
SELECT
    -- columns: ArchivedDebate
    d.id,
    d.slug,
    d.task,
    d.agents,
    d.artifact_json,
    d.consensus_reached,
    d.confidence,
    d.view_count,
    d.audio_path,
    d.audio_generated_at,
    d.audio_duration_seconds,
    d.org_id,
    d.is_public,
    d.critique_debate_id,
    d.created_at
FROM debate_archive AS d
WHERE
    d.id IN (SELECT value FROM json_each(:debate_ids))
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: list_debates(after_timestamp, after_id, row_limit)
-- List debates without their artifacts, newest first, from a place on.
SELECT
    -- columns: DebateSummary
    d.id,
    d.slug,
    d.task,
    d.agents,
    d.consensus_reached,
    d.confidence,
    d.view_count,
    d.org_id,
    d.is_public,
    d.created_at
FROM debate_archive AS d
WHERE (d.created_at, d.id) < (:after_timestamp, :after_id)
ORDER BY d.created_at DESC, d.id DESC
LIMIT :row_limit;

-- name: list_org_debates(org_id, after_timestamp, after_id, row_limit)
-- List the debates of an organization without their artifacts, newest first, from a place on.
SELECT
    -- columns: DebateSummary
    d.id,
    d.slug,
    d.task,
    d.agents,
    d.consensus_reached,
    d.confidence,
    d.view_count,
    d.org_id,
    d.is_public,
    d.created_at
FROM debate_archive AS d
WHERE
    d.org_id = :org_id
    AND (d.created_at, d.id) < (:after_timestamp, :after_id)
ORDER BY d.created_at DESC, d.id DESC
LIMIT :row_limit;

-- name: find_debates(expression, org_id, after_timestamp, after_id, row_limit)
-- List the debates that a search finds without their artifacts, newest first, from a place on, of one
-- organization or of all.
-- meaning: values of expression ["alpha", "(beta&gamma)", "(alpha&beta)"] because the store writes it so
SELECT
    -- columns: DebateSummary
    d.id,
    d.slug,
    d.task,
    d.agents,
    d.consensus_reached,
    d.confidence,
    d.view_count,
    d.org_id,
    d.is_public,
    d.created_at
FROM debate_archive_search AS f
CROSS JOIN debate_archive AS d ON f.rowid = d.row_id
WHERE
    f.debate_archive_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
    AND (d.created_at, d.id) < (:after_timestamp, :after_id)
    AND (:org_id IS NULL OR d.org_id = :org_id)
ORDER BY d.created_at DESC, d.id DESC
LIMIT :row_limit;

-- name: count_found_debates(expression, org_id)$
-- Count the debates that a search finds, of one organization or of all.
-- meaning: values of expression ["alpha", "(beta&gamma)", "(alpha&beta)"] because the store writes it so
SELECT count(*) AS total
FROM debate_archive_search AS f
CROSS JOIN debate_archive AS d ON f.rowid = d.row_id
WHERE
    f.debate_archive_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: count_debates(org_id)$
-- Count debates, of one organization or of all.
-- plan: seq_scan allowed because all debates are counted
SELECT count(*) AS total
FROM debate_archive AS d
WHERE :org_id IS NULL OR d.org_id = :org_id;

-- name: delete_by_slug(slug, org_id)!
-- Delete the debate of a slug, of one organization or of any.
DELETE FROM debate_archive
WHERE
    slug = :slug
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: find_debate(key, org_id)$
-- Return the id of a debate by its id, or by its slug where no debate has that id; of one organization
-- or of any.
SELECT d.id
FROM debate_archive AS d
WHERE
    d.id = coalesce(
        (
            SELECT i.id
            FROM debate_archive AS i
            WHERE i.id = :key AND (:org_id IS NULL OR i.org_id = :org_id)
        ),
        (
            SELECT s.id
            FROM debate_archive AS s
            WHERE s.slug = :key AND (:org_id IS NULL OR s.org_id = :org_id)
        )
    );

-- name: lock_critiques(debate_id)$
-- Hold a debate of the critique store until it is deleted, and return its id.
SELECT b.id
FROM debates AS b
WHERE b.id = :debate_id;

-- name: delete_debate(debate_id, org_id)!
-- Delete a debate, of one organization or of any.
DELETE FROM debate_archive
WHERE
    id = :debate_id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: delete_critiques(debate_id)!
-- Delete a debate of the critique store with its critiques.
DELETE FROM debates
WHERE id = :debate_id;

-- name: set_audio(debate_id, audio_path, audio_duration_seconds, org_id)!
-- Say where the audio of a debate is, of one organization or of any.
UPDATE debate_archive
SET
    audio_path = :audio_path,
    audio_generated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    audio_duration_seconds = :audio_duration_seconds
WHERE
    id = :debate_id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: get_audio(debate_id, org_id)^
-- Return where the audio of a debate is, of one that has some, of one organization or of any.
-- result: audio_path not null
SELECT
    d.audio_path,
    d.audio_generated_at,
    d.audio_duration_seconds
FROM debate_archive AS d
WHERE
    d.id = :debate_id
    AND d.audio_path IS NOT NULL
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: get_visibility(debate_id, org_id)$
-- Return whether everybody may read a debate, of one organization or of any.
SELECT d.is_public
FROM debate_archive AS d
WHERE
    d.id = :debate_id
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: set_visibility(debate_id, is_public, org_id)!
-- Set whether everybody may read a debate, of one organization or of any.
UPDATE debate_archive
SET is_public = :is_public
WHERE
    id = :debate_id
    AND (:org_id IS NULL OR org_id = :org_id);

-- name: link_debates(row_limit)!
-- Link some debates to those of the critique store that were stored later. One that is being deleted is
-- left out; the others can't be, until they are linked.
UPDATE debate_archive
SET critique_debate_id = id
WHERE id IN (
    SELECT x.id
    FROM debate_archive AS x
    INNER JOIN debates AS b ON x.id = b.id
    WHERE x.critique_debate_id IS NULL
    ORDER BY x.id
    LIMIT :row_limit
);
