"""The job queue against procrastinate and pgqueuer, on one server, in turns.

Needs the extra ``bench``: ``pip install -e '.[bench]'``. Each queue has a database of its own, its
default settings and jobs that do nothing; all run in one process with the benchmark. A drain is
timed from the start of the workers until all of them have stopped.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from aragora_sql.errors import ConfigurationError
from benchmarks.measure import percentile
from benchmarks.report import Aim, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["queues_postgres"]

BULK = 1000
ENQUEUED_SINGLY, ENQUEUED_IN_BULK = 300, 10_000
DRAINED_SINGLY, DRAINED_IN_BATCHES = 1000, 10_000
WORKERS = (1, 4, 16)
STARTS, STARTS_PER_SECOND = 150, 50
BATCHES = (10, 50, 200)
# what pgqueuer does when it is not told
PGQUEUER_BATCH = 10

OURS, PGQUEUER, PROCRASTINATE = "aragora_sql", "pgqueuer", "procrastinate"
PEERS = (PGQUEUER, PROCRASTINATE)


class Queue:
    """One queue on a database of its own. ``started`` collects seconds from enqueue to start."""

    def __init__(self) -> None:
        self.handled = 0
        self.started: list[float] = []

    def on_start(self, enqueued_at: float | None) -> None:
        """Note that a job has started."""
        self.handled += 1
        if enqueued_at is not None:
            self.started.append(time.perf_counter() - enqueued_at)

    async def enqueue(self, enqueued_at: float | None = None) -> None:
        """Enqueue one job."""
        raise NotImplementedError

    async def enqueue_bulk(self, count: int) -> None:
        """Enqueue so many jobs at once."""
        raise NotImplementedError

    async def drain(self, workers: int, batch: int) -> None:
        """Work until the queue is empty."""
        raise NotImplementedError

    async def work(self) -> None:
        """Work with one worker until cancelled."""
        raise NotImplementedError


@asynccontextmanager
async def _ours(dsn: str) -> AsyncIterator[Queue]:
    from aragora_sql.database.postgres import PostgresDatabase
    from aragora_sql.stores.jobs.records import Job
    from aragora_sql.stores.jobs.store import JobQueueStore
    from aragora_sql.stores.jobs.worker import JobWorker

    class Ours(Queue):
        async def handle(self, job: Job) -> None:
            self.on_start(job.payload["at"] or None)

        async def enqueue(self, enqueued_at: float | None = None) -> None:
            await store.enqueue("job", {"at": enqueued_at or 0})

        async def enqueue_bulk(self, count: int) -> None:
            await store.enqueue_many([{"job_type": "job", "payload": {"at": 0}}] * count)

        def worker(self, batch: int, concurrency: int = 1) -> JobWorker:
            return JobWorker(store, {"job": self.handle}, concurrency=concurrency, batch_size=batch)

        async def drain(self, workers: int, batch: int) -> None:
            await asyncio.gather(
                *(
                    self.worker(batch).run(until_empty=True, handle_signals=False)
                    for _ in range(workers)
                )
            )

        async def work(self) -> None:
            await self.worker(10, 10).run(handle_signals=False)

    database = await PostgresDatabase.connect(dsn, min_size=2, max_size=40)
    store = JobQueueStore(database)
    await store.initialize()
    yield Ours()
    await store.close()
    await database.close()


@asynccontextmanager
async def _pgqueuer(dsn: str) -> AsyncIterator[Queue]:
    import asyncpg
    from pgqueuer import Job, PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    class PgQueue(Queue):
        def manager(self, connection: asyncpg.Connection[asyncpg.Record]) -> PgQueuer:
            manager = PgQueuer(AsyncpgDriver(connection))

            @manager.entrypoint("job")
            async def handle(job: Job) -> None:
                self.on_start(float(job.payload) if job.payload else None)

            return manager

        async def enqueue(self, enqueued_at: float | None = None) -> None:
            await queries.enqueue("job", None if enqueued_at is None else str(enqueued_at).encode())

        async def enqueue_bulk(self, count: int) -> None:
            await queries.enqueue(["job"] * count, [None] * count, [0] * count)

        async def drain(self, workers: int, batch: int) -> None:
            connections = [await asyncpg.connect(dsn) for _ in range(workers)]
            await asyncio.gather(
                *(
                    self.manager(one).run(batch_size=batch, mode=QueueExecutionMode.drain)
                    for one in connections
                )
            )
            for one in connections:
                await one.close()

        async def work(self) -> None:
            own = await asyncpg.connect(dsn)
            try:
                await self.manager(own).run()
            finally:
                await own.close()

    connection = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    yield PgQueue()
    await connection.close()


@asynccontextmanager
async def _procrastinate(dsn: str) -> AsyncIterator[Queue]:
    from procrastinate import App, PsycopgConnector

    class Procrastinate(Queue):
        async def enqueue(self, enqueued_at: float | None = None) -> None:
            await task.defer_async(at=enqueued_at)

        async def enqueue_bulk(self, count: int) -> None:
            arguments: list[dict[str, Any]] = [{"at": None}] * count
            await task.batch_defer_async(*arguments)

        async def drain(self, workers: int, batch: int) -> None:
            await app.run_worker_async(
                concurrency=workers, wait=False, install_signal_handlers=False
            )

        async def work(self) -> None:
            await app.run_worker_async(concurrency=10, install_signal_handlers=False)

    queue = Procrastinate()
    app = App(connector=PsycopgConnector(conninfo=dsn, max_size=20))

    @app.task(name="job")
    async def task(at: float | None) -> None:
        queue.on_start(at)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield queue


Open = Callable[[str], AbstractAsyncContextManager[Queue]]
QUEUES: dict[str, Open] = {OURS: _ours, PGQUEUER: _pgqueuer, PROCRASTINATE: _procrastinate}


@dataclass(slots=True)
class Figures:
    """Figures of the rounds, by what was measured and by queue."""

    rounds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, what: str, queue: str, figure: float) -> None:
        """Add the figure of the next round."""
        self.rounds.setdefault((what, queue), []).append(figure)

    def median(self, what: str, queue: str) -> float | None:
        """Return the median over the rounds, or None when it was not measured."""
        found = self.rounds.get((what, queue))
        return None if found is None else median(found)

    def ratio(self, what: str, peers: list[tuple[str, str]], *, least: bool = False) -> float:
        """Return ours over the best of the peers of each round; the median of that."""
        best = min if least else max
        ours = self.rounds[what, OURS]
        of_peers = [self.rounds[peer] for peer in peers if peer in self.rounds]
        ratios = [mine / best(theirs) for mine, *theirs in zip(ours, *of_peers, strict=True)]
        return float(median(ratios))


async def queues_postgres(run: Run) -> list[Report]:
    """Measure enqueueing, draining and the time until a job starts."""
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} not installed: pip install -e '.[bench]'"
        )
    for name in PEERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    rounds = max(1, run.rounds // 5)
    figures = Figures()
    async with AsyncExitStack() as stack:
        queues: dict[str, Queue] = {}
        for name, open_queue in QUEUES.items():
            dsn = await stack.enter_async_context(new_database(run.postgres))
            queues[name] = await stack.enter_async_context(open_queue(dsn))
        with run.stage("PostgreSQL, job queues", rounds) as advance:
            for number in range(rounds):
                await _round(queues, figures, number)
                advance()
    return [_throughput(figures, rounds), _starts(figures, rounds)]


async def _round(queues: dict[str, Queue], figures: Figures, number: int) -> None:
    names = list(queues)
    # Each round in another order.
    names = names[number % len(names) :] + names[: number % len(names)]
    for name in names:
        queue = queues[name]

        async def singly(queue: Queue = queue) -> None:
            for _ in range(ENQUEUED_SINGLY):
                await queue.enqueue()

        figures.add("enqueue 1", name, ENQUEUED_SINGLY / await _seconds(singly))
    for name in names:
        queue = queues[name]

        async def bulk(queue: Queue = queue) -> None:
            for _ in range(ENQUEUED_IN_BULK // BULK):
                await queue.enqueue_bulk(BULK)

        figures.add("bulk", name, ENQUEUED_IN_BULK / await _seconds(bulk))
        await queue.drain(1, 200) if name != PROCRASTINATE else await _empty(queue)
    for workers in WORKERS:
        for batch in (1, *BATCHES):
            count = DRAINED_SINGLY if batch == 1 else DRAINED_IN_BATCHES
            for name in names:
                # procrastinate claims one by one.
                if name != PROCRASTINATE or batch == 1:
                    what = _drain_name(workers, batch)
                    figures.add(what, name, await _drained(queues[name], workers, batch, count))
    for name in names:
        p50, p95 = await _latency(queues[name])
        figures.add("p50", name, p50)
        figures.add("p95", name, p95)


def _drain_name(workers: int, batch: int) -> str:
    return f"drain {workers} by {batch}"


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    # The garbage of one queue must not be collected in the time of the next.
    gc.collect()
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def _empty(queue: Queue) -> None:
    """Empty a slow queue without measuring it."""
    await queue.drain(16, 1)


async def _drained(queue: Queue, workers: int, batch: int, count: int) -> float:
    """Return the jobs per second of a drain."""
    for _ in range(count // BULK):
        await queue.enqueue_bulk(BULK)
    queue.handled = 0
    seconds = await _seconds(lambda: queue.drain(workers, batch))
    if queue.handled != count:
        raise ConfigurationError(f"{queue.handled} of {count} jobs were handled")
    return count / seconds


async def _latency(queue: Queue) -> tuple[float, float]:
    """Return p50 and p95 in ms from before the enqueue to the start, with one idle worker."""
    worker = asyncio.ensure_future(queue.work())
    try:
        # until it waits
        await asyncio.sleep(1.0)
        queue.started.clear()
        for _ in range(STARTS):
            await queue.enqueue(time.perf_counter())
            await asyncio.sleep(1 / STARTS_PER_SECOND)
        async with asyncio.timeout(60):
            while len(queue.started) < STARTS:  # noqa: ASYNC110 - the queues know no event
                await asyncio.sleep(0.01)
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
    return percentile(queue.started, 0.5) * 1e3, percentile(queue.started, 0.95) * 1e3


def _throughput(figures: Figures, rounds: int) -> Report:
    names = [OURS, *PEERS]
    columns = [Column("what", "jobs per second")]
    columns += [Column(name, name, ",.0f") for name in names]
    columns.append(Column("ratio", "x the better peer", ".2f"))
    whats = ["enqueue 1", "bulk"]
    whats += [_drain_name(workers, batch) for batch in (1, *BATCHES) for workers in WORKERS]
    rows: list[dict[str, str | float | None]] = []
    for what in whats:
        peers = [(what, peer) for peer in PEERS]
        row: dict[str, str | float | None] = {"what": _label(what)}
        row |= {name: figures.median(what, name) for name in names}
        rows.append({**row, "ratio": figures.ratio(what, peers)})
    aims = [
        Aim.at_least("bulk enqueue, times the better", figures.ratio("bulk", _all("bulk")), 2.5)
    ]
    for workers in WORKERS:
        one = _drain_name(workers, 1)
        aims.append(
            Aim.at_least(
                f"drain, single claims, {workers} workers, times the better",
                figures.ratio(one, _all(one)),
                1.0,
            )
        )
    for workers in WORKERS:
        whats = [_drain_name(workers, batch) for batch in (1, *BATCHES)]
        usual = [(_drain_name(workers, PGQUEUER_BATCH), PGQUEUER), (whats[0], PROCRASTINATE)]
        every = [(what, peer) for what in whats for peer in PEERS]
        for peers, which in ((usual, "the better by default"), (every, "the best of any batch")):
            best = max(figures.ratio(what, peers) for what in whats)
            text = f"drain, best batch, {workers} workers, times {which}"
            aims.append(Aim.at_least(text, best, 4.0))
    title = f"PostgreSQL, job queues ({rounds} rounds, medians)"
    notes = [
        f"bulk: {BULK:,} jobs at once; drain of {DRAINED_SINGLY:,} jobs claimed one by one, and of "
        f"{DRAINED_IN_BATCHES:,} claimed in batches",
    ]
    return Report("queues-postgres", title, columns, rows, aims, notes)


def _label(what: str) -> str:
    if not what.startswith("drain"):
        return {"enqueue 1": "enqueue one by one", "bulk": f"enqueue {BULK:,} at once"}[what]
    _, workers, _, batch = what.split()
    return f"drain, {workers} workers, " + ("single claims" if batch == "1" else f"batch {batch}")


def _all(what: str) -> list[tuple[str, str]]:
    return [(what, peer) for peer in PEERS]


def _starts(figures: Figures, rounds: int) -> Report:
    columns = [
        Column("queue", "from enqueue to start"),
        Column("p50", "p50 ms", ".2f"),
        Column("p95", "p95 ms", ".2f"),
    ]
    rows = [
        {"queue": name, "p50": figures.median("p50", name), "p95": figures.median("p95", name)}
        for name in (OURS, *PEERS)
    ]
    aims = [
        Aim.at_most(
            "p95 from enqueue to start, times the better",
            figures.ratio("p95", _all("p95"), least=True),
            0.5,
        )
    ]
    title = f"PostgreSQL, start of a job ({rounds} rounds, medians)"
    notes = [f"one idle worker, {STARTS} jobs at {STARTS_PER_SECOND} per second, enqueue included"]
    return Report("queue-starts-postgres", title, columns, rows, aims, notes)
