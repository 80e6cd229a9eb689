"""Many processes append to one chain at once: it has no gap, no fork, and every entry."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from aragora_sql.stores.audit import AuditStore
from tests.stores.samples import fetch

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.audit.processes", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize(
    ("processes", "count"),
    [pytest.param(3, 60, id="few"), pytest.param(8, 500, id="many", marks=pytest.mark.slow)],
)
async def test_entries_of_many_processes_make_one_chain(
    signing: AuditStore, location: str | Path, processes: int, count: int
) -> None:
    started = [start(location, number, count) for number in range(processes)]
    try:
        for process in started:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            assert line == "ready\n", process.communicate()[1]
        done = await asyncio.gather(
            *(asyncio.to_thread(process.communicate, "go\n") for process in started)
        )
        assert [process.returncode for process in started] == [0] * processes, done
    finally:
        for process in started:
            process.kill()
            process.communicate()

    found = await signing.verify_integrity()
    assert (found.is_valid, found.errors, found.warnings) == (True, [], [])
    assert found.entries_checked == processes * count
    rows = await fetch(
        signing.database,
        "SELECT actor, resource_id, timestamp FROM immutable_audit_entries "
        "ORDER BY sequence_number",
    )
    assert Counter(row["actor"] for row in rows) == {
        f"process {number}": count for number in range(processes)
    }
    assert len({(row["actor"], row["resource_id"]) for row in rows}) == processes * count
    timestamps = [row["timestamp"] for row in rows]
    assert timestamps == sorted(timestamps)
