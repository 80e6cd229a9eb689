"""Calls that a tree keeps: found by a search on rows of a query's own, and made by each check."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from aragora_sql.checker.check import Checked
from aragora_sql.checker.meaning.calls import (
    Call,
    Copies,
    KeptCalls,
    Scene,
    calls_path,
    read_calls,
    write_calls,
)
from tests.checker.conftest import Check
from tests.checker.test_meaning import OTHERS, POSTGRES, SQLITE
from tests.checker.tree import replace_in

RULES = OTHERS | {"answer-snapshot", "collation", "inexact-call"}
PLAIN = "WHERE author_id = :author_id;"
# Four things at once, which rows that all queries share hardly have.
RARE = """WHERE
    author_id = :author_id
    AND body = 'ab'
    AND score = 0.5
    AND NOT done
    AND EXISTS (
        SELECT 1 FROM notes AS o
        WHERE o.author_id = notes.author_id AND o.created_at > notes.created_at
    );"""


def meant(checked: Checked) -> list[str]:
    return [str(found) for found in checked.findings if found.rule == "meaning"]


def test_calls_are_read_as_they_were_written(tmp_path: Path) -> None:
    row = {
        "id": "\u00e9",
        "number": 2**53 + 1,
        "score": 0.1 + 0.2,
        "done": True,
        "at": datetime(2026, 3, 15, 12, 0, 0, 250_001, tzinfo=UTC),
        "day": date(2026, 3, 15),
        "raw": b"\x00\xff",
        "key": UUID(int=7),
        "details": {"a": [1, 1.0, None], "$other": {"b": "x"}},
        "nothing": None,
    }
    scene = Scene({"parents": (), "notes": [row]}, {"notes": Copies(2, ("id", "at"))})
    calls = [Call({"given": row}), Call([{"n": 1}], scene), Call({"n": 2}, scene)]
    write_calls(tmp_path, "notes", {"list_notes": KeptCalls.made("list_notes", "key", calls)})
    text = calls_path(tmp_path, "notes").read_text(encoding="utf-8")
    kept = read_calls(tmp_path, ["notes", "gone"])["notes", "list_notes"]
    assert (kept.of, f"{kept.line}\n") == ("key", text)
    first, second, third = kept.calls
    assert (first.arguments, first.scene) == ({"given": row}, None)
    assert (second.arguments, third.arguments) == ([{"n": 1}], {"n": 2})
    assert second.scene is third.scene
    assert second.scene is not None
    assert repr(second.scene.rows["notes"]) == repr([row])
    stored = second.scene.stored("notes")
    assert [one["id"] for one in stored] == ["\u00e9", "\u00e9.1", "\u00e9.2"]
    assert [one["at"].microsecond for one in stored] == [250_001, 250_002, 250_003]
    assert second.scene.stored("parents") == []


def test_what_is_no_line_of_calls_counts_as_none(tmp_path: Path) -> None:
    path = calls_path(tmp_path, "notes")
    path.parent.mkdir()
    good = KeptCalls.made("b", "key", [Call({})]).line
    broken = '{"query": "a", "of": "", "scenes": [], "calls": [[{}, 3]]}'
    path.write_text(f"{broken}\n<<<<<<< ours\n{good}\n[]\n", encoding="utf-8")
    assert list(read_calls(tmp_path, ["notes"])) == [("notes", "b")]


def test_rows_of_a_querys_own_show_what_others_do_not(tree: Path, run_check: Check) -> None:
    for file in (POSTGRES, SQLITE):
        replace_in(tree / file, PLAIN, RARE)
    checked = run_check(tree, skip=RULES, update_answers=True)
    assert checked.findings == ()
    assert checked.meaning is not None
    # What was found is made again by a check that searches for nothing.
    path = calls_path(tree, "notes")
    kept = path.read_text(encoding="utf-8")
    lines = {line["query"]: line for line in map(json.loads, kept.splitlines())}
    assert lines.keys() == {"add_note", "count_notes", "get_note", "list_notes"}
    assert lines["count_notes"]["scenes"]
    again = run_check(tree, skip=RULES)
    assert again.meaning is not None
    assert (again.findings, again.meaning.calls) == ((), checked.meaning.calls)
    # The calls of a query that stayed as it is are not searched for again.
    assert run_check(tree, skip=RULES, update_answers=True).findings == ()
    assert path.read_text(encoding="utf-8") == kept
    for before, after in (
        ("score = 0.5", "score >= 0.5"),
        ("AND NOT done", "AND done"),
        ("o.created_at > notes", "o.created_at >= notes"),
        ("'ab'", "'ac'"),
    ):
        replace_in(tree / SQLITE, before, after)
        [found] = meant(run_check(tree, skip=RULES))
        assert "query 'count_notes' answers otherwise than PostgreSQL's: rows is" in found
        replace_in(tree / SQLITE, after, before)


def test_a_count_that_few_rows_do_not_reach(tree: Path, run_check: Check) -> None:
    for file in (POSTGRES, SQLITE):
        text = "SELECT count(*) AS total\nFROM (SELECT n.id FROM notes AS n WHERE n.author_id = "
        replace_in(tree / file, "SELECT count(*) AS total\nFROM notes\n", text)
        replace_in(tree / file, PLAIN, ":author_id ORDER BY n.id LIMIT 50) AS few;")
    run_check(tree, skip=RULES, update_answers=True)
    assert meant(run_check(tree, skip=RULES)) == []
    replace_in(tree / SQLITE, "LIMIT 50", "LIMIT 51")
    [found] = meant(run_check(tree, skip=RULES))
    assert "rows is 51 here and 50 there" in found
    assert "more like the last one of notes" in found


def test_calls_of_a_query_that_takes_something_else_are_searched_for_again(
    tree: Path, run_check: Check
) -> None:
    run_check(tree, skip=RULES, update_answers=True)
    for file in (POSTGRES, SQLITE):
        replace_in(tree / file, "details, created_at)!", "details, created_at)*!")
        replace_in(tree / file, "count_notes(author_id)", "count_notes(writer_id)")
        replace_in(tree / file, PLAIN, "WHERE author_id = :writer_id;")
    # What the tree keeps does not fit, with and without a search.
    assert meant(run_check(tree, skip=RULES)) == []
    assert meant(run_check(tree, skip=RULES, update_answers=True)) == []
    kept = read_calls(tree, ["notes"])
    [added, *_] = kept["notes", "add_note"].calls
    [counted, *_] = kept["notes", "count_notes"].calls
    assert {frozenset(one) for one in added.arguments} == {
        frozenset({"id", "author_id", "body", "details", "created_at"})
    }
    assert counted.arguments.keys() == {"writer_id"}


REPLIES = """
CREATE TABLE IF NOT EXISTS replies (
    id TEXT NOT NULL,
    note_id TEXT NOT NULL,
    CONSTRAINT replies_pkey PRIMARY KEY (id),
    CONSTRAINT replies_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes (id){cascade}
){strict};

