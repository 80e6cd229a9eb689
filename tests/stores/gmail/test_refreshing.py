"""Tokens are refreshed by one at a time, on each engine."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DatabaseUseError,
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
    NotConnectedError,
    VersionConflictError,
)
from aragora_sql.stores.gmail import GmailState, GmailTokenStore, RefreshedTokens
from tests.conftest import OpenDatabase
from tests.stores.gmail.cases import state
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, days_ago, fetch, run

ROOT = Path(__file__).parents[3]


class Provider:
    """A provider that counts its calls and gives a new refresh token each time.

    It answers when ``gate`` is open, and refuses a refresh token that it has replaced.
    """

    def __init__(self, *, expiry_days: float = 1.0) -> None:
        self.calls = 0
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._expiry_days = expiry_days

    async def __call__(self, mailbox: GmailState) -> RefreshedTokens:
        assert mailbox.refresh_token == f"refresh-{self.calls}", "it was used before"
        self.calls += 1
        number = self.calls
        self.asked.set()
        await self.gate.wait()
        return RefreshedTokens(
            access_token=f"access-{number}",
            refresh_token=f"refresh-{number}",
            token_expiry=days_ago(-self._expiry_days),
        )


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def never(mailbox: GmailState) -> RefreshedTokens:
    raise AssertionError("the provider is not needed")


async def leases(database: Database) -> list[tuple[object, object]]:
    rows = await fetch(database, "SELECT refresh_holder, refresh_until FROM gmail_tokens")
    return [(row["refresh_holder"], row["refresh_until"]) for row in rows]


async def test_refresh_stores_what_the_provider_gives(
    gmail: GmailTokenStore, provider: Provider
) -> None:
    saved = await gmail.save(state(org_id="acme", history_id="7"))
    found = await gmail.refresh("u", provider)
    assert found is not None
    assert (found.access_token, found.refresh_token) == ("access-1", "refresh-1")
    assert (found.org_id, found.history_id, found.token_version) == ("acme", "7", 2)
    assert await gmail.get("u") == found
    assert found.updated_at is not None
    assert saved.updated_at is not None
    assert found.updated_at > saved.updated_at
    assert await leases(gmail.database) == [(None, None)]
    assert await gmail.refresh("unknown", never) is None


async def test_refresh_keeps_the_refresh_token_where_none_comes(gmail: GmailTokenStore) -> None:
    async def access_only(mailbox: GmailState) -> RefreshedTokens:
        return RefreshedTokens(access_token="access-1")  # noqa: S106

    await gmail.save(state())
    found = await gmail.refresh("u", access_only)
    assert found is not None
    assert (found.refresh_token, found.token_expiry) == ("refresh-0", None)
    # what never expires is not due
    assert await gmail.refresh("u", never) == found


@pytest.mark.parametrize(
    ("seconds", "access_token", "is_due"),
    [
        (30, "access-0", True),
        (90, "access-0", False),
        (None, "access-0", False),
        (None, None, True),
        (90, None, True),
    ],
    ids=["soon", "later", "unknown", "no access token", "none, and an expiry"],
)
async def test_refresh_of_tokens_that_are_due_only(
    gmail: GmailTokenStore,
    provider: Provider,
    seconds: int | None,
    access_token: str | None,
    is_due: bool,
) -> None:
    expiry = None if seconds is None else days_ago(-seconds / 86400)
    await gmail.save(state(token_expiry=expiry, access_token=access_token))
    await gmail.refresh("u", provider, margin_seconds=60)
    assert provider.calls == is_due


async def test_refresh_of_a_known_version(gmail: GmailTokenStore, provider: Provider) -> None:
    """The provider refused a token that has not expired; of those who saw it one refreshes it."""
    saved = await gmail.save(state(token_expiry=days_ago(-1)))
    assert await gmail.refresh("u", never) == saved
    refreshed = await gmail.refresh("u", provider, known_version=saved.token_version)
    assert refreshed is not None
    assert refreshed.access_token == "access-1"  # noqa: S105
    assert await gmail.refresh("u", never, known_version=saved.token_version) == refreshed


@pytest.mark.parametrize(
    ("expiry_days", "known_version"),
    [(1.0, None), (-1.0, 1)],
    ids=["good tokens", "tokens that have expired when they come"],
)
async def test_refresh_by_many_at_once_asks_the_provider_once(
    gmail: GmailTokenStore,
    open_database: OpenDatabase,
    expiry_days: float,
    known_version: int | None,
) -> None:
    provider = Provider(expiry_days=expiry_days)
    await gmail.save(state())
    stores = [gmail, *[GmailTokenStore(await open_database(), KEYRING) for _ in range(3)]]
    provider.gate.clear()
    calls = [
        asyncio.create_task(store.refresh("u", provider, known_version=known_version))
        for store in stores * 3
    ]
    await provider.asked.wait()
    provider.gate.set()
    found = await asyncio.gather(*calls)
    assert provider.calls == 1
    assert {(one.access_token, one.token_version) for one in found if one} == {("access-1", 2)}
    assert len(found) == 12


CHILD = """
import asyncio, json, sys
from pathlib import Path
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.stores.gmail import GmailTokenStore, RefreshedTokens

