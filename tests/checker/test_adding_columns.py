"""``aragora-sql column add``: what it refuses, what it writes, and that a check is clean after."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from aragora_sql.checker.column_edits import extended_lists, schema_with_column, upgrade_of_column
from aragora_sql.checker.column_types import NewColumn, new_column
from aragora_sql.cli import main
from aragora_sql.database import Dialect
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, read_queries
from tests.checker.conftest import Check
from tests.checker.tree import POSTGRES_SCHEMA, SQLITE_SCHEMA, replace_in
from tests.conftest import Servers
from tests.recipes import Copy

SCHEMAS: dict[Dialect, str] = {"postgres": POSTGRES_SCHEMA, "sqlite": SQLITE_SCHEMA}


def column(
    name: str = "mood", kind: str = "text", default: str | None = None, *, not_null: bool = False
) -> NewColumn:
    return new_column(name, kind, default, not_null=not_null, comment=None)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: column("Mood"), "'Mood': a name begins with a letter from a to z"),
        (lambda: column("a b"), "'a b': a name"),
        (lambda: column("x" * 64), "63 at most"),
        (lambda: column("m\u043eod"), "a name begins"),
        (lambda: column("order"), "'order': the word is reserved in SQL"),
        (lambda: column("user"), "'user': the word is reserved in SQL"),
        (lambda: column("class"), "'class': a record in Python can't have"),
        (lambda: column("keys"), "'keys': a record in Python can't have"),
        (lambda: column("self"), "'self': a record in Python can't have"),
        (lambda: column(kind="varchar(10)"), "type 'varchar(10)': there is text, integer"),
        (lambda: column(kind="real"), "type 'real': there is text"),
        (lambda: column(not_null=True), "'mood': NOT NULL needs --default"),
        (lambda: column(kind="integer", default="x"), "'x' is no integer"),
        (
            lambda: column(kind="integer", default="2147483648"),
            "2147483648 is not from -2147483648",
        ),
        (lambda: column(kind="bigint", default=str(2**63)), "is not from"),
        (lambda: column(kind="float", default="nan"), "'nan' is no float"),
        (lambda: column(kind="float", default="1e999"), "'1e999' is no float"),
        (lambda: column(kind="boolean", default="1"), "'1' is no boolean"),
        (lambda: column(kind="json", default="{"), "'{' is no json"),
        (lambda: column(kind="json", default="NaN"), "'NaN' is no json"),
        (lambda: column(kind="timestamp", default="now"), "a column of type timestamp gets none"),
        (lambda: column(kind="bytes", default="x"), "a column of type bytes gets none"),
        (lambda: column(default="a\nb"), "without control characters"),
        (lambda: new_column("mood", "text", None, not_null=False, comment=" "), "--comment: one"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], NewColumn], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        make()


@pytest.mark.parametrize(
    ("kind", "default", "not_null", "field"),
    [
        ("text", None, False, "mood: str | None = None"),
        ("text", "it's", True, 'mood: str = "it\'s"'),
        ("bigint", "-5", True, "mood: int = -5"),
        ("double precision", "0.5", False, "mood: float | None = None"),
        ("bool", "True", True, "mood: bool = True"),
        ("timestamptz", None, False, "mood: datetime | None = None"),
        ("jsonb", '{"a": "it\'s"}', True, "mood: Any"),
        ("json", None, False, "mood: Any = None"),
        ("bytea", None, False, "mood: bytes | None = None"),
    ],
)
def test_every_type_is_added_as_it_is_made(
    kind: str, default: str | None, not_null: bool, field: str
) -> None:
    """SQLite takes the schema and the upgrade, and both give a table with the same columns."""
    new = column("mood", kind, default, not_null=not_null)
    assert new.field == field
    made = schema_with_column(SQLITE_SCHEMA, "sqlite", "notes", new)
    upgraded = [SQLITE_SCHEMA, upgrade_of_column("sqlite", "notes", new)]
    told = []
    for scripts in ([made], upgraded):
        connection = sqlite3.connect(":memory:")
        for script in scripts:
            connection.executescript(script)
        rows = connection.execute(
            "SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('notes')"
        )
        told.append(sorted(rows.fetchall()))
        (text,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'notes'"
        ).fetchone()
        assert ("notes_mood_check" in text) == (new.check("sqlite") is not None)
        connection.close()
    assert told[0] == told[1]
    postgres = schema_with_column(POSTGRES_SCHEMA, "postgres", "notes", new)
    assert f" DEFAULT now(),\n    {new.definition('postgres')},\n    CONSTRAINT" in postgres
    assert "IS 'When it was written.';\nCOMMENT ON COLUMN notes.mood IS 'Mood.';\n" in postgres


LISTS = """\
-- name: one(id)^
-- Return one.
WITH given AS (
    SELECT
        n.id,
        n.body,
        n.done
    FROM notes AS n
    WHERE n.id = :id
)
SELECT
    g.id,
    g.body,
    coalesce(g.done, 1) AS done
