"""The sequences of the target that give numbers: moved past the numbers that are taken."""

from __future__ import annotations

from psycopg import sql

from aragora_sql.migration.target import PgConnection, Table

__all__ = ["NEVER_REACHED", "advance_numbers"]

# Numbers that are not stepped through to move a sequence.
_WIDE_GAP = 1_000_000
# A sequence that hands out a million numbers a second gets here in 146,000 years.
NEVER_REACHED = 2**62


def advance_numbers(connection: PgConnection, table: Table, at_least: int = 0) -> None:
    """Move the sequence of a table's numbers past the largest one that is there.

    Numbers from :data:`NEVER_REACHED` on don't count: the sequence would be used up, and it never
    gets there by itself.
    """
    for column in table.columns:
        if column.identity != "d":
            continue
        # An application may take numbers meanwhile. A few steps more do no harm, where setting it
        # could undo that; past a wide gap nobody gets between two looks.
        connection.execute(
            sql.SQL(
                "SELECT CASE WHEN m.number - s.last > {gap} THEN setval(s.name, m.number) "
                "ELSE (SELECT max(n.taken) FROM (SELECT nextval(s.name) AS taken "
                "FROM generate_series(s.last + 1, m.number)) AS n) END "
                "FROM (SELECT q.name, coalesce(pg_sequence_last_value(q.name), 0) AS last "
                "FROM (SELECT pg_get_serial_sequence({table_name}, {column_name})::regclass "
                "AS name) AS q) AS s, "
                "(SELECT greatest(max({column}), %s) AS number FROM {table} "
                "WHERE {column} < {limit}) AS m WHERE m.number > s.last"
            ).format(
                gap=sql.Literal(_WIDE_GAP),
                limit=sql.Literal(NEVER_REACHED),
                table_name=sql.Literal(table.name),
                column_name=sql.Literal(column.name),
                column=sql.Identifier(column.name),
                table=sql.Identifier(table.name),
            ),
            [at_least],
        )
