"""Proofs: what was found right is not looked at again as it is, and an edit is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker import plans
from aragora_sql.checker.check import Checked, Options, check
from aragora_sql.checker.proofs import Proofs, proofs_path
from aragora_sql.engines import cache
from aragora_sql.errors import ConfigurationError
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

SCANNING = ("WHERE author_id = :author_id;", "WHERE author_id || '' = :author_id;")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests proved is not known here."""
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "own-cache")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The stores whose plans were looked at, by dialect."""
    seen: list[tuple[str, str]] = []
    real = plans._plans

    def look(facts, engines, stores=None):  # type: ignore[no-untyped-def]
        seen.extend(stores or ())
        return real(facts, engines, stores)

    monkeypatch.setattr(plans, "_plans", look)
    return seen


def proved(run_with_plans: Check, tree: Path) -> Checked:
    run_with_plans(tree, update_plans=True, update_answers=True, skip=frozenset())
    return run_with_plans(tree, update_proofs=True, skip=frozenset())


def test_a_plan_that_was_proved_is_not_looked_at_again(
    tree: Path, run_with_plans: Check, planned: list[tuple[str, str]]
) -> None:
    assert proved(run_with_plans, tree).findings == ()
    both = [("postgres", "notes"), ("sqlite", "notes")]
    planned.clear()
    assert run_with_plans(tree).findings == ()
    assert planned == []
    # On another machine the tree's own proofs are all that is known.
    for file in cache.cache_folder().glob("*.json"):
        file.unlink()
    assert run_with_plans(tree).findings == ()
    assert planned == []
    assert run_with_plans(tree, afresh=True).findings == ()
    assert set(both) <= set(planned)


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_an_edit_of_a_query_is_looked_at_in_its_dialect(
    dialect: str, tree: Path, run_with_plans: Check, planned: list[tuple[str, str]]
) -> None:
    proved(run_with_plans, tree)
    planned.clear()
    replace_in(tree / dialect / "notes" / "queries.sql", *SCANNING)
    rules = {finding.rule for finding in run_with_plans(tree).findings}
    assert "plan-snapshot" in rules
    assert planned == [(dialect, "notes")]
    # What is wrong is no proof: it is found again.
    assert {finding.rule for finding in run_with_plans(tree).findings} == rules


def test_an_edit_of_a_schema_or_of_a_committed_plan_is_looked_at(
    tree: Path, run_with_plans: Check, planned: list[tuple[str, str]]
) -> None:
    proved(run_with_plans, tree)
    planned.clear()
    (folder,) = (tree / "plans").glob("postgres-*")
    plan = folder / "notes.txt"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("Index Scan", "Bitmap Scan"), encoding="utf-8")
    assert {finding.rule for finding in run_with_plans(tree).findings} == {"plan-snapshot"}
    assert planned == [("postgres", "notes")]
    plan.write_text(text, encoding="utf-8")
    planned.clear()
    index = "CREATE INDEX IF NOT EXISTS idx_notes_created ON notes (created_at DESC);\n"
    replace_in(tree / "postgres" / "notes" / "schema.sql", index, "")
    assert {finding.rule for finding in run_with_plans(tree).findings} == {"parity-index"}
    assert ("postgres", "notes") in planned
    assert ("sqlite", "notes") not in planned


def test_a_declaration_about_a_plan_stays_needed_where_it_was_proved(
    tree: Path, run_with_plans: Check
) -> None:
    declared = (
        "    WHERE author_id || '' = :author_id;",
        "-- plan: seq_scan because this is a test",
    )
    for dialect in ("postgres", "sqlite"):
        path = tree / dialect / "notes" / "queries.sql"
        text = path.read_text(encoding="utf-8")
        name = next(
            part.split("(", 1)[0].split()[0]
            for part in text.split("-- name: ")[1:]
            if SCANNING[0] in part
        )
        head, _, rest = text.partition(f"-- name: {name}")
        line, _, body = rest.partition("\n")
        body = body.replace(SCANNING[0], declared[0].strip(), 1)
        path.write_text(f"{head}-- name: {name}{line}\n{declared[1]}\n{body}", encoding="utf-8")
    rules = {finding.rule for finding in proved(run_with_plans, tree).findings}
    assert "directive" not in rules
    assert {finding.rule for finding in run_with_plans(tree).findings} == rules


def test_proofs_are_of_the_whole_tree_and_all_rules(tree: Path) -> None:
    for more in ({"skip": frozenset({"style"})}, {"files": (tree / "postgres",)}):
        options = Options(tree, (), update_proofs=True, **more)
        with pytest.raises(ConfigurationError, match="--update-proofs takes the proofs of the"):
            check(options)


def test_a_proof_holds_for_what_it_was_made_of_alone(tmp_path: Path) -> None:
    first = Proofs(tmp_path)
    assert not first.holds("plans", ["a", "b"])
    first.add("plans", ["a", "b"])
    first.write()
    again = Proofs(tmp_path)
    assert again.holds("plans", ["a", "b"])
    assert again.missing == 0
    for name, parts in (("plans", ["ab"]), ("plans", ["a", "c"]), ("mappings", ["a", "b"])):
        assert not again.holds(name, parts)
    assert not Proofs(tmp_path, believed=False).holds("plans", ["a", "b"])
    proofs_path(tmp_path).write_bytes(b"\xff\n\xff\n")
    assert not Proofs(tmp_path).holds("plans", ["a", "b"])
