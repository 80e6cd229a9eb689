"""What the CHECK rules of a schema tell of the values that a column takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aragora_sql.checker.filling import allowed_values
from aragora_sql.checker.schema_files import SchemaFile

__all__ = ["Hint", "read_hints"]

_LENGTH = re.compile(
    r"(?:char_|character_|octet_)?length\s*\(\s*\"?(\w+)\"?\s*\)\s*=\s*(\d+)", re.IGNORECASE
)
_LIST = re.compile(r"jsonb?_typeof\s*\(\s*\"?(\w+)\"?\s*\)\s*=\s*'array'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hint:
    """What a column takes: only these ``texts``, texts of one ``length``, lists."""

    texts: tuple[str, ...] = ()
    length: int | None = None
    is_list: bool = False


def read_hints(files: Sequence[SchemaFile]) -> Mapping[tuple[str, str], Hint]:
    """Return the hints of PostgreSQL's schema files, by table and column."""
    texts = allowed_values(files)
    lengths: dict[tuple[str, str], int] = {}
    lists: set[tuple[str, str]] = set()
    for file in files:
        for item in file.items:
            if item.kind != "check":
                continue
            rule = " ".join(token.text for token in item.tokens)
            for column, length in _LENGTH.findall(rule):
                lengths[item.table, column] = int(length)
            lists |= {(item.table, column) for column in _LIST.findall(rule)}
    return {
        place: Hint(texts.get(place, ()), lengths.get(place), place in lists)
        for place in {*texts, *lengths, *lists}
    }
