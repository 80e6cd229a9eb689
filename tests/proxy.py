"""A proxy in front of a PostgreSQL server that counts round trips and breaks connections."""

from __future__ import annotations

import asyncio
import shutil
import struct
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from aragora_sql.settings import PostgresDSN

_ENCRYPTION_REQUESTS = frozenset({80877103, 80877104})  # SSLRequest, GSSENCRequest
_HEADER = struct.Struct("!cI")
_STARTUP_HEADER = struct.Struct("!II")
# What makes the server answer at once: Sync, a simple Query, and the Flush of asyncpg's prepare.
_ROUND_TRIPS = frozenset({b"S", b"Q", b"H"})
_CHUNK = 65536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class MessageCounter:
    """Counts the round trips in what a client sends after its startup packet, however cut."""

    def __init__(self) -> None:
        self._header = b""
        self._body_left = 0

    def feed(self, data: bytes) -> int:
        """Return how many round trips begin in ``data``."""
        count = 0
        while data:
            if self._body_left:
                skipped = min(self._body_left, len(data))
                self._body_left -= skipped
                data = data[skipped:]
                continue
            missing = _HEADER.size - len(self._header)
            self._header += data[:missing]
            data = data[missing:]
            if len(self._header) == _HEADER.size:
                kind, length = _HEADER.unpack(self._header)
                self._header = b""
                self._body_left = length - 4
                count += kind in _ROUND_TRIPS
        return count


class CountingProxy:
    """Listens on a Unix socket and passes everything on to the server of ``upstream``.

    ``dsn`` leads through it to the same database; ``round_trips`` is how often a client asked and
    had to wait for the answer since the last :meth:`reset` (the log-in is not counted).
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = PostgresDSN.parse(upstream)
        self._folder: Path | None = None
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._requests_flow = asyncio.Event()
        self._replies_flow = asyncio.Event()
        self.round_trips = 0
        self.resume()

    async def __aenter__(self) -> Self:
        # Not in pytest's folder: the path of a socket has to be short.
        self._folder = Path(tempfile.mkdtemp(prefix="aragora-proxy-"))
        self._server = await asyncio.start_unix_server(
            self._connected, self._folder / ".s.PGSQL.5432"
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Cut all connections and refuse new ones. Closing twice is harmless."""
        server, self._server = self._server, None
        folder, self._folder = self._folder, None
        if server is None or folder is None:
            return
        server.close()
        await self.drop()
        await server.wait_closed()
        shutil.rmtree(folder)

    @property
    def dsn(self) -> str:
        """The connection URI of the same database through the proxy."""
        kept = {"host", "port", "sslmode"}
        options = [pair for pair in self._upstream.options if pair[0] not in kept]
        options += [("host", str(self._folder)), ("port", "5432")]
        return replace(self._upstream, hosts="", options=tuple(options)).uri()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._sessions)

    def reset(self) -> None:
        """Count from zero."""
        self.round_trips = 0

    async def drop(self) -> None:
        """Cut all connections, as a failing network or server would; new ones are welcome."""
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def stall(self, *, replies_only: bool = False) -> None:
        """Hold back all traffic until :meth:`resume`.

        With ``replies_only`` requests still reach the server: followed by :meth:`drop`, the client
        does not learn whether its last statement took effect.
        """
        self._replies_flow.clear()
        if not replies_only:
            self._requests_flow.clear()

    def resume(self) -> None:
        """Let the traffic flow again, with what was held back."""
        self._requests_flow.set()
        self._replies_flow.set()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(self._serve((reader, writer)))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)
        # One that is cut before its first step closes nothing itself.
        session.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, client: Streams) -> None:
        server: Streams | None = None
        try:
            startup = await _read_startup(client)
            server = await self._open_upstream()
            await self._requests_flow.wait()
            server[1].write(startup)
            pumps = (
                asyncio.create_task(self._pass_requests(client[0], server[1])),
                asyncio.create_task(self._pass_replies(server[0], client[1])),
            )
            try:
                # Whichever side ends first ends the connection, as without a proxy.
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except asyncio.CancelledError:
            for _, writer in filter(None, (client, server)):
                writer.transport.abort()
            raise
        except (OSError, EOFError):
            pass
        finally:
            for _, writer in filter(None, (client, server)):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _pass_requests(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        counter = MessageCounter()
        while data := await client.read(_CHUNK):
            await self._requests_flow.wait()
            self.round_trips += counter.feed(data)
            server.write(data)
            await server.drain()

    async def _pass_replies(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        while data := await server.read(_CHUNK):
            await self._replies_flow.wait()
            client.write(data)
            await client.drain()

    async def _open_upstream(self) -> Streams:
        host = self._upstream.option("host") or ""
        port = self._upstream.option("port") or "5432"
        if self._upstream.hosts:
            host, _, explicit_port = self._upstream.hosts.partition(",")[0].rpartition(":")
            host, port = (host, explicit_port) if host else (explicit_port, port)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host.strip("[]") or "localhost", int(port))


async def _read_startup(client: Streams) -> bytes:
    """Read a start-up or cancel packet, the only ones without a type byte.

    Encryption is declined here, since nothing could be counted in it.
    """
    reader, writer = client
    while True:
        header = await reader.readexactly(_STARTUP_HEADER.size)
        length, code = _STARTUP_HEADER.unpack(header)
        if code not in _ENCRYPTION_REQUESTS:
            return header + await reader.readexactly(length - len(header))
        writer.write(b"N")
        await writer.drain()
