-- Queries of the critique store: debates, critiques, patterns and agent reputation.

-- name: upsert_debate(id, task, final_answer, consensus_reached, confidence, rounds_used, duration_seconds, grounded_verdict, created_at)*!
-- Store debates; one that is stored again keeps its creation time.
INSERT INTO debates (
    id,
    task,
    final_answer,
    consensus_reached,
    confidence,
    rounds_used,
    duration_seconds,
    grounded_verdict,
    created_at
)
VALUES (
    :id,
    :task,
    :final_answer,
    :consensus_reached,
    :confidence,
    :rounds_used,
    :duration_seconds,
    :grounded_verdict,
    :created_at
)
ON CONFLICT (id) DO UPDATE
SET
    task = excluded.task,
    final_answer = excluded.final_answer,
    consensus_reached = excluded.consensus_reached,
    confidence = excluded.confidence,
    rounds_used = excluded.rounds_used,
    duration_seconds = excluded.duration_seconds,
    grounded_verdict = excluded.grounded_verdict;

-- name: insert_critique(debate_id, agent, target_agent, issues, suggestions, severity, reasoning, expected_usefulness, created_at)<!
-- Store one critique and return its number.
INSERT INTO critiques (
    debate_id,
    agent,
    target_agent,
    issues,
    suggestions,
    severity,
    reasoning,
    expected_usefulness,
    created_at
)
VALUES (
    :debate_id,
    :agent,
    :target_agent,
    :issues,
    :suggestions,
    :severity,
    :reasoning,
    :expected_usefulness,
    :created_at
)
RETURNING id;

-- name: insert_critiques(debate_id, fingerprint, agent, target_agent, issues, suggestions, severity, reasoning, expected_usefulness, created_at)*!
-- Store critiques; one whose fingerprint its debate has already is left out.
INSERT INTO critiques (
    debate_id,
    fingerprint,
    agent,
    target_agent,
    issues,
    suggestions,
    severity,
    reasoning,
    expected_usefulness,
    created_at
)
VALUES (
    :debate_id,
    :fingerprint,
    :agent,
    :target_agent,
    :issues,
    :suggestions,
    :severity,
    :reasoning,
    :expected_usefulness,
    :created_at
)
ON CONFLICT (debate_id, fingerprint) DO NOTHING;

-- name: get_debate(debate_id)^
-- Return one debate.
SELECT
    -- columns: Debate
    d.id,
    d.task,
    d.final_answer,
    d.consensus_reached,
    d.confidence,
    d.rounds_used,
    d.duration_seconds,
    d.grounded_verdict,
    d.created_at
FROM debates AS d
WHERE d.id = :debate_id;

-- name: list_debates(debate_ids)
-- List some debates by id.
SELECT
    -- columns: Debate
    d.id,
    d.task,
    d.final_answer,
    d.consensus_reached,
    d.confidence,
    d.rounds_used,
    d.duration_seconds,
    d.grounded_verdict,
    d.created_at
FROM debates AS d
WHERE d.id IN (SELECT value FROM json_each(:debate_ids))
ORDER BY d.id;

-- name: delete_debate(debate_id)!
-- Delete a debate with its critiques.
DELETE FROM debates
WHERE id = :debate_id;

-- name: delete_debate_without_critiques(debate_id)!
-- Delete a debate, unless it has critiques.
DELETE FROM debates
WHERE
    id = :debate_id
    AND NOT EXISTS (
        SELECT 1
        FROM critiques
        WHERE critiques.debate_id = :debate_id
    );

-- name: get_critique(critique_id)^
-- Return one critique.
SELECT
    -- columns: Critique
    c.id,
    c.debate_id,
    c.agent,
    c.target_agent,
    c.issues,
    c.suggestions,
    c.severity,
    c.reasoning,
    c.led_to_improvement,
    c.expected_usefulness,
    c.actual_usefulness,
    c.prediction_error,
    c.created_at
FROM critiques AS c
WHERE c.id = :critique_id;

-- name: list_recent_critiques(row_limit)
-- List the newest critiques.
SELECT
    -- columns: Critique
    c.id,
    c.debate_id,
    c.agent,
    c.target_agent,
    c.issues,
    c.suggestions,
    c.severity,
    c.reasoning,
    c.led_to_improvement,
    c.expected_usefulness,
    c.actual_usefulness,
    c.prediction_error,
    c.created_at
FROM critiques AS c
ORDER BY c.created_at DESC, c.id DESC
LIMIT :row_limit;

-- name: list_critiques(debate_ids)
-- List the critiques of some debates, oldest first.
-- result: debate_id not null
SELECT
    -- columns: Critique
    c.id,
    c.debate_id,
    c.agent,
    c.target_agent,
    c.issues,
    c.suggestions,
    c.severity,
    c.reasoning,
    c.led_to_improvement,
    c.expected_usefulness,
    c.actual_usefulness,
    c.prediction_error,
    c.created_at
