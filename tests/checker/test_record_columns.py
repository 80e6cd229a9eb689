"""Column lists under ``-- columns: Record``: what is found, and what ``columns`` writes."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

import aragora_sql
from aragora_sql.checker.record_columns import ColumnList, Records, column_lists, rewritten_files
from aragora_sql.cli import main
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir, read_queries
from aragora_sql.stores.records import Record
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

RECORDS = """\
from __future__ import annotations

class Base(Record):
    id: str
    kind: ClassVar[str] = "note"

class Note(Base):
    body: str | None
    score: float = 0.5

    @property
    def short(self) -> str:
        return self.id
"""


def declare(
    tree: Path, columns: str, *, record: str = "Note", files: tuple[str, ...] = DIALECTS
) -> int:
    """Make the columns of list_notes these under a comment; return the comment's line."""
    folder = tree.parent / "code" / "notes"
    folder.mkdir(exist_ok=True)
    (folder / "records.py").write_text(RECORDS, encoding="utf-8")
    line = 0
    for dialect in DIALECTS:
        path = tree / dialect / "notes" / "queries.sql"
        comment = f"    -- columns: {record}\n" if dialect in files else ""
        line = replace_in(path, "    n.id,\n    n.score\n", f"{comment}{columns}")
    return line


def said(run_check: Check, tree: Path) -> list[tuple[str, int, str]]:
    return [
        (str(f.path.relative_to(tree)), f.line, f.message)
        for f in run_check(tree).findings
        if f.rule == "record-columns"
    ]


def test_a_list_of_the_fields_is_as_it_should_be(tree: Path, run_check: Check) -> None:
    declare(tree, "    n.id,\n    coalesce(n.body, 'a, FROM') AS body,\n    n.score\n")
    assert said(run_check, tree) == []
    assert rewritten_files(tree, [tree.parent / "code"]) == {}


COMMAND = "; aragora-sql columns --write"
WRONG = {
    ("n.id", "n.score"): f"column 2 is 'score', field 2 of Note is 'body'{COMMAND}",
    ("n.id", "n.body"): f"field 'score' of Note is missing{COMMAND}",
    ("n.id", "n.body", "n.score", "n.done"): (f"Note has 3 fields, the list 4 columns{COMMAND}"),
    ("n.id", "lower(n.body)", "n.score"): (
        f"column 2 has no name, field 2 of Note is 'body'{COMMAND}"
    ),
}
NO_RECORD = {
    "Notes": "notes/records.py has no 'Notes'; there is Note",
    "Note, Base": (
        "'-- columns: Note, Base' must name one record class in the line behind SELECT or RETURNING"
    ),
}


@pytest.mark.parametrize(
    ("columns", "record", "problem"),
    [
        *((columns, "Note", problem) for columns, problem in WRONG.items()),
        *((("n.id", "n.score"), record, problem) for record, problem in NO_RECORD.items()),
    ],
)
def test_what_is_wrong_with_a_list_is_said_in_both_dialects(
    columns: tuple[str, ...], record: str, problem: str, tree: Path, run_check: Check
) -> None:
    written = ",\n".join(f"    {column}" for column in columns)
    line = declare(tree, f"{written}\n", record=record)
    message = f"query 'list_notes': {problem}"
    assert said(run_check, tree) == [
        (f"{dialect}/notes/queries.sql", line, message) for dialect in DIALECTS
    ]


