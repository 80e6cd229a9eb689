-- Queries of the store of gauntlets: runs and their cases, results, what is in flight.

-- name: save_run(run_id, template_id, status, config_data, result_data, started_at, completed_at, triggered_by, workspace_id, org_id, tags, extra, created_at)!
-- Store a run, or replace one, unless it has ended otherwise, or an organization stores one that is not
-- its own. When it was made, and whose it is, stays, and when it started and ended unless others are
-- given.
INSERT INTO gauntlet_runs (
    run_id,
    template_id,
    status,
    config_data,
    result_data,
    started_at,
    completed_at,
    triggered_by,
    workspace_id,
    org_id,
    tags,
    extra,
    created_at,
    updated_at
)
VALUES (
    :run_id,
    :template_id,
    :status,
    :config_data::jsonb,
    :result_data::jsonb,
    :started_at,
    :completed_at,
    :triggered_by,
    :workspace_id,
    :org_id,
    :tags::jsonb,
    :extra::jsonb,
    coalesce(:created_at::timestamptz, statement_timestamp()),
    statement_timestamp()
)
ON CONFLICT (run_id) DO UPDATE
    SET
        template_id = excluded.template_id,
        status = excluded.status,
        config_data = excluded.config_data,
        result_data = excluded.result_data,
        started_at = coalesce(excluded.started_at, gauntlet_runs.started_at),
        completed_at = coalesce(excluded.completed_at, gauntlet_runs.completed_at),
        triggered_by = coalesce(excluded.triggered_by, gauntlet_runs.triggered_by),
        workspace_id = coalesce(excluded.workspace_id, gauntlet_runs.workspace_id),
        tags = excluded.tags,
        extra = excluded.extra,
        updated_at = excluded.updated_at
    WHERE
    (gauntlet_runs.status IN ('pending', 'running') OR gauntlet_runs.status = excluded.status)
    AND (
        excluded.org_id IS NULL
        OR gauntlet_runs.org_id = excluded.org_id
    );

-- name: update_run_status(run_id, status, result_data)!
-- Let a run that has not ended go to a status: it starts once, and ends once.
UPDATE gauntlet_runs
SET
    status = :status,
    result_data = coalesce(:result_data::jsonb, result_data),
    started_at = CASE
        WHEN :status::text = 'running'
            THEN coalesce(started_at, statement_timestamp())
        ELSE started_at
    END,
    completed_at = CASE
        WHEN :status::text IN ('completed', 'failed', 'cancelled')
            THEN statement_timestamp()
    END,
    updated_at = statement_timestamp()
WHERE
    run_id = :run_id
    AND status IN ('pending', 'running');

-- name: get_run(run_id)^
-- Return one run.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE r.run_id = :run_id;

-- name: run_exists(run_id)$
-- Tell whether there is a run.
-- result: present not null
SELECT
    exists(
        SELECT 1
        FROM gauntlet_runs AS r
        WHERE r.run_id = :run_id
    ) AS present;

-- name: delete_run(run_id)!
-- Delete a run with its cases.
DELETE FROM gauntlet_runs
WHERE run_id = :run_id;

-- name: count_runs()$
-- Count all runs.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM gauntlet_runs;

-- name: list_runs(after_timestamp, after_id, row_limit)
-- List runs, newest first, from a place on.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_runs_in_status(status, after_timestamp, after_id, row_limit)
-- List runs in a status, newest first, from a place on.
-- plan: filtered_walk allowed because where most runs are in a status, those are met at once
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
    AND r.status = :status
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_runs_of_template(template_id, after_timestamp, after_id, row_limit)
-- List runs by a template, newest first, from a place on.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
    AND r.template_id = :template_id
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_runs_of_workspace(workspace_id, after_timestamp, after_id, row_limit)
-- List runs of a workspace, newest first, from a place on.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
    AND r.workspace_id = :workspace_id
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_runs_of_org(org_id, after_timestamp, after_id, row_limit)
-- List runs of an organization, newest first, from a place on.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
    AND r.org_id = :org_id
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_active_runs(after_timestamp, after_id, row_limit)
-- List runs that have not ended, newest first, from a place on.
SELECT
    -- columns: GauntletRun
    r.run_id,
    r.template_id,
    r.status,
    r.config_data,
    r.result_data,
    r.started_at,
    r.completed_at,
    r.triggered_by,
    r.workspace_id,
    r.org_id,
    r.tags,
    r.extra,
    r.created_at,
    r.updated_at
