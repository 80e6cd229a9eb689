"""One worker of a migration: its connection, its open files, and the work on one range of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from aragora_sql.database.values import utc_now
from aragora_sql.migration.audit_files import GATHERED_NAME
from aragora_sql.migration.checkpoint_files import COLLECTED_NAME
from aragora_sql.migration.functions import TextRules
from aragora_sql.migration.indexes import rebuild_index
from aragora_sql.migration.ledger import Ledger
from aragora_sql.migration.loading import Loader, SourceRow
from aragora_sql.migration.mappings import Mapping
from aragora_sql.migration.merging import (
    COUNTERS,
    MergedRow,
    Part,
    in_order,
    merged_rows,
    timestamp_of,
)
from aragora_sql.migration.numbers import Numbers
from aragora_sql.migration.options import MigrationOptions
from aragora_sql.migration.planning import SourcePart, TablePlan, source_name
from aragora_sql.migration.rejects import Reject
from aragora_sql.migration.report import ChunkResult, VerifyResult
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.staging import LoadOptions, Renumber
from aragora_sql.migration.target import PgConnection, Table, connect, driver_errors
from aragora_sql.migration.timestamps import TimestampReader, time_zone
from aragora_sql.migration.verifying import Verifier

__all__ = ["IndexTask", "RangeTask", "Session", "Task", "VerifyTask", "open_sources"]

RangePart = Literal["rows", "links"]
OutcomeT = TypeVar("OutcomeT", covariant=True)
# The first rows of two files, which tell whether one is a copy of the other: copies begin alike.
_SAMPLE = 10_000
# A chunk of merged rows ends earlier when it has so many characters.
_CHUNK_CHARACTERS = 32_000_000


@dataclass(frozen=True, slots=True)
class RangeTask:
    """A range of rowids of one part of a table.

    ``links`` are the rows that point into their own table: all of a file in one range, so that a
    statement holds parents and children.
    """

    table: int
    part: int
    kind: RangePart
    first: int
    last: int

    def run(self, session: Session) -> tuple[ChunkResult, bool]:
        """Load the range."""
        return session.load(self)


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """A range to verify; ``excused`` rows were rejected."""

    range: RangeTask
    excused: set[int]

    def run(self, session: Session) -> VerifyResult:
        """Compare the range."""
        return session.verify(self.range, self.excused)


@dataclass(frozen=True, slots=True)
class IndexTask:
    """An index to build that was dropped for the load."""

    name: str

    def run(self, session: Session) -> str | None:
        """Build it; return why rows of the table prevent it."""
        with driver_errors(f"building the index {self.name}"):
            return rebuild_index(session.connection, self.name)


class Task(Protocol[OutcomeT]):
    """What one process does, in its session."""

    def run(self, session: Session) -> OutcomeT:
        """Do it, and return the outcome."""


def open_sources(options: MigrationOptions, paths: Sequence[Path]) -> list[SourceFile]:
    """Open all files; what one worker reads of each is one snapshot."""
    zone = None if options.source_timezone is None else time_zone(options.source_timezone)
    rules = TextRules(options.on_nul == "strip", options.on_nan == "null")
    opened: list[SourceFile] = []
    try:
        for path in paths:
            name = source_name(path, options.sqlite_path)
            opened.append(SourceFile(path, name, rules=rules, zone=zone))
    except BaseException:
        for source in opened:
            source.close()
        raise
    return opened


class Session:
    """A connection and open files, with which ranges are loaded and verified.

    Without ``run_id`` nothing is recorded: the caller undoes all of it (a dry run).
    """

    def __init__(
        self,
        options: MigrationOptions,
        sources: Sequence[SourceFile],
        tables: Sequence[TablePlan],
        run_id: int | None,
        connection: PgConnection | None = None,
        existing_in: str | None = None,
    ) -> None:
        self.options = options
        self.sources = sources
        self.tables = tables
        self.run_id = run_id
        self.connection = connection or connect(options.dsn, "aragora-sql migrate worker")
        self.ledger = Ledger(self.connection, run_id)
        self._zone = None if options.source_timezone is None else time_zone(options.source_timezone)
        self._load_options = LoadOptions(
            orphans=options.orphans, skip_existing=options.skip_existing, existing_in=existing_in
        )
        self._is_direct_possible = run_id is not None
        self._numbers = Numbers(
            self.connection,
            options.sqlite_path,
            is_foretold=run_id is None or options.verify == "only",
        )
        self._reader = TimestampReader(self._zone)
        self._started = utc_now()
        self._related: dict[frozenset[str], bool] = {}
        self._loaders: dict[tuple[int, int], Loader] = {}

    def close(self) -> None:
        """Close the connection and the files."""
        self.connection.close()
        for source in self.sources:
            source.close()

    def loader(self, table: int, part: int) -> Loader:
        """Return the loader of a part of a table."""
        key = (table, part)
        if key not in self._loaders:
            self._loaders[key] = self._make_loader(self.tables[table], part)
        return self._loaders[key]

    def _make_loader(self, plan: TablePlan, part: int) -> Loader:
        source_part = plan.parts[part]
        mapping = source_part.mapping
        return Loader(
            connection=self.connection,
            table=plan.table,
            mapping=mapping,
            result_columns=self.sources[source_part.file].prepare(mapping),
            reader=TimestampReader(self._zone),
            options=self._load_options,
            # Without a key nothing would refuse rows that are there already.
            is_direct_possible=self._is_direct_possible and bool(mapping.key),
            origin=self._origin(source_part),
            renumber=self._renumber(plan, part),
        )

    def _renumber(self, plan: TablePlan, number: int) -> Renumber | None:
        """Return what gives the rows of a part new numbers, where that was asked for."""
        part = plan.parts[number]
        if not (self.options.renumber and part.mapping.merge.choice == "renumber"):
            return None
        source = self.sources[part.file]

        def number_of(file: str, rowid: int) -> int:
            [[row]] = source.read(part.mapping, rowid, rowid, 1)
            return self._numbers.number_of(plan.table, self._part(plan, number), row)

        return number_of

    def _part(self, plan: TablePlan, number: int) -> Part:
        part = plan.parts[number]
        loader = self.loader(self.tables.index(plan), number)
        source = self.sources[part.file]
        return Part(source, part.mapping, loader, partial(self._duplicates, part))

    def _as_numbered(
        self, plan: TablePlan, number: int, rows: Sequence[SourceRow]
    ) -> Sequence[SourceRow]:
        """Return rows with the new numbers that they have in the target, where they have some."""
        if plan.parts[number].mapping.merge.choice != "renumber":
            return rows
        part = self._part(plan, number)
        given = self._numbers.given(plan.table, part, [row[0] for row in rows])
        if not given:
            return rows
        place = part.loader.result_columns.index(part.mapping.key[0])
        return [(*row[:place], given.get(row[0], row[place]), *row[place + 1 :]) for row in rows]

    def _origin(self, part: SourcePart) -> Callable[[int], str] | None:
        """Return what gives the file of a row that was gathered from JSON files."""
        source = self.sources[part.file]
        if source.path.name not in (COLLECTED_NAME, GATHERED_NAME):
            return None
        return partial(source.value_of, part.mapping.table, "path")

    # -- ranges of rowids

    def load(self, task: RangeTask) -> tuple[ChunkResult, bool]:
        """Load a range and record it; also tell whether it had been done before."""
        plan = self.tables[task.table]
        part = plan.parts[task.part]
        source = self.sources[part.file]
        loader = self.loader(task.table, task.part)

        left_out: set[int] = set()

        def batches() -> Iterator[tuple[str, list[SourceRow]]]:
            for batch in self._read(task, part, plan.table):
                duplicates = self._duplicates(part, batch)
                left_out.update(duplicates)
                if (
                    kept := [row for row in batch if row[0] not in duplicates]
                    if duplicates
                    else batch
                ):
                    yield source.name, kept

        with self.ledger.chunk(
            plan.table, source.name, part.mapping, task.kind, task.first, task.last
        ) as chunk:
            if chunk.result is None:
                result, rejects = loader.load(batches)
                rejects += _leave_out(part.mapping, [(source.name, n) for n in left_out], result)
                source.check_unchanged()
                chunk.finish(result, rejects)
        return chunk.outcome()

    def _read(self, task: RangeTask, part: SourcePart, table: Table) -> Iterator[list[SourceRow]]:
        where = ""
        link = table.link
        if link is not None and self._gives(task, link):
            where = f'"{link}" IS {"NOT NULL" if task.kind == "links" else "NULL"}'
        elif task.kind == "links":
            # No row of this shape points into its own table.
            return iter(())
        return self.sources[part.file].read(
            part.mapping, task.first, task.last, self.options.batch_size, where=where
        )

    def _gives(self, task: RangeTask, column: str) -> bool:
        return column in self.loader(task.table, task.part).result_columns

    def verify(self, task: RangeTask, excused: set[int]) -> VerifyResult:
        """Compare a range of rowids with the target."""
        plan = self.tables[task.table]
        part = plan.parts[task.part]
        source = self.sources[part.file]
        result = VerifyResult()
        verifier = self._verifier(task.table, task.part)
        with driver_errors(f"verifying {plan.table.name}"):
            for batch in source.read(part.mapping, task.first, task.last, self.options.batch_size):
                left_out = excused | self._duplicates(part, batch)
                rows = self._as_numbered(plan, task.part, batch)
                result.add(verifier.compare(source.name, rows, left_out))
        return result

    def _verifier(self, table: int, part: int) -> Verifier:
        return Verifier(
            self.connection,
            self.loader(table, part),
            looks_for_mended=self.options.verify == "only",
        )

    def _duplicates(self, part: SourcePart, rows: Sequence[SourceRow]) -> set[int]:
        """Return the rowids of those rows of a part that were asked to be left out."""
        mapping, source = part.mapping, self.sources[part.file]
        found: set[int] = set()
        if self.options.drop_exact_duplicates and mapping.duplicates:
            found |= source.duplicates(mapping, rows)
        if self.options.drop_expired and mapping.expires is not None:
            place = list(source.prepare(mapping)).index(mapping.expires)
            for row in rows:
                until = timestamp_of(row[place], mapping.expires, mapping, self._reader)
                if until is not None and until <= self._started:
                    found.add(row[0])
        return found

    # -- tables whose rows are merged

    def load_merged(self, number: int) -> Iterator[tuple[ChunkResult, bool]]:
        """Load a table whose rows are merged, chunk by chunk."""
        plan = self.tables[number]
        link = plan.table.link
        for kind in ("merged", "merged links"):
            if kind == "merged links" and link is None and not self._has_last(number):
                continue
            first = 0
            for chunk_rows in self._chunks_of_merged(number, kind):
                last = first + len(chunk_rows) - 1
                yield self._load_merged_chunk(number, kind, first, last, chunk_rows)
                first = last + 1

    def _load_merged_chunk(
        self, number: int, kind: str, first: int, last: int, rows: list[MergedRow]
    ) -> tuple[ChunkResult, bool]:
        plan = self.tables[number]
        with self.ledger.chunk(plan.table, "", plan.parts[0].mapping, kind, first, last) as chunk:
            if chunk.result is None:
                total, rejects = ChunkResult(), list[Reject]()
                duplicates = [
                    (self.sources[plan.parts[row.part].file].name, row.row[0])
                    for row in rows
                    if row.is_duplicate
                ]
                rows = [row for row in rows if not row.is_duplicate]
                kept, refused = self._set_aside(number, rows, total)
                rejects += refused
                rows = [row for row in rows if row.refusal is None]
                names = {
                    part: self.sources[plan.parts[part].file].name
                    for part in sorted({row.part for row in rows})
                }
                # Rows of one shape go together where their order counts, else those of a file.
                shapes: dict[object, dict[int, str]] = {}
                for part, name in names.items():
                    shape = plan.parts[part].mapping.name if plan.order else part
                    shapes.setdefault(shape, {})[part] = name
                for shape_names in shapes.values():
                    result, bad = self.loader(number, next(iter(shape_names))).load(
                        lambda names=shape_names: _batches(  # type: ignore[misc]
                            rows, names, self.options.batch_size
                        )
                    )
                    total.add(result)
                    rejects += bad
                rejects += _leave_out(plan.parts[0].mapping, duplicates, total)
                total.merged = sum(row.folded for row in rows)
                total.read += total.merged
                for source in self.sources:
                    source.check_unchanged()
                chunk.finish(total, [*rejects, *kept])
        return chunk.outcome()

    def _set_aside(
        self, number: int, rows: list[MergedRow], total: ChunkResult
    ) -> tuple[list[Reject], list[Reject]]:
        """Return what merging dropped, to be kept in a file, and what it refused; count both."""
        plan = self.tables[number]
        kept, refused = [], []
        for row in rows:
            for dropped in row.dropped:
                name = self.sources[plan.parts[dropped.part].file].name
                loader = self.loader(number, dropped.part)
                reject = loader.reject(name, dropped.row, dropped.reason, None)
                kept.append(replace(reject, kind="merged"))
                total.notes[f"merged: {dropped.reason}"] += 1
            if row.refusal is not None:
                name = self.sources[plan.parts[row.part].file].name
                column, reason = row.refusal
                refused.append(self.loader(number, row.part).reject(name, row.row, reason, column))
        total.kept_aside += len(kept)
        total.read += len(refused)
        total.rejected += len(refused)
        return kept, refused

    def _chunks_of_merged(self, number: int, kind: str) -> Iterator[list[MergedRow]]:
        link = self.tables[number].table.link
        chunk: list[MergedRow] = []
        characters = 0
        for row in self.merged(number):
            if (kind == "merged links") != self._is_later(number, row, link):
                continue
            chunk.append(row)
            characters += sum(len(value) for value in row.row if isinstance(value, str))
            is_full = len(chunk) >= self.options.commit_size or characters >= _CHUNK_CHARACTERS
            # Rows that point into their own table stay together.
            if is_full and (kind == "merged" or link is None):
                yield chunk
                chunk, characters = [], 0
        if chunk:
            yield chunk

    def _has_last(self, number: int) -> bool:
        return any(part.mapping.merge.last for part in self.tables[number].parts)

    def _is_later(self, number: int, row: MergedRow, link: str | None) -> bool:
        """Tell whether a row is stored after the others: it points at one, or gives way to one."""
        if self.tables[number].parts[row.part].mapping.merge.last:
            return True
        columns = self.loader(number, row.part).result_columns
        return (
            link is not None and link in columns and row.row[list(columns).index(link)] is not None
        )

    def merged(self, number: int) -> Iterator[MergedRow]:
        """Read the rows of a table from all files and merge those of one key."""
        plan = self.tables[number]
        # Loaders of their own: what they count is not what is loaded.
        parts = [
            Part(
                self.sources[part.file],
                part.mapping,
                self._make_loader(plan, place),
                partial(self._duplicates, part),
            )
            for place, part in enumerate(plan.parts)
        ]
        rows = merged_rows(
            parts,
            plan.key,
            partial(self._numbers.number_of, plan.table),
            self._are_related,
            self.options.batch_size,
        )
        return rows if plan.order is None else in_order(rows, parts, plan.order)

    def _are_related(self, one: Part, other: Part) -> bool:
        """Tell whether one of two files is a copy of the other, or of what both were copied from.

        The older Aragora says so of a file that it consolidated. Else they are when a table holds
        a row of one key and one time of creation in both.
        """
        files = frozenset({one.source.name, other.source.name})
        if one.source.is_consolidated or other.source.is_consolidated:
            return True
        if files not in self._related:
            self._related[files] = any(
                self._share_rows(plan, files)
                for plan in self.tables
                if plan.parts[0].mapping.copies - COUNTERS
            )
        return self._related[files]

    def _share_rows(self, plan: TablePlan, files: frozenset[str]) -> bool:
        found = []
        for part in plan.parts:
            source = self.sources[part.file]
            if source.name in files:
                columns = [*part.mapping.key, *sorted(part.mapping.copies - set(part.mapping.key))]
                found.append(set(source.first_values(part.mapping, columns, _SAMPLE)))
        return len(found) > 1 and bool(set.intersection(*found))

    def verify_merged(self, number: int, excused: set[tuple[str, int]]) -> Iterator[VerifyResult]:
        """Compare the merged rows of a table with the target."""
        plan = self.tables[number]
        verifiers = [self._verifier(number, part) for part in range(len(plan.parts))]
        with driver_errors(f"verifying {plan.table.name}"):
            for chunk in self._chunks_of_merged_for_verifying(number):
                for part, verifier in enumerate(verifiers):
                    name = self.sources[plan.parts[part].file].name
                    rowids = {rowid for file, rowid in excused if file == name}
                    rows = [row for row in chunk if row.part == part]
                    wanted = [row.row for row in rows if not (row.is_duplicate or row.refusal)]
                    result = verifier.compare(name, self._as_numbered(plan, part, wanted), rowids)
                    result.merged += sum(row.folded for row in rows)
                    result.excused += sum(row.is_duplicate for row in rows)
                    for row in rows:
                        if row.refusal and row.row[0] in rowids:
                            result.excused += 1
                        elif row.refusal:
                            verifier.add_refused(result, name, row.row, *row.refusal)
                    yield result

    def _chunks_of_merged_for_verifying(self, number: int) -> Iterator[list[MergedRow]]:
        chunk: list[MergedRow] = []
        for row in self.merged(number):
            chunk.append(row)
            if len(chunk) >= self.options.batch_size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def _leave_out(
    mapping: Mapping, places: list[tuple[str, int]], result: ChunkResult
) -> list[Reject]:
    """Count what is at these places as left out on request; return what the ledger keeps."""
    result.read += len(places)
    result.left_out += len(places)
    if places:
        why = "is over" if mapping.expires else "repeats an earlier row of its file"
        result.notes[f"{why}: left out"] += len(places)
    return [
        Reject(mapping.target, file, rowid, {}, {}, "", None, is_left_out=True)
        for file, rowid in places
    ]


def _batches(
    rows: Iterable[MergedRow], names: dict[int, str], size: int
) -> Iterator[tuple[str, list[SourceRow]]]:
    """Give the rows of some parts, whose files have these names, in batches of one file each."""
    chosen = (row for row in rows if row.part in names)
    for part, of_part in groupby(chosen, key=lambda row: row.part):
        while batch := [row.row for row in islice(of_part, size)]:
            yield names[part], batch