def test_a_comment_in_one_dialect_only(tree: Path, run_check: Check) -> None:
    line = declare(tree, "    n.id,\n    n.body,\n    n.score\n", files=("sqlite",))
    message = (
        "query 'list_notes': '-- columns:' names none on PostgreSQL, Note on SQLite "
        "[parity: record-columns]"
    )
    # at the lines of the query's name
    assert said(run_check, tree) == [
        (f"{dialect}/notes/queries.sql", line - 3, message) for dialect in DIALECTS
    ]
    for dialect in DIALECTS:
        head = "-- List the notes of an author, all of them or those with one text.\n"
        declared = f"{head}-- parity: record-columns because they differ\n"
        replace_in(tree / dialect / "notes" / "queries.sql", head, declared)
    assert said(run_check, tree) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-- Return a note.\n", "-- Return a note.\n-- columns: Note\n"),
        ("WHERE n.id = :note_id;", "-- columns: Note\nWHERE n.id = :note_id;"),
    ],
)
def test_a_comment_over_no_list_is_found(old: str, new: str, tree: Path, run_check: Check) -> None:
    for dialect in DIALECTS:
        replace_in(tree / dialect / "notes" / "queries.sql", old, new)
    assert len(said(run_check, tree)) == 2


def test_the_lists_are_written(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(
        tree,
        "    n.done,\n    -- how good\n    max(n.score, (SELECT 1 FROM authors)) AS score,\n"
        "    n.id\n",
    )
    path = tree / "sqlite" / "notes" / "queries.sql"
    # in a file with a byte order mark, whose other lines stay
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    before = path.read_bytes()
    arguments = ["columns", "--sql-dir", str(tree), "--python", str(tree.parent / "code")]
    assert main([*arguments, "--check"]) == 1
    assert "-    n.done,\n" in capsys.readouterr().out
    assert main(arguments) == 1
    assert path.read_bytes() == before

    assert main([*arguments, "--write"]) == 0
    captured = capsys.readouterr()
    assert captured.err.endswith("2 files of queries written\n")
    wanted = (
        b"    -- columns: Note\n    n.id,\n    n.body,\n    -- how good\n"
        b"    max(n.score, (SELECT 1 FROM authors)) AS score\nFROM"
    )
    old = before[before.index(b"    -- columns") : before.index(b"FROM notes AS n\nWHERE\n") + 4]
    assert path.read_bytes() == before.replace(old, wanted)
    assert main([*arguments, "--check"]) == 0


def test_lists_that_cannot_be_written_change_nothing(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(tree, "    n.score,\n    lower(n.body),\n    n.id\n", files=("sqlite",))
    path = tree / "sqlite" / "notes" / "queries.sql"
    before = path.read_bytes()
    arguments = ["columns", "--write", "--sql-dir", str(tree), "--python"]
    assert main([*arguments, str(tree.parent / "code")]) == 4
    assert "column 2 under '-- columns:' has no name; write AS" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*arguments, str(tree.parent / "nowhere")]) == 2
    (tree.parent / "code" / "notes" / "records.py").write_text("class", encoding="utf-8")
    assert main([*arguments, str(tree.parent / "code")]) == 4
    assert "records.py: cannot be read" in capsys.readouterr().err


def test_records_of_an_application_stand_beside_those_of_the_package(tree: Path) -> None:
    declare(tree, "    n.id,\n    n.body,\n    n.score\n")
    # A list of the package's own record, in a copy of its tree.
    for dialect in ("postgres", "sqlite"):
        shutil.copytree(packaged_sql_dir() / dialect / "jobs", tree / dialect / "jobs")
    assert any(
        "-- columns: Job" in (tree / dialect / "jobs" / "queries.sql").read_text()
        for dialect in ("postgres", "sqlite")
    )
    code = str(tree.parent / "code")
    assert main(["columns", "--check", "--sql-dir", str(tree), "--python", code]) == 0


def test_lines_of_windows_keep_their_ends(tree: Path) -> None:
    declare(tree, "    n.score,\n    n.body,\n    n.id\n")
    path = tree / "postgres" / "notes" / "queries.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    changed = rewritten_files(tree, [tree.parent / "code"])
    assert "\r\n    n.id,\r\n    n.body,\r\n    n.score\r\nFROM" in changed[path]
    assert "\n" not in changed[path].replace("\r\n", "")


