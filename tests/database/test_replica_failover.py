"""Histories of sessions while standbys crash, hang and are promoted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psycopg
import pytest

from aragora_sql.database.log_position import LogPosition
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import ConnectionLostError, PositionLostError
from aragora_sql.settings import PostgresDSN, ReplicaSettings
from tests.database.registers import SCHEMA, Event, History, read, sessions, violations, write
from tests.database.replication import crash, execute, one_row, place_of, standby_of, stopped
from tests.database.waiting import outside, until


@dataclass
class Servers:
    primary: EmbeddedServer
    first: EmbeddedServer
    second: EmbeddedServer

    async def open(self) -> PostgresDatabase:
        dsns = tuple(PostgresDSN.parse(server.dsn()) for server in (self.first, self.second))
        database = await PostgresDatabase.connect(
            self.primary.dsn(), 1, 10, replicas=ReplicaSettings(dsns)
        )
        await until(lambda: [one.word for one in database.replicas()] == ["ready", "ready"])
        return database


@pytest.fixture
def servers() -> Iterator[Servers]:
    """A primary whose commits are on the first of its two standbys before they are told of."""
    with ExitStack() as stack:
        primary = stack.enter_context(EmbeddedServer())
        execute(primary.dsn(), *SCHEMA)
        first = stack.enter_context(standby_of(primary, {"cluster_name": "first"}))
        second = stack.enter_context(standby_of(primary, {"cluster_name": "second"}))
        yield Servers(primary, first, second)


def test_the_checker_finds_what_it_looks_for() -> None:
    def event(session: int, kind: str, version: int, began: int, ended: int) -> Event:
        return Event(session, kind, 1, version, began, ended)  # type: ignore[arg-type]

    wrote = [event(1, "write", 1, 1, 2), event(1, "write", 2, 3, 4)]
    assert violations([*wrote, event(1, "read", 2, 5, 6)]) == []
    assert "stale" in violations([*wrote, event(1, "read", 1, 5, 6)])[0]
    # Another session may see the older one, but not after the newer one.
    assert violations([*wrote, event(2, "read", 1, 5, 6)]) == []
    back = [event(2, "read", 2, 5, 6), event(2, "read", 1, 7, 8)]
    assert "stale" in violations([*wrote, *back])[0]
    assert "never written" in violations([*wrote, event(2, "read", 3, 5, 6)])[0]
    # A write whose outcome is not known may be seen, and need not be.
    maybe = [*wrote, event(1, "failed write", 3, 5, 6)]
    assert violations([*maybe, event(1, "read", 2, 7, 8)]) == []
    assert violations([*maybe, event(1, "read", 3, 7, 8)]) == []


@pytest.mark.parametrize("rounds", [60, pytest.param(1500, marks=pytest.mark.slow)])
async def test_no_session_goes_back_while_standbys_crash_hang_and_are_promoted(
    servers: Servers, rounds: int
) -> None:
    execute(
        servers.primary.dsn(),
        "ALTER SYSTEM SET synchronous_standby_names = '\"first\"'",
        "SELECT pg_reload_conf()",
    )
    dsns = f"{servers.primary.dsn()}&synchronous_commit=on"
    replicas = tuple(PostgresDSN.parse(one.dsn()) for one in (servers.first, servers.second))
    database = await PostgresDatabase.connect(dsns, 1, 10, replicas=ReplicaSettings(replicas))
    history = History()

    async def run() -> None:
        nonlocal history
        await sessions(database, history, rounds)

    def words() -> list[str]:
        return [one.word for one in database.replicas()]

    await until(lambda: words() == ["ready", "ready"])
    running = asyncio.ensure_future(run())
    with suppress(psycopg.Error):
        crash(servers.second)
    await until(lambda: words()[1] != "ready" or running.done())
    await until(lambda: words()[1] == "ready")
    with stopped(servers.second):
        await until(lambda: words()[1] == "away")
    await until(lambda: words()[1] == "ready")
    await running
    assert history.count("failed read") == 0
    assert history.count("failed write") == 0
    assert violations(history.events) == []

    # The primary goes, the first standby takes over, and the second follows it.
    # What a neighbour wrote before may still be read.
    before_it = history.count("write")
    running = asyncio.ensure_future(sessions(database, history, rounds, first=rounds + 1))
    await until(lambda: history.count("write") > before_it + 8)
    servers.primary.stop()
    execute(servers.first.dsn(), "SELECT pg_promote()")
    execute(
        servers.second.dsn(),
        f"ALTER SYSTEM SET primary_conninfo = 'host={place_of(servers.first)} user=postgres'",
        "SELECT pg_reload_conf()",
    )
    await until(lambda: words()[0] == "primary")
    await until(lambda: words()[1] == "ready")
    assert [one.problem for one in database.replicas()] == [None, None]
    await running
    assert violations(history.events) == []
    before = database.replicas()[1].reads
    async with asyncio.timeout(20):
        while database.replicas()[1].reads == before:
            assert await outside(read(database, 1)) >= 1
    await write(database, 1, 2 * rounds + 1)
    assert await read(database, 1) == 2 * rounds + 1
    await database.close()


async def test_a_write_that_a_failover_lost_is_told(servers: Servers) -> None:
    database = await servers.open()
    await write(database, 2, 1)
    kept = await database.consistency_token()
    (end,) = one_row(
        servers.primary.dsn(), "SELECT pg_logical_emit_message(true, 'test', '')::text"
    )
    while not one_row(servers.first.dsn(), f"SELECT pg_last_wal_replay_lsn() >= '{end}'")[0]:
        pass
    execute(servers.first.dsn(), "SELECT pg_promote()")
    # The former primary is still there: what takes writes beside it is not read.
    await until(lambda: database.replicas()[0].word == "primary")
    assert "timeline 2" in str(database.replicas()[0].problem)
    await write(database, 2, 2)
    lost = await database.consistency_token()
    assert await read(database, 2) == 2
    servers.primary.stop()
    # Its sessions are cut, and it takes a moment until the other one is known.
    async with asyncio.timeout(20):
        while True:
            with suppress(ConnectionLostError):
                await outside(write(database, 3, 1))
                break
    # The new primary's log goes beyond where the lost write was.
    for version in range(2, 40):
        await outside(write(database, 3, version))
    position = LogPosition.parse(await outside(database.consistency_token()))
    assert (position.timeline, position.lsn > LogPosition.parse(lost).lsn) == (2, True)
    with pytest.raises(PositionLostError, match="never reached the present one"):
        await outside(read(database, 2, at_least=lost))
    assert await outside(read(database, 2, at_least=kept)) == 1
    # The second standby follows a server that is gone: it is not known to be of this timeline.
    assert database.replicas()[1].word in ("unproven", "away")
    # This context goes on with what there is.
    assert await read(database, 2) == 1
    plain = await PostgresDatabase.connect(servers.first.dsn(), 1, 1)
    with pytest.raises(PositionLostError):
        await read(plain, 2, at_least=lost)
    assert await read(plain, 2, at_least=kept) == 1
    await plain.close()
    await database.close()
