"""Files of the older program's settings of notifications, and of its channels."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["older_channel", "older_config", "write_channels", "write_notification_config"]

_CONFIG = """
    org_id TEXT PRIMARY KEY, config_json TEXT NOT NULL, created_at REAL NOT NULL,
    updated_at REAL NOT NULL"""
_CONFIGS = {
    "email_configs": _CONFIG,
    "telegram_configs": _CONFIG,
    "email_recipients": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, org_id TEXT NOT NULL, email TEXT NOT NULL,
        name TEXT, preferences_json TEXT DEFAULT '{}', created_at REAL NOT NULL,
        UNIQUE (org_id, email)""",
}
_CHANNELS = {
    "channel_subscriptions": """
        id TEXT PRIMARY KEY, org_id TEXT NOT NULL, channel_type TEXT NOT NULL,
        channel_id TEXT NOT NULL, workspace_id TEXT, channel_name TEXT, event_types TEXT NOT NULL,
        created_at REAL NOT NULL, created_by TEXT, is_active INTEGER DEFAULT 1,
        config TEXT DEFAULT '{}', UNIQUE (org_id, channel_type, channel_id)""",
}


def older_config(org_id: str, updated_at: float = 1770000001.5, **members: Any) -> dict[str, Any]:
    """A row of settings: the document repeats the organization and the times."""
    document = {"org_id": org_id, "created_at": 1770000000.25, "updated_at": updated_at, **members}
    return {
        "org_id": org_id,
        "config_json": json.dumps(document),
        "created_at": 1770000000.25,
        "updated_at": updated_at,
    }


def older_channel(id_: str, org_id: str, channel_id: str, **columns: Any) -> dict[str, Any]:
    """A row of a channel."""
    return {
        "id": id_,
        "org_id": org_id,
        "channel_type": "slack",
        "channel_id": channel_id,
        "event_types": '["receipt"]',
        "created_at": 1770000000.25,
        **columns,
    }


def _write(
    path: Path, tables: Mapping[str, str], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, columns in tables.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        for table, entries in rows.items():
            for entry in entries:
                marks = ", ".join("?" * len(entry))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(entry)}) VALUES ({marks})",
                    list(entry.values()),
                )
    return path


def write_notification_config(path: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Write ``notification_config.db``."""
    return _write(path, _CONFIGS, rows)


def write_channels(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write ``channel_subscriptions.db``."""
    return _write(path, _CHANNELS, {"channel_subscriptions": rows})
