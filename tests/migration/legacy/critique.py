"""The critique store's tables in every shape that the older Aragora left behind.

=============== ==================================================================================
shape           what it is
=============== ==================================================================================
class           made by the newest class: ``debates`` has no key, so storing one twice left two rows
keyed           older: ``debates.id`` is the primary key
early           before there were ``_schema_versions``: keyed, no ``grounded_verdict``, and none of
                the columns that the class adds to older files when it opens them
consolidated    made by the consolidation scripts: keyed, no ``grounded_verdict``, no archive, no
                embeddings
nomic           as class, but ``patterns`` is the table of another program
=============== ==================================================================================
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from tests.migration.legacy.values import (
    AGENTS,
    Row,
    Tables,
    create,
    day_time,
    fill,
    legacy_json,
    local_iso,
    pattern_id,
    utc_sql,
    versions_ddl,
    without,
    words,
)

CritiqueShape: TypeAlias = Literal["class", "keyed", "early", "consolidated", "nomic"]
CRITIQUE_SHAPES: tuple[CritiqueShape, ...] = get_args(CritiqueShape)

# Columns of later versions, which the class adds when it opens an older file ...
BACK_FILLED: dict[str, tuple[str, ...]] = {
    "patterns": ("surprise_score", "base_rate", "avg_prediction_error", "prediction_count"),
    "critiques": ("expected_usefulness", "actual_usefulness", "prediction_error"),
    "agent_reputation": ("total_predictions", "total_prediction_error", "calibration_score"),
}
# ... and one that it does not add.
_NOT_BACK_FILLED = {"debates": ("grounded_verdict",)}

_NOW = "DEFAULT CURRENT_TIMESTAMP"
_COLUMNS: dict[str, dict[str, str]] = {
    "debates": {
        "id": "TEXT",
        "task": "TEXT NOT NULL",
        "final_answer": "TEXT",
        "consensus_reached": "INTEGER",
        "confidence": "REAL",
        "rounds_used": "INTEGER",
        "duration_seconds": "REAL",
        "grounded_verdict": "TEXT",
        "created_at": f"TEXT {_NOW}",
    },
    "critiques": {
        "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "debate_id": "TEXT REFERENCES debates (id)",
        "agent": "TEXT NOT NULL",
        "target_agent": "TEXT",
        "issues": "TEXT",
        "suggestions": "TEXT",
        "severity": "REAL",
        "reasoning": "TEXT",
        "led_to_improvement": "INTEGER DEFAULT 0",
        "expected_usefulness": "REAL DEFAULT 0.5",
        "actual_usefulness": "REAL",
        "prediction_error": "REAL",
        "created_at": f"TEXT {_NOW}",
    },
    "patterns": {
        "id": "TEXT PRIMARY KEY",
        "issue_type": "TEXT NOT NULL",
        "issue_text": "TEXT NOT NULL",
        "suggestion_text": "TEXT",
        "success_count": "INTEGER DEFAULT 0",
        "failure_count": "INTEGER DEFAULT 0",
        "avg_severity": "REAL DEFAULT 0.5",
        "surprise_score": "REAL DEFAULT 0.0",
        "base_rate": "REAL DEFAULT 0.5",
        "avg_prediction_error": "REAL DEFAULT 0.0",
        "prediction_count": "INTEGER DEFAULT 0",
        "example_task": "TEXT",
        "created_at": f"TEXT {_NOW}",
        "updated_at": f"TEXT {_NOW}",
    },
    "pattern_embeddings": {
        "pattern_id": "TEXT PRIMARY KEY REFERENCES patterns (id)",
        "embedding": "BLOB",
    },
    "agent_reputation": {
        "agent_name": "TEXT PRIMARY KEY",
        "proposals_made": "INTEGER DEFAULT 0",
        "proposals_accepted": "INTEGER DEFAULT 0",
        "critiques_given": "INTEGER DEFAULT 0",
        "critiques_valuable": "INTEGER DEFAULT 0",
        "updated_at": f"TEXT {_NOW}",
        "total_predictions": "INTEGER DEFAULT 0",
        "total_prediction_error": "REAL DEFAULT 0.0",
        "calibration_score": "REAL DEFAULT 0.5",
    },
    "patterns_archive": {
        "id": "TEXT",
        "issue_type": "TEXT",
        "issue_text": "TEXT",
        "suggestion_text": "TEXT",
        "success_count": "INTEGER",
        "failure_count": "INTEGER",
        "avg_severity": "REAL",
        "surprise_score": "REAL",
        "example_task": "TEXT",
        "created_at": "TEXT",
        "updated_at": "TEXT",
        "archived_at": f"TEXT {_NOW}",
    },
}
FOREIGN_PATTERNS = """
    CREATE TABLE patterns (
        id INTEGER PRIMARY KEY AUTOINCREMENT, issue_type TEXT, issue_text TEXT, file_path TEXT,
        failure_count INTEGER, success_count INTEGER, last_seen TEXT, design_context TEXT
    );
