"""Links to receipts, on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.sharing import ReceiptShare, ReceiptShareStore, SharingStore
from aragora_sql.stores.tokens import token_hash
from tests.conftest import OpenDatabase
from tests.stores.samples import days_ago, fetch, fetch_value, numbers, run
from tests.stores.sharing.cases import LATER, TOKEN


@pytest.fixture
def shares(sharing: SharingStore) -> ReceiptShareStore:
    return sharing.receipts


def token(number: int) -> str:
    return f"{TOKEN}{number}"


async def test_save_then_get_by_token(shares: ReceiptShareStore) -> None:
    await shares.save(TOKEN, "r", LATER, 3, "ann")
    share = await shares.get_by_token(TOKEN)
    assert share is not None
    assert share == ReceiptShare(
        token_hash=token_hash(TOKEN, "token"),
        receipt_id="r",
        created_at=share.created_at,
        expires_at=LATER,
        max_accesses=3,
        access_count=0,
        created_by="ann",
    )
    assert await shares.get_by_token("x") is None
    rows = await fetch(shares.database, "SELECT * FROM receipt_shares")
    assert TOKEN not in str(rows)
    assert TOKEN not in repr(share)


async def test_save_of_a_token_again_counts_from_0(shares: ReceiptShareStore) -> None:
    await shares.save(TOKEN, "r", LATER, 1, "ann")
    assert await shares.redeem(TOKEN) is not None
    await shares.save(TOKEN, "s", LATER)
    share = await shares.redeem(TOKEN)
    assert share is not None
    assert (share.receipt_id, share.access_count, share.max_accesses) == ("s", 1, None)
    assert share.created_by is None


async def test_save_refuses_tokens_that_are_easily_guessed(shares: ReceiptShareStore) -> None:
    weak: list[Any] = ["", "short", TOKEN[:-1], "x" * 1001, 5, "NUL\0" * 10]
    for text in weak:
        with pytest.raises(InvalidInputError) as caught:
            await shares.save(text, "r", LATER)
        assert caught.value.argument == "token"
        assert not text or str(text) not in str(caught.value)


async def test_issue_makes_a_token(shares: ReceiptShareStore) -> None:
    first, second = [await shares.issue("r", LATER) for _ in range(2)]
    assert first != second
    share = await shares.redeem(first)
    assert share is not None
    assert share.receipt_id == "r"


async def test_redeem_and_increment_access_stop_at_the_limit(shares: ReceiptShareStore) -> None:
    await shares.save(TOKEN, "r", LATER, 2)
    assert await shares.increment_access(TOKEN)
    share = await shares.redeem(TOKEN)
    assert share is not None
    assert share.access_count == 2
    assert await shares.redeem(TOKEN) is None
    assert not await shares.increment_access(TOKEN)
    assert not await shares.increment_access("x")
    used_up = await shares.get_by_token(TOKEN)
    assert used_up is not None
    assert used_up.access_count == 2


async def test_redeem_gives_the_last_access_out_once(open_database: OpenDatabase) -> None:
    stores = [SharingStore(await open_database()).receipts for _ in range(4)]
    await stores[0].initialize()
    issued = await stores[0].issue("r", LATER, 3)
    opened = await asyncio.gather(*(stores[number % 4].redeem(issued) for number in range(40)))
    assert sorted(one.access_count for one in opened if one is not None) == [1, 2, 3]


async def test_what_is_over_opens_for_nobody(shares: ReceiptShareStore) -> None:
    await shares.save(token(0), "r", LATER)
    await shares.save(token(1), "r", days_ago(0.001))
    assert await shares.get_by_token(token(1)) is None
    assert await shares.redeem(token(1)) is None
    assert [one.access_count for one in await shares.get_by_receipt("r")] == [0, 0]


async def test_get_by_receipt_gives_pages_newest_first(shares: ReceiptShareStore) -> None:
    for number in range(5):
        await shares.save(token(number), "r", LATER)
    await shares.save(token(9), "s", LATER)
    listed = await shares.get_by_receipt("r")
    order = [(one.created_at, one.token_hash) for one in listed]
    assert len(order) == 5
    assert order == sorted(order, reverse=True)
    seen: list[ReceiptShare] = []
    page = await shares.get_by_receipt("r", 2)
    while page:
        seen += page
        page = await shares.get_by_receipt("r", 2, after=page[-1])
    assert seen == listed


async def test_delete_delete_by_hash_and_delete_by_receipt(shares: ReceiptShareStore) -> None:
    for number in range(4):
        await shares.save(token(number), "r", LATER)
    await shares.save(token(9), "s", LATER)
    assert await shares.delete(token(0))
    assert not await shares.delete(token(0))
    hashed = token_hash(token(1), "token")
    assert await shares.delete_by_hash(hashed)
    assert not await shares.delete_by_hash(hashed)
    assert await shares.delete_by_receipt("r") == 2
    assert await shares.delete_by_receipt("r") == 0
    assert await shares.get_by_token(token(9)) is not None


async def expire(database: Database, count: int) -> None:
    hashed = "lpad(to_hex(n), 64, '0')" if database.dialect == "postgres" else "printf('%064x', n)"
    await run(
        database,
        "INSERT INTO receipt_shares (token_hash, receipt_id, expires_at) "
        f"SELECT {hashed}, 'r', '2020-01-01T00:00:00.000000Z' FROM {numbers(database, count)}",
    )


async def test_cleanup_expired_deletes_in_batches_and_save_calls_it(
    shares: ReceiptShareStore,
) -> None:
    await expire(shares.database, 1500)
    soon = datetime.now(UTC) + timedelta(hours=1)
    await shares.save(TOKEN, "r", soon)
    assert await fetch_value(shares.database, "SELECT count(*) FROM receipt_shares") == 1
    await expire(shares.database, 3)
    await shares.save(TOKEN, "r", soon)
    assert await shares.cleanup_expired() == 3
    assert await shares.get_by_token(TOKEN) is not None
