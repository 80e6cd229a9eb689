"""Whatever a handler does ends in an outcome of its own job; on both engines."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from random import Random
from typing import Any, NoReturn

import pytest

from aragora_sql.stores.jobs.handlers import PermanentJobError, RetryJobError
from aragora_sql.stores.jobs.records import Job, JobEntry
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.stores.samples import fetch

Hostile = Callable[[Job], Any]


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class ExitsWhenReadError(Exception):
    def __str__(self) -> str:
        sys.exit(3)


class OddText(str):
    __slots__ = ()

    def replace(self, *arguments: Any) -> NoReturn:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")


class OddlyNamed(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")


class WithOddTypeError(Exception, metaclass=OddlyNamed):
    pass


class WithOddCauseError(Exception):
    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise SystemExit(4)


class OddDelayError(RetryJobError):
    def __init__(self) -> None:
        super().__init__("later", 1)
        self.delay_seconds = float("nan")


class OddMapping(Mapping[str, Any]):
    def __getitem__(self, name: str) -> NoReturn:
        raise KeyError(name)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> NoReturn:
        sys.exit(5)


def leave(of: object) -> NoReturn:
    raise GeneratorExit


LyingObject = type("LyingObject", (), {"__class__": property(leave), "__await__": leave})


def throw(error: BaseException) -> Hostile:
    def handle(job: Job) -> NoReturn:
        raise error

    return handle


def give(result: Callable[[], Any]) -> Hostile:
    return lambda job: result()


def cyclic() -> dict[str, Any]:
    result: dict[str, Any] = {}
    result["self"] = result
    return result


def nested(levels: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for _ in range(levels):
        result = {"a": result}
    return result


def recurse(job: Job) -> Any:
    return recurse(job)


def stop_iteration(job: Job) -> Any:
    nothing: list[int] = []
    return next(r for r in nothing if r)


def change_job(job: Job) -> NoReturn:
    object.__setattr__(job, "id", "of a neighbour")
    object.__setattr__(job, "claim_count", 10**30)
    job.payload.clear()
    raise ValueError


def generator(job: Job) -> Generator[int, None, None]:
    yield 1


# What both a coroutine and a plain function can do.
EITHER: dict[str, Hostile] = {
    "StopIteration": stop_iteration,
    "StopAsyncIteration": throw(StopAsyncIteration()),
    "SystemExit": throw(SystemExit(0)),
    "SystemExit of a text": throw(SystemExit("usage")),
    "KeyboardInterrupt": throw(KeyboardInterrupt()),
    "GeneratorExit": throw(GeneratorExit()),
    "CancelledError": throw(asyncio.CancelledError()),
    "TimeoutError": throw(TimeoutError()),
    "BaseException": throw(BaseException("all")),
    "group": throw(BaseExceptionGroup("two", [SystemExit(1), ValueError()])),
    "unreadable": throw(UnreadableError()),
    "exits when read": throw(ExitsWhenReadError()),
    "odd text": throw(ValueError(OddText("x"))),
    "odd type": throw(WithOddTypeError()),
    "odd cause": throw(WithOddCauseError()),
    "odd delay": throw(OddDelayError()),
    "permanent": throw(PermanentJobError(UnreadableError())),
    "surrogate": throw(ValueError("\ud800\x00")),
    "long": throw(ValueError("x" * 100_000)),
    "recursion": recurse,
    "memory": throw(MemoryError()),
    "changes the job": change_job,
    "text": give(lambda: "no dictionary"),
    "list": give(lambda: [1]),
    "set": give(lambda: {1}),
    "number": give(lambda: 5),
    "NaN": give(lambda: {"x": float("nan")}),
    "NUL": give(lambda: {"x": "\x00"}),
    "lone surrogate": give(lambda: {"x": "\ud800"}),
    "number as key": give(lambda: {1: 2}),
    "object": give(lambda: {"x": object()}),
    "large": give(lambda: {"x": "y" * 1_500_000}),
    "cyclic": give(cyclic),
    "deep": give(lambda: nested(5_000)),
    "digits": give(lambda: {"x": 10**10_000}),
    "odd mapping": give(OddMapping),
    "type": give(lambda: dict),
    "lying object": give(LyingObject),
    "generator": generator,
    "exception as result": give(lambda: ValueError("not raised")),
}


async def cancel_itself(job: Job) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return "no dictionary"


async def cancel_itself_and_wait(job: Job) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(30)


async def catch_everything(job: Job) -> NoReturn:
    try:
        await asyncio.sleep(0)
        raise ValueError
    except BaseException:
        sys.exit(7)


async def await_nonsense(job: Job) -> None:
    class Nonsense:
        def __await__(self) -> Generator[Any, Any, Any]:
            yield object()

    await Nonsense()


async def fail_in_group(job: Job) -> None:
    async def fail() -> None:
        raise ValueError("inside")

    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
        group.create_task(asyncio.sleep(30))


COROUTINES: dict[str, Hostile] = {
    "cancels itself": cancel_itself,
    "cancels itself and waits": cancel_itself_and_wait,
    "catches everything": catch_everything,
    "awaits nonsense": await_nonsense,
    "fails in a group": fail_in_group,
}


@pytest.mark.parametrize("hostile", [200, pytest.param(2000, marks=pytest.mark.slow)])
async def test_two_thousand_hostile_handlers_lose_no_neighbour(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture, hostile: int
) -> None:
    caplog.set_level(logging.CRITICAL)
    random = Random(20261128)  # noqa: S311 - the same each time
    kinds = {
        "coroutine": [*EITHER, *COROUTINES],
        "plain": list(EITHER),
    }

    async def hostile_coroutine(job: Job) -> Any:
        how = job.payload["how"]
        if random.random() < 0.5:
            await asyncio.sleep(0)
        if how in COROUTINES:
            return await COROUTINES[how](job)
        return EITHER[how](job)

    def hostile_plain(job: Job) -> Any:
        return EITHER[job.payload["how"]](job)

    async def good_coroutine(job: Job) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"n": job.payload["n"]}

    def good_plain(job: Job) -> dict[str, Any]:
        return {"n": job.payload["n"]}

    given: list[JobEntry] = []
    for number in range(hostile):
        kind = random.choice(["coroutine", "plain"])
        how = random.choice(kinds[kind])
        given.append({"job_type": f"hostile {kind}", "payload": {"how": how}, "max_attempts": 1})
        given.append({"job_type": f"good {kind}", "payload": {"n": number}})
    random.shuffle(given)
    ids = await jobs.enqueue_many(given)
    worker = JobWorker(
        jobs,
        {
            "hostile coroutine": hostile_coroutine,
            "hostile plain": hostile_plain,
            "good coroutine": good_coroutine,
            "good plain": good_plain,
        },
        concurrency=10,
        batch_size=100,
    )
    stats = await worker.run(until_empty=True)
    assert (stats.completed, stats.failed, stats.lost) == (hostile, hostile, 0)
    rows = await fetch(jobs.database, "SELECT id, job_type, status, error, attempts FROM job_queue")
    found = {row["id"]: row for row in rows}
    for job_id, one in zip(ids, given, strict=True):
        row = found[job_id]
        is_good = str(one["job_type"]).startswith("good")
        assert row["status"] == ("completed" if is_good else "failed"), (one, row)
        assert row["attempts"] == 1
        assert is_good == (row["error"] is None)


@pytest.mark.parametrize("how", [*EITHER, *COROUTINES])
async def test_each_failure_is_told(
    jobs: JobQueueStore, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(job: Job) -> Any:
        return await COROUTINES[how](job) if how in COROUTINES else EITHER[how](job)

    handlers: dict[str, Any] = {"a": handle}
    if how in EITHER:
        handlers["b"] = lambda job: EITHER[how](job)
    ids = [(await jobs.enqueue(name, max_attempts=1)).id for name in handlers]
    stats = await JobWorker(jobs, handlers).run(until_empty=True)
    assert stats.failed == len(ids)
    errors = [job.error or "" for job_id in ids if (job := await jobs.get(job_id)) is not None]
    expected = {
        "SystemExit": "SystemExit: 0",
        "unreadable": "UnreadableError: its text can't be read",
        "exits when read": "ExitsWhenReadError: its text can't be read",
        "odd type": "WithOddTypeError",
        "digits": "the result can't be stored",
        "generator": "the result can't be stored",
        "cancels itself and waits": "CancelledError",
    }
    for error in errors:
        assert expected.get(how, "") in error
        assert error
        assert len(error) <= 4000
    # what is logged of it fits a file in UTF-8
    caplog.text.encode()


async def test_generator_functions_are_refused(jobs: JobQueueStore) -> None:
    async def asynchronous(job: Job) -> AsyncIterator[int]:
        yield 1

    class Callables:
        def __call__(self, job: Job) -> Iterator[int]:
            yield 1

    for handler in (generator, asynchronous, Callables()):
        with pytest.raises(ValueError, match=r"handlers\['a'\]: must return one result"):
            JobWorker(jobs, {"a": handler})  # type: ignore[dict-item]


async def test_what_a_handler_leaves_in_its_context_stays_there(jobs: JobQueueStore) -> None:
    """A unit of work that a handler does not leave is not the next handler's."""
    open_units: list[Any] = []

    async def handle(job: Job) -> dict[str, Any]:
        if job.payload["leaves"]:
            unit = jobs.database.read()
            open_units.append(unit)
            await unit.__aenter__()
            return {}
        found = await jobs.get(job.id)
        assert found is not None
        return {"status": found.status}

    await jobs.enqueue("a", {"leaves": True}, priority=1)
    other = await jobs.enqueue("a", {"leaves": False})
    stats = await JobWorker(jobs, {"a": handle}, concurrency=1).run(until_empty=True)
    assert stats.completed == 2
    found = await jobs.get(other.id)
    assert found is not None
    assert found.result == {"status": "processing"}
    for unit in open_units:
        await unit.__aexit__(None, None, None)


