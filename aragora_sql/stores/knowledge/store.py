"""Knowledge of workspaces: a graph of nodes with provenance, topics, grants and an archive.

Its queries: ``sql/postgres/knowledge/queries.sql`` and ``sql/sqlite/knowledge/queries.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    ConflictError,
    DuplicateKeyError,
    InvalidInputError,
    MissingParentError,
    NodeNotFoundError,
    TenantMismatchError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.knowledge.records import (
    DIRECTIONS,
    GRANTEE_TYPES,
    NODE_ORDERS,
    PRUNE_ACTIONS,
    RELATIONSHIP_TYPES,
    TIERS,
    VALIDATION_STATUSES,
    VISIBILITIES,
    AccessGrant,
    Contradiction,
    Contradictions,
    Direction,
    FoundNode,
    GranteeType,
    KnowledgeNode,
    KnowledgePath,
    KnowledgeRelationship,
    KnowledgeStatistics,
    Neighbor,
    Neighborhood,
    NodeMatch,
    NodeOrder,
    NodeProvenance,
    PathPlace,
    PruneAction,
    PruneRecord,
    RelationshipType,
    Tier,
    ValidationStatus,
    Visibility,
    changed_columns,
    checked_topics,
    checked_types,
    checked_workspace,
    node_parameters,
    provenance_parameters,
    row_of,
)
from aragora_sql.stores.paging import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    LastRow,
    key_of,
    newest_page,
    split_page,
)
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, any_term
from aragora_sql.stores.terms import search_terms
from aragora_sql.stores.vectors import (
    FUSION_CANDIDATES,
    checked_weight,
    encoded_vector,
    fused,
    taken_similarity,
    unit_vector,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.knowledge import (
        InsertArchivedParameters,
        KnowledgeQueries,
        PutVectorParameters,
    )

__all__ = ["KnowledgeMound"]

BATCH = 500
# Nodes that a search ranks: the surest of those that match.
MOST_RANKED = 1000
# Others who save the same contents have each to win once before a node is given up.
MOST_ATTEMPTS = 100
MOST_LINKS = 10_000
DEEPEST = 10
# Behind all types of relationships.
LAST_TYPE = "~"
# Beyond all scores.
FARTHEST = 1e300
EVIDENCE_DAYS = 7
# Whose search is not guarded.
NOBODY: dict[str, Any] = {
    "guarded": False,
    "actor_id": "",
    "actor_roles": [],
    "actor_workspace_id": "",
    "actor_org_id": None,
}


class KnowledgeMound(Store):
    """Keeps what workspaces know.

    A workspace has each content once: what is saved again is counted. With ``workspace_id`` a
    method sees the nodes of that workspace only, also on the way of a walk, and relationships only
    between two of them; None is all workspaces. Lists return pages: ``limit=``, and ``after=`` the
    last row of the page before.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "knowledge"
    _queries: KnowledgeQueries

    # Nodes

    async def save_node(self, node_data: Mapping[str, Any]) -> str:
        """Store a node and return its id.

        ``workspace_id`` (1 to 64 letters, digits, ``_``, ``-``) and ``content`` (at most 100,000
        characters) are needed. There may be ``id``, ``node_type`` (``fact`` without one),
        ``topics`` (at most 100), ``vector`` (any list of numbers; it is scaled to length 1),
        ``created_at``, what :meth:`update_node` takes, and where it comes from, which is written
        once: ``source_type``, ``source_id``, ``agent_id``, ``debate_id``, ``document_id``,
        ``user_id``, ``transformations``, ``parent_provenance_id``, ``transformation_type``.

        Of a node of this id content, confidence, metadata and given topics are replaced. Of another
        one that has the content only the count of updates grows, topics are added, and its id is
        returned. Both keep their vector when none is given. Raises
        :class:`~aragora_sql.errors.TenantMismatchError` when the id is of another workspace.
        """
        row = node_parameters(node_data, "node_data")
        source = provenance_parameters(node_data, "node_data")
        topics = valid.optional(node_data.get("topics"), "node_data.topics", checked_topics)
        vector = valid.optional(node_data.get("vector"), "node_data.vector", unit_vector)
        for _ in range(MOST_ATTEMPTS):
            try:
                key = await self._save_node(row, source, topics, vector)
            except DuplicateKeyError:
                # Another one gave a node this content after this one had looked.
                continue
            if key is not None:
                return key
        raise ConflictError(f"others change the content of {row['id']} all the time")

    async def _save_node(
        self,
        row: dict[str, Any],
        source: dict[str, Any] | None,
        topics: list[str] | None,
        vector: list[float] | None,
    ) -> str | None:
        """Store a node once; None where what was in the way is there no more."""
        async with self._database.transaction() as connection:
            key = await self._queries.insert_node(connection, **row)
            if key is None:
                names = ("id", "workspace_id", "content", "content_hash", "confidence", "metadata")
                changes = {name: row[name] for name in (*names, "search_terms", "updated_at")}
                key = await self._queries.replace_node(connection, **changes)
                if key is not None and topics is not None:
                    await self._queries.trim_topics(connection, node_id=key, topics=topics)
            if key is None:
                key = await self._queries.merge_node(
                    connection,
                    workspace_id=row["workspace_id"],
                    content_hash=row["content_hash"],
                    updated_at=row["updated_at"],
                )
            if key is None:
                there = await self._nodes(connection, [row["id"]])
                if there and there[0].workspace_id != row["workspace_id"]:
                    raise TenantMismatchError(row["id"], "node_data.workspace_id")
                return None
            if topics:
                await self._queries.add_topics(connection, node_id=key, topics=topics)
            await self._put_vector(connection, key, vector)
            if source is not None:
                try:
                    await self._queries.insert_provenance(
                        connection, id=f"prov_{key}", node_id=key, **source
                    )
                except MissingParentError as error:
                    parent = source["parent_provenance_id"]
                    raise NodeNotFoundError(parent, "node_data.parent_provenance_id") from error
        return key

    async def _put_vector(
        self, connection: Connection, key: str, vector: list[float] | None
    ) -> None:
        if vector is not None:
            row: PutVectorParameters = {
                "node_id": key,
                "dims": len(vector),
                "vector": encoded_vector(vector),
                "updated_at": utc_now(),
            }
            await self._queries.put_vector(connection, **row)

    async def get_node(
        self, node_id: str, *, workspace_id: str | None = None
    ) -> KnowledgeNode | None:
        """Return a node, or None."""
        key = valid.text(node_id, "node_id")
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            found = await self._nodes(connection, [key], workspace)
        return found[0] if found else None

    async def get_nodes(
        self, node_ids: Iterable[str], *, workspace_id: str | None = None
    ) -> list[KnowledgeNode]:
        """Return those of some nodes that are there, in the order of their ids."""
        ids = valid.texts(node_ids, "node_ids")
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            return await self._nodes(connection, ids, workspace)

    async def _nodes(
        self, connection: Connection, ids: list[str], workspace: str | None = None
    ) -> list[KnowledgeNode]:
        rows = self._queries.get_nodes(connection, node_ids=ids, workspace_id=workspace)
        return [record_of(KnowledgeNode, **row) async for row in rows]

    async def update_node(
        self, node_id: str, updates: Mapping[str, Any], *, workspace_id: str | None = None
    ) -> bool:
        """Change columns of a node; False when there is none.

        They are ``node_type``, ``content``, ``confidence`` (0 to 1), ``tier``,
        ``surprise_score``, ``consolidation_score``, ``staleness_score`` (0 to 1),
        ``validation_status``, ``consensus_proof_id``, ``last_validated_at``,
        ``revalidation_requested``, ``visibility``, ``visibility_set_by``, ``is_discoverable`` and
        ``metadata``; None leaves one as it is. Raises
        :class:`~aragora_sql.errors.AlreadyTakenError` when another node of the workspace has the
        content.
        """
        key = valid.text(node_id, "node_id")
        workspace = _workspace(workspace_id)
        changes = changed_columns(updates, "updates")
        async with self._database.connection() as connection:
            try:
                return bool(
                    await self._queries.update_node(
                        connection, id=key, workspace_id=workspace, updated_at=utc_now(), **changes
                    )
                )
            except DuplicateKeyError as error:
                raise AlreadyTakenError("updates.content", "another node has it") from error

    async def update_visibility(
        self,
        node_id: str,
        level: Visibility,
        set_by: str | None = None,
        *,
        workspace_id: str | None = None,
    ) -> bool:
        """Say who may see a node: private is who has a grant; False when there is no such node."""
        word = valid.choice(level, "level", VISIBILITIES)
        user = valid.optional(set_by, "set_by", valid.key)
        return await self.update_node(
            node_id, {"visibility": word, "visibility_set_by": user}, workspace_id=workspace_id
        )

    async def delete_node(self, node_id: str, *, workspace_id: str | None = None) -> bool:
        """Delete a node with all that belongs to it; False when there is none."""
        key = valid.text(node_id, "node_id")
        workspace = _workspace(workspace_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_nodes(connection, node_ids=[key], workspace_id=workspace)
            )

    async def clear_workspace(self, workspace_id: str) -> int:
        """Delete all nodes of a workspace in small transactions; return how many there were.

        The archive and the history of clean-ups stay.
        """
        workspace = checked_workspace(workspace_id)

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_workspace_nodes(
                    connection, workspace_id=workspace, row_limit=BATCH
                )

        return await in_batches(batch)

    async def find_by_content_hash(self, content_hash: str, workspace_id: str) -> str | None:
        """Return the id of the node whose content has this hash (32 hexadecimal digits)."""
        digits = valid.text(content_hash, "content_hash")
        workspace = checked_workspace(workspace_id)
        async with self._database.read() as connection:
            return await self._queries.find_by_content_hash(
                connection, content_hash=digits, workspace_id=workspace
            )

    async def get_nodes_by_content_hash(
        self, workspace_id: str, limit: int = 1000, *, after: str = ""
    ) -> dict[str, list[str]]:
        """Return the ids of nodes by the hash of their content, in the order of hashes.

        ``after`` is the last hash of the page before.
        """
        workspace = checked_workspace(workspace_id)
        row_limit = valid.limit(limit)
        last = valid.text(after, "after")
        async with self._database.read() as connection:
            rows = self._queries.list_content_hashes(
                connection, workspace_id=workspace, after_hash=last, row_limit=row_limit
            )
            return {row["content_hash"]: [row["id"]] async for row in rows}

    # Lists

    async def query_nodes(
        self,
        workspace_id: str,
        node_types: Iterable[str] | None = None,
        min_confidence: float = 0.0,
        tier: Tier | None = None,
        validation_status: ValidationStatus | None = None,
        topics: Iterable[str] | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[KnowledgeNode]:
        """Return nodes of a workspace, the surest first; with any of some types and topics."""
        workspace = checked_workspace(workspace_id)
        kinds = valid.optional(node_types, "node_types", valid.texts)
        least = valid.fraction(min_confidence, "min_confidence")
        speed = _tier(tier)
        status = valid.optional(validation_status, "validation_status", _status)
        wanted = valid.optional(topics, "topics", valid.texts)
        row_limit = valid.limit(limit)
        confidence, last = key_of(
            after, {"confidence": valid.fraction, "id": valid.text}, (2.0, "")
        )
        async with self._database.read() as connection:
            rows = self._queries.query_nodes(
                connection,
                workspace_id=workspace,
                node_types=kinds,
                min_confidence=least,
                tier=speed,
                validation_status=status,
                topics=wanted,
                after_confidence=confidence,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(KnowledgeNode, **row) async for row in rows]

    async def get_recent_nodes(
        self, workspace_id: str, limit: int = 100, *, after: LastRow | None = None
    ) -> list[KnowledgeNode]:
        """Return nodes of a workspace, the last that was changed first."""
        return await self.list_nodes(workspace_id, limit, after=after)

    async def get_nodes_for_workspace(
        self, workspace_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[KnowledgeNode]:
        """Return nodes of a workspace, the surest first."""
        return await self.query_nodes(workspace_id, limit=limit, after=after)

    async def list_nodes(
        self,
        workspace_id: str,
        limit: int = 100,
        *,
        node_type: str | None = None,
        tier: Tier | None = None,
        order_by: NodeOrder = "updated_at",
        order_dir: str = "DESC",
        after: LastRow | None = None,
    ) -> list[KnowledgeNode]:
        """Return nodes of a workspace in an order.

        The default reads no more nodes than it returns, other orders look at all of the workspace.
        """
        workspace = checked_workspace(workspace_id)
        same: dict[str, Any] = {
            "workspace_id": workspace,
            "node_type": valid.optional_text(node_type, "node_type"),
            "tier": _tier(tier),
            "row_limit": valid.limit(limit),
        }
        order = valid.choice(order_by, "order_by", NODE_ORDERS)
        is_down = valid.choice(order_dir, "order_dir", ("DESC", "ASC")) == "DESC"
        page = _page_of(order, after, is_down=is_down)
        async with self._database.read() as connection:
            if order == "updated_at" and is_down:
                del page["after_number"]
                rows = self._queries.list_recent_nodes(connection, **page, **same)
                return [record_of(KnowledgeNode, **row) async for row in rows]
            sorted_rows = self._queries.sort_nodes(
                connection, order_by=order, descending=is_down, **page, **same
            )
            ids = [row["id"] async for row in sorted_rows]
            found = {node.id: node for node in await self._nodes(connection, ids)}
            return [found[key] for key in ids if key in found]

    async def query(
        self,
        query: str,
        filters: Mapping[str, Any] | None = None,
        limit: int = 20,
        workspace_id: str | None = None,
        offset: int = 0,
    ) -> list[FoundNode]:
        """Return the nodes in whose content words are: with most of them first, then the surest.

        Words are compared without case and accents; the first 16 count. ``filters`` may have
        ``node_types``, ``min_confidence`` and ``tier``. Where very many nodes match, the 1,000
        surest are ranked.
        """
        return await self._search(query, filters, limit, workspace_id, offset)

    async def query_with_visibility(
        self,
        query: str,
        workspace_id: str | None,
        actor_id: str,
        actor_workspace_id: str,
        actor_org_id: str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        actor_roles: Iterable[str] = (),
        filters: Mapping[str, Any] | None = None,
    ) -> list[FoundNode]:
        """Return what :meth:`query` does and the actor may see.

        That are discoverable nodes that are ``public`` or ``system``, of the actor's ``workspace``,
        of the ``organization`` that ``org_id`` of the metadata names as text, and those of any
        visibility with a grant to ``read`` that has not expired: to the user, one of its roles, the
        workspace or the organization. The database decides it while it searches.
        """
        actor = _actor(actor_id, actor_workspace_id, actor_org_id, actor_roles)
        return await self._search(query, filters, limit, workspace_id, offset, actor)

    async def hybrid_search(
        self,
        query: str,
        workspace_id: str | None,
        vector: Iterable[float] | None = None,
        limit: int = 20,
        vector_weight: float | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        actor_id: str | None = None,
        actor_workspace_id: str | None = None,
        actor_org_id: str | None = None,
        actor_roles: Iterable[str] = (),
    ) -> list[NodeMatch]:
        """Return the nodes that are near a vector or have words of a query, best first.

        ``vector`` is that of the query, from the same model as those of the nodes; those with
        another number of dimensions are left out. The 50 nodes with the largest cosine (exact, of
        all vectors, to nine digits) and the 50 that :meth:`query` gives are fused by their ranks:
        the score is the sum of ``weight / (60 + rank)``, with 0.6 for the vector and 0.4 for the
        query. ``vector_weight`` from 0 to 1 sets the former, and the latter to the rest. Ties go by
        id. With an actor only what it may see is looked at; see :meth:`query_with_visibility`.
        """
        row_limit = valid.limit(limit)
        given = valid.optional(vector, "vector", unit_vector)
        weight = checked_weight(vector_weight)
        workspace = _workspace(workspace_id)
        chosen = _filters(filters)
        roles = valid.texts(actor_roles, "actor_roles")
        actor = NOBODY
        if roles or any(one is not None for one in (actor_id, actor_workspace_id, actor_org_id)):
            actor = _actor(actor_id, actor_workspace_id, actor_org_id, roles)
        nodes: dict[str, KnowledgeNode] = {}
        similarities: dict[str, float] = {}
        async with self._database.read() as connection:
            words = await self._search(query, filters, FUSION_CANDIDATES, workspace, 0, actor)
            if given is not None:
                rows = self._queries.rank_vectors(
                    connection,
                    vector=given,
                    workspace_id=workspace,
                    row_limit=FUSION_CANDIDATES,
                    **chosen,
                    **actor,
                )
                async for row in rows:
                    values: dict[str, Any] = dict(row)
                    similarities[row["id"]] = taken_similarity(values)
                    nodes[row["id"]] = record_of(KnowledgeNode, **values)
        for one in words:
            nodes.setdefault(one.id, _plain(one))
        best = fused(similarities, [one.id for one in words], weight)[:row_limit]
        return [NodeMatch(node=nodes[key], **places) for key, places in best]

    async def _search(
        self,
        query: str,
        filters: Mapping[str, Any] | None,
        limit: int,
        workspace_id: str | None,
        offset: int,
        actor: dict[str, Any] = NOBODY,
    ) -> list[FoundNode]:
        terms = search_terms(valid.text(query, "query"))[:MOST_SEARCH_TERMS]
        chosen = _filters(filters)
        workspace = _workspace(workspace_id)
        row_limit, row_offset = valid.limit(limit), valid.limit(offset, "offset")
        if not terms:
            return []
        async with self._database.read() as connection:
            rows = self._queries.search_nodes(
                connection,
                expression=any_term(terms),
                terms=terms,
                workspace_id=workspace,
                most=MOST_RANKED,
                row_limit=row_limit,
                row_offset=row_offset,
                **chosen,
                **actor,
            )
            return [record_of(FoundNode, **row) async for row in rows]

    async def count_nodes(self, workspace_id: str) -> int:
        """Return the number of nodes of a workspace."""
        workspace = checked_workspace(workspace_id)
        async with self._database.read() as connection:
            return await self._queries.count_nodes(connection, workspace_id=workspace)

    async def get_stats(self, workspace_id: str) -> KnowledgeStatistics:
        """Return counts of a workspace; stale are nodes with a staleness above 0.5."""
        workspace = checked_workspace(workspace_id)
        by: dict[str, dict[str, int]] = {"node_type": {}, "tier": {}, "validation_status": {}}
        total, stale, confidence = 0, 0, 0.0
        async with self._database.read() as connection:
            async for row in self._queries.count_groups(connection, workspace_id=workspace):
                values: dict[str, Any] = dict(row)
                for name, counts in by.items():
                    counts[values[name]] = counts.get(values[name], 0) + row["total"]
                total += row["total"]
                stale += row["stale"]
                confidence += row["confidence"]
            links: dict[str, int] = {
                row["relationship_type"]: row["total"]
                async for row in self._queries.count_relationships(
                    connection, workspace_id=workspace
                )
            }
        return {
            "total_nodes": total,
            "nodes_by_type": by["node_type"],
            "nodes_by_tier": by["tier"],
            "nodes_by_validation": by["validation_status"],
            "total_relationships": sum(links.values()),
            "relationships_by_type": links,
            "average_confidence": round(confidence / total, 3) if total else 0.0,
            "stale_nodes_count": stale,
        }

    # Provenance

    async def get_provenance(
        self, node_id: str, *, workspace_id: str | None = None
    ) -> NodeProvenance | None:
        """Return where a node comes from, or None when that was not said."""
        key = valid.text(node_id, "node_id")
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            return (await self._sources(connection, [key], workspace)).get(key)

    async def _sources(
        self, connection: Connection, ids: list[str], workspace: str | None = None
    ) -> dict[str, NodeProvenance]:
        rows = self._queries.list_provenance(connection, node_ids=ids, workspace_id=workspace)
        return {row["node_id"]: record_of(NodeProvenance, **row) async for row in rows}

    async def query_by_provenance(
        self,
        source_type: str,
        source_id: str,
        node_type: str | None = None,
        workspace_id: str | None = None,
        limit: int = 100,
    ) -> list[str]:
        """Return the ids of the nodes that come from a source, newest first."""
        source = valid.text(source_type, "source_type")
        key = valid.text(source_id, "source_id")
        kind = valid.optional_text(node_type, "node_type")
        workspace = _workspace(workspace_id)
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.query_by_provenance(
                connection,
                source_type=source,
                source_id=key,
                node_type=kind,
                workspace_id=workspace,
                row_limit=row_limit,
            )
            return [row["id"] async for row in rows]

    # Relationships

    async def save_relationship(
        self,
        from_node_id: str,
        to_node_id: str,
        relationship_type: RelationshipType,
        *,
        strength: float = 1.0,
        created_by: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        workspace_id: str | None = None,
    ) -> str:
        """Link two nodes and return the id of the link; one that is there gets the strength.

        ``strength`` is 0 or more. Raises :class:`~aragora_sql.errors.NodeNotFoundError`.
        """
        row: dict[str, Any] = {
            "id": prefixed_id("kr_"),
            "from_node_id": valid.key(from_node_id, "from_node_id"),
            "to_node_id": valid.key(to_node_id, "to_node_id"),
            "relationship_type": valid.choice(
                relationship_type, "relationship_type", RELATIONSHIP_TYPES
            ),
            "strength": valid.number(strength, "strength"),
            "created_by": valid.optional(created_by, "created_by", valid.key),
            "metadata": valid.document(metadata, "metadata"),
            "created_at": utc_now(),
            "workspace_id": _workspace(workspace_id),
        }
        async with self._database.connection() as connection:
            key = await self._queries.save_relationship(connection, **row)
            if key is None:
                there = await self._nodes(connection, [from_node_id], row["workspace_id"])
                missing = "to_node_id" if there else "from_node_id"
                raise NodeNotFoundError(row[missing], missing)
        return key

    async def get_relationships(
        self,
        node_id: str,
        types: Iterable[RelationshipType] | None = None,
        limit: int = 1000,
        *,
        workspace_id: str | None = None,
    ) -> list[KnowledgeRelationship]:
        """Return the relationships from and to a node, by their ids."""
        key = valid.text(node_id, "node_id")
        return await self._links([key], types, limit, workspace_id)

    async def get_relationships_batch(
        self,
        node_ids: Iterable[str],
        types: Iterable[RelationshipType] | None = None,
        limit: int = MOST_LINKS,
        *,
        workspace_id: str | None = None,
    ) -> dict[str, list[KnowledgeRelationship]]:
        """Return the relationships from and to some nodes, for each of them; ``limit`` of all."""
        ids = valid.texts(node_ids, "node_ids")
        found: dict[str, list[KnowledgeRelationship]] = {key: [] for key in ids}
        for link in await self._links(ids, types, limit, workspace_id):
            for key in dict.fromkeys((link.from_node_id, link.to_node_id)):
                if key in found:
                    found[key].append(link)
        return found

    async def _links(
        self, ids: list[str], types: Any, limit: int, workspace_id: str | None
    ) -> list[KnowledgeRelationship]:
        wanted = checked_types(types)
        row_limit = valid.limit(limit)
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            rows = self._queries.list_links(
                connection, node_ids=ids, types=wanted, workspace_id=workspace, row_limit=row_limit
            )
            return [record_of(KnowledgeRelationship, **row) async for row in rows]

    async def list_relationships(
        self,
        workspace_id: str | None = None,
        limit: int = 100,
        *,
        relationship_type: RelationshipType | None = None,
        after: LastRow | None = None,
    ) -> list[KnowledgeRelationship]:
        """Return relationships by type and id; those of a workspace are between its nodes."""
        workspace = _workspace(workspace_id)
        word = valid.optional(relationship_type, "relationship_type", _relationship_type)
        row_limit = valid.limit(limit)
        kind, last = key_of(
            after, {"relationship_type": valid.text, "id": valid.text}, (word or "", "")
        )
        async with self._database.read() as connection:
            if workspace is None:
                rows: AsyncIterator[Any] = self._queries.list_relationships(
                    connection,
                    after_type=kind,
                    after_id=last,
                    last_type=word or LAST_TYPE,
                    row_limit=row_limit,
                )
            else:
                rows = self._queries.list_workspace_relationships(
                    connection,
                    workspace_id=workspace,
                    relationship_type=word,
                    after_type=kind,
                    after_id=last,
                    row_limit=row_limit,
                )
            return [record_of(KnowledgeRelationship, **row) async for row in rows]

    async def delete_relationship(
        self, relationship_id: str, *, workspace_id: str | None = None
    ) -> bool:
        """Delete a relationship; False when there is none."""
        key = valid.text(relationship_id, "relationship_id")
        workspace = _workspace(workspace_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_relationship(
                    connection, relationship_id=key, workspace_id=workspace
                )
            )

    # Walks

    async def get_neighbors(
        self,
        node_id: str,
        depth: int = 1,
        *,
        types: Iterable[RelationshipType] | None = None,
        direction: Direction = "both",
        workspace_id: str | None = None,
        limit: int = 1000,
        most: int = 10_000,
    ) -> Neighborhood:
        """Return the nodes that are at most ``depth`` (0 to 10) relationships away, nearest first.

        ``direction`` ``out`` follows relationships as they point, ``in`` against it. It is one
        recursive query, which meets at most ``most`` places: a node counts again at each depth.
        Where that or ``limit`` left nodes out, the result is not complete.
        """
        key = valid.text(node_id, "node_id")
        steps = valid.integer(depth, "depth", most=DEEPEST)
        wanted = checked_types(types)
        way = valid.choice(direction, "direction", DIRECTIONS)
        workspace = _workspace(workspace_id)
        row_limit = valid.limit(limit)
        bound = valid.integer(most, "most", least=1)
        async with self._database.read() as connection:
            found = self._queries.walk_neighbors(
                connection,
                node_id=key,
                depth=steps,
                types=wanted,
                outgoing=way != "in",
                incoming=way != "out",
                workspace_id=workspace,
                most=bound + 1,
                # The node itself, and one that tells whether there are more.
                row_limit=min(row_limit + 2, valid.LARGEST_INTEGER),
            )
            rows: list[dict[str, Any]] = [dict(row) async for row in found]
        is_complete = not rows or rows[0]["visited"] <= bound
        nodes = [
            record_of(Neighbor, **{name: row[name] for name in Neighbor.__slots__})
            for row in rows[1:]
        ]
        page, has_more = split_page(nodes, row_limit)
        return Neighborhood(page, is_complete and not has_more)

    async def find_path(
        self,
        from_node_id: str,
        to_node_id: str,
        max_depth: int = 6,
        *,
        types: Iterable[RelationshipType] | None = None,
        directed: bool = False,
        workspace_id: str | None = None,
        most: int = 10_000,
    ) -> KnowledgePath:
        """Return a shortest way between two nodes, of at most ``max_depth`` (1 to 10) steps.

        ``directed`` follows relationships only as they point. Of several shortest ways it is always
        the same one. It is one recursive query, walked from both ends at once, which meets at most
        ``most`` places. Where the result is not complete, there may be a (shorter) way.
        """
        first = valid.text(from_node_id, "from_node_id")
        last = valid.text(to_node_id, "to_node_id")
        steps = valid.integer(max_depth, "max_depth", least=1, most=DEEPEST)
        wanted = checked_types(types)
        is_directed = valid.boolean(directed, "directed")
        workspace = _workspace(workspace_id)
        bound = valid.integer(most, "most", least=1)
        async with self._database.read() as connection:
            if first == last:
                rows: list[dict[str, Any]] = [
                    {**node.to_dict(), "relationship_id": None, "relationship_type": None}
                    | {"is_forward": None, "visited": 1}
                    for node in await self._nodes(connection, [first], workspace)
                ]
            else:
                found = self._queries.find_path(
                    connection,
                    from_node_id=first,
                    to_node_id=last,
                    max_depth=steps,
                    types=wanted,
                    directed=is_directed,
                    workspace_id=workspace,
                    most=bound + 1,
                )
                rows = [dict(row) async for row in found]
        places = [
            record_of(PathPlace, **{name: row[name] for name in PathPlace.__slots__})
            for row in rows
            if row["id"] is not None
        ]
        return KnowledgePath(places, all(row["visited"] <= bound for row in rows))

    async def find_contradictions(
        self,
        node_id: str,
        depth: int = 2,
        *,
        workspace_id: str | None = None,
        limit: int = 100,
        most: int = 10_000,
    ) -> Contradictions:
        """Return what contradicts a node and what belongs to it, the nearest first.

        To a node belongs what is at most ``depth`` (0 to 10) relationships of ``supports``,
        ``derived_from``, ``cites`` and ``elaborates`` away, whichever way they point. It is one
        recursive query with a bound, as in :meth:`get_neighbors`.
        """
        key = valid.text(node_id, "node_id")
        steps = valid.integer(depth, "depth", most=DEEPEST)
        workspace = _workspace(workspace_id)
        row_limit = valid.limit(limit)
        bound = valid.integer(most, "most", least=1)
        async with self._database.read() as connection:
            found = self._queries.find_contradictions(
                connection,
                node_id=key,
                depth=steps,
                workspace_id=workspace,
                most=bound + 1,
                row_limit=min(row_limit + 1, valid.LARGEST_INTEGER),
            )
            rows: list[dict[str, Any]] = [dict(row) async for row in found]
        pairs = [
            record_of(Contradiction, **{name: row[name] for name in Contradiction.__slots__})
            for row in rows
            if row["node_id"] is not None
        ]
        page, has_more = split_page(pairs, row_limit)
        is_complete = all(row["visited"] <= bound for row in rows)
        return Contradictions(page, is_complete and not has_more)

    # Grants

    async def save_access_grant(
        self,
        item_id: str,
        grantee_type: GranteeType,
        grantee_id: str,
        permissions: Iterable[str] = ("read",),
        *,
        granted_by: str | None = None,
        expires_at: datetime | None = None,
        workspace_id: str | None = None,
    ) -> str:
        """Let somebody see a node, or say anew how, and return the id of the grant.

        There must be ``permissions``; only with ``read`` among them searches find the node.
        ``expires_at`` is an aware time, by the clock of the database. Raises
        :class:`~aragora_sql.errors.NodeNotFoundError`.
        """
        key = valid.key(item_id, "item_id")
        allowed = valid.names(permissions, "permissions")
        if not allowed:
            raise InvalidInputError("permissions", "must not be empty")
        row: dict[str, Any] = {
            "grantee_type": valid.choice(grantee_type, "grantee_type", GRANTEE_TYPES),
            "grantee_id": valid.key(grantee_id, "grantee_id"),
            "permissions": valid.array(allowed, "permissions"),
            "granted_by": valid.optional(granted_by, "granted_by", valid.key),
            "expires_at": valid.optional(expires_at, "expires_at", valid.timestamp),
            "workspace_id": _workspace(workspace_id),
        }
        async with self._database.connection() as connection:
            grant = await self._queries.save_grant(
                connection, id=prefixed_id("grant_"), item_id=key, granted_at=utc_now(), **row
            )
        if grant is None:
            raise NodeNotFoundError(key, "item_id")
        return grant

    async def get_access_grants(
        self,
        item_id: str,
        limit: int = 1000,
        *,
        workspace_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[AccessGrant]:
        """Return the grants of a node by their ids, also those that have expired."""
        key = valid.text(item_id, "item_id")
        page = _grant_page(limit, workspace_id, after)
        async with self._database.read() as connection:
            return await _grants(self._queries.list_grants(connection, item_id=key, **page))

    async def get_grants_for_grantee(
        self,
        grantee_id: str,
        grantee_type: GranteeType | None = None,
        limit: int = 1000,
        *,
        workspace_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[AccessGrant]:
        """Return the grants to somebody that have not expired, by their ids."""
        key = valid.text(grantee_id, "grantee_id")
        word = valid.optional(grantee_type, "grantee_type", _grantee_type)
        page = _grant_page(limit, workspace_id, after)
        async with self._database.read() as connection:
            return await _grants(
                self._queries.list_grants_to(connection, grantee_id=key, grantee_type=word, **page)
            )

    async def get_grants_by_grantor(
        self,
        shared_by: str,
        workspace_id: str | None = None,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
    ) -> list[AccessGrant]:
        """Return the grants that somebody gave by their ids, also those that have expired."""
        key = valid.text(shared_by, "shared_by")
        page = _grant_page(limit, workspace_id, after)
        async with self._database.read() as connection:
            return await _grants(self._queries.list_grants_by(connection, granted_by=key, **page))

    async def delete_access_grant(
        self,
        item_id: str,
        grantee_id: str,
        grantee_type: GranteeType | None = None,
        *,
        workspace_id: str | None = None,
    ) -> bool:
        """Take away what was granted to somebody; False when nothing was."""
        key = valid.text(item_id, "item_id")
        grantee = valid.text(grantee_id, "grantee_id")
        word = valid.optional(grantee_type, "grantee_type", _grantee_type)
        workspace = _workspace(workspace_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_grant(
                    connection,
                    item_id=key,
                    grantee_id=grantee,
                    grantee_type=word,
                    workspace_id=workspace,
                )
            )

    async def cleanup_expired(self) -> int:
        """Delete the grants that have expired in small transactions; return how many there were."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_grants(connection, row_limit=BATCH)

        return await in_batches(batch)

    # Archive

    async def archive_node(
        self,
        node_id: str,
        *,
        archived_by: str | None = None,
        reason: str | None = None,
        workspace_id: str | None = None,
    ) -> bool:
        """Move a node to the archive with its topics, vector, provenance and relationships.

        False when there is none. It is one transaction. Grants are not kept.
        """
        key = valid.text(node_id, "node_id")
        who = valid.optional_text(archived_by, "archived_by")
        why = valid.optional_text(reason, "reason")
        workspace = _workspace(workspace_id)
        async with self._database.transaction() as connection:
            return bool(await self._archive(connection, [key], workspace, who, why))

    async def _archive(
        self,
        connection: Connection,
        ids: list[str],
        workspace: str | None,
        archived_by: str | None,
        reason: str | None,
    ) -> int:
        held = self._queries.lock_nodes(connection, node_ids=ids, workspace_id=workspace)
        ids = [row["id"] async for row in held]
        if not ids:
            return 0
        nodes = await self._nodes(connection, ids)
        sources = await self._sources(connection, ids)
        stored = self._queries.list_node_vectors(connection, node_ids=ids)
        vectors = {row["node_id"]: row["vector"] async for row in stored}
        links: dict[str, list[Any]] = {key: [] for key in ids}
        rows = self._queries.list_links(
            connection, node_ids=ids, types=None, workspace_id=None, row_limit=valid.LARGEST_INTEGER
        )
        async for row in rows:
            link = record_of(KnowledgeRelationship, **row)
            for key in dict.fromkeys((link.from_node_id, link.to_node_id)):
                if key in links:
                    links[key].append(link.to_dict())
        at = utc_now()
        archived: list[InsertArchivedParameters] = []
        for node in nodes:
            source = sources.get(node.id)
            document = {
                "node": node.to_dict(),
                "provenance": None if source is None else source.to_dict(),
                "relationships": links[node.id],
                "vector": vectors.get(node.id),
            }
            archived.append(
                {
                    "id": prefixed_id(f"arch_{node.id}_"),
                    "original_id": node.id,
                    "workspace_id": node.workspace_id,
                    "content": node.content,
                    "source": None if source is None else source.source_type,
                    "source_id": None if source is None else source.source_id,
                    "importance": node.confidence,
                    "metadata": valid.document(node.metadata, "metadata"),
                    "document": valid.document(document, "document"),
                    "created_at": node.created_at,
                    "updated_at": node.updated_at,
                    "archived_at": at,
                    "archived_by": archived_by,
                    "reason": reason,
                }
            )
        await self._queries.insert_archived(connection, archived)
        return await self._queries.delete_nodes(connection, node_ids=ids, workspace_id=None)

    async def restore_archived_node(
        self, original_id: str, workspace_id: str, *, unowned: bool = False
    ) -> bool:
        """Move the newest of a node in the archive back; False when the workspace has none.

        With ``unowned`` also one of an older system that names no workspace.

        Relationships come back where the other node is there, or with it when it is in the archive.
        Raises :class:`~aragora_sql.errors.AlreadyTakenError` when a node has the id or the content.
        """
        key = valid.text(original_id, "original_id")
        workspace = checked_workspace(workspace_id)
        any_owner = valid.boolean(unowned, "unowned")
        async with self._database.transaction() as connection:
            # Before anything is taken: two that are linked may be restored at once.
            held = self._queries.lock_archived(
                connection, original_id=key, workspace_id=workspace, unowned=any_owner
            )
            if not [one async for one in held]:
                return False
            row = await self._queries.take_archived(
                connection, original_id=key, workspace_id=workspace, unowned=any_owner
            )
            if row is None:
                return False
            document = row["document"]
            if "node" in document:
                node = KnowledgeNode.from_dict(document["node"])
                values, topics = row_of(node), node.topics
            else:
                # Of an older system, which kept little.
                topics = []
                values = node_parameters(
                    {
                        "id": key,
                        "workspace_id": workspace,
                        "content": row["content"],
                        "confidence": min(max(row["importance"] or 0.0, 0.0), 1.0),
                        "metadata": row["metadata"],
                        "created_at": row["created_at"],
                    },
                    "archived",
                )
            if await self._queries.insert_node(connection, **values) is None:
                raise AlreadyTakenError("original_id", "a node has this id, or its content")
            await self._queries.add_topics(connection, node_id=key, topics=topics)
            await self._put_vector(connection, key, document.get("vector"))
            links = map(KnowledgeRelationship.from_dict, document.get("relationships", ()))
            # A link holds the node at its other end: in the order in which those who archive nodes
            # do, and before provenance, which goes with its node.
            for link in sorted(links, key=lambda link: (_other_end(link, key), link.id)):
                await self._restore_link(connection, key, link)
            if document.get("provenance"):
                source = NodeProvenance.from_dict(document["provenance"])
                await self._restore_source(connection, source)
        return True

    async def _restore_link(
        self, connection: Connection, key: str, link: KnowledgeRelationship
    ) -> None:
        values = dict(link) | {"metadata": valid.document(link.metadata, "metadata")}
        # Where the other node is in the archive too, the link waits there. One that is not there
        # (any more) may just have been restored.
        other = _other_end(link, key)
        link_id = await self._queries.save_relationship(connection, workspace_id=None, **values)
        if link_id is None and not await self._queries.keep_link(
            connection, original_id=other, link=valid.document(link.to_dict(), "link")
        ):
            await self._queries.save_relationship(connection, workspace_id=None, **values)

    async def _restore_source(self, connection: Connection, source: NodeProvenance) -> None:
        values: dict[str, Any] = dict(source)
        values["transformations"] = valid.array(source.transformations, "transformations")
        # What it was made from may be gone.
        try:
            async with self._database.transaction() as attempt:
                await self._queries.insert_provenance(attempt, **values)
        except MissingParentError:
            await self._queries.insert_provenance(
                connection, **{**values, "parent_provenance_id": None}
            )

    # Upkeep

    async def refresh_staleness(self, workspace_id: str) -> int:
        """Compute how outdated the nodes of a workspace are; return how many scores changed.

        The score is the sum of::

            0.4 * min(1, age / (2 * threshold))    since the node was updated or validated
            0.3 * min(1, contradicting / 3)        newer nodes that contradict it
            0.2 * min(1, evidence / 5)             nodes of the last 7 days that support it, or are
                                                   derived from what it says
            0.1 * 0.8                              when another node supersedes it

        The threshold is 1 hour, 1 day, 7 days or 30 days for a fast, medium, slow or glacial node.
        From 0.8 on it is marked for validation. It works in small transactions.
        """
        workspace = checked_workspace(workspace_id)
        at = utc_now()
        last, total = "", 0
        while True:
            page = await self.get_nodes_by_content_hash(workspace, BATCH, after=last)
            if not page:
                return total
            last = next(reversed(page))
            async with self._database.connection() as connection:
                total += await self._queries.score_staleness(
                    connection,
                    node_ids=[key for keys in page.values() for key in keys],
                    at_time=at,
                    since=at - timedelta(days=EVIDENCE_DAYS),
                )

    async def adjust_tiers(self, workspace_id: str) -> int:
        """Move nodes of a workspace by one tier each; return how many moved.

        To the faster one with a surprise above 0.7 and more than 5 updates; to the slower one with
        a stability (1 - surprise) above 0.8 and a consolidation above 0.5.
        """
        workspace = checked_workspace(workspace_id)
        async with self._database.connection() as connection:
            return await self._queries.adjust_tiers(connection, workspace_id=workspace)

    async def prune_nodes(
        self,
        workspace_id: str,
        action: PruneAction = "archive",
        *,
        min_staleness: float = 0.9,
        min_age_days: float = 30.0,
        limit: int = BATCH,
        policy_id: str | None = None,
        reason: str | None = None,
        executed_by: str | None = None,
    ) -> PruneRecord:
        """Archive, delete, demote by one tier or flag what is outdated; return what was done.

        That are nodes with a staleness of ``min_staleness`` (0 to 1) and an age of
        ``min_age_days``, at most ``limit`` of them, the most outdated first; glacial ones never.
        It is one transaction, which stores the record too, and leaves out what another one holds.
        Archive, delete and flag again until it finds fewer. What is demoted stays as outdated as it
        was until :meth:`refresh_staleness`: each call moves it once more, so give one a ``limit``
        for all.
        """
        workspace = checked_workspace(workspace_id)
        word = valid.choice(action, "action", PRUNE_ACTIONS)
        least = valid.fraction(min_staleness, "min_staleness")
        now = utc_now()
        made_before = age_limit(min_age_days, now, "min_age_days")
        row_limit = valid.limit(limit)
        row = _prune_row(workspace, word, policy_id, reason, executed_by, now)
        async with self._database.transaction() as connection:
            found = self._queries.list_prunable(
                connection,
                workspace_id=workspace,
                min_staleness=least,
                made_before=made_before,
                unflagged=word == "flag",
                row_limit=row_limit,
            )
            ids = [one["id"] async for one in found]
            if word == "archive":
                await self._archive(connection, ids, workspace, executed_by, reason)
            elif word == "delete":
                await self._queries.delete_nodes(connection, node_ids=ids, workspace_id=workspace)
            else:
                await self._queries.mark_nodes(
                    connection, node_ids=ids, is_demoted=word == "demote"
                )
            return await self._insert_prune(connection, row, ids)

    async def save_prune_history(
        self,
        workspace_id: str,
        action: PruneAction,
        pruned_item_ids: Iterable[str],
        *,
        policy_id: str | None = None,
        reason: str | None = None,
        executed_by: str | None = None,
        executed_at: datetime | None = None,
    ) -> PruneRecord:
        """Store what a clean-up of the application's own did."""
        workspace = checked_workspace(workspace_id)
        word = valid.choice(action, "action", PRUNE_ACTIONS)
        ids = valid.names(pruned_item_ids, "pruned_item_ids")
        at = valid.timestamp_or_now(executed_at, "executed_at")
        row = _prune_row(workspace, word, policy_id, reason, executed_by, at)
        async with self._database.connection() as connection:
            return await self._insert_prune(connection, row, ids)

    async def _insert_prune(
        self, connection: Connection, row: dict[str, Any], ids: list[str]
    ) -> PruneRecord:
        record = PruneRecord(
            id=prefixed_id("prune_"), items_pruned=len(ids), pruned_item_ids=ids, **row
        )
        encoded = valid.array(ids, "pruned_item_ids")
        values: dict[str, Any] = dict(record)
        await self._queries.insert_prune(connection, **values | {"pruned_item_ids": encoded})
        return record

    async def get_prune_history(
        self,
        workspace_id: str,
        limit: int = 50,
        since: datetime | None = None,
        *,
        after: LastRow | None = None,
    ) -> list[PruneRecord]:
        """Return the clean-ups of a workspace, newest first."""
        workspace = checked_workspace(workspace_id)
        page = newest_page(limit, after, order="executed_at")
        first = valid.optional(since, "since", valid.timestamp) or FIRST_TIMESTAMP
        async with self._database.read() as connection:
            rows = self._queries.list_prunes(
                connection, workspace_id=workspace, since=first, **page
            )
            return [record_of(PruneRecord, **row) async for row in rows]


def _other_end(link: KnowledgeRelationship, key: str) -> str:
    return link.to_node_id if link.from_node_id == key else link.from_node_id


def _workspace(value: Any) -> str | None:
    return valid.optional(value, "workspace_id", checked_workspace)


def _tier(value: Any, argument: str = "tier") -> Tier | None:
    return None if value is None else valid.choice(value, argument, TIERS)


def _status(value: Any, argument: str) -> ValidationStatus:
    return valid.choice(value, argument, VALIDATION_STATUSES)


def _relationship_type(value: Any, argument: str) -> RelationshipType:
    return valid.choice(value, argument, RELATIONSHIP_TYPES)


def _grantee_type(value: Any, argument: str) -> GranteeType:
    return valid.choice(value, argument, GRANTEE_TYPES)


def _actor(actor_id: Any, workspace_id: Any, org_id: Any, roles: Iterable[str]) -> dict[str, Any]:
    return {
        "guarded": True,
        "actor_id": valid.key(actor_id, "actor_id"),
        "actor_roles": valid.texts(roles, "actor_roles"),
        "actor_workspace_id": checked_workspace(workspace_id, "actor_workspace_id"),
        "actor_org_id": valid.optional(org_id, "actor_org_id", valid.key),
    }


def _plain(found: FoundNode) -> KnowledgeNode:
    values = {one.name: found[one.name] for one in fields(KnowledgeNode)}
    return record_of(KnowledgeNode, **values)


def _filters(value: Any, argument: str = "filters") -> dict[str, Any]:
    given = {} if value is None else mapping(value, argument)
    checks: dict[str, Any] = {
        "node_types": valid.texts,
        "min_confidence": valid.fraction,
        "tier": _tier,
    }
    for name in given:
        if name not in checks:
            raise InvalidInputError(argument, f"may have {', '.join(checks)} only")
    chosen = {
        name: valid.optional(given.get(name), f"{argument}.{name}", check)
        for name, check in checks.items()
    }
    return chosen | {"min_confidence": chosen["min_confidence"] or 0.0}


def _page_of(order: NodeOrder, after: LastRow | None, *, is_down: bool) -> dict[str, Any]:
    """Return where a page of nodes in an order begins."""
    number = FARTHEST if is_down else -FARTHEST
    moment = LAST_TIMESTAMP if is_down else FIRST_TIMESTAMP
    if order in {"created_at", "updated_at"}:
        moment, last = key_of(
            after, {order: valid.timestamp_or_text, "id": valid.text}, (moment, "")
        )
        number = 0.0 if after is not None else number
    elif order == "id":
        (last,) = key_of(after, {"id": valid.text}, ("",))
        number = 0.0 if after is not None else number
    else:
        number, last = key_of(after, {order: valid.number, "id": valid.text}, (number, ""))
    return {"after_number": number, "after_timestamp": moment, "after_id": last}


def _grant_page(limit: int, workspace_id: str | None, after: LastRow | None) -> dict[str, Any]:
    (last,) = key_of(after, {"id": valid.text}, ("",))
    return {
        "workspace_id": _workspace(workspace_id),
        "after_id": last,
        "row_limit": valid.limit(limit),
    }


async def _grants(rows: AsyncIterator[Any]) -> list[AccessGrant]:
    return [record_of(AccessGrant, **row) async for row in rows]


def _prune_row(
    workspace: str, action: PruneAction, policy_id: Any, reason: Any, executed_by: Any, at: datetime
) -> dict[str, Any]:
    return {
        "workspace_id": workspace,
        "action": action,
        "policy_id": valid.optional_text(policy_id, "policy_id"),
        "reason": valid.optional_text(reason, "reason"),
        "executed_by": valid.optional_text(executed_by, "executed_by"),
        "executed_at": at,
    }
