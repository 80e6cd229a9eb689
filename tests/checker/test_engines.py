"""Where the engines work: in a scratch place, whatever the server allows; nothing stays behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from aragora_sql.engines.facts import Engines, read_facts, read_tree
from aragora_sql.settings import PostgresDSN
from tests.checker.conftest import Check
from tests.conftest import Servers


@pytest.fixture
def users_database(postgres_dsn: str) -> str:
    """A database with a table of the user's that has the name of one of the tree's."""
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE TABLE notes (id integer); INSERT INTO notes VALUES (7)")
    return postgres_dsn


@pytest.fixture
def plain_user(users_database: str) -> Iterator[str]:
    """The DSN of a role that may create schemas in the user's database, and no database."""
    parsed = PostgresDSN.parse(users_database)
    with psycopg.connect(users_database, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain_user LOGIN")
        connection.execute(f"GRANT CREATE ON DATABASE {parsed.database} TO plain_user")
        yield replace(parsed, user="plain_user").uri()
        connection.execute("DROP OWNED BY plain_user; DROP ROLE plain_user")


def state(dsn: str) -> tuple[object, ...]:
    with psycopg.connect(dsn) as connection:
        return (
            connection.execute("SELECT * FROM notes").fetchall(),
            connection.execute("SELECT nspname FROM pg_namespace ORDER BY 1").fetchall(),
            connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall(),
            connection.execute("SELECT count(*) FROM pg_proc").fetchall(),
        )


def test_a_scratch_database_is_used_and_dropped(
    users_database: str, tree: Path, run_check: Check
) -> None:
    before = state(users_database)
    assert run_check(tree, dsn=users_database).findings == ()
    assert state(users_database) == before


def test_without_that_right_a_schema_is_used_and_undone(
    users_database: str, plain_user: str, tree: Path, run_check: Check
) -> None:
    before = state(users_database)
    checked = run_check(tree, dsn=plain_user)
    assert [str(finding) for finding in checked.findings] == []
    assert state(users_database) == before


def test_without_that_right_mistakes_are_found_too(
    plain_user: str, tree: Path, run_check: Check
) -> None:
    path = tree / "postgres" / "notes" / "queries.sql"
    path.write_text(path.read_text(encoding="utf-8").replace("n.score", "n.scores"), "utf-8")
    checked = run_check(tree, dsn=plain_user)
    assert {finding.rule for finding in checked.findings} == {"prepare"}


def test_plans_of_a_schema_are_not_compared(
    plain_user: str, tree: Path, run_with_plans: Check
) -> None:
    assert not run_with_plans(tree, update_plans=True).failed
    assert list(tree.glob("plans/postgres-*/notes.txt"))
    assert run_with_plans(tree).findings == ()
    # What was proved where plans can be compared needs no comparison here.
    assert run_with_plans(tree, dsn=plain_user).findings == ()
    checked = run_with_plans(tree, dsn=plain_user, afresh=True)
    assert {(f.rule, f.level) for f in checked.findings} == {("plan-snapshot", "warning")}
    assert not checked.failed


def test_the_environment_names_the_server(
    users_database: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", users_database)
    with Engines(read_tree(tree)) as engines:
        assert read_facts(engines).problems == ()
        name = engines.postgres.connection.info.dbname
        assert name.startswith("aragora_check_")


def test_an_embedded_server_needs_nothing(tree: Path, servers: Servers) -> None:
    del servers
    with Engines(read_tree(tree)) as engines:
        pid = engines.postgres.connection.info.backend_pid
        assert pid > 0
        assert read_facts(engines).problems == ()


@pytest.mark.skipif(
    sqlite3.sqlite_version_info >= (3, 44), reason="Python's SQLite takes what is tried here"
)
def test_what_the_older_sqlite_of_python_refuses_is_found(tree: Path, run_check: Check) -> None:
    """An ordered aggregate, which SQLite takes since 3.44."""
    for dialect, function in (("postgres", "string_agg"), ("sqlite", "group_concat")):
        with (tree / dialect / "notes" / "queries.sql").open("a", encoding="utf-8") as out:
            out.write(
                "\n-- name: join_notes(author_id)$\n-- Join the texts of an author.\n"
                f"SELECT {function}(n.body, ',' ORDER BY n.id) AS texts\n"
                "FROM notes AS n\nWHERE n.author_id = :author_id;\n"
            )
    messages = [finding.message for finding in run_check(tree).findings]
    refused = [message for message in messages if f"(on SQLite {sqlite3.sqlite_version}" in message]
    assert len(refused) == 1
    assert "query 'join_notes'" in refused[0]
    assert 'near "ORDER"' in refused[0]


@pytest.mark.skipif(
    sqlite3.sqlite_version_info >= (3, 46), reason="Python's SQLite takes what is tried here"
)
def test_a_schema_that_the_older_sqlite_of_python_refuses_is_found(
    tree: Path, run_check: Check
) -> None:
    schema = tree / "sqlite" / "notes" / "schema.sql"
    text = schema.read_text(encoding="utf-8")
    line = text.count("\n") + 2
    # digits are grouped since SQLite 3.46
    schema.write_text(
        f"{text}\nCREATE INDEX IF NOT EXISTS idx_notes_best ON notes (score) WHERE score > 0.5_0;\n"
    )
    problems = [finding for finding in run_check(tree).findings if finding.path == schema]
    assert any(
        finding.rule == "prepare"
        and finding.line == line
        and "which this Python has" in finding.message
        for finding in problems
    ), problems
