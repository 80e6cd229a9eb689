"""Replays: what differs is found and repaired."""

from __future__ import annotations

import pytest

from aragora_sql.stores.elo import EloSystem, store
from tests.stores.samples import fetch, run


async def season(elo: EloSystem) -> None:
    """Store matches and other events of four agents."""
    pairs = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "c"), ("b", "d")]
    for n, (winner, loser) in enumerate(pairs * 3):
        await elo.record_match(
            f"m{n}", [winner, loser], {winner: n % 4, loser: 1.5}, "law" if n % 2 else None
        )
        if n % 5 == 0:
            await elo.update_from_verification(winner, "law", 1, 3)
            await elo.record_redteam_result(loser, 0.3, 1, 4)
            await elo.update_voting_accuracy(winner, True, "law")


async def stored(elo: EloSystem) -> list[object]:
    return [
        await fetch(elo.database, statement)
        for statement in (
            "SELECT agent_name, elo, wins, losses, draws, debates_count FROM elo_ratings "
            "ORDER BY 1",
            "SELECT agent_name, domain, elo, debates_count FROM elo_domain_ratings ORDER BY 1, 2",
            "SELECT number, elo, change FROM elo_history ORDER BY 1",
            "SELECT debate_id, elo_changes FROM elo_matches ORDER BY 1",
        )
    ]


@pytest.mark.parametrize("page", [3, 1000])
async def test_recompute_ratings_finds_nothing_where_nothing_was_touched(
    elo: EloSystem, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(store, "PAGE", page)
    await season(elo)
    before = await stored(elo)
    found = await elo.recompute_ratings()
    assert (found.matches, found.agents, found.differences) == (18, 4, [])
    assert found.events == 18 * 2 + 4 * 3
    for debate in ("m0", "m7", "m17"):
        assert (await elo.recompute_ratings(debate)).differences == []
    assert (await elo.recompute_ratings(repair=True)).is_repaired
    assert await stored(elo) == before


@pytest.mark.parametrize("page", [3, 1000])
async def test_recompute_ratings_names_and_repairs_what_was_changed_by_hand(
    elo: EloSystem, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(store, "PAGE", page)
    await season(elo)
    before = await stored(elo)
    await run(elo.database, "UPDATE elo_ratings SET elo = 1400.0, wins = 9 WHERE agent_name = 'b'")
    await run(elo.database, "UPDATE elo_domain_ratings SET elo = 7.0 WHERE agent_name = 'c'")
    await run(elo.database, "UPDATE elo_history SET elo = 1.0 WHERE reference = 'm3'")
    found = await elo.recompute_ratings()
    assert {(one.agent_name, one.field, one.domain, one.stored) for one in found.differences} == {
        ("b", "elo", None, 1400.0),
        ("b", "wins", None, 9),
        ("c", "elo", "law", 7.0),
    }
    assert not found.is_repaired
    assert await elo.recompute_ratings() == found
    assert (await elo.recompute_ratings(repair=True)).differences == found.differences
    assert await stored(elo) == before


async def test_recompute_ratings_computes_changed_scores_again(elo: EloSystem) -> None:
    await season(elo)
    await elo.record_match("last", ["a", "b"], {"a": 1, "b": 0})
    whole = (await elo.get_rating("a")).elo
    scores = '\'{"a": 1.0, "b": 1.0}\''
    await run(elo.database, f"UPDATE elo_matches SET scores = {scores} WHERE debate_id = 'last'")
    found = await elo.recompute_ratings("last", repair=True)
    changed = [(one.agent_name, one.field, one.debate_id) for one in found.differences]
    assert changed == [
        ("a", "elo_changes", "last"),
        ("b", "elo_changes", "last"),
        ("a", "elo", None),
        ("b", "elo", None),
    ]
    match = await elo.get_match("last")
    assert match is not None
    explained = await elo.explain_rating("a")
    assert explained.events[-1].change == match.elo_changes["a"] != 0
    assert explained.events[-1].elo == explained.elo < whole
    assert (await elo.recompute_ratings()).differences == []


async def test_recompute_ratings_takes_changes_of_older_matches_as_they_are(
    elo: EloSystem,
) -> None:
    """The older system kept no K factor, and what made its domain ratings is not known."""
    for statement in (
        "INSERT INTO elo_ratings (agent_name, elo, wins, debates_count) VALUES ('a', 1520.5, 1, 1)",
        "INSERT INTO elo_ratings (agent_name, elo, losses, debates_count) "
        "VALUES ('b', 1490.0, 1, 1)",
        "INSERT INTO elo_domain_ratings (agent_name, domain, elo) VALUES ('a', 'law', 1700.0)",
        "INSERT INTO elo_matches (debate_id, winner, participants, scores, elo_changes) VALUES "
        """('old', 'a', '["a", "b"]', '{"a": 3, "b": 1}', '{"a": 20.5, "b": -10}')""",
        "INSERT INTO elo_history (agent_name, kind, reference, elo, change) VALUES "
        "('a', 'match', 'old', 1520.5, 20.5), ('b', 'match', 'old', 1490.0, -10.0)",
    ):
        await run(elo.database, statement)
    found = await elo.recompute_ratings()
    assert (found.matches, found.differences) == (1, [])
    await elo.record_match("new", ["a", "b"], {"a": 1, "b": 0}, "law")
    old = await elo.get_match("old")
    assert old is not None
    assert old.scores == {"a": 3.0, "b": 1.0}
    assert (await elo.get_domain_ratings("a"))["law"] > 1700
    assert (await elo.recompute_ratings()).differences == []
