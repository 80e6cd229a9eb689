"""Federated regions: stored with an encrypted key, counted by single statements."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
    RegionNotFoundError,
)
from aragora_sql.stores.federation import FederatedRegion, FederationStore
from tests.stores.federation.cases import change, region
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, day, fetch, fetch_value, run

CLEAR = "key-of-the-region"


async def test_save_reads_back_by_get(federation: FederationStore) -> None:
    made = FederatedRegion(
        region_id="berlin",
        endpoint_url="https://berlin.example.com/api",
        api_key=CLEAR,
        workspace_id="w",
        mode="pull",
        sync_scope="full",
        enabled=False,
        last_sync_at=day(1),
        last_push_at=day(2),
        last_pull_at=day(3),
        last_sync_error="timeout",
        total_pushes=1,
        total_pulls=2,
        total_nodes_synced=2**40,
        total_sync_errors=3,
        metadata={"weight": 1e17, "ü": [1]},
        created_at=day(0),
    )
    await federation.save(made)
    found = await federation.get("berlin", "w")
    assert found is not None
    assert found.updated_at is not None
    assert found == replace(made, updated_at=found.updated_at)
    assert await federation.get("berlin") is None
    assert await federation.get("paris", "w") is None


async def test_the_key_of_a_region_is_never_in_the_clear(federation: FederationStore) -> None:
    await federation.save(region(api_key=CLEAR))
    stored = await fetch_value(federation.database, "SELECT api_key FROM federated_regions")
    assert stored.startswith("AQZtYXN0ZXI")
    found = await federation.get("berlin")
    assert found is not None
    assert found.api_key == CLEAR
    assert CLEAR not in repr(found) + str(found) + json.dumps(found.to_dict())
    assert found.to_dict(include_secrets=True)["api_key"] == CLEAR
    sealed = await federation.get("berlin", decrypt=False)
    assert sealed is not None
    assert sealed.api_key is None
    without = FederationStore(federation.database, Keyring())
    with pytest.raises(EncryptionKeyMissingError, match="region 'berlin'"):
        await without.get("berlin")
    with pytest.raises(EncryptionKeyMissingError, match=r"region\.api_key is a secret"):
        await without.save(region("other", api_key=CLEAR))
    (listed,) = await without.list_all()
    assert listed.api_key is None
    assert listed.problem is not None
    assert "berlin" in listed.problem


async def test_a_key_can_not_be_opened_elsewhere(federation: FederationStore) -> None:
    await federation.save(region(api_key=CLEAR))
    await federation.save(region(workspace_id="w", api_key="other"))
    await run(
        federation.database,
        "UPDATE federated_regions SET api_key = (SELECT s.api_key FROM federated_regions AS s "
        "WHERE s.workspace_id = '') WHERE workspace_id = 'w'",
    )
    with pytest.raises(DecryptionError, match="of workspace 'w': api_key can't be decrypted"):
        await federation.get("berlin", "w")


async def test_save_again_keeps_counters_and_creation(federation: FederationStore) -> None:
    await federation.save(region(api_key=CLEAR))
    first = await federation.get("berlin")
    await federation.update_sync_status("berlin", "push", 5)
    assert first is not None
    # What was read before the push is saved after it.
    await federation.save(replace(first, enabled=False, api_key=None, total_pushes=77))
    second = await federation.get("berlin")
    assert second is not None
    assert (second.enabled, second.api_key, second.total_pushes) == (False, CLEAR, 1)
    assert (second.created_at, second.total_nodes_synced) == (first.created_at, 5)
    await federation.save(replace(first, api_key=""))
    third = await federation.get("berlin")
    assert third is not None
    assert (third.api_key, third.total_pushes, third.last_push_at) == ("", 1, second.last_push_at)
    with pytest.raises(InvalidInputError, match=r"region\.api_key: must be given for a region"):
        await federation.save(region("new", api_key=None))
    assert await federation.get("new") is None


async def test_save_refuses_secrets_elsewhere(federation: FederationStore) -> None:
    for bad in (
        region(endpoint_url="https://user:hunter2@example.com/"),
        region(metadata={"nested": [{"client_secret": "hunter2"}]}),
        region(extra={"token": "hunter2"}),
    ):
        with pytest.raises(InvalidInputError, match="must hold no secret") as error:
            await federation.save(bad)
        assert "hunter2" not in str(error.value)
    assert await federation.list_all() == []


async def test_delete_takes_messages_along_and_leaves_records(federation: FederationStore) -> None:
    for workspace in (None, "w"):
        await federation.save(region(workspace_id=workspace))
        await federation.enqueue("berlin", [change()], workspace)
        await federation.apply("berlin", 1, [change()], workspace)
        await federation.apply("berlin", 3, [change()], workspace)
    assert await federation.delete("berlin", "w")
    assert not await federation.delete("berlin", "w")
    for table, rows in {"sync_states": 1, "outbox": 1, "inbox": 2, "records": 2}.items():
        sql = f"SELECT count(*) FROM federation_{table}"
        assert await fetch_value(federation.database, sql) == rows


async def test_list_all_and_list_enabled_page(federation: FederationStore) -> None:
    for name, workspace, enabled in (
        ("b", None, True),
        ("a", "w", True),
        ("a", None, False),
        ("ä", "w", False),
        ("Z", "w", True),
    ):
        await federation.save(region(name, workspace_id=workspace, enabled=enabled))

    async def listed(listing: Any, workspace: str | None) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = []
        after: Any = None
        while page := await listing(workspace, 2, after=after):
            found += [(one.region_id, one.workspace_id) for one in page]
            after = page[-1] if len(found) % 4 else page[-1].to_dict()
        return found

    everywhere = [("Z", "w"), ("a", None), ("a", "w"), ("b", None), ("ä", "w")]
    assert await listed(federation.list_all, None) == everywhere
    assert await listed(federation.list_all, "w") == [one for one in everywhere if one[1]]
    assert await listed(federation.list_all, "") == [one for one in everywhere if not one[1]]
    assert await listed(federation.list_enabled, None) == [("Z", "w"), ("a", "w"), ("b", None)]
    assert await listed(federation.list_enabled, "w") == [("Z", "w"), ("a", "w")]
    assert await listed(federation.list_enabled, "nowhere") == []


async def test_update_sync_status_counts_each_direction(federation: FederationStore) -> None:
    await federation.save(region())
    await federation.save(region(workspace_id="w"))
    await federation.update_sync_status("berlin", "push", 5)
    pushed = await federation.get("berlin")
    assert pushed is not None
    assert pushed.last_sync_at == pushed.last_push_at == pushed.updated_at is not None
    assert (pushed.last_pull_at, pushed.total_pushes, pushed.total_pulls) == (None, 1, 0)
    await federation.update_sync_status(
        "berlin", "pull", 7, "refused: https://u:hunter2@example.com password=hunter2"
    )
    failed = await federation.get("berlin")
    assert failed is not None
    assert failed.last_push_at == pushed.last_push_at
    assert failed.last_pull_at == failed.last_sync_at is not None
    assert failed.last_sync_error is not None
    assert failed.last_sync_error.startswith("refused")
    assert "hunter2" not in failed.last_sync_error
    counted = (failed.total_pulls, failed.total_nodes_synced, failed.total_sync_errors)
    assert counted == (1, 5, 1)
    await federation.update_sync_status("berlin", "pull", 2)
    done = await federation.get("berlin")
    assert done is not None
    assert (done.last_sync_error, done.total_pulls, done.total_nodes_synced) == (None, 2, 7)
    assert done.total_sync_errors == 1
    other = await federation.get("berlin", "w")
    assert other is not None
    assert other.last_sync_at is None
    with pytest.raises(RegionNotFoundError, match="no region 'paris'"):
        await federation.update_sync_status("paris", "push")


async def test_update_sync_status_counts_many_at_once(federation: FederationStore) -> None:
    await federation.save(region())
    await asyncio.gather(
        *(federation.update_sync_status("berlin", "push", 2) for _ in range(20)),
        *(federation.update_sync_status("berlin", "pull", 9, "failed") for _ in range(10)),
    )
    found = await federation.get("berlin")
    assert found is not None
    assert (found.total_pushes, found.total_pulls) == (20, 10)
    assert (found.total_nodes_synced, found.total_sync_errors) == (40, 10)


async def test_rotate_keys_brings_all_under_the_new_key(database: Database) -> None:
    old = FederationStore(database, KEYRING)
    for number in range(5):
        await old.save(region(f"r{number}", api_key=f"{CLEAR} {number}"))
    await old.save(region("w", workspace_id="w", api_key=CLEAR))
    await old.save(region("without", api_key=""))
    both = FederationStore(database, Keyring(OTHER_KEY, [KEY]))
    before = await fetch(database, "SELECT api_key FROM federated_regions ORDER BY region_id")
    told = await both.rotate_keys(dry_run=True)
    assert (told.total, told.checked, told.changed, told.resealed) == (6, 6, 6, 6)
    sql = "SELECT api_key FROM federated_regions ORDER BY region_id"
    assert await fetch(database, sql) == before
    seen: list[int] = []
    done = await both.rotate_keys(
        batch_size=4, on_progress=lambda result: seen.append(result.checked)
    )
    assert (done.changed, done.failed, seen) == (6, [], [4, 6])
    new = FederationStore(database, Keyring(OTHER_KEY))
    keys = [one.api_key for one in await new.list_all()]
    assert keys == [*(f"{CLEAR} {number}" for number in range(5)), CLEAR, ""]
    again = await both.rotate_keys()
    assert (again.checked, again.changed) == (6, 0)
    lost = await FederationStore(database, Keyring(bytes(32))).rotate_keys()
    assert [one.region_id for one in lost.failed] == ["r0", "r1", "r2", "r3", "r4", "w"]
    assert lost.changed == 0


async def test_check_secrets_names_the_regions_whose_key_no_key_opens(database: Database) -> None:
    store = FederationStore(database, KEYRING)
    for name in ("berlin", "paris", "rome"):
        await store.save(region(name, api_key=CLEAR))
    await store.save(region("without", api_key=""))
    assert await store.check_secrets() == (3, [])
    checked, failed = await FederationStore(database, Keyring(OTHER_KEY)).check_secrets(2)
    assert checked == 2
    assert [one.owner for one in failed] == ["berlin", "paris"]
    assert CLEAR not in str(failed)
    checked, failed = await FederationStore(database, Keyring()).check_secrets()
    assert (checked, len(failed)) == (3, 3)
