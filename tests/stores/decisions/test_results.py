"""Results of decisions, on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError, InvalidInputError, TenantMismatchError
from aragora_sql.stores.decisions import DecisionResult, DecisionStatus, DecisionStore
from tests.conftest import OpenDatabase
from tests.stores.samples import day, fetch, fetch_value, numbers, run

FULL: dict[str, Any] = {
    "status": "completed",
    "result": {"answer": "Café \U0001f9e0", "n": 0.1 + 0.2, "big": 10**30, "deep": [{"a": None}]},
    "error": "none",
    "created_at": day(0.123456),
    "completed_at": day(1),
    "channel": {"id": 10**17},
}
SHARED: dict[str, Any] = {"result": {"answer": "token"}, "debate_id": "d"}


def ids(found: list[Any]) -> list[str]:
    return [one.request_id for one in found]


async def test_save_then_get(decisions: DecisionStore) -> None:
    before = datetime.now(UTC)
    assert await decisions.save("r", FULL, debate_id="d", org_id="acme", workspace_id="w") == 1
    found = await decisions.get("r")
    assert found is not None
    assert timedelta(hours=23) < found.expires_at - before < timedelta(hours=25)
    assert found == DecisionResult(
        request_id="r",
        debate_id="d",
        org_id="acme",
        workspace_id="w",
        status="completed",
        result=FULL["result"],
        error="none",
        extra={"channel": {"id": 10**17}},
        version=1,
        created_at=day(0.123456),
        completed_at=day(1),
        expires_at=found.expires_at,
    )
    assert await decisions.get("x") is None
    # What was saved can be saved again.
    document = found.to_document()
    assert document["channel"] == {"id": 10**17}
    assert await decisions.save("r", document) == 2
    again = await decisions.get("r")
    assert again is not None
    assert again.to_document() == document


async def test_save_of_nothing_is_unknown(decisions: DecisionStore) -> None:
    before = datetime.now(UTC)
    await decisions.save("r", {})
    await decisions.save("null", {"result": None, "error": None, "completed_at": None})
    for request_id in ("r", "null"):
        found = await decisions.get(request_id)
        assert found is not None
        assert (found.status, found.result, found.error) == ("unknown", {}, None)
        assert abs((found.created_at - before).total_seconds()) < 60


async def test_save_takes_times_of_each_form(decisions: DecisionStore) -> None:
    forms: list[tuple[Any, datetime]] = [
        (1770914577.123456, datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)),
        (1770914577, datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC)),
        ("2026-02-12T17:42:57.5+01:00", datetime(2026, 2, 12, 16, 42, 57, 500000, UTC)),
        (
            datetime(2026, 2, 12, 18, 0, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 2, 12, 16, 0, tzinfo=UTC),
        ),
    ]
    for number, (given, stored) in enumerate(forms):
        await decisions.save(f"r{number}", {"created_at": given, "completed_at": given})
        found = await decisions.get(f"r{number}")
        assert found is not None
        assert (found.created_at, found.completed_at) == (stored, stored)


async def test_save_again_keeps_creation_and_owner(decisions: DecisionStore) -> None:
    await decisions.save("r", FULL, org_id="acme")
    first = await decisions.get("r")
    assert await decisions.save("r", {"status": "failed", "created_at": day(9)}) == 2
    second = await decisions.get("r", org_id="acme")
    assert first is not None
    assert second is not None
    assert (second.status, second.result, second.extra) == ("failed", {}, {})
    assert (second.created_at, second.org_id) == (first.created_at, "acme")
    assert (second.completed_at, second.error) == (None, None)
    assert second.expires_at >= first.expires_at
    with pytest.raises(TenantMismatchError):
        await decisions.save("r", {}, org_id="other")
    await decisions.save("n", FULL)
    with pytest.raises(TenantMismatchError):
        await decisions.save("n", {}, org_id="other")
    unowned = await decisions.get("n")
    assert unowned is not None
    assert (unowned.org_id, unowned.version) == (None, 1)
    assert (await decisions.get_status("r"))["status"] == "failed"


async def test_save_takes_the_debate_of_the_result(decisions: DecisionStore) -> None:
    await decisions.save("of result", {"result": {"debate_id": "d"}})
    await decisions.save("of data", {"result": {"debate_id": "d"}, "debate_id": "e"})
    await decisions.save("none", {"result": {"debate_id": 5}})
    assert ids(await decisions.list_by_debate("d")) == ["of result"]
    assert ids(await decisions.list_by_debate("e")) == ["of data"]
    with pytest.raises(InvalidInputError, match=r"org_id: is not what data\.org_id says"):
        await decisions.save("r", {"org_id": "a"}, org_id="b")


async def test_organizations_see_their_own_results_only(decisions: DecisionStore) -> None:
    for org in ("acme", "other"):
        await decisions.save(
            f"of {org}", {"result": {"answer": "token"}, "debate_id": "d"}, org_id=org
        )
    await decisions.save("nobody's", {"result": {"answer": "token"}, "debate_id": "d"})
    assert await decisions.get("of other", org_id="acme") is None
    assert (await decisions.get_status("of other", org_id="acme"))["status"] == "not_found"
    assert await decisions.list_versions("of other", org_id="acme") == []
    for found in (
        await decisions.list_recent(org_id="acme"),
        await decisions.list_by_debate("d", org_id="acme"),
        await decisions.list_by_status("unknown", org_id="acme"),
        await decisions.search("token", org_id="acme"),
        await decisions.list_versions("of acme", org_id="acme"),
    ):
        assert ids(found) == ["of acme"]
    assert await decisions.count(org_id="acme") == 1
    assert await decisions.count() == 3


async def test_get_status(decisions: DecisionStore) -> None:
    await decisions.save("r", FULL)
    assert await decisions.get_status("r") == {
        "request_id": "r",
        "status": "completed",
        "completed_at": day(1),
    }
    assert await decisions.get_status("x") == {
        "request_id": "x",
        "status": "not_found",
        "completed_at": None,
    }


async def test_list_recent_list_by_status_and_list_by_debate_give_pages(
    decisions: DecisionStore,
) -> None:
    for number in range(6):
        await decisions.save(
            f"r{number}",
            {"status": "failed" if number % 3 == 0 else "done", "created_at": day(number // 2)},
            debate_id="d" if number < 5 else "e",
            org_id="acme" if number else None,
            workspace_id="w" if number in {1, 4} else None,
        )
    assert ids(await decisions.list_recent()) == ["r5", "r4", "r3", "r2", "r1", "r0"]
    seen: list[DecisionStatus] = []
    page = await decisions.list_recent(2)
    while page:
        seen += page
        page = await decisions.list_recent(2, after=page[-1])
    assert seen == await decisions.list_recent()
    assert ids(await decisions.list_recent(2, org_id="acme")) == ["r5", "r4"]
    assert ids(await decisions.list_recent(9, org_id="acme", after=seen[1])) == ["r3", "r2", "r1"]
    assert ids(await decisions.list_recent(org_id="acme", workspace_id="w")) == ["r4", "r1"]
    assert ids(await decisions.list_by_status("failed")) == ["r3", "r0"]
    assert ids(await decisions.list_by_status("failed", after=seen[2])) == ["r0"]
    (first, *rest) = await decisions.list_by_debate("d")
    assert ids([first, *rest]) == ["r4", "r3", "r2", "r1", "r0"]
    assert await decisions.list_by_debate("d", after=first) == rest


async def test_count_and_all_else_leave_out_what_has_expired(decisions: DecisionStore) -> None:
    await decisions.save("r", {"result": {"answer": "token"}, "debate_id": "d"}, org_id="acme")
    await run(
        decisions.database,
        "UPDATE decision_results SET expires_at = '2020-01-01T00:00:00.000000Z'",
    )
    assert await decisions.get("r") is None
    assert (await decisions.get_status("r"))["status"] == "not_found"
    for found in (
        await decisions.list_recent(),
        await decisions.list_recent(org_id="acme"),
        await decisions.list_by_status("unknown"),
        await decisions.list_by_debate("d"),
        await decisions.search("token"),
        await decisions.list_versions("r"),
        await decisions.get_dossier("d"),
    ):
        assert found == []
    assert await decisions.count() == await decisions.count(org_id="acme") == 0
    metrics = await decisions.get_metrics()
    assert (metrics["total"], metrics["expired"]) == (1, 1)
    # Saved again, it is there again.
    assert await decisions.save("r", {}) == 2
    assert await decisions.count() == 1


async def expire(database: Database, count: int) -> None:
    await run(
        database,
        "INSERT INTO decision_results (request_id, expires_at) "
        f"SELECT 'e' || n, '2020-01-01T00:00:00.000000Z' FROM {numbers(database, count)}",
    )


async def test_cleanup_expired_deletes_in_batches_with_versions(decisions: DecisionStore) -> None:
    await decisions.save("r", {})
    await expire(decisions.database, 700)
    await run(
        decisions.database,
        "INSERT INTO decision_versions (request_id, version, status, result, extra) "
        "VALUES ('e1', 1, 's', '{}', '{}')",
    )
    assert await decisions.cleanup_expired() == 700
    assert await decisions.cleanup_expired() == 0
    assert await fetch(decisions.database, "SELECT request_id FROM decision_versions") == [
        {"request_id": "r"}
    ]


async def test_save_cleans_up_now_and_then(decisions: DecisionStore) -> None:
    await expire(decisions.database, 3)
    await decisions.save("r", {})
    assert (await decisions.get_metrics())["total"] == 1


async def test_save_keeps_the_newest_max_entries(database: Database) -> None:
    decisions = DecisionStore(database, max_entries=3, retention_days=0.5)
    await decisions.initialize()
    for number in range(5):
        await decisions.save(f"r{number}", {"created_at": day(number)})
        await decisions.save(f"r{number}", {})
    assert ids(await decisions.list_recent()) == ["r4", "r3", "r2"]
    assert await fetch_value(database, "SELECT count(*) FROM decision_versions") == 6
    metrics = await decisions.get_metrics()
    assert metrics == {
        "total": 3,
        "expired": 0,
        "versions": 6,
        "oldest_at": day(2),
        "newest_at": day(4),
        "max_entries": 3,
        "retention_days": 0.5,
    }
    smaller = DecisionStore(database, max_entries=1)
    assert await smaller.cleanup_expired() == 2
    assert ids(await decisions.list_recent()) == ["r4"]


async def test_get_metrics_of_nothing(decisions: DecisionStore) -> None:
    assert await decisions.get_metrics() == {
        "total": 0,
        "expired": 0,
        "versions": 0,
        "oldest_at": None,
        "newest_at": None,
        "max_entries": 10_000,
        "retention_days": 1.0,
    }


async def test_delete(decisions: DecisionStore) -> None:
    await decisions.save("r", {})
    assert await decisions.delete("r")
    assert not await decisions.delete("r")
    assert await decisions.save("r", {}) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARAGORA_DECISION_RETENTION_DAYS", "0"),
        ("ARAGORA_DECISION_RETENTION_DAYS", "a week"),
        ("ARAGORA_DECISION_RETENTION_DAYS", "nan"),
        ("ARAGORA_DECISION_RETENTION_DAYS", "1e9"),
        ("ARAGORA_DECISION_MAX_ENTRIES", "0"),
        ("ARAGORA_DECISION_MAX_ENTRIES", "1.5"),
        ("ARAGORA_DECISION_MAX_ENTRIES", "-1"),
    ],
)
def test_limits_of_the_environment_are_checked(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        DecisionStore(sqlite_database)


async def test_limits_come_from_the_environment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DECISION_RETENTION_DAYS", "0.25")
    monkeypatch.setenv("ARAGORA_DECISION_MAX_ENTRIES", "2")
    decisions = DecisionStore(database)
    await decisions.initialize()
    for number in range(3):
        await decisions.save(f"r{number}", {"created_at": day(number)})
    assert await decisions.count() == 2
    found = await decisions.get("r2")
    assert found is not None
    assert found.expires_at - datetime.now(UTC) < timedelta(hours=7)


@pytest.mark.parametrize(
    "limits", [{"retention_days": 0}, {"retention_days": "1"}, {"max_entries": 0}]
)
def test_limits_of_arguments_are_checked(limits: Any, sqlite_database: Database) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(limits))):
        DecisionStore(sqlite_database, **limits)


async def test_saves_at_once_each_make_a_version(open_database: OpenDatabase) -> None:
    stores = [DecisionStore(await open_database()) for _ in range(3)]
    await stores[0].initialize()
    versions = await asyncio.gather(
        *(stores[number % 3].save("r", {"result": {"n": number}}) for number in range(12))
    )
    assert sorted(versions) == list(range(1, 13))
    listed = await stores[0].list_versions("r")
    assert [one.version for one in listed] == list(range(12, 0, -1))
    assert {one.result["n"] for one in listed} == set(range(12))
    last = await stores[0].get("r")
    assert last is not None
    assert last.result == listed[0].result
