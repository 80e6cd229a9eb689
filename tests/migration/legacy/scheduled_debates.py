"""The file of the older scheduled debates, ``scheduled_debates.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill, versions_ddl

__all__ = ["write_scheduled_debates"]

# created_at is seconds since 1970.
_DDL = """
    CREATE TABLE scheduled_debates (
        id TEXT PRIMARY KEY, topic_hash TEXT NOT NULL, topic_text TEXT NOT NULL,
        platform TEXT NOT NULL, category TEXT, volume INTEGER DEFAULT 0, debate_id TEXT,
        created_at REAL NOT NULL, consensus_reached INTEGER, confidence REAL,
        rounds_used INTEGER DEFAULT 0, scheduler_run_id TEXT
    );
"""


def write_scheduled_debates(path: Path, rows: Sequence[Row]) -> None:
    create(path, _DDL + versions_ddl("scheduled_debates", 1))
    fill(path, {"scheduled_debates": rows})
