"""Sessions: tokens that are refused before they expire, and impersonation with its audit.

Its queries: ``sql/postgres/sessions/queries.sql`` and ``sql/sqlite/sessions/queries.sql``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import CleanupTurns, age_limit, in_batches
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.sessions.records import (
    ENDED_BY,
    EVENT_TYPES,
    ImpersonationEvent,
    ImpersonationSession,
    RevokedToken,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.sessions import SessionsQueries

__all__ = ["SessionStore", "token_jti"]

JTI_DIGITS = 32
DONE_AT_ONCE = 1000
MOST_ACTIVE = 10_000
_JTI = re.compile(rf"[0-9a-f]{{{JTI_DIGITS}}}")


def token_jti(token: str) -> str:
    """Return what the blacklist knows a token by: 32 hexadecimal digits of its SHA-256.

    ``token`` is the whole token as the client sends it.
    """
    return sha256(valid.identifier(token, "token").encode()).hexdigest()[:JTI_DIGITS]


class SessionStore(Store):
    """Refuses tokens before they expire, and keeps sessions of impersonation with their audit.

    Tokens are known by their hash: no token is ever stored. What has expired is deleted by
    :meth:`cleanup_expired`, which :meth:`add` calls every five minutes at most.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "sessions"
    _queries: SessionsQueries

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._cleanup_turns = CleanupTurns()

    # Tokens

    async def add(
        self,
        token_jti: str,
        expires_at: datetime | float,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Refuse a token from now on.

        ``token_jti`` is what :func:`token_jti` gives, and never the token itself. ``expires_at`` is
        when the token expires by itself, an aware time or seconds since 1970. Of one that is
        refused already the later time counts.
        """
        row: dict[str, Any] = {
            "jti": _jti(token_jti, "token_jti"),
            "expires_at": valid.timestamp_or_seconds(expires_at, "expires_at"),
            "user_id": valid.optional(user_id, "user_id", valid.key),
            "reason": valid.optional_text(reason, "reason"),
        }
        now = utc_now()

        async def write() -> None:
            async with self._database.connection() as connection:
                await self._queries.upsert_token(connection, revoked_at=now, **row)

        await self._repeat(write)
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()

    async def revoke(
        self,
        token: str,
        expires_at: datetime | float,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Refuse a whole token from now on; see :meth:`add`."""
        await self.add(token_jti(token), expires_at, user_id, reason)

    async def contains(
        self,
        token_jti: str,
        *,
        user_id: str | None = None,
        issued_at: datetime | float | None = None,
    ) -> bool:
        """Tell whether a token is refused: itself, or with those of its user that are as old.

        The latter is only known with ``user_id`` and ``issued_at``, which stand in the token.
        """
        jti = _jti(token_jti, "token_jti")
        user = valid.optional(user_id, "user_id", valid.key)
        if (user is None) != (issued_at is None):
            raise InvalidInputError(
                "issued_at" if issued_at is None else "user_id", "goes with the other one"
            )
        now = utc_now()
        if user is None or issued_at is None:
            async with self._database.read() as connection:
                return await self._queries.is_token_revoked(connection, jti=jti, now=now)
        issued = valid.timestamp_or_seconds(issued_at, "issued_at")
        async with self._database.read() as connection:
            return await self._queries.is_revoked(
                connection, jti=jti, user_id=user, issued_at=issued, now=now
            )

    async def is_revoked(
        self,
        token: str,
        *,
        user_id: str | None = None,
        issued_at: datetime | float | None = None,
    ) -> bool:
        """Tell whether a whole token is refused; see :meth:`contains`."""
        return await self.contains(token_jti(token), user_id=user_id, issued_at=issued_at)

    async def revoke_user(
        self,
        user_id: str,
        expires_at: datetime | float,
        reason: str | None = None,
        *,
        issued_before: datetime | None = None,
    ) -> None:
        """Refuse all tokens of a user that were issued before a time (default: now).

        ``expires_at`` is when the last of them expires by itself, at the latest.
        """
        now = utc_now()
        row: dict[str, Any] = {
            "user_id": valid.key(user_id, "user_id"),
            "expires_at": valid.timestamp_or_seconds(expires_at, "expires_at"),
            "reason": valid.optional_text(reason, "reason"),
            "issued_before": now
            if issued_before is None
            else valid.timestamp(issued_before, "issued_before"),
        }

        async def write() -> None:
            async with self._database.connection() as connection:
                await self._queries.upsert_revocation(connection, revoked_at=now, **row)

        await self._repeat(write)

    async def get_tokens_of_user(self, user_id: str, limit: int = 100) -> list[RevokedToken]:
        """Return the refused tokens of a user that have not expired, the newest first."""
        user, row_limit = valid.key(user_id, "user_id"), valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_tokens_of_user(
                connection, user_id=user, now=utc_now(), row_limit=row_limit
            )
            return [record_of(RevokedToken, **row) async for row in rows]

    async def size(self) -> int:
        """Return the number of refused tokens that have not expired."""
        async with self._database.read() as connection:
            return await self._queries.count_tokens(connection, now=utc_now())

    async def cleanup_expired(self) -> int:
        """Delete what is of no use any more, in batches; return how many tokens that were."""
        now = utc_now()

        async def tokens(connection: Connection) -> int:
            return await self._queries.delete_expired_tokens(
                connection, now=now, row_limit=DONE_AT_ONCE
            )

        async def revocations(connection: Connection) -> int:
            return await self._queries.delete_expired_revocations(
                connection, now=now, row_limit=DONE_AT_ONCE
            )

        await self._in_batches(revocations)
        return await self._in_batches(tokens)

    # Impersonation

    async def save_session(
        self,
        session_id: str,
        admin_user_id: str,
        admin_email: str,
        target_user_id: str,
        target_email: str,
        reason: str,
        started_at: datetime,
        expires_at: datetime,
        ip_address: str | None = None,
        user_agent: str | None = None,
        actions_performed: int = 0,
    ) -> str:
        """Store a session and return its identifier.

        Of one that is there only the counter is refreshed, which never falls.
        """
        row: dict[str, Any] = {
            "session_id": valid.key(session_id, "session_id"),
            "admin_user_id": valid.key(admin_user_id, "admin_user_id"),
            "admin_email": valid.text(admin_email, "admin_email"),
            "target_user_id": valid.key(target_user_id, "target_user_id"),
            "target_email": valid.text(target_email, "target_email"),
            "reason": valid.text(reason, "reason"),
            "started_at": valid.timestamp(started_at, "started_at"),
            "expires_at": valid.timestamp(expires_at, "expires_at"),
            "ip_address": valid.optional_text(ip_address, "ip_address"),
            "user_agent": valid.optional_text(user_agent, "user_agent"),
            "actions_performed": valid.integer(actions_performed, "actions_performed"),
        }
        async with self._database.connection() as connection:
            await self._queries.save_session(connection, **row)
        return str(row["session_id"])

    async def update_session_actions(self, session_id: str, actions_performed: int) -> bool:
        """Set the counter of a session that has not ended; tell whether there is one."""
        key = valid.key(session_id, "session_id")
        count = valid.integer(actions_performed, "actions_performed")
        async with self._database.connection() as connection:
            changed = await self._queries.update_actions(
                connection, session_id=key, actions_performed=count
            )
        return changed > 0

    async def end_session(
        self, session_id: str, ended_by: str, actions_performed: int | None = None
    ) -> bool:
        """End a session; tell whether it had not ended before.

        ``ended_by`` is ``admin``, ``timeout`` or ``system``. Of two at once one ends it.
        """
        key = valid.key(session_id, "session_id")
        by = valid.choice(ended_by, "ended_by", ENDED_BY)
        count = valid.optional(actions_performed, "actions_performed", valid.integer)
        async with self._database.connection() as connection:
            changed = await self._queries.end_session(
                connection,
                session_id=key,
                ended_at=utc_now(),
                ended_by=by,
                actions_performed=count,
            )
        return changed > 0

    async def get_session(self, session_id: str) -> ImpersonationSession | None:
        """Return a session, or None."""
        key = valid.key(session_id, "session_id")
        async with self._database.read() as connection:
            row = await self._queries.get_session(connection, session_id=key)
        return None if row is None else record_of(ImpersonationSession, **row)

    async def get_active_sessions(
        self, admin_user_id: str | None = None
    ) -> list[ImpersonationSession]:
        """Return the sessions that have neither ended nor expired, the newest first."""
        admin = valid.optional(admin_user_id, "admin_user_id", valid.key)
        now = utc_now()
        async with self._database.read() as connection:
            if admin is None:
                rows = self._queries.list_active_sessions(
                    connection, now=now, row_limit=MOST_ACTIVE
                )
            else:
                rows = self._queries.list_active_sessions_of_admin(
                    connection, admin_user_id=admin, now=now, row_limit=MOST_ACTIVE
                )
            return [record_of(ImpersonationSession, **row) async for row in rows]

    async def get_sessions_for_admin(
        self,
        admin_user_id: str,
        include_ended: bool = False,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[ImpersonationSession]:
        """Return the sessions of an administrator, the newest first.

        ``after`` is the last session of the page before.
        """
        admin = valid.key(admin_user_id, "admin_user_id")
        ended = valid.boolean(include_ended, "include_ended")
        row_limit = valid.limit(limit)
        timestamp, key = key_of(
            after,
            {"started_at": valid.timestamp, "session_id": valid.key},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_sessions_of_admin(
                connection,
                admin_user_id=admin,
                include_ended=ended,
                after_timestamp=timestamp,
                after_id=key,
                row_limit=row_limit,
            )
            return [record_of(ImpersonationSession, **row) async for row in rows]

    async def cleanup_expired_sessions(self) -> int:
        """End the sessions that have expired, by ``timeout``; return how many."""
        now = utc_now()

        async def batch(connection: Connection) -> int:
            return await self._queries.end_expired_sessions(
                connection, now=now, row_limit=DONE_AT_ONCE
            )

        return await self._in_batches(batch)

    async def save_audit_entry(
        self,
        audit_id: str,
        timestamp: datetime,
        event_type: str,
        admin_user_id: str,
        ip_address: str | None,
        user_agent: str | None,
        success: bool,
        session_id: str | None = None,
        target_user_id: str | None = None,
        reason: str | None = None,
        action_details: Mapping[str, Any] | None = None,
        error_message: str | None = None,
    ) -> str:
        """Store what happened and return its identifier; one that is there already stays as it is.

        ``event_type`` is ``start``, ``action``, ``end``, ``timeout`` or ``denied``.
        """
        row: dict[str, Any] = {
            "audit_id": valid.key(audit_id, "audit_id"),
            "timestamp": valid.timestamp(timestamp, "timestamp"),
            "event_type": valid.choice(event_type, "event_type", EVENT_TYPES),
            "admin_user_id": valid.key(admin_user_id, "admin_user_id"),
            "ip_address": valid.optional_text(ip_address, "ip_address"),
            "user_agent": valid.optional_text(user_agent, "user_agent"),
            "success": valid.boolean(success, "success"),
            "session_id": valid.optional(session_id, "session_id", valid.key),
            "target_user_id": valid.optional(target_user_id, "target_user_id", valid.key),
            "reason": valid.optional_text(reason, "reason"),
            "action_details": None
            if action_details is None
            else valid.document(action_details, "action_details"),
            "error_message": valid.optional_text(error_message, "error_message"),
        }
        async with self._database.connection() as connection:
            await self._queries.insert_audit(connection, **row)
        return str(row["audit_id"])

    async def get_audit_log(
        self,
        admin_user_id: str | None = None,
        target_user_id: str | None = None,
        session_id: str | None = None,
        event_type: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[ImpersonationEvent]:
        """Return what happened, the newest first.

        ``after`` is the last entry of the page before.
        """
        admin = valid.optional(admin_user_id, "admin_user_id", valid.key)
        target = valid.optional(target_user_id, "target_user_id", valid.key)
        session = valid.optional(session_id, "session_id", valid.key)
        timestamp, key = key_of(
            after, {"timestamp": valid.timestamp, "audit_id": valid.key}, (LAST_TIMESTAMP, "")
        )
        place: dict[str, Any] = {
            "event_type": None
            if event_type is None
            else valid.choice(event_type, "event_type", EVENT_TYPES),
            "since": FIRST_TIMESTAMP if since is None else valid.timestamp(since, "since"),
            "after_timestamp": timestamp,
            "after_id": key,
            "row_limit": valid.limit(limit),
        }
        async with self._database.read() as connection:
            if session is not None:
                rows = self._queries.list_audit_of_session(
                    connection,
                    session_id=session,
                    admin_user_id=admin,
                    target_user_id=target,
                    **place,
                )
            elif target is not None:
                rows = self._queries.list_audit_of_target(
                    connection, target_user_id=target, admin_user_id=admin, **place
                )
            elif admin is not None:
                rows = self._queries.list_audit_of_admin(connection, admin_user_id=admin, **place)
            else:
                rows = self._queries.list_audit(connection, **place)
            return [record_of(ImpersonationEvent, **row) async for row in rows]

    async def cleanup_old_records(
        self, sessions_days: float = 90, audit_days: float = 365
    ) -> dict[str, int]:
        """Delete sessions that ended, and entries that are older than so many days.

        Returns how many, as ``sessions`` and ``audit``. It is done in batches, each a transaction.
        """
        now = utc_now()
        ended_before = age_limit(sessions_days, now, "sessions_days")
        before = age_limit(audit_days, now, "audit_days")

        async def sessions(connection: Connection) -> int:
            return await self._queries.delete_ended_sessions(
                connection, older_than=ended_before, row_limit=DONE_AT_ONCE
            )

        async def audit(connection: Connection) -> int:
            return await self._queries.delete_audit(
                connection, older_than=before, row_limit=DONE_AT_ONCE
            )

        return {
            "sessions": await self._in_batches(sessions),
            "audit": await self._in_batches(audit),
        }

    async def _in_batches(self, work: Callable[[Connection], Awaitable[int]]) -> int:
        async def batch() -> int:
            async with self._database.connection() as connection:
                return await work(connection)

        return await in_batches(batch)


def _jti(value: Any, argument: str) -> str:
    checked = valid.text(value, argument)
    if not _JTI.fullmatch(checked):
        # Not quoted: it may be a token.
        raise InvalidInputError(
            argument, f"must be {JTI_DIGITS} hexadecimal digits, as token_jti(token) gives them"
        )
    return checked
