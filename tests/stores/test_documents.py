"""Documents of any content, in every store that takes JSON: the same answer on both engines.

What a value becomes is told here a second time, in a few lines that know nothing of encoders, and
compared with what each store reads back.
"""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict, namedtuple
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aragora_sql.database import Database
from aragora_sql.database.values import dump_json, load_documents, load_json
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.stores.samples import (
    KEYRING,
    consensus,
    debate_checkpoint,
    dissent,
    row_counts,
    workflow_checkpoint,
)
from tests.stores.test_values import same


class Role(str, Enum):  # noqa: UP042 - its str() is not its value
    JUDGE = "judge"
    SCIENTIFIC = "1e17"


class Labelled(str, Enum):  # noqa: UP042 - its value is not its text
    NAMED = ("text", "label")

    def __new__(cls, text: str, label: str) -> Labelled:
        member = str.__new__(cls, text)
        member._value_ = label
        return member


class Phase(StrEnum):
    OPEN = "open"


class Level(IntEnum):
    HIGH = 3


class Plain(Enum):
    TEXT = "text"
    NUMBER = 1


class Bits(Flag):
    ONE = 1


@dataclass
class Record:
    name: str = "x"


Pair = namedtuple("Pair", ["left", "right"])


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Measure(float):
    __slots__ = ()

    def __repr__(self) -> str:
        return "something else"


REFUSED: list[Any] = [
    UUID(int=2**100),
    Decimal("1.5"),
    Fraction(1, 2),
    Plain.TEXT,
    Plain.NUMBER,
    Bits.ONE,
    Record(),
    datetime(2026, 1, 1, tzinfo=UTC),
    date(2026, 1, 1),
    {1, 2},
    frozenset(),
    b"bytes",
    bytearray(b"x"),
    1j,
    ...,
    object(),
    Record,
    len,
    math.nan,
    math.inf,
    -math.inf,
    "a\x00b",
    "\ud800",
    {1: "number as key"},
    {None: 1},
    {Plain.TEXT: 1},
    {("a",): 1},
]
TAKEN: list[Any] = [
    Role.JUDGE,
    Role.SCIENTIFIC,
    Labelled.NAMED,
    Phase.OPEN,
    Level.HIGH,
    Text("text"),
    Measure(2.5),
    Pair(1, [Role.JUDGE]),
    OrderedDict(b=1, a=Role.JUDGE),
    {Role.JUDGE: 1, Phase.OPEN: None},
    (),
    1e17,
    1.5e300,
    1e-7,
    5e-324,
    2**64,
    -(10**40),
    123456789012345680.0,
]
# What made the older rule change its mind: null, exponents, what looks like them.
NEIGHBOURS = st.sampled_from(
    [None, "null", "1e5", "e+1", "\\u0000", "0e0", "", "+", "\\", "\x7f", "ÿ", 1e17, -1, 0.5, True]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
NAMES = st.sampled_from(["a", "b", "n", "round", "role", "é", ""])
LEAVES = (
    NEIGHBOURS
    | TEXTS
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(TAKEN)
)
ANY = st.recursive(
    LEAVES | st.sampled_from(REFUSED),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, LEAVES | ANY, max_size=4)

randomly = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class RefusedError(Exception):
    pass


def as_stored(value: Any) -> Any:
    """What a value reads back as, or :class:`RefusedError`."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        text = "".join(list(value))
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise RefusedError
        return text
    if isinstance(value, int):
        if abs(value + 0) >= 2**14_000:
            raise RefusedError
        return value + 0
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RefusedError
        return value + 0.0
    if isinstance(value, list | tuple):
        return [as_stored(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise RefusedError
        return {as_stored(key): as_stored(item) for key, item in value.items()}
    raise RefusedError


Keep = Callable[[Database, dict[str, Any]], Awaitable[Any]]


async def in_consensus(database: Database, document: dict[str, Any]) -> Any:
    store = ConsensusMemory(database)
    given = await store.store_consensus(**consensus(metadata=document, belief_cruxes=[document]))
    found = await store.get_consensus(given.id)
    assert found is not None
    assert same(found.metadata, without_signs(given.metadata, database))
    assert same(found.belief_cruxes, [found.metadata])
    return found.metadata


async def in_dissent(database: Database, document: dict[str, Any]) -> Any:
    store = ConsensusMemory(database)
    parent = await store.store_consensus(**consensus())
    (given,) = await store.store_dissents([dissent(parent.id, data=document)])
    found = await store.get_dissent(given.id)
    assert found is not None
    return found.data


async def in_proof(database: Database, document: dict[str, Any]) -> Any:
    store = ConsensusMemory(database)
    parent = await store.store_consensus(**consensus())
    await store.store_proof(parent.id, "timeout", metadata=document)
    found = await store.get_verified_proof(parent.id)
    assert found is not None
    return found.metadata


async def in_debate(database: Database, document: dict[str, Any]) -> Any:
    store = CritiqueStore(database)
    await store.store_debate("d", "Task", grounded_verdict=document)
    found = await store.get_debate("d")
    assert found is not None
    return found.grounded_verdict


async def in_job(database: Database, document: dict[str, Any]) -> Any:
    store = JobQueueStore(database)
    first = await store.enqueue("t", document)
    (second,) = await store.enqueue_many([{"job_type": "t", "payload": document}])
    for job_id in (first.id, second):
        found = await store.get(job_id)
        assert found is not None
        assert same(found.payload, first.payload)
    jobs = await store.claim("w", 2)
    await store.complete(jobs[0], document)
    done = await store.get(jobs[0].id)
    assert done is not None
    assert same(done.result, first.payload)
    return first.payload


async def in_workflow(database: Database, document: dict[str, Any]) -> Any:
    store = FindingWorkflowStore(database)
    await store.create("f", custom=document)
    event = {"id": "e", "event_type": "x", "timestamp": "2026-01-01T00:00:00Z"}
    await store.save(
        {"finding_id": "f", "custom": document, "history": [{**event, "old_value": document}]}
    )
    found = await store.get("f")
    assert found is not None
    assert same(found["history"][0]["old_value"], found["custom"])
    return found["custom"]


async def in_integration(database: Database, document: dict[str, Any]) -> Any:
    store = IntegrationStore(database, KEYRING)
    await store.save(IntegrationConfig(integration_type="slack", settings={"in": document}))
    found = await store.get("slack")
    assert found is not None
    return found.settings["in"]


async def in_secret(database: Database, document: dict[str, Any]) -> Any:
    store = IntegrationStore(database, KEYRING)
    await store.save(IntegrationConfig(integration_type="slack", settings={"token": [document]}))
    found = await store.get("slack")
    assert found is not None
    return found.settings["token"][0]


async def in_workflow_checkpoint(database: Database, document: dict[str, Any]) -> Any:
    store = CheckpointStore(database)
    given = workflow_checkpoint(context_state=document, step_outputs={"a": document})
    found = await store.load(await store.save(given))
    assert found is not None
    assert same(found.step_outputs, {"a": found.context_state})
    return found.context_state


async def in_debate_checkpoint(database: Database, document: dict[str, Any]) -> Any:
    store = CheckpointStore(database)
    found = await store.load_debate(await store.save_debate(debate_checkpoint(custom=document)))
    assert found is not None
    return found.data["custom"]


KEPT: dict[str, Keep] = {
    "consensus": in_consensus,
    "dissent": in_dissent,
    "proof": in_proof,
    "debate": in_debate,
    "job": in_job,
    "workflow": in_workflow,
    "integration": in_integration,
    "secret": in_secret,
    "workflow checkpoint": in_workflow_checkpoint,
    "debate checkpoint": in_debate_checkpoint,
}


class UndoneError(Exception):
    pass


async def check(database: Database, kept: Keep, document: dict[str, Any]) -> None:
    """Store a document, compare what is read back, and leave nothing behind."""
    with contextlib.suppress(UndoneError):
        async with database.transaction():
            try:
                expected = as_stored(document)
            except RefusedError:
                with pytest.raises(InvalidInputError):
                    await kept(database, document)
                # The parent of what was refused may be there.
                assert {**await row_counts(database), "consensus": 0} == {"consensus": 0}
            else:
                assert same(await kept(database, document), without_signs(expected, database))
            raise UndoneError


def without_signs(value: Any, database: Database) -> Any:
    """PostgreSQL's numbers have no negative zero."""
    return unsigned(value) if database.dialect == "postgres" else value


def unsigned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unsigned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unsigned(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


@pytest.mark.parametrize("kind", KEPT)
@randomly
@given(document=DOCUMENTS)
@example(document={"role": Role.JUDGE})
@example(document={"role": Role.JUDGE, "n": None})
@example(document={"id": UUID(int=1)})
@example(document={"id": UUID(int=1), "n": None})
@example(document={"id": UUID(int=1), "text": "e5 1e17"})
@example(document={"kind": Plain.TEXT})
@example(document={"kind": Plain.TEXT, "n": None})
@example(document={Role.JUDGE: {"n": None}})
@example(document={"label": Labelled.NAMED})
@example(document={"label": Labelled.NAMED, "x": 1e17})
async def test_a_document_has_one_answer_in_every_store(
    database: Database, kind: str, document: dict[str, Any]
) -> None:
    await check(database, KEPT[kind], document)


@pytest.mark.parametrize("kind", KEPT)
async def test_a_value_has_one_answer_whatever_is_beside_it(database: Database, kind: str) -> None:
    for value in [*TAKEN, *REFUSED, 10**5000]:
        for neighbour in ({}, {"n": None}, {"x": "0e0"}, {"y": [1e17, "\\u0000"]}):
            await check(database, KEPT[kind], {**neighbour, "v": [value]})


@pytest.mark.parametrize("kind", KEPT)
async def test_the_depth_of_a_document_has_one_limit(database: Database, kind: str) -> None:
    """Levels of the column's own document; some stores keep theirs within another."""
    for leaf in (1, Role.JUDGE, None):
        for levels in (200, 300):
            document: Any = leaf
            for _ in range(levels):
                document = [document]
            if levels == 200:
                await check(database, KEPT[kind], {"deep": document})
                continue
            with pytest.raises(InvalidInputError, match="nested"):
                await KEPT[kind](database, {"deep": document})


def test_the_limit_of_depth_is_the_same_with_any_neighbour() -> None:
    for leaf in (1, Role.JUDGE, 1e17, None):
        document: Any = leaf
        for _ in range(254):
            document = {"a": document}
        assert same(load_json(dump_json(document)), as_stored(document))
        with pytest.raises(InvalidInputError, match="nested deeper than 254 levels"):
            dump_json([document])


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ['{"a": 1}', "[1.0, true]", "null"],
        [str(2**70), '{"small": 0.0012345678901234567}', "[]"],
        ["[\n  1,\n  2\n]", str(2**70)],
    ],
    ids=["none", "plain", "long numbers", "several lines"],
)
def test_documents_decoded_together_are_those_decoded_alone(texts: list[str]) -> None:
    together = load_documents(texts)
    assert len(together) == len(texts)
    assert all(same(one, load_json(text)) for one, text in zip(together, texts, strict=True))
