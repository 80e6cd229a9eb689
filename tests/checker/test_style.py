"""sqlfluff as the checker runs it says what sqlfluff says by itself."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import psutil
import pytest
from sqlfluff.core import FluffConfig, Linter

from aragora_sql.checker.style import Style, style_path
from aragora_sql.checker.style_worker import lint
from aragora_sql.errors import ConfigurationError
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


def test_a_copy_of_a_tree_is_known_and_another_configuration_is_not(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said is kept by content: where the tree lies and what it is called says nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own_cache"))
    file = "sqlite/notes/queries.sql"
    text = "-- name: one()$\n-- Return one.\nselect 1 AS one;\n"
    copy = tmp_path / "other" / "tree"
    (tree / file).write_text(text, encoding="utf-8")
    shutil.copytree(tree, copy)

    def said_of(root: Path) -> tuple[bool, list[tuple[int, int, str]]]:
        style = Style(root, [root / file])
        started = style.is_reading
        return started, [(one.line, one.column, one.message) for one in style.findings()]

    started, first = said_of(tree)
    assert started
    assert first
    assert said_of(copy) == (False, first)
    # What is no setting of sqlfluff changes nothing.
    (copy / "pyproject.toml").write_text('[project]\nversion = "2"\n', encoding="utf-8")
    assert said_of(copy) == (False, first)
    with (copy / "sqlite" / ".sqlfluff").open("a", encoding="utf-8") as out:
        out.write("[sqlfluff:rules:capitalisation.keywords]\ncapitalisation_policy = lower\n")
    started, other = said_of(copy)
    assert started
    assert other != first
    assert said_of(tree) == (False, first)


def test_what_the_tree_carries_is_not_read_again(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tree / "sqlite" / "notes" / "queries.sql"
    clean = "-- name: one()$\n-- Return one.\nSELECT 1 AS one;\n"
    ugly = "-- name: two()$\n-- Return two.\nselect 2 AS two;\n"
    file.write_text(f"{clean}\n{ugly}", encoding="utf-8")

    def style_elsewhere(name: str) -> Style:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        return Style(tree, [file])

    style = style_elsewhere("first")
    [found] = style.findings()
    style.write()
    written = style_path(tree).read_text(encoding="utf-8")
    assert len(written.splitlines()) == 2
    # Only what is clean is known on another machine.
    style = style_elsewhere("second")
    assert style.is_reading
    assert style.findings() == [found]
    file.write_text(clean, encoding="utf-8")
    style = style_elsewhere("third")
    assert not style.is_reading
    assert style.findings() == []
    # What was changed is read, and so is everything under another configuration.
    file.write_text(clean.replace("SELECT", "select"), encoding="utf-8")
    assert len(style_elsewhere("fourth").findings()) == 1
    file.write_text(clean, encoding="utf-8")
    with (tree / "sqlite" / ".sqlfluff").open("a", encoding="utf-8") as out:
        out.write("[sqlfluff:rules:capitalisation.keywords]\ncapitalisation_policy = lower\n")
    assert len(style_elsewhere("fifth").findings()) == 2
    style_path(tree).write_text(written.replace("Pieces", "Parts"), encoding="utf-8")
    style = style_elsewhere("sixth")
    assert style.is_reading
    style.close()


def test_a_tree_without_the_configuration_says_so(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own_cache"))
    for path in tree.rglob(".sqlfluff"):
        path.unlink()
    style = Style(tree, [tree / "sqlite" / "notes" / "queries.sql"])
    with pytest.raises(ConfigurationError, match=r"a tree needs the project's \.sqlfluff"):
        style.findings()
