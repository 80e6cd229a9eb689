"""Every store of the Aragora debate platform as named SQL files, in PostgreSQL and SQLite.

>>> from aragora_sql import get_consensus_memory
>>> memory = await get_consensus_memory()   # the environment names the engine
>>> await memory.find_similar("rate limiting", limit=5)

Names are loaded at their first use, so importing the package imports no driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aragora_sql.database import (
        Database,
        Health,
        PoolMetrics,
    )
    from aragora_sql.database.postgres import (
        PostgresDatabase,
        close_postgres_pool,
        get_postgres_pool,
    )
    from aragora_sql.database.sqlite import (
        SQLiteDatabase,
        close_sqlite_databases,
        get_sqlite_database,
    )
    from aragora_sql.encryption import (
        Keyring,
    )
    from aragora_sql.environment import (
        close_databases,
        get_checkpoint_store,
        get_consensus_memory,
        get_critique_store,
        get_finding_workflow_store,
        get_integration_store,
        get_job_queue_store,
    )
    from aragora_sql.queries import (
        load_queries,
    )
    from aragora_sql.schema import (
        apply_schema,
        render_schema,
        verify_schema,
    )
    from aragora_sql.settings import (
        PostgresDSN,
        Settings,
    )
    from aragora_sql.stores.checkpoints.records import (
        DebateCheckpoint,
        WorkflowCheckpoint,
    )
    from aragora_sql.stores.checkpoints.store import (
        CheckpointStore,
        PostgresCheckpointStore,
        SQLiteCheckpointStore,
        get_postgres_checkpoint_store,
        get_sqlite_checkpoint_store,
    )
    from aragora_sql.stores.consensus.dissents import (
        DissentRetriever,
    )
    from aragora_sql.stores.consensus.records import (
        ConsensusRecord,
        ConsensusStrength,
        DissentRecord,
        DissentType,
        ProofStatus,
    )
    from aragora_sql.stores.consensus.store import (
        ConsensusMemory,
        PostgresConsensusMemory,
        SQLiteConsensusMemory,
        get_postgres_consensus_memory,
        get_sqlite_consensus_memory,
    )
    from aragora_sql.stores.critique.records import (
        AgentReputation,
        Critique,
        Debate,
        Pattern,
    )
    from aragora_sql.stores.critique.store import (
        CritiqueStore,
        PostgresCritiqueStore,
        SQLiteCritiqueStore,
        get_postgres_critique_store,
        get_sqlite_critique_store,
    )
    from aragora_sql.stores.integrations.records import (
        IntegrationConfig,
        UserIdMapping,
    )
    from aragora_sql.stores.integrations.store import (
        IntegrationStore,
        PostgresIntegrationStore,
        SQLiteIntegrationStore,
        get_postgres_integration_store,
        get_sqlite_integration_store,
    )
    from aragora_sql.stores.jobs.outcomes import (
        JobOutcome,
    )
    from aragora_sql.stores.jobs.records import (
        Job,
        JobStatus,
        RetryPolicy,
    )
    from aragora_sql.stores.jobs.store import (
        JobQueueStore,
        PostgresJobQueueStore,
        SQLiteJobQueueStore,
        get_postgres_job_queue_store,
        get_sqlite_job_queue_store,
    )
    from aragora_sql.stores.jobs.worker import (
        JobWorker,
        PermanentJobError,
        RetryJobError,
    )
    from aragora_sql.stores.workflow.records import (
        FindingEvent,
        FindingWorkflow,
    )
    from aragora_sql.stores.workflow.states import (
        FindingState,
    )
    from aragora_sql.stores.workflow.store import (
        FindingWorkflowStore,
        PostgresFindingWorkflowStore,
        SQLiteFindingWorkflowStore,
        get_postgres_finding_workflow_store,
        get_sqlite_finding_workflow_store,
    )

_HOMES = {
    "aragora_sql.database": (
        "Database",
        "Health",
        "PoolMetrics",
    ),
    "aragora_sql.database.postgres": (
        "PostgresDatabase",
        "close_postgres_pool",
        "get_postgres_pool",
    ),
    "aragora_sql.database.sqlite": (
        "SQLiteDatabase",
        "close_sqlite_databases",
        "get_sqlite_database",
    ),
    "aragora_sql.encryption": ("Keyring",),
    "aragora_sql.environment": (
        "close_databases",
        "get_checkpoint_store",
        "get_consensus_memory",
        "get_critique_store",
        "get_finding_workflow_store",
        "get_integration_store",
        "get_job_queue_store",
    ),
    "aragora_sql.stores.jobs.worker": (
        "JobWorker",
        "PermanentJobError",
        "RetryJobError",
    ),
    "aragora_sql.queries": ("load_queries",),
    "aragora_sql.schema": (
        "apply_schema",
        "render_schema",
        "verify_schema",
    ),
    "aragora_sql.settings": (
        "PostgresDSN",
        "Settings",
    ),
    "aragora_sql.stores.checkpoints.store": (
        "CheckpointStore",
        "PostgresCheckpointStore",
        "SQLiteCheckpointStore",
        "get_postgres_checkpoint_store",
        "get_sqlite_checkpoint_store",
    ),
    "aragora_sql.stores.checkpoints.records": (
        "DebateCheckpoint",
        "WorkflowCheckpoint",
    ),
    "aragora_sql.stores.consensus.store": (
        "ConsensusMemory",
        "PostgresConsensusMemory",
        "SQLiteConsensusMemory",
        "get_postgres_consensus_memory",
        "get_sqlite_consensus_memory",
    ),
    "aragora_sql.stores.consensus.records": (
        "ConsensusRecord",
        "ConsensusStrength",
        "DissentRecord",
        "DissentType",
        "ProofStatus",
    ),
    "aragora_sql.stores.critique.store": (
        "CritiqueStore",
        "PostgresCritiqueStore",
        "SQLiteCritiqueStore",
        "get_postgres_critique_store",
        "get_sqlite_critique_store",
    ),
    "aragora_sql.stores.critique.records": (
        "AgentReputation",
        "Critique",
        "Debate",
        "Pattern",
    ),
    "aragora_sql.stores.consensus.dissents": ("DissentRetriever",),
    "aragora_sql.stores.integrations.store": (
        "IntegrationStore",
        "PostgresIntegrationStore",
        "SQLiteIntegrationStore",
        "get_postgres_integration_store",
        "get_sqlite_integration_store",
    ),
    "aragora_sql.stores.integrations.records": (
        "IntegrationConfig",
        "UserIdMapping",
    ),
    "aragora_sql.stores.jobs.store": (
        "JobQueueStore",
        "PostgresJobQueueStore",
        "SQLiteJobQueueStore",
        "get_postgres_job_queue_store",
        "get_sqlite_job_queue_store",
    ),
    "aragora_sql.stores.jobs.outcomes": ("JobOutcome",),
    "aragora_sql.stores.jobs.records": (
        "Job",
        "JobStatus",
        "RetryPolicy",
    ),
    "aragora_sql.stores.workflow.store": (
        "FindingWorkflowStore",
        "PostgresFindingWorkflowStore",
        "SQLiteFindingWorkflowStore",
        "get_postgres_finding_workflow_store",
        "get_sqlite_finding_workflow_store",
    ),
    "aragora_sql.stores.workflow.records": (
        "FindingEvent",
        "FindingWorkflow",
    ),
    "aragora_sql.stores.workflow.states": ("FindingState",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AgentReputation",
    "CheckpointStore",
    "ConsensusMemory",
    "ConsensusRecord",
    "ConsensusStrength",
    "Critique",
    "CritiqueStore",
    "Database",
    "Debate",
    "DebateCheckpoint",
    "DissentRecord",
    "DissentRetriever",
    "DissentType",
    "FindingEvent",
    "FindingState",
    "FindingWorkflow",
    "FindingWorkflowStore",
    "Health",
    "IntegrationConfig",
    "IntegrationStore",
    "Job",
    "JobOutcome",
    "JobQueueStore",
    "JobStatus",
    "JobWorker",
    "Keyring",
    "Pattern",
    "PermanentJobError",
    "PoolMetrics",
    "PostgresCheckpointStore",
    "PostgresConsensusMemory",
    "PostgresCritiqueStore",
    "PostgresDSN",
    "PostgresDatabase",
    "PostgresFindingWorkflowStore",
    "PostgresIntegrationStore",
    "PostgresJobQueueStore",
    "ProofStatus",
    "RetryJobError",
    "RetryPolicy",
    "SQLiteCheckpointStore",
    "SQLiteConsensusMemory",
    "SQLiteCritiqueStore",
    "SQLiteDatabase",
    "SQLiteFindingWorkflowStore",
    "SQLiteIntegrationStore",
    "SQLiteJobQueueStore",
    "Settings",
    "UserIdMapping",
    "WorkflowCheckpoint",
    "apply_schema",
    "close_databases",
    "close_postgres_pool",
    "close_sqlite_databases",
    "get_checkpoint_store",
    "get_consensus_memory",
    "get_critique_store",
    "get_finding_workflow_store",
    "get_integration_store",
    "get_job_queue_store",
    "get_postgres_checkpoint_store",
    "get_postgres_consensus_memory",
    "get_postgres_critique_store",
    "get_postgres_finding_workflow_store",
    "get_postgres_integration_store",
    "get_postgres_job_queue_store",
    "get_postgres_pool",
    "get_sqlite_checkpoint_store",
    "get_sqlite_consensus_memory",
    "get_sqlite_critique_store",
    "get_sqlite_database",
    "get_sqlite_finding_workflow_store",
    "get_sqlite_integration_store",
    "get_sqlite_job_queue_store",
    "load_queries",
    "render_schema",
    "verify_schema",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
