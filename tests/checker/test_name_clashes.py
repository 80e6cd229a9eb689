"""Names that two stores use: with IF NOT EXISTS the second one is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checker.conftest import Check
from tests.checker.tree import write_tree
from tests.queries.trees import write_store

FIRST = "CREATE INDEX IF NOT EXISTS idx_first ON notes (author_id, done);"
CLASHES = {
    "a table of another store": (
        "CREATE TABLE IF NOT EXISTS Notes (id TEXT NOT NULL);",
        "table 'Notes': ",
        {"postgres", "sqlite"},
    ),
    "an index of another store": (
        "CREATE INDEX IF NOT EXISTS idx_notes_created ON more (id);",
        "index 'idx_notes_created' of 'more': ",
        {"postgres", "sqlite"},
    ),
    "an index as a table": (
        "CREATE INDEX IF NOT EXISTS authors ON more (id);",
        "index 'authors' of 'more': ",
        {"postgres", "sqlite"},
    ),
    "the index of a unique rule": (
        "CREATE INDEX IF NOT EXISTS notes_body_key ON more (id);",
        "index 'notes_body_key' of 'more': ",
        {"postgres"},
    ),
}


@pytest.mark.parametrize("case", CLASHES)
def test_a_name_is_used_once(case: str, tmp_path: Path, run_check: Check) -> None:
    statement, said, dialects = CLASHES[case]
    root = write_tree(tmp_path)
    more = "CREATE TABLE IF NOT EXISTS more (\n    id TEXT NOT NULL\n);\n"
    write_store(root, store="more", schema=f"-- More.\n\n{more}{statement}\n")
    for dialect, mark in (("postgres", ""), ("sqlite", "-- ")):
        with (root / dialect / "schema.sql").open("a", encoding="utf-8") as file:
            file.write(f"{mark}\\ir more/schema.sql\n")
    found = [f for f in run_check(root).findings if f.rule == "name-clash"]
    assert {f.path.parts[-3] for f in found} == dialects
    for finding in found:
        assert finding.message.startswith(said)
        assert f"{finding.path.parts[-3]}/notes/schema.sql:" in finding.message
        assert finding.line == 6
