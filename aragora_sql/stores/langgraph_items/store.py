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
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeVar

from aragora_sql.database import Connection, Database
from aragora_sql.database.ownership import Owner
from aragora_sql.database.values import EncodedJSON, dump_json, utc_now
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store
from aragora_sql.stores import store_entry
from aragora_sql.stores import validation as valid
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
        open_database,
        wait_for,
    )
    from aragora_sql.stores.langgraph_items import namespaces
    from aragora_sql.stores.langgraph_items.filters import conditions_of
    from aragora_sql.stores.langgraph_items.namespaces import Labels, Range, labels_of
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
TTL_OPTIONS = ("refresh_on_read", "omit_expired", "default_ttl", "sweep_interval_minutes")
NO_SWEEPER = (
    "must be None: the store starts no task of its own; call asweep_ttl(), or sweep_ttl() in a "
    "script, at an interval, from a scheduled job for instance"
)
SWEEP_BATCH = 1000
# How many numbers of vectors are read and compared at once: some milliseconds of work.
NUMBERS_OF_PAGE = 150_000
MOST_ROWS_OF_PAGE = 1000

T = TypeVar("T")
Place = tuple[str, str]
Index = Literal[False] | list[str] | None
_Kind = Literal["upsert", "delete", "refresh"]


class _Get(NamedTuple):
    place: Place
    refresh: bool


class _Put(NamedTuple):
    """An item to store, or (without ``value``) to delete."""

    place: Place
    value: EncodedJSON | None
    ttl: float | None
    texts: list[str]


class _Search(NamedTuple):
    within: Range
    is_whole: bool
    conditions: EncodedJSON
    limit: int
    offset: int
    query: str | None
    refresh: bool


class _List(NamedTuple):
    matching: Labels
    max_depth: int | None
    limit: int
    offset: int


