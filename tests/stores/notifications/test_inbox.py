"""Preferences, inboxes, windows of keys, digests and the clean-up, on each engine."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.values import format_timestamp
from aragora_sql.stores.notifications import Digest, Notification, NotificationStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEYRING, days_ago, fetch, fetch_value, run


async def send(notifications: NotificationStore, user_id: str = "u", **changes: Any) -> int:
    given: dict[str, Any] = {
        "org_id": "acme",
        "user_id": user_id,
        "event_type": "receipt",
        "title": "A receipt",
        **changes,
    }
    sent = await notifications.send(**given)
    assert sent.outcome == "stored"
    assert sent.id is not None
    return sent.id


@pytest.fixture
async def other(notifications: NotificationStore, open_database: OpenDatabase) -> NotificationStore:
    """Another instance of the application, with connections of its own."""
    return NotificationStore(await open_database(), KEYRING)


def moment(value: Any) -> datetime:
    """A timestamp as an engine gives it without a query of the store."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


async def over(database: Database, table: str, column: str) -> None:
    """Let what holds until a time hold no more."""
    await run(
        database,
        f"UPDATE {table} SET {column} = '{format_timestamp(days_ago(1))}' "
        f"WHERE {column} IS NOT NULL",
    )


# Preferences


async def test_set_preference_then_get_preferences(notifications: NotificationStore) -> None:
    await notifications.set_preference("acme", "u", "email", False)
    await notifications.set_preference("acme", "u", "email", True, "budget_alert")
    await notifications.set_preference("acme", "u", "email", False, "budget_alert")
    await notifications.set_preference("acme", "u", "inbox", True)
    await notifications.set_preference("acme", "v", "inbox", False)
    found = await notifications.get_preferences("acme", "u")
    assert [(one.channel, one.event_type, one.enabled) for one in found] == [
        ("email", "*", False),
        ("email", "budget_alert", False),
        ("inbox", "*", True),
    ]
    assert all(one.updated_at > days_ago(0.01) for one in found)


async def test_is_wanted_by_the_event_and_else_by_all(notifications: NotificationStore) -> None:
    async def wanted(channel: str, event: str) -> bool:
        return await notifications.is_wanted("acme", "u", channel, event)

    assert await wanted("email", "receipt")
    await notifications.set_preference("acme", "u", "email", False)
    assert not await wanted("email", "receipt")
    await notifications.set_preference("acme", "u", "email", True, "receipt")
    assert await wanted("email", "receipt")
    assert not await wanted("email", "budget_alert")
    assert await wanted("slack", "budget_alert")
    assert await notifications.is_wanted("other", "u", "email", "budget_alert")
    await notifications.set_preference("acme", "u", "email", True)
    await notifications.set_preference("acme", "u", "email", False, "receipt")
    assert not await wanted("email", "receipt")


async def test_clear_preferences_of_one_user(notifications: NotificationStore) -> None:
    for user, channel in (("u", "email"), ("u", "inbox"), ("v", "email")):
        await notifications.set_preference("acme", user, channel, False)
    assert await notifications.clear_preferences("acme", "u") == 2
    assert await notifications.clear_preferences("acme", "u") == 0
    assert await notifications.get_preferences("acme", "u") == []
    assert len(await notifications.get_preferences("acme", "v")) == 1


# Inboxes


async def test_send_then_list_notifications(notifications: NotificationStore) -> None:
    number = await send(
        notifications, title="Reçu", message="line\nline", data={"n": 0.1, "big": 2**60}
    )
    (found,) = await notifications.list_notifications("acme", "u")
    assert found == Notification(
        id=number,
        org_id="acme",
        user_id="u",
        event_type="receipt",
        title="Reçu",
        message="line\nline",
        data={"n": 0.1, "big": 2**60},
        dedup_key=None,
        created_at=found.created_at,
        read_at=None,
        digested_at=None,
    )
    assert not found.is_read
    assert found.created_at > days_ago(0.01)


async def test_list_notifications_gives_pages_of_one_inbox(
    notifications: NotificationStore,
) -> None:
    numbers = [await send(notifications, title=f"t{n}") for n in range(6)]
    await send(notifications, "v")
    await send(notifications, org_id="other")
    whole = await notifications.list_notifications("acme", "u")
    assert [one.id for one in whole] == numbers[::-1]
    page = await notifications.list_notifications("acme", "u", 2, after=whole[1])
    assert page == whole[2:4]
    await notifications.mark_read("acme", "u", [numbers[3], numbers[5]])
    unread = await notifications.list_notifications("acme", "u", unread_only=True)
    assert [one.id for one in unread] == [numbers[n] for n in (4, 2, 1, 0)]
    rest = await notifications.list_notifications("acme", "u", 2, unread_only=True, after=unread[0])
    assert rest == unread[1:3]


