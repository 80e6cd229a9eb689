"""LangGraph's saver beyond the conformance suite: its real graphs, rivals, limits and bad input."""

from __future__ import annotations

import asyncio
import math
import operator
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    CheckpointTuple,
    empty_checkpoint,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from aragora_sql import (
    LangGraphSaver,
    PostgresLangGraphSaver,
    SQLiteLangGraphSaver,
    close_databases,
    get_langgraph_saver,
    get_postgres_langgraph_saver,
    get_sqlite_langgraph_saver,
)
from aragora_sql.database import Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.checkpoints.store import CheckpointStore
from tests.conftest import OpenDatabase
from tests.database.waiting import PATIENCE, outside, until
from tests.proxy import CountingProxy
from tests.stores.samples import row_counts, workflow_checkpoint

Saver = BaseCheckpointSaver[str]


def at(
    thread_id: Any, checkpoint_ns: str | None = "", checkpoint_id: str | None = None
) -> RunnableConfig:
    options = {
        "thread_id": thread_id,
        "checkpoint_ns": checkpoint_ns,
        "checkpoint_id": checkpoint_id,
    }
    return {"configurable": {name: value for name, value in options.items() if value is not None}}


async def put(
    saver: Saver,
    config: RunnableConfig,
    values: Mapping[str, Any] | None = None,
    changed: Sequence[str] | None = None,
    versions: Mapping[str, str] | None = None,
    **metadata: Any,
) -> RunnableConfig:
    """Store a checkpoint whose channels have these values; ``changed`` (default: all) are new."""
    values = values or {}
    versions = versions or dict.fromkeys(values, "1")
    checkpoint = empty_checkpoint() | {
        "channel_values": dict(values),
        "channel_versions": dict(versions),
    }
    new = {name: versions[name] for name in (values if changed is None else changed)}
    given: Any = {"source": "loop", "step": 0, "parents": {}, **metadata}
    return await saver.aput(config, checkpoint, given, new)  # type: ignore[arg-type]


# A value that is a row of its own.
LARGE = "x" * 2000


async def put_chain(
    saver: Saver, thread_id: str, count: int, value: str | None = None
) -> list[RunnableConfig]:
    """Store checkpoints of which each continues the one before, with a value and a write.

    ``value`` is one more, new in each checkpoint.
    """
    config = at(thread_id)
    chain = []
    for number in range(count):
        version = f"{number:04}"
        values = {"n": number} | ({} if value is None else {"text": value})
        versions = dict.fromkeys(values, version)
        config = await put(saver, config, values, versions=versions, step=number)
        await saver.aput_writes(config, [("n", number + 1)], f"task {number}")
        chain.append(config)
    return chain


async def listed(saver: Saver, *args: Any, **kwargs: Any) -> list[CheckpointTuple]:
    return [one async for one in saver.alist(*args, **kwargs)]


def ids(found: Sequence[CheckpointTuple]) -> list[str]:
    return [one.checkpoint["id"] for one in found]


# Graphs


def add(state: list[str], writes: Sequence[list[str]]) -> list[str]:
    return [*state, *(item for write in writes for item in write)]


class State(TypedDict):
    seen: Annotated[list[str], operator.add]
    log: Annotated[list[str], DeltaChannel(add, snapshot_frequency=4)]


Graph = CompiledStateGraph[State, None, State, State]


def graph(saver: Saver, **options: Any) -> Graph:
    def node(name: str) -> Any:
        async def work(state: State) -> dict[str, list[str]]:
            return {"seen": [name], "log": [f"{name}{len(state['log'])}"]}

        return work

    builder = StateGraph(State)
    for name in ("a", "b"):
        builder.add_node(name, node(name))
    builder.add_edge(START, "a")
    builder.add_edge("a", "b")
    builder.add_edge("b", END)
    return builder.compile(checkpointer=saver, **options)


EXPECTED_LOG = ["start", "a1", "b2"]


