"""No statement of a tree runs where it could do harm: the place is proved, the role is plain."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from aragora_sql.cli import main
from aragora_sql.engines.facts import Engines, read_facts, read_tree
from aragora_sql.engines.warm import stop_kept_server
from aragora_sql.settings import PostgresDSN
from tests.checker.conftest import Check
from tests.checker.one_database import one_database
from tests.conftest import Servers

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer on this machine")


@pytest.fixture
def victim(postgres_dsn: str) -> str:
    """A user's database with the tables of the packaged schema, in which one has a row."""
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(
            "CREATE TABLE notes (id integer CONSTRAINT notes_check CHECK (id > 0));"
            "INSERT INTO notes VALUES (7); COMMENT ON TABLE notes IS 'mine'"
        )
    # The server counts the row when the session has ended, which nobody waits for.
    counted = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'notes'"
    deadline = time.monotonic() + 30
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        while connection.execute(counted).fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    return postgres_dsn


def state(dsn: str) -> dict[str, object]:
    """All that a check could leave in a database and on its server."""
    queries = {
        "rows": "SELECT relname, n_live_tup + n_dead_tup FROM pg_stat_user_tables ORDER BY 1",
        "notes": "SELECT id FROM notes",
        "constraints": "SELECT conname FROM pg_constraint ORDER BY 1",
        "classes": "SELECT relname, relacl FROM pg_class ORDER BY 1",
        "functions": "SELECT count(*) FROM pg_proc",
        "databases": "SELECT datname FROM pg_database ORDER BY 1",
        "roles": "SELECT rolname FROM pg_roles ORDER BY 1",
    }
    with psycopg.connect(dsn) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


