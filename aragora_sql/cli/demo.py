"""``aragora-sql demo``: three stores at work on SQLite and on PostgreSQL, with the same answers.

Then a file of the older Aragora moves to that PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from aragora_sql.cli.demo_debates import DEBATES, OUTCOMES, QUESTIONS
from aragora_sql.cli.output import new_console
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.database import Database
from aragora_sql.queries.files import read_sql, sql_dir
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.consensus.dissents import DissentRetriever
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.continuum.store import ContinuumMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.elo.store import EloSystem

__all__ = ["add_commands"]

# The orphan, the NaN and the text where a list belongs, in sql/legacy/samples/memory.sql.
_EXPECTED_REJECTS = 3


def add_commands(groups: Any) -> None:
    """Add the command to the parser of ``aragora-sql``."""
    demo = groups.add_parser(
        "demo", help="store and search some debates on SQLite, then on a throw-away PostgreSQL"
    )
    demo.set_defaults(run=_run)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one engine answered; everything but ids and times."""

    similar: Mapping[str, Sequence[tuple[str, str, str, float, float, int]]]
    risks: list[tuple[str, str]]
    patterns: list[tuple[str, str, int, float]]
    weights: dict[str, float]
    board: list[tuple[str, float, float, int, int, int]]
    consensus_stats: dict[str, Any]
    critique_stats: dict[str, Any]
    recalled: list[tuple[str, float, str]]


def _run(options: argparse.Namespace) -> int:
    import psycopg

    from aragora_sql.database.postgres import PostgresDatabase
    from aragora_sql.database.sqlite import SQLiteDatabase
    from aragora_sql.embedded import EmbeddedServer

    console = new_console()

    async def on_sqlite(folder: str) -> Answers:
        return await _work(SQLiteDatabase(Path(folder) / "aragora.db"))

    async def on_postgres(dsn: str) -> Answers:
        return await _work(await PostgresDatabase.connect(dsn, min_size=1, max_size=4))

    with tempfile.TemporaryDirectory(prefix="aragora-demo-") as folder:
        console.rule("SQLite: a file, nothing to set up")
        with working("storing and searching debates"):
            sqlite = asyncio.run(on_sqlite(folder))
    _show(console, sqlite)

    console.rule("PostgreSQL: a server of its own, started for this demo")
    with ExitStack() as stack:
        with working("starting PostgreSQL"):
            server = stack.enter_context(EmbeddedServer())
        console.print(f"PostgreSQL {server.version} is up; the same store classes, the same calls.")
        with working("storing and searching debates"):
            postgres = asyncio.run(on_postgres(server.dsn()))
        _show(console, postgres)
        console.rule("Migration: a file of the older Aragora moves to that PostgreSQL")
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE older")
        has_moved = _migrate(console, server.dsn("older"))

    console.rule("Comparison")
    if not has_moved:
        return 1
    if sqlite == postgres:
        console.print("[green]Both engines gave the same answers.[/green] Nothing is left running.")
        return 0
    for name in Answers.__dataclass_fields__:
        if getattr(sqlite, name) != getattr(postgres, name):
            console.print(f"[red]{name} differs[/red]")
            console.print("SQLite:    ", getattr(sqlite, name))
            console.print("PostgreSQL:", getattr(postgres, name))
    return 1


