-- Queries of the ranking of agents: ratings, matches, boards, calibration, relationships, adjustments.

-- name: register_agent(agent_name, model, elo, updated_at)^
-- Make an agent known with its first rating; one that is known keeps all but the model.
INSERT INTO elo_ratings (agent_name, model, elo, initial_elo, updated_at)
VALUES (:agent_name, :model, :elo, :elo, :updated_at)
ON CONFLICT (agent_name) DO UPDATE SET
    model = coalesce(excluded.model, elo_ratings.model)
RETURNING
    -- columns: AgentRating
    agent_name,
    model,
    cast(elo AS REAL) AS elo,
    cast(initial_elo AS REAL) AS initial_elo,
    wins,
    losses,
    draws,
    debates_count,
    critiques_accepted,
    critiques_total,
    calibration_correct,
    calibration_total,
    cast(calibration_brier_sum AS REAL) AS calibration_brier_sum,
    votes_correct,
    votes_total,
    last_match_at,
    updated_at;

-- name: list_ratings(agent_names)
-- List the ratings of some agents.
SELECT
    -- columns: AgentRating
    r.agent_name,
    r.model,
    r.elo,
    r.initial_elo,
    r.wins,
    r.losses,
    r.draws,
    r.debates_count,
    r.critiques_accepted,
    r.critiques_total,
    r.calibration_correct,
    r.calibration_total,
    r.calibration_brier_sum,
    r.votes_correct,
    r.votes_total,
    r.last_match_at,
    r.updated_at
FROM elo_ratings AS r
WHERE r.agent_name IN (SELECT value FROM json_each(:agent_names))
ORDER BY r.agent_name;

-- name: list_domain_ratings(agent_name)
-- List the ratings of an agent by domain.
SELECT
    d.domain,
    d.elo
FROM elo_domain_ratings AS d
WHERE d.agent_name = :agent_name
ORDER BY d.domain;

-- name: lock_ratings(agent_names)
-- Take the ratings of some agents, so that nobody else changes them meanwhile.
SELECT
    r.agent_name,
    r.elo,
    r.votes_correct,
    r.votes_total
FROM elo_ratings AS r
WHERE r.agent_name IN (SELECT value FROM json_each(:agent_names))
ORDER BY r.agent_name;

-- name: look_at_ratings(agent_names, debate_ids)
-- Read the ratings of some agents, and tell whether any of some debates is recorded.
-- result: is_any_recorded boolean
SELECT
    r.agent_name,
    r.elo,
    exists(
        SELECT 1
        FROM elo_matches AS m
        WHERE m.debate_id IN (SELECT value FROM json_each(:debate_ids))
    ) AS is_any_recorded
FROM elo_ratings AS r
WHERE r.agent_name IN (SELECT value FROM json_each(:agent_names))
ORDER BY r.agent_name;

-- name: lock_free_ratings(agent_names)
-- Take the ratings of those of some agents that nobody else has taken.
SELECT
    r.agent_name,
    r.elo,
    r.votes_correct,
    r.votes_total
FROM elo_ratings AS r
WHERE r.agent_name IN (SELECT value FROM json_each(:agent_names))
ORDER BY r.agent_name;

-- name: take_ratings(agent_names, elo, updated_at)
-- Take the ratings of some agents, in the order of their names, and make those that are missing.
INSERT INTO elo_ratings (agent_name, elo, initial_elo, updated_at)
SELECT
    n.value AS agent_name,
    :elo,
    :elo AS initial_elo,
    :updated_at
FROM json_each(:agent_names) AS n
WHERE TRUE
GROUP BY n.value
ORDER BY n.value
ON CONFLICT (agent_name) DO UPDATE SET agent_name = excluded.agent_name
RETURNING
    agent_name,
    cast(elo AS REAL) AS elo,
    votes_correct,
    votes_total;

