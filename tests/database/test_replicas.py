"""Reads from replicas: nobody misses what he wrote, and what goes wrong is told."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from aragora_sql.database.groups import Groups
from aragora_sql.database.log_position import LogFormat, LogPosition
from aragora_sql.database.postgres import PostgresDatabase, close_postgres_pool, get_postgres_pool
from aragora_sql.database.postgres_routes import ReplicaConnection
from aragora_sql.database.read_sessions import tick
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.statement import Statement
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import (
    ForeignReplicaError,
    ForeignTokenError,
    InvalidInputError,
    PositionLostError,
    PositionNotReachedError,
    ReadOnlyDatabaseError,
)
from aragora_sql.server.health import Inspector
from aragora_sql.server.metrics import exposition
from aragora_sql.server.statistics import Statistics
from aragora_sql.server.work import Work
from aragora_sql.settings import PostgresDSN, ReplicaSettings
from tests.database.registers import SCHEMA, History, read, sessions, violations, write
from tests.database.replication import crash, execute, one_row, standby_of, stopped
from tests.database.test_pooler import pgbouncer
from tests.database.waiting import PATIENCE, outside, until
from tests.proxy import CountingProxy

# What a replica is before it has applied what the primary had when it was asked first.
WAITED_FOR = {"starting", "lagging"}
IS_STANDBY = Statement("where", "SELECT pg_is_in_recovery() AS is_standby")


@dataclass
class Cluster:
    """A primary, a standby, and one that applies everything 300 ms later."""

    primary: EmbeddedServer
    near: EmbeddedServer
    late: EmbeddedServer

    def caught_up(self) -> None:
        """Wait until both standbys have applied all that there is."""
        # A commit: other records at the end of the log may stay unwritten for many seconds.
        (end,) = one_row(
            self.primary.dsn(), "SELECT pg_logical_emit_message(true, 'test', '')::text"
        )
        deadline = time.monotonic() + PATIENCE
        for server in (self.near, self.late):
            is_there = False
            while not is_there:
                assert time.monotonic() < deadline
                # It may be recovering, or cancel the question for what it applies.
                with suppress(psycopg.OperationalError):
                    (is_there,) = one_row(
                        server.dsn(), f"SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn"
                    )


Open = Callable[..., Awaitable[PostgresDatabase]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with EmbeddedServer(settings={"wal_writer_delay": "10ms"}) as primary:
        execute(primary.dsn(), *SCHEMA)
        late = {"recovery_min_apply_delay": "300ms"}
        with standby_of(primary) as one, standby_of(primary, late) as two:
            yield Cluster(primary, one, two)


@pytest.fixture
async def open_routed(cluster: Cluster) -> AsyncIterator[Open]:
    """Open the cluster as an application does; closed at the end of the test."""
    opened: list[PostgresDatabase] = []
    execute(cluster.primary.dsn(), "UPDATE registers SET version = 0 WHERE version <> 0")
    cluster.caught_up()

    async def open_one(
        *servers: EmbeddedServer, max_lag: float = 10.0, dsn: str | None = None
    ) -> PostgresDatabase:
        dsns = tuple(PostgresDSN.parse(server.dsn()) for server in servers)
        database = await PostgresDatabase.connect(
            dsn or cluster.primary.dsn(), 1, 10, replicas=ReplicaSettings(dsns, max_lag)
        )
        opened.append(database)
        await until(lambda: not {one.word for one in database.replicas()} & WAITED_FOR)
        await warm(database)
        return database

    yield open_one
    for database in opened:
        await database.close()


async def warm(database: PostgresDatabase) -> None:
    """Open connections to replicas, and wait until what is heard of their servers is theirs too."""
    routes = database._routes
    assert routes is not None
    if not any(one.word == "ready" for one in database.replicas()):
        return
    together = asyncio.Barrier(8)

    async def hold() -> None:
        async with database.read():
            await together.wait()

    await asyncio.gather(*(outside(hold()) for _ in range(8)))
    moment = tick()
    runs = [one.run for one in routes.router.replicas if one.word == "ready"]
    routes.router.look_soon()
    await until(lambda: all(run is not None and run.watched > moment for run in runs))


async def is_on_standby(database: PostgresDatabase, **options: Any) -> bool:
    async with database.read(**options) as connection:
        found: bool = await connection.fetch_value(IS_STANDBY, ())
        return found


def word(database: PostgresDatabase, number: int = 0) -> str:
    return database.replicas()[number].word


# Read-your-writes


@pytest.mark.parametrize("rounds", [40, pytest.param(2500, marks=pytest.mark.slow)])
async def test_eight_tasks_read_back_what_they_wrote(
    cluster: Cluster, open_routed: Open, rounds: int
) -> None:
    database = await open_routed(cluster.near, cluster.late)
    history = History()
    await sessions(database, history, rounds)
    assert violations(history.events) == []
    assert history.count("read") == 16 * rounds
    assert history.count("write") == 8 * rounds
    states = database.replicas()
    # The one that is late is not waited for again and again.
    assert states[0].reads > 0
    share = sum(one.reads for one in states) / (16 * rounds)
    logging.getLogger(__name__).info("%.1f %% of the reads by replicas", 100 * share)


async def test_reads_that_are_not_routed_are_stale(cluster: Cluster) -> None:
    """The control: with the same history from the late standby, violations are found."""
    primary = await PostgresDatabase.connect(cluster.primary.dsn(), 1, 1)
    late = await PostgresDatabase.connect(cluster.late.dsn(), 1, 1)
    history = History()
    for version in range(1, 10):
        began = history.now()
        await write(primary, 60, version)
        history.add(1, "write", 60, version, began)
        began = history.now()
        history.add(1, "read", 60, await read(late, 60), began)
    assert any("stale" in found for found in violations(history.events))
    await primary.close()
    await late.close()


@pytest.mark.parametrize("alone", [False, True])
async def test_a_write_is_seen_by_the_next_read_however_late_the_replica_is(
    cluster: Cluster, open_routed: Open, alone: bool
) -> None:
    database = await open_routed(cluster.late)
    for version in range(1, 6):
        await write(database, 2, version, alone=alone)
        assert await read(database, 2) == version


async def test_who_has_written_nothing_reads_from_a_replica_and_fresh_reads_from_the_primary(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near, cluster.late)
    assert await outside(is_on_standby(database))
    assert not await is_on_standby(database, fresh=True)
    async with database.connection() as connection:
        assert not await connection.fetch_value(IS_STANDBY, ())
        # A read inside takes part in it.
        assert not await is_on_standby(database)
    async with database.transaction() as connection:
        assert not await connection.fetch_value(IS_STANDBY, ())
        assert not await is_on_standby(database)


async def test_a_transaction_within_a_read_is_the_primarys_and_is_seen_by_the_rest_of_the_read(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.late)

    async def work() -> None:
        async with database.read() as outer:
            assert isinstance(outer, ReplicaConnection)
            assert await read(database, 3) == 0
            await write(database, 3, 1)
            # The outer unit's connection shows less than that.
            assert await read(database, 3) == 1
            await write(database, 3, 2, alone=True)
            assert await read(database, 3) == 2

    await outside(work())


@pytest.mark.parametrize("alone", [False, True])
async def test_who_awaits_tasks_sees_what_they_wrote(
    cluster: Cluster, open_routed: Open, alone: bool
) -> None:
    database = await open_routed(cluster.late)

    async def without_a_session() -> None:
        # It has done nothing with the database before.
        await asyncio.gather(*(write(database, key, 7, alone=alone) for key in (10, 11, 12)))
        assert [await read(database, key) for key in (10, 11, 12)] == [7, 7, 7]

    async def with_a_session() -> None:
        assert await read(database, 13) == 0
        await asyncio.gather(*(write(database, key, 8, alone=alone) for key in (13, 14, 15)))
        assert [await read(database, key) for key in (13, 14, 15)] == [8, 8, 8]

    await outside(without_a_session())
    await outside(with_a_session())


async def test_a_write_that_another_task_made_for_the_group_is_seen(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.late)

    async def record(keys: list[int]) -> list[int]:
        async with database.transaction():
            for key in keys:
                await write(database, key, 9)
        return keys

    groups = Groups(record, most=10)

    async def one(key: int) -> int:
        assert await is_on_standby(database)
        assert await groups.run(key) == key
        return await read(database, key)

    tasks = [outside(one(key)) for key in range(20, 28)]
    assert [await task for task in tasks] == [9] * 8


async def test_messages_wake_who_then_sees_what_was_written(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.late)
    watch = database.watch("registers")
    looked = asyncio.Event()

    async def wait() -> int:
        mark = await watch.mark()
        while not await is_on_standby(database):
            pass
        assert await read(database, 30) == 0
        looked.set()
        assert await watch.changed(mark, 20.0)
        return await read(database, 30)

    waiting = outside(wait())
    await looked.wait()
    execute(
        cluster.primary.dsn(),
        "UPDATE registers SET version = 5 WHERE key = 30",
        "NOTIFY registers",
    )
    assert await waiting == 5
    await watch.close()


# Tokens


async def test_a_token_takes_a_write_to_another_process(
    cluster: Cluster, open_routed: Open
) -> None:
    writer = await open_routed(cluster.late)
    reader = await open_routed(cluster.late)
    await outside(is_on_standby(reader))
    await write(writer, 4, 1)
    token = await writer.consistency_token()
    assert await outside(read(reader, 4, at_least=token)) == 1
    async with asyncio.timeout(20):
        while not await outside(is_on_standby(reader, at_least=token)):
            pass
    # One server alone takes part as well, as the primary or as a standby.
    plain = await PostgresDatabase.connect(cluster.primary.dsn(), 1, 1)
    assert await read(plain, 4, at_least=token) == 1
    assert LogPosition.parse(await plain.consistency_token()).timeline == 1
    standby = await PostgresDatabase.connect(cluster.late.dsn(), 1, 1)
    assert await read(standby, 4, at_least=token) == 1
    await write(writer, 4, 2)
    with pytest.raises(PositionNotReachedError):
        await read(standby, 4, at_least=await writer.consistency_token())
    assert await read(standby, 4) == 1
    await plain.close()
    await standby.close()


async def test_tokens_that_lead_nowhere(cluster: Cluster, open_routed: Open) -> None:
    database = await open_routed(cluster.near)
    position = LogPosition.parse(await database.consistency_token())
    plain = await PostgresDatabase.connect(cluster.primary.dsn(), 1, 1)
    for one in (database, plain):
        for wrong in ("", "lsn1", "lsn1.1.1", "sqlite", "0/16EFA00", 5, f"{position.token}0" * 9):
            with pytest.raises(InvalidInputError, match="consistency_token"):
                one.read(at_least=wrong)  # type: ignore[arg-type]
        with pytest.raises(ForeignTokenError):
            await read(one, 1, at_least=LogPosition(1, 1, position.lsn).token)
        for timeline, lsn in ((1, position.lsn + (1 << 30)), (2, position.lsn), (0, 1)):
            token = LogPosition(position.cluster, timeline, lsn).token
            with pytest.raises(PositionLostError, match="not in the log"):
                await read(one, 1, at_least=token)
        # Nothing of it stays behind.
        assert await read(one, 1) == 0
        assert one.metrics().in_use == 0
    await plain.close()


async def test_tokens_of_sqlite(sqlite_database: SQLiteDatabase) -> None:
    token = await sqlite_database.consistency_token()
    async with sqlite_database.read(at_least=token, fresh=True):
        pass
    with pytest.raises(InvalidInputError):
        sqlite_database.read(at_least="lsn1.1.1.1")
    assert sqlite_database.replicas() == ()


def test_a_position_behind_a_header_is_the_end_of_the_record_before() -> None:
    log = LogFormat()
    assert log.end_of(0x2000018) == 0x2000000
    assert log.end_of(0x2002018) == 0x2002000
    assert log.end_of(0x2002028) == 0x2002028
    assert LogFormat(segment=1 << 26).end_of(0x2000028) == 0x2000028
    assert log.end_of(0x1000028) == 0x1000000
    assert log.end_of(0x1234560) == 0x1234560


async def test_a_commit_that_fills_a_page_of_the_log_is_reached(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near)
    with psycopg.connect(cluster.primary.dsn(), autocommit=True) as connection:
        for _ in range(4000):
            row = connection.execute(
                "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint % 8192"
            ).fetchone()
            assert row is not None
            if row[0] == 24:
                break
            # A message takes 26 bytes of headers and more, in steps of eight.
            left = 8192 - row[0]
            size = left - 56 if 64 <= left <= 4000 else 512
            connection.execute("SELECT pg_logical_emit_message(false, '', %s)", ["x" * size])
        else:
            pytest.fail("no record ended where a page does")
    # What it has read is as far as the primary's log is.
    assert not await is_on_standby(database, fresh=True)
    token = await database.consistency_token()
    assert LogPosition.parse(token).lsn % 8192 == 0
    async with asyncio.timeout(10):
        while not await outside(is_on_standby(database, at_least=token)):
            pass


# Costs


async def test_a_commit_brings_its_position_without_another_round_trip(
    cluster: Cluster, open_routed: Open
) -> None:
    async with CountingProxy(cluster.primary.dsn()) as proxy:
        database = await open_routed(cluster.near, dsn=proxy.dsn)
        await write(database, 5, 1)
        routes = database._routes
        assert routes is not None
        # The watching connection would be counted too.
        task, routes.router._task = routes.router._task, None
        assert task is not None
        task.cancel()
        proxy.reset()
        await write(database, 5, 2)
        assert proxy.round_trips == 3
        assert await read(database, 5) == 2
        await database.close()


# Health


async def test_a_replica_that_lags_is_left_and_comes_back(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near, max_lag=0.4)
    await until(lambda: word(database) == "ready")
    execute(cluster.near.dsn(), "SELECT pg_wal_replay_pause()")
    try:
        while word(database) == "ready":
            execute(cluster.primary.dsn(), "UPDATE registers SET version = 1 WHERE key = 40")
            await asyncio.sleep(0.01)
        assert word(database) == "lagging"
        assert await outside(read(database, 40)) == 1
        state = await Inspector(database, [], timeout=20.0).look()
        assert state.status == "degraded"
        assert "0.4 s old" in "".join(state.reasons)
        text, _ = exposition(state, Work(), Statistics(database), "")
        assert b"aragora_read_replica_ready" in text
        assert b"aragora_read_replica_reads_total" in text
    finally:
        execute(cluster.near.dsn(), "SELECT pg_wal_replay_resume()")
    await until(lambda: word(database) == "ready")


async def test_a_replica_that_hangs_keeps_nobody(cluster: Cluster, open_routed: Open) -> None:
    database = await open_routed(cluster.near)
    assert await outside(is_on_standby(database))
    with stopped(cluster.near):
        async with asyncio.timeout(20):
            for number in range(1, 4):
                await write(database, 41, number)
                assert await read(database, 41) == number
        await until(lambda: word(database) == "away")
    await until(lambda: word(database) == "ready")


async def test_a_replica_that_crashes_is_left_and_comes_back(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near)
    history = History()
    running = asyncio.ensure_future(sessions(database, history, 60))
    for _ in range(2):
        await until(lambda: word(database) == "ready")
        # It may be recovering still.
        with suppress(psycopg.Error):
            crash(cluster.near)
        await until(lambda: word(database) != "ready" or running.done())
    await running
    assert violations(history.events) == []
    assert history.count("failed read") == 0
    await until(lambda: word(database) == "ready")


async def test_a_statement_that_the_standby_cancels_is_run_on_the_primary(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near)
    slowly = Statement(
        "slowly",
        "SELECT count(*) AS n FROM registers "
        "WHERE NOT pg_is_in_recovery() OR pg_sleep(5) IS NOT NULL",
    )

    async def look() -> int:
        async with database.read() as connection:
            assert isinstance(connection, ReplicaConnection)
            number: int = await connection.fetch_value(slowly, ())
            # The rest of the unit stays there.
            assert not await connection.fetch_value(IS_STANDBY, ())
            return number

    reload = "SELECT pg_reload_conf()"
    execute(cluster.near.dsn(), "ALTER SYSTEM SET max_standby_streaming_delay = 0", reload)
    looking = outside(look())
    async with asyncio.timeout(20):
        while not looking.done():
            execute(cluster.primary.dsn(), "UPDATE registers SET version = 0", "VACUUM registers")
            await asyncio.sleep(0.01)
    execute(cluster.near.dsn(), "ALTER SYSTEM RESET max_standby_streaming_delay", reload)
    assert await looking == 64
    assert database.replicas()[0].moved == 1


async def test_a_table_that_the_replica_does_not_have_yet_is_read_on_the_primary(
    cluster: Cluster, open_routed: Open
) -> None:
    database = await open_routed(cluster.near)
    execute(cluster.near.dsn(), "SELECT pg_wal_replay_pause()")
    try:
        execute(cluster.primary.dsn(), "CREATE TABLE newer (n int)", "INSERT INTO newer VALUES (3)")

        async def look() -> Any:
            async with database.read() as connection:
                return await connection.fetch_value(Statement("n", "SELECT n FROM newer"), ())

        assert await outside(look()) == 3
    finally:
        execute(cluster.near.dsn(), "SELECT pg_wal_replay_resume()")
        execute(cluster.primary.dsn(), "DROP TABLE newer")


async def test_reads_go_where_less_is_under_way(cluster: Cluster, open_routed: Open) -> None:
    database = await open_routed(cluster.near, cluster.late)
    release = asyncio.Event()

    async def hold() -> str:
        async with database.read() as connection:
            assert isinstance(connection, ReplicaConnection)
            await release.wait()
            return connection.replica.name

    held = [outside(hold()) for _ in range(6)]
    await until(lambda: sum(one.in_flight for one in database.replicas()) == 6)
    assert [one.in_flight for one in database.replicas()] == [3, 3]
    release.set()
    assert len({await one for one in held}) == 2
    assert [one.in_flight for one in database.replicas()] == [0, 0]


# How it is set up


async def test_the_environment_alone_sets_it_up_for_a_role_without_privileges(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        cluster.primary.dsn(),
        "CREATE ROLE app LOGIN",
        "GRANT SELECT, UPDATE ON registers TO app",
    )
    cluster.caught_up()
    primary, near, late = (
        server.dsn().replace("postgres@", "app@")
        for server in (cluster.primary, cluster.near, cluster.late)
    )
    monkeypatch.setenv("DATABASE_URL", primary)
    monkeypatch.setenv("ARAGORA_POSTGRES_REPLICAS", f"{near},{late}")
    pool = await get_postgres_pool(max_size=3)
    database = PostgresDatabase(pool)
    await until(lambda: [one.word for one in database.replicas()] == ["ready", "ready"])
    assert await outside(is_on_standby(database))
    await write(database, 50, 1)
    assert await read(database, 50) == 1
    # All databases of the pool are one.
    assert await read(PostgresDatabase(pool), 50) == 1
    await write(PostgresDatabase(pool), 50, 2)
    assert await read(database, 50) == 2
    # The same primary by name is the same pool, another one has no replicas.
    assert await get_postgres_pool(primary) is pool
    other = await get_postgres_pool(cluster.primary.dsn())
    assert PostgresDatabase(other).replicas() == ()
    await close_postgres_pool()
    assert not [
        row
        for server in (cluster.near, cluster.late)
        for row in [
            one_row(
                server.dsn(),
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state <> 'idle'",
            )
        ]
        if row[0]
    ]


async def test_a_transaction_pooler_before_the_primary_passes_positions_on(
    cluster: Cluster, open_routed: Open
) -> None:
    with pgbouncer(cluster.primary.dsn()) as dsn, pgbouncer(cluster.near.dsn()) as replica:
        database = await open_routed(cluster.late, dsn=dsn)
        for version in range(1, 4):
            await write(database, 51, version)
            assert await read(database, 51) == version
        position = LogPosition.parse(await database.consistency_token())
        assert position.timeline == 1
        await database.close()
        # One before a replica might ask one server and read from another.
        settings = ReplicaSettings((PostgresDSN.parse(replica),))
        database = await PostgresDatabase.connect(dsn, 1, 2, replicas=settings)
        assert not await outside(is_on_standby(database))
        await until(lambda: word(database) == "refused")
        assert "behind a transaction pooler" in str(database.replicas()[0].problem)
        await database.close()


# What is set up wrong


async def test_the_primary_in_the_list_is_no_replica(cluster: Cluster, open_routed: Open) -> None:
    database = await open_routed(cluster.primary)
    assert word(database) == "primary"
    assert not await is_on_standby(database)
    await write(database, 6, 1)
    assert await read(database, 6) == 1
    assert (await Inspector(database, [], timeout=20.0).look()).status == "healthy"


async def test_a_server_of_another_cluster_is_refused(cluster: Cluster, open_routed: Open) -> None:
    with (
        EmbeddedServer() as other,
        pytest.raises(ForeignReplicaError, match="another cluster"),
    ):
        await open_routed(cluster.near, other)


async def test_a_replica_that_refuses_the_role_is_told_and_not_used(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = cluster.near.dsn().replace("postgres@", "nobody-here:s3cret@")
    dsns = (PostgresDSN.parse(wrong), PostgresDSN.parse(cluster.late.dsn()))
    with caplog.at_level(logging.INFO):
        database = await PostgresDatabase.connect(
            cluster.primary.dsn(), 1, 2, replicas=ReplicaSettings(dsns)
        )
        first, second = database.replicas()
        assert (first.word, second.word) == ("refused", "ready")
        assert "nobody-here" in str(first.problem)
        assert await outside(is_on_standby(database))
        state = await Inspector(database, [], timeout=20.0).look()
        assert state.status == "degraded"
        await database.close()
    assert "s3cret" not in caplog.text + repr(database) + repr(first) + str(state.reasons)


async def test_a_write_in_a_read_goes_where_it_can(cluster: Cluster, open_routed: Open) -> None:
    """Without replicas it works; so nothing changes for who does it."""
    database = await open_routed(cluster.near)

    async def work() -> int:
        async with database.read() as connection:
            await connection.fetch_all(
                Statement("w", "UPDATE registers SET version = 3 WHERE key = 7 RETURNING key"), ()
            )
        return await read(database, 7)

    try:
        assert await outside(work()) == 3
    except ReadOnlyDatabaseError:  # pragma: no cover
        pytest.fail("it was not run on the primary")


async def test_a_session_of_another_task_may_be_behind(cluster: Cluster, open_routed: Open) -> None:
    """What is not promised: a task that began before, and was not started from here."""
    database = await open_routed(cluster.late)
    context = Context()
    assert await asyncio.create_task(is_on_standby(database), context=context)
    await write(database, 8, 1)
    found = await asyncio.create_task(read(database, 8), context=context)
    assert found in (0, 1)
    token = await database.consistency_token()
    assert await asyncio.create_task(read(database, 8, at_least=token), context=context) == 1
