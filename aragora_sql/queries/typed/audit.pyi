"""The types of the queries of the store audit.

Made by ``aragora-sql stubs`` from
``sql/postgres/audit/queries.sql`` and ``sql/sqlite/audit/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

OriginWord = Literal[
    "appended",
    "audit_logs",
    "audit_events",
]

class InsertEventParameters(TypedDict):
    """One set of parameters of insert_event."""

    timestamp: datetime
    user_id: str | None
    org_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    old_value: Any
    new_value: Any
    metadata: Any
    ip_address: str | None
    user_agent: str | None

class AuditEventRow(TypedDict):
    """A row of list_events, list_events_of_user, list_events_of_org, list_events_of_action,
    list_events_of_resource, list_events_of_prefixes."""

    id: int
    timestamp: datetime
    user_id: str | None
    org_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    old_value: Any
    new_value: Any
    metadata: Any
    ip_address: str | None
    user_agent: str | None

class CreateChainParameters(TypedDict):
    """One set of parameters of create_chain."""

    chain: str
    last_hash: str
    created_at: datetime

class AuditChainRow(TypedDict):
    """A row of get_chain, list_chains, lock_chain."""

    chain: str
    origin: OriginWord
    last_sequence: int
    last_hash: str
    last_timestamp: datetime | None
    first_broken_sequence: int | None
    broken_reason: str | None
    created_at: datetime

class AuditEntryRow(TypedDict):
    """A row of get_entry, get_entry_by_sequence, get_last_entry, page_entries, page_time,
    list_entries, list_entries_of_actors, list_entries_of_resources."""

    chain: str
    sequence_number: int
    id: str
    timestamp: datetime
    timestamp_text: str | None
    event_type: str
    actor: str
    actor_type: str
    resource_type: str
    resource_id: str
    action: str
    details_text: str
    correlation_id: str | None
    workspace_id: str | None
    ip_address: str | None
    user_agent: str | None
    previous_hash: str
    entry_hash: str
    hash_version: int
    signature: str | None
    signature_key_id: str | None

class PageHashedRow(TypedDict):
    """A row of page_hashed."""

    chain: str
    sequence_number: int
    id: str
    utc_text: str
    timestamp_text: str | None
    event_type: str
    actor: str
    actor_type: str
    resource_type: str
    resource_id: str
    action: str
    details_text: str
    correlation_id: str | None
    workspace_id: str | None
    ip_address: str | None
    user_agent: str | None
    previous_hash: str
    entry_hash: str
    hash_version: int
    signature: str | None
    signature_key_id: str | None

class PageHashesRow(TypedDict):
    """A row of page_hashes."""

    sequence_number: int
    id: str
    entry_hash: str

class GetRangeRow(TypedDict):
    """A row of get_range."""

    first_sequence: int | None
    last_sequence: int | None
    entry_count: int

class InsertAnchorParameters(TypedDict):
    """One set of parameters of insert_anchor."""

    chain: str
    anchor_date: str
    first_sequence: int
    last_sequence: int
    entry_count: int
    merkle_root: str
    chain_hash: str
    tree_version: int
    created_at: datetime

class DailyAnchorRow(TypedDict):
    """A row of get_anchor, list_anchors."""

    chain: str
    date: str
    first_sequence: int
    last_sequence: int
    entry_count: int
    merkle_root: str
    chain_hash: str
    tree_version: int
    created_at: datetime

class AuditQueries(Protocol):
    """The queries of the store audit."""

    async def insert_event(
        self,
        connection: Connection,
        /,
        *,
        timestamp: datetime,
        user_id: str | None,
        org_id: str | None,
        action: str,
        resource_type: str,
        resource_id: str | None,
        old_value: Any,
        new_value: Any,
        metadata: Any,
        ip_address: str | None,
        user_agent: str | None,
    ) -> int:
        """Store an event and return its number.

        Operation $: the first value of the first row, or None.
        """

    def list_events(
        self,
        connection: Connection,
        /,
        *,
        resource_type: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List events, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_user(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        org_id: str | None,
        action: str | None,
        prefixes: Any,
        resource_type: str | None,
        resource_id: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List the events of a user, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_org(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        action: str | None,
        prefixes: Any,
        resource_type: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List the events of an organization, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_action(
        self,
        connection: Connection,
        /,
        *,
        action: str,
        resource_type: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List the events of an action, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_resource(
        self,
        connection: Connection,
        /,
        *,
        resource_type: str,
        resource_id: str,
        org_id: str | None,
        action: str | None,
        prefixes: Any,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List the events of a resource, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_prefixes(
        self,
        connection: Connection,
        /,
        *,
        prefixes: Any,
        resource_type: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEventRow]:
        """List the events whose action begins with one of some prefixes, the newest first, from a
        place on.

        The actions are looked up one by one along the index; of each the newest events are taken.

        Operation (none): every row.
        """

    async def count_events(
        self,
        connection: Connection,
        /,
        *,
        user_id: str | None,
        org_id: str | None,
        action: str | None,
        prefixes: Any,
        resource_type: str | None,
        resource_id: str | None,
        since: datetime,
        until: datetime,
    ) -> int:
        """Count events.

        Operation $: the first value of the first row, or None.
        """

    async def delete_events(
        self,
        connection: Connection,
        /,
        *,
        older_than: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the events that are older than a time, the oldest first.

        Operation !: the number of rows changed.
        """

    async def create_chain(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        last_hash: str,
        created_at: datetime,
    ) -> int:
        """Make a chain, unless it is there.

        Operation !: the number of rows changed.
        """

    async def get_chain(self, connection: Connection, /, *, chain: str) -> AuditChainRow | None:
        """Return a chain.

        Operation ^: the first row, or None.
        """

    def list_chains(self, connection: Connection, /) -> AsyncIterator[AuditChainRow]:
        """List the chains by name.

        Operation (none): every row.
        """

    async def lock_chain(self, connection: Connection, /, *, chain: str) -> AuditChainRow | None:
        """Return a chain that nobody else appends to until the end of the transaction.

        Operation ^: the first row, or None.
        """

    async def close_day(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        day_end: datetime | None,
    ) -> int:
        """Have the next entries of a chain be no earlier than the end of a day.

        Operation !: the number of rows changed.
        """

    async def append_entries(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        last_sequence: int,
        last_hash: str,
        first_timestamp: datetime,
        entries: Any,
    ) -> int:
        """Append entries to a chain, if its last entry is still this one. The chain's row follows
        by a trigger.

        Operation !: the number of rows changed.
        """

    async def get_entry(self, connection: Connection, /, *, entry_id: str) -> AuditEntryRow | None:
        """Return an entry.

        Operation ^: the first row, or None.
        """

    async def get_entry_by_sequence(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        sequence_number: int,
    ) -> AuditEntryRow | None:
        """Return the entry of a number.

        Operation ^: the first row, or None.
        """

    async def get_last_entry(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
    ) -> AuditEntryRow | None:
        """Return the last entry of a chain.

        Operation ^: the first row, or None.
        """

    def page_entries(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        first_sequence: int,
        last_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEntryRow]:
        """List the entries of a chain in their order, from a number on.

        Operation (none): every row.
        """

    def page_hashed(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        first_sequence: int,
        last_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[PageHashedRow]:
        """List what is hashed of the entries of a chain in their order, from a number on.

        Operation (none): every row.
        """

    def page_hashes(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        after_sequence: int,
        last_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[PageHashesRow]:
        """List the hashes of a chain's entries in their order, from a place on.

        Operation (none): every row.
        """

    async def get_range(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        since: datetime,
        day_end: datetime,
    ) -> GetRangeRow:
        """Return the first and the last number of the entries of a time, and how many there are.

        Operation ^: the first row, or None.
        """

    def page_time(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        until: datetime,
        after_timestamp: datetime,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEntryRow]:
        """List the entries of a time, the oldest first, from a place on.

        Operation (none): every row.
        """

    def list_entries(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        event_types: Sequence[str] | None,
        resource_types: Sequence[str] | None,
        workspace_id: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEntryRow]:
        """List entries, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_entries_of_actors(
        self,
        connection: Connection,
        /,
        *,
        actors: Sequence[str],
        chain: str,
        resource_ids: Sequence[str] | None,
        event_types: Sequence[str] | None,
        resource_types: Sequence[str] | None,
        workspace_id: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEntryRow]:
        """List the entries of some actors, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_entries_of_resources(
        self,
        connection: Connection,
        /,
        *,
        resource_ids: Sequence[str],
        chain: str,
        event_types: Sequence[str] | None,
        resource_types: Sequence[str] | None,
        workspace_id: str | None,
        since: datetime,
        after_timestamp: datetime,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[AuditEntryRow]:
        """List the entries of some resources, the newest first, from a place on.

        Operation (none): every row.
        """

    async def count_entries(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        since: datetime,
        until: datetime,
        event_types: Sequence[str] | None,
    ) -> int:
        """Count the entries of a time.

        Operation $: the first value of the first row, or None.
        """

    async def insert_anchor(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        anchor_date: str,
        first_sequence: int,
        last_sequence: int,
        entry_count: int,
        merkle_root: str,
        chain_hash: str,
        tree_version: int,
        created_at: datetime,
    ) -> int:
        """Store the anchor of a day, unless it has one.

        Operation !: the number of rows changed.
        """

    async def get_anchor(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        anchor_date: str,
    ) -> DailyAnchorRow | None:
        """Return the anchor of a day.

        Operation ^: the first row, or None.
        """

    def list_anchors(
        self,
        connection: Connection,
        /,
        *,
        chain: str,
        first_date: str,
        after_date: str,
        row_limit: int,
    ) -> AsyncIterator[DailyAnchorRow]:
        """List the anchors of a chain in the order of their days, from a day on and behind a day.

        Operation (none): every row.
        """
