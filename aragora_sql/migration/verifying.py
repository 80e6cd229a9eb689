"""Compares every value of the source with the target's, by another way than the loading took.

Values are compared in Python: text code point for code point, floats bit for bit (0.0 and -0.0 are
one number in PostgreSQL's JSON), JSON as decoded documents, timestamps as aware datetimes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import is_, itemgetter
from typing import Any

import orjson
import psycopg
from psycopg import sql

from aragora_sql.database.values import load_documents, load_json
from aragora_sql.migration.conversion import SuspiciousError
from aragora_sql.migration.loading import BadRowError, Loader, SourceRow
from aragora_sql.migration.numbered import is_numbered
from aragora_sql.migration.rejects import BROKEN_RULE, without_values
from aragora_sql.migration.report import SHOWN_KEYS, VerifyResult
from aragora_sql.migration.target import PgConnection, Table

__all__ = ["Verifier", "is_same_json"]

_SHOWN = 80
_TIMESTAMP = "timestamp with time zone"
# A timestamp without a zone is not longer, and one with a zone that is as short ends in no digit
# or can't have another zone behind it.
_LONGEST_NAIVE = len("2026-02-12T16:42:57.123456")
_JSON = frozenset({"jsonb", "json"})
# As the catalog prints it.
_CHECK = re.compile(r"CHECK \((.*)\)(?: NO INHERIT| NOT VALID)*", re.DOTALL)

Values = tuple[Any, ...]


class Verifier:
    """Compares rows of one mapping; rows in ``excused`` are known to be missing.

    With ``looks_for_mended`` a row that the target can't hold is looked for by its key: it may be
    there with values that somebody mended.
    """

    def __init__(
        self, connection: PgConnection, loader: Loader, *, looks_for_mended: bool = False
    ) -> None:
        self._looks_for_mended = looks_for_mended
        self._connection = connection
        self._loader = loader
        self._kinds = [_kind(loader.table, name) for name in loader.columns]
        self._prepare_checks()
        names = self._key_columns()
        self._key = [loader.columns.index(name) for name in names]
        self._identity = _identity_of(self._key, self._kinds)
        table = sql.Identifier(loader.table.name)
        shown = sql.SQL(", ").join(
            # Documents as text, so that the driver leaves their decoding to us.
            sql.SQL("t.{}::text" if kind in _JSON else "t.{}").format(sql.Identifier(name))
            for name, kind in zip(loader.columns, self._kinds, strict=True)
        )
        if len(names) == 1:
            self._fetch = sql.SQL("SELECT {} FROM {} AS t WHERE t.{} = ANY(%s)").format(
                shown, table, sql.Identifier(names[0])
            )
            return
        self._fetch = sql.SQL(
            "SELECT {shown} FROM {table} AS t JOIN unnest({arrays}) AS k ({keys}) ON {on}"
        ).format(
            shown=shown,
            table=table,
            arrays=sql.SQL(", ").join(
                sql.SQL("%s::{}[]").format(sql.SQL(self._kinds[place])) for place in self._key
            ),
            keys=sql.SQL(", ").join(sql.Identifier(f"k_{name}") for name in names),
            on=sql.SQL(" AND ").join(
                sql.SQL("t.{} = k.{}").format(sql.Identifier(name), sql.Identifier(f"k_{name}"))
                for name in names
            ),
        )

    def _prepare_checks(self) -> None:
        """Make the query that tells of each check of the table whether a row breaks it."""
        # A check of a column that rows don't give looks at its default, which it likes.
        found = {
            name: match[1]
            for name, (columns, definition) in self._loader.table.rules.items()
            if (match := _CHECK.fullmatch(definition)) and set(columns) <= set(self._loader.columns)
        }
        self._checks = list(found)
        values = sql.SQL(", ").join(
            sql.SQL("%s::{} AS {}").format(sql.SQL(kind), sql.Identifier(name))
            for name, kind in zip(self._loader.columns, self._kinds, strict=True)
        )
        tests = sql.SQL(", ").join(
            sql.SQL(f"({rule}) IS FALSE".replace("%", "%%")) for rule in found.values()
        )
        self._test_checks = sql.SQL("SELECT ") + tests + sql.SQL(" FROM (SELECT ") + values
        self._test_checks += sql.SQL(") AS t")

    def _key_columns(self) -> Sequence[str]:
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

    def compare(self, file: str, rows: Iterable[SourceRow], excused: set[int]) -> VerifyResult:
        """Compare rows of a file with the target's rows of the same key."""
        result = VerifyResult()
        kept = []
        for row in rows:
            if row[0] in excused:
                result.excused += 1
            else:
                kept.append(row)
        columns = self._convert_columns(kept)
        if columns is None:
            wanted = self._convert_each(file, kept, result)
            found = self._find([[values[place] for _, values in wanted] for place in self._key])
        else:
            found = self._find([list(columns[place]) for place in self._key])
            if self._are_same(columns, found):
                result.compared += len(kept)
                return result
            wanted = list(zip(kept, zip(*columns, strict=True), strict=True))
        for row, values in wanted:
            same = found.get(self._identity(values), ())
            problem = self._best(values, same)
            if problem is not None:
                refused = self._refused(row, values)
                if refused is not None:
                    self._add_bad(result, file, row, refused)
                    continue
                self._add(result, file, row[0], problem)
            result.compared += 1
        return result

    def _are_same(self, columns: list[Sequence[Any]], found: dict[Any, list[Values]]) -> bool:
        """Tell whether each row has one candidate that is surely equal; column by column."""
        candidates = [found.get(key, []) for key in self._identities(columns)]
        if any(len(same) != 1 for same in candidates):
            return False
        actual = zip(*(same for [same] in candidates), strict=True)
        return all(map(_are_surely_equal, columns, actual, self._kinds))

    def _identities(self, columns: list[Sequence[Any]]) -> Iterable[Any]:
        """Return the key of each row, as :func:`_identity_of` gives it of one."""
        is_timestamp = [self._kinds[place] == _TIMESTAMP for place in self._key]
        if len(self._key) == 1 and not is_timestamp[0]:
            return columns[self._key[0]]
        return zip(
            *(
                _timestamps(columns[place]) if is_one else columns[place]
                for place, is_one in zip(self._key, is_timestamp, strict=True)
            ),
            strict=True,
        )

    def _convert_columns(self, rows: list[SourceRow]) -> list[Sequence[Any]] | None:
        """Convert rows at once; None when one has to be looked at by itself."""
        if not rows:
            return None
        try:
            columns = self._loader.convert_compared(rows)
        except SuspiciousError:
            return None
        keys = (value for place in self._key for value in columns[place])
        # No such key can be looked for.
        if any(isinstance(value, str) and "\x00" in value for value in keys):
            return None
        return columns

    def _convert_each(
        self, file: str, rows: list[SourceRow], result: VerifyResult
    ) -> list[tuple[SourceRow, Values]]:
        """Convert rows one by one: one that can't be looked for at all is reported by itself."""
        converted: list[tuple[SourceRow, Values]] = []
        for row in rows:
            try:
                converted.append((row, self._loader.convert(row)))
            except BadRowError as error:
                self._add_bad(result, file, row, error)
        return converted

    def _find(self, keys: list[list[Any]]) -> dict[Any, list[Values]]:
        """Return the target's rows that have one of these keys, given as columns."""
        if not (keys and keys[0]):
            return {}
        # Binary: floats and times are not written and read as text.
        found = self._connection.execute(self._fetch, keys, binary=True).fetchall()
        by_key = {key: [row] for key, row in zip(map(self._identity, found), found, strict=True)}
        if len(by_key) < len(found):
            # Several rows of one key.
            by_key = {key: [] for key in by_key}
            for row in found:
                same = by_key[self._identity(row)]
                if row not in same:
                    same.append(row)
        return by_key

    def _best(self, wanted: Values, candidates: Sequence[Values]) -> str | None:
        """Return what is wrong, or None when a candidate is equal."""
        first = None
        for candidate in candidates:
            problem = self._difference(wanted, candidate)
            if problem is None:
                return None
            first = first or problem
        return first or "missing in the target"

    def _difference(self, wanted: Values, found: Values) -> str | None:
        for place, (expected, actual, kind) in enumerate(
            zip(wanted, found, self._kinds, strict=True)
        ):
            if expected == actual and type(expected) is type(actual):
                continue
            if not _is_equal(expected, actual, kind):
                name = self._loader.columns[place]
                if actual is None and self._is_cut_reference(name, expected):
                    continue
                if name in self._loader.mapping.merge.suffix and is_numbered(expected, actual):
                    continue
                if name in self._loader.mapping.secrets:
                    return f"{name}: not shown, as it may hold secrets"
                return f"{name}: {_short(expected)} in the source, {_short(actual)} in the target"
        return None

    def _is_cut_reference(self, name: str, value: Any) -> bool:
        """Tell whether a reference is NULL because its row is missing, as was asked for."""
        loader = self._loader
        for reference in loader.table.references:
            if reference.column != name or value is None:
                continue
            is_link = name == loader.table.link or name in loader.mapping.cut
            if is_link or loader.options.orphans == "null":
                parent = sql.SQL("SELECT FROM {} WHERE {} = %s").format(
                    sql.Identifier(reference.parent), sql.Identifier(reference.parent_column)
                )
                return self._connection.execute(parent, [value]).fetchone() is None
        return False

    def _add_bad(self, result: VerifyResult, file: str, row: SourceRow, error: BadRowError) -> None:
        if self._looks_for_mended and self._is_key_there(row):
            result.mended += 1
            return
        result.rejected += 1
        problem = str(error)
        if error.column in self._loader.mapping.secrets:
            problem = without_values(problem)
        self._add(result, file, row[0], f"{problem} (it could not be migrated)")

    def add_refused(
        self, result: VerifyResult, file: str, row: SourceRow, column: str, reason: str
    ) -> None:
        """Count a row that merging refused, which is missing in the target."""
        result.rejected += 1
        self._add(result, file, row[0], f"{column} {reason} (it could not be migrated)")

    def _refused(self, row: SourceRow, values: Values) -> BadRowError | None:
        """Return why the target can't hold a row as it is in the source, or None."""
        try:
            self._loader.convert(row)
        except BadRowError as error:
            return error
        if not self._checks:
            return None
        try:
            broken = self._connection.execute(self._test_checks, values).fetchone() or ()
        except psycopg.DataError:
            # A value that even its column does not take.
            return None
        for name, is_broken in zip(self._checks, broken, strict=True):
            if is_broken:
                columns, definition = self._loader.table.rules[name]
                return BadRowError(", ".join(columns), f"{BROKEN_RULE} {name}: {definition}")
        return None

    def _is_key_there(self, row: SourceRow) -> bool:
        """Tell whether the target has a row of this key, whatever its other values are."""
        names = self._loader.mapping.key
        try:
            key = [self._loader.convert_value(row, name) for name in names]
        except BadRowError:
            return False
        if not key or any(isinstance(value, str) and "\x00" in value for value in key):
            return False
        found = sql.SQL("SELECT FROM {} WHERE {}").format(
            sql.Identifier(self._loader.table.name),
            sql.SQL(" AND ").join(
                sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names
            ),
        )
        return self._connection.execute(found, key).fetchone() is not None

    def _add(self, result: VerifyResult, file: str, rowid: int, problem: str) -> None:
        result.mismatches += 1
        if len(result.first) < SHOWN_KEYS:
            result.first.append(f"{self._loader.table.name}, {file} row {rowid}: {problem}")


