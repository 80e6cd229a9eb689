"""PostgreSQL as the checker uses it: a scratch place that holds the schema of a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.rows import dict_row

from aragora_sql.database import Dialect
from aragora_sql.engines.catalog import CatalogQueries
from aragora_sql.engines.filling import Filling
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile, statements
from aragora_sql.engines.tree import SQLProblem, line_and_column
from aragora_sql.queries.files import QueryText
from aragora_sql.queries.parameters import number_parameters, scan, source_offset
from aragora_sql.schema.upgrades import statements_of

__all__ = ["EmptyDatabase", "PostgresEngine"]

# indeterminate_datatype, ambiguous_parameter
_UNDETERMINED = {"42P18", "42P08"}
_NUMBER = re.compile(r"\$(\d+)")
_BODIES_SINCE = 14
_TRANSACTION = {"ABORT", "BEGIN", "COMMIT", "END", "PREPARE", "ROLLBACK", "SAVEPOINT", "START"}
# Plans do not depend on how a server is set up; these are the usual values for solid state disks.
# VACUUM marks no page as visible while a commit near to its rows is not on disk.
_PLANNING = {
    "effective_cache_size": "4GB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "synchronous_commit": "local",
    "work_mem": "4MB",
}


@dataclass(frozen=True, slots=True)
class EmptyDatabase:
    """One more scratch database: a connection that is proved to be in it, and its DSN."""

    connection: psycopg.Connection[Any]
    dsn: str


class PostgresEngine:
    """A connection to a scratch place that holds the schema; nothing stays behind.

    ``filled`` says of a filled database why a table stayed empty, by table; None before.
    ``empty_database`` gives one more scratch database, or None. ``planning`` gives the engine of
    another database, to be filled in place of this one, which others use too.
    """

    dialect: Dialect = "postgres"

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        files: Sequence[SchemaFile],
        *,
        filled: Mapping[str, str] | None = None,
        empty_database: Callable[[], AbstractContextManager[EmptyDatabase | None]] = nullcontext,
        planning: Callable[[], AbstractContextManager[PostgresEngine]] | None = None,
    ) -> None:
        """``files`` are loaded; none where the database holds the schema already."""
        self.empty_database = empty_database
        self.planning = planning
        self.connection = connection
        self.filled = filled
        for setting, value in _PLANNING.items():
            connection.execute(f"SET {setting} = '{value}'")
        self.version = connection.info.server_version // 10000
        # Whether the statistics are those that every check of the same files gathers.
        self.settled = filled is not None
        self.catalog = CatalogQueries("postgres", self.rows)
        self._type_names: dict[int, str] = {}
        self._trees: dict[str, str] = {}
        self._column_names: dict[tuple[int, int], tuple[str, str]] = {}
        problems = [problem for file in files if (problem := self.load(file)) is not None]
        self.problems = tuple(problems)

    def load(self, file: SchemaFile) -> Finding | None:
        """Run a schema file, whole or not at all; return what the server has against it.

        A file that ends the transaction is refused: it could be left half done, and where the
        scratch place is a schema, what follows would be done in the user's own.
        """
        for statement in statements(list(scan(file.text, "postgres"))):
            if statement[0].text.upper() in _TRANSACTION:
                line, column = line_and_column(file.text, statement[0].start)
                message = (
                    f"{statement[0].text.upper()}: a schema file is part of one transaction, "
                    "which it must not begin or end"
                )
                return Finding(file.path, line, column, "prepare", message)
        try:
            with self.connection.transaction():
                self.connection.execute(file.text.encode())
        except psycopg.Error as error:
            place = error.diag.statement_position
            line, column = line_and_column(file.text, int(place) - 1 if place else 0)
            if not place:
                line, column = self._failing_line(file.text), 1
            return Finding(file.path, line, column, "prepare", _said(error))
        return None

    def _failing_line(self, text: str) -> int:
        """Return the line of the first statement that the server refuses, without a place in it."""
        with self.scratch() as connection:
            for statement in statements_of(text, "postgres"):
                try:
                    connection.execute(statement.sql.encode())
                except psycopg.Error:
                    return statement.line
        return 1

    @contextmanager
    def scratch(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection for work that is undone at the end of the block."""
        with self.connection.transaction(force_rollback=True):
            yield self.connection

    def rows(self, query: QueryText) -> list[dict[str, Any]]:
        """Run a query that takes no parameters."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.sql.encode()).fetchall()

    def type_name(self, oid: int) -> str:
        """Return the name of a type as the server writes it."""
        if not self._type_names:
            self._type_names = {t["type_id"]: t["type_name"] for t in self.catalog.list_types()}
        return self._type_names[oid]

    def column_name(self, table: int, column: int) -> tuple[str, str] | None:
        """Return table and column of a result's origin; None for an expression."""
        if not self._column_names:
            self._column_names = {
                (c["table_id"], c["position"]): (c["table_name"], c["column_name"])
                for c in self.catalog.list_columns()
            }
        return self._column_names.get((table, column))

    def uses(self, query: QueryText, types: Sequence[str]) -> list[tuple[str, str]]:
        """Return the tables and columns that a query names; the column is empty for a table.

        A procedure with the query as its body is made and undone: the server records what its body
        depends on (from version 14 on). Before, an empty list.
        """
        if self.version < _BODIES_SINCE:
            return []
        rendered, _ = number_parameters(query.sql, list(query.found))
        head = f"CREATE PROCEDURE aragora_probe({', '.join(types)}) BEGIN ATOMIC "
        with self.scratch() as connection:
            connection.execute(f"{head}{rendered}\n; END".encode())
            rows = self.catalog.list_dependencies()
        return [(row["table_name"], row["column_name"] or "") for row in rows]

    def parse_tree(self, query: QueryText) -> str:
        """Return the tree that the server parses a query to, as it prints it for debugging."""
        if query.sql not in self._trees:
            self._trees[query.sql] = self._parse_tree(query)
        return self._trees[query.sql]

    def _parse_tree(self, query: QueryText) -> str:
        rendered, _ = number_parameters(query.sql, list(query.found))
        said: list[str] = []

        def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
            # A server may be set up to tell other things as well.
            if diagnostic.message_detail is not None and "{QUERY" in diagnostic.message_detail:
                said.append(diagnostic.message_detail)

        with self.scratch() as connection:
            connection.execute("SET LOCAL debug_pretty_print = off")
            connection.execute("SET LOCAL client_min_messages = log")
            connection.execute("SET LOCAL debug_print_parse = on")
            connection.add_notice_handler(hear)
            try:
                connection.pgconn.prepare(b"", rendered.encode(), None)
            finally:
                connection.remove_notice_handler(hear)
        return said[-1]

    def plan_lines(self, query: QueryText) -> tuple[str, ...]:
        """Return the plan that the server makes for whatever the parameters are."""
        return self.explain(query)[0]

    def explain(self, query: QueryText) -> tuple[tuple[str, ...], Mapping[str, Any]]:
        """Return the plan for whatever the parameters are: as lines, and as the server's JSON."""
        rendered, order = number_parameters(query.sql, list(query.found))
        call = f"EXECUTE probe({', '.join(['NULL'] * len(order))})" if order else "EXECUTE probe"
        with self.scratch() as connection:
            connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            connection.execute(f"PREPARE probe AS {rendered}".encode())
            try:
                lines = connection.execute(f"EXPLAIN (COSTS OFF) {call}".encode()).fetchall()
                ((tree,),) = connection.execute(f"EXPLAIN (FORMAT JSON) {call}".encode())
            finally:
                connection.execute("DEALLOCATE probe")
        return tuple(str(line) for (line,) in lines), tree[0]["Plan"]

    def fill(self, fillings: Iterable[Filling], files: Sequence[SchemaFile]) -> Mapping[str, str]:
        """Put rows into the tables, without the CHECK rules that the rows could break.

        Returns why a table stayed empty, by table. What is filled already is left as it is.
        """
        if self.filled is not None:
            return self.filled
        failed = {}
        with self.connection.transaction():
            self._drop_checks(files)
            for filling in fillings:
                try:
                    with self.connection.transaction():
                        self._copy(filling)
                except psycopg.Error as error:
                    failed[filling.table.name] = _said(error)
        self._gather_statistics()
        self.filled = failed
        return failed

    def _copy(self, filling: Filling) -> None:
        table = sql.Identifier(filling.table.name)
        columns = sql.SQL(", ").join(map(sql.Identifier, filling.columns))
        head = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
        with self.connection.cursor() as cursor, cursor.copy(head) as copy:
            lines = map("\t".join, zip(*filling.values, strict=True))
            copy.write("\n".join([*lines, ""]))

    def _gather_statistics(self) -> None:
        idle = self.connection.info.transaction_status == pq.TransactionStatus.IDLE
        # In a transaction, which a scratch schema lives in, there is no VACUUM.
        self.connection.execute("VACUUM ANALYZE" if idle else "ANALYZE")
        self.settled = idle

    def _drop_checks(self, files: Sequence[SchemaFile]) -> None:
        for file in files:
            for item in file.items:
                if item.kind == "check" and item.constraint is not None:
                    self.connection.execute(
                        sql.SQL("ALTER TABLE IF EXISTS {} DROP CONSTRAINT IF EXISTS {}").format(
                            sql.Identifier(item.table), sql.Identifier(item.constraint)
                        )
                    )

    def prepare(self, query: QueryText) -> pq.abc.PGresult | SQLProblem:
        """Prepare a query and describe it; an error is placed in the query's own text."""
        rendered, _ = number_parameters(query.sql, list(query.found))
        raw = self.connection.pgconn
        with self.scratch():
            result = raw.prepare(b"", rendered.encode(), None)
            if result.status == pq.ExecStatus.COMMAND_OK:
                return raw.describe_prepared(b"")
            place = result.error_field(pq.DiagnosticField.STATEMENT_POSITION)
            offset = None
            if place is not None:
                offset = source_offset(query.sql, list(query.found), int(place) - 1)
            state = result.error_field(pq.DiagnosticField.SQLSTATE)
            primary = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            hint = result.error_field(pq.DiagnosticField.MESSAGE_HINT)
            message = primary.decode(errors="replace")
            if state is not None and state.decode() in _UNDETERMINED:
                return _untyped(message, offset, query)
            if hint:
                message += f" ({hint.decode(errors='replace')})"
            return SQLProblem(message, offset)


def _untyped(message: str, offset: int | None, query: QueryText) -> SQLProblem:
    """Name the parameter that the server knows by number only, and say where it is."""
    _, order = number_parameters(query.sql, list(query.found))
    number = _NUMBER.search(message)
    name = order[int(number[1]) - 1] if number else order[0]
    if offset is None:
        offset = next(parameter.start for parameter in query.found if parameter.name == name)
    message = f"PostgreSQL can't tell the type of :{name}; cast it, as in :{name}::text"
    return SQLProblem(message, offset, "untyped-parameter")


def _said(error: psycopg.Error) -> str:
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    return (error.diag.message_primary or str(error)) + hint
