"""The shapes of older tables that mappings say they read, and what their columns hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from aragora_sql.checker.mapping.literals import compared_values
from aragora_sql.checker.mapping.values import Said, Term
from aragora_sql.checker.meaning.hints import Hint
from aragora_sql.checker.meaning.rows import kind_of
from aragora_sql.engines.catalog import Catalog, Column, Table
from aragora_sql.migration.mappings import Mapping as Mapped

__all__ = ["ITEM", "MEMBER", "PLACE", "Group", "Holds", "Source", "groups_of", "sources_of"]

ITEM = "item"
PLACE = "place"
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Source:
    """A mapping, its target, and the terms of the target's columns that something is known of."""

    mapped: Mapped
    table: Table
    terms: Mapping[str, tuple[Term, ...]]
    said: Said
    hints: Mapping[str, Hint]
    compared: Mapping[str, tuple[Any, ...]]
    """What its SELECT compares columns and members with, by their names."""

    def allowed(self, column: str) -> tuple[str, ...]:
        """Return the only texts that a target column takes; empty for any."""
        hint = self.hints.get(column)
        return hint.texts if hint is not None else ()


@dataclass(slots=True)
class Holds:
    """What an older column or a member of its document holds: ``kind`` as of a target column.

    ``form`` of a timestamp is ``unix``, ``utc`` or ``local``. ``members`` make it a document,
    ``items`` a list of such, or with ``is_named`` an object of them by name. ``target`` is the
    column that it is for.
    """

    kind: str = "str"
    form: str = ""
    target: Column | None = None
    source: Source | None = None
    has_default: bool = False
    members: dict[str, Holds] = field(default_factory=dict)
    items: Holds | None = None
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Mappings that read one older table of one shape; the first gives a row for each row."""

    sources: tuple[Source, ...]

    @property
    def table(self) -> str:
        """The older table."""
        return self.sources[0].mapped.table

    @property
    def required(self) -> list[str]:
        """The columns that each file of this shape has."""
        return sorted({name for one in self.sources for name in one.mapped.required})

    @property
    def optional(self) -> list[str]:
        """The columns that a file may lack."""
        named = {name for one in self.sources for name in one.mapped.optional}
        return sorted(named - set(self.required))

    def compared(self) -> dict[str, list[Any]]:
        """Return the constants that columns and members are compared with, by their names."""
        found: dict[str, list[Any]] = {}
        for source in self.sources:
            for name, values in source.compared.items():
                known = found.setdefault(name, [])
                known += [value for value in values if value not in known]
        return found

    def holds(self) -> dict[str, Holds]:
        """Return what each column holds."""
        found = {name: Holds() for name in (*self.required, *self.optional)}
        for source in self.sources:
            if source.said.unpacked and not source.said.filled:
                place = _descend(found, source.said.unpacked)
                if place is not None and place.items is None:
                    place.items = Holds()
                    place.is_named = (MEMBER,) in {
                        term.source for term in chain.from_iterable(source.terms.values())
                    }
            for target, terms in source.terms.items():
                column = source.table.column(target)
                if column is not None and target in source.said.made_of:
                    _note(found, source, column, source.said.made_of[target], terms)
                if column is not None:
                    for term in chain.from_iterable(one.parts or (one,) for one in terms):
                        _note(found, source, column, term, terms)
        return found


def _descend(found: dict[str, Holds], path: Sequence[str]) -> Holds | None:
    if not path or path[0] not in found:
        return None
    place = found[path[0]]
    for name in path[1:]:
        place = place.members.setdefault(name, Holds())
    return place


def _note(
    found: dict[str, Holds], source: Source, column: Column, term: Term, terms: Sequence[Term]
) -> None:
    path = term.source
    if not path or path in {(PLACE,), (MEMBER,)} or term.function == "others":
        return
    if path[0] == ITEM:
        place = _descend(found, source.said.unpacked)
        if place is None or place.items is None:
            return
        place = place.items
        for name in path[1:]:
            place = place.members.setdefault(name, Holds())
    else:
        descended = _descend(found, path)
        if descended is None:
            return
        place = descended
    if place.target is not None and column.name != path[-1]:
        # The column of its own name says best what it holds, unless rows are told apart by another.
        is_key = place.source is source and column.name in source.mapped.key
        if not is_key or place.target.name in source.mapped.key:
            return
    kind = kind_of(column.python_type, column.type)
    place.kind = kind if not term.function else "str"
    place.target = column
    place.source = source
    place.has_default = any(one.is_literal for one in terms)
    if kind == "datetime":
        mapped = source.mapped
        is_member = len(path) > 1
        place.form = (
            "unix"
            if column.name in mapped.unix and not is_member
            else "utc"
            if column.name in mapped.utc
            else "local"
        )


def groups_of(sources: Sequence[Source]) -> list[Group]:
    """Put mappings together that unpack a table with the one that gives its rows.

    Of tables of one name, each with columns that the other is without, they take the one of theirs.
    """
    bases: list[list[Source]] = []
    for source in sources:
        mine = (
            next(
                (
                    group
                    for group in bases
                    if group[0].mapped.table == source.mapped.table
                    and group[0].mapped.store == source.mapped.store
                    and not (group[0].mapped.without & source.mapped.required)
                    and not (source.mapped.without & group[0].mapped.required)
                ),
                None,
            )
            if source.said.unpacked
            else None
        )
        if mine is None:
            bases.append([source])
        else:
            mine.append(source)
    return [Group(tuple(group)) for group in bases]


def sources_of(
    mappings: Sequence[tuple[Mapped, Said]],
    catalog: Catalog,
    hints: Mapping[tuple[str, str], Hint],
    selects: Mapping[tuple[str, str], str],
) -> Iterator[Source]:
    """Return mappings with the terms of all columns that something is known of.

    ``selects`` are the texts of their SELECTs by store and name.
    """
    for mapped, said in mappings:
        table = catalog[mapped.target]
        own = {name: hint for (of, name), hint in hints.items() if of == table.name}
        terms: dict[str, tuple[Term, ...]] = {}
        known = mapped.required | mapped.optional
        for column in table.columns:
            if column.name in said.terms:
                terms[column.name] = said.terms[column.name]
            elif column.name in known and column.generated != "stored":
                # A column that every file has holds what its program had to give it.
                default = _default(column) if column.name in mapped.optional else None
                literal = () if default is None else (Term(literal=default),)
                terms[column.name] = (Term(source=(column.name,)), *literal)
        compared = compared_values(selects[mapped.store, mapped.name])
        yield Source(mapped, table, terms, said, own, compared)


def _default(column: Column) -> Any:
    """Return the default of a NOT NULL column where it is a value: of what is not there."""
    if column.nullable or column.default is None:
        return None
    text = column.default.partition("::")[0].strip()
    if text.startswith("'") and text.endswith("'"):
        inner = text[1:-1].replace("''", "'")
        return {"[]": [], "{}": {}}.get(inner, inner)
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None
