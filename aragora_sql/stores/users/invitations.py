"""Invitations to organizations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aragora_sql.database.values import utc_now
from aragora_sql.errors import AlreadyTakenError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.paging import LastRow
from aragora_sql.stores.records import record_of
from aragora_sql.stores.tokens import new_token, token_hash
from aragora_sql.stores.users.base import lifetime_of, newest_first
from aragora_sql.stores.users.emails import email_key
from aragora_sql.stores.users.organizations import Organizations
from aragora_sql.stores.users.records import (
    INVITATION_STATUSES,
    MEMBER_ROLES,
    CreatedInvitation,
    OrganizationInvitation,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import UsersQueries

__all__ = ["INVITATION_LIFETIME", "Invitations"]

INVITATION_LIFETIME = timedelta(days=7)


class Invitations(Organizations):
    """Invitations; of an organization one waits for an address at a time."""

    _queries: UsersQueries

    async def create_invitation(
        self,
        org_id: str,
        email: str,
        role: str = "member",
        invited_by: str | None = None,
        *,
        lifetime: timedelta = INVITATION_LIFETIME,
    ) -> CreatedInvitation:
        """Store an invitation and return it with its token, for the message to the address.

        Only the SHA-256 of the token (256 random bits) is stored. Raises
        :class:`~aragora_sql.errors.AlreadyTakenError` while another one of the organization waits
        for the address, and :class:`~aragora_sql.errors.MissingParentError` when there is no such
        organization or inviting user.
        """
        now = utc_now()
        key, token = email_key(email), new_token()
        member_role = valid.choice(role, "role", MEMBER_ROLES)
        invitation = OrganizationInvitation(
            id=new_id(),
            org_id=valid.key(org_id, "org_id"),
            email=email.strip(),
            role=member_role,
            invited_by=valid.optional(invited_by, "invited_by", valid.key),
            status="pending",
            created_at=now,
            expires_at=now + lifetime_of(lifetime),
            accepted_by=None,
            accepted_at=None,
        )
        async with self._database.transaction() as connection:
            await self._queries.expire_invitation(
                connection, org_id=invitation.org_id, email_key=key, at_time=now
            )
            if not await self._queries.insert_invitation(
                connection,
                id=invitation.id,
                org_id=invitation.org_id,
                email=invitation.email,
                email_key=key,
                member_role=member_role,
                token_hash=token_hash(token, "token"),
                invited_by=invitation.invited_by,
                created_at=invitation.created_at,
                expires_at=invitation.expires_at,
            ):
                raise AlreadyTakenError("email", "an invitation of the organization waits for it")
        return CreatedInvitation(invitation, token)

    async def get_invitation_by_id(self, invitation_id: str) -> OrganizationInvitation | None:
        """Return an invitation, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_invitation(
                connection, invitation_id=valid.key(invitation_id, "invitation_id")
            )
        return None if row is None else record_of(OrganizationInvitation, **row)

    async def get_invitation_by_token(self, token: str) -> OrganizationInvitation | None:
        """Return the invitation of a token, whatever its status and also when it is over."""
        async with self._database.read() as connection:
            row = await self._queries.get_invitation_by_token(
                connection, token_hash=token_hash(token, "token")
            )
        return None if row is None else record_of(OrganizationInvitation, **row)

    async def get_invitation_by_email(
        self, org_id: str, email: str
    ) -> OrganizationInvitation | None:
        """Return the invitation of an organization that waits for an address, or None."""
        async with self._database.read() as connection:
            row = await self._queries.find_pending_invitation(
                connection, org_id=valid.key(org_id, "org_id"), email_key=email_key(email)
            )
        return None if row is None else record_of(OrganizationInvitation, **row)

    async def get_invitations_for_org(
        self, org_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[OrganizationInvitation]:
        """Return the invitations of an organization, the newest first.

        ``after`` is the last one of the page before.
        """
        valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        before_time, before_id = newest_first(after)
        async with self._database.read() as connection:
            rows = self._queries.list_invitations(
                connection,
                org_id=org_id,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            return [record_of(OrganizationInvitation, **row) async for row in rows]

    async def get_pending_invitations_by_email(
        self, email: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[OrganizationInvitation]:
        """Return the invitations that wait for an address, the newest first.

        Those that are over are among them until :meth:`cleanup_expired_invitations` ends them.
        """
        key = email_key(email)
        row_limit = valid.limit(limit)
        before_time, before_id = newest_first(after)
        async with self._database.read() as connection:
            rows = self._queries.list_pending_invitations(
                connection,
                email_key=key,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            return [record_of(OrganizationInvitation, **row) async for row in rows]

    async def update_invitation_status(
        self,
        invitation_id: str,
        status: str,
        accepted_at: datetime | None = None,
        accepted_by: str | None = None,
    ) -> bool:
        """End an invitation that waits; False when it does not, or is not there.

        :meth:`accept_invitation` makes the user a member as well. ``accepted_at`` defaults to now
        for ``accepted``; it and ``accepted_by`` go with no other status.
        """
        valid.key(invitation_id, "invitation_id")
        allowed = [one for one in INVITATION_STATUSES if one != "pending"]
        chosen = valid.choice(status, "status", allowed)
        user_id = valid.optional(accepted_by, "accepted_by", valid.key)
        at_time = valid.optional(accepted_at, "accepted_at", valid.timestamp)
        if chosen == "accepted":
            at_time = at_time or utc_now()
        elif at_time is not None or user_id is not None:
            argument = "accepted_at" if at_time is not None else "accepted_by"
            raise InvalidInputError(argument, f"does not go with the status {chosen}")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_invitation_status(
                    connection,
                    invitation_id=invitation_id,
                    status=chosen,
                    accepted_by=user_id,
                    accepted_at=at_time,
                )
            )

    async def accept_invitation(self, token: str, user_id: str) -> OrganizationInvitation | None:
        """Accept an invitation and make the user a member, both or neither.

        Returns None when the token is unknown, or the invitation over or ended: of two calls at
        once with one token, one gets the invitation.
        """
        hashed = token_hash(token, "token")
        valid.key(user_id, "user_id")
        now = utc_now()
        async with self._database.transaction() as connection:
            row = await self._queries.accept_invitation(
                connection, token_hash=hashed, user_id=user_id, at_time=now
            )
            if row is None:
                return None
            member_role = valid.choice(row["role"], "role", MEMBER_ROLES)
            await self._join(connection, user_id, row["org_id"], member_role, now)
        return record_of(OrganizationInvitation, **row)

    async def delete_invitation(self, invitation_id: str) -> bool:
        """Delete an invitation; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_invitation(
                    connection, invitation_id=valid.key(invitation_id, "invitation_id")
                )
            )

    async def cleanup_expired_invitations(self) -> int:
        """Set the status of invitations that are over to expired, and return how many."""
        async with self._database.connection() as connection:
            return await self._queries.expire_invitations(connection, at_time=utc_now())
