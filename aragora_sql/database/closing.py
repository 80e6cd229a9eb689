"""Closes what the functions ``get_…`` opened, on both engines."""

from __future__ import annotations

__all__ = ["close_databases"]


async def close_databases() -> None:
    """Close every pool and file that the functions ``get_…`` opened. Twice is harmless."""
    from aragora_sql.database.postgres import close_postgres_pool
    from aragora_sql.database.sqlite import close_sqlite_databases

    await close_postgres_pool()
    await close_sqlite_databases()
