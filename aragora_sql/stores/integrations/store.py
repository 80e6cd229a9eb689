"""Integrations: how users reach chat platforms and mail, and who they are there.

Its queries: ``sql/postgres/integrations/queries.sql`` and ``sql/sqlite/integrations/queries.sql``.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError, InvalidInputError
from aragora_sql.redaction import hide_in_text
from aragora_sql.stores import validation as valid
from aragora_sql.stores.integrations.records import (
    DEFAULT_USER,
    INTEGRATION_TYPES,
    IntegrationConfig,
    RotationFailure,
    UserIdMapping,
)
from aragora_sql.stores.integrations.secrets import (
    Owner,
    keep_sealed,
    open_secrets,
    reseal_secrets,
    seal_secrets,
)
from aragora_sql.stores.paging import LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import Change, RotatesKeys, Rotation

if TYPE_CHECKING:
    from aragora_sql.queries.typed.integrations import (
        GetIntegrationRow,
        IntegrationsQueries,
        LockIntegrationsRow,
        SaveIntegrationParameters,
        SaveMappingParameters,
        SetSettingsParameters,
    )

__all__ = [
    "IntegrationStore",
]

ERROR_WINDOW = timedelta(hours=24)

log = logging.getLogger(__name__)


class IntegrationStore(RotatesKeys):
    """Keeps the configuration of integrations, with their secrets encrypted, and user mappings.

    ``keyring`` holds the keys (default: those of the environment, see
    :mod:`aragora_sql.encryption`). Without a key everything but secrets works: to store one is
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, and so is to read one, unless
    ``decrypt=False``. What is a secret tells :mod:`aragora_sql.redaction`, how it is stored
    :mod:`aragora_sql.stores.integrations.secrets`.

    Types that can be saved are those of
    :class:`~aragora_sql.stores.integrations.records.IntegrationType` and ``extra_types``; every
    type that is stored can be read, counted and deleted.

    E-mail addresses are kept and looked for in lower case. Counters change by single statements,
    so concurrent updates all count.
    """

    name = "integrations"
    _queries: IntegrationsQueries

    def __init__(
        self,
        database: Database,
        keyring: Keyring | None = None,
        extra_types: Iterable[str] = (),
    ) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring
        self._types: Collection[str] = (
            *INTEGRATION_TYPES,
            *(valid.key(one, "extra_types") for one in extra_types),
        )

    # Configuration

    async def get(
        self, integration_type: str, user_id: str | None = DEFAULT_USER, *, decrypt: bool = True
    ) -> IntegrationConfig | None:
        """Return a user's integration of a type, or None.

        With ``decrypt=False`` secrets are sealed, and no key is needed. Otherwise a secret that no
        key fits is :class:`~aragora_sql.errors.DecryptionError`.
        """
        kind = _type_name(integration_type)
        owner = _user(user_id)
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_integration(
                connection, user_id=owner, integration_type=kind, errors_after=_errors_after()
            )
        return None if row is None else self._config(row, decrypt=decrypt)

    async def save(self, config: IntegrationConfig) -> IntegrationConfig:
        """Store an integration, or what an application changed in it, and return it as it is then.

        Of a stored one the counters, the last activity, the last error and ``created_at`` stay:
        :meth:`record_message` and :meth:`record_error` change those. A sealed secret stays what it
        is. Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is a secret to
        encrypt and no key.
        """
        if not isinstance(config, IntegrationConfig):
            raise InvalidInputError(
                "config", f"must be an IntegrationConfig, not {type(config).__name__}"
            )
        row = self._row(config, utc_now())
        async with self._database.connection() as connection:
            kept = await self._queries.save_integration(connection, **row)
        return replace(
            config,
            **kept,
            integration_type=row["integration_type"],
            user_id=row["user_id"],
            updated_at=row["updated_at"],
            problem=None,
        )

    def _row(self, config: IntegrationConfig, now: datetime) -> SaveIntegrationParameters:
        owner = Owner(
            _user(config.user_id),
            valid.choice(config.integration_type, "integration_type", self._types),
        )
        if not isinstance(config.settings, dict):
            raise InvalidInputError(
                "settings", f"must be a dictionary, not {type(config.settings).__name__}"
            )

        def flag(name: str) -> bool:
            return valid.boolean(getattr(config, name), name)

        return {
            "user_id": owner.user_id,
            "integration_type": owner.integration_type,
            "enabled": flag("enabled"),
            "notify_on_consensus": flag("notify_on_consensus"),
            "notify_on_debate_end": flag("notify_on_debate_end"),
            "notify_on_error": flag("notify_on_error"),
            "notify_on_leaderboard": flag("notify_on_leaderboard"),
            "workspace_id": valid.optional(config.workspace_id, "workspace_id", valid.key),
            "messages_sent": valid.integer(config.messages_sent, "messages_sent", most=2**63 - 1),
            "errors_24h": valid.integer(config.errors_24h, "errors_24h"),
            "errors_since": now if config.errors_24h else None,
            "errors_after": now - ERROR_WINDOW,
            "last_activity": valid.optional(config.last_activity, "last_activity", valid.timestamp),
            "last_error": valid.optional(config.last_error, "last_error", _without_secrets),
            "settings": valid.document(
                seal_secrets(config.settings, self._keyring, owner), "settings"
            ),
            "created_at": (
                now
                if config.created_at is None
                else valid.timestamp(config.created_at, "created_at")
            ),
            "updated_at": now,
        }

    async def delete(self, integration_type: str, user_id: str | None = DEFAULT_USER) -> bool:
        """Delete a user's integration of a type; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_integration(
                    connection,
                    user_id=_user(user_id),
                    integration_type=_type_name(integration_type),
                )
            )

    async def list_for_user(
        self,
        user_id: str | None = DEFAULT_USER,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[IntegrationConfig]:
        """Return a user's integrations by type.

        ``after`` is the last one of the page before. One whose secrets can't be decrypted does not
        hide the others: it is in the list with its secrets sealed, ``problem`` says why, and a
        warning is logged. So in the other lists.
        """
        owner = _user(user_id)
        row_limit = valid.limit(limit)
        _, after_type = _key_of(after)
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            rows = self._queries.list_for_user(
                connection,
                user_id=owner,
                after_type=after_type,
                row_limit=row_limit,
                errors_after=_errors_after(),
            )
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    async def list_for_workspace(
        self,
        workspace_id: str,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[IntegrationConfig]:
        """Return a workspace's integrations by user and type; see :meth:`list_for_user`."""
        valid.text(workspace_id, "workspace_id")
        row_limit = valid.limit(limit)
        after_user, after_type = _key_of(after)
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            rows = self._queries.list_for_workspace(
                connection,
                workspace_id=workspace_id,
                after_user=after_user,
                after_type=after_type,
                row_limit=row_limit,
                errors_after=_errors_after(),
            )
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    async def list_all(
        self,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[IntegrationConfig]:
        """Return all integrations by user and type; see :meth:`list_for_user`."""
        row_limit = valid.limit(limit)
        after_user, after_type = _key_of(after)
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            rows = self._queries.list_integrations(
                connection,
                after_user=after_user,
                after_type=after_type,
                row_limit=row_limit,
                errors_after=_errors_after(),
            )
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    def _config(self, row: GetIntegrationRow, *, decrypt: bool) -> IntegrationConfig:
        owner = Owner(row["user_id"], row["integration_type"])
        stored = row["settings"]
        settings = (
            open_secrets(stored, self._keyring, owner) if decrypt else keep_sealed(stored, owner)
        )
        opened: GetIntegrationRow = {**row, "settings": settings}
        return record_of(IntegrationConfig, **opened)

    def _listed(self, row: GetIntegrationRow, *, decrypt: bool) -> IntegrationConfig:
        if not decrypt:
            return self._config(row, decrypt=False)
        try:
            return self._config(row, decrypt=True)
        except EncryptionError as error:
            log.warning("%s", error)
            return replace(self._config(row, decrypt=False), problem=str(error))

    # Counters

    async def record_message(
        self, integration_type: str, user_id: str | None = DEFAULT_USER, count: int = 1
    ) -> bool:
        """Add ``count`` to the messages sent; False when there is no such integration."""
        messages = valid.integer(count, "count", least=1)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.add_messages(
                    connection,
                    user_id=_user(user_id),
                    integration_type=_type_name(integration_type),
                    messages=messages,
                    at_time=utc_now(),
                )
            )

    async def record_error(
        self, integration_type: str, error: str, user_id: str | None = DEFAULT_USER
    ) -> bool:
        """Count an error and keep its text, without the secrets that its form shows.

        The first error begins a window of 24 hours, in which ``errors_24h`` counts. When it is
        over, ``errors_24h`` is 0, and the next error begins another. Returns False when there is
        no such integration.
        """
        message = _without_secrets(valid.identifier(error, "error"), "error")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.add_error(
                    connection,
                    user_id=_user(user_id),
                    integration_type=_type_name(integration_type),
                    error=message,
                    at_time=utc_now(),
                    errors_after=_errors_after(),
                )
            )

    async def clear_errors(self, integration_type: str, user_id: str | None = DEFAULT_USER) -> bool:
        """Forget the errors of an integration; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.clear_errors(
                    connection,
                    user_id=_user(user_id),
                    integration_type=_type_name(integration_type),
                )
            )

    # User mappings

    async def get_user_mapping(
        self, email: str, platform: str, user_id: str | None = DEFAULT_USER
    ) -> UserIdMapping | None:
        """Return the account on a platform of an e-mail address in any case, or None."""
        async with self._database.read() as connection:
            row = await self._queries.get_mapping(
                connection,
                user_id=_user(user_id),
                platform=valid.key(platform, "platform"),
                email=_email(email),
            )
        return None if row is None else record_of(UserIdMapping, **row)

    async def find_user_mapping(
        self, platform: str, platform_user_id: str, user_id: str | None = DEFAULT_USER
    ) -> UserIdMapping | None:
        """Return the mapping of an account on a platform to its e-mail address, or None.

        Of several addresses it is the one that was saved last.
        """
        async with self._database.read() as connection:
            row = await self._queries.find_mapping(
                connection,
                user_id=_user(user_id),
                platform=valid.key(platform, "platform"),
                platform_user_id=valid.key(platform_user_id, "platform_user_id"),
            )
        return None if row is None else record_of(UserIdMapping, **row)

    async def save_user_mapping(self, mapping: UserIdMapping) -> UserIdMapping:
        """Store a mapping, or a change of it, and return it as it is then.

        The address is stored in lower case, without white space around it; ``created_at`` stays.
        """
        if not isinstance(mapping, UserIdMapping):
            raise InvalidInputError(
                "mapping", f"must be a UserIdMapping, not {type(mapping).__name__}"
            )
        now = utc_now()
        row: SaveMappingParameters = {
            "user_id": _user(mapping.user_id),
            "platform": valid.key(mapping.platform, "platform"),
            "email": _email(mapping.email),
            "platform_user_id": valid.key(mapping.platform_user_id, "platform_user_id"),
            "display_name": valid.optional_text(mapping.display_name, "display_name"),
            "created_at": (
                now
                if mapping.created_at is None
                else valid.timestamp(mapping.created_at, "created_at")
            ),
            "updated_at": now,
        }
        async with self._database.connection() as connection:
            row["created_at"] = await self._queries.save_mapping(connection, **row)
        return record_of(UserIdMapping, **row)

    async def delete_user_mapping(
        self, email: str, platform: str, user_id: str | None = DEFAULT_USER
    ) -> bool:
        """Delete a mapping; False when there is none."""
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_mapping(
                    connection,
                    user_id=_user(user_id),
                    platform=valid.key(platform, "platform"),
                    email=_email(email),
                )
            )

    async def list_user_mappings(
        self,
        platform: str | None = None,
        user_id: str | None = DEFAULT_USER,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
    ) -> list[UserIdMapping]:
        """Return a user's mappings, on one platform or on all, by platform and address.

        ``after`` is the last one of the page before.
        """
        owner = _user(user_id)
        row_limit = valid.limit(limit)
        after_platform, after_email = key_of(
            after, {"platform": valid.text, "email": valid.text}, ("", "")
        )
        async with self._database.read() as connection:
            if platform is None:
                rows = self._queries.list_mappings(
                    connection,
                    user_id=owner,
                    after_platform=after_platform,
                    after_email=after_email,
                    row_limit=row_limit,
                )
                return [record_of(UserIdMapping, **row) async for row in rows]
            of_one = self._queries.list_platform_mappings(
                connection,
                user_id=owner,
                platform=valid.key(platform, "platform"),
                after_email=after_email,
                row_limit=row_limit,
            )
            return [record_of(UserIdMapping, **row) async for row in of_one]

    # Keys

    def _rotation(self) -> Rotation[LockIntegrationsRow, tuple[str, str], SetSettingsParameters]:
        return Rotation(
            count=self._queries.count_integrations,
            page=self._page_of_secrets,
            first=("", ""),
            place_of=itemgetter("user_id", "integration_type"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_settings,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: tuple[str, str], size: int, locked: bool
    ) -> list[LockIntegrationsRow]:
        place = {"after_user": after[0], "after_type": after[1]}
        rows: AsyncIterable[LockIntegrationsRow]
        if locked:
            rows = self._queries.lock_integrations(connection, row_limit=size, **place)
        else:
            rows = self._queries.list_integrations(
                connection, row_limit=size, errors_after=_errors_after(), **place
            )
        return [row async for row in rows]

    def _resealed(self, row: LockIntegrationsRow) -> Change[SetSettingsParameters]:
        owner = Owner(row["user_id"], row["integration_type"])
        settings, old, clear = reseal_secrets(row["settings"], self._keyring, owner)
        if not (old or clear):
            return Change(None)
        values: SetSettingsParameters = {
            "user_id": owner.user_id,
            "integration_type": owner.integration_type,
            "settings": valid.document(settings, "settings"),
        }
        return Change(values, old, clear)


def _user(user_id: Any) -> str:
    return DEFAULT_USER if user_id is None else valid.key(user_id, "user_id")


def _type_name(integration_type: Any) -> str:
    return valid.key(getattr(integration_type, "value", integration_type), "integration_type")


def _without_secrets(text: Any, argument: str) -> str:
    return hide_in_text(valid.text(text, argument))


def _email(email: Any) -> str:
    return valid.key(email, "email").strip().lower()


def _failure(row: LockIntegrationsRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(
        user_id=row["user_id"], integration_type=row["integration_type"], problem=str(error)
    )


def _errors_after() -> datetime:
    return utc_now() - ERROR_WINDOW


def _key_of(after: LastRow | None) -> tuple[str, ...]:
    return key_of(after, {"user_id": valid.text, "integration_type": valid.text}, ("", ""))
