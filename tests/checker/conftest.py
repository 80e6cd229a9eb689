"""Facts of the packaged tree, read once, and checks of small trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from aragora_sql.checker.check import Checked, Options, check
from aragora_sql.engines.facts import Engines, Facts, read_facts, read_tree
from aragora_sql.queries.parameters import remembered_tokens
from tests.checker.tree import write_tree
from tests.conftest import Servers, shared_cache

Check: TypeAlias = Callable[..., Checked]

# Rules that take long: they compare answers or start a program, or look at plans of filled tables.
BUT_PLANS = frozenset({"meaning", "style", "squawk"})
SLOW = BUT_PLANS | {"full-scan", "filtered-walk", "plan-snapshot"}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the tests' own, which all of them share, in all processes."""
    folder = shared_cache(tmp_path_factory)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def tokens() -> Iterator[None]:
    """Read a text once in all checks of a module: most of a small tree is as in the others."""
    with remembered_tokens():
        yield


@pytest.fixture(scope="session")
def engines(servers: Servers) -> Iterator[Engines]:
    """Both engines with the packaged schema: a scratch database on the tests' server."""
    with Engines(read_tree(), servers.default.dsn("postgres")) as engines:
        yield engines


@pytest.fixture(scope="session")
def facts(engines: Engines) -> Facts:
    """What the engines know of the packaged tree."""
    return read_facts(engines)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that every rule likes."""
    return write_tree(tmp_path)


@pytest.fixture
def run_with_plans(run_check: Check) -> Check:
    """Do what ``run_check`` does, and look at plans."""
    return partial(run_check, skip=BUT_PLANS)


@pytest.fixture
def run_check(servers: Servers) -> Check:
    """Check a small tree on the tests' server; what is slow only where a test asks for it."""

    def run(root: Path, **options: object) -> Checked:
        given: dict[str, object] = {
            "python": (root.parent / "code",),
            "dsn": servers.default.dsn("postgres"),
            "skip": SLOW,
            **options,
        }
        skip = given["skip"]
        if not (root / "plans").exists() and isinstance(skip, Set) and skip:
            # Most trees come without plans, which is an error where it is not asked for.
            given["skip"] = {*skip, "plan-snapshot"}
        return check(Options(root, **given))  # type: ignore[arg-type] # the tests' own options

    return run
