"""Sources that other programs hold, write to, or left in the middle of writing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aragora_sql.migration import (
    MigrationOptions,
    MigrationReport,
    Progress,
    SourceError,
    run_migration,
    sources,
)
from aragora_sql.migration.progress import SilentProgress
from aragora_sql.settings import PostgresDSN
from tests.conftest import Servers
from tests.migration.faults_support import (
    LEFT_BEHIND,
    PATIENCE,
    WITH_REJECTS,
    Migration,
    Target,
    add_rows,
    new_target,
    wait_until,
)
from tests.migration.legacy import write_critique, write_memory_db
from tests.migration.legacy.values import connect as open_sqlite


@pytest.fixture
def target(servers: Servers) -> Iterator[Target]:
    with new_target(servers.default) as target:
        yield target


def migrate(
    source: Path, target: Target, jobs: int = 1, progress: Progress | None = None
) -> MigrationReport:
    options = MigrationOptions(
        sqlite_path=source,
        dsn=PostgresDSN.parse(target.dsn),
        source_timezone="UTC",
        orphans="leave-out",
        batch_size=10,
        jobs=jobs,
        rejects=source.parent / "rejects",
    )
    return run_migration(options, progress)


def set_journal_mode(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)


@contextmanager
def program(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that goes on until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


# -- a locked file

_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_another_process_holds_locked_is_refused(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    source = tmp_path / "memory.db"
    write_memory_db(source)
    set_journal_mode(source, "delete")
    monkeypatch.setattr(sources, "BUSY_TIMEOUT", 0.1)
    with program(_HOLD, source):
        with pytest.raises(SourceError, match="locked") as raised:
            migrate(source, target, jobs)
        assert "stop that program, then run this again" in str(raised.value)
        assert str(source) in str(raised.value)
        assert target.tables == []
    assert migrate(source, target, jobs).exit_code == LEFT_BEHIND


def test_a_file_locked_for_a_timestamp_is_waited_for(target: Target, tmp_path: Path) -> None:
    source = tmp_path / "memory.db"
    write_memory_db(source)
    set_journal_mode(source, "delete")
    with ExitStack() as stack:
        holder = stack.enter_context(program(_HOLD, source))
        migration = Migration(source, target.dsn, tmp_path / "rejects", ("--orphans", "leave-out"))
        process = migration.start()
        # It has opened the file and waits for the lock.
        wait_until(lambda: _has_open(process.pid, source), "the file was opened", process)
        assert holder.stdin is not None
        holder.stdin.close()
        holder.stdin = None
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == LEFT_BEHIND, output + errors


def _has_open(pid: int, path: Path) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    if not folder.is_dir():
        pytest.skip("needs /proc")
    found = False
    for entry in folder.iterdir():
        try:
            found = found or entry.resolve() == path.resolve()
        except OSError:
            continue
    return found


# -- a file that an application goes on writing to

# Each transaction adds one row to each of two tables, and counts them in a third.
_WRITE = """
import sqlite3, sys, threading
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
number = 0
while not ended.is_set():
    number += 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO debates (id, task, rounds_used) VALUES (?, 'live', 1)", [f"live-{number}"]
    )
    connection.execute(
        "INSERT INTO critiques (debate_id, agent, issues) VALUES (?, 'live', '[]')",
        [f"live-{number}"],
    )
    connection.execute(
        "UPDATE agent_reputation SET proposals_made = ? WHERE agent_name = 'live'", [number]
    )
    connection.execute("COMMIT")
    if number == 5:
        print("ready", flush=True)
    ended.wait(0.0005)
