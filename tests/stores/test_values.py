"""Values come back exactly as they were given: timestamps, numbers, documents, text."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aragora_sql.stores.consensus.records import ConsensusRecord
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import consensus, critique, dissent, run

randomly = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SHARES = [0.0, 0.1 + 0.2, 1 / 3, 5e-324, 2.2250738585072014e-308, 1 - 2**-53, 1e-17, 0.85, 1.0]


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


def same(left: Any, right: Any) -> bool:
    """Compare documents; unlike ``==`` this tells 1 from 1.0 and from True."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


async def read(memory: ConsensusMemory, record: ConsensusRecord) -> ConsensusRecord:
    found = await memory.get_consensus(record.id)
    assert found is not None
    return found


# Timestamps


@pytest.mark.parametrize(
    "timestamp",
    [
        datetime(2026, 2, 12, 16, 42, 57, 123456, tzinfo=UTC),
        datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC),
        datetime(2026, 2, 12, 16, 42, 57, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2026, 7, 1, tzinfo=timezone(timedelta(hours=-11))),
        datetime(1, 1, 1, microsecond=1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC),
    ],
    ids=str,
)
async def test_timestamps_come_back_in_utc_to_the_microsecond(
    memory: ConsensusMemory, critiques: CritiqueStore, timestamp: datetime
) -> None:
    record = await memory.store_consensus(**consensus(created_at=timestamp))
    objection = await memory.store_dissent(**dissent(record.id, created_at=timestamp))
    proof = await memory.store_proof(record.id, "timeout", created_at=timestamp)
    await critiques.store_debate("d", "Task", created_at=timestamp, critiques=[critique()])
    debate = await critiques.get_debate("d")
    stored = [
        record,
        await read(memory, record),
        objection,
        await memory.get_dissent(objection.id),
        proof,
        await memory.get_verified_proof(record.id),
        debate,
        *await critiques.get_critiques_for_debate("d"),
    ]
    for one in stored:
        assert one is not None
        assert one.created_at == timestamp
        assert one.created_at.tzinfo is UTC or one.created_at.utcoffset() == timedelta(0)
        assert one.created_at.microsecond == timestamp.microsecond


async def test_timestamps_are_ordered_across_centuries(memory: ConsensusMemory) -> None:
    years = [1, 999, 1969, 1970, 2026, 9999]
    for year in years:
        await memory.store_consensus(
            **consensus(f"{year}", created_at=datetime(year, 6, 1, tzinfo=UTC))
        )
    assert [record.topic for record in await memory.get_recent()] == [
        f"{year}" for year in reversed(years)
    ]


async def test_a_record_without_a_timestamp_is_of_now(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    before = datetime.now(UTC)
    record = await memory.store_consensus(**consensus())
    objection = await memory.store_dissent(**dissent(record.id))
    await memory.record_vote("d", "ann", "yes")
    await critiques.store_debate("d", "Task", critiques=[critique()])
    await critiques.store_critique(None, "alone")
    (pattern,) = await critiques.store_pattern("Bug")
    await critiques.update_reputation("claude")
    after = datetime.now(UTC)
    reputation = await critiques.get_reputation("claude")
    debate = await critiques.get_debate("d")
    assert reputation is not None
    assert debate is not None
    timestamps = [
        record.created_at,
        objection.created_at,
        (await memory.get_votes("d"))[0].created_at,
        debate.created_at,
        *(one.created_at for one in await critiques.get_recent()),
        pattern.created_at,
        pattern.updated_at,
        reputation.updated_at,
    ]
    assert all(before <= timestamp <= after for timestamp in timestamps)


async def test_a_timestamp_that_the_database_fills_in_is_of_now(memory: ConsensusMemory) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    await run(
        memory.database,
        "INSERT INTO consensus (id, topic, topic_hash, conclusion) VALUES ('i', 't', 'h', 'c')",
    )
    found = await memory.get_consensus("i")
    assert found is not None
    assert before <= found.created_at <= datetime.now(UTC)
    assert found.created_at.utcoffset() == timedelta(0)


# Numbers


async def test_every_bit_of_a_number_comes_back(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    for share in SHARES:
        record = await memory.store_consensus(**consensus(confidence=share))
        assert bits((await read(memory, record)).confidence) == bits(share)
        number = await critiques.store_critique(None, "claude", expected_usefulness=share)
        stored = await critiques.get_critique(number)
        assert stored is not None
        assert bits(stored.expected_usefulness) == bits(share)
    for size in (*SHARES, 1e17, 1e300, 1.7976931348623157e100, 123456789.123456789):
        record = await memory.store_consensus(**consensus(debate_duration=size))
        assert bits((await read(memory, record)).debate_duration_seconds) == bits(size)
        await critiques.store_debate("d", "Task", duration_seconds=size)
        debate = await critiques.get_debate("d")
        assert debate is not None
        assert debate.duration_seconds is not None
        assert bits(debate.duration_seconds) == bits(size)


@randomly
@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=20))
async def test_any_share_comes_back(memory: ConsensusMemory, numbers: list[float]) -> None:
    records = await memory.store_many(
        consensus(confidence=number, debate_duration=number * 1e300) for number in numbers
    )
    found = {record.id: record for record in await memory.get_recent(10_000)}
    for record, number in zip(records, numbers, strict=True):
        assert bits(found[record.id].confidence) == bits(abs(number))
        assert bits(found[record.id].debate_duration_seconds) == bits(abs(number) * 1e300)


