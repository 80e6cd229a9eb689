"""What the store tests have in common: sample arguments, timestamps, a look behind the stores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aragora_sql.database import Database, Row, Statement
from aragora_sql.encryption import Keyring
from aragora_sql.schema import render_schema
from aragora_sql.stores.consensus.records import ConsensusRecord, SimilarConsensus
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.terms import search_terms

# Every table of every store.
TABLES = tuple(
    name
    for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", render_schema("sqlite"))
    if name not in {"_schema_versions", "_transaction_keys"}
)

KEY, OTHER_KEY = bytes(range(32)), bytes(range(100, 132))
KEYRING = Keyring(KEY)


def day(number: float) -> datetime:
    """A timestamp so many days after the beginning of 2026."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def days_ago(number: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=number)


def consensus(topic: str = "Rate limiting approach", **changes: Any) -> Any:
    """Arguments of ``store_consensus``."""
    return {
        "topic": topic,
        "conclusion": "Use token bucket algorithm",
        "strength": "strong",
        "confidence": 0.85,
        "participating_agents": ["claude", "gpt4"],
        "agreeing_agents": ["claude", "gpt4"],
        **changes,
    }


def dissent(debate_id: str, **changes: Any) -> Any:
    """Arguments of ``store_dissent``."""
    return {
        "debate_id": debate_id,
        "agent_id": "gemini",
        "dissent_type": "risk_warning",
        "content": "Bursts may starve other tenants",
        **changes,
    }


def critique(agent: str = "claude", **changes: Any) -> Any:
    """Arguments of ``store_critique``."""
    return {
        "debate_id": None,
        "agent": agent,
        "target_agent": "gpt4",
        "issues": ["Missing error handling"],
        "suggestions": ["Retry with a limit"],
        "severity": 5.0,
        "reasoning": "The happy path only",
        **changes,
    }


def workflow_checkpoint(workflow_id: str = "w", **changes: Any) -> Any:
    """What the engine gives to ``CheckpointStore.save``."""
    return {
        "id": "cp_0123456789ab",
        "workflow_id": workflow_id,
        "definition_id": "review",
        "current_step": "draft",
        "completed_steps": ["plan", "research"],
        "step_outputs": {"plan": {"sections": 3}},
        "context_state": {"inputs": {"topic": "queues"}, "state": {}, "metadata": {}},
        "created_at": day(0),
        "checksum": "0123456789abcdef",
        **changes,
    }


def debate_checkpoint(debate_id: str = "d", number: int = 1, **changes: Any) -> dict[str, Any]:
    """What a debate gives to ``CheckpointStore.save_debate``."""
    return {
        "checkpoint_id": f"cp-{debate_id[:8]}-{number:03}-abcd",
        "debate_id": debate_id,
        "task": "Design a rate limiter",
        "current_round": number,
        "total_rounds": 9,
        "phase": "critique",
        "status": "complete",
        "created_at": day(number),
        "expires_at": day(number + 3),
        "checksum": "fedcba9876543210",
        "messages": [{"role": "proposer", "agent": "claude", "content": "Token bucket"}],
        "votes": [],
        "resume_count": 0,
        "last_resumed_at": None,
        **changes,
    }


async def fetch(database: Database, sql: str) -> list[Row]:
    """Run a query without parameters and return its rows as the engine gives them."""
    arguments: Any = () if database.dialect == "postgres" else {}
    async with database.connection() as connection:
        return await connection.fetch_all(Statement("test", sql), arguments)


async def fetch_value(database: Database, sql: str) -> Any:
    (row,) = await fetch(database, sql)
    (value,) = row.values()
    return value


async def run(database: Database, sql: str) -> None:
    """Run statements without parameters."""
    async with database.connection() as connection:
        await connection.run_script("test", sql)


async def row_counts(database: Database) -> Mapping[str, int]:
    """Count the rows of every table that has any."""
    columns = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in TABLES)
    (row,) = await fetch(database, f"SELECT {columns}")
    return {table: count for table, count in row.items() if count}


def scores(records: Sequence[SimilarConsensus]) -> list[tuple[str, float]]:
    """Return what a search found in the form of :func:`compared`."""
    return [(record.id, record.similarity) for record in records]


def compared(topic: str, records: Sequence[ConsensusRecord]) -> list[tuple[str, float]]:
    """Compare a topic with every record and return (id, similarity), best first."""
    wanted, hashed = set(search_terms(topic)), topic_hash(topic)
    ranked = []
    for record in records:
        terms = set(search_terms(record.topic))
        same = record.topic_hash == hashed
        similarity = 1.0 if same else len(wanted & terms) / max(1, len(wanted | terms))
        if similarity > 0.1:
            key = (not same, -similarity, -record.confidence, -record.created_at.timestamp())
            ranked.append(((*key, record.id), (record.id, similarity)))
    return [pair for _, pair in sorted(ranked)]


def numbers(database: Database, count: int) -> str:
    """Return what stands in FROM to give ``n`` from 1 to ``count``."""
    if database.dialect == "postgres":
        return f"generate_series(1, {count}) AS g (n)"
    return (
        f"(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) "
        "SELECT n FROM g) AS g"
    )
