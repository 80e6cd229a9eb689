"""Policies by which a role of the application sees the rows of one tenant at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from aragora_sql.checker.meaning.calls import Call, read_calls
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.cli import main
from aragora_sql.database import Connection, Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseError,
    InvalidInputError,
    TenantNotEnforcedError,
)
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import read_queries, sql_dir
from aragora_sql.schema import apply_schema, apply_tenant_policies, read_markers, verify_schema
from aragora_sql.stores.continuum import ContinuumMemory
from aragora_sql.stores.governance import GovernanceStore
from tests.conftest import OpenDatabase
from tests.database.test_pooler import pgbouncer
from tests.schema.test_rights import as_role, dsn, owner, server
from tests.stores.governance.cases import save
from tests.stores.samples import fetch_value

__all__ = ["dsn", "owner", "server"]

SQL = sql_dir()
# The tables of stores with a tenant's column, and those whose foreign keys lead to them.
SCOPED = {t.name: t for t in read_markers(SQL) if t.tenant_column is not None}
STORES = sorted({table.store for table in SCOPED.values()})
CALLS = read_calls(SQL, STORES)
# The operation of each query, by store and name.
QUERIES = {
    (store, query.name): query.operation
    for store in STORES
    for query in read_queries(SQL / "postgres" / store / "queries.sql", "postgres").values()
}
# Rows that nobody sees once they have expired, which the generated times have.
EXPIRING = {"decision_results"}


@pytest.fixture
async def scoped(owner: PostgresDatabase) -> PostgresDatabase:
    """All stores with the policies, as the role that owns them."""
    await apply_schema(owner)
    await apply_tenant_policies(owner, "app")
    return owner


@pytest.fixture
async def app(scoped: PostgresDatabase, dsn: str) -> AsyncIterator[PostgresDatabase]:
    """The database as a role that owns nothing of it."""
    database = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    yield database
    await database.close()


async def test_a_tenant_reads_and_changes_its_own_rows_only(
    scoped: PostgresDatabase, app: PostgresDatabase
) -> None:
    governance = GovernanceStore(app)
    for tenant in ("a", "b"):
        async with app.transaction(tenant=tenant):
            await save(governance, f"of {tenant}", org_id=tenant)
            await governance.vote(f"of {tenant}", "ben", True)
    async with app.read(tenant="a"):
        assert [one.approval_id for one in await governance.list_approvals()] == ["of a"]
        assert await governance.list_approvals(org_id="b") == []
        assert await governance.get_approval("of b") is None
        assert await governance.list_votes("of b") == []
        assert len(await governance.list_votes("of a")) == 1
    async with app.transaction(tenant="a"):
        assert not await governance.delete_approval("of b")
        assert not await governance.update_approval_status("of b", "cancelled")
    with pytest.raises(DatabaseError, match="row-level security"):
        async with app.transaction(tenant="a"):
            await save(governance, "stolen", org_id="b")
    with pytest.raises(DatabaseError, match="row-level security"):
        async with app.transaction(tenant="a"):
            await save(governance, "nobody's", org_id=None)
    assert len(await GovernanceStore(scoped).list_approvals()) == 2


async def test_without_a_tenant_no_row_is_seen(app: PostgresDatabase) -> None:
    governance = GovernanceStore(app)
    async with app.transaction(tenant="a"):
        await save(governance, "of a", org_id="a")
        await governance.set_policy("low", 2, org_id="a")
    assert await governance.list_approvals() == []
    assert await governance.list_policies() == []
    # What was set for a transaction is '' after it, in the same session.
    assert await fetch_value(app, "SELECT count(*) FROM governance_approvals") == 0
    async with app.transaction():
        assert await governance.list_approvals() == []


async def test_policies_for_all_organizations_are_read_by_each_and_changed_by_none(
    scoped: PostgresDatabase, app: PostgresDatabase
) -> None:
    await GovernanceStore(scoped).set_policy("high", 3)
    governance = GovernanceStore(app)
    async with app.transaction(tenant="a"):
        await save(governance, "of a", org_id="a", risk_level="high")
        approval = await governance.get_approval("of a")
        assert approval is not None
        assert approval.required_approvals == 3
        assert not await governance.delete_policy("high")
    with pytest.raises(DatabaseError, match="row-level security"):
        async with app.transaction(tenant="a"):
            await governance.set_policy("high", 1)
    assert await governance.list_policies() == []


async def test_units_inside_are_of_the_same_tenant(app: PostgresDatabase) -> None:
    governance = GovernanceStore(app)
    async with app.transaction(tenant="a"):
        async with app.transaction(tenant="a"):
            await save(governance, "one", org_id="a")
        async with app.transaction():
            await save(governance, "two", org_id="a")
        async with app.read(tenant="a"):
            assert len(await governance.list_approvals()) == 2
        with pytest.raises(InvalidInputError, match="tenant"):
            async with app.transaction(tenant="b"):
                pass
        assert len(await governance.list_approvals()) == 2
    async with app.transaction():
        with pytest.raises(InvalidInputError, match="outermost"):
            async with app.read(tenant="b"):
                pass


async def test_tenants_take_turns_on_few_connections(app: PostgresDatabase) -> None:
    governance = GovernanceStore(app)

    async def work(number: int) -> None:
        tenant = f"t{number % 5}"
        async with app.transaction(tenant=tenant):
            await save(governance, f"{tenant} {number}", org_id=tenant)
        async with app.read(tenant=tenant):
            found = await governance.list_approvals()
            assert {one.org_id for one in found} == {tenant}

    await asyncio.gather(*map(work, range(40)))


async def test_a_pooler_gives_the_tenant_to_nobody_else(scoped: PostgresDatabase, dsn: str) -> None:
    """Behind a real PgBouncer in transaction mode, with two sessions of the server for all."""
    with pgbouncer(as_role(dsn, "app")) as pooled:
        database = await PostgresDatabase.connect(f"{pooled}?pgbouncer=true", 4, 8)
        governance = GovernanceStore(database)

        async def work(number: int) -> None:
            tenant = f"t{number % 5}"
            async with database.transaction(tenant=tenant):
                await save(governance, f"{tenant} {number}", org_id=tenant)
            async with database.read(tenant=tenant):
                found = await governance.list_approvals()
                assert {one.org_id for one in found} == {tenant}
            assert await governance.list_approvals() == []

        await asyncio.gather(*map(work, range(40)))
        await database.close()
    assert len(await GovernanceStore(scoped).list_approvals()) == 40


@pytest.mark.parametrize("tenant", ["", " ", 5, "a\x00", b"a"])
async def test_tenants_that_are_none_are_refused(open_database: OpenDatabase, tenant: Any) -> None:
    database = await open_database()
    for unit in (database.transaction, database.read):
        with pytest.raises(InvalidInputError, match="tenant"):
            unit(tenant=tenant)


async def test_a_tenant_is_refused_where_nothing_would_hide_others(
    open_database: OpenDatabase,
) -> None:
    database = await open_database()
    store = GovernanceStore(database)
    await store.initialize()
    for unit in (database.transaction, database.read):
        with pytest.raises(TenantNotEnforcedError, match="would see the rows of every tenant"):
            async with unit(tenant="a"):
                raise AssertionError("the block was entered")
    # The connection is as before.
    assert await store.list_approvals() == []


async def test_other_stores_stay_closed_and_the_role_is_healthy(app: PostgresDatabase) -> None:
    assert (await app.health()).ok
    await GovernanceStore(app).initialize()
    await ContinuumMemory(app).initialize()
    with pytest.raises(DatabaseError, match="permission denied"):
        await fetch_value(app, "SELECT count(*) FROM job_queue")


async def test_policies_are_made_again_and_are_no_difference(scoped: PostgresDatabase) -> None:
    tables = await apply_tenant_policies(scoped, "app")
    assert set(SCOPED) < set(tables)
    assert "governance_votes" in tables
    assert "job_queue" not in tables
    assert await verify_schema(scoped) == []


async def test_policies_need_a_role_that_they_hold_for(
    owner: PostgresDatabase, open_database: OpenDatabase
) -> None:
    await apply_schema(owner)
    for role, why in [("nobody", "there is no role 'nobody'"), ("owner", "owns the tables")]:
        with pytest.raises(ConfigurationError, match=why):
            await apply_tenant_policies(owner, role)
    database = await open_database()
    if database.dialect == "sqlite":
        with pytest.raises(ConfigurationError, match="SQLite has no roles"):
            await apply_tenant_policies(database, "app")


def test_the_command_makes_them(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "apply", "--dsn", dsn, "--tenant-policies", "app"]) == 0
    assert "tenant policies for role app: " in capsys.readouterr().out
    assert main(["schema", "apply", "--dsn", dsn, "--tenant-policies"]) == 2
    assert "there is no role 'aragora_app'" in capsys.readouterr().err
    arguments = ["schema", "apply", "--dsn", dsn, "--tenant-policies", "app", "--dry-run"]
    assert main(arguments) == 2


# Every query of the stores with a tenant's column, on rows of another tenant


class UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


def plain(value: Any) -> Any:
    """Return a value as jsonb_populate_record() takes it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


