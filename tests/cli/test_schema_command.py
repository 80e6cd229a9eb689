"""The commands as a user runs them: arguments, output and exit codes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import UNREACHABLE
from aragora_sql.schema import store_names, verifying
from aragora_sql.schema.files import with_needed_stores

ROOT = Path(__file__).resolve().parent.parent.parent
INIT_SCRIPT = ROOT / "scripts" / "init_postgres_db.py"


def init_script(*arguments: str, dsn: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(INIT_SCRIPT), *arguments],
        env={"DATABASE_URL": dsn, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_the_script_creates_verifies_and_repeats(postgres_dsn: str) -> None:
    planned = init_script("--dry-run", dsn=postgres_dsn)
    assert planned.returncode == 0, planned.stderr
    assert "consensus: would be created at version 2" in planned.stdout
    with psycopg.connect(postgres_dsn) as connection:
        tables = connection.execute("SELECT to_regclass('consensus')").fetchone()
    assert tables == (None,)
    assert init_script("--verify", dsn=postgres_dsn).returncode == 1

    created = init_script(dsn=postgres_dsn)
    assert (created.returncode, created.stderr) == (0, "")
    assert "consensus: created at version 2" in created.stdout
    again = init_script(dsn=postgres_dsn)
    assert "critique: version 1 is there" in again.stdout
    verified = init_script("--verify", dsn=postgres_dsn)
    assert verified.returncode == 0, verified.stdout
    assert "the schema is as the files say: consensus, critique" in verified.stdout


def test_the_script_takes_the_dsn_as_an_option_too(postgres_dsn: str) -> None:
    assert init_script("--dsn", postgres_dsn).returncode == 0
    assert init_script("--dsn", postgres_dsn, "--verify").returncode == 0


def test_verify_names_each_difference(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("DROP INDEX idx_consensus_created")
        connection.execute("ALTER TABLE dissent DROP COLUMN rebuttal")
        connection.execute("ALTER TABLE debates DISABLE ROW LEVEL SECURITY")
    capsys.readouterr()
    assert main(["schema", "verify", "--dsn", postgres_dsn]) == 1
    output = capsys.readouterr().out
    assert "missing index idx_consensus_created of consensus" in output
    assert "missing column rebuttal of dissent" in output
    assert "different table debates: expected row level security" in output

    assert main(["schema", "verify", "--dsn", postgres_dsn, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {"consensus", "dissent", "debates"} == {difference["table"] for difference in found}


@pytest.fixture(params=["postgres", "sqlite"])
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The options that name a database whose schema lacks two indexes and has a column more."""
    if request.param == "postgres":
        target = ["--dsn", request.getfixturevalue("postgres_dsn")]
    else:
        target = ["--sqlite-path", str(tmp_path / "aragora.db")]
    assert main(["schema", "apply", *target]) == 0
    change(
        target,
        "DROP INDEX idx_consensus_created; DROP INDEX idx_debates_created;"
        "ALTER TABLE dissent ADD COLUMN extra TEXT DEFAULT 'x';",
    )
    return target


def change(target: list[str], script: str) -> None:
    if target[0] == "--dsn":
        with psycopg.connect(target[1]) as connection:
            connection.execute(script.encode())
    else:
        with closing(sqlite3.connect(target[1])) as file:
            file.executescript(script)


def test_apply_warns_of_damage(damaged: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["schema", "apply", *damaged]) == 0
    said = capsys.readouterr()
    assert "consensus: version 2 is there" in said.out
    assert "warning: the database is not what the files say:" in said.err
    assert "  missing index idx_consensus_created of consensus: CREATE INDEX" in said.err
    assert "'aragora-sql schema verify' names all" in said.err
    # A dry run looks as well; a store that is whole is not warned of.
    assert main(["schema", "apply", "--dry-run", *damaged]) == 0
    assert "missing index" in capsys.readouterr().err
    assert main(["schema", "apply", *damaged, "--store", "jobs"]) == 0
    assert "warning: the database" not in capsys.readouterr().err


