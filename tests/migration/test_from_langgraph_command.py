"""``aragora-sql migrate --from-langgraph`` as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.checker.store_layout import checkout
from aragora_sql.cli import main, parser_for
from aragora_sql.cli.exit_codes import UNREACHABLE, USAGE
from tests.database.waiting import PATIENCE
from tests.migration.test_from_langgraph import fill, ours, public
from tests.migration.test_from_langgraph_faults import file, names, on_file
from tests.stores.langgraph.test_saver import listed, put_chain

__all__ = ["file"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; returns its exit code, output and errors."""

    def run_one(*words: str) -> tuple[int, str, str]:
        code = main(["migrate", "--rejects", str(tmp_path / "rejects"), *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run_one


@pytest.fixture
def filled(file: Path) -> Path:
    async def store() -> None:
        async with public(str(file)) as theirs:
            await fill(theirs)

    asyncio.run(store())
    return file


def target(location: str | Path) -> list[str]:
    return ["--to-sqlite" if isinstance(location, Path) else "--dsn", str(location)]


def test_a_file_is_moved_checked_and_verified(location: str | Path, filled: Path, run: Run) -> None:
    command = ["--from-langgraph", str(filled), *target(location)]
    code, said, _ = run(*command, "--dry-run")
    assert code == 0
    assert "dry run: nothing was changed" in said
    assert "5 threads: 5 would be moved, 0 were there already, 0 rejected" in said
    code, said, _ = run(*command, "--verify")
    assert code == 0
    assert said.startswith(f"from {filled}\nto ")
    assert "5 threads: 5 moved, 0 were there already, 0 rejected" in said
    code, said, _ = run(*command)
    assert code == 0
    assert "0 rows migrated, " in said
    assert "5 threads: 0 moved, 5 were there already, 0 rejected" in said
    code, said, _ = run(*command, "--verify-only")
    assert code == 0
    assert "rows are in the target as in the source" in said
    assert "5 threads were compared" in said

    async def count() -> int:
        async with ours(location) as mine:
            return len(await listed(mine, None))

    assert asyncio.run(count()) > 30


def test_the_commands_of_the_page_do_what_it_says(
    location: str | Path, filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled.parent)
    filled.rename(filled.with_name("checkpoints.sqlite"))
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(filled.parent / "data"))
    (filled.parent / "data").mkdir()
    if not isinstance(location, Path):
        monkeypatch.setenv("DATABASE_URL", location)
    page = (checkout() / "docs" / "migration.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^aragora-sql migrate (--from-langgraph check.*?)(?: +#.*)?$", page, re.MULTILINE
    )
    said = [run(*shlex.split(command)) for command in commands]
    assert [code for code, *_ in said] == [0, 0, 0, 0]
    for (_, printed, _), expected in zip(
        said,
        ("nothing was changed", "5 moved", "5 threads were compared", '"success": true'),
        strict=True,
    ):
        assert expected in printed
    assert "aragora.db" in names(filled.parent)


def test_json_counts_every_row_and_thread(filled: Path, tmp_path: Path, run: Run) -> None:
    on_file(filled, "UPDATE checkpoints SET metadata = 'x' WHERE thread_id = 'stopped'")
    code, said, _ = run("--from-langgraph", str(filled), *target(tmp_path / "o.db"), "--json")
    report: dict[str, Any] = json.loads(said)
    assert code == 1
    assert (report["success"], report["source"]) == (False, str(filled))
    assert report["target"] == str(tmp_path / "o.db")
    assert report["threads"] == {"source": 5, "moved": 5, "already_there": 0, "rejected": 0}
    tables = {table["table"]: table for table in report["tables"]}
    assert list(tables) == ["langgraph_checkpoints", "langgraph_values", "langgraph_writes"]
    for table in tables.values():
        found = ("migrated", "already_there", "rejected", "left_out")
        assert table["rows_in_source"] == sum(table[name] for name in found)
    assert tables["langgraph_checkpoints"]["rejected"] == report["total_errors"] == 3
    assert sum(report["reasons"].values()) == 3
    (path,) = report["reject_files"]
    assert Path(path).parent.parent == tmp_path / "rejects"
    assert len(Path(path).read_text(encoding="utf-8").splitlines()) == 3
    code, said, _ = run("--from-langgraph", str(filled), *target(tmp_path / "o.db"))
    assert code == 1
    assert "rejected rows are in" in said
    assert "--retry-rejects" not in said


def test_the_environment_names_the_target(
    filled: Path, location: str | Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("ARAGORA_DB_BACKEND", "sqlite")
        (tmp_path / "data").mkdir()
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    code, said, _ = run("--from-langgraph", str(filled), "--json")
    assert code == 0
    shown = json.loads(said)["target"]
    if isinstance(location, Path):
        assert Path(shown).parent == tmp_path / "data"
        assert Path(shown).name in names(tmp_path / "data")
    else:
        assert shown.startswith("postgresql://")


def test_the_help_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = parser_for(["migrate"]).command(["migrate"]).format_help()
    assert "--from-langgraph DSN|FILE" in text
    assert max(map(len, text.splitlines())) <= 80


SECRET = "k9secret"  # noqa: S105
NOWHERE = f"postgresql://u:{SECRET}@127.0.0.1:1/d?connect_timeout=2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from-langgraph", "FILE", "--store", "jobs"], "--store does not go with"),
        (["--from-langgraph", "FILE", "--no-skip-existing"], "--no-skip-existing does not go"),
        (["--from-langgraph", "FILE", "--jobs", "2"], "--jobs does not go with"),
        (["--from-langgraph", "FILE", "--on-nul", "strip"], "--on-nul does not go with"),
        (["--from-langgraph", "FILE", "--batch-size", "0"], "--batch-size: 0 is not from 1"),
        (["--from-langgraph", "FILE", "--dsn", NOWHERE], "name two databases; give one"),
        (["--from-langgraph", "FILE.none"], "there is no file"),
        (["--from-langgraph", NOWHERE], "127.0.0.1"),
        (
            ["--sqlite-path", "FILE"],
            "--to-sqlite goes alone or with --from-langgraph",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_without_secrets(
    words: list[str], said: str, file: Path, tmp_path: Path, run: Run
) -> None:
    given = [word.replace("FILE", str(file)) for word in words]
    before = names(tmp_path)
    code, printed, errors = run(*given, "--to-sqlite", str(tmp_path / "ours.db"), "--json")
    assert code == (UNREACHABLE if NOWHERE in words[1:2] else USAGE)
    assert said in errors
    assert json.loads(printed)["success"] is False
    assert SECRET not in printed + errors
    assert names(tmp_path) == before


def test_a_source_on_a_server_is_shown_without_its_password(
    postgres_dsn: str, tmp_path: Path, run: Run
) -> None:
    async def store() -> None:
        async with public(postgres_dsn) as theirs:
            await put_chain(theirs, "t", 2)

    asyncio.run(store())
    dsn = postgres_dsn.replace("postgres@", f"postgres:{SECRET}@", 1)
    assert SECRET in dsn
    command = ["--from-langgraph", dsn, "--to-sqlite", str(tmp_path / "ours.db")]
    for options in ([], ["--json"], ["--verify-only", "-v"]):
        code, printed, errors = run(*command, *options)
        assert code == 0
        assert SECRET not in printed + errors
    assert "from postgresql://" in printed


STOPPING = """
import sys, time
from aragora_sql.cli import main, parser_for
from aragora_sql.migration.langgraph import moving
from aragora_sql.stores.langgraph.transfer import ThreadTransfer

moving.THREADS_PER_COMMIT = 1
insert, calls = ThreadTransfer.insert, 0

async def slow(self, *arguments):
    global calls
    calls += 1
    done = await insert(self, *arguments)
    if calls == 8:
        print("ready", flush=True)
        time.sleep(600)
    return done

ThreadTransfer.insert = slow
sys.exit(main(["migrate", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_command_that_is_ended_leaves_whole_threads_and_goes_on(
    file: Path, location: str | Path, run: Run, number: signal.Signals, expected: int
) -> None:
    async def store() -> None:
        async with public(str(file)) as theirs:
            for thread in range(5):
                await put_chain(theirs, f"t{thread}", 2)

    async def stored() -> list[str]:
        async with ours(location) as mine:
            return [one.config["configurable"]["thread_id"] for one in await listed(mine, None)]

    asyncio.run(store())
    before = file.read_bytes()
    command = ["--from-langgraph", str(file), *target(location)]
    with subprocess.Popen(
        [sys.executable, "-c", STOPPING, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == expected
    assert "Traceback" not in errors
    if number == signal.SIGTERM:
        assert "run the same command again to go on" in errors
    # Three rows of each of two threads were committed, the third was being stored.
    assert asyncio.run(stored()) == ["t1", "t1", "t0", "t0"]
    code, said, _ = run(*command, "--json")
    assert code == 0
    threads = json.loads(said)["threads"]
    assert threads == {"source": 5, "moved": 3, "already_there": 2, "rejected": 0}
    assert len(asyncio.run(stored())) == 10
    assert file.read_bytes() == before
