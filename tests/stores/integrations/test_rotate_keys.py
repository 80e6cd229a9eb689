"""Encrypting all secrets again: in batches, interrupted anywhere, and beside other work."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.stores.integrations.records import IntegrationConfig, RotationResult
from aragora_sql.stores.integrations.store import IntegrationStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, fetch, run

NEW_KEY = OTHER_KEY
LOST_KEY = bytes(32)
BOTH = Keyring(NEW_KEY, [KEY])
ROOT = Path(__file__).resolve().parents[3]


async def store_secrets(database: Database, count: int, keyring: Keyring = KEYRING) -> None:
    store = IntegrationStore(database, keyring)
    async with database.transaction():
        for number in range(count):
            await store.save(
                IntegrationConfig(
                    integration_type="slack",
                    user_id=f"u{number:04}",
                    settings={"bot_token": f"{number}", "nested": [{"client_secret": number}]},
                )
            )


async def count_readable(database: Database, keyring: Keyring) -> int:
    """Count the integrations whose secrets are right under these keys, and check the others."""
    listed = await IntegrationStore(database, keyring).list_all(10_000)
    readable = [config for config in listed if config.problem is None]
    for config in readable:
        number = int(config.user_id[1:])
        assert config.settings == {"bot_token": f"{number}", "nested": [{"client_secret": number}]}
    return len(readable)


async def updates(database: Database) -> list[Any]:
    return await fetch(database, "SELECT updated_at, settings FROM integrations ORDER BY user_id")


async def test_rotate_keys_brings_everything_under_the_new_key(database: Database) -> None:
    await store_secrets(database, 25)
    steps: list[RotationResult] = []
    result = await IntegrationStore(database, BOTH).rotate_keys(
        batch_size=10, on_progress=steps.append
    )
    assert (result.total, result.checked, result.changed) == (25, 25, 25)
    assert (result.resealed, result.sealed, result.failed) == (50, 0, [])
    assert [step.checked for step in steps] == [10, 20, 25]
    assert await count_readable(database, Keyring(NEW_KEY)) == 25
    assert await count_readable(database, KEYRING) == 0

    before = await updates(database)
    again = await IntegrationStore(database, BOTH).rotate_keys(batch_size=7)
    assert (again.checked, again.changed) == (25, 0)
    assert await updates(database) == before


async def test_a_dry_run_changes_nothing(database: Database) -> None:
    await store_secrets(database, 5)
    before = await updates(database)
    result = await IntegrationStore(database, BOTH).rotate_keys(batch_size=2, dry_run=True)
    assert (result.checked, result.changed, result.resealed) == (5, 5, 10)
    assert result.dry_run
    assert await updates(database) == before


async def test_secrets_in_the_clear_are_encrypted(database: Database) -> None:
    await run(
        database,
        "INSERT INTO integrations (user_id, integration_type, settings) VALUES "
        """('u0', 'slack', '{"bot_token": "clear", "channel": "c"}')""",
    )
    result = await IntegrationStore(database, BOTH).rotate_keys()
    assert (result.changed, result.resealed, result.sealed) == (1, 0, 1)
    (row,) = await fetch(database, "SELECT settings FROM integrations")
    assert "clear" not in str(row)
    (config,) = await IntegrationStore(database, Keyring(NEW_KEY)).list_all()
    assert config.settings == {"bot_token": "clear", "channel": "c"}


async def test_what_no_key_fits_is_named_and_left(database: Database) -> None:
    await store_secrets(database, 5)
    lost = IntegrationStore(database, Keyring(LOST_KEY))
    config = IntegrationConfig(integration_type="slack", user_id="u0002", settings={"token": "x"})
    await lost.save(config)
    result = await IntegrationStore(database, BOTH).rotate_keys(batch_size=2)
    assert (result.checked, result.changed) == (5, 4)
    (failure,) = result.failed
    assert (failure.user_id, failure.integration_type) == ("u0002", "slack")
    assert "can't be decrypted" in failure.problem
    assert await count_readable(database, Keyring(NEW_KEY)) == 4
    unchanged = await lost.get("slack", "u0002")
    assert unchanged is not None
    assert unchanged.settings == {"token": "x"}


async def test_saving_goes_on_meanwhile(database: Database, open_database: OpenDatabase) -> None:
    await store_secrets(database, 60)
    application = IntegrationStore(await open_database(), BOTH)
    rotating = IntegrationStore(database, BOTH)

    async def work(number: int) -> None:
        config = await application.get("slack", f"u{number:04}")
        assert config is not None
        await application.save(config)
        await application.record_message("slack", f"u{number:04}")

    await asyncio.gather(
        rotating.rotate_keys(batch_size=5), *(work(n) for n in reversed(range(60)))
    )
    assert await count_readable(database, Keyring(NEW_KEY)) == 60
    sent = {config.messages_sent for config in await rotating.list_all()}
    assert sent == {1}


# Rotates, and stops for good while it seals the secret of the given number.
CHILD = """
import asyncio, json, sys, time
from pathlib import Path
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.stores.integrations.store import IntegrationStore

