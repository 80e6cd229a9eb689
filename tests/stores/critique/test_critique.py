"""Debates and critiques: stored, read, stored again, deleted, counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.errors import IntegrityError, InvalidInputError, MissingParentError
from aragora_sql.stores.critique.records import Critique
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import critique, day, fetch_value, row_counts


def critics(critiques: list[Critique]) -> list[str]:
    return [one.agent for one in critiques]


# Debates


async def test_a_debate_reads_back_as_it_was_stored(critiques: CritiqueStore) -> None:
    verdict = {"verdict": "supported", "claims": [{"claim_id": "c1", "citations": []}]}
    await critiques.store_debate(
        debate_id="debate-123",
        task="Design a rate limiter",
        final_answer="Use token bucket",
        consensus_reached=True,
        confidence=0.9,
        rounds_used=3,
        duration_seconds=12.5,
        grounded_verdict=verdict,
        created_at=day(1),
    )
    debate = await critiques.get_debate("debate-123")
    assert debate is not None
    assert debate.to_dict() == {
        "id": "debate-123",
        "task": "Design a rate limiter",
        "final_answer": "Use token bucket",
        "consensus_reached": True,
        "confidence": 0.9,
        "rounds_used": 3,
        "duration_seconds": 12.5,
        "grounded_verdict": verdict,
        "created_at": "2026-01-02T00:00:00+00:00",
    }


async def test_what_a_debate_does_not_say_is_none(critiques: CritiqueStore) -> None:
    await critiques.store_debate("d", "Task")
    debate = await critiques.get_debate("d")
    assert debate is not None
    said = debate.to_dict()
    names = ("final_answer", "confidence", "rounds_used", "duration_seconds", "grounded_verdict")
    assert [said[name] for name in names] == [None] * 5
    assert debate.consensus_reached is False


async def test_zero_is_not_taken_for_nothing(critiques: CritiqueStore) -> None:
    await critiques.store_debate(
        "d",
        "Task",
        final_answer="",
        confidence=0.0,
        rounds_used=0,
        duration_seconds=0.0,
        grounded_verdict={},
        critiques=[critique(severity=0.0, expected_usefulness=0.0, reasoning="")],
    )
    debate = await critiques.get_debate("d")
    assert debate is not None
    assert (debate.confidence, debate.rounds_used, debate.duration_seconds) == (0.0, 0, 0.0)
    assert (debate.final_answer, debate.grounded_verdict) == ("", {})
    (stored,) = await critiques.get_critiques_for_debate("d")
    assert (stored.severity, stored.expected_usefulness, stored.reasoning) == (0.0, 0.0, "")


async def test_get_debate_of_an_unknown_id_is_none(critiques: CritiqueStore) -> None:
    assert await critiques.get_debate("unknown") is None
    assert await critiques.get_debate("") is None
    assert await critiques.get_critiques_for_debate("unknown") == []


async def test_store_debate_again_leaves_one_row_and_count_debates_counts_it_once(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_debate("d", "Task", grounded_verdict={"a": 1}, created_at=day(1))
    await critiques.store_debate(
        "d", "Task", final_answer="Answer", consensus_reached=True, created_at=day(2)
    )
    assert await critiques.count_debates() == 1
    debate = await critiques.get_debate("d")
    assert debate is not None
    assert debate.final_answer == "Answer"
    assert debate.consensus_reached is True
    assert debate.grounded_verdict is None
    assert debate.created_at == day(1)


async def test_a_debate_stored_again_does_not_double_its_critiques(
    critiques: CritiqueStore,
) -> None:
    given = [critique("claude"), critique("gpt4"), critique("claude", severity=None)]
    for _ in range(3):
        await critiques.store_debate("d", "Task", critiques=given)
    assert critics(await critiques.get_critiques_for_debate("d")) == ["claude", "gpt4", "claude"]
    await critiques.store_debate("d", "Task", critiques=[*given, critique("gemini")])
    assert await critiques.count_critiques() == 4
    await critiques.store_debate("d", "Task")
    assert await critiques.count_critiques() == 4


async def test_count_critiques_counts_one_that_was_made_twice_twice(
    critiques: CritiqueStore,
) -> None:
    given = [critique(), critique()]
    for _ in range(2):
        await critiques.store_debate("d", "Task", critiques=given)
    assert await critiques.count_critiques() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"agent": "gpt4"},
        {"target_agent": None},
        {"issues": ["Missing error handling", "Slow"]},
        {"suggestions": []},
        {"severity": 5.5},
        {"reasoning": None},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_critiques_that_differ_in_anything_are_all_kept(
    critiques: CritiqueStore, change: dict[str, Any]
) -> None:
    await critiques.store_debate("d", "Task", critiques=[critique()])
    await critiques.store_debate("d", "Task", critiques=[critique(**change)])
    assert await critiques.count_critiques() == 2


async def test_two_debates_may_have_the_same_critique(critiques: CritiqueStore) -> None:
    await critiques.store_debate("d1", "Task", critiques=[critique()])
    await critiques.store_debate("d2", "Task", critiques=[critique()])
    assert await critiques.count_critiques() == 2


async def test_get_debates_with_critiques_batch_keeps_the_order_asked_for(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_debates(
        {
            "debate_id": name,
            "task": f"Task {name}",
            "grounded_verdict": {"of": name},
            "critiques": [critique(f"{name} {number}") for number in range(2)],
        }
        for name in ("a", "b", "c")
    )
    found = await critiques.get_debates_with_critiques_batch(["c", "unknown", "a", "c"])
    assert [(one.id, one.grounded_verdict, critics(one.critiques)) for one in found] == [
        ("c", {"of": "c"}, ["c 0", "c 1"]),
        ("a", {"of": "a"}, ["a 0", "a 1"]),
    ]
    assert await critiques.get_debates_with_critiques_batch([]) == []
    assert await critiques.get_debates_with_critiques_batch(["unknown"]) == []


async def test_store_debates_stores_a_batch_or_nothing(critiques: CritiqueStore) -> None:
    await critiques.store_debates([])
    good = {"debate_id": "good", "task": "Task", "critiques": [critique()]}
    bad = {"debate_id": "bad", "task": "Task", "critiques": [critique(), critique(severity=11)]}
    with pytest.raises(InvalidInputError, match=r"^debates\[1\]\.critiques\[1\]\.severity"):
        await critiques.store_debates([good, bad])
    assert await row_counts(critiques.database) == {}
    await critiques.store_debates([good, good | {"debate_id": "also good"}])
    assert await row_counts(critiques.database) == {"debates": 2, "critiques": 2}


async def test_the_last_result_of_a_debate_in_a_batch_counts(critiques: CritiqueStore) -> None:
    await critiques.store_debates(
        {"debate_id": "d", "task": "Task", "final_answer": answer, "critiques": [critique()]}
        for answer in ("first", "last")
    )
    debate = await critiques.get_debate("d")
    assert debate is not None
    assert debate.final_answer == "last"
    assert await row_counts(critiques.database) == {"debates": 1, "critiques": 1}


async def test_delete_debate_deletes_its_critiques(critiques: CritiqueStore) -> None:
    for name in ("gone", "kept"):
        await critiques.store_debate(name, "Task", critiques=[critique()])
    await critiques.store_critique(None, "alone")
    assert await critiques.delete_debate("gone") is True
    assert await critiques.get_debate("gone") is None
    assert await row_counts(critiques.database) == {"debates": 1, "critiques": 2}
    assert await critiques.delete_debate("gone") is False


async def test_without_the_cascade_a_debate_with_critiques_stays(critiques: CritiqueStore) -> None:
    await critiques.store_debate("with", "Task", critiques=[critique()])
    await critiques.store_debate("without", "Task")
    with pytest.raises(IntegrityError, match="cascade_critiques=True"):
        await critiques.delete_debate("with", cascade_critiques=False)
    assert await critiques.delete_debate("without", cascade_critiques=False) is True
    assert await critiques.delete_debate("unknown", cascade_critiques=False) is False
    assert await row_counts(critiques.database) == {"debates": 1, "critiques": 1}


# Critiques


async def test_store_critique_then_get_critique_gives_it_back(critiques: CritiqueStore) -> None:
    await critiques.store_debate("d", "Task")
    number = await critiques.store_critique(
        agent="claude",
        target_agent="gpt4",
        issues=["Missing error handling", "Slow"],
        suggestions=("Retry",),
        severity=7.5,
        reasoning="The happy path only",
        expected_usefulness=0.8,
        debate_id="d",
    )
    stored = await critiques.get_critique(number)
    assert stored is not None
    assert stored.to_dict() == {
        "id": number,
        "debate_id": "d",
        "agent": "claude",
        "target_agent": "gpt4",
        "issues": ["Missing error handling", "Slow"],
        "suggestions": ["Retry"],
        "severity": 7.5,
        "reasoning": "The happy path only",
        "led_to_improvement": False,
        "expected_usefulness": 0.8,
        "actual_usefulness": None,
        "prediction_error": None,
        "created_at": stored.created_at.isoformat(),
    }
    assert await critiques.get_critiques_for_debate("d") == [stored]


async def test_a_critique_may_stand_alone(critiques: CritiqueStore) -> None:
    number = await critiques.store_critique(None, "claude")
    stored = await critiques.get_critique(number)
    assert stored is not None
    said = stored.to_dict()
    names = ("debate_id", "target_agent", "severity", "reasoning")
    assert [said[name] for name in names] == [None] * 4
    assert stored.issues == stored.suggestions == []
    assert stored.expected_usefulness == 0.5


async def test_an_unknown_critique_is_none(critiques: CritiqueStore) -> None:
    assert await critiques.get_critique(0) is None
    assert await critiques.get_critique(2**63 - 1) is None


async def test_a_critique_needs_its_debate(critiques: CritiqueStore) -> None:
    with pytest.raises(MissingParentError):
        await critiques.store_critique(**critique(debate_id="unknown"))
    with pytest.raises(MissingParentError):
        await critiques.store_critiques([critique(), critique(debate_id="unknown")])
    assert await critiques.count_critiques() == 0


async def test_store_takes_a_critique_as_one_object(critiques: CritiqueStore) -> None:
    await critiques.store_debates({"debate_id": name, "task": "Task"} for name in ("a", "b"))
    first = await critiques.get_critique(await critiques.store(critique(debate_id="a")))
    assert first is not None
    await critiques.update_prediction_outcome(first.id, 1.0, led_to_improvement=True)
    judged = await critiques.get_critique(first.id)
    assert judged is not None
    copy = await critiques.get_critique(await critiques.store(judged))
    moved = await critiques.get_critique(await critiques.store(judged, "b"))
    alone = await critiques.get_critique(await critiques.store({"agent": "claude"}))
    assert copy is not None
    assert moved is not None
    assert alone is not None
    assert copy == replace(first, id=copy.id, created_at=copy.created_at)
    assert moved == replace(copy, id=moved.id, debate_id="b", created_at=moved.created_at)
    assert alone.debate_id is None
    with pytest.raises(MissingParentError):
        await critiques.store(judged, "unknown")


async def test_get_critiques_for_debate_gives_identical_critiques_of_one_call(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_debate("d", "Task")
    assert await critiques.store_critiques([critique(debate_id="d")] * 3) == 3
    assert await critiques.store_critiques([critique(debate_id="d")]) == 1
    assert await critiques.store_critiques([]) == 0
    assert len(await critiques.get_critiques_for_debate("d")) == 4


async def test_store_critiques_with_a_wrong_entry_stores_nothing(
    critiques: CritiqueStore,
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await critiques.store_critiques([critique(), critique(issues=["text", 5])])
    assert caught.value.argument == "critiques[1].issues[1]"
    assert await critiques.count_critiques() == 0


async def test_get_recent_and_get_recent_critiques_give_the_newest_first(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_critiques(
        critique(f"{number}", created_at=day(number)) for number in (2, 3, 1)
    )
    assert critics(await critiques.get_recent_critiques()) == ["3", "2", "1"]
    assert critics(await critiques.get_recent(2)) == ["3", "2"]
    assert await critiques.get_recent_critiques(0) == []


async def test_critiques_of_one_timestamp_come_by_number(critiques: CritiqueStore) -> None:
    await critiques.store_debate(
        "d", "Task", critiques=[critique(f"{n:02}") for n in range(20)], created_at=day(1)
    )
    oldest_first = [f"{number:02}" for number in range(20)]
    assert critics(await critiques.get_critiques_for_debate("d")) == oldest_first
    assert critics(await critiques.get_recent(20)) == oldest_first[::-1]


async def test_get_critiques_batch_gives_them_by_debate_oldest_first(
    critiques: CritiqueStore,
) -> None:
    await critiques.store_debates({"debate_id": name, "task": "Task"} for name in ("a", "b"))
    await critiques.store_critiques(
        critique(agent, debate_id=debate_id, created_at=day(number))
        for number, (debate_id, agent) in enumerate([("b", "1"), ("a", "2"), ("b", "3")])
    )
    found = await critiques.get_critiques_batch(["b", "unknown", "a", "b"])
    assert {name: critics(listed) for name, listed in found.items()} == {
        "b": ["1", "3"],
        "unknown": [],
        "a": ["2"],
    }
    assert await critiques.get_critiques_batch([]) == {}


# Statistics


async def test_an_empty_store_has_empty_statistics(critiques: CritiqueStore) -> None:
    assert (await critiques.get_stats()).to_dict() == {
        "total_debates": 0,
        "consensus_debates": 0,
        "total_critiques": 0,
        "total_patterns": 0,
        "avg_consensus_confidence": 0.0,
        "patterns_by_type": {},
    }


async def test_get_stats_counts_everything(critiques: CritiqueStore) -> None:
    await critiques.store_debates(
        {
            "debate_id": f"d{number}",
            "task": "Task",
            "consensus_reached": reached,
            "confidence": confidence,
            "critiques": [critique()],
        }
        for number, (reached, confidence) in enumerate(
            [(True, 0.5), (True, 1.0), (False, 0.1), (True, None)]
        )
    )
    await critiques.store_pattern(["Slow start", "Slow end", "Typo", "Bug"])
    stats = await critiques.get_stats()
    assert stats.to_dict() == {
        "total_debates": 4,
        "consensus_debates": 3,
        "total_critiques": 4,
        "total_patterns": 4,
        "avg_consensus_confidence": 0.75,
        "patterns_by_type": {"performance": 2, "correctness": 1, "general": 1},
    }
    assert list(stats.patterns_by_type) == ["performance", "correctness", "general"]
    assert await critiques.count_debates() == 4
    assert await critiques.count_critiques() == 4
    assert await critiques.count_patterns() == 4


async def test_statistics_do_not_need_the_right_to_create_tables(critiques: CritiqueStore) -> None:
    versions = "SELECT max(updated_at) FROM _schema_versions"
    before = await fetch_value(critiques.database, versions)
    await critiques.get_stats()
    await critiques.initialize()
    assert await fetch_value(critiques.database, versions) == before
