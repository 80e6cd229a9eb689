"""Loads a range of mapped rows into a target table.

Two ways, in one transaction:

* **direct**: COPY into the target. Fast, and all or nothing: any trouble undoes it.
* **staged**: the rows are converted one by one, COPY'd into a temporary table that has the target's
  rules, batch by batch; a row that is refused is taken out with its reason. What is in the target
  already, and what has no parent there, is found by joins; the rest is inserted.

Names of tables and columns are known at run time only, so these statements are composed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import psycopg
from psycopg import sql

from aragora_sql.errors import DatabaseError
from aragora_sql.migration.conversion import (
    BadValueError,
    Converter,
    SuspiciousError,
    TimestampReader,
    converter_for,
)
from aragora_sql.migration.mappings import NOTE_PREFIX, ROWID_COLUMN, Mapping, bad_mapping
from aragora_sql.migration.rejects import Reject
from aragora_sql.migration.report import SHOWN_KEYS, ChunkResult
from aragora_sql.migration.target import PgConnection, Reference, Table

__all__ = ["Batches", "LoadOptions", "Loader", "Orphans", "SourceRow"]

Orphans = Literal["reject", "null", "leave-out"]
SourceRow = tuple[Any, ...]
# Gives the rows of a range again each time it is called: (file, rows), in batches.
Batches = Callable[[], Iterable[tuple[str, list[SourceRow]]]]

_STAGE = "_migration_stage"
_ORDINAL = "_migration_row"
_LINE = re.compile(r"\bline (\d+)")
# Refusals of a whole statement that are not about one row.
_NOT_A_ROW = ("08", "53", "54", "55", "57", "58", "XX", "25", "40", "42", "3D", "3F")
_UNIQUE = "23505"
# After so many ranges in a row that could not be copied directly, direct is not tried any more.
_PATIENCE = 3

# How the reason of a row begins that breaks a constraint of the target.
BROKEN_RULE = "breaks the rule"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How rows are treated. ``check_schema`` is the schema in which existing rows are looked up
    when it is not the one that is loaded (a dry run).
    """

    orphans: Orphans = "reject"
    skip_existing: bool = True
    existing_in: str | None = None


class _DirectFailedError(Exception):
    """Copying directly did not work; the range has to be staged."""


# Where a staged row stands in its source: the file and the rowid. The rest is in the stage.
_Place = tuple[str, int]


