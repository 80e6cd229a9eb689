"""Files of the older continuum memory, as three versions of its class made them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["write_continuum"]

_COMMON = """
id TEXT PRIMARY KEY, tier TEXT NOT NULL DEFAULT 'slow', content TEXT NOT NULL,
importance REAL DEFAULT 0.5, surprise_score REAL DEFAULT 0.0,
consolidation_score REAL DEFAULT 0.0, update_count INTEGER DEFAULT 0,
success_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0, semantic_centroid BLOB,
last_promotion_at TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
updated_at TEXT DEFAULT CURRENT_TIMESTAMP, metadata TEXT DEFAULT '{}'
"""
_EXPIRY = ", expires_at TEXT"
_RED_LINE = ", red_line INTEGER DEFAULT 0, red_line_reason TEXT DEFAULT ''"
_FURTHER = """
CREATE TABLE tier_transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL, from_tier TEXT NOT NULL,
    to_tier TEXT NOT NULL, reason TEXT, surprise_score REAL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id)
);
CREATE TABLE meta_learning_state (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hyperparams TEXT NOT NULL, learning_efficiency REAL,
    pattern_retention_rate REAL, forgetting_rate REAL, cycles_evaluated INTEGER DEFAULT 0,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
"""
_ARCHIVE = """
CREATE TABLE continuum_memory_archive (
    id TEXT PRIMARY KEY, tier TEXT NOT NULL, content TEXT NOT NULL, importance REAL,
    surprise_score REAL, consolidation_score REAL, update_count INTEGER, success_count INTEGER,
    failure_count INTEGER, semantic_centroid BLOB, created_at TEXT, updated_at TEXT,
    archived_at TEXT DEFAULT CURRENT_TIMESTAMP, archive_reason TEXT, metadata TEXT
);
"""
_SEARCH = "CREATE VIRTUAL TABLE memory_fts USING fts5(memory_id, content);"


def write_continuum(path: Path, version: int, *rows: dict[str, Any]) -> None:
    """Make a file of a version of the older program; a row is of the table of its key ``into``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = _COMMON + (_EXPIRY if version > 1 else "") + (_RED_LINE if version > 2 else "")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"CREATE TABLE continuum_memory ({columns});{_FURTHER}{_SEARCH}")
        if version > 1:
            connection.executescript(_ARCHIVE)
        for row in rows:
            values = {name: value for name, value in row.items() if name != "into"}
            table = row.get("into", "continuum_memory")
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",
                values,
            )
