"""The file of the older tasks and policies of computer use, ``aragora_computer_use.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_computer_use"]

_DDL = """
    CREATE TABLE computer_use_tasks (
        task_id TEXT PRIMARY KEY, goal TEXT NOT NULL, max_steps INTEGER DEFAULT 10,
        dry_run INTEGER DEFAULT 0, status TEXT NOT NULL DEFAULT 'pending',
        steps_json TEXT NOT NULL DEFAULT '[]', result_json TEXT, error TEXT, user_id TEXT,
        tenant_id TEXT, cancelled_at TIMESTAMP, created_at TIMESTAMP, updated_at TIMESTAMP
    );
    CREATE TABLE computer_use_policies (
        policy_id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT DEFAULT '',
        allowed_actions_json TEXT NOT NULL DEFAULT '[]',
        blocked_domains_json TEXT NOT NULL DEFAULT '[]', is_active INTEGER DEFAULT 1,
        tenant_id TEXT, created_at TIMESTAMP, updated_at TIMESTAMP
    );
"""


def write_computer_use(path: Path, tasks: Sequence[Row], policies: Sequence[Row]) -> None:
    create(path, _DDL)
    fill(path, {"computer_use_tasks": tasks, "computer_use_policies": policies})
