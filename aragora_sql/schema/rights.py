"""What a role needs for the schema, and one sentence for each right that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.database import Connection, Dialect
from aragora_sql.errors import SchemaRightsError
from aragora_sql.queries import load_queries
from aragora_sql.schema.files import VERSIONS, VERSIONS_TABLE, versions_root

if TYPE_CHECKING:
    from aragora_sql.queries.typed.schema_versions import GetRightsRow, SchemaVersionsQueries

__all__ = [
    "hidden_rows",
    "present_version",
    "present_version_and_state",
    "present_versions",
    "refuse_without_create",
    "refuse_without_ownership",
    "unreadable_versions",
    "version_queries",
]

# States of the table of versions in which it can be read.
READABLE = frozenset({"readable", "older"})


def version_queries(dialect: Dialect, root: Path) -> SchemaVersionsQueries:
    """Return the queries about versions, rights and the catalogue."""
    return load_queries(VERSIONS, dialect, versions_root(dialect, root))


async def present_version(
    connection: Connection, queries: SchemaVersionsQueries, store: str
) -> int | None:
    """Return the version of a store that a database holds, or None when it holds none.

    Raises :class:`SchemaRightsError` when the role of the connection can't see it.
    """
    return (await present_version_and_state(connection, queries, store))[0]


async def present_version_and_state(
    connection: Connection, queries: SchemaVersionsQueries, store: str
) -> tuple[int | None, str]:
    """Return it, and in which state the table of versions is; raises the same."""
    state = await queries.find_versions(connection)
    if state == "absent":
        return None, state
    if state not in READABLE:
        raise SchemaRightsError(await _unreadable(connection, queries, state))
    return await queries.get_version(connection, module=store), state


async def present_versions(
    connection: Connection, queries: SchemaVersionsQueries
) -> dict[str, int]:
    """Return the versions of all stores that a database holds, by store.

    Raises :class:`SchemaRightsError` when the role of the connection can't see them.
    """
    state = await queries.find_versions(connection)
    if state == "absent":
        return {}
    if state not in READABLE:
        raise SchemaRightsError(await _unreadable(connection, queries, state))
    return {row["module"]: row["version"] async for row in queries.list_versions(connection)}


async def unreadable_versions(connection: Connection, queries: SchemaVersionsQueries) -> str | None:
    """Return why the role of the connection can't see the versions, or None when it can."""
    state = await queries.find_versions(connection)
    return None if state in {"absent", *READABLE} else await _unreadable(connection, queries, state)


async def _unreadable(
    connection: Connection, queries: SchemaVersionsQueries, state: str | None
) -> str:
    rights = await queries.get_rights(connection)
    role = rights["role_name"]
    if state == "no schema":
        return (
            f"search_path names no schema that is there and that role {role!r} may use: create "
            f"it, name another, or let its owner run: GRANT USAGE ON SCHEMA … TO {_name(role)}"
        )
    found = await hidden_rows(connection, queries, [VERSIONS_TABLE])
    # Nothing is found where the owner's own rights were taken away.
    return found or f"role {role!r} may not read the table {VERSIONS_TABLE}"


async def hidden_rows(
    connection: Connection, queries: SchemaVersionsQueries, tables: Sequence[str]
) -> str | None:
    """Return why some tables look empty to the role of the connection, or None when none does.

    One that it may not read is an error at the first query, so it counts only where it is named
    first.
    """
    closed = [
        row
        async for row in queries.list_closed_tables(connection, table_names=list(tables))
        if (row["is_forbidden"] and row["table_name"] == tables[0])
        or (row["is_hidden"] and not row["is_forbidden"])
    ]
    if not closed:
        return None
    role = (await queries.get_rights(connection))["role_name"]
    names = [row["table_name"] for row in closed]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    owner = closed[0]["owner_name"]
    if any(row["is_forbidden"] for row in closed):
        what, remedy = "may not read", f"GRANT SELECT, or better connect as {owner!r}"
    else:
        what = "sees no row of"
        remedy = (
            f"connect as {owner!r}, or let {role!r} by with ALTER ROLE {_name(role)} BYPASSRLS or "
            "with policies for it"
        )
    return (
        f"role {role!r} {what} {shown}: {owner!r} owns the tables, and row level security hides "
        f"the rows from all others; {remedy}"
    )


async def refuse_without_create(connection: Connection, queries: SchemaVersionsQueries) -> None:
    """Raise :class:`SchemaRightsError` when tables can't be made over this connection."""
    rights = await queries.get_rights(connection)
    refuse_read_only(rights)
    if not rights["may_create"]:
        role, schema = rights["role_name"], rights["schema_name"]
        raise SchemaRightsError(
            f"role {role!r} may not create tables in schema {schema!r}: let the owner of the "
            f"tables run 'aragora-sql schema apply', or GRANT CREATE ON SCHEMA "
            f"{_name(schema or '')} TO {_name(role)}"
        )


def refuse_read_only(rights: GetRightsRow) -> None:
    """Raise :class:`SchemaRightsError` on a standby and on a server that is set read-only."""
    if rights["is_read_only"]:
        raise SchemaRightsError(
            "the server takes no writes (it is a standby, or default_transaction_read_only is "
            "on): create or upgrade the schema on the primary"
        )


async def refuse_without_ownership(
    connection: Connection, queries: SchemaVersionsQueries, store: str, tables: Sequence[str]
) -> None:
    """Raise :class:`SchemaRightsError` when the role can't change the tables of a store."""
    refuse_read_only(await queries.get_rights(connection))
    foreign = [
        row async for row in queries.list_closed_tables(connection, table_names=list(tables))
    ]
    if foreign:
        role = (await queries.get_rights(connection))["role_name"]
        owner = foreign[0]["owner_name"]
        raise SchemaRightsError(
            f"store {store!r} has to be upgraded, and role {role!r} does not own its tables: let "
            f"their owner {owner!r} run 'aragora-sql schema apply'"
        )


def _name(identifier: str) -> str:
    plain = identifier.isidentifier() and identifier.isascii() and identifier.islower()
    return identifier if plain else '"' + identifier.replace('"', '""') + '"'
