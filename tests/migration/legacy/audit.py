"""The older program's audit logs, refused tokens and impersonation, as it left them."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = [
    "SIGNING_KEY",
    "anchor_of",
    "immutable_entries",
    "linked_events",
    "write_audit_events",
    "write_audit_log",
    "write_immutable_log",
    "write_impersonation",
    "write_token_blacklist",
]

SIGNING_KEY = "the older signing key"
_LOG = (
    "CREATE TABLE audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, "
    "user_id TEXT, org_id TEXT, action TEXT NOT NULL, resource_type TEXT NOT NULL, "
    "resource_id TEXT, old_value TEXT, new_value TEXT, metadata TEXT{}, ip_address TEXT, "
    "user_agent TEXT)"
)
_EVENTS = (
    "CREATE TABLE audit_events (id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, "
    "category TEXT NOT NULL, action TEXT NOT NULL, actor_id TEXT NOT NULL, resource_type TEXT, "
    "resource_id TEXT, outcome TEXT NOT NULL, ip_address TEXT, user_agent TEXT, "
    "correlation_id TEXT, org_id TEXT, workspace_id TEXT, details TEXT DEFAULT '{}', reason TEXT, "
    "previous_hash TEXT, event_hash TEXT NOT NULL);"
    "CREATE VIRTUAL TABLE audit_fts USING fts5(id, action, details)"
)
_TOKENS = (
    "CREATE TABLE token_blacklist (jti TEXT PRIMARY KEY, expires_at REAL NOT NULL, "
    "revoked_at REAL NOT NULL)"
)
_IMPERSONATION = (
    "CREATE TABLE impersonation_sessions (session_id TEXT PRIMARY KEY, "
    "admin_user_id TEXT NOT NULL, admin_email TEXT NOT NULL, target_user_id TEXT NOT NULL, "
    "target_email TEXT NOT NULL, reason TEXT NOT NULL, started_at TEXT NOT NULL, "
    "expires_at TEXT NOT NULL, ip_address TEXT, user_agent TEXT, "
    "actions_performed INTEGER DEFAULT 0, ended_at TEXT, ended_by TEXT);"
    "CREATE TABLE impersonation_audit (audit_id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, "
    "event_type TEXT NOT NULL, session_id TEXT, admin_user_id TEXT NOT NULL, target_user_id TEXT, "
    "reason TEXT, action_details_json TEXT, ip_address TEXT, user_agent TEXT, "
    "success INTEGER NOT NULL, error_message TEXT)"
)


def _write(path: Path, script: str, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        known = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        if not known & {*tables}:
            connection.executescript(script)
        for table, rows in tables.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
                    [*row.values()],
                )


def write_audit_log(path: Path, rows: Iterable[Mapping[str, Any]], *, is_users: bool) -> None:
    """Write events; in ``users.db`` metadata had a default, in ``audit.db`` it had none."""
    _write(path, _LOG.format(" DEFAULT '{}'" if is_users else ""), {"audit_log": rows})


def write_token_blacklist(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, _TOKENS, {"token_blacklist": rows})


def write_impersonation(
    path: Path, sessions: Iterable[Mapping[str, Any]], audit: Iterable[Mapping[str, Any]]
) -> None:
    tables = {"impersonation_sessions": sessions, "impersonation_audit": audit}
    _write(path, _IMPERSONATION, tables)


def linked_events(events: Sequence[Mapping[str, Any]], previous: str = "") -> list[dict[str, Any]]:
    """Return events of the second chain with their hashes; absent texts are empty."""
    names = (
        *("id", "timestamp", "category", "action", "actor_id", "resource_type", "resource_id"),
        *("outcome", "previous_hash"),
    )
    made = []
    for number, event in enumerate(events):
        row: dict[str, Any] = {
            "id": f"evt_{number}",
            "timestamp": f"2026-02-12T16:42:{number:02}.123456",
            "category": "auth",
            "action": "login",
            "actor_id": "u1",
            "resource_type": "",
            "resource_id": "",
            "outcome": "success",
            "ip_address": "",
            "user_agent": "",
            "correlation_id": "",
            "org_id": "",
            "workspace_id": "",
            "details": "{}",
            "reason": "",
            **event,
            "previous_hash": previous,
        }
        text = "|".join(row[name] for name in names)
        previous = row["event_hash"] = hashlib.sha256(text.encode()).hexdigest()[:32]
        made.append(row)
    return made


def write_audit_events(path: Path, events: Iterable[Mapping[str, Any]]) -> None:
    _write(path, _EVENTS, {"audit_events": events})


def immutable_entries(count: int, *, key: str | None = None) -> list[dict[str, Any]]:
    """Return entries of the immutable log, three a day, with their hashes."""
    previous, made = "0" * 64, []
    for number in range(1, count + 1):
        micro = "" if number % 5 == 0 else ".123456"
        entry: dict[str, Any] = {
            "id": f"{number:08}-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
            "timestamp": f"2026-02-{10 + (number - 1) // 3}T16:42:{number:02}{micro}+00:00",
            "sequence_number": number,
            "previous_hash": previous,
            "event_type": "finding_created",
            "actor": 'jürgen "j"',
            "actor_type": "user",
            "resource_type": "finding",
            "resource_id": f"f{number}",
            "action": "create",
            "details": {"z": 0.30000000000000004, "big": 1152921504606846976, "é": [None, 1e17]},
            "correlation_id": None,
            "workspace_id": "w" if number % 2 else None,
        }
        text = json.dumps(entry, sort_keys=True)
        previous = hashlib.sha256(text.encode()).hexdigest()
        signature = None
        if key is not None:
            signature = hmac.new(key.encode(), previous.encode(), hashlib.sha256).hexdigest()
        others = {"ip_address": "192.0.2.1", "user_agent": None, "signature": signature}
        made.append({**entry, "entry_hash": previous, **others})
    return made


def anchor_of(date: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the anchor of a day as the older program made it."""
    hashes = [entry["entry_hash"] for entry in entries]
    level = [*hashes]
    while len(level) & (len(level) - 1):
        level.append(level[-1])
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256((a + b).encode()).hexdigest() for a, b in pairs]
    return {
        "date": date,
        "first_sequence": entries[0]["sequence_number"],
        "last_sequence": entries[-1]["sequence_number"],
        "entry_count": len(entries),
        "merkle_root": level[0],
        "chain_hash": hashes[-1],
        "created_at": "2026-02-13T00:05:00.000001+00:00",
    }


def write_immutable_log(
    folder: Path, entries: Iterable[Mapping[str, Any]], anchors: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write the folder ``audit_logs``."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(entry) for entry in entries]
    (folder / "audit.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "index.json").write_text('{"entries": {}, "sequences": {}}')
    if anchors:
        document = {anchor["date"]: anchor for anchor in anchors}
        (folder / "anchors.json").write_text(json.dumps(document))
