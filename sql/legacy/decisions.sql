-- How the older Aragora's results of decisions map onto today's tables. A result became one version.
-- See docs/migration.md ("How a mapping is written").

-- name: decision_results(first_rowid, last_rowid)
-- Results. The debate is the one that the result names.
-- from: decision_results (request_id, status, created_at, expires_at)
-- optional: result_json, completed_at, error
-- into: decision_results
-- key: request_id
-- merge: newest created_at
-- merge: keep completed_at, result, debate_id, status, error, expires_at, search_terms by created_at
-- unix: created_at, expires_at
-- values: result = result_json, {}; debate_id = computed; search_terms = computed
-- values: status = nonblank status, 'unknown'
SELECT
    source_rowid,
    request_id,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(document, result_json) AS result,
    CASE
        WHEN json_type(document, '$.debate_id') = 'text'
            THEN nullif(document ->> '$.debate_id', '')
    END AS debate_id,
    coalesce(nullif(status, ''), 'unknown') AS status,
    created_at,
    completed_at,
    error,
    expires_at,
    coalesce(result_terms(cast(document AS BLOB), cast(error AS BLOB)), '') AS search_terms
FROM (
    SELECT
        rowid AS source_rowid,
        request_id,
        status,
        result_json,
        created_at,
        nullif(completed_at, '') AS completed_at,
        error,
        expires_at,
        CASE
            WHEN coalesce(nullif(result_json, ''), 'null') = 'null' THEN '{}'
            WHEN json_valid(result_json) AND is_sound(cast(result_json AS BLOB)) THEN result_json
        END AS document
    FROM decision_results
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS results;

-- name: decision_versions(first_rowid, last_rowid)
-- The one version of each result. When it was saved was not kept: the result was made then, or later.
-- from: decision_results (request_id, status, created_at, expires_at)
-- optional: result_json, completed_at, error
-- into: decision_versions
-- key: request_id, version
-- merge: newest saved_at
-- merge: keep completed_at, result, status, error by saved_at
-- unix: saved_at
-- values: result = result_json, {}; version = 1; extra = {}; saved_at = created_at
-- values: status = nonblank status, 'unknown'
SELECT
    source_rowid,
    request_id,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(document, result_json) AS result,
    1 AS version,
    coalesce(nullif(status, ''), 'unknown') AS status,
    error,
    '{}' AS extra,
    completed_at,
    created_at AS saved_at
FROM (
    SELECT
        rowid AS source_rowid,
        request_id,
        status,
        result_json,
        created_at,
        nullif(completed_at, '') AS completed_at,
        error,
        CASE
            WHEN coalesce(nullif(result_json, ''), 'null') = 'null' THEN '{}'
            WHEN json_valid(result_json) AND is_sound(cast(result_json AS BLOB)) THEN result_json
        END AS document
    FROM decision_results
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS results;
