"""Secrets from a store: the environment comes first, errors say what to do, nothing is shown."""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from uuid import uuid4

import pytest

from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import UNREACHABLE, USAGE
from aragora_sql.dsn import PostgresDSN
from aragora_sql.encryption import Keyring
from aragora_sql.environment import store_factory
from aragora_sql.errors import ConfigurationError, SecretStoreUnavailableError
from aragora_sql.secret_store import SECRET_NAMES, read_environment, with_secrets
from aragora_sql.secret_store.aws_ssm import MOST_NAMES
from aragora_sql.settings import Settings, dsn_from_env, dsn_variable
from aragora_sql.stores import STORES
from aragora_sql.stores.receipts.signing import ReceiptSigningKeys, is_signed_by
from tests.secret_store.service import ParameterService, running_service
from tests.test_settings import assert_no_secret

SECRET = "kept-apart-4711"  # noqa: S105 - opens nothing
STORED_DSN = f"postgresql://app:{SECRET}@db.example.com:5432/postgres"
KEY = "a1" * 32


@pytest.fixture(scope="module")
def running() -> Iterator[ParameterService]:
    with running_service() as service:
        yield service


@pytest.fixture
def service(running: ParameterService, monkeypatch: pytest.MonkeyPatch) -> ParameterService:
    """The service, where the environment says, with nothing in it; credentials are there."""
    running.parameters.clear()
    running.faults.clear()
    running.asked.clear()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL_SSM": running.url,
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "a-key-of-aws",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def path(service: ParameterService, monkeypatch: pytest.MonkeyPatch) -> str:
    """A path that no other test has read: what was read is remembered by it."""
    path = f"/aragora/{uuid4().hex}/"
    monkeypatch.setenv("ARAGORA_SECRETS", f"aws-ssm:{path}")
    return path


