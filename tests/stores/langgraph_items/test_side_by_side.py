"""The same calls on LangGraph's own stores and on ours: equal answers, but for listed differences.

``DIFFERENCES`` names every call whose answer is meant to be another than that of a public store;
docs/application.md says why. A difference that is listed and is none any more fails, too.
"""

from __future__ import annotations

import inspect
import json
import pprint
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore
from langgraph.store.postgres import PostgresStore
from langgraph.store.sqlite import SqliteStore

from aragora_sql.database import Database
from aragora_sql.stores.langgraph_items import LangGraphStore
from tests.stores.samples import run

pysqlite3: Any = pytest.importorskip("pysqlite3")

LETTERS = "abcdefgh"
TTL: Any = {"refresh_on_read": True}


def embed(texts: Any) -> list[list[float]]:
    """Count the letters: an embedding that everybody can follow."""
    return [[float(text.count(letter)) for letter in LETTERS] for text in texts]


INDEX: Any = {"dims": len(LETTERS), "embed": embed, "fields": ["text"]}


@dataclass(frozen=True)
class Call:
    """A call of a method; EXPIRE is none, but lets the time of all items pass."""

    method: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    in_order: bool = False


def call(method: str, *args: Any, in_order: bool = False, **options: Any) -> Call:
    return Call(method, args, options, in_order)


EXPIRE = Call("expire")


def put(namespace: tuple[Any, ...], key: Any, value: Any, *args: Any, **options: Any) -> Call:
    return call("put", namespace, key, value, *args, **options)


def find(namespace: tuple[Any, ...], **options: Any) -> Call:
    return call("search", namespace, **options)


def puts(namespace: tuple[str, ...], *values: Any) -> list[Call]:
    """Store values of a member, with their places in the list as keys."""
    return [put(namespace, str(i), {"x": value}) for i, value in enumerate(values)]


def by(condition: Any) -> Call:
    return find(("n",), filter={"x": condition}, limit=50)


KINDS = (1, 1.5, "1", "b", True, False, None, [1, {"a": 2}], {"a": 1, "b": [2]}, -3)
# The first five, and the last one behind them, are in this order by any collation.
NAMES = (
    ("a",),
    ("a", "b"),
    ("a", "b", "c"),
    ("a", "c"),
    ("a", "x", "c"),
    ("ab",),
    ("a-b", "c"),
    ("A", "b"),
    ("a_b",),
    ("a%b", "[c]", "?*"),
    ("é", "日本", 'quote"', "back\\slash"),
)

CASES: dict[str, list[Call]] = {
    "items": [
        call("get", ("n",), "k"),
        put(("n",), "k", {"x": 1}),
        call("get", ("n",), "k"),
        call("get", ("n", "m"), "k"),
        call("get", ("n",), "other"),
        put(("n",), "k", {"y": [1, 2.5, None, True, {"é": "\U0001f600"}]}),
        call("get", ("n",), "k"),
        put(("n",), 5, {}),
        call("get", ("n",), 5),
        call("delete", ("n",), "k"),
        call("delete", ("n",), "k"),
        call("get", ("n",), "k"),
        find(()),
    ],
    "namespaces of a search": [
        *(put(name, "k", {"x": 1}) for name in NAMES),
        find((), limit=50),
        *(find(name[:length], limit=50) for name in NAMES for length in range(1, len(name) + 1)),
        find(("none",)),
    ],
    "list_namespaces": [
        *(put(name, "k", {"x": 1}) for name in (*NAMES[:5], ("b", "b"), NAMES[-1])),
        call("list_namespaces", in_order=True),
        *(call("list_namespaces", max_depth=depth, in_order=True) for depth in (1, 2, 3, 9)),
        call("list_namespaces", limit=2, offset=1, in_order=True),
        call("list_namespaces", offset=50),
        call("list_namespaces", prefix=("a",), in_order=True),
        call("list_namespaces", prefix=("a",), max_depth=2, in_order=True),
        call("list_namespaces", prefix=("a", "b")),
        call("list_namespaces", prefix=("a", "*", "c")),
        call("list_namespaces", prefix=("*", "b"), in_order=True),
        call("list_namespaces", prefix=("*", "*", "*"), in_order=True),
        call("list_namespaces", suffix=("c",), in_order=True),
        call("list_namespaces", suffix=("*", "c"), max_depth=2, in_order=True),
        call("list_namespaces", suffix=("b", "*"), in_order=True),
        call("list_namespaces", prefix=("a",), suffix=("c",), max_depth=1),
        call("list_namespaces", prefix=("é", "*", 'quote"')),
        call("list_namespaces", suffix=('quote"', "back\\slash")),
        call("batch", [ListNamespacesOp((), None, 5, 0)], in_order=True),
        call(
            "batch",
            [
                ListNamespacesOp(
                    (
                        MatchCondition("prefix", ("a",)),
                        MatchCondition("prefix", ("*", "b")),
                        MatchCondition("suffix", ("c",)),
                    )
                )
            ],
        ),
    ],
    "order of list_namespaces": [
        *(put(name, "k", {}) for name in (("a", "b"), ("a-b",), ("a",), ("a", "c"), ("a!",))),
        call("list_namespaces", in_order=True),
    ],
    "filter: equal": [
        *puts(("n",), *KINDS),
        by(1.5),
        by("1"),
        by("b"),
        by(-3),
        by("none"),
        by({"$eq": "b"}),
        by({"$eq": -3}),
        find(("n",), filter={}),
        find(("n",), filter={"y": 1}),
        find(("n",), filter={"x": "b", "y": 1}),
    ],
    "filter: true and 1": [*puts(("n",), *KINDS), by(True), by(False), by(1), by(1.0)],
    "filter: null": [*puts(("n",), *KINDS), put(("n",), "k", {"y": 1}), by(None)],
    "filter: lists": [*puts(("n",), *KINDS), by([1, {"a": 2}])],
    "filter: numbers in lists": [*puts(("n",), *KINDS), by([1.0, {"a": 2}])],
    "filter: lists by $eq": [*puts(("n",), *KINDS), by({"$eq": [1, {"a": 2}]})],
    "filter: objects by $eq": [*puts(("n",), *KINDS), by({"$eq": {"b": [2], "a": 1}})],
    "filter: objects": [*puts(("n",), *KINDS), by({"a": 1})],
    "filter: not equal": [*puts(("n",), 1, 2, "b"), by({"$ne": "b"}), by({"$ne": 2})],
    "filter: not equal, and missing": [*puts(("n",), 1), put(("n",), "k", {}), by({"$ne": 2})],
    "filter: ranges of one-digit numbers": [
        *puts(("n",), 1, 2, 3, 4, 4.5),
        *(by({name: 3}) for name in ("$gt", "$gte", "$lt", "$lte")),
        by({"$gt": 1, "$lt": 4.5}),
        by({"$gt": 1, "$ne": 3}),
    ],
    "filter: ranges of numbers": [
        *puts(("n",), 9, 10, -5, 100, 2.5),
        *(by({name: 9}) for name in ("$gt", "$gte", "$lt", "$lte")),
        by({"$gt": -2}),
    ],
    "filter: ranges of texts": [*puts(("n",), "a", "b", "c"), by({"$gt": "a"}), by({"$lte": "b"})],
    "filter: ranges over kinds": [
        *puts(("n",), 1, 5, "text", None),
        by({"$lt": 3}),
        by({"$gt": 3}),
    ],
    "filter: large integers": [*puts(("n",), 2**53, 2**53 + 1), by(2**53 + 1)],
    "filter: a member with a period": [put(("n",), "k", {"a.b": 1}), find((), filter={"a.b": 1})],
    "filter: an unknown operator": [*puts(("n",), 1), by({"$in": [1]})],
    "integers beyond 64 bits": [put(("n",), "k", {"x": 2**70}), call("get", ("n",), "k")],
    "order of a search": [*puts(("n",), 1, 2, 3), find((), limit=2, in_order=True)],
    "batches": [
        put(("n",), "a", {"x": 1}),
        call(
            "batch",
            [
                PutOp(("n",), "a", {"x": 2}),
                GetOp(("n",), "a"),
                SearchOp(("n",)),
                PutOp(("n",), "b", {"x": 3}),
                PutOp(("n",), "b", {"x": 4}),
                PutOp(("n",), "c", {"x": 5}),
                PutOp(("n",), "c", None),
                GetOp(("n",), "b"),
                ListNamespacesOp(),
            ],
        ),
        find(()),
        call("batch", [PutOp(("n",), "a", None), PutOp(("n",), "a", {"x": 6})]),
        find(()),
        call("batch", []),
    ],
    "namespaces that are refused": [
        *(
            one
            for name in [("",), ("a", ""), ("a.b",), ("a", 5), ("a\x00",)]
            for one in (
                put(name, "k", {}),
                call("get", name, "k"),
                call("delete", name, "k"),
                find(name),
                call("list_namespaces", prefix=name),
                call("list_namespaces", suffix=name),
            )
        ),
        put((), "k", {}),
        put(("langgraph",), "k", {}),
        find(()),
    ],
    "vectors": [
        put(("n",), "1", {"text": "aab"}),
        put(("n",), "2", {"text": "bbc"}),
        put(("n", "m"), "3", {"text": "abc", "x": 1}),
        put(("o",), "4", {"text": "aab"}),
        find(("n",), query="a", in_order=True),
        find(("n",), query="bc", in_order=True),
        find((), query="ac", limit=2, offset=1),
        find(("n",), query="a", filter={"x": 1}),
        find(("n",), query="", limit=50),
        put(("n",), "1", {"text": "ccc"}),
        find(("n",), query="c", in_order=True),
        call("delete", ("n",), "1"),
        find(("n",), query="c", in_order=True),
    ],
    "vectors of several texts": [
        put(("n",), "1", {"parts": ["aa", "b"], "text": "d"}, ["parts[*]", "text"]),
        put(("n",), "2", {"parts": ["ab", "x", "c"]}, ["parts[0]", "parts[-1]"]),
        *(find(("n",), query=query, in_order=True) for query in ("a", "b", "d")),
    ],
    "vectors of a text that is there twice": [
        put(("n",), "1", {"parts": ["a", "a"]}, ["parts[*]"]),
        find(("n",), query="a"),
    ],
    "items without vectors": [
        put(("n",), "1", {"text": "a"}),
        put(("n",), "2", {"text": "a"}, False),
        put(("n",), "3", {"other": "a"}),
        find(("n",), query="a"),
    ],
    "a vector is gone with its text": [
        put(("n",), "1", {"text": "a"}),
        put(("n",), "1", {"text": "b"}, False),
        find(("n",), query="a"),
    ],
    "expired items": [
        put(("n",), "1", {"x": 1}, ttl=5),
        put(("n",), "2", {"x": 2}),
        call("sweep_ttl"),
        EXPIRE,
        call("get", ("n",), "1", refresh_ttl=False),
        find((), refresh_ttl=False),
        call("list_namespaces"),
        call("sweep_ttl"),
        find(()),
    ],
    "expiry is put off": [
        put(("n",), "read", {"x": 1}, ttl=5),
        put(("n",), "found", {"x": 2}, ttl=5),
        put(("n",), "stored", {"x": 3}, ttl=5),
        put(("n",), "for ever", {"x": 4}, ttl=5),
        put(("n",), "left", {"x": 5}, ttl=5),
        EXPIRE,
        call("get", ("n",), "read"),
        find((), filter={"x": 2}),
        put(("n",), "stored", {"x": 3}, ttl=5),
        put(("n",), "for ever", {"x": 4}),
        call("sweep_ttl"),
        find(()),
    ],
}

