"""Work of a check that a second process does meanwhile, while this one asks the engines.

It is what takes seconds and asks nobody: parsing the Python that calls queries, and filling tables
of SQLite for its planner. What is found is left in the cache, where the check looks for it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aragora_sql.checker.callers import Sources
from aragora_sql.engines.catalog import Catalog
from aragora_sql.engines.children import module_command
from aragora_sql.engines.filling import fillings, for_sqlite
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.sqlite_engine import SQLiteEngine, are_statistics_known

__all__ = ["Ahead", "Callers", "Statistics"]

# Of fewer a process costs more than it saves.
_MANY_FILES, _MANY_TABLES = 50, 20


@dataclass(frozen=True, slots=True)
class Callers:
    """Finds what Python files call."""

    sources: Sources

    def is_quick(self) -> bool:
        """Tell whether the cache has it, or there are few files."""
        return len(self.sources.files) < _MANY_FILES or self.sources.are_known()

    def __call__(self) -> None:
        """Leave it in the cache."""
        self.sources.uses()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Gathers the statistics of filled tables."""

    catalog: Catalog
    files: Sequence[SchemaFile]

    def is_quick(self) -> bool:
        """Tell whether the cache has them, or there are few tables."""
        return len(self.catalog) < _MANY_TABLES or are_statistics_known(self.files)

    def __call__(self) -> None:
        """Leave them in the cache."""
        engine = SQLiteEngine(self.files)
        try:
            engine.fill(fillings(self.catalog, self.files, for_sqlite), self.files)
        finally:
            engine.close()


class Ahead:
    """The process of one task, from its start; none where it is quick, or there is but one core.

    What fails there fails here again, where somebody is told.
    """

    def __init__(self, task: Callers | Statistics) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if (os.cpu_count() or 1) < 2 or task.is_quick():
            return
        with tempfile.TemporaryFile() as request:
            pickle.dump(task, request)
            request.seek(0)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                module_command("aragora_sql.checker.ahead_worker"),
                stdin=request,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._process is not None:
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def work() -> None:
    """Do the task that standard input holds."""
    pickle.load(sys.stdin.buffer)()  # noqa: S301 - of our own process