@contextmanager
def pooler(upstream: str, users: str) -> Iterator[str]:
    """Give a DSN to a pooler with one target for all names; ``users`` is how it lets in whom."""
    target = PostgresDSN.parse(upstream)
    host = target.option("host") or ""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    # PgBouncer refuses to run as root; the socket's folder opens to the server's own user only.
    owner = Path(host).stat().st_uid if os.geteuid() == 0 and host.startswith("/") else None
    with tempfile.TemporaryDirectory(prefix="pgb-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{target.user}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={host} port={target.option('port') or 5432} "
            f"dbname={target.database}{' user=' + str(target.user) if users == 'any' else ''}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = {users}\nauth_file = {folder / 'users.txt'}\npool_mode = transaction\n"
        )
        process = subprocess.Popen(
            [str(PGBOUNCER), str(folder / "pgbouncer.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=owner,
        )
        dsn = f"postgresql://{target.user}@127.0.0.1:{port}/{target.database}"
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    psycopg.connect(dsn, connect_timeout=2).close()
                    break
                except psycopg.OperationalError:
                    assert process.poll() is None, "pgbouncer has ended"
                    assert time.monotonic() < deadline, "pgbouncer does not answer"
            yield dsn
        finally:
            process.terminate()
            process.wait(timeout=10)


COMMANDS = (
    ["check", "--skip", "style", "--skip", "squawk", "--dsn"],
    ["show", "jobs.get_job", "--dsn"],
    ["stubs", "--check", "--dsn"],
)


@needs_pgbouncer
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_behind_a_pooler_with_one_target_nothing_is_touched(
    command: list[str], victim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(victim)
    with pooler(victim, "any") as dsn:
        assert main([*command, dsn]) == 2
    said = capsys.readouterr()
    name = PostgresDSN.parse(victim).database
    assert f"and the answer comes from {name!r}" in said.err
    assert "nothing was run there. Name the server itself" in said.err
    assert state(victim) == before


@needs_pgbouncer
def test_a_pooler_that_lets_no_scratch_role_in_is_refused(
    victim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(victim)
    with pooler(victim, "trust") as dsn:
        assert main([*COMMANDS[0], dsn]) == 2
    assert "name a role that is no superuser and may create databases" in capsys.readouterr().err
    assert state(victim) == before


@pytest.fixture
def creator(victim: str) -> Iterator[str]:
    """The DSN of a role that is no superuser and may create databases."""
    with psycopg.connect(victim, autocommit=True) as connection:
        connection.execute("CREATE ROLE creator LOGIN CREATEDB")
        connection.execute("GRANT SELECT ON notes TO creator")
        yield replace(PostgresDSN.parse(victim), user="creator").uri()
        connection.execute("DROP OWNED BY creator; DROP ROLE creator")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("role", ["superuser", "creator"])
def test_on_a_server_with_one_database_nothing_is_touched(
    role: str,
    command: list[str],
    victim: str,
    creator: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = state(victim)
    with one_database(victim if role == "superuser" else creator) as dsn:
        assert main([*command, dsn]) == 2
    assert "leads every name to one database" in capsys.readouterr().err
    assert state(victim) == before


def test_the_environment_is_proved_too(
    victim: str, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(victim)
    with one_database(victim) as dsn:
        monkeypatch.setenv("DATABASE_URL", dsn)
        arguments = ["--sql-dir", str(tree), "--python", str(tree.parent / "code")]
        assert main([*COMMANDS[0][:-1], *arguments]) == 2
    assert "leads every name to one database" in capsys.readouterr().err
    assert state(victim) == before


def test_a_role_that_may_create_databases_is_used_as_it_is(
    victim: str, creator: str, tree: Path, run_check: Check
) -> None:
    before = state(victim)
    assert run_check(tree, dsn=creator).findings == ()
    assert state(victim) == before


@contextmanager
def engines(where: str, tree: Path, dsn: str) -> Iterator[Engines]:
    options = {"server": {"dsn": dsn}, "kept": {"keep": True}, "own": {"keep": False}}[where]
    with Engines(read_tree(tree), environment=False, **options) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))
    yield
    stop_kept_server()


WHERE = ("server", "kept", "own")


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.usefixtures("own_cache")
def test_statements_of_a_tree_run_as_a_plain_role(where: str, tree: Path, victim: str) -> None:
    with engines(where, tree, victim) as found:
        connection = found.postgres.connection
        facts = read_facts(found)
        found.fill(facts.catalogs)
        query = (
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, "
            "pg_has_role('pg_execute_server_program', 'member') FROM pg_roles "
            "WHERE rolname = session_user AND session_user = current_user"
        )
        assert connection.execute(query).fetchall() == [(False, False)]
        assert facts.problems == ()
        assert found.planner.settled
        assert found.planner.connection.execute(query).fetchall() == [(False, False)]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'touch {path}';",
        "COPY authors (id) FROM '/etc/passwd';",
        "RESET SESSION AUTHORIZATION; CREATE ROLE intruder SUPERUSER;",
        "DO $$ BEGIN EXECUTE 'SET SESSION AUTHORIZATION postgres'; END $$;",
        "ALTER SYSTEM SET work_mem = '1GB';",
        "SELECT lo_import('/etc/passwd');",
    ],
)
@pytest.mark.usefixtures("own_cache")
def test_a_schema_file_has_no_rights_of_a_superuser(
    statement: str, where: str, tree: Path, victim: str, tmp_path: Path
) -> None:
    before = state(victim)
    path = tree / "postgres" / "notes" / "schema.sql"
    with path.open("a", encoding="utf-8") as file:
        file.write(statement.format(path=tmp_path / "touched") + "\n")
    with engines(where, tree, victim) as found:
        (problem,) = found.problems
    assert (problem.path, problem.rule) == (path, "prepare")
    assert not (tmp_path / "touched").exists()
    assert state(victim) == before


@pytest.fixture
def plain_user(victim: str) -> Iterator[str]:
    """The DSN of a role that may create schemas in the user's database, and no database."""
    parsed = PostgresDSN.parse(victim)
    with psycopg.connect(victim, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain_user LOGIN")
        connection.execute(f"GRANT CREATE ON DATABASE {parsed.database} TO plain_user")
        connection.execute("ALTER TABLE notes OWNER TO plain_user")
        yield replace(parsed, user="plain_user").uri()
        connection.execute("ALTER TABLE notes OWNER TO CURRENT_USER")
        connection.execute("DROP OWNED BY plain_user; DROP ROLE plain_user")


@pytest.mark.parametrize("end", ["COMMIT", "end", "ROLLBACK", "START TRANSACTION", "Abort"])
def test_a_schema_file_cannot_end_the_transaction_that_is_undone(
    end: str, victim: str, plain_user: str, tree: Path, run_check: Check
) -> None:
    path = tree / "postgres" / "notes" / "schema.sql"
    line = path.read_text(encoding="utf-8").count("\n") + 1
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{end};\nDROP TABLE public.notes;\n")
    before = state(victim)
    checked = run_check(tree, dsn=plain_user)
    found = [(f.path, f.line, f.rule) for f in checked.findings if f.path == path]
    assert (path, line, "prepare") in found
    assert {rule for *_, rule in found} == {"prepare", "schema-statement"}
    assert state(victim) == before


def test_without_any_right_there_is_one_sentence(
    victim: str, plain_user: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(victim, autocommit=True) as connection:
        connection.execute(
            f"REVOKE CREATE ON DATABASE {PostgresDSN.parse(victim).database} FROM plain_user"
        )
    assert main([*COMMANDS[0], plain_user, "--sql-dir", str(tree)]) == 2
    assert "may make neither a database nor a schema" in capsys.readouterr().err


def test_nothing_of_template1_is_in_the_scratch_database(
    servers: Servers, tree: Path, victim: str
) -> None:
    """A table of a user's there would be taken for one of the tree's."""
    with psycopg.connect(servers.default.dsn("template1"), autocommit=True) as connection:
        connection.execute("CREATE TABLE authors (wrong integer)")
        try:
            with engines("server", tree, victim) as found:
                assert found.problems == ()
        finally:
            connection.execute("DROP TABLE authors")
