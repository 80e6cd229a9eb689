"""``aragora-sql schema partition``: its arguments, output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import REFUSED, USAGE

_EVENTS = (
    "INSERT INTO audit_log (timestamp, action, resource_type) "
    "SELECT '2025-06-15Z'::timestamptz + n * interval '1 day', 'a', 'b' "
    "FROM generate_series(1, 60) AS g (n)"
)


def count(dsn: str, table: str = "audit_log") -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def command(dsn: str, *arguments: str) -> int:
    return main(["schema", "partition", "--dsn", dsn, *arguments])


def test_a_life_of_a_table(postgres_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(postgres_dsn, "--store", "audit", "--by", "month", "--from", "2025-06") == 0
    said = capsys.readouterr()
    assert "audit_log\taudit_log_before_2025_06\tattached\t\t2025-06-01\t0" in said.out
    assert "immutable_audit_entries_later" in said.out
    assert "nobody else could use it for" in said.err

    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(_EVENTS.encode())
    # All that are divided.
    assert command(postgres_dsn, "--ahead", "5", "--json") == 0
    tables = json.loads(capsys.readouterr().out)
    assert [one["table"] for one in tables] == ["audit_log", "immutable_audit_entries"]
    assert [len(one["changed"]) for one in tables] == [2, 2]
    assert tables[0]["partitions"][0]["lower"] is None
    assert tables[0]["partitions"][1]["lower"] == "2025-06-01T00:00:00+00:00"

    before = ["--store", "audit", "--archive-before", "2025-08-01"]
    assert command(postgres_dsn, *before) == 0
    assert "audit_log_2025_07 is in the archive" in capsys.readouterr().err
    assert count(postgres_dsn) == 14
    assert count(postgres_dsn, "public_archive.audit_log_2025_07") == 31
    assert command(postgres_dsn, *before) == 0
    assert "there is no such partition" in capsys.readouterr().err
    assert command(postgres_dsn, "--store", "audit", "--list") == 0
    assert "audit_log\taudit_log_2025_07\tarchived\t2025-07-01\t2025-08-01" in (
        capsys.readouterr().out
    )
    assert command(postgres_dsn, "--store", "audit", "--attach", "2025-01-01") == 0
    assert "audit_log_2025_06, audit_log_2025_07 attached" in capsys.readouterr().err
    assert count(postgres_dsn) == 60
    assert main(["schema", "verify", "--dsn", postgres_dsn]) == 0
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    assert command(postgres_dsn, "--store", "audit", "--from", "2024-01") == USAGE


def test_of_the_job_queue_the_history_is_divided(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    assert command(postgres_dsn, "--store", "jobs", "--by", "month") == 0
    captured = capsys.readouterr()
    assert "job_history_later" in captured.out
    assert "job_queue stays as it is" in captured.err
    assert "job_queue" not in captured.out
    assert command(postgres_dsn, "--store", "jobs", "--list") == 0
    assert "stays" not in capsys.readouterr().err
    assert main(["schema", "verify", "--dsn", postgres_dsn]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--store", "critique"], USAGE, "no key with a time in it can stand for"),
        (["--store", "users"], USAGE, "none of its tables grows for ever"),
        (["--store", "nothing"], USAGE, "there is no store 'nothing'"),
        (["--store", "audit", "--by", "week"], USAGE, "there is no interval 'week'"),
        ([], USAGE, "no table is in partitions: name a store with --store"),
        (["--store", "audit", "--archive-before", "2025-01-01"], REFUSED, "is not divided by"),
        (["--store", "audit", "--attach", "2025-01-01"], REFUSED, "is not divided by"),
        (["--list", "--attach", "2025-01-01"], USAGE, "--list changes nothing"),
    ],
)
def test_what_can_not_be_done_is_named(
    postgres_dsn: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    assert command(postgres_dsn, *arguments) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ahead", "-1"],
        ["--ahead", "many"],
        ["--ahead", "99999"],
        ["--from", "yesterday"],
        ["--archive-before", "2025-13-01"],
        ["--archive-before", "2025-01-01", "--attach", "2025-01-01"],
    ],
)
def test_wrong_arguments(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(postgres_dsn, "--store", "audit", *arguments)
    assert stopped.value.code == USAGE
    assert capsys.readouterr().err


def test_sqlite_is_refused_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "aragora.db"
    target = ["--sqlite-path", str(path)]
    assert main(["schema", "apply", *target]) == 0
    before = path.read_bytes()
    assert main(["schema", "partition", "--store", "audit", *target]) == USAGE
    assert "SQLite has no partitions: nothing was changed" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_table_that_is_not_there_is_named(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("DROP TABLE audit_log")
    assert command(postgres_dsn, "--store", "audit") == REFUSED
    assert "run 'aragora-sql schema apply' first" in capsys.readouterr().err
