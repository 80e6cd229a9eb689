"""The environment: what wins over what, which DSNs are understood, and secrets that stay secret."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aragora_sql import get_consensus_memory
from aragora_sql.database.postgres import PostgresDatabase, create_pool, get_postgres_pool
from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError, DSNNotConfiguredError
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import sql_dir
from aragora_sql.settings import PostgresDSN, Settings, pool_sizes

URL = "postgresql://url@url.example/url"
DSN = "postgresql://dsn@dsn.example/dsn"
SECRET = "s3cr3t"  # noqa: S105 - what the tests look for


# What wins over what


@pytest.mark.parametrize(
    ("environ", "backend", "host"),
    [
        ({}, "sqlite", None),
        ({"DATABASE_URL": URL}, "postgres", "url.example"),
        ({"ARAGORA_POSTGRES_DSN": DSN}, "postgres", "dsn.example"),
        ({"DATABASE_URL": URL, "ARAGORA_POSTGRES_DSN": DSN}, "postgres", "url.example"),
        ({"DATABASE_URL": " ", "ARAGORA_POSTGRES_DSN": DSN}, "postgres", "dsn.example"),
        ({"DATABASE_URL": "", "ARAGORA_POSTGRES_DSN": ""}, "sqlite", None),
        ({"DATABASE_URL": URL, "ARAGORA_DB_BACKEND": "sqlite"}, "sqlite", None),
        ({"DATABASE_URL": URL, "ARAGORA_DB_BACKEND": ""}, "postgres", "url.example"),
        ({"DATABASE_URL": URL, "ARAGORA_DB_BACKEND": "postgres"}, "postgres", "url.example"),
        ({"DATABASE_URL": URL, "ARAGORA_DB_BACKEND": " PostgreSQL "}, "postgres", "url.example"),
        ({"DATABASE_URL": f"  {URL}\n"}, "postgres", "url.example"),
        # What SQLite does not need is not looked at.
        ({"DATABASE_URL": "mysql://x", "ARAGORA_DB_BACKEND": "sqlite"}, "sqlite", None),
    ],
)
def test_the_engine_is_chosen(environ: dict[str, str], backend: str, host: str | None) -> None:
    settings = Settings.from_env(environ)
    assert settings.backend == backend
    assert (settings.dsn and settings.dsn.hosts) == host


def test_postgresql_without_a_dsn_is_never_a_silent_sqlite() -> None:
    for name in ("postgres", "postgresql"):
        with pytest.raises(DSNNotConfiguredError, match="PostgreSQL DSN not configured"):
            Settings.from_env({"ARAGORA_DB_BACKEND": name})


@pytest.mark.parametrize("name", ["production", "prod", "live", " Production "])
@pytest.mark.parametrize("backend", ["", "sqlite"])
def test_production_refuses_sqlite_unless_it_is_allowed(name: str, backend: str) -> None:
    environ = {"ARAGORA_ENV": name, "ARAGORA_DB_BACKEND": backend}
    for allowed in ({}, {"ARAGORA_ALLOW_SQLITE_FALLBACK": "false"}):
        with pytest.raises(ConfigurationError, match="ALLOW_SQLITE_FALLBACK=true"):
            Settings.from_env({**environ, **allowed})
    allowed = {"ARAGORA_ALLOW_SQLITE_FALLBACK": "true"}
    assert Settings.from_env({**environ, **allowed}).backend == "sqlite"
    assert Settings.from_env({"ARAGORA_ENV": name, "DATABASE_URL": URL}).backend == "postgres"


@pytest.mark.parametrize("name", ["", "development", "staging", "qa", "test"])
def test_elsewhere_sqlite_needs_nothing(name: str) -> None:
    assert Settings.from_env({"ARAGORA_ENV": name}).backend == "sqlite"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ARAGORA_ENV": "prodution"}, "ARAGORA_ENV: 'prodution' is not known"),
        ({"ARAGORA_ALLOW_SQLITE_FALLBACK": "maybe"}, "'maybe' is neither true nor false"),
    ],
)
def test_words_of_production_that_are_mistyped(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings.from_env(environ)


def test_an_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="'mysql' is not known; use sqlite, postgres or"):
        Settings.from_env({"ARAGORA_DB_BACKEND": "mysql"})


def test_an_error_names_the_variable_that_holds_the_dsn() -> None:
    for variable in ("DATABASE_URL", "ARAGORA_POSTGRES_DSN"):
        with pytest.raises(ConfigurationError, match=f"^{variable}: not a PostgreSQL"):
            Settings.from_env({variable: "mysql://x"})


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert Settings.from_env().dsn == PostgresDSN.parse(URL)


@pytest.mark.parametrize(
    ("environ", "sizes"),
    [
        ({}, (5, 20)),
        ({"ARAGORA_DB_POOL_SIZE": "8"}, (5, 8)),
        ({"ARAGORA_DB_POOL_SIZE": "3"}, (3, 3)),
        ({"ARAGORA_DB_POOL_SIZE": "8", "ARAGORA_POSTGRES_POOL_MAX": "12"}, (5, 12)),
        ({"ARAGORA_POSTGRES_POOL_MAX": "", "ARAGORA_DB_POOL_SIZE": " 8 "}, (5, 8)),
        ({"ARAGORA_POSTGRES_POOL_MIN": "0"}, (0, 20)),
        ({"ARAGORA_POSTGRES_POOL_MIN": "7", "ARAGORA_POSTGRES_POOL_MAX": "7"}, (7, 7)),
        ({"ARAGORA_POSTGRES_POOL_MIN": ""}, (5, 20)),
    ],
)
def test_the_sizes_of_the_pool(environ: dict[str, str], sizes: tuple[int, int]) -> None:
    settings = Settings.from_env(environ)
    assert (settings.pool_min, settings.pool_max) == sizes


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [((None, None), (2, 4)), ((1, None), (1, 4)), ((None, 3), (2, 3)), ((0, 9), (0, 9))],
)
def test_sizes_that_are_given_win(
    arguments: tuple[int | None, int | None], sizes: tuple[int, int]
) -> None:
    environ = {"ARAGORA_POSTGRES_POOL_MIN": "2", "ARAGORA_POSTGRES_POOL_MAX": "4"}
    assert pool_sizes(environ, *arguments) == sizes


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"ARAGORA_POSTGRES_POOL_MAX": "0"}, "ARAGORA_POSTGRES_POOL_MAX: '0' is not a whole"),
        ({"ARAGORA_POSTGRES_POOL_MAX": "-1"}, "ARAGORA_POSTGRES_POOL_MAX: '-1'"),
        ({"ARAGORA_POSTGRES_POOL_MAX": "ten"}, "ARAGORA_POSTGRES_POOL_MAX: 'ten'"),
        ({"ARAGORA_DB_POOL_SIZE": "1.5"}, "ARAGORA_DB_POOL_SIZE: '1.5'"),
        ({"ARAGORA_DB_POOL_SIZE": "9" * 5000}, "ARAGORA_DB_POOL_SIZE: '99"),
        ({"ARAGORA_POSTGRES_POOL_MIN": "²"}, "ARAGORA_POSTGRES_POOL_MIN: '²'"),
        (
            {"ARAGORA_POSTGRES_POOL_MIN": "30"},
            r"ARAGORA_POSTGRES_POOL_MIN is 30, more than the default maximum \(20\)",
        ),
        (
            {"ARAGORA_POSTGRES_POOL_MIN": "5", "ARAGORA_DB_POOL_SIZE": "4"},
            r"ARAGORA_POSTGRES_POOL_MIN is 5, more than ARAGORA_DB_POOL_SIZE \(4\)",
        ),
    ],
)
def test_a_size_that_makes_no_sense_names_its_variable(
    environ: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Settings.from_env(environ)


@pytest.mark.parametrize("sizes", [(-1, 5), (0, 0), (6, 5), (None, 0)])
def test_a_size_that_makes_no_sense_names_its_argument(
    sizes: tuple[int | None, int | None],
) -> None:
    with pytest.raises(ConfigurationError, match=r"min_size|max_size"):
        pool_sizes({}, *sizes)


def test_folders_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    default = Settings.from_env({})
    assert default.sqlite_path == tmp_path / ".nomic" / "aragora.db"
    assert default.sql_dir is None
    given_folders = {"ARAGORA_DATA_DIR": "~/data", "ARAGORA_SQL_DIR": "our/sql"}
    chosen = Settings.from_env(given_folders)
    assert chosen.sqlite_path == Path("/home/somebody/data/aragora.db")
    assert chosen.sql_dir == tmp_path / "our" / "sql"
    empty = Settings.from_env({"ARAGORA_DATA_DIR": "", "ARAGORA_SQL_DIR": " "})
    assert empty == default


# DSNs


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("postgresql://", (None, None, "", None)),
        ("postgres://host", (None, None, "host", None)),
        ("POSTGRES://host/", (None, None, "host", None)),
        ("postgresql://me@host:6000/db", ("me", None, "host:6000", "db")),
        ("postgresql://me:pw@host/db", ("me", "pw", "host", "db")),
        ("postgresql://me:@host/db", ("me", "", "host", "db")),
        ("postgresql://m%40e:p%40%23%2F%25%3Aw@host/d%2Fb", ("m@e", "p@#/%:w", "host", "d/b")),
        ("postgresql://me:a:b@host/db", ("me", "a:b", "host", "db")),
        ("postgresql://me:p%C3%A9@host", ("me", "pé", "host", None)),
        ("postgresql://a:1,b:2/db", (None, None, "a:1,b:2", "db")),
        ("postgresql://me:pw@[::1]:5432/db", ("me", "pw", "[::1]:5432", "db")),
        ("postgresql:///db?host=/var/run/postgresql", (None, None, "", "db")),
        ("postgresql://me@/db?host=/tmp&port=5433", ("me", None, "", "db")),
    ],
)
def test_a_dsn_is_taken_apart_and_put_together(
    text: str, parts: tuple[str | None, str | None, str, str | None]
) -> None:
    dsn = PostgresDSN.parse(text)
    assert (dsn.user, dsn.password, dsn.hosts, dsn.database) == parts
    assert PostgresDSN.parse(dsn.uri()) == dsn


@settings(deadline=None)
@given(
    user=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    password=st.text(st.characters(exclude_categories=["Cs"])),
    database=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_every_name_and_password_survives(user: str, password: str, database: str) -> None:
    dsn = PostgresDSN(user, password, "host:5432", database, (("sslmode", "require"),))
    assert PostgresDSN.parse(dsn.uri()) == dsn


def test_options_are_kept() -> None:
    dsn = PostgresDSN.parse("postgresql://h/db?sslmode=require&application_name=a%26b&options=")
    assert dsn.option("sslmode") == "require"
    assert dsn.option("application_name") == "a&b"
    assert dsn.option("options") == ""
    assert dsn.option("nothing") is None
    assert dsn.uri(without=frozenset({"options"})) == (
        "postgresql://h/db?sslmode=require&application_name=a%26b"
    )


@pytest.mark.parametrize(
    ("text", "pooled"),
    [
        ("postgresql://h/db", False),
        ("postgresql://h:5432/db", False),
        ("postgresql://h:6543/db", True),
        ("postgresql://a:5432,h:6543/db", True),
        ("postgresql://[::1]:6543/db", True),
        ("postgresql:///db?host=/tmp&port=6543", True),
        ("postgresql://h/db?pgbouncer=true", True),
        ("postgresql://h/db?pgbouncer=1", True),
        ("postgresql://h/db?pgbouncer=false", False),
        ("postgresql://u:6543@h/db", False),
    ],
)
def test_a_transaction_pooler_is_recognised(text: str, pooled: bool) -> None:
    assert PostgresDSN.parse(text).transaction_pooling is pooled


REFUSED = {
    "@ in the password": (f"postgresql://u:{SECRET}@{SECRET}@h/db", "unescaped '@'"),
    "# in the password": (f"postgresql://u:{SECRET}#{SECRET}@h/db", "unescaped '#'"),
    "/ in the password": (f"postgresql://u:{SECRET}/{SECRET}@h/db", "unescaped '/'"),
    "? in the password": (f"postgresql://u:{SECRET}?{SECRET}@h/db", r"'\?' or '@'"),
    "@ and / in the password": (f"postgresql://u:a@{SECRET}/{SECRET}@h/db", "unescaped"),
    "@ and ? in the password": (f"postgresql://u:a@{SECRET}?{SECRET}@h/db", "options after|host"),
    "% in the password": (f"postgresql://u:{SECRET}%{SECRET}@h/db", "unescaped '%'"),
    "% at the end": (f"postgresql://u:{SECRET}%@h/db", "unescaped '%'"),
    "a space in the password": (f"postgresql://u:{SECRET} {SECRET}@h/db", "white space"),
    "a line end in the password": (f"postgresql://u:{SECRET}\n{SECRET}@h/db", "control character"),
    "bytes that are no text": (f"postgresql://u:{SECRET}%FF@h/db", "not UTF-8"),
    "a placeholder": (f"postgresql://u:[{SECRET}]@[{SECRET}]:5432/db", r"\[brackets\]"),
    "no @": (f"postgresql://u:{SECRET}", "missing its '@'"),
    "no @ but a host": (f"postgresql://u:{SECRET}host:5432/db", "missing its '@'"),
    "a port of letters": (f"postgresql://u:pw@h:{SECRET}/db", "port"),
    "a port of 5000 digits": (f"postgresql://u:{SECRET}@h:{'9' * 5000}/db", "port"),
    "port 0": (f"postgresql://u:{SECRET}@h:0/db", "port"),
    "port 65536": (f"postgresql://u:{SECRET}@h:65536/db", "port"),
    "a host with spaces": (f"postgresql://u:{SECRET}@h%20h|/db", "host"),
    "an option without a value": (f"postgresql://u:{SECRET}@h/db?sslmode", "name=value"),
    "a piece of password as option": (f"postgresql://u:pw@h/db?{SECRET}", "name=value"),
    "another scheme": (f"mysql://u:{SECRET}@h/db", "not a PostgreSQL"),
    "another scheme with a driver": (f"postgresql+asyncpg://u:{SECRET}@h/db", "not a PostgreSQL"),
    "libpq's own form": (f"host=h user=u password={SECRET}", "not a PostgreSQL"),
    "nothing": ("", "not a PostgreSQL"),
}


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an exception and all that led to it, shown in a traceback or not."""
    found: list[BaseException] = []
    pending = [error]
    while pending:
        one = pending.pop()
        if one is not None and one not in found:
            found.append(one)
            pending += [one.__cause__, one.__context__]
    return found


