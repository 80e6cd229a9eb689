"""Units of work: the blocks of ``async with database.transaction()`` and its kind.

A unit takes a connection once; store calls inside the block find it through a context variable, so
calls of several stores share one connection, and one transaction when the block is
:meth:`Database.transaction`.

Tasks that are started inside a block (``asyncio.gather``) take part in it for as long as it is
open: their statements run on the block's connection one after the other. While a nested
transaction is open, the connection of the outer block is refused inside of it: it would wait for
the end of the block that waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from aragora_sql.database.keys import Key
from aragora_sql.database.values import check_text
from aragora_sql.errors import (
    AlreadyCommittedError,
    DatabaseError,
    DatabaseUseError,
    InvalidInputError,
)

if TYPE_CHECKING:
    from aragora_sql.database.base import Connection, Database

__all__ = [
    "FRESH",
    "Kind",
    "Turns",
    "UnitOfWork",
    "check_tenant",
    "is_within_a_unit",
    "refuse_within_a_unit",
]

Kind = Literal["read", "write", "transaction"]
# Stands where a read names the position that it has to see at least: the primary's.
FRESH = "fresh"

_IS_OVER = "the unit of work that this connection was taken for is over"
_IS_NESTING = (
    "this connection is that of an outer block, and a transaction() inside of it is open: until "
    "that is over use the connection that it gives (async with database.transaction() as inner), "
    "or let stores and database.connection() find it by themselves"
)
_HAS_FAILED = (
    "a statement of this transaction failed, so nothing of it is kept; to catch an error and go "
    "on, put what may fail in a transaction() of its own"
)


class Turns(asyncio.Lock):
    """Gives the tasks of a unit of work its connection one after the other, until it is finished.

    The statement of a transaction that fails is its last: PostgreSQL refuses all others and keeps
    nothing, SQLite may have ended the transaction already.
    """

    # As asyncio has it, since Python 3.4.
    _locked: bool

    def __init__(self) -> None:
        super().__init__()
        # The connection of the nested transaction that is open.
        self.nested: Connection | None = None
        self.in_transaction = False
        self.has_failed = False
        self.is_over = False

    def check(self) -> None:
        """Raise when no statement may run any more."""
        if self.is_over:
            raise DatabaseError(_IS_OVER)
        if self.has_failed:
            raise DatabaseError(_HAS_FAILED)

    async def __aenter__(self) -> None:
        # Every statement comes this way. The lock of asyncio is taken and given back by three
        # calls; where nobody has it and nobody waits for it, one step of each does the same.
        if self._locked or self._waiters:
            if self.nested is not None and _is_within(self.nested):
                # It would wait for the end of the block that waits for it.
                raise DatabaseUseError(_IS_NESTING)
            await self.acquire()
        else:
            self._locked = True
        if self.is_over or self.has_failed:
            self.release()
            self.check()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and self.in_transaction:
            self.has_failed = True
        if self._waiters:
            self.release()
        else:
            self._locked = False


class _Unit:
    """An open unit of work, as the context variable holds it."""

    __slots__ = ("connection", "is_open", "kind", "outer", "tenant")

    def __init__(
        self, connection: Connection, kind: Kind, outer: _Unit | None, tenant: str | None
    ) -> None:
        self.connection = connection
        self.kind = kind
        self.outer = outer
        self.tenant = tenant
        self.is_open = True


_units: ContextVar[Mapping[object, _Unit]] = ContextVar("aragora_sql_units")
_NO_UNITS: Mapping[object, _Unit] = {}


def is_within_a_unit(key: object) -> bool:
    """Tell whether the caller is in an open unit of work of the database of this key."""
    unit = _units.get(_NO_UNITS).get(key)
    while unit is not None:
        if unit.is_open:
            return True
        unit = unit.outer
    return False


def _is_within(connection: Connection) -> bool:
    """Tell whether the caller is in the open unit of work that this connection is of."""
    for innermost in _units.get(_NO_UNITS).values():
        unit: _Unit | None = innermost
        while unit is not None:
            if unit.connection is connection and unit.is_open:
                return True
            unit = unit.outer
    return False


def check_tenant(tenant: object) -> str:
    """Check the tenant of a unit of work: text that is not empty."""
    if not isinstance(tenant, str):
        raise InvalidInputError("tenant", f"must be text, not {type(tenant).__name__}")
    check_text(tenant, "tenant")
    if not tenant.strip():
        raise InvalidInputError("tenant", "must not be empty")
    return tenant


def refuse_within_a_unit(key: object) -> None:
    """Raise where closing the database of this key would wait for the caller itself."""
    if is_within_a_unit(key):
        raise DatabaseError("close() was called inside a unit of work of this database")


class UnitOfWork:
    """The block of ``async with database.transaction()`` and its kind. Made for one use."""

    __slots__ = (
        "_at_least",
        "_database",
        "_is_finished",
        "_joined",
        "_key",
        "_kind",
        "_outer",
        "_tenant",
        "_token",
        "_unit",
    )

    def __init__(
        self,
        database: Database,
        kind: Kind,
        tenant: str | None = None,
        key: Key | None = None,
        *,
        at_least: str | None = None,
    ) -> None:
        self._at_least = at_least
        self._database = database
        self._kind = kind
        self._key = key
        self._tenant = tenant
        self._is_finished = False
        self._joined = False
        self._outer: Connection | None = None
        self._unit: _Unit | None = None
        self._token: Token[Mapping[object, _Unit]] | None = None

    async def __aenter__(self) -> Connection:
        database, kind = self._database, self._kind
        database._owner.claim(database)
        units = _units.get(_NO_UNITS)
        key = database._unit_key()
        current = units.get(key)
        while current is not None and not current.is_open:
            current = current.outer
        if (
            current is not None
            and database._serves(current.kind, kind)
            and current.connection._may_serve(kind, self._at_least)
        ):
            if self._tenant not in (None, current.tenant):
                # What is set for a nested transaction would stay for the rest of the outer one.
                raise InvalidInputError(
                    "tenant", "must be given to the outermost unit of work, which is of another"
                )
            self._tenant = None
            if kind != "transaction":
                self._joined = True
                return current.connection
            if self._key is not None and current.connection.in_transaction:
                self._key.refuse_nesting()
            # Statements of other tasks wait until the nested transaction is over.
            await current.connection.lock.acquire()
            self._outer = current.connection
            connection = current.connection._fork()
            self._outer.lock.nested = connection
        else:
            connection = await database._acquire(kind, self._at_least)
        if kind == "transaction":
            try:
                if self._outer is not None:
                    self._outer.lock.check()
                await connection._begin()
                if self._tenant is not None:
                    await self._set_tenant(connection, self._tenant)
                if self._key is not None:
                    await self._take(connection, self._key)
            except BaseException:
                await self._leave(connection)
                raise
            connection.lock.in_transaction = True
        tenant = self._tenant if self._outer is None else getattr(current, "tenant", None)
        self._unit = _Unit(connection, kind, current, tenant)
        self._token = _units.set({**units, key: self._unit})
        return connection

    async def _set_tenant(self, connection: Connection, tenant: str) -> None:
        try:
            await connection._set_tenant(tenant)
        except BaseException:
            await connection._rollback()
            raise

    async def _take(self, connection: Connection, key: Key) -> None:
        try:
            await key.take(connection, self._database.dialect)
        except AlreadyCommittedError:
            # It may be on this server alone, where an earlier commit did not wait to the end.
            await connection._commit()
            self._is_finished = True
            raise
        except BaseException as error:
            await self._finish(connection, error)
            raise

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._joined:
            return
        unit, token = self._unit, self._token
        if unit is None or token is None:
            raise RuntimeError("a unit of work was left without having been entered")
        unit.is_open = False
        # When set-up and tear-down ran in two contexts (a fixture), this one never saw the unit.
        try:  # noqa: SIM105 - suppress() is four calls, and every unit of work comes this way
            _units.reset(token)
        except ValueError:
            pass
        connection = unit.connection
        # Statements that other tasks have not begun yet are refused from here on.
        connection.lock.is_over = True
        try:
            # A task that was started inside may still be in the middle of one.
            if self._kind == "transaction" or connection.lock.locked():
                await connection.lock.acquire()
                try:
                    if self._kind == "transaction":
                        await self._finish(connection, error)
                finally:
                    connection.lock.release()
        finally:
            await self._leave(connection)

    async def _finish(self, connection: Connection, error: BaseException | None) -> None:
        kept = error is None and not connection.lock.has_failed
        try:
            await (connection._commit() if kept else connection._rollback())
        except Exception as failure:
            if error is None:
                raise
            # The connection is gone, and the transaction with it: the first error says why.
            error.add_note(f"the rollback failed too: {failure}")
            return
        self._is_finished = True
        if error is None and not kept:
            raise DatabaseError(_HAS_FAILED)

    async def _leave(self, connection: Connection) -> None:
        if self._outer is not None:
            if not self._is_finished:
                # Stopped while it began or ended: the state of the outer transaction is not known.
                self._outer.lock.has_failed = True
            self._outer.lock.nested = None
            self._outer.lock.release()
        else:
            await self._database._release(connection)
