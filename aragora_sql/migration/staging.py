"""Loads rows one by one by way of a temporary table, so that a bad row takes no other with it.

Rows are copied into a table that has the target's rules, batch by batch; a row that is refused is
taken out with its reason. What is in the target already, and what has no parent there, is found by
joins; the rest is inserted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import psycopg
from psycopg import sql

from aragora_sql.migration.mappings import Mapping
from aragora_sql.migration.numbered import without_number
from aragora_sql.migration.rejects import BROKEN_RULE, Reject
from aragora_sql.migration.report import SHOWN_KEYS, ChunkResult
from aragora_sql.migration.target import PgConnection, Reference, Table

__all__ = [
    "LoadOptions",
    "Orphans",
    "Place",
    "Stage",
    "copy_statement",
    "is_about_a_row",
    "names_of",
]

Orphans = Literal["reject", "null", "leave-out"]
_STAGE = "_migration_stage"
_ORDINAL = "_migration_row"
_LINE = re.compile(r"\bline (\d+)")
# A value is too long for an index, or for the type of a column.
_LIMIT = "54000"
# Refusals of a whole statement that are not about one row.
_NOT_A_ROW = ("08", "53", "54", "55", "57", "58", "XX", "25", "40", "42", "3D", "3F")
_UNIQUE = "23505"

# Where a staged row is in its source: the file and the rowid. The rest is in the stage.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How rows are treated. ``existing_in`` is the schema in which existing rows are looked up
    when it is not the one that is loaded (a dry run).
    """

    orphans: Orphans = "reject"
    skip_existing: bool = True
    existing_in: str | None = None


# Gives the new number of a row of a file: (file, rowid).
Renumber = Callable[[str, int], int]


