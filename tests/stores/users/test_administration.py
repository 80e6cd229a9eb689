"""Lists and figures for administrators."""

from __future__ import annotations

from datetime import timedelta

from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.stores.users import Organization, User, UserStore
from tests.stores.samples import run


async def test_list_all_users_in_pages_the_newest_first(users: UserStore) -> None:
    made = [await users.create_user(f"u{number}@example.com", "x") for number in range(7)]
    newest_first = list(reversed(made))
    assert await users.list_all_users() == (newest_first, 7)
    seen: list[User] = []
    page, total = await users.list_all_users(3)
    while page:
        assert total == 7
        seen += page
        page, total = await users.list_all_users(3, after=page[-1])
    assert seen == newest_first


async def test_list_all_users_of_an_organization_a_role_or_in_use(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    await users.add_user_to_org(bob.id, acme.id, "admin")
    other = await users.create_organization("Other", bob.id)
    guest = await users.create_user("guest@example.com", "x", org_id=acme.id)
    root = await users.create_user("root@example.com", "x", role="superadmin")
    await users.update_user(guest.id, is_active=False)

    async def ids(**filters: object) -> set[str]:
        found, total = await users.list_all_users(**filters)  # type: ignore[arg-type]
        assert total == len(found)
        return {user.id for user in found}

    assert await ids(org_id_filter=acme.id) == {ada.id, bob.id, guest.id}
    assert await ids(org_id_filter=acme.id, role_filter="admin") == {bob.id}
    assert await ids(org_id_filter=acme.id, role_filter="owner") == {ada.id}
    assert await ids(org_id_filter=acme.id, active_only=True) == {ada.id, bob.id}
    assert await ids(role_filter="owner") == {ada.id, bob.id}
    assert await ids(role_filter="superadmin") == {root.id}
    assert await ids(role_filter="member") == {guest.id}
    assert await ids(active_only=True) == {ada.id, bob.id, root.id}
    assert await ids(org_id_filter=other.id) == {bob.id}
    # roles are those in the organization that is asked for
    found, _ = await users.list_all_users(org_id_filter=acme.id)
    assert {(user.org_id, user.role) for user in found} == {
        (acme.id, "owner"),
        (acme.id, "admin"),
        (acme.id, "member"),
    }


async def test_list_all_organizations_in_pages_or_of_a_tier(users: UserStore, ada: User) -> None:
    made = [
        await users.create_organization(f"O{number}", ada.id, tier=("free", "starter")[number % 2])
        for number in range(5)
    ]
    newest_first = list(reversed(made))
    assert await users.list_all_organizations() == (newest_first, 5)
    page, _ = await users.list_all_organizations(3)
    rest, total = await users.list_all_organizations(3, after=page[-1])
    assert (page + rest, total) == (newest_first, 5)
    of_tier, total = await users.list_all_organizations(tier_filter="starter")
    assert ([one.name for one in of_tier], total) == (["O3", "O1"], 2)
    assert await users.list_all_organizations(tier_filter="enterprise") == ([], 0)


async def test_get_admin_stats_counts_everything(
    users: UserStore, ada: User, bob: User, acme: Organization
) -> None:
    await users.create_organization("Other", bob.id, tier="professional")
    old = await users.create_user("old@example.com", "x")
    await users.reset_failed_login_attempts("bob@example.com")
    await users.increment_usage(acme.id, 8)
    await users.update_user(old.id, is_active=False, last_login_at=utc_now() - timedelta(days=2))
    before = format_timestamp(utc_now() - timedelta(days=8))
    await run(users.database, f"UPDATE users SET created_at = '{before}' WHERE id = '{old.id}'")
    await run(
        users.database, f"UPDATE organizations SET created_at = '{before}' WHERE id = '{acme.id}'"
    )
    assert (await users.get_admin_stats()).to_dict() == {
        "total_users": 3,
        "active_users": 2,
        "total_organizations": 2,
        "tier_distribution": {"free": 1, "professional": 1},
        "total_debates_this_month": 8,
        "users_active_24h": 1,
        "new_users_7d": 2,
        "new_orgs_7d": 1,
    }


async def test_get_admin_stats_of_nothing(users: UserStore) -> None:
    stats = await users.get_admin_stats()
    assert (stats.total_users, stats.tier_distribution) == (0, {})
