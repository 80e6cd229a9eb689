"""API keys and the secrets of second factors: what is stored, and what opens what."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from datetime import timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring, seal_envelope
from aragora_sql.errors import DecryptionError, EncryptionKeyMissingError
from aragora_sql.stores.rotation import RotationResult
from aragora_sql.stores.users import User, UserStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, fetch, run

SECRET = "JBSWY3DPEHPK3PXP"  # noqa: S105
CODES = ["hash-1", "hash-2", "hash-3"]
BOTH = Keyring(OTHER_KEY, [KEY])


async def stored(database: Database) -> dict[str, str | None]:
    (row,) = await fetch(database, "SELECT mfa_secret, mfa_backup_codes FROM users")
    return dict(row)


async def everything(database: Database) -> str:
    return str([dict(row) for row in await fetch(database, "SELECT * FROM users")])


async def test_create_api_key_stores_its_hash_and_get_user_by_api_key_finds_it(
    users: UserStore, ada: User
) -> None:
    key = await users.create_api_key(ada.id)
    assert key is not None
    assert key.startswith("ara_")
    assert len(base64.urlsafe_b64decode(key.removeprefix("ara_") + "=")) == 32
    user = await users.get_user_by_api_key(key)
    assert user is not None
    assert (user.id, user.api_key_prefix) == (ada.id, key[:12])
    assert user.api_key_hash == hashlib.sha256(key.encode()).hexdigest()
    assert user.api_key_created_at is not None
    assert user.api_key_expires_at == user.api_key_created_at + timedelta(days=365)
    assert key not in await everything(users.database)
    assert await users.get_user_by_api_key(key + "x") is None
    # neither the hash nor the prefix opens anything
    assert await users.get_user_by_api_key(user.api_key_hash) is None
    assert await users.get_user_by_api_key(key[:12]) is None

    another = await users.create_api_key(ada.id, None)
    assert another is not None
    assert await users.get_user_by_api_key(key) is None
    opened = await users.get_user_by_api_key(another)
    assert opened is not None
    assert opened.api_key_expires_at is None
    assert await users.create_api_key("nobody") is None


async def test_get_user_by_api_key_knows_no_key_that_is_over(users: UserStore, ada: User) -> None:
    key = await users.create_api_key(ada.id)
    assert key is not None
    await users.update_user(ada.id, api_key_expires_at=utc_now() - timedelta(microseconds=1))
    assert await users.get_user_by_api_key(key) is None
    await users.update_user(ada.id, api_key_expires_at=utc_now() + timedelta(hours=1))
    assert await users.get_user_by_api_key(key) is not None


async def test_revoke_api_key_takes_it_away(users: UserStore, ada: User) -> None:
    key = await users.create_api_key(ada.id)
    assert key is not None
    assert await users.revoke_api_key(ada.id)
    assert await users.get_user_by_api_key(key) is None
    user = await users.get_user_by_id(ada.id)
    assert user is not None
    assert (user.api_key_hash, user.api_key_prefix) == (None, None)
    assert not await users.revoke_api_key("nobody")


async def test_get_mfa_secrets_opens_what_update_user_sealed(
    users: UserStore, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await users.update_user(ada.id, mfa_secret=SECRET, mfa_backup_codes=CODES, mfa_enabled=True)
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert (opened.secret, opened.backup_codes) == (SECRET, CODES)
    for shown in (repr(opened), str(opened), await everything(users.database), caplog.text):
        assert SECRET not in shown
        assert "hash-1" not in shown
    await users.update_user(ada.id, mfa_secret=None, mfa_backup_codes=json.dumps(["x"]))
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert (opened.secret, opened.backup_codes) == (None, ["x"])
    assert await users.get_mfa_secrets("nobody") is None


async def test_secrets_of_a_batch_are_sealed_as_well(users: UserStore, ada: User) -> None:
    await users.update_users_batch([{"user_id": ada.id, "mfa_secret": SECRET}])
    assert SECRET not in await everything(users.database)
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert opened.secret == SECRET


async def test_an_envelope_is_bound_to_its_user(users: UserStore, ada: User, bob: User) -> None:
    await users.update_user(ada.id, mfa_secret=SECRET)
    (row,) = await fetch(users.database, "SELECT mfa_secret FROM users WHERE email LIKE 'Ada%'")
    await run(
        users.database,
        f"UPDATE users SET mfa_secret = '{row['mfa_secret']}' WHERE email LIKE 'bob%'",
    )
    with pytest.raises(DecryptionError, match=bob.id) as caught:
        await users.get_mfa_secrets(bob.id)
    assert SECRET not in str(caught.value)
    # who the user is can be asked all the same
    assert await users.get_user_by_id(bob.id)


async def test_what_the_older_program_sealed_or_left_in_the_clear_is_read(
    users: UserStore, ada: User
) -> None:
    envelope = seal_envelope(KEY, bytes(range(12)), SECRET.encode(), ada.id.encode())
    text = base64.b64encode(envelope).decode()
    assert text.startswith("AQZtYXN0ZXI")
    await run(
        users.database,
        f"UPDATE users SET mfa_secret = '{text}', mfa_backup_codes = '[\"hash-1\"]'",
    )
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert (opened.secret, opened.backup_codes) == (SECRET, ["hash-1"])
    # in the clear, and like base64 of an envelope at its beginning
    await run(users.database, "UPDATE users SET mfa_secret = 'AQZTGNBVGY3TQOJQ'")
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert opened.secret == "AQZTGNBVGY3TQOJQ"  # noqa: S105


async def test_without_a_key_everything_but_secrets_works(database: Database) -> None:
    users = UserStore(database, Keyring())
    await users.initialize()
    user = await users.create_user("a@example.com", "x")
    with pytest.raises(EncryptionKeyMissingError, match="mfa_secret"):
        await users.update_user(user.id, name="N", mfa_secret=SECRET)
    assert await users.update_user(user.id, name="N")
    await UserStore(database, KEYRING).update_user(user.id, mfa_secret=SECRET)
    assert await users.get_user_by_email("a@example.com")
    with pytest.raises(EncryptionKeyMissingError, match="mfa_secret"):
        await users.get_mfa_secrets(user.id)


async def test_use_backup_code_gives_a_code_to_one_of_many(
    users: UserStore, ada: User, open_database: OpenDatabase
) -> None:
    await users.update_user(ada.id, mfa_secret=SECRET, mfa_backup_codes=CODES)
    other = UserStore(await open_database(), KEYRING)
    used = await asyncio.gather(
        *((users, other)[number % 2].use_backup_code(ada.id, "hash-2") for number in range(8))
    )
    assert sum(used) == 1
    opened = await users.get_mfa_secrets(ada.id)
    assert opened is not None
    assert (opened.secret, opened.backup_codes) == (SECRET, ["hash-1", "hash-3"])
    assert not await users.use_backup_code("nobody", "hash-1")


async def test_rotate_keys_brings_all_secrets_under_the_present_key(
    users: UserStore, database: Database
) -> None:
    people = [await users.create_user(f"u{number}@example.com", "x") for number in range(7)]
    for person in people[:5]:
        await users.update_user(person.id, mfa_secret=SECRET, mfa_backup_codes=CODES)
    lost = UserStore(database, Keyring(bytes(32)))
    await lost.update_user(people[5].id, mfa_secret=SECRET)
    await run(database, f"UPDATE users SET mfa_secret = 'CLEAR' WHERE id = '{people[6].id}'")
    before = await everything(database)

    rotating = UserStore(database, BOTH)
    planned = await rotating.rotate_keys(batch_size=3, dry_run=True)
    assert (planned.resealed, planned.sealed, len(planned.failed)) == (10, 1, 1)
    assert await everything(database) == before

    steps: list[RotationResult] = []
    result = await rotating.rotate_keys(batch_size=3, on_progress=steps.append)
    assert [step.checked for step in steps] == [3, 6, 7]
    assert (result.total, result.checked, result.changed) == (7, 7, 6)
    assert (result.resealed, result.sealed) == (10, 1)
    (failure,) = result.failed
    assert (failure.user_id, failure.integration_type) == (people[5].id, None)
    assert SECRET not in failure.problem

    present = UserStore(database, Keyring(OTHER_KEY))
    for person in people[:5]:
        opened = await present.get_mfa_secrets(person.id)
        assert opened is not None
        assert (opened.secret, opened.backup_codes) == (SECRET, CODES)
    opened = await present.get_mfa_secrets(people[6].id)
    assert opened is not None
    assert opened.secret == "CLEAR"  # noqa: S105
    kept = await lost.get_mfa_secrets(people[5].id)
    assert kept is not None
    assert kept.secret == SECRET

    again = await rotating.rotate_keys()
    assert (again.changed, again.resealed, again.sealed) == (0, 0, 0)


async def test_check_secrets_names_whose_secrets_no_key_fits(
    users: UserStore, ada: User, bob: User
) -> None:
    assert await users.check_secrets() == (0, [])
    await users.update_user(ada.id, mfa_secret=SECRET)
    await UserStore(users.database, BOTH).update_user(bob.id, mfa_secret=SECRET)
    checked, failed = await users.check_secrets()
    assert (checked, [one.user_id for one in failed]) == (2, [bob.id])
    assert SECRET not in failed[0].problem
    assert await UserStore(users.database, BOTH).check_secrets() == (2, [])
    assert (await UserStore(users.database, Keyring()).check_secrets(1))[0] == 1


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}', "no JSON", '"text"'])
async def test_damaged_backup_codes_are_named_and_not_shown(
    users: UserStore, ada: User, text: str
) -> None:
    await run(users.database, f"UPDATE users SET mfa_backup_codes = '{text}'")
    with pytest.raises(DecryptionError, match="mfa_backup_codes"):
        await users.get_mfa_secrets(ada.id)
