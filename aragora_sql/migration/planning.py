"""Finds out which table of which file goes where."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.accounting import LeftBehind, TakenTable, left_of, unread_tables
from aragora_sql.migration.audit_files import EVENT_TABLES
from aragora_sql.migration.finding import (
    EMPTY,
    SUFFIXES,
    Candidate,
    SourceError,
    data_places,
    examine,
    survey,
)
from aragora_sql.migration.mappings import (
    Mapping,
    Merge,
    load_mappings,
    migratable_stores,
    own_mapping,
)
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.target import PgConnection, Table, describe_table
from aragora_sql.queries.files import read_sql, sql_dir, store_dir
from aragora_sql.schema import VERSIONS, table_names

__all__ = [
    "Plan",
    "SourcePart",
    "TablePlan",
    "find_sources",
    "make_plan",
    "refuse_nothing",
    "stores_found",
]


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
    left_behind: list[LeftBehind] = field(default_factory=list)


def find_sources(
    path: Path, *, has_others: bool
) -> tuple[list[Path], list[Candidate], list[LeftBehind]]:
    """Return the SQLite files to read, what was left with the reason, and what that leaves behind.

    There may be none when there is something else to read (``has_others``). Raises
    :class:`SourceError` when a single file can't be used, or a file of a directory is damaged:
    leaving it out could lose what is in it.
    """
    found = survey(path)
    taken, left, behind = [], [], []
    for file in found.files:
        why = examine(file)
        if why is None:
            taken.append(file)
        else:
            left.append(Candidate(file, False, why))
            if why != EMPTY:
                behind.append(LeftBehind(file, why))
    for file, why in found.named:
        left.append(Candidate(file, False, why))
        behind += unread_tables(file, f"{why}: give the file as --sqlite-path to move it")
    if not taken and not has_others:
        if not left:
            looked = ", ".join(map(str, data_places(path).files))
            raise SourceError(
                f"{path}: no SQLite file in {looked} (looked for {', '.join(sorted(SUFFIXES))})"
            )
        reasons = "; ".join(f"{candidate.path}: {candidate.why}" for candidate in left)
        raise SourceError(f"nothing to migrate: {reasons}")
    return taken, left, behind


def stores_found(sources: Sequence[SourceFile], stores: Sequence[str]) -> list[str]:
    """Return those of some stores of which a file holds a table."""
    present = [(source.tables(), source.modules()) for source in sources]
    return [
        store
        for store in stores
        if any(_known_tables(store, tables, modules) for tables, modules in present)
    ]


def refuse_nothing(
    sources: Sequence[SourceFile], stores: Sequence[str], *, are_named: bool
) -> None:
    """Raise :class:`SourceError` when no file holds anything of these stores.

    Or anything of one of them, when they were asked for by name (``are_named``). What the target
    is like makes no difference to it.
    """
    found = stores_found(sources, stores)
    missing = [store for store in stores if store not in found]
    if not found or (are_named and missing):
        names = ", ".join(str(source.path) for source in sources)
        raise SourceError(f"nothing to migrate: no table of {', '.join(missing)} in {names}")


def _known_tables(
    store: str, present: dict[str, frozenset[str]], modules: frozenset[str]
) -> set[str]:
    """Return those tables of a file that a store takes, as far as the file says it."""
    found = {
        mapping.table
        for mapping in load_mappings(store)
        if mapping.table in present and mapping.fits(present[mapping.table])
    }
    if store in modules:
        found |= present.keys() & set(table_names(store, "postgres"))
    return found


def source_name(path: Path, root: Path) -> str:
    """Return what reports and the ledger call a file: its path below the data directory."""
    return str(path.relative_to(root)) if path.is_relative_to(root) and path != root else path.name


def make_plan(
    connection: PgConnection,
    sources: Sequence[SourceFile],
    stores: Sequence[str],
    commit_size: int,
) -> Plan:
    """Match the tables of all files with the mappings of the stores."""
    tables = [source.tables() for source in sources]
    modules = [source.modules() for source in sources]
    plans: list[TablePlan] = []
    used: list[dict[str, int]] = [{} for _ in sources]
    known: list[dict[str, TakenTable]] = [{} for _ in sources]
    for store in stores:
        mappings = load_mappings(store)
        targets = table_names(store, "postgres")
        _check_targets(mappings, targets)
        for target in targets:
            legacy = [mapping for mapping in mappings if mapping.target == target]
            # Looking at a table costs round trips, and most files have tables of few stores.
            if not any(
                (store in of_file and target in present)
                or any(m.table in present and m.fits(present[m.table]) for m in legacy)
                for of_file, present in zip(modules, tables, strict=True)
            ):
                continue
            table = describe_table(connection, target)
            parts = []
            for number, source in enumerate(sources):
                is_ours = store in modules[number]
                for mapping in _fitting(store, table, legacy, tables[number], is_ours):
                    source.prepare(mapping)
                    rows, ranges = source.ranges(mapping.table, commit_size)
                    used[number].setdefault(mapping.table, rows)
                    if mapping.unpacks:
                        rows = source.count(mapping)
                    parts.append(SourcePart(number, mapping, rows, tuple(ranges)))
                    read = mapping.required | mapping.optional | mapping.ignored
                    if is_ours:
                        read |= _own_tables(store).get(mapping.table, frozenset())
                    before = known[number].get(mapping.table, TakenTable(frozenset()))
                    known[number][mapping.table] = TakenTable(before.columns | read)
            if parts:
                order = next((mapping.order for mapping in legacy if mapping.order), None)
                plans.append(_plan_table(store, table, tuple(parts), sources, order))
    candidates = [
        Candidate(source.path, bool(of_file), _why(of_file), of_file)
        for source, of_file in zip(sources, used, strict=True)
    ]
    others = [store for store in migratable_stores() if store not in stores]
    behind = [
        left
        for number, source in enumerate(sources)
        for left in left_of(
            source,
            known[number],
            {
                name
                for store in others
                for name in _known_tables(store, tables[number], modules[number])
            },
            # What was gathered of it has a file of its own.
            {name for store in modules[number] for name in _derived_tables(store)} | EVENT_TABLES,
            _shapes(),
        )
    ]
    return Plan([source.path for source in sources], plans, candidates, behind)


def _why(used: dict[str, int]) -> str:
    if not used:
        return "it has no table of these stores"
    return "it holds " + ", ".join(f"{table} ({rows:,})" for table, rows in used.items())


def _shapes() -> set[str]:
    """Return the names of the tables that stores have, or had."""
    stores = migratable_stores()
    older = {mapping.table for store in stores for mapping in load_mappings(store)}
    return older | {name for store in stores for name in table_names(store, "postgres")}


@lru_cache(maxsize=512)
def _own_tables(store: str) -> dict[str, frozenset[str]]:
    """Return the tables of a store in a file of this package, with all of their columns.

    Also those that the target has no use for: what a search or a number is made of.
    """
    if store not in migratable_stores():
        return {}
    with closing(sqlite3.connect(":memory:")) as connection:
        for name in (VERSIONS, store):
            folder = store_dir(name, "sqlite", sql_dir())
            connection.executescript(read_sql(folder / "schema.sql"))
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            table: frozenset(
                column
                for (column,) in connection.execute(
                    "SELECT name FROM pragma_table_xinfo(?)", [table]
                )
            )
            for (table,) in tables.fetchall()
        }


def _derived_tables(store: str) -> set[str]:
    """Return the tables of a store in a file of this package that the target has no table for."""
    own = _own_tables(store)
    return own.keys() - set(table_names(store, "postgres")) if own else set()


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
    found = present.get(table.name, frozenset())
    if is_ours and not legacy:
        # A file of an earlier version lacks what upgrades have added, which can be NULL or has a
        # default.
        optional = {one.name for one in table.columns if not one.not_null or one.has_default}
        columns = tuple(name for name in columns if name in found or name not in optional)
    if is_ours and set(columns) <= found:
        like = legacy[0] if legacy else None
        merge = like.merge if like else _default_merge(table)
        return [own_mapping(store, table.name, columns, own_key(table), merge, like)]
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
