"""A store of users and organizations, and some of both."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.users import Organization, User, UserStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def users(database: Database) -> UserStore:
    """A store with a key; the test runs once on each engine."""
    store = UserStore(database, KEYRING)
    await store.initialize()
    return store


@pytest.fixture
async def ada(users: UserStore) -> User:
    return await users.create_user("Ada@example.com", "bcrypt:ada", name="Ada")


@pytest.fixture
async def bob(users: UserStore) -> User:
    return await users.create_user("bob@example.com", "bcrypt:bob")


@pytest.fixture
async def acme(users: UserStore, ada: User) -> Organization:
    """An organization that Ada owns."""
    return await users.create_organization("Acme GmbH", ada.id)