NO_TTL = ("expired items", "expiry is put off")
VECTORS = (
    "vectors",
    "vectors of several texts",
    "vectors of a text that is there twice",
    "items without vectors",
    "a vector is gone with its text",
)
# What a public store can't do: InMemoryStore knows no expiry, and PostgresStore needs pgvector.
SKIPPED = {"memory": NO_TTL, "sqlite": (), "postgres": VECTORS}

DIFFERENCES: dict[str, dict[str, str]] = {
    "filter: true and 1": {
        "memory": "True finds the number 1",
        "sqlite": "True finds the number 1",
    },
    "filter: null": {
        "memory": "None finds items without the member",
        "sqlite": "None finds items without the member",
    },
    "filter: numbers in lists": {"sqlite": "compares the text"},
    "filter: lists by $eq": {"sqlite": "finds none"},
    "filter: objects by $eq": {"sqlite": "finds none"},
    "filter: objects": {"memory": "finds objects that have these members among others"},
    "filter: not equal, and missing": {"memory": "$ne finds items without the member"},
    "filter: ranges of numbers": {"postgres": "compares the text of numbers"},
    "filter: ranges of texts": {"memory": "text is no number: an error"},
    "filter: ranges over kinds": {
        "memory": "text is no number: an error",
        "sqlite": "text and null count as 0",
        "postgres": "compares the text of numbers with texts",
    },
    "filter: large integers": {"sqlite": "compares 64-bit floats"},
    "filter: a member with a period": {"sqlite": "takes the period for a path"},
    "integers beyond 64 bits": {"sqlite": "refuses them"},
    "order of a search": {
        "memory": "in the order of insertion",
        "sqlite": "has whole seconds, and within one the oldest first",
    },
    "order of list_namespaces": {
        "sqlite": "compares the joined text",
        "postgres": "compares the joined text by the database's collation",
    },
    "vectors of a text that is there twice": {"memory": "refuses it"},
    "items without vectors": {"memory": "fills up with items that have no score"},
    "a vector is gone with its text": {
        "memory": "keeps the vector",
        "sqlite": "keeps the vector",
    },
}


