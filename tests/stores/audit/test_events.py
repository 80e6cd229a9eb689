"""The log of events on each engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import IntegrityError
from aragora_sql.stores.audit import AuditEvent, AuditStore
from tests.stores.samples import day, days_ago, fetch_value, numbers, run


async def test_log_event_reads_back(audit: AuditStore) -> None:
    number = await audit.log_event(
        "subscription.created",
        "subscription",
        "s1",
        "u1",
        "o1",
        {"plan": "free"},
        {"plan": "pro", "price": 0.1, "big": 2**60},
        {"tags": ["é", None]},
        "192.0.2.1",
        "browser",
        timestamp=day(1.5),
    )
    other = await audit.log_event("plan.seen", "plan", new_value={}, timestamp=day(1))
    assert 0 < number < other
    found = await audit.get_log()
    assert found[0] == AuditEvent(
        id=number,
        timestamp=day(1.5),
        user_id="u1",
        org_id="o1",
        action="subscription.created",
        resource_type="subscription",
        resource_id="s1",
        old_value={"plan": "free"},
        new_value={"plan": "pro", "price": 0.1, "big": 2**60},
        metadata={"tags": ["é", None]},
        ip_address="192.0.2.1",
        user_agent="browser",
    )
    # What is empty is stored as none.
    assert (found[1].new_value, found[1].metadata) == (None, {})
    assert dict(found[0])["action"] == "subscription.created"


ACTIONS = [
    "login",
    "login.failed",
    "login.ok",
    "login_other",
    "Login.ok",
    "loginé",
    "login%",
    "lockout",
    "logim\U0010ffff",
    "password.reset",
]


async def log_all(audit: AuditStore) -> None:
    for place, action in enumerate(ACTIONS):
        await audit.log_event(
            action,
            "user" if place % 2 else "plan",
            f"r{place % 3}",
            user_id=f"u{place % 2}",
            org_id=f"o{place % 3}",
            timestamp=day(place),
        )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ACTIONS[::-1]),
        ({"action": "*"}, ACTIONS[::-1]),
        ({"action": "login.*"}, ["login.ok", "login.failed"]),
        (
            {"action": "login*"},
            ["login%", "loginé", "login_other", "login.ok", "login.failed", "login"],
        ),
        ({"action": "logim\U0010ffff*"}, ["logim\U0010ffff"]),
        ({"action": "login"}, ["login"]),
        ({"action": "none*"}, []),
        ({"user_id": "u1"}, ["password.reset", "lockout", "loginé", "login_other", "login.failed"]),
        ({"user_id": "u1", "action": "lo*"}, ["lockout", "loginé", "login_other", "login.failed"]),
        ({"user_id": "u1", "action": "lockout"}, ["lockout"]),
        ({"org_id": "o0"}, ["password.reset", "login%", "login_other", "login"]),
        ({"org_id": "o0", "action": "login*"}, ["login%", "login_other", "login"]),
        ({"resource_type": "plan"}, ["logim\U0010ffff", "login%", "Login.ok", "login.ok", "login"]),
        ({"resource_type": "plan", "resource_id": "r0"}, ["login%", "login"]),
        ({"resource_type": "plan", "resource_id": "r0", "action": "login%*"}, ["login%"]),
        ({"since": day(7), "until": day(8)}, ["logim\U0010ffff", "lockout"]),
        ({"action": "login*", "since": day(3), "until": day(5)}, ["loginé", "login_other"]),
    ],
)
async def test_get_log_and_get_log_count_filter(
    audit: AuditStore, wanted: dict[str, Any], expected: list[str]
) -> None:
    await log_all(audit)
    found = await audit.get_log(**wanted)
    assert [event.action for event in found] == expected
    assert await audit.get_log_count(**wanted) == len(expected)
    assert [event.action for event in await audit.get_log(**wanted, limit=1)] == expected[:1]


async def test_get_log_gives_pages(audit: AuditStore) -> None:
    for place in range(25):
        # Several at one time: the number decides.
        await audit.log_event(f"a.{place % 3}", "plan", timestamp=day(place // 5), user_id="u")
    filters: list[dict[str, Any]] = [{}, {"user_id": "u"}, {"action": "a.*"}, {"action": "a.1"}]
    for wanted in filters:
        whole = await audit.get_log(**wanted, limit=100)
        pages, last = [], None
        while page := await audit.get_log(**wanted, limit=4, after=last):
            pages += page
            last = page[-1]
        assert pages == whole
        assert await audit.get_log(**wanted, limit=2, after=dict(whole[1])) == whole[2:4]


async def test_get_recent_activity_begins_hours_ago(audit: AuditStore) -> None:
    await audit.log_event("old", "plan", user_id="u", timestamp=days_ago(2))
    await audit.log_event("new", "plan", user_id="u", org_id="o")
    assert [event.action for event in await audit.get_recent_activity("u")] == ["new"]
    assert len(await audit.get_recent_activity(hours=72)) == 2
    assert len(await audit.get_recent_activity(org_id="o", hours=72)) == 1


async def test_get_security_events_are_those_of_some_prefixes(audit: AuditStore) -> None:
    await log_all(audit)
    expected = ["password.reset", "lockout", "login.ok", "login.failed"]
    found = await audit.get_security_events()
    assert [event.action for event in found] == expected
    assert await audit.get_security_events(limit=2, after=found[0]) == found[1:3]
    of_user = await audit.get_security_events(user_id="u1")
    assert [event.action for event in of_user] == ["password.reset", "lockout", "login.failed"]
    of_org = await audit.get_security_events(org_id="o0")
    assert [event.action for event in of_org] == ["password.reset"]


async def test_cleanup_old_entries_deletes_in_batches(audit: AuditStore) -> None:
    database = audit.database
    await run(
        database,
        "INSERT INTO audit_log (timestamp, action, resource_type) "
        "SELECT '2020-01-01T00:00:00.000000Z', 'old', 'plan' "
        f"FROM {numbers(database, 2500)}",
    )
    await audit.log_event("new", "plan", timestamp=days_ago(89))
    await audit.append("t", "a", "r", "1", "x")
    assert await audit.cleanup_old_entries(90) == 2500
    assert await audit.cleanup_old_entries(90) == 0
    assert [event.action for event in await audit.get_log()] == ["new"]
    assert await audit.count() == 1


async def test_an_event_is_not_rewritten(audit: AuditStore) -> None:
    await audit.log_event("login.ok", "user", "u", "u", metadata={"a": 1}, ip_address="192.0.2.1")
    for change in (
        "action = 'login.failed'",
        "user_id = 'other'",
        "ip_address = '192.0.2.2'",
        "metadata = '{\"a\": 2}'",
        "timestamp = '2020-01-01T00:00:00.000000Z'",
        "resource_id = NULL",
    ):
        with pytest.raises(IntegrityError, match="audit_log"):
            await run(audit.database, f"UPDATE audit_log SET {change}")
    # What is personal may be erased.
    await run(audit.database, "UPDATE audit_log SET user_id = NULL, ip_address = NULL")
    await run(audit.database, "UPDATE audit_log SET metadata = '{}'")
    (event,) = await audit.get_log()
    assert (event.user_id, event.ip_address, event.metadata) == (None, None, {})


async def test_times_of_log_event_are_those_of_the_clock(audit: AuditStore) -> None:
    await audit.log_event("a", "plan")
    (event,) = await audit.get_log()
    assert event.timestamp > days_ago(0) - timedelta(minutes=1)


async def test_page_1000_reads_no_more_rows_than_page_1(database: Database) -> None:
    """Both plans walk the index from the place on."""
    await run(
        database,
        "INSERT INTO audit_log (timestamp, action, resource_type) "
        f"SELECT '2026-01-01T00:00:00.000000Z', 'a', 'plan' FROM {numbers(database, 5000)}",
    )
    if database.dialect == "sqlite":
        pytest.skip("SQLite says no number of rows")
    await run(database, "ANALYZE")
    for place in (4990, 30):
        plan = await fetch_value(
            database,
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT e.id FROM audit_log AS e "
            f"WHERE (e.timestamp, e.id) < ('2026-01-01T00:00:00Z'::timestamptz, {place}) "
            "ORDER BY e.timestamp DESC, e.id DESC LIMIT 10",
        )
        assert plan[0]["Plan"]["Plans"][0]["Actual Rows"] == 10
        assert "Rows Removed by Filter" not in plan[0]["Plan"]["Plans"][0]
