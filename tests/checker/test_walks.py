"""Walks along an index under LIMIT: those that drop rows are found, in both dialects."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.queries.files import DIALECTS
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

HEAD = """\
-- name: list_notes(author_id, body)
-- List the notes of an author, all of them or those with one text.
"""

# WHERE, ORDER BY and LIMIT, and whether rows are dropped on the way.
LISTS = {
    # the listed input: a page behind a key, with a filter
    "n.created_at < :author_id AND n.body <> :body ORDER BY n.created_at DESC LIMIT 20": True,
    "n.author_id <> :author_id AND n.body <> :body ORDER BY n.created_at DESC LIMIT 20": True,
    "n.created_at BETWEEN :author_id AND :body ORDER BY n.created_at DESC LIMIT 20": False,
    "n.created_at < :author_id AND n.created_at > :body ORDER BY n.created_at DESC LIMIT 20": False,
    # an equality leads to one author's
    "n.author_id = :author_id AND n.body > :body ORDER BY n.body LIMIT 20": False,
    # all that fit are sorted, which is no walk
    "n.author_id = :author_id AND n.score <> 1 AND :body <> '' ORDER BY n.score LIMIT 20": False,
    # of the group that an index holds, the filter drops some
    "NOT n.done AND n.author_id <> :author_id AND n.body <> :body ORDER BY n.score LIMIT 20": True,
    "NOT n.done AND n.score < :author_id AND n.score > :body ORDER BY n.score LIMIT 20": False,
    "n.id IN (SELECT m.id FROM notes AS m WHERE m.author_id <> :author_id AND m.body <> :body "
    "ORDER BY m.created_at DESC LIMIT 20)": True,
}  # fmt: skip


def write(tree: Path, condition: str) -> None:
    for dialect in DIALECTS:
        path = tree / dialect / "notes" / "queries.sql"
        text = path.read_text(encoding="utf-8")
        start = text.index(HEAD)
        end = text.index("-- name: add_note(")
        query = f"{HEAD}SELECT n.id, n.score FROM notes AS n WHERE {condition};\n\n"
        path.write_text(text[:start] + query + text[end:], encoding="utf-8")
        with (tree / dialect / "notes" / "schema.sql").open("a", encoding="utf-8") as file:
            file.write(
                "CREATE INDEX IF NOT EXISTS idx_notes_open ON notes (score) WHERE NOT done;\n"
            )


@pytest.mark.parametrize("condition", LISTS)
def test_rows_that_are_dropped_on_the_way_are_found(
    condition: str, tree: Path, run_with_plans: Check
) -> None:
    write(tree, condition)
    checked = run_with_plans(tree)
    found = [f for f in checked.findings if f.rule in {"filtered-walk", "full-scan"}]
    expected = ["filtered-walk"] * len(DIALECTS) if LISTS[condition] else []
    assert [f.rule for f in found] == expected, "\n".join(map(str, checked.findings))
    assert not [f for f in checked.findings if f.rule == "prepare"]
    assert all("[plan: filtered_walk]" in f.message for f in found)


def test_a_walk_may_be_declared(tree: Path, run_with_plans: Check) -> None:
    condition = next(iter(LISTS))
    write(tree, condition)
    for dialect in DIALECTS:
        path = tree / dialect / "notes" / "queries.sql"
        replace_in(path, HEAD, f"{HEAD}-- plan: filtered_walk allowed because most fit\n")
    assert not [
        f for f in run_with_plans(tree).findings if f.rule in {"filtered-walk", "directive"}
    ]
    # A full scan is declared by itself.
    for dialect in DIALECTS:
        path = tree / dialect / "notes" / "queries.sql"
        text = path.read_text(encoding="utf-8").replace(
            "n.created_at < :author_id", ":author_id <> ''"
        )
        path.write_text(text.replace(" DESC LIMIT 20", ""), encoding="utf-8")
    rules = {f.rule for f in run_with_plans(tree).findings}
    assert {"directive", "full-scan"} <= rules
