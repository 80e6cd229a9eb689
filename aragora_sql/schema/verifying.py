"""Compares a database with the schema files: what is missing, added or different."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aragora_sql.database import Connection, Database, Dialect
from aragora_sql.errors import ConfigurationError, SchemaRightsError
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.catalog import Catalog, read_catalog
from aragora_sql.schema.files import (
    VERSIONS,
    VERSIONS_TABLE,
    latest_version,
    schema_text,
    store_names,
    table_names,
    versions_root,
    with_needed_stores,
)
from aragora_sql.schema.rights import (
    hidden_rows,
    present_version,
    unreadable_versions,
    version_queries,
)
from aragora_sql.schema.steps import LOCK_TIMEOUT
from aragora_sql.schema.temporary import with_temporary_functions, without_temporary_schema

__all__ = ["Difference", "Inspection", "inspect_schema", "verify_schema"]

State = Literal["missing", "added", "different"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a database lacks, has otherwise, or has beyond the schema files.

    ``kind`` is table, column, constraint, index, trigger, rule, policy, view, table comment, column
    comment, version, grant (a right of everybody) or rights (what the connection's role lacks).
    ``found`` is None when it is missing, ``expected`` when it was added.
    """

    table: str
    kind: str
    name: str
    expected: str | None
    found: str | None

    @property
    def state(self) -> State:
        """Whether it is missing, was added or is different."""
        if self.found is None:
            return "missing"
        return "added" if self.expected is None else "different"

    def __str__(self) -> str:
        if self.kind == "rights":
            return f"rights: {self.found}"
        what = f"{self.kind} {self.name}"
        if self.kind not in {"table", "table comment", "grant"}:
            what += f" of {self.table}"
        if self.state == "different":
            return f"different {what}: expected {self.expected}, found {self.found}"
        if self.kind == "table":
            return f"{self.state} {what}"
        return f"{self.state} {what}: {self.expected if self.found is None else self.found}"

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "state": self.state,
            "table": self.table,
            "kind": self.kind,
            "name": self.name,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a database compares with the files.

    ``warnings`` are sentences about what is no difference, and dangerous all the same.
    ``expected`` and ``found`` are what was compared.
    """

    stores: tuple[str, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    expected: Catalog
    found: Catalog


async def verify_schema(
    database: Database, stores: Sequence[str] | None = None, root: Path | None = None
) -> list[Difference]:
    """Compare a database with the schema files and return what is missing, added or different.

    Stores that foreign keys of the named ones need are compared with them. Nothing is changed, and
    tables that are not ours are not looked at. On PostgreSQL the files are
    applied to temporary tables in a transaction that is rolled back, so both sides are described
    by the same server. Where there can be none (a standby, a read-only server, a role without the
    right TEMP) an embedded server describes the files.

    Raises :class:`SchemaRightsError` when there is no embedded server for that either.
    """
    return list((await inspect_schema(database, stores, root)).differences)


async def inspect_schema(
    database: Database,
    stores: Sequence[str] | None = None,
    root: Path | None = None,
    *,
    briefly: bool = False,
) -> Inspection:
    """Do what :func:`verify_schema` does, and tell what else there is to say.

    ``briefly``: start no server (:class:`SchemaRightsError` where one is needed), and wait no
    longer than an upgrade would for whoever has a table for himself (:class:`LockTimeoutError`).
    """
    root = root or sql_dir()
    dialect = database.dialect
    names = store_names(dialect, root) if stores is None else list(stores)
    names = with_needed_stores(names, dialect, root)
    expected = await _expected_catalog(database, names, root, embedded=not briefly)
    queries = version_queries(dialect, root)
    differences: list[Difference] = []
    grants: list[Difference] = []
    warnings: list[str] = []
    # A limit of locks needs a transaction.
    limited = briefly and dialect == "postgres"
    async with database.transaction() if limited else database.read() as connection:
        if limited:
            async for _ in queries.limit_locks(
                connection, lock_timeout=int(LOCK_TIMEOUT * 1000), to_transaction=True
            ):
                pass
        found = await read_catalog(connection, dialect, root)
        hidden = await unreadable_versions(connection, queries)
        if hidden is None:
            for name in names:
                latest = str(latest_version(name, dialect, root))
                version = await present_version(connection, queries, name)
                present = None if version is None else str(version)
                if present != latest:
                    differences.append(Difference(VERSIONS_TABLE, "version", name, latest, present))
        if dialect == "postgres":
            tables = [VERSIONS_TABLE]
            tables += [table for name in names for table in table_names(name, dialect, root)]
            rights = await queries.get_rights(connection)
            problem = await hidden_rows(connection, queries, tables) or hidden
            if problem is not None:
                differences.append(
                    Difference(
                        VERSIONS_TABLE, "rights", rights["role_name"], "sees the rows", problem
                    )
                )
            async for row in queries.list_open_grants(connection, table_names=tables):
                grants.append(  # noqa: PERF401 - of an asynchronous iterator
                    Difference(
                        row["table_name"],
                        "grant",
                        f"to {row['grantee']} on {row['object_name']}",
                        None,
                        row["privileges"],
                    )
                )
            if rights["public_may_create"]:
                schema = rights["schema_name"]
                warnings.append(
                    f"every role may create objects in schema {schema!r}, and an operator or "
                    "function there can take the place of one that a query means: REVOKE CREATE "
                    f"ON SCHEMA {schema} FROM PUBLIC"
                )
    differences += [*compare(expected, found), *grants]
    return Inspection(tuple(names), tuple(differences), tuple(warnings), expected, found)


def compare(expected: Catalog, found: Catalog) -> list[Difference]:
    """Return the parts of our tables that differ, in the order of tables, kinds and names."""
    ours = {table for table, kind, _ in expected.parts if kind == "table"}
    differences = []
    for table, kind, name in sorted({*expected.parts, *found.parts}):
        wanted, present = (
            expected.parts.get((table, kind, name)),
            found.parts.get((table, kind, name)),
        )
        if wanted == present or (wanted is None and table not in ours):
            continue
        # Of a missing table nothing else is listed.
        if kind == "table" or (table, "table", table) in found.parts or table not in ours:
            differences.append(Difference(table, kind, name, wanted, present))
    return differences


async def _expected_catalog(
    database: Database, stores: Sequence[str], root: Path, *, embedded: bool
) -> Catalog:
    if database.dialect == "sqlite":
        from aragora_sql.database.sqlite import SQLiteDatabase

        model = SQLiteDatabase(":memory:")
        try:
            async with model.connection() as connection:
                texts = _texts(stores, "sqlite", root)
                return await _catalog_of_texts(connection, texts, "sqlite", root)
        finally:
            await model.close()
    queries = version_queries("postgres", root)
    async with database.read() as connection:
        rights = await queries.get_rights(connection)
    if not rights["is_read_only"] and rights["may_use_temp"]:
        return await _catalog_in_temporary_tables(database, stores, root, rights["server_version"])
    why = (
        "the server takes no writes"
        if rights["is_read_only"]
        else f"role {rights['role_name']!r} lacks the right TEMP"
    )
    if not embedded:
        raise SchemaRightsError(f"{why}, so the files can't be compared there")
    async with _embedded_database(rights["server_version"], why) as reference:
        async with reference.read() as connection:
            found = await queries.get_rights(connection)
        return await _catalog_in_temporary_tables(reference, stores, root, found["server_version"])


# What files describe, by the version of the server that applied them, the tree and their texts.
_described: dict[tuple[int, Path, tuple[tuple[str, str], ...]], Catalog] = {}
_MOST_DESCRIBED = 8


class _ScratchOverError(Exception):
    """Ends the transaction of the scratch tables, so that nothing of them stays."""


async def _catalog_in_temporary_tables(
    database: Database, stores: Sequence[str], root: Path, version: int
) -> Catalog:
    """Return what the files describe; the same files are applied once to a version of a server."""
    texts = with_temporary_functions(_texts(stores, "postgres", root))
    made_by = (version, root, tuple(texts.items()))
    if made_by in _described:
        return _described[made_by]
    expected: Catalog | None = None
    try:
        async with database.transaction() as connection:
            # Where any role may create tables.
            await connection.run_script("scratch schema", "SET LOCAL search_path = pg_temp")
            made = await _catalog_of_texts(connection, texts, "postgres", root)
            expected = without_temporary_schema(made)
            raise _ScratchOverError
    except _ScratchOverError:
        pass
    if expected is None:
        raise RuntimeError("the scratch tables were not described")
    while len(_described) >= _MOST_DESCRIBED:
        del _described[next(iter(_described))]
    _described[made_by] = expected
    return expected


@asynccontextmanager
async def _embedded_database(version: int, why: str) -> AsyncIterator[Database]:
    """Open a throw-away server, of the same major version where one is found here."""
    from aragora_sql.database.postgres import PostgresDatabase
    from aragora_sql.embedded import EmbeddedServer, find_binaries

    same = (binaries for binaries in find_binaries() if binaries.version == version)
    try:
        server = EmbeddedServer(next(same, None))
        await asyncio.to_thread(server.start)
    except ConfigurationError as error:
        raise SchemaRightsError(
            f"{why}, so the schema files have to be described by another server, and there is "
            f"none: {error}. Or verify on the primary, as a role with the right TEMP"
        ) from error
    try:
        database = await PostgresDatabase.connect(server.dsn(), 1, 1)
        try:
            yield database
        finally:
            await database.close()
    finally:
        await asyncio.to_thread(server.stop)


async def _catalog_of_texts(
    connection: Connection, texts: Mapping[str, str], dialect: Dialect, root: Path
) -> Catalog:
    for store, text in texts.items():
        await connection.run_script(f"{store}/schema.sql", text)
    return await read_catalog(connection, dialect, root)


def _texts(stores: Sequence[str], dialect: Dialect, root: Path) -> dict[str, str]:
    """Return the scripts that make stores, behind that of the table of versions."""
    texts = {}
    for store in (VERSIONS, *stores):
        home = versions_root(dialect, root) if store == VERSIONS else root
        texts[store] = schema_text(store, dialect, home)
    return texts
