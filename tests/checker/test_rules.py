"""Of each rule: a tree that breaks only this rule, and where the finding is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql.checker.rules import RULES
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema.records import record_versions
from tests.checker.conftest import BUT_PLANS, SLOW, Check
from tests.checker.tree import replace_in

ALL = frozenset[str]()
POSTGRES_SCHEMA = "postgres/notes/schema.sql"
SQLITE_SCHEMA = "sqlite/notes/schema.sql"
POSTGRES = "postgres/notes/queries.sql"
SQLITE = "sqlite/notes/queries.sql"

# Breaks a rule in a tree and returns where that has to be found: (file, line).
Break = Callable[[Path], tuple[str, int]]


def edit(file: str, old: str, new: str, *, below: int = 0) -> Break:
    """Replace a text; the finding is in its line, or some lines below."""

    def act(root: Path) -> tuple[str, int]:
        return file, replace_in(root / file, old, new) + below

    return act


def edit_both(old: str, new: str, *, below: int = 0, files: tuple[str, str]) -> Break:
    """Replace a text in both dialects; the finding is in the first file."""

    def act(root: Path) -> tuple[str, int]:
        line = replace_in(root / files[0], old, new)
        replace_in(root / files[1], old, new)
        return files[0], line + below

    return act


SCHEMAS = (POSTGRES_SCHEMA, SQLITE_SCHEMA)
QUERIES = (POSTGRES, SQLITE)
UPGRADE = "notes/upgrades/0002_email.sql"


def append(file: str, text: str, *, below: int = 1) -> Break:
    """Add a text at the end of a file."""

    def act(root: Path) -> tuple[str, int]:
        path = root / file
        lines = path.read_text(encoding="utf-8").count("\n")
        with path.open("a", encoding="utf-8") as out:
            out.write(text)
        return file, lines + below

    return act


def write(file: str, content: bytes, line: int = 1) -> Break:
    """Write a file of its own."""

    def act(root: Path) -> tuple[str, int]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content)
        return file, line

    return act


def unfinished(root: Path) -> tuple[str, int]:
    path = root / POSTGRES
    text = path.read_text(encoding="utf-8")
    path.write_text(text.rstrip("\n"), encoding="utf-8")
    return POSTGRES, text.count("\n")


def unlisted(root: Path) -> tuple[str, int]:
    replace_in(root / "postgres/schema.sql", "\\ir notes/schema.sql\n", "")
    return POSTGRES_SCHEMA, 1


def uncopied(root: Path) -> tuple[str, int]:
    for dialect in ("postgres", "sqlite"):
        shutil.rmtree(root / dialect / "notes")
        master = (root / dialect / "schema.sql").read_text(encoding="utf-8")
        lines = [line for line in master.splitlines(keepends=True) if "notes" not in line]
        (root / dialect / "schema.sql").write_text("".join(lines), encoding="utf-8")
    return "sqlite/notes/queries.sql", 1


def unsaved_plan(root: Path) -> tuple[str, int]:
    (root / "plans").mkdir()
    return "plans/sqlite", 1


def unsaved_answers(root: Path) -> tuple[str, int]:
    (root / "answers").mkdir()
    return "answers/notes.txt", 1


def missing_comment(root: Path) -> tuple[str, int]:
    replace_in(root / POSTGRES_SCHEMA, "COMMENT ON TABLE authors IS 'Who writes.';\n", "")
    return POSTGRES_SCHEMA, 3


def unprotected(root: Path) -> tuple[str, int]:
    replace_in(root / POSTGRES_SCHEMA, "ALTER TABLE authors ENABLE ROW LEVEL SECURITY;\n", "")
    return POSTGRES_SCHEMA, 3


def uncalled(root: Path) -> tuple[str, int]:
    call = '        self._queries.list_notes(connection, author_id="1", body=None)\n'
    replace_in(root / "../code/notes.py", call, "")
    return POSTGRES, 12


def only_on_postgres(root: Path) -> tuple[str, int]:
    call = "        return await self._queries.count_notes"
    more = '        await self._queries.get_author(connection, id="1")\n'
    replace_in(root / "../code/notes.py", call, f"{more}{call}")
    text = "\n-- name: get_author(id)^\n-- Return one.\nSELECT name FROM authors\nWHERE id = :id;\n"
    return append(POSTGRES, text, below=2)(root)


def unindexed(root: Path) -> tuple[str, int]:
    key = "    CONSTRAINT authors_boss_fkey FOREIGN KEY (boss_id) REFERENCES authors (id),\n"
    column = "    name TEXT NOT NULL,\n"
    edit_both(column, f"{column}    boss_id TEXT,\n{key}", files=SCHEMAS)(root)
    append(POSTGRES_SCHEMA, "COMMENT ON COLUMN authors.boss_id IS 'Their editor.';\n")(root)
    for file in SCHEMAS:
        # in the dialects' order of columns before rules
        replace_in(root / file, key, "")
        replace_in(
            root / file,
            "    CONSTRAINT authors_pkey PRIMARY KEY (id)\n",
            f"{key}    CONSTRAINT authors_pkey PRIMARY KEY (id)\n",
        )
    return POSTGRES_SCHEMA, 7


def regproc(root: Path) -> tuple[str, int]:
    append(POSTGRES_SCHEMA, "COMMENT ON COLUMN authors.kind IS 'A function.';\n")(root)
    column = "    name TEXT NOT NULL,\n"
    more = "    -- parity: column authors.kind because SQLite has no functions\n    kind REGPROC,\n"
    return edit(POSTGRES_SCHEMA, column, column + more, below=2)(root)


def wrong_order(root: Path) -> tuple[str, int]:
    fields = ("body", "id", "done", "details", "created_at")
    record = "class Note(Record):\n" + "".join(f"    {name}: object\n" for name in fields)
    (root / "../code/notes").mkdir()
    (root / "../code/notes/records.py").write_text(record, encoding="utf-8")
    columns = "    n.id,\n    n.body"
    return edit_both(columns, f"    -- columns: Note\n{columns}", files=QUERIES)(root)


def filtered_walk(root: Path) -> tuple[str, int]:
    where = "WHERE\n    n.author_id = :author_id\n    AND (:body::text IS NULL OR n.body = :body);"
    walk = (
        f"{where[:-1].replace('author_id =', 'author_id <>')}\nORDER BY n.created_at DESC\nLIMIT 9;"
    )
    replace_in(root / SQLITE, where.replace("::text", ""), walk.replace("::text", ""))
    return edit(POSTGRES, where, walk, below=-6)(root)


def nullable_document(root: Path) -> tuple[str, int]:
    for file, kind in zip(SCHEMAS, ("JSONB", "TEXT"), strict=True):
        replace_in(root / file, "    body TEXT,\n", f"    body TEXT,\n    extra {kind},\n")
    append(POSTGRES_SCHEMA, "COMMENT ON COLUMN notes.extra IS 'More.';\n")(root)
    rule = "    CONSTRAINT notes_done_check"
    more = f"    CONSTRAINT notes_extra_check CHECK (json_valid(extra)),\n{rule}"
    return edit(SQLITE_SCHEMA, rule, more)(root)


def unrecorded_column(root: Path) -> tuple[str, int]:
    record_versions(root)
    append(POSTGRES_SCHEMA, "COMMENT ON COLUMN authors.email IS 'Where to write.';\n")(root)
    column = "    name TEXT NOT NULL,\n"
    return edit_both(column, f"{column}    email TEXT,\n", files=SCHEMAS, below=1)(root)


def upgraded(root: Path, step: str) -> None:
    """Add an upgrade with a column and one more statement, as they have to be."""
    record_versions(root)
    column = "    name TEXT NOT NULL,\n"
    edit_both(column, f"{column}    email TEXT,\n", files=SCHEMAS)(root)
    comment = "COMMENT ON COLUMN authors.email IS 'Where to write.';\n"
    append(POSTGRES_SCHEMA, comment)(root)
    for dialect in ("postgres", "sqlite"):
        (root / dialect / "notes" / "upgrades").mkdir()
        text = f"-- A column.\nALTER TABLE authors ADD COLUMN email TEXT;\n{step};\n"
        text += comment if dialect == "postgres" else ""
        (root / dialect / UPGRADE).write_text(text, encoding="utf-8")
    record_versions(root)


def deleting_upgrade(root: Path) -> tuple[str, int]:
    upgraded(root, "DELETE FROM notes")
    said = "-- check: upgrade-lock of authors because there are few\n-- A column.\n"
    replace_in(root / "postgres" / UPGRADE, "-- A column.\n", said)
    return f"sqlite/{UPGRADE}", 3


def shutting_upgrade(root: Path) -> tuple[str, int]:
    upgraded(root, "UPDATE authors SET email = ''")
    return f"postgres/{UPGRADE}", 3


def secret_view(root: Path) -> tuple[str, int]:
    comment = "COMMENT ON COLUMN notes.body IS 'The text"
    replace_in(root / POSTGRES_SCHEMA, comment, f"{comment}, which is a secret")
    invoker = "CREATE VIEW bodies WITH (security_invoker = true) AS SELECT body FROM notes;\n"
    parity = "\n-- parity: table bodies because it is for reports\n"
    return append(POSTGRES_SCHEMA, parity + invoker, below=3)(root)


MAPPING = """\
-- name: old_authors(first_rowid, last_rowid)
-- Authors of the older program.
-- from: old_authors (id, name)
-- into: authors
-- key: id
SELECT
    rowid AS source_rowid,
    id,
    name
