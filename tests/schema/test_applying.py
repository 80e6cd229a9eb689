"""Creating and upgrading a database that is in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from aragora_sql.database import Database, Dialect
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    DatabaseError,
    DuplicateKeyError,
    LockTimeoutError,
    SchemaError,
    StatementTimeoutError,
)
from aragora_sql.schema import apply_schema, initialize_store, steps, store_names, table_names
from tests.conftest import OpenDatabase
from tests.schema.conftest import Releases, ask, catalog, run, until, value

# Each works for longer than the time limits of these tests.
SLOW: dict[Dialect, str] = {
    "postgres": "SELECT pg_sleep(0.5);\n",
    "sqlite": "CREATE TABLE slow AS WITH RECURSIVE n (i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n;\n"
    "DROP TABLE slow;\n",
}
ALTER = "ALTER TABLE notes ADD COLUMN size INTEGER NOT NULL DEFAULT 0;\n"
MARK = "-- transaction: none because the table is in use\n"
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS notes_body ON notes (body);\n"
PLAIN_INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS notes_body ON notes (body);\n"
ALONE: dict[Dialect, str] = {"postgres": MARK + INDEX, "sqlite": MARK + PLAIN_INDEX}


@pytest.fixture
def said() -> list[str]:
    """What is reported of the work."""
    return []


@asynccontextmanager
async def holding(dsn: str, statement: str) -> AsyncIterator[psycopg.AsyncConnection[object]]:
    """Hold what a statement locks or looks at, in a transaction that stays open."""
    async with await psycopg.AsyncConnection.connect(dsn, application_name="holder") as connection:
        await connection.execute(statement.encode())
        yield connection
        await connection.rollback()


# Time limits


async def test_an_upgrade_may_take_longer_than_a_statement(
    open_database: OpenDatabase, releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PROGRESS_INTERVAL", 0.01)
    database = await open_database(statement_timeout=0.1)
    await initialize_store(database, "notes", releases.old)
    with pytest.raises(StatementTimeoutError):
        await run(database, SLOW[database.dialect])
    said: list[str] = []
    root = releases.new({dialect: sql + ALTER for dialect, sql in SLOW.items()})
    assert await initialize_store(database, "notes", root, report=said.append) == 2
    assert said[0] == "notes: upgrade to version 2 (0002_step.sql): begins"
    assert "at work for" in said[1]
    assert "done in" in said[-1]
    # The limit holds again.
    with pytest.raises(StatementTimeoutError):
        await run(database, SLOW[database.dialect])


async def test_a_creation_may_take_longer_than_a_statement(
    open_database: OpenDatabase, releases: Releases
) -> None:
    database = await open_database(statement_timeout=0.1)
    root = releases.new(schema=releases_schema(SLOW[database.dialect]))
    assert await initialize_store(database, "notes", root) == 1


def releases_schema(first: str) -> str:
    return f"{first}CREATE TABLE IF NOT EXISTS notes (\n    id TEXT NOT NULL\n);\n"


@pytest.mark.parametrize("upgrade", [SLOW["postgres"], f"{MARK}{SLOW['postgres']}"])
async def test_the_limits_of_a_role_do_not_count(
    postgres_database: PostgresDatabase, postgres_dsn: str, releases: Releases, upgrade: str
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    [(name, version)] = ask(
        postgres_dsn, "SELECT current_database(), current_setting('server_version_num')::integer"
    )
    limits = ["statement_timeout"] + ["transaction_timeout"] * (int(str(version)) >= 170000)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for limit in limits:
            connection.execute(f'ALTER DATABASE "{name}" SET {limit} = 300'.encode())
    limited = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    with pytest.raises(DatabaseError):
        await run(limited, SLOW["postgres"])
    root = releases.new({"postgres": upgrade, "sqlite": "SELECT 1;"})
    assert await initialize_store(limited, "notes", root) == 2
    with pytest.raises(DatabaseError):
        await run(limited, SLOW["postgres"])
    await limited.close()


async def test_an_outer_transaction_keeps_its_limits(
    postgres_database: PostgresDatabase, releases: Releases
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    check = (
        "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '7s' "
        "AND current_setting('statement_timeout') = '50s'; END $$"
    )
    async with postgres_database.transaction() as connection:
        await connection.run_script(
            "limits", "SET LOCAL lock_timeout = '7s'; SET LOCAL statement_timeout = '50s'"
        )
        await initialize_store(postgres_database, "notes", releases.new(ALTER))
        await connection.run_script("check", check)


# Tables that are made anew in SQLite

CHILDREN = """
CREATE TABLE links (
    id TEXT REFERENCES notes (id) ON DELETE CASCADE,
    other TEXT REFERENCES notes (id)
);
INSERT INTO notes (id, body) VALUES ('a', 'x'), ('b', 'y');
INSERT INTO links (id, other) VALUES ('a', 'b'), ('b', NULL);
"""
ANEW = """
-- foreign keys: off because the table is made anew
CREATE TABLE notes_new (
    id TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_body_check CHECK (body <> '')
);
INSERT INTO notes_new (id, body) SELECT id, body FROM notes;
DROP TABLE notes;
ALTER TABLE notes_new RENAME TO notes;
"""
COUNT = "SELECT (SELECT count(*) FROM notes) || ' ' || (SELECT count(*) FROM links)"


@pytest.fixture
async def linked(sqlite_database: SQLiteDatabase, releases: Releases) -> SQLiteDatabase:
    """A file in which other rows refer to notes."""
    await initialize_store(sqlite_database, "notes", releases.old)
    await run(sqlite_database, CHILDREN)
    return sqlite_database


async def test_a_table_that_is_made_anew_keeps_what_refers_to_it(
    linked: SQLiteDatabase, releases: Releases
) -> None:
    root = releases.new({"postgres": "SELECT 1;\n", "sqlite": ANEW})
    assert await initialize_store(linked, "notes", root) == 2
    assert await value(linked, COUNT) == "2 2"
    with pytest.raises(DatabaseError, match="notes_body_check"):
        await run(linked, "INSERT INTO notes (id, body) VALUES ('c', '');")
    # Foreign keys count again, and those of the other table mean the new one.
    with pytest.raises(DatabaseError, match="FOREIGN KEY"):
        await run(linked, "INSERT INTO links (id) VALUES ('none');")
    await run(linked, "DELETE FROM notes WHERE id = 'a';")
    assert await value(linked, COUNT) == "1 1"


@pytest.mark.parametrize("loss", ["FROM notes WHERE id = 'a'", "FROM notes WHERE body <> 'y'"])
async def test_a_table_that_loses_what_others_refer_to_is_not_made_anew(
    linked: SQLiteDatabase, releases: Releases, loss: str
) -> None:
    # What is broken already is not the upgrade's fault.
    async with linked.connection() as connection:
        for step in (
            "PRAGMA foreign_keys = OFF",
            "INSERT INTO links (id) VALUES ('gone')",
            "PRAGMA foreign_keys = ON",
        ):
            await connection.run_script("test", step)
    wrong = ANEW.replace("FROM notes;", f"{loss};")
    root = releases.new({"postgres": "SELECT 1;\n", "sqlite": wrong})
    with pytest.raises(SchemaError, match=r"0002_step\.sql: 2 rows would refer to rows that are"):
        await initialize_store(linked, "notes", root)
    assert await value(linked, COUNT) == "2 3"
    with pytest.raises(DatabaseError, match="FOREIGN KEY"):
        await run(linked, "INSERT INTO links (id) VALUES ('none');")
    root = releases.new({"postgres": "SELECT 1;\n", "sqlite": ANEW}, name="right")
    assert await initialize_store(linked, "notes", root) == 2


# Locks


async def test_an_upgrade_lets_the_application_work_while_it_waits(
    postgres_database: PostgresDatabase,
    postgres_dsn: str,
    releases: Releases,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT", 0.05)
    await initialize_store(postgres_database, "notes", releases.old)
    root = releases.new(ALTER)
    async with holding(postgres_dsn, "SELECT * FROM notes"):
        work = asyncio.create_task(
            initialize_store(postgres_database, "notes", root, report=said.append)
        )

        async def has_waited() -> bool:
            # Reading and writing is not stopped for longer than the upgrade waits at a time.
            await run(postgres_database, "INSERT INTO notes (id) VALUES (gen_random_uuid())")
            return sum("waiting for a lock" in sentence for sentence in said) >= 3

        await until(has_waited)
        assert not work.done()
    assert await work == 2
    waited = next(sentence for sentence in said if "waiting for a lock" in sentence)
    assert "(holder, in a transaction since" in waited


async def test_an_upgrade_gives_up_when_a_lock_is_kept(
    postgres_database: PostgresDatabase,
    postgres_dsn: str,
    releases: Releases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr(steps, "LOCK_PATIENCE", 0.1)
    await initialize_store(postgres_database, "notes", releases.old)
    before = await catalog(postgres_database)
    async with holding(postgres_dsn, "SELECT * FROM notes"):
        with pytest.raises(LockTimeoutError, match=r"nothing of this step was kept.*holder"):
            await initialize_store(postgres_database, "notes", releases.new(ALTER))
    assert await catalog(postgres_database) == before


async def test_on_sqlite_an_upgrade_waits_for_a_writer(
    tmp_path: Path, releases: Releases, said: list[str]
) -> None:
    databases = [SQLiteDatabase(tmp_path / "notes.db", busy_timeout=0.05) for _ in range(2)]
    await initialize_store(databases[0], "notes", releases.old)
    async with databases[1].transaction():
        work = asyncio.create_task(
            initialize_store(databases[0], "notes", releases.new(ALTER), report=said.append)
        )

        async def has_waited() -> bool:
            return "notes: waiting for a lock that is held by another process" in said

        await until(has_waited)
    assert await work == 2
    for database in databases:
        await database.close()


async def test_where_the_version_is_current_nothing_is_locked(
    postgres_database: PostgresDatabase, postgres_dsn: str
) -> None:
    versions = await apply_schema(postgres_database)
    names = [name for store in store_names("postgres") for name in table_names(store, "postgres")]
    async with holding(postgres_dsn, f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"):
        assert await apply_schema(postgres_database) == versions


# Outside a transaction


async def test_an_index_is_built_beside_the_application(
    database: Database, releases: Releases
) -> None:
    await initialize_store(database, "notes", releases.old)
    await run(database, "INSERT INTO notes (id, body) VALUES ('a', 'x'), ('b', 'y')")
    root = releases.new(ALONE, ALTER)
    assert await initialize_store(database, "notes", root) == 3
    assert ("notes", "index", "notes_body") in await catalog(database)
    assert await initialize_store(database, "notes", root) == 3
    with pytest.raises(DuplicateKeyError):
        await run(database, "INSERT INTO notes (id, body) VALUES ('c', 'x')")


async def test_the_application_writes_while_an_index_is_built(
    postgres_database: PostgresDatabase, postgres_dsn: str, releases: Releases
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    root = releases.new(ALONE)
    # Building waits for whoever may still look at rows of before.
    snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT * FROM notes"
    async with holding(postgres_dsn, snapshot):
        work = [
            asyncio.create_task(initialize_store(postgres_database, "notes", root))
            for _ in range(3)
        ]

        async def is_waiting() -> bool:
            return bool(
                ask(
                    postgres_dsn,
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                    "AND query LIKE 'CREATE UNIQUE INDEX%%' AND wait_event_type = 'Lock'",
                )
            )

        await until(is_waiting)
        for number in range(5):
            await run(
                postgres_database, f"INSERT INTO notes (id, body) VALUES ({number}, {number})"
            )
        assert not any(one.done() for one in work)
    assert await asyncio.gather(*work) == [2, 2, 2]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_body'::regclass"
    assert ask(postgres_dsn, valid) == [(True,)]
    # Neither locks nor settings are left in the pool's sessions.
    assert ask(postgres_dsn, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'") == []
    await run(
        postgres_database,
        "DO $$ BEGIN ASSERT (SELECT setting = reset_val FROM pg_settings "
        "WHERE name = 'lock_timeout'); END $$",
    )


async def test_what_was_cut_short_is_resumed(
    postgres_database: PostgresDatabase, postgres_dsn: str, releases: Releases, said: list[str]
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    await run(postgres_database, "INSERT INTO notes (id, body) VALUES ('a', 'x'), ('b', 'x')")
    first = "CREATE INDEX CONCURRENTLY IF NOT EXISTS notes_first ON notes (id, body);\n"
    root = releases.new({"postgres": MARK + first + INDEX, "sqlite": MARK + PLAIN_INDEX})
    with pytest.raises(DuplicateKeyError, match=r"^notes/0002_step\.sql:3: "):
        await initialize_store(postgres_database, "notes", root)
    # The server keeps the beginnings of the index.
    assert ask(
        postgres_dsn, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_body'::regclass"
    ) == [(False,)]
    await run(postgres_database, "DELETE FROM notes WHERE id = 'b'")
    assert await initialize_store(postgres_database, "notes", root, report=said.append) == 2
    assert "notes: dropping index notes_body, whose building was cut short" in said
    assert ask(postgres_dsn, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


async def test_references_are_looked_at_again_afterwards(
    sqlite_database: SQLiteDatabase, releases: Releases
) -> None:
    await initialize_store(sqlite_database, "notes", releases.old)
    text = f"{MARK}PRAGMA foreign_keys = OFF;\nVACUUM;\n"
    root = releases.new({"postgres": MARK + "VACUUM;", "sqlite": text})
    assert await initialize_store(sqlite_database, "notes", root) == 2
    await run(
        sqlite_database,
        "CREATE TABLE replies (id TEXT REFERENCES notes (id))",
    )
    with pytest.raises(DatabaseError):
        await run(sqlite_database, "INSERT INTO replies VALUES ('nowhere')")


async def test_it_is_refused_within_a_transaction(database: Database, releases: Releases) -> None:
    await initialize_store(database, "notes", releases.old)
    before = await catalog(database)
    with pytest.raises(SchemaError, match=r"0002_step\.sql: it can't run in a transaction"):
        async with database.transaction():
            await initialize_store(database, "notes", releases.new(ALONE))
    assert await catalog(database) == before


async def test_it_is_refused_behind_a_transaction_pooler(
    postgres_database: PostgresDatabase, postgres_dsn: str, releases: Releases
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    pooled = await PostgresDatabase.connect(f"{postgres_dsn}&pgbouncer=true", 1, 1)
    with pytest.raises(SchemaError, match="use the direct connection"):
        await initialize_store(pooled, "notes", releases.new(ALONE))
    # What is a transaction works there.
    assert await initialize_store(pooled, "notes", releases.new(ALTER, name="other")) == 2
    await pooled.close()
