"""Upgrades are run from each recorded version, with rows, in both dialects."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from aragora_sql.checker.release_before import check_release_before
from aragora_sql.checker.upgrade_proof import upgrade_work
from aragora_sql.checker.upgrade_writing import write_upgrade
from aragora_sql.database import Dialect
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.statement import Statement
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import read_facts
from aragora_sql.engines.tree import read_tree
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import DIALECTS, packaged_sql_dir
from aragora_sql.schema import initialize_store, latest_version, store_names, verify_schema
from aragora_sql.schema.records import RECORDS, record_path, record_paths, record_versions
from tests.checker.conftest import Check
from tests.checker.tree import replace_in
from tests.conftest import Servers

STEP = "notes/upgrades/0002_email.sql"
COMMENT = "COMMENT ON COLUMN authors.email IS 'Where to write.';\n"
COLUMN = "    name TEXT NOT NULL,\n"


def change(tree: Path, column: str = "email TEXT") -> None:
    """Change the tables of both dialects, after their version was recorded."""
    record_versions(tree)
    for dialect in DIALECTS:
        schema = tree / dialect / "notes" / "schema.sql"
        replace_in(schema, COLUMN, f"{COLUMN}    {column},\n")
    with (tree / "postgres/notes/schema.sql").open("a", encoding="utf-8") as out:
        out.write(COMMENT)


def upgrade(tree: Path, **texts: str) -> None:
    for dialect, text in texts.items():
        path = tree / dialect / STEP
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"-- A column.\n{text}", encoding="utf-8")


def added(definition: str = "email TEXT") -> str:
    return f"ALTER TABLE authors ADD COLUMN {definition};\n"


def said(run_check: Check, tree: Path) -> list[tuple[str, str, int, str]]:
    record_versions(tree)
    return [
        (f.rule, str(f.path.relative_to(tree)), f.line, f.message) for f in run_check(tree).findings
    ]


def test_an_upgrade_with_a_rule_on_its_column_leads_to_the_schema(
    tree: Path, run_check: Check
) -> None:
    """SQLite's ALTER TABLE can put a rule on the column only; so the schema has it there too."""
    column = "email TEXT\n    CONSTRAINT authors_email_check CHECK (email <> '')"
    change(tree, column)
    upgrade(tree, postgres=added(column) + COMMENT, sqlite=added(column))
    # PostgreSQL looks through the table for it, which is told and is no error
    ((rule, path, line, message),) = said(run_check, tree)
    assert (rule, path, line) == ("upgrade-lock", f"postgres/{STEP}", 2)
    assert "ALTER TABLE authors reads authors" in message
    assert "has the lock ACCESS EXCLUSIVE" in message
    assert not run_check(tree).failed


@pytest.mark.parametrize(
    ("postgres", "sqlite", "where", "what"),
    [
        (added(), added(), ("postgres", 1), "don't make column comment email of authors"),
        (
            added() + COMMENT,
            added("email TEXT DEFAULT 'x'"),
            ("sqlite", 2),
            "make column email of authors TEXT DEFAULT 'x'; schema.sql makes it TEXT",
        ),
        (
            added() + COMMENT + "DELETE FROM notes WHERE done;\n",
            added() + "SELECT 1;\n",
            ("postgres", 4),
            "rows of notes are lost",
        ),
        (
            added() + COMMENT,
            added() + "UPDATE notes SET score = 1;\n",
            ("sqlite", 3),
            "the dialects make other rows of notes from the same ones: score differ",
        ),
        (
            added("email TEXT NOT NULL") + COMMENT,
            added(),
            ("postgres", 2),
            "with rows, it fails: notes/0002_email.sql: column",
        ),
    ],
)
def test_what_an_upgrade_does_wrong_is_found_at_its_statement(
    tree: Path,
    run_check: Check,
    postgres: str,
    sqlite: str,
    where: tuple[Dialect, int],
    what: str,
) -> None:
    change(tree)
    upgrade(tree, postgres=postgres, sqlite=sqlite)
    found = said(run_check, tree)
    places = [(path, message) for rule, path, _, message in found if rule == "upgrade"]
    assert any(path == f"{where[0]}/{STEP}" and what in message for path, message in places), found
    if where[1] > 1:
        lines = {line for rule, path, line, _ in found if rule == "upgrade" and where[0] in path}
        assert where[1] in lines, found


