"""The memory that a migration takes does not grow with its source."""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import benchmarks
from tests.conftest import Servers
from tests.migration.faults_support import (
    LEFT_BEHIND,
    WITH_REJECTS,
    Migration,
    new_target,
)
from tests.migration.legacy import write_critique
from tests.migration.legacy.values import connect as open_sqlite

log = logging.getLogger(__name__)

# What so many more rows may add (bytes); a list of their ids alone would take about as much.
MARGIN = 12 << 20
MOST = 150 << 20


def write_many(path: Path, rows: int, *, is_merged: bool) -> Path:
    """Write so many critiques or, of a table without a key, debates; some with a fault."""
    write_critique(path, rows=0, shape="class" if is_merged else "keyed")
    chooser = random.Random(rows)  # noqa: S311
    texts = [chooser.randbytes(100).hex() for _ in range(50)]
    with closing(open_sqlite(path)) as connection:
        connection.execute("BEGIN")
        if is_merged:
            connection.executemany(
                "INSERT INTO debates (id, task, rounds_used, confidence) VALUES (?, ?, 1, ?)",
                (
                    (f"debate-{n:09}", texts[n % 50], 2.0 if n % 200 == 7 else 0.5)
                    for n in range(rows)
                ),
            )
        else:
            issues = [json.dumps([text]) for text in texts]
            connection.executemany(
                "INSERT INTO critiques (agent, issues, reasoning, severity) VALUES (?, ?, ?, ?)",
                (
                    ("agent", issues[n % 50], texts[n % 49], -1.0 if n % 200 == 7 else 5.0)
                    for n in range(rows)
                ),
            )
        connection.execute("COMMIT")
    return path


def peak_memory(migration: Migration, result: Path, *options: str) -> int:
    """Return how many bytes the largest process of a run took.

    A small process starts it: what the kernel counts begins with the memory of who did.
    """
    child = Path(benchmarks.__file__).with_name("child.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(child), str(result), *migration.command(*options)],
        capture_output=True,
        text=True,
        check=False,
    )
    figures = json.loads(result.read_text())
    assert figures["status"] in {LEFT_BEHIND, WITH_REJECTS}, done.stderr
    return int(figures["peak"])


@pytest.mark.parametrize(
    ("jobs", "is_merged", "small", "large"),
    [
        ("1", False, 10_000, 50_000),
        pytest.param("1", False, 10_000, 100_000, marks=pytest.mark.slow),
        # SQLite sorts them, and starts to use a file when it has sorted 8 MB.
        pytest.param("1", True, 50_000, 100_000, marks=pytest.mark.slow),
        pytest.param("1", False, 20_000, 200_000, marks=pytest.mark.slow),
        pytest.param("2", False, 20_000, 200_000, marks=pytest.mark.slow),
        pytest.param("1", True, 50_000, 500_000, marks=pytest.mark.slow),
    ],
)
def test_more_rows_take_no_more_memory(
    servers: Servers, tmp_path: Path, jobs: str, is_merged: bool, small: int, large: int
) -> None:
    peaks = []
    for rows in (small, large):
        source = write_many(tmp_path / f"{rows}.db", rows, is_merged=is_merged)
        with new_target(servers.default) as target:
            migration = Migration(source, target.dsn, tmp_path / f"rejects-{rows}")
            peaks.append(
                peak_memory(migration, tmp_path / "peak.json", "--jobs", jobs, "--no-verify")
            )
            table = "debates" if is_merged else "critiques"
            assert target.value(f"SELECT count(*) FROM {table}") == rows - rows // 200
    log.warning("peaks: %s MB", [peak >> 20 for peak in peaks])
    assert peaks[1] - peaks[0] < MARGIN
    assert max(peaks) < MOST
