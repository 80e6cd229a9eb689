"""Where checks keep what can be found out again: a folder of the user's own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "digest", "load", "save"]


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
    return whole.hexdigest()[:24]


def load(name: str) -> Any:
    """Return what was saved under a name; None when nothing was, or it can't be read."""
    try:
        return json.loads((cache_folder() / name).read_bytes())
    except (OSError, ValueError):
        return None


def save(name: str, value: Any) -> None:
    """Save a value, whole or not at all. That the folder can't be written is no fault."""
    path = cache_folder() / name
    part = path.with_name(f"{name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