-- name: rank_agents(min_games, row_limit)
-- List the agents with the highest ratings over all domains that have played often enough, best first.
-- plan: filtered_walk allowed because agents get to the top of the board by matches, so few are passed over
SELECT
    -- columns: AgentRating
    r.agent_name,
    r.model,
    r.elo,
    r.initial_elo,
    r.wins,
    r.losses,
    r.draws,
    r.debates_count,
    r.critiques_accepted,
    r.critiques_total,
    r.calibration_correct,
    r.calibration_total,
    r.calibration_brier_sum,
    r.votes_correct,
    r.votes_total,
    r.last_match_at,
    r.updated_at
FROM elo_ratings AS r
WHERE r.debates_count >= :min_games
ORDER BY r.elo DESC, r.agent_name ASC
LIMIT :row_limit;

-- name: rank_domain(domain, min_games, row_limit)
-- List the agents with the highest ratings of a domain that have played in it often enough, best first.
-- result: domain_last_match_at timestamp
SELECT
    -- columns: DomainRating
    r.agent_name,
    r.model,
    r.elo,
    r.initial_elo,
    r.wins,
    r.losses,
    r.draws,
    r.debates_count,
    r.critiques_accepted,
    r.critiques_total,
    r.calibration_correct,
    r.calibration_total,
    r.calibration_brier_sum,
    r.votes_correct,
    r.votes_total,
    r.last_match_at,
    r.updated_at,
    d.domain,
    d.elo AS domain_elo,
    d.debates_count AS domain_debates_count,
    d.last_match_at AS domain_last_match_at
FROM elo_domain_ratings AS d
INNER JOIN elo_ratings AS r ON d.agent_name = r.agent_name
WHERE
    d.domain = :domain
    AND d.debates_count >= :min_games
ORDER BY d.elo DESC, d.agent_name ASC
LIMIT :row_limit;

-- name: rank_calibration(min_predictions, row_limit)
-- List the agents that predict best: those with the lowest mean Brier score.
-- plan: seq_scan allowed because the mean is computed, and few agents predict
SELECT
    -- columns: AgentRating
    r.agent_name,
    r.model,
    r.elo,
    r.initial_elo,
    r.wins,
    r.losses,
    r.draws,
    r.debates_count,
    r.critiques_accepted,
    r.critiques_total,
    r.calibration_correct,
    r.calibration_total,
    r.calibration_brier_sum,
    r.votes_correct,
    r.votes_total,
    r.last_match_at,
    r.updated_at
FROM elo_ratings AS r
WHERE
    r.calibration_total >= :min_predictions
    AND r.calibration_total > 0
ORDER BY
    r.calibration_brier_sum / cast(r.calibration_total AS REAL) ASC,
    r.calibration_total DESC,
    r.agent_name ASC
LIMIT :row_limit;

-- name: page_ratings(after_agent, row_limit)
-- List all ratings by the names of agents, page by page.
SELECT
    -- columns: AgentRating
    r.agent_name,
    r.model,
    r.elo,
    r.initial_elo,
    r.wins,
    r.losses,
    r.draws,
    r.debates_count,
    r.critiques_accepted,
    r.critiques_total,
    r.calibration_correct,
    r.calibration_total,
    r.calibration_brier_sum,
    r.votes_correct,
    r.votes_total,
    r.last_match_at,
    r.updated_at
FROM elo_ratings AS r
WHERE r.agent_name > :after_agent
ORDER BY r.agent_name
LIMIT :row_limit;

-- name: page_domain_ratings(after_agent, after_domain, row_limit)
-- List the ratings of domains whose beginning is known, by agent and domain, page by page.
-- plan: filtered_walk allowed because the beginning is unknown only of what came from the older system
-- result: initial_elo not null
SELECT
    d.agent_name,
    d.domain,
    d.elo,
    d.initial_elo,
    d.debates_count
FROM elo_domain_ratings AS d
WHERE
    (d.agent_name, d.domain) > (:after_agent, :after_domain)
    AND d.initial_elo IS NOT NULL
