"""How a check starts other programs: no code of the tree, and nothing that is none of theirs.

A child gets neither the modules of the working folder (``-P``) nor the caller's environment, which
holds keys and connection strings: only what says where programs, folders and languages are.
"""

from __future__ import annotations

import os
import sys

__all__ = ["child_environment", "module_command"]

_KEPT = (
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
)


def child_environment() -> dict[str, str]:
    """Return the environment of a child."""
    return {
        name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")
    }


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package with this Python."""
    # -P: no modules of the working folder. What PYTHON… variables say is not handed on.
    return [sys.executable, "-P", "-m", module, *arguments]
