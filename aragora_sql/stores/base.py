"""What all stores share: the store itself, and how an engine is bound to it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from aragora_sql.database import Database
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store
from aragora_sql.stores.records import Record, record_of

if TYPE_CHECKING:
    from aragora_sql.database.postgres import Pool, PostgresDatabase
    from aragora_sql.database.sqlite import SQLiteDatabase

__all__ = ["Record", "Store", "postgres_database", "record_of", "sqlite_database"]

log = logging.getLogger("aragora_sql.stores")


StoreT = TypeVar("StoreT", bound="Store")


class Store:
    """A store: named queries of one folder, called on one database.

    ``name`` is the folder under ``sql/postgres`` and ``sql/sqlite``. Making a store checks that
    every query it needs is there (:class:`~aragora_sql.errors.QueryFileError`).

    A store has to say of what type its queries are: ``_queries: CritiqueQueries``, of the stubs in
    ``aragora_sql/queries/typed/``. Without it the type check refuses every call of a query.
    """

    name: ClassVar[str]
    _queries: object

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(self.name, database.dialect)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._database!r}>"

    @property
    def database(self) -> Database:
        """The database that the store lives in, for transactions over several stores."""
        return self._database

    async def initialize(self) -> None:
        """Create the store's tables, or upgrade them. Safe to call at every start, anywhere.

        Raises :class:`~aragora_sql.errors.SchemaVersionError` when the database is newer than this
        release, :class:`~aragora_sql.errors.SchemaMismatchError` when a foreign table is in the
        way.
        """
        await initialize_store(self._database, self.name)


def postgres_database(pool: Pool | PostgresDatabase) -> PostgresDatabase:
    """Return the database behind a pool; a database is returned as it is."""
    from aragora_sql.database.postgres import PostgresDatabase

    return pool if isinstance(pool, PostgresDatabase) else PostgresDatabase(pool)


def sqlite_database(path: str | Path | SQLiteDatabase) -> SQLiteDatabase:
    """Return the process's database of a file; a database is returned as it is."""
    from aragora_sql.database.sqlite import SQLiteDatabase, get_sqlite_database

    return path if isinstance(path, SQLiteDatabase) else get_sqlite_database(path)


async def initialized(store: StoreT) -> StoreT:
    """Initialize a store, log which one is in use, and return it."""
    await store.initialize()
    log.info("Using %s", type(store).__name__)
    return store
