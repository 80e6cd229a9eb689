"""Federation: regions, messages to and from them, and the records that they share.

Its queries: ``sql/postgres/federation/queries.sql`` and ``sql/sqlite/federation/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import load_json, utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    EncryptionError,
    InvalidInputError,
    RegionNotFoundError,
    RegionRefusedError,
    SequenceReusedError,
)
from aragora_sql.redaction import hide_in_text
from aragora_sql.stores import validation as valid
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.federation.records import (
    DIRECTIONS,
    AppliedMessage,
    DirectionWord,
    FederatedRecord,
    FederatedRegion,
    FederationCleanup,
    OutgoingMessage,
    SyncState,
    changes_hash,
    changes_text,
    record_rows,
    region_row,
)
from aragora_sql.stores.federation.secrets import open_key, reseal_key, seal_key
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

if TYPE_CHECKING:
    from aragora_sql.queries.typed.federation import (
        FederationQueries,
        GetRegionRow,
        ListApiKeysRow,
        SetApiKeysParameters,
    )

__all__ = ["FederationStore"]

BATCH = 500
# How far ahead of the last applied message one may be that is held back.
MOST_AHEAD = 10_000
LARGEST_SEQUENCE = 2**62


class FederationStore(RotatesKeys):
    """Keeps the regions that knowledge is exchanged with, and sees that each message counts once.

    ``region_id`` is the name of the region that this database belongs to (default: ``local``; where
    two regions write the same records, each needs a name of its own). ``keyring`` holds the keys
    that the regions' own keys are encrypted with (default: those of the environment).

    Messages to a region have numbers without a gap (:meth:`enqueue`), in whatever transactions they
    are written. Those that come from it are applied in the order of its numbers, each exactly once
    (:meth:`apply`): one that came before is recognized, one that is ahead waits for those between.
    A message is a list of changes of records, each with the members of
    :class:`~aragora_sql.stores.federation.records.RecordChange`. Of two writes of a record the
    later one stays, of two at one time that of the region whose name comes last, so all regions end
    up with the same, whatever the order in which they learn of them.

    The mode of a region decides what is exchanged: messages go to one of ``push`` or
    ``bidirectional``, and come from one of ``pull`` or ``bidirectional``, as long as it is enabled.
    ``workspace_id`` None is the global workspace, where no list of all is asked for. Bad arguments
    are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "federation"
    _queries: FederationQueries

    def __init__(
        self, database: Database, keyring: Keyring | None = None, region_id: str | None = None
    ) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring
        self._region_id = "local" if region_id is None else valid.key(region_id, "region_id")

    # Regions

    async def get(
        self, region_id: str, workspace_id: str | None = None, *, decrypt: bool = True
    ) -> FederatedRegion | None:
        """Return a region, or None. With ``decrypt=False`` its ``api_key`` is None.

        A key that can't be decrypted is :class:`~aragora_sql.errors.DecryptionError`.
        """
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        is_opened = valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_region(
                connection, region_id=region_id, workspace_id=workspace
            )
        return None if row is None else self._region(row, decrypt=is_opened)

    async def save(self, region: FederatedRegion) -> None:
        """Store a region, or what an application changed in it.

        Of a stored one the counters, the times and the last error of exchanges and ``created_at``
        stay: :meth:`update_sync_status` changes those. An ``api_key`` that is None leaves the
        stored one, '' takes it away. Raises
        :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is no key to encrypt it.
        """
        now = utc_now()
        workspace = _workspace(getattr(region, "workspace_id", None), "region.workspace_id")
        row = region_row(region, workspace, now)
        if region.api_key is None:
            async with self._database.connection() as connection:
                if await self._queries.update_region(connection, **row):
                    return
            raise InvalidInputError("region.api_key", "must be given for a region that is new")
        api_key = valid.text(region.api_key, "region.api_key")
        times = {
            name: valid.optional(getattr(region, name), f"region.{name}", valid.timestamp)
            for name in ("last_sync_at", "last_push_at", "last_pull_at", "created_at")
        }
        counts = {
            name: valid.integer(getattr(region, name), f"region.{name}", most=LARGEST_SEQUENCE)
            for name in (
                "total_pushes",
                "total_pulls",
                "total_nodes_synced",
                "total_sync_errors",
            )
        }
        error = valid.optional(region.last_sync_error, "region.last_sync_error", _hidden)
        async with self._database.connection() as connection:
            await self._queries.save_region(
                connection,
                **row,
                api_key=seal_key(api_key, self._keyring, row["region_id"], workspace),
                last_sync_error=error,
                last_sync_at=times["last_sync_at"],
                last_push_at=times["last_push_at"],
                last_pull_at=times["last_pull_at"],
                total_pushes=counts["total_pushes"],
                total_pulls=counts["total_pulls"],
                total_nodes_synced=counts["total_nodes_synced"],
                total_sync_errors=counts["total_sync_errors"],
                created_at=times["created_at"] or now,
            )

    async def delete(self, region_id: str, workspace_id: str | None = None) -> bool:
        """Delete a region with its messages; False when there is none. Records stay."""
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_region(
                    connection, region_id=region_id, workspace_id=workspace
                )
            )

    async def list_all(
        self,
        workspace_id: str | None = None,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[FederatedRegion]:
        """Return a page of the regions of a workspace ('' is the global one), or of all.

        They come by region and workspace; ``after`` is the last one of the page before. A key that
        can't be decrypted is None, and ``problem`` says why.
        """
        return await self._list(workspace_id, limit, after, decrypt=decrypt, enabled_only=False)

    async def list_enabled(
        self,
        workspace_id: str | None = None,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[FederatedRegion]:
        """Return those of :meth:`list_all` that are enabled."""
        return await self._list(workspace_id, limit, after, decrypt=decrypt, enabled_only=True)

    async def _list(
        self,
        workspace_id: str | None,
        limit: int,
        after: LastRow | None,
        *,
        decrypt: bool,
        enabled_only: bool,
    ) -> list[FederatedRegion]:
        workspace = valid.optional_text(workspace_id, "workspace_id")
        row_limit = valid.limit(limit)
        is_opened = valid.boolean(decrypt, "decrypt")
        region, after_workspace = key_of(
            after, {"region_id": valid.text, "workspace_id": _any_workspace}, ("", "")
        )
        anywhere: Any = {
            "after_region": region,
            "after_workspace": after_workspace,
            "row_limit": row_limit,
        }
        of_one: Any = {"workspace_id": workspace, "after_region": region, "row_limit": row_limit}
        async with self._database.read() as connection:
            if workspace is None and enabled_only:
                rows = self._queries.list_enabled_regions(connection, **anywhere)
            elif workspace is None:
                rows = self._queries.list_regions(connection, **anywhere)
            elif enabled_only:
                rows = self._queries.list_enabled_workspace_regions(connection, **of_one)
            else:
                rows = self._queries.list_workspace_regions(connection, **of_one)
            found = [row async for row in rows]
        return [self._listed(row, decrypt=is_opened) for row in found]

    def _listed(self, row: GetRegionRow, *, decrypt: bool) -> FederatedRegion:
        try:
            return self._region(row, decrypt=decrypt)
        except EncryptionError as error:
            return replace(self._region(row, decrypt=False), problem=str(error))

    def _region(self, row: GetRegionRow, *, decrypt: bool) -> FederatedRegion:
        region_id, workspace_id, stored = row["region_id"], row["workspace_id"], row["api_key"]
        api_key = open_key(stored, self._keyring, region_id, workspace_id) if decrypt else None
        columns: dict[str, Any] = {**row, "api_key": api_key, "workspace_id": workspace_id or None}
        return FederatedRegion(**columns)

    async def update_sync_status(
        self,
        region_id: str,
        direction: DirectionWord,
        nodes_synced: int = 0,
        error: str | None = None,
        workspace_id: str | None = None,
    ) -> None:
        """Count an exchange with a region, in one statement.

        It keeps the time, and adds 1 to the pushes or pulls. With an error it keeps that, with
        secrets in it hidden, and counts it; otherwise it takes the last one away and adds
        ``nodes_synced``. Raises :class:`~aragora_sql.errors.RegionNotFoundError`.
        """
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        nodes = valid.integer(nodes_synced, "nodes_synced")
        async with self._database.connection() as connection:
            if not await self._queries.set_sync_status(
                connection,
                region_id=region_id,
                workspace_id=workspace,
                direction=valid.choice(direction, "direction", DIRECTIONS),
                nodes_synced=nodes,
                sync_error=valid.optional(error, "error", _hidden),
                synced_at=utc_now(),
            ):
                raise RegionNotFoundError(region_id)

    # Messages

    async def enqueue(
        self,
        region_id: str,
        changes: Iterable[Mapping[str, object]],
        workspace_id: str | None = None,
    ) -> OutgoingMessage:
        """Store a message to a region, and return it with its number.

        Numbers have no gap: whoever writes to the same region waits until this transaction ends.
        Write to several regions in one transaction in the order of their names. Changes without an
        origin are this region's. Raises :class:`~aragora_sql.errors.RegionNotFoundError`, and
        :class:`~aragora_sql.errors.RegionRefusedError` for a region that gets no messages.
        """
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        text = changes_text(changes, self._region_id)
        now = utc_now()
        async with self._database.transaction() as connection:
            sequence = await self._queries.take_sequence(
                connection, region_id=region_id, workspace_id=workspace, at_time=now
            )
            if sequence is None:
                await self._refuse(connection, region_id, workspace, "gets no messages")
            await self._queries.insert_outgoing(
                connection,
                region_id=region_id,
                workspace_id=workspace,
                sequence=sequence,
                changes=text,
                created_at=now,
            )
        return OutgoingMessage(
            region_id=region_id,
            workspace_id=workspace,
            sequence=sequence,
            changes=load_json(text),
            created_at=now,
        )

    async def list_outgoing(
        self,
        region_id: str,
        limit: int = 100,
        *,
        after: LastRow | None = None,
        workspace_id: str | None = None,
    ) -> list[OutgoingMessage]:
        """Return a page of the messages to a region that it has not acknowledged, in order."""
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        row_limit = valid.limit(limit)
        (sequence,) = key_of(after, {"sequence": _sequence}, (0,))
        async with self._database.read() as connection:
            rows = self._queries.list_outgoing(
                connection,
                region_id=region_id,
                workspace_id=workspace,
                after_sequence=sequence,
                row_limit=row_limit,
            )
            return [record_of(OutgoingMessage, **row) async for row in rows]

    async def acknowledge(
        self, region_id: str, sequence: int, workspace_id: str | None = None
    ) -> int:
        """Keep that a region has all messages up to a number, and delete them; count those.

        A number that was acknowledged before changes nothing. One that was never sent is
        :class:`~aragora_sql.errors.InvalidInputError`.
        """
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        number = _sequence(sequence, "sequence")
        async with self._database.transaction() as connection:
            if not await self._queries.set_acknowledged(
                connection,
                region_id=region_id,
                workspace_id=workspace,
                sequence=number,
                at_time=utc_now(),
            ):
                state = await self._state(connection, region_id, workspace)
                if state is None:
                    raise RegionNotFoundError(region_id)
                raise InvalidInputError(
                    "sequence", f"must be at most {state.last_sent}, the last that was sent"
                )
            return await self._queries.delete_outgoing(
                connection, region_id=region_id, workspace_id=workspace, sequence=number
            )

    async def apply(
        self,
        region_id: str,
        sequence: int,
        changes: Iterable[Mapping[str, object]],
        workspace_id: str | None = None,
    ) -> AppliedMessage:
        """Apply a message of a region, exactly once, and tell what became of it.

        Its changes, those of messages that waited for it, and the number up to which all is applied
        are stored in one transaction, or none of it; within a transaction of yours, together with
        what else you do there. A message that was applied before is ``repeated``: nothing is done.
        One before which others are missing is ``held`` until they have come; it may be at most
        10,000 ahead.

        Another message of a number that came before is
        :class:`~aragora_sql.errors.SequenceReusedError`, as long as :meth:`cleanup` has left its
        hash. Raises :class:`~aragora_sql.errors.RegionNotFoundError`, and
        :class:`~aragora_sql.errors.RegionRefusedError` for a region that gives no messages.
        """
        valid.text(region_id, "region_id")
        number = _sequence(sequence, "sequence")
        place = {"region_id": region_id, "workspace_id": _workspace(workspace_id)}
        text = changes_text(changes, region_id)
        digest, now = changes_hash(text), utc_now()
        async with self._database.transaction() as connection:
            last = await self._queries.hold_state(connection, **place, at_time=now)
            if last is None:
                await self._refuse(
                    connection, region_id, place["workspace_id"], "gives no messages"
                )
            known = await self._queries.get_incoming(connection, **place, sequence=number)
            if known is not None and known != digest:
                raise SequenceReusedError(region_id, number)
            if number <= last:
                return _became(number, "repeated", last)
            if number > last + MOST_AHEAD:
                raise InvalidInputError(
                    "sequence", f"must be at most {MOST_AHEAD} ahead of {last}, the last applied"
                )
            is_next = number == last + 1
            if known is None:
                await self._queries.insert_incoming(
                    connection,
                    **place,
                    sequence=number,
                    content_hash=digest,
                    changes=None if is_next else text,
                    received_at=now,
                    applied_at=now if is_next else None,
                )
            if not is_next:
                return _became(number, "held", last)
            last, waiting = await self._waiting(connection, place, number)
            rows = record_rows(place["workspace_id"], [*load_json(text), *waiting])
            changed = await self._queries.merge_records(connection, rows)
            if last > number:
                await self._queries.mark_applied(
                    connection,
                    **place,
                    first_sequence=number + 1,
                    last_sequence=last,
                    applied_at=now,
                )
            await self._queries.set_applied(connection, **place, last_applied=last)
        return _became(number, "applied", last, changed)

    async def _waiting(
        self, connection: Connection, place: Mapping[str, str], sequence: int
    ) -> tuple[int, list[Any]]:
        """Return the number of the last message that can be applied now, and all their changes."""
        last = sequence
        changes: list[Any] = []
        rows = self._queries.list_held(
            connection,
            region_id=place["region_id"],
            workspace_id=place["workspace_id"],
            after_sequence=sequence,
            row_limit=MOST_AHEAD,
        )
        async for row in rows:
            if row["sequence"] != last + 1:
                break
            last = row["sequence"]
            changes += row["changes"] or []
        return last, changes

    async def get_sync_state(
        self, region_id: str, workspace_id: str | None = None
    ) -> SyncState | None:
        """Return how far the messages to and from a region are; None when there is no region."""
        valid.text(region_id, "region_id")
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            return await self._state(connection, region_id, workspace)

    async def _state(
        self, connection: Connection, region_id: str, workspace_id: str
    ) -> SyncState | None:
        row = await self._queries.get_sync_state(
            connection, region_id=region_id, workspace_id=workspace_id
        )
        return None if row is None else record_of(SyncState, **row)

    async def _refuse(
        self, connection: Connection, region_id: str, workspace_id: str, why: str
    ) -> NoReturn:
        row = await self._queries.get_region(
            connection, region_id=region_id, workspace_id=workspace_id
        )
        if row is None:
            raise RegionNotFoundError(region_id)
        told = f"its mode is {row['mode']}" if row["enabled"] else "it is not enabled"
        raise RegionRefusedError(region_id, f"{why}: {told}")

    # Records

    async def save_record(
        self,
        record_id: str,
        content: Mapping[str, Any] | None,
        workspace_id: str | None = None,
        *,
        updated_at: datetime | None = None,
    ) -> bool:
        """Store what this region writes to a record, None to delete it; tell whether it stays.

        False when a later write of another region is there, as the rule for all regions says.
        :meth:`enqueue` in the same transaction tells other regions, with
        ``(await federation.get_record(…)).to_change()``.
        """
        key = valid.key(record_id, "record_id")
        workspace = _workspace(workspace_id)
        document = valid.optional(content, "content", valid.document)
        written = valid.timestamp_or_now(updated_at, "updated_at")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.merge_records(
                    connection,
                    [
                        {
                            "workspace_id": workspace,
                            "record_id": key,
                            "content": document,
                            "origin": self._region_id,
                            "updated_at": written,
                        }
                    ],
                )
            )

    async def get_record(
        self, record_id: str, workspace_id: str | None = None
    ) -> FederatedRecord | None:
        """Return a record, also one that was deleted, or None."""
        valid.text(record_id, "record_id")
        workspace = _workspace(workspace_id)
        async with self._database.read() as connection:
            row = await self._queries.get_record(
                connection, workspace_id=workspace, record_id=record_id
            )
        return None if row is None else record_of(FederatedRecord, **row)

    async def list_records(
        self,
        workspace_id: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[FederatedRecord]:
        """Return a page of the records of a workspace, also those that were deleted, by id."""
        workspace = _workspace(workspace_id)
        row_limit = valid.limit(limit)
        (last_id,) = key_of(after, {"record_id": valid.text}, ("",))
        async with self._database.read() as connection:
            rows = self._queries.list_records(
                connection, workspace_id=workspace, after_id=last_id, row_limit=row_limit
            )
            return [record_of(FederatedRecord, **row) async for row in rows]

    async def cleanup(
        self, messages_days: float = 30, deleted_days: float = 90
    ) -> FederationCleanup:
        """Delete what is older than so many days, in small transactions, and return the counts.

        Of messages that were applied what is kept to recognize another one of their number; of
        records those that were deleted. A write that is older than the deletion, and comes later
        than that, brings such a record back.
        """
        now = utc_now()
        messages_before = age_limit(messages_days, now, "messages_days")
        deleted_before = age_limit(deleted_days, now, "deleted_days")

        async def purge_messages() -> int:
            async with self._database.connection() as connection:
                return await self._queries.purge_inbox(
                    connection, applied_before=messages_before, row_limit=BATCH
                )

        async def purge_records() -> int:
            async with self._database.connection() as connection:
                return await self._queries.purge_deleted(
                    connection, deleted_before=deleted_before, row_limit=BATCH
                )

        return FederationCleanup(
            messages=await in_batches(purge_messages), records=await in_batches(purge_records)
        )

    # Keys

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on the stored ones of the first regions, so many at most.

        Returns how many regions with a key were looked at, and those whose key no key opens.
        """
        return await try_keys(
            self._database, self._page_of_secrets, self._open_row, _failure, ("", ""), limit
        )

    def _open_row(self, row: ListApiKeysRow) -> None:
        open_key(row["api_key"], self._keyring, row["region_id"], row["workspace_id"])

    def _rotation(self) -> Rotation[ListApiKeysRow, tuple[str, str], SetApiKeysParameters]:
        return Rotation(
            count=self._queries.count_api_keys,
            page=self._page_of_secrets,
            first=("", ""),
            place_of=itemgetter("region_id", "workspace_id"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_api_keys,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: tuple[str, str], size: int, locked: bool
    ) -> list[ListApiKeysRow]:
        read = self._queries.lock_api_keys if locked else self._queries.list_api_keys
        rows = read(connection, after_region=after[0], after_workspace=after[1], row_limit=size)
        return [row async for row in rows]

    def _resealed(self, row: ListApiKeysRow) -> Change[SetApiKeysParameters]:
        region_id, workspace_id = row["region_id"], row["workspace_id"]
        key = reseal_key(row["api_key"], self._keyring, region_id, workspace_id)
        return change_of(
            {"region_id": region_id, "workspace_id": workspace_id, "api_key": key.stored or ""}, key
        )


def _failure(row: ListApiKeysRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(
        user_id=None, integration_type=None, problem=str(error), region_id=row["region_id"]
    )


def _workspace(workspace_id: Any, argument: str = "workspace_id") -> str:
    """Return the key of a workspace: '' for the global one."""
    return "" if workspace_id in (None, "") else valid.key(workspace_id, argument)


def _any_workspace(workspace_id: Any, argument: str) -> str:
    return valid.optional_text(workspace_id, argument) or ""


def _sequence(sequence: Any, argument: str) -> int:
    return valid.integer(sequence, argument, least=1, most=LARGEST_SEQUENCE)


def _hidden(text: Any, argument: str) -> str:
    return hide_in_text(valid.text(text, argument))


def _became(sequence: int, outcome: Any, last_applied: int, changed: int = 0) -> AppliedMessage:
    return AppliedMessage(
        sequence=sequence, outcome=outcome, last_applied=last_applied, changed=changed
    )
