"""``aragora-sql langgraph expire`` as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.cli.test_work_commands import on, target
from tests.stores.langgraph.test_expiry import age, threads
from tests.stores.langgraph.test_saver import LARGE, put_chain


async def fill(database: Database) -> None:
    saver = LangGraphSaver(database)
    for number, days in enumerate((40, 35, 1)):
        await put_chain(saver, f"thread {number}", 2, LARGE)
        await age(database, f"thread {number}", days)


async def left(database: Database) -> set[str]:
    return await threads(LangGraphSaver(database))


def test_expire_deletes_what_it_names_in_a_dry_run(
    location: str | Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on(location, fill)
    command = ["langgraph", "expire", "--older-than", "30d", *target(location)]
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out == "thread 0\nthread 1\n2 threads would be deleted\n"
    assert main([*command, "--dry-run", "--json", "--limit", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"threads": ["thread 0"]}
    assert on(location, left) == {"thread 0", "thread 1", "thread 2"}
    assert main([*command, "--limit", "1", "--json"]) == 0
    counts = {"threads": 1, "checkpoints": 2, "writes": 2, "values": 2}
    assert json.loads(capsys.readouterr().out) == counts
    assert main(command) == 0
    said = "1 threads deleted, with 2 checkpoints, 2 values and 2 writes\n"
    assert capsys.readouterr().out == said
    assert on(location, left) == {"thread 2"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--older-than", "30"], "must be a number followed by s, m, h, d or w"),
        (["--older-than", "0d"], "older_than"),
        (["--older-than", "99999999999w"], "1000 years"),
        (["--older-than", "60000w"], "1000 years"),
        (["--older-than", "1d", "--limit", "0"], "not a whole number from 1 up"),
        ([], "--older-than"),
    ],
)
def test_expire_refuses_an_age_that_is_none(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on(tmp_path / "aragora.db", fill)
    command = ["langgraph", "expire", "--sqlite-path", str(tmp_path / "aragora.db"), *words]
    try:
        code = main(command)
    except SystemExit as ending:
        code = int(ending.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err
