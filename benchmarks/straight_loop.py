"""A straight loop: read 1,000 rows, ``executemany`` with ON CONFLICT, and so on.

``python -m benchmarks.straight_loop FILE`` moves a file to the database that the variable
``ARAGORA_POSTGRES_DSN`` names.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.plain_mapping import MAPPINGS, TableMapping

_BATCH = 1000
_FLAGS = frozenset({"consensus_reached", "acknowledged", "led_to_improvement"})


async def _move(source: Path, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as legacy:
            for mapping in MAPPINGS:
                await _move_table(legacy, connection, mapping)
    finally:
        await connection.close()


async def _move_table(legacy: sqlite3.Connection, connection: Any, mapping: TableMapping) -> None:
    names = mapping.names
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    sql = (
        f"INSERT INTO {mapping.table} ({', '.join(names)}) VALUES ({marks}) "
        "ON CONFLICT (id) DO NOTHING"
    )
    timestamps = [number for number, name in enumerate(names) if name.endswith("_at")]
    flags = [number for number, name in enumerate(names) if name in _FLAGS]
    cursor = legacy.execute(mapping.select)
    while rows := cursor.fetchmany(_BATCH):
        batch = [list(row) for row in rows]
        for row in batch:
            for number in timestamps:
                row[number] = datetime.fromisoformat(row[number])
            for number in flags:
                row[number] = bool(row[number])
        await connection.executemany(sql, batch)


if __name__ == "__main__":
    asyncio.run(_move(Path(sys.argv[1]), os.environ["ARAGORA_POSTGRES_DSN"]))
