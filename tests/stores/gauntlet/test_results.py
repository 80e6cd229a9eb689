"""Results of gauntlets and what is in flight, on each engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.errors import DamagedGauntletResultError, InvalidInputError, TenantMismatchError
from aragora_sql.stores.gauntlet import GauntletResultStore, InflightGauntlet
from tests.stores.cases import NOT_JSON
from tests.stores.gauntlet.cases import a_result
from tests.stores.samples import day, fetch_value, run

FULL: dict[str, Any] = {
    "gauntlet_id": "g",
    "input_hash": "h",
    "input_summary": "Caf\u00e9 " * 200,
    "verdict": "needs_review",
    "confidence": 0.1 + 0.2,
    "robustness_score": 1,
    "critical_findings": [{"title": "Injection"}],
    "high_findings": [],
    "risk_summary": {"critical": 7, "high": 7, "medium": 2},
    "severity_counts": {"low": 3},
    "agents_used": ["claude", "gpt-4o"],
    "template_used": "security",
    "duration_seconds": 12,
    "created_at": "2026-01-05T10:00:00.123456+00:00",
    "large": [1e17, 10**30, -0.0, 1e-7],
}


async def test_save_then_get(results: GauntletResultStore) -> None:
    assert await results.save(FULL, "acme") == "g"
    found = await results.get("g")
    assert found is not None
    assert found.result == FULL
    assert found.input_summary == FULL["input_summary"][:500]
    assert (found.verdict, found.confidence, found.robustness_score) == (
        "needs_review",
        0.1 + 0.2,
        1.0,
    )
    # Of lists, else of counts, of which the first that has it.
    assert (found.critical_count, found.high_count, found.medium_count, found.low_count) == (
        1,
        0,
        2,
        3,
    )
    assert found.total_findings == 6
    assert (found.agents_used, found.template_used) == (["claude", "gpt-4o"], "security")
    assert (found.duration_seconds, found.org_id) == (12.0, "acme")
    assert found.created_at == datetime(2026, 1, 5, 10, 0, 0, 123456, UTC)
    assert await results.get("x") is None


async def test_save_counts_findings(results: GauntletResultStore) -> None:
    totals: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        ({"total_findings": 9, "findings": [1]}, 9),
        ({"vulnerabilities": [1, 2], "findings": [1]}, 2),
        ({"findings": [1]}, 1),
        ({"severity_counts": {"critical": 1, "low": 3}}, 4),
        ({"critical_count": 2}, 2),
    ]
    for given, total in totals:
        await results.save(a_result("g", **given))
        found = await results.get("g")
        assert found is not None
        assert found.total_findings == total, given


async def test_save_of_little(results: GauntletResultStore) -> None:
    await results.save({"gauntlet_id": "g"})
    found = await results.get("g")
    assert found is not None
    assert (found.input_hash, found.input_summary, found.verdict) == ("", "", "unknown")
    assert (found.confidence, found.robustness_score, found.duration_seconds) == (0.5, 0.5, 0.0)
    assert abs((found.created_at - datetime.now(UTC)).total_seconds()) < 60


async def test_save_refuses(results: GauntletResultStore) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"gauntlet_id": ""}, "result.gauntlet_id"),
        ({"gauntlet_id": None}, "result.gauntlet_id"),
        ({"verdict": "good"}, "result.verdict"),
        ({"verdict": None}, "result.verdict"),
        ({"confidence": 1.1}, "result.confidence"),
        ({"robustness_score": "1"}, "result.robustness_score"),
        ({"severity_counts": {"low": -1}}, "result.severity_counts.low"),
        ({"total_findings": 1.5}, "result.total_findings"),
        ({"findings": 5}, "result.findings"),
        ({"critical_findings": 3}, "result.critical_findings"),
        ({"low_findings": "text"}, "result.low_findings"),
        ({"input_summary": 0}, "result.input_summary"),
        ({"agents_used": "claude"}, "result.agents_used"),
        ({"duration_seconds": -1}, "result.duration_seconds"),
        ({"created_at": "2026-01-01T00:00:00"}, "result.created_at"),
        *[({"other": bad}, r"result['other']") for bad in NOT_JSON[:3]],
    ]
    for change, named in refused:
        with pytest.raises(InvalidInputError) as caught:
            await results.save({**a_result("g"), **change})
        assert caught.value.argument == named
    assert await results.count() == 0


async def test_save_again_replaces_and_keeps_the_creation(results: GauntletResultStore) -> None:
    await results.save(FULL, "acme")
    await results.save(a_result("g", created_at=day(9).isoformat()))
    found = await results.get("g")
    assert found is not None
    assert (found.verdict, found.critical_count, found.org_id) == ("pass", 0, "acme")
    assert found.created_at == datetime(2026, 1, 5, 10, 0, 0, 123456, UTC)
    with pytest.raises(TenantMismatchError):
        await results.save(a_result("g"), "other")
    # Nobody's result is taken over by nobody.
    await results.save(a_result("n"))
    with pytest.raises(TenantMismatchError):
        await results.save(a_result("n", verdict="fail"), "other")
    unowned = await results.get("n")
    assert unowned is not None
    assert (unowned.verdict, unowned.org_id) == ("pass", None)


async def test_save_takes_nothing_from_others(results: GauntletResultStore) -> None:
    await results.save(FULL)
    await results.save_inflight("theirs", "running", org_id="acme")
    await results.save_inflight("nobodys", "running")
    # What is nobody's is not for the first who names it, and what others have in flight goes on.
    for refused in (a_result("g", verdict="fail"), a_result("theirs")):
        with pytest.raises(TenantMismatchError):
            await results.save(refused, "other")
    found = await results.get("g")
    assert found is not None
    assert (found.verdict, found.org_id) == (FULL["verdict"], None)
    assert await results.get("theirs") is None
    flight = await results.get_inflight("theirs")
    assert flight is not None
    assert (flight.status, flight.org_id) == ("running", "acme")
    with pytest.raises(TenantMismatchError):
        await results.save_inflight("nobodys", "failed", org_id="other")
    waiting = await results.get_inflight("nobodys")
    assert waiting is not None
    assert (waiting.status, waiting.org_id) == ("running", None)
    # Its own, and what was put in flight without saying whose it is, an organization may end.
    for ended in ("theirs", "nobodys"):
        await results.save(a_result(ended), "acme")
        assert await results.get_inflight(ended) is None


async def test_get_and_compare_name_a_changed_row(results: GauntletResultStore) -> None:
    await results.save(a_result("other"))
    for change in (
        "verdict = 'pass'",
        "confidence = 0.25",
        "critical_count = 0",
        "result = '{}'",
        "input_hash = 'other'",
        "agents_used = '[]'",
        "template_used = NULL",
        f"content_hash = '{'0' * 64}'",
    ):
        # Saved again, it is whole again.
        await results.save(FULL)
        assert await results.get("g") is not None
        await run(results.database, f"UPDATE gauntlet_results SET {change} WHERE gauntlet_id = 'g'")
        with pytest.raises(DamagedGauntletResultError, match="'g' is damaged") as caught:
            await results.get("g")
        assert caught.value.gauntlet_id == "g"
    with pytest.raises(DamagedGauntletResultError):
        await results.compare("other", "g")


async def test_delete_and_count(results: GauntletResultStore) -> None:
    await results.save(a_result("a"), "acme")
    await results.save(a_result("b", verdict="fail"))
    assert await results.count() == 2
    assert await results.count("acme") == 1
    assert await results.count(verdict="fail") == 1
    assert await results.count("acme", "fail") == 0
    assert not await results.delete("a", "other")
    assert await results.get("a", "other") is None
    assert await results.delete("a", "acme")
    assert not await results.delete("a")


async def test_list_recent_and_get_history_give_pages(results: GauntletResultStore) -> None:
    severities = ["critical", "high", "medium", "low", None]
    for number, severity in enumerate(severities):
        counts = {} if severity is None else {"severity_counts": {severity: 1}}
        await results.save(
            a_result(
                f"g{number}",
                input_hash="h" if number != 2 else "other",
                verdict="fail" if number < 2 else "pass",
                created_at=day(number // 2).isoformat(),
                **counts,
            ),
            "acme" if number % 2 else None,
        )

    async def ids(**options: Any) -> list[str]:
        return [one.gauntlet_id for one in await results.list_recent(**options)]

    assert await ids() == ["g4", "g3", "g2", "g1", "g0"]
    assert await ids(verdict="fail") == ["g1", "g0"]
    assert await ids(org_id="acme") == ["g3", "g1"]
    assert await ids(org_id="acme", verdict="fail") == ["g1"]
    assert await ids(min_severity="critical") == ["g0"]
    assert await ids(min_severity="high") == ["g1", "g0"]
    assert await ids(min_severity="medium") == ["g2", "g1", "g0"]
    assert await ids(min_severity="low") == ["g3", "g2", "g1", "g0"]
    assert await ids(min_severity="high", org_id="acme", verdict="fail") == ["g1"]
    everything = await results.list_recent()
    seen = list(await results.list_recent(2))
    while page := await results.list_recent(2, after=seen[-1]):
        seen += page
    assert seen == everything
    history = await results.get_history("h")
    assert [one.gauntlet_id for one in history] == ["g4", "g3", "g1", "g0"]
    assert await results.get_history("h", 2, after=history[1]) == history[2:]
    assert [one.gauntlet_id for one in await results.get_history("h", org_id="acme")] == [
        "g3",
        "g1",
    ]


async def test_compare(results: GauntletResultStore) -> None:
    await results.save(
        a_result("a", confidence=0.75, robustness_score=0.5, severity_counts={"critical": 1})
    )
    await results.save(
        a_result(
            "b",
            verdict="fail",
            confidence=0.5,
            robustness_score=0.25,
            severity_counts={"critical": 2, "high": 1, "low": 4},
        ),
        "acme",
    )
    assert await results.compare("a", "b") == {
        "gauntlet_1": "a",
        "gauntlet_2": "b",
        "confidence": 0.25,
        "robustness": 0.25,
        "critical": 1,
        "high": 1,
        "medium": 0,
        "low": 4,
        "total": 6,
        "verdict_changed": True,
        "verdict_improved": True,
        "improved": True,
    }
    back = await results.compare("b", "a")
    assert back is not None
    assert (back["verdict_improved"], back["improved"], back["critical"]) == (False, False, -1)
    assert await results.compare("a", "x") is None
    assert await results.compare("a", "b", "acme") is None


async def test_get_verdict_statistics(results: GauntletResultStore) -> None:
    assert await results.get_verdict_statistics() == {}
    for number in range(4):
        await results.save(
            a_result(
                f"g{number}",
                verdict="fail" if number == 3 else "pass",
                confidence=number / 4,
                robustness_score=0.5,
                duration_seconds=number,
                severity_counts={"critical": number, "high": 1, "low": 1},
                created_at=day(number).isoformat(),
            ),
            "acme" if number else None,
        )
    statistics = await results.get_verdict_statistics()
    assert statistics["pass"] == {
        "total": 3,
        "mean_confidence": 0.25,
        "mean_robustness": 0.5,
        "mean_duration_seconds": 1.0,
        "critical_findings": 3,
        "high_findings": 3,
        "all_findings": 9,
    }
    assert statistics["fail"]["total"] == 1
    of_acme = await results.get_verdict_statistics("acme", day(2))
    assert {verdict: one["total"] for verdict, one in of_acme.items()} == {"pass": 1, "fail": 1}


async def test_save_inflight_then_get_inflight(results: GauntletResultStore) -> None:
    assert await results.save_inflight(
        "f",
        "pending",
        "spec",
        "a summary",
        "h",
        "attacker",
        "thorough",
        ["claude"],
        "acme",
        {"input_content": "all of it"},
    )
    flight = await results.get_inflight("f")
    assert flight is not None
    assert flight == InflightGauntlet(
        gauntlet_id="f",
        status="pending",
        input_type="spec",
        input_summary="a summary",
        input_hash="h",
        persona="attacker",
        profile="thorough",
        agents=["claude"],
        config={"input_content": "all of it"},
        current_phase=None,
        progress_percent=0.0,
        error=None,
        org_id="acme",
        created_at=flight.created_at,
        updated_at=flight.updated_at,
    )
    # Of what is there only the status changes.
    assert await results.save_inflight("f", "running", "other")
    again = await results.get_inflight("f")
    assert again is not None
    assert (again.status, again.input_type, again.config) == ("running", "spec", flight.config)
    with pytest.raises(TenantMismatchError):
        await results.save_inflight("f", "failed", org_id="other")
    await results.save_inflight("n", "pending", "text")
    with pytest.raises(TenantMismatchError):
        await results.save_inflight("n", "failed", org_id="other")
    unowned = await results.get_inflight("n")
    assert unowned is not None
    assert (unowned.status, unowned.org_id) == ("pending", None)
    assert await results.get_inflight("x") is None


async def test_update_inflight_status_keeps_what_is_not_given_and_ends_once(
    results: GauntletResultStore,
) -> None:
    assert not await results.update_inflight_status("f", "running")
    await results.save_inflight("f", "pending")
    assert await results.update_inflight_status("f", "running", "attack", 12.5)
    assert await results.update_inflight_status("f", "running", error="a retry")
    flight = await results.get_inflight("f")
    assert flight is not None
    assert (flight.current_phase, flight.progress_percent, flight.error) == (
        "attack",
        12.5,
        "a retry",
    )
    assert await results.update_inflight_status("f", "completed", progress_percent=100)
    assert not await results.update_inflight_status("f", "running")
    assert not await results.save_inflight("f", "running")
    ended = await results.get_inflight("f")
    assert ended is not None
    assert (ended.status, ended.progress_percent) == ("completed", 100.0)


async def test_with_org_id_no_method_reaches_what_others_have_in_flight(
    results: GauntletResultStore,
) -> None:
    for name, owner in (("theirs", "acme"), ("nobodys", None)):
        await results.save_inflight(name, "running", org_id=owner)
        before = await results.get_inflight(name)
        assert await results.get_inflight(name, "other") is None
        assert not await results.update_inflight_status(name, "failed", "end", org_id="other")
        assert not await results.delete_inflight(name, "other")
        assert await results.get_inflight(name) == before
        assert await results.get_inflight(name, owner) == before
        assert await results.update_inflight_status(name, "failed", org_id=owner)
        assert await results.delete_inflight(name, owner)


async def test_list_inflight(results: GauntletResultStore) -> None:
    for number in range(4):
        await results.save_inflight(
            f"f{number}",
            "running" if number % 2 else "pending",
            org_id="acme" if number < 2 else None,
        )
    listed = await results.list_inflight()
    order = [(one.created_at, one.gauntlet_id) for one in listed]
    assert len(order) == 4
    assert order == sorted(order, reverse=True)
    assert await results.list_inflight(after=listed[1]) == listed[2:]
    assert {one.gauntlet_id for one in await results.list_inflight("running")} == {"f1", "f3"}
    assert {one.gauntlet_id for one in await results.list_inflight(org_id="acme")} == {"f0", "f1"}
    assert [one.gauntlet_id for one in await results.list_inflight("running", "acme")] == ["f1"]


async def age(results: GauntletResultStore) -> None:
    """Store something in flight in each status, not heard of for 2 hours, and something new."""
    statuses = ("pending", "running", "completed", "failed", "interrupted")
    for number, status in enumerate(statuses):
        await results.save_inflight(f"old {status}", status)  # type: ignore[arg-type]
        if results.database.dialect == "postgres":
            when = f"now() - interval '2 hours' - interval '1 minute' * {number}"
        else:
            when = f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-2 hours', '-{number} minutes')"
        await run(
            results.database,
            f"UPDATE gauntlet_inflight SET updated_at = {when} WHERE gauntlet_id = 'old {status}'",
        )
    for status in ("running", "completed"):
        await results.save_inflight(f"new {status}", status)  # type: ignore[arg-type]


async def test_list_stale_inflight_goes_by_the_clock_of_the_database(
    results: GauntletResultStore,
) -> None:
    await age(results)

    async def ids(*arguments: Any, **options: Any) -> list[str]:
        return [one.gauntlet_id for one in await results.list_stale_inflight(*arguments, **options)]

    assert await ids(3600) == ["old running", "old pending"]
    assert await ids(3600, limit=1) == ["old running"]
    assert await ids(3600, "failed") == ["old failed"]
    assert await ids() == ["old running", "old pending"]
    assert await ids(7300) == []


async def test_cleanup_completed_inflight_minds_the_age(results: GauntletResultStore) -> None:
    await age(results)
    assert await results.cleanup_completed_inflight(1e6) == 0
    assert await results.cleanup_completed_inflight() == 3
    assert {one.gauntlet_id for one in await results.list_inflight()} == {
        "old pending",
        "old running",
        "new running",
        "new completed",
    }


async def test_save_and_delete_inflight_end_the_flight(results: GauntletResultStore) -> None:
    await results.save_inflight("g", "running")
    await results.save(a_result("g"))
    assert await results.get_inflight("g") is None
    await results.save_inflight("f", "running")
    assert await results.delete_inflight("f")
    assert not await results.delete_inflight("f")
    assert await fetch_value(results.database, "SELECT count(*) FROM gauntlet_inflight") == 0
