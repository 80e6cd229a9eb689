"""Accounts: who there is, API keys, preferences, and the secrets of second factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    DuplicateKeyError,
    EncryptionError,
    InvalidInputError,
    OrganizationOwnerError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import (
    Change,
    RotatesKeys,
    Rotation,
    RotationFailure,
    change_of,
    try_keys,
)
from aragora_sql.stores.tokens import PREFIX_LENGTH, new_api_key, token_hash
from aragora_sql.stores.user_secrets import reseal, seal
from aragora_sql.stores.users.base import lifetime_of
from aragora_sql.stores.users.changes import UserChange, user_change
from aragora_sql.stores.users.emails import email_key
from aragora_sql.stores.users.mfa import MfaSecrets, backup_codes_text, open_mfa
from aragora_sql.stores.users.organizations import Organizations
from aragora_sql.stores.users.records import MEMBER_ROLES, ROLES, MemberRole, Role, User

if TYPE_CHECKING:
    from aragora_sql.queries.typed.users import (
        GetMfaSecretsRow,
        LockUsersRow,
        SetMfaSecretsParameters,
        SetUsersParameters,
        UsersQueries,
    )

__all__ = ["API_KEY_LIFETIME", "Accounts"]

API_KEY_LIFETIME = timedelta(days=365)
_TAKEN = "another account has this address"


class Accounts(RotatesKeys, Organizations):
    """Accounts, with what is theirs alone."""

    _queries: UsersQueries

    async def create_user(
        self,
        email: str,
        password_hash: str,
        password_salt: str = "",
        name: str = "",
        org_id: str | None = None,
        role: str = "member",
        *,
        email_verified: bool = False,
        is_service_account: bool = False,
        service_account_created_by: str | None = None,
        service_account_scopes: Iterable[Any] | None = None,
    ) -> User:
        """Store an account and return it.

        ``password_hash`` is whatever the application makes of the password. With ``org_id`` the
        account is a member of the organization in this role, which is ``member`` or ``admin`` then.
        Raises :class:`~aragora_sql.errors.AlreadyTakenError` when another account has the address,
        in whatever case, and :class:`~aragora_sql.errors.MissingParentError` when there is no such
        organization.
        """
        key = email_key(email)
        organization = valid.optional(org_id, "org_id", valid.key)
        account_role: Role = "member"
        member_role: MemberRole | None = None
        if organization is None:
            account_role = valid.choice(role, "role", ROLES)
        else:
            member_role = valid.choice(role, "role", MEMBER_ROLES)
        scopes = valid.optional(service_account_scopes, "service_account_scopes", valid.items)
        now = utc_now()
        user = User(
            id=new_id(),
            email=email.strip(),
            name=valid.text(name, "name"),
            org_id=organization,
            role=member_role or account_role,
            is_active=True,
            email_verified=valid.boolean(email_verified, "email_verified"),
            account_role=account_role,
            password_hash=valid.text(password_hash, "password_hash"),
            password_salt=valid.text(password_salt, "password_salt"),
            api_key_hash=None,
            api_key_prefix=None,
            api_key_created_at=None,
            api_key_expires_at=None,
            mfa_enabled=False,
            mfa_grace_period_started_at=None,
            mfa_bypass_reason=None,
            mfa_bypass_approved_by=None,
            mfa_bypass_approved_at=None,
            mfa_bypass_expires_at=None,
            is_service_account=valid.boolean(is_service_account, "is_service_account"),
            service_account_created_by=valid.optional(
                service_account_created_by, "service_account_created_by", valid.key
            ),
            service_account_scopes=scopes,
            token_version=1,
            failed_login_attempts=0,
            lockout_until=None,
            last_failed_login_at=None,
            last_login_at=None,
            created_at=now,
            updated_at=now,
        )
        encoded = None if scopes is None else valid.array(scopes, "service_account_scopes")
        if organization is None:
            async with self._database.connection() as connection:
                await self._insert_user(connection, user, key, encoded)
        else:
            async with self._database.transaction() as connection:
                await self._insert_user(connection, user, key, encoded)
                await self._join(connection, user.id, organization, member_role, now)
        return user

    async def _insert_user(
        self, connection: Connection, user: User, key: str, scopes: str | None
    ) -> None:
        if not await self._queries.insert_user(
            connection,
            id=user.id,
            email=user.email,
            email_key=key,
            password_hash=user.password_hash,
            password_salt=user.password_salt,
            name=user.name,
            account_role=user.account_role,
            email_verified=user.email_verified,
            is_service_account=user.is_service_account,
            service_account_created_by=user.service_account_created_by,
            service_account_scopes=scopes,
            created_at=user.created_at,
            updated_at=user.updated_at,
        ):
            raise AlreadyTakenError("email", _TAKEN)

    async def get_user_by_id(self, user_id: str) -> User | None:
        """Return an account, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_user(connection, user_id=valid.key(user_id, "user_id"))
        return None if row is None else record_of(User, **row)

    async def get_user_by_email(self, email: str) -> User | None:
        """Return the account of an address, in whatever case it is given, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_user_by_email(connection, email_key=email_key(email))
        return None if row is None else record_of(User, **row)

    async def get_users_batch(self, user_ids: Iterable[str]) -> dict[str, User]:
        """Return accounts by id, in one round trip; one that is not there is missing."""
        wanted = valid.identifiers(user_ids, "user_ids")
        async with self._database.read() as connection:
            rows = self._queries.list_users_by_id(connection, user_ids=wanted)
            return {row["id"]: record_of(User, **row) async for row in rows}

    async def update_user(self, user_id: str, **fields: Any) -> bool:
        """Change fields of an account; False when there is none.

        Those are ``email``, ``password_hash``, ``password_salt``, ``name``, ``is_active``,
        ``email_verified``, ``last_login_at``, ``mfa_enabled``, ``mfa_secret`` and
        ``mfa_backup_codes`` (given as they are, stored encrypted), and the other fields of a second
        factor, of the API key and of service accounts. ``org_id`` makes it a member of an
        organization, or with None ends the present membership; ``role`` is that in the present
        organization, without one that of the account. Any other field is refused. Reset tokens of
        an address that is given up are void. Raises
        :class:`~aragora_sql.errors.AlreadyTakenError` for an address of another account.
        """
        change = user_change(user_id, fields, "", self._keyring)
        return bool(await self._update([change]))

    async def update_users_batch(self, updates: Iterable[Mapping[str, Any]]) -> int:
        """Change accounts, all or nothing, and return how many there were.

        Each of ``updates`` has ``user_id`` and fields as :meth:`update_user` takes them.
        """
        changes = []
        for number, update in enumerate(valid.items(updates, "updates")):
            path = f"updates[{number}]"
            if not isinstance(update, Mapping):
                raise InvalidInputError(path, f"must be a dictionary, not {type(update).__name__}")
            fields = dict(update)
            user_id = fields.pop("user_id", None)
            changes.append(user_change(user_id, fields, f"{path}.", self._keyring))
        return await self._update(changes) if changes else 0

    async def _update(self, changes: list[UserChange]) -> int:
        wanted = sorted({change.user_id for change in changes})
        now = utc_now()
        async with self._database.transaction() as connection:
            locked = self._queries.lock_users(connection, user_ids=wanted)
            rows = {row["id"]: row async for row in locked}
            present = [change for change in changes if change.user_id in rows]
            kept: dict[str, dict[str, Any]] = {}
            for change in present:
                if change.columns:
                    before = kept.get(change.user_id) or _columns(rows[change.user_id])
                    kept[change.user_id] = before | change.columns
            if kept:
                parameters: Any = [
                    {"user_id": user_id, **columns, "updated_at": now}
                    for user_id, columns in kept.items()
                ]
                await self._set_users(connection, parameters)
            for user_id, columns in kept.items():
                former = rows[user_id]["email_key"]
                if columns["email_key"] != former:
                    # Who reads the former address sets no new password any more.
                    await self._queries.void_reset_tokens(connection, email_key=former, at_time=now)
            for change in present:
                await self._change_membership(connection, change)
        return len({change.user_id for change in present})

    async def _set_users(
        self, connection: Connection, parameters: list[SetUsersParameters]
    ) -> None:
        try:
            await self._queries.set_users(connection, parameters)
        except DuplicateKeyError as error:
            if "email_key" not in str(error):
                raise
            raise AlreadyTakenError("email", _TAKEN) from error

    async def _change_membership(self, connection: Connection, change: UserChange) -> None:
        user_id, role, now = change.user_id, change.role, utc_now()
        if change.moves and change.org_id is None:
            await self._leave(connection, user_id, None)
        elif change.moves and change.org_id is not None:
            of_member = valid.optional(
                role, f"{change.path}role", lambda v, a: valid.choice(v, a, MEMBER_ROLES)
            )
            await self._join(connection, user_id, change.org_id, of_member, now)
            return
        if role is None:
            return
        org_id = await self._queries.present_organization(connection, user_id=user_id)
        account_role = role
        if org_id is not None and role != "superadmin":
            await self._refuse_owner(connection, user_id, org_id, f"{change.path}role")
            if role == "owner":
                raise InvalidInputError(
                    f"{change.path}role", "of an owner is moved by transfer_ownership()"
                )
            await self._queries.set_member_role(
                connection, user_id=user_id, org_id=org_id, member_role=role
            )
            account_role = "member"
        await self._queries.set_account_role(
            connection, user_id=user_id, account_role=account_role, updated_at=now
        )

    async def delete_user(self, user_id: str) -> bool:
        """Delete an account and what is personal of it; False when there is none.

        Its memberships, sign-in providers, reset tokens and the invitations to its address go with
        it. What others keep stays without it: invitations that it sent, the usage of its
        organizations, and what the audit log says. Raises
        :class:`~aragora_sql.errors.OrganizationOwnerError` for the owner of an organization.
        """
        valid.key(user_id, "user_id")
        async with self._database.transaction() as connection:
            locked = self._queries.lock_users(connection, user_ids=[user_id])
            rows = [row async for row in locked]
            if not rows:
                return False
            owned = await self._queries.find_owned_organization(connection, user_id=user_id)
            if owned is not None:
                raise OrganizationOwnerError(user_id, owned)
            key = rows[0]["email_key"]
            await self._queries.delete_invitations_to(connection, email_key=key)
            await self._queries.delete_reset_tokens(connection, email_key=key)
            return bool(await self._queries.delete_user(connection, user_id=user_id))

    # Preferences and sessions

    async def get_user_preferences(self, user_id: str) -> dict[str, Any] | None:
        """Return the preferences of a user, perhaps none; None when there is no such user."""
        async with self._database.read() as connection:
            row = await self._queries.get_preferences(
                connection, user_id=valid.key(user_id, "user_id")
            )
        return None if row is None else dict(row["preferences"])

    async def set_user_preferences(self, user_id: str, preferences: Mapping[str, Any]) -> bool:
        """Replace the preferences of a user as a whole; False when there is no such user."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_preferences(
                    connection,
                    user_id=valid.key(user_id, "user_id"),
                    preferences=valid.document(preferences, "preferences"),
                    updated_at=utc_now(),
                )
            )

    async def increment_token_version(self, user_id: str) -> int:
        """Make all tokens of a user void and return the version that counts; 0: no such user."""
        async with self._database.connection() as connection:
            version = await self._queries.raise_token_version(
                connection, user_id=valid.key(user_id, "user_id"), updated_at=utc_now()
            )
        return version or 0

    # API keys

    async def create_api_key(
        self, user_id: str, lifetime: timedelta | None = API_KEY_LIFETIME
    ) -> str | None:
        """Give a user a new API key in the place of an earlier one, and return it.

        It is ``ara_`` and 43 random characters (256 bits). Only its SHA-256 and its first 12
        characters are stored, so it can't be read again. It opens the account for ``lifetime``,
        None for ever. Returns None when there is no such user.
        """
        valid.key(user_id, "user_id")
        now = utc_now()
        expires_at = None if lifetime is None else now + lifetime_of(lifetime)
        key = new_api_key()
        async with self._database.connection() as connection:
            found = await self._queries.set_api_key(
                connection,
                user_id=user_id,
                api_key_hash=token_hash(key, "api_key"),
                api_key_prefix=key[:PREFIX_LENGTH],
                api_key_created_at=now,
                api_key_expires_at=expires_at,
                updated_at=now,
            )
        return key if found else None

    async def revoke_api_key(self, user_id: str) -> bool:
        """Take away the API key of a user; False when there is no such user."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_api_key(
                    connection,
                    user_id=valid.key(user_id, "user_id"),
                    api_key_hash=None,
                    api_key_prefix=None,
                    api_key_created_at=None,
                    api_key_expires_at=None,
                    updated_at=utc_now(),
                )
            )

    async def get_user_by_api_key(self, api_key: str) -> User | None:
        """Return the account that an API key opens now, or None.

        Whether the account may be used says ``is_active``.
        """
        async with self._database.read() as connection:
            row = await self._queries.get_user_by_api_key(
                connection, api_key_hash=token_hash(api_key, "api_key"), at_time=utc_now()
            )
        return None if row is None else record_of(User, **row)

    # Second factor

    async def get_mfa_secrets(self, user_id: str) -> MfaSecrets | None:
        """Return the decrypted secrets of a user's second factor; None when there is no such user.

        Raises :class:`~aragora_sql.errors.DecryptionError` when no key fits.
        """
        async with self._database.read() as connection:
            row = await self._queries.get_mfa_secrets(
                connection, user_id=valid.key(user_id, "user_id")
            )
        return None if row is None else self._opened(row)

    def _opened(self, row: GetMfaSecretsRow) -> MfaSecrets:
        return open_mfa(row["id"], row["mfa_secret"], row["mfa_backup_codes"], self._keyring)

    async def use_backup_code(self, user_id: str, hashed_code: str) -> bool:
        """Take a hashed backup code away; False when it is none of the user's, or no more.

        Of two calls at once with one code, one gets True.
        """
        valid.key(user_id, "user_id")
        valid.identifier(hashed_code, "hashed_code")
        async with self._database.transaction() as connection:
            locked = self._queries.lock_users(connection, user_ids=[user_id])
            rows = [row async for row in locked]
            if not rows:
                return False
            opened = open_mfa(user_id, None, rows[0]["mfa_backup_codes"], self._keyring)
            if hashed_code not in opened.backup_codes:
                return False
            left = list(opened.backup_codes)
            left.remove(hashed_code)
            text = backup_codes_text(left, "mfa_backup_codes")
            await self._queries.set_mfa_secrets(
                connection,
                [
                    {
                        "user_id": user_id,
                        "mfa_secret": rows[0]["mfa_secret"],
                        "mfa_backup_codes": seal(text, self._keyring, user_id, "mfa_backup_codes"),
                    }
                ],
            )
        return True

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on the secrets of at most ``limit`` users, and change nothing.

        Returns how many users were looked at, and those whose secrets no key fits.
        """
        return await try_keys(
            self._database, self._page_of_secrets, self._opened, _failure, "", limit
        )

    def _rotation(self) -> Rotation[GetMfaSecretsRow, str, SetMfaSecretsParameters]:
        return Rotation(
            count=self._queries.count_mfa_secrets,
            page=self._page_of_secrets,
            first="",
            place_of=itemgetter("id"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_mfa_secrets,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: str, size: int, locked: bool
    ) -> list[GetMfaSecretsRow]:
        read = self._queries.lock_mfa_secrets if locked else self._queries.list_mfa_secrets
        return [row async for row in read(connection, after_user=after, row_limit=size)]

    def _resealed(self, row: GetMfaSecretsRow) -> Change[SetMfaSecretsParameters]:
        user_id = row["id"]
        secret = reseal(user_id, row["mfa_secret"], "mfa_secret", self._keyring)
        codes = reseal(user_id, row["mfa_backup_codes"], "mfa_backup_codes", self._keyring)
        return change_of(
            {"user_id": user_id, "mfa_secret": secret.stored, "mfa_backup_codes": codes.stored},
            secret,
            codes,
        )


def _failure(row: GetMfaSecretsRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(user_id=row["id"], integration_type=None, problem=str(error))


def _columns(row: LockUsersRow) -> dict[str, Any]:
    """Return what a locked row holds as parameters of the statement that writes it back."""
    columns: dict[str, Any] = {name: value for name, value in row.items() if name != "id"}
    scopes = columns["service_account_scopes"]
    if scopes is not None:
        columns["service_account_scopes"] = valid.array(scopes, "service_account_scopes")
    return columns
