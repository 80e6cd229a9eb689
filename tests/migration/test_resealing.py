"""Rotating keys, and the encrypted secrets of rows that a migration rejected."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.migration import retry_rejects
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.integrations.secrets import Owner, open_secrets, seal_secrets
from aragora_sql.stores.integrations.store import IntegrationStore
from tests.migration.conftest import Target
from tests.migration.legacy import SOURCE_ZONE
from tests.migration.legacy.work import SECONDS
from tests.migration.test_rejects import integration, write_integrations

FORMER, PRESENT, LOST = bytes(range(32)), bytes(range(50, 82)), bytes(range(9, 41))
SETTINGS = {"bot_token": "xoxb-1", "nested": [{"api_key": 12345}], "channel": "#a", "limit": 1e300}


def sealed(kind: str, key: bytes = FORMER) -> dict[str, Any]:
    return seal_secrets(SETTINGS, Keyring(key), Owner("u", kind))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Integrations that are rejected for their time; one has a secret in the clear beside it."""
    return write_integrations(
        tmp_path / "integrations.db",
        integrations=[
            integration("slack", sealed("slack"), created_at=0),
            integration("mail", {**sealed("mail"), "password": "clear"}, created_at=0),
            integration("plain", {"channel": "#b"}, created_at=0),
            integration("good", sealed("good")),
        ],
    )


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", PRESENT.hex())
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEYS_OLD", FORMER.hex())


def rotate(target: Target, *options: str) -> int:
    return main(["integrations", "rotate-keys", "--dsn", target.dsn, *options])


def kept(target: Target) -> dict[str, dict[str, Any]]:
    """The rejected rows in the target, by type."""
    lines = [json.loads(line) for (line,) in target.query("SELECT reject FROM _migration_rejects")]
    return {line["row"]["integration_type"]: line["row"] for line in lines}


def test_rejected_rows_get_the_present_key_and_their_files_are_named(
    target: Target, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target.migrate(source)
    before = kept(target)
    file = target.reject_file("integrations").read_bytes()
    [(run,)] = target.query("SELECT run_id FROM _migration_runs")
    capsys.readouterr()

    assert rotate(target, "--dry-run", "--json") == 0
    planned = json.loads(capsys.readouterr().out)["rejects"]
    assert planned == {"checked": 2, "changed": 2, "resealed": 4, "failed": [], "runs": [run]}
    assert kept(target) == before

    assert rotate(target) == 0
    shown = capsys.readouterr().out
    assert "4 secrets were encrypted again in 2 of 2 rows that a migration" in shown
    assert f"…-run{run}" in shown
    assert "--retry-rejects" in shown
    after = kept(target)
    assert open_secrets(after["slack"]["settings"], Keyring(PRESENT), Owner("u", "slack")) == (
        SETTINGS
    )
    # What was left out is not taken for a secret, and nothing else of the row has changed.
    assert list(after["mail"]["settings"]["password"]) == ["$left-out"]
    for kind, row in after.items():
        assert {**row, "settings": None} == {**before[kind], "settings": None}
    assert after["plain"] == before["plain"]
    assert target.reject_file("integrations").read_bytes() == file

    assert rotate(target, "--json") == 0
    again = json.loads(capsys.readouterr().out)["rejects"]
    assert (again["changed"], again["resealed"]) == (0, 0)


def test_a_file_from_before_is_loaded_with_the_former_key_and_rotated_then(
    target: Target, source: Path
) -> None:
    target.migrate(source)
    assert rotate(target) == 0
    file = target.reject_file("integrations")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        line["row"]["created_at"] = SECONDS
    mended = [line for line in lines if line["row"]["integration_type"] == "slack"]
    file.write_text("".join(json.dumps(line) + "\n" for line in mended))
    assert retry_rejects(file, PostgresDSN.parse(target.dsn), SOURCE_ZONE).total_migrated == 1
    assert settings_of(target, Keyring(PRESENT, [FORMER])) == SETTINGS
    assert rotate(target) == 0
    assert settings_of(target, Keyring(PRESENT)) == SETTINGS


def settings_of(target: Target, keyring: Keyring) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        database = await PostgresDatabase.connect(target.dsn, min_size=1, max_size=1)
        try:
            found = await IntegrationStore(database, keyring).get("slack", "u")
        finally:
            await database.close()
        assert found is not None
        return found.settings

    return asyncio.run(read())


def test_a_rejected_row_that_no_key_fits_is_named_and_left(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_integrations(
        tmp_path / "integrations.db",
        integrations=[
            integration("slack", sealed("slack", LOST), created_at=0),
            integration("mail", sealed("mail"), created_at=0),
        ],
    )
    target.migrate(path)
    before = kept(target)
    capsys.readouterr()
    assert rotate(target, "--json") == 1
    shown = capsys.readouterr()
    result = json.loads(shown.out)["rejects"]
    assert (result["changed"], len(result["failed"])) == (1, 1)
    assert "row 1 of integrations.db, rejected in run" in shown.err
    assert "xoxb" not in shown.err
    assert kept(target)["slack"] == before["slack"]


def test_without_a_migration_there_is_nothing_to_do(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rotate(target) == 0
    assert "rejected" not in capsys.readouterr().out


TYPED = {
    "api_key": 12345,
    "auth_token": "12345",
    "password": 0.1,
    "client_secret": 2**70,
    "access_token": [1, "a", None, {"x": True}],
    "private_key": {"kty": "oct", "k": 7},
    "secret": -1e17,
    "nested": [{"signing_key": 0}],
}


def test_secrets_keep_their_json_types_from_the_older_file_to_the_store(
    target: Target, tmp_path: Path
) -> None:
    path = write_integrations(
        tmp_path / "integrations.db", integrations=[integration("slack", TYPED)]
    )
    target.migrate(path)
    assert rotate(target) == 0
    [(stored,)] = target.query("SELECT settings FROM integrations")
    assert {name for name, value in stored.items() if "_encrypted" in value} == TYPED.keys() - {
        "nested"
    }
    found = settings_of(target, Keyring(PRESENT))
    assert found == TYPED
    assert {name: type(found[name]) for name in TYPED} == {n: type(v) for n, v in TYPED.items()}


def test_a_mended_secret_that_is_a_number_stays_one(target: Target, tmp_path: Path) -> None:
    path = write_integrations(
        tmp_path / "integrations.db",
        integrations=[integration("slack", {"api_key": 12345}, created_at=0)],
    )
    target.migrate(path)
    file = target.reject_file("integrations")
    line = json.loads(file.read_text())
    line["row"] |= {"settings": {"api_key": 12345, "auth_token": "1"}, "created_at": SECONDS}
    file.write_text(json.dumps(line))
    assert retry_rejects(file, PostgresDSN.parse(target.dsn), SOURCE_ZONE).total_migrated == 1
    assert rotate(target) == 0
    assert settings_of(target, Keyring(PRESENT)) == {"api_key": 12345, "auth_token": "1"}
