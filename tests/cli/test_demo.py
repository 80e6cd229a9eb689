"""The demo runs on both engines, agrees, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import pytest

from aragora_sql.cli import main


def test_the_demo_shows_that_both_engines_agree(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    assert main(["demo"]) == 0
    output = capsys.readouterr().out
    assert output.count("Rate limiting approach for the public API: ") == 2
    assert output.count("Rate limiting approach for the public API") == 4
    assert output.count("retrieve('Rate limiting for the public API')") == 2
    assert output.count("leaderboard") == 2
    assert "Both engines gave the same answers." in output
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    assert list(tmp_path.iterdir()) == []
