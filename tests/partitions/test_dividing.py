"""Dividing a table by time: nothing is lost, whatever gets in its way."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.database import Connection, Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    ConfigurationError,
    DuplicateKeyError,
    IntegrityError,
    LockTimeoutError,
    PartitionError,
    SchemaRightsError,
)
from aragora_sql.partitions import GROWING, GrowingTable, divide_table, read_state
from aragora_sql.partitions.bounds import INTERVALS, bound_of, following, interval_of, time_of
from aragora_sql.queries.files import packaged_sql_dir, read_queries
from aragora_sql.schema import apply_schema, apply_tenant_policies, steps, verify_schema
from aragora_sql.schema.steps import Steps
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.audit import AuditStore
from tests.conftest import OpenDatabase
from tests.partitions.conftest import BY_NAME, rows_of, run, value

each_table = pytest.mark.parametrize("table", GROWING, ids=lambda table: table.name)
AUDIT = BY_NAME["audit_log"]
ROOT = Path(__file__).resolve().parent.parent.parent
EVENT = (
    "INSERT INTO audit_log (timestamp, action, resource_type) VALUES (now(), 'login.ok', 'user')"
)


class Stopped(Exception):  # noqa: N818 - no error: what ends a run
    """Ends a run where a test wants it to."""


async def divided(database: Database, *tables: GrowingTable) -> None:
    for table in tables or GROWING:
        assert await divide_table(database, table, "month")


@each_table
async def test_rows_stay_and_the_schema_is_as_the_files_say(
    filled: Database, table: GrowingTable
) -> None:
    before = await rows_of(filled, table)
    sentences: list[str] = []
    assert await divide_table(filled, table, "month", ahead=2, report=sentences.append)
    assert await rows_of(filled, table) == before
    state = await read_state(filled, table)
    assert state.state == "divided"
    first, *months, last = state.partitions
    assert (first.lower_text, last.upper_text, last.name) == (None, None, f"{table.name}_later")
    assert len(months) in {1, 2}
    assert [one.lower for one in [*months, last]] == [one.upper for one in [first, *months]]
    assert any("nobody else could use it" in sentence for sentence in sentences)
    assert await verify_schema(filled) == []
    await apply_schema(filled)
    assert await read_state(filled, table) == state
    # Again: nothing is left to do.
    assert not await divide_table(filled, table, "month", ahead=2)
    assert await read_state(filled, table) == state


async def test_a_missing_rule_of_the_keys_is_still_noticed(filled: Database) -> None:
    await divided(filled, AUDIT)
    await run(filled, "ALTER TABLE audit_log_keys DROP CONSTRAINT audit_log_pkey")
    await run(filled, "DROP INDEX idx_audit_log_user")
    assert [str(one).partition(":")[0] for one in await verify_schema(filled)] == [
        "missing constraint audit_log_pkey of audit_log",
        "missing index idx_audit_log_user of audit_log",
    ]


async def test_keys_are_unique_over_all_partitions(filled: Database) -> None:
    await divided(filled)
    later = "now() + interval '90 days'"
    for statement, rule in [
        (
            f"INSERT INTO audit_log (id, timestamp, action, resource_type) SELECT min(id), {later}"
            ", 'a', 'b' FROM audit_log",
            "audit_log_pkey",
        ),
        (
            "INSERT INTO workflow_checkpoints (id, engine_id, workflow_id, definition_id, "
            "content_checksum, created_at, stored_at) VALUES "
            f"('c5', 'e', 'w', 'd', repeat('0', 64), now(), {later})",
            "workflow_checkpoints_id_key",
        ),
        (
            "INSERT INTO immutable_audit_entries (id, sequence_number, timestamp, previous_hash, "
            "entry_hash, event_type, actor, resource_type, resource_id, action) VALUES "
            f"('new', 7, {later}, repeat('0', 64), repeat('b', 64), 't', 'a', 'r', 'i', 'do')",
            "immutable_audit_entries_sequence_key",
        ),
    ]:
        with pytest.raises(DuplicateKeyError, match=rule):
            await run(filled, statement)


async def test_the_keys_follow_every_change(filled: Database) -> None:
    await divided(filled, AUDIT, BY_NAME["workflow_checkpoints"])

    async def same(table: str, key: str) -> bool:
        there = f"SELECT string_agg({key}::text, ',' ORDER BY {key}) FROM {table}"
        return bool(await value(filled, there) == await value(filled, f"{there}_keys"))

    for statement in [
        EVENT,
        "INSERT INTO audit_log (timestamp, action, resource_type) VALUES "
        "(now() + interval '90 days', 'a', 'b'), (now() - interval '9 years', 'a', 'b')",
        "DELETE FROM audit_log WHERE id % 3 = 0",
    ]:
        await run(filled, statement)
        assert await same("audit_log", "id")
    # A new number is higher than all others.
    highest = await value(filled, "SELECT max(id) FROM audit_log")
    await run(filled, EVENT)
    assert await value(filled, "SELECT max(id) FROM audit_log") > highest
    await run(filled, "UPDATE workflow_checkpoints SET id = 'renamed' WHERE id = 'c9'")
    await run(
        filled,
        "UPDATE workflow_checkpoints SET stored_at = now() + interval '90 days', id = 'moved' "
        "WHERE id = 'c10'",
    )
    assert await same("workflow_checkpoints", "id")
    await run(filled, "TRUNCATE workflow_checkpoints")
    assert await value(filled, "SELECT count(*) FROM workflow_checkpoints_keys") == 0


async def test_the_chain_stays_immutable_by_every_name(filled: Database) -> None:
    table = BY_NAME["immutable_audit_entries"]
    await divided(filled, table)
    first = (await read_state(filled, table)).partitions[0].name
    for name in (table.name, first):
        for statement in (
            f"UPDATE {name} SET actor = 'x'",
            f"DELETE FROM {name}",
            f"TRUNCATE {name}",
        ):
            with pytest.raises(IntegrityError, match="immutable"):
                await run(filled, statement)


async def test_the_store_appends_over_months(filled: Database) -> None:
    await divided(filled, BY_NAME["immutable_audit_entries"])
    store = AuditStore(filled)
    await store.initialize()
    entries = [
        await store.append(
            event_type="t", actor="a", resource_type="r", resource_id="i", action="do", chain="new"
        )
        for _ in range(3)
    ]
    assert [entry.sequence_number for entry in entries] == [1, 2, 3]
    assert (await store.verify_integrity(chain="new")).is_valid


async def test_rights_policies_and_row_level_security_are_those_of_the_table(
    filled: Database,
) -> None:
    role = f"app_{uuid.uuid4().hex[:8]}"
    await run(filled, f"CREATE ROLE {role}")
    try:
        await apply_tenant_policies(filled, role)
        asked = (
            "SELECT string_agg(p, ';' ORDER BY p) FROM (SELECT concat_ws(',', policyname, cmd, "
            "roles, qual, with_check) FROM pg_policies WHERE tablename = 'audit_log' UNION ALL "
            "SELECT relname || array_to_string(relacl, ',') FROM pg_class WHERE relname IN "
            "('audit_log', 'audit_log_id_seq')) AS a (p)"
        )
        before = await value(filled, asked)
        assert role in before
        await divided(filled, AUDIT)
        assert await value(filled, asked) == before
        open_ones = await value(
            filled,
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'audit_log%' AND relkind IN ('r', "
            "'p') AND NOT relrowsecurity",
        )
        assert open_ones == 0
        # The role sees and stores the rows of its tenant, and no key.
        async with filled.transaction() as connection:
            await connection.run_script(
                "test", f"SET LOCAL ROLE {role}; SET LOCAL aragora.org_id = 'o'"
            )
            await connection.run_script(
                "test",
                "INSERT INTO audit_log (org_id, action, resource_type) VALUES ('o', 'a', 'b')",
            )
        seen = f"SELECT has_table_privilege('{role}', 'audit_log_keys', 'SELECT')"
        assert await value(filled, seen) is False
    finally:
        await run(filled, f"DROP OWNED BY {role}; DROP ROLE {role}")


# Runs that are cut short


@pytest.mark.parametrize("table", [AUDIT, BY_NAME["langgraph_writes"]], ids=lambda one: one.name)
@pytest.mark.parametrize("committed", [False, True])
async def test_a_run_that_ends_at_any_step_is_gone_on_with(
    filled: Database, monkeypatch: pytest.MonkeyPatch, table: GrowingTable, committed: bool
) -> None:
    """It ends before a step, or when the step is kept and the run does not know it."""
    before = await rows_of(filled, table)
    in_transaction = Steps.in_transaction
    for stop in range(20):
        calls = 0

        async def counted(
            self: Steps, step: Callable[[Connection], Awaitable[Any]], stop: int = stop
        ) -> Any:
            nonlocal calls
            calls += 1
            if calls > stop and not committed:
                raise Stopped
            done = await in_transaction(self, step)
            if calls > stop:
                raise Stopped
            return done

        monkeypatch.setattr(Steps, "in_transaction", counted)
        try:
            await divide_table(filled, table, "month")
        except Stopped:
            # It works as before, and no rule refuses rows.
            assert await rows_of(filled, table) == before
            rules = f"SELECT count(*) FROM pg_constraint WHERE conname = '{table.name}_until'"
            assert await value(filled, rules) == 0
        else:
            break
    monkeypatch.undo()
    assert stop >= 3
    assert (await read_state(filled, table)).state == "divided"
    assert await rows_of(filled, table) == before
    assert await verify_schema(filled) == []


def test_a_killed_command_says_where_it_stands_and_is_gone_on_with(
    postgres_dsn: str,
) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_log (action, resource_type) "
            "SELECT 'a', 'b' FROM generate_series(1, 30000)"
        )
    command = [
        *(sys.executable, "-m", "aragora_sql", "schema", "partition", "--store", "audit"),
        *("--dsn", postgres_dsn),
    ]
    for how in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "copying the keys: begins" in line:
                    process.send_signal(how)
                    break
            rest = process.stderr.read()
            process.wait()
        if how == signal.SIGINT:
            assert process.returncode == 130
            assert "The same command goes on from there" in rest
    listed = subprocess.run(
        [*command, "--list", "--json"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert [one["state"] for one in json.loads(listed.stdout)] == ["begun", "plain"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "audit_log_later" in done.stdout
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM audit_log), (SELECT count(*) FROM audit_log_keys)"
        ).fetchone()
    assert counts == (30000, 30000)


async def test_others_write_and_read_meanwhile(
    filled: Database, open_database: OpenDatabase
) -> None:
    other = await open_database()
    store = AuditStore(other)
    await store.initialize()
    stored: list[int] = []
    stopped = asyncio.Event()

    async def write() -> None:
        while not stopped.is_set():
            stored.append(
                await store.log_event(action="login.ok", resource_type="user", user_id="writer")
            )

    async def read() -> None:
        while not stopped.is_set():
            await store.get_log(user_id="writer", limit=3)

    async def remove() -> None:
        while not stopped.is_set():
            await run(other, "DELETE FROM audit_log WHERE user_id = 'u1' AND id % 7 = 0")
            await run(
                other,
                "INSERT INTO audit_log (user_id, action, resource_type) VALUES ('u1', 'a', 'b')",
            )

    tasks = [asyncio.create_task(work()) for work in (write, write, read, remove)]
    await divided(filled, AUDIT)
    async with asyncio.timeout(20):
        seen = len(stored)
        while len(stored) < seen + 10:  # noqa: ASYNC110 - of other tasks
            await asyncio.sleep(0.01)
    stopped.set()
    await asyncio.gather(*tasks)
    there = await value(filled, "SELECT array_agg(id) FROM audit_log WHERE user_id = 'writer'")
    assert sorted(there) == sorted(stored)
    assert await value(
        filled,
        "SELECT (SELECT array_agg(id ORDER BY id) FROM audit_log) = "
        "(SELECT array_agg(id ORDER BY id) FROM audit_log_keys)",
    )


async def test_a_table_that_others_hold_is_waited_for_and_then_given_up(
    filled: Database, open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_PATIENCE", 0.0)
    before = await rows_of(filled, AUDIT)
    other = await open_database()
    async with other.transaction() as connection:
        await connection.run_script("test", "SELECT FROM audit_log LIMIT 1")
        with pytest.raises(LockTimeoutError, match=r"nothing of this step was kept.*process \d+"):
            await divide_table(filled, AUDIT, "month")
    assert (await read_state(filled, AUDIT)).state in {"plain", "begun"}
    assert await rows_of(filled, AUDIT) == before
    monkeypatch.undo()
    await divided(filled, AUDIT)
    assert await rows_of(filled, AUDIT) == before


# What is refused


@pytest.mark.parametrize("time", ["'infinity'", "now() + interval '2 years'"])
async def test_rows_of_a_time_to_come_are_named(filled: Database, time: str) -> None:
    await run(
        filled,
        f"INSERT INTO audit_log (timestamp, action, resource_type) VALUES ({time}, 'a', 'b')",
    )
    with pytest.raises(PartitionError, match=r"1 of them.*Nothing was changed"):
        await divide_table(filled, AUDIT, "month")
    assert (await read_state(filled, AUDIT)).state == "plain"
    if "infinity" not in time:
        end = following(datetime.now(UTC) + timedelta(days=740), "month")
        assert await divide_table(filled, AUDIT, "month", first=end)


async def test_a_row_that_comes_for_a_time_to_come_meanwhile_is_named_too(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_transaction = Steps.in_transaction
    calls = 0

    async def counted(self: Steps, step: Callable[[Connection], Awaitable[Any]]) -> Any:
        nonlocal calls
        calls += 1
        # Behind the look for such rows, before the rule.
        if calls == 1:
            await run(filled, EVENT.replace("now()", "'infinity'"))
        return await in_transaction(self, step)

    monkeypatch.setattr(Steps, "in_transaction", counted)
    with pytest.raises(PartitionError, match="1 of them"):
        await divide_table(filled, AUDIT, "month")
    monkeypatch.undo()
    assert (await read_state(filled, AUDIT)).state == "begun"
    await run(filled, "DELETE FROM audit_log WHERE timestamp = 'infinity'")
    await divided(filled, AUDIT)


async def test_rows_without_a_time_can_not_be_stored(filled: Database) -> None:
    await divided(filled)
    for table in GROWING:
        nullable = await value(
            filled,
            f"SELECT NOT attnotnull FROM pg_attribute WHERE attrelid = '{table.name}'::regclass "
            f"AND attname = '{table.column}'",
        )
        assert nullable is False
    with pytest.raises(IntegrityError):
        await run(filled, EVENT.replace("now()", "NULL"))
    # These have a partition.
    for time in ("'infinity'", "'-infinity'"):
        await run(filled, EVENT.replace("now()", time))


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("CREATE VIEW theirs AS SELECT id FROM audit_log", "views read it.*theirs"),
        ("CREATE UNIQUE INDEX theirs ON audit_log (id)", "unique indexes of its own: theirs"),
        ("CREATE TABLE audit_log_later ()", "something else of the name audit_log_later"),
        ("CREATE TABLE audit_log_keys ()", "something else of the name audit_log_keys"),
        ("CREATE TABLE heir () INHERITS (audit_log)", "has heirs"),
        ("CREATE TABLE child (id BIGINT REFERENCES audit_log)", "foreign keys lead to it"),
        ("ALTER TABLE audit_log ALTER timestamp DROP NOT NULL", "NOT NULL"),
    ],
)
async def test_what_can_not_be_divided_is_refused_unchanged(
    filled: Database, before: str, why: str
) -> None:
    await run(filled, before)
    with pytest.raises(PartitionError, match=f"{why}.*Nothing was changed"):
        await divide_table(filled, AUDIT, "month")
    assert (await read_state(filled, AUDIT)).state == "plain"


async def test_a_table_that_something_else_divided_is_left_alone(filled: Database) -> None:
    await run(
        filled,
        "DROP TABLE audit_log; CREATE TABLE audit_log (id BIGINT, timestamp TIMESTAMPTZ NOT NULL) "
        "PARTITION BY LIST (id)",
    )
    assert (await read_state(filled, AUDIT)).state == "foreign"
    with pytest.raises(PartitionError, match="in partitions already, by something else"):
        await divide_table(filled, AUDIT, "month")
    await run(filled, "DROP TABLE audit_log")
    with pytest.raises(PartitionError, match="schema apply"):
        await divide_table(filled, AUDIT, "month")


async def test_a_role_that_does_not_own_the_table_is_told_who_does(
    filled: Database, location: str
) -> None:
    role = f"app_{uuid.uuid4().hex[:8]}"
    await run(filled, f"CREATE ROLE {role} LOGIN; GRANT ALL ON audit_log TO {role}")
    dsn = replace(PostgresDSN.parse(location), user=role).uri()
    try:
        database = await PostgresDatabase.connect(dsn, 1, 1)
        try:
            with pytest.raises(SchemaRightsError, match="let that role run"):
                await divide_table(database, AUDIT, "month")
        finally:
            await database.close()
    finally:
        await run(filled, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_sqlite_has_no_partitions(database: Database) -> None:
    if database.dialect == "sqlite":
        with pytest.raises(ConfigurationError, match="SQLite has no partitions"):
            await divide_table(database, AUDIT, "month")


# Bounds


@pytest.mark.parametrize("interval", INTERVALS)
def test_intervals_follow_each_other(interval: str) -> None:
    start = datetime(2026, 11, 29, 22, 5, tzinfo=UTC)
    expected = {"month": (2026, 12), "quarter": (2027, 1), "year": (2027, 1)}[interval]
    assert following(start, interval_of(interval)) == datetime(*expected, 1, tzinfo=UTC)


def test_bounds_of_identifiers_are_those_of_the_library() -> None:
    from langgraph.checkpoint.base.id import uuid6

    table = BY_NAME["langgraph_checkpoints"]
    before = bound_of(datetime.now(UTC), table)
    made = str(uuid6(clock_seq=-2))
    after = bound_of(datetime.now(UTC) + timedelta(seconds=1), table)
    assert before < made < after
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    assert time_of(bound_of(moment, table), None, table) == moment
    assert time_of("not a time", None, table) is None


def test_no_query_keeps_the_place_of_a_row_of_a_growing_table() -> None:
    """A place (ctid) is one of several in as many partitions."""
    names = {table.name for table in GROWING}
    for path in sorted((packaged_sql_dir() / "postgres").glob("*/queries.sql")):
        for query in read_queries(path, "postgres").values():
            words = set(re.findall(r"\w+", query.sql))
            assert not ("ctid" in words and names & words), (path, query.name)
