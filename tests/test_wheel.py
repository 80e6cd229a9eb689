"""A built wheel works from any folder, with no checkout around; so does the image made of it."""

from __future__ import annotations

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import yaml

from aragora_sql import __version__
from aragora_sql.checker.kept import PACKED
from aragora_sql.cli.exit_codes import OK, UNREACHABLE, USAGE
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.embedded.programs import server_account
from aragora_sql.settings import PostgresDSN
from chaos.ports import free_port
from tests.conftest import chosen_binaries, require_program
from tests.deploy.image import ROOT, Image, dockerfile, reachable_python, stage
from tests.deploy.listening import answering

PROGRAM = """
import asyncio, aragora_sql
from aragora_sql.queries.files import packaged_sql_dir

async def work():
    memory = await aragora_sql.get_consensus_memory()
    await memory.store_consensus("Rate limiting", "Token bucket", "strong", 0.9, ["a"], ["a"])
    print(len(await memory.find_similar("rate limiting")), packaged_sql_dir())
    await aragora_sql.close_databases()

asyncio.run(work())
"""


def build(source: Path, folder: Path) -> Path:
    """Build the wheel of a folder into another one, and return its path."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what the Dockerfile copies from the checkout, and of nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    stage(ROOT / "Dockerfile", 0, folder / "src")
    return build(folder / "src", folder)


@pytest.fixture(scope="module")
def wheel_of_checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of aragora-sql-check."""
    return build(ROOT / "packages" / "check", tmp_path_factory.mktemp("wheel"))


def extras() -> str:
    """The extras that the image takes unless it is built with others."""
    (default,) = [
        one.text.removeprefix("EXTRAS=")
        for one in dockerfile(ROOT / "Dockerfile")
        if one.word == "ARG" and one.text.startswith("EXTRAS=")
    ]
    return default


@pytest.fixture(scope="module")
def image(wheel: Path) -> Iterator[Image]:
    """The image of the Dockerfile: an empty environment with the wheel, and a few files."""
    # Those of pytest are closed to other users.
    with tempfile.TemporaryDirectory(prefix="aragora-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        python = reachable_python(folder)
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True, capture_output=True)
        binaries = folder / "venv" / "bin"
        subprocess.run(
            [binaries / "python", "-m", "pip", "install", "--quiet", f"{wheel}[{extras()}]"],
            check=True,
            capture_output=True,
        )
        stage(ROOT / "Dockerfile", 1, folder / "work")
        data = folder / "data"
        data.mkdir()
        account = server_account()
        if account is not None:
            os.chown(data, account.pw_uid, account.pw_gid)
        user = None if account is None else account.pw_uid
        yield Image(binaries, folder / "work", data, folder / "python" / "lib", user)


def records_left_out() -> set[Path]:
    """The records of present versions: they are what schema.sql says, behind the upgrade's name."""
    found = set()
    for record in (ROOT / "sql" / "versions").glob("*/*/*.sql"):
        dialect, store = record.parts[-3:-1]
        said = re.sub(r"\A-- upgrade: .*\n", "", record.read_text("utf-8"))
        for of in (ROOT / "sql" / dialect / store, ROOT / "sql" / "system" / dialect / store):
            if of.is_dir() and (of / "schema.sql").read_text("utf-8") == said:
                found.add(record)
    assert len(found) > 30
    return found


def test_the_wheel_carries_every_sql_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".sql")}
    # Records of older versions are packed with what checks compare with.
    on_disk = {
        "aragora_sql/sql/" + path.relative_to(ROOT / "sql").as_posix()
        for path in (ROOT / "sql").rglob("*.sql")
        if not path.is_relative_to(ROOT / "sql" / "versions")
    }
    assert packed == on_disk | {"aragora_sql/db/schema/postgres_schema.sql"}


