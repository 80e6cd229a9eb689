"""Every value that a migration must not stumble over, one row each, and what becomes of it.

:data:`BAD_ROWS` is the table to read and to edit. Each row is a good one of its table, with an id
of its own, in which some columns (``values``) or keys of the column ``data`` (``document``) are
replaced.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tests.migration.legacy.consensus import write_consensus
from tests.migration.legacy.critique import write_critique
from tests.migration.legacy.values import Row, Sql, Tables, connect, insert, legacy_json

# rejected: in the reject file. migrated: as it is. adjusted: migrated with a value that a stated
# rule gives. merged: rows of one key become one. orphan: what --orphans says.
Outcome: TypeAlias = Literal["rejected", "migrated", "adjusted", "merged", "orphan"]

# The zone in which AMBIGUOUS happened twice and SKIPPED never.
SOURCE_ZONE = "America/Chicago"
AMBIGUOUS = "2025-11-02T01:30:00"
SKIPPED = "2025-03-09T02:30:00"

GOOD_PARENTS = {"consensus": "good-consensus", "debates": "good-debate", "patterns": "good-pattern"}
FIRST_CRITIQUE_ID = 1_000_000
HUGE_TEXT_CHARACTERS = 52_428_800
HUGE = "huge-text"


def raw_text(data: bytes) -> Sql:
    """Return TEXT made of these bytes, whatever they are."""
    return Sql(f"CAST(x'{data.hex()}' AS TEXT)")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row with something wrong in it, or something that only looks wrong.

    ``column`` is the target's column that a report is to name; None where no value is to blame.
    ``document`` replaces keys of the JSON in ``data``; a text replaces the JSON. ``copies`` is how
    often the row is in the file.
    """

    name: str
    table: str
    outcome: Outcome
    column: str | None
    values: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] | str = field(default_factory=dict)
    copies: int = 1

    @property
    def key(self) -> Any:
        """The value of the key column in the file; None where it is NULL or not a plain value."""
        value = self.row()[key_column(self.table)]
        return None if isinstance(value, Sql) else value

    def row(self) -> Row:
        """Return the row as it is inserted."""
        row = good_row(self.table, self.name)
        data = row.get("data")
        if isinstance(self.document, str):
            row["data"] = self.document
        elif data is not None:
            row["data"] = legacy_json({**data, **self.document})
        return {**row, **self.values}


def key_column(table: str) -> str:
    """Return the column that identifies a row of a table of the older program."""
    return {"pattern_embeddings": "pattern_id", "agent_reputation": "agent_name"}.get(table, "id")


def good_row(table: str, name: str) -> Row:
    """Return a row without any fault, named after ``name``; ``data`` is still an object."""
    key = f"bad-{name}"
    row = dict(_GOOD[table])
    row[key_column(table)] = key if table != "critiques" else _critique_id(name)
    if "data" in row and table != "verified_proofs":
        row["data"] = row["data"] | {"id": key}
    return row


def _critique_id(name: str) -> int:
    names = [bad.name for bad in BAD_ROWS if bad.table == "critiques"]
    return FIRST_CRITIQUE_ID + (names.index(name) if name in names else len(names))


