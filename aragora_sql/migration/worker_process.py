"""A worker process: takes tasks on standard input, gives outcomes on standard output.

Both are pickled. The process ends when its input does, so it does not outlive the one that started
it by more than the task it is at; the ledger keeps a range from being loaded twice.
"""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from typing import IO, Any

from aragora_sql.errors import AragoraSQLError
from aragora_sql.migration.collecting import collect_rarely
from aragora_sql.migration.session import Session, Task, open_sources
from aragora_sql.migration.worker import SetUp


def main() -> None:
    """Run as the worker process."""
    source, output = sys.stdin.buffer, sys.stdout.buffer
    collect_rarely()
    # Nothing else may write to what the answers go to.
    sys.stdout = sys.stderr
    try:
        set_up: SetUp = pickle.load(source)  # noqa: S301 - from our own process
    except EOFError:
        return
    try:
        files = open_sources(set_up.options, set_up.paths)
        session = Session(set_up.options, files, set_up.tables, set_up.run_id)
    except AragoraSQLError as error:
        _answer(output, error)
        return
    _answer(output, None)
    try:
        while True:
            try:
                task: Task[Any] = pickle.load(source)  # noqa: S301 - from our own process
            except EOFError:
                return
            try:
                _answer(output, task.run(session))
            except AragoraSQLError as error:
                _answer(output, error)
    finally:
        session.close()


def _answer(output: IO[bytes], message: Any) -> None:
    with suppress(BrokenPipeError):
        pickle.dump(message, output)
        output.flush()


if __name__ == "__main__":
    main()
