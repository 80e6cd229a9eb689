"""Files that hold nothing to migrate, or cannot be read."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

from tests.migration.legacy.consensus import write_consensus
from tests.migration.legacy.values import connect, create

_PAGE_SIZE = 4096


def write_broken_files(folder: Path, seed: int = 9) -> dict[str, Path]:
    """Write one file of each kind and return them by what is wrong with them.

    ``not-sqlite`` (text), ``empty`` (no bytes), ``truncated`` (ends in the middle of a page),
    ``truncated-page`` (ends at the end of one), ``damaged`` (garbage in the middle),
    ``encrypted`` (random bytes, whole pages), ``other-tables`` (a sound file with none of ours).
    """
    folder.mkdir(parents=True, exist_ok=True)
    chooser = random.Random(f"broken {seed}")
    paths = {
        kind: folder / f"{kind}.db"
        for kind in (
            "not-sqlite",
            "empty",
            "truncated",
            "truncated-page",
            "damaged",
            "encrypted",
            "other-tables",
        )
    }
    paths["not-sqlite"].write_text("Only a text with the name of a database.\n" * 200)
    paths["empty"].touch()
    whole = _whole_file(folder / "whole.db")
    pages = len(whole) // _PAGE_SIZE
    paths["truncated"].write_bytes(whole[: pages // 2 * _PAGE_SIZE + 1000])
    paths["truncated-page"].write_bytes(whole[: pages // 2 * _PAGE_SIZE])
    # The schema is on the first pages and stays readable.
    middle = pages // 2 * _PAGE_SIZE
    garbage = chooser.randbytes(pages // 4 * _PAGE_SIZE)
    paths["damaged"].write_bytes(whole[:middle] + garbage + whole[middle + len(garbage) :])
    paths["encrypted"].write_bytes(chooser.randbytes(8 * _PAGE_SIZE))
    create(paths["other-tables"], "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT);")
    return paths


def _whole_file(path: Path) -> bytes:
    write_consensus(path, rows=200)
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    content = path.read_bytes()
    path.unlink()
    return content
