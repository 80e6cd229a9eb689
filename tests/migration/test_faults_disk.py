"""Folders that can't be written to and disks that are full."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.settings import PostgresDSN
from tests.conftest import Servers
from tests.migration.faults_support import (
    DONE,
    LEFT_BEHIND,
    WITH_REJECTS,
    Migration,
    Target,
    new_target,
    reject_lines,
)
from tests.migration.legacy import make_critique, write_critique, write_memory_db
from tests.migration.legacy.values import connect as open_sqlite
from tests.proxy import CountingProxy

OPTIONS = ("--orphans", "leave-out")


@pytest.fixture
def target(servers: Servers) -> Iterator[Target]:
    with new_target(servers.default) as target:
        yield target


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can enter, which pytest's are not."""
    path = Path(tempfile.mkdtemp(prefix="aragora-disk-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def bound() -> dict[str, Any]:
    """How to run a process that the permissions of files bind, as they don't bind root."""
    if os.geteuid() != 0:
        return {}
    if sys.platform != "linux":
        pytest.skip("we are root, whom permissions don't bind")
    # Looked up here: between fork and exec as little as possible may run.
    prctl = ctypes.CDLL(None).prctl

    def drop_rights() -> None:
        for right in _OVERRIDES:
            prctl(_PR_CAPBSET_DROP, right, 0, 0, 0)

    return {"preexec_fn": drop_rights}


_PR_CAPBSET_DROP = 24
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def test_permissions_bind(folder: Path, bound: dict[str, Any]) -> None:
    """The other tests would pass for no reason if they did not."""
    folder.chmod(0o555)
    done = subprocess.run(["touch", folder / "new"], capture_output=True, **bound)
    folder.chmod(0o755)
    assert done.returncode != 0
    assert list(folder.iterdir()) == []


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    """Mount a file system of its own."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# -- a source that can only be read


@pytest.mark.parametrize("mode", ["wal", pytest.param("delete", marks=pytest.mark.slow)])
async def test_a_source_in_a_folder_that_cannot_be_written_is_migrated(
    target: Target, folder: Path, bound: dict[str, Any], mode: str
) -> None:
    source = folder / "source" / "memory.db"
    write_memory_db(source)
    with closing(open_sqlite(source)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    source.chmod(0o444)
    source.parent.chmod(0o555)
    (folder / "work").mkdir(mode=0o777)
    before = state_of(source.parent)
    # The server's folder is closed to such a process, ours is not.
    async with CountingProxy(target.dsn) as proxy:
        migration = Migration(source, proxy.dsn, folder / "work" / "rejects", OPTIONS)
        for jobs in ("1", "2"):
            outcome = await asyncio.to_thread(
                migration.run, "--jobs", jobs, "--verify", environment=None, **bound
            )
            assert outcome.code == LEFT_BEHIND, outcome
            assert outcome.report["mismatches"] == 0
    assert state_of(source.parent) == before
    source.parent.chmod(0o755)


async def test_a_log_in_a_folder_that_cannot_be_written_is_read_too(
    target: Target, folder: Path, bound: dict[str, Any]
) -> None:
    live = folder / "live.db"
    write_memory_db(live)
    source = folder / "source" / "memory.db"
    source.parent.mkdir()
    wal = source.with_name("memory.db-wal")
    with closing(open_sqlite(live)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("INSERT INTO debates (id, task, rounds_used) VALUES ('late', 'n', 1)")
        shutil.copy(live, source)
        shutil.copy(live.with_name("live.db-wal"), wal)
    live.unlink()
    for path in (source, wal):
        path.chmod(0o444)
    source.parent.chmod(0o555)
    (folder / "work").mkdir(mode=0o777)
    before = state_of(source.parent)
    async with CountingProxy(target.dsn) as proxy:
        migration = Migration(source, proxy.dsn, folder / "work" / "rejects", OPTIONS)
        outcome = await asyncio.to_thread(migration.run, environment=None, **bound)
    assert outcome.code == LEFT_BEHIND, outcome
    assert state_of(source.parent) == before
    source.parent.chmod(0o755)
    assert target.value("SELECT count(*) FROM debates WHERE id = 'late'") == 1


def test_a_source_that_cannot_be_read_is_refused(
    target: Target, folder: Path, bound: dict[str, Any]
) -> None:
    source = folder / "memory.db"
    write_memory_db(source)
    source.chmod(0)
    folder.chmod(0o777)
    outcome = Migration(source, target.dsn, folder / "rejects").run(**bound)
    outcome.check_failed(f"{source}: can't be read: Permission denied")
    assert target.tables == []


# -- no room for what SQLite sorts


def test_no_room_for_temporary_files_is_a_clear_error(target: Target, folder: Path) -> None:
    source = folder / "memory.db"
    tables = make_critique(rows=150)
    chooser = random.Random(8)  # noqa: S311
    for row in tables["debates"]:
        # More than SQLite's cache holds; debates have no key here, so they are sorted.
        row["final_answer"] = chooser.randbytes(80_000).hex()
    write_critique(source, tables=tables)
    migration = Migration(source, target.dsn, folder / "rejects", OPTIONS)
    with small_disk(folder / "small", "64k") as small:
        outcome = migration.run(environment={"SQLITE_TMPDIR": str(small)})
        outcome.check_failed(str(source), "no room is left for temporary files", "SQLITE_TMPDIR")
        assert target.value("SELECT count(*) FROM debates") == 0
    outcome = migration.run("--verify")
    assert outcome.code == DONE, outcome
    assert outcome.report["mismatches"] == 0


# -- no room in the target


def test_a_full_disk_of_the_server_is_a_clear_error_and_the_next_run_goes_on(
    target: Target, folder: Path
) -> None:
    host = PostgresDSN.parse(target.dsn).option("host")
    if host is None or not Path(host).is_dir():
        pytest.skip("the server may be on another machine")
    source = folder / "memory.db"
    tables = make_critique(rows=600)
    chooser = random.Random(9)  # noqa: S311
    for row in tables["critiques"]:
        row["reasoning"] = chooser.randbytes(5_000).hex()
    write_critique(source, shape="keyed", tables=tables)
    migration = Migration(source, target.dsn, folder / "rejects", (*OPTIONS, "--batch-size", "10"))
    with small_disk(folder / "small", "8m") as small:
        space = small / "space"
        space.mkdir()
        os.chown(space, Path(host).stat().st_uid, -1)
        name = f"small_{os.getpid()}"
        database = PostgresDSN.parse(target.dsn).database
        # They can't be made within a transaction, which several statements at once would be.
        target.execute(f"CREATE TABLESPACE {name} LOCATION '{space}'")
        target.execute(f"ALTER DATABASE {database} SET default_tablespace = {name}")
        try:
            outcome = migration.run()
            outcome.check_failed("migrating critiques", "the server's disk is full")
            target.wait_until_left()
            target.check_ledger()
            done = target.chunks
            assert done > 0
            subprocess.run(["mount", "-o", "remount,size=100m", small], check=True)
            outcome = migration.run("--verify")
            assert outcome.code == DONE, outcome
            assert outcome.resumed > 0
            assert outcome.report["mismatches"] == 0
            target.check_ledger()
        finally:
            target.execute("DROP SCHEMA public CASCADE")
            target.execute(f"ALTER DATABASE {database} RESET default_tablespace")
            target.execute(f"DROP TABLESPACE {name}")


# -- reject files


@pytest.fixture
def bad_source(folder: Path) -> Path:
    """A file whose orphans are rejected."""
    path = folder / "memory.db"
    write_memory_db(path, rows=300)
    return path


def test_a_reject_folder_that_cannot_be_written_is_refused_before_anything_is_done(
    target: Target, bad_source: Path, folder: Path, bound: dict[str, Any]
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    migration = Migration(bad_source, target.dsn, closed / "below" / "rejects")
    outcome = migration.run(**bound)
    outcome.check_failed("--rejects", f"{closed} can't be written to", "Nothing was migrated")
    assert target.tables == []


def test_a_reject_folder_that_is_a_file_is_refused(
    target: Target, bad_source: Path, folder: Path
) -> None:
    (folder / "file").touch()
    outcome = Migration(bad_source, target.dsn, folder / "file").run()
    outcome.check_failed("--rejects", "is not a folder")
    assert target.tables == []


def check_rejects_are_written_later(
    target: Target, migration: Migration, problem: str, folder: Path
) -> None:
    """Assert that a run whose reject files fail loses nothing: the next one writes them."""
    outcome = migration.run()
    outcome.check_failed("--rejects", problem, "kept in the target", "run this command again")
    stored = target.value("SELECT count(*) FROM _migration_rejects")
    assert stored > 0
    assert not target.is_finished
    target.check_ledger()

    outcome = replace(migration, rejects=folder / "elsewhere").run()
    assert outcome.code == WITH_REJECTS, outcome
    assert outcome.resumed == sum(t["rows_in_source"] for t in outcome.report["tables"])
    # what a merge dropped is kept beside what was rejected
    assert outcome.report["total_errors"] + outcome.report["total_kept_aside"] == stored
    lines = reject_lines(folder / "elsewhere")
    assert sum(map(len, lines.values())) == stored
    [run] = (folder / "elsewhere").iterdir()
    reported = {*outcome.report["reject_files"], *outcome.report["merged_files"]}
    assert {str(run / name) for name in lines} == reported


def test_reject_files_that_cannot_be_made_are_written_by_the_next_run(
    target: Target, bad_source: Path, folder: Path
) -> None:
    rejects = folder / "rejects"
    # It points nowhere, so nothing is there, and no folder can be made.
    rejects.symlink_to(folder / "nowhere")
    migration = Migration(bad_source, target.dsn, rejects)
    check_rejects_are_written_later(target, migration, "File exists", folder)


def test_reject_files_on_a_full_disk_are_written_by_the_next_run(
    target: Target, bad_source: Path, folder: Path
) -> None:
    with small_disk(folder / "small", "8k") as small:
        migration = Migration(bad_source, target.dsn, small)
        check_rejects_are_written_later(target, migration, "No space left on device", folder)
