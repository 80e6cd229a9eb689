"""Moves SQLite data to PostgreSQL and loses nothing: read, map, load, account for, verify.

``sources`` finds and reads files, ``mappings`` reads ``sql/legacy/``, ``merging`` makes one record
of several, ``values`` converts, ``loading`` writes, ``verifying`` compares; ``session`` does it for
one range of rows, ``engine`` for all of them.
"""

from aragora_sql.migration.engine import IncompleteError, Progress, run_migration
from aragora_sql.migration.migrator import MemoryMigrator
from aragora_sql.migration.options import MigrationOptions
from aragora_sql.migration.report import MigrationReport, TableReport
from aragora_sql.migration.retrying import retry_rejects
from aragora_sql.migration.sources import SourceError

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