FROM gauntlet_runs AS r
WHERE
    (r.created_at, r.run_id) < (:after_timestamp, :after_id::text)
    AND r.status IN ('pending', 'running')
ORDER BY r.created_at DESC, r.run_id DESC
LIMIT :row_limit;

-- name: list_queue(row_limit)
-- List the runs that have not ended, those that run first, then the oldest, each with its place among
-- those of its status and the counts of all.
-- result: position_in_status not null, pending_count not null, running_count not null
SELECT
    r.run_id,
    r.template_id,
    r.status,
    r.created_at,
    row_number() OVER (
        PARTITION BY r.status
        ORDER BY r.created_at, r.run_id
    ) AS position_in_status,
    count(*) FILTER (WHERE r.status = 'pending') OVER () AS pending_count,
    count(*) FILTER (WHERE r.status = 'running') OVER () AS running_count
FROM gauntlet_runs AS r
WHERE r.status IN ('pending', 'running')
ORDER BY r.status COLLATE "C" DESC, r.created_at ASC, r.run_id ASC
LIMIT :row_limit;

-- name: save_case(run_id, case_id, name, input, expected_output)!
-- Store a case of a run, or replace one that has not ended.
INSERT INTO gauntlet_cases (
    run_id,
    case_id,
    name,
    input,
    expected_output,
    created_at
)
VALUES (
    :run_id,
    :case_id,
    :name,
    :input,
    :expected_output,
    statement_timestamp()
)
ON CONFLICT (run_id, case_id) DO UPDATE
    SET
        name = excluded.name,
        input = excluded.input,
        expected_output = excluded.expected_output
    WHERE
    gauntlet_cases.status IN ('pending', 'running');

-- name: start_case(run_id, case_id)!
-- Let a case that waits run.
UPDATE gauntlet_cases
SET status = 'running'
WHERE
    run_id = :run_id
    AND case_id = :case_id
    AND status = 'pending';

-- name: finish_case(run_id, case_id, status, actual_output, score, duration_ms)!
-- End a case that has not ended.
UPDATE gauntlet_cases
SET
    status = :status,
    actual_output = :actual_output,
    score = :score,
    duration_ms = :duration_ms,
    finished_at = statement_timestamp()
WHERE
    run_id = :run_id
    AND case_id = :case_id
    AND status IN ('pending', 'running');

-- name: list_cases(run_id, after_id, row_limit)
-- List the cases of a run in the order of their identifiers, from a place on.
SELECT
    -- columns: GauntletCase
    c.run_id,
    c.case_id,
    c.name,
    c.input,
    c.expected_output,
    c.actual_output,
    c.status,
    c.score,
    c.duration_ms,
    c.created_at,
    c.finished_at
FROM gauntlet_cases AS c
WHERE
    c.run_id = :run_id
    AND c.case_id > :after_id::text
ORDER BY c.case_id
LIMIT :row_limit;

-- name: count_cases(run_id)
-- Count the cases of a run by status, with their mean score.
-- meaning: mean_score within 1e-9 because the engines add floats in an order of their own
-- result: total not null
SELECT
    c.status,
    count(*) AS total,
    avg(c.score) AS mean_score
FROM gauntlet_cases AS c
WHERE c.run_id = :run_id
GROUP BY c.status
ORDER BY c.status COLLATE "C";

-- name: save_result(gauntlet_id, input_hash, input_summary, result, verdict, confidence, robustness_score, critical_count, high_count, medium_count, low_count, total_findings, agents_used, template_used, duration_seconds, org_id, content_hash, created_at)!
-- Store a result, or replace one, unless an organization stores one that is not its own. When it was
-- made, and whose it is, stays.
INSERT INTO gauntlet_results (
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
    content_hash,
    created_at
)
VALUES (
    :gauntlet_id,
    :input_hash,
    :input_summary,
    :result::jsonb,
    :verdict,
    :confidence,
    :robustness_score,
    :critical_count,
    :high_count,
    :medium_count,
    :low_count,
    :total_findings,
    :agents_used::jsonb,
    :template_used,
    :duration_seconds,
    :org_id,
    :content_hash,
    coalesce(:created_at::timestamptz, statement_timestamp())
)
ON CONFLICT (gauntlet_id) DO UPDATE
    SET
        input_hash = excluded.input_hash,
        input_summary = excluded.input_summary,
        result = excluded.result,
        verdict = excluded.verdict,
        confidence = excluded.confidence,
        robustness_score = excluded.robustness_score,
        critical_count = excluded.critical_count,
        high_count = excluded.high_count,
        medium_count = excluded.medium_count,
        low_count = excluded.low_count,
        total_findings = excluded.total_findings,
        agents_used = excluded.agents_used,
        template_used = excluded.template_used,
        duration_seconds = excluded.duration_seconds,
        content_hash = excluded.content_hash
    WHERE
    excluded.org_id IS NULL
    OR gauntlet_results.org_id = excluded.org_id;

