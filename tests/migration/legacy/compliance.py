"""The file of the older compliance policies: ``policy_store.db``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_policy_store"]

# Times are ISO-8601 text in UTC, with a zone where something was changed; those of policy_audit are
# as SQLite writes them.
_TABLES = """
    CREATE TABLE policies (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT DEFAULT '',
        framework_id TEXT NOT NULL, workspace_id TEXT NOT NULL DEFAULT 'default',
        vertical_id TEXT NOT NULL, level TEXT NOT NULL DEFAULT 'recommended',
        enabled INTEGER NOT NULL DEFAULT 1, rules_json TEXT NOT NULL DEFAULT '[]',
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT,
        metadata_json TEXT NOT NULL DEFAULT '{}'
    );
    CREATE TABLE violations (
        id TEXT PRIMARY KEY, policy_id TEXT, rule_id TEXT NOT NULL, rule_name TEXT,
        framework_id TEXT NOT NULL, vertical_id TEXT NOT NULL,
        workspace_id TEXT NOT NULL DEFAULT 'default', severity TEXT NOT NULL DEFAULT 'medium',
        status TEXT NOT NULL DEFAULT 'open', description TEXT, source TEXT,
        detected_at TEXT NOT NULL, resolved_at TEXT, resolved_by TEXT, resolution_notes TEXT,
        metadata_json TEXT NOT NULL DEFAULT '{}'
    );
    CREATE TABLE policy_audit (
        id TEXT PRIMARY KEY, policy_id TEXT NOT NULL, action TEXT NOT NULL, changed_by TEXT,
        changed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, old_value TEXT, new_value TEXT
    );
"""


def write_policy_store(path: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    """Write ``policy_store.db`` with the rows of its tables."""
    create(path, _TABLES)
    fill(path, rows)