"""
FOREIGN_DEBATES = """
    CREATE TABLE debates (
        id TEXT PRIMARY KEY, slug TEXT UNIQUE NOT NULL, task TEXT NOT NULL, agents TEXT NOT NULL,
        artifact TEXT NOT NULL, consensus_reached INTEGER, confidence REAL,
        created_at TEXT DEFAULT CURRENT_TIMESTAMP, view_count INTEGER DEFAULT 0
    );
"""


def make_critique(rows: int = 20, seed: int = 1) -> Tables:
    """Make the rows of a class-made file: so many debates, the others in proportion.

    Critiques: two for each debate; every ninth stands alone, every thirteenth is an orphan. Every
    tenth debate is there twice, with its critiques. Patterns: half as many as debates, with an
    embedding for every third and one embedding that belongs to nothing. Archive: a fifth, ids
    repeated.
    """
    chooser = random.Random(f"critique {seed}")
    debates = [_debate(chooser, seed, number) for number in range(rows)]
    critiques = [_critique(chooser, number, debates) for number in range(2 * rows)]
    for first in debates[::10]:
        again = utc_sql(day_time(chooser) + timedelta(days=300))
        debates.append(first | {"created_at": again, "final_answer": "the later answer"})
        copies = [c for c in critiques if c["debate_id"] == first["id"]]
        critiques += [copy | {"created_at": again} for copy in copies]
    for number, critique in enumerate(critiques, start=1):
        critique["id"] = number
    patterns = [_pattern(chooser, f"issue {seed}-{number}") for number in range(rows // 2)]
    embedded = [*(pattern["id"] for pattern in patterns[::3]), f"gone-{seed}"]
    return {
        "debates": debates,
        "critiques": critiques,
        "patterns": patterns,
        "pattern_embeddings": [
            {"pattern_id": key, "embedding": chooser.randbytes(64)} for key in embedded
        ],
        "agent_reputation": [
            _reputation(chooser, number, name) for number, name in enumerate(AGENTS)
        ],
        "patterns_archive": [
            _archived_pattern(chooser, chooser.choice(patterns))
            for _ in range(len(patterns) and rows // 5)
        ],
    }


def write_critique(
    path: Path,
    rows: int = 20,
    seed: int = 1,
    shape: CritiqueShape = "class",
    tables: Tables | None = None,
) -> Tables:
    """Add the store's tables to a file, in one of the shapes, and return the rows written.

    ``tables`` are class-made rows to use instead of :func:`make_critique`'s; tables and columns
    that the shape does not have are left out, and so are repeated debates where there is a key.
    """
    if tables is None:
        tables = make_critique(rows, seed)
    columns = _columns(shape)
    written = {
        table: [without(row, set(row) - set(columns[table])) for row in tables.get(table, [])]
        for table in columns
    }
    if shape not in ("class", "nomic"):
        # INSERT OR REPLACE kept the later one.
        written["debates"] = list({row["id"]: row for row in written["debates"]}.values())
    create(path, critique_ddl(shape))
    fill(path, written)
    if shape == "nomic":
        fill(path, {"patterns": foreign_patterns(seed=seed)})
    return written


def critique_ddl(shape: CritiqueShape) -> str:
    """Return the statements that make the tables of a shape."""
    columns = _columns(shape)
    if shape not in ("class", "nomic"):
        columns["debates"]["id"] = "TEXT PRIMARY KEY"
    statements = [
        f"CREATE TABLE {table} ({', '.join(f'{n} {kind}' for n, kind in of.items())});"
        for table, of in columns.items()
    ]
    statements.append("CREATE INDEX idx_critiques_debate ON critiques (debate_id);")
    if shape == "nomic":
        statements.append(FOREIGN_PATTERNS)
    else:
        statements.append("CREATE INDEX idx_patterns_type ON patterns (issue_type);")
    if shape == "consolidated":
        statements.append(versions_ddl("memory", 1))
    elif shape != "early":
        statements.append(versions_ddl("critique_store", 1))
    return "\n".join(statements)


def foreign_patterns(rows: int = 3, seed: int = 1) -> list[Row]:
    """Return rows of another program's ``patterns``."""
    chooser = random.Random(f"foreign patterns {seed}")
    return [
        {
            "issue_type": "general",
            "issue_text": words(chooser, 6),
            "file_path": f"src/module_{number}.py",
            "failure_count": number,
            "success_count": 1,
            "last_seen": local_iso(day_time(chooser)),
            "design_context": words(chooser, 4),
        }
        for number in range(rows)
    ]


def foreign_debates(rows: int = 3, seed: int = 1) -> list[Row]:
    """Return rows of another store's ``debates``."""
    chooser = random.Random(f"foreign debates {seed}")
    return [
        {
            "id": f"web-{seed}-{number}",
            "slug": f"debate-{seed}-{number}",
            "task": words(chooser, 6),
            "agents": legacy_json(AGENTS[:3]),
            "artifact": legacy_json({"answer": words(chooser, 10)}),
            "consensus_reached": 1,
            "confidence": chooser.random(),
            "created_at": utc_sql(day_time(chooser)),
        }
        for number in range(rows)
    ]


