"""The file of the older cycles, ``cycles.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_cycles"]

# Times are seconds since 1970.
_CYCLES = """
    CREATE TABLE cycles (
        cycle_id TEXT PRIMARY KEY, started_at REAL NOT NULL, completed_at REAL,
        duration_seconds REAL, success INTEGER DEFAULT 0, topics_json TEXT, data_json TEXT NOT NULL
    );
    CREATE INDEX idx_cycles_started ON cycles(started_at DESC);
"""


def write_cycles(path: Path, rows: Sequence[Row]) -> None:
    create(path, _CYCLES)
    fill(path, {"cycles": rows})
