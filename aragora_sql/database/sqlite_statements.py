"""What runs on the thread of a SQLite connection: binding, statements, scripts, rows."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from aragora_sql.database.base import Row
from aragora_sql.database.sqlite_constraints import broken_key
from aragora_sql.database.statement import ColumnKind, Statement, not_held, row_named
from aragora_sql.database.values import (
    EncodedJSON,
    UndecodableText,
    check_text,
    dump_json,
    format_timestamp,
    load_json,
    parse_timestamp,
)
from aragora_sql.errors import InvalidInputError, UnreadableValueError

__all__ = [
    "UndecodableRows",
    "bind",
    "data_version",
    "execute",
    "execute_many",
    "fetch_all",
    "fetch_raw",
    "roll_back",
    "roll_back_to",
    "run",
    "run_script",
    "split_script",
]


def _read_timestamp(text: str) -> datetime:
    timestamp = parse_timestamp(text)
    # What SQLite's own functions write is UTC, and does not say so.
    return timestamp if timestamp.tzinfo is not None else timestamp.replace(tzinfo=UTC)


_RETURNING = re.compile(r"\bRETURNING\b", re.IGNORECASE)
_DECODERS: dict[ColumnKind, Callable[[Any], Any]] = {
    "boolean": bool,
    "json": load_json,
    "timestamp": _read_timestamp,
}
# How the error begins of text that is not UTF-8.
_NOT_UTF_8 = "Could not decode to UTF-8"
# What executemany() does not count, or refuses (Python 3.13).
_ONE_BY_ONE = re.compile(
    r"\A (?: \s | /\* .*? \*/ | --[^\n]* )* WITH\b | \bRETURNING\b",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


@lru_cache(maxsize=2048)
def _returns(sql: str) -> bool:
    """Tell whether a statement changes rows and returns some."""
    return _RETURNING.search(sql) is not None


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection commits."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def fetch_all(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> list[Row]:
    """Run a statement and return its rows, decoded."""
    bound = bind(statement, arguments)
    if _returns(statement.sql):
        # What it changes is done when the first row comes: it can't be run again.
        return _fetch_undecodable(connection, statement, bound)
    try:
        cursor = connection.execute(statement.sql, bound)
        records = cursor.fetchall()
    except sqlite3.IntegrityError as error:
        _name_key(connection, error, statement.sql, bound)
        raise
    except sqlite3.OperationalError as error:
        if not str(error).startswith(_NOT_UTF_8):
            raise
        return _fetch_undecodable(connection, statement, bound)
    return _rows(statement, cursor, records)


class _ReadingTextAs:
    """Has text read by a function for a while.

    A class and not a generator: it is entered for each RETURNING, and takes a third of the time.
    """

    __slots__ = ("_connection", "_factory")

    def __init__(self, connection: sqlite3.Connection, factory: Callable[[bytes], Any]) -> None:
        self._connection = connection
        self._factory = factory

    def __enter__(self) -> None:
        self._connection.text_factory = self._factory

    def __exit__(self, *error: object) -> None:
        self._connection.text_factory = str


def fetch_raw(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows as SQLite gives them."""
    return connection.execute(statement.sql, bind(statement, arguments)).fetchall()


class UndecodableRows(list[Row]):
    """Rows with an :class:`UndecodableText` among their values; ``problem`` names the first."""

    problem = ""


