"""A database that has all tables, with rows in those that grow for ever."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.statement import Statement
from aragora_sql.partitions import GROWING, GrowingTable
from tests.stores.conftest import location, template_database, template_file

__all__ = ["BY_NAME", "location", "rows_of", "run", "template_database", "template_file", "value"]

BY_NAME = {table.name: table for table in GROWING}

# A row for each day of more than a year until some days ago, in each table that grows.
_FILL = """
INSERT INTO audit_log (timestamp, user_id, action, resource_type)
SELECT now() - n * interval '1 day', 'u' || n % 3, 'login.ok', 'user'
FROM generate_series(5, 400) AS g (n);
INSERT INTO immutable_audit_entries (id, chain, sequence_number, timestamp, previous_hash,
    entry_hash, event_type, actor, resource_type, resource_id, action)
SELECT 'e' || n, 'main', 401 - n, now() - n * interval '1 day', repeat('0', 64),
    lpad(n::text, 64, 'a'), 't', 'a' || n % 3, 'rt', 'r' || n % 5, 'do'
FROM generate_series(5, 400) AS g (n);
INSERT INTO workflow_checkpoints (id, engine_id, workflow_id, definition_id, content_checksum,
    created_at, stored_at)
SELECT 'c' || n, 'e' || n, 'w' || n % 7, 'd', repeat('0', 64), t, t
FROM generate_series(5, 400) AS g (n)
CROSS JOIN LATERAL (SELECT now() - n * interval '1 day' AS t) AS m;
INSERT INTO consensus_archive (id, topic, topic_hash, conclusion, strength, confidence, rounds,
    debate_duration_seconds, participating_agents, agreeing_agents, dissenting_agents, key_claims,
    supporting_evidence, tags, belief_cruxes, metadata, data, created_at, updated_at, archived_at)
SELECT 'c' || n, 't', 'h', 'c', 'weak', 0.5, 1, 1, '[]', '[]', '[]', '[]', '[]', '[]', '[]', '{}',
    '{}', t, t, t
FROM generate_series(5, 400) AS g (n)
CROSS JOIN LATERAL (SELECT now() - n * interval '1 day' AS t) AS m;
INSERT INTO dissent_archive (id, consensus_id, agent_id, dissent_type, content, reasoning,
    confidence, acknowledged, rebuttal, metadata, data, created_at, archived_at)
SELECT 'd', id, 'a', 'risk_warning', '', '', 0.5, FALSE, '', '{}', '{}', created_at, archived_at
FROM consensus_archive;
INSERT INTO verified_proofs_archive (id, consensus_id, proof_status, is_verified, metadata, data,
    created_at, archived_at)
SELECT 'p', id, 'unknown', FALSE, '{}', '{}', created_at, archived_at FROM consensus_archive;
INSERT INTO job_history (id, number, job_type, payload, status, priority, attempts, max_attempts,
    claim_count, unique_while_running, completed_at, created_at, updated_at)
SELECT 'j' || n, n, 'a', '{}', 'completed', 0, 1, 3, 1, FALSE, t, t, t
FROM generate_series(5, 400) AS g (n)
CROSS JOIN LATERAL (SELECT now() - n * interval '1 day' AS t) AS m;
INSERT INTO langgraph_checkpoints (thread_id, checkpoint_id, type, content)
SELECT 't' || n % 7, i, 'msgpack', 'x' FROM generate_series(5, 400) AS g (n)
CROSS JOIN LATERAL (
    SELECT lpad(to_hex(((extract(epoch FROM now() - n * interval '1 day') + 12219292800)
        * 10000000)::bigint), 15, '0') AS h
) AS m
CROSS JOIN LATERAL (
    SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-6' || substr(h, 13, 3) || '-a-b' AS i
) AS o;
INSERT INTO langgraph_writes (thread_id, checkpoint_id, task_id, idx, channel, type, content)
SELECT thread_id, checkpoint_id, 'task', 0, 'c', 'msgpack', 'x' FROM langgraph_checkpoints;
"""


async def run(database: Database, sql: str) -> None:
    async with database.connection() as connection:
        await connection.run_script("test", sql)


async def value(database: Database, sql: str) -> Any:
    async with database.read() as connection:
        return await connection.fetch_value(Statement("test", sql), ())


async def rows_of(database: Database, table: GrowingTable) -> Any:
    """Return how many rows a table has, and a fingerprint of all of them."""
    return await value(
        database,
        f"SELECT count(*) || md5(string_agg(md5(t::text), '' ORDER BY t::text)) "
        f"FROM {table.name} AS t",
    )


@pytest.fixture
async def filled(database: Database) -> Database:
    """The test's own database, once on each PostgreSQL server, with rows."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no partitions")
    await run(database, _FILL)
    return database
