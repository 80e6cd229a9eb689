"""Two databases with the same schema and the same clock, one of each engine.

What a query asks of time or chance gives the same on both: the clock is at one timestamp, and
chance gives the same number.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from aragora_sql.checker.catalog import Catalog
from aragora_sql.checker.meaning.samples import PINNED
from aragora_sql.checker.postgres_engine import EmptyDatabase
from aragora_sql.checker.schema_files import SchemaFile
from aragora_sql.database import ColumnKind, Connection, Database, Dialect, Row, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteConnection, SQLiteDatabase
from aragora_sql.database.values import format_timestamp
from aragora_sql.errors import ConfigurationError

__all__ = ["Pair", "Side", "open_pair"]

_KINDS: Mapping[str, ColumnKind] = {"bool": "boolean", "Any": "json", "datetime": "timestamp"}
_POSTGRES_CLOCK = ("now", "statement_timestamp", "clock_timestamp", "transaction_timestamp")
_SQLITE_CLOCK = ("strftime", "julianday", "unixepoch", "datetime", "date", "time")
# What random() gives, so that an equal share of its range comes out: all of it.
_CHANCE_OF_SQLITE = 2**20 - 1


@dataclass(slots=True)
class Side:
    """One of the two databases. ``other`` is the catalog of the other one."""

    dialect: Dialect
    database: Database
    catalog: Catalog
    other: Catalog
    _dumps: dict[str, Statement] = field(default_factory=dict)
    _resets: dict[str, tuple[Statement, ...]] = field(default_factory=dict)

    async def read_table(self, connection: Connection, table: str) -> list[Row]:
        """Return all rows of a table, with the columns that both dialects have."""
        if table not in self._dumps:
            columns = [c for c in self.catalog[table].columns if self.other[table].column(c.name)]
            kinds = {c.name: _KINDS[c.python_type] for c in columns if c.python_type in _KINDS}
            names = ", ".join(f'"{c.name}"' for c in columns)
            statement = f'SELECT {names} FROM "{table}"'  # noqa: S608 - names of the catalog
            self._dumps[table] = Statement(f"table {table}", statement, (), kinds)
        return await connection.fetch_all(
            self._dumps[table], [] if self.dialect == "postgres" else {}
        )

    async def reverse_table(self, connection: Connection, table: str) -> None:
        """Put the rows of a table of PostgreSQL in the opposite order.

        What no ORDER BY puts in an order then comes the other way round than in SQLite.
        """
        column = next(c.name for c in self.catalog[table].columns if not c.generated)
        await connection.run_script(
            f"order of {table}",
            f"""DO $$
            DECLARE place tid;
            BEGIN
                FOR place IN SELECT ctid FROM "{table}" ORDER BY ctid DESC LOOP
                    UPDATE "{table}" SET "{column}" = "{column}" WHERE ctid = place;
                END LOOP;
            END $$""",  # noqa: S608 - names of the catalog
        )

    async def reset_numbers(self, connection: Connection, table: str) -> None:
        """Let the next generated number follow the largest one, as on SQLite after a rollback."""
        if self.dialect == "sqlite":
            return
        if table not in self._resets:
            self._resets[table] = tuple(
                Statement(
                    f"numbers of {table}",
                    f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column.name}'), "  # noqa: S608
                    f'coalesce(max("{column.name}"), 0) + 1, false) FROM "{table}"',
                )
                for column in self.catalog[table].columns
                if column.generated == "identity"
            )
        for statement in self._resets[table]:
            await connection.fetch_all(statement, [])


@dataclass(frozen=True, slots=True)
class Pair:
    """Both databases."""

    postgres: Side
    sqlite: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """PostgreSQL, then SQLite."""
        return self.postgres, self.sqlite


@asynccontextmanager
async def open_pair(
    empty: EmptyDatabase,
    schemas: Mapping[Dialect, Sequence[SchemaFile]],
    catalogs: Mapping[Dialect, Catalog],
) -> AsyncIterator[Pair]:
    """Open an empty scratch database and a SQLite database in memory, with the schema."""
    await asyncio.to_thread(_set_up_postgres, empty.connection, schemas["postgres"])
    postgres = await PostgresDatabase.connect(empty.dsn, 1, 1)
    sqlite = SQLiteDatabase(":memory:")
    try:
        await _check_place(postgres, empty.connection.info.dbname)
        async with sqlite.connection() as connection:
            if not isinstance(connection, SQLiteConnection):
                raise TypeError("not a SQLite connection")
            await connection.run_in_thread("clock", _pin_sqlite)
            for file in schemas["sqlite"]:
                await connection.run_script(file.store, file.text)
        ours, theirs = catalogs["postgres"], catalogs["sqlite"]
        yield Pair(Side("postgres", postgres, ours, theirs), Side("sqlite", sqlite, theirs, ours))
    finally:
        await postgres.close()
        await sqlite.close()


def _set_up_postgres(connection: psycopg.Connection[Any], files: Sequence[SchemaFile]) -> None:
    clock = f"SELECT '{PINNED.isoformat()}'::timestamptz"
    pinned = [(name, "timestamptz", clock) for name in _POSTGRES_CLOCK]
    pinned.append(("random", "double precision", "SELECT 1.0::double precision"))
    connection.execute("CREATE SCHEMA pinned")
    for name, kind, body in pinned:
        connection.execute(
            sql.SQL("CREATE FUNCTION pinned.{}() RETURNS {} STABLE LANGUAGE sql AS {}").format(
                sql.Identifier(name), sql.SQL(kind), sql.Literal(body)
            )
        )
    # What the schema makes goes to the first; a name of the second hides the server's own. An
    # index gives rows of one key in the order in which they were stored, as SQLite does.
    for setting in (
        "search_path = public, pinned, pg_catalog",
        "enable_indexscan = off",
        "enable_indexonlyscan = off",
    ):
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(database))
    connection.execute("SET search_path = public, pinned, pg_catalog")
    with connection.transaction():
        for file in files:
            connection.execute(file.text.encode())


async def _check_place(database: Database, name: str) -> None:
    """Raise :class:`ConfigurationError` when a pool is not in the scratch database."""
    proof = Statement(
        "place", "SELECT current_database() = $1 AND to_regnamespace('pinned') IS NOT NULL"
    )
    async with database.read() as connection:
        if await connection.fetch_value(proof, [name]) is not True:
            raise ConfigurationError(
                f"asked for the scratch database {name}, another one answers: something leads "
                "every name to one database; name the server itself"
            )


def _pin_sqlite(driver: sqlite3.Connection) -> None:
    own = sqlite3.connect(":memory:", check_same_thread=False)
    clock = format_timestamp(PINNED)

    def pinned(name: str) -> Callable[..., Any]:
        # Without a time they take that of the clock.
        without = 1 if name == "strftime" else 0

        def function(*arguments: Any) -> Any:
            given = [clock if one == "now" else one for one in arguments]
            if len(given) == without:
                given.append(clock)
            marks = ", ".join("?" * len(given))
            statement = f"SELECT {name}({marks})"
            return own.execute(statement, given).fetchone()[0]

        return function

    for name in _SQLITE_CLOCK:
        driver.create_function(name, -1, pinned(name), deterministic=True)
    # What no ORDER BY puts in an order comes the other way round than in PostgreSQL.
    driver.execute("PRAGMA reverse_unordered_selects = ON")
    driver.create_function("random", 0, lambda: _CHANCE_OF_SQLITE)
