"""What newer engines have and older ones refuse is read as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest

from aragora_sql.engines.facts import Engines, Facts, read_facts, read_tree
from aragora_sql.queries.files import DIALECTS
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.conftest import Servers

NEW = 18


@pytest.fixture
def new_server(servers: Servers) -> str:
    dsn = servers.default.dsn("postgres")
    with psycopg.connect(dsn) as connection:
        if connection.info.server_version < NEW * 10000:
            pytest.skip("PostgreSQL 18 has these")
    return dsn


def facts_of(tree: Path, dsn: str) -> Facts:
    with Engines(read_tree(tree), dsn) as engines:
        facts = read_facts(engines)
    assert facts.problems == ()
    return facts


def add(tree: Path, statement: str) -> None:
    with (tree / "postgres" / "notes" / "schema.sql").open("a", encoding="utf-8") as file:
        file.write(statement)


def found(run_check: Check, tree: Path) -> list[tuple[str, str]]:
    return [(f.rule, f.message) for f in run_check(tree).findings]


def test_a_rule_that_holds_for_new_rows_only_is_no_not_null(
    tree: Path, new_server: str, run_check: Check
) -> None:
    add(tree, "ALTER TABLE notes ADD CONSTRAINT notes_body_nn NOT NULL body NOT VALID;\n")
    facts = facts_of(tree, new_server)
    column = facts.catalogs["postgres"]["notes"].column("body")
    assert column is not None
    assert column.nullable
    query = facts.query("postgres", "notes", "get_note")
    assert query is not None
    assert {c.name: c.nullable for c in query.columns}["body"] is True
    assert {rule for rule, _ in found(run_check, tree)} == {"schema-statement"}
    # A rule of the same kind that was validated is one.
    add(tree, "ALTER TABLE notes VALIDATE CONSTRAINT notes_body_nn;\n")
    column = facts_of(tree, new_server).catalogs["postgres"]["notes"].column("body")
    assert column is not None
    assert not column.nullable
    assert {rule for rule, _ in found(run_check, tree)} == {
        "parity-not-null",
        "parity-nullability",
        "schema-statement",
    }


def test_a_foreign_key_that_nothing_enforces_is_none(
    tree: Path, new_server: str, run_check: Check
) -> None:
    path = tree / "postgres" / "notes" / "schema.sql"
    key = "FOREIGN KEY (author_id) REFERENCES authors (id) ON DELETE CASCADE"
    replace_in(path, key, f"{key} NOT ENFORCED")
    assert facts_of(tree, new_server).catalogs["postgres"]["notes"].foreign_keys == ()
    assert {rule for rule, _ in found(run_check, tree)} == {"parity-foreign-key", "parity-timing"}


def test_a_check_that_nothing_enforces_is_another_rule(
    tree: Path, new_server: str, run_check: Check
) -> None:
    del new_server
    path = tree / "postgres" / "notes" / "schema.sql"
    replace_in(path, "CHECK (score BETWEEN 0 AND 1)", "CHECK (score BETWEEN 0 AND 1) NOT ENFORCED")
    said = found(run_check, tree)
    assert {rule for rule, _ in said} == {"parity-check", "parity-timing"}
    assert any("score between 0 and 1 not enforced on PostgreSQL" in text for _, text in said)


def test_a_check_that_holds_for_new_rows_is_the_same_rule(tree: Path, run_check: Check) -> None:
    path = tree / "postgres" / "notes" / "schema.sql"
    replace_in(path, "CHECK (score BETWEEN 0 AND 1)", "CHECK (score BETWEEN 0 AND 1) NO INHERIT")
    assert found(run_check, tree) == []


def test_generated_columns_of_both_kinds(tree: Path, new_server: str, run_check: Check) -> None:
    for dialect in DIALECTS:
        path = tree / dialect / "notes" / "schema.sql"
        kind = "DOUBLE PRECISION" if dialect == "postgres" else "REAL"
        columns = (
            f"    twice {kind} GENERATED ALWAYS AS (score * 2) VIRTUAL,\n"
            f"    thrice {kind} GENERATED ALWAYS AS (score * 3) STORED,\n"
        )
        replace_in(path, "    body TEXT,\n", f"    body TEXT,\n{columns}")
        replace_in(
            tree / dialect / "notes" / "queries.sql",
            "    n.score\n",
            "    n.score,\n    n.twice,\n    n.thrice\n",
        )
    for name in ("twice", "thrice"):
        add(tree, f"COMMENT ON COLUMN notes.{name} IS 'Computed.';\n")
    facts = facts_of(tree, new_server)
    for dialect in DIALECTS:
        columns_of = {c.name: c for c in facts.catalogs[dialect]["notes"].columns}
        assert (columns_of["twice"].generated, columns_of["thrice"].generated) == (
            "virtual",
            "stored",
        )
        query = facts.query(dialect, "notes", "list_notes")
        assert query is not None
        assert [c.nullable for c in query.columns][-2:] == [True, True]
    assert found(run_check, tree) == []


UPSERT = (
    "INSERT INTO authors AS a (id, name) VALUES (:id, 'x') "
    "ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING "
)
RETURNING = {
    f"{UPSERT}old.name, new.name AS other, a.id": [True, False, False],
    f"{UPSERT}WITH (OLD AS o, NEW AS n) o.name, n.name AS other, id": [True, False, False],
    f"{UPSERT}WITH (OLD AS n) n.name, new.id": [True, False],
    "INSERT INTO authors (id, name) VALUES (:id, 'x') RETURNING OLD.id, id AS other": [True, False],
    "UPDATE authors SET name = 'x' WHERE id = :id RETURNING old.name, new.name AS other": [
        False,
        False,
    ],
    "DELETE FROM authors WHERE id = :id RETURNING old.name, new.name AS other": [False, True],
    "INSERT INTO authors AS old (id, name) VALUES (:id, 'x') RETURNING old.name": [False],
    "MERGE INTO authors AS a USING (SELECT :id::text AS id) AS s ON a.id = s.id "
    "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'x') "
    "RETURNING old.name, new.name AS other": [None, None],
}


@pytest.mark.parametrize("sql", RETURNING)
def test_rows_of_returning_that_may_not_be_there(sql: str, tree: Path, new_server: str) -> None:
    path = tree / "postgres" / "notes" / "queries.sql"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n-- name: write_author(id)^\n-- Write.\n{sql};\n")
    query = facts_of(tree, new_server).query("postgres", "notes", "write_author")
    assert query is not None
    assert [column.nullable for column in query.columns] == RETURNING[sql]


def test_rules_about_documents_that_may_be_null_work_on_the_installed_sqlite(
    tree: Path, run_check: Check
) -> None:
    rule = "CONSTRAINT notes_extra_check CHECK (extra IS NULL OR json_valid(extra))"
    for dialect, kind in zip(DIALECTS, ("JSONB", "TEXT"), strict=True):
        path = tree / dialect / "notes" / "schema.sql"
        replace_in(path, "    body TEXT,\n", f"    body TEXT,\n    extra {kind},\n")
    add(tree, "COMMENT ON COLUMN notes.extra IS 'More.';\n")
    path = tree / "sqlite" / "notes" / "schema.sql"
    replace_in(
        path, "    CONSTRAINT notes_done_check", f"    {rule},\n    CONSTRAINT notes_done_check"
    )
    assert found(run_check, tree) == []
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(path.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO authors VALUES ('a', 'A')")
        connection.execute("INSERT INTO notes (id, author_id, extra) VALUES ('n', 'a', NULL)")
        with pytest.raises(sqlite3.IntegrityError, match="notes_extra_check"):
            connection.execute("INSERT INTO notes (id, author_id, extra) VALUES ('m', 'a', '{')")
    finally:
        connection.close()
