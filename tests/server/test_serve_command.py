"""``aragora-sql serve``: what it says, what it refuses, and how it ends."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.logs import JSONFormatter, log_to_stderr
from aragora_sql.settings import PostgresDSN

PATIENCE = 120.0


@pytest.fixture
def database_file(tmp_path: Path) -> str:
    path = str(tmp_path / "aragora.db")
    assert main(["schema", "apply", "--sqlite-path", path, "--store", "jobs"]) == 0
    return path


def served(*words: str, json_lines: bool = False) -> subprocess.Popen[str]:
    form = ["--log-format", "json"] if json_lines else []
    return subprocess.Popen(
        [sys.executable, "-m", "aragora_sql.server", "--port", "0", *form, *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ARAGORA_ADMIN_TOKEN": "0123456789abcdef"},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_logs_in_json(
    postgres_dsn: str, number: signal.Signals
) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn, "--store", "jobs"]) == 0
    process = served("--dsn", postgres_dsn, "--store", "jobs", json_lines=True)
    assert process.stderr is not None
    lines = []
    try:
        for text in process.stderr:
            lines.append(json.loads(text))
            if lines[-1]["message"].startswith("listening on "):
                break
        address = lines[-1]["message"].removeprefix("listening on http://")
        server = http.client.HTTPConnection(address, timeout=PATIENCE)
        server.request("GET", "/readyz")
        assert json.load(server.getresponse())["status"] == "ready"
        token = {"Authorization": "Bearer 0123456789abcdef"}
        server.request("GET", "/api/admin/pool-metrics", headers=token)
        assert json.load(server.getresponse())["pool_size"] >= 1
        server.close()
    finally:
        process.send_signal(number)
    _, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    lines += [json.loads(text) for text in rest.splitlines()]
    assert all(line.keys() >= {"timestamp", "level", "logger", "message"} for line in lines)
    said = [(line["level"], line["logger"], line["message"]) for line in lines]
    assert ("INFO", "aragora_sql.storage", "Using PostgresJobQueueStore") in said
    assert said[-1] == ("INFO", "aragora_sql.server", "stopped")
    assert "0123456789abcdef" not in str(lines)


def test_it_waits_for_a_database_that_is_not_there_yet(postgres_dsn: str, tmp_path: Path) -> None:
    assert main(["schema", "apply", "--dsn", postgres_dsn, "--store", "jobs"]) == 0
    server = PostgresDSN.parse(postgres_dsn)
    name = f".s.PGSQL.{server.option('port') or 5432}"
    # Not in pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="aragora-wait-") as folder:
        options = [pair for pair in server.options if pair[0] != "host"]
        awaited = replace(server, options=(*options, ("host", folder))).uri()
        process = served("--wait", "--dsn", awaited, "--store", "jobs", json_lines=True)
        assert process.stderr is not None
        try:
            line = json.loads(process.stderr.readline())
            address = line["message"].removeprefix("listening on http://")
            assert got(address, "/healthz") == (200, {"status": "ok"})
            line = json.loads(process.stderr.readline())
            assert line["level"] == "WARNING"
            assert "it is tried again until it answers" in line["message"]
            status, told = got(address, "/readyz")
            assert (status, told["status"], told["database"]) == (503, "not_ready", "disconnected")
            assert "the DSN is that of --dsn" in told["reasons"][0]
            assert got(address, "/metrics")[0] == 503
            (Path(folder) / name).symlink_to(Path(server.option("host") or "") / name)
            for text in process.stderr:
                if json.loads(text)["message"] == "Using PostgresJobQueueStore":
                    break
            status, told = got(address, "/readyz")
            while told.get("database") == "disconnected":
                # The line comes before the hand-over.
                status, told = got(address, "/readyz")
            assert (status, told["status"]) == (200, "ready")
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def test_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    process = served("--wait", "--dsn", f"postgresql://u@/d?host={tmp_path}")
    assert process.stderr is not None
    for text in process.stderr:
        if "it is tried again" in text:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_what_waiting_would_not_mend_ends_it(tmp_path: Path) -> None:
    process = served("--wait", "--sqlite-path", str(tmp_path / "no.db"))
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "there is no SQLite file" in said


def got(address: str, path: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer, or its text."""
    server = http.client.HTTPConnection(address, timeout=PATIENCE)
    server.request("GET", path)
    answer = server.getresponse()
    body = answer.read()
    server.close()
    return answer.status, json.loads(body)


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "prometheus_client"])
def test_a_package_that_is_missing_is_named(package: str, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = ['--port', '0']; "
        "import runpy; runpy.run_module('aragora_sql.server', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"aragora-sql: the health server needs {package!r}: pip install 'aragora-sql[server]'\n"
    )


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Run the command, which must not serve, and return its exit code and what it said."""
    capsys.readouterr()
    code = main(["serve", *words])
    return code, capsys.readouterr().err


def test_it_starts_under_the_module_path_of_the_older_server(database_file: str) -> None:
    words = ["--port", "0", "--sqlite-path", database_file, "--store", "jobs"]
    process = subprocess.Popen(
        [sys.executable, "-m", "aragora_sql.server.unified_server", *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for said in process.stderr:
        if "listening on http://127.0.0.1:" in said:
            break
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert (process.returncode, "listening on" in said) == (0, True)


def test_a_port_that_is_in_use(database_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = refused(capsys, "--sqlite-path", database_file, "--port", str(port))
    assert code == 2
    assert said.splitlines()[-1] == (
        f"aragora-sql: --port: {port} on 127.0.0.1 is in use by another program; name another port"
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--port", "65536"], "'65536' is not a port: a number from 0 to 65535"),
        (["--port", "http"], "'http' is not a port: a number from 0 to 65535"),
        (["--timeout", "0"], "'0' is not above 0 and at most 3600 seconds"),
        (["--store", "nothing"], "invalid choice: 'nothing'"),
        (["--log-format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_arguments_that_make_no_sense(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *words])
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def test_a_host_that_is_none_of_this_machine(
    database_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of the addresses for documentation.
    code, said = refused(
        capsys, "--sqlite-path", database_file, "--host", "192.0.2.1", "--port", "0"
    )
    assert (code, "--host: 192.0.2.1 is no address of this machine" in said) == (2, True)


def test_a_database_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, "--port", "0", "--sqlite-path", str(tmp_path / "no.db"))
    assert (code, "there is no SQLite file" in said) == (2, True)
    dsn = "postgresql://u:password-of-mine@127.0.0.1:1/d?connect_timeout=2"
    code, said = refused(capsys, "--port", "0", "--dsn", dsn)
    assert (code, "the DSN is that of --dsn" in said) == (5, True)
    assert "password-of-mine" not in said


def test_a_server_without_tls_and_a_dsn_that_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    # The servers of tests listen on Unix sockets, where nobody asks for TLS: the first step of a
    # server's answer over TCP is all that a client gets to see here.
    def answer() -> None:
        connection, _ = plain.accept()
        with connection:
            # An SSLRequest is 8 bytes; "N" says that there is no TLS.
            assert len(connection.recv(8)) == 8
            connection.sendall(b"N")
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as plain:
        place = f"127.0.0.1:{plain.getsockname()[1]}"
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        dsn = f"postgresql://u:password-of-mine@{place}/d?sslmode=require&connect_timeout=20"
        code, said = refused(capsys, "--port", "0", "--dsn", dsn)
        thread.join(PATIENCE)
    assert code == 5
    assert "password-of-mine" not in said
    assert "SSL" in said


def test_a_server_that_accepts_and_never_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        code, said = refused(
            capsys,
            *("--port", "0", "--dsn"),
            f"postgresql://u:password-of-mine@127.0.0.1:{port}/d?connect_timeout=1",
        )
    assert code == 5
    assert "password-of-mine" not in said
    assert time.monotonic() - started < PATIENCE


def test_errors_of_every_command_are_json_where_log_lines_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(["--log-format", "json", "jobs", "stats", "--sqlite-path", str(tmp_path / "no.db")])
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("ERROR", "aragora_sql")
    assert told["message"].startswith("there is no SQLite file")


def test_a_line_is_json_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("text", logging.INFO)
    handler = log_to_stderr("json", logging.INFO)
    # Nobody else hears of it: pytest can't report half a character.
    log = logging.Logger("test.json")
    log.addHandler(handler)
    try:
        raise ValueError("a\nb \ud800")
    except ValueError:
        log.exception("broken: %s", "\u00e9\x00\ud800\n")
    logging.getLogger().removeHandler(handler)
    (text,) = capsys.readouterr().err.splitlines()
    line = json.loads(text)
    assert text.isascii()
    assert line["message"] == "broken: \u00e9\x00\ud800\n"
    assert line["error"].startswith("Traceback")
    record = logging.LogRecord("a", logging.INFO, "", 1, "m", (), None)
    record.created = 0.5
    assert json.loads(JSONFormatter().format(record))["timestamp"] == "1970-01-01T00:00:00.500000Z"
