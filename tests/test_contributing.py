"""CONTRIBUTING.md: each recipe is followed step by step in a copy, and every path is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.recipes import GUIDE, ROOT, Copy, apply_diff, read_recipes

# each step runs commands on a copy of the checkout
pytestmark = pytest.mark.slow

RECIPES = read_recipes()
STORE = "To add a store"


def test_the_guide_has_a_recipe_for_each_kind_of_change() -> None:
    assert list(RECIPES) == [
        "To add a query",
        "To add a column",
        "To add a migration mapping",
        STORE,
        "To change how leases are extended",
        "To add a rule of the checker",
        "To change a message of the checker",
    ]
    assert all(recipe.steps[-1].kind == "run" for recipe in RECIPES.values())


# tests/test_new_store.py follows the recipe of a store, and uses the store then.
@pytest.mark.parametrize("title", [title for title in RECIPES if title != STORE])
def test_a_recipe_works_as_it_is_written(title: str, tmp_path: Path, servers: Servers) -> None:
    dsn = servers.default.dsn("postgres")
    copy = Copy(tmp_path, DATABASE_URL=dsn, ARAGORA_TEST_POSTGRES_DSN=dsn)
    said = copy.follow(RECIPES[title])
    check_counts(title, copy)
    assert ("aragora-sql check" in RECIPES[title].text) == ("no findings" in said)


def check_counts(title: str, copy: Copy) -> None:
    """Assert that the recipe says how many files it changes."""
    text = " ".join(RECIPES[title].text.split())
    counted = re.search(r"Files: (\d+) by hand(?:, (\d+) by commands)?[.,]", text)
    assert counted is not None
    assert (int(counted[1]), int(counted[2] or 0)) == (
        len(copy.by_hand),
        len(copy.by_commands),
    ), f"by hand {sorted(copy.by_hand)}, by commands {sorted(copy.by_commands)}"


def test_every_path_that_the_guide_names_is_there() -> None:
    new = {step.path for recipe in RECIPES.values() for step in recipe.steps if step.kind == "new"}
    for path in re.findall(r"`((?:sql|aragora_sql|tests|docs)/[^`\s]*)`", GUIDE.read_text()):
        if path in new:
            continue
        pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
        assert list(ROOT.glob(pattern)), f"{path} is not there"


def test_a_step_that_does_not_fit_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one\ntwo\none\n")
    apply_diff(tmp_path, "+++ file\n@@\n one\n-two\n+2\n")
    assert (tmp_path / "file").read_text() == "one\n2\none\n"
    apply_diff(tmp_path, "+++ file\n@@ everywhere\n-one\n+1\n")
    assert (tmp_path / "file").read_text() == "1\n2\n1\n"
    with pytest.raises(AssertionError, match="file has no such lines:\nthree"):
        apply_diff(tmp_path, "+++ file\n@@\n-three\n")
    with pytest.raises(AssertionError, match="file has 2 times:\n1"):
        apply_diff(tmp_path, "+++ file\n@@\n-1\n")
    with pytest.raises(AssertionError, match="other is not there"):
        apply_diff(tmp_path, "+++ other\n@@\n-1\n")
