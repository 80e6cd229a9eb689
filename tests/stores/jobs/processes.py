"""What the processes of the job queue tests do: ``python -m tests.stores.jobs.processes …``."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from pathlib import Path

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker


async def open_database(location: str) -> Database:
    if location.startswith("postgresql:"):
        return await PostgresDatabase.connect(location, 1, 4)
    return SQLiteDatabase(location)


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def claim_all(location: str, worker: str, batch: int) -> None:
    """Claim and end jobs until there is none, and print the id of each."""
    database = await open_database(location)
    jobs = JobQueueStore(database)
    tell("ready")
    await asyncio.to_thread(sys.stdin.readline)
    claimed: list[str] = []
    while found := await jobs.claim(worker, batch, ["a"]):
        claimed += [job.id for job in found]
        assert await jobs.complete_many(found) == []
    await database.close()
    tell("\n".join(claimed))


async def work(location: str, folder: str) -> None:
    """Work until killed. Each job holds a file lock while it runs, which the kernel lets go of."""
    root = Path(folder)

    async def handle(job: Job) -> None:
        descriptor = os.open(root / f"{job.id}.lock", os.O_CREAT | os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (root / f"{job.id}.overlap").touch()
                return
            await asyncio.sleep(0.03)
            if job.payload["fails"]:
                raise RuntimeError("as planned")
            with (root / "done.log").open("a") as log:
                log.write(f"{job.id}\n")
        finally:
            os.close(descriptor)

    database = await open_database(location)
    worker = JobWorker(
        JobQueueStore(database),
        {"a": handle},
        concurrency=4,
        batch_size=8,
        lease_seconds=1.0,
        recovery_seconds=0.2,
        look_seconds=0.2,
    )
    running = asyncio.create_task(worker.run())
    # Then it listens to signals.
    await asyncio.sleep(0)
    tell("ready")
    await running
    await database.close()


async def step(location: str, folder: str) -> None:
    """Work on jobs that log each of their steps, and their end, until killed."""
    root = Path(folder)

    async def handle(job: Job) -> None:
        try:
            while True:
                await asyncio.sleep(0.005)
                with (root / "steps.log").open("a") as log:
                    log.write(f"{job.id}\n")
        finally:
            with (root / "stopped.log").open("a") as log:
                log.write(f"{job.id}\n")

    database = await open_database(location)
    store = JobQueueStore(database)
    worker = JobWorker(
        store, {"steps": handle}, concurrency=4, lease_seconds=1.0, recovery_seconds=60
    )
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    tell("ready")
    await running


if __name__ == "__main__":
    if sys.argv[1] == "claim":
        asyncio.run(claim_all(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    elif sys.argv[1] == "steps":
        asyncio.run(step(sys.argv[2], sys.argv[3]))
    else:
        asyncio.run(work(sys.argv[2], sys.argv[3]))
