"""The file of the older definitions of workflows, ``workflows.db``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.migration.legacy.values import Tables, create, fill

__all__ = ["write_workflows"]

# Foreign keys were declared, and never enforced.
_DDL = """
    CREATE TABLE workflows (
        id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL DEFAULT 'default', name TEXT NOT NULL,
        description TEXT DEFAULT '', category TEXT DEFAULT 'general',
        version TEXT DEFAULT '1.0.0', definition TEXT NOT NULL, tags TEXT DEFAULT '[]',
        is_template INTEGER DEFAULT 0, is_enabled INTEGER DEFAULT 1, created_by TEXT DEFAULT '',
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    );
    CREATE TABLE workflow_versions (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workflow_id TEXT NOT NULL, version TEXT NOT NULL,
        definition TEXT NOT NULL, created_by TEXT DEFAULT '', created_at TEXT NOT NULL,
        FOREIGN KEY (workflow_id) REFERENCES workflows(id) ON DELETE CASCADE
    );
    CREATE TABLE workflow_templates (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT DEFAULT '',
        category TEXT DEFAULT 'general', definition TEXT NOT NULL, tags TEXT DEFAULT '[]',
        usage_count INTEGER DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    );
    CREATE TABLE workflow_executions (
        id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL DEFAULT 'default', status TEXT NOT NULL DEFAULT 'pending',
        inputs TEXT DEFAULT '{}', outputs TEXT DEFAULT '{}', steps TEXT DEFAULT '[]', error TEXT,
        started_at TEXT, completed_at TEXT, duration_ms REAL,
        FOREIGN KEY (workflow_id) REFERENCES workflows(id) ON DELETE SET NULL
    );
"""


def write_workflows(path: Path, tables: dict[str, Sequence[dict[str, Any]]]) -> None:
    create(path, _DDL)
    rows: Tables = {
        table: [
            {
                name: json.dumps(value) if isinstance(value, dict | list) else value
                for name, value in row.items()
            }
            for row in found
        ]
        for table, found in tables.items()
    }
    fill(path, rows)
