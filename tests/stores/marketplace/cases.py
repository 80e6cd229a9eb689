"""What the conformance suite needs to know of the marketplace."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.marketplace import MarketplaceStore, Template
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_TEXTS,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    lists_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count()
NOT_RATINGS: list[Any] = [0, 6, -1, 2.5, True, "5", None]
NOT_ORDERS: list[Any] = ["", "RATING", "price", None, 5]

NEWER = {"after_timestamp": day(300), "after_id": "k", "row_limit": 10}
PAGE = {"after_number": 5.0, "after_count": 3, **NEWER}

HOT = [
    Hot("get_template", {"template_id": "k1"}),
    Hot("list_best_templates", PAGE, True),
    Hot("list_downloaded_templates", {"after_count": 3, **NEWER}, True),
    Hot("list_newest_templates", NEWER, True),
    Hot("list_updated_templates", NEWER, True),
    Hot("list_featured", {"row_limit": 10}, True),
    Hot("list_trending", {"row_limit": 10}, True),
    Hot("list_category_templates", {"category": "c1", "sort_by": "rating", **PAGE}),
    Hot(
        "find_templates",
        {"expression": "(one&w1)", "category": None, "sort_by": "rating", **PAGE},
    ),
    Hot("count_category_templates", {"category": "c1"}),
    Hot("count_found_templates", {"expression": "w1", "category": None}),
    Hot("add_download", {"template_id": "k1"}),
    Hot("add_rating", {"template_id": "k1", "user_id": "u1"}),
    Hot("list_reviews", {"template_id": "k1", "after_helpful": 5, **NEWER}, True),
    Hot("add_helpful", {"review_id": "k1"}),
    Hot("get_version", {"template_id": "k1", "version": "1"}),
    Hot("list_versions", {"template_id": "k1", "before_number": 9, "row_limit": 10}, True),
    Hot("delete_template", {"template_id": "k1"}),
]


async def create(market: MarketplaceStore, name: str = "", **changes: Any) -> Template:
    """Store a template; without a name it gets one of its own."""
    arguments: dict[str, Any] = {
        "name": name or f"Template {next(NUMBERS)}",
        "description": "Reviews code for flaws",
        "author_id": "ann",
        "author_name": "Ann",
        "category": "security",
        "pattern": "debate",
        "workflow_definition": {"steps": [1]},
        **changes,
    }
    return await market.create_template(**arguments)


async def add(market: MarketplaceStore) -> None:
    await create(market)


async def count(market: MarketplaceStore) -> int:
    return (await market.list_templates())[1]


async def fill(market: MarketplaceStore) -> None:
    """Store some thousand templates, each with a version, a rating and a review."""
    database = market.database
    rows = numbers(database, 5000)
    if database.dialect == "postgres":
        at, rare = "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'", "n % 100 = 0"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"
        rare = "CASE WHEN n % 100 = 0 THEN 1 ELSE 0 END"
    statements = [
        "INSERT INTO marketplace_templates (id, name, description, author_id, category, pattern, "
        "download_count, rating_sum, rating_count, is_featured, is_trending, search_terms, "
        "created_at, updated_at) SELECT 'k' || n, 'Name ' || n, '', 'a' || (n % 100), "
        f"'c' || (n % 200), 'p', n % 50, 1 + n % 5, 1, {rare}, {rare}, 'one w' || (n % 500), "
        f"{at}, {at} FROM {rows}",
        "INSERT INTO marketplace_versions (template_id, number, version, workflow_definition, "
        "content_hash) "
        f"SELECT 'k' || n, 1, '1', '{{}}', 'h' FROM {rows}",
        "INSERT INTO marketplace_reviews (id, template_id, user_id, user_name, rating, title, "
        f"content, created_at) SELECT 'k' || n, 'k' || (1 + n % 50), 'u' || n, '', 1, '', '', {at} "
        f"FROM {rows}",
        "INSERT INTO marketplace_ratings (template_id, user_id, rating) "
        f"SELECT 'k' || n, 'u' || (n % 100), 1 + n % 5 FROM {rows}",
    ]
    for statement in statements:
        await run(database, statement)


async def prepare(market: MarketplaceStore) -> dict[str, str]:
    template = await create(market, "Kept")
    review = await market.create_review(template.id, "ann", "Ann", 4, "Good", "It works")
    await market.publish_version(template.id, {"steps": []}, "1.0")
    return {"id": template.id, "review": review.id}


ROUND_TRIPS = {
    "create_template": Call(4, lambda s, kept: create(s)),
    "get_template": Call(1, lambda s, kept: s.get_template(kept["id"])),
    "list_templates": Call(2, lambda s, kept: s.list_templates(), at_most=True),
    "list_templates of a search": Call(
        2, lambda s, kept: s.list_templates("security", "flaws"), at_most=True
    ),
    "list_templates_with_rank": Call(2, lambda s, kept: s.list_templates_with_rank(), at_most=True),
    "get_featured": Call(1, lambda s, kept: s.get_featured()),
    "get_trending": Call(1, lambda s, kept: s.get_trending()),
    "increment_download": Call(1, lambda s, kept: s.increment_download(kept["id"])),
    "set_featured": Call(1, lambda s, kept: s.set_featured(kept["id"], True)),
    "rate_template": Call(4, lambda s, kept: s.rate_template(kept["id"], "ben", 5)),
    "create_review": Call(5, lambda s, kept: s.create_review(kept["id"], "cy", "", 5, "t", "")),
    "list_reviews": Call(1, lambda s, kept: s.list_reviews(kept["id"])),
    "mark_helpful": Call(1, lambda s, kept: s.mark_helpful(kept["review"])),
    "list_categories": Call(1, lambda s, kept: s.list_categories()),
    "save_category": Call(1, lambda s, kept: s.save_category("own", "Own")),
    "publish_version": Call(4, lambda s, kept: s.publish_version(kept["id"], {})),
    "get_version": Call(1, lambda s, kept: s.get_version(kept["id"], "1.0")),
    "list_versions": Call(1, lambda s, kept: s.list_versions(kept["id"])),
    "recount_ratings": Call(3, lambda s, kept: s.recount_ratings()),
}

BAD_ARGUMENTS = [
    *keys_of("create_template", "name", "author_id", "category"),
    *texts_of("create_template", "description", "author_name"),
    *names_of("create_template", "pattern"),
    *documents_of("create_template", "workflow_definition"),
    *lists_of("create_template", "tags"),
    *optional_texts_of("list_templates", "category", "search"),
    BadArgument("list_templates", "sort_by", NOT_ORDERS),
    BadArgument("list_templates", "search", [" ".join(f"w{n}" for n in range(17))]),
    *optional_texts_of("list_templates_with_rank", "category", "search"),
    BadArgument("list_templates_with_rank", "sort_by", NOT_ORDERS),
    *limits_of("list_templates", "list_templates_with_rank", "get_featured", "get_trending"),
    *limits_of("list_reviews", "list_versions"),
    BadArgument("set_featured", "featured", NOT_BOOLEANS),
    BadArgument("set_trending", "trending", NOT_BOOLEANS),
    *texts_of("increment_download", "template_id"),
    *keys_of("rate_template", "template_id", "user_id"),
    BadArgument("rate_template", "rating", NOT_RATINGS),
    *keys_of("create_review", "template_id", "user_id"),
    BadArgument("create_review", "rating", NOT_RATINGS),
    *texts_of("create_review", "user_name", "content"),
    *names_of("create_review", "title"),
    *keys_of("save_category", "category_id"),
    *names_of("save_category", "name"),
    *texts_of("save_category", "description"),
    *keys_of("publish_version", "template_id"),
    *documents_of("publish_version", "workflow_definition"),
    BadArgument("publish_version", "version", [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, "", " "]),
    *texts_of("publish_version", "notes"),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "create_template": {
        "name": "n",
        "description": "",
        "author_id": "ann",
        "author_name": "",
        "category": "c",
        "pattern": "p",
        "workflow_definition": {},
    },
    "list_reviews": {"template_id": "k"},
    "list_versions": {"template_id": "k"},
    "set_featured": {"template_id": "k"},
    "set_trending": {"template_id": "k"},
    "rate_template": {"template_id": "k", "user_id": "ann", "rating": 1},
    "create_review": {
        "template_id": "k",
        "user_id": "ann",
        "user_name": "",
        "rating": 1,
        "title": "t",
        "content": "",
    },
    "save_category": {"category_id": "c", "name": "n"},
    "publish_version": {"template_id": "k", "workflow_definition": {}},
}

CASES = StoreCases(
    make=MarketplaceStore,
    add=add,
    count=count,
    foreign_table="marketplace_templates (template_id TEXT PRIMARY KEY, downloads INTEGER)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"rating": lambda s: s.rate_template("k", "ann", 6)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