_TIMESTAMP = "2026-01-15T10:11:12.131415"
_CONSENSUS_DATA: dict[str, Any] = {
    "id": "",
    "topic": "Rate limiting approach",
    "topic_hash": "27c18c4635ab2b10",
    "conclusion": "A token bucket",
    "strength": "strong",
    "confidence": 0.85,
    "participating_agents": ["claude", "gpt-4"],
    "agreeing_agents": ["claude"],
    "dissenting_agents": ["gpt-4"],
    "key_claims": ["It is fair"],
    "supporting_evidence": [],
    "dissent_ids": [],
    "domain": "architecture",
    "tags": ["limits"],
    "timestamp": _TIMESTAMP,
    "debate_duration_seconds": 41.5,
    "rounds": 3,
    "supersedes": None,
    "superseded_by": None,
    "metadata": {"debate_id": "debate-1"},
}
_DISSENT_DATA: dict[str, Any] = {
    "id": "",
    "debate_id": GOOD_PARENTS["consensus"],
    "agent_id": "gpt-4",
    "dissent_type": "risk_warning",
    "content": "It can starve",
    "reasoning": "Bursts",
    "confidence": 0.7,
    "acknowledged": False,
    "rebuttal": "",
    "timestamp": _TIMESTAMP,
    "metadata": {},
}
_GOOD: dict[str, Row] = {
    "consensus": {
        "id": "",
        "topic": _CONSENSUS_DATA["topic"],
        "topic_hash": _CONSENSUS_DATA["topic_hash"],
        "conclusion": _CONSENSUS_DATA["conclusion"],
        "strength": "strong",
        "confidence": 0.85,
        "domain": "architecture",
        "tags": '["limits"]',
        "timestamp": _TIMESTAMP,
        "data": _CONSENSUS_DATA,
    },
    "dissent": {
        "id": "",
        "debate_id": GOOD_PARENTS["consensus"],
        "agent_id": "gpt-4",
        "dissent_type": "risk_warning",
        "content": "It can starve",
        "confidence": 0.7,
        "timestamp": _TIMESTAMP,
        "data": _DISSENT_DATA,
    },
    "verified_proofs": {
        "id": "",
        "debate_id": GOOD_PARENTS["consensus"],
        "proof_status": "proof_found",
        "language": "lean4",
        "formal_statement": "theorem t : 1 = 1",
        "is_verified": 1,
        "proof_hash": "0f",
        "translation_time_ms": 1.5,
        "proof_search_time_ms": 2.5,
        "prover_version": "4.9.0",
        "error_message": "",
        "timestamp": _TIMESTAMP,
        "data": {"status": "proof_found", "is_verified": True},
    },
    "debates": {
        "id": "",
        "task": "Choose an approach",
        "final_answer": "A token bucket",
        "consensus_reached": 1,
        "confidence": 0.9,
        "rounds_used": 3,
        "duration_seconds": 41.5,
        "grounded_verdict": None,
        "created_at": "2026-01-15 10:11:12",
    },
    "critiques": {
        "id": 0,
        "debate_id": GOOD_PARENTS["debates"],
        "agent": "claude",
        "target_agent": "gpt-4",
        "issues": '["No backpressure"]',
        "suggestions": '["Add it"]',
        "severity": 6.5,
        "reasoning": "Queues grow",
        "led_to_improvement": 0,
        "expected_usefulness": 0.5,
        "actual_usefulness": None,
        "prediction_error": None,
        "created_at": "2026-01-15 10:11:12",
    },
    "patterns": {
        "id": "",
        "issue_type": "performance",
        "issue_text": "Slow queue",
        "suggestion_text": "Make it faster",
        "success_count": 3,
        "failure_count": 1,
        "avg_severity": 4.5,
        "surprise_score": 0.25,
        "base_rate": 0.75,
        "avg_prediction_error": 0.0,
        "prediction_count": 0,
        "example_task": "The fix",
        "created_at": _TIMESTAMP,
        "updated_at": _TIMESTAMP,
    },
    "pattern_embeddings": {"pattern_id": "", "embedding": b"\x00\x01\xfe\xff"},
    "agent_reputation": {
        "agent_name": "",
        "proposals_made": 10,
        "proposals_accepted": 7,
        "critiques_given": 20,
        "critiques_valuable": 10,
        "updated_at": _TIMESTAMP,
        "total_predictions": 4,
        "total_prediction_error": 0.8,
        "calibration_score": 0.8,
    },
}


def _nested(depth: int) -> str:
    """Return an object that PostgreSQL takes, and SQLite (at most 2,000 levels) does not."""
    return f'{{"x": {"[" * depth}{"]" * depth}}}'


