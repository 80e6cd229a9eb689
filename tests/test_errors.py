"""One small tree of exceptions."""

from __future__ import annotations

import builtins
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aragora_sql import errors
from aragora_sql.errors import (
    AlreadyCommittedError,
    AlreadyTakenError,
    AnchorNotFoundError,
    ApprovalRefusedError,
    AragoraSQLError,
    BackendDriverMissingError,
    ConfigurationError,
    DamagedAuditLogError,
    DamagedCheckpointError,
    DamagedReceiptError,
    DSNNotConfiguredError,
    ForeignTokenError,
    InvalidInputError,
    InvalidTransitionError,
    OrganizationOwnerError,
    QueryFileError,
    RedLineError,
    RegionRefusedError,
    ResetTokenLimitError,
    SequenceReusedError,
    SupersessionCycleError,
    TenantRequiredError,
    UnknownStoreError,
    VersionConflictError,
)


def test_every_exception_belongs_to_the_tree_and_is_listed() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    defined -= {"Path"}
    assert defined == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), AragoraSQLError) for name in defined)
    assert list(errors.__all__) == sorted(errors.__all__)


@pytest.mark.parametrize(
    ("name", "parents"),
    [
        ("ConfigurationError", [RuntimeError]),
        ("DSNNotConfiguredError", [ConfigurationError]),
        ("BackendDriverMissingError", [ConfigurationError]),
        ("InvalidInputError", [ValueError]),
        ("QueryCallError", [TypeError]),
        ("UnknownStoreError", [QueryFileError]),
        ("DuplicateKeyError", ["IntegrityError", "DatabaseError"]),
        ("MissingParentError", ["IntegrityError"]),
        ("CheckViolationError", ["IntegrityError"]),
        ("NotNullViolationError", ["IntegrityError"]),
        ("LockTimeoutError", [TimeoutError, "DatabaseTimeoutError"]),
        ("StatementTimeoutError", [TimeoutError, "DatabaseTimeoutError"]),
        ("PoolTimeoutError", [TimeoutError, "DatabaseTimeoutError"]),
        ("ConnectionLostError", [ConnectionError, "DatabaseError"]),
        ("DatabaseUnavailableError", ["ConnectionLostError"]),
        ("DatabaseUseError", [RuntimeError, "DatabaseError"]),
        ("DatabaseClosedError", ["ConnectionLostError"]),
        ("SchemaVersionError", ["SchemaError"]),
        ("SchemaMismatchError", ["SchemaError"]),
        ("SchemaRightsError", ["SchemaError"]),
        ("PartitionError", ["SchemaError"]),
    ],
)
def test_an_exception_can_be_caught_as_its_parents(name: str, parents: list[type | str]) -> None:
    for parent in parents:
        kind = getattr(errors, parent) if isinstance(parent, str) else parent
        assert issubclass(getattr(errors, name), kind)


def test_the_two_messages_of_the_troubleshooting_part_are_kept() -> None:
    assert str(DSNNotConfiguredError()).startswith(
        "PostgreSQL DSN not configured: set DATABASE_URL"
    )
    assert str(BackendDriverMissingError("PostgreSQL", "asyncpg")) == (
        "PostgreSQL backend requires 'asyncpg' package: pip install asyncpg"
    )


def test_a_file_error_begins_with_path_and_line() -> None:
    error = QueryFileError("sql/a.sql", 7, "no comment")
    assert str(error) == "sql/a.sql:7: no comment"
    assert (error.path, error.line) == (Path("sql/a.sql"), 7)
    assert str(UnknownStoreError("sql/a", None, "no store")) == "sql/a: no store"


@pytest.mark.parametrize("name", errors.__all__)
def test_an_exception_reaches_another_process_as_it_is(name: str) -> None:
    kind = getattr(errors, name)
    arguments: tuple[object, ...] = ("something is wrong",)
    if issubclass(kind, QueryFileError):
        arguments = (Path("sql/a.sql"), 7, "no comment")
    elif kind in (InvalidInputError, AlreadyTakenError, ForeignTokenError):
        arguments = ("critiques[3].severity", "2.0 is not between 0 and 1")
    elif kind is BackendDriverMissingError:
        arguments = ("SQLite", "aiosqlite")
    elif kind is DSNNotConfiguredError or kind is TenantRequiredError:
        arguments = ()
    elif kind is AlreadyCommittedError:
        arguments = ("order 17", "0f", datetime(2026, 1, 1, tzinfo=UTC))
    elif kind is RedLineError:
        arguments = ("m1", "law")
    elif kind is InvalidTransitionError:
        arguments = ("open", "resolved", ("triaging", "duplicate"))
    elif kind is VersionConflictError:
        arguments = ("finding 'f1'", 1, 2)
    elif kind is DamagedCheckpointError:
        arguments = ("wcp-2", "workflow 'w'", "wcp-1")
    elif kind is OrganizationOwnerError:
        arguments = ("u1", "o1")
    elif kind is ResetTokenLimitError:
        arguments = (3, 3600)
    elif kind is AnchorNotFoundError:
        arguments = ("main", "2026-01-01")
    elif kind is ApprovalRefusedError:
        arguments = ("user_id", "a1", "is decided")
    elif kind is SupersessionCycleError:
        arguments = ("f1", "f2", "superseded_by")
    elif kind is RegionRefusedError:
        arguments = ("r1", "gives no messages")
    elif kind is SequenceReusedError:
        arguments = ("r1", 3)
    elif kind is ForeignTokenError:
        arguments = ("at_least", "is a token of another cluster")
    elif kind is DamagedReceiptError:
        arguments = ("r1", "its content is not what was stored")
    elif kind is DamagedAuditLogError:
        arguments = ("main", 7, "its hash is another one")
    error = kind(*arguments)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_no_exception_hides_a_built_in_one() -> None:
    assert not set(errors.__all__) & set(dir(builtins))
