"""Secondary indexes of tables that are empty: dropped before a load, built once it is done.

An index that is built from all rows costs a fraction of one that takes each row by itself. What is
dropped is recorded in the same transaction, with its definition, and forgotten in the transaction
that builds it: a run that is killed leaves the record, and the next one builds what it says.
"""

from __future__ import annotations

import logging
import re

from psycopg import errors, sql

from aragora_sql.migration.statements import call, call_value
from aragora_sql.migration.target import PgConnection, describe_table

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


def rebuild_index(connection: PgConnection, name: str) -> str | None:
    """Build an index that was dropped; nothing happens when it is there already.

    Returns why it can't be built, when rows of the table are to blame. It is built by the next run
    then.
    """
    found = call(connection, "get_dropped_index", index_name=name).fetchone()
    if found is None:
        return None
    definition, table = found
    try:
        with connection.transaction():
            if not call_value(connection, "has_index", index_name=name):
                connection.execute(definition.encode())
            call(connection, "forget_index", index_name=name)
    except errors.ProgramLimitExceeded as error:
        primary = error.diag.message_primary or str(error)
        return f"{name}: {primary}; {_longest(connection, table, definition)}"
    return None


def _longest(connection: PgConnection, name: str, definition: str) -> str:
    """Name the row of a table that is longest in the columns of an index."""
    table = describe_table(connection, name)
    words = set(re.findall(r"\w+", definition.partition(" USING ")[2]))
    texts = [c.name for c in table.columns if c.type == "text" and c.name in words]
    if not texts:
        return f"look for the longest rows of {name}"
    size = sql.SQL(" + ").join(
        sql.SQL("coalesce(octet_length({}), 0)").format(sql.Identifier(text)) for text in texts
    )
    keys = [sql.SQL("left({}::text, 80)").format(sql.Identifier(key)) for key in table.key]
    row = connection.execute(
        sql.SQL(
            "SELECT {size}, concat_ws(', ', {keys}) FROM {table} ORDER BY 1 DESC LIMIT 1"
        ).format(size=size, keys=sql.SQL(", ").join(keys), table=sql.Identifier(name))
    ).fetchone()
    length, key = row or (0, "")
    return (
        f"the longest row of {name} has {length:,} bytes in {', '.join(texts)}: "
        f"{', '.join(table.key)} = {key}"
    )
