"""Stores on the engine that the environment names: the factory functions of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from aragora_sql.database.closing import close_databases
from aragora_sql.older_files import warn_of_older_files
from aragora_sql.secret_store import off_loop
from aragora_sql.settings import Settings
from aragora_sql.stores import StoreEntry
from aragora_sql.stores.binding import engine_factory, factory_doc, named

__all__ = ["close_databases", "store_factory"]


@cache
def store_factory(entry: StoreEntry) -> Callable[[], Awaitable[Any]]:
    """Return the function ``get_x`` of a store, such as ``aragora_sql.get_consensus_memory``."""

    async def on_either() -> Any:
        settings = await off_loop(Settings.from_env)
        if settings.backend == "postgres":
            return await engine_factory(entry, "postgres")()
        await asyncio.to_thread(warn_of_older_files, settings.sqlite_path)
        return await engine_factory(entry, "sqlite")(settings.sqlite_path)

    return named(on_either, entry.factory, factory_doc(entry, None))
