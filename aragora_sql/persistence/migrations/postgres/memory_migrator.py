"""``python -m aragora_sql.persistence.migrations.postgres.memory_migrator``.

The same as ``aragora-sql migrate``, under the module path of the older Aragora.
"""

import sys

from aragora_sql.cli import main
from aragora_sql.migration import MemoryMigrator, MigrationReport

__all__ = ["MemoryMigrator", "MigrationReport"]

if __name__ == "__main__":
    sys.exit(main(["migrate", *sys.argv[1:]]))
