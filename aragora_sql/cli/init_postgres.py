"""Create the schema of every store in a PostgreSQL database, upgrade it, or verify it.

``scripts/init_postgres_db.py`` of a checkout, ``aragora-sql-init-postgres`` of an installed
package. The same as ``aragora-sql schema apply`` and ``aragora-sql schema verify`` with
``--dialect postgres``. Exit codes: 0 done, 1 the schema differs, 2 wrong arguments or no DSN,
4 the server refused, 5 it can't be reached.
"""

from __future__ import annotations

import argparse

from aragora_sql.cli import main

__all__ = ["run"]


def run() -> int:
    """Translate the options of this script into those of ``aragora-sql schema``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--dsn", help="connection URI (default: DATABASE_URL, then ARAGORA_POSTGRES_DSN)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--verify", action="store_true", help="compare, and change nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.verify and options.dry_run:
        parser.error("--verify changes nothing anyway; leave out --dry-run")
    arguments = ["schema", "verify" if options.verify else "apply", "--dialect", "postgres"]
    arguments += ["--dsn", options.dsn] if options.dsn else []
    arguments += ["--dry-run"] if options.dry_run else []
    arguments += ["--json"] if options.json else []
    return main(arguments)