ORDER BY d.agent_name, d.domain
LIMIT :row_limit;

-- name: list_recorded(debate_ids)
-- List the changes of those matches that are recorded already.
SELECT
    m.debate_id,
    m.elo_changes
FROM elo_matches AS m
WHERE m.debate_id IN (SELECT value FROM json_each(:debate_ids))
ORDER BY m.debate_id;

-- name: insert_match(debate_id, winner, participants, scores, elo_changes, multipliers, domain, confidence_weight, k_factor, created_at)*!
-- Store matches; one that is recorded already is left out.
INSERT INTO elo_matches (
    debate_id,
    winner,
    participants,
    scores,
    elo_changes,
    multipliers,
    domain,
    confidence_weight,
    k_factor,
    created_at
)
VALUES (
    :debate_id,
    :winner,
    :participants,
    :scores,
    :elo_changes,
    :multipliers,
    :domain,
    :confidence_weight,
    :k_factor,
    :created_at
)
ON CONFLICT (debate_id) DO NOTHING;

-- name: set_ratings(agent_name, elo_before, elo, wins, losses, draws, debates, played_at)*!
-- Store the ratings after matches where they are as they were before, and count the matches.
UPDATE elo_ratings
SET
    elo = :elo,
    wins = wins + :wins,
    losses = losses + :losses,
    draws = draws + :draws,
    debates_count = debates_count + :debates,
    last_match_at = :played_at,
    updated_at = :played_at
WHERE agent_name = :agent_name AND elo = :elo_before;

-- name: set_elo(agent_name, elo, updated_at)!
-- Store a rating that something else than a match has changed.
UPDATE elo_ratings
SET
    elo = :elo,
    updated_at = :updated_at
WHERE agent_name = :agent_name;

-- name: insert_history(agent_name, kind, reference, domain, elo, change, domain_change, created_at)*!
-- Store events, in their order.
INSERT INTO elo_history (
    agent_name,
    kind,
    reference,
    domain,
    elo,
    change,
    domain_change,
    created_at
)
VALUES (
    :agent_name,
    :kind,
    :reference,
    :domain,
    :elo,
    :change,
    :domain_change,
    :created_at
);

-- name: get_domain_elo(agent_name, domain)$
-- Return the rating of an agent in a domain.
SELECT d.elo
FROM elo_domain_ratings AS d
WHERE d.agent_name = :agent_name AND d.domain = :domain;

-- name: play_in_domain(agent_name, domain, elo, change, played_at)*!
-- Change ratings of a domain by a match each; a new one starts from the rating that is given.
INSERT INTO elo_domain_ratings (
    agent_name,
    domain,
    elo,
    initial_elo,
    debates_count,
    last_match_at,
    updated_at
)
VALUES (
    :agent_name,
    :domain,
    :elo + :change,
    :elo,
    1,
    :played_at,
    :played_at
)
ON CONFLICT (agent_name, domain) DO UPDATE SET
    elo = elo_domain_ratings.elo + :change,
    debates_count = elo_domain_ratings.debates_count + 1,
    last_match_at = excluded.last_match_at,
    updated_at = excluded.updated_at;

-- name: adjust_domain(agent_name, domain, elo, change, updated_at)!
-- Change a rating of a domain without a match; a new one starts from the rating that is given.
INSERT INTO elo_domain_ratings (
    agent_name,
    domain,
    elo,
    initial_elo,
    updated_at
)
VALUES (
    :agent_name,
    :domain,
    :elo + :change,
    :elo,
    :updated_at
)
ON CONFLICT (agent_name, domain) DO UPDATE SET
    elo = elo_domain_ratings.elo + :change,
    updated_at = excluded.updated_at;

-- name: get_match(debate_id)^
-- Return a match.
SELECT
    -- columns: Match
    m.number,
    m.debate_id,
    m.winner,
    m.participants,
    m.scores,
    m.elo_changes,
    m.multipliers,
    m.domain,
    m.confidence_weight,
    m.k_factor,
    m.created_at