def test_apply_does_not_wait_to_look(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "LOCK_TIMEOUT", 0.05)
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    capsys.readouterr()
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("LOCK TABLE consensus, job_queue IN ACCESS EXCLUSIVE MODE")
        assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    said = capsys.readouterr()
    assert "consensus: version 2 is there" in said.out
    assert "note: what is there was not compared with the files" in said.err


def test_what_verify_prints_repairs(damaged: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["schema", "verify", *damaged]) == 1
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == [
        "missing index idx_consensus_created of consensus",
        "missing index idx_debates_created of debates",
        "added column extra of dissent",
    ]
    assert "3 differences" in said.err
    assert main(["schema", "verify", "--sql", *damaged]) == 1
    script = capsys.readouterr().out
    assert script.count("CREATE INDEX") == 2
    [drop] = [line for line in script.splitlines() if "DROP COLUMN" in line]
    assert drop.startswith("-- ")
    if damaged[0] == "--dsn":
        # CONCURRENTLY: one statement after the other, as psql sends them.
        with psycopg.connect(damaged[1], autocommit=True) as connection:
            for line in script.splitlines():
                if not line.startswith("--"):
                    connection.execute(line.encode())
    else:
        change(damaged, script)
    change(damaged, drop.removeprefix("-- "))
    assert main(["schema", "verify", *damaged]) == 0
    assert main(["schema", "verify", "--sql", *damaged]) == 0
    assert main(["schema", "verify", "--sql", "--json", *damaged]) == 2


def test_repair_shows_and_asks(
    damaged: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    # A script is not asked.
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["schema", "repair", *damaged]) == 2
    said = capsys.readouterr()
    assert "CREATE INDEX" in said.out
    assert "--yes" in said.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer in ("", "n", "no"):
        monkeypatch.setattr("builtins.input", lambda question, answer=answer: answer)
        assert main(["schema", "repair", *damaged]) == 1
        assert "nothing was run" in capsys.readouterr().err
    assert main(["schema", "verify", *damaged]) == 1
    asked: list[str] = []

    def agree(question: str) -> str:
        asked.append(question)
        return "y"

    monkeypatch.setattr("builtins.input", agree)
    capsys.readouterr()
    assert main(["schema", "repair", *damaged]) == 1
    assert asked == ["Run these 2 statements? [y/N] "]
    # What loses data is left.
    assert capsys.readouterr().out.splitlines()[-1].startswith("added column extra of dissent")
    change(damaged, "ALTER TABLE dissent DROP COLUMN extra")
    assert main(["schema", "repair", "--yes", *damaged]) == 0
    assert "the schema is as the files say" in capsys.readouterr().out


def test_looking_changes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE theirs (id TEXT)")
    before = path.read_bytes()
    for command in (["verify"], ["verify", "--sql"], ["apply", "--dry-run"]):
        main(["schema", *command, "--sqlite-path", str(path)])
        assert [one.name for one in tmp_path.iterdir()] == ["aragora.db"]
        assert path.read_bytes() == before


def test_sqlite_needs_nothing_but_a_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "deep" / "aragora.db")
    assert main(["schema", "apply", "--sqlite-path", path]) == 0
    assert main(["schema", "verify", "--sqlite-path", path]) == 0
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX idx_debates_created")
    connection.close()
    capsys.readouterr()
    assert main(["schema", "verify", "--sqlite-path", path]) == 1
    assert "idx_debates_created" in capsys.readouterr().out


def test_one_store_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "aragora.db")
    assert main(["schema", "apply", "--sqlite-path", path, "--store", "critique", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"store": "critique", "present": None, "latest": 1}
    ]
    assert main(["schema", "apply", "--sqlite-path", path, "--store", "nothing"]) == 2
    assert "there are consensus, critique" in capsys.readouterr().err


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_show_prints_one_script(dialect: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "show", "--dialect", dialect]) == 0
    script = capsys.readouterr().out
    assert "CREATE TABLE IF NOT EXISTS consensus" in script
    assert "\n\\ir" not in script
    if dialect == "sqlite":
        connection = sqlite3.connect(":memory:")
        connection.executescript(script)
        connection.executescript(script)
        connection.close()


