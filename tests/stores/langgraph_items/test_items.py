"""Items, namespaces and batches of LangGraph's long-term memory on each engine."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
)

from aragora_sql.database import Database
from aragora_sql.errors import CheckViolationError, InvalidInputError
from aragora_sql.stores.langgraph_items import LangGraphStore
from tests.conftest import OpenDatabase
from tests.stores.samples import run

DEEP = {"a": [1, 2.5, 1e17, 2**70, -0.0, None, True, {"é": "\U0001f600", "": []}], "b": {}}


async def found(store: LangGraphStore, **options: Any) -> list[str]:
    """Return the keys that a search finds, in order."""
    return [item.key for item in await store.asearch((), limit=100, **options)]


async def test_aput_then_aget_gives_all_of_an_item(store: LangGraphStore) -> None:
    before = datetime.now(UTC)
    await store.aput(("users", "42"), "k", DEEP)
    item = await store.aget(("users", "42"), "k")
    assert item is not None
    assert (item.namespace, item.key, item.value) == (("users", "42"), "k", DEEP)
    assert type(item.value["a"][3]) is int
    assert before <= item.created_at == item.updated_at <= datetime.now(UTC)
    assert item.created_at.utcoffset() == timedelta(0)
    await store.aput(("users", "42"), "k", {})
    again = await store.aget(("users", "42"), "k")
    assert again is not None
    assert (again.value, again.created_at) == ({}, item.created_at)
    assert again.updated_at > item.updated_at


async def test_adelete_takes_one_item_away(store: LangGraphStore) -> None:
    await store.aput(("a",), "1", {})
    await store.aput(("a",), "2", {})
    await store.adelete(("a",), "1")
    assert await store.aget(("a",), "1") is None
    assert await found(store) == ["2"]


STRANGE = [
    ("a'b", 'c"d', "back\\slash", "%_*?[x]"),
    ("\x01", "\x1f", "\u007f", "\U0010ffff", "日本"),
    (" ", "\n", "/", "-", "!"),
    ("x" * 999,),
]


async def test_labels_may_hold_any_character_but_a_period(store: LangGraphStore) -> None:
    for labels in STRANGE:
        await store.aput(labels, "k", {"n": 1})
    assert sorted(await store.alist_namespaces()) == sorted(STRANGE)
    for labels in STRANGE:
        assert await store.aget(labels, "k") is not None
        assert [item.namespace for item in await store.asearch(labels)] == [labels]
        for depth in range(1, len(labels) + 1):
            cut = await store.alist_namespaces(prefix=labels[:depth], max_depth=depth)
            assert cut == [labels[:depth]]
            assert await store.alist_namespaces(suffix=labels[-depth:]) == [labels]


async def test_keys_are_told_apart_exactly(store: LangGraphStore) -> None:
    keys = ["k", "K", "k ", "\uff4b", "é", "e\u0301", "%", "a.b", "5"]
    for number, key in enumerate(keys):
        await store.aput(("n",), key, {"n": number})
    items = [await store.aget(("n",), key) for key in keys]
    assert [item and item.value["n"] for item in items] == [*range(len(keys))]
    # LangGraph's own stores take a number for its text.
    five: Any = 5
    assert await store.aget(("n",), five) == items[-1]


async def test_asearch_gives_the_newest_first_also_within_a_batch(store: LangGraphStore) -> None:
    await store.abatch([PutOp(("n",), key, {}) for key in "bca"])
    await store.aput(("n", "m"), "d", {})
    await store.aput(("n",), "c", {})
    assert await found(store) == ["c", "d", "a", "b"]
    assert [one.key for one in await store.asearch(("n",), limit=2, offset=1)] == ["d", "a"]
    assert await store.asearch(("n",), limit=0) == []
    assert await store.asearch(("n",), offset=4) == []


RICH: list[Any] = [1, 2.5, -3, "a", "B", "é", True, False, None, [1, "x"], {"p": {"q": [1]}}]


FILTERS: list[tuple[Any, list[Any]]] = [
    (1, [1]),
    (1.0, [1]),
    (True, [True]),
    (None, [None]),
    ("a", ["a"]),
    ([1.0, "x"], [[1, "x"]]),
    (["x", 1], []),
    ([1], []),
    ({"$eq": {"p": {"q": [1.0]}}}, [{"p": {"q": [1]}}]),
    ({"$eq": {"p": {"q": [1], "r": 1}}}, []),
    ({"$eq": {"p": {}}}, []),
    ({"$ne": 1}, [one for one in RICH if one is True or one != 1]),
    ({"$ne": None}, [one for one in RICH if one is not None]),
    ({"$ne": [1, "x"]}, [one for one in RICH if one != [1, "x"]]),
    ({"$gt": 1}, [2.5]),
    ({"$gte": 1}, [1, 2.5]),
    ({"$lt": 2.5}, [1, -3]),
    ({"$lte": 2.5}, [1, 2.5, -3]),
    ({"$gt": -10, "$lt": 0.0}, [-3]),
    ({"$gt": "B"}, ["a", "é"]),
    ({"$gte": "B"}, ["a", "B", "é"]),
    ({"$lt": "a"}, ["B"]),
    ({"$lte": "a", "$ne": "B"}, ["a"]),
]


async def test_asearch_filters_by_kind_and_value(store: LangGraphStore) -> None:
    await store.abatch(
        [
            *(PutOp(("n",), str(i), {"x": value, "y": 0}) for i, value in enumerate(RICH)),
            PutOp(("n",), "missing", {"y": 0}),
        ]
    )
    for condition, expected in FILTERS:
        for filters in ({"x": condition}, {"y": 0, "x": condition}):
            for prefix in ((), ("n",)):
                items = await store.asearch(prefix, filter=filters, limit=100)
                keys = sorted(int(item.key) for item in items)
                assert [repr(RICH[key]) for key in keys] == [*map(repr, expected)], condition
        assert await found(store, filter={"x": condition, "y": 1}) == []


async def test_asearch_compares_large_numbers_exactly(store: LangGraphStore) -> None:
    values = [2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 2**70, 1e300]
    await store.abatch([PutOp(("n",), str(i), {"x": one}) for i, one in enumerate(values)])
    assert sorted(await found(store, filter={"x": 2**53})) == ["0", "2"]
    assert await found(store, filter={"x": 2**53 + 1}) == ["1"]
    assert await found(store, filter={"x": 1e300}) == ["6"]
    assert sorted(await found(store, filter={"x": {"$gt": 2**53}})) == ["1", "3", "5", "6"]
    assert await found(store, filter={"x": {"$lt": 0}}) == ["4"]


async def test_a_filter_takes_any_name_of_a_member(store: LangGraphStore) -> None:
    names = ["a.b", "a'b", 'a"b', "$gt", "", "é\\", "[0]", "a b"]
    for name in names:
        await store.aput(("n",), name or "empty", {name: 1})
    for name in names:
        assert await found(store, filter={name: 1}) == [name or "empty"]


TREE = [
    ("a",),
    ("a", "b"),
    ("a", "b", "c"),
    ("a", "b", "d"),
    ("a", "c"),
    ("a-b",),
    ("a b", "c"),
    ("b", "x", "c"),
    ("b", "x", "y", "c"),
]


CONDITIONS: list[list[tuple[Any, tuple[str, ...]]]] = [
    [],
    [("prefix", ("a",))],
    [("prefix", ("a", "b"))],
    [("prefix", ("a", "*"))],
    [("prefix", ("*",))],
    [("prefix", ("*", "*", "*"))],
    [("prefix", ("*", "x"))],
    [("prefix", ("none",))],
    [("suffix", ("c",))],
    [("suffix", ("*",))],
    [("suffix", ("b", "*"))],
    [("suffix", ("x", "*", "*", "c"))],
    [("suffix", ("b", "x", "y", "c"))],
    [("suffix", ("a", "b", "x", "y", "c"))],
    [("prefix", ("a",)), ("suffix", ("c",))],
    [("prefix", ("a",)), ("prefix", ("a", "b"))],
    [("prefix", ("a", "b")), ("prefix", ("a",))],
    [("prefix", ("a", "b")), ("prefix", ("b",))],
    [("prefix", ()), ("suffix", ())],
]


def matches(name: tuple[str, ...], conditions: list[tuple[Any, tuple[str, ...]]]) -> bool:
    return all(
        len(name) >= len(path)
        and all(
            label in ("*", own)
            for label, own in zip(
                path, name if kind == "prefix" else name[len(name) - len(path) :], strict=False
            )
        )
        for kind, path in conditions
    )


async def test_alist_namespaces_gives_what_matches(store: LangGraphStore) -> None:
    await store.abatch([PutOp(name, key, {}) for name in TREE for key in "xyz"])
    for conditions, max_depth in itertools.product(CONDITIONS, (None, 1, 2, 3, 4, 9)):
        expected = sorted({name[:max_depth] for name in TREE if matches(name, conditions)})
        op = ListNamespacesOp(tuple(MatchCondition(*one) for one in conditions), max_depth)
        pages = [op._replace(limit=2, offset=offset) for offset in range(0, len(expected) + 1, 2)]
        whole, *parts = await store.abatch([op, *pages])
        assert whole == expected, op
        assert [name for part in parts for name in part or ()] == expected, op  # type: ignore[union-attr]
        if len({kind for kind, _ in conditions}) == len(conditions):
            named: Any = dict(conditions)
            assert await store.alist_namespaces(**named, max_depth=max_depth) == expected, op


async def test_abatch_reads_what_was_there_before_it(store: LangGraphStore) -> None:
    await store.aput(("n",), "a", {"x": 1})
    got, nothing, listed, searched, *rest = await store.abatch(
        [
            GetOp(("n",), "a"),
            GetOp(("m",), "b"),
            ListNamespacesOp(),
            SearchOp(("n",)),
            PutOp(("n",), "a", {"x": 2}),
            PutOp(("m",), "b", {"x": 3}),
            PutOp(("m",), "b", None),
            PutOp(("m",), "c", {"x": 4}),
        ]
    )
    assert getattr(got, "value", None) == {"x": 1}
    assert (nothing, listed, rest) == (None, [("n",)], [None] * 4)
    assert isinstance(searched, list)
    assert [one.value for one in searched if isinstance(one, SearchItem)] == [{"x": 1}]
    assert [item.value["x"] for item in await store.asearch(())] == [4, 2]
    assert await store.abatch([]) == []


async def test_abatch_that_is_refused_writes_nothing(store: LangGraphStore) -> None:
    bad: Any = {"x": {1, 2}}
    with pytest.raises(InvalidInputError) as caught:
        await store.abatch([PutOp(("n",), "a", {}), PutOp(("n",), "b", bad)])
    assert caught.value.argument == "ops[1].value['x']"
    assert await found(store) == []


async def test_writers_of_the_same_items_do_not_wait_for_each_other(
    open_database: OpenDatabase,
) -> None:
    stores = [LangGraphStore(await open_database()) for _ in range(2)]
    keys = [str(number) for number in range(20)]

    async def write(store: LangGraphStore, ordered: list[str]) -> None:
        for _ in range(5):
            await store.abatch([PutOp(("n",), key, {}, ttl=5) for key in ordered])
            await store.abatch([GetOp(("n",), key) for key in reversed(ordered)])
            # Stores, deletes and (by reading) refreshes, all in one transaction.
            some, others, rest = ordered[:7], ordered[7:14], ordered[14:]
            await store.abatch(
                [
                    *(PutOp(("n",), key, {}, ttl=5) for key in some),
                    *(PutOp(("n",), key, None) for key in others),
                    *(GetOp(("n",), key) for key in rest),
                ]
            )

    orders = (keys, keys[::-1], keys[10:] + keys[:10], keys[::-3] + keys[:10])
    await asyncio.gather(*(write(stores[i % 2], order) for i, order in enumerate(orders)))
    assert await found(stores[0]) == await found(stores[1])


async def test_a_refused_namespace_is_an_error_of_langgraph_too(store: LangGraphStore) -> None:
    namespace: Any
    for namespace in ((), ("",), ("a.b",), ("langgraph", "a"), ("a", 5), "text"):
        with pytest.raises(InvalidNamespaceError, match="namespace") as caught:
            await store.aput(namespace, "k", {})
        assert isinstance(caught.value, InvalidInputError)


REFUSED: list[tuple[Any, str]] = [
    ({"filter": "text"}, "filter"),
    ({"filter": {"a": {"$in": [1]}}}, "filter['a']"),
    ({"filter": {"a": {}}}, "filter['a']"),
    ({"filter": {"a": {"b": 1}}}, "filter['a']"),
    ({"filter": {"a": {"$gt": None}}}, "filter['a']['$gt']"),
    ({"filter": {"a": {"$lt": True}}}, "filter['a']['$lt']"),
    ({"filter": {"a": 2**63}}, "filter['a']"),
    ({"filter": {"a": {"$ne": [{"b": 2**64}]}}}, "filter['a']['$ne'][0]['b']"),
    ({"filter": {"a": float("nan")}}, "filter['a'][0]"),
    ({"limit": -1}, "limit"),
    ({"limit": "10"}, "limit"),
    ({"offset": -1}, "offset"),
    ({"query": 5}, "query"),
    ({"query": "\x00"}, "query"),
    ({"refresh_ttl": 1}, "refresh_ttl"),
]


async def test_asearch_names_what_it_refuses(store: LangGraphStore) -> None:
    for options, argument in REFUSED:
        with pytest.raises(InvalidInputError) as caught:
            await store.asearch((), **options)
        assert caught.value.argument == argument


async def test_asearch_refuses_a_prefix_that_is_none(store: LangGraphStore) -> None:
    prefix: Any
    for prefix in ("users", None, ("a.b",), ("",), ("a", 5)):
        with pytest.raises(InvalidInputError, match="namespace_prefix"):
            await store.asearch(prefix)


async def test_the_table_refuses_what_the_store_does(database: Database) -> None:
    await LangGraphStore(database).aput(("n",), "k", {}, ttl=5)
    for assignment in (
        "namespace = ''",
        "namespace = '.'",
        "key = ''",
        "value = '[]'",
        "ttl_minutes = 0",
        "ttl_minutes = NULL",
        "expires_at = NULL",
        "vector_dims = 3",
    ):
        with pytest.raises(CheckViolationError):
            await run(database, f"UPDATE langgraph_items SET {assignment}")
