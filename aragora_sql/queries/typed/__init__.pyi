"""The types of the stores' queries. Made by ``aragora-sql stubs`` from the SQL files."""

from pathlib import Path
from typing import Literal, overload

from aragora_sql.database import Dialect
from aragora_sql.queries import Queries

from .audit import AuditQueries
from .catalog import CatalogQueries
from .checkpoints import CheckpointsQueries
from .compliance import ComplianceQueries
from .computer_use import ComputerUseQueries
from .connectors import ConnectorsQueries
from .consensus import ConsensusQueries
from .continuum import ContinuumQueries
from .critique import CritiqueQueries
from .cycles import CyclesQueries
from .debate_archive import DebateArchiveQueries
from .debate_origins import DebateOriginsQueries
from .decisions import DecisionsQueries
from .doctor import DoctorQueries
from .elo import EloQueries
from .facts import FactsQueries
from .federation import FederationQueries
from .gauntlet import GauntletQueries
from .gmail import GmailQueries
from .governance import GovernanceQueries
from .inbox_activities import InboxActivitiesQueries
from .insights import InsightsQueries
from .integrations import IntegrationsQueries
from .jobs import JobsQueries
from .knowledge import KnowledgeQueries
from .langgraph import LanggraphQueries
from .langgraph_items import LanggraphItemsQueries
from .markers import MarkersQueries
from .marketplace import MarketplaceQueries
from .notifications import NotificationsQueries
from .receipts import ReceiptsQueries
from .scheduled_debates import ScheduledDebatesQueries
from .schema_versions import SchemaVersionsQueries
from .sessions import SessionsQueries
from .sharing import SharingQueries
from .transaction_keys import TransactionKeysQueries
from .unified_inbox import UnifiedInboxQueries
from .users import UsersQueries
from .webhooks import WebhooksQueries
from .workflow import WorkflowQueries
from .workflow_definitions import WorkflowDefinitionsQueries

@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["audit"], dialect: Dialect, root: Path | None = None
) -> AuditQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["catalog"], dialect: Dialect, root: Path | None = None
) -> CatalogQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["checkpoints"], dialect: Dialect, root: Path | None = None
) -> CheckpointsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["compliance"], dialect: Dialect, root: Path | None = None
) -> ComplianceQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["computer_use"], dialect: Dialect, root: Path | None = None
) -> ComputerUseQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["connectors"], dialect: Dialect, root: Path | None = None
) -> ConnectorsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["consensus"], dialect: Dialect, root: Path | None = None
) -> ConsensusQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["continuum"], dialect: Dialect, root: Path | None = None
) -> ContinuumQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["critique"], dialect: Dialect, root: Path | None = None
) -> CritiqueQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["cycles"], dialect: Dialect, root: Path | None = None
) -> CyclesQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["debate_archive"], dialect: Dialect, root: Path | None = None
) -> DebateArchiveQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["debate_origins"], dialect: Dialect, root: Path | None = None
) -> DebateOriginsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["decisions"], dialect: Dialect, root: Path | None = None
) -> DecisionsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["doctor"], dialect: Dialect, root: Path | None = None
) -> DoctorQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["elo"], dialect: Dialect, root: Path | None = None
) -> EloQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["facts"], dialect: Dialect, root: Path | None = None
) -> FactsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["federation"], dialect: Dialect, root: Path | None = None
) -> FederationQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["gauntlet"], dialect: Dialect, root: Path | None = None
) -> GauntletQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["gmail"], dialect: Dialect, root: Path | None = None
) -> GmailQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["governance"], dialect: Dialect, root: Path | None = None
) -> GovernanceQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["inbox_activities"], dialect: Dialect, root: Path | None = None
) -> InboxActivitiesQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["insights"], dialect: Dialect, root: Path | None = None
) -> InsightsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["integrations"], dialect: Dialect, root: Path | None = None
) -> IntegrationsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["jobs"], dialect: Dialect, root: Path | None = None
) -> JobsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["knowledge"], dialect: Dialect, root: Path | None = None
) -> KnowledgeQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["langgraph"], dialect: Dialect, root: Path | None = None
) -> LanggraphQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["langgraph_items"], dialect: Dialect, root: Path | None = None
) -> LanggraphItemsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["markers"], dialect: Dialect, root: Path | None = None
) -> MarkersQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["marketplace"], dialect: Dialect, root: Path | None = None
) -> MarketplaceQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["notifications"], dialect: Dialect, root: Path | None = None
) -> NotificationsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["receipts"], dialect: Dialect, root: Path | None = None
) -> ReceiptsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["scheduled_debates"], dialect: Dialect, root: Path | None = None
) -> ScheduledDebatesQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["schema_versions"], dialect: Dialect, root: Path | None = None
) -> SchemaVersionsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["sessions"], dialect: Dialect, root: Path | None = None
) -> SessionsQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["sharing"], dialect: Dialect, root: Path | None = None
) -> SharingQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["transaction_keys"], dialect: Dialect, root: Path | None = None
) -> TransactionKeysQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["unified_inbox"], dialect: Dialect, root: Path | None = None
) -> UnifiedInboxQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["users"], dialect: Dialect, root: Path | None = None
) -> UsersQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["webhooks"], dialect: Dialect, root: Path | None = None
) -> WebhooksQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["workflow"], dialect: Dialect, root: Path | None = None
) -> WorkflowQueries: ...
@overload
def load_queries(  # type: ignore[overload-overlap]
    store: Literal["workflow_definitions"], dialect: Dialect, root: Path | None = None
) -> WorkflowDefinitionsQueries: ...
@overload
def load_queries(store: str, dialect: Dialect, root: Path | None = None) -> Queries: ...
