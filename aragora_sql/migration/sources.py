"""The SQLite end: what is in a file, and reading it without a trace.

How a file is opened is told in :mod:`aragora_sql.database.sqlite_files`. That nobody writes to an
immutable one meanwhile is checked before each commit; what else is read is one snapshot: a
transaction that stays open.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from aragora_sql.database.sqlite_files import ReadableFile, file_state, last_written
from aragora_sql.errors import DatabaseError
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.finding import SourceError
from aragora_sql.migration.functions import Functions
from aragora_sql.migration.mappings import NOTE_PREFIX, ROWID_COLUMN, Mapping
from aragora_sql.migration.timestamps import TimestampReader

__all__ = ["SourceFile", "file_state", "last_written"]

BUSY_TIMEOUT = 30.0


def _text_or_damage(data: bytes) -> str | DamagedText:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return DamagedText(data)


class SourceFile:
    """An open SQLite file; ``name`` is what reports and the ledger call it."""

    def __init__(
        self, path: Path, name: str, *, strip_nul: bool = False, zone: tzinfo | None = None
    ) -> None:
        self.path = path
        self.name = name
        self._strip_nul = strip_nul
        self._views: set[str] = set()
        self._duplicates: set[str] = set()
        self._functions = Functions(TimestampReader(zone), is_nul_stripped=strip_nul)
        self._place = ReadableFile(path)
        try:
            self._connection = sqlite3.connect(
                self._place.uri,
                uri=True,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute("PRAGMA cache_size = -8000")
            self._connection.execute("BEGIN")
            # The snapshot begins with the first look at the file.
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            raise self.error(error) from error
        self._functions.register(self._connection)

    def error(self, error: sqlite3.Error) -> SourceError:
        """Return our exception for one of SQLite's. Raises KeyboardInterrupt when that is why."""
        if self._functions.interrupt is not None:
            raise self._functions.interrupt
        text = str(error)
        code = getattr(error, "sqlite_errorname", "") or ""
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            hint = "another program holds it locked: stop that program, then run this again"
        elif code.startswith("SQLITE_NOTADB"):
            hint = "it is not a SQLite file, or it is encrypted"
        elif code.startswith("SQLITE_CORRUPT"):
            hint = (
                "the file is damaged: restore it from a backup, or recover what is left with "
                "'sqlite3 FILE .recover'"
            )
        elif code == "SQLITE_READONLY_ROLLBACK":
            hint = (
                "a program ended in the middle of writing to it, which has to be undone first: "
                "copy the file with its -journal elsewhere, open the copy once with "
                "'sqlite3 FILE .tables', and migrate the copy"
            )
        elif code.startswith("SQLITE_FULL"):
            hint = "no room is left for temporary files: free some, or set SQLITE_TMPDIR"
        elif code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            hint = (
                "it can't be opened; a file with a -wal beside it needs a folder that can be "
                "written: copy the file with its -wal elsewhere, and migrate the copy"
            )
        else:
            hint = "nothing more of it was read"
        return SourceError(f"{self.path}: {text}; {hint}")

    def close(self) -> None:
        """Let go of the snapshot and the file."""
        self._connection.close()
        self._place.close()

    def check_unchanged(self) -> None:
        """Raise when an immutable file was written to since it was opened."""
        if not self._place.is_as_it_was():
            raise SourceError(
                f"{self.path}: another program has written to it meanwhile. What was committed "
                "stays; run this command again"
            )

    @property
    def data_version(self) -> int:
        """A number that changes when another connection commits."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def tables(self) -> dict[str, frozenset[str]]:
        """Return the columns of each table."""
        try:
            names = [
                row[0]
                for row in self._connection.execute(
                    "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                )
            ]
            return {name: frozenset(self._columns(name)) for name in names}
        except sqlite3.Error as error:
            raise self.error(error) from error

    def modules(self) -> frozenset[str]:
        """Return the names under which the file's schemas were recorded."""
        if not {"module", "version"} <= set(self._columns("_schema_versions")):
            return frozenset()
        try:
            rows = self._connection.execute('SELECT module FROM main."_schema_versions"')
            return frozenset(row[0] for row in rows)
        except sqlite3.Error as error:
            raise self.error(error) from error

    def _columns(self, table: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1", [table]
        )
        return [row[0] for row in rows]

    def is_unique(self, table: str, columns: Sequence[str]) -> bool:
        """Tell whether the file itself keeps rows with the same values of these columns out."""
        wanted = set(columns)
        key = self._connection.execute(
            "SELECT name FROM pragma_table_info(?, 'main') WHERE pk > 0", [table]
        ).fetchall()
        if {row[0] for row in key} == wanted:
            return True
        indexes = self._connection.execute(
            "SELECT name FROM pragma_index_list(?, 'main') WHERE \"unique\" AND NOT partial",
            [table],
        ).fetchall()
        return any(
            {
                row[0]
                for row in self._connection.execute(
                    "SELECT name FROM pragma_index_info(?, 'main')", [index]
                )
            }
            == wanted
            for (index,) in indexes
        )

    def ranges(self, table: str, size: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the number of rows of a table, and ranges of rowids with ``size`` rows each."""
        name = f'main."{table}"'
        try:
            count, first, last = self._connection.execute(
                f"SELECT count(*), (SELECT min(rowid) FROM {name}), "  # noqa: S608
                f"(SELECT max(rowid) FROM {name}) FROM {name}"
            ).fetchone()
            if count == 0:
                return 0, []
            if last - first + 1 == count:
                # Without gaps there is nothing to look up.
                starts = list(range(first, last + 1, size))
            else:
                numbered = (
                    "SELECT rowid, row_number() OVER (ORDER BY rowid) - 1 AS place "  # noqa: S608
                    f"FROM {name}"
                )
                starts = [
                    row[0]
                    for row in self._connection.execute(
                        f"SELECT rowid FROM ({numbered}) WHERE place % ? = 0",  # noqa: S608
                        [size],
                    )
                ]
        except sqlite3.Error as error:
            raise self.error(error) from error
        ends = [start - 1 for start in starts[1:]] + [last]
        return count, list(zip(starts, ends, strict=True))

    def prepare(self, mapping: Mapping) -> list[str]:
        """Make the mapping's table readable under its own name, and return the result columns.

        Columns that an earlier version lacks are NULL.
        """
        table = mapping.table
        if table not in self._views:
            present = self._columns(table)
            missing = sorted(mapping.optional - set(present))
            if self._strip_nul:
                # As bytes, because text may be damaged.
                shown = [
                    f"CASE WHEN typeof(\"{column}\") = 'text' THEN "
                    f'cast(strip_nul(cast("{column}" AS BLOB)) AS TEXT) '
                    f'ELSE "{column}" END AS "{column}"'
                    for column in present
                ]
            else:
                shown = [f'"{column}"' for column in present]
            shown += [f'NULL AS "{column}"' for column in missing]
            columns = ", ".join(["rowid AS rowid", *shown])
            self._connection.execute("PRAGMA query_only = OFF")
            self._connection.execute(
                f'CREATE TEMP VIEW "{table}" AS SELECT {columns} FROM main."{table}"'  # noqa: S608
            )
            self._connection.execute("PRAGMA query_only = ON")
            self._views.add(table)
        try:
            cursor = self._connection.execute(
                f"{mapping.sql} LIMIT 0", {"first_rowid": 0, "last_rowid": 0}
            )
        except sqlite3.Error as error:
            raise DatabaseError(
                f"{mapping.path}:{mapping.line}: query {mapping.name!r} on {self.path}: {error}"
            ) from error
        return [column[0] for column in cursor.description]

    def read(
        self,
        mapping: Mapping,
        first: int,
        last: int,
        batch_size: int,
        *,
        where: str = "",
        order: str = "",
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Read the mapped rows of a range of rowids, in batches.

        Text that is not UTF-8 comes as :class:`DamagedText`.
        """
        # UNION ALL and joins aside, SQLite turns this into one scan of the range.
        statement = f"SELECT * FROM ({mapping.sql})"  # noqa: S608
        if where:
            statement += f" WHERE {where}"
        statement += f" ORDER BY {order or 'source_rowid'}"
        parameters = {"first_rowid": first, "last_rowid": last}
        read = 0
        self._connection.text_factory = str
        try:
            cursor = self._connection.execute(statement, parameters)
            while True:
                try:
                    batch = cursor.fetchmany(batch_size)
                except (sqlite3.OperationalError, UnicodeDecodeError) as error:
                    if "decode" not in str(error):
                        raise
                    # One such value would end the cursor: read on value by value.
                    self._connection.text_factory = _text_or_damage
                    cursor = self._connection.execute(
                        f"{statement} LIMIT -1 OFFSET {read}", parameters
                    )
                    continue
                if not batch:
                    return
                read += len(batch)
                yield batch
        except sqlite3.Error as error:
            raise self.error(error) from error

    def duplicates(self, mapping: Mapping, rows: Sequence[Sequence[Any]]) -> set[int]:
        """Return the rowids of those rows that repeat an earlier row of the file.

        They differ in no other columns than the mapping's ``duplicates``.
        """
        name = f"duplicates_{mapping.name}"
        try:
            if name not in self._duplicates:
                self._find_duplicates(mapping, name)
            found = self._connection.execute(
                f'SELECT d.place FROM json_each(?) AS r JOIN temp."{name}" AS d '  # noqa: S608
                "ON r.value = d.place",
                [json.dumps([row[0] for row in rows])],
            )
            return {place for (place,) in found}
        except sqlite3.Error as error:
            raise self.error(error) from error

    def _find_duplicates(self, mapping: Mapping, name: str) -> None:
        compared = ", ".join(
            f'"{column}"'
            for column in self.prepare(mapping)
            if column != ROWID_COLUMN
            and column not in mapping.duplicates
            and not column.startswith(NOTE_PREFIX)
        )
        # Beside the file, as there may be many.
        self._connection.execute("PRAGMA query_only = OFF")
        self._connection.execute(f'CREATE TEMP TABLE "{name}" (place INTEGER PRIMARY KEY)')
        self._connection.execute(
            f'INSERT INTO temp."{name}" SELECT {ROWID_COLUMN} FROM (SELECT {ROWID_COLUMN}, '  # noqa: S608
            f"row_number() OVER (PARTITION BY {compared} ORDER BY {ROWID_COLUMN}) AS number "
            f"FROM ({mapping.sql})) WHERE number > 1",
            {"first_rowid": -(2**63), "last_rowid": 2**63 - 1},
        )
        self._connection.execute("PRAGMA query_only = ON")
        self._duplicates.add(name)

    def count(self, mapping: Mapping) -> int:
        """Return the number of rows that a mapping gives."""
        everything = {"first_rowid": -(2**63), "last_rowid": 2**63 - 1}
        return int(self.scalar(f"SELECT count(*) FROM ({mapping.sql})", everything))  # noqa: S608

    def scalar(self, sql: str, parameters: Any = ()) -> Any:
        """Run a statement that gives one value."""
        try:
            return self._connection.execute(sql, parameters).fetchone()[0]
        except sqlite3.Error as error:
            raise self.error(error) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(
    paths: Sequence[Path], states: Sequence[tuple[int, ...]], options: str, rewritten: str
) -> str:
    """Return a digest that is the same while files, their states and options are.

    Of the file that each run makes again, named ``rewritten``, the content counts.
    """
    text = "\n".join(
        f"{rewritten} {_digest(path)}"
        if path.name == rewritten
        else f"{os.fspath(path.absolute())} {state}"
        for path, state in zip(paths, states, strict=True)
    )
    return hashlib.sha256(f"{text}\n{options}".encode()).hexdigest()