-- name: get_result(gauntlet_id, org_id)^
-- Return a result, of one organization or of any.
SELECT
    -- columns: GauntletResult
    g.gauntlet_id,
    g.input_hash,
    g.input_summary,
    g.result,
    g.verdict,
    g.confidence,
    g.robustness_score,
    g.critical_count,
    g.high_count,
    g.medium_count,
    g.low_count,
    g.total_findings,
    g.agents_used,
    g.template_used,
    g.duration_seconds,
    g.org_id,
    g.content_hash,
    g.created_at
FROM gauntlet_results AS g
WHERE
    g.gauntlet_id = :gauntlet_id
    AND (:org_id::text IS NULL OR g.org_id = :org_id);

-- name: delete_result(gauntlet_id, org_id)!
-- Delete a result, of one organization or of any.
DELETE FROM gauntlet_results
WHERE
    gauntlet_id = :gauntlet_id
    AND (:org_id::text IS NULL OR org_id = :org_id);

-- name: count_results(org_id, verdict)$
-- Count results, of one organization or of all, with one verdict or with any.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM gauntlet_results AS g
WHERE
    (:org_id::text IS NULL OR g.org_id = :org_id)
    AND (:verdict::text IS NULL OR g.verdict = :verdict);

-- name: list_results(severity, after_timestamp, after_id, row_limit)
-- List results, newest first, from a place on, with findings of a severity (1 critical to 4 low)
-- or a worse one, or (0) all.
-- plan: filtered_walk allowed because severities are few, and results of each
SELECT
    -- columns: GauntletSummary
    g.gauntlet_id,
    g.input_hash,
    g.input_summary,
    g.verdict,
    g.confidence,
    g.robustness_score,
    g.critical_count,
    g.high_count,
    g.medium_count,
    g.low_count,
    g.total_findings,
    g.agents_used,
    g.template_used,
    g.duration_seconds,
    g.org_id,
    g.created_at