def test_a_change_without_an_upgrade_or_version_is_found(tree: Path, run_check: Check) -> None:
    change(tree)
    found = said(run_check, tree)
    assert {(rule, path, line) for rule, path, line, _ in found} == {
        ("schema-record", "postgres/notes/schema.sql", 6),
        ("schema-record", "sqlite/notes/schema.sql", 6),
    }
    assert all("aragora-sql schema new-upgrade notes NAME" in message for *_, message in found)


def test_the_folder_of_records_is_not_lost_unnoticed(tree: Path, run_check: Check) -> None:
    change(tree)
    shutil.rmtree(tree / RECORDS)
    upgrade(tree, postgres=added() + COMMENT, sqlite=added())
    # An application's own tree need not have one; one that keeps its plans does.
    assert run_check(tree).findings == ()
    (tree / "plans").mkdir()
    [found] = [f for f in run_check(tree).findings if f.rule == "schema-record"]
    assert found.path == tree / RECORDS
    assert "no upgrade is proved" in found.message


def test_an_upgrade_of_one_dialect_alone_or_changed_later_is_found(
    tree: Path, run_check: Check
) -> None:
    change(tree)
    upgrade(tree, postgres=added() + COMMENT, sqlite=added())
    record_versions(tree)
    assert run_check(tree).findings == ()
    upgrade(tree, sqlite=f"{added()}SELECT 1;\n")
    ((rule, path, _, message),) = said(run_check, tree)
    assert (rule, path) == ("schema-record", f"sqlite/{STEP}")
    assert "was changed after it was recorded" in message
    (tree / "sqlite" / STEP).unlink()
    assert ("upgrade", f"postgres/{STEP}", 1) in {found[:3] for found in said(run_check, tree)}


def test_what_an_upgrade_locks_is_measured(tree: Path, servers: Servers) -> None:
    change(tree)
    steps = "UPDATE authors SET email = '';\nCREATE INDEX a ON authors (email);\nDROP INDEX a;\n"
    upgrade(tree, postgres=added() + COMMENT + steps, sqlite=added() + steps)
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        work = upgrade_work(read_facts(engines), engines)
    assert [(one.line, one.does, one.locked, one.lock) for one in work] == [
        (4, "changes", "authors", "AccessExclusiveLock"),
        (5, "reads", "authors", "AccessExclusiveLock"),
    ]
    assert all(one.rows >= 4000 and one.seconds > 0 for one in work)


def test_the_pair_of_files_is_written_from_the_difference(
    tree: Path, run_check: Check, servers: Servers
) -> None:
    change(tree, "email TEXT\n    CONSTRAINT authors_email_check CHECK (email <> '')")
    for dialect in DIALECTS:
        replace_in(
            tree / dialect / "notes" / "schema.sql",
            "CREATE INDEX IF NOT EXISTS idx_notes_created ON notes (created_at DESC);\n",
            "CREATE INDEX IF NOT EXISTS idx_notes_done ON notes (done);\n",
        )
        with (tree / dialect / "notes" / "schema.sql").open("a", encoding="utf-8") as out:
            out.write(
                "\nINSERT INTO _schema_versions (module, version) VALUES ('notes', 1)\n"
                "ON CONFLICT (module) DO NOTHING;\n"
            )
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        with pytest.raises(ConfigurationError, match="in small letters"):
            write_upgrade(engines, "notes", "Mail Addresses")
        written = write_upgrade(engines, "notes", "mail_addresses")
    assert written.left == ()
    folder = tree / "postgres" / "notes" / "upgrades"
    assert (folder / "0002_mail_addresses.sql").read_text() == (
        "-- Mail addresses.\n\nALTER TABLE authors ADD COLUMN email TEXT\n"
        f"CONSTRAINT authors_email_check CHECK (email <> '');\n{COMMENT}"
    )
    assert (folder / "0003_mail_addresses_indexes.sql").read_text() == (
        "-- Mail addresses indexes.\n\n"
        "-- transaction: none because CREATE INDEX CONCURRENTLY can't run in one\n"
        "DROP INDEX CONCURRENTLY IF EXISTS idx_notes_created;\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_notes_done ON notes (done);\n"
    )
    record_versions(tree)
    checked = run_check(tree)
    assert not checked.failed, "\n".join(map(str, checked.findings))
    with (
        Engines(read_tree(tree), servers.default.dsn("postgres")) as engines,
        pytest.raises(ConfigurationError, match="as version 3 was recorded"),
    ):
        write_upgrade(engines, "notes", "nothing")


