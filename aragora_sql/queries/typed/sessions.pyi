"""The types of the queries of the store sessions.

Made by ``aragora-sql stubs`` from
``sql/postgres/sessions/queries.sql`` and ``sql/sqlite/sessions/queries.sql``.
"""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from aragora_sql.database import Connection

class SessionsQueries(Protocol):
    """The queries of the store sessions."""

    async def upsert_token(self, connection: Connection, /) -> int:
        """Refuse a token; one that is refused already is so for no shorter time.

        Operation !: the number of rows changed.
        """

    async def is_revoked(self, connection: Connection, /) -> Any:
        """Tell whether a token is refused: itself, or with all tokens of its user that are as old.

        Operation $: the first value of the first row, or None.
        """

    async def upsert_revocation(self, connection: Connection, /) -> int:
        """Refuse the tokens of a user that were issued before a time, and no fewer than so far.

        Operation !: the number of rows changed.
        """

    def list_tokens_of_user(self, connection: Connection, /) -> AsyncIterator[ListTokensOfUserRow]:
        """List the refused tokens of a user that have not expired, the last that was revoked
        first.

        Operation (none): every row.
        """

    async def count_tokens(self, connection: Connection, /) -> Any:
        """Count the refused tokens that have not expired.

        Operation $: the first value of the first row, or None.
        """

    async def delete_expired_tokens(self, connection: Connection, /) -> int:
        """Delete some of the refused tokens that have expired.

        Operation !: the number of rows changed.
        """

    async def delete_expired_revocations(self, connection: Connection, /) -> int:
        """Delete some of the revocations that are of no use any more.

        Operation !: the number of rows changed.
        """

    async def save_session(self, connection: Connection, /) -> int:
        """Store a session; of one that is there only the counter is refreshed, and never falls.

        Operation !: the number of rows changed.
        """

    async def update_actions(self, connection: Connection, /) -> int:
        """Set the counter of a session that has not ended.

        Operation !: the number of rows changed.
        """

    async def end_session(self, connection: Connection, /) -> int:
        """End a session that has not ended.

        Operation !: the number of rows changed.
        """

    async def get_session(self, connection: Connection, /) -> GetSessionRow | None:
        """Return a session.

        Operation ^: the first row, or None.
        """

    def list_active_sessions(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListActiveSessionsRow]:
        """List the sessions that have neither ended nor expired, the newest first.

        Operation (none): every row.
        """

    def list_active_sessions_of_admin(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListActiveSessionsOfAdminRow]:
        """List the sessions of an administrator that have neither ended nor expired, the newest
        first.

        Operation (none): every row.
        """

    def list_sessions_of_admin(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListSessionsOfAdminRow]:
        """List the sessions of an administrator, the newest first, from a place on.

        Operation (none): every row.
        """

    async def end_expired_sessions(self, connection: Connection, /) -> int:
        """End some of the sessions that have expired.

        Operation !: the number of rows changed.
        """

    async def delete_ended_sessions(self, connection: Connection, /) -> int:
        """Delete some of the sessions that ended before a time.

        Operation !: the number of rows changed.
        """

    async def insert_audit(self, connection: Connection, /) -> int:
        """Store an entry, unless there is one of this identifier.

        Operation !: the number of rows changed.
        """

    def list_audit(self, connection: Connection, /) -> AsyncIterator[ListAuditRow]:
        """List entries, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_session(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListAuditOfSessionRow]:
        """List the entries of a session, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_target(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListAuditOfTargetRow]:
        """List the entries about a user, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_audit_of_admin(self, connection: Connection, /) -> AsyncIterator[ListAuditOfAdminRow]:
        """List the entries of an administrator, the newest first, from a place on.

        Operation (none): every row.
        """

    async def delete_audit(self, connection: Connection, /) -> int:
        """Delete some of the entries that are older than a time.

        Operation !: the number of rows changed.
        """
