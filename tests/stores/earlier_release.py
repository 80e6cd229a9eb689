"""Tables of an earlier release in the place of today's, to upgrade them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aragora_sql.database import Database
from aragora_sql.schema import describe_catalog


async def put_back(database: Database, store: str, tables: Iterable[str], version: int) -> None:
    """Replace the tables of a store by those of a version; ``tables`` has children first."""
    folder = Path(__file__).parent / store / f"version_{version}"
    async with database.transaction() as connection:
        for table in tables:
            await connection.run_script("drop", f"DROP TABLE {table}")
        await connection.run_script(
            "drop", f"DELETE FROM _schema_versions WHERE module = '{store}'"
        )
        text = (folder / f"{database.dialect}.sql").read_text(encoding="utf-8")
        await connection.run_script(f"version {version}", text)


async def catalog_of(database: Database, prefix: str) -> dict[tuple[str, str, str], str]:
    """Return what the database says of the tables whose names begin so."""
    async with database.read() as connection:
        found = await describe_catalog(connection, database.dialect)
    return {key: text for key, text in found.items() if key[0].startswith(prefix)}
