"""Handlers of jobs: how the worker calls one, and what becomes of what it returns or raises.

Whatever a handler does ends in an outcome of its own job: each runs in a task or thread of its own,
and every exception, also ``SystemExit``, and every result that can't be stored fails its attempt.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, Literal, cast

from aragora_sql.database.observing import begin_job
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.leases import HeldJob, clock
from aragora_sql.stores.jobs.outcomes import (
    CANCELLED,
    COMPLETED,
    FAILED,
    POSTPONED,
    RETRY,
    EncodedOutcome,
    encode_outcome,
)
from aragora_sql.stores.jobs.records import Job

__all__ = [
    "Handler",
    "HandlerRun",
    "LoopMonitor",
    "PermanentJobError",
    "PostponeJobError",
    "RetryJobError",
    "StopReason",
    "check_handler",
    "is_coroutine_handler",
    "run_coroutine",
    "run_plain",
    "stop_reason",
]

log = logging.getLogger(__name__)

Result = Mapping[str, Any] | None
Handler = Callable[[Job], Awaitable[Result] | Result]
StopReason = Literal["claim lost", "time limit", "cancelled", "worker stopping"]

# How long the stored text of an error that a handler raised may be, in characters.
LONGEST_ERROR = 4000
# How long a coroutine whose lease has run out may take to end, in seconds.
EXPIRED_GRACE_SECONDS = 1.0
_INDESCRIBABLE = "an error that can't be described"


class PermanentJobError(Exception):
    """Raised by a handler: the job is dead, another attempt would fail too."""


class PostponeJobError(Exception):
    """Raised by a handler: the job can't be worked on now; it waits for ``delay_seconds``.

    The attempt does not count, so a job may be postponed as often as it takes.
    """

    def __init__(self, message: str, delay_seconds: float) -> None:
        super().__init__(message)
        self.delay_seconds = valid.number(delay_seconds, "delay_seconds")


class RetryJobError(Exception):
    """Raised by a handler: try the job again after ``delay_seconds``, while attempts are left."""

    def __init__(self, message: str, delay_seconds: float) -> None:
        super().__init__(message)
        self.delay_seconds = valid.number(delay_seconds, "delay_seconds")


def stop_reason() -> StopReason | None:
    """Tell a handler, also in a thread, why it should stop; None: it may go on.

    ``claim lost``: somebody else has the job, and the outcome will be dropped. ``time limit``: it
    runs longer than its time limit. ``cancelled``: its cancellation was asked for. ``worker
    stopping``: the worker waits for its end. Outside a handler None.
    """
    run = _current_run.get(None)
    return None if run is None else run.stop_reason


class HandlerRun:
    """One run of a handler: the job, why it should stop, and the outcome that it led to.

    ``outcome`` is None while it runs, and after a run whose job has none: the claim was lost, or
    the worker stops and gives the job back.
    """

    __slots__ = (
        "handler",
        "held",
        "is_cancelled",
        "is_closed",
        "max_result_bytes",
        "monitor",
        "outcome",
        "step_started",
        "stop_reason",
        "task",
        "time_limit_seconds",
        "timers",
    )

    def __init__(
        self, held: HeldJob, handler: Handler, max_result_bytes: int, monitor: LoopMonitor
    ) -> None:
        self.held = held
        self.handler = handler
        self.max_result_bytes = max_result_bytes
        self.monitor = monitor
        self.stop_reason: StopReason | None = None
        self.outcome: EncodedOutcome | None = None
        self.is_cancelled = False
        # Set when a coroutine that does not end after its cancellation gets no further step.
        self.is_closed = False
        self.step_started = 0.0
        # The task of a coroutine; a thread has none, because nothing can stop it.
        self.task: asyncio.Task[None] | None = None
        self.time_limit_seconds = 0.0
        self.timers: list[asyncio.TimerHandle] = []

    def stop(self, reason: StopReason, grace_seconds: float) -> None:
        """Cancel a coroutine, once; one that goes on is closed after ``grace_seconds``.

        A plain function can only ask :func:`stop_reason`.
        """
        if self.stop_reason is None or reason == "claim lost":
            self.stop_reason = reason
        if self.task is not None and not self.is_cancelled:
            self.is_cancelled = True
            self.task.cancel()
            self._close_after(grace_seconds)

    def expire(self) -> None:
        """Note that the lease has run out: the next step of the coroutine is its cancellation."""
        self.stop_reason = "claim lost"
        if not self.is_cancelled:
            self.is_cancelled = True
            self._close_after(EXPIRED_GRACE_SECONDS)

    def _close_after(self, grace_seconds: float) -> None:
        if self.task is not None:
            self.timers.append(self.task.get_loop().call_later(grace_seconds, self._close))

    def _close(self) -> None:
        if self.task is not None and not self.task.done():
            log.warning(
                "job %s (%s): its handler went on after its cancellation and is closed",
                self.held.id,
                self.held.job_type,
            )
            self.is_closed = True
            self.task.cancel()

    def finish(self, result: Any, error: BaseException | None) -> None:
        """Set the outcome of what the handler returned or raised; never raises."""
        try:
            self.outcome = self._outcome_of(result, error)
        except BaseException as problem:
            what = _describe(problem) if error is None else f"the handler raised {_INDESCRIBABLE}"
            self.outcome = self._encoded(RETRY, error=what)

    def _outcome_of(self, result: Any, error: BaseException | None) -> EncodedOutcome | None:
        if self.stop_reason == "claim lost":
            return None
        if error is None:
            return self._completed(result)
        if self.stop_reason == "cancelled":
            return self._encoded(CANCELLED, error="cancelled while it was processed")
        if self.stop_reason == "worker stopping" and isinstance(error, asyncio.CancelledError):
            return None
        text = _describe(error)
        if isinstance(error, PermanentJobError):
            return self._encoded(FAILED, error=text)
        if isinstance(error, PostponeJobError):
            return self._encoded(POSTPONED, error=text, delay_seconds=error.delay_seconds)
        if isinstance(error, RetryJobError):
            return self._encoded(RETRY, error=text, delay_seconds=error.delay_seconds)
        if self.stop_reason == "time limit":
            limit = f"ran longer than its time limit of {self.time_limit_seconds:g} seconds"
            is_stopped = isinstance(error, asyncio.CancelledError)
            return self._encoded(RETRY, error=limit if is_stopped else f"{limit}: {text}")
        self._log_failure(error, text)
        return self._encoded(RETRY, error=text)

    def _completed(self, result: Any) -> EncodedOutcome:
        try:
            return self._encoded(COMPLETED, result=result)
        except InvalidInputError as problem:
            return self._encoded(FAILED, error=f"the result can't be stored: {_describe(problem)}")
        except BaseException as problem:
            error = f"the result can't be stored: {_describe(problem)}"
            self._log_failure(problem, error)
            return self._encoded(FAILED, error=error)

    def _encoded(self, kind: str, **values: Any) -> EncodedOutcome:
        return encode_outcome(self.held.claim, kind, self.max_result_bytes, **values)

    def _log_failure(self, error: BaseException, text: str) -> None:
        try:
            # A log that is UTF-8 can't hold a lone surrogate, and its handler would fail later.
            "".join(traceback.format_exception(error)).encode()
            log.error("job %s (%s) failed", self.held.id, self.held.job_type, exc_info=error)
        except BaseException:
            # The exception can't be printed as it is.
            log.error("job %s (%s) failed: %s", self.held.id, self.held.job_type, text)


_current_run: ContextVar[HandlerRun] = ContextVar("aragora_sql_job_run")


def check_handler(handler: object, argument: str) -> None:
    """Check that a handler is a function that gives one result."""
    if not callable(handler):
        raise InvalidInputError(argument, "must be a function")
    call = getattr(handler, "__call__", None)  # noqa: B004 - an object may have such a __call__
    for function in (handler, call):
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidInputError(argument, "must return one result, and is a generator function")


def is_coroutine_handler(handler: Handler) -> bool:
    """Tell whether a handler is a coroutine function, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine
    )


