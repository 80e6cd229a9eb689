"""The commands as a user runs them: arguments, output and exit codes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main

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
    assert "consensus: would be created at version 1" in planned.stdout
    with psycopg.connect(postgres_dsn) as connection:
        tables = connection.execute("SELECT to_regclass('consensus')").fetchone()
    assert tables == (None,)
    assert init_script("--verify", dsn=postgres_dsn).returncode == 1

    created = init_script(dsn=postgres_dsn)
    assert (created.returncode, created.stderr) == (0, "")
    assert "consensus: created at version 1" in created.stdout
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


def test_no_server_is_a_clear_message_and_code() -> None:
    gone = init_script(dsn="postgresql://user:s3cret@127.0.0.1:1/db")
    assert gone.returncode == 3
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
    assert "consensus: would be created at version 1" in capsys.readouterr().out
    assert main(["schema", "verify", "--sqlite-path", str(path)]) == 3
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
    assert "consensus: created at version 1" in capsys.readouterr().out
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
