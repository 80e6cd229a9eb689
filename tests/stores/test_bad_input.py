"""Bad arguments are refused by name, the same on both engines, and nothing is written."""

from __future__ import annotations

import math
import random
import re
import string
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.consensus.dissents import DissentRetriever
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import consensus, critique, day, dissent, row_counts

Call = Callable[..., Awaitable[object]]

NOT_TEXTS: list[Any] = [None, 5, b"bytes", ["text"], 0.5]
UNSTORABLE_TEXTS = ["NUL \x00 inside", "\x00", "lone \ud800 surrogate", "\udfff"]
BLANK_TEXTS = ["", " ", "\t\n", "\N{NO-BREAK SPACE}"]
NOT_FRACTIONS: list[Any] = [-0.01, 1.01, math.nan, math.inf, -math.inf, True, False, "0.5", 10**400]
NOT_MEASURES: list[Any] = [-1, -5e-324, math.nan, math.inf, True, "1", 10**400]
NOT_COUNTS: list[Any] = [-1, 2**31, 2**40, -(2**63), 1.0, math.nan, True, "1", None]
NOT_BOOLEANS: list[Any] = [None, 0, 1, "true", []]
NOT_TIMESTAMPS: list[Any] = [
    datetime(2026, 1, 1),
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    day(0).date(),
    "2026-01-01T00:00:00Z",
    1.5,
]
NOT_LISTS: list[Any] = ["text", b"bytes", {"a": 1}, 5]
NOT_OBJECTS: list[Any] = [["list"], "text", 5, [("a", 1)]]
NOT_JSON: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    {1: "a key that is not text"},
    {None: 1},
    object(),
    {1, 2},
    b"bytes",
    datetime(2026, 1, 1, tzinfo=UTC),
    "NUL \x00",
    "\ud800",
    {"\x00": 1},
    {"\ud800": 1},
    [[[math.nan]]],
    1 + 2j,
]


class Case(NamedTuple):
    """One argument of a method, and what it does not take."""

    store: str
    method: str
    argument: str
    values: list[Any]


def texts_of(store: str, method: str, *arguments: str) -> list[Case]:
    """Cases of arguments that are texts, which may be empty."""
    return [Case(store, method, name, NOT_TEXTS + UNSTORABLE_TEXTS) for name in arguments]


def optional_texts_of(store: str, method: str, *arguments: str) -> list[Case]:
    return [Case(store, method, name, NOT_TEXTS[1:] + UNSTORABLE_TEXTS) for name in arguments]


def names_of(store: str, method: str, *arguments: str) -> list[Case]:
    """Cases of arguments that are texts and have to say something."""
    return [
        Case(store, method, name, NOT_TEXTS + UNSTORABLE_TEXTS + BLANK_TEXTS) for name in arguments
    ]


def keys_of(store: str, method: str, *arguments: str) -> list[Case]:
    """Cases of identifiers and names, which have to fit into an index."""
    too_long = ["x" * 1001, "é" * 501, "x" * 100_000]
    return [
        Case(store, method, name, NOT_TEXTS + UNSTORABLE_TEXTS + BLANK_TEXTS + too_long)
        for name in arguments
    ]


def limits_of(store: str, *methods: str) -> list[Case]:
    return [Case(store, method, "limit", NOT_COUNTS) for method in methods]


def lists_of(store: str, method: str, *arguments: str) -> list[Case]:
    """Cases of arguments that are lists of texts."""
    bad_items = [["good", bad] for bad in NOT_TEXTS + UNSTORABLE_TEXTS]
    return [Case(store, method, name, NOT_LISTS + bad_items) for name in arguments]


def documents_of(store: str, method: str, *arguments: str) -> list[Case]:
    bad_values = [{"a": {"b": bad}} for bad in NOT_JSON]
    return [Case(store, method, name, NOT_OBJECTS + bad_values) for name in arguments]


