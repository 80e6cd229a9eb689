"""Every store that keeps secrets encrypts them again by one piece of code."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError, InvalidInputError
from aragora_sql.stores.integrations import IntegrationStore
from aragora_sql.stores.rotation import RotatesKeys, RotationResult
from aragora_sql.stores.with_secrets import WITH_SECRETS
from tests.stores.samples import KEYRING

MAKERS = [*(one.make for one in WITH_SECRETS), IntegrationStore]


@pytest.mark.parametrize("make", MAKERS)
async def test_rotate_keys_is_the_same_in_each_store(database: Database, make: Any) -> None:
    store = make(database, KEYRING)
    assert isinstance(store, RotatesKeys)
    assert type(store).rotate_keys is RotatesKeys.rotate_keys
    await store.initialize()
    seen: list[RotationResult] = []
    for dry_run in (True, False):
        result = await store.rotate_keys(dry_run=dry_run, on_progress=seen.append)
        assert (result.total, result.checked, result.changed) == (0, 0, 0)
        assert (result.failed, result.dry_run) == ([], dry_run)
    assert seen == []
    with pytest.raises(InvalidInputError, match="batch_size"):
        await store.rotate_keys(batch_size=0)
    with pytest.raises(EncryptionError, match="rotating keys"):
        await make(database, Keyring()).rotate_keys()


async def test_a_store_that_does_not_say_how_is_named(database: Database) -> None:
    class Forgetful(RotatesKeys):
        name = "connectors"

    store = Forgetful(database)
    store._keyring = KEYRING
    with pytest.raises(NotImplementedError, match="Forgetful"):
        await store.rotate_keys()
