"""What an engine says of the tables that the schema files make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.database import ColumnKind, Dialect
from aragora_sql.engines.python_types import postgres_python_type, sqlite_python_type
from aragora_sql.queries.files import QueryText, packaged_sql_dir, read_queries, sql_folder

if TYPE_CHECKING:
    from aragora_sql.queries.typed.catalog import (
        DescribeDetailsRow,
        ListCollationsRow,
        ListColumnsRow,
        ListConstraintsRow,
        ListDependenciesRow,
        ListFunctionSignaturesRow,
        ListFunctionsRow,
        ListIndexesRow,
        ListKeysRow,
        ListStorageRow,
        ListTablesRow,
        ListTypesRow,
        ListViewColumnsRow,
    )

__all__ = ["Catalog", "CatalogQueries", "Column", "ForeignKey", "Index", "Table", "read_catalog"]

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``generated`` is ``identity``, ``stored``, ``virtual`` or empty."""

    name: str
    type: str
    python_type: str
    nullable: bool
    default: str | None
    generated: str
    comment: str | None
    line: int


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key. ``name`` is None where the engine does not keep it (SQLite)."""

    name: str | None
    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index; ``columns`` are texts such as ``created_at DESC``."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    method: str
    predicate: str | None
    of_constraint: bool
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view, with the place of its CREATE in a schema file."""

    name: str
    store: str
    dialect: Dialect
    kind: str
    path: Path
    line: int
    comment: str | None
    row_level_security: bool
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]

    def column(self, name: str) -> Column | None:
        """Return the column of a name."""
        return next((column for column in self.columns if column.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {**asdict(self), "path": str(self.path)}


Catalog = dict[str, Table]
"""The tables and views of a dialect by name, in the order of their creation."""


class CatalogQueries:
    """The queries of the folder ``catalog``, run as they are: they take no parameters."""

    def __init__(self, dialect: Dialect, run: Callable[[QueryText], Rows]) -> None:
        path = sql_folder("catalog", dialect, packaged_sql_dir()) / "queries.sql"
        self._queries = read_queries(path, dialect)
        self._run = run
        # What everybody has stays as it is while a server runs; several rules ask for it.
        self._signatures: dict[str, list[Any]] = {}

    def _rows(self, name: str) -> Iterable[Any]:
        return self._run(self._queries[name])

    def _kept(self, name: str) -> Iterable[Any]:
        if name not in self._signatures:
            self._signatures[name] = list(self._rows(name))
        return self._signatures[name]

    def list_tables(self) -> Iterable[ListTablesRow]:
        """List tables and views with their comments."""
        return self._rows("list_tables")

    def list_columns(self) -> Iterable[ListColumnsRow]:
        """List the columns of tables and views."""
        return self._rows("list_columns")

    def list_keys(self) -> Iterable[ListKeysRow]:
        """List primary keys, unique constraints and foreign keys with their columns."""
        return self._rows("list_keys")

    def list_indexes(self) -> Iterable[ListIndexesRow]:
        """List indexes with their key columns."""
        return self._rows("list_indexes")

    def list_types(self) -> Iterable[ListTypesRow]:
        """List the names of all types (PostgreSQL)."""
        return self._rows("list_types")

    def list_dependencies(self) -> Iterable[ListDependenciesRow]:
        """List what the body of the procedure aragora_probe names (PostgreSQL)."""
        return self._rows("list_dependencies")

    def list_function_signatures(self) -> Iterable[ListFunctionSignaturesRow]:
        """List what the functions that everybody has take (PostgreSQL)."""
        return self._kept("list_function_signatures")

    def list_operator_signatures(self) -> Iterable[ListFunctionSignaturesRow]:
        """List what the operators that everybody has take (PostgreSQL)."""
        return self._kept("list_operator_signatures")

    def list_functions(self) -> Iterable[ListFunctionsRow]:
        """List the functions, and whether their search_path is fixed (PostgreSQL)."""
        return self._rows("list_functions")

    def list_constraints(self) -> Iterable[ListConstraintsRow]:
        """List the constraints of tables with their text (PostgreSQL)."""
        return self._rows("list_constraints")

    def list_storage(self) -> Iterable[ListStorageRow]:
        """List whether tables are unlogged, and hide their rows from the owner (PostgreSQL)."""
        return self._rows("list_storage")

    def list_collations(self) -> Iterable[ListCollationsRow]:
        """List the columns of text with unusual collations (PostgreSQL)."""
        return self._rows("list_collations")

    def list_view_columns(self) -> Iterable[ListViewColumnsRow]:
        """List the table columns that views read (PostgreSQL)."""
        return self._rows("list_view_columns")

    def describe_details(self) -> Iterable[DescribeDetailsRow]:
        """Describe storage, views, functions, sequences and rights (PostgreSQL)."""
        return self._rows("describe_details")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files make something: a store's file and a line from 1."""

    store: str
    path: Path
    line: int


Places = Mapping[tuple[str, str, str], Place]
"""Places by (kind, table, name); of a table (``table``, its name, its name)."""


def read_catalog(
    dialect: Dialect,
    run: Callable[[QueryText], Rows],
    places: Places,
    kinds: Mapping[str, Mapping[str, ColumnKind]],
) -> Catalog:
    """Read the tables that the files made; others (of a search index) are left out.

    ``run`` runs a query and gives its rows with documents decoded; ``kinds`` says by store what
    columns hold beyond their type.
    """
    _queries = CatalogQueries(dialect, run)
    columns: dict[str, list[ListColumnsRow]] = {}
    for column in _queries.list_columns():
        columns.setdefault(column["table_name"], []).append(column)
    keys: dict[str, list[ListKeysRow]] = {}
    for key in _queries.list_keys():
        keys.setdefault(key["table_name"], []).append(key)
    indexes: dict[str, list[ListIndexesRow]] = {}
    for index in _queries.list_indexes():
        indexes.setdefault(index["table_name"], []).append(index)
    catalog: Catalog = {}
    for row in _queries.list_tables():
        name = row["table_name"]
        place = places.get(("table", name, name))
        if place is None:
            continue

        def line(kind: str, part: str | None, table: str = name, at: Place = place) -> int:
            found = places.get((kind, table, part or ""))
            return at.line if found is None or found.path != at.path else found.line

        catalog[name] = Table(
            name=name,
            store=place.store,
            dialect=dialect,
            kind=row["kind"],
            path=place.path,
            line=place.line,
            comment=row["remark"],
            row_level_security=bool(row["row_level_security"]),
            columns=tuple(
                Column(
                    name=c["column_name"],
                    type=c["type"],
                    python_type=_python_type(
                        dialect, c["type"], c["column_name"], kinds[place.store]
                    ),
                    nullable=not c["not_null"],
                    default=c["default_value"],
                    generated=c["generation"],
                    comment=c["remark"],
                    line=line("column", c["column_name"]),
                )
                for c in columns.get(name, ())
            ),
            primary_key=next(
                (tuple(k["columns"]) for k in keys.get(name, ()) if k["kind"] == "primary key"), ()
            ),
            unique=tuple(tuple(k["columns"]) for k in keys.get(name, ()) if k["kind"] == "unique"),
            foreign_keys=tuple(
                ForeignKey(
                    name=k["constraint_name"],
                    columns=tuple(k["columns"]),
                    target_table=target,
                    target_columns=tuple(k["target_columns"]),
                    on_delete=k["on_delete"],
                    on_update=k["on_update"],
                    line=line("foreign key", ",".join(k["columns"])),
                )
                for k in keys.get(name, ())
                if (target := k["target_table"]) is not None
            ),
            indexes=tuple(
                Index(
                    name=i["index_name"],
                    columns=tuple(i["columns"]),
                    unique=bool(i["is_unique"]),
                    method=i["method"],
                    predicate=_predicate(i["predicate"]),
                    of_constraint=bool(i["of_constraint"]),
                    line=line("index", i["index_name"]),
                )
                for i in indexes.get(name, ())
            ),
        )
    return catalog


def _python_type(
    dialect: Dialect, type_name: str, column: str, kinds: Mapping[str, ColumnKind]
) -> str:
    if dialect == "postgres":
        return postgres_python_type(type_name)
    return sqlite_python_type(type_name, kinds.get(column)) or "object"


def _predicate(text: str | None) -> str | None:
    """Return the condition of a partial index: SQLite gives its whole definition."""
    if text is None:
        return None
    _, where, condition = text.partition(" WHERE ") if " WHERE " in text else ("", "", text)
    return condition.strip() if where else text.strip().removeprefix("(").removesuffix(")")
