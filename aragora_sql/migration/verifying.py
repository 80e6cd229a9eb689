"""Compares every value of the source with the target's, by another way than the loading took.

Values are compared in Python: text code point for code point, floats bit for bit (0.0 and -0.0 are
one number in PostgreSQL's JSON), JSON as decoded documents, moments as aware datetimes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg import sql
from psycopg.types.json import set_json_loads

from aragora_sql.database.values import load_json
from aragora_sql.migration.loading import BadRowError, Loader, SourceRow
from aragora_sql.migration.report import SHOWN_KEYS, VerifyResult
from aragora_sql.migration.target import PgConnection

__all__ = ["Verifier"]

_SHOWN = 80


class Verifier:
    """Compares rows of one mapping; rows in ``excused`` are known to be missing."""

    def __init__(self, connection: PgConnection, loader: Loader) -> None:
        self._connection = connection
        self._loader = loader
        self._kinds = [
            column.type if (column := loader.table.column(name)) else "text"
            for name in loader.columns
        ]
        set_json_loads(lambda data: data, connection)
        names = sql.SQL(", ").join(sql.Identifier(name) for name in loader.columns)
        key = loader.mapping.key
        self._fetch = (
            sql.SQL("SELECT {} FROM {} WHERE {} = ANY(%s)").format(
                names, sql.Identifier(loader.table.name), sql.Identifier(key[0])
            )
            if len(key) == 1
            else sql.SQL(
                "SELECT {names} FROM {table} AS t JOIN unnest({arrays}) AS k ({keys}) ON {on}"
            ).format(
                names=sql.SQL(", ").join(
                    sql.SQL("t.{}").format(sql.Identifier(name)) for name in loader.columns
                ),
                table=sql.Identifier(loader.table.name),
                arrays=sql.SQL(", ").join(
                    sql.SQL("%s::{}[]").format(sql.SQL(self._kind_of(name))) for name in self._key
                ),
                keys=sql.SQL(", ").join(sql.Identifier(f"k_{name}") for name in self._key),
                on=sql.SQL(" AND ").join(
                    sql.SQL("t.{} = k.{}").format(sql.Identifier(name), sql.Identifier(f"k_{name}"))
                    for name in self._key
                ),
            )
        )

    @property
    def _key(self) -> Sequence[str]:
        # Where every column counts, the ones that are never NULL and easy to compare find the rows.
        if self._loader.mapping.key:
            return self._loader.mapping.key
        return [
            name
            for name in self._loader.columns
            if (column := self._loader.table.column(name)) is not None
            and column.not_null
            and column.type in {"text", "timestamp with time zone"}
        ]

    def _kind_of(self, name: str) -> str:
        column = self._loader.table.column(name)
        return column.type if column else "text"

    def compare(self, file: str, rows: Iterable[SourceRow], excused: set[int]) -> VerifyResult:
        """Compare rows of a file with the target's rows of the same key."""
        result = VerifyResult()
        wanted: list[tuple[int, dict[str, Any]]] = []
        for row in rows:
            if row[0] in excused:
                continue
            try:
                converted = self._loader.convert(row)
            except BadRowError as error:
                self._add(result, file, row[0], f"{error} (it could not be migrated)")
                continue
            wanted.append((row[0], dict(zip(self._loader.columns, converted, strict=True))))
        found = self._find([values for _, values in wanted])
        for rowid, values in wanted:
            result.compared += 1
            candidates = found.get(self._identity(values), [])
            problem = self._best(values, candidates)
            if problem is not None:
                self._add(result, file, rowid, problem)
        return result

    def _find(self, rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
        if not rows:
            return {}
        arguments = [[row[name] for row in rows] for name in self._key]
        found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for values in self._connection.execute(self._fetch, arguments):
            row = dict(zip(self._loader.columns, values, strict=True))
            same = found.setdefault(self._identity(row), [])
            if row not in same:
                same.append(row)
        return found

    def _identity(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(
            datetime.fromisoformat(value)
            if self._kind_of(name) == "timestamp with time zone" and isinstance(value, str)
            else value
            for name in self._key
            for value in [row[name]]
        )

    def _best(self, wanted: dict[str, Any], candidates: list[dict[str, Any]]) -> str | None:
        """Return what is wrong, or None when a candidate is equal."""
        first = None
        for candidate in candidates:
            problem = self._difference(wanted, candidate)
            if problem is None:
                return None
            first = first or problem
        return first or "missing in the target"

    def _difference(self, wanted: dict[str, Any], found: dict[str, Any]) -> str | None:
        for name, kind in zip(self._loader.columns, self._kinds, strict=True):
            expected, actual = wanted[name], found[name]
            if expected == actual and type(expected) is type(actual):
                continue
            if actual is None and self._is_cut_reference(name, expected):
                continue
            if not _is_equal(expected, actual, kind):
                return f"{name}: {_short(expected)} in the source, {_short(actual)} in the target"
        return None

    def _is_cut_reference(self, name: str, value: Any) -> bool:
        """Tell whether a reference is NULL because its row is nowhere, as was asked for."""
        loader = self._loader
        for reference in loader.table.references:
            if reference.column != name or value is None:
                continue
            if name == loader.table.link or loader.options.orphans == "null":
                parent = sql.SQL("SELECT FROM {} WHERE {} = %s").format(
                    sql.Identifier(reference.parent), sql.Identifier(reference.parent_column)
                )
                return self._connection.execute(parent, [value]).fetchone() is None
        return False

    def _add(self, result: VerifyResult, file: str, rowid: int, problem: str) -> None:
        result.mismatches += 1
        if len(result.first) < SHOWN_KEYS:
            result.first.append(f"{self._loader.table.name}, {file} row {rowid}: {problem}")


def _is_equal(expected: Any, actual: Any, kind: str) -> bool:
    if expected is None or actual is None:
        return expected is actual
    if kind == "double precision":
        return float(expected) == float(actual)
    if kind == "timestamp with time zone":
        moment = expected if isinstance(expected, datetime) else datetime.fromisoformat(expected)
        return bool(moment == actual)
    if kind in {"jsonb", "json"}:
        text = actual.decode() if isinstance(actual, bytes) else actual
        if text == expected:
            return True
        try:
            ours, theirs = load_json(expected), load_json(text)
        except (ValueError, RecursionError):
            return False
        try:
            if orjson.dumps(ours, option=_SORTED) == orjson.dumps(theirs, option=_SORTED):
                return True
        except (TypeError, ValueError):
            pass
        return _same(ours, theirs)
    if kind == "bytea":
        return bytes(expected) == bytes(actual)
    return bool(expected == actual)


_SORTED = orjson.OPT_SORT_KEYS


def _same(ours: Any, theirs: Any) -> bool:
    """Compare decoded JSON: numbers by value, truth values apart from numbers."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(v, theirs[k]) for k, v in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return bool(ours == theirs)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
