"""The file of the older results of decisions, ``decision_results.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_decision_results"]

# created_at and expires_at are seconds since 1970.
_RESULTS = """
    CREATE TABLE decision_results (
        request_id TEXT PRIMARY KEY, status TEXT NOT NULL, result_json TEXT,
        created_at REAL NOT NULL, completed_at TEXT, error TEXT, expires_at REAL NOT NULL
    );
    CREATE INDEX idx_decision_results_expires ON decision_results(expires_at);
"""


def write_decision_results(path: Path, rows: Sequence[Row]) -> None:
    create(path, _RESULTS)
    fill(path, {"decision_results": rows})
