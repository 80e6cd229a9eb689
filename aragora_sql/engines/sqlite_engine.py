"""SQLite as the checker uses it: in memory, with the schema of a tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Dialect
from aragora_sql.engines import cache
from aragora_sql.engines.filling import VERSION, Filling
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.python_sqlite import PythonSQLite
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.tree import SQLProblem, line_and_column
from aragora_sql.errors import BackendDriverMissingError
from aragora_sql.queries.files import QueryText
from aragora_sql.queries.parameters import Token, scan

if TYPE_CHECKING:
    import apsw
    import apsw.ext

__all__ = ["SQLiteEngine", "are_statistics_known"]

_STATISTICS = ("sqlite_stat1", "sqlite_stat4")


def are_statistics_known(files: Sequence[SchemaFile]) -> bool:
    """Tell whether the statistics of a schema's filled tables are kept."""
    import apsw

    return cache.load(_statistics_of(files, apsw.sqlite_lib_version())) is not None


def _statistics_of(files: Sequence[SchemaFile], version: str) -> str:
    key = cache.digest([str(VERSION), version, *(file.text for file in files)])
    return f"statistics-{key}.json"


def _is_code(token: Token) -> bool:
    return token.kind != "comment" and token.text != ";"


class SQLiteEngine:
    """SQLite in memory with the schema."""

    dialect: Dialect = "sqlite"

    def __init__(self, files: Sequence[SchemaFile]) -> None:
        try:
            import apsw
        except ImportError as error:
            raise BackendDriverMissingError("the SQLite side of check:", "apsw") from error
        self.connection = apsw.Connection(":memory:")
        # No statement of a tree opens or writes a file: ATTACH, VACUUM INTO.
        self.connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        self.connection.pragma("foreign_keys", True)
        self.version = apsw.sqlite_lib_version()
        problems = [problem for file in files if (problem := self._load(file)) is not None]
        # What applications run on, where it is older.
        self.python = PythonSQLite(files) if PythonSQLite.is_older_than(self.version) else None
        if self.python is not None and not problems:
            problems += self.python.problems
        self.problems = tuple(problems)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()
        if self.python is not None:
            self.python.close()

    def _load(self, file: SchemaFile) -> Finding | None:
        import apsw

        began = done = 0

        def trace(_: Any, statement: str, __: Any) -> bool:
            nonlocal began, done
            found = file.text.find(statement, done)
            # what is prepared next begins behind it
            began, done = (done, done) if found < 0 else (found, found + len(statement))
            return True

        cursor = self.connection.cursor()
        cursor.exec_trace = trace
        try:
            with self.connection:
                for _ in cursor.execute(file.text):
                    pass
        except apsw.Error as error:
            offset = getattr(error, "error_offset", -1)
            # What is refused when it is prepared was not traced; what fails while it runs was.
            start = done if isinstance(error, apsw.SQLError) else began
            rest = file.text[start:].encode()
            place = start + len(rest[: max(0, offset)].decode(errors="ignore"))
            if offset < 0:
                tokens = scan(file.text, "sqlite")
                behind = (t.start for t in tokens if t.start >= start and _is_code(t))
                place = next(behind, start)
            line, column = line_and_column(file.text, place)
            return Finding(file.path, line, column, "prepare", str(error))
        return None

    def fill(self, fillings: Iterable[Filling], files: Sequence[SchemaFile]) -> None:
        """Give the planner the statistics of filled tables, which is all that it looks at.

        They are kept for the next check with the same schema.
        """
        name = _statistics_of(files, self.version)
        saved = cache.load(name)
        if saved is None:
            self._insert(fillings)
            self.connection.execute("ANALYZE")
            tables = [t for t in _STATISTICS if self.connection.table_exists("main", t)]
            saved = {
                table: [
                    [{"hex": v.hex()} if isinstance(v, bytes) else v for v in row]
                    for row in self.connection.execute(f"SELECT * FROM {table}")
                ]
                for table in tables
            }
            cache.save(name, saved)
            return
        self.connection.execute("ANALYZE")
        with self.connection:
            for table, rows in saved.items():
                self.connection.execute(f"DELETE FROM {table}")
                for row in rows:
                    values = [bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in row]
                    marks = ", ".join("?" * len(values))
                    self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)
        self.connection.execute("ANALYZE sqlite_schema")

    def _insert(self, fillings: Iterable[Filling]) -> None:
        self.connection.pragma("ignore_check_constraints", True)
        self.connection.pragma("foreign_keys", False)
        with self.connection:
            for filling in fillings:
                names = ", ".join(f'"{column}"' for column in filling.columns)
                marks = ", ".join("?" * len(filling.columns))
                self.connection.executemany(
                    f'INSERT INTO "{filling.table.name}" ({names}) VALUES ({marks})',
                    zip(*filling.values, strict=True),
                )
        # What a delete does to children is part of its plan.
        self.connection.pragma("foreign_keys", True)
        self.connection.pragma("ignore_check_constraints", False)

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
