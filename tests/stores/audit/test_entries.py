"""Chains of immutable entries on each engine."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import IntegrityError, InvalidInputError
from aragora_sql.stores.audit import GENESIS_HASH, AuditEntry, AuditStore
from tests.stores.audit.cases import ENTRY, KEYS, signed
from tests.stores.samples import fetch_value, run

DETAILS = {"é": 0.1, "a": [1, None, True], "big": 2**60, "tiny": 1e-07, "huge": 1e17, "x": -0.0}
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


def entries(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**ENTRY, "resource_id": f"f{number}", **changes} for number in range(count)]


async def test_append_reads_back_by_get_entry_get_by_sequence_and_get_last_entry(
    signing: AuditStore,
) -> None:
    first = await signing.append(
        **ENTRY,
        actor_type="agent",
        details=DETAILS,
        correlation_id="c",
        workspace_id="w",
        ip_address="192.0.2.1",
        user_agent="browser",
    )
    second = await signing.append(**ENTRY)
    assert (first.sequence_number, first.previous_hash) == (1, GENESIS_HASH)
    assert (second.sequence_number, second.previous_hash) == (2, first.entry_hash)
    assert await signing.get_entry(first.id) == first
    assert await signing.get_by_sequence(2) == second
    assert await signing.get_last_entry() == second
    assert first.details == DETAILS
    assert first.compute_hash() == first.entry_hash
    assert KEYS.fits(first.entry_hash, first.signature or "", first.signature_key_id)
    assert AuditEntry.from_dict(json.loads(json.dumps(first.to_dict()))) == first
    assert (second.correlation_id, second.ip_address, second.details) == (None, None, {})
    found = await signing.verify_integrity()
    assert (found.is_valid, found.entries_checked, found.warnings) == (True, 2, [])


async def test_append_many_makes_one_chain_for_get_entries_range(
    audit: AuditStore, database: Database
) -> None:
    made = await audit.append_many(entries(1000))
    assert [entry.sequence_number for entry in made] == [*range(1, 1001)]
    # Another object, which does not know the end of the chain.
    other = signed(database)
    more = await other.append_many(entries(3))
    assert more[0].previous_hash == made[-1].entry_hash
    # The first one's end is not the end any more.
    assert (await audit.append(**ENTRY)).sequence_number == 1004
    assert await audit.append_many([]) == []
    found = await audit.verify_integrity()
    assert (found.is_valid, found.entries_checked) == (True, 1004)
    # This one has no key for the other's signatures.
    assert found.warnings == ["3 signatures were not compared: their key is not here"]
    assert await audit.get_entries_range(999, 1001) == [*made[-2:], more[0]]
    assert len(await audit.get_entries_range(1, 2000, limit=10)) == 10


async def test_list_chains_that_have_numbers_of_their_own(audit: AuditStore) -> None:
    await audit.append(**ENTRY)
    other = await audit.append(**ENTRY, chain="other")
    assert (other.chain, other.sequence_number) == ("other", 1)
    assert [(one.chain, one.last_sequence) for one in await audit.list_chains()] == [
        ("main", 1),
        ("other", 1),
    ]
    # An entry of one chain has no place in another one.
    assert replace(other, chain="main").compute_hash() != other.entry_hash


async def test_concurrent_tasks_make_one_chain(audit: AuditStore) -> None:
    work = [audit.append(**ENTRY) for _ in range(60)]
    many = [audit.append_many(entries(40)) for _ in range(6)]
    large = [audit.append_many(entries(300)) for _ in range(2)]
    await asyncio.gather(*work, *many, *large)
    found = await audit.verify_integrity()
    assert (found.is_valid, found.entries_checked) == (True, 60 + 240 + 600)


async def test_append_within_a_transaction_comes_or_goes_with_it(audit: AuditStore) -> None:
    await audit.append(**ENTRY)

    async def append_and_fail() -> None:
        async with audit.database.transaction():
            await audit.append(**ENTRY)
            await audit.append_many(entries(5))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await append_and_fail()
    assert await audit.count() == 1
    async with audit.database.transaction():
        assert (await audit.append(**ENTRY)).sequence_number == 2
        await audit.log_event("plan.changed", "plan")
    assert (await audit.verify_integrity()).is_valid


async def test_a_clock_that_is_behind_does_not_turn_time_back(audit: AuditStore) -> None:
    await audit.append(**ENTRY)
    ahead = datetime.now(UTC) + timedelta(days=1)
    # As if another machine's clock had been ahead.
    text = ahead.isoformat(timespec="microseconds").replace("+00:00", "Z")
    await run(audit.database, f"UPDATE audit_chains SET last_timestamp = '{text}'")
    assert (await audit.append(**ENTRY)).timestamp == ahead
    assert (await audit.append(**ENTRY)).timestamp == ahead


async def test_entries_are_neither_changed_nor_removed(audit: AuditStore) -> None:
    await audit.append_many(entries(3))
    await audit.append(**ENTRY, chain="empty")
    statements = [
        "UPDATE immutable_audit_entries SET actor = 'mallory'",
        "DELETE FROM immutable_audit_entries WHERE sequence_number = 3",
        "DELETE FROM audit_chains WHERE chain = 'main'",
        "UPDATE audit_chains SET last_sequence = 2",
        "UPDATE audit_chains SET last_hash = 'x' || substr(last_hash, 2)",
    ]
    if audit.database.dialect == "postgres":
        statements += [
            "TRUNCATE immutable_audit_entries",
            "TRUNCATE audit_chains CASCADE",
            "TRUNCATE immutable_daily_anchors",
        ]
    for statement in statements:
        with pytest.raises(IntegrityError, match="refused"):
            await run(audit.database, statement)
    assert await fetch_value(audit.database, "SELECT count(*) FROM immutable_audit_entries") == 4
    assert (await audit.verify_integrity()).is_valid


async def test_query_and_count_filter_and_give_pages(audit: AuditStore) -> None:
    for place in range(30):
        await audit.append(
            f"type {place % 3}",
            f"actor {place % 4}",
            f"kind {place % 2}",
            f"r{place % 5}",
            "create",
            workspace_id=f"w{place % 2}",
        )
    whole = await audit.query(limit=100)
    assert [entry.sequence_number for entry in whole] == [*range(30, 0, -1)]
    filters: list[dict[str, Any]] = [
        {"event_types": ["type 1", "type 2"]},
        {"actors": ["actor 0", "actor 3", "actor 3", "nobody"]},
        {"actors": ["actor 1"], "resource_ids": ["r1", "r4"], "event_types": ["type 1"]},
        {"resource_types": ["kind 1"], "workspace_id": "w1"},
        {"resource_ids": ["r2", "r3"], "resource_types": ["kind 0"]},
        {"actors": []},
    ]
    for wanted in filters:
        expected = [
            entry
            for entry in whole
            if all(
                entry[name] == value if name == "workspace_id" else entry[name[:-1]] in value
                for name, value in wanted.items()
            )
        ]
        assert await audit.query(**wanted) == expected, wanted
        pages, last = [], None
        while page := await audit.query(**wanted, limit=3, after=last):
            pages += page
            last = page[-1]
        assert pages == expected
    middle = whole[10].timestamp
    assert await audit.query(end_time=middle) == [e for e in whole if e.timestamp <= middle]
    assert await audit.query(start_time=middle) == [e for e in whole if e.timestamp >= middle]
    assert await audit.count(end_time=middle) == len(await audit.query(end_time=middle))
    assert await audit.count(event_types=["type 1"]) == 10


async def test_get_statistics(audit: AuditStore) -> None:
    empty = await audit.get_statistics()
    assert (empty.total_entries, empty.last_sequence, empty.last_entry_time) == (0, 0, None)
    *_, last = await audit.append_many(entries(5))
    found = await audit.get_statistics()
    assert (found.total_entries, found.last_sequence) == (5, 5)
    assert (found.last_entry_time, found.last_entry_hash) == (last.timestamp, last.entry_hash)


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
async def test_export_range_gives_all_entries(audit: AuditStore, tmp_path: Path, kind: str) -> None:
    made = await audit.append_many(entries(1500, details={"a": 'it\'s, "q"\n=1+1'}))
    text = await audit.export_range(BEGIN, END, kind)
    path = tmp_path / f"audit.{kind}"
    assert await audit.export_range(BEGIN, END, kind, path) == str(path)
    written = path.read_text(encoding="utf-8")
    if kind == "json":
        document = json.loads(text)
        assert document["entry_count"] == 1500
        found = [AuditEntry.from_dict(one) for one in document["entries"]]
        assert json.loads(written)["entries"] == document["entries"]
    elif kind == "jsonl":
        found = [AuditEntry.from_dict(json.loads(line)) for line in text.splitlines()]
        assert written == text
    else:
        rows = [*csv.DictReader(io.StringIO(text))]
        assert [row["entry_hash"] for row in rows] == [entry.entry_hash for entry in made]
        assert json.loads(rows[0]["details"]) == made[0].details
        assert written == text
        return
    assert found == made


async def test_export_pieces_gives_page_by_page(audit: AuditStore) -> None:
    await audit.append_many(entries(2500))
    pieces = [piece async for piece in audit.export_pieces(BEGIN, END, "jsonl")]
    assert [piece.count("\n") for piece in pieces] == [1000, 1000, 500]


async def test_nothing_is_appended_to_an_imported_chain(audit: AuditStore) -> None:
    await run(
        audit.database,
        "INSERT INTO audit_chains (chain, origin, last_hash) "
        f"VALUES ('audit_logs', 'audit_logs', '{GENESIS_HASH}')",
    )
    with pytest.raises(InvalidInputError, match="chain"):
        await audit.append(**ENTRY, chain="audit_logs")
