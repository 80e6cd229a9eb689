"""Makes all checks, one after the other: what fails or never answers is a finding too."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from aragora_sql.database import Connection, Database
from aragora_sql.database.limits import within
from aragora_sql.database.sqlite_files import file_id
from aragora_sql.doctor import advisors, files, load, roles, secrets
from aragora_sql.doctor.findings import CHECKS, Finding, error, ok
from aragora_sql.doctor.replicas import check_replicas
from aragora_sql.doctor.schemas import check_schema, stores_present, tables_of
from aragora_sql.doctor.servers import check_dsn, check_tls, why_unreachable
from aragora_sql.doctor.target import Target, doctor_queries
from aragora_sql.doctor.variables import check_files, check_variables
from aragora_sql.dsn import PostgresDSN
from aragora_sql.encryption import Keyring
from aragora_sql.errors import AragoraSQLError, ConfigurationError, ConnectionLostError
from aragora_sql.redaction import REDACTED, SECRET_NAMES_VARIABLE, is_secret_name
from aragora_sql.schema import latest_version
from aragora_sql.secret_store import secrets_that_were_read
from aragora_sql.stores.with_secrets import WITH_SECRETS

__all__ = ["examine"]

# A shorter secret is found in words that are none.
_LEAST_SECRET = 4
# Variables that may hold a secret, and that could be quoted; PWD is a folder.
_OF_SECRETS = ("ARAGORA_", "AWS_", "PGPASS", "SUPABASE_")
_OF_NAMES = {"ARAGORA_SECRETS", SECRET_NAMES_VARIABLE}
# How long a database that has failed to answer is asked whether it is there at all, in seconds.
_STILL_THERE = 3.0
# A whole SQLite file takes as long to read as it likes.
_NO_LIMIT = 24 * 3600.0


async def examine(target: Target | None, env: Mapping[str, str]) -> list[Finding]:
    """Make all checks and return what they found, in the order of :data:`CHECKS`.

    ``env`` is the environment. ``target`` is None where the environment names no database that can
    be looked at: then only the environment is. Nothing is changed. No finding holds a secret.
    """
    findings = check_variables(env)
    findings += check_files(env, target.path if target is not None else None)
    keyring, problems = secrets.check_key(env)
    findings += problems
    if target is not None and target.dsn is not None:
        findings += await _postgres(target, target.dsn, keyring)
        findings += await check_replicas(target.dsn, env, target.timeout)
    elif target is not None and target.path is not None:
        findings += await _sqlite(target, target.path, keyring)
    elif keyring is not None:
        findings.append(ok("encryption-key", "there is a key" if keyring else "there is no key"))
    places = {name: place for place, name in enumerate(CHECKS)}
    hidden = _secrets_of(target, env)
    return [
        replace(one, seen=_hide(one.seen, hidden), action=_hide(one.action, hidden))
        for one in sorted(findings, key=lambda one: places[one.check])
    ]


class _Examination:
    """The checks of one open database; ends when it does not answer any more."""

    def __init__(self, database: Database, target: Target) -> None:
        self._database = database
        self._timeout = target.timeout
        self.findings: list[Finding] = []
        self.is_over = False

    async def check(self, name: str, work: Callable[[], Awaitable[list[Finding]]]) -> None:
        """Make a check of its own time limit; an error is a finding of it."""
        if self.is_over:
            return

        async def run() -> list[Finding]:
            return await work()

        try:
            self.findings += await within(self._timeout, run())
            return
        except ConnectionLostError as problem:
            seen = str(problem)
        except AragoraSQLError as problem:
            self.findings.append(error(name, f"can't be looked at: {problem}", "see the message"))
            return
        except TimeoutError:
            seen = f"no answer within {self._timeout:g} s"
        self.findings.append(error(name, seen, "see the checks connection and old-transactions"))
        health = await self._database.health(min(_STILL_THERE, self._timeout))
        if not health.ok:
            self.is_over = True
            self.findings.append(
                error(
                    "connection",
                    f"the database does not answer any more: {health.error or seen}",
                    "the checks after this one were not made",
                    "connection",
                )
            )

    async def check_over(
        self, name: str, work: Callable[[Connection], Awaitable[list[Finding]]]
    ) -> None:
        """Make a check that needs a connection."""

        async def run() -> list[Finding]:
            async with self._database.read() as connection:
                return await work(connection)

        await self.check(name, run)

    async def check_secrets(self, keyring: Keyring | None) -> None:
        """Try the keys where stores with secrets are there; None: they can't be used."""
        if keyring is None:
            return

        async def run() -> list[Finding]:
            present = await stores_present(self._database)
            current = {
                store
                for store in ("integrations", *(one.store for one in WITH_SECRETS))
                if present.get(store) == latest_version(store, self._database.dialect)
            }
            others = await secrets.check_other_secrets(self._database, keyring, current)
            if "integrations" not in current:
                told = "there is a key" if keyring else "there is no key"
                return others or [
                    ok("encryption-key", f"{told}, and no store of integrations to try it on")
                ]
            return [*others, *await secrets.check_stored_secrets(self._database, keyring)]

        await self.check("encryption-key", run)


