"""Savers in plain scripts, and the context managers that open them."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from aragora_sql import (
    LangGraphSaver,
    PostgresLangGraphSaver,
    SQLiteDatabase,
    SQLiteLangGraphSaver,
    close_databases,
)
from aragora_sql.errors import (
    ConfigurationError,
    DatabaseClosedError,
    DatabaseUseError,
    InvalidInputError,
)
from tests.database.waiting import PATIENCE
from tests.stores.langgraph.test_reading import Point
from tests.stores.langgraph.test_saver import METADATA, at, ids, listed, put

BY_ENGINE: dict[str, type[LangGraphSaver]] = {
    "postgres": PostgresLangGraphSaver,
    "sqlite": SQLiteLangGraphSaver,
}


def files_of(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def class_of(location: str | Path) -> type[LangGraphSaver]:
    return BY_ENGINE["sqlite" if isinstance(location, Path) else "postgres"]


SCRIPT = """
import json, operator, sys
from typing import Annotated, TypedDict
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from aragora_sql import LangGraphSaver

class State(TypedDict):
    seen: Annotated[list[str], operator.add]

def work(state):
    return {"seen": [interrupt("which?")]}

builder = StateGraph(State)
builder.add_node("work", work)
builder.add_edge(START, "work")
builder.add_edge("work", END)
config = {"configurable": {"thread_id": "thread"}}
with LangGraphSaver.from_conn_string(sys.argv[1]) as saver:
    saver.setup()
    saver.setup()
    graph = builder.compile(checkpointer=saver)
    graph.invoke({"seen": ["in"]}, config)
    result = graph.invoke(Command(resume="this"), config)
    history = [one.values for one in graph.get_state_history(config)]
    other = saver.put({"configurable": {"thread_id": "other"}}, empty_checkpoint(), {}, {})
    saver.put_writes(other, [("a", 1)], "task")
    writes = saver.get_tuple(other).pending_writes
    saver.copy_thread("other", "copy")
    saver.delete_thread("other")
    saver.prune(["copy"])
    threads = sorted({one.config["configurable"]["thread_id"] for one in saver.list(None)})
