"""The job queue against others for Python and PostgreSQL, on one server, in turns.

Needs the extra ``bench``: ``pip install -e '.[bench]'``; oban needs Python 3.12 and is left out on
an older one. Each queue has a database of its own and jobs that do nothing; all run in one process
with the benchmark. A drain is timed from the start of the workers until all of them have stopped.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import sys
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
from benchmarks.servers import ServerClock, new_database

__all__ = ["queues_postgres"]

BULK = 1000
ENQUEUED_SINGLY, ENQUEUED_IN_BULK = 300, 5000
DRAINED_SINGLY, DRAINED_IN_BATCHES = 1000, 10_000
# So many of queues that take a millisecond or more for a job.
DRAINED_SLOWLY = 2000
WORKERS = (1, 4, 16)
STARTS, STARTS_PER_SECOND = 150, 50
BATCHES = (10, 50, 200)
OURS, PGQUEUER, PROCRASTINATE = "aragora_sql", "pgqueuer", "procrastinate"
CHANCY, OBAN = "chancy", "oban"
PEERS = tuple(
    name
    for name in (PGQUEUER, PROCRASTINATE, CHANCY, OBAN)
    if name != OBAN or sys.version_info >= (3, 12)
)
SLOW = (CHANCY, OBAN)
# They claim one by one, however many are handled at once.
CLAIM_SINGLY = (PROCRASTINATE,)


class Queue:
    """One queue on a database of its own. ``started`` collects seconds from enqueue to start."""

    def __init__(self) -> None:
        self.handled = 0
        # How many a drain has to handle, for queues that never say that they are empty.
        self.expected = 0
        self.is_drained = asyncio.Event()
        self.started: list[float] = []

    def on_start(self, enqueued_at: float | None) -> None:
        """Note that a job has started."""
        self.handled += 1
        if self.handled == self.expected:
            self.is_drained.set()
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

    database = await PostgresDatabase.connect(dsn, min_size=2, max_size=20)
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


@asynccontextmanager
async def _chancy(dsn: str) -> AsyncIterator[Queue]:
    from chancy import Chancy, Worker, job
    from chancy import Queue as ChancyQueue

    class OfChancy(Queue):
        async def enqueue(self, enqueued_at: float | None = None) -> None:
            await app.push(_chancy_job.job.with_kwargs(at=enqueued_at))

        async def enqueue_bulk(self, count: int) -> None:
            jobs = [_chancy_job.job.with_kwargs(at=None)] * count
            async for _ in app.push_many(jobs, batch_size=count):
                pass

        async def declare(self, concurrency: int) -> None:
            # Its asynchronous executor, and a look for more as soon as a job has ended.
            await app.declare(
                ChancyQueue(
                    "default",
                    concurrency=concurrency,
                    executor=Chancy.Executor.Async,
                    polling_interval=1,
                    eager_polling=True,
                ),
                upsert=True,
            )

        async def drain(self, workers: int, batch: int) -> None:
            await self.declare(batch)
            async with AsyncExitStack() as stack:
                for _ in range(workers):
                    await stack.enter_async_context(Worker(app, register_signal_handlers=False))
                await self.is_drained.wait()

        async def work(self) -> None:
            await self.declare(10)
            async with Worker(app, register_signal_handlers=False):
                await asyncio.Event().wait()

    queue = OfChancy()
    # A job is found by the module and the name of its function.
    global _chancy_job

    @job(queue="default")
    async def _chancy_job(*, at: float | None) -> None:
        queue.on_start(at)

    log = logging.getLogger(CHANCY)
    async with Chancy(dsn, max_connection_pool_size=24, log=log) as app:
        await app.migrate()
        yield queue


_chancy_job: Any = None


@asynccontextmanager
async def _oban(dsn: str) -> AsyncIterator[Queue]:
    from oban import Oban, job
    from oban.schema import install
    from psycopg_pool import AsyncConnectionPool

    class OfOban(Queue):
        async def enqueue(self, enqueued_at: float | None = None) -> None:
            await client.enqueue(_oban_job.new(enqueued_at))

        async def enqueue_bulk(self, count: int) -> None:
            await client.enqueue_many(_oban_job.new(None) for _ in range(count))

        def server(self, number: int, limit: int) -> Any:
            name = f"worker {number}"
            return Oban(pool=pool, name=name, node=name, queues={"default": limit})

        async def drain(self, workers: int, batch: int) -> None:
            async with AsyncExitStack() as stack:
                for number in range(workers):
                    await stack.enter_async_context(self.server(number, batch))
                await self.is_drained.wait()

        async def work(self) -> None:
            async with self.server(0, 10):
                await asyncio.Event().wait()

    queue = OfOban()

    @job(queue="default")
    async def _oban_job(at: float | None) -> None:
        queue.on_start(at)

    async with AsyncConnectionPool(dsn, min_size=2, max_size=24, open=False) as pool:
        await install(pool)
        async with Oban(pool=pool, name="client") as client:
            yield queue


Open = Callable[[str], AbstractAsyncContextManager[Queue]]
QUEUES: dict[str, Open] = {
    OURS: _ours,
    PGQUEUER: _pgqueuer,
    PROCRASTINATE: _procrastinate,
    CHANCY: _chancy,
    OBAN: _oban,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job costs: seconds that pass, and processor time of client and server, in seconds."""

    wall: float
    client: float
    server: float

    @property
    def processor(self) -> float:
        """Processor time of both."""
        return self.client + self.server


