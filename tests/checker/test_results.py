"""The rule ``wrong-result``: an edit of both dialects is named at the Python line that breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker import callers
from aragora_sql.checker.rules import RULES
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.queries.trees import write_store

ONLY = frozenset(RULES) - {"wrong-result", "unknown-query", "file", "prepare"}
CODE = """\
from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from notes.records import Note, Score

if TYPE_CHECKING:
    from typed.notes import GetNoteRow

RowT = TypeVar("RowT")


async def row_of(query: Awaitable[RowT]) -> RowT:
    return await query


async def rows_of(query: AsyncIterator[RowT]) -> list[RowT]:
    return [row async for row in query]


def note_of(row: GetNoteRow) -> Note:
    return record_of(Note, **row)


def text_of(row: GetNoteRow) -> str:
    values = cast(dict[str, Any], row)
    values["length"] = len(values.pop("body"))
    return values["length"]


class Reader(Store):
    name = "notes"

    async def one(self, connection):
        row = await self._queries.get_note(connection, note_id="1")
        if row is None:
            return None
        return row["body"]

    async def same(self, connection):
        row = await row_of(self._queries.get_note(connection, note_id="1"))
        return row["body"]

    async def many(self, connection):
        listed = self._queries.list_notes(connection, author_id="1", body=None)
        scores = {row["id"]: row["score"] async for row in listed}
        rows = await rows_of(self._queries.list_notes(connection, author_id="1", body=None))
        last = rows[-1]["score"]
        async for row in self._queries.list_notes(connection, author_id="1", body=None):
            last = record_of(Score, **row)
        return scores, last, await self._queries.count_notes(connection, author_id="1")

    async def passed(self, connection):
        return await self._give(self._queries.get_note, note_id="1")
"""
RECORDS = """\
class Score(Record):
    id: str
    score: float


class Note(Record):
    id: str
    body: str | None
    done: bool
    details: dict
    created_at: datetime
    more: str = ""
