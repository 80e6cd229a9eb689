"""Columns that hold one of some known words: ``CHECK (status IN ('pending', …))``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from aragora_sql.engines.facts import Facts
from aragora_sql.queries.files import DIALECTS

__all__ = ["Choices", "choices_of"]

_TABLE = re.compile(
    r"^CREATE TABLE IF NOT EXISTS (?P<name>\w+) \((?P<body>.*?)^\)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_CHECK = re.compile(
    r"CHECK\s*\(\s*(?P<column>\w+)\s+IN\s*\(\s*(?P<words>'[^']*'(?:\s*,\s*'[^']*')*)\s*\)\s*\)",
    re.IGNORECASE,
)
_WORD = re.compile(r"'([^']*)'")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """The words of a store's columns by name, as both dialects have them.

    ``tables`` are the tables that check a column so. A column that has other words in another table
    is left out.
    """

    words: dict[str, Words] = field(default_factory=dict)
    tables: dict[str, frozenset[str]] = field(default_factory=dict)

    def column(self, name: str, places: Iterable[tuple[str | None, str | None]]) -> str | None:
        """Return the column whose words a result has: where it comes from, or else its name."""
        for table, column in places:
            if table is not None and column is not None:
                return column if table in self.tables.get(column, ()) else None
        return name if name in self.words else None


def choices_of(facts: Facts, store: str) -> Choices:
    """Read the words of a store's columns from its schema files."""
    found: list[dict[tuple[str, str], Words]] = []
    for dialect in DIALECTS:
        words: dict[tuple[str, str], Words] = {}
        for file in facts.tree.schemas[dialect]:
            if file.store != store:
                continue
            for table in _TABLE.finditer(file.path.read_text(encoding="utf-8-sig")):
                for check in _CHECK.finditer(table["body"]):
                    words[table["name"], check["column"]] = tuple(_WORD.findall(check["words"]))
        found.append(words)
    both = {place: words for place, words in found[0].items() if found[-1].get(place) == words}
    choices = Choices()
    for column in {column for _, column in both}:
        tables = {table: words for (table, name), words in both.items() if name == column}
        if len(set(tables.values())) == 1:
            choices.words[column] = next(iter(tables.values()))
            choices.tables[column] = frozenset(tables)
    return choices
