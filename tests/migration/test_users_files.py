"""The older program's users and organizations, migrated."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring, seal_envelope
from aragora_sql.migration import MemoryMigrator, MigrationReport, retry_rejects
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.users import UserStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE
from tests.migration.legacy.users import older_user, write_users
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

PLAIN_KEY = "ara_plain-key-that-nobody-may-see-0123456789"
TOKEN = "invitation-token-that-nobody-may-see-0123456"  # noqa: S105
MFA = "JBSWY3DPEHPK3PXP"
LOCAL = "2026-02-12T16:42:57.123456"
ZONED = "2026-02-12T15:00:00.000001+00:00"
RESET_HASH = hashlib.sha256(b"reset").hexdigest()


def envelope(user_id: str, text: str = MFA) -> str:
    sealed = seal_envelope(KEY, bytes(range(12)), text.encode(), user_id.encode())
    return base64.b64encode(sealed).decode()


def organization(org_id: str, owner_id: str | None, **columns: Any) -> dict[str, Any]:
    return {
        "id": org_id,
        "name": f"Organization {org_id}",
        "slug": f"müller-&-söhne-{org_id}",
        "owner_id": owner_id,
        "created_at": ZONED,
        "updated_at": ZONED,
        **columns,
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "users": [
        older_user("u1", "Ada@Example.com", org_id="o1", role="owner", api_key=PLAIN_KEY),
        older_user(
            "u2",
            "müller0@bücher.example",
            org_id="o1",
            role="admin",
            mfa_secret=envelope("u2"),
            mfa_backup_codes=envelope("u2", '["hash-1"]'),
            mfa_enabled=1,
            api_key_hash=hashlib.sha256(b"ara_hashed").hexdigest(),
            api_key_prefix="ara_hashed",
            api_key_expires_at="2027-02-12T15:00:00+00:00",
            preferences={"features": {"x": 0.1}},
            token_version=0,
            last_login_at=ZONED,
            updated_at=ZONED,
        ),
        # upper case was stored first, and lower case changed last
        older_user("u3", "New@Example.com", updated_at="2026-03-01T08:00:00"),
        older_user("u4", "new@example.com"),
        older_user(
            "u5",
            "locked@example.com",
            failed_login_attempts=7,
            last_failed_login_at=LOCAL,
            updated_at=LOCAL,
            lockout_until="2026-02-12T17:42:57.123456",
            mfa_secret="CLEAR",  # noqa: S106
        ),
        older_user("u6", "alone@example.com", role="owner"),
        older_user("u7", "odd@example.com", role="visitor", api_key="ara_rejected-plain-key"),
        older_user("u8", "root@example.com", org_id="o1", role="superadmin"),
    ],
    "organizations": [
        organization("o1", "u1", tier="starter", settings={"a": [1, 0.1]}, stripe_customer_id=""),
        organization("o2", "gone"),
        # whose account names another organization
        organization("o3", "u2", debates_used_this_month=7),
    ],
    "oauth_providers": [
        {
            "user_id": user_id,
            "provider": "google",
            "provider_user_id": f"g-{user_id}",
            "email": "Someone@Gmail.example",
            "linked_at": ZONED,
        }
        for user_id in ("u1", "gone", "u3")
    ],
    "org_invitations": [
        {
            "id": "i1",
            "org_id": "o1",
            "email": "guest@example.com",
            "token": TOKEN,
            "invited_by": "u1",
            "created_at": "2026-02-12T15:00:00.000001",
            "expires_at": "2036-02-19T15:00:00.000001+00:00",
        },
        # one waits for an address at a time
        {
            "id": "i2",
            "org_id": "o1",
            "email": "guest@example.com",
            "token": TOKEN + "2",
            "created_at": "2026-02-13T15:00:00",
            "expires_at": "2036-02-19T15:00:00+00:00",
        },
    ],
    "usage_events": [
        {
            "org_id": "o1",
            "event_type": "debate",
            "count": n,
            "metadata": {"n": n},
            "created_at": ZONED,
        }
        for n in (1, 2)
    ],
}


@asynccontextmanager
async def opened(target: Target, keyring: Keyring = KEYRING) -> AsyncIterator[UserStore]:
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    try:
        yield UserStore(database, keyring)
    finally:
        await database.close()


@pytest.fixture(scope="module")
def migrated(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("older")
    write_users(folder / "users.db", ROWS)
    write_users(
        folder / "password_reset.db",
        {
            "password_reset_tokens": [
                {
                    "token_hash": hashlib.sha256(name.encode()).hexdigest(),
                    "email": "ada@example.com",
                    "created_at": 1_770_000_000.25,
                    "expires_at": 4_000_000_000.5,
                    "used": used,
                }
                for name, used in (("reset", 0), ("used", 1))
            ]
        },
        ["password_reset_tokens"],
    )
    report = module_target.migrate(folder, stores=("users",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.left_behind == []
    rejected = {table.table: table.rejected for table in report.tables if table.rejected}
    assert rejected == {
        "users": 2,
        "organizations": 1,
        "oauth_providers": 2,
        "organization_memberships": 1,
        "organization_invitations": 1,
    }
    assert "API key in the clear; its SHA-256 was moved" in str(report.to_dict())
    for secret in (PLAIN_KEY, TOKEN, "ara_rejected", MFA, "CLEAR", "bcrypt:"):
        assert secret not in str(report.to_dict())
    return module_target


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SOURCE_ZONE)).astimezone(UTC)


def test_addresses_that_differ_in_case_the_one_in_lower_case_stays(migrated: Target) -> None:
    assert [row[0] for row in migrated.query("SELECT id FROM users ORDER BY id")] == [
        *("u1", "u2", "u4", "u5", "u6", "u8"),
    ]
    rejects = {one["row"]["id"]: one for one in migrated.rejected("users")}
    assert rejects["u3"]["reason"] == (
        "has the same key (email_key) in the target as row 4 of users.db, and another id"
    )
    assert rejects["u3"]["row"]["email"] == "New@Example.com"
    assert "users_account_role_check" in rejects["u7"]["reason"]
    assert migrated.row("users", "u2")["email_key"] == "müller0@bücher.example"
    assert migrated.row("users", "u1")["email"] == "Ada@Example.com"


def test_times_with_and_without_a_zone(migrated: Target) -> None:
    ada, locked = migrated.row("users", "u1"), migrated.row("users", "u5")
    assert ada["created_at"] == utc("2026-02-01T08:00:00.000001")
    assert ada["updated_at"] == utc("2026-02-01T08:00:00.000031")
    # what the lockout wrote is local time
    assert locked["last_failed_login_at"] == locked["updated_at"] == local(LOCAL)
    assert locked["lockout_until"] == local("2026-02-12T17:42:57.123456")
    assert locked["failed_login_attempts"] == 7
    assert migrated.row("users", "u2")["last_login_at"] == datetime.fromisoformat(ZONED)


def test_no_plain_key_and_no_token_is_anywhere(migrated: Target) -> None:
    ada = migrated.row("users", "u1")
    assert ada["api_key_hash"] == hashlib.sha256(PLAIN_KEY.encode()).hexdigest()
    assert ada["api_key_prefix"] == PLAIN_KEY[:12]
    assert ada["api_key_expires_at"] == utc("2027-02-01T08:00:00")
    told = [path.read_text() for path in migrated.rejects.rglob("*.jsonl")]
    told += [
        json.dumps(row, default=str)
        for table in ("users", "organization_invitations", "_migration_rejects", "_migration_runs")
        for row in migrated.query(f"SELECT to_jsonb(t)::text FROM {table} AS t")
    ]
    assert len(told) > 10
    for text in told:
        for secret in (PLAIN_KEY, TOKEN, "ara_rejected-plain-key"):
            assert secret not in text
    # of a rejected row neither the hash of the password nor that of the key
    for reject in migrated.rejected("users"):
        assert list(reject["row"]["password_hash"]) == ["$left-out"]
        assert "bcrypt" not in json.dumps(reject)
    (reject,) = [one for one in migrated.rejected("users") if one["row"]["id"] == "u7"]
    assert list(reject["row"]["api_key_hash"]) == ["$left-out"]
    assert list(reject["row"]["api_key_prefix"]) == ["$left-out"]


def test_encrypted_secrets_are_the_same_to_the_byte(migrated: Target) -> None:
    row = migrated.row("users", "u2")
    assert row["mfa_secret"] == envelope("u2")
    assert row["mfa_backup_codes"] == envelope("u2", '["hash-1"]')
    assert migrated.row("users", "u5")["mfa_secret"] == "CLEAR"  # noqa: S105


async def test_the_store_reads_what_was_migrated(migrated: Target) -> None:
    async with opened(migrated) as users:
        ada = await users.get_user_by_email("ADA@example.com")
        assert ada is not None
        assert (ada.id, ada.org_id, ada.role, ada.token_version) == ("u1", "o1", "owner", 1)
        assert ada.password_hash == "bcrypt:$2b$12$u1"  # noqa: S105
        hashed = await users.get_user_by_api_key("ara_hashed")
        assert hashed is not None
        assert (hashed.id, hashed.role, hashed.token_version) == ("u2", "owner", 1)
        assert await users.get_user_preferences("u2") == {"features": {"x": 0.1}}
        secrets = await users.get_mfa_secrets("u2")
        assert secrets is not None
        assert (secrets.secret, secrets.backup_codes) == (MFA, ["hash-1"])
        by_oauth = await users.get_user_by_oauth("google", "g-u1")
        assert by_oauth is not None
        assert by_oauth.id == "u1"
        alone = await users.get_user_by_id("u6")
        assert alone is not None
        assert (alone.org_id, alone.role) == (None, "owner")
        root = await users.get_user_by_id("u8")
        assert root is not None
        assert (root.org_id, root.role) == ("o1", "superadmin")

        found = await users.get_organization_by_slug("müller-&-söhne-o1")
        assert found is not None
        assert (found.tier, found.settings, found.stripe_customer_id) == (
            "starter",
            {"a": [1, 0.1]},
            None,
        )
        members = await users.get_org_members("o1")
        assert {one.id: one.role for one in members} == {
            "u1": "owner",
            "u2": "admin",
            "u8": "superadmin",
        }
        memberships = await users.get_memberships("u2")
        assert {one.org_id: one.role for one in memberships} == {"o1": "admin", "o3": "owner"}
        assert await users.get_totals_by_type("o1") == {"debate": 3}
        invitation = await users.get_invitation_by_token(TOKEN)
        assert invitation is not None
        assert (invitation.id, invitation.status) == ("i1", "pending")
        assert invitation.created_at == utc("2026-02-12T15:00:00.000001")
        assert await users.validate_reset_token("reset") == ("ada@example.com", None)
        assert await users.validate_reset_token("used") == (None, "used")
        assert await users.consume_reset_token("reset") == "ada@example.com"


def test_an_organization_without_an_owner_is_mended_in_its_reject_file(
    target: Target, tmp_path: Path
) -> None:
    write_users(tmp_path / "users.db", ROWS)
    target.migrate(tmp_path / "users.db", stores=("users",))
    (reject,) = target.rejected("organizations")
    assert (reject["column"], reject["row"]["id"]) == ("owner_id", "o2")
    reject["row"]["owner_id"] = "u6"
    target.reject_file("organizations").write_text(json.dumps(reject) + "\n")
    report = retry_rejects(
        target.reject_file("organizations"), PostgresDSN.parse(target.dsn), SOURCE_ZONE
    )
    assert report.total_migrated == 1
    assert target.row("organizations", "o2")["owner_id"] == "u6"


def test_doubled_directories_become_one(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_users(
        folder / "users.db",
        {
            "users": [
                older_user("u1", "Ada@example.com", name="older"),
                older_user("u2", "bob@example.com", org_id="o1"),
                older_user("u3", "Other@example.com", api_key=PLAIN_KEY),
            ],
            "organizations": [organization("o1", "u2")],
            "usage_events": [
                {"org_id": "o1", "event_type": "a", "count": 1, "created_at": ZONED},
            ],
        },
    )
    write_users(
        folder / ".nomic" / "users.db",
        {
            "users": [
                older_user("u1", "ADA@example.com", name="newer", updated_at="2026-05-01T00:00:00"),
                # another account of an address that the other file has
                older_user("u9", "other@example.com", updated_at="2026-01-01T00:00:00"),
            ],
            "organizations": [organization("o1", "u2", updated_at="2026-06-01T00:00:00+00:00")],
            "usage_events": [
                {
                    "org_id": "o1",
                    "event_type": "a",
                    "count": 5,
                    "created_at": "2026-03-01T00:00:00",
                },
            ],
        },
    )
    report = target.migrate(folder, stores=("users",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert target.row("users", "u1")["name"] == "newer"
    assert target.query("SELECT id FROM users ORDER BY id") == [("u1",), ("u2",), ("u9",)]
    (reject,) = target.rejected("users")
    assert reject["row"]["id"] == "u3"
    assert reject["column"] == "id"
    assert "of .nomic/users.db, and another id" in reject["reason"]
    for path in target.rejects.rglob("*.jsonl"):
        assert PLAIN_KEY not in path.read_text()
    assert target.query("SELECT count FROM usage_events ORDER BY count") == [(1,), (5,)]
    # a second run has nothing to do
    again = target.migrate(folder, stores=("users",))
    assert again.total_migrated == 0


async def test_memory_migrator_migrate_users(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write_users(tmp_path / "users.db", ROWS)
    migrator = MemoryMigrator(
        tmp_path, target.dsn, source_timezone=SOURCE_ZONE, rejects=target.rejects
    )
    report: MigrationReport = await migrator.migrate_users()
    await migrator.close()
    assert {table.table for table in report.tables} >= {"users", "organization_memberships"}
    assert target.counts("users") == {"users": 6}
    for secret in (PLAIN_KEY, TOKEN, "ara_rejected-plain-key", "bcrypt:"):
        assert secret not in caplog.text


def test_command_then_rotation_of_what_it_moved(
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_users(tmp_path / "users.db", ROWS)
    code = main(
        [
            *("migrate", "--store", "users", "--sqlite-path", str(tmp_path / "users.db")),
            *("--dsn", target.dsn, "--source-timezone", SOURCE_ZONE),
            *("--rejects", str(target.rejects)),
        ]
    )
    assert code == 1
    shown = capsys.readouterr()
    for secret in (PLAIN_KEY, TOKEN, "ara_rejected-plain-key", "bcrypt:", "CLEAR"):
        assert secret not in shown.out + shown.err
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", OTHER_KEY.hex())
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEYS_OLD", KEY.hex())
    assert main(["integrations", "rotate-keys", "--dsn", target.dsn, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["users"]
    assert (result["total"], result["resealed"], result["sealed"]) == (2, 2, 1)
    row = target.row("users", "u2")
    opened = Keyring(OTHER_KEY).open(base64.b64decode(row["mfa_secret"]), b"u2")
    assert opened.plaintext.decode() == MFA


async def fill_own(path: Path) -> None:
    """Write a file of this package."""
    database = SQLiteDatabase(path)
    users = UserStore(database, KEYRING)
    await users.initialize()
    try:
        ada = await users.create_user("Ada@example.com", "bcrypt:x")
        acme = await users.create_organization("Acme", ada.id)
        bob = await users.create_user("bob@example.com", "bcrypt:y", org_id=acme.id)
        await users.update_user(bob.id, mfa_secret=MFA, service_account_scopes=["a"])
        await users.link_oauth_provider(bob.id, "google", "g1")
        await users.create_invitation(acme.id, "guest@example.com", invited_by=bob.id)
        await users.record_usage_event(acme.id, "debate", 3)
        await users.create_reset_token("ada@example.com")
    finally:
        await database.close()


def test_a_file_of_this_package_goes_to_postgresql_and_back(target: Target, tmp_path: Path) -> None:
    source, back = tmp_path / "aragora.db", tmp_path / "back.db"
    asyncio.run(fill_own(source))
    report = target.migrate(source, stores=("users",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.total_errors == 0
    tables = (
        *("users", "organizations", "organization_memberships", "organization_invitations"),
        *("oauth_providers", "usage_events", "password_reset_tokens"),
    )
    assert list(target.counts(*tables).values()) == [2, 1, 2, 1, 1, 1, 1]
    options = ToSQLiteOptions(
        dsn=PostgresDSN.parse(target.dsn), sqlite_path=back, stores=("users",), verify="all"
    )
    move_to_sqlite(options)
    with closing(sqlite3.connect(source)) as first, closing(sqlite3.connect(back)) as second:
        for table in tables:
            statement = f"SELECT * FROM {table} ORDER BY 1, 2"
            assert first.execute(statement).fetchall() == second.execute(statement).fetchall()
