"""The terms that full-text search compares, the same on both engines.

Both engines index what :func:`search_terms` makes of a text, so a search finds the same rows on
both, whatever the server's locale:

* letters are compared without case and without diacritical marks of Latin, Greek and Cyrillic
  ("Café" and "CAFE" are one term), and compatibility forms count as their plain form ("ﬁ", "①");
* a term is a run of letters, digits and the marks that belong to them; all else separates terms,
  also ``_``, ``%``, quotes and search operators;
* terms are cut after 64 characters, and a text has at most 1,000 distinct ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["LONGEST_TERM", "MOST_TERMS", "document_terms", "search_terms"]

LONGEST_TERM = 64
MOST_TERMS = 1000

# Diacritical marks, and marks that choose the look of a character: U+FE0F makes a sign an emoji.
_DROPPED = ((0x300, 0x36F), (0x20DD, 0x20E4), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


class _Fold(dict[int, int | str | None]):
    """A translation table that learns each character at its first use."""

    def __missing__(self, code: int) -> int | str | None:
        character = chr(code)
        category = unicodedata.category(character)
        replacement: int | str | None = " "
        if any(first <= code <= last for first, last in _DROPPED):
            replacement = None
        elif category[0] in "LNM":
            replacement = code
        self[code] = replacement
        return replacement


_FOLD = _Fold()
# The same for ASCII, where nothing is composed: letters and digits in lower case, else a blank.
_FOLD_ASCII = bytes(ord(chr(c).lower()) if chr(c).isalnum() else 32 for c in range(128)) + bytes(
    128
)


def search_terms(text: str) -> list[str]:
    """Return the distinct search terms of a text in the order of their first use."""
    if text.isascii():
        found = text.encode().translate(_FOLD_ASCII).decode().split()
    else:
        folded = unicodedata.normalize("NFKD", text.casefold()).translate(_FOLD)
        # casefold() again: compatibility forms may have given capitals
        found = folded.casefold().split()
    if len(text) > LONGEST_TERM or not text.isascii():
        found = [term[:LONGEST_TERM] for term in found]
    return list(dict.fromkeys(found))[:MOST_TERMS]


def document_terms(*documents: Any) -> str:
    """Return the search terms of all texts in some documents and texts, joined by blanks."""
    return " ".join(search_terms(" ".join(text for one in documents for text in _texts(one))))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
