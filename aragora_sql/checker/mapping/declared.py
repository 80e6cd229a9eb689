"""What can be told of a mapping's comment lines without a row: columns that are not there, keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from aragora_sql.checker.mapping.shapes import ITEM, MEMBER, PLACE, Source
from aragora_sql.checker.mapping.values import Term
from aragora_sql.engines.catalog import Table
from aragora_sql.migration.mappings import NOTE_PREFIX, Mapping
from aragora_sql.migration.merging import COUNTERS

__all__ = ["problems_of"]

_FUNCTIONS = {"topic_hash", "topic_terms", "lower", "normal_email", "sha256", "others"}


def problems_of(source: Source, given: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong; ``given`` are the columns that the SELECT gives."""
    mapped, table = source.mapped, source.table
    yield from source.said.problems
    yield from _of_shape(mapped)
    yield from _of_key(mapped, table, given)
    yield from _of_merge(mapped, table, given)
    expires = [] if mapped.expires is None else [mapped.expires]
    yield from _missing("expires", expires, table, given, times=True)
    for word, names in (("json", mapped.json_text), ("unix", mapped.unix), ("utc", mapped.utc)):
        times = word != "json"
        yield from _missing(word, names, table, given, times=times)
    copies = mapped.copies - COUNTERS
    yield from _missing("copies", copies, table, given)
    yield from _missing("duplicates", mapped.duplicates, table, given)
    yield from _missing("secrets", mapped.secrets, table, given)
    yield from _missing("cut", mapped.cut, table, given)
    if mapped.order is not None:
        yield from _missing("order", [mapped.order], table, given, times=True)
        # Of rows of several keys that a rule of the table takes for one, the first is kept.
        rules = {frozenset(one) for one in (*table.unique, table.primary_key) if one}
        if not rules - {frozenset(mapped.key)} and not any(
            column.generated == "identity" for column in table.columns
        ):
            yield (
                f"'order: {mapped.order}': {table.name} makes no numbers for its rows, and has no "
                "unique columns but the key"
            )
    yield from _of_values(source)


def _of_shape(mapped: Mapping) -> Iterator[str]:
    read = mapped.required | mapped.optional
    for one, other, names in (
        ("from", "optional", mapped.required & mapped.optional),
        ("from", "without", read & mapped.without),
        ("from", "ignored", read & mapped.ignored),
    ):
        if names:
            yield f"{', '.join(sorted(names))}: in '{one}:' or 'optional:', and in '{other}:'"


def _of_key(mapped: Mapping, table: Table, given: Sequence[str]) -> Iterator[str]:
    keys = [key for key in (table.primary_key, *table.unique) if key]
    shown = " or ".join(", ".join(key) for key in keys)
    if not mapped.key:
        possible = [", ".join(key) for key in keys if set(key) <= set(given)]
        if possible:
            yield f"'key: all', and {table.name} takes one row of each {possible[0]}"
    elif set(mapped.key) not in map(set, keys):
        yield f"'key: {', '.join(mapped.key)}' is no key of {table.name}, which are: {shown}"


def _of_merge(mapped: Mapping, table: Table, given: Sequence[str]) -> Iterator[str]:
    merge = mapped.merge
    newest = [] if merge.newest is None else [merge.newest]
    yield from _missing("merge", [*newest, *merge.earliest], table, given, times=True)
    counted = [*merge.add, *(name for pair in merge.mean for name in pair)]
    yield from _missing("merge", counted, table, given, numbers=True)
    yield from _missing("merge", [*merge.fill, *merge.conflict, *merge.distinct], table, given)
    others = [*(merge.prefer or ()), *merge.suffix, *([merge.without] if merge.without else [])]
    yield from _missing("merge", others, table, given)
    for kept in merge.keep:
        names = [*kept.columns, *([kept.same] if kept.same else [])]
        yield from _missing("merge", names, table, given)
    if merge.number is not None:
        yield from _missing("merge", merge.number[:1], table, given, numbers=True)
        yield from _missing("merge", merge.number[1:], table, given, times=True)


def _missing(
    word: str,
    names: Iterable[str],
    table: Table,
    given: Sequence[str],
    *,
    times: bool = False,
    numbers: bool = False,
) -> Iterator[str]:
    for name in sorted(names) if isinstance(names, frozenset) else names:
        column = table.column(name)
        if column is None:
            yield f"'{word}: {name}': {table.name} has no such column"
        elif name not in given:
            yield f"'{word}: {name}': the mapping gives no such column"
        elif times and column.python_type != "datetime":
            yield f"'{word}: {name}': {table.name}.{name} is no timestamp"
        elif numbers and column.python_type not in {"int", "float"}:
            yield f"'{word}: {name}': {table.name}.{name} is no number"


def _of_values(source: Source) -> Iterator[str]:
    known = source.mapped.required | source.mapped.optional
    unpacked = source.said.unpacked
    if unpacked and unpacked[0] not in known:
        yield f"'unpacks: {'.'.join(unpacked)}': 'from:' names no column {unpacked[0]!r}"
    has_items = bool(unpacked) and not source.said.filled
    for target, term in source.said.made_of.items():
        yield from _of_term(target, term, known, has_items=has_items)
    for target, terms in source.said.terms.items():
        if target.startswith(NOTE_PREFIX):
            continue
        if source.table.column(target) is None:
            yield f"'values: {target} = …': {source.table.name} has no such column"
        for term in chain.from_iterable(one.parts or (one,) for one in terms):
            yield from _of_term(target, term, known, has_items=has_items)


def _of_term(target: str, term: Term, known: frozenset[str], *, has_items: bool) -> Iterator[str]:
    names = [*term.source[:1], *([term.condition.column] if term.condition else [])]
    for name in names:
        if name not in known and not (has_items and name in {ITEM, MEMBER, PLACE}):
            yield f"'values: {target} = …': 'from:' and 'optional:' name no column {name!r}"
    if term.function and term.function not in _FUNCTIONS:
        functions = ", ".join(sorted(_FUNCTIONS))
        yield f"'values: {target} = …': {term.function!r} is none of {functions}"
