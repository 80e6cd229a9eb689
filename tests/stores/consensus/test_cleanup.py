"""Old consensus records move into the archive with all that belongs to them."""

from __future__ import annotations

from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.proxy import CountingProxy
from tests.stores.samples import consensus, days_ago, dissent, fetch, row_counts, run


async def store_old(memory: ConsensusMemory, **changes: Any) -> str:
    """Store a consensus of 100 days ago, a younger dissent on it, and a younger proof."""
    record = await memory.store_consensus(**consensus(created_at=days_ago(100), **changes))
    await memory.store_dissent(**dissent(record.id, created_at=days_ago(10)))
    await memory.store_proof(record.id, "proof_found", created_at=days_ago(5))
    return record.id


async def archived_ids(database: Database, table: str) -> list[str]:
    return [row["id"] for row in await fetch(database, f"SELECT id FROM {table} ORDER BY 1")]


async def test_dissents_and_proofs_go_along_into_the_archives(memory: ConsensusMemory) -> None:
    await store_old(memory)
    young = await memory.store_consensus(**consensus(created_at=days_ago(80)))
    await memory.store_dissent(**dissent(young.id))
    result = await memory.cleanup_old_records()
    assert result.to_dict() == {"archived": 2, "deleted": 2}
    assert await row_counts(memory.database) == {
        "consensus": 1,
        "dissent": 1,
        "consensus_archive": 1,
        "dissent_archive": 1,
        "verified_proofs_archive": 1,
    }
    assert [record.id for record in await memory.get_recent()] == [young.id]


async def test_without_archiving_they_are_gone(memory: ConsensusMemory) -> None:
    await store_old(memory)
    result = await memory.cleanup_old_records(archive=False)
    assert result.to_dict() == {"archived": 0, "deleted": 2}
    assert await row_counts(memory.database) == {}


async def test_an_archived_record_keeps_every_value(memory: ConsensusMemory) -> None:
    old = await memory.store_consensus(
        **consensus(
            dissenting_agents=["gemini"],
            key_claims=["claim"],
            supporting_evidence=["evidence"],
            tags=["tag"],
            belief_cruxes=[{"claim": "c"}],
            domain="security",
            debate_id="debate-1",
            rounds=3,
            debate_duration=1.5,
            metadata={"a": 1},
            data={"b": [2]},
            created_at=days_ago(100),
        )
    )
    await memory.store_dissent(
        **dissent(old.id, reasoning="r", acknowledged=True, rebuttal="b", metadata={"c": 3})
    )
    await memory.store_proof(old.id, "proof_found", language="lean4", is_verified=True)
    pairs = {
        "consensus": await fetch(memory.database, "SELECT * FROM consensus"),
        "dissent": await fetch(memory.database, "SELECT * FROM dissent"),
        "verified_proofs": await fetch(memory.database, "SELECT * FROM verified_proofs"),
    }
    await memory.cleanup_old_records()
    for table, (before,) in pairs.items():
        (after,) = await fetch(memory.database, f"SELECT * FROM {table}_archive")
        lost = before.keys() - after.keys()
        assert lost <= {"row_id", "topic_terms", "topic_vector"}
        assert {name: after[name] for name in before if name not in lost} == {
            name: value for name, value in before.items() if name not in lost
        }
        added = after.keys() - before.keys() - {"superseded_by"}
        assert added == {"archive_id", "archived_at"}


async def test_the_archive_keeps_what_superseded_a_record(memory: ConsensusMemory) -> None:
    old = await memory.store_consensus(**consensus(created_at=days_ago(100)))
    new = await memory.store_consensus(**consensus(supersedes=old.id))
    await memory.cleanup_old_records()
    (archived,) = await fetch(memory.database, "SELECT superseded_by FROM consensus_archive")
    assert archived["superseded_by"] == new.id


async def test_a_second_clean_up_finds_nothing(memory: ConsensusMemory) -> None:
    await store_old(memory)
    await memory.cleanup_old_records()
    assert (await memory.cleanup_old_records()).to_dict() == {"archived": 0, "deleted": 0}


async def test_the_same_id_may_be_archived_again(memory: ConsensusMemory) -> None:
    record_id = await store_old(memory)
    await memory.cleanup_old_records()
    again = await memory.store_consensus(**consensus(created_at=days_ago(100)))
    await run(memory.database, f"UPDATE consensus SET id = '{record_id}' WHERE id = '{again.id}'")
    await memory.cleanup_old_records()
    assert await archived_ids(memory.database, "consensus_archive") == [record_id, record_id]


async def test_the_age_is_in_days(memory: ConsensusMemory) -> None:
    for age in (0.4, 0.6, 2, 40):
        await memory.store_consensus(**consensus(f"{age}", created_at=days_ago(age)))
    assert (await memory.cleanup_old_records(30)).deleted == 1
    assert (await memory.cleanup_old_records(0.5)).deleted == 2
    assert [record.topic for record in await memory.get_recent()] == ["0.4"]
    assert (await memory.cleanup_old_records(0)).deleted == 1


async def test_more_than_one_batch_is_cleaned_up(memory: ConsensusMemory) -> None:
    await memory.store_many(consensus(f"{n}", created_at=days_ago(100)) for n in range(1005))
    young = await memory.store_consensus(**consensus("young"))
    assert (await memory.cleanup_old_records()).to_dict() == {"archived": 1005, "deleted": 1005}
    assert [record.id for record in await memory.get_recent()] == [young.id]
    assert len(await archived_ids(memory.database, "consensus_archive")) == 1005


async def test_cleanup_old_records_takes_topics_out_of_the_search(memory: ConsensusMemory) -> None:
    await store_old(memory)
    assert len(await memory.find_similar("Rate limiting approach")) == 1
    await memory.cleanup_old_records()
    assert await memory.find_similar("Rate limiting approach") == []


async def test_a_young_successor_of_a_cleaned_up_record_stays(memory: ConsensusMemory) -> None:
    old_id = await store_old(memory)
    young = await memory.store_consensus(**consensus(supersedes=old_id))
    await memory.cleanup_old_records()
    (left,) = await memory.get_recent()
    assert left.id == young.id
    assert left.supersedes is None


async def test_cleaning_up_takes_as_long_for_a_thousand_records(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    memory = ConsensusMemory(database)

    async def clean_up(count: int) -> int:
        records = await memory.store_many(
            consensus(f"{n}", created_at=days_ago(100)) for n in range(count)
        )
        await memory.store_dissents(dissent(record.id) for record in records)
        counted_postgres.reset()
        await memory.cleanup_old_records()
        return counted_postgres.round_trips

    await clean_up(1)
    assert await clean_up(900) == await clean_up(1)
    await database.close()