_Checked = _Get | _Put | _Search | _List


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
        self.ttl_config = _ttl_config(ttl)
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

        async def open_store() -> Self:
            database = await open_database(cls, store_entry(STORE), conn_string)
            try:
                store = cls(database, index=index, ttl=ttl)
                if database.dialect == "sqlite":
                    await store.initialize()
            except BaseException:
                await database.close()
                raise
            return store

        return Opening(open_store)

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
        checked = self._checked_get(GetOp(namespace, key), refresh_ttl, "")
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
        checked = self._checked_search(op, refresh_ttl, "")
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
        lives = self._default_ttl if isinstance(ttl, NotProvided) else ttl
        await self._perform([self._checked_put(PutOp(namespace, key, value, index, lives), "")])

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """Delete an item, if it is there."""
        await self._perform([self._checked_put(PutOp(namespace, key, None), "")])

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
        results: list[list[tuple[str, ...]]] = await self._perform([_checked_list(op, "")])
        return results[0]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out several operations, and return the result of each."""
        checks: dict[type, Callable[[Any, str], _Checked]] = {
            GetOp: lambda op, path: self._checked_get(op, op.refresh_ttl, path),
            SearchOp: lambda op, path: self._checked_search(op, op.refresh_ttl, path),
            PutOp: self._checked_put,
            ListNamespacesOp: _checked_list,
        }
        checked = []
        for number, op in enumerate(valid.items(ops, "ops")):
            path = f"ops[{number}]"
            check = checks.get(type(op))
            if check is None:
                names = ", ".join(kind.__name__ for kind in checks)
                raise InvalidInputError(path, f"must be one of {names}, not {type(op).__name__}")
            checked.append(check(op, f"{path}."))
        return await self._perform(checked)

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

    # Checks

    @property
    def _default_ttl(self) -> float | None:
        return (self.ttl_config or {}).get("default_ttl")

    def _refresh(self, asked: Any, argument: str) -> bool:
        if asked is None:
            return (self.ttl_config or {}).get("refresh_on_read", True)
        return valid.boolean(asked, argument)

    def _checked_get(self, op: GetOp, refresh: Any, path: str) -> _Get:
        return _Get(
            (
                namespaces.place(op.namespace, f"{path}namespace"),
                namespaces.item_key(op.key, f"{path}key"),
            ),
            self._refresh(refresh, f"{path}refresh_ttl"),
        )

    def _checked_put(self, op: PutOp, path: str) -> _Put:
        check = namespaces.place if op.value is None else namespaces.place_to_write
        place = (
            check(op.namespace, f"{path}namespace"),
            namespaces.item_key(op.key, f"{path}key"),
        )
        if op.value is None:
            return _Put(place, None, None, [])
        index = op.index
        if index is not None and index is not False:
            index = valid.names(valid.items(index, f"{path}index"), f"{path}index")
        ttl = None if op.ttl is None else _minutes(op.ttl, f"{path}ttl")
        value = valid.document(op.value, f"{path}value")
        texts = []
        if self._index is not None:
            texts = self._index.texts(dict(op.value), index, f"{path}index")
        return _Put(place, value, ttl, texts)

    def _checked_search(self, op: SearchOp, refresh: Any, path: str) -> _Search:
        query = valid.optional_text(op.query, f"{path}query")
        return _Search(
            namespaces.range_below(op.namespace_prefix, f"{path}namespace_prefix"),
            not op.namespace_prefix,
            conditions_of(op.filter, f"{path}filter"),
            valid.limit(op.limit, f"{path}limit"),
            valid.integer(op.offset, f"{path}offset"),
            query if query and self._index is not None else None,
            self._refresh(refresh, f"{path}refresh_ttl"),
        )

    # Carrying out

    async def _perform(self, operations: Sequence[_Checked]) -> list[Any]:
        puts = {one.place: one for one in operations if isinstance(one, _Put)}
        # The application's function may take its time: no connection is held meanwhile.
        vectors: dict[str, Vector] = {}
        queries: dict[str, Vector] = {}
        if self._index is not None:
            vectors = await self._index.embed(text for put in puts.values() for text in put.texts)
            for one in operations:
                if isinstance(one, _Search) and one.query is not None and one.query not in queries:
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
        self, puts: Iterable[_Put], vectors: Mapping[str, Vector], now: datetime
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
                "expires_at": _expiry(stored_at, put.ttl),
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
        operations: Sequence[_Checked],
        queries: Mapping[str, Vector],
        alive_at: datetime | None,
    ) -> tuple[list[Any], dict[Place, GetItemsRow]]:
        """Return the results of operations, and the items whose end their reading puts off."""
        refreshed: dict[Place, GetItemsRow] = {}
        results: list[Any] = [None] * len(operations)
        gets = {one.place for one in operations if isinstance(one, _Get)}
        rows = await self._items(gets, alive_at) if gets else {}
        for number, one in enumerate(operations):
            if isinstance(one, _Get):
                row = rows.get(one.place)
                if row is not None:
                    results[number] = _item(row)
                    if one.refresh:
                        refreshed[one.place] = row
            elif isinstance(one, _List):
                results[number] = await self._namespaces(one, alive_at)
            elif isinstance(one, _Search):
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

    async def _namespaces(self, wanted: _List, alive_at: datetime | None) -> list[tuple[str, ...]]:
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
        self, wanted: _Search, queries: Mapping[str, Vector], alive_at: datetime | None
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
        self, wanted: _Search, query: Vector, alive_at: datetime | None
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


def _ttl_config(config: Any) -> TTLConfig | None:
    if config is None:
        return None
    if not isinstance(config, Mapping):
        raise InvalidInputError("ttl", f"must be a dictionary, not {type(config).__name__}")
    checked: TTLConfig = {}
    for name, value in config.items():
        path = f"ttl.{valid.choice(name, 'ttl', TTL_OPTIONS)}"
        if name in ("refresh_on_read", "omit_expired"):
            checked[name] = valid.boolean(value, path)  # type: ignore[literal-required]
        elif name == "default_ttl":
            checked["default_ttl"] = valid.optional(value, path, _minutes)
        elif value is not None:
            raise InvalidInputError(path, NO_SWEEPER)
    return checked


def _minutes(value: Any, argument: str) -> float:
    """Check how long an item lives, in minutes."""
    minutes = valid.number(value, argument)
    if minutes == 0:
        raise InvalidInputError(argument, "must be more than 0 minutes")
    try:
        _expiry(utc_now() + timedelta(days=1), minutes)
    except OverflowError:
        raise InvalidInputError(argument, "must end before the year 10,000") from None
    return minutes


def _expiry(start: datetime, ttl_minutes: float | None) -> datetime | None:
    return None if ttl_minutes is None else start + timedelta(minutes=ttl_minutes)


def _refreshes(
    rows: Mapping[Place, GetItemsRow], now: datetime, alive_at: datetime | None
) -> list[_Write]:
    writes = []
    for place, row in rows.items():
        ttl = row["ttl_minutes"]
        expires_at = _expiry(now, ttl)
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


def _checked_list(op: ListNamespacesOp, path: str) -> _List:
    return _List(
        namespaces.matching(op.match_conditions, f"{path}match_conditions"),
        valid.optional(op.max_depth, f"{path}max_depth", lambda v, a: valid.integer(v, a, 1)),
        valid.limit(op.limit, f"{path}limit"),
        valid.integer(op.offset, f"{path}offset"),
    )


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
