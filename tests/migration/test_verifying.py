"""A verification finds every kind of difference, and says where."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aragora_sql.errors import SchemaMismatchError
from aragora_sql.migration import MigrationReport, retry_rejects, verifying
from aragora_sql.settings import PostgresDSN
from tests.migration.conftest import Target
from tests.migration.legacy import (
    BAD_ROWS,
    SOURCE_ZONE,
    Tables,
    key_column,
    write_bad_rows,
    write_consensus,
    write_critique,
    write_data_dir,
    write_memory_db,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was migrated, and its rows."""

    path: Path
    written: Tables
    target: Target
    left_out: dict[str, int]

    def verify(self, **options: Any) -> MigrationReport:
        return self.target.migrate(self.path, verify="only", **options)

    def key(self, table: str, column: str = "id", number: int = 1) -> str:
        """A key that stands once in the file."""
        keys = [row[column] for row in self.written[table]]
        [key] = [key for key in keys if keys.count(key) == 1][number : number + 1]
        return str(key)


@pytest.fixture
def source(target: Target, tmp_path: Path) -> Source:
    path = tmp_path / "memory.db"
    written = write_consensus(path, rows=12) | write_critique(path, rows=12)
    # What has no parent is left out on request: it is not missing.
    report = target.migrate(path, verify="none", orphans="leave-out")
    assert (report.mismatches, report.total_errors) == (0, 0)
    return Source(path, written, target, {t.table: t.left_out for t in report.tables})


def mismatches(report: MigrationReport) -> dict[str, int]:
    return {
        table.table: table.verified.mismatches
        for table in report.tables
        if table.verified and table.verified.mismatches
    }


def only_line(report: MigrationReport, table: str) -> str:
    assert mismatches(report) == {table: 1}
    verified = report.table(table).verified
    assert verified is not None
    [line] = verified.first
    assert line.startswith(f"{table}, memory.db row ")
    assert (report.success, report.exit_code) == (False, 1)
    return line


def test_nothing_is_wrong_after_a_migration(source: Source) -> None:
    report = source.verify()
    assert report.success
    assert report.is_verify_only
    assert mismatches(report) == {}
    for table in report.tables:
        assert table.verified is not None
        lost = source.left_out.get(table.table, 0)
        folded = 2 if table.table == "debates" else 0
        assert table.verified.compared == len(source.written[table.table]) - lost - folded


CHANGES = [
    ("consensus", "topic", "topic || ' '"),
    ("consensus", "conclusion", "upper(conclusion)"),
    ("consensus", "conclusion", "overlay(conclusion PLACING U&'\\0430' FROM 3 FOR 1)"),
    ("consensus", "created_at", "created_at + interval '1 microsecond'"),
    ("consensus", "data", "jsonb_set(data, '{rounds}', '77')"),
    ("consensus", "data", "jsonb_set(data, '{metadata}', '{\"new\": null}')"),
    ("consensus", "data", "data - 'key_claims'"),
    ("consensus", "key_claims", "key_claims || '[\"more\"]'"),
    ("consensus", "participating_agents", "'[]'"),
    ("consensus", "domain", "NULL"),
    ("consensus", "rounds", "rounds + 1"),
    ("debates", "consensus_reached", "NOT consensus_reached"),
    ("debates", "final_answer", "''"),
    ("debates", "final_answer", "NULL"),
    ("debates", "created_at", "created_at + interval '1 microsecond'"),
    ("debates", "created_at", "created_at - interval '1 second'"),
    ("critiques", "severity", "severity * (1 + 3e-16::float8)"),
    ("critiques", "debate_id", "NULL"),
    ("critiques", "issues", "issues || '[1]'"),
    ("patterns", "success_count", "success_count + 1"),
    ("pattern_embeddings", "embedding", "set_byte(embedding, 3, 255 - get_byte(embedding, 3))"),
    ("agent_reputation", "total_prediction_error", "total_prediction_error + 1e-9"),
]


def test_each_changed_value_is_named(source: Source) -> None:
    """One row each, and a verification of all of them."""
    used: dict[str, int] = {}
    wanted = set()
    for table, column, change in CHANGES:
        key_name = key_column(table)
        rows = source.written[table]
        place = used.get(table, 0)
        while [row[key_name] for row in rows].count(rows[place][key_name]) > 1 or (
            table == "critiques" and not str(rows[place]["debate_id"]).startswith("debate")
        ):
            place += 1
        used[table] = place + 1
        key = rows[place][key_name]
        before = source.target.row(table, key, key_name)
        source.target.query(f"UPDATE {table} SET {column} = {change} WHERE {key_name} = %s", key)
        after = source.target.row(table, key, key_name)
        assert {name for name in before if before[name] != after[name]} - {
            "topic_vector",
            "topic_terms",
        } == {column}
        rowid = key if table == "critiques" else place + 1
        wanted.add(f"{table}, memory.db row {rowid}: {column}")
    report = source.verify()
    found = [line for table in report.tables for line in table.verified.first]  # type: ignore[union-attr]
    assert {line[: line.index(": ", line.index(": ") + 1)] for line in found} == wanted
    assert all(" in the source, " in line and line.endswith(" in the target") for line in found)
    assert report.mismatches == len(CHANGES)
    assert (report.success, report.exit_code) == (False, 1)


