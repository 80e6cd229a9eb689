"""The commands for findings and integrations as a user runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.schema import apply_schema
from aragora_sql.stores.federation import FederatedRegion, FederationStore
from aragora_sql.stores.integrations.records import IntegrationConfig
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.users import UserStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.stores.samples import KEY, OTHER_KEY, day

TOKEN = "xoxb-very-secret-4711"  # noqa: S105
KEYS = {"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex(), "ARAGORA_ENCRYPTION_KEYS_OLD": KEY.hex()}


def on(location: str | Path, work: Callable[[Database], Awaitable[object]]) -> object:
    """Do something with the database that the commands work on."""

    async def run() -> object:
        database: Database
        if isinstance(location, Path):
            database = SQLiteDatabase(location)
        else:
            database = await PostgresDatabase.connect(location, 1, 1)
        try:
            await apply_schema(database)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def target(location: str | Path) -> list[str]:
    option = "--sqlite-path" if isinstance(location, Path) else "--dsn"
    return [option, str(location)]


async def fill_integrations(database: Database) -> None:
    store = IntegrationStore(database, Keyring(KEY))
    for user in ("u1", "u2", "u3"):
        await store.save(
            IntegrationConfig(
                integration_type="slack",
                user_id=user,
                workspace_id="w" if user == "u2" else None,
                settings={"bot_token": TOKEN, "channel": "#general"},
            )
        )


async def fill_findings(database: Database) -> None:
    store = FindingWorkflowStore(database)
    await store.create("f1", created_at=day(0), due_date=day(1), assigned_to="ben")
    await store.create("f2", created_at=day(1))
    await store.transition("f2", "triaging", user_name="Ann", comment="[bold]real[/bold]")


def test_integrations_are_listed_without_secrets(
    location: str | Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on(location, fill_integrations)
    command = ["integrations", "list", *target(location)]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert [line.split()[:3] for line in output.splitlines()[1:]] == [
        [user, "slack", "not_configured"] for user in ("u1", "u2", "u3")
    ]
    assert main([*command, "--json"]) == 0
    everything = capsys.readouterr().out
    assert TOKEN not in output + everything
    assert [entry["user_id"] for entry in json.loads(everything)] == ["u1", "u2", "u3"]
    assert json.loads(everything)[0]["settings"]["channel"] == "#general"
    for options, expected in (
        (["--user", "u3"], ["u3"]),
        (["--workspace", "w"], ["u2"]),
        (["--limit", "2"], ["u1", "u2"]),
    ):
        assert main([*command, "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [entry["user_id"] for entry in found] == expected
    assert main([*command, "--user", "u1", "--workspace", "w"]) == 2


def test_keys_are_rotated(
    location: str | Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on(location, fill_integrations)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    command = ["integrations", "rotate-keys", *target(location), "--batch-size", "2"]
    assert main([*command, "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "3 secrets would be encrypted again and 0 in the clear encrypted, in 3 of 3 integrations; "
        "0 failed\n"
    )
    assert captured.err == "2 of 3 integrations\n3 of 3 integrations\n"
    assert main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["total"], result["changed"], result["resealed"]) == (3, 3, 3)
    assert (result["failed"], result["dry_run"]) == ([], False)
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0

    async def tokens(database: Database) -> list[str]:
        listed = await IntegrationStore(database, Keyring(OTHER_KEY)).list_all()
        return [config.settings["bot_token"] for config in listed]

    assert on(location, tokens) == [TOKEN] * 3


def test_secrets_that_no_key_fits_are_named(
    location: str | Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on(location, fill_integrations)
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", OTHER_KEY.hex())
    assert main(["integrations", "rotate-keys", *target(location)]) == 1
    captured = capsys.readouterr()
    assert "integration 'slack' of user 'u1': settings.bot_token can't be" in captured.err
    assert captured.out.endswith("3 failed\n")
    assert TOKEN not in captured.out + captured.err


def test_keys_of_federated_regions_are_rotated_too(
    location: str | Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fill(database: Database) -> None:
        store = FederationStore(database, Keyring(KEY))
        for name in ("berlin", "paris"):
            await store.save(FederatedRegion(region_id=name, endpoint_url="u", api_key=TOKEN))

    on(location, fill)
    command = ["integrations", "rotate-keys", *target(location)]
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", OTHER_KEY.hex())
    assert main(command) == 1
    captured = capsys.readouterr()
    assert "region 'berlin' of workspace '': api_key can't be decrypted" in captured.err
    assert captured.out.endswith("in 0 of 2 federated regions; 2 failed\n")
    assert TOKEN not in captured.out + captured.err
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert main(command) == 0
    assert capsys.readouterr().out.endswith(
        "2 secrets were encrypted again and 0 in the clear encrypted, in 2 of 2 federated regions; "
        "0 failed\n"
    )
    assert main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["federation"]
    assert (result["checked"], result["changed"]) == (2, 0)

    async def keys(database: Database) -> list[str | None]:
        listed = await FederationStore(database, Keyring(OTHER_KEY)).list_all()
        return [region.api_key for region in listed]

    assert on(location, keys) == [TOKEN] * 2


def test_keys_are_rotated_where_there_are_no_integrations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users.db"

    async def fill() -> None:
        users = UserStore(SQLiteDatabase(path), Keyring(KEY))
        await users.initialize()
        ann = await users.create_user("ann@example.com", "x")
        await users.update_user(ann.id, mfa_secret=TOKEN)
        await users.database.close()

    asyncio.run(fill())
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert main(["integrations", "rotate-keys", "--sqlite-path", str(path)]) == 0
    captured = capsys.readouterr()
    assert "in 0 of 0 integrations; 0 failed" in captured.out
    assert "1 secrets were encrypted again and 0 in the clear encrypted, in 1 of 1 users" in (
        captured.out
    )


def test_rotating_without_a_key_or_with_a_bad_batch_is_refused(
    location: str | Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on(location, fill_integrations)
    command = ["integrations", "rotate-keys", *target(location)]
    assert main(command) == 2
    assert "set ARAGORA_ENCRYPTION_KEY" in capsys.readouterr().err
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", "nonsense")
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "ARAGORA_ENCRYPTION_KEY: not a key" in error
    assert "nonsense" not in error
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    assert main([*command, "--batch-size", "0"]) == 2
    assert "batch_size: must be at least 1" in capsys.readouterr().err


def test_findings(location: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
    on(location, fill_findings)

    def run(*arguments: str) -> str:
        assert main(["findings", arguments[0], *target(location), *arguments[1:]]) == 0
        return capsys.readouterr().out

    def ids(*options: str) -> list[str]:
        return [entry["finding_id"] for entry in json.loads(run("list", "--json", *options))]

    assert ids() == ["f2", "f1"]
    assert ids("--limit", "1") == ["f2"]
    assert ids("--state", "triaging") == ["f2"]
    assert ids("--assignee", "ben") == ["f1"]
    assert ids("--overdue") == ["f1"]
    assert "triaging" in run("list").splitlines()[1]
    assert json.loads(run("show", "f2", "--json"))["history"][0]["to_state"] == "triaging"
    shown = run("show", "f2")
    assert "current_state" in shown
    assert "1 events" in shown
    assert json.loads(run("history", "f2", "--json"))[0]["user_name"] == "Ann"
    assert "[bold]real[/bold]" in run("history", "f2")
    assert json.loads(run("stats", "--json"))["by_state"] == {"open": 1, "triaging": 1}
    assert "in state triaging" in run("stats")
    for command in ("show", "history"):
        assert main(["findings", command, *target(location), "nowhere"]) == 1
        assert "there is no finding 'nowhere'" in capsys.readouterr().err
    assert main(["findings", "list", *target(location), "--overdue", "--state", "open"]) == 2


def test_a_database_without_the_tables_says_so(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["findings", "list", "--dsn", postgres_dsn]) == 4
    assert "was the store initialized?" in capsys.readouterr().err
