"""Finds out whether a psycopg connection has a session of the server to itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from aragora_sql.database.poolers import COMPARISONS, PROCESS

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
    with other:
        other.autocommit = True
        return any(
            _process_of(other) == process or _process_of(connection) != process
            for _ in range(COMPARISONS)
        )


def _process_of(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(PROCESS, prepare=False).fetchone()
    return int(row[0]) if row is not None else 0
