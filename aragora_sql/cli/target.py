"""Which database a command works on: its options, and how it is opened."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aragora_sql.cli.progress import working
from aragora_sql.database import Database, Dialect
from aragora_sql.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DSNNotConfiguredError,
)
from aragora_sql.settings import PostgresDSN, Settings, dsn_from_env, dsn_variable

__all__ = [
    "add_postgres_target",
    "add_target",
    "chosen_dialect",
    "on_existing",
    "open_existing",
    "open_postgres",
    "sqlite_path",
]


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a database of either engine."""
    parser.add_argument(
        "--dialect",
        choices=("postgres", "sqlite"),
        help="engine (default: as the environment says; postgres with --dsn)",
    )
    add_postgres_target(parser)
    parser.add_argument(
        "--sqlite-path", metavar="FILE", help="SQLite file (default: in ARAGORA_DATA_DIR)"
    )


def add_postgres_target(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a PostgreSQL database."""
    parser.add_argument("--dsn", help="PostgreSQL connection URI (default: DATABASE_URL)")


def chosen_dialect(options: argparse.Namespace) -> Dialect:
    """Return the engine that the options name, or else the environment.

    Raises :class:`ConfigurationError` for options that contradict each other.
    """
    if options.dsn and options.sqlite_path:
        raise ConfigurationError("--dsn and --sqlite-path name two databases; give one")
    implied: Dialect | None = None
    if options.dsn or options.sqlite_path:
        implied = "postgres" if options.dsn else "sqlite"
    if options.dialect and implied and options.dialect != implied:
        raise ConfigurationError(f"--dialect {options.dialect} does not go with a {implied} target")
    dialect: Dialect = options.dialect or implied or Settings.from_env().backend
    return dialect


def sqlite_path(options: argparse.Namespace) -> Path:
    """Return the SQLite file that the options name, or else the environment."""
    return Path(options.sqlite_path or Settings.from_env().sqlite_path)


async def open_postgres(
    options: argparse.Namespace, *, statement_timeout: float | None = None, max_size: int = 2
) -> Database:
    """Connect to the PostgreSQL database that the options name, or else the environment.

    ``statement_timeout`` is in seconds, ``max_size`` in connections. Raises
    :class:`DatabaseUnavailableError` that says what was tried, and where its name comes from.
    """
    from aragora_sql.database.postgres import DEFAULT_STATEMENT_TIMEOUT, PostgresDatabase

    dsn = PostgresDSN.parse(options.dsn, "--dsn") if options.dsn else dsn_from_env()
    if dsn is None:
        raise DSNNotConfiguredError("--dsn")
    try:
        with working(f"connecting to {dsn}", quiet=getattr(options, "json", False)):
            return await PostgresDatabase.connect(
                dsn,
                min_size=1,
                max_size=max_size,
                statement_timeout=statement_timeout or DEFAULT_STATEMENT_TIMEOUT,
            )
    except DatabaseUnavailableError as error:
        source = "--dsn" if options.dsn else dsn_variable()
        raise DatabaseUnavailableError(f"{error} (the DSN is that of {source})") from error


async def open_existing(
    options: argparse.Namespace,
    *,
    writes: bool,
    statement_timeout: float | None = None,
    max_size: int = 2,
) -> Database:
    """Open the database that the options name; a SQLite file is neither made nor changed.

    ``writes`` says whether statements may write to it, ``statement_timeout`` is in seconds,
    ``max_size`` in connections.
    """
    if chosen_dialect(options) == "postgres":
        return await open_postgres(options, statement_timeout=statement_timeout, max_size=max_size)
    from aragora_sql.database.sqlite import DEFAULT_STATEMENT_TIMEOUT, SQLiteDatabase

    path = sqlite_path(options)
    if not path.is_file():
        source = "--sqlite-path" if options.sqlite_path else "ARAGORA_DATA_DIR"
        raise ConfigurationError(
            f"there is no SQLite file {path.absolute()} (the path is that of {source}; "
            "'aragora-sql schema apply' makes the file)"
        )
    return SQLiteDatabase(
        path,
        mode="write" if writes else "read",
        statement_timeout=statement_timeout or DEFAULT_STATEMENT_TIMEOUT,
    )


def on_existing(
    options: argparse.Namespace, work: Callable[[Database], Awaitable[int]], *, writes: bool
) -> int:
    """Do a command's work on the database of :func:`open_existing`; return its exit code."""

    async def run() -> int:
        database = await open_existing(options, writes=writes)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
