"""Files of the older links: ``share_links.db`` and ``receipt_shares.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_receipt_shares", "write_share_links"]

# Times are seconds since 1970. The key may be NULL, as SQLite allows it: a link that was revoked.
_LINKS = """
    CREATE TABLE share_links (
        token TEXT PRIMARY KEY, debate_id TEXT NOT NULL UNIQUE,
        visibility TEXT NOT NULL DEFAULT 'private', owner_id TEXT, org_id TEXT,
        created_at REAL NOT NULL, expires_at REAL, allow_comments INTEGER DEFAULT 0,
        allow_forking INTEGER DEFAULT 0, view_count INTEGER DEFAULT 0, last_viewed_at REAL
    );
"""
_RECEIPTS = """
    CREATE TABLE receipt_shares (
        token TEXT PRIMARY KEY, receipt_id TEXT NOT NULL, created_at REAL NOT NULL,
        expires_at REAL NOT NULL, max_accesses INTEGER, access_count INTEGER DEFAULT 0,
        created_by TEXT
    );
"""


def write_share_links(path: Path, rows: Sequence[Row]) -> None:
    create(path, _LINKS)
    fill(path, {"share_links": rows})


def write_receipt_shares(path: Path, rows: Sequence[Row]) -> None:
    create(path, _RECEIPTS)
    fill(path, {"receipt_shares": rows})