async def test_a_graph_stops_and_goes_on(saver: LangGraphSaver) -> None:
    stopping = graph(saver, interrupt_before=["b"])
    config = at("thread")
    await stopping.ainvoke({"seen": [], "log": ["start"]}, config)
    state = await stopping.aget_state(config)
    assert state.next == ("b",)
    assert state.values == {"seen": ["a"], "log": ["start", "a1"]}
    result = await graph(LangGraphSaver(saver.database)).ainvoke(None, config)
    assert result == {"seen": ["a", "b"], "log": EXPECTED_LOG}


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_delta_channels_are_rebuilt_after_pruning_and_copying(
    saver: LangGraphSaver, durability: Any
) -> None:
    expected: list[str] = []
    for number in range(7):
        result = await graph(saver).ainvoke(
            {"seen": [], "log": [f"start {number}"]}, at("thread"), durability=durability
        )
        expected += [f"start {number}", f"a{len(expected) + 1}", f"b{len(expected) + 2}"]
        assert result["log"] == expected
        if number % 2:
            await saver.aprune(["thread"])
    assert (await graph(saver).aget_state(at("thread"))).values["log"] == expected
    before = len(await listed(saver, at("thread")))
    await saver.aprune(["thread"])
    left = await listed(saver, at("thread"))
    assert len(left) <= before
    # Between two full values of the channel are no more than four writes of it.
    assert len(left) <= 12
    assert (await graph(saver).aget_state(at("thread"))).values["log"] == expected
    await saver.acopy_thread("thread", "copy")
    await saver.adelete_thread("thread")
    assert (await graph(saver).aget_state(at("copy"))).values["log"] == expected
    result = await graph(saver).ainvoke({"seen": [], "log": ["more"]}, at("copy"))
    assert result["log"][:-3] == expected
    assert (await graph(saver).aget_state(at("thread"))).values == {}