FROM old_authors
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: old_notes(first_rowid, last_rowid)
-- Notes of the older program.
-- from: old_notes (id, body, author)
-- into: notes
-- key: id
-- values: author_id = author
SELECT
    rowid AS source_rowid,
    id,
    {body},
    author AS author_id
FROM old_notes
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
"""


def swapped(root: Path) -> tuple[str, int]:
    shutil.copytree(packaged_sql_dir() / "migration", root / "migration")
    return write("legacy/notes.sql", MAPPING.format(body="id || '' AS body").encode(), 22)(root)


def moved_otherwise(root: Path) -> tuple[str, int]:
    shutil.copytree(packaged_sql_dir() / "migration", root / "migration")
    write("legacy/notes.sql", MAPPING.format(body="body").encode())(root)
    kept = b"mapping old_notes into: notes\nmapping old_notes key: author_id, body\n"
    write("legacy/moved/notes.txt", kept)(root)
    return "legacy/notes.sql", 13


BREAKS: dict[str, Break] = {
    "file": write(SQLITE, b"-- name: get_note(note_id)^\n-- Return.\nSELECT '\xff';\n", 3),
    "characters": edit(SQLITE, "FROM notes AS n\nWHERE n", "FROM notes AS n\nWHERE\tn", below=1),
    "final-newline": unfinished,
    "stray-file": write("postgres/notes/queries.sql.orig", b"x"),
    "unlisted-store": unlisted,
    "missing-store": uncopied,
    "unified-schema": append("postgres/schema.sql", "\\! true\n"),
    "version": append(
        POSTGRES_SCHEMA,
        "\nINSERT INTO _schema_versions (module, version) VALUES ('notes', 2);\n",
        below=2,
    ),
    "prepare": edit(SQLITE, "    n.score\n", "    n.scores\n"),
    "untyped-parameter": edit(
        POSTGRES, "    AND (:body::text IS NULL OR n.body = :body);", "    AND :body IS NULL;"
    ),
    "uncast-document": edit(POSTGRES, ":details::jsonb", ":details", below=0),
    "inexact-call": edit(POSTGRES, "    n.score\n", "    n.score * 1 AS score\n"),
    "parity-query": only_on_postgres,
    "parity-parameters": edit(SQLITE, "list_notes(author_id, body)", "list_notes(body, author_id)"),
    "parity-operation": edit(SQLITE, "get_note(note_id)^", "get_note(note_id)"),
    "parity-columns": edit(SQLITE, "    n.body,\n    n.done,", "    n.done,\n    n.body,"),
    "parity-type": edit(SQLITE, "    n.score\n", "    length(n.body) AS score\n"),
    "parity-nullability": edit(SQLITE, "    n.body,\n", "    coalesce(n.body, '') AS body,\n"),
    "meaning": edit(SQLITE, "OR n.body = :body", "OR n.body >= :body", below=-8),
    "locks": append(
        POSTGRES,
        "\n-- name: hold_notes(author_id)\n-- Hold the notes of an author.\n"
        "-- check: unused-query because a person runs it\n"
        "-- parity: query because SQLite locks the whole file\n"
        "-- locks: notes rows in order of id, skip locked\n"
        "SELECT id FROM notes\nWHERE author_id = :author_id\n"
        'ORDER BY id COLLATE "C"\nFOR UPDATE;\n',
        below=6,
    ),
    "answer-snapshot": unsaved_answers,
    "parity-origin": edit(
        SQLITE, "    n.id,\n    n.score\n", "    n.author_id AS id,\n    n.score\n"
    ),
    "collation": edit(
        POSTGRES,
        "IS NULL OR n.body = :body);",
        "IS NULL OR n.body = :body)\nORDER BY n.id;",
        below=1,
    ),
    "parity-function": edit_both("n.body = :body", "lower(n.body) = :body", files=QUERIES),
    "parity-table": append(
        SQLITE_SCHEMA, "\nCREATE VIEW IF NOT EXISTS best AS SELECT id FROM notes;\n", below=2
    ),
    "parity-column": edit(SQLITE_SCHEMA, "    name TEXT NOT", "    name BLOB NOT"),
    "parity-not-null": edit(SQLITE_SCHEMA, "    name TEXT NOT NULL,", "    name TEXT,"),
    "parity-default": edit(SQLITE_SCHEMA, "DEFAULT 0.5", "DEFAULT 0.25"),
    "parity-check": edit(SQLITE_SCHEMA, "(score BETWEEN 0 AND 1)", "(score BETWEEN 0 AND 2)"),
    "parity-unique": edit(
        SQLITE_SCHEMA, "    name TEXT NOT NULL,", "    name TEXT NOT NULL UNIQUE,", below=-2
    ),
    "parity-foreign-key": edit(
        SQLITE_SCHEMA,
        "REFERENCES authors (id) ON DELETE CASCADE",
        "REFERENCES authors (id)",
        below=-1,
    ),
    "parity-index": edit(SQLITE_SCHEMA, "ON notes (created_at DESC)", "ON notes (created_at)"),
    "parity-storage": edit(
        POSTGRES_SCHEMA,
        "CREATE TABLE IF NOT EXISTS notes",
        "CREATE UNLOGGED TABLE IF NOT EXISTS notes",
    ),
    "parity-precision": edit(POSTGRES_SCHEMA, "    score DOUBLE PRECISION", "    score REAL"),
    "parity-timing": edit(
        POSTGRES_SCHEMA,
        "ON DELETE CASCADE",
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        below=-1,
    ),
    "schema-statement": append(
        POSTGRES_SCHEMA, "\nINSERT INTO authors (id, name) VALUES ('1', 'A');\n", below=2
    ),
    "name-clash": append(
        POSTGRES_SCHEMA,
        "\n-- parity: index authors.notes_body_key because it is for the other rule\n"
        "CREATE INDEX IF NOT EXISTS notes_body_key ON authors (name);\n",
        below=3,
    ),
    "schema-record": unrecorded_column,
    "upgrade": deleting_upgrade,
    "upgrade-lock": shutting_upgrade,
    "unknown-query": edit(
        "../code/notes.py",
        "        return await self",
        "        await self._queries.count_note(connection)\n        return await self",
    ),
    "wrong-parameters": edit("../code/notes.py", 'note_id="1"', 'id="1"'),
    "wrong-result": edit(
        "../code/notes.py",
        'await self._queries.get_note(connection, note_id="1")',
        '(await self._queries.get_note(connection, note_id="1"))["text"]',
    ),
    "unused-query": uncalled,
    "record-columns": wrong_order,
    "full-scan": edit(
        POSTGRES,
        "WHERE author_id = :author_id;",
        "WHERE author_id || '' = :author_id;",
        below=-4,
    ),
    "filtered-walk": filtered_walk,
    "plan-snapshot": unsaved_plan,
    "missing-primary-key": edit_both(
        "    CONSTRAINT authors_pkey PRIMARY KEY (id)\n",
        "    CONSTRAINT authors_key UNIQUE (id)\n",
        below=-3,
        files=SCHEMAS,
    ),
    "unindexed-foreign-key": unindexed,
    "duplicate-index": edit_both(
        "\nCREATE INDEX IF NOT EXISTS idx_notes_created",
        "\nCREATE INDEX IF NOT EXISTS idx_notes_twin ON notes (created_at DESC);"
        "\nCREATE INDEX IF NOT EXISTS idx_notes_created",
        below=2,
        files=SCHEMAS,
    ),
    "missing-comment": missing_comment,
    "nullable-document": nullable_document,
    "row-level-security": unprotected,
    "policy": append(
        POSTGRES_SCHEMA, "\nCREATE POLICY all_notes ON notes USING (TRUE);\n", below=2
    ),
    "open-grant": append(POSTGRES_SCHEMA, "\nGRANT SELECT ON notes TO PUBLIC;\n", below=2),
    "view-security": append(
        POSTGRES_SCHEMA,
        "\n-- parity: table best because it is for reports\n"
        "CREATE VIEW best AS SELECT id FROM notes;\n",
        below=3,
    ),
    "secret-view": secret_view,
    "security-definer": append(
        POSTGRES_SCHEMA,
        "\nCREATE FUNCTION one() RETURNS integer LANGUAGE sql SECURITY DEFINER\n"
        "SET search_path = pg_catalog AS 'SELECT 1';\n",
        below=2,
    ),
    "function-search-path": append(
        POSTGRES_SCHEMA,
        "\nCREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
        below=2,
    ),
    "extension": append(POSTGRES_SCHEMA, "\nCREATE EXTENSION IF NOT EXISTS plpgsql;\n", below=2),
    "reg-type": regproc,
    "long-identifier": edit_both("idx_notes_created", "idx_notes_" + "x" * 60, files=SCHEMAS),
    "squawk": append(
        POSTGRES_SCHEMA,
        "\n-- check: schema-statement of authors because it is for squawk\n"
        "-- parity: precision authors.name because it is for squawk\n"
        "ALTER TABLE authors ALTER COLUMN name TYPE VARCHAR(10);\n",
        below=4,
    ),
    "style": edit(POSTGRES, "FROM notes\n", "from notes\n"),
    "mapping": swapped,
    "mapping-snapshot": moved_otherwise,
    "unknown-directive": edit(
        POSTGRES, "-- Return a note.\n", "-- Return a note.\n-- reslut: body not null\n", below=1
    ),
    "directive": edit(
        POSTGRES,
        "-- Return a note.\n",
        "-- Return a note.\n-- plan: seq_scan allowed because it is small\n",
        below=1,
    ),
}


def test_the_small_tree_is_as_every_rule_wants_it(tree: Path, run_check: Check) -> None:
    checked = run_check(tree, skip=ALL, update_plans=True, update_answers=True)
    assert [str(finding) for finding in checked.findings] == []
    assert not checked.failed
    assert checked.stores == 2


@pytest.mark.parametrize("rule", RULES)
def test_what_breaks_a_rule_is_found_in_its_place(rule: str, tree: Path, run_check: Check) -> None:
    file, line = BREAKS[rule](tree)
    # The answers are what calls of `meaning` give.
    needed = {"answer-snapshot": {rule, "meaning"}, "directive": SLOW - BUT_PLANS}.get(rule, {rule})
    checked = run_check(tree, skip=SLOW - needed)
    assert {finding.rule for finding in checked.findings} == {rule}, "\n".join(
        map(str, checked.findings)
    )
    assert (rule, str((tree / file).resolve()), line) in {
        (f.rule, str(f.path.resolve()), f.line) for f in checked.findings
    }, "\n".join(map(str, checked.findings))
    assert checked.failed


OF_ONE_STORE = """\
STORE = "{store}"