def test_the_last_bit_of_a_float_is_missed(source: Source) -> None:
    row = source.written["consensus"][3]
    source.target.query(
        "UPDATE consensus SET confidence = %s WHERE id = %s",
        math.nextafter(row["confidence"], 2),
        row["id"],
    )
    line = only_line(source.verify(), "consensus")
    assert f": confidence: {row['confidence']!r} in the source, " in line


def test_1_is_not_true_in_json(source: Source) -> None:
    path = source.path.with_name("memory.db")
    path.unlink()
    rows = source.written["consensus"][:1]
    rows = [rows[0] | {"data": '{"flag": true, "one": 1, "half": 0.5}'}]
    write_consensus(path, tables={"consensus": rows})
    source.target.query("TRUNCATE consensus CASCADE")
    assert source.target.migrate(path).success
    for value in ("1", "0", '"true"', "null", "false", "[true]"):
        source.target.query(
            "UPDATE consensus SET data = data || %s::text::jsonb", f'{{"flag": {value}}}'
        )
        assert ": data: " in only_line(source.verify(), "consensus")
    source.target.query('UPDATE consensus SET data = data || \'{"flag": true, "one": true}\'')
    assert ": data: " in only_line(source.verify(), "consensus")
    # Numbers of one value are one number.
    source.target.query(
        'UPDATE consensus SET data = data || \'{"flag": true, "one": 1.0, "half": 0.50}\''
    )
    assert source.verify().success


def test_a_missing_row_is_named(source: Source) -> None:
    key = source.key("patterns")
    source.target.query("DELETE FROM pattern_embeddings WHERE pattern_id = %s", key)
    source.target.query("DELETE FROM patterns WHERE id = %s", key)
    found = mismatches(source.verify())
    assert found["patterns"] == 1
    verified = source.verify().table("patterns").verified
    assert verified is not None
    assert verified.first[0].endswith("missing in the target")
    rowid = [row["id"] for row in source.written["patterns"]].index(key) + 1
    assert verified.first[0].startswith(f"patterns, memory.db row {rowid}: ")


def test_a_changed_row_of_an_archive_is_missing_there(source: Source) -> None:
    source.target.query(
        "UPDATE patterns_archive SET success_count = success_count + 1 "
        "WHERE archive_id = (SELECT min(archive_id) FROM patterns_archive)"
    )
    only_line(source.verify(), "patterns_archive")


def test_more_rows_in_the_target_are_no_difference(source: Source) -> None:
    source.target.query("INSERT INTO debates (id, task) VALUES ('new', 'of the application')")
    assert source.verify().success


def test_only_the_first_differences_are_listed(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    write_consensus(path, rows=60)
    target.migrate(path)
    target.query("UPDATE consensus SET topic = topic || '!'")
    verified = target.migrate(path, verify="only").table("consensus").verified
    assert verified is not None
    assert (verified.compared, verified.mismatches, len(verified.first)) == (60, 60, 20)


def test_with_several_processes_it_is_the_same(source: Source) -> None:
    source.target.query(
        "UPDATE consensus SET topic = topic || '!' WHERE id = %s", source.key("consensus")
    )
    one, two = source.verify(), source.verify(jobs=2, batch_size=1)
    assert mismatches(one) == mismatches(two) == {"consensus": 1}
    first, second = one.table("consensus").verified, two.table("consensus").verified
    assert first == second


def test_references_set_to_null_are_no_difference(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    names = ("supersedes-nothing", "orphan-critique")
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name in names], good=0)
    report = target.migrate(path, orphans="null")
    assert report.mismatches == 0
    assert report.table("critiques").verified.compared == 1  # type: ignore[union-attr]
    # Without the option the same NULL is not what the source says.
    report = target.migrate(path, verify="only")
    assert mismatches(report)["critiques"] == 1


def test_a_reference_that_could_stand_is_missed(source: Source) -> None:
    query = "SELECT id FROM consensus WHERE supersedes IS NOT NULL LIMIT 1"
    [(key,)] = source.target.query(query)
    source.target.query("UPDATE consensus SET supersedes = NULL WHERE id = %s", key)
    assert ": supersedes: " in only_line(source.verify(), "consensus")


