"""What the conformance suite needs to know of the ranking store."""

from __future__ import annotations

import itertools
import math
from typing import Any

from aragora_sql.stores.elo import EloSystem
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_OBJECTS,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Batch,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
    lists_of,
    optional_texts_of,
)
from tests.stores.samples import day, numbers, run

NAMES = ["agent 1", "agent 2", "agent 3"]
NUMBERS = itertools.count()
SCORES = {"a": 1.0, "b": 0.0}
BAD_SCORES = [math.nan, math.inf, -math.inf, -1, -5e-324, 10**400, 1e301, True, "1", None]
# None is no bad value where an argument may be left out.
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]


async def add(elo: EloSystem) -> None:
    await elo.record_match(f"m{next(NUMBERS)}", ["a", "b"], SCORES, "law")


async def fill(elo: EloSystem) -> None:
    """Store some thousand rows in each table."""
    postgres = elo.database.dialect == "postgres"
    series = numbers(elo.database, 4000)
    timestamp = "'2026-01-01T00:00:00.000000Z'" + ("::timestamptz" if postgres else "")
    real = "double precision" if postgres else "REAL"
    # neither the order of the names nor that of the rows
    mixed = "(n * 7919 % 4001)"
    document, array = ("'{}'::jsonb", "'[]'::jsonb") if postgres else ("'{}'", "'[]'")
    for statement in (
        "INSERT INTO elo_ratings (agent_name, elo, debates_count, calibration_total, updated_at) "
        f"SELECT 'agent ' || n, CAST({mixed} AS {real}), 5, 1, {timestamp} FROM {series}",
        "INSERT INTO elo_domain_ratings "
        "(agent_name, domain, elo, initial_elo, debates_count, updated_at) "
        f"SELECT 'agent ' || n, 'domain ' || (n % 5), CAST({mixed} AS {real}), 1500.0, 5, "
        f"{timestamp} FROM {series}",
        "INSERT INTO elo_matches "
        "(debate_id, participants, scores, elo_changes, created_at) "
        f"SELECT 'm' || {mixed}, {array}, {document}, {document}, {timestamp} FROM {series}",
        "INSERT INTO elo_history (agent_name, kind, reference, elo, change, created_at) "
        "SELECT 'agent ' || (n % 500), CASE WHEN n % 9 = 0 THEN 'redteam' ELSE 'match' END, "
        f"'m' || n, 1500.0, 1.0, {timestamp} FROM {series}",
        "INSERT INTO elo_tournaments (tournament_id, created_at) "
        f"SELECT 't' || n, {timestamp} FROM {series}",
        "INSERT INTO elo_calibration_predictions "
        "(tournament_id, predictor_agent, predicted_winner, confidence, created_at) "
        f"SELECT 't' || n, 'agent ' || (n % 500), 'agent', 0.5, {timestamp} FROM {series}",
        "INSERT INTO elo_domain_calibration (agent_name, domain, updated_at) "
        f"SELECT 'agent ' || (n % 500), 'domain ' || n, {timestamp} FROM {series}",
        "INSERT INTO elo_calibration_buckets (agent_name, domain, bucket_key) "
        f"SELECT 'agent ' || (n % 500), 'domain ' || n, '0.4-0.5' FROM {series}",
        "INSERT INTO elo_relationships (agent_a, agent_b, debate_count, updated_at) "
        f"SELECT 'agent ' || (n % 50), 'other ' || n, n % 97, {timestamp} FROM {series}",
    ):
        await run(elo.database, statement)


HOT = [
    Hot("list_ratings", {"agent_names": NAMES}),
    Hot("lock_ratings", {"agent_names": NAMES}),
    Hot("rank_agents", {"min_games": 0, "row_limit": 20}, True),
    Hot("rank_domain", {"domain": "domain 1", "min_games": 0, "row_limit": 20}, True),
    Hot("page_ratings", {"after_agent": "agent 2", "row_limit": 100}, True),
    Hot("list_domain_ratings", {"agent_name": "agent 1"}),
    Hot("get_domain_elo", {"agent_name": "agent 1", "domain": "domain 1"}),
    Hot("list_recorded", {"debate_ids": ["m1", "m2"]}),
    Hot("get_match", {"debate_id": "m1"}),
    Hot("list_recent_matches", {"row_limit": 10}, True),
    Hot("get_head_to_head", {"agent_a": "agent 1", "agent_b": "agent 2"}),
    Hot("list_elo_history", {"agent_name": "agent 1", "row_limit": 5}, True),
    Hot("list_adjustments", {"agent_name": "agent 1", "kind": "redteam"}, True),
    Hot("list_predictions_by_agent", {"agent_name": "agent 1", "row_limit": 5}),
    Hot("list_domain_calibration", {"agent_name": "agent 1", "domain": None}),
    Hot("list_buckets", {"agent_name": "agent 1", "domain": None}),
    Hot("get_relationship", {"agent_a": "agent 1", "agent_b": "other 51"}),
    Hot("list_relationships", {"agent_name": "agent 1", "row_limit": 5}),
    Hot("page_history", {"after_number": 100, "row_limit": 100}, True),
]


