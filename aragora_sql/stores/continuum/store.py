"""Continuum memory: entries in four tiers that fade at different speeds.

Its queries: ``sql/postgres/continuum/queries.sql`` and ``sql/sqlite/continuum/queries.sql``. The
tiers and the rules of learning: :mod:`aragora_sql.stores.continuum.tiers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import dump_json, utc_now
from aragora_sql.errors import (
    InvalidInputError,
    RedLineError,
    TenantMismatchError,
    TenantRequiredError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.continuum.hooks import (
    EventEmitter,
    KnowledgeStore,
    Outcome,
    OutcomeHook,
    PatternFeedback,
)
from aragora_sql.stores.continuum.records import (
    ArchivedEntry,
    ArchiveReason,
    CleanupCounts,
    ContinuumArchiveStats,
    ContinuumEntry,
    ContinuumStats,
    Deletion,
    HybridMatch,
    NewEntry,
    RestoreCounts,
    RetrievedEntry,
    TierStats,
    TierTransition,
    Timeline,
    content_terms,
    new_entry,
)
from aragora_sql.stores.continuum.snapshots import (
    MERGE_MODES,
    SNAPSHOT_VERSION,
    MergeMode,
    entry_row,
    merged,
    snapshot_entries,
    snapshot_parameters,
)
from aragora_sql.stores.continuum.tiers import (
    MIN_UPDATES,
    TIER_SETTINGS,
    TIERS,
    ContinuumParameters,
    MemoryTier,
    TierWord,
    checked_tier,
    checked_tiers,
    faster,
    slower,
)
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms, any_term
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
    from aragora_sql.queries.typed.continuum import (
        ContinuumQueries,
        LockEntriesRow,
        PutReferencesParameters,
        PutVectorParameters,
    )

__all__ = ["ContinuumMemory"]

Tier = MemoryTier | TierWord

BATCH = 1000
# How many entries of each band of a tier are ranked at first, and then, while the best are not
# proved to be among them.
REACHES = (8, 256, 2048)
# A term that fewer entries have is rare: all of them are ranked. A search that finds fewer has
# found all, and none was left out.
MOST_MATCHES = 5000
KNOWLEDGE_IMPORTANCE = 0.7


class ContinuumMemory(Store):
    """Stores entries in four tiers, moves them by their outcomes, and recalls the best ones.

    ``parameters`` belong to this object alone. ``event_emitter`` is called with the name of an
    event (``memory_tier_promotion``, ``memory_tier_demotion``) and its data, ``knowledge`` gets
    important entries; both after the commit.

    Where a method takes ``tenant_id``, None means entries of all tenants. A change of an entry of
    another tenant raises :class:`~aragora_sql.errors.TenantMismatchError`, one of a red-lined
    entry :class:`~aragora_sql.errors.RedLineError`; other bad arguments
    :class:`~aragora_sql.errors.InvalidInputError`. Nothing is written then.
    """

    name = "continuum"
    _queries: ContinuumQueries

    def __init__(
        self,
        database: Database,
        *,
        parameters: ContinuumParameters | None = None,
        event_emitter: EventEmitter | None = None,
        knowledge: KnowledgeStore | None = None,
    ) -> None:
        super().__init__(database)
        self.parameters = parameters or ContinuumParameters()
        self._emit = event_emitter
        self._knowledge = knowledge
        self._hooks: list[OutcomeHook] = []
        self._feedback: PatternFeedback | None = None

    # Entries

    async def add(
        self,
        memory_id: str,
        content: str,
        tier: Tier = "slow",
        importance: float = 0.5,
        metadata: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
        *,
        expires_at: datetime | None = None,
        cross_references: Iterable[str] | None = None,
        vector: Iterable[float] | None = None,
    ) -> ContinuumEntry:
        """Store an entry and return it.

        Of one that is there already, content, tier, importance, metadata and expiry are replaced;
        it keeps its scores, counters, time of creation, and references and vector when none are
        given. ``importance`` is from 0 to 1. ``vector`` is any list of numbers; it is scaled to
        length 1. After ``expires_at`` it is not retrieved.
        """
        entry: NewEntry = {
            "memory_id": memory_id,
            "content": content,
            "tier": tier,
            "importance": importance,
            "metadata": metadata,
            "tenant_id": tenant_id,
            "expires_at": expires_at,
            "cross_references": cross_references,
            "vector": vector,
        }
        (added,) = await self._add([("", entry)])
        return added

    async def store(
        self,
        key: str,
        content: str,
        tier: Tier = "slow",
        importance: float = 0.5,
        metadata: Mapping[str, Any] | None = None,
    ) -> ContinuumEntry:
        """Store an entry under ``key``; see :meth:`add`."""
        return await self.add(valid.key(key, "key"), content, tier, importance, metadata)

    async def add_many(self, entries: Iterable[NewEntry]) -> list[ContinuumEntry]:
        """Store entries, all or none, and return them in their order.

        Each is a mapping with the arguments of :meth:`add`; an id may be in them once.
        """
        listed = []
        for number, entry in enumerate(valid.items(entries, "entries")):
            path = f"entries[{number}]"
            if not isinstance(entry, Mapping):
                raise InvalidInputError(path, f"must be a dictionary, not {type(entry).__name__}")
            listed.append((f"{path}.", entry))
        return await self._add(listed) if listed else []

    async def _add(self, entries: list[tuple[str, Any]]) -> list[ContinuumEntry]:
        now = utc_now()
        prepared = []
        paths: dict[str, str] = {}
        for path, entry in entries:
            try:
                checked = new_entry(path, **{"stored_at": now, **entry})
            except TypeError as error:
                problem = str(error).partition("() ")[2] or str(error)
                raise InvalidInputError(path.rstrip(".") or "entry", problem) from error
            if checked[0].id in paths:
                raise InvalidInputError(f"{path}memory_id", f"{checked[0].id!r} is there twice")
            paths[checked[0].id] = path
            prepared.append(checked)
        rows = [row for _, row in prepared]
        ids = list(paths)
        async with self._database.transaction() as connection:
            await self._check_replaceable(connection, rows, paths)
            moves = [
                {"id": row["id"], "to_tier": row["tier"], "reason": "stored", "promoted": False}
                for row in rows
            ]
            await self._queries.record_moves(
                connection, moves=dump_json(moves, "moves"), moved_at=now
            )
            if await self._queries.add_entries(connection, rows) != len(rows):
                # somebody stored or protected one of them since
                await self._check_replaceable(connection, rows, paths)
            references = {
                one.id: one.cross_references
                for one, _ in prepared
                if one.cross_references is not None
            }
            await self._put_references(connection, references)
            await self._put_vectors(connection, {one.id: one.vector for one, _ in prepared})
            found = self._queries.get_entries(connection, entry_ids=ids, tenant_id=None)
            added = {row["id"]: record_of(ContinuumEntry, **row) async for row in found}
        result = [added[memory_id] for memory_id in ids]
        if self._knowledge is not None:
            for entry in result:
                if entry.importance >= KNOWLEDGE_IMPORTANCE:
                    await self._knowledge.store_memory(entry)
        return result

    async def _check_replaceable(
        self, connection: Connection, rows: Iterable[Mapping[str, Any]], paths: Mapping[str, str]
    ) -> None:
        """Lock the entries that are there already; raise unless all may be replaced."""
        tenants = {row["id"]: row["tenant_id"] for row in rows}
        locked = self._queries.lock_entries(connection, entry_ids=list(tenants))
        async for row in locked:
            path = paths[row["id"]]
            if row["tenant_id"] != tenants[row["id"]]:
                raise TenantMismatchError(row["id"], f"{path}tenant_id")
            if row["red_line"]:
                raise RedLineError(row["id"], row["red_line_reason"], f"{path}memory_id")

    async def _put_references(
        self, connection: Connection, references: Mapping[str, list[str]]
    ) -> None:
        if not references:
            return
        await self._queries.delete_references(connection, entry_ids=list(references))
        pairs: list[PutReferencesParameters] = [
            {"memory_id": memory_id, "node_id": node}
            for memory_id, nodes in references.items()
            for node in nodes
        ]
        if pairs:
            await self._queries.put_references(connection, pairs)

    async def _put_vectors(
        self, connection: Connection, vectors: Mapping[str, list[float] | None]
    ) -> None:
        rows: list[PutVectorParameters] = [
            {"memory_id": memory_id, "dims": len(vector), "vector": encoded_vector(vector)}
            for memory_id, vector in vectors.items()
            if vector is not None
        ]
        if rows:
            await self._queries.put_vector(connection, rows)

    async def get(self, memory_id: str, tenant_id: str | None = None) -> ContinuumEntry | None:
        """Return an entry, or None when there is none of this id and tenant."""
        found = await self.get_many([valid.text(memory_id, "memory_id")], tenant_id)
        return found[0] if found else None

    async def get_entry(self, memory_id: str) -> ContinuumEntry | None:
        """Return an entry of any tenant, or None."""
        return await self.get(memory_id)

    async def get_many(
        self, ids: Iterable[str], tenant_id: str | None = None
    ) -> list[ContinuumEntry]:
        """Return entries in the order of their ids, each once; without those that are not there."""
        wanted = list(dict.fromkeys(valid.texts(valid.items(ids, "ids"), "ids")))
        tenant = valid.optional_text(tenant_id, "tenant_id")
        if not wanted:
            return []
        async with self._database.read() as connection:
            rows = self._queries.get_entries(connection, entry_ids=wanted, tenant_id=tenant)
            found = {row["id"]: record_of(ContinuumEntry, **row) async for row in rows}
        return [found[memory_id] for memory_id in wanted if memory_id in found]

    async def get_by_tier(
        self,
        tier: Tier,
        limit: int = 100,
        min_importance: float = 0.0,
        tenant_id: str | None = None,
    ) -> list[ContinuumEntry]:
        """Return the most important entries of a tier."""
        async with self._database.read() as connection:
            rows = self._queries.list_tier(
                connection,
                tier=checked_tier(tier),
                min_importance=valid.fraction(min_importance, "min_importance"),
                tenant_id=valid.optional_text(tenant_id, "tenant_id"),
                row_limit=valid.limit(limit),
            )
            return [record_of(ContinuumEntry, **row) async for row in rows]

    async def count(self, tier: Tier | None = None, tenant_id: str | None = None) -> int:
        """Return the number of entries, of one tier or of all."""
        wanted = valid.optional(tier, "tier", checked_tier)
        stats = await self._summaries(tenant_id)
        return sum(one.count for name, one in stats.items() if wanted in (None, name))

    async def update(
        self,
        memory_id: str,
        content: str | None = None,
        importance: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        surprise_score: float | None = None,
        consolidation_score: float | None = None,
        tenant_id: str | None = None,
        *,
        expires_at: datetime | None = None,
    ) -> bool:
        """Change what is given of an entry; metadata is replaced as a whole.

        Returns False when nothing is given or there is no such entry.
        """
        changes: dict[str, Any] = {
            "content": valid.optional_text(content, "content"),
            "content_terms": None if content is None else content_terms(content),
            "importance": valid.optional(importance, "importance", valid.fraction),
            "metadata": valid.optional(metadata, "metadata", valid.document),
            "surprise_score": valid.optional(surprise_score, "surprise_score", valid.fraction),
            "consolidation_score": valid.optional(
                consolidation_score, "consolidation_score", valid.fraction
            ),
            "expires_at": valid.optional(expires_at, "expires_at", valid.timestamp),
        }
        return await self._update(memory_id, tenant_id, changes, "memory_id")

    async def update_entry(self, entry: ContinuumEntry) -> bool:
        """Store the content, the scores, the counters, metadata and expiry of a changed record.

        Use ``dataclasses.replace`` to change one. Returns False when there is no such entry.
        """
        if not isinstance(entry, ContinuumEntry):
            raise InvalidInputError(
                "entry", f"must be a ContinuumEntry, not {type(entry).__name__}"
            )
        changes: dict[str, Any] = {
            "content": valid.text(entry.content, "entry.content"),
            "content_terms": content_terms(entry.content),
            "metadata": valid.document(entry.metadata, "entry.metadata"),
            "expires_at": valid.optional(entry.expires_at, "entry.expires_at", valid.timestamp),
        }
        for name in ("importance", "surprise_score", "consolidation_score"):
            changes[name] = valid.fraction(entry[name], f"entry.{name}")
        for name in ("update_count", "success_count", "failure_count"):
            changes[name] = valid.integer(entry[name], f"entry.{name}")
        return await self._update(entry.id, entry.tenant_id, changes, "entry.id")

    async def _update(
        self, memory_id: str, tenant_id: str | None, changes: dict[str, Any], argument: str
    ) -> bool:
        key = valid.text(memory_id, argument)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        if all(value is None for value in changes.values()):
            return False
        counters = dict.fromkeys(("update_count", "success_count", "failure_count"))
        async with self._database.transaction() as connection:
            if await self._lock(connection, key, tenant, changeable=argument) is None:
                return False
            changed = await self._queries.update_entry(
                connection,
                **{**counters, **changes},
                entry_id=key,
                tenant_id=tenant,
                updated_at=utc_now(),
            )
        return bool(changed)

    async def _lock(
        self,
        connection: Connection,
        memory_id: str,
        tenant_id: str | None,
        *,
        changeable: str | None = None,
    ) -> LockEntriesRow | None:
        """Lock an entry; None: there is none. ``changeable`` names it: it must have no red line."""
        rows = [row async for row in self._queries.lock_entries(connection, entry_ids=[memory_id])]
        if not rows:
            return None
        (row,) = rows
        if tenant_id is not None and row["tenant_id"] != tenant_id:
            raise TenantMismatchError(memory_id)
        if changeable is not None and row["red_line"]:
            raise RedLineError(memory_id, row["red_line_reason"], changeable)
        return row

    # Recall

    async def retrieve(
        self,
        query: str | None = None,
        tiers: Iterable[Tier] | None = None,
        limit: int = 10,
        min_importance: float = 0.0,
        include_glacial: bool = True,
        tier: Tier | None = None,
        tenant_id: str | None = None,
        enforce_tenant_isolation: bool = False,
    ) -> list[RetrievedEntry]:
        """Return the entries with the highest scores, best first.

        The score of an entry is computed in the database::

            relevance * importance * (1 + surprise_score) / (1 + age * decay)

        ``age`` is the number of days since ``updated_at``, never below 0, and ``decay`` that of the
        tier: fast 24, medium 1, slow 0.14, glacial 0.03. ``relevance`` is the fraction of the
        query's first 16 distinct terms (:mod:`aragora_sql.stores.terms`) that are in the content;
        entries without any are left out. Without a query it is 1. Ties go to the entry that was
        updated last, then by id.

        The result is exact, and few entries are read for it: along an index, the newest ones of
        each tier and band of strength (``importance * (1 + surprise_score)``, in sixteenths). No
        entry beyond can have a higher score than the end of its band at the age of the oldest that
        was read. While the last result is below that, more are read. Of a query, all matches of the
        full-text index are ranked where they are fewer than 1,000; else those that have every term,
        and for the others, whose relevance is lower, the bound is too.

        Red-lined entries take part, expired ones don't. ``tier`` is one tier, ``tiers`` are
        several. With ``enforce_tenant_isolation`` a tenant has to be named:
        :class:`~aragora_sql.errors.TenantRequiredError`.
        """
        wanted = _wanted_tiers(tiers, tier, include_glacial)
        tenant = _tenant(tenant_id, enforce_tenant_isolation)
        return await self._retrieve(query, wanted, limit, min_importance, tenant)

    async def _retrieve(
        self,
        query: str | None,
        tiers: list[TierWord],
        limit: int,
        min_importance: float,
        tenant_id: str | None,
    ) -> list[RetrievedEntry]:
        asked = valid.optional_text(query, "query")
        row_limit = valid.limit(limit)
        least = valid.fraction(min_importance, "min_importance")
        terms = search_terms(asked or "")[:MOST_SEARCH_TERMS]
        searches = bool(asked and asked.strip())
        if not row_limit or not tiers or (searches and not terms):
            return []
        decays = [{"tier": one, "decay": TIER_SETTINGS[one].decay_per_day} for one in tiers]
        same: dict[str, Any] = {
            "tiers": dump_json(decays, "tiers"),
            "tenant_id": tenant_id,
            "min_importance": least,
            "terms": terms,
            "retrieved_at": utc_now(),
            "row_limit": row_limit,
        }
        async with self._database.read() as connection:
            if terms:
                rows = await self._search(connection, terms, same)
            else:
                rows = (
                    await self._best(connection, [], 1.0, same)
                    or (await self._walk(connection, valid.LARGEST_INTEGER, 0.0, same))[0]
                )
        return [record_of(RetrievedEntry, **row) for row in rows]

    async def _search(
        self, connection: Connection, terms: list[str], same: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Rank the entries that have any of some terms."""
        counted = self._queries.count_terms(connection, terms=terms, most=MOST_MATCHES)
        common = [row["term"] async for row in counted if row["entries"] >= MOST_MATCHES]
        rare = [term for term in terms if term not in common]
        rows: list[dict[str, Any]] = []
        if rare:
            rows, _ = await self._matches(connection, any_term(rare), valid.LARGEST_INTEGER, same)
        if not common:
            return rows
        # All others have common terms only: the fewer, the lower is the bound of what a walk leaves
        # out. Those that have all of these terms are ranked by themselves, if they are few.
        most = len(common) / len(terms)
        if len(common) > 1:
            more, is_whole = await self._matches(connection, all_terms(common), MOST_MATCHES, same)
            rows += more
            if is_whole:
                most = (len(common) - 1) / len(terms)
        best = await self._best(connection, rows, most, same)
        if best is None:
            best, _ = await self._matches(connection, any_term(terms), valid.LARGEST_INTEGER, same)
        return best

    async def _best(
        self,
        connection: Connection,
        rows: list[dict[str, Any]],
        most: float,
        same: dict[str, Any],
    ) -> list[dict[str, Any]] | None:
        """Walk through more and more entries until no other can be among the best.

        ``rows`` were ranked already; all others have a relevance of at most ``most``.
        None when the best are not found in time.
        """
        limit = same["row_limit"]
        found = {row["id"]: row for row in rows}
        for reach in REACHES:
            best = _sorted(found)[:limit]
            least = best[-1]["score"] / most if len(best) == limit else 0.0
            walked, bound = await self._walk(connection, reach, least, same)
            found.update((row["id"], row) for row in walked)
            best = _sorted(found)[:limit]
            if bound is None or (len(best) == limit and best[-1]["score"] >= bound * most):
                return best
        return None

    async def _matches(
        self, connection: Connection, expression: str, most: int, same: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Rank what the full-text index finds; tell whether that was all of it."""
        found = self._queries.rank_matches(connection, expression=expression, most=most, **same)
        rows: list[dict[str, Any]] = [dict(row) async for row in found]
        matched = [row.pop("matched") for row in rows]
        return rows, not matched or matched[0] < most

    async def _walk(
        self, connection: Connection, reach: int, least_score: float, same: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], float | None]:
        """Rank the newest entries of each band; return the bound of all others' scores.

        None: no other is better than ``least_score``.
        """
        found = self._queries.rank_entries(connection, reach=reach, least_score=least_score, **same)
        rows: list[dict[str, Any]] = [dict(row) async for row in found]
        bounds = [row.pop("bound") for row in rows]
        return [row for row in rows if row["id"] is not None], bounds[0]

    async def get_timeline_entries(
        self,
        anchor_id: str,
        before: int = 3,
        after: int = 3,
        tiers: Iterable[Tier] | None = None,
        min_importance: float = 0.0,
        tenant_id: str | None = None,
        enforce_tenant_isolation: bool = False,
    ) -> Timeline | None:
        """Return an entry with its neighbours in order of creation, or None without the entry."""
        valid.text(anchor_id, "anchor_id")
        limits = valid.limit(before, "before"), valid.limit(after, "after")
        same: dict[str, Any] = {
            "tiers": checked_tiers(tiers),
            "min_importance": valid.fraction(min_importance, "min_importance"),
            "tenant_id": _tenant(tenant_id, enforce_tenant_isolation),
        }
        async with self._database.read() as connection:
            anchor = await self.get(anchor_id, same["tenant_id"])
            if anchor is None:
                return None
            place: dict[str, Any] = {"created_at": anchor.created_at, "entry_id": anchor.id}
            earlier = self._queries.list_before(connection, **place, **same, row_limit=limits[0])
            sooner = [record_of(ContinuumEntry, **row) async for row in earlier]
            later = self._queries.list_after(connection, **place, **same, row_limit=limits[1])
            return Timeline(
                anchor=anchor,
                before=sooner[::-1],
                after=[record_of(ContinuumEntry, **row) async for row in later],
            )

    async def hybrid_search(
        self,
        query: str,
        limit: int = 10,
        tiers: Iterable[Tier] | None = None,
        vector_weight: float | None = None,
        min_importance: float = 0.0,
        *,
        vector: Iterable[float],
        tenant_id: str | None = None,
    ) -> list[HybridMatch]:
        """Return the entries that are near a vector or match a query, best first.

        ``vector`` is that of the query, from the same model as those of the entries; those with
        another number of dimensions are left out. The 50 entries with the largest cosine (exact, of
        all vectors, to nine digits) and the 50 that :meth:`retrieve` gives are fused by their
        ranks: the score is the sum of ``weight / (60 + rank)``, with 0.6 for the vector and 0.4 for
        the query. ``vector_weight`` from 0 to 1 sets the former, and the latter to the rest. Ties
        go by id.
        """
        asked = valid.text(query, "query")
        row_limit = valid.limit(limit)
        given = unit_vector(vector, "vector")
        wanted = checked_tiers(tiers)
        weight = checked_weight(vector_weight)
        least = valid.fraction(min_importance, "min_importance")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        if not row_limit or not wanted:
            return []
        entries: dict[str, ContinuumEntry] = {}
        similarities: dict[str, float] = {}
        keywords: list[str] = []
        async with self._database.read() as connection:
            rows = self._queries.rank_vectors(
                connection,
                vector=given,
                tiers=wanted,
                tenant_id=tenant,
                min_importance=least,
                retrieved_at=utc_now(),
                row_limit=FUSION_CANDIDATES,
            )
            async for row in rows:
                values: dict[str, Any] = dict(row)
                similarities[row["id"]] = taken_similarity(values)
                entries[row["id"]] = record_of(ContinuumEntry, **values)
            if asked.strip():
                for found in await self._retrieve(asked, wanted, FUSION_CANDIDATES, least, tenant):
                    keywords.append(found.id)
                    entries.setdefault(found.id, _plain(found))
        best = fused(similarities, keywords, weight)[:row_limit]
        return [HybridMatch(entry=entries[memory_id], **places) for memory_id, places in best]

    async def get_glacial_insights(
        self,
        topic: str | None = None,
        limit: int = 10,
        min_importance: float = 0.3,
        tenant_id: str | None = None,
    ) -> list[RetrievedEntry]:
        """Return the best glacial entries, on a topic or of all; see :meth:`retrieve`."""
        valid.optional_text(topic, "topic")
        return await self.retrieve(topic, ["glacial"], limit, min_importance, tenant_id=tenant_id)

    async def get_cross_session_patterns(
        self,
        domain: str | None = None,
        include_slow: bool = True,
        limit: int = 20,
        tenant_id: str | None = None,
    ) -> list[RetrievedEntry]:
        """Return the best glacial (and slow) entries with an importance of at least 0.2.

        ``domain`` is a query for words of the content.
        """
        valid.optional_text(domain, "domain")
        tiers: list[Tier] = ["glacial"]
        if valid.boolean(include_slow, "include_slow"):
            tiers.append("slow")
        return await self.retrieve(domain, tiers, limit, 0.2, tenant_id=tenant_id)

    async def prewarm_for_query(
        self, query: str, workspace_id: str | None = None, limit: int = 20
    ) -> int:
        """Retrieve entries ahead of a query, note when, and return how many they are.

        ``workspace_id`` is the tenant. The entries don't get younger by it.
        """
        valid.text(query, "query")
        valid.optional_text(workspace_id, "workspace_id")
        found = await self.retrieve(query, limit=limit, tenant_id=workspace_id)
        if not found:
            return 0
        async with self._database.connection() as connection:
            return await self._queries.mark_prewarmed(
                connection, entry_ids=[one.id for one in found], prewarmed_at=utc_now()
            )

    # Outcomes and moves

    async def update_outcome(
        self,
        memory_id: str,
        success: bool,
        agent_prediction_error: float | None = None,
        tenant_id: str | None = None,
    ) -> float:
        """Count an outcome of an entry and return its new surprise score; 0.0 without the entry.

        With n outcomes before, of which the fraction e was a success (0.5 without any), and o = 1
        for a success, else 0: the surprise is ``0.7 * old + 0.3 * (0.3 * |o - e| + 0.2 * error)``,
        and the consolidation ``min(1, ln(2 + n) / ln(100))``, with the weights and the threshold of
        :class:`ContinuumParameters`. ``agent_prediction_error`` is from 0 to 1.
        """
        valid.text(memory_id, "memory_id")
        valid.boolean(success, "success")
        error = valid.optional(agent_prediction_error, "agent_prediction_error", valid.fraction)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        parameters = self.parameters
        async with self._database.transaction() as connection:
            row = await self._queries.record_outcome(
                connection,
                entry_id=memory_id,
                tenant_id=tenant,
                success=success,
                prediction_error=error or 0.0,
                success_weight=parameters.success_weight,
                error_weight=parameters.agent_weight,
                curve=dump_json(parameters.curve(), "curve"),
                updated_at=utc_now(),
            )
            if row is None:
                await self._lock(connection, memory_id, tenant)
                return 0.0
        outcome = Outcome(
            id=memory_id,
            success=success,
            surprise_score=row["surprise_score"],
            tier=row["tier"],
            total_observations=row["observations"],
        )
        for hook in self._hooks:
            waits = hook(outcome)
            if inspect.isawaitable(waits):
                await waits
        return outcome.surprise_score

    def register_post_outcome_hook(self, hook: OutcomeHook) -> None:
        """Call ``hook`` with each :class:`Outcome` after it is stored; it may be asynchronous."""
        if not callable(hook):
            raise InvalidInputError("hook", f"must be callable, not {type(hook).__name__}")
        self._hooks.append(hook)

    def create_pattern_feedback_hook(self) -> PatternFeedback:
        """Register a hook that keeps the last outcomes of settled entries, and return it."""
        if self._feedback is None:
            self._feedback = PatternFeedback()
            self.register_post_outcome_hook(self._feedback)
        return self._feedback

    def get_pattern_feedback(self) -> dict[str, Outcome]:
        """Return what the pattern feedback hook kept, by id; empty when there is none."""
        return {} if self._feedback is None else self._feedback.feedback()

    def get_learning_rate(self, tier: Tier, update_count: int) -> float:
        """Return the learning rate of a tier after so many updates."""
        settings = TIER_SETTINGS[checked_tier(tier)]
        updates = valid.integer(update_count, "update_count")
        return settings.learning_rate * settings.learning_decay**updates

    async def promote(self, memory_id: str, tenant_id: str | None = None) -> TierWord | None:
        """Move an entry one tier faster, if its surprise says so; return the new tier or None.

        Its normalized surprise is above the threshold of its tier, and the last promotion was
        longer ago than the cooldown. See :mod:`aragora_sql.stores.continuum.tiers`.
        """

        def target(row: LockEntriesRow, now: datetime) -> TierWord | None:
            tier = checked_tier(row["tier"])
            above = self.parameters.promoted_above(tier)
            last = row["last_promotion_at"]
            if above is None or row["surprise_score"] <= above:
                return None
            if last is not None and last > now - self._promotion_cooldown:
                return None
            return faster(tier)

        return await self._move_if(memory_id, tenant_id, target, "high_surprise")

    async def demote(self, memory_id: str, tenant_id: str | None = None) -> TierWord | None:
        """Move an entry one tier slower, if its stability says so; return the new tier or None.

        It had at least 10 updates, and 1 - its normalized surprise is above the threshold of its
        tier.
        """

        def target(row: LockEntriesRow, now: datetime) -> TierWord | None:
            tier = checked_tier(row["tier"])
            below = self.parameters.demoted_below(tier)
            if below is None or row["update_count"] < MIN_UPDATES:
                return None
            return slower(tier) if row["surprise_score"] < below else None

        return await self._move_if(memory_id, tenant_id, target, "high_stability")

    @property
    def _promotion_cooldown(self) -> timedelta:
        return timedelta(hours=self.parameters.promotion_cooldown_hours)

    async def _move_if(
        self,
        memory_id: str,
        tenant_id: str | None,
        target: Callable[[LockEntriesRow, datetime], TierWord | None],
        reason: str,
    ) -> TierWord | None:
        valid.text(memory_id, "memory_id")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        now = utc_now()
        async with self._database.transaction() as connection:
            row = await self._lock(connection, memory_id, tenant)
            if row is None or row["red_line"]:
                return None
            to_tier = target(row, now)
            if to_tier is None:
                return None
            await self._apply(connection, [memory_id], to_tier, reason, now)
        self._tell(memory_id, row["tier"], to_tier, row["surprise_score"], reason)
        return to_tier

    async def promote_entry(self, memory_id: str, tier: Tier, tenant_id: str | None = None) -> bool:
        """Move an entry to any tier, whatever its scores are; False without the entry."""
        return await self._move_to(memory_id, tier, tenant_id)

    async def demote_entry(self, memory_id: str, tier: Tier, tenant_id: str | None = None) -> bool:
        """Move an entry to any tier, whatever its scores are; False without the entry."""
        return await self._move_to(memory_id, tier, tenant_id)

    async def _move_to(self, memory_id: str, tier: Tier, tenant_id: str | None) -> bool:
        valid.text(memory_id, "memory_id")
        to_tier = checked_tier(tier)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.transaction() as connection:
            row = await self._lock(connection, memory_id, tenant, changeable="memory_id")
            if row is None:
                return False
            await self._apply(connection, [memory_id], to_tier, "direct", utc_now())
        if row["tier"] != to_tier:
            self._tell(memory_id, row["tier"], to_tier, row["surprise_score"], "direct")
        return True

    async def _apply(
        self,
        connection: Connection,
        ids: Iterable[str],
        to_tier: TierWord,
        reason: str,
        moved_at: datetime,
    ) -> None:
        """Move locked entries, and note from where to where."""
        moves = dump_json(
            [
                {
                    "id": memory_id,
                    "to_tier": to_tier,
                    "reason": reason,
                    "promoted": reason == "high_surprise",
                }
                for memory_id in ids
            ],
            "moves",
        )
        await self._queries.record_moves(connection, moves=moves, moved_at=moved_at)
        await self._queries.apply_moves(connection, moves=moves, moved_at=moved_at)

    def _tell(
        self, memory_id: str, from_tier: str, to_tier: str, surprise: float, reason: str
    ) -> None:
        if self._emit is None:
            return
        is_faster = TIERS.index(checked_tier(to_tier)) > TIERS.index(checked_tier(from_tier))
        self._emit(
            "memory_tier_promotion" if is_faster else "memory_tier_demotion",
            {
                "memory_id": memory_id,
                "from_tier": from_tier,
                "to_tier": to_tier,
                "surprise_score": surprise,
                "reason": reason,
            },
        )

    async def consolidate(self) -> dict[str, int]:
        """Move all entries whose surprise says so, each by one tier.

        Returns how many were moved as ``promotions`` and ``demotions``. Entries with at least 10
        updates are moved by the rules of :meth:`promote` and :meth:`demote`, promotions first, in
        batches of 1,000, each a transaction with the notes of its moves. Whoever consolidates at
        the same time moves others, and none that was moved within the pause of
        :class:`ContinuumParameters`.
        """
        now = utc_now()
        moved = {"promotions": 0, "demotions": 0}
        for tier in reversed(TIERS):
            above, target = self.parameters.promoted_above(tier), faster(tier)
            if above is not None and target is not None:
                moved["promotions"] += await self._consolidate(
                    tier, target, above, 2.0, "high_surprise", now
                )
        for tier in TIERS:
            below, target = self.parameters.demoted_below(tier), slower(tier)
            if below is not None and target is not None:
                moved["demotions"] += await self._consolidate(
                    tier, target, -1.0, below, "high_stability", now
                )
        return moved

    async def _consolidate(
        self,
        tier: TierWord,
        to_tier: TierWord,
        above: float,
        below: float,
        reason: str,
        now: datetime,
    ) -> int:
        pause = timedelta(hours=self.parameters.consolidation_pause_hours)
        promoted_before = now - self._promotion_cooldown if reason == "high_surprise" else None

        async def batch() -> int:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_candidates(
                    connection,
                    tier=tier,
                    above=above,
                    below=below,
                    # what this call moved itself is never moved again
                    moved_before=now - max(pause, timedelta(microseconds=1)),
                    promoted_before=promoted_before,
                    row_limit=BATCH,
                )
                ids = [row["id"] async for row in rows]
                if ids:
                    await self._apply(connection, ids, to_tier, reason, now)
            return len(ids)

        return await in_batches(batch)

    async def get_transitions(self, memory_id: str, limit: int = 100) -> list[TierTransition]:
        """Return the moves of an entry, which may be deleted since, newest first."""
        valid.text(memory_id, "memory_id")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_moves(connection, entry_id=memory_id, row_limit=row_limit)
            return [record_of(TierTransition, **row) async for row in rows]

    # Red lines

    async def mark_red_line(
        self,
        memory_id: str,
        reason: str,
        promote_to_glacial: bool = True,
        tenant_id: str | None = None,
    ) -> bool:
        """Protect an entry from changes, moves and deletion; its importance becomes 1.

        Returns False without the entry. Outcomes are still counted.
        """
        valid.text(memory_id, "memory_id")
        valid.identifier(reason, "reason")
        valid.boolean(promote_to_glacial, "promote_to_glacial")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        now = utc_now()
        async with self._database.transaction() as connection:
            if await self._lock(connection, memory_id, tenant) is None:
                return False
            if promote_to_glacial:
                await self._apply(connection, [memory_id], "glacial", "red_line", now)
            await self._queries.set_red_line(
                connection, entry_id=memory_id, reason=reason, updated_at=now
            )
        return True

    async def unmark_red_line(self, memory_id: str, tenant_id: str | None = None) -> bool:
        """Take the protection from an entry; False when there is none, or no such entry."""
        valid.text(memory_id, "memory_id")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.transaction() as connection:
            if await self._lock(connection, memory_id, tenant) is None:
                return False
            changed = await self._queries.unset_red_line(
                connection, entry_id=memory_id, updated_at=utc_now()
            )
        return bool(changed)

    async def get_red_line_memories(self, tenant_id: str | None = None) -> list[ContinuumEntry]:
        """Return all red-lined entries, the oldest first."""
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.list_red_lines(connection, tenant_id=tenant)
            return [record_of(ContinuumEntry, **row) async for row in rows]

    # Deletion

    async def delete(
        self,
        memory_id: str,
        archive: bool = True,
        reason: str = "user_deleted",
        force: bool = False,
        tenant_id: str | None = None,
    ) -> Deletion:
        """Delete an entry; with ``archive`` it is kept in the archive, under ``reason``.

        A red-lined one is deleted with ``force`` only, else ``blocked`` says so. Its moves stay.
        """
        valid.text(memory_id, "memory_id")
        valid.boolean(archive, "archive")
        valid.text(reason, "reason")
        valid.boolean(force, "force")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.transaction() as connection:
            row = await self._lock(connection, memory_id, tenant)
            if row is None:
                return Deletion(memory_id, deleted=False, archived=False, blocked=False)
            if row["red_line"] and not force:
                return Deletion(
                    memory_id,
                    deleted=False,
                    archived=False,
                    blocked=True,
                    reason=row["red_line_reason"],
                )
            await self._remove(connection, [memory_id], reason if archive else None)
        return Deletion(memory_id, deleted=True, archived=archive, blocked=False)

    async def _remove(
        self, connection: Connection, ids: list[str], archive_reason: str | None
    ) -> int:
        """Delete locked entries; with a reason they are archived before."""
        if archive_reason is not None:
            await self._queries.archive_entries(
                connection, entry_ids=ids, archive_reason=archive_reason, archived_at=utc_now()
            )
        return await self._queries.delete_entries(connection, entry_ids=ids)

    async def get_archived(
        self, memory_id: str, limit: int = 100, tenant_id: str | None = None
    ) -> list[ArchivedEntry]:
        """Return what was archived under an id, newest first."""
        valid.text(memory_id, "memory_id")
        row_limit = valid.limit(limit)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.list_archived(
                connection, entry_id=memory_id, tenant_id=tenant, row_limit=row_limit
            )
            return [record_of(ArchivedEntry, **row) async for row in rows]

    async def cleanup_expired_memories(
        self,
        tier: Tier | None = None,
        archive: bool = True,
        max_age_hours: float | None = None,
        tenant_id: str | None = None,
    ) -> dict[str, CleanupCounts]:
        """Delete what is too old, or whose own time is over; return what was done, by tier.

        Too old is what nobody updated for ``max_age_hours``, or else for two half-lives of its tier
        (:class:`ContinuumParameters`). Red-lined entries stay. Works in batches of 1,000, each a
        transaction.
        """
        tiers = list(reversed(TIERS)) if tier is None else [checked_tier(tier)]
        valid.boolean(archive, "archive")
        given = valid.optional(
            max_age_hours, "max_age_hours", lambda v, a: valid.number(v, a, most=1e6)
        )
        tenant = valid.optional_text(tenant_id, "tenant_id")
        now = utc_now()
        done: dict[str, CleanupCounts] = {}
        for one in tiers:
            hours = given
            if hours is None:
                half_life = TIER_SETTINGS[one].half_life_hours
                hours = half_life * self.parameters.retention_multiplier
            try:
                cutoff = now - timedelta(hours=hours)
            except OverflowError:
                raise InvalidInputError(
                    "max_age_hours", "must not reach back beyond the year 1"
                ) from None
            deleted = await self._clean_up(one, cutoff, now, tenant, archive)
            done[one] = CleanupCounts(
                archived=deleted if archive else 0, deleted=deleted, cutoff_hours=hours
            )
        return done

    async def _clean_up(
        self, tier: TierWord, cutoff: datetime, now: datetime, tenant: str | None, archive: bool
    ) -> int:
        same: dict[str, Any] = {"tier": tier, "tenant_id": tenant, "row_limit": BATCH}

        async def batch() -> int:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_outdated(connection, cutoff=cutoff, **same)
                ids = [row["id"] async for row in rows]
                if not ids:
                    over = self._queries.lock_expired(connection, expired_at=now, **same)
                    ids = [row["id"] async for row in over]
                if ids:
                    await self._remove(connection, ids, "expired" if archive else None)
            return len(ids)

        return await in_batches(batch)

    async def enforce_tier_limits(
        self, tier: Tier | None = None, archive: bool = True, tenant_id: str | None = None
    ) -> dict[str, int]:
        """Delete the least important entries beyond the limit of each tier, the oldest first.

        Returns how many were deleted, by tier. With ``tenant_id`` the limits are those of the
        tenant's entries. Red-lined entries count and stay.
        """
        tiers = list(reversed(TIERS)) if tier is None else [checked_tier(tier)]
        valid.boolean(archive, "archive")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        return {one: await self._enforce_limit(one, archive, tenant) for one in tiers}

    async def _enforce_limit(self, tier: TierWord, archive: bool, tenant: str | None) -> int:
        most = self.parameters.max_entries_per_tier[tier]

        async def batch() -> int:
            async with self._database.transaction() as connection:
                await self._queries.hold_limit(connection, tier=tier)
                total = await self._queries.count_tier(connection, tier=tier, tenant_id=tenant)
                rows = self._queries.lock_excess(
                    connection,
                    tier=tier,
                    tenant_id=tenant,
                    row_limit=max(0, min(BATCH, total - most)),
                )
                ids = [row["id"] async for row in rows]
                if ids:
                    await self._remove(connection, ids, "tier_limit" if archive else None)
            return len(ids)

        return await in_batches(batch)

    # Statistics

    async def _summaries(self, tenant_id: str | None) -> dict[str, TierStats]:
        tenant = valid.optional_text(tenant_id, "tenant_id")
        stats: dict[str, TierStats] = {
            one: TierStats(0, 0.0, 0.0, 0.0, 0) for one in reversed(TIERS)
        }
        async with self._database.read() as connection:
            rows = self._queries.summarize_tiers(connection, tenant_id=tenant)
            async for row in rows:
                stats[row["tier"]] = TierStats(
                    count=row["entries"],
                    avg_importance=row["avg_importance"],
                    avg_surprise=row["avg_surprise"],
                    avg_consolidation=row["avg_consolidation"],
                    red_lines=row["red_lines"],
                )
        return stats

    async def get_stats(self, tenant_id: str | None = None) -> ContinuumStats:
        """Return the number and the average scores of each tier's entries, and of moves."""
        async with self._database.read():
            by_tier = await self._summaries(tenant_id)
            moves = await self._moves(tenant_id)
        return ContinuumStats(
            total_memories=sum(one.count for one in by_tier.values()),
            by_tier=by_tier,
            transitions=moves,
            parameters=self.parameters.to_dict(),
        )

    async def _moves(self, tenant_id: str | None) -> list[dict[str, Any]]:
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.count_moves(connection, tenant_id=tenant)
            return [
                {"from": row["from_tier"], "to": row["to_tier"], "count": row["moves"]}
                async for row in rows
            ]

    async def get_tier_metrics(self) -> dict[str, Any]:
        """Return how many moves there were ever, up and down, in the database.

        ``promotions`` and ``demotions`` count moves as ``from->to``, beside ``total_promotions``
        and ``total_demotions``.
        """
        metrics: dict[str, Any] = {"promotions": {}, "demotions": {}}
        for move in await self._moves(None):
            is_faster = TIERS.index(move["to"]) > TIERS.index(move["from"])
            kind = metrics["promotions" if is_faster else "demotions"]
            kind[f"{move['from']}->{move['to']}"] = move["count"]
        for name in ("promotions", "demotions"):
            metrics[f"total_{name}"] = sum(metrics[name].values())
        return metrics

    async def get_memory_pressure(self) -> float:
        """Return how full the fullest tier is, from 0 to 1."""
        limits = self.parameters.max_entries_per_tier
        stats = await self._summaries(None)
        fills = [
            one.count / limits[tier] if limits[tier] else float(one.count > 0)
            for tier, one in stats.items()
        ]
        return min(1.0, max(fills))

    async def get_archive_stats(self, tenant_id: str | None = None) -> ContinuumArchiveStats:
        """Return how many entries were archived, by tier and reason, and when."""
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.summarize_archive(connection, tenant_id=tenant)
            groups = [row async for row in rows]
        return ContinuumArchiveStats(
            total_archived=sum(group["entries"] for group in groups),
            by_tier_reason=[
                ArchiveReason(group["tier"], group["archive_reason"], group["entries"])
                for group in groups
            ],
            oldest_archived=min((group["oldest"] for group in groups), default=None),
            newest_archived=max((group["newest"] for group in groups), default=None),
        )

    async def get_glacial_tier_stats(self, tenant_id: str | None = None) -> TierStats:
        """Return the statistics of the glacial tier."""
        return (await self._summaries(tenant_id))["glacial"]

    # Snapshots

    async def export_for_tier(
        self, tier: Tier, tenant_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return all entries of a tier with their scores, the most important first."""
        exported = await self._export([checked_tier(tier)], tenant_id, None)
        names = ("id", "content", "importance", "surprise_score", "consolidation_score")
        return [
            {
                **{name: entry[name] for name in names},
                "success_rate": entry.success_rate,
                "update_count": entry.update_count,
            }
            for entry, _, _ in exported
        ]

    async def _export(
        self, tiers: list[TierWord], tenant_id: str | None, most: int | None
    ) -> list[tuple[ContinuumEntry, list[float] | None, int]]:
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.export_entries(
                connection,
                tiers=tiers,
                tenant_id=tenant,
                most=valid.LARGEST_INTEGER if most is None else most,
            )
            exported = []
            async for row in rows:
                values: dict[str, Any] = dict(row)
                vector, total = values.pop("vector"), values.pop("tier_total")
                exported.append((record_of(ContinuumEntry, **values), vector, total))
        return exported

    async def export_snapshot(
        self,
        tiers: Iterable[Tier] | None = None,
        include_metadata: bool = True,
        max_entries_per_tier: int | None = None,
        tenant_id: str | None = None,
    ) -> dict[str, Any]:
        """Return entries in a form that JSON can hold, for :meth:`restore_snapshot`.

        All entries of the tiers with all their fields, or the most important
        ``max_entries_per_tier``: ``omitted`` says how many were left out, by tier.
        """
        wanted = checked_tiers(tiers)
        valid.boolean(include_metadata, "include_metadata")
        most = valid.optional(max_entries_per_tier, "max_entries_per_tier", valid.limit)
        exported = await self._export(wanted, tenant_id, most)
        entries = []
        counts = dict.fromkeys(wanted, 0)
        totals = dict.fromkeys(wanted, 0)
        for entry, vector, total in exported:
            tier = checked_tier(entry.tier)
            counts[tier] += 1
            totals[tier] = total
            document = {**entry.to_dict(), "vector": vector}
            if not include_metadata:
                del document["metadata"]
            entries.append(document)
        if most == 0:
            stats = await self._summaries(tenant_id)
            totals = {tier: stats[tier].count for tier in wanted}
        return {
            "version": SNAPSHOT_VERSION,
            "snapshot_time": utc_now().isoformat(),
            "entries": entries,
            "tier_counts": counts,
            "omitted": {tier: totals[tier] - counts[tier] for tier in wanted},
            "total_entries": len(entries),
            "hyperparams": self.parameters.to_dict(),
        }

    async def restore_snapshot(
        self,
        snapshot: Mapping[str, Any],
        merge_mode: MergeMode = "replace",
        restore_hyperparams: bool = False,
        tenant_id: str | None = None,
        *,
        source_timezone: tzinfo | None = None,
    ) -> RestoreCounts:
        """Store the entries of a snapshot, all or none, and return what was done with them.

        Of an entry that is there already, ``replace`` replaces all, ``keep`` changes nothing, and
        ``merge`` takes content, tier and metadata of the one that was updated last, and the larger
        importance, scores and counters. A red-lined one is never changed. Snapshots of versions 3
        (of the older system) and 4 are read; the former's times have no zone: ``source_timezone``
        says which one it is, and without it such a time is an
        :class:`~aragora_sql.errors.InvalidInputError`. With ``tenant_id`` all entries have to be of
        this tenant.
        """
        mode = valid.choice(merge_mode, "merge_mode", MERGE_MODES)
        valid.boolean(restore_hyperparams, "restore_hyperparams")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        now = utc_now()
        given = snapshot_entries(snapshot, tenant, source_timezone, now)
        parameters = (
            snapshot_parameters(mapping(snapshot, "snapshot")) if restore_hyperparams else None
        )
        counts = {"restored": 0, "updated": 0, "skipped": 0, "protected": 0}
        if given:
            async with self._database.transaction() as connection:
                await self._restore(connection, given, mode, counts, now)
        if parameters is not None:
            self.parameters = parameters
        return RestoreCounts(**counts)

    async def _restore(
        self,
        connection: Connection,
        given: list[tuple[ContinuumEntry, list[float] | None]],
        mode: MergeMode,
        counts: dict[str, int],
        now: datetime,
    ) -> None:
        ids = [entry.id for entry, _ in given]
        locked = self._queries.lock_entries(connection, entry_ids=ids)
        present = {row["id"] async for row in locked}
        stored: dict[str, ContinuumEntry] = {}
        if present:
            found = self._queries.get_entries(connection, entry_ids=sorted(present), tenant_id=None)
            stored = {row["id"]: record_of(ContinuumEntry, **row) async for row in found}
        written: list[ContinuumEntry] = []
        vectors: dict[str, list[float] | None] = {}
        for number, (entry, vector) in enumerate(given):
            before = stored.get(entry.id)
            if before is None:
                counts["restored"] += 1
            elif before.tenant_id != entry.tenant_id:
                raise TenantMismatchError(entry.id, f"snapshot.entries[{number}].tenant_id")
            elif mode == "keep" or before.red_line:
                counts["skipped"] += 1
                counts["protected"] += before.red_line
                continue
            else:
                counts["updated"] += 1
                if mode == "merge":
                    entry = merged(before, entry)
            written.append(entry)
            vectors[entry.id] = vector
        if not written:
            return
        moves = [
            {"id": entry.id, "to_tier": entry.tier, "reason": "restored", "promoted": False}
            for entry in written
        ]
        await self._queries.record_moves(connection, moves=dump_json(moves, "moves"), moved_at=now)
        done = await self._queries.put_entries(connection, [entry_row(one) for one in written])
        if done != len(written):
            # another tenant stored one of these ids since they were locked
            raise TenantMismatchError("one of the snapshot's", "snapshot.entries")
        await self._put_references(connection, {one.id: one.cross_references for one in written})
        await self._put_vectors(connection, vectors)

    # References and knowledge

    async def invalidate_reference(self, node_id: str, tenant_id: str | None = None) -> int:
        """Delete all references to a node of a knowledge store, and return how many there were."""
        valid.text(node_id, "node_id")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.connection() as connection:
            return await self._queries.invalidate_references(
                connection, node_id=node_id, tenant_id=tenant
            )

    async def get_referring(
        self, node_id: str, tenant_id: str | None = None
    ) -> list[ContinuumEntry]:
        """Return the entries that refer to a node of a knowledge store."""
        valid.text(node_id, "node_id")
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            rows = self._queries.list_referring(connection, node_id=node_id, tenant_id=tenant)
            return [record_of(ContinuumEntry, **row) async for row in rows]

    def set_km_adapter(self, knowledge: KnowledgeStore | None) -> None:
        """Hand important entries (from 0.7 on) to a knowledge store from now on; None: to none."""
        self._knowledge = knowledge

    async def query_km_for_similar(
        self, content: str, limit: int = 5, min_similarity: float = 0.7
    ) -> list[dict[str, Any]]:
        """Return what the knowledge store has on a content; nothing without such a store."""
        valid.text(content, "content")
        most = valid.limit(limit)
        least = valid.fraction(min_similarity, "min_similarity")
        if self._knowledge is None or not most:
            return []
        return await self._knowledge.search_similar(content, most, least)


def _wanted_tiers(
    tiers: Iterable[Tier] | None, tier: Tier | None, include_glacial: bool
) -> list[TierWord]:
    wanted = checked_tiers(tiers)
    one = valid.optional(tier, "tier", checked_tier)
    if one is not None:
        if tiers is not None and one not in wanted:
            raise InvalidInputError("tier", "must be one of tiers, or tiers left out")
        wanted = [one]
    if not valid.boolean(include_glacial, "include_glacial"):
        wanted = [name for name in wanted if name != "glacial"]
    return wanted


def _tenant(tenant_id: str | None, enforced: bool) -> str | None:
    tenant = valid.optional_text(tenant_id, "tenant_id")
    if valid.boolean(enforced, "enforce_tenant_isolation") and not tenant:
        raise TenantRequiredError
    return tenant


def _sorted(found: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ranked rows, best first, as the queries order them."""
    return sorted(
        found.values(),
        key=lambda row: (-row["score"], -row["updated_at"].timestamp(), row["id"]),
    )


def _plain(entry: RetrievedEntry) -> ContinuumEntry:
    values = {one.name: entry[one.name] for one in fields(ContinuumEntry)}
    return record_of(ContinuumEntry, **values)