"""
STUB = '''\
"""Made by ``aragora-sql stubs``"""


class GetNoteRow(TypedDict):
    id: str
    body: str | None
    done: bool
    details: dict[str, Any]
    created_at: datetime


class NotesQueries(Protocol):
    async def get_note(self, connection, /, *, note_id: str) -> GetNoteRow | None:
        """Return a note.

        Operation ^: the first row, or None.
        """

    async def count_notes(self, connection, /, *, author_id: str) -> int:
        """Count.

        Operation $: the first value of the first row, or None.
        """
'''


@pytest.fixture
def coded(tree: Path) -> Path:
    code = tree.parent / "code"
    for name in ("notes", "typed"):
        (code / name).mkdir()
    (code / "notes" / "store.py").write_text(CODE, encoding="utf-8")
    (code / "notes" / "records.py").write_text(RECORDS, encoding="utf-8")
    (code / "typed" / "notes.pyi").write_text(STUB, encoding="utf-8")
    return tree


def in_both(tree: Path, old: str, new: str) -> None:
    for dialect in ("postgres", "sqlite"):
        replace_in(tree / dialect / "notes" / "queries.sql", old, new)


def found(run_check: Check, tree: Path) -> list[tuple[str, str]]:
    """Return the code that the findings name, and what they say."""
    told = []
    for finding in run_check(tree, skip=ONLY).findings:
        assert finding.rule == "wrong-result", str(finding)
        assert finding.path.name in {"store.py", "notes.py"}, str(finding)
        line = finding.path.read_text(encoding="utf-8").splitlines()[finding.line - 1]
        told.append((line.strip(), finding.message))
    return told


def test_a_result_as_the_code_wants_it(coded: Path, run_check: Check) -> None:
    assert found(run_check, coded) == []
    # A column that nobody reads may come.
    in_both(coded, "    n.body,\n    n.done", "    n.body,\n    n.author_id,\n    n.done")
    assert [message for _, message in found(run_check, coded)] == [
        "query notes.get_note gives 'author_id', which is no field of Note"
    ]


def test_rows_of_two_stores_may_have_one_name(coded: Path, run_check: Check) -> None:
    """What is imported says whose they are."""
    table = "CREATE TABLE IF NOT EXISTS more (\n    id TEXT NOT NULL\n);\n"
    query = (
        "-- name: get_note(note_id)^\n-- Get.\nSELECT m.id FROM more AS m WHERE m.id = :note_id;\n"
    )
    write_store(coded, query, schema=f"-- More.\n\n{table}", store="more")
    for dialect, mark in (("postgres", ""), ("sqlite", "-- ")):
        with (coded / dialect / "schema.sql").open("a", encoding="utf-8") as file:
            file.write(f"{mark}\\ir more/schema.sql\n")
    typed = coded.parent / "code" / "typed"
    body = STUB[STUB.index("    body: ") : STUB.index("\n\n\nclass NotesQueries")]
    (typed / "more.pyi").write_text(STUB.replace(body, ""), encoding="utf-8")
    assert found(run_check, coded) == []
    store = coded.parent / "code" / "notes" / "store.py"
    replace_in(store, "from typed.notes import", "from typed.more import")
    [(line, message)] = found(run_check, coded)
    assert line == 'values["length"] = len(values.pop("body"))'
    assert message.startswith("query more.get_note gives no column 'body'")


def test_a_column_that_is_renamed_or_gone_is_named_where_it_is_read(
    coded: Path, run_check: Check
) -> None:
    in_both(coded, "    n.body,\n    n.done", "    n.body AS text,\n    n.done")
    in_both(coded, "    n.id,\n    n.score\n", "    n.id\n")
    told = found(run_check, coded)
    lines = [line for line, _ in told]
    assert sorted(set(lines)) == sorted(
        {
            'return row["body"]',
            'values["length"] = len(values.pop("body"))',
            "return record_of(Note, **row)",
            'scores = {row["id"]: row["score"] async for row in listed}',
            'last = rows[-1]["score"]',
            "last = record_of(Score, **row)",
        }
    )
    # one of a row, one of a row that went through another function
    assert lines.count('return row["body"]') == 2
    messages = {message for _, message in told}
    assert "query notes.get_note gives 'text', which is no field of Note" in messages
    assert any(
        message.startswith("query notes.list_notes gives no column 'score'") for message in messages
    )


def test_an_operation_that_changed_is_named_at_the_calls(coded: Path, run_check: Check) -> None:
    in_both(coded, "get_note(note_id)^", "get_note(note_id)")
    in_both(coded, "list_notes(author_id, body)", "list_notes(author_id, body)^")
    in_both(coded, "count_notes(author_id)$", "count_notes(author_id)^")
    told = found(run_check, coded)
    at = {
        start: [line for line, message in told if message.startswith(start)]
        for start in (
            "query notes.get_note gives every row: read it",
            "query notes.get_note gives every row (operation none); the code was written for the "
            "first row, or None (operation ^)",
            "query notes.list_notes gives no rows to go through (operation ^): await it",
            "query notes.count_notes gives the first row, or None (operation ^); the code was",
        )
    }
    awaited, written, gone_through, counted = at.values()
    assert 'row = await self._queries.get_note(connection, note_id="1")' in awaited
    # also where the query is passed on
    assert 'return await self._give(self._queries.get_note, note_id="1")' in written
    assert len(gone_through) == 1
    assert len(counted) == 2


def test_what_can_t_be_followed_is_told_at_the_call(coded: Path, run_check: Check) -> None:
    in_both(coded, "    n.details,\n", "")
    code = coded.parent / "code" / "notes"
    replace_in(code / "records.py", "    details: dict\n", "")
    told = found(run_check, coded)
    assert {message for _, message in told} == {
        "query notes.get_note gives no column 'details'; it gives id, body, done, created_at; the "
        "code was written for a row with it; where it no longer is: aragora-sql stubs"
    }
    assert len(told) == 4
    replace_in(coded.parent / "code" / "typed" / "notes.pyi", "    details: dict[str, Any]\n", "")
    assert found(run_check, coded) == []


LETTERS = """\
-- name: get_note(note_id)^
-- Return a letter.
SELECT
    l.id,
    l.subject
