"""The types of the queries of the store doctor.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/doctor/queries.sql`` and ``sql/system/sqlite/doctor/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class GetServerRow(TypedDict):
    """A row of get_server."""

    version: str
    version_number: int
    encoding: str
    process_id: int
    database_name: str
    login_name: str
    role_name: str
    is_superuser: bool
    bypasses_rls: bool
    is_encrypted: bool
    tls_version: str | None
    is_supabase: bool
    is_rds: bool

class GetSearchPathRow(TypedDict):
    """A row of get_search_path."""

    setting: str
    schema_name: str | None
    schemas: Any
    homes: Any

class ListMissingRightsRow(TypedDict):
    """A row of list_missing_rights."""

    table_name: str
    owner_name: str
    privileges: str

class GetConnectionsRow(TypedDict):
    """A row of get_connections."""

    most: int
    reserved: int
    most_of_database: int
    most_of_role: int
    ours: int
    others: int

class ListOldTransactionsRow(TypedDict):
    """A row of list_old_transactions."""

    process_id: int | None
    kind: str
    name: str
    seconds: float

class ListDeadRowsRow(TypedDict):
    """A row of list_dead_rows."""

    table_name: str
    live_rows: int
    dead_rows: int
    cleaned_at: datetime | None
    is_off: bool
    transactions: int

class ListFollowersRow(TypedDict):
    """A row of list_followers."""

    kind: str
    name: str
    seconds: float | None
    bytes: int | None

class ListAdviceRow(TypedDict):
    """A row of list_advice."""

    lint: str
    object_name: str
    detail: str | None

class GetPagesRow(TypedDict):
    """A row of get_pages."""

    page_count: Any
    free_count: Any
    page_size: Any

class ListDamageRow(TypedDict):
    """A row of list_damage."""

    problem: Any

class DoctorQueries(Protocol):
    """The queries of the store doctor."""

    async def get_server(self, connection: Connection, /) -> GetServerRow | None:
        """Return what the server says of itself, of the session and of its role.

        Operation ^: the first row, or None.
        """

    async def get_time(self, connection: Connection, /) -> datetime:
        """Return the time by the server's clock.

        Operation $: the first value of the first row, or None.
        """

    async def get_search_path(self, connection: Connection, /) -> GetSearchPathRow:
        """Return the setting search_path, the schemas that it leads to, the one where tables go,
        and those

        that hold a table of versions.

        Operation ^: the first row, or None.
        """

    def list_missing_rights(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
    ) -> AsyncIterator[ListMissingRightsRow]:
        """List those of some tables that the role may not read from or write to, with the rights
        it lacks.

        Operation (none): every row.
        """

    async def get_connections(self, connection: Connection, /) -> GetConnectionsRow | None:
        """Return how many connections the server, this database and this role may have (-1: no
        limit), how

        many are kept for superusers, and how many there are now: of this package and of others.

        Operation ^: the first row, or None.
        """

    def list_old_transactions(
        self,
        connection: Connection,
        /,
        *,
        least_seconds: float,
    ) -> AsyncIterator[ListOldTransactionsRow]:
        """List the transactions of this database that have been open for so long, the oldest
        first: nothing

        that was deleted since can be cleaned up. One that was prepared has no process.

        Operation (none): every row.
        """

    def list_dead_rows(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
    ) -> AsyncIterator[ListDeadRowsRow]:
        """List some tables, or their partitions, with their live and dead rows, when they were
        last cleaned

        up, whether that is switched off, and how many transactions ago their oldest row was
        written.

        Operation (none): every row.
        """

    def list_followers(self, connection: Connection, /) -> AsyncIterator[ListFollowersRow]:
        """List what receives this server's changes: standbys with how far they are behind in
        seconds, and

        slots that nobody reads, with the bytes of changes that are kept for them.

        Operation (none): every row.
        """

    def list_advice(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str] | None,
    ) -> AsyncIterator[ListAdviceRow]:
        """List what the published lints for databases behind an API have against the schema where
        tables

        go, by the names of the lints: all of it, or what is about some tables, the views that
        read them
        and the functions of their triggers.

        Operation (none): every row.
        """

    async def get_pages(self, connection: Connection, /) -> GetPagesRow | None:
        """Return how many pages the file has, how many of them are free, and their size in bytes.

        Operation ^: the first row, or None.
        """

    def list_damage(self, connection: Connection, /, *, most: Any) -> AsyncIterator[ListDamageRow]:
        """List what is wrong in the file, so many problems at most: one line 'ok' when nothing is.
        It reads

        the whole file.

        Operation (none): every row.
        """
