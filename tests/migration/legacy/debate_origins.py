"""Files of the older origins of debates, of routing and of mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_origins"]

# Times are seconds since 1970; those of mail are UTC without a zone.
_TABLES = {
    "debate_origins": """
        CREATE TABLE debate_origins (
            debate_id TEXT PRIMARY KEY, platform TEXT NOT NULL, channel_id TEXT NOT NULL,
            user_id TEXT NOT NULL, created_at REAL NOT NULL, metadata_json TEXT, thread_id TEXT,
            message_id TEXT, result_sent INTEGER DEFAULT 0, result_sent_at REAL
        );
        CREATE INDEX idx_origins_created ON debate_origins(created_at);
    """,
    "routing_origins": """
        CREATE TABLE routing_origins (
            origin_id TEXT PRIMARY KEY, origin_type TEXT NOT NULL, platform TEXT NOT NULL,
            channel_id TEXT NOT NULL, user_id TEXT NOT NULL, created_at REAL NOT NULL,
            expires_at REAL, metadata_json TEXT, thread_id TEXT, message_id TEXT,
            result_sent INTEGER DEFAULT 0, result_sent_at REAL
        );
    """,
    "email_reply_origins": """
        CREATE TABLE email_reply_origins (
            message_id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, recipient_email TEXT NOT NULL,
            recipient_name TEXT, sent_at TEXT NOT NULL, reply_received INTEGER DEFAULT 0,
            reply_received_at TEXT, metadata_json TEXT
        );
    """,
}


def write_origins(folder: Path, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write a file for each table, of its name."""
    for table, rows in tables.items():
        create(folder / f"{table}.db", _TABLES[table])
        fill(folder / f"{table}.db", {table: rows})
