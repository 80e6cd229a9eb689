"""Targets that are not as they should be, that others migrate to, or write to."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from aragora_sql.errors import ConfigurationError, SchemaMismatchError, SchemaVersionError
from aragora_sql.migration import MigrationOptions, run_migration
from aragora_sql.settings import PostgresDSN
from tests.conftest import Servers
from tests.migration.faults_support import (
    DONE,
    LEFT_BEHIND,
    WITH_REJECTS,
    Migration,
    Target,
    finish,
    new_target,
    wait_until,
)
from tests.migration.legacy import Tables, write_critique, write_memory_db

OPTIONS = ("--batch-size", "10", "--orphans", "leave-out")


@pytest.fixture
def target(servers: Servers) -> Iterator[Target]:
    with new_target(servers.default) as target:
        yield target


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("target") / "memory.db"
    write_memory_db(path, rows=600)
    return path


def migrate(source: Path, target: Target) -> None:
    run_migration(
        MigrationOptions(
            sqlite_path=source,
            dsn=PostgresDSN.parse(target.dsn),
            source_timezone="UTC",
            rejects=source.parent / "rejects",
        )
    )


def catalog(target: Target) -> list[tuple[object, ...]]:
    """Return all that a target consists of: schemas, relations, columns, rules, rows."""
    return [
        *target.rows("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"),
        *target.rows(
            "SELECT c.oid::regclass::text, relkind::text, attname, "
            "format_type(atttypid, atttypmod) "
            "FROM pg_class AS c LEFT JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 "
            "WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 3"
        ),
        *target.rows(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ),
        *sorted(target.contents().items()),
    ]


# -- another schema


@pytest.fixture
async def applied(target: Target) -> Target:
    """A target with these stores, one of which refers to another, as an application makes them."""
    from aragora_sql.database.postgres import PostgresDatabase
    from aragora_sql.schema import apply_schema

    database = await PostgresDatabase.connect(target.dsn, 1, 1)
    await apply_schema(database, ["consensus", "critique", "debate_archive"])
    await database.close()
    return target


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "ALTER TABLE debates ALTER confidence TYPE real",
            ["column confidence of debates", "double precision", "real"],
        ),
        (
            "ALTER TABLE patterns DROP CONSTRAINT patterns_success_count_check",
            ["missing constraint patterns_success_count_check of patterns"],
        ),
        ("ALTER TABLE critiques DROP reasoning", ["missing column reasoning of critiques"]),
        ("DROP TABLE patterns_archive", ["missing table patterns_archive"]),
        (
            "ALTER TABLE consensus ALTER topic DROP NOT NULL",
            ["column topic of consensus", "NOT NULL"],
        ),
    ],
    ids=["type", "constraint", "column", "table", "null"],
)
def test_another_schema_is_refused_with_the_differences(
    applied: Target, source: Path, change: str, named: list[str]
) -> None:
    applied.execute(f"{change}")
    before = catalog(applied)
    with pytest.raises(SchemaMismatchError, match="Nothing was migrated") as raised:
        migrate(source, applied)
    for text in named:
        assert text in str(raised.value)
    assert catalog(applied) == before


def test_a_store_without_rows_of_the_source_may_differ(applied: Target, source: Path) -> None:
    # Makes the tables of all stores.
    migrate(source, applied)
    applied.execute("ALTER TABLE job_queue DROP CONSTRAINT job_queue_job_type_check")
    applied.execute("TRUNCATE patterns CASCADE")
    migrate(source, applied)
    assert applied.value("SELECT count(*) FROM patterns")


@pytest.mark.parametrize(
    "foreign",
    [
        # Of the second store: the first one has none in its way.
        "CREATE TABLE patterns (id bigint PRIMARY KEY, file_path text)",
        "CREATE VIEW debates AS SELECT 1 AS id",
        "CREATE TABLE consensus (id text)",
        # All columns by name, with none of the rules.
        "CREATE TABLE pattern_embeddings (pattern_id text, embedding text)",
    ],
    ids=["other-columns", "view", "first-store", "same-names"],
)
def test_a_table_of_another_program_is_refused_and_nothing_is_made(
    target: Target, source: Path, foreign: str
) -> None:
    target.execute(f"{foreign}")
    before = catalog(target)
    with pytest.raises(SchemaMismatchError) as raised:
        migrate(source, target)
    assert foreign.split()[2] in str(raised.value)
    assert catalog(target) == before


@pytest.mark.parametrize("store", ["consensus", "critique"])
def test_a_newer_schema_is_refused(applied: Target, source: Path, store: str) -> None:
    applied.execute(f"UPDATE _schema_versions SET version = 99 WHERE module = '{store}'")
    before = catalog(applied)
    with pytest.raises(SchemaVersionError, match=r"version 99.*install a newer aragora-sql"):
        migrate(source, applied)
    assert catalog(applied) == before


def test_a_newer_second_store_keeps_the_first_from_being_made(target: Target, source: Path) -> None:
    target.execute(
        "CREATE TABLE _schema_versions (module text PRIMARY KEY, version int NOT NULL, "
        "updated_at timestamptz); INSERT INTO _schema_versions VALUES ('critique', 99, now())"
    )
    with pytest.raises(SchemaVersionError, match="version 99"):
        migrate(source, target)
    assert target.tables == []


def test_an_empty_target_gets_its_tables(target: Target, source: Path, tmp_path: Path) -> None:
    outcome = Migration(source, target.dsn, tmp_path / "rejects", OPTIONS).run("--verify")
    assert outcome.code == LEFT_BEHIND, outcome
    assert {"consensus", "debates", "critiques", "patterns"} <= set(target.tables)
    assert outcome.report["mismatches"] == 0


# -- two migrations at once


@contextmanager
def held_up(migration: Migration, target: Target) -> Iterator[subprocess.Popen[str]]:
    """Start a migration and stop it in the middle; it goes on afterwards."""
    process = migration.start()
    try:
        wait_until(lambda: target.chunks >= 1, "a range was committed", process)
        os.kill(process.pid, signal.SIGSTOP)
        yield process
    finally:
        os.kill(process.pid, signal.SIGCONT)


def in_schema(dsn: str, schema: str) -> str:
    parsed = PostgresDSN.parse(dsn)
    options = (*parsed.options, ("options", f"-csearch_path={schema}"))
    return replace(parsed, options=options).uri()


def lock_holder(target: Target) -> int:
    """Return the process id of the session that has the lock of the target's schema."""
    return int(
        target.value(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1095910255 "
            "AND granted AND objid = hashtext(current_schema())::oid "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    )


def test_a_second_migration_into_a_target_is_refused(
    target: Target, source: Path, tmp_path: Path
) -> None:
    migration = Migration(source, target.dsn, tmp_path / "rejects", OPTIONS)
    with held_up(migration, target) as first:
        second = replace(migration, rejects=tmp_path / "others").run()
        second.check_failed(
            "another migration into this database is at work",
            f"process {lock_holder(target)} (aragora-sql migrate)",
            "run this command again",
        )
    outcome = finish(first)
    assert outcome.code == LEFT_BEHIND, outcome
    rows = sum(table["source"] for table in outcome.report["tables"])
    left_out = sum(table["left_out"] for table in outcome.report["tables"])
    again = migration.run()
    assert again.code == LEFT_BEHIND, again
    assert again.report["total_migrated"] == 0
    assert again.report["total_skipped"] == rows - left_out


def test_migrations_into_two_schemas_of_a_database_go_side_by_side(
    target: Target, source: Path, tmp_path: Path
) -> None:
    target.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    dsns = [in_schema(target.dsn, name) for name in ("one", "two")]
    one, two = (
        Migration(source, dsn, tmp_path / str(number), OPTIONS) for number, dsn in enumerate(dsns)
    )
    with closing(Target(dsns[0])) as in_one, closing(Target(dsns[1])) as in_two:
        with held_up(one, in_one) as first, held_up(two, in_two) as second:
            for migration, holder in ((one, in_one), (two, in_two)):
                migration.run().check_failed(f"process {lock_holder(holder)} (")
        for process in (first, second):
            outcome = finish(process)
            assert outcome.code == LEFT_BEHIND, outcome
        assert in_one.contents() == in_two.contents()
    assert target.tables == []


def test_a_search_path_without_a_schema_is_a_clear_error(target: Target, source: Path) -> None:
    dsn = PostgresDSN.parse(in_schema(target.dsn, "nowhere"))
    with pytest.raises(ConfigurationError, match="search_path"):
        run_migration(MigrationOptions(sqlite_path=source, dsn=dsn, source_timezone="UTC"))


# -- an application that writes to the target


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_application_writes_meanwhile_and_neither_loses_anything(
    target: Target, tmp_path: Path, jobs: str
) -> None:
    source = tmp_path / "memory.db"
    written = write_memory_db(source, rows=600)
    migration = Migration(
        source, target.dsn, tmp_path / "rejects", (*OPTIONS, "--jobs", jobs, "--verify")
    )
    process = migration.start()
    wait_until(lambda: target.chunks >= 1, "a range was committed", process)
    numbers: list[int] = []
    with psycopg.connect(target.dsn, autocommit=True) as application:
        while process.poll() is None:
            row = application.execute(
                "INSERT INTO critiques (agent, reasoning) VALUES ('application', %s) RETURNING id",
                [str(len(numbers))],
            ).fetchone()
            assert row is not None
            numbers.append(row[0])
            application.execute(
                "INSERT INTO debates (id, task) VALUES (%s, 'application')", [f"new-{row[0]}"]
            )
    outcome = finish(process)
    assert outcome.code == LEFT_BEHIND, outcome
    assert outcome.report["total_different"] == outcome.report["mismatches"] == 0
    assert len(numbers) > 10

    found = target.rows("SELECT id FROM critiques WHERE agent = 'application' ORDER BY id")
    assert [row[0] for row in found] == sorted(numbers)
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > len(written["critiques"])
    tables = {table["table"]: table for table in outcome.report["tables"]}
    for name in ("critiques", "debates"):
        total = target.value(f"SELECT count(*) FROM {name}")
        assert total == tables[name]["migrated"] + len(numbers)
    # And the numbers go on from there.
    assert target.value("INSERT INTO critiques (agent) VALUES ('later') RETURNING id") > max(
        numbers
    )


@pytest.fixture
def keyed(tmp_path: Path) -> tuple[Path, Tables]:
    """A file whose debates are loaded without merging."""
    path = tmp_path / "keyed.db"
    return path, write_critique(path, rows=30, shape="keyed")


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("is_staged", [False, True], ids=["direct", "staged"])
def test_the_application_is_storing_the_same_key(
    applied: Target,
    keyed: tuple[Path, Tables],
    tmp_path: Path,
    ends: str,
    is_staged: bool,
) -> None:
    source, written = keyed
    first, second, *_ = (row["id"] for row in written["debates"])
    if is_staged:
        # A row that is there already: its range can't be copied into the table as it is.
        applied.execute(f"INSERT INTO debates (id, task) VALUES ('{first}', 'older')")
    migration = Migration(source, applied.dsn, tmp_path / "rejects", OPTIONS)
    with psycopg.connect(applied.dsn) as application:
        application.execute("INSERT INTO debates (id, task) VALUES (%s, 'mine')", [second])
        process = migration.start()
        wait_until(
            lambda: bool(
                applied.rows(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name = 'aragora-sql migrate' AND wait_event_type = 'Lock'"
                )
            ),
            "the migration waits for the application",
            process,
        )
        application.execute(ends)
    outcome = finish(process)
    is_theirs = ends == "COMMIT"
    different = [first] * is_staged + [second] * is_theirs
    assert outcome.code == (WITH_REJECTS if different else DONE), outcome
    table = next(t for t in outcome.report["tables"] if t["table"] == "debates")
    assert table["rejected"] == 0
    assert sorted(table["different_keys"]) == sorted(different)
    assert table["migrated"] == len(written["debates"]) - len(different)
    task = applied.value("SELECT task FROM debates WHERE id = %s", second)
    assert (task == "mine") is is_theirs
