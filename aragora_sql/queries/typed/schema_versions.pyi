"""The types of the queries of the store schema_versions.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/schema_versions/queries.sql`` and
``sql/system/sqlite/schema_versions/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class ListVersionsRow(TypedDict):
    """A row of list_versions."""

    module: str
    version: int

class SetVersionParameters(TypedDict):
    """One set of parameters of set_version."""

    module: str
    version: int
    updated_at: datetime

class LimitLocksRow(TypedDict):
    """A row of limit_locks."""

    name: str
    setting: str
    changed: str | None

class RestoreLimitsRow(TypedDict):
    """A row of restore_limits."""

    changed: str

class ListLockHoldersRow(TypedDict):
    """A row of list_lock_holders."""

    process_id: int
    application_name: str | None
    state: str | None
    since: datetime | None

class ListPartitionsRow(TypedDict):
    """A row of list_partitions."""

    partition_name: str

class GetRightsRow(TypedDict):
    """A row of get_rights."""

    role_name: str
    schema_name: str | None
    is_read_only: bool
    may_create: bool
    may_use_temp: bool
    public_may_create: bool
    server_version: int

class ListClosedTablesRow(TypedDict):
    """A row of list_closed_tables."""

    table_name: str
    owner_name: str
    is_forbidden: bool
    is_hidden: bool

class ListOpenGrantsRow(TypedDict):
    """A row of list_open_grants."""

    table_name: str
    object_name: str
    grantee: str
    privileges: str
    statement: str

class ListColumnsRow(TypedDict):
    """A row of list_columns."""

    table_name: str
    is_table: bool
    column_name: str

class DescribeCatalogRow(TypedDict):
    """A row of describe_catalog."""

    table_name: str
    kind: str
    name: str
    definition: str

class SchemaVersionsQueries(Protocol):
    """The queries of the store schema_versions."""

    async def find_versions(self, connection: Connection, /) -> str | None:
        """Tell whether the table of versions is there (in the schema where tables go) and can be
        read:

        'no schema', 'absent', 'forbidden', 'hidden' (by row level security), 'readable', or
        'older': it
        can be read, and the table of transactions with a key, which was added to it, is not
        there.

        Operation $: the first value of the first row, or None.
        """

    async def get_version(self, connection: Connection, /, *, module: str) -> int | None:
        """Return the version of a store's schema, or nothing when it was never created.

        Operation $: the first value of the first row, or None.
        """

    def list_versions(self, connection: Connection, /) -> AsyncIterator[ListVersionsRow]:
        """List the versions of all stores' schemas.

        Operation (none): every row.
        """

    async def set_version(
        self,
        connection: Connection,
        /,
        *,
        module: str,
        version: int,
        updated_at: datetime,
    ) -> int:
        """Record the version of a store's schema.

        Operation !: the number of rows changed.
        """

    async def try_lock_schema(self, connection: Connection, /) -> bool:
        """Become the only one that creates or upgrades schemas until the transaction ends; false
        when

        somebody else is. Nobody waits for this lock inside the server: a waiting statement would
        hold
        a snapshot, for which CREATE INDEX CONCURRENTLY waits in its turn.

        Operation $: the first value of the first row, or None.
        """

    async def try_lock_schema_of_session(self, connection: Connection, /) -> bool:
        """The same until the session ends, for steps that can't run in a transaction.

        Operation $: the first value of the first row, or None.
        """

    def limit_locks(
        self,
        connection: Connection,
        /,
        *,
        lock_timeout: int,
        to_transaction: bool,
    ) -> AsyncIterator[LimitLocksRow]:
        """Let statements run for as long as they need, and wait for a lock no longer than
        lock_timeout

        milliseconds (0: without end): for this transaction or the session. Returns what was set
        before.

        Operation (none): every row.
        """

    def restore_limits(
        self,
        connection: Connection,
        /,
        *,
        limits: Any,
    ) -> AsyncIterator[RestoreLimitsRow]:
        """Set what limit_locks changed for the transaction back, for an outer transaction that
        goes on.

        Operation (none): every row.
        """

    def list_lock_holders(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
    ) -> AsyncIterator[ListLockHoldersRow]:
        """List the transactions that hold locks on some tables, the oldest first.

        Operation (none): every row.
        """

    async def find_invalid_index(self, connection: Connection, /, *, index_name: str) -> str | None:
        """Return the statement that drops an index whose building was cut short, or nothing.

        Operation $: the first value of the first row, or None.
        """

    def list_partitions(
        self,
        connection: Connection,
        /,
        *,
        table_name: str,
    ) -> AsyncIterator[ListPartitionsRow]:
        """List the partitions of a table.

        Operation (none): every row.
        """

    async def get_rights(self, connection: Connection, /) -> GetRightsRow:
        """Tell what the role of this connection may do in the schema where tables go, and what
        everybody

        may: objects that PUBLIC makes there can take the place of an operator or function.

        Operation ^: the first row, or None.
        """

    def list_closed_tables(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
    ) -> AsyncIterator[ListClosedTablesRow]:
        """List those of some tables that the role of this connection does not own, with their
        owner, and

        whether it may not read them or row level security hides all their rows from it.

        Operation (none): every row.
        """

    def list_open_grants(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
    ) -> AsyncIterator[ListOpenGrantsRow]:
        """List what everybody, or a role that Supabase gives to the world, was granted on some
        tables, on

        those that a migration has left, and on the sequences of their columns, with the statement
        that
        takes it back. Row level security stops neither TRUNCATE nor setval().

        Operation (none): every row.
        """

    def list_columns(self, connection: Connection, /) -> AsyncIterator[ListColumnsRow]:
        """List the columns of all tables and views in the schema where tables go.

        Operation (none): every row.
        """

    def describe_catalog(self, connection: Connection, /) -> AsyncIterator[DescribeCatalogRow]:
        """Describe tables, columns, indexes, constraints, triggers, policies, rules and functions
        as text that

        can be compared: that of temporary tables too, whose schema is printed as pg_temp,
        whatever it is
        called. Functions of extensions are left out.
        Policies for roles that were named are an operator's decision and left out.
        A table that was put into partitions is described as the plain one that it stands for: its
        unique
        rules are those of the table of its keys, NAME_keys.

        Operation (none): every row.
        """

    async def count_broken_references(self, connection: Connection, /) -> int:
        """Count the rows whose foreign key points at nothing.

        Operation $: the first value of the first row, or None.
        """
