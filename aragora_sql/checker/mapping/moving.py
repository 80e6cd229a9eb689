"""Moves older files through the package's own migration, in a process of its own.

The migration reads the tree in use, which is not the one that is checked; and what a tree holds
runs with no more than the scratch database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.checker.mapping.older import ZONE
from aragora_sql.engines.children import child_environment, module_command

__all__ = ["Moved", "move"]

_MODULE = "aragora_sql.checker.mapping.moving"
# Rows that make a chunk are few, so that ranges of rows are used.
_BATCH = 1
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move says: the notes of each table with their counts, and an error that ended it."""

    notes: dict[str, dict[str, int]]
    error: str | None


def move(folder: Path, stores: list[str], dsn: str, root: Path) -> Moved:
    """Move the files of a folder with the mappings of the tree ``root``."""
    given = {"folder": str(folder), "stores": stores, "dsn": dsn}
    environment = child_environment() | {"ARAGORA_SQL_DIR": str(root)}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            module_command(_MODULE),
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            cwd=folder,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return Moved({}, f"the move did not end in {_SECONDS} s")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        return Moved({}, "".join(last) or f"exit code {done.returncode}")
    told = json.loads(done.stdout)
    return Moved(told["notes"], told["error"])


def _move(given: dict[str, Any]) -> dict[str, Any]:
    from aragora_sql.errors import AragoraSQLError
    from aragora_sql.migration.options import MigrationOptions
    from aragora_sql.migration.run import run_migration
    from aragora_sql.settings import PostgresDSN

    folder = Path(given["folder"])
    options = MigrationOptions(
        sqlite_path=folder,
        dsn=PostgresDSN.parse(given["dsn"], "dsn"),
        stores=tuple(given["stores"]),
        batch_size=_BATCH,
        source_timezone=ZONE,
        rejects=folder / "rejects",
        verify="none",
    )
    try:
        report = run_migration(options)
    except AragoraSQLError as error:
        return {"notes": {}, "error": str(error)}
    return {
        "notes": {table.table: dict(table.counts.notes) for table in report.tables},
        "error": None,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_move(json.loads(sys.stdin.read()))))
