"""docs/aws.md and deploy/aws/ with the real ``aws`` against a real endpoint of ``moto``.

Both are installed into an environment of their own, which takes a while.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from aragora_sql.encryption import Keyring
from aragora_sql.errors import ConfigurationError
from aragora_sql.secret_store import SECRET_NAMES, read_environment
from aragora_sql.settings import Settings
from chaos.ports import free_port
from tests.deploy.image import ROOT
from tests.deploy.listening import answering

AWS = ROOT / "deploy" / "aws"
PUT = AWS / "put-parameters.sh"
PATH = "/aragora/prod/"
# What shells and JSON are easily confused by; a value may begin and end with spaces.
STRANGE = '  it\'s "$HOME" `x` \\n 100% é  '
NAMES = ("DATABASE_URL", "SUPABASE_KEY", "ARAGORA_ENCRYPTION_KEY")


def test_the_policy_covers_the_parameters_and_no_others() -> None:
    (statement,) = json.loads((AWS / "iam-policy.json").read_text())["Statement"]
    assert statement["Action"] == ["ssm:GetParameter", "ssm:GetParameters"]
    resource = statement["Resource"]
    for name in SECRET_NAMES:
        assert fnmatchcase(f"arn:aws:ssm:eu-central-1:123456789012:parameter{PATH}{name}", resource)
    for other in ("/aragora/test/DATABASE_URL", "/aragora/prod", "/other/aragora/prod/X"):
        assert not fnmatchcase(f"arn:aws:ssm:eu-central-1:123456789012:parameter{other}", resource)


def test_the_service_reads_its_secrets_and_has_none() -> None:
    said = subprocess.run(
        [AWS / "user-data.sh", "--print-unit", "eu-west-1"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", said, re.MULTILINE))
    assert given == {
        "ARAGORA_SECRETS": f"aws-ssm:{PATH}",
        "ARAGORA_DB_BACKEND": "postgres",
        "ARAGORA_ENV": "production",
        "AWS_REGION": "eu-west-1",
    }
    assert re.search(r"^User=aragora$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--path", "x"], "--path: x is not such as /aragora/prod/"),
        (["--path"], "--path needs a value"),
        (["--force"], "unknown option --force"),
        (["lower"], "lower is not the name of a variable"),
        ([], "the program aws is missing"),
    ],
)
def test_wrong_words_are_refused_before_aws_is_asked(words: list[str], problem: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    # There is no program in this PATH.
    done = subprocess.run(
        [bash, PUT, *words],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    if words == ["--force"]:
        # The usage comes first, which needs cat.
        assert done.returncode != 0
        return
    assert (done.returncode, problem in done.stderr) == (2, True), done.stderr


class Cloud:
    """An endpoint of moto, and commands that talk to it."""

    def __init__(self, binaries: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def ask(self, *command: str | Path, **env: str) -> str:
        done = self.run(*command, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def parameter(self, name: str, part: str = "Value") -> str:
        said = self.ask(
            *("aws", "ssm", "get-parameter", "--name", name, "--with-decryption"),
            *("--query", f"Parameter.{part}", "--output", "json"),
        )
        value: str = json.loads(said)
        return value

    def post(self, path: str, body: str = "") -> None:
        question = urllib.request.Request(  # noqa: S310 - our own endpoint
            self.url + path, body.encode(), {"Content-Type": "text/plain"}, method="POST"
        )
        with urllib.request.urlopen(question, timeout=30) as answer:  # noqa: S310
            assert answer.status == 200


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("aws")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    binaries = folder / "venv" / "bin"
    pip = [str(binaries / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "awscli", "moto[ssm]", "flask", "flask-cors"], check=True)
    port = free_port()
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [binaries / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            answering(port, process)
            yield Cloud(binaries, port)
        finally:
            process.terminate()


@pytest.fixture
def cloud(started: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The endpoint, empty, also where the environment of this process says."""
    started.post("/moto-api/reset")
    for name, value in started.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("aragora_sql.secret_store._read", {})
    monkeypatch.setenv("ARAGORA_SECRETS", f"aws-ssm:{PATH}")
    return started


@pytest.mark.slow
def test_put_parameters(cloud: Cloud, postgres_dsn: str) -> None:
    done = cloud.run(PUT, DATABASE_URL=postgres_dsn)
    assert done.returncode == 2
    assert "SUPABASE_KEY: no value: set the variable" in done.stderr
    assert cloud.ask("aws", "ssm", "describe-parameters", "--query", "Parameters") == "[]\n"

    said = cloud.ask(PUT, DATABASE_URL=postgres_dsn, SUPABASE_KEY=STRANGE)
    assert said == "".join(f"{PATH}{name}: version 1\n" for name in NAMES)
    assert cloud.parameter(f"{PATH}SUPABASE_KEY") == STRANGE
    assert {cloud.parameter(PATH + name, "Type") for name in NAMES} == {"SecureString"}
    key = cloud.parameter(f"{PATH}ARAGORA_ENCRYPTION_KEY")
    assert len(base64.b64decode(key)) == 32

    done = cloud.run(PUT, SUPABASE_KEY="another", DATABASE_URL=postgres_dsn)
    assert done.returncode == 1
    assert f"{PATH}DATABASE_URL is there already; nothing was written" in done.stderr
    said = cloud.ask(PUT, "--overwrite", SUPABASE_KEY="another", DATABASE_URL=postgres_dsn)
    assert f"{PATH}ARAGORA_ENCRYPTION_KEY: is there, and stays as it is" in said
    assert f"{PATH}SUPABASE_KEY: version 2" in said
    assert cloud.parameter(f"{PATH}ARAGORA_ENCRYPTION_KEY") == key

    for wrong, problem in {
        "mysql://h/d": "does not begin with postgresql://",
        "postgresql://postgres:PASSWORD@db.example.com/postgres": "still has a word",
        "postgresql://u:p@db.PROJECT.supabase.co/postgres": "still has a word",
    }.items():
        done = cloud.run(PUT, "--overwrite", "DATABASE_URL", DATABASE_URL=wrong)
        assert (done.returncode, problem in done.stderr) == (2, True), done.stderr
        assert wrong not in done.stderr


