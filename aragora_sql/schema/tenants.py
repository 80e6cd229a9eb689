"""Policies of row level security that let a role see the rows of one tenant at a time.

Which tenant that is says the setting ``aragora.org_id`` of a transaction, which
``database.transaction(tenant=…)`` and ``database.read(tenant=…)`` set. The policies are made for a
role of the application that does not own the tables; the owner sees all rows as before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.database import Connection, Database
from aragora_sql.errors import ConfigurationError, SchemaRightsError
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.files import VERSIONS_TABLE
from aragora_sql.schema.markers import read_markers
from aragora_sql.schema.rights import version_queries
from aragora_sql.schema.steps import Report, Steps

if TYPE_CHECKING:
    from aragora_sql.queries.typed.markers import MarkersQueries

__all__ = ["apply_tenant_policies"]


async def apply_tenant_policies(
    database: Database, role: str, root: Path | None = None, *, report: Report | None = None
) -> list[str]:
    """Make the policies and grants that a role needs, and return the tables that they are on.

    Those are the tables of all stores with a tenant's column, and those whose foreign keys lead to
    them. All of it is one transaction, and making it again changes nothing. Tables of other stores
    stay closed to the role.

    Raises :class:`~aragora_sql.errors.ConfigurationError` on SQLite and for a role that is not
    there or that row level security does not hold for, :class:`SchemaRightsError` when the role of
    the connection does not own the tables.
    """
    if database.dialect == "sqlite":
        raise ConfigurationError(
            "SQLite has no roles and no row level security: no policy was made"
        )
    root = root or sql_dir()
    tables = read_markers(root)
    names = [table.name for table in tables]
    columns = [
        {
            "table_name": table.name,
            "column_name": table.tenant_column,
            "is_shared": table.tenant_column in table.marked("shared"),
        }
        for table in tables
        if table.tenant_column is not None
    ]
    queries = version_queries("postgres", root)
    policies: MarkersQueries = load_queries("markers", "postgres")

    async def step(connection: Connection) -> list[str]:
        found = await policies.find_role(connection, role_name=role)
        if found is None:
            raise ConfigurationError(
                f"there is no role {role!r}: make it with CREATE ROLE, or name another one"
            )
        if found["bypasses"] or found["owns"]:
            why = "owns the tables" if found["owns"] else "bypasses row level security"
            raise ConfigurationError(
                f"role {role!r} {why}, so no policy holds for it: name a role that does not"
            )
        closed = [row async for row in queries.list_closed_tables(connection, table_names=names)]
        if closed:
            raise SchemaRightsError(
                f"the table {closed[0]['table_name']!r} belongs to {closed[0]['owner_name']!r}, "
                "who has to make the policies"
            )
        made: dict[str, None] = {}
        rows = [
            row
            async for row in policies.plan_tenant_policies(
                connection, table_names=names, columns=columns, role_name=role
            )
        ]
        for row in rows:
            await connection.run_script("tenant policies", row["ddl"], unlimited=True)
            made[row["table_name"]] = None
        return [name for name in names if name in made]

    steps = Steps(database, "tenant policies", [*names, VERSIONS_TABLE], root, report)
    return await steps.in_transaction(step)
