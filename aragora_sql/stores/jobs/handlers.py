"""Handlers of jobs: how the worker calls one, and what becomes of what it returns or raises."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import Job

__all__ = [
    "Handler",
    "PermanentJobError",
    "RetryJobError",
    "describe_error",
    "is_coroutine_handler",
    "run_handler",
]

log = logging.getLogger(__name__)

Result = Mapping[str, Any] | None
Handler = Callable[[Job], Awaitable[Result] | Result]

# How long the stored text of an error that a handler raised may be, in characters.
LONGEST_ERROR = 4000


class PermanentJobError(Exception):
    """Raised by a handler: the job is dead, another attempt would fail too."""


class RetryJobError(Exception):
    """Raised by a handler: try the job again after ``delay_seconds``, while attempts are left."""

    def __init__(self, message: str, delay_seconds: float) -> None:
        super().__init__(message)
        self.delay_seconds = valid.number(delay_seconds, "delay_seconds")


def is_coroutine_handler(handler: Handler) -> bool:
    """Tell whether a handler is a coroutine function, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine
    )


async def run_handler(handler: Handler, job: Job, *, is_coroutine: bool) -> JobOutcome:
    """Run a handler and return the outcome of its job."""
    try:
        if is_coroutine:
            result = await cast(Awaitable[Result], handler(job))
        else:
            result = await _in_thread(handler, job)
        return JobOutcome.completed(job, result)
    except RetryJobError as error:
        return JobOutcome.retry(job, describe_error(error), error.delay_seconds)
    except PermanentJobError as error:
        return JobOutcome.failed(job, describe_error(error))
    except Exception as error:
        log.exception("job %s (%s) failed", job.id, job.job_type)
        return JobOutcome.retry(job, describe_error(error))


def describe_error(error: BaseException) -> str:
    """Return the type and text of an exception in the form in which it can be stored."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return (
        text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        .encode("utf-8", "replace")
        .decode()[:LONGEST_ERROR]
    )


async def _in_thread(handler: Handler, job: Job) -> Result:
    """Run a plain function; a cancellation waits for its end, because nothing can stop it."""
    running = asyncio.ensure_future(asyncio.to_thread(handler, job))
    while not running.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({running})
    result = running.result()
    if inspect.isawaitable(result):
        raise TypeError(f"the handler of {job.job_type!r} returned an awaitable: use 'async def'")
    return result
