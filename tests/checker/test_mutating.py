"""Edits that ``check --mutate`` makes: which ones are noticed, which are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from aragora_sql.checker.check import Options, check_mutations
from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.mutating.conditions import conditions
from aragora_sql.checker.mutating.result import LEAST, Outcome, StoreResult
from aragora_sql.cli import main
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.stores import STORES
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.conftest import Servers

SQLITE = "sqlite/notes/queries.sql"
POSTGRES = "postgres/notes/queries.sql"
# What no answer depends on: the key of the table leaves no second row.
NEEDLESS = "WHERE n.id = :note_id"

Mutate: TypeAlias = Callable[[Path], StoreResult]


@pytest.fixture
def run(servers: Servers) -> Mutate:
    def mutate(root: Path) -> StoreResult:
        options = Options(root, (root.parent / "code",), dsn=servers.default.dsn("postgres"))
        [store] = check_mutations(options).stores
        return store

    return mutate


def outcome(store: StoreResult, dialect: str, query: str, before: str, after: str) -> Outcome:
    [found] = [
        one
        for one in store.outcomes
        if (one.dialect, one.query, one.before, one.after) == (dialect, query, before, after)
    ]
    return found


def add_needless(tree: Path, comment: str = "") -> None:
    """Let a query ask twice for the same thing, in both dialects."""
    for file in (SQLITE, POSTGRES):
        replace_in(tree / file, NEEDLESS, f"{NEEDLESS} AND n.id IS NOT NULL")
        replace_in(tree / file, "-- Return a note.\n", f"-- Return a note.\n{comment}")


def test_edits_are_noticed_told_apart_or_named(tree: Path, run: Mutate) -> None:
    add_needless(tree)
    store = run(tree)
    for dialect in ("postgres", "sqlite"):
        # a comparison, a null test, a swapped column of the same type
        assert outcome(store, dialect, "get_note", "=", "<>").verdict == "meaning"
        assert outcome(store, dialect, "list_notes", "OR n.body = :body", "").verdict != "unnoticed"
        assert outcome(store, dialect, "count_notes", "author_id", "body").verdict == "meaning"
        # a parameter that is not used any more is refused at loading
        gone = outcome(store, dialect, "count_notes", "WHERE author_id = :author_id", "")
        assert gone.verdict == "refused"
    unnoticed = [one for one in store.unnoticed if one.before == "AND n.id IS NOT NULL"]
    # PostgreSQL 17 knows that the column is never NULL, and makes the same plan.
    assert {one.dialect for one in unnoticed} >= {"sqlite"}
    one = next(one for one in unnoticed if one.dialect == "sqlite")
    assert (one.path, one.query, one.after) == (tree / SQLITE, "get_note", "")
    text = (tree / SQLITE).read_text(encoding="utf-8").splitlines()[one.line - 1]
    assert text[one.column - 1 :].startswith("AND n.id IS NOT NULL")
    undecided = [u for u in store.undecided if u.condition == "n.id IS NOT NULL"]
    assert [u.missing for u in undecided if u.dialect == "sqlite"] == ["false"]
    assert store.counted == sum(
        verdict not in {"refused", "same", "declared"}
        for verdict in (one.verdict for one in store.outcomes)
    )
    assert store.share == pytest.approx(1 - len(store.unnoticed) / store.counted)


def test_a_declared_piece_is_not_counted(tree: Path, run: Mutate) -> None:
    comment = "-- meaning: no answer depends on n.id IS NOT NULL because id is a key\n"
    add_needless(tree, comment)
    store = run(tree)
    assert not [one for one in store.unnoticed if "IS NOT NULL" in one.before]
    assert outcome(store, "sqlite", "get_note", "AND n.id IS NOT NULL", "").verdict == "declared"
    assert not [one for one in store.undecided if one.condition == "n.id IS NOT NULL"]
    assert not [one for one in store.findings if one.path == tree / SQLITE]


def test_a_declaration_that_is_not_needed_is_named(
    tree: Path, run: Mutate, run_check: Check
) -> None:
    comment = "-- Return a note.\n"
    line = "-- meaning: no answer depends on {} because it is a test\n"
    replace_in(tree / SQLITE, comment, comment + line.format("n.id = :note_id"))
    [finding] = run(tree).findings
    assert (finding.rule, finding.path) == ("directive", tree / SQLITE)
    assert "'no answer depends on n.id = :note_id' is not needed" in finding.message
    replace_in(tree / SQLITE, line.format("n.id = :note_id"), line.format("n.id = :gone"))
    found = [str(f) for f in run_check(tree).findings]
    assert any("query 'get_note' has no 'n.id = :gone'" in one for one in found), found


def test_a_tree_with_errors_is_refused(tree: Path, run: Mutate) -> None:
    replace_in(tree / SQLITE, "    n.body,\n    n.done", "    n.gone,\n    n.done")
    with pytest.raises(ConfigurationError, match=r"no such column: n\.gone"):
        run(tree)


def test_the_command_prints_shares_and_fails_below_the_least(
    tree: Path, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    add_needless(tree)
    given = ["check", "--mutate", "notes", "--sql-dir", str(tree), "--no-keep"]
    given += ["--dsn", servers.default.dsn("postgres")]
    code = main([*given, "--format", "json"])
    said = json.loads(capsys.readouterr().out)
    [store] = said["stores"]
    assert (said["least"], store["store"]) == (LEAST, "notes")
    assert code == (1 if store["share"] < LEAST else 0)
    assert store["edits"] == sum(store["noticed_by"].values()) + len(store["unnoticed"])
    assert store["not_counted"].keys() == {"refused", "same", "declared"}
    assert {one["condition"] for one in store["undecided"]} >= {"n.id IS NOT NULL"}
    assert all(Path(one["path"]).name == "queries.sql" for one in store["unnoticed"])


def test_edits_come_out_the_same_each_time(tree: Path, run: Mutate) -> None:
    first, second = run(tree), run(tree)
    assert first == second


@pytest.mark.parametrize("other", ["--watch", "--update-plans", "--since=HEAD"])
def test_it_is_a_command_of_its_own(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--mutate", other]) == 2
    assert "are two commands" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in STORES])
def test_a_store_of_the_packaged_tree_reaches_its_share(name: str, servers: Servers) -> None:
    # One store alone: pytest -m slow -k "reaches_its_share and jobs"
    root = packaged_sql_dir()
    files = (root / "sqlite" / name / "queries.sql",)
    options = Options(root, (), files=files, dsn=servers.default.dsn("postgres"))
    [store] = check_mutations(options).stores
    assert store.share >= LEAST, "\n".join(map(str, store.unnoticed))


def test_clauses_and_conditions_of_a_statement() -> None:
    sql = """
        INSERT INTO a (b, c)
        SELECT x.b, CASE WHEN x.c > 1 AND NOT (x.d OR x.e) THEN 1 ELSE 2 END
        FROM x LEFT JOIN y ON x.id = y.id AND y.f BETWEEN 1 AND 2
        WHERE EXISTS (SELECT 1 FROM z WHERE z.g IS DISTINCT FROM x.g)
        ON CONFLICT (b) WHERE b IS NOT NULL DO UPDATE SET c = excluded.c WHERE a.c < 3
        RETURNING b
    """
    statement = Statement(sql, "postgres")
    names = [clause.name for clause in statement.clauses]
    assert names.count("WHERE") == 3
    for name in ("TARGET", "ARBITER", "CONFLICT", "SET", "RETURNING", "ON", "WHEN", "ELSE"):
        assert names.count(name) == 1, name
    leaves = [statement.text(c.start, c.end) for c in conditions(statement) if c.is_leaf]
    assert sorted(leaves) == sorted(
        [
            "x.c > 1",
            "x.d",
            "x.e",
            "x.id = y.id",
            "y.f BETWEEN 1 AND 2",
            "EXISTS (SELECT 1 FROM z WHERE z.g IS DISTINCT FROM x.g)",
            "z.g IS DISTINCT FROM x.g",
            "a.c < 3",
        ]
    )
