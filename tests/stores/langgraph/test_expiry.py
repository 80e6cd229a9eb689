"""Threads that were not written to for long are deleted, whole or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.langgraph import DeletedThreads, LangGraphSaver
from aragora_sql.stores.langgraph import saver as saver_module
from tests.conftest import OpenDatabase
from tests.database.waiting import PATIENCE, outside
from tests.stores.langgraph.test_saver import LARGE, at, graph, listed, put, put_chain
from tests.stores.samples import fetch, row_counts, run

MONTH = timedelta(days=30)
TABLES = ("langgraph_checkpoints", "langgraph_writes")


async def age(database: Database, thread_id: str, days: float, *tables: str) -> None:
    """Make rows of a thread older than they are."""
    for table in tables or TABLES:
        written = (
            f"now() - interval '1 day' * {days}"
            if database.dialect == "postgres"
            else f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{days} days')"
        )
        await run(
            database, f"UPDATE {table} SET created_at = {written} WHERE thread_id = '{thread_id}'"
        )


async def threads(saver: LangGraphSaver) -> set[str]:
    return {one.config["configurable"]["thread_id"] for one in await listed(saver, None)}


async def test_adelete_expired_threads_deletes_old_threads_with_all_they_have(
    saver: LangGraphSaver,
) -> None:
    for name in ("old 1", "old 2", "new"):
        await put_chain(saver, name, 3, LARGE)
        await put(saver, at(name, "inner|1"), {"n": LARGE})
    await age(saver.database, "old 1", 31)
    await age(saver.database, "old 2", 400)
    await age(saver.database, "new", 29)
    # The one that is older comes first.
    assert await saver.afind_expired_threads(MONTH) == ["old 2", "old 1"]
    deleted = await saver.adelete_expired_threads(MONTH)
    assert deleted == DeletedThreads(threads=2, checkpoints=8, writes=6, values=8)
    assert deleted.to_dict() == {"threads": 2, "checkpoints": 8, "writes": 6, "values": 8}
    assert await threads(saver) == {"new"}
    assert await row_counts(saver.database) == {
        "langgraph_checkpoints": 4,
        "langgraph_values": 4,
        "langgraph_writes": 3,
    }
    assert await saver.adelete_expired_threads(MONTH) == DeletedThreads()
    assert await saver.afind_expired_threads(MONTH) == []


async def test_the_newest_checkpoint_or_write_anywhere_in_a_thread_counts(
    saver: LangGraphSaver,
) -> None:
    for name in ("renewed", "continued", "in a subgraph", "written", "renewed write", "old"):
        first = (await put_chain(saver, name, 2))[0]
        await put(saver, at(name, "inner|1"), {"n": 1})
        await saver.aput_writes(first, [("__error__", "first")], "task")
        await age(saver.database, name, 31)
        if name == "renewed":
            checkpoint: Any = (await saver.aget_tuple(first)).checkpoint  # type: ignore[union-attr]
            await saver.aput(at(name), checkpoint, {}, {})
        elif name == "continued":
            await put(saver, first, {"n": 9}, versions={"n": "9"})
        elif name == "in a subgraph":
            await put(saver, at(name, "inner|1"), {"n": 9}, versions={"n": "9"})
        elif name == "written":
            await saver.aput_writes(first, [("n", 9)], "another task")
        elif name == "renewed write":
            await saver.aput_writes(first, [("__error__", "again")], "task")
    assert await saver.afind_expired_threads(MONTH) == ["old"]
    assert (await saver.adelete_expired_threads(MONTH)).threads == 1
    assert await threads(saver) == {
        "renewed",
        "continued",
        "in a subgraph",
        "written",
        "renewed write",
    }
    # A copy is as old as what it is of.
    await saver.acopy_thread("written", "copy")
    await age(saver.database, "written", 31, "langgraph_checkpoints")
    await age(saver.database, "copy", 31, "langgraph_checkpoints")
    assert await saver.afind_expired_threads(MONTH) == []


async def test_a_write_without_a_time_is_as_old_as_its_thread(saver: LangGraphSaver) -> None:
    await put_chain(saver, "t", 2)
    await age(saver.database, "t", 31)
    await run(saver.database, "UPDATE langgraph_writes SET created_at = NULL")
    assert (await saver.adelete_expired_threads(MONTH)).writes == 2
    assert await row_counts(saver.database) == {}


@pytest.mark.parametrize("page", [1, 2, 7, 1000])
async def test_limit_bounds_afind_expired_threads_and_adelete_expired_threads(
    saver: LangGraphSaver, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(saver_module, "EXPIRY_PAGE", page)
    monkeypatch.setattr(saver_module, "PRUNE_BATCH", 2)
    # Old checkpoints of a thread in use lie before those of the others.
    await put_chain(saver, "in use", 5)
    await age(saver.database, "in use", 100)
    await put(saver, at("in use"))
    for number in range(5):
        await put_chain(saver, f"old {number}", 2)
        await age(saver.database, f"old {number}", 90 - number)
    assert await saver.afind_expired_threads(MONTH, limit=3) == ["old 0", "old 1", "old 2"]
    assert len(await saver.afind_expired_threads(MONTH)) == 5
    counts = [(await saver.adelete_expired_threads(MONTH, limit=3)).threads for _ in range(3)]
    assert counts == [3, 2, 0]
    assert await threads(saver) == {"in use"}


async def test_a_thread_that_is_written_to_meanwhile_is_kept_whole(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    await put_chain(saver, "a", 2)
    await put_chain(saver, "b", 2)
    for name in ("a", "b"):
        await age(saver.database, name, 31)
    other = LangGraphSaver(await open_database())
    async with other.database.transaction():
        # Not committed yet: nobody sees that the thread is in use.
        await put(other, at("a"), {"n": 7}, versions={"n": "7"})
        if saver.database.dialect == "postgres":
            assert await saver.afind_expired_threads(MONTH) == ["a", "b"]
        deleting = outside(saver.adelete_expired_threads(MONTH))
        done, _ = await asyncio.wait([deleting], timeout=0.3)
        assert not done
    assert (await asyncio.wait_for(deleting, PATIENCE)).threads == 1
    assert len(await listed(saver, at("a"))) == 3
    assert await threads(saver) == {"a"}


async def test_a_thread_that_was_written_to_after_it_was_found_is_kept(
    saver: LangGraphSaver,
) -> None:
    first, _ = await put_chain(saver, "t", 2)
    await age(saver.database, "t", 31)
    for write in (
        lambda: saver.aput_writes(first, [("n", 5)], "late"),
        lambda: put(saver, first, {"n": 5}, versions={"n": "5"}),
    ):
        assert await saver.afind_expired_threads(MONTH) == ["t"]
        await write()
        assert await saver._delete_expired(["t"], MONTH.total_seconds()) == DeletedThreads()
        await age(saver.database, "t", 31)
    assert len(await listed(saver, at("t"))) == 3


async def test_a_graph_goes_on_beside_an_expiry(saver: LangGraphSaver) -> None:
    await put_chain(saver, "old", 3)
    await age(saver.database, "old", 31)
    stopping = graph(saver, interrupt_before=["b"])
    await stopping.ainvoke({"seen": [], "log": ["start"]}, at("stopped"))
    assert (await saver.adelete_expired_threads(MONTH)).threads == 1
    result = await graph(saver).ainvoke(None, at("stopped"))
    assert result["seen"] == ["a", "b"]


async def test_delete_expired_threads_and_find_expired_threads_in_a_thread(
    saver: LangGraphSaver,
) -> None:
    await put_chain(saver, "old", 1, LARGE)
    await age(saver.database, "old", 31)
    assert await asyncio.to_thread(saver.find_expired_threads, MONTH) == ["old"]
    deleted = await asyncio.to_thread(saver.delete_expired_threads, MONTH)
    assert deleted == DeletedThreads(threads=1, checkpoints=1, writes=1, values=1)


@pytest.mark.parametrize(
    "older_than", [timedelta(0), timedelta(days=-1), timedelta.max, 30, None, "30d"]
)
async def test_adelete_expired_threads_refuses_an_age_that_is_none(
    saver: LangGraphSaver, older_than: Any
) -> None:
    await saver.aput(at("t"), empty_checkpoint(), {}, {})
    for call in (saver.adelete_expired_threads, saver.afind_expired_threads):
        with pytest.raises(InvalidInputError, match="older_than"):
            await call(older_than)
    (row,) = await fetch(saver.database, "SELECT count(*) AS n FROM langgraph_checkpoints")
    assert row["n"] == 1
