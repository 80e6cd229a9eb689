"""A worker: claims jobs of the queue, runs their handlers, and stores their outcomes.

Claiming, running, storing outcomes and stopping stay in one module: they share one state, the jobs
that are held. Handlers are called in :mod:`.handlers`, leases kept in :mod:`.leases`.

>>> worker = JobWorker(store, {"gauntlet": run_gauntlet}, concurrency=3)
>>> await worker.run()                       # until SIGTERM, SIGINT or worker.stop()
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import secrets
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, cast

from aragora_sql.errors import (
    AragoraSQLError,
    ConnectionLostError,
    DatabaseUnavailableError,
    InvalidInputError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.handlers import (
    Handler,
    HandlerRun,
    LoopMonitor,
    PermanentJobError,
    PostponeJobError,
    RetryJobError,
    StopReason,
    check_handler,
    is_coroutine_handler,
    run_coroutine,
    run_plain,
)
from aragora_sql.stores.jobs.leases import (
    DEFAULT_LEASE_SECONDS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    HeldJob,
    LeaseKeeper,
    clock,
    lease_length,
)
from aragora_sql.stores.jobs.outcomes import (
    CANCELLED,
    COMPLETED,
    FAILED,
    POSTPONED,
    EncodedOutcome,
    encode_outcome,
)
from aragora_sql.stores.jobs.records import Job, time_limit
from aragora_sql.stores.jobs.store import PASSING_ERRORS, JobQueueStore

__all__ = [
    "Handler",
    "JobWorker",
    "PermanentJobError",
    "PostponeJobError",
    "RetryJobError",
    "WorkerStats",
]

log = logging.getLogger(__name__)

# So many jobs above its capacity a worker may have done whose outcomes are not stored yet.
MOST_UNSTORED = 50
# How often schedules are looked at when none is due earlier, in seconds.
LOOK_AT_SCHEDULES_EVERY = 10.0
# The least time that a cancelled coroutine has to end, in seconds.
LEAST_GRACE_SECONDS = 1.0


@dataclass(slots=True)
class WorkerStats:
    """What a worker has done: counts of jobs."""

    completed: int = 0
    failed: int = 0
    released: int = 0
    lost: int = 0
    recovered: int = 0
    cancelled: int = 0
    scheduled: int = 0
    postponed: int = 0


class JobWorker:
    """Works on jobs of the types that it has handlers for.

    A handler takes the :class:`~aragora_sql.stores.jobs.records.Job` and returns its result, a
    dictionary or None; it is a coroutine function, or a plain function, which runs in a thread of
    the worker's own. An exception fails the attempt, see :class:`PermanentJobError`,
    :class:`PostponeJobError` and :class:`RetryJobError`; so does ``SystemExit``, and a result that
    can't be stored.

    * ``concurrency``: so many handlers run at once
    * ``batch_size``: so many jobs are held at most (default: ``concurrency``). More of them make
      short jobs faster, because they are claimed and finished together
    * ``lease_seconds``: a job whose lease was not extended for so long is given to another worker.
      The worker extends its leases three times as often, so a handler may run for any time
    * ``time_limit_seconds``: how long an attempt may run where its job has no limit of its own
      (default: any time)
    * ``recovery_seconds``: how often the leases of all workers are looked after
    * ``shutdown_seconds``: how long a stopped worker waits for its handlers; then coroutines are
      cancelled and their jobs given back, plain functions go on until they end. A coroutine that
      goes on for so long after its cancellation (at least a second) is closed at its next await
    * ``look_seconds``: how often it looks for jobs although nobody told of one, and for requests to
      cancel what it runs
    * ``schedules``: whether it enqueues jobs of schedules whose run is due
    * ``blocked_seconds``: for how long leases are kept while a coroutine blocks the event loop; a
      time limit of its job counts, where that is shorter

    A job whose claim is lost is cancelled and its outcome dropped, so two workers do not work on
    one job. Jobs are done at least once: a worker that dies leaves its jobs to others. Whatever the
    database does, the worker goes on: it warns, waits (up to 5 seconds), and tries again.

    A coroutine must not block: while it computes, the worker claims and finishes nothing. After a
    third of a lease the worker warns, names the handler, and has a thread extend its leases over a
    connection of its own, for ``blocked_seconds``. Where that is not possible (a pool of the
    application's own, a database in memory) and after that time its jobs are lost, and what has
    lost its claim takes no further step.

    Nothing can interrupt a plain function; :func:`~aragora_sql.stores.jobs.handlers.stop_reason`
    tells it that it should end. When its claim is lost, it goes on to its end beside whoever has
    the job now, and its place stays taken; its result or error is dropped, and the database would
    refuse it too. So a plain function that may outlive its lease (a process that was suspended, a
    database out of reach for so long) has to bear a second run at the same time; where that is not
    possible, write a coroutine.
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
        time_limit_seconds: float | None = None,
        recovery_seconds: float = 30.0,
        shutdown_seconds: float = 30.0,
        look_seconds: float = 1.0,
        schedules: bool = True,
        blocked_seconds: float = 600.0,
    ) -> None:
        self._store = store
        self._handlers = dict(handlers)
        if not self._handlers:
            raise InvalidInputError("handlers", "must name at least one job type")
        for job_type, handler in self._handlers.items():
            valid.key(job_type, "handlers")
            check_handler(handler, f"handlers[{job_type!r}]")
        self._coroutine_types = {
            name for name, one in self._handlers.items() if is_coroutine_handler(one)
        }
        self.worker_id = new_worker_id() if worker_id is None else valid.key(worker_id, "worker_id")
        self._concurrency = valid.integer(concurrency, "concurrency", 1)
        self._capacity = (
            self._concurrency
            if batch_size is None
            else max(self._concurrency, valid.integer(batch_size, "batch_size", 1))
        )
        self._time_limit_seconds = time_limit(time_limit_seconds)
        self._recovery_seconds = valid.number(recovery_seconds, "recovery_seconds", 0.001)
        self._shutdown_seconds = valid.number(shutdown_seconds, "shutdown_seconds")
        self._look_seconds = valid.number(look_seconds, "look_seconds", 0.001)
        self._runs_schedules = valid.boolean(schedules, "schedules")
        self.stats = WorkerStats()
        self._leases = LeaseKeeper(
            store,
            self.worker_id,
            lease_length(lease_seconds),
            on_lost=self._lose,
            is_wanted=self._is_unfinished,
        )
        self._monitor = LoopMonitor(
            self.worker_id,
            self._leases.lease_seconds,
            valid.number(blocked_seconds, "blocked_seconds", 0.0),
            self._leases.extend_in_thread,
        )
        self._backlog: deque[HeldJob] = deque()
        self._outcomes: list[tuple[HeldJob, EncodedOutcome]] = []
        self._runs: set[HandlerRun] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._capacity_freed = asyncio.Event()
        self._outcomes_ready = asyncio.Event()
        self._run_ended = asyncio.Event()
        self._job_let_go = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._stop_forced = asyncio.Event()
        self._closing = False
        # Whether nothing is claimed before a place is free.
        self._awaits_capacity = False

    # Running

    async def run(self, *, until_empty: bool = False, handle_signals: bool = True) -> WorkerStats:
        """Work until :meth:`stop`, or with ``until_empty`` until no job can be claimed.

        A job that a limit holds back counts as one that can be claimed; one of a paused type, or of
        a limit of 0, does not.

        ``handle_signals`` lets SIGTERM and SIGINT stop it, in the main thread; a second one gives
        up waiting for handlers. Leave it out where the application handles signals itself. Returns
        what was done. May be called again afterwards.
        """
        self._stop_requested.clear()
        self._stop_forced.clear()
        self._closing = False
        restore = self._install_signals() if handle_signals else None
        if len(self._coroutine_types) < len(self._handlers):
            self._threads = ThreadPoolExecutor(self._concurrency, "aragora-job")
        if self._coroutine_types:
            self._monitor.start()
        finisher = self._start(self._store_outcomes())
        helpers = [
            self._start(self._leases.run()),
            self._start(self._recover()),
            self._start(self._watch_cancellations()),
        ]
        if self._runs_schedules:
            helpers.append(self._start(self._run_schedules()))
        try:
            await self._fetch_jobs(until_empty)
            await self._drain(finish_backlog=until_empty and not self._stop_requested.is_set())
        finally:
            try:
                await self._shut_down(finisher, helpers)
            finally:
                self._monitor.stop()
                if self._threads is not None:
                    self._threads.shutdown(wait=False)
                    self._threads = None
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
        self._capacity_freed.set()

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
                await self._wait_for_capacity()
                continue
            # What runs may fail and come back: an empty answer means nothing while jobs are held.
            held_before = bool(self._leases.held)
            self._capacity_freed.clear()
            try:
                claimed = await self._claim(wanted, types)
                if claimed < wanted and not until_empty:
                    await self._unless_stopped(self._store.wait_for_jobs(types, self._look_seconds))
                elif not claimed and until_empty and not held_before:
                    if not await self._store.has_work(types):
                        return
                    await self._unless_stopped(self._store.wait_for_jobs(types, self._look_seconds))
            except Exception as error:
                self._warn("no jobs were claimed", error)
                await self._unless_stopped(asyncio.sleep(pause))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if not claimed and until_empty and held_before and self._leases.held:
                await self._wait_for_capacity()
        # Whoever stores outcomes does not wait for a claim any more.
        self._outcomes_ready.set()

    async def _wait_for_capacity(self) -> None:
        """Wait until jobs have ended; :meth:`stop` ends the wait, too.

        Whoever waits here takes the outcomes of the last jobs of a batch along.
        """
        if self._outcomes and not self._wanted():
            # No claim takes these along.
            self._outcomes_ready.set()
        self._awaits_capacity = True
        try:
            await self._capacity_freed.wait()
        finally:
            self._awaits_capacity = False

    async def _claim(self, wanted: int, types: list[str]) -> int:
        """Claim up to so many jobs, and start as many as there are places; return how many.

        What was completed meanwhile is stored in the same commit.
        """
        # Counted from before the claim, so that we never believe in a lease for too long.
        deadline = clock() + self._leases.lease_seconds
        completed = self._take_completed()
        if completed:
            jobs = await self._finish_and_claim(completed, wanted, types)
        else:
            jobs = await self._claim_only(wanted, types)
        claimed = [HeldJob(job, deadline) for job in jobs]
        if claimed and clock() >= deadline:
            log.warning(
                "worker %s: %d claims arrived after their leases had run out, and are given back",
                self.worker_id,
                len(claimed),
            )
            self.stats.lost += len(claimed)
            await self._store.release_claims([one.claim for one in claimed])
            return 0
        for one in claimed:
            former = self._leases.held.get(one.id)
            if former is not None and former.run is not None:
                # The database has forgotten that claim.
                self._lose(former)
            self._leases.held[one.id] = one
            self._backlog.append(one)
        self._start_runs()
        return len(claimed)

    async def _claim_only(self, wanted: int, types: list[str]) -> list[Job]:
        return await self._store.claim(
            self.worker_id, wanted, types, lease_seconds=self._leases.lease_seconds
        )

    def _take_completed(self) -> list[tuple[HeldJob, EncodedOutcome]]:
        """Take the outcomes of completed jobs out of those that are to be stored."""
        waiting, self._outcomes = self._outcomes, []
        completed: list[tuple[HeldJob, EncodedOutcome]] = []
        for one in waiting:
            if one[0].lost:
                continue
            (completed if one[1].kind == COMPLETED else self._outcomes).append(one)
        return completed

    async def _finish_and_claim(
        self, completed: list[tuple[HeldJob, EncodedOutcome]], wanted: int, types: list[str]
    ) -> list[Job]:
        outcomes = [outcome for _, outcome in completed]
        try:
            try:
                finished, jobs = await self._store.finish_and_claim(
                    outcomes, self.worker_id, wanted, types, self._leases.lease_seconds
                )
            except PASSING_ERRORS:
                raise
            except Exception:
                # The database refuses one of them, or the claim: one after the other tells which.
                await self._finish(completed)
                return await self._claim_only(wanted, types)
        except BaseException:
            self._put_back(completed)
            raise
        for held, outcome in completed:
            self._let_go(held)
            self._count(outcome, finished.get(held.id))
        return jobs

    def _put_back(self, batch: list[tuple[HeldJob, EncodedOutcome]]) -> None:
        """Have outcomes stored later, but those of jobs that were let go meanwhile."""
        unstored = [one for one in batch if self._leases.held.get(one[0].id) is one[0]]
        self._outcomes = unstored + self._outcomes
        self._outcomes_ready.set()

    def _warn(self, problem: str, error: Exception) -> None:
        known = isinstance(error, AragoraSQLError)
        log.warning(
            "worker %s: %s: %s",
            self.worker_id,
            problem,
            error if str(error) else type(error).__name__,
            exc_info=None if known else error,
        )
        if isinstance(error, ConnectionLostError | DatabaseUnavailableError):
            # A server that crashed may have forgotten claims of its last moment.
            self._leases.connection_failed.set()

    def _wanted(self) -> int:
        """Return how many jobs to claim: enough for all places, and then in large portions."""
        space = self._capacity - len(self._backlog) - len(self._runs)
        # Those that are done and not yet finished in the database may be a few more.
        if len(self._leases.held) > self._capacity * 2 + MOST_UNSTORED:
            return 0
        idle = self._concurrency - len(self._runs)
        if idle > len(self._backlog) or space * 2 >= self._capacity:
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
                with suppress(asyncio.CancelledError, Exception):
                    await waiting
        if not waiting.cancelled():
            waiting.result()

    # Working

    def _start_runs(self) -> None:
        """Start jobs of the backlog in the places that are free."""
        while (held := self._next_coroutine()) is not None:
            run = self._begin_run(held)
            run.task = asyncio.create_task(self._run_coroutines(run))
            run.task.add_done_callback(functools.partial(self._on_task_ended, run))

    def _next_coroutine(self) -> HeldJob | None:
        """Take the next job for a coroutine out of the backlog; plain functions start on the way.

        None when there is none, or no place for it.
        """
        while self._backlog and len(self._runs) < self._concurrency and not self._closing:
            held = self._backlog.popleft()
            if held.lost:
                continue
            if held.is_expired():
                self._lose(held)
            elif held.job_type in self._coroutine_types:
                return held
            else:
                self._start_plain(held)
        return None

    def _begin_run(self, held: HeldJob) -> HandlerRun:
        handler = self._handlers[held.job_type]
        run = HandlerRun(held, handler, self._store.max_payload_bytes, self._monitor)
        held.run = run
        self._runs.add(run)
        limit = held.job.time_limit_seconds or self._time_limit_seconds
        if limit is not None:
            run.time_limit_seconds = limit
            timer = asyncio.get_running_loop().call_later(
                limit, self._stop_run, run, "time limit", "its time limit is over"
            )
            run.timers.append(timer)
        return run

    async def _run_coroutines(self, run: HandlerRun) -> None:
        """Run a job, and then others of the backlog for as long as nothing was cancelled.

        A task that was cancelled, also by its handler, is not used again.
        """
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while True:
            await run_coroutine(run)
            self._end_run(run)
            if run.is_cancelled or task.cancelling():
                self._start_runs()
                return
            held = self._next_coroutine()
            if held is None:
                return
            run = self._begin_run(held)
            run.task = task

    def _on_task_ended(self, first: HandlerRun, task: asyncio.Task[None]) -> None:
        if first in self._runs:
            # It was cancelled before its first step.
            first.finish(None, asyncio.CancelledError())
            self._end_run(first)
            self._start_runs()

    def _start_plain(self, held: HeldJob) -> None:
        run = self._begin_run(held)
        loop = asyncio.get_running_loop()
        try:
            ended = loop.run_in_executor(self._threads, copy_context().run, run_plain, run)
        except RuntimeError as error:
            # The system gives no more threads.
            run.finish(None, error)
            loop.call_soon(self._on_thread_ended, run, None)
        else:
            ended.add_done_callback(functools.partial(self._on_thread_ended, run))

    def _on_thread_ended(self, run: HandlerRun, ended: asyncio.Future[None] | None) -> None:
        self._end_run(run)
        self._start_runs()

    @property
    def _grace_seconds(self) -> float:
        return max(self._shutdown_seconds, LEAST_GRACE_SECONDS)

    def _stop_run(self, run: HandlerRun, reason: StopReason, why: str) -> None:
        if run.task is None:
            log.warning(
                "job %s (%s): %s, and nothing can stop a plain function: its place stays taken",
                run.held.id,
                run.held.job_type,
                why,
            )
        run.stop(reason, self._grace_seconds)

    def _end_run(self, run: HandlerRun) -> None:
        """Take the outcome of a run; its place is free."""
        for timer in run.timers:
            timer.cancel()
        held = run.held
        self._runs.discard(run)
        held.run = None
        if run.stop_reason == "claim lost" and not held.lost:
            self._lose(held)
        if run.outcome is not None and not held.lost:
            self._outcomes.append((held, run.outcome))
            is_taken_along = (
                self._awaits_capacity and not self._backlog and run.outcome.kind == COMPLETED
            )
            if not is_taken_along:
                self._outcomes_ready.set()
        self._run_ended.set()
        if not self._backlog:
            self._capacity_freed.set()

    # Storing outcomes

    async def _store_outcomes(self) -> None:
        """Store outcomes as they come: those that come meanwhile go together the next time."""
        while not self._closing:
            await self._outcomes_ready.wait()
            self._outcomes_ready.clear()
            # Handlers that end in the same round of the event loop go together.
            await asyncio.sleep(0)
            if self._awaits_capacity and not self._stop_requested.is_set() and self._wanted():
                # The next claim takes along what was completed.
                self._capacity_freed.set()
                if all(outcome.kind == COMPLETED for _, outcome in self._outcomes):
                    continue
            await self._flush()

    async def _flush(self) -> None:
        pause = FIRST_PAUSE
        while self._outcomes:
            batch, self._outcomes = self._outcomes, []
            batch = [(held, outcome) for held, outcome in batch if not held.lost]
            try:
                await self._finish(batch)
            except Exception as error:
                # Jobs whose leases run out meanwhile are marked as lost and left out.
                self._warn("outcomes were not stored", error)
                self._put_back(batch)
                if self._stop_forced.is_set():
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._capacity_freed.set()

    async def _finish(self, batch: list[tuple[HeldJob, EncodedOutcome]]) -> None:
        if not batch:
            return
        try:
            finished = await self._store.finish_encoded([outcome for _, outcome in batch])
        except PASSING_ERRORS:
            raise
        except Exception as error:
            if len(batch) == 1:
                await self._finish_refused(*batch[0], error)
                return
            # The database refuses one of them: one by one, so that only its job fails.
            for one in batch:
                await self._finish([one])
            return
        for held, outcome in batch:
            self._let_go(held)
            self._count(outcome, finished.get(held.id))

    async def _finish_refused(
        self, held: HeldJob, outcome: EncodedOutcome, error: Exception
    ) -> None:
        """Fail a job whose outcome the database refuses; where it refuses that too, let it go."""
        self._warn(f"the outcome of job {held.id} was refused", error)
        text = f"the result can't be stored: {type(error).__name__}: {error}"[:1000]
        failed = encode_outcome(held.claim, FAILED, self._store.max_payload_bytes, error=text)
        try:
            finished = await self._store.finish_encoded([failed])
        except PASSING_ERRORS:
            raise
        except Exception as again:
            self._warn(f"job {held.id} can't be finished, its lease runs out", again)
            self._lose(held)
            return
        self._let_go(held)
        self._count(failed, finished.get(held.id))

    def _count(self, outcome: EncodedOutcome, status: str | None) -> None:
        if status is None:
            self.stats.lost += 1
            log.warning("job %s: its claim was lost before it was finished", outcome.job_id)
        elif outcome.kind == COMPLETED and status == COMPLETED:
            self.stats.completed += 1
        elif outcome.kind == CANCELLED:
            self.stats.cancelled += 1
        elif outcome.kind == POSTPONED:
            self.stats.postponed += 1
        else:
            self.stats.failed += 1

    def _let_go(self, held: HeldJob) -> None:
        if self._leases.held.get(held.id) is held:
            del self._leases.held[held.id]
            self._job_let_go.set()

    # Looking after

    def _is_unfinished(self, held: HeldJob) -> bool:
        """Tell whether a job runs, or waits here for its turn and is not being given back."""
        if held.run is not None:
            return True
        return not self._stop_requested.is_set() and held in self._backlog

    def _lose(self, held: HeldJob) -> None:
        log.warning("job %s: its claim was lost, its outcome is dropped", held.id)
        held.lost = True
        self.stats.lost += 1
        self._let_go(held)
        if held.run is not None:
            held.run.stop("claim lost", self._grace_seconds)
        self._capacity_freed.set()

    async def _regularly(self, work: Callable[[], Awaitable[float]], what_failed: str) -> None:
        """Do something again and again, until cancelled; it returns how long to wait, in seconds.

        Errors are logged, and it goes on after a pause.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                seconds = await work()
                pause = FIRST_PAUSE
            except Exception as error:
                self._warn(what_failed, error)
                seconds = pause
                pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(seconds)

    async def _recover(self) -> None:
        types = list(self._handlers)

        async def recover() -> float:
            self.stats.recovered += await self._store.recover_stale_jobs(job_types=types)
            # Workers that were started together do not look at the same timestamps.
            return self._recovery_seconds * random.uniform(0.8, 1.2)  # noqa: S311

        await self._regularly(recover, "no leases were looked after")

    async def _watch_cancellations(self) -> None:
        async def look() -> float:
            runs = {run.held.id: run for run in self._runs}
            for job_id in await self._store.list_cancel_requests(
                [run.held.claim for run in runs.values()]
            ):
                run = runs[job_id]
                if run in self._runs and run.stop_reason is None:
                    self._stop_run(run, "cancelled", "its cancellation was asked for")
            return self._look_seconds

        await self._regularly(look, "requests to cancel were not looked for")

    async def _run_schedules(self) -> None:
        async def run_due() -> float:
            self.stats.scheduled += len(await self._store.run_due())
            due = await self._store.seconds_to_next_run()
            if due is None:
                return LOOK_AT_SCHEDULES_EVERY
            # One that can't be run stays due: it must not make the worker ask without a pause.
            return min(due if due > 0 else self._look_seconds, LOOK_AT_SCHEDULES_EVERY)

        await self._regularly(run_due, "schedules were not run")

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
        running = [run.held for run in self._runs]
        try:
            for run in list(self._runs):
                run.stop("worker stopping", self._grace_seconds)
            # Plain functions can't be stopped: their leases are kept until they end.
            while self._runs:
                self._run_ended.clear()
                with suppress(asyncio.CancelledError):
                    await self._run_ended.wait()
            self._outcomes_ready.set()
            await _settle([finisher])
            await self._flush()
            # What has an outcome was let go, or it was not stored and its lease runs out.
            unstored = {held.id for held, _ in self._outcomes}
            await self._release(
                [held for held in (*running, *self._backlog) if held.id not in unstored]
            )
        finally:
            for task in (finisher, *helpers):
                task.cancel()
            await _settle(helpers)
            self._leases.held.clear()
            self._backlog.clear()
            self._outcomes.clear()

    async def _release(self, held: list[HeldJob]) -> None:
        kept = [one for one in held if self._leases.held.get(one.id) is one and not one.lost]
        if not kept:
            return
        try:
            released = await self._store.release_claims([one.claim for one in kept])
        except Exception as error:
            self._warn(f"{len(kept)} jobs were not given back, their leases run out", error)
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
