"""A store whose foreign keys refer to tables of other stores."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aragora_sql.database import Dialect
from aragora_sql.errors import MissingParentError
from aragora_sql.migration import MigrationOptions, run_migration
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import apply_schema, initialize_store, plan_schema, store_names
from aragora_sql.schema.files import with_needed_stores
from aragora_sql.settings import PostgresDSN
from tests.conftest import OpenDatabase
from tests.migration.legacy import SOURCE_ZONE, write_consensus
from tests.schema.conftest import run
from tests.stores.samples import fetch

# A table that points backwards in the order of the stores, and one that points forwards.
TABLES = {
    "critique": """
-- REFERENCES job_queue in a comment means nothing.
CREATE TABLE IF NOT EXISTS debate_sources (
    debate_id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    CONSTRAINT debate_sources_pkey PRIMARY KEY (debate_id),
    CONSTRAINT debate_sources_consensus_id_fkey
    FOREIGN KEY (consensus_id) REFERENCES consensus (id)
);
""",
    "consensus": """
CREATE TABLE IF NOT EXISTS consensus_findings (
    consensus_id TEXT NOT NULL REFERENCES consensus (id),
    finding_id TEXT NOT NULL REFERENCES finding_workflows (finding_id),
    CONSTRAINT consensus_findings_pkey PRIMARY KEY (consensus_id)
);
""",
}


@pytest.fixture
def linked_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packaged tree, in use, with tables that need other stores' tables."""
    root = tmp_path / "linked sql"
    shutil.copytree(packaged_sql_dir(), root)
    for store, table in TABLES.items():
        for dialect in ("postgres", "sqlite"):
            path = root / dialect / store / "schema.sql"
            path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(root))
    return root


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_what_a_store_needs_comes_before_it(linked_tree: Path, dialect: Dialect) -> None:
    wanted = ["workflow", "consensus", "critique"]
    assert with_needed_stores(["critique"], dialect) == wanted
    assert with_needed_stores(["critique", "consensus"], dialect) == wanted
    assert with_needed_stores(["consensus"], dialect) == wanted[:2]
    assert with_needed_stores(["jobs"], dialect) == ["jobs"]
    # As packaged, stores need no other, but for those that read the tables of others.
    needed = {
        "debate_archive": ["critique"],
        "decisions": ["consensus", "critique", "checkpoints"],
        "webhooks": ["jobs"],
    }
    for store in store_names(dialect, packaged_sql_dir()):
        expected = [*needed.get(store, []), store]
        assert with_needed_stores([store], dialect, packaged_sql_dir()) == expected


async def test_one_store_is_initialized_with_what_it_needs(
    open_database: OpenDatabase, linked_tree: Path
) -> None:
    database = await open_database()
    assert [plan.store for plan in await plan_schema(database, ["critique"])] == [
        "workflow",
        "consensus",
        "critique",
    ]
    await initialize_store(database, "critique")
    found = await fetch(database, "SELECT module FROM _schema_versions ORDER BY module")
    assert [row["module"] for row in found] == ["consensus", "critique", "workflow"]
    with pytest.raises(MissingParentError):
        await run(database, "INSERT INTO debate_sources VALUES ('d', 'missing')")
    assert list(await apply_schema(database, ["critique"])) == ["workflow", "consensus", "critique"]


def test_migrating_one_store_makes_what_it_needs(
    postgres_dsn: str, linked_tree: Path, tmp_path: Path
) -> None:
    source = tmp_path / "memory.db"
    write_consensus(source, rows=3)
    report = run_migration(
        MigrationOptions(
            sqlite_path=source,
            dsn=PostgresDSN.parse(postgres_dsn),
            stores=("consensus",),
            source_timezone=SOURCE_ZONE,
            rejects=tmp_path / "rejects",
        )
    )
    assert report.table("consensus").counts.migrated == 3
