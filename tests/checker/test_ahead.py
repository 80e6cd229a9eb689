"""What a second process finds out while the engines are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragora_sql.checker import ahead
from aragora_sql.checker.ahead import Ahead, Callers, Statistics
from aragora_sql.checker.callers import Sources
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.sqlite_engine import are_statistics_known
from tests.checker.conftest import Check


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return tmp_path / "empty"


@pytest.fixture
def sources(tree: Path) -> Sources:
    return Sources.of([tree.parent / "code"], ["notes"])


def test_what_is_found_is_left_in_the_cache(
    sources: Sources, facts: Facts, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "_MANY_FILES", 1)
    files = facts.tree.schemas["sqlite"]
    assert not sources.are_known()
    assert not are_statistics_known(files)
    statistics = Statistics(facts.catalogs["sqlite"], files)
    with Ahead(Callers(sources)) as calls, Ahead(statistics) as numbers:
        calls.wait()
        numbers.wait()
    assert sources.are_known()
    assert are_statistics_known(files)
    # Of what is there no process is started.
    with Ahead(Callers(sources)) as calls, Ahead(statistics) as numbers:
        assert calls._process is None
        assert numbers._process is None


def test_of_little_no_process_is_started(sources: Sources, facts: Facts, empty_cache: Path) -> None:
    with Ahead(Callers(sources)) as calls:
        assert calls._process is None
    with Ahead(Statistics({}, facts.tree.schemas["sqlite"])) as numbers:
        assert numbers._process is None


def test_a_process_that_can_leave_nothing_is_no_fault(
    tree: Path, run_check: Check, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_cache.write_text("no folder")
    monkeypatch.setattr(ahead, "_MANY_FILES", 1)
    monkeypatch.setattr(ahead, "_MANY_TABLES", 1)
    assert run_check(tree).findings == ()


def test_a_process_that_is_not_waited_for_is_ended(
    sources: Sources, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "_MANY_FILES", 1)
    with Ahead(Callers(sources)) as calls:
        process = calls._process
        assert process is not None
    assert process.poll() is not None
