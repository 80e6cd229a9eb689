"""The older program's mailboxes, migrated."""

from __future__ import annotations

import asyncio
import base64
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
from aragora_sql.migration import MemoryMigrator
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.gmail import GmailState, GmailSyncJob, GmailTokenStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE
from tests.migration.legacy.gmail import older_mailbox, write_gmail
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

ACCESS, REFRESH, CLEAR = "ya29.access-of-u1", "1//refresh-of-u1", "ya29.clear-and-never-shown"
LOCAL = "2026-02-12T16:42:57.123456"
ZONED = "2026-02-12T17:00:00+02:00"


def envelope(user_id: str, text: str) -> str:
    sealed = seal_envelope(KEY, bytes(range(12)), text.encode(), user_id.encode())
    return base64.b64encode(sealed).decode()


def job(user_id: str, status: str = "completed", **columns: Any) -> dict[str, Any]:
    return {"user_id": user_id, "status": status, "progress": 100, **columns}


ROWS: dict[str, list[dict[str, Any]]] = {
    "gmail_tokens": [
        older_mailbox(
            "u1",
            email_address="ann@example.com",
            access_token=envelope("u1", ACCESS),
            refresh_token=envelope("u1", REFRESH),
            token_expiry=LOCAL,
            history_id="4711",
            last_sync=ZONED,
            connected_at="2026-02-12T15:00:00+00:00",
            indexed_count=7,
            total_count=9,
        ),
        older_mailbox("u2", access_token=CLEAR, refresh_token=CLEAR + "-refresh"),
        older_mailbox("u3"),
        older_mailbox("odd", access_token=CLEAR, indexed_count=-1),
    ],
    "gmail_sync_jobs": [
        job("u1", messages_synced=7, started_at=LOCAL, completed_at=ZONED),
        job("u2", "failed", error="quota", failed_at=LOCAL),
        job("gone"),
        job("u3", "waiting"),
    ],
}


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[GmailTokenStore]:
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    try:
        yield GmailTokenStore(database, KEYRING)
    finally:
        await database.close()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SOURCE_ZONE)).astimezone(UTC)


