-- Queries of the store of results of decisions.

-- name: save_result(request_id, debate_id, org_id, workspace_id, status, result, error, extra, created_at, completed_at, retention_seconds, search_terms)$
-- Store a result, or replace the one of its request, unless that is another organization's or
-- none's, and return the number of the version. When the request was made, and its organization, stay,
-- and its debate and workspace unless they were not known.
-- meaning: decision_results.expires_at within 0.001 because the clock of SQLite has milliseconds
INSERT INTO decision_results (
    request_id,
    debate_id,
    org_id,
    workspace_id,
    status,
    result,
    error,
    extra,
    created_at,
    completed_at,
    expires_at,
    search_terms
)
VALUES (
    :request_id,
    :debate_id,
    :org_id,
    :workspace_id,
    :status,
    :result,
    :error,
    :extra,
    coalesce(:created_at, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    :completed_at,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :retention_seconds)),
    :search_terms
)
ON CONFLICT (request_id) DO UPDATE SET
    debate_id = coalesce(decision_results.debate_id, excluded.debate_id),
    workspace_id = coalesce(decision_results.workspace_id, excluded.workspace_id),
    status = excluded.status,
    result = excluded.result,
    error = excluded.error,
    extra = excluded.extra,
    version = decision_results.version + 1,
    completed_at = excluded.completed_at,
    expires_at = excluded.expires_at,
    search_terms = excluded.search_terms
WHERE
excluded.org_id IS NULL
OR decision_results.org_id = excluded.org_id
RETURNING version;

-- name: insert_version(request_id)!
-- Keep what a result is now as a version.
INSERT INTO decision_versions (
    request_id,
    version,
    status,
    result,
    error,
    extra,
    completed_at,
    saved_at
)
SELECT
    d.request_id,
    d.version,
    d.status,
    d.result,
    d.error,
    d.extra,
    d.completed_at,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS saved_at
FROM decision_results AS d
WHERE d.request_id = :request_id;

-- name: trim_results(max_entries, row_limit)!
-- Delete some of the results that are more than so many, those of the oldest requests first.
DELETE FROM decision_results
WHERE request_id IN (
    SELECT d.request_id
    FROM decision_results AS d
    WHERE
        (d.created_at, d.request_id) <= (
            SELECT
                x.created_at,
                x.request_id
            FROM decision_results AS x
            ORDER BY x.created_at DESC, x.request_id DESC
            LIMIT
                1
                OFFSET :max_entries
        )
    ORDER BY d.created_at, d.request_id
    LIMIT :row_limit
);

-- name: get_result(request_id, org_id)^
-- Return a result that has not expired, of one organization or of any.
SELECT
    -- columns: DecisionResult
    d.request_id,
    d.debate_id,
    d.org_id,
    d.workspace_id,
    d.status,
    d.result,
    d.error,
    d.extra,
    d.version,
    d.created_at,
    d.completed_at,
    d.expires_at
FROM decision_results AS d
WHERE
    d.request_id = :request_id
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: get_status(request_id, org_id)^
-- Return how a request stands whose result has not expired, of one organization or of any.
SELECT
    -- columns: DecisionStatus
    d.request_id,
    d.status,
    d.completed_at,
    d.created_at
FROM decision_results AS d
WHERE
    d.request_id = :request_id
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:org_id IS NULL OR d.org_id = :org_id);

-- name: list_statuses(after_timestamp, after_id, row_limit)
-- List how requests stand whose results have not expired, newest first, from a place on.
-- plan: filtered_walk allowed because what has expired is deleted
SELECT
    -- columns: DecisionStatus
    d.request_id,
    d.status,
    d.completed_at,
    d.created_at
FROM decision_results AS d
WHERE
    (d.created_at, d.request_id) < (:after_timestamp, :after_id)
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
ORDER BY d.created_at DESC, d.request_id DESC
LIMIT :row_limit;

-- name: list_org_statuses(org_id, workspace_id, after_timestamp, after_id, row_limit)
-- List how requests of an organization stand whose results have not expired, newest first, from a
-- place on, of one workspace or of all.
SELECT
    -- columns: DecisionStatus
    d.request_id,
    d.status,
    d.completed_at,
    d.created_at
