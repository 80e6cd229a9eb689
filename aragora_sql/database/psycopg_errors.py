"""psycopg's errors as this package's exceptions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from aragora_sql.database.sqlstates import error_of_sqlstate
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    ConnectionLostError,
    DatabaseError,
    DatabaseUnavailableError,
)

__all__ = ["cannot_connect", "driver_errors", "translate"]

_WRONG_OPTION = (
    "unrecognized configuration parameter",
    "unsupported startup parameter",
    "invalid value for parameter",
    "cannot be changed",
    "invalid sslmode value",
    "invalid connection option",
    "invalid target_session_attrs value",
    "invalid channel_binding value",
    "invalid integer value",
)


@contextlib.contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn psycopg's exceptions into ours; values of rows do not get into the message."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, doing) from error


def translate(error: psycopg.Error, doing: str) -> AragoraSQLError:
    """Return this package's exception for one of psycopg's; ``doing`` says what failed.

    What the server quotes of rows is taken out of psycopg's, because a traceback prints it.
    """
    message, detail, state = error.diag.message_primary, error.diag.message_detail, error.sqlstate
    if state is not None and message is not None:
        ours = error_of_sqlstate(state, message, doing, detail)
        error.args = (message.partition(': "')[0] if state.startswith("22") else message,)
        return ours
    message = message or " ".join(str(error).split())
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ConnectionLostError(f"{doing}: {message} (the connection to PostgreSQL is lost)")
    return DatabaseError(f"{doing}: {message}")


def cannot_connect(error: psycopg.Error, where: str, password: str | None) -> AragoraSQLError:
    """Return the exception for a connection that could not be opened.

    ``where`` is the DSN as it may be shown; ``password`` is taken out of libpq's message.
    """
    text = " ".join(str(error).split())
    if password:
        text = text.replace(password, "***")
    # Without a server's answer it is libpq that refuses an option.
    if isinstance(error, psycopg.ProgrammingError) or any(sign in text for sign in _WRONG_OPTION):
        return ConfigurationError(f"{where}: {text}")
    return DatabaseUnavailableError(f"cannot connect to {where}: {text}")