async def test_a_whole_number_given_for_a_measure_is_a_float(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(**consensus(confidence=1, debate_duration=60))
    found = await read(memory, record)
    assert type(record.confidence) is type(found.confidence) is float
    assert type(found.debate_duration_seconds) is float


# Documents

DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"": ""},
    {"nested": {"list": [1, [2, {"deep": [None, True, False]}]], "ünïcødé 🚀": "日本語\u2028"}},
    {"quotes": "\"'\\/\b\f\n\r\t", "controls": "\x01\x1f\x7f", "sql": "'; DROP TABLE x; --"},
    {"integers": [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**64), 10**40]},
    {"floats": [0.0, 0.1 + 0.2, 1e-7, 5e-324, 1e15, 1e16, 1e17, 1e22, 1e300, -1e17, 123e18]},
    {"whole": [1.0, 100.0, 1e15, 1, 100, 10**15, 10**17]},
    {"keys": {"b": 1, "a": 2, "aa": 3, "ab": {}}},
    {"12345678901234567890": "12345678901234567890", "1e5": "1e5", "null": "null\\u0000"},
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            children,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_documents_come_back_equal(
    memory: ConsensusMemory, critiques: CritiqueStore, document: dict[str, Any]
) -> None:
    record = await memory.store_consensus(
        **consensus(metadata=document, data=document, belief_cruxes=[document, [document]])
    )
    found = await read(memory, record)
    objection = await memory.store_dissent(**dissent(record.id, metadata=document, data=document))
    found_objection = await memory.get_dissent(objection.id)
    await memory.store_verified_proof(record.id, document)
    proof = await memory.get_verified_proof(record.id)
    await critiques.store_debate("d", "Task", grounded_verdict=document)
    debate = await critiques.get_debate("d")
    (similar,) = await memory.find_similar("Rate limiting approach")
    assert found_objection is not None
    assert proof is not None
    assert debate is not None
    for given_back in (
        record.metadata,
        found.metadata,
        found.data,
        found.belief_cruxes[0],
        found.belief_cruxes[1][0],
        similar.metadata,
        found_objection.metadata,
        found_objection.data,
        proof.data,
        debate.grounded_verdict,
    ):
        assert same(given_back, document), given_back
    assert json.loads(json.dumps(found.to_dict()))["metadata"] == document


@randomly
@given(st.dictionaries(st.text(st.characters(categories=["L", "N"])), json_values, max_size=4))
async def test_any_document_comes_back_equal(
    memory: ConsensusMemory, document: dict[str, Any]
) -> None:
    record = await memory.store_consensus(**consensus(metadata=document))
    found = await read(memory, record)
    assert same(record.metadata, document)
    assert same(found.metadata, document)


