"""Fills the tables of both databases with the same rows, in which edges occur.

Whether a row is good is for the engines' own rules to say. What only one of them takes is a
difference of the schemas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aragora_sql.checker.meaning.hints import Hint, read_hints, ruled_columns
from aragora_sql.checker.meaning.pair import Pair, Side
from aragora_sql.checker.meaning.samples import SEED, documents, few_texts, near, sample
from aragora_sql.database import Statement
from aragora_sql.engines.catalog import Catalog, Column, ForeignKey, Table
from aragora_sql.engines.filling import in_order
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.errors import AragoraSQLError

__all__ = ["Filled", "Refusal", "fill_pair", "is_compared", "kind_of"]

_ROWS = 30
_TRIES = 800
# How many rows share nothing with others on purpose; the rest is made of them.
_FOUNDERS = 16
# How often a row that breaks a rule gets other values in the columns of the rule.
_REPAIRS = 30
# How often PostgreSQL is asked about what SQLite has against a row.
_ASKED = 3
_FEW = 4
# Of the rows that are made of others, the fraction that differs from one in a key alone.
_TWINS = 0.4
# How often a text is one of the few that all columns of its name share.
_OF_FEW = 0.7
_NO_HINT = Hint()
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that only one engine takes, and what the other one (``refused_by``) has against it."""

    table: str
    row: Row
    refused_by: str
    error: str


@dataclass(slots=True)
class Filled:
    """The rows by table, and what was met on the way.

    ``without`` says of tables that stayed empty what the engines had against the last row.
    """

    rows: dict[str, Sequence[Row]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)


def is_compared(name: str, catalogs: Sequence[Catalog]) -> bool:
    """Tell whether a name is that of a table of a store in both dialects."""
    return not name.startswith("_") and all(
        name in catalog and catalog[name].kind == "table" for catalog in catalogs
    )


def kind_of(python_type: str | None, engine_type: str | None) -> str:
    """Return the kind of value: the Python type, or ``bigint``."""
    if python_type == "int" and engine_type == "bigint":
        return "bigint"
    return python_type or "str"


async def fill_pair(pair: Pair, files: Sequence[SchemaFile]) -> Filled:
    """Fill the tables that both databases have; ``files`` are PostgreSQL's schema files.

    Each table has a seed of its own: what another one is like makes no other rows of it, but for
    those that it points to.
    """
    hints, ruled = read_hints(files), ruled_columns(files)
    filled = Filled()
    catalogs = [side.catalog for side in pair.sides]
    for table in in_order(pair.postgres.catalog):
        if is_compared(table.name, catalogs):
            chance = Random(f"{SEED} {table.name}")  # noqa: S311 - the same each time
            maker = _RowMaker(table, hints, filled.rows, chance)
            # Each row in a savepoint: a commit for each would take most of the time.
            async with pair.postgres.database.transaction(), pair.sqlite.database.transaction():
                await _fill_table(pair, maker, filled, ruled)
            async with pair.postgres.database.transaction() as connection:
                await pair.postgres.reverse_table(connection, table.name)
                filled.rows[table.name] = await pair.postgres.read_table(connection, table.name)
    for side in pair.sides:
        await side.remember(list(filled.rows))
    return filled


async def _fill_table(
    pair: Pair, maker: _RowMaker, filled: Filled, ruled: Mapping[str, frozenset[str]]
) -> None:
    table = maker.table
    if not maker.columns:
        filled.without[table.name] = "it has no column of a type that rows are made for"
        return
    said: set[str] = set()
    last = ""
    asked: Counter[str] = Counter()
    row, repairs = maker.make(), 0
    for _ in range(_TRIES):
        theirs = await _insert(pair.sqlite, maker, row)
        rule = next((name for name in ruled if theirs and name in theirs), None)
        if theirs is not None and asked[rule or theirs] >= _ASKED:
            # PostgreSQL has something against it, too.
            last = theirs
            errors: list[str | None] = [theirs, theirs]
        else:
            asked[rule or theirs or ""] += theirs is not None
            errors = [await _insert(pair.postgres, maker, row), theirs]
        if errors == [None, None]:
            maker.accepted.append(row)
            if len(maker.accepted) >= _ROWS:
                break
            row, repairs = maker.make(), 0
            continue
        if rule is not None and repairs < _REPAIRS:
            row, repairs, refused = maker.repair(row, ruled[rule]), repairs + 1, row
        else:
            row, repairs, refused = maker.make(), 0, row
        for side, error in zip(pair.sides, errors, strict=True):
            if error is None:
                await _delete(side, maker, refused)
            elif None not in errors:
                last = error
            elif error not in said:
                said.add(error)
                filled.refusals.append(Refusal(table.name, refused, side.dialect, error))
    if not maker.accepted:
        filled.without[table.name] = last


