"""Activities in shared inboxes, on each engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError, DuplicateKeyError, InvalidInputError
from aragora_sql.stores.inbox_activities import InboxActivityStore
from tests.stores.inbox_activities.cases import an_activity
from tests.stores.samples import day, days_ago, numbers, run


async def test_log_activity_then_get_activity(activities: InboxActivityStore) -> None:
    full = an_activity(
        "a", target_id="m", metadata={"from": "Caf\u00e9", "n": 1e17}, created_at=days_ago(1)
    )
    made = await activities.log_activity(full)
    assert made == await activities.get_activity("a") == await activities.get_activity("a", "o")
    assert {name: made[name] for name in full} == full
    assert await activities.get_activity("a", "other") is None
    assert await activities.get_activity("x") is None
    little = await activities.log_activity(
        {name: value for name, value in an_activity("").items() if name != "id"}
    )
    assert (len(little.id), little.target_id, little.metadata) == (36, None, {})
    assert abs((little.created_at - datetime.now(UTC)).total_seconds()) < 60
    with pytest.raises(DuplicateKeyError):
        await activities.log_activity(made)


async def test_get_activities_get_message_history_get_org_activities_get_actor_activities(
    activities: InboxActivityStore,
) -> None:
    begin = days_ago(30)
    for number in range(6):
        await activities.log_activity(
            an_activity(
                f"a{number}",
                inbox_id="i" if number < 4 else "j",
                org_id="o" if number % 2 else "p",
                actor_id="ann" if number != 3 else "bob",
                action="note_added" if number == 2 else "assigned",
                target_id="m" if number > 2 else None,
                created_at=begin + (day(number // 2) - day(0)),
            )
        )
    lists: list[tuple[Any, dict[str, Any], str]] = [
        (activities.get_activities, {"inbox_id": "i"}, "3210"),
        (activities.get_activities, {"inbox_id": "i", "action": "assigned"}, "310"),
        (activities.get_activities, {"inbox_id": "i", "org_id": "o"}, "31"),
        (activities.get_activities, {"inbox_id": "i", "since": begin + (day(1) - day(0))}, "32"),
        (activities.get_message_history, {"message_id": "m"}, "543"),
        (activities.get_message_history, {"message_id": "m", "org_id": "p"}, "4"),
        (activities.get_org_activities, {"org_id": "o"}, "531"),
        (activities.get_actor_activities, {"actor_id": "ann"}, "54210"),
        (activities.get_actor_activities, {"actor_id": "ann", "org_id": "o"}, "51"),
    ]
    for method, given, expected in lists:
        whole = await method(**given)
        assert "".join(one.id[1:] for one in whole) == expected, given
        seen = list(await method(**given, limit=1))
        while page := await method(**given, limit=2, after=seen[-1]):
            seen += page
        assert seen == whole
    assert await activities.count_activities() == 6
    assert await activities.count_activities("i", "o", "assigned") == 2


async def test_count_activities_and_cleanup_expired_which_log_activity_calls(
    activities: InboxActivityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = activities.database
    await run(
        database,
        "INSERT INTO inbox_activities (id, inbox_id, org_id, actor_id, action, created_at) "
        "SELECT 'old' || n, 'i', 'o', 'ann', 'merged', '2020-01-01T00:00:00.000000Z' "
        f"FROM {numbers(database, 1500)}",
    )
    await activities.log_activity(an_activity("a"))
    assert await activities.count_activities() == 1
    await activities.log_activity(an_activity("b", created_at=days_ago(89)))
    await activities.log_activity(an_activity("c", created_at=days_ago(91)))
    assert await activities.count_activities() == 3
    assert await activities.cleanup_expired() == 1
    monkeypatch.setenv("ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS", "30.5")
    assert await InboxActivityStore(database).cleanup_expired() == 1
    assert await activities.get_activity("a") is not None


async def test_limits_that_are_none(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError):
        InboxActivityStore(database, retention_days=0)
    monkeypatch.setenv("ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS", "a while")
    with pytest.raises(ConfigurationError, match="ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS"):
        InboxActivityStore(database)
