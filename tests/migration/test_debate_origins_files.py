"""Older origins of debates, of routing and of mail, migrated into one table."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.debate_origins import DebateOriginStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.debate_origins import write_origins
from tests.migration.moved import move

# As old as an hour, so that it is not over.
NOW = round(time.time()) - 3600 + 0.123456
AT = datetime.fromtimestamp(NOW, UTC)
PLACE = {"platform": "slack", "channel_id": "C1", "user_id": "U1", "created_at": NOW}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_origins(
        folder,
        {
            "debate_origins": [
                {
                    "debate_id": "full",
                    **PLACE,
                    "metadata_json": '{"team": "T", "n": 0.30000000000000004}',
                    "thread_id": "1.5",
                    "message_id": "",
                    "result_sent": 1,
                    "result_sent_at": NOW + 1,
                },
                {"debate_id": "both", **PLACE, "metadata_json": "", "result_sent": None},
                {"debate_id": "over", **PLACE, "created_at": NOW - 90000},
                {"debate_id": "damaged", **PLACE, "metadata_json": "{"},
            ],
            "routing_origins": [
                {"origin_id": "both", "origin_type": "debate", **PLACE, "created_at": NOW + 2},
            ],
            "email_reply_origins": [
                {
                    "message_id": "<m@x>",
                    "debate_id": "full",
                    "recipient_email": "ann@example.com",
                    "recipient_name": "Ann",
                    "sent_at": AT.replace(tzinfo=None).isoformat(),
                    "metadata_json": '{"n": 1.0}',
                },
            ],
        },
    )
    write_origins(
        folder / ".nomic",
        {
            "routing_origins": [
                {"origin_id": "both", "origin_type": "gauntlet", **PLACE, "expires_at": NOW + 7200}
            ]
        },
    )
    return folder


async def test_migrate_debate_origins(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_debate_origins()
    check_sums(report)
    assert not report.mismatches
    table = report.table("debate_origins")
    assert (table.migrated, table.rejected, table.counts.merged) == (5, 1, 1)
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    assert (await migrator.migrate_debate_origins()).total_migrated == 0
    # On request what is over is left out, and counted.
    await database.close()
    target.query("TRUNCATE debate_origins")
    without = MemoryMigrator(
        folder, target.dsn, rejects=target.rejects, verify="all", drop_expired=True
    )
    report = await without.migrate_debate_origins()
    check_sums(report)
    assert not report.mismatches
    table = report.table("debate_origins")
    assert (table.migrated, table.rejected, table.left_out) == (4, 1, 1)
    assert table.counts.notes["is over: left out"] == 1
    target.query("TRUNCATE debate_origins")
    await MemoryMigrator(folder, target.dsn, rejects=target.rejects).migrate_debate_origins()
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()
    # What is over goes with the next clean-up.
    assert await DebateOriginStore(database).cleanup_expired() == 1
    await database.close()


async def look(database: Database) -> None:
    """Look at what came of the origins."""
    origins = DebateOriginStore(database)
    full = await origins.get_debate_origin("full")
    assert full is not None
    assert (full.debate_id, full.thread_id, full.message_id) == ("full", "1.5", None)
    assert full.metadata == {"team": "T", "n": 0.30000000000000004}
    assert (full.result_sent, full.created_at) == (True, AT)
    assert full.result_sent_at == datetime.fromtimestamp(NOW + 1, UTC)
    assert full.expires_at == datetime.fromtimestamp(NOW + 86400, UTC)
    both = await origins.get_debate_origin("both")
    assert both is not None
    assert (both.created_at, both.metadata) == (datetime.fromtimestamp(NOW + 2, UTC), {})
    other = await origins.get_origin("both", "gauntlet")
    assert other is not None
    assert (other.debate_id, other.expires_at) == (None, datetime.fromtimestamp(NOW + 7200, UTC))
    mail = await origins.get_origin_by_reply("<m@x>")
    assert mail is not None
    assert (mail.debate_id, mail.user_id, mail.created_at) == ("full", "ann@example.com", AT)
    assert mail.metadata == {"n": 1.0, "recipient_name": "Ann"}
    assert await origins.get_debate_origin("over") is None
