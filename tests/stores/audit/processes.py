"""What the processes of the audit tests do: ``python -m tests.stores.audit.processes …``."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from tests.stores.audit.cases import ENTRY, signed

TASKS = 3


async def append(location: str, number: int, count: int) -> None:
    """Append ``count`` entries, some one by one and some together."""
    database: Database
    if location.startswith("postgresql:"):
        database = await PostgresDatabase.connect(location, 1, TASKS)
    else:
        database = SQLiteDatabase(location)
    audit = signed(database)
    left = [*range(count)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)

    async def work() -> None:
        while left:
            batch: list[Any] = [
                {**ENTRY, "actor": f"process {number}", "resource_id": f"{left.pop()}"}
                for _ in range(min(len(left), 1 + len(left) % 7))
            ]
            if len(batch) == 1:
                await audit.append(**batch[0])
            else:
                await audit.append_many(batch)

    await asyncio.gather(*(work() for _ in range(TASKS)))
    await database.close()


if __name__ == "__main__":
    location, *numbers = sys.argv[1:]
    asyncio.run(append(location, *map(int, numbers)))
