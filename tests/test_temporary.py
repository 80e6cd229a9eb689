"""Temporary folders are removed also when their process was killed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aragora_sql.temporary import LockedFolder

PREFIX = "aragora-test-"
OWNER = f"""
from aragora_sql.temporary import LockedFolder
folder = LockedFolder({PREFIX!r})
print(folder.path, flush=True)
input()
"""


def started(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(parent)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_next_one_removes_the_folder_of_a_killed_process(parent: Path) -> None:
    living, kept = started(parent)
    killed, left = started(parent)
    killed.kill()
    killed.communicate()
    (left / "rows").write_text("data")
    folder = LockedFolder(PREFIX)
    try:
        assert sorted(parent.iterdir()) == sorted([kept, folder.path])
        assert LockedFolder("aragora-others-").path.parent == parent
        assert kept.exists()
    finally:
        folder.remove()
        living.communicate("\n")
    # Its own end removes it too.
    assert not kept.exists()


def test_one_that_nobody_removed_goes_with_its_owner(parent: Path) -> None:
    folder = LockedFolder(PREFIX)
    path = folder.path
    (path / "rows").write_text("data")
    del folder
    gc.collect()
    assert not path.exists()


def test_a_folder_without_a_lock_is_nobody_s_to_remove(parent: Path) -> None:
    foreign = parent / f"{PREFIX}foreign"
    foreign.mkdir()
    (parent / f"{PREFIX}file").write_text("")
    LockedFolder(PREFIX).remove()
    assert foreign.exists()
    assert (parent / f"{PREFIX}file").exists()
