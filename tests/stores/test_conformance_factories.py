"""How an application gets a store, for every store: by environment, by DSN or path, on a pool."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import aragora_sql
from aragora_sql import SQLiteDatabase, close_databases
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    DatabaseUnavailableError,
    DSNNotConfiguredError,
    QueryFileError,
    SchemaMismatchError,
    SchemaVersionError,
)
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.stores import STORES, StoreEntry
from tests.conftest import OpenDatabase, PostgresServer, Servers
from tests.stores.conformance import (
    CASES,
    cases,
    cases_file,
    each_store,
    exported,
    initialized,
    some_stores,
)
from tests.stores.samples import KEY, fetch_value, row_counts, run

pytestmark = pytest.mark.usefixtures("closed_at_the_end")


@pytest.fixture
def environment(location: str | Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment that names the engine of the test; returns the prefix of its classes."""
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
        return "SQLite"
    monkeypatch.setenv("DATABASE_URL", location)
    monkeypatch.setenv("ARAGORA_DB_POOL_SIZE", "4")
    return "Postgres"


# The table


@each_store
def test_each_store_gives_its_cases(entry: StoreEntry) -> None:
    given = cases(entry)
    lacking = [
        name
        for name in ("hot", "round_trips", "refused", "bad_arguments")
        if not getattr(given, name)
    ]
    assert not lacking, f"{cases_file(entry)}: nothing in {', '.join(lacking)}"


def test_a_store_without_cases_fails_by_its_name() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"store 'beliefs' .* tests/stores/beliefs/cas"):
        cases(StoreEntry("beliefs", "BeliefStore", "belief_store", "beliefs"))
    assert set(CASES) <= {entry.name for entry in STORES}


@each_store
def test_the_names_of_the_table_are_there(entry: StoreEntry) -> None:
    kind = exported(entry.class_name)
    for name in (entry.postgres_class, entry.sqlite_class):
        assert issubclass(exported(name), kind)
        assert exported(name).__name__ == name
    for name in (entry.factory, entry.postgres_factory, entry.sqlite_factory):
        assert asyncio.iscoroutinefunction(exported(name))
    for name in entry.exports:
        # What needs an extra is there, but not for "import *".
        assert (name in aragora_sql.__all__) == (entry.extra is None)
        assert getattr(aragora_sql, name).__name__ == name


# By environment


