"""The cluster: three members under Patroni, etcd, HAProxy and PgBouncer, from ``deploy/ha``.

What differs from the files is said in the environment, as compose does it: names, ports, folders.
Patroni's times are shorter where a cluster is made for a test.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml

from chaos.link import Link
from chaos.ports import free_port, is_answered
from chaos.programs import Programs

__all__ = ["FAST", "Cluster", "Member", "Times"]

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "of-this-test"  # noqa: S105 - of servers on the loopback that are thrown away
MEMBERS = 3
PATIENCE = 90.0

Times = Mapping[str, int]
# The shortest that Patroni takes, in seconds.
FAST: Times = {"ttl": 20, "loop_wait": 2, "retry_timeout": 3}


class Member:
    """A member: Patroni with its PostgreSQL, and its link to etcd."""

    def __init__(self, cluster: Cluster, number: int, etcd: int) -> None:
        self._cluster = cluster
        self.name = f"patroni{number}"
        self.link = Link(etcd)
        self.port, self.rest_port = free_port(), free_port()
        self._data = cluster.folder / self.name
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        place = f"127.0.0.1:{self.port}"
        rest = f"127.0.0.1:{self.rest_port}"
        self._process = self._cluster.start(
            self.name,
            ["sh", str(ROOT / "deploy/ha/start-patroni.sh")],
            {
                "CREATE_ROLE": str(ROOT / "deploy/container/create-role.sh"),
                "PATRONI_FILE": str(self._cluster.folder / "patroni.yml"),
                "PATRONI_NAME": self.name,
                "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
                "PATRONI_REPLICATION_PASSWORD": PASSWORD,
                "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{self.link.port}",
                # not what etcd says of itself, past the link
                "PATRONI_ETCD3_USE_PROXIES": "true",
                "PATRONI_RESTAPI_LISTEN": rest,
                "PATRONI_RESTAPI_CONNECT_ADDRESS": rest,
                "PATRONI_POSTGRESQL_LISTEN": place,
                "PATRONI_POSTGRESQL_CONNECT_ADDRESS": place,
                "PATRONI_POSTGRESQL_DATA_DIR": str(self._data),
                "PATRONI_POSTGRESQL_BIN_DIR": str(self._cluster.programs.postgres),
                "PATRONI_POSTGRESQL_PGPASS": str(self._cluster.folder / f"{self.name}.pgpass"),
            },
        )

    def kill(self) -> None:
        """End Patroni and PostgreSQL at once, as if the machine had lost its power."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, whatever its state is."""
        self.kill()
        self.link.close()

    def ask(self, path: str, body: Any = None, *, timeout: float = 3.0) -> tuple[int, Any]:
        """Ask Patroni over HTTP; return the status (0: no answer) and what it says."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        except OSError:
            return 0, None
        with contextlib.suppress(ValueError):
            return status, json.loads(text)
        return status, text.decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        # Whoever starts processes is stopped first: none of them is missed.
        found: list[psutil.Process] = []
        for root in self._roots():
            with contextlib.suppress(psutil.NoSuchProcess):
                if number != signal.SIGCONT:
                    root.send_signal(signal.SIGSTOP)
                found += [root, *root.children(recursive=True)]
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if number == signal.SIGKILL and self._process is not None:
            self._process.wait()
            self._process = None

    def _roots(self) -> list[psutil.Process]:
        """Return Patroni and the server's first process, those that run."""
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            if self._process is not None:
                found.append(psutil.Process(self._process.pid))
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            server = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
            # The number in the file may be somebody else's by now.
            if str(self._data) in " ".join(server.cmdline()):
                found.append(server)
        return found


class Cluster:
    """``with Cluster(programs) as cluster:`` starts it, and leaves nothing behind.

    ``synchronous`` is Patroni's synchronous mode; ``times`` are its settings in seconds.
    """

    def __init__(
        self, programs: Programs, *, synchronous: bool = True, times: Times = FAST
    ) -> None:
        self.programs = programs
        self.synchronous = synchronous
        self.times = dict(times)
        # How long Patroni may take to promote another member, in seconds.
        self.bound = times["ttl"] + times["loop_wait"]
        self.folder = Path()
        self._etcd_folder: Path | None = None
        self._is_closing = threading.Event()
        # How often PgBouncer ended by itself, and was started again, as compose and systemd do.
        self.restarts = 0
        self.members: list[Member] = []
        self._others: list[subprocess.Popen[bytes]] = []
        self._logs: list[Any] = []

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="aragora-ha-"))
        self._give(self.folder)
        try:
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes and remove all files."""
        self._is_closing.set()
        for member in self.members:
            member.close()
        for process in reversed(self._others):
            process.kill()
            process.wait()
        for log in self._logs:
            log.close()
        for folder in (self.folder, self._etcd_folder):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def dsn(self) -> str:
        """Through HAProxy to the primary."""
        return f"postgresql://aragora:{PASSWORD}@127.0.0.1:{self._primary_port}/aragora"

    @property
    def replica_dsn(self) -> str:
        """Through HAProxy to a replica."""
        return f"postgresql://aragora:{PASSWORD}@127.0.0.1:{self._replica_port}/aragora"

    @property
    def pooled_dsn(self) -> str:
        """Through PgBouncer in transaction mode, and HAProxy, to the primary."""
        place = f"127.0.0.1:{self._pooler_port}"
        return f"postgresql://aragora:{PASSWORD}@{place}/aragora?pgbouncer=true"

    def primary(self) -> Member | None:
        """Return the member that says that it is the primary and holds the lock, or None."""
        return next((one for one in self.members if one.ask("/primary")[0] == 200), None)

    def wait_for_primary(self, patience: float = PATIENCE) -> Member:
        """Return the primary, as soon as there is one."""
        found: Member = _wait("a primary", self.primary, patience, self.describe)
        return found

    def wait_until_whole(self, patience: float = PATIENCE) -> None:
        """Wait until every member follows the primary, one of them synchronously if it should."""
        _wait("a whole cluster", self.is_whole, patience, self.describe)

    def is_whole(self) -> bool:
        """Tell whether all members are there, and HAProxy sees the primary."""
        roles = sorted((one["role"], one["state"]) for one in self._listed())
        standby = "sync_standby" if self.synchronous else "replica"
        wanted = [("leader", "running"), ("replica", "streaming"), (standby, "streaming")]
        return roles == sorted(wanted) and self.primary() is not None

    def describe(self) -> str:
        """Say what the members are, for a message."""
        shown = [f"{one['name']} {one['role']} {one['state']}" for one in self._listed()]
        logs = "\n".join(
            f"== {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-8:])
            for path in sorted(self.folder.glob("*.log"))
        )
        return f"{', '.join(shown) or 'no member answers'}\n{logs}"

    def _listed(self) -> list[dict[str, Any]]:
        for member in self.members:
            status, body = member.ask("/cluster", timeout=1.0)
            if status == 200 and isinstance(body, dict):
                return list(body["members"])
        return []

    def start(
        self, name: str, command: Sequence[str], variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program as the servers' account; what it says goes to a file of that name."""
        programs = self.programs
        path = [self.folder / "bin", programs.postgres, "/usr/local/bin", "/usr/bin", "/bin"]
        environment = {
            "PATH": ":".join(map(str, path)) + ":/usr/sbin:/sbin",
            "LC_ALL": "C",
            "TMPDIR": str(self.folder),
            "HOME": str(self.folder),
            "POSTGRES_PASSWORD": PASSWORD,
            **variables,
        }
        if programs.python_path:
            environment["PYTHONPATH"] = programs.python_path
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        account = programs.account
        as_whom: dict[str, Any] = {}
        if account is not None:
            as_whom = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **as_whom,
        )

    def _start_all(self) -> None:
        programs = self.programs
        bin_dir = self.folder / "bin"
        bin_dir.mkdir()
        script = bin_dir / "patroni"
        script.write_text(f'#!/bin/sh\nexec {" ".join(programs.python)} -m patroni "$@"\n')
        script.chmod(0o755)
        settings = yaml.safe_load((ROOT / "deploy/ha/patroni.yml").read_text())
        settings["bootstrap"]["dcs"] |= {**self.times, "synchronous_mode": self.synchronous}
        (self.folder / "patroni.yml").write_text(yaml.safe_dump(settings))
        for path in (bin_dir, script, self.folder / "patroni.yml"):
            self._give(path)

        etcd, peer = free_port(), free_port()
        client_url, peer_url = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peer}"
        # Its log is synced before each answer, and Patroni waits for that no longer than a second.
        memory = Path("/dev/shm")  # noqa: S108 - mkdtemp follows
        is_there = memory.is_dir() and os.access(memory, os.W_OK)
        self._etcd_folder = Path(
            tempfile.mkdtemp(prefix="aragora-etcd-", dir=memory if is_there else None)
        )
        self._give(self._etcd_folder)
        command = [programs.etcd, "--name", "etcd1", "--data-dir", str(self._etcd_folder / "data")]
        command += ["--listen-client-urls", client_url, "--advertise-client-urls", client_url]
        command += ["--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url]
        command += ["--initial-cluster", f"etcd1={peer_url}"]
        self._others.append(self.start("etcd", command, {}))
        _wait("etcd", lambda: is_answered(etcd), 20.0, self.describe)

        self.members = [Member(self, number + 1, etcd) for number in range(MEMBERS)]
        for member in self.members:
            member.start()

        self._primary_port, self._replica_port = free_port(), free_port()
        self._pooler_port = free_port()
        variables = {
            "PRIMARY_BIND": f"127.0.0.1:{self._primary_port}",
            "REPLICA_BIND": f"127.0.0.1:{self._replica_port}",
        }
        for number, member in enumerate(self.members, 1):
            variables[f"PATRONI{number}"] = f"127.0.0.1:{member.port}"
            variables[f"PATRONI{number}_REST"] = str(member.rest_port)
        config = str(ROOT / "deploy/ha/haproxy.cfg")
        command = [programs.haproxy, "-db", "-f", config]
        self._others.append(self.start("haproxy", command, variables))
        variables = {
            "PRIMARY_HOST": "127.0.0.1",
            "PRIMARY_PORT": str(self._primary_port),
            "PGBOUNCER_LISTEN": "127.0.0.1",
            "PGBOUNCER_LISTEN_PORT": str(self._pooler_port),
        }
        command = ["sh", str(ROOT / "deploy/ha/start-pgbouncer.sh")]
        self._keep("pgbouncer", command, variables)
        self.wait_until_whole()

    def _keep(self, name: str, command: Sequence[str], variables: Mapping[str, str]) -> None:
        """Start a program, and start it again when it ends."""
        process = self.start(name, command, variables)
        self._others.append(process)

        def watch() -> None:
            process.wait()
            if not self._is_closing.wait(0.5):
                self.restarts += 1
                self._keep(name, command, variables)

        threading.Thread(target=watch, daemon=True).start()

    def _give(self, path: Path) -> None:
        if self.programs.account is not None:
            os.chown(path, self.programs.account.pw_uid, self.programs.account.pw_gid)


def _wait(what: str, look: Callable[[], Any], patience: float, describe: Callable[[], str]) -> Any:
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sign of {what} within {patience:g} s: {describe()}")
        time.sleep(0.1)