async def test_send_what_is_muted_is_not_stored(notifications: NotificationStore) -> None:
    await notifications.set_preference("acme", "u", "inbox", False)
    await notifications.set_preference("acme", "u", "inbox", True, "budget_alert")
    for key in (None, "k"):
        muted = await notifications.send("acme", "u", "receipt", "t", dedup_key=key)
        assert (muted.outcome, muted.id) == ("muted", None)
    await send(notifications, event_type="budget_alert")
    assert await notifications.count_unread("acme", "u") == 1
    # what was not stored began no window
    await notifications.clear_preferences("acme", "u")
    await send(notifications, dedup_key="k")


async def test_send_of_a_key_once_within_its_window(notifications: NotificationStore) -> None:
    await send(notifications, dedup_key="k")
    again = await notifications.send("acme", "u", "receipt", "again", dedup_key="k")
    assert (again.outcome, again.id) == ("duplicate", None)
    # keys are those of one inbox
    await send(notifications, "v", dedup_key="k")
    await send(notifications, org_id="other", dedup_key="k")
    await send(notifications, dedup_key="K")
    await over(notifications.database, "notification_dedup_keys", "holds_until")
    await send(notifications, dedup_key="k", title="later")
    found = await notifications.list_notifications("acme", "u")
    assert [(one.dedup_key, one.title) for one in found] == [
        ("k", "later"),
        ("K", "A receipt"),
        ("k", "A receipt"),
    ]


async def test_send_of_a_key_lasts_as_long_as_its_window(notifications: NotificationStore) -> None:
    await send(notifications, dedup_key="k", window_seconds=3600)
    until = await fetch_value(
        notifications.database, "SELECT holds_until FROM notification_dedup_keys"
    )
    assert abs(moment(until) - days_ago(-1 / 24)) < timedelta(seconds=60)


async def test_send_of_a_key_by_many_at_once_stores_one(
    notifications: NotificationStore, other: NotificationStore
) -> None:
    for window in range(2):
        sent = await asyncio.gather(
            *(
                (notifications, other)[n % 2].send("acme", "u", "receipt", f"{n}", dedup_key="k")
                for n in range(12)
            )
        )
        assert Counter(one.outcome for one in sent) == {"stored": 1, "duplicate": 11}
        assert await notifications.count_unread("acme", "u") == window + 1
        await over(notifications.database, "notification_dedup_keys", "holds_until")


async def test_send_of_a_key_within_a_transaction_that_is_undone(
    notifications: NotificationStore,
) -> None:
    async def undone() -> None:
        async with notifications.database.transaction():
            await send(notifications, dedup_key="k")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    await send(notifications, dedup_key="k")


async def test_count_unread_and_mark_read(notifications: NotificationStore) -> None:
    numbers = [await send(notifications) for _ in range(4)]
    await send(notifications, "v")
    assert await notifications.count_unread("acme", "u") == 4
    assert await notifications.mark_read("acme", "u", numbers[:2]) == 2
    assert await notifications.mark_read("acme", "u", [*numbers[:3], 999]) == 1
    assert await notifications.mark_read("acme", "u", []) == 0
    # those of others stay unread
    assert await notifications.mark_read("acme", "v", numbers) == 0
    assert await notifications.mark_read("other", "u", numbers) == 0
    assert await notifications.count_unread("acme", "u") == 1
    read = await notifications.list_notifications("acme", "u")
    assert [one.is_read for one in read] == [False, True, True, True]
    assert read[1].read_at is not None
    assert read[1].read_at > days_ago(0.01)


async def test_mark_all_read_up_to_what_was_seen(notifications: NotificationStore) -> None:
    numbers = [await send(notifications) for _ in range(3)]
    await send(notifications, "v")
    assert await notifications.mark_all_read("acme", "u", numbers[1]) == 2
    assert await notifications.count_unread("acme", "u") == 1
    assert await notifications.mark_all_read("acme", "u") == 1
    assert await notifications.mark_all_read("acme", "u") == 0
    assert await notifications.count_unread("acme", "v") == 1


