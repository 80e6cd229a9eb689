"""Accounts, messages and advice on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import (
    DuplicateKeyError,
    InboxAccountNotFoundError,
    InboxMessageNotFoundError,
)
from aragora_sql.stores.unified_inbox import PRIORITY_TIERS, UnifiedInboxStore, action_of_tier
from tests.conftest import OpenDatabase
from tests.database.waiting import outside
from tests.stores.jobs.test_locks import until_both_wait
from tests.stores.samples import day, run
from tests.stores.unified_inbox.cases import a_message, a_triage, an_account

FULL: dict[str, Any] = {
    **a_message("x-1"),
    "message_id": "m",
    "subject": "Rechnung für März",
    "sender_email": "Bob@Example.com",
    "sender_name": "Bob",
    "recipients": ["ann@example.com"],
    "cc": ["x@example.com"],
    "received_at": day(1),
    "snippet": "Please pay \U0001f9e0",
    "body_preview": "x" * 500,
    "is_read": False,
    "is_starred": True,
    "has_attachments": True,
    "labels": ["INBOX"],
    "thread_id": "th",
    "priority_score": 0.1 + 0.2,
    "priority_tier": "high",
    "priority_reasons": ["A known sender"],
    "triage_action": "delegate",
    "triage_rationale": "Not mine",
}


async def counts(inbox: UnifiedInboxStore, account_id: str = "a") -> tuple[int, int, int]:
    account = await inbox.get_account("t", account_id)
    assert account is not None
    return account.total_messages, account.unread_count, account.sync_errors


async def test_save_account_get_account_and_list_accounts(inbox: UnifiedInboxStore) -> None:
    for number in (1, 2):
        await inbox.save_account("t", an_account(f"b{number}", connected_at=day(number)))
    given = an_account(
        "b1",
        display_name="Ann",
        provider="outlook",
        status="connected",
        connected_at=day(3),
        last_sync=day(4).isoformat(),
        total_messages=7,
        metadata={"big": 10**30},
    )
    await inbox.increment_account_counts("t", "b1", 1)
    await inbox.save_account("t", given)
    stored = await inbox.get_account("t", "b1")
    assert stored is not None
    assert dict(stored) == {
        **given,
        "tenant_id": "t",
        "last_sync": day(4),
        # The counts are the store's.
        "total_messages": 1,
        "unread_count": 0,
        "sync_errors": 0,
    }
    # What was read can be saved.
    await inbox.save_account("t", stored)
    listed = await inbox.list_accounts("t")
    assert [one.account_id for one in listed] == ["b1", "b2", "a"]
    for number in range(3):
        page = await inbox.list_accounts("t", 1, after=listed[number - 1] if number else None)
        assert page == [listed[number]]
    assert await inbox.list_accounts("t", after=listed[-1]) == []
    assert await inbox.list_accounts("u") == []
    assert await inbox.get_account("u", "a") is None


async def test_update_account_fields(inbox: UnifiedInboxStore) -> None:
    changes = {"status": "error", "sync_errors": 3, "last_sync": day(1), "metadata": {"a": 1}}
    assert await inbox.update_account_fields("t", "a", changes)
    assert await inbox.update_account_fields("t", "a", {"last_sync": None})
    found = await inbox.get_account("t", "a")
    assert found is not None
    assert (found.status, found.sync_errors, found.last_sync) == ("error", 3, None)
    assert (found.metadata, found.email_address) == ({"a": 1}, "ann@example.com")
    assert not await inbox.update_account_fields("u", "a", changes)


async def test_delete_account_while_its_messages_change(inbox: UnifiedInboxStore) -> None:
    for _ in range(12):
        await inbox.save_account("t", an_account())
        saved = [await inbox.save_message("t", a_message(f"x{n}")) for n in range(5)]
        # Nobody waits for another in a circle, which would be ConflictError.
        await asyncio.gather(
            inbox.delete_account("t", "a"),
            *(inbox.update_message_flags("t", key, is_read=True) for key, _ in saved),
            inbox.delete_message("t", saved[0][0]),
        )
        assert await inbox.list_messages("t") == ([], 0)
    await inbox.save_account("t", an_account())
    await inbox.save_message("t", a_message())
    done = await asyncio.gather(
        inbox.delete_account("t", "a"),
        *(inbox.save_message("t", a_message(is_read=bool(n % 2))) for n in range(5)),
        return_exceptions=True,
    )
    assert {type(one) for one in done} <= {bool, tuple, InboxAccountNotFoundError}


async def test_increment_account_counts_and_recount_messages(inbox: UnifiedInboxStore) -> None:
    await inbox.save_message("t", a_message())
    assert await inbox.increment_account_counts("t", "a", 5, 2, 1)
    assert await counts(inbox) == (6, 3, 1)
    assert await inbox.increment_account_counts("t", "a", -2, -9)
    assert await counts(inbox) == (4, 0, 1)
    found = await inbox.recount_messages("t", "a")
    assert found is not None
    assert (found.total_messages, found.unread_count, found.sync_errors) == (1, 1, 1)
    # A count stops at what the column holds, also when more is added to it.
    for _ in range(2):
        assert await inbox.increment_account_counts("t", "a", *[2**31 - 1] * 3)
    assert await counts(inbox) == (2**31 - 1,) * 3
    await inbox.save_message("t", a_message("another"))
    assert await counts(inbox) == (2**31 - 1,) * 3
    assert await inbox.increment_account_counts("t", "a", *[1 - 2**31] * 3)
    assert await counts(inbox) == (0, 0, 0)
    assert not await inbox.increment_account_counts("u", "a", 1)
    assert await inbox.recount_messages("u", "a") is None


async def test_save_message_then_get_message(inbox: UnifiedInboxStore) -> None:
    assert await inbox.save_message("t", FULL) == ("m", True)
    stored = await inbox.get_message("t", "m")
    assert stored is not None
    assert {name: stored[name] for name in FULL} == FULL
    assert await counts(inbox) == (1, 1, 0)
    # The provider's id tells which it is; its own id stays, and all that is not given.
    again = a_message("x-1", message_id="other", is_read=True, subject="New")
    assert await inbox.save_message("t", again) == ("m", False)
    after = await inbox.get_message("t", "m")
    assert after is not None
    assert (after.subject, after.is_read, after.priority_tier) == ("New", True, "high")
    assert (after.triage_action, after.created_at) == ("delegate", stored.created_at)
    assert await counts(inbox) == (1, 0, 0)
    assert await inbox.save_message("t", after) == ("m", False)
    assert await counts(inbox) == (1, 0, 0)
    with pytest.raises(DuplicateKeyError):
        await inbox.save_message("t", a_message("x-2", message_id="m"))
    with pytest.raises(InboxAccountNotFoundError):
        await inbox.save_message("u", FULL)
    new, created = await inbox.save_message("t", a_message("x-2"))
    assert created
    assert len(new) == 36
    assert await inbox.get_message("u", "m") is None


async def test_save_message_keeps_what_is_not_given(inbox: UnifiedInboxStore) -> None:
    await inbox.save_message("t", {**FULL, "is_read": True})
    stored = await inbox.get_message("t", "m")
    assert stored is not None
    # What None is said of stays too.
    for again in (a_message("x-1"), a_message("x-1", subject=None, is_read=None, labels=None)):
        assert await inbox.save_message("t", again) == ("m", False)
        same = await inbox.get_message("t", "m")
        assert same is not None
        assert {**same, "updated_at": None} == {**stored, "updated_at": None}
    assert await counts(inbox) == (1, 0, 0)
    empty = {"subject": "", "labels": [], "priority_score": 0.0, "is_read": False}
    await inbox.save_message("t", a_message("x-1", **empty))
    changed = await inbox.get_message("t", "m")
    assert changed is not None
    assert {name: changed[name] for name in empty} == empty
    assert (changed.snippet, changed.priority_tier) == (FULL["snippet"], "high")
    assert await counts(inbox) == (1, 1, 0)
    # It is found by what it says now, and no longer by its former subject.
    for words, expected in (("please pay", 1), ("Rechnung", 0)):
        assert (await inbox.list_messages("t", search=words))[1] == expected
    # Something else that is to be done with it has another reason, or none.
    await inbox.save_message("t", a_message("x-1", triage_action="flag"))
    flagged = await inbox.get_message("t", "m")
    assert flagged is not None
    assert (flagged.triage_action, flagged.triage_rationale) == ("flag", None)


async def test_save_message_keeps_what_others_change_meanwhile(
    inbox: UnifiedInboxStore, open_database: OpenDatabase
) -> None:
    await inbox.save_message("t", FULL)
    other = UnifiedInboxStore(await open_database())
    async with other.database.transaction():
        await other.update_message_flags("t", "m", is_read=True, is_starred=False)
        await other.update_message_triage("t", "m", "archive", "Old")
        saving = outside(inbox.save_message("t", a_message("x-1", subject="New")))
        await until_both_wait(inbox.database, [saving])
    assert await saving == ("m", False)
    found = await inbox.get_message("t", "m")
    assert found is not None
    assert (found.subject, found.is_read, found.is_starred) == ("New", True, False)
    assert (found.triage_action, found.triage_rationale) == ("archive", "Old")
    assert await counts(inbox) == (1, 0, 0)


async def test_save_message_stores_it_once_among_many(
    inbox: UnifiedInboxStore, open_database: OpenDatabase
) -> None:
    stores = [inbox, UnifiedInboxStore(await open_database())]
    done = await asyncio.gather(
        *(
            stores[number % 2].save_message("t", a_message(f"x{number % 4}", is_read=number < 4))
            for number in range(16)
        )
    )
    assert sorted(created for _, created in done) == [False] * 12 + [True] * 4
    assert len({message_id for message_id, _ in done}) == 4
    total, unread, _ = await counts(inbox)
    found, _ = await inbox.list_messages("t")
    assert (total, unread) == (4, sum(not one.is_read for one in found))
    # Flags and deletions at the same time count too.
    ids = [one.message_id for one in found]
    await asyncio.gather(
        *(stores[n % 2].update_message_flags("t", ids[n % 3], n % 5 < 3) for n in range(12)),
        *(store.delete_message("t", ids[3]) for store in stores),
    )
    left, _ = await inbox.list_messages("t")
    assert await counts(inbox) == (3, sum(not one.is_read for one in left), 0)


async def test_update_message_flags_and_update_message_triage(inbox: UnifiedInboxStore) -> None:
    await inbox.save_message("t", FULL)
    assert await inbox.update_message_flags("t", "m", is_starred=False)
    assert await counts(inbox) == (1, 1, 0)
    for _ in range(2):
        assert await inbox.update_message_flags("t", "m", is_read=True)
        assert await counts(inbox) == (1, 0, 0)
    assert await inbox.update_message_flags("t", "m", False, True)
    assert await counts(inbox) == (1, 1, 0)
    assert await inbox.update_message_triage("t", "m", "archive", "Old")
    found = await inbox.get_message("t", "m")
    assert found is not None
    assert (found.is_read, found.is_starred, found.triage_action) == (False, True, "archive")
    assert not await inbox.update_message_flags("u", "m", is_read=True)
    assert not await inbox.update_message_triage("u", "m", "archive")


async def test_delete_message_and_delete_account(inbox: UnifiedInboxStore) -> None:
    for name in ("m", "n"):
        await inbox.save_message("t", a_message(f"x-{name}", message_id=name, is_read=name == "n"))
        await inbox.save_triage_result("t", a_triage(name))
    assert not await inbox.delete_message("u", "m")
    assert await inbox.delete_message("t", "m")
    assert not await inbox.delete_message("t", "m")
    assert await counts(inbox) == (1, 0, 0)
    assert await inbox.get_triage_result("t", "m") is None
    assert not await inbox.delete_account("u", "a")
    assert await inbox.delete_account("t", "a")
    assert await inbox.get_message("t", "n") is None
    assert await inbox.get_triage_result("t", "n") is None


async def test_list_messages(inbox: UnifiedInboxStore) -> None:
    await inbox.save_account("t", an_account("b"))
    for number in range(6):
        await inbox.save_message(
            "t",
            a_message(
                f"x{number}",
                message_id=f"m{number}",
                account_id="b" if number == 5 else "a",
                subject=f"Größe {number} 100%",
                sender_email=f"user{number % 2}@example.com",
                snippet="urgent" if number < 3 else None,
                is_read=number % 2 == 0,
                priority_score=float(number // 2),
                priority_tier="low" if number < 2 else "high",
                received_at=day(number),
            ),
        )

    async def listed(**chosen: Any) -> tuple[list[str], int]:
        found, total = await inbox.list_messages("t", **chosen)
        return [one.message_id for one in found], total

    assert await listed() == (["m5", "m4", "m3", "m2", "m1", "m0"], 6)
    assert await listed(limit=2) == (["m5", "m4"], 6)
    assert await listed(unread_only=True) == (["m5", "m3", "m1"], 3)
    assert await listed(account_id="a", unread_only=True) == (["m3", "m1"], 2)
    assert await listed(priority_tier="low") == (["m1", "m0"], 2)
    assert await listed(search="GROSSE urgent") == (["m2", "m1", "m0"], 3)
    assert await listed(search="user1@example.com", unread_only=True) == (["m5", "m3", "m1"], 3)
    assert await listed(search="urgent", priority_tier="low", account_id="a") == (["m1", "m0"], 2)
    assert await listed(search="%") == ([], 0)
    assert await listed(search="urg") == ([], 0)
    choices: list[dict[str, Any]] = [
        {},
        {"unread_only": True},
        {"account_id": "a"},
        {"search": "grosse"},
    ]
    for chosen in choices:
        every, _ = await inbox.list_messages("t", **chosen)
        page, _ = await inbox.list_messages("t", 2, **chosen)
        rest, _ = await inbox.list_messages("t", after=page[-1], **chosen)
        assert page + rest == every
    assert await inbox.list_messages("u") == ([], 0)
    await run(inbox.database, "UPDATE unified_inbox_messages SET search_terms = ''")
    assert await listed(search="urgent") == ([], 0)


async def test_save_triage_result_and_get_triage_result(inbox: UnifiedInboxStore) -> None:
    with pytest.raises(InboxMessageNotFoundError):
        await inbox.save_triage_result("t", a_triage())
    await inbox.save_message("t", FULL)
    given = a_triage(
        recommended_action="schedule",
        confidence=0.1 + 0.2,
        rationale="Later",
        suggested_response="Dear Bob",
        delegate_to="cy",
        schedule_for=day(2),
        agents=["claude"],
        debate_summary="Two of three",
        created_at=day(1),
    )
    await inbox.save_triage_result("t", a_triage())
    await inbox.save_triage_result("t", given)
    found = await inbox.get_triage_result("t", "m")
    assert found is not None
    assert dict(found) == {**given, "tenant_id": "t"}
    assert await inbox.get_triage_result("u", "m") is None
    assert [action_of_tier(tier) for tier in PRIORITY_TIERS] == [
        "respond_urgent",
        "respond_normal",
        "defer",
        "archive",
    ]
