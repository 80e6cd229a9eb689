"""What the conformance suite needs to know of the critique store."""

from __future__ import annotations

import itertools
import math

from aragora_sql.stores.critique import CritiqueStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_TIMESTAMPS,
    UNSTORABLE_TEXTS,
    BadArgument,
    Batch,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    lists_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import critique, day

KEYS = ["key 1", "key 2", "key 3"]
NOW = day(400)
ISSUES = [f"issue {number}" for number in range(5)]

HOT = [
    Hot("get_debate", {"debate_id": "key"}),
    Hot("list_debates", {"debate_ids": KEYS}),
    Hot("delete_debate", {"debate_id": "key"}),
    Hot("get_critique", {"critique_id": 1}),
    Hot("list_critiques", {"debate_ids": KEYS}),
    Hot("list_recent_critiques", {"row_limit": 10}, True),
    Hot("export_training", {"after_id": 2000, "row_limit": 10}),
    Hot("lock_critique", {"critique_id": 1}),
    Hot("list_patterns", {"pattern_ids": KEYS}),
    Hot("record_pattern_failure", {"pattern_id": "key", "seen_at": NOW}),
    Hot("list_embeddings", {"pattern_ids": KEYS}),
    Hot(
        "lock_stale_patterns",
        {"cutoff": day(-1), "min_success_rate": 0.3, "row_limit": 10},
        True,
    ),
    Hot("list_reputations", {"agent_names": KEYS}),
]

NUMBERS = itertools.count()


async def add(critiques: CritiqueStore) -> None:
    await critiques.store_debate(f"d{next(NUMBERS)}", "Task")


async def fill(critiques: CritiqueStore) -> None:
    """Store some thousand rows in each table."""
    await critiques.store_debates(
        {
            "debate_id": f"debate {number}",
            "task": "Task",
            "consensus_reached": True,
            "created_at": day(number / 10),
            "critiques": [critique()],
        }
        for number in range(4000)
    )
    patterns = await critiques.store_pattern([f"issue {number}" for number in range(3000)])
    await critiques.store_embeddings({pattern.id: bytes(64) for pattern in patterns})
    await critiques.update_reputations({"agent_name": f"agent {n}"} for n in range(3000))


async def prepare(critiques: CritiqueStore) -> None:
    await critiques.store_debate("d", "Task", consensus_reached=True, critiques=[critique()])
    await critiques.store_pattern(ISSUES)


ROUND_TRIPS = {
    "get_debate": Call(1, lambda s, kept: s.get_debate("d")),
    "get_critique": Call(1, lambda s, kept: s.get_critique(1)),
    "get_recent_critiques": Call(1, lambda s, kept: s.get_recent_critiques()),
    "get_critiques_batch": Call(1, lambda s, kept: s.get_critiques_batch(["d"] * 100)),
    "retrieve_patterns": Call(1, lambda s, kept: s.retrieve_patterns()),
    "get_reputation": Call(1, lambda s, kept: s.get_reputation("claude")),
    "get_vote_weight": Call(1, lambda s, kept: s.get_vote_weight("claude")),
    "get_vote_weights_batch": Call(1, lambda s, kept: s.get_vote_weights_batch(["a"] * 100)),
    "get_all_reputations": Call(1, lambda s, kept: s.get_all_reputations()),
    "get_stats of critiques": Call(1, lambda s, kept: s.get_stats()),
    "get_archive_stats": Call(1, lambda s, kept: s.get_archive_stats()),
    "store_debate": Call(1, lambda s, kept: s.store_debate("d", "Task")),
    "store_critique": Call(1, lambda s, kept: s.store_critique(None, "claude")),
    "store_critiques": Call(1, lambda s, kept: s.store_critiques([critique()] * 100)),
    "delete_debate": Call(1, lambda s, kept: s.delete_debate("d")),
    "update_reputation": Call(1, lambda s, kept: s.update_reputation("claude", proposal_made=True)),
    "update_reputations": Call(
        1, lambda s, kept: s.update_reputations({"agent_name": f"agent {n}"} for n in range(100))
    ),
    "get_debates_with_critiques_batch": Call(
        2, lambda s, kept: s.get_debates_with_critiques_batch(["d"]), at_most=True
    ),
    "get_patterns_batch": Call(2, lambda s, kept: s.get_patterns_batch(["unknown"]), at_most=True),
    "retrieve_patterns_with_embeddings": Call(
        2, lambda s, kept: s.retrieve_patterns_with_embeddings(min_success=1), at_most=True
    ),
    "store_debate with critiques": Call(
        4, lambda s, kept: s.store_debate("d", "Task", critiques=[critique()] * 50), at_most=True
    ),
    "store_debates": Call(
        4,
        lambda s, kept: s.store_debates(
            {"debate_id": f"d{n}", "task": "Task", "critiques": [critique()] * 2} for n in range(50)
        ),
        at_most=True,
    ),
    "store_pattern": Call(5, lambda s, kept: s.store_pattern(ISSUES), at_most=True),
    "fail_pattern": Call(5, lambda s, kept: s.fail_pattern(ISSUES[0]), at_most=True),
    "update_prediction_outcome": Call(
        7, lambda s, kept: s.update_prediction_outcome(1, 0.5), at_most=True
    ),
}

