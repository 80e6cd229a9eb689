"""What errors say: ours and no driver's, the key that is to blame, and no row."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import Any

import asyncpg
import psycopg
import pytest

from aragora_sql.database import Database, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.psycopg_errors import driver_errors
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    AragoraSQLError,
    CheckViolationError,
    CommitOutcomeUnknownError,
    ConflictError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    ReadOnlyDatabaseError,
    UnreadableValueError,
    UnsupportedStatementError,
)
from tests.database.items import Items

SECRET = "hunter2-and-more"  # noqa: S105

STATES = sorted(
    {
        kind.sqlstate
        for kind in vars(asyncpg.exceptions).values()
        if isinstance(getattr(kind, "sqlstate", None), str) and len(kind.sqlstate) == 5
    }
    # Those of later versions, and one that nobody knows.
    | {"25P04", "57P05", "99ABC"}
)
KINDS = {
    "0A000": UnsupportedStatementError,
    "08007": CommitOutcomeUnknownError,
    "22012": InvalidInputError,
    "23505": DuplicateKeyError,
    "25006": ReadOnlyDatabaseError,
    "40001": ConflictError,
    "40003": CommitOutcomeUnknownError,
    "55P03": LockTimeoutError,
}
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}', DETAIL = '{detail}'; END $$"


def shown(error: BaseException) -> str:
    """What a log holds of an error: its traceback, with all that led to it."""
    lines = traceback.format_exception(error)
    # The source lines of the test may hold what its values do not.
    return "".join(line for line in lines if "tests/database" not in line)


def assert_ours(error: BaseException, *, hidden: str = SECRET) -> None:
    assert isinstance(error, AragoraSQLError)
    assert hidden not in shown(error)
    cause: BaseException | None = error
    while cause is not None:
        assert hidden not in f"{cause} {cause.args} {getattr(cause, 'detail', '')}"
        cause = cause.__cause__ or cause.__context__


async def test_every_error_of_the_server_becomes_one_of_ours(
    postgres_database: PostgresDatabase,
) -> None:
    async with postgres_database.connection() as connection:
        await connection.run_script(
            "set-up",
            "CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = state, DETAIL = '{SECRET}'; END $$",
        )
    assert len(STATES) > 200
    for state in STATES:
        if state[:2] in ("00", "01", "02"):
            continue
        script = RAISE.format(state=state, detail=SECRET)
        query = Statement("test.fail", f"SELECT fail('{state}')")
        for call in ("script", "one", "many"):
            with pytest.raises(AragoraSQLError) as caught:  # noqa: PT012 - the block is what fails
                async with postgres_database.connection() as connection:
                    if call == "script":
                        await connection.run_script("test.fail", script)
                    elif call == "one":
                        await connection.fetch_one(query, ())
                    else:
                        await connection.execute_many(query, [(), ()])
            assert_ours(caught.value)
            assert type(caught.value) is KINDS.get(state, type(caught.value))
            assert str(caught.value).startswith("test.fail: no")


def test_every_error_of_the_server_through_psycopg_becomes_one_of_ours(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for state in STATES:
            if state[:2] in ("00", "01", "02"):
                continue
            with pytest.raises(AragoraSQLError) as caught, driver_errors("test"):
                connection.execute(RAISE.format(state=state, detail=SECRET).encode())
            assert_ours(caught.value)
            assert type(caught.value) is KINDS.get(state, type(caught.value))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "SELECT * FROM nothing",
        "SELECT nothing FROM items",
        "INSERT INTO items (id) VALUES (1, 2)",
        "INSERT INTO items VALUES ('a', 'b', 'c', 'd', 'e', 'f')",
        "SELECT no_function(1)",
        "COMMIT",
        "ROLLBACK TO nothing",
        "CREATE TABLE items (id text)",
        "SELECT '\x00'",
        "SELECT '\ud800'",
        "SELECT $1",
        "SELECT ?",
        "DROP TABLE nothing",
        "VACUUM items; VACUUM items",
        "SELECT 1 / 0; SELECT json('{')",
        "",
        ";",
        "BEGIN",
    ],
)
async def test_whatever_the_sql_is_no_other_error_gets_out(items: Items, sql: str) -> None:
    statement = Statement("test.odd", sql)
    arguments: Any = () if items.database.dialect == "postgres" else {}
    for call in ("fetch_all", "fetch_one", "execute", "execute_many", "run_script"):
        try:
            async with items.database.connection() as connection:
                if call == "run_script":
                    await connection.run_script("test.odd", sql)
                elif call == "execute_many":
                    await connection.execute_many(statement, [arguments, arguments])
                else:
                    await getattr(connection, call)(statement, arguments)
        except AragoraSQLError as error:
            assert_ours(error)
    assert await items.ids() == []


# Keys are named, rows are not


async def test_a_duplicate_and_a_missing_parent_are_named(items: Items) -> None:
    await items.add("a-1")
    with pytest.raises(DuplicateKeyError, match=r"key \(id\)=\(a-1\) already exists"):
        await items.add("a-1")
    with pytest.raises(
        MissingParentError, match=r'key \(parent\)=\(b-2\) is not present in table "?items'
    ):
        await items.add("c", parent="b-2")
    await items.add("child", parent="a-1")
    remove = Statement(
        "items.remove",
        "DELETE FROM items WHERE id = " + ("$1" if _is_postgres(items) else ":id"),
    )
    with pytest.raises(
        MissingParentError, match=r'key \(id\)=\(a-1\) is still referenced from table "?items'
    ):
        async with items.database.connection() as connection:
            await connection.execute(remove, ["a-1"] if _is_postgres(items) else {"id": "a-1"})
    # In a transaction, and in a batch, too.
    with pytest.raises(DuplicateKeyError, match="a-1"):
        async with items.database.transaction():
            await items.add("a-1")
    with pytest.raises(DuplicateKeyError, match=r"items\.add_many: .*id"):
        async with items.database.connection() as connection:
            await items.queries.add_many(connection, [{"id": n, "size": 1} for n in ("x", "a-1")])
    await items.add("x" * 5000)
    with pytest.raises(DuplicateKeyError, match=r"… \(5000 characters\)\) already exists"):
        await items.add("x" * 5000)


def _is_postgres(items: Items) -> bool:
    return items.database.dialect == "postgres"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ((SECRET, -1, None), CheckViolationError),
        ((SECRET, None, None), NotNullViolationError),
        ((SECRET, SECRET, None), InvalidInputError),
        ((SECRET, 2**70, None), InvalidInputError),
        ((SECRET + "\x00", 1, None), InvalidInputError),
        ((SECRET + "\ud800", 1, None), InvalidInputError),
        ((SECRET, {"a": SECRET}, None), InvalidInputError),
        ((SECRET, 1, "no parent"), MissingParentError),
    ],
)
async def test_no_traceback_shows_a_row(
    items: Items, arguments: tuple[Any, ...], kind: type[AragoraSQLError]
) -> None:
    for in_transaction in (False, True):
        with pytest.raises(kind) as caught:  # noqa: PT012 - the block is what is tested
            if in_transaction:
                async with items.database.transaction():
                    await items.add(*arguments)
            else:
                await items.add(*arguments)
        assert_ours(caught.value)


@pytest.mark.parametrize("column", ["token", "api_key", "password_digest", "clientSecret"])
async def test_a_key_that_may_be_a_secret_is_not_shown(database: Database, column: str) -> None:
    placeholder = "$1" if database.dialect == "postgres" else f":{column}"
    insert = Statement("test.add", f'INSERT INTO kept ("{column}") VALUES ({placeholder})')
    arguments: Any = (SECRET,) if database.dialect == "postgres" else {column: SECRET}
    with pytest.raises(DuplicateKeyError, match=r"=\(\*\*\*\) already exists") as caught:  # noqa: PT012
        async with database.connection() as connection:
            await connection.run_script("set-up", f'CREATE TABLE kept ("{column}" text UNIQUE)')
            for _ in range(2):
                await connection.execute(insert, arguments)
    assert_ours(caught.value)


async def test_through_psycopg_no_traceback_shows_a_row(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id text PRIMARY KEY, n int NOT NULL CHECK (n > 0))")
        for value in (-1, None):
            with pytest.raises(IntegrityError) as caught, driver_errors("test"):
                connection.execute("INSERT INTO t VALUES (%s, %s)", [SECRET, value])
            assert_ours(caught.value)
        with pytest.raises(InvalidInputError) as wrong, driver_errors("test"):
            connection.execute("INSERT INTO t VALUES ('a', %s::text::int)", [SECRET])
        assert_ours(wrong.value)
        with pytest.raises(DuplicateKeyError, match=r"key \(id\)=\(b\)"), driver_errors("test"):
            connection.execute("INSERT INTO t VALUES ('b', 1), ('b', 2)")


# Values that Python has no form for


async def test_infinite_timestamps_are_the_last_and_the_first(
    postgres_database: PostgresDatabase,
) -> None:
    select = Statement(
        "test.times",
        "SELECT 'infinity'::timestamptz AS last, '-infinity'::timestamptz AS first, "
        "NULL::timestamptz AS none, '2026-01-01Z'::timestamptz AS other",
        column_kinds=dict.fromkeys(("last", "first", "none", "other"), "timestamp"),
    )
    async with postgres_database.read() as connection:
        row = await connection.fetch_one(select, ())
        assert [row] == await connection.fetch_all(select, ())
    assert row is not None
    assert row["last"] == datetime.max.replace(tzinfo=UTC)
    assert row["first"] == datetime.min.replace(tzinfo=UTC)
    assert row["first"] < row["other"] == datetime(2026, 1, 1, tzinfo=UTC) < row["last"]
    assert row["none"] is None


@pytest.mark.parametrize("value", ["0044-03-15 BC", "20000-01-01", "294276-12-31 23:59:59"])
async def test_a_timestamp_that_python_cannot_hold_is_an_error_of_ours(
    postgres_database: PostgresDatabase, value: str
) -> None:
    select = Statement("test.times", f"SELECT '{value}'::timestamptz AS at")
    async with postgres_database.read() as connection:
        for _ in range(2):
            with pytest.raises(UnreadableValueError, match=r"test\.times: a stored value"):
                await connection.fetch_one(select, ())
        # The connection is as good as before.
        await connection.run_script("test", "SELECT 1")


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("timestamp", "infinity"),
        ("timestamp", "-0044-03-15T00:00:00Z"),
        ("timestamp", SECRET),
        ("timestamp", "20000-01-01T00:00:00Z"),
        ("timestamp", 5),
        ("json", "{"),
        ("json", SECRET),
        ("json", "[" * 2000),
        ("json", "1" * 5000),
    ],
)
async def test_a_stored_value_that_sqlite_did_not_check_is_named(
    sqlite_database: SQLiteDatabase, kind: Any, stored: object
) -> None:
    select = Statement("test.odd", "SELECT 1 AS fine, :value AS odd", column_kinds={"odd": kind})
    async with sqlite_database.read() as connection:
        with pytest.raises(UnreadableValueError, match=r"test\.odd: column odd: ") as caught:
            await connection.fetch_all(select, {"value": stored})
        assert_ours(caught.value)


async def test_text_that_is_not_utf8_is_not_quoted(sqlite_database: SQLiteDatabase) -> None:
    hexadecimal = SECRET.encode().hex() + "ff"
    async with sqlite_database.read() as connection:
        with pytest.raises(UnreadableValueError, match=r"column odd: .* not UTF-8") as caught:
            await connection.fetch_all(
                Statement("test.odd", f"SELECT CAST(x'{hexadecimal}' AS TEXT) AS odd"), {}
            )
    assert_ours(caught.value)


async def test_what_sqlite_functions_write_is_utc(sqlite_database: SQLiteDatabase) -> None:
    select = Statement(
        "test.now", "SELECT datetime('2026-01-02') AS at", column_kinds={"at": "timestamp"}
    )
    async with sqlite_database.read() as connection:
        assert await connection.fetch_value(select, {}) == datetime(2026, 1, 2, tzinfo=UTC)


# What is no pool, and no path


@pytest.mark.parametrize("value", ["postgresql://h/db", None, 7, object()])
def test_what_is_no_pool_is_told_so(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^pool: "):
        PostgresDatabase(value)


async def test_a_coroutine_is_no_pool() -> None:
    async def get_pool() -> None:
        """Would have to be awaited."""

    with pytest.raises(InvalidInputError, match="put `await` before"):
        PostgresDatabase(get_pool())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("postgresql://h/db", "a PostgreSQL DSN was given"),
        ("sqlite:///aragora.db", "a URI was given"),
        ("file:aragora.db?mode=ro", "a URI was given"),
        (None, "a path is needed, not NoneType"),
        (7, "a path is needed, not int"),
        ("", "not empty"),
        ("a\x00b", "NUL"),
    ],
)
def test_what_is_no_path_is_told_so(value: Any, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        SQLiteDatabase(value)


@pytest.mark.parametrize("limit", [2.9, 2.0, True, 3, -(2**70), 2**70, b"2", [2]])
async def test_a_limit_of_rows_is_taken_or_refused_alike(items: Items, limit: object) -> None:
    """Called without a store, which would check it."""
    sql = "SELECT id FROM items LIMIT " + ("$1" if _is_postgres(items) else ":row_limit")
    arguments: Any = [limit] if _is_postgres(items) else {"row_limit": limit}
    async with items.database.read() as connection:
        try:
            rows = await connection.fetch_all(Statement("items.some", sql), arguments)
        except AragoraSQLError as error:
            outcome = type(error).__name__
        else:
            outcome = f"{len(rows)} rows"
    assert outcome == ("0 rows" if limit in (2, True, 3) else "InvalidInputError")


async def test_a_fraction_is_not_cut_off_to_fit_an_integer(items: Items) -> None:
    with pytest.raises(InvalidInputError, match=r"items\.add"):
        await items.add("a", 2.5)
    await items.add("b", 2.0)
    assert await items.size("b") == 2
    assert await items.ids() == ["b"]
