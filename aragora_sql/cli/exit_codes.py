"""The exit codes: one table for all commands, so that no number means two things."""

from __future__ import annotations

from aragora_sql.errors import (
    AragoraSQLError,
    AuditEntryNotFoundError,
    ConfigurationError,
    DamagedAuditLogError,
    DatabaseUnavailableError,
    FindingNotFoundError,
    InvalidInputError,
    JobNotFoundError,
    MatchNotFoundError,
    SecretStoreUnavailableError,
)

__all__ = [
    "DIFFERENT",
    "INTERRUPTED",
    "LEFT_BEHIND",
    "MEANINGS",
    "OK",
    "PIPE_CLOSED",
    "REFUSED",
    "TERMINATED",
    "UNREACHABLE",
    "USAGE",
    "WARNED",
    "code_of",
    "summary",
]

OK, DIFFERENT, USAGE, LEFT_BEHIND, REFUSED, UNREACHABLE, WARNED = range(7)
INTERRUPTED, PIPE_CLOSED, TERMINATED = 130, 141, 143

MEANINGS = {
    OK: "done",
    DIFFERENT: "a difference was found, or what was named is not in the database",
    USAGE: "wrong arguments or configuration, or a file that is not there",
    LEFT_BEHIND: "migrate: all rows of the stores are there, and something else is left behind",
    REFUSED: "the database, or a file of SQL, refused",
    UNREACHABLE: "the database, or the store of its secrets, can't be reached",
    WARNED: "doctor: there are warnings, and no error",
    INTERRUPTED: "interrupted",
    PIPE_CLOSED: "the reader of the output closed the pipe",
    TERMINATED: "terminated",
}
"""What each exit code means, as docs/dba.md has it with examples."""


def code_of(error: AragoraSQLError) -> int:
    """Return the exit code of a command that an error ended."""
    not_there = (
        FindingNotFoundError | JobNotFoundError | MatchNotFoundError | AuditEntryNotFoundError
    )
    if isinstance(error, not_there | DamagedAuditLogError):
        return DIFFERENT
    if isinstance(error, ConfigurationError | InvalidInputError):
        return USAGE
    if isinstance(error, DatabaseUnavailableError | SecretStoreUnavailableError):
        return UNREACHABLE
    return REFUSED


def summary() -> str:
    """Return the table in one sentence, for a help text."""
    return "exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items())
