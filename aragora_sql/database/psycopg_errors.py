"""psycopg's errors as this package's exceptions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from aragora_sql.database.sqlstates import error_of_sqlstate
from aragora_sql.errors import AragoraSQLError, ConnectionLostError, DatabaseError

__all__ = ["driver_errors", "translate"]


@contextlib.contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn psycopg's exceptions into ours; values of rows do not get into the message."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, doing) from error


def translate(error: psycopg.Error, doing: str) -> AragoraSQLError:
    """Return this package's exception for one of psycopg's; ``doing`` says what failed."""
    message = error.diag.message_primary or " ".join(str(error).split())
    if error.sqlstate is not None:
        return error_of_sqlstate(error.sqlstate, message, doing)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ConnectionLostError(f"{doing}: {message} (the connection to PostgreSQL is lost)")
    return DatabaseError(f"{doing}: {message}")
