"""LangGraph's long-term memory on PostgreSQL and SQLite (extra ``langgraph``).

>>> store = await get_langgraph_store()
>>> graph = builder.compile(store=store)
>>> await store.aput(("users", "42"), "language", {"name": "German"})

Its queries: ``sql/postgres/langgraph_items/queries.sql`` and
``sql/sqlite/langgraph_items/queries.sql``.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeVar

from aragora_sql.database import Connection, Database
from aragora_sql.database.ownership import Owner
from aragora_sql.database.values import dump_json, utc_now
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store
from aragora_sql.stores.base import check_database
from aragora_sql.stores.batches import in_batches

try:
    from langgraph.store.base import (
        NOT_PROVIDED,
        BaseStore,
        GetOp,
        IndexConfig,
        Item,
        ListNamespacesOp,
        MatchCondition,
        NamespacePath,
        NotProvided,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
    )

    from aragora_sql.stores.langgraph.synchronous import (
        Done,
        Opening,
        is_in_loop,
        opening,
        wait_for,
    )
    from aragora_sql.stores.langgraph_items import namespaces
    from aragora_sql.stores.langgraph_items.expiry import expiry, ttl_config
    from aragora_sql.stores.langgraph_items.namespaces import labels_of
    from aragora_sql.stores.langgraph_items.operations import (
        Checks,
        Get,
        ListNamespaces,
        Operation,
        Place,
        Put,
        Search,
    )
    from aragora_sql.stores.langgraph_items.vectors import (
        Vector,
        VectorIndex,
        best_score,
        packed,
    )
except ImportError as error:  # pragma: no cover - the tests have it
    raise ConfigurationError(
        "LangGraph's memory needs the extra 'langgraph': pip install 'aragora-sql[langgraph]'"
    ) from error

if TYPE_CHECKING:
    from aragora_sql.queries.typed.langgraph_items import (
        DeleteItemsParameters,
        GetItemsRow,
        LanggraphItemsQueries,
        ListVectorsRow,
        RefreshItemsParameters,
        UpsertItemsParameters,
    )

__all__ = ["LangGraphStore"]

STORE = "langgraph_items"
SWEEP_BATCH = 1000
# How many numbers of vectors are read and compared at once: some milliseconds of work.
NUMBERS_OF_PAGE = 150_000
MOST_ROWS_OF_PAGE = 1000

T = TypeVar("T")
Index = Literal[False] | list[str] | None
_Kind = Literal["upsert", "delete", "refresh"]


class _Write(NamedTuple):
    """A change of one row: what is done, and the parameters of its query."""

    place: Place
    kind: _Kind
    row: UpsertItemsParameters | DeleteItemsParameters | RefreshItemsParameters


class _Found(NamedTuple):
    """A candidate of a vector search."""

    score: float
    updated_at: datetime
    place: Place


class LangGraphStore(BaseStore):
    """Keeps items of LangGraph's long-term memory: values by namespace and key.

    ``index`` is LangGraph's ``IndexConfig``: ``dims``, ``embed`` (the application's own function or
    LangChain ``Embeddings``) and ``fields``; without it nothing is embedded, and :meth:`asearch`
    ignores ``query``. ``ttl`` is LangGraph's ``TTLConfig``.

    Operations of a batch that read see what was there before it; of several that write to one item
    the last one wins; all of them take effect, or none.

    The synchronous methods work wherever no event loop runs in the thread: in a plain script, and
    in other threads than that of the loop which uses the store. Within a loop they are refused with
    :class:`~aragora_sql.errors.ConfigurationError`.

    Arguments are checked before anything is written: :class:`~aragora_sql.errors.InvalidInputError`
    names the argument and what is allowed. For a namespace it is LangGraph's
    ``InvalidNamespaceError``, too.
    """

    supports_ttl = True

    def __init__(
        self,
        database: Database,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:
        super().__init__()
        self._database = check_database(database, type(self).__name__)
        self._queries: LanggraphItemsQueries = load_queries(STORE, database.dialect)
        self._index = None if index is None else VectorIndex(index)
        self.ttl_config = ttl_config(ttl)
        self._checks = Checks(self._index, self.ttl_config)
        self._home = Owner(asyncio.get_running_loop() if is_in_loop() else None)

    @classmethod
    def from_conn_string(
        cls,
        conn_string: str,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
    ) -> Opening[Self]:
        """Open a database for a store alone: ``with`` in a script, ``async with`` in a loop.

        ``conn_string`` is a DSN, or the path of a SQLite file or ``:memory:``. The database is
        closed at the end. A SQLite file is initialized; on PostgreSQL call :meth:`setup` once.
        """
        return opening(
            cls, STORE, conn_string, lambda database: cls(database, index=index, ttl=ttl)
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._database!r}>"

    @property
    def database(self) -> Database:
        """The database that the items live in, for transactions with other stores."""
        return self._database

    async def initialize(self) -> None:
        """Create the table, or upgrade it. Safe to call at every start, anywhere.

        Raises what :meth:`Store.initialize <aragora_sql.stores.base.Store.initialize>` raises.
        """
        await initialize_store(self._database, STORE)

    def setup(self) -> Awaitable[None]:
        """Do what :meth:`initialize` does, at once in a script; in a loop ``await`` it."""
        if is_in_loop():
            return self.initialize()
        self._wait_for(self.initialize())
        return Done()

    # Single operations

    async def aget(
        self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """Return an item, or None; in one round trip, and one more for an item that expires.

        An item that expires lives on from now, unless ``refresh_ttl`` is False (None: the default
        of ``ttl``, which is True).
        """
        checked = self._checks.get(GetOp(namespace, key), refresh_ttl, "")
        results: list[Item | None] = await self._perform([checked])
        return results[0]

    async def asearch(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Return items of a namespace and of those below it, newest first; of ``()`` all items.

        ``filter`` names members of values with what they have to be: a value, or operators (`$eq`,
        `$ne`, `$gt`, `$gte`, `$lt`, `$lte`). With ``query``, and an ``index``, they are the items
        whose texts are most similar, with their ``score`` (cosine, -1 to 1); those without vectors
        are not among them.
        """
        op = SearchOp(namespace_prefix, filter, limit, offset, query)
        checked = self._checks.search(op, refresh_ttl, "")
        results: list[list[SearchItem]] = await self._perform([checked])
        return results[0]

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Index = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Store an item, or replace its value, its vectors and its time to live.

        ``index`` names the paths whose texts are searched (False: none; None: those of the store).
        ``ttl`` is how long it lives after it was last stored or read, in minutes (None: for ever;
        not given: the default of the store).
        """
        if value is None:
            raise InvalidInputError("value", "must be a dictionary, not NoneType")
        if isinstance(ttl, NotProvided):
            ttl = (self.ttl_config or {}).get("default_ttl")
        await self._perform([self._checks.put(PutOp(namespace, key, value, index, ttl), "")])

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """Delete an item, if it is there."""
        await self._perform([self._checks.put(PutOp(namespace, key, None), "")])

    async def alist_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """Return the namespaces that have items, sorted label by label.

        ``prefix`` and ``suffix`` are labels at the beginning and end, ``*`` stands for any one
        label. Longer ones are cut after ``max_depth`` labels, and each is given once.
        """
        conditions = []
        for kind, path in (("prefix", prefix), ("suffix", suffix)):
            if path is not None:
                namespaces.check_path(path, kind)
                conditions.append(MatchCondition(kind, path))  # type: ignore[arg-type]
        op = ListNamespacesOp(tuple(conditions), max_depth, limit, offset)
        results: list[list[tuple[str, ...]]] = await self._perform(
            [self._checks.list_namespaces(op, "")]
        )
        return results[0]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out several operations, and return the result of each."""
        return await self._perform(self._checks.batch(ops))

    async def asweep_ttl(self) -> int:
        """Delete the items that have expired, and return their number.

        Call it from time to time. It works in small transactions, so that nobody waits long.
        """
        expired_at = utc_now()

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired(
                    connection, expired_at=expired_at, row_limit=SWEEP_BATCH
                )

        return await in_batches(batch)

    # Carrying out

    async def _perform(self, operations: Sequence[Operation]) -> list[Any]:
        puts = {one.place: one for one in operations if isinstance(one, Put)}
        # The application's function may take its time: no connection is held meanwhile.
        vectors: dict[str, Vector] = {}
        queries: dict[str, Vector] = {}
        if self._index is not None:
            vectors = await self._index.embed(text for put in puts.values() for text in put.texts)
            for one in operations:
                if isinstance(one, Search) and one.query is not None and one.query not in queries:
                    queries[one.query] = await self._index.embed_query(one.query)
        now = utc_now()
        alive_at = now if (self.ttl_config or {}).get("omit_expired") else None
        writes = self._puts(puts.values(), vectors, now)
        if len(puts) == len(operations):
            await self._write(writes)
            return [None] * len(operations)
        if not writes:
            results, refreshed = await self._read(operations, queries, alive_at)
            await self._write(_refreshes(refreshed, now, alive_at))
            return results
        async with self._database.transaction():
            results, refreshed = await self._read(operations, queries, alive_at)
            # What is stored again gets an end of its own.
            left = {place: row for place, row in refreshed.items() if place not in puts}
            await self._write([*writes, *_refreshes(left, now, alive_at)])
        return results

    def _puts(
        self, puts: Iterable[Put], vectors: Mapping[str, Vector], now: datetime
    ) -> list[_Write]:
        writes = []
        for number, put in enumerate(puts):
            namespace, key = put.place
            if put.value is None:
                deleted: DeleteItemsParameters = {"namespace": namespace, "key": key}
                writes.append(_Write(put.place, "delete", deleted))
                continue
            # Each is newer than the one before, as the caller has them in order.
            stored_at = now + timedelta(microseconds=number)
            dims = 0 if self._index is None else self._index.dims
            content = packed([vectors[text] for text in put.texts], dims)
            stored: UpsertItemsParameters = {
                "namespace": namespace,
                "key": key,
                "value": put.value,
                "stored_at": stored_at,
                "expires_at": expiry(stored_at, put.ttl),
                "ttl_minutes": put.ttl,
                "vector_dims": None if content is None else dims,
                "vectors": content,
            }
            writes.append(_Write(put.place, "upsert", stored))
        return writes

    async def _write(self, writes: Iterable[_Write]) -> None:
        # Rows are locked in one order, so that two such batches never wait for each other.
        ordered = sorted(writes, key=lambda write: write.place)
        runs = [
            (kind, [write.row for write in run])
            for kind, run in itertools.groupby(ordered, key=lambda write: write.kind)
        ]
        if len(runs) > 1:
            async with self._database.transaction() as connection:
                for kind, rows in runs:
                    await self._write_rows(connection, kind, rows)
        elif runs:
            async with self._database.connection() as connection:
                await self._write_rows(connection, *runs[0])

    async def _write_rows(self, connection: Connection, kind: _Kind, rows: list[Any]) -> None:
        if kind == "upsert":
            await self._queries.upsert_items(connection, rows)
        elif kind == "delete":
            await self._queries.delete_items(connection, rows)
        else:
            await self._queries.refresh_items(connection, rows)

    async def _read(
        self,
        operations: Sequence[Operation],
        queries: Mapping[str, Vector],
        alive_at: datetime | None,
    ) -> tuple[list[Any], dict[Place, GetItemsRow]]:
        """Return the results of operations, and the items whose end their reading puts off."""
        refreshed: dict[Place, GetItemsRow] = {}
        results: list[Any] = [None] * len(operations)
        gets = {one.place for one in operations if isinstance(one, Get)}
        rows = await self._items(gets, alive_at) if gets else {}
        for number, one in enumerate(operations):
            if isinstance(one, Get):
                row = rows.get(one.place)
                if row is not None:
                    results[number] = _item(row)
                    if one.refresh:
                        refreshed[one.place] = row
            elif isinstance(one, ListNamespaces):
                results[number] = await self._namespaces(one, alive_at)
            elif isinstance(one, Search):
                found = await self._search(one, queries, alive_at)
                results[number] = [_search_item(row, score) for row, score in found]
                if one.refresh:
                    refreshed.update({_place_of(row): row for row, _ in found})
        return results, refreshed

    async def _items(
        self, places: Iterable[Place], alive_at: datetime | None
    ) -> dict[Place, GetItemsRow]:
        wanted = dump_json([{"namespace": space, "key": key} for space, key in places])
        async with self._database.read() as connection:
            rows = self._queries.get_items(connection, places=wanted, alive_at=alive_at)
            return {_place_of(row): row async for row in rows}

    async def _namespaces(
        self, wanted: ListNamespaces, alive_at: datetime | None
    ) -> list[tuple[str, ...]]:
        within, labels = wanted.matching
        async with self._database.read() as connection:
            rows = self._queries.list_namespaces(
                connection,
                namespace_start=within.start,
                namespace_end=within.end,
                labels=dump_json(labels),
                max_depth=wanted.max_depth,
                # Which of those below are looked at makes no difference, if all of them match.
                skip_depth=None if labels else wanted.max_depth,
                alive_at=alive_at,
                row_limit=wanted.limit,
                row_offset=wanted.offset,
            )
            return [labels_of(row["namespace"]) async for row in rows]

    async def _search(
        self, wanted: Search, queries: Mapping[str, Vector], alive_at: datetime | None
    ) -> list[tuple[GetItemsRow, float | None]]:
        if wanted.limit == 0:
            return []
        if wanted.query is not None:
            ranked = await self._most_similar(wanted, queries[wanted.query], alive_at)
            rows = await self._items([one.place for one in ranked], alive_at) if ranked else {}
            return [(rows[one.place], one.score) for one in ranked if one.place in rows]
        async with self._database.read() as connection:
            if wanted.is_whole:
                found = self._queries.list_items(
                    connection,
                    conditions=wanted.conditions,
                    alive_at=alive_at,
                    row_limit=wanted.limit,
                    row_offset=wanted.offset,
                )
            else:
                found = self._queries.list_items_below(
                    connection,
                    namespace_start=wanted.within.start,
                    namespace_end=wanted.within.end,
                    conditions=wanted.conditions,
                    alive_at=alive_at,
                    row_limit=wanted.limit,
                    row_offset=wanted.offset,
                )
            return [(row, None) async for row in found]

    async def _most_similar(
        self, wanted: Search, query: Vector, alive_at: datetime | None
    ) -> list[_Found]:
        """Return the items whose best vector is nearest to the query's, nearest first."""
        size = max(1, min(MOST_ROWS_OF_PAGE, NUMBERS_OF_PAGE // len(query)))
        best: list[_Found] = []
        after = (wanted.within.start, "")
        while True:
            async with self._database.read() as connection:
                page = await _all(
                    self._queries.list_vectors(
                        connection,
                        namespace_end=wanted.within.end,
                        after_namespace=after[0],
                        after_key=after[1],
                        conditions=wanted.conditions,
                        alive_at=alive_at,
                        row_limit=size,
                    )
                )
            best = heapq.nsmallest(
                wanted.offset + wanted.limit,
                [*best, *(_scored(row, query) for row in page)],
                key=lambda one: (-one.score, -one.updated_at.timestamp(), one.place),
            )
            if len(page) < size:
                return best[wanted.offset :]
            after = (page[-1]["namespace"], page[-1]["key"])

    # The same outside event loops

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return wait_for(work, self._database, self._home)

    def get(
        self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """Do what :meth:`aget` does, outside an event loop."""
        return self._wait_for(self.aget(namespace, key, refresh_ttl=refresh_ttl))

    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Do what :meth:`asearch` does, outside an event loop."""
        return self._wait_for(
            self.asearch(
                namespace_prefix,
                query=query,
                filter=filter,
                limit=limit,
                offset=offset,
                refresh_ttl=refresh_ttl,
            )
        )

    def put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Index = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Do what :meth:`aput` does, outside an event loop."""
        self._wait_for(self.aput(namespace, key, value, index, ttl=ttl))

    def delete(self, namespace: tuple[str, ...], key: str) -> None:
        """Do what :meth:`adelete` does, outside an event loop."""
        self._wait_for(self.adelete(namespace, key))

    def list_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """Do what :meth:`alist_namespaces` does, outside an event loop."""
        return self._wait_for(
            self.alist_namespaces(
                prefix=prefix, suffix=suffix, max_depth=max_depth, limit=limit, offset=offset
            )
        )

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what :meth:`abatch` does, outside an event loop."""
        return self._wait_for(self.abatch(ops))

    def sweep_ttl(self) -> int:
        """Do what :meth:`asweep_ttl` does, outside an event loop."""
        return self._wait_for(self.asweep_ttl())


async def _all(rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]


def _refreshes(
    rows: Mapping[Place, GetItemsRow], now: datetime, alive_at: datetime | None
) -> list[_Write]:
    writes = []
    for place, row in rows.items():
        ttl = row["ttl_minutes"]
        expires_at = expiry(now, ttl)
        if ttl is not None and expires_at is not None:
            later: RefreshItemsParameters = {
                "namespace": place[0],
                "key": place[1],
                "ttl_minutes": ttl,
                "expires_at": expires_at,
                "alive_at": alive_at,
            }
            writes.append(_Write(place, "refresh", later))
    return writes


def _place_of(row: GetItemsRow | ListVectorsRow) -> Place:
    return row["namespace"], row["key"]


def _item(row: GetItemsRow) -> Item:
    return Item(
        value=row["value"],
        key=row["key"],
        namespace=labels_of(row["namespace"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _search_item(row: GetItemsRow, score: float | None) -> SearchItem:
    return SearchItem(
        labels_of(row["namespace"]),
        row["key"],
        row["value"],
        row["created_at"],
        row["updated_at"],
        score,
    )


def _scored(row: ListVectorsRow, query: Vector) -> _Found:
    where = f"item {row['key']!r} of namespace {labels_of(row['namespace'])}"
    score = best_score(query, row["vectors"], row["vector_dims"], where)
    return _Found(score, row["updated_at"], _place_of(row))
