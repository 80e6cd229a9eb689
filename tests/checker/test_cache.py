"""What checks keep in the user's cache does not grow without end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aragora_sql.checker import kept
from aragora_sql.engines import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache.cache_folder()


def _name(kind: str, number: int) -> str:
    return f"{kind}-{cache.digest([str(number)])}.json"


def _save_old(folder: Path, kind: str, number: int) -> None:
    """Save something that was used so many seconds after the beginning of time."""
    cache.save(_name(kind, number), [number])
    os.utime(folder / _name(kind, number), (number, number))


def test_those_that_were_used_last_stay(folder: Path) -> None:
    for number in range(1, cache.MOST_OF_A_KIND + 1):
        _save_old(folder, "facts", number)
    assert cache.load(_name("facts", 1)) == [1]

    cache.save(_name("facts", 0), "new")

    assert len(list(folder.glob("facts-*.json"))) == cache.MOST_OF_A_KIND
    assert cache.load(_name("facts", 0)) == "new"
    assert cache.load(_name("facts", 1)) == [1], "it was used meanwhile"
    assert cache.load(_name("facts", 2)) is None


def test_other_kinds_and_files_of_one_name_are_left_alone(folder: Path) -> None:
    cache.save("facts.json", "all")
    cache.save(_name("facts-of", 1), "another kind")
    for name in ("facts.json", _name("facts-of", 1)):
        os.utime(folder / name, (1, 1))
    for number in range(2, cache.MOST_OF_A_KIND + 4):
        _save_old(folder, "facts", number)

    assert cache.load("facts.json") == "all"
    assert cache.load(_name("facts-of", 1)) == "another kind"


def test_unpacked_files_go_when_nobody_used_them_for_days(folder: Path, tmp_path: Path) -> None:
    roots = []
    for version in ("one", "two", "three"):
        root = tmp_path / version
        (root / "answers").mkdir(parents=True)
        (root / "answers" / "facts.jsonl").write_text(version)
        (root / kept.PACKED).write_bytes(kept.pack(root, kept.packed_files(root)))
        roots.append(root)
    first, second = kept.kept_root(roots[0]), kept.kept_root(roots[1])
    os.utime(first, (1, 1))

    third = kept.kept_root(roots[2])

    assert not first.exists()
    assert [(one / "answers" / "facts.jsonl").read_text() for one in (second, third)] == [
        "two",
        "three",
    ]
