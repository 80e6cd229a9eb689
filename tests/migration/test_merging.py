"""A data directory whose files repeat, continue and contradict each other becomes one database."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.migration import MigrationReport
from tests.migration.conftest import Target, check_sums
from tests.migration.expected import expected_row, timestamp
from tests.migration.legacy import (
    DataDir,
    Row,
    make_consensus,
    make_critique,
    write_consensus,
    write_critique,
    write_data_dir,
)
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill

DUMP = """
    SELECT 'consensus', id, to_jsonb(t)::text FROM consensus AS t
    UNION ALL SELECT 'dissent', id, to_jsonb(t)::text FROM dissent AS t
    UNION ALL SELECT 'proof', id, to_jsonb(t)::text FROM verified_proofs AS t
    UNION ALL SELECT 'debate', id, to_jsonb(t)::text FROM debates AS t
    UNION ALL SELECT 'critique', id::text, to_jsonb(t)::text FROM critiques AS t
    UNION ALL SELECT 'pattern', id, to_jsonb(t)::text FROM patterns AS t
    UNION ALL SELECT 'embedding', pattern_id, to_jsonb(t)::text FROM pattern_embeddings AS t
    UNION ALL SELECT 'reputation', agent_name, to_jsonb(t)::text FROM agent_reputation AS t
    UNION ALL SELECT 'archived', archive_id::text, to_jsonb(t)::text FROM patterns_archive AS t
    UNION ALL SELECT 'archived c', archive_id::text, to_jsonb(t)::text FROM consensus_archive AS t
    UNION ALL SELECT 'archived d', archive_id::text, to_jsonb(t)::text FROM dissent_archive AS t
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """A data directory and what the first migration of it said."""

    source: DataDir
    target: Target
    report: MigrationReport


@pytest.fixture(scope="module")
def migrated(module_target: Target) -> Migrated:
    source = write_data_dir(module_target.folder / "data")
    return Migrated(source, module_target, module_target.migrate(source.folder))


def test_each_row_is_there_once(migrated: Migrated) -> None:
    report, source = migrated.report, migrated.source
    check_sums(report)
    in_files: Counter[str] = Counter()
    for tables in source.rows.values():
        in_files.update(tables)
    for table in report.tables:
        lost = source.orphans.get(table.table, 0)
        assert table.rows_in_source == in_files[table.table], table.table
        # A folder holds checkpoints too, but none here.
        distinct = source.distinct.get(table.table, 0)
        assert table.source == distinct, table.table
        assert table.rejected == lost, table.table
        assert table.migrated == distinct - lost, table.table
    assert migrated.target.counts(*source.distinct) == {
        table: count - source.orphans.get(table, 0) for table, count in source.distinct.items()
    }
    assert report.mismatches == 0


def test_the_newest_version_wins(migrated: Migrated) -> None:
    for table, column in (("consensus", "conclusion"), ("dissent", "content")):
        newest = migrated.source.newest[table]
        assert len(newest) > 3
        query = f"SELECT id, {column} FROM {table} WHERE id = ANY(%s)"
        found = dict(migrated.target.query(query, list(newest)))
        lost = {line["row"]["id"] for line in migrated.target.rejected(table)}
        assert found == {key: text for key, text in newest.items() if key not in lost}


def test_counts_of_patterns_are_added_up(migrated: Migrated) -> None:
    assert migrated.source.patterns
    for key, merged in migrated.source.patterns.items():
        row = migrated.target.row("patterns", key)
        for name in ("success_count", "failure_count", "surprise_score", "suggestion_text"):
            assert row[name] == merged[name], name
        assert row["avg_severity"] == pytest.approx(merged["avg_severity"], rel=1e-14)
        assert row["created_at"] == timestamp(merged["created_at"])
        assert row["updated_at"] == timestamp(merged["updated_at"])


def test_reputations_are_added_up(migrated: Migrated) -> None:
    assert migrated.source.reputation
    for name, merged in migrated.source.reputation.items():
        row = migrated.target.row("agent_reputation", name, "agent_name")
        for column, value in merged.items():
            if isinstance(value, float):
                assert row[column] == pytest.approx(value, rel=1e-12), column
            else:
                assert row[column] == value, column


