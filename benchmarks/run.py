"""What all benchmarks of one run share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import ConfigurationError

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """The options of a run and the places where it may work.

    ``server`` is None when no benchmark of the run needs PostgreSQL; ``old`` is the folder of
    another build of this package, or None.
    """

    rounds: int
    folder: Path
    progress: Progress
    server: EmbeddedServer | None
    old: Path | None = None

    @property
    def postgres(self) -> EmbeddedServer:
        """The running PostgreSQL server."""
        if self.server is None:
            raise ConfigurationError("this run has no PostgreSQL server")
        return self.server

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[..., None]]:
        """Show a step; yields what advances it, by one or by a number."""
        task = self.progress.add_task(title, total=total)

        def advance(steps: int = 1) -> None:
            self.progress.advance(task, steps)

        try:
            yield advance
        finally:
            self.progress.remove_task(task)