FROM critiques AS c
WHERE c.debate_id IN (SELECT value FROM json_each(:debate_ids))
ORDER BY c.created_at, c.id;

-- name: export_training(after_id, row_limit)
-- List critiques of debates that reached consensus, one page after the other by number.
-- plan: filtered_walk allowed because an export reads all critiques, page by page from where the last one ended
SELECT
    -- columns: TrainingExample
    c.id,
    d.task,
    c.issues,
    c.suggestions,
    d.final_answer AS successful_answer
FROM critiques AS c
INNER JOIN debates AS d ON c.debate_id = d.id
WHERE
    c.id > :after_id
    AND d.consensus_reached
ORDER BY c.id
LIMIT :row_limit;

-- name: count_debates()$
-- Count all debates.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM debates;

-- name: count_critiques()$
-- Count all critiques.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM critiques;

-- name: count_patterns()$
-- Count all patterns.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM patterns;

-- name: get_stats()^
-- Count everything; patterns by type come as a list of [type, count], largest first.
-- plan: seq_scan allowed because statistics of the whole store look at all rows
-- result: patterns_by_type json
SELECT
    -- columns: CritiqueStats
    (SELECT count(*) FROM debates) AS total_debates,
    (SELECT count(*) FROM debates WHERE consensus_reached) AS consensus_debates,
    (SELECT count(*) FROM critiques) AS total_critiques,
    (SELECT count(*) FROM patterns) AS total_patterns,
    coalesce(
        (SELECT avg(confidence) FROM debates WHERE consensus_reached), 0.0
    ) AS avg_consensus_confidence,
    (
        SELECT json_group_array(json_array(g.name, g.n))
        FROM (
            SELECT
                issue_type AS name,
                count(*) AS n
            FROM patterns
            GROUP BY issue_type
            ORDER BY n DESC, name ASC
        ) AS g
    ) AS patterns_by_type;

-- name: record_pattern_success(id, issue_type, issue_text, suggestion_text, severity, example_task, seen_at)*!
-- Count successes: a new pattern starts with one, a known one gets one more and a new mean severity.
INSERT INTO patterns (
    id,
    issue_type,
    issue_text,
    suggestion_text,
    success_count,
    avg_severity,
    example_task,
    created_at,
    updated_at
)
VALUES (
    :id,
    :issue_type,
    :issue_text,
    :suggestion_text,
    1,
    :severity,
    :example_task,
    :seen_at,
    :seen_at
)
ON CONFLICT (id) DO UPDATE
SET
    avg_severity
    = (patterns.avg_severity * patterns.success_count + excluded.avg_severity)
    / (patterns.success_count + 1),
    success_count = patterns.success_count + 1,
    updated_at = excluded.updated_at;

-- name: record_pattern_failure(pattern_id, seen_at)!
-- Count a failure of a known pattern.
UPDATE patterns
SET
    failure_count = failure_count + 1,
    updated_at = :seen_at
WHERE id = :pattern_id;

-- name: update_surprise(pattern_ids, outcome)!
-- After the counters changed: how far the outcome (1 success, 0 failure) is from the category's rate.
-- meaning: patterns.base_rate within 1e-9 because each engine adds up in an order of its own
-- meaning: patterns.surprise_score within 1e-9 because it comes from the rate
UPDATE patterns
SET
    base_rate = rates.rate,
    surprise_score
    = 0.7 * patterns.surprise_score
    + 0.3 * min(1.0, 2.0 * abs(:outcome - rates.rate))
FROM (
    SELECT
        a.issue_type,
        avg(
            cast(a.success_count AS REAL) / (a.success_count + a.failure_count)
        ) AS rate
    FROM patterns AS a
    WHERE
        a.success_count + a.failure_count > 0
        AND a.issue_type IN (
            SELECT t.issue_type
            FROM patterns AS t
            WHERE t.id IN (SELECT value FROM json_each(:pattern_ids))
        )
    GROUP BY a.issue_type
) AS rates
WHERE
    patterns.issue_type = rates.issue_type
    AND patterns.id IN (SELECT value FROM json_each(:pattern_ids));

-- name: list_patterns(pattern_ids)
-- List some patterns by id.
SELECT
    -- columns: Pattern
    p.id,
    p.issue_type,
    p.issue_text,
    p.suggestion_text,
    p.success_count,
    p.failure_count,
    p.avg_severity,
    p.surprise_score,
    p.base_rate,
    p.example_task,
    p.created_at,
    p.updated_at
FROM patterns AS p
WHERE p.id IN (SELECT value FROM json_each(:pattern_ids))
ORDER BY p.id;

