"""A second process that compares a share of the queries, beside the one that checks.

One process leaves a core idle: it waits for PostgreSQL as long as it works. The second one has a
pair of databases of its own, filled with the same rows.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from aragora_sql.checker.meaning.calls import KeptCalls
from aragora_sql.checker.meaning.pair import PreparedDatabase
from aragora_sql.engines.children import module_command
from aragora_sql.engines.facts import Facts
from aragora_sql.errors import ConfigurationError

__all__ = ["Found", "SecondProcess", "Share"]

_WORKER = "aragora_sql.checker.meaning.second_worker"


@dataclass(frozen=True, slots=True)
class Share:
    """What it is asked: to compare the pairs with these ``keys``, with the calls that are kept."""

    facts: Facts
    place: PreparedDatabase
    keys: tuple[str, ...]
    kept: dict[tuple[str, str], KeptCalls]
    update: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What it answers: what was found, and the calls of the queries that it compared."""

    saved: dict[str, Any]
    kept: dict[tuple[str, str], KeptCalls]


class SecondProcess:
    """The process, from its start; ``answer`` waits for its end.

    Request and answer are in files without a name: neither of the two waits for the other.
    """

    def __init__(self, share: Share) -> None:
        self._files = ExitStack()
        request, self._answer, self._errors = (
            self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            for _ in range(3)
        )
        pickle.dump(share, request)
        request.seek(0)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            module_command(_WORKER),
            stdin=request,
            stdout=self._answer,
            stderr=self._errors,
            # Its environment is ours, which may say how the server is reached.
            process_group=0,
        )

    def answer(self) -> Found:
        """Return what it found. Raises :class:`ConfigurationError` where it failed."""
        if self._process.wait():
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise ConfigurationError(
                f"the second process of the comparison failed: {(last or ['it says nothing'])[0]}"
            )
        self._answer.seek(0)
        found: Found = pickle.load(self._answer)  # noqa: S301 - of our own process
        return found

    def stop(self) -> None:
        """End it, if it still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._files.close()