def _migrate(console: Console, dsn: str) -> bool:
    """Move a file of the older shape; two of its rows and an orphan can't be migrated."""
    from aragora_sql.cli.migration_report import show_report
    from aragora_sql.migration import MigrationOptions, run_migration

    with tempfile.TemporaryDirectory(prefix="aragora-demo-") as folder:
        path = Path(folder) / "memory.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(read_sql(sql_dir() / "legacy" / "samples" / "memory.sql"))
        options = MigrationOptions(
            sqlite_path=path,
            dsn=PostgresDSN.parse(dsn),
            source_timezone="Europe/Berlin",
            verify="all",
            rejects=Path(folder) / "rejects",
        )
        with working("moving the rows"):
            report = run_migration(options)
        show_report(report, console)
        for name in report.reject_files:
            for line in Path(name).read_text(encoding="utf-8").splitlines():
                reject = json.loads(line)
                console.print(
                    f"{reject['table']} row {reject['rowid']}: {reject['reason']}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
    return not report.mismatches and report.total_errors == _EXPECTED_REJECTS


async def _work(database: Database) -> Answers:
    try:
        memory, critiques = ConsensusMemory(database), CritiqueStore(database)
        elo, continuum = EloSystem(database), ContinuumMemory(database)
        for store in (memory, critiques, elo, continuum):
            await store.initialize()
        await _store(memory, critiques, elo)
        await _remember(continuum)
        return await _ask(memory, critiques, elo, continuum)
    finally:
        await database.close()


async def _store(memory: ConsensusMemory, critiques: CritiqueStore, elo: EloSystem) -> None:
    """Store every debate in a transaction over all stores."""
    for debate in DEBATES:
        async with memory.database.transaction():
            await critiques.store_debate(**debate["result"])
            consensus = await memory.store_consensus(
                **debate["consensus"], debate_id=debate["result"]["debate_id"]
            )
            dissents: list[Any] = [
                {"debate_id": consensus.id, **dissent} for dissent in debate["dissents"]
            ]
            await memory.store_dissents(dissents)
            await elo.record_match(
                debate["result"]["debate_id"],
                debate["consensus"]["participating_agents"],
                debate["scores"],
                debate["consensus"]["domain"],
            )
    for stored in reversed(await critiques.get_recent_critiques()):
        await critiques.store_critique_patterns(stored, "Changed as suggested")
    for issue in OUTCOMES["failed_issues"]:
        await critiques.fail_pattern(issue)
    await critiques.update_reputations(OUTCOMES["reputation"])


async def _remember(continuum: ContinuumMemory) -> None:
    """Remember what each debate came to, and let the first one prove itself."""
    await continuum.add_many(
        {
            "memory_id": debate["result"]["debate_id"],
            "content": f"{debate['consensus']['topic']}: {debate['consensus']['conclusion']}",
            "tier": "glacial",
            "importance": debate["consensus"]["confidence"],
        }
        for debate in DEBATES
    )
    await continuum.update_outcome(DEBATES[0]["result"]["debate_id"], True)


async def _ask(
    memory: ConsensusMemory,
    critiques: CritiqueStore,
    elo: EloSystem,
    continuum: ContinuumMemory,
) -> Answers:
    similar = {
        question: [
            (
                found.topic,
                found.conclusion,
                found.strength,
                found.confidence,
                round(found.similarity, 6),
                len(found.dissent_ids),
            )
            for found in await memory.find_similar(question, limit=3)
        ]
        for question in QUESTIONS
    }
    risks = await DissentRetriever(memory).find_risk_warnings(QUESTIONS[0])
    patterns = await critiques.get_relevant(limit=5)
    agents = sorted({update["agent_name"] for update in OUTCOMES["reputation"]})
    return Answers(
        similar=similar,
        risks=[(risk.agent_id, risk.content) for risk in risks],
        patterns=[
            (p.issue_type, p.issue_text, p.success_count, round(p.surprise_score, 6))
            for p in sorted(patterns, key=lambda p: (-p.success_count, p.issue_text))
        ],
        weights={
            name: round(weight, 6)
            for name, weight in (await critiques.get_vote_weights_batch(agents)).items()
        },
        board=[
            (
                rating.agent_name,
                rating.elo,
                rating.elo_standard_error or 0.0,
                rating.wins,
                rating.draws,
                rating.debates_count,
            )
            for rating in await elo.get_leaderboard()
        ],
        consensus_stats=_rounded((await memory.get_stats()).to_dict()),
        critique_stats=_rounded((await critiques.get_stats()).to_dict()),
        recalled=[
            # not the score: an entry fades while the demo runs
            (found.tier, round(found.relevance, 6), found.content)
            for found in await continuum.retrieve(QUESTIONS[0], limit=3)
        ],
    )


def _rounded(stats: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 9) if isinstance(v, float) else v for k, v in stats.items()}


def _show(console: Console, answers: Answers) -> None:
    for question, found in answers.similar.items():
        print_table(
            (
                Column("similarity", right=True),
                "strength",
                Column("confidence", right=True),
                Column("dissents", right=True),
                "topic",
                "conclusion",
            ),
            (
                (f"{similarity:.2f}", strength, f"{confidence:.2f}", dissents, topic, conclusion)
                for topic, conclusion, strength, confidence, similarity, dissents in found
            ),
            title=f"find_similar({question!r})",
            console=console,
        )
    print_table(
        ("category", "issue", Column("successes", right=True), Column("surprise", right=True)),
        (
            (category, issue, successes, f"{surprise:.3f}")
            for category, issue, successes, surprise in answers.patterns
        ),
        title="patterns that worked",
        console=console,
    )
    print_table(
        (
            "agent",
            *(Column(name, right=True) for name in ("elo", "error", "wins", "draws", "games")),
        ),
        (
            (agent, f"{points:.1f}", f"{error:.0f}", *counts)
            for agent, points, error, *counts in answers.board
        ),
        title="leaderboard",
        console=console,
    )
    print_table(
        ("tier", Column("relevance", right=True), "memory"),
        ((tier, f"{relevance:.2f}", content) for tier, relevance, content in answers.recalled),
        title=f"retrieve({QUESTIONS[0]!r})",
        console=console,
    )
    for agent, warning in answers.risks:
        console.print(f"risk warning by {agent}: {warning}")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in answers.weights.items())
    console.print(f"vote weights: {weights}")
    for title, stats in (
        ("consensus memory", answers.consensus_stats),
        ("critique store", answers.critique_stats),
    ):
        console.print(f"{title}: " + ", ".join(f"{k} {_plain(v)}" for k, v in stats.items()))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {count}" for name, count in value.items()) + ")"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
