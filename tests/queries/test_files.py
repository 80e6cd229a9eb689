"""Files of named queries: what is read from them, and errors that name file and line."""

from __future__ import annotations

import os
from pathlib import Path

import aiosql
import pytest
from aiosql.utils import SQLParseException

from aragora_sql.database import Dialect
from aragora_sql.errors import QueryFileError, UnknownStoreError
from aragora_sql.queries.files import (
    DIALECTS,
    QueryText,
    column_kinds,
    packaged_sql_dir,
    query_folders,
    read_queries,
    read_sql,
    store_dir,
)

GOOD = """\
-- What this file is about.

-- name: get_note(note_id)^
-- Return a note, or nothing.
-- result: present boolean, seen_at timestamp
SELECT id, 1 AS present, now() AS seen_at -- the parameter :is below
FROM notes
WHERE id = :note_id;

/* between the queries */

-- name: list_notes()
/* List all notes. */
SELECT id FROM notes;
-- the end
"""


def read(tmp_path: Path, text: str | bytes, dialect: Dialect = "postgres") -> dict[str, QueryText]:
    path = tmp_path / "queries.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_queries(path, dialect)


def refusal(tmp_path: Path, text: str | bytes, dialect: Dialect = "postgres") -> tuple[int, str]:
    """Return line and text of the error, after checking that the message begins with both."""
    with pytest.raises(QueryFileError) as caught:
        read(tmp_path, text, dialect)
    error = caught.value
    assert error.path == tmp_path / "queries.sql"
    assert error.line is not None
    head = f"{error.path}:{error.line}: "
    assert str(error).startswith(head)
    return error.line, str(error).removeprefix(head)


def test_a_file_is_read_with_names_lines_parameters_and_comments(tmp_path: Path) -> None:
    queries = read(tmp_path, GOOD)
    assert list(queries) == ["get_note", "list_notes"]
    get, listing = queries.values()
    assert (get.line, get.operation, get.parameters) == (3, "^", ("note_id",))
    assert get.doc == "Return a note, or nothing."
    assert get.result_kinds == {"present": "boolean", "seen_at": "timestamp"}
    assert get.sql.startswith("SELECT id, 1 AS present")
    assert get.sql.endswith("WHERE id = :note_id")
    assert (listing.line, listing.operation, listing.parameters) == (12, "", ())
    assert listing.doc == "List all notes."
    assert listing.sql == "SELECT id FROM notes"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    queries = read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [(query.name, query.line) for query in queries.values()] == [
        ("get_note", 3),
        ("list_notes", 12),
    ]
    assert queries["get_note"].doc == "Return a note, or nothing."


@pytest.mark.parametrize("operation", ["", "^", "$", "!", "<!", "*!", "#"])
def test_every_operation_is_read(tmp_path: Path, operation: str) -> None:
    query = read(tmp_path, f"-- name: q(){operation}\n-- Do it.\nSELECT 1;\n")["q"]
    assert query.operation == operation


def test_a_parameter_list_may_be_written_with_spaces(tmp_path: Path) -> None:
    query = read(tmp_path, "--name : q( a , größe ) ^ \n-- Do it.\nSELECT :a, :größe\n")["q"]
    assert query.parameters == ("a", "größe")


def test_names_in_comments_and_strings_are_no_definitions(tmp_path: Path) -> None:
    queries = read(
        tmp_path,
        """\
-- name: q()
-- Do it.
SELECT '
-- name: in_a_string()
' /*
-- name: in_a_comment()
*/, $$
-- name: in_dollars()
$$ -- name: behind_code()
""",
    )
    assert list(queries) == ["q"]


