"""Schemas: created once, upgraded in steps, verified, and sound."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect as connect_sqlite

import psycopg
import pytest

from aragora_sql.database import Database, Dialect
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    DatabaseError,
    QueryFileError,
    SchemaError,
    SchemaMismatchError,
    SchemaVersionError,
    UnknownStoreError,
)
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import (
    CatalogKey,
    apply_schema,
    describe_catalog,
    initialize_store,
    latest_version,
    plan_schema,
    render_schema,
    store_names,
    verify_schema,
)
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.conftest import OpenDatabase
from tests.queries.trees import DIALECTS, write_store

Catalog = dict[CatalogKey, str]

VERSION_1 = """\
-- Notes.
CREATE TABLE IF NOT EXISTS notes (
    id TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    CONSTRAINT notes_pkey PRIMARY KEY (id)
);
"""
VERSION_3 = """\
-- Notes, and who wrote them.
CREATE TABLE IF NOT EXISTS notes (
    id TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
    CONSTRAINT notes_pkey PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS authors (
    id TEXT NOT NULL,
    note_id TEXT NOT NULL,
    CONSTRAINT authors_pkey PRIMARY KEY (id),
    CONSTRAINT authors_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS authors_note_id_idx ON authors (note_id);
"""
UPGRADES = {
    "0002_sizes.sql": """\
ALTER TABLE notes ADD COLUMN size INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0);
UPDATE notes SET size = length(body);
""",
    "0003_authors.sql": """\
CREATE TABLE authors (
    id TEXT NOT NULL,
    note_id TEXT NOT NULL,
    CONSTRAINT authors_pkey PRIMARY KEY (id),
    CONSTRAINT authors_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes (id) ON DELETE CASCADE
);
CREATE INDEX authors_note_id_idx ON authors (note_id);
""",
}


async def run(database: Database, sql: str) -> None:
    async with database.connection() as connection:
        await connection.run_script("test", sql)


async def catalog(database: Database) -> Catalog:
    async with database.read() as connection:
        return await describe_catalog(connection, database.dialect)


def tables(found: Catalog) -> set[str]:
    return {table for table, _, _ in found}


async def present_version(database: Database, store: str, root: Path | None = None) -> int | None:
    (plan,) = await plan_schema(database, [store], root)
    return plan.present


@pytest.fixture
def old_tree(tmp_path: Path) -> Path:
    """A tree of an older release."""
    write_store(tmp_path / "old", schema=VERSION_1)
    return tmp_path / "old"


@pytest.fixture
def new_tree(tmp_path: Path) -> Path:
    """A tree of a newer release: two upgrades further."""
    write_store(tmp_path / "new", schema=VERSION_3, upgrades=UPGRADES)
    return tmp_path / "new"


# Creating


async def test_all_stores_are_created_and_recorded(database: Database) -> None:
    assert await verify_schema(database) != []
    versions = await apply_schema(database)
    assert versions == {
        name: latest_version(name, database.dialect) for name in store_names(database.dialect)
    }
    assert await verify_schema(database) == []
    before = await catalog(database)
    assert await apply_schema(database) == versions
    assert await catalog(database) == before


async def test_a_plan_changes_nothing(database: Database) -> None:
    plans = await plan_schema(database)
    assert [(plan.store, plan.present) for plan in plans] == [
        (name, None) for name in store_names(database.dialect)
    ]
    assert await catalog(database) == {}


async def test_a_store_can_be_created_inside_a_transaction(database: Database) -> None:
    async def create_and_fail() -> None:
        async with database.transaction():
            await ConsensusMemory(database).initialize()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await create_and_fail()
    assert await catalog(database) == {}


INITIALIZE = """
import asyncio, sys
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore

async def main(place):
    if place.startswith("postgresql:"):
        databases = [await PostgresDatabase.connect(place, 1, 5)]
    else:
        # Each as alone as in a process of its own.
        databases = [SQLiteDatabase(place) for _ in range(5)]
    print("ready", flush=True)
    sys.stdin.readline()
    stores = [
        store(databases[number % len(databases)])
        for number in range(5)
        for store in (ConsensusMemory, CritiqueStore)
    ]
    await asyncio.gather(*(store.initialize() for store in stores))
    for database in databases:
        await database.close()

asyncio.run(main(sys.argv[1]))
"""


def start_together(script: str, argument: str, count: int) -> list[str]:
    """Run a script in processes that begin their work at once; return what each complains of."""
    command = [sys.executable, "-W", "error", "-c", script, argument]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=300)[1] for process in processes]


async def test_twenty_initializations_in_four_processes_do_not_collide(
    database: Database, location: str | Path
) -> None:
    assert start_together(INITIALIZE, str(location), 4) == [""] * 4
    assert await verify_schema(database, ["consensus", "critique"]) == []


async def test_a_newer_database_is_refused(
    database: Database, old_tree: Path, new_tree: Path
) -> None:
    await initialize_store(database, "notes", new_tree)
    before = await catalog(database)
    with pytest.raises(SchemaVersionError, match="has schema version 3, and this release knows"):
        await initialize_store(database, "notes", old_tree)
    assert await catalog(database) == before


async def test_an_unknown_store_is_refused(database: Database) -> None:
    with pytest.raises(UnknownStoreError, match="no store 'nothing'"):
        await initialize_store(database, "nothing")


# Upgrading


async def test_an_upgraded_database_is_as_a_fresh_one(
    open_database: OpenDatabase,
    database: Database,
    old_tree: Path,
    new_tree: Path,
    tmp_path: Path,
    postgres_dsn: str,
) -> None:
    fresh: Database
    if database.dialect == "sqlite":
        fresh = SQLiteDatabase(tmp_path / "fresh.db")
    else:
        fresh = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    assert await initialize_store(fresh, "notes", new_tree) == 3

    assert await initialize_store(database, "notes", old_tree) == 1
    await run(database, "INSERT INTO notes (id, body) VALUES ('a', 'four')")
    assert await catalog(database) != await catalog(fresh)
    assert await initialize_store(database, "notes", new_tree) == 3
    assert await present_version(database, "notes", new_tree) == 3

    assert await catalog(database) == await catalog(fresh)
    # What was there is still there, and was worked on.
    await run(database, "INSERT INTO authors (id, note_id) SELECT size, id FROM notes")
    with pytest.raises(DatabaseError):
        await run(database, "UPDATE notes SET size = -size")
    await fresh.close()


async def test_an_upgrade_may_begin_anywhere(
    database: Database, new_tree: Path, tmp_path: Path
) -> None:
    first = {"0002_sizes.sql": UPGRADES["0002_sizes.sql"]}
    write_store(tmp_path / "old", schema=VERSION_1)
    await initialize_store(database, "notes", tmp_path / "old")
    write_store(tmp_path / "old", upgrades=first)
    assert await initialize_store(database, "notes", tmp_path / "old") == 2
    assert await initialize_store(database, "notes", new_tree) == 3


async def test_many_upgrade_at_once(
    database: Database, open_database: OpenDatabase, old_tree: Path, new_tree: Path
) -> None:
    await initialize_store(database, "notes", old_tree)
    others = [await open_database() for _ in range(4)]
    versions = await asyncio.gather(
        *(initialize_store(other, "notes", new_tree) for other in others for _ in range(5))
    )
    assert versions == [3] * 20
    assert "authors" in tables(await catalog(database))


@pytest.mark.parametrize(
    "wrong",
    [
        "CREATE TABLE half (id TEXT);\nINSERT INTO nowhere VALUES (1);\n",
        "CREATE TABLE half (id TEXT);\nCREATE TABLE;\n",
    ],
)
async def test_an_upgrade_that_fails_leaves_all_as_it_was(
    database: Database, old_tree: Path, new_tree: Path, wrong: str
) -> None:
    write_store(new_tree, upgrades={"0003_authors.sql": wrong})
    await initialize_store(database, "notes", old_tree)
    with pytest.raises(DatabaseError, match=r"^notes/0003_authors\.sql: "):
        await initialize_store(database, "notes", new_tree)
    # The step before is a transaction of its own.
    assert await present_version(database, "notes", new_tree) == 2
    assert "half" not in tables(await catalog(database))

    write_store(new_tree, upgrades=UPGRADES)
    assert await initialize_store(database, "notes", new_tree) == 3


async def test_a_schema_that_fails_leaves_nothing(database: Database, tmp_path: Path) -> None:
    write_store(tmp_path / "sql", schema="CREATE TABLE half (id TEXT);\nCREATE TABLE;\n")
    with pytest.raises(DatabaseError, match=r"^notes/schema\.sql: "):
        await initialize_store(database, "notes", tmp_path / "sql")
    assert await catalog(database) == {}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["0003_b.sql"], r"0003_b\.sql: upgrade 0002 is missing"),
        (["0002_a.sql", "0004_b.sql"], r"0004_b\.sql: upgrade 0003 is missing"),
        (["0001_a.sql"], r"0001_a\.sql: upgrade 0002 is missing"),
        (["0002_a.sql", "0002_b.sql"], r"0002_b\.sql: 0002_a\.sql has the same number"),
        (["2_a.sql"], r"2_a\.sql: an upgrade is named like 0002_"),
        (["0002.sql"], "an upgrade is named like"),
        (["0002-a.sql"], "an upgrade is named like"),
        (["0002_a.sql", "notes.sql"], r"notes\.sql: an upgrade is named like"),
    ],
)
async def test_upgrades_that_are_numbered_wrongly_are_named(
    sqlite_database: SQLiteDatabase, old_tree: Path, names: list[str], problem: str
) -> None:
    write_store(old_tree, upgrades=dict.fromkeys(names, "SELECT 1;"))
    with pytest.raises(SchemaError, match=problem):
        await initialize_store(sqlite_database, "notes", old_tree)
    assert await catalog(sqlite_database) == {}


def test_without_upgrades_the_version_is_one(old_tree: Path, new_tree: Path) -> None:
    assert latest_version("notes", "sqlite", old_tree) == 1
    assert latest_version("notes", "postgres", new_tree) == 3


# In the way


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE consensus (id TEXT NOT NULL, verdict TEXT);",
        "CREATE VIEW consensus AS SELECT 'a' AS id;",
        "CREATE TABLE dissent (of_another_kind TEXT);",
    ],
)
async def test_a_foreign_table_is_not_touched(database: Database, foreign: str) -> None:
    await run(database, foreign)
    before = await catalog(database)
    with pytest.raises(SchemaMismatchError, match="of another program is in the way"):
        await ConsensusMemory(database).initialize()
    assert await catalog(database) == before


async def test_tables_of_other_names_are_left_alone(database: Database) -> None:
    await run(database, "CREATE TABLE of_others (id TEXT); CREATE INDEX theirs ON of_others (id);")
    await apply_schema(database)
    assert await verify_schema(database) == []
    assert "of_others" in tables(await catalog(database))


# Verifying


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        ("DROP INDEX {index}", "index", "{index}"),
        ("DROP TABLE {child}", "table", "{child}"),
        ("ALTER TABLE {table} RENAME COLUMN rounds TO turns", "column", "rounds"),
    ],
)
async def test_what_is_missing_is_found_and_nothing_is_changed(
    database: Database, change: str, kind: str, name: str
) -> None:
    await apply_schema(database, ["consensus"])
    names = {"table": "consensus", "child": "verified_proofs"}
    names["index"] = next(
        name
        for table, kind, name in await catalog(database)
        if kind == "index" and table == "dissent"
    )
    await run(database, change.format(**names))
    before = await catalog(database)
    differences = await verify_schema(database, ["consensus"])
    found = {(one.kind, one.name): one.found for one in differences}
    assert found[kind, name.format(**names)] is None
    assert all(str(one).startswith(one.state) for one in differences)
    assert all(one.to_dict()["kind"] == one.kind for one in differences)
    assert await catalog(database) == before


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        ("ALTER TABLE consensus ALTER COLUMN rounds TYPE BIGINT", "column", "rounds"),
        ("ALTER TABLE consensus ALTER COLUMN conclusion DROP NOT NULL", "column", "conclusion"),
        ("ALTER TABLE consensus ALTER COLUMN rounds SET DEFAULT 7", "column", "rounds"),
        ("ALTER TABLE consensus DISABLE ROW LEVEL SECURITY", "table", "consensus"),
        ("ALTER TABLE consensus FORCE ROW LEVEL SECURITY", "table", "consensus"),
        ("CREATE POLICY open ON consensus USING (true)", "policy", "open"),
        ("COMMENT ON COLUMN consensus.topic IS NULL", "column comment", "topic"),
        ("COMMENT ON TABLE consensus IS 'theirs'", "table comment", "consensus"),
        ('ALTER TABLE consensus ALTER COLUMN domain TYPE text COLLATE "C"', "column", "domain"),
        ("ALTER TABLE dissent DROP CONSTRAINT dissent_consensus_id_fkey", "constraint", None),
    ],
)
async def test_what_differs_in_postgresql_is_found(
    postgres_database: PostgresDatabase, change: str, kind: str, name: str | None
) -> None:
    await apply_schema(postgres_database, ["consensus"])
    await run(postgres_database, change)
    before = await catalog(postgres_database)
    differences = await verify_schema(postgres_database, ["consensus"])
    assert [(one.kind, name and one.name) for one in differences] == [(kind, name)]
    assert await catalog(postgres_database) == before
    async with postgres_database.read() as connection:
        await connection.run_script(
            "gone", "SELECT 1 / (count(*) = 0)::int FROM pg_class WHERE relpersistence = 't'"
        )


async def test_a_database_without_anything_lacks_every_table(database: Database) -> None:
    differences = await verify_schema(database)
    missing = {one.name for one in differences if one.kind == "table"}
    assert {"consensus", "dissent", "critiques", "patterns", "_schema_versions"} <= missing
    assert all(one.found is None for one in differences)


async def test_a_version_that_was_not_recorded_is_found(database: Database) -> None:
    await apply_schema(database)
    await run(database, "DELETE FROM _schema_versions WHERE module = 'critique'")
    assert [(one.kind, one.name) for one in await verify_schema(database)] == [
        ("version", "critique")
    ]


# The unified files


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_unified_schema_names_every_store_once(dialect: Dialect) -> None:
    folders = {path.parent.name for path in (packaged_sql_dir() / dialect).glob("*/schema.sql")}
    names = store_names(dialect)
    assert set(names) == folders
    assert len(names) == len(set(names))


async def test_the_rendered_schema_is_one_script_that_works_twice(database: Database) -> None:
    script = render_schema(database.dialect)
    assert not re.search(r"^\s*(--\s*)?\\", script, re.MULTILINE)
    if database.dialect == "postgres":
        for _ in range(2):
            await run(database, script)
    else:
        assert isinstance(database, SQLiteDatabase)
        with closing(connect_sqlite(database.path)) as program:
            for _ in range(2):
                program.executescript(script)
    differences = await verify_schema(database)
    assert {one.kind for one in differences} <= {"version"}
    # The stores take over what a DBA has created.
    await apply_schema(database)
    assert await verify_schema(database) == []


def psql(dsn: str, script: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), dsn]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


needs_psql = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not on the PATH")


@needs_psql
async def test_psql_runs_the_unified_schema_from_any_folder_twice(
    postgres_database: PostgresDatabase, postgres_dsn: str, tmp_path: Path
) -> None:
    script = packaged_sql_dir() / "postgres" / "schema.sql"
    for _ in range(2):
        done = psql(postgres_dsn, script, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert {one.kind for one in await verify_schema(postgres_database)} <= {"version"}


@needs_psql
async def test_a_unified_schema_that_fails_leaves_nothing(
    postgres_database: PostgresDatabase, postgres_dsn: str, tmp_path: Path
) -> None:
    for folder in ("postgres", "system"):
        shutil.copytree(packaged_sql_dir() / folder, tmp_path / folder)
    with (tmp_path / "postgres" / "critique" / "schema.sql").open("a") as last:
        last.write("\nCREATE TABLE;\n")
    done = psql(postgres_dsn, tmp_path / "postgres" / "schema.sql", tmp_path)
    assert done.returncode != 0
    assert "critique/schema.sql" in done.stderr
    assert await catalog(postgres_database) == {}


async def test_the_schema_goes_where_the_search_path_says(
    postgres_database: PostgresDatabase, postgres_dsn: str
) -> None:
    await apply_schema(postgres_database, ["consensus"])
    await run(postgres_database, 'CREATE SCHEMA "Tenant One"')
    path = "%22Tenant One%22,public".replace(" ", "%20")
    tenant = await PostgresDatabase.connect(f"{postgres_dsn}&search_path={path}", 1, 2)
    assert await verify_schema(tenant, ["consensus"]) != []
    await ConsensusMemory(tenant).initialize()
    assert await verify_schema(tenant, ["consensus"]) == []
    assert await catalog(tenant) == await catalog(postgres_database)
    await tenant.close()


# What every schema has to have


@pytest.fixture
def unified_postgres(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(render_schema("postgres").encode())
    return postgres_dsn


def ask(dsn: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(question.encode()).fetchall()


OUR_TABLES = "c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"


def test_every_table_and_column_has_a_comment(unified_postgres: str) -> None:
    assert ask(unified_postgres, f"SELECT count(*) > 5 FROM pg_class AS c WHERE {OUR_TABLES}") == [
        (True,)
    ]
    assert (
        ask(
            unified_postgres,
            "SELECT c.relname, a.attname FROM pg_class AS c "
            "LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped "
            f"WHERE {OUR_TABLES} AND a.attnum > 0 "
            "AND (obj_description(c.oid, 'pg_class') IS NULL "
            "OR col_description(c.oid, a.attnum) IS NULL)",
        )
        == []
    )


def test_every_table_is_closed_to_all_but_its_owner(unified_postgres: str) -> None:
    assert (
        ask(
            unified_postgres,
            f"SELECT c.relname FROM pg_class AS c WHERE {OUR_TABLES} AND (NOT c.relrowsecurity "
            "OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid))",
        )
        == []
    )


def test_another_role_sees_no_row_even_when_it_was_granted_all(unified_postgres: str) -> None:
    with psycopg.connect(unified_postgres) as connection:
        # Undone with the transaction: roles belong to the whole server.
        connection.execute(
            "INSERT INTO _schema_versions (module, version) VALUES ('x', 1);"
            "CREATE ROLE aragora_test_stranger;"
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO aragora_test_stranger;"
            "SET LOCAL ROLE aragora_test_stranger"
        )
        assert connection.execute("SELECT module FROM _schema_versions").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO _schema_versions (module, version) VALUES ('y', 1)")
        connection.rollback()


FOREIGN_KEYS_WITHOUT_INDEX = """
SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint AS k
WHERE k.contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index AS x
    WHERE x.indrelid = k.conrelid AND x.indisvalid
        -- partial only where the key is null anyway
        AND coalesce(pg_get_expr(x.indpred, x.indrelid) ~ '^[(][a-z_]+ IS NOT NULL[)]$', true)
        AND (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
)
"""
DUPLICATE_INDEXES = """
SELECT one.indexrelid::regclass::text, other.indexrelid::regclass::text
FROM pg_index AS one
INNER JOIN pg_index AS other ON one.indrelid = other.indrelid AND one.indexrelid <> other.indexrelid
INNER JOIN pg_class AS c ON c.oid = one.indrelid AND c.relnamespace = 'public'::regnamespace
INNER JOIN pg_class AS i ON i.oid = one.indexrelid
INNER JOIN pg_class AS j ON j.oid = other.indexrelid AND j.relam = i.relam
WHERE one.indkey::text || ' ' LIKE other.indkey::text || ' %'
    AND one.indoption::text || ' ' LIKE other.indoption::text || ' %'
    AND one.indclass::text || ' ' LIKE other.indclass::text || ' %'
    AND one.indpred IS NULL AND other.indpred IS NULL
    AND one.indexprs IS NULL AND other.indexprs IS NULL
    AND NOT other.indisunique
"""


def test_every_foreign_key_has_an_index(unified_postgres: str) -> None:
    assert ask(unified_postgres, "SELECT count(*) > 2 FROM pg_constraint WHERE contype = 'f'") == [
        (True,)
    ]
    assert ask(unified_postgres, FOREIGN_KEYS_WITHOUT_INDEX) == []


def test_no_index_is_the_beginning_of_another(unified_postgres: str) -> None:
    assert ask(unified_postgres, DUPLICATE_INDEXES) == []


def test_no_extension_is_needed(unified_postgres: str) -> None:
    assert ask(unified_postgres, "SELECT extname FROM pg_extension") == [("plpgsql",)]


def test_every_foreign_key_of_sqlite_has_an_index() -> None:
    with closing(connect_sqlite(":memory:")) as connection:
        connection.executescript(render_schema("sqlite"))
        keys = connection.execute(
            'SELECT m.name, f."from" FROM sqlite_master AS m '
            "INNER JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' AND f.seq = 0"
        ).fetchall()
        first_columns = connection.execute(
            "SELECT m.name, c.name FROM sqlite_master AS m "
            "INNER JOIN pragma_index_list(m.name) AS i "
            "INNER JOIN pragma_index_info(i.name) AS c ON c.seqno = 0 WHERE m.type = 'table'"
        ).fetchall()
    assert len(keys) > 2
    assert [key for key in keys if key not in first_columns] == []


# How each engine finds words: a generated column there, a full-text table by rowid here.
FULL_TEXT = {
    ("consensus", "topic_vector"),
    ("consensus", "row_id"),
    ("continuum_memory", "content_vector"),
    ("continuum_memory", "row_id"),
    ("continuum_vectors", "numbers"),
    ("cycles", "search_vector"),
    ("cycles", "row_id"),
    ("debate_archive", "search_vector"),
    ("debate_archive", "row_id"),
    ("decision_results", "search_vector"),
    ("decision_results", "row_id"),
    ("facts", "search_vector"),
    ("facts", "row_id"),
    ("insights", "search_vector"),
    ("insights", "row_id"),
    ("knowledge_nodes", "search_vector"),
    ("knowledge_nodes", "row_id"),
    ("knowledge_vectors", "numbers"),
    ("marketplace_templates", "search_vector"),
    ("marketplace_templates", "row_id"),
    ("receipts", "search_vector"),
    ("receipts", "row_id"),
    ("unified_inbox_messages", "search_vector"),
    ("unified_inbox_messages", "row_id"),
}
# Where claims start on PostgreSQL: SQLite leaves nothing that they would walk over.
OF_ONE_ENGINE = {"job_queue_starts"}


async def test_both_dialects_have_the_same_tables_and_columns(
    postgres_database: PostgresDatabase, sqlite_database: SQLiteDatabase
) -> None:
    columns = []
    for database in (postgres_database, sqlite_database):
        await apply_schema(database)
        columns.append(
            {
                (table, name)
                for table, kind, name in await catalog(database)
                if kind == "column" and "_search" not in table
            }
        )
    different = columns[0] ^ columns[1]
    assert {one for one in different if one[0] not in OF_ONE_ENGINE} <= FULL_TEXT
    # Those that files declare are there, on their engine.
    assert {table for table, _ in columns[0] - columns[1]} >= OF_ONE_ENGINE


async def test_a_tree_without_the_unified_schema_names_the_file(
    sqlite_database: SQLiteDatabase, old_tree: Path
) -> None:
    with pytest.raises(QueryFileError, match=r"sqlite/schema\.sql: "):
        await apply_schema(sqlite_database, root=old_tree)
