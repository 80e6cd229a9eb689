"""Every shape of older files, this package's own files, and files that are none of these."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MigrationReport, SourceError
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.migration.conftest import Target, check_sums
from tests.migration.expected import expected_row
from tests.migration.legacy import (
    CONSENSUS_SHAPES,
    CRITIQUE_SHAPES,
    ConsensusShape,
    CritiqueShape,
    Row,
    Tables,
    add_unmerged,
    key_column,
    make_critique,
    write_broken_files,
    write_consensus,
    write_critique,
    write_data_dir,
    write_memory_db,
)
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill

PARENTS = {
    "dissent": ("debate_id", "consensus"),
    "verified_proofs": ("debate_id", "consensus"),
    "critiques": ("debate_id", "debates"),
    "pattern_embeddings": ("pattern_id", "patterns"),
}


def orphans(written: Tables, table: str) -> list[Row]:
    """The rows that point to nothing in the file."""
    if table not in PARENTS:
        return []
    column, parent = PARENTS[table]
    there = {row["id"] for row in written.get(parent, ())} | {None}
    return [row for row in written[table] if row.get(column, row.get("consensus_id")) not in there]


def everything(folder: Path) -> dict[str, str]:
    """A digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "rejects" not in path.parts
    }


def compare(target: Target, written: Tables, tables: list[str]) -> None:
    """Assert that the rows of a file are in the target, value for value."""
    for table in tables:
        lost = orphans(written, table)
        rows = [row for row in written[table] if row not in lost]
        if table.endswith("_archive") or "dissent_text" in (rows or [{}])[0]:
            order = "archived_at" if table.endswith("_archive") else "content"
            wanted = sorted((expected_row(table, row) for row in rows), key=lambda r: str(r[order]))
            names = ", ".join(wanted[0]) if wanted else "1"
            found = target.query(f"SELECT {names} FROM {table}")
            assert sorted(found, key=repr) == sorted(
                (tuple(row.values()) for row in wanted), key=repr
            )
            continue
        column = key_column(table)
        for row in rows:
            wanted_row = expected_row(table, row)
            found_row = target.row(table, wanted_row[column], column)
            assert {name: found_row[name] for name in wanted_row} == wanted_row, table
        assert target.counts(table) == {table: len(rows)}


def check_report(report: MigrationReport, written: Tables, skipped: int = 0) -> None:
    check_sums(report)
    for table in report.tables:
        lost = len(orphans(written, table.table)) if table.table in written else 0
        assert table.rejected == lost, table.table
        assert table.rows_in_source == len(written[table.table]), table.table
    assert report.mismatches == 0


@pytest.mark.parametrize("shape", CONSENSUS_SHAPES)
def test_every_shape_of_the_consensus_memory(
    target: Target, tmp_path: Path, shape: ConsensusShape
) -> None:
    written = write_consensus(tmp_path / "old.db", rows=30, shape=shape)
    report = target.migrate(tmp_path / "old.db")
    check_report(report, written)
    assert [table.table for table in report.tables] == list(written)
    assert report.total_migrated > 30
    compare(target, written, list(written))


@pytest.mark.parametrize("shape", CRITIQUE_SHAPES)
def test_every_shape_of_the_critique_store(
    target: Target, tmp_path: Path, shape: CritiqueShape
) -> None:
    written = write_critique(tmp_path / "old.db", rows=30, shape=shape)
    report = target.migrate(tmp_path / "old.db")
    check_report(report, written)
    assert {table.table for table in report.tables} == set(written)
    once = Counter(row["id"] for row in written["debates"])
    repeated = {key for key, count in once.items() if count > 1}
    assert bool(repeated) == (shape in ("class", "nomic"))
    assert report.table("debates").counts.merged == len(repeated)
    compare(target, written, [table for table in written if table != "debates"])
    for row in written["debates"]:
        if row["id"] not in repeated:
            found = target.row("debates", row["id"])
            wanted = expected_row("debates", row)
            assert {name: found[name] for name in wanted} == wanted
    for key in repeated:
        first, second = (expected_row("debates", r) for r in written["debates"] if r["id"] == key)
        found = target.row("debates", key)
        assert found["final_answer"] == second["final_answer"] == "the later answer"
        assert found["created_at"] == first["created_at"] < second["created_at"]
    foreign = [text for text in report.unused_tables if "table patterns" in text]
    assert len(foreign) == (shape == "nomic")


