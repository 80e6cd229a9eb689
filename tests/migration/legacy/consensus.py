"""The consensus memory's tables in every shape that the older Aragora left behind.

=============== ==================================================================================
shape           what it is
=============== ==================================================================================
class           made by the newest class
v1              recorded as version 2, but upgraded from 1 without getting ``verified_proofs``
early           before there were ``_schema_versions``: no proofs, no archives
consolidated    made by the consolidation scripts: nullable columns (some are NULL; the last row of
                each table has not even ``data``), columns that no class fills, no proofs, no
                archives
fallback        made by the seed script when it could not use the class: other columns, strength
                ``medium``, integer dissent ids
=============== ==================================================================================
"""

from __future__ import annotations

import random
from collections.abc import Callable
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
    legacy_topic_hash,
    local_iso,
    new_uuid,
    only,
    utc_sql,
    versions_ddl,
    words,
)

ConsensusShape: TypeAlias = Literal["class", "v1", "early", "consolidated", "fallback"]
CONSENSUS_SHAPES: tuple[ConsensusShape, ...] = get_args(ConsensusShape)

STRENGTHS = ("unanimous", "strong", "moderate", "weak", "split", "contested")
DISSENT_TYPES = (
    "minor_quibble",
    "alternative_approach",
    "fundamental_disagreement",
    "edge_case_concern",
    "risk_warning",
    "abstention",
)
PROOF_STATUSES = (
    "not_attempted",
    "translation_failed",
    "proof_found",
    "proof_failed",
    "timeout",
    "backend_unavailable",
    "not_supported",
    "unknown",
)
# When the consolidation scripts ran: what their columns' defaults hold.
CONSOLIDATED_AT = "2026-02-13 04:05:06"