def test_critiques_of_one_number_all_stay(migrated: Migrated) -> None:
    assert migrated.source.clashing
    stored = migrated.target.query(
        "SELECT target_table, source_file, source_rowid, number FROM _migration_numbers"
    )
    highest = max(
        max(migrated.source.clashing),
        migrated.source.rows["agora_memory.db"]["critiques"],
    )
    numbers = [number for *_, number in stored]
    # New numbers are of no row of any file.
    assert len(numbers) == len(set(numbers)) >= len(migrated.source.clashing) - 2
    assert min(numbers) > highest
    [(fresh,)] = migrated.target.query("INSERT INTO critiques (agent) VALUES ('a') RETURNING id")
    migrated.target.query("DELETE FROM critiques WHERE id = %s", fresh)
    assert fresh > max(numbers)


def test_archived_rows_are_not_merged(migrated: Migrated) -> None:
    rows = migrated.source.rows
    written = rows["consensus_memory.db"]["consensus_archive"]
    nested = next(name for name in rows if "/" in name)
    written += rows[nested]["consensus_archive"]
    assert migrated.target.counts("consensus_archive") == {"consensus_archive": written}


def test_a_second_run_finds_all_of_it(migrated: Migrated) -> None:
    before = migrated.target.query(DUMP)
    report = migrated.target.migrate(migrated.source.folder)
    check_sums(report)
    assert report.total_migrated == 0
    assert report.total_different == 0
    for table, first in zip(report.tables, migrated.report.tables, strict=True):
        assert table.already_there == first.migrated, table.table
        assert table.rejected == first.rejected, table.table
        assert table.counts.merged == first.counts.merged, table.table
    assert report.mismatches == 0
    assert migrated.target.query(DUMP) == before


def test_the_order_and_size_of_batches_do_not_matter(migrated: Migrated, target: Target) -> None:
    target.migrate(migrated.source.folder, batch_size=1)
    unnumbered = [row[:2] if "archive" in row[0] else row for row in target.query(DUMP)]
    wanted = [row[:2] if "archive" in row[0] else row for row in migrated.target.query(DUMP)]
    assert len(unnumbered) == len(wanted)
    for ours, theirs in zip(unnumbered, wanted, strict=True):
        if ours[0] not in ("critique", "archived", "archived c", "archived d"):
            assert ours == theirs
    query = "SELECT {} FROM critiques ORDER BY 1, 2, 3, 4".format(
        "debate_id, agent, reasoning, created_at, severity, issues::text"
    )
    assert target.query(query) == migrated.target.query(query)


def test_one_file_after_the_other_gives_every_row_too(migrated: Migrated, target: Target) -> None:
    """Then nothing can be merged: what comes first stays, and what differs is told."""
    different = 0
    for name in migrated.source.rows:
        report = target.migrate(migrated.source.folder / name)
        check_sums(report)
        different += report.total_different
        assert report.mismatches == report.total_different
    assert different > 0
    ids = "SELECT id FROM consensus ORDER BY 1"
    assert target.query(ids) == migrated.target.query(ids)


def one_debate(**changes: Any) -> Row:
    return make_critique(1)["debates"][0] | changes


def test_a_different_row_of_the_target_stays_and_is_named(target: Target, tmp_path: Path) -> None:
    written = write_critique(tmp_path / "old.db", rows=6)
    target.migrate(tmp_path / "old.db")
    keys = [row["id"] for row in written["debates"][1:4]]
    target.query("UPDATE debates SET task = 'changed' WHERE id = ANY(%s)", keys)
    target.query("UPDATE critiques SET severity = severity + 1 WHERE id = 2")
    target.query("UPDATE patterns_archive SET base_rate = 0.25")
    report = target.migrate(tmp_path / "old.db")
    check_sums(report)
    debates, critiques = report.table("debates"), report.table("critiques")
    assert (debates.migrated, debates.different) == (0, 3)
    assert sorted(debates.counts.different_keys) == sorted(keys)
    assert (critiques.different, critiques.counts.different_keys) == (1, ["2"])
    assert not report.success
    assert report.exit_code == 1
    assert report.total_skipped == sum(table.already_there for table in report.tables)
    tasks = target.query("SELECT DISTINCT task FROM debates WHERE id = ANY(%s)", keys)
    assert tasks == [("changed",)]
    # A verification says in what they differ.
    assert debates.verified is not None
    assert debates.verified.mismatches == 3
    assert all(
        "task: " in line and "'changed' in the target" in line for line in debates.verified.first
    )


