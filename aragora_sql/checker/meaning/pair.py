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
from functools import partial
from typing import Any

from psycopg import sql

from aragora_sql.checker.meaning.samples import PINNED
from aragora_sql.database import ColumnKind, Connection, Database, Dialect, Row, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteConnection, SQLiteDatabase
from aragora_sql.database.values import format_timestamp
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.errors import ConfigurationError

__all__ = [
    "CALL_SECONDS",
    "Pair",
    "PreparedDatabase",
    "Side",
    "copy_sqlite",
    "open_pair",
    "prepare_postgres",
    "stored_rows",
]

# How long a call may take: on a few rows, one that takes longer does not end.
CALL_SECONDS = 5.0

_KINDS: Mapping[str, ColumnKind] = {"bool": "boolean", "Any": "json", "datetime": "timestamp"}
_POSTGRES_CLOCK = ("now", "statement_timestamp", "clock_timestamp", "transaction_timestamp")
_SQLITE_CLOCK = ("strftime", "julianday", "unixepoch", "datetime", "date", "time")
# Triggers that refuse what no query does would also refuse that tables are emptied between calls.
_REFUSING_ON_POSTGRES = """
SELECT t.tgname, c.relname
FROM pg_catalog.pg_trigger AS t
INNER JOIN pg_catalog.pg_class AS c ON t.tgrelid = c.oid
INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
WHERE NOT t.tgisinternal AND t.tgtype & 4 = 0 AND p.prosrc ~* '\\mraise exception\\M'
"""
_REFUSING_ON_SQLITE = """
SELECT name
FROM sqlite_schema
WHERE type = 'trigger' AND sql LIKE '%select raise(%' AND sql NOT LIKE '% insert on %'
"""
# How many statements a copy keeps prepared: all edited texts of a query.
_STATEMENTS = 1024
# What random() gives, so that an equal share of its range comes out: all of it.
_CHANCE_OF_SQLITE = 2**20 - 1


