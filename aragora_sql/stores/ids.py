"""The ids that stores give to what they make."""

from __future__ import annotations

import os

__all__ = ["new_id", "prefixed_id"]

# The bits that say which kind of UUID it is, by the digit that they take the place of.
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
# Asking the system for random bytes takes longer than all the rest, so it is asked for some ids at
# once: a child of a fork must not go on with those of its parent.
_AT_ONCE = 64
_drawn: list[str] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> str:
    """Return a new UUID of version 4 as text; an object for it would cost as much again."""
    try:
        digits = _drawn.pop()
    except IndexError:
        digits = _draw()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def prefixed_id(prefix: str, digits: int = 16) -> str:
    """Return a new id: a prefix and 16 random hexadecimal digits, or 32.

    16 digits are 64 bits: that two of n ids are the same has a chance of n * n / 2**65, which is 3
    in 100,000,000 for 1,000,000 of them, and 3 in 100 for 1,000,000,000. (12 digits, as the older
    system had, are 48 bits: 2 in 1,000 for 1,000,000.) Where ids that are the same would be seen by
    nobody, take 32.
    """
    return prefix + os.urandom(digits // 2).hex()


def _draw() -> str:
    """Draw the digits of some ids; return those of one, and keep the others."""
    digits = os.urandom(16 * _AT_ONCE).hex()
    _drawn.extend(digits[start : start + 32] for start in range(32, len(digits), 32))
    return digits[:32]
