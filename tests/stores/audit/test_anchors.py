"""Anchors of days and proofs on each engine."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.errors import (
    AnchorNotFoundError,
    AuditEntryNotFoundError,
    DamagedAuditLogError,
    IntegrityError,
    InvalidInputError,
)
from aragora_sql.stores.audit import AuditEntry, AuditStore, verify_proof
from aragora_sql.stores.audit import entries as new_entries
from tests.stores.audit.cases import ENTRY
from tests.stores.audit.damage import ENTRIES, unprotected
from tests.stores.audit.test_entries import entries
from tests.stores.samples import run

FIRST = datetime(2026, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The time of entries, which the test sets."""

    def set_to(timestamp: datetime) -> None:
        monkeypatch.setattr(new_entries, "utc_now", lambda: timestamp)

    set_to(FIRST)
    return set_to


async def three_days(audit: AuditStore, clock: Any, count: int) -> list[AuditEntry]:
    """Append entries of three days; the first and the last are at midnight."""
    await audit.append(**ENTRY)
    clock(FIRST + timedelta(days=1))
    made = await audit.append_many(entries(count))
    clock(FIRST + timedelta(days=2))
    await audit.append(**ENTRY)
    return made


async def test_create_daily_anchor_then_get_anchor_and_list_anchors(
    audit: AuditStore, clock: Any
) -> None:
    made = await three_days(audit, clock, 5)
    anchor = await audit.create_daily_anchor("2026-02-13")
    assert anchor is not None
    assert (anchor.first_sequence, anchor.last_sequence, anchor.entry_count) == (2, 6, 5)
    assert (anchor.chain_hash, anchor.tree_version) == (made[-1].entry_hash, 2)
    assert await audit.get_anchor(date(2026, 2, 13)) == anchor
    # It is made once.
    assert await audit.create_daily_anchor(date(2026, 2, 13)) == anchor
    found = await audit.verify_anchor("2026-02-13")
    assert (found.is_valid, found.entries_checked) == (True, 5)
    assert await audit.create_daily_anchor("2026-01-01") is None
    await audit.create_daily_anchor("2026-02-12")
    assert [one.date for one in await audit.list_anchors()] == ["2026-02-12", "2026-02-13"]
    assert await audit.list_anchors("2026-02-13") == [anchor]
    assert await audit.list_anchors(limit=1, after={"date": "2026-02-12"}) == [anchor]


async def test_an_anchor_is_neither_changed_nor_removed(audit: AuditStore, clock: Any) -> None:
    await three_days(audit, clock, 2)
    await audit.create_daily_anchor("2026-02-13")
    for statement in (
        "UPDATE immutable_daily_anchors SET entry_count = 1",
        "DELETE FROM immutable_daily_anchors",
    ):
        with pytest.raises(IntegrityError, match="refused"):
            await run(audit.database, statement)


async def test_a_day_that_is_not_over_has_no_anchor(audit: AuditStore) -> None:
    await audit.append(**ENTRY)
    with pytest.raises(InvalidInputError, match="over"):
        await audit.create_daily_anchor(datetime.now(UTC).date())
    assert await audit.create_daily_anchor() is None


async def test_no_entry_comes_to_a_day_that_was_anchored(audit: AuditStore, clock: Any) -> None:
    await audit.append(**ENTRY)
    await audit.create_daily_anchor("2026-02-12")
    # The clock of this machine is behind.
    late = await audit.append(**ENTRY)
    assert late.timestamp == FIRST + timedelta(days=1)
    assert (await audit.verify_anchor("2026-02-12")).is_valid


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET entry_hash = 'x' || substr(entry_hash, 2) WHERE sequence_number = 3",
        "DELETE FROM {} WHERE sequence_number = 3",
        "DELETE FROM {} WHERE sequence_number = 6",
        "UPDATE {} SET actor = 'mallory' WHERE sequence_number = 4",
        "UPDATE immutable_daily_anchors SET merkle_root = 'x' || substr(merkle_root, 2)",
        "UPDATE immutable_daily_anchors SET chain_hash = 'x' || substr(chain_hash, 2)",
        "UPDATE immutable_daily_anchors SET entry_count = 4",
    ],
)
async def test_verify_anchor_names_what_was_changed(
    audit: AuditStore, clock: Any, change: str
) -> None:
    await three_days(audit, clock, 5)
    await audit.create_daily_anchor("2026-02-13")
    await unprotected(audit.database, change.format(ENTRIES))
    found = await audit.verify_anchor("2026-02-13")
    assert not found.is_valid
    assert found.errors


async def test_a_day_with_missing_entries_gets_no_anchor(audit: AuditStore, clock: Any) -> None:
    await three_days(audit, clock, 5)
    await unprotected(audit.database, f"DELETE FROM {ENTRIES} WHERE sequence_number = 4")
    with pytest.raises(DamagedAuditLogError, match="main"):
        await audit.create_daily_anchor("2026-02-13")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
async def test_prove_and_verify_proof(audit: AuditStore, clock: Any, count: int) -> None:
    made = await three_days(audit, clock, count)
    anchor = await audit.create_daily_anchor("2026-02-13")
    assert anchor is not None
    for entry in made:
        proof = await audit.prove(entry.id)
        assert proof.merkle_root == anchor.merkle_root
        assert verify_proof(proof)
        assert audit.verify_proof(proof.to_dict(), anchor.merkle_root)
        document = json.loads(json.dumps(proof.to_dict()))
        assert verify_proof(document, anchor.merkle_root)
        assert not verify_proof(document, "0" * 64)
        for name, value in (
            ("actor", "mallory"),
            ("ip_address", "192.0.2.9"),
            ("sequence_number", 99),
            ("entry_hash", "f" * 64),
            ("details", {"a": 1}),
        ):
            changed = {**document, "entry": {**document["entry"], name: value}}
            assert not verify_proof(changed, anchor.merkle_root), name
        if count > 1:
            swapped = [["left", "0" * 64], *document["path"][1:]]
            assert not verify_proof({**document, "path": swapped}, anchor.merkle_root)


async def test_prove_needs_an_entry_and_an_anchor(audit: AuditStore, clock: Any) -> None:
    made = await three_days(audit, clock, 3)
    with pytest.raises(AuditEntryNotFoundError, match="unknown"):
        await audit.prove("unknown")
    with pytest.raises(AnchorNotFoundError, match="2026-02-13"):
        await audit.prove(made[0].id)
    await audit.create_daily_anchor("2026-02-13")
    await unprotected(
        audit.database,
        f"UPDATE {ENTRIES} SET entry_hash = 'x' || substr(entry_hash, 2) WHERE sequence_number = 3",
    )
    with pytest.raises(DamagedAuditLogError):
        await audit.prove(made[0].id)


@pytest.mark.parametrize(
    "proof",
    [None, 5, {}, {"entry": {}}, {"entry": None, "path": []}],
)
def test_verify_proof_refuses_what_is_none(proof: Any) -> None:
    with pytest.raises(InvalidInputError, match="proof"):
        verify_proof(proof)
