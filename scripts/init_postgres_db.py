#!/usr/bin/env python3
"""Create the schema of every store in a PostgreSQL database, upgrade it, or verify it.

The same as the command ``aragora-sql-init-postgres`` of an installed package: see ``--help``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

try:
    from aragora_sql.cli.init_postgres import run
except ImportError:
    # Called with another Python than the one that `make` set up beside this script.
    python = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])  # noqa: S606
    print("aragora_sql is not installed: run `make demo` or `pip install .` first", file=sys.stderr)
    raise SystemExit(2) from None

if __name__ == "__main__":
    raise SystemExit(run())