@dataclass(slots=True)
class Stage:
    """The temporary table of one transaction, for rows of one mapping with these ``columns``."""

    connection: PgConnection
    table: Table
    mapping: Mapping
    columns: Sequence[str]
    options: LoadOptions
    origin: Callable[[int], str] | None = None
    renumber: Renumber | None = None
    _indexes: dict[str, str] = field(init=False, default_factory=dict)

    @property
    def _key(self) -> Sequence[str]:
        return self.mapping.key or self.columns

    def create(self) -> None:
        """Make the table, with the target's rules."""
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

    def make_indexes(self) -> None:
        """Give the stage the target's indexes, which refuse what is too long for them.

        Those of the target may have been dropped for the load. A unique one refuses nothing more
        here: whose key is in the stage twice is found out by the target.
        """
        if self._indexes:
            return
        stage = sql.Identifier("pg_temp", _STAGE)
        staged = set(self.columns)
        for number, (name, definition) in enumerate(self.table.indexes):
            method = definition.partition(" USING ")[2]
            if not staged & set(re.findall(r"\w+", method)):
                continue
            own_name = f"{_STAGE}_{number}"
            try:
                with self.connection.transaction():
                    self.connection.execute(
                        sql.SQL("CREATE INDEX {} ON {} USING ").format(
                            sql.Identifier(own_name), stage
                        )
                        + sql.SQL(method)  # of the target's catalog
                    )
            except psycopg.errors.UndefinedColumn:
                # It is about what the target computes.
                continue
            self._indexes[own_name] = name

    def copy(
        self, batch: list[tuple[int, tuple[Any, ...]]]
    ) -> Iterator[tuple[int, str, str | None]]:
        """Copy rows into the stage; yield (ordinal, reason, column) of those that are refused."""
        start = 0
        while start < len(batch):
            try:
                self._copy_to_stage(batch[start:])
                return
            except psycopg.Error as error:
                if self.connection.broken or not is_about_a_row(error):
                    raise
                reason, column = self._explain(error)
                limit = _refusing_index(error)
                line = _LINE.search(error.diag.context or "")
                if line is None:
                    # psycopg refused a value before anything was sent, or no line is named.
                    yield from self._halve(batch[start:], reason, column)
                    return
            good = int(line[1]) - 1
            if good:
                self._copy_to_stage(batch[start : start + good])
            ordinal, row = batch[start + good]
            if limit is not None:
                texts = zip(self.columns, row, strict=True)
                lengths = {name: len(value) for name, value in texts if isinstance(value, str)}
                reason, column = self._too_long(limit, lengths) or (reason, column)
            yield ordinal, reason, column
            start += good + 1

    def _halve(
        self, batch: list[tuple[int, tuple[Any, ...]]], reason: str, column: str | None
    ) -> Iterator[tuple[int, str, str | None]]:
        if len(batch) == 1:
            yield batch[0][0], reason, column
            return
        middle = len(batch) // 2
        yield from self.copy(batch[:middle])
        yield from self.copy(batch[middle:])

    def _copy_to_stage(self, batch: list[tuple[int, tuple[Any, ...]]]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            statement = copy_statement(_STAGE, [_ORDINAL, *self.columns])
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

    def _too_long(self, index: str, lengths: dict[str, int]) -> tuple[str, str] | None:
        """Return why an index refuses a row whose texts have so many characters."""
        name = self._indexes.get(index, index)
        definition = dict(self.table.indexes).get(name, "")
        words = set(re.findall(r"\w+", definition.partition(" USING ")[2]))
        texts = {column: length for column, length in lengths.items() if column in words}
        if not texts:
            return None
        longest = max(texts, key=lambda column: texts[column])
        reason = (
            f"{texts[longest]:,} characters are too long for the index {name}, of which an entry "
            "has at most 2,704 bytes after compression"
        )
        return reason, longest

    def _text_lengths(self, ordinal: int) -> dict[str, int]:
        kinds = {column.name: column.type for column in self.table.columns}
        names = [name for name in self.columns if kinds.get(name) == "text"]
        row = self.connection.execute(
            sql.SQL("SELECT {} FROM {} WHERE {} = %s").format(
                sql.SQL(", ").join(
                    sql.SQL("coalesce(char_length({}), 0)").format(sql.Identifier(name))
                    for name in names
                ),
                sql.Identifier("pg_temp", _STAGE),
                sql.Identifier(_ORDINAL),
            ),
            [ordinal],
        ).fetchone()
        return dict(zip(names, row or (), strict=False))

    def settle_existing(
        self,
        result: ChunkResult,
        rejects: list[Reject],
        staged: dict[int, Place],
        first: int = 1,
        last: int = 2**62,
        *,
        may_renumber: bool = True,
    ) -> int:
        """Take rows out of the stage whose key is in the target, and return how many.

        Where rows get new numbers, those whose number another record has stay, under another one.
        """
        if may_renumber and self.renumber is not None:
            self._give_numbers(self.renumber, staged, first, last)
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

    def _give_numbers(
        self, renumber: Renumber, staged: dict[int, Place], first: int, last: int
    ) -> None:
        """Give those rows of the stage another number whose number another record has."""
        [name] = self._key
        of_another = sql.SQL(" OR ").join(
            sql.SQL("s.{0} IS DISTINCT FROM t.{0}").format(sql.Identifier(column))
            for column in sorted(self.mapping.copies)
        )
        found = self.connection.execute(
            sql.SQL(
                "SELECT s.{ordinal} FROM {stage} AS s JOIN {table} AS t ON s.{key} = t.{key} "
                "WHERE s.{ordinal} BETWEEN %s AND %s AND ({of_another}) ORDER BY s.{ordinal}"
            ).format(
                ordinal=sql.Identifier(_ORDINAL),
                stage=sql.Identifier("pg_temp", _STAGE),
                table=self._existing_table(self.table.name),
                key=sql.Identifier(name),
                of_another=of_another,
            ),
            [first, last],
        ).fetchall()
        changes = [(renumber(*staged[ordinal]), ordinal) for (ordinal,) in found]
        with self.connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
                    sql.Identifier("pg_temp", _STAGE),
                    sql.Identifier(name),
                    sql.Identifier(_ORDINAL),
                ),
                changes,
            )

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
        if name in self.mapping.merge.suffix:
            # The next number was put behind it when the row came here.
            differs = sql.SQL(
                "({0} AND regexp_replace(t.{1}, '-[0-9]+$', '') <> "
                "regexp_replace(s.{1}, '(-[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})-[0-9]+$', '\\1'))"
            ).format(differs, sql.Identifier(name))
        return differs

    def _existing_table(self, name: str) -> sql.Identifier:
        schema = self.options.existing_in
        return sql.Identifier(schema, name) if schema else sql.Identifier(name)

    def settle_orphans(
        self, noted: dict[int, list[str]], rejects: list[Reject], staged: dict[int, Place]
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
        """Tell whether a reference to a missing row becomes NULL."""
        column = self.table.column(reference.column)
        can_be_null = column is not None and not column.not_null
        is_link = reference.column == self.table.link or reference.column in self.mapping.cut
        return is_link or (self.options.orphans == "null" and can_be_null)

    def _places_of(self, name: str) -> list[sql.Composable]:
        """Return where rows of a table are: in the target, and in the stage those of this one."""
        places: list[sql.Composable] = [sql.Identifier(name)]
        if self.options.existing_in:
            places.append(sql.Identifier(self.options.existing_in, name))
        if name == self.table.name:
            places.append(sql.Identifier("pg_temp", _STAGE))
        return places

    def settle_taken(
        self, noted: dict[int, list[str]], rejects: list[Reject], staged: dict[int, Place]
    ) -> None:
        """Put the next number behind texts that another row has, where the mapping says so.

        The rows are kept aside as they were.
        """
        for name in self.mapping.merge.suffix:
            column, stage = sql.Identifier(name), sql.Identifier("pg_temp", _STAGE)
            *targets, _ = self._places_of(self.table.name)
            taken = [
                sql.SQL("EXISTS (SELECT FROM {} AS t WHERE t.{} = s.{})").format(
                    place, column, column
                )
                for place in targets
            ]
            found = self.connection.execute(
                sql.SQL(
                    "SELECT s.{ordinal}, s.{column} FROM (SELECT x.{ordinal}, x.{column}, "
                    "row_number() OVER (PARTITION BY x.{column} ORDER BY x.{ordinal}) AS place "
                    "FROM {stage} AS x) AS s WHERE s.place > 1 OR {taken} ORDER BY 1"
                ).format(
                    ordinal=sql.Identifier(_ORDINAL),
                    column=column,
                    stage=stage,
                    taken=sql.SQL(" OR ").join(taken),
                )
            ).fetchall()
            for ordinal, text in found:
                free = self._next_free(name, text)
                reason = f"its {name} is another row's: {free} in the target"
                kept = self._staged_rejects([ordinal], staged, reason, name)
                rejects += [replace(reject, kind="merged") for reject in kept]
                note = f"{name} was another row's: the next number is behind it"
                noted.setdefault(ordinal, []).append(note)
                self.connection.execute(
                    sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
                        stage, column, sql.Identifier(_ORDINAL)
                    ),
                    [free, ordinal],
                )

    def _next_free(self, name: str, text: str) -> str:
        """Return a text with the first number from 2 on behind it that no row has."""
        taken = sql.SQL(" OR ").join(
            sql.SQL("EXISTS (SELECT FROM {} AS t WHERE t.{} = %(text)s)").format(
                place, sql.Identifier(name)
            )
            for place in self._places_of(self.table.name)
        )
        number = 2
        while True:
            free = f"{without_number(text)}-{number}"
            row = self.connection.execute(sql.SQL("SELECT ") + taken, {"text": free}).fetchone()
            if row is not None and not row[0]:
                return free
            number += 1

    def _is_missing(self, reference: Reference) -> sql.Composed:
        parents = self._places_of(reference.parent)
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

    def insert(self, result: ChunkResult, rejects: list[Reject], staged: dict[int, Place]) -> int:
        """Insert what is left in the stage into the target, and return how many rows that were."""
        columns = names_of(self.columns)
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
                if self.connection.broken or not is_about_a_row(error):
                    raise
                if first == last:
                    # The application may have stored it since the stage was looked through.
                    if error.sqlstate == _UNIQUE and self.settle_existing(
                        result, rejects, staged, first, last
                    ):
                        return 0
                    reason, column = self._explain(error)
                    limit = _refusing_index(error)
                    if limit is not None:
                        lengths = self._text_lengths(first)
                        reason, column = self._too_long(limit, lengths) or (reason, column)
                    rejects.extend(self._staged_rejects([first], staged, reason, column))
                    self._remove([first])
                    return 0
            middle = (first + last) // 2
            return insert_range(first, middle) + insert_range(middle + 1, last)

        return insert_range(1, max(staged)) if staged else 0

    def drop(self) -> None:
        """Drop the table: the next range of the transaction has one of its own."""
        self.connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(_STAGE)))

    def staged_of(self, ordinals: list[int]) -> list[int]:
        """Return those of some ordinals that are still in the stage."""
        statement = sql.SQL("SELECT {0} FROM {1} WHERE {0} = ANY(%s)").format(
            sql.Identifier(_ORDINAL), sql.Identifier("pg_temp", _STAGE)
        )
        return [ordinal for (ordinal,) in self.connection.execute(statement, [ordinals])]

    def _remove(self, ordinals: list[int]) -> None:
        self.connection.execute(
            sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                sql.Identifier("pg_temp", _STAGE), sql.Identifier(_ORDINAL)
            ),
            [ordinals],
        )

    def _staged_rejects(
        self, ordinals: list[int], staged: dict[int, Place], reason: str, column: str | None
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
                origin=None if self.origin is None else self.origin(staged[ordinal][1]),
                key={
                    name: value
                    for name, value in zip(self.columns, values, strict=True)
                    if name in self.mapping.key
                },
                row=dict(zip(self.columns, values, strict=True)),
                reason=reason,
                column=column,
                secrets=self.mapping.secrets,
            )
            for ordinal, *values in rows
        ]


def copy_statement(table: str, columns: Sequence[str]) -> sql.Composed:
    """Return the statement that copies rows of these columns into a table."""
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names_of(columns))


def _plain_cast(table: Table, name: str) -> str:
    """Return the cast with which a staged value comes back as a reject file holds it."""
    column = table.column(name)
    kind = column.type if column else "text"
    if kind in {"jsonb", "json", "timestamp with time zone"}:
        return "::text"
    return "::integer" if kind == "boolean" else ""


def names_of(columns: Sequence[str]) -> sql.Composed:
    """Return column names, quoted and separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def is_about_a_row(error: psycopg.Error) -> bool:
    """Tell whether an error is the fault of a row, not of the server or the statement."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.DataError)
    return state == _LIMIT or not state.startswith(_NOT_A_ROW)


def _refusing_index(error: psycopg.Error) -> str | None:
    """Return the index for which a row is too long, where that is why it was refused."""
    return error.diag.constraint_name or "" if error.sqlstate == _LIMIT else None
