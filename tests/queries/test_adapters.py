"""Every operation and every kind of value means the same on both engines."""

from __future__ import annotations

import asyncio
import math
import random
import struct
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aragora_sql.database import Connection, Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    DuplicateKeyError,
    InvalidInputError,
    QueryCallError,
)
from aragora_sql.queries import Queries, load_queries
from tests.proxy import CountingProxy
from tests.queries.conftest import POSTGRES_SCHEMA
from tests.queries.trees import write_store

EMPTY: Mapping[str, Any] = dict.fromkeys(
    ["id", "body", "size", "score", "done", "content", "seen_at", "data"]
)


async def ids(notes: Queries, connection: Connection) -> list[str]:
    return [row["id"] async for row in notes.list_ids(connection)]


def sizes(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"n{number}", "size": number} for number in range(start, start + count)]


# Operations


async def test_rows_come_as_dictionaries_one_after_the_other(
    database: Database, notes: Queries
) -> None:
    async with database.connection() as connection:
        assert [row async for row in notes.list_sizes(connection)] == []
        await notes.add_many(connection, sizes(2))
        rows = [row async for row in notes.list_sizes(connection)]
    assert rows == [{"id": "n1", "size": 1}, {"id": "n2", "size": 2}]
    assert [type(row) for row in rows] == [dict, dict]