RUN = """
import asyncio, sys
from aragora_sql import PostgresDatabase, SQLiteDatabase
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.stores.langgraph.test_saver import at, graph

async def main(location, inputs):
    if location.startswith("postgres"):
        database = await PostgresDatabase.connect(location, 1, 2)
    else:
        database = SQLiteDatabase(location)
    saver = LangGraphSaver(database)
    await saver.initialize()
    options = {"interrupt_before": ["b"]} if inputs == "first" else {}
    given = {"seen": [], "log": ["start"]} if inputs == "first" else None
    print(await graph(saver, **options).ainvoke(given, at("thread"), durability="sync"), flush=True)
    if inputs == "first":
        sys.stdin.readline()  # until it is killed
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_graph_goes_on_in_another_process(
    saver: LangGraphSaver, location: str | Path
) -> None:
    def start(inputs: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(location), inputs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def run_both() -> tuple[str, str]:
        with start("first") as first:
            assert first.stdout is not None
            said = first.stdout.readline()
            first.kill()
        with start("second") as second:
            return said, second.communicate(timeout=PATIENCE * 2)[0]

    said, result = await asyncio.to_thread(run_both)
    assert said.strip() == str({"seen": ["a"], "log": ["start", "a1"]})
    assert result.strip() == str({"seen": ["a", "b"], "log": EXPECTED_LOG})
    state = await graph(saver).aget_state(at("thread"))
    assert state.next == ()


async def test_a_synchronous_graph_runs_in_another_thread(saver: LangGraphSaver) -> None:
    class Plain(TypedDict):
        seen: Annotated[list[str], operator.add]

    def work(state: Plain) -> Plain:
        return {"seen": [f"{len(state['seen'])}"]}

    builder = StateGraph(Plain)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    compiled = builder.compile(checkpointer=saver)

    def invoke() -> Any:
        return compiled.invoke({"seen": ["in"]}, at("thread"))

    for _ in range(2):
        result = await asyncio.to_thread(invoke)
    assert result == {"seen": ["in", "1", "in", "3"]}
    history = await asyncio.to_thread(lambda: list(compiled.get_state_history(at("thread"))))
    assert [one.values for one in history] == [
        one.values async for one in compiled.aget_state_history(at("thread"))
    ]


async def test_every_synchronous_method_does_as_its_other_half(saver: LangGraphSaver) -> None:
    await put_chain(saver, "thread", 3)

    def work() -> list[Any]:
        config = saver.put(
            at("other"),
            empty_checkpoint(),
            {"source": "input", "step": -1, "run_id": "run"},
            {},
        )
        saver.put_writes(config, [("channel", 1)], "task")
        written = saver.get_tuple(config)
        assert written is not None
        assert written.pending_writes == [("task", "channel", 1)]
        saver.copy_thread("thread", "copy")
        saver.prune(["copy"])
        copied = list(saver.list(at("copy")))
        history = saver.get_delta_channel_history(config=at("thread"), channels=["n"])
        saver.delete_for_runs(["run"])
        saver.delete_thread("copy")
        return [ids(copied), history["n"], list(saver.list(None))]

    copied, history, everything = await asyncio.to_thread(work)
    assert copied == ids(await listed(saver, at("thread"), limit=1))
    assert history == {"writes": [("task 1", "n", 2)], "seed": 1}
    assert ids(everything) == ids(await listed(saver, at("thread")))


METADATA: Any = {"source": "input", "step": -1, "run_id": "run"}


async def test_put_stores_what_aget_tuple_reads(saver: LangGraphSaver) -> None:
    config = await asyncio.to_thread(saver.put, at("t"), empty_checkpoint(), METADATA, {})
    stored = await saver.aget_tuple(config)
    assert stored is not None
    assert stored.config == config
    assert stored.metadata["run_id"] == "run"


async def test_put_writes_and_get_tuple_from_a_thread(saver: LangGraphSaver) -> None:
    config = await put(saver, at("t"))
    await asyncio.to_thread(saver.put_writes, config, [("channel", 1)], "task")
    read = await asyncio.to_thread(saver.get_tuple, config)
    assert read == await saver.aget_tuple(config)
    assert read is not None
    assert read.pending_writes == [("task", "channel", 1)]


async def test_list_gives_what_alist_gives(saver: LangGraphSaver) -> None:
    await put_chain(saver, "t", 3)
    read = await asyncio.to_thread(lambda: list(saver.list(at("t"), limit=2)))
    assert read == await listed(saver, at("t"), limit=2)
    assert len(read) == 2


async def test_copy_thread_copies_all_of_it(saver: LangGraphSaver) -> None:
    await put_chain(saver, "t", 3)
    await asyncio.to_thread(saver.copy_thread, "t", "copy")
    assert ids(await listed(saver, at("copy"))) == ids(await listed(saver, at("t")))


async def test_prune_keeps_the_latest(saver: LangGraphSaver) -> None:
    await put_chain(saver, "t", 3)
    latest = ids(await listed(saver, at("t"), limit=1))
    await asyncio.to_thread(saver.prune, ["t"])
    assert ids(await listed(saver, at("t"))) == latest


async def test_delete_for_runs_takes_the_checkpoints_of_the_run(saver: LangGraphSaver) -> None:
    for run_id in ("one", "other"):
        await put(saver, at(run_id), run_id=run_id)
    await asyncio.to_thread(saver.delete_for_runs, ["one"])
    assert await listed(saver, at("one")) == []
    assert len(await listed(saver, at("other"))) == 1


async def test_delete_thread_takes_one_thread(saver: LangGraphSaver) -> None:
    await put_chain(saver, "t", 2)
    await put_chain(saver, "u", 2)
    await asyncio.to_thread(saver.delete_thread, "t")
    assert await listed(saver, at("t")) == []
    assert len(await listed(saver, at("u"))) == 2


async def test_get_delta_channel_history_gives_writes_since_the_seed(
    saver: LangGraphSaver,
) -> None:
    await put_chain(saver, "t", 3)

    def work() -> Any:
        return saver.get_delta_channel_history(config=at("t"), channels=["n"])

    assert (await asyncio.to_thread(work))["n"] == {"writes": [("task 1", "n", 2)], "seed": 1}


# Like LangGraph's own saver in memory


async def test_aget_tuple_and_aget_delta_channel_history_answer_like_the_saver_in_memory(
    saver: LangGraphSaver,
) -> None:
    """The same random calls of both, over forks, namespaces and shared values."""
    memory = InMemorySaver()
    choose = random.Random(5)  # noqa: S311
    configs: list[RunnableConfig] = []
    for number in range(60):
        parent = choose.choice([*configs[-8:], at(choose.choice("xy"), choose.choice(["", "sub"]))])
        channels = choose.sample(["a", "b", "c", "d"], choose.randint(0, 4))
        values = {name: [name, number] for name in channels}
        versions = dict.fromkeys(channels, f"{number:03}")
        checkpoint = empty_checkpoint() | {
            "channel_values": values,
            "channel_versions": versions,
        }
        metadata: Any = {
            "source": choose.choice(["input", "loop"]),
            "step": number,
            "nested": {"b": number % 2, "a": [1.5, None]},
            "flag": number % 3 == 0,
        }
        for one in (saver, memory):
            stored = await one.aput(parent, checkpoint, metadata, versions)  # type: ignore[arg-type]
        configs.append(stored)
        # All of one kind: for mixed ones see below.
        kind = choose.choice([["a", "b"], ["__error__", "__interrupt__"]])
        writes = [(choose.choice(kind), n) for n in range(3)]
        target = choose.choice(configs)
        path = choose.choice(["", "p"])
        for one in (saver, memory):
            await one.aput_writes(target, writes, f"task {number % 5}", path)

    def plain(found: CheckpointTuple | None) -> Any:
        if found is None:
            return None
        options = found.config["configurable"]
        place = (options["thread_id"], options["checkpoint_ns"], options["checkpoint_id"])
        return place, found.checkpoint, found.metadata, found.parent_config, found.pending_writes

    for config in [*configs, *(at(t, n) for t in "xyz" for n in ("", "sub"))]:
        assert plain(await saver.aget_tuple(config)) == plain(await memory.aget_tuple(config))
        wanted: Any = {"config": config, "channels": ["a", "b", "d", "unknown"]}
        assert await saver.aget_delta_channel_history(**wanted) == (
            await memory.aget_delta_channel_history(**wanted)
        )
        # The default of LangGraph's base class, which walks checkpoint by checkpoint.
        assert await saver.aget_delta_channel_history(**wanted) == (
            await BaseCheckpointSaver.aget_delta_channel_history(saver, **wanted)
        )
    filters: list[dict[str, Any] | None] = [
        None,
        {"source": "input"},
        {"source": "input", "flag": True},
        {"nested": {"a": [1.5, None], "b": 1}},
        {"nested": {"b": 1}},
        {"unknown": None},
        {"step": 7},
        {"step": "7"},
        {"flag": False},
        {"nested": None},
    ]
    for wanted_filter in filters:
        for config in (
            at("x"),
            at("x", "sub"),
            at("x", None),
            at("y", "", configs[9]["configurable"]["checkpoint_id"]),
        ):
            for before in (None, configs[30]):
                options = {"filter": wanted_filter, "before": before}
                ours = await listed(saver, config, **options)
                theirs = await listed(memory, config, **options)
                # It lists namespace by namespace.
                theirs.sort(key=lambda one: one.checkpoint["id"], reverse=True)
                assert [plain(one) for one in ours] == [plain(one) for one in theirs]
        ours = await listed(saver, None, filter=wanted_filter)
        theirs = await listed(memory, None, filter=wanted_filter)
        theirs.sort(key=lambda one: one.checkpoint["id"], reverse=True)
        assert [plain(one) for one in ours] == [plain(one) for one in theirs]


RESUME, ERROR, INTERRUPT = "__resume__", "__error__", "__interrupt__"


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([[(RESUME, 1)], [(RESUME, 2)]], [(RESUME, 2)]),
        ([[(RESUME, 1)], [(RESUME, 2), ("a", 1)]], [(RESUME, 1), ("a", 1)]),
        ([[(RESUME, 1), ("a", 1)], [(RESUME, 2)]], [(RESUME, 2), ("a", 1)]),
        ([[("a", 1), (RESUME, 1)], [("a", 2), (RESUME, 2)]], [(RESUME, 1), ("a", 1)]),
        (
            [[(INTERRUPT, 1), (RESUME, 1)], [(RESUME, 2), (INTERRUPT, 2)]],
            [(RESUME, 2), (INTERRUPT, 2)],
        ),
        (
            [[(RESUME, 1)], [("a", 2), (RESUME, 2), (ERROR, "x")]],
            [(RESUME, 1), (ERROR, "x"), ("a", 2)],
        ),
        ([[("a", 1)], [("a", 2)]], [("a", 1)]),
    ],
)
async def test_aput_writes_renews_like_the_savers_of_langgraph(
    saver: LangGraphSaver, batches: list[list[tuple[str, Any]]], expected: list[tuple[str, Any]]
) -> None:
    """As langgraph-checkpoint-sqlite 3.1.2 and langgraph-checkpoint-postgres 3.2.0 gave it."""
    config = await put(saver, at("t"))
    for writes in batches:
        await saver.aput_writes(config, writes, "task")
    found = await saver.aget_tuple(config)
    assert found is not None
    assert [write[1:] for write in found.pending_writes or ()] == expected


# Listing


@pytest.mark.parametrize("page_size", [1, 3, 7, 100])
async def test_pages_leave_nothing_out(saver: LangGraphSaver, page_size: int) -> None:
    small = LangGraphSaver(saver.database, page_size=page_size)
    for thread in ("a", "b"):
        for namespace in ("", "sub", "sub:1"):
            for number in range(7):
                await put(saver, at(thread, namespace), step=number)
    everything = await listed(small, None)
    assert len(everything) == 42
    assert ids(everything) == sorted(ids(everything), reverse=True)
    for config, count in ((at("a", None), 21), (at("a", "sub"), 7), (at("c", None), 0)):
        found = await listed(small, config)
        assert len(found) == count
        assert ids(await listed(small, config, limit=5)) == ids(found)[:5]
        assert await listed(small, config, limit=0) == []
        assert len(await listed(small, config, filter={"step": 3})) == count // 7


async def test_a_paused_listing_holds_nothing(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    alone = LangGraphSaver(
        await open_database(max_size=1) if saver.database.dialect == "postgres" else saver.database,
        page_size=2,
    )
    chain = await put_chain(saver, "thread", 6)
    listing = alone.alist(at("thread"))
    first = await anext(listing)
    assert alone.database.metrics().in_use == 0
    # Another task reads and writes meanwhile, on the only connection there is.
    async with asyncio.timeout(PATIENCE):
        await outside(alone.aput_writes(chain[0], [("n", 1)], "other"))
        await outside(alone.adelete_for_runs(["unknown"]))
        later = await outside(put(alone, at("thread"), {"n": 1}))
    rest = [one async for one in listing]
    assert ids([first, *rest]) == [
        config["configurable"]["checkpoint_id"] for config in chain[::-1]
    ]
    assert later["configurable"]["checkpoint_id"] not in ids(rest)


async def test_alist_leaves_out_what_is_deleted_meanwhile(saver: LangGraphSaver) -> None:
    small = LangGraphSaver(saver.database, page_size=2)
    await put_chain(saver, "thread", 6)
    listing = small.alist(at("thread"))
    await anext(listing)
    await saver.adelete_thread("thread")
    assert len([one async for one in listing]) <= 1


async def test_each_reader_gets_values_of_its_own(saver: LangGraphSaver) -> None:
    values = {"shared": [LARGE], "small": [1]}
    first = await put(saver, at("thread"), values)
    await put(saver, first, values, changed=[])
    newest, older = await listed(saver, at("thread"))
    for value in newest.checkpoint["channel_values"].values():
        value.append(2)
    assert older.checkpoint["channel_values"] == values
    assert (await row_counts(saver.database))["langgraph_values"] == 1


# Removing


async def test_adelete_thread_leaves_threads_with_similar_names(saver: LangGraphSaver) -> None:
    names = ["t", "t1", "t%", "t_", "t*", "T", "t/1", "../t", "té"]
    for name in names:
        await put_chain(saver, name, 2)
    for name in names:
        assert len(await listed(saver, at(name))) == 2
    await saver.adelete_thread("t_")
    await saver.aprune(["t%"])
    assert [len(await listed(saver, at(name))) for name in names] == [2, 2, 1, 0, 2, 2, 2, 2, 2]


async def test_aprune_leaves_no_rows(saver: LangGraphSaver) -> None:
    await put_chain(saver, "a", 5, LARGE)
    await put_chain(saver, "b", 5, LARGE)
    await saver.aprune(["a"])
    assert await row_counts(saver.database) == {
        "langgraph_checkpoints": 6,
        "langgraph_values": 6,
        "langgraph_writes": 6,
    }
    await saver.aprune(["a", "b", "unknown"], strategy="delete")
    assert await row_counts(saver.database) == {}


async def test_adelete_for_runs_takes_only_the_values_of_the_run(saver: LangGraphSaver) -> None:
    values = {"a": LARGE, "b": [LARGE]}
    first = await put(saver, at("t"), {**values, "b": LARGE}, run_id="one")
    await put(saver, first, values, ["b"], {"a": "1", "b": "2"}, run_id="two")
    await saver.adelete_for_runs(["one", "unknown"])
    (left,) = await listed(saver, at("t"))
    assert left.checkpoint["channel_values"] == values
    assert await saver.aget_tuple(first) is None
    assert (await row_counts(saver.database))["langgraph_values"] == 2


async def test_a_value_that_was_removed_meanwhile_is_stored_again(saver: LangGraphSaver) -> None:
    """A run goes on from an old checkpoint while the thread is pruned."""
    old = await put(saver, at("t"), {"a": LARGE, "b": "x"}, versions={"a": "1", "b": "1"})
    await put(saver, at("t"), {"a": "new"}, versions={"a": "2"})
    await saver.aprune(["t"])
    assert "langgraph_values" not in await row_counts(saver.database)
    fork = await put(saver, old, {"a": LARGE, "b": "y"}, ["b"], {"a": "1", "b": "4"})
    found = await saver.aget_tuple(fork)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"a": LARGE, "b": "y"}


@pytest.mark.parametrize("size", [1, 500, 2000])
async def test_pruning_during_runs_loses_no_value(
    saver: LangGraphSaver, open_database: OpenDatabase, size: int
) -> None:
    """Values that are within checkpoints, that become rows later, and that are rows at once."""
    savers = [saver, LangGraphSaver(await open_database())]

    async def run(number: int) -> None:
        config = at("t")
        values = {"shared": str(number) * size}
        versions = {"shared": f"{number}.1"}
        for step in range(12):
            values = {**values, f"own {step % 3}": f"{step % 10}" * size}
            versions = {**versions, f"own {step % 3}": f"{number}.{step}"}
            new = [f"own {step % 3}", *(["shared"] if step == 0 else [])]
            config = await put(savers[number % 2], config, values, new, versions)
            found = await savers[number % 2].aget_tuple(config)
            # It may have been pruned; if it is there, it is whole.
            assert found is None or found.checkpoint["channel_values"] == values

    runs = asyncio.gather(*(run(number) for number in range(6)))

    async def prune(pruner: LangGraphSaver) -> None:
        while not runs.done():
            await pruner.aprune(["t"])

    await asyncio.gather(runs, *(prune(pruner) for pruner in savers))
    for one in await listed(saver, at("t")):
        assert one.checkpoint["channel_values"].keys() == one.checkpoint["channel_versions"].keys()


async def test_a_value_that_goes_while_a_put_waits_for_the_pruning_is_stored_again(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    """What the statement of the put sees is older than the pruning that it waits for."""
    pruner = LangGraphSaver(await open_database())
    old = await put(saver, at("t"), {"a": LARGE}, versions={"a": "1"})
    await put(saver, old, {"a": "new"}, versions={"a": "2"})
    values = {"a": LARGE, "b": "x"}
    async with pruner.database.transaction() as connection:
        await pruner.aprune(["t"])
        waiting = outside(put(saver, old, values, ["b"], {"a": "1", "b": "9"}))
        if saver.database.dialect == "postgres":
            found = Statement(
                "waiting", "SELECT 1 AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            async with asyncio.timeout(PATIENCE):
                while not await connection.fetch_all(found, []):  # noqa: ASYNC110 - a server's lock
                    await asyncio.sleep(0.001)
        else:
            await until(lambda: saver.database.metrics().in_use)
    fork = await waiting
    read = await saver.aget_tuple(fork)
    assert read is not None
    assert read.checkpoint["channel_values"] == values
    assert (await row_counts(saver.database))["langgraph_values"] == 1


async def test_acopy_thread_onto_one_that_is_in_use_is_refused(saver: LangGraphSaver) -> None:
    await put_chain(saver, "a", 2)
    await put_chain(saver, "b", 1)
    with pytest.raises(InvalidInputError, match="thread 'b' is not empty"):
        await saver.acopy_thread("a", "b")
    with pytest.raises(InvalidInputError, match="is the source itself"):
        await saver.acopy_thread("a", "a")
    await saver.acopy_thread("unknown", "c")
    assert len(await listed(saver, None)) == 3


async def test_a_value_is_within_its_checkpoint_until_the_next_one_has_it_too(
    saver: LangGraphSaver,
) -> None:
    values: dict[str, Any] = {
        "small": ["a", "b"],
        "medium": ["x" * 500],
        "large": LARGE,
        "bytes": b"x" * 500,
        "text": "é" * 60,
        "integer": 2**64 - 1,
        "none": None,
        "set": {"a", "b"},
        "nan": math.nan,
    }
    version = None
    config, configs, counts = at("t"), [], []
    versions: dict[str, str] = {}
    for number in range(4):
        version = saver.get_next_version(version, None)
        changed = [*values, "n"] if number == 0 else ["n"]
        versions |= dict.fromkeys(changed, version)
        config = await put(saver, config, {**values, "n": number}, changed, versions)
        configs.append(config)
        counts.append((await row_counts(saver.database)).get("langgraph_values"))
    assert counts == [1, 4, 4, 4]
    for number, config in enumerate(configs):
        found = await saver.aget_tuple(config)
        assert found is not None
        read = found.checkpoint["channel_values"]
        assert math.isnan(read.pop("nan"))
        assert read == {name: value for name, value in values.items() if name != "nan"} | {
            "n": number
        }
        assert {name: type(value) for name, value in read.items() if name != "n"} == {
            name: type(value) for name, value in values.items() if name != "nan"
        }
        of_others = found.checkpoint["channel_versions"] | {"n": ""}
        assert of_others == versions | {"n": ""}


async def test_what_tasks_store_at_once_is_stored_whole_or_refused_alone(
    saver: LangGraphSaver,
) -> None:
    """A checkpoint that can't be stored, and one whose value is missing, stop nobody else."""
    old = await put(saver, at("pruned"), {"a": LARGE}, versions={"a": "1"})
    await put(saver, old, {"a": "new"}, versions={"a": "2"})
    await saver.aprune(["pruned"])
    configs = [await put(saver, at(f"t{number}"), {"n": 0}) for number in range(8)]
    bad: Any = {"source": "loop", "step": 0, "parents": {}, "run_id": "a\ud800"}
    results = await asyncio.gather(
        *(put(saver, config, {"n": LARGE}, versions={"n": "2"}) for config in configs),
        *(saver.aput_writes(config, [("n", LARGE), ("m", None)], "task") for config in configs),
        put(saver, old, {"a": LARGE}, [], {"a": "1"}),
        saver.aput(configs[0], empty_checkpoint(), bad, {}),
        return_exceptions=True,
    )
    *stored, refused = results
    assert isinstance(refused, InvalidInputError)
    assert not [one for one in stored if isinstance(one, BaseException)]
    for config in configs:
        found = await saver.aget_tuple(config)
        assert found is not None
        assert found.pending_writes == [("task", "n", LARGE), ("task", "m", None)]
        newest = await saver.aget_tuple(at(config["configurable"]["thread_id"]))
        assert newest is not None
        assert newest.checkpoint["channel_values"] == {"n": LARGE}
    fork = await saver.aget_tuple(at("pruned"))
    assert fork is not None
    assert fork.checkpoint["channel_values"] == {"a": LARGE}


