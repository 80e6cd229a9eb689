"""The types of the queries of the store schema_versions.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/schema_versions/queries.sql`` and
``sql/system/sqlite/schema_versions/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, TypedDict

from aragora_sql.database import Connection

class SetVersionParameters(TypedDict):
    """One set of parameters of set_version."""

    module: str
    version: int
    updated_at: datetime

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

    async def lock_schema(self, connection: Connection, /) -> None:
        """Let one connection at a time create or upgrade schemas; the lock ends with the
        transaction.

        Operation #: nothing: a script.
        """

    async def has_versions(self, connection: Connection, /) -> bool:
        """Tell whether the table of versions exists (in the schema where tables go).

        Operation $: the first value of the first row, or None.
        """

    async def get_version(self, connection: Connection, /, *, module: str) -> int | None:
        """Return the version of a store's schema, or nothing when it was never created.

        Operation $: the first value of the first row, or None.
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

    def list_columns(self, connection: Connection, /) -> AsyncIterator[ListColumnsRow]:
        """List the columns of all tables and views in the schema where tables go.

        Operation (none): every row.
        """

    def describe_catalog(self, connection: Connection, /) -> AsyncIterator[DescribeCatalogRow]:
        """Describe tables, columns, indexes, constraints and triggers as text that can be
        compared: that of

        temporary tables too, whose schema is printed as pg_temp, whatever it is called.

        Operation (none): every row.
        """
