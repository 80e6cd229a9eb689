"""What tests of the extension pgvector share."""

from __future__ import annotations

import random

import asyncpg

from tests.schema.conftest import until

__all__ = ["COUNTED", "DIMS", "vectors", "wait_until_counted"]

COUNTED = "SELECT sum(calls) FROM pg_stat_user_functions WHERE funcname LIKE 'vector%'"
DIMS = 24


def vectors() -> dict[str, list[float]]:
    """Vectors at random, and many that differ by less than 24 bits can tell."""
    chance = random.Random(5)  # noqa: S311
    made = {f"r{n:03}": [chance.gauss(0, 1) for _ in range(DIMS)] for n in range(200)}
    near = [1.0] * DIMS
    for n in range(80):
        made[f"n{n:03}"] = [near[0] + chance.uniform(-1, 1) * 1e-7, *near[1:]]
    return made


async def wait_until_counted(
    administrator: asyncpg.Connection, pool: asyncpg.Pool, least: int
) -> None:
    """Wait until the server has counted so many calls of the extension's functions."""
    # A connection tells what it counted when it ends.
    await pool.close()

    async def counted() -> bool:
        return (await administrator.fetchval(COUNTED) or 0) >= least

    await until(counted)
