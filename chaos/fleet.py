"""The application processes: started, watched, stopped, and what they have recorded."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chaos.cluster import ROOT, Cluster

__all__ = ["Fleet"]

PATIENCE = 240.0

Line = dict[str, Any]


class Fleet:
    """``size`` applications and a probe. Every second application goes through PgBouncer.

    ``long_job`` is how many seconds the longest jobs take, ``durable_claims`` the option of the job
    queue.
    """

    def __init__(
        self, cluster: Cluster, size: int, seed: int, *, long_job: float, durable_claims: bool
    ) -> None:
        self._options = ["--long-job", str(long_job)]
        self._options += [] if durable_claims else ["--quick-claims"]
        self._cluster = cluster
        self._size = size
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="aragora-chaos-")
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        for number in range(self._size):
            dsn = self._cluster.pooled_dsn if number % 2 else self._cluster.dsn
            seed = str(self._seed * 100 + number)
            self._start(f"app{number + 1}", dsn, "--seed", seed, *self._options)
        self._start("probe", self._cluster.dsn, "--probe")
        self._wait_for("started", list(self._processes))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        self._folder.cleanup()

    def check(self) -> None:
        """Raise when a process has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() not in (None, 0):
                tail = self._path(name, "log").read_text().splitlines()[-30:]
                raise RuntimeError(f"{name} has ended:\n" + "\n".join(tail))

    def stop_writing(self) -> None:
        """Let applications finish what they write; they go on with the jobs that are there."""
        applications = [name for name in self._processes if name != "probe"]
        for process in self._processes.values():
            _say(process)
        self._wait_for("written", applications)

    def stop(self) -> None:
        """End the applications."""
        applications = [name for name in self._processes if name != "probe"]
        for name in applications:
            _say(self._processes[name])
        self._wait_for("stopped", applications)

    def lines(self, name: str | None = None) -> Iterator[Line]:
        """Yield what an application, or all, have recorded so far."""
        for one in self._processes if name is None else [name]:
            with self._path(one, "jsonl").open(encoding="utf-8") as file:
                for line in file:
                    # The last one may be half written.
                    if line.endswith("\n"):
                        yield {"process": one, **json.loads(line)}

    def _start(self, name: str, dsn: str, *options: str) -> None:
        record = self._path(name, "jsonl")
        record.touch()
        with self._path(name, "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "chaos.worker", name, str(record), *options],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
            )
        self._processes[name] = process
        _say(process, dsn)

    def _path(self, name: str, kind: str) -> Path:
        return Path(self._folder.name, f"{name}.{kind}")

    def _wait_for(self, kind: str, names: list[str]) -> None:
        deadline = time.monotonic() + PATIENCE
        for name in names:
            while not any(line["kind"] == kind for line in self.lines(name)):
                if kind != "stopped":
                    self.check()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name} has not {kind} within {PATIENCE:g} s")
                time.sleep(0.1)


def _say(process: subprocess.Popen[str], text: str = "") -> None:
    if process.stdin is not None:
        process.stdin.write(f"{text}\n")
        process.stdin.flush()
