"""Every file, table and row of a source is moved, there, rejected, merged or left behind."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.migration import SourceError
from aragora_sql.migration.finding import is_backup
from aragora_sql.migration.left_on_purpose import LEFT_ON_PURPOSE
from tests.migration.conftest import Target, check_every_row, check_sums, tables_of
from tests.migration.legacy import (
    SOURCE_ZONE,
    Row,
    make_consensus,
    make_critique,
    write_consensus,
    write_critique,
)
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill, local_iso
from tests.migration.legacy.work import make_workflows, write_findings, write_jobs

UNKNOWN = "CREATE TABLE tier_notes (id INTEGER PRIMARY KEY, note TEXT)"


def write_unknown(path: Path, rows: int) -> None:
    """Add a table that no store knows to a file."""
    create(path, UNKNOWN)
    fill(path, {"tier_notes": [{"note": f"note {number}"} for number in range(rows)]})


def write_checkpoint_files(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    documents = make_workflows()
    for document in documents:
        (folder / f"{document['checkpoint_id']}.json").write_text(json.dumps(document))
    return len(documents)


# -- which files


def test_a_relative_directory_of_two_parts(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("var/aragora")
    write_consensus(folder / "var/aragora/memory.db", rows=6)
    write_critique(folder / "memory.db", rows=4)
    files = write_checkpoint_files(folder / "var/aragora/.checkpoints")
    beside = write_checkpoint_files(tmp_path / ".checkpoints")
    # Given as it is, and as a whole path.
    for path in (folder, tmp_path / folder):
        report = target.migrate(path, orphans="leave-out")
        check_every_row(path, report)
        assert report.table("consensus").rows_in_source == 6
        assert report.table("workflow_checkpoints").rows_in_source == files + beside
        assert report.left_behind == []
        assert report.exit_code == 0


def test_the_folder_above_the_data_directory(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "app/.nomic/memory.db", rows=5)
    write_consensus(tmp_path / "app/.nomic/.nomic/memory.db", rows=3, seed=9)
    files = write_checkpoint_files(tmp_path / "app/.checkpoints")
    report = target.migrate(tmp_path / "app", orphans="leave-out")
    assert report.table("consensus").migrated == 8
    assert report.table("workflow_checkpoints").rows_in_source == files
    assert report.exit_code == 0


def test_data_elsewhere_in_the_tree_is_named(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_consensus(folder / "memory.db", rows=3)
    written = write_critique(folder / "other/place/agora_memory.db", rows=3)
    files = write_checkpoint_files(folder / "other/.checkpoints")
    write_consensus(folder / "node_modules/pkg/test.db", rows=1)
    report = target.migrate(folder, orphans="leave-out")
    named = {(item.path.name, item.table): item for item in report.left_behind}
    for table, rows in written.items():
        if rows:
            assert named["agora_memory.db", table].rows == len(rows)
    assert named[".checkpoints", None].files == files
    assert {path for path, _ in named} == {"agora_memory.db", ".checkpoints"}
    assert report.total_left_behind == sum(map(len, written.values()))
    assert (report.success, report.exit_code) == (False, 3)


def test_only_files_elsewhere(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "above" / "app" / "memory.db", rows=3)
    with pytest.raises(SourceError, match=r"nothing to migrate: .*app/memory\.db: in a folder"):
        target.migrate(tmp_path / "above")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("agora_memory.db.bak-2026-01-02", "memory.bak", "memory.db~")),
        *((name, True) for name in ("backup-memory.db", "memory_old.db", "memory.db.1", "a.old")),
        *((name, True) for name in ("memory (1).db", "memory - Copy.db", "MEMORY.BACKUP.DB")),
        *((name, True) for name in ("memory-2026-01-02.db", "memory_20260102.db", "20260102.db")),
        *((name, True) for name in ("Kopie von memory.db", "pre_migration_memory.db")),
        *((name, False) for name in ("memory.db", "agora_memory.db", "gold.db", "snapshots.db")),
        *((name, False) for name in ("memory_123456789012.db", "memory2026.db", "v2026-13.db")),
        *((name, False) for name in ("copyright.sqlite", "memory.data", "debates2.sqlite3")),
    ],
)
def test_which_names_are_backups(name: str, is_one: bool) -> None:
    assert is_backup(name) is is_one


def test_a_backup_is_taken_when_it_is_named(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "agora_memory.db.bak-20260102"
    write_critique(path, rows=3)
    assert target.migrate(path, orphans="leave-out").table("debates").rows_in_source > 0


# -- which tables and columns


def test_unknown_tables_of_a_taken_file(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "memory.db"
    write_consensus(path, rows=3)
    write_unknown(path, 7)
    create(path, "CREATE TABLE empty (a)")
    create(path, "CREATE VIRTUAL TABLE words USING fts5 (word)")
    fill(path, {"words": [{"word": "one"}, {"word": "two"}]})
    report = target.migrate(path, orphans="leave-out")
    found = {item.table: item.rows for item in report.left_behind}
    assert found == {"tier_notes": 7, "words": 2}
    assert (report.total_left_behind, report.exit_code) == (9, 3)

    arguments = ["migrate", "--sqlite-path", str(path), "--postgres-dsn", target.dsn]
    arguments += ["--source-timezone", SOURCE_ZONE, "--orphans", "leave-out"]
    arguments += ["--rejects", str(target.rejects)]
    assert main(arguments) == 3
    shown = capsys.readouterr().out
    assert f"left behind: {path}: table tier_notes: 7 rows; no store has such a table" in shown
    assert "9 rows in 2 places of the source are left behind." in shown
    assert main([*arguments, "--json"]) == 3
    printed = json.loads(capsys.readouterr().out)
    assert printed["total_left_behind"] == 9
    assert {item["table"] for item in printed["left_behind"]} == {"tier_notes", "words"}
    # Rejected rows weigh more.
    target.query("UPDATE consensus SET topic = 'other'")
    assert main(arguments) == 1
    assert main([*arguments, "--verify-only"]) == 1


def test_tables_that_are_left_on_purpose(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "memory.db", rows=3)
    for table, left in LEFT_ON_PURPOSE.items():
        columns = ", ".join(sorted(left.columns))
        create(tmp_path / "odd.db", f"CREATE TABLE {table} ({columns})")
        create(tmp_path / "odd.db", f"INSERT INTO {table} DEFAULT VALUES")
    # Another table of that name, which somebody else made, and an empty one of the right shape.
    create(tmp_path / "other.db", "CREATE TABLE invoices (number)")
    create(tmp_path / "other.db", "INSERT INTO invoices VALUES (1)")
    create(
        tmp_path / "other.db", "CREATE TABLE expenses (vendor_name, amount, employee_id, data_json)"
    )
    report = target.migrate(tmp_path, orphans="leave-out")
    found = {(item.path.name, item.table): item.why for item in report.left_behind}
    assert found == {
        ("other.db", "invoices"): "no store has such a table",
        **{
            ("odd.db", name): f"left on purpose: {left.why}"
            for name, left in LEFT_ON_PURPOSE.items()
        },
    }
    assert (report.total_left_behind, report.exit_code) == (len(found), 3)


def test_a_column_that_no_store_has(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    written = write_critique(path, rows=3)
    create(path, "ALTER TABLE debates ADD COLUMN reviewer TEXT")
    create(path, "ALTER TABLE debates ADD COLUMN unused TEXT")
    key = written["debates"][0]["id"]
    create(path, f"UPDATE debates SET reviewer = 'Ada' WHERE id = '{key}'")
    report = target.migrate(path, orphans="leave-out")
    [item] = report.left_behind
    count = sum(row["id"] == key for row in written["debates"])
    assert (item.table, item.column, item.rows) == ("debates", "reviewer", count)
    # Its rows are not left behind.
    assert (report.total_left_behind, report.exit_code) == (0, 3)


def test_a_store_that_was_not_asked_for_is_not_left_behind(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    write_consensus(path, rows=3)
    write_critique(path, rows=3)
    report = target.migrate(path, stores=("critique",), orphans="leave-out")
    assert (report.left_behind, report.exit_code) == ([], 0)


def test_json_files_that_are_not_checkpoints(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "memory.db", rows=3)
    (tmp_path / "cycle.json").write_text('{"cycle": 1}')
    (tmp_path / "elo_snapshot.json").write_text('{"leaderboard": []}')
    (tmp_path / "wisdom_events.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    report = target.migrate(tmp_path, orphans="leave-out")
    [item] = report.left_behind
    assert (item.path, item.files) == (tmp_path, 2)
    assert "cycle.json" in item.why
    assert "wisdom_events.jsonl" in item.why
    # It is made from other data, and says so.
    [folder] = [found for found in report.candidates if found.path == tmp_path]
    assert "elo_snapshot.json is derived" in folder.why


# -- copies


def reputation(**values: Any) -> Row:
    row = {
        "agent_name": "claude",
        "proposals_made": 31,
        "proposals_accepted": 10,
        "critiques_given": 5,
        "critiques_valuable": 2,
        "total_predictions": 4,
        "total_prediction_error": 1.0,
        "calibration_score": 0.75,
        "updated_at": "2026-01-01T10:00:00.000001",
    }
    return row | values


def pattern(**values: Any) -> Row:
    row = make_critique(2, 4)["patterns"][0]
    return row | {"success_count": 6, "failure_count": 0} | values


def test_a_consolidated_copy_counts_once(target: Target, tmp_path: Path) -> None:
    later = "2026-02-01T10:00:00.000001"
    grown = reputation(proposals_made=32, proposals_accepted=11, updated_at=later)
    write_critique(
        tmp_path / "agora_memory.db",
        tables={"agent_reputation": [reputation()], "patterns": [pattern()]},
    )
    write_critique(
        tmp_path / "memory.db",
        shape="consolidated",
        tables={
            "agent_reputation": [grown],
            "patterns": [pattern(success_count=7, failure_count=1, updated_at=later)],
        },
    )
    report = target.migrate(tmp_path)
    found = target.row("agent_reputation", "claude", "agent_name")
    assert (found["proposals_made"], found["proposals_accepted"]) == (32, 11)
    found = target.row("patterns", pattern()["id"])
    assert (found["success_count"], found["failure_count"]) == (7, 1)
    for table in ("agent_reputation", "patterns"):
        line = report.table(table)
        assert (line.counts.merged, line.counts.kept_aside, line.migrated) == (1, 1, 1)
        [(note, count)] = line.counts.notes.items()
        assert "a copy of a record that another file holds" in note
        assert count == 1
        [kept] = target.rejected(table, "merged")
        assert kept["source_file"] == "agora_memory.db"
    assert report.exit_code == 0
    # And again: the same is there.
    again = target.migrate(tmp_path)
    assert (again.total_different, again.total_migrated, again.mismatches) == (0, 0, 0)


def test_a_copy_made_by_hand_counts_once(target: Target, tmp_path: Path) -> None:
    """Its files share a pattern that was made at one time; no file says that it is a copy."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    write_critique(first, tables={"agent_reputation": [reputation()], "patterns": [pattern()]})
    shutil.copy(first, second)
    create(
        second,
        "UPDATE agent_reputation SET proposals_made = 40, updated_at = '2026-03-01T00:00:00'",
    )
    target.migrate(tmp_path)
    assert target.row("agent_reputation", "claude", "agent_name")["proposals_made"] == 40