async def run_coroutine(run: HandlerRun) -> None:
    """Run a coroutine handler to its end and set the outcome; never raises.

    What the handler leaves in context variables stays with it, so a task may run several handlers,
    one after the other, until one of them was cancelled.
    """
    context = copy_context()
    context.run(_current_run.set, run)
    told = context.run(begin_job, run.held.job)
    result: Any = None
    error: BaseException | None = None
    try:
        if run.held.is_expired():
            run.stop_reason = "claim lost"
            return
        awaitable = cast(Any, context.run(run.handler, run.held.job))
        result = await _Steps(awaitable, run, context)
    except BaseException as raised:
        error = raised
    if told is not None:
        context.run(told, error)
    run.finish(result, error)


def run_plain(run: HandlerRun) -> None:
    """Run a plain function to its end and set the outcome; to be run in a thread."""
    if run.outcome is not None:
        # The worker has given it up, because there was no thread for it.
        return
    _current_run.set(run)
    told = begin_job(run.held.job)
    result: Any = None
    error: BaseException | None = None
    try:
        if run.held.is_expired():
            run.stop_reason = "claim lost"
            return
        result = run.handler(run.held.job)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError(
                f"the handler of {run.held.job_type!r} returned an awaitable: use 'async def'"
            )
    except BaseException as raised:
        error = raised
    if told is not None:
        told(error)
    run.finish(result, error)


