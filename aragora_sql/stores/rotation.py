"""Encrypting secrets again with the present key, of every store that keeps some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

from aragora_sql.database import Connection, Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.records import Record

__all__ = [
    "Change",
    "Resealed",
    "RotatesKeys",
    "Rotation",
    "RotationFailure",
    "RotationResult",
    "change_of",
    "try_keys",
]

RowT = TypeVar("RowT")
PlaceT = TypeVar("PlaceT")
ChangeT = TypeVar("ChangeT")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFailure(Record):
    """Secrets that could not be encrypted again, and why; they are unchanged.

    Whose they are says :attr:`owner`: a user's, of an integration or, where ``integration_type`` is
    None, of the second factor or the mailbox; an organization's settings of notifications, with
    email, telegram or the type of the channel as ``integration_type``; those of a webhook, of a
    federated region or of a connector, where ``webhook_id``, ``region_id`` or ``connector_id`` is
    given.
    """

    user_id: str | None
    integration_type: str | None
    problem: str
    webhook_id: str | None = None
    region_id: str | None = None
    connector_id: str | None = None

    @property
    def owner(self) -> str:
        """The id of the user, organization, webhook, region or connector."""
        return self.webhook_id or self.region_id or self.connector_id or self.user_id or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationResult(Record):
    """What a rotation did so far.

    ``checked`` of ``total`` integrations, users with a second factor, mailboxes, settings,
    webhooks, regions or connectors were looked at; ``changed`` of them had ``resealed`` secrets
    under an older key or ``sealed`` ones in the clear.
    """

    total: int
    checked: int
    changed: int
    resealed: int
    sealed: int
    failed: list[RotationFailure]
    dry_run: bool


@dataclass(frozen=True, slots=True, repr=False)
class Resealed:
    """A stored secret under the present key; whether it was under an older one, or in the clear."""

    stored: str | None
    was_old: bool = False
    was_clear: bool = False


class Change(NamedTuple, Generic[ChangeT]):
    """What becomes of a row: ``values`` are stored, None where nothing changes.

    ``were_old`` of its secrets were under an older key, ``were_clear`` in the clear.
    """

    values: ChangeT | None
    were_old: int = 0
    were_clear: int = 0


def change_of(values: ChangeT, *secrets: Resealed) -> Change[ChangeT]:
    """Return the change of a row that keeps these secrets: None where each is as it should be."""
    old, clear = sum(one.was_old for one in secrets), sum(one.was_clear for one in secrets)
    return Change(values if old or clear else None, old, clear)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation(Generic[RowT, PlaceT, ChangeT]):
    """How the secrets of a store are encrypted again, row by row in the order of their places.

    ``count`` counts the rows; ``page`` returns those behind a place, up to so many, locked until
    the transaction ends or not; ``first`` is the place before all, and ``place_of`` returns that of
    one. ``reseal`` raises
    :class:`~aragora_sql.errors.EncryptionError` where no key fits, which ``failure`` reports.
    ``store`` stores the changes of a page.
    """

    count: Callable[[Connection], Awaitable[int]]
    page: Callable[[Connection, PlaceT, int, bool], Awaitable[list[RowT]]]
    first: PlaceT
    place_of: Callable[[RowT], PlaceT]
    reseal: Callable[[RowT], Change[ChangeT]]
    failure: Callable[[RowT, EncryptionError], RotationFailure]
    store: Callable[[Connection, list[ChangeT]], Awaitable[object]]


class RotatesKeys(Store):
    """A store that keeps secrets, and says in ``_rotation`` how they are encrypted again."""

    _keyring: Keyring

    def _rotation(self) -> Rotation[Any, Any, Any]:
        raise NotImplementedError(f"{type(self).__name__} does not say how its secrets are kept")

    async def rotate_keys(
        self,
        *,
        batch_size: int = 100,
        dry_run: bool = False,
        on_progress: Callable[[RotationResult], object] | None = None,
    ) -> RotationResult:
        """Encrypt every secret of the store with the present key that is not yet.

        Those are under an older key, bound as the older Aragora did, or in the clear. Works in
        batches of ``batch_size`` of who has secrets here (users, webhooks, connectors …), each a
        transaction; ``on_progress`` is called after each. Stopped at any time, it can be run again:
        what is done already is only looked at. Whose secrets no key fits are left as they are and
        named in the result. ``dry_run`` changes nothing and tells what would be done.

        Raises :class:`~aragora_sql.errors.EncryptionError` where there is no key.
        """
        size = valid.integer(batch_size, "batch_size", least=1)
        valid.boolean(dry_run, "dry_run")
        self._keyring.require("rotating keys")
        rotation = self._rotation()
        async with self._database.read() as connection:
            total = await rotation.count(connection)
        result = RotationResult(
            total=total, checked=0, changed=0, resealed=0, sealed=0, failed=[], dry_run=dry_run
        )
        place = rotation.first
        while True:
            async with (
                self._database.read() if dry_run else self._database.transaction() as connection
            ):
                rows = await rotation.page(connection, place, size, not dry_run)
                changes, result = _resealed(rotation, rows, result)
                if changes and not dry_run:
                    await rotation.store(connection, changes)
            if not rows:
                return result
            if on_progress is not None:
                on_progress(result)
            place = rotation.place_of(rows[-1])


async def try_keys(
    database: Database,
    page: Callable[[Connection, PlaceT, int, bool], Awaitable[list[RowT]]],
    open_row: Callable[[RowT], object],
    failure: Callable[[RowT, EncryptionError], RotationFailure],
    first: PlaceT,
    limit: int,
) -> tuple[int, list[RotationFailure]]:
    """Open the secrets of at most ``limit`` rows behind the place ``first``, and change nothing.

    Returns how many rows there were, and those that no key opens.
    """
    size = valid.limit(limit)
    async with database.read() as connection:
        rows = await page(connection, first, size, False)
    failed = []
    for row in rows:
        try:
            open_row(row)
        except EncryptionError as error:
            failed.append(failure(row, error))
    return len(rows), failed


def _resealed(
    rotation: Rotation[RowT, PlaceT, ChangeT], rows: list[RowT], result: RotationResult
) -> tuple[list[ChangeT], RotationResult]:
    """Return what changes in a page, and the result with it."""
    changes: list[ChangeT] = []
    old, clear, failed = result.resealed, result.sealed, [*result.failed]
    for row in rows:
        try:
            change = rotation.reseal(row)
        except EncryptionError as error:
            failed.append(rotation.failure(row, error))
            continue
        if change.values is not None:
            changes.append(change.values)
            old, clear = old + change.were_old, clear + change.were_clear
    return changes, replace(
        result,
        checked=result.checked + len(rows),
        changed=result.changed + len(changes),
        resealed=old,
        sealed=clear,
        failed=failed,
    )
