"""What the parts of the store of users and organizations share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import InvalidInputError, OrganizationOwnerError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import UsersQueries

__all__ = ["UserStorePart", "lifetime_of", "newest_first"]

_LONGEST = timedelta(days=365 * 1000)


class UserStorePart(Store):
    """A part of the store; see :class:`~aragora_sql.stores.users.store.UserStore`."""

    name = "users"
    _queries: UsersQueries

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring

    async def _refuse_owner(
        self, connection: Connection, user_id: str, org_id: str, argument: str = "user_id"
    ) -> bool:
        """Take an organization; raise when the user owns it, return whether there is one."""
        organization = await self._queries.lock_organization(connection, org_id=org_id)
        if organization is not None and organization["owner_id"] == user_id:
            raise OrganizationOwnerError(user_id, org_id, argument)
        return organization is not None


def newest_first(after: LastRow | None, key_check: Any = valid.text) -> tuple[datetime, Any]:
    """Return the place behind the last row of the page before in a list, the newest first."""
    first = (LAST_TIMESTAMP, "" if key_check is valid.text else 0)
    created_at, key = key_of(after, {"created_at": valid.timestamp, "id": key_check}, first)
    return created_at, key


def lifetime_of(value: Any, argument: str = "lifetime") -> timedelta:
    """Check how long something opens what it opens: more than nothing, at most 1000 years."""
    if not isinstance(value, timedelta) or not timedelta(0) < value <= _LONGEST:
        raise InvalidInputError(argument, "must be a timedelta above 0, at most 1000 years")
    return value
