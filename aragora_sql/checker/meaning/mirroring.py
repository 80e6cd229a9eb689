"""Puts the rows of one pair of databases into another pair, whose schema is an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aragora_sql.checker.meaning.pair import Pair, Side
from aragora_sql.checker.meaning.rows import Row, is_compared
from aragora_sql.checker.meaning.table_rows import deletion, given, insertion
from aragora_sql.engines.filling import in_order
from aragora_sql.errors import AragoraSQLError

__all__ = ["mirror_rows"]


async def mirror_rows(
    pair: Pair, earlier: Pair, rows: Mapping[str, Sequence[Row]]
) -> dict[str, list[Row]]:
    """Store the ``rows`` of ``pair`` in ``earlier`` too, with the columns that both have.

    Returns the rows that both hold afterwards, by table: what the earlier schema refuses is deleted
    from ``pair``.
    """
    catalogs = [side.catalog for side in earlier.sides]
    tables = [t.name for t in in_order(pair.postgres.catalog) if is_compared(t.name, catalogs)]
    held: dict[str, list[Row]] = {}
    refused: dict[str, list[Row]] = {}
    for name in tables:
        # Rows come in the opposite order of that in which they were stored.
        for row in reversed(rows.get(name, ())):
            stored = [side for side in earlier.sides if await _store(side, name, row)]
            if len(stored) == len(earlier.sides):
                held.setdefault(name, []).append(row)
                continue
            for side in stored:
                await _delete(side, name, row)
            refused.setdefault(name, []).append(row)
        async with earlier.postgres.database.transaction() as connection:
            await earlier.postgres.reverse_table(connection, name)
    for name in reversed(tables):
        for row in reversed(refused.get(name, ())):
            for side in pair.sides:
                await _delete(side, name, row)
    for side in (*pair.sides, *earlier.sides):
        await side.remember(tables)
    return held


async def _store(side: Side, name: str, row: Row) -> bool:
    statement, columns = insertion(side, name, list(row))
    try:
        async with side.database.transaction() as connection:
            await connection.execute(statement, given(side, row, columns))
    except AragoraSQLError:
        return False
    return True


async def _delete(side: Side, name: str, row: Row) -> None:
    statement, columns = deletion(side, name)
    async with side.database.transaction() as connection:
        await connection.execute(statement, given(side, row, columns))
