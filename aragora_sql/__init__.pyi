"""The types of what the package exports; ``aragora-sql stores --write`` makes them."""

from collections.abc import Collection, Iterable
from pathlib import Path

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.store.base import IndexConfig, TTLConfig

from aragora_sql.database import Database as Database
from aragora_sql.database import Health as Health
from aragora_sql.database import PoolMetrics as PoolMetrics
from aragora_sql.database import Retries as Retries
from aragora_sql.database.postgres import Pool
from aragora_sql.database.postgres import PostgresDatabase as PostgresDatabase
from aragora_sql.database.postgres import close_postgres_pool as close_postgres_pool
from aragora_sql.database.postgres import get_postgres_pool as get_postgres_pool
from aragora_sql.database.sqlite import SQLiteDatabase as SQLiteDatabase
from aragora_sql.database.sqlite import close_sqlite_databases as close_sqlite_databases
from aragora_sql.database.sqlite import get_sqlite_database as get_sqlite_database
from aragora_sql.encryption import Keyring as Keyring
from aragora_sql.environment import close_databases as close_databases
from aragora_sql.queries import load_queries as load_queries
from aragora_sql.schema import apply_schema as apply_schema
from aragora_sql.schema import render_schema as render_schema
from aragora_sql.schema import verify_schema as verify_schema
from aragora_sql.settings import PostgresDSN as PostgresDSN
from aragora_sql.settings import Settings as Settings
from aragora_sql.stores.audit import AuditChain as AuditChain
from aragora_sql.stores.audit import AuditEntry as AuditEntry
from aragora_sql.stores.audit import AuditEvent as AuditEvent
from aragora_sql.stores.audit import AuditStatistics as AuditStatistics
from aragora_sql.stores.audit import AuditStore as AuditStore
from aragora_sql.stores.audit import AuditVerification as AuditVerification
from aragora_sql.stores.audit import DailyAnchor as DailyAnchor
from aragora_sql.stores.audit import InclusionProof as InclusionProof
from aragora_sql.stores.audit import SigningKeys as SigningKeys
from aragora_sql.stores.audit import verify_proof as verify_proof
from aragora_sql.stores.checkpoints import CheckpointStore as CheckpointStore
from aragora_sql.stores.checkpoints import DebateCheckpoint as DebateCheckpoint
from aragora_sql.stores.checkpoints import WorkflowCheckpoint as WorkflowCheckpoint
from aragora_sql.stores.compliance import CompliancePolicy as CompliancePolicy
from aragora_sql.stores.compliance import ComplianceViolation as ComplianceViolation
from aragora_sql.stores.compliance import PolicyChange as PolicyChange
from aragora_sql.stores.compliance import PolicyStore as PolicyStore
from aragora_sql.stores.computer_use import ComputerUsePolicy as ComputerUsePolicy
from aragora_sql.stores.computer_use import ComputerUseStore as ComputerUseStore
from aragora_sql.stores.computer_use import ComputerUseTask as ComputerUseTask
from aragora_sql.stores.connectors import Connector as Connector
from aragora_sql.stores.connectors import ConnectorStore as ConnectorStore
from aragora_sql.stores.connectors import SyncJob as SyncJob
from aragora_sql.stores.consensus import ConsensusMemory as ConsensusMemory
from aragora_sql.stores.consensus import ConsensusRecord as ConsensusRecord
from aragora_sql.stores.consensus import ConsensusStrength as ConsensusStrength
from aragora_sql.stores.consensus import DissentRecord as DissentRecord
from aragora_sql.stores.consensus import DissentRetriever as DissentRetriever
from aragora_sql.stores.consensus import DissentType as DissentType
from aragora_sql.stores.consensus import ProofStatus as ProofStatus
from aragora_sql.stores.continuum import ContinuumEntry as ContinuumEntry
from aragora_sql.stores.continuum import ContinuumMemory as ContinuumMemory
from aragora_sql.stores.continuum import ContinuumParameters as ContinuumParameters
from aragora_sql.stores.continuum import MemoryTier as MemoryTier
from aragora_sql.stores.critique import AgentReputation as AgentReputation
from aragora_sql.stores.critique import Critique as Critique
from aragora_sql.stores.critique import CritiqueStore as CritiqueStore
from aragora_sql.stores.critique import Debate as Debate
from aragora_sql.stores.critique import Pattern as Pattern
from aragora_sql.stores.cycles import Cycle as Cycle
from aragora_sql.stores.cycles import CycleStore as CycleStore
from aragora_sql.stores.debate_archive import ArchivedDebate as ArchivedDebate
from aragora_sql.stores.debate_archive import DebateArchive as DebateArchive
from aragora_sql.stores.debate_archive import DebateSummary as DebateSummary
from aragora_sql.stores.debate_origins import DebateOrigin as DebateOrigin
from aragora_sql.stores.debate_origins import DebateOriginStore as DebateOriginStore
from aragora_sql.stores.decisions import DecisionResult as DecisionResult
from aragora_sql.stores.decisions import DecisionStatus as DecisionStatus
from aragora_sql.stores.decisions import DecisionStore as DecisionStore
from aragora_sql.stores.decisions import DecisionVersion as DecisionVersion
from aragora_sql.stores.decisions import DossierEntry as DossierEntry
from aragora_sql.stores.decisions import FoundDecision as FoundDecision
from aragora_sql.stores.elo import AgentRating as AgentRating
from aragora_sql.stores.elo import EloSystem as EloSystem
from aragora_sql.stores.elo import Match as Match
from aragora_sql.stores.elo import Relationship as Relationship
from aragora_sql.stores.elo.hooks import EventEmitter, KnowledgeStore
from aragora_sql.stores.facts import Fact as Fact
from aragora_sql.stores.facts import FactRelation as FactRelation
from aragora_sql.stores.facts import FactStore as FactStore
from aragora_sql.stores.federation import AppliedMessage as AppliedMessage
from aragora_sql.stores.federation import FederatedRecord as FederatedRecord
from aragora_sql.stores.federation import FederatedRegion as FederatedRegion
from aragora_sql.stores.federation import FederationStore as FederationStore
from aragora_sql.stores.federation import OutgoingMessage as OutgoingMessage
from aragora_sql.stores.federation import SyncState as SyncState
from aragora_sql.stores.gauntlet import GauntletCase as GauntletCase
from aragora_sql.stores.gauntlet import GauntletResult as GauntletResult
from aragora_sql.stores.gauntlet import GauntletResultStore as GauntletResultStore
from aragora_sql.stores.gauntlet import GauntletStore as GauntletStore
from aragora_sql.stores.gauntlet import GauntletSummary as GauntletSummary
from aragora_sql.stores.gauntlet import InflightGauntlet as InflightGauntlet
from aragora_sql.stores.gmail import GmailState as GmailState
from aragora_sql.stores.gmail import GmailSyncJob as GmailSyncJob
from aragora_sql.stores.gmail import GmailTokenStore as GmailTokenStore
from aragora_sql.stores.gmail import RefreshedTokens as RefreshedTokens
from aragora_sql.stores.governance import Approval as Approval
from aragora_sql.stores.governance import ApprovalRequestStore as ApprovalRequestStore
from aragora_sql.stores.governance import DecisionRecord as DecisionRecord
from aragora_sql.stores.governance import GovernanceStore as GovernanceStore
from aragora_sql.stores.governance import RollbackPoint as RollbackPoint
from aragora_sql.stores.governance import Verification as Verification
from aragora_sql.stores.inbox_activities import InboxActivity as InboxActivity
from aragora_sql.stores.inbox_activities import InboxActivityStore as InboxActivityStore
from aragora_sql.stores.insights import AgentInsightStats as AgentInsightStats
from aragora_sql.stores.insights import Insight as Insight
from aragora_sql.stores.insights import InsightPattern as InsightPattern
from aragora_sql.stores.insights import InsightStore as InsightStore
from aragora_sql.stores.insights import Wisdom as Wisdom
from aragora_sql.stores.integrations import IntegrationConfig as IntegrationConfig
from aragora_sql.stores.integrations import IntegrationStore as IntegrationStore
from aragora_sql.stores.integrations import UserIdMapping as UserIdMapping
from aragora_sql.stores.jobs import Job as Job
from aragora_sql.stores.jobs import JobOutcome as JobOutcome
from aragora_sql.stores.jobs import JobQueueStore as JobQueueStore
from aragora_sql.stores.jobs import JobSchedule as JobSchedule
from aragora_sql.stores.jobs import JobStatus as JobStatus
from aragora_sql.stores.jobs import JobWorker as JobWorker
from aragora_sql.stores.jobs import PermanentJobError as PermanentJobError
from aragora_sql.stores.jobs import PostponeJobError as PostponeJobError
from aragora_sql.stores.jobs import RetryJobError as RetryJobError
from aragora_sql.stores.jobs import RetryPolicy as RetryPolicy
from aragora_sql.stores.knowledge import AccessGrant as AccessGrant
from aragora_sql.stores.knowledge import KnowledgeMound as KnowledgeMound
from aragora_sql.stores.knowledge import KnowledgeNode as KnowledgeNode
from aragora_sql.stores.knowledge import KnowledgeRelationship as KnowledgeRelationship
from aragora_sql.stores.langgraph import DeletedThreads as DeletedThreads
from aragora_sql.stores.langgraph import LangGraphSaver as LangGraphSaver
from aragora_sql.stores.langgraph_items import LangGraphStore as LangGraphStore
from aragora_sql.stores.marketplace import MarketplaceStore as MarketplaceStore
from aragora_sql.stores.marketplace import RankedTemplate as RankedTemplate
from aragora_sql.stores.marketplace import Review as Review
from aragora_sql.stores.marketplace import Template as Template
from aragora_sql.stores.marketplace import TemplateVersion as TemplateVersion
from aragora_sql.stores.notifications import ChannelSubscription as ChannelSubscription
from aragora_sql.stores.notifications import Digest as Digest
from aragora_sql.stores.notifications import EmailConfig as EmailConfig
from aragora_sql.stores.notifications import EmailRecipient as EmailRecipient
from aragora_sql.stores.notifications import Notification as Notification
from aragora_sql.stores.notifications import NotificationStore as NotificationStore
from aragora_sql.stores.notifications import TelegramConfig as TelegramConfig
from aragora_sql.stores.receipts import ReceiptDeletion as ReceiptDeletion
from aragora_sql.stores.receipts import ReceiptDeletionLog as ReceiptDeletionLog
from aragora_sql.stores.receipts import ReceiptSigningKeys as ReceiptSigningKeys
from aragora_sql.stores.receipts import ReceiptStore as ReceiptStore
from aragora_sql.stores.receipts import ReceiptSummary as ReceiptSummary
from aragora_sql.stores.receipts import StoredReceipt as StoredReceipt
from aragora_sql.stores.scheduled_debates import ScheduledDebate as ScheduledDebate
from aragora_sql.stores.scheduled_debates import ScheduledDebateStore as ScheduledDebateStore
from aragora_sql.stores.sessions import ImpersonationEvent as ImpersonationEvent
from aragora_sql.stores.sessions import ImpersonationSession as ImpersonationSession
from aragora_sql.stores.sessions import RevokedToken as RevokedToken
from aragora_sql.stores.sessions import SessionStore as SessionStore
from aragora_sql.stores.sessions import token_jti as token_jti
from aragora_sql.stores.sharing import ReceiptShare as ReceiptShare
from aragora_sql.stores.sharing import ReceiptShareStore as ReceiptShareStore
from aragora_sql.stores.sharing import ShareLink as ShareLink
from aragora_sql.stores.sharing import SharingStore as SharingStore
from aragora_sql.stores.unified_inbox import InboxAccount as InboxAccount
from aragora_sql.stores.unified_inbox import InboxMessage as InboxMessage
from aragora_sql.stores.unified_inbox import TriageResult as TriageResult
from aragora_sql.stores.unified_inbox import UnifiedInboxStore as UnifiedInboxStore
from aragora_sql.stores.users import Membership as Membership
from aragora_sql.stores.users import Organization as Organization
from aragora_sql.stores.users import User as User
from aragora_sql.stores.users import UserStore as UserStore
from aragora_sql.stores.webhooks import CircuitPolicy as CircuitPolicy
from aragora_sql.stores.webhooks import OutgoingDelivery as OutgoingDelivery
from aragora_sql.stores.webhooks import WebhookConfig as WebhookConfig
from aragora_sql.stores.webhooks import WebhookDelivery as WebhookDelivery
from aragora_sql.stores.webhooks import WebhookStore as WebhookStore
from aragora_sql.stores.webhooks import sign_payload as sign_payload
from aragora_sql.stores.webhooks import verify_signature as verify_signature
from aragora_sql.stores.workflow import FindingEvent as FindingEvent
from aragora_sql.stores.workflow import FindingState as FindingState
from aragora_sql.stores.workflow import FindingWorkflow as FindingWorkflow
from aragora_sql.stores.workflow import FindingWorkflowStore as FindingWorkflowStore
from aragora_sql.stores.workflow_definitions import Workflow as Workflow
from aragora_sql.stores.workflow_definitions import WorkflowExecution as WorkflowExecution
from aragora_sql.stores.workflow_definitions import WorkflowStore as WorkflowStore
from aragora_sql.stores.workflow_definitions import WorkflowTemplate as WorkflowTemplate
from aragora_sql.stores.workflow_definitions import WorkflowVersion as WorkflowVersion
from aragora_sql.stores.workflow_definitions import WorkflowVersionSummary as WorkflowVersionSummary

__version__: str

__all__ = [
    "AccessGrant",
    "AgentInsightStats",
    "AgentRating",
    "AgentReputation",
    "AppliedMessage",
    "Approval",
    "ApprovalRequestStore",
    "ArchivedDebate",
    "AuditChain",
    "AuditEntry",
    "AuditEvent",
    "AuditStatistics",
    "AuditStore",
    "AuditVerification",
    "ChannelSubscription",
    "CheckpointStore",
    "CircuitPolicy",
    "CompliancePolicy",
    "ComplianceViolation",
    "ComputerUsePolicy",
    "ComputerUseStore",
    "ComputerUseTask",
    "Connector",
    "ConnectorStore",
    "ConsensusMemory",
    "ConsensusRecord",
    "ConsensusStrength",
    "ContinuumEntry",
    "ContinuumMemory",
    "ContinuumParameters",
    "Critique",
    "CritiqueStore",
    "Cycle",
    "CycleStore",
    "DailyAnchor",
    "Database",
    "Debate",
    "DebateArchive",
    "DebateCheckpoint",
    "DebateOrigin",
    "DebateOriginStore",
    "DebateSummary",
    "DecisionRecord",
    "DecisionResult",
    "DecisionStatus",
    "DecisionStore",
    "DecisionVersion",
    "Digest",
    "DissentRecord",
    "DissentRetriever",
    "DissentType",
    "DossierEntry",
    "EloSystem",
    "EmailConfig",
    "EmailRecipient",
    "Fact",
    "FactRelation",
    "FactStore",
    "FederatedRecord",
    "FederatedRegion",
    "FederationStore",
    "FindingEvent",
    "FindingState",
    "FindingWorkflow",
    "FindingWorkflowStore",
    "FoundDecision",
    "GauntletCase",
    "GauntletResult",
    "GauntletResultStore",
    "GauntletStore",
    "GauntletSummary",
    "GmailState",
    "GmailSyncJob",
    "GmailTokenStore",
    "GovernanceStore",
    "Health",
    "ImpersonationEvent",
    "ImpersonationSession",
    "InboxAccount",
    "InboxActivity",
    "InboxActivityStore",
    "InboxMessage",
    "InclusionProof",
    "InflightGauntlet",
    "Insight",
    "InsightPattern",
    "InsightStore",
    "IntegrationConfig",
    "IntegrationStore",
    "Job",
    "JobOutcome",
    "JobQueueStore",
    "JobSchedule",
    "JobStatus",
    "JobWorker",
    "Keyring",
    "KnowledgeMound",
    "KnowledgeNode",
    "KnowledgeRelationship",
    "MarketplaceStore",
    "Match",
    "Membership",
    "MemoryTier",
    "Notification",
    "NotificationStore",
    "Organization",
    "OutgoingDelivery",
    "OutgoingMessage",
    "Pattern",
    "PermanentJobError",
    "PolicyChange",
    "PolicyStore",
    "PoolMetrics",
    "PostgresAuditStore",
    "PostgresCheckpointStore",
    "PostgresComputerUseStore",
    "PostgresConnectorStore",
    "PostgresConsensusMemory",
    "PostgresContinuumMemory",
    "PostgresCritiqueStore",
    "PostgresCycleStore",
    "PostgresDSN",
    "PostgresDatabase",
    "PostgresDebateArchive",
    "PostgresDebateOriginStore",
    "PostgresDecisionStore",
    "PostgresEloDatabase",
    "PostgresFactStore",
    "PostgresFederationStore",
    "PostgresFindingWorkflowStore",
    "PostgresGauntletStore",
    "PostgresGmailTokenStore",
    "PostgresGovernanceStore",
    "PostgresInboxActivityStore",
    "PostgresInsightStore",
    "PostgresIntegrationStore",
    "PostgresJobQueueStore",
    "PostgresKnowledgeMound",
    "PostgresMarketplaceStore",
    "PostgresNotificationStore",
    "PostgresPolicyStore",
    "PostgresReceiptStore",
    "PostgresScheduledDebateStore",
    "PostgresSessionStore",
    "PostgresSharingStore",
    "PostgresUnifiedInboxStore",
    "PostgresUserStore",
    "PostgresWebhookStore",
    "PostgresWorkflowStore",
    "PostponeJobError",
    "ProofStatus",
    "RankedTemplate",
    "ReceiptDeletion",
    "ReceiptDeletionLog",
    "ReceiptShare",
    "ReceiptShareStore",
    "ReceiptSigningKeys",
    "ReceiptStore",
    "ReceiptSummary",
    "RefreshedTokens",
    "Relationship",
    "Retries",
    "RetryJobError",
    "RetryPolicy",
    "Review",
    "RevokedToken",
    "RollbackPoint",
    "SQLiteAuditStore",
    "SQLiteCheckpointStore",
    "SQLiteComputerUseStore",
    "SQLiteConnectorStore",
    "SQLiteConsensusMemory",
    "SQLiteContinuumMemory",
    "SQLiteCritiqueStore",
    "SQLiteCycleStore",
    "SQLiteDatabase",
    "SQLiteDebateArchive",
    "SQLiteDebateOriginStore",
    "SQLiteDecisionStore",
    "SQLiteEloDatabase",
    "SQLiteFactStore",
    "SQLiteFederationStore",
    "SQLiteFindingWorkflowStore",
    "SQLiteGauntletStore",
    "SQLiteGmailTokenStore",
    "SQLiteGovernanceStore",
    "SQLiteInboxActivityStore",
    "SQLiteInsightStore",
    "SQLiteIntegrationStore",
    "SQLiteJobQueueStore",
    "SQLiteKnowledgeMound",
    "SQLiteMarketplaceStore",
    "SQLiteNotificationStore",
    "SQLitePolicyStore",
    "SQLiteReceiptStore",
    "SQLiteScheduledDebateStore",
    "SQLiteSessionStore",
    "SQLiteSharingStore",
    "SQLiteUnifiedInboxStore",
    "SQLiteUserStore",
    "SQLiteWebhookStore",
    "SQLiteWorkflowStore",
    "ScheduledDebate",
    "ScheduledDebateStore",
    "SessionStore",
    "Settings",
    "ShareLink",
    "SharingStore",
    "SigningKeys",
    "StoredReceipt",
    "SyncJob",
    "SyncState",
    "TelegramConfig",
    "Template",
    "TemplateVersion",
    "TriageResult",
    "UnifiedInboxStore",
    "User",
    "UserIdMapping",
    "UserStore",
    "Verification",
    "WebhookConfig",
    "WebhookDelivery",
    "WebhookStore",
    "Wisdom",
    "Workflow",
    "WorkflowCheckpoint",
    "WorkflowExecution",
    "WorkflowStore",
    "WorkflowTemplate",
    "WorkflowVersion",
    "WorkflowVersionSummary",
    "apply_schema",
    "close_databases",
    "close_postgres_pool",
    "close_sqlite_databases",
    "get_audit_store",
    "get_checkpoint_store",
    "get_computer_use_store",
    "get_connector_store",
    "get_consensus_memory",
    "get_continuum_memory",
    "get_critique_store",
    "get_cycle_store",
    "get_debate_archive",
    "get_debate_origin_store",
    "get_decision_store",
    "get_elo_system",
    "get_fact_store",
    "get_federation_store",
    "get_finding_workflow_store",
    "get_gauntlet_store",
    "get_gmail_token_store",
    "get_governance_store",
    "get_inbox_activity_store",
    "get_insight_store",
    "get_integration_store",
    "get_job_queue_store",
    "get_knowledge_mound",
    "get_marketplace_store",
    "get_notification_store",
    "get_policy_store",
    "get_postgres_audit_store",
    "get_postgres_checkpoint_store",
    "get_postgres_computer_use_store",
    "get_postgres_connector_store",
    "get_postgres_consensus_memory",
    "get_postgres_continuum_memory",
    "get_postgres_critique_store",
    "get_postgres_cycle_store",
    "get_postgres_debate_archive",
    "get_postgres_debate_origin_store",
    "get_postgres_decision_store",
    "get_postgres_elo_database",
    "get_postgres_fact_store",
    "get_postgres_federation_store",
    "get_postgres_finding_workflow_store",
    "get_postgres_gauntlet_store",
    "get_postgres_gmail_token_store",
    "get_postgres_governance_store",
    "get_postgres_inbox_activity_store",
    "get_postgres_insight_store",
    "get_postgres_integration_store",
    "get_postgres_job_queue_store",
    "get_postgres_knowledge_mound",
    "get_postgres_marketplace_store",
    "get_postgres_notification_store",
    "get_postgres_policy_store",
    "get_postgres_pool",
    "get_postgres_receipt_store",
    "get_postgres_scheduled_debate_store",
    "get_postgres_session_store",
    "get_postgres_sharing_store",
    "get_postgres_unified_inbox_store",
    "get_postgres_user_store",
    "get_postgres_webhook_store",
    "get_postgres_workflow_store",
    "get_receipt_store",
    "get_scheduled_debate_store",
    "get_session_store",
    "get_sharing_store",
    "get_sqlite_audit_store",
    "get_sqlite_checkpoint_store",
    "get_sqlite_computer_use_store",
    "get_sqlite_connector_store",
    "get_sqlite_consensus_memory",
    "get_sqlite_continuum_memory",
    "get_sqlite_critique_store",
    "get_sqlite_cycle_store",
    "get_sqlite_database",
    "get_sqlite_debate_archive",
    "get_sqlite_debate_origin_store",
    "get_sqlite_decision_store",
    "get_sqlite_elo_database",
    "get_sqlite_fact_store",
    "get_sqlite_federation_store",
    "get_sqlite_finding_workflow_store",
    "get_sqlite_gauntlet_store",
    "get_sqlite_gmail_token_store",
    "get_sqlite_governance_store",
    "get_sqlite_inbox_activity_store",
    "get_sqlite_insight_store",
    "get_sqlite_integration_store",
    "get_sqlite_job_queue_store",
    "get_sqlite_knowledge_mound",
    "get_sqlite_marketplace_store",
    "get_sqlite_notification_store",
    "get_sqlite_policy_store",
    "get_sqlite_receipt_store",
    "get_sqlite_scheduled_debate_store",
    "get_sqlite_session_store",
    "get_sqlite_sharing_store",
    "get_sqlite_unified_inbox_store",
    "get_sqlite_user_store",
    "get_sqlite_webhook_store",
    "get_sqlite_workflow_store",
    "get_unified_inbox_store",
    "get_user_store",
    "get_webhook_store",
    "get_workflow_store",
    "load_queries",
    "render_schema",
    "sign_payload",
    "token_jti",
    "verify_proof",
    "verify_schema",
    "verify_signature",
]

class PostgresConsensusMemory(ConsensusMemory):
    """``ConsensusMemory`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteConsensusMemory(ConsensusMemory):
    """``ConsensusMemory`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_consensus_memory() -> ConsensusMemory:
    """Return an initialized ``ConsensusMemory`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresConsensusMemory``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_consensus_memory(dsn: str | None = None) -> PostgresConsensusMemory:
    """Return an initialized ``ConsensusMemory`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_consensus_memory(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteConsensusMemory:
    """Return an initialized ``ConsensusMemory`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresCritiqueStore(CritiqueStore):
    """``CritiqueStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteCritiqueStore(CritiqueStore):
    """``CritiqueStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_critique_store() -> CritiqueStore:
    """Return an initialized ``CritiqueStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresCritiqueStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_critique_store(dsn: str | None = None) -> PostgresCritiqueStore:
    """Return an initialized ``CritiqueStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_critique_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteCritiqueStore:
    """Return an initialized ``CritiqueStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresJobQueueStore(JobQueueStore):
    """``JobQueueStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        job_types: Collection[str] | None = None,
        max_payload_bytes: int = ...,
        retry_policy: RetryPolicy | None = None,
        notify: bool = True,
        durable_claims: bool = True,
    ) -> None: ...

class SQLiteJobQueueStore(JobQueueStore):
    """``JobQueueStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        job_types: Collection[str] | None = None,
        max_payload_bytes: int = ...,
        retry_policy: RetryPolicy | None = None,
        notify: bool = True,
        durable_claims: bool = True,
    ) -> None: ...

async def get_job_queue_store() -> JobQueueStore:
    """Return an initialized ``JobQueueStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresJobQueueStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_job_queue_store(dsn: str | None = None) -> PostgresJobQueueStore:
    """Return an initialized ``JobQueueStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_job_queue_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteJobQueueStore:
    """Return an initialized ``JobQueueStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresFindingWorkflowStore(FindingWorkflowStore):
    """``FindingWorkflowStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteFindingWorkflowStore(FindingWorkflowStore):
    """``FindingWorkflowStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_finding_workflow_store() -> FindingWorkflowStore:
    """Return an initialized ``FindingWorkflowStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresFindingWorkflowStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_finding_workflow_store(
    dsn: str | None = None,
) -> PostgresFindingWorkflowStore:
    """Return an initialized ``FindingWorkflowStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_finding_workflow_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteFindingWorkflowStore:
    """Return an initialized ``FindingWorkflowStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresIntegrationStore(IntegrationStore):
    """``IntegrationStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        keyring: Keyring | None = None,
        extra_types: Iterable[str] = (),
    ) -> None: ...

class SQLiteIntegrationStore(IntegrationStore):
    """``IntegrationStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
        extra_types: Iterable[str] = (),
    ) -> None: ...

async def get_integration_store() -> IntegrationStore:
    """Return an initialized ``IntegrationStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresIntegrationStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_integration_store(dsn: str | None = None) -> PostgresIntegrationStore:
    """Return an initialized ``IntegrationStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_integration_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteIntegrationStore:
    """Return an initialized ``IntegrationStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresCheckpointStore(CheckpointStore):
    """``CheckpointStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteCheckpointStore(CheckpointStore):
    """``CheckpointStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_checkpoint_store() -> CheckpointStore:
    """Return an initialized ``CheckpointStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresCheckpointStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_checkpoint_store(dsn: str | None = None) -> PostgresCheckpointStore:
    """Return an initialized ``CheckpointStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_checkpoint_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteCheckpointStore:
    """Return an initialized ``CheckpointStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresContinuumMemory(ContinuumMemory):
    """``ContinuumMemory`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        parameters: ContinuumParameters | None = None,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None: ...

class SQLiteContinuumMemory(ContinuumMemory):
    """``ContinuumMemory`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        parameters: ContinuumParameters | None = None,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None: ...

async def get_continuum_memory() -> ContinuumMemory:
    """Return an initialized ``ContinuumMemory`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresContinuumMemory``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_continuum_memory(dsn: str | None = None) -> PostgresContinuumMemory:
    """Return an initialized ``ContinuumMemory`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_continuum_memory(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteContinuumMemory:
    """Return an initialized ``ContinuumMemory`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresLangGraphSaver(LangGraphSaver):
    """``LangGraphSaver`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Iterable[tuple[str, str] | type] | None = None,
        page_size: int = ...,
    ) -> None: ...

class SQLiteLangGraphSaver(LangGraphSaver):
    """``LangGraphSaver`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Iterable[tuple[str, str] | type] | None = None,
        page_size: int = ...,
    ) -> None: ...

async def get_langgraph_saver() -> LangGraphSaver:
    """Return an initialized ``LangGraphSaver`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresLangGraphSaver``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_langgraph_saver(dsn: str | None = None) -> PostgresLangGraphSaver:
    """Return an initialized ``LangGraphSaver`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_langgraph_saver(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteLangGraphSaver:
    """Return an initialized ``LangGraphSaver`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresLangGraphStore(LangGraphStore):
    """``LangGraphStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
    ) -> None: ...

class SQLiteLangGraphStore(LangGraphStore):
    """``LangGraphStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
    ) -> None: ...

async def get_langgraph_store() -> LangGraphStore:
    """Return an initialized ``LangGraphStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresLangGraphStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_langgraph_store(dsn: str | None = None) -> PostgresLangGraphStore:
    """Return an initialized ``LangGraphStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_langgraph_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteLangGraphStore:
    """Return an initialized ``LangGraphStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresEloDatabase(EloSystem):
    """``EloSystem`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        k_factor: float = ...,
        initial_rating: float = ...,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None: ...

class SQLiteEloDatabase(EloSystem):
    """``EloSystem`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        k_factor: float = ...,
        initial_rating: float = ...,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None: ...

async def get_elo_system() -> EloSystem:
    """Return an initialized ``EloSystem`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresEloDatabase``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_elo_database(dsn: str | None = None) -> PostgresEloDatabase:
    """Return an initialized ``EloSystem`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_elo_database(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteEloDatabase:
    """Return an initialized ``EloSystem`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresGovernanceStore(GovernanceStore):
    """``GovernanceStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteGovernanceStore(GovernanceStore):
    """``GovernanceStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_governance_store() -> GovernanceStore:
    """Return an initialized ``GovernanceStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresGovernanceStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_governance_store(dsn: str | None = None) -> PostgresGovernanceStore:
    """Return an initialized ``GovernanceStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_governance_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteGovernanceStore:
    """Return an initialized ``GovernanceStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresUserStore(UserStore):
    """``UserStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase, keyring: Keyring | None = None) -> None: ...

class SQLiteUserStore(UserStore):
    """``UserStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
    ) -> None: ...

async def get_user_store() -> UserStore:
    """Return an initialized ``UserStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresUserStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_user_store(dsn: str | None = None) -> PostgresUserStore:
    """Return an initialized ``UserStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_user_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteUserStore:
    """Return an initialized ``UserStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresAuditStore(AuditStore):
    """``AuditStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        signing_keys: SigningKeys | None = None,
    ) -> None: ...

class SQLiteAuditStore(AuditStore):
    """``AuditStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        signing_keys: SigningKeys | None = None,
    ) -> None: ...

async def get_audit_store() -> AuditStore:
    """Return an initialized ``AuditStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresAuditStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_audit_store(dsn: str | None = None) -> PostgresAuditStore:
    """Return an initialized ``AuditStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_audit_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteAuditStore:
    """Return an initialized ``AuditStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresSessionStore(SessionStore):
    """``SessionStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteSessionStore(SessionStore):
    """``SessionStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_session_store() -> SessionStore:
    """Return an initialized ``SessionStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresSessionStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_session_store(dsn: str | None = None) -> PostgresSessionStore:
    """Return an initialized ``SessionStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_session_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteSessionStore:
    """Return an initialized ``SessionStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresMarketplaceStore(MarketplaceStore):
    """``MarketplaceStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteMarketplaceStore(MarketplaceStore):
    """``MarketplaceStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_marketplace_store() -> MarketplaceStore:
    """Return an initialized ``MarketplaceStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresMarketplaceStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_marketplace_store(dsn: str | None = None) -> PostgresMarketplaceStore:
    """Return an initialized ``MarketplaceStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_marketplace_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteMarketplaceStore:
    """Return an initialized ``MarketplaceStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresFederationStore(FederationStore):
    """``FederationStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        keyring: Keyring | None = None,
        region_id: str | None = None,
    ) -> None: ...

class SQLiteFederationStore(FederationStore):
    """``FederationStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
        region_id: str | None = None,
    ) -> None: ...

async def get_federation_store() -> FederationStore:
    """Return an initialized ``FederationStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresFederationStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_federation_store(dsn: str | None = None) -> PostgresFederationStore:
    """Return an initialized ``FederationStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_federation_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteFederationStore:
    """Return an initialized ``FederationStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresGmailTokenStore(GmailTokenStore):
    """``GmailTokenStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase, keyring: Keyring | None = None) -> None: ...

class SQLiteGmailTokenStore(GmailTokenStore):
    """``GmailTokenStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
    ) -> None: ...

async def get_gmail_token_store() -> GmailTokenStore:
    """Return an initialized ``GmailTokenStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresGmailTokenStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_gmail_token_store(dsn: str | None = None) -> PostgresGmailTokenStore:
    """Return an initialized ``GmailTokenStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_gmail_token_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteGmailTokenStore:
    """Return an initialized ``GmailTokenStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresNotificationStore(NotificationStore):
    """``NotificationStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase, keyring: Keyring | None = None) -> None: ...

class SQLiteNotificationStore(NotificationStore):
    """``NotificationStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
    ) -> None: ...

async def get_notification_store() -> NotificationStore:
    """Return an initialized ``NotificationStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresNotificationStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_notification_store(dsn: str | None = None) -> PostgresNotificationStore:
    """Return an initialized ``NotificationStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_notification_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteNotificationStore:
    """Return an initialized ``NotificationStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresWebhookStore(WebhookStore):
    """``WebhookStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        keyring: Keyring | None = None,
        *,
        circuit: CircuitPolicy | None = None,
        retry_policy: RetryPolicy | None = None,
        extra_events: Iterable[str] = (),
        event_ttl_seconds: float = ...,
    ) -> None: ...

class SQLiteWebhookStore(WebhookStore):
    """``WebhookStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
        *,
        circuit: CircuitPolicy | None = None,
        retry_policy: RetryPolicy | None = None,
        extra_events: Iterable[str] = (),
        event_ttl_seconds: float = ...,
    ) -> None: ...

async def get_webhook_store() -> WebhookStore:
    """Return an initialized ``WebhookStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresWebhookStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_webhook_store(dsn: str | None = None) -> PostgresWebhookStore:
    """Return an initialized ``WebhookStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_webhook_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteWebhookStore:
    """Return an initialized ``WebhookStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresSharingStore(SharingStore):
    """``SharingStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteSharingStore(SharingStore):
    """``SharingStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_sharing_store() -> SharingStore:
    """Return an initialized ``SharingStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresSharingStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_sharing_store(dsn: str | None = None) -> PostgresSharingStore:
    """Return an initialized ``SharingStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_sharing_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteSharingStore:
    """Return an initialized ``SharingStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresDecisionStore(DecisionStore):
    """``DecisionStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        retention_days: float | None = None,
        max_entries: int | None = None,
    ) -> None: ...

class SQLiteDecisionStore(DecisionStore):
    """``DecisionStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        retention_days: float | None = None,
        max_entries: int | None = None,
    ) -> None: ...

async def get_decision_store() -> DecisionStore:
    """Return an initialized ``DecisionStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresDecisionStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_decision_store(dsn: str | None = None) -> PostgresDecisionStore:
    """Return an initialized ``DecisionStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_decision_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteDecisionStore:
    """Return an initialized ``DecisionStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresWorkflowStore(WorkflowStore):
    """``WorkflowStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteWorkflowStore(WorkflowStore):
    """``WorkflowStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_workflow_store() -> WorkflowStore:
    """Return an initialized ``WorkflowStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresWorkflowStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_workflow_store(dsn: str | None = None) -> PostgresWorkflowStore:
    """Return an initialized ``WorkflowStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_workflow_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteWorkflowStore:
    """Return an initialized ``WorkflowStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresUnifiedInboxStore(UnifiedInboxStore):
    """``UnifiedInboxStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteUnifiedInboxStore(UnifiedInboxStore):
    """``UnifiedInboxStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_unified_inbox_store() -> UnifiedInboxStore:
    """Return an initialized ``UnifiedInboxStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresUnifiedInboxStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_unified_inbox_store(dsn: str | None = None) -> PostgresUnifiedInboxStore:
    """Return an initialized ``UnifiedInboxStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_unified_inbox_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteUnifiedInboxStore:
    """Return an initialized ``UnifiedInboxStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresConnectorStore(ConnectorStore):
    """``ConnectorStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase, keyring: Keyring | None = None) -> None: ...

class SQLiteConnectorStore(ConnectorStore):
    """``ConnectorStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        keyring: Keyring | None = None,
    ) -> None: ...

async def get_connector_store() -> ConnectorStore:
    """Return an initialized ``ConnectorStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresConnectorStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_connector_store(dsn: str | None = None) -> PostgresConnectorStore:
    """Return an initialized ``ConnectorStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_connector_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteConnectorStore:
    """Return an initialized ``ConnectorStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresScheduledDebateStore(ScheduledDebateStore):
    """``ScheduledDebateStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteScheduledDebateStore(ScheduledDebateStore):
    """``ScheduledDebateStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_scheduled_debate_store() -> ScheduledDebateStore:
    """Return an initialized ``ScheduledDebateStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresScheduledDebateStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_scheduled_debate_store(
    dsn: str | None = None,
) -> PostgresScheduledDebateStore:
    """Return an initialized ``ScheduledDebateStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_scheduled_debate_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteScheduledDebateStore:
    """Return an initialized ``ScheduledDebateStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresComputerUseStore(ComputerUseStore):
    """``ComputerUseStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteComputerUseStore(ComputerUseStore):
    """``ComputerUseStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_computer_use_store() -> ComputerUseStore:
    """Return an initialized ``ComputerUseStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresComputerUseStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_computer_use_store(dsn: str | None = None) -> PostgresComputerUseStore:
    """Return an initialized ``ComputerUseStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_computer_use_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteComputerUseStore:
    """Return an initialized ``ComputerUseStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresGauntletStore(GauntletStore):
    """``GauntletStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteGauntletStore(GauntletStore):
    """``GauntletStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_gauntlet_store() -> GauntletStore:
    """Return an initialized ``GauntletStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresGauntletStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_gauntlet_store(dsn: str | None = None) -> PostgresGauntletStore:
    """Return an initialized ``GauntletStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_gauntlet_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteGauntletStore:
    """Return an initialized ``GauntletStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresDebateArchive(DebateArchive):
    """``DebateArchive`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteDebateArchive(DebateArchive):
    """``DebateArchive`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_debate_archive() -> DebateArchive:
    """Return an initialized ``DebateArchive`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresDebateArchive``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_debate_archive(dsn: str | None = None) -> PostgresDebateArchive:
    """Return an initialized ``DebateArchive`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_debate_archive(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteDebateArchive:
    """Return an initialized ``DebateArchive`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresDebateOriginStore(DebateOriginStore):
    """``DebateOriginStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        ttl_seconds: float | None = None,
    ) -> None: ...

class SQLiteDebateOriginStore(DebateOriginStore):
    """``DebateOriginStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        ttl_seconds: float | None = None,
    ) -> None: ...

async def get_debate_origin_store() -> DebateOriginStore:
    """Return an initialized ``DebateOriginStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresDebateOriginStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_debate_origin_store(dsn: str | None = None) -> PostgresDebateOriginStore:
    """Return an initialized ``DebateOriginStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_debate_origin_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteDebateOriginStore:
    """Return an initialized ``DebateOriginStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresReceiptStore(ReceiptStore):
    """``ReceiptStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        retention_days: float | None = None,
        signing_keys: ReceiptSigningKeys | None = None,
    ) -> None: ...

class SQLiteReceiptStore(ReceiptStore):
    """``ReceiptStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        retention_days: float | None = None,
        signing_keys: ReceiptSigningKeys | None = None,
    ) -> None: ...

async def get_receipt_store() -> ReceiptStore:
    """Return an initialized ``ReceiptStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresReceiptStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_receipt_store(dsn: str | None = None) -> PostgresReceiptStore:
    """Return an initialized ``ReceiptStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_receipt_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteReceiptStore:
    """Return an initialized ``ReceiptStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresInsightStore(InsightStore):
    """``InsightStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteInsightStore(InsightStore):
    """``InsightStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_insight_store() -> InsightStore:
    """Return an initialized ``InsightStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresInsightStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_insight_store(dsn: str | None = None) -> PostgresInsightStore:
    """Return an initialized ``InsightStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_insight_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteInsightStore:
    """Return an initialized ``InsightStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresKnowledgeMound(KnowledgeMound):
    """``KnowledgeMound`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteKnowledgeMound(KnowledgeMound):
    """``KnowledgeMound`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_knowledge_mound() -> KnowledgeMound:
    """Return an initialized ``KnowledgeMound`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresKnowledgeMound``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_knowledge_mound(dsn: str | None = None) -> PostgresKnowledgeMound:
    """Return an initialized ``KnowledgeMound`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_knowledge_mound(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteKnowledgeMound:
    """Return an initialized ``KnowledgeMound`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresPolicyStore(PolicyStore):
    """``PolicyStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLitePolicyStore(PolicyStore):
    """``PolicyStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_policy_store() -> PolicyStore:
    """Return an initialized ``PolicyStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresPolicyStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_policy_store(dsn: str | None = None) -> PostgresPolicyStore:
    """Return an initialized ``PolicyStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_policy_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLitePolicyStore:
    """Return an initialized ``PolicyStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresCycleStore(CycleStore):
    """``CycleStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteCycleStore(CycleStore):
    """``CycleStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_cycle_store() -> CycleStore:
    """Return an initialized ``CycleStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresCycleStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_cycle_store(dsn: str | None = None) -> PostgresCycleStore:
    """Return an initialized ``CycleStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_cycle_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteCycleStore:
    """Return an initialized ``CycleStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresInboxActivityStore(InboxActivityStore):
    """``InboxActivityStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(
        self,
        pool: Pool | PostgresDatabase,
        *,
        retention_days: float | None = None,
    ) -> None: ...

class SQLiteInboxActivityStore(InboxActivityStore):
    """``InboxActivityStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(
        self,
        path: str | Path | SQLiteDatabase,
        *,
        retention_days: float | None = None,
    ) -> None: ...

async def get_inbox_activity_store() -> InboxActivityStore:
    """Return an initialized ``InboxActivityStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresInboxActivityStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_inbox_activity_store(
    dsn: str | None = None,
) -> PostgresInboxActivityStore:
    """Return an initialized ``InboxActivityStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_inbox_activity_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteInboxActivityStore:
    """Return an initialized ``InboxActivityStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """

class PostgresFactStore(FactStore):
    """``FactStore`` on PostgreSQL.

    ``pool`` is an asyncpg pool or a ``PostgresDatabase``.
    """

    def __init__(self, pool: Pool | PostgresDatabase) -> None: ...

class SQLiteFactStore(FactStore):
    """``FactStore`` on SQLite.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``.
    """

    def __init__(self, path: str | Path | SQLiteDatabase) -> None: ...

async def get_fact_store() -> FactStore:
    """Return an initialized ``FactStore`` on the engine that the environment names.

    Logs which one it is, as ``Using PostgresFactStore``.
    See :mod:`aragora_sql.settings`.
    """

async def get_postgres_fact_store(dsn: str | None = None) -> PostgresFactStore:
    """Return an initialized ``FactStore`` on the process's pool.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``.
    """

async def get_sqlite_fact_store(
    path: str | Path | SQLiteDatabase | None = None,
) -> SQLiteFactStore:
    """Return an initialized ``FactStore`` on a SQLite file.

    ``path`` is a file, ``:memory:`` or a ``SQLiteDatabase``; it defaults to ``aragora.db`` in
    ``ARAGORA_DATA_DIR``.
    """
