"""Older receipts, migrated: with columns that early files lack, and those of audit trails."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import ReceiptHeldError
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.receipts import ReceiptSigningKeys, ReceiptStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.receipts import write_audit_trails, write_deletions, write_receipts
from tests.migration.moved import move
from tests.stores.receipts.cases import KEY, KEYS, an_export

AT = 1770914577.123456
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
DOCUMENT = an_export("full", user_id="ann", large=[1e17, 10**30], debate_id="d")


def row(receipt_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "receipt_id": receipt_id,
        "gauntlet_id": f"g-{receipt_id}",
        "created_at": AT,
        "expires_at": AT + 86400,
        "verdict": "PASS",
        "confidence": 1,
        "risk_level": "LOW",
        "checksum": "",
        "data_json": json.dumps({"receipt_id": receipt_id, "verdict": "PASS"}),
        **changes,
    }


def without_end(receipt_id: str, **changes: Any) -> dict[str, Any]:
    """Return a row of the store of audit trails."""
    return {name: v for name, v in row(receipt_id, **changes).items() if name != "expires_at"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_receipts(
        folder / "receipts.db",
        [
            row(
                "full",
                debate_id="d",
                confidence=0.1 + 0.2,
                checksum=DOCUMENT["checksum"],
                data_json=json.dumps(DOCUMENT),
                signature=KEYS.sign_receipt(DOCUMENT),
                signature_algorithm="HMAC-SHA256",
                signature_key_id="hmac-0123abcd",
                signed_at=AT + 1,
            ),
            row("held", legal_hold=1, legal_hold_reason="suit", legal_hold_matter_id="m"),
            row("", gauntlet_id="onboarding-d2", expires_at=None, risk_level=""),
            row("blank", gauntlet_id=""),
            row("signed", signature="AAAA", signature_algorithm="Ed25519", signed_at=AT + 1),
            row("damaged", data_json="{"),
            row("impossible", confidence=1.5),
        ],
    )
    # A file of an early version, elsewhere.
    write_receipts(
        folder / "db" / "receipts.db",
        [
            row("early", signature="x"),
            # Newer, and the hold and the signature of the other file stay.
            row("held", created_at=AT + 5),
            row("signed", created_at=AT + 5),
        ],
        is_first=True,
    )
    write_audit_trails(
        folder / "audit_trails.db",
        [
            without_end("trail", audit_trail_id="t"),
            # They are in receipts.db too, by their id or by their gauntlet.
            without_end("held", created_at=AT + 9, verdict="FAIL"),
            without_end("a", gauntlet_id="g-full", created_at=AT + 9),
        ],
    )
    write_deletions(
        folder / "receipt_deletions.db",
        [
            {
                "deletion_id": "del_1",
                "receipt_id": "gone",
                "receipt_checksum": "",
                "deleted_at": AT,
                "reason": "gdpr_erasure",
                "operator": "ann",
                "metadata": '{"n": 1}',
            },
            {
                "deletion_id": "del_2",
                "receipt_id": "gone",
                "receipt_checksum": "x",
                "deleted_at": AT,
                "reason": "boredom",
                "operator": "ann",
            },
        ],
    )
    return folder


async def test_migrate_receipts(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_receipts()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "receipts": (7, 3),
        "receipt_deletions": (1, 1),
    }
    assert {line["row"]["receipt_id"] for line in target.rejected("receipts")} == {
        "a",
        "damaged",
        "impossible",
    }
    merged = [line["row"]["receipt_id"] for line in target.rejected("receipts", "merged")]
    assert sorted(merged) == ["held", "held", "signed"]
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_receipts()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows; reading them verifies their hash."""
    receipts = ReceiptStore(database, signing_keys=ReceiptSigningKeys(bytes(3), [KEY]))
    full = await receipts.get("full")
    assert full is not None
    assert full.data == DOCUMENT
    assert (full.shape, full.confidence, full.user_id) == ("export", 0.1 + 0.2, "ann")
    assert (full.created_at, full.expires_at) == (IN_UTC, IN_UTC + timedelta(days=1))
    # Its key id says nothing, so any key that is here may have signed it.
    assert (await receipts.verify_signature("full"))["is_valid"]
    assert (await receipts.verify_integrity("full"))["integrity_valid"]
    held = await receipts.get("held")
    assert held is not None
    assert (held.legal_hold_placed_at, held.legal_hold_reason) == (IN_UTC, "suit")
    assert (held.verdict, held.created_at) == ("PASS", IN_UTC + timedelta(seconds=5))
    signed = await receipts.get("signed")
    assert signed is not None
    assert (signed.signature, signed.signed_at) == ("AAAA", IN_UTC + timedelta(seconds=1))
    assert signed.created_at == held.created_at
    with pytest.raises(ReceiptHeldError):
        await receipts.delete("held", "admin_action", "ann")
    onboarding = await receipts.get("onboarding-d2")
    assert onboarding is not None
    assert (onboarding.shape, onboarding.risk_level) == ("onboarding", "MEDIUM")
    assert onboarding.expires_at == IN_UTC + timedelta(days=2555)
    blank = await receipts.get("blank")
    assert blank is not None
    assert blank.gauntlet_id is None
    early = await receipts.get_by_gauntlet("g-early")
    assert early is not None
    assert (early.legal_hold, early.signed_at) == (False, IN_UTC)
    trail = await receipts.get("trail")
    assert trail is not None
    assert (trail.audit_trail_id, trail.risk_score) == ("t", 0.0)
    assert {one.receipt_id for one in await receipts.search("token")} == {"full"}
    deletion = await receipts.deletions.get_deletion("del_1")
    assert deletion is not None
    assert (deletion.metadata, deletion.deleted_at) == ({"n": 1}, IN_UTC)
