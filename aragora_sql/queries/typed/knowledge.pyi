"""The types of the queries of the store knowledge.

Made by ``aragora-sql stubs`` from
``sql/postgres/knowledge/queries.sql`` and ``sql/sqlite/knowledge/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ActionWord = Literal[
    "archive",
    "delete",
    "demote",
    "flag",
]

GranteeTypeWord = Literal[
    "user",
    "role",
    "workspace",
    "organization",
]

RelationshipTypeWord = Literal[
    "supports",
    "contradicts",
    "derived_from",
    "related_to",
    "supersedes",
    "cites",
    "elaborates",
]

TierWord = Literal[
    "fast",
    "medium",
    "slow",
    "glacial",
]

VisibilityWord = Literal[
    "private",
    "workspace",
    "organization",
    "public",
    "system",
]

class InsertNodeParameters(TypedDict):
    """One set of parameters of insert_node."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: TierWord
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: VisibilityWord
    visibility_set_by: str | None
    is_discoverable: bool
    metadata: Any
    search_terms: str
    created_at: datetime
    updated_at: datetime

class KnowledgeNodeRow(TypedDict):
    """A row of get_nodes, query_nodes, list_recent_nodes."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: TierWord
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: VisibilityWord
    visibility_set_by: str | None
    is_discoverable: bool
    topics: Any
    metadata: Any
    created_at: datetime
    updated_at: datetime

class ListContentHashesRow(TypedDict):
    """A row of list_content_hashes."""

    content_hash: str
    id: str

class SortNodesRow(TypedDict):
    """A row of sort_nodes, query_by_provenance, lock_nodes, lock_archived, list_prunable."""

    id: str

class FoundNodeRow(TypedDict):
    """A row of search_nodes."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: TierWord
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: VisibilityWord
    visibility_set_by: str | None
    is_discoverable: bool
    topics: Any
    metadata: Any
    created_at: datetime
    updated_at: datetime
    matched: int

class PutVectorParameters(TypedDict):
    """One set of parameters of put_vector."""

    node_id: str
    dims: int
    vector: Any
    updated_at: datetime

class ListNodeVectorsRow(TypedDict):
    """A row of list_node_vectors."""

    node_id: str
    vector: Any

class RankVectorsRow(TypedDict):
    """A row of rank_vectors."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: TierWord
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: VisibilityWord
    visibility_set_by: str | None
    is_discoverable: bool
    topics: Any
    metadata: Any
    created_at: datetime
    updated_at: datetime
    similarity: float

class CountGroupsRow(TypedDict):
    """A row of count_groups."""

    node_type: str
    tier: TierWord
    validation_status: str
    total: int
    stale: int
    confidence: float

class CountRelationshipsRow(TypedDict):
    """A row of count_relationships."""

    relationship_type: RelationshipTypeWord
    total: int

class InsertProvenanceParameters(TypedDict):
    """One set of parameters of insert_provenance."""

    id: str
    node_id: str
    source_type: str
    source_id: str
    agent_id: str | None
    debate_id: str | None
    document_id: str | None
    user_id: str | None
    parent_provenance_id: str | None
    transformation_type: str | None
    transformations: Any
    created_at: datetime

class NodeProvenanceRow(TypedDict):
    """A row of list_provenance."""

    id: str
    node_id: str
    source_type: str
    source_id: str
    agent_id: str | None
    debate_id: str | None
    document_id: str | None
    user_id: str | None
    parent_provenance_id: str | None
    transformation_type: str | None
    transformations: Any
    created_at: datetime

class KnowledgeRelationshipRow(TypedDict):
    """A row of list_links, list_relationships, list_workspace_relationships."""

    id: str
    from_node_id: str
    to_node_id: str
    relationship_type: RelationshipTypeWord
    strength: float
    created_by: str | None
    metadata: Any
    created_at: datetime

class WalkNeighborsRow(TypedDict):
    """A row of walk_neighbors."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    confidence: float
    depth: int
    visited: int

class FindPathRow(TypedDict):
    """A row of find_path."""

    place: int | None
    id: str | None
    workspace_id: str | None
    node_type: str | None
    content: str | None
    confidence: float | None
    relationship_id: str | None
    relationship_type: RelationshipTypeWord | None
    is_forward: bool | None
    visited: int

