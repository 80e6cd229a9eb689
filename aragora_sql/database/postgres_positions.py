"""What servers say of their place in the log, and how a commit brings its position back.

``COMMIT;COPY (SELECT …) TO STDOUT`` is one message of the simple protocol: the position is taken
after the commit record was written, whether it was flushed or not, and comes back with the answer
to the commit. It touches no setting of the session, so it works behind a transaction pooler and
shows in no view of the server but as the text of the statement.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from aragora_sql.database.log_position import LogFormat, LogPosition, read_lsn
from aragora_sql.database.postgres_errors import translate
from aragora_sql.database.postgres_pool import SessionConnection
from aragora_sql.database.read_sessions import tick
from aragora_sql.errors import (
    CommitOutcomeUnknownError,
    ForeignTokenError,
    PositionLostError,
    PositionNotReachedError,
)

if TYPE_CHECKING:
    # A connection of asyncpg, or a pool's proxy of one.
    _Raw = Any

__all__ = [
    "LONGEST_PAUSE",
    "Identity",
    "Place",
    "RoutedSession",
    "ask_identity",
    "ask_place",
    "check_reached",
    "wait_for_position",
]

# The timeline of a standby is at least that of its last restart point, of the pages that it has
# written, and of the log that it receives now; the last one is hidden from ordinary roles.
_IDENTITY = """
SELECT
    s.system_identifier,
    pg_is_in_recovery() AS is_standby,
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_insert_lsn() END AS lsn,
    CASE WHEN pg_is_in_recovery()
        THEN greatest(c.timeline_id, r.min_recovery_end_timeline, w.received_tli)
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    END AS timeline,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END AS promoted_at,
    pg_postmaster_start_time()::text AS started,
    current_setting('default_transaction_isolation') AS isolation,
    current_setting('wal_block_size')::int AS page,
    pg_size_bytes(current_setting('wal_segment_size')) AS segment
FROM pg_control_system() AS s
CROSS JOIN pg_control_checkpoint() AS c
CROSS JOIN pg_control_recovery() AS r
LEFT JOIN pg_catalog.pg_stat_wal_receiver AS w ON TRUE
"""
# The same as far as it changes from one moment to the next.
_PLACE = """
SELECT
    pg_is_in_recovery() AS is_standby,
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_insert_lsn() END AS lsn,
    CASE WHEN pg_is_in_recovery()
        THEN (SELECT w.received_tli FROM pg_catalog.pg_stat_wal_receiver AS w)
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    END AS timeline,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END AS flushed
"""
_COMMIT = (
    "COMMIT;COPY (SELECT CASE WHEN NOT pg_is_in_recovery() THEN "
    "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) || pg_current_wal_insert_lsn() END) "
    "TO STDOUT"
)
# Errors of the second half, after which the commit may have taken effect; deferred constraints and
# serialization are errors of the first.
_OF_SECOND_HALF = ("42501", "53", "55", "57", "58", "XX")
LONGEST_PAUSE = 0.016


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server is. ``promoted_at`` is where its log left the timeline before, or None."""

    cluster: int
    is_standby: bool
    lsn: int
    timeline: int
    promoted_at: int | None
    started: str
    isolation: str
    format: LogFormat


async def ask_identity(connection: _Raw) -> Identity:
    """Ask a server what it is; raises the driver's errors."""
    row = await connection.fetchrow(_IDENTITY)
    log_format = LogFormat(row["page"], row["segment"])
    return Identity(
        row["system_identifier"] % (1 << 64),
        row["is_standby"],
        log_format.end_of(row["lsn"] or 0),
        row["timeline"],
        row["promoted_at"],
        row["started"],
        row["isolation"],
        log_format,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log of a server is, and its timeline if it tells.

    ``flushed`` is what a primary has written to disk, None of a standby. Records that belong to no
    commit may stay behind it for many seconds, and no standby gets them before.
    """

    is_standby: bool
    lsn: int
    timeline: int | None
    flushed: int | None


async def ask_place(connection: _Raw) -> Place:
    """Ask a server how far its log is; raises the driver's errors."""
    row = await connection.fetchrow(_PLACE)
    return Place(row["is_standby"], row["lsn"] or 0, row["timeline"], row["flushed"])


class RoutedSession(SessionConnection):
    """A connection to a primary whose commits say where they are in the log."""

    # Timeline and position of the last commit, and the moment when it was asked for.
    _protocol: Any
    commit_position: tuple[int, int, int] | None = None
    _answer: bytes = b""
    _received: asyncio.Future[None] | None = None

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run a statement; a COMMIT of the driver takes its position along."""
        if query != "COMMIT;":
            return await super().execute(query, *args, timeout=timeout)
        self._check_open()  # type: ignore[attr-defined]
        self.commit_position = None
        self._answer = b""
        asked = tick()
        try:
            await self._protocol.copy_out(_COMMIT, self._receive, timeout)
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "").startswith(_OF_SECOND_HALF):
                ours = translate(error, "COMMIT")
                raise CommitOutcomeUnknownError(
                    f"{ours}; whether it took effect is not known"
                ) from error
            raise
        answer = self._answer.strip()
        if not answer.startswith(b"\\"):
            self.commit_position = int(answer[:8], 16), read_lsn(answer[8:]), asked
        return "COMMIT"

    def _receive(self, data: bytes) -> asyncio.Future[None]:
        self._answer += bytes(data)
        if self._received is None:
            # One that is done already, for the driver to await: it would else make a task.
            self._received = self._loop.create_future()  # type: ignore[attr-defined]
            self._received.set_result(None)
        return self._received


async def wait_for_position(connection: _Raw, position: LogPosition, limit: float) -> None:
    """Make sure that a server, whatever it is, shows all up to a position; wait ``limit`` seconds.

    Raises :class:`ForeignTokenError`, :class:`PositionLostError` or
    :class:`PositionNotReachedError`.
    """
    identity = await ask_identity(connection)
    if identity.cluster != position.cluster:
        raise ForeignTokenError("at_least", "is a token of another cluster")
    if not identity.is_standby:
        check_reached(position, identity.timeline, identity.lsn, identity.promoted_at)
        return
    loop = asyncio.get_running_loop()
    deadline, pause, lsn = loop.time() + limit, 0.001, identity.lsn
    while identity.timeline != position.timeline or lsn < position.lsn:
        if loop.time() >= deadline:
            raise PositionNotReachedError(
                f"this standby has not applied the log up to the token within {limit:g} s"
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        identity = await ask_identity(connection)
        lsn = identity.lsn


def check_reached(position: LogPosition, timeline: int, lsn: int, promoted_at: int | None) -> None:
    """Raise :class:`PositionLostError` where a primary does not have a position in its log."""
    if position.timeline == timeline:
        if position.lsn <= lsn:
            return
        why = "it is beyond the end of the primary's log"
    elif position.timeline > timeline:
        why = f"the primary is on the earlier timeline {timeline}"
    elif position.timeline == timeline - 1 and promoted_at is not None:
        if position.lsn <= promoted_at:
            return
        why = "it was written to a former primary, and never reached the present one"
    else:
        why = (
            f"it is of timeline {position.timeline}, and whether it reached timeline {timeline} "
            "can't be known any more"
        )
    raise PositionLostError(
        f"the write that the token stands for is not in the log: {why}; read without the token, "
        "and find out what is there"
    )