def _fetch_undecodable(
    connection: sqlite3.Connection, statement: Statement, bound: Mapping[str, Any]
) -> list[Row]:
    """Return rows of a statement with :class:`UndecodableText` where text is not UTF-8."""
    undecodable: list[UndecodableText] = []

    def read(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            text = UndecodableText(data.decode(errors="replace"))
            undecodable.append(text)
            return text

    try:
        with _ReadingTextAs(connection, read):
            cursor = connection.execute(statement.sql, bound)
            records = cursor.fetchall()
    except sqlite3.IntegrityError as error:
        _name_key(connection, error, statement.sql, bound)
        raise
    rows = _rows(statement, cursor, records)
    if not undecodable:
        return rows
    found = UndecodableRows(rows)
    found.problem = next(
        f"{row_named(statement, row)}column {name}: a stored value is not UTF-8 text"
        for row in rows
        for name, value in row.items()
        if type(value) is UndecodableText
    )
    return found


def execute(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> int:
    """Run a statement and return how many rows it changed."""
    return _execute_bound(connection, statement.sql, bind(statement, arguments))


def execute_many(
    connection: sqlite3.Connection, statement: Statement, arguments: Sequence[Mapping[str, Any]]
) -> int:
    """Run a statement for each set of arguments, all or nothing; return how many rows changed."""
    if len(arguments) == 1:
        return execute(connection, statement, arguments[0])
    bound = [bind(statement, one) for one in arguments]
    if connection.in_transaction:
        connection.execute("SAVEPOINT aragora_many")
        try:
            count = _execute_each(connection, statement.sql, bound)
        except BaseException:
            if connection.in_transaction:
                roll_back_to(connection, "aragora_many")
            raise
        connection.execute("RELEASE aragora_many")
        return count
    with _transaction(connection):
        return _execute_each(connection, statement.sql, bound)


def run(connection: sqlite3.Connection, sql: str) -> None:
    """Run a statement as it is."""
    connection.execute(sql)


def run_script(connection: sqlite3.Connection, sql: str) -> None:
    """Run several statements, all or nothing."""
    # executescript() would commit the open transaction first.
    statements = list(split_script(sql))
    if len(statements) == 1:
        connection.execute(statements[0])
        return
    with _transaction(connection):
        for statement in statements:
            connection.execute(statement)


def roll_back(connection: sqlite3.Connection) -> None:
    """Roll the transaction back, if there is one."""
    # A statement that was stopped in the middle may have ended the transaction meanwhile.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def roll_back_to(connection: sqlite3.Connection, savepoint: str) -> None:
    """Undo all since a savepoint, and drop it."""
    connection.execute(f"ROLLBACK TO {savepoint}")
    connection.execute(f"RELEASE {savepoint}")


def split_script(sql: str) -> Iterator[str]:
    """Split a script at the semicolons that end its statements (a trigger's body is one)."""
    pending = ""
    for part in sql.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \t\r\n;"):
                yield pending.strip()
            pending = ""
    rest = pending.removesuffix(";").strip()
    if rest:
        yield rest


# What the driver takes as it is; text may hold a NUL character.
_PLAIN = frozenset({type(None), bool, int, bytes, EncodedJSON})


def bind(statement: Statement, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments in the form that the driver takes."""
    bound = {}
    for name, value in arguments.items():
        kind = type(value)
        if kind is str:
            if "\x00" in value:
                check_text(value, name)
        elif kind is EncodedJSON:
            # The driver looks for an adapter of each class that is not its own.
            value = str(value)
        elif kind not in _PLAIN:
            value = _converted(statement, name, value)
        bound[name] = value
    return bound


def _converted(statement: Statement, name: str, value: Any) -> Any:
    if isinstance(value, date):
        return format_timestamp(value)
    if isinstance(value, (dict, list, tuple)):
        return dump_json(value, name)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(statement.name, f"{name}: {value!r} is not a finite number")
    if isinstance(value, str) and "\x00" in value:
        check_text(value, name)
    return value


def _rows(statement: Statement, cursor: sqlite3.Cursor, records: Sequence[Any]) -> list[Row]:
    if not records:
        return []
    kinds = statement.column_kinds
    # As names of keywords are, which records are made with: then Python compares no text.
    names = [sys.intern(description[0]) for description in cursor.description]
    decoders = [(name, _DECODERS[kinds[name]]) for name in names if name in kinds]
    rows: list[Row] = [dict(zip(names, record, strict=True)) for record in records]
    for row in rows:
        for name, decode in decoders:
            if row[name] is not None and type(row[name]) is not UndecodableText:
                try:
                    row[name] = decode(row[name])
                except (ValueError, TypeError, RecursionError) as error:
                    raise _unreadable(statement, row, name, kinds[name], error) from error
    return rows


def _unreadable(
    statement: Statement, row: Row, column: str, kind: ColumnKind, error: Exception
) -> UnreadableValueError:
    reason = f" ({error.msg})" if isinstance(error, json.JSONDecodeError) else ""
    # What a traceback would print must not quote the value.
    error.args = (reason,)
    return UnreadableValueError(f"{not_held(statement, row, column, kind)}{reason}")


def _name_key(
    connection: sqlite3.Connection,
    error: sqlite3.IntegrityError,
    sql: str,
    arguments: Mapping[str, Any],
) -> None:
    """Tell the error which key is to blame, for :mod:`aragora_sql.database.sqlite_errors`."""
    error.broken_key = broken_key(connection, error, sql, arguments)  # type: ignore[attr-defined]


def _execute_bound(connection: sqlite3.Connection, sql: str, bound: Mapping[str, Any]) -> int:
    before = connection.total_changes
    try:
        cursor = connection.execute(sql, bound)
        if not _returns(sql):
            returned = cursor.fetchall()
        else:
            # They are only counted, whatever text is in them. The statement has done its work only
            # when all its rows were taken.
            with _ReadingTextAs(connection, bytes):
                returned = cursor.fetchall()
    except sqlite3.IntegrityError as error:
        _name_key(connection, error, sql, bound)
        raise
    if cursor.rowcount < 0 and connection.total_changes != before:
        # The driver does not count for statements that begin with WITH.
        count: int = connection.execute("SELECT changes()").fetchone()[0]
        return count
    return max(cursor.rowcount, 0) or len(returned)


def _execute_each(
    connection: sqlite3.Connection, sql: str, bound: Sequence[Mapping[str, Any]]
) -> int:
    if _ONE_BY_ONE.search(sql):
        return sum(_execute_bound(connection, sql, one) for one in bound)
    return max(connection.executemany(sql, bound).rowcount, 0)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block in the open transaction, or in one of its own."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