class FindContradictionsRow(TypedDict):
    """A row of find_contradictions."""

    depth: int | None
    node_id: str | None
    relationship_id: str | None
    strength: float | None
    other_id: str | None
    other_type: str | None
    other_content: str | None
    other_confidence: float | None
    visited: int

class AccessGrantRow(TypedDict):
    """A row of list_grants, list_grants_to, list_grants_by."""

    id: str
    item_id: str
    grantee_type: GranteeTypeWord
    grantee_id: str
    permissions: Any
    granted_by: str | None
    granted_at: datetime
    expires_at: datetime | None

class InsertArchivedParameters(TypedDict):
    """One set of parameters of insert_archived."""

    id: str
    original_id: str
    workspace_id: str | None
    content: str
    source: str | None
    source_id: str | None
    importance: float | None
    metadata: Any
    document: Any
    created_at: datetime | None
    updated_at: datetime | None
    archived_at: datetime
    archived_by: str | None
    reason: str | None

class TakeArchivedRow(TypedDict):
    """A row of take_archived."""

    content: str
    importance: float | None
    metadata: Any
    document: Any
    created_at: datetime | None
    updated_at: datetime | None

class InsertPruneParameters(TypedDict):
    """One set of parameters of insert_prune."""

    id: str
    workspace_id: str
    executed_at: datetime
    policy_id: str | None
    action: ActionWord
    items_pruned: int
    pruned_item_ids: Any
    reason: str | None
    executed_by: str | None

class PruneRecordRow(TypedDict):
    """A row of list_prunes."""

    id: str
    workspace_id: str
    executed_at: datetime
    policy_id: str | None
    action: ActionWord
    items_pruned: int
    pruned_item_ids: Any
    reason: str | None
    executed_by: str | None

