"""The older program's settings of notifications, recipients and channels, migrated."""

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

import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring, seal_envelope
from aragora_sql.migration import MemoryMigrator
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.notifications import (
    EmailConfig,
    EmailRecipient,
    NotificationStore,
    TelegramConfig,
)
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.notifications import (
    older_channel,
    older_config,
    write_channels,
    write_notification_config,
)
from tests.stores.notifications.cases import channel, email_config
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

PASSWORD, CLEAR = "smtp-password-that-nobody-may-see", "clear-secret-that-nobody-may-see"
CREATED = datetime.fromtimestamp(1770000000.25, UTC)
TABLES = (
    *("notification_email_configs", "notification_telegram_configs"),
    *("notification_email_recipients", "channel_subscriptions"),
)
OWN_TABLES = (
    *TABLES,
    *("notification_preferences", "notifications", "notification_dedup_keys"),
    "notification_digests",
)


def wrapped(binding: str, text: str = PASSWORD) -> dict[str, Any]:
    sealed = seal_envelope(KEY, bytes(range(12)), text.encode(), binding.encode())
    return {"_encrypted": True, "_value": base64.b64encode(sealed).decode()}


CONFIGS: dict[str, list[dict[str, Any]]] = {
    "email_configs": [
        older_config(
            "acme",
            provider="smtp",
            smtp_host="mail.example.com",
            smtp_password=wrapped("acme:email"),
            sendgrid_api_key="",
            min_consensus_confidence=0.30000000000000004,
            unknown={"n": 1152921504606846976},
        ),
        older_config("clear", smtp_password=CLEAR),
        {
            **older_config("odd", smtp_password=CLEAR),
            "config_json": f'[{{"smtp_password": "{CLEAR}"}}]',
        },
        {**older_config("damaged"), "config_json": f'{{"smtp_password": "{CLEAR}"'},
    ],
    "telegram_configs": [older_config("acme", bot_token=wrapped("acme:telegram"), chat_id="-100")],
    "email_recipients": [
        {
            "id": 40 + number,
            "org_id": "acme",
            "email": address,
            "name": None,
            "preferences_json": preferences,
            "created_at": 1770000000.25 + number,
        }
        for number, (address, preferences) in enumerate(
            [
                ("Müller@Bücher.example", '{"digest": true}'),
                ("ann@example.com", None),
                ("Ann@example.com", ""),
                ("bad@example.com", "[1]"),
            ]
        )
    ],
}
CHANNELS = [
    older_channel("s1", "acme", "C1", channel_name="#général", created_by="ann"),
    older_channel("s2", "acme", "C2", config=json.dumps({"webhook_url": CLEAR}), is_active=0),
    older_channel("s3", "acme", "C3", channel_type="irc", config=json.dumps({"api_key": CLEAR})),
]


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[NotificationStore]:
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    try:
        yield NotificationStore(database, KEYRING)
    finally:
        await database.close()


