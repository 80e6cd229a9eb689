"""Sign-in: accounts at providers, lockout after failed logins, and password reset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aragora_sql.database.values import utc_now
from aragora_sql.errors import AlreadyTakenError, ResetTokenLimitError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import record_of
from aragora_sql.stores.tokens import new_token, token_hash
from aragora_sql.stores.users.base import UserStorePart
from aragora_sql.stores.users.emails import email_key
from aragora_sql.stores.users.records import LockoutInfo, OAuthLink, ResetTokenProblem, User

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import UsersQueries

__all__ = ["LOCKOUT_STEPS", "RESET_LIFETIME", "RESET_LIMIT", "SignIn"]

# As the query add_failed_login has them, which counts: failed logins, and how long they lock.
LOCKOUT_STEPS = (
    (5, timedelta(minutes=15)),
    (10, timedelta(hours=1)),
    (20, timedelta(days=1)),
)
RESET_LIFETIME = timedelta(hours=1)
# Tokens of an address within RESET_LIFETIME.
RESET_LIMIT = 3


class SignIn(UserStorePart):
    """Accounts at sign-in providers, lockout and password reset."""

    _queries: UsersQueries

    async def link_oauth_provider(
        self, user_id: str, provider: str, provider_user_id: str, email: str | None = None
    ) -> bool:
        """Let an account at a provider open a user's account, or change its address. Returns True.

        Raises :class:`~aragora_sql.errors.AlreadyTakenError` when it opens another user's, and
        :class:`~aragora_sql.errors.MissingParentError` when there is no such user.
        """
        async with self._database.connection() as connection:
            owner = await self._queries.link_oauth(
                connection,
                user_id=valid.key(user_id, "user_id"),
                provider=_provider(provider),
                provider_user_id=valid.key(provider_user_id, "provider_user_id"),
                email=valid.optional_text(email, "email"),
                linked_at=utc_now(),
            )
        if owner is None:
            raise AlreadyTakenError("provider_user_id", "is linked to another user")
        return True

    async def unlink_oauth_provider(self, user_id: str, provider: str) -> bool:
        """Take away all accounts of a user at a provider; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.unlink_oauth(
                    connection,
                    user_id=valid.key(user_id, "user_id"),
                    provider=_provider(provider),
                )
            )

    async def get_user_by_oauth(self, provider: str, provider_user_id: str) -> User | None:
        """Return the account that an account at a provider opens, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_user_by_oauth(
                connection,
                provider=_provider(provider),
                provider_user_id=valid.key(provider_user_id, "provider_user_id"),
            )
        return None if row is None else record_of(User, **row)

    async def get_user_oauth_providers(self, user_id: str) -> list[OAuthLink]:
        """Return the accounts of a user at sign-in providers, by provider."""
        async with self._database.read() as connection:
            rows = self._queries.list_oauth(connection, user_id=valid.key(user_id, "user_id"))
            return [record_of(OAuthLink, **row) async for row in rows]

    # Lockout

    async def is_account_locked(self, email: str) -> tuple[bool, datetime | None, int]:
        """Return whether an address is locked, until when, and its failed logins.

        Of an unknown address ``(False, None, 0)``.
        """
        info = await self.get_lockout_info(email)
        return info.is_locked, info.lockout_until if info.is_locked else None, info.failed_attempts

    async def record_failed_login(self, email: str) -> tuple[int, datetime | None]:
        """Count a failed login and return how many there are, and until when the account is locked.

        From the fifth on one locks it for 15 minutes, from the tenth on for an hour, from the
        twentieth on for a day, each from its own time. Failed logins at once all count. Of an
        unknown address ``(0, None)``.
        """
        async with self._database.connection() as connection:
            row = await self._queries.add_failed_login(
                connection, email_key=email_key(email), at_time=utc_now()
            )
        return (0, None) if row is None else (row["failed_login_attempts"], row["lockout_until"])

    async def reset_failed_login_attempts(self, email: str) -> bool:
        """Forget the failed logins of an address after one that succeeded, which is kept.

        False when there is no such account.
        """
        async with self._database.connection() as connection:
            return bool(
                await self._queries.reset_failed_logins(
                    connection, email_key=email_key(email), at_time=utc_now()
                )
            )

    async def get_lockout_info(self, email: str) -> LockoutInfo:
        """Return the failed logins of an address, and whether and how long it is locked."""
        key = email_key(email)
        async with self._database.read() as connection:
            row = await self._queries.get_lockout(connection, email_key=key)
        failed = 0 if row is None else row["failed_login_attempts"]
        until = None if row is None else row["lockout_until"]
        remaining = 0.0 if until is None else max(0.0, (until - utc_now()).total_seconds())
        return LockoutInfo(
            email=key,
            exists=row is not None,
            is_locked=remaining > 0,
            failed_attempts=failed,
            lockout_until=until,
            last_failed_at=None if row is None else row["last_failed_login_at"],
            remaining_seconds=remaining,
            attempts_left=next(
                (step - failed - 1 for step, _ in LOCKOUT_STEPS if step > failed), None
            ),
        )

    # Password reset

    async def create_reset_token(self, email: str) -> str:
        """Store a reset token for an address and return it, for the message to the address.

        It can be used once within an hour. Only its SHA-256 (of 256 random bits) is stored, also
        for an address without an account, so that nobody learns which have one. Raises
        :class:`~aragora_sql.errors.ResetTokenLimitError` for the fourth within an hour, used or
        not.
        """
        key, token, now = email_key(email), new_token(), utc_now()
        async with self._database.transaction() as connection:
            await self._queries.hold_reset_tokens(connection, email_key=key)
            made = await self._queries.count_reset_tokens(
                connection, email_key=key, created_after=now - RESET_LIFETIME
            )
            if made >= RESET_LIMIT:
                raise ResetTokenLimitError(RESET_LIMIT, int(RESET_LIFETIME.total_seconds()))
            await self._queries.insert_reset_token(
                connection,
                token_hash=token_hash(token, "token"),
                email_key=key,
                created_at=now,
                expires_at=now + RESET_LIFETIME,
            )
        return token

    async def validate_reset_token(self, token: str) -> tuple[str | None, ResetTokenProblem | None]:
        """Return the address that a token was made for, or why it opens nothing.

        ``(address, None)``, or None with ``unknown``, ``used`` or ``expired``. The address is in
        its normal form. Nothing changes: :meth:`consume_reset_token` decides.
        """
        async with self._database.read() as connection:
            row = await self._queries.get_reset_token(
                connection, token_hash=token_hash(token, "token")
            )
        if row is None:
            return None, "unknown"
        if row["used_at"] is not None:
            return None, "used"
        if row["expires_at"] <= utc_now():
            return None, "expired"
        return row["email_key"], None

    async def consume_reset_token(self, token: str) -> str | None:
        """Use a token and return its address; None when it opens nothing.

        Of two calls at once with one token, one gets the address.
        """
        async with self._database.connection() as connection:
            return await self._queries.use_reset_token(
                connection, token_hash=token_hash(token, "token"), at_time=utc_now()
            )

    async def invalidate_reset_tokens(self, email: str) -> int:
        """Make the unused reset tokens of an address void, and return how many there were.

        They count for the limit of the address as before.
        """
        async with self._database.connection() as connection:
            return await self._queries.void_reset_tokens(
                connection, email_key=email_key(email), at_time=utc_now()
            )

    async def cleanup_reset_tokens(self) -> int:
        """Delete reset tokens that are over and count for no limit, and return how many."""
        now = utc_now()
        async with self._database.connection() as connection:
            return await self._queries.delete_old_reset_tokens(
                connection, expired_at=now, created_before=now - RESET_LIFETIME
            )


def _provider(provider: str) -> str:
    return valid.key(provider, "provider").strip().lower()
