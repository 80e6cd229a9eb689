"""Leases: how long a claim holds, what proves it, and how a worker keeps its own.

A worker that extends no lease for ``lease_seconds`` is taken for dead and its jobs are given to
others. Whoever finishes or extends a job proves the claim by worker and claim count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import EncodedJSON, dump_scalars
from aragora_sql.errors import AragoraSQLError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.records import Job, encode_rows

if TYPE_CHECKING:
    from aragora_sql.stores.jobs.handlers import HandlerRun
    from aragora_sql.stores.jobs.store import JobQueueStore

__all__ = [
    "DEFAULT_LEASE_SECONDS",
    "Claim",
    "HeldJob",
    "LeaseKeeper",
    "claim_of",
    "clock",
    "encode_claims",
    "lease_length",
]

log = logging.getLogger(__name__)

DEFAULT_LEASE_SECONDS = 60.0
SHORTEST_LEASE_SECONDS = 0.001
LONGEST_LEASE_SECONDS = 30 * 86400.0
# A worker extends its leases so many times in the length of one.
EXTENSIONS_PER_LEASE = 3
# A lease that could not be extended is tried a second time after so many seconds.
SECOND_TRY_SECONDS = 0.05
# After the database failed, in seconds: doubled up to the longest pause.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

# What proves a claim: the job's id, the worker, and which claim it was (None: the latest one).
Claim = tuple[str, str, int | None]


if hasattr(time, "CLOCK_BOOTTIME"):

    def clock() -> float:
        """Return seconds that also pass while the machine is suspended."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:  # pragma: no cover - Linux has it

    def clock() -> float:
        """Return seconds that pass."""
        return time.monotonic()


def lease_length(value: Any, argument: str = "lease_seconds") -> float:
    """Check the length of a lease in seconds: from 0.001 to 30 days."""
    seconds = valid.number(value, argument, 0.0, LONGEST_LEASE_SECONDS)
    if seconds < SHORTEST_LEASE_SECONDS:
        raise InvalidInputError(
            argument, f"must be at least {SHORTEST_LEASE_SECONDS:g} seconds, not {value!r}"
        )
    return seconds


def claim_of(job: object, worker_id: str | None, path: str) -> Claim:
    """Return what proves the claim of a job, given as a claimed job, or as its id and the worker.

    ``path`` goes before the names of the arguments in errors.
    """
    if isinstance(job, Job):
        if worker_id is not None and worker_id != job.worker_id:
            raise InvalidInputError(f"{path}worker_id", "must be the worker that claimed the job")
        if job.worker_id is None:
            raise InvalidInputError(f"{path}job", "must be a claimed job; it has no worker_id")
        return job.id, job.worker_id, job.claim_count
    if not isinstance(job, str):
        raise InvalidInputError(f"{path}job", f"must be a Job or its id, not {type(job).__name__}")
    if worker_id is None:
        raise InvalidInputError("worker_id", "must be given with the id of a job")
    return valid.key(job, "job"), valid.key(worker_id, "worker_id"), None


def encode_claims(claims: Iterable[Claim]) -> EncodedJSON:
    """Return what proves claims, as a query takes it."""
    return encode_rows(dump_scalars(claim) for claim in claims)


class HeldJob:
    """A claimed job in the hands of a worker.

    ``id``, ``job_type`` and ``claim`` are those of the claim, whatever a handler does to the job.
    ``deadline`` is when its lease ends, by :func:`clock`. ``run`` is set while its handler runs,
    ``lost`` when the claim does not hold any longer.
    """

    __slots__ = ("claim", "deadline", "id", "job", "job_type", "lost", "run")

    def __init__(self, job: Job, deadline: float) -> None:
        self.job = job
        self.id = job.id
        self.job_type = job.job_type
        self.claim = claim_of(job, None, "")
        self.deadline = deadline
        self.run: HandlerRun | None = None
        self.lost = False

    def is_expired(self) -> bool:
        """Tell whether its lease has run out: somebody else may have the job."""
        return clock() >= self.deadline


