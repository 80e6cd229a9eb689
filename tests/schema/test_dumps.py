"""pg_dump and pg_restore, as docs/operator.md has them."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.schema import apply_schema, inspect_schema
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import PostgresServer, Servers, chosen_binaries


async def fill(dsn: str) -> int:
    """Make the schema and store a job; return its number."""
    database = await PostgresDatabase.connect(dsn, 1, 1)
    try:
        await apply_schema(database)
        return (await JobQueueStore(database).enqueue("mail", {"to": "ann"})).number
    finally:
        await database.close()


async def go_on(dsn: str) -> tuple[int, int]:
    """Look at a restored database and use it; return the numbers of the old and a new job."""
    database = await PostgresDatabase.connect(dsn, 1, 1)
    try:
        assert not (await inspect_schema(database)).differences
        jobs = JobQueueStore(database)
        new = await jobs.enqueue("mail", {"to": "ben"})
        (old,) = await jobs.claim("worker")
        assert old.payload == {"to": "ann"}
        return old.number, new.number
    finally:
        await database.close()


def test_a_dump_is_restored_into_an_empty_database(
    servers: Servers, postgres_dsn: str, tmp_path: Path
) -> None:
    server: PostgresServer = servers.default
    programs = chosen_binaries()[0].bin_dir
    number = asyncio.run(fill(postgres_dsn))
    dump = tmp_path / "aragora.dump"
    subprocess.run(
        [programs / "pg_dump", "--format=custom", f"--file={dump}", postgres_dsn], check=True
    )
    name = server.create_database()
    try:
        target = server.dsn(name)
        subprocess.run(
            [programs / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={target}", dump],
            check=True,
        )
        old, new = asyncio.run(go_on(target))
    finally:
        server.drop_database(name)
    assert (old, new) == (number, number + 1)
