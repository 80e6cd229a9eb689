"""The source: one snapshot of a PostgreSQL database, which is only read."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from aragora_sql.errors import (
    ConfigurationError,
    SchemaMismatchError,
    SchemaVersionError,
)
from aragora_sql.migration.preparing import refuse_hidden
from aragora_sql.migration.target import PgConnection, connect, driver_errors
from aragora_sql.migration.to_sqlite.statements import ask, ask_value
from aragora_sql.migration.to_sqlite.tables import MovedTable, Row
from aragora_sql.schema import VERSIONS_TABLE, latest_version, table_names
from aragora_sql.settings import PostgresDSN

__all__ = ["Snapshot", "Survey"]


# Bytes that are read at once. Documents can be several times as large as they are stored.
_MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What a table holds in the snapshot.

    ``odd`` rows hold a value that SQLite can't keep; ``negative_zeros`` are values, and ``extras``
    those of columns that no store has. ``widest`` is the size of the largest row in bytes, where
    documents count as they are stored, which may be compressed.
    """

    rows: int
    odd: int
    negative_zeros: int
    extras: dict[str, int]
    widest: int


class Snapshot:
    """An open source: all that is read of it is the state of one moment.

    ``stores`` are those of the wished ones that it has, ``place`` names it without a secret, and
    what transactions before ``oldest_transaction`` wrote is in it. ``batch_size`` rows at most are
    held at once.

    Raises :class:`~aragora_sql.errors.DatabaseUnavailableError` when it can't connect,
    :class:`~aragora_sql.errors.SchemaVersionError` when a store is not of this release's version,
    and :class:`~aragora_sql.errors.SchemaRightsError` when rows are hidden from the role.
    """

    def __init__(
        self, dsn: PostgresDSN, stores: Sequence[str], batch_size: int, *, are_named: bool
    ) -> None:
        self._dsn = dsn
        self._batch_size = batch_size
        self.connection: PgConnection = connect(dsn, "aragora-sql migrate")
        try:
            with driver_errors("reading the source"):
                self._open(stores, are_named=are_named)
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self.connection.close()

    def _open(self, stores: Sequence[str], *, are_named: bool) -> None:
        self.stores = self._present(stores, are_named=are_named)
        refuse_hidden(self.connection, self.stores)
        names = [VERSIONS_TABLE, *(t for s in self.stores for t in table_names(s, "postgres"))]
        self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Before the snapshot is taken: a table that is rewritten later would look empty in it.
        self.connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(
                sql.SQL(", ").join(map(sql.Identifier, names))
            )
        )
        [row] = ask(self.connection, "describe_source").fetchall()
        database, schema, encoding, self.oldest_transaction, _ = row
        if encoding == "SQL_ASCII":
            raise ConfigurationError(
                f"{self._dsn}: the database has no encoding (SQL_ASCII), so its text has no "
                "meaning that could be moved. Dump it, and load it into a database in UTF8"
            )
        self.place = f"{self._dsn} (database {database}, schema {schema})"
        # Again: an upgrade may have been at work before the locks were there.
        self._present(self.stores, are_named=True)

    def _present(self, stores: Sequence[str], *, are_named: bool) -> tuple[str, ...]:
        """Return the stores that are there, all of them of this release's version."""
        [row] = ask(self.connection, "describe_source").fetchall()
        versions: dict[str, int] = {}
        if row[-1]:
            versions = dict(ask(self.connection, "list_versions").fetchall())
        present = []
        for store in stores:
            latest = latest_version(store, "postgres")
            version = versions.get(store)
            if version is None:
                if are_named:
                    raise SchemaMismatchError(
                        f"store {store!r} is not in the source {self._dsn}. Nothing was moved"
                    )
                continue
            if version != latest:
                how = (
                    "upgrade it with: aragora-sql schema apply --dialect postgres"
                    if version < latest
                    else "install a newer aragora-sql"
                )
                raise SchemaVersionError(
                    f"store {store!r}: the source has schema version {version}, and this release "
                    f"moves version {latest}; {how}. Nothing was moved"
                )
            present.append(store)
        if not present:
            raise SchemaMismatchError(
                f"the source {self._dsn} has no store of this package in the schema "
                f"{row[1]!r}. Nothing was moved"
            )
        return tuple(present)

    def survey(self, table: MovedTable) -> Survey:
        """Look at all rows of a table, in the server."""
        with driver_errors(f"counting {table.name}"):
            [found] = self.connection.execute(table.survey()).fetchall()
        rows, odd, zeros, widest, *extras = found
        return Survey(rows, odd, zeros, dict(zip(table.extra, extras, strict=True)), widest or 0)

    def is_unchanged(self, table: MovedTable, rows: int, oldest_transaction: int) -> bool:
        """Tell whether a table is what it was in an earlier snapshot, where it had so many rows.

        When an older transaction was open then, nobody can tell.
        """
        with driver_errors(f"comparing {table.name}"):
            [found] = self.connection.execute(table.count_before(oldest_transaction)).fetchall()
        return found == (rows, rows)

    def load(
        self, table: MovedTable, survey: Survey, after: Sequence[Any] | None
    ) -> Generator[list[Row], None, None]:
        """Read rows as SQLite stores them, in their order, behind those that are there."""
        return self._batches(table.loading(after), survey)

    def load_odd(self, table: MovedTable, survey: Survey) -> Generator[list[Row], None, None]:
        """Read the rows that SQLite can't keep."""
        return self._batches(table.loading_odd(), survey)

    def compare(self, table: MovedTable, survey: Survey) -> Generator[list[Row], None, None]:
        """Read rows as the driver reads them, in the same order, without the odd ones."""
        return self._batches(table.comparing(), survey)

    def _batches(self, query: sql.Composed, survey: Survey) -> Generator[list[Row], None, None]:
        """Read the rows of a query, the next ones while the caller works on the last."""
        with closing(self._fetched(query, survey)) as batches, ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(next, batches, None)
            while found := ahead.result():
                ahead = reader.submit(next, batches, None)
                yield found

    def _fetched(self, query: sql.Composed, survey: Survey) -> Generator[list[Row], None, None]:
        """Read the rows of a query, as many at once as memory is held for."""
        rows = max(1, min(self._batch_size, _MOST_BYTES // max(survey.widest, 1)))
        with driver_errors("reading the source"), self.connection.cursor(binary=True) as cursor:
            cursor.execute(sql.SQL("DECLARE moved NO SCROLL CURSOR FOR ") + query)
            fetch = sql.SQL("FETCH {} FROM moved").format(sql.Literal(rows))
            while found := cursor.execute(fetch).fetchall():
                yield found
                if len(found) < rows:
                    break
            cursor.execute("CLOSE moved")

    def last_number(self, table: MovedTable) -> int | None:
        """Return the last number that the source gave a row of a table."""
        with driver_errors(f"reading the numbers of {table.name}"):
            found = ask_value(
                self.connection,
                "get_last_number",
                table_name=table.name,
                column_name=table.number,
            )
        return None if found is None else int(found)