class LeaseKeeper:
    """Extends the leases of the jobs that a worker holds, and drops jobs whose claim is lost.

    ``held`` are these jobs by id. ``on_lost`` is called for each job whose claim does not hold any
    longer; ``is_wanted`` tells whether the worker still has something to do for a job.
    ``connection_failed`` asks for an extension at once: a server that crashed may have forgotten
    claims of its last moment.
    """

    def __init__(
        self,
        store: JobQueueStore,
        worker_id: str,
        lease_seconds: float,
        *,
        on_lost: Callable[[HeldJob], None],
        is_wanted: Callable[[HeldJob], bool],
    ) -> None:
        self.held: dict[str, HeldJob] = {}
        self.lease_seconds = lease_seconds
        self.connection_failed = asyncio.Event()
        self._store = store
        self._worker_id = worker_id
        self._on_lost = on_lost
        self._is_wanted = is_wanted

    async def run(self) -> None:
        """Extend leases in time, until cancelled."""
        interval = self.lease_seconds / EXTENSIONS_PER_LEASE
        pause = FIRST_PAUSE
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(interval, self._seconds_to_deadline())):
                    await self.connection_failed.wait()
            self.connection_failed.clear()
            self._drop_expired()
            held = [one for one in self.held.values() if not one.lost]
            if not held:
                continue
            deadline = clock() + self.lease_seconds
            try:
                # The answer is of no use when it comes after the end of the leases.
                async with asyncio.timeout(max(self._seconds_to_deadline(), 0.01)):
                    kept = await self._extend(held)
            except Exception as error:
                self._warn(error)
                await asyncio.sleep(min(interval, pause, self._seconds_to_deadline()))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            for one in held:
                if one.id in kept:
                    one.deadline = deadline
            await self._try_again(
                [one for one in held if one.id not in kept and self._is_wanted(one)]
            )

    async def _extend(self, held: list[HeldJob]) -> set[str]:
        claims = [one.claim for one in held]
        return set(await self._store.extend_claims(claims, self.lease_seconds))

    def extend_in_thread(self) -> bool:
        """Extend leases while the event loop is blocked: from another thread.

        On a connection of its own, which is closed again. A lease that has run out is extended,
        too, if nobody has taken the job yet: the database tells. Returns False where the database
        can't be opened a second time.
        """
        held = [one for one in list(self.held.values()) if not one.lost]
        if not held:
            return True
        deadline = clock() + self.lease_seconds
        kept = asyncio.run(self._extend_again([one.claim for one in held]))
        if kept is None:
            return False
        for one in held:
            if one.id in kept:
                one.deadline = max(one.deadline, deadline)
        return True

    async def _extend_again(self, claims: list[Claim]) -> set[str] | None:
        from aragora_sql.stores.jobs.store import JobQueueStore

        async with asyncio.timeout(self.lease_seconds):
            database = await self._store.database.open_again()
            if database is None:
                return None
            try:
                extended = await JobQueueStore(database).extend_claims(claims, self.lease_seconds)
            finally:
                await database.close()
        return set(extended)

    async def _try_again(self, missing: list[HeldJob]) -> None:
        """Drop jobs whose leases can't be extended the second time either.

        A row may have been locked for a moment, by a claim that passed over it.
        """
        if not missing:
            return
        await asyncio.sleep(SECOND_TRY_SECONDS)
        wanted = [one for one in missing if self._is_wanted(one)]
        deadline = clock() + self.lease_seconds
        try:
            kept = await self._extend(wanted)
        except Exception as error:
            self._warn(error)
            return
        for one in wanted:
            if one.id in kept:
                one.deadline = deadline
            elif self._is_wanted(one):
                self._on_lost(one)

    def _warn(self, error: Exception) -> None:
        known = isinstance(error, AragoraSQLError | TimeoutError)
        log.warning(
            "worker %s: leases were not extended: %s",
            self._worker_id,
            error,
            exc_info=None if known else error,
        )

    def _seconds_to_deadline(self) -> float:
        nearest = min((one.deadline for one in self.held.values() if not one.lost), default=None)
        return self.lease_seconds if nearest is None else max(nearest - clock(), 0.001)

    def _drop_expired(self) -> None:
        for held in list(self.held.values()):
            if not held.lost and held.is_expired():
                self._on_lost(held)
