"""Waiting until a process answers on a port."""

from __future__ import annotations

import subprocess
import time

from chaos.ports import is_answered

__all__ = ["answering"]

TIMEOUT = 60.0


def answering(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a process takes connections on a port; fail when it ends, or after a minute."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        if is_answered(port):
            return
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"nobody answers on port {port}"
        time.sleep(0.02)
