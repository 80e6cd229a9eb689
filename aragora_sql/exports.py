"""What ``aragora_sql`` exports: the names of every store, and those of what all stores share.

A name is loaded at its first use. Their types are in ``aragora_sql/__init__.pyi``, which
``aragora-sql stores --write`` makes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from aragora_sql.stores import STORES, StoreEntry

__all__ = ["SHARED", "exported_names", "load", "starred_names"]

# What belongs to no store, by its module.
SHARED = {
    "aragora_sql.database": ("Database", "Health", "PoolMetrics", "Retries"),
    "aragora_sql.database.postgres": (
        "PostgresDatabase",
        "close_postgres_pool",
        "get_postgres_pool",
    ),
    "aragora_sql.database.sqlite": (
        "SQLiteDatabase",
        "close_sqlite_databases",
        "get_sqlite_database",
    ),
    "aragora_sql.encryption": ("Keyring",),
    "aragora_sql.environment": ("close_databases",),
    "aragora_sql.queries": ("load_queries",),
    "aragora_sql.schema": ("apply_schema", "render_schema", "verify_schema"),
    "aragora_sql.settings": ("PostgresDSN", "Settings"),
}
_MODULES = {name: module for module, names in SHARED.items() for name in names}
_ENTRIES = {name: entry for entry in STORES for name in entry.names}


def exported_names() -> list[str]:
    """Return every name that ``aragora_sql`` exports."""
    return sorted({*_MODULES, *_ENTRIES})


def starred_names() -> list[str]:
    """Return what ``from aragora_sql import *`` gives: of no store that needs an extra."""
    return sorted({*_MODULES, *(name for name, entry in _ENTRIES.items() if entry.extra is None)})


def load(name: str) -> Any:
    """Return what ``aragora_sql`` exports by a name. Raises AttributeError for another name."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    if name in _ENTRIES:
        return _of_store(_ENTRIES[name], name)
    raise AttributeError(f"module 'aragora_sql' has no attribute {name!r}")


def _of_store(entry: StoreEntry, name: str) -> Any:
    from aragora_sql.stores.binding import bound_class, engine_factory

    if name == entry.postgres_class:
        return bound_class(entry, "postgres")
    if name == entry.sqlite_class:
        return bound_class(entry, "sqlite")
    if name == entry.postgres_factory:
        return engine_factory(entry, "postgres")
    if name == entry.sqlite_factory:
        return engine_factory(entry, "sqlite")
    if name == entry.factory:
        from aragora_sql.environment import store_factory

        return store_factory(entry)
    return getattr(import_module(entry.module), name)
