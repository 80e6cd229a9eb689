"""New numbers of critiques are those of one file, wherever it is, and of no other of its name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql.migration import MigrationReport
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.bad_rows import good_row
from tests.migration.legacy.critique import critique_ddl
from tests.migration.legacy.values import connect, create, fill

NUMBERS = range(1, 6)
# The table as the first release made it.
OLD_LEDGER = """
    CREATE TABLE before AS
        SELECT target_table, source_file, source_rowid, number FROM _migration_numbers;
    DROP TABLE _migration_numbers;
    ALTER TABLE before RENAME TO _migration_numbers;
    ALTER TABLE _migration_numbers ADD CONSTRAINT _migration_numbers_pkey
        PRIMARY KEY (target_table, source_file, source_rowid)
"""


def write(path: Path, agent: str) -> None:
    """Write a file of critiques by an agent; all files have the same numbers."""
    create(path, critique_ddl("keyed"))
    base = good_row("critiques", "") | {"debate_id": None, "agent": agent}
    rows = [base | {"id": number, "reasoning": f"{agent} {number}"} for number in NUMBERS]
    fill(path, {"critiques": rows})


def write_folder(folder: Path, second: str) -> Path:
    """Write two files, the first of which is the same in every folder."""
    write(folder / "a.db", "shared")
    write(folder / "b.db", second)
    return folder


def figures(report: MigrationReport) -> tuple[int, int, int]:
    """Return the rows that were migrated, were there, and of these differed."""
    check_sums(report)
    table = report.table("critiques")
    return table.migrated, table.already_there, table.different


def texts(target: Target) -> list[str]:
    return [text for (text,) in target.query("SELECT reasoning FROM critiques ORDER BY 1")]


def expected(*agents: str) -> list[str]:
    return sorted(f"{agent} {number}" for agent in agents for number in NUMBERS)


@pytest.fixture
def folder(target: Target, tmp_path: Path) -> Path:
    """A folder that was migrated."""
    folder = write_folder(tmp_path / "one", "mine")
    assert figures(target.migrate(folder)) == (10, 0, 0)
    return folder


def test_files_of_one_name_in_two_folders(target: Target, folder: Path, tmp_path: Path) -> None:
    other = write_folder(tmp_path / "two", "theirs")
    dry = target.migrate(other, dry_run=True)
    assert figures(dry) == (5, 5, 0)
    report = target.migrate(other)
    assert figures(report) == (5, 5, 0)
    assert report.mismatches == 0
    assert texts(target) == expected("shared", "mine", "theirs")
    for again in (folder, other):
        assert figures(target.migrate(again)) == (0, 10, 0)
        assert figures(target.migrate(again, dry_run=True)) == (0, 10, 0)
        assert target.migrate(again, verify="only").mismatches == 0
    assert texts(target) == expected("shared", "mine", "theirs")


def test_a_folder_that_was_moved_is_known_again(target: Target, folder: Path) -> None:
    before = target.query("SELECT * FROM critiques ORDER BY id")
    moved = folder.rename(folder.with_name("elsewhere"))
    with closing(connect(moved / "b.db")) as source:
        # What changed meanwhile is a difference, not another row.
        source.execute("UPDATE critiques SET severity = 9.5 WHERE id = 2")
        source.execute("DELETE FROM critiques WHERE id = 3")
    assert figures(target.migrate(moved, dry_run=True)) == (0, 9, 1)
    assert target.migrate(moved, verify="only").mismatches == 1
    report = target.migrate(moved)
    assert figures(report) == (0, 9, 1)
    assert target.query("SELECT * FROM critiques ORDER BY id") == before
    # It grows: the new row has a number of its own, and the same in the next run.
    for name in ("a.db", "b.db"):
        fill(moved / name, {"critiques": [{"id": 77, "agent": "new", "reasoning": name}]})
    assert figures(target.migrate(moved)) == (2, 9, 1)
    assert figures(target.migrate(moved)) == (0, 11, 1)


def test_a_file_by_itself_has_the_numbers_that_it_got_in_its_folder(
    target: Target, tmp_path: Path
) -> None:
    """Where one file uses a number twice, it needs no other file to be numbered again."""
    path = tmp_path / "one" / "b.db"
    create(path, critique_ddl("keyed").replace("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER"))
    base = good_row("critiques", "") | {"debate_id": None, "id": 1}
    fill(path, {"critiques": [base | {"reasoning": text} for text in ("x", "y", "z")]})
    assert figures(target.migrate(path.parent)) == (3, 0, 0)
    assert figures(target.migrate(path)) == (0, 3, 0)


def test_numbers_that_an_earlier_release_gave(target: Target, folder: Path) -> None:
    target.query(OLD_LEDGER)
    numbers = target.query("SELECT number FROM _migration_numbers ORDER BY 1")
    # What only looks leaves the table as it is.
    assert figures(target.migrate(folder, dry_run=True)) == (0, 10, 0)
    assert target.migrate(folder, verify="only").mismatches == 0
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = '_migration_numbers'::regclass"
    columns += " AND attnum > 0 AND NOT attisdropped"
    assert target.query(columns) == [(4,)]
    # It did not know where a file is, so a folder that was moved is known as before.
    moved = folder.rename(folder.with_name("elsewhere"))
    for _ in range(2):
        assert figures(target.migrate(moved)) == (0, 10, 0)
    assert target.query("SELECT number FROM _migration_numbers ORDER BY 1") == numbers
    assert target.query(columns) == [(6,)]


def test_an_upgraded_ledger_is_that_of_a_new_database(target: Target, folder: Path) -> None:
    def shape() -> list[tuple[object, ...]]:
        return target.query(
            "SELECT a.attname, a.atttypid::regtype::text, a.attnotnull, "
            "pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum), "
            "(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' "
            "AND conrelid = a.attrelid) "
            "FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d "
            "ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            "WHERE a.attrelid = '_migration_numbers'::regclass AND a.attnum > 0 "
            "AND NOT a.attisdropped ORDER BY 1"
        )

    def comments_aside(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [row[:4] + row[5:] for row in rows]

    new = shape()
    target.query(OLD_LEDGER)
    for name in ("target_table", "source_file", "source_rowid", "number"):
        target.query(f"ALTER TABLE _migration_numbers ALTER {name} SET NOT NULL")
    target.migrate(folder)
    upgraded = shape()
    assert comments_aside(upgraded) == comments_aside(new)
    added = {"source", "row_digest"}
    assert [row for row in upgraded if row[0] in added] == [row for row in new if row[0] in added]


def test_the_ledger_of_numbers_may_be_gone(target: Target, folder: Path) -> None:
    """Then nothing says that the rows have been numbered again before: they come once more."""
    target.query("DROP TABLE _migration_numbers")
    assert target.migrate(folder, verify="only").mismatches == 5
    assert figures(target.migrate(folder)) == (5, 5, 0)
    assert figures(target.migrate(folder)) == (0, 10, 0)
