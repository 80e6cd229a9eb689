"""Partitions for the time to come, and rows that came before them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError, LockTimeoutError, PartitionError
from aragora_sql.partitions import (
    GROWING,
    GrowingTable,
    ahead,
    divide_table,
    make_ahead,
    read_state,
)
from aragora_sql.schema import steps, verify_schema
from tests.conftest import OpenDatabase
from tests.partitions.conftest import BY_NAME, rows_of, run, value
from tests.partitions.test_dividing import AUDIT, EVENT

MONTH = 31
CHAIN = BY_NAME["immutable_audit_entries"]
_ENTRY = (
    "INSERT INTO immutable_audit_entries (id, chain, sequence_number, timestamp, previous_hash, "
    "entry_hash, event_type, actor, resource_type, resource_id, action) SELECT 'n' || n, 'new', n, "
    "now() + interval '{} days', repeat('0', 64), lpad(n::text, 64, 'b'), 't', 'a', 'rt', 'r', "
    "'do' FROM generate_series(1, {}) AS g (n)"
)


@pytest.fixture
def a_year_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], datetime]:
    """Moves the clock of who makes partitions ahead."""

    def move() -> datetime:
        now = datetime.now(UTC) + timedelta(days=365)
        monkeypatch.setattr(ahead, "utc_now", lambda: now)
        return now

    return move


@pytest.mark.parametrize("table", GROWING, ids=lambda table: table.name)
async def test_partitions_are_made_where_there_is_none(
    filled: Database, table: GrowingTable, a_year_later: Callable[[], datetime]
) -> None:
    await divide_table(filled, table, "month", ahead=1)
    count = len((await read_state(filled, table)).partitions)
    now = a_year_later()
    sentences: list[str] = []
    made = await make_ahead(filled, table, "month", ahead=2, report=sentences.append)
    state = await read_state(filled, table)
    assert len(state.partitions) == count + len(made)
    for one, following in zip(state.partitions, state.partitions[1:], strict=False):
        assert one.upper == following.lower
    last = state.partitions[-1].lower
    assert last is not None
    assert last > now + timedelta(days=MONTH)
    assert await make_ahead(filled, table, "month", ahead=2) == []
    assert await verify_schema(filled) == []
    assert sentences


async def test_another_interval_may_follow(
    filled: Database, a_year_later: Callable[[], datetime]
) -> None:
    await divide_table(filled, AUDIT, "month", ahead=0)
    a_year_later()
    made = await make_ahead(filled, AUDIT, "year", ahead=1)
    assert len(made) == 2


async def test_few_rows_of_a_time_without_a_partition_are_moved(
    filled: Database, a_year_later: Callable[[], datetime]
) -> None:
    await divide_table(filled, CHAIN, "month", ahead=0)
    a_year_later()
    await run(filled, _ENTRY.format(300, 20))
    before = await rows_of(filled, CHAIN)
    assert await value(filled, f"SELECT count(*) FROM {CHAIN.name}_later") == 20
    await make_ahead(filled, CHAIN, "month", ahead=1)
    assert await rows_of(filled, CHAIN) == before
    assert await value(filled, f"SELECT count(*) FROM {CHAIN.name}_later") == 0
    assert await value(filled, f"SELECT count(*) FROM {CHAIN.name}_keys") == 416
    assert await verify_schema(filled) == []
    with pytest.raises(Exception, match="immutable"):
        await run(filled, f"DELETE FROM {CHAIN.name} WHERE id = 'n1'")


async def test_many_rows_keep_their_partition_and_it_gets_an_end(
    filled: Database, a_year_later: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "MOST_MOVED", 10)
    await divide_table(filled, CHAIN, "month", ahead=0)
    a_year_later()
    await run(filled, _ENTRY.format(300, 20))
    before = await rows_of(filled, CHAIN)
    old = (await read_state(filled, CHAIN)).partitions[-1]
    made = await make_ahead(filled, CHAIN, "month", ahead=1)
    assert await rows_of(filled, CHAIN) == before
    state = await read_state(filled, CHAIN)
    wide = next(one for one in state.partitions if one.name == made[0])
    assert wide.lower == old.lower
    assert await value(filled, f"SELECT count(*) FROM {wide.name}") == 20
    assert (
        await value(filled, "SELECT count(*) FROM pg_constraint WHERE conname LIKE '%_until'") == 0
    )
    assert await verify_schema(filled) == []


async def test_rows_of_a_time_that_can_not_be_stay_and_are_named(
    filled: Database, a_year_later: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    await divide_table(filled, AUDIT, "month", ahead=0)
    a_year_later()
    for time in ("'infinity'", "now() + interval '300 days'"):
        await run(filled, EVENT.replace("now()", time))
    before = await rows_of(filled, AUDIT)
    state = await read_state(filled, AUDIT)
    monkeypatch.setattr(ahead, "MOST_MOVED", 1)
    with pytest.raises(PartitionError, match="delete those of a time that can't be"):
        await make_ahead(filled, AUDIT, "month")
    assert await read_state(filled, AUDIT) == state
    # A few are no trouble.
    monkeypatch.setattr(ahead, "MOST_MOVED", 10)
    await make_ahead(filled, AUDIT, "month")
    assert await rows_of(filled, AUDIT) == before


async def test_a_lock_of_others_leaves_all_as_it_was(
    filled: Database,
    open_database: OpenDatabase,
    a_year_later: Callable[[], datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await divide_table(filled, AUDIT, "month", ahead=0)
    a_year_later()
    state = await read_state(filled, AUDIT)
    monkeypatch.setattr(steps, "LOCK_PATIENCE", 0.0)
    other = await open_database()
    async with other.transaction() as connection:
        await connection.run_script("test", "SELECT FROM audit_log LIMIT 1")
        with pytest.raises(LockTimeoutError):
            await make_ahead(filled, AUDIT, "month")
        assert await read_state(filled, AUDIT) == state


async def test_what_is_not_divided_is_refused(filled: Database) -> None:
    with pytest.raises(PartitionError, match="is not divided by timestamp"):
        await make_ahead(filled, AUDIT, "month")


async def test_a_table_without_an_open_end_is_another_program_s(
    filled: Database, a_year_later: Callable[[], datetime]
) -> None:
    await divide_table(filled, AUDIT, "month", ahead=0)
    a_year_later()
    await run(filled, "ALTER TABLE audit_log_later RENAME TO theirs")
    with pytest.raises(PartitionError, match="divided by another program"):
        await make_ahead(filled, AUDIT, "month")


async def test_the_end_of_the_calendar_is_an_error(filled: Database) -> None:
    await divide_table(filled, AUDIT, "month")
    with pytest.raises(ConfigurationError, match="begins after 9999"):
        await make_ahead(filled, AUDIT, "year", ahead=8000)
