"""Fingerprints of answers that are committed: an edit of both dialects does not pass unseen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import aragora_sql
from aragora_sql.checker.answer_lines import Proof
from aragora_sql.checker.check import Checked, Options, check
from aragora_sql.checker.fixed_parts import (
    changed_parts,
    fixed_parts,
    read_parts,
    written_parts,
)
from aragora_sql.checker.meaning import comparing
from aragora_sql.checker.rules import RULES as ALL
from aragora_sql.embedded import EmbeddedServer, ServerBinaries, find_binaries
from aragora_sql.queries.files import packaged_sql_dir
from tests.checker.conftest import Check
from tests.checker.test_meaning import OTHERS, POSTGRES, SQLITE
from tests.checker.test_since import SCHEMAS, edit, git, line_of
from tests.checker.tree import replace_in

RULES = OTHERS | {"collation", "inexact-call"}


@pytest.fixture
def answers(tree: Path, run_check: Check) -> Path:
    """The file of fingerprints of the small tree, whose queries are as they were recorded."""
    checked = run_check(tree, skip=RULES, update_answers=True)
    assert checked.findings == ()
    assert [line.rpartition(" is ")[2] for line in checked.accepted] == ["new"] * 4
    return tree / "answers" / "notes.txt"


def said(checked: Checked) -> list[str]:
    return [str(f) for f in checked.findings if f.rule == "answer-snapshot"]


def test_an_edit_of_both_dialects_is_found(tree: Path, answers: Path, run_check: Check) -> None:
    before = answers.read_text(encoding="utf-8")
    assert len(before.splitlines()) == 2 + 4
    assert said(run_check(tree, skip=RULES)) == []
    edit(tree, "SELECT count(*) AS total", "SELECT count(body) AS total")
    # In no repository: that they differ, where, and what to run.
    found = said(run_check(tree, skip=RULES))
    assert len(found) == 2
    for file, one in zip((POSTGRES, SQLITE), found, strict=True):
        place = f"{file}:{line_of(tree, file, 'count_notes')}:1: error answer-snapshot:"
        assert place in one
        assert "answers otherwise than answers/notes.txt says: aragora-sql check --since" in one
    checked = run_check(tree, skip=RULES, update_answers=True)
    # Which calls show most depends on the text.
    assert checked.accepted == ("notes: 'count_notes' is called with other arguments",)
    after = answers.read_text(encoding="utf-8")
    lines = zip(before.splitlines(), after.splitlines(), strict=True)
    assert [two.split()[0] for one, two in lines if one != two] == ["count_notes"]
    assert said(run_check(tree, skip=RULES)) == []


def test_what_changed_is_said_where_git_knows_the_tree(
    tree: Path, answers: Path, run_check: Check
) -> None:
    git(tree.parent, "init", "--quiet")
    git(tree.parent, "add", "sql")
    git(tree.parent, "commit", "--quiet", "--message", "before")
    edit(tree, "SELECT count(*) AS total", "SELECT count(body) AS total")
    found = said(run_check(tree, skip=RULES))
    assert len(found) == 2
    assert all("answers of 'count_notes' changed: gives a smaller number in" in f for f in found)
    assert all(" before, " in f and f.endswith("check --update-answers") for f in found)
    [line] = run_check(tree, skip=RULES, update_answers=True).accepted
    assert line.startswith("notes: answers of 'count_notes' changed: gives a smaller number in")
    assert line.endswith("(postgres and sqlite)")


def test_other_rows_are_a_warning(tree: Path, answers: Path, run_check: Check) -> None:
    git(tree.parent, "init", "--quiet")
    git(tree.parent, "add", "sql")
    git(tree.parent, "commit", "--quiet", "--message", "before")
    edit(tree, "    body TEXT,\n", "    body TEXT,\n    extra TEXT,\n", SCHEMAS)
    [found] = said(run_check(tree, skip=RULES))
    assert f"{answers}:1:1: warning answer-snapshot: the answers of 4 of 4 queries" in found
    assert "git knows of no change since the last commit" in found


def test_a_tree_without_the_folder_and_lines_that_nobody_wrote(
    tree: Path, answers: Path, run_check: Check
) -> None:
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace("get_note rows=", "get_note ") + "gone " + "x=1\n")
    found = said(run_check(tree, skip=RULES))
    for line in (5, 7):
        place = f"notes.txt:{line}:1: error answer-snapshot: this is no line that"
        assert any(place in f for f in found), found
    assert any("the answers of query 'get_note' are not in answers/notes.txt" in f for f in found)
    answers.unlink()
    [one] = said(run_check(tree, skip=RULES))
    assert f"{answers}:1:1: error answer-snapshot: there is no such file, so no answer" in one
    shutil.rmtree(answers.parent)
    # An application's own tree need not have one; one that keeps its plans does.
    assert said(run_check(tree, skip=RULES)) == []
    (tree / "plans").mkdir()
    [one] = said(run_check(tree, skip=RULES))
    assert f"{answers.parent}:1:1: error answer-snapshot: the fingerprints of answers" in one


def test_constants_are_read_where_no_row_reaches_them(
    tree: Path, answers: Path, run_check: Check
) -> None:
    limits = {POSTGRES: "LIMIT 50000", SQLITE: "LIMIT 50000"}
    for file, limit in limits.items():
        replace_in(tree / file, "n.body = :body);", f"n.body = :body)\n{limit};")
    run_check(tree, skip=RULES, update_answers=True)
    assert " parts=" in answers.read_text(encoding="utf-8")
    replace_in(tree / POSTGRES, "LIMIT 50000", "LIMIT 40000")
    [found] = said(run_check(tree, skip=RULES))
    assert f"{POSTGRES}:{line_of(tree, POSTGRES, 'list_notes')}:1: error" in found
    assert (
        "query 'list_notes': 50000 is gone, 40000 is new, and no call that is made answers "
        "otherwise; if that is meant: aragora-sql check --update-answers"
    ) in found
    edit(tree, "-- List the notes of an author, all", "-- List notes, 7 <= 8, all")
    replace_in(tree / SQLITE, "LIMIT 50000", "LIMIT 40000")
    assert len(said(run_check(tree, skip=RULES))) == 2
    checked = run_check(tree, skip=RULES, update_answers=True)
    assert checked.accepted == (
        "notes: 'list_notes': 50000 is gone, 40000 is new (postgres and sqlite)",
    )
    assert said(run_check(tree, skip=RULES)) == []


def test_fixed_parts_are_counted_and_written() -> None:
    sql = (
        "SELECT d ->> '$.a', d -> 0 FROM t WHERE a <= 1.5 AND b<>-1 AND c @> 'x y,z|*' AND 1 = 1 "
        "AND e = 'a text that is longer than twenty-four' -- 7 > 6"
    )
    parts = fixed_parts(sql, "postgres")
    assert parts["'$.a'"] == parts["0"] == parts["1.5"] == parts["<="] == parts["<>"] == 1
    assert (parts["1"], parts["="], parts[">"]) == (3, 2, 0)
    assert len(parts) == 9
    written = written_parts(parts)
    assert not set(" |") & set(written)
    assert read_parts(written) == parts
    assert changed_parts(parts, fixed_parts(sql.replace("1.5", "1"), "postgres")) == (
        "1.5 is gone, 1 is new"
    )
    assert read_parts(written_parts(fixed_parts("SELECT a", "sqlite"))).total() == 0
    for forms in (
        ("a >= :x", ":x <= a", ":x::int <= a"),
        ("a BETWEEN 1 AND :x", "a >= 1 AND a <= :x", "1 <= a AND :x >= a"),
        ("a <> 'b'", "'b' != a"),
        ("a < b", "a < b"),
    ):
        first, *others = (fixed_parts(f"SELECT {form}", "postgres") for form in forms)
        assert all(other == first for other in others), forms
    assert fixed_parts("a < b", "sqlite") != fixed_parts("b > a", "sqlite")
    assert fixed_parts("1 < :x", "sqlite")["<"] == fixed_parts("'1' < '2'", "sqlite")["<"] == 1


def test_the_committed_answers_have_every_query() -> None:
    root = packaged_sql_dir()
    for folder in sorted((root / "postgres").iterdir()):
        if not (folder / "queries.sql").is_file():
            continue
        names = {
            line.removeprefix("-- name: ").partition("(")[0]
            for line in (folder / "queries.sql").read_text(encoding="utf-8").splitlines()
            if line.startswith("-- name: ")
        }
        recorded = (root / "answers" / f"{folder.name}.txt").read_text(encoding="utf-8")
        assert {line.split()[0] for line in recorded.splitlines()[2:]} <= names, folder.name
        assert recorded.count("answers=") > len(names) // 2, folder.name


@pytest.mark.slow
@pytest.mark.parametrize("binaries", find_binaries(), ids=lambda one: f"postgres{one.version}")
def test_the_committed_answers_are_those_of_every_version(binaries: ServerBinaries) -> None:
    package = Path(aragora_sql.__file__).parent
    others = frozenset(ALL) - {"meaning", "answer-snapshot"}
    with EmbeddedServer(binaries) as server:
        options = Options(packaged_sql_dir(), (package,), skip=others, dsn=server.dsn())
        checked = check(options)
    assert said(checked) == []
    assert checked.meaning is not None
    assert len(checked.meaning.answers) > 200


# Of the larger tree below: nothing calls its queries.
SKIPPED = RULES | {"unused-query", "full-scan"}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of the queries that are compared from here on; nothing is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    asked: list[str] = []
    real = comparing.compare_query

    async def compare(pair: Any, query: Any, *more: Any) -> Any:
        asked.append(query.name)
        return await real(pair, query, *more)

    monkeypatch.setattr("aragora_sql.checker.meaning.compare_query", compare)
    return asked


@pytest.fixture
def proved(tree: Path, run_check: Check) -> Path:
    """A tree that is recorded, with a query that finds nothing and one that is said to differ."""
    for path, never in ((POSTGRES, "FALSE"), (SQLITE, "0")):
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(
                "\n-- name: find_none()\n-- Find nothing.\n"
                f"SELECT n.id FROM notes AS n\nWHERE {never};\n"
            )
    for path, differently in ((POSTGRES, "2"), (SQLITE, "3")):
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(
                "\n-- name: tell_factor()$\n-- Tell a factor.\n"
                "-- meaning: rows because each engine has its own\n"
                f"SELECT count(*) + {differently} AS factor FROM notes;\n"
            )
    checked = run_check(tree, skip=SKIPPED, update_answers=True)
    assert checked.findings == ()
    return tree


def test_what_the_tree_says_was_compared_is_not_compared_again(
    proved: Path, run_check: Check, compared: list[str]
) -> None:
    checked = run_check(proved, skip=SKIPPED)
    assert checked.findings == ()
    assert compared == []
    again = run_check(proved, skip=SKIPPED, afresh=True)
    assert len(compared) == 6
    assert checked.meaning == again.meaning
    assert checked.meaning is not None
    assert checked.meaning.idle == ["notes.find_none"]


def test_an_edited_query_is_compared_whatever_the_tree_says(
    proved: Path, run_check: Check, compared: list[str]
) -> None:
    replace_in(proved / SQLITE, "SELECT count(*) AS total", "SELECT count(body) AS total")
    assert {f.rule for f in run_check(proved, skip=SKIPPED).findings} == {
        "meaning",
        "answer-snapshot",
    }
    assert compared == ["count_notes"]


def test_a_proof_of_other_answers_is_none(
    proved: Path, run_check: Check, compared: list[str]
) -> None:
    path = proved / "answers" / "notes.txt"
    line = next(one for one in path.read_text().splitlines() if one.startswith("count_notes "))
    answers = line.split(" answers=")[1].split()[0]
    replace_in(path, answers, answers[::-1])
    assert [
        "answers otherwise than answers/notes.txt says" in one
        for one in said(run_check(proved, skip=SKIPPED))
    ]
    assert compared == ["count_notes"]


def test_a_comment_that_is_gone_makes_no_difference_agreed(
    proved: Path, run_check: Check, compared: list[str]
) -> None:
    for path in (POSTGRES, SQLITE):
        replace_in(proved / path, "-- meaning: rows because each engine has its own\n", "")
    [found] = [f for f in run_check(proved, skip=SKIPPED).findings if f.rule == "meaning"]
    assert "called with" in found.message
    assert compared == ["tell_factor"]


def test_tables_that_changed_have_all_compared(
    proved: Path, run_check: Check, compared: list[str]
) -> None:
    for path in SCHEMAS:
        replace_in(proved / path, "    body TEXT,", "    body TEXT NOT NULL,")
    run_check(proved, skip=SKIPPED)
    assert len(compared) == 6


@pytest.mark.parametrize("text", ["", "abc", "abc:", "abc:x", "abc:-"])
def test_what_is_no_proof(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proof.read(text)


def test_a_proof_is_read_as_it_was_written() -> None:
    for proof in (Proof("abc", 12), Proof("abc", 0, True), Proof("abc", 3, False, ("a b", "c:d%"))):
        assert Proof.read(str(proof)) == proof
