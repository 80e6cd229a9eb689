"""Joins PostgreSQL's pg_stat_statements with the named queries of the SQL files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from aragora_sql.database import Database, Row
from aragora_sql.errors import ConfigurationError, DatabaseError
from aragora_sql.queries.files import packaged_sql_dir, read_queries, sql_dir, sql_folder
from aragora_sql.workbench.calls import reading, statement_queries
from aragora_sql.workbench.names import query_stores

__all__ = ["OTHER", "SORT_KEYS", "SortKey", "Usage", "query_locations", "read_usage"]

OTHER = "other"
SortKey = Literal["calls", "total", "mean", "rows"]
SORT_KEYS: tuple[SortKey, ...] = ("calls", "total", "mean", "rows")

# The tag is behind the first word, or before it; EXPLAIN of a query is not a call of it.
_TAG = re.compile(r"[\s(]*(?!EXPLAIN\b)\w*\s*/\* aragora:(?P<name>\w+\.\w+) \*/", re.IGNORECASE)
_SPACE = re.compile(r"\s+")

_HOW = (
    "to enable it: 1. shared_preload_libraries = 'pg_stat_statements' in postgresql.conf (or ALTER "
    "SYSTEM SET), 2. restart the server, 3. CREATE EXTENSION pg_stat_statements; in this database"
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server counted for one query since its statistics were last reset.

    ``name`` is ``store.query``, or ``other`` for a statement that is not of the SQL files: then
    ``text`` is how it begins. ``location`` is the file and line; None when the files in use have
    no query of that name. Times are in milliseconds, ``row_count`` is rows returned or changed.
    """

    name: str
    location: str | None
    text: str
    calls: int
    total_ms: float
    row_count: int

    @property
    def mean_ms(self) -> float:
        """The mean time of a call."""
        return self.total_ms / self.calls if self.calls else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "name": self.name,
            "location": self.location,
            "text": self.text,
            "calls": self.calls,
            "total_ms": self.total_ms,
            "mean_ms": self.mean_ms,
            "rows": self.row_count,
        }


_KEYS = {
    "calls": lambda usage: usage.calls,
    "total": lambda usage: usage.total_ms,
    "mean": lambda usage: usage.mean_ms,
    "rows": lambda usage: usage.row_count,
}


async def read_usage(
    database: Database,
    sort: SortKey = "total",
    locations: Mapping[str, str] | None = None,
) -> list[Usage]:
    """Return what the server counted in this database, most first.

    ``locations`` is what :func:`query_locations` gave, for those who ask often.

    Raises :class:`ConfigurationError` that says how to enable pg_stat_statements when the server
    does not count.
    """
    if database.dialect != "postgres":
        raise ConfigurationError("SQLite keeps no statistics of statements: top needs PostgreSQL")
    queries = statement_queries()
    async with reading(database) as connection:
        found = await queries.find_statistics(connection)
        if found["schema_name"] is None or found["preloaded"] is False:
            raise ConfigurationError(_what_is_missing(found))
        await queries.look_in_schema(connection, schema_name=found["schema_name"])
        try:
            rows = [row async for row in queries.list_statistics(connection)]
        except DatabaseError as error:
            # Who may not read shared_preload_libraries learns it only here.
            raise ConfigurationError(f"{error}; {_HOW}") from error
    usages = _by_query(rows, query_locations() if locations is None else locations)
    return sorted(usages, key=lambda usage: (-_KEYS[sort](usage), usage.name, usage.text))


def _what_is_missing(found: Mapping[str, Any]) -> str:
    if not found["available"]:
        return (
            "the server has no pg_stat_statements: install PostgreSQL's contrib modules on it "
            f"(Debian: postgresql-contrib); {_HOW}"
        )
    if found["preloaded"] is False:
        return f"pg_stat_statements is not loaded by the server; {_HOW}"
    return (
        "pg_stat_statements is not in this database: CREATE EXTENSION pg_stat_statements; "
        f"where that is not enough, {_HOW}"
    )


def query_locations() -> dict[str, str]:
    """Return where each named query is, of the files in use and of this package itself."""
    folders = [sql_folder(store, "postgres", sql_dir()) for store in query_stores("postgres")]
    ours = (packaged_sql_dir() / "workbench" / "postgres").glob("*/queries.sql")
    folders += sorted(path.parent for path in ours)
    return {
        f"{folder.name}.{query.name}": f"{query.path}:{query.line}"
        for folder in folders
        for query in read_queries(Path(folder) / "queries.sql", "postgres").values()
    }


def _by_query(rows: Iterable[Row], locations: Mapping[str, str]) -> list[Usage]:
    """Add up the rows of a query: there is one for each user, and for each version of its SQL."""
    usages: dict[str, Usage] = {}
    for row in rows:
        match = _TAG.match(row["query"])
        name = match["name"] if match else OTHER
        usage = Usage(
            name=name,
            location=locations.get(name),
            text=_SPACE.sub(" ", row["query"]).strip(),
            calls=row["calls"],
            total_ms=row["total_ms"],
            row_count=row["row_count"],
        )
        key = name if match else f"{OTHER} {row['statement_id']}"
        before = usages.get(key)
        if before is not None:
            usage = replace(
                before,
                calls=before.calls + usage.calls,
                total_ms=before.total_ms + usage.total_ms,
                row_count=before.row_count + usage.row_count,
            )
        usages[key] = usage
    return list(usages.values())