def assert_no_secret(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error))
    # The source line of the test is in the traceback, its values are not.
    assert SECRET not in shown
    for one in chain(error):
        assert SECRET not in f"{one} {one!r} {one.args} {vars(one)}"


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_dsn_is_refused_without_showing_its_secret(case: str) -> None:
    text, problem = REFUSED[case]
    with pytest.raises(ConfigurationError, match=problem) as caught:
        PostgresDSN.parse(text, "DATABASE_URL")
    assert str(caught.value).startswith("DATABASE_URL: ")
    assert_no_secret(caught.value)


@pytest.mark.parametrize("character", ["@", "#", "/", "%", "?"])
def test_an_unescaped_character_is_answered_with_how_to_write_it(character: str) -> None:
    with pytest.raises(ConfigurationError, match="percent-encode every special character"):
        PostgresDSN.parse(f"postgresql://u:{SECRET}{character}{SECRET}@h/db")


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://u:{SECRET}@h:5432/db?sslmode=require",
        f"postgresql://:{SECRET}@h/db",
        f"postgresql://h/db?user=u&password={SECRET}",
        f"postgresql://h/db?sslpassword={SECRET}&passfile=/{SECRET}",
        f"postgresql://h/db?password=a&password={SECRET}",
    ],
)
def test_a_dsn_never_shows_its_password(text: str) -> None:
    dsn = PostgresDSN.parse(text)
    settings = Settings.from_env({"DATABASE_URL": text})
    for shown in (str(dsn), repr(dsn), f"{dsn}", repr(settings), str(settings), repr([dsn])):
        assert SECRET not in shown
        assert "***" in shown
    assert SECRET in dsn.uri()


