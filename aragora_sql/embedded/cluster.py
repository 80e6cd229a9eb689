"""The data directory of a server: made by ``initdb``, or one that exists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.embedded.programs import last_lines, run
from aragora_sql.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["create_cluster", "open_cluster"]

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


def open_cluster(data_dir: Path, version: int, account: struct_passwd | None) -> bool:
    """Check a data directory that the caller chose; False when its cluster is still to be made.

    It is created when it does not exist. Raises :class:`ConfigurationError` when it holds something
    else, or the data of another major version than ``version``.
    """
    if (data_dir / "PG_VERSION").exists():
        found = (data_dir / "PG_VERSION").read_text().strip()
        if found != str(version):
            raise ConfigurationError(
                f"{data_dir}: the data is of PostgreSQL {found}, the server is {version}: use a "
                "server of the same version"
            )
        return True
    data_dir.mkdir(parents=True, exist_ok=True)
    if any(data_dir.iterdir()):
        raise ConfigurationError(f"{data_dir}: neither empty nor the data of PostgreSQL")
    if account is not None:
        os.chown(data_dir, account.pw_uid, account.pw_gid)
    return False


def create_cluster(
    bin_dir: Path, data_dir: Path, folder: Path, account: struct_passwd | None, *, durable: bool
) -> None:
    """Run ``initdb``, with the best collation that the build supports."""
    command = [bin_dir / "initdb", "-D", data_dir, "-U", "postgres", "-A", "trust"]
    command += ["-E", "UTF8", "--lc-messages=C"]
    if not durable:
        command.append("--no-sync")
    output = ""
    for locale in _LOCALES:
        done = run([*map(str, command), *locale], folder, account)
        if done.returncode == 0:
            return
        output = done.stdout
    raise DatabaseUnavailableError(
        f"{bin_dir / 'initdb'} could not make a database cluster; it says:\n{last_lines(output)}"
    )
