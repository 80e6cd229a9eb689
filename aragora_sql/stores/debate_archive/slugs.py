"""Slugs: names of debates in permalinks."""

from __future__ import annotations

import re
from datetime import date

__all__ = ["LONGEST_SLUG", "first_slug"]

# A longer one is looked for in vain.
LONGEST_SLUG = 500
_WORDS = 4
# Four bytes each, so that the slug is a key.
_LONGEST_WORDS = 200
_NO_WORD = re.compile(r"[^\w\s]")
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "for",
        "to",
        "of",
        "and",
        "or",
        "in",
        "on",
        "at",
        "by",
        "with",
        "that",
        "this",
        "it",
        "as",
        "from",
        "how",
        "what",
        "design",
        "implement",
        "create",
        "build",
        "make",
    ]
)


def first_slug(task: str, day: date) -> str:
    """Return the slug of a task: its first four words that say something, and the day.

    ``debate`` stands in their place where no word does. Others that have it get a number behind it.
    """
    words = [word for word in _NO_WORD.sub("", task.lower()).split() if word not in _STOP_WORDS]
    named = "-".join(words[:_WORDS])[:_LONGEST_WORDS]
    return f"{named or 'debate'}-{day:%Y-%m-%d}"
