"""The tests of the stores pass on divided tables, as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# What has tables that are divided, and who reads them.
PATHS = [
    *("audit", "checkpoints", "consensus", "jobs", "langgraph"),
    *("test_conformance_round_trips.py", "test_conformance_transactions.py"),
]


@pytest.mark.slow
def test_the_tests_of_the_stores_pass_on_divided_tables() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-k", "not sqlite", "-n", "2"),
            *(f"tests/stores/{one}" for one in PATHS),
        ],
        env={**os.environ, "PARTITIONED": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