# Versions, transactions, round trips


def test_get_next_version_grows_and_differs_between_forks(tmp_path: Path) -> None:
    async def versions() -> None:
        saver = SQLiteLangGraphSaver(tmp_path / "aragora.db")
        current, seen = None, []
        for _ in range(30):
            current = saver.get_next_version(current, None)
            seen.append(current)
        assert seen == sorted(seen)
        assert len({saver.get_next_version(seen[3], None) for _ in range(100)}) == 100
        assert saver.get_next_version("7", None) > saver.get_next_version("6", None)
        await close_databases()

    asyncio.run(versions())


async def test_initialize_and_aput_join_a_transaction_of_the_application(
    saver: LangGraphSaver,
) -> None:
    store = CheckpointStore(saver.database)
    await store.initialize()

    async def fail() -> None:
        async with saver.database.transaction():
            await put_chain(saver, "t", 2)
            await store.save(workflow_checkpoint())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail()
    assert await row_counts(saver.database) == {}


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[LangGraphSaver]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    saver = LangGraphSaver(database, page_size=50)
    await saver.initialize()
    yield saver
    await database.close()


async def test_round_trips_do_not_grow_with_checkpoints_and_writes(
    counted: LangGraphSaver, counted_postgres: CountingProxy
) -> None:
    chain = await put_chain(counted, "t", 40)
    newest = chain[-1]
    values = {f"channel {number}": number for number in range(30)}

    async def trips(work: Any) -> int:
        await work()
        counted_postgres.reset()
        await work()
        return counted_postgres.round_trips

    assert await trips(lambda: counted.aget_tuple(newest)) == 1
    assert await trips(lambda: counted.aget_tuple(at("t"))) == 1
    # A page of keys, and what belongs to them.
    assert await trips(lambda: listed(counted, at("t"))) == 2
    assert await trips(lambda: listed(counted, None)) == 2
    assert await trips(lambda: counted.aput_writes(newest, [*values.items()], "task")) == 1
    wanted: Any = {"config": newest, "channels": ["n", "unknown"]}
    assert await trips(lambda: counted.aget_delta_channel_history(**wanted)) == 1
    assert await trips(lambda: put(counted, newest, values)) == 1
    assert await trips(lambda: put(counted, newest, values, [])) == 1
    large = {f"channel {number}": LARGE for number in range(30)}
    assert await trips(lambda: put(counted, newest, large)) == 1
    assert await trips(lambda: put(counted, newest, large, [])) == 1
    assert await trips(lambda: counted.aprune(["t", "u", "v"])) == 7
    assert await trips(lambda: counted.adelete_thread("t")) == 6


