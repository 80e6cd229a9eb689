"""The two engines that prove a tree of SQL files, each with the tree's schema in a scratch place.

PostgreSQL is a server of the user's (a scratch database on it, or where that right is missing a
scratch schema in a transaction that is rolled back) or an embedded one; SQLite is in memory. The
user's own tables are never read nor written.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import pq, sql
from psycopg.rows import dict_row

from aragora_sql.checker.catalog import Catalog, CatalogQueries
from aragora_sql.checker.filling import Filling, fillings, for_postgres, for_sqlite
from aragora_sql.checker.findings import Finding, finding_of
from aragora_sql.checker.schema_files import SchemaFile, read_schema_file
from aragora_sql.database import Dialect
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import (
    BackendDriverMissingError,
    DatabaseUnavailableError,
    QueryFileError,
)
from aragora_sql.queries.files import DIALECTS, QueryText, sql_dir
from aragora_sql.queries.parameters import number_parameters, source_offset
from aragora_sql.schema import VERSIONS, store_names
from aragora_sql.settings import PostgresDSN, dsn_from_env

if TYPE_CHECKING:
    import apsw
    import apsw.ext

__all__ = ["Engines", "PostgresEngine", "SQLProblem", "SQLiteEngine", "Tree", "read_tree"]

_UNDETERMINED = "42P18"
_BODIES_SINCE = 14


@dataclass(frozen=True, slots=True)
class SQLProblem:
    """What an engine has against a statement, and the offset in it, where the engine knows one."""

    message: str
    offset: int | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The schema files of a tree by dialect, in the order in which they have to be applied."""

    root: Path
    schemas: Mapping[Dialect, tuple[SchemaFile, ...]]
    problems: tuple[Finding, ...]


def read_tree(root: Path | None = None) -> Tree:
    """Read the schema files of a tree (default: the one in use); unreadable ones are problems."""
    root = root or sql_dir()
    schemas: dict[Dialect, tuple[SchemaFile, ...]] = {}
    problems: list[Finding] = []
    for dialect in DIALECTS:
        files = []
        try:
            names = [VERSIONS, *store_names(dialect, root)]
        except QueryFileError as error:
            problems.append(finding_of(error, "tree"))
            names = []
        for name in names:
            try:
                files.append(read_schema_file(name, root / dialect / name / "schema.sql", dialect))
            except QueryFileError as error:
                problems.append(finding_of(error, "tree"))
        schemas[dialect] = tuple(files)
    return Tree(root, schemas, tuple(problems))