async def _insert(side: Side, maker: _RowMaker, row: Row) -> str | None:
    """Insert a row; return what the engine has against it."""
    try:
        async with side.database.transaction() as connection:
            await side.reset_numbers(connection, [maker.table.name])
            await connection.execute(maker.insert(side), maker.arguments(side, row))
    except AragoraSQLError as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return None


async def _delete(side: Side, maker: _RowMaker, row: Row) -> None:
    """Undo an insert that the other engine refused."""
    async with side.database.transaction() as connection:
        await connection.execute(maker.delete(side), maker.arguments(side, row, keys_only=True))


class _RowMaker:
    """Makes the rows of one table; ``accepted`` are those that both engines took."""

    def __init__(
        self,
        table: Table,
        hints: Mapping[tuple[str, str], Hint],
        rows: Mapping[str, Sequence[Row]],
        chance: Random,
    ) -> None:
        self.table = table
        self.columns = [
            column
            for column in table.columns
            if not column.generated and column.python_type != "object"
        ]
        self.accepted: list[Row] = []
        self._decks: dict[str, list[Any]] = {}
        self._hints = hints
        self._rows = rows
        self._chance = chance
        names = {column.name for column in self.columns}
        keys = [table.primary_key, *table.unique]
        self._keys = [key for key in keys if key]
        self._unique = {name for key in keys for name in key}
        # What tells a row from the others, of the columns that are given.
        self._key = next((key for key in keys if key and names.issuperset(key)), tuple(names))

    def insert(self, side: Side) -> Statement:
        """Return the statement that stores a row."""
        table = self.table.name
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        marks = ", ".join(self._marks(side))
        return Statement(
            f"rows of {table}",
            f'INSERT INTO "{table}" ({names}) VALUES ({marks})',  # noqa: S608 - catalog's names
            tuple(i for i, column in enumerate(self.columns) if column.python_type == "Any"),
        )

    def delete(self, side: Side) -> Statement:
        """Return the statement that removes a row."""
        table = self.table.name
        same = "IS NOT DISTINCT FROM" if side.dialect == "postgres" else "IS"
        columns = self._key_columns()
        marks = self._marks(side, columns)
        rules = [f'"{c.name}" {same} {mark}' for c, mark in zip(columns, marks, strict=True)]
        return Statement(
            f"rows of {table}",
            f'DELETE FROM "{table}" WHERE {" AND ".join(rules)}',  # noqa: S608 - catalog's names
            tuple(i for i, column in enumerate(columns) if column.python_type == "Any"),
        )

    def arguments(self, side: Side, row: Row, *, keys_only: bool = False) -> Any:
        """Return the arguments of :meth:`insert` or :meth:`delete`."""
        columns = self._key_columns() if keys_only else self.columns
        if side.dialect == "postgres":
            return [row[column.name] for column in columns]
        return {column.name: row[column.name] for column in columns}

    def _key_columns(self) -> list[Column]:
        return [column for column in self.columns if column.name in self._key]

    def _marks(self, side: Side, columns: Sequence[Column] | None = None) -> list[str]:
        chosen = self.columns if columns is None else columns
        if side.dialect == "sqlite":
            return [f":{column.name}" for column in chosen]
        return [f"${number}::{column.type}" for number, column in enumerate(chosen, start=1)]

    def make(self) -> Row:
        """Return a row: a new one, or one that was accepted with some values changed."""
        chance = self._chance
        is_founder = len(self.accepted) < _FOUNDERS
        base = None if is_founder else self._base()
        if base is not None and chance.random() < _TWINS:
            # Nothing but a key tells it from the other one: what comes first is up to that.
            return self._twin(base)
        most = min(max(4, len(self.columns) // 3), len(self.columns))
        changed = {column.name for column in chance.sample(self.columns, chance.randint(1, most))}
        changed |= self._renewed()
        row = {
            column.name: (
                self._value(column) if base is None or column.name in changed else base[column.name]
            )
            for column in self.columns
        }
        for key in self.table.foreign_keys:
            # Siblings that are alike are what an order has ties of.
            if base is None or chance.random() < 0.6 or changed.intersection(key.columns):
                self._point(key, row)
        return row

    def _base(self) -> Row | None:
        """Return a row to make another one of: each in turn, mostly."""
        drawn = self._chance.random()
        if drawn < 0.1:
            return None
        if drawn < 0.4:
            return self._chance.choice(self.accepted)
        return self.accepted[len(self.accepted) % _FOUNDERS]

    def repair(self, row: Row, names: Collection[str]) -> Row:
        """Return a row with other values in one or two of some columns."""
        columns = [column for column in self.columns if column.name in names]
        # A state stays what it is, so that all of them occur: what goes with it changes.
        others = [column for column in columns if not self._hint(column).texts]
        columns = others if others and self._chance.random() < 0.98 else columns
        chosen = self._chance.sample(columns, min(len(columns), self._chance.randint(1, 2)))
        # Two columns may have to be NULL together: that has to come about as often as the opposite.
        nulls = [column for column in chosen if column.nullable and self._chance.random() < 0.3]
        return {
            **row,
            **{column.name: self._value(column) for column in chosen},
            **{column.name: None for column in nulls},
        }

    def _twin(self, base: Row) -> Row:
        renewed = self._renewed()
        return {
            column.name: self._value(column) if column.name in renewed else base[column.name]
            for column in self.columns
        }

    def _renewed(self) -> set[str]:
        """Return columns that tell a row from another one: of each key one, or all of them."""
        chance = self._chance
        renewed: set[str] = set()
        for key in self._keys:
            if not renewed.intersection(key):
                # Rows that share the beginning of a key are what lists are made of.
                renewed |= {chance.choice(key)} if chance.random() < 0.7 else set(key)
        return renewed

    def _point(self, key: ForeignKey, row: dict[str, Any]) -> None:
        """Let a row point to a parent, or to none."""
        chance = self._chance
        itself = key.target_table == self.table.name
        parents = self.accepted if itself else self._rows.get(key.target_table, ())
        nullable = [
            name
            for name in key.columns
            if (column := self.table.column(name)) is not None and column.nullable
        ]
        if nullable and (not parents or chance.random() < 0.3):
            row.update(dict.fromkeys(nullable))
        elif parents:
            # Few parents have several children, as lists and deletions want it.
            few = parents[:_FEW] if chance.random() < 0.7 else parents
            parent = chance.choice(few)
            for name, target in zip(key.columns, key.target_columns, strict=True):
                if name in row and target in parent:
                    row[name] = parent[target]

    def _value(self, column: Column) -> Any:
        chance = self._chance
        hint = self._hint(column)
        if column.nullable and chance.random() < 0.4:
            return None
        is_founder = len(self.accepted) < _FOUNDERS
        if hint.texts:
            turn = len(self.accepted) % len(hint.texts)
            in_turn = is_founder and chance.random() < 0.7
            return hint.texts[turn] if in_turn else chance.choice(hint.texts)
        if hint.length is not None:
            return chance.choice("0aF9") * hint.length
        often = 0.6 if column.python_type == "datetime" else 0.4
        if not is_founder and column.name not in self._unique and chance.random() < often:
            # Rows that are the same in a column, or nearly.
            earlier = chance.choice(self.accepted)[column.name]
            return near(earlier, chance) if chance.random() < 0.2 else earlier
        kind = kind_of(column.python_type, column.type)
        if kind == "Any" and is_founder:
            # Each document once, before one comes again.
            deck = self._decks.setdefault(column.name, [])
            if not deck:
                all_of = documents(is_list=hint.is_list)
                deck += chance.sample(all_of, k=len(all_of))
            return deck.pop()
        is_key = kind == "str" and column.name.endswith(("id", "_key", "_hash"))
        if kind == "str" and column.name != "id" and chance.random() < _OF_FEW:
            return chance.choice(few_texts(column.name, is_key=is_key))
        if kind == "str" and column.name in self._unique:
            return f"{sample('str', chance, is_key=True)}{chance.choice(('', '1', '2', '3'))}"
        return sample(kind, chance, is_key=is_key, is_list=hint.is_list)

    def _hint(self, column: Column) -> Hint:
        return self._hints.get((self.table.name, column.name), _NO_HINT)
