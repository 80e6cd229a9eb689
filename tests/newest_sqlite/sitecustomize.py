"""Makes Python's own sqlite3 use the library that the package pysqlite3 brings.

`make test SQLITE=newest` puts this folder on PYTHONPATH, so that child processes do the same. The
library's names are made global before the module `_sqlite3` is loaded, which then finds them first.
"""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path


def use_newest_sqlite() -> None:
    """Load the library of pysqlite3, where the package is installed."""
    spec = importlib.util.find_spec("pysqlite3")
    for folder in (spec and spec.submodule_search_locations) or ():
        for library in Path(folder).glob("_sqlite3.*.so"):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


use_newest_sqlite()
