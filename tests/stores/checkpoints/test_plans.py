"""Hot queries of checkpoints find their rows through an index, and calls take few round trips."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.values import dump_json
from aragora_sql.queries import load_queries
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.paging import LAST_TIMESTAMP
from tests.proxy import CountingProxy
from tests.stores.samples import day, debate_checkpoint, fetch_value, run, workflow_checkpoint
from tests.stores.test_plans import Explaining, Hot, postgres_problems, sqlite_problems

ROWS = 20_000
FIRST_PAGE = {"before_created_at": LAST_TIMESTAMP, "row_limit": 10}
BEHIND_ALL = {"before_id": "\U0010ffff", "wanted": dump_json({}), "row_limit": 10}

HOT = [
    Hot("checkpoints", "get_workflow_checkpoint", {"checkpoint_id": "id 7", "workflow_id": None}),
    Hot("checkpoints", "get_latest_workflow_checkpoint", {"workflow_id": "w 7"}, True),
    Hot(
        "checkpoints",
        "list_workflow_checkpoints",
        {"workflow_id": "w 7", "before_sequence": 1, **FIRST_PAGE},
        True,
    ),
    Hot("checkpoints", "find_workflow_checkpoints", {"checkpoint_id": "cp 7"}),
    Hot("checkpoints", "prune_workflow", {"workflow_id": "w 7", "newer": 9, "row_limit": 10}),
    Hot(
        "checkpoints",
        "delete_old_workflow_checkpoints",
        {"cutoff": day(-100), "keep_latest": True, "row_limit": 10},
    ),
    Hot("checkpoints", "delete_workflow_checkpoints", {"sequences": [1, 2]}),
    Hot("checkpoints", "delete_workflow", {"workflow_id": "unknown"}),
    Hot("checkpoints", "get_debate_checkpoint", {"checkpoint_id": "c 7"}),
    Hot("checkpoints", "find_debate_checkpoint", {"checkpoint_id": "c 7"}),
    Hot("checkpoints", "get_latest_debate_checkpoint", {"debate_id": "d 7"}, True),
    Hot(
        "checkpoints",
        "list_debate_checkpoints",
        {"debate_id": "d 7", "before_id": "", **FIRST_PAGE},
        True,
    ),
    Hot("checkpoints", "list_all_debate_checkpoints", {"before_id": "", **FIRST_PAGE}, True),
    Hot("checkpoints", "prune_debate", {"debate_id": "d 7", "newer": 9, "row_limit": 10}),
    Hot("checkpoints", "delete_debate_checkpoint", {"checkpoint_id": "unknown"}),
    Hot(
        "checkpoints", "delete_expired_debate_checkpoints", {"timestamp": day(-9), "row_limit": 10}
    ),
    Hot(
        "langgraph",
        "get_checkpoint",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": None},
    ),
    Hot(
        "langgraph",
        "read_checkpoints",
        {"keys": dump_json([{"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": "00007"}])},
    ),
    Hot(
        "langgraph",
        "list_namespace",
        {"thread_id": "t 7", "checkpoint_ns": "", "only_id": None, **BEHIND_ALL},
    ),
    Hot(
        "langgraph",
        "list_thread",
        {
            "thread_id": "t 7",
            "only_id": None,
            "after_id": "\U0010ffff",
            "after_ns": "\U0010ffff",
            **BEHIND_ALL,
        },
    ),
    Hot(
        "langgraph",
        "list_all",
        {
            "after_id": "\U0010ffff",
            "after_thread": "\U0010ffff",
            "after_ns": "\U0010ffff",
            **BEHIND_ALL,
        },
        True,
    ),
    Hot(
        "langgraph",
        "get_channel_history",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": None, "channels": ["a"]},
    ),
    Hot(
        "langgraph",
        "list_ancestors",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": "00007", "channels": ["a"]},
    ),
    Hot("langgraph", "list_latest", {"thread_ids": ["t 7"]}),
    Hot("langgraph", "list_threads_of_runs", {"run_ids": ["run 7"]}),
    Hot("langgraph", "delete_checkpoints_of_runs", {"run_ids": ["unknown"]}),
    Hot("langgraph", "delete_writes_of_runs", {"run_ids": ["run 9"]}),
    Hot("langgraph", "delete_unused_values", {"thread_ids": ["t 8"]}),
    Hot("langgraph", "delete_checkpoints", {"thread_ids": ["unknown"]}),
    Hot("langgraph", "delete_writes", {"thread_ids": ["unknown"]}),
    Hot("langgraph", "delete_values", {"thread_ids": ["unknown"]}),
    Hot("langgraph", "has_rows", {"thread_id": "unknown"}),
]


@pytest.fixture
async def store(database: Database) -> CheckpointStore:
    made = CheckpointStore(database)
    await made.initialize()
    return made


async def fill(database: Database) -> None:
    """Store some ten thousand rows in each table, in a hundred workflows and debates, and
    two hundred threads."""
    postgres = database.dialect == "postgres"
    numbers = (
        f"generate_series(1, {ROWS}) AS g (n)"
        if postgres
        else f"(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {ROWS}) "
        "SELECT n FROM g) AS g"
    )
    timestamp = (
        "timestamptz '2026-01-01 00:00Z' + n * interval '1 second'"
        if postgres
        else "strftime('%Y-%m-%dT%H:%M:%f000Z', 1767225600 + n, 'unixepoch')"
    )
    padded = "lpad(n::text, 5, '0')" if postgres else "printf('%05d', n)"
    content = "'\\x00'::bytea" if postgres else "x'00'"
    checksum = "0" * 64
    await run(
        database,
        "INSERT INTO workflow_checkpoints "
        "(id, engine_id, workflow_id, definition_id, content_checksum, created_at) "
        f"SELECT 'id ' || n, 'cp ' || n, 'w ' || (n % 100), 'd', '{checksum}', {timestamp} "
        f"FROM {numbers}; "
        "INSERT INTO debate_checkpoints (checkpoint_id, debate_id, task, current_round, "
        "total_rounds, phase, status, size_bytes, content_checksum, created_at, expires_at) "
        "SELECT 'c ' || n, 'd ' || (n % 100), 't', 1, 1, 'p', 'complete', 2, "
        f"'{checksum}', {timestamp}, {timestamp} FROM {numbers}; "
        "INSERT INTO langgraph_checkpoints (thread_id, checkpoint_ns, checkpoint_id, "
        "parent_checkpoint_id, run_id, channel_versions, type, content) "
        f"SELECT 't ' || (n % 200), '', {padded}, NULL, 'run ' || n, '{{\"a\": \"1\"}}', "
        f"'msgpack', {content} FROM {numbers}; "
        "INSERT INTO langgraph_values "
        "(thread_id, checkpoint_ns, channel, version, type, content) "
        f"SELECT 't ' || (n % 200), '', 'a', CAST(n AS TEXT), 'msgpack', {content} FROM {numbers}; "
        "INSERT INTO langgraph_writes "
        "(thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, content) "
        f"SELECT 't ' || (n % 200), '', {padded}, 'task', 0, 'a', 'msgpack', {content} "
        f"FROM {numbers}; "
        "ANALYZE",
    )


async def test_hot_queries_use_an_index(store: CheckpointStore) -> None:
    database = store.database
    await fill(database)
    dialect = database.dialect
    find_problems = sqlite_problems if dialect == "sqlite" else postgres_problems
    problems: dict[str, list[str]] = {}
    async with database.transaction() as connection:
        if dialect == "postgres":
            await connection.run_script("set", "SET LOCAL plan_cache_mode = force_generic_plan")
        for hot in HOT:
            explaining = Explaining(connection, dialect)
            arguments = dict(hot.arguments)
            call = getattr(load_queries(hot.store, dialect), hot.query)(explaining, **arguments)
            if hasattr(call, "__aiter__"):
                assert [row async for row in call] == []
            else:
                await call
            for plan in explaining.plans:
                problems.setdefault(str(hot), []).extend(find_problems(hot, explaining.sql, plan))
    assert {name: found for name, found in problems.items() if found} == {}
    assert len(problems) == len(HOT)


class Counted(NamedTuple):
    """A store on one connection behind a proxy that counts."""

    proxy: CountingProxy
    store: CheckpointStore
    storage_id: str


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[Counted]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    store = CheckpointStore(database)
    await store.initialize()
    storage_id = await store.save(workflow_checkpoint())
    await store.save_debate(debate_checkpoint())
    yield Counted(counted_postgres, store, storage_id)
    await database.close()


CALLS: dict[str, Callable[[Counted], Awaitable[Any]]] = {
    "save": lambda c: c.store.save(workflow_checkpoint("other")),
    "load": lambda c: c.store.load(c.storage_id),
    "load by the engine's id": lambda c: c.store.load("cp_0123456789ab", "w"),
    "load_latest": lambda c: c.store.load_latest("w"),
    "list_checkpoints": lambda c: c.store.list_checkpoints("w"),
    "list_page": lambda c: c.store.list_page("w"),
    "delete nothing": lambda c: c.store.delete("unknown"),
    "prune nothing": lambda c: c.store.prune("w"),
    "cleanup nothing": lambda c: c.store.cleanup_older_than(9000),
    "save_debate": lambda c: c.store.save_debate(debate_checkpoint()),
    "load_debate": lambda c: c.store.load_debate("cp-d-001-abcd"),
    "load_latest_debate": lambda c: c.store.load_latest_debate("d"),
    "list_debates": lambda c: c.store.list_debates(),
    "list_debate_page": lambda c: c.store.list_debate_page("d"),
    "get_stats": lambda c: c.store.get_stats(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_one_round_trip(counted: Counted, name: str) -> None:
    call = CALLS[name]
    await call(counted)
    counted.proxy.reset()
    await call(counted)
    assert counted.proxy.round_trips == 1


async def test_pruning_takes_as_long_for_many(counted: Counted) -> None:
    async def prune(count: int) -> int:
        async with counted.store.database.transaction():
            for _ in range(count):
                await counted.store.save(workflow_checkpoint())
        counted.proxy.reset()
        await counted.store.prune("w", 1)
        return counted.proxy.round_trips

    await prune(2)
    assert await prune(400) == await prune(2) == 2
    assert await fetch_value(counted.store.database, "SELECT count(*) FROM workflow_checkpoints")


async def test_bad_input_never_reaches_the_server(counted: Counted) -> None:
    counted.proxy.reset()
    with pytest.raises(ValueError, match="workflow_id"):
        await counted.store.save(workflow_checkpoint(""))
    with pytest.raises(ValueError, match="keep"):
        await counted.store.prune("w", 0)
    assert counted.proxy.round_trips == 0
