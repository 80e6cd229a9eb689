"""Receipts that are held, and those that are deleted with proof, on each engine."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.errors import (
    AlreadyTakenError,
    DamagedReceiptError,
    IntegrityError,
    InvalidInputError,
    ReceiptHeldError,
)
from aragora_sql.stores.receipts import ReceiptStore
from aragora_sql.stores.receipts import store as store_module
from tests.conftest import OpenDatabase
from tests.stores.receipts.cases import KEYS, a_receipt
from tests.stores.samples import days_ago, run


def old(receipt_id: str, days: float = 3000) -> dict[str, Any]:
    return a_receipt(receipt_id, timestamp=days_ago(days).isoformat())


async def test_place_legal_hold_is_under_legal_hold_list_under_legal_hold_remove_legal_hold(
    receipts: ReceiptStore,
) -> None:
    for number in range(4):
        await receipts.save(a_receipt(f"r{number}"))
    assert not await receipts.place_legal_hold("x", "suit", "ann")
    for number in range(3):
        matter = "m" if number else None
        assert await receipts.place_legal_hold(f"r{number}", "suit", "ann", matter)
    # The first hold is not forgotten for a second one.
    assert not await receipts.place_legal_hold("r0", "other", "bob", "n")
    assert await receipts.is_under_legal_hold("r0")
    assert not await receipts.is_under_legal_hold("r3")
    listed = await receipts.list_under_legal_hold()
    order = [(one.legal_hold_placed_at, one.receipt_id) for one in listed]
    assert len(order) == 3
    assert order == sorted(order, reverse=True)
    assert await receipts.list_under_legal_hold(limit=2, after=listed[0]) == listed[1:]
    of_matter = await receipts.list_under_legal_hold("m")
    assert {one.receipt_id for one in of_matter} == {"r1", "r2"}
    assert await receipts.remove_legal_hold("r0", "bob")
    assert not await receipts.remove_legal_hold("r0", "bob")
    free = await receipts.get("r0")
    assert free is not None
    assert (free.legal_hold, free.legal_hold_reason, free.legal_hold_removed_by) == (
        False,
        "suit",
        "bob",
    )
    assert await receipts.place_legal_hold("r0", "again", "ann")


async def test_delete_leaves_a_proof_for_find_by_receipt_id_and_refuses_what_is_held(
    receipts: ReceiptStore,
) -> None:
    await receipts.save(a_receipt("r", gauntlet_id="g"), org_id="acme")
    stored = await receipts.get("r")
    assert stored is not None
    await receipts.place_legal_hold("r", "suit", "ann")
    with pytest.raises(ReceiptHeldError):
        await receipts.delete("r", "user_request", "ann")
    with pytest.raises(IntegrityError, match="refused"):
        await run(receipts.database, "DELETE FROM receipts WHERE receipt_id = 'r'")
    await receipts.remove_legal_hold("r", "ann")
    assert await receipts.deletions.find_by_receipt_id("r") == []
    deletion_id = await receipts.delete("r", "gdpr_erasure", "ann", {"ticket": 5})
    assert await receipts.get("r") is None
    assert await receipts.delete("r", "user_request", "ann") is None
    (proof,) = await receipts.deletions.find_by_receipt_id("r")
    assert proof.deletion_id == deletion_id
    assert (proof.receipt_checksum, proof.gauntlet_id, proof.verdict, proof.org_id) == (
        stored.content_hash,
        "g",
        "PASS",
        "acme",
    )
    assert (proof.reason, proof.operator, proof.metadata) == ("gdpr_erasure", "ann", {"ticket": 5})
    for change in ("UPDATE receipt_deletions SET operator = 'x'", "DELETE FROM receipt_deletions"):
        with pytest.raises(IntegrityError, match="refused"):
            await run(receipts.database, change)
    # Undone together with what it is a part of.
    await receipts.save(a_receipt("s"))
    with suppress(ZeroDivisionError):
        async with receipts.database.transaction():
            await receipts.delete("s", "user_request", "ann")
            raise ZeroDivisionError
    assert await receipts.get("s") is not None
    assert await receipts.deletions.count_deletions() == 1


async def test_cleanup_expired_minds_holds_and_ends(receipts: ReceiptStore) -> None:
    for receipt in (old("a"), old("b"), old("held"), old("young", 2000)):
        await receipts.save(receipt)
    await receipts.place_legal_hold("held", "suit", "ann")
    assert await receipts.cleanup_expired(3500) == 0
    # Fewer days than a receipt was promised don't shorten its time.
    assert await receipts.cleanup_expired(1) == 2
    assert {one.receipt_id for one in await receipts.list()} == {"held", "young"}
    proofs = await receipts.deletions.list_deletions("retention_expired")
    assert {one.receipt_id for one in proofs} == {"a", "b"}
    assert {one.operator for one in proofs} == {"system:retention_cleanup"}
    await receipts.remove_legal_hold("held", "ann")
    assert await receipts.cleanup_expired(operator="ann") == 1


async def test_cleanup_expired_leaves_and_names_receipts_whose_dates_were_changed(
    receipts: ReceiptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BATCH", 2)
    past, later = "2019-01-01T00:00:00.000000Z", "2019-01-02T00:00:00.000000Z"
    for key in ("a", "b", "c", "d", "e", "f"):
        await receipts.save(old(key))
    for key in ("s", "t", "u", "held"):
        await receipts.save(old(key, 5))
    await receipts.place_legal_hold("held", "suit", "ann")
    # Both, so that none of the rules of the table is broken; and of one when it was made.
    for key, moment in {"s": later, "t": past, "u": past, "held": past}.items():
        await run(
            receipts.database,
            f"UPDATE receipts SET created_at = '{past}', expires_at = '{moment}' "
            f"WHERE receipt_id = '{key}'",
        )
    await run(
        receipts.database, f"UPDATE receipts SET created_at = '{past}' WHERE receipt_id = 'f'"
    )
    for deleted in (5, 0):
        with pytest.raises(DamagedReceiptError, match=r"'t'.* 3 more") as caught:
            await receipts.cleanup_expired()
        assert caught.value.receipt_ids == ("t", "u", "s", "f")
        assert caught.value.deleted == deleted
    left = {one.receipt_id for one in await receipts.list()}
    assert left == {"s", "t", "u", "f", "held"}
    proofs = await receipts.deletions.list_deletions("retention_expired")
    assert {one.receipt_id for one in proofs} == {"a", "b", "c", "d", "e"}


async def test_cleanup_expired_by_several_deletes_each_once(open_database: OpenDatabase) -> None:
    stores = [ReceiptStore(await open_database(), signing_keys=KEYS) for _ in range(3)]
    await stores[0].initialize()
    for number in range(20):
        await stores[0].save(old(f"r{number}"))
    work = [store.cleanup_expired() for store in stores]
    work += [store.place_legal_hold("r7", "suit", "ann") for store in stores]
    done = await asyncio.gather(*work)
    is_held = await stores[0].is_under_legal_hold("r7")
    assert sum(done[3:]) == int(is_held)
    assert sum(done[:3]) == 20 - int(is_held)
    proofs = await stores[0].deletions.list_deletions()
    assert len({one.receipt_id for one in proofs}) == len(proofs) == 20 - int(is_held)


async def test_get_retention_status(receipts: ReceiptStore) -> None:
    for key, days in {"a": 3000, "b": 2540, "c": 500, "d": 100, "e": 1, "held": 2999}.items():
        await receipts.save(old(key, days))
    await receipts.place_legal_hold("held", "suit", "ann")
    status = await receipts.get_retention_status()
    assert (status["total"], status["held"]) == (6, 1)
    assert (status["expired"], status["expiring_in_30_days"]) == (1, 1)
    assert status["by_age"] == {
        "under_90_days": 1,
        "under_1_year": 1,
        "under_3_years": 1,
        "3_years_and_more": 3,
    }
    assert status["oldest_at"] is not None
    assert status["newest_at"] is not None
    assert status["newest_at"] - status["oldest_at"] > timedelta(days=2998)


async def test_log_deletion_log_batch_deletion_get_deletion_list_deletions_count_deletions(
    receipts: ReceiptStore,
) -> None:
    log = receipts.deletions
    first = await log.log_deletion(
        "a", "x", "user_request", "ann", "g", "PASS", {"n": 1}, org_id="o"
    )
    both = await log.log_batch_deletion(
        [{"receipt_id": "b", "checksum": "y"}, {"receipt_id": "c", "checksum": ""}],
        "admin_action",
        "bob",
    )
    assert await log.log_batch_deletion([], "admin_action", "bob") == []
    with pytest.raises(InvalidInputError) as caught:
        await log.log_batch_deletion(
            [{"receipt_id": "d", "checksum": ""}, {"receipt_id": ""}], "admin_action", "bob"
        )
    assert caught.value.argument == "receipts[1].receipt_id"
    deletion = await log.get_deletion(first)
    assert deletion is not None
    assert (deletion.receipt_id, deletion.gauntlet_id, deletion.metadata) == ("a", "g", {"n": 1})
    assert await log.get_deletion("x") is None
    listed = await log.list_deletions()
    assert {one.deletion_id for one in listed} == {first, *both}
    assert await log.list_deletions(limit=1, after=listed[0]) == listed[1:2]
    assert await log.list_deletions(from_date=datetime.now(UTC) + timedelta(days=1)) == []
    assert [one.receipt_id for one in await log.list_deletions(operator="ann")] == ["a"]
    assert len(await log.list_deletions("admin_action", to_date=listed[0].deleted_at)) == 2
    assert [one.receipt_id for one in await log.list_deletions(org_id="o")] == ["a"]
    assert await log.count_deletions("admin_action") == 2
    assert await log.count_deletions(org_id="o") == 1
    assert await log.count_deletions("gdpr_erasure") == 0
    assert await log.count_deletions(to_date=days_ago(1)) == 0


async def test_deletions_of_one_time_are_in_order(receipts: ReceiptStore) -> None:
    log = receipts.deletions
    made = [await log.log_deletion("a", str(n), "admin_action", "ann") for n in range(9)]
    newest_first = made[::-1]
    found = await log.find_by_receipt_id("a")
    assert [one.deletion_id for one in found] == newest_first
    page = await log.list_deletions(limit=4)
    rest = await log.list_deletions(after=page[-1])
    assert [one.deletion_id for one in [*page, *rest]] == newest_first


async def test_replace_does_not_delete_what_is_kept(receipts: ReceiptStore) -> None:
    if receipts.database.dialect == "postgres":
        pytest.skip("PostgreSQL has no REPLACE")
    await receipts.save(a_receipt("h", gauntlet_id="g"))
    await receipts.place_legal_hold("h", "suit", "ann")
    await receipts.deletions.log_deletion("x", "c", "admin_action", "ann")
    columns = (
        "gauntlet_id, shape, verdict, confidence, data, content_hash, dates_hash, created_at, "
        "expires_at"
    )
    for statement in (
        f"REPLACE INTO receipts (receipt_id, {columns}) SELECT receipt_id, {columns} FROM receipts",
        f"REPLACE INTO receipts (receipt_id, {columns}) SELECT 'other', {columns} FROM receipts",
        "REPLACE INTO receipt_deletions SELECT * FROM receipt_deletions",
    ):
        with pytest.raises(IntegrityError, match=r"REPLACE of .* is refused"):
            await run(receipts.database, statement)
    # Its owner may store it again, and the gauntlet is still taken.
    await receipts.save(a_receipt("h", gauntlet_id="g", verdict="FAIL"))
    assert await receipts.is_under_legal_hold("h")
    with pytest.raises(AlreadyTakenError, match="another receipt"):
        await receipts.save(a_receipt("i", gauntlet_id="g"))


async def test_get_stats_of_deletions(receipts: ReceiptStore) -> None:
    log = receipts.deletions
    assert await log.get_stats() == {"total": 0, "by_reason": {}, "first_at": None, "last_at": None}
    await log.log_deletion("a", "x", "user_request", "ann")
    await log.log_deletion("b", "x", "admin_action", "ann")
    stats = await log.get_stats()
    assert stats["by_reason"] == {"user_request": 1, "admin_action": 1}
    assert stats["total"] == 2
    assert (await log.get_stats("o"))["total"] == 0
