"""PostgreSQL: the server, the role, the rows that it sees and the schemas that it looks in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aragora_sql.database import Connection
from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.doctor.target import Limits, answered
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.rights import hidden_rows, version_queries

if TYPE_CHECKING:
    from aragora_sql.queries.typed.doctor import DoctorQueries, GetServerRow

__all__ = [
    "check_clock",
    "check_role",
    "check_row_level_security",
    "check_search_path",
    "check_server_version",
    "read_server",
]

_OLDEST = 130000
# Roles of an API, which the world can become.
_PUBLIC_ROLES = {"anon", "authenticated", "authenticator"}
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


async def read_server(connection: Connection, queries: DoctorQueries) -> GetServerRow:
    """Ask the server what it is, and for the session and its role."""
    return answered(await queries.get_server(connection))


def check_server_version(server: GetServerRow) -> list[Finding]:
    """Say which server it is, and whether this package works on it."""
    kind = "Supabase, " if server["is_supabase"] else "RDS, " if server["is_rds"] else ""
    findings = []
    if server["version_number"] < _OLDEST:
        findings.append(
            error("server-version", f"PostgreSQL {server['version']}", "13 or newer is needed")
        )
    if server["encoding"] != "UTF8":
        findings.append(
            error(
                "server-version",
                f"the database has the encoding {server['encoding']}, which lacks characters",
                "create it WITH ENCODING 'UTF8' and move the data there",
            )
        )
    return findings or [ok("server-version", f"{kind}PostgreSQL {server['version']}")]


async def check_role(
    connection: Connection, queries: DoctorQueries, server: GetServerRow, tables: Sequence[str]
) -> list[Finding]:
    """Say whether the role may do what stores do, and not much more."""
    role = server["role_name"]
    findings: list[Finding] = []
    if role in _PUBLIC_ROLES or server["login_name"] in _PUBLIC_ROLES:
        findings.append(
            error(
                "role",
                f"the application connects as {server['login_name']!r}, a role of the API that "
                "the world can become",
                "connect as the role that owns the tables (on Supabase: postgres)",
            )
        )
    if server["is_superuser"]:
        findings.append(
            warning(
                "role",
                f"role {role!r} is a superuser: a mistake in a query can do anything",
                "create a role that owns the database alone: CREATE ROLE aragora LOGIN; "
                "ALTER DATABASE … OWNER TO aragora",
            )
        )
    missing = [
        row async for row in queries.list_missing_rights(connection, table_names=list(tables))
    ]
    if missing:
        shown = ", ".join(f"{row['table_name']} ({row['privileges']})" for row in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        findings.append(
            error(
                "role",
                f"role {role!r} lacks rights on {shown}{more}",
                f"connect as {missing[0]['owner_name']!r}, who owns them, or grant what "
                "docs/operator.md says under Roles",
            )
        )
    rights = await version_queries("postgres", sql_dir()).get_rights(connection)
    owners = version_queries("postgres", sql_dir()).list_closed_tables(
        connection, table_names=list(tables)
    )
    foreign = sorted({row["owner_name"] async for row in owners})
    if findings:
        return findings
    if foreign:
        what = f"works with tables of {', '.join(foreign)}, who upgrades them"
    elif not rights["may_create"]:
        return [
            warning(
                "role",
                f"role {role!r} may not create tables in schema {rights['schema_name']!r}",
                "let the owner run 'aragora-sql schema apply', or GRANT CREATE ON SCHEMA to it",
            )
        ]
    else:
        what = "owns the tables, and may create more"
    return [ok("role", f"role {role!r} {what}")]


async def check_row_level_security(connection: Connection, tables: Sequence[str]) -> list[Finding]:
    """Say which tables lack row level security, and which rows it hides from the application."""
    findings: list[Finding] = []
    hidden = await hidden_rows(connection, version_queries("postgres", sql_dir()), tables)
    if hidden is not None:
        sentence, _, remedy = hidden.partition("; ")
        findings.append(error("row-level-security", sentence, remedy))
    found = {
        row["table_name"]: row["row_level_security"]
        async for row in load_queries("catalog", "postgres").list_tables(connection)
    }
    open_tables = [table for table in tables if found.get(table) is False]
    if open_tables:
        findings.append(
            error(
                "row-level-security",
                f"{', '.join(open_tables[:5])}: without it, so an API shows the rows to everybody",
                "aragora-sql schema repair switches it on",
            )
        )
    count = sum(table in found for table in tables)
    return findings or [ok("row-level-security", f"on, for {count} tables, and hides no row here")]


async def check_search_path(connection: Connection, queries: DoctorQueries) -> list[Finding]:
    """Say whether tables are looked for where they are."""
    path = await queries.get_search_path(connection)
    setting, home, homes = path["setting"], path["schema_name"], list(path["homes"])
    names = [
        quoted.replace('""', '"') if quoted else plain.lower()
        for quoted, plain in _NAME.findall(setting)
    ]
    findings: list[Finding] = []
    if home is None:
        findings.append(
            error(
                "search-path",
                f"search_path ({setting}) names no schema that is there and may be used",
                "create it, GRANT USAGE ON SCHEMA to the role, or name another in the DSN",
            )
        )
    elif homes and home not in homes:
        findings.append(
            error(
                "search-path",
                f"stores are in schema {', '.join(homes)}, and search_path ({setting}) leads to "
                f"{home!r}: they look empty",
                f"add ?search_path={homes[0]} to the DSN",
            )
        )
    elif len(homes) > 1:
        findings.append(
            warning(
                "search-path",
                f"there are stores in several schemas ({', '.join(homes)}); those of {home!r} "
                "are used",
                "name the schema in each DSN (?search_path=…), or drop those that nobody uses",
            )
        )
    if "pg_catalog" in names[1:]:
        findings.append(
            warning(
                "search-path",
                f"pg_catalog is not the first of search_path ({setting}): functions of the schemas "
                "before it take the place of PostgreSQL's own",
                "leave pg_catalog out of it",
            )
        )
    there = {*path["schemas"], "$user", "pg_catalog", "pg_temp"}
    lost = [name for name in names if name not in there]
    if lost and home is not None:
        findings.append(
            warning(
                "search-path",
                f"search_path names {', '.join(lost)}, which is not there or may not be used",
                "is it spelt right? a schema of that name would be looked in",
            )
        )
    return findings or [ok("search-path", f"tables are in schema {home!r} (search_path {setting})")]


async def check_clock(
    connection: Connection,
    queries: DoctorQueries,
    limits: Limits,
    local: Callable[[], float] = time.time,
) -> list[Finding]:
    """Compare the server's clock with ``local``, which returns seconds since 1970.

    The quickest of three answers counts; half of the time that it took may be an error.
    """
    differences: list[tuple[float, float]] = []
    for _ in range(3):
        started, before = time.perf_counter(), local()
        server = (await queries.get_time(connection)).timestamp()
        took = time.perf_counter() - started
        differences.append((took, server - (before + took / 2)))
    took, difference = min(differences)
    sure = max(abs(difference) - took / 2, 0.0)
    way = "ahead of" if difference > 0 else "behind"
    seen = f"the server's clock is {abs(difference):.3f} s {way} this host's (± {took / 2:.3f} s)"
    if sure < limits.clock_warning:
        return [ok("clock", seen)]
    make = error if sure >= limits.clock_error else warning
    return [
        make(
            "clock",
            f"{seen}: times that the application gives and those of the server do not fit",
            "keep both in time with NTP (chronyc tracking, timedatectl)",
        )
    ]