-- name: rank_patterns(min_success, half_life_days, at_time, row_limit)
-- List the patterns of all categories with the highest decay score.
-- plan: seq_scan allowed because the score falls with time, so no index holds it
-- result: decay_score not null
-- meaning: decay_score within 1e-9 because each engine counts seconds in a way of its own
-- meaning: error because the store takes a half-life above 0 only, and divides by it
SELECT
    -- columns: RankedPattern
    p.id,
    p.issue_type,
    p.issue_text,
    p.suggestion_text,
    p.success_count,
    p.failure_count,
    p.avg_severity,
    p.surprise_score,
    p.base_rate,
    p.example_task,
    p.created_at,
    p.updated_at,
    (
        p.success_count * (1.0 + p.surprise_score)
        / (
            1.0
            -- SQLite's functions round to milliseconds
            + max(
                0.0,
                unixepoch(substr(:at_time, 1, 19)) - unixepoch(substr(p.updated_at, 1, 19))
                + (substr(:at_time, 21, 6) - substr(p.updated_at, 21, 6)) / 1000000.0
            )
            / 86400.0 / :half_life_days
        )
    ) AS decay_score
FROM patterns AS p
WHERE p.success_count >= :min_success
ORDER BY decay_score DESC, p.id ASC
LIMIT :row_limit;

-- name: rank_patterns_of_type(issue_type, min_success, half_life_days, at_time, row_limit)
-- List the patterns of one category with the highest decay score.
-- result: decay_score not null
-- meaning: decay_score within 1e-9 because each engine counts seconds in a way of its own
-- meaning: error because the store takes a half-life above 0 only, and divides by it
SELECT
    -- columns: RankedPattern
    p.id,
    p.issue_type,
    p.issue_text,
    p.suggestion_text,
    p.success_count,
    p.failure_count,
    p.avg_severity,
    p.surprise_score,
    p.base_rate,
    p.example_task,
    p.created_at,
    p.updated_at,
    (
        p.success_count * (1.0 + p.surprise_score)
        / (
            1.0
            -- SQLite's functions round to milliseconds
            + max(
                0.0,
                unixepoch(substr(:at_time, 1, 19)) - unixepoch(substr(p.updated_at, 1, 19))
                + (substr(:at_time, 21, 6) - substr(p.updated_at, 21, 6)) / 1000000.0
            )
            / 86400.0 / :half_life_days
        )
    ) AS decay_score
FROM patterns AS p
WHERE
    p.issue_type = :issue_type
    AND p.success_count >= :min_success
ORDER BY decay_score DESC, p.id ASC
LIMIT :row_limit;

-- name: delete_pattern(pattern_id)!
-- Delete a pattern with its embedding.
DELETE FROM patterns
WHERE id = :pattern_id;

-- name: set_embedding(pattern_id, embedding)*!
-- Store embeddings of patterns, or replace them.
INSERT INTO pattern_embeddings (pattern_id, embedding)
VALUES (:pattern_id, :embedding)
ON CONFLICT (pattern_id) DO UPDATE
SET embedding = excluded.embedding;

-- name: list_embeddings(pattern_ids)
-- List the embeddings of some patterns.
SELECT
    e.pattern_id,
    e.embedding
FROM pattern_embeddings AS e
WHERE e.pattern_id IN (SELECT value FROM json_each(:pattern_ids));

-- name: lock_stale_patterns(cutoff, min_success_rate, row_limit)
-- Take patterns that are old and fail too often out of everybody's way; no counts count as half.
-- plan: filtered_walk allowed because it runs in the background, and archives what it finds among the old patterns
SELECT p.id
FROM patterns AS p
WHERE
    p.updated_at < :cutoff
    AND CASE
        WHEN p.success_count + p.failure_count = 0 THEN 0.5
        ELSE cast(p.success_count AS REAL) / (p.success_count + p.failure_count)
    END < :min_success_rate
ORDER BY p.updated_at, p.id
LIMIT :row_limit;

-- name: archive_patterns(pattern_ids, archived_at)!
-- Copy patterns to the archive.
INSERT INTO patterns_archive (
    id,
    issue_type,
    issue_text,
    suggestion_text,
    success_count,
    failure_count,
    avg_severity,
    surprise_score,
    base_rate,
    example_task,
    created_at,
    updated_at,
    archived_at
)
SELECT
    p.id,
    p.issue_type,
    p.issue_text,
    p.suggestion_text,
    p.success_count,
    p.failure_count,
    p.avg_severity,
    p.surprise_score,
    p.base_rate,
    p.example_task,
    p.created_at,
    p.updated_at,
    :archived_at
FROM patterns AS p
WHERE p.id IN (SELECT value FROM json_each(:pattern_ids))
ORDER BY p.updated_at, p.id;

-- name: delete_patterns(pattern_ids)!
-- Delete some patterns with their embeddings.
DELETE FROM patterns
WHERE id IN (SELECT value FROM json_each(:pattern_ids));