_INVALID_UTF8 = {
    "lone-continuation": b"a\x80b",
    "truncated": b"caf\xc3",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond-unicode": b"\xf5\x80\x80\x80",
    "latin-1": "Zürich".encode("latin-1"),
}
# Times in text columns that hold naive local times.
_TIMES: tuple[tuple[str, Any, Outcome], ...] = (
    ("year-0", "0000-01-01T00:00:00", "rejected"),
    ("year-1", "0001-06-15T12:00:00", "migrated"),
    ("year-1900", "1900-06-15T12:00:00", "migrated"),
    ("year-9999", "9999-06-15T12:00:00", "migrated"),
    # In UTC this is the year 10000, in every zone west of it.
    ("year-9999-end", "9999-12-31T23:59:59.999999", "rejected"),
    ("year-10000", "10000-01-01T00:00:00", "rejected"),
    ("epoch-seconds", "1767225600", "rejected"),
    ("epoch-fraction", "1767225600.25", "rejected"),
    ("epoch-milliseconds", "1767225600123", "rejected"),
    ("ambiguous-time", AMBIGUOUS, "adjusted"),
    ("skipped-time", SKIPPED, "adjusted"),
    ("time-with-offset", "2026-01-15T10:11:12.131415+05:45", "migrated"),
    ("time-with-z", "2026-01-15T10:11:12Z", "migrated"),
    ("date-only", "2026-01-15", "rejected"),
    ("time-in-words", "yesterday", "rejected"),
    ("empty-time", "", "rejected"),
    ("month-13", "2026-13-01T00:00:00", "rejected"),
    ("february-30", "2026-02-30T00:00:00", "rejected"),
    ("nanoseconds", "2026-01-15T10:11:12.123456789", "rejected"),
    ("time-as-blob", b"2026-01-15T10:11:12", "rejected"),
)

