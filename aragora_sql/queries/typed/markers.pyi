"""The types of the queries of the store markers.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/markers/queries.sql`` and ``sql/system/sqlite/markers/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class PlanPrivacyRow(TypedDict):
    """A row of plan_privacy."""

    table_name: str
    action: str
    is_limited: bool
    export_sql: str
    count_sql: str
    erase_sql: str | None

class FindRoleRow(TypedDict):
    """A row of find_role."""

    bypasses: bool
    owns: bool

class PlanTenantPoliciesRow(TypedDict):
    """A row of plan_tenant_policies."""

    table_name: str
    ddl: str

class MarkersQueries(Protocol):
    """The queries of the store markers."""

    def plan_privacy(
        self,
        connection: Connection,
        /,
        *,
        columns: Any,
    ) -> AsyncIterator[PlanPrivacyRow]:
        """Make the statements that read and erase what is stored of a user, children before
        parents: a

        statement has the user's id as $1 and, where it needs one, what to put in its place as $2.
        `columns`
        is a list of {table_name, table_place, column_name, column_place, is_user, is_address,
        is_personal,
        members, goes, stays}: members are the names under which the id is in a document; an
        address is that of the user in the table of users; rows of a table that goes are deleted,
        those of one that stays are left as they are.

        Operation (none): every row.
        """

    async def find_role(self, connection: Connection, /, *, role_name: str) -> FindRoleRow | None:
        """Tell of a role whether row level security lets it by, and whether it owns the table of
        versions.

        Operation ^: the first row, or None.
        """

    def plan_tenant_policies(
        self,
        connection: Connection,
        /,
        *,
        table_names: Sequence[str],
        columns: Any,
        role_name: str,
    ) -> AsyncIterator[PlanTenantPoliciesRow]:
        """List the statements that let a role see and change the rows of one tenant: those in
        whose tenant's

        column the setting aragora.org_id is, and those whose foreign keys lead to such a row.
        `columns` is a
        list of {table_name, column_name, is_shared}; rows of a shared table in which it is '' may
        be read.

        Operation (none): every row.
        """
