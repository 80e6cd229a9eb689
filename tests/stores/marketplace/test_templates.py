"""Templates of the marketplace: made, found, sorted, ranked, counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import AlreadyTakenError, InvalidInputError, TemplateNotFoundError
from aragora_sql.stores.marketplace import MarketplaceStore, SortOrder
from tests.stores.marketplace.cases import create
from tests.stores.samples import fetch_value, run


async def names(market: MarketplaceStore, *args: Any, **kwargs: Any) -> list[str]:
    templates, _ = await market.list_templates(*args, **kwargs)
    return [template.name for template in templates]


async def test_create_template_reads_back_by_get_template(market: MarketplaceStore) -> None:
    made = await market.create_template(
        "Löschung",
        "Prüft Löschkonzepte",
        "ann",
        "Ann Ö",
        "compliance",
        "debate",
        {"steps": [{"n": 1e17, "big": 2**70}]},
        ["dsgvo", "Löschen"],
    )
    assert made.id.startswith("tpl-")
    assert len(made.id) == 20
    found = await market.get_template(made.id)
    assert found == made
    assert found.to_dict() == {
        "id": made.id,
        "name": "Löschung",
        "description": "Prüft Löschkonzepte",
        "author_id": "ann",
        "author_name": "Ann Ö",
        "category": "compliance",
        "pattern": "debate",
        "tags": ["dsgvo", "Löschen"],
        "workflow_definition": {"steps": [{"n": 1e17, "big": 2**70}]},
        "download_count": 0,
        "rating_sum": 0,
        "rating_count": 0,
        "average_rating": 0.0,
        "is_featured": False,
        "is_trending": False,
        "is_builtin": False,
        "star_count": 0,
        "created_at": made.created_at.isoformat(),
        "updated_at": made.created_at.isoformat(),
    }
    assert await market.get_template("tpl-000000000000") is None


async def test_create_template_refuses_a_name_that_is_taken(market: MarketplaceStore) -> None:
    first = await create(market, "One")
    with pytest.raises(AlreadyTakenError, match="name: there is a template 'One' already") as error:
        await create(market, "One", description="another")
    assert isinstance(error.value, ValueError)
    assert (await market.get_template(first.id)) == first
    assert (await market.list_templates())[1] == 1


async def test_delete_template_takes_all_that_is_its_own(market: MarketplaceStore) -> None:
    template = await create(market)
    other = await create(market)
    for one in (template, other):
        await market.create_review(one.id, "ben", "Ben", 5, "Good", "")
        await market.publish_version(one.id, {"steps": []})
    assert await market.delete_template(template.id)
    assert not await market.delete_template(template.id)
    for table in ("versions", "reviews", "ratings"):
        sql = f"SELECT count(*) FROM marketplace_{table}"
        assert await fetch_value(market.database, sql) == 1
    assert len(await market.list_versions(other.id)) == 1


async def test_list_templates_finds_words_of_name_description_and_tags(
    market: MarketplaceStore,
) -> None:
    await create(market, "Café audit", description="Checks ACCOUNTS", tags=["ops", "naïve"])
    await create(market, "Other", description="audit_log and 100% (of it)", tags=[])
    await create(market, "Third", category="testing", description="an accounts audit", tags=["x"])

    async def found(search: str, category: str | None = None) -> set[str]:
        templates, total = await market.list_templates(category, search)
        assert len(templates) == total
        ranked, ranked_total = await market.list_templates_with_rank(category, search)
        assert [one.id for one in ranked] == [one.id for one in templates]
        assert ranked_total == total
        return {template.name for template in templates}

    assert await found("CAFE") == {"Café audit"}
    assert await found("audit") == {"Café audit", "Other", "Third"}
    assert await found("accounts  audit") == {"Café audit", "Third"}
    assert await found("accounts audit", "testing") == {"Third"}
    assert await found("NAIVE ops") == {"Café audit"}
    assert await found("log 100") == {"Other"}
    assert await found("AND") == {"Other"}
    assert await found("audi") == set()
    assert await found("x") == {"Third"}
    assert await found("!?") == set()
    assert await found("cafe other") == set()
    assert await found("  ") == {"Café audit", "Other", "Third"}
    hostile = "' OR 1=1 -- \" * ( ) : ^ NEAR | &"
    assert await found(hostile) == set()


async def test_list_templates_refuses_more_words_than_a_search_takes(
    market: MarketplaceStore,
) -> None:
    await create(market, description=" ".join(f"w{n}" for n in range(16)))
    assert len(await names(market, search=" ".join(f"w{n}" for n in range(16)))) == 1
    with pytest.raises(InvalidInputError, match="search: must have at most 16 different words"):
        await market.list_templates(search=" ".join(f"w{n}" for n in range(17)))


ORDERS: dict[SortOrder, list[str]] = {
    "rating": ["five", "fives", "four", "new", "old"],
    "downloads": ["new", "four", "five", "old", "fives"],
    "newest": ["new", "four", "five", "fives", "old"],
    "updated": ["old", "new", "four", "five", "fives"],
}


@pytest.fixture
async def sorted_market(market: MarketplaceStore) -> MarketplaceStore:
    """Five templates, each first in some order; of equal ones the newest comes first."""
    downloads = {"old": 1, "fives": 0, "five": 1, "four": 3, "new": 3}
    for number, (name, count) in enumerate(downloads.items()):
        template = await create(market, name, category="even" if number % 2 else "odd", tags=["t"])
        at = f"2026-01-0{number + 1}T00:00:00.000000Z"
        await run(
            market.database,
            f"UPDATE marketplace_templates SET created_at = '{at}', updated_at = '{at}', "
            f"download_count = {count} WHERE id = '{template.id}'",
        )
        if name == "old":
            await market.publish_version(template.id, {})
    templates = {one.name: one.id for one in (await market.list_templates())[0]}
    for name, ratings in {"five": [5, 5], "fives": [5], "four": [4, 4, 4]}.items():
        for user, rating in enumerate(ratings):
            await market.rate_template(templates[name], f"u{user}", rating)
    return market


@pytest.mark.parametrize("sort_by", ORDERS)
async def test_list_templates_sorts_and_pages(
    sorted_market: MarketplaceStore, sort_by: SortOrder
) -> None:
    expected = ORDERS[sort_by]
    for category in (None, "odd", "even"):
        members = {None: expected, "odd": ["old", "five", "new"], "even": ["fives", "four"]}
        wanted = [name for name in expected if name in members[category]]
        for search in (None, "t"):
            for listing in (sorted_market.list_templates, sorted_market.list_templates_with_rank):
                listed: list[str] = []
                after: Any = None
                while True:
                    page, total = await listing(category, search, sort_by, 2, after=after)
                    assert total == len(wanted)
                    if not page:
                        break
                    listed += [template.name for template in page]
                    after = page[-1] if len(listed) % 4 else page[-1].to_dict()
                assert listed == wanted


async def test_list_templates_with_rank_ranks_among_all(sorted_market: MarketplaceStore) -> None:
    ranked, _ = await sorted_market.list_templates_with_rank(sort_by="newest")
    ranks = {one.name: (one.global_rank, one.category_rank) for one in ranked}
    assert ranks == {"five": (1, 1), "fives": (2, 1), "four": (3, 2), "new": (4, 2), "old": (4, 2)}
    some, total = await sorted_market.list_templates_with_rank("even", limit=1)
    assert ([(one.name, one.global_rank) for one in some], total) == ([("fives", 2)], 2)
    assert await sorted_market.list_templates_with_rank(limit=0) == ([], 5)


async def test_get_featured_and_get_trending_give_what_set_featured_and_set_trending_say(
    sorted_market: MarketplaceStore,
) -> None:
    market = sorted_market
    ids = {one.name: one.id for one in (await market.list_templates())[0]}
    for name in ("old", "four", "five"):
        await market.set_featured(ids[name], True)
        await market.set_trending(ids[name], True)
    assert [one.name for one in await market.get_featured()] == ["five", "four", "old"]
    assert [one.name for one in await market.get_trending()] == ["four", "five", "old"]
    await market.set_featured(ids["five"], False)
    await market.set_trending(ids["four"], False)
    assert [one.name for one in await market.get_featured(1)] == ["four"]
    assert [one.name for one in await market.get_trending(1)] == ["five"]
    for call in (market.set_featured, market.set_trending):
        with pytest.raises(TemplateNotFoundError, match="no template 'nowhere'"):
            await call("nowhere", True)


async def test_increment_download_counts_each_of_many_at_once(market: MarketplaceStore) -> None:
    template = await create(market)
    await asyncio.gather(*(market.increment_download(template.id) for _ in range(20)))
    found = await market.get_template(template.id)
    assert found is not None
    assert (found.download_count, found.updated_at) == (20, template.updated_at)
    with pytest.raises(TemplateNotFoundError):
        await market.increment_download("nowhere")


async def test_list_categories_counts_the_templates_of_each(market: MarketplaceStore) -> None:
    for category in ("testing", "testing", "own", "new", "new", "new"):
        await create(market, category=category)
    await market.save_category("new", "Newest", "What came last")
    await market.save_category("empty", "Empty")
    await market.save_category("legal", "Law")
    listed = [(c.id, c.name, c.template_count) for c in await market.list_categories()]
    assert listed == [
        ("new", "Newest", 3),
        ("testing", "Testing", 2),
        ("own", "own", 1),
        ("code-review", "Code review", 0),
        ("compliance", "Compliance", 0),
        ("empty", "Empty", 0),
        ("healthcare", "Healthcare", 0),
        ("legal", "Law", 0),
        ("research", "Research", 0),
        ("security", "Security", 0),
    ]


async def test_save_category_again_renames_and_delete_category_leaves_templates(
    market: MarketplaceStore,
) -> None:
    await create(market, category="own")
    await market.save_category("own", "Mine", "first")
    await market.save_category("own", "Ours", "then")
    categories = {one.id: one for one in await market.list_categories()}
    assert (categories["own"].name, categories["own"].description) == ("Ours", "then")
    assert await market.delete_category("own")
    assert not await market.delete_category("own")
    assert not await market.delete_category("security")
    categories = {one.id: one for one in await market.list_categories()}
    assert (categories["own"].name, categories["own"].template_count) == ("own", 1)


async def test_both_engines_order_names_of_one_time_alike(database: Database) -> None:
    market = MarketplaceStore(database)
    for name in ("b", "A", "ä", "a"):
        await create(market, name)
    await run(
        database,
        "UPDATE marketplace_templates SET id = name, "
        "created_at = '2026-01-01T00:00:00.000000Z', updated_at = '2026-01-01T00:00:00.000000Z'",
    )
    for order in ORDERS:
        assert await names(market, sort_by=order) == ["ä", "b", "a", "A"]
