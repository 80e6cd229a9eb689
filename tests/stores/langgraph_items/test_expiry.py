"""Items that expire: time is told by the test, so nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from langgraph.store.base import GetOp, PutOp, SearchOp

from aragora_sql.database import Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.langgraph_items import LangGraphStore
from aragora_sql.stores.langgraph_items import store as module

START = utc_now()
At = Callable[[float], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the time of the store, in minutes from the start."""

    def set_time(minutes: float) -> None:
        now = START + timedelta(minutes=minutes)
        monkeypatch.setattr(module, "utc_now", lambda: now)

    set_time(0)
    return set_time


def store_on(database: Database, **ttl: Any) -> LangGraphStore:
    return LangGraphStore(database, ttl=ttl)  # type: ignore[arg-type]


async def keys(store: LangGraphStore) -> list[str]:
    return sorted(item.key for item in await store.asearch((), refresh_ttl=False))


async def test_asweep_ttl_deletes_what_has_expired(store: LangGraphStore, at: At) -> None:
    await store.aput(("n",), "half", {}, ttl=0.5)
    await store.aput(("n",), "five", {}, ttl=5)
    await store.aput(("n",), "ever", {}, ttl=None)
    await store.aput(("n",), "not given", {})
    assert await store.asweep_ttl() == 0
    at(0.6)
    assert await store.asweep_ttl() == 1
    assert await keys(store) == ["ever", "five", "not given"]
    at(5.1)
    assert await store.asweep_ttl() == 1
    at(10**6)
    assert await store.asweep_ttl() == 0
    assert await keys(store) == ["ever", "not given"]


async def test_asweep_ttl_takes_more_than_one_batch(
    store: LangGraphStore, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEEP_BATCH", 3)
    await store.abatch([PutOp(("n",), str(number), {}, ttl=1) for number in range(10)])
    at(2)
    assert await store.asweep_ttl() == 10


@pytest.mark.parametrize("ttl", [1, 0.25])
async def test_reading_puts_the_end_off(database: Database, at: At, ttl: float) -> None:
    store = store_on(database)
    for key in ("got", "found", "listed", "left"):
        await store.aput(("n",), key, {"x": key}, ttl=ttl)
    at(ttl * 0.9)
    await store.aget(("n",), "got")
    await store.asearch(("n",), filter={"x": "found"})
    await store.abatch([GetOp(("n",), "listed"), SearchOp(("n",), {"x": "listed"})])
    await store.aget(("n",), "left", refresh_ttl=False)
    await store.asearch(("n",), refresh_ttl=False)
    at(ttl * 1.8)
    assert await store.asweep_ttl() == 1
    assert await keys(store) == ["found", "got", "listed"]
    at(ttl * 2)
    assert await store.asweep_ttl() == 3


async def test_refresh_on_read_is_the_default_of_reads(database: Database, at: At) -> None:
    store = store_on(database, refresh_on_read=False)
    for key in ("got", "asked"):
        await store.aput(("n",), key, {}, ttl=5)
    at(4)
    await store.aget(("n",), "got")
    await store.asearch(("n",))
    await store.aget(("n",), "asked", refresh_ttl=True)
    at(6)
    assert await store.asweep_ttl() == 1
    assert await keys(store) == ["asked"]


async def test_default_ttl_is_for_items_without_their_own(database: Database, at: At) -> None:
    store = store_on(database, default_ttl=5)
    await store.aput(("n",), "default", {})
    await store.aput(("n",), "own", {}, ttl=50)
    await store.aput(("n",), "ever", {}, ttl=None)
    at(6)
    assert await store.asweep_ttl() == 1
    assert await keys(store) == ["ever", "own"]


async def test_storing_again_replaces_the_end(store: LangGraphStore, at: At) -> None:
    await store.aput(("n",), "longer", {}, ttl=5)
    await store.aput(("n",), "ever", {}, ttl=5)
    await store.aput(("n",), "shorter", {}, ttl=5)
    await store.aput(("n",), "longer", {}, ttl=50)
    await store.aput(("n",), "ever", {})
    await store.aput(("n",), "shorter", {}, ttl=1)
    at(2)
    assert await store.asweep_ttl() == 1
    at(6)
    assert await store.asweep_ttl() == 0
    assert await keys(store) == ["ever", "longer"]


async def test_omit_expired_hides_items_before_they_are_swept(database: Database, at: At) -> None:
    hiding, store = store_on(database, omit_expired=True), store_on(database)
    await store.aput(("n", "m"), "k", {"text": "a"}, ttl=5)
    await store.aput(("o",), "k", {})
    at(6)
    assert await hiding.aget(("n", "m"), "k") is None
    assert [item.namespace for item in await hiding.asearch(())] == [("o",)]
    assert await hiding.asearch(("n",)) == []
    assert await hiding.alist_namespaces() == [("o",)]
    assert await hiding.alist_namespaces(max_depth=1) == [("o",)]
    # What is hidden is not read, so it does not live on.
    assert await store.alist_namespaces() == [("n", "m"), ("o",)]
    assert await store.aget(("n", "m"), "k") is not None
    assert await hiding.aget(("n", "m"), "k") is not None


async def test_a_read_never_undoes_what_was_stored_meanwhile(
    store: LangGraphStore, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of an item and putting its end off, it gets another one."""
    await store.aput(("n",), "k", {}, ttl=50)
    read = store._items

    async def read_then_store_again(*given: Any) -> Any:
        rows = await read(*given)
        await store.aput(("n",), "k", {}, ttl=1)
        return rows

    monkeypatch.setattr(store, "_items", read_then_store_again)
    assert await store.aget(("n",), "k") is not None
    at(2)
    assert await store.asweep_ttl() == 1


BAD_CONFIGS: list[tuple[Any, str]] = [
    ("text", "ttl"),
    ({"unknown": 1}, "ttl"),
    ({"default_ttl": 0}, "ttl.default_ttl"),
    ({"default_ttl": -1}, "ttl.default_ttl"),
    ({"default_ttl": "5"}, "ttl.default_ttl"),
    ({"default_ttl": 1e300}, "ttl.default_ttl"),
    ({"sweep_interval_minutes": 60}, "ttl.sweep_interval_minutes"),
    ({"refresh_on_read": 1}, "ttl.refresh_on_read"),
    ({"omit_expired": None}, "ttl.omit_expired"),
]


async def test_a_bad_ttl_config_is_named(database: Database) -> None:
    for ttl, argument in BAD_CONFIGS:
        with pytest.raises(InvalidInputError) as caught:
            LangGraphStore(database, ttl=ttl)
        assert caught.value.argument == argument
