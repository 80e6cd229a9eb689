"""The types of the queries of the store privacy.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/privacy/queries.sql`` and ``sql/system/sqlite/privacy/queries.sql``.
"""

from collections.abc import AsyncIterator
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

class PrivacyQueries(Protocol):
    """The queries of the store privacy."""

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
        is a list of {table_name, table_place, column_name, column_place, is_user, is_personal,
        goes, stays}:
        rows of a table that goes are deleted, those of one that stays are left as they are.

        Operation (none): every row.
        """
