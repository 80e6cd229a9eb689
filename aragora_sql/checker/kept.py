"""Which trees keep what is derived from them: plans, answers, what mappings move, old versions.

A tree holds it in files, which are read and reviewed as such. An installed package holds most of it
in one file: packed together the files take half of the room.
"""

from __future__ import annotations

import atexit
import json
import lzma
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from aragora_sql.engines.cache import cache_folder, digest

__all__ = ["PACKED", "keeps_snapshots", "kept_root", "pack", "packed_files", "unpack"]

PACKED = "derived.json.xz"
_SECONDS_UNUSED = 7 * 24 * 3600.0
_PATTERNS = (
    "answers/*",
    "legacy/moved/*.txt",
    "plans/*/*.txt",
    "proofs.txt",
    "style.txt",
    "versions/*/*/*.sql",
)


def keeps_snapshots(root: Path) -> bool:
    """Tell whether a tree keeps snapshots, so that one which is missing was lost.

    The folder ``plans`` says so: without it a check fails, unless its rule is left out.
    """
    return (kept_root(root) / "plans").is_dir()


def kept_root(root: Path) -> Path:
    """Return the folder that has plans, answers, proofs, style and records of versions of a tree.

    That is the tree itself, or for a tree with packed files a folder of the cache that has them.
    """
    packed = root / PACKED
    return _unpacked(packed, packed.stat().st_mtime_ns) if packed.is_file() else root


def packed_files(root: Path) -> list[Path]:
    """Return the files of a tree that a package packs."""
    return [path for one in _PATTERNS for path in sorted(root.glob(one)) if path.is_file()]


def pack(root: Path, files: Iterable[Path]) -> bytes:
    """Return the content of the one file that holds ``files`` of a tree."""
    texts = {one.relative_to(root).as_posix(): one.read_text("utf-8") for one in sorted(files)}
    return lzma.compress(json.dumps(texts).encode(), preset=9 | lzma.PRESET_EXTREME)


def unpack(root: Path) -> None:
    """Make files of what a tree has packed, where it is, so that they can be written again."""
    packed = root / PACKED
    if packed.is_file():
        _write(packed.read_bytes(), root)
        packed.unlink()


@lru_cache(maxsize=8)
def _unpacked(packed: Path, changed_at: int) -> Path:
    content = packed.read_bytes()
    folder = cache_folder() / "derived" / digest([content])
    if folder.is_dir():
        with suppress(OSError):
            # It counts as used now.
            os.utime(folder)
        return folder
    # Whole or not at all; another check may do the same.
    part = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _write(content, part)
        part.rename(folder)
        _remove_unused(folder.parent)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        if not folder.is_dir():
            # The cache can't be written, which is no fault.
            folder = Path(tempfile.mkdtemp(prefix="aragora-derived-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            _write(content, folder)
    return folder


def _remove_unused(parent: Path) -> None:
    """Remove what other packages unpacked and nobody used for days: a check may be reading it."""
    longest_ago = time.time() - _SECONDS_UNUSED
    for folder in parent.iterdir():
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < longest_ago:
                shutil.rmtree(folder, ignore_errors=True)


def _write(content: bytes, folder: Path) -> None:
    for name, text in json.loads(lzma.decompress(content)).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
