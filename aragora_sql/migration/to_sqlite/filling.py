"""Stores the rows of a table, range by range, and looks at references when all are there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

from aragora_sql.migration.bad_values import shortened
from aragora_sql.migration.rejects import BROKEN_RULE, Reject
from aragora_sql.migration.report import SHOWN_KEYS, ChunkResult
from aragora_sql.migration.to_sqlite.ledger import Ledger
from aragora_sql.migration.to_sqlite.snapshot import Snapshot, Survey
from aragora_sql.migration.to_sqlite.statements import call
from aragora_sql.migration.to_sqlite.tables import MovedTable, Row

__all__ = ["Filler", "take_out_orphans"]

# What is wrong with one row, and not with the file.
_OF_A_ROW = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
    }
)
_BAD_JSON = "malformed JSON"

# Is told a range: its outcome, and whether an earlier run had stored it.
Count = Callable[[ChunkResult, bool], None]


class Filler:
    """Fills one table. With ``is_empty`` nothing of it was in the file before this move."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        table: MovedTable,
        survey: Survey,
        *,
        is_empty: bool,
        skip_existing: bool,
        source: str,
    ) -> None:
        self._connection = connection
        self._ledger = Ledger(connection)
        self._table = table
        self._survey = survey
        self._is_empty = is_empty
        self._skip_existing = skip_existing
        self._source = source
        self._insert = table.insertion()
        self._lookup = table.lookup()

    def fill(self, snapshot: Snapshot, commit_size: int, count: Count) -> None:
        """Store what is missing of the table."""
        table, ledger = self._table, self._ledger
        done = ledger.done(table.name)
        count(done.result, True)
        if done.is_closed:
            return
        number, places = done.chunks, table.order_places
        with closing(snapshot.load(table, self._survey, done.last_key)) as batches:
            rows = next(batches, None)
            while rows:
                result = ChunkResult()
                with ledger.transaction():
                    rejects: list[Reject] = []
                    while rows and result.read < commit_size:
                        result.add(self._store(rows, rejects))
                        last_key = [rows[-1][place] for place in places]
                        rows = next(batches, None)
                    result.rejected = len(rejects)
                    ledger.add(table.name, number, last_key, result, rejects)
                number += 1
                count(result, False)
        with ledger.transaction():
            rejects = self._take_out_orphans()
            result = ChunkResult(migrated=-len(rejects), rejected=len(rejects))
            if table.number is not None:
                self._advance_numbers(snapshot)
            ledger.add(table.name, number, None, result, rejects)
        count(result, False)

    def _store(self, rows: list[Row], rejects: list[Reject]) -> ChunkResult:
        result = ChunkResult(read=len(rows))
        kept = rows
        if self._survey.odd:
            kept = [row for row in kept if not self._is_odd(row, rejects)]
        if not self._is_empty:
            kept = [row for row in kept if self._is_missing(row, result, rejects)]
        result.migrated = self._insert_all(kept, rejects)
        return result

    def _is_odd(self, row: Row, rejects: list[Reject]) -> bool:
        for column, value in zip(self._table.columns, row, strict=True):
            problem = column.problem(value)
            if problem is not None:
                rejects.append(self._reject(row, problem, column.name))
                return True
        return False

    def _is_missing(self, row: Row, result: ChunkResult, rejects: list[Reject]) -> bool:
        table = self._table
        found = self._connection.execute(
            self._lookup, [row[place] for place in table.key_places]
        ).fetchone()
        if found is None:
            return True
        if not self._skip_existing:
            rejects.append(self._reject(row, "a row with this key is there already", None))
            return False
        result.already_there += 1
        if any(
            not column.is_equal_loaded(value, stored)
            for column, value, stored in zip(table.columns, row, found, strict=True)
        ):
            result.different += 1
            if len(result.different_keys) < SHOWN_KEYS:
                key = zip(table.key, table.key_places, strict=True)
                shown = [f"{name}={shortened(row[place])}" for name, place in key]
                result.different_keys.append(", ".join(shown))
        return False

    def _insert_all(self, rows: list[Row], rejects: list[Reject]) -> int:
        if not rows:
            return 0
        self._connection.execute("SAVEPOINT rows")
        try:
            self._connection.executemany(self._insert, rows)
        except (sqlite3.Error, OverflowError) as error:
            _raise_unless_of_a_row(error)
            self._connection.execute("ROLLBACK TO rows")
            stored = self._insert_each(rows, rejects)
        else:
            stored = len(rows)
        self._connection.execute("RELEASE rows")
        return stored

    def _insert_each(self, rows: list[Row], rejects: list[Reject]) -> int:
        stored = 0
        for row in rows:
            try:
                self._connection.execute(self._insert, row)
            except (sqlite3.Error, OverflowError) as error:
                _raise_unless_of_a_row(error)
                rejects.append(self._reject(row, _reason(error), None))
            else:
                stored += 1
        return stored

    def _take_out_orphans(self) -> list[Reject]:
        return [
            self._reject(row, f"its row of {parent} is not there", None)
            for row, parent in take_out_orphans(self._connection, self._table)
        ]

    def _advance_numbers(self, snapshot: Snapshot) -> None:
        """Let new rows get the numbers that PostgreSQL would have given them."""
        last = snapshot.last_number(self._table)
        if last is not None:
            call(self._connection, "raise_number", table_name=self._table.name, number=last)
            call(self._connection, "add_number", table_name=self._table.name, number=last)

    def _reject(self, row: Row, reason: str, column: str | None) -> Reject:
        table = self._table
        return Reject(
            table=table.name,
            source_file=self._source,
            rowid=0,
            key={name: row[place] for name, place in zip(table.key, table.key_places, strict=True)},
            row={one.name: value for one, value in zip(table.columns, row, strict=True)},
            reason=reason,
            column=column,
            secrets=table.secrets,
        )


def take_out_orphans(connection: sqlite3.Connection, table: MovedTable) -> list[tuple[Row, str]]:
    """Take rows out again whose parent is not there; return them with the parent's table."""
    taken: list[tuple[Row, str]] = []
    # Rows that point into their own table may lose their parent by this.
    while found := connection.execute(
        "SELECT rowid, parent FROM pragma_foreign_key_check(?)", [table.name]
    ).fetchall():
        for rowid, parent in dict(found).items():
            taken.append((connection.execute(table.by_rowid(), [rowid]).fetchone(), parent))
            connection.execute(table.deletion(), [rowid])
    return taken


def _raise_unless_of_a_row(error: sqlite3.Error | OverflowError) -> None:
    code = getattr(error, "sqlite_errorcode", None)
    # Without a code Python itself refused a value.
    if code is not None and code & 0xFF not in _OF_A_ROW and str(error) != _BAD_JSON:
        raise error


def _reason(error: sqlite3.Error | OverflowError) -> str:
    text = str(error)
    if text == _BAD_JSON:
        return "a document that SQLite does not take: it is nested too deep, or too large"
    code = getattr(error, "sqlite_errorcode", 0)
    return f"{BROKEN_RULE} {text}" if code & 0xFF == sqlite3.SQLITE_CONSTRAINT else text
