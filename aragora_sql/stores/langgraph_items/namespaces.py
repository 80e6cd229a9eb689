"""Namespaces: what their labels may be, how they are stored, and how they are matched.

A namespace is stored as its labels with a period behind each: ``("users", "42")`` is ``users.42.``.
Those below it begin with that text, so they are one range of an index.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from langgraph.store.base import InvalidNamespaceError, MatchCondition

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = [
    "Labels",
    "NamespaceError",
    "Range",
    "check_path",
    "item_key",
    "labels_of",
    "matching",
    "place",
    "place_to_write",
    "range_below",
]

ANY_LABEL = "*"
# LangGraph keeps it for itself.
RESERVED_ROOT = "langgraph"
# Behind every namespace that is short enough.
BEHIND_ALL = "\U0010ffff" * (valid.LONGEST_KEY // 4 + 1)


class NamespaceError(InvalidInputError, InvalidNamespaceError):
    """A namespace that is refused; also LangGraph's ``InvalidNamespaceError``."""


class Range(NamedTuple):
    """Namespaces in the form in which they are stored, from ``start`` up to before ``end``."""

    start: str
    end: str


class Labels(NamedTuple):
    """Namespaces that match: those of ``range`` that have each of ``labels`` at its place."""

    range: Range
    labels: list[dict[str, Any]]


def place(namespace: Any, argument: str) -> str:
    """Check the namespace of an item and return it as it is stored."""
    labels = _labels(namespace, argument)
    if not labels:
        raise NamespaceError(argument, "must have at least one label")
    return _stored(labels, argument)


def place_to_write(namespace: Any, argument: str) -> str:
    """Check the namespace of an item that is to be stored."""
    found = place(namespace, argument)
    if found.startswith(f"{RESERVED_ROOT}."):
        raise NamespaceError(argument, f"must not begin with the label {RESERVED_ROOT!r}")
    return found


def range_below(prefix: Any, argument: str) -> Range:
    """Check the beginning of namespaces, which may be empty, and return those that have it."""
    return range_of(_labels(prefix, argument), argument)


def range_of(labels: list[str], argument: str) -> Range:
    """Return the namespaces that begin with some labels."""
    if not labels:
        return Range("", BEHIND_ALL)
    start = _stored(labels, argument)
    # The character behind the period.
    return Range(start, f"{start[:-1]}/")


def matching(conditions: Any, argument: str) -> Labels:
    """Check the conditions of a list of namespaces and return what matches all of them."""
    start: list[str] = []
    wanted: list[dict[str, Any]] = []
    for index, condition in enumerate(valid.items(conditions or (), argument)):
        path = f"{argument}[{index}]"
        if not isinstance(condition, MatchCondition):
            raise InvalidInputError(
                path, f"must be a MatchCondition, not {type(condition).__name__}"
            )
        kind = valid.choice(condition.match_type, f"{path}.match_type", ("prefix", "suffix"))
        labels = _labels(condition.path, f"{path}.path")
        if kind == "prefix" and ANY_LABEL not in labels and len(labels) > len(start):
            wanted += _positions(start, 0)
            start = labels
        else:
            wanted += _positions(labels, 0 if kind == "prefix" else -len(labels))
    return Labels(range_of(start, argument), wanted)


def check_path(path: Any, argument: str) -> None:
    """Check labels that namespaces begin or end with."""
    _stored(_labels(path, argument), argument)


def labels_of(namespace: str) -> tuple[str, ...]:
    """Return the labels of a namespace as it is stored."""
    return tuple(namespace[:-1].split("."))


def item_key(value: Any, argument: str) -> str:
    """Check the key of an item; LangGraph takes everything that can be text for one."""
    if value is None or not isinstance(value, Hashable) or isinstance(value, bytes | tuple):
        raise InvalidInputError(argument, f"must be text, not {type(value).__name__}")
    return valid.key(value if isinstance(value, str) else str(value), argument)


def _labels(namespace: Any, argument: str) -> list[str]:
    if not isinstance(namespace, tuple | list):
        raise NamespaceError(argument, f"must be a tuple of labels, not {type(namespace).__name__}")
    return [_label(one, f"{argument}[{index}]") for index, one in enumerate(namespace)]


def _label(value: Any, argument: str) -> str:
    try:
        label = valid.text(value, argument)
    except InvalidInputError as error:
        raise NamespaceError(argument, str(error).partition(": ")[2]) from None
    if not label:
        raise NamespaceError(argument, "must not be empty")
    if "." in label:
        raise NamespaceError(argument, f"must have no period in it: {valid.shown(label)}")
    return label


def _stored(labels: list[str], argument: str) -> str:
    text = "".join(f"{label}." for label in labels)
    if len(text.encode()) > valid.LONGEST_KEY:
        raise NamespaceError(
            argument, f"must be at most {valid.LONGEST_KEY} bytes long in UTF-8, periods included"
        )
    return text


def _positions(labels: Iterable[str], first: int) -> list[dict[str, Any]]:
    return [
        {"place": first + index, "label": None if label == ANY_LABEL else label}
        for index, label in enumerate(labels)
    ]
