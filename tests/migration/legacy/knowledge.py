"""Files of the older knowledge: ``knowledge/mound.db`` of two classes, and its vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_mound", "write_vectors"]

# All times are local. Who may see a node is in its metadata.
_MOUND = """
    CREATE TABLE knowledge_nodes (
        id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, node_type TEXT NOT NULL,
        content TEXT NOT NULL, content_hash TEXT NOT NULL, confidence REAL DEFAULT 0.5,
        tier TEXT DEFAULT 'slow', surprise_score REAL DEFAULT 0.0, update_count INTEGER DEFAULT 1,
        consolidation_score REAL DEFAULT 0.0, validation_status TEXT DEFAULT 'unverified',
        consensus_proof_id TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        metadata TEXT DEFAULT '{}'
    );
    CREATE TABLE provenance (
        id TEXT PRIMARY KEY, node_id TEXT NOT NULL, source_type TEXT NOT NULL,
        source_id TEXT NOT NULL, agent_id TEXT, debate_id TEXT, document_id TEXT, user_id TEXT,
        transformations TEXT DEFAULT '[]', created_at TEXT NOT NULL,
        FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id)
    );
    CREATE TABLE relationships (
        id TEXT PRIMARY KEY, from_node_id TEXT NOT NULL, to_node_id TEXT NOT NULL,
        relationship_type TEXT NOT NULL, strength REAL DEFAULT 1.0, created_by TEXT,
        created_at TEXT NOT NULL, metadata TEXT DEFAULT '{}',
        FOREIGN KEY (from_node_id) REFERENCES knowledge_nodes (id),
        FOREIGN KEY (to_node_id) REFERENCES knowledge_nodes (id)
    );
    CREATE TABLE node_topics (
        node_id TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (node_id, topic),
        FOREIGN KEY (node_id) REFERENCES knowledge_nodes (id)
    );
"""
# Made at first use. Which code path ran first decides on archived_by.
_ARCHIVE = """
    CREATE TABLE knowledge_archive (
        id TEXT PRIMARY KEY, original_id TEXT NOT NULL, content TEXT NOT NULL, source TEXT,
        source_id TEXT, confidence TEXT, importance REAL, metadata TEXT, created_at TEXT,
        updated_at TEXT, archived_at TEXT NOT NULL,{} workspace_id TEXT
    );
"""
_HISTORY = """
    CREATE TABLE prune_history (
        id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, executed_at TEXT NOT NULL, policy_id TEXT,
        action TEXT NOT NULL, items_pruned INTEGER NOT NULL, pruned_item_ids TEXT NOT NULL,
        reason TEXT, executed_by TEXT
    );
"""
_VECTORS = """
    CREATE TABLE semantic_index (
        id TEXT PRIMARY KEY, source_type TEXT NOT NULL, source_id TEXT NOT NULL,
        content_hash TEXT NOT NULL, embedding BLOB NOT NULL, embedding_model TEXT NOT NULL,
        embedding_dim INTEGER NOT NULL, tenant_id TEXT NOT NULL DEFAULT 'default',
        domain TEXT DEFAULT 'general', importance REAL DEFAULT 0.5, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, retrieval_count INTEGER DEFAULT 0, last_retrieved_at TEXT,
        avg_retrieval_rank REAL DEFAULT 0.0, metadata TEXT,
        UNIQUE (source_type, source_id, tenant_id)
    );
"""


def write_vectors(path: Path, rows: Sequence[Row]) -> None:
    """Write ``mound_semantic.db``."""
    create(path, _VECTORS)
    fill(path, {"semantic_index": rows})


def write_mound(
    path: Path, tables: Mapping[str, Sequence[Row]], *, with_archived_by: bool = False
) -> None:
    """Write ``mound.db``; lists and objects become JSON text."""
    create(path, _MOUND)
    if "knowledge_archive" in tables:
        create(path, _ARCHIVE.format(" archived_by TEXT," if with_archived_by else ""))
    if "prune_history" in tables:
        create(path, _HISTORY)
    fill(path, {table: [_encoded(row) for row in rows] for table, rows in tables.items()})


def _encoded(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }
