"""Files of the older program's ranking, in the shapes that its versions left."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["CALIBRATION", "DAMAGED", "RATINGS", "write_elo"]

DAMAGED = "no object"

# The calibration columns came later: they stand at the end where a file was upgraded, before
# updated_at where a script consolidated it.
_FIRST = "agent_name TEXT PRIMARY KEY, elo REAL DEFAULT 1500, domain_elos TEXT, wins INTEGER DEFAULT 0, losses INTEGER DEFAULT 0, draws INTEGER DEFAULT 0, debates_count INTEGER DEFAULT 0, critiques_accepted INTEGER DEFAULT 0, critiques_total INTEGER DEFAULT 0"  # noqa: E501
_UPDATED = "updated_at TEXT DEFAULT CURRENT_TIMESTAMP"
CALIBRATION = "calibration_correct INTEGER DEFAULT 0, calibration_total INTEGER DEFAULT 0, calibration_brier_sum REAL DEFAULT 0.0"  # noqa: E501
RATINGS = {
    "v1": f"{_FIRST}, {_UPDATED}",
    "v2": f"{_FIRST}, {_UPDATED}, {CALIBRATION}",
    "consolidated": f"{_FIRST}, {CALIBRATION}, {_UPDATED}",
}
_TABLES = """
CREATE TABLE matches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, debate_id TEXT UNIQUE, winner TEXT, participants TEXT,
    domain TEXT, scores TEXT, elo_changes TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE elo_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, agent_name TEXT NOT NULL, elo REAL NOT NULL,
    debate_id TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE calibration_predictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tournament_id TEXT NOT NULL,
    predictor_agent TEXT NOT NULL, predicted_winner TEXT NOT NULL, confidence REAL NOT NULL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP, UNIQUE (tournament_id, predictor_agent)
);
CREATE TABLE domain_calibration (
    agent_name TEXT NOT NULL, domain TEXT NOT NULL, total_predictions INTEGER DEFAULT 0,
    total_correct INTEGER DEFAULT 0, brier_sum REAL DEFAULT 0.0, updated_at TEXT,
    PRIMARY KEY (agent_name, domain)
);
CREATE TABLE calibration_buckets (
    agent_name TEXT NOT NULL, domain TEXT NOT NULL, bucket_key TEXT NOT NULL,
    predictions INTEGER DEFAULT 0, correct INTEGER DEFAULT 0, brier_sum REAL DEFAULT 0.0,
    PRIMARY KEY (agent_name, domain, bucket_key)
);
CREATE TABLE agent_relationships (
    agent_a TEXT NOT NULL, agent_b TEXT NOT NULL, debate_count INTEGER DEFAULT 0,
    agreement_count INTEGER DEFAULT 0, critique_count_a_to_b INTEGER DEFAULT 0,
    critique_count_b_to_a INTEGER DEFAULT 0, critique_accepted_a_to_b INTEGER DEFAULT 0,
    critique_accepted_b_to_a INTEGER DEFAULT 0, position_changes_a_after_b INTEGER DEFAULT 0,
    position_changes_b_after_a INTEGER DEFAULT 0, a_wins_over_b INTEGER DEFAULT 0,
    b_wins_over_a INTEGER DEFAULT 0, updated_at TEXT, PRIMARY KEY (agent_a, agent_b),
    CHECK (agent_a < agent_b)
);
CREATE TABLE _schema_versions (
    module TEXT PRIMARY KEY, version INTEGER NOT NULL, updated_at TEXT DEFAULT CURRENT_TIMESTAMP
);
"""


def write_elo(
    path: Path,
    shape: str,
    rows: dict[str, Sequence[dict[str, Any]]],
    modules: Iterable[str] = ("elo",),
) -> None:
    """Write a file of one shape with these rows by table; documents become JSON as Python's."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"CREATE TABLE ratings ({RATINGS[shape]});{_TABLES}")
        for module in modules:
            connection.execute(
                "INSERT INTO _schema_versions (module, version) VALUES (?, 1)", [module]
            )
        for table, entries in rows.items():
            for entry in entries:
                values = [
                    json.dumps(value) if isinstance(value, dict | list) else value
                    for value in entry.values()
                ]
                marks = ", ".join("?" * len(values))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(entry)}) VALUES ({marks})",
                    values,
                )
