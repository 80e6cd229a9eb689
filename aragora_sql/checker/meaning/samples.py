"""Values in which edges occur, the same in each run: for rows of tables and for arguments."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

__all__ = ["PINNED", "SECONDS", "SEED", "documents", "few_texts", "near", "sample", "some"]

# Of all rows and arguments, so that they are the same each time.
SEED = 20261128
# The clock of both engines while queries are compared; SQLite's own has milliseconds.
PINNED = datetime(2026, 3, 15, 12, 0, 0, 250_000, tzinfo=UTC)

# Cases and accents, what LIKE takes for a pattern, blanks at the end, and texts whose order by code
# point is not that of a language.
_TEXTS = (
    *("", "a", "A", "b", "B", "\u00e4", "Z", "z", "a ", "a%b", "a_b", "ab", "a,b", "it's"),
    *("alpha beta", "Alpha Beta", "alpha beta gamma", "beta", "\u00df", "10", "9"),
    *("\U0001f600", "\uffee", "a.", "a.b.", "a.b.c.", "a.B.", "b.c."),
)
_KEYS = ("k1", "k2", "k3", "K1", "k10", "k", "\u00e9", "k_1", "k%", "k1.a.", "k1.b.", "k1.a.b.")
_FEW = 6
_INTEGERS = (0, 1, 2, 3, 5, 7, 10, 100, -1, 65_536)
_LARGE = (2**31, 2**53, 2**53 + 1)
_FLOATS = (
    *(0.0, 1.0, 0.5, 0.1, 0.2, 0.3, 0.30000000000000004, 1 / 3, 0.9, 0.7),
    *(5.0, 10.0, -1.0, 1e-9),
)
# How far times of rows are from the clock.
SECONDS = (0, 1e-6, -1e-6, 0.749_999, 0.75, 0.001, -1, 1, 300, -300, -3600, 86_400, -86_400)
_DAYS = (-30, -31, -400, 400)
_OBJECTS: tuple[Any, ...] = (
    *({}, {"a": 1}, {"a": None}, {"b": [1, 2]}, {"a": 0.1, "b": "x"}),
    *({"a": 1.0}, {"a": 2, "b": [2, 1]}, {"a": "1", "b": "y"}, {"a": {"b": 1}}, {"a": {"b": 2}}),
    {"\u00e4": "\u00e4", "a": True},
)
_LISTS: tuple[Any, ...] = ([], ["a"], ["a", "b"], ["b", "a"], ["a", "a"])


def sample(kind: str, chance: Random, *, is_key: bool = False, is_list: bool = False) -> Any:
    """Return a value of a Python type, of which ``kind`` is the name.

    ``is_key`` is for texts that name rows, ``is_list`` for documents that are lists. ``bigint`` is
    a kind of its own: an ``int`` has 32 bits.
    """
    if kind.startswith("list["):
        return [sample(kind[5:-1], chance, is_key=is_key) for _ in range(chance.randint(0, 3))]
    if kind == "str":
        return chance.choice(_KEYS if is_key else _TEXTS)
    if kind == "bigint" and chance.random() < 0.2:
        return chance.choice(_LARGE)
    if kind in {"int", "bigint"}:
        return chance.choice(_INTEGERS)
    if kind == "float":
        return chance.choice(_FLOATS)
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "datetime":
        days = chance.choice(_DAYS) if chance.random() < 0.3 else 0
        # The last microsecond of a second is often the latest of all.
        seconds = 0.749_999 if days > 0 and chance.random() < 0.6 else chance.choice(SECONDS)
        return PINNED + timedelta(days=days, seconds=seconds)
    if kind == "date":
        return date(2026, 3, 15) + timedelta(days=chance.choice((0, -1, 1, 30)))
    if kind == "bytes":
        return chance.choice((b"", b"a", b"\x00\xff", b"abc"))
    if kind == "UUID":
        return uuid.UUID(int=chance.choice((1, 2, 3)))
    if kind == "timedelta":
        return timedelta(seconds=chance.choice((0, 1, 60, 86_400)))
    return chance.choice(documents(is_list=is_list))


def documents(*, is_list: bool = False) -> Sequence[Any]:
    """Return documents: lists, or objects."""
    return _LISTS if is_list else _OBJECTS


@lru_cache(maxsize=8192)
def few_texts(name: str, *, is_key: bool) -> tuple[str, ...]:
    """Return the few texts that columns of a name have: rows that share them can be joined."""
    chance = Random(f"{SEED} {name}")  # noqa: S311 - the same each time
    return tuple(chance.sample(_KEYS if is_key else _TEXTS, _FEW))


def near(value: Any, chance: Random) -> Any:
    """Return a value beside another one: just above, just below, in another case."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return chance.choice((value.swapcase(), f"{value} ", value[:-1], f"{value}a"))
    if isinstance(value, int):
        return value + chance.choice((-1, 1))
    if isinstance(value, float):
        return value + chance.choice((-1e-9, 1e-9, -0.1, 0.1))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=chance.choice((-1, 1)))
    return value


def some(values: Sequence[Any], chance: Random, most: int = 4) -> list[Any]:
    """Return a few of some values, in any order."""
    return chance.sample(list(values), min(len(values), chance.randint(0, most)))