@dataclass(slots=True)
class Loader:
    """Loads rows of one mapping into its table, on one connection."""

    connection: PgConnection
    table: Table
    mapping: Mapping
    result_columns: Sequence[str]
    reader: TimestampReader
    options: LoadOptions
    is_direct_possible: bool = True
    columns: list[str] = field(init=False)
    converters: list[Converter] = field(init=False)
    _picks: list[int] = field(init=False)
    _notes: list[int] = field(init=False)
    _failures: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        names = list(self.result_columns)
        if names[:1] != [ROWID_COLUMN]:
            raise bad_mapping(self.mapping, f"its first column is not {ROWID_COLUMN}")
        self._notes = [i for i, name in enumerate(names) if name.startswith(NOTE_PREFIX)]
        self._picks = [i for i in range(1, len(names)) if i not in self._notes]
        self.columns = [names[i] for i in self._picks]
        self.converters = []
        for name in self.columns:
            column = self.table.column(name)
            if column is None:
                raise bad_mapping(self.mapping, f"{self.table.name} has no column {name!r}")
            self.converters.append(
                converter_for(
                    column,
                    self.reader,
                    json_text=name in self.mapping.json_text,
                    unix=name in self.mapping.unix,
                    utc=name in self.mapping.utc,
                )
            )
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
                with cursor.copy(self._copy_statement(self.table.name, self.columns)) as copy:
                    write = copy.write_row
                    for _, rows in batches():
                        result.read += len(rows)
                        for index in self._notes:
                            result.notes.update(
                                str(row[index]) for row in rows if row[index] is not None
                            )
                        for row in self.convert_batch(rows):
                            write(row)
                result.migrated = cursor.rowcount
        except (SuspiciousError, UnicodeEncodeError) as error:
            raise _DirectFailedError from error
        except psycopg.Error as error:
            # Without a code it is psycopg's own refusal of a value, or a lost connection.
            if self.connection.broken or not _is_about_a_row(error):
                raise
            raise _DirectFailedError from error
        if result.migrated != result.read:
            raise DatabaseError(
                f"{self.table.name}: {result.read} rows were sent and the server says it took "
                f"{result.migrated}: a trigger or a rule of the target drops rows"
            )
        result.notes.update(self.reader.counts)
        return result

    def convert_batch(self, rows: list[SourceRow]) -> Iterator[tuple[Any, ...]]:
        """Convert rows all at once, to what COPY takes.

        Raises :class:`SuspiciousError` when a value has to be looked at by itself.
        """
        turned = list(zip(*rows, strict=True))
        return zip(
            *(
                converter.many(turned[pick])
                for converter, pick in zip(self.converters, self._picks, strict=True)
            ),
            strict=True,
        )

    def _load_staged(self, batches: Batches) -> tuple[ChunkResult, list[Reject]]:
        result, rejects = ChunkResult(), list[Reject]()
        staged: dict[int, _Place] = {}
        noted: dict[int, list[str]] = {}
        with self.connection.transaction():
            self._create_stage()
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
                for bad, reason, column in self._copy_isolating(batch):
                    rejects.append(self._reject(file, by_ordinal[bad], reason, column))
            self._settle_existing(result, rejects, staged)
            self._settle_orphans(noted, rejects, staged)
            result.migrated = self._insert_staged(result, rejects, staged)
            self._count_notes(noted, result)
            self.connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(_STAGE)))
        result.left_out = sum(reject.is_left_out for reject in rejects)
        result.rejected = len(rejects) - result.left_out
        return result, rejects

    # -- conversion

    def _notes_of(self, row: SourceRow) -> list[str]:
        """Return what is to be counted of a row that was just converted."""
        notes = [str(row[index]) for index in self._notes if row[index] is not None]
        return [*notes, *self.reader.counts.elements()]

    def _count_notes(self, noted: dict[int, list[str]], result: ChunkResult) -> None:
        """Count the notes of rows that were inserted: all that are still in the stage."""
        if not noted:
            return
        inserted = sql.SQL("SELECT {0} FROM {1} WHERE {0} = ANY(%s)").format(
            sql.Identifier(_ORDINAL), sql.Identifier("pg_temp", _STAGE)
        )
        for (ordinal,) in self.connection.execute(inserted, [list(noted)]):
            result.notes.update(noted[ordinal])

    def convert(self, row: SourceRow) -> tuple[Any, ...]:
        """Convert a row value by value. Raises :class:`BadRowError`."""
        converted = []
        for converter, pick in zip(self.converters, self._picks, strict=True):
            try:
                converted.append(converter.one(row[pick]))
            except BadValueError as error:
                raise BadRowError(converter.column, str(error)) from error
        return tuple(converted)

    def _convert_row(
        self, file: str, row: SourceRow, rejects: list[Reject]
    ) -> tuple[Any, ...] | None:
        self.reader.counts.clear()
        try:
            return self.convert(row)
        except BadRowError as error:
            rejects.append(self._reject(file, row, error.reason, error.column))
            return None

    def _reject(self, file: str, row: SourceRow, reason: str, column: str | None) -> Reject:
        values = {name: row[i] for name, i in zip(self.columns, self._picks, strict=True)}
        return Reject(
            table=self.table.name,
            source_file=file,
            rowid=row[0],
            key={name: values[name] for name in self.mapping.key},
            row=values,
            reason=reason,
            column=column,
        )

    # -- staging

    @property
    def _key(self) -> Sequence[str]:
        return self.mapping.key or self.columns

    def _copy_statement(self, table: str, columns: Sequence[str]) -> sql.Composed:
        return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names(columns))

    def _create_stage(self) -> None:
        stage = sql.Identifier(_STAGE)
        self.connection.execute(
            sql.SQL(
                "CREATE TEMP TABLE {stage} (LIKE {table} INCLUDING CONSTRAINTS INCLUDING DEFAULTS) "
                "ON COMMIT DROP"
            ).format(stage=stage, table=sql.Identifier(self.table.name))
        )
        # Numbers that the target makes itself, and what it computes, are not staged.
        kept = {column.name for column in self.table.columns}
        dropped = [
            row[0]
            for row in self.connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) "
                "AND attnum > 0 AND NOT attisdropped",
                [f"pg_temp.{_STAGE}"],
            )
            if row[0] not in kept
        ]
        changes = [sql.SQL("ADD {} bigint").format(sql.Identifier(_ORDINAL))]
        changes += [sql.SQL("DROP {}").format(sql.Identifier(name)) for name in dropped]
        # An identity's column is NOT NULL there and has no default here.
        changes += [
            sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(column.name))
            for column in self.table.columns
            if column.name not in self.columns
        ]
        self.connection.execute(
            sql.SQL("ALTER TABLE {} ").format(stage) + sql.SQL(", ").join(changes)
        )

    def _copy_isolating(
        self, batch: list[tuple[int, tuple[Any, ...]]]
    ) -> Iterator[tuple[int, str, str | None]]:
        """Copy rows into the stage; yield (ordinal, reason, column) of those that are refused."""
        start = 0
        while start < len(batch):
            try:
                self._copy_to_stage(batch[start:])
                return
            except psycopg.Error as error:
                if self.connection.broken or not _is_about_a_row(error):
                    raise
                reason, column = self._explain(error)
                line = _LINE.search(error.diag.context or "")
                if line is None:
                    # psycopg refused a value before anything was sent, or no line is named.
                    yield from self._halve(batch[start:], reason, column)
                    return
            good = int(line[1]) - 1
            if good:
                self._copy_to_stage(batch[start : start + good])
            yield batch[start + good][0], reason, column
            start += good + 1

    def _halve(
        self, batch: list[tuple[int, tuple[Any, ...]]], reason: str, column: str | None
    ) -> Iterator[tuple[int, str, str | None]]:
        if len(batch) == 1:
            yield batch[0][0], reason, column
            return
        middle = len(batch) // 2
        yield from self._copy_isolating(batch[:middle])
        yield from self._copy_isolating(batch[middle:])

    def _copy_to_stage(self, batch: list[tuple[int, tuple[Any, ...]]]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            statement = self._copy_statement(_STAGE, [_ORDINAL, *self.columns])
            with cursor.copy(statement) as copy:
                for ordinal, row in batch:
                    copy.write_row((ordinal, *row))

    def _explain(self, error: psycopg.Error) -> tuple[str, str | None]:
        """Return the reason and the column of a refusal."""
        diag = error.diag
        rule = self.table.rules.get(diag.constraint_name or "")
        if rule is not None:
            columns, definition = rule
            reason = f"{BROKEN_RULE} {diag.constraint_name}: {definition}"
            # What is compared with the key is to blame, not the key.
            columns = tuple(name for name in columns if name not in self.mapping.key) or columns
            return reason, columns[0] if len(columns) == 1 else None
        primary = diag.message_primary or " ".join(str(error).split())
        column = diag.column_name
        named = re.search(r"\bcolumn (\w+)", diag.context or "")
        if column is None and named and named[1] in self.columns:
            column = named[1]
        return primary, column

    def _settle_existing(
        self,
        result: ChunkResult,
        rejects: list[Reject],
        staged: dict[int, _Place],
        first: int = 1,
        last: int = 2**62,
    ) -> int:
        """Take rows out of the stage whose key is in the target, and return how many."""
        same = sql.SQL(" AND ").join(self._equal(name) for name in self._key)
        compared = [name for name in self.columns if name not in self._key]
        differs: sql.Composable = sql.SQL(" OR ").join(map(self._differs, compared))
        statement = sql.SQL(
            "SELECT s.{ordinal}, bool_and({differs}), min({key}) FROM {stage} AS s "
            "JOIN {table} AS t ON {same} WHERE s.{ordinal} BETWEEN %s AND %s "
            "GROUP BY s.{ordinal} ORDER BY s.{ordinal}"
        ).format(
            ordinal=sql.Identifier(_ORDINAL),
            differs=differs if compared else sql.SQL("false"),
            key=self._shown_key(),
            stage=sql.Identifier("pg_temp", _STAGE),
            table=self._existing_table(self.table.name),
            same=same,
        )
        found = self.connection.execute(statement, [first, last]).fetchall()
        if not self.options.skip_existing:
            reason = "the key is in the target already (--no-skip-existing)"
            ordinals = [ordinal for ordinal, _, _ in found]
            rejects += self._staged_rejects(ordinals, staged, reason, None)
        else:
            result.already_there += len(found)
            result.different += sum(is_different for _, is_different, _ in found)
            result.different_keys += [key for _, differs, key in found if differs]
            del result.different_keys[SHOWN_KEYS:]
        self._remove([ordinal for ordinal, _, _ in found])
        return len(found)

    def _shown_key(self) -> sql.Composable:
        names = self.mapping.key or self.columns[:1]
        return sql.SQL(" || ', ' || ").join(
            sql.SQL("left(s.{}::text, 200)").format(sql.Identifier(name)) for name in names
        )

    def _equal(self, name: str) -> sql.Composable:
        column = sql.Identifier(name)
        known = self.table.column(name)
        if name in self.mapping.key or (known is not None and known.not_null):
            return sql.SQL("s.{0} = t.{0}").format(column)
        return sql.SQL("s.{0} IS NOT DISTINCT FROM t.{0}").format(column)

    def _differs(self, name: str) -> sql.Composable:
        differs = sql.SQL("s.{0} IS DISTINCT FROM t.{0}").format(sql.Identifier(name))
        for reference in self.table.references:
            if reference.column == name and self._may_be_cut(reference):
                # It was set to NULL when the row came here, and would be again.
                differs = sql.SQL("({} AND NOT (t.{} IS NULL AND {}))").format(
                    differs, sql.Identifier(name), self._is_missing(reference)
                )
        return differs

    def _existing_table(self, name: str) -> sql.Identifier:
        schema = self.options.existing_in
        return sql.Identifier(schema, name) if schema else sql.Identifier(name)

    def _settle_orphans(
        self, noted: dict[int, list[str]], rejects: list[Reject], staged: dict[int, _Place]
    ) -> None:
        """Deal with rows in the stage whose parent is not in the target."""
        for reference in self.table.references:
            if reference.column not in self.columns:
                continue
            orphans = [row[0] for row in self.connection.execute(self._find_orphans(reference))]
            if not orphans:
                continue
            if self._may_be_cut(reference):
                self.connection.execute(
                    sql.SQL("UPDATE {} SET {} = NULL WHERE {} = ANY(%s)").format(
                        sql.Identifier("pg_temp", _STAGE),
                        sql.Identifier(reference.column),
                        sql.Identifier(_ORDINAL),
                    ),
                    [orphans],
                )
                note = f"{reference.column} points to no row of {reference.parent}: set to NULL"
                for ordinal in orphans:
                    noted.setdefault(ordinal, []).append(note)
                continue
            reason = f"no row of {reference.parent} has this {reference.parent_column}"
            found = self._staged_rejects(orphans, staged, reason, reference.column)
            if self.options.orphans == "leave-out":
                found = [replace(reject, is_left_out=True) for reject in found]
            rejects += found
            self._remove(orphans)

    def _may_be_cut(self, reference: Reference) -> bool:
        """Tell whether a reference to a row that is nowhere becomes NULL."""
        column = self.table.column(reference.column)
        can_be_null = column is not None and not column.not_null
        is_link = reference.column == self.table.link
        return is_link or (self.options.orphans == "null" and can_be_null)

    def _is_missing(self, reference: Reference) -> sql.Composed:
        parents: list[sql.Composable] = [sql.Identifier(reference.parent)]
        if self.options.existing_in:
            parents.append(sql.Identifier(self.options.existing_in, reference.parent))
        if reference.parent == self.table.name:
            parents.append(sql.Identifier("pg_temp", _STAGE))
        return sql.SQL(" AND ").join(
            sql.SQL("NOT EXISTS (SELECT FROM {} AS p WHERE p.{} = s.{})").format(
                parent,
                sql.Identifier(reference.parent_column),
                sql.Identifier(reference.column),
            )
            for parent in parents
        )

    def _find_orphans(self, reference: Reference) -> sql.Composed:
        return sql.SQL("SELECT s.{} FROM {} AS s WHERE s.{} IS NOT NULL AND {}").format(
            sql.Identifier(_ORDINAL),
            sql.Identifier("pg_temp", _STAGE),
            sql.Identifier(reference.column),
            self._is_missing(reference),
        )

    def _insert_staged(
        self, result: ChunkResult, rejects: list[Reject], staged: dict[int, _Place]
    ) -> int:
        columns = _names(self.columns)
        insert = sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage} "
            "WHERE {ordinal} BETWEEN %s AND %s ORDER BY {ordinal}"
        ).format(
            table=sql.Identifier(self.table.name),
            columns=columns,
            stage=sql.Identifier("pg_temp", _STAGE),
            ordinal=sql.Identifier(_ORDINAL),
        )

        def insert_range(first: int, last: int) -> int:
            try:
                with self.connection.transaction():
                    return self.connection.execute(insert, [first, last]).rowcount
            except psycopg.Error as error:
                if self.connection.broken or not _is_about_a_row(error):
                    raise
                if first == last:
                    # The application may have stored it since the stage was looked through.
                    if error.sqlstate == _UNIQUE and self._settle_existing(
                        result, rejects, staged, first, last
                    ):
                        return 0
                    reason, column = self._explain(error)
                    rejects.extend(self._staged_rejects([first], staged, reason, column))
                    self._remove([first])
                    return 0
            middle = (first + last) // 2
            return insert_range(first, middle) + insert_range(middle + 1, last)

        return insert_range(1, max(staged)) if staged else 0

    def _remove(self, ordinals: list[int]) -> None:
        self.connection.execute(
            sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                sql.Identifier("pg_temp", _STAGE), sql.Identifier(_ORDINAL)
            ),
            [ordinals],
        )

    def _staged_rejects(
        self, ordinals: list[int], staged: dict[int, _Place], reason: str, column: str | None
    ) -> list[Reject]:
        """Make rejects of rows that are in the stage; their values come back from there."""
        rows = self.connection.execute(
            sql.SQL("SELECT {}, {} FROM {} WHERE {} = ANY(%s) ORDER BY 1").format(
                sql.Identifier(_ORDINAL),
                sql.SQL(", ").join(
                    sql.Identifier(name) + sql.SQL(_plain_cast(self.table, name))
                    for name in self.columns
                ),
                sql.Identifier("pg_temp", _STAGE),
                sql.Identifier(_ORDINAL),
            ),
            [ordinals],
        ).fetchall()
        return [
            Reject(
                table=self.table.name,
                source_file=staged[ordinal][0],
                rowid=staged[ordinal][1],
                key={
                    name: value
                    for name, value in zip(self.columns, values, strict=True)
                    if name in self.mapping.key
                },
                row=dict(zip(self.columns, values, strict=True)),
                reason=reason,
                column=column,
            )
            for ordinal, *values in rows
        ]


class BadRowError(Exception):
    """A row can't be converted: the column and the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


def _plain_cast(table: Table, name: str) -> str:
    """Return the cast with which a staged value comes back as a reject file holds it."""
    column = table.column(name)
    kind = column.type if column else "text"
    if kind in {"jsonb", "json", "timestamp with time zone"}:
        return "::text"
    return "::integer" if kind == "boolean" else ""


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def _is_about_a_row(error: psycopg.Error) -> bool:
    """Tell whether an error is the fault of a row, not of the server or the statement."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.DataError)
    return not state.startswith(_NOT_A_ROW)
