"""The snippets of README and docs, as they stand, on both engines."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aragora_sql import close_databases
from aragora_sql.checker.house import checkout
from aragora_sql.cli import parser_for
from tests.stores.conftest import location, template_database, template_file
from tests.stores.samples import KEY

__all__ = ["location", "template_database", "template_file"]

ROOT = checkout()
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
# Pages whose Python builds on itself from block to block. That of docs/reference/ are signatures,
# and the example of a web application has a test of its own.
PYTHON = ("README.md", "docs/application.md")
WEB = "lifespan"
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code, and the line where it begins."""

    line: int
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        yield Block(text.count("\n", 0, match.start(2)) + 1, match[1], match[2])


@pytest.fixture(autouse=True)
async def closed_at_the_end() -> AsyncIterator[None]:
    yield
    await close_databases()


@pytest.mark.parametrize("page", PYTHON)
async def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: str,
    location: str | Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    names: dict[str, Any] = {"__name__": "snippet"}
    run = 0
    for block in blocks(ROOT / page):
        if block.language != "python" or WEB in block.text:
            continue
        if isinstance(location, Path) and "get_postgres_pool" in block.text:
            continue
        source = "\n" * (block.line - 1) + textwrap.dedent(block.text)
        code = compile(source, str(ROOT / page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waiting = eval(code, names)  # noqa: S307 - the project's own documentation
        if inspect.iscoroutine(waiting):
            await waiting
        run += 1
    assert run >= 2
    # What the comments of the page say is printed.
    said = capsys.readouterr().out
    for promised in re.findall(
        r"print\(error\)  # (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert promised.rstrip("… ") in said


def commands(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Find the commands ``aragora-sql …`` of a page, in its blocks."""
    for block in blocks(page):
        if block.language not in {"", "bash"}:
            continue
        text = block.text.replace("\\\n", "  ")
        for number, line in enumerate(text.splitlines()):
            match = re.match(r"\s*(?:\$ )?(aragora-sql .*)", line)
            if match and "…" not in match[1]:
                yield block.line + number, first_command(match[1])


def first_command(line: str) -> list[str]:
    """Return the words of a line up to what is the shell's: a pipe, another command, a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if word[0] in "|&;<>":
            break
        words.append(word)
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_is_one(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line, command in commands(page):
        words = command[1:]
        code: object = 0
        try:
            parser_for(words).parse_args(words)
        except SystemExit as ended:
            code = ended.code
        assert code == 0, f"{page.name}:{line}: {command}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_script_of_a_page_can_be_read_by_a_shell(page: Path) -> None:
    for block in blocks(page):
        if block.language == "bash":
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
            assert done.returncode == 0, f"{page.name}:{block.line}: {done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"\w+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_enough_is_looked_at() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert len(found) >= 40
