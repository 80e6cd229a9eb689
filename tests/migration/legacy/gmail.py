"""Files of the older program's mailboxes at Gmail."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["older_mailbox", "write_gmail"]

_TABLES = {
    "gmail_tokens": """
        user_id TEXT PRIMARY KEY, email_address TEXT, access_token TEXT, refresh_token TEXT,
        token_expiry TEXT, history_id TEXT, last_sync TEXT, indexed_count INTEGER DEFAULT 0,
        total_count INTEGER DEFAULT 0, connected_at TEXT, created_at REAL NOT NULL,
        updated_at REAL NOT NULL""",
    "gmail_sync_jobs": """
        user_id TEXT PRIMARY KEY, status TEXT NOT NULL, progress INTEGER DEFAULT 0,
        messages_synced INTEGER DEFAULT 0, started_at TEXT, completed_at TEXT, failed_at TEXT,
        error TEXT""",
    "_schema_versions": "module TEXT PRIMARY KEY, version INTEGER, updated_at TEXT",
}


def older_mailbox(user_id: str, **columns: Any) -> dict[str, Any]:
    """A row of a mailbox as the older program wrote it: what is missing is ''."""
    return {
        "user_id": user_id,
        "email_address": "",
        "access_token": "",
        "refresh_token": "",
        "token_expiry": None,
        "history_id": "",
        "last_sync": None,
        "indexed_count": 0,
        "total_count": 0,
        "connected_at": None,
        "created_at": 1770000000.123456,
        "updated_at": 1770000001.5,
        **columns,
    }


def write_gmail(path: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Write a file with both tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, columns in _TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.execute("INSERT INTO _schema_versions VALUES ('gmail_token_store', 1, NULL)")
        for table, entries in rows.items():
            for entry in entries:
                marks = ", ".join("?" * len(entry))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(entry)}) VALUES ({marks})",
                    list(entry.values()),
                )
    return path
