"""The types of the queries of the store facts.

Made by ``aragora-sql stubs`` from
``sql/postgres/facts/queries.sql`` and ``sql/sqlite/facts/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

RelationTypeWord = Literal[
    "supports",
    "contradicts",
    "supersedes",
    "implies",
    "related_to",
]

ValidationStatusWord = Literal[
    "unverified",
    "contested",
    "majority_agreed",
    "byzantine_agreed",
    "formally_proven",
]

class FactRow(TypedDict):
    """A row of insert_fact, get_fact, find_fact, update_fact, list_facts, list_workspace_facts,
    list_contradictions."""

    id: str
    workspace_id: str
    statement: str
    statement_hash: str
    confidence: float
    evidence_ids: Any
    source_documents: Any
    topics: Any
    consensus_proof_id: str | None
    validation_status: ValidationStatusWord
    metadata: Any
    created_at: datetime
    updated_at: datetime
    superseded_by: str | None

class InsertFactParameters(TypedDict):
    """One set of parameters of insert_fact."""

    id: str
    workspace_id: str
    statement: str
    statement_hash: str
    statement_terms: str
    confidence: float
    evidence_ids: Any
    source_documents: Any
    topics: Any
    topic_terms: str
    validation_status: ValidationStatusWord
    metadata: Any
    created_at: datetime

class FoundFactRow(TypedDict):
    """A row of search_facts."""

    id: str
    workspace_id: str
    statement: str
    statement_hash: str
    confidence: float
    evidence_ids: Any
    source_documents: Any
    topics: Any
    consensus_proof_id: str | None
    validation_status: ValidationStatusWord
    metadata: Any
    created_at: datetime
    updated_at: datetime
    superseded_by: str | None
    matched: int

class FactRelationRow(TypedDict):
    """A row of insert_relation, list_relations."""

    id: str
    source_fact_id: str
    target_fact_id: str
    relation_type: RelationTypeWord
    confidence: float
    created_by: str | None
    metadata: Any
    created_at: datetime

class CountFactsRow(TypedDict):
    """A row of count_facts."""

    validation_status: ValidationStatusWord
    total: int
    confidence: float

class FactsQueries(Protocol):
    """The queries of the store facts."""

    async def insert_fact(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str,
        statement: str,
        statement_hash: str,
        statement_terms: str,
        confidence: float,
        evidence_ids: Any,
        source_documents: Any,
        topics: Any,
        topic_terms: str,
        validation_status: ValidationStatusWord,
        metadata: Any,
        created_at: datetime,
    ) -> FactRow | None:
        """Store a fact, unless its workspace has the statement, and return it.

        Operation ^: the first row, or None.
        """

    async def get_fact(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        workspace_id: str | None,
    ) -> FactRow | None:
        """Return a fact, of one workspace or of any.

        Operation ^: the first row, or None.
        """

    async def find_fact(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        statement_hash: str,
    ) -> FactRow | None:
        """Return the fact of a workspace that has a statement.

        Operation ^: the first row, or None.
        """

    async def update_fact(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        workspace_id: str | None,
        confidence: float | None,
        validation_status: ValidationStatusWord | None,
        consensus_proof_id: str | None,
        evidence_ids: Any,
        topics: Any,
        topic_terms: str | None,
        metadata: Any,
        superseded_by: str | None,
        updated_at: datetime,
    ) -> FactRow | None:
        """Change what is not NULL of a fact, of one workspace or of any, and return it.

        Operation ^: the first row, or None.
        """

    async def hand_over_superseded(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        workspace_id: str | None,
        updated_at: datetime,
    ) -> int:
        """Let what a fact supersedes be superseded by the one that supersedes the fact, or by none
        where that is

        not there; of a fact of one workspace or of any.

        Operation !: the number of rows changed.
        """

    async def delete_fact(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        workspace_id: str | None,
    ) -> int:
        """Delete a fact with its relations, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    def list_facts(
        self,
        connection: Connection,
        /,
        *,
        min_confidence: float,
        validation_status: ValidationStatusWord | None,
        include_superseded: bool,
        created_after: datetime,
        created_before: datetime,
        topics: Any,
        source_documents: Any,
        after_confidence: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FactRow]:
        """List facts of all workspaces, the surest first, then the newest, from a place on.

        Operation (none): every row.
        """

    def list_workspace_facts(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        min_confidence: float,
        validation_status: ValidationStatusWord | None,
        include_superseded: bool,
        created_after: datetime,
        created_before: datetime,
        topics: Any,
        source_documents: Any,
        after_confidence: float,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FactRow]:
        """List facts of a workspace, the surest first, then the newest, from a place on.

        Operation (none): every row.
        """

    def search_facts(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        terms: Sequence[str],
        workspace_id: str | None,
        min_confidence: float,
        validation_status: ValidationStatusWord | None,
        include_superseded: bool,
        created_after: datetime,
        created_before: datetime,
        topics: Any,
        source_documents: Any,
        most: int,
        row_limit: int,
        row_offset: int,
    ) -> AsyncIterator[FoundFactRow]:
        """Find facts with search terms in statement or topics, those with most of them first, of
        these the

        surest, of these the newest; of one workspace or of all. Where more than :most match, the
        surest are
        looked at.

        Operation (none): every row.
        """

    def list_contradictions(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        workspace_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[FactRow]:
        """List the facts that contradict a fact, or that it contradicts, and that no other one
        supersedes; of one

        workspace or of any.

        Operation (none): every row.
        """

    async def hold_supersessions(self, connection: Connection, /, *, held: str | None) -> str:
        """Let one at a time look for a circle of facts that supersede each other, and close none.

        Operation $: the first value of the first row, or None.
        """

    async def is_superseded(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        newer_id: str,
    ) -> bool:
        """Tell whether a fact supersedes another one, itself or over others, by a relation or by
        the column.

        Operation $: the first value of the first row, or None.
        """

    async def insert_relation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        source_fact_id: str,
        target_fact_id: str,
        relation_type: RelationTypeWord,
        confidence: float,
        created_by: str | None,
        metadata: Any,
        created_at: datetime,
        workspace_id: str | None,
    ) -> FactRelationRow | None:
        """Relate two facts, of one workspace or of any, and return the relation.

        Operation ^: the first row, or None.
        """

    def list_relations(
        self,
        connection: Connection,
        /,
        *,
        fact_id: str,
        relation_type: RelationTypeWord | None,
        as_source: bool,
        as_target: bool,
        workspace_id: str | None,
        row_limit: int,
    ) -> AsyncIterator[FactRelationRow]:
        """List the relations from and to a fact, of one type or of all; of one workspace or of
        any.

        Operation (none): every row.
        """

    def count_facts(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str | None,
    ) -> AsyncIterator[CountFactsRow]:
        """Count the facts of a workspace or of all by status, and add up how sure they are.

        Operation (none): every row.
        """

    async def count_relations(self, connection: Connection, /, *, workspace_id: str | None) -> int:
        """Count the relations that begin in a workspace, or all.

        Operation $: the first value of the first row, or None.
        """
