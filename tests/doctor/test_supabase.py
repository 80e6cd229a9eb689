"""From an empty Supabase project to an application that works, as docs/supabase.md tells it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aragora_sql import get_job_queue_store
from aragora_sql.cli import main
from aragora_sql.cli.init_postgres import run as init_postgres
from aragora_sql.cli.migrate_to_supabase import run as migrate_to_supabase
from aragora_sql.database.closing import close_databases
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.doctor import worst
from aragora_sql.doctor.advisors import LINTS
from aragora_sql.doctor.target import doctor_queries
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import store_names, table_names
from tests.conftest import chosen_binaries
from tests.database.test_pooler import pgbouncer
from tests.doctor.conftest import look, of, only, run_on
from tests.doctor.supabase import as_role, make_project
from tests.migration.legacy.work import write_work_dir
from tests.stores.samples import KEY

SERVERS = {str(binaries.version): binaries for binaries in chosen_binaries()}


@pytest.fixture(scope="module", params=SERVERS)
def project(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of an empty project, which the tests of this module fill one after the other."""
    with EmbeddedServer(SERVERS[request.param]) as server:
        yield make_project(server)


@pytest.fixture(scope="module")
def application(project: str) -> str:
    """The DSN of the project with the schema, which `schema apply` has made."""
    assert main(["schema", "apply", "--dsn", project]) == 0
    return project


