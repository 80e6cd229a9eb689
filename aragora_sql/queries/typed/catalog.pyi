"""The types of the queries of the store catalog.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/catalog/queries.sql`` and ``sql/system/sqlite/catalog/queries.sql``.
"""

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class ListTablesRow(TypedDict):
    """A row of list_tables."""

    table_name: str
    kind: str
    row_level_security: bool
    remark: str | None

class ListColumnsRow(TypedDict):
    """A row of list_columns."""

    table_name: str
    column_name: str
    table_id: int
    position: int
    type: str
    not_null: bool
    default_value: str | None
    generation: str
    remark: str | None

class ListKeysRow(TypedDict):
    """A row of list_keys."""

    table_name: str
    constraint_name: str | None
    kind: str
    columns: Any
    target_table: str | None
    target_columns: Any
    on_delete: str
    on_update: str

class ListIndexesRow(TypedDict):
    """A row of list_indexes."""

    table_name: str
    index_name: str
    is_unique: bool
    of_constraint: bool
    method: str
    columns: Any
    predicate: str | None

class ListTypesRow(TypedDict):
    """A row of list_types."""

    type_id: int
    type_name: str

class ListDependenciesRow(TypedDict):
    """A row of list_dependencies."""

    table_name: str
    column_name: str | None

class ListFunctionsRow(TypedDict):
    """A row of list_functions."""

    function_name: str
    security_definer: bool
    fixed_search_path: bool

class ListFunctionSignaturesRow(TypedDict):
    """A row of list_function_signatures, list_operator_signatures."""

    signature_id: int
    name: str
    argument_types: list[int] | None
    takes_any: list[bool] | None

class DescribeDetailsRow(TypedDict):
    """A row of describe_details."""

    table_name: str
    kind: str
    name: str
    definition: str

class ListConstraintsRow(TypedDict):
    """A row of list_constraints."""

    table_name: str
    constraint_name: str
    kind: str
    definition: str
    is_deferrable: bool
    is_deferred: bool
    is_validated: bool

class ListStorageRow(TypedDict):
    """A row of list_storage."""

    table_name: str
    is_unlogged: bool
    is_forced: bool

class ListCollationsRow(TypedDict):
    """A row of list_collations."""

    table_name: str
    column_name: str
    collation_name: str
    is_deterministic: bool

class ListViewColumnsRow(TypedDict):
    """A row of list_view_columns."""

    view_name: str
    table_name: str
    column_name: str

class CatalogQueries(Protocol):
    """The queries of the store catalog."""

    def list_tables(self, connection: Connection, /) -> AsyncIterator[ListTablesRow]:
        """List tables and views with their comments.

        Operation (none): every row.
        """

    def list_columns(self, connection: Connection, /) -> AsyncIterator[ListColumnsRow]:
        """List the columns of tables and views; generation is identity, stored, virtual or empty.

        Operation (none): every row.
        """

    def list_keys(self, connection: Connection, /) -> AsyncIterator[ListKeysRow]:
        """List primary keys, unique constraints and enforced foreign keys with their columns.

        Operation (none): every row.
        """

    def list_indexes(self, connection: Connection, /) -> AsyncIterator[ListIndexesRow]:
        """List indexes with their key columns; those that a constraint made are marked.

        Operation (none): every row.
        """

    def list_types(self, connection: Connection, /) -> AsyncIterator[ListTypesRow]:
        """List the names of all types.

        Operation (none): every row.
        """

    def list_dependencies(self, connection: Connection, /) -> AsyncIterator[ListDependenciesRow]:
        """List the tables and columns that the body of the procedure aragora_probe names.

        Operation (none): every row.
        """

    def list_functions(self, connection: Connection, /) -> AsyncIterator[ListFunctionsRow]:
        """List the functions in the schema where tables go, and whether their search_path is
        fixed.

        Operation (none): every row.
        """

    def list_function_signatures(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListFunctionSignaturesRow]:
        """List what the functions of pg_catalog take: the numbers of the types, and whether it is
        any type.

        Operation (none): every row.
        """

    def list_operator_signatures(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[ListFunctionSignaturesRow]:
        """List what the operators of pg_catalog take: the numbers of the types, and whether it is
        any type.

        Operation (none): every row.
        """

    def describe_details(self, connection: Connection, /) -> AsyncIterator[DescribeDetailsRow]:
        """Describe what describe_catalog leaves to the operator, and what belongs to no table: how
        tables

        are stored, views, functions, sequences, and rights of others than the owner.

        Operation (none): every row.
        """

    def list_constraints(self, connection: Connection, /) -> AsyncIterator[ListConstraintsRow]:
        """List the constraints of tables: their text, whether they are checked at the end of a
        transaction

        (at once: not deferrable), and whether they hold for all rows.

        Operation (none): every row.
        """

    def list_storage(self, connection: Connection, /) -> AsyncIterator[ListStorageRow]:
        """List whether tables lose their rows in a crash, and hide them from their owner too.

        Operation (none): every row.
        """

    def list_collations(self, connection: Connection, /) -> AsyncIterator[ListCollationsRow]:
        """List the columns of text that sort by other rules than the database's, or than by bytes
        ("C").

        Operation (none): every row.
        """

    def list_view_columns(self, connection: Connection, /) -> AsyncIterator[ListViewColumnsRow]:
        """List the table columns that views read.

        Operation (none): every row.
        """
