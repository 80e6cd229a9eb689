"""Larger values are compressed; what is read back is what was stored, on both engines."""

from __future__ import annotations

import os
from typing import Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from aragora_sql.errors import UnreadableValueError
from aragora_sql.stores.langgraph import compression
from aragora_sql.stores.langgraph.compression import MARK, Compressor, decompressed
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.conftest import OpenDatabase
from tests.stores.langgraph.test_saver import at, put
from tests.stores.samples import fetch, run

TEXT = " ".join(f"minute {number} of the meeting" for number in range(500))


async def types_of(saver: LangGraphSaver, table: str) -> dict[str, int]:
    """Return the bytes of content by the type of a row; a test has one row of each type."""
    rows = await fetch(saver.database, f"SELECT type, length(content) AS bytes FROM {table}")
    return {row["type"]: row["bytes"] for row in rows}


async def test_larger_values_are_stored_compressed_and_read_back(saver: LangGraphSaver) -> None:
    small_state = {"title": "Minutes of a meeting " * 40}
    config = await put(saver, at("t"), small_state | {"text": TEXT})
    await saver.aput_writes(config, [("text", TEXT), ("n", 1)], "task")
    assert set(await types_of(saver, "langgraph_checkpoints")) == {"~zstd:msgpack"}
    (stored,) = (await types_of(saver, "langgraph_values")).items()
    assert stored[0] == "zstd:msgpack"
    assert stored[1] < len(TEXT) / 4
    assert set(await types_of(saver, "langgraph_writes")) == {"zstd:msgpack", "msgpack"}
    found = await saver.aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == small_state | {"text": TEXT}
    assert found.pending_writes == [("task", "text", TEXT), ("task", "n", 1)]
    (listed,) = [one async for one in saver.alist(at("t"))]
    assert listed == found


async def test_small_values_and_those_that_do_not_compress_stay_as_they_are(
    saver: LangGraphSaver,
) -> None:
    noise = os.urandom(20_000)
    config = await put(saver, at("t"), {"n": 1, "noise": noise})
    assert set(await types_of(saver, "langgraph_checkpoints")) == {"~msgpack"}
    assert list(await types_of(saver, "langgraph_values")) == ["bytes"]
    found = await saver.aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"n": 1, "noise": noise}


async def test_values_of_a_release_that_did_not_compress_are_read(saver: LangGraphSaver) -> None:
    config = await put(saver, at("t"), {"text": TEXT})
    (row,) = await fetch(saver.database, "SELECT content FROM langgraph_values")
    kind, content = decompressed("zstd:msgpack", bytes(row["content"]))
    hexadecimal = content.hex()
    value = f"'\\x{hexadecimal}'::bytea"
    if saver.database.dialect == "sqlite":
        value = f"x'{hexadecimal}'"
    await run(saver.database, f"UPDATE langgraph_values SET type = '{kind}', content = {value}")
    found = await saver.aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"text": TEXT}


async def test_an_earlier_release_does_not_misread_what_is_compressed(
    saver: LangGraphSaver,
) -> None:
    await put(saver, at("t"), {"text": TEXT})
    (row,) = await fetch(saver.database, "SELECT type, content FROM langgraph_values")
    with pytest.raises(NotImplementedError, match="Unknown serialization type: zstd:msgpack"):
        saver.serde.loads_typed((row["type"], row["content"]))


async def test_damaged_bytes_are_an_error_that_names_thread_and_channel(
    saver: LangGraphSaver,
) -> None:
    await put(saver, at("t"), {"text": TEXT})
    value = "'\\x00ff'::bytea" if saver.database.dialect == "postgres" else "x'00ff'"
    await run(saver.database, f"UPDATE langgraph_values SET content = {value}")
    with pytest.raises(
        UnreadableValueError, match=r"thread 't', channel 'text': its compressed bytes are damaged"
    ):
        await saver.aget_tuple(at("t"))


class _Marking(JsonPlusSerializer):
    """A serializer whose own types look as if they were compressed."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        kind, content = super().dumps_typed(obj)
        return f"{MARK}{kind}", content

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, content = data
        assert kind.startswith(MARK)
        return super().loads_typed((kind.removeprefix(MARK), content))


async def test_types_of_a_serializer_that_begin_with_the_mark_are_read_back(
    saver: LangGraphSaver, open_database: OpenDatabase
) -> None:
    marking = LangGraphSaver(await open_database(), serde=_Marking())
    values = {"n": 1, "text": TEXT, "noise": os.urandom(20_000)}
    config = await put(marking, at("t"), values)
    found = await marking.aget_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == values


def test_what_was_compressed_a_moment_ago_is_remembered_once() -> None:
    compressor = Compressor()
    content = TEXT.encode()
    first = compressor.compressed("msgpack", content)
    again = compressor.compressed("msgpack", bytes(bytearray(content)))
    assert again[1] is first[1]
    assert compressor.compressed("msgpack", content)[1] is not first[1]


def test_values_with_the_same_length_and_end_are_told_apart() -> None:
    compressor = Compressor()
    for word in ("first ", "other "):
        content = word.encode() + TEXT.encode()
        assert decompressed(*compressor.compressed("msgpack", content)) == ("msgpack", content)


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MOST_REMEMBERED", 2 * len(TEXT) + 10)
    compressor = Compressor()
    contents = [TEXT.encode() + b"%d" % number for number in range(3)]
    first, _, last = [compressor.compressed("msgpack", content)[1] for content in contents]
    assert compressor.compressed("msgpack", contents[2])[1] is last
    assert compressor.compressed("msgpack", contents[0])[1] is not first
