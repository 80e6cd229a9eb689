"""The older marketplace, migrated: the store's file and the registry's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator, MigrationReport
from aragora_sql.stores.marketplace import MarketplaceStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.marketplace import write_registry, write_store

SAVED_AT = 1770914577.123456
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)


def template(template_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": template_id,
        "name": f"Name of {template_id}",
        "description": "Prüft Verträge",
        "author_id": "ann",
        "author_name": "Ann",
        "category": "legal",
        "pattern": "debate",
        "tags": ["Löschung", "x"],
        "workflow_definition": {"n": 1e17},
        "download_count": 3,
        "rating_sum": 9.0,
        "rating_count": 2,
        "created_at": SAVED_AT,
        "updated_at": SAVED_AT,
        **changes,
    }


STORE: dict[str, list[dict[str, Any]]] = {
    "templates": [
        template("tpl-0123456789ab", is_featured=1, is_trending=1),
        template("tpl-bare", tags=None, workflow_definition=None, category="unlisted"),
        template("tpl-damaged", tags="no list"),
        template("tpl-half", rating_sum=4.5),
        template("tpl-clash"),
    ],
    "reviews": [
        {
            "id": "rev-1",
            "template_id": "tpl-0123456789ab",
            "user_id": "ben",
            "user_name": "Ben",
            "rating": 5,
            "title": "Good",
            "content": "It works",
            "helpful_count": 2,
            "created_at": SAVED_AT,
        },
    ],
    "ratings": [
        {
            "template_id": "tpl-0123456789ab",
            "user_id": user,
            "rating": rating,
            "created_at": SAVED_AT,
        }
        for user, rating in (("ben", 5), ("cy", 4), ("dee", 6))
    ]
    + [{"template_id": "gone", "user_id": "ben", "rating": 1, "created_at": SAVED_AT}],
    "categories": [
        {"id": "legal", "name": "Law", "description": "Of the store", "template_count": 17}
    ],
}
BUILTIN: dict[str, Any] = {
    "id": "devil-advocate",
    "type": "AgentTemplate",
    "name": "Devil's advocate",
    "description": "Objects",
    "version": "1.2.0",
    "author": "aragora",
    "category": "debate",
    "tags": ["critic"],
    "content": {"prompt": "object"},
    "content_hash": "0123456789abcdef",
    "created_at": "2026-02-12T17:42:57.123456",
    "updated_at": "2026-02-12T17:42:57.123456",
    "downloads": 7,
    "stars": 4,
    "is_builtin": 1,
}
REGISTRY: dict[str, list[dict[str, Any]]] = {
    "templates": [BUILTIN, {**BUILTIN, "id": "clash", "name": "Name of tpl-clash"}],
    "ratings": [
        {
            "template_id": "devil-advocate",
            "user_id": "ben",
            "score": 4,
            "review": "Sharp",
            "created_at": "2026-02-12T17:42:57",
        },
        {
            "template_id": "devil-advocate",
            "user_id": "cy",
            "score": 5,
            "review": "",
            "created_at": "2026-02-12T17:42:57",
        },
    ],
}
# (migrated, rejected)
COUNTS = {
    "marketplace_categories": (1, 0),
    "marketplace_templates": (4, 3),
    "marketplace_versions": (2, 0),
    "marketplace_reviews": (2, 0),
    "marketplace_ratings": (4, 2),
}


@pytest.fixture(scope="module")
def report(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> MigrationReport:
    """The store's file is in the directory that is applied twice, the registry's is not."""
    data = tmp_path_factory.mktemp("older") / ".nomic"
    (data / data.name).mkdir(parents=True)
    write_registry(data / "marketplace.db", **REGISTRY)
    write_store(data / data.name / "marketplace.db", **STORE)
    return module_target.migrate(
        data, source_timezone="Europe/Berlin", stores=("marketplace",), verify="all"
    )


def test_every_row_is_accounted_for(module_target: Target, report: MigrationReport) -> None:
    check_sums(report)
    counts = {table.table: (table.migrated, table.rejected) for table in report.tables}
    assert counts == COUNTS
    assert not report.mismatches
    reasons = {
        line["key"]["id"]: line["reason"]
        for line in module_target.rejected("marketplace_templates")
    }
    assert "not valid JSON" in reasons["tpl-damaged"]
    assert "4.5" in reasons["tpl-half"]
    assert "marketplace_templates_name_key" in reasons["tpl-clash"]
    assert report.left_behind == []


async def test_what_was_migrated_is_what_the_store_reads(
    module_target: Target, report: MigrationReport, tmp_path: Path
) -> None:
    assert report.total_migrated
    database = await PostgresDatabase.connect(module_target.dsn, 1, 2)
    await check(MarketplaceStore(database))
    await database.close()
    # And back: SQLite's full-text table is made of the rows.
    path = tmp_path / "aragora.db"
    back = MemoryMigrator(path, module_target.dsn, reverse=True, rejects=tmp_path / "rejects")
    moved = await back.migrate_marketplace()
    assert (moved.total_migrated, moved.total_errors) == (13, 0)
    lite = SQLiteDatabase(path)
    await check(MarketplaceStore(lite))
    await lite.close()


async def check(market: MarketplaceStore) -> None:
    """Look at all that was migrated."""
    found = await market.get_template("tpl-0123456789ab")
    assert found is not None
    assert (found.created_at, found.updated_at) == (IN_UTC, IN_UTC)
    assert (found.tags, found.workflow_definition) == (["Löschung", "x"], {"n": 1e17})
    assert (found.rating_sum, found.average_rating, found.download_count) == (9, 4.5, 3)
    assert found.is_featured
    assert found.is_trending
    bare = await market.get_template("tpl-bare")
    assert bare is not None
    assert (bare.tags, bare.workflow_definition, bare.is_builtin) == ([], {}, False)
    builtin = await market.get_template("devil-advocate")
    assert builtin is not None
    assert builtin.created_at == IN_UTC
    assert (builtin.pattern, builtin.author_id, builtin.star_count) == (
        "AgentTemplate",
        "aragora",
        4,
    )
    assert (builtin.download_count, builtin.is_builtin) == (7, True)
    version = await market.get_version("devil-advocate")
    assert version is not None
    assert (version.number, version.version, version.content_hash) == (
        1,
        "1.2.0",
        "0123456789abcdef",
    )
    assert version.workflow_definition == builtin.workflow_definition == {"prompt": "object"}
    assert [one.id for one in (await market.list_templates(search="loschung vertrage"))[0]] == [
        "tpl-0123456789ab"
    ]
    assert (await market.list_templates("debate", "critic"))[1] == 2
    (review,) = await market.list_reviews("tpl-0123456789ab")
    assert (review.title, review.helpful_count, review.created_at) == ("Good", 2, IN_UTC)
    (review,) = await market.list_reviews("devil-advocate")
    assert (review.user_id, review.rating, review.content) == ("ben", 4, "Sharp")
    categories = {one.id: one for one in await market.list_categories()}
    assert (categories["legal"].name, categories["legal"].template_count) == ("Law", 1)
    assert categories["unlisted"].template_count == 1
    # The ratings of the registry are added up when that is asked for.
    assert builtin.rating_count in (0, 2)
    await market.recount_ratings()
    builtin = await market.get_template("devil-advocate")
    assert builtin is not None
    assert (builtin.rating_sum, builtin.rating_count) == (9, 2)


async def test_a_second_run_finds_all_there(module_target: Target, tmp_path: Path) -> None:
    data = tmp_path / "more"
    data.mkdir()
    write_store(data / "marketplace.db", categories=STORE["categories"])
    migrator = MemoryMigrator(data, module_target.dsn, rejects=module_target.rejects)
    assert (await migrator.migrate_marketplace()).total_migrated in (0, 1)
    assert (await migrator.migrate_marketplace()).total_migrated == 0