def shown(result: Any, *, in_order: bool) -> Any:
    """Return a result without its timestamps, and sorted where the order is not compared."""
    if isinstance(result, SearchItem):
        score = None if result.score is None else round(result.score, 5)
        # PostgreSQL sorts the members of an object.
        value = json.dumps(result.value, sort_keys=True)
        return (*result.namespace, result.key, value, score)
    if isinstance(result, Item):
        return (*result.namespace, result.key, result.value)
    if isinstance(result, list):
        listed = [shown(one, in_order=in_order) for one in result]
        return listed if in_order or not result or result[0] is None else sorted(listed, key=repr)
    return result


async def answer(store: BaseStore, expire: Callable[[], Any], one: Call) -> Any:
    """Carry out one call, of ours in an event loop, and return what it gives or raises."""
    try:
        if one is EXPIRE:
            result = expire()
        elif isinstance(store, LangGraphStore):
            result = getattr(store, f"a{one.method}")(*one.args, **one.options)
        else:
            result = getattr(store, one.method)(*one.args, **one.options)
        if inspect.isawaitable(result):
            result = await result
    except (ValueError, TypeError) as error:
        return "ValueError" if isinstance(error, ValueError) else type(error).__name__
    if one.method == "batch":
        return [shown(part, in_order=one.in_order) for part in result]
    return shown(result, in_order=one.in_order)


async def answers(store: BaseStore, expire: Callable[[], Any], calls: list[Call]) -> list[Any]:
    return [await answer(store, expire, one) for one in calls]


