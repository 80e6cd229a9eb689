"""The file of the older connectors, ``connectors.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_connectors"]

_DDL = """
    CREATE TABLE connectors (
        id TEXT PRIMARY KEY, connector_type TEXT NOT NULL, name TEXT NOT NULL,
        config_json TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'configured',
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_sync_at TEXT,
        last_sync_status TEXT, items_indexed INTEGER DEFAULT 0, error_message TEXT
    );
    CREATE TABLE sync_jobs (
        id TEXT PRIMARY KEY, connector_id TEXT NOT NULL, status TEXT NOT NULL,
        started_at TEXT NOT NULL, completed_at TEXT, items_synced INTEGER DEFAULT 0,
        items_failed INTEGER DEFAULT 0, error_message TEXT, duration_seconds REAL,
        FOREIGN KEY (connector_id) REFERENCES connectors(id)
    );
"""


def write_connectors(path: Path, connectors: Sequence[Row], sync_jobs: Sequence[Row]) -> None:
    create(path, _DDL)
    fill(path, {"connectors": connectors, "sync_jobs": sync_jobs})
