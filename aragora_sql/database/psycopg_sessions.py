"""Finds out whether a psycopg connection has a session of the server to itself."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from psycopg import pq

from aragora_sql.database.poolers import ANSWER_SECONDS, COMPARISONS, PROCESS

__all__ = ["shares_session"]


def shares_session(
    connection: psycopg.Connection[Any], connect: Callable[[], psycopg.Connection[Any]]
) -> bool:
    """Tell whether a transaction pooler is in front of the server.

    See :mod:`aragora_sql.database.poolers` for how; ``connect`` opens one more connection.
    The connection has to be in autocommit mode. Where no second connection is possible, True.
    """
    process = _process_of(connection)
    if process == connection.info.backend_pid:
        return False
    try:
        other = connect()
    except psycopg.Error:
        return True
    with closing(other):
        for _ in range(COMPARISONS):
            others, again = _process_of(other), _process_of(connection)
            if others is None and again == process:
                return False
            if others in (process, None) or again != process:
                return True
    return False


def _process_of(connection: psycopg.Connection[Any]) -> int | None:
    """Return the server's process that answers; None when none does within the time limit."""
    session = connection.pgconn
    deadline = time.monotonic() + ANSWER_SECONDS
    session.send_query(PROCESS.encode())
    with selectors.DefaultSelector() as selector:
        selector.register(session.socket, selectors.EVENT_READ)
        while session.is_busy():
            if not selector.select(deadline - time.monotonic()):
                return None
            session.consume_input()
    process: int | None = None
    while (result := session.get_result()) is not None:
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
        process = int(result.get_value(0, 0) or 0)
    return process
