"""Many processes record matches at once; a replay by one alone agrees to the last bit.

A process that is killed in the middle of a match leaves all of it or nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.elo import EloSystem
from tests.stores.elo.processes import AGENTS, random_matches
from tests.stores.samples import fetch, row_counts, run

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.elo.processes", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


async def contents(elo: EloSystem) -> dict[str, Any]:
    """Return all numbers that matches lead to; each float as it is."""
    statements = {
        "ratings": "SELECT agent_name, elo, wins, losses, draws, debates_count FROM elo_ratings "
        "ORDER BY agent_name",
        "domains": "SELECT agent_name, domain, elo, debates_count FROM elo_domain_ratings "
        "ORDER BY agent_name, domain",
        "history": "SELECT agent_name, reference, elo, change, domain_change FROM elo_history "
        "ORDER BY agent_name, number",
        "pairs": "SELECT agent_a, agent_b, debate_count, a_wins_over_b, b_wins_over_a "
        "FROM elo_relationships ORDER BY agent_a, agent_b",
    }
    return {name: await fetch(elo.database, sql) for name, sql in statements.items()}


@pytest.mark.parametrize(
    ("processes", "count"),
    [pytest.param(3, 90, id="few"), pytest.param(8, 2000, id="many", marks=pytest.mark.slow)],
)
async def test_matches_of_many_processes_are_those_of_one_in_the_order_of_commits(
    elo: EloSystem, location: str | Path, tmp_path: Path, processes: int, count: int
) -> None:
    started = [start("play", location, count, number, processes) for number in range(processes)]
    try:
        for process in started:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            assert line == "ready\n", process.communicate()[1]
        done = await asyncio.gather(
            *(asyncio.to_thread(process.communicate, "go\n") for process in started)
        )
        assert [process.returncode for process in started] == [0] * processes, done
    finally:
        for process in started:
            process.kill()
            process.communicate()

    assert await elo.count_matches() == count
    order = await fetch(
        elo.database,
        "SELECT reference, min(number) AS number FROM elo_history GROUP BY reference "
        "ORDER BY min(number)",
    )
    matches = {match["debate_id"]: match for match in random_matches(count)}
    assert sorted(matches) == sorted(row["reference"] for row in order)
    assert [row["reference"] for row in order] != list(matches)

    # One alone, in SQLite, whatever the engine of the others was.
    alone = EloSystem(SQLiteDatabase(tmp_path / "alone.db"))
    await alone.initialize()
    for start_of_batch in range(0, count, 100):
        batch = order[start_of_batch : start_of_batch + 100]
        for changes, row in zip(
            await alone.record_matches([matches[row["reference"]] for row in batch]),
            batch,
            strict=True,
        ):
            match = await elo.get_match(row["reference"])
            assert match is not None
            assert match.elo_changes == changes
    expected = await contents(alone)
    await alone.database.close()
    found = await contents(elo)
    for name, rows in expected.items():
        assert found[name] == rows, name

    # History adds up, and the store's own replay finds the same.
    for name in AGENTS:
        explained = await elo.explain_rating(name)
        rating = explained.initial_elo
        for event in explained.events:
            rating += event.change
            assert event.elo == rating
        assert explained.elo == rating
    replay = await elo.recompute_ratings()
    assert (replay.matches, replay.differences) == (count, [])


MIDDLE = {
    "postgres": (
        "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_xact_lock(13); RETURN NEW; END $$",
        "CREATE TRIGGER pause AFTER INSERT ON elo_history FOR EACH ROW EXECUTE FUNCTION pause()",
    ),
    "sqlite": ("CREATE TRIGGER pause AFTER INSERT ON elo_history BEGIN SELECT pause(); END",),
}
OTHERS = (
    "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() "
    "AND query LIKE '%aragora:elo.%' AND pid <> pg_backend_pid() AND state <> 'idle'"
)
IS_WAITING = (
    "SELECT count(*) AS count FROM pg_locks "
    "WHERE locktype = 'advisory' AND objid = 13 AND NOT granted"
)


@pytest.mark.parametrize("in_transaction", [0, 1], ids=["alone", "in a transaction"])
async def test_a_process_killed_in_the_middle_of_a_match_leaves_all_or_nothing(
    elo: EloSystem, location: str | Path, in_transaction: int
) -> None:
    for name in "ab":
        await elo.register_agent(name)
    dialect = elo.database.dialect
    for statement in MIDDLE[dialect]:
        await run(elo.database, statement)
    process = start("stop_in_the_middle", location, in_transaction)
    try:
        if dialect == "postgres":
            async with elo.database.transaction() as connection:
                await connection.run_script("hold", "SELECT pg_advisory_xact_lock(13)")
                while (await fetch(elo.database, IS_WAITING))[0]["count"] == 0:
                    assert process.poll() is None, process.communicate()[1]
                process.kill()
                process.communicate()
            # The server may finish the statement that it has.
            while (await fetch(elo.database, OTHERS))[0]["count"]:
                pass
        else:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            assert line == "in the middle\n", process.communicate()[1]
    finally:
        process.kill()
        process.communicate()
    await run(
        elo.database,
        "DROP TRIGGER pause" + (" ON elo_history" if dialect == "postgres" else ""),
    )
    counts = await row_counts(elo.database)
    rows = {"elo_ratings": 2}
    if await elo.count_matches():
        # Of one statement all is kept where the server had it, of a transaction nothing.
        assert (dialect, in_transaction) == ("postgres", 0)
        rows |= {"elo_matches": 1, "elo_history": 2, "elo_relationships": 1}
        rows["elo_domain_ratings"] = 2
    assert counts == rows
    assert await elo.record_match("m", ["a", "b"], {"a": 1, "b": 0}, "law") == {"a": 16, "b": -16}
    assert (await elo.get_rating("a")).elo == 1516.0
    assert (await elo.recompute_ratings()).differences == []
