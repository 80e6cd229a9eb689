"""The older Aragora's two chains of audit entries, verified and gathered into a SQLite file.

The immutable log was a folder ``audit_logs``: ``audit.jsonl`` (an entry on each line),
``anchors.json``, and ``index.json``, which is derived. Its entries keep their hashes (version 1).
The second chain is the table ``audit_events`` of an ``audit.db``, whose hashes cover less and have
half the length: each event becomes an entry of a new chain (version 2) that keeps the older hashes
in its details.

A chain is looked through while it is read. One that is broken is left behind, unless it is asked
for (``--accept-broken-chain``): then it is moved, and says where it was broken.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from aragora_sql.database.values import format_timestamp
from aragora_sql.migration.accounting import LeftBehind
from aragora_sql.migration.finding import Candidate, SourceError, data_places
from aragora_sql.migration.sources import SourceFile
from aragora_sql.stores.audit.hashing import (
    CURRENT_VERSION,
    GENESIS_HASH,
    OLDER_VERSION,
    details_text,
    entry_hash,
    older_timestamp,
)
from aragora_sql.stores.audit.merkle import MerkleTree
from aragora_sql.stores.audit.signing import SigningKeys

__all__ = [
    "EVENT_TABLES",
    "GATHERED_NAME",
    "EventTable",
    "audit_folders",
    "event_tables",
    "gather_audit_chains",
]

GATHERED_NAME = "audit-chains.db"
FOLDER, ENTRIES, ANCHORS, INDEX = "audit_logs", "audit.jsonl", "anchors.json", "index.json"
EVENTS = "audit_events"
# What stands for the second chain in a file; the other is its full-text index.
EVENT_TABLES = frozenset({EVENTS, "audit_fts"})
_EVENT_COLUMNS = (
    *("id", "timestamp", "category", "action", "actor_id", "resource_type", "resource_id"),
    *("outcome", "ip_address", "user_agent", "correlation_id", "org_id", "workspace_id"),
    *("details", "reason", "previous_hash", "event_hash"),
)
_EVENT_NEEDS = frozenset({"id", "timestamp", "category", "action", "actor_id", "event_hash"})
_ENTRY_COLUMNS = (
    *("id", "chain", "sequence_number", "timestamp", "timestamp_text", "previous_hash"),
    *("entry_hash", "hash_version", "event_type", "actor", "actor_type", "resource_type"),
    *("resource_id", "action", "details", "correlation_id", "workspace_id", "ip_address"),
    *("user_agent", "signature", "path", "older_hash"),
)
_CHAIN_COLUMNS = (
    *("chain", "origin", "last_sequence", "last_hash", "last_timestamp"),
    *("first_broken_sequence", "broken_reason", "created_at", "path"),
)
_ANCHOR_COLUMNS = (
    *("chain", "date", "first_sequence", "last_sequence", "entry_count", "merkle_root"),
    *("chain_hash", "created_at", "path"),
)
_TABLES = {
    "gathered_audit_chains": _CHAIN_COLUMNS,
    "gathered_audit_entries": _ENTRY_COLUMNS,
    "gathered_audit_anchors": _ANCHOR_COLUMNS,
}
_BATCH = 5000
_HINT = "--accept-broken-chain moves it, and marks it as broken"


@dataclass(frozen=True, slots=True)
class EventTable:
    """A table ``audit_events`` of a file."""

    path: Path
    columns: frozenset[str]


@dataclass(slots=True)
class _Chain:
    """A chain that is being read, and the first thing that is wrong with it."""

    name: str
    origin: str
    path: Path
    count: int = 0
    # The end as it is stored, which is that of the last line unless the chain is broken.
    last_sequence: int = 0
    end_hash: str = GENESIS_HASH
    end_at: str | None = None
    last_hash: str = GENESIS_HASH
    first_at: str | None = None
    broken_at: int | None = None
    reason: str | None = None

    def is_broken_at(self, sequence: int, reason: str) -> None:
        """Keep what is wrong at the lowest number."""
        if self.broken_at is None or sequence < self.broken_at:
            self.broken_at, self.reason = sequence, reason


def audit_folders(path: Path) -> list[Path]:
    """Return the folders of the immutable log: that of each data directory, or the one given."""
    roots = [path, *data_places(path).files]
    found: dict[Path, Path] = {}
    for root in roots:
        for folder in (root, root / FOLDER):
            if (folder / ENTRIES).is_file():
                found.setdefault(folder.resolve(), folder)
    return list(found.values())


def event_tables(paths: Iterable[Path]) -> list[EventTable]:
    """Return the tables of the second chain in some files that can be read."""
    found = []
    for path in paths:
        with closing(SourceFile(path, path.name)) as source:
            columns = source.tables().get(EVENTS)
        if columns is not None:
            found.append(EventTable(path, columns))
    return found


def gather_audit_chains(
    folders: Sequence[Path],
    tables: Sequence[EventTable],
    target: Path,
    *,
    accept_broken: bool,
    keys: SigningKeys | None = None,
) -> tuple[list[Candidate], list[LeftBehind]]:
    """Write the chains of folders and files to a SQLite file, and return what was found.

    ``keys`` compare the signatures (default: those of the environment). A chain that is the
    beginning of another one is a copy of it. Raises :class:`SourceError` for a file that can't be
    read.
    """
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for name, columns in _TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        gathering = _Gathering(connection, accept_broken, keys or SigningKeys.from_env())
        for folder in folders:
            gathering.add_folder(folder)
        for table in tables:
            gathering.add_events(table)
        connection.execute("COMMIT")
    return gathering.candidates, gathering.behind


class _Gathering:
    def __init__(
        self, connection: sqlite3.Connection, accept_broken: bool, keys: SigningKeys
    ) -> None:
        self._connection = connection
        self._accept_broken = accept_broken
        self._keys = keys
        self._chains: list[_Chain] = []
        self.candidates: list[Candidate] = []
        self.behind: list[LeftBehind] = []

    # The immutable log

    def add_folder(self, folder: Path) -> None:
        """Gather the entries of a folder, and its anchors."""
        chain = self._new_chain("audit_logs", folder)
        self._store(chain, self._entries_of(folder / ENTRIES, chain))
        anchors = self._add_anchors(folder / ANCHORS, chain)
        others = [
            file.name
            for file in sorted(folder.iterdir())
            if file.is_file() and file.name not in (ENTRIES, ANCHORS, INDEX)
        ]
        if others:
            why = f"files beside the immutable log that no store has: {', '.join(others[:5])}"
            self.behind.append(LeftBehind(folder, why, files=len(others)))
        derived = f"; {INDEX} is derived, and not needed" if (folder / INDEX).exists() else ""
        self._decide(chain, f"{chain.count:,} entries and {anchors:,} anchors{derived}")

    def _entries_of(self, path: Path, chain: _Chain) -> Iterator[Mapping[str, Any]]:
        try:
            with path.open("rb") as file:
                for line in file:
                    if line.strip():
                        yield self._entry_of(line, chain)
        except OSError as error:
            raise SourceError(f"{path}: can't be read: {error.strerror}") from error

    def _entry_of(self, line: bytes, chain: _Chain) -> Mapping[str, Any]:
        """Return an entry as it is stored; what is none is rejected when it is loaded."""
        number = chain.count + 1
        try:
            found = json.loads(line)
            timestamp = _aware(found["timestamp"])
            row = {
                **{name: found.get(name) for name in _ENTRY_COLUMNS},
                "details": details_text(found["details"]),
                "hash_version": OLDER_VERSION,
                "timestamp": format_timestamp(timestamp),
                "timestamp_text": found["timestamp"],
                "older_hash": found["entry_hash"],
            }
            if row["timestamp_text"] == older_timestamp(row["timestamp"]):
                row["timestamp_text"] = None
            _check(row, found, chain, self._keys)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            chain.is_broken_at(number, f"line {number} is no entry")
            shown = line.decode("utf-8", "replace").rstrip("\r\n")
            return dict.fromkeys(_ENTRY_COLUMNS) | {"details": shown}
        return row

    def _add_anchors(self, path: Path, chain: _Chain) -> int:
        if not path.is_file():
            return 0
        try:
            found = json.loads(path.read_bytes())
            anchors = [
                {**{name: one[name] for name in _ANCHOR_COLUMNS[2:-1]}, "date": day}
                for day, one in sorted(found.items())
            ]
        except OSError as error:
            raise SourceError(f"{path}: can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(f"{path}: no anchors of the immutable log: {error!r}") from error
        for anchor in anchors:
            anchor |= {"chain": chain.name, "path": str(path)}
            self._insert("gathered_audit_anchors", _ANCHOR_COLUMNS, [anchor])
            self._check_anchor(chain, anchor)
        return len(anchors)

    def _check_anchor(self, chain: _Chain, anchor: Mapping[str, Any]) -> None:
        tree, last = MerkleTree(OLDER_VERSION), None
        for (last,) in self._connection.execute(
            "SELECT entry_hash FROM gathered_audit_entries WHERE chain = ? "
            "AND sequence_number BETWEEN ? AND ? ORDER BY sequence_number",
            [chain.name, anchor["first_sequence"], anchor["last_sequence"]],
        ):
            tree.add(str(last))
        expected = (anchor["entry_count"], anchor["chain_hash"], anchor["merkle_root"])
        if (tree.count, last, tree.root()) != expected:
            reason = f"its entries are not those that were anchored on {anchor['date']}"
            chain.is_broken_at(int(anchor["first_sequence"]), reason)

    # The second chain

    def add_events(self, table: EventTable) -> None:
        """Gather the events of a table as a new chain."""
        if not table.columns >= _EVENT_NEEDS:
            why = "its columns are not those of the second chain"
            self.behind.append(LeftBehind(table.path, why, EVENTS))
            return
        chain = self._new_chain("audit_events", table.path)
        events = self._read_events(table, ("timestamp", "rowid"))
        if _first_broken(events) is not None:
            # Those of one time are in the order in which they were stored.
            by_place = self._read_events(table, ("rowid",))
            events = by_place if _first_broken(by_place) is None else events
        broken = _first_broken(events)
        if broken is not None:
            chain.is_broken_at(*broken)
        began = (
            ""
            if not events or events[0]["previous_hash"] == ""
            else ("; its beginning was deleted by the older system's retention")
        )
        self._store(chain, _event_entries(events, chain))
        self._decide(chain, f"{chain.count:,} {EVENTS}{began}")

    def _read_events(self, table: EventTable, order: Sequence[str]) -> list[dict[str, Any]]:
        present = [name for name in _EVENT_COLUMNS if name in table.columns]
        names = ", ".join(f'"{name}"' for name in present)
        with closing(SourceFile(table.path, table.path.name)) as source:
            rows = source.rows(
                f"SELECT {names} FROM main.{EVENTS} ORDER BY {', '.join(order)}"  # noqa: S608
            )
            empty = dict.fromkeys(_EVENT_COLUMNS, "")
            return [
                empty | {n: v for n, v in zip(present, row, strict=True) if v is not None}
                for row in rows
            ]

    # Both

    def _new_chain(self, origin: str, path: Path) -> _Chain:
        number = sum(one.origin == origin for one in self._chains) + 1
        chain = _Chain(origin if number == 1 else f"{origin}-{number}", origin, path)
        self._chains.append(chain)
        return chain

    def _store(self, chain: _Chain, rows: Iterable[Mapping[str, Any]]) -> None:
        batch = []
        for row in rows:
            chain.count += 1
            if row["entry_hash"] is not None:
                chain.last_hash = row["entry_hash"]
                chain.first_at = chain.first_at or row["timestamp"]
                chain.end_at = max(chain.end_at or "", row["timestamp"])
                number = row["sequence_number"]
                if isinstance(number, int) and number > chain.last_sequence:
                    chain.last_sequence, chain.end_hash = number, row["entry_hash"]
            batch.append({**row, "chain": chain.name, "path": str(chain.path)})
            if len(batch) == _BATCH:
                self._insert("gathered_audit_entries", _ENTRY_COLUMNS, batch)
                batch = []
        self._insert("gathered_audit_entries", _ENTRY_COLUMNS, batch)

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - names of ours
            [[row[name] for name in columns] for row in rows],
        )

    def _decide(self, chain: _Chain, what: str) -> None:
        """Keep a chain, or drop it: a copy, or one that is broken and was not asked for."""
        counted = {EVENTS if chain.origin == "audit_events" else ENTRIES: chain.count}
        copied = self._copied(chain)
        refused = chain.broken_at is not None and not self._accept_broken
        if copied is not None or refused or not chain.count:
            for name in _TABLES:
                self._connection.execute(f"DELETE FROM {name} WHERE chain = ?", [chain.name])  # noqa: S608
            self._chains.remove(chain)
        if copied is not None:
            self.candidates.append(Candidate(chain.path, False, f"a copy of {copied}"))
        elif refused:
            why = f"the chain is broken at entry {chain.broken_at}: {chain.reason}. {_HINT}"
            self.candidates.append(Candidate(chain.path, False, why))
            self.behind.append(LeftBehind(chain.path, why, rows=chain.count, is_refused=True))
        elif chain.count:
            said = (
                ""
                if chain.broken_at is None
                else (f"; broken at entry {chain.broken_at}: {chain.reason}")
            )
            why = f"it holds {what}, moved as chain {chain.name}{said}"
            self.candidates.append(Candidate(chain.path, True, why, counted))
            self._insert("gathered_audit_chains", _CHAIN_COLUMNS, [_chain_row(chain)])

    def _copied(self, chain: _Chain) -> Path | None:
        """Return where a chain was copied from; of two that are one, the shorter is the copy."""
        for other in self._chains:
            if other is chain or other.origin != chain.origin:
                continue
            (different,) = self._connection.execute(
                "SELECT count(*) FROM gathered_audit_entries AS a "
                "INNER JOIN gathered_audit_entries AS b ON a.sequence_number = b.sequence_number "
                "WHERE a.chain = ? AND b.chain = ? AND a.older_hash IS NOT b.older_hash",
                [chain.name, other.name],
            ).fetchone()
            if not different and chain.count <= other.count:
                return other.path
            (shared,) = self._connection.execute(
                "SELECT count(*) FROM gathered_audit_entries AS a "
                "INNER JOIN gathered_audit_entries AS b ON a.id = b.id "
                "WHERE a.chain = ? AND b.chain = ?",
                [chain.name, other.name],
            ).fetchone()
            if shared:
                chain.is_broken_at(
                    1, f"{shared} of its entries are also in {other.path}, which goes on otherwise"
                )
        return None


def _chain_row(chain: _Chain) -> dict[str, Any]:
    return {
        "chain": chain.name,
        "origin": chain.origin,
        "last_sequence": chain.last_sequence,
        "last_hash": chain.end_hash,
        "last_timestamp": chain.end_at,
        "first_broken_sequence": chain.broken_at,
        "broken_reason": chain.reason,
        "created_at": chain.first_at or format_timestamp(datetime.fromtimestamp(0, UTC)),
        "path": str(chain.path),
    }


def _aware(text: str) -> datetime:
    """Return a timestamp; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _check(
    row: Mapping[str, Any], found: Mapping[str, Any], chain: _Chain, keys: SigningKeys
) -> None:
    """Compare an entry of the immutable log with what it has to be."""
    number = chain.count + 1
    hashed = {**row, "details_text": row["details"], "utc_text": row["timestamp"]}
    if found["sequence_number"] != number:
        reason = f"its number is {found['sequence_number']!r}"
        chain.is_broken_at(number, reason)
    elif found["previous_hash"] != chain.last_hash:
        chain.is_broken_at(number, "it does not follow the entry before it")
    elif entry_hash(hashed) != found["entry_hash"]:
        chain.is_broken_at(number, "it was changed: its hash is another one")
    elif found.get("signature") is not None and (
        keys.fits(found["entry_hash"], found["signature"], None) is False
    ):
        chain.is_broken_at(number, "no key of the environment has made its signature")


