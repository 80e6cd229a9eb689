"""Moves SQLite data to PostgreSQL and loses nothing: read, map, load, account for, verify.

``to_sqlite`` is the way back, ``langgraph`` what LangGraph's own savers stored.

``finding`` says which files there are and ``sources`` reads them; ``mappings`` reads
``sql/legacy/``; ``planning`` says which table goes where; ``merging`` makes one record of several;
``conversion`` and ``timestamps`` turn values into the target's; ``preparing`` makes the target's
schema what it should be; ``indexes`` drops and builds what only serves queries; ``loading`` writes,
by way of ``staging`` where a row may be bad; ``verifying`` compares; ``ledger`` records what is
done; ``session`` does it for one range of rows, ``pool`` in several processes, ``scratch`` gives a
dry run its tables, and ``run`` puts all of it in order. ``lines`` is what COPY reads, and
``collecting`` spares garbage collections.

Names are loaded at their first use: a worker process needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aragora_sql.migration.finding import SourceError
    from aragora_sql.migration.migrator import MemoryMigrator
    from aragora_sql.migration.options import MigrationOptions
    from aragora_sql.migration.progress import Progress
    from aragora_sql.migration.report import MigrationReport, TableReport
    from aragora_sql.migration.retrying import retry_rejects
    from aragora_sql.migration.run import IncompleteError, run_migration

_HOMES = {
    "IncompleteError": "run",
    "MemoryMigrator": "migrator",
    "MigrationOptions": "options",
    "MigrationReport": "report",
    "Progress": "progress",
    "SourceError": "finding",
    "TableReport": "report",
    "retry_rejects": "retrying",
    "run_migration": "run",
}

__all__ = [
    "IncompleteError",
    "MemoryMigrator",
    "MigrationOptions",
    "MigrationReport",
    "Progress",
    "SourceError",
    "TableReport",
    "retry_rejects",
    "run_migration",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
