"""The types of the queries of the store continuum.

Made by ``aragora-sql stubs`` from
``sql/postgres/continuum/queries.sql`` and ``sql/sqlite/continuum/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

TierWord = Literal[
    "fast",
    "medium",
    "slow",
    "glacial",
]

class AddEntriesParameters(TypedDict):
    """One set of parameters of add_entries."""

    id: str
    tenant_id: str | None
    tier: TierWord
    content: str
    content_terms: str | None
    importance: float
    metadata: Any
    expires_at: datetime | None
    stored_at: datetime

class PutEntriesParameters(TypedDict):
    """One set of parameters of put_entries."""

    id: str
    tenant_id: str | None
    tier: TierWord
    content: str
    content_terms: str | None
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime

class LockEntriesRow(TypedDict):
    """A row of lock_entries."""

    id: str
    tenant_id: str | None
    tier: TierWord
    importance: float
    surprise_score: float
    update_count: int
    red_line: bool
    red_line_reason: str
    last_promotion_at: datetime | None

class ContinuumEntryRow(TypedDict):
    """A row of get_entries, list_tier, list_red_lines, list_before, list_after, list_referring."""

    id: str
    tenant_id: str | None
    tier: TierWord
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    cross_references: Any
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime

class ExportEntriesRow(TypedDict):
    """A row of export_entries."""

    id: str | None
    tenant_id: str | None
    tier: TierWord | None
    content: str | None
    importance: float | None
    surprise_score: float | None
    consolidation_score: float | None
    update_count: int | None
    success_count: int | None
    failure_count: int | None
    red_line: bool | None
    red_line_reason: str | None
    cross_references: Any
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    vector: Any
    tier_total: int

class RecordOutcomeRow(TypedDict):
    """A row of record_outcome."""

    surprise_score: float
    tier: TierWord
    observations: int

class LockCandidatesRow(TypedDict):
    """A row of lock_candidates, lock_outdated, lock_expired, lock_excess."""

    id: str

class SummarizeTiersRow(TypedDict):
    """A row of summarize_tiers."""

    tier: TierWord
    entries: int
    avg_importance: float
    avg_surprise: float
    avg_consolidation: float
    red_lines: int

class CountMovesRow(TypedDict):
    """A row of count_moves."""

    from_tier: str
    to_tier: str
    moves: int

class TierTransitionRow(TypedDict):
    """A row of list_moves."""

    id: int
    memory_id: str
    tenant_id: str | None
    from_tier: str
    to_tier: str
    reason: str
    surprise_score: float
    created_at: datetime

class SummarizeArchiveRow(TypedDict):
    """A row of summarize_archive."""

    tier: str
    archive_reason: str
    entries: int
    oldest: datetime
    newest: datetime

class ArchivedEntryRow(TypedDict):
    """A row of list_archived."""

    archive_id: int
    id: str
    tenant_id: str | None
    tier: str
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    metadata: Any
    last_promotion_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    cross_references: Any
    archived_at: datetime
    archive_reason: str

class PutVectorParameters(TypedDict):
    """One set of parameters of put_vector."""

    memory_id: str
    dims: int
    vector: Any

class PutReferencesParameters(TypedDict):
    """One set of parameters of put_references."""

    memory_id: str
    node_id: str

class RankEntriesRow(TypedDict):
    """A row of rank_entries."""

    id: str | None
    tenant_id: str | None
    tier: TierWord | None
    content: str | None
    importance: float | None
    surprise_score: float | None
    consolidation_score: float | None
    update_count: int | None
    success_count: int | None
    failure_count: int | None
    red_line: bool | None
    red_line_reason: str | None
    cross_references: Any
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    score: float | None
    relevance: float | None
    bound: float | None

class CountTermsRow(TypedDict):
    """A row of count_terms."""

    term: str
    entries: int

class RankMatchesRow(TypedDict):
    """A row of rank_matches."""

    id: str
    tenant_id: str | None
    tier: TierWord
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    cross_references: Any
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    score: float
    relevance: float
    matched: int

class RankVectorsRow(TypedDict):
    """A row of rank_vectors."""

    id: str
    tenant_id: str | None
    tier: TierWord
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    cross_references: Any
    metadata: Any
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    similarity: float

class ContinuumQueries(Protocol):
    """The queries of the store continuum."""

    async def add_entries(
        self,
        connection: Connection,
        parameters: Sequence[AddEntriesParameters],
        /,
    ) -> int:
        """Store entries. One that is there already keeps its scores, counters and protection; a
        protected one

        and one of another tenant are left as they are.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def put_entries(
        self,
        connection: Connection,
        parameters: Sequence[PutEntriesParameters],
        /,
    ) -> int:
        """Store whole entries. Of one that is there all is replaced but its tenant; one of another
        tenant is

        left as it is.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def lock_entries(
        self,
        connection: Connection,
        /,
        *,
        entry_ids: Sequence[str],
    ) -> AsyncIterator[LockEntriesRow]:
        """Take some entries out of the way of others who change them.

        Operation (none): every row.
        """

    def get_entries(
        self,
        connection: Connection,
        /,
        *,
        entry_ids: Sequence[str],
        tenant_id: str | None,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """Return some entries, of one tenant or of any.

        Operation (none): every row.
        """

    def list_tier(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        min_importance: float,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """List the most important entries of a tier.

        Operation (none): every row.
        """

    def export_entries(
        self,
        connection: Connection,
        /,
        *,
        tiers: Sequence[str],
        tenant_id: str | None,
        most: int,
    ) -> AsyncIterator[ExportEntriesRow]:
        """Read the entries of some tiers with their vectors, the most important first, at most so
        many of a

        tier, each with the number of entries that its tier has.

        Operation (none): every row.
        """

    def list_red_lines(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str | None,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """List the protected entries, the oldest first.

        Operation (none): every row.
        """

    def list_before(
        self,
        connection: Connection,
        /,
        *,
        created_at: datetime,
        entry_id: str,
        tiers: Sequence[str],
        min_importance: float,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """List the entries that were stored just before one, the newest first.

        Operation (none): every row.
        """

    def list_after(
        self,
        connection: Connection,
        /,
        *,
        created_at: datetime,
        entry_id: str,
        tiers: Sequence[str],
        min_importance: float,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """List the entries that were stored just after one, the oldest first.

        Operation (none): every row.
        """

    async def update_entry(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        tenant_id: str | None,
        content: str | None,
        content_terms: str | None,
        importance: float | None,
        surprise_score: float | None,
        consolidation_score: float | None,
        update_count: int | None,
        success_count: int | None,
        failure_count: int | None,
        metadata: Any,
        expires_at: datetime | None,
        updated_at: datetime,
    ) -> int:
        """Change what is given of an entry that is not protected.

        Operation !: the number of rows changed.
        """

    async def record_outcome(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        tenant_id: str | None,
        success: bool,
        prediction_error: float,
        success_weight: float,
        error_weight: float,
        curve: Any,
        updated_at: datetime,
    ) -> RecordOutcomeRow | None:
        """Count an outcome of an entry, and move its surprise and consolidation by it; curve holds
        the

        consolidation after n outcomes, until it is 1.

        Operation ^: the first row, or None.
        """

    async def record_moves(
        self,
        connection: Connection,
        /,
        *,
        moves: Any,
        moved_at: datetime,
    ) -> int:
        """Note the moves of entries, each to another tier than the one that it is in.

        Operation !: the number of rows changed.
        """

    async def apply_moves(
        self,
        connection: Connection,
        /,
        *,
        moves: Any,
        moved_at: datetime | None,
    ) -> int:
        """Move entries, each to another tier than the one that it is in.

        Operation !: the number of rows changed.
        """

    def lock_candidates(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        above: float,
        below: float,
        moved_before: datetime,
        promoted_before: datetime | None,
        row_limit: int,
    ) -> AsyncIterator[LockCandidatesRow]:
        """Take the entries of a tier that are to leave it, by their surprise, the most surprising
        first; those

        that others hold are theirs to move.

        Operation (none): every row.
        """

    async def set_red_line(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        reason: str,
        updated_at: datetime,
    ) -> int:
        """Protect an entry; it counts as most important.

        Operation !: the number of rows changed.
        """

    async def unset_red_line(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        updated_at: datetime,
    ) -> int:
        """Take the protection from an entry.

        Operation !: the number of rows changed.
        """

    async def archive_entries(
        self,
        connection: Connection,
        /,
        *,
        entry_ids: Sequence[str],
        archive_reason: str,
        archived_at: datetime,
    ) -> int:
        """Copy entries to the archive, with their references and vectors.

        Operation !: the number of rows changed.
        """

    async def delete_entries(self, connection: Connection, /, *, entry_ids: Sequence[str]) -> int:
        """Delete entries with their references and vectors.

        Operation !: the number of rows changed.
        """

    def lock_outdated(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        cutoff: datetime,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[LockCandidatesRow]:
        """Take the entries of a tier that nobody touched since the cutoff, the oldest first.

        Operation (none): every row.
        """

    def lock_expired(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        expired_at: datetime,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[LockCandidatesRow]:
        """Take the entries of a tier whose own time is over, the oldest first.

        Operation (none): every row.
        """

    async def hold_limit(self, connection: Connection, /, *, tier: TierWord | None) -> str:
        """Let one clean-up of a tier count and delete at a time.

        Operation $: the first value of the first row, or None.
        """

    async def count_tier(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        tenant_id: str | None,
    ) -> int:
        """Count the entries of a tier.

        Operation $: the first value of the first row, or None.
        """

    def lock_excess(
        self,
        connection: Connection,
        /,
        *,
        tier: TierWord,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[LockCandidatesRow]:
        """Take the least important entries of a tier that are not protected, the oldest of them
        first.

        Operation (none): every row.
        """

    def summarize_tiers(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str | None,
    ) -> AsyncIterator[SummarizeTiersRow]:
        """Count the entries of each tier, with the averages of their scores.

        Operation (none): every row.
        """

    def count_moves(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str | None,
    ) -> AsyncIterator[CountMovesRow]:
        """Count the moves from each tier to each other.

        Operation (none): every row.
        """

    def list_moves(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        row_limit: int,
    ) -> AsyncIterator[TierTransitionRow]:
        """List the moves of an entry, which may be deleted since, the newest first.

        Operation (none): every row.
        """

    def summarize_archive(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str | None,
    ) -> AsyncIterator[SummarizeArchiveRow]:
        """Count the archived entries of each tier by the reason, with the first and the last time.

        Operation (none): every row.
        """

    def list_archived(
        self,
        connection: Connection,
        /,
        *,
        entry_id: str,
        tenant_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[ArchivedEntryRow]:
        """List what was archived under an id, the newest first.

        Operation (none): every row.
        """

    async def mark_prewarmed(
        self,
        connection: Connection,
        /,
        *,
        entry_ids: Sequence[str],
        prewarmed_at: datetime | None,
    ) -> int:
        """Note that entries were loaded ahead of a query; they don't get younger by it.

        Operation !: the number of rows changed.
        """

    async def put_vector(
        self,
        connection: Connection,
        parameters: Sequence[PutVectorParameters],
        /,
    ) -> int:
        """Store the vectors of entries.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_references(
        self,
        connection: Connection,
        /,
        *,
        entry_ids: Sequence[str],
    ) -> int:
        """Delete all references of some entries.

        Operation !: the number of rows changed.
        """

    async def put_references(
        self,
        connection: Connection,
        parameters: Sequence[PutReferencesParameters],
        /,
    ) -> int:
        """Let entries refer to nodes.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def invalidate_references(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        tenant_id: str | None,
    ) -> int:
        """Delete all references to a node, of one tenant's entries or of all.

        Operation !: the number of rows changed.
        """

    def list_referring(
        self,
        connection: Connection,
        /,
        *,
        node_id: str,
        tenant_id: str | None,
    ) -> AsyncIterator[ContinuumEntryRow]:
        """List the entries that refer to a node.

        Operation (none): every row.
        """

    def rank_entries(
        self,
        connection: Connection,
        /,
        *,
        tiers: Any,
        tenant_id: str | None,
        min_importance: float,
        terms: Sequence[str],
        retrieved_at: datetime,
        least_score: float,
        reach: int,
        row_limit: int,
    ) -> AsyncIterator[RankEntriesRow]:
        """Rank entries by their retrieval score and the share of the terms that they have, best
        first.

        Strengths are in bands of a sixteenth. Of each tier and band the :reach newest entries are
        ranked;
        those of a band in which nothing reaches :least_score are passed over, and so are those of
        another
        one that are too old for it (with a second to spare, as floats are rounded). The score of
        any other entry
        is at most the bound: its strength is below the end of its band, and it is not younger
        than the
        oldest that was read of it. No bound: nothing is left out. Without an entry there is one
        row without
        an id, for the bound.
        Entries are handed on by their place in the table, which cannot change within a statement.

        Operation (none): every row.
        """

    def count_terms(
        self,
        connection: Connection,
        /,
        *,
        terms: Sequence[str],
        most: float,
    ) -> AsyncIterator[CountTermsRow]:
        """Estimate how many entries have each of some terms, at most :most; 0 where nothing is
        known of a term.

        These are the statistics of the last ANALYZE, which know the commonest terms: the index
        itself would
        have to go through all entries of a term.

        Operation (none): every row.
        """

    def rank_matches(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        tiers: Any,
        tenant_id: str | None,
        min_importance: float,
        terms: Sequence[str],
        retrieved_at: datetime,
        most: int,
        row_limit: int,
    ) -> AsyncIterator[RankMatchesRow]:
        """Rank the entries that a search finds by their retrieval score and the share of the terms
        that they

        have, best first; where it finds :most or more, some are left out.

        Operation (none): every row.
        """

    def rank_vectors(
        self,
        connection: Connection,
        /,
        *,
        vector: Sequence[float],
        tiers: Sequence[str],
        tenant_id: str | None,
        min_importance: float,
        retrieved_at: datetime,
        row_limit: int,
    ) -> AsyncIterator[RankVectorsRow]:
        """Rank the entries whose vectors have as many numbers as the given one, of length 1, by
        the cosine of

        both, best first.

        Operation (none): every row.
        """
