"""Compares every value of the source with the file's, by another way than it was stored.

The rows are read again in the same snapshot, as the driver decodes them, and each value is compared
with what the file holds: timestamps as such, floats in all 64 bits, JSON as decoded documents.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from aragora_sql.migration.report import SHOWN_KEYS, VerifyResult
from aragora_sql.migration.to_sqlite.ledger import key_text
from aragora_sql.migration.to_sqlite.snapshot import Snapshot, Survey
from aragora_sql.migration.to_sqlite.tables import MovedTable, Row

__all__ = ["compare_table"]

_SHOWN = 80


def compare_table(
    snapshot: Snapshot,
    connection: sqlite3.Connection,
    table: MovedTable,
    survey: Survey,
    rejected: set[str] | None,
    advance: Callable[[int], None],
) -> VerifyResult:
    """Compare a table; ``rejected`` are keys of rows that are not there for a known reason.

    It is None where nothing is known of them: rows that SQLite can't keep are missing then.
    """
    result = VerifyResult()
    with (
        closing(_Comparison(connection, table)) as compare,
        closing(snapshot.compare(table, survey)) as batches,
    ):
        for rows in batches:
            for row in rows:
                problem = compare.problem(row)
                if problem is None:
                    result.compared += 1
                elif rejected and key_text(compare.key_of(row)) in rejected:
                    result.excused += 1
                else:
                    result.compared += 1
                    _add(result, f"{table.name} {compare.name(row)}: {problem}")
            advance(len(rows))
    if survey.odd:
        _add_odd(snapshot, table, survey, result, is_known=rejected is not None)
    return result


class _Comparison:
    def __init__(self, connection: sqlite3.Connection, table: MovedTable) -> None:
        self._connection = connection
        self._table = table
        self._lookup = table.lookup()
        self._key = table.key_places
        self._equal = [column.is_equal_native for column in table.columns]
        # A new file has the rows in the order in which they are read: to go along with it is
        # faster than to look for each.
        self._stored = connection.execute(table.in_order())
        self._next: Row | None = self._stored.fetchone()

    def close(self) -> None:
        """Let go of the file."""
        self._stored.close()

    def key_of(self, row: Row) -> list[Any]:
        """Return the key of a row as the file has it."""
        return [self._table.columns[place].stored(row[place]) for place in self._key]

    def problem(self, row: Row) -> str | None:
        """Return what is wrong with a row, or None."""
        found, key = self._next, self.key_of(row)
        if found is not None and [found[place] for place in self._key] == key:
            self._next = self._stored.fetchone()
        else:
            found = self._connection.execute(self._lookup, key).fetchone()
        if found is None:
            return "missing in the target"
        for place, is_equal in enumerate(self._equal):
            if not is_equal(row[place], found[place]):
                return self._difference(place, row[place], found[place])
        return None

    def _difference(self, place: int, theirs: Any, ours: Any) -> str:
        name = self._table.columns[place].name
        if name in self._table.secrets:
            return f"{name}: not shown, as it may hold secrets"
        return f"{name}: {_short(theirs)} in the source, {_short(ours)} in the target"

    def name(self, row: Row) -> str:
        """Return the key of a row as a message shows it."""
        return ", ".join(
            f"{name}={_short(row[place])}"
            for name, place in zip(self._table.key, self._key, strict=True)
        )


def _add_odd(
    snapshot: Snapshot, table: MovedTable, survey: Survey, result: VerifyResult, *, is_known: bool
) -> None:
    """Count the rows that SQLite can't keep: the driver could not read all of them either."""
    with closing(snapshot.load_odd(table, survey)) as batches:
        for row in (row for rows in batches for row in rows):
            if is_known:
                result.excused += 1
                continue
            result.rejected += 1
            problems = (
                f"{column.name}: {problem}"
                for column, value in zip(table.columns, row, strict=True)
                if (problem := column.problem(value)) is not None
            )
            key: Sequence[Any] = [row[place] for place in table.key_places]
            shown = ", ".join(f"{n}={_short(v)}" for n, v in zip(table.key, key, strict=True))
            _add(result, f"{table.name} {shown}: {next(problems)} (it could not be moved)")


def _add(result: VerifyResult, problem: str) -> None:
    result.mismatches += 1
    if len(result.first) < SHOWN_KEYS:
        result.first.append(problem)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
