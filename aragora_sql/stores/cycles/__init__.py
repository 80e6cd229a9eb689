"""Cycles of self-improvement."""

from aragora_sql.stores.cycles.records import Cycle
from aragora_sql.stores.cycles.store import CycleStore

__all__ = ["Cycle", "CycleStore"]
