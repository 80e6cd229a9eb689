"""Organizations, who belongs to them, and what they use."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import AlreadyTakenError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.users.base import UserStorePart, newest_first
from aragora_sql.stores.users.changes import organization_changes
from aragora_sql.stores.users.records import (
    MEMBER_ROLES,
    TIERS,
    MemberRole,
    Membership,
    Organization,
    UsageEvent,
    UsageSummary,
    User,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import UsersQueries

__all__ = ["Organizations"]

# Other slugs that are tried when one made of a name is taken: random ones, so one will do.
_TRIES = 5


class Organizations(UserStorePart):
    """Organizations, memberships and usage."""

    _queries: UsersQueries

    async def create_organization(
        self, name: str, owner_id: str, slug: str | None = None, tier: str = "free"
    ) -> Organization:
        """Store an organization and make its owner a member, who has selected it from then on.

        Without ``slug`` it is made of the name: in lower case, hyphens for blanks and underscores,
        and eight hexadecimal digits behind it where another organization has that. Raises
        :class:`~aragora_sql.errors.AlreadyTakenError` when ``slug`` is taken, and
        :class:`~aragora_sql.errors.MissingParentError` when there is no such owner.
        """
        now = utc_now()
        organization = Organization(
            id=new_id(),
            name=valid.identifier(name, "name"),
            slug=_slug_of(name) if slug is None else valid.key(slug, "slug"),
            tier=valid.choice(tier, "tier", TIERS),
            owner_id=valid.key(owner_id, "owner_id"),
            stripe_customer_id=None,
            stripe_subscription_id=None,
            debates_used_this_month=0,
            billing_cycle_start=now,
            settings={},
            trial_started_at=None,
            trial_expires_at=None,
            trial_debates_limit=10,
            trial_converted=False,
            created_at=now,
            updated_at=now,
        )
        async with self._database.transaction() as connection:
            stored = await self._insert(connection, organization, may_vary=slug is None)
            await self._queries.save_membership(
                connection,
                user_id=stored.owner_id,
                org_id=stored.id,
                member_role="admin",
                at_time=now,
            )
        return stored

    async def _insert(
        self, connection: Connection, organization: Organization, *, may_vary: bool
    ) -> Organization:
        slugs = [organization.slug]
        if may_vary:
            slugs += [f"{organization.slug}-{secrets.token_hex(4)}" for _ in range(_TRIES)]
        for slug in slugs:
            if await self._queries.insert_organization(
                connection,
                id=organization.id,
                name=organization.name,
                slug=slug,
                tier=organization.tier,
                owner_id=organization.owner_id,
                billing_cycle_start=organization.billing_cycle_start,
                created_at=organization.created_at,
                updated_at=organization.updated_at,
            ):
                return record_of(Organization, **{**dict(organization), "slug": slug})
        raise AlreadyTakenError("slug", f"{organization.slug!r} is another organization's")

    async def get_organization_by_id(self, org_id: str) -> Organization | None:
        """Return an organization, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_organization(
                connection, org_id=valid.key(org_id, "org_id")
            )
        return None if row is None else record_of(Organization, **row)

    async def get_organization_by_slug(self, slug: str) -> Organization | None:
        """Return the organization of a slug, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_organization_by_slug(
                connection, slug=valid.key(slug, "slug")
            )
        return None if row is None else record_of(Organization, **row)

    async def get_organization_by_stripe_customer(
        self, stripe_customer_id: str
    ) -> Organization | None:
        """Return the organization of a customer at Stripe, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_organization_by_stripe_customer(
                connection, stripe_customer_id=valid.key(stripe_customer_id, "stripe_customer_id")
            )
        return None if row is None else record_of(Organization, **row)

    async def get_organization_by_subscription(
        self, stripe_subscription_id: str
    ) -> Organization | None:
        """Return the organization of a subscription at Stripe, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_organization_by_subscription(
                connection,
                stripe_subscription_id=valid.key(stripe_subscription_id, "stripe_subscription_id"),
            )
        return None if row is None else record_of(Organization, **row)

    async def update_organization(self, org_id: str, **fields: Any) -> bool:
        """Change fields of an organization; False when there is none.

        Those are ``name``, ``slug``, ``tier``, ``owner_id`` (as :meth:`transfer_ownership`), the
        identifiers at Stripe, ``debates_used_this_month``, ``billing_cycle_start``, ``settings``
        and what is about a trial. Others are refused. Raises
        :class:`~aragora_sql.errors.DuplicateKeyError` for what is another organization's.
        """
        valid.key(org_id, "org_id")
        changes = organization_changes(fields)
        new_owner = changes.pop("owner_id", None)
        async with self._database.transaction() as connection:
            row = await self._queries.lock_organization(connection, org_id=org_id)
            if row is None:
                return False
            now = utc_now()
            if changes:
                kept = {**row, "settings": valid.document(row["settings"], "settings"), **changes}
                await self._queries.set_organization(
                    connection,
                    org_id=org_id,
                    name=kept["name"],
                    slug=kept["slug"],
                    tier=kept["tier"],
                    stripe_customer_id=kept["stripe_customer_id"],
                    stripe_subscription_id=kept["stripe_subscription_id"],
                    debates_used_this_month=kept["debates_used_this_month"],
                    billing_cycle_start=kept["billing_cycle_start"],
                    settings=kept["settings"],
                    trial_started_at=kept["trial_started_at"],
                    trial_expires_at=kept["trial_expires_at"],
                    trial_debates_limit=kept["trial_debates_limit"],
                    trial_converted=kept["trial_converted"],
                    updated_at=now,
                )
            if new_owner is not None:
                await self._give(connection, org_id, new_owner, now, "owner_id")
        return True

    async def transfer_ownership(self, org_id: str, new_owner_id: str) -> bool:
        """Give an organization to one of its members; False when there is none.

        It has one owner at any time: the older one becomes an administrator by the same statement
        that makes the new one the owner. Who is no member is refused.
        """
        valid.key(org_id, "org_id")
        valid.key(new_owner_id, "new_owner_id")
        async with self._database.transaction() as connection:
            if await self._queries.lock_organization(connection, org_id=org_id) is None:
                return False
            await self._give(connection, org_id, new_owner_id, utc_now(), "new_owner_id")
        return True

    async def _give(
        self, connection: Connection, org_id: str, owner_id: str, now: datetime, argument: str
    ) -> None:
        role = await self._queries.get_member_role(connection, user_id=owner_id, org_id=org_id)
        if role is None:
            raise InvalidInputError(
                argument, f"must be a member of the organization, and {owner_id!r} is none"
            )
        await self._queries.set_owner(connection, org_id=org_id, owner_id=owner_id, updated_at=now)

    async def delete_organization(self, org_id: str) -> bool:
        """Delete an organization with its memberships, invitations and usage; False: none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_organization(
                    connection, org_id=valid.key(org_id, "org_id")
                )
            )

    # Memberships

    async def add_user_to_org(self, user_id: str, org_id: str, role: str = "member") -> bool:
        """Make a user a member of an organization, which is the user's present one from then on.

        Other memberships stay. Of a member the role changes. Returns True. Raises
        :class:`~aragora_sql.errors.MissingParentError` when there is no such user or organization.
        """
        async with self._database.connection() as connection:
            await self._queries.save_membership(
                connection,
                user_id=valid.key(user_id, "user_id"),
                org_id=valid.key(org_id, "org_id"),
                member_role=valid.choice(role, "role", MEMBER_ROLES),
                at_time=utc_now(),
            )
        return True

    async def remove_user_from_org(self, user_id: str, org_id: str | None = None) -> bool:
        """End a membership, without ``org_id`` that of the present one; False when there is none.

        Raises :class:`~aragora_sql.errors.OrganizationOwnerError` for the owner.
        """
        valid.key(user_id, "user_id")
        wanted = valid.optional(org_id, "org_id", valid.key)
        async with self._database.transaction() as connection:
            return await self._leave(connection, user_id, wanted)

    async def _leave(self, connection: Connection, user_id: str, org_id: str | None) -> bool:
        if org_id is None:
            org_id = await self._queries.present_organization(connection, user_id=user_id)
        if org_id is None or not await self._refuse_owner(connection, user_id, org_id):
            return False
        return bool(
            await self._queries.delete_membership(connection, user_id=user_id, org_id=org_id)
        )

    async def set_member_role(self, user_id: str, org_id: str, role: str) -> bool:
        """Change the role of a member, not which organization is selected; False: no member.

        Raises :class:`~aragora_sql.errors.OrganizationOwnerError` for the owner.
        """
        valid.key(user_id, "user_id")
        valid.key(org_id, "org_id")
        chosen = valid.choice(role, "role", MEMBER_ROLES)
        async with self._database.transaction() as connection:
            await self._refuse_owner(connection, user_id, org_id)
            return bool(
                await self._queries.set_member_role(
                    connection, user_id=user_id, org_id=org_id, member_role=chosen
                )
            )

    async def select_organization(self, user_id: str, org_id: str) -> bool:
        """Make an organization the present one of its member; False when the user is no member."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.select_organization(
                    connection,
                    user_id=valid.key(user_id, "user_id"),
                    org_id=valid.key(org_id, "org_id"),
                    at_time=utc_now(),
                )
            )

    async def get_memberships(self, user_id: str) -> list[Membership]:
        """Return the organizations of a user with the roles in them, the present one first."""
        async with self._database.read() as connection:
            rows = self._queries.list_memberships(connection, user_id=valid.key(user_id, "user_id"))
            return [record_of(Membership, **row) async for row in rows]

    async def get_org_members(
        self, org_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[User]:
        """Return the members of an organization by id, with their roles in it.

        ``after`` is the last one of the page before.
        """
        valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        (after_user,) = key_of(after, {"id": valid.text}, ("",))
        async with self._database.read() as connection:
            rows = self._queries.list_members(
                connection, org_id=org_id, after_user=after_user, row_limit=row_limit
            )
            return [record_of(User, **row) async for row in rows]

    async def get_org_members_eager(self, org_id: str) -> tuple[Organization | None, list[User]]:
        """Return an organization with all of its members, in two round trips."""
        found = await self.get_orgs_with_members_batch([valid.key(org_id, "org_id")])
        return found.get(org_id, (None, []))

    async def get_orgs_with_members_batch(
        self, org_ids: Iterable[str]
    ) -> dict[str, tuple[Organization, list[User]]]:
        """Return organizations with all of their members, by id; one that is not there is missing.

        Two round trips, however many they are.
        """
        wanted = valid.identifiers(org_ids, "org_ids")
        async with self._database.read() as connection:
            found: dict[str, tuple[Organization, list[User]]] = {}
            async for row in self._queries.list_organizations_by_id(connection, org_ids=wanted):
                organization = record_of(Organization, **row)
                found[organization.id] = organization, []
            async for member in self._queries.list_members_of(connection, org_ids=wanted):
                user = record_of(User, **member)
                if user.org_id in found:
                    found[user.org_id][1].append(user)
        return found

    # Usage

    async def increment_usage(self, org_id: str, count: int = 1) -> int:
        """Count debates of an organization and return its new total; 0 when there is none."""
        async with self._database.connection() as connection:
            total = await self._queries.add_usage(
                connection,
                org_id=valid.key(org_id, "org_id"),
                debates=valid.integer(count, "count", least=1),
            )
        return total or 0

    async def reset_org_usage(self, org_id: str) -> bool:
        """Begin a new cycle of an organization now; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.reset_usage(
                    connection, org_id=valid.key(org_id, "org_id"), at_time=utc_now()
                )
            )

    async def reset_monthly_usage(self) -> int:
        """Begin a new cycle of all organizations now, and return how many they are."""
        async with self._database.connection() as connection:
            return await self._queries.reset_all_usage(connection, at_time=utc_now())

    async def record_usage_event(
        self,
        org_id: str,
        event_type: str,
        count: int = 1,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Store that an organization used something.

        Raises :class:`~aragora_sql.errors.MissingParentError` when there is no such organization.
        """
        async with self._database.connection() as connection:
            await self._queries.insert_usage_event(
                connection,
                org_id=valid.key(org_id, "org_id"),
                event_type=valid.key(event_type, "event_type"),
                event_count=valid.integer(count, "count"),
                metadata=valid.document(metadata, "metadata"),
                created_at=utc_now(),
            )

    async def get_usage_summary(self, org_id: str) -> UsageSummary | None:
        """Return what an organization used in its present cycle, or None when there is none."""
        async with self._database.read() as connection:
            organization = await self.get_organization_by_id(org_id)
            if organization is None:
                return None
            rows = self._queries.sum_events(
                connection, org_id=org_id, since=organization.billing_cycle_start
            )
            events = {row["event_type"]: row["total"] async for row in rows}
        return UsageSummary(
            org_id=organization.id,
            tier=organization.tier,
            debates_used=organization.debates_used_this_month,
            debates_limit=organization.debates_limit,
            debates_remaining=organization.debates_remaining,
            is_at_limit=organization.is_at_limit,
            billing_cycle_start=organization.billing_cycle_start,
            events=events,
        )

    async def get_events(
        self,
        org_id: str,
        event_type: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[UsageEvent]:
        """Return what an organization used, the newest first; ``since`` is an aware time.

        ``after`` is the last one of the page before.
        """
        valid.key(org_id, "org_id")
        kind = valid.optional(event_type, "event_type", valid.key)
        begin = FIRST_TIMESTAMP if since is None else valid.timestamp(since, "since")
        row_limit = valid.limit(limit)
        before_time, before_id = newest_first(after, _number)
        async with self._database.read() as connection:
            if kind is None:
                rows = self._queries.list_events(
                    connection,
                    org_id=org_id,
                    since=begin,
                    before_time=before_time,
                    before_id=before_id,
                    row_limit=row_limit,
                )
                return [record_of(UsageEvent, **row) async for row in rows]
            of_type = self._queries.list_events_of_type(
                connection,
                org_id=org_id,
                event_type=kind,
                since=begin,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            return [record_of(UsageEvent, **row) async for row in of_type]

    async def get_totals_by_type(
        self, org_id: str, since: datetime | None = None
    ) -> dict[str, int]:
        """Return what an organization used since an aware time, added up by type."""
        valid.key(org_id, "org_id")
        begin = FIRST_TIMESTAMP if since is None else valid.timestamp(since, "since")
        async with self._database.read() as connection:
            rows = self._queries.sum_events(connection, org_id=org_id, since=begin)
            return {row["event_type"]: row["total"] async for row in rows}

    async def _join(
        self,
        connection: Connection,
        user_id: str,
        org_id: str,
        role: MemberRole | None,
        now: datetime,
    ) -> None:
        """Make a user a member; without ``role`` one that is a member keeps that."""
        if role is None:
            if await self._queries.select_organization(
                connection, user_id=user_id, org_id=org_id, at_time=now
            ):
                return
            role = "member"
        await self._queries.save_membership(
            connection, user_id=user_id, org_id=org_id, member_role=role, at_time=now
        )


def _slug_of(name: str) -> str:
    return valid.key(name.strip().lower().replace(" ", "-").replace("_", "-"), "name")


def _number(value: Any, argument: str) -> int:
    return valid.integer(value, argument, most=2**63 - 1)
