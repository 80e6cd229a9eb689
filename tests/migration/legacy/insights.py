"""Files of the older insights: ``aragora_insights.db`` and ``analytics.db``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_analytics_schema", "write_insights"]

# insights.created_at, first_seen, last_seen and created_at of a use are local, the others UTC in
# whole seconds. The table of uses was made by the first one.
_TABLES = """
    CREATE TABLE insights (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, title TEXT NOT NULL, description TEXT,
        confidence REAL DEFAULT 0.5, debate_id TEXT NOT NULL, agents_involved TEXT, evidence TEXT,
        created_at TEXT DEFAULT CURRENT_TIMESTAMP, metadata TEXT
    );
    CREATE TABLE debate_summaries (
        debate_id TEXT PRIMARY KEY, task TEXT, consensus_reached INTEGER, duration_seconds REAL,
        total_insights INTEGER, key_takeaway TEXT, agent_performances TEXT,
        created_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
    CREATE TABLE agent_performance_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, agent_name TEXT NOT NULL, debate_id TEXT NOT NULL,
        proposals_made INTEGER DEFAULT 0, critiques_given INTEGER DEFAULT 0,
        critiques_received INTEGER DEFAULT 0, proposal_accepted INTEGER DEFAULT 0,
        vote_aligned INTEGER DEFAULT 0, avg_critique_severity REAL DEFAULT 0.0,
        contribution_score REAL DEFAULT 0.5, created_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
    CREATE TABLE pattern_clusters (
        id INTEGER PRIMARY KEY AUTOINCREMENT, category TEXT NOT NULL, pattern_text TEXT NOT NULL,
        occurrence_count INTEGER DEFAULT 1, avg_severity REAL DEFAULT 0.5, debate_ids TEXT,
        first_seen TEXT, last_seen TEXT, UNIQUE(category, pattern_text)
    );
    CREATE TABLE wisdom_submissions (
        id INTEGER PRIMARY KEY AUTOINCREMENT, loop_id TEXT NOT NULL, text TEXT NOT NULL,
        submitter_id TEXT DEFAULT 'anonymous', context_tags TEXT DEFAULT '[]',
        used INTEGER DEFAULT 0, created_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
"""
_USAGE = """
    CREATE TABLE insight_usage (
        id INTEGER PRIMARY KEY AUTOINCREMENT, insight_id TEXT NOT NULL, debate_id TEXT NOT NULL,
        was_successful INTEGER DEFAULT 0, created_at TEXT, UNIQUE(insight_id, debate_id)
    );
"""
_OTHERS = """
    CREATE TABLE debate_summaries (id TEXT PRIMARY KEY, debate_id TEXT, summary TEXT);
    CREATE TABLE pattern_clusters (id TEXT PRIMARY KEY, cluster_name TEXT, pattern_count INTEGER);
    CREATE TABLE agent_performance_history (id TEXT PRIMARY KEY, agent_name TEXT, elo REAL);
"""


def write_insights(path: Path, tables: Mapping[str, Sequence[Row]]) -> None:
    create(path, _TABLES + (_USAGE if "insight_usage" in tables else ""))
    fill(path, tables)


def write_analytics_schema(path: Path) -> None:
    """Write the tables of the same names that another part of the older program had."""
    create(path, _OTHERS)
    fill(path, {"pattern_clusters": [{"id": "c", "cluster_name": "n", "pattern_count": 1}]})
