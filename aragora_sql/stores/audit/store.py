"""Audit: the log of events, and chains of immutable entries with their anchors.

Its queries: ``sql/postgres/audit/queries.sql`` and ``sql/sqlite/audit/queries.sql``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.groups import Groups
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    AnchorNotFoundError,
    AuditEntryNotFoundError,
    DamagedAuditLogError,
    DatabaseError,
    InvalidInputError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.audit.checking import ChainChecker
from aragora_sql.stores.audit.entries import NewEntry, Tail, chained, documents, new_entry
from aragora_sql.stores.audit.exporting import as_csv, as_json, as_lines
from aragora_sql.stores.audit.hashing import GENESIS_HASH
from aragora_sql.stores.audit.merkle import MerkleTree
from aragora_sql.stores.audit.proofs import verify_proof
from aragora_sql.stores.audit.records import (
    EXPORT_FORMATS,
    AuditChain,
    AuditEntry,
    AuditEvent,
    AuditStatistics,
    AuditVerification,
    DailyAnchor,
    InclusionProof,
)
from aragora_sql.stores.audit.signing import SigningKeys
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.audit import AuditQueries, PageHashedRow

__all__ = ["MAIN_CHAIN", "AuditStore"]

MAIN_CHAIN = "main"
SECURITY_PREFIXES = ("login.", "password.", "api_key.", "permission.", "auth.", "lockout")
PAGE = 1000
DELETED_AT_ONCE = 1000
# Batches of several tasks that are appended by one statement, and how long each of them may be.
LARGEST_GROUP = 16
LARGEST_SHARED_BATCH = 250
# Entries of append_many() that one statement appends.
APPENDED_AT_ONCE = 10_000
TREE_VERSION = 2
LAST_NUMBER = 2**63 - 1
LAST_CODE_POINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)


class AuditStore(Store):
    """Stores events, and entries that nobody changes unnoticed.

    **Events** (:meth:`log_event`, :meth:`get_log`) tell what users did, for as long as they are
    kept.

    **Entries** (:meth:`append`) are never changed nor removed: the database refuses it, and each
    has the hash of the one before it in its chain. Whoever appends locks the chain's row, so any
    number of processes makes one chain without gaps; within a transaction of the application's own
    the lock stays until its end. Concurrent calls of one process are appended together.

    ``signing_keys`` sign the entries (default: those of the environment, see
    :mod:`aragora_sql.stores.audit.signing`; none: they are not signed).

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "audit"
    _queries: AuditQueries

    def __init__(self, database: Database, signing_keys: SigningKeys | None = None) -> None:
        super().__init__(database)
        self._keys = SigningKeys.from_env() if signing_keys is None else signing_keys
        # Ends of chains as this object has appended to them last. Others may have appended since:
        # an entry is only stored behind the end that is in the database.
        self._tails: dict[str, Tail] = {}
        self._groups: dict[str, Groups[list[NewEntry], list[AuditEntry]]] = {}

    # Events

    async def log_event(
        self,
        action: str,
        resource_type: str,
        resource_id: str | None = None,
        user_id: str | None = None,
        org_id: str | None = None,
        old_value: Mapping[str, Any] | None = None,
        new_value: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        *,
        timestamp: datetime | None = None,
    ) -> int:
        """Store an event and return its number.

        ``old_value`` and ``new_value`` are documents; empty ones are stored as none. ``timestamp``
        defaults to the present time.
        """
        row = {
            "action": valid.key(action, "action"),
            "resource_type": valid.key(resource_type, "resource_type"),
            "resource_id": valid.optional(resource_id, "resource_id", valid.key),
            "user_id": valid.optional(user_id, "user_id", valid.key),
            "org_id": valid.optional(org_id, "org_id", valid.key),
            "old_value": _document_or_none(old_value, "old_value"),
            "new_value": _document_or_none(new_value, "new_value"),
            "metadata": valid.document(metadata, "metadata"),
            "ip_address": valid.optional_text(ip_address, "ip_address"),
            "user_agent": valid.optional_text(user_agent, "user_agent"),
            "timestamp": valid.timestamp_or_now(timestamp, "timestamp"),
        }
        async with self._database.connection() as connection:
            return await self._queries.insert_event(connection, **row)

    async def get_log(
        self,
        org_id: str | None = None,
        user_id: str | None = None,
        action: str | None = None,
        resource_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        *,
        resource_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[AuditEvent]:
        """Return events, the newest first; those of ``since`` and ``until`` are among them.

        An ``action`` that ends with ``*`` stands for all that begin with what is before it.
        ``resource_id`` needs ``resource_type``. ``after`` is the last event of the page before:
        page 1,000 costs what the first costs.
        """
        wanted = _EventFilter(org_id, user_id, action, resource_type, resource_id)
        place = {**_place_of_event(after, since, until), "row_limit": valid.limit(limit)}
        return await self._events(wanted, place)

    async def _events(self, wanted: _EventFilter, place: dict[str, Any]) -> list[AuditEvent]:
        async with self._database.read() as connection:
            rows = wanted.rows(self._queries, connection, place)
            return [record_of(AuditEvent, **row) async for row in rows]

    async def get_log_count(
        self,
        org_id: str | None = None,
        user_id: str | None = None,
        action: str | None = None,
        resource_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        resource_id: str | None = None,
    ) -> int:
        """Return the number of events that :meth:`get_log` would list."""
        wanted = _EventFilter(org_id, user_id, action, resource_type, resource_id)
        times: dict[str, Any] = _times(since, until)
        async with self._database.read() as connection:
            return await self._queries.count_events(connection, **wanted.columns, **times)

    async def get_recent_activity(
        self,
        user_id: str | None = None,
        org_id: str | None = None,
        hours: float = 24,
        limit: int = 50,
    ) -> list[AuditEvent]:
        """Return the events of the last hours, the newest first."""
        age = valid.number(hours, "hours")
        since = age_limit(age / 24, utc_now(), "hours")
        return await self.get_log(org_id=org_id, user_id=user_id, since=since, limit=limit)

    async def get_security_events(
        self,
        user_id: str | None = None,
        org_id: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[AuditEvent]:
        """Return events of log-ins, passwords, keys, permissions and lockouts, the newest first."""
        wanted = _EventFilter(org_id, user_id, None, None, None, SECURITY_PREFIXES)
        place = {**_place_of_event(after), "row_limit": valid.limit(limit)}
        return await self._events(wanted, place)

    async def cleanup_old_entries(self, days: float) -> int:
        """Delete the events that are older than so many days; return how many.

        It is done in batches, each a transaction of its own. Immutable entries are not touched.
        """
        before = age_limit(days, utc_now(), "days")

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_events(
                    connection, older_than=before, row_limit=DELETED_AT_ONCE
                )

        return await in_batches(batch)

    # Entries

    async def append(
        self,
        event_type: str,
        actor: str,
        resource_type: str,
        resource_id: str,
        action: str,
        actor_type: str = "user",
        details: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        workspace_id: str | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        *,
        chain: str = MAIN_CHAIN,
    ) -> AuditEntry:
        """Append an entry to a chain, which is made when it is not there, and return it.

        ``actor_type`` is ``user``, ``system`` or ``agent``. Its time is the present, or that of the
        entry before it where this machine's clock is behind.
        """
        _, entry = new_entry(
            "",
            event_type,
            actor,
            resource_type,
            resource_id,
            action,
            actor_type,
            details,
            correlation_id,
            workspace_id,
            ip_address,
            user_agent,
        )
        name = _chain(chain)

        async def insert() -> AuditEntry:
            (appended,) = await self._append(name, [entry])
            return appended

        return await self._repeat_insert(insert, partial(self.get_entry, entry["id"]))

    async def append_many(
        self, entries: Iterable[Mapping[str, Any]], *, chain: str = MAIN_CHAIN
    ) -> list[AuditEntry]:
        """Append entries in their order, all or nothing, in five round trips at most.

        Each is a mapping with the arguments of :meth:`append` but the chain. There may be 10,000.
        """
        name = _chain(chain)
        prepared = [entry for _, entry in valid.prepare_each(new_entry, entries, "entries")]
        if len(prepared) > APPENDED_AT_ONCE:
            raise InvalidInputError(
                "entries", f"must be at most {APPENDED_AT_ONCE}, not {len(prepared)}"
            )
        return await self._append(name, prepared) if prepared else []

    async def _append(self, chain: str, entries: list[NewEntry]) -> list[AuditEntry]:
        if self._database.is_in_use_here() or len(entries) > LARGEST_SHARED_BATCH:
            (appended,) = await self._append_group(chain, [entries])
            return appended
        groups = self._groups.get(chain)
        if groups is None:
            groups = self._groups[chain] = Groups(
                partial(self._append_group, chain), most=LARGEST_GROUP
            )
        shared = await groups.run(entries)
        if shared is None:
            (shared,) = await self._append_group(chain, [entries])
        return shared

    async def _append_group(
        self, chain: str, batches: list[list[NewEntry]]
    ) -> list[list[AuditEntry]]:
        """Append the entries of several tasks by one statement."""
        entries = [entry for batch in batches for entry in batch]
        appended = await self._append_behind(chain, entries)
        found, start = [], 0
        for batch in batches:
            found.append(appended[start : start + len(batch)])
            start += len(batch)
        return found

    async def _append_behind(self, chain: str, entries: list[NewEntry]) -> list[AuditEntry]:
        """Append entries behind the end that this object knows, else behind the real one."""
        tail = self._tails.pop(chain, None)
        if tail is not None:
            async with self._database.connection() as connection:
                made = await self._store(connection, chain, tail, entries)
            if made is not None:
                return made
        async with self._database.transaction() as connection:
            row = await self._queries.lock_chain(connection, chain=chain)
            if row is None:
                await self._queries.create_chain(
                    connection, chain=chain, last_hash=GENESIS_HASH, created_at=utc_now()
                )
                row = await self._queries.lock_chain(connection, chain=chain)
            if row is None:
                raise DatabaseError(f"chain {chain!r} was not stored: a trigger has kept it out")
            if row["origin"] != "appended":
                raise InvalidInputError(
                    "chain", f"{chain!r} came from the older system; nothing is appended to it"
                )
            tail = Tail(row["last_sequence"], row["last_hash"], row["last_timestamp"])
            made = await self._store(connection, chain, tail, entries)
            if made is None:
                raise DatabaseError(
                    f"entries of chain {chain!r} were not stored: a trigger has kept them out"
                )
        return made

    async def _store(
        self, connection: Connection, chain: str, tail: Tail, entries: list[NewEntry]
    ) -> list[AuditEntry] | None:
        """Store entries behind an end of a chain; return None when it is not the end any more."""
        made = chained(chain, tail, entries, self._keys)
        stored = await self._queries.append_entries(
            connection,
            chain=chain,
            last_sequence=tail.sequence,
            last_hash=tail.hash,
            first_timestamp=made[0].timestamp,
            entries=documents(made),
        )
        if stored != len(made):
            return None
        last = made[-1]
        self._tails[chain] = Tail(last.sequence_number, last.entry_hash, last.timestamp)
        return made

    async def get_entry(self, entry_id: str) -> AuditEntry | None:
        """Return an entry, or None."""
        checked = valid.key(entry_id, "entry_id")
        async with self._database.read() as connection:
            row = await self._queries.get_entry(connection, entry_id=checked)
        return None if row is None else record_of(AuditEntry, **row)

    async def get_by_sequence(
        self, sequence_number: int, *, chain: str = MAIN_CHAIN
    ) -> AuditEntry | None:
        """Return the entry of a number, or None."""
        name = _chain(chain)
        number = _sequence(sequence_number, "sequence_number")
        async with self._database.read() as connection:
            row = await self._queries.get_entry_by_sequence(
                connection, chain=name, sequence_number=number
            )
        return None if row is None else record_of(AuditEntry, **row)

    async def get_last_entry(self, *, chain: str = MAIN_CHAIN) -> AuditEntry | None:
        """Return the last entry of a chain, or None."""
        name = _chain(chain)
        async with self._database.read() as connection:
            row = await self._queries.get_last_entry(connection, chain=name)
        return None if row is None else record_of(AuditEntry, **row)

    async def get_entries_range(
        self,
        start_sequence: int,
        end_sequence: int,
        limit: int = PAGE,
        *,
        chain: str = MAIN_CHAIN,
    ) -> list[AuditEntry]:
        """Return the first ``limit`` entries from one number to another, in their order."""
        name = _chain(chain)
        first = _sequence(start_sequence, "start_sequence")
        last = _sequence(end_sequence, "end_sequence")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.page_entries(
                connection,
                chain=name,
                first_sequence=first,
                last_sequence=last,
                row_limit=row_limit,
            )
            return [record_of(AuditEntry, **row) async for row in rows]

    async def query(
        self,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        event_types: Sequence[str] | None = None,
        actors: Sequence[str] | None = None,
        resource_types: Sequence[str] | None = None,
        resource_ids: Sequence[str] | None = None,
        workspace_id: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
        chain: str = MAIN_CHAIN,
    ) -> list[AuditEntry]:
        """Return entries, the newest first; those of both times are among them.

        Lists are of values one of which has to be there; None stands for any. ``after`` is the last
        entry of the page before.
        """
        times = _times(start_time, end_time, "start_time", "end_time")
        checks = {"timestamp": valid.timestamp, "sequence_number": _sequence}
        key = _later_bound(key_of(after, checks, (LAST_TIMESTAMP, LAST_NUMBER)), times)
        of_actors = _names(actors, "actors")
        of_resources = _names(resource_ids, "resource_ids")
        given: dict[str, Any] = {
            "chain": _chain(chain),
            "event_types": _names(event_types, "event_types"),
            "resource_types": _names(resource_types, "resource_types"),
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
            "since": times["since"],
            "after_timestamp": key[0],
            "after_sequence": key[1],
            "row_limit": valid.limit(limit),
        }
        async with self._database.read() as connection:
            if of_actors is not None:
                rows = self._queries.list_entries_of_actors(
                    connection, actors=of_actors, resource_ids=of_resources, **given
                )
            elif of_resources is not None:
                rows = self._queries.list_entries_of_resources(
                    connection, resource_ids=of_resources, **given
                )
            else:
                rows = self._queries.list_entries(connection, **given)
            return [record_of(AuditEntry, **row) async for row in rows]

    async def count(
        self,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        event_types: Sequence[str] | None = None,
        *,
        chain: str = MAIN_CHAIN,
    ) -> int:
        """Return the number of entries of a time."""
        times: dict[str, Any] = _times(start_time, end_time, "start_time", "end_time")
        types = _names(event_types, "event_types")
        name = _chain(chain)
        async with self._database.read() as connection:
            return await self._queries.count_entries(
                connection, chain=name, event_types=types, **times
            )

    async def get_statistics(
        self,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        *,
        chain: str = MAIN_CHAIN,
    ) -> AuditStatistics:
        """Return how many entries a time has, and the last entry of the chain."""
        total = await self.count(start_time, end_time, chain=chain)
        last = await self.get_last_entry(chain=chain)
        return AuditStatistics(
            total_entries=total,
            last_sequence=0 if last is None else last.sequence_number,
            last_entry_time=None if last is None else last.timestamp,
            last_entry_hash=None if last is None else last.entry_hash,
        )

    async def list_chains(self) -> list[AuditChain]:
        """Return the chains by name."""
        async with self._database.read() as connection:
            return [
                record_of(AuditChain, **row) async for row in self._queries.list_chains(connection)
            ]

    # Verification

    async def verify_integrity(
        self,
        start_sequence: int | None = None,
        end_sequence: int | None = None,
        *,
        chain: str = MAIN_CHAIN,
    ) -> AuditVerification:
        """Look through a chain, or a part of it, and name whatever was changed, removed or added.

        Compares the numbers, the links, the hashes, and the signatures whose key is here; at the
        end the last entry with the one that the chain knows. Reads page by page.
        """
        name = _chain(chain)
        first = 1 if start_sequence is None else _sequence(start_sequence, "start_sequence")
        last = None if end_sequence is None else _sequence(end_sequence, "end_sequence")
        started = time.perf_counter()
        checker, warnings = await self._checker(name, first)
        await self._walk(name, checker, last)
        if last is None:
            await self._check_end(name, checker, warnings)
        elif checker.next_sequence <= last:
            checker.problems.add(checker.next_sequence, _missing(checker.next_sequence, last))
        return _verification(name, checker, warnings, started)

    async def _checker(self, chain: str, first: int) -> tuple[ChainChecker, list[str]]:
        """Return what checks a chain from a number on."""
        checker = ChainChecker(self._keys, first, GENESIS_HASH if first == 1 else None)
        if first > 1:
            before = await self.get_by_sequence(first - 1, chain=chain)
            if before is None:
                checker.problems.add(first - 1, f"entry {first - 1} is missing")
            else:
                checker.previous_hash = before.entry_hash
        return checker, []

    async def _walk(
        self,
        chain: str,
        checker: ChainChecker,
        last: int | None,
        look: Callable[[Sequence[PageHashedRow]], None] | None = None,
    ) -> None:
        """Check the entries from where the checker is, up to a number."""
        first = checker.next_sequence
        # Each page begins with the last number of the page before: a second row of it is found too.
        seen: set[str] = set()
        while True:
            async with self._database.read() as connection:
                page = [
                    row
                    async for row in self._queries.page_hashed(
                        connection,
                        chain=chain,
                        first_sequence=first,
                        last_sequence=LAST_NUMBER if last is None else last,
                        row_limit=PAGE,
                    )
                ]
            rows = [row for row in page if row["id"] not in seen] if seen else page
            checker.check(rows)
            if look is not None:
                look(rows)
            if len(page) < PAGE:
                return
            number = page[-1]["sequence_number"]
            if page[0]["sequence_number"] == number:
                first, seen = number + 1, set()
            else:
                first = number
                seen = {row["id"] for row in page if row["sequence_number"] == number}

    async def _check_end(self, chain: str, checker: ChainChecker, warnings: list[str]) -> None:
        """Compare the last entry with the one that the chain knows, which may go on meanwhile."""
        while True:
            async with self._database.read() as connection:
                row = await self._queries.get_chain(connection, chain=chain)
            seen = checker.next_sequence - 1
            if row is None:
                if seen:
                    checker.problems.add(1, "the chain's own row is missing")
                else:
                    warnings.append(f"there is no chain {chain!r}")
                return
            if row["first_broken_sequence"] is not None:
                warnings.append(
                    f"it was broken when it was imported, from entry "
                    f"{row['first_broken_sequence']} on: {row['broken_reason']}"
                )
            if row["last_sequence"] > seen:
                before = checker.checked
                await self._walk(chain, checker, None)
                if checker.checked > before:
                    warnings[:] = []
                    continue
                checker.problems.add(seen + 1, _missing(seen + 1, row["last_sequence"]))
            elif row["last_sequence"] < seen:
                checker.problems.add(
                    row["last_sequence"] + 1,
                    f"entries behind {row['last_sequence']} are not known to their chain",
                )
            elif checker.previous_hash not in (None, row["last_hash"]):
                checker.problems.add(seen, f"entry {seen} is not the one that its chain knows")
            return

    # Anchors

    async def create_daily_anchor(
        self, date: str | date | None = None, *, chain: str = MAIN_CHAIN
    ) -> DailyAnchor | None:
        """Store the root over a day's entries, and return it; None when the day has none.

        ``date`` is a day in UTC that is over, such as ``2026-02-12`` (default: yesterday). A day
        that has an anchor keeps it. No entry of the day can be appended any more. Raises
        :class:`~aragora_sql.errors.DamagedAuditLogError` when entries of the day are missing.
        """
        name = _chain(chain)
        day = utc_now().date() - timedelta(days=1) if date is None else _day(date)
        start, end = _bounds(day)
        if end > utc_now():
            raise InvalidInputError("date", f"must be a day that is over, not {day.isoformat()}")
        found = await self.get_anchor(day, chain=name)
        if found is not None:
            return found
        async with self._database.connection() as connection:
            # Whoever is appending has committed behind it.
            await self._queries.close_day(connection, chain=name, day_end=end)
            span = await self._queries.get_range(connection, chain=name, since=start, day_end=end)
        first, last = span["first_sequence"], span["last_sequence"]
        if first is None or last is None:
            return None
        count = last - first + 1
        if span["entry_count"] != count:
            raise DamagedAuditLogError(
                name, first, f"entries from here to {last} are missing, or not of one day"
            )
        tree = MerkleTree(TREE_VERSION)
        chain_hash = await self._grow(tree, name, first, last)
        async with self._database.connection() as connection:
            await self._queries.insert_anchor(
                connection,
                chain=name,
                anchor_date=day.isoformat(),
                first_sequence=first,
                last_sequence=last,
                entry_count=count,
                merkle_root=tree.root(),
                chain_hash=chain_hash,
                tree_version=TREE_VERSION,
                created_at=utc_now(),
            )
        return await self.get_anchor(day, chain=name)

    async def _grow(self, tree: MerkleTree, chain: str, first: int, last: int) -> str:
        """Add the hashes of a range to a tree, and return the last of them."""
        after, found = first - 1, GENESIS_HASH
        while after < last:
            async with self._database.read() as connection:
                rows = [
                    row
                    async for row in self._queries.page_hashes(
                        connection,
                        chain=chain,
                        after_sequence=after,
                        last_sequence=last,
                        row_limit=PAGE,
                    )
                ]
            for row in rows:
                after += 1
                if row["sequence_number"] != after:
                    raise DamagedAuditLogError(chain, after, "the entry is missing")
                found = row["entry_hash"]
                tree.add(found)
            if not rows:
                raise DamagedAuditLogError(chain, after + 1, "the entry is missing")
        return found

    async def get_anchor(self, date: str | date, *, chain: str = MAIN_CHAIN) -> DailyAnchor | None:
        """Return the anchor of a day, or None."""
        name, day = _chain(chain), _day(date)
        async with self._database.read() as connection:
            row = await self._queries.get_anchor(
                connection, chain=name, anchor_date=day.isoformat()
            )
        return None if row is None else record_of(DailyAnchor, **row)

    async def list_anchors(
        self,
        first_date: str | date | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
        chain: str = MAIN_CHAIN,
    ) -> list[DailyAnchor]:
        """Return the anchors of a chain in the order of their days, from a day on.

        ``after`` is the last anchor of the page before.
        """
        name = _chain(chain)
        first = "" if first_date is None else _day(first_date, "first_date").isoformat()
        (behind,) = key_of(after, {"date": valid.text}, ("",))
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_anchors(
                connection, chain=name, first_date=first, after_date=behind, row_limit=row_limit
            )
            return [record_of(DailyAnchor, **row) async for row in rows]

    async def verify_anchor(
        self, date: str | date, *, chain: str = MAIN_CHAIN
    ) -> AuditVerification:
        """Compare a day's entries with its anchor, and look through them.

        Raises :class:`~aragora_sql.errors.AnchorNotFoundError` when the day has none.
        """
        anchor = await self._anchor(_chain(chain), _day(date))
        started = time.perf_counter()
        checker, warnings = await self._checker(anchor.chain, anchor.first_sequence)
        tree = MerkleTree(anchor.tree_version)

        def look(rows: Sequence[PageHashedRow]) -> None:
            for row in rows:
                tree.add(row["entry_hash"])

        await self._walk(anchor.chain, checker, anchor.last_sequence, look)
        problems, day = checker.problems, anchor.date
        if tree.count != anchor.entry_count:
            problems.add(
                anchor.first_sequence,
                f"anchor {day}: {anchor.entry_count} entries were anchored, {tree.count} are there",
            )
        if checker.previous_hash != anchor.chain_hash:
            problems.add(anchor.last_sequence, f"anchor {day}: its last entry is another one")
        if tree.root() != anchor.merkle_root:
            problems.add(anchor.first_sequence, f"anchor {day}: its entries have another root")
        return _verification(anchor.chain, checker, warnings, started)

    async def prove(self, entry_id: str) -> InclusionProof:
        """Return the proof that an entry is among those of its day's anchor.

        :func:`verify_proof` checks it without the database. Raises
        :class:`~aragora_sql.errors.AuditEntryNotFoundError`,
        :class:`~aragora_sql.errors.AnchorNotFoundError` when the day has no anchor yet, and
        :class:`~aragora_sql.errors.DamagedAuditLogError` when the entries have another root.
        """
        entry = await self.get_entry(entry_id)
        if entry is None:
            raise AuditEntryNotFoundError(entry_id)
        day = entry.timestamp.date()
        anchor = await self._anchor(entry.chain, day)
        if not anchor.first_sequence <= entry.sequence_number <= anchor.last_sequence:
            raise AnchorNotFoundError(entry.chain, day.isoformat())
        place = entry.sequence_number - anchor.first_sequence
        tree = MerkleTree(anchor.tree_version, target=place)
        await self._grow(tree, entry.chain, anchor.first_sequence, anchor.last_sequence)
        if tree.root() != anchor.merkle_root:
            raise DamagedAuditLogError(
                entry.chain,
                anchor.first_sequence,
                f"entries of {anchor.date} were changed since they were anchored",
            )
        return InclusionProof(
            entry=entry,
            date=anchor.date,
            leaf_index=place,
            entry_count=anchor.entry_count,
            tree_version=anchor.tree_version,
            path=[[side, beside] for side, beside in tree.path],
            merkle_root=anchor.merkle_root,
        )

    @staticmethod
    def verify_proof(
        proof: InclusionProof | Mapping[str, Any], merkle_root: str | None = None
    ) -> bool:
        """Tell whether a proof holds; the same as the function :func:`verify_proof`."""
        return verify_proof(proof, merkle_root)

    async def _anchor(self, chain: str, day: date) -> DailyAnchor:
        found = await self.get_anchor(day, chain=chain)
        if found is None:
            raise AnchorNotFoundError(chain, day.isoformat())
        return found

    # Export

    async def export_range(
        self,
        start_time: datetime,
        end_time: datetime,
        format: str = "json",  # noqa: A002 - as it was called
        path: str | Path | None = None,
        *,
        chain: str = MAIN_CHAIN,
    ) -> str:
        """Return the entries from one time to another as text, or write it to a file.

        ``format`` is ``json``, ``jsonl`` or ``csv``. With ``path`` the file is written page by
        page, and its path is returned.
        """
        pieces = self.export_pieces(start_time, end_time, format, chain=chain)
        if path is None:
            return "".join([piece async for piece in pieces])
        file = await asyncio.to_thread(Path(path).open, "w", encoding="utf-8", newline="")
        try:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
        return str(path)

    def export_pieces(
        self,
        start_time: datetime,
        end_time: datetime,
        format: str = "json",  # noqa: A002 - as it was called
        *,
        chain: str = MAIN_CHAIN,
    ) -> AsyncIterator[str]:
        """Give the text of :meth:`export_range` piece by piece, oldest entries first."""
        name = _chain(chain)
        start = valid.timestamp(start_time, "start_time")
        end = valid.timestamp(end_time, "end_time")
        kind = valid.choice(format, "format", EXPORT_FORMATS)
        pages = self._pages(name, start, end)
        if kind == "json":
            return as_json(pages, name, start, end)
        return as_lines(pages) if kind == "jsonl" else as_csv(pages)

    async def _pages(
        self, chain: str, start: datetime, end: datetime
    ) -> AsyncIterator[list[AuditEntry]]:
        after: tuple[datetime, int] = (start, 0)
        while True:
            async with self._database.read() as connection:
                rows = self._queries.page_time(
                    connection,
                    chain=chain,
                    until=end,
                    after_timestamp=after[0],
                    after_sequence=after[1],
                    row_limit=PAGE,
                )
                page = [record_of(AuditEntry, **row) async for row in rows]
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].timestamp, page[-1].sequence_number


class _EventFilter:
    """What is asked for of the log, and the query whose index finds it."""

    def __init__(
        self,
        org_id: str | None,
        user_id: str | None,
        action: str | None,
        resource_type: str | None,
        resource_id: str | None,
        prefixes: Sequence[str] | None = None,
    ) -> None:
        checked = valid.optional(action, "action", valid.key)
        if checked is not None and checked.endswith("*"):
            # Of * alone that is none: all events begin with nothing.
            prefixes, checked = ([checked[:-1]] if len(checked) > 1 else None), None
        if resource_id is not None and resource_type is None:
            raise InvalidInputError("resource_id", "needs a resource_type")
        self.columns: dict[str, Any] = {
            "org_id": valid.optional(org_id, "org_id", valid.key),
            "user_id": valid.optional(user_id, "user_id", valid.key),
            "action": checked,
            "prefixes": None
            if prefixes is None
            else [[prefix, _end_of_prefix(prefix)] for prefix in prefixes],
            "resource_type": valid.optional(resource_type, "resource_type", valid.key),
            "resource_id": valid.optional(resource_id, "resource_id", valid.key),
        }

    def rows(
        self, queries: AuditQueries, connection: Connection, place: dict[str, Any]
    ) -> AsyncIterator[Any]:
        """Ask for the events behind a place."""
        given: dict[str, Any] = {**self.columns, **place}

        def without(*names: str) -> dict[str, Any]:
            return {name: value for name, value in given.items() if name not in names}

        if given["user_id"] is not None:
            return queries.list_events_of_user(connection, **given)
        if given["resource_id"] is not None:
            return queries.list_events_of_resource(connection, **without("user_id"))
        if given["org_id"] is not None:
            return queries.list_events_of_org(connection, **without("user_id", "resource_id"))
        of_all = ("user_id", "org_id", "resource_id")
        if given["prefixes"] is not None:
            return queries.list_events_of_prefixes(connection, **without(*of_all, "action"))
        if given["action"] is not None:
            return queries.list_events_of_action(connection, **without(*of_all, "prefixes"))
        return queries.list_events(connection, **without(*of_all, "prefixes", "action"))


def _place_of_event(
    after: LastRow | None, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    checks = {"timestamp": valid.timestamp, "id": _event_id}
    times = _times(since, until)
    timestamp, number = _later_bound(key_of(after, checks, (LAST_TIMESTAMP, LAST_NUMBER)), times)
    return {"since": times["since"], "after_timestamp": timestamp, "after_id": number}


def _later_bound(place: tuple[Any, ...], times: dict[str, datetime]) -> tuple[Any, ...]:
    """Return where a list begins that is newest first: behind a place, and not after a time.

    SQLite walks an index from one of two upper bounds only, so there is to be one.
    """
    until = times["until"]
    return place if place[0] <= until else (until, LAST_NUMBER)


def _end_of_prefix(prefix: str) -> str:
    """Return the first text, by code point, behind all that begin with a prefix."""
    for place in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[place])
        if code < LAST_CODE_POINT:
            following = SURROGATES[1] + 1 if code + 1 == SURROGATES[0] else code + 1
            return prefix[:place] + chr(following)
    # Nothing is behind it but what begins with it and that character once more.
    return prefix + chr(LAST_CODE_POINT)


def _event_id(value: Any, argument: str) -> int:
    return valid.integer(value, argument, 0, LAST_NUMBER)


def _sequence(value: Any, argument: str) -> int:
    return valid.integer(value, argument, 1, LAST_NUMBER)


def _chain(value: Any) -> str:
    return valid.key(value, "chain")


def _names(value: Any, argument: str) -> list[str] | None:
    return None if value is None else valid.identifiers(value, argument)


def _document_or_none(value: Mapping[str, Any] | None, argument: str) -> Any:
    encoded = valid.document(value, argument)
    return encoded if value else None


def _times(
    since: datetime | None, until: datetime | None, first: str = "since", last: str = "until"
) -> dict[str, datetime]:
    return {
        "since": FIRST_TIMESTAMP if since is None else valid.timestamp(since, first),
        "until": LAST_TIMESTAMP if until is None else valid.timestamp(until, last),
    }


def _day(value: Any, argument: str = "date") -> date:
    """Check a day: a date, or its text as ``2026-02-12``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = None
        # 20260212 and 2026-W07-4 are days too, by other names.
        if found is not None and found.isoformat() == value:
            return found
    raise InvalidInputError(argument, f"must be a day such as 2026-02-12, not {valid.shown(value)}")


def _bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        return start, start + timedelta(days=1)
    except OverflowError:
        raise InvalidInputError("date", f"must be a day that is over, not {day}") from None


def _missing(first: int, last: int) -> str:
    return (
        f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    )


def _verification(
    chain: str, checker: ChainChecker, warnings: list[str], started: float
) -> AuditVerification:
    problems = checker.problems
    return AuditVerification(
        chain=chain,
        is_valid=problems.count == 0,
        entries_checked=checker.checked,
        errors=problems.errors,
        error_count=problems.count,
        warnings=[*checker.warnings(), *warnings],
        first_error_sequence=problems.first_sequence,
        verification_time_ms=(time.perf_counter() - started) * 1000,
    )
