"""A file as the older Aragora left it, of any size, with 1 KB of JSON or text in each row."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus

__all__ = ["count_rows", "write_source"]

# Shares of the rows, in percent; critiques are the rest.
_SHARES = {"debates": 2, "consensus": 25, "dissent": 25, "patterns": 20}
_CHUNK = 5000
_NAMESPACE = uuid.UUID(int=42)
_AGENTS = ("claude", "gpt-4", "gemini", "mistral")
_STRENGTHS = ("unanimous", "strong", "moderate", "weak", "split", "contested")
_DISSENT_TYPES = ("minor_quibble", "alternative_approach", "risk_warning", "edge_case_concern")
_ISSUE_TYPES = ("performance", "security", "correctness", "clarity", "general")
_START = datetime(2025, 1, 1)

_SCHEMA = """
CREATE TABLE _schema_versions (
    module TEXT PRIMARY KEY, version INTEGER NOT NULL,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO _schema_versions (module, version)
VALUES ('consensus_memory', 2), ('critique_store', 1);
CREATE TABLE consensus (
    id TEXT PRIMARY KEY, topic TEXT NOT NULL, topic_hash TEXT NOT NULL, conclusion TEXT NOT NULL,
    strength TEXT NOT NULL, confidence REAL, domain TEXT, tags TEXT, timestamp TEXT,
    data TEXT NOT NULL
);
CREATE TABLE dissent (
    id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL, content TEXT NOT NULL, confidence REAL, timestamp TEXT,
    data TEXT NOT NULL, FOREIGN KEY (debate_id) REFERENCES consensus (id)
);
CREATE TABLE debates (
    id TEXT, task TEXT NOT NULL, final_answer TEXT, consensus_reached INTEGER, confidence REAL,
    rounds_used INTEGER, duration_seconds REAL, grounded_verdict TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE critiques (
    id INTEGER PRIMARY KEY AUTOINCREMENT, debate_id TEXT, agent TEXT NOT NULL, target_agent TEXT,
    issues TEXT, suggestions TEXT, severity REAL, reasoning TEXT,
    led_to_improvement INTEGER DEFAULT 0, expected_usefulness REAL DEFAULT 0.5,
    actual_usefulness REAL, prediction_error REAL, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (debate_id) REFERENCES debates (id)
);
CREATE TABLE patterns (
    id TEXT PRIMARY KEY, issue_type TEXT NOT NULL, issue_text TEXT NOT NULL, suggestion_text TEXT,
    success_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0,
    avg_severity REAL DEFAULT 0.5, surprise_score REAL DEFAULT 0.0, base_rate REAL DEFAULT 0.5,
    avg_prediction_error REAL DEFAULT 0.0, prediction_count INTEGER DEFAULT 0, example_task TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT DEFAULT CURRENT_TIMESTAMP
);
"""
# Made after the rows: the file is the same, and there sooner.
_INDEXES = """
CREATE INDEX idx_consensus_topic_hash ON consensus (topic_hash);
CREATE INDEX idx_consensus_domain ON consensus (domain);
CREATE INDEX idx_consensus_confidence ON consensus (confidence DESC, timestamp DESC);
CREATE INDEX idx_dissent_debate ON dissent (debate_id);
CREATE INDEX idx_dissent_type ON dissent (dissent_type);
CREATE INDEX idx_dissent_timestamp ON dissent (timestamp DESC);
CREATE INDEX idx_critiques_debate ON critiques (debate_id);
CREATE INDEX idx_patterns_type ON patterns (issue_type);
CREATE INDEX idx_patterns_success ON patterns (success_count DESC);
PRAGMA journal_mode = WAL;
"""


def count_rows(rows: int) -> dict[str, int]:
    """Return how many rows each table of a source of so many rows has."""
    counts = {table: max(1, rows * share // 100) for table, share in _SHARES.items()}
    return counts | {"critiques": rows - sum(counts.values())}


def write_source(path: Path, rows: int, advance: Callable[[int], None]) -> None:
    """Write the file, which is the same in every run: one million rows are about 1.4 GB."""
    counts = count_rows(rows)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        connection.execute("BEGIN")
        for table, make in _MAKERS.items():
            made = make(counts)
            while chunk := list(islice(made, _CHUNK)):
                columns, marks = ", ".join(chunk[0]), ", ".join("?" * len(chunk[0]))
                connection.executemany(
                    f"INSERT INTO {table} ({columns}) VALUES ({marks})",
                    [tuple(row.values()) for row in chunk],
                )
                advance(len(chunk))
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)


def _key(table: str, number: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{table} {number}"))


def _local_time(number: int) -> str:
    return (_START + timedelta(seconds=11 * number, microseconds=number % 1_000_000)).isoformat()


def _sql_time(number: int) -> str:
    return (_START + timedelta(seconds=11 * number)).strftime("%Y-%m-%d %H:%M:%S")


class _Text:
    """Cuts texts out of a long one."""

    def __init__(self, seed: str) -> None:
        self.chooser = random.Random(seed)
        self._filler = " ".join(row.conclusion for row in Corpus(20).rows())

    def __call__(self, length: int) -> str:
        start = int(self.chooser.random() * (len(self._filler) - length))
        return self._filler[start : start + length]


def _consensus(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    text = _Text("consensus")
    dissents = counts["dissent"]
    for number, topic in enumerate(Corpus(counts["consensus"]).rows()):
        row: dict[str, Any] = {
            "id": _key("consensus", number),
            "topic": topic.topic,
            "topic_hash": topic.topic_hash,
            "conclusion": text(120),
            "strength": _STRENGTHS[number % 6],
            "confidence": text.chooser.random(),
            "domain": topic.domain,
        }
        timestamp = _local_time(number)
        tags = ["limits", f"tag-{number % 50}"]
        data = row | {
            "participating_agents": _AGENTS,
            "agreeing_agents": _AGENTS[:3],
            "dissenting_agents": _AGENTS[3:],
            "key_claims": [text(80) for _ in range(2)],
            "supporting_evidence": [],
            "dissent_ids": [_key("dissent", number)] if number < dissents else [],
            "tags": tags,
            "timestamp": timestamp,
            "debate_duration_seconds": text.chooser.random() * 900,
            "rounds": number % 6,
            "supersedes": None,
            "superseded_by": None,
            "metadata": {"debate_id": _key("debates", number), "winner": _AGENTS[number % 4]},
        }
        yield row | {"tags": json.dumps(tags), "timestamp": timestamp, "data": json.dumps(data)}


def _dissent(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    text = _Text("dissent")
    for number in range(counts["dissent"]):
        row: dict[str, Any] = {
            "id": _key("dissent", number),
            "debate_id": _key("consensus", number % counts["consensus"]),
            "agent_id": _AGENTS[number % 4],
            "dissent_type": _DISSENT_TYPES[number % 4],
            "content": text(160),
            "confidence": text.chooser.random(),
            "timestamp": _local_time(number),
        }
        data = row | {
            "reasoning": text(240),
            "acknowledged": number % 3 == 0,
            "rebuttal": text(60) if number % 3 == 0 else "",
            "metadata": {"vote": {"weight": text.chooser.random(), "reason": text(120)}},
        }
        yield row | {"data": json.dumps(data)}


def _debates(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    text = _Text("debates")
    for number in range(counts["debates"]):
        verdict = {"verdict": text(80), "confidence": text.chooser.random(), "claims": []}
        yield {
            "id": _key("debates", number),
            "task": text(120),
            "final_answer": text(600),
            "consensus_reached": number % 2,
            "confidence": text.chooser.random(),
            "rounds_used": number % 6,
            "duration_seconds": text.chooser.random() * 900,
            "grounded_verdict": json.dumps(verdict) if number % 2 else None,
            "created_at": _sql_time(number),
        }


def _critiques(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    text = _Text("critiques")
    for number in range(counts["critiques"]):
        yield {
            "id": number + 1,
            "debate_id": _key("debates", number % counts["debates"]),
            "agent": _AGENTS[number % 4],
            "target_agent": _AGENTS[(number + 1) % 4],
            "issues": json.dumps([text(140) for _ in range(3)]),
            "suggestions": json.dumps([text(140) for _ in range(3)]),
            "severity": text.chooser.random() * 10,
            "reasoning": text(120),
            "created_at": _sql_time(number),
        }


def _patterns(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    text = _Text("patterns")
    for number in range(counts["patterns"]):
        yield {
            "id": _key("patterns", number).replace("-", "")[:12],
            "issue_type": _ISSUE_TYPES[number % 5],
            "issue_text": text(120),
            "suggestion_text": text(240),
            "success_count": number % 90,
            "failure_count": number % 7,
            "avg_severity": text.chooser.random() * 10,
            "surprise_score": text.chooser.random(),
            "base_rate": text.chooser.random(),
            "example_task": text(500),
            "created_at": _local_time(number),
            "updated_at": _local_time(number + 1000),
        }


_MAKERS: dict[str, Callable[[dict[str, int]], Iterator[dict[str, Any]]]] = {
    "debates": _debates,
    "consensus": _consensus,
    "dissent": _dissent,
    "critiques": _critiques,
    "patterns": _patterns,
}
