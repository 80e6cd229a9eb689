"""What a store tells the conformance suite about itself, in ``tests/stores/<store>/cases.py``."""

from __future__ import annotations

import importlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from typing import Any, NamedTuple

from aragora_sql.database import Database
from aragora_sql.stores import STORES, StoreEntry
from tests.stores.samples import day

# Stores share no class: LangGraph's saver is of LangGraph's.
AnyStore = Any


class Hot(NamedTuple):
    """A hot query of a store with the arguments of a call."""

    query: str
    arguments: dict[str, Any]
    in_index_order: bool = False


class Call(NamedTuple):
    """A call whose round trips are counted: of the store, with what ``prepare`` returned."""

    trips: int
    call: Callable[[AnyStore, Any], Awaitable[Any]]
    at_most: bool = False


class BadArgument(NamedTuple):
    """One argument of a method, and values that the method does not take.

    ``of`` names the object whose method it is: the store, or one of ``StoreCases.helpers``.
    ``named`` is what the error calls the argument, where that is something else.
    """

    method: str
    argument: str
    values: Sequence[Any]
    of: str = "store"
    named: str = ""


class Batch(NamedTuple):
    """A method that takes many entries: a good entry, and one of its arguments to spoil."""

    method: str
    parameter: str
    good: Mapping[str, Any]
    argument: str


@dataclass(frozen=True, kw_only=True)
class StoreCases:
    """What the conformance suite needs to know of a store.

    ``make`` makes the store on a database. ``add`` stores one thing, another one at each call, and
    ``count`` returns how many were added. ``foreign_table`` defines a table of another system that
    has the name of one of the store's.

    ``fill`` stores some thousand rows in each table for the plans of ``hot``; scans of
    ``small_tables`` (names or aliases) are no problem, they have a handful of rows.

    ``prepare`` stores what the calls of ``round_trips`` and ``free_calls`` (which never reach the
    server) work on. ``refused`` names calls that are refused before the server hears of them, with
    the argument that is named.

    ``bad_arguments`` and ``batches`` say what is refused; ``good_arguments`` are the other
    arguments of these methods.
    """

    make: Callable[[Database], AnyStore]
    add: Callable[[AnyStore], Awaitable[object]]
    count: Callable[[AnyStore], Awaitable[int]]
    foreign_table: str
    fill: Callable[[AnyStore], Awaitable[None]]
    hot: Sequence[Hot]
    prepare: Callable[[AnyStore], Awaitable[Any]]
    round_trips: Mapping[str, Call]
    refused: Mapping[str, Callable[[AnyStore], Awaitable[Any]]]
    bad_arguments: Sequence[BadArgument]
    good_arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batches: Sequence[Batch] = ()
    free_calls: Mapping[str, Callable[[AnyStore], Awaitable[Any]]] = field(default_factory=dict)
    helpers: Mapping[str, Callable[[AnyStore], object]] = field(default_factory=dict)
    small_tables: frozenset[str] = frozenset()


def cases_of(entry: StoreEntry) -> StoreCases | None:
    """Return the cases of a store, or None when its folder has no ``cases.py``."""
    name = f"tests.stores.{entry.name}.cases"
    if find_spec(f"tests.stores.{entry.name}") is None or find_spec(name) is None:
        return None
    cases = getattr(importlib.import_module(name), "CASES", None)
    return cases if isinstance(cases, StoreCases) else None


def all_cases() -> dict[str, StoreCases]:
    """Return the cases of every store that has some; a test names those that have none."""
    found = {entry.name: cases_of(entry) for entry in STORES}
    return {name: cases for name, cases in found.items() if cases is not None}


# Values that arguments do not take

NOT_TEXTS: list[Any] = [None, 5, b"bytes", ["text"], 0.5]
# What Python takes for false, and is neither text nor an object.
NO_TEXTS: list[Any] = [0, 0.0, False, [], ()]
UNSTORABLE_TEXTS = ["NUL \x00 inside", "\x00", "lone \ud800 surrogate", "\udfff"]
BLANK_TEXTS = ["", " ", "\t\n", "\N{NO-BREAK SPACE}"]
TOO_LONG = ["x" * 1001, "é" * 501, "x" * 100_000]
NOT_FRACTIONS: list[Any] = [-0.01, 1.01, math.nan, math.inf, -math.inf, True, False, "0.5", 10**400]
NOT_MEASURES: list[Any] = [-1, -5e-324, math.nan, math.inf, True, "1", 10**400]
NOT_COUNTS: list[Any] = [-1, 2**31, 2**40, -(2**63), 1.0, math.nan, True, "1", None]
NOT_BOOLEANS: list[Any] = [None, 0, 1, "true", []]
NOT_TIMESTAMPS: list[Any] = [
    datetime(2026, 1, 1),
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    day(0).date(),
    "2026-01-01T00:00:00Z",
    1.5,
]
NOT_LISTS: list[Any] = ["text", b"bytes", {"a": 1}, 5]
NOT_VECTORS: list[Any] = [*NOT_LISTS, [], [0.0, 0], [math.nan], [math.inf], ["1"], [True], [None]]
NOT_OBJECTS: list[Any] = [["list"], "text", 5, [("a", 1)]]
NOT_JSON: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    {1: "a key that is not text"},
    {None: 1},
    object(),
    {1, 2},
    b"bytes",
    datetime(2026, 1, 1, tzinfo=UTC),
    "NUL \x00",
    "\ud800",
    {"\x00": 1},
    {"\ud800": 1},
    [[[math.nan]]],
    1 + 2j,
]


def texts_of(method: str, *arguments: str, of: str = "store") -> list[BadArgument]:
    """Cases of arguments that are texts, which may be empty."""
    return [BadArgument(method, name, NOT_TEXTS + UNSTORABLE_TEXTS, of) for name in arguments]


def optional_texts_of(method: str, *arguments: str, of: str = "store") -> list[BadArgument]:
    return [BadArgument(method, name, NOT_TEXTS[1:] + UNSTORABLE_TEXTS, of) for name in arguments]


def names_of(method: str, *arguments: str) -> list[BadArgument]:
    """Cases of arguments that are texts and have to say something."""
    values = NOT_TEXTS + UNSTORABLE_TEXTS + BLANK_TEXTS
    return [BadArgument(method, name, values) for name in arguments]


def keys_of(method: str, *arguments: str) -> list[BadArgument]:
    """Cases of identifiers and names, which have to fit into an index."""
    values = NOT_TEXTS + UNSTORABLE_TEXTS + BLANK_TEXTS + TOO_LONG
    return [BadArgument(method, name, values) for name in arguments]


def limits_of(*methods: str, of: str = "store") -> list[BadArgument]:
    return [BadArgument(method, "limit", NOT_COUNTS, of) for method in methods]


def lists_of(method: str, *arguments: str) -> list[BadArgument]:
    """Cases of arguments that are lists of texts."""
    bad_items = [["good", bad] for bad in NOT_TEXTS + UNSTORABLE_TEXTS]
    return [BadArgument(method, name, NOT_LISTS + bad_items) for name in arguments]


def documents_of(method: str, *arguments: str) -> list[BadArgument]:
    bad_values = [{"a": {"b": bad}} for bad in NOT_JSON]
    return [BadArgument(method, name, NOT_OBJECTS + bad_values) for name in arguments]
