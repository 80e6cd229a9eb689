"""What of a checkpoint is in its row, and which values of its channels are rows of their own.

Small values, and those that the checkpoint brings, are in its row. One that the next checkpoint
still has becomes a row of ``langgraph_values``, which all later ones share; so does a large one at
once. Versions, of which LangGraph repeats the same few, are in the row once each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

from langgraph.checkpoint.serde.types import _DeltaSnapshot

from aragora_sql.database.values import EncodedJSON, dump_json

__all__ = [
    "DIVIDED",
    "SHARED",
    "VALUES",
    "Divided",
    "Part",
    "Value",
    "divide",
    "joined",
    "put_versions_back",
]

# How the type of a row begins whose content is as this module makes it. An earlier release says
# that it does not know it, and reads nothing wrong.
DIVIDED = "~"
# Entries of the serialised checkpoint: the channels whose value is a row of its own, values that
# are serialised by themselves, and the versions that others stand for by their number, whole or
# without the zeros that LangGraph's begin with.
SHARED = "~shared"
VALUES = "~values"
VERSIONS = "~versions"
SHORT_VERSIONS = "~short"
PADDED_LENGTH = 53

# A text of so many characters, or a collection of so many such texts and numbers, is always in the
# row of its checkpoint; a row of its own would need more room.
SMALL_TEXT = 100
SMALL_COLLECTION = 8
# So many bytes of a value that a checkpoint brings are in its row.
LARGEST_NEW = 1536

_TEXT_ONLY = {str}
_ALWAYS_SMALL = frozenset({type(None), bool, float})
_COLLECTIONS = frozenset({list, tuple, set, frozenset})
# What the serializer writes of integers.
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**64 - 1

Dump = Callable[[Any], tuple[str, bytes]]


class Value(NamedTuple):
    """A value that is a row of its own."""

    channel: str
    version: str
    type: str
    content: bytes


class Part(NamedTuple):
    """A serialised value, and what else a statement has to know of it."""

    entry: dict[str, Any]
    type: str
    content: bytes


class Divided(NamedTuple):
    """A checkpoint taken apart.

    ``rest`` is what its row holds. ``versions`` are those of the values that are rows, by channel;
    None of a value in the row itself. ``given`` are values to be
    stored beside it, ``kept`` the versions of those that have to be there already.
    """

    rest: dict[str, Any]
    versions: dict[str, str | None]
    given: list[Value]
    kept: dict[str, str]


def divide(
    checkpoint: Mapping[str, Any],
    new_versions: Mapping[str, Any],
    delta_channels: Collection[str],
    dump: Dump,
    *,
    all_given: bool,
) -> Divided:
    """Take a checkpoint apart; with ``all_given`` nothing has to be there already.

    ``delta_channels`` are those whose value may be that of an ancestor at the same version.
    """
    current: Mapping[str, Any] = checkpoint["channel_versions"]
    values: Mapping[str, Any] = checkpoint["channel_values"]
    rest = dict(checkpoint)
    del rest["channel_values"]
    plain: dict[str, Any] = {}
    packed: dict[str, Any] = {}
    versions: dict[str, str | None] = {}
    shared: list[str] = []
    given: list[Value] = []
    kept: dict[str, str] = {}
    last: int | None = None
    for channel, value in values.items():
        version = current.get(channel)
        if version is None:
            # Nobody would find it.
            continue
        is_new = channel in new_versions
        if _is_small(value):
            plain[channel] = value
            versions[channel] = None
            continue
        versions[channel] = name = str(version)
        is_shared = type(value) is _DeltaSnapshot
        if not is_new and not all_given:
            if last is None:
                last = max(map(_number, current.values()))
            if is_shared or _number(version) != last - 1:
                kept[channel] = name
                shared.append(channel)
                continue
        kind, content = dump(value)
        if is_new and not is_shared and len(content) <= LARGEST_NEW:
            packed[channel] = content if kind == "msgpack" else [kind, content]
            versions[channel] = None
        else:
            given.append(Value(channel, name, kind, content))
            shared.append(channel)
    for channel in delta_channels:
        if channel not in versions and channel in current:
            versions[channel] = str(current[channel])
            shared.append(channel)
    if len(given) > 1:
        # In one order, so that two such calls never wait for each other.
        given.sort()
    _number_versions(rest)
    if shared:
        rest[SHARED] = shared
    if plain:
        rest["channel_values"] = plain
    if packed:
        rest[VALUES] = packed
    return Divided(rest, versions, given, kept)


def joined(parts: Iterable[Part]) -> tuple[EncodedJSON, bytes]:
    """Return the entries of some values, each with its place among their bytes, and the bytes."""
    entries: list[dict[str, Any]] = []
    contents: list[bytes] = []
    start = 1
    for entry, kind, content in parts:
        length = len(content)
        entries.append({**entry, "type": kind, "first": start, "length": length})
        contents.append(content)
        start += length
    return dump_json(entries, "values"), contents[0] if len(contents) == 1 else b"".join(contents)


def _is_small(value: Any) -> bool:
    kind = type(value)
    if kind in _ALWAYS_SMALL:
        return True
    if kind is str:
        return len(value) <= SMALL_TEXT and bool(value.isascii())
    if kind is int:
        return bool(_SMALLEST_INTEGER <= value <= _LARGEST_INTEGER)
    if kind not in _COLLECTIONS or len(value) > SMALL_COLLECTION:
        return False
    for item in value:
        if type(item) is str:
            if len(item) > SMALL_TEXT or not item.isascii():
                return False
        elif type(item) in _COLLECTIONS or not _is_small(item):
            return False
    return True


def _number(version: Any) -> int:
    """Return which step of the thread has made a version; -1 of one that does not tell."""
    try:
        return int(str(version).partition(".")[0])
    except ValueError:
        return -1


def _number_versions(rest: dict[str, Any]) -> None:
    """Replace the versions of a checkpoint by their numbers in a list, if all of them are text."""
    seen = rest.get("versions_seen")
    numbers: dict[Any, int] = {}
    number = numbers.setdefault
    current = {name: number(one, len(numbers)) for name, one in rest["channel_versions"].items()}
    if seen:
        of_nodes = {}
        for node, of_node in seen.items():
            of_nodes[node] = (
                {name: number(one, len(numbers)) for name, one in of_node.items()}
                if of_node
                else of_node
            )
        seen = of_nodes
    if numbers and {*map(type, numbers)} != _TEXT_ONLY:
        return
    short = [version.lstrip("0") for version in numbers if len(version) == PADDED_LENGTH]
    if len(short) == len(numbers):
        rest[SHORT_VERSIONS] = short
    else:
        rest[VERSIONS] = list(numbers)
    rest["channel_versions"] = current
    if seen:
        rest["versions_seen"] = seen


def put_versions_back(checkpoint: MutableMapping[str, Any]) -> None:
    """Undo what :func:`divide` has made of the versions of a checkpoint."""
    short = checkpoint.pop(SHORT_VERSIONS, None)
    if short is not None:
        versions = [version.rjust(PADDED_LENGTH, "0") for version in short]
    else:
        versions = checkpoint.pop(VERSIONS, None)
        if versions is None:
            return
    checkpoint["channel_versions"] = {
        name: versions[number] for name, number in checkpoint["channel_versions"].items()
    }
    seen = checkpoint.get("versions_seen")
    if seen:
        checkpoint["versions_seen"] = {
            node: {name: versions[number] for name, number in of_node.items()}
            for node, of_node in seen.items()
        }
