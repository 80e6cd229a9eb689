"""Texts of ``suffix`` columns: what another row has gets the next number behind it."""

from __future__ import annotations

import re

__all__ = ["is_numbered", "without_number"]

_NUMBER = re.compile(r"-\d+$")
# Any other number is a part of the text, such as that of the day.
_BEHIND_A_DAY = re.compile(r"(?<=-\d{4}-\d\d-\d\d)-\d+$")


def without_number(text: str) -> str:
    """Return a text without the number behind the day at its end; others as they are."""
    return _BEHIND_A_DAY.sub("", text)


def is_numbered(expected: str, actual: str) -> bool:
    """Tell whether a text was another row's, and got the next number behind it."""
    return _NUMBER.sub("", actual) == without_number(expected)
