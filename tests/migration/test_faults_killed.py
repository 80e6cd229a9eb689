"""kill -9 at any timestamp, and another run, give what one clean run gives."""

from __future__ import annotations

import logging
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import Servers
from tests.migration.faults_support import (
    FAILED,
    WITH_REJECTS,
    Migration,
    Outcome,
    Result,
    Target,
    finish,
    kill,
    new_target,
    wait_until,
    workers_of,
    write_source,
)

log = logging.getLogger(__name__)

SEED = 20260115
# Of the first table: the source has six times as many in all.
FEW, MANY = 800, 5000
OPTIONS = ("--batch-size", "20", "--no-verify")
# (processes, who is killed, how often in a row): twenty timestamps.
SERIES = (
    pytest.param(1, "command", 1, marks=pytest.mark.slow),
    pytest.param(1, "command", 2, marks=pytest.mark.slow),
    (1, "command", 5),
    pytest.param(2, "command", 1, marks=pytest.mark.slow),
    pytest.param(2, "command", 2, marks=pytest.mark.slow),
    pytest.param(2, "command", 4, marks=pytest.mark.slow),
    pytest.param(2, "worker", 1, marks=pytest.mark.slow),
    (2, "worker", 4),
)


@dataclass(frozen=True, slots=True)
class Clean:
    """A run that nobody disturbed."""

    source: Path
    outcome: Outcome
    result: Result
    chunks: int
    shared_chunks: int
    renumbered: int


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def clean(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clean]:
    folder = tmp_path_factory.mktemp("killed")
    source = write_source(folder / "source", request.param)
    with new_target(servers.default) as target:
        migration = Migration(source, target.dsn, folder / "rejects", OPTIONS)
        outcome = migration.run()
        assert outcome.code == WITH_REJECTS, outcome
        renumbered = target.value("SELECT count(*) FROM _migration_numbers")
        shared = target.value(
            "SELECT count(*) FROM _migration_chunks WHERE target_table IN ('consensus', 'dissent')"
        )
        result = Result.of(target, migration.rejects)
        yield Clean(source, outcome, result, target.chunks, shared, renumbered)


def test_the_source_has_all_that_is_hard_to_go_on_with(clean: Clean) -> None:
    tables = {table["table"]: table for table in clean.outcome.report["tables"]}
    assert tables["debates"]["merged"] > 0
    assert tables["dissent"]["rejected"] > 50  # bad rows and orphans
    assert clean.renumbered > 50


@pytest.mark.parametrize(("jobs", "victim", "times"), SERIES)
def test_killed_runs_end_as_a_clean_one(
    clean: Clean, servers: Servers, tmp_path: Path, jobs: int, victim: str, times: int
) -> None:
    seed = f"{SEED} {jobs} {victim} {times}"
    chooser = random.Random(seed)  # noqa: S311
    # A timestamp is a number of committed ranges and a fraction of a second after it.
    # Workers have work until the tables begin that are merged, which one process does.
    last_chunk = clean.chunks if victim == "command" else clean.shared_chunks
    timestamps = sorted(
        (chooser.randrange(last_chunk), chooser.random() / 20) for _ in range(times)
    )
    log.warning("seed %r: %s", seed, timestamps)
    with new_target(servers.default) as target:
        migration = Migration(
            clean.source, target.dsn, tmp_path / "rejects", (*OPTIONS, "--jobs", str(jobs))
        )
        last: Outcome | None = None
        for timestamp in timestamps:
            last = _disturb(migration, target, victim, timestamp)
            if last is not None or target.is_finished:
                break
        if last is None and not target.is_finished:
            last = migration.run()
        if last is not None:
            assert last.code == WITH_REJECTS, last
            assert last.figures == clean.outcome.figures
        # Otherwise the kill came between the end of the work and the report.
        assert Result.of(target, migration.rejects) == clean.result


def _disturb(
    migration: Migration, target: Target, victim: str, timestamp: tuple[int, float]
) -> Outcome | None:
    """Run the command and kill it; return its outcome when it had ended before."""
    chunks, delay = timestamp
    process = migration.start()
    while process.poll() is None and target.chunks < chunks:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    with suppress(subprocess.TimeoutExpired):
        process.wait(delay)
    if victim == "command":
        if process.poll() is None:
            kill(process)
    else:
        for worker in workers_of(process)[:1]:
            with suppress(psutil.NoSuchProcess):
                kill(worker)
    outcome = finish(process)
    target.wait_until_left()
    if outcome.code == WITH_REJECTS:
        return outcome
    if victim == "worker":
        assert outcome.code in FAILED, outcome
        assert "a worker process ended" in outcome.errors, outcome
        assert "run this command again to go on" in outcome.errors, outcome
    assert "Traceback" not in outcome.errors, outcome
    return None


def test_a_run_killed_while_it_verifies_gives_the_report_of_a_clean_one(
    clean: Clean, servers: Servers, tmp_path: Path
) -> None:
    with new_target(servers.default) as target:
        migration = Migration(
            clean.source, target.dsn, tmp_path / "rejects", ("--batch-size", "20")
        )
        process = migration.start()
        # Reject files are written between loading and verifying.
        wait_until(
            lambda: any(migration.rejects.glob("*/agent_reputation.jsonl")),
            "the reject files were written",
            process,
        )
        kill(process)
        finish(process)
        target.wait_until_left()
        assert not target.is_finished
        outcome = migration.run("--no-verify")
        assert outcome.figures == clean.outcome.figures
        assert outcome.resumed == sum(t["rows_in_source"] for t in outcome.report["tables"])
        assert Result.of(target, migration.rejects) == clean.result
