"""Tokens that are refused, on each engine."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime, timedelta

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.sessions import SessionStore, token_jti
from tests.stores.samples import days_ago, fetch, numbers, run
from tests.stores.sessions.cases import LATER, jti

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.not-a-real-signature"  # noqa: S105


async def expire(sessions: SessionStore, count: int) -> None:
    """Store refused tokens and revocations that have expired."""
    database = sessions.database
    hashed = "lpad(to_hex(n), 32, '0')" if database.dialect == "postgres" else "printf('%032x', n)"
    at = "'2020-01-01T00:00:00.000000Z'"
    await run(
        database,
        "INSERT INTO token_blacklist (jti, expires_at) "
        f"SELECT {hashed}, {at} FROM {numbers(database, count)}",
    )
    await run(
        database,
        "INSERT INTO token_revocations (user_id, issued_before, expires_at) "
        f"VALUES ('old', {at}, {at})",
    )


def test_token_jti_is_the_beginning_of_a_hash() -> None:
    assert token_jti(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()[:32]


async def test_add_then_contains(sessions: SessionStore) -> None:
    await sessions.add(jti(1), LATER, "u", "stolen")
    await sessions.add(jti(2), (datetime.now(UTC) + timedelta(days=1)).timestamp())
    assert await sessions.contains(jti(1))
    assert await sessions.contains(jti(2))
    assert not await sessions.contains(jti(3))
    assert await sessions.size() == 2
    # For no shorter time than so far, and with what was known of it.
    await sessions.add(jti(1), days_ago(1))
    (token,) = await sessions.get_tokens_of_user("u")
    assert (token.expires_at, token.reason) == (LATER, "stolen")


async def test_contains_is_false_once_a_token_has_expired(sessions: SessionStore) -> None:
    await sessions.add(jti(1), days_ago(0.001))
    assert not await sessions.contains(jti(1))
    assert await sessions.size() == 0


async def test_revoke_then_is_revoked_stores_no_token(
    sessions: SessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await sessions.revoke(TOKEN, LATER, "u")
    assert await sessions.is_revoked(TOKEN)
    assert not await sessions.is_revoked(TOKEN + "x")
    with pytest.raises(InvalidInputError) as caught:
        await sessions.add(TOKEN, LATER)
    for shown in (caplog.text, str(caught.value)):
        assert "eyJ" not in shown
    rows = await fetch(sessions.database, "SELECT * FROM token_blacklist")
    assert [row["jti"] for row in rows] == [token_jti(TOKEN)]
    assert "eyJ" not in str(rows)


async def test_revoke_user_refuses_what_was_issued_before(sessions: SessionStore) -> None:
    now = datetime.now(UTC)
    await sessions.revoke_user("u", LATER, "left", issued_before=now)
    assert await sessions.contains(jti(1), user_id="u", issued_at=now - timedelta(seconds=1))
    assert await sessions.is_revoked(TOKEN, user_id="u", issued_at=now.timestamp() - 1)
    assert not await sessions.contains(jti(1), user_id="u", issued_at=now)
    assert not await sessions.contains(jti(1), user_id="other", issued_at=now - timedelta(1))
    # An earlier time takes nothing back, and a token may be refused by itself as well.
    await sessions.revoke_user("u", LATER, issued_before=now - timedelta(days=1))
    assert await sessions.contains(jti(1), user_id="u", issued_at=now - timedelta(seconds=1))
    await sessions.add(jti(2), LATER)
    assert await sessions.contains(jti(2), user_id="u", issued_at=now + timedelta(days=1))


async def test_get_tokens_of_user_are_the_newest(sessions: SessionStore) -> None:
    for number in range(5):
        await sessions.add(jti(number), LATER, "u")
    await sessions.add(jti(5), LATER, "other")
    found = await sessions.get_tokens_of_user("u", limit=3)
    assert [token.jti for token in found] == [jti(4), jti(3), jti(2)]


async def test_cleanup_expired_deletes_in_batches(sessions: SessionStore) -> None:
    await expire(sessions, 2500)
    await run(
        sessions.database,
        "INSERT INTO token_blacklist (jti, expires_at) "
        f"VALUES ('{'f' * 32}', '2999-01-01T00:00:00.000000Z')",
    )
    assert await sessions.cleanup_expired() == 2500
    assert await sessions.cleanup_expired() == 0
    assert await sessions.size() == 1
    assert await fetch(sessions.database, "SELECT user_id FROM token_revocations") == []


async def test_add_cleans_up_now_and_then(sessions: SessionStore) -> None:
    await expire(sessions, 3)
    await sessions.add(jti(1), LATER)
    assert len(await fetch(sessions.database, "SELECT jti FROM token_blacklist")) == 1
    await sessions.add(jti(2), days_ago(1))
    assert len(await fetch(sessions.database, "SELECT jti FROM token_blacklist")) == 2


async def test_size_counts_concurrent_calls(sessions: SessionStore) -> None:
    await asyncio.gather(*(sessions.add(jti(n % 20), LATER) for n in range(100)))
    assert await sessions.size() == 20
