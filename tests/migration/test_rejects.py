"""Where rejected and merged rows are kept, and what they do not show."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.errors import InvalidInputError
from aragora_sql.migration import retry_rejects
from aragora_sql.settings import PostgresDSN
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import (
    BAD_ROWS,
    SOURCE_ZONE,
    Row,
    make_consensus,
    write_bad_rows,
    write_consensus,
)
from tests.migration.legacy.values import create, fill
from tests.migration.legacy.work import ENVELOPE, SECONDS

INTEGRATIONS = """
    CREATE TABLE integrations (
        integration_type TEXT NOT NULL, user_id TEXT NOT NULL DEFAULT 'default',
        enabled INTEGER NOT NULL DEFAULT 1, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        settings_json TEXT, PRIMARY KEY (user_id, integration_type)
    );
    CREATE TABLE user_id_mappings (
        email TEXT NOT NULL, platform TEXT NOT NULL, platform_user_id TEXT NOT NULL,
        display_name TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        user_id TEXT NOT NULL DEFAULT 'default', PRIMARY KEY (user_id, platform, email)
    );
"""
SEALED = {"_encrypted": True, "_value": ENVELOPE}


def integration(kind: str, settings: Any, **values: Any) -> Row:
    row = {
        "integration_type": kind,
        "user_id": "u",
        "created_at": SECONDS,
        "updated_at": SECONDS,
        "settings_json": settings if isinstance(settings, str) else json.dumps(settings),
    }
    return row | values


def mapping(email: str, **values: Any) -> Row:
    row = {
        "email": email,
        "platform": "slack",
        "platform_user_id": email,
        "created_at": SECONDS,
        "updated_at": SECONDS,
        "user_id": "u",
    }
    return row | values


def write_integrations(path: Path, **tables: list[Row]) -> Path:
    create(path, INTEGRATIONS)
    fill(path, tables)
    return path


# -- secrets


def test_secrets_of_rejected_integrations_are_left_out(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_integrations(
        tmp_path / "integrations.db",
        integrations=[
            # Rejected for its time, for its settings, and merged into a newer one.
            integration("slack", {"bot_token": "xoxb-1", "channel": "#a"}, created_at=0),
            integration("mail", '{"password": "xoxb-2'),
            integration("nested", {"all": [{"api_key": "xoxb-3"}], "old": SEALED}, enabled=7),
        ],
    )
    report = target.migrate(path)
    check_sums(report)
    assert report.table("integrations").rejected == 3
    lines = {line["key"]["integration_type"]: line for line in target.rejected("integrations")}
    assert lines["slack"]["row"]["settings"]["channel"] == "#a"
    assert lines["slack"]["row"]["settings"]["bot_token"] == {
        "$left-out": "it may hold a secret: row 1 of integrations.db has it"
    }
    assert list(lines["mail"]["row"]["settings"]) == ["$left-out"]
    assert list(lines["nested"]["row"]["settings"]["all"][0]["api_key"]) == ["$left-out"]
    # What is sealed is not a secret in the clear.
    assert lines["nested"]["row"]["settings"]["old"] == SEALED

    verified = target.migrate(path, verify="only")
    arguments = ["migrate", "--sqlite-path", str(path), "--postgres-dsn", target.dsn, "-v"]
    assert main([*arguments, "--rejects", str(target.rejects)]) == 1
    shown = capsys.readouterr()
    everywhere = [
        json.dumps(report.to_dict()),
        json.dumps(verified.to_dict()),
        shown.out + shown.err,
        *(row[0] for row in target.query("SELECT reject FROM _migration_rejects")),
        *(file.read_text() for file in target.rejects.rglob("*.jsonl")),
    ]
    assert len(everywhere) > 6
    assert not [text for text in everywhere if "xoxb" in text]


def test_a_value_that_was_left_out_has_to_be_put_in(target: Target, tmp_path: Path) -> None:
    path = write_integrations(
        tmp_path / "integrations.db",
        integrations=[integration("slack", {"bot_token": "xoxb-1"}, created_at=0)],
    )
    target.migrate(path)
    file = target.reject_file("integrations")
    dsn = PostgresDSN.parse(target.dsn)
    with pytest.raises(InvalidInputError, match=r"jsonl:1: .*put them in from row 1 of integr"):
        retry_rejects(file, dsn, SOURCE_ZONE)
    line = json.loads(file.read_text())
    line["row"]["settings"]["bot_token"] = "xoxb-1"  # noqa: S105
    line["row"]["created_at"] = SECONDS
    file.write_text(json.dumps(line))
    assert retry_rejects(file, dsn, SOURCE_ZONE).total_migrated == 1


def test_only_the_owner_may_read_the_files(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == "flag-2"], good=0)
    target.migrate(path)
    file = target.reject_file("debates")
    again = retry_rejects(file, PostgresDSN.parse(target.dsn), SOURCE_ZONE)
    for found in (file, Path(again.reject_files[0])):
        assert stat.S_IMODE(found.stat().st_mode) == 0o600, found
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


# -- files that somebody may be mending


def test_a_second_run_changes_no_file_of_the_first(target: Target, tmp_path: Path) -> None:
    for name in ("one", "two"):
        bad = [bad for bad in BAD_ROWS if bad.name == "flag-2"]
        write_bad_rows(tmp_path / name / "memory.db", bad, good=0)
    first = target.migrate(tmp_path / "one")
    file = target.reject_file("debates")
    file.write_text("half mended")
    others = [target.migrate(tmp_path / name) for name in ("one", "two", "one")]
    assert file.read_text() == "half mended"
    paths = {path for report in (first, *others) for path in report.reject_files}
    assert len(paths) == 4 * len(first.reject_files)
    assert all(Path(path).exists() for path in paths)


def test_rows_that_are_rejected_again_go_to_a_new_file_each_time(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [bad for bad in BAD_ROWS if bad.name == "flag-2"], good=0)
    target.migrate(path)
    file = target.reject_file("debates")
    dsn = PostgresDSN.parse(target.dsn)
    first = retry_rejects(file, dsn, SOURCE_ZONE).reject_files
    Path(first[0]).write_text("half mended")
    second = retry_rejects(file, dsn, SOURCE_ZONE).reject_files
    assert (first, second) == ([f"{file}.rejected"], [f"{file}.rejected-2"])
    assert Path(first[0]).read_text() == "half mended"


def test_several_files_by_one_command(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Children first on the command line; with a byte order mark, as some editors write it."""
    path = tmp_path / "bad.db"
    tables = make_consensus(6, 5)
    parents = {row["debate_id"] for row in tables["dissent"]}
    parent = next(row for row in tables["consensus"] if row["id"] in parents)
    parent["confidence"] = 1.5
    write_consensus(path, tables=tables)
    report = target.migrate(path)
    files = {Path(file).stem: Path(file) for file in report.reject_files}
    assert set(files) >= {"consensus", "dissent"}
    text = files["consensus"].read_text().replace('"confidence": 1.5', '"confidence": 0.5')
    files["consensus"].write_text(text, encoding="utf-8-sig")
    arguments = ["migrate", "--postgres-dsn", target.dsn, "--source-timezone", SOURCE_ZONE]
    for name in ("dissent", "consensus"):
        arguments += ["--retry-rejects", str(files[name])]
    assert main([*arguments, "--dry-run"]) == 2
    assert "--retry-rejects loads rows, and does not go with --dry-run" in capsys.readouterr().err
    assert not target.query("SELECT FROM consensus WHERE id = %s", parent["id"])
    main([*arguments, "--json"])
    loaded = json.loads(capsys.readouterr().out)
    # All but what has no parent in the file.
    ids = {row["id"] for row in tables["consensus"]}
    orphans = sum(row["debate_id"] not in ids for row in tables["dissent"])
    rejected = sum(report.table(name).rejected for name in ("consensus", "dissent"))
    assert loaded["total_migrated"] == rejected - orphans > 1
    assert loaded["total_errors"] == orphans


