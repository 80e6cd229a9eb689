"""What the caller of a migration asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.migration.mappings import migratable_stores
from aragora_sql.migration.staging import Orphans
from aragora_sql.settings import PostgresDSN

__all__ = ["BATCHES_PER_COMMIT", "DEFAULT_BATCH_SIZE", "MigrationOptions", "OnNul", "Verify"]

OnNul = Literal["reject", "strip"]
OnNan = Literal["reject", "null"]
# auto: tables of at most VERIFY_AUTOMATICALLY rows.
Verify = Literal["auto", "all", "none", "only"]

DEFAULT_BATCH_SIZE = 1000
# That many batches make a chunk, which commits together with its record in the ledger.
BATCHES_PER_COMMIT = 5
VERIFY_AUTOMATICALLY = 100_000
DEFAULT_REJECTS = Path("aragora-rejects")
MOST_JOBS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """The options of a migration, checked.

    ``sqlite_path`` is a file or a data directory, ``stores`` the stores to migrate (empty: all),
    ``batch_size`` is in rows, ``source_timezone`` is an IANA name, ``local`` or ``UTC``, ``jobs``
    is a number of processes, ``drop_exact_duplicates`` leaves out critiques that repeat an earlier
    one of their file, ``renumber`` gives critiques new numbers whose number the target has for
    another one, ``accept_broken_chain`` moves chains of audit entries that are broken,
    ``drop_expired`` leaves out what is over. See docs/migration.md for the rest.
    """

    sqlite_path: Path
    dsn: PostgresDSN
    stores: tuple[str, ...] = ()
    batch_size: int = DEFAULT_BATCH_SIZE
    skip_existing: bool = True
    orphans: Orphans = "reject"
    on_nul: OnNul = "reject"
    on_nan: OnNan = "reject"
    source_timezone: str | None = None
    jobs: int = 1
    dry_run: bool = False
    verify: Verify = "auto"
    rejects: Path = field(default=DEFAULT_REJECTS)
    drop_exact_duplicates: bool = False
    renumber: bool = False
    accept_broken_chain: bool = False
    drop_expired: bool = False

    def __post_init__(self) -> None:
        known = migratable_stores()
        for store in self.stores:
            if store not in known:
                raise InvalidInputError(
                    "store", f"{store!r} can't be migrated; there are: all, {', '.join(known)}"
                )
        if not 1 <= self.batch_size <= 1_000_000:
            raise InvalidInputError("batch_size", f"{self.batch_size} is not from 1 to 1000000")
        if not 1 <= self.jobs <= MOST_JOBS:
            raise InvalidInputError("jobs", f"{self.jobs} is not from 1 to {MOST_JOBS}")
        for name, allowed in (
            ("orphans", Orphans),
            ("on_nul", OnNul),
            ("on_nan", OnNan),
            ("verify", Verify),
        ):
            if getattr(self, name) not in get_args(allowed):
                raise InvalidInputError(
                    name, f"{getattr(self, name)!r} is not one of {', '.join(get_args(allowed))}"
                )

    @property
    def chosen_stores(self) -> tuple[str, ...]:
        """The stores to migrate."""
        return self.stores or tuple(migratable_stores())

    @property
    def commit_size(self) -> int:
        """Rows that commit together."""
        return self.batch_size * BATCHES_PER_COMMIT

    def shape(self) -> str:
        """Return what a run that goes on has to have in common with the one before."""
        return json.dumps(
            [
                self.chosen_stores,
                self.batch_size,
                self.skip_existing,
                self.orphans,
                self.on_nul,
                self.on_nan,
                self.source_timezone,
                self.drop_exact_duplicates,
                self.renumber,
                self.accept_broken_chain,
                self.drop_expired,
            ]
        )