def test_the_schema_of_an_empty_project(
    project: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = asyncio.run(look(project))
    assert [(one.check, one.severity) for one in findings if one.severity != "ok"] == [
        ("schema-version", "warning")
    ]
    assert of(findings, "server-version")[0][1].startswith("Supabase, PostgreSQL")
    monkeypatch.setenv("DATABASE_URL", project)
    monkeypatch.setattr(sys, "argv", ["init_postgres_db.py"])
    assert init_postgres() == 0
    assert main(["schema", "verify"]) == 0
    assert main(["doctor"]) == 0
    assert "role 'postgres' owns the tables" in capsys.readouterr().out


def test_the_world_sees_nothing(application: str) -> None:
    with psycopg.connect(as_role(application, "authenticator"), autocommit=True) as connection:
        for role in ("anon", "authenticated"):
            connection.execute(f"SET ROLE {role}".encode())
            for statement in (
                b"SELECT FROM consensus",
                b"INSERT INTO debates (id, task) VALUES ('x', 'y')",
                b"TRUNCATE integrations",
                b"SELECT setval('critiques_id_seq', 1)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            connection.execute(b"RESET ROLE")
        # The secret key of a project may, and row level security lets it by.
        connection.execute(b"SET ROLE service_role")
        assert connection.execute(b"SELECT FROM consensus").rowcount >= 0


def test_a_role_of_the_api_is_refused_as_that_of_an_application(application: str) -> None:
    findings = asyncio.run(look(as_role(application, "authenticator")))
    assert worst(findings) == "error"
    public, rights = of(findings, "role")
    assert "connects as 'authenticator', a role of the API" in public[1]
    assert "role 'authenticator' lacks rights on " in rights[1]


def test_a_role_that_may_do_too_little_and_what_the_docs_give_it(application: str) -> None:
    page = (packaged_sql_dir().parent / "docs" / "supabase.md").read_text(encoding="utf-8")
    lines = page.partition("## A role of its own")[2].partition("```sql\n")[2].splitlines()
    create, *grants, bypass, policy = lines[: lines.index("```")]
    run_on(application, create, grants[0], "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app")
    findings = asyncio.run(look(as_role(application, "app")))
    (found,) = of(findings, "role")
    assert found[0] == "error"
    assert "role 'app' lacks rights on _schema_versions (DELETE, INSERT, UPDATE)" in found[1]
    hidden = only(findings, "row-level-security")
    assert hidden.severity == "error"
    assert "role 'app' sees no row of _schema_versions" in hidden.seen
    assert "BYPASSRLS" in hidden.action
    run_on(application, *grants)
    with psycopg.connect(application) as connection:
        may_bypass = connection.info.server_version >= 160000
    if may_bypass:
        assert "16" in bypass
        run_on(application, bypass)
    else:
        tables = ["_schema_versions"]
        tables += [t for s in store_names("postgres") for t in table_names(s, "postgres")]
        run_on(application, *(policy.replace("consensus", table) for table in tables))
    findings = asyncio.run(look(as_role(application, "app")))
    assert worst(one for one in findings if one.check != "advisors") == "ok"
    assert "works with tables of postgres" in only(findings, "role").seen
    if not may_bypass:
        run_on(application, *(f"DROP POLICY app ON {table}" for table in tables))


def test_stores_behind_the_transaction_pooler(
    application: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(dsn: str) -> None:
        monkeypatch.setenv("DATABASE_URL", dsn)
        jobs = await get_job_queue_store()
        await asyncio.gather(*(jobs.enqueue("gauntlet", {"n": n}) for n in range(20)))
        turns = await asyncio.gather(*(jobs.claim("worker") for _ in range(20)))
        assert sorted(job.payload["n"] for turn in turns for job in turn) == [*range(20)]
        database = jobs.database
        assert isinstance(database, PostgresDatabase)
        assert not database.has_sessions
        async with database.connection() as connection:
            assert isinstance(connection, PostgresConnection)
            assert await connection.raw.fetch("SELECT FROM pg_prepared_statements") == []
        await jobs.close()
        await close_databases()

    with pgbouncer(application) as dsn:
        asyncio.run(work(dsn))
        monkeypatch.setenv("DATABASE_URL", dsn)
        assert main(["schema", "apply"]) == 0
        assert main(["schema", "verify"]) == 0
        assert main(["doctor", "--plan", "pro", "--instances", "2"]) == 0


def test_the_commands_that_move_sqlite_data(
    application: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_work_dir(tmp_path / ".nomic")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", application)
    zone = ["--source-timezone", "UTC"]
    for options in (["--all", "--dry-run"], ["--stores", "workflow", "jobs", "integrations"]):
        monkeypatch.setattr(sys, "argv", ["migrate_sqlite_to_supabase.py", *options, *zone])
        # Some of the rows are of no use, and are kept with their reason.
        assert migrate_to_supabase() == 1
    assert "rejected" in capsys.readouterr().out

    with psycopg.connect(application) as connection:
        assert connection.execute("SELECT FROM integrations").rowcount > 0
    # The secrets that came with them need the key of the older program.
    assert main(["doctor"]) == 2
    assert "ARAGORA_ENCRYPTION_KEY is not set, and " in capsys.readouterr().err
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    assert main(["doctor"]) == 0
    # What a migration remembers is closed to the world, too.
    assert advice(application, everything=True) == []


# The published lints


def advice(dsn: str, *, everything: bool) -> list[tuple[str, str]]:
    """Return what the lints have against the schema: names and objects."""

    async def ask() -> list[tuple[str, str]]:
        tables = ["_schema_versions"]
        tables += [t for s in store_names("postgres") for t in table_names(s, "postgres")]
        database = await PostgresDatabase.connect(dsn, 1, 1)
        try:
            async with database.read() as connection:
                rows = doctor_queries(database).list_advice(
                    connection, table_names=None if everything else tables
                )
                return [(row["lint"], row["object_name"]) async for row in rows]
        finally:
            await database.close()

    return asyncio.run(ask())


# What makes each lint speak, of a table of ours where it can be.
WRONG = {
    "unindexed_foreign_keys": "ALTER TABLE patterns ADD COLUMN x text REFERENCES debates (id)",
    "no_primary_key": "ALTER TABLE verified_proofs DROP CONSTRAINT verified_proofs_pkey",
    "duplicate_index": "CREATE INDEX twice ON consensus (created_at DESC)",
    "rls_disabled_in_public": "ALTER TABLE dissent DISABLE ROW LEVEL SECURITY",
    "policy_exists_rls_disabled": "CREATE POLICY dissents ON dissent FOR SELECT USING (false)",
    "multiple_permissive_policies": (
        "CREATE POLICY a ON debates FOR SELECT USING (false); "
        "CREATE POLICY b ON debates FOR SELECT USING (false)"
    ),
    "permissive_rls_policy": "CREATE POLICY all_of_it ON critiques TO anon USING (true)",
    "auth_rls_initplan": "CREATE POLICY own ON patterns FOR SELECT USING (id = auth.uid()::text)",
    "rls_references_user_metadata": (
        "CREATE POLICY meta ON agent_reputation FOR SELECT "
        "USING (current_setting('user_metadata', true) = 'x')"
    ),
    "security_definer_view": "CREATE VIEW v AS SELECT id FROM consensus",
    "materialized_view_in_api": "CREATE MATERIALIZED VIEW m AS SELECT id FROM consensus",
    "pg_graphql_anon_table_exposed": "GRANT SELECT ON job_queue TO anon",
    "pg_graphql_authenticated_table_exposed": "GRANT SELECT ON job_queue TO authenticated",
    "function_search_path_mutable": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER t BEFORE INSERT ON debates FOR EACH ROW EXECUTE FUNCTION f()"
    ),
    "anon_security_definer_function_executable": "ALTER FUNCTION f() SECURITY DEFINER",
    "unsupported_reg_types": "ALTER TABLE patterns ADD COLUMN y regproc",
    "autovacuum_disabled": "ALTER TABLE job_queue SET (autovacuum_enabled = false)",
}
# With that of anon, and by an index whose building fails.
BESIDE = {"authenticated_security_definer_function_executable", "invalid_index"}
# What is not of this package, so that the whole schema has to be asked.
THEIRS = {
    "foreign_table_in_api": (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; "
        "CREATE FOREIGN TABLE far (id int) SERVER s"
    ),
    "extension_in_public": "CREATE EXTENSION {extension} SCHEMA public",
    "no_primary_key": "CREATE TABLE theirs (id int)",
}


def test_every_lint_is_provoked() -> None:
    assert WRONG.keys() | BESIDE | THEIRS.keys() == LINTS.keys()


def test_the_published_lints_pass_and_speak_when_something_is_wrong(application: str) -> None:
    assert advice(application, everything=True) == []
    assert advice(application, everything=False) == []
    run_on(application, *WRONG.values())
    with pytest.raises(psycopg.errors.UniqueViolation):
        run_on(
            application,
            "INSERT INTO debates (id, task) VALUES ('1', 'same'), ('2', 'same')",
            "CREATE UNIQUE INDEX CONCURRENTLY broken ON debates (task)",
        )
    found = {lint for lint, _ in advice(application, everything=False)}
    expected = WRONG.keys() | BESIDE
    assert found == expected
    findings = asyncio.run(look(application))
    told = {seen.partition(":")[0] for _, seen in of(findings, "advisors")}
    assert told == expected
    assert all(one.action for one in findings if one.check == "advisors")
    with psycopg.connect(application) as connection:
        # One of them comes with each server that tests run on.
        row = connection.execute(
            "SELECT name FROM pg_available_extensions WHERE name IN ('vector', 'hstore') LIMIT 1"
        ).fetchone()
    assert row is not None
    admin = as_role(application, "supabase_admin")
    run_on(admin, *(one.format(extension=row[0]) for one in THEIRS.values()))
    everything = {*advice(application, everything=True)}
    assert ("no_primary_key", "theirs") in everything
    assert ("foreign_table_in_api", "far") in everything
    assert ("extension_in_public", row[0]) in everything
    assert {lint for lint, _ in advice(application, everything=False)} == expected


def test_every_lint_is_in_the_docs() -> None:
    text = (packaged_sql_dir().parent / "docs" / "supabase.md").read_text(encoding="utf-8")
    section = text.partition("## The advisors")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) >= LINTS.keys()
