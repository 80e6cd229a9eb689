"""The file of the older activities in shared inboxes: ``inbox_activities.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_inbox_activities"]

_TABLE = """
    CREATE TABLE inbox_activities (
        id TEXT PRIMARY KEY, inbox_id TEXT NOT NULL, org_id TEXT NOT NULL, actor_id TEXT NOT NULL,
        action TEXT NOT NULL, target_id TEXT, metadata_json TEXT NOT NULL DEFAULT '{}',
        created_at REAL NOT NULL
    );
"""


def write_inbox_activities(path: Path, rows: Sequence[Row]) -> None:
    """Write ``inbox_activities.db``."""
    create(path, _TABLE)
    fill(path, {"inbox_activities": rows})
