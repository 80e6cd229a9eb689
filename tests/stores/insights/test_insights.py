"""The store of insights on each engine."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from aragora_sql.stores.insights import InsightStore
from tests.conftest import OpenDatabase
from tests.stores.insights.cases import learned
from tests.stores.locking import is_locked, started
from tests.stores.samples import day, fetch, fetch_value, run


def insight(key: str, /, **changes: Any) -> dict[str, Any]:
    return {"id": key, "type": "decision", "title": f"Title of {key}", **changes}


def pattern(key: str, severity: float, title: str = "No limits") -> dict[str, Any]:
    metadata = {"category": "security", "avg_severity": severity}
    return insight(key, type="pattern", title=title, metadata=metadata)


async def test_store_debate_insights_then_get_insight(insights: InsightStore) -> None:
    entry = insight(
        "i",
        description="Bursts",
        confidence=0,
        agents_involved=["claude"],
        evidence=["a run"],
        metadata={"n": 0.1},
        created_at=day(1),
    )
    source = SimpleNamespace(
        **learned(
            "d",
            consensus_reached=True,
            duration_seconds=1.5,
            key_takeaway="Limit bursts",
            insights=[SimpleNamespace(**entry), insight("j")],
            agent_performances=[{"agent_name": "claude", "proposals_made": 2}],
        )
    )
    assert await insights.store_debate_insights(source) == 2
    found = await insights.get_insight("i")
    assert found is not None
    # A confidence of 0 stays one.
    assert found.to_dict() == {
        **entry,
        "debate_id": "d",
        "confidence": 0.0,
        "created_at": day(1).isoformat(),
    }
    other = await insights.get_insight("j")
    assert other is not None
    assert (other.confidence, other.agents_involved, other.metadata) == (0.5, [], {})
    (summary,) = await fetch(insights.database, "SELECT * FROM debate_summaries")
    assert (summary["key_takeaway"], summary["total_insights"]) == ("Limit bursts", 2)
    assert await insights.get_insight("x") is None


async def test_store_debate_insights_again_keeps_when_they_were_learned(
    insights: InsightStore,
) -> None:
    given = insight("i", created_at=day(1))
    await insights.store_debate_insights(learned("d", insights=[given, insight("j")]))
    before = [await insights.get_insight(key) for key in "ij"]
    changed = [insight(key, title="New") for key in "ij"]
    await insights.store_debate_insights(learned("d", insights=changed))
    after = [await insights.get_insight(key) for key in "ij"]
    for was, now in zip(before, after, strict=True):
        assert was is not None
        assert now is not None
        assert (now.title, now.created_at) == ("New", was.created_at)
    # One that is given counts.
    await insights.store_debate_insights(
        learned("d", insights=[insight("i", created_at=day(2)), insight("j", created_at=day(3))])
    )
    assert [one.created_at for one in await insights.get_recent_insights()] == [day(3), day(2)]


async def test_search_of_an_agent_finds_no_value_that_is_no_text(insights: InsightStore) -> None:
    await insights.store_debate_insights(learned("d", insights=[insight("i"), insight("j")]))
    for key, agents in (("i", '[["claude"], {"a": 1}, null, 5]'), ("j", '["claude", null]')):
        await run(
            insights.database,
            f"UPDATE insights SET agents_involved = '{agents}' WHERE id = '{key}'",
        )
    assert [one.id for one in await insights.search(agent="claude")] == ["j"]
    for agent in ('["claude"]', '{"a":1}', "5", "null"):
        for chosen in ({}, {"query": "title"}, {"insight_type": "decision"}):
            searched: Any = chosen
            assert await insights.search(agent=agent, **searched) == []


async def test_store_debate_insights_again_counts_nothing_twice(insights: InsightStore) -> None:
    of_d = learned(
        "d",
        insights=[pattern("p1", 0.2), pattern("p2", 0.6), pattern("p3", 1.0, "Other")],
        agent_performances=[{"agent_name": "claude", "proposals_made": 2}],
    )
    for _ in range(2):
        assert await insights.store_debate_insights(of_d) == 3
    of_d["agent_performances"][0]["proposals_made"] = 5
    await insights.store_debate_insights(of_d)
    # Both patterns of one title count, at once or one by one.
    assert [(p.pattern, p.occurrences) for p in await insights.get_common_patterns(1)] == [
        ("No limits", 2),
        ("Other", 1),
    ]
    stats = await insights.get_agent_stats("claude")
    assert (stats.debate_count, stats.total_proposals) == (1, 5)
    assert await fetch_value(insights.database, "SELECT count(*) FROM insights") == 3
    # What the debate has no longer goes, also from the search; what was counted stays.
    await insights.store_debate_insights(
        learned("e", insights=[insight("of-e")], agent_performances=[{"agent_name": "claude"}])
    )
    await insights.record_insight_usage("p1", "e")
    await insights.store_debate_insights(
        learned("d", insights=[insight("p2")], agent_performances=[{"agent_name": "gpt"}])
    )
    assert {one.id for one in await insights.search()} == {"p2", "of-e"}
    assert await insights.search("other") == []
    assert [(one.agent, one.debate_count) for one in await insights.get_all_agent_rankings()] == [
        ("claude", 1),
        ("gpt", 1),
    ]
    assert [p.occurrences for p in await insights.get_common_patterns(1)] == [2, 1]
    assert (await insights.get_insight_usage_stats("p1"))["total_uses"] == 1
    await insights.store_debate_insights(learned("d"))
    assert [one.id for one in await insights.search()] == ["of-e"]
    assert (await insights.get_stats())["unique_agents"] == 1


async def test_store_debate_insights_again_keeps_how_sure_and_how_old_they_are(
    insights: InsightStore,
) -> None:
    said = {"id": "i", "type": "decision", "title": "Use a queue"}
    await insights.store_debate_insights(
        learned("d", insights=[{**said, "confidence": 0.75, "created_at": day(1)}])
    )
    adjusted = await insights.record_insight_usage("i", "other", True)
    await insights.store_debate_insights(learned("d", insights=[{**said, "title": "A queue"}]))
    again = await insights.get_insight("i")
    assert again is not None
    assert (again.title, again.confidence, again.created_at) == ("A queue", adjusted, day(1))
    given = {**said, "confidence": 0.0, "created_at": day(2)}
    await insights.store_debate_insights(learned("d", insights=[given]))
    replaced = await insights.get_insight("i")
    assert replaced is not None
    assert (replaced.confidence, replaced.created_at) == (0.0, day(2))
    await insights.store_debate_insights(learned("e", insights=[{**said, "id": "new"}]))
    new = await insights.get_insight("new")
    assert new is not None
    assert new.confidence == 0.5


async def test_get_common_patterns_weighs_severity(insights: InsightStore) -> None:
    await insights.store_debate_insights(learned("d1", insights=[pattern("a", 0.2)]))
    await insights.store_debate_insights(learned("d2", insights=[pattern("b", 0.8)]))
    await insights.store_debate_insights(
        learned("d3", insights=[pattern("c", 0.5), insight("e", type="pattern", title="General")])
    )
    (found,) = await insights.get_common_patterns()
    assert (found.category, found.pattern, found.occurrences) == ("security", "No limits", 3)
    assert found.avg_severity == pytest.approx((0.2 + 0.8 + 0.5) / 3)
    (general,) = await insights.get_common_patterns(1, "general")
    assert (general.pattern, general.avg_severity) == ("General", 0.5)
    assert await insights.get_common_patterns(4) == []


async def test_store_debate_insights_at_once_loses_no_count(insights: InsightStore) -> None:
    await asyncio.gather(
        *(
            insights.store_debate_insights(
                learned(f"d{n}", insights=[pattern(f"a{n}", 1.0), pattern(f"b{n}", 0.0, "Other")])
            )
            for n in range(8)
        )
    )
    assert [p.occurrences for p in await insights.get_common_patterns()] == [8, 8]


async def test_search_and_get_recent_insights_and_get_relevant_insights(
    insights: InsightStore,
) -> None:
    for number, (title, kind, confidence) in enumerate(
        (
            ("Token bucket for Zoë", "decision", 0.9),
            ("Leaky bucket", "dissent", 0.7),
            ("Caching", "decision", 0.95),
            ("Queues", "dissent", 0.2),
        )
    ):
        await insights.store_debate_insights(
            learned(
                f"d{number}",
                insights=[
                    insight(
                        f"i{number}",
                        title=title,
                        type=kind,
                        confidence=confidence,
                        agents_involved=["claude"] if number % 2 else ["gpt4"],
                        metadata={"field": "gateway"} if number == 2 else {},
                        created_at=day(number),
                    )
                ],
            )
        )

    async def ids(*arguments: Any, **named: Any) -> list[str]:
        return [one.id for one in await insights.search(*arguments, **named)]

    assert await ids() == ["i3", "i2", "i1", "i0"]
    assert await ids("BUCKET") == ["i1", "i0"]
    assert await ids("zoe bucket") == ["i0"]
    assert await ids("gateway") == ["i2"]
    assert await ids("", "dissent") == ["i3", "i1"]
    assert await ids("bucket", "dissent", "claude") == ["i1"]
    assert await ids(agent="gpt4") == ["i2", "i0"]
    assert await ids("", "decision", "claude") == []
    assert await ids("%") == []
    page = await insights.search(limit=2)
    assert await ids(limit=2, after=page[-1]) == ["i1", "i0"]
    assert [one.id for one in await insights.get_recent_insights(1)] == ["i3"]
    relevant = await insights.get_relevant_insights()
    assert [one.id for one in relevant] == ["i2", "i0", "i1"]
    assert [one.id for one in await insights.get_relevant_insights("bucket", 0.8)] == ["i0"]
    assert await insights.get_relevant_insights("!") == []


async def test_get_agent_stats_and_get_all_agent_rankings_and_get_stats(
    insights: InsightStore,
) -> None:
    empty = await insights.get_stats()
    assert (empty["total_debates"], empty["avg_insights_per_debate"]) == (0, 0.0)
    for number in range(3):
        await insights.store_debate_insights(
            learned(
                f"d{number}",
                consensus_reached=number > 0,
                insights=[
                    insight(f"i{number}"),
                    *([insight(f"j{number}", type="dissent")] if number else []),
                ],
                agent_performances=[
                    {
                        "agent_name": "claude",
                        "proposals_made": number,
                        "proposal_accepted": number == 2,
                        "critiques_given": 2,
                        "avg_critique_severity": number / 2,
                        "contribution_score": 0.5,
                    },
                    {"agent_name": f"agent {number}", "contribution_score": 1.0},
                ],
            )
        )
    stats = await insights.get_agent_stats("claude")
    assert (stats.debate_count, stats.total_proposals, stats.proposals_accepted) == (3, 3, 1)
    assert stats.acceptance_rate == pytest.approx(1 / 3)
    assert (stats.total_critiques, stats.avg_contribution) == (6, 0.5)
    assert stats.avg_severity_received == pytest.approx(0.5)
    nobody = await insights.get_agent_stats("nobody")
    assert (nobody.debate_count, nobody.acceptance_rate) == (0, 0.0)
    ranks = await insights.get_all_agent_rankings()
    assert [one.agent for one in ranks] == ["agent 0", "agent 1", "agent 2", "claude"]
    assert ranks[-1] == stats
    assert await insights.get_stats() == {
        "total_insights": 5,
        "total_debates": 3,
        "consensus_debates": 2,
        "unique_agents": 4,
        "avg_insights_per_debate": pytest.approx(5 / 3),
        "insights_by_type": {"decision": 3, "dissent": 2},
    }


async def test_add_wisdom_submission_then_get_relevant_wisdom_and_take_wisdom_and_mark_wisdom_used(
    insights: InsightStore,
) -> None:
    keys = [
        await insights.add_wisdom_submission(
            "l", {"text": f"Mind {n}", "submitter_id": "ann", "context_tags": ["a"]}
        )
        for n in range(9)
    ]
    await insights.add_wisdom_submission("other", {"text": "Elsewhere"})
    waiting = await insights.get_relevant_wisdom("l")
    assert [one.id for one in waiting] == keys[:-4:-1]
    assert (waiting[0].text, waiting[0].submitter_id, waiting[0].context_tags) == (
        "Mind 8",
        "ann",
        ["a"],
    )
    assert await insights.mark_wisdom_used(keys[-1])
    assert not await insights.mark_wisdom_used(10**9)
    taken = await asyncio.gather(*(insights.take_wisdom("l", 2) for _ in range(6)))
    found = [one.id for several in taken for one in several]
    assert sorted(found) == keys[:-1]
    assert all(one.used for several in taken for one in several)
    assert await insights.take_wisdom("l") == []
    (elsewhere,) = await insights.get_relevant_wisdom("other")
    assert (elsewhere.submitter_id, elsewhere.used) == ("anonymous", False)


async def test_record_insight_usage_and_get_insight_usage_stats(insights: InsightStore) -> None:
    unused = await insights.get_insight_usage_stats("i")
    assert unused == {
        "insight_id": "i",
        "total_uses": 0,
        "successful_uses": 0,
        "success_rate": 0.0,
    }
    await insights.store_debate_insights(learned("d", insights=[insight("i", confidence=0.9)]))
    assert await insights.record_insight_usage("i", "e1") == pytest.approx(0.95)
    for debate_id in ("e2", "e3"):
        assert await insights.record_insight_usage("i", debate_id) == 0.99
    assert await insights.record_insight_usage("i", "e3", False) == pytest.approx(0.96)
    stats = await insights.get_insight_usage_stats("i")
    assert (stats["total_uses"], stats["successful_uses"]) == (3, 2)
    assert stats["success_rate"] == pytest.approx(2 / 3)
    for _ in range(40):
        last = await insights.record_insight_usage("i", "e4", False)
    assert last == 0.1
    assert await insights.record_insight_usage("unknown", "e1") is None


async def test_store_debate_insights_takes_those_that_go_and_those_that_come_in_one_order(
    insights: InsightStore, open_database: OpenDatabase
) -> None:
    await insights.store_debate_insights(learned("d", insights=[insight("z")]))
    await insights.store_debate_insights(learned("e", insights=[insight("a")]))
    other = await open_database()
    async with other.transaction():
        await run(other, "UPDATE insights SET title = 'held' WHERE id = 'a'")
        storing = await started(
            insights.database,
            insights.store_debate_insights(learned("d", insights=[insight("a")])),
        )
        if insights.database.dialect == "postgres":
            assert not storing.done()
            assert not await is_locked(insights.database, "insights", "id", "z")
    assert await storing == 1
    found = await insights.get_insight("a")
    assert found is not None
    assert found.debate_id == "d"
    assert await insights.get_insight("z") is None


async def test_debates_that_take_insights_from_each_other_do_not_deadlock(
    insights: InsightStore, open_database: OpenDatabase
) -> None:
    stores = [insights, InsightStore(await open_database())]
    names = [f"i{number:02}" for number in range(20)]
    for round_number in range(10):
        first, second = names[:10], names[10:]
        if round_number % 2:
            first, second = second[::-1], first[::-1]
        await asyncio.gather(
            stores[0].store_debate_insights(learned("d", insights=[*map(insight, first)])),
            stores[1].store_debate_insights(learned("e", insights=[*map(insight, second)])),
        )
    assert {one["id"] for one in await fetch(insights.database, "SELECT id FROM insights")} <= {
        *names
    }
