"""The PostgreSQL end: connecting, the catalogue of the target tables, the lock and the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    ConnectionLostError,
    DatabaseError,
    DatabaseUnavailableError,
    LockTimeoutError,
    SchemaMismatchError,
)
from aragora_sql.migration.statements import call, call_value, schema_path, upgrade_path
from aragora_sql.queries.files import read_sql
from aragora_sql.schema import (
    VERSIONS_TABLE,
    Difference,
    initialize_store,
    plan_schema,
    table_names,
    verify_schema,
)
from aragora_sql.settings import PostgresDSN

__all__ = ["Column", "Reference", "Table", "connect", "describe_table", "prepare_schema"]

PgConnection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 10
# URI options that are ours or asyncpg's.
# How much a relaxed index gathers.
_PENDING_KILOBYTES = 32_768
_OWN_OPTIONS = frozenset({"pgbouncer"})
_COMMENT = " -- "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a target table; ``type`` as PostgreSQL prints it."""

    name: str
    type: str
    not_null: bool
    has_default: bool
    identity: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one column."""

    column: str
    parent: str
    parent_column: str
    constraint: str


@dataclass(frozen=True, slots=True)
class Table:
    """A target table: the columns a row can give, what refers where, what each rule is about."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    references: tuple[Reference, ...]
    rules: dict[str, tuple[tuple[str, ...], str]]

    @property
    def link(self) -> str | None:
        """The column that points into the table itself, if there is one."""
        own = [reference for reference in self.references if reference.parent == self.name]
        return own[0].column if own else None

    def column(self, name: str) -> Column | None:
        """Return a column by name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def connect(dsn: PostgresDSN, name: str = "aragora-sql migrate") -> PgConnection:
    """Open a session for loading: UTC, ISO dates, no time limits.

    Raises :class:`ConfigurationError` for a transaction pooler and
    :class:`DatabaseUnavailableError` when there is no connection.
    """
    if dsn.transaction_pooling:
        raise ConfigurationError(
            f"{dsn}: a migration needs a session of its own, which a transaction pooler "
            "(port 6543) does not give: use the direct connection or the session pooler (port 5432)"
        )
    try:
        connection: PgConnection = psycopg.connect(
            dsn.uri(without=_OWN_OPTIONS),
            connect_timeout=int(dsn.option("connect_timeout") or _CONNECT_TIMEOUT),
            application_name=dsn.option("application_name") or name,
        )
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        if dsn.password:
            reason = reason.replace(dsn.password, "***")
        raise DatabaseUnavailableError(f"cannot connect to {dsn}: {reason}") from None
    connection.autocommit = True
    # A chunk and the ledger's word on it are lost or kept together, so waiting for the disk can
    # be left to the end.
    connection.execute(
        "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off; "
        "SET client_encoding = 'UTF8'; SET extra_float_digits = 1; SET jit = off"
    )
    return connection


@contextlib.contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn psycopg's exceptions into ours; values of rows do not get into the message."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, doing) from error


def translate(error: psycopg.Error, doing: str) -> AragoraSQLError:
    """Return our exception for one of psycopg's."""
    primary = error.diag.message_primary or " ".join(str(error).split())
    message = f"{doing}: {primary}"
    lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if lost and error.sqlstate is None:
        return ConnectionLostError(f"{message} (the connection to PostgreSQL is lost)")
    if error.sqlstate in {"57P01", "57P02", "57P03"}:
        return ConnectionLostError(f"{message} (PostgreSQL is shutting down)")
    if error.sqlstate == "53100":
        return DatabaseError(f"{message} (the server's disk is full)")
    if error.sqlstate == "42501":
        return DatabaseError(f"{message}: the user of the DSN lacks this right")
    return DatabaseError(message)


def prepare_schema(dsn: PostgresDSN, stores: Sequence[str], *, create: bool) -> None:
    """Create or upgrade the target's tables and refuse a target that differs from the files.

    Without ``create`` only what exists is compared. Raises
    :class:`~aragora_sql.errors.SchemaMismatchError` naming the differences.
    """
    asyncio.run(_prepare_schema(dsn, stores, create=create))


async def _prepare_schema(dsn: PostgresDSN, stores: Sequence[str], *, create: bool) -> None:
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
    try:
        # One transaction: a target that is refused is left as it was.
        async with database.transaction():
            if create:
                for store in stores:
                    await initialize_store(database, store)
                present = list(stores)
            else:
                plans = await plan_schema(database, stores)
                present = [plan.store for plan in plans if plan.present is not None]
            found = await verify_schema(database, present) if present else []
            _refuse(difference for difference in found if _matters(difference))
    finally:
        await database.close()


def refuse_hidden(connection: PgConnection, stores: Sequence[str]) -> None:
    """Refuse a target whose rows this role may not see: to it all tables look empty.

    Raises :class:`ConfigurationError` naming the tables.
    """
    names = [VERSIONS_TABLE, *(name for store in stores for name in table_names(store, "postgres"))]
    hidden = [name for (name,) in call(connection, "list_hidden", table_names=names)]
    if hidden:
        shown = ", ".join(hidden[:3]) + (", …" if len(hidden) > 3 else "")
        raise ConfigurationError(
            f"row level security hides the rows of {len(hidden)} tables ({shown}) from the role "
            f"{connection.info.user!r}. Use the role that owns them, or let this one by: "
            f"ALTER ROLE … BYPASSRLS, or policies for it"
        )


