"""Gauntlets: runs by templates with their cases, results, and what is in flight."""

from aragora_sql.stores.gauntlet.records import (
    GauntletCase,
    GauntletResult,
    GauntletSummary,
    InflightGauntlet,
)
from aragora_sql.stores.gauntlet.results import GauntletResultStore
from aragora_sql.stores.gauntlet.store import GauntletStore

__all__ = [
    "GauntletCase",
    "GauntletResult",
    "GauntletResultStore",
    "GauntletStore",
    "GauntletSummary",
    "InflightGauntlet",
]
