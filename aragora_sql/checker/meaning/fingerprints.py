"""Fingerprints of rows, arguments and answers: the same on every machine and engine version.

Floats count with six digits, for sums and clocks differ in the last ones between versions; rows
count in any order where the query promises none, and documents whatever the order of members.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aragora_sql.checker.meaning.answers import Answer, kind_of_error, plain, unmatched
from aragora_sql.database.values import format_timestamp
from aragora_sql.engines import cache

__all__ = ["fingerprint_of", "fingerprints"]

_LENGTH = 12


def fingerprint_of(value: Any) -> str:
    """Return the fingerprint of rows or arguments."""
    return cache.digest([_stable(value)])[:_LENGTH]


def fingerprints(
    answers: Sequence[tuple[Answer, Answer]],
    *,
    ordered: bool,
    declared: Collection[str],
) -> dict[str, str]:
    """Return the fingerprint of the answers to all calls, of PostgreSQL and of SQLite.

    Tables that are ``declared`` to come out differently
    count with how many rows a call added and removed, of a table with such a column the others
    count; a query that can't be compared does not. A column that may differ by so much between the
    dialects is the same each time in each of them.
    """
    sides: dict[str, list[str]] = {"postgres": [], "sqlite": []}
    for ours, theirs in answers:
        first = _parts(ours, ordered=ordered, declared=declared)
        sides["postgres"] += first
        sides["sqlite"] += (
            first if ours == theirs else _parts(theirs, ordered=ordered, declared=declared)
        )
    return {dialect: cache.digest(parts)[:_LENGTH] for dialect, parts in sides.items()}


def _parts(
    answer: Answer,
    *,
    ordered: bool,
    declared: Collection[str],
) -> list[str]:
    if "not compared" in declared:
        # It may depend on the version of an engine, too.
        return ["not compared"]
    if answer.error is not None:
        return [f"error {kind_of_error(answer.error).__name__}"]
    result = answer.result
    if isinstance(result, list) and not ordered:
        parts = sorted(map(_stable, result))
    else:
        parts = [_stable(result)]
    for name in [name for name in answer.tables if name in answer.changed]:
        rows = answer.tables[name]
        added, removed = unmatched(*unmatched(rows, answer.before.get(name, ()), repr), plain)
        if not added and not removed:
            continue
        parts.append(f"{name} +{len(added)} -{len(removed)}")
        if name not in declared:
            open_columns = {of for of in (added or removed)[0] if f"{name}.{of}" in declared}
            for rows in (added, removed):
                kept = [{c: v for c, v in r.items() if c not in open_columns} for r in rows]
                parts += sorted(map(_stable, kept))
    return parts


def _stable(value: Any) -> str:
    """Return a value as a text that is the same everywhere, and tells types apart."""
    if isinstance(value, float):
        # 0.0 and -0.0 are equal
        return f"{value or 0.0:.6g}f"
    if isinstance(value, Mapping):
        return _together("{}", sorted(f"{key}={_stable(inner)}" for key, inner in value.items()))
    if isinstance(value, list | tuple):
        return _together("[]", map(_stable, value))
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return _stable(json.loads(value))
        except ValueError:
            return repr(value)
    if hasattr(value, "astimezone"):
        return format_timestamp(value)
    return f"{type(value).__name__} {value}"


def _together(marks: str, parts: Iterable[str]) -> str:
    return marks[0] + ", ".join(parts) + marks[1]