CONSENSUS_COLUMNS = (
    "id TEXT PRIMARY KEY, topic TEXT NOT NULL, topic_hash TEXT NOT NULL, "
    "conclusion TEXT NOT NULL, strength TEXT NOT NULL, confidence REAL, domain TEXT, tags TEXT, "
    "timestamp TEXT, data TEXT NOT NULL"
)
DISSENT_COLUMNS = (
    "id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, agent_id TEXT NOT NULL, "
    "dissent_type TEXT NOT NULL, content TEXT NOT NULL, confidence REAL, timestamp TEXT, "
    "data TEXT NOT NULL"
)
_EARLY = f"""
    CREATE TABLE consensus ({CONSENSUS_COLUMNS});
    CREATE TABLE dissent ({DISSENT_COLUMNS}, FOREIGN KEY (debate_id) REFERENCES consensus (id));
    CREATE INDEX idx_consensus_topic_hash ON consensus (topic_hash);
    CREATE INDEX idx_consensus_domain ON consensus (domain);
    CREATE INDEX idx_consensus_confidence ON consensus (confidence DESC, timestamp DESC);
    CREATE INDEX idx_dissent_debate ON dissent (debate_id);
    CREATE INDEX idx_dissent_type ON dissent (dissent_type);
    CREATE INDEX idx_dissent_timestamp ON dissent (timestamp DESC);
"""
_ARCHIVES = f"""
    CREATE TABLE consensus_archive (
        {CONSENSUS_COLUMNS}, archived_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
    CREATE TABLE dissent_archive (
        {DISSENT_COLUMNS}, archived_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
"""
_PROOFS = """
    CREATE TABLE verified_proofs (
        id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, proof_status TEXT NOT NULL, language TEXT,
        formal_statement TEXT, is_verified INTEGER DEFAULT 0, proof_hash TEXT,
        translation_time_ms REAL, proof_search_time_ms REAL, prover_version TEXT,
        error_message TEXT, timestamp TEXT NOT NULL, data TEXT NOT NULL,
        FOREIGN KEY (debate_id) REFERENCES consensus (id)
    );
    CREATE INDEX idx_proofs_debate ON verified_proofs (debate_id);
    CREATE INDEX idx_proofs_status ON verified_proofs (proof_status);
    CREATE INDEX idx_proofs_verified ON verified_proofs (is_verified);
"""
_CONSOLIDATED = """
    CREATE TABLE consensus (
        id TEXT PRIMARY KEY, topic TEXT NOT NULL, topic_hash TEXT, conclusion TEXT, strength TEXT,
        confidence REAL DEFAULT 0.5, domain TEXT, tags TEXT, supporting_agents TEXT,
        opposing_agents TEXT, evidence TEXT, debate_ids TEXT, stability_score REAL DEFAULT 0.5,
        last_challenged_at TEXT, timestamp TEXT, data TEXT,
        created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
    CREATE TABLE dissent (
        id TEXT PRIMARY KEY, debate_id TEXT, agent_id TEXT, dissent_type TEXT, content TEXT,
        reasoning TEXT, confidence REAL, strength REAL DEFAULT 0.5, resolved INTEGER DEFAULT 0,
        resolved_at TEXT, timestamp TEXT, data TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
        FOREIGN KEY (debate_id) REFERENCES consensus (id) ON DELETE CASCADE
    );
"""
_FALLBACK = """
    CREATE TABLE consensus (
        id TEXT PRIMARY KEY, topic TEXT, conclusion TEXT, confidence REAL, strength TEXT,
        domain TEXT, participants TEXT, created_at TEXT
    );
    CREATE TABLE dissent (
        id INTEGER PRIMARY KEY, consensus_id TEXT, agent TEXT, dissent_text TEXT, confidence REAL,
        created_at TEXT
    );
"""
_DDL: dict[ConsensusShape, str] = {
    "class": _EARLY + _PROOFS + _ARCHIVES + versions_ddl("consensus_memory", 2),
    "v1": _EARLY + _ARCHIVES + versions_ddl("consensus_memory", 2),
    "early": _EARLY,
    "consolidated": _CONSOLIDATED + versions_ddl("memory", 1),
    "fallback": _FALLBACK,
}
# Of the last row of a consolidated table.
_BARE = {"consensus": ("conclusion", "strength", "data"), "dissent": ("data",)}
_TABLES: dict[ConsensusShape, tuple[str, ...]] = {
    "class": (
        "consensus",
        "dissent",
        "verified_proofs",
        "consensus_archive",
        "dissent_archive",
    ),
    "v1": ("consensus", "dissent", "consensus_archive", "dissent_archive"),
    "early": ("consensus", "dissent"),
    "consolidated": ("consensus", "dissent"),
    "fallback": ("consensus", "dissent"),
}


