"""Databases with the schemas of all stores, and how they are looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from aragora_sql.database import Connection
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.doctor import Finding, Target, examine
from aragora_sql.doctor.target import doctor_queries
from aragora_sql.settings import PostgresDSN
from tests.stores.conftest import location, template_database, template_file

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries

__all__ = ["location", "template_database", "template_file"]


async def look(
    where: str | Path, env: Mapping[str, str] | None = None, **options: Any
) -> list[Finding]:
    """Make all checks of a DSN or a file in an environment that is empty by default."""
    if isinstance(where, Path):
        target = Target("sqlite", path=where, source="--sqlite-path", **options)
    else:
        dsn = PostgresDSN.parse(where)
        target = Target("postgres", dsn=dsn, source="--dsn", **options)
    return await examine(target, env or {})


def of(findings: Sequence[Finding], check: str) -> list[tuple[str, str]]:
    """Return severity and what was seen of one check."""
    return [(one.severity, one.seen) for one in findings if one.check == check]


def only(findings: Sequence[Finding], check: str) -> Finding:
    """Return the one finding of a check."""
    (found,) = [one for one in findings if one.check == check]
    return found


async def ask(
    dsn: str, check: Callable[[Connection, DoctorQueries], Awaitable[list[Finding]]]
) -> list[Finding]:
    """Make one check of a PostgreSQL database."""
    database = await PostgresDatabase.connect(dsn, 1, 1)
    try:
        async with database.read() as connection:
            return await check(connection, doctor_queries(database))
    finally:
        await database.close()


def run_on(dsn: str, *statements: str) -> None:
    """Run statements beside what is tested, each by itself."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
