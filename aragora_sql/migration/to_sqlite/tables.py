"""How the columns of a table go over: both dialects have the same tables, so their types tell it.

What only SQLite has is the number that it gives each row of a table without one; what only
PostgreSQL has, the columns that it makes of others for searching.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import sql

from aragora_sql.database.values import format_timestamp, parse_timestamp
from aragora_sql.errors import ConfigurationError, SchemaMismatchError
from aragora_sql.migration.bad_values import shortened
from aragora_sql.migration.mappings import load_mappings, migratable_stores
from aragora_sql.migration.statements import call
from aragora_sql.migration.target import PgConnection
from aragora_sql.migration.verifying import is_same_json
from aragora_sql.queries.quoting import quoted

__all__ = ["MovedColumn", "MovedTable", "Row", "describe_moved"]

TIMESTAMP = "timestamp with time zone"
# As SQLite keeps a timestamp, and how long that is.
_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_TIMESTAMP_LENGTH = 27
_EARLIEST, _LATEST = "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"
# Behind this number SQLite gives no further one.
_LAST_NUMBER = 2**63 - 1
_NUMBERS = frozenset({"smallint", "integer", "bigint"})

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class MovedColumn:
    """A column that both databases have; ``type`` as PostgreSQL prints it."""

    name: str
    type: str
    is_number: bool = False

    @property
    def loaded(self) -> sql.Composable:
        """The value as SQLite stores it."""
        name = sql.Identifier(self.name)
        if self.type == "boolean":
            return sql.SQL("t.{}::integer::bigint").format(name)
        if self.type in _NUMBERS:
            return sql.SQL("t.{}::bigint").format(name)
        if self.type == "jsonb":
            return sql.SQL("t.{}::text").format(name)
        if self.type == TIMESTAMP:
            # What has no such form stays what it is, and is rejected.
            return sql.SQL("CASE WHEN {} THEN t.{}::text ELSE to_char(t.{}, {}) END").format(
                self.odd, name, name, sql.Literal(_FORMAT)
            )
        return sql.SQL("t.{}").format(name)

    @property
    def native(self) -> sql.Composable:
        """The value as its own driver reads it, to compare with."""
        name = sql.Identifier(self.name)
        if self.type in _NUMBERS:
            return sql.SQL("t.{}::bigint").format(name)
        return sql.SQL("t.{}::text" if self.type == "jsonb" else "t.{}").format(name)

    @property
    def odd(self) -> sql.Composable | None:
        """What holds of a value that SQLite can't keep; None where it keeps all."""
        name = sql.Identifier(self.name)
        if self.type == TIMESTAMP:
            return sql.SQL("(t.{} < {} OR t.{} > {})").format(
                name, sql.Literal(_EARLIEST), name, sql.Literal(_LATEST)
            )
        if self.type == "double precision":
            return sql.SQL("t.{} = 'NaN'").format(name)
        if self.is_number:
            return sql.SQL("t.{} = {}").format(name, sql.Literal(_LAST_NUMBER))
        return None

    @property
    def size(self) -> sql.Composable | None:
        """How many bytes a value has, told without reading a large one; None of small types."""
        measure = {"text": "octet_length", "bytea": "octet_length", "jsonb": "pg_column_size"}
        if self.type not in measure:
            return None
        return sql.SQL("coalesce({}(t.{}), 0)").format(
            sql.SQL(measure[self.type]), sql.Identifier(self.name)
        )

    @property
    def placeholder(self) -> str:
        """Where the value stands in an INSERT. PostgreSQL writes JSON with blanks, stores don't."""
        return "json(?)" if self.type == "jsonb" else "?"

    def problem(self, value: Any) -> str | None:
        """Return why SQLite can't keep a loaded value, or None."""
        if value is None:
            return None
        if self.type == TIMESTAMP and len(value) != _TIMESTAMP_LENGTH:
            return f"the timestamp {shortened(value)} is not in the years 1 to 9999"
        if self.type == "double precision" and math.isnan(value):
            return "NaN, which SQLite has not"
        if self.is_number and value == _LAST_NUMBER:
            return f"the number {value}: SQLite could give no further row a number"
        return None

    def stored(self, native: Any) -> Any:
        """Return a value of a key, as the source's driver reads it, as the file has it."""
        if self.type == TIMESTAMP and native is not None:
            return format_timestamp(native)
        return native

    def is_equal_loaded(self, loaded: Any, stored: Any) -> bool:
        """Compare a loaded value with one that is in the file already."""
        if loaded == stored:
            return type(loaded) is type(stored)
        if self.type == "jsonb" and isinstance(loaded, str) and isinstance(stored, str):
            return is_same_json(loaded, stored)
        return False

    def is_equal_native(self, native: Any, stored: Any) -> bool:
        """Compare a value of the source, as its driver reads it, with the stored one."""
        if native is None or stored is None:
            return native is stored
        if self.type == "jsonb":
            return isinstance(stored, str) and _is_same_document(native, stored)
        if self.type == TIMESTAMP:
            return (
                isinstance(stored, str)
                and len(stored) == _TIMESTAMP_LENGTH
                and parse_timestamp(stored) == native
            )
        if self.type == "boolean":
            return type(stored) is int and stored == int(native)
        return type(stored) is type(native) and bool(stored == native)


