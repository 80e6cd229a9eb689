"""A test that needs a program is skipped where it is missing; in CI it fails there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

TESTS = """
import pytest
from tests.conftest import require_program

@pytest.fixture
def program():
    return require_program("a-program-that-nobody-has", "its-package")

def test_in_a_fixture(program): ...
def test_in_itself(): require_program("a-program-that-nobody-has", "its-package")
@pytest.mark.skipif(True, reason="a program is missing: a server")
def test_by_a_mark(): ...
@pytest.mark.skipif(True, reason="not on this system")
def test_for_another_reason(): ...
def test_with_it(): assert require_program("sh", "dash")
"""


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    (folder / "test_it.py").write_text(TESTS)
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_a_missing_program_skips(tmp_path: Path) -> None:
    outcome = run(tmp_path)
    assert "1 passed, 4 skipped" in outcome.stdout
    assert outcome.returncode == pytest.ExitCode.OK


def test_a_missing_program_fails_in_ci(tmp_path: Path) -> None:
    outcome = run(tmp_path, CI="true")
    counts = outcome.stdout.splitlines()[-1]
    assert "1 passed" in counts
    assert "1 skipped" in counts
    # a fixture or a mark that fails is an error to pytest
    assert "3 failed" in counts or ("1 failed" in counts and "2 errors" in counts)
    assert outcome.returncode == pytest.ExitCode.TESTS_FAILED
    assert "a-program-that-nobody-has; apt-get install its-package" in outcome.stdout
