"""Texts that got a number behind them, whatever store they are of."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from aragora_sql import migration
from aragora_sql.migration.numbered import is_numbered, without_number
from aragora_sql.stores import STORES

# They do what the mappings say, for every store alike.
GENERIC = ("loading", "mappings", "merging", "numbered", "planning", "staging", "verifying")


def test_without_number_and_is_numbered() -> None:
    assert without_number("a-2026-02-03-17") == without_number("a-2026-02-03") == "a-2026-02-03"
    assert without_number("a-17") == "a-17"
    assert is_numbered("a-2026-02-03", "a-2026-02-03-2")
    assert is_numbered("a-2026-02-03-2", "a-2026-02-03-3")
    assert not is_numbered("a-2026-02-03", "b-2026-02-03-2")


@pytest.mark.parametrize("name", GENERIC)
def test_generic_parts_import_no_store(name: str) -> None:
    path = Path(migration.__file__).parent / f"{name}.py"
    stores = {f"aragora_sql.stores.{store.name}" for store in STORES}
    imported = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not [module for module in imported if any(module.startswith(s) for s in stores)]
