-- Ranking of agents: ratings, the matches and other events that made them, calibration, and what
-- agents are to each other.
--
-- Whatever changes a rating locks the rows of its agents in elo_ratings first, in the order of their
-- names. The numbers of elo_history are taken under these locks: of two events of one agent the one
-- that was committed first has the lower number, so a replay in this order gives the same ratings.

CREATE TABLE IF NOT EXISTS elo_ratings (
    agent_name TEXT NOT NULL,
    model TEXT,
    elo REAL NOT NULL DEFAULT 1500.0,
    initial_elo REAL NOT NULL DEFAULT 1500.0,
    wins INTEGER NOT NULL DEFAULT 0,
    losses INTEGER NOT NULL DEFAULT 0,
    draws INTEGER NOT NULL DEFAULT 0,
    debates_count INTEGER NOT NULL DEFAULT 0,
    critiques_accepted INTEGER NOT NULL DEFAULT 0,
    critiques_total INTEGER NOT NULL DEFAULT 0,
    calibration_correct INTEGER NOT NULL DEFAULT 0,
    calibration_total INTEGER NOT NULL DEFAULT 0,
    calibration_brier_sum REAL NOT NULL DEFAULT 0.0,
    votes_correct INTEGER NOT NULL DEFAULT 0,
    votes_total INTEGER NOT NULL DEFAULT 0,
    last_match_at TEXT,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_ratings_pkey PRIMARY KEY (agent_name),
    CONSTRAINT elo_ratings_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT elo_ratings_elo_check CHECK (abs(elo) <= 1e300),
    CONSTRAINT elo_ratings_initial_elo_check CHECK (abs(initial_elo) <= 1e300),
    CONSTRAINT elo_ratings_wins_check CHECK (wins >= 0),
    CONSTRAINT elo_ratings_losses_check CHECK (losses >= 0),
    CONSTRAINT elo_ratings_draws_check CHECK (draws >= 0),
    CONSTRAINT elo_ratings_debates_count_check CHECK (debates_count >= 0),
    CONSTRAINT elo_ratings_critiques_accepted_check CHECK (critiques_accepted >= 0),
    CONSTRAINT elo_ratings_critiques_total_check CHECK (critiques_total >= 0),
    CONSTRAINT elo_ratings_calibration_correct_check CHECK (calibration_correct >= 0),
    CONSTRAINT elo_ratings_calibration_total_check CHECK (calibration_total >= 0),
    CONSTRAINT elo_ratings_calibration_brier_sum_check
    CHECK (calibration_brier_sum BETWEEN 0 AND 1e300),
    CONSTRAINT elo_ratings_votes_correct_check CHECK (votes_correct >= 0),
    CONSTRAINT elo_ratings_votes_total_check CHECK (votes_total >= 0),
    CONSTRAINT elo_ratings_last_match_at_check
    CHECK (last_match_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT elo_ratings_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- The board of all domains is a walk along it.
CREATE INDEX IF NOT EXISTS idx_elo_ratings_elo ON elo_ratings (elo DESC, agent_name);

CREATE TABLE IF NOT EXISTS elo_domain_ratings (
    agent_name TEXT NOT NULL,
    domain TEXT NOT NULL,
    elo REAL NOT NULL,
    initial_elo REAL,
    debates_count INTEGER NOT NULL DEFAULT 0,
    last_match_at TEXT,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_domain_ratings_pkey PRIMARY KEY (agent_name, domain),
    CONSTRAINT elo_domain_ratings_agent_name_fkey
    FOREIGN KEY (agent_name) REFERENCES elo_ratings (agent_name) ON DELETE CASCADE,
    CONSTRAINT elo_domain_ratings_domain_check CHECK (domain <> ''),
    CONSTRAINT elo_domain_ratings_elo_check CHECK (abs(elo) <= 1e300),
    CONSTRAINT elo_domain_ratings_initial_elo_check CHECK (abs(initial_elo) <= 1e300),
    CONSTRAINT elo_domain_ratings_debates_count_check CHECK (debates_count >= 0),
    CONSTRAINT elo_domain_ratings_last_match_at_check
    CHECK (last_match_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT elo_domain_ratings_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- The board of a domain is a walk along it.
CREATE INDEX IF NOT EXISTS idx_elo_domain_ratings_elo
ON elo_domain_ratings (domain, elo DESC, agent_name);

CREATE TABLE IF NOT EXISTS elo_matches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    debate_id TEXT NOT NULL,
    winner TEXT,
    participants TEXT NOT NULL,
    scores TEXT NOT NULL,
    elo_changes TEXT NOT NULL,
    multipliers TEXT,
    domain TEXT,
    confidence_weight REAL,
    k_factor REAL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_matches_debate_id_key UNIQUE (debate_id),
    CONSTRAINT elo_matches_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT elo_matches_participants_check
    CHECK (json_valid(participants) AND json_type(participants) = 'array'),
    CONSTRAINT elo_matches_scores_check CHECK (json_valid(scores) AND json_type(scores) = 'object'),
    CONSTRAINT elo_matches_elo_changes_check
    CHECK (json_valid(elo_changes) AND json_type(elo_changes) = 'object'),
    CONSTRAINT elo_matches_multipliers_check
    CHECK (multipliers IS NULL OR (json_valid(multipliers) AND json_type(multipliers) = 'object')),
    CONSTRAINT elo_matches_confidence_weight_check CHECK (confidence_weight BETWEEN 0 AND 1),
    CONSTRAINT elo_matches_k_factor_check CHECK (k_factor BETWEEN 0 AND 1e300),
    CONSTRAINT elo_matches_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_elo_matches_created ON elo_matches (created_at DESC, number DESC);

CREATE TABLE IF NOT EXISTS elo_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT,
    domain TEXT,
    elo REAL NOT NULL,
    change REAL,
    domain_change REAL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_history_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT elo_history_kind_check
    CHECK (kind IN ('match', 'verification', 'redteam', 'voting', 'learning')),
    CONSTRAINT elo_history_elo_check CHECK (abs(elo) <= 1e300),
    CONSTRAINT elo_history_change_check CHECK (abs(change) <= 1e300),
    CONSTRAINT elo_history_domain_change_check CHECK (abs(domain_change) <= 1e300),
    CONSTRAINT elo_history_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_elo_history_agent ON elo_history (agent_name, number DESC);
-- Matches are most of the rows, and not in it.
CREATE INDEX IF NOT EXISTS idx_elo_history_adjustments
ON elo_history (agent_name, kind, number DESC)
WHERE kind <> 'match';

CREATE TABLE IF NOT EXISTS elo_tournaments (
    tournament_id TEXT NOT NULL,
    actual_winner TEXT,
    resolved_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_tournaments_pkey PRIMARY KEY (tournament_id),
    CONSTRAINT elo_tournaments_tournament_id_check CHECK (tournament_id <> ''),
    CONSTRAINT elo_tournaments_resolved_at_check
    CHECK (resolved_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT elo_tournaments_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT elo_tournaments_resolved_check
    CHECK ((actual_winner IS NULL) = (resolved_at IS NULL))
) STRICT;

CREATE TABLE IF NOT EXISTS elo_calibration_predictions (
    tournament_id TEXT NOT NULL,
    predictor_agent TEXT NOT NULL,
    predicted_winner TEXT NOT NULL,
    confidence REAL NOT NULL,
    brier_score REAL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_calibration_predictions_pkey PRIMARY KEY (tournament_id, predictor_agent),
    CONSTRAINT elo_calibration_predictions_predictor_agent_check CHECK (predictor_agent <> ''),
    CONSTRAINT elo_calibration_predictions_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT elo_calibration_predictions_brier_score_check CHECK (brier_score BETWEEN 0 AND 1),
    CONSTRAINT elo_calibration_predictions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_elo_calibration_predictions_predictor
ON elo_calibration_predictions (predictor_agent, created_at DESC, tournament_id);

CREATE TABLE IF NOT EXISTS elo_domain_calibration (
    agent_name TEXT NOT NULL,
    domain TEXT NOT NULL,
    total_predictions INTEGER NOT NULL DEFAULT 0,
    total_correct INTEGER NOT NULL DEFAULT 0,
    brier_sum REAL NOT NULL DEFAULT 0.0,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_domain_calibration_pkey PRIMARY KEY (agent_name, domain),
    CONSTRAINT elo_domain_calibration_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT elo_domain_calibration_domain_check CHECK (domain <> ''),
    CONSTRAINT elo_domain_calibration_total_predictions_check CHECK (total_predictions >= 0),
    CONSTRAINT elo_domain_calibration_total_correct_check CHECK (total_correct >= 0),
    CONSTRAINT elo_domain_calibration_brier_sum_check CHECK (brier_sum BETWEEN 0 AND 1e300),
    CONSTRAINT elo_domain_calibration_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS elo_calibration_buckets (
    agent_name TEXT NOT NULL,
    domain TEXT NOT NULL,
    bucket_key TEXT NOT NULL,
    predictions INTEGER NOT NULL DEFAULT 0,
    correct INTEGER NOT NULL DEFAULT 0,
    brier_sum REAL NOT NULL DEFAULT 0.0,
    CONSTRAINT elo_calibration_buckets_pkey PRIMARY KEY (agent_name, domain, bucket_key),
    CONSTRAINT elo_calibration_buckets_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT elo_calibration_buckets_domain_check CHECK (domain <> ''),
    CONSTRAINT elo_calibration_buckets_bucket_key_check CHECK (
        bucket_key IN (
            '0.0-0.1', '0.1-0.2', '0.2-0.3', '0.3-0.4', '0.4-0.5',
            '0.5-0.6', '0.6-0.7', '0.7-0.8', '0.8-0.9', '0.9-1.0'
        )
    ),
    CONSTRAINT elo_calibration_buckets_predictions_check CHECK (predictions >= 0),
    CONSTRAINT elo_calibration_buckets_correct_check CHECK (correct >= 0),
    CONSTRAINT elo_calibration_buckets_brier_sum_check CHECK (brier_sum BETWEEN 0 AND 1e300)
) STRICT;

CREATE TABLE IF NOT EXISTS elo_relationships (
    agent_a TEXT NOT NULL,
    agent_b TEXT NOT NULL,
    debate_count INTEGER NOT NULL DEFAULT 0,
    agreement_count INTEGER NOT NULL DEFAULT 0,
    critique_count_a_to_b INTEGER NOT NULL DEFAULT 0,
    critique_count_b_to_a INTEGER NOT NULL DEFAULT 0,
    critique_accepted_a_to_b INTEGER NOT NULL DEFAULT 0,
    critique_accepted_b_to_a INTEGER NOT NULL DEFAULT 0,
    position_changes_a_after_b INTEGER NOT NULL DEFAULT 0,
    position_changes_b_after_a INTEGER NOT NULL DEFAULT 0,
    a_wins_over_b INTEGER NOT NULL DEFAULT 0,
    b_wins_over_a INTEGER NOT NULL DEFAULT 0,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT elo_relationships_pkey PRIMARY KEY (agent_a, agent_b),
    CONSTRAINT elo_relationships_agent_a_check CHECK (agent_a <> ''),
    CONSTRAINT elo_relationships_debate_count_check CHECK (debate_count >= 0),
    CONSTRAINT elo_relationships_agreement_count_check CHECK (agreement_count >= 0),
    CONSTRAINT elo_relationships_critique_count_a_to_b_check CHECK (critique_count_a_to_b >= 0),
    CONSTRAINT elo_relationships_critique_count_b_to_a_check CHECK (critique_count_b_to_a >= 0),
    CONSTRAINT elo_relationships_critique_accepted_a_to_b_check
    CHECK (critique_accepted_a_to_b >= 0),
    CONSTRAINT elo_relationships_critique_accepted_b_to_a_check
    CHECK (critique_accepted_b_to_a >= 0),
    CONSTRAINT elo_relationships_position_changes_a_after_b_check
    CHECK (position_changes_a_after_b >= 0),
    CONSTRAINT elo_relationships_position_changes_b_after_a_check
    CHECK (position_changes_b_after_a >= 0),
    CONSTRAINT elo_relationships_a_wins_over_b_check CHECK (a_wins_over_b >= 0),
    CONSTRAINT elo_relationships_b_wins_over_a_check CHECK (b_wins_over_a >= 0),
    CONSTRAINT elo_relationships_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT elo_relationships_order_check CHECK (agent_a < agent_b)
) STRICT;

CREATE INDEX IF NOT EXISTS idx_elo_relationships_a
ON elo_relationships (agent_a, debate_count DESC, agent_b);
CREATE INDEX IF NOT EXISTS idx_elo_relationships_b
ON elo_relationships (agent_b, debate_count DESC, agent_a);

INSERT INTO _schema_versions (module, version) VALUES ('elo', 1)
ON CONFLICT (module) DO NOTHING;