def _kind(table: Table, name: str) -> str:
    column = table.column(name)
    return column.type if column else "text"


def _identity_of(places: Sequence[int], kinds: Sequence[str]) -> Callable[[Values], Any]:
    """Return what gives the key of a row, by which source and target are the same."""
    if not any(kinds[place] == _TIMESTAMP for place in places):
        return itemgetter(*places)
    return lambda row: tuple(
        _timestamp(row[place]) if kinds[place] == _TIMESTAMP else row[place] for place in places
    )


def _timestamp(value: Any) -> Any:
    """Return a timestamp as a datetime; without zone it is UTC, as in the target's session."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return value


# What numbers may come as, besides what the driver gives: out of documents as text, whole ones as
# integers where floats belong.
_NUMBERS: dict[str, tuple[type[int] | type[float], set[type]]] = {
    "double precision": (float, {int, float, str, type(None)}),
    "bigint": (int, {int, str, type(None)}),
    "integer": (int, {int, str, type(None)}),
}


def _are_surely_equal(expected: Sequence[Any], actual: Sequence[Any], kind: str) -> bool:
    """Tell whether two columns are equal; False also where each value has to be looked at."""
    if kind == _TIMESTAMP:
        return _timestamps(expected) == list(actual)
    if kind in _JSON:
        pairs = [pair for pair in zip(expected, actual, strict=True) if pair[0] != pair[1]]
        return not pairs or _are_same_documents(*zip(*pairs, strict=True))
    # A converter may return a list, which no tuple is equal to.
    if tuple(expected) == tuple(actual) and all(map(is_, map(type, expected), map(type, actual))):
        return True
    if kind not in _NUMBERS:
        return False
    plain, allowed = _NUMBERS[kind]
    if not {*map(type, expected)} <= allowed or not {*map(type, actual)} <= {plain, type(None)}:
        return False
    try:
        return [None if value is None else plain(value) for value in expected] == list(actual)
    except ValueError:
        # Text that is no number.
        return False


def _timestamps(values: Sequence[Any]) -> list[Any]:
    """Do what :func:`_timestamp` does for a column."""
    try:
        if max(map(len, values)) <= _LONGEST_NAIVE:
            return [*map(datetime.fromisoformat, [f"{value}+00:00" for value in values])]
    except (TypeError, ValueError):
        # Some of them are NULL, or have a zone.
        pass
    return [*map(_timestamp, values)]


def _are_same_documents(ours: Sequence[str | None], theirs: Sequence[str | None]) -> bool:
    if None in ours or None in theirs:
        return False
    try:
        return _sorted_documents(ours) == _sorted_documents(theirs)
    except (TypeError, ValueError, RecursionError):
        # Not JSON, or an integer that the quick writer has no form for.
        return False


def _sorted_documents(texts: Sequence[Any]) -> bytes:
    return orjson.dumps(load_documents(texts), option=_SORTED)


def _is_equal(expected: Any, actual: Any, kind: str) -> bool:
    if expected is None or actual is None:
        return expected is actual
    if kind == "double precision":
        return float(expected) == float(actual)
    if kind == _TIMESTAMP:
        return bool(_timestamp(expected) == actual)
    if kind in _JSON:
        return is_same_json(expected, actual)
    if kind == "bytea":
        return bytes(expected) == bytes(actual)
    if isinstance(actual, int) and isinstance(expected, str):
        # A number that came out of a document.
        return int(expected) == actual
    return bool(expected == actual)


def is_same_json(expected: str, actual: str) -> bool:
    """Tell whether two texts of JSON say the same."""
    if _are_same_documents((expected,), (actual,)):
        return True
    try:
        return _same(load_json(expected), load_json(actual))
    except (ValueError, RecursionError):
        return False


_SORTED = orjson.OPT_SORT_KEYS


def _same(ours: Any, theirs: Any) -> bool:
    """Compare decoded JSON: numbers by value, booleans apart from numbers."""
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
