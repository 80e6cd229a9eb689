"""A database of made rows of every table, and looking into a SQLite file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from aragora_sql.checker.meaning.pair import open_pair
from aragora_sql.checker.meaning.rows import fill_pair
from aragora_sql.database.sqlite import SQLiteConnection
from aragora_sql.engines.facts import Engines, read_facts, read_tree
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, ToSQLiteReport, move_to_sqlite
from aragora_sql.settings import PostgresDSN
from tests.conftest import PostgresServer

# What SQLite gives to rows by itself.
OWN_NUMBERS = dict.fromkeys(
    (
        "consensus",
        "continuum_memory",
        "cycles",
        "debate_archive",
        "decision_results",
        "facts",
        "insights",
        "knowledge_nodes",
        "marketplace_templates",
        "receipts",
        "unified_inbox_messages",
    ),
    "row_id",
)
# What the way to PostgreSQL leaves to the server: numbers that no application sees.
GIVEN_ANEW = {
    **dict.fromkeys(
        (
            "consensus_archive",
            "dissent_archive",
            "verified_proofs_archive",
            "patterns_archive",
            "continuum_memory_archive",
        ),
        "archive_id",
    ),
    "tier_transitions": "id",
}
Rows = list[tuple[Any, ...]]


@contextmanager
def made_rows(server: PostgresServer, file: Path) -> Iterator[str]:
    """Make the rows that the checker makes, in PostgreSQL and in a SQLite file; give the DSN."""
    with Engines(read_tree(), server.dsn("postgres")) as engines:
        facts = read_facts(engines, ())
        with engines.empty_database() as empty:
            assert empty is not None

            async def fill() -> None:
                schemas = facts.tree.schemas
                async with open_pair(empty, schemas, facts.catalogs) as pair:
                    filled = await fill_pair(pair, schemas["postgres"])
                    assert filled.without == {}
                    async with pair.sqlite.database.connection() as connection:
                        assert isinstance(connection, SQLiteConnection)
                        await connection.run_in_thread("copy", copy)

            def copy(driver: sqlite3.Connection) -> None:
                with closing(sqlite3.connect(file)) as copied:
                    driver.backup(copied)

            asyncio.run(fill())
            yield empty.dsn


def move(dsn: str, path: Path, **options: Any) -> ToSQLiteReport:
    """Move a database to a file."""
    given: dict[str, Any] = {"rejects": path.parent / "rejects", "verify": "all"} | options
    return move_to_sqlite(ToSQLiteOptions(dsn=PostgresDSN.parse(dsn), sqlite_path=path, **given))


def tables_of(path: Path) -> list[str]:
    """Return the tables of the stores in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            name
            for (name,) in connection.execute(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                "AND name NOT IN ('_schema_versions', '_transaction_keys') "
                "ORDER BY name"
            )
        ]


def contents(path: Path, without: dict[str, str] = OWN_NUMBERS) -> dict[str, Rows]:
    """Return the rows of every table, sorted, documents with their members in one order.

    Columns of ``without`` are left out.
    """
    found: dict[str, Rows] = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in tables_of(path):
            names = [
                name
                for (name,) in connection.execute("SELECT name FROM pragma_table_xinfo(?)", [table])
                if name != without.get(table)
            ]
            rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}")
            found[table] = sorted((tuple(map(_plain, row)) for row in rows), key=repr)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            pass
    return value


def execute(dsn: str, *statements: str) -> None:
    """Run statements on PostgreSQL."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        for statement in statements:
            connection.execute(statement.encode())


def query(path: Path, statement: str, *arguments: Any) -> Rows:
    """Run a statement on a file."""
    with closing(sqlite3.connect(path)) as connection:
        rows: Rows = connection.execute(statement, arguments).fetchall()
        connection.commit()
        return rows


def beside(path: Path) -> set[str]:
    """Return the names of the files whose names begin as that of a file does."""
    return {file.name for file in path.parent.iterdir() if file.name.startswith(path.name)}
