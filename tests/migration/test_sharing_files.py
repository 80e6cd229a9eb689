"""Older links to debates and receipts, migrated: their tokens are hashed on the way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.sharing import SharingStore
from aragora_sql.stores.tokens import token_hash
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.sharing import write_receipt_shares, write_share_links
from tests.migration.moved import move

AT = 1770914577.123456
LATER = datetime(2999, 1, 1, tzinfo=UTC)
SECRET = "kB3xU7wQ9zR5tY2vN8mLpA"  # noqa: S105 - 22 characters, as the older system made them
RECEIPT_SECRET = "s5T8uV1wX4yZ7aB0cD3eF6gH9iJ2kL5m"  # noqa: S105


def link(debate_id: str, token: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "token": token,
        "debate_id": debate_id,
        "visibility": "public",
        "owner_id": "ann",
        "created_at": AT,
        **changes,
    }


def share(token: str, **changes: Any) -> dict[str, Any]:
    return {
        "token": token,
        "receipt_id": "rcpt_0123456789ab",
        "created_at": AT,
        "expires_at": LATER.timestamp(),
        "access_count": 1,
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory: the server's own links are in the nested one."""
    folder = tmp_path / ".nomic"
    write_share_links(
        folder / "share_links.db",
        [
            link("d-1", SECRET, org_id="acme", expires_at=LATER.timestamp(), view_count=7),
            link("d-2", None, owner_id="", visibility="team"),
            link("d-3", None),
            link("d-4", SECRET + "4", visibility="everybody"),
        ],
    )
    write_share_links(
        folder / ".nomic" / "share_links.db",
        [link("d-3", SECRET + "3", created_at=AT + 1, last_viewed_at=AT + 2, allow_comments=1)],
    )
    write_receipt_shares(
        folder / "receipt_shares.db",
        [
            share(RECEIPT_SECRET, max_accesses=0),
            share(RECEIPT_SECRET + "2", max_accesses=2),
            share(RECEIPT_SECRET + "3", expires_at=AT, max_accesses=-1),
        ],
    )
    return folder


async def test_migrate_sharing(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_sharing()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: table.rejected for table in report.tables} == {
        "share_links": 1,
        "receipt_shares": 1,
    }
    # No token is anywhere: neither in what was rejected or merged, nor in the report.
    written = [
        path.read_text(encoding="utf-8") for path in target.rejects.rglob("*") if path.is_file()
    ]
    assert written
    for text in (*written, repr(report), str(report.to_dict())):
        assert SECRET not in text
        assert RECEIPT_SECRET not in text
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await links_open(SharingStore(database))
    await database.close()
    assert (await migrator.migrate_sharing()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await links_open(SharingStore(back), uses_before=1)
    await back.close()


async def links_open(sharing: SharingStore, uses_before: int = 0) -> None:
    """Look at what came of the links, and use some."""
    first = await sharing.redeem(SECRET)
    assert first is not None
    assert (first.debate_id, first.org_id, first.expires_at) == ("d-1", "acme", LATER)
    assert (first.use_count, first.view_count) == (uses_before + 1, uses_before + 8)
    assert first.created_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    revoked = await sharing.get("d-2")
    assert revoked is not None
    assert (revoked.is_linked, revoked.owner_id, revoked.visibility) == (False, None, "team")
    newer = await sharing.get_by_token(SECRET + "3")
    assert newer is not None
    assert (newer.debate_id, newer.allow_comments) == ("d-3", True)
    assert newer.last_viewed_at == datetime(2026, 2, 12, 16, 42, 59, 123456, UTC)
    assert await sharing.get_by_token(SECRET + "4") is None
    # A limit of 0 was none.
    unlimited = await sharing.receipts.redeem(RECEIPT_SECRET)
    assert unlimited is not None
    assert (unlimited.max_accesses, unlimited.access_count) == (None, uses_before + 2)
    last = await sharing.receipts.get_by_token(RECEIPT_SECRET + "2")
    assert last is not None
    assert (last.token_hash, last.max_accesses, last.access_count) == (
        token_hash(RECEIPT_SECRET + "2", "token"),
        2,
        1,
    )


@pytest.mark.parametrize("is_nested_newer", [False, True])
def test_of_two_copies_a_revoked_link_stays_revoked_and_accesses_are_not_forgotten(
    target: Target, tmp_path: Path, is_nested_newer: bool
) -> None:
    """Whichever file is read last: one of them is an older copy of the other."""
    places = (tmp_path / ".nomic", tmp_path / ".nomic" / ".nomic")
    older, newer = places if is_nested_newer else places[::-1]
    for folder, token, uses in ((older, SECRET, 3), (newer, None, 5)):
        rows = [link("d-1", token, view_count=uses), link("d-2", SECRET + "2", created_at=AT)]
        if folder is newer:
            # Linked again: a later time counts before what was taken away.
            rows[1] = link("d-2", SECRET + "22", created_at=AT + 1)
        write_share_links(folder / "share_links.db", rows)
        write_receipt_shares(
            folder / "receipt_shares.db",
            [share(RECEIPT_SECRET, max_accesses=10, access_count=uses)],
        )
    report = target.migrate(tmp_path / ".nomic")
    check_sums(report)
    assert target.row("share_links", "d-1", "debate_id")["token_hash"] is None
    assert target.row("share_links", "d-1", "debate_id")["view_count"] == 5
    again = target.row("share_links", "d-2", "debate_id")
    assert again["token_hash"] == token_hash(SECRET + "22", "token")
    [(accesses,)] = target.query("SELECT access_count FROM receipt_shares")
    assert accesses == 5