class Rows:
    """Stores the rows of a call, all of them of the tenant b, and takes them away."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        # Rows may lack their parents, and tables are emptied whose triggers refuse that.
        self._connection.execute("SET session_replication_role = replica")
        found = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND is_generated = 'NEVER' ORDER BY ordinal_position"
        )
        self._columns: dict[str, list[str]] = {}
        for table, column in found:
            self._columns.setdefault(table, []).append(column)

    def clear(self) -> None:
        tables = [table.name for table in read_markers(SQL, STORES)]
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        self._connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))

    def store(self, tables: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
        """Store rows as those of the tenant b, and return what is there then."""
        self.clear()
        for table, rows in tables.items():
            marked = SCOPED.get(table)
            names = sql.SQL(", ").join(map(sql.Identifier, self._columns[table]))
            for row in rows:
                values = dict(row)
                if marked is not None and marked.tenant_column is not None:
                    values[marked.tenant_column] = "b"
                if table in EXPIRING:
                    values["expires_at"] = "2999-01-01T00:00:00Z"
                # Rows of several scenes may have one key, or another row's parent.
                with suppress(psycopg.errors.IntegrityError):
                    self._connection.execute(
                        sql.SQL(
                            "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} "
                            "FROM jsonb_populate_record(NULL::{table}, %s)"
                        ).format(table=sql.Identifier(table), names=names),
                        [json.dumps(values, default=plain)],
                    )
        return {table: [row for (row,) in rows] for table, rows in self.content().items()}

    def content(self) -> dict[str, list[Any]]:
        return {
            table: self._connection.execute(
                sql.SQL("SELECT to_jsonb(t) FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
            ).fetchall()
            for table in SCOPED
        }


@pytest.fixture
def rows(scoped: PostgresDatabase, server: Any, dsn: str) -> Iterator[Rows]:
    # As a superuser, whom nothing keeps from storing what generated rows hold.
    rows = Rows(server.dsn("test"))
    yield rows
    rows._connection.close()


async def answer(database: Database, tenant: str | None, store: str, query: str, call: Call) -> Any:
    """Return what a query answers one tenant, or the kind of its error; what it did is undone."""
    operation = QUERIES[store, query]
    function = getattr(load_queries(store, "postgres"), query)

    async def ask(connection: Connection) -> Any:
        if operation == "*!":
            return await function(connection, call.arguments)
        if operation == "":
            return [row async for row in function(connection, **call.arguments)]
        return await function(connection, **call.arguments)

    result: Any = None
    try:
        unit = database.transaction(tenant=tenant) if tenant else database.transaction()
        async with unit as connection:
            result = await ask(connection)
            raise UndoneError
    except UndoneError:
        return result
    except AragoraSQLError as error:
        return type(error)


def refused(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, AragoraSQLError)


def rows_of(store: str) -> dict[str, list[Row]]:
    """Return rows of all scenes that are kept of a store, parents before children."""
    found: dict[str, list[Row]] = {}
    for (of, _), kept in CALLS.items():
        for call in kept.calls if of == store else ():
            for table, rows in (call.scene.rows if call.scene else {}).items():
                found.setdefault(table, []).extend(rows)
    tables = [table.name for table in read_markers(SQL, [store])]
    return {name: found[name][:20] for name in tables if name in found}


def aimed(arguments: Any, stored: Mapping[str, list[dict[str, Any]]]) -> Any:
    """Return arguments that ask for what is stored: its keys, its tenant, pages of all of it."""
    if isinstance(arguments, list):
        return [aimed(one, stored) for one in arguments]
    values: dict[str, set[str]] = {}
    for rows in stored.values():
        for row in rows:
            for name, value in row.items():
                if isinstance(value, str):
                    values.setdefault(name, set()).add(value)
    keys = sorted(
        {v for name in values if name == "id" or name[-3:] == "_id" for v in values[name]}
    )
    known: dict[str, Any] = {
        **{name: min(values[name]) for name in arguments if name in values},
        **{name: keys for name in arguments if name.endswith("_ids")},
        "row_limit": 1000,
        "kept": 0,
        "age_seconds": 0.0,
        "after_timestamp": datetime(9999, 1, 1, tzinfo=UTC),
        "after_id": "\U0010ffff",
        "after_priority": 0,
        "min_importance": 0.0,
        "org_id": "b",
        "tenant_id": "b",
    }
    return {
        name: known.get(name, value) if isinstance(known.get(name), type(value)) else value
        for name, value in arguments.items()
    }


@pytest.mark.parametrize(
    "store",
    [pytest.param(name, marks=[pytest.mark.slow] * (name != "decisions")) for name in STORES],
)
async def test_no_query_shows_a_tenant_a_row_of_another(
    store: str, app: PostgresDatabase, scoped: PostgresDatabase, rows: Rows
) -> None:
    """On rows of b every query answers a, and nobody, as on empty tables, and leaves them."""
    telling = set()
    queries = [name for of, name in QUERIES if of == store]
    for query in queries:
        kept = CALLS[store, query].calls if (store, query) in CALLS else ()
        calls = [*kept[:4], None]
        for call in calls:
            given = call or (kept[0] if kept else Call({}))
            scene = given.scene.rows if given.scene else rows_of(store)
            stored = rows.store(scene)
            if not any(stored.values()):
                continue
            asked = given if call else Call(aimed(given.arguments, stored))
            seen = await answer(scoped, None, store, query, asked)
            found = [await answer(app, tenant, store, query, asked) for tenant in ("a", None)]
            assert {t: [row for (row,) in r] for t, r in rows.content().items()} == stored, query
            rows.clear()
            empty = await answer(app, "a", store, query, asked)
            # A key that b has is taken, which is an error where it was none before.
            assert all(refused(one) or one == empty for one in found), query
            if seen != empty:
                telling.add(query)
    # The rows and arguments are such that the owner is answered otherwise.
    assert len(telling) > len(queries) * 0.65, set(queries) - telling
