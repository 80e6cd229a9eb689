"""Old partitions go into the archive and come back, with all their rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import DuplicateKeyError, PartitionError
from aragora_sql.partitions import (
    GROWING,
    GrowingTable,
    archive,
    archive_partitions,
    attach_partitions,
    divide_table,
    read_state,
)
from aragora_sql.partitions.archive import _Archiving
from aragora_sql.schema import verify_schema
from tests.partitions.conftest import BY_NAME, rows_of, run, value
from tests.partitions.test_dividing import AUDIT, EVENT

each_table = pytest.mark.parametrize("table", GROWING, ids=lambda table: table.name)
NOW = datetime.now(UTC)
# The first day of the month half a year ago.
BEFORE = (NOW - timedelta(days=180)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def by_months(database: Database, table: GrowingTable) -> None:
    """Divide a table from more than a year ago on, and store its rows again."""
    await run(database, f"CREATE TABLE kept AS SELECT * FROM {table.name}")
    if "immutable" in table.name:
        await run(database, f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    await run(database, f"DELETE FROM {table.name}")
    if "immutable" in table.name:
        await run(database, f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
    first = (NOW - timedelta(days=430)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    await divide_table(database, table, "month", first=first)
    columns = await value(
        database,
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = "
        f"'{table.name}'::regclass AND attnum > 0",
    )
    await run(
        database,
        f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept; "
        "DROP TABLE kept",
    )


@each_table
async def test_months_go_and_come_back(filled: Database, table: GrowingTable) -> None:
    await by_months(filled, table)
    before = await rows_of(filled, table)
    rows = await value(filled, f"SELECT count(*) FROM {table.name}")
    gone = await archive_partitions(filled, table, BEFORE)
    assert len(gone) >= 6
    state = await read_state(filled, table)
    assert state.partitions[0].upper == BEFORE
    assert [one.name for one in state.archived] == sorted(gone)
    left = await value(filled, f"SELECT count(*) FROM {table.name}")
    archived = 0
    for name in gone:
        archived += await value(filled, f"SELECT count(*) FROM public_archive.{name}")
    assert 0 < left < rows == left + archived
    assert await verify_schema(filled) == []
    assert await archive_partitions(filled, table, BEFORE) == []

    # Some of it, and then all.
    since = state.archived[-1].lower
    assert since is not None
    assert await attach_partitions(filled, table, since) == [gone[-1]]
    assert await attach_partitions(filled, table, LONG_AGO) == sorted(gone[:-1])
    assert await rows_of(filled, table) == before
    assert (await read_state(filled, table)).archived == ()
    assert await attach_partitions(filled, table, LONG_AGO) == []
    assert await verify_schema(filled) == []
    assert len(await archive_partitions(filled, table, BEFORE)) == len(gone)


async def test_the_first_partition_goes_and_comes_back(filled: Database) -> None:
    await divide_table(filled, AUDIT, "month")
    before = await rows_of(filled, AUDIT)
    end = (await read_state(filled, AUDIT)).partitions[0].upper
    assert end is not None
    (gone,) = await archive_partitions(filled, AUDIT, end)
    assert await value(filled, "SELECT count(*) FROM audit_log") == 0
    await run(filled, EVENT)
    assert await attach_partitions(filled, AUDIT, LONG_AGO) == [gone]
    await run(filled, "DELETE FROM audit_log WHERE user_id IS NULL")
    assert await rows_of(filled, AUDIT) == before


async def test_what_comes_late_for_an_archived_time_is_kept(filled: Database) -> None:
    await by_months(filled, AUDIT)
    old = EVENT.replace("now()", "now() - interval '300 days'")
    gone = await archive_partitions(filled, AUDIT, BEFORE)
    await run(filled, old)
    # It is archived with the next ones, under a name of its own.
    later = await archive_partitions(filled, AUDIT, BEFORE + timedelta(days=32))
    assert len(later) == 2
    await run(filled, old)
    count = 396 + 2
    assert set(await attach_partitions(filled, AUDIT, LONG_AGO)) <= {*gone, *later}
    assert await value(filled, "SELECT count(*) FROM audit_log") == count
    assert (await read_state(filled, AUDIT)).archived == ()


async def test_many_late_rows_are_refused(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await by_months(filled, AUDIT)
    await archive_partitions(filled, AUDIT, BEFORE)
    for _ in range(2):
        await run(filled, EVENT.replace("now()", "now() - interval '300 days'"))
    monkeypatch.setattr(archive, "MOST_MOVED", 1)
    state = await read_state(filled, AUDIT)
    with pytest.raises(PartitionError, match="2 rows came for the time"):
        await attach_partitions(filled, AUDIT, LONG_AGO)
    assert await read_state(filled, AUDIT) == state


async def test_a_gap_in_the_archive_is_named(filled: Database) -> None:
    await by_months(filled, AUDIT)
    gone = await archive_partitions(filled, AUDIT, BEFORE)
    await run(filled, f"DROP TABLE public_archive.{gone[-1]}")
    with pytest.raises(PartitionError, match="there is a gap"):
        await attach_partitions(filled, AUDIT, LONG_AGO)


async def test_keys_of_what_is_archived_stay_taken(filled: Database) -> None:
    table = BY_NAME["workflow_checkpoints"]
    await by_months(filled, table)
    await archive_partitions(filled, table, BEFORE)
    with pytest.raises(DuplicateKeyError):
        await run(
            filled,
            "INSERT INTO workflow_checkpoints (id, engine_id, workflow_id, definition_id, "
            "content_checksum, created_at) VALUES ('c399', 'e', 'w', 'd', repeat('0', 64), now())",
        )


async def test_a_run_that_ends_between_detaching_and_moving_is_gone_on_with(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await by_months(filled, AUDIT)
    rows = await value(filled, "SELECT count(*) FROM audit_log")

    async def ends(*_: Any) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(_Archiving, "_move", ends)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await archive_partitions(filled, AUDIT, BEFORE)
    done = await archive_partitions(filled, AUDIT, BEFORE)
    state = await read_state(filled, AUDIT)
    assert [one.name for one in state.archived] == sorted(done)
    await attach_partitions(filled, AUDIT, LONG_AGO)
    assert await value(filled, "SELECT count(*) FROM audit_log") == rows


async def test_what_is_not_divided_has_no_partition_to_archive(filled: Database) -> None:
    for work in (archive_partitions, attach_partitions):
        with pytest.raises(PartitionError, match="no partition to archive"):
            await work(filled, AUDIT, BEFORE)
