"""Databases of a test's own: copies of a template, used again where a test left only rows behind.

To copy and drop a database takes several times as long as to empty the few tables that a test wrote
to. One that was changed otherwise (a table, a function, a policy, a setting, statistics of its
columns) is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from tests.conftest import PostgresServer

# What a test may have changed besides rows. Of the catalogs the server counts what was written to
# them; TRUNCATE writes to pg_class alone, whose other columns are compared.
_STATE = """
SELECT
    (
        SELECT sum(
            pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
            + pg_stat_get_tuples_deleted(c.oid)
        )
        FROM pg_class AS c
        WHERE
            c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
            AND NOT c.relisshared AND c.relname <> 'pg_class'
    ),
    (
        SELECT md5(string_agg(c::text, ',' ORDER BY c.oid))
        FROM (
            SELECT
                c.oid, c.relname, c.relowner, c.relacl, c.reloptions, c.relrowsecurity,
                c.relforcerowsecurity
            FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
        ) AS c
    ),
    (
        SELECT string_agg(concat_ws(' ', s.setrole, s.setconfig), ',')
        FROM pg_db_role_setting AS s
        WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ),
    (
        SELECT concat_ws(' ', d.datacl, d.datconnlimit, d.datdba) FROM pg_database AS d
        WHERE d.datname = current_database()
    ),
    (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())
"""
# From this version on the counts are there when a session has ended.
_COUNTS_SINCE = 150000
# Tables that something was written to, also what was rolled back; sequences go with their tables.
_WRITTEN = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE
    c.relkind = 'r' AND c.relname <> '_schema_versions'
    AND c.relnamespace = 'public'::regnamespace AND pg_relation_size(c.oid) > 0
"""
_VERSIONS = "SELECT md5(string_agg(v::text, ',' ORDER BY v::text)) FROM _schema_versions AS v"
_SEQUENCES = "SELECT count(*) FROM pg_sequences WHERE last_value IS NOT NULL"


class Copies:
    """Copies of one template on one server."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server = server
        self._template = template
        # Those that are free, each with what it was when it was new.
        self._free: list[tuple[str, Any]] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Give the DSN of a copy, which nobody else uses."""
        if self._free:
            name, state = self._free.pop()
        else:
            name = self._server.create_database(self._template)
            state = None
            with self._connect(name) as connection:
                state = _state(connection)
        try:
            yield self._server.dsn(name)
        finally:
            if self._is_empty_again(name, state):
                self._free.append((name, state))
            else:
                self._server.drop_database(name)

    def close(self) -> None:
        """Drop the copies that are free."""
        for name, _ in self._free:
            self._server.drop_database(name)
        self._free.clear()

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._server.dsn(name), autocommit=True)

    def _is_empty_again(self, name: str, state: Any) -> bool:
        """Empty what a test wrote to; False where something else is not as it was."""
        try:
            with self._connect(name) as connection:
                if connection.info.server_version < _COUNTS_SINCE:
                    return False
                if not _is_alone(connection) or _state(connection) != state:
                    return False
                written = [row[0] for row in connection.execute(_WRITTEN)]
                if written:
                    tables = sql.SQL(", ").join(map(sql.SQL, written))
                    connection.execute(
                        sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables)
                    )
                return connection.execute(_SEQUENCES).fetchone() == (0,)
        except psycopg.Error:
            # A test may have stopped the server, or closed the database.
            return False


def _state(connection: psycopg.Connection[Any]) -> Any:
    found = connection.execute(_STATE).fetchone()
    has_versions = connection.execute("SELECT to_regclass('_schema_versions')").fetchone()
    versions = connection.execute(_VERSIONS).fetchone() if has_versions != (None,) else None
    return found, versions


def _is_alone(connection: psycopg.Connection[Any]) -> bool:
    """Wait a moment until no other session is in the database; tell whether there is none."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 0.1
    while connection.execute(query).fetchone() != (0,):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True