MEMORY_CASES = [
    *names_of("memory", "store_consensus", "topic"),
    *keys_of("memory", "store_consensus", "domain"),
    *texts_of("memory", "store_consensus", "conclusion"),
    Case(
        "memory", "store_consensus", "debate_id", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]
    ),
    Case("memory", "store_consensus", "strength", ["medium", "", "STRONG", None, 5, [], "\x00"]),
    Case("memory", "store_consensus", "confidence", [*NOT_FRACTIONS, None]),
    *lists_of("memory", "store_consensus", "participating_agents", "agreeing_agents"),
    Case(
        "memory", "store_consensus", "participating_agents", [["a", blank] for blank in BLANK_TEXTS]
    ),
    Case("memory", "store_consensus", "agreeing_agents", [["a", blank] for blank in BLANK_TEXTS]),
    Case("memory", "store_consensus", "dissenting_agents", [["a", blank] for blank in BLANK_TEXTS]),
    *lists_of("memory", "store_consensus", "dissenting_agents", "key_claims", "tags"),
    *lists_of("memory", "store_consensus", "supporting_evidence"),
    Case("memory", "store_consensus", "debate_duration", [*NOT_MEASURES, None]),
    Case("memory", "store_consensus", "rounds", NOT_COUNTS),
    *documents_of("memory", "store_consensus", "metadata", "data"),
    Case("memory", "store_consensus", "belief_cruxes", [*NOT_LISTS, *([bad] for bad in NOT_JSON)]),
    Case(
        "memory", "store_consensus", "supersedes", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]
    ),
    Case("memory", "store_consensus", "created_at", NOT_TIMESTAMPS),
    Case("memory", "store_many", "records", [None, *NOT_LISTS, ["text"], [None], [5]]),
    *texts_of("memory", "get_consensus", "consensus_id"),
    *texts_of("memory", "get_by_topic_hash", "topic_hash"),
    *limits_of("memory", "get_recent", "get_by_domain", "get_domain_consensus_history"),
    Case("memory", "get_recent", "min_confidence", [*NOT_FRACTIONS, None]),
    Case("memory", "get_by_domain", "min_confidence", [*NOT_FRACTIONS, None]),
    *optional_texts_of("memory", "get_recent", "domain"),
    *texts_of("memory", "get_by_domain", "domain"),
    *texts_of("memory", "get_domain_consensus_history", "domain"),
    *optional_texts_of("memory", "count", "domain"),
    *texts_of("memory", "update_cruxes", "consensus_id"),
    Case("memory", "update_cruxes", "cruxes", [None, *NOT_LISTS, *([bad] for bad in NOT_JSON)]),
    *keys_of("memory", "supersede_consensus", "old_id"),
    *texts_of("memory", "delete_consensus", "consensus_id"),
    Case("memory", "cleanup_old_records", "max_age_days", [*NOT_MEASURES, None, 1e6, 1e300]),
    *texts_of("memory", "find_similar", "topic"),
    *limits_of("memory", "find_similar", "find_similar_debates", "find_relevant_dissent"),
    Case("memory", "find_similar", "min_confidence", [*NOT_FRACTIONS, None]),
    *optional_texts_of("memory", "find_similar", "domain"),
    *texts_of("memory", "find_similar_debates", "topic"),
    *texts_of("memory", "find_relevant_dissent", "topic"),
    Case("memory", "find_relevant_dissent", "min_confidence", [*NOT_FRACTIONS, None]),
    Case("memory", "find_relevant_dissent", "dissent_types", ["abstention", ["whim"], [None], 5]),
    *keys_of("memory", "store_dissent", "debate_id", "agent_id"),
    *texts_of("memory", "store_dissent", "content", "reasoning", "rebuttal"),
    Case("memory", "store_dissent", "dissent_type", ["whim", "", "ABSTENTION", None, 5, {}]),
    Case("memory", "store_dissent", "confidence", [*NOT_FRACTIONS, None]),
    Case("memory", "store_dissent", "acknowledged", NOT_BOOLEANS),
    *documents_of("memory", "store_dissent", "metadata", "data"),
    Case("memory", "store_dissent", "created_at", NOT_TIMESTAMPS),
    Case("memory", "store_dissents", "dissents", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("memory", "get_dissent", "dissent_id"),
    *texts_of("memory", "get_dissents", "debate_id"),
    *lists_of("memory", "get_dissents_batch", "consensus_ids"),
    *texts_of("memory", "get_dissents_by_agent", "agent_id"),
    *limits_of("memory", "get_dissents_by_agent", "get_dissents_by_type"),
    Case("memory", "get_dissents_by_type", "dissent_type", ["whim", None]),
    *texts_of("memory", "acknowledge_dissent", "dissent_id", "rebuttal"),
    *texts_of("memory", "delete_dissent", "dissent_id"),
    *keys_of("memory", "store_proof", "debate_id"),
    Case("memory", "store_proof", "proof_status", ["proved", "", None, 5]),
    *optional_texts_of("memory", "store_proof", "language", "formal_statement", "proof_hash"),
    *optional_texts_of("memory", "store_proof", "prover_version", "error_message"),
    Case("memory", "store_proof", "is_verified", NOT_BOOLEANS),
    Case("memory", "store_proof", "translation_time_ms", NOT_MEASURES),
    Case("memory", "store_proof", "proof_search_time_ms", NOT_MEASURES),
    *documents_of("memory", "store_proof", "metadata", "data"),
    Case("memory", "store_proof", "created_at", NOT_TIMESTAMPS),
    Case("memory", "store_proofs", "proofs", [None, *NOT_LISTS, ["text"], [None]]),
    Case("memory", "store_verified_proof", "proof_result", [None, *NOT_OBJECTS]),
    *texts_of("memory", "get_verified_proof", "debate_id"),
    *texts_of("memory", "get_proofs_for_debate", "debate_id"),
    *limits_of("memory", "list_verified_debates", "get_verified_proofs"),
    *keys_of("memory", "record_vote", "debate_id", "user_id"),
    *names_of("memory", "record_vote", "vote"),
    *texts_of("memory", "record_vote", "source"),
    *texts_of("memory", "get_votes", "debate_id"),
]

