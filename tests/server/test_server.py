"""The routes of the health server, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount

from aragora_sql.database import Database
from aragora_sql.database.observing import ObservedUnit
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.units_of_work import UnitOfWork
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.queries.files import packaged_sql_dir, read_sql
from aragora_sql.schema import apply_schema
from aragora_sql.server import health, health_app
from aragora_sql.stores.jobs import JobQueueStore
from tests.conftest import OpenDatabase
from tests.database.waiting import outside, until
from tests.proxy import CountingProxy
from tests.server.serving import Client, serving

TOKEN = "a token of the operator".replace(" ", "-")
FIELDS = {
    "pool_size",
    "pool_min_size",
    "pool_max_size",
    "free_connections",
    "used_connections",
    "utilization",
    "backpressure",
    "total_acquisitions",
    "failed_acquisitions",
    "timeouts",
    "circuit_breaker_rejections",
    "circuit_breaker_status",
    "avg_wait_time_ms",
    "max_wait_time_ms",
}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every question is a look of its own; nothing is observed afterwards."""
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    yield
    assert Database.unit_class is UnitOfWork


def app(database: Database, stores: list[str], timeout: float = 20.0) -> Starlette:
    return health_app(database, stores=stores, timeout=timeout)


async def set_version(database: Database, version: int) -> None:
    """Have the database say that it has another version of the schema of jobs."""
    async with database.connection() as connection:
        sql = f"UPDATE _schema_versions SET version = {version} WHERE module = 'jobs'"
        await connection.run_script("test", sql)


async def word(client: Client) -> tuple[str, int, str]:
    """Return the status that /api/health says, and the codes of it and of /readyz."""
    answer = await client.get("/api/health")
    ready = await client.get("/readyz")
    assert (ready.json["status"] == "ready") is (ready.status == 200)
    return answer.json["status"], answer.status, str(ready.status)


async def test_a_schema_that_is_absent_current_older_and_newer(database: Database) -> None:
    async with serving(app(database, ["jobs"])) as client:
        absent = await client.get("/api/health")
        assert absent.status == 503
        assert absent.json["database"] == "connected"
        assert absent.json["reasons"] == [
            "the schema is absent: jobs; run aragora-sql schema apply"
        ]
        assert await word(client) == ("unhealthy", 503, "503")
        await apply_schema(database, ["jobs"])
        current = await client.get("/api/health")
        assert (current.status, current.json["status"]) == (200, "healthy")
        assert current.json["reasons"] == []
        assert (current.json["schema"], current.json["role"]) == ("current", "primary")
        assert await word(client) == ("healthy", 200, "200")
        stores = await client.get("/api/health/stores")
        latest = stores.json["stores"]["jobs"]["latest"]
        assert stores.json["stores"] == {
            "jobs": {
                "healthy": True,
                "status": "current",
                "version": latest,
                "latest": latest,
                "class": "PostgresJobQueueStore"
                if database.dialect == "postgres"
                else "SQLiteJobQueueStore",
            }
        }
        assert stores.json["summary"] == {"total": 1, "healthy": 1, "unhealthy": 0}

        await set_version(database, 1)
        assert await word(client) == ("unhealthy", 503, "503")
        older = await client.get("/api/health/stores")
        assert (older.status, older.json["stores"]["jobs"]["status"]) == (503, "older")
        # A later release has upgraded it: what is at work goes on.
        await set_version(database, 99)
        assert await word(client) == ("degraded", 200, "200")
        reasons = (await client.get("/api/health")).json["reasons"]
        assert reasons == [
            f"the schema is newer: jobs 99 instead of {latest}; a later release has upgraded it; "
            "install that one here too"
        ]
    # One that is started now was never ready.
    async with serving(app(database, ["jobs"])) as client:
        assert await word(client) == ("degraded", 200, "503")


