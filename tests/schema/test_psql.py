"""The file that psql runs, and the script without psql's commands, on databases in use."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import (
    check_versions,
    latest_version,
    list_stores,
    render_schema,
    store_names,
    table_names,
    verify_schema,
)
from tests.schema.conftest import ask, catalog

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not on the PATH")


def start(dsn: str, script: Path) -> subprocess.Popen[str]:
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), dsn]
    return subprocess.Popen(
        command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def psql(dsn: str, script: Path | None = None) -> tuple[int | None, str]:
    """Run a script; return psql's exit code and all that it says."""
    process = start(dsn, script or packaged_sql_dir() / "postgres" / "schema.sql")
    output, errors = process.communicate(timeout=300)
    return process.returncode, output + errors


@pytest.fixture(params=["psql", "without psql"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The script for psql, and the one for all other programs, which psql runs as well."""
    if request.param == "psql":
        return packaged_sql_dir() / "postgres" / "schema.sql"
    path = tmp_path / "flat.sql"
    path.write_text(render_schema("postgres"), encoding="utf-8")
    assert not re.search(r"^\\|:make_|gset", path.read_text(), re.MULTILINE)
    return path


@contextmanager
def all_locked(dsn: str, *, but: set[str] = frozenset()) -> Iterator[None]:  # type: ignore[assignment]
    """Hold the strongest locks on all tables but that of the versions."""
    names = [n for s in store_names("postgres") for n in table_names(s, "postgres")]
    names = [name for name in names if name not in but]
    with psycopg.connect(dsn) as connection:
        connection.execute(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE".encode())
        # Whoever only reads the versions is not stopped by this.
        connection.execute("LOCK TABLE _schema_versions IN SHARE ROW EXCLUSIVE MODE")
        yield


def test_where_all_is_current_nothing_is_locked(postgres_dsn: str, script: Path) -> None:
    assert psql(postgres_dsn, script) == (0, "")
    with all_locked(postgres_dsn):
        assert psql(postgres_dsn, script) == (0, "")


def test_a_store_that_is_missing_is_made_beside_the_others(postgres_dsn: str, script: Path) -> None:
    assert psql(postgres_dsn, script) == (0, "")
    with psycopg.connect(postgres_dsn) as connection:
        names = set(table_names("langgraph", "postgres"))
        connection.execute(f"DROP TABLE {', '.join(names)}".encode())
        connection.execute("DELETE FROM _schema_versions WHERE module = 'langgraph'")
    with psycopg.connect(postgres_dsn) as reader:
        reader.execute("SELECT * FROM consensus, job_queue, debates")
        assert psql(postgres_dsn, script) == (0, "")
    assert ask(postgres_dsn, "SELECT to_regclass('langgraph_writes') IS NULL") == [(False,)]


async def test_what_psql_makes_is_what_the_files_say(
    postgres_database: PostgresDatabase, postgres_dsn: str, script: Path
) -> None:
    assert psql(postgres_dsn, script) == (0, "")
    assert await verify_schema(postgres_database) == []


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (1, "store jobs has version 1, and these files create version 3"),
        (7, "store jobs has version 7, and these files are older: version 3"),
    ],
)
async def test_a_database_of_another_version_is_refused_before_anything_is_changed(
    postgres_database: PostgresDatabase,
    postgres_dsn: str,
    tmp_path: Path,
    version: int,
    said: str,
) -> None:
    assert psql(postgres_dsn) == (0, "")
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("DROP INDEX idx_consensus_created")
        connection.execute("DELETE FROM _schema_versions WHERE module = 'consensus'")
        connection.execute(
            "UPDATE _schema_versions SET version = %s WHERE module = 'jobs'", [version]
        )
    before = await catalog(postgres_database)
    shutil.copytree(packaged_sql_dir(), tmp_path / "sql")
    master = tmp_path / "sql" / "postgres" / "schema.sql"
    text, changed = re.subn(r"\('jobs', \d+\)", "('jobs', 3)", master.read_text())
    assert changed == 1
    master.write_text(text)
    flat = tmp_path / "flat.sql"
    flat.write_text(render_schema("postgres", tmp_path / "sql"))
    for script in (master, flat):
        code, output = psql(postgres_dsn, script)
        assert code == 3
        assert said in output
        assert "aragora-sql schema apply" in output or version == 7
        assert await catalog(postgres_database) == before


def test_many_at_once_make_it_once(postgres_dsn: str, script: Path) -> None:
    running = [start(postgres_dsn, script) for _ in range(4)]
    assert [process.communicate(timeout=300) for process in running] == [("", "")] * 4
    assert [process.returncode for process in running] == [0] * 4


def test_whoever_waits_for_a_lock_gives_up(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        # As a long upgrade holds it.
        connection.execute("SELECT pg_advisory_xact_lock(5207412907514871)")
        code, output = psql(postgres_dsn)
    assert code == 3
    assert "canceling statement due to lock timeout" in output
    assert ask(postgres_dsn, "SELECT count(*) FROM pg_class WHERE relname = 'consensus'") == [(0,)]


def test_a_search_path_without_a_schema_is_said(postgres_dsn: str) -> None:
    code, output = psql(f"{postgres_dsn}&options=-csearch_path%3Dnowhere")
    assert code == 3
    assert "search_path names no schema that is there" in output


def test_a_part_of_the_schema_makes_its_tables_and_no_others(
    postgres_dsn: str, tmp_path: Path
) -> None:
    script = tmp_path / "part.sql"
    script.write_text(render_schema("postgres", stores=["sessions", "users"]), encoding="utf-8")
    for _ in range(2):
        assert psql(postgres_dsn, script) == (0, "")
    modules = ask(postgres_dsn, "SELECT module FROM _schema_versions ORDER BY module")
    assert modules == [("sessions",), ("users",)]
    # The rest comes beside it.
    assert psql(postgres_dsn) == (0, "")
    tables = ask(postgres_dsn, "SELECT count(*) FROM pg_class WHERE relname = 'consensus'")
    assert tables == [(1,)]


def test_the_list_of_stores_follows_their_order_and_versions() -> None:
    text = (packaged_sql_dir() / "postgres" / "schema.sql").read_text()
    versions = {name: latest_version(name, "postgres") for name in store_names("postgres")}
    assert list_stores(text, versions) == text
    others = {"new": 2, **dict(reversed(versions.items()))}
    changed = list_stores(text, others)
    assert re.findall(r"^    \('(\w+)', (\d+)\)", changed, re.MULTILINE) == [
        (name, str(version)) for name, version in others.items()
    ]
    for pattern in (r"^\\if :make_(\w+)$", r"AS make_(\w+)", r"^\\ir \S*?(\w+)/schema\.sql$"):
        assert re.findall(pattern, changed, re.MULTILINE) == ["schema_versions", *others]
    assert list_stores(changed, versions) == text


def test_the_versions_that_psql_knows_are_those_of_the_files() -> None:
    for dialect in ("postgres", "sqlite"):
        assert check_versions(dialect, packaged_sql_dir()) == []
    text = (packaged_sql_dir() / "postgres" / "schema.sql").read_text()
    assert re.findall(r"^    \('(\w+)', \d+\)", text, re.MULTILINE) == store_names("postgres")
    assert re.findall(r"AS make_(\w+)", text) == ["schema_versions", *store_names("postgres")]
