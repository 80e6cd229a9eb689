"""New numbers for rows whose number is that of another file's row, remembered in the target.

A row is known by its file and its rowid. Files of one name in two directories are told apart by
where they were when they got their first number, and a directory that was moved since by its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from aragora_sql.migration.loading import SourceRow
from aragora_sql.migration.merging import Part
from aragora_sql.migration.statements import call, call_value
from aragora_sql.migration.target import PgConnection, Table

__all__ = ["Numbers"]

# Rows that are compared to find out whether a file is one that was moved.
_SAMPLE = 1000


class Numbers:
    """Gives numbers to rows of the files in ``path``.

    With ``is_foretold`` nothing is written: a row that has no number yet gets one that no row has.
    """

    def __init__(self, connection: PgConnection, path: Path, *, is_foretold: bool) -> None:
        self._connection = connection
        self._source = str(path.absolute())
        self._is_foretold = is_foretold
        self._is_empty = is_foretold and not call_value(connection, "has_numbers")
        self._homes: dict[tuple[str, str], str] = {}
        self._foretold: dict[tuple[str, str, int], int] = {}

    def number_of(self, table: Table, part: Part, row: SourceRow) -> int:
        """Return the number of a row, the same each time."""
        number = None
        if not self._is_empty:
            place = {
                "target_table": table.name,
                "source": self._home(table, part),
                "source_file": part.source.name,
                "source_rowid": row[0],
            }
            number = call_value(self._connection, "get_number", **place)
            if number is None and not self._is_foretold:
                number = call_value(
                    self._connection,
                    "take_number",
                    **place,
                    row_digest=_digest(row),
                    key=table.key[0],
                )
        if number is None:
            place_of_row = (table.name, part.source.name, row[0])
            number = self._foretold.setdefault(place_of_row, -(2**62) - len(self._foretold))
        return int(number)

    def given(self, table: Table, part: Part, rowids: Sequence[int]) -> dict[int, int]:
        """Return the numbers that rows of a file were given, by rowid."""
        if self._is_empty or not rowids:
            return {}
        found = call(
            self._connection,
            "list_numbers",
            target_table=table.name,
            source=self._home(table, part),
            source_file=part.source.name,
            first_row=min(rowids),
            last_row=max(rowids),
        )
        return dict(found.fetchall())

    def _home(self, table: Table, part: Part) -> str:
        """Return the path under which the numbers of a file are remembered."""
        file = (table.name, part.source.name)
        if file not in self._homes:
            self._homes[file] = self._find_home(table, part)
        return self._homes[file]

    def _find_home(self, table: Table, part: Part) -> str:
        known: dict[str, list[tuple[int, str]]] = {}
        for source, rowid, digest in call(
            self._connection,
            "list_numbered",
            target_table=table.name,
            source_file=part.source.name,
            row_limit=_SAMPLE,
        ):
            known.setdefault(source, []).append((rowid, digest))
        if self._source in known:
            return self._source
        for source, rows in known.items():
            if any(_is_same(part, rowid, digest) for rowid, digest in rows):
                return source
        return self._source


def _is_same(part: Part, rowid: int, digest: str) -> bool:
    # An earlier release kept no digest, and knew files by their names alone.
    return not digest or any(
        _digest(row) == digest
        for batch in part.source.read(part.mapping, rowid, rowid, 1)
        for row in batch
    )


def _digest(row: tuple[Any, ...]) -> str:
    return blake2b(repr(row[1:]).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
