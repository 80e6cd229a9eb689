"""Where checks keep what can be found out again: a folder of the user's own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["LENGTH", "cache_folder", "change", "digest", "keep_newest", "load", "save", "touch"]

LENGTH = 24
"""Characters of a fingerprint."""


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
    return whole.hexdigest()[:LENGTH]


def load(name: str) -> Any:
    """Return what was saved under a name; None when nothing was, or it can't be read."""
    try:
        return json.loads((cache_folder() / name).read_bytes())
    except (OSError, ValueError):
        return None


def save(name: str, value: Any) -> None:
    """Save a value, whole or not at all. That the folder can't be written is no fault."""
    path = cache_folder() / name
    part = path.with_name(f"{name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def change(name: str, changed: Callable[[Any], Any]) -> None:
    """Save what is made of what is saved under a name, None where nothing is; one at a time.

    Without the lock, of two that add something at the same moment one would lose it.
    """
    with _locked(name):
        save(name, changed(load(name)))


def touch(name: str) -> None:
    """Note that what is saved under a name was used."""
    with suppress(OSError):
        os.utime(cache_folder() / name)


def keep_newest(pattern: str, most: int) -> None:
    """Remove those saved under names of a pattern but for so many that were used last."""
    used: list[tuple[int, Path]] = []
    for path in cache_folder().glob(pattern):
        # Another check may remove it meanwhile.
        with suppress(OSError):
            used.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(used, reverse=True)[most:]:
        with suppress(OSError):
            path.unlink()


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
