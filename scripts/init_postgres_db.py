#!/usr/bin/env python3
"""Create the schema of every store in a PostgreSQL database, upgrade it, or verify it.

The same as ``aragora-sql schema apply`` and ``aragora-sql schema verify`` with
``--dialect postgres``. Exit codes: 0 done, 1 the schema differs, 2 wrong arguments or no DSN,
3 the server can't be reached, 4 the server refused.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

try:
    from aragora_sql.cli import main
except ImportError:
    # Called with another Python than the one that `make` set up beside this script.
    python = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])  # noqa: S606
    print("aragora_sql is not installed: run `make demo` or `pip install .` first", file=sys.stderr)
    raise SystemExit(2) from None


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


if __name__ == "__main__":
    raise SystemExit(run())
