-- How the older Aragora's critique store maps onto today's tables.
--
-- Each query reads one shape of one table of the older SQLite files and gives the columns of the
-- target table by name; `source_rowid` says which row of the file it is. The comment lines with a
-- colon are explained in docs/migration.md ("How a mapping is written"). Times are passed on as they
-- are: the migration reads `YYYY-MM-DD HH:MM:SS` as UTC and `YYYY-MM-DDTHH:MM:SS` in the time zone
-- that the operator gives.

-- name: debates(first_rowid, last_rowid)
-- Debates. Their older table has no primary key: a debate that was stored twice is in it twice.
-- from: debates (id, task, final_answer, rounds_used, created_at)
-- optional: consensus_reached, confidence, duration_seconds, grounded_verdict
-- into: debates
-- key: id
-- merge: newest created_at; earliest created_at
-- merge: fill final_answer, confidence, duration_seconds, grounded_verdict
-- values: grounded_verdict = nonblank grounded_verdict
SELECT
    rowid AS source_rowid,
    id,
    task,
    final_answer,
    coalesce(consensus_reached, 0) AS consensus_reached,
    confidence,
    rounds_used,
    duration_seconds,
    nullif(grounded_verdict, '') AS grounded_verdict,
    created_at
FROM debates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: critiques(first_rowid, last_rowid)
-- Critiques. Severity is passed on as it is: most of it is 0 to 10. A debate that was stored
-- again left its critiques twice.
-- from: critiques (id, agent, issues, suggestions, created_at)
-- optional: debate_id, target_agent, severity, reasoning, led_to_improvement, expected_usefulness
-- optional: actual_usefulness, prediction_error
-- without: fingerprint
-- into: critiques
-- key: id
-- duplicates: id, created_at
-- copies: debate_id, agent, target_agent, issues, suggestions, reasoning, created_at
-- merge: renumber
-- values: issues = issues, []; suggestions = suggestions, []
SELECT
    rowid AS source_rowid,
    id,
    debate_id,
    agent,
    target_agent,
    coalesce(nullif(issues, ''), '[]') AS issues,
    coalesce(nullif(suggestions, ''), '[]') AS suggestions,
    severity,
    reasoning,
    coalesce(led_to_improvement, 0) AS led_to_improvement,
    coalesce(expected_usefulness, 0.5) AS expected_usefulness,
    actual_usefulness,
    prediction_error,
    created_at
FROM critiques
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: patterns(first_rowid, last_rowid)
-- Patterns. In several files, their counts are added up, unless one file is a copy of the other.
-- from: patterns (id, issue_type, issue_text, success_count, failure_count, created_at, updated_at)
-- optional: suggestion_text, avg_severity, surprise_score, base_rate, example_task
-- into: patterns
-- key: id
-- copies: created_at
-- merge: add success_count, failure_count; mean avg_severity by success_count
-- merge: earliest created_at; newest updated_at
-- values: success_count = success_count, 0; failure_count = failure_count, 0
SELECT
    rowid AS source_rowid,
    id,
    issue_type,
    issue_text,
    suggestion_text,
    coalesce(success_count, 0) AS success_count,
    coalesce(failure_count, 0) AS failure_count,
    coalesce(avg_severity, 0.5) AS avg_severity,
    coalesce(surprise_score, 0.0) AS surprise_score,
    coalesce(base_rate, 0.5) AS base_rate,
    example_task,
    created_at,
    updated_at
FROM patterns
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: pattern_embeddings(first_rowid, last_rowid)
-- Embeddings of patterns, byte for byte.
-- from: pattern_embeddings (pattern_id, embedding)
-- into: pattern_embeddings
-- key: pattern_id
-- merge: first
SELECT
    rowid AS source_rowid,
    pattern_id,
    embedding
FROM pattern_embeddings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: archived_patterns(first_rowid, last_rowid)
-- Patterns that were forgotten. The same id may be here many times.
-- from: patterns_archive (id, issue_type, issue_text, created_at, updated_at, archived_at)
-- optional: suggestion_text, success_count, failure_count, avg_severity, surprise_score, base_rate
-- optional: example_task
-- without: archive_id
-- into: patterns_archive
-- key: all
-- values: success_count = success_count, 0; failure_count = failure_count, 0
-- values: avg_severity = avg_severity, 0.5; surprise_score = surprise_score, 0.0
SELECT
    rowid AS source_rowid,
    id,
    issue_type,
    issue_text,
    suggestion_text,
    coalesce(success_count, 0) AS success_count,
    coalesce(failure_count, 0) AS failure_count,
    coalesce(avg_severity, 0.5) AS avg_severity,
    coalesce(surprise_score, 0.0) AS surprise_score,
    coalesce(base_rate, 0.5) AS base_rate,
    example_task,
    created_at,
    updated_at,
    archived_at
FROM patterns_archive
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: reputations(first_rowid, last_rowid)
-- Reputations. In several files, counters and errors are added up and the score follows from them,
-- unless one file is a copy of the other in which the counters only grew.
-- from: agent_reputation (agent_name, proposals_made, proposals_accepted, updated_at)
-- optional: critiques_given, critiques_valuable, total_predictions, total_prediction_error
-- optional: calibration_score
-- into: agent_reputation
-- key: agent_name
-- copies: counters
-- merge: add proposals_made, proposals_accepted, critiques_given, critiques_valuable
-- merge: add total_predictions, total_prediction_error
-- merge: mean calibration_score by total_predictions; newest updated_at
-- values: proposals_made = proposals_made, 0; proposals_accepted = proposals_accepted, 0
SELECT
    rowid AS source_rowid,
    agent_name,
    coalesce(proposals_made, 0) AS proposals_made,
    coalesce(proposals_accepted, 0) AS proposals_accepted,
    coalesce(critiques_given, 0) AS critiques_given,
    coalesce(critiques_valuable, 0) AS critiques_valuable,
    coalesce(total_predictions, 0) AS total_predictions,
    coalesce(total_prediction_error, 0.0) AS total_prediction_error,
    coalesce(calibration_score, 0.5) AS calibration_score,
    updated_at
FROM agent_reputation
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
