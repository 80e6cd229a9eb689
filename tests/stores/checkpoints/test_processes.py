"""Checkpoints from several processes at once: nothing is lost, mixed up, or left half."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.checkpoints.store import CheckpointStore
from tests.conftest import OpenDatabase
from tests.database.waiting import PATIENCE
from tests.stores.samples import day, fetch_value, workflow_checkpoint

# Saves checkpoints of a workflow, all with one time, and prints each id once it is stored.
SAVER = """
import asyncio, sys
from aragora_sql import PostgresDatabase, SQLiteDatabase, CheckpointStore
from tests.stores.samples import day, workflow_checkpoint

async def main(location, workflow, count, padding):
    if location.startswith("postgres"):
        database = await PostgresDatabase.connect(location, 1, 1)
    else:
        database = SQLiteDatabase(location)
    store = CheckpointStore(database)
    print("ready", flush=True)
    sys.stdin.readline()
    state = {"padding": "x" * int(padding)}
    for number in range(int(count)):
        checkpoint = workflow_checkpoint(
            workflow, id=f"cp_{workflow}_{number}", current_step=str(number), context_state=state
        )
        print(await store.save(checkpoint), flush=True)
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""

Saver = subprocess.Popen[str]


@pytest.fixture
async def store(database: Database) -> CheckpointStore:
    made = CheckpointStore(database)
    await made.initialize()
    return made


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(
    processes: ExitStack, location: str | Path, workflow: str, count: int, padding: int = 0
) -> Saver:
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(location), workflow, str(count), str(padding)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    processes.callback(process.wait, PATIENCE)
    processes.callback(process.kill)
    processes.enter_context(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(*savers: Saver) -> None:
    for saver in savers:
        assert saver.stdin is not None
        saver.stdin.write("go\n")
        saver.stdin.flush()


def stored_ids(saver: Saver) -> list[str]:
    """Wait for the end of a process and return what it said it stored."""
    output, _ = saver.communicate(timeout=PATIENCE * 3)
    return [line for line in output.splitlines() if line]


async def test_savers_in_four_processes_share_a_workflow(
    store: CheckpointStore, location: str | Path, processes: ExitStack
) -> None:
    savers = [start(processes, location, "w", 50) for _ in range(4)]
    go(*savers)
    ids = [await asyncio.to_thread(stored_ids, saver) for saver in savers]
    assert [len(of_one) for of_one in ids] == [50] * 4
    listed = await store.list_checkpoints("w")
    assert sorted(listed) == sorted(chain.from_iterable(ids))
    # Those of one process stand in its own order.
    for of_one in ids:
        assert [one for one in listed if one in set(of_one)] == of_one[::-1]
    latest = await store.load_latest("w")
    assert latest is not None
    assert latest.storage_id == listed[0]
    assert latest.current_step == "49"


async def test_kill_in_the_middle_of_a_save_leaves_whole_checkpoints(
    store: CheckpointStore, location: str | Path, processes: ExitStack
) -> None:
    for number in range(3):
        workflow = f"killed {number}"
        saver = start(processes, location, workflow, 100_000, padding=300_000)
        go(saver)
        assert saver.stdout is not None
        said = [await asyncio.to_thread(saver.stdout.readline) for _ in range(4 + number)]
        saver.kill()
        said += await asyncio.to_thread(saver.stdout.readlines)
        # A line may be cut short too.
        ids = [line.strip() for line in said if line.endswith("\n")]
        assert len(ids) >= 4
        listed = await settled(store, workflow, ids)
        # What was said to be stored is there, and at most one more that could not be said.
        assert listed[::-1][: len(ids)] == ids
        assert len(listed) <= len(ids) + 1
        # Loading verifies the checksum.
        for storage_id in listed:
            loaded = await store.load(storage_id, workflow)
            assert loaded is not None
            assert loaded.context_state == {"padding": "x" * 300_000}
        latest = await store.load_latest(workflow)
        assert latest is not None
        assert latest.storage_id == listed[0]
        # Whoever takes over goes on.
        assert (
            await store.save(workflow_checkpoint(workflow))
            == (await store.list_checkpoints(workflow, 1))[0]
        )


async def settled(store: CheckpointStore, workflow: str, ids: list[str]) -> list[str]:
    """List the checkpoints once the server is done with what a killed client had sent."""
    async with asyncio.timeout(PATIENCE):
        listed = await store.list_checkpoints(workflow)
        while len(listed) < len(ids) or await busy(store):
            listed = await store.list_checkpoints(workflow)
    return await store.list_checkpoints(workflow)


async def busy(store: CheckpointStore) -> bool:
    if store.database.dialect == "sqlite":
        return False
    sessions = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'active' AND pid <> pg_backend_pid()"
    )
    return bool(await fetch_value(store.database, sessions))


async def test_pruning_while_others_save_never_takes_the_newest(
    store: CheckpointStore, location: str | Path, open_database: OpenDatabase, processes: ExitStack
) -> None:
    pruners = [store, CheckpointStore(await open_database())]
    savers = [start(processes, location, "w", 150) for _ in range(2)]
    go(*savers)
    saving = asyncio.gather(*(asyncio.to_thread(stored_ids, saver) for saver in savers))
    removed, rounds = 0, 0

    async def prune(pruner: CheckpointStore) -> None:
        nonlocal removed, rounds
        while not saving.done():
            before = set(await pruner.list_checkpoints("w"))
            gone = await pruner.prune("w", 5)
            removed += gone
            left = await pruner.list_checkpoints("w")
            # Never fewer than were asked for, of those that were there.
            assert len(left) >= min(5, len(before))
            latest = await pruner.load_latest("w")
            assert latest is not None or not before
            rounds += 1

    await asyncio.gather(*(prune(pruner) for pruner in pruners))
    ids = list(chain.from_iterable(await saving))
    assert len(set(ids)) == 300
    assert rounds >= 2
    left = await store.list_checkpoints("w")
    assert removed + len(left) == 300
    removed_at_last = await store.prune("w", 5)
    assert removed_at_last == max(0, len(left) - 5)
    kept = await store.list_checkpoints("w")
    assert kept == left[:5]
    # The last of each process are the newest of all but a few.
    steps = [int(one.current_step or 0) for one in (await store.list_page("w")).checkpoints]
    assert max(steps) == 149


async def test_savers_and_pruners_in_one_process(
    store: CheckpointStore, open_database: OpenDatabase
) -> None:
    stores = [store, CheckpointStore(await open_database())]

    async def save(number: int) -> str:
        # Times in no order: what is stored late may be of an early time.
        timestamp = day((number * 37) % 100)
        return await stores[number % 2].save(workflow_checkpoint(created_at=timestamp))

    work: list[Any] = []
    for number in range(100):
        work.append(save(number))
        if number % 5 == 0:
            work.append(stores[number % 2].prune("w", 10))
            work.append(stores[(number + 1) % 2].cleanup_older_than(1, now=day(60)))
    await asyncio.gather(*work)
    left = (await store.list_page("w")).checkpoints
    # The one that was stored last is never deleted, whatever its time.
    assert left
    # Two connections of one server may store in one microsecond, where `sequence` decides.
    order = [(one.stored_at, one.sequence) for one in left]
    assert order == sorted(set(order), reverse=True)
    last = [await save(number) for number in range(10)]
    assert await store.prune("w", 10) == len(left)
    assert await store.list_checkpoints("w") == last[::-1]