CREATE INDEX IF NOT EXISTS idx_replies_note ON replies (note_id);
"""


def add_replies(tree: Path, cascade: str) -> None:
    """Let a table point to notes, whose rows keep those of notes from being deleted."""
    for dialect, strict in (("postgres", ""), ("sqlite", " STRICT")):
        with (tree / dialect / "notes" / "schema.sql").open("a", encoding="utf-8") as file:
            file.write(REPLIES.format(cascade=cascade, strict=strict))


def scene_tables(tree: Path, query: str) -> set[tuple[str, ...]]:
    scenes = {call.scene for call in read_calls(tree, ["notes"])["notes", query].calls}
    return {tuple(scene.rows) for scene in scenes if scene is not None}


@pytest.mark.parametrize("cascade", ["", " ON DELETE CASCADE"])
def test_scenes_get_a_table_that_points_to_theirs_since(
    cascade: str, tree: Path, run_check: Check
) -> None:
    for file in (POSTGRES, SQLITE):
        replace_in(tree / file, PLAIN, RARE)
    run_check(tree, skip=RULES, update_answers=True)
    before = read_calls(tree, ["notes"])["notes", "count_notes"]
    assert scene_tables(tree, "count_notes") == {("notes",)}
    add_replies(tree, cascade)
    # The calls can be made as they are kept, and are made anew by an update, also after a check.
    assert meant(run_check(tree, skip=RULES)) == []
    assert read_calls(tree, ["notes"])["notes", "count_notes"].line == before.line
    assert meant(run_check(tree, skip=RULES, update_answers=True)) == []
    assert scene_tables(tree, "count_notes") == {("notes", "replies")}
    after = read_calls(tree, ["notes"])["notes", "count_notes"]
    assert [call.arguments for call in after.calls] == [call.arguments for call in before.calls]
    for scene in {call.scene for call in after.calls if call.scene is not None}:
        assert scene.rows["replies"] == []
    # They tell edits as before, and are not made again without need.
    replace_in(tree / SQLITE, "'ab'", "'ac'")
    assert len(meant(run_check(tree, skip=RULES))) == 1
    replace_in(tree / SQLITE, "'ac'", "'ab'")
    text = calls_path(tree, "notes").read_text(encoding="utf-8")
    assert meant(run_check(tree, skip=RULES, update_answers=True)) == []
    assert calls_path(tree, "notes").read_text(encoding="utf-8") == text


def test_scenes_lose_a_table_that_is_gone(tree: Path, run_check: Check) -> None:
    for file in (POSTGRES, SQLITE):
        replace_in(tree / file, PLAIN, RARE)
    schemas = [tree / dialect / "notes" / "schema.sql" for dialect in ("postgres", "sqlite")]
    without = [path.read_text(encoding="utf-8") for path in schemas]
    add_replies(tree, "")
    run_check(tree, skip=RULES, update_answers=True)
    assert scene_tables(tree, "count_notes") == {("notes", "replies")}
    for path, text in zip(schemas, without, strict=True):
        path.write_text(text, encoding="utf-8")
    assert meant(run_check(tree, skip=RULES)) == []
    assert meant(run_check(tree, skip=RULES, update_answers=True)) == []
    assert scene_tables(tree, "count_notes") == {("notes",)}
