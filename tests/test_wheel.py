"""A built wheel works from any folder, with no checkout around."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import asyncio, aragora_sql
from aragora_sql.queries.files import packaged_sql_dir

async def work():
    memory = await aragora_sql.get_consensus_memory()
    await memory.store_consensus("Rate limiting", "Token bucket", "strong", 0.9, ["a"], ["a"])
    print(len(await memory.find_similar("rate limiting")), packaged_sql_dir())
    await aragora_sql.close_databases()

asyncio.run(work())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_every_sql_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".sql")}
    on_disk = {
        "aragora_sql/sql/" + path.relative_to(ROOT / "sql").as_posix()
        for path in (ROOT / "sql").rglob("*.sql")
    }
    assert packed == on_disk | {"aragora_sql/db/schema/postgres_schema.sql"}


def test_the_wheel_carries_the_assets_of_the_pages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assets = ROOT / "aragora_sql" / "workbench" / "assets"
    assert {path.relative_to(ROOT).as_posix() for path in assets.iterdir()} <= packed


def test_an_installed_wheel_works_from_any_folder(
    wheel: Path, tmp_path: Path, postgres_dsn: str
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [str(binaries / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[postgres]"],
        check=True,
        capture_output=True,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Nothing of the checkout: no PYTHONPATH, no settings.
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(*command: str) -> str:
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=elsewhere, env=clean
        ).stdout

    found, folder = run(str(binaries / "python"), "-c", PROGRAM).split()
    assert found == "1"
    assert Path(folder).is_relative_to(environment)
    assert (elsewhere / ".nomic" / "aragora.db").is_file()
    script = run(str(binaries / "aragora-sql"), "schema", "show", "--dialect", "postgres")
    assert "CREATE TABLE IF NOT EXISTS critiques" in script
    command = (str(binaries / "aragora-sql"), "schema", "verify", "--store", "consensus")
    assert "the schema is as the files say" in run(*command)

    # The scripts of a checkout, and the paths of the older Aragora.
    initialize = str(binaries / "aragora-sql-init-postgres")
    assert "would be created at version 1" in run(initialize, "--dsn", postgres_dsn, "--dry-run")
    if shutil.which("psql") is not None:
        package = run(
            str(binaries / "python"), "-c", "import aragora_sql; print(*aragora_sql.__path__)"
        )
        schema = Path(package.strip(), "db", "schema", "postgres_schema.sql")
        for _ in range(2):
            run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(schema), postgres_dsn)
    run(initialize, "--dsn", postgres_dsn)
    assert "the schema is as the files say" in run(initialize, "--dsn", postgres_dsn, "--verify")
    move = str(binaries / "aragora-sql-migrate-to-supabase")
    target = ("--postgres-dsn", postgres_dsn)
    assert "consensus" in run(move, "--stores", "consensus", *target, "--dry-run")
    migrator = "aragora_sql.persistence.migrations.postgres.memory_migrator"
    source = ("--sqlite-path", ".nomic/aragora.db", "--store", "consensus", "--json")
    moved = run(str(binaries / "python"), "-m", migrator, *target, *source)
    assert json.loads(moved)["total_migrated"] >= 1
    for module in (
        "aragora_sql.memory.postgres_consensus",
        "aragora_sql.memory.postgres_critique",
        "aragora_sql.storage.postgres_store",
    ):
        run(str(binaries / "python"), "-c", f"from {module} import *")