# Bad input


async def test_aput_refuses_bad_input_and_writes_nothing(saver: LangGraphSaver) -> None:
    checkpoint = empty_checkpoint()

    async def put_with(config: Any, **metadata: Any) -> None:
        given: Any = metadata
        await saver.aput(config, checkpoint, given, {})

    nothing: Any = {}
    without_thread: Any = {"configurable": {}}
    for config in (nothing, without_thread):
        with pytest.raises(InvalidInputError, match="has no 'thread_id'"):
            await put_with(config)
        with pytest.raises(InvalidInputError, match="has no 'thread_id'"):
            await saver.aget_tuple(config)
    with pytest.raises(InvalidInputError, match="thread_id: must not be empty"):
        await put_with(at(""))
    with pytest.raises(InvalidInputError, match="thread_id: is longer than 500 bytes"):
        await put_with(at("é" * 300))
    with pytest.raises(InvalidInputError, match="checkpoint_ns: is longer than 50000 bytes"):
        await put_with(at("t", "x" * 50_001))
    with pytest.raises(InvalidInputError, match="checkpoint_ns: must not start with"):
        await put_with(at("t", "\x1fsha256:x"))
    with pytest.raises(InvalidInputError, match="thread_id: a NUL"):
        await put_with(at("a\x00b"))
    with pytest.raises(InvalidInputError, match=r"metadata\['bad'\]: a set has no form"):
        await put_with(at("t"), bad={1})
    with pytest.raises(InvalidInputError, match="has no 'checkpoint_id'"):
        await saver.aput_writes(at("t"), [("a", 1)], "task")
    with pytest.raises(InvalidInputError, match="task_id: must not be empty"):
        await saver.aput_writes(at("t", "", "c"), [("a", 1)], "")
    with pytest.raises(InvalidInputError, match="strategy: must be one of keep_latest, delete"):
        await saver.aprune(["t"], strategy="keep_all")
    with pytest.raises(InvalidInputError, match="page_size"):
        LangGraphSaver(saver.database, page_size=0)
    assert await row_counts(saver.database) == {}


