"""Stores on the engine that the environment names: the front door of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from aragora_sql.database.closing import close_databases
from aragora_sql.older_files import warn_of_older_files
from aragora_sql.settings import Settings
from aragora_sql.stores import StoreEntry
from aragora_sql.stores.binding import door_doc, engine_door, named

__all__ = ["close_databases", "front_door"]


@cache
def front_door(entry: StoreEntry) -> Callable[[], Awaitable[Any]]:
    """Return the function ``get_x`` of a store, such as ``aragora_sql.get_consensus_memory``."""

    async def on_either() -> Any:
        settings = Settings.from_env()
        if settings.backend == "postgres":
            return await engine_door(entry, "postgres")()
        await asyncio.to_thread(warn_of_older_files, settings.sqlite_path)
        return await engine_door(entry, "sqlite")(settings.sqlite_path)

    return named(on_either, entry.front_door, door_doc(entry, None))
