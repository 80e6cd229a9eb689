"""Where metrics and tracing look on: at each unit of work and each statement of the process.

Nothing of this runs until :func:`observe` is called: then databases make units of work of another
class, whose connections are of another class too. So switched off it costs nothing, not even a
question whether it is switched on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, TypeAlias

from aragora_sql.database.base import Connection, Database, Row
from aragora_sql.database.statement import Statement
from aragora_sql.database.units_of_work import Kind, UnitOfWork

__all__ = ["Ended", "Observer", "begin_job", "current_trace", "observe", "stop_observing"]

# Is called at the end of what was begun, with the error that ended it.
Ended: TypeAlias = Callable[[BaseException | None], None]


@dataclass(frozen=True, eq=False, slots=True)
class Observer:
    """What somebody wants to be told of; each function begins something, and returns what ends it.

    ``statement`` is given the database, the statement and how many sets of arguments it has, and
    runs beside the call of a query. ``unit`` is given the database and the kind of a unit of work.
    ``job`` is given a job whose handler begins, in the context of the handler. None of them may
    raise. ``current_trace`` returns the W3C ``traceparent`` that an enqueued job should carry.
    """

    statement: Callable[[Database, Statement, int], Ended] | None = None
    unit: Callable[[Database, Kind], Ended] | None = None
    job: Callable[[Any], Ended] | None = None
    current_trace: Callable[[], str | None] | None = None


class _Looking:
    """Those that look on now, and what they want to be told of."""

    def __init__(self) -> None:
        self.set(())

    def set(self, observers: tuple[Observer, ...]) -> None:
        self.observers = observers
        self.statements = [one.statement for one in observers if one.statement is not None]
        self.units = [one.unit for one in observers if one.unit is not None]
        self.jobs = [one.job for one in observers if one.job is not None]
        self.traces = [one.current_trace for one in observers if one.current_trace is not None]
        Database.unit_class = ObservedUnit if observers else UnitOfWork


def begin_job(job: Any) -> Ended | None:
    """Tell observers of a job whose handler begins; return what ends it, None without any."""
    return _begin(_looking.jobs, job) if _looking.jobs else None


def current_trace() -> str | None:
    """Return the W3C ``traceparent`` that a job should carry which is enqueued now."""
    return _looking.traces[0]() if _looking.traces else None


def observe(observer: Observer) -> None:
    """Tell an observer of what begins from here on, in all databases of the process."""
    if observer not in _looking.observers:
        _looking.set((*_looking.observers, observer))


def stop_observing(observer: Observer) -> None:
    """Tell it no more. Twice is harmless."""
    _looking.set(tuple(one for one in _looking.observers if one is not observer))


def _begin(functions: Sequence[Callable[..., Ended]], *arguments: Any) -> Ended:
    """Begin something for several observers; return what ends it for all of them."""
    if len(functions) == 1:
        return functions[0](*arguments)
    ended = [function(*arguments) for function in functions]

    def end(error: BaseException | None) -> None:
        for one in reversed(ended):
            one(error)

    return end


def _ignored(error: BaseException | None) -> None:
    """End what nobody wants to be told of."""


class ObservedUnit(UnitOfWork):
    """A unit of work that observers are told of."""

    __slots__ = ("_ended",)

    async def __aenter__(self) -> Connection:
        units = _looking.units
        ended = _begin(units, self._database, self._kind) if units else _ignored
        try:
            connection = await super().__aenter__()
        except BaseException as error:
            ended(error)
            raise
        self._ended = ended
        if not isinstance(connection, ObservedConnection):
            connection.__class__ = _observed(type(connection))
            connection.database = self._database
        return connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(exc_type, error, traceback)
        except BaseException as failure:
            self._ended(failure)
            raise
        self._ended(error)


class _Told:
    """A block that observers are told of."""

    __slots__ = ("_ended",)

    def __init__(self, ended: Ended) -> None:
        self._ended = ended

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended(error)


@cache
def _observed(base: type[Connection]) -> type[Connection]:
    """Return a class of connections whose statements observers are told of."""
    return type(f"Observed{base.__name__}", (ObservedConnection, base), {"__slots__": ()})


class ObservedConnection(Connection):
    """What such a class does around the methods of its other base."""

    __slots__ = ()

    def _told(self, statement: Statement, sets: int = 1) -> _Told:
        told = _looking.statements
        return _Told(_begin(told, self.database, statement, sets) if told else _ignored)

    async def fetch_all(self, statement: Statement, arguments: Any) -> list[Row]:
        """Run a statement and return all its rows."""
        with self._told(statement):
            return await super().fetch_all(statement, arguments)  # type: ignore[safe-super]

    # fetch_value() is one call of this in both engines.
    async def fetch_one(self, statement: Statement, arguments: Any) -> Row | None:
        """Run a statement and return its first row, or None."""
        with self._told(statement):
            return await super().fetch_one(statement, arguments)  # type: ignore[safe-super]

    async def execute(self, statement: Statement, arguments: Any) -> int:
        """Run a statement and return the number of rows that it changed."""
        with self._told(statement):
            return await super().execute(statement, arguments)  # type: ignore[safe-super]

    async def execute_many(self, statement: Statement, arguments: Sequence[Any]) -> int:
        """Run a statement for each set of arguments; return the number of rows changed in all."""
        with self._told(statement, len(arguments)):
            return await super().execute_many(statement, arguments)  # type: ignore[safe-super]

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        """Run several statements without parameters, told of as one."""
        with self._told(Statement(name, sql)):
            await super().run_script(name, sql, unlimited=unlimited)  # type: ignore[safe-super]

    async def execute_together(self, calls: Sequence[tuple[Statement, Sequence[Any]]]) -> list[int]:
        """Run several statements one after the other, so that each has a time of its own."""
        return [await self.execute_many(statement, arguments) for statement, arguments in calls]


_looking = _Looking()