FROM decision_results AS d
WHERE
    d.org_id = :org_id
    AND (d.created_at, d.request_id) < (:after_timestamp, :after_id)
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:workspace_id IS NULL OR d.workspace_id = :workspace_id)
ORDER BY d.created_at DESC, d.request_id DESC
LIMIT :row_limit;

-- name: list_statuses_in(status, org_id, after_timestamp, after_id, row_limit)
-- List requests in a status whose results have not expired, newest first, from a place on, of one
-- organization or of all.
SELECT
    -- columns: DecisionStatus
    d.request_id,
    d.status,
    d.completed_at,
    d.created_at
FROM decision_results AS d
WHERE
    d.status = :status
    AND (d.created_at, d.request_id) < (:after_timestamp, :after_id)
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:org_id IS NULL OR d.org_id = :org_id)
ORDER BY d.created_at DESC, d.request_id DESC
LIMIT :row_limit;

-- name: list_debate_results(debate_id, org_id, after_timestamp, after_id, row_limit)
-- List the results of a debate that have not expired, newest first, from a place on, of one
-- organization or of all.
SELECT
    -- columns: DecisionResult
    d.request_id,
    d.debate_id,
    d.org_id,
    d.workspace_id,
    d.status,
    d.result,
    d.error,
    d.extra,
    d.version,
    d.created_at,
    d.completed_at,
    d.expires_at
FROM decision_results AS d
WHERE
    d.debate_id = :debate_id
    AND (d.created_at, d.request_id) < (:after_timestamp, :after_id)
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:org_id IS NULL OR d.org_id = :org_id)
ORDER BY d.created_at DESC, d.request_id DESC
LIMIT :row_limit;

-- name: search_results(expression, terms, org_id, workspace_id, most, row_limit)
-- Find results that have not expired, those with most of the terms first, of these the newest; of
-- one organization and workspace or of all. Where more than :most match, the newest are looked at.
-- meaning: values of expression ["(alpha|beta)", "alpha", "(beta&gamma)", "(alpha&beta)", "(delta|gamma)"] because the store writes it so
-- meaning: values of terms [["alpha", "beta"], ["alpha"], ["beta", "gamma"], ["delta", "gamma"]] because the expression is made of them
-- meaning: values of most [2, 1000] because the store looks at a fixed number
-- result: matched not null
WITH matches AS MATERIALIZED (
    SELECT
        m.row_id,
        m.request_id,
        m.created_at,
        ' ' || m.search_terms || ' ' AS padded
    FROM decision_search AS f
    CROSS JOIN decision_results AS m ON f.rowid = m.row_id
    WHERE
        f.decision_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
        AND m.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        AND (:org_id IS NULL OR m.org_id = :org_id)
        AND (:workspace_id IS NULL OR m.workspace_id = :workspace_id)
    ORDER BY m.created_at DESC, m.request_id DESC
    LIMIT :most
),

ranked AS (
    SELECT
        k.row_id,
        k.request_id,
        k.created_at,
        (
            SELECT count(*)
            FROM json_each(:terms) AS q
            WHERE instr(k.padded, ' ' || q.value || ' ') > 0
        ) AS matched
    FROM matches AS k
    ORDER BY matched DESC, k.created_at DESC, k.request_id DESC
    LIMIT :row_limit
)

SELECT
    -- columns: FoundDecision
    d.request_id,
    d.debate_id,
    d.org_id,
    d.workspace_id,
    d.status,
    d.result,
    d.error,
    d.extra,
    d.version,
    d.created_at,
    d.completed_at,
    d.expires_at,
    r.matched
FROM ranked AS r
INNER JOIN decision_results AS d ON r.row_id = d.row_id
ORDER BY r.matched DESC, d.created_at DESC, d.request_id DESC;

