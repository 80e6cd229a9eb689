"""Spans and metrics for OpenTelemetry; needs ``aragora-sql[otel]``, which is its API alone.

>>> from aragora_sql.tracing import start_tracing
>>> stop = start_tracing()          # reports to the providers that the application has set up
>>> ...
>>> stop()

Each statement is a span with the stable conventions for databases, each unit of work and each run
of a job's handler one around them. A job carries the trace that it was enqueued in, so its run is
part of it, whichever process works on it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from aragora_sql import __version__
from aragora_sql.database import Database, PoolMetrics, Statement
from aragora_sql.database.observing import Ended, Observer, observe, stop_observing
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.parameters import scan

try:
    from opentelemetry import context as contexts
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "opentelemetry":
        raise
    raise ConfigurationError(
        "tracing needs 'opentelemetry-api': pip install 'aragora-sql[otel]'"
    ) from error

__all__ = ["start_tracing"]

_SYSTEMS = {"postgres": "postgresql", "sqlite": "sqlite"}
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})
# Of the histogram of durations, in seconds, as the conventions advise.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
_TRACE_CONTEXT = TraceContextTextMapPropagator()


def start_tracing(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> Callable[[], None]:
    """Report what all databases of the process do; return what ends that.

    The providers default to the global ones of OpenTelemetry. Arguments of statements are never
    reported, and of an error only its class and SQLSTATE.
    """
    reporter = _Reporter(
        trace.get_tracer("aragora_sql", __version__, tracer_provider),
        metrics.get_meter("aragora_sql", __version__, meter_provider),
    )
    observer = Observer(
        statement=reporter.statement,
        unit=reporter.unit,
        job=reporter.job,
        current_trace=_current_trace,
    )
    observe(observer)
    return lambda: stop_observing(observer)


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    _TRACE_CONTEXT.inject(carrier)
    return carrier.get("traceparent")


class _Reporter:
    def __init__(self, tracer: trace.Tracer, meter: metrics.Meter) -> None:
        self._tracer = tracer
        self._attributes: dict[tuple[str, str], dict[str, Any]] = {}
        # By the names of their pools. Metrics are read in a thread of their own.
        self._databases: WeakValueDictionary[str, Database] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._durations = meter.create_histogram(
            "db.client.operation.duration",
            "s",
            "Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        connections = "{connection}"
        meter.create_observable_up_down_counter(
            "db.client.connection.count",
            [self._read(lambda pool: [({"state": "idle"}, pool.free), _used(pool)])],
            connections,
            "The number of connections in the pool by state.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.max",
            [self._read(lambda pool: [({}, pool.max_size)])],
            connections,
            "The most connections that the pool may open.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests",
            [self._read(lambda pool: [({}, pool.waiting)])],
            "{request}",
            "The number of units of work that wait for a connection.",
        )
        meter.create_observable_counter(
            "db.client.connection.timeouts",
            [self._read(lambda pool: [({}, pool.timeouts)])],
            "{timeout}",
            "The number of units of work that waited for a connection in vain.",
        )

    def statement(self, database: Database, statement: Statement, sets: int) -> Ended:
        """Begin the span of a statement."""
        attributes = self._attributes_of(database, statement)
        if sets > 1:
            attributes = {**attributes, "db.operation.batch.size": sets}
        started = time.perf_counter()
        span = self._tracer.start_span(
            statement.name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        )

        def end(error: BaseException | None) -> None:
            told = {name: attributes[name] for name in _OF_METRICS if name in attributes}
            if error is not None:
                failure = _failure(error)
                told |= failure
                span.set_attributes(failure)
            self._durations.record(
                time.perf_counter() - started, told, trace.set_span_in_context(span)
            )
            _end(span, error)

        return end

    def unit(self, database: Database, kind: str) -> Ended:
        """Begin the span of a unit of work; what is begun inside is below it."""
        self._remember(database)
        span = self._tracer.start_span(
            f"aragora_sql {kind}",
            attributes={
                "db.system.name": _SYSTEMS[database.dialect],
                "aragora_sql.unit_of_work": kind,
            },
            record_exception=False,
        )
        return _within(span)

    def job(self, job: Any) -> Ended:
        """Begin the span of a job's handler, below what enqueued the job."""
        carrier = {} if job.trace_parent is None else {"traceparent": job.trace_parent}
        span = self._tracer.start_span(
            f"process {job.job_type}",
            context=_TRACE_CONTEXT.extract(carrier),
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "aragora_sql",
                "messaging.operation.type": "process",
                "messaging.operation.name": "process",
                "messaging.destination.name": job.job_type,
                "messaging.message.id": job.id,
                "aragora_sql.job.attempt": job.attempts,
            },
            record_exception=False,
        )
        return _within(span)

    def _attributes_of(self, database: Database, statement: Statement) -> dict[str, Any]:
        key = database.dialect, statement.name
        known = self._attributes.get(key)
        if known is None:
            known = {
                "db.system.name": _SYSTEMS[database.dialect],
                "db.query.summary": statement.name,
                "db.query.text": statement.sql,
                "code.function.name": statement.name,
            }
            operation = _operation(database, statement)
            if operation is not None:
                known["db.operation.name"] = operation
            if statement.location is not None:
                known["code.file.path"], known["code.line.number"] = statement.location
            self._attributes[key] = known
        return known

    def _remember(self, database: Database) -> None:
        name = _pool_name(database)
        if name not in self._databases:
            with self._lock:
                self._databases[name] = database

    def _read(
        self, values: Callable[[PoolMetrics], list[tuple[dict[str, str], int]]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(options: CallbackOptions) -> Iterable[Observation]:
            with self._lock:
                databases = list(self._databases.items())
            return [
                Observation(
                    value,
                    {"db.client.connection.pool.name": name}
                    | {f"db.client.connection.{key}": word for key, word in labels.items()},
                )
                for name, database in databases
                for labels, value in values(database.metrics())
            ]

        return read


_OF_METRICS = ("db.system.name", "db.query.summary", "db.operation.name")


def _used(pool: PoolMetrics) -> tuple[dict[str, str], int]:
    return {"state": "used"}, pool.in_use


def _pool_name(database: Database) -> str:
    """Return a name of a pool that shows no secret and is the same for all that share it."""
    return f"{_SYSTEMS[database.dialect]}-{id(database._unit_key()):x}"


def _operation(database: Database, statement: Statement) -> str | None:
    """Return the command of a statement: the first one that is in no parentheses, behind WITH."""
    depth = 0
    for token in scan(statement.sql, database.dialect):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        elif depth == 0 and token.kind == "word" and token.text.upper() in _VERBS:
            return token.text.upper()
    return None


def _failure(error: BaseException) -> dict[str, str]:
    kind = type(error)
    told = {"error.type": f"{kind.__module__}.{kind.__qualname__}"}
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    if isinstance(sqlstate, str):
        told["db.response.status_code"] = sqlstate
    return told


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.end()


def _within(span: Span) -> Ended:
    """Make a span the current one; return what ends both."""
    attached = trace.set_span_in_context(span)
    token = contexts.attach(attached)

    def end(error: BaseException | None) -> None:
        # Where set-up and tear-down run in two contexts (a fixture), this one is another's.
        if contexts.get_current() is attached:
            contexts.detach(token)
        if error is not None:
            span.set_attributes(_failure(error))
        _end(span, error)

    return end
