"""Runs the health server alone: on a socket of its own, until a signal."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from aragora_sql.errors import ConfigurationError

__all__ = ["listen", "run"]

log = logging.getLogger("aragora_sql.server")

# How long open requests may take to end, in seconds.
SHUTDOWN_SECONDS = 10


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is any free one.

    Raises :class:`ConfigurationError` that says what is in the way.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigurationError(f"--host: {host!r}: {error.strerror}") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # Otherwise a port that was left a moment ago is taken for a minute.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(socket.SOMAXCONN)
    except OSError as error:
        listening.close()
        raise ConfigurationError(_in_the_way(host, port, error)) from error
    return listening


def _in_the_way(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port: {port} on {host} is in use by another program; name another port"
    if error.errno == errno.EACCES:
        return f"--port: {port} may only be used by the superuser; name one from 1024 up"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host: {host} is no address of this machine"
    return f"--host, --port: {host}, {port}: {error.strerror}"


class _Server(uvicorn.Server):
    """One that leaves signals to us: uvicorn would raise them again at its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(app: ASGIApp, listening: socket.socket, *, handle_signals: bool = True) -> None:
    """Serve an application until SIGTERM or SIGINT; a second signal does not wait for requests.

    A cancellation stops it in the same way, and alone with ``handle_signals=False``. The socket is
    closed.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    installed = []

    def stop(number: int) -> None:
        log.info("%s: the server stops", signal.Signals(number).name)
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT) if handle_signals else ():
        # Outside the main thread, and on Windows, signals are the application's matter.
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stop, number)
            installed.append(number)
    log.info("listening on %s", _url(listening))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
        listening.close()


def _url(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