-- name: get_archive_stats()^
-- Count archived patterns; by type as a list of [type, count], largest first.
-- plan: seq_scan allowed because statistics of the whole archive look at all rows
-- result: archived_by_type json
SELECT
    -- columns: ArchiveStats
    (SELECT count(*) FROM patterns_archive) AS total_archived,
    (
        SELECT json_group_array(json_array(g.name, g.n))
        FROM (
            SELECT
                issue_type AS name,
                count(*) AS n
            FROM patterns_archive
            GROUP BY issue_type
            ORDER BY n DESC, name ASC
        ) AS g
    ) AS archived_by_type;

-- name: lock_critique(critique_id)^
-- Take a critique for recording its outcome.
SELECT
    c.agent,
    c.expected_usefulness,
    c.prediction_error,
    c.outcome_agent
FROM critiques AS c
WHERE c.id = :critique_id;

-- name: set_outcome(critique_id, actual_usefulness, prediction_error, outcome_agent, led_to_improvement)!
-- Record how useful a critique was; NULL leaves whether it led to an improvement as it is.
UPDATE critiques
SET
    actual_usefulness = :actual_usefulness,
    prediction_error = :prediction_error,
    outcome_agent = :outcome_agent,
    led_to_improvement = coalesce(:led_to_improvement, led_to_improvement)
WHERE id = :critique_id;

-- name: ensure_agent(agent_name, updated_at)!
-- Create an agent's row with zero counters, unless there is one.
INSERT INTO agent_reputation (agent_name, updated_at)
VALUES (:agent_name, :updated_at)
ON CONFLICT (agent_name) DO NOTHING;

-- name: adjust_calibration(agent_name, predictions, error, updated_at)!
-- Add to an agent's number and sum of prediction errors (both may be negative) and renew its score.
UPDATE agent_reputation
SET
    total_predictions = total_predictions + :predictions,
    total_prediction_error
    = max(0.0, total_prediction_error + :error),
    calibration_score = CASE
        WHEN total_predictions + :predictions <= 0 THEN 0.5
        ELSE
            1.0
            - min(
                1.0,
                max(0.0, total_prediction_error + :error)
                / (total_predictions + :predictions)
            )
    END,
    updated_at = :updated_at
WHERE agent_name = :agent_name;

-- name: update_reputation(agent_name, proposals_made, proposals_accepted, critiques_given, critiques_valuable, updated_at)*!
-- Add to the counters of agents; an unknown agent starts at zero.
INSERT INTO agent_reputation (
    agent_name,
    proposals_made,
    proposals_accepted,
    critiques_given,
    critiques_valuable,
    updated_at
)
VALUES (
    :agent_name,
    :proposals_made,
    :proposals_accepted,
    :critiques_given,
    :critiques_valuable,
    :updated_at
)
ON CONFLICT (agent_name) DO UPDATE
SET
    proposals_made = agent_reputation.proposals_made + excluded.proposals_made,
    proposals_accepted = agent_reputation.proposals_accepted + excluded.proposals_accepted,
    critiques_given = agent_reputation.critiques_given + excluded.critiques_given,
    critiques_valuable = agent_reputation.critiques_valuable + excluded.critiques_valuable,
    updated_at = excluded.updated_at;

-- name: list_reputations(agent_names)
-- List the reputation of some agents.
SELECT
    -- columns: AgentReputation
    r.agent_name,
    r.proposals_made,
    r.proposals_accepted,
    r.critiques_given,
    r.critiques_valuable,
    r.total_predictions,
    r.total_prediction_error,
    r.calibration_score,
    r.updated_at
FROM agent_reputation AS r
WHERE r.agent_name IN (SELECT value FROM json_each(:agent_names))
ORDER BY r.agent_name;

-- name: rank_reputations(row_limit)
-- List agents by reputation score, best first. The score is computed as AgentReputation.score is, in
-- binary floating point, so that equal scores are equal on both engines and in the application.
-- plan: seq_scan allowed because the score is computed, and there are few agents
SELECT
    -- columns: AgentReputation
    r.agent_name,
    r.proposals_made,
    r.proposals_accepted,
    r.critiques_given,
    r.critiques_valuable,
    r.total_predictions,
    r.total_prediction_error,
    r.calibration_score,
    r.updated_at
FROM agent_reputation AS r
ORDER BY
    CASE
        WHEN r.proposals_made = 0 THEN 0.5
        ELSE
            0.6 * (cast(r.proposals_accepted AS REAL) / r.proposals_made)
            + 0.4
            * CASE
                WHEN r.critiques_given = 0 THEN 0.5
                ELSE cast(r.critiques_valuable AS REAL) / r.critiques_given
            END
    END DESC,
    r.proposals_accepted DESC,
    r.agent_name ASC
LIMIT :row_limit;