def test_what_is_null_in_one_of_a_debates_rows_comes_from_another(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    row = make_critique(1)["debates"][0] | {"grounded_verdict": '{"verdict": "yes"}'}
    later = row | {"created_at": "2030-01-01 00:00:00", "confidence": None, "duration_seconds": 9.5}
    fill(path, {"debates": [row, later | {"grounded_verdict": ""}]})
    target.migrate(path)
    found = target.row("debates", row["id"])
    assert found["confidence"] == row["confidence"]
    assert found["duration_seconds"] == 9.5
    assert found["grounded_verdict"] == {"verdict": "yes"}


def test_one_file_with_all_stores(target: Target, tmp_path: Path) -> None:
    written = write_memory_db(tmp_path / "memory.db", rows=12)
    before = everything(tmp_path)
    report = target.migrate(tmp_path / "memory.db")
    check_sums(report)
    assert {table.store for table in report.tables} == {"consensus", "critique"}
    # Another store's table is neither taken nor taken for a stranger of ours.
    assert report.unused_tables == []
    assert "debate_insights" not in report.candidates[0].why
    assert target.query("SELECT to_regclass('debate_insights') IS NULL") == [(True,)]
    assert everything(tmp_path) == before
    assert target.counts("consensus") == {"consensus": len(written["consensus"])}


def test_one_store_of_a_file_with_both(target: Target, tmp_path: Path) -> None:
    write_memory_db(tmp_path / "memory.db", rows=12)
    report = target.migrate(tmp_path / "memory.db", stores=("critique",))
    assert {table.store for table in report.tables} == {"critique"}
    assert target.counts("consensus") == {"consensus": 0}
    report = target.migrate(tmp_path / "memory.db", stores=("consensus",))
    assert {table.store for table in report.tables} == {"consensus"}
    assert target.counts("consensus") == {"consensus": 12}


def test_a_table_that_only_shares_a_name_is_named(target: Target, tmp_path: Path) -> None:
    places = write_data_dir(tmp_path / "data", rows=6)
    report = target.migrate(places.folder)
    for file, table in places.foreign:
        [text] = [text for text in report.unused_tables if file in text]
        assert f"table {table} is another program's" in text
    left = {candidate.path.name: candidate.why for candidate in report.candidates}
    assert left["unused.db"] == "it is empty"
    assert left["notes.db"] == "it is not a SQLite file, or it is encrypted"
    assert left["core.db"] == "it has no table of these stores"
    assert left["insights.db"] == "it has no table of these stores"
    assert "elo_snapshot.json" not in left
    taken = {str(c.path.relative_to(places.folder)) for c in report.candidates if c.is_taken}
    assert taken == set(places.rows)


@pytest.mark.parametrize("name", [".nomic", "data"])
def test_the_nested_folder_is_searched(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_consensus(tmp_path / name / name / "memory.db", rows=5)
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), tmp_path / name):
        report = target.migrate(path)
        assert [c.path.name for c in report.candidates if c.is_taken] == ["memory.db"]
        assert report.table("consensus").rows_in_source == 5
    monkeypatch.chdir(tmp_path / name)
    assert target.migrate(Path()).table("consensus").already_there == 5


