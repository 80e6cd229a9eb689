"""Every query in both dialects, with what the engines know of it and how they would run it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aragora_sql.database import Dialect
from aragora_sql.embedded import find_binaries
from aragora_sql.engines.facts import (
    Engines,
    Facts,
    QueryFacts,
    Tree,
    plan_lines,
    read_facts,
    read_texts,
    read_tree,
    tables_in_text,
)
from aragora_sql.queries.files import DIALECTS, QueryText, sql_dir

__all__ = ["OPERATIONS", "Entry", "QueryEntries", "read_query_entries"]

OPERATIONS = {
    "": "rows",
    "^": "one row",
    "$": "one value",
    "!": "row count",
    "<!": "returned value",
    "*!": "row count of a batch",
    "#": "script",
}
"""What the caller of a query gets, by the sign of its operation."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A query of both dialects.

    A dialect is missing from ``texts`` when its file has no such query, from ``facts`` and from
    ``plans`` when it is a script or its engine refuses it. ``reads`` and ``writes`` are tables.
    """

    store: str
    name: str
    texts: Mapping[Dialect, QueryText]
    facts: Mapping[Dialect, QueryFacts]
    plans: Mapping[Dialect, tuple[str, ...]]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.store}.{self.name}"

    @property
    def text(self) -> QueryText:
        """The text in PostgreSQL's file, or else in SQLite's."""
        return next(self.texts[dialect] for dialect in DIALECTS if dialect in self.texts)

    @property
    def operation(self) -> str:
        """What the caller gets, in words."""
        return OPERATIONS[self.text.operation]

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "store": self.store,
            "name": self.name,
            "operation": self.text.operation,
            "returns": self.operation,
            "doc": self.text.doc,
            "parameters": list(self.text.parameters),
            "reads": self.reads,
            "writes": self.writes,
            "dialects": {
                dialect: {
                    "path": str(text.path),
                    "line": text.line,
                    "sql": text.sql,
                    **_known(self.facts.get(dialect)),
                    "plan": self.plans.get(dialect),
                }
                for dialect, text in self.texts.items()
            },
        }


def _known(facts: QueryFacts | None) -> dict[str, Any]:
    if facts is None:
        return {}
    return {
        "parameters": [asdict(parameter) for parameter in facts.parameters],
        "columns": [asdict(column) for column in facts.columns],
        "tables_read": facts.tables_read,
        "tables_written": facts.tables_written,
    }


@dataclass(frozen=True, slots=True)
class QueryEntries:
    """The queries of a tree in the order of their files, and all facts that they come from.

    ``versions`` names the engines that were asked. Where they are not installed ``missing`` says
    what to install, and all is known from the files: no types, no plans, no tables.
    """

    root: Path
    entries: tuple[Entry, ...]
    facts: Facts
    versions: str = ""
    missing: str | None = None

    def of_store(self, store: str) -> list[Entry]:
        """Return the queries of one store."""
        return [entry for entry in self.entries if entry.store == store]


def read_query_entries(
    stores: Iterable[str] | None = None,
    *,
    plans: bool = True,
    dsn: str | None = None,
    keep: bool = False,
    root: Path | None = None,
    say: Callable[[str], None] = lambda doing: None,
) -> QueryEntries:
    """Ask both engines about every query of some stores (default: all) of a tree.

    PostgreSQL is an embedded server, which runs on for the next command when ``keep`` is set, or
    the one of ``dsn``, in a scratch place that is removed again; SQLite is in memory. ``plans``,
    which take most of the time, are for whatever the parameters are, on tables of some thousand
    rows each. ``say`` is told what is being done, in a few words, each time that this changes.

    Where the engines are not installed, the entries are what the files say.
    """
    tree = read_tree(root or sql_dir())
    missing = _missing(dsn)
    if missing is not None:
        return _from_files(tree, stores, missing)
    # Looking something up must not reach for the database that the environment names.
    with Engines(tree, dsn, keep=keep, environment=False) as engines:
        say("preparing the queries on both engines")
        facts = read_facts(engines, stores)
        if plans and not facts.unloaded:
            say("filling the tables, and asking for plans")
            engines.fill(facts.catalogs)
        names = dict.fromkeys((store, name) for _, store, name in facts.texts)
        # Sorting keeps the order of the files within a store.
        names = dict.fromkeys(sorted(names, key=lambda name: name[0]))
        entries = [_entry(facts, store, name, engines if plans else None) for store, name in names]
        versions = f"PostgreSQL {engines.postgres.version} and SQLite {engines.sqlite.version}"
    return QueryEntries(tree.root, tuple(entries), facts, versions)


def _missing(dsn: str | None) -> str | None:
    """Return what to install before the engines can be asked; None when they can."""
    if importlib.util.find_spec("apsw") is None or (dsn is None and not find_binaries()):
        return "types, tables and plans need engines: pip install 'aragora-sql[engines]'"
    return None


def _from_files(tree: Tree, stores: Iterable[str] | None, missing: str) -> QueryEntries:
    texts, problems = read_texts(tree.root, stores)
    problems = [*tree.problems, *problems]
    facts = Facts(tree, {}, texts, {"postgres": {}, "sqlite": {}}, tuple(problems))
    tables = {
        item.name
        for files in tree.schemas.values()
        for file in files
        for item in file.items
        if item.kind in {"table", "view"}
    }
    names = dict.fromkeys((store, name) for _, store, name in texts)
    entries = []
    for store, name in sorted(names, key=lambda name: name[0]):
        by_dialect = {d: texts[d, store, name] for d in DIALECTS if (d, store, name) in texts}
        named = [tables_in_text(text.sql, dialect) for dialect, text in by_dialect.items()]
        reads = set().union(*(sources for sources, _ in named)) & tables
        writes = set().union(*(written for _, written in named)) & tables
        entries.append(
            Entry(store, name, by_dialect, {}, {}, tuple(sorted(reads)), tuple(sorted(writes)))
        )
    return QueryEntries(tree.root, tuple(entries), facts, missing=missing)


def _entry(facts: Facts, store: str, name: str, engines: Engines | None) -> Entry:
    known = {dialect: facts.query(dialect, store, name) for dialect in DIALECTS}
    present = {dialect: query for dialect, query in known.items() if query is not None}
    return Entry(
        store=store,
        name=name,
        texts={
            dialect: facts.texts[dialect, store, name]
            for dialect in DIALECTS
            if (dialect, store, name) in facts.texts
        },
        facts=present,
        plans={
            dialect: plan_lines(engines, query)
            for dialect, query in present.items()
            if engines is not None
        },
        reads=_touched(present, facts, "tables_read"),
        writes=_touched(present, facts, "tables_written"),
    )


def _touched(
    known: Mapping[Dialect, QueryFacts],
    facts: Facts,
    which: Literal["tables_read", "tables_written"],
) -> tuple[str, ...]:
    """Return PostgreSQL's tables of a query, and those that only SQLite has.

    SQLite's list has more: what foreign keys and triggers look at besides.
    """
    tables: dict[Dialect, tuple[str, ...]] = {d: getattr(one, which) for d, one in known.items()}
    postgres = known.get("postgres")
    # Before version 14 PostgreSQL does not tell.
    if postgres is None or not (postgres.tables_read or postgres.tables_written):
        return tables.get("sqlite", ())
    elsewhere = facts.catalogs["postgres"]
    only = {table for table in tables.get("sqlite", ()) if table not in elsewhere}
    return tuple(sorted({*tables["postgres"], *only}))
