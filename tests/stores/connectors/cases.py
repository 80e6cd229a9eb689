"""What the conformance suite needs to know of the store of connectors."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.connectors import ConnectorStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_JSON,
    NOT_MEASURES,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = ["", " ", *NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *TOO_LONG]
BAD_STATUSES: list[Any] = [*NOT_TEXTS, "", "ACTIVE", "running"]
BAD_CONFIGS: list[Any] = [
    None,
    [],
    "text",
    *[{"a": bad} for bad in NOT_JSON],
    {"token": {"_encrypted": True, "_value": "AQ"}},
]
BAD_AFTER: list[Any] = [5, "text", {}]


async def save(connectors: ConnectorStore, connector_id: str = "c", **config: Any) -> None:
    await connectors.save_connector(connector_id, "jira", "Jira", config)


async def add(connectors: ConnectorStore) -> None:
    await save(connectors, f"c{next(NUMBERS)}")


async def count(connectors: ConnectorStore) -> int:
    return len(await connectors.list_connectors())


async def fill(connectors: ConnectorStore) -> None:
    """Store some thousand rows in each table; what runs is rare."""
    series = numbers(connectors.database, 4000)
    if connectors.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    status = "CASE WHEN n % 100 = 0 THEN 'active' ELSE 'error' END"
    ended = "CASE WHEN n % 100 = 0 THEN 'running' ELSE 'completed' END"
    for statement in (
        "INSERT INTO connectors (id, org_id, connector_type, name, status, updated_at) "
        f"SELECT 'c' || n, 'o' || (n % 500), 't', 'n', {status}, {at} FROM {series}",
        "INSERT INTO sync_jobs (id, connector_id, status, started_at) "
        f"SELECT 'j' || n, 'c' || (1 + n % 500), {ended}, {at} FROM {series}",
    ):
        await run(connectors.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "h", "row_limit": 10}
CHOSEN = {"status": None, "connector_type": None}
HOT = [
    Hot("get_connector", {"id": "c7", "org_id": None}),
    Hot("list_connectors", {**CHOSEN, **PAGE}, True),
    Hot("list_org_connectors", {"org_id": "o7", **CHOSEN, **PAGE}, True),
    Hot("get_job", {"id": "j7", "org_id": None}),
    Hot("list_jobs", {"org_id": None, **PAGE}, True),
    Hot("list_connector_jobs", {"connector_id": "c7", "org_id": None, **PAGE}),
    Hot("hold_running", {"begun_before": day(9), "row_limit": 10}),
    Hot("interrupt_jobs", {"ids": ["c7", "c8"], "begun_before": day(9), "at_time": day(9)}),
    Hot("release_connectors", {"ids": ["c7", "c8"], "at_time": day(9)}),
    Hot("list_secrets", {"after_id": "c", "row_limit": 10}, True),
]


async def prepare(connectors: ConnectorStore) -> None:
    await save(connectors)
    await connectors.record_sync_start("c", "j")


async def sync(connectors: ConnectorStore) -> None:
    await connectors.record_sync_start("c", f"j{next(NUMBERS)}")


ROUND_TRIPS = {
    "save_connector": Call(1, lambda s, kept: save(s, token="x" * 9)),
    "get_connector": Call(1, lambda s, kept: s.get_connector("c")),
    "list_connectors": Call(1, lambda s, kept: s.list_connectors()),
    "list_connectors of an organization": Call(1, lambda s, kept: s.list_connectors(org_id="o")),
    "delete_connector": Call(1, lambda s, kept: s.delete_connector("c")),
    "update_connector_status": Call(1, lambda s, kept: s.update_connector_status("c", "error")),
    "record_sync_start": Call(4, lambda s, kept: sync(s)),
    "record_sync_progress": Call(1, lambda s, kept: s.record_sync_progress("j", 3)),
    "record_sync_complete": Call(
        6, lambda s, kept: s.record_sync_complete("j", "failed"), at_most=True
    ),
    "get_sync_history": Call(1, lambda s, kept: s.get_sync_history("c")),
    "get_sync_stats": Call(1, lambda s, kept: s.get_sync_stats()),
    "recover_running_jobs": Call(3, lambda s, kept: s.recover_running_jobs()),
    "check_secrets": Call(1, lambda s, kept: s.check_secrets()),
}

OF_ONE = ("get_connector", "delete_connector", "update_connector_status", "record_sync_start")
WITH_ORG = (*OF_ONE, "list_connectors", "get_sync_history", "get_sync_stats")
BAD_ARGUMENTS = [
    *keys_of("save_connector", "connector_id", "connector_type"),
    *names_of("save_connector", "name"),
    BadArgument("save_connector", "config", BAD_CONFIGS),
    BadArgument("save_connector", "org_id", BAD_KEYS),
    BadArgument("save_connector", "workspace_id", BAD_KEYS),
    *[bad for method in OF_ONE for bad in texts_of(method, "connector_id")],
    *[bad for method in WITH_ORG for bad in optional_texts_of(method, "org_id")],
    BadArgument("get_connector", "decrypt", NOT_BOOLEANS),
    BadArgument("list_connectors", "decrypt", NOT_BOOLEANS),
    BadArgument("list_connectors", "status", BAD_STATUSES[1:]),
    *optional_texts_of("list_connectors", "connector_type"),
    BadArgument("update_connector_status", "status", BAD_STATUSES),
    *optional_texts_of("update_connector_status", "error_message"),
    BadArgument("record_sync_start", "sync_id", BAD_KEYS),
    *texts_of("record_sync_progress", "sync_id"),
    BadArgument("record_sync_progress", "items_synced", NOT_COUNTS),
    BadArgument("record_sync_progress", "items_failed", NOT_COUNTS[:-1]),
    *texts_of("record_sync_complete", "sync_id"),
    BadArgument("record_sync_complete", "status", ["", "running", None, "COMPLETED"]),
    BadArgument("record_sync_complete", "items_synced", NOT_COUNTS[:-1]),
    BadArgument("record_sync_complete", "items_failed", NOT_COUNTS[:-1]),
    *optional_texts_of("record_sync_complete", "error_message"),
    *optional_texts_of("get_sync_history", "connector_id"),
    *optional_texts_of("get_sync_stats", "connector_id"),
    BadArgument("recover_running_jobs", "min_age_seconds", NOT_MEASURES),
    BadArgument("rotate_keys", "batch_size", [0, -1, 1.5, True]),
    BadArgument("rotate_keys", "dry_run", NOT_BOOLEANS),
    *limits_of("list_connectors", "get_sync_history", "check_secrets"),
    BadArgument("list_connectors", "after", BAD_AFTER),
    BadArgument("get_sync_history", "after", BAD_AFTER),
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save_connector": {"connector_id": "c", "connector_type": "t", "name": "n", "config": {}},
    **{method: {"connector_id": "c"} for method in OF_ONE},
    "update_connector_status": {"connector_id": "c", "status": "error"},
    "record_sync_progress": {"sync_id": "j", "items_synced": 1},
    "record_sync_complete": {"sync_id": "j"},
}

CASES = StoreCases(
    make=lambda database: ConnectorStore(database, KEYRING),
    add=add,
    count=count,
    foreign_table="sync_jobs (id TEXT PRIMARY KEY, cursor TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"config": lambda s: s.save_connector("c", "t", "n", [])},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