@pytest.mark.slow
def test_the_commands_of_the_page(cloud: Cloud, postgres_dsn: str) -> None:
    """All of docs/aws.md, in its order, in one shell; then the older guide's way of writing."""
    page = (ROOT / "docs" / "aws.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    script = "set -euo pipefail\n" + "\n".join(blocks) + "\nprintf '\\0'; env -0"
    said = cloud.ask("bash", "-c", script, DATABASE_URL=postgres_dsn, SUPABASE_KEY=STRANGE)
    given = dict(
        line.split("=", maxsplit=1) for line in said.split("\0") if re.match(r"\w+=", line)
    )
    assert given["SUPABASE_KEY"].strip() == STRANGE.strip()
    assert given["DATABASE_URL"] == postgres_dsn
    assert len(base64.b64decode(given["ARAGORA_ENCRYPTION_KEY"])) == 32
    (rules,) = json.loads(
        cloud.ask(
            *("aws", "ec2", "describe-security-groups", "--group-names", "aragora"),
            *("--query", "SecurityGroups[].IpPermissionsEgress"),
        )
    )
    assert sorted(rule["FromPort"] for rule in rules) == [443, 5432]

    written = "as the older guide writes it"
    cloud.ask(
        *("aws", "ssm", "put-parameter", "--name", "/aragora/prod/ARAGORA_ADMIN_TOKEN"),
        *("--value", written, "--type", "SecureString"),
    )
    settings = Settings.from_env()
    assert settings.dsn is not None
    assert settings.dsn.uri() == Settings.from_env({"DATABASE_URL": postgres_dsn}).dsn.uri()  # type: ignore[union-attr]
    assert read_environment()["SUPABASE_KEY"] == STRANGE
    assert read_environment()["ARAGORA_ADMIN_TOKEN"] == written
    assert Keyring.from_env()


@pytest.mark.slow
def test_what_the_policy_lets_a_role_do(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its actions are enough, and needed. moto compares no resources of parameters."""
    cloud.ask(PUT, DATABASE_URL="postgresql://h/d", SUPABASE_KEY="x")
    policy = json.loads((AWS / "iam-policy.json").read_text())
    policy["Statement"][0]["Resource"] = "*"
    keys: dict[str, tuple[str, str]] = {}
    for user in ("reader", "nobody"):
        cloud.ask("aws", "iam", "create-user", "--user-name", user)
        said = cloud.ask(
            *("aws", "iam", "create-access-key", "--user-name", user),
            *("--query", "AccessKey.[AccessKeyId,SecretAccessKey]"),
        )
        keys[user] = tuple(json.loads(said))
    cloud.ask(
        *("aws", "iam", "put-user-policy", "--user-name", "reader", "--policy-name", "read"),
        *("--policy-document", json.dumps(policy)),
    )
    cloud.post("/moto-api/reset-auth", "0")
    try:
        for user in ("nobody", "reader"):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[user][0])
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[user][1])
            if user == "nobody":
                with pytest.raises(ConfigurationError, match=r"access denied.*GetParameters"):
                    Settings.from_env()
            else:
                assert str(Settings.from_env().dsn) == "postgresql://h/d"
        done = cloud.run(
            PUT,
            "--overwrite",
            "SUPABASE_KEY",
            SUPABASE_KEY="new",
            AWS_ACCESS_KEY_ID=keys["reader"][0],
            AWS_SECRET_ACCESS_KEY=keys["reader"][1],
        )
        assert done.returncode == 1
        assert "AWS refused /aragora/prod/SUPABASE_KEY" in done.stderr
        assert "ssm:PutParameter" in done.stderr
    finally:
        cloud.post("/moto-api/reset-auth", "inf")


@pytest.mark.slow
def test_what_the_service_runs(cloud: Cloud, postgres_dsn: str, tmp_path: Path) -> None:
    """The command before the start, in the environment that systemd would give it."""
    cloud.ask(PUT, DATABASE_URL=postgres_dsn, SUPABASE_KEY="x")
    unit = cloud.ask(AWS / "user-data.sh", "--print-unit", "eu-central-1")
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    (line,) = re.findall(r"^ExecStartPre=(.*)$", unit, re.MULTILINE)
    binaries = f"{sys.prefix}/bin/"
    words = shlex.split(line.replace("/opt/aragora/venv/bin/", binaries))
    # Of ours only what stands for the role of the instance, and for AWS.
    outside = {k: v for k, v in cloud.environment.items() if k.startswith("AWS_")}
    for command, expected in ((words, "created"), ([*words[:-1], "verify"], "as the files say")):
        done = subprocess.run(
            command, cwd=tmp_path, env=outside | given, capture_output=True, text=True
        )
        assert (done.returncode, expected in done.stdout) == (0, True), done.stdout + done.stderr
