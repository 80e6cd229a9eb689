"""Sharing: links to debates; :mod:`~aragora_sql.stores.sharing.receipts` has those to receipts.

Its queries: ``sql/postgres/sharing/queries.sql`` and ``sql/sqlite/sharing/queries.sql``.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.errors import ShareNotFoundError, SharePasswordError, TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import CleanupTurns, in_batches
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.sharing.passwords import checked_password, hash_password, is_password
from aragora_sql.stores.sharing.receipts import ReceiptShareStore
from aragora_sql.stores.sharing.records import (
    VISIBILITIES,
    ShareLink,
    ShareStatistics,
    Visibility,
)
from aragora_sql.stores.tokens import new_token, token_hash

if TYPE_CHECKING:
    from aragora_sql.queries.typed.sharing import SharingQueries

__all__ = ["SharingStore"]

BATCH = 1000


class SharingStore(Store):
    """Keeps how debates are shared: with whom, and by which link; ``receipts`` has other links.

    Of the token of a link only its SHA-256 is stored, of a password its Argon2id hash. Whether
    something is over is told by the clock of the database. What is over is deleted by
    :meth:`cleanup_expired`, which :meth:`save` calls every five minutes at most.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "sharing"
    _queries: SharingQueries

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._cleanup_turns = CleanupTurns()

    @cached_property
    def receipts(self) -> ReceiptShareStore:
        """The links to receipts, in the same database."""
        return ReceiptShareStore(self._database)

    async def save(
        self,
        debate_id: str,
        visibility: Visibility = "private",
        *,
        owner_id: str | None = None,
        org_id: str | None = None,
        expires_at: datetime | None = None,
        allow_comments: bool = False,
        allow_forking: bool = False,
        max_uses: int | None = None,
    ) -> ShareLink:
        """Store how a debate is shared, or change it, and return it.

        ``visibility`` is ``private``, ``team`` or ``public``. ``owner_id`` stays when
        none is given, and so do ``org_id``, token, password and counters.
        ``expires_at`` and ``max_uses`` (1 or more) are None for no limit. There is no link before
        :meth:`issue_token`. Raises
        :class:`~aragora_sql.errors.TenantMismatchError` for a debate of another organization,
        or with ``org_id`` of none.
        """
        row: dict[str, Any] = {
            "debate_id": valid.key(debate_id, "debate_id"),
            "visibility": valid.choice(visibility, "visibility", VISIBILITIES),
            "owner_id": valid.optional(owner_id, "owner_id", valid.key),
            "org_id": valid.optional(org_id, "org_id", valid.key),
            "expires_at": valid.optional(expires_at, "expires_at", valid.timestamp),
            "allow_comments": valid.boolean(allow_comments, "allow_comments"),
            "allow_forking": valid.boolean(allow_forking, "allow_forking"),
            "max_uses": valid.optional(
                max_uses, "max_uses", lambda v, a: valid.integer(v, a, least=1)
            ),
        }
        async with self._database.connection() as connection:
            saved = await self._queries.save_link(connection, **row)
        if saved is None:
            raise TenantMismatchError(row["debate_id"], "org_id")
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()
        return record_of(ShareLink, **saved)

    async def issue_token(self, debate_id: str) -> str:
        """Make a new link to a debate and return its token, which can't be had again.

        The token before it opens nothing any more, and uses count from 0 again. Raises
        :class:`~aragora_sql.errors.ShareNotFoundError` before :meth:`save`.
        """
        key = valid.key(debate_id, "debate_id")
        token = new_token()
        async with self._database.connection() as connection:
            if await self._queries.set_token(
                connection, debate_id=key, token_hash=token_hash(token, "token")
            ):
                return token
        raise ShareNotFoundError(key)

    async def revoke_token(self, debate_id: str) -> bool:
        """Take the link of a debate away; False when it has none. All else stays."""
        key = valid.text(debate_id, "debate_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.revoke_token(connection, debate_id=key))

    async def set_password(self, debate_id: str, password: str | None) -> None:
        """Let the link of a debate ask for a password; None: for none.

        Needs the extra ``passwords``: :class:`~aragora_sql.errors.ConfigurationError` says so.
        Raises :class:`~aragora_sql.errors.ShareNotFoundError` before :meth:`save`.
        """
        key = valid.key(debate_id, "debate_id")
        hashed = None if password is None else await hash_password(checked_password(password))
        async with self._database.connection() as connection:
            if await self._queries.set_password(connection, debate_id=key, password_hash=hashed):
                return
        raise ShareNotFoundError(key)

    async def redeem(self, token: str, password: str | None = None) -> ShareLink | None:
        """Open a link once, and return what it opens with this use counted; None: it does not open.

        That is when there is none of this token, it is over, or was opened ``max_uses`` times.
        Counting is one statement: of two calls at once that want the last use, one gets it. Raises
        :class:`~aragora_sql.errors.SharePasswordError`, and counts nothing, when it asks for a
        password and this is not it. How often somebody may guess is for the application to limit.
        """
        hashed = token_hash(token, "token")
        given = valid.optional(password, "password", lambda v, _: checked_password(v))
        verified = None
        if given is not None:
            verified = await self._password_hash(hashed)
            if verified is not None and not await is_password(given, verified):
                raise SharePasswordError(is_given=True)
        async with self._database.connection() as connection:
            row = await self._queries.redeem_link(
                connection, token_hash=hashed, password_hash=verified
            )
        if row is not None:
            return record_of(ShareLink, **row)
        # It may ask for a password, or for another one by now.
        if await self._password_hash(hashed) != verified:
            raise SharePasswordError(is_given=given is not None)
        return None

    async def get(self, debate_id: str, *, include_expired: bool = False) -> ShareLink | None:
        """Return how a debate is shared; None when it is not, or that is over."""
        key = valid.text(debate_id, "debate_id")
        also_expired = valid.boolean(include_expired, "include_expired")
        async with self._database.read() as connection:
            row = await self._queries.get_link(
                connection, debate_id=key, include_expired=also_expired
            )
        return None if row is None else record_of(ShareLink, **row)

    async def get_by_token(self, token: str) -> ShareLink | None:
        """Return how the debate of a link is shared, without counting; None when that is over.

        To let somebody in is for :meth:`redeem`, which looks at limits and the password as well.
        """
        hashed = token_hash(token, "token")
        async with self._database.read() as connection:
            row = await self._queries.get_link_by_token(connection, token_hash=hashed)
        return None if row is None else record_of(ShareLink, **row)

    async def list_by_owner(
        self, owner_id: str, limit: int = 100, *, after: LastRow | None = None
    ) -> list[ShareLink]:
        """Return a page of what a user shares, newest first, also of what is over.

        ``after`` is the last one of the page before.
        """
        owner = valid.text(owner_id, "owner_id")
        row_limit = valid.limit(limit)
        timestamp, last = _place(after)
        async with self._database.read() as connection:
            rows = self._queries.list_links_of_owner(
                connection,
                owner_id=owner,
                after_timestamp=timestamp,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(ShareLink, **row) async for row in rows]

    async def list_by_org(
        self,
        org_id: str,
        visibility: Visibility,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[ShareLink]:
        """Return a page of what an organization shares with the same people, newest first.

        Also what is over. ``after`` is the last one of the page before.
        """
        organization = valid.text(org_id, "org_id")
        people = valid.choice(visibility, "visibility", VISIBILITIES)
        row_limit = valid.limit(limit)
        timestamp, last = _place(after)
        async with self._database.read() as connection:
            rows = self._queries.list_links_of_org(
                connection,
                org_id=organization,
                visibility=people,
                after_timestamp=timestamp,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(ShareLink, **row) async for row in rows]

    async def delete(self, debate_id: str) -> bool:
        """Share a debate no more; False when it is not shared."""
        key = valid.text(debate_id, "debate_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_link(connection, debate_id=key))

    async def increment_view_count(self, debate_id: str) -> bool:
        """Count that a debate was seen; False when it is not shared."""
        key = valid.text(debate_id, "debate_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.count_view(connection, debate_id=key))

    async def cleanup_expired(self) -> int:
        """Delete what is over, in small transactions, and return how many there were."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_links(connection, row_limit=BATCH)

        return await in_batches(batch)

    async def get_stats(self) -> ShareStatistics:
        """Return counts of all that is shared."""
        async with self._database.read() as connection:
            row = await self._queries.get_link_statistics(connection)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        return {
            "total": row["total"],
            "by_visibility": {
                "private": row["private_links"],
                "team": row["team_links"],
                "public": row["public_links"],
            },
            "with_tokens": row["with_tokens"],
            "expired": row["expired"],
            "total_views": row["total_views"],
        }

    async def _password_hash(self, hashed: str) -> str | None:
        async with self._database.read() as connection:
            return await self._queries.get_password_hash(connection, token_hash=hashed)


def _place(after: LastRow | None) -> tuple[datetime, str]:
    timestamp, last = key_of(
        after,
        {"created_at": valid.timestamp_or_text, "debate_id": valid.text},
        (LAST_TIMESTAMP, ""),
    )
    return timestamp, last
