"""What a migration leaves behind: files, tables and columns that no store takes, with their rows.

Every table of a file is either taken, of a store that was not asked for, bookkeeping of SQLite or
of a store, or left behind. What is empty leaves nothing behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.migration.finding import SourceError
from aragora_sql.migration.left_on_purpose import left_on_purpose
from aragora_sql.migration.sources import SourceFile
from aragora_sql.older_files import BOOKKEEPING
from aragora_sql.queries.quoting import quoted

__all__ = ["LeftBehind", "TakenTable", "left_of", "unread_tables"]

NO_KNOWN_SHAPE = "are in no known shape"
# Tables that say something about a file, and hold nothing of an application; also older ones.
_BOOKKEEPING = BOOKKEEPING | {"schema_version", "schema_versions"}


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Something of the source that is not in the target.

    ``table`` is None for a whole file or a folder of ``files`` files, ``column`` is one that no
    store has. ``rows`` is None where they can't be counted; of a column it counts its values.
    ``is_refused`` when a store has a place for it, and it is not fit to be moved.
    """

    path: Path
    why: str
    table: str | None = None
    column: str | None = None
    rows: int | None = None
    files: int = 1
    is_refused: bool = False

    @property
    def is_of_another_program(self) -> bool:
        """Whether it is a table that only shares a name with one of a store."""
        return self.why.endswith(NO_KNOWN_SHAPE)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "file": str(self.path),
            "table": self.table,
            "column": self.column,
            "rows": self.rows,
            "files": self.files,
            "why": self.why,
        }

    def __str__(self) -> str:
        what = str(self.path)
        if self.table is not None:
            what += f": table {self.table}"
        if self.column is not None:
            values = "1 value" if self.rows == 1 else f"{self.rows:,} values"
            return f"{what}, column {self.column}: {values}; {self.why}"
        if self.table is None and self.rows is None:
            return f"{what}: {self.why}"
        rows = "rows that can't be counted"
        if self.rows is not None:
            rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        return f"{what}: {rows}; {self.why}"


@dataclass(frozen=True, slots=True)
class TakenTable:
    """A table of a file that goes to the target, and the columns that its mappings know."""

    columns: frozenset[str]


def left_of(
    source: SourceFile,
    taken: Mapping[str, TakenTable],
    not_asked_for: Collection[str],
    derived: Collection[str],
    shapes: Collection[str],
) -> Iterator[LeftBehind]:
    """Return what is left behind in a file that was opened.

    ``not_asked_for`` are its tables of stores that were not chosen, ``derived`` those that the
    target makes again from others, ``shapes`` the names of tables that some store has.
    """
    for table, columns in source.stored_tables().items():
        if table in taken:
            yield from _left_columns(source, table, columns, taken[table])
        elif table not in not_asked_for and table not in derived and table not in _BOOKKEEPING:
            rows = _count(source, table)
            if rows != 0:
                why = left_on_purpose(table, columns) or "no store has such a table"
                if table in shapes:
                    why = f"its columns ({', '.join(sorted(columns))}) {NO_KNOWN_SHAPE}"
                yield LeftBehind(source.path, why, table, rows=rows)


def _left_columns(
    source: SourceFile, table: str, columns: Sequence[str], taken: TakenTable
) -> Iterator[LeftBehind]:
    for column in columns:
        if column not in taken.columns:
            rows = source.count_values(table, column)
            if rows:
                why = "no store has such a column"
                yield LeftBehind(source.path, why, table, column, rows)


def _count(source: SourceFile, table: str) -> int | None:
    try:
        return int(source.scalar(f"SELECT count(*) FROM main.{quoted(table)}"))  # noqa: S608
    except SourceError:
        # A virtual table of a module that is not there.
        return None


def unread_tables(path: Path, why: str) -> list[LeftBehind]:
    """Return what a file holds that is not read, by table; the whole file where that fails."""
    try:
        source = SourceFile(path, path.name)
    except (SourceError, OSError, sqlite3.Error) as error:
        return [LeftBehind(path, f"{why}; {error}")]
    try:
        found = [
            LeftBehind(path, why, table, rows=rows)
            for table in source.stored_tables()
            if table not in _BOOKKEEPING and (rows := _count(source, table)) != 0
        ]
    except SourceError as error:
        return [LeftBehind(path, f"{why}; {error}")]
    finally:
        source.close()
    return found
