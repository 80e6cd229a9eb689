"""Finds stores and queries by name, and suggests the nearest ones."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from aragora_sql.database import Dialect
from aragora_sql.errors import InvalidInputError
from aragora_sql.queries.files import QueryText, query_folders, read_queries, sql_dir, sql_folder

__all__ = ["NamedQuery", "check_store", "find_query", "query_stores"]

_SUGGESTIONS = 3
# How alike two names have to be, from 0 to 1, to be taken for a misspelling.
_CUTOFF = 0.5


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query of a store, as a dialect's file has it."""

    store: str
    dialect: Dialect
    text: QueryText

    def __str__(self) -> str:
        return f"{self.store}.{self.text.name}"

    @property
    def location(self) -> str:
        """The file and line, as editors understand it."""
        return f"{self.text.path}:{self.text.line}"

    def check_parameters(self, given: Collection[str]) -> None:
        """Raise :class:`InvalidInputError` for parameters that are missing or unknown."""
        names = self.text.parameters
        problems = [f"missing parameter {name!r}" for name in names if name not in given]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                problems.append(f"unknown parameter {name!r}{hint}")
        if problems:
            takes = ", ".join(names) or "none"
            raise InvalidInputError(
                "--param", f"{self} ({self.location}): {'; '.join(problems)} (it takes: {takes})"
            )


def query_stores(dialect: Dialect, root: Path | None = None) -> list[str]:
    """Return the stores that have a file of queries, sorted."""
    folders = query_folders(dialect, root or sql_dir())
    return [folder.name for folder in folders if (folder / "queries.sql").is_file()]


def check_store(store: str, dialect: Dialect, root: Path | None = None) -> None:
    """Raise :class:`InvalidInputError` with the nearest names for an unknown store."""
    known = query_stores(dialect, root)
    if store not in known:
        raise InvalidInputError("store", f"there is no store {store!r}; {_nearest(store, known)}")


def find_query(name: str, dialect: Dialect, root: Path | None = None) -> NamedQuery:
    """Return the query ``store.query`` of a dialect.

    Raises :class:`InvalidInputError` with the nearest names for an unknown one, and
    :class:`~aragora_sql.errors.QueryFileError` for a file that can't be read.
    """
    root = root or sql_dir()
    store, dot, query = name.partition(".")
    stores = query_stores(dialect, root)
    if not dot:
        names = [f"{s}.{q}" for s in stores for q in _read(s, dialect, root)]
        raise InvalidInputError(
            "query",
            f"{name!r} is not of the form STORE.QUERY; {_nearest(name, names, by_query=True)}",
        )
    if store in stores:
        queries = _read(store, dialect, root)
        if query in queries:
            return NamedQuery(store, dialect, queries[query])
    names = [f"{s}.{q}" for s in stores for q in _read(s, dialect, root)]
    raise InvalidInputError(
        "query", f"there is no query {name!r}; {_nearest(name, names, by_query=True)}"
    )


def _read(store: str, dialect: Dialect, root: Path) -> dict[str, QueryText]:
    return read_queries(sql_folder(store, dialect, root) / "queries.sql", dialect)


def _nearest(name: str, known: Iterable[str], *, by_query: bool = False) -> str:
    """Say which names are nearest; ``by_query`` looks at the part behind the dot as well."""
    known = list(known)
    wanted = name.rpartition(".")[2]

    def likeness(candidate: str) -> float:
        ratio = difflib.SequenceMatcher(None, name, candidate).ratio()
        if by_query:
            part = candidate.rpartition(".")[2]
            ratio = max(ratio, difflib.SequenceMatcher(None, wanted, part).ratio())
        return ratio

    ranked = sorted(((likeness(c), c) for c in known), key=lambda pair: (-pair[0], pair[1]))
    near = [candidate for ratio, candidate in ranked[:_SUGGESTIONS] if ratio >= _CUTOFF]
    if near:
        return f"the nearest: {', '.join(near)}"
    if by_query:
        stores = ", ".join(sorted({candidate.partition(".")[0] for candidate in known}))
        return f"stores: {stores or 'none'} ('aragora-sql queries' lists their queries)"
    return f"there are: {', '.join(known) or 'none'}"
