"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version

__all__ = ["describe_machine"]

_PACKAGES = ("asyncpg", "aiosql", "aiosqlite", "orjson", "psycopg", "SQLAlchemy", "sqlspec")


def describe_machine(postgres_version: str | None) -> dict[str, str]:
    """Return the machine and the versions that a figure depends on."""
    described = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "machine": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    if postgres_version is not None:
        described["PostgreSQL"] = postgres_version
    return described | {name: version(name) for name in _PACKAGES}
