-- How the older Aragora's ranking maps onto today's tables.
--
-- The same rows are in several files where the older program consolidated agent_elo.db into
-- analytics.db and went on there: the newest rating of an agent counts, a match once for each debate,
-- and an event once. Calibration by domain and relationships were not copied: what differs adds up.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: ratings(first_rowid, last_rowid)
-- Ratings. The older counts of predictions hold votes as well, and can't be taken apart.
-- from: ratings (agent_name, elo, domain_elos, wins, losses, updated_at)
-- optional: draws, debates_count, critiques_accepted, critiques_total
-- optional: calibration_correct, calibration_total, calibration_brier_sum
-- into: elo_ratings
-- key: agent_name
-- merge: newest updated_at
-- values: elo = elo, 1500.0; wins = wins, 0; losses = losses, 0
SELECT
    rowid AS source_rowid,
    agent_name,
    coalesce(elo, 1500.0) AS elo,
    coalesce(wins, 0) AS wins,
    coalesce(losses, 0) AS losses,
    coalesce(draws, 0) AS draws,
    coalesce(debates_count, 0) AS debates_count,
    coalesce(critiques_accepted, 0) AS critiques_accepted,
    coalesce(critiques_total, 0) AS critiques_total,
    coalesce(calibration_correct, 0) AS calibration_correct,
    coalesce(calibration_total, 0) AS calibration_total,
    coalesce(calibration_brier_sum, 0.0) AS calibration_brier_sum,
    updated_at
FROM ratings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: domain_ratings(first_rowid, last_rowid)
-- Ratings by domain. Votes and bonuses changed them without a trace, so their beginning is unknown.
-- from: ratings (agent_name, domain_elos, updated_at)
-- unpacks: domain_elos
-- into: elo_domain_ratings
-- key: agent_name, domain
-- merge: newest updated_at
-- json: elo
-- values: domain = member; elo = item
SELECT
    r.rowid AS source_rowid,
    r.agent_name,
    m.value ->> 0 AS domain,
    m.value ->> 1 AS elo,
    r.updated_at
FROM ratings AS r
INNER JOIN
    json_each(
        coalesce(
            json_members(cast(coalesce(nullif(trim(r.domain_elos), ''), '{}') AS BLOB)),
            -- What is no object is rejected as it is.
            json_array(json_array('', json_quote(r.domain_elos)))
        )
    ) AS m
WHERE r.rowid BETWEEN :first_rowid AND :last_rowid;

-- name: matches(first_rowid, last_rowid)
-- Matches. Their K factor and weight were not kept.
-- from: matches (debate_id, winner, participants, scores, elo_changes, created_at)
-- optional: domain
-- ignored: id
-- into: elo_matches
-- key: debate_id
-- merge: newest created_at
-- order: created_at
-- values: scores = scores, {}; elo_changes = elo_changes, {}
SELECT
    rowid AS source_rowid,
    debate_id,
    winner,
    nullif(participants, '') AS participants,
    coalesce(nullif(scores, ''), '{}') AS scores,
    coalesce(nullif(elo_changes, ''), '{}') AS elo_changes,
    domain,
    created_at
FROM matches
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: history(first_rowid, last_rowid)
-- Events, whose kind stood at the beginning of the debate's id. A change is what the rating of the
-- event before was less; those of votes and learning are about a domain, and were not kept.
-- from: elo_history (id, agent_name, elo, created_at)
-- optional: debate_id
-- into: elo_history
-- key: number
-- copies: agent_name, elo, reference, created_at
-- merge: renumber
-- values: number = id; kind = computed; reference = computed; domain = computed; change = computed
SELECT
    h.source_rowid,
    h.number,
    h.agent_name,
    CASE WHEN h.kind = '' THEN 'match' ELSE h.kind END AS kind,
    CASE
        WHEN h.kind = '' THEN h.debate_id
        WHEN h.kind = 'redteam' THEN nullif(substr(h.debate_id, 9), '')
        -- <domain>:<n>v<n>d
        WHEN h.kind = 'verification' THEN replace(h.debate_id, h.head, '')
        ELSE substr(h.debate_id, length(h.kind) + 2)
    END AS reference,
    CASE
        WHEN h.kind = 'verification' AND length(h.head) > 14
            THEN substr(h.head, 14, length(h.head) - 14)
    END AS domain,
    h.elo,
    CASE WHEN h.kind IN ('', 'verification', 'redteam') THEN h.elo - h.elo_before END AS change,
    h.created_at
