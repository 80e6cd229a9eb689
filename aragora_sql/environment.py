"""Stores on the engine that the environment names: the front door of an application."""

from __future__ import annotations

from aragora_sql.settings import Settings
from aragora_sql.stores.checkpoints.store import (
    CheckpointStore,
    get_postgres_checkpoint_store,
    get_sqlite_checkpoint_store,
)
from aragora_sql.stores.consensus.store import (
    ConsensusMemory,
    get_postgres_consensus_memory,
    get_sqlite_consensus_memory,
)
from aragora_sql.stores.critique.store import (
    CritiqueStore,
    get_postgres_critique_store,
    get_sqlite_critique_store,
)
from aragora_sql.stores.integrations.store import (
    IntegrationStore,
    get_postgres_integration_store,
    get_sqlite_integration_store,
)
from aragora_sql.stores.jobs.store import (
    JobQueueStore,
    get_postgres_job_queue_store,
    get_sqlite_job_queue_store,
)
from aragora_sql.stores.workflow.store import (
    FindingWorkflowStore,
    get_postgres_finding_workflow_store,
    get_sqlite_finding_workflow_store,
)

__all__ = [
    "close_databases",
    "get_checkpoint_store",
    "get_consensus_memory",
    "get_critique_store",
    "get_finding_workflow_store",
    "get_integration_store",
    "get_job_queue_store",
]


async def get_consensus_memory() -> ConsensusMemory:
    """Return an initialized consensus memory on the engine that the environment names.

    See :mod:`aragora_sql.settings`. Logs which one it is, as ``Using PostgresConsensusMemory``.
    """
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_consensus_memory()
    return await get_sqlite_consensus_memory(settings.sqlite_path)


async def get_critique_store() -> CritiqueStore:
    """Return an initialized critique store on the engine that the environment names."""
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_critique_store()
    return await get_sqlite_critique_store(settings.sqlite_path)


async def get_finding_workflow_store() -> FindingWorkflowStore:
    """Return an initialized workflow store on the engine that the environment names."""
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_finding_workflow_store()
    return await get_sqlite_finding_workflow_store(settings.sqlite_path)


async def get_integration_store() -> IntegrationStore:
    """Return an initialized integration store on the engine that the environment names."""
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_integration_store()
    return await get_sqlite_integration_store(settings.sqlite_path)


async def get_checkpoint_store() -> CheckpointStore:
    """Return an initialized checkpoint store on the engine that the environment names."""
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_checkpoint_store()
    return await get_sqlite_checkpoint_store(settings.sqlite_path)


async def get_job_queue_store() -> JobQueueStore:
    """Return an initialized job queue on the engine that the environment names."""
    settings = Settings.from_env()
    if settings.backend == "postgres":
        return await get_postgres_job_queue_store()
    return await get_sqlite_job_queue_store(settings.sqlite_path)


async def close_databases() -> None:
    """Close every pool and file that the functions of this module opened. Twice is harmless."""
    from aragora_sql.database.postgres import close_postgres_pool
    from aragora_sql.database.sqlite import close_sqlite_databases

    await close_postgres_pool()
    await close_sqlite_databases()
