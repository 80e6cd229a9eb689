"""Every public method of a store has a test in the store's folder that is named after it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType

import pytest

from aragora_sql.stores import STORES, StoreEntry
from aragora_sql.stores.base import Store

HERE = Path(__file__).parent

# Classes beside the store itself whose methods an application calls.
FURTHER_CLASSES = {
    "consensus": ("DissentRetriever",),
    "gauntlet": ("GauntletResultStore",),
    "governance": ("ApprovalRequestStore",),
    "jobs": ("JobWorker",),
    "receipts": ("ReceiptDeletionLog",),
    "sharing": ("ReceiptShareStore",),
}


def public_methods(kind: type) -> set[str]:
    """Return the names of what this project defines on a class for applications to call.

    What all stores inherit is tested for each of them by the conformance suite.
    """
    found = set()
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        function = getattr(member, "__func__", member)
        if (
            not name.startswith("_")
            and isinstance(function, FunctionType)
            and function.__module__.startswith("aragora_sql.")
            and member is not inspect.getattr_static(Store, name, None)
        ):
            found.add(name)
    return found


def store_methods(entry: StoreEntry) -> set[str]:
    package = importlib.import_module(entry.module)
    names = (entry.class_name, *FURTHER_CLASSES.get(entry.name, ()))
    return {method for name in names for method in public_methods(getattr(package, name))}


def named_after(test: str, methods: set[str]) -> set[str]:
    """Return the methods that the name of a test contains; of nested names, the longest."""
    spans = [
        (match.span(), method)
        for method in methods
        for match in re.finditer(rf"(?<=_){re.escape(method)}(?=_|$)", test)
    ]
    return {
        method
        for (start, end), method in spans
        if not any(
            begin <= start and end <= finish and (begin, finish) != (start, end)
            for (begin, finish), _ in spans
        )
    }


def find_tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_"):
            yield node


def without_test(methods: set[str], files: Sequence[Path]) -> set[str]:
    """Return the methods that no test is both named after and calls."""
    tested: set[str] = set()
    for file in files:
        for test in find_tests(ast.parse(file.read_text(encoding="utf-8"))):
            mentioned = {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
            tested |= named_after(test.name, methods) & mentioned
    return methods - tested


@pytest.mark.parametrize("entry", STORES, ids=lambda entry: entry.name)
def test_each_public_method_has_a_test_that_is_named_after_it(entry: StoreEntry) -> None:
    files = sorted((HERE / entry.name).rglob("test_*.py"))
    missing = without_test(store_methods(entry), files)
    assert not missing, (
        f"no test in tests/stores/{entry.name}/ is named after, and calls: "
        + ", ".join(sorted(missing))
    )


def test_all_methods_are_looked_at() -> None:
    methods = {entry.name: store_methods(entry) for entry in STORES}
    assert {"claim", "run", "stop"} <= methods["jobs"]
    assert {"find_similar", "retrieve_for_new_debate"} <= methods["consensus"]
    assert {"aput", "put", "initialize"} <= methods["langgraph"]
    assert "initialize" not in methods["critique"]
    assert sum(map(len, methods.values())) >= 188


def test_a_method_without_a_test_is_named(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(
        "def test_get_recent_gives_it(store): store.get_recent()\n"
        "def test_save_keeps_it(store): store.put()\n"
    )
    # "get" stands in a longer name only, and the test of "save" does not call it.
    assert without_test({"get", "get_recent", "save"}, [file]) == {"get", "save"}