def test_a_rule_of_a_table_that_others_refer_to_is_written_for_both_dialects(
    tree: Path, tmp_path: Path, run_check: Check, servers: Servers
) -> None:
    old, rule = tree.with_name("old"), "CONSTRAINT authors_name_check CHECK (name <> '')"
    version = (
        "\nINSERT INTO _schema_versions (module, version) VALUES ('notes', 1)\n"
        "ON CONFLICT (module) DO NOTHING;\n"
    )
    for dialect in DIALECTS:
        with (tree / dialect / "notes" / "schema.sql").open("a", encoding="utf-8") as out:
            out.write(version)
    shutil.copytree(tree, old)
    record_versions(tree)
    key = "    CONSTRAINT authors_pkey PRIMARY KEY (id)"
    for dialect in DIALECTS:
        replace_in(tree / dialect / "notes" / "schema.sql", key, f"{key},\n    {rule}")
    with Engines(read_tree(tree), servers.default.dsn("postgres")) as engines:
        written = write_upgrade(engines, "notes", "named_authors")
    assert written.left == ()
    folder = tree / "postgres" / "notes" / "upgrades"
    assert (folder / "0002_named_authors.sql").read_text() == (
        f"-- Named authors.\n\nALTER TABLE authors\nADD {rule} NOT VALID;\n"
    )
    assert (folder / "0003_named_authors_rules.sql").read_text() == (
        "-- Named authors rules.\n\nALTER TABLE authors VALIDATE CONSTRAINT authors_name_check;\n"
    )
    record_versions(tree)
    checked = run_check(tree)
    assert not checked.failed, "\n".join(map(str, checked.findings))
    asyncio.run(upgraded(tmp_path / "notes.db", old, tree))


async def upgraded(path: Path, old: Path, new: Path) -> None:
    """The notes of an author are still there when the table of authors was made anew."""
    rows = (
        "INSERT INTO authors (id, name) VALUES ('a', 'A')",
        "INSERT INTO notes (id, author_id) VALUES ('n', 'a')",
    )
    database = SQLiteDatabase(path)
    try:
        await initialize_store(database, "notes", old)
        async with database.transaction() as connection:
            for row in rows:
                await connection.run_script("rows", row)
        assert await initialize_store(database, "notes", new) == 3
        assert await verify_schema(database, ["notes"], new) == []
        async with database.read() as connection:
            count = Statement("count", "SELECT count(*) FROM notes AS n JOIN authors AS a")
            assert await connection.fetch_value(count, {}) == 1
    finally:
        await database.close()


# each comparison fills four databases and calls every query
@pytest.mark.slow
def test_the_release_before_works_on_the_upgraded_database(
    tree: Path, tmp_path: Path, servers: Servers
) -> None:
    before = tmp_path / "before"
    shutil.copytree(tree, before)
    dsn = servers.default.dsn("postgres")
    assert check_release_before(before, tree, dsn) == []
    change(tree)
    upgrade(tree, postgres=added() + COMMENT, sqlite=added())
    assert check_release_before(before, tree, dsn) == []
    for dialect in DIALECTS:
        folder = tree / dialect / "notes"
        replace_in(folder / "schema.sql", "    body TEXT,", "    text TEXT,")
        replace_in(folder / "schema.sql", "(author_id, body)", "(author_id, text)")
        queries = (folder / "queries.sql").read_text(encoding="utf-8").replace("n.body", "n.text")
        queries = queries.replace("author_id, body, details, created_at)\nV", "author_id, text, V")
        queries = queries.replace("text, V", "text, details, created_at)\nV")
        (folder / "queries.sql").write_text(queries, encoding="utf-8")
        with (tree / dialect / STEP).open("a", encoding="utf-8") as out:
            out.write("ALTER TABLE notes RENAME COLUMN body TO text;\n")
    replace_in(tree / "postgres/notes/schema.sql", "notes.body IS", "notes.text IS")
    found = check_release_before(before, tree, dsn)
    assert {(f.path.parts[-3], f.message.split("'")[1]) for f in found} == {
        (dialect, name) for dialect in DIALECTS for name in ("add_note", "get_note", "list_notes")
    }
    assert all("answers otherwise on the upgraded database" in f.message for f in found)
    with pytest.raises(ConfigurationError, match="name the tree of the release before"):
        check_release_before(tree, before, dsn)


def test_every_version_of_the_packaged_stores_is_recorded() -> None:
    root = packaged_sql_dir()
    for dialect in DIALECTS:
        for store in store_names(dialect, root):
            latest = latest_version(store, dialect, root)
            assert list(record_paths(store, dialect, root)) == list(range(1, latest + 1)), store
            assert record_path(store, dialect, latest, root).is_file()
