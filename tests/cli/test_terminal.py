"""What the commands print of stored text is shown, and never obeyed by a terminal."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aragora_sql.cli import main
from aragora_sql.cli.output import new_console, print_json
from aragora_sql.cli.tables import print_table
from aragora_sql.cli.terminal import printable, printing_safely
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import ConfigurationError
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore

# Clears the screen, sets the title, the same with one character (C1), turns the line around.
HOSTILE = ["\x1b[2J\x1b]0;title\x07", "\x9b2J", "abc\rxyz\b", "\u202egnp.exe", "\u2066x", "\x7f"]
DANGEROUS = set("\x1b\x9b\r\b\x07\u202e\u2066\x7f\x00")


@pytest.mark.parametrize("text", HOSTILE)
def test_printable_shows_what_a_terminal_would_obey(text: str) -> None:
    shown = printable(f"a {text} b")
    assert not DANGEROUS & set(shown)
    assert json.loads(f'"{shown}"') == f"a {text} b"


@pytest.mark.parametrize("text", ["plain", "é 限流 🚀 👩‍💻", "हिन्दी", "tab\tline\nend", ""])
def test_printable_leaves_text_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_printable_on_one_line() -> None:
    assert printable("a\nb\tc\r\n", one_line=True) == "a\\nb\\tc\\u000d\\n"


@given(st.text())
def test_whatever_is_printed_can_be_encoded_and_moves_nothing(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert all(
        character.isprintable() or not character.isascii() or character in "\n\t"
        for character in shown
    )
    assert printable(shown) == shown


def test_lines_on_both_streams_are_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with printing_safely():
        sys.stdout.write("".join(HOSTILE) + "\n")
        sys.stderr.write("".join(HOSTILE))
        sys.stdout.writelines(HOSTILE)
        print_json({"a": HOSTILE})
        assert sys.stdout.isatty() is False
    assert sys.stdout is out
    assert not DANGEROUS & set(out.getvalue() + err.getvalue())
    last = out.getvalue().splitlines()[-1]
    assert json.loads(last[last.index("{") :]) == {"a": HOSTILE}


def test_tables_and_lines_of_a_console_are_printable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in HOSTILE:
        print_table(("a", text), [(text, 1), ("x\ny", None)])
        new_console().print(f"said: {text}", markup=False)
    shown = capsys.readouterr().out
    assert not DANGEROUS & set(shown)
    assert "x\\ny\t\n" in shown
    # Colours of our own are not text.
    monkeypatch.setenv("FORCE_COLOR", "1")
    with printing_safely():
        new_console().print("[red]\x1b[2J[/red]")
    assert capsys.readouterr().out == "\x1b[31m\\u001b[2J\x1b[0m\n"


def test_an_error_is_printable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConfigurationError(f"no {HOSTILE[0]}")

    monkeypatch.setattr("aragora_sql.cli.integrations.open_existing", fail)
    assert main(["integrations", "list"]) == 2
    assert capsys.readouterr().err == "aragora-sql: no \\u001b[2J\\u001b]0;title\\u0007\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_commands_print_stored_text_escaped(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "aragora.db"

    async def fill() -> str:
        database = SQLiteDatabase(path)
        jobs = JobQueueStore(database)
        await jobs.initialize()
        job = await jobs.enqueue(f"type {text}", {"text": text}, user_id=text)
        (claimed,) = await jobs.claim(f"worker {text}")
        await jobs.fail(claimed, f"error {text}", should_retry=False)
        findings = FindingWorkflowStore(database)
        await findings.initialize()
        await findings.create("f", note=text)
        await findings.add_comment("f", f"comment {text}", user_id=f"user {text}")
        await findings.assign("f", f"user {text}")
        integrations = IntegrationStore(database)
        await integrations.initialize()
        await integrations.save(
            IntegrationConfig(integration_type="slack", user_id=f"user {text}", last_error=text)
        )
        await database.close()
        return job.id

    job_id = asyncio.run(fill())
    place = ["--sqlite-path", str(path)]
    by_id = ["jobs.get_job", "-p", f"id={job_id}"]
    for command in (
        ["jobs", "list", *place],
        ["jobs", "show", job_id, *place],
        ["jobs", "stats", *place],
        ["findings", "list", *place],
        ["findings", "show", "f", *place],
        ["findings", "history", "f", *place],
        ["integrations", "list", *place],
        ["run", *place, *by_id],
    ):
        for form in ([], ["--json"]):
            assert main([*command, *form]) == 0
            captured = capsys.readouterr()
            assert not DANGEROUS & set(captured.out + captured.err), (command, form)