@pytest.mark.parametrize("store", store_names("sqlite"))
def test_show_prints_the_part_of_a_domain(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "show", "--dialect", "sqlite", "--domain", store]) == 0
    script = capsys.readouterr().out
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(script)
        versions = connection.execute("SELECT module FROM _schema_versions").fetchall()
        parents = connection.execute(
            'SELECT f."table" FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f '
            'WHERE f."table" NOT IN (SELECT name FROM sqlite_schema)'
        ).fetchall()
    made = {name for (name,) in versions}
    assert made == set(with_needed_stores([store], "sqlite"))
    assert parents == []


def test_show_knows_the_domains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "show", "--dialect", "postgres", "--domain", "nothing"]) == 2
    assert "there is no store 'nothing'; there are audit, " in capsys.readouterr().err


def test_no_server_is_a_clear_message_and_code() -> None:
    gone = init_script(dsn="postgresql://user:s3cret@127.0.0.1:1/db")
    assert gone.returncode == UNREACHABLE
    assert "cannot connect to postgresql://user:***@127.0.0.1:1/db" in gone.stderr
    assert "s3cret" not in gone.stderr + gone.stdout


def test_no_dsn_is_a_clear_message_and_code() -> None:
    missing = init_script()
    assert missing.returncode == 2
    assert "PostgreSQL DSN not configured" in missing.stderr
    assert "DATABASE_URL" in missing.stderr


def test_two_targets_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["schema", "apply", "--dsn", "postgresql://h/d", "--sqlite-path", "x.db"]
    assert main(arguments) == 2
    assert "give one" in capsys.readouterr().err


def test_a_malformed_dsn_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "verify", "--dsn", "postgresql://u:top#secret@h/d"]) == 2
    captured = capsys.readouterr()
    assert "--dsn" in captured.err
    assert "%23" in captured.err
    assert "secret" not in captured.err + captured.out


def test_looking_at_a_file_that_is_not_there_creates_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none" / "aragora.db"
    assert main(["schema", "apply", "--dry-run", "--sqlite-path", str(path)]) == 0
    assert "consensus: would be created at version 2" in capsys.readouterr().out
    assert main(["schema", "verify", "--sqlite-path", str(path)]) == 2
    assert f"there is no SQLite file {path}" in capsys.readouterr().err
    assert not path.parent.exists()


@pytest.mark.parametrize("command", [["apply"], ["apply", "--dry-run"]])
def test_a_newer_database_is_refused(
    command: list[str], postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("UPDATE _schema_versions SET version = 7 WHERE module = 'critique'")
    assert main(["schema", *command, "--dsn", postgres_dsn]) == 4
    assert "has schema version 7" in capsys.readouterr().err
    assert main(["schema", "verify", "--dsn", postgres_dsn]) == 1
    assert "different version critique of _schema_versions" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["TABLE debates (slug text)", "VIEW debates AS SELECT 1 AS id"])
def test_a_dry_run_sees_what_is_in_the_way(
    kind: str, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(f"CREATE {kind}")
    for options in ([], ["--dry-run"]):
        assert main(["schema", "apply", "--dsn", postgres_dsn, *options]) == 4
        assert "'debates' of another program is in the way" in capsys.readouterr().err


def test_tables_of_a_schema_further_down_the_path_do_not_count(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE SCHEMA app")
    inside = f"{postgres_dsn}&search_path=app,public"
    capsys.readouterr()
    assert main(["schema", "apply", "--dsn", inside]) == 0
    assert "consensus: created at version 2" in capsys.readouterr().out
    assert main(["schema", "verify", "--dsn", inside]) == 0


def test_the_script_says_what_to_do_without_an_installation(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    copy = scripts / INIT_SCRIPT.name
    copy.write_text(INIT_SCRIPT.read_text())
    alone = subprocess.run(
        [sys.executable, "-S", "-E", str(copy), "--verify"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.returncode == 2
    assert "pip install" in alone.stderr
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "called with $*"\n')
    python.chmod(0o755)
    beside = subprocess.run(
        [sys.executable, "-S", "-E", str(copy), "--verify"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert beside.stdout.strip() == f"called with {copy} --verify"
