"""``aragora-sql check`` on a small tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aragora_sql.checker.check import Checked, Options
from aragora_sql.checker.rules import RULES
from aragora_sql.cli import check as command
from aragora_sql.cli import main
from aragora_sql.engines.findings import Finding
from tests.checker.conftest import SLOW
from tests.checker.tree import replace_in, write_tree
from tests.conftest import Servers, shared_cache

FAST = [word for rule in sorted(SLOW) for word in ("--skip", rule)]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of all tests: what the package's code calls is read once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache(tmp_path_factory)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path)


@pytest.fixture
def arguments(tree: Path, servers: Servers) -> list[str]:
    dsn = servers.default.dsn("postgres")
    code = str(tree.parent / "code")
    return ["check", "--sql-dir", str(tree), "--python", code, "--dsn", dsn, *FAST]


@pytest.fixture
def mistake(tree: Path) -> tuple[Path, int]:
    """A column that is not there: the file and the line."""
    path = tree / "sqlite" / "notes" / "queries.sql"
    return path, replace_in(path, "    n.score\n", "    n.scores\n")


def test_nothing_is_said_of_a_clean_tree(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "32 queries of 2 stores on PostgreSQL" in said.err
    assert "no findings" in said.err


def test_a_finding_is_one_line(
    arguments: list[str], mistake: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    path, line = mistake
    assert main(arguments) == 1
    assert capsys.readouterr().out == (
        f"{path}:{line}:5: error prepare: query 'list_notes': no such column: n.scores\n"
    )


def test_findings_as_json(
    arguments: list[str], mistake: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    path, line = mistake
    assert main([*arguments, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "path": str(path),
            "line": line,
            "column": 5,
            "rule": "prepare",
            "message": "query 'list_notes': no such column: n.scores",
            "level": "error",
        }
    ]


def test_findings_for_a_runner_of_github(
    arguments: list[str], mistake: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    path, line = mistake
    assert main([*arguments, "--format", "github"]) == 1
    assert capsys.readouterr().out == (
        f"::error file={path},line={line},col=5,title=prepare::"
        "query 'list_notes': no such column: n.scores\n"
    )


def test_paths_are_shown_from_the_working_folder(
    arguments: list[str],
    mistake: tuple[Path, int],
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tree.parent)
    assert main(arguments) == 1
    assert capsys.readouterr().out.startswith("sql/sqlite/notes/queries.sql:")


def test_of_a_file_only_what_it_touches_is_checked(
    arguments: list[str],
    mistake: tuple[Path, int],
    tree: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tree / "system" / "postgres" / "schema_versions" / "queries.sql"
    assert main([*arguments, str(other)]) == 0
    assert "24 queries of 1 store " in capsys.readouterr().err
    assert main([*arguments, str(tree / "postgres" / "notes" / "schema.sql")]) == 1
    assert main([*arguments, str(tree.parent / "code" / "notes.py")]) == 1
    assert main([*arguments, str(tree / "postgres" / "schema.sql")]) == 1


def test_code_of_an_application_is_added_to_that_of_the_package(
    arguments: list[str], tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the package calls the queries of schema_versions now, only the code those of notes."""
    code = tree.parent / "code" / "notes.py"
    text = code.read_text(encoding="utf-8")
    code.write_text(text[: text.index("class Versions")], encoding="utf-8")
    assert main(arguments) == 0, capsys.readouterr().out
    # A second folder is added as well.
    further = tree.parent / "further"
    further.mkdir()
    (further / "more.py").write_text(
        'class More(Store):\n    name = "notes"\n\n'
        "    def work(self, connection):\n        self._queries.get_notes(connection)\n",
        encoding="utf-8",
    )
    capsys.readouterr()
    assert main([*arguments, "--python", str(further)]) == 1
    assert "store 'notes' has no query 'get_notes'" in capsys.readouterr().out
    code.unlink()
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert "nothing calls query 'get_note'" in said
    assert "schema_versions" not in said


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--list-rules"]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [tuple(row.split("\t")) for row in rows] == list(RULES.items())


def test_each_save_is_checked(
    tree: Path, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tree / "sqlite" / "notes" / "queries.sql"
    elsewhere = Finding(tree / "system" / "sqlite" / "schema_versions" / "x.sql", 1, 1, "file", "x")
    options = Options(
        tree,
        (tree.parent / "code",),
        skip=frozenset({"style", "squawk", "plan-snapshot", "meaning"}),
        dsn=servers.default.dsn("postgres"),
    )
    shown: list[Checked] = []
    line = 0

    def saves() -> Iterator[set[Path]]:
        nonlocal line
        line = replace_in(path, "    n.score\n", "    n.scores\n")
        yield {path}
        replace_in(path, "    n.scores\n", "    n.score\n")
        yield {path}
        yield {tree.parent / "code" / "gone.py"}

    command.watch(options, shown.append, saves(), [elsewhere])
    assert [checked.failed for checked in shown] == [True, False, False]
    # the first two looked at one store
    assert [checked.stores for checked in shown] == [1, 1, 2]
    said = capsys.readouterr().err.splitlines()
    headed = [line for line in said if re.match(r"[0-2]\d:[0-5]\d:[0-6]\d saved: ", line)]
    assert len(headed) == len(shown)
    assert said[0].endswith(f"saved: {path}")
    assert [line.partition(":")[2] for line in said if line.startswith("since")] == [
        " 1 new, 0 gone, 0 as before",
        " 0 new, 1 gone, 0 as before",
        " 0 new, 1 gone, 0 as before",
    ]
    place = f"{path}:{line}:5: error prepare: query 'list_notes': no such column: n.scores"
    assert [line for line in said if line.startswith(("new: ", "gone: "))] == [
        f"new: {place}",
        f"gone: {place}",
        f"gone: {elsewhere}",
    ]


def test_a_finding_that_moved_is_no_new_one() -> None:
    def at(line: int, message: str) -> Finding:
        return Finding(Path("/q.sql"), line, 1, "prepare", message)

    before = [at(1, "a"), at(5, "b"), at(9, "b")]
    assert command.compared(before, [at(2, "a"), at(6, "b"), at(7, "c")]) == (
        [at(7, "c")],
        [at(9, "b")],
    )


def test_saves_are_seen(tree: Path) -> None:
    options = Options(tree, (tree.parent / "code",))
    path = tree / "sqlite" / "notes" / "queries.sql"
    before = command._stamps(options)
    path.write_text("-- changed\n", encoding="utf-8")
    (tree / "sqlite" / "notes" / "schema.sql").unlink()
    changed = command.changed(before, command._stamps(options))
    assert changed == {path, path.with_name("schema.sql")}
