"""docs/reference/: every public method of every store, as it is today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aragora_sql.checker.store_layout import checkout
from aragora_sql.engines.reference import markdown_pages, plain, store_reference
from aragora_sql.stores import STORES, StoreEntry
from tests.stores.test_method_names import store_methods

ROOT = checkout()
PAGES = markdown_pages(ROOT, STORES)


@pytest.mark.parametrize("entry", STORES, ids=lambda entry: entry.name)
def test_every_public_method_is_in_the_reference(entry: StoreEntry) -> None:
    page = PAGES[Path("docs/reference", f"{entry.name}.md")]
    told = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    # What all stores inherit is told once, in the overview.
    assert store_methods(entry) <= told, store_methods(entry) - told


def test_the_committed_pages_are_current() -> None:
    for path, text in PAGES.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, (
            f"{path} is not as the docstrings say: run `aragora-sql stores --write`"
        )
    assert {path.name for path in PAGES} == {
        path.name for path in (ROOT / "docs" / "reference").iterdir()
    }


def test_every_method_says_what_it_does() -> None:
    for entry in STORES:
        for one in store_reference(ROOT, entry):
            assert one.doc, one.name
            for method in one.methods:
                assert method.doc, f"{one.name}.{method.name}"


def test_how_calls_are_shown() -> None:
    (store, *_) = store_reference(ROOT, next(one for one in STORES if one.name == "critique"))
    methods = {method.name: method for method in store.methods}
    assert methods["count_debates"].signature == "count_debates() -> int"
    assert methods["count_debates"].awaited
    assert not methods["export_for_training"].awaited
    assert methods["store_debate"].signature.startswith("store_debate(\n    debate_id: str,\n")


def test_the_marks_of_docstrings_become_those_of_markdown() -> None:
    assert plain("``x`` is :class:`~aragora_sql.errors.InvalidInputError`") == (
        "`x` is `InvalidInputError`"
    )
    assert plain(":meth:`save` and :meth:`Store.initialize <a.b.Store.initialize>`") == (
        "`save()` and `Store.initialize()`"
    )
