"""A standby of an embedded server, for tests of failover."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.embedded.standbys import standby_of
from aragora_sql.settings import PostgresDSN
from tests.database.waiting import PATIENCE

__all__ = [
    "crash",
    "execute",
    "one_row",
    "place_of",
    "processes_of",
    "standby_of",
    "stopped",
    "wait_for_standby",
]


def execute(dsn: str, *statements: str) -> None:
    """Run statements, each by itself."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def wait_for_standby(standby: str, table: str) -> None:
    """Wait until a table of the primary is on the standby too."""
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(standby, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
            if row is not None and row[0] is not None:
                return
    raise AssertionError(f"the standby has no table {table}")


def place_of(server: EmbeddedServer) -> Path:
    """The folder of a server's socket."""
    return Path(PostgresDSN.parse(server.dsn()).option("host") or "")


def processes_of(server: EmbeddedServer) -> list[int]:
    """The processes of a server, itself first."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        ).fetchall()
    return [server.pid, *(row[0] for row in rows)]


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    """Hold all processes of a server while the block lasts, as a machine that hangs does."""
    processes = processes_of(server)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def crash(server: EmbeddedServer) -> None:
    """Kill a session of a server, which makes it end all others and recover."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)


def one_row(dsn: str, statement: str) -> tuple[Any, ...]:
    """Run a statement, and return its row."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row
