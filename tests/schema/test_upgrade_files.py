"""Upgrade files: what can't be applied in one piece is refused before it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.database import Database, Dialect
from aragora_sql.errors import DatabaseError, QueryFileError
from aragora_sql.schema import initialize_store, plan_schema, read_upgrade
from tests.schema.conftest import Releases, catalog, run

GOOD = "ALTER TABLE notes ADD COLUMN size INTEGER NOT NULL DEFAULT 0;\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "0002_step.sql"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "commit work",
        "END",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "ROLLBACK",
        "ABORT",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
        "/* well */ COMMIT -- said",
    ],
)
async def test_a_file_that_ends_its_transaction_is_refused_before_it_is_run(
    database: Database, releases: Releases, statement: str
) -> None:
    await initialize_store(database, "notes", releases.old)
    before = await catalog(database)
    # The upgrade before it is not run either.
    wrong = f"UPDATE notes SET body = 'x';\n{statement};\nINSERT INTO nowhere VALUES (1);\n"
    root = releases.new(GOOD, wrong)
    for act in (initialize_store(database, "notes", root), plan_schema(database, ["notes"], root)):
        with pytest.raises(QueryFileError, match=r"0003_step\.sql:2: .* run as one transaction"):
            await act
    assert await catalog(database) == before

    assert await initialize_store(database, "notes", releases.new(GOOD, "SELECT 1;")) == 3


async def test_a_transaction_that_code_ends_leaves_nothing(
    postgres_database: Database, releases: Releases
) -> None:
    await initialize_store(postgres_database, "notes", releases.old)
    before = await catalog(postgres_database)
    hidden = f"{GOOD}DO $$ BEGIN COMMIT; END $$;\nINSERT INTO nowhere VALUES (1);\n"
    with pytest.raises(DatabaseError, match="invalid transaction termination"):
        await initialize_store(postgres_database, "notes", releases.new(hidden))
    assert await catalog(postgres_database) == before


HARMLESS: dict[Dialect, list[str]] = {
    "postgres": [
        "CREATE FUNCTION one() RETURNS integer LANGUAGE sql BEGIN ATOMIC "
        "SELECT CASE WHEN TRUE THEN 1 END; SELECT 2; END;\nSELECT 1;",
        "CREATE FUNCTION two() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;",
        "CREATE RULE r AS ON DELETE TO notes DO ALSO (SELECT 1; SELECT 2);",
    ],
    "sqlite": [
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN "
        "SELECT CASE WHEN 1 THEN 1 END; SELECT 2; END;\nSELECT 1;",
    ],
}


@pytest.mark.parametrize(
    "text",
    [
        "SAVEPOINT a;\nUPDATE notes SET body = 'x';\nROLLBACK TO a;\nRELEASE a;",
        "UPDATE notes SET body = 'COMMIT; --';\n-- COMMIT;\n/* COMMIT; */",
        None,
    ],
)
async def test_what_only_looks_like_an_end_is_run(
    database: Database, releases: Releases, text: str | None
) -> None:
    texts = HARMLESS[database.dialect] if text is None else [text]
    await initialize_store(database, "notes", releases.old)
    await run(database, "INSERT INTO notes (id, body) VALUES ('a', 'kept')")
    root = releases.new(*texts)
    assert await initialize_store(database, "notes", root) == 1 + len(texts)


@pytest.mark.parametrize(
    ("dialect", "statement", "problem"),
    [
        ("postgres", "CREATE INDEX CONCURRENTLY i ON notes (body)", "can't run in a transaction"),
        ("postgres", "drop index concurrently if exists i", "can't run in a transaction"),
        ("postgres", "REINDEX TABLE CONCURRENTLY notes", "can't run in a transaction"),
        ("postgres", "VACUUM ANALYZE notes", "VACUUM can't run in a transaction"),
        ("sqlite", "VACUUM", "can't run in a transaction"),
        ("sqlite", "PRAGMA foreign_keys = OFF", "does nothing in a transaction"),
    ],
)
def test_what_needs_no_transaction_needs_the_mark(
    tmp_path: Path, dialect: Dialect, statement: str, problem: str
) -> None:
    with pytest.raises(QueryFileError, match=rf"0002_step\.sql:3: .*{problem}"):
        read_upgrade(write(tmp_path, f"-- A step.\n\n{statement};\n"), dialect)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON notes (body)",
        "DROP INDEX CONCURRENTLY i",
        "ALTER TABLE notes ADD COLUMN a TEXT",
        "ALTER TABLE notes ADD CONSTRAINT c CHECK (body <> '')",
        "ALTER TABLE notes RENAME COLUMN body TO text",
        "CREATE TABLE t (a TEXT)",
    ],
)
def test_what_is_run_again_has_to_be_harmless(tmp_path: Path, statement: str) -> None:
    path = write(tmp_path, f"-- transaction: none because of the index\n{statement};\n")
    with pytest.raises(QueryFileError, match="was cut short"):
        read_upgrade(path, "postgres")


def test_a_mark_gives_its_reason(tmp_path: Path) -> None:
    for mark in ("-- transaction: none", "-- transaction: off because", "-- TRANSACTION: none."):
        with pytest.raises(QueryFileError, match="none because"):
            read_upgrade(write(tmp_path, f"SELECT 1;\n{mark}\n"), "postgres")
    said = "-- transaction: none because CREATE INDEX CONCURRENTLY can't run in one\n"
    upgrade = read_upgrade(
        write(tmp_path, f'{said}CREATE INDEX CONCURRENTLY IF NOT EXISTS "An i" ON n (b);'),
        "postgres",
    )
    assert not upgrade.in_transaction
    assert [one.made_index for one in upgrade.statements] == ["An i"]


def test_foreign_keys_are_off_with_a_reason_and_in_sqlite_alone(tmp_path: Path) -> None:
    mark = "-- foreign keys: off because a table is made anew\n"
    upgrade = read_upgrade(write(tmp_path, f"{mark}DROP TABLE notes;\n"), "sqlite")
    assert (upgrade.in_transaction, upgrade.keys_off) == (True, True)
    wrong: list[tuple[str, Dialect, str]] = [
        ("-- foreign keys: off\n", "sqlite", "write '-- foreign keys: off because …'"),
        (mark, "postgres", "PostgreSQL needs no such thing"),
        (f"{mark}-- transaction: none because of it\n", "sqlite", "it is one transaction"),
    ]
    for text, dialect, problem in wrong:
        with pytest.raises(QueryFileError, match=problem):
            read_upgrade(write(tmp_path, f"{text}DROP TABLE IF EXISTS notes;\n"), dialect)
