"""Files of the older marketplace: that of the store, and that of the registry of templates."""

from __future__ import annotations

import json
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_registry", "write_store"]

# Times are seconds since 1970.
_STORE = """
    CREATE TABLE templates (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
        author_id TEXT NOT NULL, author_name TEXT NOT NULL, category TEXT NOT NULL,
        pattern TEXT NOT NULL, tags TEXT DEFAULT '[]', workflow_definition TEXT DEFAULT '{}',
        download_count INTEGER DEFAULT 0, rating_sum REAL DEFAULT 0,
        rating_count INTEGER DEFAULT 0, is_featured INTEGER DEFAULT 0,
        is_trending INTEGER DEFAULT 0, created_at REAL NOT NULL, updated_at REAL NOT NULL
    );
    CREATE TABLE reviews (
        id TEXT PRIMARY KEY, template_id TEXT NOT NULL, user_id TEXT NOT NULL,
        user_name TEXT NOT NULL, rating INTEGER NOT NULL, title TEXT NOT NULL,
        content TEXT NOT NULL, helpful_count INTEGER DEFAULT 0, created_at REAL NOT NULL,
        FOREIGN KEY (template_id) REFERENCES templates (id), UNIQUE (template_id, user_id)
    );
    CREATE TABLE ratings (
        template_id TEXT NOT NULL, user_id TEXT NOT NULL, rating INTEGER NOT NULL,
        created_at REAL NOT NULL, PRIMARY KEY (template_id, user_id),
        FOREIGN KEY (template_id) REFERENCES templates (id)
    );
    CREATE TABLE categories (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT,
        template_count INTEGER DEFAULT 0
    );
"""
# Times are local and naive.
_REGISTRY = """
    CREATE TABLE templates (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
        version TEXT, author TEXT, category TEXT, tags TEXT, content TEXT NOT NULL,
        content_hash TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        downloads INTEGER DEFAULT 0, stars INTEGER DEFAULT 0, is_builtin INTEGER DEFAULT 0
    );
    CREATE TABLE ratings (
        id INTEGER PRIMARY KEY AUTOINCREMENT, template_id TEXT NOT NULL, user_id TEXT NOT NULL,
        score INTEGER NOT NULL, review TEXT, created_at TEXT NOT NULL,
        UNIQUE (template_id, user_id)
    );
"""


def write_store(path: Path, **tables: list[Row]) -> None:
    """Write the store's ``marketplace.db``; lists and objects become JSON text."""
    create(path, _STORE)
    fill(path, {name: [_encoded(row) for row in rows] for name, rows in tables.items()})


def write_registry(path: Path, **tables: list[Row]) -> None:
    """Write the registry's ``marketplace.db``; lists and objects become JSON text."""
    create(path, _REGISTRY)
    fill(path, {name: [_encoded(row) for row in rows] for name, rows in tables.items()})


def _encoded(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }
