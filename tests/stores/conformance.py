"""The table of stores for the conformance suite: ``test_conformance_*.py`` run over all of them.

A store gives its samples in ``tests/stores/<store>/cases.py``; one that lacks them fails
``test_each_store_gives_its_cases`` by name.
"""

from __future__ import annotations

from typing import Any

import pytest

import aragora_sql
from aragora_sql.database import Database
from aragora_sql.stores import STORES, StoreEntry
from tests.stores.cases import AnyStore, StoreCases, all_cases

CASES = all_cases()

each_store = pytest.mark.parametrize("entry", STORES, ids=lambda entry: entry.name)

# What one mechanism does for all stores: every store is asked by `make slow`. Of these one has
# secrets, one has workers, and one is of a class of LangGraph's.
_ASKED = ("consensus", "integrations", "jobs", "langgraph")
some_stores = pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, marks=[pytest.mark.slow] * (entry.name not in _ASKED))
        for entry in STORES
    ],
    ids=lambda entry: entry.name,
)


def cases(entry: StoreEntry) -> StoreCases:
    """Return the cases of a store; fail by its name when it has none."""
    if entry.name not in CASES:
        pytest.fail(f"store {entry.name!r} has no StoreCases named CASES in {cases_file(entry)}")
    return CASES[entry.name]


def cases_file(entry: StoreEntry) -> str:
    return f"tests/stores/{entry.name}/cases.py"


def exported(name: str) -> Any:
    """Return a class or factory function of a store as an application imports it."""
    return getattr(aragora_sql, name)


async def initialized(entry: StoreEntry, database: Database) -> AnyStore:
    """Make the store on a database, and its tables."""
    store = cases(entry).make(database)
    await store.initialize()
    return store