def _is_same_document(native: str, stored: str) -> bool:
    if native == stored:
        return True
    try:
        # As most are written: the same without blanks.
        if orjson.dumps(orjson.loads(native)) == stored.encode():
            return True
    except ValueError:
        # Too deep for it, or with an integer that it has no form for.
        pass
    return is_same_json(native, stored)


_TYPES = frozenset({"text", "jsonb", "boolean", "double precision", "bytea", TIMESTAMP, *_NUMBERS})


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table that both databases have.

    ``key`` tells rows apart, ``order`` are columns in whose order they are read, ``number`` is the
    column that the engines number rows with. ``extra`` are columns that only PostgreSQL has, and
    that it does not make of others. ``secrets`` are columns whose values may hold secrets.
    """

    store: str
    name: str
    columns: tuple[MovedColumn, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    number: str | None
    extra: tuple[str, ...]
    secrets: frozenset[str]

    @property
    def key_places(self) -> list[int]:
        """Where the key is in a row."""
        return self._places(self.key)

    @property
    def order_places(self) -> list[int]:
        """Where the columns of the order are in a row."""
        return self._places(self.order)

    def _places(self, names: Sequence[str]) -> list[int]:
        every = [column.name for column in self.columns]
        return [every.index(name) for name in names]

    # -- PostgreSQL's side

    @property
    def _from(self) -> sql.Composable:
        return sql.SQL(" FROM {} AS t").format(sql.Identifier(self.name))

    @property
    def _order(self) -> sql.Composable:
        return sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(n)) for n in self.order)

    @property
    def odd(self) -> sql.Composable:
        """What holds of a row that SQLite can't keep."""
        found = [column.odd for column in self.columns if column.odd is not None]
        return sql.SQL("(") + sql.SQL(" OR ").join([*found, sql.SQL("FALSE")]) + sql.SQL(")")

    def survey(self) -> sql.Composed:
        """Return the query that counts rows, odd ones and negative zeros, and measures the widest.

        Behind them it counts the values of extra columns.
        """
        floats = [c.name for c in self.columns if c.type == "double precision"]
        zeros = [
            sql.SQL("count(*) FILTER (WHERE t.{} = 0 AND t.{}::text = '-0')").format(
                sql.Identifier(name), sql.Identifier(name)
            )
            for name in floats
        ]
        sizes = [column.size for column in self.columns if column.size is not None]
        extras = [sql.SQL("count(t.{})").format(sql.Identifier(name)) for name in self.extra]
        return sql.Composed(
            [
                sql.SQL("SELECT count(*), count(*) FILTER (WHERE "),
                self.odd,
                sql.SQL("), "),
                sql.SQL(" + ").join([*zeros, sql.SQL("0")]),
                sql.SQL(", max("),
                sql.SQL(" + ").join([*sizes, sql.SQL("0")]),
                sql.SQL(")"),
                *(sql.SQL(", ") + extra for extra in extras),
                self._from,
            ]
        )

    def count_before(self, transaction: int) -> sql.Composed:
        """Return the query that counts the rows, and those that an older transaction wrote."""
        # A row has the lower half of its transaction's number.
        return sql.SQL(
            "SELECT count(*), count(*) FILTER (WHERE n.newest - mod(mod(n.newest, 4294967296) "
            "- t.xmin::text::bigint + 4294967296, 4294967296) < {}) FROM {} AS t, (SELECT "
            "pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS newest) AS n"
        ).format(sql.Literal(transaction), sql.Identifier(self.name))

    def loading(self, after: Sequence[Any] | None) -> sql.Composed:
        """Return the query that reads rows as SQLite stores them, behind a row's order."""
        where: sql.Composable = sql.SQL("")
        if after is not None:
            types = [self.columns[place].type for place in self.order_places]
            values = [
                sql.Literal(value) + sql.SQL("::" + kind)
                for value, kind in zip(after, types, strict=True)
            ]
            where = sql.SQL(" WHERE ({}) > ({})").format(self._order, sql.SQL(", ").join(values))
        return sql.Composed(
            [
                sql.SQL("SELECT "),
                sql.SQL(", ").join(column.loaded for column in self.columns),
                self._from,
                where,
                sql.SQL(" ORDER BY "),
                self._order,
            ]
        )

    def loading_odd(self) -> sql.Composed:
        """Return the query that reads the rows that SQLite can't keep."""
        return sql.Composed(
            [
                sql.SQL("SELECT "),
                sql.SQL(", ").join(column.loaded for column in self.columns),
                self._from,
                sql.SQL(" WHERE "),
                self.odd,
            ]
        )

    def comparing(self) -> sql.Composed:
        """Return the query that reads rows, as the driver does, that are not odd."""
        return sql.Composed(
            [
                sql.SQL("SELECT "),
                sql.SQL(", ").join(column.native for column in self.columns),
                self._from,
                sql.SQL(" WHERE "),
                self.odd,
                sql.SQL(" IS NOT TRUE ORDER BY "),
                self._order,
            ]
        )

    # -- SQLite's side

    def insertion(self) -> str:
        """Return the statement that stores a row."""
        names = ", ".join(quoted(column.name) for column in self.columns)
        marks = ", ".join(column.placeholder for column in self.columns)
        return f"INSERT INTO {quoted(self.name)} ({names}) VALUES ({marks})"  # noqa: S608

    def lookup(self) -> str:
        """Return the query that reads the row of a key."""
        return f"{self._reading()} WHERE {self._rule(self.key)}"

    def in_order(self) -> str:
        """Return the query that reads all rows, in the order in which they were stored."""
        return f"{self._reading()} ORDER BY rowid"

    def by_rowid(self) -> str:
        """Return the query that reads the row of a rowid."""
        return f"{self._reading()} WHERE rowid = ?"

    def deletion(self) -> str:
        """Return the statement that takes a row away again."""
        return f"DELETE FROM {quoted(self.name)} WHERE rowid = ?"  # noqa: S608

    def counting(self) -> str:
        """Return the query that counts the rows."""
        return f"SELECT count(*) FROM {quoted(self.name)}"  # noqa: S608

    def _reading(self) -> str:
        names = ", ".join(quoted(column.name) for column in self.columns)
        return f"SELECT {names} FROM {quoted(self.name)}"  # noqa: S608 - names of the catalogue

    @staticmethod
    def _rule(names: Sequence[str]) -> str:
        return " AND ".join(f"{quoted(name)} = ?" for name in names)


