"""Ports of this machine, and waiting until a process answers on one."""

from __future__ import annotations

import socket
import subprocess
import time

__all__ = ["answering", "free_port"]

TIMEOUT = 60.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answering(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a process takes connections on a port; fail when it ends, or after a minute."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"nobody answers on port {port}"
            time.sleep(0.02)
        else:
            return
