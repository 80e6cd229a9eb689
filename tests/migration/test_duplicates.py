"""Critiques that a debate left twice, because the older program stored it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aragora_sql.migration import MemoryMigrator, MigrationReport
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE, Row, raw_text, write_critique
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import create, fill

NOTE = "repeats an earlier row of its file: left out"


def critique(number: int, **changes: Any) -> Row:
    return {
        "id": number,
        "debate_id": "d",
        "agent": "claude",
        "target_agent": None,
        "issues": '["slow"]',
        "suggestions": None,
        "severity": 6.5,
        "reasoning": "because",
        "led_to_improvement": 0,
        "expected_usefulness": 0.5,
        "actual_usefulness": None,
        "prediction_error": None,
        "created_at": "2026-01-02 03:04:05",
    } | changes


LATER = "2026-03-04 05:06:07"
ROWS = [
    critique(1),
    critique(2, agent="gemini"),
    # Duplicates of the first, one of them stored later.
    critique(3),
    critique(7, created_at=LATER),
    # Each differs in something.
    critique(8, debate_id=None),
    critique(9, severity=6.500000000000001),
    critique(10, reasoning="because "),
    critique(11, actual_usefulness=0.5),
    critique(12, issues='["slow" ]'),
    critique(13, reasoning=None),
    # Two that can't be migrated, and are equal.
    critique(20, reasoning=raw_text(b"\xff")),
    critique(21, reasoning=raw_text(b"\xff")),
]
LEFT_OUT = {3, 7, 21}
REJECTED = {20}
KEPT = {row["id"] for row in ROWS} - LEFT_OUT - REJECTED


def write(path: Path, rows: list[Row]) -> Path:
    create(path, critique_ddl("keyed"))
    debate = {"id": "d", "task": "t", "created_at": "2026-01-01 00:00:00"}
    fill(path, {"debates": [debate], "critiques": rows})
    return path


def check(report: MigrationReport, target: Target, *, migrated: int) -> None:
    check_sums(report)
    table = report.table("critiques")
    assert table.rows_in_source == len(ROWS)
    assert (table.left_out, table.rejected) == (len(LEFT_OUT), len(REJECTED))
    assert (table.migrated, table.already_there) == (migrated, len(KEPT) - migrated)
    assert table.different == 0
    assert table.counts.notes == {NOTE: len(LEFT_OUT)}
    assert report.mismatches == 0
    assert {line["rowid"] for line in target.rejected("critiques")} == REJECTED


@pytest.mark.parametrize(("jobs", "batch_size"), [(1, 1000), (2, 1)])
def test_only_the_first_of_equal_critiques_comes(
    target: Target, tmp_path: Path, jobs: int, batch_size: int
) -> None:
    path = write(tmp_path / "old.db", ROWS)
    options: dict[str, Any] = {"jobs": jobs, "batch_size": batch_size}
    dry = target.migrate(path, drop_exact_duplicates=True, dry_run=True)
    assert dry.table("critiques").left_out == len(LEFT_OUT)
    report = target.migrate(path, drop_exact_duplicates=True, **options)
    check(report, target, migrated=len(KEPT))
    found = target.query("SELECT id FROM critiques ORDER BY id")
    assert {number for (number,) in found} == KEPT
    check(target.migrate(path, drop_exact_duplicates=True, **options), target, migrated=0)
    # What was left out is missed neither with the option nor, as the ledger knows it, without.
    for dropped in (True, False):
        only = target.migrate(path, drop_exact_duplicates=dropped, verify="only")
        # the row that was rejected is not there
        assert only.mismatches == 1
        assert only.table("critiques").verified.compared == len(KEPT)  # type: ignore[union-attr]


def test_without_the_option_all_of_them_come(target: Target, tmp_path: Path) -> None:
    path = write(tmp_path / "old.db", ROWS)
    report = target.migrate(path)
    check_sums(report)
    table = report.table("critiques")
    assert (table.migrated, table.rejected, table.left_out) == (len(ROWS) - 2, 2, 0)
    assert table.counts.notes == {}
    # A verification that is told to leave them out compares the others only.
    only = target.migrate(path, drop_exact_duplicates=True, verify="only").table("critiques")
    assert only.verified is not None
    assert (only.verified.compared, only.verified.mismatches) == (len(KEPT), 1)


def test_duplicates_of_a_file_take_no_number_of_another(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write(folder / "a.db", ROWS)
    others = [critique(3, agent="grok"), critique(1, agent="grok", severity=1.0), critique(30)]
    write(folder / "b.db", [*others, critique(31, agent="grok", created_at=LATER)])
    for migrated in (len(KEPT) + 3, 0):
        report = target.migrate(folder, drop_exact_duplicates=True)
        check_sums(report)
        table = report.table("critiques")
        assert (table.left_out, table.migrated) == (len(LEFT_OUT) + 1, migrated)
        assert (table.different, report.mismatches) == (0, 0)
    only = target.migrate(folder, drop_exact_duplicates=True, verify="only")
    # the row that was rejected is not there
    assert only.mismatches == 1
    # 3 was a duplicate in the first file, so it is free; 1 was not.
    assert target.row("critiques", 3)["agent"] == "grok"
    assert target.row("critiques", 1)["agent"] == "claude"
    [(fresh,)] = target.query("SELECT id FROM critiques WHERE severity = 1.0")
    assert fresh > 31
    # Equal ones of two files are no duplicates of one file.
    assert target.row("critiques", 30)["agent"] == "claude"


def test_a_run_that_goes_on_counts_them_once(target: Target, tmp_path: Path) -> None:
    path = write(tmp_path / "old.db", ROWS)
    first = target.migrate(path, drop_exact_duplicates=True, batch_size=1)
    target.query("UPDATE _migration_runs SET finished_at = NULL")
    again = target.migrate(path, drop_exact_duplicates=True, batch_size=1)
    check(again, target, migrated=len(KEPT))
    assert again.table("critiques").resumed == len(ROWS)
    assert first.table("critiques").counts.to_dict() == again.table("critiques").counts.to_dict()


async def test_for_programs(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    written = write_critique(path, rows=20)["critiques"]
    contents = [
        tuple(v for k, v in row.items() if k not in ("id", "created_at")) for row in written
    ]
    duplicates = len(contents) - len(set(contents))
    assert duplicates > 0
    migrator = MemoryMigrator(
        path,
        target.dsn,
        source_timezone=SOURCE_ZONE,
        rejects=target.rejects,
        drop_exact_duplicates=True,
    )
    report = await migrator.migrate_critique_store()
    await migrator.close()
    assert report.table("critiques").left_out == duplicates
