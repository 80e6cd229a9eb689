"""Spans and metrics of OpenTelemetry, collected by its SDK in memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.units_of_work import UnitOfWork
from aragora_sql.errors import DuplicateKeyError
from aragora_sql.queries.files import read_sql
from aragora_sql.stores.elo import EloSystem
from aragora_sql.stores.jobs import Job, JobQueueStore, JobWorker
from aragora_sql.tracing import start_tracing

SYSTEMS = {"postgres": "postgresql", "sqlite": "sqlite"}


@dataclass
class Collected:
    spans: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracer: Any

    def take(self) -> list[ReadableSpan]:
        found = list(self.spans.get_finished_spans())
        self.spans.clear()
        return found

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        (resource,) = data.resource_metrics
        return {
            metric.name: list(metric.data.data_points)
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def collected() -> Iterator[Collected]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(), MeterProvider([reader])
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stop = start_tracing(provider, meters)
    yield Collected(exporter, reader, provider.get_tracer("test"))
    stop()
    stop()
    assert Database.unit_class is UnitOfWork
    provider.shutdown()
    meters.shutdown()


@pytest.fixture
async def jobs(database: Database) -> JobQueueStore:
    store = JobQueueStore(database)
    await store.initialize()
    return store


def below(span: ReadableSpan) -> int:
    """Return the id of the span that a span is below."""
    assert span.parent is not None
    return span.parent.span_id


def span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_query_is_a_span_below_its_unit_of_work(
    jobs: JobQueueStore, collected: Collected
) -> None:
    dialect = jobs.database.dialect
    with collected.tracer.start_as_current_span("request") as request:
        job = await jobs.enqueue("gauntlet", {"secret": "of nobody else"})
        async with jobs.database.transaction():
            await jobs.get(job.id)
    (query, unit, *rest) = collected.take()
    assert [one.name for one in rest][-1] == "request"
    assert (query.name, query.kind) == ("jobs.enqueue_job", SpanKind.CLIENT)
    assert (unit.name, unit.kind) == ("aragora_sql write", SpanKind.INTERNAL)
    assert below(query) == span_id(unit)
    assert below(unit) == request.get_span_context().span_id
    told = attributes(query)
    path = Path(told["code.file.path"])
    assert path.parts[-4:] == ("sql", dialect, "jobs", "queries.sql")
    line = read_sql(path).splitlines()[told["code.line.number"] - 1]
    assert line.startswith("-- name: enqueue_job(")
    assert told["db.system.name"] == SYSTEMS[dialect]
    assert told["db.query.summary"] == "jobs.enqueue_job"
    assert told["db.operation.name"] == "INSERT"
    assert "/* aragora:jobs.enqueue_job */" in told["db.query.text"]
    assert "of nobody else" not in str(told)
    # Inside the transaction get() joins it: its unit is below the transaction's.
    get, joined, transaction = rest[:3]
    assert [one.name for one in (get, joined, transaction)] == [
        "jobs.get_job",
        "aragora_sql read",
        "aragora_sql transaction",
    ]
    assert attributes(get)["db.operation.name"] == "SELECT"
    assert below(joined) == span_id(transaction)
    assert not get_current_span().get_span_context().is_valid


async def test_an_error_has_its_class_and_nothing_of_the_row(
    jobs: JobQueueStore, collected: Collected
) -> None:
    job = await jobs.enqueue("gauntlet", id="the id of a person")
    collected.take()
    with pytest.raises(DuplicateKeyError):
        await jobs.enqueue("gauntlet", id=job.id)
    query, unit = collected.take()
    for span in (query, unit):
        assert span.status.status_code is StatusCode.ERROR
        assert attributes(span)["error.type"] == "aragora_sql.errors.DuplicateKeyError"
        assert job.id not in span.to_json()
    if jobs.database.dialect == "postgres":
        assert attributes(query)["db.response.status_code"] == "23505"


async def test_the_run_of_a_job_goes_on_with_the_trace_that_enqueued_it(
    jobs: JobQueueStore, collected: Collected
) -> None:
    seen: dict[str, int] = {}

    async def coroutine(job: Job) -> None:
        await asyncio.sleep(0)
        seen[job.id] = get_current_span().get_span_context().trace_id

    def plain(job: Job) -> None:
        seen[job.id] = get_current_span().get_span_context().trace_id
        raise ValueError("once")

    with collected.tracer.start_as_current_span("request") as request:
        one = await jobs.enqueue("coroutine")
        other, third = await jobs.enqueue_many(
            [{"job_type": "plain", "payload": {}}, {"job_type": "coroutine", "payload": {}}]
        )
        stored = await jobs.get(one.id)
    alone = await jobs.enqueue("coroutine")
    assert stored is not None
    assert stored.trace_parent == one.trace_parent
    assert alone.trace_parent is None
    (listed, *_) = [job for job in await jobs.list_jobs() if job.id == other]
    assert listed.trace_parent == one.trace_parent
    collected.take()
    worker = JobWorker(jobs, {"coroutine": coroutine, "plain": plain}, schedules=False)
    running = asyncio.create_task(worker.run(handle_signals=False))
    async with asyncio.timeout(60):
        while len(seen) < 4:  # noqa: ASYNC110 - of handlers in threads
            await asyncio.sleep(0.001)
        worker.stop()
        await running
    trace_id = request.get_span_context().trace_id
    assert {seen[one.id], seen[other], seen[third]} == {trace_id}
    assert seen[alone.id] != trace_id
    runs = {}
    for span in collected.take():
        if span.kind is SpanKind.CONSUMER:
            runs[attributes(span)["messaging.message.id"]] = span
    assert runs.keys() == seen.keys()
    assert {runs[one.id].name, runs[other].name} == {"process coroutine", "process plain"}
    for job_id in (one.id, other, third):
        assert below(runs[job_id]) == request.get_span_context().span_id
    assert runs[alone.id].parent is None
    assert attributes(runs[other])["error.type"] == "builtins.ValueError"
    assert runs[one.id].status.status_code is StatusCode.UNSET


async def test_metrics_of_the_pool_and_of_durations(
    jobs: JobQueueStore, collected: Collected
) -> None:
    async with jobs.database.read():
        await jobs.get("nothing")
        metrics = collected.metrics()
    count = {
        point.attributes["db.client.connection.state"]: point.value
        for point in metrics["db.client.connection.count"]
    }
    pool = jobs.database.metrics()
    assert count == {"used": 1, "idle": pool.size - 1}
    (most,) = metrics["db.client.connection.max"]
    assert most.value == pool.max_size
    (waiting,) = metrics["db.client.connection.pending_requests"]
    (timeouts,) = metrics["db.client.connection.timeouts"]
    assert (waiting.value, timeouts.value) == (0, 0)
    durations = {
        point.attributes["db.query.summary"]: point.count
        for point in metrics["db.client.operation.duration"]
    }
    assert durations["jobs.get_job"] == 1


async def test_statements_that_are_sent_together_have_spans_of_their_own(
    database: Database, collected: Collected
) -> None:
    elo = EloSystem(database)
    await elo.initialize()
    collected.take()
    await elo.record_match("debate", ["ada", "bob"], {"ada": 1.0, "bob": 0.0})
    found = [span for span in collected.take() if span.kind is SpanKind.CLIENT]
    names = [span.name for span in found]
    together = {"elo.insert_match", "elo.set_ratings", "elo.insert_history"}
    assert together <= set(names)
    assert len(names) == len(set(names))
    (history,) = [span for span in found if span.name == "elo.insert_history"]
    assert attributes(history)["db.operation.batch.size"] == 2
    assert all("code.line.number" in attributes(span) for span in found)


def test_nothing_of_it_is_imported_unless_it_is_asked_for(tmp_path: Path) -> None:
    program = """
import asyncio, sys
import aragora_sql
from aragora_sql import get_sqlite_consensus_memory, close_databases

async def main():
    memory = await get_sqlite_consensus_memory("aragora.db")
    assert await memory.get_consensus("nothing") is None
    await close_databases()

asyncio.run(main())
parts = {name.partition(".")[0] for name in sys.modules}
print(sorted(parts & {"opentelemetry", "prometheus_client", "starlette", "uvicorn"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_commands_report_where_the_environment_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARAGORA_TRACING", "maybe")
    assert main(["stores"]) == 2
    assert "ARAGORA_TRACING: 'maybe' is neither true nor false" in capsys.readouterr().err
    program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from aragora_sql.cli import main

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
assert main(["schema", "apply", "--sqlite-path", "a.db", "--store", "jobs"]) == 0
assert main(["jobs", "stats", "--sqlite-path", "a.db"]) == 0
print("jobs.count_jobs" in {span.name for span in exporter.get_finished_spans()})
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "ARAGORA_TRACING": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True"
