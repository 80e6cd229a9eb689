"""The older tables as the target has them, as far as one SELECT can say it.

What every way but our own moves with: no value is checked, no time zone is known but UTC, nothing
is merged, and the terms that topics are searched by are left to the server.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MAPPINGS", "TableMapping", "write_prepared"]


@dataclass(frozen=True, slots=True)
class TableMapping:
    """The columns of a target table: name, SQLite type, expression over the older table."""

    table: str
    columns: tuple[tuple[str, str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The target's columns."""
        return tuple(name for name, _, _ in self.columns)

    @property
    def select(self) -> str:
        """The query that reads the older table, in one line."""
        expressions = ", ".join(expression for _, _, expression in self.columns)
        return f"SELECT {expressions} FROM {self.table} ORDER BY rowid"


def _same(kind: str, *names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, name) for name in names)


def _unpacked(kind: str, *names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, f"json_extract(data, '$.{name}')") for name in names)


def _local(column: str) -> str:
    return f"{column} || 'Z'"


_LISTS = (
    "participating_agents",
    "agreeing_agents",
    "dissenting_agents",
    "key_claims",
    "supporting_evidence",
)
_CONSENSUS_TEXTS = ("id", "topic", "topic_hash", "conclusion", "strength", "domain", "tags")
_DISSENT_TEXTS = ("id", "agent_id", "dissent_type", "content")

# Parents before children.
MAPPINGS = (
    TableMapping(
        "debates",
        (
            *_same("TEXT", "id", "task", "final_answer"),
            *_same("INTEGER", "consensus_reached"),
            *_same("REAL", "confidence"),
            *_same("INTEGER", "rounds_used"),
            *_same("REAL", "duration_seconds"),
            *_same("TEXT", "grounded_verdict"),
            ("created_at", "TEXT", _local("created_at")),
        ),
    ),
    TableMapping(
        "consensus",
        (
            *_same("TEXT", *_CONSENSUS_TEXTS),
            *_same("REAL", "confidence"),
            ("debate_id", "TEXT", "json_extract(data, '$.metadata.debate_id')"),
            *_unpacked("INTEGER", "rounds"),
            *_unpacked("REAL", "debate_duration_seconds"),
            *_unpacked("TEXT", *_LISTS, "metadata"),
            ("data", "TEXT", "data"),
            ("created_at", "TEXT", _local("timestamp")),
            ("updated_at", "TEXT", _local("timestamp")),
        ),
    ),
    TableMapping(
        "dissent",
        (
            *_same("TEXT", *_DISSENT_TEXTS),
            ("consensus_id", "TEXT", "debate_id"),
            *_same("REAL", "confidence"),
            *_unpacked("TEXT", "reasoning", "rebuttal", "metadata"),
            *_unpacked("INTEGER", "acknowledged"),
            ("data", "TEXT", "data"),
            ("created_at", "TEXT", _local("timestamp")),
        ),
    ),
    TableMapping(
        "critiques",
        (
            *_same("INTEGER", "id"),
            *_same("TEXT", "debate_id", "agent", "target_agent", "issues", "suggestions"),
            *_same("REAL", "severity"),
            *_same("TEXT", "reasoning"),
            *_same("INTEGER", "led_to_improvement"),
            *_same("REAL", "expected_usefulness", "actual_usefulness", "prediction_error"),
            ("created_at", "TEXT", _local("created_at")),
        ),
    ),
    TableMapping(
        "patterns",
        (
            *_same("TEXT", "id", "issue_type", "issue_text", "suggestion_text"),
            *_same("INTEGER", "success_count", "failure_count"),
            *_same("REAL", "avg_severity", "surprise_score", "base_rate"),
            *_same("TEXT", "example_task"),
            ("created_at", "TEXT", _local("created_at")),
            ("updated_at", "TEXT", _local("updated_at")),
        ),
    ),
)


def write_prepared(source: Path, path: Path, advance: Callable[[], None]) -> None:
    """Write the mapped tables to a file, for what can only copy tables as they are."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        connection.execute("ATTACH ? AS legacy", [str(source)])
        for mapping in MAPPINGS:
            columns = ", ".join(f"{name} {kind}" for name, kind, _ in mapping.columns)
            connection.execute(f"CREATE TABLE main.{mapping.table} ({columns})")
            select = mapping.select.replace(" FROM ", " FROM legacy.")
            connection.execute(f"INSERT INTO main.{mapping.table} {select}")
            advance()
        connection.execute("DETACH legacy")
