"""Ratings, matches, boards and history, on each engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.elo import AgentRating, DomainRating, EloSystem
from tests.stores.samples import day, fetch, fetch_value, row_counts, run

WON = {"a": 1.0, "b": 0.0}


async def ratings_of(elo: EloSystem, *names: str) -> list[float]:
    found = await elo.get_ratings(names)
    return [found[name].elo for name in names]


# Ratings


async def test_register_agent_is_stored_and_initialize_agent_keeps_its_rating(
    elo: EloSystem,
) -> None:
    rating = await elo.register_agent("a", "gpt-4o")
    assert (rating.elo, rating.initial_elo, rating.model) == (1500.0, 1500.0, "gpt-4o")
    assert type(rating.elo) is float
    assert await elo.list_agents() == ["a"]
    await elo.record_match("m", ["a", "b"], WON)
    again = await elo.initialize_agent("a")
    assert (again.elo, again.wins, again.model) == (1516.0, 1, "gpt-4o")
    assert (await elo.register_agent("a", "gpt-5")).model == "gpt-5"


async def test_get_rating_of_an_unknown_agent_stores_nothing(elo: EloSystem) -> None:
    rating = await elo.get_rating("a")
    assert (rating.elo, rating.games_played, rating.last_match_at) == (1500.0, 0, None)
    assert (rating.win_rate, rating.calibration_accuracy, rating.calibration_score) == (0, 0, 0)
    assert (rating.calibration_brier_score, rating.critique_acceptance_rate) == (1.0, 0.0)
    assert rating.elo_standard_error is None
    assert rating.elo_interval() is None
    assert await row_counts(elo.database) == {}


async def test_get_ratings_batch_and_get_ratings_keep_the_time_and_the_order(
    elo: EloSystem,
) -> None:
    await elo.record_match("m", ["b", "a"], WON, created_at=day(3))
    found = await elo.get_ratings_batch(["z", "b", "a", "b"])
    assert list(found) == ["z", "b", "a"]
    assert found["a"].updated_at == found["a"].last_match_at == day(3)
    assert found == {**await elo.get_ratings(["b", "a"]), "z": found["z"]}


async def test_get_all_ratings_list_agents_and_count_ratings(elo: EloSystem) -> None:
    names = [f"agent {n:04}" for n in range(1003)]
    await run(
        elo.database,
        "INSERT INTO elo_ratings (agent_name, elo) VALUES "
        + ", ".join(f"('{name}', {1000 + n % 7})" for n, name in enumerate(names)),
    )
    found = await elo.get_all_ratings()
    assert [rating.agent_name for rating in found] == await elo.list_agents()
    assert found == sorted(found, key=lambda one: (-one.elo, one.agent_name))
    assert len(found) == await elo.count_ratings() == 1003


async def test_record_critique_counts(elo: EloSystem) -> None:
    await asyncio.gather(*(elo.record_critique("a", n % 4 == 0) for n in range(8)))
    rating = await elo.get_rating("a")
    assert (rating.critiques_accepted, rating.critiques_total) == (2, 8)
    assert rating.critique_acceptance_rate == 0.25
    assert rating.elo == 1500.0


# Matches


async def test_record_match_writes_all_of_it_and_get_domain_ratings_has_the_domain(
    elo: EloSystem,
) -> None:
    changes = await elo.record_match("m", ["b", "a"], {"a": 3, "b": 1}, "law", created_at=day(1))
    assert changes == {"b": -8.0, "a": 8.0}
    match = await elo.get_match("m")
    assert match is not None
    assert match.to_dict() == {
        "number": match.number,
        "debate_id": "m",
        "winner": "a",
        "participants": ["b", "a"],
        "scores": {"a": 3.0, "b": 1.0},
        "elo_changes": changes,
        "multipliers": None,
        "domain": "law",
        "confidence_weight": 1.0,
        "k_factor": 32.0,
        "created_at": day(1).isoformat(),
    }
    a, b = (await elo.get_ratings(["a", "b"])).values()
    assert (a.elo, a.wins, a.losses, a.draws, a.debates_count) == (1508.0, 1, 0, 0, 1)
    assert (b.elo, b.wins, b.losses, b.draws, b.debates_count) == (1492.0, 0, 1, 0, 1)
    assert (a.win_rate, a.total_debates, a.elo_rating) == (1.0, 1, 1508.0)
    assert await elo.get_domain_ratings("a") == {"law": 1508.0}
    pair = await elo.get_relationship_raw("b", "a")
    assert pair is not None
    assert (pair.debate_count, pair.a_wins_over_b, pair.b_wins_over_a) == (1, 1, 0)
    assert await row_counts(elo.database) == {
        "elo_ratings": 2,
        "elo_domain_ratings": 2,
        "elo_matches": 1,
        "elo_history": 2,
        "elo_relationships": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (("a", "b"), {}, {"a": 16.0, "b": -16.0}),
        (("a", "b"), {"draw": True}, {"a": 0.0, "b": 0.0}),
        ((), {"winner": "b", "loser": "a"}, {"b": 16.0, "a": -16.0}),
        ((), {"winner": "b", "loser": "a", "draw": True}, {"b": 0.0, "a": 0.0}),
        (("m", ["a", "b"]), {"winner": "b"}, {"a": -16.0, "b": 16.0}),
        (("m", ["a", "b"]), {"draw": True}, {"a": 0.0, "b": 0.0}),
        (("m", ["a", "b"], WON), {"winner": "a"}, {"a": 16.0, "b": -16.0}),
        (("m", ["a", "b"], WON), {"confidence_weight": 0}, {"a": 1.6, "b": -1.6}),
        (("m", ["a", "b"], WON), {"confidence_weight": 7}, {"a": 16.0, "b": -16.0}),
    ],
)
async def test_record_match_takes_every_form(
    elo: EloSystem, arguments: tuple[Any, ...], options: dict[str, Any], expected: dict[str, float]
) -> None:
    changes = await elo.record_match(*arguments, **options)
    assert changes == pytest.approx(expected)
    assert list(changes) == list(expected)
    (match,) = await elo.get_recent_matches()
    assert match.elo_changes == changes


async def test_record_match_makes_an_id_of_the_task_and_the_names(elo: EloSystem) -> None:
    await elo.record_match(winner="a", loser="b")
    await elo.record_match(winner="a", loser="b", domain="law")
    await elo.record_match(winner="a", loser="b", domain="law", task="é" * 600)
    ids = [match.debate_id for match in reversed(await elo.get_recent_matches())]
    assert ids[0].startswith("debate-a-vs-b-")
    assert ids[1].startswith("law-a-vs-b-")
    assert ids[2].startswith("é" * 400)
    assert [len(one.rpartition("-")[2]) for one in ids] == [16, 16, 16]
    assert len(ids[2].encode()) <= 1000


async def test_record_match_of_three(elo: EloSystem) -> None:
    changes = await elo.record_match("m", ["c", "a", "b"], {"a": 1, "b": 0.5, "c": 0.5})
    assert changes == pytest.approx({"c": -16 / 3, "a": 32 / 3, "b": -16 / 3})
    ratings = await elo.get_ratings(["a", "b", "c"])
    assert [(one.wins, one.losses) for one in ratings.values()] == [(1, 0), (0, 1), (0, 1)]
    pairs = await elo.get_all_relationships_for_agent("b")
    assert [(one.agent_a, one.agent_b, one.a_wins_over_b) for one in pairs] == [
        ("a", "b", 1),
        ("b", "c", 0),
    ]


async def test_record_match_again_returns_the_changes_of_then(elo: EloSystem) -> None:
    first = await elo.record_match("m", ["a", "b"], WON)
    await elo.record_match("n", ["a", "b"], WON)
    before = await row_counts(elo.database), await ratings_of(elo, "a", "b")
    assert await elo.record_match("m", ["a", "b"], WON) == first
    # also with agents that are not known, who stay so
    assert await elo.record_match("m", ["x", "y"], {"x": 1, "y": 0}) == first
    assert (await row_counts(elo.database), await ratings_of(elo, "a", "b")) == before


async def test_record_match_of_one_debate_by_50_tasks_counts_once(database: Database) -> None:
    elo = EloSystem(database)
    found = await asyncio.gather(
        *(elo.record_match("m", ["a", "b"], WON, "law") for _ in range(50))
    )
    assert all(changes == {"a": 16.0, "b": -16.0} for changes in found)
    assert await ratings_of(elo, "a", "b") == [1516.0, 1484.0]
    assert (await row_counts(database))["elo_history"] == 2


async def test_record_match_of_the_same_agents_at_once_counts_each(elo: EloSystem) -> None:
    await asyncio.gather(
        *(elo.record_match(f"m{n}", list(("ab", "ba")[n % 2]), WON) for n in range(30))
    )
    a, b = (await elo.get_ratings(["a", "b"])).values()
    assert (a.wins, b.losses) == (30, 30)
    assert len(set(await elo.get_elo_history("a"))) == 30
    assert (await elo.recompute_ratings()).differences == []


async def test_record_match_with_a_calibration_tracker(elo: EloSystem) -> None:
    class Tracker:
        def get_expected_calibration_error(self, agent_name: str) -> float:
            return {"a": 0.25, "b": 0.05}[agent_name]

    changes = await elo.record_match("m", ["a", "b"], WON, calibration_tracker=Tracker())
    assert changes == {"a": 20.0, "b": -16.0}
    match = await elo.get_match("m")
    assert match is not None
    assert match.multipliers == {"a": 1.25, "b": 1.0}
    # the store itself: without predictions the error is 1
    assert await elo.record_match("n", ["c", "d"], draw=True, calibration_tracker=elo) == {
        "c": 0.0,
        "d": 0.0,
    }

    class Broken(Tracker):
        def get_expected_calibration_error(self, agent_name: str) -> float:
            raise ConnectionError("no answer")

    with pytest.raises(ConnectionError):
        await elo.record_match("o", ["a", "b"], WON, calibration_tracker=Broken())
    assert await elo.count_matches() == 2


async def test_record_match_with_other_constants(database: Database) -> None:
    elo = EloSystem(database, k_factor=10, initial_rating=1200)
    await elo.record_match("m", ["a", "b"], WON, "law")
    assert await ratings_of(elo, "a", "b", "new") == [1205.0, 1195.0, 1200.0]
    assert await elo.get_domain_ratings("b") == {"law": 1195.0}
    # a replay knows them from the rows
    assert (await EloSystem(database).recompute_ratings()).differences == []


async def test_record_matches_is_record_match_one_after_the_other(
    elo: EloSystem, tmp_path: Path
) -> None:
    entries: list[Any] = [
        {"debate_id": f"m{n}", "participants": pair, "scores": {pair[0]: n % 3, pair[1]: 1}}
        | ({"domain": "law"} if n % 2 else {})
        for n, pair in enumerate(["ab", "bc", "ca", "ab", "cd", "bd"] * 5)
    ]
    for entry in entries:
        entry["participants"] = list(entry["participants"])
    # in SQLite, with the same bits
    other = EloSystem(SQLiteDatabase(tmp_path / "other.db"))
    await other.initialize()
    single = [await other.record_match(**entry) for entry in entries]
    # one that is there, and one that is in the batch twice
    await elo.record_match(**entries[0])
    batch = await elo.record_matches([*entries, entries[3]])
    assert batch == [*single, single[3]]
    assert await ratings_of(elo, *"abcd") == await ratings_of(other, *"abcd")
    for name in "abcd":
        assert await elo.get_domain_ratings(name) == await other.get_domain_ratings(name)
        assert [one["debate_count"] for one in await elo.get_all_relationships_for_agent(name)] == [
            one["debate_count"] for one in await other.get_all_relationships_for_agent(name)
        ]
    await other.database.close()
    recent = await elo.get_recent_matches(50)
    assert [match.debate_id for match in recent[:-1]] == [f"m{n}" for n in range(29, 0, -1)]
    assert (await elo.recompute_ratings()).differences == []


async def test_record_matches_is_all_or_nothing(elo: EloSystem) -> None:
    good: Any = {"debate_id": "m", "participants": ["a", "b"], "scores": WON}
    with pytest.raises(InvalidInputError) as caught:
        await elo.record_matches([good, good | {"scores": {"a": 1, "b": -1}}])
    assert caught.value.argument == "matches[1].scores['b']"
    assert await row_counts(elo.database) == {}
    assert await elo.record_matches([]) == []


async def test_get_match_get_recent_matches_get_cached_recent_matches_and_count_matches(
    elo: EloSystem,
) -> None:
    # all at one time: the order of recording counts
    for n in range(5):
        await elo.record_match(f"m{n}", ["a", "b"], WON, created_at=day(1))
    await elo.record_match("old", ["a", "b"], WON, created_at=day(0))
    found = await elo.get_recent_matches(limit=4)
    assert [match.debate_id for match in found] == ["m4", "m3", "m2", "m1"]
    assert (await elo.get_cached_recent_matches(10))[-1].debate_id == "old"
    assert await elo.get_match("m3") == found[1]
    assert await elo.get_match("unknown") is None
    assert await elo.count_matches() == 6


async def test_get_head_to_head_takes_names_exactly(elo: EloSystem) -> None:
    await elo.record_match("1", ["gpt-4", "b"], {"gpt-4": 1, "b": 0})
    await elo.record_match("2", ["gpt-4o", "b"], {"gpt-4o": 1, "b": 0})
    await elo.record_match("3", ["gpt-4", "b", "c"], {"gpt-4": 0, "b": 0, "c": 1})
    await elo.record_match("4", ["b", "gpt-4"], draw=True)
    found = await elo.get_head_to_head("b", "gpt-4")
    assert found.to_dict() == {
        "agent_a": "b",
        "agent_b": "gpt-4",
        "matches": 3,
        "a_wins": 0,
        "b_wins": 1,
        "draws": 1,
        "other_wins": 1,
    }
    assert (await elo.get_head_to_head("b", "nobody")).matches == 0


# Boards, history, statistics


async def test_get_leaderboard_leaderboard_get_cached_leaderboard_get_snapshot_leaderboard(
    elo: EloSystem,
) -> None:
    for n in range(3):
        await elo.record_match(f"m{n}", ["a", "b"], WON, "law")
    await elo.record_match("x", ["c", "d"], {"c": 1, "d": 0})
    board = await elo.get_leaderboard()
    assert [one.agent_name for one in board] == ["a", "c", "d", "b"]
    assert [one.agent_name for one in await elo.get_leaderboard(2)] == ["a", "c"]
    assert [one.agent_name for one in await elo.leaderboard(min_games=2)] == ["a", "b"]
    assert await elo.get_cached_leaderboard() == await elo.get_snapshot_leaderboard() == board
    assert all(type(one) is AgentRating for one in board)
    low, high = board[0].elo_interval() or (0, 0)
    assert low < board[0].elo < high
    wide, _ = board[1].elo_interval() or (0, 0)
    assert board[1].elo - wide > board[0].elo - low


async def test_get_leaderboard_and_get_top_agents_for_domain_hold_those_who_played_in_it(
    elo: EloSystem,
) -> None:
    domain = 'it\'s "q" データ'
    await elo.record_match("m", ["a", "b"], WON, domain)
    await elo.record_match("n", ["c", "b"], {"c": 1, "b": 0})
    board = await elo.get_top_agents_for_domain(domain)
    assert board == await elo.get_leaderboard(domain=domain)
    found = [one for one in board if isinstance(one, DomainRating)]
    assert [(one.agent_name, one.domain_elo) for one in found] == [("a", 1516.0), ("b", 1484.0)]
    assert [(one.domain, one.domain_debates_count) for one in found] == [(domain, 1)] * 2
    assert found[1].elo < 1484.0
    assert found[0].domain_last_match_at == found[0].last_match_at
    assert await elo.get_leaderboard(domain="other") == []
    assert await elo.get_leaderboard(domain=domain, min_games=2) == []


async def test_get_leaderboard_breaks_ties_by_name(elo: EloSystem) -> None:
    for name in ("é", "b", "Z", "a"):
        await elo.register_agent(name)
    assert [one.agent_name for one in await elo.get_leaderboard()] == ["Z", "a", "b", "é"]


async def test_get_elo_history_has_only_what_changed_the_rating(elo: EloSystem) -> None:
    for n in range(3):
        await elo.record_match(f"m{n}", ["a", "b"], WON, created_at=day(n))
    await elo.update_voting_accuracy("a", True, debate_id="m1")
    history = await elo.get_elo_history("a")
    assert [at for at, _ in history] == [day(2), day(1), day(0)]
    assert history[0][1] == (await elo.get_rating("a")).elo
    assert await elo.get_elo_history("a", limit=1) == history[:1]


async def test_get_stats(elo: EloSystem) -> None:
    empty = await elo.get_stats()
    assert empty.to_dict() == {
        "total_agents": 0,
        "avg_elo": 1500.0,
        "max_elo": 1500.0,
        "min_elo": 1500.0,
        "total_matches": 0,
    }
    await elo.record_match("m", ["a", "b"], WON)
    found = await elo.get_stats()
    assert (found.total_agents, found.avg_elo, found.max_elo, found.min_elo) == (
        *(2, 1500.0),
        *(1516.0, 1484.0),
    )
    assert found.total_matches == 1


async def test_explain_rating_returns_what_made_it(elo: EloSystem) -> None:
    await elo.record_match("m", ["a", "b"], WON, created_at=day(0))
    await elo.record_redteam_result("a", 0.9, 0, 10, session_id="s")
    await elo.record_match("n", ["a", "b"], draw=True)
    explained = await elo.explain_rating("a")
    assert [(one.kind, one.reference) for one in explained.events] == [
        ("match", "m"),
        ("redteam", "s"),
        ("match", "n"),
    ]
    elo_then = explained.initial_elo
    for event in explained.events:
        elo_then += event.change
        assert event.elo == elo_then
    assert elo_then == explained.elo == (await elo.get_rating("a")).elo
    assert (explained.events[0].winner, explained.events[0].scores) == ("a", WON)
    assert (await elo.explain_rating("nobody")).events == []


# One transaction


async def test_a_failing_match_leaves_nothing(elo: EloSystem) -> None:
    await elo.record_match("m", ["a", "b"], WON)
    before = await fetch(elo.database, "SELECT agent_name, elo FROM elo_ratings ORDER BY 1")
    counts = await row_counts(elo.database)
    await run(elo.database, "DROP TABLE elo_relationships")
    with pytest.raises(Exception, match="elo_relationships"):
        await elo.record_match("n", ["a", "c"], {"a": 1, "c": 0})
    assert await fetch(elo.database, "SELECT agent_name, elo FROM elo_ratings ORDER BY 1") == before
    assert await fetch_value(elo.database, "SELECT count(*) FROM elo_matches") == 1
    assert await fetch_value(elo.database, "SELECT count(*) FROM elo_history") == 2
    assert counts["elo_relationships"] == 1


async def test_matches_within_a_transaction_of_the_application(elo: EloSystem) -> None:
    async with elo.database.transaction():
        await elo.record_match("m", ["a", "b"], WON)
        assert await elo.record_match("m", ["a", "b"], WON) == {"a": 16.0, "b": -16.0}
        await elo.record_match("n", ["b", "c"], {"b": 1, "c": 0}, created_at=day(0))
    assert await elo.count_matches() == 2
    (match, _) = await elo.get_recent_matches()
    assert match.created_at - day(0) > timedelta(0)
    assert (await elo.recompute_ratings()).differences == []


async def test_stored_changes_that_no_float_holds_do_not_keep_a_match_from_being_read(
    elo: EloSystem,
) -> None:
    await elo.record_match("d", ["a", "b"], {"a": 1.0, "b": 0.0})
    for stored in ('{"a": 1' + "0" * 400 + ', "b": -16}', '{"a": -1' + "0" * 400 + ', "b": -16}'):
        cast = "::jsonb" if elo.database.dialect == "postgres" else ""
        await run(elo.database, f"UPDATE elo_matches SET elo_changes = '{stored}'{cast}")
        (match,) = await elo.get_recent_matches()
        assert match.elo_changes == {"a": 0.0, "b": -16.0}