async def test_a_handler_that_cancels_its_task_at_the_end_has_a_result(
    jobs: JobQueueStore,
) -> None:
    async def handle(job: Job) -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return {"n": job.payload["n"]}

    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(9)])
    worker = JobWorker(jobs, {"a": handle}, concurrency=2, batch_size=5)
    stats = await worker.run(until_empty=True)
    # Nobody else's job was cancelled, and no place was lost.
    assert (stats.completed, stats.failed, stats.lost) == (9, 0, 0)
    found = [await jobs.get(job_id) for job_id in ids]
    assert [job.result for job in found if job is not None] == [{"n": n} for n in range(9)]


async def test_a_coroutine_that_ignores_its_cancellation_is_closed(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        while True:
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                continue

    given = await jobs.enqueue("a")
    worker = JobWorker(jobs, {"a": handle}, shutdown_seconds=0)
    running = asyncio.create_task(worker.run())
    await started.wait()
    worker.stop()
    stats = await asyncio.wait_for(running, 20)
    assert stats.released == 1
    assert "its handler went on after its cancellation and is closed" in caplog.text
    job = await jobs.get(given.id)
    assert job is not None
    assert (job.status, job.attempts) == ("pending", 0)


async def test_an_outcome_that_the_database_refuses_fails_only_its_job(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(job: Job) -> dict[str, Any]:
        return {"n": job.payload["n"]}

    function = {
        "postgres": (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'not this one'; END$$;"
            "CREATE TRIGGER refused BEFORE UPDATE ON job_queue FOR EACH ROW "
            "WHEN (new.status = 'completed' AND new.result ->> 'n' = '3') "
            "EXECUTE FUNCTION refuse();"
        ),
        "sqlite": (
            "CREATE TRIGGER refused BEFORE UPDATE ON job_queue "
            "WHEN new.status = 'completed' AND new.result ->> 'n' = 3 "
            "BEGIN SELECT raise(ABORT, 'not this one'); END;"
        ),
    }
    async with jobs.database.connection() as connection:
        await connection.run_script("trigger", function[jobs.database.dialect])
    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(8)])
    stats = await JobWorker(jobs, {"a": handle}).run(until_empty=True)
    assert (stats.completed, stats.failed, stats.lost) == (7, 1, 0)
    refused = await jobs.get(ids[3])
    assert refused is not None
    assert refused.status == "failed"
    assert "not this one" in (refused.error or "")
