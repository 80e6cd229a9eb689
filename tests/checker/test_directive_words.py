"""Comments that look like directives and are read by nobody, and comments that are prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker.directive_words import check_directive_words
from aragora_sql.checker.report import Report
from aragora_sql.engines.facts import Facts
from aragora_sql.queries.files import packaged_sql_dir

QUERY = "-- name: get_note()\n-- Return a note.\n{}\nSELECT 1 AS a;\n"
QUERIES = "postgres/notes/queries.sql"


def found(facts: Facts, root: Path) -> list[tuple[int, str]]:
    report = Report(facts)
    check_directive_words(root, report)
    return [(one.line, one.message) for one in report.findings(unneeded=False)]


def test_the_packaged_tree_has_none(facts: Facts) -> None:
    assert found(facts, packaged_sql_dir()) == []


@pytest.mark.parametrize(
    ("file", "text", "line", "said"),
    [
        (
            QUERIES,
            QUERY.format("-- plna: seq_scan allowed because it is small"),
            3,
            "is 'plan:' meant?",
        ),
        (QUERIES, QUERY.format("-- results: a not null"), 3, "is 'result:' meant?"),
        (QUERIES, QUERY.format("-- lock: notes rows in no order"), 3, "is 'locks:' meant?"),
        (QUERIES, QUERY.format("-- Plan: seq_scan"), 3, "write '-- plan: …'"),
        (QUERIES, QUERY.format("-- plan : seq_scan"), 3, "write '-- plan: …'"),
        (QUERIES, QUERY.format("-- foo: bar"), 3, "nothing reads 'foo:'"),
        (QUERIES, QUERY.format("/* foo: bar */"), 3, "nothing reads 'foo:'"),
        (QUERIES, QUERY.format("-- merge: newest a"), 3, "'merge:' is not read in this file"),
        (QUERIES, QUERY.format("-- locks:"), 3, "'locks:' says nothing"),
        (
            QUERIES,
            "-- plan: seq_scan\n\n" + QUERY.format("-- It."),
            1,
            "right under '-- name:' only",
        ),
        (
            QUERIES,
            "-- name: a()\n-- It.\nSELECT\n    1 AS a\n-- parity: a because b\nFROM t;\n",
            5,
            "right under '-- name:' only",
        ),
        (
            QUERIES,
            "-- name: a()\n-- It.\nSELECT 1 AS a\n-- columns: Note\nFROM t;\n",
            4,
            "behind SELECT and RETURNING only",
        ),
        ("legacy/notes.sql", QUERY.format("-- merg: newest a"), 3, "is 'merge:' meant?"),
        (
            "legacy/notes.sql",
            QUERY.format("-- result: a not null"),
            3,
            "'result:' is not read in this file",
        ),
        (
            "postgres/notes/schema.sql",
            "-- partiy: column a because b\nSELECT 1;\n",
            1,
            "is 'parity:' meant?",
        ),
        (
            "migration/queries.sql",
            QUERY.format("-- meanig: rows because b"),
            3,
            "is 'meaning:' meant?",
        ),
    ],
)
def test_what_nobody_reads_is_named(
    file: str, text: str, line: int, said: str, facts: Facts, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    [(at, message)] = found(facts, tmp_path)
    assert at == line
    assert said in message


@pytest.mark.parametrize(
    "comment",
    [
        "-- Of notes that are there it is not\n-- known: they come last.",
        "-- A list of kinds: one, two.",
        "-- plan: seq_scan allowed because it is small",
        "-- result: a not null",
        "-- Times: all of them in UTC.",
        "-- see https://example.org/a:b",
        "-- a::text is a cast",
    ],
)
def test_prose_is_left_alone(comment: str, facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / QUERIES
    path.parent.mkdir(parents=True)
    text = QUERY.format(comment) + "-- name: b()\n-- It.\nSELECT '\n-- foo: bar\n' AS b;\n"
    path.write_text(text, encoding="utf-8")
    assert found(facts, tmp_path) == []
