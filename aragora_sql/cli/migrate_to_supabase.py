"""Move the SQLite files of a data directory to PostgreSQL (Supabase or any other).

``scripts/migrate_sqlite_to_supabase.py`` of a checkout, ``aragora-sql-migrate-to-supabase`` of an
installed package. The same as ``aragora-sql migrate``, whose other options may follow: see
docs/migration.md. Exit codes: 0 every row is there, 1 some were rejected or differ, 2 wrong
arguments or files, 3 something that no store takes is left behind, 4 the database refused, 5 it
can't be reached, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import DIFFERENT, LEFT_BEHIND, OK
from aragora_sql.migration.mappings import migratable_stores
from aragora_sql.settings import DEFAULT_DATA_DIR

__all__ = ["run"]


def run() -> int:
    """Translate the options of this script into those of ``aragora-sql migrate``."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", maxsplit=1)[0],
        epilog="Further options are those of `aragora-sql migrate`, such as --source-timezone.",
    )
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--all", action="store_true", help="every store")
    chosen.add_argument(
        "--stores",
        nargs="+",
        choices=migratable_stores(),
        metavar="STORE",
        help="only these stores",
    )
    parser.add_argument(
        "--data-dir",
        default=os.environ.get("ARAGORA_DATA_DIR", "").strip() or DEFAULT_DATA_DIR,
        help=f"folder of the SQLite files (default: ARAGORA_DATA_DIR, then {DEFAULT_DATA_DIR})",
    )
    parser.add_argument("--postgres-dsn", help="connection URI (default: DATABASE_URL)")
    parser.add_argument("--dry-run", action="store_true", help="change nothing and report")
    parser.add_argument(
        "--reencrypt-secrets",
        action="store_true",
        help="then encrypt the secrets of integrations with the present key, also those that were "
        "kept in the clear",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    options, further = parser.parse_known_args()

    arguments = ["migrate", "--sqlite-path", options.data_dir]
    for store in options.stores or ["all"]:
        arguments += ["--store", store]
    dsn = ["--postgres-dsn", options.postgres_dsn] if options.postgres_dsn else []
    arguments += dsn
    arguments += ["--dry-run"] if options.dry_run else []
    arguments += ["--verbose"] if options.verbose else []
    code = main([*arguments, *further])
    if code in {OK, DIFFERENT, LEFT_BEHIND} and options.reencrypt_secrets and not options.dry_run:
        target = ["--dsn", options.postgres_dsn] if options.postgres_dsn else []
        rotated = main(["integrations", "rotate-keys", "--dialect", "postgres", *target])
        # That secrets are still in the clear weighs more than what is left behind.
        return rotated or code
    return code
