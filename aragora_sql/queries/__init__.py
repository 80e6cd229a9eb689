"""Loads named SQL files through aiosql. The only package that knows aiosql.

>>> queries = load_queries("consensus", database.dialect)
>>> async with database.read() as connection:
...     row = await queries.get_consensus(connection, consensus_id="…")
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosql
from aiosql.queries import Queries as _AiosqlQueries
from aiosql.query_loader import QueryLoader
from aiosql.types import QueryDatum, SQLOperationType

from aragora_sql.database import ColumnKind, Dialect
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.adapters import ADAPTERS, Adapter
from aragora_sql.queries.files import (
    DIALECTS,
    QueryText,
    column_kinds,
    packaged_sql_dir,
    read_queries,
    sql_dir,
    sql_folder,
    store_dir,
)

__all__ = [
    "OPERATIONS",
    "Queries",
    "adapter_of",
    "load_as_it_is",
    "load_queries",
    "load_system_queries",
]


class Queries(_AiosqlQueries):
    """A store's queries: one asynchronous function for each."""

    def _params(self, attributes: Any, params: Any, args: Any, kwargs: Any) -> Any:
        # Our adapters refuse positional arguments, with an error that names the query.
        return args or kwargs

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


OPERATIONS = {
    "": SQLOperationType.SELECT,
    "^": SQLOperationType.SELECT_ONE,
    "$": SQLOperationType.SELECT_VALUE,
    "!": SQLOperationType.INSERT_UPDATE_DELETE,
    "<!": SQLOperationType.INSERT_RETURNING,
    "*!": SQLOperationType.INSERT_UPDATE_DELETE_MANY,
    "#": SQLOperationType.SCRIPT,
}

for _dialect in DIALECTS:
    # Our adapters return counts where aiosql's protocol says None.
    aiosql.register_adapter(f"aragora-{_dialect}", ADAPTERS[_dialect])  # type: ignore[arg-type]


def _load_queries(store: str, dialect: Dialect, root: Path | None = None) -> Queries:
    """Load a store's named queries as an aiosql query object.

    ``root`` is a tree like the packaged ``sql/`` (default: ``ARAGORA_SQL_DIR``, else the packaged
    one). Each query is an attribute that takes a connection and its parameters by name; what it
    returns is told in :mod:`aragora_sql.queries.adapters`.

    A tree other than the packaged one has to hold every query of the packaged store, with the same
    parameters and operation, because the store classes call them.

    Raises :class:`~aragora_sql.errors.QueryFileError` with file and line.
    """
    chosen = sql_dir() if root is None else root
    path = store_dir(store, dialect, chosen) / "queries.sql"
    queries = load_as_it_is(store, dialect, chosen)
    packaged = packaged_sql_dir()
    ours = sql_folder(store, dialect, packaged) / "queries.sql"
    if chosen.resolve() != packaged and ours.is_file():
        _check_contract(path, ours, dialect)
    return queries


def load_system_queries(name: str, dialect: Dialect) -> Queries:
    """Load queries that belong to no store: of the tree in use, or the packaged ones it lacks."""
    root = sql_dir()
    if not sql_folder(name, dialect, root).is_dir():
        root = packaged_sql_dir()
    return _load_queries(name, dialect, root)


def load_as_it_is(store: str, dialect: Dialect, root: Path) -> Queries:
    """Load a store's queries of a tree, of another release say, that no store class calls.

    Raises :class:`~aragora_sql.errors.QueryFileError` with file and line.
    """
    path = store_dir(store, dialect, root) / "queries.sql"
    return _load(store, dialect, path, _stamp(path), _stamp(path.with_name("schema.sql")))


if TYPE_CHECKING:
    # By the name of a store the types of its queries are known.
    from aragora_sql.queries.typed import load_queries
else:
    load_queries = _load_queries
    load_queries.__name__ = load_queries.__qualname__ = "load_queries"


def adapter_of(queries: Queries) -> Adapter:
    """Return the adapter of a query object, which knows each query's statement."""
    adapter = queries.driver_adapter
    if not isinstance(adapter, Adapter):
        raise TypeError("these queries were not loaded by load_queries()")
    return adapter


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when the file does; (0, 0) when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=512)
def _load(
    store: str,
    dialect: Dialect,
    path: Path,
    stamp: tuple[int, int],
    schema_stamp: tuple[int, int],
) -> Queries:
    schema = path.with_name("schema.sql")
    kinds = column_kinds(schema, dialect, schema_stamp) if schema_stamp != (0, 0) else {}
    if stamp == (0, 0):
        raise QueryFileError(path, None, "the file is missing")

    class StoreQueryLoader(_QueryFileLoader):
        schema_kinds = kinds

    return aiosql.from_path(  # type: ignore[no-any-return]
        path,
        f"aragora-{dialect}",
        kwargs={"store": store},
        loader_cls=StoreQueryLoader,
        queries_cls=Queries,
    )


class _QueryFileLoader(QueryLoader):
    """Replaces aiosql's reading of a file (regular expressions) by ours (a scanner)."""

    schema_kinds: dict[str, ColumnKind]

    def load_query_data_from_file(
        self, path: Path, ns_parts: list[str] | None = None, encoding: str | None = None
    ) -> list[QueryDatum]:
        adapter = self._driver_adapter
        if not isinstance(adapter, Adapter):
            raise TypeError("this loader needs one of our adapters")
        queries = read_queries(path, adapter.dialect)
        # aiosql gives each query a second function, which our adapters refuse to run.
        cursors = {f"{name}_cursor" for name in queries}
        for query in queries.values():
            if query.name in cursors or hasattr(Queries, query.name):
                raise query.error("the name belongs to aiosql")
        return [self._datum(adapter, query) for query in queries.values()]

    def _datum(self, adapter: Adapter, query: QueryText) -> QueryDatum:
        operation = OPERATIONS[query.operation]
        sql = adapter.process_sql(query.name, operation, query.sql)
        adapter.describe(
            query.name, query.path, query.line, {**self.schema_kinds, **query.result_kinds}
        )
        parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in query.parameters
        ]
        return QueryDatum(
            query_name=query.name,
            doc_comments=query.doc,
            operation_type=operation,
            sql=sql,
            record_class=None,
            signature=inspect.Signature(parameters),
            floc=(query.path, query.line),
            attributes=None,
            parameters=list(query.parameters),
        )


def _check_contract(path: Path, packaged: Path, dialect: Dialect) -> None:
    """Compare a DBA's file with the packaged one that the store classes were written against."""
    theirs, ours = read_queries(path, dialect), read_queries(packaged, dialect)
    for name, wanted in ours.items():
        given = theirs.get(name)
        if given is None:
            raise QueryFileError(
                path,
                None,
                f"query {name!r} is missing; the store needs it as in {packaged}:{wanted.line}",
            )
        if set(given.parameters) != set(wanted.parameters):
            raise given.error(
                f"it takes ({', '.join(given.parameters)}), but the store gives "
                f"({', '.join(wanted.parameters)})"
            )
        if given.operation != wanted.operation:
            raise given.error(
                f"its operation is {given.operation or 'none'!r}, but the store expects "
                f"{wanted.operation or 'none'!r}"
            )
