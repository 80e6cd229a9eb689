"""Options of connection URIs: those of other drivers, and that no error of a driver gets out."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path

import pytest

from aragora_sql.database.postgres import PostgresDatabase, create_pool
from aragora_sql.database.psycopg_errors import driver_errors
from aragora_sql.dsn import LIBPQ_OPTIONS, OWN_OPTIONS, PostgresDSN
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseUnavailableError,
    PoolTimeoutError,
)
from aragora_sql.migration.target import connect
from tests.database.items import Items
from tests.database.waiting import outside

HABITS = {"ssl", "sslaccept", "schema", "currentSchema", "supa", "statement_cache_size"}
SETTINGS = {
    "search_path",
    "lock_timeout",
    "jit",
    "role",
    "timezone",
    "extra.thing",
    "sslmod",
    "ssl_ca",
}
VALUES = ("", "true", "-1", "99999999999999999999", "/no/such/file", "é '")
# Where a value would make the driver look for another machine, or wait.
LEFT_OUT = {"host", "hostaddr", "service", "port", "options", "replication", "load_balance_hosts"}
NAMES = sorted((LIBPQ_OPTIONS | OWN_OPTIONS | HABITS | SETTINGS) - LEFT_OUT)


def with_option(dsn: str, name: str, value: str) -> PostgresDSN:
    """A DSN with one more option, put together as a text and taken apart again."""
    base = PostgresDSN.parse(dsn)
    given = (*base.options, (name, value))
    return PostgresDSN.parse(PostgresDSN(base.user, None, base.hosts, base.database, given).uri())


@pytest.mark.parametrize("name", NAMES)
async def test_whatever_an_option_says_no_other_error_gets_out(
    postgres_dsn: str, name: str
) -> None:
    """The same for both drivers: a connection that works, or an error of ours."""
    for value in VALUES:
        try:
            dsn = with_option(postgres_dsn, name, value)
        except ConfigurationError:
            continue
        with suppress(ConfigurationError, DatabaseUnavailableError):
            pool = await create_pool(dsn, 1, 1)
            async with PostgresDatabase(pool).read() as connection:
                await connection.run_script("test", "SELECT 1")
            await pool.close()
        with suppress(AragoraSQLError), connect(dsn) as session, driver_errors("test"):
            session.execute("SELECT 1")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ssl=true", [("sslmode", "require")]),
        ("ssl=1", [("sslmode", "require")]),
        ("ssl=false", [("sslmode", "disable")]),
        ("ssl=verify-full", [("sslmode", "verify-full")]),
        ("ssl=no-verify", [("sslmode", "require")]),
        ("ssl=true&sslmode=require", [("sslmode", "require")]),
        ("sslaccept=strict", [("sslmode", "verify-full")]),
        ("supa=base-pooler.x", []),
        ("schema=shop", [("search_path", "shop")]),
        ("currentSchema=shop", [("search_path", "shop")]),
        ("schema=shop&search_path=shop", [("search_path", "shop")]),
        ("connection_limit=3", [("connection_limit", "3")]),
        ("pgbouncer=TRUE", [("pgbouncer", "true")]),
        ("pgbouncer=off", [("pgbouncer", "false")]),
        ("statement_cache_size=0", [("pgbouncer", "true")]),
        ("application_name=a+b", [("application_name", "a+b")]),
        ("application_name=a%2Bb%20c", [("application_name", "a+b c")]),
        ("options=-c%20search_path=a", [("options", "-c search_path=a")]),
    ],
)
def test_options_of_other_drivers_are_understood(given: str, meant: list[tuple[str, str]]) -> None:
    dsn = PostgresDSN.parse(f"postgresql://h/db?{given}")
    assert list(dsn.options) == meant
    assert PostgresDSN.parse(dsn.uri()) == dsn


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("ssl=maybe", "ssl has a value that is not one of"),
        ("sslaccept=never", "sslaccept has a value"),
        ("ssl=true&sslmode=disable", "sslmode=disable and sslmode=require"),
        ("schema=a&search_path=b", "name different schemas"),
        ("pgbouncer=perhaps", "neither true nor false"),
        ("statement_cache_size=100", "statement_cache_size can only be 0"),
        ("target_session_attrs=writable", "not one of any, read-write, read-only, primary"),
        ("a=%zz", "unescaped '%'"),
        ("=x", "name=value"),
        ("a%00b=1", "letters, digits"),
        ("a=%00", "NUL"),
    ],
)
def test_options_that_contradict_or_mean_nothing_are_refused(given: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        PostgresDSN.parse(f"postgresql://h/db?{given}", "DATABASE_URL")
    assert str(caught.value).startswith("DATABASE_URL: ")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("sslmod=require", r"'sslmod' is neither .* \(did you mean 'sslmode'\?\)"),
        ("conection_limit=3", "did you mean 'connection_limit'"),
        ("socket_timeout=3", "'socket_timeout' is neither"),
        ("lock_timeout=soon", "lock_timeout"),
        ("connection_limit=none", "connection_limit is not a whole number"),
        ("connection_limit=0", "connection_limit is not a whole number from 1 up"),
        ("pool_timeout=x", "pool_timeout is not a whole number"),
        ("sslrootcert=/no/such/root.crt", "sslrootcert: there is no file /no/such/root.crt"),
        ("sslkey=/no/such/key", "sslkey: there is no file /no/such/key"),
        ("passfile=/no/such/pgpass", "passfile: there is no file"),
        (f"sslrootcert={__file__}", "sslrootcert: .* holds no certificates"),
        (f"sslcert={__file__}", "sslcert, sslkey: .* can't be used"),
    ],
)
async def test_options_that_nobody_can_follow_are_named(
    postgres_dsn: str, given: str, problem: str
) -> None:
    dsn = PostgresDSN.parse(f"{postgres_dsn}&{given}")
    with pytest.raises(ConfigurationError, match=problem):
        await create_pool(dsn, 1, 1)
    if "connection_limit" not in given and "pool_timeout" not in given:
        with pytest.raises(ConfigurationError, match=given.partition("=")[0]):
            connect(dsn)


async def test_both_drivers_take_settings_of_the_server(postgres_dsn: str) -> None:
    dsn = PostgresDSN.parse(f"{postgres_dsn}&schema=pg_catalog,%20public&lock_timeout=123")
    for asked, answer in (("search_path", "pg_catalog, public"), ("lock_timeout", "123ms")):
        pool = await create_pool(dsn, 1, 1)
        assert await pool.fetchval(f"SHOW {asked}") == answer
        await pool.close()
        with connect(dsn) as session:
            assert session.execute(f"SHOW {asked}".encode()).fetchone() == (answer,)


async def test_the_limits_of_a_pool_may_stand_in_the_dsn(
    postgres_dsn: str, items_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_POSTGRES_POOL_MAX", "7")
    dsn = f"{postgres_dsn}&connection_limit=1&pool_timeout=1"
    database = await PostgresDatabase.connect(dsn)
    assert (database.metrics().min_size, database.metrics().max_size) == (1, 1)
    items = await Items.create(database, items_tree)
    async with database.read():
        with pytest.raises(PoolTimeoutError, match="within 1 s"):
            await outside(items.ids())
    await database.close()
    for size in (2, 3):
        asked = await PostgresDatabase.connect(dsn, 1, size)
        assert asked.metrics().max_size == size
        await asked.close()


def test_every_text_survives_in_an_option() -> None:
    for first, second in itertools.product("+ %&=?#/\\'\"é", repeat=2):
        options = (("application_name", first + second), ("options", f"-c a.b={first}"))
        dsn = PostgresDSN("u", "p", "h", "db", options)
        assert PostgresDSN.parse(dsn.uri()) == dsn
