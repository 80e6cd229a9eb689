"""The end of a worker process that the migration holds; the other is :mod:`.worker_process`."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aragora_sql.errors import AragoraSQLError
from aragora_sql.migration.options import MigrationOptions
from aragora_sql.migration.planning import TablePlan
from aragora_sql.migration.session import Task

__all__ = ["SetUp", "Worker", "WorkerDiedError"]


_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class SetUp:
    """The first message to a worker."""

    options: MigrationOptions
    paths: Sequence[Path]
    tables: Sequence[TablePlan]
    run_id: int | None


class WorkerDiedError(AragoraSQLError):
    """A worker process ended without an answer."""


class Worker:
    """The end of a worker process that the migration holds."""

    def __init__(self) -> None:
        """Start the process, which takes a while to be ready for :meth:`set_up`."""
        self._process = subprocess.Popen(
            # -P: no modules of the working folder
            [sys.executable, "-P", "-m", "aragora_sql.migration.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal goes to our process group, and we end the worker.
            start_new_session=True,
        )

    def set_up(
        self,
        options: MigrationOptions,
        paths: Sequence[Path],
        tables: Sequence[TablePlan],
        run_id: int | None,
    ) -> None:
        """Have the files and a connection opened."""
        self._send(SetUp(options, paths, tables, run_id))

    def wait_until_ready(self) -> None:
        """Wait until the worker has opened its snapshot and its connection."""
        self._receive()

    def do(self, task: Task[_R]) -> _R:
        """Have a task done."""
        self._send(task)
        outcome: _R = self._receive()
        return outcome

    def close(self) -> None:
        """End the worker; what it has not committed is undone by the server."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the worker at once."""
        self._process.kill()
        self.close()

    def _send(self, message: Any) -> None:
        if self._process.stdin is None:
            raise RuntimeError("a worker has no input")
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except OSError as error:
            raise self._died() from error

    def _receive(self) -> Any:
        if self._process.stdout is None:
            raise RuntimeError("a worker has no output")
        try:
            answer = pickle.load(self._process.stdout)  # noqa: S301 - our own process
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._died() from error
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _died(self) -> WorkerDiedError:
        try:
            status = f"status {self._process.wait(timeout=2)}"
        except subprocess.TimeoutExpired:
            status = "it does not answer"
        return WorkerDiedError(
            f"a worker process ended ({status}); what was committed stays: run this "
            "command again to go on"
        )
