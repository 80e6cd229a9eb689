"""Vector search: the application makes the vectors, and both engines give the same scores."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base import PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError, UnreadableValueError
from aragora_sql.stores.langgraph_items import LangGraphStore
from aragora_sql.stores.langgraph_items import store as module
from aragora_sql.stores.langgraph_items.vectors import best_score, packed
from tests.stores.samples import fetch_value, row_counts, run

LETTERS = "abcdefgh"


def embed(texts: Sequence[str]) -> list[list[float]]:
    """Count the letters."""
    return [[float(text.count(letter)) for letter in LETTERS] for text in texts]


def searching(database: Database, **changes: Any) -> LangGraphStore:
    index: Any = {"dims": len(LETTERS), "embed": embed, "fields": ["text"], **changes}
    return LangGraphStore(database, index=index)


async def scores(store: LangGraphStore, query: str, **options: Any) -> list[tuple[str, Any]]:
    return [(one.key, one.score) for one in await store.asearch((), query=query, **options)]


TEXTS = ["aab", "abc", "hg", "aaaa", "bca", "", "ggh", "abcdefgh", "bbbbb", "cab"]


async def test_asearch_ranks_by_cosine_like_the_store_in_memory(database: Database) -> None:
    store = searching(database)
    index: Any = {"dims": len(LETTERS), "embed": embed, "fields": ["text"]}
    memory = InMemoryStore(index=index)
    for number, text in enumerate(TEXTS):
        await store.aput(("n", text[:1] or "none"), str(number), {"text": text})
        memory.put(("n", text[:1] or "none"), str(number), {"text": text})
    for query in ("a", "abc", "gh", "hhhg"):
        expected = {one.key: one.score for one in memory.search((), query=query, limit=50)}
        found = await scores(store, query, limit=50)
        assert {key: pytest.approx(score, abs=1e-6) for key, score in found} == expected
        assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
        assert await scores(store, query, limit=3) == found[:3]
        assert await scores(store, query, limit=3, offset=8) == found[8:]
        # Equally similar ones: the newest first.
    assert [key for key, _ in await scores(store, "abc", limit=3)] == ["9", "4", "1"]


async def test_asearch_finds_the_same_however_many_are_compared_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = searching(database)
    await store.abatch(
        [PutOp((text[:1] or "none",), str(i), {"text": text}) for i, text in enumerate(TEXTS)]
    )
    for rows in (1, 2, 3, 1000):
        monkeypatch.setattr(module, "MOST_ROWS_OF_PAGE", rows)
        assert [key for key, _ in await scores(store, "ac", limit=4)] == ["9", "4", "1", "3"]
        assert [one.key for one in await store.asearch(("a",), query="ac")] == ["1", "3", "0", "7"]
        assert await store.asearch(("zz",), query="ac") == []


async def test_asearch_filters_before_it_ranks(database: Database) -> None:
    store = searching(database)
    for number, text in enumerate(TEXTS):
        await store.aput(("n",), str(number), {"text": text, "even": number % 2 == 0})
    found = await scores(store, "abc", filter={"even": True}, limit=2)
    assert [key for key, _ in found] == ["4", "0"]


async def test_an_item_counts_with_its_best_text(database: Database) -> None:
    store = searching(database, fields=["title", "parts[*].text"])
    await store.aput(("n",), "1", {"title": "a", "parts": [{"text": "b"}, {"text": "c"}]})
    await store.aput(("n",), "2", {"title": "abc", "parts": []})
    await store.aput(("n",), "3", {"parts": [{"text": "ab"}]}, ["parts[0].text", "missing"])
    await store.aput(("n",), "4", {"title": "a"}, False)
    await store.aput(("n",), "5", {"other": "a"})
    for query, best in (("a", "1"), ("b", "1"), ("c", "1"), ("ab", "3"), ("abc", "2")):
        found = await scores(store, query)
        assert found[0] == (best, pytest.approx(1, abs=1e-6))
        assert sorted(key for key, _ in found) == ["1", "2", "3"]
    # Without a query all of them are found.
    assert len(await store.asearch(("n",))) == 5


async def test_storing_again_replaces_the_vectors(database: Database) -> None:
    store, plain = searching(database), LangGraphStore(database)
    await store.aput(("n",), "k", {"text": "a"})
    await store.aput(("n",), "k", {"text": "b"})
    assert await scores(store, "b") == [("k", 1.0)]
    await store.aput(("n",), "k", {"text": "a"}, index=False)
    assert await scores(store, "b") == []
    await store.aput(("n",), "k", {"text": "b"})
    # A store that embeds nothing leaves no vector of the older text behind.
    await plain.aput(("n",), "k", {"text": "a"}, index=["text"])
    assert await scores(store, "b") == []
    assert [one.score for one in await plain.asearch((), query="b")] == [None]


async def test_abatch_embeds_each_text_once(database: Database) -> None:
    asked: list[Sequence[str]] = []

    async def slow(texts: Sequence[str]) -> list[list[float]]:
        asked.append(texts)
        await asyncio.sleep(0)
        return embed(texts)

    store = searching(database, embed=slow)
    await store.abatch([PutOp(("n",), str(i), {"text": "ab"[i % 2]}) for i in range(6)])
    assert asked == [["a", "b"]]
    asked.clear()
    found = await store.abatch([SearchOp((), query="a"), SearchOp(("n",), query="a")])
    assert asked == [["a"]]
    assert found[0] == found[1]


class Asymmetric(Embeddings):
    """A model that embeds what is searched for otherwise than what is stored."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.0] if text == "a" else [0.0, 1.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0] if text == "?" else [0.0, 1.0]


