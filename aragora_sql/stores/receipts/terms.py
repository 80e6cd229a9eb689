"""What receipts are found by: words, and the texts that may be somebody's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from aragora_sql.stores.search import any_term
from aragora_sql.stores.terms import document_terms

__all__ = ["name_search", "receipt_terms"]

# In no word, and part of a term to both engines.
MARK = "\N{CURRENCY SIGN}"
LONGEST_NAME = 1000
# PostgreSQL keeps at most 1 MiB of terms of a row. What has more texts is looked through itself.
MOST_NAMES = 20_000


def receipt_terms(document: Any, verdict: str | None) -> str:
    """Return the words of a receipt, and a term of each short text and key of its document."""
    names = {text for text in _names(document) if len(text) <= LONGEST_NAME}
    found = [MARK] if len(names) > MOST_NAMES else sorted(map(_term, names))
    return " ".join([document_terms(document, verdict), *found]).strip()


def name_search(name: str) -> str:
    """Return the search for receipts of which some text or key may be this."""
    return any_term([_term(name), MARK])


def _term(name: str) -> str:
    return MARK + sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)
