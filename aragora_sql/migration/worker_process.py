"""A worker process: takes ranges on standard input, gives outcomes on standard output.

Both are pickled. The process ends when its input does, so it does not outlive the one that started
it by more than the range it is at; the ledger keeps that range from being loaded twice.
"""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from typing import IO, Any

from aragora_sql.errors import AragoraSQLError
from aragora_sql.migration.session import Session, open_sources
from aragora_sql.migration.worker import IndexTask, SetUp, VerifyTask


def main() -> None:
    """Run as the worker process."""
    source, output = sys.stdin.buffer, sys.stdout.buffer
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
                message = pickle.load(source)  # noqa: S301 - from our own process
            except EOFError:
                return
            try:
                if isinstance(message, VerifyTask):
                    _answer(output, session.verify(message.task, message.excused))
                elif isinstance(message, IndexTask):
                    session.build_index(message.name)
                    _answer(output, None)
                else:
                    _answer(output, session.load(message))
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
