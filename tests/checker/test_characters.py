"""The rule ``characters``: where it finds what is not seen, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker.characters import check_characters
from aragora_sql.checker.files import dialect_of, sql_files
from aragora_sql.queries.files import read_sql, sql_dir

QUERY = """\
-- name: get_note(note_id)^
-- Return a note.
-- result: body text
SELECT
    n.id,
    'a text' AS body
FROM notes AS n
WHERE n.id = :note_id AND n.score > -1;
"""


def found(path: Path, content: str) -> list[tuple[int, int, str]]:
    path.write_bytes(content.encode())
    return [
        (one.line, one.column, one.message)
        for one in check_characters(path, read_sql(path), "postgres")
    ]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("    n.id", "\tn.id", (5, 1)),
        ("FROM notes", "FROM\u00a0notes", (7, 5)),
        ("n.id = ", "n.i\u200bd = ", (8, 10)),
        ("n.id = ", "n.id\u2060 = ", (8, 11)),
        ("AND n", "AND\u3000n", (8, 26)),
        ("notes AS n", "not\u0435s AS n", (7, 9)),
        ("AS n\n", "AS \uff4e\n", (7, 15)),
        ("> -1", "> \u22121", (8, 37)),
        ("'a text'", "\u2018a text\u2019", (6, 5)),
        ("-- name", "-- n\u0430me", (1, 5)),
        ("-- name:", "-- name\uff1a", (1, 8)),
        ("get_note(", "get_n\u043ete(", (1, 15)),
        ("-- result: body", "-- result: b\u043edy", (3, 13)),
        ("Return a", "Return\u00ad a", (2, 10)),
        ("Return a", "Return \u202ea", (2, 11)),
        ("Return a", "Return\ta", (2, 10)),
        ("-- Return", "\ufeff-- Return", (2, 1)),
        ("n.id,\n", "n.id,\x0c\n", (5, 10)),
    ],
)
def test_it_is_found_in_its_place(
    tmp_path: Path, old: str, new: str, place: tuple[int, int]
) -> None:
    assert QUERY.count(old) >= 1
    told = found(tmp_path / "queries.sql", QUERY.replace(old, new, 1))
    assert told
    assert told[0][:2] == place, told


def test_what_a_file_has_often_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    (told,) = found(path, QUERY.replace("\n", "\r\n"))
    assert told[:2] == (1, 28)
    assert "CR LF" in told[2]
    assert "(8 times)" in told[2]
    ((line, column, message),) = found(path, "\ufeff" + QUERY)
    assert (line, column) == (1, 1)
    assert "byte order mark" in message


def test_a_literal_may_hold_anything_and_a_comment_any_writing(tmp_path: Path) -> None:
    text = QUERY.replace("a text", "\u00e4\t\u200b\u0430\u00a0\u202e \U0001f469\u200d\U0001f52c")
    text = text.replace(
        "Return a note.", "Gr\u00f6\u00dfe \u2013 \u201calles\u201d \u2026 \u0434\u0430"
    )
    text = text.replace("-- result", "-- parity: rows because \u0434\u0430\n-- result")
    text = text.replace("-- result", "-- Gr\u00f6\u00dfe: in Metern\n-- result")
    assert found(tmp_path / "queries.sql", text) == []


def test_a_file_that_is_never_closed_is_read_to_there(tmp_path: Path) -> None:
    told = found(tmp_path / "queries.sql", "SELECT\t1;\nSELECT 'open;\n")
    assert [place[:2] for place in told] == [(1, 7)]


def test_the_files_of_the_package_are_clean() -> None:
    for path in sql_files(sql_dir()):
        assert list(check_characters(path, read_sql(path), dialect_of(path))) == []