BAD_ARGUMENTS = [
    *keys_of("store_debate", "debate_id"),
    *names_of("store_debate", "task"),
    *optional_texts_of("store_debate", "final_answer"),
    BadArgument("store_debate", "consensus_reached", NOT_BOOLEANS),
    BadArgument("store_debate", "confidence", NOT_FRACTIONS),
    BadArgument("store_debate", "rounds_used", NOT_COUNTS[:-1]),
    BadArgument("store_debate", "duration_seconds", NOT_MEASURES),
    *documents_of("store_debate", "grounded_verdict"),
    BadArgument("store_debate", "critiques", [None, *NOT_LISTS, ["text"], [None], [5]]),
    BadArgument("store_debate", "created_at", NOT_TIMESTAMPS),
    BadArgument("store_debates", "debates", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("get_debate", "debate_id"),
    *lists_of("get_debates_with_critiques_batch", "debate_ids"),
    *texts_of("delete_debate", "debate_id"),
    *keys_of("store_critique", "agent"),
    *optional_texts_of("store_critique", "target_agent", "reasoning"),
    *lists_of("store_critique", "issues", "suggestions"),
    BadArgument("store_critique", "severity", [-0.1, 10.1, math.nan, math.inf, True, "5"]),
    BadArgument("store_critique", "expected_usefulness", [*NOT_FRACTIONS, None]),
    BadArgument("store_critique", "debate_id", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]),
    BadArgument("store", "critique", [None, 5, "text", [], {}, {"agent": ""}, {"x": 1}]),
    BadArgument("store_critiques", "critiques", [None, *NOT_LISTS, ["text"], [None]]),
    BadArgument("get_critique", "critique_id", [-1, 2**63, 1.0, "1", None, True]),
    *limits_of("get_recent_critiques", "get_all_reputations", "retrieve_patterns"),
    *limits_of("get_relevant", "retrieve_patterns_with_embeddings"),
    *texts_of("get_critiques_for_debate", "debate_id"),
    *lists_of("get_critiques_batch", "debate_ids"),
    BadArgument("store_pattern", "issue_text", [None, 5, *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    BadArgument("store_pattern", "issue_text", [{"a": 1}, ["good", ""], ["good", None]]),
    BadArgument("store_critique_patterns", "critique", [None, 5, "text", ["text"]]),
    BadArgument("store_critique_patterns", "critique", [{"issues": "a"}, {"issues": [5]}]),
    BadArgument("store_critique_patterns", "critique", [{"suggestions": 5}]),
    *optional_texts_of("store_pattern", "suggestion_text", "example_task"),
    BadArgument("store_pattern", "severity", [-0.1, 10.1, math.nan, True, "5", None]),
    *names_of("fail_pattern", "issue_text"),
    *optional_texts_of("retrieve_patterns", "issue_type"),
    BadArgument("retrieve_patterns", "min_success", NOT_COUNTS),
    BadArgument("retrieve_patterns", "decay_halflife_days", [0, *NOT_MEASURES, None]),
    *lists_of("get_patterns_batch", "pattern_ids"),
    *texts_of("delete_pattern", "pattern_id"),
    BadArgument(
        "store_embeddings",
        "embeddings",
        [{"k": "text"}, {"": b""}, {5: b""}, {"x" * 1001: b""}],
    ),
    BadArgument("store_embeddings", "embeddings", [{"\x00": b""}, {"k": None}, [b""], None]),
    BadArgument("prune_stale_patterns", "max_age_days", [*NOT_MEASURES, None, 1e6, 1e300]),
    BadArgument("prune_stale_patterns", "min_success_rate", [*NOT_FRACTIONS, None]),
    BadArgument("update_prediction_outcome", "critique_id", [-1, 2**63, "1", None]),
    BadArgument("update_prediction_outcome", "actual_usefulness", [*NOT_FRACTIONS, None]),
    BadArgument(
        "update_prediction_outcome",
        "agent_name",
        [5, *BLANK_TEXTS, "\x00", "x" * 1001],
    ),
    BadArgument("update_prediction_outcome", "led_to_improvement", NOT_BOOLEANS[1:]),
    *keys_of("update_reputation", "agent_name"),
    BadArgument("update_reputation", "proposal_made", NOT_BOOLEANS),
    BadArgument("update_reputation", "proposal_accepted", NOT_BOOLEANS),
    BadArgument("update_reputation", "critique_given", NOT_BOOLEANS),
    BadArgument("update_reputation", "critique_valuable", NOT_BOOLEANS),
    BadArgument("update_reputations", "updates", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("get_reputation", "agent_name"),
    *lists_of("get_reputations", "agent_names"),
    *texts_of("get_vote_weight", "agent_name"),
    *lists_of("get_vote_weights_batch", "agent_names"),
]

CASES = StoreCases(
    make=CritiqueStore,
    add=add,
    count=lambda critiques: critiques.count_debates(),
    foreign_table="debates (id TEXT PRIMARY KEY, text TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={
        "get_vote_weights_batch of nobody": lambda s: s.get_vote_weights_batch([]),
        "store_debates of nothing": lambda s: s.store_debates([]),
    },
    refused={"severity": lambda s: s.store_critique(None, "claude", severity=11)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        "store_debate": {"debate_id": "d", "task": "t"},
        "store_critique": {"debate_id": None, "agent": "a"},
        "store_pattern": {"issue_text": "Bug"},
        "update_prediction_outcome": {"critique_id": 1, "actual_usefulness": 0.5},
        "update_reputation": {"agent_name": "a"},
    },
    batches=[
        Batch("store_debates", "debates", {"debate_id": "d", "task": "t"}, "task"),
        Batch("store_critiques", "critiques", critique(), "severity"),
        Batch("update_reputations", "updates", {"agent_name": "a"}, "agent_name"),
    ],
)