def make_consensus(rows: int = 20, seed: int = 1) -> Tables:
    """Make the rows of a class-made file: so many of consensus, the others in proportion.

    Dissent: two rows for every three of consensus, every eleventh without a parent. Proofs: one for
    every five. One pair of rows in ten is a supersession. Archives: a tenth.
    """
    chooser = random.Random(f"consensus {seed}")
    consensus = [_consensus(chooser, number) for number in range(rows)]
    dissent = []
    for number in range(2 * rows // 3):
        parent = chooser.choice(consensus)
        row = _dissent(chooser, new_uuid(chooser) if number % 11 == 10 else parent["id"])
        dissent.append(row)
        if number % 11 != 10:
            parent["data"]["dissent_ids"].append(row["id"])
            parent["data"]["dissenting_agents"].append(row["agent_id"])
    for number in range(1, rows, 10):
        old, new = consensus[number - 1], consensus[number]
        new["data"]["metadata"] = {"supersedes": old["id"]}
        old["data"]["superseded_by"] = new["id"]
    proofs = [_proof(chooser, chooser.choice(consensus)["id"]) for _ in range(rows // 5)]
    old_consensus = [_consensus(chooser, number) for number in range(rows // 10)]
    old_dissent = [_dissent(chooser, row["id"]) for row in old_consensus]
    return {
        "consensus": [_with_json(row) for row in consensus],
        "dissent": [_with_json(row) for row in dissent],
        "verified_proofs": [_with_json(row) for row in proofs],
        "consensus_archive": [_archived(chooser, _with_json(row)) for row in old_consensus],
        "dissent_archive": [_archived(chooser, _with_json(row)) for row in old_dissent],
    }


def write_consensus(
    path: Path,
    rows: int = 20,
    seed: int = 1,
    shape: ConsensusShape = "class",
    tables: Tables | None = None,
) -> Tables:
    """Add the store's tables to a file, in one of the shapes, and return the rows written.

    ``tables`` are class-made rows to use instead of :func:`make_consensus`'s; tables and columns
    that the shape does not have are left out.
    """
    if tables is None:
        tables = make_consensus(rows, seed)
    written: Tables = {}
    for table in _TABLES[shape]:
        convert = _CONVERSIONS.get((shape, table))
        rows_of_table = tables.get(table, [])
        written[table] = (
            [dict(row) for row in rows_of_table]
            if convert is None
            else [convert(number, row) for number, row in enumerate(rows_of_table)]
        )
    if shape == "consolidated":
        for table, columns in _BARE.items():
            for row in written[table][-1:]:
                # Without data the time is nowhere else.
                row.update(dict.fromkeys(columns), timestamp=tables[table][-1]["timestamp"])
    create(path, _DDL[shape])
    fill(path, written)
    return written


def _consensus(chooser: random.Random, number: int) -> Row:
    timestamp = local_iso(day_time(chooser))
    agents = chooser.sample(AGENTS, k=4)
    topic = f"{words(chooser, 5)} {number}"
    data: dict[str, Any] = {
        "id": new_uuid(chooser),
        "topic": topic,
        "topic_hash": legacy_topic_hash(topic),
        "conclusion": words(chooser, 30),
        "strength": STRENGTHS[number % len(STRENGTHS)],
        "confidence": chooser.random(),
        "participating_agents": agents,
        "agreeing_agents": agents[:3],
        "dissenting_agents": [],
        "key_claims": [words(chooser, 8) for _ in range(number % 4)],
        "supporting_evidence": [],
        "dissent_ids": [],
        "domain": ("general", "architecture", "security")[number % 3],
        "tags": ["imported", f"tag-{number % 5}"][: number % 3],
        "timestamp": timestamp,
        "debate_duration_seconds": chooser.random() * 900 if number % 4 else 0.0,
        "rounds": number % 6,
        "supersedes": None,
        "superseded_by": None,
        "metadata": _metadata(chooser, number),
    }
    if number % 6 == 2:
        data["belief_cruxes"] = [_crux(chooser) for _ in range(1 + number % 5)]
    columns = ("id", "topic", "topic_hash", "conclusion", "strength", "confidence", "domain")
    row = {name: data[name] for name in columns}
    return row | {"tags": legacy_json(data["tags"]), "timestamp": timestamp, "data": data}


def _metadata(chooser: random.Random, number: int) -> dict[str, Any]:
    """Return metadata as one of its writers made it."""
    debate_id = f"debate-{chooser.getrandbits(40):010x}"
    winner = chooser.choice(AGENTS)
    variants: tuple[dict[str, Any], ...] = (
        {
            "debate_id": debate_id,
            "winner": winner,
            "consensus_reached": True,
            "crux_claims": [words(chooser, 4)],
        },
        {"debate_id": debate_id},
        {"winner": winner},
        {},
        {"belief_cruxes": [words(chooser, 6)]},
    )
    return variants[number % len(variants)]


def _crux(chooser: random.Random) -> dict[str, Any]:
    crux = {
        "source": "belief_network",
        "claim": words(chooser, 6),
        "positions": {"claude": "for", "gpt-4": "against"},
        "confidence_gap": chooser.random(),
        "agent": chooser.choice(AGENTS),
        "confidence": chooser.random(),
        "resolution": None,
    }
    return only(crux, sorted(chooser.sample(sorted(crux), k=4)))


def _dissent(chooser: random.Random, consensus_id: str) -> Row:
    timestamp = local_iso(day_time(chooser))
    data = {
        "id": new_uuid(chooser),
        "debate_id": consensus_id,
        "agent_id": chooser.choice(AGENTS),
        "dissent_type": chooser.choice(DISSENT_TYPES),
        "content": words(chooser, 12),
        "reasoning": words(chooser, 15),
        "confidence": chooser.random(),
        "acknowledged": chooser.random() < 0.3,
        "rebuttal": words(chooser, 6) if chooser.random() < 0.3 else "",
        "timestamp": timestamp,
        "metadata": {"vote_weight": chooser.random()} if chooser.random() < 0.5 else {},
    }
    columns = ("id", "debate_id", "agent_id", "dissent_type", "content", "confidence", "timestamp")
    return {name: data[name] for name in columns} | {"data": data}


def _proof(chooser: random.Random, consensus_id: str) -> Row:
    timestamp = day_time(chooser)
    status = chooser.choice(PROOF_STATUSES)
    found = status == "proof_found"
    shared = {
        "language": chooser.choice(("lean4", "coq", "isabelle", "agda", "z3_smt")),
        "formal_statement": f"theorem t{chooser.randrange(1000)} : ∀ x, x ≤ x + 1",
        "is_verified": found,
        "proof_hash": f"{chooser.getrandbits(128):032x}" if found else None,
        "translation_time_ms": chooser.random() * 1e3,
        "proof_search_time_ms": chooser.random() * 1e4,
        "prover_version": "4.9.0" if found else "",
        "error_message": "" if found else "no proof within the limit",
    }
    data = {
        "status": status,
        **shared,
        "timestamp": local_iso(timestamp - timedelta(seconds=41.5)),
        "translation_confidence": chooser.random(),
        "is_high_confidence": True,
        "semantic_match_verified": False,
    }
    return {
        "id": new_uuid(chooser),
        "debate_id": consensus_id,
        "proof_status": status,
        **shared,
        "is_verified": int(found),
        "timestamp": local_iso(timestamp),
        "data": data,
    }


def _with_json(row: Row) -> Row:
    return row | {"data": legacy_json(row["data"])}


def _archived(chooser: random.Random, row: Row) -> Row:
    return row | {"archived_at": utc_sql(day_time(chooser))}


def _consolidated_consensus(number: int, row: Row) -> Row:
    row = row | {
        "supporting_agents": None,
        "opposing_agents": None,
        "evidence": None,
        "debate_ids": None,
        "stability_score": 0.5,
        "last_challenged_at": None,
        "created_at": CONSOLIDATED_AT,
        "updated_at": CONSOLIDATED_AT,
    }
    # What is NULL here is still in data, or has a stated default.
    gaps = {3: ("topic_hash", "strength"), 5: ("confidence", "domain"), 7: ("timestamp", "tags")}
    return row | dict.fromkeys(gaps.get(number % 9, ()))


def _consolidated_dissent(number: int, row: Row) -> Row:
    row = row | {
        "reasoning": None,
        "strength": 0.5,
        "resolved": 0,
        "resolved_at": None,
        "created_at": CONSOLIDATED_AT,
    }
    gaps = {3: ("confidence",), 5: ("timestamp",)}
    return row | dict.fromkeys(gaps.get(number % 9, ()))


def _fallback_consensus(number: int, row: Row) -> Row:
    return {
        "id": row["id"],
        "topic": row["topic"],
        "conclusion": row["conclusion"],
        "confidence": row["confidence"],
        "strength": "medium" if number % 2 else "strong",
        "domain": row["domain"],
        "participants": legacy_json(list(AGENTS[: 1 + number % 3])),
        "created_at": row["timestamp"][:19].replace("T", " "),
    }


def _fallback_dissent(number: int, row: Row) -> Row:
    return {
        "id": number + 1,
        "consensus_id": row["debate_id"],
        "agent": row["agent_id"],
        "dissent_text": row["content"],
        "confidence": row["confidence"],
        "created_at": row["timestamp"][:19].replace("T", " "),
    }


_CONVERSIONS: dict[tuple[ConsensusShape, str], Callable[[int, Row], Row]] = {
    ("consolidated", "consensus"): _consolidated_consensus,
    ("consolidated", "dissent"): _consolidated_dissent,
    ("fallback", "consensus"): _fallback_consensus,
    ("fallback", "dissent"): _fallback_dissent,
}