FROM elo_matches AS m
WHERE m.debate_id = :debate_id;

-- name: list_matches(debate_ids)
-- List some matches.
SELECT
    -- columns: Match
    m.number,
    m.debate_id,
    m.winner,
    m.participants,
    m.scores,
    m.elo_changes,
    m.multipliers,
    m.domain,
    m.confidence_weight,
    m.k_factor,
    m.created_at
FROM elo_matches AS m
WHERE m.debate_id IN (SELECT value FROM json_each(:debate_ids))
ORDER BY m.number;

-- name: list_recent_matches(row_limit)
-- List the newest matches.
SELECT
    -- columns: Match
    m.number,
    m.debate_id,
    m.winner,
    m.participants,
    m.scores,
    m.elo_changes,
    m.multipliers,
    m.domain,
    m.confidence_weight,
    m.k_factor,
    m.created_at
FROM elo_matches AS m
ORDER BY m.created_at DESC, m.number DESC
LIMIT :row_limit;

-- name: count_matches()$
-- Count all matches.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM elo_matches;

-- name: count_ratings()$
-- Count all agents.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM elo_ratings;

-- name: get_head_to_head(agent_a, agent_b)^
-- Count the matches of two agents, and those that each of them won.
-- result: a_wins not null, b_wins not null, draws not null
-- meaning: values of agent_a ["a", "b"] because they are agents of matches
-- meaning: values of agent_b ["b", "c"] because they are agents of matches
SELECT
    count(*) AS matches,
    coalesce(sum(CASE WHEN m.winner = :agent_a THEN 1 ELSE 0 END), 0) AS a_wins,
    coalesce(sum(CASE WHEN m.winner = :agent_b THEN 1 ELSE 0 END), 0) AS b_wins,
    coalesce(sum(CASE WHEN m.winner IS NULL THEN 1 ELSE 0 END), 0) AS draws
FROM elo_history AS h
INNER JOIN elo_matches AS m ON h.reference = m.debate_id
WHERE
    h.agent_name = :agent_a
    AND h.kind = 'match'
    AND EXISTS (
        SELECT 1
        FROM json_each(m.participants) AS p
        WHERE p.value = :agent_b
    );

-- name: list_elo_history(agent_name, row_limit)
-- List the events that changed an agent's rating over all domains, the newest first.
SELECT
    h.created_at,
    h.elo
FROM elo_history AS h
WHERE
    h.agent_name = :agent_name
    AND h.change IS NOT NULL
ORDER BY h.number DESC
LIMIT :row_limit;

-- name: list_ratings_after(agent_names, events)
-- List the ratings over all domains after the newest events of some agents, the oldest first.
SELECT
    h.agent_name,
    h.elo
FROM json_each(:agent_names) AS n
CROSS JOIN elo_history AS h
WHERE
    h.number IN (
        SELECT g.number
        FROM elo_history AS g
        WHERE
            g.agent_name = n.value
            AND g.change IS NOT NULL
        ORDER BY g.number DESC
        LIMIT :events
    )
ORDER BY h.agent_name, h.number;

-- name: list_domain_changes(agent_names, domain, events)
-- List the newest changes of some agents' ratings in a domain, the oldest first.
-- result: domain_change not null
-- meaning: values of domain ["law", "art"] because few domains have many events
-- meaning: values of agent_names [["a", "b"], ["c", "a"], []] because they are agents of events
SELECT
    h.agent_name,
    h.domain_change
FROM json_each(:agent_names) AS n
CROSS JOIN elo_history AS h
WHERE
    h.number IN (
        SELECT g.number
        FROM elo_history AS g
        WHERE
            g.agent_name = n.value
            AND g.domain = :domain
            AND g.kind IN ('match', 'verification')
            AND g.domain_change IS NOT NULL
        ORDER BY g.number DESC
        LIMIT :events
    )
