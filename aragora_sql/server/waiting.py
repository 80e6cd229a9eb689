"""What the health server answers until its database can be opened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from aragora_sql.database import Database
from aragora_sql.errors import DatabaseUnavailableError

__all__ = ["WaitingApp", "open_when_there"]

log = logging.getLogger("aragora_sql.server")

# Seconds between two tries: so long at first, twice as long each time, never longer.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


class WaitingApp:
    """An ASGI application that is alive and not ready, until it hands over to another one.

    ``/healthz`` answers 200; every other route 503 with the reason why the database could not be
    opened so far.
    """

    def __init__(self) -> None:
        self.reason = "the database was not opened yet"
        self._app: ASGIApp = Starlette(
            routes=[Route("/healthz", self._alive), Route("/{path:path}", self._not_ready)]
        )

    def hand_over(self, app: ASGIApp) -> None:
        """Let another application answer from now on; its lifespan is the caller's to run."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to whoever answers now."""
        await self._app(scope, receive, send)

    async def _alive(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _not_ready(self, request: Request) -> Response:
        body = {
            "status": "not_ready" if request.url.path == "/readyz" else "unhealthy",
            "database": "disconnected",
            "reasons": [self.reason],
        }
        return JSONResponse(body, 503, headers={"Cache-Control": "no-store", "Retry-After": "1"})


async def open_when_there(
    open_database: Callable[[], Awaitable[Database]], app: WaitingApp
) -> Database:
    """Open a database, again and again while it can't be reached, and tell ``app`` why.

    Every other error is raised: waiting would not mend it.
    """
    pause = FIRST_PAUSE
    told = ""
    while True:
        try:
            return await open_database()
        except DatabaseUnavailableError as error:
            app.reason = str(error)
        if app.reason != told:
            told = app.reason
            log.warning("%s; it is tried again until it answers", told)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
