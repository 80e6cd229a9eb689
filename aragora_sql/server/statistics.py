"""What the queries of this process did: calls, errors and times by query, kept in memory."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

from aragora_sql.database import Database, Statement
from aragora_sql.database.observing import Ended, Observer

__all__ = ["BUCKETS", "QueryStatistics", "Statistics"]

# Upper bounds of the histogram, in seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class QueryStatistics:
    """Counts of one query; times are in seconds. ``buckets`` has one more for what is longer."""

    __slots__ = ("buckets", "calls", "errors", "location", "longest", "seconds")

    def __init__(self, location: tuple[str, int] | None) -> None:
        self.location = location
        self.calls = 0
        self.seconds = 0.0
        self.longest = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.errors: Counter[str] = Counter()

    def add(self, seconds: float, error: BaseException | None) -> None:
        """Count a call; a failed one has a time too."""
        self.calls += 1
        self.seconds += seconds
        if seconds > self.longest:
            self.longest = seconds
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        if error is not None:
            self.errors[type(error).__name__] += 1


class Statistics:
    """The counts of all queries of one database's engine and connections, by name.

    ``observer`` is what has to be switched on for it.
    """

    def __init__(self, database: Database) -> None:
        self.queries: dict[str, QueryStatistics] = {}
        self.observer = Observer(statement=self._begin)
        self._key = database._unit_key()

    def _begin(self, database: Database, statement: Statement, sets: int) -> Ended:
        if database._unit_key() is not self._key:
            return _ignored
        query = self.queries.get(statement.name)
        if query is None:
            query = self.queries[statement.name] = QueryStatistics(statement.location)
        started = time.perf_counter()

        def end(error: BaseException | None) -> None:
            query.add(time.perf_counter() - started, error)

        return end


def _ignored(error: BaseException | None) -> None:
    """Count nothing: the statement was of another database."""
