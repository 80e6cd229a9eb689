"""What the conformance suite needs to know of LangGraph's saver."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from aragora_sql.database.values import dump_json
from aragora_sql.stores.langgraph import LangGraphSaver
from tests.stores.cases import (
    BadArgument,
    Call,
    Hot,
    StoreCases,
)
from tests.stores.samples import numbers, run

ROWS = 20_000
ALL = {"wanted": dump_json({}), "row_limit": 10}
METADATA: Any = {"source": "input", "step": -1, "run_id": "run"}
NUMBERS = itertools.count()
DAY = timedelta(days=1)

KEY = {"checkpoint_ns": "", "checkpoint_id": "00007"}

HOT = [
    Hot(
        "get_checkpoint",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": None},
    ),
    Hot(
        "read_checkpoints",
        {"keys": dump_json([{"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": "00007"}])},
    ),
    Hot(
        "list_namespace",
        {
            "thread_id": "t 7",
            "checkpoint_ns": "",
            "only_id": None,
            "before_id": "\U0010ffff",
            **ALL,
        },
    ),
    Hot(
        "list_thread",
        {
            "thread_id": "t 7",
            "only_id": None,
            "after_id": "\U0010ffff",
            "after_ns": "\U0010ffff",
            **ALL,
        },
    ),
    Hot(
        "list_all",
        {
            "after_id": "\U0010ffff",
            "after_thread": "\U0010ffff",
            "after_ns": "\U0010ffff",
            **ALL,
        },
        True,
    ),
    Hot(
        "get_channel_history",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": None, "channels": ["a"]},
    ),
    Hot(
        "list_ancestors",
        {"thread_id": "t 7", "checkpoint_ns": "", "checkpoint_id": "00007", "channels": ["a"]},
    ),
    Hot("list_latest", {"thread_ids": ["t 7"]}),
    Hot("list_threads_of_runs", {"run_ids": ["run 7"]}),
    Hot("delete_checkpoints_of_runs", {"run_ids": ["unknown"]}),
    Hot("delete_writes_of_runs", {"run_ids": ["run 9"]}),
    Hot("delete_unused_values", {"thread_ids": ["t 8"]}),
    Hot("delete_checkpoints", {"thread_ids": ["unknown"]}),
    Hot("delete_writes", {"thread_ids": ["unknown"]}),
    Hot("delete_values", {"thread_ids": ["unknown"]}),
    Hot("has_rows", {"thread_id": "unknown"}),
    Hot(
        "find_expired_threads",
        {
            "after_time": datetime(2026, 1, 1, tzinfo=UTC),
            "after_thread": "",
            "age_seconds": 86_400.0,
            "looked_at": 1000,
            "known": ["t 7"],
        },
    ),
    Hot("list_expired", {"thread_ids": ["t 7"], "age_seconds": 86_400.0}),
    Hot("stored_checkpoints", {"thread_id": "t 7", "keys": dump_json([{**KEY}])}),
    Hot("stored_values", {"thread_id": "t 7", "keys": dump_json([{**KEY, "channel": "a"}])}),
    Hot("stored_writes", {"thread_id": "t 7", "keys": dump_json([{**KEY, "task_id": "task"}])}),
    Hot("delete_expired_writes", {"thread_ids": ["unknown"], "age_seconds": 86_400.0}),
]


def at(thread_id: Any, checkpoint_ns: str = "") -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns}}


async def put(saver: LangGraphSaver, thread_id: str) -> RunnableConfig:
    return await saver.aput(at(thread_id), empty_checkpoint(), METADATA, {})


async def add(saver: LangGraphSaver) -> None:
    await put(saver, f"thread {next(NUMBERS)}")


async def list_all(saver: LangGraphSaver, config: RunnableConfig | None) -> list[Any]:
    return [one async for one in saver.alist(config)]


async def count(saver: LangGraphSaver) -> int:
    return len(await list_all(saver, None))


async def fill(saver: LangGraphSaver) -> None:
    """Store twenty thousand rows in each table, in two hundred threads."""
    database = saver.database
    postgres = database.dialect == "postgres"
    rows = numbers(database, ROWS)
    padded = "lpad(n::text, 5, '0')" if postgres else "printf('%05d', n)"
    content = "'\\x00'::bytea" if postgres else "x'00'"
    written = (
        "now() - interval '1 second' * n"
        if postgres
        else "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-' || n || ' seconds')"
    )
    await run(
        database,
        "INSERT INTO langgraph_checkpoints (thread_id, checkpoint_ns, checkpoint_id, "
        "parent_checkpoint_id, run_id, channel_versions, type, content, created_at) "
        f"SELECT 't ' || (n % 200), '', {padded}, NULL, 'run ' || n, '{{\"a\": \"1\"}}', "
        f"'msgpack', {content}, {written} FROM {rows}; "
        "INSERT INTO langgraph_values "
        "(thread_id, checkpoint_ns, channel, version, type, content) "
        f"SELECT 't ' || (n % 200), '', 'a', CAST(n AS TEXT), 'msgpack', {content} FROM {rows}; "
        "INSERT INTO langgraph_writes "
        "(thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, content) "
        f"SELECT 't ' || (n % 200), '', {padded}, 'task', 0, 'a', 'msgpack', {content} "
        f"FROM {rows}",
    )


async def prepare(saver: LangGraphSaver) -> RunnableConfig:
    """Return where the checkpoint of a thread is."""
    return await put(saver, "t")


ROUND_TRIPS = {
    "aget_tuple": Call(1, lambda s, kept: s.aget_tuple(kept)),
    "aget_tuple of the latest": Call(1, lambda s, kept: s.aget_tuple(at("t"))),
    # a page of keys, and what belongs to them
    "alist": Call(2, lambda s, kept: list_all(s, at("t"))),
    "aput": Call(1, lambda s, kept: put(s, "t")),
    "aput_writes": Call(1, lambda s, kept: s.aput_writes(kept, [("a", 1)], "task")),
    "aget_delta_channel_history": Call(
        1, lambda s, kept: s.aget_delta_channel_history(config=kept, channels=["a"])
    ),
    "aprune": Call(7, lambda s, kept: s.aprune(["t", "u"])),
    "adelete_thread": Call(6, lambda s, kept: s.adelete_thread("t")),
    # nothing is that old
    "adelete_expired_threads": Call(1, lambda s, kept: s.adelete_expired_threads(DAY)),
    "afind_expired_threads": Call(1, lambda s, kept: s.afind_expired_threads(DAY)),
}

NOT_PLACES: list[Any] = [{}, {"configurable": {}}]

BAD_ARGUMENTS = [
    BadArgument("aprune", "strategy", ["keep_all", "", None, 5]),
    BadArgument("aprune", "thread_ids", ["abc", b"abc", {"a": 1}, None, 5]),
    BadArgument("adelete_for_runs", "run_ids", ["abc", b"abc", {"a": 1}, None, 5]),
    BadArgument("adelete_thread", "thread_id", [["abc"], None, "", "a\x00b"]),
    BadArgument("aget_delta_channel_history", "channels", ["abc", b"abc", {"a": 1}, 5]),
    BadArgument("aput_writes", "writes", ["abc", b"abc", {"a": 1}, None, 5]),
    BadArgument("adelete_expired_threads", "older_than", [30, "30d", None, timedelta(0)]),
    BadArgument("afind_expired_threads", "limit", [0, -1, "1", None, 1.5, True]),
    BadArgument("acopy_thread", "target_thread_id", ["", "a\x00b", "\ud800", "x" * 501]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "aprune": {"thread_ids": ["t"]},
    "aput_writes": {
        "config": {"configurable": {"thread_id": "t", "checkpoint_id": "c"}},
        "task_id": "task",
    },
    "aget_delta_channel_history": {"config": at("t")},
    "acopy_thread": {"source_thread_id": "t"},
    "adelete_expired_threads": {},
    "afind_expired_threads": {"older_than": DAY},
}

CASES = StoreCases(
    make=LangGraphSaver,
    add=add,
    count=count,
    foreign_table="langgraph_checkpoints (id TEXT PRIMARY KEY, data TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"thread_id": lambda s: s.aput(at(""), empty_checkpoint(), METADATA, {})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
