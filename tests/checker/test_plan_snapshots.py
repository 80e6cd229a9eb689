"""Committed plans: missing ones, those of other versions, and what an update accepts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aragora_sql.checker.check import Options, check
from aragora_sql.checker.plan_names import same_but_aliases
from aragora_sql.checker.plan_snapshots import worse_steps
from aragora_sql.checker.rules import RULES
from aragora_sql.cli import main
from aragora_sql.queries.files import DIALECTS, sql_dir
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.conftest import Servers

ONLY = frozenset(RULES) - {"plan-snapshot", "file", "prepare"}
FILTER = "WHERE author_id = :author_id;"
SCAN = "WHERE author_id || '' = :author_id;"


@pytest.fixture
def planned(tree: Path, run_check: Check) -> Path:
    """The tree with its plans."""
    checked = run_check(tree, skip=ONLY, update_plans=True)
    assert checked.findings == ()
    assert {str(change).partition(":")[0] for change in checked.plan_changes} == {"plan"}
    assert run_check(tree, skip=ONLY).findings == ()
    return tree


def of_postgres(tree: Path) -> Path:
    (folder,) = (tree / "plans").glob("postgres-*")
    return folder


def found(run_check: Check, tree: Path) -> list[tuple[str, int, str]]:
    findings = run_check(tree, skip=ONLY).findings
    assert all((f.rule, f.level) == ("plan-snapshot", "error") for f in findings)
    return [(f.path.relative_to(tree).as_posix(), f.line, f.message) for f in findings]


def test_missing_plans_are_an_error_that_says_what_to_do(planned: Path, run_check: Check) -> None:
    postgres = of_postgres(planned)
    (planned / "plans" / "sqlite" / "notes.txt").unlink()
    postgres.rename(postgres.with_name("postgres-9"))
    (first, _, of_folder), (second, line, of_file) = found(run_check, planned)
    assert (first, second, line) == (f"plans/{postgres.name}", "plans/sqlite/notes.txt", 1)
    assert "there is postgres-9: aragora-sql check --update-plans, or --skip" in of_folder
    assert of_file.startswith("the plans of notes on SQLite")
    assert of_file.endswith("aragora-sql check --update-plans")
    # What an update writes is beside the plans of the other version.
    run_check(planned, skip=ONLY, update_plans=True)
    assert found(run_check, planned) == []
    assert (planned / "plans" / "postgres-9" / "notes.txt").is_file()


def test_plans_of_another_version_and_of_what_is_gone(planned: Path, run_check: Check) -> None:
    postgres = of_postgres(planned)
    file = postgres / "notes.txt"
    version = postgres.name.removeprefix("postgres-")
    replace_in(file, f"on PostgreSQL {version}\n", "on PostgreSQL 12\n")
    sqlite = planned / "plans" / "sqlite" / "notes.txt"
    text = sqlite.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    # The same plans of another SQLite are good plans.
    sqlite.write_text(f"Plans of notes on SQLite 3.1\n{rest}", encoding="utf-8")
    (postgres / "gone.txt").write_text("Plans of gone on PostgreSQL 18\n", encoding="utf-8")
    other = planned / "plans" / "postgres-9"
    other.mkdir()
    stale = "Plans of notes on PostgreSQL 9\n\nget_notes\n    Seq Scan\n\nget_note\n    Result\n"
    (other / "notes.txt").write_text(stale, encoding="utf-8")
    assert [
        (path, line, said.partition(":")[0]) for path, line, said in found(run_check, planned)
    ] == [
        (f"plans/{postgres.name}/gone.txt", 1, "there is no store 'gone'"),
        (
            f"plans/{postgres.name}/notes.txt",
            1,
            f"these are plans of PostgreSQL 12, here is PostgreSQL {version}",
        ),
        ("plans/postgres-9/notes.txt", 3, "there is no query 'get_notes'"),
    ]
    sqlite.write_text(f"Plans of notes on SQLite 3.1\n{rest.replace('SEARCH', 'SCAN')}", "utf-8")
    file.write_text("\n", encoding="utf-8")
    said = {path: said for path, _, said in found(run_check, planned)}
    assert "these are plans of SQLite 3.1, here is SQLite" in said["plans/sqlite/notes.txt"]
    assert "of 4 differ" in said["plans/sqlite/notes.txt"]
    assert "the first line is not" in said[f"plans/{postgres.name}/notes.txt"]
    run_check(planned, skip=ONLY, update_plans=True, accept_worse=True)
    assert found(run_check, planned) == []
    assert sqlite.read_text(encoding="utf-8") == text
    assert head in text
    assert not (postgres / "gone.txt").exists()
    assert (other / "notes.txt").read_text(encoding="utf-8") == stale.replace(
        "get_notes\n    Seq Scan\n\n", ""
    )


def test_another_alias_is_no_other_plan(planned: Path, run_check: Check) -> None:
    for dialect in DIALECTS:
        path = planned / dialect / "notes" / "queries.sql"
        text = path.read_text(encoding="utf-8")
        renamed = re.sub(r"(?<![\w:.])n\.", "one.", text).replace("AS n\n", "AS one\n")
        assert renamed != text
        path.write_text(renamed, encoding="utf-8")
    assert found(run_check, planned) == []
    nested = "Nested Loop\n  -> Index Scan using a on t c\n  -> Index Scan using b on t p\n"
    exchanged = nested.replace("t c", "t q").replace("t p", "t c").replace("t q", "t p")
    assert same_but_aliases(nested, exchanged, "postgres")
    for other in (
        nested.replace("using a", "using b"),
        nested.replace("t c", "s c"),
        nested.replace("t p", "t c"),
        nested.replace("t c\n", "t c\n    Index Cond: (id = $1)\n"),
    ):
        assert not same_but_aliases(nested, other, "postgres")
    assert same_but_aliases(
        "SEARCH a USING INDEX i (x=?)", "SEARCH b USING INDEX i (x=?)", "sqlite"
    )
    for other in ("SCAN a", "SEARCH a USING INDEX j (x=?)", "SEARCH a USING INDEX i (y=?)"):
        assert not same_but_aliases("SEARCH a USING INDEX i (x=?)", other, "sqlite")


def test_an_update_asks_before_it_accepts_a_scan(
    planned: Path, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = [word for rule in sorted(ONLY) for word in ("--skip", rule)]
    command = ["check", "--sql-dir", str(planned), "--dsn", servers.default.dsn("postgres")]
    command += skipped
    files = [*planned.glob("plans/*/notes.txt")]
    before = [file.read_text(encoding="utf-8") for file in files]
    for dialect in ("postgres", "sqlite"):
        path = planned / dialect / "notes" / "queries.sql"
        # This one does less, and is listed behind.
        replace_in(path, "n.body,\n    n.done,\n    n.details,\n    n.created_at", "n.body")
        replace_in(path, "WHERE n.id = :note_id;", "WHERE n.id = :note_id AND n.score > 0.5;")
        line = replace_in(path, FILTER, SCAN) - 4
    assert main([*command, "--update-plans"]) == 1
    said = capsys.readouterr()
    listed = [line for line in said.err.splitlines() if " plan" in line or " worse" in line]
    assert listed[0].endswith(
        "worse (not written): of notes.count_notes on PostgreSQL "
        f"{of_postgres(planned).name.removeprefix('postgres-')}: Seq Scan on notes"
    )
    assert f"postgres/notes/queries.sql:{line}: worse" in listed[0]
    assert "worse (not written): of notes.count_notes on SQLite" in listed[1]
    assert listed[1].endswith(": SCAN")
    assert "plan: of notes.get_note on PostgreSQL" in listed[2]
    assert "(Seq Scan on notes appears): look at it, then" in said.out
    assert "--update-plans --accept-worse" in said.out
    after = [file.read_text(encoding="utf-8") for file in files]
    part = [text.split("\n\ncount_notes\n")[1] for text in after]
    assert part == [text.split("\n\ncount_notes\n")[1] for text in before]
    assert after != before
    assert main([*command, "--update-plans", "--accept-worse"]) == 0
    assert "worse: of notes.count_notes" in capsys.readouterr().err
    assert main(command) == 0
    assert main(["check", "--accept-worse"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "steps"),
    [
        ("Index Scan using i on t\n  Index Cond: (a = $1)", "Seq Scan on t x", ["Seq Scan on t"]),
        ("Seq Scan on t x", "Seq Scan on t y\n  Filter: (a = $1)", []),
        ("Seq Scan on t", "Gather\n  ->  Parallel Seq Scan on t", []),
        ("Limit\n  ->  Result", "Limit\n  ->  Sort\n        Sort Key: a", ["Sort"]),
        ("Sort", "Incremental Sort\n  Sort Key: a", ["Incremental Sort"]),
        (
            "Index Only Scan using i on t x\n  Index Cond: (a = $1)",
            "Index Only Scan using i on t x\n  Filter: (a = $1)",
            ["Index Only Scan using i on t"],
        ),
        ("SEARCH t USING INDEX i (a=?)", "SCAN t", ["SCAN"]),
        ("SCAN t", "SCAN u", []),
        ("SCAN CONSTANT ROW", "SCAN CONSTANT ROW\nSCAN CONSTANT ROW", []),
        ("SCAN t", "SCAN t\nUSE TEMP B-TREE FOR ORDER BY", ["USE TEMP B-TREE FOR ORDER BY"]),
    ],
)
def test_what_is_worse(old: str, new: str, steps: list[str]) -> None:
    assert list(worse_steps(old.splitlines(), new.splitlines())) == steps


@pytest.mark.slow
def test_the_committed_plans_are_those_of_each_version(engine: str, servers: Servers) -> None:
    """On the newest PostgreSQL ``make prove`` compares them; here on every one that is asked for.

    A rule about plans that is declared needless on one version may be needed on another.
    """
    if engine == "sqlite":
        pytest.skip("the plans of SQLite are the same on each")
    rules = {"file", "prepare", "plan-snapshot", "full-scan", "filtered-walk"}
    options = Options(
        sql_dir(), (), skip=frozenset(RULES) - rules, dsn=servers[engine].dsn("postgres")
    )
    checked = check(options)
    known = {path.name for path in (sql_dir() / "plans").glob("postgres-*")}
    if engine in known:
        assert [str(finding) for finding in checked.findings] == []
    else:
        (finding,) = checked.findings
        assert f"no plans of PostgreSQL {engine.removeprefix('postgres-')} are here" in str(finding)
