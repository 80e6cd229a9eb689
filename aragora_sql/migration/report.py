"""What a migration did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aragora_sql.migration.accounting import LeftBehind
from aragora_sql.migration.finding import Candidate

__all__ = ["ChunkResult", "MigrationReport", "TableReport", "VerifyResult"]

SHOWN_KEYS = 20


@dataclass(slots=True)
class ChunkResult:
    """The outcome of a range of rows. All are counts of source rows but ``notes`` and keys.

    ``already_there`` includes ``different``: rows whose key exists in the target with other values.
    ``kept_aside`` are those of ``merged`` that differ from what they were merged into.
    """

    read: int = 0
    merged: int = 0
    kept_aside: int = 0
    migrated: int = 0
    already_there: int = 0
    different: int = 0
    rejected: int = 0
    left_out: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    different_keys: list[str] = field(default_factory=list)

    def add(self, other: ChunkResult) -> None:
        """Add another range's outcome."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes.update(other.notes)
        room = SHOWN_KEYS - len(self.different_keys)
        self.different_keys += other.different_keys[: max(room, 0)]

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {name: getattr(self, name) for name in _COUNTS} | {
            "notes": dict(self.notes),
            "different_keys": self.different_keys,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ChunkResult:
        """Make one of what :meth:`to_dict` gave."""
        return cls(
            **{name: values.get(name, 0) for name in _COUNTS},
            notes=Counter(values.get("notes", {})),
            different_keys=list(values.get("different_keys", [])),
        )


_COUNTS = (
    "read",
    "merged",
    "kept_aside",
    "migrated",
    "already_there",
    "different",
    "rejected",
    "left_out",
)


@dataclass(slots=True)
class VerifyResult:
    """What a comparison of all values found; all but ``first`` are counts of source rows.

    ``mismatches`` are not in the target as they are in the source; ``rejected`` are those of them
    that it can't hold. ``mended`` could not be held either, and are there with other values.
    ``merged`` and ``excused`` (rejected or left out before) were not compared.
    """

    compared: int = 0
    mismatches: int = 0
    rejected: int = 0
    mended: int = 0
    merged: int = 0
    excused: int = 0
    first: list[str] = field(default_factory=list)

    @property
    def looked_at(self) -> int:
        """Rows of the source that are accounted for."""
        return self.compared + self.rejected + self.mended + self.merged + self.excused

    def add(self, other: VerifyResult) -> None:
        """Add another range's outcome."""
        for name in _VERIFIED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first += other.first[: max(SHOWN_KEYS - len(self.first), 0)]

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {name: getattr(self, name) for name in _VERIFIED} | {"first": self.first}


_VERIFIED = ("compared", "mismatches", "rejected", "mended", "merged", "excused")


@dataclass(slots=True)
class TableReport:
    """What became of one table's rows; :attr:`source` rows are those that are left after merging.

    ``source = migrated + already_there + rejected + left_out`` holds, or the migration fails.
    ``rows_in_source`` is what the files hold; ``seconds`` is the time of this run only.
    """

    store: str
    table: str
    rows_in_source: int = 0
    counts: ChunkResult = field(default_factory=ChunkResult)
    resumed: int = 0
    seconds: float = 0.0
    verified: VerifyResult | None = None

    @property
    def source(self) -> int:
        """Rows of the source, rows that were merged into another one not counted."""
        return self.rows_in_source - self.counts.merged

    @property
    def migrated(self) -> int:
        """Rows that the server says it inserted."""
        return self.counts.migrated

    @property
    def already_there(self) -> int:
        """Rows whose key was in the target."""
        return self.counts.already_there

    @property
    def different(self) -> int:
        """Rows of :attr:`already_there` with other values in the target."""
        return self.counts.different

    @property
    def rejected(self) -> int:
        """Rows that could not be migrated and are in the reject file."""
        return self.counts.rejected

    @property
    def left_out(self) -> int:
        """Rows left out on request (such as ``--orphans leave-out``, ``--drop-expired``)."""
        return self.counts.left_out

    @property
    def is_complete(self) -> bool:
        """Whether every row of the source is accounted for."""
        accounted = self.migrated + self.already_there + self.rejected + self.left_out
        return self.source == accounted and self.counts.read == self.rows_in_source

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "store": self.store,
            "table": self.table,
            "rows_in_source": self.rows_in_source,
            "merged": self.counts.merged,
            "kept_aside": self.counts.kept_aside,
            "source": self.source,
            "migrated": self.migrated,
            "already_there": self.already_there,
            "different": self.different,
            "rejected": self.rejected,
            "left_out": self.left_out,
            "resumed": self.resumed,
            "notes": dict(self.counts.notes),
            "different_keys": self.counts.different_keys,
            "seconds": round(self.seconds, 3),
            "verified": None if self.verified is None else self.verified.to_dict(),
        }