@pytest.fixture(scope="module")
def migrated(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("older")
    write_notification_config(folder / "notification_config.db", CONFIGS)
    write_channels(folder / "channel_subscriptions.db", CHANNELS)
    report = module_target.migrate(folder, stores=("notifications",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.left_behind == []
    rejected = {table.table: table.rejected for table in report.tables if table.table in TABLES}
    assert rejected == dict(zip(TABLES, (2, 0, 1, 1), strict=True))
    assert "settings with secrets in the clear" in str(report.to_dict())
    assert CLEAR not in str(report.to_dict())
    return module_target


async def test_the_store_reads_what_was_migrated(migrated: Target) -> None:
    async with opened(migrated) as notifications:
        assert await notifications.get_email_config("acme") == EmailConfig(
            org_id="acme",
            smtp_host="mail.example.com",
            smtp_password=PASSWORD,
            min_consensus_confidence=0.30000000000000004,
            extra={"unknown": {"n": 1152921504606846976}},
            created_at=CREATED,
            updated_at=datetime.fromtimestamp(1770000001.5, UTC),
        )
        clear = await notifications.get_email_config("clear")
        assert clear is not None
        assert clear.smtp_password == CLEAR
        assert await notifications.get_telegram_config("acme") == TelegramConfig(
            org_id="acme",
            bot_token=PASSWORD,
            chat_id="-100",
            created_at=CREATED,
            updated_at=datetime.fromtimestamp(1770000001.5, UTC),
        )
        recipients = await notifications.get_recipients("acme")
        assert [(one.email, one.preferences) for one in recipients] == [
            ("Ann@example.com", {}),
            ("Müller@Bücher.example", {"digest": True}),
            ("ann@example.com", {}),
        ]
        assert recipients[1].created_at == CREATED
        first, second = await notifications.list_channels("acme")
        assert (first.id, first.channel_name, first.created_by) == ("s1", "#général", "ann")
        assert (first.event_types, first.is_active, first.created_at) == (
            ["receipt"],
            True,
            CREATED,
        )
        assert (second.config, second.is_active) == ({"webhook_url": CLEAR}, False)
        # new ones get numbers behind those that came
        await notifications.add_recipient(EmailRecipient(org_id="new", email="new@example.com"))
        (new,) = await notifications.get_recipients("new")
        assert new.id is not None
        assert new.id > max(one.id for one in recipients if one.id is not None)


def test_addresses_have_their_normal_form_for_privacy(migrated: Target) -> None:
    row = migrated.row("notification_email_recipients", "Müller@Bücher.example", "email")
    assert row["email_key"] == "müller@bücher.example"


def test_encrypted_secrets_are_the_same_to_the_byte(migrated: Target) -> None:
    row = migrated.row("notification_email_configs", "acme", "org_id")
    assert row["config"]["smtp_password"] == wrapped("acme:email")


def test_no_secret_is_in_reject_files(migrated: Target) -> None:
    assert {one["row"]["org_id"] for one in migrated.rejected("notification_email_configs")} == {
        "odd",
        "damaged",
    }
    (of_channel,) = migrated.rejected("channel_subscriptions")
    assert of_channel["row"]["id"] == "s3"
    (recipient,) = migrated.rejected("notification_email_recipients")
    assert recipient["row"]["email"] == "bad@example.com"
    told = [path.read_text() for path in migrated.rejects.rglob("*.jsonl")]
    told += [str(row) for row in migrated.query("SELECT reject::text FROM _migration_rejects")]
    assert len(told) > 5
    for text in told:
        assert CLEAR not in text


async def test_two_files_become_one(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_notification_config(
        folder / "notification_config.db",
        {
            "email_configs": [older_config("acme", smtp_host="older")],
            "email_recipients": [
                {"org_id": "acme", "email": "a@b.c", "name": "older", "created_at": 1.0}
            ],
        },
    )
    write_notification_config(
        folder / ".nomic" / "notification_config.db",
        {
            "email_configs": [older_config("acme", 1780000000.0, smtp_host="newer")],
            "email_recipients": [
                {"org_id": "acme", "email": "a@b.c", "name": "newer", "created_at": 2.0},
                {"org_id": "acme", "email": "d@e.f", "name": "other", "created_at": 1.0},
            ],
        },
    )
    write_channels(
        folder / "channel_subscriptions.db",
        [older_channel("s1", "acme", "C1"), older_channel("s2", "acme", "C2")],
    )
    write_channels(
        folder / "db" / "channel_subscriptions.db",
        [
            older_channel("x", "acme", "C1", created_at=1780000000.0),
            # an identifier that another channel has
            older_channel("s2", "acme", "C9"),
        ],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_notifications()
    check_sums(report)
    assert not report.mismatches
    async with opened(target) as notifications:
        config = await notifications.get_email_config("acme")
        assert config is not None
        assert config.smtp_host == "newer"
        assert [one.name for one in await notifications.get_recipients("acme")] == [
            "newer",
            "other",
        ]
        found = await notifications.list_channels("acme")
        assert [one.channel_id for one in found] == ["C1", "C2"]
        assert found[0].id == "x"
    (reject,) = target.rejected("channel_subscriptions")
    assert (reject["row"]["id"], reject["row"]["channel_id"]) == ("s2", "C9")
    (merged,) = target.rejected("channel_subscriptions", "merged")
    assert merged["row"]["id"] == "s1"
    assert (await migrator.migrate_notifications()).total_migrated == 0


def test_command_then_rotation_of_what_it_moved(
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    rejected = {
        **older_config("acme", smtp_password=wrapped("acme:email")),
        "created_at": "no time",
    }
    write_notification_config(
        tmp_path / "notification_config.db",
        {
            "email_configs": [*CONFIGS["email_configs"][1:2], rejected],
            "telegram_configs": CONFIGS["telegram_configs"],
        },
    )
    write_channels(tmp_path / "channel_subscriptions.db", CHANNELS[:2])
    code = main(
        [
            *("migrate", "--store", "notifications", "--sqlite-path", str(tmp_path)),
            *("--dsn", target.dsn, "--rejects", str(target.rejects)),
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
        "1 secrets would be encrypted again and 2 in the clear encrypted, in 3 of 4 settings of "
        "notifications" in capsys.readouterr().out
    )
    assert main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    of_store = result["notifications"]
    assert (of_store["total"], of_store["resealed"], of_store["sealed"]) == (4, 1, 2)
    # and those of the row that was rejected
    assert (result["rejects"]["changed"], result["rejects"]["failed"]) == (1, [])

    async def secrets() -> list[Any]:
        database = await PostgresDatabase.connect(target.dsn, 1, 2)
        store = NotificationStore(database, Keyring(OTHER_KEY))
        telegram, email = (
            await store.get_telegram_config("acme"),
            await store.get_email_config("clear"),
        )
        channels = await store.list_channels("acme")
        await database.close()
        assert telegram is not None
        assert email is not None
        return [telegram.bot_token, email.smtp_password, channels[1].config["webhook_url"]]

    assert asyncio.run(secrets()) == [PASSWORD, CLEAR, CLEAR]


async def fill_own(path: Path) -> None:
    """Write a file of this package."""
    database = SQLiteDatabase(path)
    notifications = NotificationStore(database, KEYRING)
    await notifications.initialize()
    try:
        await notifications.save_email_config(email_config(smtp_password=PASSWORD))
        await notifications.save_telegram_config(TelegramConfig(org_id="acme", bot_token=PASSWORD))
        await notifications.add_recipient(EmailRecipient(org_id="acme", email="Ann@example.com"))
        await notifications.save_channel(channel(id="s", config={"webhook_url": PASSWORD}))
        await notifications.set_preference("acme", "u", "email", False)
        for number in range(3):
            await notifications.send("acme", "u", "receipt", f"t{number}", dedup_key=f"k{number}")
        (digest,) = await notifications.claim_digests("acme", most=2)
        await notifications.finish_digest(digest)
        await notifications.claim_digests("acme")
    finally:
        await database.close()


def test_a_file_of_this_package_goes_to_postgresql_and_back(target: Target, tmp_path: Path) -> None:
    source, back = tmp_path / "aragora.db", tmp_path / "back.db"
    asyncio.run(fill_own(source))
    report = target.migrate(source, stores=("notifications",), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.total_errors == 0
    assert list(target.counts(*OWN_TABLES).values()) == [1, 1, 1, 1, 1, 3, 3, 1]
    options = ToSQLiteOptions(
        dsn=PostgresDSN.parse(target.dsn), sqlite_path=back, stores=("notifications",), verify="all"
    )
    move_to_sqlite(options)
    with closing(sqlite3.connect(source)) as first, closing(sqlite3.connect(back)) as second:
        for table in OWN_TABLES:
            columns = [
                name for (name,) in first.execute("SELECT name FROM pragma_table_info(?)", [table])
            ]
            rows = [
                [
                    {
                        name: json.loads(value) if name in {"config", "data"} else value
                        for name, value in zip(columns, row, strict=True)
                    }
                    for row in one.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
                ]
                for one in (first, second)
            ]
            assert rows[0] == rows[1] != []
