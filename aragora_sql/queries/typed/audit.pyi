"""The types of the queries of the store audit.

Made by ``aragora-sql stubs`` from
``sql/postgres/audit/queries.sql`` and ``sql/sqlite/audit/queries.sql``.
"""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from aragora_sql.database import Connection

class AuditQueries(Protocol):
    """The queries of the store audit."""

    async def insert_event(self, connection: Connection, /) -> Any:
        """Store an event and return its number.

        Operation $: the first value of the first row, or None.
        """

    def list_events(self, connection: Connection, /) -> AsyncIterator[ListEventsRow]:
        """List events, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_user(self, connection: Connection, /) -> AsyncIterator[ListEventsOfUserRow]:
        """List the events of a user, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_org(self, connection: Connection, /) -> AsyncIterator[ListEventsOfOrgRow]:
        """List the events of an organization, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_action(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListEventsOfActionRow]:
        """List the events of an action, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_resource(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListEventsOfResourceRow]:
        """List the events of a resource, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_events_of_prefixes(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListEventsOfPrefixesRow]:
        """List the events whose action begins with one of some prefixes, the newest first, from a
        place on.

        The actions are looked up one by one along the index; of each the newest events are taken.

        Operation (none): every row.
        """

    async def count_events(self, connection: Connection, /) -> Any:
        """Count events.

        Operation $: the first value of the first row, or None.
        """

    async def delete_events(self, connection: Connection, /) -> int:
        """Delete some of the events that are older than a time, the oldest first.

        Operation !: the number of rows changed.
        """

    async def create_chain(self, connection: Connection, /) -> int:
        """Make a chain, unless it is there.

        Operation !: the number of rows changed.
        """

    async def get_chain(self, connection: Connection, /) -> GetChainRow | None:
        """Return a chain.

        Operation ^: the first row, or None.
        """

    def list_chains(self, connection: Connection, /) -> AsyncIterator[ListChainsRow]:
        """List the chains by name.

        Operation (none): every row.
        """

    async def lock_chain(self, connection: Connection, /) -> LockChainRow | None:
        """Return a chain that nobody else appends to until the end of the transaction.

        Operation ^: the first row, or None.
        """

    async def close_day(self, connection: Connection, /) -> int:
        """Have the next entries of a chain be no earlier than the end of a day.

        Operation !: the number of rows changed.
        """

    async def append_entries(self, connection: Connection, /) -> int:
        """Append entries to a chain, if its last entry is still this one. The chain's row follows
        by a trigger.

        Operation !: the number of rows changed.
        """

    async def get_entry(self, connection: Connection, /) -> GetEntryRow | None:
        """Return an entry.

        Operation ^: the first row, or None.
        """

    async def get_entry_by_sequence(
        self,
        connection: Connection,
        /,
    ) -> GetEntryBySequenceRow | None:
        """Return the entry of a number.

        Operation ^: the first row, or None.
        """

    async def get_last_entry(self, connection: Connection, /) -> GetLastEntryRow | None:
        """Return the last entry of a chain.

        Operation ^: the first row, or None.
        """

    def page_entries(self, connection: Connection, /) -> AsyncIterator[PageEntriesRow]:
        """List the entries of a chain in their order, from a place on.

        Operation (none): every row.
        """

    def page_hashes(self, connection: Connection, /) -> AsyncIterator[PageHashesRow]:
        """List the hashes of a chain's entries in their order, from a place on.

        Operation (none): every row.
        """

    async def get_range(self, connection: Connection, /) -> GetRangeRow:
        """Return the first and the last number of the entries of a time, and how many there are.

        Operation ^: the first row, or None.
        """

    def page_time(self, connection: Connection, /) -> AsyncIterator[PageTimeRow]:
        """List the entries of a time, the oldest first, from a place on.

        Operation (none): every row.
        """

    def list_entries(self, connection: Connection, /) -> AsyncIterator[ListEntriesRow]:
        """List entries, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_entries_of_actors(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListEntriesOfActorsRow]:
        """List the entries of some actors, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_entries_of_resources(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListEntriesOfResourcesRow]:
        """List the entries of some resources, the newest first, from a place on.

        Operation (none): every row.
        """

    async def count_entries(self, connection: Connection, /) -> Any:
        """Count the entries of a time.

        Operation $: the first value of the first row, or None.
        """

    async def insert_anchor(self, connection: Connection, /) -> int:
        """Store the anchor of a day, unless it has one.

        Operation !: the number of rows changed.
        """

    async def get_anchor(self, connection: Connection, /) -> GetAnchorRow | None:
        """Return the anchor of a day.

        Operation ^: the first row, or None.
        """

    def list_anchors(self, connection: Connection, /) -> AsyncIterator[ListAnchorsRow]:
        """List the anchors of a chain in the order of their days, from a day on and behind a day.

        Operation (none): every row.
        """
