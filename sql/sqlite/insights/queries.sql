-- Queries of the store of insights.

-- name: upsert_summary(debate_id, task, consensus_reached, duration_seconds, total_insights, key_takeaway, agent_performances, created_at)!
-- Store what a debate came to, or replace it; when it was first stored stays.
INSERT INTO debate_summaries (
    debate_id,
    task,
    consensus_reached,
    duration_seconds,
    total_insights,
    key_takeaway,
    agent_performances,
    created_at
)
VALUES (
    :debate_id,
    :task,
    :consensus_reached,
    :duration_seconds,
    :total_insights,
    :key_takeaway,
    :agent_performances,
    :created_at
)
ON CONFLICT (debate_id) DO UPDATE SET
    task = excluded.task,
    consensus_reached = excluded.consensus_reached,
    duration_seconds = excluded.duration_seconds,
    total_insights = excluded.total_insights,
    key_takeaway = excluded.key_takeaway,
    agent_performances = excluded.agent_performances;

-- name: upsert_insights(id, type, title, description, confidence, debate_id, agents_involved, evidence, metadata, created_at, stored_at, search_terms)*!
-- Store insights, or replace them; how sure they are, and when they were made, stays unless it is given.
INSERT INTO insights (
    id,
    type,
    title,
    description,
    confidence,
    debate_id,
    agents_involved,
    evidence,
    metadata,
    created_at,
    search_terms
)
VALUES (
    :id,
    :type,
    :title,
    :description,
    coalesce(:confidence, 0.5),
    :debate_id,
    :agents_involved,
    :evidence,
    :metadata,
    coalesce(:created_at, :stored_at),
    :search_terms
)
ON CONFLICT (id) DO UPDATE SET
    type = excluded.type,
    title = excluded.title,
    description = excluded.description,
    confidence = coalesce(:confidence, insights.confidence),
    debate_id = excluded.debate_id,
    agents_involved = excluded.agents_involved,
    evidence = excluded.evidence,
    metadata = excluded.metadata,
    created_at = coalesce(:created_at, insights.created_at),
    search_terms = excluded.search_terms;

-- name: delete_other_insights(debate_id, kept_ids)!
-- Delete the insights of a debate but for some.
DELETE FROM insights
WHERE
    debate_id = :debate_id
    AND id NOT IN (SELECT k.value FROM json_each(:kept_ids) AS k);

-- name: upsert_performances(agent_name, debate_id, proposals_made, critiques_given, critiques_received, proposal_accepted, vote_aligned, avg_critique_severity, contribution_score, created_at)*!
-- Store how agents did in a debate, or replace it; when it was first stored stays.
INSERT INTO agent_performance_history (
    agent_name,
    debate_id,
    proposals_made,
    critiques_given,
    critiques_received,
    proposal_accepted,
    vote_aligned,
    avg_critique_severity,
    contribution_score,
    created_at
)
VALUES (
    :agent_name,
    :debate_id,
    :proposals_made,
    :critiques_given,
    :critiques_received,
    :proposal_accepted,
    :vote_aligned,
    :avg_critique_severity,
    :contribution_score,
    :created_at
)
ON CONFLICT (agent_name, debate_id) DO UPDATE SET
    proposals_made = excluded.proposals_made,
    critiques_given = excluded.critiques_given,
    critiques_received = excluded.critiques_received,
    proposal_accepted = excluded.proposal_accepted,
    vote_aligned = excluded.vote_aligned,
    avg_critique_severity = excluded.avg_critique_severity,
    contribution_score = excluded.contribution_score;

-- name: delete_other_performances(debate_id, kept_names)!
-- Delete what is kept of agents in a debate but for some.
DELETE FROM agent_performance_history
WHERE
    debate_id = :debate_id
    AND agent_name NOT IN (SELECT k.value FROM json_each(:kept_names) AS k);

-- name: merge_patterns(category, pattern_text, occurrence_count, avg_severity, debate_id, seen_at)*!
-- Count patterns that a debate shows, unless they were counted of it already.
-- meaning: pattern_clusters.avg_severity within 1e-9 because the engines round otherwise
INSERT INTO pattern_clusters (
    category,
    pattern_text,
    occurrence_count,
    avg_severity,
    debate_ids,
    first_seen,
    last_seen
)
VALUES (
    :category,
    :pattern_text,
    :occurrence_count,
    :avg_severity,
    json_array(:debate_id),
    :seen_at,
    :seen_at
)
ON CONFLICT (category, pattern_text) DO UPDATE SET
    avg_severity = (
        pattern_clusters.avg_severity * pattern_clusters.occurrence_count
        + excluded.avg_severity * excluded.occurrence_count
    ) / (pattern_clusters.occurrence_count + excluded.occurrence_count),
    occurrence_count = pattern_clusters.occurrence_count + excluded.occurrence_count,
    debate_ids = json_insert(
        pattern_clusters.debate_ids, '$[#]', :debate_id
    ),
    first_seen = min(pattern_clusters.first_seen, excluded.first_seen),
    last_seen = max(pattern_clusters.last_seen, excluded.last_seen)
