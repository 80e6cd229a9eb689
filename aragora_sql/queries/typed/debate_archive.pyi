"""The types of the queries of the store debate_archive.

Made by ``aragora-sql stubs`` from
``sql/postgres/debate_archive/queries.sql`` and ``sql/sqlite/debate_archive/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class InsertDebateRow(TypedDict):
    """A row of insert_debate."""

    id: str
    slug: str

class InsertDebateParameters(TypedDict):
    """One set of parameters of insert_debate."""

    id: str | None
    slug: str
    task: str
    agents: Any
    artifact_json: Any
    consensus_reached: bool
    confidence: float
    org_id: str | None
    search_terms: str

class GetNextSlugRow(TypedDict):
    """A row of get_next_slug."""

    slug: str
    is_stored: bool

class ArchivedDebateRow(TypedDict):
    """A row of view_debate, get_debate, list_batch."""

    id: str
    slug: str
    task: str
    agents: Any
    artifact_json: Any
    consensus_reached: bool
    confidence: float
    view_count: int
    audio_path: str | None
    audio_generated_at: datetime | None
    audio_duration_seconds: int | None
    org_id: str | None
    is_public: bool
    critique_debate_id: str | None
    created_at: datetime

class DebateSummaryRow(TypedDict):
    """A row of list_debates, list_org_debates, find_debates."""

    id: str
    slug: str
    task: str
    agents: Any
    consensus_reached: bool
    confidence: float
    view_count: int
    org_id: str | None
    is_public: bool
    created_at: datetime

class GetAudioRow(TypedDict):
    """A row of get_audio."""

    audio_path: str
    audio_generated_at: datetime | None
    audio_duration_seconds: int | None

class DebateArchiveQueries(Protocol):
    """The queries of the store debate_archive."""

    async def insert_debate(
        self,
        connection: Connection,
        /,
        *,
        id: str | None,
        slug: str,
        task: str,
        agents: Any,
        artifact_json: Any,
        consensus_reached: bool,
        confidence: float,
        org_id: str | None,
        search_terms: str,
    ) -> InsertDebateRow | None:
        """Store a debate, linked to the one of the critique store where that has it, unless its id
        or slug is

        another one's.

        Operation ^: the first row, or None.
        """

    async def get_next_slug(
        self,
        connection: Connection,
        /,
        *,
        slug: str | None,
        id: str | None,
    ) -> GetNextSlugRow | None:
        """Return a slug with the next number behind it, or as it is where none is like it; and
        whether there

        is a debate of the id (NULL: of that slug). Where the slug is to be the id too, ids count
        as slugs.

        Operation ^: the first row, or None.
        """

    async def view_debate(
        self,
        connection: Connection,
        /,
        *,
        slug: str,
        org_id: str | None,
    ) -> ArchivedDebateRow | None:
        """Count that a debate was read by its slug, and return it, of one organization or of any.

        Operation ^: the first row, or None.
        """

    async def get_debate(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
    ) -> ArchivedDebateRow | None:
        """Return a debate, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_batch(
        self,
        connection: Connection,
        /,
        *,
        debate_ids: Sequence[str],
        org_id: str | None,
    ) -> AsyncIterator[ArchivedDebateRow]:
        """Return the debates of some ids, of one organization or of any, in no order.

        Operation (none): every row.
        """

    def list_debates(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateSummaryRow]:
        """List debates without their artifacts, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_debates(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateSummaryRow]:
        """List the debates of an organization without their artifacts, newest first, from a place
        on.

        Operation (none): every row.
        """

    def find_debates(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateSummaryRow]:
        """List the debates that a search finds without their artifacts, newest first, from a place
        on, of one

        organization or of all.

        Operation (none): every row.
        """

    async def count_found_debates(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        org_id: str | None,
    ) -> int:
        """Count the debates that a search finds, of one organization or of all.

        Operation $: the first value of the first row, or None.
        """

    async def count_debates(self, connection: Connection, /, *, org_id: str | None) -> int:
        """Count debates, of one organization or of all.

        Operation $: the first value of the first row, or None.
        """

    async def delete_by_slug(
        self,
        connection: Connection,
        /,
        *,
        slug: str,
        org_id: str | None,
    ) -> int:
        """Delete the debate of a slug, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def find_debate(
        self,
        connection: Connection,
        /,
        *,
        key: str,
        org_id: str | None,
    ) -> str | None:
        """Return the id of a debate by its id, or by its slug where no debate has that id; of one
        organization

        or of any.

        Operation $: the first value of the first row, or None.
        """

    async def lock_critiques(self, connection: Connection, /, *, debate_id: str) -> str | None:
        """Hold a debate of the critique store until it is deleted, and return its id.

        Operation $: the first value of the first row, or None.
        """

    async def delete_debate(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
    ) -> int:
        """Delete a debate, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def delete_critiques(self, connection: Connection, /, *, debate_id: str) -> int:
        """Delete a debate of the critique store with its critiques.

        Operation !: the number of rows changed.
        """

    async def set_audio(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        audio_path: str | None,
        audio_duration_seconds: int | None,
        org_id: str | None,
    ) -> int:
        """Say where the audio of a debate is, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def get_audio(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
    ) -> GetAudioRow | None:
        """Return where the audio of a debate is, of one that has some, of one organization or of
        any.

        Operation ^: the first row, or None.
        """

    async def get_visibility(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
    ) -> bool | None:
        """Return whether everybody may read a debate, of one organization or of any.

        Operation $: the first value of the first row, or None.
        """

    async def set_visibility(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        is_public: bool,
        org_id: str | None,
    ) -> int:
        """Set whether everybody may read a debate, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def link_debates(self, connection: Connection, /, *, row_limit: int) -> int:
        """Link some debates to those of the critique store that were stored later. One that is
        being deleted is

        left out; the others can't be, until they are linked.

        Operation !: the number of rows changed.
        """
