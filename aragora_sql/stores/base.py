"""What all stores share: the store itself."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar, cast

from aragora_sql.database import Database
from aragora_sql.errors import DuplicateKeyError, InvalidInputError, OutcomeUnknownError
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store

__all__ = ["Store", "check_database"]

T = TypeVar("T")


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
        self._database = check_database(database, type(self).__name__)
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

    async def _repeat(self, write: Callable[[], Awaitable[T]]) -> T:
        """Await a write that may be done twice, and again where ``database.retrying()`` would.

        Within an open unit of work once: its owner has to run the whole of it again.
        """
        if self._database.is_in_use_here():
            return await write()
        return await self._database.retrying(write, idempotent=True)

    async def _repeat_insert(
        self, insert: Callable[[], Awaitable[T]], stored: Callable[[], Awaitable[T | None]]
    ) -> T:
        """Do the same with rows whose ids were made for them, and are nobody else's.

        Where an earlier attempt may have stored them, a duplicate id is their own: ``stored``
        returns what is there.
        """
        may_be_there = False

        async def attempt() -> T:
            nonlocal may_be_there
            try:
                found: T | None = await insert()
            except OutcomeUnknownError:
                may_be_there = True
                raise
            except DuplicateKeyError:
                found = await stored() if may_be_there else None
                if found is None:
                    raise
            if may_be_there:
                # It may be on this server alone: a commit behind it waits for the standbys.
                async with self._database.transaction(key=f"confirmed {secrets.token_hex(8)}"):
                    pass
            return cast(T, found)

        return await self._repeat(attempt)


def check_database(database: Database, name: str) -> Database:
    """Return a database; raise :class:`InvalidInputError` for a pool, a path or anything else."""
    if not isinstance(database, Database):
        raise InvalidInputError(
            "database",
            f"{name} takes a Database, not {type(database).__name__}; the classes Postgres… and "
            "SQLite… take a pool or a path",
        )
    return database
