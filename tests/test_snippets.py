"""The snippets of README and docs, as they stand, on both engines."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aragora_sql.checker.store_layout import checkout
from aragora_sql.cli import parser_for
from aragora_sql.errors import DatabaseClosedError
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


pytestmark = pytest.mark.usefixtures("closed_at_the_end")


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
    monkeypatch.setenv("ARAGORA_RECEIPT_SIGNING_KEY", KEY.hex())
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
        code = compile(
            source, str(ROOT / page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
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


async def request(app: Any, path: str) -> tuple[int, Any]:
    """Ask an ASGI application for a page; return the status and the JSON."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


async def test_the_web_application_opens_its_store_and_closes_it(
    location: str | Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    (block,) = [one for one in blocks(ROOT / "docs/application.md") if WEB in one.text]
    # FastAPI reads annotations, so they have to be real ones.
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(block.text, "web", "exec", dont_inherit=True), names)  # noqa: S102 - our own page
    app = names["app"]
    steps: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    done: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, steps.get, done.put))
    await steps.put({"type": "lifespan.startup"})
    assert (await done.get())["type"] == "lifespan.startup.complete"
    store = app.state.critiques
    await store.store_debate("d1", "Task")
    status, debate = await request(app, "/debates/d1")
    assert (status, debate["task"]) == (200, "Task")
    assert (await request(app, "/debates/unknown"))[0] == 404
    assert (await request(app, "/health"))[1]["status"] == "healthy"
    await steps.put({"type": "lifespan.shutdown"})
    assert (await done.get())["type"] == "lifespan.shutdown.complete"
    await running
    with pytest.raises(DatabaseClosedError):
        await store.get_debate("d1")


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
