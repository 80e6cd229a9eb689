"""The rule about documents that may be NULL, in schema and upgrade files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.checker.conftest import Check
from tests.checker.tree import replace_in

# Lines of a file, and of each whether it is refused and under which name.
WRONG = [
    ("ALTER TABLE notes ADD COLUMN a TEXT CHECK (json_valid(a));", "a check: notes.a"),
    ("ALTER TABLE notes ADD b TEXT CONSTRAINT b_check CHECK (JSON_VALID(b));", "b_check: notes.b"),
    ("CREATE TABLE IF NOT EXISTS new_notes (", None),
    ("    c TEXT,", None),
    ('    "D" TEXT CONSTRAINT d_check CHECK (json_valid("D")),', "d_check: new_notes.d"),
    ("    CONSTRAINT c_check", "c_check: new_notes.c"),
    ("    CHECK (json_valid(c) AND json_type(c) = 'object')", None),
    (");", None),
]
RIGHT = """\
ALTER TABLE notes ADD COLUMN a TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(a));
ALTER TABLE notes ADD COLUMN b TEXT CHECK (b IS NULL OR json_valid(b));
ALTER TABLE notes ADD COLUMN c TEXT CHECK (json_valid(c) OR c IS NULL);
ALTER TABLE notes ADD COLUMN d TEXT CHECK (json_valid(coalesce(d, '{}')));
CREATE TABLE IF NOT EXISTS new_notes (
    e TEXT NOT NULL,
    f TEXT,
    CONSTRAINT e_check CHECK (json_valid(e) AND f <> ''),
    CONSTRAINT f_check CHECK (f IS NOT NULL AND json_valid(f))
);
"""


def write_upgrade(tree: Path, text: str) -> Path:
    path = tree / "sqlite" / "notes" / "upgrades" / "0002_documents.sql"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def test_an_upgrade_is_looked_at_with_every_way_to_write_a_check(
    tree: Path, run_check: Check
) -> None:
    path = write_upgrade(tree, "\n".join(line for line, _ in WRONG) + "\n")
    checked = run_check(tree, skip={"style", "squawk", "file", "version"})
    found = {f.line: f.message for f in checked.findings if f.rule == "nullable-document"}
    wanted = {number: start for number, (_, start) in enumerate(WRONG, 1) if start}
    assert found.keys() == wanted.keys()
    for line, start in wanted.items():
        assert found[line].startswith(f"{start} may be NULL")
    assert {f.path for f in checked.findings if f.rule == "nullable-document"} == {path}


def test_checks_that_say_so_are_left_in_peace(tree: Path, run_check: Check) -> None:
    write_upgrade(tree, RIGHT)
    checked = run_check(tree, skip={"style", "squawk", "file", "version"})
    assert [f for f in checked.findings if f.rule == "nullable-document"] == []


def test_an_upgrade_can_declare_it_deliberate(tree: Path, run_check: Check) -> None:
    text = "ALTER TABLE notes ADD COLUMN a TEXT CHECK (json_valid(a));\n"
    declared = "-- check: nullable-document of notes.a because it is new\n"
    write_upgrade(tree, declared + text)
    checked = run_check(tree, skip={"style", "squawk", "file", "version"})
    assert {f.rule for f in checked.findings} & {"nullable-document", "directive"} == set()


def test_a_check_in_a_column_of_the_schema_is_found(tree: Path, run_check: Check) -> None:
    schema = tree / "sqlite" / "notes" / "schema.sql"
    replace_in(schema, "    body TEXT,\n", "    body TEXT CHECK (json_valid(body)),\n")
    checked = run_check(tree, skip={"style", "squawk"})
    found = [f for f in checked.findings if f.rule == "nullable-document"]
    assert [f.message.split(" may")[0] for f in found] == ["a check: notes.body"]
    assert schema.read_text(encoding="utf-8").splitlines()[found[0].line - 1].startswith("    body")


@pytest.mark.skipif(
    sqlite3.sqlite_version_info >= (3, 42), reason="this SQLite takes json_valid(NULL) for NULL"
)
def test_an_older_library_does_refuse_it() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a TEXT CHECK (json_valid(a)))")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO t VALUES (NULL)")
    connection.close()
