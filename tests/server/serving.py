"""A health server in the test's own process, and one that asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from aragora_sql.server.serving import listen, run

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks a server that listens on a port of this machine."""

    port: int

    async def get(self, path: str, **headers: str) -> Answer:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            received = await reader.read()
            writer.close()
            await writer.wait_closed()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *others = head.decode("latin-1").split("\r\n")
        named = dict(line.split(": ", 1) for line in others)
        return Answer(
            int(first.split()[1]), {n.lower(): v for n, v in named.items()}, body.decode()
        )


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[Client]:
    """Serve an application with uvicorn for as long as the block lasts."""
    listening = listen("127.0.0.1", 0)
    client = Client(listening.getsockname()[1])
    task = asyncio.create_task(run(app, listening, handle_signals=False))
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        assert task.done()
