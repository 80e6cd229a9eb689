"""Bad arguments are refused by name, the same on both engines and in every store; nothing is kept.

What is particular to one store stands in its own folder.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import StoreEntry
from tests.stores.cases import AnyStore, Batch
from tests.stores.conformance import cases, each_store, initialized
from tests.stores.samples import row_counts


def helper(entry: StoreEntry, store: AnyStore, name: str) -> Any:
    return store if name == "store" else cases(entry).helpers[name](store)


async def refuses(call: Any, arguments: dict[str, Any], named: str) -> None:
    """Call with a bad argument: the error names it, and says what is wrong."""
    said = f"{call.__qualname__} with {arguments!r:.300}"
    caught: InvalidInputError | None = None
    try:
        await call(**arguments)
    except InvalidInputError as error:
        caught = error
    assert caught is not None, said
    assert re.fullmatch(rf"{named}([.\[].+)?", caught.argument), (said, caught)
    assert str(caught).partition(": ")[2], said


@each_store
async def test_a_bad_argument_is_refused_by_its_name(entry: StoreEntry, database: Database) -> None:
    given = cases(entry)
    store = await initialized(entry, database)
    # A database for each method would take minutes.
    for bad in given.bad_arguments:
        call = getattr(helper(entry, store, bad.of), bad.method)
        for value in bad.values:
            arguments = {**given.good_arguments.get(bad.method, {}), bad.argument: value}
            await refuses(call, arguments, bad.named or bad.argument)
    assert await row_counts(database) == {}


@each_store
async def test_a_bad_entry_of_a_batch_is_named(entry: StoreEntry, database: Database) -> None:
    store = await initialized(entry, database)
    for batch in cases(entry).batches:
        await refuses_entries(getattr(store, batch.method), batch)
    assert await row_counts(database) == {}


async def refuses_entries(call: Any, batch: Batch) -> None:
    """Call with a bad entry among good ones: the error names it."""
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