async def test_the_pool_is_shown_to_who_has_the_token(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/api/admin/pool-metrics"
    async with serving(app(database, [])) as client:
        refused = await client.get(path, Authorization="Bearer ")
        assert (refused.status, "ARAGORA_ADMIN_TOKEN" in refused.body) == (403, True)
    monkeypatch.setenv("ARAGORA_ADMIN_TOKEN", TOKEN)
    async with serving(app(database, [])) as client:
        for given in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": f"Bearer {TOKEN}\xe9"},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
        ):
            wrong = await client.get(path, **given)
            assert (wrong.status, wrong.headers["www-authenticate"][:6]) == (401, "Bearer")
            assert TOKEN not in wrong.body
        before = (await client.get(path, Authorization=f"Bearer {TOKEN}")).json
        for _ in range(3):
            async with database.read():
                pass
        async with database.read():
            after = (await client.get(path, Authorization=f"bearer {TOKEN}")).json
    assert before.keys() == after.keys() == FIELDS | {"waiting"}
    assert after["total_acquisitions"] - before["total_acquisitions"] == 4
    assert (after["used_connections"], after["failed_acquisitions"]) == (1, 0)


@pytest.mark.parametrize("token", ["short", "fifteen letters", "sixteen letters " * 2, "é" * 20])
def test_a_token_that_keeps_nobody_out_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: str
) -> None:
    from aragora_sql.settings import admin_token

    monkeypatch.setenv("ARAGORA_ADMIN_TOKEN", token)
    with pytest.raises(ConfigurationError, match="ARAGORA_ADMIN_TOKEN: must be at least") as error:
        admin_token()
    assert token not in str(error.value)


async def test_an_exhausted_pool_is_degraded_and_the_database_connected(
    database: Database, open_database: OpenDatabase
) -> None:
    await apply_schema(database, ["jobs"])
    options = {"readers": 1} if database.dialect == "sqlite" else {"max_size": 1}
    small = await open_database(**options)
    async with serving(app(small, ["jobs"], timeout=6.0)) as client:
        assert await word(client) == ("healthy", 200, "200")
        held = small.read()
        await outside(held.__aenter__())
        try:
            answer = await client.get("/api/health")
        finally:
            await held.__aexit__(None, None, None)
        assert (answer.status, answer.json["status"]) == (200, "degraded")
        assert answer.json["database"] == "connected"
        assert answer.json["reasons"][0].startswith("the pool is exhausted: 1 connections are in")
        assert await word(client) == ("healthy", 200, "200")


