"""The version is the same everywhere."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.cli import main

ROOT = Path(__file__).resolve().parent.parent


def test_the_package_says_its_version() -> None:
    assert aragora_sql.__version__ == version("aragora-sql")
    assert re.fullmatch(r"\d+\.\d+\.\d+", aragora_sql.__version__)


def test_the_command_says_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"aragora-sql {aragora_sql.__version__}\n"


def test_the_changelog_begins_with_this_version_or_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert released[0] == "Unreleased"
    assert released[1:2] in ([], [aragora_sql.__version__])


def test_make_help_names_every_habit() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    habits = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split()
    described = re.findall(r'@echo "make ([\w-]+)', text)
    assert set(habits) - {"help"} == set(described)