async def test_count_unread_stays_right_when_many_read_and_send(
    notifications: NotificationStore, other: NotificationStore
) -> None:
    numbers = [await send(notifications) for _ in range(12)]
    both = (notifications, other)
    changed = await asyncio.gather(
        *(
            both[n % 2].mark_read("acme", "u", numbers[n : n + 6][:: 1 - 2 * (n % 2)])
            for n in range(6)
        ),
        *(send(both[n % 2]) for n in range(6)),
    )
    marked = sum(changed[:6])
    assert marked == 11
    assert await notifications.count_unread("acme", "u") == 18 - marked
    assert len(await other.list_notifications("acme", "u", unread_only=True)) == 18 - marked
    counted = await asyncio.gather(*(one.mark_all_read("acme", "u") for one in both))
    assert sum(counted) == 18 - marked
    assert await other.count_unread("acme", "u") == 0


async def test_delete_notification_of_its_user(notifications: NotificationStore) -> None:
    number = await send(notifications)
    assert not await notifications.delete_notification("acme", "v", number)
    assert not await notifications.delete_notification("other", "u", number)
    assert await notifications.delete_notification("acme", "u", number)
    assert not await notifications.delete_notification("acme", "u", number)
    assert await notifications.list_notifications("acme", "u") == []


# Digests


def contents(digests: list[Digest]) -> dict[str, list[int]]:
    return {one.user_id: [item.id for item in one.notifications] for one in digests}


async def test_get_pending_digests_by_user_and_event(notifications: NotificationStore) -> None:
    first = await send(notifications, "b")
    await send(notifications, "b", event_type="budget_alert")
    await send(notifications, "b", event_type="budget_alert")
    await send(notifications, "a")
    read = await send(notifications, "read")
    await notifications.mark_read("acme", "read", [read])
    await send(notifications, "elsewhere", org_id="other")
    await notifications.set_preference("acme", "muted", "digest", False, "receipt")
    await send(notifications, "muted")
    await send(notifications, "muted", event_type="budget_alert")
    found = await notifications.get_pending_digests("acme")
    assert [(one.user_id, one.total, one.event_types) for one in found] == [
        ("a", 1, {"receipt": 1}),
        ("b", 3, {"receipt": 1, "budget_alert": 2}),
        ("muted", 1, {"budget_alert": 1}),
    ]
    inbox = await notifications.list_notifications("acme", "b")
    assert inbox[-1].id == first
    assert (found[1].oldest_at, found[1].newest_at) == (
        inbox[-1].created_at,
        inbox[0].created_at,
    )
    assert found[1].last_digest_at is None
    page = await notifications.get_pending_digests("acme", 1, after=found[0])
    assert page == found[1:2]


async def test_claim_digests_then_finish_digest(notifications: NotificationStore) -> None:
    told = [await send(notifications, "a") for _ in range(2)]
    of_b = await send(notifications, "b")
    await send(notifications, "c", org_id="other")
    digests = await notifications.claim_digests("acme")
    assert contents(digests) == {"a": told, "b": [of_b]}
    assert digests[0].notifications == (await notifications.list_notifications("acme", "a"))[::-1]
    # each is sent by one caller
    assert await notifications.claim_digests("acme") == []
    # what comes meanwhile is not told by it
    later = await send(notifications, "a")
    assert await notifications.finish_digest(digests[0])
    assert not await notifications.finish_digest(digests[0])
    found = await notifications.list_notifications("acme", "a")
    assert [one.digested_at is None for one in found] == [True, False, False]
    (pending, _) = await notifications.get_pending_digests("acme")
    assert (pending.user_id, pending.total) == ("a", 1)
    assert pending.last_digest_at == found[1].digested_at
    (next_one,) = await notifications.claim_digests("acme")
    assert contents([next_one]) == {"a": [later]}
    assert next_one.last_digest_at == found[1].digested_at


async def test_release_digest_gives_it_to_the_next_caller(
    notifications: NotificationStore,
) -> None:
    number = await send(notifications)
    (digest,) = await notifications.claim_digests("acme")
    assert await notifications.release_digest(digest)
    assert not await notifications.release_digest(digest)
    (again,) = await notifications.claim_digests("acme")
    assert contents([again]) == {"u": [number]}
    assert again.last_digest_at is None
    # the first caller has lost it
    assert not await notifications.finish_digest(digest)
    assert await notifications.finish_digest(again)


