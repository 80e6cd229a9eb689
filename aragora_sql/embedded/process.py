"""The process of a running server: starting it, watching it, and stopping it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from aragora_sql.embedded.programs import cannot_run, last_lines

__all__ = ["ServerProcess"]

STOP_TIMEOUT = 10.0

_PR_SET_PDEATHSIG = 1
_LOG_TAIL = 20_000


class ServerProcess:
    """The server process, and a thread that lives as long as it does.

    On Linux the kernel stops the server when the *thread* that started it ends, for whatever
    reason, so this can't be a thread that has other things to do.
    """

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        # Without a name: in a folder of the server's account a link could lead us elsewhere.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the server has stopped
        self._exited = threading.Event()
        started: Future[subprocess.Popen[bytes]] = Future()
        threading.Thread(
            target=self._run,
            args=(started, command, options),
            name="embedded PostgreSQL",
            # It waits for the server, which an exit handler stops: after other threads are joined.
            daemon=True,
        ).start()
        try:
            self._popen = started.result()
        except (OSError, subprocess.SubprocessError) as error:
            self._log.close()
            raise cannot_run(command[0], error) from error

    def _run(
        self,
        started: Future[subprocess.Popen[bytes]],
        command: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command of this module
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal goes to our process group, and we stop the server.
                start_new_session=True,
                # Runs after the change of user, which would clear what it sets.
                preexec_fn=_stop_with_parent(),
                **options,
            )
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()
        self._exited.set()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._popen.returncode

    def wait(self, timeout: float) -> bool:
        """Wait until the process has exited; False after ``timeout`` seconds."""
        return self._exited.wait(timeout)

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - _LOG_TAIL)
        # The server shares the position of the file.
        return last_lines(os.pread(self._log.fileno(), _LOG_TAIL, start).decode(errors="replace"))

    def stop(self) -> None:
        """Close all sessions and exit; a server that does not exit in time is killed."""
        try:
            self._stop()
        finally:
            self._log.close()

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):
            self._popen.send_signal(number)
            if self.wait(STOP_TIMEOUT):
                return
        self._popen.kill()
        self._exited.wait()


def _stop_with_parent() -> Callable[[], None] | None:
    """Return what a new child has to call so that it does not outlive this process (kill -9)."""
    if sys.platform != "linux":
        return None
    # Looked up here: between fork and exec as little as possible may run.
    prctl = ctypes.CDLL(None).prctl
    number = int(signal.SIGQUIT)
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child
