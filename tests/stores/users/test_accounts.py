"""Accounts: addresses, fields, deletion, preferences and token versions."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import (
    AlreadyTakenError,
    DuplicateKeyError,
    InvalidInputError,
    MissingParentError,
    OrganizationOwnerError,
)
from aragora_sql.redaction import REDACTED
from aragora_sql.stores.users import Organization, User, UserStore
from aragora_sql.stores.users.emails import normal_email
from tests.conftest import OpenDatabase
from tests.stores.samples import KEYRING, day, fetch, fetch_value, row_counts

HASH = "ab" * 32


async def found(users: UserStore, user_id: str) -> User:
    user = await users.get_user_by_id(user_id)
    assert user is not None
    return user


async def test_create_user_then_get_user_by_id_returns_the_same(users: UserStore) -> None:
    user = await users.create_user(
        " Ada@Example.com ",
        "bcrypt:$2b$12$x",
        name="Ada",
        role="admin",
        email_verified=True,
        is_service_account=True,
        service_account_created_by="root",
        service_account_scopes=["read", "write"],
    )
    assert await users.get_user_by_id(user.id) == user
    assert (user.email, user.role, user.org_id) == ("Ada@Example.com", "admin", None)
    assert (user.token_version, user.is_active) == (1, True)
    assert await users.get_user_by_id("nobody") is None


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Ada@Example.com", "aDA@eXAMPLE.COM"),
        (" ada@example.com\n", "ADA@example.com"),
        ("MÜLLER@BÜCHER.example", "müller@bücher.example"),
        # put together and taken apart
        ("jose\u0301@example.com", "JOS\u00c9@example.com"),
        ("\u0130@example.com", "i\u0307@example.com"),
    ],
)
async def test_get_user_by_email_tells_no_case_and_no_form_apart(
    users: UserStore, stored: str, asked: str
) -> None:
    user = await users.create_user(stored, "x")
    assert await users.get_user_by_email(asked) == user
    assert user.email == stored.strip()
    with pytest.raises(AlreadyTakenError) as caught:
        await users.create_user(asked, "x")
    assert caught.value.argument == "email"
    assert isinstance(caught.value, DuplicateKeyError)


async def test_addresses_that_differ_in_more_than_case_are_two(users: UserStore) -> None:
    for email in ("strasse@example.com", "straße@example.com", "stras.se@example.com"):
        await users.create_user(email, "x")
    assert (await users.get_admin_stats()).total_users == 3


def test_the_normal_form_of_a_normal_form_is_itself() -> None:
    for code in [*range(0x20, 0x3000), *range(0xA640, 0xABC0), *range(0x1E900, 0x1E944)]:
        form = normal_email(f"a{chr(code)}\u0307@example.com")
        assert normal_email(form) == form
        assert unicodedata.is_normalized("NFC", form)


async def test_of_accounts_that_are_made_at_once_for_an_address_one_is_there(
    users: UserStore, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    made = await asyncio.gather(
        *(
            (users, other)[number % 2].create_user(("a@b.c", "A@b.c", "a@B.C")[number % 3], "x")
            for number in range(12)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, User) for one in made) == 1
    assert sum(isinstance(one, AlreadyTakenError) for one in made) == 11


async def test_create_user_in_an_organization_is_all_or_nothing(
    users: UserStore, acme: Organization
) -> None:
    user = await users.create_user("c@example.com", "x", org_id=acme.id, role="admin")
    assert (user.org_id, user.role) == (acme.id, "admin")
    assert await found(users, user.id) == user
    with pytest.raises(MissingParentError):
        await users.create_user("d@example.com", "x", org_id="nowhere")
    assert await users.get_user_by_email("d@example.com") is None
    with pytest.raises(InvalidInputError, match="role"):
        await users.create_user("d@example.com", "x", org_id=acme.id, role="owner")


async def test_no_secret_is_in_repr_or_to_dict(users: UserStore, ada: User) -> None:
    key = await users.create_api_key(ada.id)
    await users.update_user(
        ada.id,
        password_hash="sha256:hash-of-ada",  # noqa: S106
        password_salt="salt-of-ada",  # noqa: S106
        mfa_secret="JBSWY3DPEHPK3PXP",  # noqa: S106
    )
    user = await found(users, ada.id)
    assert user.password_hash == "sha256:hash-of-ada"  # noqa: S105
    for shown in (repr(user), str(user), json.dumps(user.to_dict())):
        for secret in ("hash-of-ada", "salt-of-ada", user.api_key_hash, key, "JBSWY3"):
            assert str(secret) not in shown
        assert user.api_key_prefix
        assert user.api_key_prefix in shown
    assert user.to_dict()["password_hash"] == REDACTED
    assert user.to_dict()["created_at"] == user.created_at.isoformat()


async def test_get_users_batch_leaves_out_who_is_not_there(
    users: UserStore, ada: User, bob: User
) -> None:
    assert await users.get_users_batch([bob.id, "nobody", ada.id, bob.id]) == {
        ada.id: ada,
        bob.id: bob,
    }
    assert await users.get_users_batch([]) == {}


CHANGES: dict[str, Any] = {
    "email": "New@example.com",
    "password_hash": "bcrypt:new",
    "password_salt": "salt",
    "name": "New",
    "is_active": False,
    "email_verified": True,
    "api_key_hash": HASH,
    "api_key_prefix": "ara_12345678",
    "api_key_created_at": day(1),
    "api_key_expires_at": day(2),
    "mfa_enabled": True,
    "mfa_grace_period_started_at": day(3),
    "mfa_bypass_reason": "service_account",
    "mfa_bypass_approved_by": "root",
    "mfa_bypass_approved_at": day(4),
    "mfa_bypass_expires_at": day(5),
    "is_service_account": True,
    "service_account_created_by": "root",
    "service_account_scopes": ["a", {"b": [1, 2.5]}],
    "last_login_at": day(6),
    "role": "superadmin",
}


async def test_update_user_changes_every_field_and_nothing_else(
    users: UserStore, ada: User
) -> None:
    assert await users.update_user(ada.id, **CHANGES)
    changed = await found(users, ada.id)
    expected: dict[str, Any] = {**CHANGES, "account_role": "superadmin"}
    assert changed == replace(ada, **expected, updated_at=changed.updated_at)
    assert changed.updated_at > ada.updated_at
    nothing: dict[str, Any] = dict.fromkeys(
        ("api_key_expires_at", "mfa_bypass_reason", "service_account_scopes")
    )
    assert await users.update_user(ada.id, **nothing)
    changed = replace(changed, **nothing)
    last = await found(users, ada.id)
    assert last == replace(changed, updated_at=last.updated_at)
    assert not await users.update_user("nobody", name="N")


async def test_update_user_refuses_fields_that_it_does_not_know(
    users: UserStore, ada: User
) -> None:
    for name in ("token_version", "nickname", "email_key", "name = 'x' --", "created_at"):
        with pytest.raises(InvalidInputError, match="not a field") as caught:
            await users.update_user(ada.id, name="Changed", **{name: "x"})
        assert caught.value.argument == name
    with pytest.raises(InvalidInputError, match="fields"):
        await users.update_user(ada.id)
    assert await found(users, ada.id) == ada


async def test_update_user_to_the_address_of_another_is_refused(
    users: UserStore, ada: User, bob: User
) -> None:
    with pytest.raises(AlreadyTakenError):
        await users.update_user(bob.id, email="ADA@example.com", name="B")
    assert await found(users, bob.id) == bob
    await users.update_user(ada.id, email="ADA@example.com")
    assert (await found(users, ada.id)).email == "ADA@example.com"
    await users.update_user(ada.id, api_key_hash=HASH)
    with pytest.raises(DuplicateKeyError) as caught:
        await users.update_user(bob.id, api_key_hash=HASH)
    assert HASH not in str(caught.value)


async def test_update_users_batch_is_all_or_nothing(users: UserStore, ada: User, bob: User) -> None:
    updates: list[dict[str, Any]] = [
        {"user_id": bob.id, "name": "B"},
        {"user_id": "nobody", "name": "N"},
        {"user_id": ada.id, "name": "A"},
        {"user_id": ada.id, "is_active": False},
    ]
    assert await users.update_users_batch(updates) == 2
    changed = await users.get_users_batch([ada.id, bob.id])
    assert (changed[ada.id].name, changed[ada.id].is_active) == ("A", False)
    assert changed[bob.id].name == "B"
    with pytest.raises(AlreadyTakenError):
        await users.update_users_batch(
            [{"user_id": ada.id, "name": "C"}, {"user_id": bob.id, "email": "ada@example.com"}]
        )
    assert await users.get_users_batch([ada.id, bob.id]) == changed
    with pytest.raises(InvalidInputError) as caught:
        await users.update_users_batch([*updates, {"user_id": bob.id, "nick": "x"}])
    assert caught.value.argument == "updates[4].nick"
    assert await users.update_users_batch([]) == 0


async def test_update_user_while_others_change_other_fields_loses_nothing(
    users: UserStore, ada: User, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    await asyncio.gather(
        users.update_user(ada.id, name="N"),
        other.update_user(ada.id, is_active=False),
        other.increment_token_version(ada.id),
        users.record_failed_login("ada@example.com"),
        users.update_user(ada.id, email_verified=True),
        other.set_user_preferences(ada.id, {"dark": True}),
    )
    user = await found(users, ada.id)
    assert (user.name, user.is_active, user.email_verified) == ("N", False, True)
    assert (user.token_version, user.failed_login_attempts) == (2, 1)
    assert await users.get_user_preferences(ada.id) == {"dark": True}


async def test_delete_user_removes_what_is_personal_and_keeps_what_is_not(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    await users.add_user_to_org(bob.id, acme.id)
    await users.link_oauth_provider(bob.id, "google", "g1", "Bob@gmail.example")
    await users.create_reset_token("BOB@example.com")
    sent = await users.create_invitation(acme.id, "guest@example.com", invited_by=bob.id)
    to_bob = await users.create_invitation(acme.id, "Bob@Example.com")
    await users.record_usage_event(acme.id, "debate")
    assert await users.delete_user(bob.id)
    assert not await users.delete_user(bob.id)
    assert await row_counts(users.database) == {
        "users": 1,
        "organizations": 1,
        "organization_memberships": 1,
        "organization_invitations": 1,
        "usage_events": 1,
    }
    kept = await users.get_invitation_by_id(sent.invitation.id)
    assert kept is not None
    assert kept.invited_by is None
    assert await users.get_invitation_by_id(to_bob.invitation.id) is None


async def test_delete_user_refuses_an_owner(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    with pytest.raises(OrganizationOwnerError) as caught:
        await users.delete_user(ada.id)
    assert (caught.value.user_id, caught.value.org_id) == (ada.id, acme.id)
    assert await users.get_user_by_id(ada.id) is not None
    await users.add_user_to_org(bob.id, acme.id)
    await users.transfer_ownership(acme.id, bob.id)
    assert await users.delete_user(ada.id)


async def test_get_user_preferences_after_set_user_preferences(users: UserStore, ada: User) -> None:
    assert await users.get_user_preferences(ada.id) == {}
    preferences = {"theme": "dark", "features": {"x": [1, 2**60, 0.1, None]}}
    assert await users.set_user_preferences(ada.id, preferences)
    assert await users.get_user_preferences(ada.id) == preferences
    assert await users.set_user_preferences(ada.id, {"a": 1})
    assert await users.get_user_preferences(ada.id) == {"a": 1}
    assert await users.get_user_preferences("nobody") is None
    assert not await users.set_user_preferences("nobody", {})


async def test_increment_token_version_counts_each_call(
    users: UserStore, ada: User, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    versions = await asyncio.gather(
        *((users, other)[number % 2].increment_token_version(ada.id) for number in range(40))
    )
    assert sorted(versions) == list(range(2, 42))
    assert await users.increment_token_version("nobody") == 0


async def test_the_schema_refuses_what_the_store_would(database: Database, ada: User) -> None:
    assert await fetch_value(database, "SELECT count(*) FROM users") == 1
    (row,) = await fetch(database, "SELECT email, email_key FROM users")
    assert dict(row) == {"email": "Ada@example.com", "email_key": "ada@example.com"}