BAD_ROWS: tuple[BadRow, ...] = (
    # NUL characters
    BadRow("nul-in-topic", "consensus", "rejected", "topic", {"topic": "a\x00b"}),
    BadRow("nul-in-id", "consensus", "rejected", "id", {"id": "bad-nul\x00id"}),
    BadRow(
        "nul-in-json", "consensus", "rejected", "key_claims", document={"key_claims": ["a\x00b"]}
    ),
    BadRow(
        "nul-in-json-key", "consensus", "rejected", "metadata", document={"metadata": {"\x00": 1}}
    ),
    BadRow("nul-in-issues", "critiques", "rejected", "issues", {"issues": '["a\\u0000b"]'}),
    BadRow("nul-in-issues-raw", "critiques", "rejected", "issues", {"issues": '["a\x00b"]'}),
    BadRow("nul-in-reasoning", "critiques", "rejected", "reasoning", {"reasoning": "\x00"}),
    BadRow("nul-in-issue-text", "patterns", "rejected", "issue_text", {"issue_text": "a\x00"}),
    BadRow("nul-in-agent", "agent_reputation", "rejected", "agent_name", {"agent_name": "n\x00l"}),
    # Lone surrogates and invalid UTF-8
    BadRow(
        "surrogate-in-json",
        "consensus",
        "rejected",
        "key_claims",
        document={"key_claims": ["\ud800"]},
    ),
    BadRow(
        "low-surrogate-in-json", "dissent", "rejected", "rebuttal", document={"rebuttal": "\udc00"}
    ),
    BadRow("surrogate-in-issues", "critiques", "rejected", "issues", {"issues": '["\\ud800"]'}),
    BadRow("pair-in-issues", "critiques", "migrated", None, {"issues": '["\\ud83d\\ude00"]'}),
    *(
        BadRow(
            f"utf8-{name}", "consensus", "rejected", "conclusion", {"conclusion": raw_text(data)}
        )
        for name, data in _INVALID_UTF8.items()
    ),
    BadRow("utf8-in-id", "debates", "rejected", "id", {"id": raw_text(b"bad-\xff")}),
    BadRow("utf8-in-task", "debates", "rejected", "task", {"task": raw_text(b"\xff")}),
    BadRow("utf8-in-json", "dissent", "rejected", "data", {"data": raw_text(b'{"a": "\xff"}')}),
    BadRow("utf8-in-time", "dissent", "rejected", "created_at", {"timestamp": raw_text(b"\xff")}),
    # The wrong type in a column
    BadRow("blob-topic", "consensus", "rejected", "topic", {"topic": b"\x00\xff"}),
    BadRow("blob-topic-ascii", "consensus", "rejected", "topic", {"topic": b"plain"}),
    BadRow("blob-id", "debates", "rejected", "id", {"id": b"bad-blob"}),
    BadRow("blob-data", "consensus", "rejected", "data", {"data": b'{"a": 1}'}),
    BadRow("blob-confidence", "debates", "rejected", "confidence", {"confidence": b"\x01"}),
    BadRow("text-embedding", "pattern_embeddings", "rejected", "embedding", {"embedding": "text"}),
    BadRow("text-confidence", "consensus", "rejected", "confidence", {"confidence": "high"}),
    BadRow("text-severity", "critiques", "rejected", "severity", {"severity": "bad"}),
    BadRow("text-count", "patterns", "rejected", "success_count", {"success_count": "many"}),
    BadRow("text-flag", "debates", "rejected", "consensus_reached", {"consensus_reached": "yes"}),
    BadRow("flag-2", "debates", "rejected", "consensus_reached", {"consensus_reached": 2}),
    BadRow("half-a-round", "debates", "rejected", "rounds_used", {"rounds_used": 2.5}),
    BadRow("null-flag", "debates", "adjusted", None, {"consensus_reached": None}),
    # NaN and Infinity; SQLite keeps NaN as NULL
    BadRow("infinite", "debates", "rejected", "confidence", {"confidence": Sql("9e999")}),
    BadRow("infinite-severity", "critiques", "rejected", "severity", {"severity": Sql("9e999")}),
    BadRow(
        "minus-infinite", "patterns", "rejected", "avg_severity", {"avg_severity": Sql("-9e999")}
    ),
    BadRow("nan-confidence", "consensus", "adjusted", None, {"confidence": math.nan}),
    BadRow("nan-in-json", "consensus", "rejected", "data", document={"metadata": {"x": math.nan}}),
    BadRow("inf-in-json", "consensus", "rejected", "data", document={"metadata": {"x": math.inf}}),
    BadRow("-inf-in-json", "dissent", "rejected", "data", document={"metadata": {"x": -math.inf}}),
    BadRow("nan-in-issues", "critiques", "rejected", "issues", {"issues": "[NaN]"}),
    # Numbers outside their range
    BadRow("confidence-1.5", "consensus", "rejected", "confidence", {"confidence": 1.5}),
    BadRow("confidence-negative", "dissent", "rejected", "confidence", {"confidence": -0.1}),
    BadRow("severity-negative", "critiques", "rejected", "severity", {"severity": -1.0}),
    BadRow(
        "usefulness-2", "critiques", "rejected", "actual_usefulness", {"actual_usefulness": 2.0}
    ),
    BadRow("count-negative", "patterns", "rejected", "failure_count", {"failure_count": -1}),
    BadRow(
        "calibration-1.7",
        "agent_reputation",
        "rejected",
        "calibration_score",
        {"calibration_score": 1.7},
    ),
    BadRow("smallest-double", "critiques", "migrated", None, {"severity": 5e-324}),
    BadRow("17-digits", "critiques", "migrated", None, {"severity": 0.1 + 0.2}),
    # Integers beyond 32 and 64 bits; SQLite turns a larger literal into a float
    BadRow("33-bit-rounds", "debates", "rejected", "rounds_used", {"rounds_used": 3_000_000_000}),
    BadRow("33-bit-count", "patterns", "rejected", "success_count", {"success_count": 2**31}),
    BadRow("65-bit-rounds", "debates", "rejected", "rounds_used", {"rounds_used": Sql(f"{2**63}")}),
    BadRow("65-bit-text", "debates", "rejected", "rounds_used", {"rounds_used": "9" * 20}),
    BadRow("65-bit-in-json", "consensus", "migrated", None, document={"metadata": {"n": 2**70}}),
    BadRow("65-bit-rounds-json", "consensus", "rejected", "rounds", document={"rounds": 2**70}),
    BadRow("33-bit-rounds-json", "consensus", "rejected", "rounds", document={"rounds": 2**31}),
    # Broken JSON
    BadRow("json-cut", "consensus", "rejected", "data", document='{"id": "x", "top'),
    BadRow("json-single-quotes", "dissent", "rejected", "data", document="{'id': 'x'}"),
    BadRow("json-empty", "consensus", "rejected", "data", document=""),
    BadRow("json-trailing", "verified_proofs", "rejected", "data", document="{} {}"),
    BadRow("json-too-deep", "consensus", "rejected", "data", document=_nested(3000)),
    BadRow("json-300-deep", "consensus", "rejected", "data", document=_nested(300)),
    BadRow("issues-not-json", "critiques", "rejected", "issues", {"issues": "No backpressure"}),
    BadRow("verdict-cut", "debates", "rejected", "grounded_verdict", {"grounded_verdict": '{"a"'}),
    # JSON of the wrong shape
    BadRow("json-list", "consensus", "rejected", "data", document="[]"),
    BadRow("json-null", "dissent", "rejected", "data", document="null"),
    BadRow("json-text", "verified_proofs", "rejected", "data", document='"text"'),
    BadRow(
        "agents-text",
        "consensus",
        "rejected",
        "participating_agents",
        document={"participating_agents": "claude"},
    ),
    BadRow("claims-object", "consensus", "rejected", "key_claims", document={"key_claims": {}}),
    BadRow("metadata-text", "consensus", "rejected", "metadata", document={"metadata": "text"}),
    BadRow("rounds-text", "consensus", "rejected", "rounds", document={"rounds": "three"}),
    BadRow(
        "acknowledged-text", "dissent", "rejected", "acknowledged", document={"acknowledged": "y"}
    ),
    BadRow("issues-text", "critiques", "rejected", "issues", {"issues": '"No backpressure"'}),
    BadRow("issues-object", "critiques", "rejected", "issues", {"issues": '{"a": 1}'}),
    BadRow("issues-null", "critiques", "adjusted", None, {"issues": None}),
    BadRow("issues-empty", "critiques", "adjusted", None, {"issues": ""}),
    BadRow("verdict-list", "debates", "rejected", "grounded_verdict", {"grounded_verdict": "[1]"}),
    BadRow("verdict-empty", "debates", "adjusted", None, {"grounded_verdict": ""}),
    # Ids
    BadRow("empty-id", "consensus", "rejected", "id", {"id": ""}),
    BadRow("null-id", "consensus", "rejected", "id", {"id": None}),
    BadRow("empty-dissent-id", "dissent", "rejected", "id", {"id": ""}),
    BadRow("null-dissent-id", "dissent", "rejected", "id", {"id": None}),
    BadRow("empty-debate-id", "debates", "rejected", "id", {"id": ""}),
    BadRow("null-debate-id", "debates", "rejected", "id", {"id": None}),
    BadRow("null-pattern-id", "patterns", "rejected", "id", {"id": None}),
    BadRow("empty-agent-name", "agent_reputation", "rejected", "agent_name", {"agent_name": ""}),
    BadRow("null-agent-name", "agent_reputation", "rejected", "agent_name", {"agent_name": None}),
    BadRow("negative-id", "critiques", "migrated", None, {"id": -5}),
    BadRow("largest-id", "critiques", "migrated", None, {"id": 2**63 - 1}),
    BadRow("large-id", "critiques", "migrated", None, {"id": 2**62}),
    BadRow("twice", "debates", "merged", None, copies=2),
    # Orphans
    BadRow("orphan-dissent", "dissent", "orphan", "consensus_id", {"debate_id": "no-consensus"}),
    BadRow("orphan-proof", "verified_proofs", "orphan", "consensus_id", {"debate_id": "no-one"}),
    BadRow("orphan-critique", "critiques", "orphan", "debate_id", {"debate_id": "no-debate"}),
    BadRow("orphan-embedding", "pattern_embeddings", "orphan", "pattern_id"),
    BadRow(
        "supersedes-nothing",
        "consensus",
        "adjusted",
        "supersedes",
        document={"metadata": {"supersedes": "no-consensus"}},
    ),
    BadRow(
        "supersedes-itself",
        "consensus",
        "rejected",
        "supersedes",
        document={"metadata": {"supersedes": "bad-supersedes-itself"}},
    ),
    # Unknown names
    BadRow("strength-medium", "consensus", "adjusted", None, {"strength": "medium"}),
    BadRow("strength-unknown", "consensus", "adjusted", None, {"strength": "superb"}),
    BadRow("strength-upper", "consensus", "adjusted", None, {"strength": "STRONG"}),
    BadRow("type-unknown", "dissent", "adjusted", None, {"dissent_type": "veto"}),
    BadRow("status-unknown", "verified_proofs", "adjusted", None, {"proof_status": "ok"}),
    # Times
    *(
        BadRow(
            name,
            "dissent",
            outcome,
            "created_at" if outcome == "rejected" else None,
            {"timestamp": value},
        )
        for name, value, outcome in _TIMES
    ),
    BadRow("epoch-in-created", "debates", "rejected", "created_at", {"created_at": 1767225600}),
    BadRow("words-in-updated", "patterns", "rejected", "updated_at", {"updated_at": "never"}),
    BadRow("utc-sql-in-local", "patterns", "migrated", None, {"updated_at": "2026-01-15 10:11:12"}),
    BadRow("local-in-reputation", "agent_reputation", "migrated", None, {"updated_at": _TIMESTAMP}),
    BadRow("null-time", "dissent", "adjusted", None, {"timestamp": None}),
    # Size
    BadRow(
        HUGE,
        "debates",
        "migrated",
        None,
        {"final_answer": Sql(f"hex(zeroblob({HUGE_TEXT_CHARACTERS // 2}))")},
    ),
)


def good_parents() -> Tables:
    """Return the rows that bad rows point to."""
    parents: Tables = {}
    for table, key in GOOD_PARENTS.items():
        row = good_row(table, "") | {key_column(table): key}
        if "data" in row:
            row["data"] = legacy_json(row["data"] | {"id": key})
        parents[table] = [row]
    return parents


def write_bad_rows(
    path: Path, rows: Iterable[BadRow] = BAD_ROWS, good: int = 20, seed: int = 5
) -> Counter[str]:
    """Write both stores into one file: good rows, with the bad ones among them.

    Returns how many rows each table has. Good rows are those of ``write_consensus`` and
    ``write_critique``, and :func:`good_parents`, which the bad ones point to.
    """
    written = [
        write_consensus(path, good, seed),
        write_critique(path, good, seed),
        good_parents(),
    ]
    counts: Counter[str] = Counter()
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table, parents in written[-1].items():
            insert(connection, table, parents)
        for bad in rows:
            insert(connection, bad.table, [bad.row()] * bad.copies)
            counts[bad.table] += bad.copies
        connection.execute("COMMIT")
    for tables in written:
        counts.update({table: len(of_table) for table, of_table in tables.items()})
    return counts
