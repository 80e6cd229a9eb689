"""find_similar against what the older system did and against ranking every match."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean

from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.terms import search_terms
from benchmarks.corpus import QUERY_SETS, TOPIC_SET, Corpus
from benchmarks.measure import percentile
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run

__all__ = ["LIMIT", "Search", "compare_searches", "scan_pattern"]

LIMIT = 5

OURS = "find_similar"
SCAN = "LIKE scan"
RANKING = "OR ranking"
# The slow ways get fewer of the queries.
QUERIES = {
    TOPIC_SET: {OURS: 200, RANKING: 100, SCAN: 40},
    **{kind: {OURS: 50, RANKING: 20, SCAN: 6} for kind in QUERY_SETS if kind != TOPIC_SET},
}
# Enough for PostgreSQL to settle on a plan for a prepared statement.
WARM_UP = {OURS: 20, RANKING: 6, SCAN: 3}

COLUMNS = (
    Column("words", "words"),
    Column("lane", "search"),
    Column("queries", "n", "d"),
    Column("p50", "p50 ms", ".2f"),
    Column("p95", "p95 ms", ".2f"),
    Column("slowest", "max ms", ".2f"),
    Column("faster_p50", "scan/this p50", ".1f"),
    Column("faster_p95", "p95", ".1f"),
    Column("found", "found", ".2f"),
)

# Takes the words of a query and returns the topics that were found.
Search = Callable[[Sequence[str]], Awaitable[list[str]]]


@dataclass(slots=True)
class _Outcome:
    seconds: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


async def compare_searches(
    run: Run,
    name: str,
    engine: str,
    corpus: Corpus,
    memory: ConsensusMemory,
    scan: Search,
    ranking: Search,
) -> Report:
    """Run the query sets, the three ways in turn, and report times and quality."""

    async def ours(words: Sequence[str]) -> list[str]:
        return [found.topic for found in await memory.find_similar(" ".join(words), limit=LIMIT)]

    searches = {OURS: ours, RANKING: ranking, SCAN: scan}
    title = f"{engine}, {LIMIT} similar of {corpus.size:,}"
    started = time.perf_counter()
    await ours(corpus.queries(TOPIC_SET, 1, seed=8)[0])
    first_call = time.perf_counter() - started
    rows: list[dict[str, Cell]] = []
    aims: list[Aim] = []
    with run.stage(title, len(QUERY_SETS) * run.rounds) as advance:
        for kind in QUERY_SETS:
            outcomes = await _take_turns(run.rounds, corpus, kind, searches, advance)
            rows += [_row(kind, lane, outcomes) for lane in searches]
            if kind == TOPIC_SET:
                aims = _aims(f"{engine}, {corpus.size:,} rows", outcomes)
    return Report(
        name,
        f"{title} ({run.rounds} rounds)",
        COLUMNS,
        rows,
        aims,
        [f"the first call of a store, which learns the common words: {first_call * 1e3:.1f} ms"],
    )


async def _take_turns(
    rounds: int,
    corpus: Corpus,
    kind: str,
    searches: dict[str, Search],
    advance: Callable[..., None],
) -> dict[str, _Outcome]:
    """Deal every lane's queries over the rounds; a query runs once, after a warm-up of others."""
    most = max(QUERIES[kind].values())
    queries = corpus.queries(kind, most)
    others = corpus.queries(kind, max(WARM_UP.values()), seed=6)
    for lane, search in searches.items():
        for words in others[: WARM_UP[lane]]:
            await search(words)
    outcomes = {lane: _Outcome() for lane in searches}
    for number in range(rounds):
        for lane, search in searches.items():
            for words in queries[: QUERIES[kind][lane]][number::rounds]:
                started = time.perf_counter()
                topics = await search(words)
                outcomes[lane].seconds.append(time.perf_counter() - started)
                outcomes[lane].shares.append(_share(words, topics))
        advance()
    return outcomes


def _share(words: Sequence[str], topics: Sequence[str]) -> float:
    """Return the mean fraction of the words in LIMIT topics; one that is missing counts as 0."""
    wanted = set(words)
    return sum(len(wanted & set(search_terms(topic))) for topic in topics) / len(wanted) / LIMIT


def _row(kind: str, lane: str, outcomes: dict[str, _Outcome]) -> dict[str, Cell]:
    outcome, scan = outcomes[lane], outcomes[SCAN]
    row: dict[str, Cell] = {"words": kind, "lane": lane, "queries": len(outcome.seconds)}
    for key, share in (("p50", 0.5), ("p95", 0.95)):
        seconds = percentile(outcome.seconds, share)
        row[key] = seconds * 1e3
        row[f"faster_{key}"] = percentile(scan.seconds, share) / seconds
    row["slowest"] = max(outcome.seconds) * 1e3
    row["found"] = mean(outcome.shares)
    return row


def _aims(what: str, outcomes: dict[str, _Outcome]) -> list[Aim]:
    aims = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        faster = percentile(outcomes[SCAN].seconds, share) / percentile(
            outcomes[OURS].seconds, share
        )
        aims.append(
            Aim.at_least(f"{what}: find_similar, times faster than the scan, {name}", faster, 50)
        )
    return aims


def scan_pattern(word: str) -> str:
    """Return the pattern that the older system looked for."""
    return f"%{word.lower()}%"