@each_store
async def test_the_environment_chooses_the_engine(
    entry: StoreEntry, environment: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = entry.postgres_class if environment == "Postgres" else entry.sqlite_class
    with caplog.at_level(logging.INFO, "aragora_sql"):
        store = await exported(entry.factory)()
    assert type(store).__name__ == expected
    said = [(record.name, record.getMessage()) for record in caplog.records]
    assert (entry.logger, f"Using {expected}") in said
    assert await cases(entry).count(store) == 0


@some_stores
async def test_the_stores_of_an_environment_share_transactions(
    entry: StoreEntry, environment: str
) -> None:
    factory, given = exported(entry.factory), cases(entry)
    store, again = await factory(), await factory()
    other = await aragora_sql.get_critique_store()
    with suppress(ZeroDivisionError):
        async with store.database.transaction():
            await given.add(again)
            await other.store_debate("shared", "Task")
            raise ZeroDivisionError
    assert await row_counts(store.database) == {}


@some_stores
async def test_closing_twice_is_harmless_and_the_next_call_opens_again(
    entry: StoreEntry, environment: str
) -> None:
    factory, given = exported(entry.factory), cases(entry)
    await given.add(await factory())
    await close_databases()
    await close_databases()
    assert await given.count(await factory()) == 1


@some_stores
async def test_instances_that_ask_at_once_get_the_same_database(
    entry: StoreEntry, environment: str
) -> None:
    factory, given = exported(entry.factory), cases(entry)
    stores = await asyncio.gather(*(factory() for _ in range(10)))
    await asyncio.gather(*(given.add(store) for store in stores))
    assert [await given.count(store) for store in stores] == [10] * 10


@some_stores
async def test_the_backend_that_is_asked_for_is_used(
    entry: StoreEntry, tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", postgres_dsn)
    for backend, name in (
        ("sqlite", entry.sqlite_class),
        ("postgresql", entry.postgres_class),
        ("postgres", entry.postgres_class),
    ):
        monkeypatch.setenv("ARAGORA_DB_BACKEND", backend)
        store = await exported(entry.factory)()
        assert isinstance(store, exported(name))
    assert (tmp_path / "data" / "aragora.db").is_file()


@some_stores
async def test_postgres_without_a_dsn_is_never_sqlite(
    entry: StoreEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgres")
    for name in (entry.factory, entry.postgres_factory):
        with pytest.raises(DSNNotConfiguredError, match="PostgreSQL DSN not configured"):
            await exported(name)()
    assert not (tmp_path / "aragora.db").exists()


# By DSN, path, pool or database


@each_store
async def test_the_factory_of_an_engine_opens_what_it_is_given(
    entry: StoreEntry, location: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = isinstance(location, Path)
    factory = exported(entry.sqlite_factory if local else entry.postgres_factory)
    given = cases(entry)
    store = await factory(location)
    assert isinstance(store, exported(entry.sqlite_class if local else entry.postgres_class))
    await given.add(store)
    again = await factory(str(location))
    assert await given.count(again) == 1
    if isinstance(location, Path):
        assert again.database is store.database
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    assert await given.count(await factory()) == 1


@some_stores
async def test_a_file_is_made_with_its_folder(entry: StoreEntry, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.db"
    given = cases(entry)
    await given.add(await exported(entry.sqlite_factory)(path))
    await close_databases()
    assert await given.count(exported(entry.sqlite_class)(path)) == 1


@each_store
async def test_a_store_in_memory(entry: StoreEntry) -> None:
    database = SQLiteDatabase(":memory:")
    store = exported(entry.sqlite_class)(database)
    await store.initialize()
    await cases(entry).add(store)
    assert await cases(entry).count(store) == 1
    await database.close()


@some_stores
async def test_a_pool_of_the_application_stays_as_it_is(
    entry: StoreEntry, postgres_dsn: str
) -> None:
    given = cases(entry)
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=3) as pool:
        store = exported(entry.postgres_class)(pool)
        await store.initialize()
        await given.add(store)
        assert await given.count(store) == 1
        with suppress(ZeroDivisionError):
            async with store.database.transaction():
                await given.add(store)
                raise ZeroDivisionError
        assert await given.count(store) == 1
        await store.database.close()
        # It is the application's: it stays open, and has its own idea of JSON.
        assert await pool.fetchval("SELECT '{}'::jsonb") == "{}"


@some_stores
async def test_a_codec_of_the_application_is_left_alone(
    entry: StoreEntry, postgres_dsn: str
) -> None:
    async def set_codec(connection: asyncpg.Connection[Any]) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )

    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1, init=set_codec) as pool:
        store = exported(entry.postgres_class)(pool)
        await cases(entry).add(store)
        assert await cases(entry).count(store) == 1
        assert await pool.fetchval("""SELECT '{"a": 1}'::jsonb""") == {"a": 1}


# What goes wrong of a factory function


@some_stores
async def test_a_server_that_is_not_there_is_said_so(
    entry: StoreEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError) as caught:
        await exported(entry.factory)()
    assert "secret" not in str(caught.value)


@some_stores
async def test_a_database_of_a_newer_release_is_refused(
    entry: StoreEntry, environment: str
) -> None:
    store = await exported(entry.factory)()
    await run(store.database, "UPDATE _schema_versions SET version = 99")
    with pytest.raises(SchemaVersionError, match="newer"):
        await exported(entry.factory)()


@each_store
async def test_a_query_that_a_store_needs_is_missed_when_it_is_made(
    entry: StoreEntry, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "sql"
    query = cases(entry).hot[0].query
    shutil.copytree(packaged_sql_dir(), tree, copy_function=os.symlink)
    for path in tree.glob(f"*/{entry.name}/queries.sql"):
        text = path.read_text(encoding="utf-8")
        path.unlink()
        path.write_text(text.replace(f"-- name: {query}(", f"-- name: other_{query}("), "utf-8")
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tree))
    with pytest.raises(QueryFileError, match=re.escape(query)):
        await exported(entry.factory)()


# initialize()


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(
    request: pytest.FixtureRequest, servers: Servers, tmp_path: Path
) -> AsyncIterator[Database]:
    """A database without a table, of each engine."""
    if request.param == "sqlite":
        on_sqlite = SQLiteDatabase(tmp_path / "empty.db")
        yield on_sqlite
        await on_sqlite.close()
        return
    server: PostgresServer = servers.default
    name = server.create_database()
    database = await PostgresDatabase.connect(server.dsn(name), 1, 2)
    yield database
    await database.close()
    server.drop_database(name)


@each_store
async def test_initialize_makes_the_tables_once(entry: StoreEntry, empty: Database) -> None:
    given = cases(entry)
    store = given.make(empty)
    for _ in range(2):
        await store.initialize()
    await given.add(store)
    await store.initialize()
    assert await given.count(store) == 1
    versions = f"SELECT count(*) FROM _schema_versions WHERE module = '{entry.name}'"
    assert await fetch_value(store.database, versions) == 1


@some_stores
async def test_initialize_refuses_a_table_of_another_system(
    entry: StoreEntry, empty: Database
) -> None:
    store = cases(entry).make(empty)
    definition = cases(entry).foreign_table
    table = definition.split()[0]
    await run(store.database, f"CREATE TABLE {definition}")
    with pytest.raises(SchemaMismatchError, match=f"a table '{table}' of another"):
        await store.initialize()
    assert await fetch_value(store.database, f"SELECT count(*) FROM {table}") == 0


@some_stores
async def test_instances_that_initialize_at_once_share_one_schema(
    entry: StoreEntry, open_database: OpenDatabase
) -> None:
    stores = [cases(entry).make(await open_database()) for _ in range(4)]
    await run(stores[0].database, "DELETE FROM _schema_versions")
    await asyncio.gather(*(store.initialize() for store in stores))
    versions = f"SELECT count(*) FROM _schema_versions WHERE module = '{entry.name}'"
    assert await fetch_value(stores[0].database, versions) == 1
    again = await initialized(entry, stores[0].database)
    assert await cases(entry).count(again) == 0
