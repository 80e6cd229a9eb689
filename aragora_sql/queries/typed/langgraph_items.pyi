"""The types of the queries of the store langgraph_items.

Made by ``aragora-sql stubs`` from
``sql/postgres/langgraph_items/queries.sql`` and ``sql/sqlite/langgraph_items/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class UpsertItemsParameters(TypedDict):
    """One set of parameters of upsert_items."""

    namespace: str
    key: str
    value: Any
    stored_at: datetime
    expires_at: datetime | None
    ttl_minutes: float | None
    vector_dims: int | None
    vectors: bytes | None

class DeleteItemsParameters(TypedDict):
    """One set of parameters of delete_items."""

    namespace: str
    key: str

class GetItemsRow(TypedDict):
    """A row of get_items, list_items, list_items_below."""

    namespace: str
    key: str
    value: Any
    created_at: datetime
    updated_at: datetime
    ttl_minutes: float | None

class RefreshItemsParameters(TypedDict):
    """One set of parameters of refresh_items."""

    namespace: str
    key: str
    ttl_minutes: float
    expires_at: datetime | None
    alive_at: datetime | None

class ListVectorsRow(TypedDict):
    """A row of list_vectors."""

    namespace: str
    key: str
    updated_at: datetime
    vector_dims: int
    vectors: bytes

class ListNamespacesRow(TypedDict):
    """A row of list_namespaces."""

    namespace: str

class LanggraphItemsQueries(Protocol):
    """The queries of the store langgraph_items."""

    async def upsert_items(
        self,
        connection: Connection,
        parameters: Sequence[UpsertItemsParameters],
        /,
    ) -> int:
        """Store items; of one that is there already all but the time of its creation is replaced.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_items(
        self,
        connection: Connection,
        parameters: Sequence[DeleteItemsParameters],
        /,
    ) -> int:
        """Delete items.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def get_items(
        self,
        connection: Connection,
        /,
        *,
        places: Any,
        alive_at: datetime | None,
    ) -> AsyncIterator[GetItemsRow]:
        """Return the items of some namespaces and keys. Given a time, only those that live longer.

        Operation (none): every row.
        """

    async def refresh_items(
        self,
        connection: Connection,
        parameters: Sequence[RefreshItemsParameters],
        /,
    ) -> int:
        """Let items live longer after they were read, unless they were stored again meanwhile with
        another

        time to live, or are dead at the given time.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def list_items(
        self,
        connection: Connection,
        /,
        *,
        conditions: Any,
        alive_at: datetime | None,
        row_limit: int,
        row_offset: int,
    ) -> AsyncIterator[GetItemsRow]:
        """List items of all namespaces whose values meet every condition, the newest first. Given
        a time,

        only those that live longer.

        Operation (none): every row.
        """

    def list_items_below(
        self,
        connection: Connection,
        /,
        *,
        namespace_start: str,
        namespace_end: str,
        conditions: Any,
        alive_at: datetime | None,
        row_limit: int,
        row_offset: int,
    ) -> AsyncIterator[GetItemsRow]:
        """List items of a namespace and those below it whose values meet every condition, the
        newest first.

        Given a time, only those that live longer.

        Operation (none): every row.
        """

    def list_vectors(
        self,
        connection: Connection,
        /,
        *,
        namespace_end: str,
        after_namespace: str,
        after_key: str,
        conditions: Any,
        alive_at: datetime | None,
        row_limit: int,
    ) -> AsyncIterator[ListVectorsRow]:
        """List the vectors of items behind a namespace and key, up to the end of a part of the
        namespaces,

        whose values meet every condition. Given a time, only of those that live longer.

        Operation (none): every row.
        """

    def list_namespaces(
        self,
        connection: Connection,
        /,
        *,
        namespace_start: str,
        namespace_end: str,
        labels: Any,
        max_depth: int | None,
        skip_depth: int | None,
        alive_at: datetime | None,
        row_limit: int,
        row_offset: int,
    ) -> AsyncIterator[ListNamespacesRow]:
        """List the namespaces between two that have each of labels at its position (counted from
        0, or back

        from -1; NULL: any label), cut after max_depth labels. What is below skip_depth labels of
        one that
        was found is skipped. Given a time, only those with items that live longer.

        Operation (none): every row.
        """

    async def delete_expired(
        self,
        connection: Connection,
        /,
        *,
        expired_at: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the items that had expired at a time; those that others have locked stay.

        Operation !: the number of rows changed.
        """