class Engines:
    """Both engines with the schema of a tree, opened when they are first asked for.

    ``tree`` is what :func:`read_tree` gave. PostgreSQL is ``dsn``, else that of the environment,
    else an embedded server. After opening, ``problems`` says what the engines have against the
    schema files.

    >>> with Engines(read_tree()) as engines:
    ...     engines.postgres.version
    """

    def __init__(self, tree: Tree, dsn: str | None = None) -> None:
        self.tree = tree
        self._dsn = dsn
        self._stack = ExitStack()
        self._postgres: PostgresEngine | None = None
        self._sqlite: SQLiteEngine | None = None
        self._filled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def postgres(self) -> PostgresEngine:
        """PostgreSQL with the schema. Raises :class:`DatabaseUnavailableError`."""
        if self._postgres is None:
            files = self.tree.schemas["postgres"]
            self._postgres = self._stack.enter_context(_open_postgres(self._dsn, files))
        return self._postgres

    @property
    def sqlite(self) -> SQLiteEngine:
        """SQLite with the schema. Raises :class:`BackendDriverMissingError` without ``apsw``."""
        if self._sqlite is None:
            self._sqlite = SQLiteEngine(self.tree.schemas["sqlite"])
            self._stack.callback(self._sqlite.close)
        return self._sqlite

    def fill(self, catalogs: Mapping[Dialect, Catalog]) -> None:
        """Fill the tables of both engines, once."""
        if self._filled:
            return
        self._filled = True
        files = self.tree.schemas
        self.postgres.fill(fillings(catalogs["postgres"], files["postgres"]), files["postgres"])
        self.sqlite.fill(fillings(catalogs["sqlite"], files["sqlite"]))

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What is wrong with the schema files, on both engines."""
        return (*self.tree.problems, *self.postgres.problems, *self.sqlite.problems)


class PostgresEngine:
    """A connection to a scratch place that holds the schema; nothing stays behind."""

    dialect: Dialect = "postgres"

    def __init__(self, connection: psycopg.Connection[Any], files: Sequence[SchemaFile]) -> None:
        self.connection = connection
        self.version = connection.info.server_version // 10000
        self.catalog = CatalogQueries("postgres", self.rows)
        self._type_names: dict[int, str] = {}
        self._column_names: dict[tuple[int, int], tuple[str, str]] = {}
        problems = [problem for file in files if (problem := self._load(file)) is not None]
        self.problems = tuple(problems)

    def _load(self, file: SchemaFile) -> Finding | None:
        try:
            with self.connection.transaction():
                self.connection.execute(file.text.encode())
        except psycopg.Error as error:
            place = error.diag.statement_position
            line, column = _line_and_column(file.text, int(place) - 1 if place else 0)
            return Finding(file.path, line, column, "prepare", _said(error))
        return None

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
        head = f"CREATE PROCEDURE pg_temp.probe({', '.join(types)}) BEGIN ATOMIC "
        with self.scratch() as connection:
            connection.execute(f"{head}{rendered}\n; END".encode())
            rows = self.catalog.list_dependencies()
        return [(row["table_name"], row["column_name"] or "") for row in rows]

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

    def fill(self, fillings: Iterable[Filling], files: Sequence[SchemaFile]) -> None:
        """Put rows into empty tables, without the CHECK rules that the rows could break."""
        with self.connection.transaction():
            self._drop_checks(files)
            for filling in fillings:
                table = sql.Identifier(filling.table.name)
                columns = sql.SQL(", ").join(map(sql.Identifier, filling.columns))
                head = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
                with self.connection.cursor() as cursor, cursor.copy(head) as copy:
                    for row in filling.rows:
                        copy.write_row([for_postgres(value) for value in row])
        self.connection.execute("ANALYZE")

    def _drop_checks(self, files: Sequence[SchemaFile]) -> None:
        for file in files:
            for item in file.items:
                if item.kind == "check" and item.constraint is not None:
                    self.connection.execute(
                        sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
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
            primary = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            hint = result.error_field(pq.DiagnosticField.MESSAGE_HINT)
            message = primary.decode(errors="replace")
            if result.error_field(pq.DiagnosticField.SQLSTATE) == _UNDETERMINED.encode():
                message = _named(message, rendered, query)
            if hint:
                message += f" ({hint.decode(errors='replace')})"
            return SQLProblem(message, offset)


def _named(message: str, rendered: str, query: QueryText) -> str:
    """Say which parameter it is that the server knows by number only."""
    _, order = number_parameters(query.sql, list(query.found))
    for number in range(len(order), 0, -1):
        message = message.replace(f"${number}", f":{order[number - 1]}")
    return f"{message}: cast it, as in :name::text"


def _said(error: psycopg.Error) -> str:
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    return (error.diag.message_primary or str(error)) + hint


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@contextmanager
def _open_postgres(dsn: str | None, files: Sequence[SchemaFile]) -> Iterator[PostgresEngine]:
    target = PostgresDSN.parse(dsn, "--dsn") if dsn else dsn_from_env()
    with ExitStack() as stack:
        if target is None:
            uri = stack.enter_context(EmbeddedServer()).dsn()
            connection = stack.enter_context(psycopg.connect(uri, autocommit=True))
            yield PostgresEngine(connection, files)
            return
        try:
            server = psycopg.connect(target.uri(), autocommit=True)
        except psycopg.Error as error:
            raise DatabaseUnavailableError(
                f"{target}: no connection could be made to check on: {error}"
            ) from error
        stack.enter_context(server)
        name = f"aragora_check_{uuid.uuid4().hex[:12]}"
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            with server.transaction(force_rollback=True):
                identifier = sql.Identifier(name)
                server.execute(sql.SQL("CREATE SCHEMA {}").format(identifier))
                server.execute(sql.SQL("SET LOCAL search_path = {}").format(identifier))
                yield PostgresEngine(server, files)
            return
        try:
            uri = psycopg.conninfo.make_conninfo(target.uri(), dbname=name)
            with psycopg.connect(uri, autocommit=True) as connection:
                yield PostgresEngine(connection, files)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class SQLiteEngine:
    """SQLite in memory with the schema."""

    dialect: Dialect = "sqlite"

    def __init__(self, files: Sequence[SchemaFile]) -> None:
        try:
            import apsw
        except ImportError as error:
            raise BackendDriverMissingError("the SQLite side of check:", "apsw") from error
        self.connection = apsw.Connection(":memory:")
        self.connection.pragma("foreign_keys", True)
        self.version = apsw.sqlite_lib_version()
        problems = [problem for file in files if (problem := self._load(file)) is not None]
        self.problems = tuple(problems)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()

    def _load(self, file: SchemaFile) -> Finding | None:
        import apsw

        done = 0

        def trace(_: Any, statement: str, __: Any) -> bool:
            nonlocal done
            found = file.text.find(statement.strip(), done)
            done = max(done, found)
            return True

        cursor = self.connection.cursor()
        cursor.exec_trace = trace
        try:
            with self.connection:
                for _ in cursor.execute(file.text):
                    pass
        except apsw.Error as error:
            offset = getattr(error, "error_offset", -1)
            rest = file.text[done:].encode()
            place = done + len(rest[: max(0, offset)].decode(errors="ignore"))
            line, column = _line_and_column(file.text, place)
            return Finding(file.path, line, column, "prepare", str(error))
        return None

    def fill(self, fillings: Iterable[Filling]) -> None:
        """Put rows into empty tables, without the rules that the rows could break."""
        self.connection.pragma("ignore_check_constraints", True)
        self.connection.pragma("foreign_keys", False)
        with self.connection:
            for filling in fillings:
                names = ", ".join(f'"{column}"' for column in filling.columns)
                marks = ", ".join("?" * len(filling.columns))
                self.connection.executemany(
                    f'INSERT INTO "{filling.table.name}" ({names}) VALUES ({marks})',  # noqa: S608
                    ([for_sqlite(value) for value in row] for row in filling.rows),
                )
        self.connection.execute("ANALYZE")

    def rows(self, query: QueryText) -> list[dict[str, Any]]:
        """Run a query that takes no parameters."""
        cursor = self.connection.cursor()
        rows: list[dict[str, Any]] = []
        names: list[str] = []
        for row in cursor.execute(query.sql):
            names = names or [column[0] for column in cursor.get_description()]
            values = dict(zip(names, row, strict=True))
            for column, kind in query.result_kinds.items():
                if kind == "json" and values[column] is not None:
                    values[column] = json.loads(values[column])
            rows.append(values)
        return rows

    def describe(self, query: QueryText) -> apsw.ext.QueryDetails | SQLProblem:
        """Prepare a query and describe it, with what it reads and writes and its plan."""
        import apsw
        import apsw.ext

        try:
            return apsw.ext.query_info(
                self.connection, query.sql, actions=True, explain_query_plan=True
            )
        except apsw.Error as error:
            offset = getattr(error, "error_offset", -1)
            if offset < 0:
                return SQLProblem(str(error), None)
            before = query.sql.encode()[:offset].decode(errors="ignore")
            return SQLProblem(str(error), len(before))
