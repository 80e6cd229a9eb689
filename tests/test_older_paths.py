"""The module paths and files of the older Aragora's documentation, under our package's name."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path

import psycopg
import pytest

import aragora_sql
from aragora_sql.migration import MemoryMigrator
from aragora_sql.queries.files import packaged_sql_dir

ROOT = Path(__file__).resolve().parent.parent
MIGRATOR = "aragora_sql.persistence.migrations.postgres.memory_migrator"

PATHS = {
    "aragora_sql.memory.postgres_consensus": (
        "PostgresConsensusMemory",
        "get_postgres_consensus_memory",
    ),
    "aragora_sql.memory.postgres_critique": (
        "PostgresCritiqueStore",
        "get_postgres_critique_store",
    ),
    "aragora_sql.storage.postgres_store": ("close_postgres_pool", "get_postgres_pool"),
    "aragora_sql.checkpoints.langgraph": ("LangGraphSaver", "get_langgraph_saver"),
}


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """The older Aragora's file of debates and consensus."""
    path = tmp_path / "agora_memory.db"
    script = packaged_sql_dir() / "legacy" / "samples" / "memory.sql"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize("module", PATHS)
def test_a_module_path_gives_the_same_objects(module: str) -> None:
    offered = import_module(module)
    assert set(PATHS[module]) <= set(offered.__all__)
    for name in offered.__all__:
        assert getattr(offered, name) is getattr(aragora_sql, name)


async def test_the_examples_of_the_stores(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aragora_sql.memory.postgres_consensus import (
        PostgresConsensusMemory,
        get_postgres_consensus_memory,
    )
    from aragora_sql.memory.postgres_critique import get_postgres_critique_store
    from aragora_sql.storage.postgres_store import close_postgres_pool, get_postgres_pool

    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", postgres_dsn)
    pool = await get_postgres_pool(dsn=postgres_dsn, min_size=1, max_size=3)
    memory = PostgresConsensusMemory(pool)
    await memory.initialize()
    await memory.store_consensus(
        topic="Rate limiting approach",
        conclusion="Use token bucket algorithm",
        strength="strong",
        confidence=0.85,
        participating_agents=["claude", "gpt4"],
        agreeing_agents=["claude", "gpt4"],
    )
    again = await get_postgres_consensus_memory(dsn=postgres_dsn)
    assert len(await again.find_similar("rate limiting", limit=5)) == 1
    store = await get_postgres_critique_store()
    await store.store_debate(
        debate_id="debate-123",
        task="Design a rate limiter",
        final_answer="Use token bucket",
        consensus_reached=True,
        confidence=0.9,
    )
    assert (await store.get_stats()).total_debates == 1
    await close_postgres_pool()


async def test_the_example_of_the_migrator(postgres_dsn: str, old_file: Path) -> None:
    from aragora_sql.persistence.migrations.postgres import MemoryMigrator as Offered

    assert Offered is MemoryMigrator
    migrator = Offered(
        sqlite_path=str(old_file),
        postgres_dsn=postgres_dsn,
        batch_size=1000,
        skip_existing=True,
        source_timezone="UTC",
        rejects=old_file.parent / "rejects",
    )
    consensus = await migrator.migrate_consensus_memory()
    critiques = await migrator.migrate_critique_store()
    assert consensus.total_migrated > 0
    assert critiques.total_migrated > 0
    report = await migrator.migrate_all()
    assert report.total_migrated == 0
    assert report.total_skipped >= consensus.total_migrated + critiques.total_migrated
    # The sample holds rows that can't be migrated.
    assert report.total_errors == consensus.total_errors + critiques.total_errors
    await migrator.close()


def run_migrator(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARAGORA")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", MIGRATOR, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_command_takes_every_option_of_the_document(postgres_dsn: str, old_file: Path) -> None:
    def run(*options: str) -> dict[str, int]:
        done = run_migrator(
            old_file.parent,
            *("--sqlite-path", str(old_file), "--postgres-dsn", postgres_dsn, *options),
            *("--source-timezone", "UTC", "--json"),
        )
        # The sample holds rows that can't be migrated.
        assert done.returncode == 1, done.stderr
        report = json.loads(done.stdout)
        return {name: report[f"total_{name}"] for name in ("migrated", "skipped", "errors")}

    consensus = run("--store", "consensus", "--batch-size", "10", "-v")
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("SELECT to_regclass('debates')").fetchone() == (None,)
    critique = run("--store", "critique", "--verbose")
    assert consensus["migrated"] > 0
    assert critique["migrated"] > 0
    total = {name: consensus[name] + critique[name] for name in consensus}
    assert run("--store", "all") == {
        "migrated": 0,
        "skipped": total["migrated"] + total["skipped"],
        "errors": total["errors"],
    }
    assert run("--no-skip-existing")["errors"] == total["errors"] + total["migrated"]


def test_the_command_says_what_is_wrong(postgres_dsn: str, old_file: Path) -> None:
    done = run_migrator(
        old_file.parent, "--sqlite-path", str(old_file), "--postgres-dsn", "mysql:x"
    )
    assert done.returncode == 2
    assert "--postgres-dsn" in done.stderr
    done = run_migrator(
        old_file.parent,
        *("--sqlite-path", str(old_file), "--postgres-dsn", postgres_dsn),
        *("--store", "memory"),
    )
    assert done.returncode == 2
    assert "'memory' can't be migrated; there are: all, audit, checkpoints" in done.stderr


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not on the PATH")
def test_psql_runs_the_schema_under_its_older_path(postgres_dsn: str, tmp_path: Path) -> None:
    script = ROOT / "aragora_sql" / "db" / "schema" / "postgres_schema.sql"
    for _ in range(2):
        done = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), postgres_dsn],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM consensus").fetchone() == (0,)