def test_merged_tables_are_verified(target: Target, tmp_path: Path) -> None:
    places = write_data_dir(tmp_path / "data", rows=20)
    target.migrate(places.folder, orphans="leave-out")
    report = target.migrate(places.folder, verify="only")
    assert (report.mismatches, report.exit_code) == (0, 3)
    compared = {table.table: table.verified.compared for table in report.tables if table.verified}
    for table, count in places.distinct.items():
        assert compared[table] == count - places.orphans.get(table, 0), table
    key = next(iter(places.patterns))
    target.query("UPDATE patterns SET success_count = success_count - 1 WHERE id = %s", key)
    newest = next(iter(places.newest["consensus"]))
    target.query("UPDATE consensus SET conclusion = 'older' WHERE id = %s", newest)
    clashing = target.query("SELECT number FROM _migration_numbers ORDER BY 1 LIMIT 1")[0][0]
    target.query("UPDATE critiques SET reasoning = 'other' WHERE id = %s", clashing)
    report = target.migrate(places.folder, verify="only")
    assert mismatches(report) == {"patterns": 1, "consensus": 1, "critiques": 1}
    for table, column in (
        ("patterns", "success_count"),
        ("consensus", "conclusion"),
        ("critiques", "reasoning"),
    ):
        assert f": {column}: " in report.table(table).verified.first[0]  # type: ignore[union-attr]


