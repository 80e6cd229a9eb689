"""Names as SQL holds them."""

from __future__ import annotations

__all__ = ["quoted"]


def quoted(name: str) -> str:
    """Return a name of a table or column as SQL of either dialect holds it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'
