"""The types of the queries of the store marketplace.

Made by ``aragora-sql stubs`` from
``sql/postgres/marketplace/queries.sql`` and ``sql/sqlite/marketplace/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class InsertTemplateParameters(TypedDict):
    """One set of parameters of insert_template."""

    id: str
    name: str
    description: str
    author_id: str
    author_name: str
    category: str
    pattern: str
    tags: Any
    workflow_definition: Any
    search_terms: str
    created_at: datetime

class TemplateRow(TypedDict):
    """A row of get_template, list_best_templates, list_downloaded_templates,
    list_newest_templates, list_updated_templates, list_featured, list_trending,
    list_category_templates, find_templates."""

    id: str
    name: str
    description: str
    author_id: str
    author_name: str
    category: str
    pattern: str
    tags: Any
    workflow_definition: Any
    download_count: int
    rating_sum: int
    rating_count: int
    average_rating: float
    is_featured: bool
    is_trending: bool
    is_builtin: bool
    star_count: int
    created_at: datetime
    updated_at: datetime

class RankedTemplateRow(TypedDict):
    """A row of rank_templates."""

    id: str
    name: str
    description: str
    author_id: str
    author_name: str
    category: str
    pattern: str
    tags: Any
    workflow_definition: Any
    download_count: int
    rating_sum: int
    rating_count: int
    average_rating: float
    is_featured: bool
    is_trending: bool
    is_builtin: bool
    star_count: int
    created_at: datetime
    updated_at: datetime
    global_rank: int
    category_rank: int

class UpsertRatingParameters(TypedDict):
    """One set of parameters of upsert_rating."""

    template_id: str
    user_id: str
    rating: int
    created_at: datetime

class AddRatingRow(TypedDict):
    """A row of add_rating."""

    rating_sum: int
    rating_count: int

class LockMiscountedRow(TypedDict):
    """A row of lock_miscounted."""

    id: str

class ReviewRow(TypedDict):
    """A row of upsert_review, list_reviews."""

    id: str
    template_id: str
    user_id: str
    user_name: str
    rating: int
    title: str
    content: str
    helpful_count: int
    created_at: datetime

class UpsertReviewParameters(TypedDict):
    """One set of parameters of upsert_review."""

    id: str
    template_id: str
    user_id: str
    user_name: str
    rating: int
    title: str
    content: str
    created_at: datetime

class CategoryRow(TypedDict):
    """A row of list_categories."""

    id: str
    name: str
    description: str
    template_count: int

class SaveCategoryParameters(TypedDict):
    """One set of parameters of save_category."""

    id: str
    name: str
    description: str

class TemplateVersionRow(TypedDict):
    """A row of insert_version, get_version, list_versions."""

    template_id: str
    number: int
    version: str
    workflow_definition: Any
    content_hash: str
    notes: str
    published_by: str | None
    published_at: datetime

class MarketplaceQueries(Protocol):
    """The queries of the store marketplace."""

    async def insert_template(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        description: str,
        author_id: str,
        author_name: str,
        category: str,
        pattern: str,
        tags: Any,
        workflow_definition: Any,
        search_terms: str,
        created_at: datetime,
    ) -> int:
        """Store a template, unless one has the name.

        Operation !: the number of rows changed.
        """

    async def get_template(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
    ) -> TemplateRow | None:
        """Return a template.

        Operation ^: the first row, or None.
        """

    def list_best_templates(
        self,
        connection: Connection,
        /,
        *,
        after_number: float,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates, the best rated first, from a place on; those without a rating are
        the last.

        Operation (none): every row.
        """

    def list_downloaded_templates(
        self,
        connection: Connection,
        /,
        *,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates, the most downloaded first, from a place on.

        Operation (none): every row.
        """

    def list_newest_templates(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_updated_templates(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates, the last that was updated first, from a place on.

        Operation (none): every row.
        """

    def list_featured(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the featured templates, the best rated first.

        Operation (none): every row.
        """

    def list_trending(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the trending templates, the most downloaded first.

        Operation (none): every row.
        """

    def list_category_templates(
        self,
        connection: Connection,
        /,
        *,
        category: str,
        sort_by: str,
        after_number: float,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates of a category in one of four orders, from a place on.

        Operation (none): every row.
        """

    def find_templates(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        category: str | None,
        sort_by: str,
        after_number: float,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[TemplateRow]:
        """List the templates that a search finds, of one category or of all, in one of four
        orders, from a

        place on.

        Operation (none): every row.
        """

    def rank_templates(
        self,
        connection: Connection,
        /,
        *,
        expression: str | None,
        category: str | None,
        sort_by: str,
        after_number: float,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[RankedTemplateRow]:
        """List templates with their ranks by rating among all and in their category; those that a
        search

        finds or all, of one category or of all, in one of four orders, from a place on.

        Operation (none): every row.
        """

    async def count_templates(self, connection: Connection, /) -> int:
        """Count the templates.

        Operation $: the first value of the first row, or None.
        """

    async def count_category_templates(self, connection: Connection, /, *, category: str) -> int:
        """Count the templates of a category.

        Operation $: the first value of the first row, or None.
        """

    async def count_found_templates(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        category: str | None,
    ) -> int:
        """Count the templates that a search finds, of one category or of all.

        Operation $: the first value of the first row, or None.
        """

    async def add_download(self, connection: Connection, /, *, template_id: str) -> int:
        """Count a download of a template.

        Operation !: the number of rows changed.
        """

    async def set_featured(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        featured: bool,
    ) -> int:
        """Set whether a template is featured.

        Operation !: the number of rows changed.
        """

    async def set_trending(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        trending: bool,
    ) -> int:
        """Set whether a template is trending.

        Operation !: the number of rows changed.
        """

    async def delete_template(self, connection: Connection, /, *, template_id: str) -> int:
        """Delete a template with its versions, reviews and ratings.

        Operation !: the number of rows changed.
        """

    async def upsert_rating(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        user_id: str,
        rating: int,
        created_at: datetime,
    ) -> int:
        """Store what a user gives a template, in the place of what the user gave before, which is
        kept

        beside it for add_rating. PostgreSQL waits here for another rating of the same user.

        Operation !: the number of rows changed.
        """

    async def add_rating(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        user_id: str,
    ) -> AddRatingRow | None:
        """Add to a template what the user's last rating changed, and return how it is rated then.

        Operation ^: the first row, or None.
        """

    def lock_miscounted(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[LockMiscountedRow]:
        """Hold templates whose sum or number of ratings is not that of their ratings.

        Operation (none): every row.
        """

    async def recount_ratings(
        self,
        connection: Connection,
        /,
        *,
        template_ids: Sequence[str],
    ) -> int:
        """Let templates have the sum and the number of their ratings.

        Operation !: the number of rows changed.
        """

    async def upsert_review(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        template_id: str,
        user_id: str,
        user_name: str,
        rating: int,
        title: str,
        content: str,
        created_at: datetime,
    ) -> ReviewRow:
        """Store a user's review of a template; one that is there is written again, and keeps its
        id alone.

        Operation ^: the first row, or None.
        """

    def list_reviews(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        after_helpful: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ReviewRow]:
        """List the reviews of a template, the most helpful first, of these the newest, from a
        place on.

        Operation (none): every row.
        """

    async def add_helpful(self, connection: Connection, /, *, review_id: str) -> int:
        """Count that somebody found a review helpful.

        Operation !: the number of rows changed.
        """

    def list_categories(self, connection: Connection, /) -> AsyncIterator[CategoryRow]:
        """List the categories with the number of their templates, the largest first: the seven
        that every

        marketplace has, those that were added, and others that templates name.

        Operation (none): every row.
        """

    async def save_category(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        description: str,
    ) -> int:
        """Store a category, or its name and description.

        Operation !: the number of rows changed.
        """

    async def delete_category(self, connection: Connection, /, *, category_id: str) -> int:
        """Delete a category that was added; its templates stay in it.

        Operation !: the number of rows changed.
        """

    async def update_template(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        workflow_definition: Any,
        updated_at: datetime,
    ) -> int:
        """Let a template have the workflow of a new version. Who publishes another one waits here.

        Operation !: the number of rows changed.
        """

    async def insert_version(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        version: str | None,
        workflow_definition: Any,
        content_hash: str,
        notes: str,
        published_by: str | None,
        published_at: datetime,
    ) -> TemplateVersionRow | None:
        """Store the next version of a template, unless one has the name; without a name it is its
        number.

        update_template before it keeps others from giving the same number.

        Operation ^: the first row, or None.
        """

    async def get_version(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        version: str,
    ) -> TemplateVersionRow | None:
        """Return a version of a template by its name.

        Operation ^: the first row, or None.
        """

    def list_versions(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        before_number: int,
        row_limit: int,
    ) -> AsyncIterator[TemplateVersionRow]:
        """List the versions of a template, the last first, from a place on.

        Operation (none): every row.
        """