@dataclass(slots=True)
class Figures:
    """Costs of the rounds, by what was measured and by queue."""

    rounds: dict[tuple[str, str], list[Cost]] = field(default_factory=dict)

    def add(self, what: str, queue: str, cost: Cost) -> None:
        """Add what the next round has cost."""
        self.rounds.setdefault((what, queue), []).append(cost)

    def median(self, what: str, queue: str, kind: str) -> float | None:
        """Return the median over the rounds, or None when it was not measured."""
        found = self.rounds.get((what, queue))
        return None if found is None else median(getattr(one, kind) for one in found)

    def ratio(self, what: str, kind: str) -> float:
        """Return how many times ours the best of the others costs, the median of the rounds."""
        ours = self.rounds[what, OURS]
        others = [self.rounds[what, name] for name in PEERS if (what, name) in self.rounds]
        ratios = [
            min(getattr(one, kind) for one in theirs) / max(getattr(mine, kind), 1e-9)
            for mine, *theirs in zip(ours, *others, strict=True)
        ]
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
    starts: dict[str, list[tuple[float, float]]] = {}
    clock = await ServerClock.of(run.postgres)
    async with AsyncExitStack() as stack:
        queues: dict[str, Queue] = {}
        for name in (OURS, *PEERS):
            dsn = await stack.enter_async_context(new_database(run.postgres))
            queues[name] = await stack.enter_async_context(QUEUES[name](dsn))
        with run.stage("PostgreSQL, job queues", rounds) as advance:
            for number in range(rounds):
                await _round(queues, figures, starts, number, clock)
                advance()
    return [
        _throughput(figures, rounds),
        _processor(figures, rounds),
        _starts(starts, rounds),
    ]


