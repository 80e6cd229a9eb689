"""The files beside the stores are prepared too: of the migration, of the workbench, of mappings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aragora_sql.queries.files import packaged_sql_dir
from tests.checker.conftest import Check
from tests.checker.tree import replace_in

MIGRATION = "migration/queries.sql"
STATEMENTS = "workbench/postgres/statements/queries.sql"
LEGACY = "legacy/notes.sql"

MAPPING = """\
-- How older notes map onto today's.

-- name: notes(first_rowid, last_rowid)
-- Notes.
-- from: old_notes (id, written_by, text)
-- optional: stars
-- into: notes
-- key: id
SELECT
    rowid AS source_rowid,
    id,
    lower_text(cast(written_by AS BLOB)) AS author_id,
    nullif(text, '') AS body,
    coalesce(stars, 0) / 5.0 AS score,
    CASE WHEN stars > 5 THEN 'too many stars' END AS note_stars
FROM old_notes
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
"""


@pytest.fixture
def full(tree: Path) -> Path:
    """The small tree with a mapping, and with the files that belong to no store."""
    for name in ("migration", "workbench"):
        shutil.copytree(packaged_sql_dir() / name, tree / name)
    (tree / "legacy").mkdir()
    shutil.copy(packaged_sql_dir() / "legacy" / ".sqlfluff", tree / "legacy")
    (tree / LEGACY).write_text(MAPPING, encoding="utf-8")
    return tree


def test_calls_that_name_a_query_of_the_migration(full: Path, run_check: Check) -> None:
    # With so little of the migration nothing can be moved.
    (full / LEGACY).unlink()
    (full / "migration" / "answers.txt").unlink()
    queries = full / MIGRATION
    text = queries.read_text(encoding="utf-8")
    queries.write_text(text[: text.index("-- name: lock_holder")].rstrip() + "\n", encoding="utf-8")
    code = full.parent / "code" / "moving.py"
    code.write_text(
        "from aragora_sql.migration.statements import call as run, call_many\n"
        'run(connection, "try_lock")\n',
        encoding="utf-8",
    )
    assert run_check(full).findings == ()
    code.write_text(
        "from aragora_sql.migration.statements import call as run, call_many\n"
        'run(connection, "try_locks")\n'
        'call_many(connection, "try_lock", rows)\n'
        'run(connection, "try_lock", number=1)\n',
        encoding="utf-8",
    )
    found = [(f.path, f.line, f.column, f.rule, f.message) for f in run_check(full).findings]
    assert found == [
        (
            code,
            2,
            17,
            "unknown-query",
            "store 'migration' has no query 'try_locks'; there is try_lock",
        ),
        (
            code,
            4,
            17,
            "wrong-parameters",
            f"migration.try_lock: unknown 'number' ({'/'.join(queries.parts[-3:])}:4)",
        ),
    ]
    code.write_text(
        'from aragora_sql.migration.statements import call\ncall(connection, "")\n',
        encoding="utf-8",
    )
    assert [(f.path, f.line, f.rule) for f in run_check(full).findings] == [
        (code, 2, "unknown-query"),
        (queries, 4, "unused-query"),
    ]


def test_the_files_are_as_the_engines_want_them(full: Path, run_check: Check) -> None:
    checked = run_check(full)
    assert [str(finding) for finding in checked.findings] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "column", "said"),
    [
        (
            MIGRATION,
            "RETURNING number;",
            "RETURNING numbr;",
            "prepare",
            11,
            "query 'take_number': column \"numbr\" does not exist",
        ),
        (
            MIGRATION,
            "SELECT pg_try_advisory_lock(1095910255, hashtext(current_schema())) AS taken",
            "SELECT :taken IS NULL AS taken",
            "file",
            1,
            "query 'try_lock': parameter :taken is not in its list ()",
        ),
        (
            "migration/schema.sql",
            "    finished_at TIMESTAMPTZ,",
            "    finished_at TIMESTAMPTZZ,",
            "prepare",
            17,
            'type "timestamptzz" does not exist',
        ),
        (
            STATEMENTS,
            "    s.total_exec_time AS total_ms,",
            "    s.total_time AS total_ms,",
            "prepare",
            5,
            "query 'list_statistics': column s.total_time does not exist",
        ),
        (
            STATEMENTS,
            "quote_ident(:schema_name::text)",
            "quote_idnt(:schema_name::text)",
            "prepare",
            34,
            "query 'look_in_schema': function quote_idnt(text) does not exist",
        ),
        (
            "migration/langgraph/postgres/queries.sql",
            "    w.task_path,",
            "    w.taskpath,",
            "prepare",
            5,
            "query 'list_writes': column w.taskpath does not exist",
        ),
        (
            "migration/langgraph/sqlite/queries.sql",
            "    w.task_path,",
            "    w.taskpath,",
            "prepare",
            5,
            "query 'list_writes': no such column: w.taskpath",
        ),
        (
            LEGACY,
            "    nullif(text, '') AS body,",
            "    nullif(txt, '') AS body,",
            "prepare",
            12,
            "query 'notes': no such column: txt",
        ),
        (
            LEGACY,
            "    lower_text(cast(written_by AS BLOB)) AS author_id,",
            "    lower_txt(cast(written_by AS BLOB)) AS author_id,",
            "prepare",
            5,
            "query 'notes': no such function: lower_txt",
        ),
        (
            LEGACY,
            "    nullif(text, '') AS body,",
            "    nullif(text, '') AS bdoy,",
            "prepare",
            5,
            "query 'notes': notes has no column 'bdoy'",
        ),
        (
            LEGACY,
            "-- into: notes",
            "-- into: nodes",
            "prepare",
            1,
            "query 'notes': there is no table 'nodes' of store 'notes'",
        ),
        (LEGACY, "-- from: old_notes (", "-- from old_notes (", "file", 1, "a mapping needs one"),
        (
            LEGACY,
            "    lower_text(cast(written_by AS BLOB)) AS author_id,\n",
            "",
            "prepare",
            1,
            "query 'notes': it gives no value for notes.author_id",
        ),
    ],
)
def test_a_mistake_is_found_in_its_place(
    file: str,
    old: str,
    new: str,
    rule: str,
    column: int,
    said: str,
    full: Path,
    run_check: Check,
) -> None:
    line = replace_in(full / file, old, new)
    if file == LEGACY and column == 1:
        # What is about the whole of a mapping stands where it begins.
        text = (full / file).read_text(encoding="utf-8")
        begin = "-- name:" if rule == "file" else "SELECT"
        line = text.count("\n", 0, text.index(begin)) + 1
    checked = run_check(full)
    (finding,) = checked.findings
    assert (finding.path, finding.line, finding.column, finding.rule) == (
        full / file,
        line,
        column,
        rule,
    )
    assert said in finding.message
