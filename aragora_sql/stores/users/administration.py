"""Lists and figures for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aragora_sql.database.values import utc_now
from aragora_sql.stores import validation as valid
from aragora_sql.stores.paging import LastRow
from aragora_sql.stores.records import record_of
from aragora_sql.stores.users.base import UserStorePart, newest_first
from aragora_sql.stores.users.records import ROLES, TIERS, AdminStats, Organization, User

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import UsersQueries

__all__ = ["Administration"]


class Administration(UserStorePart):
    """What administrators look at."""

    _queries: UsersQueries

    async def list_all_users(
        self,
        limit: int = 50,
        *,
        after: LastRow | None = None,
        org_id_filter: str | None = None,
        role_filter: str | None = None,
        active_only: bool = False,
    ) -> tuple[list[User], int]:
        """Return accounts, the newest first, and how many there are in all.

        ``after`` is the last one of the page before. With ``org_id_filter`` those are the members
        of an organization with their roles in it.
        """
        row_limit = valid.limit(limit)
        before_time, before_id = newest_first(after)
        org_id = valid.optional(org_id_filter, "org_id_filter", valid.key)
        role = valid.optional(
            role_filter, "role_filter", lambda value, name: valid.choice(value, name, ROLES)
        )
        valid.boolean(active_only, "active_only")
        async with self._database.read() as connection:
            if org_id is None:
                rows = self._queries.list_users(
                    connection,
                    active_only=active_only,
                    role=role,
                    before_time=before_time,
                    before_id=before_id,
                    row_limit=row_limit,
                )
                users = [record_of(User, **row) async for row in rows]
                total = await self._queries.count_users(
                    connection, active_only=active_only, role=role
                )
                return users, total
            members = self._queries.list_users_of(
                connection,
                org_id=org_id,
                active_only=active_only,
                role=role,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            users = [record_of(User, **row) async for row in members]
            total = await self._queries.count_users_of(
                connection, org_id=org_id, active_only=active_only, role=role
            )
            return users, total

    async def list_all_organizations(
        self,
        limit: int = 50,
        *,
        after: LastRow | None = None,
        tier_filter: str | None = None,
    ) -> tuple[list[Organization], int]:
        """Return organizations, the newest first, and how many there are in all; or of a tier.

        ``after`` is the last one of the page before.
        """
        row_limit = valid.limit(limit)
        before_time, before_id = newest_first(after)
        tier = valid.optional(
            tier_filter, "tier_filter", lambda value, name: valid.choice(value, name, TIERS)
        )
        async with self._database.read() as connection:
            rows = self._queries.list_organizations(
                connection,
                tier=tier,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            found = [record_of(Organization, **row) async for row in rows]
            tiers = [row async for row in self._queries.summarize_tiers(connection)]
        return found, sum(row["organizations"] for row in tiers if tier in (None, row["tier"]))

    async def get_admin_stats(self) -> AdminStats:
        """Return figures about all accounts and organizations."""
        now = utc_now()
        async with self._database.read() as connection:
            users = await self._queries.summarize_users(
                connection,
                active_after=now - timedelta(days=1),
                created_after=now - timedelta(days=7),
            )
            tiers = [row async for row in self._queries.summarize_tiers(connection)]
        return AdminStats(
            total_users=users["total_users"],
            active_users=users["active_users"],
            total_organizations=sum(row["organizations"] for row in tiers),
            tier_distribution={row["tier"]: row["organizations"] for row in tiers},
            total_debates_this_month=sum(row["debates"] for row in tiers),
            users_active_24h=users["recent_users"],
            new_users_7d=users["new_users"],
            new_orgs_7d=users["new_organizations"],
        )
