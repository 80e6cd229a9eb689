"""Long-term memory in plain scripts and in graphs, and the context managers that open it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.config import get_store
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore, GetOp, PutOp

from aragora_sql import LangGraphStore, PostgresLangGraphStore, SQLiteLangGraphStore
from aragora_sql.errors import ConfigurationError, DatabaseClosedError, InvalidInputError
from tests.stores.langgraph.test_synchronous import run_script

BY_ENGINE: dict[str, type[LangGraphStore]] = {
    "postgres": PostgresLangGraphStore,
    "sqlite": SQLiteLangGraphStore,
}


def class_of(location: str | Path) -> type[LangGraphStore]:
    return BY_ENGINE["sqlite" if isinstance(location, Path) else "postgres"]


SCRIPT = """
import json, sys
from langgraph.store.base import GetOp, PutOp
from aragora_sql import LangGraphStore

async def embed(texts):
    return [[float(len(text)), 1.0] for text in texts]

index = {"dims": 2, "embed": embed, "fields": ["text"]}
with LangGraphStore.from_conn_string(sys.argv[1], index=index, ttl={"default_ttl": 5}) as store:
    store.setup()
    store.setup()
    store.put(("users", "42"), "a", {"text": "long text"})
    store.put(("users", "43"), "b", {"text": ""}, ttl=None)
    store.put(("users", "43"), "c", {})
    store.delete(("users", "43"), "c")
    got = store.get(("users", "42"), "a").value
    similar = [item.key for item in store.search((), query="", limit=1)]
    spaces = store.list_namespaces(prefix=("users",))
    batch = store.batch([PutOp(("n",), "k", {}), GetOp(("n",), "k")])
    swept = store.sweep_ttl()
print(json.dumps([got, similar, spaces, batch, swept]))
"""


def test_from_conn_string_serves_a_plain_script(location: str | Path) -> None:
    assert run_script(SCRIPT, str(location)) == [
        {"text": "long text"},
        ["b"],
        [["users", "42"], ["users", "43"]],
        [None, None],
        0,
    ]


WITHOUT_WITH = """
import json, sys
from aragora_sql import SQLiteLangGraphStore
store = SQLiteLangGraphStore(sys.argv[1])
store.setup()
store.put(("n",), "k", {"x": 1})
print(json.dumps(store.get(("n",), "k").value))
"""


def test_get_in_a_script_needs_no_context(tmp_path: Path) -> None:
    assert run_script(WITHOUT_WITH, str(tmp_path / "aragora.db")) == {"x": 1}


def test_put_in_many_threads_without_a_loop(location: str | Path) -> None:
    with class_of(location).from_conn_string(str(location)) as store:
        store.setup()

        def put_one(number: int) -> None:
            store.put(("n",), str(number), {"x": number})

        with ThreadPoolExecutor(8) as threads:
            assert len(list(threads.map(put_one, range(40)))) == 40
        assert len(store.search((), limit=100)) == 40


def test_search_get_delete_list_namespaces_batch_and_sweep_ttl_do_what_the_others_do(
    location: str | Path,
) -> None:
    with class_of(location).from_conn_string(str(location)) as store:
        store.setup()
        assert store.batch([PutOp(("n",), "a", {"x": 1}), GetOp(("n",), "a")]) == [None, None]
        store.put(("n", "m"), "b", {"x": 2}, ttl=5)
        found = store.search(("n",), filter={"x": {"$gt": 1}}, limit=5, offset=0, refresh_ttl=True)
        assert [item.key for item in found] == ["b"]
        got = store.get(("n",), "a", refresh_ttl=False)
        assert got is not None
        assert got.value == {"x": 1}
        assert store.list_namespaces(suffix=("m",), max_depth=1, limit=1) == [("n",)]
        assert store.sweep_ttl() == 0
        store.delete(("n",), "a")
        assert store.get(("n",), "a") is None


async def test_from_conn_string_serves_a_loop(location: str | Path) -> None:
    kind = class_of(location)
    async with kind.from_conn_string(str(location)) as store:
        assert type(store) is kind
        await store.setup()
        await store.aput(("n",), "k", {"x": 1})
        found = await store.aget(("n",), "k")
        assert found is not None
        # Threads beside the loop use its connections.
        assert await asyncio.to_thread(store.get, ("n",), "k") == found
        await asyncio.to_thread(store.put, ("n",), "k", {"x": 2})
        assert [item.value for item in await asyncio.to_thread(store.search, ("n",))] == [{"x": 2}]
    with pytest.raises(DatabaseClosedError):
        await store.aget(("n",), "k")


async def test_from_conn_string_refuses_bad_options_and_closes(location: str | Path) -> None:
    kind = class_of(location)
    bad: Any
    for bad in ({"index": {}}, {"ttl": {"default_ttl": 0}}):
        with pytest.raises(InvalidInputError):
            async with kind.from_conn_string(str(location), **bad):
                pass
    with pytest.raises((InvalidInputError, ConfigurationError)):
        async with PostgresLangGraphStore.from_conn_string("aragora.db"):
            pass


async def test_initialize_and_setup_do_the_same(store: LangGraphStore) -> None:
    await store.initialize()
    await store.setup()
    assert await store.asearch(()) == []


CALLS: list[Callable[[LangGraphStore], Any]] = [
    lambda s: s.get(("n",), "k"),
    lambda s: s.search(("n",)),
    lambda s: s.put(("n",), "k", {}),
    lambda s: s.delete(("n",), "k"),
    lambda s: s.list_namespaces(),
    lambda s: s.batch([PutOp(("n",), "k", {}), GetOp(("n",), "k")]),
    lambda s: s.sweep_ttl(),
]


async def test_a_synchronous_call_within_a_loop_is_refused(store: LangGraphStore) -> None:
    for call in CALLS:
        with pytest.raises(ConfigurationError, match=r"inside a running event loop.*asynchronous"):
            call(store)
    assert await store.asearch(()) == []


class State(TypedDict):
    user: str
    seen: int


async def count_visit(state: State) -> dict[str, int]:
    store = get_store()
    item = await store.aget(("visits",), state["user"])
    seen = 1 if item is None else item.value["count"] + 1
    await store.aput(("visits",), state["user"], {"count": seen})
    return {"seen": seen}


def count_visit_in_a_thread(state: State, *, store: BaseStore) -> dict[str, int]:
    item = store.get(("visits",), state["user"])
    seen = 1 if item is None else item.value["count"] + 1
    store.put(("visits",), state["user"], {"count": seen})
    return {"seen": seen}


def graph_of(node: Any, store: LangGraphStore) -> Any:
    builder = StateGraph(State)
    builder.add_node("visit", node)
    builder.add_edge(START, "visit")
    builder.add_edge("visit", END)
    return builder.compile(store=store)


async def test_nodes_of_a_graph_keep_what_they_learn(store: LangGraphStore) -> None:
    for node in (count_visit, count_visit_in_a_thread):
        graph = graph_of(node, store)
        await graph.ainvoke({"user": node.__name__, "seen": 0})
        result = await graph.ainvoke({"user": node.__name__, "seen": 0})
        assert result["seen"] == 2
    # invoke() works beside the loop.
    graph = graph_of(count_visit_in_a_thread, store)
    result = await asyncio.to_thread(graph.invoke, {"user": "count_visit", "seen": 0})
    assert result["seen"] == 3