def _columns(shape: CritiqueShape) -> dict[str, dict[str, str]]:
    missing: Mapping[str, tuple[str, ...]] = {}
    if shape == "early":
        missing = {**BACK_FILLED, **_NOT_BACK_FILLED}
    elif shape == "consolidated":
        missing = _NOT_BACK_FILLED
    tables = dict(_COLUMNS)
    if shape == "consolidated":
        del tables["patterns_archive"], tables["pattern_embeddings"]
    if shape == "nomic":
        del tables["patterns"], tables["pattern_embeddings"]
    return {table: without(columns, missing.get(table, ())) for table, columns in tables.items()}


def _debate(chooser: random.Random, seed: int, number: int) -> Row:
    verdict: dict[str, Any] | None = None
    if number % 3 == 0:
        verdict = {
            "verdict": words(chooser, 6),
            "confidence": chooser.random(),
            "claims": [
                {
                    "claim_text": words(chooser, 5),
                    "claim_id": f"claim-{number}",
                    "citations": [],
                    "confidence": chooser.random(),
                    "grounding_score": chooser.random(),
                }
            ],
            "all_citations": [],
            "grounding_score": chooser.random(),
        }
    return {
        "id": f"debate-{seed}-{number}",
        "task": words(chooser, 9),
        "final_answer": words(chooser, 25) if number % 7 else None,
        "consensus_reached": (1, 0, None)[number % 3],
        "confidence": chooser.random(),
        "rounds_used": number % 6,
        "duration_seconds": chooser.random() * 900,
        # An empty text stands for no verdict.
        "grounded_verdict": legacy_json(verdict) if verdict else (None, "")[number % 2],
        "created_at": utc_sql(day_time(chooser)),
    }


def _critique(chooser: random.Random, number: int, debates: list[Row]) -> Row:
    debate_id = chooser.choice(debates)["id"]
    if number % 13 == 12:
        debate_id = f"no-debate-{number}"
    elif number % 9 == 8:
        debate_id = None
    expected = (0.5, 0.0, chooser.random(), None)[number % 4]
    actual = None if number % 5 or expected is None else chooser.random()
    return {
        "id": None,
        "debate_id": debate_id,
        "agent": chooser.choice(AGENTS),
        "target_agent": chooser.choice((*AGENTS, None)),
        "issues": legacy_json([words(chooser, 5) for _ in range(number % 4)]),
        "suggestions": (None, "", legacy_json([words(chooser, 7)]))[number % 3],
        # 0 to 10 by most writers, 0 to 1 by some.
        "severity": chooser.random() * (10 if number % 4 else 1),
        "reasoning": words(chooser, 14),
        "led_to_improvement": 0,
        "expected_usefulness": expected,
        "actual_usefulness": actual,
        "prediction_error": None if expected is None or actual is None else abs(expected - actual),
        "created_at": utc_sql(day_time(chooser)),
    }


def _pattern(chooser: random.Random, issue_text: str) -> Row:
    first = day_time(chooser)
    return {
        "id": pattern_id(issue_text),
        "issue_type": chooser.choice(("performance", "security", "correctness", "general")),
        "issue_text": issue_text,
        "suggestion_text": words(chooser, 8) if chooser.random() < 0.9 else None,
        "success_count": chooser.randrange(1, 40),
        "failure_count": chooser.randrange(0, 4),
        "avg_severity": chooser.random() * 10,
        "surprise_score": chooser.random(),
        "base_rate": chooser.random() if chooser.random() < 0.9 else None,
        "avg_prediction_error": 0.0,
        "prediction_count": 0,
        "example_task": words(chooser, 40),
        "created_at": local_iso(first),
        "updated_at": local_iso(first + timedelta(days=chooser.randrange(30))),
    }


def _archived_pattern(chooser: random.Random, pattern: Row) -> Row:
    dropped = ("base_rate", "avg_prediction_error", "prediction_count")
    return without(pattern, dropped) | {"archived_at": utc_sql(day_time(chooser))}


def _reputation(chooser: random.Random, number: int, name: str) -> Row:
    made, given, predictions = (chooser.randrange(1, 60) for _ in range(3))
    error = chooser.random() * predictions
    timestamp = day_time(chooser)
    return {
        "agent_name": name,
        "proposals_made": made,
        "proposals_accepted": chooser.randrange(made + 1),
        "critiques_given": given,
        "critiques_valuable": chooser.randrange(given + 1),
        # Only inserted: the column's default. Updated since: Python's local time.
        "updated_at": local_iso(timestamp) if number % 2 else utc_sql(timestamp),
        "total_predictions": predictions,
        "total_prediction_error": error,
        "calibration_score": 1 - error / predictions,
    }