async def test_aput_writes_takes_the_longest_names(saver: LangGraphSaver) -> None:
    """Into one row of an index of PostgreSQL."""
    choose = random.Random(5)  # noqa: S311
    long = "".join(chr(choose.randint(33, 126)) for _ in range(500))
    config = await put(saver, at(long, long * 2), {long: 1}, versions={long: long})
    await saver.aput_writes(config, [(long, 1)], long)
    found = await saver.aget_tuple(at(long, long * 2))
    assert found is not None
    assert found.checkpoint["channel_values"] == {long: 1}
    assert found.pending_writes == [(long, long, 1)]


async def test_other_ids_than_text_are_taken(saver: LangGraphSaver) -> None:
    await put(saver, at(7), {"a": 1})
    found = await saver.aget_tuple(at(7))
    assert found is not None
    assert found == await saver.aget_tuple(at("7"))


# The factory function


async def test_the_environment_names_the_engine(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    local = await get_langgraph_saver()
    assert isinstance(local, SQLiteLangGraphSaver)
    await put(local, at("t"))
    assert await (await get_sqlite_langgraph_saver()).aget_tuple(at("t")) is not None
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    remote = await get_langgraph_saver()
    assert isinstance(remote, PostgresLangGraphSaver)
    assert await (await get_postgres_langgraph_saver()).aget_tuple(at("t")) is None
    await close_databases()