async def test_one_row_is_a_dictionary_or_none(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        await notes.add(connection, id="a")
        assert await notes.get_note(connection, id="a") == {**EMPTY, "id": "a"}
        assert await notes.get_note(connection, id="b") is None


async def test_one_value_is_none_when_it_is_null_or_when_there_is_no_row(
    database: Database, notes: Queries
) -> None:
    async with database.connection() as connection:
        await notes.add(connection, id="a")
        assert await notes.count_notes(connection) == 1
        assert await notes.get_body(connection, id="a") is None
        assert await notes.get_body(connection, id="b") is None


async def test_changes_are_counted(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        assert await notes.grow(connection, by=1) == 0
        assert await notes.add(connection, id="a") == 1
        assert await notes.add_many(connection, sizes(3)) == 3
        assert await notes.grow(connection, by=1) == 4
        assert await notes.grow_with(connection, by=1) == 3
        assert await notes.remove_returning(connection, least=4) == 2
        assert await notes.remove(connection, ids=["a", "none"]) == 1


async def test_the_value_of_returning_is_returned(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        assert await notes.add_returning(connection, id="a", size=41) == 42
    async with database.read() as connection:
        assert await ids(notes, connection) == ["a"]


@pytest.mark.parametrize("name", ["add_many", "add_many_returning", "add_many_with"])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
async def test_a_batch_is_counted(
    database: Database, notes: Queries, name: str, count: int
) -> None:
    async with database.connection() as connection:
        assert await getattr(notes, name)(connection, sizes(count)) == count
        assert await notes.count_notes(connection) == count


@pytest.mark.parametrize("count", [1, 3])
async def test_only_what_a_batch_changed_is_counted(
    database: Database, notes: Queries, count: int
) -> None:
    async with database.connection() as connection:
        assert await notes.add_many_new(connection, sizes(count)) == count
        assert await notes.add_many_new(connection, sizes(count)) == 0
        assert await notes.add_many_new(connection, sizes(count, start=count)) == count - 1


@pytest.mark.parametrize("name", ["add_many", "add_many_returning", "add_many_with"])
async def test_a_batch_is_kept_as_a_whole_or_not_at_all(
    database: Database, notes: Queries, name: str
) -> None:
    async with database.connection() as connection:
        with pytest.raises(DuplicateKeyError):
            await getattr(notes, name)(connection, [*sizes(5), *sizes(1)])
        assert await ids(notes, connection) == []
        assert await getattr(notes, name)(connection, sizes(5)) == 5


async def test_a_batch_in_a_nested_transaction_leaves_what_was_before(
    database: Database, notes: Queries
) -> None:
    async with database.transaction() as connection:
        await notes.add(connection, id="before")
        with pytest.raises(DuplicateKeyError):
            async with database.transaction() as inner:
                await notes.add_many(inner, [*sizes(5), *sizes(1)])
        await notes.add_many(connection, sizes(1))
    async with database.read() as connection:
        assert await ids(notes, connection) == ["before", "n1"]


async def test_a_script_runs_all_its_statements(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        await notes.add(connection, id="old")
        assert await notes.reset(connection) is None
        assert await ids(notes, connection) == ["one; and a half", "two"]


async def test_a_script_that_fails_leaves_nothing(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        with pytest.raises(DuplicateKeyError):
            await notes.break_off(connection)
        assert await ids(notes, connection) == []


# Wrong calls


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"id": "a"}, r"missing parameter 'size' \(it takes: id, size\)"),
        ({}, "missing parameter 'id'; missing parameter 'size'"),
        ({"id": "a", "size": 1, "sise": 1}, r"extra parameter 'sise' \(it takes: id, size\)"),
        ({"id": "a", "sise": 1}, "missing parameter 'size'; extra parameter 'sise'"),
    ],
)
async def test_a_wrong_parameter_is_named_with_query_file_and_line(
    database: Database,
    notes: Queries,
    notes_tree: Path,
    arguments: dict[str, Any],
    problem: str,
) -> None:
    path = notes_tree / database.dialect / "notes" / "queries.sql"
    line = path.read_text().splitlines().index("-- name: add_returning(id, size)<!") + 1
    async with database.connection() as connection:
        with pytest.raises(QueryCallError, match=problem) as caught:
            await notes.add_returning(connection, **arguments)
        assert str(caught.value).startswith(f"notes.add_returning ({path}:{line}): ")
        with pytest.raises(QueryCallError, match=problem):
            await notes.add_many(connection, [{"id": "ok", "size": 1}, arguments])
        assert await ids(notes, connection) == []


async def test_positional_parameters_are_refused(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        for call in (
            notes.get_note(connection, "a"),
            notes.get_body(connection, "a"),
            notes.add(connection, "a"),
            notes.add_returning(connection, "a", size=1),
            notes.add_many(connection, [("a", 1)]),
        ):
            with pytest.raises(QueryCallError, match=r"^notes\.\w+ \(.*: parameters are given by"):
                await call
        with pytest.raises(QueryCallError, match="parameters are given by name"):
            [row async for row in notes.list_ids(connection, "a")]
        assert await ids(notes, connection) == []


async def test_a_query_without_parameters_says_so(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        with pytest.raises(QueryCallError, match=r"extra parameter 'id' \(it takes: none\)"):
            await notes.count_notes(connection, id="a")


async def test_a_wrong_call_sends_nothing(
    counted_postgres: CountingProxy, notes_tree: Path
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    queries = load_queries("notes", "postgres", notes_tree)
    async with database.connection() as connection:
        counted_postgres.reset()
        with pytest.raises(QueryCallError):
            await queries.add(connection)
        with pytest.raises(InvalidInputError):
            await queries.add_scores(connection, [{"id": "a", "score": math.nan}])
        with pytest.raises(InvalidInputError):
            await queries.add(connection, id="\x00")
        assert counted_postgres.round_trips == 0
    await database.close()


async def test_cursors_are_refused(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        with pytest.raises(QueryCallError, match=r"notes\.list_ids .*page by key"):
            notes.list_ids_cursor(connection)


async def test_a_wrong_call_does_not_end_the_transaction(
    database: Database, notes: Queries
) -> None:
    async with database.transaction() as connection:
        await notes.add(connection, id="a")
        with pytest.raises(QueryCallError):
            await notes.add(connection)
        await notes.add(connection, id="b")
    async with database.read() as connection:
        assert await ids(notes, connection) == ["a", "b"]


# Values

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
WHOLE = st.integers(-(2**63), 2**63 - 1)
MEASURE = st.floats(allow_nan=False, allow_infinity=False)
TIMESTAMP = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | MEASURE | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict | list))
NOTE = st.fixed_dictionaries(
    {
        "body": st.none() | TEXT,
        "size": st.none() | WHOLE,
        "score": st.none() | MEASURE,
        "done": st.none() | st.booleans(),
        "content": st.none() | st.binary(),
        "seen_at": st.none() | TIMESTAMP,
        "data": st.none() | DOCUMENT,
    }
)


def with_types(value: Any) -> Any:
    """Return a form that tells 1, 1.0 and True apart."""
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_types(item) for item in value]
    return type(value), value


@given(note=NOTE)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_every_value_comes_back_as_it_was(
    database: Database, notes: Queries, note: dict[str, Any]
) -> None:
    async with database.connection() as connection:
        await notes.remove(connection, ids=["a"])
        await notes.insert_note(connection, id="a", **note)
        found = await notes.get_note(connection, id="a")
    assert with_types(found) == with_types({"id": "a", **note})
    assert found["seen_at"] is None or found["seen_at"].utcoffset() == timedelta(0)


async def test_measures_keep_all_their_64_bits(database: Database, notes: Queries) -> None:
    chance = random.Random(20261122)  # noqa: S311 - no secret is made of it
    drawn = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(3000)]
    edges = [0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e15, 1e16, 1e17]
    scores = [score for score in [*drawn, *edges, *(-e for e in edges)] if math.isfinite(score)]
    rows = [{"id": f"{number:05}", "score": score} for number, score in enumerate(scores)]
    async with database.connection() as connection:
        await notes.add_scores(connection, rows)
        found = [row["score"].hex() async for row in notes.list_scores(connection)]
        assert found == [score.hex() for score in scores]
        await notes.add_many_data(connection, [{"id": "all", "data": {"scores": scores}}])
        data = (await notes.get_note(connection, id="all"))["data"]
    assert [score.hex() for score in data["scores"]] == [score.hex() for score in scores]


async def test_computed_columns_are_converted_as_their_comment_says(
    database: Database, notes: Queries
) -> None:
    seen = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
    async with database.connection() as connection:
        assert await notes.summary(connection) == {
            "ids": None if database.dialect == "postgres" else [],
            "last_seen": None,
        }
        for name in ("b", "a"):
            await notes.insert_note(connection, **{**EMPTY, "id": name, "seen_at": seen})
        assert await notes.summary(connection) == {"ids": ["a", "b"], "last_seen": seen}


async def test_a_single_value_is_converted_too(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        await notes.add(connection, id="a")
        assert await notes.is_known(connection, id="a") is True
        assert await notes.is_known(connection, id="b") is False


async def test_timestamps_sort_as_time_goes(database: Database, notes: Queries) -> None:
    base = datetime(2026, 3, 29, tzinfo=UTC)
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-11, minutes=-30))
    async with database.connection() as connection:
        for number, timestamp in enumerate(
            [base, (base + timedelta(microseconds=1)).astimezone(west), base.astimezone(east)]
        ):
            await notes.insert_note(
                connection, **{**EMPTY, "id": f"{number}", "seen_at": timestamp}
            )
        summary = await notes.summary(connection)
    assert summary["last_seen"] == base + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], []),
        (["a"], ["a"]),
        (["b", "a", "b", "none"], ["a", "b"]),
        (["it's", 'a "quote"', "[1, 2]", "a,b", "{}", "NULL", ""], ["", "[1, 2]", 'a "quote"']),
    ],
)
async def test_a_list_chooses_rows(
    database: Database, notes: Queries, wanted: list[str], found: list[str]
) -> None:
    async with database.connection() as connection:
        for name in ("a", "b", "c", "", "[1, 2]", 'a "quote"'):
            await notes.add(connection, id=name)
        chosen = [row["id"] async for row in notes.list_chosen(connection, ids=wanted)]
    assert sorted(chosen) == sorted(found)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"done": None, "least": None}, ["n0", "n1", "n2"]),
        ({"done": True, "least": None}, ["n1"]),
        ({"done": False, "least": None}, ["n0"]),
        ({"done": None, "least": 1}, ["n1", "n2"]),
        ({"done": False, "least": 1}, []),
    ],
)
async def test_an_optional_filter_is_left_out_with_none(
    database: Database, notes: Queries, filters: dict[str, Any], found: list[str]
) -> None:
    async with database.connection() as connection:
        for size, done in enumerate([False, True, None]):
            note = {**EMPTY, "id": f"n{size}", "size": size, "done": done}
            await notes.insert_note(connection, **note)
        rows = notes.list_filtered(connection, **filters)
        assert [row["id"] async for row in rows] == found


