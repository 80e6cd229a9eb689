"""Changes of the immutable log by somebody who owns the tables: what refuses them is taken away."""

from __future__ import annotations

from aragora_sql.database import Database
from tests.stores.samples import run

ENTRIES = "immutable_audit_entries"
_SQLITE = (
    "immutable_audit_entries_unchanged",
    "immutable_audit_entries_kept",
    "immutable_audit_entries_added",
    "immutable_daily_anchors_unchanged",
    "immutable_daily_anchors_kept",
    "audit_chains_kept",
    "audit_chains_growing",
)


async def unprotected(database: Database, *statements: str) -> None:
    """Run statements without the triggers of the audit log."""
    if database.dialect == "postgres":
        tables = (ENTRIES, "immutable_daily_anchors", "audit_chains")
        off = [f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in tables]
    else:
        off = [f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE]
    for statement in (*off, *statements):
        await run(database, statement)