FROM letters AS l
WHERE l.id = :note_id;
"""
LETTERS_SCHEMA = """\
CREATE TABLE letters (
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    CONSTRAINT letters_pkey PRIMARY KEY (id)
);
"""
LETTERS_STUB = (
    STUB.split("class", 1)[0]
    + '''class GetNoteRow(TypedDict):
    id: str
    subject: str


class LettersQueries(Protocol):
    async def get_note(self, connection, /, *, note_id: str) -> GetNoteRow | None:
        """Return a letter.

        Operation ^: the first row, or None.
        """
'''
)
OF_BOTH = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from again import GetNoteRow as AnyRow
    from typed.letters import GetNoteRow
    from typed.notes import GetNoteRow as NoteRow


class Notes(Store):
    name = "notes"

    def _row(self) -> NoteRow: ...

    def body(self, row: NoteRow):
        return row["body"], self._row()["body"]


class Letters(Store):
    name = "letters"

    def _row(self) -> GetNoteRow: ...

    def subject(self, row: GetNoteRow):
        return row["subject"], self._row()["subject"]

    async def read(self, connection):
        row = await self._queries.get_note(connection, note_id="1")
        return row["subject"]


def of_either(row: AnyRow):
    return row["subject"]
"""


def test_rows_of_one_name_are_of_the_store_that_is_imported(coded: Path, run_check: Check) -> None:
    write_store(coded, LETTERS, schema=LETTERS_SCHEMA, store="letters")
    for dialect, mark in (("postgres", ""), ("sqlite", "-- ")):
        with (coded / dialect / "schema.sql").open("a", encoding="utf-8") as file:
            file.write(f"{mark}\\ir letters/schema.sql\n")
    code = coded.parent / "code"
    (code / "typed" / "letters.pyi").write_text(LETTERS_STUB, encoding="utf-8")
    path = code / "letters.py"
    path.write_text(OF_BOTH, encoding="utf-8")
    assert run_check(coded, skip=ONLY).findings == ()
    replace_in(path, 'row["subject"], self', 'row["body"], self')
    replace_in(path, 'row["body"], self._row()["body"]', 'row["subject"], self._row()["body"]')
    told = {finding.line: finding.message for finding in run_check(coded, skip=ONLY).findings}
    assert {line: message.partition(";")[0] for line, message in told.items()} == {
        15: "query notes.get_note gives no column 'subject'",
        24: "query letters.get_note gives no column 'body'",
    }


OF_ONE_STORE = """\
class Base:
    _queries: {name}Queries


class Reader(Base):
    async def work(self, connection):
        await self._queries.{call}
"""


def test_classes_of_one_name_in_two_modules_are_two(tree: Path, run_check: Check) -> None:
    """A base is the class of the module, or the one that it imports."""
    code = tree.parent / "code"
    calls = {
        "notes": ("Notes", 'get_note(connection, note_id="1")'),
        "versions": ("SchemaVersions", "get_rights(connection)"),
    }
    for folder, (name, call) in calls.items():
        (code / folder).mkdir()
        text = OF_ONE_STORE.format(name=name, call=call)
        (code / folder / "base.py").write_text(text, encoding="utf-8")
        child = "class Child(Base):\n    async def more(self, connection):\n"
        child += f"        await self._queries.{call}\n"
        for number, line in enumerate(
            (f"from {folder}.base import Base", "from .base import Base", "from ._queries import *")
        ):
            # The last says nothing of where its base comes from, and is left alone.
            path = code / folder / f"child_{number}.py"
            path.write_text(f"{line}\n\n\n{child}", encoding="utf-8")
    assert (
        run_check(tree, skip=frozenset(RULES) - {"unknown-query", "wrong-parameters"}).findings
        == ()
    )
    replace_in(code / "versions" / "child_1.py", "get_rights(connection)", "get_note(connection)")
    (finding,) = run_check(tree, skip=frozenset(RULES) - {"unknown-query"}).findings
    assert "store 'schema_versions' has no query 'get_note'" in finding.message


def test_python_files_are_parsed_where_one_of_them_or_a_column_is_new(
    coded: Path, run_check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the folder that tests share, what was found here could be gone for what others found.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))
    files = sorted(coded.parent.rglob("*.py"))
    code = next(path for path in files if "class Reader" in path.read_text(encoding="utf-8"))
    parsed: list[Path] = []
    real = callers._parsed

    def parse(path: Path, *more: object) -> object:
        parsed.append(path)
        return real(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(callers, "_parsed", parse)
    first = run_check(coded, skip=ONLY).findings
    parsed.clear()
    assert run_check(coded, skip=ONLY).findings == first
    assert parsed == []
    replace_in(code, 'rows[-1]["score"]', 'rows[-1]["scores"]')
    second = run_check(coded, skip=ONLY).findings
    assert parsed
    assert any("'scores'" in finding.message for finding in second)
