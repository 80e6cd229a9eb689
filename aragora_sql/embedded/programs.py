"""Running the programs of a PostgreSQL server: as which account, in which environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import ConfigurationError

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["cannot_run", "environment", "last_lines", "run", "run_as", "server_account"]

TIMEOUT = 60.0
_LOG_LINES = 15
_VARIABLES = {"DYLD_LIBRARY_PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"}


def server_account() -> struct_passwd | None:
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


def run(
    command: Sequence[str], folder: Path, account: struct_passwd | None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the server and wait for it; ``stdout`` holds its errors as well."""
    try:
        return subprocess.run(  # noqa: S603 - the commands of this module
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            **run_as(account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise cannot_run(command[0], error) from error


def cannot_run(program: str, error: Exception) -> ConfigurationError:
    """Return the error of a program that could not be started."""
    return ConfigurationError(f"{program} can't be run: {error}")


def run_as(account: struct_passwd | None) -> dict[str, Any]:
    """Return the arguments with which ``subprocess`` runs a program as an account."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Return what the programs need of our environment, with messages in English.

    The rest may hold keys and connection strings, which what runs in the server could read.
    """
    return {k: v for k, v in os.environ.items() if k in _VARIABLES} | {"LC_ALL": "C"}


def last_lines(text: str) -> str:
    """Return the last lines of a program's output, for an error message."""
    return "\n".join(text.strip().splitlines()[-_LOG_LINES:])
