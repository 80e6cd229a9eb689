"""Loads a range of mapped rows into a target table, in one transaction.

The first way is direct: COPY into the target. It is fast, and all or nothing: any trouble undoes
it, and the range goes through the stage (:mod:`.staging`), row by row.

Names of tables and columns are known at run time only, so these statements are composed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from aragora_sql.errors import ConfigurationError, DatabaseError
from aragora_sql.migration.bad_values import BadValueError
from aragora_sql.migration.conversion import Converter, SuspiciousError, converter_for
from aragora_sql.migration.lines import as_lines, copy_lines_statement
from aragora_sql.migration.mappings import NOTE_PREFIX, ROWID_COLUMN, Mapping, bad_mapping
from aragora_sql.migration.rejects import Reject
from aragora_sql.migration.report import ChunkResult
from aragora_sql.migration.staging import (
    LoadOptions,
    Place,
    Renumber,
    Stage,
    is_about_a_row,
)
from aragora_sql.migration.target import PgConnection, Table
from aragora_sql.migration.timestamps import TimestampReader

__all__ = ["BadRowError", "Batches", "Loader", "SourceRow"]

SourceRow = tuple[Any, ...]
# Gives the rows of a range again each time it is called: (file, rows), in batches.
Batches = Callable[[], Iterable[tuple[str, list[SourceRow]]]]

# Text of an index whose columns hold no more characters than this fits into an entry of it, of
# which a third of a page is the limit (2,704 bytes): a character has at most four bytes.
_FITS_INDEX = 600
# After so many ranges in a row that could not be copied directly, direct is not tried any more.
_PATIENCE = 3


class _DirectFailedError(Exception):
    """Copying directly did not work; the range has to be staged."""


@dataclass(slots=True)
class Loader:
    """Loads rows of one mapping into its table, on one connection.

    ``origin`` gives the file that a row comes from, where the source only gathers them;
    ``renumber`` gives rows new numbers whose number another record of the target has.
    """

    connection: PgConnection
    table: Table
    mapping: Mapping
    result_columns: Sequence[str]
    reader: TimestampReader
    options: LoadOptions
    is_direct_possible: bool = True
    origin: Callable[[int], str] | None = None
    renumber: Renumber | None = None
    columns: list[str] = field(init=False)
    converters: list[Converter] = field(init=False)
    _picks: list[int] = field(init=False)
    _notes: list[int] = field(init=False)
    _indexed: list[int] = field(init=False)
    _failures: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        names = list(self.result_columns)
        if names[:1] != [ROWID_COLUMN]:
            raise bad_mapping(self.mapping, f"its first column is not {ROWID_COLUMN}")
        self._notes = [i for i, name in enumerate(names) if name.startswith(NOTE_PREFIX)]
        self._picks = [i for i in range(1, len(names)) if i not in self._notes]
        self.columns = [names[i] for i in self._picks]
        self._indexed = [
            self.columns.index(n) for n in self.table.indexed_text if n in self.columns
        ]
        self.converters = []
        for name in self.columns:
            column = self.table.column(name)
            if column is None:
                raise bad_mapping(self.mapping, f"{self.table.name} has no column {name!r}")
            try:
                converter = converter_for(
                    column,
                    self.reader,
                    json_text=name in self.mapping.json_text,
                    unix=name in self.mapping.unix,
                    utc=name in self.mapping.utc,
                )
            except ConfigurationError as error:
                raise bad_mapping(self.mapping, f"{self.table.name}: {error}") from error
            self.converters.append(converter)
        for column in self.table.columns:
            if column.not_null and not column.has_default and column.name not in self.columns:
                raise bad_mapping(self.mapping, f"it gives no value for {column.name!r}")

    # -- the two ways

    def load(self, batches: Batches) -> tuple[ChunkResult, list[Reject]]:
        """Load a range; the caller's transaction keeps or undoes it.

        Raises :class:`DatabaseError` (or psycopg's own) for what is not about rows.
        """
        if self.is_direct_possible and self._failures < _PATIENCE:
            try:
                with self.connection.transaction():
                    result = self._copy_directly(batches)
                self._failures = 0
                return result, []
            except _DirectFailedError:
                self._failures += 1
        return self._load_staged(batches)

    def _copy_directly(self, batches: Batches) -> ChunkResult:
        self.reader.counts.clear()
        result = ChunkResult()
        try:
            with self.connection.cursor() as cursor:
                with cursor.copy(copy_lines_statement(self.table.name, self.columns)) as copy:
                    for _, rows in batches():
                        result.read += len(rows)
                        for index in self._notes:
                            result.notes.update(
                                str(row[index]) for row in rows if row[index] is not None
                            )
                        copy.write(as_lines(self._convert_fitting(rows)))
                result.migrated = cursor.rowcount
        except (SuspiciousError, UnicodeEncodeError) as error:
            raise _DirectFailedError from error
        except psycopg.Error as error:
            # Without a code it is psycopg's own refusal of a value, or a lost connection.
            if self.connection.broken or not is_about_a_row(error):
                raise
            raise _DirectFailedError from error
        if result.migrated != result.read:
            raise DatabaseError(
                f"{self.table.name}: {result.read} rows were sent and the server says it took "
                f"{result.migrated}: a trigger or a rule of the target drops rows"
            )
        result.notes.update(self.reader.counts)
        return result

    def _convert_fitting(self, rows: list[SourceRow]) -> list[Sequence[Any]]:
        """Convert rows column by column, unless one is so long that an index may refuse it.

        An index that was dropped for the load can't refuse a row by itself before it is built.
        """
        converted = self._convert_columns(rows)
        longest = sum(
            max(map(len, filter(None, converted[place])), default=0) for place in self._indexed
        )
        if longest > _FITS_INDEX:
            raise SuspiciousError
        return converted

    def is_long(self, row: tuple[Any, ...]) -> bool:
        """Tell whether the indexed text of a converted row may be too long for an index."""
        return sum(len(row[place] or "") for place in self._indexed) > _FITS_INDEX

    def convert_compared(self, rows: list[SourceRow]) -> list[Sequence[Any]]:
        """Convert rows column by column, to what is compared with the target's.

        Raises :class:`SuspiciousError` when a value has to be looked at by itself.
        """
        turned = list(zip(*rows, strict=True))
        return [
            converter.compared(turned[pick])
            for converter, pick in zip(self.converters, self._picks, strict=True)
        ]

    def _convert_columns(self, rows: list[SourceRow]) -> list[Sequence[Any]]:
        turned = list(zip(*rows, strict=True))
        return [
            converter.many(turned[pick])
            for converter, pick in zip(self.converters, self._picks, strict=True)
        ]

    def _load_staged(self, batches: Batches) -> tuple[ChunkResult, list[Reject]]:
        result, rejects = ChunkResult(), list[Reject]()
        staged: dict[int, Place] = {}
        noted: dict[int, list[str]] = {}
        with self.connection.transaction():
            stage = Stage(
                self.connection,
                self.table,
                self.mapping,
                self.columns,
                self.options,
                self.origin,
                self.renumber,
            )
            stage.create()
            ordinal = 0
            for file, rows in batches():
                result.read += len(rows)
                batch: list[tuple[int, tuple[Any, ...]]] = []
                for row in rows:
                    ordinal += 1
                    staged[ordinal] = (file, row[0])
                    converted = self._convert_row(file, row, rejects)
                    if converted is not None:
                        batch.append((ordinal, converted))
                        if notes := self._notes_of(row):
                            noted[ordinal] = notes
                by_ordinal = dict(
                    zip(range(ordinal - len(rows) + 1, ordinal + 1), rows, strict=True)
                )
                if any(self.is_long(converted) for _, converted in batch):
                    stage.make_indexes()
                for bad, reason, column in stage.copy(batch):
                    rejects.append(self.reject(file, by_ordinal[bad], reason, column))
            stage.settle_existing(result, rejects, staged)
            stage.settle_orphans(noted, rejects, staged)
            stage.settle_taken(noted, rejects, staged)
            result.migrated = stage.insert(result, rejects, staged)
            for inserted in stage.staged_of(list(noted)) if noted else ():
                result.notes.update(noted[inserted])
            stage.drop()
        result.left_out = sum(reject.is_left_out for reject in rejects)
        kept = sum(reject.kind == "merged" for reject in rejects)
        result.rejected = len(rejects) - result.left_out - kept
        return result, rejects

    # -- conversion

    def _notes_of(self, row: SourceRow) -> list[str]:
        """Return what is to be counted of a row that was just converted."""
        notes = [str(row[index]) for index in self._notes if row[index] is not None]
        return [*notes, *self.reader.counts.elements()]

    def convert(self, row: SourceRow) -> tuple[Any, ...]:
        """Convert a row value by value. Raises :class:`BadRowError`."""
        converted = []
        for converter, pick in zip(self.converters, self._picks, strict=True):
            try:
                converted.append(converter.one(row[pick]))
            except BadValueError as error:
                raise BadRowError(converter.column, str(error)) from error
        return tuple(converted)

    def convert_value(self, row: SourceRow, name: str) -> Any:
        """Convert one value of a row. Raises :class:`BadRowError`."""
        place = self.columns.index(name)
        try:
            return self.converters[place].one(row[self._picks[place]])
        except BadValueError as error:
            raise BadRowError(name, str(error)) from error

    def _convert_row(
        self, file: str, row: SourceRow, rejects: list[Reject]
    ) -> tuple[Any, ...] | None:
        self.reader.counts.clear()
        try:
            return self.convert(row)
        except BadRowError as error:
            rejects.append(self.reject(file, row, error.reason, error.column))
            return None

    def reject(self, file: str, row: SourceRow, reason: str, column: str | None) -> Reject:
        """Return a row as one that was not migrated, with the reason."""
        values = {name: row[i] for name, i in zip(self.columns, self._picks, strict=True)}
        return Reject(
            table=self.table.name,
            source_file=file,
            origin=None if self.origin is None else self.origin(row[0]),
            rowid=row[0],
            key={name: values[name] for name in self.mapping.key},
            row=values,
            reason=reason,
            column=column,
            secrets=self.mapping.secrets,
        )


class BadRowError(Exception):
    """A row can't be converted: the column and the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason
