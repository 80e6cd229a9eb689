"""The temporary folders of servers: where one can be, whose it is, and removing those left over."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.errors import ConfigurationError
from aragora_sql.temporary import lock_folder, remove_orphans

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["PORT", "OwnedFolder", "remove_folders_of_killed"]

log = logging.getLogger(__name__)

# Names the socket in its folder.
PORT = 5432

# The address of a Unix socket holds 104 bytes (macOS; Linux: 108), the closing NUL among them.
_MAX_SOCKET_PATH = 103
_FOLDER_PREFIX = "aragora-pg-"
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - mkdtemp follows
_MEMORY_NEEDED = 2 << 30


class OwnedFolder:
    """A temporary folder that the server's account can reach.

    A lock in it, which is released when its owner's process ends, tells others whether they may
    remove it. The account owns the folder if it ``is_given``; else it can read what we write there.
    We write into it before it is given: afterwards the account could put links in our way.
    """

    def __init__(
        self, account: struct_passwd | None, in_memory: bool, *, is_given: bool = True
    ) -> None:
        self.path = _make_folder(account, in_memory)
        self._lock = lock_folder(self.path)
        if account is not None:
            try:
                if is_given:
                    os.chown(self.path, account.pw_uid, account.pw_gid)
                else:
                    self.path.chmod(0o755)
            except OSError as error:
                self.remove()
                raise ConfigurationError(
                    f"PostgreSQL refuses to run as root, and no folder can be given to the user "
                    f"{account.pw_name!r} ({error}): run this as an ordinary user"
                ) from error

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
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
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _MAX_SOCKET_PATH:
            break
        folder.rmdir()
    else:
        raise ConfigurationError(
            "no temporary folder can hold the server's socket: set TMPDIR to a short path that "
            "every user can reach"
        )
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


def remove_folders_of_killed(account: struct_passwd | None) -> None:
    """Remove the folders of servers whose owner was killed."""
    owners = {os.geteuid()} if account is None else {os.geteuid(), account.pw_uid}
    for parent in {*_parents(in_memory=True)}:
        remove_orphans(parent, _FOLDER_PREFIX, owners)
