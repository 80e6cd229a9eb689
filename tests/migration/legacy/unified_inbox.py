"""The file of the older unified inbox, ``unified_inbox.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_inbox"]

_DDL = """
    CREATE TABLE unified_inbox_accounts (
        tenant_id TEXT NOT NULL, account_id TEXT NOT NULL, provider TEXT NOT NULL,
        email_address TEXT NOT NULL, display_name TEXT NOT NULL, status TEXT NOT NULL,
        connected_at TEXT, last_sync TEXT, total_messages INTEGER NOT NULL DEFAULT 0,
        unread_count INTEGER NOT NULL DEFAULT 0, sync_errors INTEGER NOT NULL DEFAULT 0,
        metadata_json TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (tenant_id, account_id)
    );
    CREATE TABLE unified_inbox_messages (
        tenant_id TEXT NOT NULL, message_id TEXT NOT NULL, account_id TEXT NOT NULL,
        provider TEXT NOT NULL, external_id TEXT NOT NULL, subject TEXT, sender_email TEXT,
        sender_name TEXT, recipients_json TEXT NOT NULL DEFAULT '[]',
        cc_json TEXT NOT NULL DEFAULT '[]', received_at TEXT, snippet TEXT, body_preview TEXT,
        is_read INTEGER NOT NULL DEFAULT 0, is_starred INTEGER NOT NULL DEFAULT 0,
        has_attachments INTEGER NOT NULL DEFAULT 0, labels_json TEXT, thread_id TEXT,
        priority_score REAL, priority_tier TEXT, priority_reasons_json TEXT, triage_action TEXT,
        triage_rationale TEXT, created_at TEXT, updated_at TEXT,
        PRIMARY KEY (tenant_id, message_id), UNIQUE (tenant_id, account_id, external_id)
    );
    CREATE TABLE unified_inbox_triage_results (
        tenant_id TEXT NOT NULL, message_id TEXT NOT NULL, recommended_action TEXT,
        confidence REAL, rationale TEXT, suggested_response TEXT, delegate_to TEXT,
        schedule_for TEXT, agents_json TEXT, debate_summary TEXT, created_at TEXT,
        PRIMARY KEY (tenant_id, message_id)
    );
"""


def write_inbox(path: Path, tables: dict[str, Sequence[Row]]) -> None:
    create(path, _DDL)
    fill(path, {f"unified_inbox_{name}": rows for name, rows in tables.items()})
