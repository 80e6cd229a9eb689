"""What the CHECK rules of a schema tell of the values that a column takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aragora_sql.engines.filling import allowed_values
from aragora_sql.engines.schema_files import SchemaFile, identifier
from aragora_sql.queries.files import Directive

__all__ = ["Hint", "declared_values", "read_hints", "read_rules", "ruled_columns"]

_VALUES = re.compile(r"values of\s+(?P<of>\S+)\s+(?P<values>\[.*\])\s+because\s+\S.*")
_LENGTH = re.compile(
    r"(?:char_|character_|octet_)?length\s*\(\s*\"?(\w+)\"?\s*\)\s*=\s*(\d+)", re.IGNORECASE
)
_LIST = re.compile(r"jsonb?_typeof\s*\(\s*\"?(\w+)\"?\s*\)\s*=\s*'array'", re.IGNORECASE)


def declared_values(directives: Iterable[Directive]) -> dict[str, list[Any]]:
    """Return by column or parameter the values that comments name, as a JSON list.

    ``-- meaning: values of notes.path ["a.", "a.b."] because the store writes labels with a dot``
    """
    found: dict[str, list[Any]] = {}
    for directive in directives:
        form = _VALUES.fullmatch(directive.text) if directive.kind == "meaning" else None
        if form is not None:
            try:
                found[form["of"]] = json.loads(form["values"])
            except ValueError:
                # The rule about comments says so.
                continue
    return found


@dataclass(frozen=True, slots=True)
class Hint:
    """What a column takes: only these ``texts``, texts of one ``length``, lists."""

    texts: tuple[str, ...] = ()
    length: int | None = None
    is_list: bool = False


def ruled_columns(files: Iterable[SchemaFile]) -> dict[str, frozenset[str]]:
    """Return by name of a CHECK rule the columns that it is about."""
    return {
        item.constraint: frozenset(
            identifier(token) for token in item.tokens if token.kind in {"word", "identifier"}
        )
        for file in files
        for item in file.items
        if item.kind == "check" and item.constraint is not None
    }


def read_rules(files: Sequence[SchemaFile]) -> dict[tuple[str, str], Hint]:
    """Return what the CHECK rules of PostgreSQL's schema files tell, by table and column."""
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


def read_hints(files: Sequence[SchemaFile]) -> Mapping[tuple[str, str], Hint]:
    """Return the same with the values that comments name, which rows are made of then."""
    hints = read_rules(files)
    for file in files:
        for name, values in declared_values(file.directives).items():
            table, _, column = name.partition(".")
            hints[table, column] = replace(hints.get((table, column), Hint()), texts=tuple(values))
    return hints