def test_the_wheels_carry_all_of_the_package(wheel: Path, wheel_of_checker: Path) -> None:
    """Each file is in one of them; of the plans only those of the newest PostgreSQL and SQLite."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if name.startswith("aragora_sql/")}
    with zipfile.ZipFile(wheel_of_checker) as archive:
        of_checker = {name for name in archive.namelist() if name.startswith("aragora_sql/")}
        packed = json.loads(lzma.decompress(archive.read(f"aragora_sql/sql/{PACKED}")))
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        needs = archive.read(metadata).decode()
    assert not files & of_checker
    assert of_checker == {
        f"aragora_sql/sql/{PACKED}",
        *(
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "aragora_sql" / "checker").rglob("*.py")
        ),
    }
    assert f"Requires-Dist: aragora-sql[engines]=={__version__}\n" in needs
    plans = sorted((ROOT / "sql" / "plans").glob("postgres-*"))
    left_out = records_left_out()
    on_disk = {
        path.relative_to(ROOT / "sql").as_posix(): path
        for path in (ROOT / "sql").rglob("*")
        if path.is_file()
        and not any(path.is_relative_to(older) for older in plans[:-1])
        and path not in left_out
    }
    inside = {name for name in files if name.startswith("aragora_sql/sql/")}
    packed_here = {f"aragora_sql/sql/{name}" for name in packed}
    assert not inside & packed_here
    assert inside | packed_here == {
        *(f"aragora_sql/sql/{name}" for name in on_disk),
        "aragora_sql/sql/.sqlfluff",
    }
    assert packed == {name: on_disk[name].read_text("utf-8") for name in packed}
    assert wheel.stat().st_size < 2_000_000


def test_without_the_checker_commands_say_what_they_need(image: Image) -> None:
    said = "aragora-sql: this needs pip install 'aragora-sql[check]'\n"
    for command in (
        "check",
        "check --since HEAD",
        "column add critique debates a text",
        "schema new-upgrade critique name",
    ):
        assert image.run("aragora-sql", *command.split(), env={}) == (USAGE, said)
    code, shown = image.run("aragora-sql", "--help", env={})
    assert (code, shown.count("needs pip install 'aragora-sql[check]'")) == (OK, 4), shown
    code, shown = image.run("aragora-sql", "show", "critique.get_debate", env={})
    assert (code, "pip install 'aragora-sql[engines]'" in shown) == (OK, True), shown


def test_both_wheels_check_the_files_that_they_carry(
    wheel: Path, wheel_of_checker: Path, tmp_path: Path
) -> None:
    for one in (wheel, wheel_of_checker):
        with zipfile.ZipFile(one) as archive:
            archive.extractall(tmp_path / "installed")
    file = tmp_path / "installed" / "aragora_sql" / "sql" / "sqlite" / "sessions" / "queries.sql"
    checked = subprocess.run(
        [sys.executable, "-m", "aragora_sql", "check", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        check=False,
    )
    assert checked.returncode == OK, checked.stdout + checked.stderr
    assert "no findings" in checked.stdout + checked.stderr


def test_the_wheel_carries_the_assets_of_the_pages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assets = ROOT / "aragora_sql" / "workbench" / "assets"
    assert {path.relative_to(ROOT).as_posix() for path in assets.iterdir()} <= packed


def test_an_installed_wheel_works_from_any_folder(
    image: Image, tmp_path: Path, postgres_dsn: str
) -> None:
    binaries = image.binaries
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Nothing of the checkout: no PYTHONPATH, no settings.
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(*command: str) -> str:
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=elsewhere, env=clean
        ).stdout

    found, folder = run(str(binaries / "python"), "-c", PROGRAM).split()
    assert found == "1"
    assert Path(folder).is_relative_to(binaries.parent)
    assert (elsewhere / ".nomic" / "aragora.db").is_file()
    script = run(str(binaries / "aragora-sql"), "schema", "show", "--dialect", "postgres")
    assert "CREATE TABLE IF NOT EXISTS critiques" in script
    command = (str(binaries / "aragora-sql"), "schema", "verify", "--store", "consensus")
    assert "the schema is as the files say" in run(*command)

    # The scripts of a checkout, and the paths of the older Aragora.
    initialize = str(binaries / "aragora-sql-init-postgres")
    assert "would be created at version 1" in run(initialize, "--dsn", postgres_dsn, "--dry-run")
    if shutil.which("psql") is not None:
        package = run(
            str(binaries / "python"), "-c", "import aragora_sql; print(*aragora_sql.__path__)"
        )
        schema = Path(package.strip(), "db", "schema", "postgres_schema.sql")
        for _ in range(2):
            run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(schema), postgres_dsn)
    run(initialize, "--dsn", postgres_dsn)
    assert "the schema is as the files say" in run(initialize, "--dsn", postgres_dsn, "--verify")
    move = str(binaries / "aragora-sql-migrate-to-supabase")
    target = ("--postgres-dsn", postgres_dsn)
    assert "consensus" in run(move, "--stores", "consensus", *target, "--dry-run")
    migrator = "aragora_sql.persistence.migrations.postgres.memory_migrator"
    source = ("--sqlite-path", ".nomic/aragora.db", "--store", "consensus", "--json")
    moved = run(str(binaries / "python"), "-m", migrator, *target, *source)
    assert json.loads(moved)["total_migrated"] >= 1
    for module in (
        "aragora_sql.memory.postgres_consensus",
        "aragora_sql.memory.postgres_critique",
        "aragora_sql.storage.postgres_store",
    ):
        run(str(binaries / "python"), "-c", f"from {module} import *")


@pytest.fixture(scope="module")
def container_environment() -> Iterator[dict[str, str]]:
    """The environment of the service ``aragora``, and a server as compose.yaml makes it.

    The role is made by the script that the image of PostgreSQL would run; only the superuser
    needs no password.
    """
    with tempfile.TemporaryDirectory(prefix="aragora-hba-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rules = folder / "pg_hba.conf"
        rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        binaries = chosen_binaries()[0]
        with EmbeddedServer(binaries, settings={"hba_file": str(rules)}) as server:
            dsn = PostgresDSN.parse(server.dsn())
            socket, port = dsn.option("host") or "", dsn.option("port") or ""
            password = 'it\'s a "p@ss/w#rd$" %41\\'  # noqa: S105 - all that needs quotes
            subprocess.run(
                [ROOT / "deploy" / "container" / "create-role.sh"],
                check=True,
                env={
                    "PATH": f"{binaries.bin_dir}:/usr/bin:/bin",
                    "PGHOST": socket,
                    "PGPORT": port,
                    "POSTGRES_PASSWORD": password,
                },
            )
            service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["aragora"]
            given = {key: value for key, value in service["environment"].items() if value}
            default = given.pop("DATABASE_URL").removeprefix("${DATABASE_URL:-").removesuffix("}")
            assert given.pop("PGPASSWORD").startswith("${POSTGRES_PASSWORD:?")
            url = default.replace("@postgres:5432/", "@/") + f"?host={socket}&port={port}"
            yield given | {"DATABASE_URL": url, "PGPASSWORD": password}


def test_what_containers_run_works_as_another_user(
    image: Image, container_environment: dict[str, str]
) -> None:
    env = container_environment
    assert image.run("aragora-sql", "--version", env=env) == (OK, f"aragora-sql {__version__}\n")
    # The image is not the user's to change.
    code, said = image.run("python", "-c", "open('new', 'w')", env=env)
    assert image.user is None or (code == 1 and "Permission denied" in said)

    health = next(one for one in dockerfile(ROOT / "Dockerfile") if one.word == "HEALTHCHECK")
    check = health.words()[:2]
    assert health.words() == ["python", "healthcheck.py", "/healthz"]
    env = env | {"ARAGORA_HEALTH_URL": f"http://127.0.0.1:{free_port()}"}
    code, said = image.run(*check, env=env)
    assert (code, "/readyz: no answer: " in said) == (1, True), said

    if find_spec("aragora_sql.server") is not None:
        check_the_server(image, env)
    # docker compose exec aragora python scripts/init_postgres_db.py
    initialize = ("python", "scripts/init_postgres_db.py")
    code, said = image.run(*initialize, env=env)
    assert code == OK, said
    code, said = image.run(*initialize, "--verify", env=env)
    assert (code, "the schema is as the files say" in said) == (OK, True), said

    code, said = image.run(*initialize, "--verify", env=env | {"PGPASSWORD": "wrong"})
    assert code == UNREACHABLE
    assert "password authentication failed" in said
    code, said = image.run(*initialize, env=env | {"DATABASE_URL": ""})
    assert (code, "DSN not configured" in said) == (USAGE, True), said
    assert env["PGPASSWORD"] not in said


def check_the_server(image: Image, env: dict[str, str]) -> None:
    """The command of the image: alive at once, ready when the schema is there, ended by SIGTERM."""
    (command,) = [one for one in dockerfile(ROOT / "Dockerfile") if one.word == "CMD"]
    words = command.words()
    assert words[words.index("--port") + 1] == "8080"
    port = free_port()
    words[words.index("--port") + 1] = str(port)
    env = env | {"ARAGORA_HEALTH_URL": f"http://127.0.0.1:{port}"}
    with image.start(*words, env=env) as process:
        try:
            answering(port, process)
            code, said = image.run("python", "healthcheck.py", "/healthz", env=env)
            assert (code, "/healthz: 200" in said) == (0, True), said
            code, said = image.run("python", "healthcheck.py", "/readyz", env=env)
            assert (code, "/readyz: 503" in said) == (1, True), said
            assert image.run("python", "scripts/init_postgres_db.py", env=env)[0] == OK
            deadline = time.monotonic() + 60
            while code != OK:
                # One look at the database answers whoever asks within a second.
                assert time.monotonic() < deadline, said
                code, said = image.run("python", "healthcheck.py", "/readyz", env=env)
            assert "/readyz: 200" in said
        finally:
            process.terminate()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert env["PGPASSWORD"] not in said


def test_the_pooler_of_the_cluster_asks_for_the_password(
    container_environment: dict[str, str], tmp_path: Path
) -> None:
    """start-pgbouncer.sh with the real PgBouncer, which leads to the server of the tests."""
    program = Path(require_program("pgbouncer", "pgbouncer"))
    dsn = PostgresDSN.parse(container_environment["DATABASE_URL"])
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="aragora-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source = ROOT / "deploy" / "ha"
        shutil.copy(source / "start-pgbouncer.sh", folder)
        shutil.copy(source / "pgbouncer.ini", folder)
        account = server_account()
        pooler = Image(program.parent, folder, folder, folder / "lib", account and account.pw_uid)
        password = container_environment["PGPASSWORD"]
        own = folder / "own"
        own.mkdir()
        if account is not None:
            os.chown(own, account.pw_uid, account.pw_gid)
        env = {
            "POSTGRES_PASSWORD": password,
            "TMPDIR": str(own),
            "PRIMARY_HOST": str(dsn.option("host")),
            "PRIMARY_PORT": str(dsn.option("port")),
            "PGBOUNCER_LISTEN": "127.0.0.1",
            "PGBOUNCER_LISTEN_PORT": str(port),
        }
        with pooler.start("sh", "start-pgbouncer.sh", env=env) as process:
            try:
                answering(port, process)
                url = f"postgresql://aragora@127.0.0.1:{port}/aragora"
                with psycopg.connect(url, password=password) as connection:
                    (user,) = connection.execute("SELECT current_user").fetchone() or ("",)
                    assert user == "aragora"
                with pytest.raises(psycopg.OperationalError, match="authentication failed"):
                    psycopg.connect(url, password="wrong")  # noqa: S106
            finally:
                process.terminate()
            said, _ = process.communicate(timeout=60)
            assert password not in said