ORDER BY h.agent_name, h.number;

-- name: list_adjustments(agent_name, kind)
-- List the events of one kind that are no matches, the oldest first.
-- result: reference not null, change not null
SELECT
    -- columns: Adjustment
    h.number,
    coalesce(h.reference, '') AS reference,
    h.domain,
    h.elo,
    coalesce(h.change, 0.0) AS change,
    h.created_at
FROM elo_history AS h
WHERE
    h.agent_name = :agent_name
    AND h.kind = :kind
    AND h.kind <> 'match'
ORDER BY h.number;

-- name: explain_rating(agent_name, after_number, row_limit)
-- List what made an agent's rating over all domains, with the matches, the oldest first, page by page.
-- result: change not null
SELECT
    -- columns: RatingEvent
    h.number,
    h.kind,
    h.reference,
    h.domain,
    h.change,
    h.elo,
    m.winner,
    m.scores,
    h.created_at
FROM elo_history AS h
LEFT JOIN elo_matches AS m ON h.reference = m.debate_id AND h.kind = 'match'
WHERE
    h.agent_name = :agent_name
    AND h.number > :after_number
    AND h.change IS NOT NULL
ORDER BY h.number
LIMIT :row_limit;

-- name: get_stats()^
-- Count agents and matches; ratings are NULL where there is no agent.
-- plan: seq_scan allowed because statistics of the whole store look at all rows
-- meaning: avg_elo within 1e-12 because engines add floats in different orders
SELECT
    (SELECT count(*) FROM elo_ratings) AS total_agents,
    (SELECT avg(r.elo) FROM elo_ratings AS r) AS avg_elo,
    (SELECT max(r.elo) FROM elo_ratings AS r) AS max_elo,
    (SELECT min(r.elo) FROM elo_ratings AS r) AS min_elo,
    (SELECT count(*) FROM elo_matches) AS total_matches;

-- name: add_critique(agent_name, accepted, elo, updated_at)!
-- Count a critique of an agent; a new one starts with the rating that is given.
INSERT INTO elo_ratings (
    agent_name,
    elo,
    initial_elo,
    critiques_accepted,
    critiques_total,
    updated_at
)
VALUES (
    :agent_name,
    :elo,
    :elo,
    :accepted,
    1,
    :updated_at
)
ON CONFLICT (agent_name) DO UPDATE SET
    critiques_accepted = elo_ratings.critiques_accepted + excluded.critiques_accepted,
    critiques_total = elo_ratings.critiques_total + 1,
    updated_at = excluded.updated_at;

-- name: add_vote(agent_name, correct, updated_at)!
-- Count a vote of an agent.
UPDATE elo_ratings
SET
    votes_correct = votes_correct + :correct,
    votes_total = votes_total + 1,
    updated_at = :updated_at
WHERE agent_name = :agent_name;

-- name: add_calibration(agent_name, correct, brier, elo, updated_at)*!
-- Count predictions whose outcome is known, one for each; a new agent starts with the rating given.
INSERT INTO elo_ratings (
    agent_name,
    elo,
    initial_elo,
    calibration_correct,
    calibration_total,
    calibration_brier_sum,
    updated_at
)
VALUES (
    :agent_name,
    :elo,
    :elo,
    :correct,
    1,
    :brier,
    :updated_at
)
ON CONFLICT (agent_name) DO UPDATE SET
    calibration_correct = elo_ratings.calibration_correct + excluded.calibration_correct,
    calibration_total = elo_ratings.calibration_total + 1,
    calibration_brier_sum
    = elo_ratings.calibration_brier_sum + excluded.calibration_brier_sum,
    updated_at = excluded.updated_at;

-- name: open_tournament(tournament_id, created_at)!
-- Make a tournament known; one that is known stays as it is.
INSERT INTO elo_tournaments (tournament_id, created_at)
VALUES (:tournament_id, :created_at)
ON CONFLICT (tournament_id) DO NOTHING;