def test_rows_in_the_write_ahead_log_are_read_and_left_there(
    target: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    path = folder / "agora_memory.db"
    written = write_critique(path, rows=5)
    extra = make_critique(3, 77)
    fresh: Tables = {"debates": extra["debates"][:3], "patterns": extra["patterns"]}
    add_unmerged(path, fresh)
    assert path.with_name("agora_memory.db-wal").stat().st_size > 0
    before = everything(folder)
    report = target.migrate(path)
    assert report.table("patterns").migrated == len(written["patterns"]) + len(fresh["patterns"])
    for row in fresh["debates"]:
        assert target.row("debates", row["id"])["task"] == row["task"]
    after = everything(folder)
    # SQLite keeps its locks in -shm; it holds no data.
    assert {k: v for k, v in after.items() if not k.endswith("-shm")} == {
        k: v for k, v in before.items() if not k.endswith("-shm")
    }


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_the_source_is_unchanged_and_gets_no_new_neighbours(
    target: Target, tmp_path: Path, mode: str
) -> None:
    folder = tmp_path / "old"
    write_memory_db(folder / "memory.db", rows=8)
    with closing(sqlite3.connect(folder / "memory.db")) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = everything(folder)
    assert list(before) == ["memory.db"]
    times = (folder / "memory.db").stat().st_mtime_ns
    for options in ({"dry_run": True}, {}, {"jobs": 2}, {"verify": "only"}):
        target.migrate(folder / "memory.db", **options)
        assert everything(folder) == before
    assert (folder / "memory.db").stat().st_mtime_ns == times


def test_a_file_without_the_right_to_write_beside_it(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    write_consensus(folder / "memory.db", rows=4)
    (folder / "memory.db").chmod(0o400)
    folder.chmod(0o500)
    try:
        assert target.migrate(folder).table("consensus").migrated == 4
    finally:
        folder.chmod(0o700)


PROBLEMS = {
    "not-sqlite": "it is not a SQLite file, or it is encrypted",
    "empty": "it is empty",
    "truncated": "the file is cut off",
    "truncated-page": "the file is cut off",
    "damaged": "the file is damaged: restore it from a backup",
    "encrypted": "it is not a SQLite file, or it is encrypted",
    "other-tables": "nothing to migrate: no table of audit, checkpoints, ",
}


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_broken_file_is_refused_with_its_reason(
    target: Target, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_broken_files(tmp_path / "broken")[kind]
    content = path.read_bytes()
    arguments = ["--sqlite-path", str(path), "--postgres-dsn", target.dsn]
    code = main(["migrate", *arguments, "--source-timezone", "UTC"])
    printed = capsys.readouterr()
    assert code == 2
    assert PROBLEMS[kind] in printed.err
    assert str(path) in printed.err
    assert printed.out == ""
    assert path.read_bytes() == content
    [(rows,)] = target.query("SELECT count(*) FROM consensus")
    # Of a file with garbage in its middle, rows before it may have been read.
    assert rows == 0 or kind == "damaged"


def test_a_damaged_file_of_a_folder_is_not_left_out_silently(
    target: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    write_consensus(folder / "good.db", rows=3)
    broken = write_broken_files(tmp_path / "broken")
    shutil.copy(broken["truncated"], folder / "memory.db")
    with pytest.raises(SourceError, match="the file is cut off"):
        target.migrate(folder)
    assert target.counts("consensus") == {"consensus": 0}


def test_a_folder_without_any_file(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(SourceError, match="no SQLite file in") as caught:
        target.migrate(folder)
    assert str(folder) in str(caught.value)
    (folder / "notes.db").write_text("text")
    (folder / "unused.db").touch()
    with pytest.raises(SourceError, match="nothing to migrate") as caught:
        target.migrate(folder)
    assert "notes.db: it is not a SQLite file" in str(caught.value)
    assert "unused.db: it is empty" in str(caught.value)


def test_a_path_that_does_not_exist(target: Target, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file or directory"):
        target.migrate(tmp_path / "no.db")


def test_a_file_with_another_ending_is_found_by_its_content(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "data" / "memory.data", rows=3)
    assert target.migrate(tmp_path / "data").table("consensus").migrated == 3


def test_columns_in_capitals_and_extra_columns(target: Target, tmp_path: Path) -> None:
    """A file that somebody altered is still of the shape, when all that is needed is there."""
    path = tmp_path / "old.db"
    write_consensus(path, rows=4)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE consensus ADD COLUMN note TEXT DEFAULT 'mine'")
        connection.execute("ALTER TABLE dissent RENAME COLUMN confidence TO certainty")
        connection.commit()
    report = target.migrate(path)
    assert report.table("consensus").migrated == 4
    assert report.table("dissent").rows_in_source == 2


async def fill_stores(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    first = await memory.store_consensus(
        topic="Rate limiting approach 🧠",
        conclusion='A token bucket\nwith 100% of \\ and "quotes"',
        strength="strong",
        confidence=0.1 + 0.2,
        participating_agents=["claude", "gpt-4"],
        agreeing_agents=["claude"],
        tags=["limits"],
        rounds=3,
        metadata={"n": 2**70, "large": 1e17, "small": 5e-324, "deep": [[{"a": None}]]},
        belief_cruxes=[{"claim": "x", "confidence_gap": 0.1}],
    )
    second = await memory.supersede_consensus(
        first.id,
        "Rate limiting approach",
        "A leaky bucket",
        strength="weak",
        confidence=0.5,
        participating_agents=["claude"],
        agreeing_agents=[],
    )
    dissent = await memory.store_dissent(second.id, "gpt-4", "risk_warning", "It leaks", "physics")
    await memory.acknowledge_dissent(dissent.id, "so it does")
    await memory.store_proof(second.id, "proof_found", is_verified=True, translation_time_ms=0.1)
    await memory.record_vote("debate-1", "user-1", "agree")
    await critiques.store_debate(
        "debate-1",
        "Choose",
        final_answer="A bucket",
        consensus_reached=True,
        confidence=0.9,
        grounded_verdict={"verdict": "yes", "confidence": 1.0},
        critiques=[
            {"agent": "claude", "issues": ["slow", "🧠"], "severity": 6.5},
            {"agent": "gpt-4", "issues": [], "suggestions": ["faster"], "reasoning": "why"},
        ],
    )
    number = await critiques.store_critique(None, "gemini", severity=0.1)
    await critiques.update_prediction_outcome(number, 0.25)
    [pattern] = await critiques.store_pattern("Slow queue", "Make it faster", 4.5, "The fix")
    await critiques.store_embeddings({pattern.id: b"\x00\xff"})
    await critiques.update_reputation("claude", proposal_made=True, proposal_accepted=True)


async def read_stores(memory: ConsensusMemory, critiques: CritiqueStore) -> dict[str, Any]:
    records = sorted(await memory.get_recent(limit=100), key=lambda record: record.id)
    found: dict[str, Any] = {"consensus": records}
    found["dissent"] = [await memory.get_dissents(record.id) for record in records]
    found["proofs"] = [await memory.get_proofs_for_debate(record.id) for record in records]
    found["votes"] = await memory.get_votes("debate-1")
    found["debate"] = await critiques.get_debate("debate-1")
    found["critiques"] = await critiques.get_critiques_for_debate("debate-1")
    found["recent"] = sorted(await critiques.get_recent_critiques(100), key=lambda c: c.id)
    # Their scores depend on the time of asking.
    ranked = await critiques.retrieve_patterns_with_embeddings(min_success=0, limit=100)
    found["embeddings"] = {pattern.id: embedding for pattern, embedding in ranked}
    found["patterns"] = await critiques.get_patterns_batch(sorted(found["embeddings"]))
    found["reputations"] = sorted(
        await critiques.get_all_reputations(), key=lambda reputation: reputation.agent_name
    )
    found["similar"] = [
        (record.id, record.similarity) for record in await memory.find_similar("rate limiting")
    ]
    found["stats"] = [await memory.get_stats(), await critiques.get_stats()]
    return found


async def test_this_packages_own_files(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "own" / "aragora.db"
    path.parent.mkdir()
    database = SQLiteDatabase(path)
    try:
        memory, critiques = ConsensusMemory(database), CritiqueStore(database)
        await memory.initialize()
        await critiques.initialize()
        await fill_stores(memory, critiques)
        before = await read_stores(memory, critiques)
    finally:
        await database.close()
    content = everything(path.parent)
    # No local times are in it, so no zone is needed.
    report = await asyncio.to_thread(target.migrate, path, source_timezone=None)
    check_sums(report)
    assert report.left_behind == []
    assert report.success
    assert report.unused_tables == []
    assert report.table("debate_votes").migrated == 1
    assert everything(path.parent) == content
    opened = await PostgresDatabase.connect(target.dsn, 1, 2)
    try:
        memory, critiques = ConsensusMemory(opened), CritiqueStore(opened)
        await memory.initialize()
        await critiques.initialize()
        after = await read_stores(memory, critiques)
        for name, records in before.items():
            assert after[name] == records, name
        fresh = await critiques.store_critique(None, "claude")
        assert fresh > max(critique.id for critique in before["recent"])
        # Storing the debate again adds none of the critiques that came along.
        await critiques.store_debate(
            "debate-1",
            "Choose",
            critiques=[{"agent": "gpt-4", "suggestions": ["faster"], "reasoning": "why"}],
        )
        assert len(await critiques.get_critiques_for_debate("debate-1")) == 2
    finally:
        await opened.close()
    again = await asyncio.to_thread(target.migrate, path, source_timezone=None)
    assert again.total_migrated == 0


async def test_archives_of_this_packages_own_files(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    database = SQLiteDatabase(path)
    try:
        memory, critiques = ConsensusMemory(database), CritiqueStore(database)
        await memory.initialize()
        await critiques.initialize()
        await fill_stores(memory, critiques)
        await memory.cleanup_old_records(max_age_days=0)
    finally:
        await database.close()
    report = await asyncio.to_thread(target.migrate, path, source_timezone=None)
    check_sums(report)
    assert report.success
    archives = ("consensus_archive", "dissent_archive", "verified_proofs_archive")
    assert {name: report.table(name).migrated for name in archives} == {
        "consensus_archive": 2,
        "dissent_archive": 1,
        "verified_proofs_archive": 1,
    }
    again = await asyncio.to_thread(target.migrate, path, source_timezone=None)
    assert (again.total_migrated, again.total_different) == (0, 0)
    assert target.counts(*archives) == {name: report.table(name).migrated for name in archives}
