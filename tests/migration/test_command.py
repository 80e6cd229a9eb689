"""`aragora-sql migrate`, `python -m aragora_sql.migration` and `MemoryMigrator`."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.cli import main, migrate
from aragora_sql.cli.exit_codes import REFUSED, UNREACHABLE
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import (
    ConfigurationError,
    DatabaseError,
    DatabaseUnavailableError,
    DSNNotConfiguredError,
    InvalidInputError,
)
from aragora_sql.migration import MemoryMigrator, MigrationOptions, MigrationReport
from aragora_sql.settings import PostgresDSN
from tests.migration.conftest import Target
from tests.migration.legacy import BAD_ROWS, write_bad_rows, write_critique, write_memory_db
from tests.terminals import on_terminal

SECRET = "pa55-w0rd+s3cret"  # noqa: S105


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with both stores, in which nothing but orphans is wrong."""
    write_memory_db(tmp_path / "agora_memory.db", rows=20)
    return tmp_path / "agora_memory.db"


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Undo what the command does to the logging of this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


class Command:
    """Runs the command in this process."""

    def __init__(self, target: Target, capsys: pytest.CaptureFixture[str]) -> None:
        self._target = target
        self._capsys = capsys

    def __call__(self, *arguments: str, dsn: str | None = None) -> tuple[int, str, str]:
        given = ["--postgres-dsn", dsn or self._target.dsn, *arguments]
        if "--retry-rejects" not in arguments:
            given += ["--rejects", str(self._target.rejects)]
        try:
            code = main(["migrate", *given])
        except SystemExit as error:
            code = int(error.code or 0)
        printed = self._capsys.readouterr()
        assert SECRET not in printed.out + printed.err
        return code, printed.out, printed.err


