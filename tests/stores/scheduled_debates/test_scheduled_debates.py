"""Topics that were debated by a schedule, on each engine."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from aragora_sql.errors import AlreadyTakenError
from aragora_sql.stores.jobs import JobQueueStore
from aragora_sql.stores.scheduled_debates import ScheduledDebateStore
from tests.conftest import OpenDatabase
from tests.stores.samples import day, days_ago, run
from tests.stores.scheduled_debates.cases import a_debate


async def test_record_scheduled_debate_and_hash_topic(debates: ScheduledDebateStore) -> None:
    digest = hashlib.sha256("grüße an die welt".encode()).hexdigest()[:16]
    assert debates.hash_topic("  GRÜßE an\n die  Welt ") == digest
    given = {
        "id": "s",
        "topic_text": "Grüße an die Welt",
        "platform": "reddit",
        "category": "tech",
        "volume": 2**40,
        "debate_id": "d",
        "created_at": 1770914577.123456,
        "consensus_reached": True,
        "confidence": 0.1 + 0.2,
        "rounds_used": 3,
        "scheduler_run_id": "r",
    }
    assert await debates.record_scheduled_debate(given) == "s"
    (stored,) = await debates.get_history()
    at = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert {name: stored[name] for name in given} == {**given, "created_at": at}
    assert stored.topic_hash == digest
    assert stored.finalized_at is not None
    # What was read can be recorded; without a debate the attempt failed.
    assert await debates.record_scheduled_debate(stored) == "s"
    assert await debates.get_history() == [stored]
    assert len(await debates.record_scheduled_debate(a_debate())) == 36
    assert await debates.count_total() == 2


async def test_is_duplicate(debates: ScheduledDebateStore) -> None:
    await debates.record_scheduled_debate(a_debate("Old", debate_id="a", created_at=days_ago(1.5)))
    await debates.record_scheduled_debate(a_debate("New", debate_id="b"))
    await debates.record_scheduled_debate(a_debate("Failed"))
    assert await debates.is_duplicate(" nEW")
    assert not await debates.is_duplicate("Old")
    assert await debates.is_duplicate("Old", hours=48)
    assert not await debates.is_duplicate("Failed")
    recent = await debates.get_recent_topics()
    assert [one.topic_text for one in recent] == ["Failed", "New"]
    assert len(await debates.get_recent_topics(48)) == 3
    assert await debates.get_recent_topics(after=recent[0]) == recent[1:]


async def test_get_recent_topics_and_claim_topic_once_among_many(
    debates: ScheduledDebateStore, open_database: OpenDatabase
) -> None:
    stores = [debates, ScheduledDebateStore(await open_database())]
    claimed = await asyncio.gather(
        *(
            stores[number % 2].claim_topic(a_debate(f"Topic {number % 3}", debate_id=f"d{number}"))
            for number in range(12)
        )
    )
    assert sum(one is not None for one in claimed) == 3
    assert len(await debates.get_recent_topics()) == 3
    mine = next(one for one in claimed if one is not None)
    (stored,) = [one for one in await debates.get_history() if one.id == mine]
    # The debate failed to begin: another may have the topic.
    given_back: dict[str, Any] = {**dict(stored), "debate_id": None}
    await debates.record_scheduled_debate(given_back)
    again = a_debate(stored.topic_text, debate_id="again")
    assert await debates.claim_topic(again) is not None
    assert await debates.claim_topic(again) is None
    assert await debates.claim_topic(again, hours=0) is not None


async def test_a_schedule_of_the_job_queue_runs_it_once(
    debates: ScheduledDebateStore, open_database: OpenDatabase
) -> None:
    queues = [JobQueueStore(debates.database), JobQueueStore(await open_database())]
    await queues[0].set_schedule("pulse", "*/15 * * * *", "debate_topics", {"hours": 24})
    past = "'2026-01-01T00:00:00.000000Z'"
    await run(debates.database, f"UPDATE job_schedules SET next_run_at = {past}")
    runs = await asyncio.gather(*(queue.run_due() for queue in (*queues, *queues)))
    assert sum(map(len, runs)) == 1


async def test_get_history_count_total_and_cleanup_old(debates: ScheduledDebateStore) -> None:
    for number in range(6):
        await debates.record_scheduled_debate(
            a_debate(
                id=f"s{number}",
                platform="reddit" if number % 2 else "news",
                category="tech" if number < 3 else None,
                created_at=day(number),
            )
        )

    async def listed(**chosen: Any) -> list[str]:
        return [one.id for one in await debates.get_history(**chosen)]

    assert await listed() == ["s5", "s4", "s3", "s2", "s1", "s0"]
    assert await listed(platform="reddit", limit=2) == ["s5", "s3"]
    assert await listed(category="tech") == ["s2", "s1", "s0"]
    assert await listed(platform="news", category="tech") == ["s2", "s0"]
    choices: list[dict[str, Any]] = [{}, {"platform": "news"}, {"category": "tech"}]
    for chosen in choices:
        every = await debates.get_history(**chosen)
        assert await debates.get_history(after=every[0], **chosen) == every[1:]
    age = (datetime.now(UTC) - day(3)).total_seconds() / 86_400
    assert await debates.cleanup_old(age - 0.5) == 4
    assert await debates.count_total() == 2
    assert await debates.cleanup_old(100_000) == 0


async def test_get_pending_outcomes_finalize_debate_outcome_and_get_analytics(
    debates: ScheduledDebateStore,
) -> None:
    assert await debates.get_analytics() == {
        "total": 0,
        "completed_debates": 0,
        "consensus_rate": None,
        "avg_confidence": None,
        "avg_rounds": None,
        "by_platform": {},
        "by_category": {},
        "daily_counts": {},
    }
    now = datetime.now(UTC)
    for number in range(5):
        await debates.record_scheduled_debate(
            a_debate(
                f"Topic {number}",
                debate_id=f"d{number}" if number else None,
                category="tech" if number > 2 else None,
                created_at=now if number else days_ago(9),
            )
        )
    pending = await debates.get_pending_outcomes()
    assert {one.debate_id for one in pending} == {"d1", "d2", "d3", "d4"}
    assert await debates.get_pending_outcomes(after=pending[0]) == pending[1:]
    assert await debates.finalize_debate_outcome("d3", True, 0.75, 2)
    assert await debates.finalize_debate_outcome("d4", False, 0.25, 5)
    assert not await debates.finalize_debate_outcome("d4", True, 1.0, 1)
    assert not await debates.finalize_debate_outcome("x", True, 1.0, 1)
    assert len(await debates.get_pending_outcomes()) == 2
    assert await debates.get_analytics() == {
        "total": 5,
        "completed_debates": 2,
        "consensus_rate": 0.5,
        "avg_confidence": 0.5,
        "avg_rounds": 3.5,
        "by_platform": {"reddit": {"total": 5, "consensus_count": 1}},
        "by_category": {"tech": {"total": 2, "consensus_count": 1}},
        "daily_counts": {now.date().isoformat(): 4},
    }


async def test_claim_topic_has_one_winner_whatever_created_at_says(
    debates: ScheduledDebateStore, open_database: OpenDatabase
) -> None:
    stores = [debates, ScheduledDebateStore(await open_database())]
    times = [day(1), days_ago(400), datetime(2999, 1, 1, tzinfo=UTC), 0.0]
    claimed = await asyncio.gather(
        *(
            stores[number % 2].claim_topic(
                a_debate(
                    f"Topic {number % 3}", debate_id=f"d{number}", created_at=times[number % 4]
                )
            )
            for number in range(12)
        )
    )
    assert sum(one is not None for one in claimed) == 3
    assert await debates.is_duplicate("Topic 0")
    # Claimed at the time of the database: neither long ago nor in the year 2999.
    recent = await debates.get_recent_topics()
    assert len(recent) == 3
    assert all(abs((one.created_at - datetime.now(UTC)).days) <= 1 for one in recent)


async def test_claim_topic_with_the_id_of_a_topic_that_was_given_back(
    debates: ScheduledDebateStore, open_database: OpenDatabase
) -> None:
    mine = a_debate("Queues", id="s", category="tech", debate_id="d1")
    assert await debates.claim_topic(mine) == "s"
    assert await debates.finalize_debate_outcome("d1", True, 0.5, 3)
    await debates.record_scheduled_debate(a_debate("Queues", id="s"))
    (given_back,) = await debates.get_history()
    assert (given_back.debate_id, given_back.category) == (None, "tech")
    # What was the outcome of the debate is none of the attempt that failed.
    assert (given_back.consensus_reached, given_back.confidence) == (None, None)
    assert (given_back.rounds_used, given_back.finalized_at) == (0, None)
    # One of many has it again.
    stores = [debates, ScheduledDebateStore(await open_database())]
    claimed = await asyncio.gather(
        *(
            stores[number % 2].claim_topic({**mine, "debate_id": f"e{number}"})
            for number in range(8)
        )
    )
    assert [one for one in claimed if one is not None] == ["s"]
    (stored,) = await debates.get_history()
    assert stored.debate_id == f"e{claimed.index('s')}"
    assert stored.created_at >= given_back.created_at
    # Whoever claims it once more with its id gets nothing, as with any other.
    assert await debates.claim_topic(mine) is None


async def test_claim_topic_refuses_the_id_of_something_else(debates: ScheduledDebateStore) -> None:
    await debates.record_scheduled_debate(a_debate("Failed", id="failed"))
    await debates.record_scheduled_debate(
        a_debate("Old", id="old", debate_id="d", created_at=days_ago(9))
    )
    before = await debates.get_history()
    for topic, key in (("Other", "failed"), ("Other", "old"), ("Old", "old")):
        with pytest.raises(AlreadyTakenError, match=r"record\.id") as caught:
            await debates.claim_topic(a_debate(topic, id=key, debate_id="e"))
        assert repr(key) in str(caught.value)
    assert await debates.get_history() == before


async def test_record_scheduled_debate_again_keeps_what_is_not_given(
    debates: ScheduledDebateStore,
) -> None:
    key = await debates.record_scheduled_debate(
        a_debate(
            id="s",
            category="tech",
            volume=7,
            debate_id="d",
            scheduler_run_id="r",
            created_at=day(1),
        )
    )
    (pending,) = await debates.get_history()
    assert await debates.finalize_debate_outcome("d", True, 0.75, 4)
    (finished,) = await debates.get_history()
    assert await debates.record_scheduled_debate(a_debate(id="s", debate_id="d")) == key
    assert await debates.get_history() == [finished]
    # As it was read before its outcome was known.
    await debates.record_scheduled_debate(pending)
    assert await debates.get_history() == [finished]
    await debates.record_scheduled_debate(
        a_debate(id="s", platform="news", debate_id="d", consensus_reached=False, volume=0)
    )
    (changed,) = await debates.get_history()
    assert dict(changed) == {
        **dict(finished),
        "platform": "news",
        "consensus_reached": False,
        "volume": 0,
    }
    # The outcome of one debate is not that of another.
    await debates.record_scheduled_debate(a_debate(id="s", debate_id="d2", created_at=day(5)))
    (other,) = await debates.get_pending_outcomes()
    assert (other.confidence, other.rounds_used, other.finalized_at) == (None, 0, None)
    assert other.created_at == day(1)


async def test_get_analytics_counts_no_attempt_that_failed_as_completed(
    debates: ScheduledDebateStore,
) -> None:
    outcome = {"consensus_reached": True, "confidence": 1.0, "rounds_used": 9, "category": "tech"}
    await debates.record_scheduled_debate(a_debate("Failed", **outcome))
    found = await debates.get_analytics()
    assert (found["total"], found["completed_debates"], found["consensus_rate"]) == (1, 0, None)
    assert (found["avg_confidence"], found["avg_rounds"]) == (None, None)
    of_one = {"total": 1, "consensus_count": 0}
    assert found["by_platform"] == {"reddit": of_one}
    assert found["by_category"] == {"tech": of_one}
    await debates.record_scheduled_debate(
        a_debate("Debated", debate_id="d", consensus_reached=False, confidence=0.5, rounds_used=1)
    )
    found = await debates.get_analytics()
    assert (found["completed_debates"], found["consensus_rate"]) == (1, 0.0)
    assert (found["avg_confidence"], found["avg_rounds"]) == (0.5, 1.0)
