"""Binds a store to an engine: the classes ``PostgresX`` and ``SQLiteX``, and what opens them.

Nothing here is written for one store: names and loggers come from the table of stores. The types
are in ``aragora_sql/__init__.pyi``, which ``aragora-sql stores --write`` makes.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database, Dialect
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import StoreEntry

if TYPE_CHECKING:
    from aragora_sql.database.postgres import Pool, PostgresDatabase
    from aragora_sql.database.sqlite import SQLiteDatabase

__all__ = [
    "bound_class",
    "class_doc",
    "engine_factory",
    "factory_doc",
    "named",
    "postgres_database",
    "sqlite_database",
    "store_class",
]

PUBLIC_MODULE = "aragora_sql"


def postgres_database(pool: Pool | PostgresDatabase) -> PostgresDatabase:
    """Return the database behind a pool; a database is returned as it is."""
    from aragora_sql.database.postgres import PostgresDatabase

    if isinstance(pool, Database) and not isinstance(pool, PostgresDatabase):
        raise InvalidInputError("pool", "a PostgreSQL pool is needed, not a SQLite database")
    return pool if isinstance(pool, PostgresDatabase) else PostgresDatabase(pool)


def sqlite_database(path: str | Path | SQLiteDatabase) -> SQLiteDatabase:
    """Return the process's database of a file; a database is returned as it is."""
    from aragora_sql.database.sqlite import SQLiteDatabase, get_sqlite_database

    if isinstance(path, Database) and not isinstance(path, SQLiteDatabase):
        raise InvalidInputError("path", "a SQLite file is needed, not a PostgreSQL database")
    return path if isinstance(path, SQLiteDatabase) else get_sqlite_database(path)


def store_class(entry: StoreEntry) -> type[Any]:
    """Return the class of a store, which takes a database of either engine."""
    found: type[Any] = getattr(import_module(entry.module), entry.class_name)
    return found


@cache
def bound_class(entry: StoreEntry, dialect: Dialect) -> type[Any]:
    """Return the class of a store that takes a pool, or a path, in place of a database.

    Its other parameters are those of the store's class. Pickle and documentation find it by its
    name in ``aragora_sql``.
    """
    base = store_class(entry)
    make = (_on_postgres if dialect == "postgres" else _on_sqlite)(base)
    own, first, *others = inspect.signature(base.__init__).parameters.values()
    first = first.replace(name="pool" if dialect == "postgres" else "path", annotation="Any")
    make.__signature__ = inspect.Signature([own, first, *others])  # type: ignore[attr-defined]
    name = entry.postgres_class if dialect == "postgres" else entry.sqlite_class
    make.__qualname__ = f"{name}.__init__"
    make.__module__ = PUBLIC_MODULE
    doc = f"{class_doc(entry, dialect)}\n\n{inspect.getdoc(base) or ''}".rstrip()
    return type(name, (base,), {"__init__": make, "__doc__": doc, "__module__": PUBLIC_MODULE})


def _on_postgres(base: type[Any]) -> Callable[..., None]:
    def __init__(self: Any, pool: Any, *args: Any, **options: Any) -> None:  # noqa: N807
        base.__init__(self, postgres_database(pool), *args, **options)

    return __init__


def _on_sqlite(base: type[Any]) -> Callable[..., None]:
    def __init__(self: Any, path: Any, *args: Any, **options: Any) -> None:  # noqa: N807
        base.__init__(self, sqlite_database(path), *args, **options)

    return __init__


@cache
def engine_factory(entry: StoreEntry, dialect: Dialect) -> Callable[..., Awaitable[Any]]:
    """Return the function that opens and initializes a store on an engine."""

    async def on_postgres(dsn: str | None = None) -> Any:
        from aragora_sql.database.postgres import get_postgres_pool

        return await _initialized(entry, bound(await get_postgres_pool(dsn)))

    async def on_sqlite(path: str | Path | SQLiteDatabase | None = None) -> Any:
        from aragora_sql.database.sqlite import get_sqlite_database

        database = get_sqlite_database() if path is None else path
        return await _initialized(entry, bound(database))

    bound = bound_class(entry, dialect)
    if dialect == "postgres":
        return named(on_postgres, entry.postgres_factory, factory_doc(entry, dialect))
    return named(on_sqlite, entry.sqlite_factory, factory_doc(entry, dialect))


async def _initialized(entry: StoreEntry, store: Any) -> Any:
    """Initialize a store, log which one is in use, and return it."""
    await store.initialize()
    logging.getLogger(entry.logger).info("Using %s", type(store).__name__)
    return store


def named(function: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    """Give a function the name by which ``aragora_sql`` exports it."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = PUBLIC_MODULE
    function.__doc__ = doc
    return function


def class_doc(entry: StoreEntry, dialect: Dialect) -> str:
    """Return what a bound class says of itself."""
    if dialect == "postgres":
        given = "PostgreSQL.\n\n``pool`` is an asyncpg pool or a ``PostgresDatabase``."
    else:
        given = "SQLite.\n\n``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``."
    return f"``{entry.class_name}`` on {given}"


def factory_doc(entry: StoreEntry, dialect: Dialect | None) -> str:
    """Return what the function that opens a store says; without an engine that of either."""
    what = f"Return an initialized ``{entry.class_name}`` on"
    if dialect == "postgres":
        return (
            f"{what} the process's pool.\n\n"
            "``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``."
        )
    if dialect == "sqlite":
        return (
            f"{what} a SQLite file.\n\n"
            "``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to "
            "``aragora.db`` in\n``ARAGORA_DATA_DIR``."
        )
    return (
        f"{what} the engine that the environment names.\n\n"
        f"Logs which one it is, as ``Using {entry.postgres_class}``.\n"
        "See :mod:`aragora_sql.settings`."
    )
