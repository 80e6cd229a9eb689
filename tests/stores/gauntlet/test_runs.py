"""Runs of gauntlets and their cases, on each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.errors import (
    GauntletRunEndedError,
    InvalidInputError,
    MissingParentError,
    TenantMismatchError,
)
from aragora_sql.stores.gauntlet import GauntletCase, GauntletStore
from tests.conftest import OpenDatabase
from tests.stores.gauntlet.cases import a_run
from tests.stores.samples import day

FULL: dict[str, Any] = {
    "run_id": "r",
    "template_id": "t",
    "status": "running",
    "config_data": {"n": 0.1 + 0.2, "agents": ["claude"]},
    "result_data": {"big": 10**30},
    "started_at": "2026-01-05T10:00:00.123456+00:00",
    "completed_at": None,
    "triggered_by": "ann",
    "workspace_id": "w",
    "org_id": "acme",
    "tags": ["nightly"],
    "created_at": "2026-01-05T09:00:00.123456+00:00",
    "channel": {"id": 10**17},
}


async def found(gauntlets: GauntletStore, run_id: str = "r") -> dict[str, Any]:
    document = await gauntlets.get(run_id)
    assert document is not None
    return document


async def test_save_reads_back_by_get_exists_and_count(gauntlets: GauntletStore) -> None:
    await gauntlets.save(FULL)
    document = await found(gauntlets)
    assert datetime.fromisoformat(document.pop("updated_at")).tzinfo is not None
    assert document == FULL
    assert await gauntlets.get("x") is None
    assert await gauntlets.exists("r")
    assert not await gauntlets.exists("x")
    assert await gauntlets.count() == 1


async def test_save_needs_an_id_and_says_so_with_a_value_error(gauntlets: GauntletStore) -> None:
    with pytest.raises(ValueError, match=r"data\.run_id") as caught:
        await gauntlets.save({"template_id": "t"})
    assert isinstance(caught.value, InvalidInputError)


async def test_save_again_keeps_the_creation_and_whose_it_is(gauntlets: GauntletStore) -> None:
    await gauntlets.save(FULL)
    await gauntlets.save(a_run("r", template_id="u", created_at="2027-01-01T00:00:00Z"))
    document = await found(gauntlets)
    assert (document["template_id"], document["status"]) == ("u", "pending")
    assert document["config_data"] == {}
    for name in ("created_at", "started_at", "triggered_by", "workspace_id", "org_id"):
        assert document[name] == FULL[name]
    with pytest.raises(TenantMismatchError):
        await gauntlets.save(a_run("r", org_id="other"))
    # Nor is what is nobody's for the first who names it.
    await gauntlets.save(a_run("nobodys"))
    with pytest.raises(TenantMismatchError):
        await gauntlets.save(a_run("nobodys", template_id="u", org_id="other"))
    nobodys = await gauntlets.get("nobodys")
    assert nobodys is not None
    assert (nobodys["org_id"], nobodys["template_id"]) == (None, "t")


async def test_save_does_not_take_an_end_back(gauntlets: GauntletStore) -> None:
    await gauntlets.save(FULL)
    assert await gauntlets.update_status("r", "completed", {"verdict": "pass"})
    with pytest.raises(GauntletRunEndedError, match="'r' has ended"):
        await gauntlets.save(FULL)
    document = await found(gauntlets)
    assert (document["status"], document["result_data"]) == ("completed", {"verdict": "pass"})
    await gauntlets.save({**document, "tags": ["seen"]})
    again = await found(gauntlets)
    assert again["tags"] == ["seen"]
    assert again["completed_at"] == document["completed_at"]


async def test_update_status_starts_and_ends_once(gauntlets: GauntletStore) -> None:
    await gauntlets.save(a_run("r"))
    assert (await found(gauntlets))["started_at"] is None
    assert await gauntlets.update_status("r", "running")
    first = await found(gauntlets)
    assert datetime.fromisoformat(first["started_at"]) <= datetime.fromisoformat(
        first["updated_at"]
    )
    assert await gauntlets.update_status("r", "pending")
    assert await gauntlets.update_status("r", "running", {"at": 1})
    second = await found(gauntlets)
    assert (second["started_at"], second["result_data"]) == (first["started_at"], {"at": 1})
    assert second["completed_at"] is None
    assert await gauntlets.update_status("r", "failed")
    ended = await found(gauntlets)
    assert (ended["status"], ended["result_data"]) == ("failed", {"at": 1})
    assert ended["completed_at"] == ended["updated_at"]
    for status in ("running", "completed", "failed"):
        assert not await gauntlets.update_status("r", status)
    assert await found(gauntlets) == ended
    assert not await gauntlets.update_status("x", "running")


async def test_a_run_that_ends_at_once_has_no_start(gauntlets: GauntletStore) -> None:
    ends: list[Any] = ["completed", "failed", "cancelled"]
    for status in ends:
        await gauntlets.save(a_run(status))
        assert await gauntlets.update_status(status, status)
        document = await found(gauntlets, status)
        assert document["started_at"] is None
        assert document["completed_at"] is not None


async def test_update_status_counts_once(open_database: OpenDatabase) -> None:
    stores = [GauntletStore(await open_database()) for _ in range(3)]
    await stores[0].initialize()
    await stores[0].save(a_run("r"))
    done = await asyncio.gather(
        *(
            stores[number % 3].update_status(
                "r", "completed" if number % 2 else "failed", {"by": number}
            )
            for number in range(12)
        )
    )
    assert sorted(done) == [False] * 11 + [True]
    assert (await found(stores[0]))["result_data"] == {"by": done.index(True)}


async def test_delete_takes_cases_along(gauntlets: GauntletStore) -> None:
    await gauntlets.save(a_run("r"))
    await gauntlets.save_case("r", "c", "name")
    assert await gauntlets.delete("r")
    assert not await gauntlets.delete("r")
    assert await gauntlets.list_cases("r") == []


async def test_list_all_list_by_status_list_by_template_list_by_workspace_and_list_by_org(
    gauntlets: GauntletStore,
) -> None:
    for number in range(6):
        await gauntlets.save(
            a_run(
                f"r{number}",
                template_id=f"t{number % 2}",
                status="pending" if number < 4 else "completed",
                workspace_id="w" if number < 2 else None,
                org_id="acme" if number > 3 else None,
                created_at=day(number // 2).isoformat(),
            )
        )

    def ids(documents: list[dict[str, Any]]) -> list[str]:
        return [document["run_id"] for document in documents]

    assert ids(await gauntlets.list_all()) == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert ids(await gauntlets.list_by_template("t0")) == ["r4", "r2", "r0"]
    assert ids(await gauntlets.list_by_workspace("w")) == ["r1", "r0"]
    assert ids(await gauntlets.list_by_org("acme")) == ["r5", "r4"]
    assert ids(await gauntlets.list_by_status("completed")) == ["r5", "r4"]
    seen: list[dict[str, Any]] = []
    page = await gauntlets.list_all(4)
    while page:
        seen += page
        page = await gauntlets.list_all(4, after=page[-1])
    assert seen == await gauntlets.list_all()
    pending = await gauntlets.list_by_status("pending", 2)
    assert ids(await gauntlets.list_by_status("pending", 9, after=pending[-1])) == ["r1", "r0"]
    assert ids(await gauntlets.list_by_template("t1", after=seen[0])) == ["r3", "r1"]


async def test_list_active_and_get_queue_analytics(gauntlets: GauntletStore) -> None:
    assert await gauntlets.get_queue_analytics() == {
        "total_active": 0,
        "pending_count": 0,
        "running_count": 0,
        "queue": [],
    }
    for number, status in enumerate(["pending", "running", "pending", "running", "failed"]):
        await gauntlets.save(a_run(f"r{number}", status=status, created_at=day(number).isoformat()))
    active = await gauntlets.list_active()
    assert [one["run_id"] for one in active] == ["r3", "r2", "r1", "r0"]
    assert await gauntlets.list_active(2, after=active[1]) == active[2:]
    analytics = await gauntlets.get_queue_analytics()
    assert [(one["run_id"], one["position_in_status"]) for one in analytics["queue"]] == [
        ("r1", 1),
        ("r3", 2),
        ("r0", 1),
        ("r2", 2),
    ]
    assert analytics["queue"][0] == {
        "run_id": "r1",
        "template_id": "t",
        "status": "running",
        "created_at": day(1),
        "position_in_status": 1,
    }
    short = await gauntlets.get_queue_analytics(1)
    assert len(short["queue"]) == 1
    for one in (analytics, short):
        assert (one["total_active"], one["pending_count"], one["running_count"]) == (4, 2, 2)


async def test_save_case_start_case_finish_case_and_list_cases(gauntlets: GauntletStore) -> None:
    with pytest.raises(MissingParentError):
        await gauntlets.save_case("r", "c", "name")
    await gauntlets.save(a_run("r"))
    before = datetime.now(UTC)
    assert await gauntlets.save_case("r", "c2", "Overflow")
    assert await gauntlets.save_case("r", "c2", "Overflow", "2**31", "an error")
    assert await gauntlets.save_case("r", "c1", "Nothing")
    assert await gauntlets.start_case("r", "c2")
    assert not await gauntlets.start_case("r", "c2")
    assert await gauntlets.finish_case("r", "c2", "failed", "-2147483648", 0.1 + 0.2, 12.5)
    assert not await gauntlets.finish_case("r", "c2", "passed")
    assert not await gauntlets.finish_case("r", "x", "passed")
    assert not await gauntlets.save_case("r", "c2", "Overflow again")
    first, second = await gauntlets.list_cases("r")
    assert (first.case_id, first.status, first.finished_at) == ("c1", "pending", None)
    assert second.finished_at is not None
    assert abs((second.created_at - before).total_seconds()) < 60
    assert second == GauntletCase(
        run_id="r",
        case_id="c2",
        name="Overflow",
        input="2**31",
        expected_output="an error",
        actual_output="-2147483648",
        status="failed",
        score=0.1 + 0.2,
        duration_ms=12.5,
        created_at=second.created_at,
        finished_at=second.finished_at,
    )
    assert await gauntlets.list_cases("r", 1, after=first) == [second]


async def test_get_case_statistics(gauntlets: GauntletStore) -> None:
    await gauntlets.save(a_run("r"))
    for number, (status, score) in enumerate(
        [("passed", 1.0), ("passed", 0.5), ("failed", None), (None, None)]
    ):
        await gauntlets.save_case("r", f"c{number}", "name")
        if status is not None:
            await gauntlets.finish_case("r", f"c{number}", status, score=score)  # type: ignore[arg-type]
    assert await gauntlets.get_case_statistics("r") == {
        "passed": {"total": 2, "mean_score": 0.75},
        "failed": {"total": 1, "mean_score": None},
        "pending": {"total": 1, "mean_score": None},
    }
    assert await gauntlets.get_case_statistics("x") == {}
