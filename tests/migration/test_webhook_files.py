"""The older program's webhooks, deliveries and received events, migrated."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import seal_envelope
from aragora_sql.migration import MemoryMigrator
from aragora_sql.migration.to_sqlite import ToSQLiteOptions, move_to_sqlite
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.integrations import IntegrationStore
from aragora_sql.stores.webhooks import SIGNATURE_HEADER, WebhookStore, verify_signature
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.webhooks import (
    write_webhook_configs,
    write_webhook_deliveries,
    write_webhook_events,
    write_webhook_registry,
)
from tests.stores.samples import KEY, KEYRING

SECRET = "the-secret-of-a-webhook-that-nobody-may-see"  # noqa: S105
CLEAR = "another-secret-that-nobody-may-see-0123456"
AT = "2026-02-12T16:42:57.123456+00:00"
LATER = "2026-02-12T17:00:00+00:00"
# As the older class wrote it: bound to nothing.
SEALED = base64.b64encode(seal_envelope(KEY, bytes(range(12)), SECRET.encode(), b"")).decode()
URL = "https://example.com/hook"


def config(webhook_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": webhook_id,
        "url": URL,
        "events_json": '["vote", "*", "vote"]',
        "secret": SEALED,
        "active": 1,
        "created_at": 1770914577.123456,
        "updated_at": 1770914577.123456,
        "delivery_count": 7,
        "failure_count": 2,
        **changes,
    }


def delivery(delivery_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "webhook_id": "w1",
        "event_type": "vote",
        "payload": '{"x": 0.30000000000000004, "big": 1152921504606846976}',
        "status": "retrying",
        "attempts": 2,
        "max_attempts": 5,
        "next_retry_at": LATER,
        "last_error": "HTTP 503",
        "last_status_code": 503,
        "created_at": AT,
        "updated_at": AT,
        "metadata": f'{{"retry_url": "{URL}", "retry_secret": "{CLEAR}", "kept": 1}}',
        "url": URL,
        "secret": CLEAR,
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    registered = {**config("w3", secret=CLEAR), "events": '["consensus"]'}
    del registered["events_json"]
    write_webhook_configs(
        folder / "webhook_configs.db",
        [
            config("w1", user_id="ann", name="müller", last_delivery_at=1770914580.5),
            config("w2", active=0, events_json="no list"),
        ],
    )
    # The doubled folder has one of them in a newer state, for other events.
    write_webhook_configs(
        folder / ".nomic" / "webhook_configs.db",
        [config("w1", user_id="ann", events_json='["debate_end"]', updated_at=1770914999.0)],
    )
    write_webhook_registry(folder / "webhook_registry.db", [registered])
    write_webhook_deliveries(
        folder / "webhook_delivery.db",
        [
            delivery("retrying"),
            delivery("running", status="in_progress", next_retry_at=None, metadata=None),
            delivery("dead", status="dead_lettered", attempts=2, dead_lettered_at=LATER),
            delivery("dead without time", status="dead_lettered"),
            delivery("orphan", webhook_id="gone"),
            delivery("unknown", status="lost"),
        ],
    )
    write_webhook_events(
        folder / "webhook_events.db",
        [{"event_id": f"evt_{n}", "processed_at": 1770914577.25 + n} for n in range(3)],
    )
    # Another file has one of them, handled again later.
    write_webhook_events(
        folder / ".nomic" / "webhook_events.db",
        [
            {"event_id": "evt_0", "processed_at": 1770915577.5, "result": "again"},
            {"event_id": "evt_9", "processed_at": 1768014101.26474, "result": "r: Beta gamma"},
        ],
    )
    return folder


async def test_migrate_webhooks(
    target: Target, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_webhooks()
    check_sums(report)
    assert not report.mismatches
    rejected = {table.table: table.rejected for table in report.tables if table.rejected}
    assert rejected == {"webhook_configs": 1, "webhook_deliveries": 2}
    database = await PostgresDatabase.connect(target.dsn, 1, 4)
    webhooks = WebhookStore(database, KEYRING)
    first = await webhooks.get("w1")
    assert first is not None
    # Of two files the newer state counts, also for whom is found by which event.
    assert (first.events, first.user_id, first.delivery_count) == (["debate_end"], "ann", 7)
    assert first.created_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert [one.id for one in await webhooks.get_for_event("debate_end")] == ["w1"]
    assert await webhooks.get_for_event("vote") == []
    assert [one.id for one in await webhooks.get_for_event("consensus")] == ["w3"]
    retrying = await webhooks.deliveries.get("retrying")
    assert retrying is not None
    assert (retrying.status, retrying.attempts, retrying.job_id) == ("retrying", 2, None)
    assert retrying.payload == {"x": 0.30000000000000004, "big": 2**60}
    assert retrying.metadata == {"kept": 1}
    dead = {one.delivery_id: one for one in await webhooks.deliveries.list_dead_letters()}
    assert dead["dead"].dead_lettered_at == datetime(2026, 2, 12, 17, 0, tzinfo=UTC)
    assert dead["dead"].next_retry_at is None
    assert dead["dead without time"].dead_lettered_at == dead["dead without time"].updated_at
    assert await webhooks.events.size() == 4
    again = target.row("webhook_events", "evt_0", "event_id")
    assert (again["provider"], again["result"]) == ("stripe", "again")
    assert again["processed_at"] == datetime(2026, 2, 12, 16, 59, 37, 500000, UTC)
    # What was still to be sent gets jobs, and is signed with the older secret.
    assert await webhooks.jobs.settle() == 2
    sent = await webhooks.deliveries.claim_due("w", 5)
    assert sorted(one.delivery_id for one in sent) == ["retrying", "running"]
    for one in sent:
        assert verify_signature(one.headers[SIGNATURE_HEADER], one.body, SECRET)
    assert await webhooks.deliveries.retry_dead_letter("dead")
    await database.close()
    texts = [caplog.text, str(report)]
    texts += [path.read_text() for path in target.rejects.rglob("*.jsonl")]
    for text in texts:
        assert SECRET not in text
        assert CLEAR not in text
        assert SEALED not in text


def test_secrets_in_the_clear_are_counted_and_encrypted_afterwards(
    target: Target,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = target.migrate(folder, stores=("webhooks",))
    notes = str([table.to_dict() for table in report.tables])
    assert "secrets in the clear" in notes
    assert "secrets beside deliveries, left out" in notes
    asyncio.run(make_integrations(target.dsn))
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    assert main(["integrations", "rotate-keys", "--dsn", target.dsn]) == 0
    assert "1 in the clear encrypted, in 2 of 2 webhooks" in capsys.readouterr().out
    assert target.row("webhook_configs", "w3")["secret"] != CLEAR


async def make_integrations(dsn: str) -> None:
    database = await PostgresDatabase.connect(dsn, 1, 2)
    await IntegrationStore(database, KEYRING).initialize()
    await database.close()


async def fill_own(path: Path) -> None:
    """Write a file of this package, with every kind of row."""
    database = SQLiteDatabase(path)
    webhooks = WebhookStore(database, KEYRING)
    await webhooks.initialize()
    try:
        webhook = await webhooks.register(URL, ["vote", "*"], user_id="ann")
        await webhooks.rotate_secret(webhook.id)
        for _ in range(3):
            await webhooks.deliveries.enqueue(webhook.id, "vote", {"x": 1e17})
        first, second = await webhooks.deliveries.claim_due("w", 2)
        await webhooks.deliveries.mark_delivered(first)
        await webhooks.deliveries.mark_dead(second, "no", 410)
        assert await webhooks.events.claim("evt_1")
        await webhooks.events.mark_processed("evt_2", provider="paddle")
    finally:
        await database.close()


def test_a_file_of_this_package_goes_to_postgresql_and_back(target: Target, tmp_path: Path) -> None:
    source, back = tmp_path / "aragora.db", tmp_path / "back.db"
    asyncio.run(fill_own(source))
    report = target.migrate(source, stores=("jobs", "webhooks"), verify="all")
    check_sums(report)
    assert not report.mismatches
    assert report.total_errors == 0
    tables = (
        *("webhook_configs", "webhook_subscriptions", "webhook_deliveries", "webhook_events"),
        "job_queue",
    )
    assert list(target.counts(*tables).values()) == [1, 2, 3, 2, 3]
    options = ToSQLiteOptions(
        dsn=PostgresDSN.parse(target.dsn),
        sqlite_path=back,
        stores=("jobs", "webhooks"),
        verify="all",
    )
    move_to_sqlite(options)
    with closing(sqlite3.connect(source)) as first, closing(sqlite3.connect(back)) as second:
        for table in tables:
            statement = f"SELECT * FROM {table} ORDER BY 1, 2"
            assert first.execute(statement).fetchall() == second.execute(statement).fetchall()
