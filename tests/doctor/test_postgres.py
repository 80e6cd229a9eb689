"""The checks of a PostgreSQL database, each on one where something is wrong."""

from __future__ import annotations

import shutil
import socket
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.doctor import CHECKS, Finding, Limits, Target, worst
from aragora_sql.doctor.load import check_connections, check_old_transactions, check_replication
from aragora_sql.doctor.roles import check_clock, check_search_path
from aragora_sql.doctor.target import doctor_queries
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.settings import PostgresDSN
from tests.database.replication import standby_of, wait_for_standby
from tests.database.test_pooler import pgbouncer
from tests.database.waiting import until
from tests.doctor.conftest import ask, look, of, only, run_on

OF_FILES = {"journal-mode", "file-system", "file-rights", "free-space", "integrity"}


async def test_where_all_is_well_every_check_says_so(postgres_dsn: str) -> None:
    findings = await look(postgres_dsn)
    assert {one.check for one in findings} == CHECKS.keys() - OF_FILES
    # The user of the tests is a superuser.
    assert [one for one in findings if one.severity != "ok" and one.check != "role"] == []
    assert of(findings, "role")[0][0] == "warning"
    assert [one.check for one in findings] == [
        name for name in CHECKS for one in findings if one.check == name
    ]


async def test_nothing_is_changed_in_an_empty_database(postgres_dsn: str) -> None:
    run_on(postgres_dsn, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    findings = await look(postgres_dsn)
    assert of(findings, "schema-version") == [("warning", "there is no store in this database yet")]
    assert of(findings, "schema-drift") == []
    with psycopg.connect(postgres_dsn) as connection:
        count = connection.execute(
            "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).rowcount
    assert count == 0


# Connecting


@pytest.mark.parametrize("database", ["nowhere", "postgres"])
async def test_a_server_that_is_not_there_is_a_finding(database: str) -> None:
    findings = await look(f"postgresql://u:geheim-5@127.0.0.1:1/{database}")
    found = only(findings, "connection")
    assert (found.severity, found.kind) == ("error", "connection")
    assert "cannot connect to postgresql://u:***@127.0.0.1:1/" in found.seen
    assert "nothing listens there" in found.action
    assert "geheim-5" not in str(findings)


async def test_a_server_that_never_answers_is_a_finding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        findings = await look(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=1")
        found = only(findings, "connection")
        assert (found.severity, found.kind) == ("error", "connection")
        assert "no answer within the connect timeout" in found.seen
        assert "does the server hang?" in found.action
        # The check's own limit counts where it is shorter.
        findings = await look(f"postgresql://u@127.0.0.1:{port}/d", timeout=0.5)
        assert "no answer within 0.5 s" in only(findings, "connection").seen


async def test_a_database_that_is_not_there_and_an_option_that_nobody_knows(
    postgres_dsn: str,
) -> None:
    dsn = replace(PostgresDSN.parse(postgres_dsn), database="not_there").uri()
    found = only(await look(dsn), "connection")
    assert (found.severity, found.kind) == ("error", "connection")
    assert "name a database that is there" in found.action
    found = only(await look(f"{postgres_dsn}&sslmod=require"), "connection")
    assert found.kind == "configuration"
    assert "did you mean 'sslmode'?" in found.seen


async def test_a_check_that_gets_no_answer_is_a_finding_and_the_others_are_made(
    postgres_dsn: str,
) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("LOCK TABLE _schema_versions IN ACCESS EXCLUSIVE MODE")
        # A key that is none keeps the check of secrets from waiting for the same table.
        findings = await look(postgres_dsn, {"ARAGORA_ENCRYPTION_KEY": "x"}, timeout=5.0)
    assert ("error", "no answer within 5 s") in of(findings, "schema-version")
    assert of(findings, "connection")[0][0] == "ok"
    assert of(findings, "advisors") != []


# What is there


async def test_search_path(postgres_dsn: str) -> None:
    run_on(postgres_dsn, "CREATE SCHEMA elsewhere")
    (found,) = await ask(f"{postgres_dsn}&search_path=elsewhere", check_search_path)
    assert found.severity == "error"
    assert "stores are in schema public" in found.seen
    assert found.action == "add ?search_path=public to the DSN"
    (found,) = await ask(f"{postgres_dsn}&search_path=lost", check_search_path)
    assert found.severity == "error"
    assert "names no schema that is there" in found.seen
    first, second = await ask(
        f"{postgres_dsn}&search_path=public,Lost,pg_catalog", check_search_path
    )
    assert (first.severity, second.severity) == ("warning", "warning")
    assert "pg_catalog is not the first" in first.seen
    assert "names lost, which is not there" in second.seen
    run_on(postgres_dsn, "CREATE TABLE elsewhere._schema_versions (module text)")
    (found,) = await ask(postgres_dsn, check_search_path)
    assert found.severity == "warning"
    assert "in several schemas (elsewhere, public); those of 'public'" in found.seen


async def test_schema_versions_and_drift(postgres_dsn: str) -> None:
    run_on(
        postgres_dsn,
        "UPDATE _schema_versions SET version = 99 WHERE module = 'jobs'",
        "UPDATE _schema_versions SET version = 1 WHERE module = 'checkpoints'",
        "DELETE FROM _schema_versions WHERE module = 'workflow'",
        "DROP INDEX idx_consensus_created",
    )
    findings = await look(postgres_dsn)
    newer, older = of(findings, "schema-version")
    assert newer[0] == "error"
    assert newer[1].startswith("newer than this release: jobs 99 (files: ")
    assert older[0] == "warning"
    assert older[1].startswith("older than this release: checkpoints 1 (files: ")
    found = only(findings, "schema-drift")
    assert found.severity == "error"
    assert found.seen.startswith("missing index idx_consensus_created of consensus")
    assert "schema repair" in found.action


async def test_a_schema_in_which_everybody_may_create(postgres_dsn: str) -> None:
    run_on(postgres_dsn, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    found = only(await look(postgres_dsn), "schema-drift")
    assert (found.severity, found.action) == (
        "warning",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )


async def test_row_level_security_that_is_off(postgres_dsn: str) -> None:
    run_on(postgres_dsn, "ALTER TABLE dissent DISABLE ROW LEVEL SECURITY")
    found = only(await look(postgres_dsn), "row-level-security")
    assert found.severity == "error"
    assert found.seen.startswith("dissent: without it")


async def test_a_database_in_another_encoding(postgres_dsn: str) -> None:
    name = f"latin_{uuid.uuid4().hex[:8]}"
    create = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc "
    run_on(postgres_dsn, f"{create} LOCALE 'C'")
    try:
        with psycopg.connect(postgres_dsn) as connection:
            assert connection.info.dbname in postgres_dsn
            other = postgres_dsn.replace(connection.info.dbname, name)
        found = only(await look(other), "server-version")
        assert (found.severity, "LATIN1" in found.seen) == ("error", True)
    finally:
        run_on(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


# Limits


async def test_connections_of_all_instances(postgres_dsn: str) -> None:
    async def of_pools(**options: Any) -> Finding:
        target = Target("postgres", dsn=PostgresDSN.parse(postgres_dsn), **options)
        (found,) = await ask(
            postgres_dsn, lambda c, queries: check_connections(c, queries, target, is_pooled=False)
        )
        return found

    # The example of the guide: two instances on a plan with 60 direct connections.
    found = await of_pools(pool_max=25, instances=2, plan="pro")
    assert (found.severity, found.seen) == (
        "ok",
        "2 x 25 = 50 connections, of 60 (direct, plan pro)",
    )
    found = await of_pools(pool_max=30, instances=2, plan="pro")
    assert found.severity == "warning"
    assert "ARAGORA_POSTGRES_POOL_MAX=27 for each of 2" in found.action
    found = await of_pools(instances=1, plan="free")
    assert (found.severity, found.seen) == (
        "error",
        "1 x 20 = 20 connections, of 10 (direct, plan free)",
    )
    found = await of_pools(instances=6, plan="enterprise")
    assert found.severity == "error"
    assert "max_connections without those of superusers" in found.seen
    with psycopg.connect(postgres_dsn) as one, psycopg.connect(postgres_dsn):
        limit = f"ALTER DATABASE {one.info.dbname} CONNECTION LIMIT"
        run_on(postgres_dsn, f"{limit} 19")
        found = await of_pools()
        assert found.severity == "error"
        assert "of 19 (CONNECTION LIMIT of the database)" in found.seen
        assert "one instance: --instances" in found.seen
        run_on(postgres_dsn, f"{limit} 10")
        found = await of_pools(pool_max=9)
        assert found.severity == "warning"
        assert "other programs hold " in found.seen


async def test_clocks_that_differ(postgres_database: PostgresDatabase) -> None:
    queries = doctor_queries(postgres_database)
    async with postgres_database.read() as connection:
        for limits, shift, severity, said in (
            (Limits(), 0.0, "ok", "the server's clock is"),
            (Limits(), 600.0, "error", "ahead of this host's"),
            (Limits(), -600.0, "error", "behind this host's"),
            (Limits(clock_error=1e9), 600.0, "warning", "ahead of this host's"),
        ):

            def local(shift: float = shift) -> float:
                return time.time() - shift

            (found,) = await check_clock(connection, queries, limits, local)
            assert (found.severity, said in found.seen) == (severity, True)


async def test_dead_rows_that_nobody_cleans_up(postgres_dsn: str) -> None:
    run_on(
        postgres_dsn,
        "ALTER TABLE agent_reputation SET (autovacuum_enabled = false)",
        "INSERT INTO agent_reputation (agent_name) SELECT generate_series(1, 500)::text",
        "DELETE FROM agent_reputation",
    )
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        asked = "SELECT FROM pg_stat_user_tables WHERE relname = 'agent_reputation'"
        await until(lambda: connection.execute(f"{asked} AND n_dead_tup >= 500".encode()).rowcount)
    findings = await look(postgres_dsn, limits=Limits(dead_rows=500, transactions=0))
    dead, off, old = of(findings, "table-bloat")
    assert dead == ("warning", "agent_reputation (500 dead, 0 live rows)")
    assert off == ("warning", "autovacuum is off for agent_reputation")
    assert (old[0], "transaction numbers run out" in old[1]) == ("error", True)
    assert "autovacuum_disabled: agent_reputation" in [seen for _, seen in of(findings, "advisors")]


async def test_transactions_that_stay_open(postgres_dsn: str) -> None:
    async def longer_than(limits: Limits) -> Finding:
        (found,) = await ask(
            postgres_dsn, lambda c, queries: check_old_transactions(c, queries, limits)
        )
        return found

    with psycopg.connect(postgres_dsn, application_name="report") as connection:
        connection.execute("SELECT 1")
        process = connection.info.backend_pid
        found = await longer_than(Limits(transaction_warning=0.0))
        assert found.severity == "warning"
        assert f"process {process} of postgres (report), idle in transaction" in found.seen
        assert f"pg_terminate_backend({process})" in found.action
        found = await longer_than(Limits(transaction_warning=0.0, transaction_error=0.0))
        assert found.severity == "error"
        assert (await longer_than(Limits())).severity == "ok"


async def test_a_slot_that_nobody_reads_and_a_server_that_takes_no_writes(
    postgres_database: PostgresDatabase, postgres_dsn: str
) -> None:
    health = await postgres_database.health()
    limits = Limits(slot_bytes=0)
    slot = f"doctor_{uuid.uuid4().hex[:8]}"
    run_on(postgres_dsn, f"SELECT pg_create_physical_replication_slot('{slot}', true)")
    try:
        (found,) = await ask(
            postgres_dsn, lambda c, queries: check_replication(c, queries, health, limits)
        )
    finally:
        run_on(postgres_dsn, f"SELECT pg_drop_replication_slot('{slot}')")
    assert found.severity == "warning"
    assert f"slot {slot} is read by nobody" in found.seen
    findings = await look(f"{postgres_dsn}&default_transaction_read_only=on")
    assert of(findings, "replication")[0][0] == "error"
    # What can't be compared there is not called right.
    assert of(findings, "schema-drift")[0][0] == "warning"


@pytest.mark.slow
async def test_a_standby_that_is_behind() -> None:
    with EmbeddedServer() as server, standby_of(server) as standby:
        assert of(await look(standby.dsn()), "replication")[0][0] == "warning"
        run_on(server.dsn(), "CREATE TABLE early (id int)")
        wait_for_standby(standby.dsn(), "early")
        with psycopg.connect(standby.dsn(), autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            run_on(server.dsn(), "CREATE TABLE late (id int)")
            behind = b"SELECT WHERE pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"
            await until(lambda: connection.execute(behind).rowcount)
        limits = Limits(lag_warning=1e-9, lag_error=1e-9)
        found = only(await look(standby.dsn(), limits=limits), "replication")
        assert found.severity == "error"
        assert "what it answers is old" in found.seen


# Poolers


async def test_what_a_dsn_says_of_a_transaction_pooler(postgres_dsn: str) -> None:
    with pgbouncer(postgres_dsn) as dsn:
        found = only(await look(f"{dsn}?pgbouncer=false"), "prepared-statements")
        assert found.severity == "error"
        assert "a transaction pooler is there" in found.seen
        for option in ("", "?pgbouncer=true"):
            findings = await look(dsn + option, pool_max=30, instances=10, plan="team")
            found = only(findings, "prepared-statements")
            assert (found.severity, "so none is kept" in found.seen) == ("ok", True)
            found = only(findings, "connections")
            assert (found.severity, found.seen) == (
                "error",
                "10 x 30 = 300 connections, of 200 (pooled, plan team)",
            )
            assert worst(one for one in findings if one.check == "schema-drift") == "ok"
        assert only(await look(dsn), "connections").severity == "ok"
    found = only(await look(f"{postgres_dsn}&pgbouncer=true"), "prepared-statements")
    assert found.severity == "warning"
    assert "none is" in found.seen


async def test_session_poolers_and_those_that_take_transactions_apart(postgres_dsn: str) -> None:
    with pgbouncer(postgres_dsn, "session", 8) as dsn:
        found = only(await look(dsn), "prepared-statements")
        assert (found.severity, "a session pooler is there" in found.seen) == ("ok", True)
        # It has no TLS either.
        found = only(await look(f"{dsn}?sslmode=require"), "connection")
        assert (found.severity, found.kind) == ("error", "connection")
        assert "the server has no TLS" in found.action
    with pgbouncer(postgres_dsn, "statement") as dsn:
        found = only(await look(dsn), "connection")
        assert (found.severity, found.kind) == ("error", "configuration")
        assert "pool_mode to transaction" in found.seen


async def test_an_older_copy_of_the_tree_is_enough(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "sql"
    shutil.copytree(
        packaged_sql_dir(), tree, ignore=shutil.ignore_patterns("answers", "plans", "doctor")
    )
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tree))
    findings = await look(postgres_dsn, {"ARAGORA_SQL_DIR": str(tree)})
    assert [one for one in findings if one.severity == "error"] == []