def test_files_that_grew_apart_add_up(target: Target, tmp_path: Path) -> None:
    made = local_iso(datetime.fromisoformat(pattern()["created_at"]) + timedelta(hours=1))
    other = pattern(success_count=2, created_at=made)
    write_critique(
        tmp_path / "a.db", tables={"agent_reputation": [reputation()], "patterns": [pattern()]}
    )
    write_critique(
        tmp_path / "b.db",
        tables={"agent_reputation": [reputation(proposals_made=40)], "patterns": [other]},
    )
    report = target.migrate(tmp_path)
    assert target.row("agent_reputation", "claude", "agent_name")["proposals_made"] == 71
    assert target.row("patterns", pattern()["id"])["success_count"] == 8
    [note] = report.table("patterns").counts.notes
    assert "its counts were added up" in note


def test_a_backup_in_the_folder_is_not_counted(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "agora_memory.db"
    write_critique(path, tables={"agent_reputation": [reputation()]})
    shutil.copy(path, tmp_path / "agora_memory.db.bak-20260101")
    report = target.migrate(tmp_path)
    assert target.row("agent_reputation", "claude", "agent_name")["proposals_made"] == 31
    [item] = report.left_behind
    assert (item.path.name, item.table, item.rows) == (
        "agora_memory.db.bak-20260101",
        "agent_reputation",
        1,
    )
    assert "a backup by its name" in item.why
    assert report.exit_code == 3


def test_a_critique_that_changed_in_a_copy_is_one(target: Target, tmp_path: Path) -> None:
    tables = make_critique(4, 6)
    first = tables["critiques"][0] | {"actual_usefulness": None}
    write_critique(tmp_path / "agora_memory.db", tables=tables | {"critiques": [first]})
    write_critique(
        tmp_path / "memory.db",
        shape="consolidated",
        tables={"debates": tables["debates"], "critiques": [first | {"severity": 9.5}]},
    )
    report = target.migrate(tmp_path, orphans="leave-out")
    assert report.table("critiques").migrated == 1
    assert target.query("SELECT id, severity FROM critiques") == [(first["id"], 9.5)]


# -- what a merge drops


def test_an_older_version_is_kept_in_a_file(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path, critique_ddl("class"))
    row = make_critique(2, 3)["debates"][0] | {"created_at": "2026-01-01 00:00:00"}
    newer = row | {"final_answer": "another", "created_at": "2026-01-02 00:00:00"}
    fill(path, {"debates": [row, newer, newer]})
    report = target.migrate(path)
    line = report.table("debates")
    assert (line.rows_in_source, line.counts.merged, line.counts.kept_aside) == (3, 2, 1)
    [kept] = target.rejected("debates", "merged")
    assert kept["row"]["final_answer"] == row["final_answer"]
    assert kept["reason"].startswith("an older version of the record")
    assert report.merged_files == [str(target.reject_file("debates", "merged"))]
    assert (report.reject_files, report.reasons, report.exit_code) == ([], {}, 0)
    assert target.row("debates", row["id"])["final_answer"] == "another"


# -- the whole of three directories


def test_three_older_directories(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # One whose relative path has two parts, with an unknown table.
    first = Path("var/aragora")
    write_consensus(first / "var/aragora/memory.db", rows=12, seed=21)
    write_critique(first / "memory.db", rows=8, seed=22)
    write_unknown(first / "memory.db", 3)
    write_jobs(first / "var/aragora/job_queue.db", [])
    write_checkpoint_files(first / "var/aragora/.checkpoints")
    # One that was consolidated by copying, in which the system went on.
    second = Path("second")
    tables = make_critique(10, 23)
    write_critique(second / "agora_memory.db", tables=tables)
    later = [
        row | {"success_count": row["success_count"] + 1, "updated_at": "2026-05-01T10:00:00.5"}
        for row in tables["patterns"]
    ]
    write_critique(
        second / "memory.db",
        shape="consolidated",
        tables={"debates": tables["debates"], "critiques": tables["critiques"], "patterns": later},
    )
    write_consensus(second / "memory.db", shape="consolidated", tables=make_consensus(5, 24))
    # One with a backup beside it, and an unknown table in both.
    third = Path("third")
    write_consensus(third / "consensus_memory.db", rows=6, seed=25)
    write_unknown(third / "consensus_memory.db", 5)
    write_findings(third / "finding_workflows.db", {})
    shutil.copy(third / "consensus_memory.db", third / "consensus_memory.db.bak-20260101")

    wanted = {
        first: 3,
        second: 0,
        third: 5 + sum(tables_of(third / "consensus_memory.db").values()),
    }
    for folder, left in wanted.items():
        report = target.migrate(folder)
        check_every_row(folder, report)
        assert report.total_left_behind == left, folder
        assert report.total_different <= report.total_skipped
        found = [Path(name) for name in (*report.reject_files, *report.merged_files)]
        lines = [json.loads(line) for path in found for line in path.read_text().splitlines()]
        kinds = [line["kind"] for line in lines]
        assert kinds.count("rejected") == report.total_errors
        assert kinds.count("merged") == report.total_kept_aside
        verified = target.migrate(folder, verify="only")
        assert verified.mismatches == report.total_errors + report.total_different, folder
        if not (report.total_errors or report.total_different):
            assert report.exit_code == (3 if left else 0)
    [(successes,)] = target.query(
        "SELECT sum(success_count) FROM patterns WHERE id = ANY(%s)", [row["id"] for row in later]
    )
    assert successes == sum(row["success_count"] for row in later)


# -- numbers of a second directory


def test_critiques_of_a_second_directory(target: Target, tmp_path: Path) -> None:
    written = []
    for name, seed in (("one", 31), ("two", 32)):
        tables = make_critique(6, seed)
        tables = {table: tables[table] for table in ("debates", "critiques")}
        write_critique(tmp_path / name / "agora_memory.db", tables=tables)
        written.append(tables)
    options: dict[str, Any] = {"orphans": "leave-out"}
    first = target.migrate(tmp_path / "one", **options)
    # Without the option those whose number is taken are reported, and not in the target.
    refused = target.migrate(tmp_path / "two", **options).table("critiques")
    assert refused.different > 0
    options["renumber"] = True
    count = len(written[1]["critiques"]) - refused.left_out
    for missing in (refused.different, 0):
        report = target.migrate(tmp_path / "two", **options)
        check_sums(report)
        line = report.table("critiques")
        assert (line.migrated, line.already_there) == (missing, count - missing)
        found = [first for t in report.tables if t.verified for first in t.verified.first]
        assert (line.different, found) == (0, [])
        assert target.migrate(tmp_path / "two", verify="only", **options).mismatches == 0
    assert target.counts("critiques")["critiques"] == count + first.table("critiques").migrated
    # One that the application changed is the same one, and not moved again.
    target.query(
        "UPDATE critiques SET severity = severity + 1 WHERE id = (SELECT min(id) FROM critiques)"
    )
    again = target.migrate(tmp_path / "one", **options)
    assert (again.table("critiques").different, again.table("critiques").migrated) == (1, 0)
