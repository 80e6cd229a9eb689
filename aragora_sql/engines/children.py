"""How a check starts other programs: with no code of the tree and none of the caller's secrets.

A child gets neither the modules of the working folder (``-P``) nor the caller's environment, which
holds keys and connection strings: only what says where programs, folders and languages are.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["child_environment", "module_command"]

_KEPT = {
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
}


def child_environment() -> dict[str, str]:
    """Return the environment of a child."""
    given = os.environ
    kept = {name: given[name] for name in given if name in _KEPT or name.startswith("LC_")}
    # Relative folders would be looked for in the child's working folder.
    folders = given.get("PYTHONPATH", "").split(os.pathsep)
    absolute = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    return kept | ({"PYTHONPATH": absolute} if absolute else {})


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package with this Python."""
    return [sys.executable, "-P", "-m", module, *arguments]