def test_the_rest_of_a_dsn_is_shown() -> None:
    dsn = PostgresDSN.parse(f"postgres://me:{SECRET}@host:6000/db?sslmode=require")
    assert str(dsn) == "postgresql://me:***@host:6000/db?sslmode=require"
    assert repr(dsn) == "PostgresDSN('postgresql://me:***@host:6000/db?sslmode=require')"


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ("sslmode=sometimes", ConfigurationError, "sslmode"),
        ("channel_binding=require", ConfigurationError, "can't honour channel_binding=require"),
        ("require_auth=scram-sha-256", ConfigurationError, "can't honour require_auth"),
        ("connect_timeout=soon", ConfigurationError, "connect_timeout is not a whole number"),
        ("connect_timeout=0", ConfigurationError, "connect_timeout"),
        ("connect_timeout=5", DatabaseUnavailableError, "cannot connect to"),
    ],
)
async def test_a_pool_that_cannot_be_opened_does_not_show_the_password(
    tmp_path: Path, options: str, error: type[Exception], problem: str
) -> None:
    dsn = f"postgresql://me:{SECRET}@/db?host={tmp_path}&{options}"
    with pytest.raises(error, match=problem) as caught:
        await create_pool(dsn, 1, 1)
    assert_no_secret(caught.value)


