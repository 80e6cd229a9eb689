"""The ids that stores give to what they make."""

from __future__ import annotations

import os

__all__ = ["new_id"]


def new_id() -> str:
    """Return a new UUID of version 4 as text; an object for it would cost as much again."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
