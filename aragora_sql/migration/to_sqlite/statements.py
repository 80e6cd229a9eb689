"""The named queries of the way back, on psycopg and on sqlite3."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from aragora_sql.database import Dialect
from aragora_sql.migration.statements import render
from aragora_sql.migration.target import PgConnection
from aragora_sql.queries.files import QueryText, read_queries, sql_dir

__all__ = ["ask", "ask_value", "call", "call_value", "ledger_schema"]


def _folder(dialect: Dialect) -> Path:
    return sql_dir() / "migration" / "to_sqlite" / dialect


def ledger_schema() -> Path:
    """Return the file that creates the tables of the ledger."""
    return _folder("sqlite") / "schema.sql"


@lru_cache(maxsize=4)
def _read(path: Path, dialect: Dialect) -> dict[str, QueryText]:
    return read_queries(path, dialect)


def _query(dialect: Dialect, name: str) -> QueryText:
    return _read(_folder(dialect) / "queries.sql", dialect)[name]


def ask(connection: PgConnection, name: str, /, **parameters: Any) -> psycopg.Cursor[Any]:
    """Run a query on the source."""
    return connection.execute(render(_query("postgres", name)), parameters)


def ask_value(connection: PgConnection, name: str, /, **parameters: Any) -> Any:
    """Run a query on the source, and return the first value of its first row, or None."""
    row = ask(connection, name, **parameters).fetchone()
    return None if row is None else row[0]


def call(connection: sqlite3.Connection, name: str, /, **parameters: Any) -> sqlite3.Cursor:
    """Run a query on the file that is filled."""
    return connection.execute(_query("sqlite", name).sql, parameters)


def call_value(connection: sqlite3.Connection, name: str, /, **parameters: Any) -> Any:
    """Run a query on the file, and return the first value of its first row, or None."""
    row = call(connection, name, **parameters).fetchone()
    return None if row is None else row[0]