async def test_a_wrong_password_is_not_shown(postgres_dsn: str) -> None:
    good = PostgresDSN.parse(postgres_dsn)
    wrong = PostgresDSN("nobody_of_this_name", SECRET, good.hosts, good.database, good.options)
    with pytest.raises(DatabaseUnavailableError, match="nobody_of_this_name") as caught:
        await PostgresDatabase.connect(wrong.uri(), 1, 1)
    assert_no_secret(caught.value)


@pytest.mark.parametrize("inside", [None, "consensus", "postgres/consensus"])
def test_a_folder_that_is_no_tree_of_sql_files_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str | None
) -> None:
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tmp_path))
    if inside is not None:
        (tmp_path / inside).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=f"ARAGORA_SQL_DIR: {tmp_path} is not a tree"):
        load_queries("consensus", "sqlite")


def test_a_tree_of_one_dialect_is_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tmp_path))
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "schema.sql").touch()
    assert sql_dir() == tmp_path


# The source document's messages


async def test_the_factory_function_says_that_no_dsn_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = [get_postgres_pool]
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgres")
    calls.append(get_consensus_memory)
    for call in calls:
        with pytest.raises(RuntimeError, match=r"^PostgreSQL DSN not configured") as caught:
            await call()
        assert "DATABASE_URL" in str(caught.value)
        assert "ARAGORA_POSTGRES_DSN" in str(caught.value)


