"""Published versions of templates, which never change."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import AlreadyTakenError, IntegrityError, TemplateNotFoundError
from aragora_sql.stores.marketplace import MarketplaceStore
from tests.stores.marketplace.cases import create
from tests.stores.samples import run


async def test_publish_version_reads_back_by_get_version(market: MarketplaceStore) -> None:
    template = await create(market)
    workflow = {"b": [1, 2.5, 1e17], "a": "ü"}
    first = await market.publish_version(
        template.id, workflow, "1.0", notes="the first", published_by="ann"
    )
    assert first.to_dict() == {
        "template_id": template.id,
        "number": 1,
        "version": "1.0",
        "workflow_definition": workflow,
        "content_hash": hashlib.sha256('{"a":"ü","b":[1,2.5,1e+17]}'.encode()).hexdigest(),
        "notes": "the first",
        "published_by": "ann",
        "published_at": first.published_at.isoformat(),
    }
    second = await market.publish_version(template.id, {})
    assert (second.number, second.version, second.published_by) == (2, "2", None)
    assert await market.get_version(template.id, "1.0") == first
    assert await market.get_version(template.id) == second
    assert await market.get_version(template.id, "3") is None
    assert await market.get_version("nowhere") is None
    found = await market.get_template(template.id)
    assert found is not None
    assert found.workflow_definition == {}
    assert found.updated_at == second.published_at > found.created_at


async def test_publish_version_hashes_the_workflow_whatever_its_order(
    market: MarketplaceStore,
) -> None:
    template = await create(market)
    versions = [
        await market.publish_version(template.id, workflow)
        for workflow in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3})
    ]
    first, second, third = (version.content_hash for version in versions)
    assert first == second != third


async def test_publish_version_refuses_a_name_that_is_taken(market: MarketplaceStore) -> None:
    template, other = await create(market), await create(market)
    await market.publish_version(template.id, {"n": 1}, "2")
    with pytest.raises(AlreadyTakenError, match=r"version: template .* has a version"):
        await market.publish_version(template.id, {"n": 2}, "2")
    with pytest.raises(AlreadyTakenError):
        await market.publish_version(template.id, {"n": 2})
    found = await market.get_template(template.id)
    assert found is not None
    assert found.workflow_definition == {"n": 1}
    assert (await market.publish_version(other.id, {}, "2")).number == 1
    with pytest.raises(TemplateNotFoundError):
        await market.publish_version("nowhere", {})


async def test_publish_version_of_many_at_once_numbers_without_a_gap(
    market: MarketplaceStore,
) -> None:
    template = await create(market)
    await asyncio.gather(*(market.publish_version(template.id, {"n": n}) for n in range(10)))
    versions = await market.list_versions(template.id)
    assert [version.number for version in versions] == list(range(10, 0, -1))
    found = await market.get_template(template.id)
    assert found is not None
    assert found.workflow_definition == versions[0].workflow_definition


async def test_list_versions_pages(market: MarketplaceStore) -> None:
    template = await create(market)
    for number in range(5):
        await market.publish_version(template.id, {"n": number})
    listed: list[int] = []
    after: Any = None
    while page := await market.list_versions(template.id, 2, after=after):
        listed += [version.number for version in page]
        after = page[-1].to_dict()
    assert listed == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE marketplace_versions SET workflow_definition = '{\"n\": 1.0}'",
        "UPDATE marketplace_versions SET version = '2.0'",
        "UPDATE marketplace_versions SET number = 2",
        "UPDATE marketplace_versions SET content_hash = 'x'",
        "UPDATE marketplace_versions SET notes = 'x'",
        "UPDATE marketplace_versions SET published_by = 'ben'",
        "UPDATE marketplace_versions SET published_at = '2026-01-01T00:00:00.000000Z'",
        "UPDATE marketplace_versions SET template_id = 'other'",
        "DELETE FROM marketplace_versions",
        "TRUNCATE marketplace_versions",
    ],
)
async def test_the_database_refuses_changes_of_versions(
    market: MarketplaceStore, statement: str
) -> None:
    if statement.startswith("TRUNCATE") and isinstance(market.database, SQLiteDatabase):
        statement = "DELETE FROM marketplace_versions WHERE number = 1"
    template = await create(market)
    await run(market.database, f"UPDATE marketplace_templates SET id = 'other' || '{template.id}'")
    version = await market.publish_version(f"other{template.id}", {"n": 1}, published_by="ann")
    with pytest.raises(IntegrityError, match="versions are immutable"):
        await run(market.database, statement)
    assert await market.list_versions(version.template_id) == [version]
