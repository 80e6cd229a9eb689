"""Which types a saver makes again when it reads a value, and which it refuses."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt
from pydantic import BaseModel

from aragora_sql import SQLiteLangGraphSaver
from aragora_sql.errors import InvalidInputError, UnreadableValueError
from aragora_sql.stores.langgraph import LangGraphSaver
from tests.stores.langgraph.test_saver import at, listed, put

made: list[str] = []


@dataclasses.dataclass
class Point:
    x: int

    def __post_init__(self) -> None:
        made.append("Point")


class Colour(enum.Enum):
    RED = "red"


class Model(BaseModel):
    text: str


class Pair(NamedTuple):
    left: int
    right: int


OWN = [Point(1), Colour.RED, Model(text="a"), Pair(1, 2)]


@pytest.mark.parametrize("value", OWN, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("shape", [lambda value: value, lambda value: {"deep": [{"er": value}]}])
async def test_an_unknown_type_is_refused_until_the_allow_list_names_it(
    saver: LangGraphSaver, value: Any, shape: Callable[[Any], Any]
) -> None:
    stored = shape(value)
    config = await put(saver, at("thread"), {"channel": stored})
    made.clear()
    name = type(value).__name__
    expected = (
        rf"thread 'thread', channel 'channel': its type '{__name__}\.{name}' is not in the allow "
        rf"list.*allowed_msgpack_modules=\[\('{__name__}', '{name}'\)\]"
    )
    with pytest.raises(UnreadableValueError, match=expected):
        await saver.aget_tuple(config)
    with pytest.raises(UnreadableValueError, match=expected):
        await listed(saver, at("thread"))
    assert made == []
    for allowed in (type(value), (__name__, name)):
        wider = LangGraphSaver(saver.database, allowed_msgpack_modules=[allowed])
        found = await wider.aget_tuple(config)
        assert found is not None
        assert found.checkpoint["channel_values"] == {"channel": stored}


async def test_writes_and_histories_of_an_unknown_type_are_refused(saver: LangGraphSaver) -> None:
    first = await put(saver, at("thread"), {"n": Point(1)})
    await saver.aput_writes(first, [("n", Point(2))], "task")
    second = await put(saver, first, {}, versions={"n": "1"}, changed=[])
    with pytest.raises(UnreadableValueError, match="channel 'n'"):
        await saver.aget_delta_channel_history(config=second, channels=["n"])
    wider = LangGraphSaver(saver.database, allowed_msgpack_modules=[Point])
    history = await wider.aget_delta_channel_history(config=second, channels=["n"])
    assert history["n"] == {"writes": [("task", "n", Point(2))], "seed": Point(1)}


async def test_a_thread_with_an_unknown_type_can_be_removed(saver: LangGraphSaver) -> None:
    for thread in ("a", "b"):
        await put(saver, await put(saver, at(thread), {"n": Point(1)}), {"n": Point(2)})
    await saver.aprune(["a"])
    await saver.adelete_thread("b")
    wider = LangGraphSaver(saver.database, allowed_msgpack_modules=[Point])
    assert len(await listed(wider, None)) == 1


async def test_safe_types_need_no_allow_list(saver: LangGraphSaver) -> None:
    values = {
        "id": uuid.uuid4(),
        "number": Decimal("1.50"),
        "set": {1, 2},
        "message": HumanMessage("hello"),
        "interrupt": Interrupt(value="why", id="1"),
    }
    found = await saver.aget_tuple(await put(saver, at("thread"), values))
    assert found is not None
    assert found.checkpoint["channel_values"] == values


async def test_langgraphs_own_way_to_widen_the_allow_list_works(saver: LangGraphSaver) -> None:
    """A graph gives the types of its state so when LANGGRAPH_STRICT_MSGPACK is set."""
    wider = saver.with_allowlist([(__name__, "Point")])
    config = await put(wider, at("thread"), {"n": Point(1)})
    found = await wider.aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"n": Point(1)}
    with pytest.raises(UnreadableValueError):
        await saver.aget_tuple(config)


async def test_a_serializer_of_the_application_decides_alone(saver: LangGraphSaver) -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    config = await put(saver, at("thread"), {"n": Point(1)})
    found = await LangGraphSaver(saver.database, serde=serde).aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"n": {"x": 1}}


def test_a_wrong_allow_list_is_refused() -> None:
    lists: list[Any] = ["json", True, 5]
    for wrong in lists:
        with pytest.raises(InvalidInputError, match="allowed_msgpack_modules: must be a list"):
            SQLiteLangGraphSaver(":memory:", allowed_msgpack_modules=wrong)
    entries: list[Any] = ["json", ("json",), ("json", "loads", "x"), ("json", 1), None]
    for wrong in entries:
        with pytest.raises(InvalidInputError, match=r"allowed_msgpack_modules\[0\]: must be a cl"):
            SQLiteLangGraphSaver(":memory:", allowed_msgpack_modules=[wrong])
    with pytest.raises(InvalidInputError, match="goes without serde"):
        SQLiteLangGraphSaver(":memory:", serde=JsonPlusSerializer(), allowed_msgpack_modules=[])
