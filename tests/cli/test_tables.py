"""Tables of all commands: on terminals of some widths, and in a pipe."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aragora_sql.cli import main
from aragora_sql.cli.output import new_console
from aragora_sql.cli.tables import Column, print_fields, print_table
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.terminals import Screen, on_terminal, without_escapes

LONG_ID = "01A222B876A7DC0B9D78E31227100000"
COLUMNS = ("id", Column("count", right=True, form=","), "place", "text")
ROWS = [
    (LONG_ID, 1234, "sql/postgres/consensus/queries.sql:253", "some words that are folded"),
    ("short", 5, None, "a\nb\tc"),
]


def drawn(width: int, rows: Sequence[tuple[object, ...]] = ROWS) -> list[str]:
    console = new_console()
    console.file = screen = Screen()
    console.width = width
    print_table(COLUMNS, rows, console=console)
    return without_escapes(screen.getvalue()).splitlines()


def test_columns_stand_side_by_side_where_there_is_room() -> None:
    assert drawn(140) == [
        f"id{' ' * 30}  count  place{' ' * 33}  text",
        f"{LONG_ID}  1,234  sql/postgres/consensus/queries.sql:253  some words that are folded",
        f"short{' ' * 27}      5  {' ' * 38}  a\\nb\\tc",
    ]


def test_what_has_no_room_stands_below_its_row_and_whole() -> None:
    assert drawn(60) == [
        f"id{' ' * 30}  count",
        f"{LONG_ID}  1,234",
        "    place: sql/postgres/consensus/queries.sql:253",
        "    text: some words that are folded",
        f"short{' ' * 27}      5",
        "    text: a\\nb\\tc",
    ]


def test_a_place_gets_a_line_of_its_own_before_it_is_broken() -> None:
    lines = drawn(42)
    assert lines[2:4] == ["    place:", "    sql/postgres/consensus/queries.sql:253"]
    assert lines[4] == "    text: some words that are folded"


def test_a_column_that_says_nothing_takes_no_room() -> None:
    lines = drawn(55, [("x" * 40, 1, None, "y"), ("z", 2, None, None)])
    assert lines[0].split() == ["id", "count", "text"]


def test_a_reminder_is_cut_with_a_mark_and_whole_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "SELECT " + ", ".join(f"column_{number}" for number in range(30))
    console = new_console()
    console.file = screen = Screen()
    console.width = 60
    print_table(["name", Column("statement", cuts=True)], [("other", text)], console=console)
    last = screen.getvalue().splitlines()[-1]
    assert last.endswith("…")
    assert cell_len(last) <= 60
    print_table(["name", Column("statement", cuts=True)], [("other", text)])
    assert capsys.readouterr().out == f"name\tstatement\nother\t{text}\n"


def test_fields_keep_their_lines_on_a_terminal_and_not_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fields = [("id", LONG_ID), ("payload", {"a": [1, "x\ty"]}), ("error", "one\ntwo"), ("no", None)]
    print_fields(fields)
    assert capsys.readouterr().out == (
        f'id\t{LONG_ID}\npayload\t{{"a": [1, "x\\ty"]}}\nerror\tone\\ntwo\nno\t\n'
    )
    console = new_console()
    console.file = screen = Screen()
    console.width = 44
    print_fields(fields, console=console)
    assert [line.strip() for line in screen.getvalue().splitlines()][-3:-1] != []
    assert "two" in screen.getvalue().splitlines()[-2]


@given(
    st.lists(st.lists(st.text(max_size=90), min_size=3, max_size=3), max_size=4),
    st.integers(20, 120),
)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(
    rows: list[list[str]], width: int
) -> None:
    console = new_console()
    console.file = screen = Screen()
    console.width = width
    print_table(("first", "second", "third"), rows, console=console)
    shown = screen.getvalue()
    assert all(cell_len(line) <= width for line in without_escapes(shown).split("\n"))
    for row in rows:
        for value in row[1:]:
            if value.isalnum() and value.isascii() and len(value) < width - 4:
                assert value in shown


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A database with long ids, names and texts; the options that name it."""
    path = tmp_path_factory.mktemp("tables") / "aragora.db"

    async def fill() -> None:
        database = SQLiteDatabase(path)
        jobs = JobQueueStore(database)
        await jobs.initialize()
        for number in range(3):
            await jobs.enqueue(
                "notification.send_email", {"text": "long " * 40}, id=f"{LONG_ID}-{number}"
            )
        (claimed,) = await jobs.claim("worker-on-some-host-1234")
        await jobs.fail(claimed, "ValueError: " + "it broke " * 20 + "\nline 2", should_retry=False)
        await jobs.set_schedule(
            "nightly-cleanup-of-old-debates",
            "30 4 * * mon-fri",
            "cleanup",
            time_zone="America/Argentina/Buenos_Aires",
        )
        findings = FindingWorkflowStore(database)
        await findings.initialize()
        await findings.create(f"finding-{LONG_ID}", note="x")
        await findings.add_comment(f"finding-{LONG_ID}", "a comment " * 20, user_id="user-17")
        await findings.assign(f"finding-{LONG_ID}", "ann.smith@department.example.com")
        integrations = IntegrationStore(database)
        await integrations.initialize()
        await integrations.save(
            IntegrationConfig(
                integration_type="slack", user_id=f"user-{LONG_ID}", workspace_id="T0"
            )
        )
        await database.close()

    asyncio.run(fill())
    return ["--sqlite-path", str(path)]


