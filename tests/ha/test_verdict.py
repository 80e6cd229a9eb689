"""What ``make chaos`` finds: each kind of damage is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.schema import apply_schema
from aragora_sql.stores.audit.store import AuditStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.jobs.store import JobQueueStore
from chaos.link import Link
from chaos.rounds import STORES, Outcome, Round
from chaos.verdict import Verdict, judge
from chaos.worker import JOB_TYPE, PROBE_TABLE
from tests.stores.samples import run

Line = dict[str, Any]


@pytest.fixture
async def whole(postgres_dsn: str) -> AsyncIterator[tuple[PostgresDatabase, list[Line]]]:
    """A database with one of each, and what was recorded of that."""
    database = await PostgresDatabase.connect(postgres_dsn, 1, 2)
    await apply_schema(database, STORES)
    await run(database, f"CREATE TABLE {PROBE_TABLE} (number integer PRIMARY KEY)")
    await run(database, f"INSERT INTO {PROBE_TABLE} VALUES (1)")
    jobs = JobQueueStore(database)
    job = await jobs.enqueue(JOB_TYPE, {"key": "j"})
    (claimed,) = await jobs.claim("w")
    await jobs.complete(claimed)
    memory = ConsensusMemory(database)
    consensus = await memory.store_consensus("c", "c", "strong", 0.5, ["a"], ["a"])
    audit = AuditStore(database)
    entries = [
        await audit.append("e", "a", "r", "r", "append", correlation_id=f"{n}") for n in range(3)
    ]
    lines: list[Line] = [
        {"kind": "ack", "of": kind, "id": found, "at": 10.0}
        for kind, found in (
            ("probe", 1),
            ("job", job.id),
            ("consensus", consensus.id),
            *(("audit", entry.id) for entry in entries),
        )
    ]
    lines.append({"kind": "worked", "job": job.id, "began": 1.0, "at": 2.0})
    yield database, lines
    await database.close()


async def judged(dsn: str, lines: list[Line]) -> Verdict:
    return await judge(dsn, lines, [9.0, 10.5, 20.0])


async def test_a_whole_database(
    whole: tuple[PostgresDatabase, list[Line]], postgres_dsn: str
) -> None:
    verdict = await judged(postgres_dsn, whole[1])
    assert verdict.is_flawless, verdict
    assert verdict.acknowledged == {"probe": 1, "job": 1, "consensus": 1, "audit": 3}
    assert verdict.to_dict()["runs"] == 1


@pytest.mark.parametrize(
    ("damage", "part", "wanted"),
    [
        (f"DELETE FROM {PROBE_TABLE}", "lost", 1),
        ("DELETE FROM job_queue", "lost", 1),
        ("DELETE FROM consensus", "lost", 1),
        ("UPDATE job_queue SET status = 'pending', completed_at = NULL", "unfinished", 1),
        ("UPDATE immutable_audit_entries SET actor = 'x' WHERE sequence_number = 2", "audit", 1),
    ],
)
async def test_damage_is_seen(
    whole: tuple[PostgresDatabase, list[Line]],
    postgres_dsn: str,
    damage: str,
    part: str,
    wanted: int,
) -> None:
    await run(whole[0], f"SET session_replication_role = replica; {damage}")
    verdict = await judged(postgres_dsn, whole[1])
    assert not verdict.is_flawless
    found = {
        "lost": sum(verdict.lost.values()),
        "unfinished": verdict.unfinished,
        "audit": min(1, len(verdict.audit_problems)),
    }
    assert found[part] == wanted
    if part == "lost":
        assert verdict.lost_at == [-0.5]


async def test_what_is_there_twice_is_seen(
    whole: tuple[PostgresDatabase, list[Line]], postgres_dsn: str
) -> None:
    await AuditStore(whole[0]).append("e", "a", "r", "r", "append", correlation_id="1")
    verdict = await judged(postgres_dsn, whole[1])
    assert verdict.doubled == {"job": 0, "consensus": 0, "audit": 1}
    assert not verdict.is_flawless


async def test_a_job_that_is_done_twice_at_a_time_is_seen(
    whole: tuple[PostgresDatabase, list[Line]], postgres_dsn: str
) -> None:
    job = next(line["job"] for line in whole[1] if line["kind"] == "worked")
    after = {"kind": "worked", "job": job, "began": 2.5, "at": 3.0}
    assert (await judged(postgres_dsn, [*whole[1], after])).is_flawless
    within = {"kind": "worked", "job": job, "began": 1.9, "at": 3.0}
    assert (await judged(postgres_dsn, [*whole[1], within])).overlaps == 1


def test_figures() -> None:
    outages = [("kill", 10.0), ("kill", 30.0), ("cut", 22.0)]
    rounds = [Round(n, fault, "a", 0.0, outage) for n, (fault, outage) in enumerate(outages)]
    outcome = Outcome("synchronous", 1, 20, rounds)
    assert outcome.figures("kill") == {
        "times": 2,
        "median": 20.0,
        "worst": 30.0,
        "median_ratio": 1.0,
        "worst_ratio": 1.5,
    }
    assert outcome.figures()["median"] == 22.0
    assert outcome.figures("freeze") == {}
    assert set(outcome.to_dict()["figures"]) == {"kill", "cut"}


def test_a_link_that_is_cut() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        link = Link(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", link.port), 20) as client:
            peer, _ = server.accept()
            with peer:
                client.sendall(b"ping")
                assert peer.recv(4) == b"ping"
                link.cut()
                assert client.recv(1) == b""
                assert peer.recv(1) == b""
        with socket.create_connection(("127.0.0.1", link.port), 20) as client:
            assert client.recv(1) == b""
        link.mend()
        with socket.create_connection(("127.0.0.1", link.port), 20) as client:
            peer, _ = server.accept()
            # The one that came while the link was cut was passed on to nobody's use.
            client.sendall(b"ping")
            with peer:
                peer.settimeout(20)
                data = peer.recv(4)
                if not data:
                    second, _ = server.accept()
                    with second:
                        data = second.recv(4)
                assert data == b"ping"
        link.close()
