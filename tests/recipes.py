"""Follows the recipes of CONTRIBUTING.md in a copy of the checkout, exactly as they are written.

A recipe is a section ``## To …``. Of its blocks these are steps:

* A block of the language ``diff`` changes files: ``+++ path`` names one, each ``@@`` begins a
  place, which is found by its lines that are not added; ``@@ everywhere`` changes all such places.
* A paragraph that ends in ``New file `path`:`` or ``At the end of `path`:`` says what the next
  block is.
* A block of the language ``bash`` is run in the copy.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.checker.store_layout import checkout

ROOT = checkout()
GUIDE = ROOT / "CONTRIBUTING.md"

_FILE = re.compile(r"(New file|At the end of) `([^`]+)`:$")


@dataclass(frozen=True, slots=True)
class Step:
    """A step: ``kind`` is ``diff``, ``new``, ``append`` or ``run``.

    ``path`` is the file that is new or appended to.
    """

    kind: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A section of the guide, and its steps."""

    title: str
    text: str
    steps: tuple[Step, ...]


def read_recipes() -> dict[str, Recipe]:
    """Return the recipes of CONTRIBUTING.md by title."""
    sections = re.split(r"^## ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        title, _, text = section.partition("\n")
        if title.startswith("To "):
            found[title] = Recipe(title, text, tuple(_steps(text)))
    return found


def _steps(text: str) -> Iterator[Step]:
    before = ""
    parts = re.split(r"^```", text, flags=re.MULTILINE)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            before = part.strip()
            continue
        language, _, block = part.partition("\n")
        named = _FILE.search(before)
        if named is not None:
            yield Step("new" if named[1] == "New file" else "append", block, named[2])
        elif language == "diff":
            yield Step("diff", block)
        elif language == "bash":
            yield Step("run", block)


def copy_checkout(folder: Path) -> Path:
    """Copy what a change may touch."""
    root = folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in ("aragora_sql", "sql", "tests", "docs"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", ".sqlfluff"):
        shutil.copy(ROOT / name, root)
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    """Return the files that git would keep, with their content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


class Copy:
    """A copied checkout in which recipes are followed.

    ``by_hand`` and ``by_commands`` are the files that were changed so far.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.root = copy_checkout(folder)
        self.by_hand: set[str] = set()
        self.by_commands: set[str] = set()
        programs = folder / "programs"
        programs.mkdir()
        for name, arguments in {
            "python": "",
            "aragora-sql": "-m aragora_sql",
            "pytest": "-m pytest -p no:cacheprovider -n 0",
        }.items():
            script = programs / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            script.chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }

    def follow(self, recipe: Recipe) -> str:
        """Do every step and return what the commands printed."""
        said = ""
        for step in recipe.steps:
            before = snapshot(self.root)
            if step.kind == "run":
                said += self.run(step.text)
                self.by_commands |= changed(before, snapshot(self.root))
                continue
            if step.kind == "diff":
                apply_diff(self.root, step.text)
            else:
                self._write(step)
            self.by_hand |= changed(before, snapshot(self.root))
        self.by_commands -= self.by_hand
        return said

    def run(self, script: str) -> str:
        """Run commands; fail with what they said when one of them fails."""
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def _write(self, step: Step) -> None:
        path = self.root / step.path
        if step.kind == "new":
            assert not path.exists(), f"{step.path} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            return
        assert path.is_file(), f"{step.path} is not there"
        with path.open("a", encoding="utf-8") as out:
            out.write(step.text)


def apply_diff(root: Path, diff: str) -> None:
    """Change files as a diff without line numbers says."""
    for part in re.split(r"^\+\+\+ ", diff, flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        path = root / name.strip()
        assert path.is_file(), f"{name} is not there"
        text = path.read_text(encoding="utf-8")
        for place in re.split(r"^@@", body, flags=re.MULTILINE)[1:]:
            where, _, lines = place.partition("\n")
            old, new = "", ""
            for line in lines.splitlines(keepends=True):
                assert line[0] in " +-\n", f"{name}: what is {line!r}?"
                content = line[1:] if line[0] != "\n" else line
                old += "" if line[0] == "+" else content
                new += "" if line[0] == "-" else content
            count = f"\n{text}".count(f"\n{old}")
            everywhere = where.strip() == "everywhere"
            assert count >= 1, f"{name} has no such lines:\n{old}"
            assert count == 1 or everywhere, f"{name} has {count} times:\n{old}"
            text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
        path.write_text(text, encoding="utf-8")
