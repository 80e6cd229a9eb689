"""The PostgreSQL end: connecting, the catalog of the target tables, the lock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from aragora_sql.database.psycopg_errors import cannot_connect, driver_errors
from aragora_sql.database.psycopg_sessions import shares_session
from aragora_sql.errors import ConfigurationError, LockTimeoutError
from aragora_sql.migration.statements import call, call_value
from aragora_sql.settings import PostgresDSN

__all__ = ["Column", "Reference", "Table", "connect", "describe_table", "driver_errors"]

PgConnection = psycopg.Connection[tuple[Any, ...]]

_CONNECT_TIMEOUT = 10


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
    """A target table: the columns a row can give, what refers where, what each rule is about.

    ``indexes`` are names and definitions.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    references: tuple[Reference, ...]
    rules: dict[str, tuple[tuple[str, ...], str]]
    indexes: tuple[tuple[str, str], ...] = ()

    @property
    def indexed_text(self) -> tuple[str, ...]:
        """The columns of text that an index holds."""
        words = {
            word
            for _, definition in self.indexes
            for word in re.findall(r"\w+", definition.partition(" USING ")[2])
        }
        return tuple(c.name for c in self.columns if c.type == "text" and c.name in words)

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
    :class:`DatabaseUnavailableError` when it can't connect.
    """
    if dsn.transaction_pooling:
        raise _pooled(dsn)

    def open_one() -> PgConnection:
        uri = dsn.libpq_uri()
        return psycopg.connect(
            uri,
            # Also when there are none: the driver of the stores does not read PGOPTIONS.
            options=conninfo_to_dict(uri).get("options", ""),
            connect_timeout=dsn.number("connect_timeout") or _CONNECT_TIMEOUT,
            application_name=dsn.option("application_name") or name,
        )

    dsn.check_files()
    try:
        connection = open_one()
    except psycopg.Error as error:
        raise cannot_connect(error, str(dsn), dsn.password) from None
    connection.autocommit = True
    try:
        with driver_errors(f"connecting to {dsn}"):
            is_shared = dsn.named_pooling is None and shares_session(connection, open_one)
    except BaseException:
        connection.close()
        raise
    if is_shared:
        connection.close()
        raise _pooled(dsn)
    # A chunk and its record in the ledger are lost or kept together, so waiting for the disk can
    # be left to the end.
    connection.execute(
        "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off; "
        "SET client_encoding = 'UTF8'; SET extra_float_digits = 1; SET jit = off"
    )
    return connection


def _pooled(dsn: PostgresDSN) -> ConfigurationError:
    return ConfigurationError(
        f"{dsn}: a migration needs a session of its own, which a transaction pooler "
        "(port 6543) does not give: use the direct connection or the session pooler (port 5432)"
    )


def describe_table(connection: PgConnection, name: str) -> Table:
    """Read a target table from the catalog; it has to exist."""
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
    indexes = list(call(connection, "list_indexes", table_name=name))
    if call_value(connection, "has_tables"):
        indexes += call(connection, "list_indexes_to_build", table_name=name)
    return Table(
        name,
        columns,
        key,
        tuple(unique),
        tuple(references),
        rules,
        tuple((index, definition) for index, definition in indexes),
    )


def check_readable(connection: PgConnection, table: str) -> None:
    """Raise psycopg's error when this role may not read a table: COPY would not need to."""
    connection.execute(sql.SQL("SELECT FROM {} LIMIT 0").format(sql.Identifier(table)))


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
