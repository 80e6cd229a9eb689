"""The way back under kill -9, with many rows and large ones; what every query answers after it."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from aragora_sql.checker.meaning import load_pair, query_pairs
from aragora_sql.checker.meaning.answers import Answer, answer_to
from aragora_sql.checker.meaning.comparing import calls_of
from aragora_sql.checker.meaning.pair import Pair, Side
from aragora_sql.cli.exit_codes import DIFFERENT, OK, TERMINATED
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.engines.facts import Engines, read_facts, read_tree
from tests.conftest import Servers
from tests.migration.moved import beside, contents, execute, made_rows, move, query

SEED = 20261129
STORES = ("consensus", "critique")
# Rows of debates; the others are in proportion. The last of each is one that SQLite can't keep.
FEW, MANY = 600, 60_000
FILLING = (
    "INSERT INTO consensus (id, topic, topic_hash, topic_terms, conclusion, supersedes, metadata, "
    "created_at) SELECT 'c' || n, 'topic ' || n, md5(n::text), 'topic ' || n, "
    "repeat('so ', n % 50), "
    "CASE WHEN n % 7 = 0 THEN 'c' || (n / 2) END, jsonb_build_object('n', n, 'x', 0.1 * n), "
    "CASE WHEN n = {rows} / 4 THEN 'infinity' ELSE now() - n * interval '1.000001 s' END "
    "FROM generate_series(1, {rows} / 2) AS n",
    "INSERT INTO dissent (id, consensus_id, agent_id, dissent_type, content) "
    "SELECT 'd' || n, 'c' || (1 + n % ({rows} / 2)), 'a', 'risk_warning', repeat('x', n % 99) "
    "FROM generate_series(1, {rows} / 2) AS n",
    "INSERT INTO debates (id, task, duration_seconds, created_at) "
    "SELECT 'd' || n, 'task ' || n, n / 3.0, CASE WHEN n % 100 = 0 THEN '-infinity' ELSE now() END "
    "FROM generate_series(1, {rows}) AS n",
    "INSERT INTO critiques (debate_id, agent, issues) SELECT 'd' || (1 + n % {rows}), 'a', "
    "jsonb_build_array(n, n::text) FROM generate_series(1, {rows} / 2) AS n",
    "ANALYZE",
)


def fill(dsn: str, rows: int) -> None:
    execute(dsn, *(statement.format(rows=rows) for statement in FILLING))


def command(dsn: str, path: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "aragora_sql", "migrate", "--to-sqlite", str(path)),
        *("--dsn", dsn, "--json", "--rejects", str(path.parent / "rejects")),
        *(word for store in STORES for word in ("--store", store)),
        *options,
    ]


def run(dsn: str, path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        command(dsn, path, *options), capture_output=True, text=True, timeout=600, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def figures(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what is to be the same, however often a run was interrupted."""
    names = ("table", "rows_in_source", "migrated", "already_there", "different", "rejected")
    return [tuple(table[name] for name in names) for table in report["tables"]]


def rejects_of(report: dict[str, Any]) -> dict[str, list[str]]:
    return {
        Path(file).name: sorted(Path(file).read_text(encoding="utf-8").splitlines())
        for file in report["reject_files"]
    }


def committed(path: Path) -> int:
    """Return how many ranges a run has stored so far."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as one:
        return int(one.execute("SELECT count(*) FROM _migration_chunks").fetchone()[0])
    return 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "is_new", "times"),
    [
        (FEW, True, 5),
        (FEW, False, 5),
        (MANY, True, 8),
        (MANY, False, 5),
    ],
)
def test_killed_runs_end_as_a_clean_one(
    postgres_dsn: str, tmp_path: Path, rows: int, is_new: bool, times: int
) -> None:
    fill(postgres_dsn, rows)
    clean, path = tmp_path / "clean.db", tmp_path / "moved.db"
    options = ("--batch-size", str(max(rows // 100, 5)), "--verify")
    if not is_new:
        move(postgres_dsn, clean, stores=("elo",))
        path.write_bytes(clean.read_bytes())
    code, expected = run(postgres_dsn, clean, *options)
    assert code == DIFFERENT
    with closing(sqlite3.connect(clean)) as connection:
        assert connection.execute("SELECT count(*) FROM critiques").fetchone()[0] > rows / 3
    chooser = random.Random(f"{SEED} {rows} {is_new}")  # noqa: S311
    work = path.with_name("moved.db.partial") if is_new else path
    # In the middle of ranges that are further and further on, and of what follows them.
    ranges = sum(table["rows_in_source"] for table in expected["tables"]) // (rows // 20)
    for turn in range(times):
        process = subprocess.Popen(
            command(postgres_dsn, path, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        wanted = ranges * (turn + 1) // times
        with suppress(psutil.Error):
            while process.poll() is None and committed(work) < wanted:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.005)
            with suppress(subprocess.TimeoutExpired):
                process.wait(chooser.random() / 20)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if is_new and path.exists():
            # It had ended: the next one begins with a new file.
            path.unlink()
    code, found = run(postgres_dsn, path, *options)
    assert code == DIFFERENT
    assert figures(found) == figures(expected)
    assert rejects_of(found) == rejects_of(expected)
    assert contents(path) == contents(clean)
    assert found["mismatches"] == 0
    assert beside(path) <= {"moved.db", "moved.db-wal", "moved.db-shm"}
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.slow
def test_a_terminated_run_ends_in_order_and_is_gone_on_with(
    postgres_dsn: str, tmp_path: Path
) -> None:
    fill(postgres_dsn, MANY)
    path = tmp_path / "moved.db"
    process = subprocess.Popen(
        command(postgres_dsn, path, "--batch-size", "100"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while committed(path.with_name("moved.db.partial")) < 3:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
        assert process.poll() is None
    process.terminate()
    output, errors = process.communicate()
    assert process.returncode == TERMINATED
    assert "run the same command again to go on" in errors
    assert (output, "Traceback" in errors) == ("", False)
    assert beside(path) == {"moved.db.partial"}
    code, report = run(postgres_dsn, path, "--batch-size", "100")
    assert code == DIFFERENT
    assert report["tables"][0]["resumed"] >= 1500
    assert beside(path) == {"moved.db"}


@pytest.mark.slow
def test_more_than_a_hundred_thousand_rows_are_as_in_the_source(
    postgres_dsn: str, tmp_path: Path
) -> None:
    fill(postgres_dsn, 120_000)
    path = tmp_path / "moved.db"
    code, report = run(postgres_dsn, path)
    tables = {table["table"]: table for table in report["tables"]}
    assert code == DIFFERENT
    assert tables["debates"]["rejected"] == 1200
    assert tables["debates"]["verified"] is None
    assert tables["critiques"]["verified"]["compared"] == tables["critiques"]["migrated"]
    code, report = run(postgres_dsn, path, "--verify-only")
    tables = {table["table"]: table for table in report["tables"]}
    assert tables["debates"]["verified"]["mismatches"] == 1200
    assert tables["debates"]["verified"]["compared"] == 120_000 - 1200


@pytest.mark.slow
def test_memory_is_bounded(postgres_dsn: str, tmp_path: Path) -> None:
    """150 MB of rows of 3 MB each do not make the command grow by more than a few of them."""
    execute(
        postgres_dsn,
        "INSERT INTO debates (id, task) SELECT 'd' || n, repeat(md5(n::text), 100000) "
        "FROM generate_series(1, 50) AS n",
    )

    def peak(*options: str) -> int:
        process = psutil.Popen(
            command(postgres_dsn, tmp_path / "moved.db", *options), stdout=subprocess.DEVNULL
        )
        most = 0
        with suppress(psutil.Error):
            while process.poll() is None:
                most = max(most, process.memory_info().rss)
                with suppress(psutil.TimeoutExpired):
                    process.wait(0.01)
        assert process.wait() == OK
        return most

    assert peak("--verify") < 250e6
    assert query(tmp_path / "moved.db", "SELECT count(*), min(length(task)) FROM debates") == [
        (50, 3_200_000)
    ]


@pytest.fixture(scope="module")
def engines(servers: Servers) -> Iterator[Engines]:
    with Engines(read_tree(), servers.default.dsn("postgres")) as engines:
        yield engines


@pytest.mark.slow
async def test_every_reading_query_of_every_store_answers_the_same(
    servers: Servers, engines: Engines, tmp_path: Path
) -> None:
    """Each on what was moved, and on a file that always held the same rows."""
    facts = read_facts(engines)

    def make() -> None:
        with made_rows(servers.default, tmp_path / "first.db") as dsn:
            move(dsn, tmp_path / "back.db")

    await asyncio.to_thread(make)
    catalog = facts.catalogs["sqlite"]
    databases = [SQLiteDatabase(tmp_path / name) for name in ("first.db", "back.db")]
    one, other = (Side("sqlite", database, catalog, catalog) for database in databases)
    both = Pair(one, other)
    async with databases[0].read() as connection:
        rows = {
            name: await one.read_table(connection, name) for name in contents(tmp_path / "first.db")
        }
    asked = 0
    try:
        for pair in query_pairs(facts):
            text = facts.texts["sqlite", pair.query.store, pair.query.name].sql
            if pair.query.tables_written or pair.counterpart.tables_written or "'now'" in text:
                # What the clock says is another each time.
                continue
            queries = load_pair(facts, both, pair.query.store)
            sqlite_query = pair.counterpart
            for arguments in calls_of(sqlite_query, sqlite_query, rows, 6):
                answers = [
                    await answer_to(side, loaded, sqlite_query, arguments, [])
                    for side, loaded in zip(both.sides, queries, strict=True)
                ]
                assert _shown(answers[0]) == _shown(answers[1]), (sqlite_query.name, arguments)
                asked += answers[0].error is None
    finally:
        for database in databases:
            await database.close()
    assert asked > 800


def _shown(answer: Answer) -> tuple[str | None, str]:
    """Return an answer so that the order of rows and of members of documents counts for nothing."""
    if answer.error is not None:
        return type(answer.error).__name__, ""
    result = answer.result
    rows = result if isinstance(result, list) else [result]
    shown = sorted(json.dumps(_plain(row), sort_keys=True, default=repr) for row in rows)
    return None, "\n".join(shown)


def _plain(value: Any) -> Any:
    """Return a value with documents that are still text decoded."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with suppress(ValueError):
            return json.loads(value)
    return value