@pytest.fixture
def run(target: Target, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(target, capsys)


def test_the_commands_of_the_guide(target: Target, path: Path) -> None:
    """As a program of its own, with the options as the guide has them."""
    base = [sys.executable, "-m", "aragora_sql.migration", "--sqlite-path", str(path)]
    base += ["--postgres-dsn", target.dsn, "--source-timezone", "UTC"]
    for store, code in (("consensus", 1), ("critique", 1)):
        done = subprocess.run(
            [*base, "--store", store, "--batch-size", "1000", "-v"],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=target.folder,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "migration" in done.stdout
        # The reason for 1, and where the rows are.
        assert "rejected" in done.stdout
        assert "aragora-rejects/" in done.stdout
        assert "INFO" in done.stderr
    assert target.counts("consensus", "debates") == {"consensus": 20, "debates": 20}
    done = subprocess.run(
        [*base, "--no-skip-existing", "--orphans", "leave-out", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=target.folder,
        check=False,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["total_migrated"] == 0
    assert report["total_errors"] > 10


def test_exit_code_0(run: Command, path: Path) -> None:
    # With the table of a third store, something would be left behind.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE debate_insights")
    code, out, err = run(
        "--sqlite-path", str(path), "--source-timezone", "UTC", "--orphans", "leave-out"
    )
    assert code == 0
    assert "rows migrated, 0 were there already, 0 rejected" in out
    assert "left out" in out
    assert err == ""
    code, out, _ = run(
        "--sqlite-path", str(path), "--source-timezone", "UTC", "--orphans", "leave-out",
        "--skip-existing",
    )  # fmt: skip
    assert code == 0
    assert "0 rows migrated, " in out


def test_exit_code_1_when_rows_are_rejected_or_differ(
    run: Command, path: Path, target: Target
) -> None:
    code, out, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    assert code == 1
    assert "dissent.consensus_id: no row of consensus has this id" in out
    assert (
        f"aragora-sql migrate --retry-rejects {target.reject_file('dissent')} --source-timezone"
        in out
    )
    target.query("UPDATE debates SET task = 'x'")
    arguments = ("--sqlite-path", str(path), "--source-timezone", "UTC", "--orphans", "leave-out")
    code, out, _ = run(*arguments)
    assert code == 1
    assert "debates: 20 rows differ from the target's row of the same key" in out
    assert "not as in the source:" in out
    code, out, _ = run(*arguments, "--verify-only")
    assert code == 1
    assert "20 of " in out
    assert "rows are not as in the source; 0 of them hold what the target can't." in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sqlite-path", "no-such-file.db"], "no such file or directory"),
        (["--sqlite-path", "FILE"], "are local times without a zone"),
        (["--sqlite-path", "FILE", "--source-timezone", "Mars"], "is not a time zone"),
        (["--sqlite-path", "FILE", "--store", "notes"], "'notes' can't be migrated"),
        (["--sqlite-path", "FILE", "--store", "all,critique"], "--store all does not go with"),
        (["--sqlite-path", "FILE", "--batch-size", "0"], "0 is not from 1 to 1000000"),
        (["--sqlite-path", "FILE", "--jobs", "0"], "0 is not from 1 to 32"),
        (["--sqlite-path", "FILE", "--jobs", "33"], "33 is not from 1 to 32"),
        (["--sqlite-path", "FILE", "--orphans", "keep"], "invalid choice: 'keep'"),
        (["--sqlite-path", "FILE", "--on-nul", "keep"], "invalid choice: 'keep'"),
        (["--sqlite-path", "FILE", "--batch-size", "many"], "invalid int value"),
        (["--sqlite-path", "FILE", "--dry-run", "--verify-only"], "not allowed with"),
        (["--sqlite-path", "FILE", "--retry-rejects", "x"], "not allowed with"),
        (["--retry-rejects", "no-such.jsonl"], "No such file"),
        ([], "one of the arguments --sqlite-path --retry-rejects --from-langgraph --to-sqlite is"),
    ],
)
def test_exit_code_2_when_nothing_can_be_done(
    run: Command, path: Path, target: Target, arguments: list[str], problem: str
) -> None:
    given = [str(path) if argument == "FILE" else argument for argument in arguments]
    code, out, err = run(*given)
    assert code == 2
    assert problem in err
    assert out == ""
    assert "Traceback" not in err
    assert target.counts("consensus", "debates") == {"consensus": 0, "debates": 0}


def test_an_error_is_json_too(run: Command, tmp_path: Path) -> None:
    code, out, err = run("--sqlite-path", str(tmp_path / "no.db"), "--json")
    assert code == 2
    found = json.loads(out)
    assert found["success"] is False
    assert "there is no such file" in found["error"]
    assert found["error"] in err


def test_without_a_dsn(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--sqlite-path", str(path)]) == 2
    assert "DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["DATABASE_URL", "ARAGORA_POSTGRES_DSN"])
def test_the_dsn_of_the_environment(
    target: Target, path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, target.dsn)
    monkeypatch.chdir(target.folder)
    code = main(["migrate", "--sqlite-path", str(path), "--source-timezone", "UTC"])
    assert code == 1
    assert target.counts("consensus") == {"consensus": 20}
    assert list((target.folder / "aragora-rejects").glob("*/dissent.jsonl"))


def test_the_report_as_json(run: Command, path: Path, target: Target) -> None:
    code, out, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC", "--json")
    first = report = json.loads(out)
    assert code == 1
    assert report.keys() == {
        "success",
        "dry_run",
        "total_migrated",
        "total_skipped",
        "total_different",
        "total_errors",
        "total_merged",
        "total_kept_aside",
        "total_left_behind",
        "mismatches",
        "seconds",
        "files",
        "unused_tables",
        "left_behind",
        "tables",
        "reasons",
        "reject_files",
        "merged_files",
    }
    assert report["success"] is False
    assert report["files"][0]["path"] == str(path)
    assert report["files"][0]["taken"] is True
    tables = {table["table"]: table for table in report["tables"]}
    for table in tables.values():
        assert table["source"] == (
            table["migrated"] + table["already_there"] + table["rejected"] + table["left_out"]
        )
        assert table["verified"]["mismatches"] == 0
    assert tables["dissent"]["store"] == "consensus"
    assert report["total_migrated"] == sum(table["migrated"] for table in tables.values())
    assert target.counts(*tables) == {name: table["migrated"] for name, table in tables.items()}
    assert sum(report["reasons"].values()) == report["total_errors"] > 0
    assert all(Path(file).exists() for file in report["reject_files"])
    _, out, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC", "--json")
    tables = {table["table"]: table for table in json.loads(out)["tables"]}
    assert sum(table["already_there"] for table in tables.values()) == first["total_migrated"]
    # The same figures are in the table for people.
    _, shown, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    rows = [line.split("\t") for line in shown.splitlines()]
    [headings] = [row for row in rows if row[0] == "table"]
    for table in tables.values():
        [line] = [row for row in rows if row[0] == table["table"]]
        for heading, figure in (("in files", "rows_in_source"), ("already there", "already_there")):
            assert line[headings.index(heading)] == str(table[figure])


def test_progress_on_a_terminal(path: Path, target: Target) -> None:
    words = ["migrate", "--sqlite-path", str(path), "--source-timezone", "UTC", "--dry-run"]
    words += ["--postgres-dsn", target.dsn]
    screen = on_terminal(words)
    assert screen.code == 1
    # What moves the cursor is obeyed; it is no text of the source.
    assert "\\u001b" not in screen.err
    assert re.search(r"checking dissent +━+ \d+/\d+", screen.err)
    [heading] = [line for line in screen.lines if line.startswith("table ")]
    assert len(heading) <= 80
    assert "checking" not in on_terminal([*words, "--json"]).err


def test_a_name_in_brackets_is_no_markup(run: Command, target: Target, tmp_path: Path) -> None:
    path = tmp_path / "[red]old[bold]"
    bad = [replace(bad, values={"strength": "[/bold] x"}) for bad in BAD_ROWS[:1]]
    write_bad_rows(path, bad, good=3)
    code, out, err = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    assert code == 1
    assert "[red]old[bold]" in out
    assert "unknown strength '[/bold] x' taken as moderate" in out
    assert "Traceback" not in err
    target.query("UPDATE debates SET id = id, task = '[/red] [bold]'")
    code, out, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    assert code == 1
    assert "'[/red] [bold]' in the target" in out


def test_a_folder_for_rejects_that_cannot_be(run: Command, target: Target, path: Path) -> None:
    target.rejects.write_text("a file where the folder is to be")
    code, out, err = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    assert code == 2
    assert f"--rejects: {target.rejects}: {target.rejects} is not a folder" in err
    assert out == ""
    assert target.counts("consensus") == {"consensus": 0}
    target.rejects.unlink()
    code, _, _ = run("--sqlite-path", str(path), "--source-timezone", "UTC")
    assert code == 1
    assert target.rejected("dissent")


def test_options_for_values(run: Command, target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    names = ("nul-in-reasoning", "orphan-critique")
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name in names], good=0)
    code, out, _ = run(
        "--sqlite-path", str(path), "--store", "critique", "--source-timezone", "UTC",
        "--on-nul", "strip", "--orphans", "null", "--json", "--batch-size", "1", "--jobs", "2",
    )  # fmt: skip
    tables = {table["table"]: table for table in json.loads(out)["tables"]}
    assert "consensus" not in tables
    assert (tables["critiques"]["migrated"], tables["critiques"]["rejected"]) == (2, 0)
    assert code == 1
    assert tables["pattern_embeddings"]["rejected"] == 1


def test_stores_can_be_repeated(run: Command, path: Path) -> None:
    for stores in (["--store", "consensus", "--store", "critique"], ["--store", "all"], []):
        code, out, _ = run(
            "--sqlite-path", str(path), "--source-timezone", "UTC", "--json", *stores
        )
        assert code == 1
        assert {table["store"] for table in json.loads(out)["tables"]} == {"consensus", "critique"}


def test_verification_is_asked_for_and_not(run: Command, path: Path) -> None:
    arguments = ("--sqlite-path", str(path), "--source-timezone", "UTC", "--json")
    for option, is_verified in (("--verify", True), ("--no-verify", False)):
        _, out, _ = run(*arguments, option)
        found = {table["verified"] is not None for table in json.loads(out)["tables"]}
        assert found == {is_verified}


def test_mending_by_command(run: Command, target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == "flag-2"], good=0)
    run("--sqlite-path", str(path), "--source-timezone", "UTC")
    file = target.reject_file("debates")
    code, out, _ = run("--retry-rejects", str(file), "--source-timezone", "UTC")
    assert code == 1
    assert f"{file}.rejected" in out
    file.write_text(file.read_text().replace('"consensus_reached": 2', '"consensus_reached": 1'))
    code, out, _ = run("--retry-rejects", str(file), "--source-timezone", "UTC", "--json")
    assert code == 0
    assert json.loads(out)["total_migrated"] == 1


# -- what is wrong with the target


def test_an_unreachable_server(run: Command, path: Path) -> None:
    dsn = f"postgresql://user:{SECRET.replace('+', '%2B')}@127.0.0.1:1/db?connect_timeout=2"
    arguments = ("--sqlite-path", str(path), "--source-timezone", "UTC")
    for extra in ((), ("--json",), ("-v",), ("--dry-run",)):
        code, _, err = run(*arguments, *extra, dsn=dsn)
        assert code == UNREACHABLE
        assert "cannot connect to postgresql://user:***@127.0.0.1:1/db" in err
        assert "refused" in err.lower()


def test_a_database_that_does_not_exist(run: Command, path: Path, target: Target) -> None:
    dsn = PostgresDSN.parse(target.dsn)
    wrong = replace(dsn, database="no_such_database", password=SECRET).uri()
    code, _, err = run("--sqlite-path", str(path), "--source-timezone", "UTC", dsn=wrong)
    assert code == UNREACHABLE
    assert 'database "no_such_database" does not exist' in err


def test_a_transaction_pooler(run: Command, path: Path) -> None:
    dsn = f"postgresql://user:{SECRET.replace('+', '%2B')}@127.0.0.1:6543/db"
    code, _, err = run("--sqlite-path", str(path), "--source-timezone", "UTC", dsn=dsn)
    assert code == 2
    assert "which a transaction pooler (port 6543) does not give" in err
    assert "port 5432" in err


@pytest.mark.parametrize("dsn", ["mysql://u:{}@h/db", "postgresql://u:{}#x@h/db", "{}"])
def test_a_dsn_that_is_none(run: Command, path: Path, dsn: str) -> None:
    code, _, err = run("--sqlite-path", str(path), dsn=dsn.format(SECRET))
    assert code == 2
    assert "--postgres-dsn" in err


@pytest.fixture
def powerless(target: Target) -> Iterator[str]:
    """The DSN of a role that may connect and nothing else."""
    role = f"powerless_{PostgresDSN.parse(target.dsn).database}"
    target.query(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
    yield replace(PostgresDSN.parse(target.dsn), user=role, password=SECRET).uri()
    target.query(f"DROP OWNED BY {role}")
    target.query(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("attribute", "wanted"),
    [("NOBYPASSRLS", "row level security hides"), ("BYPASSRLS", "may not read _schema_versions")],
)
def test_a_role_without_rights(
    run: Command, path: Path, target: Target, powerless: str, attribute: str, wanted: str
) -> None:
    target.query(f"ALTER ROLE {PostgresDSN.parse(powerless).user} {attribute}")
    arguments = ("--sqlite-path", str(path), "--source-timezone", "UTC")
    for extra in ((), ("--dry-run",), ("--verify-only",)):
        code, out, err = run(*arguments, *extra, dsn=powerless)
        assert code == REFUSED
        assert wanted in err
        assert "Traceback" not in err
        assert out == ""


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a server that asks one role for its password."""
    with EmbeddedServer() as server:
        dsn = server.dsn()
        with psycopg.connect(dsn, autocommit=True) as connection:
            [hba] = connection.execute("SHOW hba_file").fetchone() or [""]
            connection.execute("CREATE ROLE locked LOGIN PASSWORD 'another-one'")
        file = Path(hba)
        file.write_text("local all locked scram-sha-256\n" + file.read_text())
        with psycopg.connect(dsn) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield replace(PostgresDSN.parse(dsn), user="locked", password=SECRET).uri()


def test_a_wrong_password(run: Command, path: Path, locked_server: str) -> None:
    arguments = ("--sqlite-path", str(path), "--source-timezone", "UTC")
    for extra in ((), ("--json",), ("-v", "--jobs", "2")):
        code, _, err = run(*arguments, *extra, dsn=locked_server)
        assert code == UNREACHABLE
        assert 'password authentication failed for user "locked"' in err
        assert ":***@" in err


# -- the class


def test_the_class_of_the_guide(target: Target, path: Path) -> None:
    async def work() -> list[MigrationReport]:
        migrator = MemoryMigrator(
            sqlite_path=str(path),
            postgres_dsn=target.dsn,
            batch_size=1000,
            skip_existing=True,
            source_timezone="UTC",
            rejects=target.rejects,
        )
        planned = await migrator.dry_run()
        consensus = await migrator.migrate_consensus_memory()
        critique = await migrator.migrate_critique_store()
        report = await migrator.migrate_all()
        await migrator.close()
        return [planned, consensus, critique, report]

    planned, consensus, critique, report = asyncio.run(work())
    assert planned.is_dry_run
    assert planned.total_migrated == consensus.total_migrated + critique.total_migrated
    assert {table.store for table in consensus.tables} == {"consensus"}
    assert {table.store for table in critique.tables} == {"critique"}
    assert (report.total_migrated, report.total_skipped) == (0, planned.total_migrated)
    assert report.total_errors == consensus.total_errors + critique.total_errors > 0
    assert report.success is False
    assert report.table("debates").source == 20
    assert report.table("debates").rows_in_source == 22
    with pytest.raises(StopIteration):
        report.table("users")


def test_the_class_takes_the_dsn_of_the_environment(
    target: Target, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DSNNotConfiguredError):
        MemoryMigrator(path)
    monkeypatch.setenv("DATABASE_URL", target.dsn)
    assert MemoryMigrator(path) is not None


async def test_the_class_raises_what_the_command_says(target: Target, tmp_path: Path) -> None:
    write_critique(tmp_path / "old.db", rows=3)
    with pytest.raises(InvalidInputError, match="batch_size"):
        MemoryMigrator(tmp_path / "old.db", target.dsn, batch_size=0)
    migrator = MemoryMigrator(tmp_path / "old.db", target.dsn)
    with pytest.raises(ConfigurationError, match="--source-timezone"):
        await migrator.migrate_all()
    dsn = f"postgresql://user:{SECRET.replace('+', '%2B')}@127.0.0.1:1/db"
    with pytest.raises(DatabaseUnavailableError) as caught:
        await MemoryMigrator(tmp_path / "old.db", dsn, source_timezone="UTC").migrate_all()
    shown = [repr(error) + str(error) for error in (caught.value, caught.value.__cause__)]
    assert not any(SECRET in text for text in shown)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stores": ("people",)}, "'people' can't be migrated; there are: all, "),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1_000_001}, "batch_size"),
        ({"jobs": 0}, "jobs"),
        ({"orphans": "keep"}, "'keep' is not one of reject, null, leave-out"),
        ({"on_nul": "keep"}, "'keep' is not one of reject, strip"),
        ({"verify": "some"}, "'some' is not one of auto, all, none, only"),
    ],
)
def test_options_are_checked(changes: dict[str, Any], problem: str) -> None:
    dsn = PostgresDSN.parse("postgresql://h/db")
    with pytest.raises(InvalidInputError, match=problem):
        MigrationOptions(sqlite_path=Path("x"), dsn=dsn, **changes)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "terminated"]
)
def test_a_signal_that_a_driver_turned_into_another_error(
    run: Command, path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    def called_by_a_driver(options: Any) -> int:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as interrupt:
            raise DatabaseError("user-defined function raised exception") from interrupt
        return 0

    monkeypatch.setattr(migrate, "_run", called_by_a_driver)
    outcome, output, errors = run("--sqlite-path", str(path))
    assert (outcome, output) == (code, "")
    assert "interrupted" in errors
