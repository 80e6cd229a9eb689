"""Versions that nobody changes, the search, and the dossier of a debate, on each engine."""

from __future__ import annotations

import pytest

from aragora_sql.errors import IntegrityError
from aragora_sql.stores.checkpoints import CheckpointStore
from aragora_sql.stores.consensus import ConsensusMemory
from aragora_sql.stores.critique import CritiqueStore
from aragora_sql.stores.decisions import DecisionStore, DossierEntry
from tests.stores.samples import consensus, critique, day, debate_checkpoint, fetch_value, run


async def test_list_versions_gives_what_each_save_brought(decisions: DecisionStore) -> None:
    for number in range(4):
        await decisions.save(
            "r",
            {
                "status": f"s{number}",
                "result": {"n": number},
                "error": f"e{number}" if number else None,
                "completed_at": day(number),
                "note": number,
            },
        )
    versions = await decisions.list_versions("r")
    assert [
        (v.version, v.status, v.result, v.error, v.completed_at, v.extra) for v in versions
    ] == [
        (n + 1, f"s{n}", {"n": n}, f"e{n}" if n else None, day(n), {"note": n})
        for n in (3, 2, 1, 0)
    ]
    times = [v.saved_at for v in versions]
    assert times == sorted(times, reverse=True)
    assert await decisions.list_versions("r", 1, after=versions[1]) == [versions[2]]
    assert await decisions.list_versions("x") == []


async def test_versions_are_refused_to_change(decisions: DecisionStore) -> None:
    for number in range(2):
        await decisions.save("r", {"result": {"n": number}})
    before = await decisions.list_versions("r")
    for statement in (
        "UPDATE decision_versions SET status = 'other'",
        "UPDATE decision_versions SET version = 9",
        "DELETE FROM decision_versions",
        "DELETE FROM decision_versions WHERE version = 1",
    ):
        with pytest.raises(IntegrityError, match="refused"):
            await run(decisions.database, statement)
    assert await decisions.list_versions("r") == before
    # They go with their result.
    await decisions.delete("r")
    assert await fetch_value(decisions.database, "SELECT count(*) FROM decision_versions") == 0


async def test_versions_are_not_emptied_on_postgresql(decisions: DecisionStore) -> None:
    await decisions.save("r", {})
    if decisions.database.dialect == "sqlite":
        # There is no TRUNCATE.
        return
    for table in ("decision_versions", "decision_results CASCADE"):
        with pytest.raises(IntegrityError, match="refused"):
            await run(decisions.database, f"TRUNCATE {table}")
    assert await decisions.count() == 1


async def test_search_ranks_by_words_then_by_time(decisions: DecisionStore) -> None:
    texts = {
        "both": {"answer": "Use a token bucket", "why": ["It limits BURSTS"]},
        "one": {"answer": "a leaky bucket"},
        "newer": {"answer": {"deep": [{"text": "the bucket of Zoë"}]}},
        "neither": {"bucket": "the name of a member does not count", "n": 5},
    }
    for number, (request_id, result) in enumerate(texts.items()):
        await decisions.save(request_id, {"result": result, "created_at": day(number)})
    await decisions.save("failed", {"error": "Time-out of the TOKEN service"})

    async def found(text: str, *, every_word: bool = False) -> list[tuple[str, int]]:
        results = await decisions.search(text, every_word=every_word)
        return [(one.request_id, one.matched) for one in results]

    assert await found("Bucket, TOKEN!") == [
        ("both", 2),
        ("failed", 1),
        ("newer", 1),
        ("one", 1),
    ]
    assert await found("token bucket", every_word=True) == [("both", 2)]
    assert await found("bursts") == [("both", 1)]
    assert await found("zoe") == [("newer", 1)]
    for nothing in ("", "...", "buck", "x AND y", "bucket-less*", 'NEAR("token")'):
        assert ("neither", 1) not in await found(nothing)
    assert await found("...") == []
    assert await found("buck") == []
    (one,) = await decisions.search("bucket", 1)
    assert one.request_id == "newer"
    # What is saved again is found by its new words only.
    await decisions.save("both", {"result": {"answer": "sliding window"}})
    assert await found("window token") == [("failed", 1), ("both", 1)]
    await decisions.delete("both")
    assert await found("window") == []


async def test_search_in_a_workspace(decisions: DecisionStore) -> None:
    for workspace in ("w", "v", None):
        await decisions.save(
            f"in {workspace}", {"result": {"a": "word"}}, org_id="acme", workspace_id=workspace
        )
    (one,) = await decisions.search("word", org_id="acme", workspace_id="w")
    assert one.request_id == "in w"


async def test_get_dossier_is_all_that_is_stored_of_a_debate(decisions: DecisionStore) -> None:
    database = decisions.database
    critiques = CritiqueStore(database)
    for debate_id in ("d", "other"):
        await critiques.store_debate(
            debate_id,
            "Limit rates",
            final_answer="Token bucket",
            confidence=0.1 + 0.2,
            created_at=day(1),
        )
        await critiques.store_critique(
            **critique(debate_id=debate_id, reasoning="Bursts", created_at=day(2))
        )
        checkpoint = debate_checkpoint(debate_id, created_at=day(3))
        await CheckpointStore(database).save_debate(checkpoint)
        await ConsensusMemory(database).store_consensus(
            **consensus("Limit rates", debate_id=debate_id, created_at=day(4), key_claims=["c"])
        )
        await decisions.save(
            f"r of {debate_id}",
            {"status": "completed", "result": {"answer": "Yes"}, "created_at": day(5)},
            debate_id=debate_id,
            org_id="acme",
        )
    dossier = await decisions.get_dossier("d")
    assert [
        (one.kind, one.title, one.content, one.confidence, one.details, one.created_at)
        for one in dossier
    ] == [
        ("debate", "Limit rates", "Token bucket", 0.1 + 0.2, None, day(1)),
        ("critique", "claude", "Bursts", None, ["Missing error handling"], day(2)),
        ("checkpoint", "critique", "complete", None, None, day(3)),
        ("consensus", "Limit rates", "Use token bucket algorithm", 0.85, ["c"], day(4)),
        ("decision", "completed", None, None, {"answer": "Yes"}, day(5)),
    ]
    assert dossier[0].id == "d"
    assert dossier[-1].id == "r of d"
    seen: list[DossierEntry] = []
    page = await decisions.get_dossier("d", 2)
    while page:
        seen += page
        page = await decisions.get_dossier("d", 2, after=page[-1])
    assert seen == dossier
    assert [one.kind for one in await decisions.get_dossier("d", org_id="x")] == [
        "debate",
        "critique",
        "checkpoint",
        "consensus",
    ]
    assert await decisions.get_dossier("nowhere") == []
