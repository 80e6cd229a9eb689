"""Which trees keep what is derived from them: plans, answers, what mappings move, old versions."""

from __future__ import annotations

from pathlib import Path

__all__ = ["keeps_snapshots"]


def keeps_snapshots(root: Path) -> bool:
    """Tell whether a tree keeps snapshots, so that one which is missing was lost.

    The folder ``plans`` says so: without it a check fails, unless its rule is left out.
    """
    return (root / "plans").is_dir()
