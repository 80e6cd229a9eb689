"""The migration's named queries, on psycopg or on a connection of the stores."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from aragora_sql.database import Connection, Row, Statement
from aragora_sql.queries.files import QueryText, read_queries, sql_dir
from aragora_sql.queries.parameters import number_parameters

__all__ = [
    "ask",
    "call",
    "call_many",
    "call_value",
    "render",
    "schema_path",
    "text_of",
    "upgrade_path",
]


def schema_path() -> Path:
    """Return the file that creates the migration's own tables."""
    return sql_dir() / "migration" / "schema.sql"


def upgrade_path() -> Path:
    """Return the file that leads an earlier release's tables to today's."""
    return schema_path().with_name("upgrade.sql")


@lru_cache(maxsize=4)
def _queries(path: Path) -> dict[str, QueryText]:
    return dict(read_queries(path, "postgres"))


@lru_cache(maxsize=4)
def _statements(path: Path) -> dict[str, bytes]:
    return {name: render(query) for name, query in _queries(path).items()}


def render(query: QueryText) -> bytes:
    """Return a query as psycopg takes it, with its parameters by name."""
    parts, end = [], 0
    for parameter in query.found:
        parts += [query.sql[end : parameter.start].replace("%", "%%"), f"%({parameter.name})s"]
        end = parameter.end
    parts.append(query.sql[end:].replace("%", "%%"))
    return "".join(parts).encode()


def text_of(name: str) -> str:
    """Return a query without parameters as any driver takes it."""
    return _queries(sql_dir() / "migration" / "queries.sql")[name].sql


async def ask(connection: Connection, name: str, /, **parameters: Any) -> list[Row]:
    """Run a query of ``sql/migration/queries.sql`` on a connection of the stores."""
    query = _queries(sql_dir() / "migration" / "queries.sql")[name]
    rendered, order = number_parameters(query.sql, list(query.found))
    statement = Statement(f"migration.{name}", rendered)
    return await connection.fetch_all(statement, [parameters[one] for one in order])


def call(
    connection: psycopg.Connection[Any], name: str, /, **parameters: Any
) -> psycopg.Cursor[Any]:
    """Run a query of ``sql/migration/queries.sql``."""
    statement = _statements(sql_dir() / "migration" / "queries.sql")[name]
    # Parameters even where there are none: only then does psycopg read %% as one percent sign.
    return connection.execute(statement, parameters)


def call_value(connection: psycopg.Connection[Any], name: str, /, **parameters: Any) -> Any:
    """Run a query and return the first value of its first row, or None."""
    row = call(connection, name, **parameters).fetchone()
    return None if row is None else row[0]


def call_many(
    connection: psycopg.Connection[Any], name: str, rows: list[dict[str, Any]], /
) -> None:
    """Run a query once for each set of parameters, in one round trip."""
    statement = _statements(sql_dir() / "migration" / "queries.sql")[name]
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
