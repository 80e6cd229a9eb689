"""How debates are shared, on each engine."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import (
    ConfigurationError,
    InvalidInputError,
    ShareNotFoundError,
    SharePasswordError,
    TenantMismatchError,
)
from aragora_sql.stores.sharing import ShareLink, SharingStore
from aragora_sql.stores.tokens import token_hash
from tests.conftest import OpenDatabase
from tests.stores.samples import days_ago, fetch, fetch_value, numbers, run
from tests.stores.sharing.cases import LATER

PASSWORD = "Caf\u00e9 au lait"  # noqa: S105


async def found(sharing: SharingStore, debate_id: str = "d") -> ShareLink:
    link = await sharing.get(debate_id, include_expired=True)
    assert link is not None
    return link


async def test_save_reads_back_by_get_and_makes_no_token(sharing: SharingStore) -> None:
    before = datetime.now(UTC)
    saved = await sharing.save(
        "d",
        "team",
        owner_id="ann",
        org_id="acme",
        expires_at=LATER,
        allow_comments=True,
        allow_forking=True,
        max_uses=3,
    )
    assert await sharing.get("d") == saved
    assert await sharing.get("x") is None
    assert abs((saved.created_at - before).total_seconds()) < 60
    assert saved == ShareLink(
        debate_id="d",
        is_linked=False,
        asks_password=False,
        visibility="team",
        owner_id="ann",
        org_id="acme",
        created_at=saved.created_at,
        expires_at=LATER,
        allow_comments=True,
        allow_forking=True,
        max_uses=3,
        use_count=0,
        view_count=0,
        last_viewed_at=None,
    )


async def test_save_again_keeps_owner_token_and_counters(sharing: SharingStore) -> None:
    await sharing.save("d", "team", owner_id="ann", org_id="acme", max_uses=3)
    token = await sharing.issue_token("d")
    await sharing.redeem(token)
    first = await found(sharing)
    changed = await sharing.save("d", "public")
    assert (changed.visibility, changed.max_uses) == ("public", None)
    assert (changed.owner_id, changed.org_id) == ("ann", "acme")
    assert changed.created_at == first.created_at
    assert (changed.is_linked, changed.use_count, changed.view_count) == (True, 1, 1)
    assert (await sharing.save("d", owner_id="ben")).owner_id == "ben"
    await sharing.revoke_token("d")
    # A save after a revocation gives no new link.
    assert not (await sharing.save("d")).is_linked


async def test_save_of_another_organization_is_refused(sharing: SharingStore) -> None:
    for debate_id, org_id in (("d", "acme"), ("of nobody", None)):
        await sharing.save(debate_id, org_id=org_id)
        with pytest.raises(TenantMismatchError):
            await sharing.save(debate_id, "public", org_id="other")
        share = await found(sharing, debate_id)
        assert (share.visibility, share.org_id) == ("private", org_id)


async def test_issue_token_gives_the_only_one(sharing: SharingStore) -> None:
    with pytest.raises(ShareNotFoundError, match="'d'"):
        await sharing.issue_token("d")
    await sharing.save("d")
    first = await sharing.issue_token("d")
    assert (await sharing.redeem(first)) is not None
    second = await sharing.issue_token("d")
    assert len({first, second}) == 2
    assert await sharing.get_by_token(first) is None
    assert await sharing.redeem(first) is None
    link = await sharing.get_by_token(second)
    assert link is not None
    assert (link.debate_id, link.use_count, link.view_count) == ("d", 0, 1)


async def test_tokens_and_passwords_are_stored_as_hashes_and_shown_nowhere(
    sharing: SharingStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await sharing.save("d")
    token = await sharing.issue_token("d")
    await sharing.set_password("d", PASSWORD)
    link = await sharing.redeem(token, PASSWORD)
    with pytest.raises(SharePasswordError) as caught:
        await sharing.redeem(token, "another one")
    (row,) = await fetch(sharing.database, "SELECT * FROM share_links")
    assert row["token_hash"] == token_hash(token, "token")
    assert row["password_hash"].startswith("$argon2id$")
    for text in (str(row), repr(link), str(caught.value), caplog.text, repr(sharing)):
        assert token not in text
        assert PASSWORD not in text
        assert "another one" not in text
    assert row["password_hash"] not in repr(link)


async def test_revoke_token_keeps_all_but_the_link(sharing: SharingStore) -> None:
    assert not await sharing.revoke_token("d")
    await sharing.save("d", owner_id="ann")
    assert not await sharing.revoke_token("d")
    token = await sharing.issue_token("d")
    assert await sharing.revoke_token("d")
    assert not await sharing.revoke_token("d")
    assert await sharing.redeem(token) is None
    assert await sharing.get_by_token(token) is None
    link = await found(sharing)
    assert (link.is_linked, link.owner_id) == (False, "ann")


async def test_redeem_counts_uses_and_views(sharing: SharingStore) -> None:
    await sharing.save("d", max_uses=2)
    token = await sharing.issue_token("d")
    for number in (1, 2):
        link = await sharing.redeem(token)
        assert link is not None
        assert (link.use_count, link.view_count) == (number, number)
        assert link.last_viewed_at is not None
    assert await sharing.redeem(token) is None
    assert (await found(sharing)).use_count == 2
    assert await sharing.redeem("no such token") is None


async def test_redeem_gives_the_last_use_out_once(open_database: OpenDatabase) -> None:
    stores = [SharingStore(await open_database()) for _ in range(4)]
    await stores[0].initialize()
    await stores[0].save("d", max_uses=5)
    token = await stores[0].issue_token("d")
    opened = await asyncio.gather(*(stores[number % 4].redeem(token) for number in range(40)))
    counts = [link.use_count for link in opened if link is not None]
    assert sorted(counts) == [1, 2, 3, 4, 5]
    link = await found(stores[0])
    assert (link.use_count, link.view_count) == (5, 5)


async def test_redeem_asks_for_the_password_of_set_password(sharing: SharingStore) -> None:
    with pytest.raises(ShareNotFoundError):
        await sharing.set_password("d", PASSWORD)
    await sharing.save("d", max_uses=2)
    token = await sharing.issue_token("d")
    await sharing.set_password("d", PASSWORD)
    assert (await found(sharing)).asks_password
    for wrong, said in ((None, "is asked for"), ("other", "is not right")):
        with pytest.raises(SharePasswordError, match=said) as caught:
            await sharing.redeem(token, wrong)
        assert caught.value.is_given == (wrong is not None)
    assert (await found(sharing)).use_count == 0
    # The same text in another form of Unicode.
    assert await sharing.redeem(token, "Cafe\u0301 au lait") is not None
    await sharing.set_password("d", None)
    assert await sharing.redeem(token, "no longer asked for") is not None
    # It opens no more: there is no password to be found out.
    await sharing.set_password("d", PASSWORD)
    assert await sharing.redeem(token, "other") is None
    assert await sharing.redeem(token) is None


async def test_redeem_with_a_password_that_changed_meanwhile_counts_nothing(
    sharing: SharingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sharing.save("d")
    token = await sharing.issue_token("d")
    await sharing.set_password("d", "old")

    async def changed_then_verified(password: str, password_hash: str) -> bool:
        await sharing.set_password("d", "new")
        return True

    monkeypatch.setattr("aragora_sql.stores.sharing.store.is_password", changed_then_verified)
    with pytest.raises(SharePasswordError):
        await sharing.redeem(token, "old")
    assert (await found(sharing)).use_count == 0


async def test_set_password_says_which_package_is_missing(
    sharing: SharingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sharing.save("d")
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(ConfigurationError, match=r"aragora-sql\[passwords\]"):
        await sharing.set_password("d", PASSWORD)
    await sharing.set_password("d", None)
    assert not (await found(sharing)).asks_password


async def test_what_is_over_opens_for_nobody_and_get_shows_it_on_request(
    sharing: SharingStore,
) -> None:
    await sharing.save("d", expires_at=LATER)
    token = await sharing.issue_token("d")
    await sharing.save("d", expires_at=days_ago(0.001))
    assert await sharing.redeem(token) is None
    assert await sharing.get_by_token(token) is None
    assert await sharing.get("d") is None
    assert (await found(sharing)).is_linked


async def test_increment_view_count_counts_concurrent_calls(open_database: OpenDatabase) -> None:
    stores = [SharingStore(await open_database()) for _ in range(2)]
    await stores[0].initialize()
    assert not await stores[0].increment_view_count("d")
    await stores[0].save("d")
    assert all(await asyncio.gather(*(stores[n % 2].increment_view_count("d") for n in range(20))))
    link = await found(stores[0])
    assert (link.view_count, link.use_count) == (20, 0)
    assert link.last_viewed_at is not None


async def test_list_by_owner_and_list_by_org_give_pages(sharing: SharingStore) -> None:
    for number in range(5):
        await sharing.save(
            f"d{number}",
            "team" if number < 3 else "public",
            owner_id="ann" if number != 1 else "ben",
            org_id="acme",
        )
    await sharing.save("other", "team", owner_id="cy", org_id="other")
    mine = await sharing.list_by_owner("ann")
    assert sorted(link.debate_id for link in mine) == ["d0", "d2", "d3", "d4"]
    order = [(link.created_at, link.debate_id) for link in mine]
    assert order == sorted(order, reverse=True)
    seen: list[ShareLink] = []
    page = await sharing.list_by_owner("ann", 3)
    while page:
        seen += page
        page = await sharing.list_by_owner("ann", 3, after=page[-1])
    assert seen == mine
    team = await sharing.list_by_org("acme", "team")
    assert sorted(link.debate_id for link in team) == ["d0", "d1", "d2"]
    assert await sharing.list_by_org("acme", "team", 5, after=team[0]) == team[1:]
    assert await sharing.list_by_org("acme", "private") == []


async def test_delete(sharing: SharingStore) -> None:
    await sharing.save("d")
    assert await sharing.delete("d")
    assert not await sharing.delete("d")
    assert await sharing.get("d") is None


async def expire(database: Database, count: int) -> None:
    """Store links that are over, and one that is not."""
    at = "'2020-01-01T00:00:00.000000Z'"
    await run(
        database,
        f"INSERT INTO share_links (debate_id, expires_at) SELECT 'e' || n, {at} "
        f"FROM {numbers(database, count)}",
    )
    await run(database, "INSERT INTO share_links (debate_id) VALUES ('never')")


async def test_cleanup_expired_deletes_in_batches(sharing: SharingStore) -> None:
    await expire(sharing.database, 1500)
    assert await sharing.cleanup_expired() == 1500
    assert await sharing.cleanup_expired() == 0
    assert await fetch_value(sharing.database, "SELECT debate_id FROM share_links") == "never"


async def test_save_cleans_up_now_and_then(sharing: SharingStore) -> None:
    await expire(sharing.database, 2)
    async with sharing.database.transaction():
        await sharing.save("within")
    assert (await sharing.get_stats())["total"] == 4
    await sharing.save("first")
    assert (await sharing.get_stats())["total"] == 3
    await sharing.save("late", expires_at=days_ago(1))
    await sharing.save("second")
    assert (await sharing.get_stats())["expired"] == 1


async def test_get_stats(sharing: SharingStore) -> None:
    empty = await sharing.get_stats()
    assert empty == {
        "total": 0,
        "by_visibility": {"private": 0, "team": 0, "public": 0},
        "with_tokens": 0,
        "expired": 0,
        "total_views": 0,
    }
    await sharing.save("a", "public")
    await sharing.save("b", "public")
    await sharing.save("c", "team", expires_at=days_ago(1))
    await sharing.issue_token("a")
    for debate_id in ("a", "a", "c"):
        await sharing.increment_view_count(debate_id)
    assert await sharing.get_stats() == {
        "total": 3,
        "by_visibility": {"private": 0, "team": 1, "public": 2},
        "with_tokens": 1,
        "expired": 1,
        "total_views": 3,
    }


async def test_errors_of_tokens_do_not_show_them(sharing: SharingStore) -> None:
    bad: list[Any] = ["", " ", 5, "x" * 1001, "NUL\0 inside"]
    for token in bad:
        with pytest.raises(InvalidInputError) as caught:
            await sharing.redeem(token)
        assert caught.value.argument == "token"
        assert str(token).strip() in {"", "5"} or str(token) not in str(caught.value)
