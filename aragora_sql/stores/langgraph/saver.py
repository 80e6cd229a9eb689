"""LangGraph's checkpoint saver on PostgreSQL and SQLite (extra ``langgraph``).

>>> saver = await get_langgraph_saver()
>>> graph = builder.compile(checkpointer=saver)
>>> await graph.ainvoke(inputs, {"configurable": {"thread_id": "thread-1"}})

Its queries: ``sql/postgres/langgraph/queries.sql`` and ``sql/sqlite/langgraph/queries.sql``.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import random
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Collection,
    Coroutine,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, cast

from aragora_sql.database import Connection, Database
from aragora_sql.database.groups import Groups
from aragora_sql.database.ownership import Owner
from aragora_sql.database.together import Together
from aragora_sql.database.values import dump_json
from aragora_sql.errors import ConfigurationError, InvalidInputError, UnreadableValueError
from aragora_sql.queries import load_queries
from aragora_sql.schema import initialize_store
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import check_database
from aragora_sql.stores.langgraph.records import DeletedThreads

try:
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        BaseCheckpointSaver,
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        DeltaChannelHistory,
        PendingWrite,
        get_serializable_checkpoint_metadata,
        writes_sort_key,
    )

    from aragora_sql.stores.langgraph.compression import Compressor, decompressed
    from aragora_sql.stores.langgraph.content import (
        DIVIDED,
        SHARED,
        VALUES,
        Part,
        divide,
        joined,
        put_versions_back,
    )
    from aragora_sql.stores.langgraph.serializer import StrictSerializer
    from aragora_sql.stores.langgraph.synchronous import (
        Done,
        Opening,
        is_in_loop,
        opening,
        wait_for,
    )
except ImportError as error:  # pragma: no cover - the tests have it
    raise ConfigurationError(
        "LangGraph checkpoints need the extra 'langgraph': pip install 'aragora-sql[langgraph]'"
    ) from error

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from aragora_sql.queries.typed.langgraph import (
        DeleteOlderCheckpointsParameters,
        GetChannelHistoryRow,
        GetCheckpointRow,
        LanggraphQueries,
        ListLatestRow,
        ListNamespaceRow,
        PutCheckpointParameters,
        PutWithValuesParameters,
        UpsertWritesParameters,
    )

__all__ = [
    "LangGraphSaver",
]

log = logging.getLogger(__name__)

STORE = "langgraph"
STRATEGIES = ("keep_latest", "delete")
DEFAULT_PAGE_SIZE = 20
PRUNE_BATCH = 50
DEFAULT_EXPIRED = 1000
# How many checkpoints, and writes of tasks, are committed together at most.
LARGEST_GROUP = 100
# How many checkpoints one statement looks at.
EXPIRY_PAGE = 1000
BEFORE_ALL = datetime(1, 1, 2, tzinfo=UTC)
# Behind every id that is text.
BEHIND_ALL = "\U0010ffff"
# Seconds in a thousand years.
LONGEST_AGE = 86_400.0 * 365_250
# Bytes in UTF-8; together they fit into one row of an index of PostgreSQL.
LONGEST_ID = 500
LONGEST_NAMESPACE_KEY = 1000
# Each nested subgraph adds its name and 38 bytes.
LONGEST_NAMESPACE = 50_000
# Longer namespaces than an index takes are kept in their rows as a digest behind this, and whole in
# the serialised checkpoint. LangGraph's namespaces have no such character.
DIGEST_PREFIX = "\x1fsha256:"
WHOLE_NAMESPACE = "aragora_sql:checkpoint_ns"
# In checkpoints that were moved here: channels that have no value in this one, though another one
# has a value at the same version.
WITHOUT_VALUES = "aragora_sql:without_values"

T = TypeVar("T")
StoredRow = TypeVar("StoredRow", "GetCheckpointRow", "GetChannelHistoryRow")


def stored_namespace(namespace: str) -> str:
    """Return a namespace as it is in the tables: a digest if it is long."""
    # No character has more than four bytes.
    if len(namespace) <= LONGEST_NAMESPACE_KEY // 4:
        return namespace
    if len(namespace.encode()) <= LONGEST_NAMESPACE_KEY:
        return namespace
    return DIGEST_PREFIX + hashlib.sha256(namespace.encode()).hexdigest()


class _Place(NamedTuple):
    """Where a checkpoint is; without ``checkpoint_id`` the latest is meant."""

    thread_id: str
    namespace: str
    checkpoint_id: str | None

    @property
    def checkpoint_ns(self) -> str:
        """The namespace as it is in the tables: a digest if it is long."""
        return stored_namespace(self.namespace)

    def config(self, checkpoint_id: str) -> RunnableConfig:
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": checkpoint_id,
            }
        }


class _Rows(NamedTuple):
    """What a call stores: a checkpoint, or writes."""

    checkpoint: PutCheckpointParameters | None = None
    with_values: PutWithValuesParameters | None = None
    writes: UpsertWritesParameters | None = None


class LangGraphSaver(BaseCheckpointSaver[str]):
    """Keeps the checkpoints of LangGraph's threads in a database.

    A value of a channel is stored once for all checkpoints that have it. One statement reads a
    checkpoint with its values and writes, another a page of them; nothing is held between pages.
    Storing is atomic: a checkpoint is there with all its values, or not at all.

    ``allowed_msgpack_modules`` names the application's own types that its channels hold: classes,
    or pairs ``(module, name)``. Only those and LangGraph's safe types are made again when values
    are read; a value of another type is refused with
    :class:`~aragora_sql.errors.UnreadableValueError`. ``serde`` replaces the serializer, and then
    decides alone what it reads. ``page_size`` is how many checkpoints :meth:`alist` reads at once.

    The synchronous methods work wherever no event loop runs in the thread: in a plain script, and
    in other threads than that of the loop which uses the saver. Within a loop they are refused with
    :class:`~aragora_sql.errors.ConfigurationError`.
    """

    def __init__(
        self,
        database: Database,
        *,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Iterable[tuple[str, str] | type] | None = None,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> None:
        if serde is not None and allowed_msgpack_modules is not None:
            raise InvalidInputError(
                "allowed_msgpack_modules", "goes without serde: give the allow list to that"
            )
        super().__init__(serde=serde or StrictSerializer(allowed_msgpack_modules))
        self._database = check_database(database, type(self).__name__)
        self._queries: LanggraphQueries = load_queries(STORE, database.dialect)
        self._page_size = valid.integer(page_size, "page_size", 1)
        self._compressor = Compressor()
        self._groups: Groups[_Rows, bool] = Groups(self._store_group, most=LARGEST_GROUP)
        self._home = Owner(asyncio.get_running_loop() if is_in_loop() else None)

    @classmethod
    def from_conn_string(
        cls,
        conn_string: str,
        *,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Iterable[tuple[str, str] | type] | None = None,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Opening[Self]:
        """Open a database for a saver alone: ``with`` in a script, ``async with`` in a loop.

        ``conn_string`` is a DSN, or the path of a SQLite file or ``:memory:``. The database is
        closed at the end. A SQLite file is initialized; on PostgreSQL call :meth:`setup` once.
        """
        return opening(
            cls,
            STORE,
            conn_string,
            lambda database: cls(
                database,
                serde=serde,
                allowed_msgpack_modules=allowed_msgpack_modules,
                page_size=page_size,
            ),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._database!r}>"

    @property
    def database(self) -> Database:
        """The database that the checkpoints live in, for transactions with other stores."""
        return self._database

    async def initialize(self) -> None:
        """Create the tables, or upgrade them. Safe to call at every start, anywhere.

        Raises what :meth:`Store.initialize <aragora_sql.stores.base.Store.initialize>` raises.
        """
        await initialize_store(self._database, STORE)

    def setup(self) -> Awaitable[None]:
        """Do what :meth:`initialize` does, at once in a script; in a loop ``await`` it."""
        if is_in_loop():
            return self.initialize()
        self._wait_for(self.initialize())
        return Done()

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version that sorts behind ``current`` and that no fork of the thread has."""
        number = 0 if current is None else int(str(current).partition(".")[0])
        return f"{number + 1:032}.{random.getrandbits(64):020}"

    # Storing

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint with the values of its channels, and return its place.

        What several tasks store at the same moment is committed together.
        """
        place = _place(config)
        row = self._checkpoint_row(place, config, checkpoint, metadata, new_versions)
        if not await self._store(row):
            # A value of an older checkpoint was pruned since this one began, or is not yet a row.
            row = self._checkpoint_row(
                place, config, checkpoint, metadata, new_versions, all_given=True
            )
            await self._store(row)
        return place.config(checkpoint["id"])

    def _checkpoint_row(
        self,
        place: _Place,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        *,
        all_given: bool = False,
    ) -> _Rows:
        checkpoint_id = _text(checkpoint["id"], "checkpoint.id")
        described = get_serializable_checkpoint_metadata(config, metadata)
        run_id = described.get("run_id")
        checkpoint_ns = place.checkpoint_ns
        parts = divide(
            checkpoint,
            new_versions,
            _delta_channels(described),
            self.serde.dumps_typed,
            all_given=all_given,
        )
        for channel in parts.versions:
            _channel(channel)
        if type(checkpoint["id"]) is str:
            del parts.rest["id"]
        if checkpoint_ns != place.namespace:
            parts.rest[WHOLE_NAMESPACE] = place.namespace
        kind, content = self._dump(parts.rest)
        row: PutCheckpointParameters = {
            "thread_id": place.thread_id,
            "checkpoint_ns": checkpoint_ns,
            "checkpoint_id": checkpoint_id,
            "parent_checkpoint_id": place.checkpoint_id,
            "run_id": None if run_id is None else str(run_id),
            "channel_versions": valid.document(parts.versions, "checkpoint.channel_versions"),
            "metadata": valid.document(sorted_document(described), "metadata"),
            "type": DIVIDED + kind,
            "content": content,
        }
        if not parts.given and not parts.kept:
            return _Rows(row)
        given, contents = joined(
            Part(
                {
                    "channel": one.channel,
                    "version": _text(one.version, "checkpoint.channel_versions"),
                },
                *self._compressor.compressed(one.type, one.content),
            )
            for one in parts.given
        )
        with_values: PutWithValuesParameters = {
            **row,
            "given": given,
            "contents": contents,
            "kept": dump_json(parts.kept),
        }
        return _Rows(with_values=with_values)

    def _dump(self, value: Any) -> tuple[str, bytes]:
        return self._compressor.compressed(*self.serde.dumps_typed(value))

    async def _store(self, rows: _Rows) -> bool:
        """Store rows; False: a checkpoint's values are not all there, and nothing was stored."""
        stored = None
        if not self._database.is_in_use_here():
            # Locks of a transaction of the caller's are its own, and so is a connection that it
            # has: whoever waits for it must not wait for the rows of others.
            stored = await self._groups.run(rows)
        if stored is None:
            (stored,) = await self._store_group([rows])
        return bool(stored)

    async def _store_group(self, group: list[_Rows]) -> list[bool | None]:
        """Store the rows of several tasks; None is one that has to be stored alone."""
        writes: list[UpsertWritesParameters] = []
        checkpoints: list[PutCheckpointParameters] = []
        with_values: list[PutWithValuesParameters] = []
        for rows in group:
            if rows.writes:
                writes.append(rows.writes)
            elif rows.checkpoint:
                checkpoints.append(rows.checkpoint)
            elif rows.with_values:
                with_values.append(rows.with_values)
        if len(group) > 1:
            # In one order, so that two that store some never wait for each other.
            writes.sort(key=_order)
            checkpoints.sort(key=_order)
            with_values.sort(key=_order)
        stored = 0
        async with self._database.connection() as connection:
            several = bool(writes) + bool(checkpoints) + bool(with_values) > 1
            together = Together(connection) if several else None
            target: Any = together or connection
            if writes:
                await self._queries.upsert_writes(target, writes)
            if checkpoints:
                await self._queries.put_checkpoint(target, checkpoints)
            if with_values:
                stored = await self._queries.put_with_values(target, with_values)
            if together is not None:
                *_, stored = await together.run_each()
        if not with_values or stored == len(with_values):
            return [True] * len(group)
        missing = False if len(with_values) == 1 else None
        return [missing if rows.with_values else True for rows in group]

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store what a task wrote after a checkpoint, in one round trip, or with other tasks.

        What it wrote before stays; errors, interrupts, resumes and the like are renewed if nothing
        else is among ``writes``. LangGraph's own savers in databases do the same.
        """
        place = _place(config)
        if place.checkpoint_id is None:
            raise InvalidInputError("config", "its 'configurable' has no 'checkpoint_id'")
        listed = valid.items(writes, "writes")
        renew = all(channel in WRITES_IDX_MAP for channel, _ in listed)
        # One place may be written to twice: the first stays, or the last renews it.
        places: dict[int, Part] = {}
        for index, (channel, value) in enumerate(listed):
            place_of_write = WRITES_IDX_MAP.get(channel, index)
            if renew or place_of_write not in places:
                entry = {"idx": place_of_write, "channel": _text(channel, f"writes[{index}]")}
                places[place_of_write] = Part(entry, *self._dump(value))
        if places:
            given, contents = joined(places.values())
            row: UpsertWritesParameters = {
                "thread_id": place.thread_id,
                "checkpoint_ns": place.checkpoint_ns,
                "checkpoint_id": place.checkpoint_id,
                "task_id": _text(task_id, "task_id"),
                "task_path": valid.text(task_path, "task_path"),
                "given": given,
                "contents": contents,
                "renew": renew,
            }
            await self._store(_Rows(writes=row))

    # Reading

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, or the latest of its namespace, in one round trip; None: none."""
        place = _place(config)
        async with self._database.read() as connection:
            rows = await _all(
                self._queries.get_checkpoint(
                    connection,
                    thread_id=place.thread_id,
                    checkpoint_ns=place.checkpoint_ns,
                    checkpoint_id=place.checkpoint_id,
                )
            )
        return next(iter(self._tuples(rows).values()), None)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first: of a namespace, of a thread, or (None) of all.

        ``filter`` names values that the metadata has to have; ``before`` names a checkpoint;
        ``limit`` is the most to yield. Pages are read one by one, in two round trips each, and no
        connection is held between them.
        """
        remaining = None if limit is None else max(0, limit)
        keys = self._pages_of_keys(
            config, sorted_document(filter or {}), _before(before), remaining
        )
        async for page in keys:
            async with self._database.read() as connection:
                rows = await _all(self._queries.read_checkpoints(connection, keys=page))
            found = self._tuples(rows)
            for key in page:
                # One that was deleted meanwhile is left out.
                one = found.get((key["thread_id"], key["checkpoint_ns"], key["checkpoint_id"]))
                if one is not None:
                    yield one

    async def _pages_of_keys(
        self,
        config: RunnableConfig | None,
        wanted: dict[str, Any],
        before_id: str,
        remaining: int | None,
    ) -> AsyncIterator[list[ListNamespaceRow]]:
        options = config["configurable"] if config is not None else {}
        place = _place(config) if config is not None else None
        # Before every checkpoint of that id: one bound, by which an index is entered.
        after: ListNamespaceRow = {
            "thread_id": "",
            "checkpoint_ns": "",
            "checkpoint_id": before_id,
        }
        while remaining is None or remaining > 0:
            size = self._page_size if remaining is None else min(self._page_size, remaining)
            rows: AsyncIterator[ListNamespaceRow]
            async with self._database.read() as connection:
                if place is None:
                    rows = self._queries.list_all(
                        connection,
                        after_id=after["checkpoint_id"],
                        after_thread=after["thread_id"],
                        after_ns=after["checkpoint_ns"],
                        wanted=wanted,
                        row_limit=size,
                    )
                elif options.get("checkpoint_ns") is None:
                    rows = self._queries.list_thread(
                        connection,
                        thread_id=place.thread_id,
                        only_id=place.checkpoint_id,
                        after_id=after["checkpoint_id"],
                        after_ns=after["checkpoint_ns"],
                        wanted=wanted,
                        row_limit=size,
                    )
                else:
                    rows = self._queries.list_namespace(
                        connection,
                        thread_id=place.thread_id,
                        checkpoint_ns=place.checkpoint_ns,
                        only_id=place.checkpoint_id,
                        before_id=after["checkpoint_id"],
                        wanted=wanted,
                        row_limit=size,
                    )
                page = await _all(rows)
            if page:
                yield page
            if len(page) < size:
                return
            after = page[-1]
            if remaining is not None:
                remaining -= len(page)

    def _tuples(
        self, rows: Iterable[GetCheckpointRow]
    ) -> dict[tuple[str, str, str], CheckpointTuple]:
        """Put together checkpoints, their values and their writes."""
        heads = []
        values: dict[tuple[str, str, str | None, str | None], GetCheckpointRow] = {}
        writes: dict[tuple[str, str, str | None], list[GetCheckpointRow]] = {}
        for row in rows:
            namespace = (row["thread_id"], row["checkpoint_ns"])
            if row["kind"] == "checkpoint":
                heads.append(row)
            elif row["kind"] == "value":
                key = (*namespace, row["channel"], row["version"])
                values[key] = row
            else:
                writes.setdefault((*namespace, row["checkpoint_id"]), []).append(row)
        found: dict[tuple[str, str, str], CheckpointTuple] = {}
        for row in heads:
            checkpoint_id = cast(str, row["checkpoint_id"])
            checkpoint = self._loaded(row, row["thread_id"])
            if row["type"].startswith(DIVIDED):
                put_versions_back(checkpoint)
                checkpoint.setdefault("id", checkpoint_id)
                shared = checkpoint.pop(SHARED, ())
            else:
                shared = checkpoint["channel_versions"]
            versions = checkpoint["channel_versions"]
            namespace = checkpoint.pop(WHOLE_NAMESPACE, row["checkpoint_ns"])
            place = _Place(row["thread_id"], namespace, checkpoint_id)
            where = (row["thread_id"], row["checkpoint_ns"], checkpoint_id)
            own_values = self._values_within(checkpoint, place.thread_id)
            without = {*own_values, *checkpoint.pop(WITHOUT_VALUES, ())}
            # Values are decoded again for each checkpoint: who gets one may change it.
            checkpoint["channel_values"] = {
                channel: self._loaded(values[key], place.thread_id)
                for channel in shared
                if channel not in without
                and (key := (*where[:2], channel, str(versions[channel]))) in values
            } | own_values
            parent = row["parent_checkpoint_id"]
            found[where] = CheckpointTuple(
                config=place.config(checkpoint_id),
                checkpoint=cast(Checkpoint, checkpoint),
                metadata=cast(CheckpointMetadata, row["metadata"]),
                parent_config=None if parent is None else place.config(parent),
                pending_writes=[
                    self._write(one, place.thread_id) for one in _ordered(writes.get(where, []))
                ],
            )
        return found

    def _values_within(self, checkpoint: dict[str, Any], thread_id: str) -> dict[str, Any]:
        """Take the values out that a checkpoint has in itself."""
        values: dict[str, Any] = checkpoint.pop("channel_values", None) or {}
        for channel, packed in (checkpoint.pop(VALUES, None) or {}).items():
            kind, content = packed if isinstance(packed, list) else ("msgpack", packed)
            values[channel] = self._read(kind, content, channel, thread_id)
        return values

    def _write(self, row: GetCheckpointRow | GetChannelHistoryRow, thread_id: str) -> PendingWrite:
        task_id, channel = cast(str, row["task_id"]), cast(str, row["channel"])
        return task_id, channel, self._loaded(row, thread_id)

    def _loaded(self, row: GetCheckpointRow | GetChannelHistoryRow, thread_id: str) -> Any:
        # Rows of checkpoints, values and writes have both.
        kind, content = cast(str, row["type"]), cast(bytes, row["content"])
        return self._read(kind.removeprefix(DIVIDED), content, row["channel"], thread_id)

    def _read(self, kind: str, content: bytes, channel: str | None, thread_id: str) -> Any:
        try:
            return self.serde.loads_typed(decompressed(kind, content))
        except UnreadableValueError as error:
            what = "checkpoint" if channel is None else f"channel {channel!r}"
            raise UnreadableValueError(f"thread {thread_id!r}, {what}: {error}") from None

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what each channel was at the nearest ancestor that has it, and its writes since.

        One round trip, however long the history is.
        """
        wanted = valid.texts(channels, "channels")
        if not wanted:
            return {}
        place = _place(config)
        async with self._database.read() as connection:
            rows = await _all(
                self._queries.get_channel_history(
                    connection,
                    thread_id=place.thread_id,
                    checkpoint_ns=place.checkpoint_ns,
                    checkpoint_id=place.checkpoint_id,
                    channels=list(dict.fromkeys(wanted)),
                )
            )
        parents = {
            row["checkpoint_id"]: row["parent_checkpoint_id"]
            for row in rows
            if row["kind"] == "checkpoint"
        }
        values = {
            (row["checkpoint_id"], row["channel"]): row
            for row in rows
            if row["kind"] in ("value", "within")
        }
        writes: dict[tuple[str, str | None], list[GetChannelHistoryRow]] = {}
        for row in rows:
            if row["kind"] == "write":
                writes.setdefault((row["checkpoint_id"], row["channel"]), []).append(row)
        # The checkpoint itself is the one that is nobody's parent.
        ancestors = list(_walk(parents, next(iter(parents.keys() - set(parents.values())), None)))
        return {
            channel: self._history(place.thread_id, channel, ancestors, values, writes)
            for channel in wanted
        }

    def _history(
        self,
        thread_id: str,
        channel: str,
        ancestors: Sequence[str],
        values: Mapping[tuple[str, str | None], GetChannelHistoryRow],
        writes: Mapping[tuple[str, str | None], list[GetChannelHistoryRow]],
    ) -> DeltaChannelHistory:
        newest_first: list[PendingWrite] = []
        for ancestor in ancestors:
            stored = _ordered(writes.get((ancestor, channel), []))
            found = [self._write(row, thread_id) for row in stored]
            newest_first += reversed(found)
            seed = values.get((ancestor, channel))
            if seed is not None:
                return {"writes": newest_first[::-1], "seed": self._seed(seed, channel, thread_id)}
        return {"writes": newest_first[::-1]}

    def _seed(self, row: GetChannelHistoryRow, channel: str, thread_id: str) -> Any:
        found = self._loaded(row, thread_id)
        return self._values_within(found, thread_id)[channel] if row["kind"] == "within" else found

    # Removing and copying

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self._delete_threads([_text(thread_id, "thread_id")])

    async def _delete_threads(self, thread_ids: list[str]) -> None:
        async with self._database.transaction() as connection:
            await _all(self._queries.lock_threads(connection, thread_ids=thread_ids))
            await self._queries.delete_checkpoints(connection, thread_ids=thread_ids)
            await self._queries.delete_writes(connection, thread_ids=thread_ids)
            await self._queries.delete_values(connection, thread_ids=thread_ids)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that some runs made, with their writes, in all threads."""
        runs = _ids(run_ids, "run_ids")
        if not runs:
            return
        async with self._database.transaction() as connection:
            rows = await _all(self._queries.list_threads_of_runs(connection, run_ids=runs))
            threads = [row["thread_id"] for row in rows]
            if not threads:
                return
            await _all(self._queries.lock_threads(connection, thread_ids=threads))
            await self._queries.delete_writes_of_runs(connection, run_ids=runs)
            await self._queries.delete_checkpoints_of_runs(connection, run_ids=runs)
            await self._queries.delete_unused_values(connection, thread_ids=threads)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to one that has none."""
        source = _text(source_thread_id, "source_thread_id")
        target = _text(target_thread_id, "target_thread_id")
        if source == target:
            raise InvalidInputError("target_thread_id", "is the source itself")
        async with self._database.transaction() as connection:
            await _all(self._queries.lock_threads(connection, thread_ids=[source, target]))
            if await self._queries.has_rows(connection, thread_id=target):
                raise InvalidInputError("target_thread_id", f"thread {target!r} is not empty")
            await self._queries.copy_values(connection, source_id=source, target_id=target)
            await self._queries.copy_checkpoints(connection, source_id=source, target_id=target)
            await self._queries.copy_writes(connection, source_id=source, target_id=target)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete the older checkpoints of some threads, or (``strategy="delete"``) all of them.

        ``keep_latest`` leaves the latest checkpoint of each namespace, its writes, and the
        ancestors that its delta channels are rebuilt from. Checkpoints that are stored meanwhile
        stay.
        """
        valid.choice(strategy, "strategy", STRATEGIES)
        wanted = _ids(thread_ids, "thread_ids")
        for start in range(0, len(wanted), PRUNE_BATCH):
            batch = wanted[start : start + PRUNE_BATCH]
            if strategy == "delete":
                await self._delete_threads(batch)
            else:
                await self._keep_latest(batch)

    async def afind_expired_threads(
        self, older_than: timedelta, *, limit: int = DEFAULT_EXPIRED
    ) -> list[str]:
        """Return at most ``limit`` threads that were not written to for ``older_than``."""
        age, most = _age(older_than), valid.integer(limit, "limit", 1)
        found: list[str] = []
        async for page in self._expired(age, found):
            found += page
            if len(found) >= most:
                break
        return found[:most]

    async def adelete_expired_threads(
        self, older_than: timedelta, *, limit: int = DEFAULT_EXPIRED
    ) -> DeletedThreads:
        """Delete at most ``limit`` threads that were not written to for ``older_than``.

        A thread goes with all that it has, or it stays: one that gets a checkpoint or a write
        meanwhile is kept. Fifty threads at a time are deleted in a transaction of their own. Writes
        from before their time was recorded count as old as the thread's checkpoints; a thread that
        has no checkpoint is not found.
        """
        age, most = _age(older_than), valid.integer(limit, "limit", 1)
        total = DeletedThreads()
        async for page in self._expired(age, []):
            for start in range(0, len(page), PRUNE_BATCH):
                batch = page[start : start + PRUNE_BATCH][: most - total.threads]
                if batch:
                    total += await self._delete_expired(batch, age)
            if total.threads >= most:
                break
        return total

    async def _expired(self, age_seconds: float, known: list[str]) -> AsyncIterator[list[str]]:
        """Yield the ids of expired threads, in pages, but for those that are ``known`` by then."""
        after: tuple[datetime, str] | None = (BEFORE_ALL, "")
        while after is not None:
            async with self._database.read() as connection:
                rows = await _all(
                    self._queries.find_expired_threads(
                        connection,
                        after_time=after[0],
                        after_thread=after[1],
                        age_seconds=age_seconds,
                        looked_at=EXPIRY_PAGE,
                        known=known,
                    )
                )
            after = (rows[-1]["created_at"], rows[-1]["thread_id"]) if rows else None
            yield [row["thread_id"] for row in rows if row["is_expired"]]

    async def _delete_expired(self, thread_ids: list[str], age_seconds: float) -> DeletedThreads:
        async with self._database.transaction() as connection:
            await _all(self._queries.lock_threads(connection, thread_ids=thread_ids))
            # Some may have been written to since they were found.
            rows = await _all(
                self._queries.list_expired(
                    connection, thread_ids=thread_ids, age_seconds=age_seconds
                )
            )
            expired = [row["thread_id"] for row in rows]
            if not expired:
                return DeletedThreads()
            return DeletedThreads(
                threads=len(expired),
                checkpoints=await self._queries.delete_checkpoints(connection, thread_ids=expired),
                writes=await self._queries.delete_expired_writes(
                    connection, thread_ids=expired, age_seconds=age_seconds
                ),
                values=await self._queries.delete_values(connection, thread_ids=expired),
            )

    async def _keep_latest(self, thread_ids: list[str]) -> None:
        async with self._database.transaction() as connection:
            await _all(self._queries.lock_threads(connection, thread_ids=thread_ids))
            latest = await _all(self._queries.list_latest(connection, thread_ids=thread_ids))
            if not latest:
                return
            places: list[DeleteOlderCheckpointsParameters] = [
                {
                    "thread_id": row["thread_id"],
                    "checkpoint_ns": row["checkpoint_ns"],
                    "latest_id": row["checkpoint_id"],
                    "kept_ids": await self._needed_ancestors(connection, row),
                }
                for row in latest
            ]
            await self._queries.delete_older_checkpoints(connection, places)
            await self._queries.delete_older_writes(connection, places)
            await self._queries.delete_unused_values(connection, thread_ids=thread_ids)

    async def _needed_ancestors(self, connection: Connection, latest: ListLatestRow) -> list[str]:
        """Return the ancestors that the delta channels of a checkpoint are rebuilt from."""
        channels = list(_delta_channels(latest["metadata"]))
        if not channels:
            return []
        rows = await _all(
            self._queries.list_ancestors(
                connection,
                thread_id=latest["thread_id"],
                checkpoint_ns=latest["checkpoint_ns"],
                checkpoint_id=latest["checkpoint_id"],
                channels=channels,
            )
        )
        return [row["checkpoint_id"] for row in rows]

    # The same outside event loops

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return wait_for(work, self._database, self._home)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what :meth:`aput` does, outside an event loop."""
        return self._wait_for(self.aput(config, checkpoint, metadata, new_versions))

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Do what :meth:`aput_writes` does, outside an event loop."""
        self._wait_for(self.aput_writes(config, writes, task_id, task_path))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what :meth:`aget_tuple` does, outside an event loop."""
        return self._wait_for(self.aget_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Do what :meth:`alist` does, outside an event loop."""
        found = self.alist(config, filter=filter, before=before, limit=limit)

        async def following() -> CheckpointTuple | None:
            return await anext(found, None)

        while (one := self._wait_for(following())) is not None:
            yield one

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do what :meth:`aget_delta_channel_history` does, outside an event loop."""
        return self._wait_for(self.aget_delta_channel_history(config=config, channels=channels))

    def delete_thread(self, thread_id: str) -> None:
        """Do what :meth:`adelete_thread` does, outside an event loop."""
        self._wait_for(self.adelete_thread(thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what :meth:`adelete_for_runs` does, outside an event loop."""
        self._wait_for(self.adelete_for_runs(run_ids))

    def find_expired_threads(
        self, older_than: timedelta, *, limit: int = DEFAULT_EXPIRED
    ) -> Sequence[str]:
        """Do what :meth:`afind_expired_threads` does, outside an event loop."""
        return self._wait_for(self.afind_expired_threads(older_than, limit=limit))

    def delete_expired_threads(
        self, older_than: timedelta, *, limit: int = DEFAULT_EXPIRED
    ) -> DeletedThreads:
        """Do what :meth:`adelete_expired_threads` does, outside an event loop."""
        return self._wait_for(self.adelete_expired_threads(older_than, limit=limit))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what :meth:`acopy_thread` does, outside an event loop."""
        self._wait_for(self.acopy_thread(source_thread_id, target_thread_id))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Do what :meth:`aprune` does, outside an event loop."""
        self._wait_for(self.aprune(thread_ids, strategy=strategy))


async def _all(rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]


def _age(older_than: Any) -> float:
    if not isinstance(older_than, timedelta):
        raise InvalidInputError(
            "older_than", f"must be a timedelta, not {type(older_than).__name__}"
        )
    seconds = older_than.total_seconds()
    if not 0 < seconds <= LONGEST_AGE:
        raise InvalidInputError(
            "older_than", f"must be above 0 and at most 1000 years, not {older_than}"
        )
    return seconds


def _ids(values: Any, argument: str) -> list[str]:
    """Check a list of ids, and leave out repeats."""
    listed = valid.items(values, argument)
    return list(dict.fromkeys(_text(one, f"{argument}[{i}]") for i, one in enumerate(listed)))


def _text(value: Any, argument: str, longest: int = LONGEST_ID) -> str:
    if (
        type(value) is str
        and value.isascii()
        and len(value) <= longest
        and "\x00" not in value
        and value.strip()
    ):
        return value
    # LangGraph takes whatever can be a key of a dictionary for the id of a thread.
    if value is None or not isinstance(value, Hashable):
        raise InvalidInputError(argument, f"must be text, not {type(value).__name__}")
    text = valid.identifier(str(value), argument)
    if len(text.encode()) > longest:
        raise InvalidInputError(argument, f"is longer than {longest} bytes in UTF-8")
    return text


# The names are the same in each checkpoint of a graph.
@functools.lru_cache(maxsize=4096)
def _channel(name: str) -> str:
    return _text(name, "checkpoint.channel_values")


def _delta_channels(metadata: Mapping[str, Any]) -> Collection[str]:
    """Return the delta channels of a checkpoint."""
    # It counts for each what was written since its value was last stored.
    return metadata.get("counters_since_delta_snapshot") or ()


def _order(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["thread_id"], row["checkpoint_ns"], row["checkpoint_id"]


def _place(config: RunnableConfig) -> _Place:
    options = config.get("configurable") or {}
    if options.get("thread_id") is None:
        raise InvalidInputError("config", "its 'configurable' has no 'thread_id'")
    namespace = options.get("checkpoint_ns") or ""
    if namespace:
        namespace = _namespace(namespace)
    checkpoint_id = options.get("checkpoint_id")
    return _Place(
        _text(options["thread_id"], "thread_id"),
        namespace,
        _text(checkpoint_id, "checkpoint_id") if checkpoint_id else None,
    )


def _namespace(value: Any) -> str:
    namespace = valid.text(value, "checkpoint_ns")
    if namespace.startswith(DIGEST_PREFIX):
        raise InvalidInputError("checkpoint_ns", f"must not start with {DIGEST_PREFIX!r}")
    if len(namespace.encode()) > LONGEST_NAMESPACE:
        raise InvalidInputError(
            "checkpoint_ns", f"is longer than {LONGEST_NAMESPACE} bytes in UTF-8"
        )
    return namespace


def _before(config: RunnableConfig | None) -> str:
    checkpoint_id = (config or {}).get("configurable", {}).get("checkpoint_id")
    return _text(checkpoint_id, "before") if checkpoint_id else BEHIND_ALL


def sorted_document(value: Any) -> Any:
    """Return a document with its keys in order, so that equal ones are the same text."""
    if not value:
        return value
    if isinstance(value, dict):
        return {
            key: sorted_document(value[key]) if isinstance(value[key], _NESTED) else value[key]
            for key in sorted(value)
        }
    if isinstance(value, list | tuple):
        return [sorted_document(item) for item in value]
    return value


_NESTED = (dict, list, tuple)


def _ordered(rows: Iterable[StoredRow]) -> list[StoredRow]:
    """Return rows of writes, which have all that the order goes by, in LangGraph's order."""
    return sorted(
        rows,
        key=lambda row: writes_sort_key(
            cast(str, row["task_path"]), cast(str, row["task_id"]), cast(int, row["idx"])
        ),
    )


def _walk(parents: Mapping[str, str | None], start: str | None) -> Iterator[str]:
    """Yield the ancestors of a checkpoint, nearest first."""
    seen = {start}
    current = None if start is None else parents[start]
    while current in parents and current not in seen:
        seen.add(current)
        yield cast(str, current)
        current = parents[cast(str, current)]