@pytest.fixture(scope="module")
def migrated(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("older")
    write_gmail(folder / "gmail_tokens.db", ROWS)
    report = module_target.migrate(folder, stores=("gmail",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.left_behind == []
    assert {table.table: table.rejected for table in report.tables} == {
        "gmail_tokens": 1,
        "gmail_sync_jobs": 2,
    }
    assert "tokens of a mailbox in the clear" in str(report.to_dict())
    assert CLEAR not in str(report.to_dict())
    return module_target


async def test_the_store_reads_what_was_migrated(migrated: Target) -> None:
    async with opened(migrated) as gmail:
        found = await gmail.get("u1")
        assert found == GmailState(
            user_id="u1",
            email_address="ann@example.com",
            access_token=ACCESS,
            refresh_token=REFRESH,
            token_expiry=local(LOCAL),
            history_id="4711",
            last_sync=datetime.fromisoformat(ZONED).astimezone(UTC),
            connected_at=datetime(2026, 2, 12, 15, tzinfo=UTC),
            indexed_count=7,
            total_count=9,
            created_at=datetime.fromtimestamp(1770000000, UTC).replace(microsecond=123456),
            updated_at=datetime.fromtimestamp(1770000001.5, UTC),
            token_version=1,
        )
        clear, empty = await gmail.get("u2"), await gmail.get("u3")
        assert clear is not None
        assert empty is not None
        assert (clear.access_token, clear.is_connected) == (CLEAR, True)
        assert (empty.access_token, empty.refresh_token, empty.email_address) == (None, None, None)
        assert not empty.is_connected
        assert await gmail.get_sync_job("u1") == GmailSyncJob(
            user_id="u1",
            status="completed",
            progress=100,
            messages_synced=7,
            started_at=local(LOCAL),
            completed_at=datetime.fromisoformat(ZONED).astimezone(UTC),
        )
        failed = await gmail.get_sync_job("u2")
        assert failed is not None
        assert (failed.status, failed.error, failed.failed_at) == ("failed", "quota", local(LOCAL))


def test_encrypted_tokens_are_the_same_to_the_byte(migrated: Target) -> None:
    row = migrated.row("gmail_tokens", "u1", "user_id")
    assert row["access_token"] == envelope("u1", ACCESS)
    assert row["refresh_token"] == envelope("u1", REFRESH)


def test_no_token_is_in_reject_files(migrated: Target) -> None:
    (reject,) = migrated.rejected("gmail_tokens")
    assert (reject["column"], reject["row"]["user_id"]) == ("indexed_count", "odd")
    assert list(reject["row"]["access_token"]) == ["$left-out"]
    jobs = {one["row"]["user_id"]: one for one in migrated.rejected("gmail_sync_jobs")}
    assert jobs.keys() == {"gone", "u3"}
    assert jobs["gone"]["column"] == "user_id"
    assert jobs["u3"]["row"]["status"] == "waiting"
    told = [path.read_text() for path in migrated.rejects.rglob("*.jsonl")]
    told += [str(row) for row in migrated.query("SELECT reject::text FROM _migration_rejects")]
    assert len(told) > 3
    for text in told:
        assert CLEAR not in text


async def test_doubled_directories_become_one(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_gmail(
        folder / "gmail_tokens.db",
        {
            "gmail_tokens": [older_mailbox("u1", history_id="1"), older_mailbox("u2")],
            "gmail_sync_jobs": [job("u1", started_at="2026-01-01T00:00:00+00:00")],
        },
    )
    write_gmail(
        folder / ".nomic" / "gmail_tokens.db",
        {
            "gmail_tokens": [older_mailbox("u1", history_id="2", updated_at=1780000000.0)],
            "gmail_sync_jobs": [job("u1", "failed", started_at="2026-01-02T00:00:00+00:00")],
        },
    )
    migrator = MemoryMigrator(
        folder, target.dsn, source_timezone=SOURCE_ZONE, rejects=target.rejects, verify="all"
    )
    report = await migrator.migrate_gmail()
    check_sums(report)
    assert not report.mismatches
    async with opened(target) as gmail:
        assert [(one.user_id, one.history_id) for one in await gmail.list_all()] == [
            ("u1", "2"),
            ("u2", None),
        ]
        newest = await gmail.get_sync_job("u1")
        assert newest is not None
        assert newest.status == "failed"
    assert (await migrator.migrate_gmail()).total_migrated == 0


def test_command_then_rotation_of_what_it_moved(
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    write_gmail(tmp_path / "gmail_tokens.db", ROWS)
    code = main(
        [
            *("migrate", "--store", "gmail", "--sqlite-path", str(tmp_path), "--dsn", target.dsn),
            *("--source-timezone", SOURCE_ZONE, "--rejects", str(target.rejects)),
            *("--orphans", "leave-out"),
        ]
    )
    assert code == 1
    shown = capsys.readouterr()
    assert CLEAR not in shown.out + shown.err + caplog.text
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", OTHER_KEY.hex())
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEYS_OLD", KEY.hex())
    command = ["integrations", "rotate-keys", "--dsn", target.dsn]
    assert main([*command, "--dry-run"]) == 0
    assert (
        "2 secrets would be encrypted again and 2 in the clear encrypted, in 2 of 3 mailboxes"
        in capsys.readouterr().out
    )
    assert main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["gmail"]
    assert (result["total"], result["resealed"], result["sealed"]) == (3, 2, 2)
    for user_id, token in (("u1", ACCESS), ("u2", CLEAR)):
        stored = target.row("gmail_tokens", user_id, "user_id")["access_token"]
        found = Keyring(OTHER_KEY).open(base64.b64decode(stored), user_id.encode())
        assert found.plaintext.decode() == token


async def fill_own(path: Path) -> None:
    """Write a file of this package."""
    database = SQLiteDatabase(path)
    gmail = GmailTokenStore(database, KEYRING)
    await gmail.initialize()
    try:
        await gmail.save(
            GmailState(user_id="u1", org_id="acme", access_token=ACCESS, refresh_token=REFRESH)
        )
        await gmail.save(GmailState(user_id="u2"))
        await gmail.save_sync_job(GmailSyncJob(user_id="u1", status="running"))
    finally:
        await database.close()


def test_a_file_of_this_package_goes_to_postgresql_and_back(target: Target, tmp_path: Path) -> None:
    source, back = tmp_path / "aragora.db", tmp_path / "back.db"
    asyncio.run(fill_own(source))
    report = target.migrate(source, stores=("gmail",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.total_errors == 0
    options = ToSQLiteOptions(
        dsn=PostgresDSN.parse(target.dsn), sqlite_path=back, stores=("gmail",), verify="all"
    )
    move_to_sqlite(options)
    with closing(sqlite3.connect(source)) as first, closing(sqlite3.connect(back)) as second:
        for table in ("gmail_tokens", "gmail_sync_jobs"):
            rows = [
                one.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                for one in (first, second)
            ]
            assert rows[0] == rows[1] != []
