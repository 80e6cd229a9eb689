"""Arguments are checked together, and one by one where one needs it; both come to the same."""

from __future__ import annotations

import copy
import math
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aragora_sql.database.values import load_json
from aragora_sql.errors import InvalidInputError, MissingParentError
from aragora_sql.stores import batches
from aragora_sql.stores import validation as valid
from aragora_sql.stores.consensus import records
from aragora_sql.stores.consensus.records import (
    STRENGTHS,
    ConsensusRecord,
    ConsensusStrength,
    new_consensus,
    new_consensus_of_batch,
)
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus


class Word(StrEnum):
    ONE = "one"


class Text(str):
    __slots__ = ()


TIMESTAMP = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
TEXTS = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["", " ", "\t\n", "a\x00b", "\ud800", "\udc00", "é", "x" * 251, "é" * 501]),
    st.sampled_from([Word.ONE, Text("t"), Text(" "), None, 5, b"x", ["a"], object]),
)
LISTS = st.one_of(
    st.none(),
    st.lists(TEXTS, max_size=3),
    st.lists(st.text(max_size=4), max_size=3).map(tuple),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    st.sampled_from([{"a": 1}, {"a"}, "text", 5, b"x", frozenset(("a",)), Word]),
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from(["null", "1e+5", "\\u0000", "a\x00", "\ud800", Word.ONE, Text("t"), b"x"]),
        st.sampled_from([1e17, 1e16, 1e15, -1e300, 1e-9, (1, 2), TIMESTAMP]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=3), st.just(5)), inner, max_size=3),
    ),
    max_leaves=6,
)
DOCUMENTS = st.one_of(
    st.none(),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    st.sampled_from([[], [1], "text", 5, OrderedDict(a=1), (1,)]),
)
NUMBERS = st.one_of(
    st.floats(0, 1),
    st.floats(),
    st.integers(-2, 2**33),
    st.booleans(),
    st.sampled_from([None, "1", -0.0, 1.7e308, math.inf, math.nan, 10**400]),
)
GOOD: dict[str, Any] = {
    "topic": "Rate limiting",
    "conclusion": "Use a bucket",
    "strength": "strong",
    "confidence": 0.5,
    "participating_agents": ["a", "b"],
    "agreeing_agents": ["a"],
    "dissenting_agents": ("b",),
    "key_claims": ["é"],
    "domain": "general",
    "tags": [],
    "debate_duration": 1.5,
    "rounds": 3,
    "metadata": {"a": [1, 2.5, None]},
    "supporting_evidence": None,
    "belief_cruxes": [{"claim": "c"}],
    "supersedes": "k",
    "debate_id": None,
    "data": {},
    "created_at": TIMESTAMP,
}
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "topic": TEXTS,
    "conclusion": TEXTS,
    "strength": st.one_of(
        st.sampled_from([*STRENGTHS, *ConsensusStrength]),
        st.sampled_from(["medium", "", None, [], {}, Text("weak"), Word.ONE, "\x00", 5]),
    ),
    "confidence": NUMBERS,
    "participating_agents": LISTS,
    "agreeing_agents": LISTS,
    "dissenting_agents": LISTS,
    "key_claims": LISTS,
    "domain": TEXTS,
    "tags": LISTS,
    "debate_duration": NUMBERS,
    "rounds": NUMBERS,
    "metadata": DOCUMENTS,
    "supporting_evidence": LISTS,
    "belief_cruxes": st.one_of(st.none(), st.lists(VALUES, max_size=3), DOCUMENTS),
    "supersedes": TEXTS,
    "debate_id": TEXTS,
    "data": DOCUMENTS,
    "created_at": st.sampled_from(
        [TIMESTAMP, TIMESTAMP.astimezone(timezone(timedelta(hours=2))), datetime(2026, 1, 1), "x"]
    ),
}


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Good arguments, of which some are replaced by others, often bad ones."""
    names = draw(st.lists(st.sampled_from([*STRATEGIES]), max_size=3, unique=True))
    return GOOD | {name: draw(STRATEGIES[name]) for name in names}


@contextmanager
def one_by_one() -> Iterator[None]:
    """Check each argument by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_are_plain", lambda *arguments: False)
        yield


def shown(value: Any) -> Any:
    """Return a value with the types of all that is in it."""
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return type(value), repr(value)


def outcome(given_arguments: dict[str, Any]) -> Any:
    """Return what a consensus is made of, or the error."""
    try:
        record, row = new_consensus("records[1].", **given_arguments)
    except InvalidInputError as error:
        return error.argument, str(error)
    fields = {name: shown(getattr(record, name)) for name in record.keys()}  # noqa: SIM118
    parameters = {name: shown(value) for name, value in row.items()}
    del fields["id"], parameters["id"]
    return fields, parameters


