"""Maps of msgpack are taken apart and put together without making a value of any part."""

from __future__ import annotations

from typing import Any

import ormsgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aragora_sql.migration.langgraph.msgpack import join_map, packed, split_map

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.builds(lambda tag, data: ormsgpack.Ext(tag, data), st.integers(0, 127), st.binary())
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=20))
def test_the_parts_of_a_map_are_the_bytes_that_its_values_are(document: dict[str, Any]) -> None:
    whole = ormsgpack.packb(document)
    parts = split_map(whole)
    assert parts == {name: ormsgpack.packb(value) for name, value in document.items()}
    assert split_map(join_map(parts)) == parts


@pytest.mark.parametrize(
    "value",
    [
        b"x" * 70_000,
        "x" * 70_000,
        [0] * 70_000,
        dict.fromkeys(map(str, range(70_000))),
        ormsgpack.Ext(5, b"x" * 70_000),
        *(ormsgpack.Ext(5, b"x" * length) for length in (1, 2, 3, 4, 8, 16, 17, 300)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_parts_are_found_whole(value: Any) -> None:
    parts = split_map(ormsgpack.packb({"a": value, "b": 1}))
    assert parts == {"a": ormsgpack.packb(value), "b": b"\x01"}


def test_an_array_of_parts_is_the_array_of_their_values() -> None:
    items = [None, 1, "a", [2, {"b": 3}]]
    assert ormsgpack.unpackb(packed(ormsgpack.packb(item) for item in items)) == items
    assert ormsgpack.unpackb(packed([])) == []


WHOLE = ormsgpack.packb({"a": [1, "text", {"b": b"bytes"}], "c": 2.5})


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_map_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"it ends too early|it is not a map"):
        split_map(WHOLE[:length])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (WHOLE + b"\x00", "more follows it"),
        (ormsgpack.packb([1]), "it is not a map"),
        (ormsgpack.packb({1: 2}, option=ormsgpack.OPT_NON_STR_KEYS), "a key is 1"),
        (b"\x82\xa1a\x01\xa1a\x02", "a key is 'a'"),
        (b"\x81\xa1a\xc1", "there is no msgpack value that begins with 0xc1"),
    ],
)
def test_what_is_no_map_of_texts_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        split_map(content)