def test_existing_rows_can_be_refused(target: Target, tmp_path: Path) -> None:
    written = write_consensus(tmp_path / "old.db", rows=6)
    target.query(
        "INSERT INTO consensus (id, topic, topic_hash, conclusion) VALUES (%s, 't', 'h', 'mine')",
        written["consensus"][2]["id"],
    )
    report = target.migrate(tmp_path / "old.db", skip_existing=False, stores=("consensus",))
    check_sums(report)
    table = report.table("consensus")
    assert (table.migrated, table.already_there, table.rejected) == (5, 0, 1)
    [line] = target.rejected("consensus")
    assert line["key"] == {"id": written["consensus"][2]["id"]}
    assert line["reason"] == "the key is in the target already (--no-skip-existing)"
    assert line["row"]["conclusion"] == written["consensus"][2]["conclusion"]
    assert target.row("consensus", written["consensus"][2]["id"])["conclusion"] == "mine"
    # Rows without a key of their own can't clash.
    again = target.migrate(tmp_path / "old.db", skip_existing=False)
    assert again.total_migrated == 0
    assert again.table("consensus").rejected == 6


def test_a_child_of_a_row_that_is_there_already_is_migrated(target: Target, tmp_path: Path) -> None:
    written = write_consensus(tmp_path / "old.db", rows=6)
    parents = [row["id"] for row in written["consensus"]]
    for key in parents:
        target.query(
            "INSERT INTO consensus (id, topic, topic_hash, conclusion) VALUES (%s, 't', 'h', '')",
            key,
        )
    report = target.migrate(tmp_path / "old.db")
    assert report.table("consensus").different == 6
    assert report.table("dissent").migrated == len(written["dissent"])


def test_duplicates_of_one_file_are_folded(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    row = one_debate()
    fill(path, {"debates": [row, row, row, one_debate(id="other")]})
    report = target.migrate(path)
    table = report.table("debates")
    assert (table.rows_in_source, table.counts.merged, table.migrated) == (4, 2, 2)


def test_a_bad_double_does_not_spoil_the_good_one(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    good, bad = one_debate(), one_debate(confidence="high", created_at="2030-01-01 00:00:00")
    later = one_debate(task="later", created_at="2031-01-01 00:00:00")
    fill(path, {"debates": [bad, good, bad, later]})
    report = target.migrate(path)
    check_sums(report)
    table = report.table("debates")
    assert (table.migrated, table.rejected, table.counts.merged) == (1, 1, 2)
    assert target.row("debates", good["id"])["task"] == "later"
    assert target.row("debates", good["id"])["created_at"] == timestamp(good["created_at"])
    [line] = target.rejected("debates")
    assert line["column"] == "confidence"


def test_rows_without_a_key_are_never_merged(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    fill(path, {"debates": [one_debate(id=None), one_debate(id=None), one_debate(id="")]})
    report = target.migrate(path)
    check_sums(report)
    table = report.table("debates")
    assert (table.migrated, table.rejected, table.counts.merged) == (0, 3, 0)


def test_the_same_archived_row_in_two_files_is_one(target: Target, tmp_path: Path) -> None:
    tables = make_critique(10, 3)
    for name in ("a.db", "b.db"):
        write_critique(tmp_path / "data" / name, tables=tables)
    report = target.migrate(tmp_path / "data")
    check_sums(report)
    for table in report.tables:
        assert table.counts.merged >= table.rows_in_source // 2, table.table
    assert report.table("critiques").migrated + report.table("critiques").rejected == len(
        tables["critiques"]
    )
    distinct = {json.dumps(row) for row in tables["patterns_archive"]}
    assert report.table("patterns_archive").migrated == len(distinct)


def test_supersessions_across_files(target: Target, tmp_path: Path) -> None:
    tables = make_consensus(12, 4)
    old = [row for row in tables["consensus"] if 'supersedes": "' not in row["data"]]
    new = [row for row in tables["consensus"] if row not in old]
    assert new
    # The newer row is in the file that is read first.
    write_consensus(tmp_path / "data" / "a.db", tables={"consensus": new})
    write_consensus(tmp_path / "data" / "b.db", tables={"consensus": old})
    report = target.migrate(tmp_path / "data")
    assert report.success
    for row in new:
        wanted = expected_row("consensus", row)["supersedes"]
        assert wanted is not None
        assert target.row("consensus", row["id"])["supersedes"] == wanted
