"""Bad arguments are refused by name, the same on both engines and in every store; nothing is kept.

What is particular to one store stands in its own folder.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import STORES, StoreEntry
from tests.stores.cases import AnyStore, Batch
from tests.stores.conformance import CASES, cases, initialized
from tests.stores.samples import row_counts


def helper(entry: StoreEntry, store: AnyStore, name: str) -> Any:
    return store if name == "store" else cases(entry).helpers[name](store)


@pytest.mark.parametrize(
    ("entry", "of", "method"),
    [
        pytest.param(entry, of, method, id=f"{entry.name}-{method}")
        for entry in STORES
        if entry.name in CASES
        for of, method in sorted({(bad.of, bad.method) for bad in CASES[entry.name].bad_arguments})
    ],
)
async def test_a_bad_argument_is_refused_by_its_name(
    entry: StoreEntry, of: str, method: str, database: Database
) -> None:
    given = cases(entry)
    call = getattr(helper(entry, await initialized(entry, database), of), method)
    for bad in given.bad_arguments:
        if (bad.of, bad.method) != (of, method):
            continue
        for value in bad.values:
            arguments = {**given.good_arguments.get(method, {}), bad.argument: value}
            with pytest.raises(InvalidInputError) as caught:
                await call(**arguments)
            name, problem = caught.value.argument, str(caught.value).partition(": ")[2]
            assert re.fullmatch(rf"{bad.named or bad.argument}([.\[].+)?", name), (arguments, name)
            assert problem, arguments
    assert await row_counts(database) == {}


@pytest.mark.parametrize(
    ("entry", "batch"),
    [
        pytest.param(entry, batch, id=f"{entry.name}-{batch.method}")
        for entry in STORES
        if entry.name in CASES
        for batch in CASES[entry.name].batches
    ],
)
async def test_a_bad_entry_of_a_batch_is_named(
    entry: StoreEntry, batch: Batch, database: Database
) -> None:
    call = getattr(await initialized(entry, database), batch.method)
    good, name = dict(batch.good), batch.parameter
    bad_entries: list[tuple[Any, str]] = [
        ({**good, batch.argument: ["not", "right"]}, f"{name}[2].{batch.argument}"),
        ({**good, "unknown_key": 1}, f"{name}[2]"),
        ({}, f"{name}[2]"),
        (dict[Any, Any](good) | {5: 1}, f"{name}[2]"),
        ("text", f"{name}[2]"),
        (None, f"{name}[2]"),
    ]
    for bad, expected in bad_entries:
        with pytest.raises(InvalidInputError) as caught:
            await call([good, good, bad, good])
        assert caught.value.argument == expected
        assert str(caught.value).partition(": ")[2]
        if bad and "unknown_key" in bad:
            assert "unknown_key" in str(caught.value)
    assert await row_counts(database) == {}
