"""A module path of the older Aragora: the names are in :mod:`aragora_sql.migration`."""

from aragora_sql.migration import MemoryMigrator, MigrationReport

__all__ = ["MemoryMigrator", "MigrationReport"]
