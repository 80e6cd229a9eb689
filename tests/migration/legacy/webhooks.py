"""The older program's webhooks, deliveries and received events, as it left them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = [
    "write_webhook_configs",
    "write_webhook_deliveries",
    "write_webhook_events",
    "write_webhook_registry",
]

_COLUMNS = (
    "(id TEXT PRIMARY KEY, url TEXT NOT NULL, {} TEXT NOT NULL, secret TEXT NOT NULL, "
    "active INTEGER DEFAULT 1, created_at REAL NOT NULL, updated_at REAL NOT NULL, name TEXT, "
    "description TEXT, last_delivery_at REAL, last_delivery_status INTEGER, "
    "delivery_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0, user_id TEXT, "
    "workspace_id TEXT)"
)
_SCRIPTS = {
    "webhook_configs": "CREATE TABLE webhook_configs " + _COLUMNS.format("events_json"),
    "webhook_registrations": "CREATE TABLE webhook_registrations "
    + _COLUMNS.format("events")
    + ";CREATE TABLE _schema_versions (module TEXT PRIMARY KEY, version INTEGER, updated_at TEXT);"
    "INSERT INTO _schema_versions VALUES ('webhook_registry', 1, '2026-01-01')",
    "webhook_deliveries": "CREATE TABLE webhook_deliveries (delivery_id TEXT PRIMARY KEY, "
    "webhook_id TEXT NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL, "
    "status TEXT NOT NULL, attempts INTEGER DEFAULT 0, max_attempts INTEGER DEFAULT 5, "
    "next_retry_at TEXT, last_error TEXT, last_status_code INTEGER, created_at TEXT NOT NULL, "
    "updated_at TEXT NOT NULL, delivered_at TEXT, dead_lettered_at TEXT, metadata TEXT, "
    "url TEXT NOT NULL, secret TEXT)",
    "webhook_events": "CREATE TABLE webhook_events (event_id TEXT PRIMARY KEY, "
    "processed_at REAL NOT NULL, result TEXT NOT NULL DEFAULT 'success')",
}


def _write(path: Path, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCRIPTS[table])
        for row in rows:
            marks = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
                [*row.values()],
            )


def write_webhook_configs(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, "webhook_configs", rows)


def write_webhook_registry(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, "webhook_registrations", rows)


def write_webhook_deliveries(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, "webhook_deliveries", rows)


def write_webhook_events(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, "webhook_events", rows)
