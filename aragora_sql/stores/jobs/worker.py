"""A worker: claims jobs of the queue, runs their handlers, and stores their outcomes.

Claiming, running, storing outcomes and stopping stay in one module: they share one state, the jobs
that are held. Handlers are called in :mod:`.handlers`, leases kept in :mod:`.leases`.

>>> worker = JobWorker(store, {"gauntlet": run_gauntlet}, concurrency=3)
>>> await worker.run()                       # until SIGTERM, SIGINT or worker.stop()
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aragora_sql.errors import (
    AragoraSQLError,
    ConnectionLostError,
    DatabaseUnavailableError,
    InvalidInputError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.handlers import (
    Handler,
    PermanentJobError,
    RetryJobError,
    describe_error,
    is_coroutine_handler,
    run_handler,
)
from aragora_sql.stores.jobs.leases import (
    DEFAULT_LEASE_SECONDS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    HeldJob,
    LeaseKeeper,
    lease_length,
)
from aragora_sql.stores.jobs.outcomes import COMPLETED, JobOutcome
from aragora_sql.stores.jobs.store import JobQueueStore

__all__ = ["Handler", "JobWorker", "PermanentJobError", "RetryJobError", "WorkerStats"]

log = logging.getLogger(__name__)

# So many jobs above its capacity a worker may have done whose outcomes are not stored yet.
MOST_UNSTORED = 50


@dataclass(slots=True)
class WorkerStats:
    """What a worker has done: counts of jobs."""

    completed: int = 0
    failed: int = 0
    released: int = 0
    lost: int = 0
    recovered: int = 0


class _Runner:
    """One of the places in which handlers run."""

    __slots__ = ("held", "interrupted", "task")

    def __init__(self) -> None:
        self.held: HeldJob | None = None
        self.interrupted = False
        self.task: asyncio.Task[None] | None = None

    def interrupt(self) -> None:
        """Stop the handler that runs; the place goes on with the next job."""
        if self.task is not None and not self.interrupted:
            self.interrupted = True
            self.task.cancel()

    def uncancel(self) -> None:
        """Take the cancellation of :meth:`interrupt` back, once it has arrived."""
        if self.task is not None:
            self.task.uncancel()


class JobWorker:
    """Works on jobs of the types that it has handlers for.

    A handler takes the :class:`~aragora_sql.stores.jobs.records.Job` and returns its result, a
    dictionary or None; it is a coroutine function, or a plain function, which runs in a thread. An
    exception fails the attempt, see :class:`PermanentJobError` and :class:`RetryJobError`.

    * ``concurrency``: so many handlers run at once
    * ``batch_size``: so many jobs are held at most (default: ``concurrency``). More of them make
      short jobs faster, because they are claimed and finished together
    * ``lease_seconds``: a job whose lease was not extended for so long is given to another worker.
      The worker extends its leases three times as often, so a handler may run for any time
    * ``recovery_seconds``: how often the leases of all workers are looked after
    * ``shutdown_seconds``: how long a stopped worker waits for its handlers; then coroutines are
      cancelled and their jobs given back, plain functions go on until they end
    * ``look_seconds``: how often it looks for jobs although nobody told of one

    A job whose claim is lost is cancelled and its outcome dropped, so two workers do not work on
    one job. Jobs are done at least once: a worker that dies leaves its jobs to others.

    Nothing can interrupt a plain function. When its claim is lost, it goes on to its end beside
    whoever has the job now, and its place stays taken; its result or error is dropped, and the
    database would refuse it too. So a plain function that may outlive its lease (a process that
    was suspended, a database out of reach for so long) has to bear a second run at the same time;
    where that is not possible, write a coroutine.
    """

    def __init__(
        self,
        store: JobQueueStore,
        handlers: Mapping[str, Handler],
        *,
        worker_id: str | None = None,
        concurrency: int = 10,
        batch_size: int | None = None,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        recovery_seconds: float = 30.0,
        shutdown_seconds: float = 30.0,
        look_seconds: float = 1.0,
    ) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self._coroutine_types = {
            name for name, one in self._handlers.items() if is_coroutine_handler(one)
        }
        if not self._handlers:
            raise InvalidInputError("handlers", "must name at least one job type")
        for job_type, handler in self._handlers.items():
            valid.key(job_type, "handlers")
            if not callable(handler):
                raise InvalidInputError(f"handlers[{job_type!r}]", "must be a function")
        self.worker_id = new_worker_id() if worker_id is None else valid.key(worker_id, "worker_id")
        self._concurrency = valid.integer(concurrency, "concurrency", 1)
        self._capacity = (
            self._concurrency
            if batch_size is None
            else max(self._concurrency, valid.integer(batch_size, "batch_size", 1))
        )
        self._recovery_seconds = valid.number(recovery_seconds, "recovery_seconds", 0.001)
        self._shutdown_seconds = valid.number(shutdown_seconds, "shutdown_seconds")
        self._look_seconds = valid.number(look_seconds, "look_seconds", 0.001)
        self.stats = WorkerStats()
        self._leases = LeaseKeeper(
            store,
            self.worker_id,
            lease_length(lease_seconds),
            on_lost=self._lose,
            is_wanted=self._is_unfinished,
        )
        self._backlog: deque[HeldJob] = deque()
        self._outcomes: list[tuple[HeldJob, JobOutcome]] = []
        self._runners: list[_Runner] = []
        self._idle = 0
        self._jobs_claimed = asyncio.Event()
        self._capacity_freed = asyncio.Event()
        self._outcomes_ready = asyncio.Event()
        self._job_let_go = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._stop_forced = asyncio.Event()
        self._closing = False

    # Running

    async def run(self, *, until_empty: bool = False, handle_signals: bool = True) -> WorkerStats:
        """Work until :meth:`stop`, or with ``until_empty`` until no job can be claimed.

        ``handle_signals`` lets SIGTERM and SIGINT stop it, in the main thread; a second one gives
        up waiting for handlers. Leave it out where the application handles signals itself. Returns
        what was done. May be called again afterwards.
        """
        self._stop_requested.clear()
        self._stop_forced.clear()
        self._closing = False
        restore = self._install_signals() if handle_signals else None
        self._runners = [_Runner() for _ in range(self._concurrency)]
        self._idle = self._concurrency
        for runner in self._runners:
            runner.task = self._start(self._run_jobs(runner))
        finisher = self._start(self._store_outcomes())
        helpers = [self._start(self._leases.run()), self._start(self._recover())]
        try:
            await self._fetch_jobs(until_empty)
            await self._drain(finish_backlog=until_empty and not self._stop_requested.is_set())
        finally:
            try:
                await self._shut_down(finisher, helpers)
            finally:
                if restore is not None:
                    restore()
        return self.stats

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._on_end)
        return task

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            # It is raised when the task is waited for.
            self.stop()

    def stop(self) -> None:
        """Claim no more jobs, end those that run, give back the others. Twice: do not wait."""
        if self._stop_requested.is_set():
            self._stop_forced.set()
        self._stop_requested.set()

    def _install_signals(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        installed = []
        for number in (signal.SIGTERM, signal.SIGINT):
            # Outside the main thread, and on Windows, signals are the application's matter.
            with suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, self._on_signal, number)
                installed.append(number)

        def restore() -> None:
            for number in installed:
                loop.remove_signal_handler(number)

        return restore

    def _on_signal(self, number: int) -> None:
        log.info("worker %s: %s", self.worker_id, signal.Signals(number).name)
        self.stop()

    # Claiming

    async def _fetch_jobs(self, until_empty: bool) -> None:
        types = list(self._handlers)
        pause = FIRST_PAUSE
        while not self._stop_requested.is_set():
            wanted = self._wanted()
            if not wanted:
                self._capacity_freed.clear()
                await self._unless_stopped(self._capacity_freed.wait())
                continue
            # Counted from before the claim, so that we never believe in a lease for too long.
            deadline = time.monotonic() + self._leases.lease_seconds
            try:
                jobs = await self._store.claim(
                    self.worker_id, wanted, types, lease_seconds=self._leases.lease_seconds
                )
            except AragoraSQLError as error:
                self._warn("no jobs were claimed", error)
                await self._unless_stopped(asyncio.sleep(pause))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            for job in jobs:
                former = self._leases.held.get(job.id)
                if former is not None and former.stop is not None:
                    # The database has forgotten that claim.
                    self._lose(former)
                held = HeldJob(job, deadline)
                self._leases.held[job.id] = held
                self._backlog.append(held)
            if jobs:
                self._jobs_claimed.set()
            if len(jobs) < wanted and not until_empty:
                await self._wait_for_jobs(types)
            elif not jobs and until_empty:
                # What runs may fail and come back.
                if not self._leases.held:
                    return
                self._capacity_freed.clear()
                await self._unless_stopped(self._capacity_freed.wait())

    async def _wait_for_jobs(self, types: list[str]) -> None:
        try:
            await self._unless_stopped(self._store.wait_for_jobs(types, self._look_seconds))
        except AragoraSQLError as error:
            self._warn("waiting for jobs failed", error)
            await self._unless_stopped(asyncio.sleep(FIRST_PAUSE))

    def _warn(self, problem: str, error: Exception) -> None:
        log.warning("worker %s: %s: %s", self.worker_id, problem, error)
        if isinstance(error, ConnectionLostError | DatabaseUnavailableError):
            # A server that crashed may have forgotten claims of its last moment.
            self._leases.connection_failed.set()

    def _wanted(self) -> int:
        """Return how many jobs to claim: enough for all places, and then in large portions."""
        space = self._capacity - len(self._backlog) - (self._concurrency - self._idle)
        # Those that are done and not yet ended in the database may be a few more.
        if len(self._leases.held) > self._capacity * 2 + MOST_UNSTORED:
            return 0
        if self._idle > len(self._backlog) or space * 2 >= self._capacity:
            return space
        return 0

    async def _unless_stopped(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something that waits, until it is done or the worker is stopped."""
        if self._stop_requested.is_set():
            work.close()
            return
        waiting = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop_requested.wait())
        try:
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not waiting.done():
                waiting.cancel()
                with suppress(asyncio.CancelledError, AragoraSQLError):
                    await waiting
        if not waiting.cancelled():
            waiting.result()

    # Working

    async def _run_jobs(self, runner: _Runner) -> None:
        while not self._closing:
            while not self._backlog:
                self._capacity_freed.set()
                self._jobs_claimed.clear()
                await self._jobs_claimed.wait()
            held = self._backlog.popleft()
            if held.lost:
                continue
            self._idle -= 1
            runner.held, held.stop = held, runner.interrupt
            try:
                outcome = await run_handler(
                    self._handlers[held.job.job_type],
                    held.job,
                    is_coroutine=held.job.job_type in self._coroutine_types,
                )
                self._outcomes.append((held, outcome))
            except asyncio.CancelledError as error:
                if self._closing and not runner.interrupted:
                    raise
                # A job that was lost is not ended; the place goes on with another.
                if not runner.interrupted:
                    failed = JobOutcome.retry(held.job, describe_error(error))
                    self._outcomes.append((held, failed))
            finally:
                self._idle += 1
                runner.held = held.stop = None
                if runner.interrupted:
                    # A plain function has ended in spite of it.
                    runner.uncancel()
                    runner.interrupted = False
                self._outcomes_ready.set()

    # Storing outcomes

    async def _store_outcomes(self) -> None:
        """End jobs as they are done: those that are done meanwhile go together the next time."""
        while not self._closing:
            await self._outcomes_ready.wait()
            self._outcomes_ready.clear()
            # Handlers that end in the same round of the event loop go together.
            await asyncio.sleep(0)
            await self._flush()

    async def _flush(self) -> None:
        pause = FIRST_PAUSE
        while self._outcomes:
            batch, self._outcomes = self._outcomes, []
            batch = [(held, outcome) for held, outcome in batch if not held.lost]
            try:
                ended = await self._finish([outcome for _, outcome in batch])
            except AragoraSQLError as error:
                # Jobs whose leases run out meanwhile are marked as lost and left out.
                self._warn("jobs were not ended", error)
                self._outcomes = batch + self._outcomes
                if self._stop_forced.is_set():
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            for held, outcome in batch:
                self._let_go(held)
                if outcome.job.id not in ended:
                    self.stats.lost += 1
                    log.warning("job %s: its claim was lost before it ended", outcome.job.id)
                elif outcome.kind == COMPLETED and ended[outcome.job.id] == "completed":
                    self.stats.completed += 1
                else:
                    self.stats.failed += 1
            self._capacity_freed.set()

    async def _finish(self, outcomes: list[JobOutcome]) -> dict[str, str]:
        try:
            return await self._store.finish_many(outcomes)
        except InvalidInputError:
            # A handler gave what the queue can't hold: one by one, so that only its job fails.
            ended: dict[str, str] = {}
            for outcome in outcomes:
                try:
                    ended |= await self._store.finish_many([outcome])
                except InvalidInputError as error:
                    failed = JobOutcome.failed(outcome.job, f"the result can't be stored: {error}")
                    ended |= await self._store.finish_many([failed])
            return ended

    def _let_go(self, held: HeldJob) -> None:
        if self._leases.held.get(held.job.id) is held:
            del self._leases.held[held.job.id]
            self._job_let_go.set()

    # Looking after

    def _is_unfinished(self, held: HeldJob) -> bool:
        """Tell whether a job runs, or waits here for its turn and is not being given back."""
        return held.stop is not None or (
            not self._stop_requested.is_set() and held in self._backlog
        )

    def _lose(self, held: HeldJob) -> None:
        log.warning("job %s: its claim was lost, its outcome is dropped", held.job.id)
        held.lost = True
        self.stats.lost += 1
        self._let_go(held)
        if held.stop is not None:
            held.stop()
        self._capacity_freed.set()

    async def _recover(self) -> None:
        while True:
            try:
                self.stats.recovered += await self._store.recover_stale_jobs(
                    job_types=list(self._handlers)
                )
            except AragoraSQLError as error:
                log.warning("worker %s: no leases were looked after: %s", self.worker_id, error)
            # Workers that were started together do not look at the same timestamps.
            await asyncio.sleep(self._recovery_seconds * random.uniform(0.8, 1.2))  # noqa: S311

    # Shutting down

    async def _drain(self, *, finish_backlog: bool) -> None:
        """Wait until what runs has ended, for as long as is allowed."""
        if not finish_backlog:
            await self._release([*self._backlog])
            self._backlog.clear()
        if not self._leases.held:
            return
        hurry = asyncio.ensure_future(self._stop_forced.wait())
        idle = asyncio.ensure_future(self._until_idle())
        try:
            await asyncio.wait(
                {hurry, idle},
                timeout=self._shutdown_seconds if self._stop_requested.is_set() else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in (hurry, idle):
                task.cancel()

    async def _until_idle(self) -> None:
        while self._leases.held:
            self._job_let_go.clear()
            await self._job_let_go.wait()

    async def _shut_down(
        self, finisher: asyncio.Task[None], helpers: list[asyncio.Task[None]]
    ) -> None:
        """Stop everything; jobs that still run are given back."""
        self._closing = True
        tasks = [runner.task for runner in self._runners if runner.task is not None]
        running = [runner.held for runner in self._runners if runner.held is not None]
        try:
            for task in tasks:
                task.cancel()
            # Plain functions can't be stopped: their leases are kept until they end.
            await _settle(tasks)
            self._outcomes_ready.set()
            await _settle([finisher])
            await self._flush()
            await self._release([*running, *self._backlog])
        finally:
            for task in (finisher, *helpers):
                task.cancel()
            await _settle(helpers)
            self._leases.held.clear()
            self._backlog.clear()
            self._outcomes.clear()

    async def _release(self, held: list[HeldJob]) -> None:
        kept = [one for one in held if self._leases.held.get(one.job.id) is one and not one.lost]
        if not kept:
            return
        try:
            released = await self._store.release([one.job for one in kept])
        except AragoraSQLError as error:
            log.warning(
                "worker %s: %d jobs were not given back, their leases run out: %s",
                self.worker_id,
                len(kept),
                error,
            )
            released = []
        self.stats.released += len(released)
        for one in kept:
            self._let_go(one)


def new_worker_id() -> str:
    """Make a name that tells where a worker runs: host, process, and a random part."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


async def _settle(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for cancelled tasks; an error of theirs is raised."""
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