-- name: lock_tournament(tournament_id)^
-- Take a tournament, so that nobody else predicts or resolves it meanwhile.
SELECT
    t.actual_winner,
    t.resolved_at
FROM elo_tournaments AS t
WHERE t.tournament_id = :tournament_id;

-- name: resolve_tournament(tournament_id, actual_winner, resolved_at)!
-- Store who won a tournament.
UPDATE elo_tournaments
SET
    actual_winner = :actual_winner,
    resolved_at = :resolved_at
WHERE tournament_id = :tournament_id;

-- name: upsert_prediction(tournament_id, predictor_agent, predicted_winner, confidence, created_at)!
-- Store a prediction, in place of an earlier one by the same agent.
INSERT INTO elo_calibration_predictions (
    tournament_id,
    predictor_agent,
    predicted_winner,
    confidence,
    created_at
)
VALUES (
    :tournament_id,
    :predictor_agent,
    :predicted_winner,
    :confidence,
    :created_at
)
ON CONFLICT (tournament_id, predictor_agent) DO UPDATE SET
    predicted_winner = excluded.predicted_winner,
    confidence = excluded.confidence,
    created_at = excluded.created_at;

-- name: list_predictions(tournament_id)
-- List the predictions of a tournament.
SELECT
    -- columns: Prediction
    p.tournament_id,
    p.predictor_agent,
    p.predicted_winner,
    p.confidence,
    p.brier_score,
    p.created_at
FROM elo_calibration_predictions AS p
WHERE p.tournament_id = :tournament_id
ORDER BY p.predictor_agent;

-- name: list_predictions_by_agent(agent_name, row_limit)
-- List the predictions of an agent, the newest first.
SELECT
    -- columns: Prediction
    p.tournament_id,
    p.predictor_agent,
    p.predicted_winner,
    p.confidence,
    p.brier_score,
    p.created_at
FROM elo_calibration_predictions AS p
WHERE p.predictor_agent = :agent_name
ORDER BY p.created_at DESC, p.tournament_id ASC
LIMIT :row_limit;

-- name: set_brier_scores(tournament_id, predictor_agent, brier_score)*!
-- Store how far predictions were off.
UPDATE elo_calibration_predictions
SET brier_score = :brier_score
WHERE tournament_id = :tournament_id AND predictor_agent = :predictor_agent;

-- name: add_domain_calibration(agent_name, domain, correct, brier, updated_at)!
-- Count a prediction in a domain.
INSERT INTO elo_domain_calibration (
    agent_name,
    domain,
    total_predictions,
    total_correct,
    brier_sum,
    updated_at
)
VALUES (
    :agent_name,
    :domain,
    1,
    :correct,
    :brier,
    :updated_at
)
ON CONFLICT (agent_name, domain) DO UPDATE SET
    total_predictions = elo_domain_calibration.total_predictions + 1,
    total_correct = elo_domain_calibration.total_correct + excluded.total_correct,
    brier_sum = elo_domain_calibration.brier_sum + excluded.brier_sum,
    updated_at = excluded.updated_at;

-- name: add_bucket(agent_name, domain, bucket_key, correct, brier)!
-- Count a prediction among those of its confidence.
INSERT INTO elo_calibration_buckets (
    agent_name,
    domain,
    bucket_key,
    predictions,
    correct,
    brier_sum
)
VALUES (
    :agent_name,
    :domain,
    :bucket_key,
    1,
    :correct,
    :brier
)
ON CONFLICT (agent_name, domain, bucket_key) DO UPDATE SET
    predictions = elo_calibration_buckets.predictions + 1,
    correct = elo_calibration_buckets.correct + excluded.correct,
    brier_sum = elo_calibration_buckets.brier_sum + excluded.brier_sum;

-- name: list_domain_calibration(agent_name, domain)
-- List how well an agent predicts, in one domain or in each.
SELECT
    c.domain,
    c.total_predictions,
    c.total_correct,
    c.brier_sum
