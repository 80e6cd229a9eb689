"""LangGraph's saver against langgraph-checkpoint-postgres and -sqlite, in turns.

Each saver has a database of its own. On PostgreSQL the public saver is measured on a connection, as
its own factory opens one (autocommit, statements prepared at once), and on a pool of such
connections; ours on its pool, with as many. On SQLite all have a log (WAL) and synchronous FULL: a
commit that returned is on the disk. The state is a document (new at each step), a counter (new at
each step) and a list that stays.
"""

from __future__ import annotations

import asyncio
import gc
import operator
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any, TypedDict, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.graph import END, START, StateGraph

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import empty_database, new_database

__all__ = ["savers_postgres", "savers_sqlite"]

OURS = "aragora_sql"
MOST_CONNECTIONS = 10
SIZES = {"1 KB": 1000, "100 KB": 100_000}
FASTER, SMALLER = 1.3, 0.9
# Of one round: how many calls of each kind, and how many checkpoints a listing gives.
CALLS = {"1 KB": 60, "100 KB": 15}
LISTED = {"1 KB": 100, "100 KB": 25}
LISTINGS = 3
LOOPS = 10
THREADS = (1, 32)
# Rounds of what takes seconds.
LONG_ROUNDS = 5
KEPT_THREADS, KEPT_CHECKPOINTS = 10, 100
_PROCESSES = Path("/proc")

Saver = BaseCheckpointSaver[str]
Work = Callable[[], Awaitable[object]]
METADATA: Any = {"source": "loop", "step": 1, "parents": {}}


@dataclass
class Peer:
    """A saver that is measured, and what it has used, by what was done: one figure a round."""

    name: str
    saver: Saver
    size: Callable[[], Awaitable[int]]
    number: int = 0
    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)


class State(TypedDict):
    """What the channels of the graph hold."""

    document: dict[str, Any]
    counter: Annotated[int, operator.add]
    names: list[str]
    seen: Annotated[int, operator.add]


def _document(size: int) -> dict[str, Any]:
    """Return a document with a text that hardly compresses."""
    return {"title": "Minutes", "pages": [1, 2], "body": random.randbytes(size // 2).hex()}


def _graph(saver: Saver, size: int) -> Any:
    """Return a graph of three branches and a join, which runs round ``LOOPS`` times: 20 steps."""

    def branch(number: int) -> Any:
        async def work(state: State) -> dict[str, Any]:
            return {"seen": number}

        return work

    async def join(state: State) -> dict[str, Any]:
        return {"document": _document(size), "counter": 1}

    async def start(state: State) -> dict[str, Any]:
        return {"document": _document(size)}

    def again(state: State) -> Any:
        return ["b1", "b2", "b3"] if state["counter"] < LOOPS else END

    builder = StateGraph(State)
    for number in (1, 2, 3):
        builder.add_node(f"b{number}", start if number == 1 else branch(number))
    builder.add_node("join", join)
    for number in (1, 2, 3):
        builder.add_edge(START, f"b{number}")
    builder.add_edge(["b1", "b2", "b3"], "join")
    builder.add_conditional_edges("join", again, ["b1", "b2", "b3", END])
    return builder.compile(checkpointer=saver)


class _Thread:
    """A thread that gets one checkpoint after the other."""

    def __init__(self, peer: Peer, size: int) -> None:
        peer.number += 1
        self._saver = peer.saver
        self._size = size
        self._versions: dict[str, Any] = {}
        self._values: dict[str, Any] = {"names": ["alice", "bob", "carol"]}
        self.config: RunnableConfig = {
            "configurable": {"thread_id": f"thread-{peer.number:08}", "checkpoint_ns": ""}
        }
        self._step = -1

    def next(self) -> tuple[RunnableConfig, Checkpoint, Any, Any]:
        """Return the arguments that store the next checkpoint."""
        self._step += 1
        changed = ["document", "counter"] if self._step else ["document", "counter", "names"]
        newest = max(self._versions.values()) if self._versions else None
        version = self._saver.get_next_version(newest, None)
        new = dict.fromkeys(changed, version)
        self._versions |= new
        self._values |= {"document": _document(self._size), "counter": self._step}
        checkpoint = empty_checkpoint() | {
            "id": str(uuid6(clock_seq=self._step)),
            "channel_values": dict(self._values),
            "channel_versions": dict(self._versions),
            "versions_seen": {"__input__": {}, "node": dict(self._versions)},
        }
        metadata = {**METADATA, "step": self._step}
        return self.config, checkpoint, metadata, new

    async def put(self) -> None:
        """Store the next checkpoint."""
        self.config = await self._saver.aput(*self.next())


async def savers_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    reports = []
    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0,
        "row_factory": dict_row,
    }
    for label, size in SIZES.items():
        async with AsyncExitStack() as stack:
            ours_dsn = await stack.enter_async_context(new_database(run.postgres))
            database = await PostgresDatabase.connect(ours_dsn, 1, MOST_CONNECTIONS)
            stack.push_async_callback(database.close)
            peers = [Peer(OURS, LangGraphSaver(database), _size_of(ours_dsn))]
            for name in ("connection", "pool"):
                dsn = await stack.enter_async_context(empty_database(run.postgres))
                if name == "pool":
                    pool: Any = AsyncConnectionPool(
                        dsn, min_size=1, max_size=MOST_CONNECTIONS, open=False, kwargs=options
                    )
                    await stack.enter_async_context(pool)
                    saver = AsyncPostgresSaver(pool)
                else:
                    saver = await stack.enter_async_context(
                        AsyncPostgresSaver.from_conn_string(dsn)
                    )
                await saver.setup()
                peers.append(Peer(name, saver, _size_of(dsn)))
            seconds = partial(_server_seconds, run.postgres.pid)
            title = f"PostgreSQL, {label}"
            reports += await _measure(run, title, peers, label, size, seconds)
    return reports


def _size_of(dsn: str) -> Callable[[], Awaitable[int]]:
    async def measure() -> int:
        import asyncpg

        connection = await asyncpg.connect(dsn)
        try:
            size: int = await connection.fetchval(
                "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c "
                "WHERE c.relkind = 'r' AND (c.relname LIKE 'langgraph\\_%' "
                "OR c.relname LIKE 'checkpoint%') AND c.relname NOT LIKE '%items%'"
            )
        finally:
            await connection.close()
        return size

    return measure


def _server_seconds(server: int) -> float:
    """Return the processor time that the server's processes have used so far."""
    total = 0
    for folder in _PROCESSES.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if server in (parent, int(folder.name)):
                total += int((folder / "schedstat").read_text().split()[0])
        except (OSError, ValueError):
            # It has ended meanwhile.
            continue
    return total / 1e9


async def savers_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    reports = []
    for label, size in SIZES.items():
        async with AsyncExitStack() as stack:
            ours = run.folder / f"ours-{size}.db"
            database = SQLiteDatabase(ours)
            stack.push_async_callback(database.close)
            saver = LangGraphSaver(database)
            await saver.initialize()
            theirs = run.folder / f"theirs-{size}.db"
            peers = [
                Peer(OURS, saver, _file_size(ours)),
                Peer(
                    "file",
                    await stack.enter_async_context(_public_sqlite(theirs)),
                    _file_size(theirs),
                ),
            ]
            reports += await _measure(run, f"SQLite, {label}", peers, label, size, lambda: 0.0)
    return reports


@asynccontextmanager
async def _public_sqlite(path: Path) -> AsyncIterator[Saver]:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.setup()
        await saver.conn.execute("PRAGMA synchronous = FULL")
        yield saver


def _file_size(path: Path) -> Callable[[], Awaitable[int]]:
    async def measure() -> int:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(path)) as connection:
            pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
            free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
            of_page: int = connection.execute("PRAGMA page_size").fetchone()[0]
        return (pages - free) * of_page

    return measure


