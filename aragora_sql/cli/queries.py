"""``aragora-sql queries`` and ``show``: the named queries and what the engines know of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from aragora_sql.cli.output import new_console, new_table, plain, relative
from aragora_sql.database import Dialect
from aragora_sql.errors import InvalidInputError
from aragora_sql.queries.files import DIALECTS
from aragora_sql.workbench.entries import Entry, QueryEntries, read_query_entries
from aragora_sql.workbench.highlight import lexer
from aragora_sql.workbench.names import check_store, find_query

__all__ = ["add_commands", "add_scratch", "keeps"]

_SCRATCH_DSN = (
    "PostgreSQL server to ask, in a scratch database of its own (default: one that is started)"
)
_TITLES = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
# Two columns of SQL side by side need room for about this many characters.
_SIDE_BY_SIDE = 120
_ROOM = 80


def add_commands(groups: Any) -> None:
    """Add the commands to the parser of ``aragora-sql``."""
    queries = groups.add_parser("queries", help="list the named queries")
    queries.add_argument("store", nargs="?", metavar="STORE", help="only those of one store")
    add_scratch(queries)
    queries.add_argument("--json", action="store_true", help="print JSON")
    queries.set_defaults(run=_queries)

    show = groups.add_parser("show", help="show a query in both dialects, with its plans")
    show.add_argument("query", metavar="STORE.QUERY", help="such as consensus.find_similar")
    add_scratch(show)
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=_show)


def add_scratch(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where PostgreSQL is asked about the files."""
    parser.add_argument("--dsn", help=_SCRATCH_DSN)
    parser.add_argument(
        "--no-keep",
        action="store_true",
        help="end our own PostgreSQL with the command; by default the next one finds it running",
    )


def keeps(options: argparse.Namespace) -> bool:
    """Tell whether our own PostgreSQL runs on for the next command."""
    # Where a machine is thrown away after each run, nothing is left to find.
    return not (options.no_keep or os.environ.get("CI"))


def _queries(options: argparse.Namespace) -> int:
    if options.store is not None:
        _in_either_dialect(check_store, options.store)
    stores = None if options.store is None else [options.store]
    found = read_query_entries(stores, plans=False, dsn=options.dsn, keep=keeps(options))
    if options.json:
        print(json.dumps([entry.to_dict() for entry in found.entries], default=plain))
    else:
        _print_table(found)
    return _report_problems(found)


def _in_either_dialect(find: Any, name: str) -> None:
    """Find a name in one dialect's files; what is missing in the other is shown as missing."""
    try:
        find(name, "postgres")
    except InvalidInputError as error:
        try:
            find(name, "sqlite")
        except InvalidInputError:
            raise error from None


def _print_table(found: QueryEntries) -> None:
    console = new_console()
    table = new_table()
    # Names and places are there to be copied: they are not broken where there is any room.
    table.add_column("query, file:line", overflow="fold", no_wrap=console.width >= _ROOM)
    for heading in ("returns", "parameters", "reads", "writes"):
        table.add_column(heading, overflow="fold")
    for entry in found.entries:
        places = "\n".join(_location(entry, dialect) for dialect in entry.texts)
        table.add_row(
            Text.assemble((str(entry), "bold"), "\n", (places, "dim")),
            entry.operation,
            ", ".join(entry.text.parameters),
            ", ".join(entry.reads),
            ", ".join(entry.writes),
        )
    console.print(table)


def _location(entry: Entry, dialect: Dialect) -> str:
    text = entry.texts[dialect]
    return str(relative(f"{text.path}:{text.line}"))


def _report_problems(found: QueryEntries) -> int:
    """Say what the engines refuse, which is therefore not shown in full."""
    for problem in found.facts.problems:
        print(problem, file=sys.stderr)
    if found.missing is not None:
        print(found.missing, file=sys.stderr)
    return 1 if found.facts.problems else 0


def _show(options: argparse.Namespace) -> int:
    _in_either_dialect(find_query, options.query)
    store, _, name = options.query.partition(".")
    found = read_query_entries([store], dsn=options.dsn, keep=keeps(options))
    (entry,) = (entry for entry in found.entries if entry.name == name)
    if options.json:
        print(json.dumps(entry.to_dict(), default=plain))
    else:
        _print_entry(new_console(), entry, asked=found.missing is None)
    return _report_problems(found)


def _print_entry(console: Console, entry: Entry, *, asked: bool) -> None:
    console.print(Text(f"{entry}({', '.join(entry.text.parameters)})", style="bold"))
    console.print(Text(f"returns {entry.operation}", style="dim"))
    console.print(Text(entry.text.doc))
    for kind, tables in (("reads", entry.reads), ("writes", entry.writes)):
        if tables:
            console.print(Text(f"{kind} {', '.join(tables)}"))
    for heading, rows in (("parameters", _parameters(entry)), ("result", _columns(entry))):
        if rows:
            console.print()
            table = new_table()
            for title in (heading, "PostgreSQL", "SQLite", "Python", "null"):
                table.add_column(title)
            for row in rows:
                table.add_row(*map(Text, row))
            console.print(table)
    console.print()
    sides = [_side(entry, dialect, asked=asked) for dialect in DIALECTS]
    if console.width < _SIDE_BY_SIDE:
        console.print(Group(*sides))
        return
    grid = Table.grid(expand=True, padding=(0, 2))
    for _ in sides:
        grid.add_column(ratio=1)
    grid.add_row(*sides)
    console.print(grid)


def _parameters(entry: Entry) -> list[tuple[str, ...]]:
    by_dialect = {
        dialect: {parameter.name: parameter for parameter in facts.parameters}
        for dialect, facts in entry.facts.items()
    }
    rows: list[tuple[str, ...]] = []
    for name in entry.text.parameters:
        known = [parameters[name] for parameters in by_dialect.values() if name in parameters]
        if known:
            # SQLite has no types of parameters.
            best = known[0]
            null = "may be" if any(parameter.nullable for parameter in known) else ""
            rows.append((name, best.type or "", "", best.python_type or "", null))
    return rows


def _columns(entry: Entry) -> list[tuple[str, ...]]:
    by_dialect = {
        dialect: {column.name: column for column in facts.columns}
        for dialect, facts in entry.facts.items()
    }
    names = list(dict.fromkeys(name for columns in by_dialect.values() for name in columns))
    rows: list[tuple[str, ...]] = []
    for name in names:
        known = {dialect: columns.get(name) for dialect, columns in by_dialect.items()}
        types = [column.type or "" if (column := known.get(d)) else "" for d in DIALECTS]
        present = [column for column in known.values() if column is not None]
        python = next((c.python_type for c in present if c.python_type), "")
        nullable = next((c.nullable for c in present if c.nullable is not None), None)
        rows.append((name, *types, python, {True: "may be", False: "", None: "?"}[nullable]))
    return rows


def _side(entry: Entry, dialect: Dialect, *, asked: bool) -> RenderableType:
    heading = Text(_TITLES[dialect], style="bold")
    if dialect not in entry.texts:
        return Group(heading, Text("no such query in its files", style="red"))
    text = entry.texts[dialect]
    sql = Syntax(text.sql, lexer(dialect), theme="ansi_dark", word_wrap=True)
    parts: list[RenderableType] = [heading, Text(_location(entry, dialect), style="dim"), sql]
    plan = entry.plans.get(dialect)
    if plan:
        parts += [Text("\nplan", style="bold"), Text("\n".join(plan))]
    elif asked and dialect not in entry.facts and text.operation != "#":
        parts.append(Text("\nits engine refuses it", style="red"))
    return Padding(Group(*parts), (0, 0, 1, 0))
