"""What is left of what was acknowledged, and whether any job was done twice at a time."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.stores.audit.store import AuditStore
from chaos.worker import JOB_TYPE, PROBE_TABLE

__all__ = ["Verdict", "judge"]

_IDS = {
    "probe": f"SELECT number FROM {PROBE_TABLE}",
    "job": "SELECT id FROM job_queue",
    "consensus": "SELECT id FROM consensus",
    "audit": "SELECT id FROM immutable_audit_entries",
}
_TWICE = {
    "job": "SELECT payload ->> 'key' FROM job_queue",
    "consensus": "SELECT topic FROM consensus",
    "audit": "SELECT correlation_id FROM immutable_audit_entries",
}


@dataclass
class Verdict:
    """``acknowledged`` and ``lost`` commits by kind, what was ``doubled``, and the rest.

    ``lost_at`` is when what was lost had been acknowledged, in seconds from the nearest fault.

    ``overlaps`` are pairs of runs of one job at the same time; ``unfinished`` jobs that were never
    completed; ``retried`` how often something was run again, by error.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    lost_at: list[float] = field(default_factory=list)
    doubled: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    overlaps: int = 0
    unfinished: int = 0
    audit_problems: list[str] = field(default_factory=list)
    retried: dict[str, int] = field(default_factory=dict)

    @property
    def is_flawless(self) -> bool:
        """Whether nothing was lost, doubled, done at the same time, left over or broken."""
        counted = sum(self.lost.values()) + sum(self.doubled.values())
        return counted + self.overlaps + self.unfinished == 0 and not self.audit_problems

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return asdict(self) | {"is_flawless": self.is_flawless}


async def unfinished_jobs(dsn: str) -> int:
    """Return how many jobs are not completed."""
    database = await PostgresDatabase.connect(dsn, 1, 1)
    try:
        return len(
            await _column(
                database,
                "SELECT id FROM job_queue WHERE status NOT IN ('completed', 'failed', 'cancelled')",
            )
        )
    finally:
        await database.close()


async def judge(dsn: str, lines: Iterable[dict[str, Any]], faults: list[float]) -> Verdict:
    """Hold what was recorded against what the database has; ``faults`` are their times."""
    verdict = Verdict()
    acknowledged: dict[str, dict[Any, float]] = defaultdict(dict)
    runs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    retried: Counter[str] = Counter()
    for line in lines:
        if line["kind"] == "ack":
            acknowledged[line["of"]][line["id"]] = line["at"]
        elif line["kind"] == "worked":
            runs[line["job"]].append((line["began"], line["at"]))
        elif line["kind"] == "retry":
            retried[line["error"]] += 1
    verdict.retried = dict(retried)
    database = await PostgresDatabase.connect(dsn, 1, 2)
    try:
        for kind, sql in _IDS.items():
            there = set(await _column(database, sql))
            lost = {one: at for one, at in acknowledged[kind].items() if one not in there}
            verdict.acknowledged[kind] = len(acknowledged[kind])
            verdict.lost[kind] = len(lost)
            for at in lost.values():
                nearest = min((at - fault for fault in faults), key=abs, default=0.0)
                verdict.lost_at.append(round(nearest, 3))
        for kind, sql in _TWICE.items():
            counts = Counter(await _column(database, sql))
            verdict.doubled[kind] = sum(count - 1 for count in counts.values())
        done = f"SELECT id FROM job_queue WHERE job_type = '{JOB_TYPE}' AND status <> 'completed'"
        verdict.unfinished = len(await _column(database, done))
        verification = await AuditStore(database).verify_integrity()
        verdict.audit_problems = verification.errors
    finally:
        await database.close()
    for intervals in runs.values():
        intervals.sort()
        verdict.runs += len(intervals)
        verdict.overlaps += sum(later[0] < earlier[1] for earlier, later in pairwise(intervals))
    return verdict


async def _column(database: PostgresDatabase, sql: str) -> list[Any]:
    async with database.read() as connection:
        if not isinstance(connection, PostgresConnection):
            raise TypeError("not a PostgreSQL connection")
        return [record[0] for record in await connection.raw.fetch(sql)]


def wait_for_jobs(dsn: str, seconds: float) -> None:
    """Wait until all jobs are done, for so long at most."""

    async def wait() -> None:
        async with asyncio.timeout(seconds):
            while await unfinished_jobs(dsn):  # noqa: ASYNC110 - others do the work
                await asyncio.sleep(0.5)

    asyncio.run(wait())
