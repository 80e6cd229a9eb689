"""asyncpg's errors as this package's exceptions: of statements, and of connecting."""

from __future__ import annotations

import re

import asyncpg

from aragora_sql.database.sqlstates import error_of_sqlstate
from aragora_sql.errors import (
    AragoraSQLError,
    CommitOutcomeUnknownError,
    ConfigurationError,
    ConflictError,
    ConnectionLostError,
    DatabaseError,
    DatabaseUnavailableError,
    InvalidInputError,
    StatementOutcomeUnknownError,
    StatementTimeoutError,
    UnreadableValueError,
)

__all__ = ["cannot_connect", "may_write", "not_replicated", "reason", "translate"]

_WRITES = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|CREATE|ALTER|DROP|GRANT|REVOKE|CALL|DO|"
    r"REFRESH|REINDEX|nextval|setval)\b",
    re.IGNORECASE,
)
# Errors of the server that are about what the DSN says: an option that it does not know, or a
# value that it refuses.
_WRONG_OPTION = ("42704", "55P02", "22023", "42602", "0A000")
_OPTION_OF_A_POOLER = "unsupported startup parameter"


def may_write(sql: str) -> bool:
    """Tell whether a statement may change something; only asked after it has failed."""
    return _WRITES.search(sql) is not None


def translate(error: Exception, name: str, *, commits: bool = False) -> AragoraSQLError:
    """Return this package's exception for one of asyncpg's; ``name`` is the query.

    ``commits`` says that the statement is a COMMIT, or one that commits by itself: when its answer
    does not come, its outcome is not known. What the server quotes of rows is taken out of
    asyncpg's exception, because a traceback prints it.
    """
    if isinstance(error, AragoraSQLError):
        return error
    if isinstance(error, asyncpg.DataError) and error.severity is None:
        return _of_encoding(error, name)
    if isinstance(error, TimeoutError):
        if not commits:
            return StatementTimeoutError(f"{name}: ran longer than the statement timeout")
        if name == "COMMIT":
            return CommitOutcomeUnknownError(
                f"{name}: no answer within the statement timeout; whether it took effect is not "
                "known (it does when a synchronous standby is all that is missing); "
                "retrying() with a key finds out"
            )
        return StatementOutcomeUnknownError(
            f"{name}: ran longer than the statement timeout; it was told to stop, and may have "
            "committed before"
        )
    ours = _of_driver(error, name)
    if commits and isinstance(ours, ConnectionLostError):
        return CommitOutcomeUnknownError(
            f"{ours}; whether it took effect is not known (retrying() with a key finds out)"
        )
    return ours


def not_replicated(name: str) -> CommitOutcomeUnknownError:
    """Return the exception for a commit that the server has stopped to wait with."""
    return CommitOutcomeUnknownError(
        f"{name}: the server no longer waits for its synchronous standby; it took effect there, "
        "and whether a failover undoes it is not known"
    )


def _of_driver(error: Exception, name: str) -> AragoraSQLError:
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return ConflictError(f"{name}: {error.args[0]}: run it again")
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
    if isinstance(error, OSError):
        return ConnectionLostError(f"{name}: {reason(error)}")
    if isinstance(error, ValueError | ArithmeticError | RecursionError):
        return UnreadableValueError(f"{name}: a stored value can't be read: {reason(error)}")
    return DatabaseError(f"{name}: {type(error).__name__}: {error}")


def _of_server(error: asyncpg.PostgresError, name: str) -> AragoraSQLError:
    """Return the exception for an error that the server reported."""
    # The detail, which str(error) would add, shows rows.
    message = str(error.args[0]) if error.args else type(error).__name__
    state = error.sqlstate or ""
    ours = error_of_sqlstate(state, message, name, error.detail)
    error.detail = error.context = error.internal_query = error.hint = None
    if state.startswith("22"):
        error.args = (message.partition(': "')[0],)
    return ours


def _of_encoding(error: asyncpg.DataError, name: str) -> AragoraSQLError:
    """Return the exception for an argument that asyncpg could not encode."""
    if isinstance(error.__cause__, InvalidInputError):
        return error.__cause__
    problem = _without_value(error)
    error.args = (problem,)
    error.__cause__ = error.__context__ = None
    return InvalidInputError(name, problem)


def _without_value(error: asyncpg.DataError) -> str:
    # "invalid input for query argument $3: 'the value' (what was expected)"
    text = str(error)
    position = text.partition(":")[0]
    _, bracket, expectation = text.rpartition("(")
    return f"{position} ({expectation}" if bracket else position


def reason(error: BaseException) -> str:
    """Return what an error says, or its type when it says nothing."""
    if isinstance(error, asyncpg.PostgresError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def cannot_connect(error: Exception, where: str) -> AragoraSQLError:
    """Return the exception for a connection that could not be opened.

    ``where`` is the DSN as it may be shown, or "" where it is not known.
    """
    if isinstance(error, AragoraSQLError):
        return error
    text = reason(error)
    if isinstance(error, asyncpg.PostgresError):
        if (error.sqlstate or "").startswith(_WRONG_OPTION) or _OPTION_OF_A_POOLER in text:
            return ConfigurationError(f"{where or 'the DSN'}: the server refuses an option: {text}")
    elif isinstance(error, ValueError | TypeError | LookupError):
        # asyncpg.ClientConfigurationError is a ValueError.
        return ConfigurationError(f"{where or 'the DSN'}: {text}")
    elif isinstance(error, TimeoutError):
        text = "no answer within the connect timeout"
    elif isinstance(error, asyncpg.exceptions.TargetServerAttributeNotMatched):
        text = f"none of the hosts is of the wanted kind (target_session_attrs): {text}"
    target = f"cannot connect to {where}" if where else "cannot connect"
    return DatabaseUnavailableError(f"{target}: {text}")
