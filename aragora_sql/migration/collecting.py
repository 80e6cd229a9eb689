"""Garbage collection while rows are moved: rows have no cycles, and looking for some costs time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collect_rarely", "collecting_rarely"]

# So many more containers than before; a batch of rows makes a few thousand.
_THRESHOLD = 50_000


def collect_rarely() -> None:
    """Look for cycles rarely in this process, and never among what was imported."""
    gc.freeze()
    gc.set_threshold(_THRESHOLD)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cycles rarely inside the block."""
    thresholds, was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        # What the application has frozen stays so.
        if not was_frozen:
            gc.unfreeze()
