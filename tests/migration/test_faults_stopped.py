"""Ctrl-C and SIGTERM end the command in order, and the next run goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from aragora_sql.migration import MigrationOptions, functions, run_migration
from aragora_sql.settings import PostgresDSN
from tests.conftest import Servers
from tests.migration.faults_support import (
    INTERRUPTED,
    LEFT_BEHIND,
    TERMINATED,
    Migration,
    finish,
    new_target,
    wait_until,
    workers_of,
)
from tests.migration.legacy import write_memory_db

OPTIONS = ("--batch-size", "10", "--orphans", "leave-out")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stopped") / "memory.db"
    write_memory_db(path, rows=1000)
    return path


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]
)
def test_a_signal_ends_the_command_and_the_next_run_goes_on(
    servers: Servers, source: Path, tmp_path: Path, jobs: int, number: signal.Signals, code: int
) -> None:
    with new_target(servers.default) as target:
        migration = Migration(
            source, target.dsn, tmp_path / "rejects", (*OPTIONS, "--jobs", str(jobs))
        )
        process = migration.start()
        wait_until(lambda: target.chunks >= 3, "some ranges were committed", process)
        workers = workers_of(process)
        assert len(workers) == jobs - 1
        process.send_signal(number)
        outcome = finish(process)
        assert outcome.code == code, outcome
        assert "interrupted; what was committed stays" in outcome.errors
        assert "Traceback" not in outcome.errors
        assert outcome.output == ""
        assert not [worker for worker in workers if psutil.pid_exists(worker.pid)]
        target.wait_until_left()
        target.check_ledger()
        assert not target.is_finished

        outcome = migration.run("--verify")
        assert outcome.code == LEFT_BEHIND, outcome
        assert outcome.resumed > 0
        assert outcome.report["mismatches"] == 0
        target.check_ledger()


def test_ctrl_c_in_a_terminal_reaches_only_the_command_itself(
    servers: Servers, source: Path, tmp_path: Path
) -> None:
    """A terminal sends the signal to the whole process group."""
    with new_target(servers.default) as target:
        migration = Migration(source, target.dsn, tmp_path / "rejects", (*OPTIONS, "--jobs", "2"))
        process = migration.start(start_new_session=True)
        wait_until(lambda: target.chunks >= 3, "some ranges were committed", process)
        group = [child.pid for child in workers_of(process)]
        assert all(os.getpgid(pid) != os.getpgid(process.pid) for pid in group)
        process.send_signal(signal.SIGINT)
        outcome = finish(process)
        assert (outcome.code, outcome.output) == (INTERRUPTED, "")
        assert outcome.errors.count("\n") == 1, outcome


def test_ctrl_c_in_a_function_that_sqlite_calls(
    servers: Servers, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would make an error of the statement of it."""

    def interrupted(topic: str) -> list[str]:
        signal.raise_signal(signal.SIGINT)
        return [topic]

    monkeypatch.setattr(functions, "search_terms", interrupted)
    monkeypatch.setattr(functions, "_terms", functions._terms.__wrapped__)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with new_target(servers.default) as target:
        options = MigrationOptions(
            sqlite_path=source,
            dsn=PostgresDSN.parse(target.dsn),
            source_timezone="UTC",
            rejects=tmp_path / "rejects",
        )
        try:
            with pytest.raises(KeyboardInterrupt):
                run_migration(options)
        finally:
            signal.signal(signal.SIGINT, before)
