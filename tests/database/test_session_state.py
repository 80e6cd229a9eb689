"""What a unit of work leaves in its session is not there in the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Dialect, Statement
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.database.session_state import (
    changes_postgres_session,
    changes_sqlite_connection,
)
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.queries import adapter_of, load_queries
from aragora_sql.schema import store_names
from tests.database.items import Items
from tests.proxy import CountingProxy
from tests.queries.trees import write_store

QUERIES = """\
-- name: set_tenant(tenant)$
-- Say for whom the session works.
SELECT set_config('app.tenant', :tenant, false);

-- name: set_tenant_locally(tenant)$
-- Say for whom the transaction works.
SELECT set_config('app.tenant', :tenant, true);

-- name: set_tenant_by_function(tenant)$
-- Say it by a function of our own.
SELECT become(:tenant);

-- name: get_tenant()$
-- Return for whom the session works.
SELECT coalesce(current_setting('app.tenant', true), '');

-- name: lock()$
-- Take a lock of the session.
SELECT pg_try_advisory_lock(42);
"""
BECOME = (
    "CREATE FUNCTION become(tenant text) RETURNS text LANGUAGE sql AS "
    "$$ SELECT set_config('app.tenant', tenant, false) $$"
)
HELD = Statement("held", "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'")


@pytest.fixture
def queries(tmp_path: Path) -> Any:
    write_store(tmp_path, QUERIES, schema="", store="tenants", dialects=("postgres",))
    return load_queries("tenants", "postgres", tmp_path)


@pytest.mark.parametrize("how", ["set_tenant", "set_tenant_by_function"])
@pytest.mark.parametrize("in_transaction", [False, True])
async def test_settings_of_an_application_are_gone_in_the_next_unit(
    postgres_dsn: str, queries: Any, how: str, in_transaction: bool
) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    async with database.connection() as connection:
        await connection.run_script("set-up", BECOME)
    unit = database.transaction if in_transaction else database.connection
    async with unit() as connection:
        await getattr(queries, how)(connection, tenant="acme")
        assert await queries.get_tenant(connection) == "acme"
    async with database.read() as connection:
        assert await queries.get_tenant(connection) == ""
        # What the pool sets for itself stays.
        assert isinstance(connection, PostgresConnection)
        assert await connection.raw.fetchval("SHOW jit") == "off"
    await database.close()


async def test_locks_and_temporary_tables_are_gone_in_the_next_unit(
    postgres_dsn: str, queries: Any
) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    async with database.connection() as connection:
        assert await queries.lock(connection) is True
        assert await connection.fetch_value(HELD, ()) == 1
        await connection.run_script("temporary", "CREATE TEMP TABLE items (n int)")
        await connection.run_script("settings", "SET lock_timeout = '7s'; LISTEN nothing")
    async with database.connection() as connection:
        assert await connection.fetch_value(HELD, ()) == 0
        assert isinstance(connection, PostgresConnection)
        assert await connection.raw.fetchval("SELECT to_regclass('items')") is None
        assert await connection.raw.fetchval("SHOW lock_timeout") == "0"
        assert await connection.raw.fetch("SELECT pg_listening_channels()") == []
    await database.close()


async def test_only_what_may_change_the_session_costs_a_round_trip(
    counted_postgres: CountingProxy, queries: Any
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    counts = {}
    for name in ("get_tenant", "set_tenant_locally", "set_tenant"):
        arguments = {} if name == "get_tenant" else {"tenant": "acme"}
        for _ in range(2):
            counted_postgres.reset()
            async with database.connection() as connection:
                await getattr(queries, name)(connection, **arguments)
        counts[name] = counted_postgres.round_trips
    assert counts == {"get_tenant": 1, "set_tenant_locally": 1, "set_tenant": 2}
    await database.close()


def test_no_query_of_a_store_has_its_session_reset() -> None:
    """Those of the schema take locks of the session, and set its limits."""
    changing: dict[Dialect, Callable[[str], bool]] = {
        "postgres": changes_postgres_session,
        "sqlite": changes_sqlite_connection,
    }
    for dialect, changes in changing.items():
        for store in store_names(dialect):
            adapter = adapter_of(load_queries(store, dialect))
            for call in adapter._calls.values():
                assert not changes(call.statement.sql), call.statement.name


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("SELECT 1", False),
        ("SELECT count(*), max(n) FROM t WHERE a IN (1, 2) AND b = ANY(:x::text[])", False),
        ("INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 2", False),
        ("WITH x (a) AS (SELECT 1) SELECT a FROM x AS y (b)", False),
        ("SELECT 'SET x = 1; LISTEN y', $1 -- set_config('a', 'b', false)", False),
        ("SET LOCAL lock_timeout = 1; SELECT 1", False),
        ("SELECT pg_catalog.count(*) FROM t", False),
        ("SELECT 1; SET lock_timeout = 1", True),
        ("set session characteristics as transaction read only", True),
        ("SELECT set_config('a', 'b', $1)", True),
        ("SELECT pg_advisory_lock(1)", True),
        ("SELECT shop.count(1)", True),
        ("SELECT mine (1)", True),
        ('SELECT "Mine"(1)', True),
        ("SELECT * FROM mine(1)", True),
        ("DO $$ BEGIN PERFORM 1; END $$", True),
        ("CREATE TEMPORARY TABLE t (a int)", True),
        ("/* why */ LISTEN channel", True),
    ],
)
def test_what_may_change_a_session(sql: str, changes: bool) -> None:
    assert changes_postgres_session(sql) is changes


async def test_pragmas_and_temporary_tables_of_an_application_do_not_stay_in_sqlite(
    sqlite_database: SQLiteDatabase, items_tree: Path
) -> None:
    items = await Items.create(sqlite_database, items_tree)
    keys = Statement("keys", "PRAGMA foreign_keys = OFF")
    async with sqlite_database.connection() as connection:
        await connection.execute(keys, {})
        await connection.run_script("temporary", "CREATE TEMP TABLE items (id TEXT)")
        await connection.run_script("attached", "ATTACH ':memory:' AS other")
    async with sqlite_database.connection() as connection:
        assert await connection.fetch_value(Statement("keys", "PRAGMA foreign_keys"), {}) == 1
        names = await connection.fetch_all(Statement("list", "PRAGMA database_list"), {})
        assert [row["name"] for row in names] == ["main"]
    await items.add("a")
    assert await items.ids() == ["a"]
    assert sqlite_database.metrics().in_use == 0
