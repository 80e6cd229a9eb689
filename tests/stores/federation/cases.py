"""What the conformance suite needs to know of the store of federation."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from aragora_sql.stores.federation import FederatedRegion, FederationStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NUMBERS = itertools.count()
NOT_SEQUENCES: list[Any] = [0, -1, 2**63, 1.0, True, "1", None]
PLACE = {"region_id": "r1", "workspace_id": "w1"}

HOT = [
    Hot("get_region", PLACE),
    Hot("list_regions", {"after_region": "r5", "after_workspace": "w1", "row_limit": 10}, True),
    Hot(
        "list_enabled_regions",
        {"after_region": "r5", "after_workspace": "w1", "row_limit": 10},
        True,
    ),
    Hot(
        "list_workspace_regions", {"workspace_id": "w1", "after_region": "r", "row_limit": 10}, True
    ),
    Hot(
        "list_enabled_workspace_regions",
        {"workspace_id": "w1", "after_region": "r", "row_limit": 10},
        True,
    ),
    Hot("delete_region", PLACE),
    Hot(
        "set_sync_status",
        {
            **PLACE,
            "direction": "push",
            "nodes_synced": 1,
            "sync_error": None,
            "synced_at": day(1),
        },
    ),
    Hot("list_outgoing", {**PLACE, "after_sequence": 3, "row_limit": 10}, True),
    Hot("delete_outgoing", {**PLACE, "sequence": 3}),
    Hot("get_incoming", {**PLACE, "sequence": 3}),
    Hot("list_held", {**PLACE, "after_sequence": 3, "row_limit": 10}, True),
    Hot("get_sync_state", PLACE),
    Hot("get_record", {"workspace_id": "w1", "record_id": "k1"}),
    Hot("list_records", {"workspace_id": "w1", "after_id": "k", "row_limit": 10}, True),
    Hot("purge_inbox", {"applied_before": day(2), "row_limit": 10}),
    Hot("purge_deleted", {"deleted_before": day(2), "row_limit": 10}),
]


def region(region_id: Any = "berlin", **changes: Any) -> FederatedRegion:
    """Return a region that messages go to and come from."""
    made = FederatedRegion(
        region_id=region_id, endpoint_url=f"https://{region_id}.example.com", api_key="key-1"
    )
    return replace(made, **changes)


def change(record_id: Any = "k", at: float = 1, **changes: Any) -> Any:
    """Return a change of a record, written ``at`` a day of 2026."""
    return {"record_id": record_id, "content": {"at": at}, "updated_at": day(at), **changes}


async def add(federation: FederationStore) -> None:
    await federation.save(region(f"region {next(NUMBERS)}", api_key=""))


async def count(federation: FederationStore) -> int:
    return len(await federation.list_all())


async def fill(federation: FederationStore) -> None:
    """Store thousands of regions, and of messages of some of them."""
    database = federation.database
    rows = numbers(database, 4000)
    if database.dialect == "postgres":
        at, is_rare = "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'", "n % 50 = 0"
        content = "CASE WHEN n % 50 > 0 THEN '{}'::jsonb END"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"
        is_rare = "CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END"
        content = "CASE WHEN n % 50 > 0 THEN '{}' END"
    hashed = f"'{'0' * 64}'"
    statements = [
        "INSERT INTO federated_regions (region_id, workspace_id, endpoint_url, api_key, enabled) "
        f"SELECT 'r' || n, 'w' || (n % 400), 'u', 'AQ', {is_rare} FROM {rows}",
        "INSERT INTO federated_regions (region_id, workspace_id, endpoint_url, api_key) "
        f"SELECT 'r' || n, 'w1', 'u', 'AQ' FROM {rows} WHERE n % 400 <> 1 AND n < 60",
        "INSERT INTO federation_sync_states (region_id, workspace_id, last_sent) "
        "SELECT region_id, workspace_id, 0 FROM federated_regions",
        "INSERT INTO federation_outbox (region_id, workspace_id, sequence, changes) "
        f"SELECT 'r' || (1 + n % 50), 'w1', n, '[]' FROM {rows}",
        "INSERT INTO federation_inbox (region_id, workspace_id, sequence, content_hash, "
        f"applied_at) SELECT 'r' || (1 + n % 50), 'w1', n, {hashed}, {at} FROM {rows}",
        "INSERT INTO federation_inbox (region_id, workspace_id, sequence, content_hash, changes) "
        f"SELECT 'r' || (1 + n % 50), 'w1', 5000 + n, {hashed}, '[]' FROM {rows}",
        "INSERT INTO federation_records (workspace_id, record_id, content, origin, updated_at) "
        f"SELECT 'w' || (n % 50), 'k' || n, {content}, 'r1', {at} FROM {rows}",
    ]
    for statement in statements:
        await run(database, statement)


async def prepare(federation: FederationStore) -> None:
    await federation.save(region(api_key=""))
    await federation.enqueue("berlin", [change()])
    await federation.save_record("k", {"n": 1}, updated_at=day(0))


SENT = itertools.count(1)

ROUND_TRIPS = {
    "get": Call(1, lambda s, kept: s.get("berlin")),
    "save": Call(1, lambda s, kept: s.save(region(api_key=""))),
    "save without its key": Call(1, lambda s, kept: s.save(region(api_key=None))),
    "list_all": Call(1, lambda s, kept: s.list_all()),
    "list_enabled": Call(1, lambda s, kept: s.list_enabled("w")),
    "update_sync_status": Call(1, lambda s, kept: s.update_sync_status("berlin", "push", 3)),
    "enqueue": Call(4, lambda s, kept: s.enqueue("berlin", [change()])),
    "list_outgoing": Call(1, lambda s, kept: s.list_outgoing("berlin")),
    "acknowledge": Call(4, lambda s, kept: s.acknowledge("berlin", 1)),
    "apply": Call(
        8, lambda s, kept: s.apply("berlin", next(SENT), [change("a"), change("b")]), at_most=True
    ),
    "get_sync_state": Call(1, lambda s, kept: s.get_sync_state("berlin")),
    "save_record": Call(1, lambda s, kept: s.save_record("k", {"n": 2}), at_most=True),
    "get_record": Call(1, lambda s, kept: s.get_record("k")),
    "list_records": Call(1, lambda s, kept: s.list_records()),
    "cleanup": Call(2, lambda s, kept: s.cleanup()),
}

NOT_METADATA: list[Any] = [["a"], {"password": "x"}, {"a": float("nan")}]
NOT_CONTENT: list[Any] = [[], "text", {"a": float("nan")}]
NOT_MOMENTS: list[Any] = [day(0).replace(tzinfo=None), "yesterday", None, 5]
BAD_REGIONS: list[Any] = [
    None,
    {"region_id": "r"},
    *[region(value) for value in ("", " ", "x" * 1001)],
    *[region(endpoint_url=value) for value in ("", " ", None, "https://u:secret@example.com/")],
    *[region(api_key=value) for value in (5, b"key", "\x00")],
    *[region(workspace_id=value) for value in (5, " ", "x" * 1001)],
    *[region(mode=value) for value in ("", "PUSH", None, "both")],
    *[region(sync_scope=value) for value in ("", "all", None)],
    *[region(enabled=value) for value in (None, 1, "yes")],
    *[region(metadata=value) for value in NOT_METADATA],
    *[region(total_pushes=value) for value in (-1, 2**63, 1.5)],
    *[region(created_at=value) for value in NOT_TIMESTAMPS],
]
BAD_CHANGES: list[Any] = [
    None,
    5,
    "text",
    [],
    {"record_id": "k"},
    [5],
    [{}],
    [{"record_id": "k", "content": {}}],
    [{**change(), "more": 1}],
    *[[change(value)] for value in ("", " ", None, "x" * 1001, "\x00")],
    *[[change(content=value)] for value in NOT_CONTENT],
    *[[change(origin=value)] for value in ("", None, 5)],
    *[[change(updated_at=value)] for value in NOT_MOMENTS],
]
BAD_ARGUMENTS = [
    BadArgument("save", "region", BAD_REGIONS),
    *texts_of("get", "region_id"),
    BadArgument("get", "workspace_id", [5, " ", *UNSTORABLE_TEXTS]),
    BadArgument("get", "decrypt", NOT_BOOLEANS),
    *texts_of("delete", "region_id"),
    *optional_texts_of("list_all", "workspace_id"),
    *optional_texts_of("list_enabled", "workspace_id"),
    *texts_of("update_sync_status", "region_id"),
    BadArgument("update_sync_status", "direction", ["", "both", None, "PUSH"]),
    BadArgument("update_sync_status", "nodes_synced", NOT_COUNTS),
    BadArgument("update_sync_status", "error", [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS]),
    *texts_of("enqueue", "region_id"),
    BadArgument("enqueue", "changes", BAD_CHANGES),
    BadArgument("acknowledge", "sequence", NOT_SEQUENCES),
    BadArgument("apply", "sequence", NOT_SEQUENCES),
    BadArgument("apply", "changes", BAD_CHANGES),
    *keys_of("save_record", "record_id"),
    *documents_of("save_record", "content"),
    BadArgument("save_record", "updated_at", NOT_TIMESTAMPS),
    BadArgument("cleanup", "messages_days", [*NOT_MEASURES, 1e9]),
    BadArgument("cleanup", "deleted_days", [*NOT_MEASURES, 1e9]),
    BadArgument("rotate_keys", "batch_size", [0, -1, 1.5, None]),
    *limits_of("list_all", "list_enabled", "list_outgoing", "list_records"),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "get": {"region_id": "r"},
    "update_sync_status": {"region_id": "r", "direction": "push"},
    "enqueue": {"region_id": "r", "changes": [change()]},
    "list_outgoing": {"region_id": "r"},
    "acknowledge": {"region_id": "r", "sequence": 1},
    "apply": {"region_id": "r", "sequence": 1, "changes": [change()]},
    "save_record": {"record_id": "k", "content": {}},
}


def make(database: Any) -> FederationStore:
    return FederationStore(database, KEYRING)


CASES = StoreCases(
    make=make,
    add=add,
    count=count,
    foreign_table="federated_regions (region_id TEXT PRIMARY KEY, data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"direction": lambda s: s.update_sync_status("r", "both")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
