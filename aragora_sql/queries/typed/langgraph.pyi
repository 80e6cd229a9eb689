"""The types of the queries of the store langgraph.

Made by ``aragora-sql stubs`` from
``sql/postgres/langgraph/queries.sql`` and ``sql/sqlite/langgraph/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class LockThreadsRow(TypedDict):
    """A row of lock_threads."""

    locked: bool

class InsertValuesParameters(TypedDict):
    """One set of parameters of insert_values."""

    thread_id: str
    checkpoint_ns: str
    channel: str
    version: str
    type: str
    content: bytes

class PutCheckpointParameters(TypedDict):
    """One set of parameters of put_checkpoint."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    run_id: str | None
    channel_versions: Any
    metadata: Any
    type: str
    content: bytes

class PutWithValuesParameters(TypedDict):
    """One set of parameters of put_with_values."""

    thread_id: str | None
    checkpoint_ns: str | None
    checkpoint_id: str | None
    parent_checkpoint_id: str | None
    run_id: str | None
    channel_versions: Any
    metadata: Any
    type: str | None
    content: bytes | None
    given: Any
    contents: bytes | None
    kept: Any

class UpsertWritesParameters(TypedDict):
    """One set of parameters of upsert_writes."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    task_path: str
    given: Any
    contents: bytes
    renew: bool

class GetCheckpointRow(TypedDict):
    """A row of get_checkpoint, read_checkpoints."""

    kind: str
    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str | None
    parent_checkpoint_id: str | None
    metadata: Any
    channel: str | None
    version: str | None
    task_id: str | None
    task_path: str | None
    idx: int | None
    type: str
    content: bytes

class ListNamespaceRow(TypedDict):
    """A row of list_namespace, list_thread, list_all."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str

class ListAncestorsRow(TypedDict):
    """A row of list_ancestors."""

    checkpoint_id: str

class GetChannelHistoryRow(TypedDict):
    """A row of get_channel_history."""

    kind: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    channel: str | None
    task_id: str | None
    task_path: str | None
    idx: int | None
    type: str | None
    content: bytes | None

class ListLatestRow(TypedDict):
    """A row of list_latest."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    channel_versions: Any
    metadata: Any

class DeleteOlderCheckpointsParameters(TypedDict):
    """One set of parameters of delete_older_checkpoints."""

    thread_id: str
    checkpoint_ns: str
    latest_id: str
    kept_ids: Sequence[str]

class DeleteOlderWritesParameters(TypedDict):
    """One set of parameters of delete_older_writes."""

    thread_id: str
    checkpoint_ns: str
    latest_id: str
    kept_ids: Sequence[str]

class ListThreadsOfRunsRow(TypedDict):
    """A row of list_threads_of_runs, list_expired."""

    thread_id: str

class FindExpiredThreadsRow(TypedDict):
    """A row of find_expired_threads."""

    thread_id: str
    created_at: datetime
    is_expired: bool

class StoredCheckpointsRow(TypedDict):
    """A row of stored_checkpoints."""

    checkpoint_ns: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    run_id: str | None
    channel_versions: Any
    metadata: Any
    type: str
    content: bytes

class StoredValuesRow(TypedDict):
    """A row of stored_values."""

    checkpoint_ns: str
    channel: str
    version: str
    type: str
    content: bytes

class StoredWritesRow(TypedDict):
    """A row of stored_writes."""

    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    idx: int
    task_path: str
    channel: str
    type: str
    content: bytes

class ImportCheckpointsParameters(TypedDict):
    """One set of parameters of import_checkpoints."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    run_id: str | None
    channel_versions: Any
    metadata: Any
    type: str
    content: bytes
    created_at: datetime

