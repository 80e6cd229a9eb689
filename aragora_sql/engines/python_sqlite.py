"""The SQLite of this Python, where it is older than the one that proves the queries.

Applications run on it: what it refuses fails for them, although the newer library takes it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from aragora_sql.database.sqlite_statements import split_script
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.tree import SQLProblem, line_and_column
from aragora_sql.queries.files import QueryText

__all__ = ["PythonSQLite"]


class PythonSQLite:
    """Python's own SQLite in memory, with the schema of a tree."""

    def __init__(self, files: Sequence[SchemaFile]) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        # No statement of a tree opens or writes a file: ATTACH, VACUUM INTO.
        self.connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self.problems = tuple(problem for file in files for problem in self._load(file))

    @staticmethod
    def is_older_than(version: str) -> bool:
        """Tell whether this Python's library is older than a version such as ``3.46.0``."""
        return sqlite3.sqlite_version_info < tuple(map(int, version.split(".")))

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()

    def _load(self, file: SchemaFile) -> Iterator[Finding]:
        done = 0
        for statement in split_script(file.text):
            done = max(done, file.text.find(statement.strip(), done))
            try:
                self.connection.execute(statement)
            except sqlite3.Error as error:
                line, column = line_and_column(file.text, done)
                yield Finding(file.path, line, column, "prepare", _said(error))
                return

    def problem(self, query: QueryText) -> SQLProblem | None:
        """Prepare a query; return what this library has against it."""
        nothing: Any = defaultdict(lambda: None)
        for statement in split_script(query.sql):
            try:
                self.connection.execute(f"EXPLAIN {statement}", nothing)
            except sqlite3.Error as error:
                return SQLProblem(_said(error), None)
        return None


def _said(error: sqlite3.Error) -> str:
    return f"{error} (on SQLite {sqlite3.sqlite_version}, which this Python has)"
