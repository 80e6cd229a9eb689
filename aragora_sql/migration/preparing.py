"""The target's schema: created or upgraded, then compared with the files before a row is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import SchemaMismatchError
from aragora_sql.schema import Difference, initialize_store, plan_schema, verify_schema
from aragora_sql.settings import PostgresDSN

__all__ = ["prepare_schema"]

_COMMENT = " -- "


def prepare_schema(dsn: PostgresDSN, stores: Sequence[str], *, create: bool) -> None:
    """Create or upgrade the target's tables and refuse a target that differs from the files.

    Without ``create`` only what exists is compared. Raises
    :class:`~aragora_sql.errors.SchemaMismatchError` naming the differences.
    """
    asyncio.run(_prepare_schema(dsn, stores, create=create))


async def _prepare_schema(dsn: PostgresDSN, stores: Sequence[str], *, create: bool) -> None:
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
    try:
        # One transaction: a target that is refused is left as it was.
        async with database.transaction():
            if create:
                for store in stores:
                    await initialize_store(database, store)
                present = list(stores)
            else:
                plans = await plan_schema(database, stores)
                present = [plan.store for plan in plans if plan.present is not None]
            found = await verify_schema(database, present) if present else []
            _refuse(difference for difference in found if _matters(difference))
    finally:
        await database.close()


def _refuse(found: Iterable[Difference]) -> None:
    differences = list(found)
    if differences:
        shown = "\n  ".join(str(difference) for difference in differences[:20])
        raise SchemaMismatchError(
            f"the target's schema is not the one that this release loads into:\n  {shown}\n"
            "Nothing was migrated. Compare with: aragora-sql schema verify"
        )


def _matters(difference: Difference) -> bool:
    """Tell whether a difference is more than a comment or an index."""
    if difference.kind == "index":
        return False
    found, expected = difference.found or "", difference.expected
    return found.partition(_COMMENT)[0] != expected.partition(_COMMENT)[0]