async def test_asearch_embeds_a_query_as_a_query(database: Database) -> None:
    store = searching(database, dims=2, embed=Asymmetric())
    await store.aput(("n",), "a", {"text": "a"})
    await store.aput(("n",), "b", {"text": "b"})
    assert await scores(store, "?", limit=1) == [("a", 1.0)]


NOT_VECTORS: list[tuple[Any, str]] = [
    ([[1.0]], "has 1 numbers, and index.dims is 8"),
    ([], "gave 0 vectors for 1 texts"),
    ([[math.nan] * 8], "not finite"),
    ([[math.inf] * 8], "not finite"),
    ([["a"] * 8], "no list of numbers"),
    ([None], "no list of numbers"),
    ([b"bytes"], "no list of numbers"),
    (None, "must be a list, not NoneType"),
    ([[10**400] * 8], "no list of numbers"),
]


async def test_aput_refuses_what_is_no_vector(database: Database) -> None:
    for made, message in NOT_VECTORS:
        store = searching(database, embed=lambda texts, made=made: made)
        with pytest.raises(InvalidInputError, match=message) as caught:
            await store.aput(("n",), "k", {"text": "a"})
        assert caught.value.argument == "index.embed"
    assert await row_counts(database) == {}


async def test_an_error_of_the_function_leaves_nothing_behind(database: Database) -> None:
    def fail(texts: Sequence[str]) -> list[list[float]]:
        raise ConnectionError("no model")

    store = searching(database, embed=fail)
    with pytest.raises(ConnectionError, match="no model"):
        await store.aput(("n",), "k", {"text": "a"})
    await store.aput(("n",), "k", {"other": "a"})
    assert await row_counts(database) == {"langgraph_items": 1}


async def test_vectors_of_another_length_are_named(database: Database) -> None:
    await searching(database).aput(("n", "m"), "k", {"text": "a"})
    other = searching(database, dims=2, embed=lambda texts: [[1.0, 0.0] for _ in texts])
    with pytest.raises(UnreadableValueError, match=r"'k' of namespace \('n', 'm'\).* of 8 numbers"):
        await other.asearch((), query="a")
    await run(database, "UPDATE langgraph_items SET vector_dims = 2")
    await run(
        database,
        "UPDATE langgraph_items SET vectors = substr(vectors, 1, 9)"
        if database.dialect == "sqlite"
        else "UPDATE langgraph_items SET vectors = substring(vectors FROM 1 FOR 9)",
    )
    with pytest.raises(UnreadableValueError, match="damaged"):
        await other.asearch((), query="a")


async def test_vectors_are_stored_as_floats_of_4_bytes(database: Database) -> None:
    await searching(database).aput(("n",), "k", {"text": "aab"})
    length = "length" if database.dialect == "sqlite" else "octet_length"
    assert await fetch_value(database, f"SELECT {length}(vectors) FROM langgraph_items") == 32


def test_best_score_is_the_largest_cosine() -> None:
    half = math.sqrt(0.5)
    stored = packed([[1.0, 0.0], [half, half], [0.0, -1.0]], 2)
    assert stored is not None
    assert best_score([0.0, 1.0], stored, 2, "item") == pytest.approx(half, abs=1e-7)
    assert best_score([0.0, 0.0], stored, 2, "item") == 0
    third = packed([[1 / math.sqrt(3)] * 3], 3)
    assert third is not None
    assert best_score([1 / math.sqrt(3)] * 3, third, 3, "item") <= 1


BAD_CONFIGS: list[tuple[Any, str]] = [
    ("text", "index"),
    ({}, "index.dims"),
    ({"dims": 0, "embed": embed}, "index.dims"),
    ({"dims": 1.5, "embed": embed}, "index.dims"),
    ({"dims": True, "embed": embed}, "index.dims"),
    ({"dims": 8}, "index.embed"),
    ({"dims": 8, "embed": 5}, "index.embed"),
    ({"dims": 8, "embed": "no-such-provider:model"}, "index.embed"),
    ({"dims": 8, "embed": embed, "fields": "text"}, "index.fields"),
    ({"dims": 8, "embed": embed, "fields": [""]}, "index.fields[0]"),
    ({"dims": 8, "embed": embed, "fields": [5]}, "index.fields[0]"),
    ({"dims": 8, "embed": embed, "distance_type": "l2"}, "index.distance_type"),
    ({"dims": 8, "embed": embed, "ann_index_config": {}}, "index"),
]


async def test_a_bad_index_config_is_named(database: Database) -> None:
    for index, argument in BAD_CONFIGS:
        with pytest.raises(InvalidInputError) as caught:
            LangGraphStore(database, index=index)
        assert caught.value.argument == argument
