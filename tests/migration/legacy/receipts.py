"""Files of the older receipts: ``receipts.db``, ``receipt_deletions.db``, ``audit_trails.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_audit_trails", "write_deletions", "write_receipts"]

_RECEIPTS = """
    CREATE TABLE receipts (
        receipt_id TEXT PRIMARY KEY, gauntlet_id TEXT NOT NULL UNIQUE, debate_id TEXT,
        created_at REAL NOT NULL, expires_at REAL, verdict TEXT NOT NULL, confidence REAL NOT NULL,
        risk_level TEXT NOT NULL, risk_score REAL NOT NULL DEFAULT 0, checksum TEXT NOT NULL,
        signature TEXT, signature_algorithm TEXT, signature_key_id TEXT, signed_at REAL,
        {later} audit_trail_id TEXT, data_json TEXT NOT NULL
    );
"""
# What files of the first versions lack.
_LATER = """
        timestamp_token TEXT, timestamp_tsa_url TEXT, timestamp_at REAL,
        legal_hold INTEGER DEFAULT 0, legal_hold_reason TEXT, legal_hold_placed_by TEXT,
        legal_hold_placed_at REAL, legal_hold_matter_id TEXT,
"""
_DELETIONS = """
    CREATE TABLE receipt_deletions (
        deletion_id TEXT PRIMARY KEY, receipt_id TEXT NOT NULL, receipt_checksum TEXT NOT NULL,
        gauntlet_id TEXT, verdict TEXT, deleted_at REAL NOT NULL, reason TEXT NOT NULL,
        operator TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}'
    );
"""
_TRAILS = """
    CREATE TABLE audit_trails (
        trail_id TEXT PRIMARY KEY, gauntlet_id TEXT NOT NULL UNIQUE, created_at REAL NOT NULL,
        verdict TEXT NOT NULL, confidence REAL NOT NULL, total_findings INTEGER NOT NULL DEFAULT 0,
        duration_seconds REAL NOT NULL DEFAULT 0, receipt_id TEXT, data_json TEXT NOT NULL
    );
    CREATE TABLE decision_receipts (
        receipt_id TEXT PRIMARY KEY, gauntlet_id TEXT NOT NULL UNIQUE, created_at REAL NOT NULL,
        verdict TEXT NOT NULL, confidence REAL NOT NULL, risk_level TEXT NOT NULL,
        checksum TEXT NOT NULL, audit_trail_id TEXT, data_json TEXT NOT NULL
    );
"""


def write_receipts(path: Path, rows: Sequence[Row], *, is_first: bool = False) -> None:
    """Write ``receipts.db``; with ``is_first`` as the first versions made it."""
    create(path, _RECEIPTS.format(later="" if is_first else _LATER))
    fill(path, {"receipts": rows})


def write_deletions(path: Path, rows: Sequence[Row]) -> None:
    """Write ``receipt_deletions.db``."""
    create(path, _DELETIONS)
    fill(path, {"receipt_deletions": rows})


def write_audit_trails(path: Path, receipts: Sequence[Row]) -> None:
    """Write ``audit_trails.db``; its trails are empty, as they always were."""
    create(path, _TRAILS)
    fill(path, {"decision_receipts": receipts})