async def test_a_server_that_does_not_answer_any_more(counted_postgres: CountingProxy) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 3)
    await apply_schema(database, ["jobs"])
    patient, impatient = app(database, ["jobs"]), app(database, ["jobs"], timeout=0.2)
    async with serving(patient) as client, serving(impatient) as other:
        assert await word(client) == ("healthy", 200, "200")
        counted_postgres.stall()
        answer = await other.get("/api/health")
        assert (answer.status, answer.json["status"]) == (503, "unhealthy")
        assert answer.json["database"] == "disconnected"
        assert answer.json["reasons"] == ["no answer within 0.1 s"]
        assert (await other.get("/readyz")).status == 503
        assert (await other.get("/healthz")).json == {"status": "ok"}
        text = (await other.get("/metrics")).body
        assert "\naragora_up 0.0\n" in text
        assert "aragora_jobs{" not in text
        assert "it does not answer" in (await other.get("/")).body
        counted_postgres.resume()
        await counted_postgres.drop()
        # The first question may meet a connection that was cut.
        async with asyncio.timeout(60):
            while await word(client) != ("healthy", 200, "200"):
                pass
    await database.close()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return the values of metrics by name and the values of their labels, in order of those."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_in_the_form_of_prometheus(database: Database) -> None:
    await apply_schema(database, ["jobs"])
    jobs = JobQueueStore(database)
    async with serving(app(database, ["jobs"])) as client:
        first = await jobs.enqueue("gauntlet", {"n": 1})
        await jobs.enqueue("gauntlet", {"n": 2})
        await jobs.enqueue("later", delay_seconds=3600)
        with pytest.raises(AragoraSQLError):
            await jobs.enqueue("gauntlet", id=first.id)
        (claimed,) = await jobs.claim("worker", 1, ["gauntlet"], lease_seconds=0.001)
        await until(lambda: claimed.lease_expires_at is not None)
        assert claimed.id == first.id
        if database.dialect == "postgres":
            async with database.connection() as connection:
                await connection.run_script("migration", read_sql(MIGRATION))
                await connection.run_script("migration", MIGRATED)

        async def expired() -> dict[tuple[str, ...], float]:
            async with asyncio.timeout(60):
                while True:
                    answer = await client.get("/metrics")
                    found = samples(answer.body)
                    if found["aragora_job_leases", "gauntlet", "expired"]:
                        assert answer.headers["content-type"].startswith("text/plain")
                        return found

        found = await expired()
        openmetrics = await client.get("/metrics", Accept="application/openmetrics-text")
        assert openmetrics.body.endswith("# EOF\n")
    assert found["aragora_up",] == 1
    assert found["aragora_health_status",] == 2
    assert found["aragora_jobs", "gauntlet", "pending"] == 1
    assert found["aragora_jobs", "gauntlet", "processing"] == 1
    assert found["aragora_jobs", "later", "scheduled"] == 1
    assert found["aragora_job_leases", "gauntlet", "held"] == 0
    assert 0 < found["aragora_job_oldest_ready_seconds", "gauntlet"] < 3600
    assert ("aragora_job_oldest_ready_seconds", "later") not in found
    assert found["aragora_schema_current", "jobs"] == 1
    calls = found["aragora_query_calls_total", "jobs.enqueue_job"]
    assert calls == 4
    assert found["aragora_query_duration_seconds_count", "jobs.enqueue_job"] == calls
    assert found["aragora_query_duration_seconds_sum", "jobs.enqueue_job"] > 0
    errors = ("aragora_query_errors_total", "DuplicateKeyError", "jobs.enqueue_job")
    assert found[errors] == 1
    assert found["aragora_db_connection_pool_acquisitions_total",] > 4
    if database.dialect == "postgres":
        assert found["aragora_migration_rows", "migrated", "1", "consensus"] == 7
        assert found["aragora_migration_rows", "rejected", "1", "consensus"] == 1
        assert found["aragora_migration_finished", "1"] == 0


MIGRATION = packaged_sql_dir() / "migration" / "schema.sql"
# What two chunks of a run leave behind that goes on.
MIGRATED = """
INSERT INTO _migration_runs (source, fingerprint) VALUES ('old.db', 'x');
INSERT INTO _migration_chunks
(run_id, target_table, source_file, mapping, part, first_row, last_row, result)
VALUES
(1, 'consensus', 'old.db', 'consensus', 'rows', 1, 5, '{"read": 5, "migrated": 4, "rejected": 1}'),
(1, 'consensus', 'old.db', 'consensus', 'rows', 6, 8, '{"read": 3, "migrated": 3}');
"""


async def test_it_is_mounted_in_an_application(database: Database) -> None:
    inner = app(database, [])
    async with serving(Starlette(routes=[Mount("/database", inner)])) as client:
        assert (await client.get("/database/api/health")).json["status"] == "healthy"
        assert "Pool" in (await client.get("/database/")).body
        assert (await client.get("/database/nothing")).status == 404
    # Its own lifespan ends the counting; here it never began.
    assert Database.unit_class is ObservedUnit
    async with inner.router.lifespan_context(inner):
        pass


def test_unknown_stores_are_named(tmp_path: Path) -> None:
    from aragora_sql.database.sqlite import SQLiteDatabase

    with pytest.raises(AragoraSQLError, match="no store 'nothing'"):
        health_app(SQLiteDatabase(tmp_path / "a.db"), stores=["nothing"])