WHERE
NOT EXISTS (
    SELECT 1 FROM json_each(pattern_clusters.debate_ids) AS j -- noqa: RF01
    WHERE j.value = :debate_id
);

-- name: get_insight(insight_id)^
-- Return an insight.
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insights AS n
WHERE n.id = :insight_id;

-- name: list_insights(agent, after_timestamp, after_id, row_limit)
-- List insights, newest first, from a place on, of one agent or of all.
-- plan: filtered_walk allowed because an agent takes part in most debates
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insights AS n
WHERE
    (n.created_at, n.id) < (:after_timestamp, :after_id)
    AND (:agent IS NULL OR EXISTS (
        SELECT 1 FROM json_each(n.agents_involved) AS j WHERE j.type = 'text' AND j.value = :agent
    ))
ORDER BY n.created_at DESC, n.id DESC
LIMIT :row_limit;

-- name: list_insights_of_type(type, agent, after_timestamp, after_id, row_limit)
-- List insights of a type, newest first, from a place on, of one agent or of all.
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insights AS n
WHERE
    n.type = :type
    AND (n.created_at, n.id) < (:after_timestamp, :after_id)
    AND (:agent IS NULL OR EXISTS (
        SELECT 1 FROM json_each(n.agents_involved) AS j WHERE j.type = 'text' AND j.value = :agent
    ))
ORDER BY n.created_at DESC, n.id DESC
LIMIT :row_limit;

-- name: find_insights(expression, type, agent, after_timestamp, after_id, row_limit)
-- List the insights that a search finds, newest first, from a place on, of one type and agent or of
-- all.
-- meaning: values of expression ["alpha", "(beta&gamma)", "(alpha&beta)"] because the store writes it so
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insight_search AS f
CROSS JOIN insights AS n ON f.rowid = n.row_id
WHERE
    f.insight_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
    AND (n.created_at, n.id) < (:after_timestamp, :after_id)
    AND (:type IS NULL OR n.type = :type)
    AND (:agent IS NULL OR EXISTS (
        SELECT 1 FROM json_each(n.agents_involved) AS j WHERE j.type = 'text' AND j.value = :agent
    ))
ORDER BY n.created_at DESC, n.id DESC
LIMIT :row_limit;

-- name: list_surest_insights(min_confidence, row_limit)
-- List the insights that are surest, of those the newest first.
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insights AS n
WHERE n.confidence >= :min_confidence
ORDER BY n.confidence DESC, n.created_at DESC, n.id DESC
LIMIT :row_limit;

-- name: find_surest_insights(expression, min_confidence, row_limit)
-- List those insights that a search finds which are surest, of those the newest first.
-- meaning: values of expression ["alpha", "(beta&gamma)", "(alpha&beta)"] because the store writes it so
SELECT
    -- columns: Insight
    n.id,
    n.type,
    n.title,
    n.description,
    n.confidence,
    n.debate_id,
    n.agents_involved,
    n.evidence,
    n.metadata,
    n.created_at
FROM insight_search AS f
CROSS JOIN insights AS n ON f.rowid = n.row_id
WHERE
    f.insight_search MATCH replace(replace(:expression, '&', ' AND '), '|', ' OR ')
    AND n.confidence >= :min_confidence
ORDER BY n.confidence DESC, n.created_at DESC, n.id DESC
LIMIT :row_limit;

-- name: list_patterns(min_occurrences, category, row_limit)
-- List patterns that were seen so often, most often first, of one category or of all.
-- plan: filtered_walk allowed because few categories have many patterns each
SELECT
    -- columns: InsightPattern
    p.category,
    p.pattern_text AS pattern,
    p.occurrence_count AS occurrences,
    p.avg_severity,
    p.last_seen
FROM pattern_clusters AS p
WHERE
    p.occurrence_count >= :min_occurrences
    AND (:category IS NULL OR p.category = :category)
ORDER BY p.occurrence_count DESC, p.id DESC
LIMIT :row_limit;

-- name: get_agent_statistics(agent)^
-- Add up how an agent did.
-- meaning: avg_contribution within 1e-9 because the engines add floats in an order of their own
-- meaning: avg_severity_received within 1e-9 because the engines add floats in an order of their own
-- result: acceptance_rate not null, avg_contribution not null, avg_severity_received not null
-- result: total_proposals not null, total_critiques not null
SELECT
    -- columns: AgentInsightStats
    h.agent_name AS agent,
    count(*) AS debate_count,
    sum(h.proposals_made) AS total_proposals,
    count(*) FILTER (WHERE h.proposal_accepted) AS proposals_accepted,
    cast(count(*) FILTER (WHERE h.proposal_accepted) AS REAL)
    / max(1, sum(h.proposals_made)) AS acceptance_rate,
    sum(h.critiques_given) AS total_critiques,
    avg(h.contribution_score) AS avg_contribution,
    avg(h.avg_critique_severity) AS avg_severity_received