def _event_hash(event: Mapping[str, Any]) -> str:
    """Return the older hash of an event."""
    names = (
        *("id", "timestamp", "category", "action", "actor_id", "resource_type", "resource_id"),
        *("outcome", "previous_hash"),
    )
    text = "|".join(str(event[name]) for name in names)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _first_broken(events: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """Return the first event that does not fit, and why; what came before the first may be gone."""
    previous = None
    for number, event in enumerate(events, start=1):
        if previous is not None and event["previous_hash"] != previous:
            return number, "it does not follow the event before it"
        if _event_hash(event) != event["event_hash"]:
            return number, "it was changed: its hash is another one"
        previous = event["event_hash"]
    return None


def _event_entries(
    events: Iterable[Mapping[str, Any]], chain: _Chain
) -> Iterator[Mapping[str, Any]]:
    """Return events as entries of a chain of their own."""
    previous = GENESIS_HASH
    for event in events:
        number = chain.count + 1
        try:
            utc = format_timestamp(_aware(event["timestamp"]))
            kept = {
                name: event[name]
                for name in ("category", "outcome", "reason", "org_id", "timestamp")
            }
            kept |= {name: event[name] for name in ("previous_hash", "event_hash")}
            kept["details"] = json.loads(event["details"] or "{}")
            details = details_text({"audit_event": kept})
        except (ValueError, TypeError, RecursionError):
            chain.is_broken_at(number, "it is no event: its time or its details can't be read")
            yield dict.fromkeys(_ENTRY_COLUMNS) | {"id": event["id"], "details": str(event)}
            continue
        row: dict[str, Any] = {
            "id": event["id"],
            "chain": chain.name,
            "sequence_number": number,
            "timestamp": utc,
            "timestamp_text": None,
            "previous_hash": previous,
            "hash_version": CURRENT_VERSION,
            "event_type": event["category"],
            "actor": event["actor_id"],
            "actor_type": "user",
            "resource_type": event["resource_type"],
            "resource_id": event["resource_id"],
            "action": event["action"],
            "details": details,
            **{
                name: event[name] or None
                for name in ("correlation_id", "workspace_id", "ip_address", "user_agent")
            },
            "signature": None,
        }
        hashed = {**row, "details_text": details, "utc_text": utc, "signature_key_id": None}
        previous = row["entry_hash"] = entry_hash(hashed)
        yield {**row, "older_hash": event["event_hash"]}
