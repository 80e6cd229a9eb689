"""asyncpg's errors as this package's exceptions."""

from __future__ import annotations

import ssl

import asyncpg

from aragora_sql.database.sqlstates import error_of_sqlstate
from aragora_sql.errors import (
    AragoraSQLError,
    ConnectionLostError,
    DatabaseError,
    InvalidInputError,
    StatementTimeoutError,
)

__all__ = ["UNREACHABLE", "reason", "translate"]

UNREACHABLE = (
    OSError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalServerError,
    asyncpg.ConnectionFailureError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.ProtocolViolationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,
)


def translate(error: Exception, name: str) -> Exception:
    """Return this package's exception for one of asyncpg's; ``name`` is the query."""
    if isinstance(error, asyncpg.DataError) and error.severity is None:
        # It is not the server's: asyncpg could not encode an argument.
        if isinstance(error.__cause__, InvalidInputError):
            return error.__cause__
        return InvalidInputError(name, _without_value(error))
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error, name)
    if isinstance(error, asyncpg.InterfaceError) and (
        "clos" in str(error) or "released" in str(error)
    ):
        return ConnectionLostError(f"{name}: {error}")
    if isinstance(error, asyncpg.InternalClientError):
        # What asyncpg says when the server ended the connection in the middle of something.
        return ConnectionLostError(f"{name}: {error}")
    if isinstance(error, asyncpg.InterfaceError):
        return DatabaseError(f"{name}: {error}")
    if isinstance(error, TimeoutError):
        return StatementTimeoutError(f"{name}: ran longer than the statement timeout")
    if isinstance(error, OSError):
        return ConnectionLostError(f"{name}: {reason(error)}")
    return DatabaseError(f"{name}: {type(error).__name__}: {error}")


def reason(error: BaseException) -> str:
    """Return what an error says, or its type when it says nothing."""
    return str(error) or type(error).__name__


def _of_server(error: asyncpg.PostgresError, name: str) -> AragoraSQLError:
    """Return the exception for an error that the server reported."""
    # The detail, which str(error) would add, shows rows.
    message = str(error.args[0]) if error.args else type(error).__name__
    return error_of_sqlstate(error.sqlstate or "", message, name)


def _without_value(error: asyncpg.DataError) -> str:
    # "invalid input for query argument $3: 'the value' (what was expected)"
    text = str(error)
    position = text.partition(":")[0]
    _, bracket, expectation = text.rpartition("(")
    return f"{position} ({expectation}" if bracket else position