FROM (
    SELECT
        e.rowid AS source_rowid,
        e.id AS number,
        e.agent_name,
        e.elo,
        e.debate_id,
        e.created_at,
        CASE
            WHEN e.debate_id GLOB 'verification:*:*' THEN 'verification'
            WHEN e.debate_id = 'redteam' OR e.debate_id GLOB 'redteam_*' THEN 'redteam'
            WHEN e.debate_id GLOB 'voting:*' THEN 'voting'
            WHEN e.debate_id GLOB 'learning:*' THEN 'learning'
            ELSE ''
        END AS kind,
        -- All to the last colon.
        rtrim(e.debate_id, replace(e.debate_id, ':', '')) AS head,
        coalesce(
            (
                SELECT b.elo
                FROM elo_history AS b
                WHERE b.agent_name = e.agent_name AND b.id < e.id
                ORDER BY b.id DESC
                LIMIT 1
            ),
            1500.0
        ) AS elo_before
    FROM elo_history AS e
    WHERE e.rowid BETWEEN :first_rowid AND :last_rowid
) AS h;

-- name: predictions(first_rowid, last_rowid)
-- Predictions. The older program did not keep who won, nor whether it had counted them.
-- from: calibration_predictions (tournament_id, predictor_agent, predicted_winner, confidence, created_at)
-- ignored: id, actual_winner, resolved_at
-- into: elo_calibration_predictions
-- key: tournament_id, predictor_agent
-- merge: newest created_at
SELECT
    rowid AS source_rowid,
    tournament_id,
    predictor_agent,
    predicted_winner,
    confidence,
    created_at
FROM calibration_predictions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: domain_calibration(first_rowid, last_rowid)
-- Calibration by domain.
-- from: domain_calibration (agent_name, domain, total_predictions, total_correct, updated_at)
-- optional: brier_sum
-- into: elo_domain_calibration
-- key: agent_name, domain
-- merge: newest updated_at; add total_predictions, total_correct, brier_sum
-- values: total_predictions = total_predictions, 0; total_correct = total_correct, 0
SELECT
    rowid AS source_rowid,
    agent_name,
    domain,
    coalesce(total_predictions, 0) AS total_predictions,
    coalesce(total_correct, 0) AS total_correct,
    coalesce(brier_sum, 0.0) AS brier_sum,
    updated_at
FROM domain_calibration
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: calibration_buckets(first_rowid, last_rowid)
-- Calibration by confidence. A confidence of 1.0 had a range of its own, and belongs to the last now.
-- from: calibration_buckets (agent_name, domain, bucket_key, predictions, correct)
-- optional: brier_sum
-- into: elo_calibration_buckets
-- key: agent_name, domain, bucket_key
-- repeats: the range 1.0-1.0 became a part of 0.9-1.0
-- merge: add predictions, correct, brier_sum
-- values: predictions = predictions, 0; correct = correct, 0
SELECT
    rowid AS source_rowid,
    agent_name,
    domain,
    CASE WHEN bucket_key = '1.0-1.0' THEN '0.9-1.0' ELSE bucket_key END AS bucket_key,
    coalesce(predictions, 0) AS predictions,
    coalesce(correct, 0) AS correct,
    coalesce(brier_sum, 0.0) AS brier_sum
FROM calibration_buckets
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: relationships(first_rowid, last_rowid)
-- Relationships.
-- from: agent_relationships (agent_a, agent_b, debate_count, updated_at)
-- optional: agreement_count, critique_count_a_to_b, critique_count_b_to_a
-- optional: critique_accepted_a_to_b, critique_accepted_b_to_a
-- optional: position_changes_a_after_b, position_changes_b_after_a, a_wins_over_b, b_wins_over_a
-- into: elo_relationships
-- key: agent_a, agent_b
-- merge: newest updated_at; add debate_count, agreement_count
-- merge: add critique_count_a_to_b, critique_count_b_to_a
-- merge: add critique_accepted_a_to_b, critique_accepted_b_to_a
-- merge: add position_changes_a_after_b, position_changes_b_after_a, a_wins_over_b, b_wins_over_a
-- values: debate_count = debate_count, 0
SELECT
    rowid AS source_rowid,
    agent_a,
    agent_b,
    coalesce(debate_count, 0) AS debate_count,
    coalesce(agreement_count, 0) AS agreement_count,
    coalesce(critique_count_a_to_b, 0) AS critique_count_a_to_b,
    coalesce(critique_count_b_to_a, 0) AS critique_count_b_to_a,
    coalesce(critique_accepted_a_to_b, 0) AS critique_accepted_a_to_b,
    coalesce(critique_accepted_b_to_a, 0) AS critique_accepted_b_to_a,
    coalesce(position_changes_a_after_b, 0) AS position_changes_a_after_b,
    coalesce(position_changes_b_after_a, 0) AS position_changes_b_after_a,
    coalesce(a_wins_over_b, 0) AS a_wins_over_b,
    coalesce(b_wins_over_a, 0) AS b_wins_over_a,
    updated_at
FROM agent_relationships
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
