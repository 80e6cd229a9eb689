"""Files of the older program's users and organizations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["older_user", "write_users"]

_TABLES = {
    "users": """
        id TEXT PRIMARY KEY, email TEXT UNIQUE NOT NULL, password_hash TEXT NOT NULL,
        password_salt TEXT NOT NULL, name TEXT DEFAULT '', org_id TEXT, role TEXT DEFAULT 'member',
        is_active INTEGER DEFAULT 1, email_verified INTEGER DEFAULT 0, api_key TEXT UNIQUE,
        api_key_hash TEXT UNIQUE, api_key_prefix TEXT, api_key_created_at TEXT,
        api_key_expires_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        last_login_at TEXT, mfa_secret TEXT, mfa_enabled INTEGER DEFAULT 0, mfa_backup_codes TEXT,
        token_version INTEGER DEFAULT 1, failed_login_attempts INTEGER DEFAULT 0,
        lockout_until TEXT, last_failed_login_at TEXT, preferences TEXT DEFAULT '{}'""",
    "organizations": """
        id TEXT PRIMARY KEY, name TEXT NOT NULL, slug TEXT UNIQUE NOT NULL,
        tier TEXT DEFAULT 'free', owner_id TEXT, stripe_customer_id TEXT,
        stripe_subscription_id TEXT, debates_used_this_month INTEGER DEFAULT 0,
        billing_cycle_start TEXT, settings TEXT DEFAULT '{}', created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, FOREIGN KEY (owner_id) REFERENCES users(id)""",
    "usage_events": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, org_id TEXT NOT NULL, event_type TEXT NOT NULL,
        count INTEGER DEFAULT 1, metadata TEXT DEFAULT '{}', created_at TEXT NOT NULL""",
    "oauth_providers": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, provider TEXT NOT NULL,
        provider_user_id TEXT NOT NULL, email TEXT, linked_at TEXT NOT NULL,
        UNIQUE (provider, provider_user_id)""",
    "org_invitations": """
        id TEXT PRIMARY KEY, org_id TEXT NOT NULL, email TEXT NOT NULL, role TEXT DEFAULT 'member',
        token TEXT UNIQUE NOT NULL, invited_by TEXT, status TEXT DEFAULT 'pending',
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL, accepted_at TEXT""",
    "password_reset_tokens": """
        token_hash TEXT PRIMARY KEY, email TEXT NOT NULL, created_at REAL NOT NULL,
        expires_at REAL NOT NULL, used INTEGER DEFAULT 0""",
}
_OF_USERS = tuple(name for name in _TABLES if name != "password_reset_tokens")


def older_user(user_id: str, email: str, **columns: Any) -> dict[str, Any]:
    """A row of an account as the older program inserted it: UTC without a zone."""
    return {
        "id": user_id,
        "email": email,
        "password_hash": f"bcrypt:$2b$12${user_id}",
        "password_salt": "",
        "created_at": "2026-02-01T08:00:00.000001",
        "updated_at": "2026-02-01T08:00:00.000031",
        **columns,
    }


def write_users(
    path: Path,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    tables: Sequence[str] = _OF_USERS,
) -> Path:
    """Write a file with these tables and rows; documents become JSON as Python's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} ({_TABLES[table]})")
        for table, entries in rows.items():
            for entry in entries:
                values = [
                    json.dumps(value) if isinstance(value, dict | list) else value
                    for value in entry.values()
                ]
                marks = ", ".join("?" * len(values))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(entry)}) VALUES ({marks})",
                    values,
                )
    return path
