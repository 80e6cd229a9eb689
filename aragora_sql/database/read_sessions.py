"""What a session of reads has to see: its own writes, and nothing older than what it has read.

A session begins with the first unit of work of a context (a task of asyncio), and the tasks that
are started from there share it: who awaits them sees what they wrote, and they see what was written
before. A context that has none begins with all that this process has written so far, so that
whoever starts tasks before its own first unit of work sees their writes too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from itertools import count
from typing import Any

__all__ = ["ReadSession", "Source", "current_sessions", "session_of", "share", "tick"]

# The order of events in this process: a clock may give one time to two of them.
tick = count(1).__next__


class Source:
    """A server as far as its answers tell: at ``asked``, or later, its log was applied to ``lsn``.

    What it had applied before a moment is at most what it answers when it is asked after it.
    ``asked`` is of :data:`tick`, ``asked_at`` of :func:`time.monotonic`.
    """

    __slots__ = ("asked", "asked_at", "lsn", "name", "timeline")

    def __init__(self, name: str, timeline: int = 0) -> None:
        self.name = name
        self.timeline = timeline
        self.lsn = 0
        self.asked = 0
        self.asked_at = 0.0

    def __repr__(self) -> str:
        return f"<{self.name} timeline {self.timeline} at {self.lsn:x}>"

    def answered(self, lsn: int, asked: int, asked_at: float) -> None:
        """Note an answer. Answers may come in another order than they were asked for."""
        if lsn >= self.lsn:
            self.lsn = lsn
        if asked > self.asked:
            self.asked = asked
            self.asked_at = asked_at


class ReadSession:
    """What the reads of a session have to see at least.

    ``floor`` is a position of the log of ``timeline``. ``seen`` are servers that showed something
    whose position is not known yet, each with the moment until which they did. ``writing`` is the
    number of open units of work whose statements commit by themselves.
    """

    __slots__ = ("floor", "seen", "timeline", "writing")

    def __init__(self, before: ReadSession | None = None) -> None:
        self.floor: int = 0 if before is None else before.floor
        self.timeline: int = 0 if before is None else before.timeline
        self.seen: dict[Source, int] = {} if before is None else dict(before.seen)
        self.writing = 0

    def committed(self, timeline: int, lsn: int) -> None:
        """Note a commit, or anything else that later reads have to see."""
        if timeline != self.timeline:
            if timeline < self.timeline:
                return
            self.timeline, self.floor = timeline, lsn
        elif lsn > self.floor:
            self.floor = lsn

    def merge(self, other: ReadSession) -> None:
        """See what another session has to see, too."""
        self.committed(other.timeline, other.floor)
        for source, moment in other.seen.items():
            if moment > self.seen.get(source, 0):
                self.seen[source] = moment

    def settle(self) -> None:
        """Replace what servers showed by positions, where they have answered since."""
        for source, moment in list(self.seen.items()):
            if source.asked > moment and source.timeline == self.timeline:
                del self.seen[source]
                if source.lsn > self.floor:
                    self.floor = source.lsn


_sessions: ContextVar[Mapping[Any, ReadSession]] = ContextVar("aragora_sql_read_sessions")
_NONE: Mapping[Any, ReadSession] = {}


def current_sessions() -> Mapping[Any, ReadSession]:
    """Return the sessions of this context, by what they belong to."""
    return _sessions.get(_NONE)


def session_of(owner: Any, process: ReadSession) -> ReadSession:
    """Return the session of this context; one that begins here sees what the process wrote."""
    sessions = _sessions.get(_NONE)
    session = sessions.get(owner)
    if session is None:
        session = ReadSession(process)
        _sessions.set({**sessions, owner: session})
    return session


def share(done: Mapping[Any, ReadSession], others: Mapping[Any, ReadSession]) -> None:
    """Let sessions see what was done for them in another context."""
    for owner, session in others.items():
        worker = done.get(owner)
        if worker is not None and worker is not session:
            session.merge(worker)
