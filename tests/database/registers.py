"""One register per key, and what the sessions that write and read them must never see."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Literal

from aragora_sql.database import Database
from aragora_sql.database.statement import Statement
from aragora_sql.errors import AragoraSQLError, OutcomeUnknownError

SCHEMA = (
    "CREATE TABLE registers (key INTEGER PRIMARY KEY, version INTEGER NOT NULL)",
    "INSERT INTO registers SELECT n, 0 FROM generate_series(0, 63) AS n",
)
WRITE = Statement("write", "UPDATE registers SET version = $2 WHERE key = $1 RETURNING version")
READ = Statement("read", "SELECT version FROM registers WHERE key = $1")


@dataclass(frozen=True)
class Event:
    """What one session did with one key: began and ended are the order in which it was seen."""

    session: int
    kind: Literal["write", "read", "failed write", "failed read"]
    key: int
    version: int
    began: int
    ended: int


@dataclass
class History:
    """All events of a run, in the order in which they ended."""

    events: list[Event] = field(default_factory=list)
    clock: int = 0

    def now(self) -> int:
        self.clock += 1
        return self.clock

    def add(self, session: int, kind: Any, key: int, version: int, began: int) -> None:
        self.events.append(Event(session, kind, key, version, began, self.now()))

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events)


def violations(events: Iterable[Event]) -> list[str]:
    """What must not be in a history.

    Each key has one writer, which gives it versions one after the other. So a read is stale when
    its session has seen a later version before, written or read, and out of thin air when nobody
    had begun to write that version when it ended.
    """
    events = list(events)
    found = []
    begun: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event.kind in ("write", "failed write"):
            begun[event.key].append((event.version, event.began))
    seen: dict[tuple[int, int], int] = {}
    for event in events:
        place = (event.session, event.key)
        if event.kind == "write":
            seen[place] = max(event.version, seen.get(place, 0))
        elif event.kind == "read":
            if event.version < seen.get(place, 0):
                found.append(f"stale: {event} after version {seen[place]}")
            seen[place] = max(event.version, seen.get(place, 0))
            if event.version and not any(
                version == event.version and began < event.ended
                for version, began in begun[event.key]
            ):
                found.append(f"never written: {event}")
    return found


async def write(database: Database, key: int, version: int, *, alone: bool = False) -> None:
    """Write a version, in a transaction or by itself."""
    unit = database.connection() if alone else database.transaction()
    async with unit as connection:
        await connection.fetch_all(WRITE, (key, version))


async def read(database: Database, key: int, **options: Any) -> int:
    """Read a version."""
    async with database.read(**options) as connection:
        version: int = await connection.fetch_value(READ, (key,))
    return version


async def work(
    database: Database,
    history: History,
    session: int,
    rounds: int,
    *,
    keys: int = 8,
    first: int = 1,
) -> None:
    """Write a key of its own and read it back, and read that of a neighbour, in turns.

    The versions that it writes begin with ``first``.
    """
    # Another run of the same session has a context of its own, and need not see what this one saw.
    name = session + keys * (first - 1)
    for version in range(first, first + rounds):
        began = history.now()
        try:
            await write(database, session, version, alone=version % 3 == 0)
        except OutcomeUnknownError:
            history.add(name, "failed write", session, version, began)
        except AragoraSQLError:
            history.add(name, "failed write", session, version, began)
            await asyncio.sleep(0.01)
        else:
            history.add(name, "write", session, version, began)
        for key in (session, (session + 1) % keys):
            began = history.now()
            try:
                found = await read(database, key)
            except AragoraSQLError:
                history.add(name, "failed read", key, 0, began)
                await asyncio.sleep(0.01)
            else:
                history.add(name, "read", key, found, began)


def sessions(
    database: Database, history: History, rounds: int, *, keys: int = 8, first: int = 1
) -> Any:
    """Start as many sessions as keys, each in a context of its own."""
    return asyncio.gather(
        *(
            asyncio.create_task(
                work(database, history, session, rounds, keys=keys, first=first),
                context=Context(),
            )
            for session in range(keys)
        )
    )
