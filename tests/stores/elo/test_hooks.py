"""What an application hangs onto the ranking."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.elo import EloSystem, RatedMatch

WON = {"a": 1.0, "b": 0.0}


class Knowledge:
    """A knowledge store that keeps what it gets."""

    def __init__(self) -> None:
        self.stored: list[RatedMatch] = []

    async def store_match(self, match: RatedMatch) -> None:
        self.stored.append(match)

    async def agent_skill_history(
        self, agent_name: str, domain: str | None, limit: int
    ) -> list[dict[str, Any]]:
        return [{"agent": agent_name, "domain": domain, "limit": limit}]

    async def domain_expertise(self, domain: str, limit: int) -> list[dict[str, Any]]:
        return [{"domain": domain, "limit": limit}]


async def test_event_emitter_gets_the_rating_after_each_match_once(database: Database) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    knowledge = Knowledge()
    elo = EloSystem(
        database, event_emitter=lambda *event: events.append(event), knowledge=knowledge
    )
    await elo.initialize()
    await elo.record_match("m1", ["a", "b"], WON, "law")
    assert events == [
        (
            "agent_elo_updated",
            {"agent": name, "elo": elo_after, "elo_change": change, "debate_id": "m1"}
            | {"domain": "law"},
        )
        for name, elo_after, change in (("a", 1516.0, 16.0), ("b", 1484.0, -16.0))
    ]
    (match,) = knowledge.stored
    assert (match.winner, match.scores, match.ratings) == ("a", WON, {"a": 1516.0, "b": 1484.0})
    await elo.record_match("m1", ["a", "b"], WON, "law")
    assert len(events) == 2
    # of each that is new, also where many tasks record the same
    await asyncio.gather(*(elo.record_match(f"n{n // 4}", ["a", "b"], WON) for n in range(12)))
    await elo.record_matches(
        [
            {"debate_id": name, "participants": ["a", "b"], "scores": WON}
            for name in ("m1", "n1", "o1", "o1", "o2")
        ]
    )
    assert sorted(match.debate_id for match in knowledge.stored) == [
        "m1",
        *("n0", "n1", "n2"),
        *("o1", "o2"),
    ]
    assert len(events) == 12
    assert events[-2][1]["elo"] == (await elo.get_rating("a")).elo


async def test_what_a_hook_raises_takes_no_match_back(elo: EloSystem) -> None:
    def refuse(name: str, data: dict[str, Any]) -> None:
        raise ConnectionError(name)

    other = EloSystem(elo.database, event_emitter=refuse)
    with pytest.raises(ConnectionError, match="agent_elo_updated"):
        await other.record_match("m", ["a", "b"], WON)
    assert await elo.count_matches() == 1


async def test_set_km_adapter_and_query_km_agent_skill_history_and_query_km_domain_expertise(
    elo: EloSystem,
) -> None:
    assert await elo.query_km_agent_skill_history("a") == []
    assert await elo.query_km_domain_expertise("law") == []
    elo.set_km_adapter(Knowledge())
    assert await elo.query_km_agent_skill_history("a", "law", 3) == [
        {"agent": "a", "domain": "law", "limit": 3}
    ]
    assert await elo.query_km_domain_expertise("law") == [{"domain": "law", "limit": 10}]
    assert await elo.query_km_domain_expertise("law", 0) == []
