-- How the older Aragora's insights map onto today's tables. It kept them in two files, and tables of
-- some of these names with other columns in a third. See docs/migration.md ("How a mapping is
-- written").

-- name: insights(first_rowid, last_rowid)
-- Insights. One of an unknown type was read as a pattern.
-- from: insights (id, type, title, debate_id, created_at)
-- optional: description, confidence, agents_involved, evidence, metadata
-- into: insights
-- key: id
-- merge: newest created_at
-- values: type = type, 'pattern'; description = description, ''; confidence = confidence, 0.5
-- values: agents_involved = agents_involved, []; evidence = evidence, []; metadata = metadata, {}
-- values: search_terms = computed
SELECT
    rowid AS source_rowid,
    id,
    CASE WHEN is_known THEN type ELSE 'pattern' END AS type,
    title,
    coalesce(description, '') AS description,
    coalesce(confidence, 0.5) AS confidence,
    debate_id,
    coalesce(nullif(agents_involved, ''), '[]') AS agents_involved,
    coalesce(nullif(evidence, ''), '[]') AS evidence,
    coalesce(nullif(metadata, ''), '{}') AS metadata,
    created_at,
    coalesce(
        topic_terms(
            cast(title || ' ' || coalesce(description, '') || ' ' || coalesce(texts, '') AS BLOB)
        ),
        ''
    ) AS search_terms,
    CASE
        WHEN NOT is_known THEN 'insights of an unknown type, which become patterns'
    END AS note_type
FROM (
    SELECT
        rowid,
        id,
        type,
        coalesce(type, '') IN (
            'consensus', 'dissent', 'pattern', 'convergence', 'agent_perf', 'failure_mode',
            'decision'
        ) AS is_known,
        title,
        description,
        confidence,
        debate_id,
        agents_involved,
        evidence,
        metadata,
        created_at,
        CASE
            WHEN json_valid(metadata) AND json_type(metadata) = 'object'
                THEN (
                    SELECT group_concat(j.value, ' ') FROM json_each(metadata) AS j
                    WHERE j.type = 'text'
                )
        END AS texts
    FROM insights
    WHERE rowid BETWEEN :first_rowid AND :last_rowid
) AS read;

-- name: debate_summaries(first_rowid, last_rowid)
-- What debates came to.
-- from: debate_summaries (debate_id, task, agent_performances, created_at)
-- optional: consensus_reached, duration_seconds, total_insights, key_takeaway
-- into: debate_summaries
-- key: debate_id
-- merge: newest created_at
-- values: task = task, ''; consensus_reached = consensus_reached, 0
-- values: duration_seconds = duration_seconds, 0; total_insights = total_insights, 0
-- values: key_takeaway = key_takeaway, ''; agent_performances = agent_performances, []
SELECT
    rowid AS source_rowid,
    debate_id,
    coalesce(task, '') AS task,
    coalesce(consensus_reached, 0) AS consensus_reached,
    coalesce(duration_seconds, 0) AS duration_seconds,
    coalesce(total_insights, 0) AS total_insights,
    coalesce(key_takeaway, '') AS key_takeaway,
    coalesce(nullif(agent_performances, ''), '[]') AS agent_performances,
    created_at
FROM debate_summaries
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: agent_performances(first_rowid, last_rowid)
-- How agents did. A debate that was stored again has them twice: the newest stays.
-- from: agent_performance_history (agent_name, debate_id, proposals_made, created_at)
-- optional: critiques_given, critiques_received, proposal_accepted, vote_aligned
-- optional: avg_critique_severity, contribution_score
-- ignored: id
-- into: agent_performance_history
-- key: agent_name, debate_id
-- merge: newest created_at
-- order: created_at
-- values: proposals_made = proposals_made, 0; critiques_given = critiques_given, 0
-- values: critiques_received = critiques_received, 0; proposal_accepted = proposal_accepted, 0
-- values: vote_aligned = vote_aligned, 0; avg_critique_severity = avg_critique_severity, 0
-- values: contribution_score = contribution_score, 0.5
SELECT
    rowid AS source_rowid,
    agent_name,
    debate_id,
    coalesce(proposals_made, 0) AS proposals_made,
    coalesce(critiques_given, 0) AS critiques_given,
    coalesce(critiques_received, 0) AS critiques_received,
    coalesce(proposal_accepted, 0) AS proposal_accepted,
    coalesce(vote_aligned, 0) AS vote_aligned,
    coalesce(avg_critique_severity, 0) AS avg_critique_severity,
    coalesce(contribution_score, 0.5) AS contribution_score,
    created_at
FROM agent_performance_history
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: patterns(first_rowid, last_rowid)
-- Patterns. In several files, their counts are added up, unless one file is a copy of the other.
-- from: pattern_clusters (category, pattern_text, occurrence_count, first_seen, last_seen)
-- optional: avg_severity, debate_ids
-- ignored: id
-- into: pattern_clusters
-- key: category, pattern_text
-- copies: first_seen
-- merge: add occurrence_count; mean avg_severity by occurrence_count; earliest first_seen
-- merge: newest last_seen
-- order: first_seen
-- values: occurrence_count = occurrence_count, 1; avg_severity = avg_severity, 0.5
-- values: debate_ids = debate_ids, []
SELECT
    rowid AS source_rowid,
    category,
    pattern_text,
    coalesce(occurrence_count, 1) AS occurrence_count,
    coalesce(avg_severity, 0.5) AS avg_severity,
    coalesce(nullif(debate_ids, ''), '[]') AS debate_ids,
    first_seen,
    last_seen
FROM pattern_clusters
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: wisdom(first_rowid, last_rowid)
-- What an audience said.
-- from: wisdom_submissions (id, loop_id, text, created_at)
-- optional: submitter_id, context_tags, used
-- into: wisdom_submissions
-- key: id
-- copies: loop_id, text, submitter_id, created_at
-- merge: renumber
-- values: submitter_id = nonblank submitter_id, 'anonymous'; context_tags = context_tags, []
-- values: used = used, 0
SELECT
    rowid AS source_rowid,
    id,
    loop_id,
    text,
    coalesce(nullif(submitter_id, ''), 'anonymous') AS submitter_id,
    coalesce(nullif(context_tags, ''), '[]') AS context_tags,
    coalesce(used, 0) AS used,
    created_at
FROM wisdom_submissions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: insight_usage(first_rowid, last_rowid)
-- Uses of insights.
-- from: insight_usage (insight_id, debate_id, created_at)
-- optional: was_successful
-- ignored: id
-- into: insight_usage
-- key: insight_id, debate_id
-- merge: newest created_at
-- order: created_at
-- values: was_successful = was_successful, 0
SELECT
    rowid AS source_rowid,
    insight_id,
    debate_id,
    coalesce(was_successful, 0) AS was_successful,
    created_at
FROM insight_usage
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