FROM elo_domain_calibration AS c
WHERE
    c.agent_name = :agent_name
    AND (:domain IS NULL OR c.domain = :domain)
ORDER BY c.domain;

-- name: list_buckets(agent_name, domain)
-- List how often an agent's predictions come true by their confidence, in one domain or in each.
SELECT
    b.bucket_key,
    b.predictions,
    b.correct,
    b.brier_sum
FROM elo_calibration_buckets AS b
WHERE
    b.agent_name = :agent_name
    AND (:domain IS NULL OR b.domain = :domain)
ORDER BY b.bucket_key, b.domain;

-- name: add_relationships(agent_a, agent_b, debate_count, agreement_count, critique_count_a_to_b, critique_count_b_to_a, critique_accepted_a_to_b, critique_accepted_b_to_a, position_changes_a_after_b, position_changes_b_after_a, a_wins_over_b, b_wins_over_a, updated_at)*!
-- Add to what agents are to each other; the first name is the lower one by code point.
INSERT INTO elo_relationships (
    agent_a,
    agent_b,
    debate_count,
    agreement_count,
    critique_count_a_to_b,
    critique_count_b_to_a,
    critique_accepted_a_to_b,
    critique_accepted_b_to_a,
    position_changes_a_after_b,
    position_changes_b_after_a,
    a_wins_over_b,
    b_wins_over_a,
    updated_at
)
VALUES (
    :agent_a,
    :agent_b,
    :debate_count,
    :agreement_count,
    :critique_count_a_to_b,
    :critique_count_b_to_a,
    :critique_accepted_a_to_b,
    :critique_accepted_b_to_a,
    :position_changes_a_after_b,
    :position_changes_b_after_a,
    :a_wins_over_b,
    :b_wins_over_a,
    :updated_at
)
ON CONFLICT (agent_a, agent_b) DO UPDATE SET
    debate_count
    = elo_relationships.debate_count + excluded.debate_count,
    agreement_count
    = elo_relationships.agreement_count + excluded.agreement_count,
    critique_count_a_to_b
    = elo_relationships.critique_count_a_to_b + excluded.critique_count_a_to_b,
    critique_count_b_to_a
    = elo_relationships.critique_count_b_to_a + excluded.critique_count_b_to_a,
    critique_accepted_a_to_b
    = elo_relationships.critique_accepted_a_to_b + excluded.critique_accepted_a_to_b,
    critique_accepted_b_to_a
    = elo_relationships.critique_accepted_b_to_a + excluded.critique_accepted_b_to_a,
    position_changes_a_after_b
    = elo_relationships.position_changes_a_after_b + excluded.position_changes_a_after_b,
    position_changes_b_after_a
    = elo_relationships.position_changes_b_after_a + excluded.position_changes_b_after_a,
    a_wins_over_b
    = elo_relationships.a_wins_over_b + excluded.a_wins_over_b,
    b_wins_over_a
    = elo_relationships.b_wins_over_a + excluded.b_wins_over_a,
    updated_at = excluded.updated_at;

-- name: get_relationship(agent_a, agent_b)^
-- Return what two agents are to each other; the first name is the lower one by code point.
SELECT
    -- columns: Relationship
    s.agent_a,
    s.agent_b,
    s.debate_count,
    s.agreement_count,
    s.critique_count_a_to_b,
    s.critique_count_b_to_a,
    s.critique_accepted_a_to_b,
    s.critique_accepted_b_to_a,
    s.position_changes_a_after_b,
    s.position_changes_b_after_a,
    s.a_wins_over_b,
    s.b_wins_over_a,
    s.updated_at
FROM elo_relationships AS s
WHERE s.agent_a = :agent_a AND s.agent_b = :agent_b;

