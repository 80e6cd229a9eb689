"""The store of Gmail: tokens of mailboxes, refreshed by one instance at a time, and sync jobs.

Its queries: ``sql/postgres/gmail/queries.sql`` and ``sql/sqlite/gmail/queries.sql``.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DatabaseError,
    DatabaseUseError,
    EncryptionError,
    InvalidInputError,
    NotConnectedError,
    VersionConflictError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.gmail.records import (
    SYNC_STATUSES,
    TOKENS,
    GmailState,
    GmailSyncJob,
    RefreshedTokens,
)
from aragora_sql.stores.paging import LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import (
    Change,
    RotatesKeys,
    Rotation,
    RotationFailure,
    change_of,
    try_keys,
)
from aragora_sql.stores.user_secrets import opened, reseal, seal
from aragora_sql.stores.versions import checked_version

if TYPE_CHECKING:
    from aragora_sql.queries.typed.gmail import (
        GetTokensRow,
        GmailQueries,
        ListSecretsRow,
        SaveTokensRow,
        SetSecretsParameters,
    )

__all__ = ["GmailTokenStore", "Refresher"]

Refresher = Callable[[GmailState], Awaitable[RefreshedTokens]]

LARGEST_LEASE = 3600.0
# Seconds between two looks at tokens that another one refreshes: at first, and at most.
FIRST_WAIT, LONGEST_WAIT = 0.02, 0.25
_FLAGS = ("due", "refreshing")

log = logging.getLogger(__name__)


class GmailTokenStore(RotatesKeys):
    """Keeps the tokens of mailboxes encrypted, refreshes them, and keeps their sync jobs.

    ``keyring`` holds the keys (default: those of the environment, see
    :mod:`aragora_sql.encryption`). Without a key everything but tokens works: to store one is
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, and so is to read one, unless
    ``decrypt=False``. Tokens are bound to their user: no other row opens them.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "gmail"
    _queries: GmailQueries

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring

    # Mailboxes

    async def get(self, user_id: str, *, decrypt: bool = True) -> GmailState | None:
        """Return a user's mailbox, or None.

        With ``decrypt=False`` tokens stay sealed, and no key is needed. Otherwise a token that no
        key fits is :class:`~aragora_sql.errors.DecryptionError`.
        """
        key = valid.key(user_id, "user_id")
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_tokens(connection, user_id=key)
        return None if row is None else self._state(row, decrypt=decrypt)

    async def save(self, state: GmailState) -> GmailState:
        """Store a mailbox, and return it as it is then.

        A state that was read is stored only while its tokens are those that are stored, and nobody
        refreshes them; else it is :class:`~aragora_sql.errors.VersionConflictError`, and nothing is
        written. One that was made (``token_version`` is None) replaces whatever is there, as when a
        user connects again. ``created_at`` stays, and ``org_id`` where none is given.
        To store how far a mailbox was read, :meth:`record_sync` conflicts with nobody.
        """
        if not isinstance(state, GmailState):
            raise InvalidInputError("state", f"must be a GmailState, not {type(state).__name__}")
        if state.sealed:
            raise InvalidInputError("state", "has tokens that were not decrypted: read it again")
        expected = checked_version(state.token_version, "token_version")
        now = utc_now()
        row = self._row(state)
        async with self._database.connection() as connection:
            kept: SaveTokensRow | None
            if expected is None:
                created = valid.timestamp_or_now(state.created_at, "created_at")
                kept = await self._queries.save_tokens(
                    connection, **row, created_at=created, updated_at=now
                )
            else:
                kept = await self._queries.change_tokens(
                    connection, **row, updated_at=now, expected_version=expected
                )
            if kept is None:
                found = await self._queries.get_version(connection, user_id=row["user_id"])
                what = f"the mailbox of user {row['user_id']!r}"
                if found is not None and found["refreshing"]:
                    what += ", whose tokens are being refreshed,"
                raise VersionConflictError(
                    what, expected or 0, None if found is None else found["token_version"]
                )
        return replace(
            state,
            **kept,
            access_token=state.access_token or None,
            refresh_token=state.refresh_token or None,
            updated_at=now,
            problem=None,
        )

    def _row(self, state: GmailState) -> dict[str, Any]:
        user_id = valid.key(state.user_id, "user_id")
        return {
            "user_id": user_id,
            "org_id": valid.optional(state.org_id, "org_id", valid.key),
            "email_address": valid.optional_text(state.email_address, "email_address"),
            **{name: self._sealed(getattr(state, name), user_id, name) for name in TOKENS},
            "token_expiry": valid.optional(state.token_expiry, "token_expiry", valid.timestamp),
            "history_id": valid.optional_text(state.history_id, "history_id"),
            "last_sync": valid.optional(state.last_sync, "last_sync", valid.timestamp),
            "indexed_count": valid.integer(state.indexed_count, "indexed_count"),
            "total_count": valid.integer(state.total_count, "total_count"),
            "connected_at": valid.optional(state.connected_at, "connected_at", valid.timestamp),
        }

    def _sealed(self, token: Any, user_id: str, argument: str) -> str | None:
        """Return a token as it is stored; '' is none."""
        text = valid.optional_text(token, argument)
        return seal(text, self._keyring, user_id, argument) if text else None

    async def delete(self, user_id: str) -> bool:
        """Delete a user's mailbox with its tokens and its sync job; False when there is none."""
        key = valid.key(user_id, "user_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_tokens(connection, user_id=key))

    async def list_all(
        self,
        limit: int = 1000,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[GmailState]:
        """Return the mailboxes of all users, or of an organization's, by user.

        ``after`` is the last one of the page before. One whose tokens no key fits is in the list
        with them sealed, and ``problem`` says why.
        """
        row_limit = valid.limit(limit)
        organization = valid.optional(org_id, "org_id", valid.key)
        (after_user,) = key_of(after, {"user_id": valid.text}, ("",))
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            if organization is None:
                rows = self._queries.list_tokens(
                    connection, after_user=after_user, row_limit=row_limit
                )
            else:
                rows = self._queries.list_tokens_of_org(
                    connection, org_id=organization, after_user=after_user, row_limit=row_limit
                )
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    async def record_sync(
        self,
        user_id: str,
        history_id: str | None = None,
        *,
        indexed: int = 0,
        total_count: int | None = None,
    ) -> bool:
        """Store how far a mailbox was read just now; False when there is none.

        ``indexed`` is added to the number of indexed messages, by one statement, so concurrent
        calls all count. None leaves ``history_id`` and ``total_count`` as they are.
        """
        key = valid.key(user_id, "user_id")
        history = valid.optional_text(history_id, "history_id")
        more = valid.integer(indexed, "indexed")
        total = valid.optional(total_count, "total_count", valid.integer)
        now = utc_now()
        async with self._database.connection() as connection:
            return bool(
                await self._queries.record_sync(
                    connection,
                    user_id=key,
                    history_id=history,
                    added=more,
                    total_count=total,
                    last_sync=now,
                    updated_at=now,
                )
            )

    def _state(self, row: GetTokensRow, *, decrypt: bool) -> GmailState:
        user_id = row["user_id"]
        tokens: dict[str, Any] = dict.fromkeys(TOKENS)
        if decrypt:
            stored = {"access_token": row["access_token"], "refresh_token": row["refresh_token"]}
            tokens = {n: opened(user_id, v, n, self._keyring) for n, v in stored.items()}
            sealed: tuple[str, ...] = ()
        else:
            there = (row["access_token"] is not None, row["refresh_token"] is not None)
            sealed = tuple(name for name, is_there in zip(TOKENS, there, strict=True) if is_there)
        fields: dict[str, Any] = {**row, **tokens}
        return record_of(GmailState, **fields, sealed=sealed, problem=None)

    def _listed(self, row: GetTokensRow, *, decrypt: bool) -> GmailState:
        if decrypt:
            try:
                return self._state(row, decrypt=True)
            except EncryptionError as error:
                log.warning("%s", error)
                return replace(self._state(row, decrypt=False), problem=str(error))
        return self._state(row, decrypt=False)

    # Refreshing

    async def refresh(
        self,
        user_id: str,
        refresher: Refresher,
        *,
        known_version: int | None = None,
        margin_seconds: float = 60.0,
        lease_seconds: float = 60.0,
    ) -> GmailState | None:
        """Return a user's mailbox with tokens that are good, refreshed where they have to be.

        Tokens are due when there is no access token, or it expires within ``margin_seconds``; an
        unknown expiry does not make them due. With ``known_version`` they are due while that is
        their version: for a token that the provider refused, whatever its expiry says.

        ``refresher`` is called with the mailbox and asks the provider; of all calls at the same
        time, in any number of processes, one calls it, and the others wait and return what it got.
        It holds a lease meanwhile, and is cancelled with :class:`TimeoutError` when it takes longer
        than ``lease_seconds`` (up to an hour): then, when it raises, or when its process dies, the
        next one tries. What it raises reaches the caller whose refresher it was.

        Returns None when there is no such mailbox. Raises
        :class:`~aragora_sql.errors.EncryptionKeyMissingError` without a key,
        :class:`~aragora_sql.errors.NotConnectedError` when tokens are due and there is no refresh
        token, :class:`~aragora_sql.errors.DatabaseUseError` within a transaction or another unit of
        work, where nobody else would see the lease.
        """
        key = valid.key(user_id, "user_id")
        if not callable(refresher):
            raise InvalidInputError(
                "refresher", f"must be an async function, not {type(refresher).__name__}"
            )
        known = checked_version(known_version, "known_version")
        margin = valid.number(margin_seconds, "margin_seconds", 0.0, LARGEST_LEASE)
        lease = valid.number(lease_seconds, "lease_seconds", 0.001, LARGEST_LEASE)
        self._keyring.require("refreshing tokens")
        if self._database.is_in_use_here():
            raise DatabaseUseError(
                "refresh() takes a lease that others have to see at once: call it outside of "
                "transactions and other units of work"
            )
        holder, wait = uuid.uuid4().hex, FIRST_WAIT
        while True:
            async with self._database.read() as connection:
                found = await self._queries.get_refresh(
                    connection, user_id=key, known_version=known, margin_seconds=margin
                )
            if found is None:
                return None
            if not found["due"]:
                row: Any = {name: value for name, value in found.items() if name not in _FLAGS}
                return self._state(row, decrypt=True)
            if found["refresh_token"] is None:
                raise NotConnectedError(key)
            # Whoever refreshes them changes the version, also to tokens that expire as soon.
            known = found["token_version"]
            if found["refreshing"]:
                await asyncio.sleep(wait)
                wait = min(wait * 1.5, LONGEST_WAIT)
                continue
            # The lease begins in the database after this, so the refresher ends before it does.
            deadline = asyncio.get_running_loop().time() + lease
            async with self._database.connection() as connection:
                taken = await self._queries.take_refresh(
                    connection,
                    user_id=key,
                    holder=holder,
                    lease_seconds=lease,
                    known_version=known,
                )
            if taken is not None:
                return await self._refresh(taken, holder, refresher, deadline)

    async def _refresh(
        self, row: GetTokensRow, holder: str, refresher: Refresher, deadline: float
    ) -> GmailState | None:
        """Call the refresher under a lease, and store what it gives."""
        user_id = row["user_id"]
        try:
            state = self._state(row, decrypt=True)
            async with asyncio.timeout_at(deadline):
                tokens = await refresher(state)
            if not isinstance(tokens, RefreshedTokens):
                raise InvalidInputError(
                    "refresher", f"must return RefreshedTokens, not {type(tokens).__name__}"
                )
            given: dict[str, Any] = {
                "access_token": self._sealed(
                    valid.identifier(tokens.access_token, "access_token"), user_id, "access_token"
                ),
                "refresh_token": self._sealed(tokens.refresh_token, user_id, "refresh_token"),
                "token_expiry": valid.optional(
                    tokens.token_expiry, "token_expiry", valid.timestamp
                ),
            }
        except BaseException:
            try:
                async with self._database.connection() as connection:
                    await self._queries.end_refresh(connection, user_id=user_id, holder=holder)
            except DatabaseError as error:
                log.warning("the lease to refresh tokens holds until it expires: %s", error)
            raise
        async with self._database.connection() as connection:
            stored = await self._queries.finish_refresh(
                connection, user_id=user_id, holder=holder, updated_at=utc_now(), **given
            )
        # Without one, the mailbox was connected again or deleted meanwhile.
        return await self.get(user_id) if stored is None else self._state(stored, decrypt=True)

    # Sync jobs

    async def get_sync_job(self, user_id: str) -> GmailSyncJob | None:
        """Return the sync job of a user, or None."""
        key = valid.key(user_id, "user_id")
        async with self._database.read() as connection:
            row = await self._queries.get_sync_job(connection, user_id=key)
        return None if row is None else record_of(GmailSyncJob, **row)

    async def save_sync_job(self, job: GmailSyncJob) -> None:
        """Store the sync job of a user in place of the one that is there.

        Raises :class:`~aragora_sql.errors.MissingParentError` when the user has no mailbox.
        """
        if not isinstance(job, GmailSyncJob):
            raise InvalidInputError("job", f"must be a GmailSyncJob, not {type(job).__name__}")
        row: dict[str, Any] = {
            "user_id": valid.key(job.user_id, "user_id"),
            "status": valid.choice(job.status, "status", SYNC_STATUSES),
            "progress": valid.integer(job.progress, "progress"),
            "messages_synced": valid.integer(job.messages_synced, "messages_synced"),
            "started_at": valid.optional(job.started_at, "started_at", valid.timestamp),
            "completed_at": valid.optional(job.completed_at, "completed_at", valid.timestamp),
            "failed_at": valid.optional(job.failed_at, "failed_at", valid.timestamp),
            "error": valid.optional_text(job.error, "error"),
        }
        async with self._database.connection() as connection:
            await self._queries.save_sync_job(connection, **row)

    async def delete_sync_job(self, user_id: str) -> bool:
        """Delete the sync job of a user; False when there is none."""
        key = valid.key(user_id, "user_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_sync_job(connection, user_id=key))

    # Keys

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on the tokens of at most ``limit`` mailboxes, and change nothing.

        Returns how many were looked at, and those whose tokens no key fits.
        """
        return await try_keys(
            self._database, self._page_of_secrets, self._open_row, _failure, "", limit
        )

    def _open_row(self, row: ListSecretsRow) -> None:
        opened(row["user_id"], row["access_token"], "access_token", self._keyring)
        opened(row["user_id"], row["refresh_token"], "refresh_token", self._keyring)

    def _rotation(self) -> Rotation[ListSecretsRow, str, SetSecretsParameters]:
        return Rotation(
            count=self._queries.count_tokens,
            page=self._page_of_secrets,
            first="",
            place_of=itemgetter("user_id"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_secrets,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: str, size: int, locked: bool
    ) -> list[ListSecretsRow]:
        read = self._queries.lock_secrets if locked else self._queries.list_secrets
        return [row async for row in read(connection, after_user=after, row_limit=size)]

    def _resealed(self, row: ListSecretsRow) -> Change[SetSecretsParameters]:
        user_id = row["user_id"]
        access = reseal(user_id, row["access_token"], "access_token", self._keyring)
        refresh = reseal(user_id, row["refresh_token"], "refresh_token", self._keyring)
        return change_of(
            {"user_id": user_id, "access_token": access.stored, "refresh_token": refresh.stored},
            access,
            refresh,
        )


def _failure(row: ListSecretsRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(user_id=row["user_id"], integration_type=None, problem=str(error))
