"""Edits of schemas that change what tables do: each is found at its statement; others are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aragora_sql.schema.records import record_versions
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

POSTGRES, SQLITE = "postgres/notes/schema.sql", "sqlite/notes/schema.sql"
BOTH = (POSTGRES, SQLITE)

# Files, what stands there, what is written instead, and what the finding says.
Edit = tuple[Sequence[str], str, str, str]

LOGGED = "CREATE TABLE IF NOT EXISTS notes ("
SECURED = "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
KEY = "    CONSTRAINT authors_pkey PRIMARY KEY (id)\n)"
COMMENT, INDEX = "COMMENT ON TABLE notes", "CREATE INDEX IF NOT EXISTS idx"
POLICY = "DO $$ BEGIN EXECUTE 'CREATE POLICY p ON notes USING (TRUE)'; END $$;"
RULE = "ALTER TABLE notes ADD CONSTRAINT notes_id_check CHECK (id <> '');"


def before(file: str, place: str, statement: str, said: str) -> Edit:
    """Write a statement before another one."""
    return [file], place, f"{statement}\n{place}", said


ONE_DIALECT: list[Edit] = [
    ([POSTGRES], LOGGED, LOGGED.replace(" TABLE", " UNLOGGED TABLE"), "notes is UNLOGGED"),
    ([POSTGRES], "score DOUBLE PRECISION", "score REAL", "notes.score is of type real"),
    ([POSTGRES], " body TEXT,", " body VARCHAR(9),", "notes.body is of type character varying(9)"),
    (
        [POSTGRES],
        "UNIQUE (author_id, body)",
        "UNIQUE (author_id, body) DEFERRABLE",
        "constraint notes_body_key of notes is DEFERRABLE",
    ),
    ([POSTGRES], "IS 'Who writes.'", "IS 'Somebody.'", "table comment authors of authors is Some"),
    ([SQLITE], " body TEXT,", " body TEXT COLLATE NOCASE,", "notes.body has COLLATE NOCASE"),
    (
        [SQLITE],
        "author_id TEXT NOT NULL,",
        "author_id TEXT NOT NULL ON CONFLICT IGNORE,",
        "ON CONFLICT IGNORE in column author_id of notes",
    ),
    ([SQLITE], f"{KEY} STRICT;", f"{KEY};", "authors is not STRICT"),
]
BOTH_DIALECTS: list[Edit] = [
    (
        BOTH,
        "ON DELETE CASCADE",
        "ON DELETE RESTRICT",
        "constraint notes_author_id_fkey of notes is",
    ),
    (BOTH, "BETWEEN 0 AND 1", "BETWEEN 0 AND 2", "constraint notes_score_check of notes is"),
    (BOTH, "DEFAULT 0.5", "DEFAULT 0.25", "column score of notes is"),
    (BOTH, "(created_at DESC)", "(created_at)", "index idx_notes_created of notes is"),
    (BOTH, "    name TEXT NOT NULL,", "    name TEXT,", "column name of authors is"),
    before(POSTGRES, "COMMENT ON TABLE authors", POLICY, "schema-statement: DO … CREATE"),
    before(POSTGRES, COMMENT, RULE, "the rule notes_id_check id <> '' of notes is not in"),
    before(SQLITE, INDEX, "PRAGMA foreign_keys = OFF;", "schema-statement: PRAGMA FOREIGN_KEYS"),
    before(POSTGRES, SECURED, "GRANT SELECT ON notes TO PUBLIC;", "open-grant: GRANT SELECT"),
]
REFUSED: list[Edit] = [
    before(POSTGRES, COMMENT, "ALTER TABLE notes ADD COLUMN id TEXT;", 'column "id" of relation'),
    before(
        POSTGRES, "COMMENT ON COLUMN notes.id", "SET search_path = a;", "psql keeps the setting"
    ),
    before(SQLITE, INDEX, "CREATE TABLE notes (a TEXT) STRICT;", "table notes already exists"),
]


# Edits that don't hide each other are looked for together, because a check takes its time.
@pytest.mark.parametrize("edits", [ONE_DIALECT, BOTH_DIALECTS, REFUSED])
def test_an_edit_is_found_where_it_is(edits: list[Edit], tree: Path, run_check: Check) -> None:
    record_versions(tree)
    for files, old, new, _ in edits:
        for file in files:
            replace_in(tree / file, old, new)
    found = {(str(f.path.relative_to(tree)), f.line, str(f)) for f in run_check(tree).findings}
    for files, _, new, said in edits:
        for file in files:
            text = (tree / file).read_text(encoding="utf-8")
            at = text.count("\n", 0, text.index(new)) + 1
            # what a table is as a whole is said at its CREATE, and a rule at its first line
            lines = range(at - 3, at + 1)
            assert any(
                path == file and line in lines and said in message for path, line, message in found
            ), f"{said} at {file}:{at}\n" + "\n".join(message for *_, message in sorted(found))


def test_another_layout_is_no_difference(tree: Path, run_check: Check) -> None:
    trigger = (
        "\nCREATE TRIGGER IF NOT EXISTS notes_kept AFTER DELETE ON authors BEGIN\n"
        "    DELETE FROM notes WHERE author_id = old.id;\nEND;\n"
    )
    with (tree / SQLITE).open("a", encoding="utf-8") as out:
        out.write(trigger)
    record_versions(tree)
    replace_in(
        tree / SQLITE, "    DELETE FROM notes", "    -- its notes\n    DELETE\n    FROM notes"
    )
    for file in BOTH:
        replace_in(tree / file, "ON notes (created_at DESC)", "ON notes (\n    created_at DESC\n)")
        replace_in(
            tree / file, "    name TEXT NOT NULL,", "    name TEXT  -- theirs\n    NOT NULL,"
        )
    assert [str(finding) for finding in run_check(tree).findings] == []


def test_a_table_or_rule_of_both_dialects_is_new_to_the_record_alone(
    tree: Path, run_check: Check
) -> None:
    record_versions(tree)
    for file in BOTH:
        replace_in(tree / file, "BETWEEN 0 AND 1)", "BETWEEN 0 AND 1 AND score <> 0.3)")
    assert {f.rule for f in run_check(tree).findings} == {"schema-record"}
    record_versions(tree, replace=True)
    assert run_check(tree).findings == ()