dialect, location, key, behave = json.loads(sys.argv[1])

async def refresher(mailbox):
    print("asked", flush=True)
    if behave == "hang":
        await asyncio.sleep(600)
    return RefreshedTokens(
        access_token="access-1", refresh_token="refresh-1", token_expiry=mailbox.connected_at
    )

async def main():
    if dialect == "postgres":
        database = await PostgresDatabase.connect(location, 1, 2)
    else:
        database = SQLiteDatabase(Path(location))
    store = GmailTokenStore(database, Keyring(bytes.fromhex(key)))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    found = await store.refresh("u", refresher, lease_seconds=float(behave == "hang") * 2 or 60)
    print(json.dumps([found.access_token, found.token_version]), flush=True)
    await database.close()

asyncio.run(main())
"""


async def started(
    database: Database, location: str | Path, behave: str
) -> asyncio.subprocess.Process:
    """Start a process that refreshes as soon as it is told to."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        json.dumps([database.dialect, str(location), KEY.hex(), behave]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    return child


async def test_refresh_by_processes_at_once_asks_the_provider_once(
    gmail: GmailTokenStore, location: str | Path
) -> None:
    await gmail.save(state(connected_at=days_ago(-1)))
    children = await asyncio.gather(
        *(started(gmail.database, location, "answer") for _ in range(3))
    )
    said = await asyncio.gather(*(child.communicate(b"\n") for child in children))
    lines = [line for out, _ in said for line in out.decode().splitlines()]
    assert lines.count("asked") == 1
    assert lines.count('["access-1", 2]') == 3
    assert len(lines) == 4


async def test_refresh_goes_on_when_its_holder_was_killed(
    gmail: GmailTokenStore, location: str | Path, provider: Provider
) -> None:
    await gmail.save(state())
    child = await started(gmail.database, location, "hang")
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    assert await child.stdout.readline() == b"asked\n"
    child.kill()
    await child.wait()
    assert (await leases(gmail.database))[0][0] is not None
    # It waits until the lease of the dead one is over.
    async with asyncio.timeout(30):
        found = await gmail.refresh("u", provider)
    assert found is not None
    assert (found.access_token, provider.calls) == ("access-1", 1)


async def test_refresh_that_fails_lets_the_next_one_try(
    gmail: GmailTokenStore, open_database: OpenDatabase, provider: Provider
) -> None:
    gate = asyncio.Event()

    async def failing(mailbox: GmailState) -> RefreshedTokens:
        provider.asked.set()
        await gate.wait()
        raise ConnectionError("the provider is down")

    await gmail.save(state())
    other = GmailTokenStore(await open_database(), KEYRING)
    first = asyncio.create_task(gmail.refresh("u", failing))
    await provider.asked.wait()
    second = asyncio.create_task(other.refresh("u", provider))
    gate.set()
    with pytest.raises(ConnectionError):
        await first
    found = await second
    assert found is not None
    assert (found.access_token, provider.calls) == ("access-1", 1)


async def test_refresh_that_is_cancelled_ends_its_lease(
    gmail: GmailTokenStore, provider: Provider
) -> None:
    await gmail.save(state())
    provider.gate.clear()
    call = asyncio.create_task(gmail.refresh("u", provider))
    await provider.asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await leases(gmail.database) == [(None, None)]


