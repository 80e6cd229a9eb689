"""The target's schema: created or upgraded, then compared with the files before a row is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.statement import Statement
from aragora_sql.errors import ConfigurationError, SchemaMismatchError, SchemaRightsError
from aragora_sql.migration.statements import call, text_of
from aragora_sql.migration.target import PgConnection
from aragora_sql.schema import (
    VERSIONS_TABLE,
    Difference,
    initialize_store,
    plan_schema,
    table_names,
    verify_schema,
)
from aragora_sql.settings import PostgresDSN

__all__ = ["matters", "prepare_schema", "refuse_hidden"]

# Who may see which rows, and what makes reading fast or is for people.
_HARMLESS = {"column comment", "grant", "index", "policy", "rights", "table comment"}


def prepare_schema(
    connection: PgConnection,
    dsn: PostgresDSN,
    stores: Sequence[str],
    loaded: Sequence[str],
    *,
    create: bool,
) -> None:
    """Create or upgrade the target's tables and refuse a target that differs from the files.

    Compared are the tables of the stores that are to be ``loaded``, of those that were made or
    upgraded here, and those that they refer to. Without ``create`` only what exists is compared.
    The tables are made through the driver of the stores, and loaded through ``connection``: raises
    :class:`ConfigurationError` when the two do not come to the same place, and
    :class:`~aragora_sql.errors.SchemaMismatchError` naming the differences.
    """
    found = call(connection, "describe_session").fetchone()
    asyncio.run(_prepare_schema(dsn, stores, loaded, tuple(found or ()), create=create))


async def _prepare_schema(
    dsn: PostgresDSN,
    stores: Sequence[str],
    loaded: Sequence[str],
    session: tuple[str, ...],
    *,
    create: bool,
) -> None:
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
    try:
        await _refuse_other_place(database, session)
        # One transaction: a target that is refused is left as it was.
        async with database.transaction():
            plans = await plan_schema(database, stores)
            if create:
                for store in stores:
                    await initialize_store(database, store)
            compared = [
                plan.store
                for plan in plans
                if (plan.store in loaded and (create or plan.present is not None))
                or (create and plan.present != plan.latest)
            ]
            found = await verify_schema(database, compared) if compared else []
            _refuse(difference for difference in found if matters(difference))
    finally:
        await database.close()


async def _refuse_other_place(database: PostgresDatabase, session: tuple[str, ...]) -> None:
    """Refuse a DSN or an environment that two drivers understand in two ways."""
    async with database.read() as unit:
        describe = Statement("migration.describe_session", text_of("describe_session"))
        row = await unit.fetch_one(describe, ())
    stores_session = tuple((row or {}).values())
    names = ("database", "schemas", "user", "server started")
    for name, ours, theirs in zip(names, session, stores_session, strict=True):
        if ours != theirs:
            raise ConfigurationError(
                f"the stores and the migration do not come to the same place: {name} {theirs!r} "
                f"for the stores' driver (asyncpg), {ours!r} for the migration's (psycopg). Say it "
                "in the DSN, for instance ?options=-csearch_path%3Dmy_schema, or ALTER ROLE … SET "
                "search_path, instead of variables that only one of them reads. Nothing was "
                "migrated"
            )


def refuse_hidden(connection: PgConnection, stores: Sequence[str]) -> None:
    """Refuse a target whose rows this role may not see: to it all tables look empty.

    Raises :class:`~aragora_sql.errors.SchemaRightsError` naming the tables.
    """
    names = [VERSIONS_TABLE, *(name for store in stores for name in table_names(store, "postgres"))]
    hidden = [name for (name,) in call(connection, "list_hidden", table_names=names)]
    if hidden:
        shown = ", ".join(hidden[:3]) + (", …" if len(hidden) > 3 else "")
        raise SchemaRightsError(
            f"row level security hides the rows of {len(hidden)} tables ({shown}) from the role "
            f"{connection.info.user!r}. Use the role that owns them, or let this one by: "
            f"ALTER ROLE … BYPASSRLS, or policies for it"
        )


def _refuse(found: Iterable[Difference]) -> None:
    differences = list(found)
    if differences:
        shown = "\n  ".join(str(difference) for difference in differences[:20])
        raise SchemaMismatchError(
            f"the target's schema is not the one that this release loads into:\n  {shown}\n"
            "Nothing was migrated. Compare with: aragora-sql schema verify"
        )


def matters(difference: Difference) -> bool:
    """Tell whether a difference is more than a comment, an index or who may see which rows.

    What was added shows itself row by row.
    """
    if difference.kind == "table":
        return difference.found is None
    return difference.state != "added" and difference.kind not in _HARMLESS
