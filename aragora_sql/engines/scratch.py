"""Scratch databases of PostgreSQL: made for the files of one tree, proved to be that, dropped.

The statements of a tree are not trusted: they run in a database that is empty when they start, as a
role that owns this database and is not a superuser. What answers a connection may not be what was
asked for (a pooler that leads every name to one database, a server that has only one): so before
any other statement, the connection proves that it is in the database that was made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.engines.cache import digest
from aragora_sql.engines.filling import VERSION
from aragora_sql.engines.postgres_engine import EmptyDatabase, PostgresEngine
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.warm import SETTINGS, kept_server
from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError
from aragora_sql.settings import PostgresDSN, dsn_from_env

__all__ = ["open_postgres"]

_SCRATCH = "aragora_check_"
_SHARED = "aragora_shared_"
# Two of each state of the files.
_MOST_SHARED = 8
# Any number that nothing else on our own servers uses.
_LOCK = 7208
_STRATEGIES_SINCE = 150000
# What libpq does not know.
_OWN_OPTIONS = frozenset({"pgbouncer"})

Connection = psycopg.Connection[Any]


@contextmanager
def open_postgres(
    dsn: str | None, files: Sequence[SchemaFile], *, keep: bool, environment: bool = True
) -> Iterator[PostgresEngine]:
    """Open a scratch place on ``dsn``, the environment's server, a kept one or one of our own.

    Raises :class:`ConfigurationError` when what answers is not the scratch place that was made,
    :class:`DatabaseUnavailableError` when nothing answers.
    """
    target = PostgresDSN.parse(dsn, "--dsn") if dsn else None
    if target is None and environment:
        target = dsn_from_env()
    with ExitStack() as stack:
        if target is None and keep:
            server = _Server.connect(stack, kept_server().dsn, "the kept server")
            yield stack.enter_context(_shared_database(server, files, filled=False))
            return
        if target is None:
            uri = stack.enter_context(EmbeddedServer(settings=SETTINGS)).dsn()
            server = _Server.connect(stack, uri, "our own server")
        else:
            uri = target.uri(without=_OWN_OPTIONS)
            server = _Server.connect(stack, uri, str(target))
        made = server.create()
        if made is None:
            yield stack.enter_context(_scratch_schema(server, files))
            return
        stack.callback(server.drop, made)
        connection = stack.enter_context(server.open(made))
        yield PostgresEngine(connection, files, empty_database=server.empty_database)


@dataclass(frozen=True, slots=True)
class _Scratch:
    """A database that was made here.

    ``role`` owns it and nothing else, with ``password``; it is None where the server's own role
    owns it, which is not a superuser then. ``mark`` is the database's comment.
    """

    name: str
    role: str | None
    password: str | None
    mark: str


@dataclass(frozen=True, slots=True)
class _Server:
    """A connection on which scratch databases are made; no statement of a tree runs on it.

    ``uri`` leads to it, ``shown`` is its name in messages.
    """

    connection: Connection
    uri: str
    shown: str

    @classmethod
    def connect(cls, stack: ExitStack, uri: str, shown: str) -> _Server:
        try:
            # Behind a pooler the next statement may be in another session: nothing is prepared.
            connection = psycopg.connect(uri, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise DatabaseUnavailableError(
                f"{shown}: no connection could be made to check on: {error}"
            ) from error
        return cls(stack.enter_context(connection), uri, shown)

    def create(self) -> _Scratch | None:
        """Make an empty database, and a role for it; None where the role may make no database."""
        name = f"{_SCRATCH}{secrets.token_hex(8)}"
        query = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER"
        role = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}"
        with ExitStack() as undone:
            try:
                ((is_superuser,),) = self.connection.execute(query).fetchall()
                password = secrets.token_hex(16) if is_superuser else None
                made = _Scratch(
                    name, name if is_superuser else None, password, secrets.token_hex(16)
                )
                undone.callback(self.drop, made)
                if made.role is not None:
                    self.run(role, made.role, sql.Literal(password))
                # Whatever the server's owner keeps in template1, this database begins empty.
                self.run(f"CREATE DATABASE {{}} TEMPLATE template0{self._strategy()}", name)
                self.run("COMMENT ON DATABASE {} IS {}", name, sql.Literal(made.mark))
                if made.role is not None:
                    self.run("ALTER DATABASE {} OWNER TO {}", name, made.role)
            except psycopg.errors.InsufficientPrivilege:
                return None
            except psycopg.Error as error:
                raise DatabaseUnavailableError(
                    f"{self.shown}: no scratch database could be made to check in: {_said(error)}"
                ) from error
            undone.pop_all()
        return made

    def _strategy(self) -> str:
        """Return how files are copied: quickly where the checkpoints that needs cost nothing."""
        [(fsync,)] = self.connection.execute("SHOW fsync").fetchall()
        knows_it = self.connection.info.server_version >= _STRATEGIES_SINCE
        return " STRATEGY file_copy" if fsync == "off" and knows_it else ""

    def run(self, statement: str, *parts: str | sql.Composable) -> None:
        """Run a statement with names put in."""
        named = (
            part if isinstance(part, sql.Composable) else sql.Identifier(part) for part in parts
        )
        self.connection.execute(sql.SQL(statement).format(*named))

    def drop(self, scratch: _Scratch) -> None:
        """Drop a database with its role, as far as they were made."""
        self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", scratch.name)
        if scratch.role is not None:
            self.run("DROP ROLE IF EXISTS {}", scratch.role)

    @contextmanager
    def empty_database(self) -> Iterator[EmptyDatabase | None]:
        """Give an empty database that is dropped again; None where none can be made."""
        with ExitStack() as stack:
            with _locked(self):
                made = self.create()
                if made is not None:
                    stack.callback(self.drop, made)
                    # An open connection keeps others from dropping it.
                    connection = stack.enter_context(self.open(made))
            if made is None:
                yield None
                return
            target = PostgresDSN.parse(self.uri)
            if made.role is not None:
                target = replace(target, user=made.role, password=made.password)
            yield EmptyDatabase(connection, replace(target, database=made.name).uri())

    @contextmanager
    def open(self, scratch: _Scratch, *, empty: bool = True) -> Iterator[Connection]:
        """Connect to a scratch database, and prove that it is the one."""
        given = {"user": scratch.role, "password": scratch.password} if scratch.role else {}
        target = psycopg.conninfo.make_conninfo(self.uri, dbname=scratch.name, **given)
        try:
            connection = psycopg.connect(target, autocommit=True)
        except psycopg.Error as error:
            hint = ""
            if scratch.role is not None:
                hint = (
                    ". Nothing is checked as a superuser, so a scratch role logs in with a "
                    "password; where the server does not allow that, name a role that is no "
                    "superuser and may create databases"
                )
            raise ConfigurationError(
                f"{self.shown}: no connection to the scratch database {scratch.name}: "
                f"{_said(error)}{hint}"
            ) from error
        with connection:
            problem = _not_proved(connection, scratch, empty=empty)
            if problem is not None:
                raise ConfigurationError(
                    f"{self.shown}: asked for the scratch database {scratch.name}, {problem}. "
                    "Something leads every name to one database, such as a connection pooler or a "
                    "server that has only one; nothing was run there. Name the server itself"
                )
            # whatever the user's sessions search
            connection.execute("SET search_path = public")
            yield connection


# All in one statement, which reads and changes nothing of a user's.
_PROOF = """
SELECT
    pg_catalog.current_database(),
    pg_catalog.shobj_description(
        (
            SELECT d.oid FROM pg_catalog.pg_database AS d
            WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
        ),
        'pg_database'
    ),
    CURRENT_USER,
    (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER),
    (
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c
        WHERE c.oid OPERATOR(pg_catalog.>=) 16384
    )
