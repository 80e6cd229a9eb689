"""The value formats of the older Aragora's files, and tables of rows on their way into one."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

# Beyond the basic plane, combining, right to left, quotes of both kinds, a line break.
ODD_TEXTS = (
    "🧠 beyond the plane 𐍈",
    "cafe\u0301 and café",
    "עברית then left",
    'it\'s "quoted", 100% \\ back',
    "two\nlines\tand a tab",
)
AGENTS = ("claude", "gpt-4", "gpt-4o", "gemini", "mistral", "ägent-🧠")
# fmt: off
_WORDS = (
    "rate", "limiting", "cache", "tenant", "gateway", "queue", "retry", "token", "index",
    "shard", "schema", "backup", "region", "latency", "budget", "review", "audit", "access",
    "session", "webhook", "export", "billing", "storage", "replica",
)
# fmt: on

_EPOCH = datetime(2025, 6, 1)


@dataclass(frozen=True, slots=True)
class Sql:
    """A value that only an SQL expression can make, such as text that is not valid UTF-8."""

    expression: str


def words(chooser: random.Random, count: int) -> str:
    """Return so many words; now and then with an odd text behind them."""
    text = " ".join(chooser.choices(_WORDS, k=count))
    return f"{text} {chooser.choice(ODD_TEXTS)}" if chooser.random() < 0.2 else text


def new_uuid(chooser: random.Random) -> str:
    return str(uuid.UUID(int=chooser.getrandbits(128), version=4))


def day_time(chooser: random.Random) -> datetime:
    """Return a timestamp by day, which daylight saving time neither skips nor repeats anywhere."""
    start = _EPOCH + timedelta(days=chooser.randrange(240), hours=8)
    timestamp = start + timedelta(microseconds=chooser.randrange(12 * 3600 * 1_000_000))
    return timestamp.replace(microsecond=0) if chooser.random() < 0.25 else timestamp


def local_iso(timestamp: datetime) -> str:
    """Return a time as the older program's Python wrote it: local, no offset."""
    return timestamp.isoformat()


def utc_sql(timestamp: datetime) -> str:
    """Return a time as SQLite's CURRENT_TIMESTAMP wrote it: UTC, whole seconds."""
    return timestamp.strftime("%Y-%m-%d %H:%M:%S")


def legacy_json(value: object) -> str:
    """Return JSON as the older program wrote it: ASCII escapes, NaN and Infinity as tokens."""
    return json.dumps(value)


def legacy_topic_hash(topic: str) -> str:
    """Return the older program's hash of a topic: its set of lower-case words."""
    joined = " ".join(sorted(set(topic.lower().split())))
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


def pattern_id(issue_text: str) -> str:
    return hashlib.sha256(issue_text.lower().encode()).hexdigest()[:12]


def connect(path: Path) -> sqlite3.Connection:
    """Open a file as the older program did: WAL mode, foreign keys not enforced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def create(path: Path, ddl: str) -> None:
    """Run statements that create tables in a file that may hold others."""
    with closing(connect(path)) as connection:
        connection.executescript(ddl)


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows as they are; a value of type :class:`Sql` is put into the statement."""
    for row in rows:
        marks = [v.expression if isinstance(v, Sql) else "?" for v in row.values()]
        bound = [v for v in row.values() if not isinstance(v, Sql)]
        columns = ", ".join(f'"{name}"' for name in row)
        connection.execute(
            f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join(marks)})',
            bound,
        )


def fill(path: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Insert the rows of several tables in one transaction."""
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in tables.items():
            insert(connection, table, rows)
        connection.execute("COMMIT")


def versions_ddl(module: str, version: int) -> str:
    """Return the statements of the older program's table of schema versions, with one row."""
    return f"""
        CREATE TABLE IF NOT EXISTS _schema_versions (
            module TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        );
        INSERT OR IGNORE INTO _schema_versions
        VALUES ('{module}', {version}, '2026-01-10 11:12:13');
    """


def only(row: Mapping[str, Any], columns: Iterable[str]) -> Row:
    return {name: row[name] for name in columns}


def without(row: Mapping[str, Any], columns: Iterable[str]) -> Row:
    return {name: value for name, value in row.items() if name not in set(columns)}