class KnowledgeQueries(Protocol):
    """The queries of the store knowledge."""

    async def insert_node(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str,
        node_type: str,
        content: str,
        content_hash: str,
        confidence: float,
        tier: TierWord,
        surprise_score: float,
        update_count: int,
        consolidation_score: float,
        validation_status: str,
        consensus_proof_id: str | None,
        last_validated_at: datetime | None,
        staleness_score: float,
        revalidation_requested: bool,
        visibility: VisibilityWord,
        visibility_set_by: str | None,
        is_discoverable: bool,
        metadata: Any,
        search_terms: str,
        created_at: datetime,
        updated_at: datetime,
    ) -> str | None:
        """Store a node, unless its id or its content is there already, and return its id.

        Operation $: the first value of the first row, or None.
        """

    async def replace_node(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str,
        content: str,
        content_hash: str,
        confidence: float,
        metadata: Any,
        search_terms: str,
        updated_at: datetime,
    ) -> str | None:
        """Give a node of a workspace other content, unless another node has that, and return its
        id.

        Operation $: the first value of the first row, or None.
        """

    async def merge_node(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        content_hash: str,
        updated_at: datetime,
    ) -> str | None:
        """Count that the content of a node was saved once more, and return its id.

        Operation $: the first value of the first row, or None.
        """

    async def update_node(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str | None,
        node_type: str | None,
        content: str | None,
        content_hash: str | None,
        search_terms: str | None,
        confidence: float | None,
        tier: TierWord | None,
        surprise_score: float | None,
        consolidation_score: float | None,
        validation_status: str | None,
        consensus_proof_id: str | None,
        last_validated_at: datetime | None,
        staleness_score: float | None,
        revalidation_requested: bool | None,
        visibility: VisibilityWord | None,
        visibility_set_by: str | None,
        is_discoverable: bool | None,
        metadata: Any,
        updated_at: datetime,
    ) -> int:
        """Change what is not NULL of a node, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    def get_nodes(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        workspace_id: str | None,
    ) -> AsyncIterator[KnowledgeNodeRow]:
        """Return some nodes, of one workspace or of any.

        Operation (none): every row.
        """

    async def find_by_content_hash(
        self,
        connection: Connection,
        /,
        *,
        content_hash: str,
        workspace_id: str,
    ) -> str | None:
        """Return the id of the node that has a content.

        Operation $: the first value of the first row, or None.
        """

    def list_content_hashes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_hash: str,
        row_limit: int,
    ) -> AsyncIterator[ListContentHashesRow]:
        """List the contents of a workspace in the order of their hashes, from a place on.

        Operation (none): every row.
        """

    def query_nodes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        node_types: Sequence[str] | None,
        min_confidence: float,
        tier: TierWord | None,
        validation_status: str | None,
        topics: Sequence[str] | None,
        after_confidence: float,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[KnowledgeNodeRow]:
        """List the nodes of a workspace, the surest first, from a place on; with any of some types
        and topics.

        Operation (none): every row.
        """

    def list_recent_nodes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        node_type: str | None,
        tier: TierWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[KnowledgeNodeRow]:
        """List the nodes of a workspace, the last that was changed first, from a place on.

        Operation (none): every row.
        """

    def sort_nodes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        node_type: str | None,
        tier: TierWord | None,
        order_by: str,
        descending: bool,
        after_number: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[SortNodesRow]:
        """List the ids of the nodes of a workspace in one of several orders, from a place on. It
        looks at all

        of its nodes.

        Operation (none): every row.
        """

    def search_nodes(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        terms: Sequence[str],
        workspace_id: str | None,
        node_types: Sequence[str] | None,
        min_confidence: float,
        tier: TierWord | None,
        guarded: bool,
        actor_id: str,
        actor_roles: Sequence[str],
        actor_workspace_id: str,
        actor_org_id: str,
        most: int,
        row_limit: int,
        row_offset: int,
    ) -> AsyncIterator[FoundNodeRow]:
        """Find nodes with search terms, those with most of them first, of these the surest; of one
        workspace

        or of all. Where :guarded, only what somebody may see: what is public, what the actor's
        workspace or
        organization may see, and what is granted to one of them. Where more than :most match, the
        surest
        are looked at.

        Operation (none): every row.
        """

    async def put_vector(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        dims: int,
        vector: Any,
        updated_at: datetime,
    ) -> int:
        """Store the vector of a node.

        Operation !: the number of rows changed.
        """

    def list_node_vectors(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
    ) -> AsyncIterator[ListNodeVectorsRow]:
        """Return the vectors of some nodes.

        Operation (none): every row.
        """

    def rank_vectors(
        self,
        connection: Connection,
        /,
        *,
        vector: Sequence[float],
        workspace_id: str | None,
        node_types: Sequence[str] | None,
        min_confidence: float,
        tier: TierWord | None,
        guarded: bool,
        actor_id: str,
        actor_roles: Sequence[str],
        actor_workspace_id: str,
        actor_org_id: str,
        row_limit: int,
    ) -> AsyncIterator[RankVectorsRow]:
        """Rank the nodes whose vectors have as many numbers as the given one, of length 1, by the
        cosine of

        both, best first; of one workspace or of all. Where :guarded, only what somebody may see,
        as in
        search_nodes.

        Operation (none): every row.
        """

    async def count_nodes(self, connection: Connection, /, *, workspace_id: str) -> int:
        """Count the nodes of a workspace.

        Operation $: the first value of the first row, or None.
        """

    def count_groups(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
    ) -> AsyncIterator[CountGroupsRow]:
        """Count the nodes of a workspace by type, tier and status, those that are outdated, and
        add up how sure

        they are.

        Operation (none): every row.
        """

    def count_relationships(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
    ) -> AsyncIterator[CountRelationshipsRow]:
        """Count the relationships within a workspace, by type.

        Operation (none): every row.
        """

    async def delete_nodes(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        workspace_id: str | None,
    ) -> int:
        """Delete nodes with all that belongs to them, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    async def delete_workspace_nodes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        row_limit: int,
    ) -> int:
        """Delete some of the nodes of a workspace with all that belongs to them.

        Operation !: the number of rows changed.
        """

    async def trim_topics(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        topics: Sequence[str],
    ) -> int:
        """Delete all topics of a node but some.

        Operation !: the number of rows changed.
        """

    async def add_topics(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        topics: Sequence[str],
    ) -> int:
        """Give a node topics.

        Operation !: the number of rows changed.
        """

    async def insert_provenance(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        node_id: str,
        source_type: str,
        source_id: str,
        agent_id: str | None,
        debate_id: str | None,
        document_id: str | None,
        user_id: str | None,
        parent_provenance_id: str | None,
        transformation_type: str | None,
        transformations: Any,
        created_at: datetime,
    ) -> int:
        """Store where a node comes from, unless that was said before.

        Operation !: the number of rows changed.
        """

    def list_provenance(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        workspace_id: str | None,
    ) -> AsyncIterator[NodeProvenanceRow]:
        """Return where some nodes come from, of one workspace or of any.

        Operation (none): every row.
        """

    def query_by_provenance(
        self,
        connection: Connection,
        /,
        *,
        source_type: str,
        source_id: str,
        node_type: str | None,
        workspace_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[SortNodesRow]:
        """List the ids of the nodes that come from a source, newest first, of one workspace or of
        any.

        Operation (none): every row.
        """

    async def save_relationship(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        from_node_id: str,
        to_node_id: str,
        relationship_type: RelationshipTypeWord,
        strength: float,
        created_by: str | None,
        metadata: Any,
        created_at: datetime,
        workspace_id: str | None,
    ) -> str | None:
        """Link two nodes, of one workspace or of any, or say anew how strongly, and return the id
        of the link.

        A node that is being deleted is not there.

        Operation $: the first value of the first row, or None.
        """

    def list_links(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        types: Sequence[str] | None,
        workspace_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[KnowledgeRelationshipRow]:
        """List the relationships from and to some nodes, of some types or of all; of one workspace
        or of any.

        Operation (none): every row.
        """

    def list_relationships(
        self,
        connection: Connection,
        /,
        *,
        after_type: str,
        after_id: str,
        last_type: str,
        row_limit: int,
    ) -> AsyncIterator[KnowledgeRelationshipRow]:
        """List relationships by type and id, from a place on, up to a type.

        Operation (none): every row.
        """

    def list_workspace_relationships(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        relationship_type: RelationshipTypeWord | None,
        after_type: str,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[KnowledgeRelationshipRow]:
        """List the relationships within a workspace by type and id, from a place on.

        Operation (none): every row.
        """

    async def delete_relationship(
        self,
        connection: Connection,
        /,
        *,
        relationship_id: str,
        workspace_id: str | None,
    ) -> int:
        """Delete a relationship, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    def walk_neighbors(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        depth: int,
        types: Sequence[str] | None,
        outgoing: bool,
        incoming: bool,
        workspace_id: str | None,
        most: int,
        row_limit: int,
    ) -> AsyncIterator[WalkNeighborsRow]:
        """Walk from a node along relationships of some types or of all, within one workspace or
        through any;

        list what is met with the number of steps to it, itself first. No more than :most places
        are met.

        Operation (none): every row.
        """

    def find_path(
        self,
        connection: Connection,
        /,
        *,
        from_node_id: str,
        to_node_id: str,
        max_depth: int,
        types: Sequence[str] | None,
        directed: bool,
        workspace_id: str | None,
        most: int,
    ) -> AsyncIterator[FindPathRow]:
        """Find a shortest way from a node to another along relationships of some types or of all,
        within one

        workspace or through any. It is walked from both ends at once, until both meet half-way.
        No more than
        :most places are met. Without a way there is one row without a place.

        Operation (none): every row.
        """

    def find_contradictions(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        depth: int,
        workspace_id: str | None,
        most: int,
        row_limit: int,
    ) -> AsyncIterator[FindContradictionsRow]:
        """Find what contradicts a node, and what it supports, rests on, cites or elaborates in
        some steps. No

        more than :most places are met. Without a contradiction there is one row without one.

        Operation (none): every row.
        """

    async def save_grant(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        item_id: str,
        grantee_type: GranteeTypeWord,
        grantee_id: str,
        permissions: Any,
        granted_by: str | None,
        granted_at: datetime,
        expires_at: datetime | None,
        workspace_id: str | None,
    ) -> str | None:
        """Let somebody see a node, of one workspace or of any, or say anew how, and return the id
        of the grant.

        Operation $: the first value of the first row, or None.
        """

    def list_grants(
        self,
        connection: Connection,
        /,
        *,
        item_id: str,
        workspace_id: str | None,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[AccessGrantRow]:
        """List the grants of a node, of one workspace or of any, from a place on.

        Operation (none): every row.
        """

    def list_grants_to(
        self,
        connection: Connection,
        /,
        *,
        grantee_id: str,
        grantee_type: GranteeTypeWord | None,
        workspace_id: str | None,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[AccessGrantRow]:
        """List the grants to somebody that have not expired, in one workspace or in any, from a
        place on.

        Operation (none): every row.
        """

    def list_grants_by(
        self,
        connection: Connection,
        /,
        *,
        granted_by: str,
        workspace_id: str | None,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[AccessGrantRow]:
        """List the grants that somebody gave, in one workspace or in any, from a place on.

        Operation (none): every row.
        """

    async def delete_grant(
        self,
        connection: Connection,
        /,
        *,
        item_id: str,
        grantee_id: str,
        grantee_type: GranteeTypeWord | None,
        workspace_id: str | None,
    ) -> int:
        """Take away what was granted to somebody, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    async def delete_expired_grants(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of the grants that have expired.

        Operation !: the number of rows changed.
        """

    def lock_nodes(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        workspace_id: str | None,
    ) -> AsyncIterator[SortNodesRow]:
        """Take some nodes out of the way of others who change them, of one workspace or of any.

        Operation (none): every row.
        """

    async def insert_archived(
        self,
        connection: Connection,
        parameters: Sequence[InsertArchivedParameters],
        /,
    ) -> int:
        """Store nodes in the archive.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def lock_archived(
        self,
        connection: Connection,
        /,
        *,
        original_id: str,
        workspace_id: str,
        unowned: bool,
    ) -> AsyncIterator[SortNodesRow]:
        """Hold the newest of a node of a workspace in the archive, and what is there of the nodes
        that it is

        linked to; where :unowned, also one that names no workspace.

        Operation (none): every row.
        """

    async def take_archived(
        self,
        connection: Connection,
        /,
        *,
        original_id: str,
        workspace_id: str,
        unowned: bool,
    ) -> TakeArchivedRow | None:
        """Take the newest of a node of a workspace in the archive out of it; where :unowned, also
        one that

        names none.

        Operation ^: the first row, or None.
        """

    async def keep_link(self, connection: Connection, /, *, original_id: str, link: Any) -> int:
        """Add a relationship to those of the newest of a node in the archive.

        Operation !: the number of rows changed.
        """

    def list_prunable(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        min_staleness: float,
        made_before: datetime,
        unflagged: bool,
        row_limit: int,
    ) -> AsyncIterator[SortNodesRow]:
        """Take nodes of a workspace that are outdated and old, the most outdated first; glacial
        ones never are.

        Operation (none): every row.
        """

    async def mark_nodes(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        is_demoted: bool,
    ) -> int:
        """Move nodes to the next slower tier, or ask for their validation.

        Operation !: the number of rows changed.
        """

    async def score_staleness(
        self,
        connection: Connection,
        /,
        *,
        node_ids: Sequence[str],
        at_time: datetime,
        since: datetime,
    ) -> int:
        """Compute how outdated nodes are; those that are by 0.8 or more have to be validated
        again.

        Operation !: the number of rows changed.
        """

    async def adjust_tiers(self, connection: Connection, /, *, workspace_id: str) -> int:
        """Move the nodes of a workspace by one tier: to the faster one when they surprise and are
        updated often,

        to the slower one when they are settled.

        Operation !: the number of rows changed.
        """

    async def insert_prune(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str,
        executed_at: datetime,
        policy_id: str | None,
        action: ActionWord,
        items_pruned: int,
        pruned_item_ids: Any,
        reason: str | None,
        executed_by: str | None,
    ) -> int:
        """Store what a clean-up did.

        Operation !: the number of rows changed.
        """

    def list_prunes(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[PruneRecordRow]:
        """List the clean-ups of a workspace since a time, newest first, from a place on.

        Operation (none): every row.
        """