async def _postgres(target: Target, dsn: PostgresDSN, keyring: Keyring | None) -> list[Finding]:
    from aragora_sql.database.postgres import PostgresDatabase

    findings = check_dsn(dsn)
    try:
        database = await within(
            target.timeout, PostgresDatabase.connect(_without_word_on_poolers(dsn), 1, 2)
        )
    except AragoraSQLError as problem:
        by = f" (the DSN is that of {target.source})" if target.source else ""
        if isinstance(problem, ConfigurationError):
            action = "change the DSN as it says"
            failed = error("connection", f"{problem}{by}", action, "configuration")
        else:
            action = why_unreachable(dsn, problem)
            failed = error("connection", f"{problem}{by}", action, "connection")
        return [*findings, *check_tls(dsn), failed]
    except TimeoutError as problem:
        seen = f"cannot connect to {dsn}: no answer within {target.timeout:g} s"
        action = why_unreachable(dsn, ConnectionLostError(f"{seen} (connect timeout)"))
        del problem
        return [*findings, *check_tls(dsn), error("connection", seen, action, "connection")]
    try:
        return [*findings, *await _look(database, target, dsn, keyring)]
    finally:
        await database.close()


def _without_word_on_poolers(dsn: PostgresDSN) -> PostgresDSN:
    """Return a DSN that leaves it to the pool to find out, where the port does not say it."""
    options = tuple(one for one in dsn.options if one[0] != "pgbouncer")
    silent = replace(dsn, options=options)
    return dsn if silent.transaction_pooling else silent


async def _look(
    database: Database, target: Target, dsn: PostgresDSN, keyring: Keyring | None
) -> list[Finding]:
    from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase

    assert isinstance(database, PostgresDatabase)  # noqa: S101 - for the type checker
    work = _Examination(database, target)
    queries, limits, tables = doctor_queries(database), target.limits, tables_of(database)
    is_shared = not database.has_sessions
    health = await database.health(target.timeout)
    if health.latency_ms is None:
        return [error("connection", f"{health.error}", "see the server's log", "connection")]
    work.findings.append(ok("connection", f"answers in {health.latency_ms:.1f} ms"))

    async def look_at_server(connection: Connection) -> list[Finding]:
        server = await roles.read_server(connection, queries)
        is_direct = (
            isinstance(connection, PostgresConnection)
            and connection.raw.get_server_pid() == server["process_id"]
        )
        return [
            *roles.check_server_version(server),
            *await roles.check_role(connection, queries, server, tables),
            *check_tls(
                dsn,
                is_encrypted=server["is_encrypted"] if is_direct else None,
                version=server["tls_version"] if is_direct else None,
            ),
            *load.check_prepared_statements(dsn, is_shared=is_shared, is_direct=is_direct),
        ]

    await work.check_over("server-version", look_at_server)
    await work.check_over("row-level-security", lambda c: roles.check_row_level_security(c, tables))
    await work.check_over("search-path", lambda c: roles.check_search_path(c, queries))
    await work.check("schema-version", lambda: check_schema(database))
    await work.check_over(
        "connections",
        lambda c: load.check_connections(c, queries, target, is_pooled=is_shared),
    )
    await work.check_over("clock", lambda c: roles.check_clock(c, queries, limits))
    await work.check_over(
        "replication", lambda c: load.check_replication(c, queries, health, limits)
    )
    await work.check_over("table-bloat", lambda c: load.check_bloat(c, queries, tables, limits))
    await work.check_over(
        "old-transactions", lambda c: load.check_old_transactions(c, queries, limits)
    )
    await work.check_over("advisors", lambda c: advisors.check_advisors(c, queries, tables))
    await work.check_secrets(keyring)
    return work.findings


