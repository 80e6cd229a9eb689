"""The builders of older files write what they claim to."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.migration.legacy import (
    BAD_ROWS,
    CONSENSUS_SHAPES,
    CRITIQUE_SHAPES,
    HUGE,
    HUGE_TEXT_CHARACTERS,
    BadRow,
    ConsensusShape,
    CritiqueShape,
    key_column,
    write_bad_rows,
    write_broken_files,
    write_consensus,
    write_critique,
    write_data_dir,
    write_memory_db,
)


def read(path: Path, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Rows of a file, read as a migration has to: without the right to write."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        return connection.execute(query, arguments).fetchall()


def columns(path: Path, table: str) -> set[str]:
    rows = read(path, "SELECT name FROM pragma_table_info(?)", table)
    return {row[0].decode() for row in rows}


def tables(path: Path) -> set[str]:
    rows = read(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0].decode() for row in rows}


def count(path: Path, table: str) -> int:
    return int(read(path, f"SELECT count(*) FROM {table}")[0][0])


def read_all(path: Path) -> None:
    for table in tables(path):
        read(path, f"SELECT * FROM {table} NOT INDEXED")


def versions(path: Path) -> dict[str, int]:
    rows = read(path, "SELECT module, version FROM _schema_versions")
    return {module.decode(): version for module, version in rows}


@pytest.mark.parametrize("shape", CONSENSUS_SHAPES)
def test_consensus_rows_are_in_the_file(tmp_path: Path, shape: ConsensusShape) -> None:
    path = tmp_path / "old.db"
    written = write_consensus(path, rows=30, shape=shape)
    assert len(written["consensus"]) == 30
    assert {table: count(path, table) for table in written} == {
        table: len(rows) for table, rows in written.items()
    }


def test_consensus_shapes_differ_as_they_did(tmp_path: Path) -> None:
    paths = {shape: tmp_path / f"{shape}.db" for shape in CONSENSUS_SHAPES}
    for shape, path in paths.items():
        write_consensus(path, rows=30, shape=shape)
    has_proofs = {shape for shape, path in paths.items() if "verified_proofs" in tables(path)}
    assert has_proofs == {"class"}
    assert versions(paths["class"]) == versions(paths["v1"]) == {"consensus_memory": 2}
    assert "_schema_versions" not in tables(paths["early"])
    assert columns(paths["consolidated"], "dissent") > columns(paths["class"], "dissent")
    gaps = read(
        paths["consolidated"],
        "SELECT count(*) FILTER (WHERE topic_hash IS NULL), "
        "count(*) FILTER (WHERE timestamp IS NULL), count(*) FILTER (WHERE data IS NULL) "
        "FROM consensus",
    )
    assert gaps == [(3, 3, 1)]
    strengths = read(paths["fallback"], "SELECT DISTINCT strength FROM consensus ORDER BY 1")
    assert strengths == [(b"medium",), (b"strong",)]
    assert read(paths["fallback"], "SELECT DISTINCT typeof(id) FROM dissent") == [(b"integer",)]


def test_consensus_values_have_the_old_formats(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    write_consensus(path, rows=60)

    def some(condition: str, table: str = "consensus") -> bool:
        return bool(read(path, f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"))

    assert some("timestamp GLOB '????-??-??T??:??:??'")
    assert some("timestamp GLOB '????-??-??T??:??:??.??????'")
    assert not some("timestamp NOT GLOB '????-??-??T*' OR timestamp GLOB '*[Z+]*'")
    assert not some("data <> CAST(data AS BLOB) AND data GLOB '*[^ -~]*'")
    assert some("data LIKE '%\\ud83e\\udde0%'"), "characters beyond the basic plane are escaped"
    assert some("topic LIKE '%🧠%'"), "and are themselves in columns"
    assert some("json_type(data, '$.belief_cruxes') = 'array'")
    assert some("json_extract(data, '$.metadata.debate_id') IS NOT NULL")
    assert some("length(printf('%!.17g', confidence)) >= 19")
    assert not some("json_extract(data, '$.confidence') IS NOT confidence")
    pairs = read(
        path,
        "SELECT count(*) FROM consensus AS new JOIN consensus AS old "
        "ON json_extract(new.data, '$.metadata.supersedes') = old.id "
        "AND json_extract(old.data, '$.superseded_by') = new.id",
    )
    assert pairs == [(6,)]
    assert some("debate_id NOT IN (SELECT id FROM consensus)", "dissent")
    assert some("is_verified = 1", "verified_proofs")
    assert some("archived_at GLOB '????-??-?? ??:??:??'", "dissent_archive")


@pytest.mark.parametrize("shape", CRITIQUE_SHAPES)
def test_critique_rows_are_in_the_file(tmp_path: Path, shape: CritiqueShape) -> None:
    path = tmp_path / "old.db"
    written = write_critique(path, rows=30, shape=shape)
    assert len({row["id"] for row in written["debates"]}) == 30
    assert {table: count(path, table) for table in written} == {
        table: len(rows) for table, rows in written.items()
    }


def test_critique_shapes_differ_as_they_did(tmp_path: Path) -> None:
    paths = {shape: tmp_path / f"{shape}.db" for shape in CRITIQUE_SHAPES}
    for shape, path in paths.items():
        write_critique(path, rows=30, shape=shape)
    assert count(paths["class"], "debates") == 33
    assert count(paths["keyed"], "debates") == 30
    assert versions(paths["class"]) == {"critique_store": 1}
    assert "_schema_versions" not in tables(paths["early"])
    lacking = {
        shape for shape, p in paths.items() if "grounded_verdict" not in columns(p, "debates")
    }
    assert lacking == {"early", "consolidated"}
    assert "expected_usefulness" not in columns(paths["early"], "critiques")
    assert "calibration_score" not in columns(paths["early"], "agent_reputation")
    assert "file_path" in columns(paths["nomic"], "patterns")


def test_critique_values_have_the_old_formats(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    write_critique(path, rows=60)

    def some(condition: str, table: str) -> bool:
        return bool(read(path, f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"))

    assert some("created_at GLOB '????-??-?? ??:??:??'", "debates")
    assert some("updated_at GLOB '????-??-??T*'", "patterns")
    assert some("updated_at GLOB '????-??-??T*'", "agent_reputation")
    assert some("updated_at GLOB '????-??-?? *'", "agent_reputation")
    assert some("debate_id IS NULL", "critiques")
    assert some("debate_id NOT IN (SELECT id FROM debates)", "critiques")
    assert some("suggestions IS NULL", "critiques")
    assert some("suggestions = ''", "critiques")
    assert some("expected_usefulness = 0.0", "critiques")
    assert some("grounded_verdict = ''", "debates")
    assert some("json_type(grounded_verdict) = 'object'", "debates")
    assert some("pattern_id NOT IN (SELECT id FROM patterns)", "pattern_embeddings")
    repeated = "SELECT count(*) - count(DISTINCT id) FROM patterns_archive"
    assert read(path, repeated)[0][0] > 0


def test_seeds_repeat(tmp_path: Path) -> None:
    first = write_memory_db(tmp_path / "first.db", seed=4)
    assert first == write_memory_db(tmp_path / "second.db", seed=4)
    assert first != write_memory_db(tmp_path / "third.db", seed=5)
    assert count(tmp_path / "first.db", "debate_insights") == 4
    assert versions(tmp_path / "first.db") == {"consensus_memory": 2, "critique_store": 1}


def test_a_data_directory_holds_what_it_says(tmp_path: Path) -> None:
    made = write_data_dir(tmp_path / "nomic", rows=60)
    found = {
        name: {table: count(made.folder / name, table) for table in of_file}
        for name, of_file in made.rows.items()
    }
    assert found == made.rows
    assert set(made.rows) == {
        "consensus_memory.db",
        "agora_memory.db",
        "memory.db",
        "nomic/memory.db",
    }
    for table in ("consensus", "dissent", "debates", "patterns"):
        keys = {
            key
            for name, of_file in made.rows.items()
            if table in of_file
            for key in read(made.folder / name, f"SELECT id FROM {table}")
        }
        assert len(keys) == made.distinct[table]
        assert made.distinct[table] < sum(of.get(table, 0) for of in made.rows.values())
    assert all(made.orphans[table] > 0 for table in ("dissent", "critiques", "pattern_embeddings"))
    assert all(made.newest.values())
    assert made.patterns
    assert len(made.reputation) == 3
    assert made.clashing
    for name, table in made.foreign:
        assert count(made.folder / name, table) == 3
    assert all((made.folder / name).is_file() for name in made.unrelated)


def test_rows_wait_in_the_log(tmp_path: Path) -> None:
    made = write_data_dir(tmp_path / "data")
    path = made.folder / "agora_memory.db"
    assert path.with_name("agora_memory.db-wal").stat().st_size > 0
    bare = tmp_path / "bare.db"
    bare.write_bytes(path.read_bytes())
    for table, keys in made.unmerged.items():
        marks = ", ".join("?" * len(keys))
        query = f"SELECT count(*) FROM {table} WHERE id IN ({marks})"
        assert read(path, query, *keys) == [(len(keys),)]
        assert read(bare, query, *keys) == [(0,)]


def test_the_newest_version_is_named(tmp_path: Path) -> None:
    made = write_data_dir(tmp_path / "data", rows=60)
    for key, conclusion in made.newest["consensus"].items():
        versions = {
            (text, timestamp)
            for name, of_file in made.rows.items()
            if "consensus" in of_file
            for text, timestamp in read(
                made.folder / name,
                "SELECT conclusion, json_extract(data, '$.timestamp') FROM consensus WHERE id = ?",
                key,
            )
        }
        assert len(versions) == 2
        assert max(versions, key=lambda version: version[1])[0].decode() == conclusion


def test_bad_rows_have_names_and_keys_of_their_own() -> None:
    names = Counter(bad.name for bad in BAD_ROWS)
    assert names.most_common(1)[0][1] == 1
    keys = Counter((bad.table, bad.key) for bad in BAD_ROWS if bad.key not in (None, ""))
    assert keys.most_common(1)[0][1] == 1
    for bad in BAD_ROWS:
        assert (bad.column is None) == (bad.outcome in ("migrated", "merged")) or (
            bad.outcome == "adjusted"
        ), bad.name


def test_bad_rows_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    counts = write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name != HUGE])
    assert {table: count(path, table) for table in counts} == counts
    for bad in BAD_ROWS:
        if bad.key is not None and bad.name != HUGE:
            query = f"SELECT count(*) FROM {bad.table} WHERE {key_column(bad.table)} = ?"
            assert read(path, query, bad.key) == [(bad.copies,)], bad.name


@pytest.mark.parametrize("bad", [bad for bad in BAD_ROWS if bad.name != HUGE], ids=lambda b: b.name)
def test_a_bad_value_is_stored_as_it_is_meant(tmp_path: Path, bad: BadRow) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad], good=0)
    values = dict(bad.values)
    if isinstance(bad.document, str):
        values["data"] = bad.document
    # Bad rows are inserted last.
    last = f"FROM {bad.table} ORDER BY rowid DESC LIMIT 1"
    if bad.table == "critiques":
        last = f"FROM critiques WHERE id = {bad.key}"
    for column, value in values.items():
        kind, stored = read(path, f"SELECT typeof({column}), {column} {last}")[0]
        if isinstance(value, str):
            # A text of digits becomes a number where a number belongs.
            assert stored == (float(value) if kind == b"real" else value.encode())
        elif isinstance(value, bytes):
            assert (kind, stored) == (b"blob", value)
        elif isinstance(value, float) and math.isnan(value):
            assert stored is None
        elif value is None or isinstance(value, int | float):
            # A number becomes a text where text belongs.
            assert stored == (str(value).encode() if kind == b"text" else value)
        else:
            assert kind in (b"text", b"real")


def test_the_huge_text(tmp_path: Path) -> None:
    path = tmp_path / "huge.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == HUGE], good=0)
    lengths = read(path, "SELECT max(length(final_answer)) FROM debates")
    assert lengths == [(HUGE_TEXT_CHARACTERS,)]


def test_broken_files(tmp_path: Path) -> None:
    paths = write_broken_files(tmp_path / "broken")
    assert paths["empty"].stat().st_size == 0
    for kind in ("not-sqlite", "encrypted"):
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            tables(paths[kind])
    for kind in ("truncated", "truncated-page", "damaged"):
        assert paths[kind].read_bytes().startswith(b"SQLite format 3\x00")
        with pytest.raises(sqlite3.DatabaseError, match="malformed"):
            read_all(paths[kind])
    assert tables(paths["other-tables"]) == {"users"}