CRITIQUE_CASES = [
    *keys_of("critiques", "store_debate", "debate_id"),
    *names_of("critiques", "store_debate", "task"),
    *optional_texts_of("critiques", "store_debate", "final_answer"),
    Case("critiques", "store_debate", "consensus_reached", NOT_BOOLEANS),
    Case("critiques", "store_debate", "confidence", NOT_FRACTIONS),
    Case("critiques", "store_debate", "rounds_used", NOT_COUNTS[:-1]),
    Case("critiques", "store_debate", "duration_seconds", NOT_MEASURES),
    *documents_of("critiques", "store_debate", "grounded_verdict"),
    Case("critiques", "store_debate", "critiques", [None, *NOT_LISTS, ["text"], [None], [5]]),
    Case("critiques", "store_debate", "created_at", NOT_TIMESTAMPS),
    Case("critiques", "store_debates", "debates", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("critiques", "get_debate", "debate_id"),
    *lists_of("critiques", "get_debates_with_critiques_batch", "debate_ids"),
    *texts_of("critiques", "delete_debate", "debate_id"),
    *keys_of("critiques", "store_critique", "agent"),
    *optional_texts_of("critiques", "store_critique", "target_agent", "reasoning"),
    *lists_of("critiques", "store_critique", "issues", "suggestions"),
    Case("critiques", "store_critique", "severity", [-0.1, 10.1, math.nan, math.inf, True, "5"]),
    Case("critiques", "store_critique", "expected_usefulness", [*NOT_FRACTIONS, None]),
    Case(
        "critiques", "store_critique", "debate_id", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1001]
    ),
    Case("critiques", "store", "critique", [None, 5, "text", [], {}, {"agent": ""}, {"x": 1}]),
    Case("critiques", "store_critiques", "critiques", [None, *NOT_LISTS, ["text"], [None]]),
    Case("critiques", "get_critique", "critique_id", [-1, 2**63, 1.0, "1", None, True]),
    *limits_of("critiques", "get_recent_critiques", "get_all_reputations", "retrieve_patterns"),
    *limits_of("critiques", "get_relevant", "retrieve_patterns_with_embeddings"),
    *texts_of("critiques", "get_critiques_for_debate", "debate_id"),
    *lists_of("critiques", "get_critiques_batch", "debate_ids"),
    Case("critiques", "store_pattern", "issue_text", [None, 5, *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    Case("critiques", "store_pattern", "issue_text", [{"a": 1}, ["good", ""], ["good", None]]),
    Case("critiques", "store_critique_patterns", "critique", [None, 5, "text", ["text"]]),
    Case("critiques", "store_critique_patterns", "critique", [{"issues": "a"}, {"issues": [5]}]),
    Case("critiques", "store_critique_patterns", "critique", [{"suggestions": 5}]),
    *optional_texts_of("critiques", "store_pattern", "suggestion_text", "example_task"),
    Case("critiques", "store_pattern", "severity", [-0.1, 10.1, math.nan, True, "5", None]),
    *names_of("critiques", "fail_pattern", "issue_text"),
    *optional_texts_of("critiques", "retrieve_patterns", "issue_type"),
    Case("critiques", "retrieve_patterns", "min_success", NOT_COUNTS),
    Case("critiques", "retrieve_patterns", "decay_halflife_days", [0, *NOT_MEASURES, None]),
    *lists_of("critiques", "get_patterns_batch", "pattern_ids"),
    *texts_of("critiques", "delete_pattern", "pattern_id"),
    Case(
        "critiques",
        "store_embeddings",
        "embeddings",
        [{"k": "text"}, {"": b""}, {5: b""}, {"x" * 1001: b""}],
    ),
    Case("critiques", "store_embeddings", "embeddings", [{"\x00": b""}, {"k": None}, [b""], None]),
    Case("critiques", "prune_stale_patterns", "max_age_days", [*NOT_MEASURES, None, 1e6, 1e300]),
    Case("critiques", "prune_stale_patterns", "min_success_rate", [*NOT_FRACTIONS, None]),
    Case("critiques", "update_prediction_outcome", "critique_id", [-1, 2**63, "1", None]),
    Case("critiques", "update_prediction_outcome", "actual_usefulness", [*NOT_FRACTIONS, None]),
    Case(
        "critiques",
        "update_prediction_outcome",
        "agent_name",
        [5, *BLANK_TEXTS, "\x00", "x" * 1001],
    ),
    Case("critiques", "update_prediction_outcome", "led_to_improvement", NOT_BOOLEANS[1:]),
    *keys_of("critiques", "update_reputation", "agent_name"),
    Case("critiques", "update_reputation", "proposal_made", NOT_BOOLEANS),
    Case("critiques", "update_reputation", "proposal_accepted", NOT_BOOLEANS),
    Case("critiques", "update_reputation", "critique_given", NOT_BOOLEANS),
    Case("critiques", "update_reputation", "critique_valuable", NOT_BOOLEANS),
    Case("critiques", "update_reputations", "updates", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("critiques", "get_reputation", "agent_name"),
    *lists_of("critiques", "get_reputations", "agent_names"),
    *texts_of("critiques", "get_vote_weight", "agent_name"),
    *lists_of("critiques", "get_vote_weights_batch", "agent_names"),
]

RETRIEVER_CASES = [
    *texts_of("retriever", "retrieve_for_new_debate", "topic"),
    *texts_of("retriever", "find_risk_warnings", "topic"),
    *limits_of("retriever", "find_risk_warnings", "find_contrarian_views"),
    *optional_texts_of("retriever", "find_risk_warnings", "domain"),
]

# What else a method needs: arguments that are right.
GOOD: dict[str, dict[str, Any]] = {
    "store_consensus": consensus(),
    "get_by_domain": {"domain": "general"},
    "get_domain_consensus_history": {"domain": "general"},
    "update_cruxes": {"consensus_id": "unknown", "cruxes": []},
    "supersede_consensus": {
        "new_topic": "t",
        "new_conclusion": "c",
        "strength": "weak",
        "confidence": 0.5,
        "participating_agents": [],
        "agreeing_agents": [],
    },
    "find_similar": {"topic": "rate"},
    "find_similar_debates": {"topic": "rate"},
    "find_relevant_dissent": {"topic": "rate"},
    "find_risk_warnings": {"topic": "rate"},
    "find_contrarian_views": {"consensus_position": "rate"},
    "store_dissent": dissent("unknown"),
    "get_dissents_by_agent": {"agent_id": "a"},
    "get_dissents_by_type": {"dissent_type": "abstention"},
    "acknowledge_dissent": {"dissent_id": "unknown"},
    "store_proof": {"debate_id": "unknown", "proof_status": "timeout"},
    "store_verified_proof": {"debate_id": "unknown"},
    "record_vote": {"debate_id": "d", "user_id": "u", "vote": "v"},
    "store_debate": {"debate_id": "d", "task": "t"},
    "store_critique": {"debate_id": None, "agent": "a"},
    "store_pattern": {"issue_text": "Bug"},
    "update_prediction_outcome": {"critique_id": 1, "actual_usefulness": 0.5},
    "update_reputation": {"agent_name": "a"},
}


@pytest.fixture
def stores(memory: ConsensusMemory, critiques: CritiqueStore) -> dict[str, object]:
    return {"memory": memory, "critiques": critiques, "retriever": DissentRetriever(memory)}


ALL_CASES = MEMORY_CASES + CRITIQUE_CASES + RETRIEVER_CASES


@pytest.mark.parametrize(
    ("store", "method"), sorted({(case.store, case.method) for case in ALL_CASES})
)
async def test_a_bad_argument_is_refused_by_its_name(
    stores: dict[str, object], memory: ConsensusMemory, store: str, method: str
) -> None:
    call: Call = getattr(stores[store], method)
    for case in ALL_CASES:
        if (case.store, case.method) != (store, method):
            continue
        for value in case.values:
            arguments = {**GOOD.get(method, {}), case.argument: value}
            with pytest.raises(InvalidInputError) as caught:
                await call(**arguments)
            name, problem = caught.value.argument, str(caught.value).partition(": ")[2]
            assert re.fullmatch(rf"{case.argument}([.\[].+)?", name), (arguments, name)
            assert problem, arguments
    assert await row_counts(memory.database) == {}


BATCHES: list[tuple[str, str, dict[str, Any], str]] = [
    ("memory", "store_many", consensus(), "confidence"),
    ("memory", "store_dissents", dissent("unknown"), "agent_id"),
    ("memory", "store_proofs", {"debate_id": "unknown", "proof_status": "timeout"}, "is_verified"),
    ("critiques", "store_debates", {"debate_id": "d", "task": "t"}, "task"),
    ("critiques", "store_critiques", critique(), "severity"),
    ("critiques", "update_reputations", {"agent_name": "a"}, "agent_name"),
]


@pytest.mark.parametrize(("store", "method", "good", "argument"), BATCHES)
async def test_a_bad_entry_of_a_batch_is_named(
    stores: dict[str, object],
    memory: ConsensusMemory,
    store: str,
    method: str,
    good: dict[str, Any],
    argument: str,
) -> None:
    call: Call = getattr(stores[store], method)
    name = {
        "store_many": "records",
        "store_dissents": "dissents",
        "store_proofs": "proofs",
        "store_debates": "debates",
        "store_critiques": "critiques",
        "update_reputations": "updates",
    }[method]
    bad_entries = [
        ({**good, argument: ["not", "right"]}, f"{name}[2].{argument}"),
        ({**good, "unknown_key": 1}, f"{name}[2]"),
        ({}, f"{name}[2]"),
        (dict[Any, Any](good) | {5: 1}, f"{name}[2]"),
        ("text", f"{name}[2]"),
        (None, f"{name}[2]"),
    ]
    for bad, expected in bad_entries:
        with pytest.raises(InvalidInputError) as caught:
            await call([good, good, bad, good])
        assert caught.value.argument == expected
        assert str(caught.value).partition(": ")[2]
        if bad and "unknown_key" in bad:
            assert "unknown_key" in str(caught.value)
    assert await row_counts(memory.database) == {}


async def test_an_error_says_what_is_allowed(memory: ConsensusMemory) -> None:
    with pytest.raises(InvalidInputError, match=r"^confidence: 1\.5 is not between 0 and 1$"):
        await memory.store_consensus(**consensus(confidence=1.5))
    with pytest.raises(InvalidInputError, match="unanimous, strong, moderate, weak, split, cont"):
        await memory.store_consensus(**consensus(strength="medium"))
    with pytest.raises(InvalidInputError, match=r"^created_at: .*aware datetime"):
        await memory.store_consensus(**consensus(created_at=datetime(2026, 1, 1)))
    with pytest.raises(InvalidInputError, match=r"^metadata\['a'\]\[1\]: nan"):
        await memory.store_consensus(**consensus(metadata={"a": [0, math.nan]}))


async def test_a_wrong_critique_of_a_debate_is_named(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    for bad, expected in (
        (critique(severity=11), "critiques[1].severity"),
        (critique(issues=[None]), "critiques[1].issues[0]"),
        (critique(unknown=1), "critiques[1]"),
        ("text", "critiques[1]"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await critiques.store_debate("d", "Task", critiques=[critique(), bad])  # type: ignore[list-item]
        assert caught.value.argument == expected
        with pytest.raises(InvalidInputError) as caught:
            await critiques.store_debates(
                [{"debate_id": "d", "task": "t", "critiques": [critique(), bad]}]  # type: ignore[list-item]
            )
        assert caught.value.argument == f"debates[0].{expected}"
    assert await row_counts(memory.database) == {}


async def test_a_wrong_value_in_a_prover_s_result_is_named(memory: ConsensusMemory) -> None:
    parent = await memory.store_consensus(**consensus())
    for result, expected in (
        ({"status": "proved"}, "proof_status"),
        ({"is_verified": "yes"}, "is_verified"),
        ({"translation_time_ms": -1}, "translation_time_ms"),
        ({"extra": math.nan}, "data"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await memory.store_verified_proof(parent.id, result)
        assert caught.value.argument.startswith(expected)
    assert await row_counts(memory.database) == {"consensus": 1}


async def test_bad_input_within_a_transaction_leaves_it_usable(memory: ConsensusMemory) -> None:
    async with memory.database.transaction():
        await memory.store_consensus(**consensus())
        with pytest.raises(InvalidInputError):
            await memory.store_consensus(**consensus(confidence=math.nan))
        await memory.store_consensus(**consensus())
    assert await memory.count() == 2


async def test_the_longest_keys_fit_into_every_index(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    # random, because an index holds text compressed
    key = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=1000))  # noqa: S311
    await memory.store_consensus(**consensus(domain=key, debate_id=key))
    record = await memory.store_consensus(**consensus())
    await memory.store_dissent(**dissent(record.id, agent_id=key))
    await memory.record_vote(key, key[::-1], "yes")
    await critiques.store_debate(key, "Task", critiques=[critique(key)])
    await critiques.update_reputation(key)
    assert len(await memory.get_by_domain(key)) == 1
    assert len(await memory.get_dissents_by_agent(key)) == 1
    assert len(await memory.get_votes(key)) == 1
    assert len(await critiques.get_critiques_for_debate(key)) == 1
    assert await critiques.get_reputation(key) is not None
