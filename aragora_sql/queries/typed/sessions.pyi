"""The types of the queries of the store sessions.

Made by ``aragora-sql stubs`` from
``sql/postgres/sessions/queries.sql`` and ``sql/sqlite/sessions/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

EndedByWord = Literal[
    "admin",
    "timeout",
    "system",
]

EventTypeWord = Literal[
    "start",
    "action",
    "end",
    "timeout",
    "denied",
]

class UpsertTokenParameters(TypedDict):
    """One set of parameters of upsert_token."""

    jti: str
    expires_at: datetime
    revoked_at: datetime
    user_id: str | None
    reason: str | None

class UpsertRevocationParameters(TypedDict):
    """One set of parameters of upsert_revocation."""

    user_id: str
    issued_before: datetime
    expires_at: datetime
    revoked_at: datetime
    reason: str | None

class RevokedTokenRow(TypedDict):
    """A row of list_tokens_of_user."""

    jti: str
    expires_at: datetime
    revoked_at: datetime
    user_id: str | None
    reason: str | None

class SaveSessionParameters(TypedDict):
    """One set of parameters of save_session."""

    session_id: str
    admin_user_id: str
    admin_email: str
    target_user_id: str
    target_email: str
    reason: str
    started_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    actions_performed: int

class ImpersonationSessionRow(TypedDict):
    """A row of get_session, list_active_sessions, list_active_sessions_of_admin,
    list_sessions_of_admin."""

    session_id: str
    admin_user_id: str
    admin_email: str
    target_user_id: str
    target_email: str
    reason: str
    started_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    actions_performed: int
    ended_at: datetime | None
    ended_by: EndedByWord | None

class InsertAuditParameters(TypedDict):
    """One set of parameters of insert_audit."""

    audit_id: str
    timestamp: datetime
    event_type: EventTypeWord
    session_id: str | None
    admin_user_id: str
    target_user_id: str | None
    reason: str | None
    action_details: Any
    ip_address: str | None
    user_agent: str | None
    success: bool
    error_message: str | None

class ImpersonationEventRow(TypedDict):
    """A row of list_audit, list_audit_of_session, list_audit_of_target, list_audit_of_admin."""

    audit_id: str
    timestamp: datetime
    event_type: EventTypeWord
    session_id: str | None
    admin_user_id: str
    target_user_id: str | None
    reason: str | None
    action_details: Any
    ip_address: str | None
    user_agent: str | None
    success: bool
    error_message: str | None

class SessionsQueries(Protocol):
    """The queries of the store sessions."""

    async def upsert_token(
        self,
        connection: Connection,
        /,
        *,
        jti: str,
        expires_at: datetime,
        revoked_at: datetime,
        user_id: str | None,
        reason: str | None,
    ) -> int:
        """Refuse a token; one that is refused already is so for no shorter time.

        Operation !: the number of rows changed.
        """

    async def is_revoked(
        self,
        connection: Connection,
        /,
        *,
        jti: str,
        user_id: str,
        issued_at: datetime,
        now: datetime,
    ) -> bool:
        """Tell whether a token is refused: itself, or with all tokens of its user that are as old.

        Operation $: the first value of the first row, or None.
        """

    async def is_token_revoked(self, connection: Connection, /, *, jti: str, now: datetime) -> bool:
        """Tell whether a token itself is refused.

        Operation $: the first value of the first row, or None.
        """

    async def upsert_revocation(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        issued_before: datetime,
        expires_at: datetime,
        revoked_at: datetime,
        reason: str | None,
    ) -> int:
        """Refuse the tokens of a user that were issued before a time, and no fewer than so far.

        Operation !: the number of rows changed.
        """

    def list_tokens_of_user(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        now: datetime,
        row_limit: int,
    ) -> AsyncIterator[RevokedTokenRow]:
        """List the refused tokens of a user that have not expired, the last that was revoked
        first.

        Operation (none): every row.
        """

    async def count_tokens(self, connection: Connection, /, *, now: datetime) -> int:
        """Count the refused tokens that have not expired.

        Operation $: the first value of the first row, or None.
        """

    async def delete_expired_tokens(
        self,
        connection: Connection,
        /,
        *,
        now: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the refused tokens that have expired.

        Operation !: the number of rows changed.
        """

    async def delete_expired_revocations(
        self,
        connection: Connection,
        /,
        *,
        now: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the revocations that are of no use any more.

        Operation !: the number of rows changed.
        """

    async def save_session(
        self,
        connection: Connection,
        /,
        *,
        session_id: str,
        admin_user_id: str,
        admin_email: str,
        target_user_id: str,
        target_email: str,
        reason: str,
        started_at: datetime,
        expires_at: datetime,
        ip_address: str | None,
        user_agent: str | None,
        actions_performed: int,
    ) -> int:
        """Store a session; of one that is there only the counter is refreshed, and never falls.

        Operation !: the number of rows changed.
        """

    async def update_actions(
        self,
        connection: Connection,
        /,
        *,
        session_id: str,
        actions_performed: int,
    ) -> int:
        """Set the counter of a session that has not ended.

        Operation !: the number of rows changed.
        """

    async def end_session(
        self,
        connection: Connection,
        /,
        *,
        session_id: str,
        ended_at: datetime | None,
        ended_by: EndedByWord | None,
        actions_performed: int | None,
    ) -> int:
        """End a session that has not ended.

        Operation !: the number of rows changed.
        """

    async def get_session(
        self,
        connection: Connection,
        /,
        *,
        session_id: str,
    ) -> ImpersonationSessionRow | None:
        """Return a session.

        Operation ^: the first row, or None.
        """

    def list_active_sessions(
        self,
        connection: Connection,
        /,
        *,
        now: datetime,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationSessionRow]:
        """List the sessions that have neither ended nor expired, the newest first.

        Operation (none): every row.
        """

    def list_active_sessions_of_admin(
        self,
        connection: Connection,
        /,
        *,
        admin_user_id: str,
        now: datetime,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationSessionRow]:
        """List the sessions of an administrator that have neither ended nor expired, the newest
        first.

        Operation (none): every row.
        """

    def list_sessions_of_admin(
        self,
        connection: Connection,
        /,
        *,
        admin_user_id: str,
        include_ended: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationSessionRow]:
        """List the sessions of an administrator, the newest first, from a place on.

        Operation (none): every row.
        """

    async def end_expired_sessions(
        self,
        connection: Connection,
        /,
        *,
        now: datetime | None,
        row_limit: int,
    ) -> int:
        """End some of the sessions that have expired.

        Operation !: the number of rows changed.
        """

    async def delete_ended_sessions(
        self,
        connection: Connection,
        /,
        *,
        older_than: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the sessions that ended before a time.

        Operation !: the number of rows changed.
        """

    async def insert_audit(
        self,
        connection: Connection,
        /,
        *,
        audit_id: str,
        timestamp: datetime,
        event_type: EventTypeWord,
        session_id: str | None,
        admin_user_id: str,
        target_user_id: str | None,
        reason: str | None,
        action_details: Any,
        ip_address: str | None,
        user_agent: str | None,
        success: bool,
        error_message: str | None,
    ) -> int:
        """Store an entry, unless there is one of this identifier.

        Operation !: the number of rows changed.
        """

    def list_audit(
        self,
        connection: Connection,
        /,
        *,
        event_type: EventTypeWord | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationEventRow]:
        """List entries, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_session(
        self,
        connection: Connection,
        /,
        *,
        session_id: str,
        admin_user_id: str | None,
        target_user_id: str | None,
        event_type: EventTypeWord | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationEventRow]:
        """List the entries of a session, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_target(
        self,
        connection: Connection,
        /,
        *,
        target_user_id: str,
        admin_user_id: str | None,
        event_type: EventTypeWord | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationEventRow]:
        """List the entries about a user, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_admin(
        self,
        connection: Connection,
        /,
        *,
        admin_user_id: str,
        event_type: EventTypeWord | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ImpersonationEventRow]:
        """List the entries of an administrator, the newest first, from a place on.

        Operation (none): every row.
        """

    async def delete_audit(
        self,
        connection: Connection,
        /,
        *,
        older_than: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the entries that are older than a time.

        Operation !: the number of rows changed.
        """
