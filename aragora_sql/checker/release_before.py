"""Proves that the release before works on a database that was upgraded to today's schema.

While a new release is brought out, processes of the one before are still at work. Its queries run
on two databases with the same rows: one of its own schema, and one that was upgraded. What they
answer and leave behind has to be the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from aragora_sql.checker.meaning.comparing import chosen_calls, compare_query
from aragora_sql.checker.meaning.pair import Pair, Side, open_pair
from aragora_sql.checker.meaning.rows import Row, fill_pair
from aragora_sql.database.values import utc_now
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts, read_facts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.engines.tree import read_tree
from aragora_sql.errors import AragoraSQLError, ConfigurationError
from aragora_sql.queries import load_as_it_is
from aragora_sql.queries.files import SYSTEM
from aragora_sql.schema import VERSIONS, initialize_store, latest_version
from aragora_sql.schema.rights import version_queries

__all__ = ["check_release_before", "raised_stores"]

RULE = "release-before"


def check_release_before(
    before: Path,
    now: Path,
    dsn: str | None = None,
    *,
    keep: bool = False,
    stores: Sequence[str] | None = None,
) -> list[Finding]:
    """Return what the queries of the tree ``before`` answer otherwise after an upgrade to ``now``.

    Only stores whose version has changed are looked at, of these only ``stores`` where they are
    given. ``dsn`` and ``keep`` are as for :class:`Engines`. Raises :class:`ConfigurationError` for
    trees that have to be mended first, and
    where the role may make no database.
    """
    if stores is None:
        stores = _upgraded(before, now)
    if not stores:
        return []
    with ExitStack() as stack:
        old, new = (
            stack.enter_context(Engines(read_tree(root), dsn, keep=keep)) for root in (before, now)
        )
        facts = read_facts(old, stores), read_facts(new, stores)
        for one in facts:
            if one.problems:
                raise ConfigurationError(f"the tree has to be mended first: {one.problems[0]}")
        places = [stack.enter_context(engines.empty_database()) for engines in (old, new)]
        databases = [place for place in places if place is not None]
        if len(databases) < len(places):
            raise ConfigurationError("the role may make no database, which is needed for this")
        return asyncio.run(_compare(facts[0], facts[1], databases, stores))


def raised_stores(before: Path, now: Path) -> list[str]:
    """Return the stores of both trees whose version is a newer one now."""
    return [store for store, was, is_now in _versions(before, now) if was < is_now]


def _upgraded(before: Path, now: Path) -> list[str]:
    """Return the same; raise for trees that are given the wrong way round."""
    for store, was, is_now in _versions(before, now):
        if was > is_now:
            raise ConfigurationError(
                f"store {store!r} has version {was} in {before} and {is_now} in {now}: name the "
                "tree of the release before"
            )
    return raised_stores(before, now)


def _versions(before: Path, now: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the stores of both trees with their versions there."""
    old, new = (
        {file.store for file in read_tree(root).schemas["postgres"]} for root in (before, now)
    )
    for store in sorted((old & new) - {VERSIONS}):
        was, is_now = (latest_version(store, "postgres", root) for root in (before, now))
        yield store, was, is_now


async def _compare(
    old: Facts, new: Facts, places: Sequence[EmptyDatabase], stores: Sequence[str]
) -> list[Finding]:
    async with AsyncExitStack() as stack:
        pairs, rows = [], {}
        for place in places:
            pair = await stack.enter_async_context(open_pair(place, old.tree.schemas, old.catalogs))
            rows = (await fill_pair(pair, old.tree.schemas["postgres"])).rows
            pairs.append(pair)
        found: list[Finding] = []
        for ours, theirs in zip(pairs[0].sides, pairs[1].sides, strict=True):
            dialect = ours.dialect
            for store in stores:
                try:
                    await _upgrade(theirs, store, old.tree.root, new.tree.root)
                except AragoraSQLError as error:
                    raise ConfigurationError(
                        f"the upgrade of {store!r} fails, so nothing can be compared: {error}"
                    ) from error
            was, will = old.catalogs[dialect], new.catalogs[dialect]
            both = Pair(
                Side(dialect, ours.database, was, will), Side(dialect, theirs.database, will, was)
            )
            for side in both.sides:
                await side.remember([name for name in rows if name in was and name in will])
            for (of, _, _), query in sorted(old.queries.items()):
                if of == dialect and not query.path.is_relative_to(old.tree.root / SYSTEM):
                    found += await _of_query(both, query, old.tree.root, rows)
        return sorted(found)


async def _upgrade(side: Side, store: str, before: Path, now: Path) -> None:
    """Lead a store of a database from the version of one tree to that of another."""
    queries = version_queries(side.dialect, now)
    version = latest_version(store, side.dialect, before)
    async with side.database.transaction() as connection:
        await queries.set_version(connection, module=store, version=version, updated_at=utc_now())
    await initialize_store(side.database, store, now, report=lambda sentence: None)


async def _of_query(
    both: Pair, query: QueryFacts, root: Path, rows: dict[str, Sequence[Row]]
) -> list[Finding]:
    queries = load_as_it_is(query.store, query.dialect, root)
    loaded = [queries, queries]
    calls = await chosen_calls(both, query, query, loaded, rows)
    compared = await compare_query(both, query, query, loaded, rows, calls)
    return [
        Finding(
            query.path,
            query.line,
            1,
            RULE,
            f"query {query.name!r} of the release before answers otherwise on the upgraded "
            f"database: {one.subject} was {one.postgres}, and is {one.sqlite}, called with "
            f"{one.arguments}",
        )
        for one in compared.differences
    ]
