"""The commands for audit entries as a user runs them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.stores.audit import AuditStore, SigningKeys, entries
from tests.cli.test_work_commands import on, target
from tests.stores.audit.cases import ENTRY
from tests.stores.audit.damage import ENTRIES, unprotected


@pytest.fixture
def filled(location: str | Path, monkeypatch: pytest.MonkeyPatch) -> str | Path:
    """A database with two chains, whose entries are of a day that is over."""
    monkeypatch.setattr(entries, "utc_now", lambda: datetime(2026, 2, 12, 16, tzinfo=UTC))

    async def fill(database: Database) -> None:
        audit = AuditStore(database, SigningKeys())
        await audit.append_many([ENTRY] * 5)
        await audit.append(**ENTRY, chain="other")

    on(location, fill)
    return location


async def damage(database: Database) -> None:
    await unprotected(database, f"UPDATE {ENTRIES} SET actor = 'mallory' WHERE sequence_number = 3")


def test_audit_verify(filled: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["audit", "verify", *target(filled)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["chain", "main", "other"]
    assert main(["audit", "anchor", "--date", "2026-02-12", *target(filled)]) == 0
    assert "5 entries, 1 to 5, root" in capsys.readouterr().out
    on(filled, damage)
    assert main([*command, "--anchors"]) == 1
    output = capsys.readouterr().out
    assert "main: entry 3 was changed: its hash is another one" in output
    assert "main 2026-02-12: entry 3 was changed" in output
    assert main([*command, "--chain", "main", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["first_error_sequence"], found["entries_checked"]) == (3, 5)
    assert main([*command, "--chain", "main", "--from-sequence", "4"]) == 0
    assert main([*command, "--from-sequence", "4"]) == 2
    assert "--chain" in capsys.readouterr().err


def test_audit_anchor(filled: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["audit", "anchor", *target(filled), "--date"]
    assert main([*command, "2026-01-01"]) == 0
    assert "no entries" in capsys.readouterr().out
    assert main([*command, "2026-02-12", "--json", "--chain", "other"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["chain"], first["entry_count"]) == ("other", 1)
    assert main([*command, "2026-02-12", "--json", "--chain", "other"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert main([*command, "2999-01-01"]) == 2
    assert "over" in capsys.readouterr().err


def test_audit_prove_and_check_proof(
    filled: str | Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = ["audit", "export", "--from", "2026-02-12", *target(filled)]
    assert main(export) == 0
    entry = json.loads(capsys.readouterr().out.splitlines()[2])
    command = ["audit", "prove", entry["id"], *target(filled)]
    assert main(command) == 1
    assert "aragora-sql audit anchor" in capsys.readouterr().err
    assert main(["audit", "anchor", "--date", "2026-02-12", "--json", *target(filled)]) == 0
    root = json.loads(capsys.readouterr().out)["merkle_root"]
    assert main(command) == 0
    path = tmp_path / "proof.json"
    path.write_text(capsys.readouterr().out)
    check = ["audit", "check-proof", str(path)]
    assert main(check) == 0
    assert "give --root" in capsys.readouterr().out
    assert main([*check, "--root", root]) == 0
    assert main([*check, "--root", "0" * 64]) == 1
    path.write_text(path.read_text().replace('"alice"', '"mallory"'))
    assert main([*check, "--root", root]) == 1
    path.write_text("{}")
    assert main(check) == 2
    assert main(["audit", "check-proof", str(tmp_path / "none")]) == 2
    assert main(["audit", "prove", "unknown", *target(filled)]) == 1


def test_audit_export(
    filled: str | Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "export", *target(filled), "--from"]
    assert main([*command, "2026-02-12", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["entry_count"] == 5
    path = tmp_path / "audit.csv"
    assert main([*command, "2026-02-12", "--format", "csv", "--output", str(path)]) == 0
    assert len([*csv.DictReader(io.StringIO(path.read_text()))]) == 5
    assert str(path) in capsys.readouterr().err
    assert main([*command, "2026-02-13T00:00:00+02:00"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*command, "2026-02-12", "--to", "2026-02-12T15:00:00"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*command, "soon"]) == 2