WITHOUT_DRIVER = """
import sys
sys.modules[{driver!r}] = None
import asyncio
import aragora_sql
try:
    {call}
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("driver", "call", "message"),
    [
        (
            "asyncpg",
            "asyncio.run(aragora_sql.get_postgres_pool('postgresql://h/db'))",
            "PostgreSQL backend requires 'asyncpg' package: pip install asyncpg",
        ),
        (
            "asyncpg",
            "asyncio.run(aragora_sql.get_postgres_consensus_memory('postgresql://h/db'))",
            "PostgreSQL backend requires 'asyncpg' package: pip install asyncpg",
        ),
        (
            "aiosqlite",
            "aragora_sql.SQLiteDatabase('a.db')",
            "SQLite backend requires 'aiosqlite' package: pip install aiosqlite",
        ),
        (
            "asyncpg",
            "print(aragora_sql.SQLiteDatabase(':memory:').path)",
            ":memory:",
        ),
        (
            "aiosqlite",
            "print(aragora_sql.PostgresDatabase.dialect)",
            "postgres",
        ),
    ],
)
def test_a_driver_that_is_not_installed_is_missed_only_where_it_is_needed(
    driver: str, call: str, message: str
) -> None:
    script = WITHOUT_DRIVER.format(driver=driver, call=call)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (message, "")


def test_importing_the_package_imports_no_driver() -> None:
    script = (
        "import sys, aragora_sql; "
        "print(sorted({'asyncpg', 'aiosqlite', 'psycopg', 'aiosql'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n"
