"""The tables that grow for ever, and the column that divides each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aragora_sql.errors import ConfigurationError

__all__ = ["GROWING", "GrowingTable", "Kind", "growing_tables"]

Kind = Literal["time", "uuid6"]


@dataclass(frozen=True, slots=True)
class GrowingTable:
    """A table that can be divided by time.

    ``column`` is never NULL and does not change. Of the kind ``time`` it is a timestamp; of the
    kind ``uuid6`` an identifier in text that begins with its time, so that a part of the table's
    own keys divides it.
    """

    store: str
    name: str
    column: str
    kind: Kind = "time"


# Not among them is the table consensus: its searches hand rows on by their place (ctid), which
# several partitions have. What clean-up moves out of it is.
GROWING = (
    GrowingTable("audit", "audit_log", "timestamp"),
    GrowingTable("audit", "immutable_audit_entries", "timestamp"),
    GrowingTable("checkpoints", "workflow_checkpoints", "stored_at"),
    GrowingTable("consensus", "consensus_archive", "archived_at"),
    GrowingTable("consensus", "dissent_archive", "archived_at"),
    GrowingTable("consensus", "verified_proofs_archive", "archived_at"),
    GrowingTable("langgraph", "langgraph_checkpoints", "checkpoint_id", "uuid6"),
    GrowingTable("langgraph", "langgraph_writes", "checkpoint_id", "uuid6"),
)

# Of stores that one could expect here, why they are not.
_WHY_NOT = {
    "jobs": (
        "job_queue can't be divided: enqueueing relies on unique keys over all jobs that wait "
        "(ON CONFLICT), which no key with a time in it can stand for. Keep its history short with "
        "'aragora-sql jobs purge': claims stay as fast, whatever else is in the table"
    ),
    "critique": (
        "debates are stored again under their id (ON CONFLICT (id)), which no key with a time in "
        "it can stand for"
    ),
}


def growing_tables(stores: Sequence[str] | None = None) -> list[GrowingTable]:
    """Return the growing tables of some stores (default: all).

    Raises :class:`ConfigurationError` for a store that has none; it says why.
    """
    if stores is None:
        return list(GROWING)
    for store in stores:
        if all(table.store != store for table in GROWING):
            known = ", ".join(dict.fromkeys(table.store for table in GROWING))
            why = _WHY_NOT.get(store, "none of its tables grows for ever")
            raise ConfigurationError(
                f"store {store!r} has no table to put into partitions: {why}. Those of {known} can "
                "be"
            )
    return [table for table in GROWING if table.store in stores]