def test_verify_only_counts_rows_that_were_rejected(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    bad = [bad for bad in BAD_ROWS if bad.name in ("json-cut", "confidence-1.5", "flag-2")]
    write_bad_rows(path, bad, good=5)
    report = target.migrate(path)
    assert report.total_errors > 3
    assert report.mismatches == 0
    again = target.migrate(path, verify="only")
    assert (again.mismatches, again.exit_code) == (report.total_errors, 1)
    for table in again.tables:
        assert table.verified is not None
        assert table.verified.looked_at == table.rows_in_source
        assert table.verified.mismatches == report.table(table.table).rejected
    # Once they were mended and loaded, a row whose parent is not there is still missing. The others
    # have other values now, be it Python or a rule of the target that refused theirs.
    for file in report.reject_files:
        text = Path(file).read_text(encoding="utf-8")
        for line in map(json.loads, text.splitlines()):
            assert line["kind"] == "rejected"
    files = [mended(Path(file)) for file in report.reject_files]
    loaded = retry_rejects(files, PostgresDSN.parse(target.dsn), SOURCE_ZONE)
    assert (loaded.total_migrated, loaded.total_errors) == (report.total_errors - 1, 1)
    assert list(loaded.reasons) == ["pattern_embeddings.pattern_id: no row of patterns has this id"]
    last = target.migrate(path, verify="only")
    assert (last.mismatches, last.exit_code) == (1, 1)
    first = {table.table: table.verified.first for table in last.tables if table.verified}
    assert "missing in the target" in first["pattern_embeddings"][0]
    assert sum(table.verified.mended for table in last.tables if table.verified) == (
        loaded.total_migrated
    )
    # With the whole migration run again they are there already, and no difference either.
    assert target.migrate(path, verify="all").mismatches == 0


def test_a_row_that_only_a_rule_refuses_is_called_so_when_it_is_missing(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "memory.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == "confidence-1.5"], good=1)
    target.migrate(path)
    report = target.migrate(path, verify="only")
    verified = report.table("consensus").verified
    assert verified is not None
    assert (verified.mismatches, verified.rejected, verified.mended) == (1, 1, 0)
    assert "confidence: breaks the rule consensus_confidence_check: CHECK" in verified.first[0]
    assert "(it could not be migrated)" in verified.first[0]
    assert verified.looked_at == report.table("consensus").rows_in_source
    # A good value in the source that the target has otherwise is a difference, as before.
    target.query("UPDATE consensus SET confidence = 0.125")
    assert mismatches(target.migrate(path, verify="only"))["consensus"] > 1


def mended(path: Path) -> Path:
    """Put good values in the place of the bad ones of some rows."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    good = {"data": {}, "confidence": 0.5, "consensus_reached": 1}
    for line in lines:
        if line["column"] in good:
            line["row"][line["column"]] = good[line["column"]]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def test_verify_only_writes_nothing(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    written = write_consensus(path, rows=5)
    report = target.migrate(path, verify="only")
    assert target.counts("consensus") == {"consensus": 0}
    assert report.mismatches == sum(map(len, written.values()))
    assert target.query("SELECT to_regclass('_migration_runs') IS NULL") == [(True,)]
    assert not target.rejects.exists()


def test_verify_only_by_several_processes_without_a_ledger(source: Source) -> None:
    source.target.query(
        "UPDATE consensus SET topic = topic || '!' WHERE id = %s", source.key("consensus")
    )
    names = source.target.query("SELECT tablename FROM pg_tables WHERE tablename ^@ '_migration_'")
    source.target.query(f"DROP TABLE {', '.join(name for (name,) in names)} CASCADE")
    one, two = source.verify(), source.verify(jobs=2, batch_size=1)
    # Nothing is left that excuses the rows which were left out.
    wanted = {"consensus": 1, "critiques": 1, "pattern_embeddings": 1}
    assert mismatches(one) == mismatches(two) == wanted
    assert source.target.query("SELECT to_regclass('_migration_runs') IS NULL") == [(True,)]


def test_verify_only_of_an_empty_database(empty_target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    write_consensus(path, rows=5)
    with pytest.raises(SchemaMismatchError, match="the target has no table consensus, "):
        empty_target.migrate(path, verify="only")
    assert empty_target.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [
        (0,)
    ]


@pytest.mark.parametrize("verify", ["auto", "all", "none"])
def test_when_it_is_done(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify: str
) -> None:
    monkeypatch.setattr("aragora_sql.migration.run.VERIFY_AUTOMATICALLY", 10)
    path = tmp_path / "memory.db"
    write_memory_db(path, rows=12)
    report = target.migrate(path, verify=verify)
    small = {table.table for table in report.tables if table.rows_in_source <= 10}
    done = {table.table for table in report.tables if table.verified is not None}
    every = {table.table for table in report.tables}
    assert small < every
    assert done == {"auto": small, "all": every, "none": set()}[verify]


def test_a_timestamp_is_the_same_in_any_zone_of_the_session(source: Source) -> None:
    database = source.target.query("SELECT current_database()")[0][0]
    source.target.query(f"ALTER DATABASE {database} SET timezone = 'Pacific/Apia'")
    source.target.query(f"ALTER DATABASE {database} SET extra_float_digits = -15")
    source.target.query(f"ALTER DATABASE {database} SET bytea_output = 'escape'")
    source.target.query(f"ALTER DATABASE {database} SET datestyle = 'SQL, DMY'")
    assert source.verify().success
    source.target.query(f"ALTER DATABASE {database} RESET datestyle")
    [(created,)] = source.target.query(
        "SELECT created_at FROM consensus WHERE id = %s", source.key("consensus")
    )
    assert created.utcoffset() == timedelta(0)


NUMBERS = st.one_of(
    st.none(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -0.0, 2**60, "1", "1.0", "x"])
)
DOCUMENTS = st.sampled_from(
    [
        None,
        "1",
        "1.0",
        "true",
        '{"a": 1, "b": [2]}',
        '{"b":[2],"a":1}',
        "[]",
        "[ ]",
        "{",
        '"\\u00e9"',
        '"é"',
        "1e3",
    ]
)
TIMES = st.sampled_from(
    [
        None,
        "2026-02-12T22:42:00+00:00",
        "2026-02-12T23:42:00+01:00",
        datetime(2026, 2, 12, 22, 42, tzinfo=UTC),
    ]
)
COLUMNS: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "text": (st.sampled_from([None, "a", "b"]), st.sampled_from([None, "a", "b"])),
    "boolean": (st.sampled_from([None, True, False, 1]), st.sampled_from([None, True, False])),
    "double precision": (NUMBERS, st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 2.0]))),
    "bigint": (NUMBERS, st.one_of(st.none(), st.integers(-3, 3))),
    "jsonb": (DOCUMENTS, DOCUMENTS.filter(lambda text: text != "{")),
    "timestamp with time zone": (TIMES, TIMES.filter(lambda value: not isinstance(value, str))),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_that_are_equal_at_once_are_equal_value_by_value(kind: str) -> None:
    ours, theirs = COLUMNS[kind]

    @given(st.lists(st.tuples(ours, theirs), min_size=1, max_size=4))
    @settings(derandomize=True, deadline=None, max_examples=300)
    def look(pairs: list[tuple[Any, Any]]) -> None:
        expected, actual = zip(*pairs, strict=True)
        if verifying._are_surely_equal(expected, actual, kind):
            for one, other in pairs:
                is_identical = one == other and type(one) is type(other)
                assert is_identical or verifying._is_equal(one, other, kind), (one, other)

    look()
    assert verifying._are_surely_equal(("1", None), ("1", None), "text")
    # As the converter of booleans returns them, and the driver.
    assert verifying._are_surely_equal([True, None], (True, None), "boolean")