FROM gauntlet_results AS g
WHERE
    (g.created_at, g.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND (
        :severity::integer = 0
        OR g.critical_count > 0
        OR (:severity::integer >= 2 AND g.high_count > 0)
        OR (:severity::integer >= 3 AND g.medium_count > 0)
        OR (:severity::integer >= 4 AND g.low_count > 0)
    )
ORDER BY g.created_at DESC, g.gauntlet_id DESC
LIMIT :row_limit;

-- name: list_verdict_results(verdict, severity, after_timestamp, after_id, row_limit)
-- List results with a verdict, newest first, from a place on, with findings of a severity or a
-- worse one, or all.
SELECT
    -- columns: GauntletSummary
    g.gauntlet_id,
    g.input_hash,
    g.input_summary,
    g.verdict,
    g.confidence,
    g.robustness_score,
    g.critical_count,
    g.high_count,
    g.medium_count,
    g.low_count,
    g.total_findings,
    g.agents_used,
    g.template_used,
    g.duration_seconds,
    g.org_id,
    g.created_at
FROM gauntlet_results AS g
WHERE
    (g.created_at, g.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND g.verdict = :verdict
    AND (
        :severity::integer = 0
        OR g.critical_count > 0
        OR (:severity::integer >= 2 AND g.high_count > 0)
        OR (:severity::integer >= 3 AND g.medium_count > 0)
        OR (:severity::integer >= 4 AND g.low_count > 0)
    )
ORDER BY g.created_at DESC, g.gauntlet_id DESC
LIMIT :row_limit;

-- name: list_org_results(org_id, verdict, severity, after_timestamp, after_id, row_limit)
-- List results of an organization, newest first, from a place on, with one verdict or with any, and
-- findings of a severity or a worse one, or all.
SELECT
    -- columns: GauntletSummary
    g.gauntlet_id,
    g.input_hash,
    g.input_summary,
    g.verdict,
    g.confidence,
    g.robustness_score,
    g.critical_count,
    g.high_count,
    g.medium_count,
    g.low_count,
    g.total_findings,
    g.agents_used,
    g.template_used,
    g.duration_seconds,
    g.org_id,
    g.created_at
FROM gauntlet_results AS g
WHERE
    (g.created_at, g.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND g.org_id = :org_id
    AND (:verdict::text IS NULL OR g.verdict = :verdict)
    AND (
        :severity::integer = 0
        OR g.critical_count > 0
        OR (:severity::integer >= 2 AND g.high_count > 0)
        OR (:severity::integer >= 3 AND g.medium_count > 0)
        OR (:severity::integer >= 4 AND g.low_count > 0)
    )
ORDER BY g.created_at DESC, g.gauntlet_id DESC
LIMIT :row_limit;

-- name: list_history(input_hash, org_id, after_timestamp, after_id, row_limit)
-- List results of an input, newest first, from a place on, of one organization or of all.
SELECT
    -- columns: GauntletSummary
    g.gauntlet_id,
    g.input_hash,
    g.input_summary,
    g.verdict,
    g.confidence,
    g.robustness_score,
    g.critical_count,
    g.high_count,
    g.medium_count,
    g.low_count,
    g.total_findings,
    g.agents_used,
    g.template_used,
    g.duration_seconds,
    g.org_id,
    g.created_at
FROM gauntlet_results AS g
WHERE
    (g.created_at, g.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND g.input_hash = :input_hash
    AND (:org_id::text IS NULL OR g.org_id = :org_id)
ORDER BY g.created_at DESC, g.gauntlet_id DESC
LIMIT :row_limit;

-- name: get_verdict_statistics(org_id, since)
-- Count results by verdict since a time, of one organization or of all, with means and sums.
-- meaning: mean_confidence within 1e-9 because the engines add floats in an order of their own
-- meaning: mean_robustness within 1e-9 because the engines add floats in an order of their own
-- meaning: mean_duration_seconds within 1e-9 because the engines add floats in an order of their own
-- result: total not null, mean_confidence not null, mean_robustness not null
-- result: mean_duration_seconds not null, critical_findings not null, high_findings not null
-- result: all_findings not null
SELECT
    g.verdict,
    count(*) AS total,
    avg(g.confidence) AS mean_confidence,
    avg(g.robustness_score) AS mean_robustness,
    avg(g.duration_seconds) AS mean_duration_seconds,
    sum(g.critical_count) AS critical_findings,
    sum(g.high_count) AS high_findings,
    sum(g.total_findings) AS all_findings
FROM gauntlet_results AS g
WHERE
    g.created_at >= :since
    AND (:org_id::text IS NULL OR g.org_id = :org_id)
GROUP BY g.verdict
ORDER BY g.verdict COLLATE "C";

-- name: save_inflight(gauntlet_id, status, input_type, input_summary, input_hash, persona, profile, agents, config, org_id)!
-- Store what is in flight; of what is there only the status changes, and not once it has ended, nor when
-- an organization stores what is not its own.
INSERT INTO gauntlet_inflight (
    gauntlet_id,
    status,
    input_type,
    input_summary,
    input_hash,
    persona,
    profile,
    agents,
    config,
    org_id,
    created_at,
    updated_at
)
VALUES (
    :gauntlet_id,
    :status,
    :input_type,
    :input_summary,
    :input_hash,
    :persona,
    :profile,
    :agents::jsonb,
    :config::jsonb,
    :org_id,
    statement_timestamp(),
    statement_timestamp()
)
ON CONFLICT (gauntlet_id) DO UPDATE
    SET
        status = excluded.status,
        updated_at = excluded.updated_at
    WHERE
    gauntlet_inflight.status IN ('pending', 'running')
    AND (
        excluded.org_id IS NULL
        OR gauntlet_inflight.org_id = excluded.org_id
    );

-- name: update_inflight(gauntlet_id, status, current_phase, progress_percent, error, org_id)!
-- Note how something in flight stands that has not ended; what is NULL stays; of one
-- organization or of any.
UPDATE gauntlet_inflight
SET
    status = :status,
    current_phase = coalesce(:current_phase, current_phase),
    progress_percent = coalesce(:progress_percent, progress_percent),
    error = coalesce(:error, error),
    updated_at = statement_timestamp()
WHERE
    gauntlet_id = :gauntlet_id
    AND status IN ('pending', 'running')
    AND (:org_id::text IS NULL OR org_id = :org_id);

-- name: get_inflight(gauntlet_id, org_id)^
-- Return what is in flight, of one organization or of any.
SELECT
    -- columns: InflightGauntlet
    f.gauntlet_id,
    f.status,
    f.input_type,
    f.input_summary,
    f.input_hash,
    f.persona,
    f.profile,
    f.agents,
    f.config,
    f.current_phase,
    f.progress_percent,
    f.error,
    f.org_id,
    f.created_at,
    f.updated_at
FROM gauntlet_inflight AS f
WHERE
    f.gauntlet_id = :gauntlet_id
    AND (:org_id::text IS NULL OR f.org_id = :org_id);

-- name: list_inflight(status, after_timestamp, after_id, row_limit)
-- List what is in flight, newest first, from a place on, in one status or in any.
-- plan: filtered_walk allowed because there are five statuses, and what ended goes soon
SELECT
    -- columns: InflightGauntlet
    f.gauntlet_id,
    f.status,
    f.input_type,
    f.input_summary,
    f.input_hash,
    f.persona,
    f.profile,
    f.agents,
    f.config,
    f.current_phase,
    f.progress_percent,
    f.error,
    f.org_id,
    f.created_at,
    f.updated_at
FROM gauntlet_inflight AS f
WHERE
    (f.created_at, f.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND (:status::text IS NULL OR f.status = :status)
ORDER BY f.created_at DESC, f.gauntlet_id DESC
LIMIT :row_limit;

-- name: list_org_inflight(org_id, status, after_timestamp, after_id, row_limit)
-- List what an organization has in flight, newest first, from a place on, in one status or in any.
SELECT
    -- columns: InflightGauntlet
    f.gauntlet_id,
    f.status,
    f.input_type,
    f.input_summary,
    f.input_hash,
    f.persona,
    f.profile,
    f.agents,
    f.config,
    f.current_phase,
    f.progress_percent,
    f.error,
    f.org_id,
    f.created_at,
    f.updated_at
FROM gauntlet_inflight AS f
WHERE
    (f.created_at, f.gauntlet_id) < (:after_timestamp, :after_id::text)
    AND f.org_id = :org_id
    AND (:status::text IS NULL OR f.status = :status)
ORDER BY f.created_at DESC, f.gauntlet_id DESC
LIMIT :row_limit;

-- name: list_stale_inflight(status, age_seconds, row_limit)
-- List what is in flight in a status and was not heard of for so many seconds, the longest first.
SELECT
    -- columns: InflightGauntlet
    f.gauntlet_id,
    f.status,
    f.input_type,
    f.input_summary,
    f.input_hash,
    f.persona,
    f.profile,
    f.agents,
    f.config,
    f.current_phase,
    f.progress_percent,
    f.error,
    f.org_id,
    f.created_at,
    f.updated_at
FROM gauntlet_inflight AS f
WHERE
    f.status = :status
    AND f.updated_at
    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
ORDER BY f.updated_at, f.gauntlet_id
LIMIT :row_limit;

-- name: delete_inflight(gauntlet_id, org_id)!
-- Delete what is in flight, of one organization or of any.
DELETE FROM gauntlet_inflight
WHERE
    gauntlet_id = :gauntlet_id
    AND (:org_id::text IS NULL OR org_id = :org_id);

-- name: end_inflight(gauntlet_id)$
-- Delete what is in flight, and return whose it was.
DELETE FROM gauntlet_inflight
WHERE gauntlet_id = :gauntlet_id
RETURNING org_id;

-- name: delete_ended_inflight(status, age_seconds, row_limit)!
-- Delete some of what ended in a status so many seconds ago or earlier.
-- locks: gauntlet_inflight rows in order of updated_at, gauntlet_id, skip locked
WITH chosen AS (
    SELECT x.gauntlet_id
    FROM gauntlet_inflight AS x
    WHERE
        x.status = :status
        AND x.updated_at < statement_timestamp()
        - make_interval(secs => :age_seconds::double precision)
    ORDER BY x.updated_at, x.gauntlet_id
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM gauntlet_inflight AS t
WHERE t.gauntlet_id = any(array(SELECT c.gauntlet_id FROM chosen AS c));
