"""What checks keep from one to the next, where others run at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.remembered import is_remembered, remembered
from aragora_sql.engines import cache
from aragora_sql.engines.kept_by_text import KeptByText

CHECKS = 8


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that no other test writes to."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache.cache_folder()


def at_once(work: Callable[[int], None]) -> None:
    """Call this with as many numbers at the same moment."""
    ready = Barrier(CHECKS)

    def begin(number: int) -> None:
        ready.wait()
        work(number)

    with ThreadPoolExecutor(CHECKS) as pool:
        list(pool.map(begin, range(CHECKS)))


def test_a_result_is_not_forgotten_for_those_of_other_trees() -> None:
    assert remembered("calls", ["mine"], lambda: ["found"]) == ["found"]
    for number in range(20):
        assert remembered("calls", [str(number)], lambda: None) is None
    assert is_remembered("calls", ["mine"])
    assert remembered("calls", ["mine"], pytest.fail) == ["found"]
    # Nothing that was found is a result, too.
    assert remembered("calls", ["0"], pytest.fail) is None


def test_results_of_checks_at_once_are_all_kept() -> None:
    at_once(lambda number: remembered("calls", [str(number)], lambda: number))
    for number in range(CHECKS):
        assert remembered("calls", [str(number)], pytest.fail) == number


def test_a_change_loses_none_of_another_one() -> None:
    def count(_number: int) -> None:
        for _ in range(20):
            cache.change("count.json", lambda before: (before or 0) + 1)

    at_once(count)
    assert cache.load("count.json") == 20 * CHECKS


def test_what_checks_find_out_at_once_of_texts_and_proofs_is_all_kept(tmp_path: Path) -> None:
    def find_out(number: int) -> None:
        for part in range(10):
            kept = KeptByText("rule", ["state"])
            kept.put(part, f"{number} {part}")
            kept.save()
            proofs = Proofs(tmp_path)
            proofs.add(f"{number} {part}", [])
            proofs.save()

    at_once(find_out)
    kept, proofs = KeptByText("rule", ["state"]), Proofs(tmp_path)
    for number in range(CHECKS):
        for part in range(10):
            assert kept.get(f"{number} {part}") == part
            assert proofs.holds(f"{number} {part}", [])


def test_a_folder_that_cannot_be_written_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache.change("count.json", lambda before: (before or 0) + 1)
    assert remembered("calls", ["mine"], lambda: 1) == 1
    assert cache.load("count.json") is None