@dataclass(slots=True)
class MigrationReport:
    """The outcome of a whole run."""

    tables: list[TableReport] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    left_behind: list[LeftBehind] = field(default_factory=list)
    reject_files: list[str] = field(default_factory=list)
    merged_files: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    source_timezone: str | None = None
    is_dry_run: bool = False
    is_verify_only: bool = False
    seconds: float = 0.0

    def _total(self, name: str) -> int:
        return sum(getattr(table, name) for table in self.tables)

    @property
    def total_migrated(self) -> int:
        """Rows that the server says it inserted (in a dry run: that would be)."""
        return self._total("migrated")

    @property
    def total_skipped(self) -> int:
        """Rows that were in the target already."""
        return self._total("already_there")

    @property
    def total_different(self) -> int:
        """Rows that were in the target already, with other values."""
        return self._total("different")

    @property
    def total_errors(self) -> int:
        """Rows that were rejected."""
        return self._total("rejected")

    @property
    def mismatches(self) -> int:
        """Rows that a verification found otherwise than in the source."""
        return sum(table.verified.mismatches for table in self.tables if table.verified)

    @property
    def total_merged(self) -> int:
        """Rows that became part of another one, with or without a difference."""
        return sum(table.counts.merged for table in self.tables)

    @property
    def total_kept_aside(self) -> int:
        """Rows that differ from the one they were merged into, and are kept in a file."""
        return sum(table.counts.kept_aside for table in self.tables)

    @property
    def total_left_behind(self) -> int:
        """Rows of tables and files that no store takes, as far as they can be counted."""
        return sum(left.rows or 0 for left in self.left_behind if left.column is None)

    @property
    def unused_tables(self) -> list[str]:
        """Tables with rows that only share a name with one of a store."""
        return [
            f"{left.path}: table {left.table} is another program's: {left.why}"
            for left in self.left_behind
            if left.is_of_another_program
        ]

    @property
    def success(self) -> bool:
        """Whether all of the source is in the target as it is in the source."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 all is there as in the source, 1 rows were rejected or differ, 3 something was left."""
        is_refused = any(left.is_refused for left in self.left_behind)
        if self.total_errors or self.total_different or self.mismatches or is_refused:
            return 1
        return 3 if self.left_behind else 0

    @property
    def can_be_mended(self) -> bool:
        """Whether rejected rows can be loaded from their files after they were mended."""
        return True

    def table(self, name: str) -> TableReport:
        """Return the report of a table by its name in the target."""
        return next(table for table in self.tables if table.table == name)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "success": self.success,
            "dry_run": self.is_dry_run,
            "total_migrated": self.total_migrated,
            "total_skipped": self.total_skipped,
            "total_different": self.total_different,
            "total_errors": self.total_errors,
            "total_merged": self.total_merged,
            "total_kept_aside": self.total_kept_aside,
            "total_left_behind": self.total_left_behind,
            "mismatches": self.mismatches,
            "seconds": round(self.seconds, 3),
            "files": [candidate.to_dict() for candidate in self.candidates],
            "unused_tables": self.unused_tables,
            "left_behind": [left.to_dict() for left in self.left_behind],
            "tables": [table.to_dict() for table in self.tables],
            "reasons": self.reasons,
            "reject_files": self.reject_files,
            "merged_files": self.merged_files,
        }
