"""The two engines that prove a tree of SQL files, each with the tree's schema in a scratch place.

PostgreSQL is a server of the user's (a scratch database on it, or where that right is missing a
scratch schema in a transaction that is rolled back) or an embedded one; SQLite is in memory. The
user's own tables are never read nor written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from aragora_sql.database import Dialect
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.filling import fillings, for_copy, for_sqlite
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.postgres_engine import EmptyDatabase, PostgresEngine
from aragora_sql.engines.scratch import open_postgres
from aragora_sql.engines.sqlite_engine import SQLiteEngine
from aragora_sql.engines.tree import Tree
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS

__all__ = ["Engines"]


class Engines:
    """Both engines with the schema of a tree, opened when they are first asked for.

    ``tree`` is what :func:`read_tree` gave. PostgreSQL is ``dsn``, else that of the environment
    (unless ``environment`` is False), else an embedded server, which runs on for the next check
    when ``keep`` is set. After opening, ``problems`` says what the engines have against the schema
    files.

    >>> with Engines(read_tree()) as engines:
    ...     engines.postgres.version
    """

    def __init__(
        self,
        tree: Tree,
        dsn: str | None = None,
        *,
        keep: bool = False,
        environment: bool = True,
    ) -> None:
        self.tree = tree
        self._environment = environment
        self._dsn = dsn
        self._keep = keep
        self._stack = ExitStack()
        self._within: Engines | None = None
        self._postgres: PostgresEngine | None = None
        self._sqlite: SQLiteEngine | None = None
        self._planner: PostgresEngine | None = None
        self._filled: dict[Dialect, Mapping[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def postgres(self) -> PostgresEngine:
        """PostgreSQL with the schema. Raises :class:`DatabaseUnavailableError`."""
        if self._postgres is None and self._within is not None:
            empty_database = self._within.empty_database
            empty = self._stack.enter_context(empty_database())
            if empty is None:
                raise ConfigurationError("the role of the DSN may make no second database")
            self._postgres = PostgresEngine(
                empty.connection, self.tree.schemas["postgres"], empty_database=empty_database
            )
        if self._postgres is None:
            files = self.tree.schemas["postgres"]
            self._postgres = self._stack.enter_context(
                open_postgres(self._dsn, files, keep=self._keep, environment=self._environment)
            )
        return self._postgres

    def empty_database(self) -> AbstractContextManager[EmptyDatabase | None]:
        """Give one more scratch database, dropped at the end of the block.

        It is None where no database can be made.
        """
        return self.postgres.empty_database()

    def of_tree(self, tree: Tree) -> Engines:
        """Return engines with the schema of another tree, in one more database of this server."""
        other = Engines(tree)
        other._within = self
        return other

    @property
    def sqlite(self) -> SQLiteEngine:
        """SQLite with the schema. Raises :class:`BackendDriverMissingError` without ``apsw``."""
        if self._sqlite is None:
            self._sqlite = SQLiteEngine(self.tree.schemas["sqlite"])
            self._stack.callback(self._sqlite.close)
        return self._sqlite

    @property
    def planner(self) -> PostgresEngine:
        """PostgreSQL with rows in the tables, from :meth:`fill` on; before that, without."""
        return self.postgres if self._planner is None else self._planner

    def fill(
        self, catalogs: Mapping[Dialect, Catalog], dialects: Sequence[Dialect] = DIALECTS
    ) -> Mapping[str, str]:
        """Fill the tables of some engines, once; return why a table stayed empty, by table."""
        for dialect in dialects:
            if dialect not in self._filled:
                self._filled[dialect] = self._fill(dialect, catalogs[dialect])
        return {table: why for said in self._filled.values() for table, why in said.items()}

    def _fill(self, dialect: Dialect, catalog: Catalog) -> Mapping[str, str]:
        files = self.tree.schemas[dialect]
        if dialect == "sqlite":
            self.sqlite.fill(fillings(catalog, files, for_sqlite), files)
            return {}
        planning = self.postgres.planning
        self._planner = planner = (
            self.postgres if planning is None else self._stack.enter_context(planning())
        )
        return planner.fill(fillings(catalog, files, for_copy), files)

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What is wrong with the schema files, on both engines."""
        return (*self.tree.problems, *self.postgres.problems, *self.sqlite.problems)
