"""The archive of debates that have ended.

Its queries: ``sql/postgres/debate_archive/queries.sql`` and
``sql/sqlite/debate_archive/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import utc_now
from aragora_sql.errors import DuplicateKeyError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.debate_archive.records import (
    ArchivedDebate,
    AudioInfo,
    DebateSummary,
    debate_parameters,
)
from aragora_sql.stores.debate_archive.slugs import LONGEST_SLUG, first_slug
from aragora_sql.stores.paging import LastRow, NewestPage, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import document_terms, search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.debate_archive import DebateArchiveQueries

__all__ = ["DebateArchive"]

BATCH = 1000


class DebateArchive(Store):
    """Keeps debates that have ended, each under its id and under a slug for permalinks.

    With ``org_id`` a method sees and changes the debates of that organization only. Lists return
    pages: ``limit=``, and ``after=`` the last row of the page before.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "debate_archive"
    _queries: DebateArchiveQueries

    # Storing

    async def save(self, artifact: Any, org_id: str | None = None) -> str:
        """Store the artifact of a debate, a dictionary or what has ``to_dict()``; return its slug.

        See :meth:`save_dict`. Whether and how surely there was a consensus may stand in its
        ``consensus_proof`` (``reached``, ``confidence``).
        """
        to_dict = getattr(artifact, "to_dict", None)
        document = artifact if to_dict is None else to_dict()
        return (await self._insert(document, "artifact", org_id))[1]

    async def save_dict(self, debate_data: Mapping[str, Any], org_id: str | None = None) -> str:
        """Store a debate, and return its slug.

        ``debate_data`` is kept whole. It has a ``task``, and may have ``id`` (or ``debate_id``, or
        ``artifact_id``; the slug is the id of a debate without any), ``agents`` (names),
        ``consensus_reached`` and ``confidence`` (0 to 1). Where other debates have the slug
        already, this one gets the next number behind it. Raises
        :class:`~aragora_sql.errors.DuplicateKeyError` when there is a debate of the id.
        """
        return (await self._insert(debate_data, "debate_data", org_id))[1]

    async def store(self, debate_data: Mapping[str, Any], org_id: str | None = None) -> str:
        """Do what :meth:`save_dict` does, and return the id."""
        return (await self._insert(debate_data, "debate_data", org_id))[0]

    async def generate_slug(self, task: str) -> str:
        """Return the slug that a debate of this task would get now; nothing is reserved."""
        first = first_slug(valid.identifier(task, "task"), utc_now())
        async with self._database.read() as connection:
            found = await self._queries.get_next_slug(connection, slug=first, id=None)
        assert found is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        return found["slug"]

    async def _insert(self, data: Any, argument: str, org_id: str | None) -> tuple[str, str]:
        row = debate_parameters(data, argument, org_id)
        first = slug = first_slug(row["task"], utc_now())
        while True:
            terms = document_terms(row["task"], slug)
            async with self._database.connection() as connection:
                stored = await self._queries.insert_debate(
                    connection, slug=slug, search_terms=terms, **row
                )
                if stored is not None:
                    return stored["id"], stored["slug"]
                found = await self._queries.get_next_slug(connection, slug=first, id=row["id"])
            assert found is not None  # noqa: S101 - an aggregate without GROUP BY is one row
            slug = found["slug"]
            if found["is_stored"]:
                raise DuplicateKeyError(f"there is a debate {row['id'] or slug!r} already")

    # Reading

    async def get_by_id(self, debate_id: str, org_id: str | None = None) -> ArchivedDebate | None:
        """Return a debate; None when there is none."""
        key = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_debate(connection, debate_id=key, org_id=organization)
        return None if row is None else record_of(ArchivedDebate, **row)

    async def get_by_slug(self, slug: str, org_id: str | None = None) -> ArchivedDebate | None:
        """Return the debate of a slug with this view counted; None when there is none."""
        named = valid.text(slug, "slug")
        organization = valid.optional_text(org_id, "org_id")
        if not 0 < len(named) <= LONGEST_SLUG:
            return None
        async with self._database.connection() as connection:
            row = await self._queries.view_debate(connection, slug=named, org_id=organization)
        return None if row is None else record_of(ArchivedDebate, **row)

    async def get_debates_batch(
        self, debate_ids: Iterable[str], org_id: str | None = None
    ) -> dict[str, ArchivedDebate | None]:
        """Return the debates of some ids by id; None for an id that there is no debate of."""
        keys = valid.texts(debate_ids, "debate_ids")
        organization = valid.optional_text(org_id, "org_id")
        found: dict[str, ArchivedDebate | None] = dict.fromkeys(keys)
        async with self._database.read() as connection:
            async for row in self._queries.list_batch(
                connection, debate_ids=list(found), org_id=organization
            ):
                found[row["id"]] = record_of(ArchivedDebate, **row)
        return found

    async def list_recent(
        self, limit: int = 20, org_id: str | None = None, *, after: LastRow | None = None
    ) -> list[DebateSummary]:
        """Return a page of the debates, newest first."""
        organization = valid.optional_text(org_id, "org_id")
        return (await self._list(None, organization, newest_page(limit, after), with_total=False))[
            0
        ]

    async def search(
        self,
        query: str,
        limit: int = 20,
        org_id: str | None = None,
        *,
        after: LastRow | None = None,
    ) -> tuple[list[DebateSummary], int]:
        """Return a page of the debates that a search finds, newest first, and how many there are.

        Found are those in whose task or slug all the words are, without regard to case and accents
        (at most 16 words); by a blank ``query``, all.
        """
        text = valid.text(query, "query")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after)
        terms = search_terms(text)[:MOST_SEARCH_TERMS]
        if text.strip() and not terms:
            return [], 0
        expression = all_terms(terms) if terms else None
        return await self._list(expression, organization, page, with_total=True)

    async def _list(
        self, expression: str | None, org_id: str | None, page: NewestPage, *, with_total: bool
    ) -> tuple[list[DebateSummary], int]:
        total = 0
        async with self._database.read() as connection:
            if expression is not None:
                rows: Any = self._queries.find_debates(
                    connection, expression=expression, org_id=org_id, **page
                )
            elif org_id is not None:
                rows = self._queries.list_org_debates(connection, org_id=org_id, **page)
            else:
                rows = self._queries.list_debates(connection, **page)
            found = [record_of(DebateSummary, **row) async for row in rows]
            if with_total and expression is not None:
                total = await self._queries.count_found_debates(
                    connection, expression=expression, org_id=org_id
                )
            elif with_total:
                total = await self._queries.count_debates(connection, org_id=org_id)
        return found, total

    # The names under which applications know the same.
    get = get_by_id
    get_debate = get_by_id
    get_debate_by_slug = get_by_slug
    list_debates = list_recent

    # Audio and visibility

    async def update_audio(
        self,
        debate_id: str,
        audio_path: str,
        duration_seconds: int | None = None,
        org_id: str | None = None,
    ) -> bool:
        """Say where the audio of a debate is, which was made now; False when there is no debate."""
        key = valid.text(debate_id, "debate_id")
        path = valid.identifier(audio_path, "audio_path")
        seconds = valid.optional(duration_seconds, "duration_seconds", valid.integer)
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_audio(
                    connection,
                    debate_id=key,
                    audio_path=path,
                    audio_duration_seconds=seconds,
                    org_id=organization,
                )
            )

    async def get_audio_info(self, debate_id: str, org_id: str | None = None) -> AudioInfo | None:
        """Return where the audio of a debate is; None when it has none."""
        key = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_audio(connection, debate_id=key, org_id=organization)
        if row is None:
            return None
        return {
            "audio_path": row["audio_path"],
            "audio_generated_at": row["audio_generated_at"],
            "audio_duration_seconds": row["audio_duration_seconds"],
        }

    async def is_public(self, debate_id: str, org_id: str | None = None) -> bool:
        """Tell whether everybody may read a debate; False when there is none."""
        key = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            return bool(
                await self._queries.get_visibility(connection, debate_id=key, org_id=organization)
            )

    async def set_public(self, debate_id: str, is_public: bool, org_id: str | None = None) -> bool:
        """Set whether everybody may read a debate; False when there is none."""
        key = valid.text(debate_id, "debate_id")
        wanted = valid.boolean(is_public, "is_public")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_visibility(
                    connection, debate_id=key, is_public=wanted, org_id=organization
                )
            )

    # Deleting and linking

    async def delete(self, slug: str, org_id: str | None = None) -> bool:
        """Delete the debate of a slug; False when there is none."""
        named = valid.text(slug, "slug")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_by_slug(connection, slug=named, org_id=organization)
            )

    async def delete_debate(
        self, debate_id: str, org_id: str | None = None, *, cascade_critiques: bool = False
    ) -> bool:
        """Delete a debate by its id, or else by its slug; False when there is none.

        ``cascade_critiques``: what the critique store has of the debate is deleted with it.
        """
        key = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        cascade = valid.boolean(cascade_critiques, "cascade_critiques")
        async with self._database.transaction() as connection:
            found = await self._queries.find_debate(connection, key=key, org_id=organization)
            if found is None:
                return False
            if cascade:
                # The critique store's row first: deleting it there unlinks the row here.
                await self._queries.lock_critiques(connection, debate_id=found)
            deleted = await self._queries.delete_debate(
                connection, debate_id=found, org_id=organization
            )
            if cascade and deleted:
                await self._queries.delete_critiques(connection, debate_id=found)
        return bool(deleted)

    async def link_debates(self) -> int:
        """Link debates to those that the critique store got later, and return how many.

        What it has when a debate is stored here is linked then. In small transactions.
        """

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.link_debates(connection, row_limit=BATCH)

        return await in_batches(batch)
