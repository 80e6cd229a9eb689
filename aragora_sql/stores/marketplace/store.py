"""The marketplace: templates of workflows, their versions, ratings, reviews and categories.

Its queries: ``sql/postgres/marketplace/queries.sql`` and ``sql/sqlite/marketplace/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    InvalidInputError,
    MissingParentError,
    TemplateNotFoundError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.marketplace.records import (
    FIRST_COUNT,
    SORT_ORDERS,
    Category,
    RankedTemplate,
    Review,
    SortOrder,
    Template,
    TemplateVersion,
    content_hash,
    page_of,
    template_terms,
)
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.marketplace import MarketplaceQueries

__all__ = ["MarketplaceStore"]

BATCH = 500
LOWEST, HIGHEST = 1, 5


class MarketplaceStore(Store):
    """Keeps templates of workflows, what users think of them, and their published versions.

    A user has one rating of a template: another one takes its place, and the sum of the template
    changes by the difference, in one transaction. A published version never changes; the database
    itself refuses that. How many templates a category has is counted when it is asked for.

    Lists return pages: ``limit=``, and ``after=`` the last record of the page before. Bad arguments
    are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument; a template that is
    not there is :class:`~aragora_sql.errors.TemplateNotFoundError`. Nothing is written then.
    """

    name = "marketplace"
    _queries: MarketplaceQueries

    # Templates

    async def create_template(
        self,
        name: str,
        description: str,
        author_id: str,
        author_name: str,
        category: str,
        pattern: str,
        workflow_definition: Mapping[str, Any],
        tags: Iterable[str] | None = None,
    ) -> Template:
        """Store a new template, and return it.

        Raises :class:`~aragora_sql.errors.AlreadyTakenError` (a ``ValueError``) when another one
        has the name. The category may be any text.
        """
        key = prefixed_id("tpl-")
        words = valid.names(tags, "tags")
        about = valid.text(description, "description")
        called = valid.key(name, "name")
        async with self._database.transaction() as connection:
            stored = await self._queries.insert_template(
                connection,
                id=key,
                name=called,
                description=about,
                author_id=valid.key(author_id, "author_id"),
                author_name=valid.text(author_name, "author_name"),
                category=valid.key(category, "category"),
                pattern=valid.identifier(pattern, "pattern"),
                tags=valid.array(words, "tags"),
                workflow_definition=valid.document(workflow_definition, "workflow_definition"),
                search_terms=template_terms(called, about, words),
                created_at=utc_now(),
            )
            if not stored:
                raise AlreadyTakenError("name", f"there is a template {called!r} already")
            row = await self._queries.get_template(connection, template_id=key)
        if row is None:
            raise TemplateNotFoundError(key)
        return record_of(Template, **row)

    async def get_template(self, template_id: str) -> Template | None:
        """Return a template, or None."""
        valid.text(template_id, "template_id")
        async with self._database.read() as connection:
            row = await self._queries.get_template(connection, template_id=template_id)
        return None if row is None else record_of(Template, **row)

    async def delete_template(self, template_id: str) -> bool:
        """Delete a template with its versions, ratings and reviews; False when there is none."""
        valid.text(template_id, "template_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_template(connection, template_id=template_id))

    async def list_templates(
        self,
        category: str | None = None,
        search: str | None = None,
        sort_by: SortOrder = "rating",
        limit: int = 50,
        *,
        after: LastRow | None = None,
    ) -> tuple[list[Template], int]:
        """Return a page of the templates, and how many there are of them in all.

        Of one category, or those that a search finds: each of its words is a word of the name, the
        description or the tags, without regard to case and accents (at most 16 words). ``sort_by``
        is ``rating`` (by the average; those without a rating last), ``downloads``, ``newest`` or
        ``updated``.
        """
        chosen = valid.optional_text(category, "category")
        expression = _expression(search)
        order = valid.choice(sort_by, "sort_by", SORT_ORDERS)
        row_limit = valid.limit(limit)
        page = page_of(order, after)
        if expression == "":
            return [], 0
        async with self._database.read() as connection:
            if expression is not None:
                rows: Any = self._queries.find_templates(
                    connection,
                    expression=expression,
                    category=chosen,
                    sort_by=order,
                    row_limit=row_limit,
                    **page,
                )
            elif chosen is not None:
                rows = self._queries.list_category_templates(
                    connection, category=chosen, sort_by=order, row_limit=row_limit, **page
                )
            else:
                rows = self._sorted(connection, order, after, row_limit)
            templates = [record_of(Template, **row) async for row in rows]
            return templates, await self._total(connection, expression, chosen)

    def _sorted(
        self, connection: Connection, sort_by: SortOrder, after: LastRow | None, row_limit: int
    ) -> Any:
        page = page_of(sort_by, after)
        place: Any = {
            "after_timestamp": page["after_timestamp"],
            "after_id": page["after_id"],
            "row_limit": row_limit,
        }
        if sort_by == "rating":
            return self._queries.list_best_templates(
                connection,
                after_number=page["after_number"],
                after_count=page["after_count"],
                **place,
            )
        if sort_by == "downloads":
            return self._queries.list_downloaded_templates(
                connection, after_count=int(page["after_number"]), **place
            )
        if sort_by == "newest":
            return self._queries.list_newest_templates(connection, **place)
        return self._queries.list_updated_templates(connection, **place)

    async def _total(
        self, connection: Connection, expression: str | None, category: str | None
    ) -> int:
        if expression is not None:
            return await self._queries.count_found_templates(
                connection, expression=expression, category=category
            )
        if category is not None:
            return await self._queries.count_category_templates(connection, category=category)
        return await self._queries.count_templates(connection)

    async def list_templates_with_rank(
        self,
        category: str | None = None,
        search: str | None = None,
        sort_by: SortOrder = "rating",
        limit: int = 50,
        *,
        after: LastRow | None = None,
    ) -> tuple[list[RankedTemplate], int]:
        """Return what :meth:`list_templates` does, each template with its ranks by rating.

        The ranks are those among all templates and among those of its category, also where fewer
        are listed. It reads all templates.
        """
        chosen = valid.optional_text(category, "category")
        expression = _expression(search)
        order = valid.choice(sort_by, "sort_by", SORT_ORDERS)
        row_limit = valid.limit(limit)
        page = page_of(order, after)
        if expression == "":
            return [], 0
        async with self._database.read() as connection:
            rows = self._queries.rank_templates(
                connection,
                expression=expression,
                category=chosen,
                sort_by=order,
                row_limit=row_limit,
                **page,
            )
            templates = [record_of(RankedTemplate, **row) async for row in rows]
            return templates, await self._total(connection, expression, chosen)

    async def get_featured(self, limit: int = 10) -> list[Template]:
        """Return featured templates, the best rated first."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_featured(connection, row_limit=row_limit)
            return [record_of(Template, **row) async for row in rows]

    async def get_trending(self, limit: int = 10) -> list[Template]:
        """Return trending templates, the most downloaded first."""
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_trending(connection, row_limit=row_limit)
            return [record_of(Template, **row) async for row in rows]

    async def increment_download(self, template_id: str) -> None:
        """Count a download of a template."""
        valid.text(template_id, "template_id")
        async with self._database.connection() as connection:
            if not await self._queries.add_download(connection, template_id=template_id):
                raise TemplateNotFoundError(template_id)

    async def set_featured(self, template_id: str, featured: bool) -> None:
        """Set whether a template is among :meth:`get_featured`."""
        valid.text(template_id, "template_id")
        wanted = valid.boolean(featured, "featured")
        async with self._database.connection() as connection:
            if not await self._queries.set_featured(
                connection, template_id=template_id, featured=wanted
            ):
                raise TemplateNotFoundError(template_id)

    async def set_trending(self, template_id: str, trending: bool) -> None:
        """Set whether a template is among :meth:`get_trending`."""
        valid.text(template_id, "template_id")
        wanted = valid.boolean(trending, "trending")
        async with self._database.connection() as connection:
            if not await self._queries.set_trending(
                connection, template_id=template_id, trending=wanted
            ):
                raise TemplateNotFoundError(template_id)

    # Ratings and reviews

    async def rate_template(self, template_id: str, user_id: str, rating: int) -> tuple[float, int]:
        """Rate a template with 1 to 5; return its average and its number of ratings then.

        A user's rating takes the place of what the same user gave before.
        """
        key = valid.key(template_id, "template_id")
        user = valid.key(user_id, "user_id")
        stars = valid.integer(rating, "rating", LOWEST, HIGHEST)
        async with self._database.transaction() as connection:
            return await self._rate(connection, key, user, stars)

    async def _rate(
        self, connection: Connection, template_id: str, user_id: str, rating: int
    ) -> tuple[float, int]:
        try:
            await self._queries.upsert_rating(
                connection,
                template_id=template_id,
                user_id=user_id,
                rating=rating,
                created_at=utc_now(),
            )
        except MissingParentError as error:
            raise TemplateNotFoundError(template_id) from error
        row = await self._queries.add_rating(connection, template_id=template_id, user_id=user_id)
        if row is None:
            raise TemplateNotFoundError(template_id)
        return row["rating_sum"] / row["rating_count"], row["rating_count"]

    async def recount_ratings(self) -> int:
        """Let each template have the sum and number of its ratings; return how many had others.

        That is so of whatever this store wrote. Of older data it need not be: after a migration
        this adds up the ratings of templates that an older registry kept.
        """

        async def batch() -> int:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_miscounted(connection, row_limit=BATCH)
                ids = [row["id"] async for row in rows]
                if not ids:
                    return 0
                return await self._queries.recount_ratings(connection, template_ids=ids)

        return await in_batches(batch)

    async def create_review(
        self,
        template_id: str,
        user_id: str,
        user_name: str,
        rating: int,
        title: str,
        content: str,
    ) -> Review:
        """Store a user's review of a template with the rating, all or nothing, and return it.

        A user has one: another one takes its place, with its id, and nobody has found it helpful.
        """
        key = valid.key(template_id, "template_id")
        user = valid.key(user_id, "user_id")
        stars = valid.integer(rating, "rating", LOWEST, HIGHEST)
        called = valid.text(user_name, "user_name")
        headline = valid.identifier(title, "title")
        text = valid.text(content, "content")
        async with self._database.transaction() as connection:
            try:
                row = await self._queries.upsert_review(
                    connection,
                    id=prefixed_id("rev-"),
                    template_id=key,
                    user_id=user,
                    user_name=called,
                    rating=stars,
                    title=headline,
                    content=text,
                    created_at=utc_now(),
                )
            except MissingParentError as error:
                raise TemplateNotFoundError(key) from error
            await self._rate(connection, key, user, stars)
        return record_of(Review, **row)

    async def list_reviews(
        self, template_id: str, limit: int = 20, *, after: LastRow | None = None
    ) -> list[Review]:
        """Return a page of the reviews of a template, the most helpful first, then the newest."""
        valid.text(template_id, "template_id")
        row_limit = valid.limit(limit)
        helpful, timestamp, last_id = key_of(
            after,
            {
                "helpful_count": valid.integer,
                "created_at": valid.timestamp_or_text,
                "id": valid.text,
            },
            (FIRST_COUNT, LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_reviews(
                connection,
                template_id=template_id,
                after_helpful=helpful,
                after_timestamp=timestamp,
                after_id=last_id,
                row_limit=row_limit,
            )
            return [record_of(Review, **row) async for row in rows]

    async def mark_helpful(self, review_id: str) -> bool:
        """Count that somebody found a review helpful; False when there is none of this id."""
        valid.text(review_id, "review_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.add_helpful(connection, review_id=review_id))

    # Categories

    async def list_categories(self) -> list[Category]:
        """Return the categories with the number of their templates, the largest first.

        Those are the seven that every marketplace has, those of :meth:`save_category`, and others
        that templates name.
        """
        async with self._database.read() as connection:
            rows = self._queries.list_categories(connection)
            return [record_of(Category, **row) async for row in rows]

    async def save_category(self, category_id: str, name: str, description: str = "") -> None:
        """Store a category, or another name and description of one."""
        key = valid.key(category_id, "category_id")
        async with self._database.connection() as connection:
            await self._queries.save_category(
                connection,
                id=key,
                name=valid.identifier(name, "name"),
                description=valid.text(description, "description"),
            )

    async def delete_category(self, category_id: str) -> bool:
        """Delete what :meth:`save_category` stored; False when it did not. Templates stay."""
        valid.text(category_id, "category_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_category(connection, category_id=category_id))

    # Versions

    async def publish_version(
        self,
        template_id: str,
        workflow_definition: Mapping[str, Any],
        version: str | None = None,
        *,
        notes: str = "",
        published_by: str | None = None,
    ) -> TemplateVersion:
        """Publish a workflow as the next version of a template, and return it.

        It is that of the template then. ``version`` is what people call it, its
        number where it is None; :class:`~aragora_sql.errors.AlreadyTakenError` when another
        version of the template has the name.
        """
        key = valid.key(template_id, "template_id")
        document = valid.document(workflow_definition, "workflow_definition")
        called = valid.optional(version, "version", valid.key)
        about = valid.text(notes, "notes")
        user = valid.optional(published_by, "published_by", valid.key)
        now = utc_now()
        async with self._database.transaction() as connection:
            if not await self._queries.update_template(
                connection, template_id=key, workflow_definition=document, updated_at=now
            ):
                raise TemplateNotFoundError(key)
            row = await self._queries.insert_version(
                connection,
                template_id=key,
                version=called,
                workflow_definition=document,
                content_hash=content_hash(document),
                notes=about,
                published_by=user,
                published_at=now,
            )
            if row is None:
                raise AlreadyTakenError(
                    "version", f"template {key!r} has a version of this name already"
                )
        return record_of(TemplateVersion, **row)

    async def get_version(
        self, template_id: str, version: str | None = None
    ) -> TemplateVersion | None:
        """Return a version of a template, the last one where ``version`` is None; or None."""
        valid.text(template_id, "template_id")
        called = valid.optional_text(version, "version")
        if called is None:
            newest = await self.list_versions(template_id, limit=1)
            return newest[0] if newest else None
        async with self._database.read() as connection:
            row = await self._queries.get_version(
                connection, template_id=template_id, version=called
            )
        return None if row is None else record_of(TemplateVersion, **row)

    async def list_versions(
        self, template_id: str, limit: int = 50, *, after: LastRow | None = None
    ) -> list[TemplateVersion]:
        """Return a page of the versions of a template, the last first."""
        valid.text(template_id, "template_id")
        row_limit = valid.limit(limit)
        (number,) = key_of(after, {"number": valid.integer}, (FIRST_COUNT,))
        async with self._database.read() as connection:
            rows = self._queries.list_versions(
                connection, template_id=template_id, before_number=number, row_limit=row_limit
            )
            return [record_of(TemplateVersion, **row) async for row in rows]


def _expression(search: str | None) -> str | None:
    """Return what the full-text index is asked for; '' finds nothing, None is no search."""
    text = valid.optional_text(search, "search")
    if text is None or not text.strip():
        return None
    terms = search_terms(text)
    if len(terms) > MOST_SEARCH_TERMS:
        raise InvalidInputError("search", f"must have at most {MOST_SEARCH_TERMS} different words")
    return all_terms(terms) if terms else ""
