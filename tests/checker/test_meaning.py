"""Edits of one dialect that change what a query answers: each is named at its query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from aragora_sql.checker import meaning
from aragora_sql.checker.check import Checked
from aragora_sql.checker.meaning import comparing, second_process
from aragora_sql.errors import ConfigurationError
from aragora_sql.settings import PostgresDSN
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.conftest import Servers

# Only the comparison: the others have tests of their own.
OTHERS = frozenset({"style", "squawk", "full-scan", "filtered-walk", "plan-snapshot"})
SQLITE = "sqlite/notes/queries.sql"
POSTGRES = "postgres/notes/queries.sql"

LIST = """
-- name: list_recent(since, row_limit)
-- List notes since a timestamp, the newest first.
SELECT
    n.id,
    n.author_id
FROM notes AS n
WHERE n.created_at >= :since
ORDER BY n.created_at DESC, n.id{collation} ASC
LIMIT :row_limit;

-- name: finish_notes(author_id, least_score)!
-- Mark the notes of an author as done whose score is good enough.
UPDATE notes
SET done = TRUE
WHERE
    author_id = :author_id
    AND score > :least_score;
"""
CALLS = """
        self._queries.list_recent(connection, since=None, row_limit=1)
        await self._queries.finish_notes(connection, author_id="1", least_score=0.5)
"""


@pytest.fixture
def larger(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The small tree with a list and a write; nothing that other checks found is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for file, collation in ((POSTGRES, ' COLLATE "C"'), (SQLITE, "")):
        with (tree / file).open("a", encoding="utf-8") as out:
            out.write(LIST.format(collation=collation))
    [code] = (tree.parent / "code").rglob("*.py")
    old = "        return await self._queries.count_notes"
    text = code.read_text(encoding="utf-8")
    code.write_text(text.replace(old, f"{CALLS.rstrip()[1:]}\n{old}", 1), encoding="utf-8")
    return tree


def compared(run_check: Check, tree: Path) -> Checked:
    return run_check(tree, skip=OTHERS)


def said(checked: Checked) -> list[str]:
    return [str(f) for f in checked.findings if f.rule == "meaning"]


def test_the_same_answers_are_no_finding(larger: Path, run_check: Check) -> None:
    assert [str(finding) for finding in compared(run_check, larger).findings] == []


@pytest.mark.parametrize(
    ("old", "new", "query", "subject"),
    [
        ("n.created_at >= :since", "n.created_at > :since", "list_recent", "rows"),
        ("n.created_at DESC, n.id ASC", "n.created_at ASC, n.id ASC", "list_recent", "order"),
        ("n.created_at DESC, n.id ASC", "n.created_at DESC, n.id DESC", "list_recent", "order"),
        ("LIMIT :row_limit", "LIMIT :row_limit + 1", "list_recent", "rows"),
        ("score > :least_score", "score >= :least_score", "finish_notes", "rows"),
        ("AND score > :least_score", "OR score > :least_score", "finish_notes", "rows"),
        ("SET done = TRUE", "SET done = FALSE", "finish_notes", "notes.done"),
        ("SET done = TRUE", "SET done = TRUE, body = NULL", "finish_notes", "notes.body"),
        ("SELECT count(*) AS total", "SELECT count(body) AS total", "count_notes", "rows"),
        ("(:body IS NULL OR", "(:body IS NOT NULL OR", "list_notes", "rows"),
        ("    n.body,\n    n.done,", "    n.body || ' ' AS body,\n    n.done,", "get_note", "body"),
    ],
)
def test_an_edit_of_one_dialect_is_named(
    old: str, new: str, query: str, subject: str, larger: Path, run_check: Check
) -> None:
    replace_in(larger / SQLITE, old, new)
    path = larger / SQLITE
    line = (
        path.read_text(encoding="utf-8")
        .splitlines()
        .index(
            next(
                text
                for text in path.read_text(encoding="utf-8").splitlines()
                if text.startswith(f"-- name: {query}(")
            )
        )
    )
    found = said(compared(run_check, larger))
    start = f"{SQLITE}:{line + 1}:1: error meaning: query '{query}' answers otherwise"
    assert any(start in one and f"[meaning: {subject}]" in one for one in found), found
    assert all(f"'{query}'" in one for one in found)


def test_an_order_with_ties_is_named(larger: Path, run_check: Check) -> None:
    replace_in(larger / SQLITE, "n.created_at DESC, n.id ASC", "n.created_at DESC")
    replace_in(larger / POSTGRES, 'n.created_at DESC, n.id COLLATE "C" ASC', "n.created_at DESC")
    [*found] = said(compared(run_check, larger))
    assert any("'list_recent'" in one for one in found), found


@pytest.mark.parametrize("file", [POSTGRES, SQLITE])
def test_an_order_that_one_dialect_lacks_is_named(
    file: str, larger: Path, run_check: Check
) -> None:
    order = (
        'n.created_at DESC, n.id COLLATE "C" ASC'
        if file == POSTGRES
        else ("n.created_at DESC, n.id ASC")
    )
    replace_in(larger / file, f"ORDER BY {order}\nLIMIT", "LIMIT")
    found = said(compared(run_check, larger))
    assert any("'list_recent'" in one for one in found), found


def test_an_order_that_both_dialects_leave_open_is_told(larger: Path, run_check: Check) -> None:
    replace_in(larger / SQLITE, "ORDER BY n.created_at DESC, n.id ASC\nLIMIT", "LIMIT")
    replace_in(larger / POSTGRES, 'ORDER BY n.created_at DESC, n.id COLLATE "C" ASC\n', "")
    [found] = [one for one in said(compared(run_check, larger)) if "leaves open" in one]
    assert f"{POSTGRES}:33:1: error meaning: query 'list_recent' leaves open which rows" in found
    assert "as the rows lie in the table; end the order with a key, called with" in found
    subject = found.rpartition("[meaning: ")[2].removesuffix("]")
    comment = "-- List notes since a timestamp, the newest first.\n"
    declared = f"{comment}-- meaning: {subject} because any of them will do\n"
    replace_in(larger / SQLITE, comment, declared)
    rest = said(compared(run_check, larger))
    assert not [one for one in rest if f"[meaning: {subject}]" in one], rest


@pytest.mark.parametrize("file", [POSTGRES, pytest.param(SQLITE, marks=pytest.mark.slow)])
def test_a_query_that_does_not_end_is_named(
    file: str, larger: Path, run_check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aragora_sql.checker.meaning.pair.CALL_SECONDS", 0.3)
    endless = """WITH RECURSIVE steps (n) AS (
    SELECT 1 AS n
    UNION ALL
    SELECT s.n % 7 + 1 AS n FROM steps AS s
)

SELECT count(*) AS total
FROM steps, notes"""
    replace_in(larger / file, "SELECT count(*) AS total\nFROM notes", endless)
    [found] = [one for one in said(compared(run_check, larger)) if "time limit" in one]
    assert f"{file}:27:1: error meaning: query 'count_notes' does not end: stopped after" in found
    assert "called with {'author_id': " in found
    assert "answered in time" in found


def test_a_difference_is_shown_on_the_row_that_it_needs(larger: Path, run_check: Check) -> None:
    replace_in(larger / SQLITE, "score > :least_score", "score >= :least_score")
    found = said(compared(run_check, larger))
    rows = next(one for one in found if "[meaning: rows]" in one)
    assert rows.count("notes (id: ") == 1, rows
    assert "rows is 1 here and 0 there" in rows, rows


def test_a_table_without_a_column_to_fill_is_named(larger: Path, run_check: Check) -> None:
    for dialect, kind in (
        ("postgres", "BIGINT GENERATED ALWAYS AS IDENTITY"),
        ("sqlite", "INTEGER"),
    ):
        with (larger / dialect / "notes/schema.sql").open("a", encoding="utf-8") as out:
            end = " STRICT" if dialect == "sqlite" else ""
            key = "PRIMARY KEY" if dialect == "sqlite" else "CONSTRAINT turns_pkey PRIMARY KEY"
            out.write(f"\nCREATE TABLE IF NOT EXISTS turns (\n    id {kind} {key}\n){end};\n")
    found = said(compared(run_check, larger))
    assert any("no generated row keeps the rules of 'turns'" in one for one in found), found


def test_a_rule_of_one_schema_is_named_with_the_row(larger: Path, run_check: Check) -> None:
    replace_in(
        larger / "sqlite/notes/schema.sql", "(score BETWEEN 0 AND 1)", "(score BETWEEN 0 AND 0.5)"
    )
    found = said(compared(run_check, larger))
    assert any(
        "sqlite refuses a row of 'notes' that postgres takes (CheckViolationError" in one
        and "score: " in one
        for one in found
    ), found


def test_a_table_without_a_row_is_named(larger: Path, run_check: Check) -> None:
    for dialect in ("postgres", "sqlite"):
        file = larger / dialect / "notes/schema.sql"
        replace_in(file, "(score BETWEEN 0 AND 1)", "(score BETWEEN 0.123 AND 0.124)")
    found = said(compared(run_check, larger))
    assert any("no generated row keeps the rules of 'notes'" in one for one in found), found
    assert any("notes_score_check" in one for one in found), found


@pytest.mark.parametrize(
    "directive",
    ["rows because the last row counts twice", "not compared because it is being rebuilt"],
)
def test_a_reason_takes_a_difference_away(directive: str, larger: Path, run_check: Check) -> None:
    comment = "-- List notes since a timestamp, the newest first.\n"
    replace_in(larger / SQLITE, "n.created_at >= :since", "n.created_at > :since")
    replace_in(larger / SQLITE, comment, f"{comment}-- meaning: {directive}\n")
    assert said(compared(run_check, larger)) == []


def test_a_distance_is_held(larger: Path, run_check: Check) -> None:
    comment = "-- List the notes of an author, all of them or those with one text.\n"
    for file in (SQLITE, POSTGRES):
        replace_in(larger / file, "    n.score\n", "    n.score * 1.0 AS score\n")
    replace_in(larger / SQLITE, "n.score * 1.0", "n.score * 1.0000001")
    assert any("[meaning: score]" in one for one in said(compared(run_check, larger)))
    line = f"{comment}-- meaning: score within 1e-6 because it is a guess\n"
    replace_in(larger / SQLITE, comment, line)
    assert said(compared(run_check, larger)) == []
    replace_in(larger / SQLITE, "within 1e-6", "within 1e-9")
    assert any("[meaning: score]" in one for one in said(compared(run_check, larger)))


def test_a_role_that_may_make_no_database_compares_nothing_and_says_so(
    larger: Path, run_check: Check, servers: Servers
) -> None:
    server = servers.default
    name = server.create_database()
    role = f"plain_{name}"
    try:
        with psycopg.connect(server.dsn(name), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
            connection.execute(f"GRANT CREATE ON DATABASE {name} TO {role}".encode())
        dsn = replace(PostgresDSN.parse(server.dsn(name)), user=role).uri()
        checked = run_check(larger, skip=OTHERS, dsn=dsn)
    finally:
        server.drop_database(name)
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP ROLE IF EXISTS {role}".encode())
    [found] = checked.findings
    assert (found.rule, found.level) == ("meaning", "warning")
    assert "were not compared: the role may make no database" in found.message
    assert not checked.failed


def test_what_did_not_change_is_remembered(
    larger: Path, run_check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_in(larger / SQLITE, "n.created_at >= :since", "n.created_at > :since")
    first = said(compared(run_check, larger))
    assert first
    asked: list[str] = []
    real: Callable[..., object] = comparing.compare_query

    def compare(pair: object, query: object, *more: object) -> object:
        asked.append(query.name)  # type: ignore[attr-defined]
        return real(pair, query, *more)

    monkeypatch.setattr("aragora_sql.checker.meaning.compare_query", compare)
    assert said(compared(run_check, larger)) == first
    assert asked == []
    replace_in(larger / SQLITE, "score > :least_score", "score >= :least_score")
    assert len(said(compared(run_check, larger))) > len(first)
    assert asked == ["finish_notes"]


def test_a_second_process_finds_the_same(
    larger: Path, run_check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replace_in(larger / SQLITE, "n.created_at >= :since", "n.created_at > :since")
    replace_in(larger / SQLITE, "SET done = TRUE", "SET done = FALSE")
    found = {}
    for many in (1000, 2):
        # Nothing of the first is remembered.
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(many)))
        monkeypatch.setattr(meaning, "_MANY", many)
        checked = run_check(larger, skip=OTHERS)
        found[many] = checked.findings, checked.meaning
    assert found[1000] == found[2]
    assert {f.message.split("'")[1] for f in found[2][0]} == {"list_recent", "finish_notes"}


def test_a_second_process_that_fails_is_told(
    larger: Path, run_check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(meaning, "_MANY", 2)
    monkeypatch.setattr(second_process, "_WORKER", "aragora_sql.checker.meaning.no_such_module")
    with pytest.raises(ConfigurationError, match=r"second process .*no_such_module"):
        run_check(larger, skip=OTHERS)


COMPUTED = """
-- name: get_newest(author_id)$
-- Return when an author wrote last.
{directive}SELECT max(n.created_at) AS newest
FROM notes AS n
WHERE n.author_id = :author_id;
"""


def test_what_is_declared_of_a_column_is_not_remembered_for_another_declaration(
    larger: Path, run_check: Check
) -> None:
    declared = "-- result: newest timestamp\n"
    for file, directive in ((POSTGRES, ""), (SQLITE, declared)):
        with (larger / file).open("a", encoding="utf-8") as out:
            out.write(COMPUTED.format(directive=directive))
    assert said(compared(run_check, larger)) == []
    # The text of the query stays as it is.
    replace_in(larger / SQLITE, declared, "")
    [found] = said(compared(run_check, larger))
    assert "query 'get_newest' answers otherwise than PostgreSQL's: rows is '20" in found
    replace_in(larger / SQLITE, "-- Return when an author wrote last.\n", f"-- When.\n{declared}")
    assert said(compared(run_check, larger)) == []
