"""Our two aiosql driver adapters: the same meaning on both engines.

aiosql's stock adapters differ in row counts, in RETURNING, in what a wrong parameter does, and take
several round trips or thread hops. These hand a checked :class:`Statement` to a
:class:`~aragora_sql.database.Connection` in one:

===========  ==================================================
operation    returns
===========  ==================================================
(none)       every row, as an asynchronous iterator of dictionaries
``^``        the first row as a dictionary, or None
``$``        the first value of the first row, or None
``!``        the number of rows changed
``<!``       the first value that RETURNING gave, or None
``*!``       the number of rows changed, for a list of parameter sets in one round trip
``#``        nothing
===========  ==================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from aiosql.types import SQLOperationType

from aragora_sql.database import ColumnKind, Connection, Dialect, Row, Statement
from aragora_sql.errors import InvalidInputError, QueryCallError
from aragora_sql.queries.parameters import find_parameters, number_parameters, scan

__all__ = ["ADAPTERS", "Adapter", "Call", "PostgresAdapter", "SQLiteAdapter"]

Parameters = Mapping[str, Any]
# The name of the parameter that says how many rows a query returns or changes at most.
LIMIT = "row_limit"


class Call:
    """A statement and what a call of it has to bring: ``order`` are its parameters' names."""

    __slots__ = ("is_limited", "location", "names", "order", "pick", "statement")

    def __init__(self, statement: Statement, order: tuple[str, ...], location: str) -> None:
        self.statement = statement
        self.order = order
        # The values of parameters in their order, by one step for all of them.
        self.pick: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None = None
        if len(order) == 1:
            only = order[0]
            self.pick = lambda parameters: (parameters[only],)
        elif order:
            self.pick = itemgetter(*order)
        self.names = frozenset(order)
        self.is_limited = LIMIT in self.names
        self.location = location

    def check(self, parameters: object) -> Mapping[str, Any]:
        """Return the parameters, or raise :class:`QueryCallError` for missing and extra ones.

        A limit has to be an integer of at least 0 (:class:`InvalidInputError`): the engines differ
        in what they make of others.
        """
        # isinstance() of an abstract class takes ten times as long as the first question.
        if (
            type(parameters) is dict or isinstance(parameters, Mapping)
        ) and parameters.keys() == self.names:
            if self.is_limited:
                limit = parameters[LIMIT]
                if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
                    raise InvalidInputError(
                        f"{self.statement.name}: {LIMIT}",
                        f"must be an integer of at least 0, not {limit!r:.100}",
                    )
            return parameters
        raise self._refusal(parameters)

    def _refusal(self, parameters: object) -> QueryCallError:
        head = f"{self.statement.name} ({self.location})"
        if not isinstance(parameters, Mapping):
            return QueryCallError(f"{head}: parameters are given by name, as name=value")
        given = set(parameters)
        problems = [f"missing parameter {name!r}" for name in sorted(self.names - given)]
        problems += [f"extra parameter {name!r}" for name in sorted(given - self.names)]
        expected = ", ".join(self.order) or "none"
        return QueryCallError(f"{head}: {'; '.join(problems)} (it takes: {expected})")


