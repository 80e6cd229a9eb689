"""What is looked at, and from which values on something is worth a word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from aragora_sql.database import Database, Dialect
from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import DatabaseError
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import packaged_sql_dir, sql_dir, sql_folder

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries

__all__ = ["Limits", "Target", "answered", "doctor_queries"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """From which values on a check has a warning, or an error. Seconds, bytes and rows."""

    clock_warning: float = 1.0
    clock_error: float = 30.0
    lag_warning: float = 30.0
    lag_error: float = 600.0
    slot_bytes: int = 1 << 30
    transaction_warning: float = 300.0
    transaction_error: float = 3600.0
    dead_rows: int = 10_000
    dead_share: float = 0.3
    # PostgreSQL shuts a database near 2,147 million.
    transactions: int = 1_000_000_000
    free_pages_bytes: int = 64 << 20
    log_bytes: int = 256 << 20
    free_bytes_warning: int = 1 << 30
    free_bytes_error: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """A database and how the application uses it.

    ``dsn`` is that of PostgreSQL, ``path`` the SQLite file; one of them is None. ``source`` is the
    variable or option that named it. ``instances`` is how many processes have a pool of at most
    ``pool_max`` connections each, ``plan`` the Supabase plan. ``integrity``: read a whole SQLite
    file. ``timeout`` is how many seconds each check may take.
    """

    dialect: Dialect
    dsn: PostgresDSN | None = None
    path: Path | None = None
    source: str = ""
    pool_max: int = 20
    instances: int | None = None
    plan: str | None = None
    integrity: bool = False
    timeout: float = 20.0
    limits: Limits = Limits()


def answered(row: T | None) -> T:
    """Return the one row of a query that always gives one."""
    if row is None:
        raise DatabaseError("the database gave no answer")
    return row


def doctor_queries(database: Database) -> DoctorQueries:
    """Return the queries of this package: an older copy of the tree has none of them."""
    root = sql_dir()
    if not sql_folder("doctor", database.dialect, root).is_dir():
        root = packaged_sql_dir()
    return load_queries("doctor", database.dialect, root)
