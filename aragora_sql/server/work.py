"""What a database has to tell beside its health: the job queue and migrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aragora_sql.database import Database
from aragora_sql.database.limits import within
from aragora_sql.errors import AragoraSQLError
from aragora_sql.server.health import DatabaseState, operation_queries
from aragora_sql.stores.jobs import JobLoad, JobQueueStore

__all__ = ["Migration", "Work", "read_work"]


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration from SQLite has done with one table: counts of rows of the source."""

    run_id: int
    table: str
    is_finished: bool
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What waits and runs. ``problem`` is why it is not known, or None."""

    jobs: Sequence[JobLoad] = ()
    migrations: Sequence[Migration] = ()
    problem: str | None = None


async def read_work(database: Database, state: DatabaseState, timeout: float) -> Work:
    """Return it within so many seconds; nothing where the database did not answer just now."""
    if not state.health.ok:
        return Work(problem="the database does not answer")
    try:
        return await within(timeout, _read(database, state))
    except TimeoutError:
        return Work(problem=f"the job queue was not read within {timeout:g} s")
    except AragoraSQLError as error:
        return Work(problem=str(error))


async def _read(database: Database, state: DatabaseState) -> Work:
    # Counting needs no column that an upgrade of the queue brought.
    has_jobs = any(store.name == "jobs" and store.version is not None for store in state.stores)
    jobs = await JobQueueStore(database).get_load() if has_jobs else []
    migrations: list[Migration] = []
    if database.dialect == "postgres":
        queries = operation_queries()
        async with database.read() as connection:
            if await queries.has_migrations(connection):
                async for row in queries.list_migrations(connection):
                    outcomes = ("read", "migrated", "already_there", "rejected")
                    rows = {outcome: row[f"rows_{outcome}"] for outcome in outcomes}
                    migrations.append(
                        Migration(row["run_id"], row["target_table"], row["is_finished"], rows)
                    )
    return Work(jobs, migrations)