class {name}:
    def __init__(self):
        self._queries = load_queries(STORE, "sqlite")

    async def work(self, connection):
        await self._queries.{call}


class Other{name}:
    def __init__(self, queries):
        self._queries = queries

    async def work(self, connection):
        await self._queries.of_another_store(connection)
"""


def test_the_queries_of_a_class_are_its_own(tree: Path, run_check: Check) -> None:
    """Also where modules have constants of the same name, and classes attributes of it."""
    calls = {
        "notes": 'get_note(connection, note_id="1")',
        "schema_versions": "get_rights(connection)",
    }
    for store, call in calls.items():
        path = tree.parent / "code" / f"of_{store}.py"
        path.write_text(
            OF_ONE_STORE.format(store=store, call=call, name=store.title()), encoding="utf-8"
        )
    assert run_check(tree).findings == ()
    path = tree.parent / "code" / "of_notes.py"
    path.write_text(
        OF_ONE_STORE.format(store="notes", call="get_rights(connection)", name="Notes2"), "utf-8"
    )
    (finding,) = run_check(tree).findings
    assert (finding.path, finding.line, finding.rule) == (path, 9, "unknown-query")


def test_every_rule_has_a_test_and_a_paragraph_with_examples() -> None:
    assert set(BREAKS) == set(RULES)
    page = Path(aragora_sql.__file__).parent.parent / "docs" / "checks.md"
    if not page.is_file():
        pytest.skip("an installed package has no docs folder")
    sections = re.split(r"^### `([a-z-]+)`$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert list(told) == list(RULES)
    for rule, text in told.items():
        assert "Wrong:" in text, rule
        assert "Right:" in text, rule