@settings(max_examples=600, deadline=None)
@given(arguments())
def test_what_is_checked_together_is_as_if_checked_one_by_one(given_: dict[str, Any]) -> None:
    together = outcome(given_)
    with one_by_one():
        assert outcome(given_) == together


def test_plain_arguments_are_not_checked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any) -> Any:
        raise AssertionError(arguments)

    for name in ("text", "identifier", "choice", "number", "document", "array", "texts", "names"):
        monkeypatch.setattr(valid, name, refused)
    for strength in (*STRENGTHS, *ConsensusStrength):
        new_consensus("", **GOOD | {"strength": strength})


@settings(max_examples=100, deadline=None)
@given(arguments())
def test_a_row_of_a_batch_holds_the_values_of_a_row_by_itself(given_: dict[str, Any]) -> None:
    try:
        record, row = new_consensus("", **given_)
    except InvalidInputError:
        return
    other, values = new_consensus_of_batch("", **given_)
    assert replace(other, id=record.id) == record
    assert [*row][1:-2] == [*records._PARAMETERS][1:-2]
    assert values[1:-2] == [*row.values()][1:-2]
    assert datetime.fromisoformat(str(values[-1])) == row["updated_at"]


def test_a_record_that_was_stored_is_one_that_was_read() -> None:
    record, row = new_consensus("", **GOOD)
    fields = {name: getattr(new_consensus("", **GOOD)[0], name) for name in record.keys()}  # noqa: SIM118
    read = ConsensusRecord(**fields | {"id": record.id})

    def stored() -> ConsensusRecord:
        return replace(new_consensus("", **GOOD)[0], id=record.id)

    assert record == read
    assert repr(stored()) == repr(read)
    assert asdict(stored()) == asdict(read)
    assert stored().to_dict() == read.to_dict()
    assert ConsensusRecord.from_dict(stored().to_dict()) == read
    assert copy.copy(stored()) == copy.deepcopy(stored()) == read
    assert pickle.loads(pickle.dumps(stored())) == read  # noqa: S301
    assert stored()["metadata"] == {"a": [1, 2.5, None]} == load_json(row["metadata"])


def test_what_is_looked_at_is_decoded_once_and_is_nobody_else_s() -> None:
    metadata = {"a": [1]}
    record, _ = new_consensus("", **GOOD | {"metadata": metadata})
    metadata["a"].append(2)
    assert record.metadata == {"a": [1]}
    record.metadata["b"] = 3
    assert record.metadata == {"a": [1], "b": 3}
    with pytest.raises(AttributeError):
        record.metadata = {}  # type: ignore[misc]


async def test_a_batch_of_several_parts_is_stored_whole_or_not_at_all(
    memory: ConsensusMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LARGEST_PART", 1500)
    entries = [consensus(f"topic {number}") for number in range(20)]
    assert len(batches.in_parts([new_consensus_of_batch("", **one)[1] for one in entries])) > 2
    with pytest.raises(MissingParentError):
        await memory.store_many([*entries, consensus(supersedes="unknown")])
    assert await memory.count() == 0
    stored = await memory.store_many(entries)
    assert await memory.count() == 20
    assert [await memory.get_consensus(one.id) for one in stored] == stored


async def test_a_batch_reads_back_as_it_was_given(memory: ConsensusMemory) -> None:
    entries = [
        consensus(
            'quotes " and \\ and é and 😀',
            conclusion="line\nbreak\u2028",
            confidence=0.1 + 0.2,
            debate_duration=duration,
            rounds=2**31 - 1,
            metadata={"large": 2**80, "float": 1e17, "small": 5e-324, "text": '"\\"'},
            data={"deep": [[[{"a": None}]]]},
            belief_cruxes=[1.5, "x", {"y": []}],
        )
        for duration in (0.0, 41.5, 1e22, 5e-324, 123456789.123456789, 1e300)
    ]
    stored = await memory.store_many(entries)
    assert [await memory.get_consensus(one.id) for one in stored] == stored
    assert [one.debate_duration_seconds for one in stored] == [
        one["debate_duration"] for one in entries
    ]


async def test_a_zero_has_no_sign(memory: ConsensusMemory) -> None:
    zeros: dict[str, Any] = {"confidence": -0.0, "debate_duration": -0.0}
    alone = await memory.store_consensus(**consensus(**zeros))
    [of_batch] = await memory.store_many([consensus(**zeros)])
    for record in (alone, of_batch):
        read = await memory.get_consensus(record.id)
        assert read is not None
        for one in (record, read):
            signs = (one.confidence, one.debate_duration_seconds)
            assert [math.copysign(1.0, value) for value in signs] == [1.0, 1.0]
