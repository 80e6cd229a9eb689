"""Runs a command and writes what it took, as JSON: ``python -I -S child.py RESULT COMMAND …``.

A process of its own, and a small one: a child's peak memory as the kernel counts it begins with
that of the process that started it. ``peak`` is that of the largest process that the command was
made of, in bytes; ``processor`` the seconds of processor time of all of them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Run the command of the arguments."""
    result, *command = sys.argv[1:]
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {
        "seconds": seconds,
        "peak": usage.ru_maxrss * unit,
        "processor": usage.ru_utime + usage.ru_stime,
        "status": os.waitstatus_to_exitcode(status),
    }
    Path(result).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
