"""Hot queries find their rows through an index, in a store of some thousand rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from psycopg import sql

from aragora_sql.database import Connection, Database, Row, Statement
from aragora_sql.queries import load_queries
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import TABLES, consensus, critique, day, dissent, run

KEYS = ["key 1", "key 2", "key 3"]
NOW = day(400)


class Hot(NamedTuple):
    """A hot query with the arguments of a call."""

    store: str
    query: str
    arguments: dict[str, Any]
    in_index_order: bool = False

    def __str__(self) -> str:
        return f"{self.store}.{self.query}"


HOT = [
    Hot("consensus", "get_consensus", {"consensus_id": "key"}),
    Hot("consensus", "get_by_topic_hash", {"topic_hash": "0123456789abcdef"}),
    Hot("consensus", "list_recent", {"min_confidence": 0.0, "row_limit": 10}, True),
    Hot(
        "consensus",
        "list_domain",
        {"domain": "domain 1", "min_confidence": 0.0, "row_limit": 10},
        True,
    ),
    Hot("consensus", "sample_topic_terms", {"row_limit": 10}, True),
    Hot("consensus", "count_domain", {"domain": "domain 1"}),
    Hot(
        "consensus",
        "find_similar",
        {
            "levels": ["(topic&word17)", "(word17|word18)", "~topic"],
            "enough": 5,
            "most": 200,
            "terms": ["topic", "word17", "word18"],
            "topic_hash": "0123456789abcdef",
            "min_confidence": 0.0,
            "domain": None,
            "include_superseded": False,
            "row_limit": 5,
        },
    ),
    Hot(
        "consensus", "update_cruxes", {"consensus_id": "k", "belief_cruxes": [], "updated_at": NOW}
    ),
    Hot("consensus", "delete_consensus", {"consensus_id": "key"}),
    Hot("consensus", "delete_consensus_without_dissents", {"consensus_id": "key"}),
    Hot("consensus", "get_dissent", {"dissent_id": "key"}),
    Hot("consensus", "list_dissents", {"consensus_ids": KEYS}),
    Hot("consensus", "count_dissents", {"consensus_ids": KEYS}),
    Hot(
        "consensus",
        "list_relevant_dissents",
        {
            "consensus_ids": KEYS,
            "dissent_types": ["abstention"],
            "min_confidence": 0.0,
            "row_limit": 10,
        },
    ),
    Hot("consensus", "list_dissents_by_agent", {"agent_id": "agent 1", "row_limit": 10}, True),
    Hot(
        "consensus", "list_dissents_by_type", {"dissent_type": "abstention", "row_limit": 10}, True
    ),
    Hot("consensus", "acknowledge_dissent", {"dissent_id": "key", "rebuttal": ""}),
    Hot("consensus", "get_latest_proof", {"consensus_id": "key"}),
    Hot("consensus", "list_proofs", {"consensus_id": "key"}),
    Hot("consensus", "list_recent_proofs", {"row_limit": 10}, True),
    Hot("consensus", "list_verified_proofs", {"row_limit": 10}, True),
    Hot("consensus", "list_votes", {"debate_id": "key"}),
    Hot("consensus", "lock_expired", {"cutoff": day(-1), "row_limit": 10}, True),
    Hot("consensus", "delete_many", {"consensus_ids": KEYS}),
    Hot("critique", "get_debate", {"debate_id": "key"}),
    Hot("critique", "list_debates", {"debate_ids": KEYS}),
    Hot("critique", "delete_debate", {"debate_id": "key"}),
    Hot("critique", "get_critique", {"critique_id": 1}),
    Hot("critique", "list_critiques", {"debate_ids": KEYS}),
    Hot("critique", "list_recent_critiques", {"row_limit": 10}, True),
    Hot("critique", "export_training", {"after_id": 2000, "row_limit": 10}),
    Hot("critique", "lock_critique", {"critique_id": 1}),
    Hot("critique", "list_patterns", {"pattern_ids": KEYS}),
    Hot("critique", "record_pattern_failure", {"pattern_id": "key", "seen_at": NOW}),
    Hot("critique", "list_embeddings", {"pattern_ids": KEYS}),
    Hot(
        "critique",
        "lock_stale_patterns",
        {"cutoff": day(-1), "min_success_rate": 0.3, "row_limit": 10},
        True,
    ),
    Hot("critique", "list_reputations", {"agent_names": KEYS}),
]


async def fill(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    """Store some thousand rows in each table."""
    records = await memory.store_many(
        consensus(
            f"topic word{number % 997}", domain=f"domain {number % 50}", created_at=day(number / 10)
        )
        for number in range(4000)
    )
    await memory.store_dissents(
        dissent(
            record.id,
            agent_id=f"agent {number % 4}",
            dissent_type=("abstention", "risk_warning")[number % 20 > 0],
            created_at=day(number / 10),
        )
        for number, record in enumerate(records)
    )
    await memory.store_proofs(
        {
            "debate_id": record.id,
            "proof_status": "timeout",
            "is_verified": number % 10 == 0,
            "created_at": day(number / 10),
        }
        for number, record in enumerate(records)
    )
    await critiques.store_debates(
        {
            "debate_id": f"debate {number}",
            "task": "Task",
            "consensus_reached": True,
            "created_at": day(number / 10),
            "critiques": [critique()],
        }
        for number in range(4000)
    )
    patterns = await critiques.store_pattern([f"issue {number}" for number in range(3000)])
    await critiques.store_embeddings({pattern.id: bytes(64) for pattern in patterns})
    await critiques.update_reputations({"agent_name": f"agent {n}"} for n in range(3000))
    votes = ", ".join(f"('debate {number}', 'ann', 'yes')" for number in range(3000))
    await run(
        memory.database, f"INSERT INTO debate_votes (debate_id, user_id, vote) VALUES {votes}"
    )
    # With fewer rows PostgreSQL prefers, rightly, to read all of them for a search.
    numbers = (
        "generate_series(1, 20000) AS g (n)"
        if memory.database.dialect == "postgres"
        else "(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 20000) "
        "SELECT n FROM g) AS g"
    )
    await run(
        memory.database,
        "INSERT INTO consensus (id, topic, topic_hash, topic_terms, conclusion, domain) "
        "SELECT 'id ' || n, 'topic ' || n, 'hash ' || n, 'topic word' || n % 997, 'c', "
        f"'domain ' || n % 3 FROM {numbers}",
    )
    await run(memory.database, "ANALYZE")


class Explaining:
    """Stands where a query expects its connection, and runs EXPLAIN of the statement instead."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self.sql = ""
        self.plans: list[list[Row]] = []

    async def explain(self, statement: Statement, arguments: Any) -> None:
        self.sql = statement.sql
        if self._dialect == "sqlite":
            await self._add(replace(statement, sql=f"EXPLAIN QUERY PLAN {self.sql}"), arguments)
            return
        # Without ANALYZE the inner plans of a recursive query are not shown.
        explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)"
        await self._add(replace(statement, sql=f"{explain} {self.sql}"), arguments)
        # After some calls the server makes one plan for whatever the arguments are.
        values = ", ".join(sql.Literal(value).as_string() for value in arguments)
        await self._connection.run_script("prepare", f"PREPARE hot AS {self.sql}")
        await self._add(Statement("generic", f"{explain} EXECUTE hot ({values})"), ())
        await self._connection.run_script("deallocate", "DEALLOCATE hot")

    async def _add(self, statement: Statement, arguments: Any) -> None:
        self.plans.append(await self._connection.fetch_all(statement, arguments))

    async def fetch_all(self, statement: Statement, arguments: Any) -> list[Row]:
        await self.explain(statement, arguments)
        return []

    fetch_one = fetch_value = execute = explain


