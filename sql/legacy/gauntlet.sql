-- How the older Aragora's gauntlets map onto today's tables. Of a run the document in data_json is
-- what counts: its columns were a projection of it, and created_at the time of the last save. Times of
-- what is in flight are local. See docs/migration.md ("How a mapping is written").

-- name: runs(first_rowid, last_rowid)
-- Runs. Members that have no column are kept in `extra`.
-- from: gauntlet_runs (run_id, data_json, created_at, updated_at)
-- optional: template_id, status, started_at, completed_at, triggered_by, workspace_id
-- into: gauntlet_runs
-- key: run_id
-- merge: newest updated_at
-- unix: created_at, updated_at
-- utc: created_at, updated_at, started_at, completed_at
-- values: extra = others(data_json); template_id = data_json.template_id, template_id
-- values: status = data_json.status, status, 'pending'; config_data = data_json.config_data, {}
-- values: result_data = data_json.result_data; org_id = nonblank data_json.org_id
-- values: started_at = present data_json.started_at, started_at
-- values: completed_at = present data_json.completed_at, completed_at
-- values: triggered_by = present data_json.triggered_by, triggered_by
-- values: workspace_id = present data_json.workspace_id, workspace_id; tags = data_json.tags, []
-- values: created_at = data_json.created_at, created_at; updated_at = data_json.updated_at, updated_at
SELECT
    source_rowid,
    run_id,
    -- First, as it says best what is wrong with a document that can't be read.
    coalesce(
        json_remove(
            document,
            '$.run_id', '$.template_id', '$.status', '$.config_data', '$.result_data',
            '$.started_at', '$.completed_at', '$.triggered_by', '$.workspace_id', '$.org_id',
            '$.tags', '$.created_at', '$.updated_at'
        ),
        data_json
    ) AS extra,
    coalesce(document ->> '$.template_id', template_id) AS template_id,
    coalesce(document ->> '$.status', status, 'pending') AS status,
    coalesce(nullif(document -> '$.config_data', 'null'), '{}') AS config_data,
    nullif(document -> '$.result_data', 'null') AS result_data,
    CASE
        WHEN json_type(document, '$.started_at') IS NULL THEN started_at
        ELSE document ->> '$.started_at'
    END AS started_at,
    CASE
        WHEN json_type(document, '$.completed_at') IS NULL THEN completed_at
        ELSE document ->> '$.completed_at'
    END AS completed_at,
    CASE
        WHEN json_type(document, '$.triggered_by') IS NULL THEN triggered_by
        ELSE document ->> '$.triggered_by'
    END AS triggered_by,
    CASE
        WHEN json_type(document, '$.workspace_id') IS NULL THEN workspace_id
        ELSE document ->> '$.workspace_id'
    END AS workspace_id,
    nullif(document ->> '$.org_id', '') AS org_id,
    coalesce(nullif(document -> '$.tags', 'null'), '[]') AS tags,
    coalesce(document ->> '$.created_at', created_at) AS created_at,
    coalesce(document ->> '$.updated_at', updated_at) AS updated_at
FROM (
    SELECT
        rowid AS source_rowid,
        run_id,
        template_id,
        status,
        started_at,
        completed_at,
        triggered_by,
        workspace_id,
        created_at,
        updated_at,
        data_json,
        CASE
            WHEN json_valid(data_json) AND is_sound(cast(data_json AS BLOB)) THEN data_json
        END AS document
    FROM gauntlet_runs
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS runs;

-- name: results(first_rowid, last_rowid)
-- Results. They get the hash of the store; an unknown verdict becomes unknown.
-- from: gauntlet_results (gauntlet_id, input_hash, result_json, verdict, created_at)
-- optional: input_summary, confidence, robustness_score, critical_count, high_count, medium_count
-- optional: low_count, total_findings, agents_used, template_used, duration_seconds, org_id
-- into: gauntlet_results
-- key: gauntlet_id
-- merge: newest created_at
-- utc: created_at
-- values: input_summary = input_summary, ''; result = result_json; verdict = verdict, 'unknown'
-- values: confidence = confidence, 0.5; robustness_score = robustness_score, 0.5
-- values: critical_count = critical_count, 0; high_count = high_count, 0
-- values: medium_count = medium_count, 0; low_count = low_count, 0
-- values: total_findings = total_findings, 0; agents_used = agents_used, []
-- values: duration_seconds = duration_seconds, 0; org_id = nonblank org_id
-- values: content_hash = computed
SELECT
    source_rowid,
    gauntlet_id,
    input_hash,
    input_summary,
    result,
    verdict,
    confidence,
    robustness_score,
    critical_count,
    high_count,
    medium_count,
    low_count,
    total_findings,
    agents_used,
    template_used,
    duration_seconds,
    org_id,
    gauntlet_hash(
        gauntlet_id, input_hash, input_summary, result, verdict, confidence, robustness_score,
        critical_count, high_count, medium_count, low_count, total_findings, agents_used,
        template_used, duration_seconds
    ) AS content_hash,
    created_at,
    note_verdict
FROM (
    SELECT
        rowid AS source_rowid,
        gauntlet_id,
        input_hash,
        coalesce(input_summary, '') AS input_summary,
        result_json AS result,
        CASE
            WHEN
                verdict IN (
                    'pass', 'approved', 'conditional', 'approved_with_conditions', 'needs_review',
                    'fail', 'rejected'
                )
                THEN verdict
            ELSE 'unknown'
        END AS verdict,
        coalesce(confidence, 0.5) AS confidence,
        coalesce(robustness_score, 0.5) AS robustness_score,
        coalesce(critical_count, 0) AS critical_count,
        coalesce(high_count, 0) AS high_count,
        coalesce(medium_count, 0) AS medium_count,
        coalesce(low_count, 0) AS low_count,
        coalesce(total_findings, 0) AS total_findings,
        coalesce(nullif(agents_used, ''), '[]') AS agents_used,
        template_used,
        coalesce(duration_seconds, 0.0) AS duration_seconds,
        nullif(org_id, '') AS org_id,
        created_at,
        CASE
            WHEN
                verdict NOT IN (
                    'pass', 'approved', 'conditional', 'approved_with_conditions', 'needs_review',
                    'fail', 'rejected', 'unknown'
                )
                THEN 'results with a verdict that is not known, which became unknown'
        END AS note_verdict
    FROM gauntlet_results
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS results;

-- name: inflight(first_rowid, last_rowid)
-- What was in flight. What takes it to run again holds the whole input.
-- from: gauntlet_inflight (gauntlet_id, status, created_at, updated_at)
-- optional: input_type, input_summary, input_hash, persona, profile, agents, config_json
-- optional: current_phase, progress_percent, error, org_id
-- into: gauntlet_inflight
-- key: gauntlet_id
-- merge: newest updated_at
-- values: agents = agents, []; config = config_json, {}; progress_percent = progress_percent, 0
-- values: org_id = nonblank org_id
SELECT
    rowid AS source_rowid,
    gauntlet_id,
    status,
    input_type,
    input_summary,
    input_hash,
    persona,
    profile,
    coalesce(nullif(nullif(agents, ''), 'null'), '[]') AS agents,
    coalesce(nullif(nullif(config_json, ''), 'null'), '{}') AS config,
    current_phase,
    coalesce(progress_percent, 0) AS progress_percent,
    error,
    nullif(org_id, '') AS org_id,
    created_at,
    updated_at
FROM gauntlet_inflight
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