async def _measure(
    run: Run,
    title: str,
    peers: list[Peer],
    label: str,
    size: int,
    server_seconds: Callable[[], float],
) -> list[Report]:
    sizes: dict[str, dict[str, float]] = {}
    sizes["aput"] = {peer.name: await _growth(peer, size) for peer in peers}
    works = _works(label, size)
    long = min(run.rounds, LONG_ROUNDS)
    rounds = {name: long if name.startswith("graph") else run.rounds for name in works}
    order = random.Random(run.rounds)
    with run.stage(title, sum(rounds.values())) as advance:
        for name, prepare in works.items():
            # A round that is not counted: statements are prepared, pools are full.
            for counted in (False, *[True] * rounds[name]):
                for peer in order.sample(peers, len(peers)):
                    work = await prepare(peer)
                    gc.collect()
                    server = server_seconds()
                    wall, processor = time.perf_counter(), time.process_time()
                    await work()
                    processor = time.process_time() - processor
                    wall = time.perf_counter() - wall
                    processor += server_seconds() - server
                    if counted:
                        peer.wall.setdefault(name, []).append(wall)
                        peer.processor.setdefault(name, []).append(processor)
                if counted:
                    advance()
    sizes["graphs"] = {peer.name: await _growth_of_graphs(peer, size) for peer in peers}
    return [_speeds(title, peers, list(works)), _sizes(title, peers, sizes)]


