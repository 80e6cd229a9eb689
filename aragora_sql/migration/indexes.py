"""Secondary indexes of tables that are empty: dropped before a load, built once it is done.

An index that is built from all rows costs a fraction of one that takes each row by itself. What is
dropped is recorded in the same transaction, with its definition, and forgotten in the transaction
that builds it: a run that is killed leaves the record, and the next one builds what it says.
"""

from __future__ import annotations

import logging

from psycopg import errors, sql

from aragora_sql.migration.statements import call, call_value
from aragora_sql.migration.target import PgConnection

__all__ = ["drop_indexes", "dropped_indexes", "rebuild_index"]

log = logging.getLogger(__name__)

# Fewer rows are loaded faster than indexes are dropped and built.
FEWEST_ROWS = 5_000
# How long a load waits for the application to let go of an empty table.
_LOCK_TIMEOUT = "2s"


def drop_indexes(connection: PgConnection, table: str, rows: int) -> list[str]:
    """Drop what only serves queries on an empty table, when so many ``rows`` are to come.

    Primary keys and unique indexes stay, and so does every index when the table is in use, or its
    owner is another role. Returns the names of those that were dropped.
    """
    if rows < FEWEST_ROWS:
        return []
    name = sql.Identifier(table)
    try:
        with connection.transaction():
            found = call(connection, "list_droppable_indexes", table_name=table).fetchall()
            if not found:
                return []
            connection.execute(
                sql.SQL(
                    "SET LOCAL lock_timeout = {}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE"
                ).format(sql.Literal(_LOCK_TIMEOUT), name)
            )
            empty = connection.execute(sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(name))
            if empty.fetchone() != (True,):
                return []
            for index, definition in found:
                call(
                    connection,
                    "record_index",
                    index_name=index,
                    target_table=table,
                    definition=definition,
                )
                connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
    except errors.LockNotAvailable:
        log.info("%s is in use: its indexes stay, which makes loading it slower", table)
        return []
    return [index for index, _ in found]


def dropped_indexes(connection: PgConnection) -> list[str]:
    """Return the names of the indexes that are to be built, also those of an earlier run."""
    found = call(connection, "list_recorded_indexes").fetchall()
    others = [name for name, is_ours in found if not is_ours]
    if others:
        log.warning(
            "an earlier run of the tables' owner left indexes to be built, and searches are slow "
            "without them: %s. Run the migration once as the owner",
            ", ".join(others),
        )
    return [name for name, is_ours in found if is_ours]


def rebuild_index(connection: PgConnection, name: str) -> None:
    """Build an index that was dropped; nothing happens when it is there already."""
    with connection.transaction():
        definition = call_value(connection, "get_index_definition", index_name=name)
        if definition is None:
            return
        if not call_value(connection, "has_index", index_name=name):
            connection.execute(definition.encode())
        call(connection, "forget_index", index_name=name)
