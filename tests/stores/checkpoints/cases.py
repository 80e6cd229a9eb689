"""What the conformance suite needs to know of the checkpoint store."""

from __future__ import annotations

from typing import Any

from aragora_sql.stores.checkpoints import CheckpointStore
from aragora_sql.stores.paging import LAST_TIMESTAMP
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_MEASURES,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
)
from tests.stores.samples import day, debate_checkpoint, numbers, run, workflow_checkpoint

ROWS = 20_000
FIRST_PAGE = {"before_created_at": LAST_TIMESTAMP, "row_limit": 10}

HOT = [
    Hot("get_workflow_checkpoint", {"checkpoint_id": "id 7", "workflow_id": None}),
    Hot("get_latest_workflow_checkpoint", {"workflow_id": "w 7"}, True),
    Hot(
        "list_workflow_checkpoints",
        {"workflow_id": "w 7", "before_sequence": 1, **FIRST_PAGE},
        True,
    ),
    Hot("find_workflow_checkpoints", {"checkpoint_id": "cp 7"}),
    Hot("prune_workflow", {"workflow_id": "w 7", "newer": 9, "row_limit": 10}),
    Hot(
        "delete_old_workflow_checkpoints",
        {"cutoff": day(-100), "keep_latest": True, "row_limit": 10},
    ),
    Hot("delete_workflow_checkpoints", {"sequences": [1, 2]}),
    Hot("delete_workflow", {"workflow_id": "unknown"}),
    Hot("get_debate_checkpoint", {"checkpoint_id": "c 7"}),
    Hot("find_debate_checkpoint", {"checkpoint_id": "c 7"}),
    Hot("get_latest_debate_checkpoint", {"debate_id": "d 7"}, True),
    Hot(
        "list_debate_checkpoints",
        {"debate_id": "d 7", "before_id": "", **FIRST_PAGE},
        True,
    ),
    Hot("list_all_debate_checkpoints", {"before_id": "", **FIRST_PAGE}, True),
    Hot("prune_debate", {"debate_id": "d 7", "newer": 9, "row_limit": 10}),
    Hot("delete_debate_checkpoint", {"checkpoint_id": "unknown"}),
    Hot("delete_expired_debate_checkpoints", {"timestamp": day(-9), "row_limit": 10}),
]


async def add(store: CheckpointStore) -> None:
    await store.save(workflow_checkpoint())


async def count(store: CheckpointStore) -> int:
    return len(await store.list_checkpoints("w"))


async def fill(store: CheckpointStore) -> None:
    """Store twenty thousand rows in each table, in a hundred workflows and debates."""
    database = store.database
    rows = numbers(database, ROWS)
    timestamp = (
        "timestamptz '2026-01-01 00:00Z' + n * interval '1 second'"
        if database.dialect == "postgres"
        else "strftime('%Y-%m-%dT%H:%M:%f000Z', 1767225600 + n, 'unixepoch')"
    )
    checksum = "0" * 64
    await run(
        database,
        "INSERT INTO workflow_checkpoints "
        "(id, engine_id, workflow_id, definition_id, content_checksum, created_at) "
        f"SELECT 'id ' || n, 'cp ' || n, 'w ' || (n % 100), 'd', '{checksum}', {timestamp} "
        f"FROM {rows}; "
        "INSERT INTO debate_checkpoints (checkpoint_id, debate_id, task, current_round, "
        "total_rounds, phase, status, size_bytes, content_checksum, created_at, expires_at) "
        "SELECT 'c ' || n, 'd ' || (n % 100), 't', 1, 1, 'p', 'complete', 2, "
        f"'{checksum}', {timestamp}, {timestamp} FROM {rows}",
    )


async def prepare(store: CheckpointStore) -> str:
    """Return the storage id of a checkpoint; there is one of a debate, too."""
    storage_id = await store.save(workflow_checkpoint())
    await store.save_debate(debate_checkpoint())
    return storage_id


ROUND_TRIPS = {
    "save": Call(1, lambda s, kept: s.save(workflow_checkpoint("other"))),
    "load": Call(1, lambda s, kept: s.load(kept)),
    "load by the engine's id": Call(1, lambda s, kept: s.load("cp_0123456789ab", "w")),
    "load_latest": Call(1, lambda s, kept: s.load_latest("w")),
    "list_checkpoints": Call(1, lambda s, kept: s.list_checkpoints("w")),
    "list_page": Call(1, lambda s, kept: s.list_page("w")),
    "delete nothing": Call(1, lambda s, kept: s.delete("unknown")),
    "prune nothing": Call(1, lambda s, kept: s.prune("w")),
    "cleanup nothing": Call(1, lambda s, kept: s.cleanup_older_than(9000)),
    "save_debate": Call(1, lambda s, kept: s.save_debate(debate_checkpoint())),
    "load_debate": Call(1, lambda s, kept: s.load_debate("cp-d-001-abcd")),
    "load_latest_debate": Call(1, lambda s, kept: s.load_latest_debate("d")),
    "list_debates": Call(1, lambda s, kept: s.list_debates()),
    "list_debate_page": Call(1, lambda s, kept: s.list_debate_page("d")),
    "get_stats": Call(1, lambda s, kept: s.get_stats()),
}

NOT_KEPT: list[Any] = [0, -1, 1.0, "1", True, None]

BAD_ARGUMENTS = [
    *keys_of("load_latest", "workflow_id"),
    *keys_of("list_checkpoints", "workflow_id"),
    *keys_of("list_page", "workflow_id"),
    *keys_of("delete_workflow", "workflow_id"),
    *keys_of("prune", "workflow_id"),
    *keys_of("prune_debate", "debate_id"),
    *keys_of("load_latest_debate", "debate_id"),
    *limits_of("list_page", "list_debates", "list_debate_page"),
    BadArgument("prune", "keep", NOT_KEPT),
    BadArgument("prune_debate", "keep", NOT_KEPT),
    BadArgument("cleanup_older_than", "max_age_days", [*NOT_MEASURES, None]),
    BadArgument("cleanup_older_than", "keep_latest", NOT_BOOLEANS),
    BadArgument("cleanup_expired", "now", NOT_TIMESTAMPS),
    BadArgument("save", "checkpoint", [None, 5, "text", []]),
    BadArgument("save_debate", "checkpoint", [None, 5, "text", []]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "list_page": {"workflow_id": "w"},
    "prune": {"workflow_id": "w"},
    "prune_debate": {"debate_id": "d"},
    "cleanup_older_than": {"max_age_days": 1},
}

CASES = StoreCases(
    make=CheckpointStore,
    add=add,
    count=count,
    foreign_table="workflow_checkpoints (id TEXT PRIMARY KEY, data TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={
        "checkpoint.workflow_id": lambda s: s.save(workflow_checkpoint("")),
        "keep": lambda s: s.prune("w", 0),
    },
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
