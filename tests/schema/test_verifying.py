"""What `schema verify` finds, and what `schema repair` makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import CheckViolationError, DatabaseError, SchemaError
from aragora_sql.schema import (
    Inspection,
    apply_schema,
    inspect_schema,
    plan_repair,
    repair_schema,
    verify_schema,
)
from tests.schema.conftest import catalog, run, value

# The template holds the schemas of all stores.
from tests.stores.conftest import location, template_database, template_file

__all__ = ["location", "template_database", "template_file"]

ROWS = """
INSERT INTO consensus (id, topic, topic_hash, conclusion) VALUES ('a', 'rate limits', 'h', 'yes');
INSERT INTO dissent (id, consensus_id, agent_id, content, dissent_type)
VALUES ('d', 'a', 'claude', 'no', 'fundamental_disagreement');
INSERT INTO finding_workflows (finding_id) VALUES ('f');
INSERT INTO finding_links (finding_id, linked_id, position) VALUES ('f', 'g', 1);
"""


@pytest.fixture
async def filled(database: Database) -> Database:
    """A database of either engine with all stores and some rows that refer to each other."""
    await run(database, ROWS)
    return database


@pytest.fixture
async def filled_postgres(postgres_database: PostgresDatabase) -> PostgresDatabase:
    await run(postgres_database, ROWS)
    return postgres_database


async def repair(database: Database) -> Inspection:
    """Repair what can be, and look again."""
    plan = plan_repair(await inspect_schema(database), database.dialect)
    await repair_schema(database, plan)
    return await inspect_schema(database)


async def count(database: Database, table: str) -> object:
    return await value(database, f"SELECT count(*) FROM {table}")


# Additions


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "ALTER TABLE dissent ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'",
            "added column extra of dissent: TEXT NOT NULL DEFAULT 'x'",
        ),
        (
            "CREATE UNIQUE INDEX theirs ON dissent (agent_id)",
            "added index theirs of dissent: CREATE UNIQUE INDEX theirs ON dissent (agent_id)",
        ),
        (
            "CREATE INDEX theirs ON dissent (agent_id)",
            "added index theirs of dissent: CREATE INDEX theirs ON dissent (agent_id)",
        ),
    ],
)
async def test_additions_are_named_on_both_engines(
    filled: Database, change: str, expected: str
) -> None:
    await run(filled, change)
    [found] = map(str, await verify_schema(filled))
    plain = found.replace(" USING btree", "").replace("::text", "").replace("text", "TEXT")
    assert plain == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "ALTER TABLE dissent ADD CONSTRAINT short CHECK (length(content) < 5)",
            "added constraint short of dissent: CHECK ((length(content) < 5))",
        ),
        (
            "ALTER TABLE dissent ADD CONSTRAINT one UNIQUE (agent_id)",
            "added constraint one of dissent: UNIQUE (agent_id)",
        ),
        (
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            "CREATE TRIGGER swallow BEFORE INSERT ON job_queue FOR EACH ROW EXECUTE FUNCTION no()",
            "added trigger swallow of job_queue: CREATE TRIGGER swallow BEFORE INSERT ON job_queue "
            "FOR EACH ROW EXECUTE FUNCTION no()",
        ),
        (
            "CREATE RULE keep AS ON DELETE TO dissent DO INSTEAD NOTHING",
            "added rule keep of dissent: CREATE RULE keep AS ON DELETE TO public.dissent DO "
            "INSTEAD NOTHING;",
        ),
    ],
)
async def test_additions_to_postgresql_are_named_and_taken_back(
    filled_postgres: PostgresDatabase, change: str, expected: str
) -> None:
    await run(filled_postgres, change)
    assert list(map(str, await verify_schema(filled_postgres))) == [expected]
    assert (await repair(filled_postgres)).differences == ()
    assert await count(filled_postgres, "dissent") == 1


async def test_an_added_trigger_of_sqlite_is_named_and_taken_back(
    tmp_path: Path, sqlite_database: SQLiteDatabase
) -> None:
    await apply_schema(sqlite_database)
    trigger = "CREATE TRIGGER swallow BEFORE INSERT ON job_queue BEGIN SELECT RAISE(IGNORE); END"
    await run(sqlite_database, trigger)
    assert list(map(str, await verify_schema(sqlite_database))) == [
        f"added trigger swallow of job_queue: {trigger}"
    ]
    assert (await repair(sqlite_database)).differences == ()


async def test_policies_of_named_roles_are_an_operators_decision(
    filled_postgres: PostgresDatabase,
) -> None:
    await run(filled_postgres, "CREATE POLICY mine ON dissent TO pg_monitor USING (true)")
    assert await verify_schema(filled_postgres) == []
    await run(filled_postgres, "CREATE POLICY open ON dissent USING (true)")
    assert list(map(str, await verify_schema(filled_postgres))) == [
        "added policy open of dissent: permissive USING (true)"
    ]
    assert (await repair(filled_postgres)).differences == ()


# Repairs: what is missing or different is what it was, and no row is lost

DAMAGE = {
    "a missing index": "DROP INDEX idx_consensus_created",
    "a missing table": "DROP TABLE verified_proofs",
    "a missing parent": "DROP TABLE finding_links; DROP TABLE finding_history",
    "a renamed index": "DROP INDEX idx_consensus_domain; "
    "CREATE INDEX idx_consensus_domain ON consensus (domain)",
    "an added rule": "CREATE UNIQUE INDEX theirs ON dissent (agent_id)",
}
POSTGRES_DAMAGE = {
    "a type": "ALTER TABLE consensus ALTER COLUMN rounds TYPE bigint",
    "a type with a default": "ALTER TABLE consensus ALTER COLUMN confidence DROP DEFAULT, "
    "ALTER COLUMN confidence TYPE numeric",
    "a collation": 'ALTER TABLE dissent ALTER COLUMN content TYPE text COLLATE "C"',
    "not null": "ALTER TABLE consensus ALTER COLUMN conclusion DROP NOT NULL",
    "a default": "ALTER TABLE consensus ALTER COLUMN rounds SET DEFAULT 7",
    "an identity": "ALTER TABLE critiques ALTER COLUMN id DROP IDENTITY",
    "a generated column": "ALTER TABLE finding_workflows ALTER COLUMN is_terminal DROP EXPRESSION",
    "a missing column": "ALTER TABLE debates DROP COLUMN confidence",
    "a foreign key": "ALTER TABLE dissent DROP CONSTRAINT dissent_consensus_id_fkey",
    "another foreign key": "ALTER TABLE dissent DROP CONSTRAINT dissent_consensus_id_fkey, "
    "ADD CONSTRAINT dissent_consensus_id_fkey FOREIGN KEY (consensus_id) REFERENCES consensus (id)",
    "a foreign key that is not validated": "ALTER TABLE dissent "
    "DROP CONSTRAINT dissent_consensus_id_fkey, ADD CONSTRAINT dissent_consensus_id_fkey "
    "FOREIGN KEY (consensus_id) REFERENCES consensus (id) ON DELETE CASCADE NOT VALID",
    "a check": "ALTER TABLE consensus DROP CONSTRAINT consensus_confidence_check",
    "a comment": "COMMENT ON COLUMN consensus.topic IS NULL; COMMENT ON TABLE dissent IS 'it''s'",
    "an added comment": "COMMENT ON INDEX idx_consensus_created IS 'not looked at'; "
    "COMMENT ON COLUMN dissent.id IS 'another'",
    "row level security": "ALTER TABLE dissent DISABLE ROW LEVEL SECURITY",
    "forced row level security": "ALTER TABLE dissent FORCE ROW LEVEL SECURITY",
    "a table with all its options": "DROP TABLE job_queue",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_what_is_damaged_is_repaired_on_both_engines(filled: Database, damage: str) -> None:
    before = await catalog(filled)
    await run(filled, damage)
    assert await verify_schema(filled) != []
    assert (await repair(filled)).differences == ()
    assert await catalog(filled) == before
    assert await count(filled, "dissent") == 1
    assert await count(filled, "finding_workflows") == 1


@pytest.mark.parametrize("damage", POSTGRES_DAMAGE.values(), ids=POSTGRES_DAMAGE)
async def test_what_is_damaged_is_repaired_on_postgresql(
    filled_postgres: PostgresDatabase, damage: str
) -> None:
    before = await catalog(filled_postgres)
    await run(filled_postgres, damage)
    assert await verify_schema(filled_postgres) != []
    after = await repair(filled_postgres)
    if "EXPRESSION" in damage:
        # Its indexes go with the column, so this is left to a person, who is told how.
        left = plan_repair(after, "postgres").left
        assert "has to be rebuilt" in left[0]
        await run(filled_postgres, "\n".join(left[1:]))
        after = await repair(filled_postgres)
    assert after.differences == ()
    assert await catalog(filled_postgres) == before
    assert await count(filled_postgres, "dissent") == 1


async def test_the_options_of_a_table_come_back_with_it(
    filled_postgres: PostgresDatabase,
) -> None:
    await run(filled_postgres, "DROP TABLE job_queue")
    await repair(filled_postgres)
    options = "SELECT reloptions FROM pg_class WHERE oid = 'job_queue'::regclass"
    assert "fillfactor=70" in str(await value(filled_postgres, options))


async def rewrite(database: SQLiteDatabase, table: str, old: str, new: str) -> None:
    """Change what a table is by its own record, as no statement of SQLite can."""
    async with database.connection() as connection:
        await connection.run_script("schema", "PRAGMA writable_schema = ON")
        await connection.run_script(
            "schema",
            f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') "
            f"WHERE type = 'table' AND name = '{table}'",
        )
        await connection.run_script("schema", "PRAGMA writable_schema = RESET")


@pytest.mark.parametrize(
    ("table", "old", "new", "expected"),
    [
        (
            "consensus",
            "rounds INTEGER NOT NULL",
            "rounds INTEGER",
            "different column rounds of consensus: expected INTEGER NOT NULL DEFAULT 0, found "
            "INTEGER DEFAULT 0",
        ),
        (
            "dissent",
            "ON DELETE CASCADE",
            "ON DELETE SET NULL",
            "different constraint dissent_consensus_id_fkey of dissent: expected FOREIGN KEY "
            "(consensus_id) REFERENCES consensus (id) ON DELETE CASCADE, found FOREIGN KEY "
            "(consensus_id) REFERENCES consensus (id) ON DELETE SET NULL",
        ),
        (
            "consensus",
            "CONSTRAINT consensus_rounds_check CHECK (rounds >= 0),",
            "",
            "missing constraint consensus_rounds_check of consensus: CHECK (rounds >= 0)",
        ),
        ("dissent", ") STRICT", ")", "different table dissent: expected STRICT, found a table"),
    ],
)
async def test_what_differs_in_sqlite_is_one_short_line_and_repaired(
    sqlite_database: SQLiteDatabase, table: str, old: str, new: str, expected: str
) -> None:
    await apply_schema(sqlite_database)
    await run(sqlite_database, ROWS)
    before = await catalog(sqlite_database)
    await rewrite(sqlite_database, table, old, new)
    fresh = SQLiteDatabase(sqlite_database.path)
    assert list(map(str, await verify_schema(fresh))) == [expected]

    assert (await repair(fresh)).differences == ()
    assert await catalog(fresh) == before
    # Rows, references, triggers and the search by words are as they were.
    for name in ("consensus", "dissent", "consensus_search('limits')"):
        assert await count(fresh, name) == 1
    assert await value(fresh, "SELECT * FROM pragma_integrity_check") == "ok"
    await run(fresh, "DELETE FROM consensus")
    for name in ("dissent", "consensus_search('limits')"):
        assert await count(fresh, name) == 0
    with pytest.raises(DatabaseError):
        await run(fresh, ROWS.split(";")[1])
    await fresh.close()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE consensus_search",
        "DROP TABLE consensus_search; "
        "CREATE VIRTUAL TABLE consensus_search USING fts5 (terms, content = 'consensus_topics', "
        "content_rowid = 'row_id')",
        "DROP VIEW consensus_topics",
        "DROP TABLE consensus_search; DROP VIEW consensus_topics",
        "DROP TRIGGER consensus_search_insert",
    ],
)
async def test_what_finds_words_is_repaired_with_what_it_knew(
    sqlite_database: SQLiteDatabase, damage: str
) -> None:
    await apply_schema(sqlite_database)
    await run(sqlite_database, ROWS)
    before = await catalog(sqlite_database)
    await run(sqlite_database, damage)
    assert await verify_schema(sqlite_database) != []
    assert (await repair(sqlite_database)).differences == ()
    assert await catalog(sqlite_database) == before
    assert await count(sqlite_database, "consensus_search('limits')") == 1
    await run(sqlite_database, "DELETE FROM consensus")
    assert await count(sqlite_database, "consensus_search('limits')") == 0


async def test_numbers_are_not_given_twice_after_a_repair(sqlite_database: SQLiteDatabase) -> None:
    await apply_schema(sqlite_database)
    insert = "INSERT INTO critiques (agent) VALUES ('a')"
    await run(sqlite_database, f"{insert}; {insert}; DELETE FROM critiques")
    await rewrite(sqlite_database, "critiques", "agent TEXT NOT NULL", "agent TEXT")
    fresh = SQLiteDatabase(sqlite_database.path)
    assert (await repair(fresh)).differences == ()
    await run(fresh, insert)
    assert await value(fresh, "SELECT max(id) FROM critiques") == 3
    await fresh.close()


async def test_a_repair_that_rows_forbid_changes_nothing(filled: Database) -> None:
    if filled.dialect == "postgres":
        await run(filled, "ALTER TABLE consensus DROP CONSTRAINT consensus_confidence_check")
    else:
        assert isinstance(filled, SQLiteDatabase)
        rule = "CONSTRAINT consensus_confidence_check CHECK (confidence BETWEEN 0 AND 1),"
        await rewrite(filled, "consensus", rule, "")
        filled = SQLiteDatabase(filled.path)
    await run(filled, "UPDATE consensus SET confidence = 7; DROP INDEX idx_consensus_created")
    damaged = await catalog(filled)
    with pytest.raises(CheckViolationError):
        await repair(filled)
    assert await catalog(filled) == damaged
    await run(filled, "UPDATE consensus SET confidence = 1")
    assert (await repair(filled)).differences == ()
    await filled.close()


async def test_a_repair_leaves_no_row_without_its_parent(sqlite_database: SQLiteDatabase) -> None:
    await apply_schema(sqlite_database)
    await run(sqlite_database, ROWS)
    await rewrite(sqlite_database, "dissent", "ON DELETE CASCADE", "")
    fresh = SQLiteDatabase(sqlite_database.path)
    async with fresh.connection() as connection:
        await connection.run_script("orphan", "PRAGMA foreign_keys = OFF")
        await connection.run_script("orphan", "DELETE FROM consensus")
    with pytest.raises(SchemaError, match="1 rows refer to rows that are not there"):
        await repair(fresh)
    assert await verify_schema(fresh) != []
    await fresh.close()


async def test_columns_with_values_are_never_dropped(filled: Database) -> None:
    await run(filled, "ALTER TABLE dissent ADD COLUMN extra TEXT DEFAULT 'kept'")
    plan = plan_repair(await inspect_schema(filled), filled.dialect)
    assert (plan.statements, plan.concurrent) == ([], [])
    assert "loses" in plan.left[0]
    assert "DROP COLUMN" in plan.left[1]
    assert all(line.startswith("-- ") for line in plan.script().splitlines())


async def test_a_repair_that_needs_a_session_changes_nothing_behind_a_pooler(
    filled_postgres: PostgresDatabase, postgres_dsn: str
) -> None:
    await run(filled_postgres, "DROP INDEX idx_consensus_created; DROP TABLE finding_links")
    damaged = await catalog(filled_postgres)
    pooled = await PostgresDatabase.connect(f"{postgres_dsn}&pgbouncer=true", 1, 2)
    with pytest.raises(SchemaError, match="use the direct connection"):
        await repair(pooled)
    await pooled.close()
    assert await catalog(filled_postgres) == damaged


async def test_stores_of_another_version_are_left_to_apply(filled: Database) -> None:
    await run(
        filled,
        "DELETE FROM _schema_versions WHERE module = 'critique';"
        "UPDATE _schema_versions SET version = 7 WHERE module = 'jobs';"
        "DROP INDEX idx_debates_created",
    )
    plan = plan_repair(await inspect_schema(filled), filled.dialect)
    assert (plan.statements, plan.concurrent) == ([], [])
    assert plan.left == [
        "store 'critique' is not recorded: run 'aragora-sql schema apply'",
        "store 'jobs' has the newer version 7: use newer files",
    ]


# What newer servers have


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "ALTER TABLE patterns ALTER COLUMN issue_type DROP NOT NULL;"
            "ALTER TABLE patterns ADD CONSTRAINT n NOT NULL issue_type NOT VALID",
            "different column issue_type of patterns: expected text NOT NULL, found text NOT NULL "
            "NOT VALID",
        ),
        (
            "ALTER TABLE finding_links DROP CONSTRAINT finding_links_finding_id_fkey,"
            "ADD CONSTRAINT finding_links_finding_id_fkey FOREIGN KEY (finding_id) "
            "REFERENCES finding_workflows (finding_id) ON DELETE CASCADE NOT ENFORCED",
            "different constraint finding_links_finding_id_fkey of finding_links: expected FOREIGN "
            "KEY (finding_id) REFERENCES finding_workflows(finding_id) ON DELETE CASCADE, found "
            "FOREIGN KEY (finding_id) REFERENCES finding_workflows(finding_id) ON DELETE CASCADE "
            "NOT ENFORCED",
        ),
        (
            "ALTER TABLE consensus DROP CONSTRAINT consensus_rounds_check,"
            "ADD CONSTRAINT consensus_rounds_check CHECK (rounds >= 0) NOT ENFORCED",
            "different constraint consensus_rounds_check of consensus: expected CHECK ((rounds >= "
            "0)), found CHECK ((rounds >= 0)) NOT ENFORCED",
        ),
        (
            "ALTER TABLE debates ADD COLUMN virtual integer GENERATED ALWAYS AS (1 + 1) VIRTUAL",
            "added column virtual of debates: integer GENERATED ALWAYS AS ((1 + 1)) VIRTUAL",
        ),
    ],
)
async def test_what_postgresql_18_added_is_read_rightly(
    filled_postgres: PostgresDatabase, change: str, expected: str
) -> None:
    version = await value(filled_postgres, "SHOW server_version_num")
    if int(str(version)) < 180000:
        pytest.skip("the server is older than PostgreSQL 18")
    before = await catalog(filled_postgres)
    await run(filled_postgres, change)
    assert list(map(str, await verify_schema(filled_postgres))) == [expected]
    after = await repair(filled_postgres)
    if not expected.startswith("added"):
        assert after.differences == ()
        assert await catalog(filled_postgres) == before


# Functions


async def test_functions_are_compared_and_made_again(filled_postgres: PostgresDatabase) -> None:
    assert (await inspect_schema(filled_postgres)).differences == ()
    await run(
        filled_postgres,
        "ALTER FUNCTION continuum_nearest RESET search_path;"
        "ALTER TABLE continuum_vectors DROP COLUMN numbers;"
        "DROP FUNCTION continuum_numbers(jsonb);"
        "CREATE FUNCTION of_the_application() RETURNS integer LANGUAGE sql AS 'SELECT 1';",
    )
    inspection = await inspect_schema(filled_postgres)
    found = [(one.table, one.kind, one.state) for one in inspection.differences]
    assert found == [
        ("continuum_nearest", "function", "different"),
        ("continuum_numbers", "function", "missing"),
        ("continuum_vectors", "column", "missing"),
        ("continuum_vectors", "column comment", "missing"),
    ]
    assert (await repair(filled_postgres)).differences == ()
