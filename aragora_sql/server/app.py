"""The health server as an ASGI application, to run alone or to mount in another one."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from aragora_sql import __version__
from aragora_sql.database import Database
from aragora_sql.database.limits import within
from aragora_sql.database.observing import observe, stop_observing
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.queries.files import packaged_sql_dir, sql_dir
from aragora_sql.server.health import DEFAULT_MAX_LAG, DEFAULT_TIMEOUT, DatabaseState, Inspector
from aragora_sql.server.history import History
from aragora_sql.server.metrics import exposition
from aragora_sql.server.page import SHOWN_QUERIES, SlowQueries, SlowQuery, render_page
from aragora_sql.server.statistics import Statistics
from aragora_sql.server.work import read_work
from aragora_sql.settings import admin_token
from aragora_sql.stores import STORES
from aragora_sql.workbench.top import OTHER, query_locations, read_usage

__all__ = ["health_app"]

log = logging.getLogger("aragora_sql.server")

_NO_STORE = {"Cache-Control": "no-store"}
_PAGE_HEADERS = {
    **_NO_STORE,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def health_app(
    database: Database,
    *,
    token: str | None = None,
    stores: Sequence[str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    max_lag: float = DEFAULT_MAX_LAG,
) -> Starlette:
    """Return the application; the database stays the caller's to close.

    ``token`` is what admin routes ask for (default: ``ARAGORA_ADMIN_TOKEN``; without one they are
    refused). ``stores`` are those whose schema has to be current (default: all of the SQL files).
    What is asked of the database for an answer is waited for ``timeout`` seconds, whatever the
    database does. A replica that is more than ``max_lag`` seconds behind makes it degraded.

    From here on the queries on this database are counted in the process, until the lifespan of the
    application ends; where it is mounted, the lifespan of the outer application is not passed on by
    Starlette, and they are counted for as long as the process lives.

    Raises :class:`ConfigurationError` for a token that is too short to keep anybody out,
    :class:`QueryFileError` and :class:`UnknownStoreError` for SQL files that can't be read.
    """
    server = _Server(database, admin_token(token), stores, timeout, max_lag)
    observe(server.statistics.observer)
    return Starlette(
        routes=[
            Route("/", server.page),
            Route("/healthz", server.alive),
            Route("/readyz", server.ready),
            Route("/api/health", server.health),
            Route("/api/health/stores", server.store_states),
            Route("/api/admin/pool-metrics", server.pool_metrics),
            Route("/metrics", server.metrics),
        ],
        lifespan=server.lifespan,
    )


class _Server:
    """What the routes share."""

    def __init__(
        self,
        database: Database,
        token: str | None,
        stores: Sequence[str] | None,
        timeout: float,
        max_lag: float,
    ) -> None:
        self._database = database
        self._token = token
        self._timeout = timeout
        self._inspector = Inspector(database, stores, timeout=timeout, max_lag=max_lag)
        self._history = History(database)
        self._started = time.monotonic()
        self._server_counts = database.dialect == "postgres"
        self._locations: Mapping[str, str] | None = None
        self.statistics = Statistics(database)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Look at the pool while the application runs."""
        observe(self.statistics.observer)
        looking = asyncio.create_task(self._history.run())
        try:
            yield
        finally:
            stop_observing(self.statistics.observer)
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def alive(self, request: Request) -> Response:
        """Answer that the process answers; the database is not asked."""
        return _json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Tell whether work may be sent here."""
        state = await self._inspector.look()
        ready = self._inspector.is_ready(state)
        checks = {
            "database": {"ready": state.health.ok, "status": _word(state)},
            "schema": {"ready": state.schema == "current", "status": state.schema},
        }
        body = {
            "status": "ready" if ready else "not_ready",
            "checks": checks,
            "reasons": list(state.reasons),
            "latency_ms": state.seconds * 1000,
        }
        return _json(body, 200 if ready else 503)

    async def health(self, request: Request) -> Response:
        """Tell how the database is, and why."""
        state = await self._inspector.look()
        health = state.health
        body = {
            "status": state.status,
            "database": _word(state),
            "reasons": list(state.reasons),
            "dialect": health.dialect,
            "schema": state.schema,
            "latency_ms": health.latency_ms,
            "role": health.role,
            "read_only": health.is_read_only,
            "lag_seconds": health.lag_seconds,
            "version": __version__,
            "uptime_seconds": time.monotonic() - self._started,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        return _json(body, 503 if state.status == "unhealthy" else 200)

    async def store_states(self, request: Request) -> Response:
        """Tell which version of each store's schema is there."""
        state = await self._inspector.look()
        postgres = self._database.dialect == "postgres"
        classes = {one.name: one.postgres_class if postgres else one.sqlite_class for one in STORES}
        told = {one.name: one.to_dict() | {"class": classes.get(one.name)} for one in state.stores}
        healthy = sum(one.word == "current" for one in state.stores)
        body = {
            "status": state.status,
            "stores": told,
            "summary": {"total": len(told), "healthy": healthy, "unhealthy": len(told) - healthy},
            "elapsed_ms": state.seconds * 1000,
        }
        return _json(body, 200 if healthy == len(told) else 503)

    async def pool_metrics(self, request: Request) -> Response:
        """Tell how the pool is used, to who has the token."""
        refused = self._refuse(request)
        return refused or _json(self._database.metrics().to_dict())

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to who may not ask, or None."""
        if self._token is None:
            return _json({"error": "admin routes are off: set ARAGORA_ADMIN_TOKEN"}, 403)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # Headers are read as Latin-1; what was sent are the bytes.
        same = hmac.compare_digest(given.strip().encode("latin-1"), self._token.encode())
        if scheme.lower() == "bearer" and same:
            return None
        answer = _json({"error": "a bearer token is needed, that of ARAGORA_ADMIN_TOKEN"}, 401)
        answer.headers["WWW-Authenticate"] = 'Bearer realm="aragora-sql"'
        return answer

    async def metrics(self, request: Request) -> Response:
        """Return all metrics for Prometheus."""
        self._history.look()
        state = await self._inspector.look()
        work = await read_work(self._database, state, self._timeout)
        accept = request.headers.get("Accept", "")
        text, content_type = exposition(state, work, self.statistics, accept)
        return Response(text, headers={**_NO_STORE, "Content-Type": content_type})

    async def page(self, request: Request) -> Response:
        """Return the page for people."""
        self._history.look()
        state = await self._inspector.look()
        work = await read_work(self._database, state, self._timeout)
        slow = await self._slow_queries(state)
        now = datetime.now(UTC)
        page = render_page(state, work, list(self._history.samples), slow, now)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    async def _slow_queries(self, state: DatabaseState) -> SlowQueries:
        """Return those that the server counted for everybody, or else those of this process."""
        if self._server_counts and state.health.ok:
            if self._locations is None:
                self._locations = await asyncio.to_thread(query_locations)
            reading = read_usage(self._database, "mean", self._locations)
            try:
                usages = await within(self._timeout, reading)
            except ConfigurationError:
                # It has no pg_stat_statements, and will not get it without a restart.
                self._server_counts = False
            except (AragoraSQLError, TimeoutError) as error:
                why = str(error) or f"no answer within {self._timeout:g} s"
                log.warning("pg_stat_statements was not read: %s", why)
            else:
                named = [one for one in usages if one.name != OTHER][:SHOWN_QUERIES]
                return SlowQueries(
                    "Mean times in this database since the server's statistics were reset, of all "
                    "clients (pg_stat_statements)",
                    [
                        SlowQuery(
                            one.name, _below(one.location), one.calls, one.mean_ms, None, None
                        )
                        for one in named
                    ],
                )
        counted = sorted(
            (item for item in self.statistics.queries.items() if item[1].calls),
            key=lambda item: -item[1].seconds / item[1].calls,
        )
        return SlowQueries(
            "Mean times in this process since it was started",
            [
                SlowQuery(
                    name,
                    _below(None if one.location is None else "{}:{}".format(*one.location)),
                    one.calls,
                    one.seconds * 1000 / one.calls,
                    one.longest * 1000,
                    one.errors.total(),
                )
                for name, one in counted[:SHOWN_QUERIES]
            ],
        )


def _word(state: DatabaseState) -> str:
    return "connected" if state.connected else "disconnected"


def _below(location: str | None) -> str | None:
    """Shorten a place to what is below the tree of SQL files: nobody else has its folders."""
    if location is None:
        return None
    path, colon, line = location.rpartition(":")
    for root in (sql_dir(), packaged_sql_dir()):
        if Path(path).is_relative_to(root):
            return f"{Path(path).relative_to(root)}{colon}{line}"
    return location


def _json(body: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(body, status_code=status, headers=_NO_STORE)
