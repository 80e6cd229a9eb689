"""What LangGraph's own savers stored is moved, and read by ours as by them; all four ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import sql

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration.langgraph import (
    LangGraphOptions,
    LangGraphReport,
    Target,
    move_langgraph,
)
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.migration.conftest import check_sums
from tests.stores.langgraph.test_reading import Point
from tests.stores.langgraph.test_saver import EXPECTED_LOG, Saver, at, graph, listed, put

OWN = [Point]
LONG_NAMESPACE = "|".join(f"level {number}:{'0' * 40}" for number in range(40))


@pytest.fixture(params=["file", "server"])
def source(request: pytest.FixtureRequest, tmp_path: Path, location: str | Path) -> Iterator[str]:
    """Where the public saver's tables are: a file, or a DSN of a database of its own."""
    if request.param == "file":
        yield str(tmp_path / "public.db")
    else:
        yield request.getfixturevalue("postgres_dsn")


@asynccontextmanager
async def public(source: str, serde: Any = None) -> AsyncIterator[Saver]:
    serde = serde or JsonPlusSerializer(allowed_msgpack_modules=OWN)
    if source.startswith("postgresql://"):
        async with AsyncPostgresSaver.from_conn_string(source, serde=serde) as server:
            await server.setup()
            yield server
    else:
        async with AsyncSqliteSaver.from_conn_string(source) as file:
            file.serde = serde
            await file.setup()
            yield file


@asynccontextmanager
async def ours(location: str | Path, **options: Any) -> AsyncIterator[LangGraphSaver]:
    database: Database
    if isinstance(location, Path):
        database = SQLiteDatabase(location)
    else:
        database = await PostgresDatabase.connect(location, 1, 2)
    try:
        saver = LangGraphSaver(database, **({"allowed_msgpack_modules": OWN} | options))
        await saver.initialize()
        yield saver
    finally:
        await database.close()


def target_of(location: str | Path) -> Target:
    return Target(location if isinstance(location, Path) else PostgresDSN.parse(location))


async def move(source: str, location: str | Path, tmp_path: Path, **options: Any) -> Any:
    given = LangGraphOptions(
        source=source, target=target_of(location), rejects=tmp_path / "rejects", **options
    )
    report = await asyncio.to_thread(move_langgraph, given)
    if not report.is_verify_only:
        check_sums(report)
        counts = report.threads
        assert counts.source == counts.moved + counts.already_there + counts.rejected
    return report


async def fill(saver: Saver) -> None:
    """Store what a saver has to hold: graphs that stopped, forks, subgraphs, kinds of values."""
    stopping = graph(saver, interrupt_before=["b"])
    await stopping.ainvoke({"seen": [], "log": ["start"]}, at("stopped"))
    await stopping.ainvoke({"seen": [], "log": ["start"]}, at("ended"))
    await graph(saver).ainvoke(None, at("ended"))
    for number in range(5):
        await graph(saver).ainvoke({"seen": [], "log": [str(number)]}, at("Ärger B_a"))
    values = {
        "none": None,
        "flag": True,
        "number": 7,
        "large": 2**60,
        "float": 0.1,
        "huge": 1e17,
        "text": "🧠 '\"\\",
        "bytes": b"\x00\xff",
        "list": [None, {"a": [1.5]}],
        "message": HumanMessage("hello"),
        "own": Point(3),
    }
    versions = {name: f"{number:032}.{number}" for number, name in enumerate(values)}
    first = await put(saver, at("kinds"), values, versions=versions, run_id="run", nested={"a": []})
    await saver.aput_writes(first, [("list", [1]), ("own", Point(4)), ("none", None)], "task", "~p")
    await saver.aput_writes(first, [("__error__", "broken")], "another task")
    # Some channels are as they were, one has gone, and two checkpoints continue the same one.
    later = {**values, "number": 8, "none": "some"}
    del later["flag"]
    renewed = {**versions, "number": "0" * 31 + "9.5", "none": "0" * 31 + "9.6"}
    await put(saver, first, later, ["number", "none"], renewed, step=1)
    await put(
        saver, first, {**later, "number": 9}, ["number"], {**renewed, "number": "9.7"}, step=2
    )
    inner = await put(saver, at("kinds", "inner|1"), {"n": [1]}, versions={"n": "1.1"})
    await put(saver, inner, {"n": [2]}, versions={"n": "2.1"})
    await put(saver, at("kinds", LONG_NAMESPACE), {"n": [3]}, versions={"n": "1.2"})
    await saver.aput_writes(at("writes only", "", "c"), [("n", 1)], "task")


async def compare(theirs: Saver, mine: LangGraphSaver) -> int:
    """Ask both savers the same, and return how many checkpoints there are."""
    everything = await listed(theirs, None)
    assert await listed(mine, None) == everything
    assert await listed(mine, None, filter={"step": 1}) == await listed(
        theirs, None, filter={"step": 1}
    )
    places = {
        (one.config["configurable"]["thread_id"], one.config["configurable"]["checkpoint_ns"])
        for one in everything
    }
    for thread_id, namespace in places:
        place = at(thread_id, namespace)
        assert await mine.aget_tuple(place) == await theirs.aget_tuple(place)
        found = await listed(theirs, place, limit=3)
        assert await listed(mine, place, limit=3) == found
        before: Any = {"before": found[-1].config}
        assert await listed(mine, place, **before) == await listed(theirs, place, **before)
    for one in everything:
        assert await mine.aget_tuple(one.config) == one
        channels = [*one.checkpoint["channel_versions"], "unknown"]
        given: Any = {"config": one.config, "channels": channels}
        assert await mine.aget_delta_channel_history(
            **given
        ) == await theirs.aget_delta_channel_history(**given)
    return len(everything)


async def test_everything_is_read_as_the_public_saver_reads_it(
    source: str, location: str | Path, tmp_path: Path
) -> None:
    async with public(source) as theirs:
        await fill(theirs)
    before = contents(source)
    report: LangGraphReport = await move(source, location, tmp_path)
    assert report.success
    assert report.threads.to_dict() == {
        "source": 5,
        "moved": 5,
        "already_there": 0,
        "rejected": 0,
    }
    for table in report.tables:
        assert table.migrated == table.rows_in_source > 10
        assert table.verified is not None
        assert table.verified.compared == table.rows_in_source
    again: LangGraphReport = await move(source, location, tmp_path, verify="all", batch_size=2)
    assert again.success
    assert (again.total_migrated, again.total_skipped) == (0, report.total_migrated)
    assert again.threads.already_there == 5
    assert contents(source) == before
    async with public(source) as theirs, ours(location) as mine:
        assert await compare(theirs, mine) > 30
        # A graph that had stopped goes on, and what went on is left alone by a later run.
        assert await graph(mine).ainvoke(None, at("stopped")) == {
            "seen": ["a", "b"],
            "log": EXPECTED_LOG,
        }
        stored = await listed(mine, None)
    last: LangGraphReport = await move(source, location, tmp_path)
    assert (last.success, last.total_migrated) == (True, 0)
    async with ours(location) as mine:
        assert await listed(mine, None) == stored
    assert not (tmp_path / "rejects").exists()


def contents(source: str) -> Any:
    """Return what must not change: a file with all beside it, or the rows of the tables."""
    if not source.startswith("postgresql://"):
        folder = Path(source).parent
        return {path.name: path.read_bytes() for path in folder.glob("public.db*")}
    with psycopg.connect(source) as connection:
        return [
            connection.execute(
                sql.SQL("SELECT t::text, xmin::text FROM {} AS t ORDER BY 1").format(
                    sql.Identifier(table)
                )
            ).fetchall()
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
        ]