def describe_moved(
    source: PgConnection, target: sqlite3.Connection, store: str, name: str
) -> MovedTable:
    """Describe a table from both catalogues.

    Raises :class:`~aragora_sql.errors.SchemaMismatchError` when the source lacks a column.
    """
    theirs = {
        column: kind
        for column, kind, _, _, is_generated, _ in call(source, "list_columns", table_name=name)
        if not is_generated
    }
    found = target.execute(
        "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0", [name]
    ).fetchall()
    ours = [column for column, _ in found]
    own_numbers = [column for column, is_key in found if is_key and column not in theirs]
    missing = [column for column in ours if column not in theirs and column not in own_numbers]
    if missing:
        raise SchemaMismatchError(
            f"the source's table {name} has no column {', '.join(missing)}. Nothing was moved. "
            "Compare with: aragora-sql schema verify"
        )
    [key] = (
        tuple(of)
        for _, kind, _, of, _, _ in call(source, "list_constraints", table_name=name)
        if kind == "p"
    )
    number = _numbered(target, name)
    columns = []
    for column in ours:
        if column in own_numbers:
            continue
        if theirs[column] not in _TYPES:
            raise ConfigurationError(
                f"{name}.{column}: nothing is known of the type {theirs[column]}"
            )
        columns.append(MovedColumn(column, theirs[column], is_number=column == number))
    order = key
    if own_numbers and "created_at" in theirs:
        # SQLite's own numbers grow as the application's rows did: what is new has the largest.
        order = ("created_at", *key)
    secrets: frozenset[str] = frozenset()
    if store in migratable_stores():
        for mapping in load_mappings(store):
            secrets |= mapping.secrets if mapping.target == name else frozenset()
    return MovedTable(
        store,
        name,
        tuple(columns),
        key,
        order,
        number,
        tuple(column for column in theirs if column not in ours),
        secrets,
    )


def _numbered(target: sqlite3.Connection, name: str) -> str | None:
    """Return the column that SQLite numbers the rows of a table with, for good."""
    text, column = target.execute(
        "SELECT s.sql, (SELECT x.name FROM pragma_table_xinfo(s.name) AS x WHERE x.pk) "
        "FROM sqlite_schema AS s WHERE s.type = 'table' AND s.name = ?",
        [name],
    ).fetchone()
    return str(column) if "AUTOINCREMENT" in text.upper() else None