async def test_a_tuple_in_a_document_comes_back_as_a_list(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(**consensus(metadata={"pair": (1, (2, 3))}))
    assert record.metadata == {"pair": [1, [2, 3]]}
    assert (await read(memory, record)).metadata == record.metadata


async def test_what_is_given_is_not_shared_with_the_record(memory: ConsensusMemory) -> None:
    metadata = {"list": [1]}
    record = await memory.store_consensus(**consensus(metadata=metadata))
    metadata["list"].append(2)
    assert record.metadata == {"list": [1]}


# Text


@randomly
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
        str.strip
    )
)
async def test_any_text_comes_back(memory: ConsensusMemory, text: str) -> None:
    record = await memory.store_consensus(
        **consensus(
            text,
            conclusion=text,
            domain=text,
            debate_id=text,
            participating_agents=[text, text],
            tags=[text, "", text],
        )
    )
    found = await read(memory, record)
    assert found == record
    assert (found.topic, found.conclusion, found.domain, found.debate_id) == (text,) * 4
    assert found.participating_agents == [text, text]
    assert found.tags == [text, "", text]
    assert record.id in [listed.id for listed in await memory.get_by_domain(text, limit=10_000)]


async def test_long_texts_come_back_whole(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    text = "Zeichen für Zeichen 🚀 " * 50_000
    record = await memory.store_consensus(**consensus(conclusion=text, key_claims=[text]))
    found = await read(memory, record)
    assert (found.conclusion, found.key_claims) == (text, [text])
    number = await critiques.store_critique(None, "claude", reasoning=text, issues=[text])
    stored = await critiques.get_critique(number)
    assert stored is not None
    assert (stored.reasoning, stored.issues) == (text, [text])


# Records


async def test_a_record_is_also_a_mapping(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(**consensus())
    (similar,) = await memory.find_similar(record.topic)
    for one in (record, similar):
        assert one["topic"] == one.topic
        assert dict(one).keys() == one.to_dict().keys()
        with pytest.raises(KeyError, match="unknown"):
            one["unknown"]
    assert {**record}["confidence"] == 0.85


async def test_a_record_cannot_be_changed(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(**consensus())
    with pytest.raises(AttributeError):
        record.confidence = 0.5  # type: ignore[misc]


async def test_every_record_can_be_written_as_json(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    record = await memory.store_consensus(**consensus(metadata={"a": [1]}))
    await memory.store_dissent(**dissent(record.id))
    await memory.store_proof(record.id, "timeout")
    await memory.record_vote("d", "ann", "yes")
    await critiques.store_debate("d", "Task", consensus_reached=True, critiques=[critique()])
    await critiques.store_pattern("Bug")
    await critiques.update_reputation("claude")
    results: list[Any] = [
        record,
        *await memory.find_similar_debates(record.topic),
        *await memory.get_dissents(record.id),
        *await memory.get_proofs_for_debate(record.id),
        *await memory.get_votes("d"),
        await memory.get_stats(),
        await memory.cleanup_old_records(),
        *await critiques.get_debates_with_critiques_batch(["d"]),
        *await critiques.get_relevant(),
        *await critiques.get_all_reputations(),
        await critiques.get_stats(),
        await critiques.get_archive_stats(),
        *[example async for example in critiques.export_for_training()],
    ]
    assert len(results) == 13
    for result in results:
        written = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert written == result.to_dict()
        assert list(written) == list(result.keys())
    (debate,) = await memory.find_similar_debates(record.topic)
    assert debate.to_dict()["consensus"]["id"] == record.id
    assert debate.to_dict()["dissents"][0]["agent_id"] == "gemini"


async def test_a_record_is_made_again_of_its_dictionary(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    record = await memory.store_consensus(**consensus(metadata={"a": [1, None]}))
    objection = await memory.store_dissent(**dissent(record.id))
    await critiques.store_debate("d", "Task", critiques=[critique()])
    one: Any
    for one in (
        record,
        objection,
        *await memory.find_similar(record.topic),
        await critiques.get_debate("d"),
        *await critiques.get_recent(),
        await critiques.get_stats(),
    ):
        assert type(one).from_dict(json.loads(json.dumps(one.to_dict()))) == one
