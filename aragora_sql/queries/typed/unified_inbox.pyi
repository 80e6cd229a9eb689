"""The types of the queries of the store unified_inbox.

Made by ``aragora-sql stubs`` from
``sql/postgres/unified_inbox/queries.sql`` and ``sql/sqlite/unified_inbox/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

PriorityTierWord = Literal[
    "critical",
    "high",
    "medium",
    "low",
]

ProviderWord = Literal[
    "gmail",
    "outlook",
]

RecommendedActionWord = Literal[
    "respond_urgent",
    "respond_normal",
    "delegate",
    "schedule",
    "archive",
    "delete",
    "flag",
    "defer",
]

StatusWord = Literal[
    "pending",
    "connected",
    "syncing",
    "error",
    "disconnected",
]

TriageActionWord = Literal[
    "respond_urgent",
    "respond_normal",
    "delegate",
    "schedule",
    "archive",
    "delete",
    "flag",
    "defer",
]

class SaveAccountParameters(TypedDict):
    """One set of parameters of save_account."""

    tenant_id: str
    account_id: str
    provider: ProviderWord
    email_address: str
    email_key: str
    display_name: str
    status: StatusWord
    connected_at: datetime | None
    last_sync: datetime | None
    total_messages: int
    unread_count: int
    sync_errors: int
    metadata: Any

class InboxAccountRow(TypedDict):
    """A row of get_account, list_accounts, hold_account."""

    tenant_id: str
    account_id: str
    provider: ProviderWord
    email_address: str
    display_name: str
    status: StatusWord
    connected_at: datetime | None
    last_sync: datetime | None
    total_messages: int
    unread_count: int
    sync_errors: int
    metadata: Any

class InsertMessageParameters(TypedDict):
    """One set of parameters of insert_message."""

    tenant_id: str
    message_id: str
    account_id: str
    provider: ProviderWord
    external_id: str
    subject: str | None
    sender_email: str | None
    sender_name: str | None
    recipients: Any
    cc: Any
    received_at: datetime
    snippet: str | None
    body_preview: str | None
    is_read: bool
    is_starred: bool
    has_attachments: bool
    labels: Any
    thread_id: str | None
    priority_score: float
    priority_tier: PriorityTierWord
    priority_reasons: Any
    triage_action: TriageActionWord | None
    triage_rationale: str | None
    created_at: datetime
    updated_at: datetime
    search_terms: str

class InboxMessageRow(TypedDict):
    """A row of hold_message, get_message, list_messages, list_unread_messages, find_messages,
    list_account_messages."""

    tenant_id: str
    message_id: str
    account_id: str
    provider: ProviderWord
    external_id: str
    subject: str | None
    sender_email: str | None
    sender_name: str | None
    recipients: Any
    cc: Any
    received_at: datetime
    snippet: str | None
    body_preview: str | None
    is_read: bool
    is_starred: bool
    has_attachments: bool
    labels: Any
    thread_id: str | None
    priority_score: float
    priority_tier: PriorityTierWord
    priority_reasons: Any
    triage_action: TriageActionWord | None
    triage_rationale: str | None
    created_at: datetime
    updated_at: datetime

class DeleteMessageRow(TypedDict):
    """A row of delete_message."""

    account_id: str
    is_read: bool

class SaveTriageResultParameters(TypedDict):
    """One set of parameters of save_triage_result."""

    tenant_id: str
    message_id: str
    recommended_action: RecommendedActionWord
    confidence: float
    rationale: str | None
    suggested_response: str | None
    delegate_to: str | None
    schedule_for: datetime | None
    agents: Any
    debate_summary: str | None
    created_at: datetime

class TriageResultRow(TypedDict):
    """A row of get_triage_result."""

    tenant_id: str
    message_id: str
    recommended_action: RecommendedActionWord
    confidence: float
    rationale: str | None
    suggested_response: str | None
    delegate_to: str | None
    schedule_for: datetime | None
    agents: Any
    debate_summary: str | None
    created_at: datetime

class UnifiedInboxQueries(Protocol):
    """The queries of the store unified_inbox."""

    async def save_account(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        provider: ProviderWord,
        email_address: str,
        email_key: str,
        display_name: str,
        status: StatusWord,
        connected_at: datetime | None,
        last_sync: datetime | None,
        total_messages: int,
        unread_count: int,
        sync_errors: int,
        metadata: Any,
    ) -> int:
        """Store an account, or replace the one of its id. The counts of a stored one stay.

        Operation !: the number of rows changed.
        """

    async def get_account(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
    ) -> InboxAccountRow | None:
        """Return an account.

        Operation ^: the first row, or None.
        """

    def list_accounts(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxAccountRow]:
        """List the accounts of a tenant, the last connected first, those that were never connected
        last, from

        a place on.

        Operation (none): every row.
        """

    async def delete_account(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
    ) -> int:
        """Delete an account with its messages and what is advised of them.

        Operation !: the number of rows changed.
        """

    async def hold_account(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
    ) -> InboxAccountRow | None:
        """Return an account, and hold it until the transaction ends.

        Operation ^: the first row, or None.
        """

    async def hold_account_of(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
    ) -> str | None:
        """Return the account of a message, and hold it until the transaction ends.

        Operation $: the first value of the first row, or None.
        """

    async def change_account(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        provider: ProviderWord,
        email_address: str,
        email_key: str,
        display_name: str,
        status: StatusWord,
        connected_at: datetime | None,
        last_sync: datetime | None,
        total_messages: int,
        unread_count: int,
        sync_errors: int,
        metadata: Any,
    ) -> int:
        """Change an account, also its counts.

        Operation !: the number of rows changed.
        """

    async def add_counts(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        total_delta: int,
        unread_delta: int,
        sync_error_delta: int,
    ) -> int:
        """Add to the counts of an account; none becomes less than 0 or more than 2147483647.

        Operation !: the number of rows changed.
        """

    async def recount_messages(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
    ) -> int:
        """Let the counts of an account be the numbers of its messages.

        Operation !: the number of rows changed.
        """

    async def insert_message(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
        account_id: str,
        provider: ProviderWord,
        external_id: str,
        subject: str | None,
        sender_email: str | None,
        sender_name: str | None,
        recipients: Any,
        cc: Any,
        received_at: datetime,
        snippet: str | None,
        body_preview: str | None,
        is_read: bool,
        is_starred: bool,
        has_attachments: bool,
        labels: Any,
        thread_id: str | None,
        priority_score: float,
        priority_tier: PriorityTierWord,
        priority_reasons: Any,
        triage_action: TriageActionWord | None,
        triage_rationale: str | None,
        created_at: datetime,
        updated_at: datetime,
        search_terms: str,
    ) -> str | None:
        """Store a message, unless there is one of the provider's id, and return its id.

        Operation $: the first value of the first row, or None.
        """

    async def hold_message(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        external_id: str,
    ) -> InboxMessageRow | None:
        """Return the message of a provider's id, and hold it until the transaction ends.

        Operation ^: the first row, or None.
        """

    async def update_message(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        external_id: str,
        provider: ProviderWord,
        subject: str | None,
        sender_email: str | None,
        sender_name: str | None,
        recipients: Any,
        cc: Any,
        received_at: datetime,
        snippet: str | None,
        body_preview: str | None,
        is_starred: bool,
        has_attachments: bool,
        labels: Any,
        thread_id: str | None,
        priority_score: float,
        priority_tier: PriorityTierWord,
        priority_reasons: Any,
        triage_action: TriageActionWord | None,
        triage_rationale: str | None,
        updated_at: datetime,
        search_terms: str,
    ) -> int:
        """Change the message of a provider's id but for whether it was read.

        Operation !: the number of rows changed.
        """

    async def set_read(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
        is_read: bool,
        updated_at: datetime,
    ) -> str | None:
        """Mark a message as read or unread, and return its account; nothing when it is so already.

        Operation $: the first value of the first row, or None.
        """

    async def set_starred(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
        is_starred: bool | None,
        updated_at: datetime,
    ) -> int:
        """Star a message, or not; NULL leaves it as it is.

        Operation !: the number of rows changed.
        """

    async def set_triage(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
        triage_action: TriageActionWord | None,
        triage_rationale: str | None,
        updated_at: datetime,
    ) -> int:
        """Keep what is to be done with a message.

        Operation !: the number of rows changed.
        """

    async def delete_message(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
    ) -> DeleteMessageRow | None:
        """Delete a message with what is advised of it, and return its account and whether it was
        read.

        Operation ^: the first row, or None.
        """

    async def get_message(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
    ) -> InboxMessageRow | None:
        """Return a message.

        Operation ^: the first row, or None.
        """

    def list_messages(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str | None,
        priority_tier: PriorityTierWord | None,
        after_score: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxMessageRow]:
        """List the messages, of one account and tier or of all, the most urgent first, from a
        place on.

        Operation (none): every row.
        """

    def list_unread_messages(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str | None,
        priority_tier: PriorityTierWord | None,
        after_score: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxMessageRow]:
        """List the unread messages, of one account and tier or of all, the most urgent first, from
        a place on.

        Operation (none): every row.
        """

    def find_messages(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        tenant_id: str,
        account_id: str | None,
        priority_tier: PriorityTierWord | None,
        unread_only: bool,
        after_score: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxMessageRow]:
        """List the messages that a search finds, of one account and tier or of all, the most
        urgent first, from

        a place on.

        Operation (none): every row.
        """

    def list_account_messages(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str,
        priority_tier: PriorityTierWord | None,
        unread_only: bool,
        after_score: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxMessageRow]:
        """List the messages of an account, of one tier or of all, the most urgent first, from a
        place on.

        Operation (none): every row.
        """

    async def count_messages(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        account_id: str | None,
        priority_tier: PriorityTierWord | None,
        unread_only: bool,
    ) -> int:
        """Count the messages of a tenant, of one account and tier or of all.

        Operation $: the first value of the first row, or None.
        """

    async def count_found_messages(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        tenant_id: str,
        account_id: str | None,
        priority_tier: PriorityTierWord | None,
        unread_only: bool,
    ) -> int:
        """Count the messages that a search finds, of one account and tier or of all.

        Operation $: the first value of the first row, or None.
        """

    async def save_triage_result(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
        recommended_action: RecommendedActionWord,
        confidence: float,
        rationale: str | None,
        suggested_response: str | None,
        delegate_to: str | None,
        schedule_for: datetime | None,
        agents: Any,
        debate_summary: str | None,
        created_at: datetime,
    ) -> int:
        """Store what is advised to do with a message, or replace it.

        Operation !: the number of rows changed.
        """

    async def get_triage_result(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        message_id: str,
    ) -> TriageResultRow | None:
        """Return what is advised to do with a message.

        Operation ^: the first row, or None.
        """
