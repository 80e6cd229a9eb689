"""What the conformance suite needs to know of the store of users and organizations."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from aragora_sql.database import Database
from aragora_sql.stores.users import UserStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    lists_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NOW = day(400)
NUMBERS = itertools.count()
NOT_EMAILS: list[Any] = [None, 5, b"a@b", "", " ", "a", "a@", "@b", "a b@c", "a@b\x00", "é" * 600]
NOT_LIFETIMES: list[Any] = [0, 5, "1", day(1), True]
PAGE = {"before_time": NOW, "before_id": "u", "row_limit": 10}
EVENTS = {"org_id": "o7", "since": day(0), "before_time": NOW, "before_id": 10**6, "row_limit": 10}

HOT = [
    Hot("get_user", {"user_id": "u17"}),
    Hot("get_user_by_email", {"email_key": "u17@example.com"}),
    Hot("get_user_by_api_key", {"api_key_hash": "h17", "at_time": NOW}),
    Hot("get_user_by_oauth", {"provider": "google", "provider_user_id": "g17"}),
    Hot("list_users_by_id", {"user_ids": ["u1", "u2", "u3"]}),
    Hot("lock_users", {"user_ids": ["u1", "u2", "u3"]}),
    Hot("get_mfa_secrets", {"user_id": "u17"}),
    Hot("list_mfa_secrets", {"after_user": "u17", "row_limit": 10}, True),
    Hot("lock_mfa_secrets", {"after_user": "u17", "row_limit": 10}, True),
    Hot("get_preferences", {"user_id": "u17"}),
    Hot("raise_token_version", {"user_id": "u17", "updated_at": NOW}),
    Hot("find_owned_organization", {"user_id": "u17"}),
    Hot("delete_user", {"user_id": "nobody"}),
    Hot("get_organization", {"org_id": "o7"}),
    Hot("get_organization_by_slug", {"slug": "s7"}),
    Hot("get_organization_by_stripe_customer", {"stripe_customer_id": "c7"}),
    Hot("get_organization_by_subscription", {"stripe_subscription_id": "b7"}),
    Hot("list_organizations_by_id", {"org_ids": ["o1", "o2"]}),
    Hot("lock_organization", {"org_id": "o7"}),
    Hot("delete_organization", {"org_id": "o7"}),
    Hot("present_organization", {"user_id": "u17"}),
    Hot("get_member_role", {"user_id": "u17", "org_id": "o17"}),
    Hot("list_memberships", {"user_id": "u17"}),
    Hot("list_members", {"org_id": "o7", "after_user": "", "row_limit": 10}),
    Hot("list_members_of", {"org_ids": ["o1", "o2"]}),
    Hot("delete_membership", {"user_id": "u17", "org_id": "o17"}),
    Hot("add_usage", {"org_id": "o7", "debates": 1}),
    Hot("list_events", EVENTS, True),
    Hot("list_events_of_type", {**EVENTS, "event_type": "t1"}, True),
    Hot("sum_events", {"org_id": "o7", "since": day(0)}),
    Hot("get_invitation", {"invitation_id": "i7"}),
    Hot("get_invitation_by_token", {"token_hash": "t7"}),
    Hot("find_pending_invitation", {"org_id": "o7", "email_key": "i7@example.com"}),
    Hot("list_invitations", {"org_id": "o7", **PAGE}, True),
    Hot("list_pending_invitations", {"email_key": "i7@example.com", **PAGE}, True),
    Hot("accept_invitation", {"token_hash": "t7", "user_id": "u1", "at_time": NOW}),
    Hot("expire_invitations", {"at_time": day(1)}),
    Hot("unlink_oauth", {"user_id": "u17", "provider": "google"}),
    Hot("list_oauth", {"user_id": "u17"}),
    Hot("get_lockout", {"email_key": "u17@example.com"}),
    Hot("add_failed_login", {"email_key": "u17@example.com", "at_time": NOW}),
    Hot("reset_failed_logins", {"email_key": "u17@example.com", "at_time": NOW}),
    Hot("count_reset_tokens", {"email_key": "u17@example.com", "created_after": day(0)}),
    Hot("get_reset_token", {"token_hash": "r7"}),
    Hot("use_reset_token", {"token_hash": "r7", "at_time": NOW}),
    Hot("void_reset_tokens", {"email_key": "u17@example.com", "at_time": NOW}),
]


def make(database: Database) -> UserStore:
    return UserStore(database, KEYRING)


async def add(users: UserStore) -> None:
    await users.create_user(f"user{next(NUMBERS)}@example.com", "bcrypt:x")


async def count(users: UserStore) -> int:
    return (await users.get_admin_stats()).total_users


async def fill(users: UserStore) -> None:
    """Store thousands of rows in each table."""
    database = users.database
    of_many = numbers(database, 5000)
    await run(
        database,
        "INSERT INTO users (id, email, email_key, password_hash, api_key_hash, mfa_secret) SELECT "
        "'u' || n, 'u' || n || '@example.com', 'u' || n || '@example.com', 'x', 'h' || n, "
        f"CASE WHEN n % 50 = 0 THEN 'clear' END FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO organizations (id, name, slug, owner_id, stripe_customer_id, "
        "stripe_subscription_id) SELECT 'o' || n, 'O', 's' || n, 'u' || n, 'c' || n, 'b' || n "
        f"FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO organization_memberships (user_id, org_id) "
        f"SELECT 'u' || n, 'o' || n FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO organization_invitations (id, org_id, email, email_key, token_hash, "
        "invited_by, accepted_by, expires_at) SELECT 'i' || n, 'o' || (n % 500 + 1), 'i', "
        "'i' || n || '@example.com', 't' || n, 'u' || n, 'u' || n, '2026-06-01T00:00:00.000000Z' "
        f"FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO oauth_providers (user_id, provider, provider_user_id) "
        f"SELECT 'u' || n, 'google', 'g' || n FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO usage_events (org_id, event_type, created_at) SELECT 'o' || (n % 100 + 1), "
        f"'t' || (n % 3), '2026-01-02T00:00:00.000000Z' FROM {of_many}",
    )
    await run(
        database,
        "INSERT INTO password_reset_tokens (token_hash, email_key, expires_at) SELECT 'r' || n, "
        f"'u' || n || '@example.com', '2026-01-02T00:00:00.000000Z' FROM {of_many}",
    )


async def prepare(users: UserStore) -> dict[str, str]:
    """Store an account with all that it can have, and return what calls name."""
    owner = await users.create_user("Owner@example.com", "x")
    organization = await users.create_organization("Acme", owner.id)
    member = await users.create_user("member@example.com", "x", org_id=organization.id)
    await users.update_organization(
        organization.id, stripe_customer_id="cus_1", stripe_subscription_id="sub_1"
    )
    await users.update_user(member.id, mfa_secret="S", mfa_backup_codes=["a", "b"])  # noqa: S106
    await users.link_oauth_provider(member.id, "google", "g1")
    invited = await users.create_invitation(organization.id, "guest@example.com")
    other = await users.create_invitation(organization.id, "other@example.com")
    return {
        "owner": owner.id,
        "org": organization.id,
        "member": member.id,
        "key": await users.create_api_key(member.id) or "",
        "invitation": invited.invitation.id,
        "token": other.token,
        "reset": await users.create_reset_token("member@example.com"),
    }


Called = Callable[[UserStore, dict[str, str]], Awaitable[Any]]


def once(call: Called) -> Call:
    return Call(1, call)


ROUND_TRIPS = {
    "create_user": once(lambda s, k: s.create_user(f"new{next(NUMBERS)}@example.com", "x")),
    "get_user_by_id": once(lambda s, k: s.get_user_by_id(k["member"])),
    "get_user_by_email": once(lambda s, k: s.get_user_by_email("Member@example.com")),
    "get_user_by_api_key": once(lambda s, k: s.get_user_by_api_key(k["key"])),
    "get_user_by_oauth": once(lambda s, k: s.get_user_by_oauth("google", "g1")),
    "get_users_batch": once(lambda s, k: s.get_users_batch([k["member"], k["owner"]])),
    "update_user": Call(4, lambda s, k: s.update_user(k["member"], name="N"), at_most=True),
    "update_users_batch": Call(
        4,
        lambda s, k: s.update_users_batch(
            [{"user_id": k["member"], "name": "N"}, {"user_id": k["owner"], "is_active": True}]
        ),
        at_most=True,
    ),
    "get_user_preferences": once(lambda s, k: s.get_user_preferences(k["member"])),
    "set_user_preferences": once(lambda s, k: s.set_user_preferences(k["member"], {"a": 1})),
    "increment_token_version": once(lambda s, k: s.increment_token_version(k["member"])),
    "create_api_key": once(lambda s, k: s.create_api_key(k["owner"])),
    "revoke_api_key": once(lambda s, k: s.revoke_api_key(k["owner"])),
    "get_mfa_secrets": once(lambda s, k: s.get_mfa_secrets(k["member"])),
    "check_secrets": once(lambda s, k: s.check_secrets()),
    "use_backup_code": Call(4, lambda s, k: s.use_backup_code(k["member"], "a"), at_most=True),
    "create_organization": Call(
        4, lambda s, k: s.create_organization(f"New {next(NUMBERS)}", k["owner"]), at_most=True
    ),
    "get_organization_by_id": once(lambda s, k: s.get_organization_by_id(k["org"])),
    "get_organization_by_slug": once(lambda s, k: s.get_organization_by_slug("acme")),
    "get_organization_by_stripe_customer": once(
        lambda s, k: s.get_organization_by_stripe_customer("cus_1")
    ),
    "get_organization_by_subscription": once(
        lambda s, k: s.get_organization_by_subscription("sub_1")
    ),
    "update_organization": Call(
        4, lambda s, k: s.update_organization(k["org"], tier="free"), at_most=True
    ),
    "add_user_to_org": once(lambda s, k: s.add_user_to_org(k["member"], k["org"], "admin")),
    "set_member_role": Call(
        4, lambda s, k: s.set_member_role(k["member"], k["org"], "member"), at_most=True
    ),
    "select_organization": once(lambda s, k: s.select_organization(k["member"], k["org"])),
    "get_memberships": once(lambda s, k: s.get_memberships(k["member"])),
    "get_org_members": once(lambda s, k: s.get_org_members(k["org"])),
    "get_org_members_eager": Call(2, lambda s, k: s.get_org_members_eager(k["org"])),
    "get_orgs_with_members_batch": Call(
        2, lambda s, k: s.get_orgs_with_members_batch([k["org"], "o2", "o3"])
    ),
    "increment_usage": once(lambda s, k: s.increment_usage(k["org"])),
    "record_usage_event": once(lambda s, k: s.record_usage_event(k["org"], "debate")),
    "get_usage_summary": Call(2, lambda s, k: s.get_usage_summary(k["org"])),
    "get_events": once(lambda s, k: s.get_events(k["org"])),
    "get_totals_by_type": once(lambda s, k: s.get_totals_by_type(k["org"])),
    "reset_org_usage": once(lambda s, k: s.reset_org_usage(k["org"])),
    "reset_monthly_usage": once(lambda s, k: s.reset_monthly_usage()),
    "create_invitation": Call(
        4,
        lambda s, k: s.create_invitation(k["org"], f"third{next(NUMBERS)}@example.com"),
        at_most=True,
    ),
    "get_invitation_by_id": once(lambda s, k: s.get_invitation_by_id(k["invitation"])),
    "get_invitation_by_token": once(lambda s, k: s.get_invitation_by_token(k["token"])),
    "get_invitation_by_email": once(
        lambda s, k: s.get_invitation_by_email(k["org"], "guest@example.com")
    ),
    "get_invitations_for_org": once(lambda s, k: s.get_invitations_for_org(k["org"])),
    "get_pending_invitations_by_email": once(
        lambda s, k: s.get_pending_invitations_by_email("guest@example.com")
    ),
    "update_invitation_status": once(
        lambda s, k: s.update_invitation_status(k["invitation"], "revoked")
    ),
    "accept_invitation": Call(
        4, lambda s, k: s.accept_invitation(k["token"], k["member"]), at_most=True
    ),
    "delete_invitation": once(lambda s, k: s.delete_invitation(k["invitation"])),
    "cleanup_expired_invitations": once(lambda s, k: s.cleanup_expired_invitations()),
    "link_oauth_provider": once(lambda s, k: s.link_oauth_provider(k["member"], "github", "h1")),
    "get_user_oauth_providers": once(lambda s, k: s.get_user_oauth_providers(k["member"])),
    "unlink_oauth_provider": once(lambda s, k: s.unlink_oauth_provider(k["member"], "github")),
    "record_failed_login": once(lambda s, k: s.record_failed_login("member@example.com")),
    "is_account_locked": once(lambda s, k: s.is_account_locked("member@example.com")),
    "get_lockout_info": once(lambda s, k: s.get_lockout_info("member@example.com")),
    "reset_failed_login_attempts": once(
        lambda s, k: s.reset_failed_login_attempts("member@example.com")
    ),
    "create_reset_token": Call(
        5, lambda s, k: s.create_reset_token("other@example.com"), at_most=True
    ),
    "validate_reset_token": once(lambda s, k: s.validate_reset_token(k["reset"])),
    "consume_reset_token": once(lambda s, k: s.consume_reset_token(k["reset"])),
    "invalidate_reset_tokens": once(lambda s, k: s.invalidate_reset_tokens("a@example.com")),
    "cleanup_reset_tokens": once(lambda s, k: s.cleanup_reset_tokens()),
    "list_all_users": Call(2, lambda s, k: s.list_all_users()),
    "list_all_organizations": Call(2, lambda s, k: s.list_all_organizations()),
    "get_admin_stats": Call(2, lambda s, k: s.get_admin_stats()),
    "transfer_ownership": Call(
        5, lambda s, k: s.transfer_ownership(k["org"], k["member"]), at_most=True
    ),
    "remove_user_from_org": Call(
        4, lambda s, k: s.remove_user_from_org(k["member"], k["org"]), at_most=True
    ),
    "delete_organization": once(lambda s, k: s.delete_organization(k["org"])),
    "delete_user": Call(7, lambda s, k: s.delete_user(k["member"]), at_most=True),
}

BY_EMAIL = (
    "get_user_by_email",
    "get_pending_invitations_by_email",
    "record_failed_login",
    "is_account_locked",
    "reset_failed_login_attempts",
    "get_lockout_info",
    "create_reset_token",
    "invalidate_reset_tokens",
)
BY_USER = (
    "get_user_by_id",
    "delete_user",
    "get_user_preferences",
    "increment_token_version",
    "create_api_key",
    "revoke_api_key",
    "get_mfa_secrets",
    "get_memberships",
    "get_user_oauth_providers",
    "remove_user_from_org",
)
BY_ORG = (
    "get_organization_by_id",
    "delete_organization",
    "get_org_members",
    "get_org_members_eager",
    "increment_usage",
    "reset_org_usage",
    "get_usage_summary",
    "get_events",
    "get_totals_by_type",
    "get_invitations_for_org",
)
LISTS = (
    "list_all_users",
    "list_all_organizations",
    "get_org_members",
    "get_events",
    "get_invitations_for_org",
    "get_pending_invitations_by_email",
)
ROLES_REFUSED: list[Any] = [None, 5, "", "Member", "viewer", "owner "]

BAD_ARGUMENTS = [
    *(BadArgument(method, "email", NOT_EMAILS) for method in BY_EMAIL),
    *(bad for method in BY_USER for bad in keys_of(method, "user_id")),
    *(bad for method in BY_ORG for bad in keys_of(method, "org_id")),
    *limits_of(*LISTS, "check_secrets"),
    *(BadArgument(method, "after", ["u1", {}, 5]) for method in LISTS),
    BadArgument("create_user", "email", NOT_EMAILS),
    *texts_of("create_user", "password_hash", "password_salt", "name"),
    BadArgument("create_user", "role", ROLES_REFUSED),
    BadArgument("create_user", "email_verified", NOT_BOOLEANS),
    BadArgument("create_user", "service_account_scopes", ["text", 5, {"a": 1}]),
    *texts_of("update_user", "password_hash", "password_salt", "name"),
    BadArgument("update_user", "email", NOT_EMAILS),
    BadArgument("update_user", "is_active", NOT_BOOLEANS),
    BadArgument("update_user", "mfa_enabled", NOT_BOOLEANS),
    BadArgument("update_user", "api_key_hash", ["plain", 5, "A" * 64, ""]),
    BadArgument("update_user", "api_key_prefix", ["x" * 13, 5]),
    BadArgument("update_user", "last_login_at", NOT_TIMESTAMPS),
    BadArgument("update_user", "mfa_secret", [5, "", " "]),
    BadArgument("update_user", "mfa_backup_codes", [5, "text", '{"a": 1}', [5], [""]]),
    BadArgument("update_user", "mfa_bypass_reason", ["because", 5]),
    BadArgument("update_user", "role", ROLES_REFUSED),
    # what the older program left out without a word
    BadArgument("update_user", "token_version", [5]),
    BadArgument("update_user", "failed_login_attempts", [0]),
    BadArgument("update_user", "id", ["u2"]),
    BadArgument("update_user", "name = 'x', id", ["u2"]),
    BadArgument("update_users_batch", "updates", ["text", 5, [5], [{}], [{"user_id": "u"}]]),
    *lists_of("get_users_batch", "user_ids"),
    *documents_of("set_user_preferences", "preferences"),
    BadArgument("create_api_key", "lifetime", NOT_LIFETIMES),
    *keys_of("get_user_by_api_key", "api_key"),
    *keys_of("use_backup_code", "user_id"),
    BadArgument("rotate_keys", "batch_size", [0, -1, 1.0, "1", True, None]),
    *keys_of("create_organization", "owner_id"),
    BadArgument("create_organization", "name", [None, 5, "", " ", "\x00"]),
    BadArgument("create_organization", "slug", [5, "", " ", "x" * 1001]),
    BadArgument("create_organization", "tier", [None, "gold", 5]),
    *keys_of("get_organization_by_slug", "slug"),
    *keys_of("get_organization_by_stripe_customer", "stripe_customer_id"),
    *keys_of("get_organization_by_subscription", "stripe_subscription_id"),
    BadArgument("update_organization", "tier", [None, "gold", 5]),
    BadArgument("update_organization", "debates_used_this_month", [-1, 1.0, "1", True, 2**63]),
    BadArgument("update_organization", "created_at", [day(1)]),
    BadArgument("update_organization", "owner", ["u"]),
    *keys_of("transfer_ownership", "org_id", "new_owner_id"),
    *keys_of("add_user_to_org", "user_id", "org_id"),
    BadArgument("add_user_to_org", "role", [*ROLES_REFUSED, "owner", "superadmin"]),
    *keys_of("set_member_role", "user_id", "org_id"),
    BadArgument("set_member_role", "role", [*ROLES_REFUSED, "owner"]),
    *keys_of("select_organization", "user_id", "org_id"),
    *lists_of("get_orgs_with_members_batch", "org_ids"),
    BadArgument("increment_usage", "count", [0, *NOT_COUNTS]),
    *keys_of("record_usage_event", "org_id", "event_type"),
    BadArgument("record_usage_event", "count", NOT_COUNTS),
    *documents_of("record_usage_event", "metadata"),
    BadArgument("get_events", "since", NOT_TIMESTAMPS),
    BadArgument("get_totals_by_type", "since", NOT_TIMESTAMPS),
    *keys_of("create_invitation", "org_id"),
    BadArgument("create_invitation", "email", NOT_EMAILS),
    BadArgument("create_invitation", "role", [*ROLES_REFUSED, "owner"]),
    BadArgument("create_invitation", "lifetime", [None, *NOT_LIFETIMES]),
    *keys_of("get_invitation_by_id", "invitation_id"),
    *keys_of("get_invitation_by_token", "token"),
    BadArgument("get_invitation_by_email", "email", NOT_EMAILS),
    BadArgument("update_invitation_status", "status", [None, "pending", "done", 5]),
    BadArgument("update_invitation_status", "accepted_at", [*NOT_TIMESTAMPS, day(1)]),
    BadArgument("update_invitation_status", "accepted_by", ["u1", 5, ""]),
    *keys_of("accept_invitation", "token", "user_id"),
    *keys_of("delete_invitation", "invitation_id"),
    *keys_of("link_oauth_provider", "user_id", "provider", "provider_user_id"),
    *optional_texts_of("link_oauth_provider", "email"),
    *keys_of("unlink_oauth_provider", "user_id", "provider"),
    *keys_of("get_user_by_oauth", "provider", "provider_user_id"),
    *keys_of("validate_reset_token", "token"),
    *keys_of("consume_reset_token", "token"),
    BadArgument("list_all_users", "role_filter", ["", "viewer", 5]),
    BadArgument("list_all_users", "org_id_filter", ["", 5]),
    BadArgument("list_all_users", "active_only", NOT_BOOLEANS),
    BadArgument("list_all_organizations", "tier_filter", ["", "gold", 5]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "create_user": {"email": "a@example.com", "password_hash": "x"},
    "update_user": {"user_id": "u"},
    "set_user_preferences": {"user_id": "u", "preferences": {}},
    "create_api_key": {"user_id": "u"},
    "use_backup_code": {"user_id": "u", "hashed_code": "c"},
    "create_organization": {"name": "N", "owner_id": "u"},
    "update_organization": {"org_id": "o"},
    "transfer_ownership": {"org_id": "o", "new_owner_id": "u"},
    "add_user_to_org": {"user_id": "u", "org_id": "o"},
    "set_member_role": {"user_id": "u", "org_id": "o", "role": "member"},
    "select_organization": {"user_id": "u", "org_id": "o"},
    "increment_usage": {"org_id": "o"},
    "record_usage_event": {"org_id": "o", "event_type": "t"},
    "get_events": {"org_id": "o"},
    "get_totals_by_type": {"org_id": "o"},
    "get_org_members": {"org_id": "o"},
    "get_invitations_for_org": {"org_id": "o"},
    "get_pending_invitations_by_email": {"email": "a@example.com"},
    "create_invitation": {"org_id": "o", "email": "a@example.com"},
    "get_invitation_by_email": {"org_id": "o"},
    "update_invitation_status": {"invitation_id": "i", "status": "revoked"},
    "accept_invitation": {"token": "t", "user_id": "u"},
    "link_oauth_provider": {"user_id": "u", "provider": "p", "provider_user_id": "x"},
    "unlink_oauth_provider": {"user_id": "u", "provider": "p"},
    "get_user_by_oauth": {"provider": "p", "provider_user_id": "x"},
}

CASES = StoreCases(
    make=make,
    add=add,
    count=count,
    foreign_table="users (id INTEGER PRIMARY KEY, login TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={
        "email": lambda s: s.create_user("nobody", "x"),
        "nickname": lambda s: s.update_user("u", nickname="x"),
    },
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