"""
LIVE = {
    "debates": "SELECT count(*) FROM debates WHERE task = 'live'",
    "critiques": "SELECT count(*) FROM critiques WHERE agent = 'live'",
    "agent_reputation": "SELECT proposals_made FROM agent_reputation WHERE agent_name = 'live'",
}


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_file_in_use_is_read_from_one_snapshot(target: Target, tmp_path: Path, jobs: str) -> None:
    source = tmp_path / "memory.db"
    write_critique(source, rows=300)
    add_rows(
        source,
        "agent_reputation",
        [{"agent_name": "live", "proposals_made": 0, "proposals_accepted": 0}],
    )
    options = ("--orphans", "leave-out", "--batch-size", "10", "--jobs", jobs)
    migration = Migration(source, target.dsn, tmp_path / "rejects", options)
    with program(_WRITE, source):
        outcome = migration.run()
        assert outcome.code == 0, outcome
        first = {table: target.value(query) for table, query in LIVE.items()}
        assert first["debates"] >= 5
        assert len(set(first.values())) == 1, first

        def count() -> int:
            with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
                row = connection.execute(LIVE["debates"]).fetchone()
            return int(row[0])

        # The application was not held up by the migration.
        wait_until(lambda: count() > first["debates"], "the application wrote more")
    with closing(open_sqlite(source)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        total = connection.execute(LIVE["debates"]).fetchone()[0]

    # What came later is moved by the next run; the reputation has changed, and is not overwritten.
    outcome = migration.run()
    assert outcome.code == WITH_REJECTS, outcome
    assert outcome.resumed == 0
    tables = {table["table"]: table for table in outcome.report["tables"]}
    assert tables["debates"]["migrated"] == total - first["debates"]
    assert tables["critiques"]["migrated"] == total - first["debates"]
    assert tables["agent_reputation"]["different_keys"] == ["live"]
    assert target.value(LIVE["debates"]) == target.value(LIVE["critiques"]) == total


@pytest.mark.slow
def test_a_run_killed_while_the_file_is_written_to_does_not_mix_two_states(
    target: Target, tmp_path: Path
) -> None:
    source = tmp_path / "memory.db"
    write_critique(source, rows=600)
    add_rows(
        source,
        "agent_reputation",
        [{"agent_name": "live", "proposals_made": 0, "proposals_accepted": 0}],
    )
    options = ("--orphans", "leave-out", "--batch-size", "1")
    migration = Migration(source, target.dsn, tmp_path / "rejects", options)
    with program(_WRITE, source):
        process = migration.start()
        wait_until(lambda: target.chunks >= 3, "some ranges were committed", process)
        process.kill()
        process.communicate(timeout=PATIENCE)
    target.wait_until_left()
    outcome = migration.run()
    assert outcome.code == 0, outcome
    # A new run: it counts what it finds in the target, and trusts no range of the earlier one.
    assert outcome.resumed == 0
    assert outcome.report["total_skipped"] > 0
    with closing(open_sqlite(source)) as connection:
        total = connection.execute(LIVE["debates"]).fetchone()[0]
    assert {target.value(query) for query in LIVE.values()} == {total}


# -- a file that nobody had open, so that it was opened as one that does not change


@dataclass
class WritesMeanwhile(SilentProgress):
    """Writes to the file when loading begins."""

    source: Path
    stays_open: bool
    stack: ExitStack = field(default_factory=ExitStack)
    is_done: bool = False

    def start(self, table: str, rows: int, doing: str) -> None:
        if self.is_done:
            return
        self.is_done = True
        connection = self.stack.enter_context(closing(open_sqlite(self.source)))
        connection.execute("INSERT INTO debates (id, task, rounds_used) VALUES ('new', 'n', 1)")
        if not self.stays_open:
            self.stack.close()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("stays_open", [True, False], ids=["in-its-wal", "in-the-file"])
def test_a_file_that_is_written_to_after_all_is_refused(
    target: Target, tmp_path: Path, stays_open: bool, jobs: int
) -> None:
    source = tmp_path / "memory.db"
    write_memory_db(source)
    assert not source.with_name("memory.db-wal").exists()
    progress = WritesMeanwhile(source, stays_open)
    with progress.stack:
        with pytest.raises(SourceError, match="another program has written to it meanwhile"):
            migrate(source, target, jobs, progress)
        assert progress.is_done
        # Nothing of what may be half of two states was committed.
        assert target.value("SELECT count(*) FROM consensus") == 0
        report = migrate(source, target, jobs)
    assert report.exit_code == LEFT_BEHIND
    assert target.value("SELECT count(*) FROM debates WHERE id = 'new'") == 1


# -- a file that a program left in the middle of writing


def test_a_file_with_a_hot_journal_is_refused_and_left_as_it_is(
    target: Target, tmp_path: Path
) -> None:
    live = tmp_path / "live.db"
    write_critique(live, rows=300)
    set_journal_mode(live, "delete")
    source = tmp_path / "crashed" / "memory.db"
    source.parent.mkdir()
    journal = source.with_name("memory.db-journal")
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("BEGIN IMMEDIATE")
        # More than the cache holds, so some of it is in the file already.
        connection.execute("UPDATE debates SET task = 'half done ' || task")
        connection.execute("UPDATE critiques SET reasoning = 'half done ' || reasoning")
        shutil.copy(live, source)
        shutil.copy(live.with_name("live.db-journal"), journal)
        connection.execute("ROLLBACK")
    before = source.read_bytes(), journal.read_bytes()
    with pytest.raises(SourceError, match="ended in the middle of writing") as raised:
        migrate(source, target)
    assert "-journal" in str(raised.value)
    assert (source.read_bytes(), journal.read_bytes()) == before
    assert target.tables == []

    # What the message says to do.
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("SELECT count(*) FROM debates").fetchone()
    assert migrate(source, target).success
    assert target.value("SELECT count(*) FROM debates WHERE task LIKE 'half done%'") == 0
