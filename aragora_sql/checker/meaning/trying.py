"""Tries calls of a query, and of edited texts of it, on a copy of SQLite's database in memory.

A call takes a fraction of a millisecond so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aragora_sql.checker.meaning.calls import Scene
from aragora_sql.checker.meaning.pair import Side
from aragora_sql.checker.meaning.staging import empty_sqlite, stage_sqlite
from aragora_sql.checker.meaning.table_rows import given, insertion
from aragora_sql.database import Row
from aragora_sql.database import sqlite_statements as statements
from aragora_sql.database.statement import Statement
from aragora_sql.errors import AragoraSQLError
from aragora_sql.queries.parameters import find_parameters

__all__ = ["Bound", "Trial", "Tried"]

# An edited recursion may never end: after these operations of SQLite's it is stopped.
_OPERATIONS = 1000
_MOST_STEPS = 300
_SAVEPOINT = "aragora_trial"

Bound = list[dict[str, Any]] | None
"""The arguments of a call as the driver takes them; None where it takes them not."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a call did: how many rows it gave or changed, and a number for what they are."""

    size: int
    outcome: int


_REFUSED = Tried(0, 0)


class Trial:
    """Makes calls of texts of one query, and undoes what they did.

    ``tables`` are those that it may write to; ``is_writing`` says whether it may write at all.
    """

    def __init__(
        self,
        driver: sqlite3.Connection,
        statement: Statement,
        tables: Sequence[str],
        *,
        is_writing: bool,
    ) -> None:
        self._driver = driver
        self._is_writing = is_writing
        self._statement = statement
        self._tables = tables
        self._steps = 0
        self.texts: set[str] = set()
        self._begin, self._undo = "BEGIN", "ROLLBACK"
        driver.set_progress_handler(self._must_stop, _OPERATIONS)

    def bind(self, arguments: Any) -> Bound:
        """Return the arguments of a call in the form of the driver."""
        every = arguments if isinstance(arguments, list) else [arguments]
        try:
            return [statements.bind(self._statement, one) for one in every]
        except AragoraSQLError:
            return None

    def run(self, bound: Bound, sql: str = "", *, with_texts: bool = False) -> Tried:
        """Make a call of the query, or of an edited text of it.

        With ``with_texts``, ``texts`` are afterwards those that it gave.
        """
        if bound is None:
            return _REFUSED
        driver = self._driver
        sql = sql or self._statement.sql
        self._steps = 0
        if self._is_writing:
            driver.execute(self._begin)
        before = driver.total_changes
        try:
            rows = [row for one in bound for row in driver.execute(sql, one).fetchall()]
            changed = driver.total_changes - before
            if with_texts:
                self.texts = {value for row in rows for value in row if isinstance(value, str)}
            left = [
                tuple(driver.execute(f'SELECT * FROM "{name}"').fetchall())  # noqa: S608
                for name in (self._tables if changed else ())
            ]
            return Tried(len(rows) or changed, hash((tuple(rows), tuple(left))))
        except sqlite3.Error as error:
            # SQLite's message names the rule that was broken.
            return Tried(0, hash(str(error)))
        finally:
            # It counts for what is undone, too.
            self._steps = 0
            if self._is_writing and driver.in_transaction:
                driver.execute(self._undo)

    def program(self, sql: str) -> Any:
        """Return the operations that SQLite runs for a text; None for one that it refuses."""
        nothing = {parameter.name: None for parameter in find_parameters(sql, "sqlite")}
        try:
            found = self._driver.execute(f"EXPLAIN {sql}", nothing).fetchall()
        except sqlite3.Error:
            return None
        return [row[1:] for row in found]

    def empty(self, tables: Sequence[str]) -> None:
        """Begin a scene in which some tables are empty, parents before children."""
        self.leave()
        self._driver.execute("BEGIN")
        empty_sqlite(self._driver, tables)
        self._begin = f"SAVEPOINT {_SAVEPOINT}"
        self._undo = f"ROLLBACK TO {_SAVEPOINT}"

    def stage(self, side: Side, scene: Scene) -> bool:
        """Begin a scene; say no where SQLite does not take its rows."""
        self.empty(())
        self._steps = 0
        try:
            stage_sqlite(side, scene, (), self._driver)
        except (sqlite3.Error, AragoraSQLError, KeyError):
            self.leave()
            return False
        return True

    def add(self, side: Side, table: str, rows: Iterable[Row]) -> bool:
        """Store more rows in a scene, all or none; say no where SQLite does not take one."""
        self._steps = 0
        self._driver.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            for row in rows:
                statement, columns = insertion(side, table, list(row))
                bound = statements.bind(statement, given(side, row, columns))
                self._driver.execute(statement.sql, bound)
        except (sqlite3.Error, AragoraSQLError):
            if self._driver.in_transaction:
                self._driver.execute(f"ROLLBACK TO {_SAVEPOINT}")
            return False
        return True

    def leave(self) -> None:
        """End a scene: the tables hold what all queries share."""
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")
        self._begin, self._undo = "BEGIN", "ROLLBACK"

    def _must_stop(self) -> bool:
        self._steps += 1
        return self._steps > _MOST_STEPS
