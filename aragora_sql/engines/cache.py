"""Where checks keep what can be found out again: a folder of the user's own.

A file whose name ends in a fingerprint holds what was found out of one state of something. Of each
kind of them those stay that were used last.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["MOST_OF_A_KIND", "cache_folder", "change", "digest", "load", "save"]

# Files of one kind: of as many states of a tree, in all checkouts of a user.
MOST_OF_A_KIND = 32
_DIGITS = 24
_OF_A_STATE = re.compile(rf"(?P<kind>.+)-[0-9a-f]{{{_DIGITS}}}\.json")


def cache_folder() -> Path:
    """Return the folder, which need not exist: ``XDG_CACHE_HOME`` or the system's usual place."""
    chosen = os.environ.get("XDG_CACHE_HOME", "").strip()
    if chosen:
        return Path(chosen) / "aragora-sql"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "aragora-sql"
    return Path.home() / ".cache" / "aragora-sql"


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a short fingerprint of texts."""
    whole = hashlib.sha256()
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        whole.update(len(encoded).to_bytes(8, "big"))
        whole.update(encoded)
    return whole.hexdigest()[:_DIGITS]


def load(name: str) -> Any:
    """Return what was saved under a name; None when nothing was, or it can't be read."""
    path = cache_folder() / name
    try:
        value = json.loads(path.read_bytes())
        if _OF_A_STATE.fullmatch(name):
            # It counts as used now.
            os.utime(path)
    except (OSError, ValueError):
        return None
    return value


def save(name: str, value: Any) -> None:
    """Save a value, whole or not at all. That the folder can't be written is no fault."""
    path = cache_folder() / name
    part = path.with_name(f"{name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(path)
        if match := _OF_A_STATE.fullmatch(name):
            _remove_oldest(path.parent, match["kind"])
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _remove_oldest(folder: Path, kind: str) -> None:
    """Remove the files of a kind that were used longest ago, beyond the number that stays."""
    used: dict[Path, int] = {}
    for path in folder.glob(f"{kind}-*.json"):
        match = _OF_A_STATE.fullmatch(path.name)
        if match and match["kind"] == kind:
            # Another check may remove it at the same time.
            with suppress(FileNotFoundError):
                used[path] = path.stat().st_mtime_ns
    for path in sorted(used, key=used.__getitem__)[:-MOST_OF_A_KIND]:
        path.unlink(missing_ok=True)
        # Who changes it now makes another one.
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)


def change(name: str, changed: Callable[[Any], Any]) -> None:
    """Save what is made of what is saved under a name, None where nothing is; one at a time.

    Without the lock, of two that add something at the same moment one would lose it.
    """
    with _locked(name):
        save(name, changed(load(name)))


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Keep others waiting, in this process and in others; nobody where there are no locks."""
    if os.name != "posix":
        yield
        return
    import fcntl

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("a")
    except OSError:
        # Nothing can be saved there either.
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
