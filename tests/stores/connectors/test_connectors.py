"""Connectors, their secrets and their sync jobs on each engine."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    AragoraSQLError,
    ConnectorNotFoundError,
    DecryptionError,
    DuplicateKeyError,
    EncryptionKeyMissingError,
    InvalidInputError,
    TenantMismatchError,
)
from aragora_sql.stores.connectors import ConnectorStore
from tests.conftest import OpenDatabase
from tests.stores.connectors.cases import save
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, fetch_value, run

SECRET = "hunter2-\U0001f9e0"  # noqa: S105
CONFIG: dict[str, Any] = {
    "url": "https://jira.example.com",
    "api_key": SECRET,
    "auth": {"password": SECRET, "user": "ann"},
    "limits": {"max_tokens": 100, "rate": 0.1 + 0.2},
    "credentials": {"a": [1, 10**30]},
}


def older(connector_id: str, value: str, keyring: Keyring = KEYRING) -> dict[str, Any]:
    """Return a secret as the older program stored it."""
    envelope = keyring.seal(value.encode(), connector_id.encode())
    return {"_encrypted": True, "_value": base64.b64encode(envelope).decode()}


async def store_config(database: Database, config: dict[str, Any]) -> None:
    cast = "::jsonb" if database.dialect == "postgres" else ""
    await run(database, f"UPDATE connectors SET config = '{json.dumps(config)}'{cast}")


async def stored_config(database: Database) -> str:
    return str(await fetch_value(database, "SELECT cast(config AS TEXT) FROM connectors"))


async def test_save_connector_then_get_connector(connectors: ConnectorStore) -> None:
    await connectors.save_connector("c", "jira", "Jira", CONFIG, org_id="acme", workspace_id="w")
    found = await connectors.get_connector("c")
    assert found is not None
    assert found.config == CONFIG
    assert (found.org_id, found.workspace_id, found.status) == ("acme", "w", "configured")
    assert (found.items_indexed, found.last_sync_at, found.problem) == (0, None, None)
    text = await stored_config(connectors.database)
    assert SECRET not in text
    assert "jira.example.com" in text
    assert SECRET not in repr(found)
    assert SECRET not in json.dumps(found.to_dict())
    assert found.to_dict(include_secrets=True)["config"] == CONFIG
    # What the older program encrypted by its name stays encrypted and hidden.
    await connectors.save_connector("c", "jira", "Jira", {**CONFIG, "aws_access_key_id": SECRET})
    whole = await connectors.get_connector("c")
    assert whole is not None
    assert whole.config["aws_access_key_id"] == SECRET
    assert SECRET not in await stored_config(connectors.database) + repr(whole)
    await connectors.save_connector("c", "jira", "Jira", CONFIG)
    # Sealed secrets stay what they are, for the same connector.
    sealed = await connectors.get_connector("c", decrypt=False)
    assert sealed is not None
    assert SECRET not in repr(sealed)
    await connectors.save_connector("c", "jira", "Renamed", {**sealed.config, "url": "new"})
    again = await connectors.get_connector("c", org_id="acme")
    assert again is not None
    assert again.config == {**CONFIG, "url": "new"}
    assert (again.name, again.created_at) == ("Renamed", found.created_at)
    with pytest.raises(InvalidInputError, match=r"config\..*sealed secret of connector 'c'"):
        await connectors.save_connector("d", "jira", "Copy", sealed.config)
    with pytest.raises(TenantMismatchError):
        await connectors.save_connector("c", "jira", "Jira", {}, org_id="other")
    assert await connectors.get_connector("c", org_id="other") is None


async def test_secrets_need_their_key_and_their_connector(connectors: ConnectorStore) -> None:
    database = connectors.database
    without = ConnectorStore(database, Keyring())
    with pytest.raises(EncryptionKeyMissingError):
        await save(without, token=SECRET)
    await save(without, url="u")
    await save(connectors, token=SECRET)
    with pytest.raises(EncryptionKeyMissingError):
        await without.get_connector("c")
    assert await without.get_connector("c", decrypt=False) is not None
    other = ConnectorStore(database, Keyring(OTHER_KEY))
    (listed,) = await other.list_connectors()
    assert listed.problem is not None
    assert SECRET not in listed.problem
    assert await other.check_secrets() == (1, [(await other.check_secrets())[1][0]])
    # What is copied to another connector, or to another setting, can't be opened there.
    await run(database, "UPDATE connectors SET id = 'copy'")
    with pytest.raises(DecryptionError):
        await connectors.get_connector("copy")


async def test_check_secrets_and_rotate_keys_of_older_envelopes(connectors: ConnectorStore) -> None:
    database = connectors.database
    await save(connectors)
    # Each setting in whose name the older program saw a secret was encrypted, as token_url.
    await store_config(
        database,
        {
            "access_token": older("c", SECRET),
            "token_url": older("c", "https://example.com/token"),
            "auth": {"password": older("c", "p")},
            "api_key": "in the clear",
        },
    )
    before = await stored_config(database)
    opened = {
        "access_token": SECRET,
        "token_url": "https://example.com/token",
        "auth": {"password": "p"},
        "api_key": "in the clear",
    }
    found = await connectors.get_connector("c")
    assert found is not None
    assert found.config == opened
    assert await connectors.check_secrets() == (1, [])
    rotated = ConnectorStore(database, Keyring(OTHER_KEY, [KEY]))
    dry = await rotated.rotate_keys(dry_run=True)
    assert (dry.total, dry.checked, dry.changed, dry.resealed, dry.sealed) == (1, 1, 1, 3, 1)
    assert await stored_config(database) == before
    done = await rotated.rotate_keys(batch_size=1)
    assert (done.changed, done.resealed, done.sealed, done.failed) == (1, 3, 1, [])
    assert (await rotated.rotate_keys()).changed == 0
    after = await ConnectorStore(database, Keyring(OTHER_KEY)).get_connector("c")
    assert after is not None
    assert after.config == opened
    failed = await connectors.rotate_keys()
    assert [one.owner for one in failed.failed] == ["c"]
    # An envelope is opened under no name but that of a secret.
    await store_config(database, {"comment": older("c", SECRET)})
    with pytest.raises(DecryptionError):
        await connectors.get_connector("c")


async def test_list_connectors_update_connector_status_and_delete_connector(
    connectors: ConnectorStore,
) -> None:
    for number in range(4):
        await connectors.save_connector(
            f"c{number}", "jira" if number % 2 else "github", "n", {}, org_id=f"o{number // 2}"
        )
    assert await connectors.update_connector_status("c0", "error", "refused password=hunter2")

    async def listed(**chosen: Any) -> list[str]:
        return [one.id for one in await connectors.list_connectors(**chosen)]

    assert await listed() == ["c0", "c3", "c2", "c1"]
    assert await listed(connector_type="jira") == ["c3", "c1"]
    assert await listed(status="error") == ["c0"]
    assert await listed(org_id="o0") == ["c0", "c1"]
    assert await listed(org_id="o0", connector_type="jira", limit=1) == ["c1"]
    first = await connectors.list_connectors(limit=2)
    assert await listed(after=first[-1]) == ["c2", "c1"]
    found = first[0]
    assert found.error_message is not None
    assert "hunter2" not in found.error_message
    assert not await connectors.update_connector_status("c0", "error", org_id="o1")
    assert not await connectors.delete_connector("c0", org_id="o1")
    await connectors.record_sync_start("c0")
    assert await connectors.delete_connector("c0", org_id="o0")
    assert await connectors.get_sync_history() == []


async def test_record_sync_start_record_sync_progress_and_record_sync_complete(
    connectors: ConnectorStore,
) -> None:
    with pytest.raises(ConnectorNotFoundError):
        await connectors.record_sync_start("c")
    await save(connectors)
    job = await connectors.record_sync_start("c", "j")
    assert await connectors.get_sync_history() == [job]
    with pytest.raises(DuplicateKeyError):
        await connectors.record_sync_start("c", "j")
    active = await connectors.get_connector("c")
    assert active is not None
    assert active.status == "active"
    assert await connectors.record_sync_progress("j", 7, 1)
    assert not await connectors.record_sync_progress("x", 7)
    ended = await connectors.record_sync_complete("j")
    assert ended is not None
    assert (ended.status, ended.items_synced, ended.items_failed) == ("completed", 7, 1)
    assert ended.completed_at is not None
    assert ended.duration_seconds == (ended.completed_at - job.started_at).total_seconds()
    assert await connectors.get_sync_history("c") == [ended]
    # The end is written once.
    assert await connectors.record_sync_complete("j", "failed") is None
    assert not await connectors.record_sync_progress("j", 9)
    await connectors.record_sync_start("c", "k")
    await connectors.record_sync_complete("k", "failed", 2, 3, "refused password=hunter2")
    found = await connectors.get_connector("c")
    assert found is not None
    assert (found.status, found.last_sync_status, found.items_indexed) == ("error", "failed", 9)
    assert found.error_message is not None
    assert "hunter2" not in found.error_message
    await connectors.record_sync_start("c")
    stats = await connectors.get_sync_stats("c")
    assert stats["avg_duration_seconds"] is not None
    assert stats == {
        "avg_duration_seconds": stats["avg_duration_seconds"],
        "total_syncs": 3,
        "successful_syncs": 1,
        "failed_syncs": 1,
        "active_syncs": 1,
        "total_items_synced": 9,
        "total_items_failed": 4,
    }


async def test_record_sync_complete_ends_it_once_among_many(
    connectors: ConnectorStore, open_database: OpenDatabase
) -> None:
    await save(connectors)
    await connectors.record_sync_start("c", "j")
    stores = [connectors, ConnectorStore(await open_database(), KEYRING)]
    done = await asyncio.gather(
        *(stores[n % 2].record_sync_complete("j", items_synced=5) for n in range(6)),
        *(store.record_sync_progress("j", 5) for store in stores),
    )
    assert sum(one is not None for one in done[:6]) == 1
    found = await connectors.get_connector("c")
    assert found is not None
    assert found.items_indexed == 5


async def test_get_sync_history_and_get_sync_stats(connectors: ConnectorStore) -> None:
    for name, org in (("c", "o1"), ("d", "o2")):
        await connectors.save_connector(name, "jira", "n", {}, org_id=org)
        for number in range(2):
            await connectors.record_sync_start(name, f"{name}{number}")

    async def listed(**chosen: Any) -> list[str]:
        return [one.id for one in await connectors.get_sync_history(**chosen)]

    assert await listed() == ["d1", "d0", "c1", "c0"]
    assert await listed(connector_id="c") == ["c1", "c0"]
    assert await listed(org_id="o2") == ["d1", "d0"]
    assert await listed(connector_id="c", org_id="o2") == []
    first = await connectors.get_sync_history(limit=3)
    assert await listed(after=first[-1]) == ["c0"]
    assert await listed(connector_id="d", after=first[0]) == ["d0"]
    assert (await connectors.get_sync_stats(org_id="o2"))["active_syncs"] == 2
    assert await connectors.get_sync_stats("none") == {
        "total_syncs": 0,
        "successful_syncs": 0,
        "failed_syncs": 0,
        "active_syncs": 0,
        "total_items_synced": 0,
        "total_items_failed": 0,
        "avg_duration_seconds": None,
    }


async def test_recover_running_jobs(connectors: ConnectorStore) -> None:
    for name in ("c", "d"):
        await save(connectors, name)
        await connectors.record_sync_start(name, f"of {name}")
    await connectors.record_sync_complete("of d")
    await connectors.update_connector_status("d", "active")
    assert await connectors.recover_running_jobs(3600) == 0
    assert await connectors.recover_running_jobs() == 1
    assert await connectors.recover_running_jobs() == 0
    (job,) = await connectors.get_sync_history("c")
    assert (job.status, job.completed_at is None) == ("interrupted", False)
    stands = {
        one.id: (one.status, one.last_sync_status) for one in await connectors.list_connectors()
    }
    assert stands == {"c": ("configured", "interrupted"), "d": ("active", "completed")}
    assert await connectors.record_sync_complete("of c") is None


async def test_save_connector_of_nobody_stays_nobodys(connectors: ConnectorStore) -> None:
    await save(connectors, url="theirs")
    with pytest.raises(TenantMismatchError):
        await connectors.save_connector("c", "jira", "Taken", {}, org_id="acme")
    found = await connectors.get_connector("c")
    assert found is not None
    assert (found.name, found.org_id, found.config) == ("Jira", None, {"url": "theirs"})


@pytest.mark.parametrize("given", [(None, None), (9, None), (None, 0), (9, 5)])
async def test_record_sync_complete_keeps_what_the_last_progress_said(
    connectors: ConnectorStore, given: tuple[int | None, int | None]
) -> None:
    await save(connectors)
    await connectors.record_sync_start("c", "j")
    await connectors.record_sync_progress("j", 5, 3)
    await connectors.record_sync_progress("j", 7)
    (running,) = await connectors.get_sync_history()
    assert (running.items_synced, running.items_failed) == (7, 3)
    synced, failed = given
    ended = await connectors.record_sync_complete("j", "cancelled", synced, failed)
    assert ended is not None
    expected = (7 if synced is None else synced, 3 if failed is None else failed)
    assert (ended.items_synced, ended.items_failed) == expected
    assert await connectors.get_sync_history() == [ended]


async def test_a_connector_is_active_while_one_of_its_jobs_runs(
    connectors: ConnectorStore,
) -> None:
    async def status() -> str:
        found = await connectors.get_connector("c")
        assert found is not None
        return found.status

    await save(connectors)
    await save(connectors, "d")
    await connectors.record_sync_start("d", "of another")
    for job in ("one", "two", "three"):
        await connectors.record_sync_start("c", job)
    await connectors.record_sync_complete("two")
    assert await status() == "active"
    await connectors.record_sync_complete("three", "failed", error_message="no")
    assert await status() == "error"
    await connectors.record_sync_complete("one", "interrupted")
    assert await status() == "configured"


REFUSAL = {
    "postgres": (
        "ALTER TABLE connectors ADD CONSTRAINT refused "
        "CHECK (id <> 'c' OR last_sync_status IS DISTINCT FROM 'interrupted')",
        "ALTER TABLE connectors DROP CONSTRAINT refused",
    ),
    "sqlite": (
        "CREATE TRIGGER refused BEFORE UPDATE ON connectors "
        "WHEN new.id = 'c' AND new.last_sync_status = 'interrupted' "
        "BEGIN SELECT raise(ABORT, 'refused'); END",
        "DROP TRIGGER refused",
    ),
}


async def test_recover_running_jobs_ends_jobs_with_their_connectors_or_not_at_all(
    connectors: ConnectorStore,
) -> None:
    await save(connectors)
    await connectors.record_sync_start("c", "j")
    refuse, allow = REFUSAL[connectors.database.dialect]
    await run(connectors.database, refuse)
    with pytest.raises(AragoraSQLError, match="refused"):
        await connectors.recover_running_jobs()
    (job,) = await connectors.get_sync_history()
    assert (job.status, job.completed_at) == ("running", None)
    await run(connectors.database, allow)
    assert await connectors.recover_running_jobs() == 1
    found = await connectors.get_connector("c")
    assert found is not None
    assert (found.status, found.last_sync_status) == ("configured", "interrupted")


async def test_recover_running_jobs_beside_record_sync_complete(
    connectors: ConnectorStore, open_database: OpenDatabase
) -> None:
    other = ConnectorStore(await open_database(), KEYRING)
    for name in ("c", "d", "e"):
        await save(connectors, name)
        for number in range(4):
            await connectors.record_sync_start(name, f"{name}{number}")
    ended = await asyncio.gather(
        connectors.recover_running_jobs(),
        other.recover_running_jobs(),
        *(other.record_sync_complete(f"{name}{n}") for name in "edc" for n in range(4)),
    )
    first, second, *completed = ended
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert first + second + sum(one is not None for one in completed) == 12
    assert (await connectors.get_sync_stats())["active_syncs"] == 0
    assert {one.status for one in await connectors.list_connectors()} == {"configured"}
