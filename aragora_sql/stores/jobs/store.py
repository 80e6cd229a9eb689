"""Job queue: enqueue, claim, finish; leases, retries, schedules, unique keys, limits per type.

Its queries: ``sql/postgres/jobs/queries.sql`` and ``sql/sqlite/jobs/queries.sql``. The clock of
leases, schedules and delays is the database's, so the clocks of workers may differ.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from aragora_sql.database import Connection, Database
from aragora_sql.database.groups import Groups
from aragora_sql.database.limits import within
from aragora_sql.database.values import EncodedJSON, UndecodableText
from aragora_sql.errors import (
    ConflictError,
    ConnectionLostError,
    DatabaseError,
    DatabaseTimeoutError,
    DuplicateKeyError,
    InvalidInputError,
    JobClaimLostError,
    JobNotFoundError,
    JobStateError,
    UnreadableValueError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.jobs import records
from aragora_sql.stores.jobs.leases import (
    DEFAULT_LEASE_SECONDS,
    Claim,
    claim_of,
    encode_claims,
    lease_length,
)
from aragora_sql.stores.jobs.outcomes import (
    COMPLETED,
    FAILED,
    POSTPONED,
    RETRY,
    EncodedOutcome,
    JobOutcome,
    encode_completed,
    encode_failed,
    encode_for_lookup,
    encode_outcome,
)
from aragora_sql.stores.jobs.records import (
    FINISHED,
    FINISHED_WORDS,
    JOB_CONTENT,
    JOB_STATUSES,
    FinishedWord,
    Job,
    JobCount,
    JobEncoder,
    JobEntry,
    JobLimit,
    JobLoad,
    JobSchedule,
    JobStatus,
    JobStatusWord,
    NewJob,
    RetryPolicy,
    UndecodableDocument,
    decode_document,
    encode_job,
    encode_plain,
    encode_rows,
    new_ids,
    new_job,
)
from aragora_sql.stores.jobs.schedules import cron_expression, next_run, time_zone
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.jobs import (
        ClaimJobsRow,
        CompleteAndClaimJobsOfTypeRow,
        GetArchivedJobRow,
        JobsQueries,
        StoredJobRow,
        StoredJobScheduleRow,
    )

__all__ = [
    "JobQueueStore",
]

log = logging.getLogger(__name__)

# The channel of PostgreSQL on which new jobs are told; the message is the job type.
CHANNEL = "aragora_jobs"
# In one statement; the rest follows at once.
PROMOTE_BATCH = 1000
RECOVER_BATCH = 1000
PURGE_BATCH = 1000
RETRY_BATCH = 500
# So many jobs that tasks enqueue one by one at the same moment are stored in one commit.
LARGEST_GROUP = 200
# After so many claimed jobs of a type and priority their claims get a new start, in so many steps
# at most; of so many types and priorities it is known how many were claimed.
MOVE_EVERY = 1000
MOST_MOVES = 5
MOST_KINDS = 1000
# While claims find jobs, those whose time has come are looked for so often, in seconds.
PROMOTE_EVERY = 0.25
# Whoever waits looks again after so many seconds although nothing was told: messages may be
# switched off.
LOOK_EVERY = 1.0
# The same while a limit keeps jobs back, because nobody tells of a place that becomes free.
LOOK_FOR_PLACES_EVERY = 0.01
# So often a job of a unique key is tried again when the other one was claimed in between.
ENQUEUE_TRIES = 20
# So often a batch is tried again in parts when jobs of its unique keys were enqueued meanwhile.
RECOVER_TRIES = 100
# A queue of NOTIFY messages that is fuller than this gets no more; looked at so often, in seconds.
FULL_QUEUE = 0.9
LOOK_AT_QUEUE_EVERY = 60.0
# How much later than its own limit a wait is given up when the database does not answer.
_GIVE_UP_AFTER = 0.25
# What may be over soon: the same call is made again after a pause.
PASSING_ERRORS = (ConflictError, ConnectionLostError, DatabaseTimeoutError)

JobLike = Job | str


class JobQueueStore(Store):
    """A queue of jobs for any number of workers.

    A claim gives the pending job with the largest priority, among equals the one that was enqueued
    first, to one worker, under a lease. The worker finishes it, or extends the lease; when the
    lease runs out, :meth:`recover_stale_jobs` gives the job to another, and the first one's late
    outcome is refused with :class:`~aragora_sql.errors.JobClaimLostError`. So a job is done at
    least once, and by one worker at a time.

    ``job_types`` are the types that exist (None: any), ``max_payload_bytes`` is how long a payload
    or result may be as JSON, ``retry_policy`` says when a failed job is tried again. ``notify``
    tells waiting workers of new jobs (PostgreSQL: NOTIFY, which costs enqueueing some per cent and
    takes a lock of the whole database at commit); without it they look once a second.

    What is enqueued, claimed or finished is on the server's disk when the call returns. With
    ``durable_claims=False`` a claim does not wait for the disk, and one of the last moment
    (PostgreSQL: less than a second) is forgotten when the server crashes: its job is pending again,
    and may be given to another worker while the first, whose outcome is then refused, does not know
    yet. A claim within a transaction of the caller waits all the same, and every claim on SQLite.
    """

    name = "jobs"
    _queries: JobsQueries

    def __init__(
        self,
        database: Database,
        *,
        job_types: Collection[str] | None = None,
        max_payload_bytes: int = records.DEFAULT_MAX_PAYLOAD_BYTES,
        retry_policy: RetryPolicy | None = None,
        notify: bool = True,
        durable_claims: bool = True,
    ) -> None:
        super().__init__(database)
        self._known = None if job_types is None else frozenset(valid.names(job_types, "job_types"))
        self._max_payload_bytes = valid.integer(max_payload_bytes, "max_payload_bytes", 2)
        self._retry_policy = retry_policy or RetryPolicy()
        self._notify = valid.boolean(notify, "notify")
        self._fills_message_queue = notify and database.queues_messages
        self._durable_claims = valid.boolean(durable_claims, "durable_claims")
        # How many jobs of a type and priority were claimed since their start was moved.
        self._passed: Counter[tuple[str, int]] = Counter()
        self._watch = database.watch(CHANNEL)
        self._groups: Groups[NewJob, Job] = Groups(self._enqueue_group, most=LARGEST_GROUP)
        # When we last knew that no job's time had come; and whether jobs were found since. At first
        # nothing is known.
        self._promoted = -PROMOTE_EVERY
        self._owes_promotion = True
        self._next_queue_look = time.monotonic() + LOOK_AT_QUEUE_EVERY
        self._queue_is_full = False

    @property
    def max_payload_bytes(self) -> int:
        """How long a payload or result may be, in bytes of JSON."""
        return self._max_payload_bytes

    async def close(self) -> None:
        """Close what :meth:`wait_for_jobs` opened; the database stays open."""
        await self._watch.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    # Enqueue

    async def enqueue(
        self,
        job: str | Job | Mapping[str, Any],
        payload: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """Store a job and return it.

        ``job`` is its type; or a :class:`Job` whose content is taken, or a mapping of its
        content. ``payload`` is a JSON object. Options, all by name:

        * ``id``: its identifier (default: a new one)
        * ``priority``: a whole number of 32 bits, larger is sooner (default 0)
        * ``max_attempts``: from 1 up (default 3)
        * ``scheduled_at``, an aware timestamp, or ``delay_seconds``: not before then
        * ``time_limit_seconds``: how long one attempt may run (default: any time)
        * ``unique_key``: while a job of this key waits, that one is returned and none is stored;
          with ``unique_while_running`` also while that one is processed
        * ``user_id``, ``workspace_id``: whom it belongs to

        Raises :class:`~aragora_sql.errors.DuplicateKeyError` when the id exists; use :meth:`retry`
        to run a finished job again.
        """
        with _named("job"):
            content = _content(job, payload, options, "job")
            row = new_job("", self._known, self._max_payload_bytes, new_ids(), **content)
        if content.get("id") is not None:
            # A job of that id may be another one: who gave it knows better than we do.
            return await self._enqueue(row)
        # One of a unique key may wait for a transaction of somebody else, which is no matter of
        # those who enqueue at the same moment.
        alone = row["unique_key"] is not None or self._database.is_in_use_here()
        return await self._repeat_insert(
            partial(self._enqueue if alone else self._enqueue_together, row),
            partial(self.get, row["id"]),
        )

    async def _enqueue_together(self, row: NewJob) -> Job:
        """Store a job in one commit with those that other tasks enqueue at the same moment."""
        job = await self._groups.run(row)
        # What the database has refused in the group may be another job.
        return await self._enqueue(row) if job is None else job

    async def _enqueue_group(self, rows: list[NewJob]) -> list[Job | None]:
        if len(rows) == 1:
            return [await self._enqueue(rows[0])]
        async with self._database.connection() as connection:
            stored = self._queries.enqueue_group(
                connection, jobs=encode_rows(map(encode_job, rows)), notify=self._notify
            )
            jobs = {row["id"]: _job(row) for row in await _rows_of(stored)}
            if self._looks_at_message_queue():
                await self._look_at_message_queue(connection)
        return [jobs.get(row["id"]) for row in rows]

    async def _enqueue(self, row: NewJob) -> Job:
        key = row["unique_key"]
        async with self._database.connection() as connection:
            for _ in range(ENQUEUE_TRIES):
                stored = await self._queries.enqueue_job(connection, **row, notify=self._notify)
                if stored is not None:
                    if self._looks_at_message_queue():
                        await self._look_at_message_queue(connection)
                    return _job(stored)
                if key is None:
                    break
                # Only another job of its key keeps a job out. Between the two statements that one
                # may have been claimed.
                active = await _row_of(self._queries.find_job_of_key(connection, unique_key=key))
                if active is not None:
                    return _job(active)
        raise DatabaseError(
            f"job {row['id']!r} was not stored, and the database reported no error: a trigger or "
            "rule of table job_queue has kept it out"
        )

    def _looks_at_message_queue(self) -> bool:
        return self._fills_message_queue and time.monotonic() >= self._next_queue_look

    async def _look_at_message_queue(self, connection: Connection) -> None:
        """Say once when messages for waiting workers are left out, because their queue is full."""
        self._next_queue_look = time.monotonic() + LOOK_AT_QUEUE_EVERY
        usage = await self._queries.find_notify_queue_usage(connection)
        is_full = usage is not None and usage >= FULL_QUEUE
        if is_full and not self._queue_is_full:
            log.warning(
                "the server's queue of NOTIFY messages is %.0f %% full, so workers are not told of "
                "new jobs and look once a second: find the session that listens and stays in a "
                "transaction (pg_stat_activity), and end it",
                100 * (usage or 0.0),
            )
        self._queue_is_full = is_full

    async def enqueue_many(self, jobs: Iterable[JobEntry | Job]) -> list[str]:
        """Store many jobs in one round trip, all or none, and return their ids in this order.

        Each is a mapping with ``job_type``, ``payload`` and the options of :meth:`enqueue`. In the
        place of one that another job of its unique key keeps out, the id of that job is returned.
        """
        given = valid.items(jobs, "jobs")
        if not given:
            return []
        plain = encode_plain(given, self._known, self._max_payload_bytes)
        if plain is not None:
            ids, types, encoded = plain
            async with self._database.connection() as connection:
                stored = await self._queries.enqueue_plain_jobs(
                    connection, jobs=encoded, job_types=types, notify=self._notify
                )
                if self._looks_at_message_queue():
                    await self._look_at_message_queue(connection)
            if stored < len(ids):
                raise _kept_out(len(ids) - stored, len(ids))
            return ids
        batch = JobEncoder(self._known, self._max_payload_bytes)
        for i, job in enumerate(given):
            path = f"jobs[{i}]"
            with _named(path):
                batch.add(f"{path}.", _content(job, None, {}, path))
        async with self._database.connection() as connection:
            stored = await self._queries.enqueue_jobs(
                connection, jobs=batch.encoded(), notify=self._notify
            )
            if self._looks_at_message_queue():
                await self._look_at_message_queue(connection)
        if stored < len(batch.ids):
            await self._replace_ids(batch)
        return batch.ids

    async def _replace_ids(self, batch: JobEncoder) -> None:
        """Put the ids of jobs that kept others out into the places of those that were left out."""
        keys = {
            i: key for i, row in enumerate(batch.rows) if (key := row["unique_key"]) is not None
        }
        async with self._database.read() as connection:
            found = self._queries.list_ids(connection, ids=batch.ids)
            stored = {row["id"] async for row in found}
            listed = self._queries.list_active_keys(
                connection, unique_keys=list(dict.fromkeys(keys.values()))
            )
            active = {row["unique_key"]: row["id"] async for row in listed}
        missing = [i for i, job_id in enumerate(batch.ids) if job_id not in stored]
        without_reason = [i for i in missing if i not in keys]
        if without_reason:
            raise _kept_out(len(without_reason), len(batch.ids))
        for i in missing:
            key = keys[i]
            if key not in active:
                # The other one was claimed since, and is no longer in the way.
                active[key] = (await self._enqueue(batch.rows[i])).id
            batch.ids[i] = active[key]

    # Claim

    async def claim(
        self,
        worker_id: str,
        limit: int = 1,
        job_types: Iterable[str] | None = None,
        *,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
    ) -> list[Job]:
        """Claim up to ``limit`` jobs for a worker, and return them in their order.

        ``job_types`` is what the worker can do (None: everything). The claim holds for
        ``lease_seconds``, from 0.001 to 30 days; :meth:`extend` renews it.
        """
        worker = valid.key(worker_id, "worker_id")
        types = self._types(job_types)
        seconds = lease_length(lease_seconds)
        wanted = valid.integer(limit, "limit", 1)
        # A look for jobs whose time has come is always due in an empty queue; in a busy one now and
        # then, and before the next claim, because found jobs can begin at once.
        if self._owes_promotion and time.monotonic() - self._promoted >= PROMOTE_EVERY:
            await self._promote()
        jobs = await self._claim(wanted, worker, types, seconds)
        self._owes_promotion = bool(jobs)
        while not jobs and await self._promote():
            jobs = await self._claim(wanted, worker, types, seconds)
        return jobs

    async def _claim(
        self, limit: int, worker_id: str, types: list[str] | None, lease_seconds: float
    ) -> list[Job]:
        async with self._database.connection() as connection:
            durable = self._durable_claims or connection.in_transaction
            if types is not None and len(types) == 1:
                of_type = self._queries.claim_jobs_of_type(
                    connection,
                    worker_id=worker_id,
                    job_type=types[0],
                    row_limit=limit,
                    lease_seconds=lease_seconds,
                    durable=durable,
                )
                jobs = await _claimed_jobs(of_type, worker_id)
            else:
                rows = self._queries.claim_jobs(
                    connection,
                    worker_id=worker_id,
                    job_types=types,
                    row_limit=limit,
                    lease_seconds=lease_seconds,
                    durable=durable,
                )
                jobs = await _claimed_jobs(rows, worker_id)
            if any(type(job.payload) is UndecodableDocument for job in jobs):
                jobs = await self._fail_undecodable(jobs)
            # What an UPDATE returns has no order.
            jobs.sort(key=lambda job: (-job.priority, job.number))
            if jobs and self._database.keeps_dead_entries:
                await self._move_starts(connection, jobs)
        return jobs

    async def _move_starts(self, connection: Connection, jobs: list[Job]) -> None:
        """Let claims start behind jobs that were claimed, now and then; each step is a commit.

        ``jobs`` are in the order of claims.
        """
        last = {(job.job_type, job.priority): job.number for job in jobs}
        share = -(-len(jobs) // len(last))
        for kind, number in last.items():
            self._passed[kind] += share
            if self._passed[kind] < MOVE_EVERY or connection.in_transaction:
                continue
            del self._passed[kind]
            job_type, priority = kind
            try:
                for _ in range(MOST_MOVES):
                    moved = self._queries.advance_start(
                        connection, job_type=job_type, priority=priority, number=number + 1
                    )
                    if not [row async for row in moved]:
                        break
            except PASSING_ERRORS:
                # It is done next time.
                return
            except DatabaseError as error:
                # The claims hold all the same.
                log.warning("claims of type %r start where they did: %s", job_type, error)
                return
        if len(self._passed) > MOST_KINDS:
            self._passed.clear()

    async def _fail_undecodable(self, jobs: list[Job]) -> list[Job]:
        """End claimed jobs whose payload can't be decoded as failed, and return the others."""
        usable, failed = [], []
        for job in jobs:
            if isinstance(job.payload, UndecodableDocument):
                error = f"the payload can't be decoded: {job.payload.reason}"
                log.warning("job %s (%s) has failed: %s", job.id, job.job_type, error)
                claim = claim_of(job, None, "")
                failed.append(encode_outcome(claim, FAILED, self._max_payload_bytes, None, error))
            else:
                usable.append(job)
        await self.finish_encoded(failed)
        return usable

    async def finish_and_claim(
        self,
        outcomes: list[EncodedOutcome],
        worker_id: str,
        limit: int,
        job_types: list[str],
        lease_seconds: float,
    ) -> tuple[dict[str, str], list[Job]]:
        """Finish a worker's completed jobs and claim up to ``limit`` others, in one commit.

        What is given is checked already. Returns what :meth:`finish_encoded` and :meth:`claim` do.
        The places of limits that the ends leave can be taken by the claims. When it raises, claims
        may hold that nobody knows of, until their leases run out, as after :meth:`claim`.
        """
        if self._owes_promotion and time.monotonic() - self._promoted >= PROMOTE_EVERY:
            await self._promote()
        # In one order, so that two such calls never wait for each other.
        outcomes.sort(key=lambda outcome: outcome.job_id)
        async with self._database.connection() as connection:
            finished, jobs = await self._finish_and_claim(
                connection, outcomes, worker_id, limit, job_types, lease_seconds
            )
            if len(finished) < len(outcomes):
                finished |= await self._stored_outcomes(outcomes, finished)
            if any(type(job.payload) is UndecodableDocument for job in jobs):
                jobs = await self._fail_undecodable(jobs)
            jobs.sort(key=lambda job: (-job.priority, job.number))
            if jobs and self._database.keeps_dead_entries:
                await self._move_starts(connection, jobs)
        self._owes_promotion = bool(jobs)
        while not jobs and await self._promote():
            jobs = await self._claim(limit, worker_id, job_types, lease_seconds)
        return finished, jobs

    async def _finish_and_claim(
        self,
        connection: Connection,
        outcomes: list[EncodedOutcome],
        worker_id: str,
        limit: int,
        job_types: list[str],
        lease_seconds: float,
    ) -> tuple[dict[str, str], list[Job]]:
        claims = encode_completed(outcomes)
        if len(job_types) == 1:
            query = self._queries.complete_and_claim_jobs_of_type(
                connection,
                claims=claims,
                worker_id=worker_id,
                job_type=job_types[0],
                row_limit=limit,
                lease_seconds=lease_seconds,
            )
        else:
            query = self._queries.complete_and_claim_jobs(
                connection,
                claims=claims,
                worker_id=worker_id,
                job_types=job_types,
                row_limit=limit,
                lease_seconds=lease_seconds,
            )
        unreadable = False
        try:
            rows = [row async for row in query]
        except UnreadableValueError as error:
            if error.rows is None:
                raise
            rows, unreadable = cast("list[CompleteAndClaimJobsOfTypeRow]", error.rows), True
        finished: dict[str, str] = {}
        jobs: list[Job] = []
        for row in rows:
            if row["status"] == COMPLETED:
                finished[row["id"]] = COMPLETED
            else:
                # It has all that a claim gives.
                jobs.append(_claimed(cast("ClaimJobsRow", row), worker_id))
        return finished, [_without_undecodable(job) for job in jobs] if unreadable else jobs

    async def _promote(self) -> int:
        async with self._database.connection() as connection:
            promoted = int(await self._queries.promote_jobs(connection, row_limit=PROMOTE_BATCH))
        if promoted < PROMOTE_BATCH:
            self._promoted, self._owes_promotion = time.monotonic(), False
        return promoted

    async def dequeue(
        self,
        worker_id: str,
        job_types: Iterable[str] | None = None,
        *,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
    ) -> Job | None:
        """Claim one job; None when there is none. See :meth:`claim`."""
        jobs = await self.claim(worker_id, 1, job_types, lease_seconds=lease_seconds)
        return jobs[0] if jobs else None

    async def wait_for_jobs(
        self, job_types: Iterable[str] | None = None, timeout: float | None = None
    ) -> bool:
        """Wait until there may be a job to claim; False when ``timeout`` seconds have passed.

        It wakes within milliseconds: on PostgreSQL by LISTEN on a connection of its own (behind a
        transaction pooler it looks four times a second), on SQLite by looking for commits to the
        file. Another worker may be faster: a claim after it may come back empty.
        """
        types = self._types(job_types)
        limit = None if timeout is None else valid.number(timeout, "timeout")
        if limit is None:
            return await self._wait_for_jobs(types, None)
        try:
            # A server that has gone silent must not make it wait any longer.
            return await within(limit + _GIVE_UP_AFTER, self._wait_for_jobs(types, limit))
        except DatabaseError:
            raise
        except TimeoutError:
            return False

    async def _wait_for_jobs(self, types: list[str] | None, limit: float | None) -> bool:
        deadline = None if limit is None else time.monotonic() + limit
        while True:
            mark = await self._watch.mark()
            async with self._database.read() as connection:
                seen = await self._queries.look_for_jobs(connection, job_types=types)
            if seen["ready"]:
                return True
            pause = LOOK_FOR_PLACES_EVERY if seen["blocked"] else LOOK_EVERY
            due = seen["due_in_seconds"]
            if due is None or due > 0:
                self._promoted, self._owes_promotion = time.monotonic(), False
            elif await self._promote():
                continue
            if due is not None:
                pause = min(pause, max(due, 0.001))
            if deadline is not None:
                pause = min(pause, deadline - time.monotonic())
                if pause <= 0:
                    return False
            if await self._watch.changed(mark, pause, types) and self._watch.tells_topics:
                return True

    async def has_work(self, job_types: Iterable[str] | None = None) -> bool:
        """Tell whether a job could be claimed, now or as soon as a limit has a free place."""
        types = self._types(job_types)
        async with self._database.read() as connection:
            seen = await self._queries.look_for_jobs(connection, job_types=types)
        return bool(seen["ready"] or seen["blocked"])

    # Finish

    async def complete(
        self, job: JobLike, result: Mapping[str, Any] | None = None, *, worker_id: str | None = None
    ) -> None:
        """Finish a claimed job as completed, with its result, a JSON object.

        ``job`` is what :meth:`claim` gave; or an id, with the ``worker_id`` that claimed it. Raises
        :class:`~aragora_sql.errors.JobClaimLostError` when that claim does not hold any longer.
        """
        await self._finish_one(job, worker_id, COMPLETED, result=result)

    async def fail(
        self,
        job: JobLike,
        error: str,
        should_retry: bool = True,
        *,
        worker_id: str | None = None,
        delay_seconds: float | None = None,
    ) -> str:
        """Finish an attempt that failed, and return the status that the job has then.

        It is ``retrying`` after the delay of the retry policy (or ``delay_seconds``; 0: at once,
        ``pending``), while attempts are left and ``should_retry``; else ``failed``, and kept. It is
        ``cancelled`` when a job with the same unique key waits already, which does its work. For
        ``job`` and ``worker_id`` see :meth:`complete`.
        """
        kind = RETRY if valid.boolean(should_retry, "should_retry") else FAILED
        return await self._finish_one(job, worker_id, kind, error=error, delay=delay_seconds)

    async def postpone(
        self, job: JobLike, reason: str, delay_seconds: float, *, worker_id: str | None = None
    ) -> str:
        """Give a claimed job back to wait for ``delay_seconds``, and return its status then.

        The attempt does not count. ``reason`` is kept as its error until it ends otherwise. It is
        ``scheduled`` (0 seconds: ``pending``); ``cancelled`` when that was asked for, or a job with
        the same unique key waits already. For ``job`` and ``worker_id`` see :meth:`complete`.
        """
        return await self._finish_one(job, worker_id, POSTPONED, error=reason, delay=delay_seconds)

    async def finish_many(self, outcomes: Iterable[JobOutcome]) -> dict[str, str]:
        """Finish many claimed jobs in one round trip for each kind, completed ones first.

        Returns the status that each has then by id. Jobs whose claim does not hold any longer are
        left as they are and are not in the result.
        """
        encoded = []
        for i, outcome in enumerate(valid.items(outcomes, "outcomes")):
            path = f"outcomes[{i}]"
            if not isinstance(outcome, JobOutcome):
                raise InvalidInputError(path, f"must be a JobOutcome, not {type(outcome).__name__}")
            encoded.append(
                encode_outcome(
                    claim_of(outcome.job, None, f"{path}."),
                    outcome.kind,
                    self._max_payload_bytes,
                    outcome.result,
                    outcome.error,
                    outcome.delay_seconds,
                    path=f"{path}.",
                )
            )
        return await self.finish_encoded(encoded)

    async def complete_many(
        self, jobs: Iterable[Job | tuple[Job, Mapping[str, Any] | None]]
    ) -> list[str]:
        """Finish many claimed jobs as completed, in one round trip; pairs bring results.

        Returns the ids of those whose claim does not hold any longer, which are left as they are.
        """
        outcomes = [
            JobOutcome.completed(*job) if isinstance(job, tuple) else JobOutcome.completed(job)
            for job in valid.items(jobs, "jobs")
        ]
        finished = await self.finish_many(outcomes)
        return [outcome.job.id for outcome in outcomes if outcome.job.id not in finished]

    async def _finish_one(
        self,
        job: JobLike,
        worker_id: str | None,
        kind: str,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        delay: float | None = None,
    ) -> str:
        claim = claim_of(job, worker_id, "")
        outcome = encode_outcome(claim, kind, self._max_payload_bytes, result, error, delay)
        status = (await self.finish_encoded([outcome])).get(outcome.job_id)
        if status is None:
            raise await self._claim_lost(*claim)
        return status

    async def finish_encoded(self, outcomes: list[EncodedOutcome]) -> dict[str, str]:
        """Finish claimed jobs whose outcomes are checked already; see :meth:`finish_many`."""
        if not outcomes:
            return {}
        # In one order, so that two such calls never wait for each other.
        outcomes.sort(key=lambda outcome: outcome.job_id)
        completed = [outcome for outcome in outcomes if outcome.kind == COMPLETED]
        finished: dict[str, str] = {}
        if completed:
            async with self._database.connection() as connection:
                rows = self._queries.complete_jobs(connection, claims=encode_completed(completed))
                finished = {row["id"]: row["status"] async for row in rows}
        if len(completed) < len(outcomes):
            finished |= await self._fail([one for one in outcomes if one.kind != COMPLETED])
        if len(finished) < len(outcomes):
            finished |= await self._stored_outcomes(outcomes, finished)
        return finished

    async def _stored_outcomes(
        self, outcomes: list[EncodedOutcome], finished: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the statuses of outcomes that are stored, though this call has not stored them.

        The answer to an earlier call may have been lost after its commit.
        """
        missing = [one for one in outcomes if one.job_id not in finished]
        async with self._database.connection() as connection:
            rows = self._queries.list_stored_outcomes(
                connection, outcomes=encode_for_lookup(missing)
            )
            return {row["id"]: row["status"] async for row in rows}

    async def _fail(self, outcomes: list[EncodedOutcome]) -> dict[str, str]:
        policy = self._retry_policy
        try:
            async with self._statement() as connection:
                rows = self._queries.fail_jobs(
                    connection,
                    outcomes=encode_failed(outcomes),
                    base_seconds=policy.base_seconds,
                    max_seconds=policy.max_seconds,
                    jitter=policy.jitter,
                )
                return {row["id"]: row["status"] async for row in rows}
        except (DuplicateKeyError, ConflictError):
            # Two jobs of one unique key went back to wait, or one was enqueued meanwhile: one by
            # one the later ones see the first.
            if len(outcomes) == 1:
                return await self._fail(outcomes)
            finished: dict[str, str] = {}
            for outcome in outcomes:
                finished |= await self._fail([outcome])
            return finished

    @asynccontextmanager
    async def _statement(self) -> AsyncIterator[Connection]:
        """Open a unit of work in which a failure leaves a transaction of the caller usable."""
        async with self._database.connection() as connection:
            if connection.in_transaction:
                async with self._database.transaction() as nested:
                    yield nested
            else:
                yield connection

    async def _claim_lost(
        self, job_id: str, worker_id: str | None, claim_count: int | None
    ) -> Exception:
        job = await self.get(job_id)
        if job is None:
            return JobNotFoundError(f"there is no job {job_id!r}")
        if job.status != JobStatus.PROCESSING:
            state = f"it is {job.status}"
        elif job.worker_id != worker_id:
            state = f"worker {job.worker_id!r} holds it"
        else:
            state = f"the worker has claimed it again (claim {job.claim_count}, not {claim_count})"
        return JobClaimLostError(
            f"job {job_id!r}: the claim of worker {worker_id!r} does not hold: {state}"
        )

    # Leases

    async def extend(
        self,
        job: JobLike,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        *,
        worker_id: str | None = None,
    ) -> datetime:
        """Renew the lease of a claimed job from now on, and return its new end.

        For ``job`` and ``worker_id`` see :meth:`complete`; raises
        :class:`~aragora_sql.errors.JobClaimLostError` like it.
        """
        claim = claim_of(job, worker_id, "")
        held = await self.extend_claims([claim], lease_length(lease_seconds))
        if claim[0] not in held:
            raise await self._claim_lost(*claim)
        return held[claim[0]]

    async def extend_many(
        self, jobs: Iterable[Job], lease_seconds: float = DEFAULT_LEASE_SECONDS
    ) -> list[str]:
        """Renew the leases of many claimed jobs in one round trip.

        Returns the ids of the jobs whose claims hold; of the others they do not hold any longer.
        """
        claims = [
            claim_of(job, None, f"jobs[{i}].") for i, job in enumerate(valid.items(jobs, "jobs"))
        ]
        return list(await self.extend_claims(claims, lease_length(lease_seconds)))

    async def extend_claims(
        self, claims: Sequence[Claim], lease_seconds: float
    ) -> dict[str, datetime]:
        """Renew leases; return the new end of each that holds, by id. See :meth:`extend_many`."""
        if not claims:
            return {}
        async with self._database.connection() as connection:
            rows = self._queries.extend_leases(
                connection, claims=[list(claim) for claim in claims], lease_seconds=lease_seconds
            )
            return {row["id"]: row["lease_expires_at"] async for row in rows}

    async def release(self, jobs: Iterable[Job]) -> list[str]:
        """Give claimed jobs back to the queue unworked, in one round trip.

        The attempt does not count. Returns the ids of those whose claims held.
        """
        claims = [
            claim_of(job, None, f"jobs[{i}].") for i, job in enumerate(valid.items(jobs, "jobs"))
        ]
        return await self.release_claims(claims)

    async def release_claims(self, claims: Iterable[Claim]) -> list[str]:
        """Give claims back; return the ids of those that held. See :meth:`release`."""
        ordered = sorted(claims, key=lambda claim: claim[0])
        if not ordered:
            return []
        try:
            async with self._statement() as connection:
                rows = self._queries.release_jobs(connection, claims=encode_claims(ordered))
                return [row["id"] async for row in rows]
        except (DuplicateKeyError, ConflictError):
            # See _fail().
            if len(ordered) == 1:
                return await self.release_claims(ordered)
            return [job_id for claim in ordered for job_id in await self.release_claims([claim])]

    async def recover_stale_jobs(
        self,
        stale_threshold_seconds: float = 0.0,
        job_types: Iterable[str] | None = None,
    ) -> int:
        """Take jobs away from workers whose lease ran out so many seconds ago; return how many.

        A job with attempts left is pending again at once; one without is ``failed``, its error says
        whose lease ran out. Safe to call from any number of processes at once.
        """
        grace = valid.number(stale_threshold_seconds, "stale_threshold_seconds", 0.0)
        types = self._types(job_types)
        recovered, size, tries = 0, RECOVER_BATCH, 0
        while True:
            try:
                async with self._statement() as connection:
                    rows = self._queries.recover_jobs(
                        connection,
                        job_types=types,
                        grace_seconds=min(grace, records.MOST_SECONDS),
                        row_limit=size,
                    )
                    count = len([row async for row in rows])
            except (DuplicateKeyError, ConflictError):
                # A job of the same unique key was enqueued meanwhile. Of one job at a time the next
                # look sees it.
                tries += 1
                if tries == RECOVER_TRIES:
                    raise
                size = 1
                continue
            recovered += count
            if count < size:
                break
            size = min(size * 4, RECOVER_BATCH)
        await self._mend_limits()
        if self._database.keeps_dead_entries:
            async with self._database.connection() as connection:
                await self._queries.mend_starts(connection)
        return recovered

    async def _mend_limits(self) -> None:
        """Set counters right that rows deleted or changed by hand have left wrong."""
        async with self._database.read() as connection:
            wrong = await self._queries.find_wrong_limits(connection)
        if wrong:
            async with self._database.transaction() as connection:
                await self._queries.lock_limits(connection)
                await self._queries.recount_limits(connection)

    # Look after

    async def get(self, job_id: str) -> Job | None:
        """Return a job, or None when there is none of this id."""
        valid.text(job_id, "job_id")
        async with self._database.read() as connection:
            row = await _row_of(self._queries.get_job(connection, id=job_id))
        return None if row is None else _job(row)

    async def list_jobs(
        self,
        status: JobStatus | JobStatusWord | None = None,
        job_type: str | None = None,
        limit: int = 100,
        *,
        before: int | None = None,
        documents: bool = True,
    ) -> list[Job]:
        """Return jobs, the newest first, of a status and a type if these are given.

        ``before`` is the ``number`` of the last job of the page before. A status that few jobs have
        is found by an index of its own; a type is looked for among the newest of all. Without
        ``documents`` no payload and no result is read: the payload is an
        :class:`UndecodableDocument` that says so, and the result None.
        """
        valid.boolean(documents, "documents")
        chosen = None if status is None else valid.choice(status, "status", JOB_STATUSES)
        of_type = None if job_type is None else records.job_type(job_type, "job_type", self._known)
        number = None if before is None else valid.integer(before, "before", most=2**63 - 1)
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            if chosen is None:
                rows = self._queries.list_jobs(
                    connection,
                    job_type=of_type,
                    before_number=number,
                    row_limit=row_limit,
                    documents=documents,
                )
                return [_job(row) for row in await _rows_of(rows)]
            of_status = self._queries.list_jobs_of_status(
                connection,
                status=chosen,
                job_type=of_type,
                before_number=number,
                row_limit=row_limit,
                documents=documents,
            )
            return [_job(row) for row in await _rows_of(of_status)]

    async def get_counts(self) -> list[JobCount]:
        """Return how many jobs there are by type and status, in one round trip.

        It reads the whole table, a second or more for millions of jobs: purge what is finished.
        """
        async with self._database.read() as connection:
            rows = self._queries.count_jobs(connection)
            return [record_of(JobCount, **row) async for row in rows]

    async def get_load(self) -> list[JobLoad]:
        """Return how many jobs wait or run by type and status, and how long the oldest waits.

        Finished jobs are not looked at, so it is for those who ask often.
        """
        async with self._database.read() as connection:
            rows = self._queries.count_unfinished_jobs(connection)
            return [record_of(JobLoad, **row) async for row in rows]

    async def get_stats(self) -> Counter[str]:
        """Return the number of jobs by status, and of all as ``total``; 0 for what is not there.

        It costs what :meth:`get_counts` costs.
        """
        stats: Counter[str] = Counter()
        for count in await self.get_counts():
            stats[count.status] += count.total
            stats["total"] += count.total
        return stats

    async def cancel(self, job_id: str, *, running: bool = False) -> bool:
        """Cancel a job that waits; with ``running`` also ask the worker of one that is processed.

        False when there is no such job, or it is in another state. A worker learns of the request
        within a second: it cancels a coroutine; of a plain function :func:`~aragora_sql.stores.jobs
        .handlers.stop_reason` tells. A handler that returns a result all the same completes its
        job. When its worker dies, the job is cancelled at the end of its lease.
        """
        valid.text(job_id, "job_id")
        valid.boolean(running, "running")
        async with self._database.connection() as connection:
            row = await self._queries.cancel_job(connection, id=job_id, running=running)
            return row is not None

    async def list_cancel_requests(self, claims: Iterable[Claim]) -> list[str]:
        """Return the ids of those of some claimed jobs whose cancellation was asked for."""
        counts = {job_id: claim_count for job_id, _, claim_count in claims}
        if not counts:
            return []
        async with self._database.read() as connection:
            rows = self._queries.list_cancel_requests(connection, ids=list(counts))
            return [row["id"] async for row in rows if counts[row["id"]] == row["claim_count"]]

    async def retry(self, job_id: str) -> Job:
        """Make a finished job (dead, cancelled or completed) pending again, and return it.

        It has all its attempts again. Raises :class:`~aragora_sql.errors.JobNotFoundError`,
        :class:`~aragora_sql.errors.JobStateError` when it is not finished, and
        :class:`~aragora_sql.errors.DuplicateKeyError` when a job of its unique key waits.
        """
        valid.text(job_id, "job_id")
        async with self._database.connection() as connection:
            row = await _row_of(self._queries.retry_job(connection, id=job_id, notify=self._notify))
        if row is None:
            raise await self._wrong_state(job_id, "retried", FINISHED)
        return _job(row)

    async def retry_dead(self, job_type: str | None = None) -> dict[str, bool]:
        """Make all jobs that have failed (of one type) pending again; no payload is read.

        Returns for each id whether it is pending again: it is not where another job of its unique
        key waits. It works in transactions of some hundred jobs; one that fails meanwhile stays.
        """
        of_type = None if job_type is None else records.job_type(job_type, "job_type", self._known)
        after_time, after_number = datetime.min.replace(tzinfo=UTC), 0
        pending: dict[str, bool] = {}
        while True:
            async with self._database.connection() as connection:
                listed = self._queries.list_finished_ids(
                    connection,
                    status="failed",
                    job_type=of_type,
                    after_time=after_time,
                    after_number=after_number,
                    row_limit=RETRY_BATCH,
                )
                page = [row async for row in listed]
            if not page:
                return pending
            ids = [row["id"] for row in page]
            again = set(await self._retry_many(ids))
            pending |= {job_id: job_id in again for job_id in ids}
            after_time, after_number = page[-1]["completed_at"], page[-1]["number"]

    async def _retry_many(self, ids: list[str]) -> list[str]:
        try:
            async with self._statement() as connection:
                rows = self._queries.retry_jobs(connection, ids=ids, notify=self._notify)
                return [row["id"] async for row in rows]
        except (DuplicateKeyError, ConflictError):
            if len(ids) == 1:
                # A job of its key was enqueued at the same time.
                return []
            return [done for job_id in ids for done in await self._retry_many([job_id])]

    async def update(
        self,
        job_id: str,
        *,
        priority: int | None = None,
        max_attempts: int | None = None,
        payload: Mapping[str, Any] | None = None,
        scheduled_at: datetime | None = None,
    ) -> Job:
        """Change a job that waits, and return it; None leaves a value as it is.

        Raises :class:`~aragora_sql.errors.JobNotFoundError`, or
        :class:`~aragora_sql.errors.JobStateError` when it does not wait.
        """
        valid.text(job_id, "job_id")
        if priority is not None:
            valid.integer(priority, "priority", records.SMALLEST_PRIORITY, records.LARGEST_PRIORITY)
        if max_attempts is not None:
            valid.integer(max_attempts, "max_attempts", 1)
        encoded = (
            None
            if payload is None
            else records.limited_document(payload, "payload", self._max_payload_bytes)
        )
        timestamp = None if scheduled_at is None else valid.timestamp(scheduled_at, "scheduled_at")
        async with self._database.connection() as connection:
            row = await _row_of(
                self._queries.update_job(
                    connection,
                    id=job_id,
                    priority=priority,
                    max_attempts=max_attempts,
                    payload=encoded,
                    scheduled_at=timestamp,
                    notify=self._notify,
                )
            )
        if row is None:
            raise await self._wrong_state(job_id, "changed", records.WAITING)
        return _job(row)

    async def _wrong_state(
        self, job_id: str, what: str, allowed: Sequence[JobStatus]
    ) -> JobNotFoundError | JobStateError:
        job = await self.get(job_id)
        if job is None:
            return JobNotFoundError(f"there is no job {job_id!r}")
        return JobStateError(
            f"job {job_id!r} is {job.status}: it can be {what} when it is {', '.join(allowed)}"
        )

    async def purge(
        self,
        older_than: timedelta | float,
        statuses: Iterable[JobStatus | FinishedWord] = (JobStatus.COMPLETED, JobStatus.CANCELLED),
        *,
        batch_size: int = PURGE_BATCH,
        archive: bool = False,
    ) -> int:
        """Delete jobs that were finished so long ago (seconds or timedelta); return how many.

        Dead jobs stay, unless ``statuses`` names ``failed``. It works in transactions of
        ``batch_size`` jobs, so nobody waits for it. With ``archive`` each transaction moves its
        jobs into the history instead (:meth:`list_history`), where they can't be run again.
        """
        take = self._archive_batch if valid.boolean(archive, "archive") else self._purge_batch
        age = _age(older_than)
        size = valid.integer(batch_size, "batch_size", 1)
        chosen = [
            valid.choice(status, f"statuses[{i}]", FINISHED_WORDS)
            for i, status in enumerate(valid.items(statuses, "statuses"))
        ]
        purged = 0
        for status in dict.fromkeys(chosen):
            purged += await in_batches(partial(take, status, age, size))
        return purged

    async def _purge_batch(self, status: FinishedWord, age: float, size: int) -> int:
        async with self._database.connection() as connection:
            return await self._queries.purge_jobs(
                connection, status=status, age_seconds=age, row_limit=size
            )

    # History

    async def _archive_batch(self, status: FinishedWord, age: float, size: int) -> int:
        async with self._database.transaction() as connection:
            rows = self._queries.archive_jobs(
                connection, status=status, age_seconds=age, row_limit=size
            )
            numbers = [row["number"] async for row in rows]
            if not numbers:
                return 0
            deleted = await self._queries.delete_archived_jobs(connection, numbers=numbers)
            if deleted != len(numbers):
                raise DatabaseError(
                    f"{len(numbers)} jobs were copied into job_history and {deleted} deleted, so "
                    "none was moved: a trigger, rule or policy of table job_queue has kept them"
                )
        return deleted

    async def get_archived(self, job_id: str) -> Job | None:
        """Return a job of the history, or None when there is none of this id.

        An id may be given again once its job is archived; then this is the job that ended last.
        """
        valid.text(job_id, "job_id")
        async with self._database.read() as connection:
            row = await _row_of(self._queries.get_archived_job(connection, id=job_id))
        return None if row is None else _job(row)

    async def list_history(
        self,
        status: JobStatus | FinishedWord | None = None,
        job_type: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
        documents: bool = True,
    ) -> list[Job]:
        """Return archived jobs, those that ended last first, of a status and a type if given.

        ``after`` is the last one of the page before. ``documents`` is as in :meth:`list_jobs`. A
        status or type is looked for among all of the history, from that place on.
        """
        valid.boolean(documents, "documents")
        chosen = None if status is None else valid.choice(status, "status", FINISHED_WORDS)
        of_type = None if job_type is None else records.job_type(job_type, "job_type", self._known)
        row_limit = valid.limit(limit)
        before_time, before_id = key_of(
            after, {"completed_at": valid.timestamp, "id": valid.key}, (LAST_TIMESTAMP, "")
        )
        async with self._database.read() as connection:
            rows = self._queries.list_history(
                connection,
                status=chosen,
                job_type=of_type,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
                documents=documents,
            )
            return [_job(row) for row in await _rows_of(rows)]

    async def purge_history(
        self, older_than: timedelta | float, *, batch_size: int = PURGE_BATCH
    ) -> int:
        """Delete archived jobs that ended so long ago (seconds or timedelta); return how many.

        It works in transactions of ``batch_size`` jobs. Months of a divided table go at once:
        ``aragora-sql schema partition --store jobs --archive-before DATE`` (PostgreSQL).
        """
        age = _age(older_than)
        size = valid.integer(batch_size, "batch_size", 1)
        return await in_batches(partial(self._purge_history_batch, age, size))

    async def _purge_history_batch(self, age: float, size: int) -> int:
        async with self._database.connection() as connection:
            return await self._queries.purge_history(connection, age_seconds=age, row_limit=size)

    # Limits

    async def set_limit(self, job_type: str, max_running: int | None) -> None:
        """Set how many jobs of a type may be processed at once; 0 holds it back, None: no limit.

        The limit is exact, over all workers. Jobs that are being processed count and go on.
        """
        checked = records.job_type(job_type, "job_type", self._known)
        if max_running is None:
            async with self._database.transaction() as connection:
                await self._queries.lock_limits(connection)
                await self._queries.delete_limit(connection, job_type=checked)
                await self._queries.delete_unlimited(connection, job_type=checked)
            return
        valid.integer(max_running, "max_running")
        async with self._database.transaction() as connection:
            await self._queries.lock_limits(connection)
            await self._queries.set_limit(connection, job_type=checked, max_running=max_running)

    async def pause(self, job_type: str) -> None:
        """Let no job of a type be claimed until :meth:`resume`; what is processed goes on.

        The type's limit stays.
        """
        checked = records.job_type(job_type, "job_type", self._known)
        async with self._database.transaction() as connection:
            await self._queries.lock_limits(connection)
            await self._queries.pause_type(connection, job_type=checked)

    async def resume(self, job_type: str) -> bool:
        """Let jobs of a paused type be claimed again; False when it was not paused."""
        checked = records.job_type(job_type, "job_type", self._known)
        async with self._database.transaction() as connection:
            await self._queries.lock_limits(connection)
            resumed = await self._queries.resume_type(connection, job_type=checked)
            await self._queries.delete_unlimited(connection, job_type=checked)
        return bool(resumed)

    async def get_limits(self) -> list[JobLimit]:
        """Return the limits and pauses by type."""
        async with self._database.read() as connection:
            rows = self._queries.list_limits(connection)
            return [record_of(JobLimit, **row) async for row in rows]

    # Schedules

    async def set_schedule(
        self,
        name: str,
        cron: str,
        job_type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        time_zone: str = "UTC",
        enabled: bool = True,
        **options: Any,
    ) -> JobSchedule:
        """Store a schedule, or change it, and return it: a job at each time of a cron expression.

        ``cron`` has five fields, as in Debian's cron, read in ``time_zone``, an IANA name. The
        other options are those of :meth:`enqueue` but ``id``, ``scheduled_at`` and
        ``delay_seconds``. It needs the extra ``schedules``. An application may call it at each
        start: the next run stays, unless expression or time zone change.

        A :class:`~aragora_sql.JobWorker` looks for runs that are due, and so does :meth:`run_due`.
        """
        for refused in ("id", "scheduled_at", "delay_seconds"):
            if refused in options:
                raise InvalidInputError(refused, "does not go with a schedule")
        valid.boolean(enabled, "enabled")
        expression = cron_expression(cron)
        zone = _time_zone(time_zone)
        with _named("options"):
            content = new_job(
                "",
                self._known,
                self._max_payload_bytes,
                new_ids(),
                **_content(job_type, payload, options, "job_type"),
            )
        first = next_run(expression, zone, datetime.now(UTC))
        async with self._database.connection() as connection:
            row = await self._queries.set_schedule(
                connection,
                name=valid.key(name, "name"),
                cron=expression,
                time_zone=zone,
                enabled=enabled,
                job_type=content["job_type"],
                payload=content["payload"],
                priority=content["priority"],
                max_attempts=content["max_attempts"],
                time_limit_seconds=content["time_limit_seconds"],
                unique_key=content["unique_key"],
                unique_while_running=content["unique_while_running"],
                user_id=content["user_id"],
                workspace_id=content["workspace_id"],
                next_run_at=first,
            )
        if row is None:
            raise DatabaseError(f"schedule {name!r} was not stored: a trigger has kept it out")
        return _schedule(row)

    async def list_schedules(self) -> list[JobSchedule]:
        """Return the schedules by name."""
        async with self._database.read() as connection:
            rows = self._queries.list_schedules(connection)
            return [_schedule(row) async for row in rows]

    async def delete_schedule(self, name: str) -> bool:
        """Delete a schedule; its jobs stay. False when there is none of this name."""
        valid.text(name, "name")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_schedule(connection, name=name))

    async def run_due(self) -> list[Job]:
        """Enqueue the jobs of schedules whose run is due, and return those that this call enqueued.

        Any number of processes may call it: each run is enqueued once, together with the date of
        the next one, in one transaction. ``scheduled_at`` of a job is the time of its run. Of runs
        that were missed while nobody called it, the first is made up for. Where a job of the
        schedule's unique key keeps the new one out, the run is over without one.
        """
        async with self._database.read() as connection:
            due = [row async for row in self._queries.list_due_schedules(connection)]
        jobs: list[Job] = []
        for row in due:
            after = max(row["clock"], row["next_run_at"])
            try:
                following = next_run(row["cron"], row["time_zone"], after)
            except InvalidInputError as error:
                log.error("schedule %r is not run: %s", row["name"], error)
                continue
            try:
                job = await self._run_schedule(row["name"], row["next_run_at"], following)
            except PASSING_ERRORS:
                raise
            except DatabaseError as error:
                # Such as a trigger that refuses its job: the others go on.
                log.error("schedule %r is not run: %s", row["name"], error)
                continue
            if job is not None:
                jobs.append(job)
        return jobs

    async def _run_schedule(self, name: str, run_at: datetime, following: datetime) -> Job | None:
        async with self._database.transaction() as connection:
            taken = await self._queries.advance_schedule(
                connection, name=name, run_at=run_at, next_run_at=following
            )
            if taken is None:
                return None
            job_id = next(new_ids())
            job = await self._enqueue(
                {
                    "id": job_id,
                    "job_type": taken["job_type"],
                    # As it is stored: what Python can't decode fails its own job.
                    "payload": EncodedJSON(taken["payload_text"]),
                    "priority": taken["priority"],
                    "max_attempts": taken["max_attempts"],
                    "time_limit_seconds": taken["time_limit_seconds"],
                    "scheduled_at": run_at,
                    "delay_seconds": None,
                    "unique_key": taken["unique_key"],
                    "unique_while_running": taken["unique_while_running"],
                    "user_id": taken["user_id"],
                    "workspace_id": taken["workspace_id"],
                    # The worker that runs the schedule is not what the job is about.
                    "trace_parent": None,
                }
            )
        return job if job.id == job_id else None

    async def seconds_to_next_run(self) -> float | None:
        """Return in how many seconds the next run of a schedule is due; None: there is none."""
        async with self._database.read() as connection:
            seconds: float | None = await self._queries.find_next_schedule(connection)
        return seconds

    def _types(self, job_types: Iterable[str] | None) -> list[str] | None:
        return records.job_types(job_types, "job_types", self._known)


RowT = TypeVar("RowT")

# The argument of the same name hides the function in set_schedule().
_time_zone = time_zone


def _age(older_than: timedelta | float) -> float:
    """Check how long ago something ended, and return it in seconds."""
    seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
    return min(valid.number(seconds, "older_than", 0.0), records.MOST_SECONDS)


def _kept_out(missing: int, given: int) -> DatabaseError:
    return DatabaseError(
        f"{missing} of {given} jobs were not stored, and the database reported no error: a trigger "
        "or rule of table job_queue has kept them out"
    )


@contextmanager
def _named(argument: str) -> Iterator[None]:
    """Say of missing and unknown options of a job which job it is."""
    try:
        yield
    except TypeError as error:
        problem = str(error).partition("() ")[2] or str(error)
        raise InvalidInputError(argument, problem) from error


def _content(
    job: object, payload: Mapping[str, Any] | None, options: Mapping[str, Any], argument: str
) -> Mapping[str, Any]:
    if isinstance(job, str):
        return {"job_type": job, "payload": payload, **options}
    if payload is not None:
        raise InvalidInputError("payload", "does not go with a whole job")
    if isinstance(job, Job):
        return {**{name: getattr(job, name) for name in JOB_CONTENT}, **options}
    if isinstance(job, Mapping):
        return {**job, **options} if options else job
    raise InvalidInputError(
        argument, f"must be a job type, a Job or a mapping, not {type(job).__name__}"
    )


async def _rows_of(query: AsyncIterator[RowT]) -> list[RowT]:
    """Return all rows of jobs, also those with text that can't be decoded."""
    try:
        return [row async for row in query]
    except UnreadableValueError as error:
        if error.rows is None:
            raise
        return cast(list[RowT], error.rows)


async def _row_of(query: Awaitable[RowT | None]) -> RowT | None:
    """Return a job's row, also one with text that can't be decoded."""
    try:
        return await query
    except UnreadableValueError as error:
        if error.rows is None:
            raise
        return cast(RowT, error.rows[0])


def _job(row: StoredJobRow | GetArchivedJobRow) -> Job:
    """Make a job of a row, whose documents come as text."""
    return record_of(Job, **_decoded(row))


def _schedule(row: StoredJobScheduleRow) -> JobSchedule:
    """Make a schedule of a row, whose document comes as text."""
    values = cast(dict[str, Any], row)
    values["payload"] = decode_document(values.pop("payload_text"))
    return record_of(JobSchedule, **values)


async def _claimed_jobs(query: AsyncIterator[ClaimJobsRow], worker_id: str) -> list[Job]:
    """Make claimed jobs; one with text that can't be decoded gets an undecodable payload."""
    try:
        return [_claimed(row, worker_id) async for row in query]
    except UnreadableValueError as error:
        if error.rows is None:
            raise
        jobs = [_claimed(row, worker_id) for row in cast("list[ClaimJobsRow]", error.rows)]
    return [_without_undecodable(job) for job in jobs]


def _without_undecodable(job: Job) -> Job:
    for name in (field.name for field in fields(job)):
        if type(getattr(job, name)) is UndecodableText:
            # Nobody can tell what it was, so nobody works on it.
            reason = f"{name} is not UTF-8 text"
            return replace(job, payload=UndecodableDocument("", reason))
    return job


def _claimed(row: ClaimJobsRow, worker_id: str) -> Job:
    """Make a claimed job: the rest of the row is known."""
    values = _decoded(row)
    values["status"] = "processing"
    values["worker_id"] = worker_id
    values["started_at"] = values["updated_at"]
    values["completed_at"] = None
    return record_of(Job, **values)


def _decoded(row: StoredJobRow | GetArchivedJobRow | ClaimJobsRow) -> dict[str, Any]:
    """Decode the documents of a row, in its place: nobody else has it."""
    values: dict[str, Any] = row  # type: ignore[assignment]
    values["payload"] = decode_document(values.pop("payload_text"))
    result = values.pop("result_text")
    values["result"] = None if result is None else decode_document(result)
    return values