kind, location, new, old, last = json.loads(sys.argv[1])

class Stopping(Keyring):
    count = 0

    def seal(self, plaintext, associated_data):
        self.count += 1
        if self.count == last:
            print("stopped", flush=True)
            time.sleep(3600)
        return super().seal(plaintext, associated_data)

async def main():
    if kind == "sqlite":
        database = SQLiteDatabase(location)
    else:
        database = await PostgresDatabase.connect(location, 1, 1)
    keyring = Stopping(bytes.fromhex(new), [bytes.fromhex(old)])
    await IntegrationStore(database, keyring).rotate_keys(batch_size=10)

asyncio.run(main())
"""


async def test_killed_in_the_middle_of_a_batch_and_resumed(
    database: Database, location: str | Path
) -> None:
    await store_secrets(database, 60)
    # two secrets in each: within the fourth batch of ten
    arguments = [database.dialect, str(location), NEW_KEY.hex(), KEY.hex(), 2 * 35]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        json.dumps(arguments),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"stopped\n"
    finally:
        child.kill()
        await child.wait()

    # Three batches are kept whole, the fourth not at all, and everything can be read meanwhile.
    assert await count_readable(database, BOTH) == 60
    assert await count_readable(database, Keyring(NEW_KEY)) == 30
    assert await count_readable(database, KEYRING) == 30

    result = await IntegrationStore(database, BOTH).rotate_keys(batch_size=10)
    assert (result.checked, result.changed, result.resealed) == (60, 30, 60)
    assert await count_readable(database, Keyring(NEW_KEY)) == 60


async def test_ten_thousand_integrations(database: Database) -> None:
    numbers = (
        "generate_series(1, 10000) AS g (n)"
        if database.dialect == "postgres"
        else "(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 10000) "
        "SELECT n FROM g) AS g"
    )
    cast = "::jsonb" if database.dialect == "postgres" else ""
    await run(
        database,
        "INSERT INTO integrations (user_id, integration_type, workspace_id, settings) "
        "SELECT 'u' || n, 'slack', 'w' || (n % 10), "
        f"""('{{"webhook_url": "https://hooks.example.com/' || n || '"}}'){cast} FROM {numbers}""",
    )
    store = IntegrationStore(database, KEYRING)
    result = await store.rotate_keys(batch_size=1000)
    assert (result.checked, result.sealed) == (10_000, 10_000)
    seen = []
    page = await store.list_all()
    while page:
        assert len(page) == 1000
        seen += [config.user_id for config in page]
        page = await store.list_all(after=page[-1])
    assert seen == sorted(f"u{n}" for n in range(1, 10_001))
    workspace = await store.list_for_workspace("w3", 5000)
    assert len(workspace) == 1000
    assert workspace[0].settings["webhook_url"] == (
        f"https://hooks.example.com/{workspace[0].user_id[1:]}"
    )