class Measure(float):
    """As numpy's floats are: also a float."""


Pair = namedtuple("Pair", "first second")


async def test_subclasses_of_values_are_values(database: Database, notes: Queries) -> None:
    class Timestamp(datetime):
        pass

    note = {
        "id": "a",
        "score": Measure(0.5),
        "seen_at": Timestamp(2026, 1, 1, tzinfo=UTC),
        "data": OrderedDict(pair=Pair(1, "two")),
    }
    async with database.connection() as connection:
        await notes.insert_note(connection, **{**EMPTY, **note})
        found = await notes.get_note(connection, id="a")
    assert found["score"] == 0.5
    assert found["seen_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert found["data"] == {"pair": [1, "two"]}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ENDLESS: dict[str, Any] = {}
ENDLESS["self"] = ENDLESS


WRONG: dict[str, dict[str, Any]] = {
    "naive timestamp": {"seen_at": datetime(2026, 1, 1)},
    "date": {"seen_at": date(2026, 1, 1)},
    "timestamp before year 1 in UTC": {
        "seen_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    },
    "timestamp after year 9999 in UTC": {
        "seen_at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    },
    "NaN": {"score": math.nan},
    "infinity": {"score": math.inf},
    "minus infinity": {"score": -math.inf},
    "NaN of a subclass": {"score": Measure("nan")},
    "NUL in a key": {"id": "a\x00b"},
    "NUL in a text": {"body": "\x00"},
    "lone surrogate": {"body": "\ud800"},
    "object as text": {"body": object()},
    "object as bytes": {"content": object()},
    "integer above 64 bits": {"size": 2**63},
    "integer below 64 bits": {"size": -(2**63) - 1},
    "JSON with NaN": {"data": {"a": math.nan}},
    "JSON with infinity": {"data": [-math.inf]},
    "JSON with NUL": {"data": {"a": "\x00"}},
    "JSON with NUL in a key": {"data": {"\x00": 1}},
    "JSON with a lone surrogate": {"data": ["\udfff"]},
    "JSON with a number as key": {"data": {1: "a"}},
    "JSON with an object": {"data": [object()]},
    "JSON with bytes": {"data": [b"a"]},
    "JSON with a timestamp": {"data": [datetime(2026, 1, 1, tzinfo=UTC)]},
    "JSON with a set": {"data": [{1, 2}]},
    "JSON with a huge integer": {"data": [10**5000]},
    "JSON nested 300 deep": {"data": nested(300)},
    "JSON nested 100,000 deep": {"data": nested(100_000)},
    "JSON without end": {"data": ENDLESS},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_no_engine_could_hold_is_refused(
    database: Database, notes: Queries, wrong: str
) -> None:
    async with database.connection() as connection:
        with pytest.raises(InvalidInputError):
            await notes.insert_note(connection, **{**EMPTY, "id": "a", **WRONG[wrong]})
        assert await ids(notes, connection) == []
        assert await notes.add(connection, id="still works") == 1


async def test_errors_do_not_show_values(database: Database, notes: Queries) -> None:
    async with database.connection() as connection:
        note = {**EMPTY, "id": "n1", "body": "hunter2"}
        await notes.insert_note(connection, **note)
        # the key that is there already is named, and nothing else of the row
        with pytest.raises(DuplicateKeyError, match="n1") as caught:
            await notes.insert_note(connection, **note)
        assert "hunter2" not in str(caught.value)
        with pytest.raises(InvalidInputError) as refused:
            await notes.add_many(connection, [{"id": "hunter2", "size": "hunter2" * 9}])
        assert "hunter2" not in str(refused.value)


# The tag


async def test_the_server_sees_the_name_of_the_query(
    postgres_database: PostgresDatabase, postgres_dsn: str, notes_tree: Path
) -> None:
    notes = load_queries("notes", "postgres", notes_tree)
    schema = (notes_tree / "postgres" / "notes" / "schema.sql").read_text()
    async with postgres_database.connection() as connection:
        await connection.run_script("schema", schema)
        await notes.add(connection, id="a")

    async def wait_for_the_note() -> None:
        async with postgres_database.transaction() as connection:
            await notes.lock_note(connection, id="a")

    with psycopg.connect(postgres_dsn) as holder, psycopg.connect(postgres_dsn) as watcher:
        watcher.autocommit = True
        holder.execute("SELECT FROM notes WHERE id = 'a' FOR UPDATE")
        waiting = asyncio.create_task(wait_for_the_note())
        seen = None
        async with asyncio.timeout(20):
            while seen is None:
                await asyncio.sleep(0.01)
                seen = watcher.execute(
                    "SELECT query, application_name FROM pg_stat_activity "
                    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
                ).fetchone()
        holder.rollback()
        await waiting
    assert seen[0].startswith("SELECT /* aragora:notes.lock_note */ id FROM notes")
    assert seen[1] == "aragora-sql"


async def test_each_query_carries_its_own_tag(notes: Queries) -> None:
    for name in notes.available_queries:
        if not name.endswith("_cursor"):
            first, tag = getattr(notes, name).sql.split(maxsplit=1)
            assert first in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE"}
            assert tag.startswith(f"/* aragora:notes.{name} */")


LOGGED = """\
-- name: add_logged(id)*!
-- Store many notes, each with an entry in the log.
WITH logged AS (INSERT INTO notes (id, body) VALUES (:id, 'log') RETURNING id)
INSERT INTO notes (id) SELECT id || '-note' FROM logged;

-- name: add_only_logged(id)*!
-- Store many entries in the log, and give them back.
WITH logged AS (INSERT INTO notes (id, body) VALUES (:id, 'log') RETURNING id)
SELECT id FROM logged;

-- name: move(id)*!
-- Change what was found.
WITH found AS (DELETE FROM notes WHERE id = :id RETURNING id)
UPDATE notes SET body = 'moved' FROM found WHERE notes.id = found.id || '-note';
"""


async def test_returning_in_a_part_of_a_statement_does_not_hide_what_the_statement_changes(
    postgres_database: PostgresDatabase, tmp_path: Path
) -> None:
    write_store(tmp_path, LOGGED, schema=POSTGRES_SCHEMA, store="logged", dialects=("postgres",))
    queries = load_queries("logged", "postgres", tmp_path)
    async with postgres_database.connection() as connection:
        await connection.run_script("schema", POSTGRES_SCHEMA)
        batch = [{"id": f"{number}"} for number in range(5)]
        assert await queries.add_logged(connection, batch) == 5
        assert await queries.move(connection, batch[:3]) == 3
        others = [{"id": f"other {number}"} for number in range(4)]
        assert await queries.add_only_logged(connection, others) == 4
        assert await queries.add_logged(connection, [{"id": "one"}]) == 1
