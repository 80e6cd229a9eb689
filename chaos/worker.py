"""One application process: works on the cluster until its standard input is closed.

It enqueues jobs and works them off, stores consensus and appends to the audit chain, each write
with a key, and writes a line of JSON for each answer that it got: what was acknowledged must be
there afterwards. ``--probe`` does nothing but small commits, one after the other, to see when that
works.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aragora_sql.database import Retries
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import AragoraSQLError
from aragora_sql.stores.audit.store import AuditStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker

__all__ = ["JOB_TYPE", "LEASE_SECONDS", "PROBE_TABLE"]

JOB_TYPE = "chaos"
PROBE_TABLE = "chaos_probe"
LEASE_SECONDS = 10.0
# Which part of the jobs takes longer than an outage of the database.
LONG_JOBS = 0.01
# Longer than any outage should be; that it was too short would be told.
PATIENT = Retries(attempts=1000, seconds=180.0)
PROBE_TIMEOUT = 2.0
STATEMENT_TIMEOUT = 10.0
PROBE_PAUSE = 0.05


class Record:
    """The file of what was acknowledged, a line each; the clock is the machine's monotonic one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def __call__(self, kind: str, **values: Any) -> None:
        """Write a line."""
        self._file.write(json.dumps({"kind": kind, "at": time.monotonic(), **values}) + "\n")
        self._file.flush()


class Retried(logging.Handler):
    """Records the errors after which something was run again."""

    def __init__(self, record: Record) -> None:
        super().__init__(logging.WARNING)
        self._record = record

    def emit(self, record: logging.LogRecord) -> None:
        """Write the class of an error."""
        if isinstance(record.args, tuple) and isinstance(record.args[-1], AragoraSQLError):
            self._record("retry", error=type(record.args[-1]).__name__)


class Application:
    """What one process does."""

    def __init__(
        self,
        database: PostgresDatabase,
        name: str,
        record: Record,
        *,
        seed: int,
        long_job: float,
        durable_claims: bool,
    ) -> None:
        self._database = database
        self._long_job = long_job
        self._name = name
        self._random = random.Random(seed)
        self._record = record
        self._jobs = JobQueueStore(database, durable_claims=durable_claims)
        self._memory = ConsensusMemory(database)
        self._audit = AuditStore(database)
        self._stopping = False

    async def run(self) -> None:
        """Work until the standard input is closed, then finish the jobs that are there."""
        worker = JobWorker(
            self._jobs,
            {JOB_TYPE: self._work},
            worker_id=self._name,
            concurrency=4,
            lease_seconds=LEASE_SECONDS,
            recovery_seconds=2.0,
        )
        working = asyncio.create_task(worker.run())
        writing = [
            asyncio.create_task(self._repeat("job", self._enqueue)),
            asyncio.create_task(self._repeat("consensus", self._store)),
            asyncio.create_task(self._repeat("audit", self._append)),
        ]
        await asyncio.to_thread(sys.stdin.readline)
        self._stopping = True
        await asyncio.gather(*writing)
        self._record("written")
        await asyncio.to_thread(sys.stdin.readline)
        worker.stop()
        self._record("stopped", worker=str(await working))

    async def _repeat(self, kind: str, write: Callable[[str], Awaitable[str]]) -> None:
        number = 0
        while not self._stopping:
            number += 1
            key = f"{self._name} {kind} {number}"
            began = time.monotonic()
            work = partial(write, key)
            stored = await self._database.retrying(work, key=key, retries=PATIENT)
            self._record("ack", of=kind, id=stored, key=key, began=began)
            await asyncio.sleep(self._random.uniform(0.02, 0.15))

    async def _enqueue(self, key: str) -> str:
        # An id of its own for each attempt: only what was committed may be returned.
        job = await self._jobs.enqueue(JOB_TYPE, {"key": key}, max_attempts=50)
        return job.id

    async def _store(self, key: str) -> str:
        consensus = await self._memory.store_consensus(
            key, "it holds", "strong", 0.9, ["a", "b"], ["a", "b"], metadata={"key": key}
        )
        return consensus.id

    async def _append(self, key: str) -> str:
        entry = await self._audit.append(
            "decided", self._name, "debate", key, "append", correlation_id=key
        )
        return entry.id

    async def _work(self, job: Job) -> None:
        began = time.monotonic()
        is_long = self._random.random() < LONG_JOBS
        seconds = self._long_job if is_long else self._random.uniform(0.01, 0.4)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._record("worked", job=job.id, began=began)


async def probe(database: PostgresDatabase, record: Record) -> None:
    """Commit small rows one after the other."""
    number = 0
    stop = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while not stop.done():
        number += 1
        began = time.monotonic()
        try:
            async with database.connection() as connection:
                await connection.run_script(
                    "probe", f"INSERT INTO {PROBE_TABLE} (number) VALUES ({number})"
                )
        except AragoraSQLError as error:
            record("refused", error=type(error).__name__, began=began)
        else:
            record("ack", of="probe", id=number, began=began)
        await asyncio.sleep(PROBE_PAUSE)


async def main() -> None:
    """Run one process."""
    parser = argparse.ArgumentParser(prog="chaos.worker")
    parser.add_argument("name")
    parser.add_argument("record", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--probe", action="store_true")
    parser.add_argument("--long-job", type=float, default=30.0)
    parser.add_argument("--quick-claims", action="store_true")
    given = parser.parse_args()
    # The DSN has a password: a command line can be read by everybody.
    dsn = sys.stdin.readline().strip()
    record = Record(given.record)
    logging.getLogger("aragora_sql.database").addHandler(Retried(record))
    if given.probe:
        dsn += "?connect_timeout=2"
    database = await PostgresDatabase.connect(
        dsn,
        1,
        2 if given.probe else 10,
        statement_timeout=PROBE_TIMEOUT if given.probe else STATEMENT_TIMEOUT,
        acquire_timeout=PROBE_TIMEOUT if given.probe else STATEMENT_TIMEOUT,
    )
    record("started")
    try:
        if given.probe:
            await probe(database, record)
        else:
            await Application(
                database,
                given.name,
                record,
                seed=given.seed,
                long_job=given.long_job,
                durable_claims=not given.quick_claims,
            ).run()
    finally:
        with contextlib.suppress(AragoraSQLError):
            await database.close()


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
    )
    asyncio.run(main())
