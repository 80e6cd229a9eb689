"""Databases that hold the schemas already, and the stores on them.

With ``PARTITIONED`` set, the tables that grow for ever are in partitions there, one for each month
of the last two years and of the next ones: the same tests have to pass.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psycopg
import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.partitions import GROWING, divide_table
from aragora_sql.schema import render_schema
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.conftest import MISSING_PROGRAM, PostgresServer
from tests.stores.samples import KEYRING

PARTITIONED = bool(os.environ.get("PARTITIONED"))
_FIRST_MONTH = datetime(2024, 12, 1, tzinfo=UTC)


async def _divided(server: PostgresServer, name: str) -> None:
    database = await PostgresDatabase.connect(server.dsn(name), 1, 2)
    try:
        for table in GROWING:
            await divide_table(database, table, "month", first=_FIRST_MONTH)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def template_database() -> Iterator[Callable[[PostgresServer], str]]:
    """The name of a server's template, which holds the schemas of all stores."""
    templates: dict[PostgresServer, str] = {}

    def of(server: PostgresServer) -> str:
        if server not in templates:
            templates[server] = server.create_database()
            with psycopg.connect(server.dsn(templates[server])) as connection:
                connection.execute(render_schema("postgres").encode())
            if PARTITIONED:
                # Of this thread another loop may be at work.
                divide = threading.Thread(
                    target=asyncio.run, args=(_divided(server, templates[server]),)
                )
                divide.start()
                divide.join()
        return templates[server]

    yield of
    for server, name in templates.items():
        server.drop_database(name)


@pytest.fixture(scope="session")
def template_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the schemas of all stores."""
    path = tmp_path_factory.mktemp("template") / "aragora.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(render_schema("sqlite"))
    return path


@pytest.fixture
def location(location: str | Path, template_file: Path) -> str | Path:
    """Where the test's own database is: a file, or a DSN."""
    if isinstance(location, Path):
        shutil.copyfile(template_file, location)
    return location


@pytest.fixture
async def memory(database: Database) -> ConsensusMemory:
    """A consensus memory that is ready for use; the test runs once on each engine."""
    store = ConsensusMemory(database)
    await store.initialize()
    return store


@pytest.fixture
async def critiques(database: Database) -> CritiqueStore:
    """A critique store on the same database as ``memory``."""
    store = CritiqueStore(database)
    await store.initialize()
    return store


@pytest.fixture
async def findings(database: Database) -> FindingWorkflowStore:
    """A workflow store on the same database as ``memory``."""
    store = FindingWorkflowStore(database)
    await store.initialize()
    return store


@pytest.fixture
async def integrations(database: Database) -> IntegrationStore:
    """An integration store with a key, on the same database as ``memory``."""
    store = IntegrationStore(database, KEYRING)
    await store.initialize()
    return store


@pytest.fixture
async def jobs(database: Database) -> AsyncIterator[JobQueueStore]:
    """A job queue that is ready for use; the test runs once on each engine."""
    store = JobQueueStore(database)
    await store.initialize()
    yield store
    await store.close()


@pytest.fixture
async def pgvector_administrator(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a server that offers the extension pgvector."""
    connection = await asyncpg.connect(postgres_dsn)
    offered = "SELECT true FROM pg_available_extensions WHERE name = 'vector'"
    if not await connection.fetchval(offered):
        pytest.skip(f"{MISSING_PROGRAM}the extension vector of the server")
    yield connection
    await connection.close()


@pytest.fixture
async def counting_pool(postgres_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool whose connections count the calls of functions."""
    pool = await asyncpg.create_pool(
        postgres_dsn, min_size=1, max_size=2, server_settings={"track_functions": "all"}
    )
    yield pool
    await pool.close()