def _refuse(found: Iterable[Difference]) -> None:
    differences = list(found)
    if differences:
        shown = "\n  ".join(str(difference) for difference in differences[:20])
        raise SchemaMismatchError(
            f"the target's schema is not the one that this release loads into:\n  {shown}\n"
            "Nothing was migrated. Compare with: aragora-sql schema verify"
        )


def _matters(difference: Difference) -> bool:
    """Tell whether a difference is more than a comment, an index or who may see which rows."""
    if difference.kind == "index" or (difference.kind == "table" and difference.found is not None):
        return False
    found, expected = difference.found or "", difference.expected
    return found.partition(_COMMENT)[0] != expected.partition(_COMMENT)[0]


def describe_table(connection: PgConnection, name: str) -> Table:
    """Read a target table from the catalogue; it has to exist."""
    rows = call(connection, "list_columns", table_name=name).fetchall()
    columns = tuple(
        Column(column, kind, not_null, has_default, identity)
        for column, kind, not_null, has_default, generated, identity in rows
        if not generated and identity != "a"
    )
    key: tuple[str, ...] = ()
    references = []
    unique: list[tuple[str, ...]] = []
    rules: dict[str, tuple[tuple[str, ...], str]] = {}
    for rule, kind, parent, of, parent_columns, definition in call(
        connection, "list_constraints", table_name=name
    ):
        rules[rule] = (tuple(of), definition)
        if kind == "p":
            key = tuple(of)
        elif kind == "u" and all(column.not_null for column in columns if column.name in of):
            unique.append(tuple(of))
        elif kind == "f" and len(of) == 1:
            references.append(Reference(of[0], parent.strip('"'), parent_columns[0], rule))
    return Table(name, columns, key, tuple(unique), tuple(references), rules)


def take_lock(connection: PgConnection) -> None:
    """Make this the only migration into the schema, or raise :class:`LockTimeoutError`."""
    is_taken = call_value(connection, "try_lock")
    if is_taken:
        return
    if is_taken is None:
        raise ConfigurationError(
            "the DSN's search_path names no schema that exists: create it, or name another"
        )
    holder = call(connection, "lock_holder").fetchone()
    who = "another session"
    if holder:
        pid, name, client, since = holder
        who = f"process {pid} ({name}) from {client}"
        # Hidden from users who may not look at this session.
        who += f", since {since:%Y-%m-%d %H:%M:%S}Z" if since else ""
    raise LockTimeoutError(
        f"another migration into this database is at work: {who}. Wait until it has ended, then "
        "run this command again: it goes on from what is there"
    )


def relax_indexes(connection: PgConnection, table: str) -> None:
    """Let the full-text index of an empty table gather rows before it takes them in.

    Loading is twice as fast so. An index that stays like this for a while only searches slower.
    """
    empty = sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
    row = connection.execute(empty).fetchone()
    if row is None or not row[0]:
        return
    for name, is_ours, _ in call(connection, "list_strict_indexes", table_name=table).fetchall():
        if not is_ours:
            log.warning(
                "%s: the role does not own the index %s, so it can't be set to gather rows: "
                "loading takes longer",
                table,
                name,
            )
            continue
        connection.execute(
            sql.SQL("ALTER INDEX {} SET (fastupdate = on, gin_pending_list_limit = {})").format(
                sql.Identifier(name), sql.Literal(_PENDING_KILOBYTES)
            )
        )


def restore_indexes(connection: PgConnection, table: str) -> None:
    """Undo :func:`relax_indexes`, also that of an earlier run."""
    for name, is_ours, is_relaxed in call(
        connection, "list_strict_indexes", table_name=table
    ).fetchall():
        if is_relaxed and not is_ours:
            log.warning(
                "%s: the index %s still gathers rows, as an earlier run of its owner left it, and "
                "searches slower: run the migration once as its owner",
                table,
                name,
            )
        elif is_relaxed:
            index = sql.Identifier(name)
            connection.execute(sql.SQL("ALTER INDEX {0} SET (fastupdate = off)").format(index))
            connection.execute(
                sql.SQL("ALTER INDEX {} RESET (gin_pending_list_limit)").format(index)
            )
            connection.execute("SELECT gin_clean_pending_list(%s::regclass)", [f'"{name}"'])


def create_ledger(connection: PgConnection) -> None:
    """Create the migration's own tables, or upgrade those of an earlier release."""
    is_of_today = call_value(connection, "is_of_today")
    paths = [upgrade_path()] if is_of_today is False else []
    if is_of_today is None or not call_value(connection, "has_tables"):
        paths.append(schema_path())
    with connection.transaction():
        connection.execute("SET LOCAL client_min_messages = warning")
        for path in paths:
            connection.execute(read_sql(path).encode())
