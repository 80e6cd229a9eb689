"""Files of the older facts: ``knowledge.db``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_facts"]

# All times are local. The full-text table has no content: nothing is in it that facts has not.
_FACTS = """
    CREATE TABLE facts (
        id TEXT PRIMARY KEY, statement TEXT NOT NULL, statement_hash TEXT NOT NULL,
        confidence REAL DEFAULT 0.5, evidence_ids_json TEXT DEFAULT '[]',
        consensus_proof_id TEXT, source_documents_json TEXT DEFAULT '[]',
        workspace_id TEXT NOT NULL, validation_status TEXT DEFAULT 'unverified',
        topics_json TEXT DEFAULT '[]', metadata_json TEXT DEFAULT '{}', created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, superseded_by TEXT
    );
    CREATE TABLE fact_relations (
        id TEXT PRIMARY KEY, source_fact_id TEXT NOT NULL, target_fact_id TEXT NOT NULL,
        relation_type TEXT NOT NULL, confidence REAL DEFAULT 0.5, created_by TEXT,
        metadata_json TEXT DEFAULT '{}', created_at TEXT NOT NULL,
        FOREIGN KEY (source_fact_id) REFERENCES facts (id),
        FOREIGN KEY (target_fact_id) REFERENCES facts (id)
    );
    CREATE VIRTUAL TABLE facts_fts USING fts5(id, statement, topics, content='');
"""


def write_facts(path: Path, facts: Sequence[Row], relations: Sequence[Row]) -> None:
    """Write ``knowledge.db``; lists and objects become JSON text."""
    create(path, _FACTS)
    fill(
        path,
        {
            "facts": [_encoded(row) for row in facts],
            "fact_relations": [_encoded(row) for row in relations],
            "facts_fts": [
                {"rowid": n, "statement": row["statement"]} for n, row in enumerate(facts, 1)
            ],
        },
    )


def _encoded(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }
