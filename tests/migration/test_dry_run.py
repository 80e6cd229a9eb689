"""A dry run changes nothing and foretells everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.errors import SchemaMismatchError
from aragora_sql.migration import MigrationReport
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import (
    BAD_ROWS,
    HUGE,
    write_bad_rows,
    write_consensus,
    write_critique,
    write_data_dir,
    write_memory_db,
)

CATALOG = """
    SELECT 'relation', n.nspname, c.relname, c.relkind::text, c.relfilenode::text
    FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND n.nspname NOT LIKE 'pg_temp%'
    UNION ALL
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
    attnotnull::text FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
    FROM pg_constraint WHERE conrelid >= 16384
    UNION ALL
    SELECT 'schema', nspname, '', '', '' FROM pg_namespace WHERE nspname NOT LIKE 'pg_temp%'
    UNION ALL
    SELECT 'function', proname, oid::text, '', '' FROM pg_proc WHERE oid >= 16384
    ORDER BY 1, 2, 3, 4, 5
"""


def state(target: Target) -> dict[str, Any]:
    """All that a dump would hold: the catalog, the rows, where sequences are."""
    tables = [
        name
        for (name,) in target.query(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
            "'public'::regnamespace ORDER BY 1"
        )
    ]
    sequences = target.query(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
    )
    return {
        "catalog": target.query(CATALOG),
        "sequences": sequences,
        # xmin changes with each write, also with one that writes the same.
        "rows": {
            name: target.query(f"SELECT xmin::text, t::text FROM {name} AS t ORDER BY 2")
            for name in tables
        },
        "folder": sorted(path.name for path in target.folder.rglob("*")),
    }


def figures(report: MigrationReport) -> dict[str, Any]:
    """What two runs have to agree on."""
    names = (
        "rows_in_source",
        "merged",
        "migrated",
        "already_there",
        "different",
        "different_keys",
        "rejected",
        "left_out",
        "notes",
    )
    return {
        "tables": {
            table["table"]: {name: table[name] for name in names}
            for table in report.to_dict()["tables"]
        },
        "reasons": report.reasons,
        "files": report.to_dict()["files"],
        "unused": report.unused_tables,
        "success": report.success,
    }


def check(target: Target, path: Path, **options: Any) -> MigrationReport:
    """Dry run, then a real one, which has to come out the same."""
    before = state(target)
    dry = target.migrate(path, dry_run=True, **options)
    assert state(target) == before
    check_sums(dry)
    assert dry.is_dry_run
    assert dry.reject_files == []
    assert all(table.verified is None for table in dry.tables)
    real = target.migrate(path, **options)
    assert figures(dry) == figures(real)
    return dry


def test_on_an_empty_database(empty_target: Target, tmp_path: Path) -> None:
    write_memory_db(tmp_path / "memory.db", rows=20)
    dry = check(empty_target, tmp_path / "memory.db")
    assert dry.total_migrated > 50
    assert dry.total_errors > 0


def test_with_every_bad_value(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name != HUGE])
    dry = check(target, path)
    assert dry.total_errors > 90
    assert len(dry.reasons) > 60


@pytest.mark.parametrize("orphans", ["null", "leave-out"])
def test_with_orphans(target: Target, tmp_path: Path, orphans: str) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.outcome == "orphan"])
    check(target, path, orphans=orphans, on_nul="strip", batch_size=2)


def test_with_a_folder_of_files(target: Target, tmp_path: Path) -> None:
    places = write_data_dir(tmp_path / "data", rows=20)
    dry = check(target, places.folder)
    assert {
        table.table: table.source for table in dry.tables if table.table in places.distinct
    } == dict(places.distinct)
    assert len(dry.unused_tables) == len(places.foreign)
    # And once more, with all of it there.
    again = check(target, places.folder)
    assert again.total_migrated == 0
    assert again.total_skipped == dry.total_migrated


def test_numbers_that_clash_in_three_files(target: Target, tmp_path: Path) -> None:
    for seed, name in enumerate(("a.db", "b.db", "c.db"), start=1):
        write_critique(tmp_path / "data" / name, rows=9, seed=seed)
    dry = check(target, tmp_path / "data")
    critiques = dry.table("critiques")
    assert critiques.migrated + critiques.rejected == critiques.rows_in_source
    before = target.query("SELECT id FROM critiques ORDER BY id")
    assert check(target, tmp_path / "data").total_migrated == 0
    assert target.query("SELECT id FROM critiques ORDER BY id") == before


def test_on_a_target_with_rows(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    written = write_memory_db(path, rows=20)
    target.migrate(path)
    target.query("DELETE FROM consensus WHERE id = %s", written["consensus"][3]["id"])
    target.query("UPDATE debates SET task = 'mine' WHERE id = 'debate-3-4'")
    target.query("DELETE FROM critiques WHERE id < 6")
    dry = check(target, path)
    assert dry.table("debates").different == 1
    assert dry.table("critiques").migrated == 5
    assert dry.table("consensus").migrated == 1
    assert not dry.success
    assert dry.exit_code == 1


def test_where_existing_rows_are_refused(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    write_consensus(path, rows=5)
    target.migrate(path)
    dry = target.migrate(path, dry_run=True, skip_existing=False)
    real = target.migrate(path, skip_existing=False)
    assert figures(dry) == figures(real)
    assert dry.table("consensus").rejected == 5


def test_parents_may_be_in_the_target_only(target: Target, tmp_path: Path) -> None:
    written = write_consensus(tmp_path / "memory.db", rows=6)
    parents = {name: written[name] for name in ("consensus",)}
    children = {name: written[name] for name in ("dissent", "verified_proofs")}
    write_consensus(tmp_path / "a.db", tables=parents)
    write_consensus(tmp_path / "b.db", tables=children)
    target.migrate(tmp_path / "a.db")
    dry = check(target, tmp_path / "b.db")
    assert dry.total_errors == 0
    assert dry.table("dissent").migrated == len(written["dissent"])


def test_a_foreign_schema_is_refused_as_well(target: Target, tmp_path: Path) -> None:
    write_consensus(tmp_path / "memory.db", rows=2)
    target.query("ALTER TABLE consensus DROP COLUMN rounds")
    before = state(target)
    with pytest.raises(SchemaMismatchError, match="rounds"):
        target.migrate(tmp_path / "memory.db", dry_run=True)
    assert state(target) == before


def test_the_report_says_what_it_is(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_memory_db(tmp_path / "memory.db", rows=20)
    arguments = ["migrate", "--sqlite-path", str(tmp_path / "memory.db"), "--dry-run"]
    arguments += ["--postgres-dsn", target.dsn, "--source-timezone", "UTC"]
    assert main(arguments) == 1
    out = capsys.readouterr().out
    assert "dry run: nothing was changed" in out
    assert "rows would be migrated" in out
    assert "critiques.debate_id: no row of debates has this id" in out
    assert main([*arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["dry_run"] is True
