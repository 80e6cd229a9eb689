"""SQLite's errors as this package's exceptions."""

from __future__ import annotations

import sqlite3

from aragora_sql.errors import (
    AragoraSQLError,
    CheckViolationError,
    ConnectionLostError,
    DatabaseError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    ReadOnlyDatabaseError,
    StatementTimeoutError,
    UnreadableValueError,
)

__all__ = ["is_busy", "lone_surrogate", "translate"]

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BY_CONSTRAINT: dict[int, type[IntegrityError]] = {
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_ROWID: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: MissingParentError,
    sqlite3.SQLITE_CONSTRAINT_CHECK: CheckViolationError,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: NotNullViolationError,
}
# A value of the wrong type for a column of a STRICT table; sqlite3 has no constant for it.
_WRONG_TYPE = sqlite3.SQLITE_CONSTRAINT | (12 << 8)
_LOST_CODES = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
}


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection holds a lock that was needed."""
    return _code(error) & 0xFF in _BUSY_CODES


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)


def translate(error: sqlite3.Error, name: str) -> AragoraSQLError:
    """Return this package's exception for one of SQLite's; ``name`` is the query."""
    code = _code(error)
    # Could not decode to UTF-8 column 'x' with text 'the value'
    text, quoted, _ = str(error).partition(" with text")
    if quoted:
        error.args = (text,)
        return UnreadableValueError(f"{name}: a stored value can't be read: {text}")
    message = f"{name}: {text}"
    primary = code & 0xFF
    if code in (_WRONG_TYPE, sqlite3.SQLITE_MISMATCH):
        return InvalidInputError(name, str(error))
    if primary == sqlite3.SQLITE_CONSTRAINT:
        key = getattr(error, "broken_key", None)
        return _BY_CONSTRAINT.get(code, IntegrityError)(f"{message}: {key}" if key else message)
    if primary in _BUSY_CODES:
        return LockTimeoutError(f"{message} (another process holds the lock)")
    if primary == sqlite3.SQLITE_INTERRUPT:
        return StatementTimeoutError(f"{name}: ran longer than the statement timeout")
    if primary == sqlite3.SQLITE_READONLY:
        return ReadOnlyDatabaseError(f"{message} (the file or its folder, or this unit of work)")
    if primary in _LOST_CODES:
        return ConnectionLostError(message)
    if isinstance(error, sqlite3.InterfaceError | sqlite3.DataError) or (
        isinstance(error, sqlite3.ProgrammingError) and "binding" in str(error).lower()
    ):
        return InvalidInputError(name, str(error))
    if "no such table" in message:
        message += " (was the store initialized?)"
    return DatabaseError(message)


def lone_surrogate(name: str, error: UnicodeEncodeError) -> InvalidInputError:
    """Return the exception for text that is not Unicode; the error itself must not quote it."""
    problem = f"a lone surrogate (not a Unicode character) at position {error.start}"
    error.object, error.args = "", (error.encoding, "", 0, 1, error.reason)
    return InvalidInputError(name, problem)