async def _round(
    queues: dict[str, Queue],
    figures: Figures,
    starts: dict[str, list[tuple[float, float]]],
    number: int,
    clock: ServerClock,
) -> None:
    names = list(queues)
    # Each round in another order.
    names = names[number % len(names) :] + names[: number % len(names)]
    for name in names:
        queue = queues[name]

        async def singly(queue: Queue = queue) -> None:
            for _ in range(ENQUEUED_SINGLY):
                await queue.enqueue()

        async def at_once(queue: Queue = queue) -> None:
            await asyncio.gather(*(queue.enqueue() for _ in range(ENQUEUED_SINGLY)))

        async def bulk(queue: Queue = queue) -> None:
            for _ in range(ENQUEUED_IN_BULK // BULK):
                await queue.enqueue_bulk(BULK)

        figures.add(SINGLY, name, await _cost(singly, ENQUEUED_SINGLY, clock))
        figures.add(AT_ONCE, name, await _cost(at_once, ENQUEUED_SINGLY, clock))
        figures.add(IN_BULK, name, await _cost(bulk, ENQUEUED_IN_BULK, clock))
        await _drained(queue, 4, 200, 2 * ENQUEUED_SINGLY + ENQUEUED_IN_BULK, clock, fill=False)
    for workers in WORKERS:
        for batch in (1, *BATCHES):
            count = DRAINED_SINGLY if batch == 1 else DRAINED_IN_BATCHES
            for name in names:
                if batch == 1 or name not in CLAIM_SINGLY:
                    most = min(count, DRAINED_SLOWLY) if name in SLOW else count
                    cost = await _drained(queues[name], workers, batch, most, clock)
                    figures.add(_drain_name(workers, batch), name, cost)
    for name in names:
        starts.setdefault(name, []).append(await _latency(queues[name]))


SINGLY, AT_ONCE, IN_BULK = "enqueue one by one", "enqueue at once", f"enqueue {BULK:,} in one call"


def _drain_name(workers: int, batch: int) -> str:
    claims = "single claims" if batch == 1 else f"batch {batch}"
    return f"drain, {workers} workers, {claims}"


async def _cost(work: Callable[[], Awaitable[None]], count: int, clock: ServerClock) -> Cost:
    # The garbage of one queue must not be collected in the time of the next.
    gc.collect()
    of_server, of_client, started = clock.seconds(), time.process_time(), time.perf_counter()
    await work()
    seconds = time.perf_counter() - started
    client = time.process_time() - of_client
    return Cost(seconds / count, client / count, (clock.seconds() - of_server) / count)


async def _drained(
    queue: Queue, workers: int, batch: int, count: int, clock: ServerClock, *, fill: bool = True
) -> Cost:
    """Return what a job costs in a drain; ``fill`` enqueues them first."""
    if fill:
        for _ in range(count // BULK):
            await queue.enqueue_bulk(BULK)
    queue.handled, queue.expected = 0, count
    queue.is_drained.clear()
    cost = await _cost(lambda: queue.drain(workers, batch), count, clock)
    if queue.handled != count:
        raise ConfigurationError(f"{queue.handled} of {count} jobs were handled")
    return cost


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


def _whats() -> list[str]:
    drains = [_drain_name(workers, batch) for batch in (1, *BATCHES) for workers in WORKERS]
    return [SINGLY, AT_ONCE, IN_BULK, *drains]


def _aims(figures: Figures, kind: str, of_what: str) -> list[Aim]:
    bounds = {SINGLY: 1.3, IN_BULK: 2.5}
    for workers in WORKERS:
        for batch in (1, *BATCHES):
            bounds[_drain_name(workers, batch)] = 2.5 if batch == 1 else 4.0
    return [
        Aim.at_least(f"{what}: {of_what} of the best other, times ours", ratio, bound)
        for what, bound in bounds.items()
        for ratio in [figures.ratio(what, kind)]
    ]


def _throughput(figures: Figures, rounds: int) -> Report:
    names = [OURS, *PEERS]
    columns = [Column("what", "jobs per second")]
    columns += [Column(name, name, ",.0f") for name in names]
    columns.append(Column("ratio", "x the best other", ".2f"))
    rows: list[dict[str, str | float | None]] = []
    for what in _whats():
        row: dict[str, str | float | None] = {"what": what, "ratio": figures.ratio(what, "wall")}
        for name in names:
            seconds = figures.median(what, name, "wall")
            row[name] = None if seconds is None else 1 / seconds
        rows.append(row)
    title = f"PostgreSQL, job queues ({rounds} rounds, medians)"
    notes = [
        f"drain of {DRAINED_SINGLY:,} jobs claimed one by one, {DRAINED_IN_BATCHES:,} in batches "
        f"({DRAINED_SLOWLY:,} of {', '.join(name for name in SLOW if name in PEERS)}); "
        f"at once: {ENQUEUED_SINGLY} tasks that enqueue one each",
        "chancy keeps the ends of jobs in memory for up to a second; all others are on disk",
    ]
    return Report("queues-postgres", title, columns, rows, _aims(figures, "wall", "time"), notes)


def _processor(figures: Figures, rounds: int) -> Report:
    names = [OURS, *PEERS]
    columns = [Column("what", "µs per job: client + server")]
    columns += [Column(name, name) for name in names]
    columns += [
        Column("client", "client, x", ".2f"),
        Column("server", "server, x", ".2f"),
        Column("both", "both, x the best other", ".2f"),
    ]
    rows: list[dict[str, str | float | None]] = []
    for what in _whats():
        row: dict[str, str | float | None] = {
            "what": what,
            "client": figures.ratio(what, "client"),
            # Less than a tick of the server's clock is no figure.
            "server": figures.ratio(what, "server")
            if figures.median(what, OURS, "server")
            else None,
            "both": figures.ratio(what, "processor"),
        }
        for name in names:
            client = figures.median(what, name, "client")
            server = figures.median(what, name, "server")
            if client is not None and server is not None:
                row[name] = f"{client * 1e6:,.0f} + {server * 1e6:,.0f}"
            else:
                row[name] = None
        rows.append(row)
    title = f"PostgreSQL, processor time of job queues ({rounds} rounds, medians)"
    return Report(
        "queue-processor-postgres",
        title,
        columns,
        rows,
        _aims(figures, "processor", "processor time"),
    )


def _starts(starts: dict[str, list[tuple[float, float]]], rounds: int) -> Report:
    columns = [
        Column("queue", "from enqueue to start"),
        Column("p50", "p50 ms", ".2f"),
        Column("p95", "p95 ms", ".2f"),
    ]
    rows: list[dict[str, str | float | None]] = [
        {
            "queue": name,
            "p50": median(p50 for p50, _ in starts[name]),
            "p95": median(p95 for _, p95 in starts[name]),
        }
        for name in (OURS, *PEERS)
    ]
    ratios = [
        mine[1] / min(one[1] for one in theirs)
        for mine, *theirs in zip(starts[OURS], *(starts[name] for name in PEERS), strict=True)
    ]
    aims = [Aim.at_most("p95 from enqueue to start, times the best other", median(ratios), 0.6)]
    title = f"PostgreSQL, start of a job ({rounds} rounds, medians)"
    notes = [f"one idle worker, {STARTS} jobs at {STARTS_PER_SECOND} per second, enqueue included"]
    return Report("queue-starts-postgres", title, columns, rows, aims, notes)