-- name: list_relationships(agent_name, row_limit)
-- List what an agent is to others, those with most debates first.
WITH pairs AS (
    SELECT
        f.agent_a,
        f.agent_b
    FROM (
        SELECT
            a.agent_a,
            a.agent_b
        FROM elo_relationships AS a
        WHERE a.agent_a = :agent_name
        ORDER BY a.debate_count DESC, a.agent_b ASC
        LIMIT :row_limit
    ) AS f
    UNION ALL
    SELECT
        g.agent_a,
        g.agent_b
    FROM (
        SELECT
            b.agent_a,
            b.agent_b
        FROM elo_relationships AS b
        WHERE b.agent_b = :agent_name
        ORDER BY b.debate_count DESC, b.agent_a ASC
        LIMIT :row_limit
    ) AS g
)

SELECT
    -- columns: Relationship
    s.agent_a,
    s.agent_b,
    s.debate_count,
    s.agreement_count,
    s.critique_count_a_to_b,
    s.critique_count_b_to_a,
    s.critique_accepted_a_to_b,
    s.critique_accepted_b_to_a,
    s.position_changes_a_after_b,
    s.position_changes_b_after_a,
    s.a_wins_over_b,
    s.b_wins_over_a,
    s.updated_at
FROM pairs AS p
INNER JOIN elo_relationships AS s ON p.agent_a = s.agent_a AND p.agent_b = s.agent_b
ORDER BY s.debate_count DESC, s.agent_a ASC, s.agent_b ASC
LIMIT :row_limit;

-- name: lock_all_ratings()#
-- Keep out whoever changes ratings until the transaction ends, so that they can be compared.
SELECT 1;

-- name: page_history(after_number, row_limit)
-- List all events in their order, page by page.
SELECT
    h.number,
    h.agent_name,
    h.kind,
    h.reference,
    h.domain,
    h.elo,
    h.change,
    h.domain_change
FROM elo_history AS h
WHERE h.number > :after_number
ORDER BY h.number
LIMIT :row_limit;

-- name: first_event_of_match(agent_name, debate_id)$
-- Return the number of the event by which a match changed an agent's rating.
-- meaning: values of agent_name ["a", "b"] because they are agents of matches
-- meaning: values of debate_id ["d1", "d2"] because they are debates of matches
SELECT min(h.number) AS number
FROM elo_history AS h
WHERE
    h.agent_name = :agent_name
    AND h.kind = 'match'
    AND h.reference = :debate_id;

-- name: list_elo_before(agent_names, before_number)
-- List the ratings of some agents over all domains before an event; of those that had one.
SELECT
    h.agent_name,
    h.elo
FROM json_each(:agent_names) AS n
CROSS JOIN elo_history AS h
WHERE
    h.number IN (
        SELECT g.number
        FROM elo_history AS g
        WHERE
            g.agent_name = n.value
            AND g.number < :before_number
        ORDER BY g.number DESC
        LIMIT 1
    )
ORDER BY h.agent_name;

-- name: repair_match(debate_id, elo_changes)*!
-- Replace the changes of matches by those that a replay gave.
UPDATE elo_matches
SET elo_changes = :elo_changes
WHERE debate_id = :debate_id;

-- name: repair_history(number, elo, change)*!
-- Replace the ratings and changes of events by those that a replay gave.
UPDATE elo_history
SET
    elo = :elo,
    change = :change
WHERE number = :number;

-- name: repair_rating(agent_name, elo, wins, losses, draws, debates_count, updated_at)*!
-- Replace ratings over all domains and their counts of matches by those that a replay gave.
UPDATE elo_ratings
SET
    elo = :elo,
    wins = :wins,
    losses = :losses,
    draws = :draws,
    debates_count = :debates_count,
    updated_at = :updated_at
WHERE agent_name = :agent_name;

-- name: repair_domain_rating(agent_name, domain, elo, debates_count, updated_at)*!
-- Replace ratings of domains by those that a replay gave.
UPDATE elo_domain_ratings
SET
    elo = :elo,
    debates_count = :debates_count,
    updated_at = :updated_at
WHERE agent_name = :agent_name AND domain = :domain;
