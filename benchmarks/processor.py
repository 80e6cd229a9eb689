"""The processor time of a server's processes, beside that of this one."""

from __future__ import annotations

import os
from pathlib import Path

from aragora_sql.embedded import EmbeddedServer
from benchmarks.measure import Clock

__all__ = ["server_clock", "whole_server_clock"]

_PROCESSES = Path("/proc")


def server_clock(server: EmbeddedServer) -> Clock | None:
    """Return a clock of the seconds that a server's living processes have worked; Linux only.

    The time of a process goes with it, so what is measured has to hold its connections.
    """
    pid = server.pid
    if not (_PROCESSES / str(pid) / "schedstat").is_file():
        return None
    return lambda: sum(map(_seconds, _family(pid)))


def whole_server_clock(server: EmbeddedServer) -> Clock | None:
    """Return a clock that counts the processes that have ended, too, in hundredths; Linux only."""
    pid = server.pid
    if not (_PROCESSES / str(pid) / "stat").is_file():
        return None
    ticks = os.sysconf("SC_CLK_TCK")

    def seconds() -> float:
        # Of the server itself also what its ended children took, which it has waited for.
        times = [_ticks(_PROCESSES / str(pid), 4), *(_ticks(one, 2) for one in _family(pid)[1:])]
        return sum(times) / ticks

    return seconds


def _ticks(folder: Path, numbers: int) -> int:
    """Return the sum of so many times of a process: user, system, and its children's."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11 : 11 + numbers]))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _family(pid: int) -> list[Path]:
    """Return the folders of a process and of its children."""
    found = [_PROCESSES / str(pid)]
    for folder in _PROCESSES.glob("[0-9]*"):
        try:
            # Behind the name, which may hold blanks: the state, and the parent.
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == str(pid):
            found.append(folder)
    return found


def _seconds(folder: Path) -> float:
    try:
        # Nanoseconds on a processor; the times of `stat` are in hundredths of a second.
        return int((folder / "schedstat").read_text().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
