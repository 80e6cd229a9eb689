"""``scripts/migrate_sqlite_to_supabase.py`` as an operator calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.migration.legacy.work import write_work_dir

SCRIPT = Path(__file__).parents[2] / "scripts" / "migrate_sqlite_to_supabase.py"
KEY = bytes(range(32)).hex()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_work_dir(folder)
    return folder


def run(dsn: str, folder: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": dsn, **more}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(dsn: str) -> list[tuple[str, str]]:
    """Return the schemas and tables of a database."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT schemaname::text, tablename::text FROM pg_tables ORDER BY 1, 2"
        ).fetchall()


def test_a_dry_run_of_all_changes_nothing(postgres_dsn: str, data_dir: Path) -> None:
    before = contents(postgres_dsn)
    done = run(postgres_dsn, data_dir, "--all", "--dry-run", "--source-timezone", "UTC")
    # some of its rows can't be migrated
    assert done.returncode == 1, done.stderr
    assert "dry run: nothing was changed" in done.stdout
    assert contents(postgres_dsn) == before
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("SELECT FROM job_queue").rowcount == 0


def test_chosen_stores_of_the_folder_that_the_environment_names(
    postgres_dsn: str, data_dir: Path
) -> None:
    done = run(
        postgres_dsn, data_dir, "--stores", "jobs", "-v", ARAGORA_DATA_DIR=str(data_dir.absolute())
    )
    assert done.returncode == 1, done.stderr
    assert "job_queue" in done.stdout
    assert "finding_workflows" not in done.stdout.partition("migration")[2]
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("SELECT FROM job_queue").rowcount > 0
        assert connection.execute("SELECT FROM finding_workflows").rowcount == 0


def test_a_requested_store_that_is_in_no_file(postgres_dsn: str, data_dir: Path) -> None:
    done = run(postgres_dsn, data_dir, "--stores", "consensus", "--data-dir", str(data_dir))
    assert done.returncode == 2
    assert "no table of consensus" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [["--stores", "nope"], [], ["--all", "--stores", "jobs"]])
def test_wrong_arguments(postgres_dsn: str, data_dir: Path, options: list[str]) -> None:
    assert run(postgres_dsn, data_dir, *options).returncode == 2


def test_secrets_in_the_clear_are_encrypted_on_request(postgres_dsn: str, data_dir: Path) -> None:
    options = ("--stores", "integrations", "--data-dir", str(data_dir), "--reencrypt-secrets")
    done = run(postgres_dsn, data_dir, *options, ARAGORA_ENCRYPTION_KEY=KEY)
    # Two addresses of different users that become one are not in the target.
    assert done.returncode == 1, done.stderr
    with psycopg.connect(postgres_dsn) as connection:
        texts = connection.execute("SELECT settings::text FROM integrations").fetchall()
    assert len(texts) == 2
    assert all("_encrypted" in text for (text,) in texts)
    assert not any('"clear"' in text for (text,) in texts)
