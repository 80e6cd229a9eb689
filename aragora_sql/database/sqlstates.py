"""PostgreSQL's error codes as this package's exceptions, whichever driver reports them."""

from __future__ import annotations

import re

from aragora_sql.errors import (
    AragoraSQLError,
    CheckViolationError,
    CommitOutcomeUnknownError,
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
    ReadOnlyDatabaseError,
    StatementTimeoutError,
    UnsupportedStatementError,
)

__all__ = ["error_of_sqlstate", "shown_key"]

_BY_STATE: dict[str, type[DatabaseError]] = {
    "0A000": UnsupportedStatementError,
    "08007": CommitOutcomeUnknownError,
    "23505": DuplicateKeyError,
    "23P01": DuplicateKeyError,
    "23503": MissingParentError,
    "23514": CheckViolationError,
    "23502": NotNullViolationError,
    "25006": ReadOnlyDatabaseError,
    "25P03": ConnectionLostError,
    "25P04": ConnectionLostError,
    "40003": CommitOutcomeUnknownError,
    "55P03": LockTimeoutError,
    "57014": StatementTimeoutError,
    "57P01": ConnectionLostError,
    "57P02": ConnectionLostError,
    "57P03": DatabaseUnavailableError,
    "57P05": ConnectionLostError,
    "72000": ConflictError,
}
_BY_CLASS: dict[str, type[DatabaseError]] = {
    "08": ConnectionLostError,
    "23": IntegrityError,
    "40": ConflictError,
}
_POOLER = (
    "several clients share one session of the server, as behind a transaction pooler: add "
    "?pgbouncer=true to the DSN"
)
# What the server's own message does not say.
_HINTS = {
    "25006": "a standby, or set to read-only; connections are renewed: run it again",
    "26000": _POOLER,
    "42P01": "was the store initialized?",
    "42P05": _POOLER,
    "42501": "the user of the DSN lacks this right",
    "53100": "the server's disk is full",
}
# The only details that are about keys, and not about a row: of duplicates and missing parents.
_KEY = re.compile(r"Key \((?P<columns>.+?)\)=\((?P<values>.*)\) (?P<what>[^)]*)", re.DOTALL)
_LONGEST_KEY = 200
# A name of a column whose value must not be shown.
_SECRET = re.compile(
    r"secret|passw|passphrase|token|credential|api_?key|private|authorization|digest|hash",
    re.IGNORECASE,
)


def error_of_sqlstate(
    state: str, message: str, name: str, detail: str | None = None
) -> AragoraSQLError:
    """Return the exception for an error of the server.

    ``message`` is the server's primary message; ``detail``, of which only a key gets into ours, is
    the server's; ``name`` is the query, or what was being done.
    """
    if state.startswith("22"):
        # invalid input syntax for type uuid: "the value"
        return InvalidInputError(name, message.partition(': "')[0])
    if state == "0A000" and message.startswith("cached"):
        # "cached plan must not change result type": somebody has changed the schema.
        return ConflictError(f"{name}: {message} (the schema was changed: run it again)")
    if state in {"23503", "23505"} and detail:
        key = _KEY.match(detail)
        if key is not None:
            shown = shown_key(key["columns"], key["values"])
            message += f": {shown} {key['what'].rstrip('.')}"
    hint = f" ({_HINTS[state]})" if state in _HINTS else ""
    kind = _BY_STATE.get(state) or _BY_CLASS.get(state[:2], DatabaseError)
    return kind(f"{name}: {message}{hint}")


def shown_key(columns: str, values: str) -> str:
    """Return a key for a message: cut when it is long, hidden when it may be a secret."""
    if _SECRET.search(columns):
        values = "***"
    elif len(values) > _LONGEST_KEY:
        values = f"{values[:_LONGEST_KEY]}… ({len(values)} characters)"
    return f"key ({columns})=({values})"
