"""Finds out which table of which file goes where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.finding import Candidate, SourceError, examine, find_files
from aragora_sql.migration.mappings import Mapping, Merge, load_mappings, own_mapping
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.target import PgConnection, Table, describe_table
from aragora_sql.schema import table_names

__all__ = ["Plan", "SourcePart", "TablePlan", "find_sources", "make_plan"]


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A table of a file: the number of the file, the mapping that fits, rows and their ranges."""

    file: int
    mapping: Mapping
    rows: int
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A target table and all that goes into it; ``order`` as in a mapping."""

    store: str
    table: Table
    key: tuple[str, ...]
    parts: tuple[SourcePart, ...]
    is_merged: bool
    order: str | None = None

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(part.rows for part in self.parts)


@dataclass(slots=True)
class Plan:
    """All that a run does, in order."""

    paths: list[Path]
    tables: list[TablePlan]
    candidates: list[Candidate]
    unused: list[str] = field(default_factory=list)


def find_sources(path: Path, *, has_others: bool) -> tuple[list[Path], list[Candidate]]:
    """Return the SQLite files to read, and what was left with the reason.

    There may be none when there is something else to read (``has_others``). Raises
    :class:`SourceError` when a single file can't be used, or a file of a directory is damaged:
    leaving it out could lose what is in it.
    """
    found = find_files(path, has_others=has_others)
    taken, left = [], []
    for file in found:
        why = examine(file)
        if why is None:
            taken.append(file)
        else:
            left.append(Candidate(file, False, why))
    if not taken and not has_others:
        reasons = "; ".join(f"{candidate.path}: {candidate.why}" for candidate in left)
        raise SourceError(f"nothing to migrate: {reasons}")
    return taken, left


def source_name(path: Path, root: Path) -> str:
    """Return what reports and the ledger call a file: its path below the data directory."""
    return str(path.relative_to(root)) if path.is_relative_to(root) and path != root else path.name


def make_plan(
    connection: PgConnection,
    sources: Sequence[SourceFile],
    left: Sequence[Candidate],
    stores: Sequence[str],
    commit_size: int,
    *,
    are_named: bool,
) -> Plan:
    """Match the tables of all files with the mappings of the stores.

    Raises :class:`SourceError` when no file holds anything of these stores, or anything of one of
    them when they were asked for by name (``are_named``).
    """
    tables = [source.tables() for source in sources]
    modules = [source.modules() for source in sources]
    plans: list[TablePlan] = []
    used: dict[int, list[str]] = {number: [] for number in range(len(sources))}
    unused: list[str] = []
    taken: set[tuple[int, str]] = set()
    for store in stores:
        mappings = load_mappings(store)
        targets = table_names(store, "postgres")
        _check_targets(mappings, targets)
        for target in targets:
            table = describe_table(connection, target)
            legacy = [mapping for mapping in mappings if mapping.target == target]
            parts = []
            for number, source in enumerate(sources):
                is_ours = store in modules[number]
                for mapping in _fitting(store, table, legacy, tables[number], is_ours):
                    source.prepare(mapping)
                    rows, ranges = source.ranges(mapping.table, commit_size)
                    if mapping.unpacks:
                        rows = source.count(mapping)
                    parts.append(SourcePart(number, mapping, rows, tuple(ranges)))
                    if not mapping.unpacks:
                        used[number].append(f"{mapping.table} ({rows:,})")
                    taken.add((number, mapping.table))
            if parts:
                order = next((mapping.order for mapping in legacy if mapping.order), None)
                plans.append(_plan_table(store, table, tuple(parts), sources, order))
        ours = {mapping.table for mapping in mappings} | set(targets)
        unused += _unknown_shapes(sources, tables, ours, taken)
    found = {plan.store for plan in plans}
    missing = [store for store in stores if store not in found]
    if not plans or (are_named and missing):
        names = ", ".join(str(source.path) for source in sources)
        raise SourceError(f"nothing to migrate: no table of {', '.join(missing)} in {names}")
    candidates = [
        Candidate(source.path, bool(used[number]), _why(used[number]))
        for number, source in enumerate(sources)
    ]
    return Plan([source.path for source in sources], plans, [*candidates, *left], unused)


def _why(used: list[str]) -> str:
    return f"it holds {', '.join(used)}" if used else "it has no table of these stores"


def _check_targets(mappings: Sequence[Mapping], targets: Sequence[str]) -> None:
    for mapping in mappings:
        if mapping.target not in targets:
            raise ConfigurationError(
                f"{mapping.path}:{mapping.line}: query {mapping.name!r}: there is no table "
                f"{mapping.target!r} in the schema of store {mapping.store!r}"
            )


def own_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that a table of today's shape has on both engines."""
    return tuple(column.name for column in table.columns if not (column.identity and table.unique))


def own_key(table: Table) -> tuple[str, ...]:
    """Return the key of a table of today's shape; none where the target numbers the rows.

    A number that the application never sees gives way to the key that it knows.
    """
    names = own_columns(table)
    for key in (table.key, *table.unique):
        if key and all(name in names for name in key):
            return key
    return ()


def _fitting(
    store: str,
    table: Table,
    legacy: Sequence[Mapping],
    present: dict[str, frozenset[str]],
    is_ours: bool,
) -> list[Mapping]:
    """Return the mappings that fit the tables of a file; ``is_ours`` when this package made it."""
    columns = own_columns(table)
    if is_ours and set(columns) <= present.get(table.name, frozenset()):
        merge = legacy[0].merge if legacy else _default_merge(table)
        duplicates = legacy[0].duplicates if legacy else frozenset[str]()
        return [own_mapping(store, table.name, columns, own_key(table), merge, duplicates)]
    return [
        mapping
        for mapping in legacy
        if mapping.table in present and mapping.fits(present[mapping.table])
    ]


def _default_merge(table: Table) -> Merge:
    for name in ("updated_at", "created_at"):
        if table.column(name):
            return Merge(choice="newest", newest=name)
    return Merge()


def _plan_table(
    store: str,
    table: Table,
    parts: tuple[SourcePart, ...],
    sources: Sequence[SourceFile],
    order: str | None,
) -> TablePlan:
    key = parts[0].mapping.key
    is_merged = len(parts) > 1 or not (
        key
        and not parts[0].mapping.order
        and not (parts[0].mapping.unpacks or parts[0].mapping.repeats)
        and sources[parts[0].file].is_unique(parts[0].mapping.table, parts[0].mapping.key)
    )
    return TablePlan(store, table, key, parts, is_merged, order if is_merged else None)


def _unknown_shapes(
    sources: Sequence[SourceFile],
    tables: Sequence[dict[str, frozenset[str]]],
    names: set[str],
    taken: set[tuple[int, str]],
) -> list[str]:
    """Name the tables that only share a name with ours."""
    return [
        f"{source.path}: table {name} is another program's: its columns "
        f"({', '.join(sorted(present[name]))}) are in no known shape"
        for number, (source, present) in enumerate(zip(sources, tables, strict=True))
        for name in sorted(names & present.keys())
        if (number, name) not in taken
    ]
