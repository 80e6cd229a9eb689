"""Organizations: owners, members, usage."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    DuplicateKeyError,
    InvalidInputError,
    MissingParentError,
    OrganizationOwnerError,
)
from aragora_sql.stores.users import Organization, User, UserStore
from tests.conftest import OpenDatabase
from tests.stores.samples import KEYRING, day, row_counts


async def role_in(users: UserStore, user: User, organization: Organization) -> str | None:
    for membership in await users.get_memberships(user.id):
        if membership.org_id == organization.id:
            return membership.role
    return None


async def present(users: UserStore, user: User) -> tuple[str | None, str]:
    found = await users.get_user_by_id(user.id)
    assert found is not None
    return found.org_id, found.role


async def owners(users: UserStore, organization: Organization) -> list[str]:
    members = await users.get_org_members(organization.id)
    return [member.id for member in members if member.role == "owner"]


async def test_get_organization_by_id_after_create_organization_whose_owner_is_a_member(
    users: UserStore, ada: User
) -> None:
    acme = await users.create_organization("Acme GmbH", ada.id, tier="starter")
    assert await users.get_organization_by_id(acme.id) == acme
    assert (acme.slug, acme.owner_id, acme.debates_limit) == ("acme-gmbh", ada.id, 50)
    assert await present(users, ada) == (acme.id, "owner")


async def test_create_organization_without_an_owner_leaves_nothing(users: UserStore) -> None:
    with pytest.raises(MissingParentError):
        await users.create_organization("Acme", "nobody")
    assert await row_counts(users.database) == {}


async def test_slugs_that_are_taken_get_digits_behind_them(
    users: UserStore, ada: User, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    made = await asyncio.gather(
        *((users, other)[n % 2].create_organization("Müller & Söhne_2", ada.id) for n in range(6))
    )
    slugs = sorted(one.slug for one in made)
    assert slugs[0] == "müller-&-söhne-2"
    assert len(set(slugs)) == 6
    for slug in slugs[1:]:
        assert re.fullmatch("müller-&-söhne-2-[0-9a-f]{8}", slug)
    with pytest.raises(AlreadyTakenError) as caught:
        await users.create_organization("Other", ada.id, slug=slugs[0])
    assert caught.value.argument == "slug"


async def test_get_organization_by_slug_stripe_customer_and_subscription(
    users: UserStore, acme: Organization
) -> None:
    assert await users.get_organization_by_slug("acme-gmbh") == acme
    assert await users.get_organization_by_slug("Acme-GmbH") is None
    await users.update_organization(
        acme.id, stripe_customer_id="cus_1", stripe_subscription_id="sub_1"
    )
    for found in (
        await users.get_organization_by_stripe_customer("cus_1"),
        await users.get_organization_by_subscription("sub_1"),
    ):
        assert found is not None
        assert found.id == acme.id
    assert await users.get_organization_by_stripe_customer("sub_1") is None
    assert await users.get_organization_by_subscription("cus_1") is None


async def test_get_organization_by_stripe_customer_and_get_organization_by_subscription_know_none(
    users: UserStore,
) -> None:
    assert await users.get_organization_by_stripe_customer("x") is None
    assert await users.get_organization_by_subscription("x") is None


CHANGES: dict[str, Any] = {
    "name": "New",
    "slug": "new",
    "tier": "enterprise_plus",
    "stripe_customer_id": "c",
    "stripe_subscription_id": "s",
    "debates_used_this_month": 2**40,
    "billing_cycle_start": day(1),
    "settings": {"a": {"b": [1, 0.1]}},
    "trial_started_at": day(2),
    "trial_expires_at": day(3),
    "trial_debates_limit": 7,
    "trial_converted": True,
}


async def test_update_organization_changes_every_field(
    users: UserStore, ada: User, acme: Organization
) -> None:
    assert await users.update_organization(acme.id, **CHANGES)
    changed = await users.get_organization_by_id(acme.id)
    assert changed is not None
    assert {name: changed[name] for name in CHANGES} == CHANGES
    assert (changed.created_at, changed.owner_id) == (acme.created_at, ada.id)
    # what was not named stays, also a document
    await users.update_organization(acme.id, tier="free")
    kept = await users.get_organization_by_id(acme.id)
    assert kept is not None
    assert kept.settings == CHANGES["settings"]
    assert not await users.update_organization("nowhere", tier="free")
    other = await users.create_organization("Other", ada.id)
    with pytest.raises(DuplicateKeyError):
        await users.update_organization(other.id, slug="new")
    for name in ("owner", "id", "created_at", "slug = 'x' --"):
        with pytest.raises(InvalidInputError, match="not a field"):
            await users.update_organization(acme.id, **{name: "x"})


async def test_transfer_ownership_moves_it_at_once(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    with pytest.raises(InvalidInputError, match="member") as caught:
        await users.transfer_ownership(acme.id, bob.id)
    assert caught.value.argument == "new_owner_id"
    await users.add_user_to_org(bob.id, acme.id)
    assert await users.transfer_ownership(acme.id, bob.id)
    assert await owners(users, acme) == [bob.id]
    assert await role_in(users, ada, acme) == "admin"
    # as older programs did it
    assert await users.update_organization(acme.id, owner_id=ada.id)
    assert await owners(users, acme) == [ada.id]
    assert await role_in(users, bob, acme) == "member"
    assert not await users.transfer_ownership("nowhere", bob.id)


async def test_whatever_happens_at_once_there_is_one_owner_who_is_a_member(
    users: UserStore, ada: User, bob: User, acme: Organization, open_database: OpenDatabase
) -> None:
    await users.add_user_to_org(bob.id, acme.id)
    stores = [users, UserStore(await open_database(), KEYRING)]
    for number in range(10):
        calls = [
            stores[number % 2].transfer_ownership(acme.id, bob.id),
            stores[1 - number % 2].remove_user_from_org(bob.id, acme.id),
            stores[number % 2].delete_user(bob.id),
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert not [
            one
            for one in outcomes
            if isinstance(one, BaseException)
            and not isinstance(one, OrganizationOwnerError | InvalidInputError | MissingParentError)
        ]
        (owner,) = await owners(users, acme)
        if owner == bob.id:
            await users.transfer_ownership(acme.id, ada.id)
        if await users.get_user_by_id(bob.id) is None:
            bob = await users.create_user("bob@example.com", "x")
        await users.add_user_to_org(bob.id, acme.id)


async def test_remove_user_from_org_and_set_member_role_refuse_the_owner(
    users: UserStore, ada: User, acme: Organization
) -> None:
    for call in (
        users.remove_user_from_org(ada.id, acme.id),
        users.remove_user_from_org(ada.id),
        users.set_member_role(ada.id, acme.id, "member"),
        users.update_user(ada.id, org_id=None),
        users.update_user(ada.id, role="member"),
    ):
        with pytest.raises(OrganizationOwnerError):
            await call
    assert await present(users, ada) == (acme.id, "owner")


async def test_select_organization_and_get_memberships_of_a_user_in_several(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    other = await users.create_organization("Other", bob.id)
    assert await present(users, bob) == (other.id, "owner")
    assert await users.add_user_to_org(bob.id, acme.id, "admin")
    assert await present(users, bob) == (acme.id, "admin")
    assert await users.select_organization(bob.id, other.id)
    assert await present(users, bob) == (other.id, "owner")
    assert [one.org_id for one in await users.get_memberships(bob.id)] == [other.id, acme.id]
    assert await role_in(users, bob, acme) == "admin"
    assert not await users.select_organization(bob.id, "nowhere")
    assert await users.remove_user_from_org(bob.id, acme.id)
    assert not await users.remove_user_from_org(bob.id, acme.id)
    assert await present(users, bob) == (other.id, "owner")


async def test_add_user_to_org_again_changes_the_role_and_keeps_the_beginning(
    users: UserStore, bob: User, acme: Organization
) -> None:
    await users.add_user_to_org(bob.id, acme.id)
    (before,) = await users.get_memberships(bob.id)
    await users.add_user_to_org(bob.id, acme.id, "admin")
    (after,) = await users.get_memberships(bob.id)
    assert (after.role, after.joined_at, after.org_name) == ("admin", before.joined_at, "Acme GmbH")
    assert after.selected_at > before.selected_at
    for user_id, org_id in ((bob.id, "nowhere"), ("nobody", acme.id)):
        with pytest.raises(MissingParentError):
            await users.add_user_to_org(user_id, org_id)


async def test_remove_user_from_org_without_a_name_ends_the_present_membership(
    users: UserStore, bob: User, acme: Organization
) -> None:
    await users.add_user_to_org(bob.id, acme.id, "admin")
    assert await users.remove_user_from_org(bob.id)
    assert await present(users, bob) == (None, "member")
    assert not await users.remove_user_from_org(bob.id)


async def test_set_member_role_changes_it_and_not_the_present_organization(
    users: UserStore, bob: User, acme: Organization
) -> None:
    await users.add_user_to_org(bob.id, acme.id)
    other = await users.create_organization("Other", bob.id)
    assert await users.set_member_role(bob.id, acme.id, "admin")
    assert await role_in(users, bob, acme) == "admin"
    assert await present(users, bob) == (other.id, "owner")
    assert not await users.set_member_role("nobody", acme.id, "admin")
    assert not await users.set_member_role(bob.id, "nowhere", "admin")


async def test_org_id_and_role_of_update_user_are_those_of_the_membership(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    await users.update_user(bob.id, role="admin")
    assert await present(users, bob) == (None, "admin")
    await users.update_user(bob.id, org_id=acme.id, role="admin", name="B")
    assert await present(users, bob) == (acme.id, "admin")
    await users.update_user(bob.id, role="member")
    assert await role_in(users, bob, acme) == "member"
    await users.update_user(bob.id, role="superadmin")
    assert await present(users, bob) == (acme.id, "superadmin")
    assert await role_in(users, bob, acme) == "member"
    await users.update_user(bob.id, role="admin")
    assert await present(users, bob) == (acme.id, "admin")
    await users.update_user(bob.id, org_id=None)
    assert await present(users, bob) == (None, "member")
    with pytest.raises(InvalidInputError, match="role"):
        await users.update_user(bob.id, org_id=acme.id, role="owner")
    with pytest.raises(MissingParentError):
        await users.update_user(bob.id, org_id="nowhere", name="lost")
    found = await users.get_user_by_id(bob.id)
    assert found is not None
    assert found.name == "B"


async def test_get_org_members_in_pages_with_the_roles_in_it(
    users: UserStore, ada: User, acme: Organization
) -> None:
    for number in range(5):
        await users.create_user(f"m{number}@example.com", "x", org_id=acme.id)
    elsewhere = await users.create_organization("Other", ada.id)
    everybody = await users.get_org_members(acme.id)
    assert len(everybody) == 6
    assert [one.id for one in everybody] == sorted(one.id for one in everybody)
    assert {one.id: one.role for one in everybody}[ada.id] == "owner"
    assert {one.org_id for one in everybody} == {acme.id}
    pages = []
    page = await users.get_org_members(acme.id, 4)
    while page:
        pages += page
        page = await users.get_org_members(acme.id, 4, after=page[-1])
    assert pages == everybody
    assert len(await users.get_org_members(elsewhere.id)) == 1


async def test_get_org_members_eager_and_get_orgs_with_members_batch(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    other = await users.create_organization("Other", bob.id)
    await users.add_user_to_org(bob.id, acme.id)
    found = await users.get_orgs_with_members_batch([other.id, "nowhere", acme.id])
    assert found.keys() == {acme.id, other.id}
    assert found[acme.id][0] == acme
    assert {one.id: one.role for one in found[acme.id][1]} == {ada.id: "owner", bob.id: "member"}
    assert [one.role for one in found[other.id][1]] == ["owner"]
    assert await users.get_org_members_eager(acme.id) == found[acme.id]
    assert await users.get_org_members_eager("nowhere") == (None, [])


async def test_get_org_members_eager_gives_all_members(
    users: UserStore, acme: Organization
) -> None:
    organization, members = await users.get_org_members_eager(acme.id)
    assert organization == acme
    assert len(members) == 1


async def test_delete_organization_takes_all_of_it_along(
    users: UserStore, ada: User, acme: Organization
) -> None:
    await users.create_invitation(acme.id, "guest@example.com")
    await users.record_usage_event(acme.id, "debate")
    assert await users.delete_organization(acme.id)
    assert not await users.delete_organization(acme.id)
    assert await row_counts(users.database) == {"users": 1}
    assert await present(users, ada) == (None, "member")


# Usage


async def test_increment_usage_counts_each_call(
    users: UserStore, acme: Organization, open_database: OpenDatabase
) -> None:
    other = UserStore(await open_database(), KEYRING)
    totals = await asyncio.gather(
        *((users, other)[number % 2].increment_usage(acme.id, 3) for number in range(100))
    )
    assert sorted(totals) == list(range(3, 303, 3))
    assert await users.increment_usage("nowhere") == 0


async def test_reset_org_usage_and_reset_monthly_usage_begin_a_cycle(
    users: UserStore, ada: User, acme: Organization
) -> None:
    other = await users.create_organization("Other", ada.id)
    for one in (acme, other):
        await users.increment_usage(one.id, 5)
    assert await users.reset_org_usage(acme.id)
    assert not await users.reset_org_usage("nowhere")
    first = await users.get_organization_by_id(acme.id)
    assert first is not None
    assert first.debates_used_this_month == 0
    assert first.billing_cycle_start > acme.billing_cycle_start
    assert (await users.get_admin_stats()).total_debates_this_month == 5
    assert await users.reset_monthly_usage() == 2
    assert (await users.get_admin_stats()).total_debates_this_month == 0


async def test_reset_monthly_usage_of_no_organization(users: UserStore) -> None:
    assert await users.reset_monthly_usage() == 0


async def test_record_usage_event_then_get_events_and_get_totals_by_type(
    users: UserStore, ada: User, acme: Organization
) -> None:
    begin = utc_now()
    for number in range(6):
        await users.record_usage_event(acme.id, f"t{number % 2}", number, {"n": number})
    await users.record_usage_event((await users.create_organization("O", ada.id)).id, "t0", 99)
    events = await users.get_events(acme.id)
    assert [event.count for event in events] == [5, 4, 3, 2, 1, 0]
    assert events[0].metadata == {"n": 5}
    of_type = await users.get_events(acme.id, "t1", begin)
    assert [event.count for event in of_type] == [5, 3, 1]
    page = await users.get_events(acme.id, limit=4)
    assert page + await users.get_events(acme.id, limit=4, after=page[-1]) == events
    rest = await users.get_events(acme.id, "t1", limit=5, after=of_type[0])
    assert rest == of_type[1:]
    assert await users.get_totals_by_type(acme.id) == {"t0": 6, "t1": 9}
    assert await users.get_totals_by_type(acme.id, events[1].created_at) == {"t0": 4, "t1": 5}
    assert await users.get_events(acme.id, since=utc_now() + timedelta(hours=1)) == []
    with pytest.raises(MissingParentError):
        await users.record_usage_event("nowhere", "t")


async def test_get_totals_by_type_of_nothing(users: UserStore, acme: Organization) -> None:
    assert await users.get_totals_by_type(acme.id) == {}


async def test_get_usage_summary_of_the_present_cycle(users: UserStore, acme: Organization) -> None:
    await users.record_usage_event(acme.id, "debate", 7)
    await users.reset_org_usage(acme.id)
    await users.increment_usage(acme.id, 9)
    await users.record_usage_event(acme.id, "debate", 2)
    await users.record_usage_event(acme.id, "token", 2**31 - 1)
    await users.record_usage_event(acme.id, "token", 2**31 - 1)
    summary = await users.get_usage_summary(acme.id)
    assert summary is not None
    assert (summary.debates_used, summary.debates_limit, summary.debates_remaining) == (9, 10, 1)
    assert not summary.is_at_limit
    assert summary.events == {"debate": 2, "token": 2**32 - 2}
    await users.increment_usage(acme.id, 5)
    after = await users.get_usage_summary(acme.id)
    assert after is not None
    assert (after.debates_remaining, after.is_at_limit) == (0, True)
    assert await users.get_usage_summary("nowhere") is None
