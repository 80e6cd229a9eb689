"""The types of the queries of the store gmail.

Made by ``aragora-sql stubs`` from
``sql/postgres/gmail/queries.sql`` and ``sql/sqlite/gmail/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypedDict

from aragora_sql.database import Connection

StatusWord = Literal[
    "running",
    "completed",
    "failed",
    "cancelled",
]

class GetTokensRow(TypedDict):
    """A row of get_tokens, list_tokens, list_tokens_of_org, take_refresh, finish_refresh."""

    user_id: str
    org_id: str | None
    email_address: str | None
    access_token: str | None
    refresh_token: str | None
    token_expiry: datetime | None
    token_version: int
    history_id: str | None
    last_sync: datetime | None
    indexed_count: int
    total_count: int
    connected_at: datetime | None
    created_at: datetime
    updated_at: datetime

class SaveTokensRow(TypedDict):
    """A row of save_tokens, change_tokens."""

    org_id: str | None
    token_version: int
    created_at: datetime

class SaveTokensParameters(TypedDict):
    """One set of parameters of save_tokens."""

    user_id: str
    org_id: str | None
    email_address: str | None
    access_token: str | None
    refresh_token: str | None
    token_expiry: datetime | None
    history_id: str | None
    last_sync: datetime | None
    indexed_count: int
    total_count: int
    connected_at: datetime | None
    created_at: datetime
    updated_at: datetime

class GetVersionRow(TypedDict):
    """A row of get_version."""

    token_version: int
    refreshing: bool

class GetRefreshRow(TypedDict):
    """A row of get_refresh."""

    user_id: str
    org_id: str | None
    email_address: str | None
    access_token: str | None
    refresh_token: str | None
    token_expiry: datetime | None
    token_version: int
    history_id: str | None
    last_sync: datetime | None
    indexed_count: int
    total_count: int
    connected_at: datetime | None
    created_at: datetime
    updated_at: datetime
    due: bool
    refreshing: bool

class GmailSyncJobRow(TypedDict):
    """A row of get_sync_job."""

    user_id: str
    status: StatusWord
    progress: int
    messages_synced: int
    started_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    error: str | None

class SaveSyncJobParameters(TypedDict):
    """One set of parameters of save_sync_job."""

    user_id: str
    status: StatusWord
    progress: int
    messages_synced: int
    started_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    error: str | None

class ListSecretsRow(TypedDict):
    """A row of list_secrets, lock_secrets."""

    user_id: str
    access_token: str | None
    refresh_token: str | None

class SetSecretsParameters(TypedDict):
    """One set of parameters of set_secrets."""

    user_id: str
    access_token: str | None
    refresh_token: str | None

class GmailQueries(Protocol):
    """The queries of the store gmail."""

    async def get_tokens(self, connection: Connection, /, *, user_id: str) -> GetTokensRow | None:
        """Return a user's mailbox.

        Operation ^: the first row, or None.
        """

    async def save_tokens(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str | None,
        email_address: str | None,
        access_token: str | None,
        refresh_token: str | None,
        token_expiry: datetime | None,
        history_id: str | None,
        last_sync: datetime | None,
        indexed_count: int,
        total_count: int,
        connected_at: datetime | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> SaveTokensRow:
        """Store a mailbox, whatever is there. Of one that is there, creation and organization
        stay; who refreshes its tokens does so in vain.

        Operation ^: the first row, or None.
        """

    async def change_tokens(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str | None,
        email_address: str | None,
        access_token: str | None,
        refresh_token: str | None,
        token_expiry: datetime | None,
        history_id: str | None,
        last_sync: datetime | None,
        indexed_count: int,
        total_count: int,
        connected_at: datetime | None,
        updated_at: datetime,
        expected_version: int,
    ) -> SaveTokensRow | None:
        """Store a mailbox again, if its tokens are of the version that was read and nobody
        refreshes them.

        Operation ^: the first row, or None.
        """

    async def get_version(self, connection: Connection, /, *, user_id: str) -> GetVersionRow | None:
        """Return the version of a user's tokens, and whether somebody refreshes them.

        Operation ^: the first row, or None.
        """

    async def delete_tokens(self, connection: Connection, /, *, user_id: str) -> int:
        """Delete a user's mailbox, and its sync job with it.

        Operation !: the number of rows changed.
        """

    def list_tokens(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[GetTokensRow]:
        """List the mailboxes by user, from a place on.

        Operation (none): every row.
        """

    def list_tokens_of_org(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[GetTokensRow]:
        """List the mailboxes of an organization by user, from a place on.

        Operation (none): every row.
        """

    async def record_sync(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        history_id: str | None,
        added: int,
        total_count: int | None,
        last_sync: datetime | None,
        updated_at: datetime,
    ) -> int:
        """Store how far a mailbox was read, and add to the number of indexed messages.

        Operation !: the number of rows changed.
        """

    async def take_refresh(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        holder: str | None,
        lease_seconds: float,
        known_version: int,
    ) -> GetTokensRow | None:
        """Take the lease to refresh tokens of a version, unless another one has it.

        Operation ^: the first row, or None.
        """

    async def get_refresh(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        known_version: int | None,
        margin_seconds: float,
    ) -> GetRefreshRow | None:
        """Return a user's mailbox, whether its tokens are due to be refreshed (those of a known
        version, or whose access token expires soon), and whether somebody does.

        Operation ^: the first row, or None.
        """

    async def finish_refresh(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        holder: str,
        access_token: str | None,
        refresh_token: str | None,
        token_expiry: datetime | None,
        updated_at: datetime,
    ) -> GetTokensRow | None:
        """Store refreshed tokens and end the lease, if it is still the holder's.

        Operation ^: the first row, or None.
        """

    async def end_refresh(self, connection: Connection, /, *, user_id: str, holder: str) -> int:
        """End the lease of a holder who could not refresh the tokens.

        Operation !: the number of rows changed.
        """

    async def get_sync_job(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
    ) -> GmailSyncJobRow | None:
        """Return the sync job of a user.

        Operation ^: the first row, or None.
        """

    async def save_sync_job(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        status: StatusWord,
        progress: int,
        messages_synced: int,
        started_at: datetime | None,
        completed_at: datetime | None,
        failed_at: datetime | None,
        error: str | None,
    ) -> int:
        """Store the sync job of a user, whatever was there.

        Operation !: the number of rows changed.
        """

    async def delete_sync_job(self, connection: Connection, /, *, user_id: str) -> int:
        """Delete the sync job of a user.

        Operation !: the number of rows changed.
        """

    async def count_tokens(self, connection: Connection, /) -> int:
        """Count all mailboxes.

        Operation $: the first value of the first row, or None.
        """

    def list_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """List encrypted tokens by user, from a place on.

        Operation (none): every row.
        """

    def lock_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """Take a page of encrypted tokens for encrypting them again.

        Operation (none): every row.
        """

    async def set_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetSecretsParameters],
        /,
    ) -> int:
        """Replace encrypted tokens by the same ones, encrypted again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """
