"""The table of all stores. Exports, factory functions, commands, migration and docs follow from it.

A store is named here once; its SQL, class, tests and legacy mapping are in folders of its name.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STORES", "StoreEntry", "store_entry"]


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A store: its name everywhere, its classes and its factory functions.

    ``name`` is the folder under ``sql/postgres``, ``sql/sqlite``, ``aragora_sql/stores`` and
    ``tests/stores``. ``class_name`` is the store's class, and ``getter`` the rest of the names of
    its factory functions: ``get_{getter}()``, ``get_postgres_{bound_getter}()`` and
    ``get_sqlite_{bound_getter}()``. ``bound_name`` and ``bound_getter`` are given where the classes
    and functions of one engine are named otherwise than the store. ``keeps`` says what the store
    keeps, for README's table. ``logger`` is the name that says which store is in use. ``legacy`` is
    False for a store that the older system had no file of. ``extra`` is the extra of the
    distribution that the store needs. ``exports`` are further names of the package that
    ``aragora_sql`` exports.

    The order of the table is that of the unified schema: a store comes after those whose tables
    its foreign keys point to.
    """

    name: str
    class_name: str
    getter: str
    keeps: str
    logger: str = "aragora_sql.storage"
    legacy: bool = True
    extra: str | None = None
    exports: tuple[str, ...] = ()
    bound_name: str = ""
    bound_getter: str = ""

    @property
    def module(self) -> str:
        """The package of the store."""
        return f"aragora_sql.stores.{self.name}"

    @property
    def postgres_class(self) -> str:
        """The class that is bound to PostgreSQL."""
        return f"Postgres{self.bound_name or self.class_name}"

    @property
    def sqlite_class(self) -> str:
        """The class that is bound to SQLite."""
        return f"SQLite{self.bound_name or self.class_name}"

    @property
    def factory(self) -> str:
        """The function that gives the store on the engine that the environment names."""
        return f"get_{self.getter}"

    @property
    def postgres_factory(self) -> str:
        """The function that gives the store on PostgreSQL."""
        return f"get_postgres_{self.bound_getter or self.getter}"

    @property
    def sqlite_factory(self) -> str:
        """The function that gives the store on SQLite."""
        return f"get_sqlite_{self.bound_getter or self.getter}"

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the store that ``aragora_sql`` exports."""
        return (
            self.class_name,
            *self.exports,
            self.postgres_class,
            self.sqlite_class,
            self.factory,
            self.postgres_factory,
            self.sqlite_factory,
        )


STORES = (
    StoreEntry(
        "consensus",
        "ConsensusMemory",
        "consensus_memory",
        "consensus, dissents, proofs, votes; finds similar topics",
        exports=(
            "ConsensusRecord",
            "ConsensusStrength",
            "DissentRecord",
            "DissentRetriever",
            "DissentType",
            "ProofStatus",
        ),
    ),
    StoreEntry(
        "critique",
        "CritiqueStore",
        "critique_store",
        "debates, critiques, patterns, agent reputation",
        exports=("AgentReputation", "Critique", "Debate", "Pattern"),
    ),
    StoreEntry(
        "jobs",
        "JobQueueStore",
        "job_queue_store",
        "a job queue: leases, retries, schedules, limits; `JobWorker` works on it",
        exports=(
            "Job",
            "JobOutcome",
            "JobSchedule",
            "JobStatus",
            "JobWorker",
            "PermanentJobError",
            "PostponeJobError",
            "RetryJobError",
            "RetryPolicy",
        ),
    ),
    StoreEntry(
        "workflow",
        "FindingWorkflowStore",
        "finding_workflow_store",
        "states of findings, assignment, due dates, history",
        exports=("FindingEvent", "FindingState", "FindingWorkflow"),
    ),
    StoreEntry(
        "integrations",
        "IntegrationStore",
        "integration_store",
        "configuration with encrypted secrets, user mappings",
        exports=("IntegrationConfig", "UserIdMapping"),
    ),
    StoreEntry(
        "checkpoints",
        "CheckpointStore",
        "checkpoint_store",
        "checkpoints of workflows and debates, verified by checksum",
        logger="aragora_sql.workflow",
        exports=("DebateCheckpoint", "WorkflowCheckpoint"),
    ),
    StoreEntry(
        "continuum",
        "ContinuumMemory",
        "continuum_memory",
        "entries in four tiers that fade at different speeds; recall by score, words, vectors",
        exports=("ContinuumEntry", "ContinuumParameters", "MemoryTier"),
    ),
    StoreEntry(
        "langgraph",
        "LangGraphSaver",
        "langgraph_saver",
        "LangGraph's checkpoints (extra `langgraph`)",
        exports=("DeletedThreads",),
        logger="aragora_sql.workflow",
        legacy=False,
        extra="langgraph",
    ),
    StoreEntry(
        "langgraph_items",
        "LangGraphStore",
        "langgraph_store",
        "LangGraph's long-term memory, with vector search (extra `langgraph`)",
        legacy=False,
        extra="langgraph",
    ),
    StoreEntry(
        "elo",
        "EloSystem",
        "elo_system",
        "ratings of agents, matches, boards, calibration, relationships",
        exports=("AgentRating", "Match", "Relationship"),
        bound_name="EloDatabase",
        bound_getter="elo_database",
    ),
    StoreEntry(
        "governance",
        "GovernanceStore",
        "governance_store",
        "approvals with votes and policies, verifications, decisions, rollback points",
        exports=(
            "Approval",
            "ApprovalRequestStore",
            "DecisionRecord",
            "RollbackPoint",
            "Verification",
        ),
    ),
    StoreEntry(
        "users",
        "UserStore",
        "user_store",
        "users, organizations, memberships, invitations, sign-in, usage, password reset",
        exports=("Membership", "Organization", "User"),
    ),
    StoreEntry(
        "audit",
        "AuditStore",
        "audit_store",
        "events; chains of entries that nobody changes unnoticed, daily anchors, proofs",
        exports=(
            "AuditChain",
            "AuditEntry",
            "AuditEvent",
            "AuditStatistics",
            "AuditVerification",
            "DailyAnchor",
            "InclusionProof",
            "SigningKeys",
            "verify_proof",
        ),
    ),
    StoreEntry(
        "sessions",
        "SessionStore",
        "session_store",
        "tokens that are refused before they expire; impersonation and its audit",
        exports=("ImpersonationEvent", "ImpersonationSession", "RevokedToken", "token_jti"),
    ),
    StoreEntry(
        "marketplace",
        "MarketplaceStore",
        "marketplace_store",
        "templates of workflows: search, ranks, ratings, reviews, immutable versions",
        exports=("RankedTemplate", "Review", "Template", "TemplateVersion"),
    ),
    StoreEntry(
        "federation",
        "FederationStore",
        "federation_store",
        "regions with encrypted keys; messages with numbers, applied exactly once; shared records",
        exports=(
            "AppliedMessage",
            "FederatedRecord",
            "FederatedRegion",
            "OutgoingMessage",
            "SyncState",
        ),
    ),
    StoreEntry(
        "gmail",
        "GmailTokenStore",
        "gmail_token_store",
        "tokens of mailboxes at Gmail, encrypted and refreshed by one at a time; sync jobs",
        exports=("GmailState", "GmailSyncJob", "RefreshedTokens"),
    ),
    StoreEntry(
        "notifications",
        "NotificationStore",
        "notification_store",
        "settings of e-mail and Telegram, channels, preferences, inboxes, digests",
        exports=(
            "ChannelSubscription",
            "Digest",
            "EmailConfig",
            "EmailRecipient",
            "Notification",
            "TelegramConfig",
        ),
    ),
    StoreEntry(
        "webhooks",
        "WebhookStore",
        "webhook_store",
        "webhooks with signed deliveries and circuits; events that came in, each handled once",
        exports=(
            "CircuitPolicy",
            "OutgoingDelivery",
            "WebhookConfig",
            "WebhookDelivery",
            "sign_payload",
            "verify_signature",
        ),
    ),
    StoreEntry(
        "sharing",
        "SharingStore",
        "sharing_store",
        "links to debates and receipts: hashed tokens, expiry, limits of use, passwords",
        exports=("ReceiptShare", "ReceiptShareStore", "ShareLink"),
    ),
    StoreEntry(
        "decisions",
        "DecisionStore",
        "decision_store",
        "results of decisions with their versions; search; all that is stored of a debate",
        exports=(
            "DecisionResult",
            "DecisionStatus",
            "DecisionVersion",
            "DossierEntry",
            "FoundDecision",
        ),
    ),
    StoreEntry(
        "workflow_definitions",
        "WorkflowStore",
        "workflow_store",
        "definitions of workflows with immutable versions, a gallery of templates, executions",
        exports=(
            "Workflow",
            "WorkflowExecution",
            "WorkflowTemplate",
            "WorkflowVersion",
            "WorkflowVersionSummary",
        ),
    ),
    StoreEntry(
        "unified_inbox",
        "UnifiedInboxStore",
        "unified_inbox_store",
        "mail of several accounts in one inbox: messages by urgency, search, what agents advise",
        exports=("InboxAccount", "InboxMessage", "TriageResult"),
    ),
    StoreEntry(
        "connectors",
        "ConnectorStore",
        "connector_store",
        "connectors to other systems with encrypted settings, and their sync jobs",
        exports=("Connector", "SyncJob"),
    ),
    StoreEntry(
        "scheduled_debates",
        "ScheduledDebateStore",
        "scheduled_debate_store",
        "topics that were debated by a schedule, none twice within some hours; statistics",
        exports=("ScheduledDebate",),
    ),
    StoreEntry(
        "computer_use",
        "ComputerUseStore",
        "computer_use_store",
        "tasks of agents at a graphical user interface, and what they may do there",
        exports=("ComputerUsePolicy", "ComputerUseTask"),
    ),
    StoreEntry(
        "gauntlet",
        "GauntletStore",
        "gauntlet_store",
        "runs of gauntlets, cases, results that nobody changes unnoticed, what is in flight",
        exports=(
            "GauntletCase",
            "GauntletResult",
            "GauntletResultStore",
            "GauntletSummary",
            "InflightGauntlet",
        ),
    ),
    StoreEntry(
        "debate_archive",
        "DebateArchive",
        "debate_archive",
        "debates that have ended: whole artifacts, permalinks, audio, search",
        exports=("ArchivedDebate", "DebateSummary"),
    ),
    StoreEntry(
        "debate_origins",
        "DebateOriginStore",
        "debate_origin_store",
        "where debates came from: channels, messages, replies; each result claimed once",
        exports=("DebateOrigin",),
    ),
    StoreEntry(
        "receipts",
        "ReceiptStore",
        "receipt_store",
        "signed receipts of decisions, verified when read; legal holds, retention, deletion",
        exports=(
            "ReceiptDeletion",
            "ReceiptDeletionLog",
            "ReceiptSigningKeys",
            "ReceiptSummary",
            "StoredReceipt",
        ),
    ),
    StoreEntry(
        "insights",
        "InsightStore",
        "insight_store",
        "what was learned in debates: insights and their uses, patterns, agents, wisdom",
        exports=("AgentInsightStats", "Insight", "InsightPattern", "Wisdom"),
    ),
    StoreEntry(
        "knowledge",
        "KnowledgeMound",
        "knowledge_mound",
        "a graph of knowledge: provenance, topics, grants, archive; walks, paths, contradictions",
        exports=("AccessGrant", "KnowledgeNode", "KnowledgeRelationship"),
    ),
    StoreEntry(
        "compliance",
        "PolicyStore",
        "policy_store",
        "compliance policies of workspaces, violations, and an immutable log of changes",
        exports=("CompliancePolicy", "ComplianceViolation", "PolicyChange"),
    ),
    StoreEntry(
        "cycles",
        "CycleStore",
        "cycle_store",
        "cycles of self-improvement: topics, contributions of agents, patterns, surprises",
        exports=("Cycle",),
    ),
    StoreEntry(
        "inbox_activities",
        "InboxActivityStore",
        "inbox_activity_store",
        "what happened in shared inboxes, to messages and by users, for as long as it is kept",
        exports=("InboxActivity",),
    ),
    StoreEntry(
        "facts",
        "FactStore",
        "fact_store",
        "facts with evidence: search, relations, contradictions, what supersedes them",
        exports=("Fact", "FactRelation"),
    ),
)


def store_entry(name: str) -> StoreEntry:
    """Return the store of a name. Raises :class:`KeyError` when there is none."""
    for entry in STORES:
        if entry.name == name:
            return entry
    raise KeyError(f"{name!r} is not a store; there are {', '.join(one.name for one in STORES)}")
