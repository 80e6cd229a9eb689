"""What the caller of a move to SQLite asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aragora_sql.errors import InvalidInputError
from aragora_sql.migration.options import (
    BATCHES_PER_COMMIT,
    DEFAULT_BATCH_SIZE,
    DEFAULT_REJECTS,
    Verify,
)
from aragora_sql.schema import store_names
from aragora_sql.settings import PostgresDSN

__all__ = ["ToSQLiteOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSQLiteOptions:
    """The options of a move to SQLite, checked.

    ``sqlite_path`` is the file that is filled, ``stores`` the stores to move (empty: all that the
    source has), ``batch_size`` is in rows. Without ``skip_existing`` rows whose key is in the file
    are rejected.
    """

    dsn: PostgresDSN
    sqlite_path: Path
    stores: tuple[str, ...] = ()
    batch_size: int = DEFAULT_BATCH_SIZE
    skip_existing: bool = True
    dry_run: bool = False
    verify: Verify = "auto"
    rejects: Path = DEFAULT_REJECTS

    def __post_init__(self) -> None:
        known = store_names("sqlite")
        for store in self.stores:
            if store not in known:
                raise InvalidInputError(
                    "store", f"{store!r} can't be moved; there are: all, {', '.join(known)}"
                )
        if not 1 <= self.batch_size <= 1_000_000:
            raise InvalidInputError("batch_size", f"{self.batch_size} is not from 1 to 1000000")

    @property
    def chosen_stores(self) -> tuple[str, ...]:
        """The stores to move, parents of foreign keys first."""
        return tuple(
            store for store in store_names("sqlite") if not self.stores or store in self.stores
        )

    @property
    def commit_size(self) -> int:
        """Rows that commit together."""
        return self.batch_size * BATCHES_PER_COMMIT

    def shape(self) -> list[object]:
        """Return what a run that goes on has to have in common with the one before."""
        return [self.chosen_stores, self.skip_existing]
