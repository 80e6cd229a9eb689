"""Whose query a call in Python calls, where two stores have queries of one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker.callers import Sources

STORES = ("notes", "letters")

MAKER = """\
def open_queries() -> {title}Queries:
    return load_queries(STORE, "sqlite")


STORE = "{store}"


class {title}(Store):
    def __init__(self):
        self.queries = load_queries(STORE, "sqlite")

    async def read(self, connection):
        opened = open_queries()
        await opened.get(connection)
        await self.queries.get(connection)
        await load_queries(STORE, "sqlite").get(connection)
"""

IMPORTING = """\
from code.notes.base import STORE, open_queries as opened
from code.letters.base import STORE as OTHER

Queries = None


async def read(connection):
    await opened().get(connection)
    await load_queries(STORE, "sqlite").get(connection)
    await load_queries(OTHER, "sqlite").get(connection)
"""

OTHER_OBJECTS = """\
class Notes(Store):
    name = "notes"


class Letters(Store):
    name = "letters"

    async def read(self, connection, notes: Notes, letter):
        await notes._queries.get(connection)
        await self._queries.get(connection)
        # Of these nobody knows whose they are.
        await letter._queries.get(connection)
        await self.notes._queries.get(connection)
"""

SHADOWED = """\
queries = load_queries("notes", "sqlite")


async def outer(connection, queries: LettersQueries):
    await queries.get(connection)

    async def inner(queries):
        await queries.get(connection)


async def changed(connection, given: LettersQueries | None = None):
    await queries.get(connection)
    given = given or load_queries("letters", "sqlite")
    await given.get(connection)
    given = open_something()
    await given.get(connection)


async def in_a_loop(connection, all_queries):
    for queries in all_queries:
        await queries.get(connection)


async def of_both(connection, either: NotesQueries | LettersQueries):
    await either.get(connection)
"""

BASES = """\
from code.one.base import Reader

class Letters(Reader):
    name = "letters"

    async def more(self, connection):
        await self.reading.get(connection)
        await self._queries.get(connection)
"""
READER = """\
class Reader:
    def __init__(self):
        self.reading = load_queries("{store}", "sqlite")
"""


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            {
                f"{store}/base.py": MAKER.format(store=store, title=store.title())
                for store in STORES
            },
            [
                (f"{store}/base.py", line, store)
                for store in reversed(STORES)
                for line in (14, 15, 16)
            ],
        ),
        (
            {
                **{
                    f"{store}/base.py": MAKER.format(store=store, title=store.title())
                    for store in STORES
                },
                "user.py": IMPORTING,
            },
            [
                *[
                    (f"{store}/base.py", line, store)
                    for store in reversed(STORES)
                    for line in (14, 15, 16)
                ],
                ("user.py", 8, "notes"),
                ("user.py", 9, "notes"),
                ("user.py", 10, "letters"),
            ],
        ),
        ({"user.py": OTHER_OBJECTS}, [("user.py", 9, "notes"), ("user.py", 10, "letters")]),
        (
            {"user.py": SHADOWED},
            [
                ("user.py", 5, "letters"),
                ("user.py", 12, "notes"),
                ("user.py", 14, "letters"),
                ("user.py", 25, "letters"),
                ("user.py", 25, "notes"),
            ],
        ),
        (
            {
                "one/base.py": READER.format(store="notes"),
                "two/base.py": READER.format(store="letters"),
                "user.py": BASES,
            },
            [("user.py", 7, "notes"), ("user.py", 8, "letters")],
        ),
    ],
    ids=["makers", "imports", "objects", "shadowed", "bases"],
)
def test_a_call_is_of_the_store_whose_query_object_it_is(
    files: dict[str, str], wanted: list[tuple[str, int, str]], tmp_path: Path
) -> None:
    folder = tmp_path / "code"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    uses, problems = Sources.of([folder], STORES).uses()
    assert problems == ()
    assert {use.query for use in uses} == {"get"}
    found = [(use.path.relative_to(folder).as_posix(), use.line, use.store) for use in uses]
    assert sorted(found) == sorted(wanted)