def test_a_script_holds_several_statements(tmp_path: Path) -> None:
    query = read(tmp_path, "-- name: q()#\n-- Do it.\nSELECT 1;\nSELECT 2;\n")["q"]
    assert query.sql == "SELECT 1;\nSELECT 2"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "no query"),
        ("-- only a comment\n", 1, "no query"),
        ("\n\nSELECT 1;\n-- name: q()\n-- Do it.\nSELECT 1;\n", 3, "SQL before the first"),
        (
            "-- name: q()\n-- Do it.\nSELECT 1;\n-- name: q()\n-- Do.\nSELECT 2;\n",
            4,
            "used already",
        ),
        ("-- name: q()\nSELECT 1;\n", 1, "no comment"),
        ("-- name: q()\n--\nSELECT 1;\n", 1, "no comment"),
        ("-- name: q()\n-- result: a json\nSELECT 1;\n", 1, "no comment"),
        ("-- name: q()\nSELECT 1; -- Too late.\n", 1, "no comment"),
        ("-- name: q()\n-- Do it.\n", 1, "no SQL"),
        ("-- name: q()\n-- Do it.\n;\n-- name: r()\n-- Do it.\nSELECT 1;\n", 1, "no SQL"),
        ("-- name: q()\n-- Do it.\nSELECT 1;\n\nSELECT 2;\n", 3, "more than one statement"),
        ("-- name: q\n-- Do it.\nSELECT 1;\n", 1, "no parameter list; write q()"),
        ("-- name:\n-- Do it.\nSELECT 1;\n", 1, "is not 'name(parameter, …)'"),
        ("-- name: two words()\n-- Do it.\nSELECT 1;\n", 1, "is not 'name(parameter, …)'"),
        ("-- name: 1st()\n-- Do it.\nSELECT 1;\n", 1, "is not 'name(parameter, …)'"),
        ("-- name: q()?\n-- Do it.\nSELECT 1;\n", 1, "is not 'name(parameter, …)'"),
        ("-- name: q(a\n-- Do it.\nSELECT :a;\n", 1, "is not 'name(parameter, …)'"),
        (
            "-- name: q(a)\n-- Do it.\nSELECT\n  :a,\n  :ab;\n",
            5,
            "parameter :ab is not in its list",
        ),
        ("-- name: q(a, b)\n-- Do it.\nSELECT :a;\n", 1, "declared parameter 'b' is not used"),
        ("-- name: q(a, a)\n-- Do it.\nSELECT :a;\n", 1, "'a' is declared twice"),
        ("-- name: q(a b)\n-- Do it.\nSELECT 1;\n", 1, "'a b' is not a name"),
        ("-- name: q(from)\n-- Do it.\nSELECT :from;\n", 1, "can't be named 'from'"),
        ("-- name: q(conn)\n-- Do it.\nSELECT :conn;\n", 1, "can't be named 'conn'"),
        ("-- name: q(self)\n-- Do it.\nSELECT :self;\n", 1, "can't be named 'self'"),
        ("-- name: q(a)#\n-- Do it.\nSELECT :a;\nSELECT 1;\n", 1, "a script takes no parameters"),
        ("-- name: q(a)\n-- Do it.\nSELECT :a,\n$1;\n", 4, "parameter $1 is not in its list"),
        ("-- name: q()\n-- Do it.\n-- result: a jsonn\nSELECT 1;\n", 3, "'a jsonn' is not"),
        ("-- name: q()\n-- Do it.\n-- result: a\nSELECT 1;\n", 3, "'a' is not"),
        ("-- name: q()\n-- Do it.\nSELECT\n'abc;\n", 4, "a string is never closed"),
        ("-- name: q()\n-- Do it.\nSELECT 1 /*\n", 3, "a comment is never closed"),
        ("-- name: q()\n-- Do it.\nSELECT 1,\n$x$;\n", 4, "a $x$ string is never closed"),
        (b"-- name: q()\n-- Do it.\nSELECT '\xe9t\xe9';\n", 3, "not UTF-8"),
        ("-- name: q()\n-- Do it.\nSELECT '\x00';\n", 3, "NUL"),
    ],
)
def test_a_mistake_in_a_file_is_reported_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, problem: str
) -> None:
    found_line, found = refusal(tmp_path, text)
    assert problem in found
    assert found_line == line


@pytest.mark.parametrize("parameter", [":a::text", "?", "?1", "@a", "$a"])
def test_parameters_that_only_sqlite_knows_are_refused(tmp_path: Path, parameter: str) -> None:
    text = f"-- name: q(a)\n-- Do it.\nSELECT :a,\n{parameter};\n"
    line, problem = refusal(tmp_path, text, "sqlite")
    assert f"parameter {parameter} is not in its list (a)" in problem
    assert line == 4


def test_a_second_definition_names_the_first(tmp_path: Path) -> None:
    _, problem = refusal(tmp_path, GOOD + GOOD)
    assert problem.endswith(f"the name is used already at {tmp_path / 'queries.sql'}:3")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryFileError, match="No such file") as caught:
        read_sql(tmp_path / "nowhere.sql")
    assert str(caught.value).startswith(f"{tmp_path / 'nowhere.sql'}: ")
    assert caught.value.line is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.touch(mode=0)
    with pytest.raises(QueryFileError, match="Permission denied"):
        read_sql(path)


@pytest.mark.parametrize("store", ["nothing", "", ".", "..", "../sqlite", "consensus/upgrades"])
def test_an_unknown_store_is_answered_with_the_known_ones(store: str) -> None:
    with pytest.raises(UnknownStoreError, match=r"there are: .*consensus, continuum, critique"):
        store_dir(store, "postgres", packaged_sql_dir())


def test_an_unknown_dialect_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownStoreError, match="unknown dialect 'mysql'; known: postgres, sqlite"):
        store_dir("consensus", "mysql", packaged_sql_dir())


@pytest.mark.parametrize(
    ("dialect", "schema", "line"),
    [
        (
            "postgres",
            "CREATE TABLE a (\n    seen TIMESTAMPTZ\n);\nCREATE TABLE b (\n    seen BOOLEAN\n);\n",
            2,
        ),
        (
            "sqlite",
            "CREATE TABLE a (\n    seen TEXT CHECK (seen LIKE '____-__-__T%')\n);\n"
            "CREATE TABLE b (\n    seen INTEGER CHECK (seen IN (0, 1))\n);\n",
            2,
        ),
    ],
)
def test_a_column_name_of_two_kinds_is_refused(
    tmp_path: Path, dialect: Dialect, schema: str, line: int
) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(schema)
    with pytest.raises(QueryFileError, match="column 'seen' holds a timestamp") as caught:
        column_kinds(path, dialect, (1, 1))
    assert caught.value.line == line


def test_both_dialects_say_the_same_of_their_columns() -> None:
    root = packaged_sql_dir()
    for store in ("consensus", "critique"):
        postgres, sqlite = (
            column_kinds(store_dir(store, dialect, root) / "schema.sql", dialect, (0, 1))
            for dialect in DIALECTS
        )
        assert postgres == sqlite
        assert postgres["created_at"] == "timestamp"


def test_both_dialects_have_the_same_queries() -> None:
    root = packaged_sql_dir()
    stores = {
        dialect: {folder.name for folder in query_folders(dialect, root)} for dialect in DIALECTS
    }
    assert stores["postgres"] == stores["sqlite"]
    for store in stores["postgres"]:
        contracts = [
            {
                query.name: (query.parameters, query.operation)
                for query in read_queries(
                    store_dir(store, dialect, root) / "queries.sql", dialect
                ).values()
                if not any(d.text.startswith("query because") for d in query.directives)
            }
            for dialect in DIALECTS
        ]
        assert contracts[0] == contracts[1]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_stock_aiosql_reads_every_file(dialect: Dialect) -> None:
    """With aiosql's own adapters: the files are not bound to this package."""
    driver = {"postgres": "asyncpg", "sqlite": "aiosqlite"}[dialect]
    paths = sorted((packaged_sql_dir() / dialect).glob("*/queries.sql"))
    assert paths
    for path in paths:
        theirs = aiosql.from_path(path, driver)
        ours = read_queries(path, dialect)
        assert {n for n in theirs.available_queries if not n.endswith("_cursor")} == ours.keys()
        for name, query in ours.items():
            signature = getattr(theirs, name).__signature__
            assert set(signature.parameters) - {"self", "conn"} == set(query.parameters), name


@pytest.mark.parametrize(
    "head",
    [
        "-- name: add_note(id,\n--   body)!",
        "-- name: add_note(id,\n--   name: body)!",
        "-- name: add_note(id, /*\n*/ body)!",
        "/* name: add_note(id,\n   body)! */",
    ],
)
def test_a_name_line_cannot_be_wrapped(head: str, tmp_path: Path) -> None:
    """Stock aiosql takes the specification from one line, and so do we."""
    path = tmp_path / "queries.sql"
    path.write_text(f"{head}\n-- Store.\nINSERT INTO n VALUES (:id, :body);\n", encoding="utf-8")
    # Of a file with no '-- name:' at all, aiosql says nothing and has no query.
    try:
        queries = aiosql.from_path(path, "aiosqlite").available_queries
    except SQLParseException:
        queries = []
    assert list(queries) == []
    with pytest.raises(QueryFileError):
        read_queries(path, "sqlite")
