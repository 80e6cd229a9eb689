"""Checkpoints are in the order of their storing, whatever the clocks of the hosts say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.schema import initialize_store, verify_schema
from aragora_sql.stores.checkpoints import records
from aragora_sql.stores.checkpoints.store import CheckpointStore
from tests.stores.samples import day, debate_checkpoint, run, workflow_checkpoint

SKEW = timedelta(seconds=3)


@pytest.fixture
async def store(database: Database) -> CheckpointStore:
    store = CheckpointStore(database)
    await store.initialize()
    return store


def clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the host's clock show this many seconds of the first day."""
    monkeypatch.setattr(records, "utc_now", lambda: day(0) + timedelta(seconds=seconds))


# A host whose clock is ahead, then one whose clock is right, then one that is behind.
CLOCKS = (3.0, 0.5, -100.0, 0.5, 0.5, 4.0, 3.999999)


async def save_all(store: CheckpointStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ids = []
    for number, seconds in enumerate(CLOCKS):
        clock(monkeypatch, seconds)
        at = day(0) + timedelta(seconds=seconds)
        ids.append(await store.save(workflow_checkpoint(created_at=at, current_step=f"{number}")))
    return ids


async def save_debates(store: CheckpointStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ids = []
    for number, seconds in enumerate(CLOCKS):
        clock(monkeypatch, seconds)
        at = day(0) + timedelta(seconds=seconds)
        # Ids that are in another order than the storing.
        given = debate_checkpoint(checkpoint_id=f"cp-{9 - number}", created_at=at)
        ids.append(await store.save_debate(given))
    return ids


async def test_load_latest_and_prune_go_by_the_order_of_storing(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await save_all(store, monkeypatch)
    latest = await store.load_latest("w")
    assert latest is not None
    assert latest.storage_id == ids[-1]
    assert await store.list_checkpoints("w") == ids[::-1]
    by_engine = await store.load("cp_0123456789ab")
    assert by_engine == latest
    assert await store.prune("w", keep=3) == 4
    assert await store.list_checkpoints("w") == ids[:-4:-1]
    assert await store.prune("w", keep=1) == 2
    assert await store.list_checkpoints("w") == ids[-1:]


async def test_list_page_goes_by_the_order_of_storing(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await save_all(store, monkeypatch)
    debates = await save_debates(store, monkeypatch)
    for wanted, method, name in (
        (ids, store.list_page, "storage_id"),
        (debates, store.list_debate_page, "checkpoint_id"),
    ):
        seen: list[Any] = []
        before: str | None = None
        while True:
            page = await method("w" if wanted is ids else "d", 2, before=before)
            seen += page.checkpoints
            if page.next is None:
                break
            before = page.next
        assert [getattr(one, name) for one in seen] == wanted[::-1]
        stored = [one.stored_at for one in seen]
        assert stored == sorted(set(stored), reverse=True)


async def test_cleanup_older_than_leaves_the_checkpoint_that_was_stored_last(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await save_all(store, monkeypatch)
    assert await store.cleanup_older_than(1, now=day(30)) == len(ids) - 1
    assert await store.list_checkpoints("w") == ids[-1:]


async def test_a_damaged_checkpoint_is_replaced_by_the_one_that_was_stored_before_it(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await save_all(store, monkeypatch)
    await run(
        store.database,
        f"UPDATE workflow_checkpoints SET current_step = 'x' WHERE id = '{ids[-1]}'",
    )
    loaded = await store.load_latest("w", on_damage="previous")
    assert loaded is not None
    assert loaded.storage_id == ids[-2]


async def test_load_latest_debate_and_prune_debate_go_by_the_order_of_storing(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await save_debates(store, monkeypatch)
    latest = await store.load_latest_debate("d")
    assert latest is not None
    assert latest.checkpoint_id == ids[-1]
    for listed in (await store.list_debates("d"), await store.list_debates()):
        assert [one.checkpoint_id for one in listed] == ids[::-1]
    assert await store.prune_debate("d", keep=2) == len(ids) - 2
    assert [one.checkpoint_id for one in await store.list_debates("d")] == ids[:-3:-1]


async def test_a_renewed_checkpoint_of_a_debate_keeps_its_place(store: CheckpointStore) -> None:
    for number in (1, 2, 3):
        await store.save_debate(debate_checkpoint(number=number))
    before = await store.list_debates("d")
    await store.save_debate(debate_checkpoint(number=1, status="resuming"))
    after = await store.list_debates("d")
    assert [one.checkpoint_id for one in after] == [one.checkpoint_id for one in before]
    assert [one.stored_at for one in after] == [one.stored_at for one in before]
    # Of another time it is another checkpoint.
    await store.save_debate(debate_checkpoint(number=1, created_at=day(9)))
    assert (await store.list_debates("d"))[0].checkpoint_id == before[-1].checkpoint_id


async def test_the_order_is_of_one_workflow(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is far ahead does not move other workflows."""
    clock(monkeypatch, 1e9)
    await store.save(workflow_checkpoint("ahead"))
    await store.save_debate(debate_checkpoint("ahead"))
    clock(monkeypatch, 1)
    await store.save(workflow_checkpoint("right"))
    await store.save_debate(debate_checkpoint("right"))
    (one,) = (await store.list_page("right")).checkpoints
    (other,) = await store.list_debates("right")
    assert one.stored_at == other.stored_at == day(0) + timedelta(seconds=1)


@pytest.mark.parametrize("microsecond", [0, 999_998, 999_999])
async def test_the_next_microsecond_is_counted_over_the_second(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch, microsecond: int
) -> None:
    timestamp = day(30).replace(hour=23, minute=59, second=59, microsecond=microsecond)
    monkeypatch.setattr(records, "utc_now", lambda: timestamp)
    for _ in range(3):
        await store.save(workflow_checkpoint())
    stored = [one.stored_at for one in (await store.list_page("w")).checkpoints]
    assert stored == [timestamp + timedelta(microseconds=number) for number in (2, 1, 0)]


async def test_an_upgraded_database_keeps_its_order(
    store: CheckpointStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of version 1 are in the order of created_at; what is stored later is behind them."""
    clock(monkeypatch, 50)
    for number in (2, 3, 1):
        await store.save(workflow_checkpoint(created_at=day(number), current_step=f"{number}"))
        await store.save_debate(debate_checkpoint(number=number))
    await run(database, VERSION_1)
    assert await initialize_store(database, "checkpoints") == 2
    assert await verify_schema(database, ["checkpoints"]) == []
    steps = [one.current_step for one in (await store.list_page("w")).checkpoints]
    assert steps == ["3", "2", "1"]
    assert [one.current_round for one in await store.list_debates("d")] == [3, 2, 1]
    await store.save(workflow_checkpoint(created_at=day(0), current_step="new"))
    latest = await store.load_latest("w")
    assert latest is not None
    assert latest.current_step == "new"


async def test_cleanup_expired_takes_those_that_expired_together_by_their_ids(
    store: CheckpointStore,
) -> None:
    ids = [f"cp-{(number * 7) % 11:02}-{'Aa'[number % 2]}" for number in range(10)]
    for key in ids:
        await store.save_debate(debate_checkpoint(checkpoint_id=key, expires_at=day(1)))
    async with store.database.connection() as connection:
        deleted = await store._queries.delete_expired_debate_checkpoints(
            connection, timestamp=day(2), row_limit=4
        )
    assert deleted == 4
    left = [one.checkpoint_id for one in await store.list_debates("d")]
    assert sorted(left) == sorted(ids)[4:]


# What version 1 had in the place of today's indexes.
VERSION_1 = """
DROP INDEX idx_workflow_checkpoints_stored;
DROP INDEX idx_debate_checkpoints_stored_debate;
DROP INDEX idx_debate_checkpoints_stored;
CREATE INDEX idx_workflow_checkpoints_workflow
ON workflow_checkpoints (workflow_id, created_at, sequence);
CREATE INDEX idx_debate_checkpoints_debate
ON debate_checkpoints (debate_id, created_at, checkpoint_id);
CREATE INDEX idx_debate_checkpoints_created ON debate_checkpoints (created_at, checkpoint_id);
UPDATE _schema_versions SET version = 1 WHERE module = 'checkpoints';
"""