async def test_claim_digests_of_a_caller_that_died(
    notifications: NotificationStore, other: NotificationStore
) -> None:
    await send(notifications)
    (dead,) = await notifications.claim_digests("acme", lease_seconds=300)
    until = await fetch_value(
        notifications.database, "SELECT lease_until FROM notification_digests"
    )
    assert abs(moment(until) - days_ago(-300 / 86400)) < timedelta(seconds=60)
    await send(notifications)
    await over(notifications.database, "notification_digests", "lease_until")
    (taken,) = await other.claim_digests("acme")
    assert len(taken.notifications) == 2
    # it was not dead after all
    assert not await notifications.finish_digest(dead)
    assert not await notifications.release_digest(dead)
    assert len(await notifications.get_pending_digests("acme")) == 1
    assert await other.finish_digest(taken)
    assert await notifications.get_pending_digests("acme") == []


async def test_claim_digests_no_sooner_than_the_interval(notifications: NotificationStore) -> None:
    await send(notifications)
    (digest,) = await notifications.claim_digests("acme", interval_seconds=3600)
    await notifications.finish_digest(digest)
    await send(notifications)
    assert await notifications.claim_digests("acme", interval_seconds=3600) == []
    await over(notifications.database, "notification_digests", "last_digest_at")
    assert len(await notifications.claim_digests("acme", interval_seconds=3600)) == 1


async def test_claim_digests_of_so_many_users_and_notifications(
    notifications: NotificationStore,
) -> None:
    numbers = [await send(notifications, "a") for _ in range(3)]
    of_b = await send(notifications, "b")
    (digest,) = await notifications.claim_digests("acme", 1, most=2)
    assert contents([digest]) == {"a": numbers[:2]}
    # the next caller gets those who are left
    assert contents(await notifications.claim_digests("acme", 1, most=2)) == {"b": [of_b]}
    await notifications.finish_digest(digest)
    assert contents(await notifications.claim_digests("acme", 1, most=2)) == {"a": [numbers[2]]}


async def test_claim_digests_by_many_at_once_gives_each_to_one(
    notifications: NotificationStore, other: NotificationStore
) -> None:
    users = [f"u{n}" for n in range(6)]
    for user in users:
        await send(notifications, user)
        await send(notifications, user)

    async def work(store: NotificationStore) -> list[Digest]:
        found = await store.claim_digests("acme", 4)
        assert all([await store.finish_digest(one) for one in found])
        return found

    told = await asyncio.gather(*(work((notifications, other)[n % 2]) for n in range(6)))
    while rest := await work(other):
        told.append(rest)
    assert Counter(one.user_id for digests in told for one in digests) == dict.fromkeys(users, 1)
    assert {len(one.notifications) for digests in told for one in digests} == {2}
    assert await notifications.get_pending_digests("acme") == []


# Clean-up


async def test_cleanup_by_age(notifications: NotificationStore) -> None:
    numbers = [await send(notifications, dedup_key=f"k{n}") for n in range(4)]
    await notifications.mark_read("acme", "u", numbers[:2])
    for number, column, age in (
        (numbers[0], "read_at", 91),
        (numbers[1], "read_at", 89),
        (numbers[2], "created_at", 366),
        (numbers[3], "created_at", 364),
    ):
        await run(
            notifications.database,
            f"UPDATE notifications SET {column} = '{format_timestamp(days_ago(age))}' "
            f"WHERE id = {number}",
        )
    assert await notifications.cleanup() == {"read": 1, "old": 1, "keys": 0}
    found = await notifications.list_notifications("acme", "u")
    assert [one.id for one in found] == [numbers[3], numbers[1]]
    await over(notifications.database, "notification_dedup_keys", "holds_until")
    assert await notifications.cleanup(89.5, 365) == {"read": 0, "old": 0, "keys": 4}
    assert await notifications.cleanup(0, 0) == {"read": 1, "old": 1, "keys": 0}


async def test_cleanup_leaves_what_a_digest_told(notifications: NotificationStore) -> None:
    await send(notifications)
    (digest,) = await notifications.claim_digests("acme")
    await notifications.finish_digest(digest)
    await notifications.cleanup()
    (row,) = await fetch(notifications.database, "SELECT last_digest_at FROM notification_digests")
    assert row["last_digest_at"] is not None
    assert len(await notifications.list_notifications("acme", "u")) == 1
