"""Text that is compared for order without a collation, and columns that come from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checker.conftest import Check
from tests.checker.test_meaning import POSTGRES, SQLITE
from tests.checker.test_since import edit
from tests.checker.tree import replace_in

LIST = """
-- name: list_bodies(author_id)
-- List what an author wrote, in the order of the text.
-- check: unused-query because a test has it
SELECT
    n.id,
    n.body,
    row_number() OVER (ORDER BY n.body COLLATE "C") AS place
FROM notes AS n
WHERE
    n.author_id = :author_id
    AND n.body >= 'a' COLLATE "C"
    AND (n.body, n.id) > ('a' COLLATE "C", 'b' COLLATE "C")
    AND n.body < (SELECT max(m.body COLLATE "C") FROM notes AS m) COLLATE "C"
    AND n.body COLLATE "C" BETWEEN 'a' AND 'b'
ORDER BY n.body COLLATE "C", n.id COLLATE "C";
"""


@pytest.fixture
def sorted_tree(tree: Path) -> Path:
    """The small tree with a query that compares text in every way."""
    for file, text in ((POSTGRES, LIST), (SQLITE, LIST.replace(' COLLATE "C"', ""))):
        with (tree / file).open("a", encoding="utf-8") as out:
            out.write(text)
    return tree


def test_text_that_is_compared_by_code_point_is_no_finding(
    sorted_tree: Path, run_check: Check
) -> None:
    assert [str(f) for f in run_check(sorted_tree).findings if f.rule == "collation"] == []


def test_a_missing_collation_is_named_at_its_place(sorted_tree: Path, run_check: Check) -> None:
    path = sorted_tree / POSTGRES
    for old, new in (
        ('OVER (ORDER BY n.body COLLATE "C")', "OVER (ORDER BY n.body)"),
        ("n.body >= 'a' COLLATE \"C\"", "n.body >= 'a'"),
        ("('a' COLLATE \"C\", 'b' COLLATE \"C\")", "('a', 'b')"),
        ('max(m.body COLLATE "C") FROM notes AS m) COLLATE "C"', "max(m.body) FROM notes AS m)"),
        ('n.body COLLATE "C" BETWEEN', "n.body BETWEEN"),
        ('n.body COLLATE "C", n.id COLLATE "C"', 'n.body COLLATE "C", n.id'),
    ):
        replace_in(path, old, new)
    found = [f for f in run_check(sorted_tree).findings if f.rule == "collation"]
    assert all(f.path == path and "'list_bodies'" in f.message for f in found)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert {lines[f.line - 1].strip() for f in found} == {
        'ORDER BY n.body COLLATE "C", n.id;',
        "row_number() OVER (ORDER BY n.body) AS place",
        "AND n.body >= 'a'",
        "AND (n.body, n.id) > ('a', 'b')",
        "AND n.body < (SELECT max(m.body) FROM notes AS m)",
        "AND n.body BETWEEN 'a' AND 'b'",
    }


def test_a_column_of_the_schema_gives_its_collation(sorted_tree: Path, run_check: Check) -> None:
    replace_in(
        sorted_tree / POSTGRES, 'ORDER BY n.body COLLATE "C", n.id COLLATE "C"', "ORDER BY n.id"
    )
    [found] = [f for f in run_check(sorted_tree).findings if f.rule == "collation"]
    assert "text is sorted by the collation of the database" in found.message
    schema = sorted_tree / "postgres/notes/schema.sql"
    text = schema.read_text(encoding="utf-8")
    schema.write_text(text.replace("    id TEXT NOT NULL", '    id TEXT COLLATE "C" NOT NULL'))
    assert [f for f in run_check(sorted_tree).findings if f.rule == "collation"] == []


def test_columns_that_change_places_are_named(sorted_tree: Path, run_check: Check) -> None:
    """Both are text: neither types nor names tell them apart."""
    swapped = "    n.body AS id,\n    n.id AS body,\n    row_number()"
    line = replace_in(sorted_tree / SQLITE, "    n.id,\n    n.body,\n    row_number()", swapped)
    found = [f for f in run_check(sorted_tree).findings if f.rule == "parity-origin"]
    assert {(f.path, f.line) for f in found} == {
        (sorted_tree / file, at) for file in (POSTGRES, SQLITE) for at in (line, line + 1)
    }
    assert "column 'id' is notes.id on PostgreSQL and notes.body on SQLite" in found[0].message


def test_an_expression_of_another_column_is_named(tree: Path, run_check: Check) -> None:
    replace_in(tree / SQLITE, "    n.body,\n", "    coalesce(n.author_id, 'x') AS body,\n")
    found = [f for f in run_check(tree).findings if f.rule == "parity-origin"]
    assert len(found) == 2
    assert "notes.body on PostgreSQL and an expression of notes.author_id" in found[0].message


def test_a_reason_takes_it_away(tree: Path, run_check: Check) -> None:
    replace_in(tree / SQLITE, "    n.body,\n", "    coalesce(n.author_id, 'x') AS body,\n")
    declared = "-- Return a note.\n-- parity: origin of body because the text is elsewhere\n"
    replace_in(tree / SQLITE, "-- Return a note.\n", declared)
    assert not [f for f in run_check(tree).findings if f.rule == "parity-origin"]


def test_expressions_of_the_same_column_are_no_finding(tree: Path, run_check: Check) -> None:
    edit(tree, "    n.body,\n", "    coalesce(n.body, '') AS body,\n", (SQLITE,))
    assert not [f for f in run_check(tree).findings if f.rule == "parity-origin"]
