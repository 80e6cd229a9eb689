"""An account by its address, by the hash of its API key and by an account at a provider.

The raw lanes run the same SQL, with the hash and the normal form of the address made before.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.stores.users import UserStore
from benchmarks.calls import Prepare, race_calls
from benchmarks.measure import Call, Lane, Timings, on
from benchmarks.report import Aim, Report
from benchmarks.run import Run
from benchmarks.servers import new_database
from benchmarks.statements import raw_statement
from benchmarks.ways import asyncpg_driver

__all__ = ["look_up_users"]

RAW, OURS = "asyncpg", "aragora_sql"
USERS = 20_000
_FILL = (
    "INSERT INTO users (id, email, email_key, password_hash, api_key_hash, api_key_expires_at) "
    "SELECT 'u' || n, 'User' || n || '@Example.com', 'user' || n || '@example.com', 'bcrypt:x', "
    "encode(sha256(convert_to('ara_' || n, 'UTF8')), 'hex'), now() + interval '1 year' "
    f"FROM generate_series(1, {USERS}) AS g (n)",
    "INSERT INTO organizations (id, name, slug, owner_id) "
    f"SELECT 'o' || n, 'O', 's' || n, 'u' || n FROM generate_series(1, {USERS}, 10) AS g (n)",
    "INSERT INTO organization_memberships (user_id, org_id) "
    f"SELECT 'u' || n, 'o' || ((n - 1) / 10 * 10 + 1) FROM generate_series(1, {USERS}) AS g (n)",
    "INSERT INTO oauth_providers (user_id, provider, provider_user_id) "
    f"SELECT 'u' || n, 'google', 'g' || n FROM generate_series(1, {USERS}) AS g (n)",
    "VACUUM ANALYZE",
)

# Of a number of an account: what the store is called with, and the driver.
Arguments = Callable[[int], tuple[Any, ...]]


async def look_up_users(run: Run) -> list[Report]:
    """Measure on held connections."""
    async with new_database(run.postgres) as dsn:
        async with asyncpg_driver(dsn) as connection:
            for statement in _FILL:
                await connection.execute(statement)
        return [
            await _race(
                run,
                dsn,
                "by address",
                "get_user_by_email",
                lambda users: users.get_user_by_email,
                lambda n: (f"USER{n}@example.com",),
                lambda n: (f"user{n}@example.com",),
            ),
            await _race(
                run,
                dsn,
                "by API key",
                "get_user_by_api_key",
                lambda users: users.get_user_by_api_key,
                lambda n: (f"ara_{n}",),
                lambda n: (hashlib.sha256(f"ara_{n}".encode()).hexdigest(), utc_now()),
            ),
            await _race(
                run,
                dsn,
                "by account at a provider",
                "get_user_by_oauth",
                lambda users: users.get_user_by_oauth,
                lambda n: ("google", f"g{n}"),
                lambda n: ("google", f"g{n}"),
            ),
        ]


@asynccontextmanager
async def _store(dsn: str) -> AsyncIterator[UserStore]:
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
    try:
        async with database.connection():
            yield UserStore(database, Keyring())
    finally:
        await database.close()


async def _race(
    run: Run,
    dsn: str,
    title: str,
    query: str,
    method: Callable[[UserStore], Callable[..., Awaitable[object]]],
    of_store: Arguments,
    of_driver: Arguments,
) -> Report:
    chooser = random.Random(17)
    sql = raw_statement("postgres", query, "users").sql

    def some(arguments: Arguments) -> Prepare:
        return lambda count: [arguments(chooser.randint(1, USERS)) for _ in range(count)]

    def driver(connection: Any) -> Call:
        return lambda given: connection.fetchrow(sql, *given)

    def ours(users: UserStore) -> Call:
        call = method(users)
        return lambda given: call(*given)

    lanes = [
        Lane(RAW, some(of_driver), on(driver, asyncpg_driver, dsn)),
        Lane(OURS, some(of_store), on(ours, _store, dsn)),
    ]

    def aims(timings: Timings) -> list[Aim]:
        text = f"account {title} on a held connection, times asyncpg"
        return [Aim.at_most(text, timings.ratio(OURS, RAW), 1.3)]

    name = f"users-postgres-{title.split()[-1].lower()}"
    return await race_calls(
        run, name, f"PostgreSQL, account {title}", lanes, {"x asyncpg": RAW}, aims
    )