def test_secrets_come_from_the_store_at_once(service: ParameterService, path: str) -> None:
    service.parameters |= {
        f"{path}DATABASE_URL": STORED_DSN,
        f"{path}ARAGORA_ENCRYPTION_KEY": KEY,
        f"{path}SUPABASE_KEY": SECRET,
    }
    settings = Settings.from_env()
    assert settings.backend == "postgres"
    assert settings.dsn is not None
    assert settings.dsn.uri() == STORED_DSN
    assert dsn_variable() == "DATABASE_URL"
    assert Keyring.from_env()
    env = read_environment()
    assert env["SUPABASE_KEY"] == SECRET
    assert env.get("ARAGORA_ENCRYPTION_KEYS_OLD") is None
    assert set(env) == {*os.environ, "DATABASE_URL", "ARAGORA_ENCRYPTION_KEY", "SUPABASE_KEY"}
    assert len(env) == len(set(env))
    # Each name is asked for once, and no call asks for more than the service answers.
    asked = [question["Names"] for question in service.asked]
    assert [name for names in asked for name in names] == [path + name for name in SECRET_NAMES]
    assert len(asked) == math.ceil(len(SECRET_NAMES) / MOST_NAMES)
    assert all(question["WithDecryption"] for question in service.asked)
    # Child processes inherit what is in the environment.
    assert SECRET not in "".join(os.environ.values())


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_each_secret_comes_from_the_store(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    service.parameters[path + name] = SECRET
    assert read_environment()[name] == SECRET


def test_older_keys_of_receipts_come_from_the_store(service: ParameterService, path: str) -> None:
    former = ReceiptSigningKeys(bytes.fromhex(KEY))
    signature = former.sign_receipt({"receipt_id": "r"})
    service.parameters |= {
        f"{path}ARAGORA_RECEIPT_SIGNING_KEY": "b2" * 32,
        f"{path}ARAGORA_RECEIPT_SIGNING_KEYS_OLD": f"{'c3' * 32}, {KEY}",
    }
    keys = ReceiptSigningKeys.from_env()
    assert keys.current_id == ReceiptSigningKeys(bytes.fromhex("b2" * 32)).current_id
    assert is_signed_by(keys, {"receipt_id": "r"}, signature, former.current_id)


def test_a_fault_of_a_later_call_is_one_of_all(service: ParameterService, path: str) -> None:
    service.parameters[f"{path}DATABASE_URL"] = STORED_DSN
    for number in range(math.ceil(len(SECRET_NAMES) / MOST_NAMES)):
        fault = (400, "AccessDeniedException", "not authorized")
        # Answered after as many calls that succeed.
        service.faults[:] = [None] * number + [fault]
        with pytest.raises(ConfigurationError, match="access denied"):
            Settings.from_env()
    assert Settings.from_env().backend == "postgres"


def test_what_the_environment_has_is_not_looked_for(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.parameters |= {f"{path}DATABASE_URL": STORED_DSN, f"{path}SUPABASE_KEY": SECRET}
    # The other variable of a DSN, too, is the environment's word.
    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", "postgresql://me@here/mine")
    settings = Settings.from_env()
    assert str(settings.dsn) == "postgresql://me@here/mine"
    assert dsn_variable() == "ARAGORA_POSTGRES_DSN"
    assert service.asked == []
    # An empty variable counts as not set.
    monkeypatch.setenv("SUPABASE_KEY", " ")
    assert read_environment()["SUPABASE_KEY"] == SECRET
    monkeypatch.setenv("SUPABASE_KEY", "mine")
    assert read_environment()["SUPABASE_KEY"] == "mine"


def test_without_the_variable_the_environment_is_taken_as_it_is() -> None:
    assert read_environment() is os.environ
    assert with_secrets({}) == {}
    with_store = with_secrets({"ARAGORA_SECRETS": "aws-ssm:/a/b", "DATABASE_URL": "x"})
    assert with_secrets(with_store) is with_store


def test_sqlite_needs_no_secret_store(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "sqlite")
    assert Settings.from_env().backend == "sqlite"
    assert service.asked == []


@pytest.mark.parametrize(
    "value",
    ["aws-ssm:", "aws-ssm:/", "aws-ssm:aragora/prod", "aws-ssm:/a//b", "vault:/a", f"/{SECRET}"],
)
def test_a_source_that_is_not_known_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"ARAGORA_SECRETS: .*aws-ssm:/aragora/prod/") as c:
        Settings.from_env({"ARAGORA_SECRETS": value})
    assert_no_secret(c.value)


@pytest.mark.parametrize("backend", ["", "postgres"])
def test_a_dsn_that_is_in_neither_place_is_no_reason_to_use_sqlite(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    service.parameters[f"{path}SUPABASE_KEY"] = SECRET
    monkeypatch.setenv("ARAGORA_DB_BACKEND", backend)
    with pytest.raises(ConfigurationError, match="neither DATABASE_URL nor ARAGORA_POSTGRES") as c:
        Settings.from_env()
    assert f"aws-ssm:{path}" in str(c.value)


def test_values_that_are_wrong_are_said_to_be_from_the_store(
    service: ParameterService, path: str
) -> None:
    service.parameters |= {
        f"{path}DATABASE_URL": f"mysql://u:{SECRET}@h/d",
        f"{path}ARAGORA_ENCRYPTION_KEY": SECRET,
    }
    for read, name in (
        (dsn_from_env, "DATABASE_URL"),
        (Keyring.from_env, "ARAGORA_ENCRYPTION_KEY"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            read()
        assert str(caught.value).startswith(f"{name} (of aws-ssm:{path}): ")
        assert_no_secret(caught.value)


@pytest.mark.parametrize("held_back", [True, False])
def test_no_secret_is_logged_or_shown(
    service: ParameterService,
    path: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    held_back: bool,
) -> None:
    if not held_back:
        # botocore by itself logs whole answers.
        monkeypatch.setattr("aragora_sql.secret_store.aws_ssm._unlogged", nullcontext)
    service.parameters[f"{path}SUPABASE_KEY"] = SECRET
    with caplog.at_level(logging.DEBUG):
        env = read_environment()
        assert env["SUPABASE_KEY"] == SECRET
        # Later lines are logged again.
        logging.getLogger("botocore.parsers").debug("later")
    assert (SECRET in caplog.text) is not held_back
    assert "later" in caplog.text
    assert f"{env} {env!r}" == " ".join([f"<environment with the secrets of aws-ssm:{path}>"] * 2)


# What goes wrong


def test_no_credentials(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match=r"no AWS credentials: give the machine .* a role"):
        Settings.from_env()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    with pytest.raises(ConfigurationError, match="AWS_SECRET_ACCESS_KEY"):
        Settings.from_env()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match=r"no AWS credentials.*nobody"):
        Settings.from_env()


def test_no_region(service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(ConfigurationError, match="no region is named: set AWS_REGION"):
        Settings.from_env()
    service.parameters[f"{path}DATABASE_URL"] = STORED_DSN
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert Settings.from_env().backend == "postgres"


REFUSED = {
    "access denied": (
        (400, "AccessDeniedException", "User: arn:aws:sts::1:r is not authorized"),
        "access denied: the role needs ssm:GetParameters .*arn:aws:sts::1:r",
    ),
    "credentials that are not known": (
        (400, "UnrecognizedClientException", "The security token is invalid."),
        "credentials are refused: UnrecognizedClientException",
    ),
    "expired credentials": ((400, "ExpiredTokenException", "expired"), "credentials are refused"),
    "a key that does not decrypt": (
        (400, "InvalidKeyId", "the key is disabled"),
        "InvalidKeyId: the key is disabled",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_service_refuses(service: ParameterService, path: str, case: str) -> None:
    fault, problem = REFUSED[case]
    service.faults.append(fault)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Settings.from_env()
    assert str(caught.value).startswith(f"ARAGORA_SECRETS: aws-ssm:{path}: ")
    # An error is not remembered: the next call asks again.
    service.parameters[f"{path}DATABASE_URL"] = STORED_DSN
    assert Settings.from_env().backend == "postgres"


def test_a_path_without_any_parameter_is_named(service: ParameterService, path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no parameter DATABASE_URL, .* in eu-central-1"):
        Settings.from_env()


def test_a_call_that_is_throttled_is_tried_again(service: ParameterService, path: str) -> None:
    service.parameters[f"{path}DATABASE_URL"] = STORED_DSN
    service.faults.append((400, "ThrottlingException", "Rate exceeded"))
    assert Settings.from_env().backend == "postgres"
    assert len(service.asked) == 1 + math.ceil(len(SECRET_NAMES) / MOST_NAMES)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ((400, "ThrottlingException", "Rate exceeded"), r"throttled; 2 tries"),
        ((500, "InternalServerError", "sorry"), "InternalServerError after 2 tries: sorry"),
    ],
)
def test_a_service_that_goes_on_refusing_is_unavailable(
    service: ParameterService,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[int, str, str],
    problem: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    service.faults += [fault, fault]
    with pytest.raises(SecretStoreUnavailableError, match=problem):
        Settings.from_env()
    assert len(service.asked) == 2


def test_a_service_that_is_away_or_silent_is_unavailable(
    service: ParameterService,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("aragora_sql.secret_store.aws_ssm.READ_TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", url)
        # Bound, and nobody listens: refused.
        with pytest.raises(SecretStoreUnavailableError, match=f"no answer .*{url}"):
            Settings.from_env()
        silent.listen()
        with pytest.raises(SecretStoreUnavailableError, match=r"no answer .*timeout"):
            Settings.from_env()
        assert main(["schema", "verify"]) == UNREACHABLE
    assert "no answer from the service" in capsys.readouterr().err
    monkeypatch.setenv("ARAGORA_SECRETS", "somewhere")
    assert main(["schema", "verify"]) == USAGE


async def test_factories_read_the_store_beside_the_event_loop(
    service: ParameterService, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    original = Settings.from_env

    def seen() -> Settings:
        threads.append(threading.get_ident())
        return original()

    monkeypatch.setattr("aragora_sql.environment.Settings.from_env", seen)
    with pytest.raises(ConfigurationError, match="there is no parameter"):
        await store_factory(STORES[0])()
    assert threads
    assert threads[0] != threading.get_ident()


def test_the_package_that_is_missing_is_named() -> None:
    script = (
        "import sys; sys.modules['botocore'] = None\n"
        "from aragora_sql.settings import Settings\n"
        "try: Settings.from_env({'ARAGORA_SECRETS': 'aws-ssm:/a/b'})\n"
        "except RuntimeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'aragora-sql[aws]'" in done.stdout, done.stderr


# The doctor


def findings(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run the doctor and return its exit code and what it printed."""
    capsys.readouterr()
    code = main(["doctor", "--json", "--timeout", "5"])
    return code, capsys.readouterr().out


def test_the_doctor_looks_at_the_database_and_the_key_of_the_store(
    service: ParameterService, path: str, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn]) == 0
    dsn = PostgresDSN.parse(postgres_dsn)
    service.parameters[f"{path}DATABASE_URL"] = replace(dsn, password=SECRET).uri()
    service.parameters[f"{path}ARAGORA_ENCRYPTION_KEY"] = KEY
    code, printed = findings(capsys)
    assert code in {0, 6}
    seen = {one["check"]: one["seen"] for one in json.loads(printed)["findings"]}
    assert "there is a key" in seen["encryption-key"]
    assert SECRET not in printed
    assert KEY not in printed


def test_the_doctor_tells_of_a_store_that_is_away_or_refuses(
    service: ParameterService,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgres")
    service.faults += [(400, "AccessDeniedException", "not authorized")] * 20
    code, printed = findings(capsys)
    told = [one["seen"] for one in json.loads(printed)["findings"] if one["severity"] == "error"]
    assert code == USAGE
    assert any("access denied" in text for text in told)
    service.faults.clear()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{port}")
    code, printed = findings(capsys)
    assert code == UNREACHABLE
    assert "see that the secret store can be reached" in printed
