"""Names the key that a SQLite statement broke a rule with; SQLite's own message does not.

Runs on the connection's thread after the statement has failed, so the few questions cost only
those who have an error to read.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aragora_sql.database.sqlstates import shown_key

__all__ = ["broken_key"]

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_TARGET = re.compile(
    r"\b(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)"
    r'\s+"?(?P<table>\w+)"?',
    re.IGNORECASE,
)


def broken_key(
    connection: sqlite3.Connection,
    error: sqlite3.IntegrityError,
    sql: str,
    arguments: Mapping[str, Any],
) -> str | None:
    """Return what PostgreSQL's detail says, or None where the arguments do not tell.

    ``arguments`` are those of the statement; those that are named like a column are its value.
    """
    try:
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            table = _TARGET.search(_COMMENT.sub(" ", sql))
            return None if table is None else _broken_link(connection, table["table"], arguments)
        if "UNIQUE constraint failed: " in str(error):
            named = str(error).partition("failed: ")[2]
            columns = [column.rpartition(".")[2] for column in named.split(", ")]
            return _key(columns, columns, arguments, "already exists")
    except sqlite3.Error:
        # The connection is of no use any more: the first error says why.
        return None
    return None


def _key(
    columns: Sequence[str], names: Sequence[str], arguments: Mapping[str, Any], what: str
) -> str | None:
    if any(arguments.get(name) is None for name in names):
        return None
    values = ", ".join(str(arguments[name]) for name in names)
    return f"{shown_key(', '.join(columns), values)} {what}"


def _broken_link(
    connection: sqlite3.Connection, table: str, arguments: Mapping[str, Any]
) -> str | None:
    for parent, own, theirs in _links(connection, table):
        said = _key(own, own, arguments, f"is not present in table {parent}")
        if said and not _exists(connection, parent, theirs, [arguments[name] for name in own]):
            return said
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (child,) in tables:
        for parent, own, theirs in _links(connection, child):
            if parent.lower() != table.lower():
                continue
            said = _key(theirs, theirs, arguments, f"is still referenced from table {child}")
            if said and _exists(connection, child, own, [arguments[name] for name in theirs]):
                return said
    return None


def _links(
    connection: sqlite3.Connection, table: str
) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Return the foreign keys of a table: parent, own columns, the parent's columns."""
    rows = connection.execute(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq', [table]
    ).fetchall()
    for number in dict.fromkeys(row[0] for row in rows):
        parts = [row[1:] for row in rows if row[0] == number]
        parent = parts[0][0]
        theirs = [column for _, _, column in parts]
        if None in theirs:
            theirs = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", [parent]
                )
            ]
        yield parent, [column for _, column, _ in parts], theirs


def _exists(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Any]
) -> bool:
    # Names of the catalog, which no parameter can replace.
    where = " AND ".join(f'"{column}" = ?' for column in columns)
    found = connection.execute(f'SELECT 1 FROM "{table}" WHERE {where}', values)  # noqa: S608
    return found.fetchone() is not None