FROM given AS g;

-- name: move()!
-- Move all.
INSERT INTO archive (id, body, done)
SELECT id, body, done FROM notes
RETURNING id, body, done;

-- name: few()
-- Return a part.
SELECT id, (SELECT count(*) FROM notes) AS body FROM notes;
"""


def test_lists_of_whole_rows_are_extended(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(LISTS, encoding="utf-8")
    said = {
        name: [
            (query.sql[:place].rpartition("\n")[2].strip(), more)
            for place, more in extended_lists(query, "sqlite", ["id", "body", "done"], column())
        ]
        for name, query in read_queries(path, "sqlite").items()
    }
    assert said == {
        "one": [
            ("n.done", ",\n        n.mood"),
            ("coalesce(g.done, 1) AS done", ",\n    g.mood"),
        ],
        # what an INSERT takes has to fit its columns
        "move": [("RETURNING id, body, done", ",\nmood")],
        "few": [],
    }


RECORDS = """\
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Author(Record):
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedAuthor(Author):
    rank: int
"""
AUTHORS = """
-- name: list_authors()
-- List the authors.
-- plan: seq_scan allowed because all are wanted
SELECT
    -- columns: Author
    a.id,
    a.name
FROM authors AS a
ORDER BY a.id{collation};
"""
CALL = "        return await self._queries.count_notes"


@pytest.fixture
def with_authors(tree: Path) -> Path:
    folder = tree.parent / "code" / "notes"
    folder.mkdir()
    (folder / "records.py").write_text(RECORDS, encoding="utf-8")
    for dialect, collation in (("postgres", ' COLLATE "C"'), ("sqlite", "")):
        with (tree / dialect / "notes" / "queries.sql").open("a", encoding="utf-8") as out:
            out.write(AUTHORS.format(collation=collation))
        with (tree / dialect / "notes" / "schema.sql").open("a", encoding="utf-8") as out:
            out.write(
                "\nINSERT INTO _schema_versions (module, version) VALUES ('notes', 1)\n"
                "ON CONFLICT (module) DO NOTHING;\n"
            )
    more = "        self._queries.list_authors(connection)\n"
    replace_in(folder.parent / "notes.py", CALL, f"{more}{CALL}")
    return tree


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".sql", ".py"}
    }


@pytest.mark.slow
def test_a_column_is_added_everywhere_or_nowhere(
    with_authors: Path, servers: Servers, run_check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    root = with_authors
    code = root.parent / "code"
    command = ["column", "add", "notes", "authors", "joined_at", "timestamp"]
    target = [
        "--sql-dir",
        str(root),
        "--python",
        str(code),
        "--dsn",
        servers.default.dsn("postgres"),
    ]
    for rule in ("style", "squawk", "meaning", "plan-snapshot", "unused-query"):
        target += ["--skip", rule]
    before = files(root.parent)
    for wrong, said in (
        (
            ["column", "add", "nots", "authors", "x", "text"],
            "there is no store 'nots'; there are notes",
        ),
        (
            ["column", "add", "notes", "author", "x", "text"],
            "no table 'author'; there are authors, notes",
        ),
        (["column", "add", "notes", "authors", "name", "text"], "has a column 'name'"),
    ):
        assert main([*wrong, *target]) == 2
        assert said in capsys.readouterr().err
    assert main([*command, *target, "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert files(root.parent) == before
    assert main([*command, *target]) == 0
    assert capsys.readouterr().out == shown.out
    after = files(root.parent)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        "code/notes/records.py",
        *(
            f"sql/{dialect}/notes/{name}"
            for dialect in DIALECTS
            for name in ("schema.sql", "queries.sql", "upgrades/0002_joined_at_of_authors.sql")
        ),
    }
    assert (
        "    name: str\n    joined_at: datetime | None = None\n" in after["code/notes/records.py"]
    )
    assert "\nfrom datetime import datetime\n" in after["code/notes/records.py"]
    assert after["sql/sqlite/notes/upgrades/0002_joined_at_of_authors.sql"] == (
        "-- Joined at.\n\nALTER TABLE authors ADD COLUMN joined_at TEXT\n"
        "CONSTRAINT authors_joined_at_check "
        "CHECK (joined_at LIKE '____-__-__T__:__:__.______Z');\n"
    )
    for dialect in DIALECTS:
        assert "    a.name,\n    a.joined_at\nFROM" in after[f"sql/{dialect}/notes/queries.sql"]
        assert "VALUES ('notes', 2)" in after[f"sql/{dialect}/notes/schema.sql"]
    assert "record classes: Author (records.py)" in shown.err
    assert run_check(root, skip={"meaning", "style", "squawk"}).findings == ()
    # A tree that can't be checked is not edited at all.
    replace_in(root / "sqlite" / "notes" / "queries.sql", "    n.score\n", "    n.scores\n")
    before = files(root.parent)
    assert main(["column", "add", "notes", "authors", "mood", "text", *target]) == 2
    assert "the tree has errors before the column is added" in capsys.readouterr().err
    assert files(root.parent) == before


# A store of each kind: records read by lists under '-- columns:', rows that go through a CTE and a
# second class, a rule that SQLite needs in place of a type.
ADDED = {
    "critique": ("debates", "language text", "debate and not reads_back and not export"),
    "jobs": ("job_queue", "region text --default eu --not-null", "get or list"),
    "integrations": ("user_id_mappings", "is_bot boolean", "mapping"),
}


@pytest.mark.slow
@pytest.mark.parametrize("store", ADDED)
def test_the_package_s_own_tree_is_clean_afterwards(
    store: str, tmp_path: Path, servers: Servers
) -> None:
    table, new, tests = ADDED[store]
    dsn = servers.default.dsn("postgres")
    copy = Copy(tmp_path, DATABASE_URL=dsn, ARAGORA_TEST_POSTGRES_DSN=dsn)
    older = tmp_path / "older.db"
    copy.run(f"aragora-sql schema apply --dialect sqlite --sqlite-path {older}")
    said = copy.run(f"aragora-sql column add {store} {table} {new} --comment 'What it is.'")
    assert "files written" in said
    # The generated rows follow from the schema: with others the answers of a query that is as it
    # was may differ where nobody has looked yet.
    said = copy.run(
        f"aragora-sql check --skip meaning sql/*/{store}/*.sql\n"
        "aragora-sql stubs --check\n"
        "aragora-sql stores --check\n"
        "aragora-sql columns --check\n"
        f"aragora-sql schema apply --dialect sqlite --sqlite-path {older}\n"
        f"aragora-sql schema verify --dialect sqlite --sqlite-path {older}\n"
        f"pytest tests/stores/{store} -k '{tests}'"
    )
    assert "no findings" in said
