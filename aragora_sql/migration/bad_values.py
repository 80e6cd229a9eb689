"""Values that can't go where they belong, and how a message shows them."""

from __future__ import annotations

from typing import Any

__all__ = ["BadValueError", "DamagedText", "shortened"]


class BadValueError(Exception):
    """A value can't go where it belongs; the message says why."""


class DamagedText(bytes):
    """Bytes of a TEXT value that are not UTF-8."""

    __slots__ = ()


def shortened(value: Any) -> str:
    """Return a value as a message shows it, at most 60 characters long."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