class _Steps:
    """Awaits a coroutine, and looks at the lease before each of its steps.

    A process that was suspended for longer than the lease must not take a further step of a job
    that somebody else has by now.
    """

    __slots__ = ("_awaitable", "_context", "_run")

    def __init__(self, awaitable: Awaitable[Any], run: HandlerRun, context: Context) -> None:
        self._awaitable = awaitable
        self._run = run
        self._context = context

    def __await__(self) -> Generator[Any, Any, Any]:
        run, monitor, in_context = self._run, self._run.monitor, self._context.run
        coroutine: Any = self._awaitable
        if not inspect.iscoroutine(coroutine):
            coroutine = in_context(coroutine.__await__)
        step: Callable[[Any], Any] = coroutine.send
        argument: Any = None
        while True:
            run.step_started = now = clock()
            if now >= run.held.deadline and run.stop_reason != "claim lost":
                run.expire()
                step, argument = coroutine.throw, asyncio.CancelledError()
            if run.is_closed:
                # One that catches even this has had its last step, too.
                with suppress(RuntimeError):
                    in_context(coroutine.close)
                raise asyncio.CancelledError
            monitor.running = run
            try:
                awaited = in_context(step, argument)
            except StopIteration as stop:
                return stop.value
            finally:
                monitor.running = None
            try:
                argument = yield awaited
                step = coroutine.send
            except GeneratorExit:
                in_context(coroutine.close)
                raise
            except BaseException as error:
                step, argument = coroutine.throw, error


class LoopMonitor:
    """A thread that keeps leases while a handler blocks the event loop, and names the handler.

    A coroutine that computes, or calls what blocks, keeps the worker from doing anything. After a
    third of a lease the thread warns, and calls ``extend`` as often as the worker would, for at
    most ``longest`` seconds of one step, or for the time limit of its job: what hangs is not to be
    kept for ever. ``extend`` tells whether it can do that at all. ``running`` is the run whose step
    is being taken.
    """

    def __init__(
        self, worker_id: str, lease_seconds: float, longest: float, extend: Callable[[], bool]
    ) -> None:
        self.running: HandlerRun | None = None
        self._worker_id = worker_id
        self._limit = lease_seconds / 3
        self._longest = longest
        self._extend = extend
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it ends with :meth:`stop`, or with the process."""
        self._stopped.clear()
        self._thread = threading.Thread(
            target=self._watch, name=f"aragora-jobs-monitor-{self._worker_id}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _watch(self) -> None:
        told: tuple[HandlerRun, float] | None = None
        extended = 0.0
        keeps = False
        while not self._stopped.wait(max(min(self._limit / 2, 1.0), 0.01)):
            run = self.running
            if run is None:
                continue
            step = run, run.step_started
            now = clock()
            blocked = now - run.step_started
            if blocked <= self._limit or self.running is not run:
                continue
            longest = min(self._longest, run.time_limit_seconds or self._longest)
            if step != told:
                told, keeps, extended = step, longest > 0, 0.0
                log.warning(
                    "worker %s: the handler of job type %r (job %s) has blocked the event loop for "
                    "%.1f s, so that nothing else is done, and leases are kept for at most %g s: "
                    "await what takes long, or write the handler as a plain function, which runs "
                    "in a thread",
                    self._worker_id,
                    run.held.job_type,
                    run.held.id,
                    blocked,
                    longest,
                )
            if keeps and now - extended >= self._limit:
                keeps = blocked <= longest and self._keep()
                extended = now
                if not keeps:
                    log.warning(
                        "worker %s: leases are no longer extended while the handler of job %s "
                        "blocks the event loop: its jobs are given to others",
                        self._worker_id,
                        run.held.id,
                    )

    def _keep(self) -> bool:
        try:
            return self._extend()
        except Exception as error:
            log.warning(
                "worker %s: leases were not extended beside the event loop: %s",
                self._worker_id,
                error if str(error) else type(error).__name__,
            )
            return True


def _describe(error: BaseException) -> str:
    """Return the type and text of an exception in the form in which it can be stored."""
    try:
        # Past whatever its metaclass makes of the name.
        name = type.__dict__["__name__"].__get__(type(error))
    except BaseException:
        return _INDESCRIBABLE
    try:
        # A join makes a plain text of a subclass of str without calling its methods.
        text = "".join((str(error),))
    except BaseException:
        return f"{name}: its text can't be read"
    described = f"{name}: {text}" if text else f"{name}"
    return (
        described.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:LONGEST_ERROR]
        .encode("utf-8", "replace")
        .decode()
    )
