"""Metrics in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from aragora_sql.server.health import DatabaseState
from aragora_sql.server.statistics import BUCKETS, QueryStatistics, Statistics
from aragora_sql.server.work import Work

__all__ = ["exposition"]


def exposition(
    state: DatabaseState, work: Work, statistics: Statistics, accept: str
) -> tuple[bytes, str]:
    """Return all metrics, and their content type, as the header ``Accept`` asks for it."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Collected([*_of_database(state), *_of_queries(statistics), *_of_work(work)]))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collected(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _gauge(name: str, text: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield GaugeMetricFamily(name, text, value=value)


def _of_database(state: DatabaseState) -> Iterator[Metric]:
    health, pool = state.health, state.metrics
    yield from _gauge("aragora_up", "1 when the database answers and can be used.", health.ok)
    yield from _gauge(
        "aragora_health_status",
        "2 healthy, 1 degraded, 0 unhealthy.",
        {"healthy": 2, "degraded": 1, "unhealthy": 0}[state.status],
    )
    if health.latency_ms is not None:
        latency = health.latency_ms / 1000
        yield from _gauge("aragora_db_latency_seconds", "Time of one question.", latency)
    connections = GaugeMetricFamily(
        "aragora_db_connection_pool_size", "Open connections of the pool.", labels=["state"]
    )
    connections.add_metric(["active"], pool.in_use)
    connections.add_metric(["idle"], pool.free)
    yield connections
    yield from _gauge(
        "aragora_db_connection_pool_max", "Most connections that the pool may open.", pool.max_size
    )
    yield from _gauge(
        "aragora_db_connection_pool_waiting",
        "Units of work that wait for a connection.",
        pool.waiting,
    )
    for name, text, value in (
        ("acquisitions", "Units of work that got a connection.", pool.acquisitions),
        ("failures", "Units of work that got no connection.", pool.failed),
        ("timeouts", "Units of work that waited for a connection in vain.", pool.timeouts),
        ("wait_seconds", "Sum of the times until a connection was there.", pool.wait_ms / 1000),
    ):
        yield CounterMetricFamily(f"aragora_db_connection_pool_{name}", text, value=value)
    yield from _gauge(
        "aragora_db_connection_pool_longest_wait_seconds",
        "The longest of these times.",
        pool.max_wait_ms / 1000,
    )
    versions = GaugeMetricFamily(
        "aragora_schema_version", "Version of a store's schema; 0: absent.", labels=["store"]
    )
    current = GaugeMetricFamily(
        "aragora_schema_current", "1 when it is the version of the SQL files.", labels=["store"]
    )
    for store in state.stores:
        if store.word != "unknown":
            versions.add_metric([store.name], store.version or 0)
            current.add_metric([store.name], store.word == "current")
    yield versions
    yield current
    if health.role == "standby":
        yield from _gauge(
            "aragora_db_lag_seconds", "How old the data of this replica is.", health.lag_seconds
        )
    yield from _of_routes(state)
    yield _lags("seconds", "How old the data of a server is that follows this one.", state)
    yield _lags("bytes", "How much of the log such a server has not applied yet.", state)


def _of_routes(state: DatabaseState) -> Iterator[Metric]:
    """Tell of the servers that reads of this process may go to."""
    if not state.routes:
        return
    name = "aragora_read_replica"
    ready = GaugeMetricFamily(f"{name}_ready", "1 when reads go there.", labels=["replica"])
    busy = GaugeMetricFamily(
        f"{name}_in_flight", "Units of work that read there now.", labels=["replica"]
    )
    lag = GaugeMetricFamily(
        f"{name}_lag_seconds", "How old its data is at most.", labels=["replica"]
    )
    reads = CounterMetricFamily(
        f"{name}_reads", "Units of work that read there.", labels=["replica"]
    )
    moved = CounterMetricFamily(
        f"{name}_moved", "Statements that were run again on the primary.", labels=["replica"]
    )
    behind = CounterMetricFamily(
        f"{name}_behind",
        "Units of work that waited for it in vain and read from the primary.",
        labels=["replica"],
    )
    for one in state.routes:
        ready.add_metric([one.name], one.word == "ready")
        busy.add_metric([one.name], one.in_flight)
        if one.lag_seconds is not None:
            lag.add_metric([one.name], one.lag_seconds)
        reads.add_metric([one.name], one.reads)
        moved.add_metric([one.name], one.moved)
        behind.add_metric([one.name], one.behind)
    yield from (ready, busy, lag, reads, moved, behind)


def _lags(unit: Literal["seconds", "bytes"], text: str, state: DatabaseState) -> Metric:
    lags: dict[tuple[str, str], float] = {}
    for replica in state.replicas:
        lag = replica.lag_seconds if unit == "seconds" else replica.lag_bytes
        if lag is not None:
            # Two of one name and address are one series.
            key = replica.name, replica.address
            lags[key] = max(lag, lags.get(key, 0.0))
    metric = GaugeMetricFamily(f"aragora_replica_lag_{unit}", text, labels=["replica", "address"])
    for labels, lag in lags.items():
        metric.add_metric(labels, lag)
    return metric


def _of_queries(statistics: Statistics) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "aragora_query_calls", "Calls of a named query by this process.", labels=["query"]
    )
    errors = CounterMetricFamily(
        "aragora_query_errors", "Calls of it that failed.", labels=["query", "error"]
    )
    times = HistogramMetricFamily(
        "aragora_query_duration_seconds", "Times of its calls.", labels=["query"]
    )
    for name, query in sorted(statistics.queries.items()):
        calls.add_metric([name], query.calls)
        for error, count in query.errors.items():
            errors.add_metric([name, error], count)
        times.add_metric([name], _buckets(query), query.seconds)
    yield calls
    yield errors
    yield times


def _buckets(query: QueryStatistics) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    return list(zip(bounds, (float(count) for count in accumulate(query.buckets)), strict=True))


def _of_work(work: Work) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "aragora_jobs", "Jobs that wait or run.", labels=["job_type", "status"]
    )
    oldest = GaugeMetricFamily(
        "aragora_job_oldest_ready_seconds",
        "How long the oldest job waits that can be claimed.",
        labels=["job_type"],
    )
    leases = GaugeMetricFamily(
        "aragora_job_leases", "Claims of workers.", labels=["job_type", "state"]
    )
    for load in work.jobs:
        jobs.add_metric([load.job_type, load.status], load.total)
        if load.status == "pending":
            oldest.add_metric([load.job_type], load.oldest_seconds)
        elif load.status == "processing":
            leases.add_metric([load.job_type, "held"], load.total - load.expired)
            leases.add_metric([load.job_type, "expired"], load.expired)
    yield jobs
    yield oldest
    yield leases
    rows = GaugeMetricFamily(
        "aragora_migration_rows",
        "Rows of SQLite files that a migration has dealt with, by what became of them.",
        labels=["run", "table", "outcome"],
    )
    finished = GaugeMetricFamily(
        "aragora_migration_finished", "1 when a migration is done.", labels=["run"]
    )
    for run, is_finished in {one.run_id: one.is_finished for one in work.migrations}.items():
        finished.add_metric([str(run)], is_finished)
    for one in work.migrations:
        for outcome, count in one.rows.items():
            rows.add_metric([str(one.run_id), one.table, outcome], count)
    yield rows
    yield finished