"""


def _not_proved(connection: Connection, scratch: _Scratch, *, empty: bool) -> str | None:
    """Return why a connection is not in the scratch database; None when it is."""
    try:
        ((name, mark, user, is_superuser, objects),) = connection.execute(_PROOF).fetchall()
    except (psycopg.Error, ValueError) as error:
        return f"which can't be told: {error}"
    if name != scratch.name:
        return f"and the answer comes from {name!r}"
    if mark != scratch.mark:
        return "and the answer comes from another one of that name"
    if is_superuser or (scratch.role is not None and user != scratch.role):
        return f"and the session is that of {user!r}"
    if empty and objects:
        return f"which has to be empty, and it holds {objects} objects"
    return None


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]


@contextmanager
def _scratch_schema(server: _Server, files: Sequence[SchemaFile]) -> Iterator[PostgresEngine]:
    """Give a schema that is undone, in the database of a role that may make no database.

    The role is not a superuser. All is one transaction, which the statements of a tree can't end:
    :meth:`PostgresEngine.load` refuses what would.
    """
    name = f"{_SCRATCH}{secrets.token_hex(8)}"
    with server.connection.transaction(force_rollback=True):
        try:
            server.run("CREATE SCHEMA {}", name)
            server.run("SET LOCAL search_path = {}", name)
        except psycopg.Error as error:
            raise ConfigurationError(
                f"{server.shown}: the role may make neither a database nor a schema to check in: "
                f"{_said(error)}"
            ) from error
        yield PostgresEngine(server.connection, files)


@contextmanager
def _shared_database(
    server: _Server, files: Sequence[SchemaFile], *, filled: bool
) -> Iterator[PostgresEngine]:
    """Give a database of the kept server that holds the schema: an old one, or a new one.

    Plans are looked at in another one than all else, whose tables are ``filled``. A new one is
    private until it is done, and has then the name by which other checks find it. So no check ever
    waits, with a snapshot, for rows that another one writes, which would keep VACUUM from the
    statistics that plans are made with.
    """
    parts = [str(VERSION), "filled" if filled else "", *(file.text for file in files)]
    name = _SHARED + digest(parts)
    with ExitStack() as stack:
        with _locked(server):
            found = _find(server, name)
            if found is None:
                _drop_old(server)
                made = server.create()
                if made is None:
                    raise DatabaseUnavailableError(f"{server.shown}: no database can be made")
            else:
                made = found
            # An open connection keeps others from dropping it.
            connection = stack.enter_context(server.open(made, empty=found is None))
        if found is None:
            stack.callback(server.drop, made)
        engine = PostgresEngine(
            connection,
            files if found is None else (),
            filled=json.loads(found.mark) if found is not None and filled else None,
            empty_database=server.empty_database,
            planning=None if filled else partial(_shared_database, server, files, filled=True),
        )
        yield engine
        if found is not None or engine.problems or (filled and engine.filled is None):
            return
        with _locked(server):
            # Nobody else drops it in between.
            connection.close()
            if _find(server, name) is None:
                mark = sql.Literal(json.dumps(engine.filled))
                server.run("COMMENT ON DATABASE {} IS {}", made.name, mark)
                server.run("ALTER DATABASE {} RENAME TO {}", made.name, name)
                stack.pop_all()


@contextmanager
def _locked(server: _Server) -> Iterator[None]:
    """Keep other checks out, which make, name and drop databases."""
    server.connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        server.connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _find(server: _Server, name: str) -> _Scratch | None:
    """Return the shared database of a name."""
    query = (
        "SELECT pg_get_userbyid(datdba), shobj_description(oid, 'pg_database') "
        "FROM pg_database WHERE datname = %s"
    )
    row = server.connection.execute(query, (name,)).fetchone()
    return None if row is None else _Scratch(name, row[0], None, row[1])


def _drop_old(server: _Server) -> None:
    """Drop the databases of earlier states of the files, but the newest, and what broke off."""
    rows = server.connection.execute(
        "SELECT datname, pg_get_userbyid(datdba) FROM pg_database AS d "
        # To drop one that is in use is refused after five seconds only.
        "WHERE datname LIKE 'aragora%' "
        "AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid) "
        "ORDER BY oid DESC"
    ).fetchall()
    shared = [row for row in rows if row[0].startswith(_SHARED)]
    broken = [row for row in rows if not row[0].startswith(_SHARED)]
    for name, role in (*shared[_MOST_SHARED - 2 :], *broken):
        with suppress(psycopg.errors.ObjectInUse):
            # Another check may have dropped its own one meanwhile.
            server.run("DROP DATABASE IF EXISTS {}", name)
            server.run("DROP ROLE IF EXISTS {}", role)
