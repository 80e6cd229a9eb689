"""A tree as an installed package has it: what is derived from its files is packed into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker import kept
from aragora_sql.checker.kept import PACKED, kept_root, pack, packed_files, unpack
from aragora_sql.checker.rules import RULES
from aragora_sql.queries.files import DIALECTS
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

RULES_OF_KEPT = frozenset(RULES) - {
    "plan-snapshot",
    "answer-snapshot",
    "file",
    "prepare",
    "meaning",
}
NAMES = {"answers/notes.txt", "answers/notes.jsonl", "plans/sqlite/notes.txt"}


def texts(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text("utf-8") for p in packed_files(root)}


@pytest.fixture
def packed_tree(tree: Path, run_check: Check) -> tuple[Path, dict[str, str]]:
    """The tree with its plans and answers packed, and what these were."""
    made = run_check(tree, skip=RULES_OF_KEPT, update_plans=True, update_answers=True)
    assert made.findings == ()
    written = texts(tree)
    assert written.keys() >= NAMES
    (tree / PACKED).write_bytes(pack(tree, packed_files(tree)))
    for path in packed_files(tree):
        path.unlink()
    assert packed_files(tree) == []
    return tree, written


def test_a_check_reads_what_is_packed(
    packed_tree: tuple[Path, dict[str, str]], run_check: Check
) -> None:
    tree, written = packed_tree
    assert run_check(tree, skip=RULES_OF_KEPT).findings == ()
    assert texts(kept_root(tree)) == written
    assert packed_files(tree) == []
    for dialect in DIALECTS:
        replace_in(
            tree / dialect / "notes" / "queries.sql",
            "WHERE author_id = :author_id;",
            "WHERE author_id || '' > :author_id;",
        )
    rules = {found.rule for found in run_check(tree, skip=RULES_OF_KEPT).findings}
    assert rules == {"plan-snapshot", "answer-snapshot"}


def test_an_update_makes_files_of_what_is_packed(
    packed_tree: tuple[Path, dict[str, str]], run_check: Check
) -> None:
    tree, written = packed_tree
    assert run_check(tree, skip=RULES_OF_KEPT, update_plans=True).findings == ()
    assert texts(tree) == written
    assert not (tree / PACKED).exists()
    assert kept_root(tree) == tree


def test_without_a_cache_it_is_unpacked_elsewhere(
    packed_tree: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, written = packed_tree
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    kept._unpacked.cache_clear()
    assert texts(kept_root(tree)) == written


def test_unpacking_a_tree_that_has_nothing_packed_changes_nothing(tree: Path) -> None:
    before = sorted(tree.rglob("*"))
    unpack(tree)
    assert sorted(tree.rglob("*")) == before
    assert kept_root(tree) == tree
