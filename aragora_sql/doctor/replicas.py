"""The servers that reads may go to: each is asked as an application would ask it."""

from __future__ import annotations

from collections.abc import Mapping

from aragora_sql.database.limits import within
from aragora_sql.database.replicas import ReplicaState
from aragora_sql.doctor.findings import Finding, error, ok, warning
from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.settings import replicas_from_env

__all__ = ["check_replicas"]

_ACTIONS = {
    "away": "see whether it runs and can be reached from here; reads go to the others meanwhile",
    "lagging": "see what it is busy with, or raise ARAGORA_REPLICA_MAX_LAG",
    "refused": "see the message; no read goes there",
    "unproven": "let the role read pg_stat_wal_receiver (GRANT pg_read_all_stats), or wait for the "
    "next restart point of the standby",
    "primary": "see which of the two servers that take writes is the right one",
}


async def check_replicas(dsn: PostgresDSN, env: Mapping[str, str], timeout: float) -> list[Finding]:
    """Look at the replicas that the environment names for a primary."""
    from aragora_sql.database.postgres import PostgresDatabase

    try:
        settings = replicas_from_env(dsn, env)
    except AragoraSQLError:
        # The check of the variables tells what is wrong with them.
        return []
    if settings is None:
        return [ok("read-replicas", "none is named")]
    try:
        database = await within(timeout, PostgresDatabase.connect(dsn, 1, 1, replicas=settings))
    except ConfigurationError as problem:
        text = "take it out of the list, or correct the DSN"
        return [error("read-replicas", str(problem), text, "configuration")]
    except (AragoraSQLError, TimeoutError):
        # The primary does not answer: the check of the connection tells it.
        return []
    try:
        return [_finding(state) for state in database.replicas()]
    finally:
        await database.close()


def _finding(state: ReplicaState) -> Finding:
    if state.problem is None:
        lag = "" if state.lag_seconds is None else f", at most {state.lag_seconds:.1f} s old"
        told = "the primary, so no replica" if state.word == "primary" else f"{state.word}{lag}"
        return ok("read-replicas", f"{state.name}: {told}")
    seen = f"{state.name}: {state.word}: {state.problem}"
    return warning("read-replicas", seen, _ACTIONS.get(state.word, "see the message"))