async def _sqlite(target: Target, path: Path, keyring: Keyring | None) -> list[Finding]:
    from aragora_sql.database.sqlite import DEFAULT_STATEMENT_TIMEOUT, SQLiteDatabase

    if file_id(path) is None:
        return [
            error(
                "connection",
                f"there is no SQLite file {path} (the path is that of {target.source})",
                "aragora-sql schema apply makes it, and so does the application",
                "configuration",
            )
        ]
    findings: list[Finding] = []
    try:
        findings += files.check_journal_mode(path, target.limits)
        if findings[0].severity == "error":
            action = "the checks after this one were not made"
            return [*findings, error("connection", findings[0].seen, action, "connection")]
        findings += files.check_file_system(path)
        findings += files.check_file_rights(path)
        findings += files.check_free_space(path, target.limits)
        limit = _NO_LIMIT if target.integrity else DEFAULT_STATEMENT_TIMEOUT
        database = SQLiteDatabase(path, mode="read", statement_timeout=limit)
    except (OSError, AragoraSQLError) as problem:
        return [*findings, error("connection", str(problem), "see the message", "connection")]
    findings.append(ok("server-version", f"SQLite {sqlite3.sqlite_version}"))
    try:
        health = await database.health(target.timeout)
        if not health.ok or health.latency_ms is None:
            action = "see journal-mode and file-rights, and who else has the file open"
            return [*findings, error("connection", f"{health.error}", action, "connection")]
        work = _Examination(
            database, replace(target, timeout=_NO_LIMIT) if target.integrity else target
        )
        queries = doctor_queries(database)
        work.findings.append(ok("connection", f"{path}: answers in {health.latency_ms:.1f} ms"))
        await work.check("schema-version", lambda: check_schema(database))
        await work.check_over("table-bloat", lambda c: files.check_pages(c, queries, target.limits))
        await work.check_over(
            "integrity", lambda c: files.check_integrity(c, queries, whole=target.integrity)
        )
        await work.check_secrets(keyring)
        return [*findings, *work.findings]
    finally:
        await database.close()


def _secrets_of(target: Target | None, env: Mapping[str, str]) -> list[str]:
    """Return what must not be in a finding, the longest first."""
    # Only what was read can be quoted.
    env = {**env, **secrets_that_were_read(env)}
    found = {
        part.strip()
        for name, value in env.items()
        if name.startswith(_OF_SECRETS) and name not in _OF_NAMES and is_secret_name(name)
        for part in (value, *value.split(","))
    }
    dsns = [target.dsn] if target is not None and target.dsn is not None else []
    for name in ("DATABASE_URL", "ARAGORA_POSTGRES_DSN"):
        try:
            dsns.append(PostgresDSN.parse(env.get(name, ""), name))
        except ConfigurationError:
            # It is told of without a part of it.
            continue
    for dsn in dsns:
        found |= {dsn.password or "", quote(dsn.password or "", safe="")}
    return sorted((one for one in found if len(one) >= _LEAST_SECRET), key=len, reverse=True)


def _hide(text: str, hidden: list[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, REDACTED)
    return text
