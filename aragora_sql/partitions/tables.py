"""The tables that grow for ever, and the column that divides each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aragora_sql.errors import ConfigurationError

__all__ = ["GROWING", "STAYING", "GrowingTable", "Kind", "growing_tables"]

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
    GrowingTable("jobs", "job_history", "completed_at"),
    GrowingTable("langgraph", "langgraph_checkpoints", "checkpoint_id", "uuid6"),
    GrowingTable("langgraph", "langgraph_writes", "checkpoint_id", "uuid6"),
)

# Tables that one could expect to be divided with those of their store, and why they stay.
STAYING = {
    "jobs": (
        "job_queue stays as it is: enqueueing relies on unique keys over all jobs that wait. Move "
        "finished jobs out of it into job_history: 'aragora-sql jobs purge --archive'"
    ),
}

# Of stores that one could expect here, why they are not.
_WHY_NOT = {
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