LISTS: dict[str, tuple[str | None, ...]] = {
    "SELECT\n-- columns: R\na.x, y AS z, sum(v) OVER (ORDER BY w) AS t FROM a": ("x", "z", "t"),
    "SELECT\n-- columns: R\na IS DISTINCT FROM b AS c, t.limit FROM a ORDER BY 1": ("c", "limit"),
    "SELECT DISTINCT\n-- columns: R\nx\nUNION SELECT y": ("x",),
    'DELETE FROM a RETURNING\n-- columns: R\nid, "a b", sum(x) FILTER (WHERE x)': (
        "id",
        "a b",
        None,
    ),
    "WITH b AS (SELECT\n-- columns: R\nx, y) SELECT z FROM b": ("x", "y"),
    "SELECT\n-- columns: R\nextract(epoch FROM x) AS e -- last\nFROM a": ("e",),
}


@pytest.mark.parametrize("sql", LISTS)
def test_where_a_list_ends(sql: str, tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(f"-- name: q()\n-- Query.\n{sql};\n", encoding="utf-8")
    for dialect in DIALECTS:
        (found,) = column_lists(read_queries(path, dialect)["q"], dialect)
        assert not isinstance(found, Finding)
        assert found.names == LISTS[sql]
        assert found.is_result == ("WITH" not in sql)


def record_classes(store: str) -> dict[str, type[Record]]:
    module = import_module(f"aragora_sql.stores.{store}.records")
    return {
        name: kind
        for name, kind in vars(module).items()
        if isinstance(kind, type)
        and issubclass(kind, Record)
        and kind.__module__ == module.__name__
    }


STORES = ("checkpoints", "consensus", "critique", "integrations", "jobs", "workflow")


@pytest.mark.parametrize("store", STORES)
def test_fields_are_read_as_python_reads_them(store: str) -> None:
    records = Records([Path(aragora_sql.__file__).parent])
    classes = record_classes(store)
    assert classes
    for name, kind in classes.items():
        assert records.fields(store, name) == tuple(f.name for f in fields(cast(Any, kind))), name


def test_every_whole_record_of_the_stores_is_declared(facts: Facts) -> None:
    """A list that is a record's fields today says so, or it would not follow a change."""
    for store in STORES:
        kinds = record_classes(store).values()
        wanted = {tuple(field.name for field in fields(cast(Any, kind))) for kind in kinds}
        for (dialect, of, name), query in facts.queries.items():
            if of == store and query.operation in {"", "^"}:
                declared = any(
                    isinstance(found, ColumnList) and found.is_result
                    for found in column_lists(query.text, dialect)
                )
                is_record = tuple(column.name for column in query.columns) in wanted
                assert declared or not is_record, (dialect, store, name)


def test_a_new_field_reaches_every_list_of_its_record(tmp_path: Path) -> None:
    """On a copy: a field is added to Job, and all its lists of both dialects have it."""
    root, code = tmp_path / "sql", tmp_path / "code" / "jobs"
    shutil.copytree(packaged_sql_dir(), root)
    code.mkdir(parents=True)
    shutil.copy(Path(aragora_sql.__file__).parent / "stores/jobs/records.py", code)
    # Jobs, and jobs as they are stored
    records = (code / "records.py").read_text(encoding="utf-8")
    assert records.count("    claim_count: int\n") == 2
    records = records.replace("    claim_count: int\n", "    claim_count: int\n    color: str\n")
    (code / "records.py").write_text(records, encoding="utf-8")
    for path in root.rglob("queries.sql"):
        if path.parent.name != "jobs":
            path.unlink()
    changed = rewritten_files(root, [tmp_path / "code"])
    assert len(changed) == len(DIALECTS)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
        lists = len(re.findall(r"-- columns: (?:Stored)?Job\n", text))
        assert lists >= 7
        assert text.count("color,\n") == lists
        assert text.count("    j.color,\n") >= 4
    assert rewritten_files(root, [tmp_path / "code"]) == {}


def test_an_unknown_record_stops_the_command(tree: Path) -> None:
    declare(tree, "    n.id,\n    n.score\n", record="Nobody")
    with pytest.raises(QueryFileError, match=r"notes/records.py has no 'Nobody'"):
        rewritten_files(tree, [tree.parent / "code"])
