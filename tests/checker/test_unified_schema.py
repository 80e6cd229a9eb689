"""What the file that psql runs may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checker.conftest import Check

ASKING = """\
SET LOCAL lock_timeout = '5s';
SET search_path TO app, public;

DO $$
DECLARE
    is_new BOOLEAN;
    present INTEGER;
    store RECORD;
BEGIN
    IF current_schema() IS NULL THEN
        RAISE EXCEPTION 'role % must DROP nothing', current_user USING HINT = 'Ask';
    END IF;
    PERFORM pg_advisory_xact_lock(5207412907514871);
    is_new := to_regclass(format('%I._schema_versions', current_schema())) IS NULL;
    PERFORM set_config('aragora.make_notes', is_new::text, TRUE);
    FOR store IN
    SELECT e.name, e.version FROM (VALUES ('notes', 1)) AS e (name, version)
    LOOP
        SELECT v.version INTO present FROM _schema_versions AS v WHERE v.module = store.name;
    END LOOP;
END
$$;

SELECT
    current_setting('aragora.make_notes') AS make_notes,
    current_setting('aragora.make_others') AS make_others
\\gset

\\if :make_notes
\\ir notes/schema.sql
\\else
\\endif
\\set ON_ERROR_STOP on
"""


def said(run_check: Check, tree: Path) -> list[tuple[str, int]]:
    return [
        (str(f.path.relative_to(tree)), f.line)
        for f in run_check(tree).findings
        if f.rule == "unified-schema"
    ]


def test_what_it_may_hold(tree: Path, run_check: Check) -> None:
    path = tree / "postgres" / "schema.sql"
    text = path.read_text(encoding="utf-8")
    includes = text.replace("\\ir notes/schema.sql\n", "")
    path.write_text(f"BEGIN;\n{includes}{ASKING}COMMIT; -- \\! not run\n", encoding="utf-8")
    sqlite = tree / "sqlite" / "schema.sql"
    pragmas = "PRAGMA foreign_keys = ON;\nBEGIN;\nCOMMIT;\n"
    sqlite.write_text(sqlite.read_text(encoding="utf-8") + pragmas, encoding="utf-8")
    assert said(run_check, tree) == []


@pytest.mark.parametrize(
    "line",
    [
        "\\! rm -rf ~",
        "SET client_min_messages = warning; \\! rm -rf ~",
        "\\i notes/schema.sql",
        "\\ir ../../notes/schema.sql",
        "\\ir /etc/passwd",
        "\\ir notes/queries.sql",
        "\\ir `id`",
        "\\set x `rm -rf ~`",
        "\\copy notes TO '/tmp/x'",
        "\\o |sh",
        "SELECT 1 \\g |sh",
        "SELECT 1 AS a \\gexec",
        "DROP TABLE notes;",
        "BEGIN; DELETE FROM notes; COMMIT;",
        "SET ROLE postgres;",
        "SET role = 'postgres';",
        "SET SESSION AUTHORIZATION postgres;",
        "SET session_authorization TO postgres;",
        "SELECT pg_terminate_backend(1);",
        "SELECT lo_import('/etc/passwd') AS lo_import;",
        "SELECT set_config('role', 'postgres', FALSE);",
        "DO $$ BEGIN EXECUTE 'DROP TABLE notes'; END $$;",
        "DO $x$ BEGIN PERFORM format('a'); DROP TABLE notes; END $x$;",
        "DO LANGUAGE plpython3u $$ import os $$;",
        "ALTER SYSTEM SET work_mem = '1GB';",
        "CALL reset();",
    ],
)
def test_what_it_may_not_hold(line: str, tree: Path, run_check: Check) -> None:
    path = tree / "postgres" / "schema.sql"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}{line}\n", encoding="utf-8")
    assert said(run_check, tree) == [("postgres/schema.sql", text.count("\n") + 1)]


@pytest.mark.parametrize(
    "line",
    [
        ".shell rm -rf ~",
        "DROP TABLE notes;",
        "ATTACH 'x.db' AS x;",
        "PRAGMA writable_schema = ON;",
        "SELECT load_extension('x');",
    ],
)
def test_what_that_of_sqlite_may_not_hold(line: str, tree: Path, run_check: Check) -> None:
    path = tree / "sqlite" / "schema.sql"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}{line}\n", encoding="utf-8")
    assert said(run_check, tree) == [("sqlite/schema.sql", text.count("\n") + 1)]