class Adapter(ABC):
    """What both adapters share: aiosql's asynchronous driver protocol over our connections."""

    is_aio_driver = True
    dialect: Dialect

    def __init__(self, store: str = "queries") -> None:
        self.store = store
        self._calls: dict[str, Call] = {}

    def process_sql(self, query_name: str, op_type: SQLOperationType, sql: str) -> str:
        """Prepare a query for the driver (aiosql calls this while it loads a file).

        The SQL gets a comment with the query's name, so that the server's logs and views point at
        the file.
        """
        name = f"{self.store}.{query_name}"
        rendered, order, json_positions = self._render(sql, op_type)
        statement = Statement(name, self._tag(name, rendered), json_positions)
        self._calls[query_name] = Call(statement, order, "<unknown>")
        return statement.sql

    def call(self, query_name: str) -> Call:
        """Return what a call of a query needs, for those who run its statement in their own way."""
        return self._calls[query_name]

    def bind(self, call: Call, parameters: object) -> Any:
        """Check the parameters of a call and return them in the connection's form."""
        return self._arguments(call, parameters)

    def _tag(self, name: str, sql: str) -> str:
        # Behind the first word: PostgreSQL 18 drops what is before it in pg_stat_statements.
        first = next(scan(sql, self.dialect)).end
        return f"{sql[:first]} /* aragora:{name} */{sql[first:]}"

    def describe(
        self, query_name: str, path: Path, line: int, kinds: Mapping[str, ColumnKind]
    ) -> None:
        """Tell where a processed query is defined and what its result columns hold."""
        call = self._calls[query_name]
        call.location = f"{path}:{line}"
        call.statement = replace(call.statement, column_kinds=kinds, location=(str(path), line))

    @abstractmethod
    def _render(
        self, sql: str, op_type: SQLOperationType
    ) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
        """Return the driver's SQL, the parameter names, and the positions of JSON parameters."""

    @abstractmethod
    def _arguments(self, call: Call, parameters: object) -> Any:
        """Check the parameters of a call and return them in the driver's form."""

    async def select(
        self,
        conn: Connection,
        query_name: str,
        sql: str,
        parameters: object,
        record_class: Callable[..., Any] | None = None,
    ) -> AsyncIterator[Row]:
        """Yield all rows; the statement is over before the first one."""
        call = self._calls[query_name]
        for row in await conn.fetch_all(call.statement, self._arguments(call, parameters)):
            yield row

    async def select_one(
        self,
        conn: Connection,
        query_name: str,
        sql: str,
        parameters: object,
        record_class: Callable[..., Any] | None = None,
    ) -> Row | None:
        """Return the first row, or None."""
        call = self._calls[query_name]
        return await conn.fetch_one(call.statement, self._arguments(call, parameters))

    async def select_value(
        self, conn: Connection, query_name: str, sql: str, parameters: object
    ) -> Any:
        """Return the first value of the first row, or None."""
        call = self._calls[query_name]
        return await conn.fetch_value(call.statement, self._arguments(call, parameters))

    insert_returning = select_value

    async def insert_update_delete(
        self, conn: Connection, query_name: str, sql: str, parameters: object
    ) -> int:
        """Return the number of rows changed."""
        call = self._calls[query_name]
        return await conn.execute(call.statement, self._arguments(call, parameters))

    async def insert_update_delete_many(
        self, conn: Connection, query_name: str, sql: str, parameters: Sequence[Parameters]
    ) -> int:
        """Run once for each parameter set, all or nothing; return the number of rows changed."""
        call = self._calls[query_name]
        return await conn.execute_many(
            call.statement, [self._arguments(call, one) for one in parameters]
        )

    async def execute_script(self, conn: Connection, sql: str) -> None:
        """Run several statements."""
        await conn.run_script(self.store, sql)

    def select_cursor(
        self, conn: Connection, query_name: str, sql: str, parameters: object
    ) -> AbstractAsyncContextManager[Any]:
        """Refuse: a server-side cursor needs a named statement, which poolers break."""
        call = self._calls[query_name.removesuffix("_cursor")]
        raise QueryCallError(
            f"{call.statement.name} ({call.location}): cursors do not work behind a transaction "
            "pooler; page by key instead"
        )


class PostgresAdapter(Adapter):
    """Turns ``:name`` into ``$n`` and parameters into a list."""

    dialect: Dialect = "postgres"

    def _render(
        self, sql: str, op_type: SQLOperationType
    ) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
        found = find_parameters(sql, "postgres")
        rendered, order = number_parameters(sql, found)
        documents = {p.name for p in found if sql.startswith("::jsonb", p.end)}
        if op_type is SQLOperationType.INSERT_UPDATE_DELETE_MANY and not _returns(rendered):
            # The protocol has no row count for a batch: one small row for each changed one.
            rendered += "\nRETURNING 1"
        positions = tuple(i for i, name in enumerate(order) if name in documents)
        return rendered, order, positions

    def _arguments(self, call: Call, parameters: object) -> Sequence[Any]:
        if (
            type(parameters) is dict
            and call.pick is not None
            and not call.is_limited
            and len(parameters) == len(call.order)
        ):
            try:
                return call.pick(parameters)
            except KeyError:
                # what is missing and what is too much is said below
                pass
        checked = call.check(parameters)
        return [checked[name] for name in call.order]


class SQLiteAdapter(Adapter):
    """Leaves ``:name`` to SQLite, which reads it as our scanner does."""

    dialect: Dialect = "sqlite"

    def _render(
        self, sql: str, op_type: SQLOperationType
    ) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
        return sql, tuple(dict.fromkeys(p.name for p in find_parameters(sql, "sqlite"))), ()

    def _arguments(self, call: Call, parameters: object) -> Mapping[str, Any]:
        return call.check(parameters)


def _returns(sql: str) -> bool:
    """Tell whether a statement gives rows by itself, and not just one of its WITH parts."""
    depth, verb = 0, ""
    for token in scan(sql, "postgres"):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        elif depth == 0 and token.kind == "word":
            word = token.text.upper()
            if word == "RETURNING":
                return True
            if not verb and word in _VERBS:
                verb = word
    return verb not in _CHANGES


_CHANGES = {"INSERT", "UPDATE", "DELETE", "MERGE"}
_VERBS = _CHANGES | {"SELECT", "VALUES", "TABLE"}

ADAPTERS: dict[Dialect, type[Adapter]] = {"postgres": PostgresAdapter, "sqlite": SQLiteAdapter}
