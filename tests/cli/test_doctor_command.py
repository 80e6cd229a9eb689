"""``aragora-sql doctor``: its output and its exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import DIFFERENT, UNREACHABLE, USAGE, WARNED
from aragora_sql.doctor import files
from tests.doctor.conftest import location, run_on, template_database, template_file

__all__ = ["location", "template_database", "template_file"]

SECRET = "gehe im/5%"  # noqa: S105
DSN = "postgresql://u:gehe%20im%2F5%25@127.0.0.1:1/d"


@pytest.fixture
def path(tmp_path: Path, template_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mounts = tmp_path / "mounts"
    mounts.write_text("36 35 98:0 / / rw - ext4 source rw\n")
    monkeypatch.setattr(files.check_file_system, "__defaults__", (mounts,))
    copy = tmp_path / "aragora.db"
    copy.write_bytes(template_file.read_bytes())
    # As the application leaves it.
    with copy.open("r+b") as file:
        file.seek(18)
        file.write(b"\x02\x02")
    return copy


def test_the_exit_code_tells_how_bad_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["doctor", "--sqlite-path", str(path)]
    free = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
    well = main(words)
    assert well == (0 if free > 1 << 30 else WARNED)
    monkeypatch.setenv("ARAGORA_DATADIR", "x")
    assert main(words) == WARNED
    monkeypatch.delenv("ARAGORA_DATADIR")
    path.chmod(0o666)
    assert main(words) == DIFFERENT
    assert "file-rights: everybody" in capsys.readouterr().err
    monkeypatch.setenv("ARAGORA_INSTANCES", "two")
    assert main(words) == USAGE
    assert main(["doctor", "--dsn", DSN]) == UNREACHABLE
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgres")
    assert main(["doctor"]) == USAGE
    out = capsys.readouterr().out
    assert "PostgreSQL DSN not configured" in out
    # What is wrong in an option is no finding.
    assert main(["doctor", "--dsn", "mysql://u@h/d"]) == USAGE
    assert capsys.readouterr().out == ""


def test_rows_for_people_and_json_for_programs(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["doctor", "--sqlite-path", str(path)]
    code = main(words)
    heading, first, *_ = capsys.readouterr().out.splitlines()
    assert heading.split("\t") == ["check", "severity", "seen", "to do"]
    assert first.split("\t")[:3] == ["variables", "ok", "none is set"]
    assert main([*words, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["severity"] == ("ok" if code == 0 else "warning")
    assert told["findings"][0] == {
        "check": "variables",
        "severity": "ok",
        "seen": "none is set",
        "action": "",
    }


def test_the_environment_says_how_many_instances_there_are(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    monkeypatch.setenv("ARAGORA_INSTANCES", "2")
    monkeypatch.setenv("ARAGORA_SUPABASE_PLAN", "pro")
    monkeypatch.setenv("ARAGORA_POSTGRES_POOL_MAX", "25")
    # The user of the tests is a superuser.
    assert main(["doctor"]) == WARNED
    assert "2 x 25 = 50 connections, of 60 (direct, plan pro)" in capsys.readouterr().out
    run_on(postgres_dsn, "ALTER TABLE dissent DISABLE ROW LEVEL SECURITY")
    assert main(["doctor", "--instances", "3", "--plan", "team"]) == DIFFERENT
    assert "3 x 25 = 75 connections, of 97" in capsys.readouterr().out


def test_no_secret_is_ever_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", DSN)
    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", f"postgresql://u:{SECRET}@h/d")
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", "geheim-key-that-is-none")
    # Somebody has put the password where it does not belong.
    monkeypatch.setenv("ARAGORA_DB_BACKEND", SECRET)
    for further in ([], ["--json"], ["--dsn", DSN]):
        assert main(["doctor", *further]) != 0
        captured = capsys.readouterr()
        said = captured.out + captured.err
        assert "ENCRYPTION_KEY" in said
        for secret in (SECRET, SECRET.replace(" ", "%20"), "gehe%20im", "geheim-key"):
            assert secret.lower() not in said.lower()
