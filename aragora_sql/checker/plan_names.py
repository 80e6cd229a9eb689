"""Which plans differ only in what a query calls its tables."""

from __future__ import annotations

import re

from aragora_sql.database import Dialect

__all__ = ["same_but_aliases"]

_WORD = re.compile(r"\w+|[^\w]")
# What stands behind the table, or, where SQLite names the alias alone, instead of it.
_ALIASES = {
    "postgres": re.compile(r"\bon \w+ (\w+)$", re.MULTILINE),
    "sqlite": re.compile(r"^\s*(?:SEARCH|SCAN) (\w+)", re.MULTILINE),
}


def same_but_aliases(one: str, other: str, dialect: Dialect) -> bool:
    """Tell whether two plans are the same but for the aliases of tables.

    Each alias of the one stands for one alias of the other, everywhere. Tables, indexes, columns
    and conditions are the same.
    """
    words, others = _WORD.findall(one), _WORD.findall(other)
    if len(words) != len(others):
        return False
    known, known_others = (set(_ALIASES[dialect].findall(text)) for text in (one, other))
    names: dict[str, str] = {}
    for word, counterpart in zip(words, others, strict=True):
        renamed = names.setdefault(word, counterpart) if word in known else word
        if renamed != counterpart or (word in known) != (counterpart in known_others):
            return False
    return len(set(names.values())) == len(names)
