"""Sign-in: accounts at providers, lockout, password reset."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.errors import AlreadyTakenError, MissingParentError, ResetTokenLimitError
from aragora_sql.stores.users import LOCKOUT_STEPS, User, UserStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEYRING, fetch, fetch_value, run

EMAIL = "ada@example.com"


# Providers


async def test_link_oauth_provider_then_get_user_by_oauth(
    users: UserStore, ada: User, bob: User
) -> None:
    assert await users.link_oauth_provider(ada.id, "Google", "g1", "Ada@gmail.example")
    assert await users.link_oauth_provider(ada.id, "google", "g2")
    assert await users.link_oauth_provider(bob.id, "github", "g1")
    assert await users.get_user_by_oauth("GOOGLE", "g1") == ada
    assert await users.get_user_by_oauth("github", "g1") == bob
    assert await users.get_user_by_oauth("github", "g2") is None
    links = await users.get_user_oauth_providers(ada.id)
    assert [(one.provider, one.provider_user_id, one.email) for one in links] == [
        ("google", "g1", "Ada@gmail.example"),
        ("google", "g2", None),
    ]
    with pytest.raises(MissingParentError):
        await users.link_oauth_provider("nobody", "google", "g9")


async def test_link_oauth_provider_never_takes_another_users_account(
    users: UserStore, ada: User, bob: User
) -> None:
    await users.link_oauth_provider(ada.id, "google", "g1", "a@x.example")
    with pytest.raises(AlreadyTakenError) as caught:
        await users.link_oauth_provider(bob.id, "google", "g1", "b@x.example")
    assert caught.value.argument == "provider_user_id"
    assert await users.get_user_by_oauth("google", "g1") == ada
    # one's own may change its address
    assert await users.link_oauth_provider(ada.id, "google", "g1", "c@x.example")
    (link,) = await users.get_user_oauth_providers(ada.id)
    assert link.email == "c@x.example"


async def test_get_user_oauth_providers_of_nobody(users: UserStore) -> None:
    assert await users.get_user_oauth_providers("nobody") == []


async def test_unlink_oauth_provider_takes_all_of_a_provider(users: UserStore, ada: User) -> None:
    for provider, number in (("google", "1"), ("google", "2"), ("github", "1")):
        await users.link_oauth_provider(ada.id, provider, number)
    assert await users.unlink_oauth_provider(ada.id, "Google")
    assert not await users.unlink_oauth_provider(ada.id, "google")
    assert [one.provider for one in await users.get_user_oauth_providers(ada.id)] == ["github"]


# Lockout


async def test_record_failed_login_and_is_account_locked_by_the_documented_steps(
    users: UserStore, ada: User
) -> None:
    for number in range(1, 23):
        begin = utc_now()
        attempts, until = await users.record_failed_login("ADA@example.com")
        end = utc_now()
        assert attempts == number
        step = max((one for one in LOCKOUT_STEPS if number >= one[0]), default=None)
        if step is None:
            assert until is None
            assert await users.is_account_locked(EMAIL) == (False, None, number)
        else:
            assert until is not None
            assert begin + step[1] <= until <= end + step[1]
            assert await users.is_account_locked(EMAIL) == (True, until, number)
    assert await users.record_failed_login("nobody@example.com") == (0, None)
    assert await users.is_account_locked("nobody@example.com") == (False, None, 0)


async def test_a_hundred_record_failed_login_at_once_count_a_hundred(
    users: UserStore, ada: User, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    outcomes = await asyncio.gather(
        *((users, other)[number % 2].record_failed_login(EMAIL) for number in range(100))
    )
    assert sorted(attempts for attempts, _ in outcomes) == list(range(1, 101))
    assert (await users.is_account_locked(EMAIL))[2] == 100
    assert all((until is None) == (attempts < 5) for attempts, until in outcomes)


async def test_reset_failed_login_attempts_forgets_them_and_keeps_the_login(
    users: UserStore, ada: User
) -> None:
    for _ in range(6):
        await users.record_failed_login(EMAIL)
    begin = utc_now()
    assert await users.reset_failed_login_attempts(EMAIL)
    assert await users.is_account_locked(EMAIL) == (False, None, 0)
    user = await users.get_user_by_id(ada.id)
    assert user is not None
    assert user.last_login_at is not None
    assert begin <= user.last_login_at <= utc_now()
    assert not await users.reset_failed_login_attempts("nobody@example.com")


async def lock_until(database: Database, moment: datetime) -> None:
    await run(database, f"UPDATE users SET lockout_until = '{format_timestamp(moment)}'")


async def test_a_lock_that_is_over_locks_no_more_and_the_count_stays(
    users: UserStore, ada: User
) -> None:
    for _ in range(5):
        await users.record_failed_login(EMAIL)
    await lock_until(users.database, utc_now() - timedelta(microseconds=1))
    assert await users.is_account_locked(EMAIL) == (False, None, 5)
    assert (await users.record_failed_login(EMAIL))[0] == 6
    assert (await users.is_account_locked(EMAIL))[0]


async def test_get_lockout_info_says_what_is_left(users: UserStore, ada: User) -> None:
    info = await users.get_lockout_info("Ada@Example.com")
    assert (info.email, info.exists, info.is_locked, info.attempts_left) == (EMAIL, True, False, 4)
    for _ in range(4):
        await users.record_failed_login(EMAIL)
    info = await users.get_lockout_info(EMAIL)
    assert (info.failed_attempts, info.attempts_left, info.remaining_seconds) == (4, 0, 0.0)
    await users.record_failed_login(EMAIL)
    info = await users.get_lockout_info(EMAIL)
    assert (info.is_locked, info.attempts_left) == (True, 4)
    assert 0 < info.remaining_seconds <= 900
    assert info.last_failed_at is not None
    nobody = await users.get_lockout_info("nobody@example.com")
    assert (nobody.exists, nobody.is_locked, nobody.failed_attempts) == (False, False, 0)


# Password reset


async def test_create_reset_token_then_validate_reset_token_and_consume_reset_token(
    users: UserStore,
) -> None:
    token = await users.create_reset_token(" Ada@Example.com ")
    assert len(token) == 43
    (row,) = await fetch(users.database, "SELECT * FROM password_reset_tokens")
    assert token not in str(dict(row))
    assert row["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert await users.validate_reset_token(token) == (EMAIL, None)
    assert await users.validate_reset_token(token) == (EMAIL, None)
    assert await users.consume_reset_token(token) == EMAIL
    assert await users.consume_reset_token(token) is None
    assert await users.validate_reset_token(token) == (None, "used")
    assert await users.validate_reset_token("x") == (None, "unknown")
    assert await users.consume_reset_token("x") is None


async def let_expire(database: Database, hours: float = 0) -> None:
    moment = format_timestamp(utc_now() - timedelta(hours=hours))
    await run(
        database,
        f"UPDATE password_reset_tokens SET expires_at = '{moment}', created_at = '{moment}'",
    )


async def test_validate_reset_token_knows_one_that_is_over(users: UserStore) -> None:
    token = await users.create_reset_token(EMAIL)
    await let_expire(users.database)
    assert await users.validate_reset_token(token) == (None, "expired")
    assert await users.consume_reset_token(token) is None


async def test_consume_reset_token_gives_it_to_one_of_many(
    users: UserStore, open_database: OpenDatabase
) -> None:
    token = await users.create_reset_token(EMAIL)
    other = UserStore(await open_database(), KEYRING)
    outcomes = await asyncio.gather(
        *((users, other)[number % 2].consume_reset_token(token) for number in range(10))
    )
    assert sorted(map(str, outcomes)) == ["None"] * 9 + [EMAIL]


async def test_create_reset_token_three_times_an_hour_also_at_once(
    users: UserStore, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    outcomes = await asyncio.gather(
        *((users, other)[number % 2].create_reset_token(EMAIL) for number in range(8)),
        return_exceptions=True,
    )
    tokens = [one for one in outcomes if isinstance(one, str)]
    assert len(set(tokens)) == 3
    assert sum(isinstance(one, ResetTokenLimitError) for one in outcomes) == 5
    # used or void ones count as before, other addresses do not
    await users.consume_reset_token(tokens[0])
    assert await users.invalidate_reset_tokens("ADA@example.com") == 2
    with pytest.raises(ResetTokenLimitError):
        await users.create_reset_token("Ada@example.com")
    await users.create_reset_token("bob@example.com")
    await let_expire(users.database, hours=1)
    await users.create_reset_token(EMAIL)


async def test_invalidate_reset_tokens_makes_them_void(users: UserStore) -> None:
    token = await users.create_reset_token(EMAIL)
    assert await users.invalidate_reset_tokens(EMAIL) == 1
    assert await users.invalidate_reset_tokens(EMAIL) == 0
    assert await users.validate_reset_token(token) == (None, "used")


async def test_reset_tokens_of_an_address_that_is_given_up_are_void(
    users: UserStore, ada: User
) -> None:
    token = await users.create_reset_token(EMAIL)
    await users.update_user(ada.id, email="ADA@example.com")
    assert await users.validate_reset_token(token) == (EMAIL, None)
    await users.update_user(ada.id, email="other@example.com")
    assert await users.validate_reset_token(token) == (None, "used")


async def test_cleanup_reset_tokens_leaves_those_that_count(users: UserStore) -> None:
    await users.create_reset_token(EMAIL)
    assert await users.cleanup_reset_tokens() == 0
    await let_expire(users.database, hours=2)
    await users.create_reset_token(EMAIL)
    assert await users.cleanup_reset_tokens() == 1
    assert await fetch_value(users.database, "SELECT count(*) FROM password_reset_tokens") == 1
