"""PostgreSQL's error codes as this package's exceptions, whichever driver reports them."""

from __future__ import annotations

from aragora_sql.errors import (
    AragoraSQLError,
    CheckViolationError,
    ConflictError,
    ConnectionLostError,
    DatabaseError,
    DatabaseUnavailableError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    StatementTimeoutError,
)

__all__ = ["error_of_sqlstate"]

_BY_STATE: dict[str, type[DatabaseError]] = {
    "23505": DuplicateKeyError,
    "23P01": DuplicateKeyError,
    "23503": MissingParentError,
    "23514": CheckViolationError,
    "23502": NotNullViolationError,
    "55P03": LockTimeoutError,
    "57014": StatementTimeoutError,
    "40001": ConflictError,
    "40P01": ConflictError,
    "57P01": ConnectionLostError,
    "57P02": ConnectionLostError,
    "57P03": DatabaseUnavailableError,
    "57P05": ConnectionLostError,
    "25P03": ConnectionLostError,
}
_BY_CLASS: dict[str, type[DatabaseError]] = {
    "08": ConnectionLostError,
    "23": IntegrityError,
}
# What the server's own message does not say.
_HINTS = {
    "42P01": "was the store initialized?",
    "42501": "the user of the DSN lacks this right",
    "53100": "the server's disk is full",
}


def error_of_sqlstate(state: str, message: str, name: str) -> AragoraSQLError:
    """Return the exception for an error of the server.

    ``message`` is the server's primary message without its detail, which shows rows; ``name`` is
    the query, or what was being done.
    """
    if state.startswith("22"):
        # invalid input syntax for type uuid: "the value"
        return InvalidInputError(name, message.partition(': "')[0])
    hint = f" ({_HINTS[state]})" if state in _HINTS else ""
    kind = _BY_STATE.get(state) or _BY_CLASS.get(state[:2], DatabaseError)
    return kind(f"{name}: {message}{hint}")
