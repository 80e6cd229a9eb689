"""Says so when a new, empty SQLite file is about to be made beside older files that hold data.

The stores read one file, ``aragora.db``. Whoever goes back to SQLite after a migration, or sets the
wrong data directory, would otherwise find empty stores without a word.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

__all__ = ["BOOKKEEPING", "older_files_with_data", "warn_of_older_files"]

log = logging.getLogger("aragora_sql.storage")

# Tables of this package that hold nothing of an application.
BOOKKEEPING = frozenset({"_schema_versions", "_transaction_keys"})
_SUFFIXES = {".db", ".sqlite", ".sqlite3"}
_SHOWN = 5
_warned: set[Path] = set()


def warn_of_older_files(path: Path) -> None:
    """Log a warning, once for each path, when ``path`` is to be made beside files with data."""
    absolute = path.absolute()
    if absolute in _warned or (path.exists() and path.stat().st_size > 0):
        return
    found = older_files_with_data(path)
    if not found:
        return
    _warned.add(absolute)
    names = ", ".join(str(file) for file in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    log.warning(
        "%s does not exist, so a new, empty one is made; older files beside it hold data that "
        "SQLite stores do not read: %s. They stay as they are. `aragora-sql migrate --sqlite-path "
        "%s` moves what is in them to PostgreSQL, and ARAGORA_DB_BACKEND=postgres uses it there. "
        "What was written to PostgreSQL is in none of these files",
        path,
        names,
        path.parent,
    )


def older_files_with_data(path: Path) -> list[Path]:
    """Return the SQLite files in the folder of ``path``, but for itself, that hold any row.

    Also those of the nested folder to which a relative data directory led the older Aragora.
    """
    folder = path.parent
    whole = folder.absolute().parts
    nested = (folder.joinpath(*whole[-length:]) for length in range(1, len(whole)))
    return [
        file
        for place in (folder, *nested)
        if place.is_dir()
        for file in sorted(place.iterdir())
        if file.suffix.lower() in _SUFFIXES and file.name != path.name and _holds_rows(file)
    ]


def _holds_rows(path: Path) -> bool:
    # Immutable, so that looking leaves nothing behind.
    uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            tables = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            return any(_has_row(connection, name) for (name,) in tables if name not in BOOKKEEPING)
    except (sqlite3.Error, OSError):
        # Not a SQLite file, or one that can't be read: nothing can be said of it.
        return False


def _has_row(connection: sqlite3.Connection, table: str) -> bool:
    name = '"' + table.replace('"', '""') + '"'
    try:
        found = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {name})")  # noqa: S608
        return bool(found.fetchone()[0])
    except sqlite3.Error:
        # A virtual table of an extension that is not there.
        return False
