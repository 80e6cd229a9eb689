"""Invitations: one waits for an address at a time, and is accepted once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.errors import AlreadyTakenError, MissingParentError
from aragora_sql.stores.users import Organization, User, UserStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEYRING, day, fetch, run


async def age(database: Database, invitation_id: str) -> None:
    """Let an invitation be over."""
    over = format_timestamp(utc_now() - timedelta(seconds=1))
    await run(
        database,
        f"UPDATE organization_invitations SET expires_at = '{over}' WHERE id = '{invitation_id}'",
    )


async def test_create_invitation_stores_the_hash_of_its_token(
    users: UserStore, ada: User, acme: Organization
) -> None:
    made = await users.create_invitation(acme.id, " Guest@Example.com", "admin", ada.id)
    invitation = made.invitation
    assert len(made.token) == 43
    assert made.token not in repr(made)
    assert await users.get_invitation_by_id(invitation.id) == invitation
    assert await users.get_invitation_by_token(made.token) == invitation
    assert await users.get_invitation_by_email(acme.id, "GUEST@example.com") == invitation
    assert (invitation.email, invitation.role, invitation.invited_by) == (
        "Guest@Example.com",
        "admin",
        ada.id,
    )
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    (row,) = await fetch(users.database, "SELECT * FROM organization_invitations")
    assert made.token not in str(dict(row))
    assert row["token_hash"] == hashlib.sha256(made.token.encode()).hexdigest()


async def test_get_invitation_by_id_token_and_email_know_no_other(
    users: UserStore, acme: Organization
) -> None:
    assert await users.get_invitation_by_id("x") is None
    assert await users.get_invitation_by_token("x") is None
    assert await users.get_invitation_by_email(acme.id, "a@example.com") is None


async def test_get_invitation_by_token_whatever_its_status(
    users: UserStore, acme: Organization
) -> None:
    made = await users.create_invitation(acme.id, "a@example.com")
    assert await users.update_invitation_status(made.invitation.id, "revoked")
    found = await users.get_invitation_by_token(made.token)
    assert found is not None
    assert found.status == "revoked"


async def test_get_invitation_by_email_gives_the_one_that_waits(
    users: UserStore, acme: Organization
) -> None:
    first = await users.create_invitation(acme.id, "a@example.com")
    await users.update_invitation_status(first.invitation.id, "revoked")
    second = await users.create_invitation(acme.id, "A@example.com")
    assert await users.get_invitation_by_email(acme.id, "a@example.com") == second.invitation


async def test_one_invitation_of_an_organization_waits_for_an_address(
    users: UserStore, ada: User, acme: Organization, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    made = await asyncio.gather(
        *((users, other)[n % 2].create_invitation(acme.id, "A@example.com") for n in range(6)),
        return_exceptions=True,
    )
    refused = [one for one in made if isinstance(one, AlreadyTakenError)]
    assert len(refused) == 5
    assert refused[0].argument == "email"
    elsewhere = await users.create_organization("Other", ada.id)
    await users.create_invitation(elsewhere.id, "a@example.com")
    # one that is over makes room
    waiting = await users.get_invitation_by_email(acme.id, "a@example.com")
    assert waiting is not None
    await age(users.database, waiting.id)
    await users.create_invitation(acme.id, "a@example.com")
    before = await users.get_invitation_by_id(waiting.id)
    assert before is not None
    assert before.status == "expired"


async def test_create_invitation_of_nobody_and_nowhere(
    users: UserStore, acme: Organization
) -> None:
    with pytest.raises(MissingParentError):
        await users.create_invitation("nowhere", "a@example.com")
    with pytest.raises(MissingParentError):
        await users.create_invitation(acme.id, "a@example.com", invited_by="nobody")
    assert await users.get_invitations_for_org(acme.id) == []


async def test_get_invitations_for_org_and_get_pending_invitations_by_email_in_pages(
    users: UserStore, ada: User, acme: Organization
) -> None:
    made = [(await users.create_invitation(acme.id, f"g{n}@example.com")) for n in range(5)]
    newest_first = [one.invitation for one in reversed(made)]
    assert await users.get_invitations_for_org(acme.id) == newest_first
    page = await users.get_invitations_for_org(acme.id, 3)
    assert page == newest_first[:3]
    assert await users.get_invitations_for_org(acme.id, 3, after=page[-1]) == newest_first[3:]

    for number in range(3):
        organization = await users.create_organization(f"O{number}", ada.id)
        await users.create_invitation(organization.id, "G0@example.com")
    waiting = await users.get_pending_invitations_by_email("g0@example.com")
    assert len(waiting) == 4
    assert waiting == sorted(waiting, key=lambda one: one.created_at, reverse=True)
    rest = await users.get_pending_invitations_by_email("g0@example.com", 9, after=waiting[1])
    assert rest == waiting[2:]
    await users.update_invitation_status(waiting[0].id, "revoked")
    assert await users.get_pending_invitations_by_email("g0@example.com") == waiting[1:]


async def test_get_pending_invitations_by_email_of_nobody(users: UserStore) -> None:
    assert await users.get_pending_invitations_by_email("a@example.com") == []


async def test_update_invitation_status_ends_one_that_waits(
    users: UserStore, bob: User, acme: Organization
) -> None:
    made = (await users.create_invitation(acme.id, "bob@example.com")).invitation
    assert await users.update_invitation_status(made.id, "accepted", day(1), bob.id)
    found = await users.get_invitation_by_id(made.id)
    assert found is not None
    assert (found.status, found.accepted_at, found.accepted_by) == ("accepted", day(1), bob.id)
    assert not await users.update_invitation_status(made.id, "revoked")
    assert not await users.update_invitation_status("nothing", "revoked")


async def test_accept_invitation_makes_a_member_once(
    users: UserStore, bob: User, acme: Organization, open_database: OpenDatabase
) -> None:
    made = await users.create_invitation(acme.id, "bob@example.com", "admin")
    other = UserStore(await open_database(), KEYRING)
    outcomes = await asyncio.gather(
        *((users, other)[n % 2].accept_invitation(made.token, bob.id) for n in range(6))
    )
    (accepted,) = [one for one in outcomes if one is not None]
    assert (accepted.status, accepted.accepted_by) == ("accepted", bob.id)
    user = await users.get_user_by_id(bob.id)
    assert user is not None
    assert (user.org_id, user.role) == (acme.id, "admin")
    assert await users.accept_invitation("no token", bob.id) is None


async def test_accept_invitation_by_nobody_leaves_it_waiting(
    users: UserStore, bob: User, acme: Organization
) -> None:
    made = await users.create_invitation(acme.id, "bob@example.com")
    with pytest.raises(MissingParentError):
        await users.accept_invitation(made.token, "nobody")
    assert await users.get_invitation_by_id(made.invitation.id) == made.invitation
    await age(users.database, made.invitation.id)
    assert await users.accept_invitation(made.token, bob.id) is None


async def test_delete_invitation(users: UserStore, acme: Organization) -> None:
    made = (await users.create_invitation(acme.id, "a@example.com")).invitation
    assert await users.delete_invitation(made.id)
    assert not await users.delete_invitation(made.id)


async def test_cleanup_expired_invitations_ends_those_that_are_over(
    users: UserStore, acme: Organization
) -> None:
    made = [(await users.create_invitation(acme.id, f"g{n}@example.com")) for n in range(4)]
    for one in made[:2]:
        await age(users.database, one.invitation.id)
    assert await users.cleanup_expired_invitations() == 2
    assert await users.cleanup_expired_invitations() == 0
    statuses = [one.status for one in await users.get_invitations_for_org(acme.id)]
    assert statuses == ["pending", "pending", "expired", "expired"]
