"""Where a dry run loads: temporary tables, in a transaction that is undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from aragora_sql.migration.planning import TablePlan
from aragora_sql.migration.target import PgConnection, driver_errors
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema import VERSIONS
from aragora_sql.schema.files import schema_text
from aragora_sql.schema.temporary import with_temporary_functions

__all__ = ["drop_references", "scratch_tables"]


class _UndoneError(Exception):
    """Ends a transaction so that nothing of it stays."""


@contextmanager
def scratch_tables(
    connection: PgConnection, stores: Sequence[str], doing: str
) -> Iterator[str | None]:
    """Make temporary tables of the stores, which are gone at the end with all that is in them.

    Gives the schema of the real tables, or None when there are none.
    """
    try:
        with driver_errors(doing), connection.transaction():
            current = connection.execute("SELECT current_schema()").fetchone()
            yield _make_tables(connection, stores, current[0] if current else None)
            raise _UndoneError
    except _UndoneError:
        pass


def _make_tables(
    connection: PgConnection, stores: Sequence[str], current: str | None
) -> str | None:
    present = connection.execute(
        "SELECT to_regclass(format('%I._schema_versions', current_schema())) IS NOT NULL"
    ).fetchone()
    connection.execute(
        # With room for them, loading is as fast as into other tables.
        "SET LOCAL client_min_messages = warning; SET LOCAL temp_buffers = '64MB'; "
        "SET LOCAL search_path = pg_temp"
    )
    texts = {store: schema_text(store, "postgres", sql_dir()) for store in (VERSIONS, *stores)}
    for text in with_temporary_functions(texts).values():
        connection.execute(text.encode())
    if current is not None:
        # For what is not there: the numbers that rows have already.
        connection.execute(
            sql.SQL("SET LOCAL search_path = pg_temp, {}").format(sql.Identifier(current))
        )
    return current if present and present[0] else None


def drop_references(connection: PgConnection, tables: Sequence[TablePlan]) -> None:
    """Drop the foreign keys: parents may be in the real schema, so they are looked for in both."""
    for table in tables:
        for reference in table.table.references:
            connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                    sql.Identifier(table.table.name), sql.Identifier(reference.constraint)
                )
            )