def test_a_rejected_checkpoint_names_its_file(target: Target, tmp_path: Path) -> None:
    broken = tmp_path / "data" / ".checkpoints" / "broken.json"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"workflow_id": ')
    report = target.migrate(tmp_path / "data")
    assert report.table("workflow_checkpoints").rejected == 1
    [line] = target.rejected("workflow_checkpoints")
    assert line["source_file"] == str(broken)


# -- keys that become one


def test_addresses_that_differ_in_case_only(target: Target, tmp_path: Path) -> None:
    path = write_integrations(
        tmp_path / "integrations.db",
        user_id_mappings=[
            mapping("Ada@example.com", platform_user_id="U1"),
            mapping("ada@example.com", platform_user_id="U2", updated_at=SECONDS + 1),
            # The same user of the platform under both spellings: nothing is lost.
            mapping("Bob@example.com", platform_user_id="U3"),
            mapping("bob@example.com", platform_user_id="U3", updated_at=SECONDS + 1),
        ],
    )
    report = target.migrate(path)
    check_sums(report)
    line = report.table("user_id_mappings")
    assert (line.migrated, line.rejected, line.counts.merged, line.counts.kept_aside) == (
        2,
        1,
        1,
        1,
    )
    [lost] = target.rejected("user_id_mappings")
    assert (lost["row"]["platform_user_id"], lost["column"]) == ("U1", "platform_user_id")
    assert "has the same key (user_id, platform, email) in the target as row 2" in lost["reason"]
    assert report.exit_code == 1
    assert report.mismatches == 0
    assert target.migrate(path, verify="only").mismatches == 1
    dry = target.migrate(path, dry_run=True)
    assert (dry.total_errors, dry.exit_code) == (1, 1)


def test_a_newer_user_in_another_file_takes_the_older_ones_place(
    target: Target, tmp_path: Path
) -> None:
    """Each file held the address once, so it is one mapping that has changed."""
    for number, name in enumerate(("a.db", "b.db")):
        row = mapping("ada@example.com", platform_user_id=name, updated_at=SECONDS + number)
        write_integrations(tmp_path / name, user_id_mappings=[row])
    report = target.migrate(tmp_path)
    line = report.table("user_id_mappings")
    assert (line.migrated, line.rejected, line.counts.kept_aside) == (1, 0, 1)
    assert target.rejected("user_id_mappings", "merged")[0]["row"]["platform_user_id"] == "a.db"


# -- a run that is refused


def test_a_run_without_a_time_zone_makes_nothing(
    empty_target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.db"
    write_bad_rows(path, [], good=2)
    arguments = ["migrate", "--sqlite-path", str(path), "--postgres-dsn", empty_target.dsn]
    assert main([*arguments, "--rejects", str(empty_target.rejects)]) == 2
    assert "--source-timezone: " in capsys.readouterr().err
    write_integrations(tmp_path / "none.db")
    create(tmp_path / "none.db", "DROP TABLE integrations")
    assert main([*arguments[:2], str(tmp_path / "none.db"), *arguments[3:], "--store", "jobs"]) == 2
    assert "nothing to migrate: no table of jobs" in capsys.readouterr().err
    assert empty_target.query(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ) == [(0,)]