async def prepare(elo: EloSystem) -> None:
    await elo.record_match("known", ["a", "b"], SCORES, "law")
    await elo.record_winner_prediction("known", "a", "b", 0.5)


def entries(count: int) -> list[Any]:
    return [
        {"debate_id": f"n{next(NUMBERS)}", "participants": ["a", "b"], "scores": SCORES}
        for _ in range(count)
    ]


ROUND_TRIPS = {
    "get_rating": Call(1, lambda s, kept: s.get_rating("a")),
    "get_ratings": Call(1, lambda s, kept: s.get_ratings(["a", "b"] * 50)),
    "get_leaderboard": Call(1, lambda s, kept: s.get_leaderboard()),
    "get_leaderboard of a domain": Call(1, lambda s, kept: s.get_leaderboard(domain="law")),
    "get_match": Call(1, lambda s, kept: s.get_match("known")),
    "get_recent_matches": Call(1, lambda s, kept: s.get_recent_matches()),
    "get_head_to_head": Call(1, lambda s, kept: s.get_head_to_head("a", "b")),
    "get_elo_history": Call(1, lambda s, kept: s.get_elo_history("a")),
    "get_stats": Call(1, lambda s, kept: s.get_stats()),
    "register_agent": Call(1, lambda s, kept: s.register_agent("a")),
    "record_critique": Call(1, lambda s, kept: s.record_critique("a", True)),
    # ratings are those that the same object has written last
    "record_match": Call(
        1, lambda s, kept: s.record_match(f"n{next(NUMBERS)}", ["a", "b"], SCORES)
    ),
    "record_match in a domain": Call(1, lambda s, kept: add(s)),
    "record_matches": Call(8, lambda s, kept: s.record_matches(entries(50))),
    # ratings and what is recorded
    "record_match again": Call(2, lambda s, kept: s.record_match("known", ["a", "b"], SCORES)),
    "update_relationship": Call(
        1, lambda s, kept: s.update_relationship("a", "b", agreement_increment=1)
    ),
    "get_relationship_raw": Call(1, lambda s, kept: s.get_relationship_raw("a", "b")),
    "get_rivals": Call(1, lambda s, kept: s.get_rivals("a")),
    "get_influence_network": Call(1, lambda s, kept: s.get_influence_network("a")),
    "get_learning_efficiency_batch": Call(
        2, lambda s, kept: s.get_learning_efficiency_batch(["a", "b"] * 20), at_most=True
    ),
    "get_voting_accuracy_batch": Call(1, lambda s, kept: s.get_voting_accuracy_batch(["a", "b"])),
    "record_domain_prediction": Call(
        5, lambda s, kept: s.record_domain_prediction("a", "law", 0.7, True)
    ),
}