FROM agent_performance_history AS h
WHERE h.agent_name = :agent
GROUP BY h.agent_name;

-- name: rank_agents()
-- Add up how all agents did, those that contribute most first.
-- plan: seq_scan allowed because all debates are added up
-- meaning: avg_contribution within 1e-9 because the engines add floats in an order of their own
-- meaning: avg_severity_received within 1e-9 because the engines add floats in an order of their own
-- result: acceptance_rate not null, avg_contribution not null, avg_severity_received not null
-- result: total_proposals not null, total_critiques not null
SELECT
    -- columns: AgentInsightStats
    h.agent_name AS agent,
    count(*) AS debate_count,
    sum(h.proposals_made) AS total_proposals,
    count(*) FILTER (WHERE h.proposal_accepted) AS proposals_accepted,
    cast(count(*) FILTER (WHERE h.proposal_accepted) AS REAL)
    / max(1, sum(h.proposals_made)) AS acceptance_rate,
    sum(h.critiques_given) AS total_critiques,
    avg(h.contribution_score) AS avg_contribution,
    avg(h.avg_critique_severity) AS avg_severity_received
FROM agent_performance_history AS h
GROUP BY h.agent_name
ORDER BY avg_contribution DESC, h.agent_name ASC;

-- name: get_statistics()^
-- Count insights, debates, those with a consensus, and agents.
-- plan: seq_scan allowed because statistics look at all rows
-- result: total_insights not null, unique_agents not null
SELECT
    count(*) AS total_debates,
    count(*) FILTER (WHERE d.consensus_reached) AS consensus_debates,
    (SELECT count(*) FROM insights) AS total_insights,
    (
        SELECT count(DISTINCT h.agent_name) FROM agent_performance_history AS h
    ) AS unique_agents
FROM debate_summaries AS d;

-- name: count_insights_by_type()
-- Count the insights of each type.
-- plan: seq_scan allowed because all insights are counted
SELECT
    n.type,
    count(*) AS total
FROM insights AS n
GROUP BY n.type
ORDER BY n.type;

-- name: add_wisdom(loop_id, text, submitter_id, context_tags)$
-- Store what somebody of an audience said, and return its number.
INSERT INTO wisdom_submissions (loop_id, text, submitter_id, context_tags, created_at)
VALUES (:loop_id, :text, :submitter_id, :context_tags, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
RETURNING id;

-- name: list_wisdom(loop_id, row_limit)
-- List what an audience told a loop and nobody has taken, newest first.
SELECT
    -- columns: Wisdom
    w.id,
    w.loop_id,
    w.text,
    w.submitter_id,
    w.context_tags,
    w.used,
    w.created_at
FROM wisdom_submissions AS w
WHERE
    w.loop_id = :loop_id
    AND NOT w.used
ORDER BY w.created_at DESC, w.id DESC
LIMIT :row_limit;

-- name: take_wisdom(loop_id, row_limit)
-- Take the newest of what an audience told a loop and nobody has taken; in no order.
UPDATE wisdom_submissions
SET used = TRUE
WHERE
    id IN (
        SELECT x.id
        FROM wisdom_submissions AS x
        WHERE
            x.loop_id = :loop_id
            AND NOT x.used
        ORDER BY x.created_at DESC, x.id DESC
        LIMIT :row_limit
    )
RETURNING
    -- columns: Wisdom
    id,
    loop_id,
    text,
    submitter_id,
    context_tags,
    used,
    created_at;

-- name: mark_wisdom_used(wisdom_id)!
-- Say that something an audience said was taken.
UPDATE wisdom_submissions
SET used = TRUE
WHERE id = :wisdom_id;

-- name: upsert_usage(insight_id, debate_id, was_successful)!
-- Store that a debate used an insight, or change how it went.
INSERT INTO insight_usage (insight_id, debate_id, was_successful, created_at)
VALUES (:insight_id, :debate_id, :was_successful, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
ON CONFLICT (insight_id, debate_id) DO UPDATE SET
    was_successful = excluded.was_successful,
    created_at = excluded.created_at;

-- name: adjust_confidence(insight_id, change)$
-- Raise or lower the confidence of an insight within 0.1 and 0.99, and return it.
UPDATE insights
SET
    confidence = min(
        0.99, max(0.1, confidence + :change)
    )
WHERE id = :insight_id
RETURNING confidence;

-- name: get_usage_statistics(insight_id)^
-- Count the uses of an insight, and those that went well.
SELECT
    count(*) AS total_uses,
    count(*) FILTER (WHERE u.was_successful) AS successful_uses
FROM insight_usage AS u
WHERE u.insight_id = :insight_id;
