"""``aragora-sql serve``: health, metrics and a status page over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
from contextlib import AsyncExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from aragora_sql.cli.exit_codes import OK
from aragora_sql.cli.parser import add_log_format, examples
from aragora_sql.cli.target import add_target, chosen_dialect, open_existing
from aragora_sql.database import Database
from aragora_sql.environment import close_databases
from aragora_sql.errors import (
    AragoraSQLError,
    DatabaseUnavailableError,
    DSNNotConfiguredError,
)
from aragora_sql.logs import log_to_stderr
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.rights import present_versions, version_queries
from aragora_sql.settings import dsn_from_env, dsn_variable
from aragora_sql.stores import STORES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette

    MakeApp = Callable[[Database], Starlette]

__all__ = ["add_commands"]

log = logging.getLogger("aragora_sql.server")

DEFAULT_PORT = 8080


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    parser = groups.add_parser(
        "serve",
        help="health, metrics and a status page over HTTP",
        description=(
            "Serves /healthz, /readyz, /api/health, /api/health/stores, /api/admin/pool-metrics, "
            "/metrics and a status page at / until SIGTERM or Ctrl-C. Needs the extra `server`: "
            "pip install 'aragora-sql[server]'."
        ),
        epilog=examples("serve --port 8080 --dsn postgresql://localhost/aragora"),
    )
    add_target(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen on (default %(default)s; 0.0.0.0: every one of this machine)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        metavar="PORT",
        help="port to listen on (default %(default)s; 0: any free one)",
    )
    parser.add_argument(
        "--store",
        action="append",
        choices=[store.name for store in STORES],
        metavar="STORE",
        help="a store whose schema has to be current; may be repeated (default: all)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=3.0,
        metavar="SECONDS",
        help="how long the database may take to answer (default %(default)g)",
    )
    parser.add_argument(
        "--max-lag",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how far a replica may be behind (default %(default)g)",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help=(
            "start also while the database can't be reached, with 503 for every route but "
            "/healthz, and try until it can (default: exit code 5)"
        ),
    )
    add_log_format(parser)
    parser.set_defaults(run=_run, tells_more=True)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 3600 seconds")
    return seconds


def _run(options: argparse.Namespace) -> int:
    if options.log_format == "text":
        log_to_stderr("text", logging.INFO)
    # Before anything is opened, so that a package that is missing is told first.
    from aragora_sql.server import health_app, listen

    make_app = partial(
        health_app, stores=options.store, timeout=options.timeout, max_lag=options.max_lag
    )
    serve_until_stopped = _serve_and_wait if options.wait else _serve

    async def serve(listening: socket.socket) -> None:
        try:
            await serve_until_stopped(options, make_app, listening)
        finally:
            await close_databases()
        log.info("stopped")

    with closing(listen(options.host, options.port)) as listening:
        asyncio.run(serve(listening))
    return OK


async def _serve(options: argparse.Namespace, make_app: MakeApp, listening: socket.socket) -> None:
    """Serve a database that is there, until a signal."""
    from aragora_sql.server import run

    database = await _open(options)
    try:
        app = make_app(database)
        await _tell_stores(database)
        await run(app, listening)
    finally:
        await database.close()


async def _serve_and_wait(
    options: argparse.Namespace, make_app: MakeApp, listening: socket.socket
) -> None:
    """Serve before the database is there, and go on when it is, until a signal."""
    from aragora_sql.server import run
    from aragora_sql.server.waiting import WaitingApp, open_when_there

    waiting = WaitingApp()
    serving = asyncio.create_task(run(waiting, listening))
    opening = asyncio.create_task(open_when_there(lambda: _open(options), waiting))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_end, serving)
        stack.push_async_callback(_end, opening)
        await asyncio.wait({serving, opening}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            database = opening.result()
            stack.push_async_callback(database.close)
            app = make_app(database)
            await stack.enter_async_context(app.router.lifespan_context(app))
            await _tell_stores(database)
            waiting.hand_over(app)
        await serving


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel what still runs and wait for its end; its errors are raised where it is awaited."""
    task.cancel()
    await asyncio.wait({task})


async def _open(options: argparse.Namespace) -> Database:
    """Open what the options name, or else the environment; on PostgreSQL with the process's pool.

    The pool opens its connections when they are needed.
    """
    if chosen_dialect(options) == "sqlite":
        return await open_existing(options, writes=True)
    from aragora_sql.database.postgres import PostgresDatabase, get_postgres_pool

    dsn = options.dsn
    if dsn is None and dsn_from_env() is None:
        raise DSNNotConfiguredError("--dsn")
    try:
        return PostgresDatabase(await get_postgres_pool(dsn, min_size=1))
    except DatabaseUnavailableError as error:
        source = "--dsn" if dsn else dsn_variable()
        raise DatabaseUnavailableError(f"{error} (the DSN is that of {source})") from error


async def _tell_stores(database: Database) -> None:
    """Log which stores the database holds, as applications do that open them."""
    queries = version_queries(database.dialect, sql_dir())
    try:
        async with database.read() as connection:
            versions = await present_versions(connection, queries)
    except AragoraSQLError as error:
        # What is wrong is told by the routes, for as long as it is.
        log.warning("%s", error)
        return
    for store in STORES:
        if store.name in versions:
            postgres = database.dialect == "postgres"
            name = store.postgres_class if postgres else store.sqlite_class
            logging.getLogger(store.logger).info("Using %s", name)