@dataclass(slots=True)
class Side:
    """One of the two databases. ``other`` is the catalog of the other one.

    ``initial`` are the rows that were remembered, by table, and ``places`` where they are stored.
    """

    dialect: Dialect
    database: Database
    catalog: Catalog
    other: Catalog
    initial: dict[str, list[Row]] = field(default_factory=dict)
    places: dict[str, list[Any]] = field(default_factory=dict)
    _dumps: dict[str, Statement] = field(default_factory=dict)
    _resets: dict[str, str] = field(default_factory=dict)

    async def read_table(self, connection: Connection, table: str) -> list[Row]:
        """Return all rows of a table, with the columns that both dialects have."""
        return await connection.fetch_all(
            self.dump(table), [] if self.dialect == "postgres" else {}
        )

    def dump(self, table: str) -> Statement:
        """Return the statement that reads all rows of a table."""
        if table not in self._dumps:
            columns = [c for c in self.catalog[table].columns if self.other[table].column(c.name)]
            kinds = {c.name: _KINDS[c.python_type] for c in columns if c.python_type in _KINDS}
            names = ", ".join(f'"{c.name}"' for c in columns)
            statement = f'SELECT {names} FROM "{table}"'  # noqa: S608 - names of the catalog
            self._dumps[table] = Statement(f"table {table}", statement, (), kinds)
        return self._dumps[table]

    async def remember(self, tables: Sequence[str]) -> None:
        """Take what some tables hold for what they hold before each call."""
        async with self.database.transaction() as connection:
            places = await self.places_of(connection, tables)
            for name, found in zip(tables, places, strict=True):
                self.places[name] = found
                self.initial[name] = await self.read_table(connection, name)

    async def places_of(self, connection: Connection, tables: Sequence[str]) -> list[list[Any]]:
        """Return for each row of each table what changes when somebody writes the row.

        Of PostgreSQL that is where the row's version is and who wrote it; of SQLite, the row.
        """
        if isinstance(connection, SQLiteConnection):
            return await connection.run_in_thread("rows", partial(stored_rows, tables))
        name = f"places of {' '.join(tables)}"
        if name not in self._dumps:
            parts = [
                f"(SELECT string_agg(ctid::text || ' ' || xmin::text, '/') FROM \"{table}\")"  # noqa: S608
                for table in tables
            ]
            self._dumps[name] = Statement(name, f"SELECT ARRAY[{', '.join(parts)}]::text[]")
        found = await connection.fetch_value(self._dumps[name], [])
        return [text.split("/") if text else [] for text in found]

    async def changes(
        self, connection: Connection, tables: Sequence[str], before: Sequence[list[Any]]
    ) -> dict[str, list[Row]]:
        """Return the rows of those tables whose places are not those of ``before`` any more.

        A row that is where it was remembered is the same object again.
        """
        if not tables:
            return {}
        found = await self.places_of(connection, tables)
        return {
            name: self.known_rows(name, now, await self.read_table(connection, name))
            for name, was, now in zip(tables, before, found, strict=True)
            if was != now
        }

    def known_rows(self, table: str, places: Sequence[Any], rows: list[Row]) -> list[Row]:
        """Return rows of a table, as the objects that were remembered where one is in its place."""
        held: dict[Any, list[Row]] = {}
        for place, row in zip(self.places[table], self.initial[table], strict=True):
            held.setdefault(place, []).append(row)
        return [
            held[place].pop() if held.get(place) else row
            for place, row in zip(places, rows, strict=True)
        ]

    def share(self, stored: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Take the objects of ``stored`` for those remembered rows that are the same."""
        for name, rows in self.initial.items():
            held: dict[str, list[Any]] = {}
            for row in stored.get(name, ()):
                held.setdefault(repr(row), []).append(row)
            self.initial[name] = [
                held[shown].pop() if held.get(shown := repr(row)) else row for row in rows
            ]

    async def reverse_table(self, connection: Connection, table: str) -> None:
        """Put the rows of a table of PostgreSQL in the opposite order.

        What no ORDER BY puts in an order then comes the other way round than in SQLite.
        """
        given = [column.name for column in self.catalog[table].columns if not column.generated]
        if not given:
            # Nothing of it can be set, so nobody has filled it.
            return
        column = given[0]
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

    async def reset_numbers(self, connection: Connection, tables: Sequence[str]) -> None:
        """Let the next generated numbers follow the largest ones, as on SQLite after a rollback."""
        script = self.numbers_script(tables)
        if script:
            await connection.fetch_all(Statement(f"numbers of {' '.join(tables)}", script), [])

    def numbers_script(self, tables: Sequence[str]) -> str:
        """Return the statement of :meth:`reset_numbers`; empty where no numbers are generated."""
        if self.dialect == "sqlite":
            return ""
        name = " ".join(tables)
        if name not in self._resets:
            parts = [
                f"(SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column.name}'), "  # noqa: S608
                f'coalesce(max("{column.name}"), 0) + 1, false) FROM "{table}")'
                for table in tables
                for column in self.catalog[table].columns
                if column.generated == "identity"
            ]
            self._resets[name] = f"SELECT {', '.join(parts)}" if parts else ""
        return self._resets[name]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both databases: of PostgreSQL and of SQLite, or two of one dialect under both names."""

    postgres: Side
    sqlite: Side

    @property
    def is_of_one_dialect(self) -> bool:
        """Whether two releases are compared in one dialect, and not the dialects."""
        return self.postgres.dialect == self.sqlite.dialect

    @property
    def sides(self) -> tuple[Side, Side]:
        """PostgreSQL, then SQLite."""
        return self.postgres, self.sqlite


@dataclass(frozen=True, slots=True)
class PreparedDatabase:
    """A scratch database that has the schema and the clock, by its name and DSN."""

    name: str
    dsn: str


@asynccontextmanager
async def open_pair(
    place: EmptyDatabase | PreparedDatabase,
    schemas: Mapping[Dialect, Sequence[SchemaFile]],
    catalogs: Mapping[Dialect, Catalog],
    *,
    most_seconds: float = CALL_SECONDS,
) -> AsyncIterator[Pair]:
    """Open a scratch database and a SQLite database in memory, with the schema.

    A statement is ended after ``most_seconds``.
    """
    if isinstance(place, EmptyDatabase):
        place = await asyncio.to_thread(prepare_postgres, place, schemas["postgres"])
    postgres = await PostgresDatabase.connect(place.dsn, 1, 1, statement_timeout=most_seconds)
    sqlite = SQLiteDatabase(":memory:", statement_timeout=most_seconds)
    try:
        await _check_place(postgres, place.name)
        async with sqlite.connection() as connection:
            if not isinstance(connection, SQLiteConnection):
                raise TypeError("not a SQLite connection")
            await connection.run_in_thread("clock", _pin_sqlite)
            for file in schemas["sqlite"]:
                await connection.run_script(file.store, file.text)
            await connection.run_in_thread("refusing", _drop_refusing_on_sqlite)
        ours, theirs = catalogs["postgres"], catalogs["sqlite"]
        yield Pair(Side("postgres", postgres, ours, theirs), Side("sqlite", sqlite, theirs, ours))
    finally:
        await postgres.close()
        await sqlite.close()


def prepare_postgres(empty: EmptyDatabase, files: Sequence[SchemaFile]) -> PreparedDatabase:
    """Give an empty scratch database the schema and the clock."""
    connection = empty.connection
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
        for trigger, table in connection.execute(_REFUSING_ON_POSTGRES).fetchall():
            drop = sql.SQL("DROP TRIGGER {} ON {}")
            connection.execute(drop.format(sql.Identifier(trigger), sql.Identifier(table)))
    return PreparedDatabase(connection.info.dbname, empty.dsn)


def _drop_refusing_on_sqlite(driver: sqlite3.Connection) -> None:
    for (name,) in driver.execute(_REFUSING_ON_SQLITE).fetchall():
        driver.execute(f'DROP TRIGGER "{name}"')


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


def stored_rows(tables: Sequence[str], driver: sqlite3.Connection) -> list[list[Any]]:
    """Return the rows of some tables of SQLite, as they are stored."""
    return [driver.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables]  # noqa: S608


def copy_sqlite(driver: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of SQLite's database with the same clock, for the thread that made it."""
    own = sqlite3.connect(":memory:", isolation_level=None, cached_statements=_STATEMENTS)
    driver.backup(own)
    _pin_sqlite(own)
    own.execute("PRAGMA foreign_keys = ON")
    return own


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
