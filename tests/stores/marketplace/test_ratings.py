"""Ratings and reviews of the marketplace."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import TemplateNotFoundError
from aragora_sql.privacy import erase_user, export_user
from aragora_sql.stores.marketplace import MarketplaceStore
from tests.stores.marketplace.cases import create
from tests.stores.samples import fetch, fetch_value, run


async def test_rate_template_replaces_the_rating_of_a_user(market: MarketplaceStore) -> None:
    template = await create(market)
    assert await market.rate_template(template.id, "ann", 5) == (5.0, 1)
    assert await market.rate_template(template.id, "ben", 2) == (3.5, 2)
    assert await market.rate_template(template.id, "ann", 1) == (1.5, 2)
    assert await market.rate_template(template.id, "ann", 1) == (1.5, 2)
    assert await market.rate_template(template.id, "ann", 3) == (2.5, 2)
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.rating_sum, found.rating_count, found.average_rating) == (5, 2, 2.5)
    assert await market.recount_ratings() == 0
    with pytest.raises(TemplateNotFoundError, match="no template 'nowhere'"):
        await market.rate_template("nowhere", "ann", 3)
    assert await fetch_value(market.database, "SELECT count(*) FROM marketplace_ratings") == 2


async def test_rate_template_adds_up_a_hundred_at_once(market: MarketplaceStore) -> None:
    """Forty users, most of them twice or more often, at one time."""
    template = await create(market)
    given = [(f"u{n % 40}", 1 + n % 5) for n in range(100)]
    await asyncio.gather(*(market.rate_template(template.id, *one) for one in given))
    rows = await fetch(market.database, "SELECT user_id, rating FROM marketplace_ratings")
    assert len(rows) == 40
    for row in rows:
        assert (row["user_id"], row["rating"]) in given
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.rating_sum, found.rating_count) == (sum(r["rating"] for r in rows), 40)
    assert await market.recount_ratings() == 0


async def test_rate_template_of_one_user_at_once_counts_once(market: MarketplaceStore) -> None:
    template = await create(market)
    await asyncio.gather(*(market.rate_template(template.id, "ann", 1 + n % 5) for n in range(15)))
    found = await market.get_template(template.id)
    assert found is not None
    assert found.rating_count == 1
    sql = "SELECT rating FROM marketplace_ratings"
    assert found.rating_sum == await fetch_value(market.database, sql)


async def test_rate_template_is_undone_with_its_transaction(market: MarketplaceStore) -> None:
    template = await create(market)
    await market.rate_template(template.id, "ann", 4)

    async def undone() -> None:
        async with market.database.transaction():
            await market.rate_template(template.id, "ann", 1)
            await market.create_review(template.id, "ben", "Ben", 1, "Bad", "")
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await undone()
    assert await market.rate_template(template.id, "ann", 4) == (4.0, 1)
    assert await market.list_reviews(template.id) == []


async def test_recount_ratings_mends_sums_and_no_others(market: MarketplaceStore) -> None:
    templates = [await create(market) for _ in range(4)]
    await market.rate_template(templates[0].id, "ann", 4)
    await market.rate_template(templates[1].id, "ann", 2)
    await market.rate_template(templates[1].id, "ben", 5)
    for number, change in enumerate(("rating_sum = 9", "rating_count = 7", "rating_sum = 3")):
        await run(
            market.database,
            f"UPDATE marketplace_templates SET {change} WHERE id = '{templates[number].id}'",
        )
    assert await market.recount_ratings() == 3
    found = [await market.get_template(one.id) for one in templates]
    sums = [(one.rating_sum, one.rating_count) for one in found if one is not None]
    assert sums == [(4, 1), (7, 2), (0, 0), (0, 0)]
    assert await market.recount_ratings() == 0


async def test_recount_ratings_beside_ratings_loses_none(market: MarketplaceStore) -> None:
    template = await create(market)
    await run(market.database, "UPDATE marketplace_templates SET rating_sum = 5, rating_count = 1")
    rated = [market.rate_template(template.id, f"u{n}", 1 + n % 5) for n in range(20)]
    await asyncio.gather(*rated, *(market.recount_ratings() for _ in range(5)))
    await market.recount_ratings()
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.rating_sum, found.rating_count) == (60, 20)


async def test_create_review_rates_and_replaces(market: MarketplaceStore) -> None:
    template = await create(market)
    first = await market.create_review(template.id, "ann", "Ann", 4, "Good", "It works")
    assert first.id.startswith("rev-")
    assert await market.mark_helpful(first.id)
    second = await market.create_review(template.id, "ann", "Ann B", 2, "Not so good", "")
    assert second.to_dict() == {
        "id": first.id,
        "template_id": template.id,
        "user_id": "ann",
        "user_name": "Ann B",
        "rating": 2,
        "title": "Not so good",
        "content": "",
        "helpful_count": 0,
        "created_at": second.created_at.isoformat(),
    }
    assert await market.list_reviews(template.id) == [second]
    assert await market.rate_template(template.id, "ben", 4) == (3.0, 2)
    with pytest.raises(TemplateNotFoundError):
        await market.create_review("nowhere", "ann", "Ann", 4, "Good", "")


async def test_create_review_of_many_at_once_keeps_one_of_each_user(
    market: MarketplaceStore,
) -> None:
    template = await create(market)
    await asyncio.gather(
        *(market.create_review(template.id, f"u{n % 5}", "", 3, "t", "") for n in range(20))
    )
    assert len(await market.list_reviews(template.id)) == 5
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.rating_sum, found.rating_count) == (15, 5)


async def test_list_reviews_gives_first_what_mark_helpful_counted(market: MarketplaceStore) -> None:
    template, other = await create(market), await create(market)
    reviews = [
        await market.create_review(template.id, f"u{n}", "", 3, f"{n}", "") for n in range(5)
    ]
    await market.create_review(other.id, "u0", "", 3, "other", "")
    for number, helpful in ((1, 2), (3, 1)):
        for _ in range(helpful):
            assert await market.mark_helpful(reviews[number].id)
    assert not await market.mark_helpful("rev-nowhere")
    listed: list[str] = []
    after: Any = None
    while page := await market.list_reviews(template.id, 2, after=after):
        listed += [review.title for review in page]
        after = page[-1]
    assert listed == ["1", "3", "4", "2", "0"]


async def test_a_user_who_is_erased_leaves_the_rating(market: MarketplaceStore) -> None:
    template = await create(market, author_id="ann", author_name="Ann")
    await market.create_review(template.id, "ann", "Ann", 5, "Mine", "is the best")
    await market.publish_version(template.id, {"steps": []}, published_by="ann")
    data = await export_user(market.database, "ann")
    assert {one.table for one in data.tables} == {
        "marketplace_templates",
        "marketplace_versions",
        "marketplace_reviews",
        "marketplace_ratings",
    }
    await erase_user(market.database, "ann")
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.author_name, found.rating_sum, found.rating_count) == ("", 5, 1)
    assert found.author_id.startswith("erased-")
    assert await market.list_reviews(template.id) == []
    (version,) = await market.list_versions(template.id)
    assert version.published_by is None
    assert (await export_user(market.database, "ann")).tables == []
    assert await market.recount_ratings() == 0
