"""Standbys, servers that turn read-only, and commits whose answer does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import (
    ConnectionLostError,
    OutcomeUnknownError,
    ReadOnlyDatabaseError,
    StatementOutcomeUnknownError,
    StatementTimeoutError,
    UnsupportedStatementError,
)
from aragora_sql.server.health import Inspector
from aragora_sql.server.metrics import exposition
from aragora_sql.server.statistics import Statistics
from aragora_sql.server.work import Work
from tests.database.items import SCHEMA, Items
from tests.database.replication import execute, place_of, standby_of, wait_for_standby
from tests.database.waiting import until
from tests.proxy import CountingProxy

READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
READ_WRITE = "ALTER SYSTEM RESET default_transaction_read_only"
RELOAD = "SELECT pg_reload_conf()"


@pytest.fixture(scope="module")
def first() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        execute(server.dsn(), SCHEMA)
        yield server


@pytest.fixture(scope="module")
def second() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        execute(server.dsn(), SCHEMA)
        yield server


@pytest.fixture
def two_hosts(first: EmbeddedServer, second: EmbeddedServer) -> Iterator[str]:
    """The DSN of whichever of two servers takes writes; the first one is asked first."""
    for server in (first, second):
        execute(server.dsn(), "DELETE FROM items")
    yield f"postgresql://postgres@/postgres?host={place_of(first)},{place_of(second)}"
    execute(first.dsn(), "SET default_transaction_read_only = off", READ_WRITE, RELOAD)


def ids_on(server: EmbeddedServer) -> list[str]:
    with psycopg.connect(server.dsn()) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM items ORDER BY id")]


async def turn_read_only(server: EmbeddedServer, items: Items) -> None:
    """Make a server refuse writes, also those of the sessions that are open."""
    execute(server.dsn(), READ_ONLY, RELOAD)
    async with asyncio.timeout(20), items.database.connection() as connection:
        assert isinstance(connection, PostgresConnection)
        while await connection.raw.fetchval("SHOW default_transaction_read_only") == "off":
            pass


@pytest.mark.parametrize("attribute", ["read-write", "primary"])
async def test_a_server_that_turns_read_only_is_left_for_the_one_that_takes_writes(
    two_hosts: str, first: EmbeddedServer, second: EmbeddedServer, items_tree: Path, attribute: str
) -> None:
    dsn = f"{two_hosts}&target_session_attrs={attribute}"
    database = await PostgresDatabase.connect(dsn, 2, 4)
    items = Items.on(database, items_tree)
    await items.add("before")
    await turn_read_only(first, items)
    if attribute == "primary":
        # To asyncpg it still is one: that it refuses is said, again and again.
        for _ in range(3):
            with pytest.raises(ReadOnlyDatabaseError, match=r"items\.add: cannot execute INSERT"):
                await items.add("after")
        health = await database.health()
        assert (health.ok, health.role, health.is_read_only) == (False, "primary", True)
    else:
        with pytest.raises(ReadOnlyDatabaseError, match="run it again"):
            async with database.transaction():
                await items.add("in vain")
        # Each of the pool's connections is renewed.
        await asyncio.gather(*(items.add(f"after {number}") for number in range(8)))
        assert ids_on(first) == ["before"]
        assert ids_on(second) == [f"after {number}" for number in range(8)]
        health = await database.health()
        assert (health.ok, health.role, health.is_read_only) == (True, "primary", False)
    await database.close()


async def test_health_notices_that_the_server_turned_read_only(
    two_hosts: str, first: EmbeddedServer, items_tree: Path
) -> None:
    database = await PostgresDatabase.connect(f"{two_hosts}&target_session_attrs=read-write", 1, 1)
    items = Items.on(database, items_tree)
    assert (await database.health()).ok
    await turn_read_only(first, items)
    health = await database.health()
    assert not health.ok
    assert "takes no writes" in str(health.error)
    assert health.to_dict()["read_only"] is True
    # It has had the connections renewed, so nobody's write fails.
    await items.add("a")
    assert (await database.health()).ok
    await database.close()


async def test_a_read_only_server_is_healthy_where_nobody_asked_for_writes(
    two_hosts: str, first: EmbeddedServer, items_tree: Path
) -> None:
    database = await PostgresDatabase.connect(two_hosts, 1, 1)
    items = Items.on(database, items_tree)
    await turn_read_only(first, items)
    health = await database.health()
    assert (health.ok, health.is_read_only) == (True, True)
    with pytest.raises(ReadOnlyDatabaseError):
        await items.add("a")
    assert await items.ids() == []
    await database.close()


# Standbys


@pytest.fixture(scope="module")
def standby(first: EmbeddedServer) -> Iterator[EmbeddedServer]:
    with standby_of(first) as server:
        yield server


async def test_a_standby_says_what_it_is_and_refuses_writes_with_errors_of_their_own(
    first: EmbeddedServer, standby: EmbeddedServer, items_tree: Path
) -> None:
    database = await PostgresDatabase.connect(standby.dsn(), 1, 4)
    items = Items.on(database, items_tree)
    health = await database.health()
    assert (health.ok, health.role, health.is_read_only) == (True, "standby", True)
    assert health.lag_seconds is not None
    assert health.lag_seconds >= 0
    shown = health.to_dict()
    assert (shown["role"], shown["status"]) == ("standby", "healthy")
    with pytest.raises(ReadOnlyDatabaseError, match="standby"):
        await items.add("a")
    with pytest.raises(ReadOnlyDatabaseError):
        async with database.transaction():
            await items.grow("a")
    with pytest.raises(ReadOnlyDatabaseError, match="LISTEN channel"):
        await database.watch("channel").mark()
    async with database.connection() as connection:
        with pytest.raises(UnsupportedStatementError, match="serializable"):
            await connection.run_script(
                "serializable", "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT"
            )
        assert isinstance(connection, PostgresConnection)
        await connection.raw.execute("ROLLBACK")
    assert isinstance(await items.ids(), list)
    await database.close()


async def test_the_lag_of_a_standby_that_does_not_apply_changes(
    first: EmbeddedServer, standby: EmbeddedServer
) -> None:
    database = await PostgresDatabase.connect(standby.dsn(), 1, 1)
    execute(first.dsn(), "CREATE TABLE lagging (n int)")
    wait_for_standby(standby.dsn(), "lagging")
    async with asyncio.timeout(20):
        while (await database.health()).lag_seconds != 0:
            pass
    execute(standby.dsn(), "SELECT pg_wal_replay_pause()")
    execute(first.dsn(), "INSERT INTO lagging VALUES (1)")
    async with asyncio.timeout(20):
        while not (await database.health()).lag_seconds:
            pass
    state = await Inspector(database, [], timeout=20.0, max_lag=0.0).look()
    assert state.status == "degraded"
    assert state.reasons[0].startswith("this replica is ")
    primary = await PostgresDatabase.connect(first.dsn(), 1, 1)
    asking = Inspector(primary, [], timeout=20.0)
    state = await asking.look()
    (replica,) = state.replicas
    assert (replica.address, replica.state) == ("local", "streaming")
    assert replica.lag_bytes is not None
    assert replica.lag_bytes > 0
    text, _ = exposition(state, Work(), Statistics(primary), "")
    labels = f'address="local",replica="{replica.name}"'
    assert f"aragora_replica_lag_bytes{{{labels}}} ".encode() in text
    await primary.close()
    execute(standby.dsn(), "SELECT pg_wal_replay_resume()")
    async with asyncio.timeout(20):
        while (await database.health()).lag_seconds != 0:
            pass
    await database.close()


# Commits whose answer does not come


@pytest.fixture(scope="module")
def without_standby() -> Iterator[EmbeddedServer]:
    """A server whose commits wait for a standby that is not there, where a session asks for it."""
    with EmbeddedServer(settings={"synchronous_standby_names": "absent"}) as server:
        execute(server.dsn(), SCHEMA)
        yield server


async def test_a_commit_that_waits_for_a_standby_has_an_unknown_outcome(
    without_standby: EmbeddedServer, items_tree: Path
) -> None:
    dsn = f"{without_standby.dsn()}&synchronous_commit=on"
    database = await PostgresDatabase.connect(dsn, 1, 4, statement_timeout=0.5)
    items = Items.on(database, items_tree)
    with pytest.raises(OutcomeUnknownError, match="COMMIT: no answer") as caught:
        async with database.transaction():
            await items.add("in a transaction")
    assert not isinstance(caught.value, StatementTimeoutError)
    with pytest.raises(OutcomeUnknownError, match=r"items\.add: .* may have committed") as caught:
        await items.add("by itself")
    assert type(caught.value) is StatementOutcomeUnknownError
    with pytest.raises(OutcomeUnknownError):
        async with database.connection() as connection:
            await items.queries.add_many(connection, [{"id": f"{n}", "size": n} for n in range(3)])
    # All of it is there: to run it again would have been the mistake.
    assert await items.ids() == ["0", "1", "2", "by itself", "in a transaction"]
    # What only reads, and what is rolled back, is as clear as before.
    with pytest.raises(StatementTimeoutError) as stopped:
        await items.dawdle()
    assert not isinstance(stopped.value, OutcomeUnknownError)
    with pytest.raises(StatementTimeoutError) as stopped:
        async with database.transaction():
            await items.dawdle(writing=True)
    assert not isinstance(stopped.value, OutcomeUnknownError)
    await database.close()


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_connection_that_breaks_before_the_answer_to_a_commit(
    counted_postgres: CountingProxy, postgres_dsn: str, items_tree: Path, in_transaction: bool
) -> None:
    direct = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    watching = await Items.create(direct, items_tree)
    await watching.add("a")
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    items = Items.on(database, items_tree)
    await items.grow("a")

    async def work() -> None:
        if not in_transaction:
            counted_postgres.stall(replies_only=True)
            await items.grow("a")
            return
        async with database.transaction():
            await items.grow("a")
            counted_postgres.stall(replies_only=True)

    task = asyncio.create_task(work())
    async with asyncio.timeout(20):
        while await watching.size("a") != 2:
            pass
    await counted_postgres.drop()
    counted_postgres.resume()
    with pytest.raises(OutcomeUnknownError, match="whether it took effect is not known"):
        await task
    await database.close()
    await direct.close()


async def test_a_connection_that_breaks_before_the_commit_leaves_no_doubt(
    counted_postgres: CountingProxy, items_tree: Path
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    items = await Items.create(database, items_tree)
    await items.add("a")

    async def work() -> None:
        async with database.transaction():
            await items.grow("a")
            counted_postgres.reset()
            await items.dawdle(writing=True)

    task = asyncio.create_task(work())
    await until(lambda: counted_postgres.round_trips >= 1)
    await counted_postgres.drop()
    with pytest.raises(ConnectionLostError) as caught:
        await task
    assert not isinstance(caught.value, OutcomeUnknownError)
    # The same of a statement that only reads.
    counted_postgres.reset()
    reading = asyncio.create_task(items.dawdle())
    await until(lambda: counted_postgres.round_trips >= 2)
    await counted_postgres.drop()
    with pytest.raises(ConnectionLostError) as lost:
        await reading
    assert not isinstance(lost.value, OutcomeUnknownError)
    assert await items.size("a") == 0
    await database.close()


async def test_a_file_that_is_only_read_refuses_writes(
    sqlite_database: SQLiteDatabase, items_tree: Path
) -> None:
    items = await Items.create(sqlite_database, items_tree)
    with pytest.raises(ReadOnlyDatabaseError, match="readonly database"):
        async with sqlite_database.read() as connection:
            await items.queries.add(connection, id="a", size=0, parent=None)
    reading = SQLiteDatabase(sqlite_database.path, mode="read")
    with pytest.raises(ReadOnlyDatabaseError, match="opened for reading only"):
        await Items.on(reading, items_tree).add("a")
    health = await reading.health()
    assert (health.ok, health.is_read_only) == (True, True)
    await reading.close()
