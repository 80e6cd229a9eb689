"""Queries that are compared with themselves before an edit: what changed is said in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from aragora_sql.checker.changes import render_changes
from aragora_sql.checker.check import Options, Since, check_since
from aragora_sql.cli import main
from aragora_sql.errors import ConfigurationError
from tests.checker.test_meaning import LIST, POSTGRES, SQLITE
from tests.checker.tree import replace_in
from tests.conftest import Servers

Compare: TypeAlias = Callable[..., Since]
SCHEMAS = ("postgres/notes/schema.sql", "sqlite/notes/schema.sql")


@pytest.fixture
def earlier(tree: Path, tmp_path: Path) -> Path:
    """A copy of the small tree with a list and a write; the tree itself is to be edited."""
    for file, collation in ((POSTGRES, ' COLLATE "C"'), (SQLITE, "")):
        with (tree / file).open("a", encoding="utf-8") as out:
            out.write(LIST.format(collation=collation))
    return shutil.copytree(tree, tmp_path / "earlier")


@pytest.fixture
def compare(tree: Path, earlier: Path, servers: Servers) -> Compare:
    """Compare the tree with its copy."""

    def run(since: str = str(earlier)) -> Since:
        options = Options(tree, (tree.parent / "code",), dsn=servers.default.dsn("postgres"))
        return check_since(options, since)

    return run


def edit(tree: Path, old: str, new: str, files: tuple[str, ...] = (POSTGRES, SQLITE)) -> None:
    for file in files:
        replace_in(tree / file, old, new)


def line_of(tree: Path, file: str, query: str) -> int:
    lines = (tree / file).read_text(encoding="utf-8").splitlines()
    return next(n for n, text in enumerate(lines, 1) if text.startswith(f"-- name: {query}("))


def git(folder: Path, *arguments: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **own})


def test_edits_of_both_dialects_are_said_in_words(tree: Path, compare: Compare) -> None:
    edit(tree, "n.created_at DESC, n.id", "n.created_at ASC, n.id")
    edit(tree, "score > :least_score", "score >= :least_score")
    edit(tree, "SELECT count(*) AS total", "SELECT count(body) AS total")
    edit(tree, "    n.body,\n    n.done,", "    n.body AS note,\n    n.done,")
    edit(tree, "    n.score\n", "    n.score * 2 AS score\n")
    compared = compare()
    expected = {
        "list_recent": "rows now sorted by n.created_at ASC, n.id",
        "finish_notes": "changes more rows in ",
        "count_notes": "gives a smaller number in ",
        "get_note": "column body is gone; column note is new",
        "list_notes": "column score is another value in ",
    }
    found = {(one.path, one.query): one for one in compared.changes}
    for file in (POSTGRES, SQLITE):
        for query, words in expected.items():
            change = found.get((tree / file, query))
            assert change is not None, query
            assert change.kind == "changed"
            assert change.line == line_of(tree, file, query)
            assert words in "; ".join(change.details), change
            assert change.example.startswith("for example"), change
    assert compared.queries == 10


def test_a_difference_is_shown_on_few_rows(tree: Path, compare: Compare) -> None:
    edit(tree, "score > :least_score", "score >= :least_score")
    for change in compare().changes:
        # One note whose score is the bound, and nothing else.
        assert change.example.count("notes (") == 1, change.example
        assert change.example.endswith(": 0 before, 1 now"), change.example


def test_a_form_that_means_the_same_is_no_change(tree: Path, compare: Compare) -> None:
    edit(tree, "-- Count the notes of an author.", "-- Count what an author wrote.")
    edit(tree, "AND score > :least_score", "AND :least_score < score")
    edit(tree, "FROM notes AS n\nWHERE n.id = :note_id", "FROM notes AS n WHERE n.id = :note_id")
    compared = compare()
    assert compared.changes == ()
    # The others differ in comments and blanks only: nothing is called.
    assert compared.queries == 2


def test_a_schema_changes_answers_of_queries_that_stay(tree: Path, compare: Compare) -> None:
    edit(tree, "DEFAULT 0.5", "DEFAULT 0.25", SCHEMAS)
    found = compare().changes
    assert {one.path for one in found if not one.query} == {tree / file for file in SCHEMAS}
    changes = [one for one in found if one.query]
    assert {(one.path, one.query) for one in changes} == {
        (tree / POSTGRES, "add_note"),
        (tree / SQLITE, "add_note"),
    }
    for one in changes:
        assert "column notes.score is left another value" in one.details[0]
        assert "[{'score': 0.5}] before, [{'score': 0.25}] now" in one.example


def test_rows_are_those_that_both_schemas_take(tree: Path, compare: Compare) -> None:
    edit(tree, "    body TEXT,\n", "    body TEXT,\n    extra TEXT,\n", SCHEMAS)
    edit(tree, "(score BETWEEN 0 AND 1)", "(score BETWEEN 0 AND 100)", SCHEMAS)
    # What the schemas say is told besides.
    changes = [one for one in compare().changes if one.query]
    assert {(one.query, one.details[0].partition(" in ")[0]) for one in changes} <= {
        ("add_note", "raises no IntegrityError any more"),
        ("add_note", "raises no CheckViolationError any more"),
    }


def test_queries_that_come_go_or_take_something_else(tree: Path, compare: Compare) -> None:
    edit(tree, "-- name: count_notes(author_id)$", "-- name: count_all_notes(author_id)$")
    edit(tree, "-- name: get_note(note_id)^", "-- name: get_note(note_id)")
    edit(tree, "finish_notes(author_id, least_score)", "finish_notes(author_id, lowest)")
    edit(tree, "score > :least_score", "score > :lowest")
    edit(tree, "list_notes(author_id, body)", "list_notes(author_id, body, done)")
    cast = {POSTGRES: "::boolean", SQLITE: ""}
    for file in (POSTGRES, SQLITE):
        added = f"\n    AND (:done{cast[file]} IS NULL OR n.done = :done)\n    AND (:body"
        replace_in(tree / file, "\n    AND (:body", added)
    found = {(one.query, one.kind, one.details) for one in compare().changes}
    operation = "its operation was '^' and is 'none'"
    parameters = "its parameters were (author_id, least_score) and are (author_id, lowest)"
    # A filter that may be left out is left out: list_notes gives what it gave.
    assert found == {
        ("count_all_notes", "added", ()),
        ("count_notes", "removed", ()),
        ("get_note", "not compared", (operation,)),
        ("finish_notes", "not compared", (parameters,)),
    }


def test_a_query_that_no_longer_runs_is_said(tree: Path, compare: Compare) -> None:
    edit(tree, "SET done = TRUE", "SET finished = TRUE")
    [*changes] = compare().changes
    assert [(one.query, one.kind) for one in changes] == [("finish_notes", "not compared")] * 2
    assert all("finished" in one.details[0] for one in changes)


def test_a_revision_is_read_through_git(
    tree: Path, compare: Compare, capsys: pytest.CaptureFixture[str], servers: Servers
) -> None:
    git(tree.parent, "init", "--quiet")
    git(tree.parent, "add", "sql")
    git(tree.parent, "commit", "--quiet", "--message", "before")
    edit(tree, "score > :least_score", "score >= :least_score")
    [first, *_] = compare("HEAD").changes
    assert (first.query, first.kind) == ("finish_notes", "changed")
    with pytest.raises(ConfigurationError, match="'no-such' is neither a folder nor a revision"):
        compare("no-such")
    with pytest.raises(ConfigurationError, match="'--output=x' is neither a folder nor a revision"):
        compare("--output=x")
    given = ["--sql-dir", str(tree), "--dsn", servers.default.dsn("postgres"), "--no-keep"]
    assert main(["check", *given, "--since", "HEAD", "--format", "json"]) == 1
    out = capsys.readouterr()
    [listed, _] = json.loads(out.out)
    assert (listed["query"], listed["dialect"], listed["line"]) == (
        "finish_notes",
        "postgres",
        line_of(tree, POSTGRES, "finish_notes"),
    )
    assert "2 edited queries compared with those of HEAD in 80 calls" in out.err
    git(tree.parent, "commit", "--quiet", "--all", "--message", "after")
    assert main(["check", *given, "--since", "HEAD"]) == 0
    assert "nothing changed" in capsys.readouterr().err


def test_a_folder_that_is_no_tree_and_a_tree_that_is_in_no_repository(
    compare: Compare, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="is in no git repository"):
        compare("HEAD")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="--since"):
        compare(str(tmp_path / "empty"))


def test_the_forms_of_a_change(tree: Path, compare: Compare) -> None:
    edit(tree, "-- name: count_notes(author_id)$", "-- name: count_all_notes(author_id)$")
    changes = compare().changes
    text = render_changes(changes, "text")
    assert "'count_all_notes' was added" in text
    assert "::warning file=" in render_changes(changes, "github")


def test_what_tables_are_made_otherwise_is_said(tree: Path, compare: Compare) -> None:
    edit(tree, "    score DOUBLE PRECISION NOT NULL", "    score REAL NOT NULL", SCHEMAS[:1])
    edit(tree, "notes_pkey PRIMARY KEY (id)", "notes_pkey PRIMARY KEY (id, author_id)", SCHEMAS[1:])
    found = {(one.path, one.line, str(one)) for one in compare().changes if one.kind == "schema"}
    lines = [(tree / file).read_text(encoding="utf-8").splitlines() for file in SCHEMAS]
    score = next(n for n, text in enumerate(lines[0], 1) if "    score REAL" in text)
    key = next(n for n, text in enumerate(lines[1], 1) if "notes_pkey" in text)
    assert found == {
        (
            tree / SCHEMAS[0],
            score,
            "column score of notes is real NOT NULL DEFAULT 0.5, and was double precision NOT "
            "NULL DEFAULT 0.5",
        ),
        (
            tree / SCHEMAS[1],
            key,
            "constraint notes_pkey of notes is PRIMARY KEY (id, author_id), and was PRIMARY KEY "
            "(id)",
        ),
    }


def test_what_the_release_before_can_not_do_is_said(
    tree: Path, earlier: Path, compare: Compare
) -> None:
    version = (
        "\nINSERT INTO _schema_versions (module, version) VALUES ('notes', {})\n"
        "ON CONFLICT (module) DO NOTHING;\n"
    )
    for root, number in ((tree, 2), (earlier, 1)):
        for file in SCHEMAS:
            with (root / file).open("a", encoding="utf-8") as out:
                out.write(version.format(number))
    new = "    done BOOLEAN NOT NULL DEFAULT FALSE,\n"
    replace_in(tree / SCHEMAS[0], new, f"{new}    mood TEXT NOT NULL,\n")
    new = "    done INTEGER NOT NULL DEFAULT 0,\n"
    replace_in(tree / SCHEMAS[1], new, f"{new}    mood TEXT NOT NULL,\n")
    for dialect in ("postgres", "sqlite"):
        folder = tree / dialect / "notes" / "upgrades"
        folder.mkdir()
        text = "-- A mood, which the release before does not give.\n\n"
        text += "ALTER TABLE notes ADD COLUMN mood TEXT NOT NULL DEFAULT 'x';\n"
        if dialect == "postgres":
            text += "ALTER TABLE notes ALTER COLUMN mood DROP DEFAULT;\n"
        (folder / "0002_mood_of_notes.sql").write_text(text, encoding="utf-8")
    found = [one for one in compare().changes if one.kind == "release before"]
    # On SQLite the default stays.
    assert {(one.path, one.line, one.query) for one in found} == {
        (tree / POSTGRES, line_of(tree, POSTGRES, "add_note"), "add_note")
    }
    assert "of the release before answers otherwise on the upgraded database" in str(found[0])
    assert "NotNull" in str(found[0])
