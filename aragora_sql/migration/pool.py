"""The processes that load and verify beside this one, and how ranges are shared among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from aragora_sql.migration.options import MigrationOptions
from aragora_sql.migration.planning import TablePlan
from aragora_sql.migration.session import Session, Task
from aragora_sql.migration.worker import Worker

__all__ = ["Pool"]

_R = TypeVar("_R")
_T = TypeVar("_T")


class Pool:
    """So many worker processes, which are started at once and take their time to be ready."""

    def __init__(self, workers: int) -> None:
        self._workers: list[Worker] = []
        try:
            for _ in range(workers):
                self._workers.append(Worker())
        except BaseException:
            self.kill()
            raise

    @property
    def is_empty(self) -> bool:
        """Whether this process works alone."""
        return not self._workers

    def set_up(
        self,
        options: MigrationOptions,
        paths: Sequence[Path],
        tables: Sequence[TablePlan],
        run_id: int | None,
    ) -> None:
        """Have each process open its snapshot of the files and its connection."""
        for worker in self._workers:
            worker.set_up(options, paths, tables, run_id)
        for worker in self._workers:
            worker.wait_until_ready()

    def share(self, session: Session, tasks: Sequence[Task[_R]], use: Callable[[_R], None]) -> None:
        """Do all tasks, in this process and in the workers, and use each outcome in this thread."""
        waiting: SimpleQueue[Task[_R]] = SimpleQueue()
        for task in tasks:
            waiting.put(task)
        done: SimpleQueue[_R | BaseException] = SimpleQueue()

        def work(worker: Worker) -> None:
            for task in _taken(waiting):
                try:
                    done.put(worker.do(task))
                except BaseException as error:
                    done.put(error)
                    return

        threads = [Thread(target=work, args=[worker], daemon=True) for worker in self._workers]
        for thread in threads:
            thread.start()
        left = len(tasks)
        for task in _taken(waiting):
            use(task.run(session))
            left -= 1
            for outcome in _taken(done):
                use(_outcome(outcome))
                left -= 1
        for _ in range(left):
            use(_outcome(done.get()))
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End the processes once they are done."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def kill(self) -> None:
        """End the processes at once; the server undoes what they have not committed."""
        for worker in self._workers:
            worker.kill()
        self._workers = []


def _taken(queue: SimpleQueue[_T]) -> Iterator[_T]:
    """Take from a queue until it is empty."""
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def _outcome(answer: _R | BaseException) -> _R:
    if isinstance(answer, BaseException):
        raise answer
    return answer
