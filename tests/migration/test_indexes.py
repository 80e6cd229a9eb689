"""Indexes of an empty table are built after the load, and never lost on the way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Servers
from tests.migration.faults_support import (
    INTERRUPTED,
    WITH_REJECTS,
    Migration,
    Target,
    kill,
    new_target,
    wait_until,
)
from tests.migration.legacy import write_consensus

ROWS = 5_500
# Where the table has so few rows, its indexes stay.
FEW = 300
INDEXES = (
    "SELECT indexname::text, indexdef, format('%I.%I', schemaname, indexname)::regclass::oid::int "
    "FROM pg_indexes WHERE tablename = 'consensus' ORDER BY 1"
)
RECORDED = "SELECT index_name FROM _migration_indexes ORDER BY 1"
OPTIONS = ("--no-verify", "--batch-size", "100")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("indexes") / "memory.db"
    write_consensus(path, rows=ROWS)
    return path


@pytest.fixture
def target(servers: Servers, tmp_path: Path) -> Iterator[Target]:
    """A database with the schema: made by moving a file without rows."""
    empty = tmp_path / "empty.db"
    write_consensus(empty, rows=0)
    with new_target(servers.default) as target:
        assert Migration(empty, target.dsn, tmp_path / "rejects").run().code == 0
        yield target


def migration(source: Path, target: Target, tmp_path: Path, *options: str) -> Migration:
    return Migration(source, target.dsn, tmp_path / "rejects", (*OPTIONS, *options))


def definitions(target: Target) -> dict[str, str]:
    return {name: definition for name, definition, _ in target.rows(INDEXES)}


def built_again(target: Target, before: list[tuple[str, str, int]]) -> set[str]:
    """Return the names of the indexes that are not the ones of before."""
    numbers = {name: number for name, _, number in before}
    return {name for name, _, number in target.rows(INDEXES) if numbers[name] != number}


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_they_are_built_after_the_load_as_they_were(
    source: Path, target: Target, tmp_path: Path, jobs: int
) -> None:
    before = target.rows(INDEXES)
    assert migration(source, target, tmp_path, "--jobs", str(jobs)).run().code == WITH_REJECTS
    assert definitions(target) == {name: definition for name, definition, _ in before}
    assert built_again(target, before) == {name for name, _, _ in before} - {"consensus_pkey"}
    assert target.rows(RECORDED) == []
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert target.value(invalid) == 0


def test_those_of_a_table_with_rows_stay(source: Path, target: Target, tmp_path: Path) -> None:
    few = tmp_path / "few.db"
    write_consensus(few, rows=FEW, seed=2)
    before = target.rows(INDEXES)
    assert migration(few, target, tmp_path).run().code == WITH_REJECTS
    assert migration(source, target, tmp_path).run().code == WITH_REJECTS
    assert target.rows(INDEXES) == before


def test_those_of_a_table_in_use_stay(source: Path, target: Target, tmp_path: Path) -> None:
    before = target.rows(INDEXES)
    with psycopg.connect(target.dsn) as application:
        application.execute("SELECT FROM consensus")
        assert migration(source, target, tmp_path).run().code == WITH_REJECTS
    assert target.rows(INDEXES) == before


def test_a_killed_run_leaves_word_of_them_and_the_next_builds_them(
    source: Path, target: Target, tmp_path: Path
) -> None:
    before = definitions(target)
    moving = migration(source, target, tmp_path)
    process = moving.start()
    wait_until(lambda: target.chunks >= 3, "some ranges were committed", process)
    kill(process)
    target.wait_until_left()
    process.communicate()
    missing = set(before) - set(definitions(target))
    assert (
        missing == {name for (name,) in target.rows(RECORDED)} == set(before) - {"consensus_pkey"}
    )
    # Somebody may have built one meanwhile.
    target.execute(before["idx_consensus_domain"])
    assert moving.run().code == WITH_REJECTS
    assert definitions(target) == before
    assert target.rows(RECORDED) == []


def test_an_interrupted_run_builds_them(source: Path, target: Target, tmp_path: Path) -> None:
    before = definitions(target)
    process = migration(source, target, tmp_path, "--jobs", "2").start()
    wait_until(lambda: target.chunks >= 3, "some ranges were committed", process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == INTERRUPTED
    assert definitions(target) == before
    assert target.rows(RECORDED) == []
