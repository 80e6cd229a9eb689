"""The older registry of federated regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.migration.legacy.values import create, fill

__all__ = ["write_regions"]

# created_at and updated_at are seconds since 1970, of the last save.
_TABLE = """
    CREATE TABLE federated_regions (
        region_id TEXT NOT NULL, endpoint_url TEXT NOT NULL, mode TEXT NOT NULL,
        sync_scope TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1, api_key TEXT NOT NULL,
        workspace_id TEXT, last_sync_at TEXT, last_push_at TEXT, last_pull_at TEXT,
        last_sync_error TEXT, total_pushes INTEGER DEFAULT 0, total_pulls INTEGER DEFAULT 0,
        total_nodes_synced INTEGER DEFAULT 0, total_sync_errors INTEGER DEFAULT 0,
        created_at REAL NOT NULL, updated_at REAL NOT NULL, data_json TEXT NOT NULL,
        PRIMARY KEY (region_id, workspace_id)
    );
"""
_COLUMNS = (
    "region_id",
    "endpoint_url",
    "mode",
    "sync_scope",
    "enabled",
    "api_key",
    "workspace_id",
    "last_sync_at",
    "last_push_at",
    "last_pull_at",
    "last_sync_error",
    "total_pushes",
    "total_pulls",
    "total_nodes_synced",
    "total_sync_errors",
)


def write_regions(path: Path, documents: list[dict[str, Any]], saved_at: float) -> None:
    """Write ``federation_registry.db`` with these documents.

    The columns are a projection of them, but for what is in their member ``columns``.
    """
    create(path, _TABLE)
    rows = []
    for document in documents:
        other = document.get("columns", {})
        kept = {name: value for name, value in document.items() if name != "columns"}
        row = {name: kept.get(name) for name in _COLUMNS}
        row["workspace_id"] = row["workspace_id"] or ""
        rows.append(
            {
                **row,
                "created_at": saved_at,
                "updated_at": saved_at,
                "data_json": json.dumps(kept),
                **other,
            }
        )
    fill(path, {"federated_regions": rows})
