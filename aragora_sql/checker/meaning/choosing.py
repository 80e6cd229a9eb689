"""Chooses of many calls of a query those whose answers differ: few calls then tell much.

SQLite alone tries them, on a copy in memory, which takes a fraction of a millisecond for each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

from aragora_sql.checker.meaning.pair import Side, copy_sqlite
from aragora_sql.checker.meaning.trying import Bound, Trial, Tried
from aragora_sql.database.sqlite import SQLiteConnection
from aragora_sql.database.statement import Statement

__all__ = ["choose_calls"]

# How many calls are tried in any case; more only where an edit is left that none of them tells.
_FIRST = 60
# How many times edited texts of a query are tried, for each of them, to find the calls that tell
# them from it: at first each one on a few calls, for some are told by none.
_MOST_TRIES = 20
_AT_FIRST = 5


async def choose_calls(
    sqlite: Side,
    statement: Statement,
    tables: Sequence[str],
    calls: Iterable[Any],
    most: int,
    edited: Iterable[str] = (),
    *,
    is_writing: bool = True,
) -> list[Any]:
    """Return some calls, those that show most: ``most`` of them, or all that tell an edit.

    A call is what a query takes, or a list of that. ``tables`` are those that it may write to.
    ``is_writing`` says whether it may write at all, so that each call has to be undone.
    ``edited`` are other texts of the query: a call counts that tells one of them from the query.
    Of calls that do the same the first one counts more than the others, and so do calls with many
    rows.
    """
    async with sqlite.database.connection() as connection:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        work = partial(_choose, statement, tables, calls, most, list(edited), is_writing)
        return await connection.run_in_thread("calls", work)


def _choose(
    statement: Statement,
    tables: Sequence[str],
    calls: Iterable[Any],
    most: int,
    edited: Sequence[str],
    is_writing: bool,
    driver: sqlite3.Connection,
) -> list[Any]:
    with closing(copy_sqlite(driver)) as own:
        search = _Search(Trial(own, statement, tables, is_writing=is_writing), iter(calls))
        search.tell(edited)
    return search.chosen(most)


class _Search:
    """Finds calls that tell edited texts of a query from it; ``deciding`` are their places."""

    def __init__(self, trial: Trial, more: Iterator[Any]) -> None:
        self.calls: list[Any] = []
        self.deciding: list[int] = []
        self._bound: list[Bound] = []
        self._tried: list[Tried] = []
        self._trial = trial
        self._more = more
        self._left = 0
        self._take(_FIRST)

    def tell(self, edited: Iterable[str]) -> None:
        """Look for a call for each text: first among few, then among all, then among more."""
        known: dict[str, set[int]] = {sql: set() for sql in edited}
        self._left = _MOST_TRIES * len(known)
        ranked = self._ranked()
        # What told one edit from the query often tells the next one.
        self._among(known, lambda: [*reversed(self.deciding), *ranked[:_AT_FIRST]])
        self._among(known, lambda: [*reversed(self.deciding), *ranked])
        while known and self._left > 0 and self._take(1):
            self._left -= 1
            self._among(known, lambda: [len(self.calls) - 1])

    def chosen(self, most: int) -> list[Any]:
        """Return the calls that tell edits, and up to a number of all those that show most."""
        places = list(dict.fromkeys([*self.deciding, *self._ranked()]))
        return [self.calls[place] for place in places[: max(most, len(self.deciding))]]

    def _ranked(self) -> list[int]:
        first: dict[int, int] = {}
        for place, one in enumerate(self._tried):
            first.setdefault(one.outcome, place)
        distinct = list(first.values())
        by_size = sorted(distinct, key=lambda place: -self._tried[place].size)
        mixed = [place for both in zip(by_size, distinct, strict=True) for place in both]
        return list(dict.fromkeys([*mixed, *range(len(self._tried))]))

    def _take(self, number: int) -> bool:
        some = list(islice(self._more, number))
        bound = [self._trial.bind(call) for call in some]
        self.calls += some
        self._bound += bound
        self._tried += [self._trial.run(one) for one in bound]
        return bool(some)

    def _among(self, known: dict[str, set[int]], places: Callable[[], Sequence[int]]) -> None:
        """Try the texts that are left on some calls; those that are told go."""
        for sql, seen in list(known.items()):
            for place in places():
                if place in seen:
                    continue
                if self._left <= 0:
                    return
                self._left -= 1
                seen.add(place)
                if self._trial.run(self._bound[place], sql).outcome != self._tried[place].outcome:
                    if place not in self.deciding:
                        self.deciding.append(place)
                    del known[sql]
                    break
