"""Orders with ties have an end, and scores are what the records say, on both engines."""

from __future__ import annotations

from aragora_sql.stores.critique.records import AgentReputation
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import day, run


def agents() -> list[AgentReputation]:
    """Every pair of small counters: many have equal scores by different ways."""
    counters = [
        (made, accepted, given, valuable)
        for made in range(8)
        for accepted in range(made + 1)
        for given in range(7)
        for valuable in range(given + 1)
    ]
    return [
        AgentReputation(
            # In another order than the counters.
            agent_name=f"agent-{(number * 7919) % len(counters):05}",
            proposals_made=made,
            proposals_accepted=accepted,
            critiques_given=given,
            critiques_valuable=valuable,
            total_predictions=0,
            total_prediction_error=0.0,
            calibration_score=0.5,
            updated_at=day(0),
        )
        for number, (made, accepted, given, valuable) in enumerate(counters)
    ]


async def test_get_all_reputations_is_in_the_order_of_the_records_scores(
    critiques: CritiqueStore,
) -> None:
    everyone = agents()
    values = ", ".join(
        f"('{one.agent_name}', {one.proposals_made}, {one.proposals_accepted}, "
        f"{one.critiques_given}, {one.critiques_valuable})"
        for one in everyone
    )
    await run(
        critiques.database,
        "INSERT INTO agent_reputation (agent_name, proposals_made, proposals_accepted, "
        f"critiques_given, critiques_valuable) VALUES {values}",
    )
    expected = sorted(
        everyone, key=lambda one: (-one.score, -one.proposals_accepted, one.agent_name)
    )
    listed = await critiques.get_all_reputations(limit=5000)
    assert [one.agent_name for one in listed] == [one.agent_name for one in expected]
    assert [one.agent_name for one in await critiques.get_all_reputations(limit=100)] == [
        one.agent_name for one in expected[:100]
    ]


async def test_prune_stale_patterns_takes_equally_old_ones_by_their_ids(
    critiques: CritiqueStore,
) -> None:
    ids = [f"{(number * 37) % 101:03}-{'Aa'[number % 2]}" for number in range(50)]
    values = ", ".join(
        f"('{key}', 'general', 'text {key}', 0, 5, '2026-01-01T00:00:00.000000Z')" for key in ids
    )
    await run(
        critiques.database,
        "INSERT INTO patterns (id, issue_type, issue_text, success_count, failure_count, "
        f"updated_at) VALUES {values}",
    )
    async with critiques.database.transaction() as connection:
        rows = critiques._queries.lock_stale_patterns(
            connection, cutoff=day(1), min_success_rate=0.3, row_limit=7
        )
        assert [row["id"] async for row in rows] == sorted(ids)[:7]
