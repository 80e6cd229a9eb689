"""Where the parts of a msgpack map begin and end, without making any value of it.

A checkpoint of langgraph-checkpoint-sqlite is one map with the values of all its channels. They are
taken out as the bytes that they are: what they mean only the application's serializer may say.
"""

from __future__ import annotations

from collections.abc import Iterable

import ormsgpack

__all__ = ["join_map", "packed", "split_map"]

# By first byte: the bytes of a length that follows it, and bytes that are there in any case.
_SIZED = {
    0xC4: (1, 0),
    0xC5: (2, 0),
    0xC6: (4, 0),
    0xC7: (1, 1),
    0xC8: (2, 1),
    0xC9: (4, 1),
    0xD9: (1, 0),
    0xDA: (2, 0),
    0xDB: (4, 0),
}
_FIXED = {
    0xC0: 0,
    0xC2: 0,
    0xC3: 0,
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,
}
# The bytes of a number of items, and items for each.
_MANY = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _head(data: bytes, start: int) -> tuple[int, int]:
    """Return where the items of a value begin (its end, if it has none), and how many there are."""
    if start >= len(data):
        raise ValueError("it ends too early")
    first = data[start]
    if first <= 0x7F or first >= 0xE0:
        return start + 1, 0
    if first <= 0x8F:
        return start + 1, 2 * (first & 0x0F)
    if first <= 0x9F:
        return start + 1, first & 0x0F
    if first <= 0xBF:
        return start + 1 + (first & 0x1F), 0
    if first in _FIXED:
        return start + 1 + _FIXED[first], 0
    if first in _MANY:
        size, each = _MANY[first]
        return start + 1 + size, each * int.from_bytes(data[start + 1 : start + 1 + size])
    if first in _SIZED:
        size, more = _SIZED[first]
        length = int.from_bytes(data[start + 1 : start + 1 + size])
        return start + 1 + size + more + length, 0
    raise ValueError(f"there is no msgpack value that begins with {first:#x}")


def _end(data: bytes, start: int) -> int:
    """Return where a value ends."""
    position, pending = start, 1
    while pending:
        position, items = _head(data, position)
        pending += items - 1
    if position > len(data):
        raise ValueError("it ends too early")
    return position


def split_map(data: bytes) -> dict[str, bytes]:
    """Return the values of a map by their keys, each as the bytes that it is.

    Raises ValueError for what is no map whose keys are different texts.
    """
    if not data or not (0x80 <= data[0] <= 0x8F or data[0] in (0xDE, 0xDF)):
        raise ValueError("it is not a map")
    position, items = _head(data, 0)
    found: dict[str, bytes] = {}
    for _ in range(items // 2):
        middle = _end(data, position)
        key = ormsgpack.unpackb(data[position:middle])
        end = _end(data, middle)
        if not isinstance(key, str) or key in found:
            raise ValueError(f"a key is {key!r}")
        found[key] = data[middle:end]
        position = end
    if position != len(data):
        raise ValueError("more follows it")
    return found


def packed(items: Iterable[bytes]) -> bytes:
    """Return an array of values that are msgpack already."""
    listed = list(items)
    return b"\xdd" + len(listed).to_bytes(4) + b"".join(listed)


def join_map(parts: dict[str, bytes]) -> bytes:
    """Return a map of values that are msgpack already."""
    return (
        b"\xdf"
        + len(parts).to_bytes(4)
        + b"".join(ormsgpack.packb(key) + value for key, value in parts.items())
    )
