"""sqlfluff as the checker runs it says what sqlfluff says by itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from sqlfluff.core import FluffConfig, Linter

from aragora_sql.checker.style import Style
from aragora_sql.checker.style_worker import lint
from aragora_sql.queries.files import sql_dir

UGLY = {
    "select  id,body from notes": "spaces and capitals",
    "-- sqlfluff:rules:capitalisation.keywords:capitalisation_policy:lower\n"
    "select id FROM notes": "set up for itself",
    "SELECT id FROM notes": "as it should be",
    "select id  FROM notes -- noqa": "left out",
    "select id FROM notes": "capitals, after a piece that wants none",
    "SELECT id FROM (": "not to be parsed",
}


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_it_says_what_sqlfluff_says(dialect: str) -> None:
    path = str(sql_dir() / dialect / "jobs" / "queries.sql")
    told = []
    for text in UGLY:
        plain = Linter(config=FluffConfig.from_path(path)).lint_string(f"{text}\n", fname=path)
        _, said = lint(("key", path, f"{text}\n"))
        assert said == [
            (v.line_no, v.line_pos, v.rule_code(), v.desc()) for v in plain.get_violations()
        ]
        told.append(bool(said))
    assert told == [True, True, False, False, True, True]


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.mark.skipif(os.cpu_count() == 1, reason="it reads in one process")
@pytest.mark.slow
def test_what_is_closed_early_leaves_no_process(tree: Path) -> None:
    path = tree / "postgres" / "notes" / "queries.sql"
    # far more than can be read while the test waits
    query = "-- name: q{0}()\n-- A query.\nSELECT {0} AS one;\n\n"
    path.write_text("".join(query.format(number) for number in range(20_000)), encoding="utf-8")
    before = children()
    style = Style(tree, [path])
    started = set()
    try:
        deadline = time.monotonic() + 60
        while len(started := children() - before) < 3:
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.02)
    finally:
        style.close()
    _, alive = psutil.wait_procs(started, timeout=10)
    for process in alive:
        process.kill()
    assert alive == []