class Peers:
    """LangGraph's own stores; each case begins with empty ones."""

    def __init__(self, stack: ExitStack, dsn: str) -> None:
        # Python's own sqlite3 may be built without extensions, which its vectors need.
        connection = stack.enter_context(
            closing(pysqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
        )
        # SqliteStore reads text_fields in place of fields.
        index: Any = {**INDEX, "text_fields": INDEX["fields"]}
        self._sqlite = SqliteStore(connection, index=index, ttl=TTL)
        self._postgres = stack.enter_context(PostgresStore.from_conn_string(dsn, ttl=TTL))
        self._sqlite.setup()
        self._postgres.setup()

    def empty(self, case: str) -> Iterator[tuple[str, BaseStore, Callable[[], Any]]]:
        memory = InMemoryStore(index=INDEX if case in VECTORS else None)
        # Deleting an item leaves its vectors in the table.
        self._sqlite.conn.executescript("DELETE FROM store; DELETE FROM store_vectors;")
        self._execute("DELETE FROM store")
        yield "memory", memory, lambda: None
        yield "sqlite", self._sqlite, self._expire_sqlite
        yield "postgres", self._postgres, self._expire_postgres

    def with_two_models(self) -> Iterator[tuple[str, BaseStore, Callable[[str], Any]]]:
        """Yield stores without a configured expiry, and what runs a change of all their items."""
        index: Any = {"dims": 2, "embed": TwoModels()}
        yield "memory", InMemoryStore(index=index), lambda text: None
        sqlite = SqliteStore(self._sqlite.conn, index=index)
        sqlite.setup()
        yield (
            "sqlite",
            sqlite,
            lambda text: self._sqlite.conn.execute(
                f"UPDATE store {text.format('2020-01-01 00:00:00')}"
            ),
        )
        postgres = PostgresStore(self._postgres.conn)
        yield (
            "postgres",
            postgres,
            lambda text: self._execute(f"UPDATE store {text.format('2020-01-01 00:00:00Z')}"),
        )

    def _expire_sqlite(self) -> None:
        expire = "UPDATE store SET expires_at = '2020-01-01 00:00:00' WHERE expires_at IS NOT NULL"
        self._sqlite.conn.execute(expire)

    def _expire_postgres(self) -> None:
        self._execute("UPDATE store SET expires_at = '2020-01-01' WHERE expires_at IS NOT NULL")

    def _execute(self, statement: str) -> None:
        with self._postgres._cursor() as cursor:
            cursor.execute(statement.encode())


@pytest.fixture
def peers(postgres_dsn: str) -> Iterator[Peers]:
    with ExitStack() as stack:
        yield Peers(stack, postgres_dsn)


async def test_answers_are_those_of_the_public_stores(database: Database, peers: Peers) -> None:
    found: dict[str, dict[str, Any]] = {}
    for name, calls in CASES.items():
        await run(database, "DELETE FROM langgraph_items")
        index = INDEX if name in VECTORS else None
        store = LangGraphStore(database, index=index, ttl=TTL)

        async def expire() -> None:
            await run(
                database,
                "UPDATE langgraph_items SET expires_at = '2020-01-01T00:00:00.000000Z' "
                "WHERE expires_at IS NOT NULL",
            )

        ours = await answers(store, expire, calls)
        for peer, public, expire_public in peers.empty(name):
            if name in SKIPPED[peer]:
                continue
            theirs = await answers(public, expire_public, calls)
            differ = [
                (one, mine, yours)
                for one, mine, yours in zip(calls, ours, theirs, strict=True)
                if mine != yours
            ]
            if bool(differ) != (peer in DIFFERENCES.get(name, {})):
                found.setdefault(name, {})[peer] = differ or "no difference any more"
    assert found == {}, pprint.pformat(found, width=150)


class TwoModels(Embeddings):
    """Tells by its vectors whether a text was embedded as a query or as a document."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.0] for _ in texts]

    def embed_query(self, text: str) -> list[float]:
        return [0.0, 1.0]


async def test_further_differences(database: Database, peers: Peers) -> None:
    """Those of docs/application.md that no answer of a single call shows."""
    past = datetime(2020, 1, 1, tzinfo=UTC)
    kept: dict[str, bool] = {}
    asked_as_query: dict[str, bool] = {}
    refreshed: dict[str, bool] = {}
    ours = LangGraphStore(database, index={"dims": 2, "embed": TwoModels()})

    async def look(name: str, store: BaseStore, change: Callable[[str], Any]) -> None:
        async def do(method: str, *args: Any, **options: Any) -> Any:
            if store is ours:
                return await getattr(store, f"a{method}")(*args, **options)
            return getattr(store, method)(*args, **options)

        async def set_time(column: str) -> None:
            changed = change(f"SET {column} = '{{}}'")
            if inspect.isawaitable(changed):
                await changed

        await do("put", ("n",), "k", {"text": "a"})
        if name == "memory":
            (await do("get", ("n",), "k")).created_at = past
        else:
            await set_time("created_at")
        await do("put", ("n",), "k", {"text": "b"})
        created_at = (await do("get", ("n",), "k")).created_at
        if created_at.tzinfo is None:
            created_at = created_at.replace(tzinfo=UTC)
        kept[name] = created_at == past
        if name != "postgres":
            (found,) = await do("search", ("n",), query="a")
            asked_as_query[name] = found.score == 0
        if name != "memory":
            await do("put", ("n",), "k", {}, ttl=5)
            await set_time("expires_at")
            await do("get", ("n",), "k")
            refreshed[name] = await do("sweep_ttl") == 0

    for name, store, change in peers.with_two_models():
        await look(name, store, change)
    await look(
        "ours",
        ours,
        lambda text: run(
            database, f"UPDATE langgraph_items {text.format('2020-01-01T00:00:00.000000Z')}"
        ),
    )
    assert kept == {"memory": False, "sqlite": False, "postgres": True, "ours": True}
    assert asked_as_query == {"memory": True, "sqlite": False, "ours": True}
    assert refreshed == {"sqlite": False, "postgres": True, "ours": True}


def test_every_listed_difference_is_of_a_case() -> None:
    assert set(DIFFERENCES) <= set(CASES)
