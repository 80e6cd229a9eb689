"""Mailboxes, their tokens and their sync jobs, on each engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
    MissingParentError,
    VersionConflictError,
)
from aragora_sql.stores.gmail import GmailState, GmailSyncJob, GmailTokenStore
from tests.conftest import OpenDatabase
from tests.stores.gmail.cases import state
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, day, days_ago, fetch, run


async def stored(database: Database, user_id: str = "u") -> dict[str, Any]:
    (row,) = await fetch(database, f"SELECT * FROM gmail_tokens WHERE user_id = '{user_id}'")
    return dict(row)


async def test_save_then_get(gmail: GmailTokenStore) -> None:
    given = state(
        org_id="acme",
        email_address="Müller@example.com",
        token_expiry=day(1),
        history_id="4711",
        last_sync=day(2),
        indexed_count=7,
        total_count=9,
        connected_at=day(0),
        created_at=day(-1),
    )
    saved = await gmail.save(given)
    assert saved == replace(given, updated_at=saved.updated_at, token_version=1)
    assert await gmail.get("u") == saved
    assert saved.is_connected
    assert await gmail.get("unknown") is None


async def test_save_encrypts_tokens_and_binds_them_to_the_user(gmail: GmailTokenStore) -> None:
    await gmail.save(state("u"))
    await gmail.save(state("other"))
    row = await stored(gmail.database)
    assert "access-0" not in str(row)
    assert "refresh-0" not in str(row)
    await run(
        gmail.database,
        f"UPDATE gmail_tokens SET refresh_token = '{row['refresh_token']}' WHERE user_id = 'other'",
    )
    with pytest.raises(DecryptionError, match="user 'other': refresh_token"):
        await gmail.get("other")


async def test_save_keeps_the_organization_and_when_it_was_made(gmail: GmailTokenStore) -> None:
    first = await gmail.save(state(org_id="acme", created_at=day(0)))
    again = await gmail.save(state(access_token="access-1"))  # noqa: S106
    assert (again.org_id, again.created_at, again.token_version) == ("acme", day(0), 2)
    assert await gmail.get("u") == again
    moved = await gmail.save(replace(again, org_id="other"))
    assert moved.org_id == "other"
    kept = await gmail.save(replace(moved, org_id=None))
    assert kept.org_id == "other"
    assert first.updated_at is not None
    assert kept.updated_at is not None
    assert kept.updated_at >= first.updated_at


async def test_save_without_tokens_is_not_connected(gmail: GmailTokenStore) -> None:
    saved = await gmail.save(state(access_token="", refresh_token=""))
    assert (saved.access_token, saved.refresh_token, saved.is_connected) == (None, None, False)
    assert await gmail.get("u") == saved
    row = await stored(gmail.database)
    assert (row["access_token"], row["refresh_token"]) == (None, None)


async def test_save_of_what_was_read_before_another_save_is_refused(
    gmail: GmailTokenStore,
) -> None:
    read = await gmail.save(state())
    await gmail.save(state(access_token="new"))  # noqa: S106
    with pytest.raises(VersionConflictError, match="has version 2 now") as caught:
        await gmail.save(replace(read, history_id="1"))
    assert (caught.value.expected, caught.value.found) == (1, 2)
    present = await gmail.get("u")
    assert present is not None
    assert (present.access_token, present.history_id) == ("new", None)
    # deleted tokens don't come back either
    await gmail.delete("u")
    with pytest.raises(VersionConflictError, match="is gone"):
        await gmail.save(present)
    assert await gmail.get("u") is None


async def test_save_refuses_sealed_tokens(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    sealed = await gmail.get("u", decrypt=False)
    assert sealed is not None
    assert sealed.sealed == ("access_token", "refresh_token")
    assert (sealed.access_token, sealed.refresh_token, sealed.is_connected) == (None, None, True)
    with pytest.raises(InvalidInputError, match=r"^state"):
        await gmail.save(sealed)


async def test_get_without_a_key(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    keyless = GmailTokenStore(gmail.database, Keyring())
    with pytest.raises(EncryptionKeyMissingError, match="user 'u'"):
        await keyless.get("u")
    with pytest.raises(EncryptionKeyMissingError, match="access_token"):
        await keyless.save(state())
    assert await keyless.get("u", decrypt=False) is not None


async def test_get_reads_what_was_left_in_the_clear(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    await run(gmail.database, "UPDATE gmail_tokens SET access_token = 'ya29.clear'")
    found = await gmail.get("u")
    assert found is not None
    assert (found.access_token, found.refresh_token) == ("ya29.clear", "refresh-0")


async def test_no_token_is_shown(gmail: GmailTokenStore) -> None:
    saved = await gmail.save(state())
    for shown in (repr(saved), str(saved), str(saved.to_dict())):
        assert "access-0" not in shown
        assert "refresh-0" not in shown
    assert saved.to_dict(include_secrets=True)["refresh_token"] == "refresh-0"  # noqa: S105
    assert GmailState.from_dict(saved.to_dict(include_secrets=True)).token_expiry is not None


async def test_delete_deletes_the_sync_job_too(gmail: GmailTokenStore) -> None:
    for user in ("u", "other"):
        await gmail.save(state(user))
        await gmail.save_sync_job(GmailSyncJob(user_id=user, status="running"))
    assert await gmail.delete("u")
    assert not await gmail.delete("u")
    assert await gmail.get("u") is None
    assert await gmail.get_sync_job("u") is None
    assert await gmail.get_sync_job("other") is not None


async def test_list_all_gives_pages_of_all_or_of_an_organization(gmail: GmailTokenStore) -> None:
    # by code point: capitals first
    users = ["Zoe", "ann", "ben", "ä"]
    for user in reversed(users):
        await gmail.save(state(user, org_id=None if user == "Zoe" else "acme"))
    await gmail.save(state("c", org_id="other"))
    whole = await gmail.list_all()
    assert [one.user_id for one in whole] == ["Zoe", "ann", "ben", "c", "ä"]
    assert whole[1] == await gmail.get("ann")
    assert [one.user_id for one in await gmail.list_all(2, after=whole[1])] == ["ben", "c"]
    of_acme = await gmail.list_all(org_id="acme")
    assert [one.user_id for one in of_acme] == ["ann", "ben", "ä"]
    page = await gmail.list_all(1, org_id="acme", after=of_acme[0])
    assert [one.user_id for one in page] == ["ben"]
    assert [one.sealed for one in await gmail.list_all(1, decrypt=False)] == [
        ("access_token", "refresh_token")
    ]


async def test_list_all_names_what_no_key_opens(
    gmail: GmailTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    await gmail.save(state("good"))
    await GmailTokenStore(gmail.database, Keyring(OTHER_KEY)).save(state("odd"))
    good, odd = await gmail.list_all()
    assert (good.problem, good.refresh_token) == (None, "refresh-0")
    assert odd.problem is not None
    assert "user 'odd'" in odd.problem
    assert "user 'odd'" in caplog.text
    assert (odd.refresh_token, odd.is_connected) == (None, True)
    assert await gmail.check_secrets(1) == (1, [])


async def test_record_sync_adds_and_leaves_tokens_alone(
    gmail: GmailTokenStore, open_database: OpenDatabase
) -> None:
    read = await gmail.save(state(indexed_count=5, total_count=8))
    other = GmailTokenStore(await open_database(), KEYRING)
    done = await asyncio.gather(
        *((gmail, other)[n % 2].record_sync("u", "77", indexed=2) for n in range(10))
    )
    assert done == [True] * 10
    assert await gmail.record_sync("u", total_count=30)
    assert not await gmail.record_sync("unknown")
    found = await gmail.get("u")
    assert found is not None
    assert (found.history_id, found.indexed_count, found.total_count) == ("77", 25, 30)
    assert found.last_sync is not None
    assert found.last_sync > days_ago(0.01)
    # the tokens are those that were read
    assert found.token_version == read.token_version


async def test_save_sync_job_then_get_sync_job(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    assert await gmail.get_sync_job("u") is None
    job = GmailSyncJob(
        user_id="u", status="running", progress=40, messages_synced=12, started_at=day(1)
    )
    await gmail.save_sync_job(job)
    assert await gmail.get_sync_job("u") == job
    failed = GmailSyncJob(user_id="u", status="failed", failed_at=day(2), error="quota")
    await gmail.save_sync_job(failed)
    assert await gmail.get_sync_job("u") == failed
    ended = replace(job, status="completed", progress=100, completed_at=day(3))
    await gmail.save_sync_job(ended)
    assert await gmail.get_sync_job("u") == ended


async def test_save_sync_job_of_no_mailbox(gmail: GmailTokenStore) -> None:
    with pytest.raises(MissingParentError):
        await gmail.save_sync_job(GmailSyncJob(user_id="nobody", status="running"))


async def test_delete_sync_job_leaves_the_mailbox(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    await gmail.save_sync_job(GmailSyncJob(user_id="u", status="cancelled"))
    assert await gmail.delete_sync_job("u")
    assert not await gmail.delete_sync_job("u")
    assert await gmail.get("u") is not None


async def test_rotate_keys_covers_older_keys_and_what_is_in_the_clear(
    gmail: GmailTokenStore,
) -> None:
    for number in range(5):
        await gmail.save(state(f"u{number}"))
    await gmail.save(GmailState(user_id="without tokens"))
    await run(gmail.database, "UPDATE gmail_tokens SET access_token = 'clear' WHERE user_id = 'u1'")
    rotated = GmailTokenStore(gmail.database, Keyring(OTHER_KEY, [KEY]))
    await rotated.save(state("new"))
    dry = await rotated.rotate_keys(dry_run=True, batch_size=2)
    before = await stored(gmail.database, "u0")
    assert (dry.total, dry.checked, dry.changed, dry.resealed, dry.sealed) == (7, 7, 5, 9, 1)
    seen: list[int] = []
    result = await rotated.rotate_keys(batch_size=3, on_progress=lambda r: seen.append(r.checked))
    assert replace(result, dry_run=True) == dry
    assert seen == [3, 6, 7]
    assert (await stored(gmail.database, "u0"))["refresh_token"] != before["refresh_token"]
    only_new = GmailTokenStore(gmail.database, Keyring(OTHER_KEY))
    assert (await only_new.rotate_keys()).changed == 0
    found = await only_new.list_all()
    assert {one.access_token for one in found} == {"access-0", "clear", None}
    assert {one.problem for one in found} == {None}
    # encrypting again is no change of the tokens
    assert {one.token_version for one in found} == {1}


async def test_rotate_keys_and_check_secrets_name_what_no_key_opens(
    gmail: GmailTokenStore,
) -> None:
    await gmail.save(state("lost"))
    other = GmailTokenStore(gmail.database, Keyring(OTHER_KEY))
    await other.save(state("kept"))
    checked, failed = await other.check_secrets()
    assert (checked, [one.user_id for one in failed]) == (2, ["lost"])
    assert "access_token" in failed[0].problem
    result = await other.rotate_keys()
    assert (result.checked, result.changed) == (2, 0)
    assert [one.user_id for one in result.failed] == ["lost"]
    assert await gmail.get("lost") is not None
