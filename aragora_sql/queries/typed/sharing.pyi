"""The types of the queries of the store sharing.

Made by ``aragora-sql stubs`` from
``sql/postgres/sharing/queries.sql`` and ``sql/sqlite/sharing/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol, TypedDict

from aragora_sql.database import Connection

VisibilityWord = Literal[
    "private",
    "team",
    "public",
]

class ShareLinkRow(TypedDict):
    """A row of save_link, get_link, get_link_by_token, redeem_link, list_links_of_owner,
    list_links_of_org."""

    debate_id: str
    is_linked: bool
    asks_password: bool
    visibility: VisibilityWord
    owner_id: str | None
    org_id: str | None
    created_at: datetime
    expires_at: datetime | None
    allow_comments: bool
    allow_forking: bool
    max_uses: int | None
    use_count: int
    view_count: int
    last_viewed_at: datetime | None

class SaveLinkParameters(TypedDict):
    """One set of parameters of save_link."""

    debate_id: str
    visibility: VisibilityWord
    owner_id: str | None
    org_id: str | None
    expires_at: datetime | None
    allow_comments: bool
    allow_forking: bool
    max_uses: int | None

class GetLinkStatisticsRow(TypedDict):
    """A row of get_link_statistics."""

    total: int
    private_links: int
    team_links: int
    public_links: int
    with_tokens: int
    expired: int
    total_views: int

class SaveReceiptShareParameters(TypedDict):
    """One set of parameters of save_receipt_share."""

    token_hash: str
    receipt_id: str
    expires_at: datetime
    max_accesses: int | None
    created_by: str | None

class ReceiptShareRow(TypedDict):
    """A row of redeem_receipt_share, get_receipt_share, list_receipt_shares."""

    token_hash: str
    receipt_id: str
    created_at: datetime
    expires_at: datetime
    max_accesses: int | None
    access_count: int
    created_by: str | None

class SharingQueries(Protocol):
    """The queries of the store sharing."""

    async def save_link(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        visibility: VisibilityWord,
        owner_id: str | None,
        org_id: str | None,
        expires_at: datetime | None,
        allow_comments: bool,
        allow_forking: bool,
        max_uses: int | None,
    ) -> ShareLinkRow | None:
        """Store how a debate is shared, or change it; its organization stays, and its owner unless

        another is given. What is another organization's or none's stays as it is.

        Operation ^: the first row, or None.
        """

    async def set_token(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        token_hash: str | None,
    ) -> int:
        """Give a debate a new link; the one before it opens no more.

        Operation !: the number of rows changed.
        """

    async def revoke_token(self, connection: Connection, /, *, debate_id: str) -> int:
        """Take the link of a debate away, where it has one.

        Operation !: the number of rows changed.
        """

    async def set_password(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        password_hash: str | None,
    ) -> int:
        """Set the hash of the password that the link of a debate asks for; NULL for none.

        Operation !: the number of rows changed.
        """

    async def get_link(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        include_expired: bool,
    ) -> ShareLinkRow | None:
        """Return how a debate is shared, unless that is over.

        Operation ^: the first row, or None.
        """

    async def get_link_by_token(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
    ) -> ShareLinkRow | None:
        """Return how the debate of a link is shared, unless that is over.

        Operation ^: the first row, or None.
        """

    async def get_password_hash(self, connection: Connection, /, *, token_hash: str) -> str | None:
        """Return the hash of the password that a link asks for, of one that opens.

        Operation $: the first value of the first row, or None.
        """

    async def redeem_link(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
        password_hash: str | None,
    ) -> ShareLinkRow | None:
        """Open a link once, unless it is over, was opened as often as it may, or asks for another
        password

        than that whose hash was verified (NULL: none was).

        Operation ^: the first row, or None.
        """

    async def count_view(self, connection: Connection, /, *, debate_id: str) -> int:
        """Count that a debate was seen.

        Operation !: the number of rows changed.
        """

    async def delete_link(self, connection: Connection, /, *, debate_id: str) -> int:
        """Delete how a debate is shared, and with it its link.

        Operation !: the number of rows changed.
        """

    def list_links_of_owner(
        self,
        connection: Connection,
        /,
        *,
        owner_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ShareLinkRow]:
        """List what a user shares, newest first, from a place on, also what is over.

        Operation (none): every row.
        """

    def list_links_of_org(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        visibility: VisibilityWord,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ShareLinkRow]:
        """List what an organization shares with the same people, newest first, from a place on,
        also what is

        over.

        Operation (none): every row.
        """

    async def get_link_statistics(self, connection: Connection, /) -> GetLinkStatisticsRow:
        """Count what is shared, with whom, what of it has a link or is over, and how often it was
        seen.

        Operation ^: the first row, or None.
        """

    async def delete_expired_links(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of what is over.

        Operation !: the number of rows changed.
        """

    async def save_receipt_share(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
        receipt_id: str,
        expires_at: datetime,
        max_accesses: int | None,
        created_by: str | None,
    ) -> int:
        """Store a link to a receipt; one of the same token is replaced and counts from 0 again.

        Operation !: the number of rows changed.
        """

    async def redeem_receipt_share(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
    ) -> ReceiptShareRow | None:
        """Open a link to a receipt once, unless it is over or was opened as often as it may.

        Operation ^: the first row, or None.
        """

    async def get_receipt_share(
        self,
        connection: Connection,
        /,
        *,
        token_hash: str,
    ) -> ReceiptShareRow | None:
        """Return a link to a receipt, unless it is over.

        Operation ^: the first row, or None.
        """

    def list_receipt_shares(
        self,
        connection: Connection,
        /,
        *,
        receipt_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReceiptShareRow]:
        """List the links to a receipt, newest first, from a place on, also those that are over.

        Operation (none): every row.
        """

    async def delete_receipt_share(self, connection: Connection, /, *, token_hash: str) -> int:
        """Delete a link to a receipt.

        Operation !: the number of rows changed.
        """

    async def delete_shares_of_receipt(self, connection: Connection, /, *, receipt_id: str) -> int:
        """Delete all links to a receipt.

        Operation !: the number of rows changed.
        """

    async def delete_expired_receipt_shares(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> int:
        """Delete some of the links to receipts that are over.

        Operation !: the number of rows changed.
        """
