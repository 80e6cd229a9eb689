"""What the conformance suite needs to know of the store of gauntlets."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.gauntlet import GauntletStore
from tests.stores.cases import (
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
NOT_STATUSES: list[Any] = [*NOT_TEXTS, "", "open", "PENDING"]
BAD_MOMENTS: list[Any] = ["tomorrow", "2026-01-01T00:00:00", 5, []]
BAD_AFTER: list[Any] = [5, "text", {}]


def a_run(run_id: Any, **changes: Any) -> dict[str, Any]:
    """Return the document of a run."""
    return {"run_id": run_id, "template_id": "t", **changes}


def a_result(gauntlet_id: str, **changes: Any) -> dict[str, Any]:
    """Return the document of a result."""
    return {"gauntlet_id": gauntlet_id, "input_hash": "h", "verdict": "pass", **changes}


async def add(gauntlets: GauntletStore) -> None:
    await gauntlets.save(a_run(f"g{next(NUMBERS)}"))


async def count(gauntlets: GauntletStore) -> int:
    return await gauntlets.count()


async def fill(gauntlets: GauntletStore) -> None:
    """Store some thousand rows in each table; what has not ended is rare."""
    series = numbers(gauntlets.database, 4000)
    if gauntlets.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    status = (
        "CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 100 = 1 THEN 'running' ELSE 'failed' END"
    )
    for statement in (
        "INSERT INTO gauntlet_runs (run_id, template_id, status, workspace_id, org_id, created_at) "
        f"SELECT 'g' || n, 't' || (n % 500), {status}, 'w' || (n % 500), 'o' || (n % 500), {at} "
        f"FROM {series}",
        "INSERT INTO gauntlet_cases (run_id, case_id, name) "
        f"SELECT 'g' || n, 'c', 'n' FROM {series}",
        "INSERT INTO gauntlet_results (gauntlet_id, input_hash, result, verdict, critical_count, "
        "org_id, content_hash, created_at) SELECT 'g' || n, 'h' || (n % 500), '{}', "
        f"CASE WHEN n % 100 = 0 THEN 'fail' ELSE 'pass' END, n % 2, 'o' || (n % 500), "
        f"'{'0' * 64}', {at} FROM {series}",
        "INSERT INTO gauntlet_inflight (gauntlet_id, status, org_id, created_at, updated_at) "
        f"SELECT 'g' || n, {status}, 'o' || (n % 500), {at}, {at} FROM {series}",
    ):
        await run(gauntlets.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "h", "row_limit": 10}
AGE = {"age_seconds": 3600.0, "row_limit": 10}
HOT = [
    Hot("get_run", {"run_id": "g7"}),
    Hot("run_exists", {"run_id": "g7"}),
    Hot("update_run_status", {"run_id": "g100", "status": "running", "result_data": None}),
    Hot("list_runs", PAGE, True),
    Hot("list_runs_in_status", {"status": "pending", **PAGE}),
    Hot("list_runs_of_template", {"template_id": "t7", **PAGE}),
    Hot("list_runs_of_workspace", {"workspace_id": "w7", **PAGE}),
    Hot("list_runs_of_org", {"org_id": "o7", **PAGE}),
    Hot("list_active_runs", PAGE),
    Hot("list_queue", {"row_limit": 10}),
    Hot("start_case", {"run_id": "g7", "case_id": "c"}),
    Hot("list_cases", {"run_id": "g7", "after_id": "", "row_limit": 10}),
    Hot("count_cases", {"run_id": "g7"}),
    Hot("get_result", {"gauntlet_id": "g7", "org_id": None}),
    Hot("list_results", {"severity": 0, **PAGE}, True),
    Hot("list_verdict_results", {"verdict": "fail", "severity": 0, **PAGE}),
    Hot("list_org_results", {"org_id": "o7", "verdict": None, "severity": 0, **PAGE}),
    Hot("list_history", {"input_hash": "h7", "org_id": None, **PAGE}),
    Hot("get_inflight", {"gauntlet_id": "g7", "org_id": None}),
    Hot("list_inflight", {"status": None, **PAGE}, True),
    Hot("list_org_inflight", {"org_id": "o7", "status": None, **PAGE}),
    Hot("list_stale_inflight", {"status": "running", **AGE}),
    Hot("delete_ended_inflight", {"status": "completed", **AGE}),
]


async def prepare(gauntlets: GauntletStore) -> None:
    for number in range(3):
        await gauntlets.save(a_run(f"r{number}"))
    await gauntlets.save_case("r0", "c", "name")
    for number in range(2):
        await gauntlets.results.save(a_result(f"r{number}"))
    await gauntlets.results.save_inflight("f", "running")


ROUND_TRIPS = {
    "save": Call(1, lambda s, kept: s.save(a_run("r0"))),
    "get": Call(1, lambda s, kept: s.get("r0")),
    "exists": Call(1, lambda s, kept: s.exists("r0")),
    "count": Call(1, lambda s, kept: s.count()),
    "update_status": Call(1, lambda s, kept: s.update_status("r1", "completed")),
    "list_all": Call(1, lambda s, kept: s.list_all()),
    "list_by_status": Call(1, lambda s, kept: s.list_by_status("pending")),
    "list_by_template": Call(1, lambda s, kept: s.list_by_template("t")),
    "list_active": Call(1, lambda s, kept: s.list_active()),
    "get_queue_analytics": Call(1, lambda s, kept: s.get_queue_analytics()),
    "save_case": Call(1, lambda s, kept: s.save_case("r0", "c", "name")),
    "start_case": Call(1, lambda s, kept: s.start_case("r0", "c")),
    "finish_case": Call(1, lambda s, kept: s.finish_case("r0", "c", "passed")),
    "list_cases": Call(1, lambda s, kept: s.list_cases("r0")),
    "get_case_statistics": Call(1, lambda s, kept: s.get_case_statistics("r0")),
    "delete": Call(1, lambda s, kept: s.delete("r2")),
    "results.save": Call(4, lambda s, kept: s.results.save(a_result("r0"))),
    "results.get": Call(1, lambda s, kept: s.results.get("r0")),
    "results.count": Call(1, lambda s, kept: s.results.count()),
    "results.list_recent": Call(1, lambda s, kept: s.results.list_recent()),
    "results.get_history": Call(1, lambda s, kept: s.results.get_history("h")),
    "results.compare": Call(2, lambda s, kept: s.results.compare("r0", "r1")),
    "results.get_verdict_statistics": Call(1, lambda s, kept: s.results.get_verdict_statistics()),
    "results.save_inflight": Call(1, lambda s, kept: s.results.save_inflight("f", "running")),
    "results.update_inflight_status": Call(
        1, lambda s, kept: s.results.update_inflight_status("f", "running", "attack", 50)
    ),
    "results.get_inflight": Call(1, lambda s, kept: s.results.get_inflight("f")),
    "results.list_inflight": Call(1, lambda s, kept: s.results.list_inflight()),
    "results.list_stale_inflight of a status": Call(
        1, lambda s, kept: s.results.list_stale_inflight(status="running")
    ),
    "results.delete_inflight": Call(1, lambda s, kept: s.results.delete_inflight("f")),
}

BAD_RUNS: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"run_id": "r"},
    *[a_run(bad) for bad in (None, "", " ", 5, "x" * 1001)],
    *[a_run("r", template_id=bad) for bad in (None, "", 5)],
    *[a_run("r", status=bad) for bad in (None, "", "open", 5)],
    *[a_run("r", **{name: []}) for name in ("config_data", "result_data")],
    *[a_run("r", config_data={"a": bad}) for bad in NOT_JSON],
    *[a_run("r", other=bad) for bad in NOT_JSON],
    *[
        a_run("r", **{name: bad})
        for name in ("started_at", "completed_at", "created_at")
        for bad in BAD_MOMENTS
    ],
    *[a_run("r", **{name: bad}) for name in ("triggered_by", "org_id") for bad in ("", 5)],
    a_run("r", tags="text"),
]

BAD_ARGUMENTS = [
    BadArgument("save", "data", BAD_RUNS),
    *texts_of("exists", "run_id"),
    *keys_of("update_status", "run_id"),
    BadArgument("update_status", "status", NOT_STATUSES),
    *documents_of("update_status", "result_data"),
    BadArgument("list_by_status", "status", NOT_STATUSES),
    *texts_of("list_by_template", "template_id"),
    *texts_of("list_by_workspace", "workspace_id"),
    *texts_of("list_by_org", "org_id"),
    *limits_of("list_all", "list_by_status", "list_by_template", "list_active", "list_cases"),
    BadArgument("list_all", "after", BAD_AFTER),
    BadArgument("get_queue_analytics", "limit", [0, *NOT_COUNTS]),
    *keys_of("save_case", "run_id", "case_id"),
    *names_of("save_case", "name"),
    *texts_of("save_case", "input_text"),
    *optional_texts_of("save_case", "expected_output"),
    BadArgument("finish_case", "status", [*NOT_STATUSES, "running"]),
    BadArgument("finish_case", "score", NOT_FRACTIONS),
    BadArgument("finish_case", "duration_ms", NOT_MEASURES),
    BadArgument("list_cases", "after", BAD_AFTER),
    BadArgument("list_recent", "verdict", ["", "good", 5], "results"),
    BadArgument("list_recent", "min_severity", ["", "grave", 5], "results"),
    BadArgument("list_recent", "after", BAD_AFTER, "results"),
    BadArgument("get_verdict_statistics", "since", NOT_TIMESTAMPS, "results"),
    BadArgument("compare", "gauntlet_id_1", NOT_TEXTS, "results"),
    BadArgument("compare", "gauntlet_id_2", NOT_TEXTS, "results"),
    BadArgument("save_inflight", "gauntlet_id", ["", " ", None, 5], "results"),
    BadArgument("save_inflight", "status", [*NOT_STATUSES, "cancelled"], "results"),
    BadArgument("save_inflight", "agents", NOT_LISTS, "results"),
    BadArgument("save_inflight", "org_id", ["", 5], "results"),
    BadArgument("update_inflight_status", "status", NOT_STATUSES, "results"),
    BadArgument("update_inflight_status", "progress_percent", [*NOT_MEASURES, 100.1], "results"),
    *[
        BadArgument(method, "org_id", [5, b"bytes", ["o"]], "results")
        for method in ("get_inflight", "update_inflight_status", "delete_inflight")
    ],
    BadArgument("list_inflight", "status", ["", "open"], "results"),
    BadArgument("list_stale_inflight", "max_age_seconds", [*NOT_MEASURES, 1e11], "results"),
    BadArgument("cleanup_completed_inflight", "max_age_seconds", [*NOT_MEASURES, 1e11], "results"),
    *limits_of("list_recent", "get_history", "list_inflight", "list_stale_inflight", of="results"),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "update_status": {"run_id": "r", "status": "completed"},
    "list_by_status": {"status": "pending"},
    "list_by_template": {"template_id": "t"},
    "save_case": {"run_id": "r", "case_id": "c", "name": "n"},
    "finish_case": {"run_id": "r", "case_id": "c", "status": "passed"},
    "list_cases": {"run_id": "r"},
    "get_history": {"input_hash": "h"},
    "compare": {"gauntlet_id_1": "a", "gauntlet_id_2": "b"},
    "save_inflight": {"gauntlet_id": "f", "status": "running"},
    "update_inflight_status": {"gauntlet_id": "f", "status": "running"},
    **{name: {"gauntlet_id": "f"} for name in ("get_inflight", "delete_inflight")},
}

CASES = StoreCases(
    make=GauntletStore,
    add=add,
    count=count,
    foreign_table="gauntlet_runs (run_id TEXT PRIMARY KEY, data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"status": lambda s: s.update_status("r", "done")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    helpers={"results": lambda s: s.results},
)