print(json.dumps([result, history[0], writes, threads]))
"""


def run_script(text: str, *arguments: str) -> Any:
    """Run a script that says nothing but JSON, and return that."""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_from_conn_string_serves_a_plain_script(location: str | Path) -> None:
    result, latest, writes, threads = run_script(SCRIPT, str(location))
    assert (
        result
        == latest
        == {"seen": ["in", "this"]}
        | {key: value for key, value in result.items() if key == "__interrupt__"}
    )
    assert writes == [["task", "a", 1]]
    assert threads == ["copy", "thread"]


WITHOUT_WITH = """
import json, sys
from langgraph.checkpoint.base import empty_checkpoint
from aragora_sql import SQLiteLangGraphSaver
saver = SQLiteLangGraphSaver(sys.argv[1])
saver.setup()
config = saver.put({"configurable": {"thread_id": "t"}}, empty_checkpoint(), {}, {})
print(json.dumps(saver.get_tuple(config).config == config))
"""


def test_get_tuple_in_a_script_needs_no_context(tmp_path: Path) -> None:
    assert run_script(WITHOUT_WITH, str(tmp_path / "aragora.db")) is True


def test_put_in_many_threads_without_a_loop(location: str | Path) -> None:
    with class_of(location).from_conn_string(str(location)) as saver:
        saver.setup()

        def put_one(number: int) -> None:
            saver.put(at(f"t {number}"), empty_checkpoint(), METADATA, {})

        with ThreadPoolExecutor(8) as threads:
            assert len(list(threads.map(put_one, range(40)))) == 40
        assert len(list(saver.list(None))) == 40


def test_the_database_of_from_conn_string_is_closed_at_the_end(location: str | Path) -> None:
    opened: list[LangGraphSaver] = []

    def fail() -> None:
        with class_of(location).from_conn_string(str(location)) as saver:
            saver.setup()
            opened.append(saver)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    with pytest.raises(DatabaseClosedError):
        opened[0].get_tuple(at("t"))


async def test_from_conn_string_serves_a_loop(location: str | Path) -> None:
    kind = class_of(location)
    async with kind.from_conn_string(str(location), allowed_msgpack_modules=[Point]) as saver:
        assert type(saver) is kind
        await saver.setup()
        config = await put(saver, at("t"), {"n": Point(1)})
        found = await saver.aget_tuple(config)
        assert found == await asyncio.to_thread(saver.get_tuple, config)
        assert found is not None
        assert found.checkpoint["channel_values"] == {"n": Point(1)}
    with pytest.raises(DatabaseClosedError):
        await saver.aget_tuple(config)


async def test_from_conn_string_keeps_a_file_ready_without_setup() -> None:
    async with SQLiteLangGraphSaver.from_conn_string(":memory:") as saver:
        await put(saver, at("t"))
        assert len(await listed(saver, None)) == 1


async def test_from_conn_string_refuses_what_is_for_another_engine(
    postgres_dsn: str, tmp_path: Path
) -> None:
    async with LangGraphSaver.from_conn_string(postgres_dsn) as saver:
        assert saver.database.dialect == "postgres"
    wrong: list[tuple[type[LangGraphSaver], Any, type[Exception]]] = [
        (SQLiteLangGraphSaver, postgres_dsn, InvalidInputError),
        (PostgresLangGraphSaver, str(tmp_path / "aragora.db"), ConfigurationError),
        (LangGraphSaver, "", InvalidInputError),
        (LangGraphSaver, None, InvalidInputError),
    ]
    for kind, text, error in wrong:
        with pytest.raises(error):
            async with kind.from_conn_string(text):
                pass
    assert files_of(tmp_path) == []


CALLS: list[Callable[[LangGraphSaver], Any]] = [
    lambda s: s.put(at("t"), empty_checkpoint(), METADATA, {}),
    lambda s: s.put_writes(at("t", "", "c"), [("a", 1)], "task"),
    lambda s: s.get_tuple(at("t")),
    lambda s: s.get(at("t")),
    lambda s: list(s.list(None)),
    lambda s: s.get_delta_channel_history(config=at("t"), channels=["a"]),
    lambda s: s.delete_thread("t"),
    lambda s: s.delete_for_runs(["run"]),
    lambda s: s.copy_thread("t", "u"),
    lambda s: s.prune(["t"]),
    lambda s: s.find_expired_threads(timedelta(days=1)),
    lambda s: s.delete_expired_threads(timedelta(days=1)),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_synchronous_call_within_a_loop_is_refused(
    saver: LangGraphSaver, call: Callable[[LangGraphSaver], Any]
) -> None:
    expected = "inside a running event loop.*asynchronous methods.*asyncio.to_thread"
    with pytest.raises(ConfigurationError, match=expected):
        call(saver)

    async def in_another_loop() -> None:
        with pytest.raises(ConfigurationError, match=expected):
            call(saver)

    await asyncio.to_thread(lambda: asyncio.run(in_another_loop()))
    assert await listed(saver, None) == []


async def test_from_conn_string_by_with_within_a_loop_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="inside a running event loop"),
        SQLiteLangGraphSaver.from_conn_string(str(tmp_path / "aragora.db")),
    ):
        pass
    assert files_of(tmp_path) == []


def test_get_tuple_after_the_loop_has_ended_says_why(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "aragora.db")
    saver = SQLiteLangGraphSaver(database)

    async def use() -> None:
        await saver.setup()

    asyncio.run(use())
    with pytest.raises(ConfigurationError, match=r"loop that .*aragora\.db.* does not run"):
        saver.get_tuple(at("t"))
    asyncio.run(database.close())


def test_a_saver_goes_from_scripts_into_loops_by_its_own_error(tmp_path: Path) -> None:
    with SQLiteLangGraphSaver.from_conn_string(str(tmp_path / "aragora.db")) as saver:
        with pytest.raises(DatabaseUseError, match="another event loop"):
            asyncio.run(saver.aget_tuple(at("t")))
        assert saver.get_tuple(at("t")) is None


def in_child(saver: LangGraphSaver, path: str, answers: Any) -> None:
    try:
        saver.get_tuple(at("t"))
    except DatabaseUseError as error:
        answers.put(str(error))
    with SQLiteLangGraphSaver.from_conn_string(path) as own:
        answers.put(ids(list(own.list(None))))


def test_a_child_process_makes_a_saver_of_its_own(tmp_path: Path) -> None:
    path = str(tmp_path / "aragora.db")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with SQLiteLangGraphSaver.from_conn_string(path) as saver:
        saver.put(at("t"), empty_checkpoint(), METADATA, {})
        child = context.Process(target=in_child, args=(saver, path, answers))
        child.start()
        assert "do not survive fork()" in answers.get(timeout=PATIENCE)
        assert answers.get(timeout=PATIENCE) == ids(list(saver.list(None)))
        child.join(PATIENCE)
        assert child.exitcode == 0


async def test_setup_can_be_awaited_and_repeated(saver: LangGraphSaver) -> None:
    await saver.setup()

    async def in_a_thread() -> None:
        # Done already when it returns; awaiting it does nothing.
        await asyncio.to_thread(saver.setup)

    await in_a_thread()
    assert await listed(saver, None) == []
    await close_databases()
