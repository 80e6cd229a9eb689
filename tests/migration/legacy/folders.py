"""Whole files and data directories of the older Aragora, and what is to be expected of them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.migration.legacy.bad_rows import SOURCE_ZONE
from tests.migration.legacy.consensus import make_consensus, write_consensus
from tests.migration.legacy.critique import (
    FOREIGN_DEBATES,
    FOREIGN_PATTERNS,
    foreign_debates,
    foreign_patterns,
    make_critique,
    write_critique,
)
from tests.migration.legacy.values import (
    Row,
    Tables,
    connect,
    create,
    day_time,
    fill,
    insert,
    legacy_json,
    local_iso,
    words,
)

INSIGHTS = """
    CREATE TABLE debate_insights (
        id TEXT PRIMARY KEY, tier TEXT NOT NULL DEFAULT 'slow', content TEXT NOT NULL,
        importance REAL DEFAULT 0.5, surprise_score REAL DEFAULT 0.0,
        consolidation_score REAL DEFAULT 0.0, update_count INTEGER DEFAULT 0,
        success_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0, semantic_centroid BLOB,
        last_promotion_at TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
        updated_at TEXT DEFAULT CURRENT_TIMESTAMP, metadata TEXT DEFAULT '{}', expires_at TEXT
    );
"""
_COUNTERS = (
    "proposals_made",
    "proposals_accepted",
    "critiques_given",
    "critiques_valuable",
    "total_predictions",
    "total_prediction_error",
)


@dataclass(frozen=True, slots=True)
class DataDir:
    """A data directory and what a migration of the whole of it has to bring about.

    ``rows`` counts what each file holds, by file name relative to ``folder`` and table; rows in the
    write-ahead log are among them, and ``unmerged`` names them by table and key. ``distinct`` is
    how many rows of each target table remain when rows that are the same in several files are
    taken once: by key, critiques by number and content, archived patterns not at all. ``orphans``
    is how many of them have no parent in any file.

    ``newest`` gives for each key of ``consensus`` and ``dissent`` that stands in several files
    with different times the conclusion or content of the newest. ``patterns`` and ``reputation``
    are the values that several files add up to, for the keys that differ between files; patterns
    and reputations that are exactly the same in two files are copies, and count once.
    ``clashing`` lists the numbers that critiques of different content share. ``foreign`` lists
    tables that only share a name, and ``unrelated`` files that hold nothing of these stores.
    """

    folder: Path
    rows: Mapping[str, Mapping[str, int]]
    distinct: Mapping[str, int]
    orphans: Mapping[str, int]
    newest: Mapping[str, Mapping[str, str]]
    patterns: Mapping[str, Row]
    reputation: Mapping[str, Row]
    clashing: list[int]
    unmerged: Mapping[str, list[Any]]
    foreign: list[tuple[str, str]]
    unrelated: list[str]


def write_memory_db(path: Path, rows: int = 20, seed: int = 3) -> Tables:
    """Write one class-made file with both stores and a table of a third one, left to itself.

    Returns the rows of all tables, ``debate_insights`` included.
    """
    return {
        **write_consensus(path, rows, seed),
        **write_critique(path, rows, seed),
        **_write_insights(path, seed),
    }


def write_data_dir(folder: Path, rows: int = 40, seed: int = 7) -> DataDir:
    """Write a data directory that has seen everything; ``rows`` is the size of its first file.

    ========================= =====================================================================
    file                      what it holds
    ========================= =====================================================================
    ``consensus_memory.db``   consensus memory, class-made
    ``agora_memory.db``       critique store, class-made; some rows only in its write-ahead log
    ``memory.db``             both stores, consolidated: copies of a half, newer versions of some,
                              rows of its own, critiques whose numbers clash; and a third store
    ``<name>/memory.db``      the nested relative path: consensus memory, with older versions of
                              rows of ``memory.db`` and rows of its own
    ``core.db``               another store's ``debates``
    ``nomic_loop.db``         another program's ``patterns``
    ``insights.db``   only the third store
    ``unused.db``             no bytes
    ``notes.db``              a text
    ``elo_snapshot.json``     a snapshot of another store
    ========================= =====================================================================
    """
    folder.mkdir(parents=True, exist_ok=True)
    nested = f"{folder.name}/memory.db"
    files = _file_rows(rows, seed, nested)
    unmerged = _unmerged_rows(files["agora_memory.db"], seed)

    consensus_half, critique_half = _by_store(files["memory.db"])
    written = {
        "consensus_memory.db": write_consensus(
            folder / "consensus_memory.db", tables=files["consensus_memory.db"]
        ),
        "agora_memory.db": write_critique(
            folder / "agora_memory.db", tables=files["agora_memory.db"]
        ),
        "memory.db": {
            **write_consensus(folder / "memory.db", shape="consolidated", tables=consensus_half),
            **write_critique(folder / "memory.db", shape="consolidated", tables=critique_half),
        },
        nested: write_consensus(folder / nested, tables=files[nested]),
    }
    add_unmerged(folder / "agora_memory.db", unmerged)
    for table, of_table in unmerged.items():
        written["agora_memory.db"][table] += of_table
        files["agora_memory.db"][table] += of_table
    _write_insights(folder / "memory.db", seed)
    _write_others(folder, seed)

    # Rows as they were before the shapes, which leave out what data or a default holds as well.
    sources = [
        {table: of_table for table, of_table in files[name].items() if table in written[name]}
        for name in written
    ]
    return DataDir(
        folder=folder,
        rows={
            name: {table: len(of_table) for table, of_table in tables.items()}
            for name, tables in written.items()
        },
        distinct=_count_distinct(sources),
        orphans=_count_orphans(sources),
        newest={
            "consensus": _newest(sources, "consensus", "conclusion"),
            "dissent": _newest(sources, "dissent", "content"),
        },
        patterns=_merged(sources, "patterns", "id", _merge_patterns),
        reputation=_merged(sources, "agent_reputation", "agent_name", _merge_reputation),
        clashing=_clashing(sources),
        unmerged={
            table: [next(iter(row.values())) for row in of_table]
            for table, of_table in unmerged.items()
        },
        foreign=[("core.db", "debates"), ("nomic_loop.db", "patterns")],
        unrelated=["insights.db", "unused.db", "notes.db", "elo_snapshot.json"],
    )


def add_unmerged(path: Path, tables: Mapping[str, list[Row]]) -> None:
    """Add rows to a file so that they are only in its write-ahead log, which stays beside it."""
    copies = path.parent / f"{path.name}.copies"
    copies.mkdir()
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in tables.items():
            insert(connection, table, rows)
        connection.execute("COMMIT")
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{suffix}", copies)
    # Closing merged the log: put the files from before that back.
    for copy in copies.iterdir():
        copy.replace(path.parent / copy.name)
    copies.rmdir()


def _file_rows(rows: int, seed: int, nested: str) -> dict[str, Tables]:
    chooser = random.Random(f"folder {seed}")
    half = rows // 2
    consensus = make_consensus(rows, seed)
    critique = make_critique(rows, seed)
    own_consensus = make_consensus(half, seed + 1)
    own_critique = make_critique(half, seed + 1)
    memory: Tables = {
        table: _some_later(consensus[table][:half]) + own_consensus[table]
        for table in ("consensus", "dissent")
    }
    copied = critique["critiques"][:half]
    # Numbered on from the copies, as the consolidated file did, and as the old file had done.
    own = [
        row | {"id": half + number} for number, row in enumerate(own_critique["critiques"], start=1)
    ]
    quarter = max(1, len(critique["patterns"]) // 4)
    memory |= {
        "debates": critique["debates"][:half] + own_critique["debates"],
        "critiques": copied + own,
        "patterns": critique["patterns"][:quarter]
        + [_used_again(chooser, row) for row in critique["patterns"][quarter : 2 * quarter]]
        + [_made_again(chooser, row) for row in critique["patterns"][2 * quarter : 3 * quarter]]
        + own_critique["patterns"],
        "agent_reputation": critique["agent_reputation"][:1]
        + own_critique["agent_reputation"][1:4]
        + [own_critique["agent_reputation"][4] | {"agent_name": "newcomer"}],
    }
    latest = make_consensus(half, seed + 2)
    tenth = max(1, half // 10)
    return {
        "consensus_memory.db": consensus,
        "agora_memory.db": critique,
        "memory.db": memory,
        nested: latest
        | {
            table: latest[table] + [_later(row, -400) for row in own_consensus[table][:tenth]]
            for table in ("consensus", "dissent")
        },
    }


def _by_store(tables: Tables) -> tuple[Tables, Tables]:
    consensus = {name: tables[name] for name in ("consensus", "dissent")}
    return consensus, {name: rows for name, rows in tables.items() if name not in consensus}


def _unmerged_rows(tables: Tables, seed: int) -> Tables:
    extra = make_critique(3, seed + 100)
    first = len(tables["critiques"]) + 1
    return {
        "debates": extra["debates"],
        "critiques": [row | {"id": first + n} for n, row in enumerate(extra["critiques"])],
        "patterns": extra["patterns"],
    }


def _some_later(rows: list[Row]) -> list[Row]:
    return [_later(row, 1) if number % 5 == 4 else row for number, row in enumerate(rows)]


def _later(row: Row, days: int) -> Row:
    """Return a row as it was some days later or earlier: another text, another time."""
    text = "conclusion" if "conclusion" in row else "content"
    timestamp = local_iso(datetime.fromisoformat(row["timestamp"]) + timedelta(days=days))
    changes = {text: f"{row[text]} ({days:+} days)", "timestamp": timestamp}
    return row | changes | {"data": legacy_json(json.loads(row["data"]) | changes)}


def _made_again(chooser: random.Random, row: Row) -> Row:
    """Return another pattern of the same text, which a file found by itself later."""
    created = datetime.fromisoformat(row["created_at"]) + timedelta(days=3)
    return _used_again(chooser, row) | {"created_at": local_iso(created)}


def _used_again(chooser: random.Random, row: Row) -> Row:
    timestamp = datetime.fromisoformat(row["updated_at"]) + timedelta(days=9)
    return row | {
        "success_count": row["success_count"] + chooser.randrange(1, 40),
        "failure_count": row["failure_count"] + chooser.randrange(4),
        "avg_severity": chooser.random() * 10,
        "surprise_score": chooser.random(),
        "updated_at": local_iso(timestamp),
    }


def _write_insights(path: Path, seed: int) -> Tables:
    chooser = random.Random(f"insights {seed}")
    tables: Tables = {
        "debate_insights": [
            {
                "id": f"evidence_{chooser.getrandbits(40):010x}",
                "tier": tier,
                "content": words(chooser, 20),
                "importance": chooser.random(),
                "update_count": 1,
                "created_at": local_iso(day_time(chooser)),
            }
            for tier in ("fast", "medium", "slow", "glacial")
        ]
    }
    create(path, INSIGHTS)
    fill(path, tables)
    return tables


def _write_others(folder: Path, seed: int) -> None:
    create(folder / "core.db", FOREIGN_DEBATES)
    fill(folder / "core.db", {"debates": foreign_debates(seed=seed)})
    create(folder / "nomic_loop.db", FOREIGN_PATTERNS)
    fill(folder / "nomic_loop.db", {"patterns": foreign_patterns(seed=seed)})
    _write_insights(folder / "insights.db", seed + 1)
    (folder / "unused.db").touch()
    (folder / "notes.db").write_text("Backups are made on Fridays.\n")
    snapshot = {"leaderboard": [], "recent_matches": [], "updated_at": "2026-01-15T10:11:12"}
    (folder / "elo_snapshot.json").write_text(json.dumps(snapshot))


def _all_rows(sources: Iterable[Tables], table: str) -> list[Row]:
    return [row for tables in sources for row in tables.get(table, [])]


def _count_distinct(sources: list[Tables]) -> dict[str, int]:
    counts = {}
    for table in dict.fromkeys(table for tables in sources for table in tables):
        rows = _all_rows(sources, table)
        if table == "critiques":
            counts[table] = len({tuple(row.items()) for row in rows})
        elif table.endswith("_archive"):
            counts[table] = len(rows)
        else:
            counts[table] = len({next(iter(row.values())) for row in rows})
    return counts


def _count_orphans(sources: list[Tables]) -> dict[str, int]:
    def missing(table: str, reference: str, parent: str) -> int:
        parents = {row["id"] for row in _all_rows(sources, parent)} | {None}
        rows = {tuple(row.items()): row for row in _all_rows(sources, table)}.values()
        orphans = [row for row in rows if row[reference] not in parents]
        if table == "critiques":
            return len(orphans)
        return len({next(iter(row.values())) for row in orphans})

    return {
        "dissent": missing("dissent", "debate_id", "consensus"),
        "verified_proofs": missing("verified_proofs", "debate_id", "consensus"),
        "critiques": missing("critiques", "debate_id", "debates"),
        "pattern_embeddings": missing("pattern_embeddings", "pattern_id", "patterns"),
    }


def _newest(sources: list[Tables], table: str, text: str) -> dict[str, str]:
    versions: dict[str, dict[str, str]] = {}
    for row in _all_rows(sources, table):
        versions.setdefault(row["id"], {})[row["timestamp"]] = row[text]
    return {key: of_key[max(of_key)] for key, of_key in versions.items() if len(of_key) > 1}


def _merged(sources: list[Tables], table: str, key: str, merge: Any) -> dict[str, Row]:
    versions: dict[str, list[Row]] = {}
    for row in _all_rows(sources, table):
        of_key = versions.setdefault(row[key], [])
        if row not in of_key:
            of_key.append(row)
    return {name: merge(*rows) for name, rows in versions.items() if len(rows) > 1}


def _merge_patterns(first: Row, second: Row) -> Row:
    older, newer = sorted((first, second), key=lambda row: str(row["updated_at"]))
    if older["created_at"] == newer["created_at"]:
        # A copy in which the application went on.
        return newer
    successes = older["success_count"] + newer["success_count"]
    severity = sum(row["avg_severity"] * row["success_count"] for row in (older, newer))
    return newer | {
        "success_count": successes,
        "failure_count": older["failure_count"] + newer["failure_count"],
        "avg_severity": severity / successes,
        "created_at": min(older["created_at"], newer["created_at"]),
    }


def _merge_reputation(first: Row, second: Row) -> Row:
    """Add up, unless the newer counts may have grown from the older ones in a copy.

    The newest time is not among the values, as one is local and the other UTC.
    """
    older, newer = sorted((first, second), key=lambda row: _utc(row["updated_at"]))
    if all(older[name] <= newer[name] for name in _COUNTERS):
        return {name: value for name, value in newer.items() if name != "updated_at"}
    total = {name: first[name] + second[name] for name in _COUNTERS}
    mean = total["total_prediction_error"] / total["total_predictions"]
    return {"agent_name": first["agent_name"], **total, "calibration_score": 1 - mean}


def _utc(text: str) -> datetime:
    zone = UTC if " " in text else ZoneInfo(SOURCE_ZONE)
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def _clashing(sources: list[Tables]) -> list[int]:
    versions: dict[int, set[tuple[Any, ...]]] = {}
    for row in _all_rows(sources, "critiques"):
        versions.setdefault(row["id"], set()).add(tuple(row.items()))
    return sorted(number for number, of_number in versions.items() if len(of_number) > 1)
