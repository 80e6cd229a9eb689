"""Subgraphs that are nested so deep that their namespaces are longer than an index takes."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from aragora_sql.stores.langgraph import LangGraphSaver
from tests.stores.langgraph.test_saver import at, ids, listed, put, put_chain
from tests.stores.samples import row_counts

DEPTH = 60
LONG = "|".join(f"level {number:02}:{'0123456789abcdef' * 2}" for number in range(DEPTH))


class Depth(TypedDict):
    reached: int
    answer: str


def nested(depth: int, saver: LangGraphSaver) -> Any:
    """Return a graph of ``depth`` subgraphs in one another; the innermost asks something."""

    def innermost(state: Depth) -> dict[str, Any]:
        return {"reached": state["reached"] + 1, "answer": interrupt("which?")}

    builder = StateGraph(Depth)
    builder.add_node("innermost", innermost)
    name = "innermost"
    for level in range(depth, 0, -1):
        builder.add_edge(START, name)
        builder.add_edge(name, END)
        inner, name = builder.compile(), f"a_subgraph_of_level_{level}"
        builder = StateGraph(Depth)
        builder.add_node(name, inner)
    builder.add_edge(START, name)
    builder.add_edge(name, END)
    return builder.compile(checkpointer=saver)


async def test_sixty_nested_subgraphs_stop_and_go_on(saver: LangGraphSaver) -> None:
    config = at("thread") | {"recursion_limit": 1000}
    await nested(DEPTH, saver).ainvoke({"reached": 0, "answer": ""}, config)
    namespaces = {
        one.config["configurable"]["checkpoint_ns"]
        for one in await listed(saver, at("thread", None))
    }
    assert len(namespaces) == DEPTH + 1
    longest = max(namespaces, key=len)
    assert len(longest) > 2704
    assert longest.count("|") == DEPTH - 1
    found, *_ = await listed(saver, at("thread", longest))
    assert found.config["configurable"]["checkpoint_ns"] == longest
    again = nested(DEPTH, LangGraphSaver(saver.database))
    result = await again.ainvoke(Command(resume="this"), config)
    assert result == {"reached": 1, "answer": "this"}
    await saver.adelete_thread("thread")
    assert await row_counts(saver.database) == {}


@pytest.mark.parametrize("length", [1000, 1001, 50_000])
async def test_a_long_namespace_is_one_like_any_other(saver: LangGraphSaver, length: int) -> None:
    name = (LONG * 20)[:length]
    other = name[:-1] + "!"
    first = await put(saver, at("t", name), {"n": 1}, versions={"n": "1"})
    await saver.aput_writes(first, [("n", 2)], "task")
    second = await put(saver, first, {"n": 2}, versions={"n": "2"})
    await put(saver, at("t", other), {"n": 3})
    await put_chain(saver, "t", 2)
    assert first["configurable"]["checkpoint_ns"] == name
    found = await saver.aget_tuple(at("t", name))
    assert found is not None
    assert (found.config, found.parent_config) == (second, first)
    assert found.checkpoint["channel_values"] == {"n": 2}
    assert found.checkpoint.keys() == (await listed(saver, at("t")))[0].checkpoint.keys()
    assert [one.config for one in await listed(saver, at("t", name))] == [second, first]
    assert len(await listed(LangGraphSaver(saver.database, page_size=1), at("t", None))) == 5
    assert len(await listed(LangGraphSaver(saver.database, page_size=1), None)) == 5
    history = await saver.aget_delta_channel_history(config=second, channels=["n"])
    assert history["n"] == {"writes": [("task", "n", 2)], "seed": 1}
    await saver.acopy_thread("t", "copy")
    assert ids(await listed(saver, at("copy", name))) == ids(await listed(saver, at("t", name)))
    await saver.aprune(["t"])
    assert [one.config for one in await listed(saver, at("t", name))] == [second]
    assert len(await listed(saver, at("t", other))) == 1