async def test_refresh_that_takes_longer_than_its_lease_is_stopped(
    gmail: GmailTokenStore, provider: Provider
) -> None:
    await gmail.save(state())
    provider.gate.clear()
    with pytest.raises(TimeoutError):
        await gmail.refresh("u", provider, lease_seconds=0.05)
    assert await leases(gmail.database) == [(None, None)]
    kept = await gmail.get("u")
    assert kept is not None
    assert kept.token_version == 1


@pytest.mark.parametrize("after", ["connected again", "deleted"])
async def test_refresh_in_vain(gmail: GmailTokenStore, provider: Provider, after: str) -> None:
    await gmail.save(state())
    provider.gate.clear()
    call = asyncio.create_task(gmail.refresh("u", provider))
    await provider.asked.wait()
    again = None
    if after == "deleted":
        assert await gmail.delete("u")
    else:
        again = await gmail.save(state(refresh_token="of another consent"))  # noqa: S106
    provider.gate.set()
    assert await call == again
    assert await gmail.get("u") == again


async def test_save_of_what_was_read_waits_for_no_refresh_and_undoes_none(
    gmail: GmailTokenStore, provider: Provider
) -> None:
    read = await gmail.save(state())
    provider.gate.clear()
    call = asyncio.create_task(gmail.refresh("u", provider))
    await provider.asked.wait()
    with pytest.raises(VersionConflictError, match="being refreshed"):
        await gmail.save(replace(read, history_id="7"))
    assert await gmail.record_sync("u", "7")
    provider.gate.set()
    found = await call
    assert found is not None
    assert (found.access_token, found.history_id) == ("access-1", "7")
    with pytest.raises(VersionConflictError, match="has version 2"):
        await gmail.save(replace(read, history_id="8"))
    assert (await gmail.save(replace(found, history_id="8"))).token_version == 3


async def test_save_is_possible_when_a_lease_is_over(gmail: GmailTokenStore) -> None:
    read = await gmail.save(state())
    past = "'2026-01-01T00:00:00.000000Z'"
    await run(
        gmail.database,
        f"UPDATE gmail_tokens SET refresh_holder = 'dead', refresh_until = {past}",
    )
    assert (await gmail.save(read)).token_version == 2
    assert await leases(gmail.database) == [(None, None)]


async def test_refresh_of_what_is_not_connected(gmail: GmailTokenStore) -> None:
    await gmail.save(state(refresh_token=None))
    with pytest.raises(NotConnectedError, match="user 'u'"):
        await gmail.refresh("u", never)
    # a good access token needs no other one
    good = await gmail.save(state(refresh_token=None, token_expiry=days_ago(-1)))
    assert await gmail.refresh("u", never) == good


async def test_refresh_within_a_transaction_is_refused(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    async with gmail.database.transaction():
        with pytest.raises(DatabaseUseError, match="outside of transactions"):
            await gmail.refresh("u", never)


async def test_refresh_that_gives_nothing_good_ends_its_lease(gmail: GmailTokenStore) -> None:
    await gmail.save(state())

    async def odd(mailbox: GmailState) -> RefreshedTokens:
        return {"access_token": "a"}  # type: ignore[return-value]

    async def empty(mailbox: GmailState) -> RefreshedTokens:
        return RefreshedTokens(access_token="")

    for refresher, argument in ((odd, "refresher"), (empty, "access_token")):
        with pytest.raises(InvalidInputError) as caught:
            await gmail.refresh("u", refresher)
        assert caught.value.argument == argument
        assert await leases(gmail.database) == [(None, None)]


async def test_refresh_of_tokens_that_no_key_opens(gmail: GmailTokenStore) -> None:
    await gmail.save(state())
    with pytest.raises(DecryptionError):
        await GmailTokenStore(gmail.database, Keyring(OTHER_KEY)).refresh("u", never)
    assert await leases(gmail.database) == [(None, None)]
    with pytest.raises(EncryptionKeyMissingError):
        await GmailTokenStore(gmail.database, Keyring()).refresh("u", never)


def test_refreshed_tokens_show_nothing() -> None:
    tokens = RefreshedTokens(access_token="access-1", refresh_token="refresh-1")  # noqa: S106
    assert "access" not in repr(tokens)
    assert "refresh-1" not in str(tokens)
