"""Facts of workspaces: statements with evidence, found by words, related to each other.

Its queries: ``sql/postgres/facts/queries.sql`` and ``sql/sqlite/facts/queries.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import AlreadyTakenError, FactNotFoundError, SupersessionCycleError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.facts.records import (
    RELATION_TYPES,
    STATUSES,
    VERIFIED,
    Fact,
    FactFilters,
    FactRelation,
    FactRelationType,
    FactStatistics,
    FactStatus,
    FoundFact,
    checked_filters,
    statement_hash,
)
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, any_term
from aragora_sql.stores.terms import document_terms, search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.facts import FactsQueries

__all__ = ["FactStore"]

# Facts that a search ranks: the surest of those that match.
MOST_RANKED = 1000


class FactStore(Store):
    """Keeps facts; a workspace has each statement once, whatever its case and blanks.

    With ``workspace_id`` a method sees the facts of that workspace only.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "facts"
    _queries: FactsQueries

    async def add_fact(
        self,
        statement: str,
        workspace_id: str,
        evidence_ids: Iterable[str] | None = None,
        source_documents: Iterable[str] | None = None,
        confidence: float = 0.5,
        topics: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        validation_status: FactStatus = "unverified",
        deduplicate: bool = True,
    ) -> Fact:
        """Store a fact and return it; one of the workspace with the statement is returned as it is.

        ``confidence`` is from 0 to 1. Without ``deduplicate`` a statement that is there is an
        :class:`~aragora_sql.errors.AlreadyTakenError`.
        """
        text = valid.identifier(statement, "statement")
        named = valid.texts(topics, "topics")
        digits = statement_hash(text)
        row: dict[str, Any] = {
            "id": prefixed_id("fact_"),
            "workspace_id": valid.key(workspace_id, "workspace_id"),
            "statement": text,
            "statement_hash": digits,
            "statement_terms": document_terms(text),
            "confidence": valid.fraction(confidence, "confidence"),
            "evidence_ids": _texts(evidence_ids, "evidence_ids"),
            "source_documents": _texts(source_documents, "source_documents"),
            "topics": valid.array(named, "topics"),
            "topic_terms": document_terms(*named),
            "metadata": valid.document(metadata, "metadata"),
            "validation_status": valid.choice(validation_status, "validation_status", STATUSES),
            "created_at": utc_now(),
        }
        is_shared = valid.boolean(deduplicate, "deduplicate")
        async with self._database.connection() as connection:
            while True:
                stored = await self._queries.insert_fact(connection, **row)
                if stored is not None:
                    return record_of(Fact, **stored)
                if not is_shared:
                    raise AlreadyTakenError("statement", "is a fact of this workspace already")
                # It may have been deleted since.
                found = await self._queries.find_fact(
                    connection, workspace_id=row["workspace_id"], statement_hash=digits
                )
                if found is not None:
                    return record_of(Fact, **found)

    async def get_fact(self, fact_id: str, *, workspace_id: str | None = None) -> Fact | None:
        """Return a fact, or None."""
        key = valid.text(fact_id, "fact_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.read() as connection:
            return await self._fact(connection, key, workspace)

    async def _fact(
        self, connection: Connection, fact_id: str, workspace_id: str | None
    ) -> Fact | None:
        row = await self._queries.get_fact(connection, fact_id=fact_id, workspace_id=workspace_id)
        return None if row is None else record_of(Fact, **row)

    async def update_fact(
        self,
        fact_id: str,
        confidence: float | None = None,
        validation_status: FactStatus | None = None,
        consensus_proof_id: str | None = None,
        evidence_ids: Iterable[str] | None = None,
        topics: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        superseded_by: str | None = None,
        *,
        workspace_id: str | None = None,
    ) -> Fact | None:
        """Change what is not None of a fact and return it; None when there is none.

        ``superseded_by`` is a fact that takes its place. Raises
        :class:`~aragora_sql.errors.FactNotFoundError` when that is not there, and
        :class:`~aragora_sql.errors.SupersessionCycleError` when this fact supersedes it, itself or
        over others.
        """
        key = valid.text(fact_id, "fact_id")
        named = None if topics is None else valid.texts(topics, "topics")
        newer = valid.optional(superseded_by, "superseded_by", valid.key)
        row: dict[str, Any] = {
            "fact_id": key,
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
            "confidence": valid.optional(confidence, "confidence", valid.fraction),
            "validation_status": valid.optional(validation_status, "validation_status", _status),
            "consensus_proof_id": valid.optional(
                consensus_proof_id, "consensus_proof_id", valid.key
            ),
            "evidence_ids": valid.optional(evidence_ids, "evidence_ids", _texts),
            "topics": None if named is None else valid.array(named, "topics"),
            "topic_terms": None if named is None else document_terms(*named),
            "metadata": valid.optional(metadata, "metadata", valid.document),
            "superseded_by": newer,
            "updated_at": utc_now(),
        }
        if newer is None:
            async with self._database.connection() as connection:
                stored = await self._queries.update_fact(connection, **row)
        else:
            async with self._database.transaction() as connection:
                await self._refuse_circle(connection, newer, key, "superseded_by")
                # Looked for under the lock: it is not deleted meanwhile.
                if await self._fact(connection, newer, row["workspace_id"]) is None:
                    raise FactNotFoundError(newer, "superseded_by")
                stored = await self._queries.update_fact(connection, **row)
        return None if stored is None else record_of(Fact, **stored)

    async def _refuse_circle(
        self, connection: Connection, newer: str, older: str, argument: str
    ) -> None:
        """Raise when the older one supersedes the newer one; nobody else may say so meanwhile."""
        await self._queries.hold_supersessions(connection, held="supersede")
        if await self._queries.is_superseded(connection, fact_id=newer, newer_id=older):
            raise SupersessionCycleError(newer, older, argument)

    async def delete_fact(self, fact_id: str, *, workspace_id: str | None = None) -> bool:
        """Delete a fact with its relations; False when there is none.

        What it superseded is superseded by what supersedes it, or else by nothing any more.
        """
        row: dict[str, Any] = {
            "fact_id": valid.text(fact_id, "fact_id"),
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
        }
        async with self._database.transaction() as connection:
            # Nobody may say meanwhile that it supersedes another one.
            await self._queries.hold_supersessions(connection, held="supersede")
            await self._queries.hand_over_superseded(connection, updated_at=utc_now(), **row)
            return bool(await self._queries.delete_fact(connection, **row))

    async def query_facts(
        self,
        query: str,
        filters: FactFilters | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Fact | FoundFact]:
        """Return the facts in whose statement or topics words are, those with most of them first.

        Of these the surest come first, then the newest. Words are compared without case and
        accents; the first 16 count. ``filters``: :class:`FactFilters`. Without a query it is
        :meth:`list_facts`, of ``limit`` facts from the first one on. Where very many facts match,
        the 1,000 surest are ranked.
        """
        asked = valid.text(query, "query")
        chosen = checked_filters(filters)
        row_limit, row_offset = valid.limit(limit), valid.limit(offset, "offset")
        if not asked.strip():
            most = min(row_offset + row_limit, valid.LARGEST_INTEGER)
            return list((await self.list_facts(filters, most))[row_offset:])
        terms = search_terms(asked)[:MOST_SEARCH_TERMS]
        if not terms:
            return []
        async with self._database.read() as connection:
            rows = self._queries.search_facts(
                connection,
                expression=any_term(terms),
                terms=terms,
                most=MOST_RANKED,
                row_limit=row_limit,
                row_offset=row_offset,
                **chosen,
            )
            return [record_of(FoundFact, **row) async for row in rows]

    async def list_facts(
        self,
        filters: FactFilters | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[Fact]:
        """Return a page of facts, the surest first, then the newest.

        ``filters``: :class:`FactFilters`; ``after`` is the last row of the page before.
        """
        chosen = checked_filters(filters)
        confidence, timestamp, last = key_of(
            after,
            {
                "confidence": valid.fraction,
                "created_at": valid.timestamp_or_text,
                "id": valid.text,
            },
            (2.0, LAST_TIMESTAMP, ""),
        )
        page: dict[str, Any] = {
            "after_confidence": confidence,
            "after_timestamp": timestamp,
            "after_id": last,
            "row_limit": valid.limit(limit),
        }
        async with self._database.read() as connection:
            if chosen["workspace_id"] is None:
                del chosen["workspace_id"]
                rows: AsyncIterator[Any] = self._queries.list_facts(connection, **chosen, **page)
            else:
                rows = self._queries.list_workspace_facts(connection, **chosen, **page)
            return [record_of(Fact, **row) async for row in rows]

    async def get_contradictions(
        self, fact_id: str, limit: int = 100, *, workspace_id: str | None = None
    ) -> list[Fact]:
        """Return the facts that contradict a fact, or that it contradicts, the surest first.

        Those that another fact supersedes are left out.
        """
        key = valid.text(fact_id, "fact_id")
        row_limit = valid.limit(limit)
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.read() as connection:
            rows = self._queries.list_contradictions(
                connection, fact_id=key, workspace_id=workspace, row_limit=row_limit
            )
            return [record_of(Fact, **row) async for row in rows]

    async def add_relation(
        self,
        source_fact_id: str,
        target_fact_id: str,
        relation_type: FactRelationType,
        confidence: float = 0.5,
        created_by: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        workspace_id: str | None = None,
    ) -> FactRelation:
        """Say how a fact is related to another one; ``confidence`` is from 0 to 1.

        Raises :class:`~aragora_sql.errors.FactNotFoundError`, and
        :class:`~aragora_sql.errors.SupersessionCycleError` for a fact that is to supersede one that
        supersedes it, itself or over others.
        """
        row: dict[str, Any] = {
            "id": prefixed_id("rel_"),
            "source_fact_id": valid.key(source_fact_id, "source_fact_id"),
            "target_fact_id": valid.key(target_fact_id, "target_fact_id"),
            "relation_type": valid.choice(relation_type, "relation_type", RELATION_TYPES),
            "confidence": valid.fraction(confidence, "confidence"),
            "created_by": valid.optional_text(created_by, "created_by") or None,
            "metadata": valid.document(metadata, "metadata"),
            "created_at": utc_now(),
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
        }
        source, target = row["source_fact_id"], row["target_fact_id"]
        if row["relation_type"] == "supersedes":
            async with self._database.transaction() as connection:
                await self._refuse_circle(connection, source, target, "target_fact_id")
                stored = await self._queries.insert_relation(connection, **row)
        else:
            async with self._database.connection() as connection:
                stored = await self._queries.insert_relation(connection, **row)
        if stored is None:
            there = await self.get_fact(source, workspace_id=row["workspace_id"])
            missing = "source_fact_id" if there is None else "target_fact_id"
            raise FactNotFoundError(row[missing], missing)
        return record_of(FactRelation, **stored)

    async def get_relations(
        self,
        fact_id: str,
        relation_type: FactRelationType | None = None,
        as_source: bool = True,
        as_target: bool = True,
        limit: int = 1000,
        *,
        workspace_id: str | None = None,
    ) -> list[FactRelation]:
        """Return the relations from and to a fact, the oldest first."""
        key = valid.text(fact_id, "fact_id")
        word = valid.optional(relation_type, "relation_type", _relation_type)
        from_it = valid.boolean(as_source, "as_source")
        to_it = valid.boolean(as_target, "as_target")
        row_limit = valid.limit(limit)
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.read() as connection:
            rows = self._queries.list_relations(
                connection,
                fact_id=key,
                relation_type=word,
                as_source=from_it,
                as_target=to_it,
                workspace_id=workspace,
                row_limit=row_limit,
            )
            return [record_of(FactRelation, **row) async for row in rows]

    async def get_statistics(self, workspace_id: str | None = None) -> FactStatistics:
        """Return counts of a workspace, or of all."""
        workspace = valid.optional_text(workspace_id, "workspace_id")
        by_status: dict[str, int] = {}
        confidence = 0.0
        async with self._database.read() as connection:
            async for row in self._queries.count_facts(connection, workspace_id=workspace):
                by_status[row["validation_status"]] = row["total"]
                confidence += row["confidence"]
            relations = await self._queries.count_relations(connection, workspace_id=workspace)
        total = sum(by_status.values())
        return {
            "total_facts": total,
            "verified_facts": sum(by_status.get(word, 0) for word in VERIFIED),
            "by_status": by_status,
            "average_confidence": confidence / total if total else 0.0,
            "total_relations": relations,
        }


def _texts(value: Any, argument: str) -> Any:
    return valid.array(valid.texts(value, argument), argument)


def _status(value: Any, argument: str) -> FactStatus:
    return valid.choice(value, argument, STATUSES)


def _relation_type(value: Any, argument: str) -> FactRelationType:
    return valid.choice(value, argument, RELATION_TYPES)
