"""Databases of a test's own: copies of a template, used again where a test left only rows behind.

To copy and drop a database takes several times as long as to empty the few tables that a test wrote
to. One that was changed otherwise (a table, a function, a policy, a setting, statistics of its
columns) is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from tests.conftest import PostgresServer

# What a test may have changed besides rows. Of the catalogs the server counts what was written to
# them, also what was rolled back.
_STATE = """
SELECT
    (
        SELECT sum(
            pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
            + pg_stat_get_tuples_deleted(c.oid)
        )
        FROM pg_class AS c
        WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT c.relisshared
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
# Besides the state: tables that something was written to, also what was rolled back.
_LEFT = f"""
{_STATE},
    ARRAY(
        SELECT c.oid::regclass::text FROM pg_class AS c
        WHERE
            c.relkind = 'r' AND c.relname <> '_schema_versions'
            AND c.relnamespace = 'public'::regnamespace AND pg_relation_size(c.oid) > 0
    )
"""
# Sequences go with their tables, unless a number was taken for no row.
_SEQUENCES = """
SELECT count(*) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_get_activity(NULL)
WHERE
    datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid <> pg_backend_pid()
"""
_VERSIONS = "SELECT md5(string_agg(v::text, ',' ORDER BY v::text)) FROM _schema_versions AS v"
# From this version on the counts are there when a session has ended.
_COUNTS_SINCE = 150000


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy with the session that looks after it, as it is when no test has used it."""

    name: str
    session: psycopg.Connection[Any]
    state: Any


class Copies:
    """Copies of one template on one server.

    Each has a session of ours, which stays while a test uses the copy: a new one would read the
    server's catalogs again each time. It is called ``copies``.
    """

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[_Copy] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Give the DSN of a copy, which nobody else uses."""
        copy = self._free.pop() if self._free else self._new()
        try:
            yield self._server.dsn(copy.name)
        finally:
            again = self._emptied(copy)
            if again is None:
                self._drop(copy)
            else:
                self._free.append(again)

    def close(self) -> None:
        """Drop the copies that are free."""
        for copy in self._free:
            self._drop(copy)
        self._free.clear()

    def _new(self) -> _Copy:
        name = self._server.create_database(self._template)
        session = psycopg.connect(
            self._server.dsn(name), autocommit=True, application_name="copies", prepare_threshold=1
        )
        return _Copy(name, session, _state(session))

    def _drop(self, copy: _Copy) -> None:
        copy.session.close()
        self._server.drop_database(copy.name)

    def _emptied(self, copy: _Copy) -> _Copy | None:
        """Empty what a test wrote to; None where something else is not as it was."""
        session = copy.session
        # A test may have stopped the server, or ended all sessions of the database.
        with suppress(psycopg.Error):
            if session.info.server_version < _COUNTS_SINCE or not _is_alone(session):
                return None
            *found, written = session.execute(_LEFT).fetchone() or [None]
            if (found, _versions(session)) != copy.state:
                return None
            state = copy.state
            if written:
                tables = sql.SQL(", ").join(map(sql.SQL, written))
                session.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
                session.execute("SELECT pg_stat_force_next_flush()")
                state = _state(session)
            if session.execute(_SEQUENCES).fetchone() == (0,):
                return _Copy(copy.name, session, state)
        return None


def _state(session: psycopg.Connection[Any]) -> Any:
    return list(session.execute(_STATE).fetchone() or []), _versions(session)


def _versions(session: psycopg.Connection[Any]) -> Any:
    has_versions = session.execute("SELECT to_regclass('_schema_versions')").fetchone()
    return session.execute(_VERSIONS).fetchone() if has_versions != (None,) else None


def _is_alone(session: psycopg.Connection[Any]) -> bool:
    """Wait a moment until no other session is in the database; tell whether there is none."""
    deadline = time.monotonic() + 0.1
    while session.execute(_OTHERS).fetchone() != (0,):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True
