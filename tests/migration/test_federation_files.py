"""The older registry of federated regions, migrated; keys are encrypted on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.errors import ConfigurationError
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.federation import FederationStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.federation import write_regions
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

CLEAR = "clear-text-key-of-a-region"
SAVED_AT = 1770999999.25


def document(region_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "region_id": region_id,
        "endpoint_url": f"https://{region_id}.example.com",
        "api_key": CLEAR,
        "mode": "push",
        "sync_scope": "full",
        "enabled": True,
        "workspace_id": None,
        "last_sync_at": "2026-02-12T16:42:57.123456+00:00",
        "last_push_at": "2026-02-12T16:42:57.123456+00:00",
        "last_pull_at": None,
        "last_sync_error": None,
        "total_pushes": 4,
        "total_pulls": 1,
        "total_nodes_synced": 17,
        "total_sync_errors": 0,
        "metadata": {"n": 1e17},
        "created_at": "2026-01-01T00:00:00.5+00:00",
        "updated_at": "2026-02-12T16:42:57.123456+00:00",
        **changes,
    }


DOCUMENTS = [
    document("berlin", zone="eu"),
    # One of its backends counted in the columns, the other one in the document.
    document(
        "paris", workspace_id="w", columns={"total_pushes": 9, "total_pulls": 0, "enabled": 0}
    ),
    document("rome", api_key=""),
    document("oslo", mode="sideways"),
    document("bonn", columns={"data_json": "{"}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / ".nomic"
    (data / data.name).mkdir(parents=True)
    write_regions(data / data.name / "federation_registry.db", DOCUMENTS, SAVED_AT)
    older = [document("berlin", updated_at="2026-02-01T00:00:00+00:00", total_pushes=1)]
    write_regions(data / "federation_registry.db", older, SAVED_AT - 100)
    return data


def everything(target: Target) -> str:
    """Return what the target holds of regions and rejects, and the reject files, as text."""
    rows = target.query("SELECT t::text FROM federated_regions AS t")
    rows += target.query("SELECT t::text FROM _migration_rejects AS t")
    files = [file.read_text(encoding="utf-8") for file in target.rejects.rglob("*.jsonl*")]
    return str(rows) + "".join(files)


async def test_migrate_federation_encrypts_keys_and_goes_by_the_document(
    target: Target, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_federation()
    check_sums(report)
    assert not report.mismatches
    counts = {table.table: (table.migrated, table.rejected) for table in report.tables}
    assert counts["federated_regions"] == (3, 2)
    assert report.left_behind == []
    reasons = {one["key"]["region_id"]: one for one in target.rejected("federated_regions")}
    assert "federated_regions_mode_check" in reasons["oslo"]["reason"]
    assert reasons["bonn"]["column"] == "extra"
    assert CLEAR not in everything(target)
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await check(FederationStore(database, KEYRING))
    # They open under a new key after a rotation too.
    both = Keyring(OTHER_KEY, [KEY])
    result = await FederationStore(database, both).rotate_keys()
    assert (result.changed, result.failed) == (2, [])
    await check(FederationStore(database, Keyring(OTHER_KEY)))
    await database.close()
    path = tmp_path / "aragora.db"
    back = MemoryMigrator(path, target.dsn, reverse=True, rejects=tmp_path / "rejects")
    moved = await back.migrate_federation()
    assert (moved.total_migrated, moved.total_errors) == (3, 0)
    lite = SQLiteDatabase(path)
    await check(FederationStore(lite, Keyring(OTHER_KEY)))
    await lite.close()


async def check(federation: FederationStore) -> None:
    """Look at all that was migrated."""
    found = {one.region_id: one for one in await federation.list_all()}
    assert set(found) == {"berlin", "paris", "rome"}
    berlin = found["berlin"]
    assert (berlin.api_key, berlin.workspace_id, berlin.mode) == (CLEAR, None, "push")
    assert berlin.created_at == datetime(2026, 1, 1, 0, 0, 0, 500000, UTC)
    assert berlin.updated_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert (berlin.last_push_at, berlin.last_pull_at) == (berlin.updated_at, None)
    assert (berlin.metadata, berlin.extra, berlin.total_pushes) == ({"n": 1e17}, {"zone": "eu"}, 4)
    paris = found["paris"]
    assert (paris.api_key, paris.workspace_id, paris.enabled) == (CLEAR, "w", True)
    assert (paris.total_pushes, paris.total_pulls) == (9, 1)
    assert found["rome"].api_key == ""


def test_the_same_key_is_encrypted_alike_in_each_run(
    target: Target, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    first = target.migrate(folder, stores=("federation",), verify="all", jobs=2)
    assert (first.total_migrated, first.mismatches) == (3, 0)
    again = target.migrate(folder, stores=("federation",), verify="all")
    assert (again.total_migrated, again.mismatches) == (0, 0)
    stored = target.query("SELECT api_key FROM federated_regions ORDER BY region_id")
    assert len(set(stored)) == 3


def test_without_a_key_no_region_that_has_one_is_migrated(
    target: Target, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARAGORA_ENCRYPTION_KEY", raising=False)
    report = target.migrate(folder, stores=("federation",))
    check_sums(report)
    assert report.total_migrated == 1
    assert target.query("SELECT region_id, api_key FROM federated_regions") == [("rome", "")]
    rejected = {one["key"]["region_id"]: one for one in target.rejected("federated_regions")}
    assert rejected["berlin"]["column"] == "api_key"
    assert CLEAR not in everything(target)
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    assert target.migrate(folder, stores=("federation",)).total_migrated == 2


def test_a_key_that_is_none_ends_the_migration(
    target: Target, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", "not a key")
    with pytest.raises(ConfigurationError, match="ARAGORA_ENCRYPTION_KEY: not a key"):
        target.migrate(folder, stores=("federation",))
