"""Files of the older archives of debates: ``debates.db``, ``aragora_debates.db``, ``core.db``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_debate_archive"]

# created_at is UTC in whole seconds, audio_generated_at local. A consolidated file (core.db) lacks
# the last two columns and has no unique slugs.
_DEBATES = """
    CREATE TABLE IF NOT EXISTS debates (
        id TEXT PRIMARY KEY, slug TEXT {unique} NOT NULL, task TEXT NOT NULL, agents TEXT NOT NULL,
        artifact_json TEXT NOT NULL, consensus_reached BOOLEAN, confidence REAL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, view_count INTEGER DEFAULT 0,
        audio_path TEXT, audio_generated_at TIMESTAMP, audio_duration_seconds INTEGER{more}
    );
    CREATE INDEX IF NOT EXISTS idx_debates_slug ON debates(slug);
    CREATE INDEX IF NOT EXISTS idx_debates_created ON debates(created_at);
"""


def write_debate_archive(path: Path, rows: Sequence[Row], *, is_consolidated: bool = False) -> None:
    unique = "" if is_consolidated else "UNIQUE"
    more = "" if is_consolidated else ", org_id TEXT, is_public INTEGER DEFAULT 0"
    create(path, _DEBATES.format(unique=unique, more=more))
    fill(path, {"debates": rows})