class ImportWritesParameters(TypedDict):
    """One set of parameters of import_writes."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    idx: int
    task_path: str
    channel: str
    type: str
    content: bytes
    created_at: datetime | None

class LanggraphQueries(Protocol):
    """The queries of the store langgraph."""

    def lock_threads(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str] | None,
    ) -> AsyncIterator[LockThreadsRow]:
        """Hold off who stores or removes rows of the threads, until the transaction ends.

        Operation (none): every row.
        """

    async def insert_values(
        self,
        connection: Connection,
        parameters: Sequence[InsertValuesParameters],
        /,
    ) -> int:
        """Store values of channels that come from elsewhere; a version that is there stays as it
        is.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def put_checkpoint(
        self,
        connection: Connection,
        parameters: Sequence[PutCheckpointParameters],
        /,
    ) -> int:
        """Store a checkpoint that has all its values in itself, or renew it. Holds off who removes
        rows of

        the thread, until the transaction ends; others that store go on.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def put_with_values(
        self,
        connection: Connection,
        parameters: Sequence[PutWithValuesParameters],
        /,
    ) -> int:
        """Do what put_checkpoint does, if all values that kept names (version by channel) are
        stored; and

        store values: given has the channel, version and type of each, and where in contents it is
        (counted from 1). A version that is there already has the same value.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def upsert_writes(
        self,
        connection: Connection,
        parameters: Sequence[UpsertWritesParameters],
        /,
    ) -> int:
        """Store what a task wrote: given has the place (idx), channel and type of each, and where
        in contents

        it is (counted from 1). What is in the same place stays, unless renew is true.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def get_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        checkpoint_ns: str,
        checkpoint_id: str | None,
    ) -> AsyncIterator[GetCheckpointRow]:
        """Return one checkpoint, or the latest when no id is given, with its values and writes.

        Operation (none): every row.
        """

    def read_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        keys: Any,
    ) -> AsyncIterator[GetCheckpointRow]:
        """Return several checkpoints with their values and writes; each value once.

        Operation (none): every row.
        """

    def list_namespace(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        checkpoint_ns: str,
        only_id: str | None,
        before_id: str,
        wanted: Any,
        row_limit: int,
    ) -> AsyncIterator[ListNamespaceRow]:
        """Return the keys of the checkpoints of a namespace before an id, newest first. All keys
        of wanted have to be in the metadata with equal values.

        Operation (none): every row.
        """

    def list_thread(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        only_id: str | None,
        after_id: str,
        after_ns: str,
        wanted: Any,
        row_limit: int,
    ) -> AsyncIterator[ListNamespaceRow]:
        """Return the keys of the checkpoints of a thread, newest first, behind the given one. All
        keys of

        wanted have to be in the metadata with equal values.

        Operation (none): every row.
        """

    def list_all(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        after_thread: str,
        after_ns: str,
        wanted: Any,
        row_limit: int,
    ) -> AsyncIterator[ListNamespaceRow]:
        """Return the keys of the checkpoints of all threads, newest first, behind the given one.
        All keys

        of wanted have to be in the metadata with equal values.

        Operation (none): every row.
        """

    def list_ancestors(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        checkpoint_ns: str,
        checkpoint_id: str | None,
        channels: Sequence[str],
    ) -> AsyncIterator[ListAncestorsRow]:
        """Return the ids of a checkpoint and of its ancestors, up to where each channel has a
        value.

        Operation (none): every row.
        """

    def get_channel_history(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        checkpoint_ns: str,
        checkpoint_id: str | None,
        channels: Sequence[str],
    ) -> AsyncIterator[GetChannelHistoryRow]:
        """Return a checkpoint and its ancestors, up to where each channel has a value, with the
        values and

        the writes of the channels; 'within' is a checkpoint that has the value in itself. Of the
        checkpoint that was asked for it has none of them.

        Operation (none): every row.
        """

    def list_latest(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str],
    ) -> AsyncIterator[ListLatestRow]:
        """Return the latest checkpoint of each namespace of some threads.

        Operation (none): every row.
        """

    async def delete_older_checkpoints(
        self,
        connection: Connection,
        parameters: Sequence[DeleteOlderCheckpointsParameters],
        /,
    ) -> int:
        """Delete the checkpoints before the latest of a namespace, except some.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_older_writes(
        self,
        connection: Connection,
        parameters: Sequence[DeleteOlderWritesParameters],
        /,
    ) -> int:
        """Delete the writes to checkpoints before the latest of a namespace, except some.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_unused_values(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str],
    ) -> int:
        """Delete the values of some threads that no checkpoint has any more.

        Operation !: the number of rows changed.
        """

    def list_threads_of_runs(
        self,
        connection: Connection,
        /,
        *,
        run_ids: Sequence[str],
    ) -> AsyncIterator[ListThreadsOfRunsRow]:
        """Return the threads that have checkpoints of some runs.

        Operation (none): every row.
        """

    async def delete_writes_of_runs(
        self,
        connection: Connection,
        /,
        *,
        run_ids: Sequence[str],
    ) -> int:
        """Delete the writes to the checkpoints of some runs.

        Operation !: the number of rows changed.
        """

    async def delete_checkpoints_of_runs(
        self,
        connection: Connection,
        /,
        *,
        run_ids: Sequence[str],
    ) -> int:
        """Delete the checkpoints of some runs.

        Operation !: the number of rows changed.
        """

    async def delete_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str],
    ) -> int:
        """Delete all checkpoints of some threads.

        Operation !: the number of rows changed.
        """

    async def delete_writes(self, connection: Connection, /, *, thread_ids: Sequence[str]) -> int:
        """Delete all writes of some threads.

        Operation !: the number of rows changed.
        """

    async def delete_values(self, connection: Connection, /, *, thread_ids: Sequence[str]) -> int:
        """Delete all channel values of some threads.

        Operation !: the number of rows changed.
        """

    def find_expired_threads(
        self,
        connection: Connection,
        /,
        *,
        after_time: datetime,
        after_thread: str,
        age_seconds: float,
        looked_at: int,
        known: Sequence[str],
    ) -> AsyncIterator[FindExpiredThreadsRow]:
        """Look at some checkpoints that are so old, the oldest first and behind the given one, and
        tell of

        each of their threads, but for those that are known, whether it was not written to since.

        Operation (none): every row.
        """

    def list_expired(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str],
        age_seconds: float,
    ) -> AsyncIterator[ListThreadsOfRunsRow]:
        """Return those of some threads that have checkpoints and were not written to for so long.

        Operation (none): every row.
        """

    async def delete_expired_writes(
        self,
        connection: Connection,
        /,
        *,
        thread_ids: Sequence[str],
        age_seconds: float,
    ) -> int:
        """Delete the writes of some threads; one that came meanwhile stays.

        Operation !: the number of rows changed.
        """

    async def has_rows(self, connection: Connection, /, *, thread_id: str) -> bool:
        """Tell whether a thread has checkpoints or writes.

        Operation $: the first value of the first row, or None.
        """

    async def copy_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        source_id: str,
        target_id: str,
    ) -> int:
        """Copy the checkpoints of a thread to another.

        Operation !: the number of rows changed.
        """

    async def copy_values(
        self,
        connection: Connection,
        /,
        *,
        source_id: str,
        target_id: str,
    ) -> int:
        """Copy the channel values of a thread to another.

        Operation !: the number of rows changed.
        """

    async def copy_writes(
        self,
        connection: Connection,
        /,
        *,
        source_id: str,
        target_id: str,
    ) -> int:
        """Copy the writes of a thread to another.

        Operation !: the number of rows changed.
        """

    def stored_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        keys: Any,
    ) -> AsyncIterator[StoredCheckpointsRow]:
        """Return those of some checkpoints of a thread that are stored.

        Operation (none): every row.
        """

    def stored_values(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        keys: Any,
    ) -> AsyncIterator[StoredValuesRow]:
        """Return those of some channel values of a thread that are stored.

        Operation (none): every row.
        """

    def stored_writes(
        self,
        connection: Connection,
        /,
        *,
        thread_id: str,
        keys: Any,
    ) -> AsyncIterator[StoredWritesRow]:
        """Return those of some writes of a thread that are stored.

        Operation (none): every row.
        """

    async def import_checkpoints(
        self,
        connection: Connection,
        parameters: Sequence[ImportCheckpointsParameters],
        /,
    ) -> int:
        """Store checkpoints that come from elsewhere; one that is there stays as it is.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def import_writes(
        self,
        connection: Connection,
        parameters: Sequence[ImportWritesParameters],
        /,
    ) -> int:
        """Store writes that come from elsewhere; one that is there stays as it is.

        Operation *!: the number of rows changed, for many sets of parameters.
        """