-- name: count_results()$
-- Count the results that have not expired.
SELECT count(*) AS total
FROM decision_results AS d
WHERE d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: count_org_results(org_id)$
-- Count the results of an organization that have not expired.
SELECT count(*) AS total
FROM decision_results AS d
WHERE
    d.org_id = :org_id
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: get_statistics()^
-- Count results, those that have expired and are not deleted yet, and versions.
-- plan: seq_scan allowed because statistics of all results look at all results
-- result: versions not null, expired not null, oldest_at timestamp, newest_at timestamp
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE x.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) AS expired,
    (SELECT count(*) FROM decision_versions) AS versions,
    min(x.created_at) AS oldest_at,
    max(x.created_at) AS newest_at
FROM decision_results AS x;

-- name: delete_result(request_id)!
-- Delete a result with its versions.
DELETE FROM decision_results
WHERE request_id = :request_id;

-- name: delete_expired_results(row_limit)!
-- Delete some of the results that have expired, with their versions.
DELETE FROM decision_results
WHERE request_id IN (
    SELECT x.request_id
    FROM decision_results AS x
    WHERE x.expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ORDER BY x.expires_at, x.request_id
    LIMIT :row_limit
);

-- name: list_versions(request_id, org_id, after_version, row_limit)
-- List the versions of a result that has not expired, newest first, below a number, of one
-- organization or of any.
SELECT
    -- columns: DecisionVersion
    v.request_id,
    v.version,
    v.status,
    v.result,
    v.error,
    v.extra,
    v.completed_at,
    v.saved_at
FROM decision_versions AS v
INNER JOIN decision_results AS d ON v.request_id = d.request_id
WHERE
    v.request_id = :request_id
    AND v.version < :after_version
    AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (:org_id IS NULL OR d.org_id = :org_id)
ORDER BY v.version DESC
LIMIT :row_limit;

-- name: get_dossier(debate_id, org_id, after_timestamp, after_kind, after_id, row_limit)
-- Return what is stored of a debate: itself, its critiques and checkpoints, the consensus that it led
-- to, and the results that have not expired of one organization or of any; the oldest first, from a
-- place on.
-- parity: origin of id because the number of a critique is text here
-- result: kind not null, id not null, created_at timestamp not null, details json
SELECT
    -- columns: DossierEntry
    e.kind,
    e.id,
    e.created_at,
    e.title,
    e.content,
    e.confidence,
    e.details
FROM (
    SELECT
        'debate' AS kind,
        b.id,
        b.created_at,
        b.task AS title,
        b.final_answer AS content,
        b.confidence,
        b.grounded_verdict AS details
    FROM debates AS b
    WHERE b.id = :debate_id
    UNION ALL
    SELECT
        'critique' AS kind,
        cast(q.id AS TEXT) AS id,
        q.created_at,
        q.agent AS title,
        q.reasoning AS content,
        NULL AS confidence,
        q.issues AS details
    FROM critiques AS q
    WHERE q.debate_id = :debate_id
    UNION ALL
    SELECT
        'checkpoint' AS kind,
        p.checkpoint_id AS id,
        p.created_at,
        p.phase AS title,
        p.status AS content,
        NULL AS confidence,
        NULL AS details
    FROM debate_checkpoints AS p
    WHERE p.debate_id = :debate_id
    UNION ALL
    SELECT
        'consensus' AS kind,
        c.id,
        c.created_at,
        c.topic AS title,
        c.conclusion AS content,
        c.confidence,
        c.key_claims AS details
    FROM consensus AS c
    WHERE c.debate_id = :debate_id
    UNION ALL
    SELECT
        'decision' AS kind,
        d.request_id AS id,
        d.created_at,
        d.status AS title,
        d.error AS content,
        NULL AS confidence,
        d.result AS details
    FROM decision_results AS d
    WHERE
        d.debate_id = :debate_id
        AND d.expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        AND (:org_id IS NULL OR d.org_id = :org_id)
) AS e
WHERE
    (e.created_at, e.kind, e.id)
    > (:after_timestamp, :after_kind, :after_id)
ORDER BY e.created_at, e.kind, e.id
LIMIT :row_limit;
