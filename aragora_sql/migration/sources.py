"""The SQLite end: what is in a file, and reading it without a trace.

How a file is opened is told in :mod:`aragora_sql.database.sqlite_files`. That nobody writes to an
immutable one meanwhile is checked before each commit; what else is read is one snapshot: a
transaction that stays open.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from aragora_sql.database.sqlite_files import ReadableFile, file_state, last_written
from aragora_sql.errors import DatabaseError
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.finding import SourceError
from aragora_sql.migration.functions import Functions, TextRules
from aragora_sql.migration.mappings import NOTE_PREFIX, ROWID_COLUMN, Mapping
from aragora_sql.migration.timestamps import TimestampReader
from aragora_sql.queries.quoting import quoted

__all__ = ["SourceFile", "file_state", "last_written"]

BUSY_TIMEOUT = 30.0
# A default that is a number or text, as a file's schema has it.
_LITERAL = re.compile(r"[+-]?\d+(?:\.\d+)?|'[^']*'")


def _text_or_damage(data: bytes) -> str | DamagedText:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return DamagedText(data)


class SourceFile:
    """An open SQLite file; ``name`` is what reports and the ledger call it."""

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        rules: TextRules | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self._rules = rules or TextRules()
        self._views: set[str] = set()
        # Where each table can be read by rowid.
        self._numbered: dict[str, str] = {}
        self._duplicates: set[str] = set()
        self._functions = Functions(TimestampReader(zone), self._rules)
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

    def stored_tables(self) -> dict[str, list[str]]:
        """Return the columns of each table that holds rows of its own, in the file's order.

        Tables of SQLite and those inside a virtual table are not among them, nor are columns that
        are computed from others.
        """
        try:
            names = [
                row[0]
                for row in self._connection.execute(
                    "SELECT name FROM pragma_table_list WHERE schema = 'main' "
                    "AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                    "ORDER BY name"
                )
            ]
            return {name: self._columns(name, "hidden = 0") for name in names}
        except sqlite3.Error as error:
            raise self.error(error) from error

    @cached_property
    def is_consolidated(self) -> bool:
        """Whether the older Aragora made the file by copying others, and went on in it."""
        return not {"memory", "analytics"}.isdisjoint(self.modules())

    def modules(self) -> frozenset[str]:
        """Return the names under which the file's schemas were recorded."""
        if not {"module", "version"} <= set(self._columns("_schema_versions")):
            return frozenset()
        try:
            rows = self._connection.execute('SELECT module FROM main."_schema_versions"')
            return frozenset(row[0] for row in rows)
        except sqlite3.Error as error:
            raise self.error(error) from error

    def _columns(self, table: str, which: str = "hidden <> 1") -> list[str]:
        try:
            rows = self._connection.execute(
                f"SELECT name FROM pragma_table_xinfo(?, 'main') WHERE {which}",  # noqa: S608
                [table],
            )
            return [row[0] for row in rows]
        except sqlite3.OperationalError as error:
            if "no such module" not in str(error):
                raise
            # A virtual table of an extension that is not there: none of ours.
            return []

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
        try:
            name = self._with_rowid(table)
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

    def _with_rowid(self, table: str) -> str:
        """Return where to read a table whose rows have numbers: itself, or a copy of it.

        A table WITHOUT ROWID is copied beside the file, in the order of its key.
        """
        if table not in self._numbered:
            name = f"main.{quoted(table)}"
            lacks_rowid = self._connection.execute(
                "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", [table]
            ).fetchone()
            if lacks_rowid == (1,):
                key = self._connection.execute(
                    "SELECT name FROM pragma_table_info(?, 'main') WHERE pk > 0 ORDER BY pk",
                    [table],
                )
                order = ", ".join(quoted(row[0]) for row in key)
                source, name = name, f"temp.{quoted(f'numbered_{table}')}"
                self._connection.execute("PRAGMA query_only = OFF")
                self._connection.execute(
                    f"CREATE TEMP TABLE {name.removeprefix('temp.')} AS "  # noqa: S608
                    f"SELECT * FROM {source} ORDER BY {order}"
                )
                self._connection.execute("PRAGMA query_only = ON")
            self._numbered[table] = name
        return self._numbered[table]

    def prepare(self, mapping: Mapping) -> list[str]:
        """Make the mapping's table readable under its own name, and return the result columns.

        Columns that an earlier version lacks are NULL.
        """
        table = mapping.table
        if table not in self._views:
            present = self._columns(table)
            missing = sorted(mapping.optional - set(present))
            if self._rules.are_any:
                # As bytes, because text may be damaged.
                shown = [
                    f"CASE WHEN typeof(\"{column}\") = 'text' THEN "
                    f'cast(changed_text(cast("{column}" AS BLOB)) AS TEXT) '
                    f'ELSE "{column}" END AS "{column}"'
                    for column in present
                ]
            else:
                shown = [f'"{column}"' for column in present]
            shown += [f'NULL AS "{column}"' for column in missing]
            columns = ", ".join(["rowid AS rowid", *shown])
            source = self._with_rowid(table)
            self._connection.execute("PRAGMA query_only = OFF")
            self._connection.execute(
                f'CREATE TEMP VIEW "{table}" AS SELECT {columns} FROM {source}'  # noqa: S608
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

    def first_values(
        self, mapping: Mapping, columns: Sequence[str], limit: int
    ) -> list[tuple[Any, ...]]:
        """Return the values of some columns of a mapping's first rows."""
        names = ", ".join(map(quoted, columns))
        try:
            return self._connection.execute(
                f"SELECT {names} FROM ({mapping.sql}) LIMIT :row_limit",  # noqa: S608
                {"first_rowid": -(2**63), "last_rowid": 2**63 - 1, "row_limit": limit},
            ).fetchall()
        except sqlite3.Error as error:
            raise self.error(error) from error

    def count_values(self, table: str, column: str) -> int:
        """Count the values of a column that are neither NULL, nor empty, nor its default."""
        name = quoted(column)
        default = self.scalar(
            "SELECT dflt_value FROM pragma_table_xinfo(?, 'main') WHERE name = ?", [table, column]
        )
        is_literal = default is not None and _LITERAL.fullmatch(default)
        other = f" AND {name} IS NOT {default}" if is_literal else ""
        return int(
            self.scalar(
                f"SELECT count(*) FROM main.{quoted(table)} "  # noqa: S608 - names are quoted
                f"WHERE {name} IS NOT NULL AND {name} <> ''{other}"
            )
        )

    def value_of(self, table: str, column: str, rowid: int) -> Any:
        """Return one value of a row of a table as it is stored."""
        return self.scalar(
            f"SELECT {quoted(column)} FROM main.{quoted(table)} WHERE rowid = ?",  # noqa: S608
            [rowid],
        )

    def count(self, mapping: Mapping) -> int:
        """Return the number of rows that a mapping gives."""
        everything = {"first_rowid": -(2**63), "last_rowid": 2**63 - 1}
        return int(self.scalar(f"SELECT count(*) FROM ({mapping.sql})", everything))  # noqa: S608

    def rows(self, sql: str, parameters: Any = ()) -> Iterator[tuple[Any, ...]]:
        """Run a statement that reads. Text that is not UTF-8 comes as :class:`DamagedText`."""
        self._connection.text_factory = _text_or_damage
        try:
            yield from self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise self.error(error) from error

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
    paths: Sequence[Path],
    states: Sequence[tuple[int, ...]],
    options: str,
    rewritten: Collection[str],
) -> str:
    """Return a digest that is the same while files, their states and options are.

    Of the files that each run makes again, named ``rewritten``, the content counts.
    """
    text = "\n".join(
        f"{path.name} {_digest(path)}"
        if path.name in rewritten
        else f"{os.fspath(path.absolute())} {state}"
        for path, state in zip(paths, states, strict=True)
    )
    return hashlib.sha256(f"{text}\n{options}".encode()).hexdigest()