BAD_ARGUMENTS = [
    *keys_of("register_agent", "agent_name"),
    *optional_texts_of("register_agent", "model"),
    *keys_of("get_rating", "agent_name"),
    *lists_of("get_ratings", "agent_names"),
    *keys_of("get_domain_ratings", "agent_name"),
    *keys_of("record_critique", "agent_name"),
    BadArgument("record_critique", "accepted", NOT_BOOLEANS),
    BadArgument("record_match", "debate_id", BAD_KEYS),
    BadArgument(
        "record_match",
        "participants",
        [[], ["a"], ["a", "a"], ["a", "b", "a"], [*"ab", ""], ["a", None], 5, b"ab", {"a": 1}],
    ),
    BadArgument(
        "record_match",
        "scores",
        [
            *NOT_OBJECTS,
            {},
            {"a": 1},
            {**SCORES, "c": 1},
            *({"a": 1, "b": bad} for bad in BAD_SCORES),
        ],
    ),
    BadArgument("record_match", "domain", BAD_KEYS),
    BadArgument("record_match", "confidence_weight", [math.nan, math.inf, True, "1", None]),
    BadArgument("record_match", "calibration_tracker", [object(), 5, "a"]),
    BadArgument("record_match", "winner", [*BAD_KEYS, "c", "b"]),
    BadArgument("record_match", "loser", [*BAD_KEYS, "c"]),
    BadArgument("record_match", "draw", NOT_BOOLEANS),
    BadArgument("record_match", "task", [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    BadArgument("record_match", "created_at", NOT_TIMESTAMPS),
    BadArgument("record_matches", "matches", [None, *NOT_LISTS, ["text"], [None], [{}]]),
    *keys_of("get_match", "debate_id"),
    *keys_of("get_head_to_head", "agent_a", "agent_b"),
    BadArgument("get_head_to_head", "agent_b", ["a"]),
    *limits_of("get_recent_matches", "get_leaderboard", "get_calibration_leaderboard"),
    BadArgument("get_leaderboard", "domain", BAD_KEYS),
    BadArgument("get_leaderboard", "min_games", NOT_COUNTS),
    *keys_of("get_top_agents_for_domain", "domain"),
    *keys_of("get_elo_history", "agent_name"),
    *limits_of("get_elo_history", "get_agent_calibration_history", "get_best_domains"),
    *keys_of("explain_rating", "agent_name"),
    BadArgument("recompute_ratings", "from_match", [*BAD_KEYS, "unknown"]),
    BadArgument("recompute_ratings", "repair", NOT_BOOLEANS),
    *keys_of("record_winner_prediction", "tournament_id", "predictor_agent", "predicted_winner"),
    BadArgument("record_winner_prediction", "confidence", [*NOT_FRACTIONS, None]),
    *keys_of("resolve_tournament_calibration", "tournament_id", "actual_winner"),
    *keys_of("get_agent_calibration_history", "agent_name"),
    *keys_of("record_domain_prediction", "agent_name", "domain"),
    BadArgument("record_domain_prediction", "confidence", [*NOT_FRACTIONS, None]),
    BadArgument("record_domain_prediction", "correct", NOT_BOOLEANS),
    *keys_of("get_domain_calibration", "agent_name"),
    BadArgument("get_domain_calibration", "domain", BAD_KEYS),
    *keys_of("get_calibration_by_bucket", "agent_name"),
    *keys_of("get_expected_calibration_error", "agent_name"),
    *keys_of("get_best_domains", "agent_name"),
    *keys_of("update_relationship", "agent_a", "agent_b"),
    BadArgument("update_relationship", "agent_b", ["a"]),
    *(
        BadArgument("update_relationship", name, NOT_COUNTS)
        for name in ("debate_increment", "agreement_increment", "critique_a_to_b", "a_win")
    ),
    BadArgument("update_relationships_batch", "updates", [None, *NOT_LISTS, ["text"], [None]]),
    *keys_of("get_relationship_raw", "agent_a", "agent_b"),
    *keys_of("get_all_relationships_for_agent", "agent_name"),
    *limits_of("get_all_relationships_for_agent", "get_rivals", "get_allies"),
    *keys_of("compute_relationship_metrics", "agent_a", "agent_b"),
    *keys_of("get_influence_network", "agent_name"),
    *limits_of(
        "get_influence_network", "query_km_agent_skill_history", "query_km_domain_expertise"
    ),
    *keys_of("query_km_agent_skill_history", "agent_name"),
    BadArgument("query_km_agent_skill_history", "domain", BAD_KEYS),
    *keys_of("query_km_domain_expertise", "domain"),
    *keys_of("get_rivals", "agent_name"),
    *keys_of("update_from_verification", "agent_name", "domain"),
    BadArgument("update_from_verification", "verified_count", NOT_COUNTS),
    BadArgument("update_from_verification", "disproven_count", NOT_COUNTS),
    BadArgument("update_from_verification", "k_factor", [*NOT_MEASURES, None]),
    *keys_of("get_verification_impact", "agent_name"),
    *keys_of("record_redteam_result", "agent_name"),
    BadArgument("record_redteam_result", "robustness_score", [*NOT_FRACTIONS, None]),
    BadArgument("record_redteam_result", "successful_attacks", [*NOT_COUNTS, 11]),
    BadArgument("record_redteam_result", "total_attacks", NOT_COUNTS),
    BadArgument("record_redteam_result", "critical_vulnerabilities", NOT_COUNTS),
    BadArgument("record_redteam_result", "session_id", BAD_KEYS),
    *keys_of("get_vulnerability_summary", "agent_name"),
    *keys_of("update_voting_accuracy", "agent_name", "domain"),
    BadArgument("update_voting_accuracy", "voted_for_consensus", NOT_BOOLEANS),
    BadArgument("update_voting_accuracy", "debate_id", BAD_KEYS),
    BadArgument("update_voting_accuracy", "apply_elo_bonus", NOT_BOOLEANS),
    BadArgument("update_voting_accuracy", "bonus_k_factor", [*NOT_MEASURES, None]),
    *keys_of("get_voting_accuracy", "agent_name"),
    *lists_of("get_voting_accuracy_batch", "agent_names"),
    *keys_of("get_learning_efficiency", "agent_name"),
    BadArgument("get_learning_efficiency", "domain", BAD_KEYS),
    BadArgument("get_learning_efficiency", "window_debates", NOT_COUNTS),
    *lists_of("get_learning_efficiency_batch", "agent_names"),
    *keys_of("apply_learning_bonus", "agent_name", "domain"),
    BadArgument("apply_learning_bonus", "bonus_factor", [*NOT_MEASURES, None]),
]

CASES = StoreCases(
    make=EloSystem,
    add=add,
    count=lambda elo: elo.count_matches(),
    foreign_table="elo_ratings (agent_name TEXT PRIMARY KEY, stars TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={
        "get_ratings of nobody": lambda s: s.get_ratings([]),
        "record_matches of nothing": lambda s: s.record_matches([]),
        "update_relationships_batch of nothing": lambda s: s.update_relationships_batch([]),
    },
    refused={"scores": lambda s: s.record_match("m", ["a", "b"], {"a": -1, "b": 0})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        "register_agent": {"agent_name": "a"},
        "record_critique": {"agent_name": "a", "accepted": True},
        "record_match": {"debate_id": "m", "participants": ["a", "b"], "scores": SCORES},
        "get_head_to_head": {"agent_a": "a", "agent_b": "b"},
        "get_elo_history": {"agent_name": "a"},
        "get_agent_calibration_history": {"agent_name": "a"},
        "get_best_domains": {"agent_name": "a"},
        "record_winner_prediction": {
            "tournament_id": "t",
            "predictor_agent": "a",
            "predicted_winner": "b",
            "confidence": 0.5,
        },
        "resolve_tournament_calibration": {"tournament_id": "t", "actual_winner": "a"},
        "record_domain_prediction": {
            "agent_name": "a",
            "domain": "law",
            "confidence": 0.5,
            "correct": True,
        },
        "get_domain_calibration": {"agent_name": "a"},
        "update_relationship": {"agent_a": "a", "agent_b": "b"},
        "get_relationship_raw": {"agent_a": "a", "agent_b": "b"},
        "get_all_relationships_for_agent": {"agent_name": "a"},
        "compute_relationship_metrics": {"agent_a": "a", "agent_b": "b"},
        "get_rivals": {"agent_name": "a"},
        "get_influence_network": {"agent_name": "a"},
        "query_km_agent_skill_history": {"agent_name": "a"},
        "query_km_domain_expertise": {"domain": "law"},
        "get_allies": {"agent_name": "a"},
        "update_from_verification": {"agent_name": "a", "domain": "law", "verified_count": 1},
        "record_redteam_result": {
            "agent_name": "a",
            "robustness_score": 0.9,
            "successful_attacks": 1,
            "total_attacks": 10,
        },
        "update_voting_accuracy": {"agent_name": "a", "voted_for_consensus": True},
        "get_learning_efficiency": {"agent_name": "a"},
        "apply_learning_bonus": {"agent_name": "a"},
    },
    batches=[
        Batch(
            "record_matches",
            "matches",
            {"participants": ["a", "b"], "scores": SCORES, "created_at": day(1)},
            "domain",
        ),
        Batch(
            "update_relationships_batch",
            "updates",
            {"agent_a": "a", "agent_b": "b", "a_win": 1},
            "agent_a",
        ),
    ],
)
