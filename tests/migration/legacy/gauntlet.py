"""Files of the older gauntlets: ``gauntlet_runs.db`` and ``aragora_gauntlet.db``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_gauntlet_results", "write_gauntlet_runs"]

# created_at and updated_at are seconds since 1970, those of the last save.
_RUNS = """
    CREATE TABLE gauntlet_runs (
        run_id TEXT PRIMARY KEY, template_id TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending',
        started_at TEXT, completed_at TEXT, triggered_by TEXT, workspace_id TEXT,
        created_at REAL NOT NULL, updated_at REAL NOT NULL, data_json TEXT NOT NULL
    );
"""
# created_at of a result is UTC as SQLite writes it; the times of what is in flight are local.
_RESULTS = """
    CREATE TABLE gauntlet_results (
        gauntlet_id TEXT PRIMARY KEY, input_hash TEXT NOT NULL, input_summary TEXT,
        result_json TEXT NOT NULL, verdict TEXT NOT NULL, confidence REAL, robustness_score REAL,
        critical_count INTEGER DEFAULT 0, high_count INTEGER DEFAULT 0,
        medium_count INTEGER DEFAULT 0, low_count INTEGER DEFAULT 0,
        total_findings INTEGER DEFAULT 0, agents_used TEXT, template_used TEXT,
        duration_seconds REAL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, org_id TEXT
    );
    CREATE TABLE gauntlet_inflight (
        gauntlet_id TEXT PRIMARY KEY, status TEXT NOT NULL, input_type TEXT, input_summary TEXT,
        input_hash TEXT, persona TEXT, profile TEXT, agents TEXT, config_json TEXT,
        current_phase TEXT, progress_percent REAL DEFAULT 0, error TEXT, org_id TEXT,
        created_at TEXT, updated_at TEXT
    );
"""
_COLUMNS = ("started_at", "completed_at", "triggered_by", "workspace_id")


def write_gauntlet_runs(path: Path, documents: dict[str, Any], saved_at: float) -> None:
    """Write ``gauntlet_runs.db`` with these documents; a text stands for itself."""
    create(path, _RUNS)
    rows = []
    for run_id, document in documents.items():
        known = document if isinstance(document, dict) else {}
        rows.append(
            {name: known.get(name) for name in _COLUMNS}
            | {
                "run_id": run_id,
                "template_id": known.get("template_id", "t"),
                "status": known.get("status", "pending"),
                "created_at": saved_at,
                "updated_at": saved_at,
                "data_json": document if isinstance(document, str) else json.dumps(document),
            }
        )
    fill(path, {"gauntlet_runs": rows})


def write_gauntlet_results(path: Path, results: Sequence[Row], inflight: Sequence[Row]) -> None:
    """Write ``aragora_gauntlet.db``; lists and objects become JSON text."""
    create(path, _RESULTS)
    fill(
        path,
        {
            "gauntlet_results": [_encoded(row) for row in results],
            "gauntlet_inflight": [_encoded(row) for row in inflight],
        },
    )


def _encoded(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }
