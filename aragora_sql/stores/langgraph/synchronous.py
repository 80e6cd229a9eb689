"""Synchronous use of LangGraph's stores, and the context managers that open and close them."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from aragora_sql.database import Database
from aragora_sql.database.closing import close_databases
from aragora_sql.database.ownership import Owner
from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import ConfigurationError
from aragora_sql.stores import StoreEntry, store_entry
from aragora_sql.stores import validation as valid

__all__ = ["Done", "Opening", "is_in_loop", "opening", "wait_for"]

T = TypeVar("T")

# How long the end of the process waits for connections to close, in seconds.
CLOSE_TIMEOUT = 10.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def is_in_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def wait_for(work: Coroutine[Any, Any, T], database: Database | None, home: Owner) -> T:
    """Run ``work`` in the event loop of ``database`` and wait for it in this thread.

    A database that was not used yet gets the loop of ``home`` if that runs, else one that this
    package runs in a thread of its own.
    """
    loop = home.loop if home.is_here else None
    if loop is not None and not loop.is_running():
        loop = None
    # A database that another process has used refuses every loop.
    if database is not None and database._owner.loop is not None and database._owner.is_here:
        loop = database._owner.loop
    problem = None
    if is_in_loop():
        problem = (
            "inside a running event loop, which it would block. Use the asynchronous methods "
            "(ainvoke, astream, aget …), or call from another thread (asyncio.to_thread)"
        )
    elif loop is not None and not loop.is_running():
        problem = (
            f"and the event loop that {database!r} belongs to does not run. Make the store again, "
            "and use it in one loop, or synchronously from the start (also setup())"
        )
    if problem is not None:
        work.close()
        raise ConfigurationError(f"a synchronous call of a LangGraph store {problem}")
    future = asyncio.run_coroutine_threadsafe(work, loop or _background())
    try:
        return future.result()
    except BaseException:
        # Ctrl-C ends the work, too.
        future.cancel()
        raise


def _background() -> asyncio.AbstractEventLoop:
    """Return the event loop that runs in a thread of its own, and start it at the first call."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            name = "aragora-sql synchronous"
            thread = threading.Thread(target=_loop.run_forever, name=name, daemon=True)
            thread.start()
            atexit.register(_close_background, _loop, thread, os.getpid())
        return _loop


def _close_background(
    loop: asyncio.AbstractEventLoop, thread: threading.Thread, process: int
) -> None:
    # A child process has inherited the loop, but not the thread.
    if process == os.getpid():
        asyncio.run_coroutine_threadsafe(close_databases(), loop).result(CLOSE_TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _forget_background() -> None:
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_background)


async def _open_database(kind: type, entry: StoreEntry, conn_string: str) -> Database:
    from aragora_sql.stores.binding import bound_class

    valid.identifier(conn_string, "conn_string")
    if issubclass(kind, bound_class(entry, "postgres")) or (
        conn_string.startswith(("postgresql://", "postgres://"))
        and not issubclass(kind, bound_class(entry, "sqlite"))
    ):
        from aragora_sql.database.postgres import PostgresDatabase

        return await PostgresDatabase.connect(PostgresDSN.parse(conn_string, "conn_string"))
    from aragora_sql.database.sqlite import SQLiteDatabase

    return SQLiteDatabase(conn_string)


class Done:
    """What has been done already, to be awaited or not."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class _Opened(Protocol):
    @property
    def database(self) -> Database: ...

    async def initialize(self) -> None: ...


StoreT = TypeVar("StoreT", bound=_Opened)


class Opening(
    AbstractContextManager[StoreT, None], AbstractAsyncContextManager[StoreT, None], Generic[StoreT]
):
    """Opens a store on a database of its own, for ``with`` and for ``async with``."""

    def __init__(self, open_store: Callable[[], Coroutine[Any, Any, StoreT]]) -> None:
        self._open = open_store
        self._store: StoreT | None = None

    async def __aenter__(self) -> StoreT:
        self._store = await self._open()
        return self._store

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._store is not None:
            await self._store.database.close()

    def __enter__(self) -> StoreT:
        return wait_for(self.__aenter__(), None, Owner())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._store is not None:
            wait_for(self._store.database.close(), self._store.database, Owner())


def opening(
    kind: type[StoreT], store: str, conn_string: str, make: Callable[[Database], StoreT]
) -> Opening[StoreT]:
    """Return what opens the database of a DSN, of a SQLite file or of ``:memory:`` for a store.

    ``kind`` is its class: the classes of a store that are bound to an engine open that engine only.
    ``make`` makes the store, whose tables are made too where they are in a file.
    """

    async def open_store() -> StoreT:
        database = await _open_database(kind, store_entry(store), conn_string)
        try:
            made = make(database)
            if database.is_in_process:
                await made.initialize()
        except BaseException:
            await database.close()
            raise
        return made

    return Opening(open_store)