def scanned_tables(query: str, plan: list[str]) -> Iterator[str]:
    """Find what a plan of SQLite reads from end to end (views and lists are no tables)."""
    named = re.findall(r"(?:FROM|JOIN|UPDATE) (\w+)(?: AS (\w+))?", query)
    tables = {alias or table for table, alias in named if table in TABLES}
    for line in plan:
        match = re.fullmatch(r"SCAN (\w+)(?P<index> USING (?:COVERING )?INDEX \w+)?", line)
        if match and match[1] in tables:
            yield line


def sqlite_problems(hot: Hot, query: str, rows: list[Row]) -> Iterator[str]:
    plan = [row["detail"] for row in rows]
    for line in scanned_tables(query, plan):
        if not (hot.in_index_order and "USING INDEX" in line):
            yield line
    if hot.in_index_order and plan[-1] == "USE TEMP B-TREE FOR ORDER BY":
        yield "sorts all rows"


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def postgres_problems(hot: Hot, query: str, rows: list[Row]) -> Iterator[str]:
    ((explained,),) = rows[0].values()
    for node in nodes(explained["Plan"]):
        if node["Node Type"] == "Seq Scan":
            yield f"reads {node['Relation Name']} from end to end"
    outermost = [node["Node Type"] for node in nodes(explained["Plan"])][:3]
    if hot.in_index_order and "Sort" in outermost:
        yield "sorts all rows"


async def test_hot_queries_use_an_index(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await fill(memory, critiques)
    dialect = memory.database.dialect
    find_problems = sqlite_problems if dialect == "sqlite" else postgres_problems
    problems: dict[str, list[str]] = {}
    async with memory.database.transaction() as connection:
        if dialect == "postgres":
            await connection.run_script("set", "SET LOCAL plan_cache_mode = force_generic_plan")
        for hot in HOT:
            explaining = Explaining(connection, dialect)
            call = getattr(load_queries(hot.store, dialect), hot.query)(explaining, **hot.arguments)
            if hasattr(call, "__aiter__"):
                assert [row async for row in call] == []
            else:
                await call
            assert len(explaining.plans) == (1 if dialect == "sqlite" else 2)
            for plan in explaining.plans:
                found = [*find_problems(hot, explaining.sql, plan)]
                if found:
                    problems[str(hot)] = found
    assert problems == {}


async def test_a_missing_index_would_be_noticed(
    memory: ConsensusMemory, database: Database
) -> None:
    """What the other test relies on: a query without a fitting index is a problem."""
    await memory.store_many(consensus(f"topic {number}") for number in range(2000))
    await run(database, "ANALYZE")
    query = "SELECT c.id FROM consensus AS c WHERE c.conclusion = $1 ORDER BY c.rounds"
    hot = Hot("consensus", "none", {}, in_index_order=True)
    async with database.connection() as connection:
        explaining = Explaining(connection, database.dialect)
        values: Any = ("x",) if database.dialect == "postgres" else {"1": "x"}
        await explaining.explain(Statement("none", query), values)
    find_problems = sqlite_problems if database.dialect == "sqlite" else postgres_problems
    for plan in explaining.plans:
        assert len([*find_problems(hot, query, plan)]) == 2
