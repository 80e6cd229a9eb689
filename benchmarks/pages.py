"""Pages by key of a long list: page 1,000 beside page 1."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from aragora_sql.database import Database, Dialect
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run

__all__ = ["AT", "DEEP", "fill", "numbers", "race_pages", "seconds_of"]

DEEP, PAGES = 1000, 50
# When the row of a number was made.
AT: dict[Dialect, str] = {
    "postgres": "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' seconds') || '.000000Z'",
}


def numbers(dialect: Dialect, count: int) -> str:
    """Return what to select the numbers ``n`` from 1 to a count from."""
    if dialect == "postgres":
        return f"generate_series(1, {count}) AS g (n)"
    return (
        "(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g "
        f"WHERE n < {count}) SELECT n FROM g) AS g"
    )


async def fill(database: Database, *statements: str) -> None:
    """Run statements that fill tables, and gather statistics."""
    analyze = "VACUUM ANALYZE" if database.dialect == "postgres" else "ANALYZE"
    async with database.connection() as connection:
        for statement in (*statements, analyze):
            await connection.run_script("fill", statement, unlimited=True)


async def race_pages(
    run: Run, name: str, title: str, page: Callable[[Any], Awaitable[list[Any]]]
) -> Report:
    """Measure page 1 and page 1,000; ``page`` returns the one behind a last row, or the first."""
    last = None
    for _ in range(DEEP - 1):
        last = (await page(last))[-1]
    lanes = {"page 1": None, f"page {DEEP:,}": last}
    seconds: dict[str, list[float]] = {lane: [] for lane in lanes}
    chooser = random.Random(7)
    with run.stage(title, run.rounds) as advance:
        for _ in range(run.rounds):
            for lane, after in chooser.sample(list(lanes.items()), len(lanes)):
                seconds[lane] += [await seconds_of(page, after) for _ in range(PAGES)]
            advance()
    first, deep = (median(some) for some in seconds.values())
    rows: list[dict[str, Cell]] = [
        {"lane": lane, "p50": median(some) * 1e3, "ratio": median(some) / first}
        for lane, some in seconds.items()
    ]
    columns = [
        Column("lane", "page"),
        Column("p50", "p50 ms", ".3f"),
        Column("ratio", "x page 1", ".2f"),
    ]
    aim = Aim.at_most(f"{title}: page {DEEP:,}, times page 1", deep / first, 1.25)
    return Report(name, title, columns, rows, [aim])


async def seconds_of(work: Callable[..., Awaitable[object]], *arguments: Any) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    await work(*arguments)
    return time.perf_counter() - started