TABLES = [
    ["jobs", "list"],
    ["jobs", "show", f"{LONG_ID}-0"],
    ["jobs", "stats"],
    ["jobs", "schedules"],
    ["findings", "list"],
    ["findings", "show", f"finding-{LONG_ID}"],
    ["findings", "history", f"finding-{LONG_ID}"],
    ["findings", "stats"],
    ["integrations", "list"],
    ["run", "jobs.get_job", "-p", f"id={LONG_ID}-0"],
    ["stores"],
    ["check", "--list-rules"],
]


@pytest.mark.parametrize("words", TABLES, ids=lambda words: " ".join(words[:2]))
def test_every_command_can_be_read_in_80_columns_and_by_programs(
    words: list[str],
    filled: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words[0] not in {"stores", "check"}:
        words = [*words, *filled]
    for width in (80, 120):
        screen = on_terminal(words, width)
        assert screen.code == 0
        assert max(map(cell_len, screen.lines)) <= width
        assert not any(line.endswith(" ") for line in screen.lines)
        if {"list", "show"} & set(words):
            assert LONG_ID in screen.out
    # Colours may be forced on a pipe; columns not.
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(words) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    # One line a row, all of as many values.
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows[0]) > 1


def test_on_a_real_terminal(filled: list[str]) -> None:
    """The width is the terminal's, and the progress leaves no trace."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "aragora_sql", "jobs", "list", *filled]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                # On Linux the end of a terminal is an error.
                break
            if not part:
                break
            output += part
        assert process.wait(60) == 0
    os.close(ours)
    lines = without_escapes(output.decode()).splitlines()
    assert lines[0].split()[:2] == ["number", "id"]
    assert any(f"{LONG_ID}-2" in line for line in lines)


# Progress


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_progress_is_shown_on_a_terminal(term: str, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    assert main(["schema", "apply", "--sqlite-path", str(path)]) == 0
    words = ["schema", "verify", "--sqlite-path", str(path)]
    screen = on_terminal(words, term=term)
    assert "comparing the database with the files" in screen.err
    assert screen.code == 0
    assert "comparing" not in screen.out
    assert on_terminal([*words, "--json"], term=term).err == ""


def test_progress_is_not_shown_in_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.db"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["schema", "apply", "--sqlite-path", str(path)]) == 0
    assert main(["schema", "verify", "--sqlite-path", str(path)]) == 0
    assert capsys.readouterr().err == ""