def _works(label: str, size: int) -> dict[str, Callable[[Peer], Awaitable[Work]]]:
    """Return what is measured: each makes ready, unmeasured, and returns the measured rest."""

    async def begun(peer: Peer, checkpoints: int = 3) -> _Thread:
        thread = _Thread(peer, size)
        for _ in range(checkpoints):
            await thread.put()
        return thread

    async def puts(peer: Peer) -> Work:
        thread = await begun(peer)
        given = [thread.next() for _ in range(CALLS[label])]

        async def work() -> None:
            config = thread.config
            for _, *rest in given:
                config = await peer.saver.aput(config, *rest)

        return work

    async def writes(peer: Peer) -> Work:
        thread = await begun(peer)
        given = [
            [("document", _document(size)), ("counter", number), ("branch:to:join", None)]
            for number in range(CALLS[label])
        ]

        async def work() -> None:
            for number, one in enumerate(given):
                await peer.saver.aput_writes(thread.config, one, f"task-{number}", "~path")

        return work

    async def reads(peer: Peer) -> Work:
        thread = await begun(peer, 10)
        config: RunnableConfig = {
            "configurable": {
                "thread_id": thread.config["configurable"]["thread_id"],
                "checkpoint_ns": "",
            }
        }

        async def work() -> None:
            for _ in range(CALLS[label]):
                assert await peer.saver.aget_tuple(config) is not None

        return work

    listed: dict[str, _Thread] = {}

    async def lists(peer: Peer) -> Work:
        if peer.name not in listed:
            listed[peer.name] = await begun(peer, LISTED[label])
        thread_id = listed[peer.name].config["configurable"]["thread_id"]
        config: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}

        async def work() -> None:
            for _ in range(LISTINGS):
                found = [one async for one in peer.saver.alist(config, limit=LISTED[label])]
                assert len(found) == LISTED[label]

        return work

    def graphs(threads: int) -> Callable[[Peer], Awaitable[Work]]:
        async def prepare(peer: Peer) -> Work:
            graph = _graph(peer.saver, size)
            peer.number += threads
            first = peer.number - threads

            async def work() -> None:
                await asyncio.gather(*(_invoke(graph, first + one) for one in range(threads)))

            return work

        return prepare

    return {
        "aput": puts,
        "aput_writes of 3": writes,
        "aget_tuple of the newest": reads,
        f"alist of {LISTED[label]}": lists,
        **{f"graph of 20 steps, {count} at once": graphs(count) for count in THREADS},
    }


async def _invoke(graph: Any, number: int) -> None:
    await graph.ainvoke(
        {"document": {}, "counter": 0, "names": ["alice", "bob", "carol"], "seen": 0},
        {"configurable": {"thread_id": f"graph-{number:08}"}, "recursion_limit": 100},
    )


async def _growth(peer: Peer, size: int) -> float:
    """Return the bytes per checkpoint of some threads."""
    before = await peer.size()
    for _ in range(KEPT_THREADS):
        thread = _Thread(peer, size)
        for _ in range(KEPT_CHECKPOINTS):
            await thread.put()
    return (await peer.size() - before) / (KEPT_THREADS * KEPT_CHECKPOINTS)


async def _growth_of_graphs(peer: Peer, size: int) -> float:
    """Return the bytes per checkpoint of some graphs, writes included."""
    before = await peer.size()
    graph = _graph(peer.saver, size)
    peer.number += KEPT_THREADS
    for number in range(KEPT_THREADS):
        await _invoke(graph, peer.number - number)
    return (await peer.size() - before) / (KEPT_THREADS * (2 * LOOPS + 2))


def _speeds(title: str, peers: list[Peer], works: list[str]) -> Report:
    ours, *others = peers
    rows: list[dict[str, Cell]] = []
    aims = []
    for name in works:
        row: dict[str, Cell] = {
            "what": name,
            "ms": median(ours.wall[name]) * 1000,
            "cpu_ms": median(ours.processor[name]) * 1000,
        }
        lowest: dict[str, float] = {}
        for clock in ("wall", "processor"):
            for other in others:
                mine, theirs = getattr(ours, clock)[name], getattr(other, clock)[name]
                ratios = [b / a for a, b in zip(mine, theirs, strict=True)]
                low, high = _quartiles(ratios)
                row[f"{clock} {other.name}"] = f"{median(ratios):.2f} ({low:.2f}-{high:.2f})"
                lowest[clock] = min(lowest.get(clock, ratios[0] * 1e9), median(ratios))
        rows.append(row)
        aims += [
            Aim.at_least(f"{title}, {name}, {clock}", ratio, FASTER)
            for clock, ratio in lowest.items()
        ]
    return Report(
        "savers",
        f"LangGraph savers, {title}: times as fast as the public saver",
        [
            Column("what", "what"),
            Column("ms", "ours ms", ".1f"),
            Column("cpu_ms", "ours CPU ms", ".1f"),
            *(
                Column(f"{clock} {other.name}", f"{clock}, {other.name}")
                for other in others
                for clock in ("wall", "processor")
            ),
        ],
        rows,
        aims,
        [
            "Above 1 this package is faster. Medians and quartiles of ratios within rounds; "
            "processor time is that of the process and, on PostgreSQL, of the server's processes.",
            "A round has several calls: the figures in milliseconds are of a round.",
        ],
    )


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def _sizes(title: str, peers: list[Peer], sizes: dict[str, dict[str, float]]) -> Report:
    ours, *others = peers
    rows: list[dict[str, Cell]] = [
        {"what": what, **found, "ratio": found[ours.name] / min(found[one.name] for one in others)}
        for what, found in sizes.items()
    ]
    return Report(
        "savers-disk",
        f"LangGraph savers, {title}: bytes per checkpoint",
        [
            Column("what", "what"),
            *(Column(peer.name, peer.name, ",.0f") for peer in peers),
            Column("ratio", "ours/theirs", ".2f"),
        ],
        rows,
        [
            Aim.at_most(f"{title}, disk, {row['what']}", cast(float, row["ratio"]), SMALLER)
            for row in rows
        ],
    )
