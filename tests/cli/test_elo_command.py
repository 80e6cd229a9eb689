"""The commands for ratings as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.stores.elo import EloSystem
from tests.cli.test_work_commands import on, target
from tests.stores.samples import day, run


async def fill(database: Database) -> None:
    elo = EloSystem(database)
    await elo.record_match("m1", ["ann", "ben"], {"ann": 1, "ben": 0}, "law", created_at=day(0))
    await elo.record_match("m2", ["ann", "[b]cy[/b]"], draw=True, created_at=day(1))
    await elo.record_redteam_result("ann", 1.0, 0, 1, session_id="s")


async def spoil(database: Database) -> None:
    await run(database, "UPDATE elo_ratings SET elo = 1400.0 WHERE agent_name = 'ben'")


def test_elo_leaderboard(location: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
    on(location, fill)
    command = ["elo", "leaderboard", *target(location)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["agent", "ann", "[b]cy[/b]", "ben"]
    assert lines[1].split()[1] == "1524.9"
    for options, expected in (
        (["--domain", "law"], ["ann", "ben"]),
        (["--min-games", "2"], ["ann"]),
        (["--limit", "1"], ["ann"]),
    ):
        assert main([*command, "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [entry["agent_name"] for entry in found] == expected


def test_elo_explain(location: str | Path, capsys: pytest.CaptureFixture[str]) -> None:
    on(location, fill)
    assert main(["elo", "explain", "ann", *target(location)]) == 0
    output = capsys.readouterr().out
    assert "+16.00" in output
    assert "+9.60" in output
    assert main(["elo", "explain", "ann", *target(location), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [event["reference"] for event in found["events"]] == ["m1", "m2", "s"]


def test_elo_recompute_finds_and_repairs(
    location: str | Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on(location, fill)
    command = ["elo", "recompute", *target(location)]
    assert main(command) == 0
    assert "0 numbers differ" in capsys.readouterr().out
    on(location, spoil)
    assert main(command) == 1
    output = capsys.readouterr().out
    assert "1400.0" in output
    assert "1484.0" in output
    assert "2 matches and 5 events of 3 agents replayed: 1 numbers differ" in output
    assert main([*command, "--from-match", "m2"]) == 0
    assert main([*command, "--repair"]) == 0
    assert "1 numbers repaired" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []
    assert main([*command, "--from-match", "m9"]) == 1
    assert "there is no match of the debate 'm9'" in capsys.readouterr().err
